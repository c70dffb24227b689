//! Numbers as people write them: in figures with marks between thousands, or in words, in English or German.

/// A number in words, for a regular expression that does not look at case.
pub(super) const PATTERN: &str = concat!(
    r"(?:(?:an? )?(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|",
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|dozen|hundred|thousand|million)",
    r"(?:(?:-| and | )(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|",
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million))*",
    r"|(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|sech|sieb|zwan|drei|und|zig|ßig|hundert|tausend)+)",
);

/// Words that add, and words that multiply what stands before them.
const ADDED: [(&str, u64); 29] = [
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
    ("dozen", 12),
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
    ("a", 0),
];
const MULTIPLIED: [(&str, u64); 3] = [("hundred", 100), ("thousand", 1000), ("million", 1_000_000)];
const UNITS_DE: [(&str, u64); 19] = [
    ("dreizehn", 13),
    ("vierzehn", 14),
    ("fünfzehn", 15),
    ("sechzehn", 16),
    ("siebzehn", 17),
    ("achtzehn", 18),
    ("neunzehn", 19),
    ("zwölf", 12),
    ("elf", 11),
    ("zehn", 10),
    ("neun", 9),
    ("acht", 8),
    ("sieben", 7),
    ("sechs", 6),
    ("fünf", 5),
    ("vier", 4),
    ("drei", 3),
    ("zwei", 2),
    ("ein", 1),
];
const TENS_DE: [(&str, u64); 8] = [
    ("zwanzig", 20),
    ("dreißig", 30),
    ("vierzig", 40),
    ("fünfzig", 50),
    ("sechzig", 60),
    ("siebzig", 70),
    ("achtzig", 80),
    ("neunzig", 90),
];

/// The number that a text is.
pub(super) fn read(text: &str) -> Option<u64> {
    if text.starts_with(|char: char| char.is_ascii_digit()) {
        return text.replace([',', '.'], "").parse().ok();
    }
    let text = text.to_lowercase();
    english(&text).or_else(|| german(&text))
}

fn english(text: &str) -> Option<u64> {
    let find =
        |words: &[(&str, u64)], word: &str| words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    let (mut whole, mut part) = (0_u64, 0_u64);
    for word in text.split([' ', '-']).filter(|word| !["and", "an"].contains(word)) {
        if let Some(value) = find(&ADDED, word) {
            part = part.checked_add(value)?;
            continue;
        }
        let times = find(&MULTIPLIED, word)?;
        let multiplied = part.max(1).checked_mul(times)?;
        (whole, part) = if times < 1000 { (whole, multiplied) } else { (whole.checked_add(multiplied)?, 0) };
    }
    whole.checked_add(part)
}

fn german(text: &str) -> Option<u64> {
    for (word, times) in [("tausend", 1000), ("hundert", 100)] {
        if let Some((before, after)) = text.split_once(word) {
            let before = if before.is_empty() { 1 } else { german(before)? };
            let after = after.strip_prefix("und").unwrap_or(after);
            let after = if after.is_empty() { 0 } else { german(after)? };
            return before.checked_mul(times)?.checked_add(after);
        }
    }
    let find =
        |words: &[(&str, u64)], word: &str| words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    match text.split_once("und") {
        Some((unit, tens)) => Some(find(&UNITS_DE, unit)? + find(&TENS_DE, tens)?),
        None => find(&UNITS_DE, text).or_else(|| find(&TENS_DE, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, number) in [
            ("12", 12),
            ("1,500", 1500),
            ("1.500.000", 1_500_000),
            ("five", 5),
            ("twenty-three", 23),
            ("a dozen", 12),
            ("a hundred", 100),
            ("ten thousand", 10_000),
            ("two thousand and five hundred", 2500),
            ("one million two hundred thousand", 1_200_000),
            ("fünf", 5),
            ("siebzehn", 17),
            ("dreiundzwanzig", 23),
            ("zehntausend", 10_000),
            ("zweihundertfünfzig", 250),
        ] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        assert_eq!(read("und"), None);
    }
}
