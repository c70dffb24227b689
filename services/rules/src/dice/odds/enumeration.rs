//! Going through every sequence of faces that a roll can take.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::One;

use super::distribution::{Distribution, Weights};
use super::{OddsError, Value, Ways};
use crate::dice::ast::Expr;
use crate::dice::notation::Notation;
use crate::dice::roll::roll;

/// The odds of a notation, of one of its repeats, by rolling every sequence of faces there is, at most so many.
///
/// # Errors
///
/// [`OddsError::TooCostly`] if there are more.
pub fn enumerate(notation: &Notation, sequences: u64) -> Result<Distribution, OddsError> {
    enumerate_once(notation.expr(), sequences)
}

/// Throws after which it is looked at how far one has come.
const STRETCH: u64 = 30_000;

pub(super) fn enumerate_once(expr: &Expr, sequences: u64) -> Result<Distribution, OddsError> {
    // The faces of a sequence with their sides; the next sequence differs in the last face that can still grow.
    let mut path: Vec<(u32, u32)> = Vec::new();
    // How many sequences come to a total, each one of so many ways.
    let mut ends: BTreeMap<(Value, BigUint), u64> = BTreeMap::new();
    let mut common = BigUint::one();
    let mut throws = 0u64;
    // The chance of all sequences gone through, and of those before the present stretch.
    let (mut done, mut done_before) = (0.0, 0.0);
    let (mut sequence_before, mut throws_before) = (0, 0);
    for sequence in 1..=sequences {
        let mut position = 0;
        let total = roll(expr, None, 0, |sides| {
            if position == path.len() {
                path.push((1, sides));
            }
            position += 1;
            path[position - 1].0
        })
        .total;
        throws += path.len() as u64;
        if throws > sequences.saturating_mul(20) {
            break;
        }
        let ways = path.iter().fold(BigUint::one(), |ways, (_, sides)| ways * *sides);
        common = common.lcm(&ways);
        done += path.iter().fold(1.0, |chance, (_, sides)| chance / f64::from(*sides));
        if throws - throws_before >= STRETCH {
            // As many sequences as the rest takes if it goes on as it did from the beginning, or as it does now.
            let lately = (done - done_before) / (sequence - sequence_before) as f64;
            let rest = (1.0 - done) / lately.max(done / sequence as f64);
            if rest.is_nan() || rest > (sequences - sequence) as f64 {
                break;
            }
            (done_before, sequence_before, throws_before) = (done, sequence, throws);
        }
        *ends.entry((total, ways)).or_default() += 1;
        if ends.len() as u64 > sequences / 8 + 64 {
            break;
        }
        while path.last().is_some_and(|(face, sides)| face >= sides) {
            path.pop();
        }
        match path.last_mut() {
            Some((face, _)) => *face += 1,
            None => {
                let mut all = Ways::new();
                for ((total, ways), sequences) in ends {
                    *all.entry(total).or_default() += &common / ways * sequences;
                }
                return Ok(Weights { ways: all, all: common }.into());
            }
        }
    }
    Err(OddsError::TooCostly)
}
