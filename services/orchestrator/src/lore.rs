//! The lore books of campaigns: which entries a text brings up, and how many of them a turn may be told.

use std::collections::{HashMap, HashSet};

use service_kit::db::{DbError, Row, Statement};

use crate::{memory::tokens, store::Store};

/// Entries of one lore book.
pub(crate) const MAX_ENTRIES: usize = 500;
/// Words shared with the text that bring an entry up where no keyword of it was said.
const SHARED: usize = 2;
/// What a keyword counts beside the best fit of words.
const KEYWORD: f64 = 10.0;
/// The usual constants of BM25: how soon a word's frequency counts no more, and how much length counts.
const SATURATION: f64 = 1.2;
const LENGTH: f64 = 0.75;
/// Characters of the shortest word that says something.
const MIN_WORD: usize = 3;
/// Words that say nothing about what a text is about, in their order.
const COMMON: &[&str] = &[
    "about", "after", "all", "and", "are", "but", "can", "das", "der", "die", "does", "ein", "eine", "for", "from",
    "has", "have", "her", "him", "his", "how", "ich", "into", "ist", "its", "mit", "not", "our", "out", "over", "she",
    "that", "the", "their", "them", "then", "there", "they", "this", "und", "was", "what", "where", "who", "will",
    "with", "you", "your",
];

const SELECT: &str = "SELECT title, keywords, body, in_every_turn FROM lore WHERE campaign_id = $1 ORDER BY title_key";
const UPSERT: &str = "INSERT INTO lore (campaign_id, title_key, title, keywords, body, in_every_turn) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (campaign_id, title_key) DO UPDATE SET title = excluded.title, \
     keywords = excluded.keywords, body = excluded.body, in_every_turn = excluded.in_every_turn";
const DELETE: &str = "DELETE FROM lore WHERE campaign_id = $1 AND title_key = $2";

/// An entry of a lore book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub title: String,
    pub keywords: Vec<String>,
    pub body: String,
    /// Whether it is told in every turn.
    pub always: bool,
}

/// What of a lore book a turn is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub entries: Vec<Entry>,
    /// Titles of those that were brought up and did not fit.
    pub left_out: Vec<String>,
    pub tokens: usize,
}

impl Entry {
    pub fn tokens(&self) -> usize {
        tokens(&self.title) + tokens(&self.body)
    }
}

impl Store {
    /// The lore book of a campaign, by title.
    pub async fn lore(&self, campaign_id: &str) -> Result<Vec<Entry>, DbError> {
        let rows = self.db().fetch(SELECT, vec![campaign_id.into()]).await?;
        let to_entry = |row: &Row| Entry {
            title: row.text(0),
            keywords: serde_json::from_str(&row.text(1)).unwrap_or_default(),
            body: row.text(2),
            always: row.integer(3) != 0,
        };
        Ok(rows.iter().map(to_entry).collect())
    }

    /// Writes an entry; one of the same title is replaced.
    pub async fn set_lore(&self, campaign_id: &str, entry: &Entry) -> Result<(), DbError> {
        let keywords = serde_json::Value::from(entry.keywords.clone()).to_string();
        let args = vec![
            campaign_id.into(),
            entry.title.to_lowercase().into(),
            entry.title.as_str().into(),
            keywords.into(),
            entry.body.as_str().into(),
            entry.always.into(),
        ];
        self.db().write(vec![Statement::new(UPSERT, args)]).await
    }

    /// Takes an entry out; whether there was one.
    pub async fn delete_lore(&self, campaign_id: &str, title: &str) -> Result<bool, DbError> {
        let args = vec![campaign_id.into(), title.to_lowercase().into()];
        match self.db().write(vec![Statement::new(DELETE, args).affecting(1)]).await {
            Ok(()) => Ok(true),
            Err(DbError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The entries that a text brings up, the best first: those that are always told, those of which a keyword or the title
/// is said, and those that share words with it. `wide`: one shared word is enough.
pub(crate) fn brought_up(entries: Vec<Entry>, text: &str, wide: bool) -> Vec<Entry> {
    let wanted = words(text);
    let said = format!(" {} ", split(text).collect::<Vec<_>>().join(" "));
    let texts: Vec<Vec<String>> = entries.iter().map(|entry| split(&entry.body).collect()).collect();
    let average = texts.iter().map(Vec::len).sum::<usize>().max(1) as f64 / texts.len().max(1) as f64;
    let mut holders: HashMap<&str, usize> = HashMap::new();
    for text in &texts {
        for word in text.iter().map(String::as_str).collect::<HashSet<_>>() {
            *holders.entry(word).or_default() += 1;
        }
    }
    let count = texts.len() as f64;
    let fit = |text: &[String]| -> (usize, f64) {
        let mut shared = 0;
        let mut fit = 0.0;
        for word in &wanted {
            let often = text.iter().filter(|other| *other == word).count() as f64;
            if often == 0.0 {
                continue;
            }
            shared += 1;
            let holders = holders.get(word.as_str()).copied().unwrap_or_default() as f64;
            let rarity = (1.0 + (count - holders + 0.5) / (holders + 0.5)).ln();
            let length = 1.0 - LENGTH + LENGTH * text.len() as f64 / average;
            fit += rarity * often * (SATURATION + 1.0) / (often + SATURATION * length);
        }
        (shared, fit)
    };
    let is_said = |phrase: &String| {
        let phrase = split(phrase).collect::<Vec<_>>().join(" ");
        !phrase.is_empty() && said.contains(&format!(" {phrase} "))
    };
    let least = if wide { 1 } else { SHARED };
    let mut found: Vec<(bool, f64, Entry)> = Vec::new();
    for (entry, text) in entries.into_iter().zip(&texts) {
        let keywords = entry.keywords.iter().chain([&entry.title]).filter(|phrase| is_said(phrase)).count();
        let (shared, fit) = fit(text);
        if (entry.always && !wide) || 0 < keywords || least <= shared {
            found.push((entry.always && !wide, KEYWORD * keywords as f64 + fit, entry));
        }
    }
    found.sort_by(|one, other| other.0.cmp(&one.0).then(other.1.total_cmp(&one.1)));
    found.into_iter().map(|(.., entry)| entry).collect()
}

/// As many entries as fit into the budget, in their order; the others are named.
pub(crate) fn within(budget: usize, entries: Vec<Entry>) -> Told {
    let mut told = Told::default();
    for entry in entries {
        if told.tokens + entry.tokens() <= budget {
            told.tokens += entry.tokens();
            told.entries.push(entry);
        } else {
            told.left_out.push(entry.title);
        }
    }
    told
}

/// What a text is about: its words in lower case, without those that say nothing.
pub(crate) fn words(text: &str) -> HashSet<String> {
    let mut words = HashSet::new();
    each_word(text, |word| {
        words.insert(word.to_owned());
    });
    words
}

/// The same, one after another, as often as they stand there.
pub(crate) fn each_word(text: &str, mut take: impl FnMut(&str)) {
    let mut lower = String::new();
    for word in text.split(|char: char| !char.is_alphanumeric()) {
        if word.chars().nth(MIN_WORD - 1).is_none() {
            continue;
        }
        lower.clear();
        if word.is_ascii() {
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            lower.push_str(&word.to_lowercase());
        }
        if COMMON.binary_search(&lower.as_str()).is_err() {
            take(&lower);
        }
    }
}

fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Vec<Entry> {
        let entry = |title: &str, keywords: &[&str], body: &str, always| Entry {
            title: title.into(),
            keywords: keywords.iter().map(|&word| word.into()).collect(),
            body: body.into(),
            always,
        };
        vec![
            entry("Renraku Arcology", &["the arc"], "A pyramid downtown, closed since its computer woke up.", false),
            entry("The Big Rhino", &["orc underground"], "A bar below the market where orc fixers meet.", false),
            entry("The year", &[], "It is 2056.", true),
        ]
    }

    #[track_caller]
    fn check(text: &str, wide: bool, expected: &[&str]) {
        let titles: Vec<String> = brought_up(book(), text, wide).into_iter().map(|entry| entry.title).collect();
        assert_eq!(titles, expected, "{text}");
    }

    #[test]
    fn a_text_is_about_its_words_in_lower_case_but_for_the_common_ones() {
        assert!(COMMON.is_sorted());
        let about = words("WHERE is the Ärger? In Ümlaut-Straße, at no 12345, you and your ork.");
        let expected = ["ärger", "ümlaut", "straße", "12345", "ork"];
        assert_eq!(about, expected.map(str::to_owned).into());
    }

    #[test]
    fn an_entry_is_brought_up_by_its_title_a_keyword_or_its_words() {
        check("We go to the Renraku arcology.", false, &["The year", "Renraku Arcology"]);
        check("What is in the Orc Underground?", false, &["The year", "The Big Rhino"]);
        check("Is there a bar where fixers hang around?", false, &["The year", "The Big Rhino"]);
        check("I look into the bar.", false, &["The year"]);
        check("a fine architect", false, &["The year"]);
    }

    #[test]
    fn who_searches_finds_by_a_single_word_and_nothing_that_is_not_asked_for() {
        check("market", true, &["The Big Rhino"]);
        check("dragons", true, &[]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let told = within(10, book());

        assert_eq!(told.entries.len(), 1);
        assert_eq!(told.entries[0].title, "The year");
        assert_eq!(told.left_out, ["Renraku Arcology", "The Big Rhino"]);
        assert!(told.tokens <= 10);
    }
}
