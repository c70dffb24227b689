//! Dice that are to differ: which of them show the same is thrown again.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::distribution::{Mixture, Weights};
use super::one_kind::{Die, to_weights};
use super::polynomial::Polynomial;
use super::sorted::binomials;
use super::{Budget, OddsError};
use crate::dice::ast::Matcher;
use crate::dice::limits::MAX_EXPLOSIONS;

/// The sums, by how many dice are placed and how many of them on values that match.
type Placed = BTreeMap<(usize, usize), Polynomial>;

/// The sum of the sorted dice from `low` up to but without `high`, where a value that matches is thrown again if a die
/// before shows it; every value does if nothing is said.
///
/// Of the values that match, so many different ones come up, every set of them as likely as any other; what the dice
/// show that do not match does not depend on it. So the dice are placed value after value, each matching one on one die
/// at the most.
pub fn different(
    die: &Die,
    count: u32,
    on: &Matcher,
    (low, high): (u32, u32),
    worth: &dyn Fn(i64) -> i64,
    budget: &mut Budget,
) -> Result<Weights<i64>, OddsError> {
    let matches = |value: i64| on.is_empty() || on.matches(value);
    let matching = die.faces.iter().filter(|(value, _)| matches(*value)).count();
    let others = die.faces.len() - matching;
    let (dice, most) = (count as usize, matching.min(count as usize));
    let size = u64::from(count) / 4 + 4;
    // If every value matches, as many are used as dice are placed.
    let states = if others == 0 { dice } else { dice * (most + 1) * dice } as u64;
    let sums = (dice * die.faces.len()) as u64;
    budget.hold(states.saturating_mul(sums) / 2, size)?;
    budget.foresee((states * die.faces.len() as u64).saturating_mul(sums).saturating_mul(size))?;
    let choices = binomials(count);
    let mut placed = Placed::from([((0, 0), Polynomial::term(0, BigUint::one()))]);
    for (value, _) in &die.faces {
        let is_matching = matches(*value);
        let mut next = placed.clone();
        for ((before, used), polynomial) in placed.iter().filter(|((before, _), _)| *before < dice) {
            let used = used + usize::from(is_matching);
            let at_most = if is_matching { 1 } else { dice - before };
            for after in before + 1..=before + at_most {
                budget.charge((polynomial.ways.len() as u64).saturating_mul(4 * size) + 50)?;
                let kept = after.min(high as usize).saturating_sub((*before).max(low as usize));
                let mut moved = polynomial.clone();
                moved.low += kept as i64 * worth(*value);
                if !is_matching {
                    // Which of the dice that do not match show it.
                    moved.scale(&choices[after - used][after - before]);
                }
                next.entry((after, used)).or_insert_with(Polynomial::zero).add(&moved);
            }
        }
        placed = next;
    }
    let mut mixture = Mixture::new();
    for (used, ways) in matched(count, matching as u64, others as u64).into_iter().enumerate() {
        if let Some(polynomial) = placed.remove(&(dice, used)) {
            mixture.add(&ways, to_weights(polynomial), budget)?;
        }
    }
    Ok(mixture.weights)
}

/// How likely so many of the dice, 0 and more, show different values that match; numbers in the right proportion.
fn matched(count: u32, matching: u64, others: u64) -> Vec<BigUint> {
    let faces = matching + others;
    let most = matching.min(count.into());
    // A die shows one of the faces that are left: all but those that match and were seen. Over a common denominator, each
    // throw is a whole number of ways.
    let left = |seen: u64| BigUint::from((faces - seen).max(1));
    let common: BigUint = (0..=most).fold(BigUint::one(), |common, seen| num_integer::lcm(common, left(seen)));
    let mut chances = vec![BigUint::zero(); most as usize + 1];
    chances[0] = BigUint::one();
    for _ in 0..count {
        let mut next = vec![BigUint::zero(); most as usize + 1];
        for (seen, ways) in (0..).zip(&chances) {
            let each = ways * &common / left(seen);
            next[seen as usize] += &each * others;
            if seen < most {
                next[seen as usize + 1] += each * (matching - seen);
            }
        }
        chances = next;
    }
    chances
}

/// What the limit on rerolls can change where all dice are to differ: the last one may fail every time.
pub fn unique_error(count: u32, faces: u32) -> f64 {
    let seen = f64::from(count.saturating_sub(1)) / f64::from(faces);
    seen.powi(MAX_EXPLOSIONS as i32 + 1) * f64::from(count)
}
