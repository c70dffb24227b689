//! A player's sentence as words: lower case, numbers read, clauses counted; and when two words are alike.
//!
//! Everything here is bounded: a text of any length yields at most [`MAX_WORDS`] words.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

/// Words that are read of one message; what comes after is not looked at. The limit is ours.
pub(crate) const MAX_WORDS: usize = 400;
/// Characters of one word that are read.
const MAX_WORD_LENGTH: usize = 40;

/// Dice notation, numbers with or without separators, words with their apostrophes, and the marks that end a clause.
static PIECES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<dice>(?i:\b\d{0,4}d(?:\d{1,4}|%|f\b)(?:!(?:!|p\b)?|(?:k[hl]?|d[hl]|r[or]?|mi|ma|[<>]=?)\d{1,4}\b",
        r"|\s*[+-]\s*\d{0,4}d\d{1,4}\b|\s*[+-]\s*\d{1,4}\b)*))",
        r"|(?P<number>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)",
        r"|(?P<word>\p{L}[\p{L}\d]*(?:'\p{L}+)*)",
        r"|(?P<mark>[.!?;\n,:])",
    ))
    .expect("the expression is constant")
});

/// Builds what is built once.
pub(super) fn prepare() {
    LazyLock::force(&PIECES);
}

/// One word of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word<'a> {
    /// The word in lower case; digits for a number.
    pub(crate) text: String,
    /// As it was written.
    pub(crate) raw: &'a str,
    /// What it counts, if it is a number or a number word.
    pub(crate) number: Option<f64>,
    /// Whether it is dice notation.
    pub(crate) is_dice: bool,
    /// Whether it stood with `'s`: an owner, or "is".
    pub(crate) is_possessive: bool,
    /// The clause it stands in; commas, colons and ends of sentences begin a new one.
    pub(crate) clause: usize,
    /// The sentence it stands in.
    pub(crate) sentence: usize,
    /// Whether that sentence ends with a question mark.
    pub(crate) is_asked: bool,
}

/// Reads a [`plain`] text into words.
pub(crate) fn split(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let (mut clause, mut sentence) = (0, 0);
    for piece in PIECES.captures_iter(text) {
        if MAX_WORDS <= words.len() {
            break;
        }
        let raw = piece.get(0).map_or("", |found| found.as_str());
        if piece.name("mark").is_some() {
            if raw == "?" {
                words
                    .iter_mut()
                    .rev()
                    .take_while(|word| word.sentence == sentence)
                    .for_each(|word| word.is_asked = true);
            }
            clause += 1;
            sentence += usize::from(!matches!(raw, "," | ":"));
            continue;
        }
        let lower: String = raw.chars().take(MAX_WORD_LENGTH).flat_map(char::to_lowercase).collect();
        let is_number = piece.name("number").is_some();
        let number = if is_number { lower.replace(',', "").parse().ok() } else { number_word(&lower) };
        let (text, is_possessive) = match lower.strip_suffix("'s") {
            Some(stem) => (stem.to_owned(), true),
            None => (lower, false),
        };
        let is_dice = piece.name("dice").is_some();
        words.push(Word { text, raw, number, is_dice, is_possessive, clause, sentence, is_asked: false });
    }
    join_number_words(&mut words);
    words
}

/// The text with typographic apostrophes made plain, so that [`split`] sees one kind.
pub(crate) fn plain(text: &str) -> String {
    text.replace(['’', '‘', '`', '´'], "'")
}

/// "twenty five" is one number.
fn join_number_words(words: &mut Vec<Word<'_>>) {
    let mut index = 0;
    while index + 1 < words.len() {
        let is_spelled = |word: &Word<'_>| word.text.starts_with(|char: char| char.is_alphabetic());
        let (first, second) = (&words[index], &words[index + 1]);
        if let (Some(tens), Some(ones)) = (first.number, second.number)
            && is_spelled(first)
            && is_spelled(second)
            && (20.0..100.0).contains(&tens)
            && tens % 10.0 == 0.0
            && (1.0..10.0).contains(&ones)
        {
            words[index].number = Some(tens + ones);
            words.remove(index + 1);
        }
        index += 1;
    }
}

fn number_word(word: &str) -> Option<f64> {
    const WORDS: &[(&str, u32)] = &[
        ("zero", 0),
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
        ("five", 5),
        ("six", 6),
        ("seven", 7),
        ("eight", 8),
        ("nine", 9),
        ("ten", 10),
        ("eleven", 11),
        ("twelve", 12),
        ("thirteen", 13),
        ("fourteen", 14),
        ("fifteen", 15),
        ("sixteen", 16),
        ("seventeen", 17),
        ("eighteen", 18),
        ("nineteen", 19),
        ("twenty", 20),
        ("thirty", 30),
        ("forty", 40),
        ("fifty", 50),
        ("sixty", 60),
        ("seventy", 70),
        ("eighty", 80),
        ("ninety", 90),
        ("hundred", 100),
    ];
    WORDS.iter().find(|(name, _)| *name == word).map(|(_, value)| f64::from(*value))
}

/// Letters and digits only, in lower case: "AK-97" and "ak 97" become the same.
pub(crate) fn squash(text: &str) -> String {
    text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether two squashed names are the same but for slips of the finger.
pub(crate) fn alike(said: &str, name: &str) -> bool {
    slips(said, name).is_some()
}

/// Whether two words are the same but for two neighbours that changed places: "gaurd" and "guard".
pub(crate) fn swapped(said: &str, name: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (said.chars().collect(), name.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(left, right)| left != right) else { return false };
    let mut mended = left;
    if at + 1 < mended.len() {
        mended.swap(at, at + 1);
    }
    mended == right
}

/// The slips of the finger between two squashed names: none in short ones, one from 6 letters on, two from 12. The first
/// letter is taken at its word, which spares most comparisons.
fn slips(said: &str, name: &str) -> Option<usize> {
    if said == name {
        return Some(0);
    }
    let allowed = match name.len() {
        0..6 => return None,
        6..12 => 1,
        _ => 2,
    };
    if said.as_bytes().first() != name.as_bytes().first() || allowed < said.len().abs_diff(name.len()) {
        return None;
    }
    // A number is never a slip: "AK-97" is not "AK-98".
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let slips = distance(said, name, allowed);
    (slips <= allowed && digits(said) == digits(name)).then_some(slips)
}

/// Letters to change, insert, leave out or swap with their neighbour; stops counting above `limit`.
fn distance(left: &str, right: &str, limit: usize) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if limit < left.len().abs_diff(right.len()) {
        return limit + 1;
    }
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (row, letter) in left.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let change = rows[row][column] + usize::from(letter != other);
            let mut best = change.min(rows[row][column + 1] + 1).min(next[column] + 1);
            let is_swap = 0 < row && 0 < column && *letter == right[column - 1] && left[row - 1] == *other;
            if is_swap {
                best = best.min(rows[row - 1][column - 1] + 1);
            }
            next.push(best);
        }
        rows.push(next);
    }
    rows[left.len()][right.len()]
}

/// The name that stands in the words, with the words it covers: the longest, and of two the one with fewer slips.
pub(crate) fn find_name<'n>(
    words: &[Word<'_>],
    names: impl IntoIterator<Item = &'n str>,
) -> Option<(&'n str, Range<usize>)> {
    let windows = windows(words);
    let mut best: Option<(&str, Range<usize>, usize)> = None;
    for name in names {
        let squashed = squash(name);
        let least = best.as_ref().map_or(0, |(_, _, score)| *score);
        if squashed.len() <= least {
            continue;
        }
        let found = windows.iter().filter_map(|(range, said)| Some((range, slips(said, &squashed)?)));
        let Some((range, slips)) = found.min_by_key(|(_, slips)| *slips) else { continue };
        let score = squashed.len().saturating_sub(2 * slips);
        if least < score {
            best = Some((name, range.clone(), score));
        }
    }
    best.map(|(name, range, _)| (name, range))
}

/// Runs of up to six neighbouring words of a sentence, each as one squashed text.
fn windows(words: &[Word<'_>]) -> Vec<(Range<usize>, String)> {
    let mut windows = Vec::new();
    for start in 0..words.len() {
        let mut said = String::new();
        for (span, word) in words[start..].iter().take(6).enumerate() {
            if word.sentence != words[start].sentence {
                break;
            }
            said.push_str(&squash(&word.text));
            windows.push((start..start + span + 1, said.clone()));
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_have_its_unit_glued_on() {
        let text = "at 15m, 1,000 ft or 7.5 metres";
        let words: Vec<_> = split(text).into_iter().map(|word| (word.text, word.number)).collect();
        assert_eq!(words[1..3], [("15".into(), Some(15.0)), ("m".into(), None)]);
        assert_eq!(words[3].1, Some(1000.0));
        assert_eq!(words[6].1, Some(7.5));
    }

    #[test]
    fn tens_and_ones_in_words_are_one_number() {
        assert_eq!(split("twenty five metres")[0].number, Some(25.0));
    }

    #[test]
    fn dice_notation_is_one_word() {
        let words = split("roll 2d6+3, then 8d6!");
        assert_eq!(
            words.iter().filter(|word| word.is_dice).map(|word| word.raw).collect::<Vec<_>>(),
            ["2d6+3", "8d6!"]
        );
        for notation in ["4d6kh3", "4D6k3+2", "2d20kl1 + 5", "d%", "4df", "3d6!!", "5d10r1>8", "d20"] {
            let text = format!("roll {notation} please");
            let words = split(&text);
            let dice: Vec<_> = words.iter().filter(|word| word.is_dice).map(|word| word.raw).collect();
            assert_eq!((dice, words.len()), (vec![notation], 3), "{text}");
        }
    }

    #[test]
    fn a_slip_is_forgiven_but_never_in_a_number() {
        assert!(alike("aresperdator", "arespredator"));
        assert!(!alike("ak97", "ak98"));
        assert!(!alike("walthermac2101", "walthermac2100"));
    }

    #[test]
    fn an_endless_text_is_read_to_the_limit() {
        assert_eq!(split(&"word ".repeat(100_000)).len(), MAX_WORDS);
    }
}
