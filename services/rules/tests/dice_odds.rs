//! The exact odds against going through every sequence of faces, and against what is known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "dice/generator.rs"]
mod generator;

use generator::Stream;
use rules::dice::{Notation, Odds, OddsError, Value, enumerate, odds};

const STEPS: u64 = 200_000_000;

/// Texts of expressions with few small dice.
impl Stream {
    pub fn choose<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// An expression of few small dice.
    pub fn expression(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 5 } else { 12 }) {
            0..=4 => self.dice(),
            5 | 6 => {
                let (left, sign, right) =
                    (self.expression(depth - 1), self.choose(&["+", "-", "*"]), self.expression(depth - 1));
                format!("({left}){sign}({right})")
            }
            7 => format!("{}({})", self.choose(&["floor", "ceil", "round", "abs"]), self.expression(depth - 1)),
            8 => {
                let (left, right) = (self.expression(depth - 1), self.expression(depth - 1));
                format!("{}({left},{right})", self.choose(&["min", "max"]))
            }
            9 if depth > 1 => {
                let members = [self.expression(0), self.expression(0), self.expression(0)].join(",");
                format!("{{{members}}}{}", self.choose(&["kh2", "kl2", "dl1", "dh2", "k>=4", "kh2>=3", "p=2", "dl1sd"]))
            }
            9 => {
                let (left, right) = (self.expression(depth - 1), self.expression(depth - 1));
                format!("{{{left},{right}}}{}", self.choose(&["kh1", "kl1", "dl1", ">=4", ">=5f<=2", ""]))
            }
            10 => format!("{}{}", self.expression(depth - 1), self.choose(&["+3", "-2", "*2", "/2", "/3", "[fire]"])),
            _ => format!("(1d{})d{}", 1 + self.below(3), 2 + self.below(3)),
        }
    }

    fn dice(&mut self) -> String {
        let count = 1 + self.below(4);
        let sides = self.choose(&["2", "3", "4", "6", "F", "F.1", "5"]);
        let per_die = self.choose(&[
            "", "", "", "", "!l1", "!l2>=2", "!!l2", "!pl1", "!!pl2", "ro1", "ro<3", "min2", "max3", "min2max3",
            "ro=1!l1", "u", "ra=2",
        ]);
        let filter = self.choose(&[
            "", "", "", "kh1", "kl1", "kh2", "dl1", "dh1", "dl1dh1", "kh3kl2", "k>=2", "p=1", "kh1|l1", "dl1|h1",
        ]);
        let count_of = self.choose(&["", "", "", ">=3", "=2", ">=2f1", "even", "sd"]);
        format!("{count}d{sides}{per_die}{filter}{count_of}")
    }
}

fn of(text: &str) -> Odds {
    odds(&Notation::parse(text).unwrap(), STEPS).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check(text: &str, total: i64, chance: &str) {
    assert_eq!(of(text).distribution.chance_of_at_least(Value::whole(total)).to_string(), chance, "{text} >= {total}");
}

#[test]
fn odds_are_those_of_every_sequence_of_faces_for_a_thousand_expressions() {
    let mut stream = Stream(4);
    let mut compared = 0;
    let mut texts = 0;
    while compared < 1000 {
        texts += 1;
        assert!(texts < 20_000, "only {compared} of {texts} expressions were small enough");
        let text = stream.expression(2);
        let Ok(notation) = Notation::parse(&text) else { continue };
        let Ok(all) = enumerate(&notation, 2_000) else { continue };
        let computed = odds(&notation, STEPS).unwrap_or_else(|error| panic!("{text}: {error}"));
        if !text.contains('u') || text.contains("uo") {
            assert_eq!(computed.distribution, all, "{text} as {notation}");
            compared += 1;
        } else {
            // The roller rerolls so often at most, which the sequences show and the odds state.
            for (total, _) in all.outcomes() {
                let apart = computed.distribution.chance_of(*total).to_f64() - all.chance_of(*total).to_f64();
                assert!(apart.abs() <= computed.error + 1e-15, "{text} as {notation}: {apart}");
            }
        }
    }
}

#[test]
fn what_is_kept_and_what_is_dropped_are_all_dice() {
    let mut stream = Stream(5);
    for _ in 0..200 {
        let (count, sides) = (1 + stream.below(8), 2 + stream.below(9));
        let kept = 1 + stream.below(count);
        let (kept, dropped) = (format!("{count}d{sides}kh{kept}"), format!("{count}d{sides}dh{kept}"));
        let mean = |text: &str| {
            Notation::parse(text).map_or(0.0, |notation| odds(&notation, STEPS).unwrap().distribution.mean())
        };
        let all = count as f64 * (sides as f64 + 1.0) / 2.0;
        assert!((mean(&kept) + mean(&dropped) - all).abs() < 1e-9, "{kept} and {dropped}");
    }
}

#[test]
fn known_chances_come_out() {
    check("1d20+5", 25, "1/20");
    // One die of one to four is dropped: with a chance of 1/4 there is no other.
    check("(d4)d6d1", 1, "3/4");
    check("2d6", 7, "7/12");
    check("4d6kh3", 18, "7/432");
    check("3d6", 18, "1/216");
    check("2d20kh1", 20, "39/400");
    check("2d20kl1", 20, "1/400");
    check("8d6 tn5", 8, "1/6561");
    check("1d6 tn8", 1, "5/36");
    check("1d6 tn12", 1, "1/36");
    check("1d6 tn13", 1, "1/36");
    check("1d20+5 vs 15", 1, "11/20");
    check("(1d2)d6", 12, "1/72");
    check("{1d6,1d8}kh1", 8, "1/8");
    check("5d20u", 90, "1/15504");
    check("{4d6+2d8}kh4", 28, "19/9216");
    check("5d10!l2kh2", 20, "22853/200000");
    check("3d6ra6", 24, "1/1296");
    // The highest two of three different faces of four.
    check("3d4ukh2", 7, "1/2");
    // The second die is thrown again if both show a 2: behind a 2 it is one of five faces.
    check("2d6u=2", 8, "19/45");
    check("2d6u=2kh1", 3, "41/45");
}

#[test]
fn a_disaster_is_all_ones() {
    assert_eq!(of("4d6 tn5").disaster.unwrap().to_string(), "1/1296");
    assert_eq!(of("4d6").disaster, None);
}

#[test]
fn mean_deviation_and_percentiles_are_those_of_the_distribution() {
    let odds = of("2d6").distribution;
    assert_eq!((odds.mean(), odds.percentile(50), odds.percentile(0)), (7.0, Value::whole(7), Value::whole(2)));
    assert!((odds.deviation() - (35.0f64 / 6.0).sqrt()).abs() < 1e-12);
    assert_eq!(of("1000d6").distribution.mean(), 3500.0);
    assert_eq!(of("1d6/2").distribution.mean(), 1.75);
}

#[test]
fn explosions_come_to_their_mean_within_the_stated_error() {
    let odds = of("1d6!");
    assert!((odds.distribution.mean() - 4.2).abs() < 1e-9, "{}", odds.distribution.mean());
    assert!(0.0 < odds.error && odds.error < 1e-18, "{}", odds.error);
    assert_eq!(of("1d6!l3").error, 0.0);
}

#[test]
fn large_pools_need_no_enumeration() {
    for text in ["20d10kh2", "16d10kh8", "4d6-4d6", "1000d6", "100d20kh50", "40d10kl30", "30d6dl5dh5"] {
        let odds = of(text).distribution;
        assert_eq!(&odds.outcomes().iter().map(|(_, ways)| ways).sum::<num_bigint::BigUint>(), odds.all(), "{text}");
    }
}

#[test]
fn what_costs_too_much_is_refused_at_once() {
    let notation = Notation::parse("1000d1000").unwrap();
    assert_eq!(odds(&notation, 1_000_000), Err(OddsError::TooCostly));
    for text in ["10d6uo", "20d6uokh3", "100d100kh30|l30", "100d20!dl10:kh50", "100d100kh50:!", "20d1000ukh5"] {
        assert_eq!(odds(&Notation::parse(text).unwrap(), STEPS), Err(OddsError::TooCostly), "{text}");
    }
}

#[test]
fn what_is_chosen_in_several_ways_or_thrown_on_afterwards_is_that_of_every_sequence() {
    for text in [
        "4d6kh1|l1",
        "3d4kh1|l2",
        "4d4dl1|h1",
        "4d4k>=3|l2",
        "4d4p>=3|l1",
        "4d4kh3|l3",
        "3d4kh2:ro=1",
        "3d4kh2:!l1",
        "4d3dl1:!l1>=2c>=3",
        "3d4kh2:min2",
        "3d6ra>=6",
        "3d6min2ra=2",
        "3d6ra=6c>=5",
        "3d4!l1ra4",
        "2d4!l1kh2",
        "3d4!l1dl1",
        "3d4!l2>=3kl2",
        "4d6uo",
    ] {
        let notation = Notation::parse(text).unwrap();
        let all = enumerate(&notation, 200_000).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(of(text).distribution, all, "{text}");
    }
}

#[test]
fn small_rolls_have_odds_whatever_is_done_with_them() {
    for text in ["3d6ukh2", "5d6ukh2", "4d6u=2", "10d10kh5|l3", "10d6ra>=6", "6d6kh3:!", "2d6!>=3kh1", "1d6!>=4kh1"] {
        assert!(odds(&Notation::parse(text).unwrap(), 5_000_000).is_ok(), "{text}");
    }
}
