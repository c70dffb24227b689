//! The highest or lowest of values that need not be alike nor of a known number: dice that explode, members of a group.
//!
//! The last value that is chosen shows some threshold: fewer values than are wanted lie ahead of it, and with those level
//! with it there are enough. For each threshold, what each contributor brings is added up: how many values lie ahead, how
//! many are level, and the sum of those that stay for certain.

use std::ops::Add;

use num_bigint::BigUint;
use num_traits::One;

use super::distribution::Weights;
use super::{Budget, OddsError, Ways, words};
use crate::dice::ast::Selector;

/// Which of several values are chosen by their rank, and whether they stay.
#[derive(Clone, Copy)]
pub struct Choice {
    /// The highest are chosen, otherwise the lowest.
    highest: bool,
    /// So many.
    count: u32,
    /// Whether the chosen ones stay, or all others.
    keep: bool,
}

/// Values counted against a threshold: no more than are of use, so that there are few different tallies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tally {
    /// How many lie ahead of it.
    ahead: u32,
    /// How many are level with it.
    level: u32,
    /// What those are worth that stay whatever is chosen of the level ones.
    sum: i64,
    /// How many are chosen. With so many ahead the tally is of no use, whatever else is in it.
    most: u32,
}

impl Tally {
    fn new(ahead: u32, level: u32, sum: i64, most: u32) -> Tally {
        if most <= ahead {
            return Tally { ahead: most, level: 0, sum: 0, most };
        }
        Tally { ahead, level: level.min(most), sum, most }
    }

    /// Whether fewer values lie ahead than are chosen.
    fn is_of_use(self) -> bool {
        self.ahead < self.most
    }
}

impl Add for Tally {
    type Output = Tally;

    fn add(self, other: Tally) -> Tally {
        let (ahead, level) = (self.ahead + other.ahead, self.level + other.level);
        Tally::new(ahead, level, self.sum + other.sum, self.most)
    }
}

impl Choice {
    /// The choice that a filter makes, if it is one by rank.
    pub fn of(keep: bool, selectors: &[Selector]) -> Option<Choice> {
        match selectors {
            [Selector::Highest(count)] => Some(Choice { highest: true, count: *count, keep }),
            [Selector::Lowest(count)] => Some(Choice { highest: false, count: *count, keep }),
            _ => None,
        }
    }

    /// One value against a threshold; without one, every value lies ahead.
    pub fn tally(self, value: i64, worth: i64, threshold: Option<i64>) -> Tally {
        let ahead = match threshold {
            None => true,
            Some(threshold) if self.highest => value > threshold,
            Some(threshold) => value < threshold,
        };
        let level = threshold == Some(value);
        let sum = if ahead == self.keep { worth } else { 0 };
        Tally::new(ahead.into(), level.into(), sum, self.count)
    }

    /// What stays, altogether. `values` are all that may come up, each with what it is worth; `laws` tells what the
    /// contributors bring against a threshold, each so many times.
    pub fn total(
        self,
        values: impl Iterator<Item = (i64, i64)>,
        mut laws: impl FnMut(Option<i64>, &mut Budget) -> Result<Vec<(Weights<Tally>, u32)>, OddsError>,
        budget: &mut Budget,
    ) -> Result<Weights<i64>, OddsError> {
        let mut totals = Vec::new();
        // Last, without a threshold: there are fewer values than are to be chosen.
        for threshold in values.map(Some).chain([None]) {
            let mut sums = Ways::from([(Tally::new(0, 0, 0, self.count), BigUint::one())]);
            for (mut law, times) in laws(threshold.map(|(value, _)| value), budget)? {
                law.ways.retain(|tally, _| tally.is_of_use());
                for _ in 0..times {
                    sums = added(&sums, &law.ways, budget)?;
                }
            }
            for (tally, ways) in sums {
                let missing = self.count - tally.ahead;
                let level = match threshold {
                    None => 0,
                    Some(_) if tally.level < missing => continue,
                    Some((_, worth)) => i64::from(missing) * worth,
                };
                totals.push((if self.keep { tally.sum + level } else { tally.sum - level }, ways));
            }
        }
        Ok(Weights::of(totals))
    }
}

/// The sums of two tallies, as far as they are of use.
fn added(sums: &Ways<Tally>, law: &Ways<Tally>, budget: &mut Budget) -> Result<Ways<Tally>, OddsError> {
    let longest = |ways: &Ways<Tally>| ways.values().map(words).max().unwrap_or_default();
    let pairs = sums.len() as u64 * law.len() as u64;
    budget.charge(pairs.saturating_mul(100 + longest(sums) * longest(law)))?;
    let mut added = Ways::new();
    for (sum, sum_ways) in sums {
        budget.hold(added.len() as u64, longest(sums))?;
        for (tally, ways) in law {
            let tally = *sum + *tally;
            if tally.is_of_use() {
                *added.entry(tally).or_default() += sum_ways * ways;
            }
        }
    }
    Ok(added)
}
