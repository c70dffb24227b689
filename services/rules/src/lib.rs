//! The rules of the games, as pure functions: no input or output, no clock, no chance.
//!
//! Faces of dice come in as closures, tables are constants in one place each, and every result says where each die
//! and each modifier comes from.
//!
//! - [`dice`]: plain dice notation, for any game.
//! - [`shadowrun2`]: *Shadowrun, Second Edition*.
//! - [`war_of_the_ring`]: *War of the Ring, Second Edition*.

pub mod dice;
pub mod shadowrun2;
pub mod war_of_the_ring;

mod names;

pub use names::{UnknownName, letters, nearest, same_name};
