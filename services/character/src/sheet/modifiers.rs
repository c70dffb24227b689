//! What changes a value of a sheet: by how much, and where it comes from.

use serde::{Deserialize, Serialize};

use super::HeldSpell;

/// What changes a value of the sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SheetModifier {
    /// By which it is changed and removed.
    #[serde(default)]
    pub id: String,
    pub modifier_type: ModifierType,
    /// What it changes: an attribute's key, a skill, a pool, …
    pub target_name: String,
    pub modifier_value: i32,
    /// What it comes from; a piece of ware names itself.
    #[serde(default)]
    pub source: String,
    /// cyberware, bioware, edge, focus, natural, spell, or sheet for what is not explained there.
    #[serde(default)]
    pub source_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The sustained spell with which it comes and goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spell: Option<HeldSpell>,
}

/// What kind of value a modifier changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModifierType {
    /// An attribute's rating, or `magic`.
    Attribute,
    /// A skill's rating.
    Skill,
    /// A pool's size.
    Pool,
    /// `initiative` (its fixed part) or `initiative_dice`.
    Initiative,
    /// `low_light`, `thermographic`, or `magnification` with its rating.
    Vision,
    /// `smartlink`: its modifier with a smart weapon.
    Combat,
    /// Target numbers of tests with a skill.
    TargetNumber,
}
