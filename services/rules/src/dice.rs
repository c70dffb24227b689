//! Dice notation for any game: reading it in five dialects, its canonical form, what it can cost, rolling it, its exact
//! odds.
//!
//! A [`Notation`] is read from a text and is then bounded: [`Notation::roll`] takes at most [`Bound::throws`] faces from
//! a closure and keeps every one of them.

mod ast;
mod bound;
mod dialect;
mod error;
mod limits;
mod notation;
mod odds;
mod parse;
mod roll;
mod value;

pub use ast::{
    Amount, Comparator, Comparison, Dice, Expr, Function, Group, Matcher, Modifier, Operator, Selector, Sides, Term,
    Test,
};
pub use bound::Bound;
pub use dialect::Dialect;
pub use error::{NotationError, NotationErrorKind};
pub use limits::{
    MAX_COMPARED, MAX_CONSTANT, MAX_DENOMINATOR, MAX_DEPTH, MAX_DICE, MAX_EXPLOSIONS, MAX_PARTS, MAX_REPEATS,
    MAX_SIDES, MAX_TEXT, MAX_THROWS,
};
pub use notation::Notation;
pub use odds::{Distribution, Odds, OddsError, Ratio, enumerate, odds};
pub use roll::{Die, Roll, RolledTerm, State, Throw};
pub use value::Value;
