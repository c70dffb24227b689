//! Reading sums, products, powers, signs and labels; constants are put together while they are read.

use super::sum::Sum;
use super::{Kind, Parser, Read};
use crate::dice::ast::{Expr, Operator};
use crate::dice::bound;
use crate::dice::dialect::Dialect;
use crate::dice::limits::MAX_DEPTH;
use crate::dice::value::Value;

impl Parser<'_> {
    /// Terms added and taken off.
    pub(super) fn sum(&mut self) -> Read<Expr> {
        let first = self.product()?;
        self.skip_spaces();
        if !matches!(self.peek(), Some(b'+' | b'-')) {
            return Ok(first);
        }
        let mut sum = Sum::new();
        sum.add(first, false);
        while let Some(sign @ (b'+' | b'-')) = self.peek() {
            let start = self.position;
            self.position += 1;
            self.skip_spaces();
            let term = self.product()?;
            sum.add(term, sign == b'-');
            if !sum.constant.is_constant() {
                return Err(self.at(start + 1, self.position, Kind::Constant));
            }
            self.skip_spaces();
        }
        Ok(sum.finish())
    }

    /// Factors, divisors and remainders, from left to right.
    pub(super) fn product(&mut self) -> Read<Expr> {
        let mut left = self.power()?;
        loop {
            self.skip_spaces();
            let start = self.position;
            let operator = match self.peek() {
                Some(b'*') => Operator::Multiply,
                Some(b'/') => match self.peek_at(1) {
                    Some(b'/') => match self.double_slash()? {
                        Some(operator) => operator,
                        None => return Ok(left),
                    },
                    Some(b'*') => return Ok(left),
                    _ => Operator::Divide,
                },
                Some(b'%') => Operator::Remainder,
                _ => return Ok(left),
            };
            self.position += if operator == Operator::DivideDown { 2 } else { 1 };
            self.skip_spaces();
            let right = self.power()?;
            left = self.combined(operator, left, right, start)?;
        }
    }

    /// What `//` is: a division in Avrae, elsewhere a comment, unless something stands behind it by which one can divide.
    pub(super) fn double_slash(&mut self) -> Read<Option<Operator>> {
        match self.dialect {
            Dialect::Avrae => Ok(Some(Operator::DivideDown)),
            _ if divides(self.rest()[2..].trim_start()) => {
                let refusal = self.at(self.position, self.position + 2, Kind::DoubleSlash);
                let (left, right) = (self.text[..self.position].trim(), self.rest()[2..].trim().to_owned());
                let spelling = format!("floor({left}/{right})");
                Err(if self.reads(&spelling) { refusal.suggest(spelling) } else { refusal })
            }
            _ => Ok(None),
        }
    }

    /// A power, from right to left.
    pub(super) fn power(&mut self) -> Read<Expr> {
        let base = self.signed()?;
        self.skip_spaces();
        let start = self.position;
        let length = match (self.peek(), self.peek_at(1)) {
            (Some(b'^'), _) => 1,
            (Some(b'*'), Some(b'*')) => 2,
            _ => return Ok(base),
        };
        self.position += length;
        self.skip_spaces();
        self.deeper()?;
        let exponent = self.power()?;
        self.depth -= 1;
        self.combined(Operator::Power, base, exponent, start)
    }

    /// Puts two expressions together; two constants become one.
    pub(super) fn combined(&mut self, operator: Operator, left: Expr, right: Expr, start: usize) -> Read<Expr> {
        self.part(start)?;
        for side in [&left, &right] {
            if matches!(side, Expr::Check(..) | Expr::Opposed(..)) {
                return Err(self.at(start, self.position, Kind::CheckInside));
            }
        }
        let whole = Expr::Binary(operator, Box::new((left, right)));
        let Expr::Binary(_, pair) = &whole else { return Ok(whole) };
        let (Expr::Number(left), Expr::Number(right)) = (&pair.0, &pair.1) else { return Ok(whole) };
        bound::bound(&whole).map_err(|kind| self.at(start, self.position, kind))?;
        let value = match operator {
            Operator::Multiply => Some(left.times(*right)),
            Operator::Divide => left.over(*right),
            Operator::DivideDown => left.over(*right).map(Value::floor),
            Operator::Remainder => left.remainder(*right),
            Operator::Power => bound::exponent_of(&pair.1).map(|exponent| left.power(exponent)),
        };
        Ok(value.map_or(whole, Expr::Number))
    }

    /// An expression that may have signs of its own.
    pub(super) fn signed(&mut self) -> Read<Expr> {
        let mut negative = false;
        let start = self.position;
        while let Some(sign @ (b'+' | b'-')) = self.peek() {
            if self.position - start > MAX_DEPTH as usize {
                return Err(self.here(Kind::TermExpected));
            }
            negative ^= sign == b'-';
            self.position += 1;
            self.skip_spaces();
        }
        let expr = self.labelled()?;
        if !negative {
            return Ok(expr);
        }
        let mut sum = Sum::new();
        sum.add(expr, true);
        Ok(sum.finish())
    }

    /// An expression and its labels.
    pub(super) fn labelled(&mut self) -> Read<Expr> {
        let mut expr = self.atom()?;
        loop {
            let before = self.position;
            self.skip_spaces();
            if self.peek() != Some(b'[') {
                self.position = before;
                return Ok(expr);
            }
            let start = self.position;
            let Some(length) = self.rest().find(']') else {
                self.position = self.text.len();
                return Err(self.at(start, self.text.len(), Kind::Unclosed(']')));
            };
            let label = self.rest()[1..length].trim().to_owned();
            self.position += length + 1;
            if !label.is_empty() && !label.contains('[') {
                self.part(start)?;
                expr = match expr {
                    Expr::Label(expr, first) => Expr::Label(expr, format!("{first}, {label}")),
                    expr => Expr::Label(Box::new(expr), label),
                };
            } else if label.contains('[') {
                return Err(self.at(start, self.position, Kind::OperatorExpected));
            }
        }
    }
}

/// Whether a text begins as a divisor does: with a number, a die or a bracket.
fn divides(text: &str) -> bool {
    let mut bytes = text.bytes();
    match bytes.next() {
        Some(b'0'..=b'9' | b'(') => true,
        Some(b'd' | b'D') => matches!(bytes.next(), Some(b'0'..=b'9' | b'%' | b'(')),
        _ => false,
    }
}
