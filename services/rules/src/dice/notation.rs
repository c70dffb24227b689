//! A text that is a roll: read, bounded, ready to be rolled as often as wanted.

use std::fmt;
use std::str::FromStr;

use super::ast::{Amount, Expr, Modifier, Sides};
use super::bound::{Bound, bound};
use super::dialect::Dialect;
use super::error::NotationError;
use super::parse::{canonical, parse};
use super::roll::{Roll, roll};
use super::value::Value;

/// A roll: dice to throw and what to do with them.
///
/// [`Display`](fmt::Display) writes the canonical form, which reads back as the same notation in every dialect. Two
/// notations are equal if they mean the same roll, however they were written.
#[derive(Debug, Clone)]
pub struct Notation {
    expr: Expr,
    repeats: Option<u32>,
    comment: Option<String>,
    notes: Vec<String>,
    bound: Bound,
}

impl Notation {
    /// Reads a notation in the standard dialect. Spaces between its parts and the case of letters do not matter; `d6`
    /// is `1d6`.
    ///
    /// # Errors
    ///
    /// [`NotationError`], with the place in the text and the reason.
    pub fn parse(text: &str) -> Result<Self, NotationError> {
        Self::parse_as(text, Dialect::Standard)
    }

    /// Reads a notation in a dialect.
    ///
    /// # Errors
    ///
    /// [`NotationError`], with the place in the text and the reason.
    pub fn parse_as(text: &str, dialect: Dialect) -> Result<Self, NotationError> {
        let parsed = parse(text, dialect)?;
        let super::parse::Parsed { expr, repeats, comment, notes, bound } = parsed;
        Ok(Self { expr, repeats, comment, notes, bound })
    }

    /// What is rolled, each time.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// How often it is rolled, 1 if it is not repeated.
    pub fn repeats(&self) -> u32 {
        self.repeats.unwrap_or(1)
    }

    /// The comment behind the roll.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// How the dialect read what others read otherwise, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The worst it can cost and come to, each time.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// The sum of all constants that are added to dice.
    pub fn modifier(&self) -> Value {
        let Expr::Sum(terms) = &self.expr else { return Value::ZERO };
        let constants = terms.iter().filter_map(|term| match &term.expr {
            Expr::Number(value) if term.negative => Some(value.negated()),
            Expr::Number(value) => Some(*value),
            _ => None,
        });
        constants.fold(Value::ZERO, Value::plus)
    }

    /// How many dice are thrown each time at most, before any explodes.
    pub fn dice_count(&self) -> u32 {
        u32::try_from(self.bound.dice).unwrap_or(u32::MAX)
    }

    /// Whether any of the dice explode.
    pub fn exploding(&self) -> bool {
        let mut found = false;
        self.expr.visit(&mut |part| {
            if let Expr::Dice(dice) = part {
                found |= dice.modifiers.iter().any(Modifier::brings_dice);
            }
        });
        found
    }

    /// Whether it only adds plain dice with so many sides and constants, once.
    pub fn adds_only_dice_of(&self, sides: u32) -> bool {
        let wanted = Sides::Numbers(Amount::Fixed(sides));
        let plain = |expr: &Expr| match expr {
            Expr::Dice(dice) => {
                dice.sides == wanted && matches!(dice.count, Amount::Fixed(_)) && dice.modifiers.is_empty()
            }
            _ => false,
        };
        let once = self.repeats.is_none();
        once && match &self.expr {
            Expr::Sum(terms) => {
                terms.iter().all(|term| matches!(term.expr, Expr::Number(_)) || (plain(&term.expr) && !term.negative))
            }
            expr => plain(expr),
        }
    }

    /// Whether its total is a number of successes.
    pub fn counts_successes(&self) -> bool {
        let counts =
            |modifiers: &[Modifier]| modifiers.iter().any(|modifier| matches!(modifier, Modifier::Count { .. }));
        let mut expr = &self.expr;
        while let Expr::Label(inner, _) = expr {
            expr = inner;
        }
        match expr {
            Expr::Test(_) | Expr::Check(..) | Expr::Opposed(..) => true,
            Expr::Dice(dice) => counts(&dice.modifiers),
            Expr::Group(group) => counts(&group.modifiers),
            _ => false,
        }
    }

    /// The same dice, none of which explodes; initiative is rolled so.
    #[must_use]
    pub fn without_explosions(mut self) -> Self {
        self.expr.visit_dice_mut(&mut |dice| {
            dice.modifiers.retain(|modifier| !modifier.brings_dice());
        });
        // Fewer throws cannot pass a limit that more did not pass.
        self.bound = bound(&self.expr).unwrap_or(self.bound);
        self
    }

    /// Rolls it. `face` yields one face, 1 to the given number of sides, per call, [`Bound::throws`] times the repeats
    /// at the most, whatever it yields; a face outside that range counts as the nearest one inside.
    pub fn roll(&self, face: impl FnMut(u32) -> u32) -> Roll {
        let throws = self.bound.throws.saturating_mul(self.repeats().into());
        roll(&self.expr, self.repeats, throws, face)
    }
}

impl PartialEq for Notation {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr && self.repeats == other.repeats
    }
}

impl Eq for Notation {}

impl FromStr for Notation {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        Self::parse(text)
    }
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&canonical(&self.expr, self.repeats))
    }
}
