//! Totals with their ways, and what can be asked of them.

use std::fmt;

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

use super::{Budget, OddsError, Value, Ways, words};

/// A chance, as an exact fraction; not always in lowest terms, though written so.
#[derive(Debug, Clone)]
pub struct Ratio {
    numerator: BigUint,
    denominator: BigUint,
}

impl Ratio {
    /// `numerator` of `denominator` ways. A denominator of 0 is read as 1.
    pub fn new(numerator: BigUint, denominator: BigUint) -> Ratio {
        let denominator = if denominator.is_zero() { BigUint::one() } else { denominator };
        Ratio { numerator, denominator }
    }

    /// The ways.
    pub fn numerator(&self) -> &BigUint {
        &self.numerator
    }

    /// Of how many.
    pub fn denominator(&self) -> &BigUint {
        &self.denominator
    }

    /// The nearest number that a machine handles.
    pub fn to_f64(&self) -> f64 {
        quotient(&self.numerator, &self.denominator)
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        &self.numerator * &other.denominator == &other.numerator * &self.denominator
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divisor = self.numerator.gcd(&self.denominator);
        write!(f, "{}/{}", &self.numerator / &divisor, &self.denominator / &divisor)
    }
}

/// `numerator / denominator`, right to the last bit but one however large both are.
fn quotient(numerator: &BigUint, denominator: &BigUint) -> f64 {
    let shift = 64 + denominator.bits() as i64 - numerator.bits() as i64;
    let scaled = if shift >= 0 { numerator << shift as u64 } else { numerator >> (-shift) as u64 };
    let quotient = (scaled / denominator).to_f64().unwrap_or(f64::MAX);
    let exponent = i32::try_from(-shift).unwrap_or(i32::MIN);
    // In two steps, since 2^exponent alone may be too small to hold.
    quotient * f64::from(2).powi(exponent / 2) * f64::from(2).powi(exponent - exponent / 2)
}

/// Totals and the ways to each, of so many in all.
#[derive(Debug, Clone)]
pub(super) struct Weights<T> {
    pub ways: Ways<T>,
    pub all: BigUint,
}

impl<T: Ord + Copy> Weights<T> {
    /// One total, whatever is rolled.
    pub fn certain(total: T) -> Self {
        Weights { ways: Ways::from([(total, BigUint::one())]), all: BigUint::one() }
    }

    /// Totals with their ways; those without any are left out.
    pub fn of(ways: impl IntoIterator<Item = (T, BigUint)>) -> Self {
        let mut all = BigUint::zero();
        let mut sorted = Ways::new();
        for (total, weight) in ways {
            if !weight.is_zero() {
                all += &weight;
                *sorted.entry(total).or_default() += weight;
            }
        }
        Weights { ways: sorted, all }
    }

    /// The totals made into others.
    pub fn map<U: Ord + Copy>(self, change: impl Fn(T) -> U) -> Weights<U> {
        let mut ways = Ways::new();
        for (total, weight) in self.ways {
            *ways.entry(change(total)).or_default() += weight;
        }
        Weights { ways, all: self.all }
    }

    /// What comes of two totals that do not depend on each other.
    pub fn combine<S: Ord + Copy, U: Ord + Copy>(
        &self,
        other: &Weights<S>,
        combined: impl Fn(T, S) -> U,
        budget: &mut Budget,
    ) -> Result<Weights<U>, OddsError> {
        let pairs = self.ways.len() as u64 * other.ways.len() as u64;
        let product = words(&self.all) + words(&other.all);
        budget.charge(pairs.saturating_mul(product + words(&self.all) * words(&other.all) / 2))?;
        let mut ways = Ways::new();
        for (left, left_weight) in &self.ways {
            budget.hold(ways.len() as u64, product)?;
            for (right, right_weight) in &other.ways {
                *ways.entry(combined(*left, *right)).or_default() += left_weight * right_weight;
            }
        }
        Ok(Weights { ways, all: &self.all * &other.all })
    }

    /// The same chances, in so many times as many ways.
    pub fn scale(&mut self, factor: &BigUint) {
        if !factor.is_one() {
            self.ways.values_mut().for_each(|ways| *ways *= factor);
            self.all *= factor;
        }
    }

    /// Adds the ways of another, each so many times.
    pub fn add(&mut self, other: &Weights<T>, factor: &BigUint, budget: &mut Budget) -> Result<(), OddsError> {
        let (values, size) = (other.ways.len() as u64, words(&other.all));
        budget.charge(values.saturating_mul(size * words(factor)))?;
        budget.hold(self.ways.len() as u64 + values, words(&self.all).max(size + words(factor)))?;
        for (total, ways) in &other.ways {
            *self.ways.entry(*total).or_default() += ways * factor;
        }
        self.all += &other.all * factor;
        Ok(())
    }
}

/// Steps of a case, whatever is in it.
const CASE: u64 = 300;

/// Cases that are mixed one after another, so that no two of them are held at once.
pub(super) struct Mixture<T> {
    pub weights: Weights<T>,
    /// In how many ways a case of weight 1 stands in it.
    pub common: BigUint,
}

impl<T: Ord + Copy> Mixture<T> {
    pub fn new() -> Self {
        Mixture { weights: Weights { ways: Ways::new(), all: BigUint::zero() }, common: BigUint::one() }
    }

    /// Adds a case, as likely as its weight among all of them.
    pub fn add(&mut self, weight: &BigUint, case: Weights<T>, budget: &mut Budget) -> Result<(), OddsError> {
        budget.charge(CASE)?;
        self.widen(&case.all, budget)?;
        self.weights.add(&case, &(&self.common / &case.all * weight), budget)
    }

    /// Makes its ways so many that each is a whole number of those of a case with so many.
    pub fn widen(&mut self, all: &BigUint, budget: &mut Budget) -> Result<(), OddsError> {
        let common = self.common.lcm(all);
        if common != self.common {
            let values = self.weights.ways.len() as u64;
            budget.charge(values.saturating_mul(words(&common)))?;
            budget.hold(values, words(&common) + words(&self.weights.all))?;
            self.weights.scale(&(&common / &self.common));
            self.common = common;
        }
        Ok(())
    }
}

/// Every total of a roll with its chance. Two are equal if all chances are, in whatever ways they were counted.
#[derive(Debug, Clone)]
pub struct Distribution {
    outcomes: Vec<(Value, BigUint)>,
    all: BigUint,
}

impl PartialEq for Distribution {
    fn eq(&self, other: &Self) -> bool {
        self.outcomes.len() == other.outcomes.len()
            && self.outcomes.iter().zip(&other.outcomes).all(|((total, ways), (other_total, other_ways))| {
                total == other_total && ways * &other.all == other_ways * &self.all
            })
    }
}

impl From<Weights<Value>> for Distribution {
    fn from(weights: Weights<Value>) -> Self {
        Distribution { outcomes: weights.ways.into_iter().collect(), all: weights.all }
    }
}

impl Distribution {
    /// Every total, the lowest first, and the ways to it.
    pub fn outcomes(&self) -> &[(Value, BigUint)] {
        &self.outcomes
    }

    /// All ways together.
    pub fn all(&self) -> &BigUint {
        &self.all
    }

    /// The lowest total.
    pub fn lowest(&self) -> Value {
        self.outcomes.first().map_or(Value::ZERO, |(total, _)| *total)
    }

    /// The highest total.
    pub fn highest(&self) -> Value {
        self.outcomes.last().map_or(Value::ZERO, |(total, _)| *total)
    }

    /// The chance of exactly this total.
    pub fn chance_of(&self, total: Value) -> Ratio {
        let ways = self.outcomes.binary_search_by_key(&total, |(total, _)| *total);
        self.ratio(ways.map(|index| self.outcomes[index].1.clone()).unwrap_or_default())
    }

    /// The chance of this total or a higher one.
    pub fn chance_of_at_least(&self, total: Value) -> Ratio {
        let from = self.outcomes.partition_point(|(outcome, _)| *outcome < total);
        self.ratio(self.outcomes[from..].iter().map(|(_, ways)| ways).sum())
    }

    /// The chance of this total or a lower one.
    pub fn chance_of_at_most(&self, total: Value) -> Ratio {
        let to = self.outcomes.partition_point(|(outcome, _)| *outcome <= total);
        self.ratio(self.outcomes[..to].iter().map(|(_, ways)| ways).sum())
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        signed_quotient(&self.moment(1).0, &self.moment(1).1)
    }

    /// The standard deviation.
    pub fn deviation(&self) -> f64 {
        let (first, denominator) = self.moment(1);
        let (second, square) = self.moment(2);
        // E[x²] - E[x]², over the common denominator: exact until the root is taken.
        let variance = second * &denominator * &denominator - &first * &first * &square;
        signed_quotient(&variance, &(&square * &denominator * &denominator)).max(0.0).sqrt()
    }

    /// The lowest total that at least so many of a hundred rolls do not exceed; `percent` is 0 to 100.
    pub fn percentile(&self, percent: u32) -> Value {
        let wanted = &self.all * percent.min(100);
        let mut reached = BigUint::zero();
        for (total, ways) in &self.outcomes {
            reached += ways;
            if &reached * 100u32 >= wanted {
                return *total;
            }
        }
        self.highest()
    }

    fn ratio(&self, ways: BigUint) -> Ratio {
        Ratio::new(ways, self.all.clone())
    }

    /// The mean of a power of the total, 1 or 2, as a fraction.
    fn moment(&self, power: u32) -> (BigInt, BigInt) {
        let scale = self.outcomes.iter().fold(1i64, |scale, (total, _)| scale.lcm(&total.denominator()));
        let mut sum = BigInt::zero();
        for (total, ways) in &self.outcomes {
            let scaled = i128::from(total.numerator()) * i128::from(scale / total.denominator());
            sum += BigInt::from(scaled).pow(power) * BigInt::from(ways.clone());
        }
        (sum, BigInt::from(self.all.clone()) * BigInt::from(scale).pow(power))
    }
}

fn signed_quotient(numerator: &BigInt, denominator: &BigInt) -> f64 {
    let size = quotient(numerator.magnitude(), denominator.magnitude());
    if numerator.sign() == num_bigint::Sign::Minus { -size } else { size }
}
