//! Polynomials whose coefficients count ways: the exponent is a total, the coefficient the ways to it.

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::{Budget, OddsError, words};

/// A polynomial; exponents may be negative.
#[derive(Debug, Clone)]
pub struct Polynomial {
    /// The exponent of the first coefficient.
    pub low: i64,
    /// The coefficients, one for each exponent from the lowest.
    pub ways: Vec<BigUint>,
}

impl Polynomial {
    /// No term.
    pub fn zero() -> Polynomial {
        Polynomial { low: 0, ways: Vec::new() }
    }

    /// A single term.
    pub fn term(exponent: i64, ways: BigUint) -> Polynomial {
        Polynomial { low: exponent, ways: vec![ways] }
    }

    /// The sum of terms in any order.
    pub fn of(terms: &[(i64, BigUint)]) -> Polynomial {
        let mut sum = Polynomial { low: 0, ways: Vec::new() };
        let low = terms.iter().map(|(exponent, _)| *exponent).min();
        let high = terms.iter().map(|(exponent, _)| *exponent).max();
        if let (Some(low), Some(high)) = (low, high) {
            sum = Polynomial { low, ways: vec![BigUint::zero(); (high - low) as usize + 1] };
            for (exponent, ways) in terms {
                sum.ways[(exponent - low) as usize] += ways;
            }
        }
        sum
    }

    /// Adds another.
    pub fn add(&mut self, other: &Polynomial) {
        if other.ways.is_empty() {
            return;
        }
        if self.ways.is_empty() {
            *self = other.clone();
            return;
        }
        if other.low < self.low {
            let missing = (self.low - other.low) as usize;
            self.ways.splice(0..0, std::iter::repeat_n(BigUint::zero(), missing));
            self.low = other.low;
        }
        let offset = (other.low - self.low) as usize;
        if self.ways.len() < offset + other.ways.len() {
            self.ways.resize(offset + other.ways.len(), BigUint::zero());
        }
        for (index, ways) in other.ways.iter().enumerate() {
            self.ways[offset + index] += ways;
        }
    }

    /// Multiplies by a number.
    pub fn scale(&mut self, factor: &BigUint) {
        if !factor.is_one() {
            self.ways.iter_mut().for_each(|ways| *ways *= factor);
        }
    }

    /// The product with another, which is the one with fewer terms if there is one. `size` is the words of a
    /// coefficient of the product.
    pub fn times(&self, other: &Polynomial, size: u64, budget: &mut Budget) -> Result<Polynomial, OddsError> {
        if self.ways.is_empty() || other.ways.is_empty() {
            return Ok(Polynomial { low: 0, ways: Vec::new() });
        }
        let length = self.ways.len() + other.ways.len() - 1;
        budget.hold(length as u64, size)?;
        let first = &other.ways[0];
        if other.ways.len() > 2 && other.ways.iter().all(|ways| ways == first) {
            // A run of equal coefficients: each coefficient of the product is the sum over a window.
            budget.charge((length as u64).saturating_mul(3 * size))?;
            let mut window = BigUint::zero();
            let mut product = Vec::with_capacity(length);
            for index in 0..length {
                if let Some(ways) = self.ways.get(index) {
                    window += ways;
                }
                if index >= other.ways.len() {
                    window -= &self.ways[index - other.ways.len()];
                }
                product.push(if first.is_one() { window.clone() } else { &window * first });
            }
            return Ok(Polynomial { low: self.low + other.low, ways: product });
        }
        let terms = other.ways.iter().filter(|ways| !ways.is_zero()).count() as u64;
        let largest = other.ways.iter().map(words).max().unwrap_or(1);
        budget.charge((self.ways.len() as u64).saturating_mul(terms).saturating_mul(size + largest * size / 4))?;
        let mut product = vec![BigUint::zero(); length];
        for (offset, factor) in other.ways.iter().enumerate().filter(|(_, ways)| !ways.is_zero()) {
            for (index, ways) in self.ways.iter().enumerate().filter(|(_, ways)| !ways.is_zero()) {
                product[offset + index] += ways * factor;
            }
        }
        Ok(Polynomial { low: self.low + other.low, ways: product })
    }

    /// A power. The first coefficient must not be zero.
    pub fn power(&self, exponent: u32, budget: &mut Budget) -> Result<Polynomial, OddsError> {
        let low = self.low * i64::from(exponent);
        let degree = self.ways.len().saturating_sub(1);
        let sum: BigUint = self.ways.iter().sum();
        let size = sum.bits() * u64::from(exponent) / 64 + 4;
        let length = (degree * exponent as usize) as u64 + 1;
        let Some(first) = self.ways.first() else { return Ok(self.clone()) };
        if exponent == 0 {
            return Ok(Polynomial::term(0, BigUint::one()));
        }
        if exponent == 1 {
            return Ok(self.clone());
        }
        budget.hold(length, size)?;
        if degree == 0 {
            budget.charge(size.saturating_mul(size))?;
            return Ok(Polynomial::term(low, first.pow(exponent)));
        }
        if first.is_one() && self.ways.iter().all(One::is_one) {
            budget.charge(length.saturating_mul(3 * size))?;
            return Ok(Polynomial { low, ways: power_of_run(degree as u64 + 1, u64::from(exponent)) });
        }
        let terms = self.ways.iter().filter(|ways| !ways.is_zero()).count() as u64;
        let coefficient = words(&sum);
        budget.charge(length.saturating_mul(terms).saturating_mul(size * coefficient / 2 + size))?;
        Ok(Polynomial { low, ways: power_of(&self.ways, u64::from(exponent)) })
    }
}

/// `(1 + x + … + x^(sides-1))^n`, by the recurrence between its coefficients that follows from
/// `(1-x)(1-x^sides) Q' = n (1 - x^sides - sides x^(sides-1) (1-x)) Q`.
fn power_of_run(sides: u64, n: u64) -> Vec<BigUint> {
    let length = ((sides - 1) * n + 1) as usize;
    let mut q: Vec<BigUint> = Vec::with_capacity(length);
    q.push(BigUint::one());
    let (sides, n) = (sides as i64, n as i64);
    let half = length.div_ceil(2);
    for next in 1..half {
        let m = next as i64 - 1;
        let mut plus = BigUint::zero();
        let mut minus = BigUint::zero();
        let mut add = |factor: i64, index: i64| {
            if index >= 0 && factor != 0 {
                let term = &q[index as usize] * factor.unsigned_abs();
                if factor > 0 { plus += term } else { minus += term }
            }
        };
        add(m + n, m);
        add(m - sides + 1 - n * sides, m - sides + 1);
        add(-(m - sides) + n * (sides - 1), m - sides);
        q.push((plus - minus) / (next as u64));
    }
    // It reads the same from both ends.
    for index in half..length {
        let mirrored = q[length - 1 - index].clone();
        q.push(mirrored);
    }
    q
}

/// A power of any polynomial whose first coefficient is not zero, by Euler's recurrence:
/// `k p0 c_k = Σ (i(n+1) - k) p_i c_(k-i)`.
fn power_of(p: &[BigUint], n: u64) -> Vec<BigUint> {
    let degree = p.len() - 1;
    let length = degree * n as usize + 1;
    let terms: Vec<(usize, &BigUint)> = p.iter().enumerate().skip(1).filter(|(_, ways)| !ways.is_zero()).collect();
    let mut c: Vec<BigUint> = Vec::with_capacity(length);
    c.push(p[0].pow(n as u32));
    for k in 1..length {
        let mut plus = BigUint::zero();
        let mut minus = BigUint::zero();
        for (i, ways) in &terms {
            if *i > k {
                break;
            }
            let factor = *i as i64 * (n as i64 + 1) - k as i64;
            let term = &c[k - i] * *ways * factor.unsigned_abs();
            if factor > 0 { plus += term } else { minus += term }
        }
        c.push((plus - minus) / (&p[0] * k as u64));
    }
    c
}
