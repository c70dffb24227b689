//! The attributes of a sheet: those that are bought, and Reaction.

use serde::{Deserialize, Serialize};

/// The six attributes that are bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    pub body: u32,
    pub quickness: u32,
    pub strength: u32,
    pub charisma: u32,
    pub intelligence: u32,
    pub willpower: u32,
}

/// An attribute with whole ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    Body,
    Quickness,
    Strength,
    Charisma,
    Intelligence,
    Willpower,
    Reaction,
}

impl Attributes {
    /// Sets the rating of a bought attribute; Reaction is not bought and stays.
    pub fn set(&mut self, attribute: Attribute, rating: u32) {
        let own = match attribute {
            Attribute::Body => &mut self.body,
            Attribute::Quickness => &mut self.quickness,
            Attribute::Strength => &mut self.strength,
            Attribute::Charisma => &mut self.charisma,
            Attribute::Intelligence => &mut self.intelligence,
            Attribute::Willpower => &mut self.willpower,
            Attribute::Reaction => return,
        };
        *own = rating;
    }
}

impl Attribute {
    /// Those that are bought, in the order of the rule book's tables.
    pub const BOUGHT: [Attribute; 6] = [
        Attribute::Body,
        Attribute::Quickness,
        Attribute::Strength,
        Attribute::Charisma,
        Attribute::Intelligence,
        Attribute::Willpower,
    ];
    /// All of them, in the order of a sheet.
    pub const ALL: [Attribute; 7] = [
        Attribute::Body,
        Attribute::Quickness,
        Attribute::Strength,
        Attribute::Charisma,
        Attribute::Intelligence,
        Attribute::Willpower,
        Attribute::Reaction,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Attribute::Body => "Body",
            Attribute::Quickness => "Quickness",
            Attribute::Strength => "Strength",
            Attribute::Charisma => "Charisma",
            Attribute::Intelligence => "Intelligence",
            Attribute::Willpower => "Willpower",
            Attribute::Reaction => "Reaction",
        }
    }

    /// The key it has on sheets.
    pub fn key(self) -> String {
        self.name().to_ascii_lowercase()
    }

    /// The attribute of this name, in any case.
    pub fn parse(name: &str) -> Option<Attribute> {
        Attribute::ALL.into_iter().find(|attribute| attribute.name().eq_ignore_ascii_case(name.trim()))
    }
}
