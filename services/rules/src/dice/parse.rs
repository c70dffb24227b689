//! Reading a text: one grammar, in which the dialect decides what is read differently.
//!
//! A recursive descent over the bytes. Whatever a dialect decided is noted in words for whoever rolls.

mod groups;
mod modifiers;
mod sum;

use super::ast::{Amount, Comparator, Dice, Expr, FUNCTIONS, Function, Operator, Sides, Test};
use super::bound;
use super::dialect::Dialect;
use super::error::{NotationError, NotationErrorKind as Kind};
use super::limits::{MAX_CONSTANT, MAX_DEPTH, MAX_DICE, MAX_PARTS, MAX_REPEATS, MAX_SIDES, MAX_TEXT};
use super::value::Value;
use crate::shadowrun2::{MAX_POOL, MAX_TARGET_NUMBER, MIN_TARGET_NUMBER};
use sum::Sum;

/// A text, read.
pub(super) struct Parsed {
    pub expr: Expr,
    pub repeats: Option<u32>,
    pub comment: Option<String>,
    pub notes: Vec<String>,
    pub bound: bound::Bound,
}

/// Reads a text.
///
/// # Errors
///
/// [`NotationError`], with the place in the text and the reason.
pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Parsed, NotationError> {
    if text.len() > MAX_TEXT && text.chars().count() > MAX_TEXT {
        let text: String = text.chars().take(MAX_TEXT).collect();
        return Err(NotationError { text, start: MAX_TEXT, end: MAX_TEXT, kind: Kind::TooLong, suggestion: None });
    }
    let mut parser = Parser { text, position: 0, dialect, depth: 0, parts: 0, notes: Vec::new() };
    parser.roll().map_err(|refusal| parser.explain(refusal))
}

/// What is wrong, and the bytes where.
struct Refusal {
    start: usize,
    end: usize,
    kind: Kind,
    suggestion: Option<String>,
}

impl Refusal {
    fn suggest(self, suggestion: impl Into<String>) -> Refusal {
        Refusal { suggestion: Some(suggestion.into()), ..self }
    }
}

type Read<T> = Result<T, Refusal>;

/// One pass over the bytes; `position` is the next one.
struct Parser<'a> {
    text: &'a str,
    position: usize,
    dialect: Dialect,
    depth: u32,
    parts: u32,
    notes: Vec<String>,
}

impl Parser<'_> {
    /// The whole text.
    fn roll(&mut self) -> Read<Parsed> {
        self.skip_spaces();
        for command in self.dialect.commands() {
            if self.rest().get(..command.len()).is_some_and(|start| start.eq_ignore_ascii_case(command)) {
                self.position += command.len();
                self.skip_spaces();
                break;
            }
        }
        match self.peek() {
            None => return Err(self.here(Kind::Empty)),
            Some(b'+' | b'-') if !self.dialect.takes_leading_sign() => {
                let refusal = self.here(Kind::LeadingSign);
                let rest = self.text[self.position + 1..].trim_start().to_owned();
                let negative = self.peek() == Some(b'-');
                return Err(if rest.starts_with(|c: char| c.is_ascii_digit() || c == 'd') && self.reads(&rest) {
                    refusal.suggest(if negative { format!("0-{rest}") } else { rest })
                } else {
                    refusal
                });
            }
            Some(_) => {}
        }
        let repeats = self.repeats()?;
        let start = self.position;
        let expr = self.inline_or_sum()?;
        let expr = self.target(expr)?;
        let end = self.position;
        let comment = self.comment()?;

        let mut rolls = false;
        expr.visit(&mut |part| rolls |= matches!(part, Expr::Dice(_) | Expr::Test(_) | Expr::Opposed(..)));
        if !rolls {
            return Err(self.at(start, end, Kind::NoDice));
        }
        let bound = bound::bound(&expr).map_err(|kind| self.at(start, end, kind))?;
        if bound.throws.saturating_mul(repeats.unwrap_or(1).into()) > super::limits::MAX_THROWS {
            return Err(self.at(start, end, Kind::TooManyThrows));
        }
        Ok(Parsed { expr, repeats, comment, notes: std::mem::take(&mut self.notes), bound })
    }

    /// `6x`, `6 x`, `6#`: how often the roll is repeated.
    fn repeats(&mut self) -> Read<Option<u32>> {
        let start = self.position;
        let Some(number) = self.digits() else { return Ok(None) };
        self.skip_spaces();
        if !matches!(self.peek(), Some(b'x' | b'X' | b'#')) {
            self.position = start;
            return Ok(None);
        }
        if !(1..=u64::from(MAX_REPEATS)).contains(&number) {
            return Err(self.at(start, self.position, Kind::Repeats));
        }
        self.position += 1;
        self.skip_spaces();
        Ok(Some(number as u32))
    }

    /// A sum, in Roll20 also within `[[ ]]`.
    fn inline_or_sum(&mut self) -> Read<Expr> {
        if self.dialect != Dialect::Roll20 || !self.rest().starts_with("[[") {
            return self.sum();
        }
        self.position += 2;
        let expr = self.sum()?;
        self.skip_spaces();
        if !self.rest().starts_with("]]") {
            return Err(self.here(Kind::Unclosed(']')));
        }
        self.position += 2;
        Ok(expr)
    }

    /// `vs 15`, `vs >=15`, `vs 6d6 tn4`, in Avrae also `>= 15`: what the total is held against.
    fn target(&mut self, expr: Expr) -> Read<Expr> {
        self.skip_spaces();
        let start = self.position;
        let written_with_vs = self.take_word("vs");
        if written_with_vs {
            self.take(b'.');
            self.skip_spaces();
            if self.take_word("dc") || self.take_word("ac") {
                self.skip_spaces();
            }
        } else if !matches!(self.peek(), Some(b'>' | b'<' | b'=')) && !self.rest().starts_with("!=") {
            return Ok(expr);
        }
        let comparator = if self.take_word("above") {
            Some(Comparator::Above)
        } else if self.take_word("below") {
            Some(Comparator::Below)
        } else {
            self.comparator()
        };
        if !written_with_vs && self.dialect != Dialect::Avrae {
            let refusal = self.at(start, self.position, Kind::CompareTotal);
            let spelling = format!("{} vs {}", self.text[..start].trim(), self.text[start..].trim());
            return Err(if self.reads(&spelling) { refusal.suggest(spelling) } else { refusal });
        }
        self.skip_spaces();
        let right_start = self.position;
        let right = self.sum()?;
        match (&expr, &right, comparator) {
            (Expr::Test(first), Expr::Test(second), None) => return Ok(Expr::Opposed(*first, *second)),
            (Expr::Test(_), _, _) | (_, Expr::Test(_), _) => {
                return Err(self.at(right_start, self.position, Kind::Opposed));
            }
            (Expr::Dice(dice), Expr::Number(target), None) if self.dialect == Dialect::Shadowrun => {
                if let Some(test) = shadowrun_test(dice, *target) {
                    self.note(|| format!("read as a success test: each of {} dice against {target}", test.pool));
                    return Ok(Expr::Test(test));
                }
            }
            _ => {}
        }
        let comparator = comparator.unwrap_or(Comparator::AtLeast);
        if !written_with_vs {
            self.note(|| "the comparison is of the total, as in Avrae".to_owned());
        }
        Ok(Expr::Check(comparator, Box::new((expr, right))))
    }

    /// `# words`, `// words`, `/* words */`; in Avrae also the words alone. The end must follow.
    fn comment(&mut self) -> Read<Option<String>> {
        self.skip_spaces();
        let rest = self.rest();
        let words = if let Some(words) = rest.strip_prefix('#').or_else(|| rest.strip_prefix('\\')) {
            words
        } else if let Some(words) = rest.strip_prefix("//") {
            words
        } else if let Some(words) = rest.strip_prefix("/*") {
            words.strip_suffix("*/").unwrap_or(words)
        } else if self.dialect == Dialect::Avrae
            && self.text[..self.position].ends_with(char::is_whitespace)
            && rest.starts_with(char::is_alphabetic)
        {
            rest
        } else if rest.is_empty() {
            return Ok(None);
        } else {
            return Err(self.unexpected());
        };
        let words = words.trim();
        Ok((!words.is_empty()).then(|| words.to_owned()))
    }

    /// Something stands where nothing may.
    fn unexpected(&mut self) -> Refusal {
        let refusal = self.here(Kind::OperatorExpected);
        let (before, rest) = (self.text[..self.position].trim_end(), self.rest());
        let next = rest.chars().next().unwrap_or(' ');
        let spelling = match next {
            '(' => format!("{before}*{rest}"),
            '×' | '·' => format!("{before}*{}", &rest[next.len_utf8()..]),
            '−' | '–' => format!("{before}-{}", &rest[next.len_utf8()..]),
            '÷' | ':' => format!("{before}/{}", &rest[next.len_utf8()..]),
            letter if letter.is_alphabetic() && before.len() < self.position => format!("{before} # {rest}"),
            _ => return refusal,
        };
        if self.reads(&spelling) { refusal.suggest(spelling) } else { refusal }
    }

    /// Terms added and taken off.
    fn sum(&mut self) -> Read<Expr> {
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
            if bound_of(sum.constant) > MAX_CONSTANT {
                return Err(self.at(start + 1, self.position, Kind::Constant));
            }
            self.skip_spaces();
        }
        Ok(sum.finish())
    }

    /// Factors, divisors and remainders, from left to right.
    fn product(&mut self) -> Read<Expr> {
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

    /// What `//` is: a comment in most dialects, a division in Avrae, unclear in Foundry before a number.
    fn double_slash(&mut self) -> Read<Option<Operator>> {
        match self.dialect {
            Dialect::Avrae => Ok(Some(Operator::DivideDown)),
            Dialect::Foundry | Dialect::Shadowrun
                if self.rest()[2..].trim_start().starts_with(|c: char| c.is_ascii_digit()) =>
            {
                let refusal = self.at(self.position, self.position + 2, Kind::DoubleSlash);
                let (left, right) = (self.text[..self.position].trim(), self.rest()[2..].trim().to_owned());
                let spelling = format!("floor({left}/{right})");
                Err(if self.reads(&spelling) { refusal.suggest(spelling) } else { refusal })
            }
            _ => Ok(None),
        }
    }

    /// A power, from right to left.
    fn power(&mut self) -> Read<Expr> {
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
    fn combined(&mut self, operator: Operator, left: Expr, right: Expr, start: usize) -> Read<Expr> {
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
    fn signed(&mut self) -> Read<Expr> {
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
    fn labelled(&mut self) -> Read<Expr> {
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

    /// Dice, a number, something in brackets, a group or a function.
    fn atom(&mut self) -> Read<Expr> {
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

    fn number_or_dice(&mut self) -> Read<Expr> {
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
    fn decimal(&mut self, start: usize, whole: u64) -> Read<Expr> {
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
    fn is_die(&self) -> bool {
        matches!(self.peek_at(1), Some(b'0'..=b'9' | b'%' | b'F' | b'f' | b'('))
    }

    /// `d6` and its modifiers; the count is read.
    fn dice(&mut self, count: Amount, start: usize) -> Read<Expr> {
        self.position += 1;
        let sides_start = self.position;
        let sides = match self.peek() {
            Some(b'%') => {
                self.position += 1;
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
    fn amount(&mut self, expr: Expr, start: usize, most: u32, refusal: Kind) -> Read<Amount> {
        let Expr::Number(value) = expr else { return Ok(Amount::Rolled(Box::new(expr))) };
        let number = value.to_whole().ok_or_else(|| self.at(start, self.position, Kind::NotWhole))?;
        match u32::try_from(number) {
            Ok(number) if (1..=most).contains(&number) => Ok(Amount::Fixed(number)),
            _ => Err(self.at(start, self.position, refusal)),
        }
    }

    /// An expression in round brackets.
    fn inner(&mut self) -> Read<Expr> {
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

    /// An expression in round brackets, or dice of which it is the count; in Avrae also a set.
    fn brackets(&mut self) -> Read<Expr> {
        let start = self.position;
        if self.dialect == Dialect::Avrae
            && let Some(set) = self.avrae_set(start)?
        {
            return Ok(set);
        }
        let expr = self.inner()?;
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

    fn function(&mut self) -> Read<Expr> {
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

    /// A comparator, read as the dialect reads it elsewhere.
    fn comparator(&mut self) -> Option<Comparator> {
        const SIGNS: [(&str, Comparator); 9] = [
            (">=", Comparator::AtLeast),
            ("=>", Comparator::AtLeast),
            ("<=", Comparator::AtMost),
            ("<>", Comparator::NotEqual),
            ("!=", Comparator::NotEqual),
            ("==", Comparator::Equal),
            ("=", Comparator::Equal),
            (">", Comparator::Above),
            ("<", Comparator::Below),
        ];
        let (sign, comparator) = SIGNS.iter().find(|(sign, _)| self.rest().starts_with(sign))?;
        self.position += sign.len();
        Some(match comparator {
            Comparator::Above if self.dialect.above_includes() => Comparator::AtLeast,
            Comparator::Below if self.dialect.above_includes() => Comparator::AtMost,
            comparator => *comparator,
        })
    }

    fn close(&mut self, bracket: u8) -> Read<()> {
        if self.take(bracket) {
            return Ok(());
        }
        if self.peek().is_none() {
            return Err(self.here(Kind::Unclosed(char::from(bracket))));
        }
        Err(self.unexpected())
    }

    fn deeper(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.here(Kind::TooDeep)) } else { Ok(()) }
    }

    /// Counts a part of the expression.
    fn part(&mut self, start: usize) -> Read<()> {
        self.parts += 1;
        if self.parts > MAX_PARTS { Err(self.at(start, start + 1, Kind::TooManyParts)) } else { Ok(()) }
    }

    /// Notes how the dialect read something.
    fn note(&mut self, note: impl FnOnce() -> String) {
        let note = note();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A run of digits; `u64::MAX` stands for any number too large to hold, which every limit refuses.
    fn digits(&mut self) -> Option<u64> {
        let mut number: Option<u64> = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit - b'0')));
            self.position += 1;
        }
        number
    }

    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    fn peek_at(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + offset).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.position += usize::from(found);
        found
    }

    /// Takes a word, whatever its case.
    fn take_word(&mut self, word: &str) -> bool {
        let found = self.rest().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if found {
            self.position += word.len();
        }
        found
    }

    fn skip_spaces(&mut self) {
        while let Some(byte) = self.peek() {
            if byte.is_ascii_whitespace() {
                self.position += 1;
            } else if byte < 0x80 {
                return;
            } else if let Some(space) = self.rest().chars().next().filter(|c| c.is_whitespace()) {
                self.position += space.len_utf8();
            } else {
                return;
            }
        }
    }

    /// Whether the dialect reads a text; for suggestions. Each is tried with fewer parts left, which ends the recursion.
    fn reads(&self, text: &str) -> bool {
        let parts = self.parts.saturating_add(MAX_PARTS / 4);
        if parts > MAX_PARTS || text.len() > MAX_TEXT {
            return false;
        }
        Parser { text, position: 0, dialect: self.dialect, depth: 0, parts, notes: Vec::new() }.roll().is_ok()
    }

    /// A refusal at the next character, or at the end where something is missing.
    fn here(&self, kind: Kind) -> Refusal {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        self.at(self.position, self.position + length, kind)
    }

    fn at(&self, start: usize, end: usize, kind: Kind) -> Refusal {
        let trimmed = self.text.get(start..end).map_or(end, |part| start + part.trim_end().len());
        Refusal { start, end: trimmed.max(start), kind, suggestion: None }
    }

    fn explain(&self, refusal: Refusal) -> NotationError {
        let characters = |bytes: usize| self.text.get(..bytes).map_or(0, |part| part.chars().count());
        NotationError {
            text: self.text.to_owned(),
            start: characters(refusal.start),
            end: characters(refusal.end),
            kind: refusal.kind,
            suggestion: refusal.suggestion,
        }
    }
}

/// The whole amount of a constant, rounded up.
fn bound_of(value: Value) -> i64 {
    value.abs().ceil().numerator()
}

/// The success test that plain six-sided dice and a target number make.
fn shadowrun_test(dice: &Dice, target_number: Value) -> Option<Test> {
    let Dice { count: Amount::Fixed(pool), sides: Sides::Numbers(Amount::Fixed(6)), modifiers } = dice else {
        return None;
    };
    let target_number = u32::try_from(target_number.to_whole()?).ok()?.max(MIN_TARGET_NUMBER);
    let fits = modifiers.is_empty() && *pool <= MAX_POOL && target_number <= MAX_TARGET_NUMBER;
    fits.then_some(Test { pool: *pool, target_number })
}
