//! Reading a text: one grammar, in which the dialect decides what is read differently.
//!
//! A recursive descent over the bytes. Whatever a dialect decided is noted in words for whoever rolls.

mod arithmetic;
mod atoms;
mod groups;
mod modifiers;
mod scan;
mod sum;

use std::collections::BTreeMap;

use super::ast::{Amount, Comparator, Dice, Expr, Sides, Test};
use super::bound;
use super::dialect::Dialect;
use super::error::{NotationError, NotationErrorKind as Kind};
use super::limits::{MAX_DEPTH, MAX_PARTS, MAX_REPEATS, MAX_TEXT, MAX_THROWS};
use super::value::Value;
use crate::shadowrun2::{MAX_POOL, MAX_TARGET_NUMBER, MIN_TARGET_NUMBER};

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
    let mut parser = Parser { text, dialect, ..Parser::default() };
    let read = parser.roll().and_then(|parsed| parser.written_out(&parsed).map(|()| parsed));
    read.map_err(|refusal| parser.explain(refusal))
}

/// The longest text without groups, in bytes, that passes no limit of the canonical form: its length grows by at
/// most 280 characters, its depth by one for three characters, its parts by one for a character.
const SHORT: usize = 40;

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
#[derive(Default)]
struct Parser<'a> {
    text: &'a str,
    position: usize,
    dialect: Dialect,
    depth: u32,
    parts: u32,
    notes: Vec<String>,
    /// What stands in block comments, by their places.
    comments: BTreeMap<usize, String>,
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
        if bound.throws.saturating_mul(repeats.unwrap_or(1).into()) > MAX_THROWS {
            return Err(self.at(start, end, Kind::TooManyThrows));
        }
        Ok(Parsed { expr, repeats, comment, notes: std::mem::take(&mut self.notes), bound })
    }

    /// Refuses what is within the limits as it was written, but not in its canonical form, so that the canonical form of
    /// whatever was read can be read.
    fn written_out(&self, parsed: &Parsed) -> Read<()> {
        // A group may write out dice as so many members.
        if self.text.len() <= SHORT && !self.text.contains('{') {
            return Ok(());
        }
        let text = canonical(&parsed.expr, parsed.repeats);
        let mut parser = Parser { text: &text, dialect: Dialect::Standard, ..Parser::default() };
        let fits = text.chars().count() <= MAX_TEXT
            && !parser.roll().is_err_and(|refusal| matches!(refusal.kind, Kind::TooDeep | Kind::TooManyParts));
        if fits { Ok(()) } else { Err(self.at(0, self.text.len(), Kind::WrittenOut)) }
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

    /// `# words`, `// words`; in Avrae also the words alone. The end must follow. What stands between `/*` and `*/` was
    /// passed over as a space.
    fn comment(&mut self) -> Read<Option<String>> {
        self.skip_spaces();
        if self.rest().starts_with("//") {
            self.double_slash()?;
        }
        let rest = self.rest();
        let words = if let Some(words) = rest.strip_prefix('#').or_else(|| rest.strip_prefix('\\')) {
            words
        } else if let Some(words) = rest.strip_prefix("//") {
            words
        } else if rest.starts_with("/*") {
            return Err(self.at(self.position, self.text.len(), Kind::UnclosedComment));
        } else if self.dialect == Dialect::Avrae
            && self.text[..self.position].ends_with(char::is_whitespace)
            && rest.starts_with(char::is_alphabetic)
        {
            let joined = format!("{}{rest}", self.text[..self.position].trim_end());
            if self.reads(&joined) {
                self.note(|| {
                    format!("what stands after the space is a comment, as in Avrae; {joined} is another roll")
                });
            }
            self.rest()
        } else if rest.is_empty() {
            ""
        } else {
            return Err(self.unexpected());
        };
        let words = words.trim().to_owned();
        let mut all: Vec<String> = std::mem::take(&mut self.comments).into_values().collect();
        all.push(words);
        all.retain(|words| !words.is_empty());
        Ok((!all.is_empty()).then(|| all.join("; ")))
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
            'x' if rest[1..].starts_with(|c: char| c.is_ascii_digit() || "><=".contains(c)) => {
                format!("{before}!{}", &rest[1..])
            }
            'a' | 'd' if let Some(spelling) = twice(before, rest) => spelling,
            letter if letter.is_alphabetic() && before.len() < self.position => format!("{before} # {rest}"),
            _ => return refusal,
        };
        if self.reads(&spelling) { refusal.suggest(spelling) } else { refusal }
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

    /// Whether the dialect reads a text; for suggestions. Each is tried with fewer parts left, which ends the recursion.
    fn reads(&self, text: &str) -> bool {
        let parts = self.parts.saturating_add(MAX_PARTS / 4);
        if parts > MAX_PARTS || text.len() > MAX_TEXT {
            return false;
        }
        Parser { text, dialect: self.dialect, parts, ..Parser::default() }.roll().is_ok()
    }

    /// A refusal at the next character, or at the end where something is missing.
    fn here(&self, kind: Kind) -> Refusal {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        self.at(self.position, self.position + length, kind)
    }

    fn at(&self, start: usize, end: usize, kind: Kind) -> Refusal {
        // Whole characters, none of them beyond the text.
        let end = self.text.ceil_char_boundary(end);
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

/// `2d6adv` as a roll of which the higher or lower of two is kept: `{2d6,2d6}kh1`.
fn twice(before: &str, rest: &str) -> Option<String> {
    let (keep, rest) = match (rest.strip_prefix("adv"), rest.strip_prefix("dis")) {
        (Some(rest), _) => ("kh1", rest),
        (None, Some(rest)) => ("kl1", rest),
        (None, None) => return None,
    };
    let start = before.rfind(|c: char| !c.is_ascii_digit() && c != 'd').map_or(0, |last| last + 1);
    let (start, dice) = (before.get(..start)?, before.get(start..)?);
    match dice.split_once('d')? {
        ("" | "1", sides) => Some(format!("{start}2d{sides}{keep}{rest}")),
        _ => Some(format!("{start}{{{dice},{dice}}}{keep}{rest}")),
    }
}

/// The canonical form of a roll.
pub(super) fn canonical(expr: &Expr, repeats: Option<u32>) -> String {
    match repeats {
        Some(repeats) => format!("{repeats}x {expr}"),
        None => expr.to_string(),
    }
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
