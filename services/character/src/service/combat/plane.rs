//! Where somebody acts in a fight, which decides who is first in a phase.
//!
//! Source: *Shadowrun, Second Edition*, "The Combat Turn".

use serde::{Deserialize, Serialize};

/// Where somebody acts; in the same phase those of the first are first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    /// In astral space.
    Astral,
    /// In the Matrix.
    Matrix,
    /// In the body.
    #[default]
    Physical,
}

impl Plane {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Plane::Astral => "astral",
            Plane::Matrix => "matrix",
            Plane::Physical => "physical",
        }
    }

    /// The plane of this word; physical for any other.
    pub fn of(word: Option<&str>) -> Plane {
        let found = [Plane::Astral, Plane::Matrix].into_iter().find(|plane| Some(plane.word()) == word);
        found.unwrap_or_default()
    }
}
