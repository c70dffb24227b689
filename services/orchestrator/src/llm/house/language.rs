//! Other languages than English, as tables: what a player says is read into the English that the house game master
//! understands, and what he tells is put into the player's language sentence by sentence.
//!
//! A language is one text file of `languages/`; to teach him another is to add a file and a line in [`ALL`]. A file has
//! sections: `marks`, the words by which a language is known; `heard`, phrases with their English (`|` between forms of one,
//! `…` for words between two parts, which stay); `endings` of compounds; `nouns` with their gender and `articles` of each
//! gender and case; `words` for what stands within sentences; `told`, English sentences, each with its ways to say it;
//! `outcomes` and `refusals`, by which a sentence told is known as one. Umlauts may be written as two letters.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{phrases, words};

/// Every language but English.
static ALL: LazyLock<[Language; 1]> = LazyLock::new(|| [Language::read(include_str!("languages/german.txt"))]);

/// Words by which English is known.
const ENGLISH: &[&str] = &[
    "the", "i", "my", "with", "at", "and", "is", "what", "how", "a", "of", "to", "we", "me", "for", "from", "roll",
    "against", "do", "have", "are", "show", "shoot", "who", "it", "he", "she", "they", "his", "her", "you", "that",
    "then", "wait",
];
/// Words of one message that are read: phrases may turn them into fewer.
const MAX_TOKENS: usize = 2 * words::MAX_WORDS;
/// Words between the two parts of a phrase at the most.
const GAP: usize = 12;

/// A language that players may speak.
#[derive(Debug)]
pub(super) struct Language {
    marks: HashSet<String>,
    /// By the first word: each phrase's words, where its gap is, and its English.
    heard: HashMap<String, Vec<Heard>>,
    endings: Vec<(String, String)>,
    nouns: HashMap<String, (String, String)>,
    articles: HashMap<(String, String), String>,
    words: Vec<(String, String)>,
    told: Vec<Told>,
    outcomes: Vec<String>,
    refusals: Vec<String>,
}

/// A phrase as a player says it.
#[derive(Debug)]
struct Heard {
    words: Vec<String>,
    /// What follows after a gap; empty: nothing does.
    after_gap: Vec<String>,
    english: String,
}

/// A sentence as the game master tells it.
#[derive(Debug)]
pub(super) struct Told {
    english: Vec<Part>,
    /// Letters that are not blanks: of two sentences that fit, the one with more is meant.
    weight: usize,
    ways: Vec<Vec<Part>>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    /// A blank, with the case that its value stands in.
    Blank {
        name: String,
        case: String,
    },
}

/// The language of a text, if its words tell: English is `Some(None)`.
pub(super) fn of(text: &str) -> Option<Option<&'static Language>> {
    let words: Vec<String> = tokens(text).into_iter().map(|token| fold(token.word)).collect();
    let count = |is_mark: &dyn Fn(&str) -> bool| words.iter().filter(|word| is_mark(word)).count();
    let english = count(&|word| ENGLISH.contains(&word));
    let known = ALL.iter().map(|language| (count(&|word| language.marks.contains(word)), language));
    match known.max_by_key(|(marks, _)| *marks) {
        Some((marks, language)) if english < marks => Some(Some(language)),
        _ if 0 < english => Some(None),
        _ => None,
    }
}

/// Whether a text holds an outcome of dice in any of the languages.
pub(super) fn tells_outcome(told: &str) -> bool {
    ALL.iter().any(|language| language.outcomes.iter().any(|mark| told.contains(mark)))
}

/// Whether a text holds a refusal in any of the languages.
pub(super) fn refuses(told: &str) -> bool {
    ALL.iter().any(|language| language.refusals.iter().any(|mark| told.contains(mark)))
}

/// A word of a text, and what stands behind it.
struct Token<'t> {
    word: &'t str,
    /// What stands before the next word.
    gap: &'t str,
}

impl Token<'_> {
    fn ends_clause(&self) -> bool {
        self.gap.contains(['.', '!', '?', ';', ',', ':', '\n'])
    }

    /// Whether nothing but blanks or a hyphen parts it from the next word.
    fn is_joined(&self) -> bool {
        self.gap.chars().all(|char| char == ' ' || char == '-')
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let is_word = |char: char| char.is_alphanumeric() || char == '\'';
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(|char| !is_word(char));
    while !rest.is_empty() && tokens.len() < MAX_TOKENS {
        let end = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let next = after.find(is_word).unwrap_or(after.len());
        let (gap, after) = after.split_at(next);
        tokens.push(Token { word, gap });
        rest = after;
    }
    tokens
}

/// A word in lower case, umlauts as two letters.
fn fold(word: &str) -> String {
    let lower = word.to_lowercase();
    let mut folded = String::with_capacity(lower.len());
    for char in lower.chars() {
        match char {
            'ä' => folded.push_str("ae"),
            'ö' => folded.push_str("oe"),
            'ü' => folded.push_str("ue"),
            'ß' => folded.push_str("ss"),
            char => folded.push(char),
        }
    }
    folded
}

impl Language {
    /// Reads a table.
    fn read(table: &str) -> Language {
        let mut language = Language {
            marks: HashSet::new(),
            heard: HashMap::new(),
            endings: Vec::new(),
            nouns: HashMap::new(),
            articles: HashMap::new(),
            words: Vec::new(),
            told: Vec::new(),
            outcomes: Vec::new(),
            refusals: Vec::new(),
        };
        let mut section = "";
        for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
                continue;
            }
            let (left, right) = line.split_once(" =>").map_or((line, ""), |(left, right)| (left, right.trim_start()));
            match section {
                "marks" => language.marks.extend(line.split(' ').map(fold)),
                "heard" => left.split('|').for_each(|form| language.hear(form, right)),
                "endings" => language.endings.push((fold(left), right.to_owned())),
                "nouns" => {
                    let (gender, noun) = right.split_once(' ').unwrap_or(("", right));
                    language.nouns.insert(left.to_owned(), (gender.to_owned(), noun.to_owned()));
                }
                "articles" => {
                    let (case, gender) = left.split_once(' ').unwrap_or((left, ""));
                    language.articles.insert((case.to_owned(), gender.to_owned()), right.to_owned());
                }
                "words" => language.words.push((left.to_owned(), right.to_owned())),
                "told" => match (line.strip_prefix("= "), language.told.last_mut()) {
                    (Some(way), Some(told)) => told.ways.push(parts(way)),
                    _ => {
                        let english = parts(line);
                        let weight = english.iter().map(Part::weight).sum();
                        language.told.push(Told { english, weight, ways: Vec::new() });
                    }
                },
                "outcomes" => language.outcomes.push(line.to_owned()),
                "refusals" => language.refusals.push(line.to_owned()),
                _ => {}
            }
        }
        language.words.sort_by_key(|(english, _)| std::cmp::Reverse(english.len()));
        language.told.sort_by_key(|told| std::cmp::Reverse(told.weight));
        for heard in language.heard.values_mut() {
            heard.sort_by_key(|heard| std::cmp::Reverse(heard.words.len() + heard.after_gap.len()));
        }
        language
    }

    fn hear(&mut self, form: &str, english: &str) {
        let (before, after) = form.split_once('…').unwrap_or((form, ""));
        let split = |text: &str| text.split_whitespace().map(fold).collect::<Vec<_>>();
        let (words, after_gap) = (split(before), split(after));
        let Some(first) = words.first().cloned() else { return };
        let english = english.trim_end_matches([' ', '…']);
        self.heard.entry(first).or_default().push(Heard { words, after_gap, english: english.to_owned() });
    }

    /// What a player says, in the English that is understood. Words that no table has stay as they are.
    pub(super) fn heard(&self, text: &str) -> String {
        let tokens = tokens(text);
        let folded: Vec<String> = tokens.iter().map(|token| fold(token.word)).collect();
        let mut is_used = vec![false; tokens.len()];
        let mut english = String::with_capacity(text.len());
        let mut index = 0;
        while index < tokens.len() {
            if is_used[index] {
                english.push_str(tokens[index].gap.trim_start_matches(' '));
                index += 1;
                continue;
            }
            let found = self.heard.get(&folded[index]).into_iter().flatten().find_map(|heard| {
                let gap = heard.place(&tokens, &folded, &is_used, index)?;
                Some((heard, gap))
            });
            let last = match found {
                Some((heard, gap)) => {
                    gap.into_iter().for_each(|used| is_used[used] = true);
                    english.push_str(&heard.english);
                    index + heard.words.len() - 1
                }
                None => {
                    english.push_str(&self.compound(tokens[index].word, &folded[index]));
                    index
                }
            };
            english.push_str(tokens[last].gap);
            index = last + 1;
        }
        english
    }

    /// A word that no phrase begins with: dice notation, a compound, or one that stays as it is.
    fn compound(&self, word: &str, folded: &str) -> String {
        let is_dice = folded.split_once('w').is_some_and(|(count, sides)| {
            !sides.is_empty() && (count.to_owned() + sides).chars().all(|char| char.is_ascii_digit())
        });
        if is_dice {
            return folded.replace('w', "d");
        }
        let single = |stem: &str| {
            let heard = self.heard.get(stem)?.iter().find(|heard| heard.words.len() == 1 && heard.after_gap.is_empty());
            heard.map(|heard| heard.english.as_str())
        };
        for (ending, english) in &self.endings {
            let Some(stem) = folded.strip_suffix(ending.as_str()).filter(|stem| 2 < stem.len()) else { continue };
            let stems =
                [stem.to_owned(), stem.trim_end_matches('s').to_owned(), format!("{stem}n"), format!("{stem}en")];
            if let Some(stem) = stems.iter().find_map(|stem| single(stem)) {
                return format!("{stem} {english}");
            }
        }
        word.to_owned()
    }

    /// What the game master tells, in this language; a sentence that no table has stays English.
    pub(super) fn tell(&self, text: &str) -> String {
        text.split('\n').map(|line| self.line(line)).collect::<Vec<_>>().join("\n")
    }

    /// Sentences that have no way to be told, or whose blanks nothing fills.
    #[cfg(test)]
    pub(super) fn broken(&self) -> Vec<&Told> {
        let names = |parts: &[Part]| -> HashSet<String> {
            let blanks = parts.iter().filter_map(|part| match part {
                Part::Blank { name, .. } => Some(name.clone()),
                Part::Text(_) => None,
            });
            blanks.collect()
        };
        let is_whole = |told: &&Told| {
            let known = names(&told.english);
            !told.ways.is_empty() && told.ways.iter().all(|way| names(way).is_subset(&known))
        };
        self.told.iter().filter(|told| !is_whole(told)).collect()
    }

    /// Whether no way is known to tell a sentence.
    #[cfg(test)]
    pub(super) fn untold(&self, sentence: &str) -> bool {
        !self.told.iter().any(|told| fit(&told.english, &phrases::capital(sentence)).is_some())
    }

    fn line(&self, line: &str) -> String {
        let mut told = String::with_capacity(line.len());
        let mut rest = line;
        while !rest.is_empty() {
            let blanks = rest.len() - rest.trim_start_matches(' ').len();
            told.push_str(&rest[..blanks]);
            rest = &rest[blanks..];
            let found = self.told.iter().find_map(|sentence| {
                let (values, length) = fit(&sentence.english, rest)?;
                Some((sentence, values, length))
            });
            let length = match found {
                Some((sentence, values, length)) => {
                    let variety = phrases::hash(line);
                    let way = usize::try_from((variety >> 17) % sentence.ways.len().max(1) as u64).unwrap_or_default();
                    let filled = self.fill(sentence.ways.get(way).map_or(&[], Vec::as_slice), &values);
                    told.push_str(&phrases::capital(&filled));
                    length
                }
                // "Oak: the shot goes wide."
                None if let Some((name, said)) = self.after_a_name(rest) => {
                    return format!("{told}{name}: {}", self.line(&said));
                }
                None => {
                    let length = sentence_end(rest);
                    told.push_str(&rest[..length]);
                    length
                }
            };
            rest = &rest[length..];
        }
        told
    }

    fn fill(&self, way: &[Part], values: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        for part in way {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Blank { name, case } => {
                    let value = values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
                    filled.push_str(&self.value(value, case));
                }
            }
        }
        filled
    }

    /// Who is told of, and the sentence behind his name, if the line begins with one.
    fn after_a_name<'l>(&self, line: &'l str) -> Option<(&'l str, String)> {
        let (name, said) = line.split_once(": ").filter(|(name, _)| sentence_end(name) == name.len())?;
        let said = phrases::capital(said);
        self.told.iter().any(|sentence| fit(&sentence.english, &said).is_some()).then_some((name, said))
    }

    /// A value within a sentence: a sentence of its own, somebody or something with an article, or words.
    fn value(&self, value: &str, case: &str) -> String {
        if let Some(told) = self.whole(value) {
            return told;
        }
        if case.is_empty() {
            return self.in_words(value);
        }
        // "the ganger, the troll and Oak"
        let all = value.replace(", and ", ", ").replace(" and ", ", ");
        let named: Vec<String> = all.split(", ").map(|one| self.somebody(one, case)).collect();
        match named.as_slice() {
            [head @ .., last] if !head.is_empty() => format!("{} {} {last}", head.join(", "), self.in_words("and")),
            named => named.concat(),
        }
    }

    fn whole(&self, value: &str) -> Option<String> {
        self.told.iter().find_map(|sentence| {
            let is_closed = !matches!(sentence.english.first(), Some(Part::Blank { .. }));
            let (values, length) = fit(&sentence.english, value).filter(|_| is_closed)?;
            let way = sentence.ways.first()?;
            (length == value.len()).then(|| self.fill(way, &values))
        })
    }

    fn somebody(&self, one: &str, case: &str) -> String {
        let lower = one.to_lowercase();
        let articles = [("the ", "the"), ("a ", "a"), ("an ", "a")];
        let found = articles.iter().find_map(|(lead, article)| Some((lower.strip_prefix(lead)?, *article)));
        let Some((noun, kind)) = found else {
            // "Ganger 2" has a number for an article.
            let numbered = one.rsplit_once(' ').filter(|(_, number)| number.chars().all(|char| char.is_ascii_digit()));
            let (base, number) = numbered.unwrap_or((one, ""));
            // "yourself" stands in another form in each case.
            let lower = base.to_lowercase();
            let known = self.nouns.get(&format!("{lower} {case}")).or_else(|| self.nouns.get(&lower));
            return known.map_or_else(|| one.to_owned(), |(_, noun)| format!("{noun} {number}").trim().to_owned());
        };
        match self.nouns.get(noun) {
            Some((gender, translated)) => {
                let article = self.articles.get(&(format!("{kind}-{case}"), gender.clone())).map_or("", String::as_str);
                format!("{article} {translated}").trim().to_owned()
            }
            None => phrases::capital(&one[one.len() - noun.len()..]),
        }
    }

    /// Words within a sentence: what the table has of them, the rest as it is.
    fn in_words(&self, value: &str) -> String {
        let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
        let mut told = String::with_capacity(value.len());
        let mut rest = value;
        'next: while let Some(first) = rest.chars().next() {
            if !is_letter(told.chars().last()) || !first.is_alphanumeric() {
                for (english, word) in &self.words {
                    if let Some(after) = rest.strip_prefix(english.as_str())
                        && !(is_letter(english.chars().last()) && is_letter(after.chars().next()))
                    {
                        told.push_str(word);
                        rest = after;
                        continue 'next;
                    }
                }
            }
            told.push(first);
            rest = &rest[first.len_utf8()..];
        }
        told
    }
}

impl Heard {
    /// Whether the phrase begins at that word; with the words behind its gap that it takes.
    fn place(&self, tokens: &[Token<'_>], folded: &[String], is_used: &[bool], start: usize) -> Option<Vec<usize>> {
        let stands = |words: &[String], at: usize| {
            let is_here = folded.get(at..at + words.len()).is_some_and(|here| here == words);
            is_here && (at + 1..at + words.len()).all(|index| tokens[index - 1].is_joined() && !is_used[index])
        };
        if !stands(&self.words, start) {
            return None;
        }
        if self.after_gap.is_empty() {
            return Some(Vec::new());
        }
        let begin = start + self.words.len();
        for (at, is_taken) in is_used.iter().enumerate().skip(begin).take(GAP + 1) {
            if tokens[at - 1].ends_clause() {
                return None;
            }
            if !is_taken && stands(&self.after_gap, at) {
                return Some((at..at + self.after_gap.len()).collect());
            }
        }
        None
    }
}

impl Part {
    fn weight(&self) -> usize {
        match self {
            Part::Text(text) => text.len(),
            Part::Blank { .. } => 0,
        }
    }
}

/// A sentence with blanks: `{name}`, or `{name:case}`.
fn parts(sentence: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = sentence;
    while let Some((text, after)) = rest.split_once('{') {
        let Some((blank, after)) = after.split_once('}') else { break };
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let (name, case) = blank.split_once(':').unwrap_or((blank, ""));
        parts.push(Part::Blank { name: name.to_owned(), case: case.to_owned() });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

/// Whether a text begins with the sentence: what stands in its blanks, and its length. A blank holds no end of a sentence.
fn fit<'t, 's>(sentence: &'s [Part], text: &'t str) -> Option<(Vec<(&'s str, &'t str)>, usize)> {
    let mut values: Vec<(&str, &str)> = Vec::new();
    let mut open: Option<&str> = None;
    let mut at = 0;
    for (place, part) in sentence.iter().enumerate() {
        let is_last = place + 1 == sentence.len();
        let ends = |end: usize| !is_last || text[end..].is_empty() || text[end..].starts_with(' ');
        match part {
            Part::Text(literal) => {
                let mut from = at;
                let found = loop {
                    let found = from + text[from..].find(literal.as_str())?;
                    if open.is_none() && found != at {
                        return None;
                    }
                    if ends(found + literal.len()) && (open.is_none() || at < found) {
                        break found;
                    }
                    open?;
                    from = found + literal.chars().next().map_or(1, char::len_utf8);
                };
                if let Some(name) = open.take() {
                    let value = &text[at..found];
                    // A blank holds one sentence at the most.
                    if sentence_end(value) < value.len() {
                        return None;
                    }
                    values.push((name, value));
                }
                at = found + literal.len();
            }
            Part::Blank { name, .. } => open = Some(name),
        }
    }
    if let Some(name) = open {
        let end = at + sentence_end(&text[at..]);
        values.push((name, &text[at..end]));
        at = end;
    }
    (0 < at).then_some((values, at))
}

/// Where the first sentence of a line ends.
fn sentence_end(text: &str) -> usize {
    let mut from = 0;
    while let Some(found) = text[from..].find([' ']) {
        let end = from + found;
        let before = text[..end].trim_end_matches(['"', ')', '\u{201d}']);
        if before.ends_with(['.', '!', '?']) && !before.ends_with("Mr.") {
            return end;
        }
        from = end + 1;
    }
    text.len()
}
