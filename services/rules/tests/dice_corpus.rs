//! Every line of the corpus: an expression, the dialect it is read in, and how it is read or why it is not.
//!
//! A line is `dialect | expression | canonical form`, or `dialect | expression | ! message`. Every canonical form reads
//! back as the same in every dialect, and every roll keeps within its bound.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use rules::dice::{Dialect, Notation, Value, odds};

const CORPUS: &str = include_str!("dice/corpus.txt");
/// Enough for every expression of the corpus whose odds are known.
const STEPS: u64 = 1_000_000;

fn lines() -> impl Iterator<Item = (Dialect, &'static str, &'static str)> {
    CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).map(|line| {
        let mut parts = line.splitn(3, " | ");
        let (dialect, text, reading) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        (dialect.trim().parse().unwrap(), text.trim(), reading.trim())
    })
}

#[test]
fn the_corpus_has_at_least_four_hundred_expressions() {
    assert!(lines().count() >= 400, "{}", lines().count());
}

#[test]
fn every_expression_is_read_as_the_corpus_says() {
    let mut wrong = Vec::new();
    for (dialect, text, reading) in lines() {
        let read = match Notation::parse_as(text, dialect) {
            Ok(notation) => notation.to_string(),
            Err(error) => format!("! {}", error.to_string().strip_prefix("cannot read ").unwrap()),
        };
        if read != reading {
            wrong.push(format!("{dialect} | {text} | {read}"));
        }
    }
    assert!(wrong.is_empty(), "{} read otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_canonical_form_reads_back_as_the_same_in_every_dialect() {
    for (dialect, text, reading) in lines().filter(|(.., reading)| !reading.starts_with('!')) {
        let notation = Notation::parse_as(text, dialect).unwrap();
        for other in Dialect::ALL {
            let again = Notation::parse_as(reading, other).unwrap_or_else(|error| panic!("{other}: {error}"));
            assert_eq!(again, notation, "{text} ({dialect}) as {reading} in {other}");
        }
    }
}

#[test]
fn every_roll_keeps_within_its_bound() {
    for (dialect, text, _) in lines() {
        let Ok(notation) = Notation::parse_as(text, dialect) else { continue };
        let bound = notation.bound();
        let most = bound.throws * u64::from(notation.repeats());
        // All ones, all highest, and something between.
        for pattern in [[1, 1, 1], [1000, 1000, 1000], [1, 1000, 3]] {
            let mut throws = 0;
            let roll = notation.roll(|sides| {
                throws += 1;
                u32::min(sides, pattern[throws as usize % 3])
            });
            assert!(throws <= most, "{text}: {throws} throws, not {most}");
            let results = if roll.results.is_empty() { vec![roll.total] } else { roll.results.clone() };
            for total in results {
                let within = Value::whole(bound.low) <= total && total <= Value::whole(bound.high);
                assert!(within, "{text}: {total} is outside {}..={}", bound.low, bound.high);
            }
        }
    }
}

#[test]
fn all_chances_together_are_one() {
    for (dialect, text, _) in lines() {
        let Ok(notation) = Notation::parse_as(text, dialect) else { continue };
        let Ok(odds) = odds(&notation, STEPS) else { continue };
        let ways = odds.distribution.outcomes().iter().map(|(_, ways)| ways);
        assert_eq!(&ways.sum::<num_bigint::BigUint>(), odds.distribution.all(), "{text}");
    }
}
