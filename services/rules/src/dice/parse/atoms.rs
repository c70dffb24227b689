//! Reading what an expression is made of: numbers, dice, brackets and functions.

use super::{Kind, Parser, Read};
use crate::dice::ast::{Amount, Dice, Expr, FUNCTIONS, Function, Operator, Sides};
use crate::dice::bound;
use crate::dice::dialect::Dialect;
use crate::dice::limits::{MAX_CONSTANT, MAX_DICE, MAX_SIDES};
use crate::dice::value::Value;

impl Parser<'_> {
    /// Dice, a number, something in brackets, a group or a function.
    pub(super) fn atom(&mut self) -> Read<Expr> {
        let start = self.position;
        self.part(start)?;
        match self.peek() {
            Some(b'0'..=b'9' | b'.') => self.number_or_dice(),
            Some(b'd' | b'D') if self.is_die() => self.dice(Amount::Fixed(1), start),
            Some(b'(') => self.brackets(),
            Some(b'{') => self.braces(),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.function(),
            _ => Err(self.here(Kind::TermExpected)),
        }
    }

    pub(super) fn number_or_dice(&mut self) -> Read<Expr> {
        let start = self.position;
        let whole = self.digits();
        if self.peek() == Some(b'.') {
            return self.decimal(start, whole.unwrap_or(0));
        }
        let Some(number) = whole else { return Err(self.here(Kind::TermExpected)) };
        let end = self.position;
        self.skip_spaces();
        if matches!(self.peek(), Some(b'd' | b'D')) && (self.position == end || self.is_die()) {
            if !(1..=u64::from(MAX_DICE)).contains(&number) {
                return Err(self.at(start, end, Kind::Count));
            }
            return self.dice(Amount::Fixed(number as u32), start);
        }
        if self.peek() == Some(b'(') {
            return Err(self.unexpected());
        }
        self.position = end;
        if number > MAX_CONSTANT as u64 {
            return Err(self.at(start, end, Kind::Constant));
        }
        Ok(Expr::Number(Value::whole(number as i64)))
    }

    /// The rest of a number after its point, at most four digits.
    pub(super) fn decimal(&mut self, start: usize, whole: u64) -> Read<Expr> {
        self.position += 1;
        let from = self.position;
        let Some(part) = self.digits() else { return Err(self.here(Kind::NumberExpected)) };
        let digits = self.position - from;
        if whole > MAX_CONSTANT as u64 {
            return Err(self.at(start, self.position, Kind::Constant));
        }
        if digits > 4 {
            return Err(self.at(start, self.position, Kind::Fraction));
        }
        let scale = 10i64.pow(digits as u32);
        let value = Value::fraction(whole as i64 * scale + part as i64, scale).unwrap_or(Value::ZERO);
        Ok(Expr::Number(value))
    }

    /// Whether the `d` at the next byte begins a die.
    pub(super) fn is_die(&self) -> bool {
        matches!(self.peek_at(1), Some(b'0'..=b'9' | b'%' | b'F' | b'f' | b'('))
    }

    /// `d6` and its modifiers; the count is read.
    pub(super) fn dice(&mut self, count: Amount, start: usize) -> Read<Expr> {
        self.position += 1;
        let sides_start = self.position;
        let sides = match self.peek() {
            Some(b'%') => {
                self.position += 1;
                if self.dialect == Dialect::Avrae {
                    self.note(|| "d% is a die from 1 to 100; in Avrae it shows 0, 10, 20 to 90".to_owned());
                }
                Sides::Numbers(Amount::Fixed(100))
            }
            Some(b'F' | b'f') => {
                self.position += 1;
                match self.rest().get(..2) {
                    Some(".1") => {
                        self.position += 2;
                        Sides::FateRare
                    }
                    Some(".2") => {
                        self.position += 2;
                        Sides::Fate
                    }
                    _ => Sides::Fate,
                }
            }
            Some(b'(') => {
                let expr = self.inner()?;
                Sides::Numbers(self.amount(expr, sides_start, MAX_SIDES, Kind::Sides)?)
            }
            _ => {
                let Some(sides) = self.digits() else { return Err(self.here(Kind::SidesMissing)) };
                if !(1..=u64::from(MAX_SIDES)).contains(&sides) {
                    return Err(self.at(sides_start, self.position, Kind::Sides));
                }
                Sides::Numbers(Amount::Fixed(sides as u32))
            }
        };
        let mut dice = Dice { count, sides, modifiers: Vec::new() };
        if let Some(test) = self.modifiers(&mut dice, start)? {
            return Ok(Expr::Test(test));
        }
        if matches!(self.peek(), Some(b'(' | b'0'..=b'9')) {
            return Err(self.here(Kind::OperatorMissing));
        }
        let bound = bound::of_dice(&dice).map_err(|kind| self.at(start, self.position, kind))?;
        debug_assert!(bound.low <= bound.high, "{dice}: {bound:?}");
        Ok(Expr::Dice(Box::new(dice)))
    }

    /// A number of dice or sides from an expression in brackets.
    pub(super) fn amount(&mut self, expr: Expr, start: usize, most: u32, refusal: Kind) -> Read<Amount> {
        let Expr::Number(value) = expr else { return Ok(Amount::Rolled(Box::new(expr))) };
        let number = value.to_whole().ok_or_else(|| self.at(start, self.position, Kind::NotWhole))?;
        match u32::try_from(number) {
            Ok(number) if (1..=most).contains(&number) => Ok(Amount::Fixed(number)),
            _ => Err(self.at(start, self.position, refusal)),
        }
    }

    /// An expression in round brackets.
    pub(super) fn inner(&mut self) -> Read<Expr> {
        self.deeper()?;
        self.position += 1;
        self.skip_spaces();
        let expr = self.sum()?;
        self.skip_spaces();
        if matches!(self.peek(), Some(b'>' | b'<' | b'=')) {
            return Err(self.here(Kind::CheckInside));
        }
        self.close(b')')?;
        self.depth -= 1;
        Ok(expr)
    }

    /// `(-7/2)`, as the canonical form writes a constant that is no whole number: each of its numbers may be larger than
    /// what stands alone. Nothing is read if it is anything else.
    fn fraction(&mut self) -> Option<Value> {
        let start = self.position;
        let value = self.quotient().filter(|value| value.is_constant());
        if value.is_none() {
            self.position = start;
        }
        value
    }

    fn quotient(&mut self) -> Option<Value> {
        self.take(b'(').then_some(())?;
        let negative = self.take(b'-');
        let numerator = i64::try_from(self.digits()?).ok()?;
        self.take(b'/').then_some(())?;
        let denominator = i64::try_from(self.digits()?).ok()?;
        self.take(b')').then_some(())?;
        Value::fraction(if negative { -numerator } else { numerator }, denominator)
    }

    /// An expression in round brackets, or dice of which it is the count; in Avrae also a set.
    pub(super) fn brackets(&mut self) -> Read<Expr> {
        let start = self.position;
        if self.dialect == Dialect::Avrae
            && let Some(set) = self.avrae_set(start)?
        {
            return Ok(set);
        }
        let expr = match self.fraction() {
            Some(value) => Expr::Number(value),
            None => self.inner()?,
        };
        let end = self.position;
        if matches!(self.peek(), Some(b'd' | b'D')) && self.is_die() {
            let count = self.amount(expr, start, MAX_DICE, Kind::Count)?;
            return self.dice(count, start);
        }
        self.skip_spaces();
        if matches!(self.peek(), Some(b'(' | b'0'..=b'9')) {
            return Err(self.here(Kind::OperatorMissing));
        }
        self.position = end;
        Ok(expr)
    }

    pub(super) fn function(&mut self) -> Read<Expr> {
        let start = self.position;
        while matches!(self.peek(), Some(b'a'..=b'z' | b'A'..=b'Z')) {
            self.position += 1;
        }
        let word = &self.text[start..self.position];
        let Some((function, _)) = FUNCTIONS.iter().find(|(_, name)| name.eq_ignore_ascii_case(word)) else {
            self.position = start;
            let kind = if word.len() == 1 { Kind::TermExpected } else { Kind::UnknownWord };
            let end = if word.len() == 1 { start + 1 } else { start + word.len() };
            return Err(self.at(start, end, kind));
        };
        self.skip_spaces();
        if self.peek() != Some(b'(') {
            return Err(self.here(Kind::Arguments));
        }
        self.deeper()?;
        self.position += 1;
        let mut parts = Vec::new();
        loop {
            self.skip_spaces();
            parts.push(self.sum()?);
            self.skip_spaces();
            if !self.take(b',') {
                break;
            }
        }
        self.close(b')')?;
        self.depth -= 1;
        let takes_several = matches!(function, Function::Min | Function::Max);
        if takes_several != (parts.len() > 1) {
            return Err(self.at(start, self.position, Kind::Arguments));
        }
        if matches!(self.peek(), Some(b'(' | b'0'..=b'9')) {
            return Err(self.here(Kind::OperatorMissing));
        }
        // Avrae's division rounded down has no spelling of its own elsewhere.
        if *function == Function::Floor
            && let [Expr::Binary(operator @ Operator::Divide, _)] = parts.as_mut_slice()
        {
            *operator = Operator::DivideDown;
            return Ok(parts.swap_remove(0));
        }
        Ok(Expr::Call(*function, parts))
    }
}
