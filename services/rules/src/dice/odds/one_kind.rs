//! Dice of one kind: added or counted, all of them or those that are kept, and what is done with those afterwards.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Add;

use num_bigint::BigUint;
use num_traits::One;

use super::chosen::Choice;
use super::differing::{different, unique_error};
use super::distribution::{Mixture, Weights};
use super::polynomial::Polynomial;
use super::sorted::{Face, Outcome, face_by_face, ranked, staying};
use super::{Budget, OddsError, Ways, words};
use crate::dice::ast::{Dice, Matcher, Modifier, Selector, Sides};
use crate::dice::limits::chain_limit;
use crate::dice::roll::{concerns_a_die_by_itself, score};

/// The total of so many dice with so many sides, and the error that the limits on explosions and rerolls make; `None` if
/// there is no method for what is done with them.
pub fn total(
    dice: &Dice,
    count: u32,
    sides: u32,
    budget: &mut Budget,
) -> Result<Option<(Weights<i64>, f64)>, OddsError> {
    let die = Die::new(&dice.sides, sides);
    let alone = dice.modifiers.iter().take_while(|modifier| concerns_a_die_by_itself(modifier)).count();
    let (alone, together) = dice.modifiers.split_at(alone);
    let Some(plan) = Plan::of(together, count) else { return Ok(None) };
    let Plan { kept, several, unique, added, last, counted } = plan;
    let only = kept.only;
    let worth = |value: i64| match (only, counted) {
        (Some((keep, selectors)), _) if selects(selectors, value) != keep => 0,
        (_, None) => value,
        (_, Some((success, failure))) => i64::from(score(success, failure, value)),
    };
    if let Some(on) = unique {
        if !alone.is_empty() || matches!(dice.sides, Sides::FateRare) {
            return Ok(None);
        }
        let total = different(&die, count, on, (kept.low, kept.high), &worth, budget)?;
        return Ok(Some((total, unique_error(count, die.number()))));
    }
    let error = die.error(alone, count) + die.error(last, count);
    // Dice that explode are more than were thrown.
    let explodes = |modifier: &Modifier| matches!(modifier, Modifier::Explode { compound: false, .. });
    let is_chosen = several.is_some() || !last.is_empty();
    if is_chosen && alone.iter().any(explodes) {
        return Ok(None);
    }
    if let Some(on) = added {
        return Ok(Some((die.with_another(on, alone, count, &worth, budget)?, error)));
    }
    if is_chosen {
        let values = die.worth(alone, &|value| value, budget)?;
        let mut faces = Vec::with_capacity(values.ways.len());
        for (value, ways) in &values.ways {
            let law = die.worth_of(*value, last, &worth, budget)?;
            faces.push(Outcome { value: *value, ways: ways.clone(), all: law.all.clone(), law: polynomial(&law) });
        }
        let stays = |value: i64, below: u32, showing: u32| match several {
            Some((keep, selectors)) => staying(keep, selectors, value, below, showing, count),
            None => (below + showing).min(kept.high).saturating_sub(below.max(kept.low)),
        };
        return Ok(Some((face_by_face(&faces, count, stays, budget)?, error)));
    }
    if !kept.ranked.is_empty() && alone.iter().any(explodes) {
        let [choice] = kept.ranked.as_slice() else { return Ok(None) };
        return Ok(Some((die.chosen(*choice, count, alone, &worth, budget)?, error)));
    }
    if kept.high <= kept.low {
        // Of a number of dice that is rolled itself, all may be dropped.
        return Ok(Some((Weights::certain(0), error)));
    }
    if kept.is_all(count) {
        let one = die.worth(alone, &worth, budget)?;
        return Ok(Some((sum_of(&one, count, budget)?, error)));
    }
    let values = die.worth(alone, &|value| value, budget)?;
    let faces: Vec<Face> =
        values.ways.iter().map(|(value, ways)| Face { worth: worth(*value), ways: ways.clone() }).collect();
    let total = ranked(&faces, count, kept.low, kept.high, budget)?;
    Ok(Some((total, error)))
}

/// The sum of so many dice that are alike.
pub fn sum_of(die: &Weights<i64>, count: u32, budget: &mut Budget) -> Result<Weights<i64>, OddsError> {
    Ok(to_weights(polynomial(die).power(count, budget)?))
}

pub(super) fn polynomial(weights: &Weights<i64>) -> Polynomial {
    let terms: Vec<(i64, BigUint)> = weights.ways.iter().map(|(total, ways)| (*total, ways.clone())).collect();
    Polynomial::of(&terms)
}

pub(super) fn to_weights(polynomial: Polynomial) -> Weights<i64> {
    Weights::of((polynomial.low..).zip(polynomial.ways))
}

/// What is done with the dice once each of them lies still.
struct Plan<'a> {
    kept: Kept<'a>,
    /// A filter with several selectors, at least one of them by rank; then there is no other.
    several: Option<(bool, &'a [Selector])>,
    /// Which dice are to differ.
    unique: Option<&'a Matcher>,
    /// What brings another die.
    added: Option<&'a Matcher>,
    /// What is done with each die that is kept.
    last: &'a [Modifier],
    counted: Option<(&'a Matcher, &'a Matcher)>,
}

impl<'a> Plan<'a> {
    /// The plan of these modifiers; `None` if there is no method for them.
    fn of(together: &'a [Modifier], count: u32) -> Option<Plan<'a>> {
        let kept = Kept { low: 0, high: count, ranked: Vec::new(), only: None };
        let mut plan = Plan { kept, several: None, unique: None, added: None, last: &[], counted: None };
        let mut rest = together;
        while let [modifier, further @ ..] = rest {
            let is_first = rest.len() == together.len();
            match modifier {
                Modifier::Unique { once: false, on } if is_first => plan.unique = Some(on),
                Modifier::RerollAndAdd { on } if is_first => plan.added = Some(on),
                Modifier::Filter { keep, selectors } if plan.can_filter() => {
                    if !plan.kept.narrow(*keep, selectors) {
                        if !is_first {
                            return None;
                        }
                        plan.several = Some((*keep, selectors));
                    }
                }
                Modifier::Count { success, failure } => plan.counted = Some((success, failure)),
                Modifier::Sort { .. } => {}
                _ if concerns_a_die_by_itself(modifier) && plan.can_go_on() => {
                    let length = rest.iter().take_while(|modifier| concerns_a_die_by_itself(modifier)).count();
                    (plan.last, rest) = rest.split_at(length);
                    continue;
                }
                _ => return None,
            }
            rest = further;
        }
        Some(plan)
    }

    fn can_filter(&self) -> bool {
        self.several.is_none() && self.added.is_none() && self.last.is_empty()
    }

    /// Whether the dice that are kept can be thrown on.
    fn can_go_on(&self) -> bool {
        self.unique.is_none() && self.added.is_none() && self.last.is_empty() && self.kept.only.is_none()
    }
}

/// Which of the sorted dice are kept: the lowest first, from `low` up to but without `high`, and of these perhaps only
/// those that a comparison selects or does not.
struct Kept<'a> {
    low: u32,
    high: u32,
    /// The filters by rank.
    ranked: Vec<Choice>,
    only: Option<(bool, &'a [Selector])>,
}

impl<'a> Kept<'a> {
    fn is_all(&self, count: u32) -> bool {
        self.low == 0 && self.high == count
    }

    /// Applies a filter; `false` if what is left is no run of sorted dice.
    fn narrow(&mut self, keep: bool, selectors: &'a [Selector]) -> bool {
        if self.only.is_some() {
            return false;
        }
        if selectors.iter().all(|selector| matches!(selector, Selector::Compare(_))) {
            self.only = Some((keep, selectors));
            return true;
        }
        let Some(choice) = Choice::of(keep, selectors) else { return false };
        self.ranked.push(choice);
        let left = self.high - self.low;
        match (keep, selectors) {
            (true, [Selector::Highest(count)]) => self.low = self.high - (*count).min(left),
            (true, [Selector::Lowest(count)]) => self.high = self.low + (*count).min(left),
            (false, [Selector::Highest(count)]) => self.high -= (*count).min(left),
            (false, [Selector::Lowest(count)]) => self.low += (*count).min(left),
            _ => return false,
        }
        true
    }
}

fn selects(selectors: &[Selector], value: i64) -> bool {
    selectors.iter().any(|selector| matches!(selector, Selector::Compare(comparison) if comparison.holds(value)))
}

/// How many times as long tallies take to add up as plain numbers.
const TALLY_COST: u64 = 10;

/// What a further die that shows this is worth.
type Worth<'a, T> = dyn FnMut(i64, &mut Budget) -> Result<Weights<T>, OddsError> + 'a;

/// What dice are worth, added up.
trait Amount: Ord + Copy + Add<Output = Self> {}

impl<T: Ord + Copy + Add<Output = T>> Amount for T {}

/// What dice are worth, and whether any of them matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Watched {
    matched: bool,
    sum: i64,
}

impl Add for Watched {
    type Output = Watched;

    fn add(self, other: Watched) -> Watched {
        Watched { matched: self.matched || other.matched, sum: self.sum + other.sum }
    }
}

/// The faces of a die: values with their ways.
pub(super) struct Die {
    pub faces: Vec<(i64, u32)>,
}

impl Die {
    fn new(sides: &Sides, number: u32) -> Die {
        let faces = match sides {
            Sides::Numbers(_) => (1..=i64::from(number)).map(|value| (value, 1)).collect(),
            Sides::Fate => vec![(-1, 1), (0, 1), (1, 1)],
            Sides::FateRare => vec![(-1, 1), (0, 4), (1, 1)],
        };
        Die { faces }
    }

    /// How many values it has.
    pub fn number(&self) -> u32 {
        self.faces.len() as u32
    }

    fn all(&self) -> BigUint {
        BigUint::from(self.faces.iter().map(|(_, ways)| *ways).sum::<u32>())
    }

    fn matches(&self, on: &Matcher, value: i64, lowest: bool) -> bool {
        match (on.is_empty(), lowest) {
            (false, _) => on.matches(value),
            (true, true) => self.faces.first().is_some_and(|(first, _)| *first == value),
            (true, false) => self.faces.last().is_some_and(|(last, _)| *last == value),
        }
    }

    fn chain_limit(&self, on: &Matcher, lowest: bool) -> u32 {
        let matching = self.faces.iter().filter(|(value, _)| self.matches(on, *value, lowest)).count();
        chain_limit(matching as u32, self.number())
    }

    /// What the limits that are ours and not the text's can change in a chance, at the most.
    fn error(&self, alone: &[Modifier], count: u32) -> f64 {
        let all: u32 = self.faces.iter().map(|(_, ways)| ways).sum();
        let chance = |on: &Matcher, lowest: bool| {
            let matching: u32 =
                self.faces.iter().filter(|(value, _)| self.matches(on, *value, lowest)).map(|(_, ways)| ways).sum();
            let limit = self.chain_limit(on, lowest);
            (f64::from(matching) / f64::from(all)).powi(limit as i32 + 1)
        };
        let errors = alone.iter().map(|modifier| match modifier {
            Modifier::Explode { on, limit: None, .. } => chance(on, false),
            Modifier::Reroll { once: false, on } => chance(on, true),
            _ => 0.0,
        });
        errors.sum::<f64>() * f64::from(count)
    }

    /// What one die is worth after the modifiers that concern it by itself, the further dice it brings included.
    fn worth<T: Amount>(
        &self,
        alone: &[Modifier],
        worth: &dyn Fn(i64) -> T,
        budget: &mut Budget,
    ) -> Result<Weights<T>, OddsError> {
        if alone.is_empty() {
            return Ok(Weights::of(self.faces.iter().map(|(value, ways)| (worth(*value), BigUint::from(*ways)))));
        }
        let mut mixture = Mixture::new();
        for (value, ways) in &self.faces {
            mixture.add(&BigUint::from(*ways), self.worth_of(*value, alone, worth, budget)?, budget)?;
        }
        Ok(mixture.weights)
    }

    /// What a die that shows this is worth in the end.
    fn worth_of<T: Amount>(
        &self,
        value: i64,
        modifiers: &[Modifier],
        worth: &dyn Fn(i64) -> T,
        budget: &mut Budget,
    ) -> Result<Weights<T>, OddsError> {
        budget.charge(20)?;
        let Some((modifier, rest)) = modifiers.split_first() else { return Ok(Weights::certain(worth(value))) };
        match modifier {
            Modifier::Minimum(bound) => self.worth_of(value.max(i64::from(*bound)), rest, worth, budget),
            Modifier::Maximum(bound) => self.worth_of(value.min(i64::from(*bound)), rest, worth, budget),
            Modifier::Reroll { once, on } => {
                if !self.matches(on, value, true) {
                    return self.worth_of(value, rest, worth, budget);
                }
                let limit = if *once { 1 } else { self.chain_limit(on, true) };
                // A value that a minimum made may match where no face does.
                if limit == 0 {
                    return self.worth_of(value, rest, worth, budget);
                }
                let mut mixture = Mixture::new();
                for (value, ways) in self.rerolled(on, limit, budget)? {
                    mixture.add(&ways, self.worth_of(value, rest, worth, budget)?, budget)?;
                }
                Ok(mixture.weights)
            }
            Modifier::Explode { compound, penetrate, on, limit } => {
                let limit = limit.unwrap_or_else(|| self.chain_limit(on, false));
                if !self.matches(on, value, false) || limit == 0 {
                    return self.worth_of(value, rest, worth, budget);
                }
                let less = i64::from(*penetrate);
                if *compound {
                    let chain = self.chain(on, limit, budget, &mut |shown, _| Ok(Weights::certain(shown - less)))?;
                    let mut mixture = Mixture::new();
                    for (further, ways) in chain.ways {
                        mixture.add(&ways, self.worth_of(value + further, rest, worth, budget)?, budget)?;
                    }
                    return Ok(mixture.weights);
                }
                let first = self.worth_of(value, rest, worth, budget)?;
                let further = self
                    .chain(on, limit, budget, &mut |shown, budget| self.worth_of(shown - less, rest, worth, budget))?;
                first.combine(&further, |a, b| a + b, budget)
            }
            Modifier::Unique { .. }
            | Modifier::RerollAndAdd { .. }
            | Modifier::Filter { .. }
            | Modifier::Count { .. }
            | Modifier::Sort { .. } => self.worth_of(value, rest, worth, budget),
        }
    }

    /// The values after a reroll and their ways: thrown again while it matches, so many times at the most.
    fn rerolled(&self, on: &Matcher, limit: u32, budget: &mut Budget) -> Result<Vec<(i64, BigUint)>, OddsError> {
        let all = self.all();
        let size = words(&all.pow(limit));
        budget.charge(size.saturating_mul(u64::from(limit) * u64::from(limit)))?;
        budget.hold(u64::from(self.number()), size)?;
        let matching: u32 =
            self.faces.iter().filter(|(value, _)| self.matches(on, *value, true)).map(|(_, ways)| ways).sum();
        let matching = BigUint::from(matching);
        let last = matching.pow(limit - 1);
        // The throws before: m^j of them match, and the rest of the limit is not needed.
        let any: BigUint = (0..limit).map(|before| matching.pow(before) * all.pow(limit - 1 - before)).sum();
        let ways_of = |value: i64| if self.matches(on, value, true) { &last } else { &any };
        Ok(self.faces.iter().map(|(value, ways)| (*value, ways_of(*value) * *ways)).collect())
    }

    /// Those of so many dice, and of what they bring by exploding, that a choice leaves.
    fn chosen(
        &self,
        choice: Choice,
        count: u32,
        alone: &[Modifier],
        worth: &dyn Fn(i64) -> i64,
        budget: &mut Budget,
    ) -> Result<Weights<i64>, OddsError> {
        let seen = RefCell::new(BTreeSet::new());
        let see = |value: i64| {
            seen.borrow_mut().insert(value);
            0
        };
        let before = budget.steps;
        self.worth(alone, &see, budget)?;
        let cost = (before - budget.steps).saturating_mul(TALLY_COST);
        let values = seen.into_inner().into_iter().map(|value| (value, worth(value)));
        let laws = |threshold: Option<i64>, budget: &mut Budget| {
            budget.charge(cost)?;
            let law = self.worth(alone, &|value| choice.tally(value, worth(value), threshold), budget)?;
            Ok(vec![(law, count)])
        };
        choice.total(values, laws, budget)
    }

    /// The sum of so many dice, and of another one if any of them matches.
    fn with_another(
        &self,
        on: &Matcher,
        alone: &[Modifier],
        count: u32,
        worth: &dyn Fn(i64) -> i64,
        budget: &mut Budget,
    ) -> Result<Weights<i64>, OddsError> {
        let law = self.worth(alone, &|value| Watched { matched: on.matches(value), sum: worth(value) }, budget)?;
        let every: Vec<(i64, BigUint)> = law.ways.iter().map(|(watched, ways)| (watched.sum, ways.clone())).collect();
        let unmatched = law.ways.iter().filter(|(watched, _)| !watched.matched);
        let unmatched: Vec<(i64, BigUint)> = unmatched.map(|(watched, ways)| (watched.sum, ways.clone())).collect();
        let mut some = to_weights(Polynomial::of(&every).power(count, budget)?);
        let none = match unmatched.is_empty() {
            true => Ways::new(),
            false => to_weights(Polynomial::of(&unmatched).power(count, budget)?).ways,
        };
        for (total, ways) in &none {
            if let Some(left) = some.ways.get_mut(total) {
                *left -= ways;
            }
        }
        let another = self.worth(&[], worth, budget)?;
        let mut totals = some.combine(&another, |sum, further| sum + further, budget)?;
        for (total, ways) in none {
            *totals.ways.entry(total).or_default() += ways * &another.all;
        }
        Ok(Weights::of(totals.ways))
    }

    /// The further dice of one that exploded: what they are worth together, 1 to `limit` of them.
    fn chain<T: Amount>(
        &self,
        on: &Matcher,
        limit: u32,
        budget: &mut Budget,
        worth: &mut Worth<'_, T>,
    ) -> Result<Weights<T>, OddsError> {
        let (mut going, mut stopping) = (Mixture::new(), Mixture::new());
        for (value, ways) in &self.faces {
            let mixture = if self.matches(on, *value, false) { &mut going } else { &mut stopping };
            mixture.add(&BigUint::from(*ways), worth(*value, budget)?, budget)?;
        }
        going.widen(&stopping.common, budget)?;
        stopping.widen(&going.common, budget)?;
        let (going, stopping) = (going.weights, stopping.weights);
        let mut chain = going.clone();
        chain.add(&stopping, &BigUint::one(), budget)?;
        for _ in 1..limit {
            let mut next = going.combine(&chain, |a, b| a + b, budget)?;
            next.add(&stopping, &chain.all, budget)?;
            chain = next;
        }
        Ok(chain)
    }
}
