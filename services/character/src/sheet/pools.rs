//! The dice pools by name, and what is spent of them.

use serde::{Deserialize, Serialize};

/// Pool dice spent since the character's last action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolsSpent {
    pub combat: u32,
    pub magic: u32,
    pub hacking: u32,
    pub control: u32,
    /// Of the Magic Pool's spent dice, those set aside as Spell Defense and not used yet.
    pub spell_defense: u32,
}

/// A dice pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    Combat,
    Magic,
    Hacking,
    Control,
}

impl Pool {
    /// All of them.
    pub const ALL: [Pool; 4] = [Pool::Combat, Pool::Magic, Pool::Hacking, Pool::Control];

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Pool::Combat => "combat",
            Pool::Magic => "magic",
            Pool::Hacking => "hacking",
            Pool::Control => "control",
        }
    }

    /// The pool of this word.
    pub fn parse(word: &str) -> Option<Pool> {
        Pool::ALL.into_iter().find(|pool| pool.word() == word)
    }
}
