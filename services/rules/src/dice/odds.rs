//! The exact odds of a notation: every total it can come to, and in how many of how many equally likely ways.
//!
//! They are those of the roller, its limits on explosions included, as fractions of big integers. No computation is
//! begun before it is known to fit into the steps that are left; `enumerate` goes through every sequence of faces and is
//! the measure of all else.

mod chosen;
mod differing;
mod distribution;
mod enumeration;
mod one_kind;
mod polynomial;
mod sorted;

use std::collections::BTreeMap;

use num_bigint::BigUint;
use num_integer::Integer as _;

use super::ast::{Amount, Expr, Function, Group, Modifier, Selector, Sides, Test};
use super::notation::Notation;
use super::roll::{call, call_next, combine, score};
use super::value::Value;
use chosen::Choice;
use distribution::{Mixture, Weights};

pub use distribution::{Distribution, Ratio};
pub use enumeration::enumerate;

/// Why odds are not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OddsError {
    /// They would take more steps than are allowed.
    #[error("the exact odds of this roll would take too long to compute")]
    TooCostly,
}

/// The odds of a notation, of one of its repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct Odds {
    /// Every total and its chance.
    pub distribution: Distribution,
    /// How far any chance can be from that of dice which explode and are rerolled without limit; 0 if none is.
    pub error: f64,
    /// The chance that every die of a success test comes up one, if it is one.
    pub disaster: Option<Ratio>,
}

/// What may still be spent.
pub(super) struct Budget {
    /// One is about the time of an operation on 64 bits.
    steps: u64,
    /// Bytes at once: half as many as there were steps.
    memory: u64,
}

/// Bytes of a value and of its place beside the words of its ways, and how many distributions there are at once at most.
const VALUE_BYTES: u64 = 64;
const COPIES: u64 = 3;

/// Most sequences that are gone through: they take about a tenth of a second.
const MAX_SEQUENCES: u64 = 200_000;

impl Budget {
    fn new(steps: u64) -> Budget {
        Budget { steps, memory: steps / 2 }
    }

    /// Takes off what is about to be spent.
    fn charge(&mut self, steps: u64) -> Result<(), OddsError> {
        self.steps = self.steps.checked_sub(steps).ok_or(OddsError::TooCostly)?;
        Ok(())
    }

    /// Refuses what is about to take so many steps, before any is taken.
    fn foresee(&self, steps: u64) -> Result<(), OddsError> {
        if steps > self.steps { Err(OddsError::TooCostly) } else { Ok(()) }
    }

    /// Refuses so many values whose ways have so many words.
    fn hold(&self, values: u64, words: u64) -> Result<(), OddsError> {
        let bytes = values.saturating_mul(words.saturating_mul(8) + VALUE_BYTES).saturating_mul(COPIES);
        if bytes > self.memory { Err(OddsError::TooCostly) } else { Ok(()) }
    }
}

/// 64-bit words of a number, and what it costs to handle it at all.
fn words(number: &BigUint) -> u64 {
    number.bits() / 64 + 4
}

/// Computes the odds of a notation in at most `steps` steps, each about a nanosecond, and half as many bytes.
///
/// # Errors
///
/// [`OddsError::TooCostly`] if that is not enough; little has been spent then.
pub fn odds(notation: &Notation, steps: u64) -> Result<Odds, OddsError> {
    let mut work = Work { budget: Budget::new(steps), error: 0.0 };
    let weights = match work.of(notation.expr()) {
        Ok(weights) => weights,
        // What has no method of its own is small, or is gone through.
        Err(Refusal::NoMethod) => {
            return enumeration::enumerate_once(notation.expr(), (steps / 100).min(MAX_SEQUENCES))
                .map(|distribution| Odds { distribution, error: 0.0, disaster: None });
        }
        Err(Refusal::Odds(error)) => return Err(error),
    };
    let disaster = match bare(notation.expr()) {
        Expr::Test(test) => Some(Ratio::new(BigUint::from(1u32), BigUint::from(6u32).pow(test.pool))),
        _ => None,
    };
    Ok(Odds { distribution: weights.into(), error: work.error.min(1.0), disaster })
}

/// An expression without its labels.
fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Label(inner, _) = expr {
        expr = inner;
    }
    expr
}

enum Refusal {
    Odds(OddsError),
    NoMethod,
}

impl From<OddsError> for Refusal {
    fn from(error: OddsError) -> Self {
        Refusal::Odds(error)
    }
}

struct Work {
    budget: Budget,
    error: f64,
}

impl Work {
    fn of(&mut self, expr: &Expr) -> Result<Weights<Value>, Refusal> {
        match expr {
            Expr::Number(value) => Ok(Weights::certain(*value)),
            Expr::Dice(dice) => {
                let counts = self.amount(&dice.count)?;
                let sides = match &dice.sides {
                    Sides::Numbers(amount) => self.amount(amount)?,
                    Sides::Fate | Sides::FateRare => Weights::certain(0),
                };
                let is_one_case = counts.ways.len() == 1 && sides.ways.len() == 1;
                let mut mixture = Mixture::new();
                for (count, count_weight) in &counts.ways {
                    for (sides, sides_weight) in &sides.ways {
                        let (total, error) = one_kind::total(dice, *count as u32, *sides as u32, &mut self.budget)?
                            .ok_or(Refusal::NoMethod)?;
                        self.error += error;
                        if is_one_case {
                            return Ok(total.map(Value::whole));
                        }
                        mixture.add(&(count_weight * sides_weight), total, &mut self.budget)?;
                    }
                }
                Ok(mixture.weights.map(Value::whole))
            }
            Expr::Test(test) => Ok(self.test(*test)?.map(Value::whole)),
            Expr::Opposed(first, second) => {
                let (first, second) = (self.test(*first)?, self.test(*second)?);
                Ok(first.combine(&second, |a, b| Value::whole(a - b), &mut self.budget)?)
            }
            Expr::Group(group) => self.group(group),
            Expr::Sum(terms) => {
                let mut sum = Weights::certain(Value::ZERO);
                for term in terms {
                    let part = self.of(&term.expr)?;
                    let part = if term.negative { part.map(Value::negated) } else { part };
                    sum = sum.combine(&part, Value::plus, &mut self.budget)?;
                }
                Ok(sum)
            }
            Expr::Binary(operator, pair) => {
                let (left, right) = (self.of(&pair.0)?, self.of(&pair.1)?);
                Ok(left.combine(&right, |a, b| combine(*operator, a, b), &mut self.budget)?)
            }
            Expr::Call(function, parts) => self.call(*function, parts),
            Expr::Label(expr, _) => self.of(expr),
            Expr::Check(comparator, pair) => {
                let (left, right) = (self.of(&pair.0)?, self.of(&pair.1)?);
                let holds = |a: Value, b: Value| Value::whole(comparator.holds(&a, &b).into());
                Ok(left.combine(&right, holds, &mut self.budget)?)
            }
        }
    }

    fn amount(&mut self, amount: &Amount) -> Result<Weights<i64>, Refusal> {
        match amount {
            Amount::Fixed(number) => Ok(Weights::certain(i64::from(*number))),
            Amount::Rolled(expr) => Ok(self.of(expr)?.map(|value| value.to_whole().unwrap_or(0))),
        }
    }

    /// The successes of a test: the dice succeed each by itself.
    fn test(&mut self, test: Test) -> Result<Weights<i64>, OddsError> {
        // Above 6, a die needs a six for every six in the target number, and then the rest.
        let (sixes, rest) = match test.target_number {
            target @ 0..=6 => (0, target),
            target => ((target - 1) / 6, (target - 1) % 6 + 1),
        };
        let ways = BigUint::from(7 - rest.clamp(1, 6));
        let of = BigUint::from(6u32).pow(sixes + 1);
        let misses = &of - &ways;
        let die = Weights::of([(0, misses), (1, ways)]);
        one_kind::sum_of(&die, test.pool, &mut self.budget)
    }

    fn call(&mut self, function: Function, parts: &[Expr]) -> Result<Weights<Value>, Refusal> {
        let mut result: Option<Weights<Value>> = None;
        for part in parts {
            let part = self.of(part)?;
            result = Some(match result {
                None => part.map(|value| call(function, value)),
                Some(result) => result.combine(&part, |a, b| call_next(function, a, b), &mut self.budget)?,
            });
        }
        result.ok_or(Refusal::NoMethod)
    }

    /// A group: members are added, counted, or the highest or lowest of them is kept.
    fn group(&mut self, group: &Group) -> Result<Weights<Value>, Refusal> {
        let mut members = Vec::with_capacity(group.members.len());
        for member in &group.members {
            members.push(self.of(member)?);
        }
        let mut counts: Option<(&super::ast::Matcher, &super::ast::Matcher)> = None;
        let mut filter = None;
        for modifier in &group.modifiers {
            match modifier {
                Modifier::Count { success, failure } => counts = Some((success, failure)),
                Modifier::Filter { keep, selectors } if filter.is_none() => {
                    filter = Some((*keep, selectors.as_slice()))
                }
                Modifier::Sort { .. } => {}
                _ => return Err(Refusal::NoMethod),
            }
        }
        let worth = |value: Value| match counts {
            None => value,
            Some((success, failure)) => {
                Value::whole(value.to_whole().map_or(0, |value| i64::from(score(success, failure, value))))
            }
        };
        match filter {
            None => self.folded(members.into_iter().map(|member| member.map(worth)), Value::plus),
            Some((true, [Selector::Highest(1)])) => Ok(self.folded(members.into_iter(), Value::max)?.map(worth)),
            Some((true, [Selector::Lowest(1)])) => Ok(self.folded(members.into_iter(), Value::min)?.map(worth)),
            Some((keep, selectors)) => match Choice::of(keep, selectors) {
                Some(choice) => Ok(self.chosen(choice, &members, worth)?),
                None if selectors.iter().all(|selector| matches!(selector, Selector::Compare(_))) => {
                    let stays = |value: Value| selectors.iter().any(|selector| selects(selector, value)) == keep;
                    let left = |value: Value| if stays(value) { worth(value) } else { Value::ZERO };
                    self.folded(members.into_iter().map(|member| member.map(left)), Value::plus)
                }
                None => Err(Refusal::NoMethod),
            },
        }
    }

    /// Members put together, one after another.
    fn folded(
        &mut self,
        mut members: impl Iterator<Item = Weights<Value>>,
        together: fn(Value, Value) -> Value,
    ) -> Result<Weights<Value>, Refusal> {
        let mut folded = members.next().ok_or(Refusal::NoMethod)?;
        for member in members {
            folded = folded.combine(&member, together, &mut self.budget)?;
        }
        Ok(folded)
    }

    /// What a choice by rank leaves of the members.
    fn chosen(
        &mut self,
        choice: Choice,
        members: &[Weights<Value>],
        worth: impl Fn(Value) -> Value,
    ) -> Result<Weights<Value>, OddsError> {
        // Whole numbers to reckon with: all fractions over one denominator.
        let totals = || members.iter().flat_map(|member| member.ways.keys().copied());
        let scale = totals().fold(1i64, |scale, value| scale.lcm(&value.denominator()));
        let scaled = |value: Value| value.numerator() * (scale / value.denominator());
        let values: BTreeMap<i64, i64> = totals().map(|value| (scaled(value), scaled(worth(value)))).collect();
        let looks = members.iter().map(|member| member.ways.len() as u64).sum::<u64>();
        let laws = |threshold: Option<i64>, budget: &mut Budget| {
            budget.charge(looks * 100)?;
            let tally = |value: Value| choice.tally(scaled(value), scaled(worth(value)), threshold);
            Ok(members.iter().map(|member| (member.clone().map(tally), 1)).collect())
        };
        let chosen = choice.total(values.into_iter(), laws, &mut self.budget)?;
        Ok(chosen.map(|total| Value::fraction(total, scale).unwrap_or(Value::ZERO)))
    }
}

/// Whether a comparison selects a total; one that is no whole number compares with none.
fn selects(selector: &Selector, value: Value) -> bool {
    matches!(selector, Selector::Compare(comparison) if value.to_whole().is_some_and(|value| comparison.holds(value)))
}

/// Sorted totals and the ways to each.
type Ways<T> = BTreeMap<T, BigUint>;
