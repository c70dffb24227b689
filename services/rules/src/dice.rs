//! Plain dice notation for any game: reading it, writing its canonical form, rolling it.
//!
//! A [`Notation`] is a sum of terms such as `2d6!+1d4+2`; [`roll`] takes the faces from a closure and keeps every
//! one of them.

mod notation;
mod roll;

pub use notation::{
    DiceTerm, MAX_CONSTANT, MAX_DICE, MAX_SIDES, MAX_TERMS, MAX_TEXT, Notation, NotationError, NotationErrorKind,
};
pub use roll::{Die, MAX_EXPLOSIONS, Roll, RolledTerm, roll};
