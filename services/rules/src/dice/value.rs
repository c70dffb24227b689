//! What an expression is worth: an exact fraction, since `3d6/2` is no whole number.
//!
//! The bound of an expression is computed before it is rolled (`bound`), so that no operation here can overflow; should
//! one do all the same, it saturates instead of panicking.

use std::cmp::Ordering;
use std::fmt;

use super::limits::{MAX_CONSTANT, MAX_DENOMINATOR};

/// A fraction in lowest terms; the denominator is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Value {
    numerator: i64,
    denominator: i64,
}

impl Value {
    /// Nothing.
    pub const ZERO: Value = Value::whole(0);
    /// One.
    pub const ONE: Value = Value::whole(1);

    /// A whole number.
    pub const fn whole(number: i64) -> Value {
        Value { numerator: number, denominator: 1 }
    }

    /// `numerator / denominator`; `None` if the denominator is 0.
    pub fn fraction(numerator: i64, denominator: i64) -> Option<Value> {
        Value::reduced(numerator.into(), denominator.into())
    }

    /// The upper number of the fraction in lowest terms; it carries the sign.
    pub fn numerator(self) -> i64 {
        self.numerator
    }

    /// The lower number of the fraction in lowest terms; at least 1.
    pub fn denominator(self) -> i64 {
        self.denominator
    }

    /// The number itself, if it is whole.
    pub fn to_whole(self) -> Option<i64> {
        (self.denominator == 1).then_some(self.numerator)
    }

    /// Whether it may stand in a roll: at most [`MAX_CONSTANT`], in parts of at least one over [`MAX_DENOMINATOR`].
    pub(super) fn is_constant(self) -> bool {
        self.denominator <= MAX_DENOMINATOR && self.abs() <= Value::whole(MAX_CONSTANT)
    }

    /// The sum.
    pub fn plus(self, other: Value) -> Value {
        if self.denominator == 1 && other.denominator == 1 {
            return Value::whole(self.numerator.saturating_add(other.numerator));
        }
        let (a, b) = (i128::from(self.numerator), i128::from(self.denominator));
        let (c, d) = (i128::from(other.numerator), i128::from(other.denominator));
        Value::reduced(a * d + c * b, b * d).unwrap_or(Value::ZERO)
    }

    /// The same amount below zero.
    pub fn negated(self) -> Value {
        Value { numerator: self.numerator.saturating_neg(), ..self }
    }

    /// The product.
    pub fn times(self, other: Value) -> Value {
        let numerator = i128::from(self.numerator) * i128::from(other.numerator);
        let denominator = i128::from(self.denominator) * i128::from(other.denominator);
        Value::reduced(numerator, denominator).unwrap_or(Value::ZERO)
    }

    /// The quotient; `None` if `other` is 0.
    pub fn over(self, other: Value) -> Option<Value> {
        let numerator = i128::from(self.numerator) * i128::from(other.denominator);
        let denominator = i128::from(self.denominator) * i128::from(other.numerator);
        Value::reduced(numerator, denominator)
    }

    /// What is left after taking `other` off as many whole times as it fits; `None` if `other` is 0.
    pub fn remainder(self, other: Value) -> Option<Value> {
        let times = self.over(other)?.floor();
        Some(self.plus(times.times(other).negated()))
    }

    /// The power.
    pub fn power(self, exponent: u32) -> Value {
        (0..exponent).fold(Value::ONE, |power, _| power.times(self))
    }

    /// The next whole number below, or itself.
    pub fn floor(self) -> Value {
        Value::whole(self.numerator.div_euclid(self.denominator))
    }

    /// The next whole number above, or itself.
    pub fn ceil(self) -> Value {
        self.negated().floor().negated()
    }

    /// The nearest whole number, a half up.
    pub fn round(self) -> Value {
        let half = Value { numerator: 1, denominator: 2 };
        self.plus(half).floor()
    }

    /// The amount without its sign.
    pub fn abs(self) -> Value {
        Value { numerator: self.numerator.saturating_abs(), ..self }
    }

    fn reduced(numerator: i128, denominator: i128) -> Option<Value> {
        if denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).unwrap_or(i128::MAX) * denominator.signum();
        Some(Value { numerator: saturated(numerator / divisor), denominator: saturated(denominator / divisor) })
    }
}

fn saturated(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = i128::from(self.numerator) * i128::from(other.denominator);
        let right = i128::from(other.numerator) * i128::from(self.denominator);
        left.cmp(&right)
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `7`, `-7` or `7/2`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(numerator: i64, denominator: i64) -> Value {
        Value::fraction(numerator, denominator).unwrap()
    }

    #[test]
    fn fractions_are_in_lowest_terms_with_the_sign_above() {
        assert_eq!(value(6, -4).to_string(), "-3/2");
        assert_eq!(value(8, 4).to_whole(), Some(2));
        assert_eq!(Value::fraction(1, 0), None);
    }

    #[test]
    fn a_half_is_rounded_up_also_below_zero() {
        assert_eq!(value(5, 2).round(), Value::whole(3));
        assert_eq!(value(-5, 2).round(), Value::whole(-2));
        assert_eq!((value(-5, 2).floor(), value(-5, 2).ceil()), (Value::whole(-3), Value::whole(-2)));
    }

    #[test]
    fn fractions_add_multiply_divide_and_compare_exactly() {
        assert_eq!(value(1, 3).plus(value(1, 6)), value(1, 2));
        assert_eq!(value(2, 3).times(value(3, 4)).over(value(1, 2)), Some(Value::ONE));
        assert_eq!(Value::whole(7).remainder(Value::whole(3)), Some(Value::ONE));
        assert!(value(1, 3) < value(1, 2));
        assert_eq!(Value::whole(i64::MAX).plus(Value::ONE), Value::whole(i64::MAX));
    }
}
