//! What a character has: ware, weapons, armor and other things, cyberdecks.

use rules::shadowrun2::armor::{self, Layer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SheetModifier;

/// A piece of cyberware or bioware.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ware {
    /// By which it is changed and removed.
    pub id: String,
    pub name: String,
    pub essence_cost: Option<f64>,
    pub body_index_cost: Option<f64>,
    pub rating: Option<u32>,
    pub grade: Option<String>,
    /// What it does, in words, beside its modifiers.
    pub effects: Vec<String>,
    pub modifiers: Vec<SheetModifier>,
    pub notes: Option<String>,
}

/// A weapon, armor, or anything else that is carried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Gear {
    pub gear_name: String,
    pub gear_type: String,
    #[serde(default = "one")]
    pub quantity: u32,
    /// Damage code of one round or blow.
    #[serde(default)]
    pub damage: Option<String>,
    #[serde(default)]
    pub conceal: Option<String>,
    #[serde(default)]
    pub ammo_capacity: Option<String>,
    #[serde(default)]
    pub ballistic_rating: Option<u32>,
    #[serde(default)]
    pub impact_rating: Option<u32>,
    #[serde(default)]
    pub weapon_stats: Option<WeaponStats>,
    #[serde(default)]
    pub modifications: Map<String, Value>,
    /// Rounds in a weapon; full where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// Of armor: whether it is worn.
    #[serde(default)]
    pub worn: bool,
    #[serde(default)]
    pub notes: Option<String>,
}

fn one() -> u32 {
    1
}

impl Gear {
    /// A piece of equipment of which nothing but its name is known.
    pub fn plain(name: &str) -> Gear {
        Gear {
            gear_name: name.to_owned(),
            gear_type: "equipment".to_owned(),
            quantity: 1,
            damage: None,
            conceal: None,
            ammo_capacity: None,
            ballistic_rating: None,
            impact_rating: None,
            weapon_stats: None,
            modifications: Map::new(),
            rounds: None,
            worn: false,
            notes: None,
        }
    }

    /// How a piece of armor counts beside others: as the rule book says or, where it does not know the piece, as its
    /// name and notes say.
    pub fn armor_layer(&self) -> Layer {
        if let Ok(piece) = armor::find_armor(&self.gear_name) {
            return piece.layer;
        }
        let text = format!("{} {}", self.gear_name, self.notes.as_deref().unwrap_or_default()).to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&["helmet", "guard", "shield"]) {
            Layer::Added
        } else if has(&["heavy armor", "hardened military"]) {
            Layer::HeavyBody
        } else {
            Layer::Body
        }
    }

    /// Whether it is armor whose ballistic rating above Quickness costs Combat Pool.
    pub fn is_heavy_armor(&self) -> bool {
        self.gear_type == "armor" && self.armor_layer() == Layer::HeavyBody
    }
}

/// The figures of a weapon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeaponStats {
    /// Class of a ranged weapon, which sets ranges and skill; none for a melee weapon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How it can be fired: SS, SA, BF, FA.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<String>,
    /// Whether it is a smart weapon.
    pub smart: bool,
    pub recoil_compensation: u32,
    pub gyro_stabilisation: u32,
    pub laser_sight: bool,
    /// Rating of a scope.
    pub scope: u32,
    /// Reach of a melee weapon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<u32>,
    /// Strength minimum of a bow or crossbow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength_minimum: Option<u32>,
}

/// A cyberdeck.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cyberdeck {
    pub deck_name: String,
    pub mpcp: Option<u32>,
    pub hardening: Option<u32>,
    pub memory: Option<u32>,
    pub storage: Option<u32>,
    pub io_speed: Option<u32>,
    pub response_increase: Option<u32>,
    pub persona_programs: Map<String, Value>,
    pub utilities: Map<String, Value>,
    pub ai_companions: Vec<Value>,
    pub notes: Option<String>,
}
