//! Spells that are known and spells that are sustained, and foci.

use rules::shadowrun2::magic::Fetish;
use serde::{Deserialize, Serialize};
use service_kit::clock;

use super::new_id;

/// A spell the character knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownSpell {
    /// Its name; what the rule book's directory says of it is not repeated.
    pub spell_name: String,
    pub learned_force: u32,
    /// Category, type and drain of a spell that is not in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spell_category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spell_type: Option<String>,
    #[serde(default)]
    pub exclusive: bool,
    /// reusable or expendable.
    #[serde(default)]
    pub fetish: Option<KnownFetish>,
    /// `house` if it is not in the sources of the character.
    #[serde(default)]
    pub source: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub notes: Option<String>,
}

/// A fetish that a spell needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownFetish {
    Reusable,
    Expendable,
}

impl From<KnownFetish> for Fetish {
    fn from(fetish: KnownFetish) -> Fetish {
        match fetish {
            KnownFetish::Reusable => Fetish::Reusable,
            KnownFetish::Expendable => Fetish::Expendable,
        }
    }
}

/// A focus.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Focus {
    pub focus_name: String,
    /// As the rules name it: power focus, specific spell focus, spell category focus, spell lock, …
    pub focus_type: String,
    pub force: u32,
    pub spell_category: Option<String>,
    pub specific_spell: Option<String>,
    pub bonus_dice: i32,
    pub tn_modifier: i32,
    pub bonded: bool,
    pub karma_cost: u32,
    pub description: Option<String>,
    pub notes: Option<String>,
}

/// A spell that is sustained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sustained {
    /// By which what it changes is found.
    #[serde(default)]
    pub id: String,
    pub spell_name: String,
    pub force: u32,
    /// Empty if there is none.
    #[serde(default)]
    pub target_name: String,
    #[serde(default)]
    pub target_character_id: Option<String>,
    /// Unix milliseconds.
    #[serde(default)]
    pub cast_at: i64,
    /// The spell lock that holds it in the caster's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
}

impl Sustained {
    /// A spell that is sustained from now on.
    pub fn new(spell_name: &str, force: u32, target_name: &str, target_character_id: Option<String>) -> Sustained {
        Sustained {
            id: new_id(),
            spell_name: spell_name.to_owned(),
            force,
            target_name: target_name.to_owned(),
            target_character_id,
            cast_at: clock::now_ms(),
            held_by: None,
        }
    }
}

/// A spell that somebody sustains, as it stands on the sheet of its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSpell {
    /// Its id among the sustained spells of its caster.
    pub sustained_id: String,
    pub spell_name: String,
    pub force: u32,
    pub caster_id: String,
    pub caster_name: String,
}
