//! What is kept of dice that are sorted.
//!
//! Nothing is enumerated: either from the chance that exactly so many dice lie above a value, and enough on it, so that the
//! highest 50 of 100 dice are a matter of milliseconds; or face after face, how many dice show it.

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::distribution::Weights;
use super::one_kind::to_weights;
use super::polynomial::Polynomial;
use super::{Budget, OddsError};
use crate::dice::ast::Selector;

/// A value of a die: what it is worth, and the ways to it.
pub struct Face {
    pub worth: i64,
    pub ways: BigUint,
}

/// A value of a die, and what a die that shows it and is kept is worth in the end.
pub struct Outcome {
    pub value: i64,
    pub ways: BigUint,
    pub law: Polynomial,
    /// All ways of the law.
    pub all: BigUint,
}

/// The sum over the sorted dice from `low` up to but without `high`, counted from the lowest. Faces are given from the
/// lowest.
pub fn ranked(faces: &[Face], count: u32, low: u32, high: u32, budget: &mut Budget) -> Result<Weights<i64>, OddsError> {
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

/// The sum over a run in the middle of the sorted dice.
fn between(faces: &[Face], count: u32, low: u32, high: u32, budget: &mut Budget) -> Result<Polynomial, OddsError> {
    let outcome = |face: &Face| Outcome {
        value: 0,
        ways: face.ways.clone(),
        law: Polynomial::term(face.worth, BigUint::one()),
        all: BigUint::one(),
    };
    let outcomes: Vec<Outcome> = faces.iter().map(outcome).collect();
    let stays = |_: i64, below: u32, showing: u32| (below + showing).min(high).saturating_sub(below.max(low));
    placed(&outcomes, count, stays, budget)
}

/// The sum of what is kept of the sorted dice: `stays` tells how many of those that show a value, if so many lie below.
pub fn face_by_face(
    faces: &[Outcome],
    count: u32,
    stays: impl Fn(i64, u32, u32) -> u32,
    budget: &mut Budget,
) -> Result<Weights<i64>, OddsError> {
    Ok(to_weights(placed(faces, count, stays, budget)?))
}

/// Face after face from the lowest, how many dice show it.
fn placed(
    faces: &[Outcome],
    count: u32,
    stays: impl Fn(i64, u32, u32) -> u32,
    budget: &mut Budget,
) -> Result<Polynomial, OddsError> {
    // Every die has as many ways, whatever becomes of it.
    let common = faces.iter().fold(BigUint::one(), |common, face| num_integer::lcm(common, face.all.clone()));
    let all: BigUint = faces.iter().map(|face| &face.ways * &common).sum();
    let size = all.bits() * u64::from(count) / 64 + 4;
    budget.charge(u64::from(count).pow(2).saturating_mul(size))?;
    budget.hold(u64::from(count).pow(2) / 2, size / 2)?;
    let ends = faces.iter().map(|face| face.law.low + face.law.ways.len() as i64);
    let span = ends.max().unwrap_or(0) - faces.iter().map(|face| face.law.low).min().unwrap_or(0);
    // Sums are about a quarter as many as could be in the end, on the average.
    let length = span.unsigned_abs().saturating_mul(count.into()) / 4 + 1;
    budget.foresee(length.saturating_mul(4 * size).saturating_mul(faces.len() as u64 * u64::from(count).pow(2) / 2))?;
    let choices = binomials(count);
    let empty = Polynomial { low: 0, ways: Vec::new() };
    let mut placed: Vec<Polynomial> = vec![empty.clone(); count as usize + 1];
    placed[0] = Polynomial::term(0, BigUint::one());
    for face in faces {
        let dropped = &face.ways * &common;
        let mut law = face.law.clone();
        law.scale(&(&dropped / &face.all));
        let powers: Vec<BigUint> = (0..=count).map(|power| dropped.pow(power)).collect();
        let mut laws = vec![Polynomial::term(0, BigUint::one())];
        let mut next = vec![empty.clone(); count as usize + 1];
        for (before, polynomial) in placed.iter().enumerate().filter(|(_, polynomial)| !polynomial.ways.is_empty()) {
            for showing in 0..=count as usize - before {
                let kept = stays(face.value, before as u32, showing as u32) as usize;
                while laws.len() <= kept {
                    let further = laws[laws.len() - 1].times(&law, size, budget)?;
                    laws.push(further);
                }
                budget.charge((polynomial.ways.len() as u64).saturating_mul(4 * size))?;
                let mut moved = polynomial.times(&laws[kept], size, budget)?;
                moved.scale(&(&choices[count as usize - before][showing] * &powers[showing - kept]));
                next[before + showing].add(&moved);
            }
        }
        placed = next;
    }
    Ok(placed.pop().unwrap_or(empty))
}

/// How many of the dice that show a value stay, if so many lie below and the others above: those that any of the selectors
/// selects, or all others. Of equal dice each selector takes the first, so the same ones.
pub fn staying(keep: bool, selectors: &[Selector], value: i64, below: u32, showing: u32, count: u32) -> u32 {
    let above = count - below - showing;
    let selected = selectors.iter().map(|selector| match selector {
        Selector::Highest(number) => number.saturating_sub(above).min(showing),
        Selector::Lowest(number) => number.saturating_sub(below).min(showing),
        Selector::Compare(comparison) if comparison.holds(value) => showing,
        Selector::Compare(_) => 0,
    });
    let selected = selected.max().unwrap_or(0);
    if keep { selected } else { showing - selected }
}

/// Pascal's triangle up to a row.
pub fn binomials(last: u32) -> Vec<Vec<BigUint>> {
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
