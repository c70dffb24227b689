//! Dice of one kind: added or counted, all of them or those that are kept.
//!
//! Kept dice are computed from the sorted dice: the chance that exactly so many lie above a value, and enough on it.
//! Nothing is enumerated, so that the highest 50 of 100 dice are a matter of milliseconds.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Add;

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::chosen::Choice;
use super::distribution::{Mixture, Weights};
use super::polynomial::Polynomial;
use super::{Budget, OddsError, words};
use crate::dice::ast::{Dice, Matcher, Modifier, Selector, Sides};
use crate::dice::limits::{MAX_EXPLOSIONS, chain_limit};
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
    let mut kept = Kept { low: 0, high: count, ranked: Vec::new(), only: None };
    let mut counted: Option<(&Matcher, &Matcher)> = None;
    let mut unique = false;
    for modifier in together {
        match modifier {
            Modifier::Filter { keep, selectors } => {
                if !kept.narrow(*keep, selectors) {
                    return Ok(None);
                }
            }
            Modifier::Count { success, failure } => counted = Some((success, failure)),
            Modifier::Sort { .. } => {}
            Modifier::Unique { once: false, on }
                if on.is_empty()
                    && alone.is_empty()
                    && kept.ranked.is_empty()
                    && !matches!(dice.sides, Sides::FateRare) =>
            {
                unique = true;
            }
            _ => return Ok(None),
        }
    }
    let only = kept.only;
    let worth = |value: i64| match (only, counted) {
        (Some((keep, selectors)), _) if selects(selectors, value) != keep => 0,
        (_, None) => value,
        (_, Some((success, failure))) => i64::from(score(success, failure, value)),
    };
    if unique && (!kept.ranked.is_empty() || kept.only.is_some()) {
        return Ok(None);
    }
    if unique {
        let total = different(&die, count, &worth, budget)?;
        return Ok(Some((total, unique_error(count, die.number()))));
    }
    let error = die.error(alone, count);
    // Dice that explode are more than were thrown.
    let explodes = |modifier: &Modifier| matches!(modifier, Modifier::Explode { compound: false, .. });
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
    let terms: Vec<(i64, BigUint)> = die.ways.iter().map(|(total, ways)| (*total, ways.clone())).collect();
    let power = Polynomial::of(&terms).power(count, budget)?;
    Ok(to_weights(power))
}

fn to_weights(polynomial: Polynomial) -> Weights<i64> {
    Weights::of((polynomial.low..).zip(polynomial.ways))
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

/// A value of a die: what it is worth, and the ways to it.
struct Face {
    worth: i64,
    ways: BigUint,
}

/// The faces of a die: values with their ways.
struct Die {
    faces: Vec<(i64, u32)>,
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
    fn number(&self) -> u32 {
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

/// The sum of dice that all differ: every set of so many values is as likely as any other, if every value is.
fn different(
    die: &Die,
    count: u32,
    worth: &dyn Fn(i64) -> i64,
    budget: &mut Budget,
) -> Result<Weights<i64>, OddsError> {
    let (dice, faces) = (u64::from(count), u64::from(die.number()));
    budget.hold(dice.saturating_mul(dice).saturating_mul(faces) / 2, dice / 8 + 4)?;
    let mut chosen: Vec<Polynomial> = vec![Polynomial { low: 0, ways: Vec::new() }; count as usize + 1];
    chosen[0] = Polynomial::term(0, BigUint::one());
    for (value, _) in &die.faces {
        for number in (1..=count as usize).rev() {
            let mut with = chosen[number - 1].clone();
            budget.charge(with.ways.len() as u64 * 8 + 4)?;
            with.low += worth(*value);
            chosen[number].add(&with);
        }
    }
    Ok(chosen.pop().map_or_else(|| Weights::certain(0), to_weights))
}

/// What the limit on rerolls can change where all dice are to differ: the last one may fail every time.
fn unique_error(count: u32, faces: u32) -> f64 {
    let seen = f64::from(count.saturating_sub(1)) / f64::from(faces);
    seen.powi(MAX_EXPLOSIONS as i32 + 1) * f64::from(count)
}

/// The sum over the sorted dice from `low` up to but without `high`, counted from the lowest. Faces are given from the
/// lowest.
fn ranked(faces: &[Face], count: u32, low: u32, high: u32, budget: &mut Budget) -> Result<Weights<i64>, OddsError> {
    let total = if high == count {
        let faces: Vec<&Face> = faces.iter().rev().collect();
        foremost(&faces, count, count - low, budget)?
    } else if low == 0 {
        let faces: Vec<&Face> = faces.iter().collect();
        foremost(&faces, count, high, budget)?
    } else {
        between(faces, count, low, high, budget)?
    };
    Ok(to_weights(total))
}

/// The sum of the foremost `kept` of `count` dice, 1 to `count`. Faces are given in the order of preference.
///
/// The last one kept shows some face; `ahead` dice show preferred faces, and the others from there on show this face or
/// a later one, enough of them this one: `C(count, ahead) · tail(ahead)` ways.
fn foremost(faces: &[&Face], count: u32, kept: u32, budget: &mut Budget) -> Result<Polynomial, OddsError> {
    let all: BigUint = faces.iter().map(|face| &face.ways).sum();
    let size = all.bits() * u64::from(count) / 64 + 4;
    let left_over = count - kept;
    budget.charge(u64::from(kept).saturating_mul(8 * size))?;
    let choices = binomials_of(count, kept);
    let mut sum = Polynomial { low: 0, ways: Vec::new() };
    let mut later = all;
    let mut preferred: Vec<(i64, BigUint)> = Vec::new();
    for face in faces {
        later -= &face.ways;
        let here_or_later = &face.ways + &later;
        budget.charge(u64::from(kept).saturating_mul(8 * size))?;
        let preferred_polynomial = Polynomial::of(&preferred);
        let later_power = later.pow(left_over);
        // The ways for the dice that are not ahead; `needed` of them must show this face.
        let mut tail = here_or_later.pow(left_over);
        let mut face_power = BigUint::one();
        let mut ways = Polynomial { low: 0, ways: Vec::new() };
        // C(left_over + needed - 1, needed - 1): exactly needed - 1 of the dice so far showed this face.
        let mut exactly_one_less = BigUint::one();
        for needed in 1..=kept {
            let ahead = kept - needed;
            let exactly = &exactly_one_less * &face_power * &later_power;
            exactly_one_less = exactly_one_less * (left_over + needed) / needed;
            tail = &here_or_later * &tail - &later * exactly;
            face_power *= &face.ways;
            // Horner's scheme in the number of dice ahead.
            ways = ways.times(&preferred_polynomial, size, budget)?;
            let term = &choices[ahead as usize] * &tail;
            if !term.is_zero() {
                ways.add(&Polynomial::term(i64::from(needed) * face.worth, term));
            }
        }
        sum.add(&ways);
        budget.hold(sum.ways.len() as u64, size)?;
        match preferred.iter_mut().find(|(worth, _)| *worth == face.worth) {
            Some((_, ways)) => *ways += &face.ways,
            None => preferred.push((face.worth, face.ways.clone())),
        }
    }
    Ok(sum)
}

/// The sum over a run in the middle of the sorted dice: face after face from the lowest, how many dice show it.
fn between(faces: &[Face], count: u32, low: u32, high: u32, budget: &mut Budget) -> Result<Polynomial, OddsError> {
    let all: BigUint = faces.iter().map(|face| &face.ways).sum();
    let size = all.bits() * u64::from(count) / 64 + 4;
    budget.charge(u64::from(count).pow(2).saturating_mul(size))?;
    budget.hold(u64::from(count).pow(2) / 2, size / 2)?;
    let choices = binomials(count);
    let empty = Polynomial { low: 0, ways: Vec::new() };
    let mut placed: Vec<Polynomial> = vec![empty.clone(); count as usize + 1];
    placed[0] = Polynomial::term(0, BigUint::one());
    for face in faces {
        let powers: Vec<BigUint> = (0..=count).map(|power| face.ways.pow(power)).collect();
        let mut next = vec![empty.clone(); count as usize + 1];
        for (before, polynomial) in placed.iter().enumerate().filter(|(_, polynomial)| !polynomial.ways.is_empty()) {
            for showing in 0..=count as usize - before {
                budget.charge((polynomial.ways.len() as u64).saturating_mul(4 * size))?;
                let after = before + showing;
                let counted = (after as i64).min(i64::from(high)) - (before as i64).max(i64::from(low));
                let mut moved = polynomial.clone();
                moved.low += counted.max(0) * face.worth;
                moved.scale(&(&choices[count as usize - before][showing] * &powers[showing]));
                next[after].add(&moved);
            }
        }
        placed = next;
    }
    Ok(placed.pop().unwrap_or(empty))
}

/// Pascal's triangle up to a row.
fn binomials(last: u32) -> Vec<Vec<BigUint>> {
    let mut rows: Vec<Vec<BigUint>> = vec![vec![BigUint::one()]];
    for row in 1..=last as usize {
        let above = &rows[row - 1];
        let mut next = Vec::with_capacity(row + 1);
        next.push(BigUint::one());
        next.extend(above.windows(2).map(|pair| &pair[0] + &pair[1]));
        next.push(BigUint::one());
        rows.push(next);
    }
    rows
}

/// So many numbers of a row of Pascal's triangle.
fn binomials_of(row: u32, numbers: u32) -> Vec<BigUint> {
    let mut number = BigUint::one();
    let mut all = Vec::with_capacity(numbers as usize);
    for place in 0..numbers {
        let next = &number * (row - place) / (place + 1);
        all.push(std::mem::replace(&mut number, next));
    }
    all
}
