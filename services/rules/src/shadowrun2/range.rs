//! Weapon classes and their ranges.
//!
//! Source: *Shadowrun, Second Edition*, "Weapon Range Table", "Image Magnification".

use serde::Serialize;

use crate::UnknownName;
use crate::names::same_name;

/// A class of ranged weapons; its figures are in [`CLASSES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WeaponClass {
    /// Hold-out pistol.
    HoldOutPistol,
    /// Light pistol.
    LightPistol,
    /// Heavy pistol.
    HeavyPistol,
    /// Submachine gun.
    Smg,
    /// Taser.
    Taser,
    /// Shotgun.
    Shotgun,
    /// Sporting rifle.
    SportingRifle,
    /// Sniper rifle.
    SniperRifle,
    /// Assault rifle.
    AssaultRifle,
    /// Light machine gun.
    Lmg,
    /// Medium machine gun.
    Mmg,
    /// Heavy machine gun.
    Hmg,
    /// Assault cannon.
    AssaultCannon,
    /// Grenade launcher.
    GrenadeLauncher,
    /// Missile launcher.
    MissileLauncher,
    /// Bow.
    Bow,
    /// Light crossbow.
    LightCrossbow,
    /// Medium crossbow.
    MediumCrossbow,
    /// Heavy crossbow.
    HeavyCrossbow,
    /// Thrown knife.
    ThrownKnife,
    /// Shuriken.
    Shuriken,
    /// Grenade thrown by hand.
    ThrownGrenade,
    /// Aerodynamic grenade thrown by hand.
    AerodynamicGrenade,
}

/// The figures of a weapon class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassRow {
    /// The class.
    pub class: WeaponClass,
    /// Its name.
    pub name: &'static str,
    /// Upper ends of short, medium, long and extreme range: metres, or multiples of Strength.
    pub limits: [u32; 4],
    /// Shortest distance in metres at which it can be used.
    pub minimum: u32,
    /// Whether the limits are multiplied by Strength: the bow's or crossbow's minimum, or the thrower's own.
    pub per_strength: bool,
    /// Whether uncompensated recoil counts double.
    pub heavy: bool,
    /// The skill that is rolled.
    pub skill: &'static str,
}

const fn gun(class: WeaponClass, name: &'static str, limits: [u32; 4]) -> ClassRow {
    ClassRow { class, name, limits, minimum: 0, per_strength: false, heavy: false, skill: "Firearms" }
}

const fn muscle(class: WeaponClass, name: &'static str, limits: [u32; 4], skill: &'static str) -> ClassRow {
    ClassRow { class, name, limits, minimum: 0, per_strength: true, heavy: false, skill }
}

/// Every class with its figures.
pub const CLASSES: &[ClassRow] = &[
    gun(WeaponClass::HoldOutPistol, "hold-out pistol", [5, 15, 30, 50]),
    gun(WeaponClass::LightPistol, "light pistol", [5, 15, 30, 50]),
    gun(WeaponClass::HeavyPistol, "heavy pistol", [5, 20, 40, 60]),
    gun(WeaponClass::Smg, "smg", [10, 40, 80, 150]),
    gun(WeaponClass::Taser, "taser", [5, 10, 12, 15]),
    ClassRow { heavy: true, ..gun(WeaponClass::Shotgun, "shotgun", [10, 20, 50, 100]) },
    gun(WeaponClass::SportingRifle, "sporting rifle", [30, 60, 150, 300]),
    gun(WeaponClass::SniperRifle, "sniper rifle", [40, 80, 200, 400]),
    gun(WeaponClass::AssaultRifle, "assault rifle", [15, 40, 100, 250]),
    gun(WeaponClass::Lmg, "lmg", [20, 40, 80, 150]),
    ClassRow { heavy: true, skill: "Gunnery", ..gun(WeaponClass::Mmg, "mmg", [40, 150, 300, 500]) },
    ClassRow { heavy: true, skill: "Gunnery", ..gun(WeaponClass::Hmg, "hmg", [40, 150, 400, 800]) },
    ClassRow { skill: "Gunnery", ..gun(WeaponClass::AssaultCannon, "assault cannon", [50, 150, 450, 1300]) },
    ClassRow {
        minimum: 5,
        skill: "Gunnery",
        ..gun(WeaponClass::GrenadeLauncher, "grenade launcher", [50, 100, 150, 300])
    },
    ClassRow {
        minimum: 20,
        skill: "Gunnery",
        ..gun(WeaponClass::MissileLauncher, "missile launcher", [70, 150, 450, 1500])
    },
    muscle(WeaponClass::Bow, "bow", [1, 10, 30, 60], "Projectile Weapons"),
    muscle(WeaponClass::LightCrossbow, "light crossbow", [2, 8, 20, 40], "Projectile Weapons"),
    muscle(WeaponClass::MediumCrossbow, "medium crossbow", [3, 12, 30, 50], "Projectile Weapons"),
    muscle(WeaponClass::HeavyCrossbow, "heavy crossbow", [5, 15, 40, 60], "Projectile Weapons"),
    muscle(WeaponClass::ThrownKnife, "thrown knife", [1, 2, 3, 5], "Throwing Weapons"),
    muscle(WeaponClass::Shuriken, "shuriken", [1, 2, 5, 7], "Throwing Weapons"),
    muscle(WeaponClass::ThrownGrenade, "thrown grenade", [3, 5, 10, 20], "Throwing Weapons"),
    muscle(WeaponClass::AerodynamicGrenade, "aerodynamic grenade", [3, 5, 20, 30], "Throwing Weapons"),
];

impl WeaponClass {
    /// The class of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the nearest names.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        let row = CLASSES.iter().find(|row| same_name(row.name, name));
        row.map(|row| row.class)
            .ok_or_else(|| UnknownName::new("weapon class", name, CLASSES.iter().map(|row| row.name)))
    }

    /// Its figures.
    pub fn row(self) -> &'static ClassRow {
        CLASSES.iter().find(|row| row.class == self).expect("a test finds every class in the table")
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The upper ends of its ranges in metres. `strength` counts only for bows, crossbows and what is thrown.
    pub fn limits(self, strength: u32) -> RangeLimits {
        let row = self.row();
        let factor = if row.per_strength { strength } else { 1 };
        let [short, medium, long, extreme] = row.limits.map(|limit| limit.saturating_mul(factor));
        RangeLimits { short, medium, long, extreme }
    }
}

/// Upper ends of the ranges in metres; each end belongs to its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RangeLimits {
    /// Short.
    pub short: u32,
    /// Medium.
    pub medium: u32,
    /// Long.
    pub long: u32,
    /// Extreme.
    pub extreme: u32,
}

/// How far away a target is, for a weapon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RangeCategory {
    /// Target number 4.
    Short,
    /// Target number 5.
    Medium,
    /// Target number 6.
    Long,
    /// Target number 9.
    Extreme,
}

impl RangeCategory {
    /// Every range, nearest first.
    pub const ALL: [RangeCategory; 4] =
        [RangeCategory::Short, RangeCategory::Medium, RangeCategory::Long, RangeCategory::Extreme];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            RangeCategory::Short => "short",
            RangeCategory::Medium => "medium",
            RangeCategory::Long => "long",
            RangeCategory::Extreme => "extreme",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the words that exist.
    pub fn parse(word: &str) -> Result<Self, UnknownName> {
        let words = RangeCategory::ALL.map(RangeCategory::word);
        let found = RangeCategory::ALL.into_iter().find(|range| range.word().eq_ignore_ascii_case(word));
        found.ok_or_else(|| UnknownName::new("range", word, words))
    }

    /// The target number before modifiers.
    pub fn base_target_number(self) -> u32 {
        match self {
            RangeCategory::Short => 4,
            RangeCategory::Medium => 5,
            RangeCategory::Long => 6,
            RangeCategory::Extreme => 9,
        }
    }

    /// The range through image magnification: a step nearer for each point, never nearer than short.
    #[must_use]
    pub fn magnified(self, rating: u32) -> Self {
        let steps = (self as usize).saturating_sub(rating as usize);
        RangeCategory::ALL[steps]
    }
}

/// A target the weapon cannot be used on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Beyond extreme range.
    #[error("{distance_m} m is beyond the reach of a {class}: at most {reach_m} m")]
    TooFar {
        /// The weapon's class.
        class: &'static str,
        /// Distance in metres.
        distance_m: u32,
        /// End of extreme range in metres.
        reach_m: u32,
    },
    /// Nearer than the weapon's minimum.
    #[error("{distance_m} m is too near for a {class}: at least {minimum_m} m")]
    TooNear {
        /// The weapon's class.
        class: &'static str,
        /// Distance in metres.
        distance_m: u32,
        /// Minimum in metres.
        minimum_m: u32,
    },
}

/// The range of a target at a distance in whole metres.
///
/// # Errors
///
/// [`RangeError`] beyond extreme range, or below the weapon's minimum.
pub fn range_category(class: WeaponClass, distance_m: u32, strength: u32) -> Result<RangeCategory, RangeError> {
    let row = class.row();
    if distance_m < row.minimum {
        return Err(RangeError::TooNear { class: row.name, distance_m, minimum_m: row.minimum });
    }
    let RangeLimits { short, medium, long, extreme } = class.limits(strength);
    let ends = [short, medium, long, extreme];
    let reached = RangeCategory::ALL.into_iter().zip(ends).find(|(_, end)| distance_m <= *end);
    reached.map(|(range, _)| range).ok_or(RangeError::TooFar { class: row.name, distance_m, reach_m: extreme })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_CLASS: [WeaponClass; 23] = [
        WeaponClass::HoldOutPistol,
        WeaponClass::LightPistol,
        WeaponClass::HeavyPistol,
        WeaponClass::Smg,
        WeaponClass::Taser,
        WeaponClass::Shotgun,
        WeaponClass::SportingRifle,
        WeaponClass::SniperRifle,
        WeaponClass::AssaultRifle,
        WeaponClass::Lmg,
        WeaponClass::Mmg,
        WeaponClass::Hmg,
        WeaponClass::AssaultCannon,
        WeaponClass::GrenadeLauncher,
        WeaponClass::MissileLauncher,
        WeaponClass::Bow,
        WeaponClass::LightCrossbow,
        WeaponClass::MediumCrossbow,
        WeaponClass::HeavyCrossbow,
        WeaponClass::ThrownKnife,
        WeaponClass::Shuriken,
        WeaponClass::ThrownGrenade,
        WeaponClass::AerodynamicGrenade,
    ];

    #[test]
    fn every_class_has_a_row() {
        assert_eq!(CLASSES.len(), EVERY_CLASS.len());
        for class in EVERY_CLASS {
            assert_eq!(WeaponClass::parse(class.name()), Ok(class));
        }
    }

    #[test]
    fn the_upper_end_belongs_to_its_range() {
        assert_eq!(range_category(WeaponClass::HeavyPistol, 20, 0), Ok(RangeCategory::Medium));
        assert_eq!(range_category(WeaponClass::HeavyPistol, 21, 0), Ok(RangeCategory::Long));
    }

    #[test]
    fn beyond_reach_and_below_the_minimum_are_refused() {
        let far = range_category(WeaponClass::HeavyPistol, 61, 0).unwrap_err();
        assert_eq!(far.to_string(), "61 m is beyond the reach of a heavy pistol: at most 60 m");
        let near = range_category(WeaponClass::MissileLauncher, 19, 0).unwrap_err();
        assert_eq!(near.to_string(), "19 m is too near for a missile launcher: at least 20 m");
    }

    #[test]
    fn strength_carries_what_is_thrown_and_shot_by_muscle() {
        assert_eq!(range_category(WeaponClass::Shuriken, 35, 5), Ok(RangeCategory::Extreme));
        assert!(range_category(WeaponClass::Shuriken, 36, 5).is_err());
    }

    #[test]
    fn magnification_stops_at_short() {
        assert_eq!(RangeCategory::Extreme.magnified(2), RangeCategory::Medium);
        assert_eq!(RangeCategory::Extreme.magnified(u32::MAX), RangeCategory::Short);
    }
}
