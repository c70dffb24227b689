//! *War of the Ring, Second Edition*: action dice, battle dice and casualties, the Hunt, and the board's fixed
//! places.

pub mod action_dice;
pub mod battle;
pub mod board;
pub mod casualties;
pub mod hunt;

use serde::Serialize;

use crate::UnknownName;
use crate::names::same_name;

/// The two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The Free Peoples.
    FreePeoples,
    /// The Shadow.
    Shadow,
}

impl Side {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Side::FreePeoples => "Free Peoples",
            Side::Shadow => "Shadow",
        }
    }

    /// The side of this name; `FP`, `SP` and `SA` are understood.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the names that exist.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        let sides = [
            ("Free Peoples", Side::FreePeoples),
            ("FP", Side::FreePeoples),
            ("Shadow", Side::Shadow),
            ("SP", Side::Shadow),
            ("SA", Side::Shadow),
        ];
        let found = sides.iter().find(|(known, _)| same_name(known, name));
        found
            .map(|(_, side)| *side)
            .ok_or_else(|| UnknownName::new("side", name, ["Free Peoples", "FP", "Shadow", "SP"]))
    }

    /// The other side.
    #[must_use]
    pub fn opponent(self) -> Self {
        match self {
            Side::FreePeoples => Side::Shadow,
            Side::Shadow => Side::FreePeoples,
        }
    }
}

/// A roll that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RollError {
    /// More dice than there are.
    #[error("{dice} {what} are too many: at most {most}")]
    TooMany {
        /// What was rolled.
        what: &'static str,
        /// How many were asked for.
        dice: u32,
        /// How many there are.
        most: u32,
    },
    /// A target no die can mean.
    #[error("a target of {0} is outside 2..=6")]
    Target(u32),
}
