//! The catalogue of ranged weapons.
//!
//! Source: *Shadowrun, Second Edition*, "Weapons Table". Damage is that of one round.

use serde::Serialize;

use super::condition::Level;
use super::damage::{DamageCode, FiringMode};
use super::range::WeaponClass;
use crate::UnknownName;
use crate::names::same_name;

/// How rounds are held, which decides how they are reloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// A clip: out and in with a Simple Action each.
    Clip,
    /// A break action: two rounds a Complex Action.
    BreakAction,
    /// A magazine: as many rounds as Quickness a Complex Action.
    Magazine,
    /// A cylinder: as many rounds as Quickness a Complex Action.
    Cylinder,
    /// A belt.
    Belt,
}

/// A ranged weapon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Weapon {
    /// Its name.
    pub name: &'static str,
    /// What else it is called.
    #[serde(skip)]
    pub also: &'static [&'static str],
    /// Its class, which sets ranges and skill.
    pub class: WeaponClass,
    /// Concealability; `None` if it cannot be hidden.
    pub concealability: Option<u32>,
    /// Rounds it holds.
    pub ammunition: u32,
    /// How it holds them.
    pub feed: Feed,
    /// How it can be fired.
    pub modes: &'static [FiringMode],
    /// Damage of one round.
    pub damage: DamageCode,
    /// Whether its own rounds are flechette; the level is in the code already.
    pub flechette: bool,
}

const SS: &[FiringMode] = &[FiringMode::SingleShot];
const SA: &[FiringMode] = &[FiringMode::SemiAutomatic];
const BF: &[FiringMode] = &[FiringMode::BurstFire];
const SA_BF: &[FiringMode] = &[FiringMode::SemiAutomatic, FiringMode::BurstFire];
const BF_FA: &[FiringMode] = &[FiringMode::BurstFire, FiringMode::FullAutomatic];
const SA_BF_FA: &[FiringMode] = &[FiringMode::SemiAutomatic, FiringMode::BurstFire, FiringMode::FullAutomatic];
const FA: &[FiringMode] = &[FiringMode::FullAutomatic];

const LIGHT: Level = Level::Light;
const MODERATE: Level = Level::Moderate;
const SERIOUS: Level = Level::Serious;
const DEADLY: Level = Level::Deadly;

/// A weapon: name, class, concealability (0: none), rounds and feed, modes, Power and level.
const fn weapon(
    name: &'static str,
    class: WeaponClass,
    concealability: u32,
    (ammunition, feed): (u32, Feed),
    modes: &'static [FiringMode],
    (power, level): (i32, Level),
) -> Weapon {
    let concealability = if concealability == 0 { None } else { Some(concealability) };
    let damage = DamageCode::physical(power, level);
    Weapon { name, also: &[], class, concealability, ammunition, feed, modes, damage, flechette: false }
}

/// Every weapon, in the order of the book.
pub const WEAPONS: &[Weapon] = &[
    Weapon {
        also: &["Streetline"],
        ..weapon("Streetline Special", WeaponClass::HoldOutPistol, 8, (6, Feed::Clip), SS, (4, LIGHT))
    },
    Weapon {
        also: &["Walther Palm"],
        ..weapon("Walther Palm Pistol", WeaponClass::HoldOutPistol, 9, (2, Feed::BreakAction), SS, (4, LIGHT))
    },
    Weapon {
        also: &["Beretta 101T", "Beretta"],
        ..weapon("Beretta Model 101T", WeaponClass::LightPistol, 5, (12, Feed::Clip), SA, (6, LIGHT))
    },
    Weapon {
        also: &["Colt L36"],
        ..weapon("Colt American L36", WeaponClass::LightPistol, 6, (11, Feed::Clip), SA, (6, LIGHT))
    },
    Weapon {
        also: &["Fichetti 500", "Fichetti"],
        ..weapon("Fichetti Security 500", WeaponClass::LightPistol, 7, (12, Feed::Clip), SA, (6, LIGHT))
    },
    Weapon {
        also: &["Fichetti 500a"],
        ..weapon("Fichetti Security 500a", WeaponClass::LightPistol, 6, (25, Feed::Clip), SA, (6, LIGHT))
    },
    Weapon {
        also: &["Predator", "Heavy Pistol"],
        ..weapon("Ares Predator", WeaponClass::HeavyPistol, 5, (15, Feed::Clip), SA, (9, MODERATE))
    },
    Weapon {
        also: &["Viper Slivergun", "Slivergun"],
        flechette: true,
        ..weapon("Ares Viper Slivergun", WeaponClass::HeavyPistol, 6, (30, Feed::Clip), SA_BF, (9, SERIOUS))
    },
    weapon("Browning Max-Power", WeaponClass::HeavyPistol, 6, (10, Feed::Clip), SA, (9, MODERATE)),
    Weapon {
        also: &["Roomsweeper"],
        flechette: true,
        ..weapon("Remington Roomsweeper", WeaponClass::HeavyPistol, 8, (8, Feed::Magazine), SA, (9, SERIOUS))
    },
    Weapon {
        also: &["Super Warhawk"],
        ..weapon("Ruger Super Warhawk", WeaponClass::HeavyPistol, 4, (6, Feed::Cylinder), SS, (10, MODERATE))
    },
    Weapon {
        also: &["Super Shock", "Super Shock Taser", "Taser"],
        damage: DamageCode::stun(10, Level::Serious),
        ..weapon("Defiance Super Shock", WeaponClass::Taser, 4, (4, Feed::Magazine), SA, (10, SERIOUS))
    },
    Weapon {
        also: &["AK-97 Carbine"],
        ..weapon("AK-97 SMG", WeaponClass::Smg, 4, (30, Feed::Clip), SA_BF_FA, (6, MODERATE))
    },
    Weapon {
        also: &["Heckler & Koch HK227", "HK 227"],
        ..weapon("HK227", WeaponClass::Smg, 4, (28, Feed::Clip), SA_BF_FA, (7, MODERATE))
    },
    Weapon {
        also: &["HK227S", "Heckler & Koch HK227-S"],
        ..weapon("HK227-S", WeaponClass::Smg, 5, (28, Feed::Clip), SA_BF, (7, MODERATE))
    },
    Weapon { also: &["Uzi"], ..weapon("Uzi III", WeaponClass::Smg, 5, (24, Feed::Clip), BF, (6, MODERATE)) },
    weapon("Remington 750", WeaponClass::SportingRifle, 3, (5, Feed::Magazine), SA, (7, SERIOUS)),
    weapon("Remington 950", WeaponClass::SportingRifle, 2, (5, Feed::Magazine), SA, (9, SERIOUS)),
    Weapon {
        also: &["Ranger SM-3", "SM-3"],
        ..weapon("Ranger Arms SM-3", WeaponClass::SniperRifle, 0, (6, Feed::Magazine), SA, (14, SERIOUS))
    },
    weapon("Enfield AS-7", WeaponClass::Shotgun, 3, (10, Feed::Clip), SA_BF, (8, SERIOUS)),
    weapon("Defiance T-250", WeaponClass::Shotgun, 4, (5, Feed::Magazine), SA, (10, SERIOUS)),
    Weapon {
        also: &["AK-97 Assault Rifle"],
        ..weapon("AK-97", WeaponClass::AssaultRifle, 3, (38, Feed::Clip), SA_BF_FA, (8, MODERATE))
    },
    weapon("AK-98", WeaponClass::AssaultRifle, 1, (38, Feed::Clip), SA_BF_FA, (8, MODERATE)),
    weapon("FN HAR", WeaponClass::AssaultRifle, 2, (35, Feed::Clip), SA_BF_FA, (8, MODERATE)),
    Weapon {
        also: &["Valiant", "Valiant LMG", "LMG", "Light Machine Gun"],
        ..weapon("Ingram Valiant", WeaponClass::Lmg, 0, (50, Feed::Belt), BF_FA, (7, SERIOUS))
    },
    Weapon { also: &["MMG"], ..weapon("Medium Machine Gun", WeaponClass::Mmg, 0, (40, Feed::Belt), FA, (9, SERIOUS)) },
    Weapon { also: &["HMG"], ..weapon("Heavy Machine Gun", WeaponClass::Hmg, 0, (40, Feed::Belt), FA, (10, SERIOUS)) },
    Weapon {
        also: &["Assault Cannon", "Panther Cannon"],
        ..weapon("Panther Assault Cannon", WeaponClass::AssaultCannon, 0, (20, Feed::Clip), SS, (18, DEADLY))
    },
];

/// The weapon of this name, or of another name it goes by.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find_weapon(name: &str) -> Result<&'static Weapon, UnknownName> {
    let is_named =
        |weapon: &&Weapon| same_name(weapon.name, name) || weapon.also.iter().any(|also| same_name(also, name));
    WEAPONS
        .iter()
        .find(is_named)
        .ok_or_else(|| UnknownName::new("weapon", name, WEAPONS.iter().map(|weapon| weapon.name)))
}

impl Feed {
    /// Rounds that go in with one Complex Action; `None` where a whole clip or belt is changed instead.
    pub fn rounds_per_complex_action(self, quickness: u32) -> Option<u32> {
        match self {
            Feed::Clip | Feed::Belt => None,
            Feed::BreakAction => Some(2),
            Feed::Magazine | Feed::Cylinder => Some(quickness),
        }
    }
}

/// What an accessory is; a weapon takes one of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessoryKind {
    /// Stands on the ground; helps while it is set up.
    Stand,
    /// A pad against the shoulder.
    ShockPad,
    /// A vented barrel.
    GasVent,
    /// Carries the weapon on the shooter's body.
    GyroMount,
    /// Makes the shot harder to notice.
    Muffler,
    /// Makes the weapon smart.
    Smartgun,
    /// Worn, not mounted.
    Worn,
    /// A laser sight.
    LaserSight,
    /// A scope.
    Scope,
}

/// Something that is mounted on a weapon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Accessory {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: AccessoryKind,
    /// Points of recoil compensation (of a gyro mount, of recoil and movement together), or the rating of a scope.
    pub rating: u32,
    /// What it does.
    pub effect: &'static str,
    /// Price in nuyen, where the figures give one.
    pub nuyen: Option<u32>,
    /// Whether it is built into the weapon: that costs the weapon's price once more, and it does not come off again.
    pub built_in: bool,
}

const fn accessory(
    name: &'static str,
    kind: AccessoryKind,
    rating: u32,
    effect: &'static str,
    nuyen: Option<u32>,
) -> Accessory {
    Accessory { name, kind, rating, effect, nuyen, built_in: false }
}

const LASER: &str = "-1 up to 50 m in clear air, not with smart gear";

/// Every accessory.
pub const ACCESSORIES: &[Accessory] = &[
    accessory("Bipod", AccessoryKind::Stand, 2, "takes up recoil", None),
    accessory("Tripod", AccessoryKind::Stand, 6, "takes up recoil", None),
    accessory("Shock Pad", AccessoryKind::ShockPad, 1, "takes up recoil", None),
    accessory("Gas Vent II", AccessoryKind::GasVent, 2, "takes up recoil", None),
    accessory("Gas Vent III", AccessoryKind::GasVent, 3, "takes up recoil", None),
    accessory("Gyro Mount", AccessoryKind::GyroMount, 5, "takes up recoil and the shooter's movement", None),
    accessory("Deluxe Gyro Mount", AccessoryKind::GyroMount, 6, "takes up recoil and the shooter's movement", None),
    accessory("Silencer", AccessoryKind::Muffler, 0, "+4 to notice the shot", None),
    accessory("Sound Suppressor", AccessoryKind::Muffler, 0, "+2 to notice the shot", None),
    Accessory {
        built_in: true,
        ..accessory("Internal Smartgun", AccessoryKind::Smartgun, 0, "makes the weapon smart; doubles its price", None)
    },
    accessory("External Smartgun", AccessoryKind::Smartgun, 0, "makes the weapon smart", Some(600)),
    accessory("Smart Goggles", AccessoryKind::Worn, 0, "-1 with a smart weapon", Some(3000)),
    accessory("Laser Sight", AccessoryKind::LaserSight, 0, LASER, Some(500)),
    accessory("Scope 1", AccessoryKind::Scope, 1, "image magnification 1, not with smart gear", Some(500)),
    accessory("Scope 2", AccessoryKind::Scope, 2, "image magnification 2, not with smart gear", Some(800)),
    accessory("Scope 3", AccessoryKind::Scope, 3, "image magnification 3, not with smart gear", Some(1200)),
];

/// Names people use for accessories: (other, table).
const OTHER_ACCESSORIES: &[(&str, &str)] = &[
    ("smartgun", "External Smartgun"),
    ("smartgun external", "External Smartgun"),
    ("smartgun internal", "Internal Smartgun"),
    ("smartgun link", "External Smartgun"),
    ("laser", "Laser Sight"),
    ("suppressor", "Sound Suppressor"),
    ("gyro", "Gyro Mount"),
    ("gyro stabilisation", "Gyro Mount"),
    ("gyro stabilization", "Gyro Mount"),
    ("deluxe gyro", "Deluxe Gyro Mount"),
    ("gas vent 2", "Gas Vent II"),
    ("gas vent 3", "Gas Vent III"),
    ("scope", "Scope 1"),
];

/// The accessory of this name.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find_accessory(name: &str) -> Result<&'static Accessory, UnknownName> {
    let other = OTHER_ACCESSORIES.iter().find(|(other, _)| same_name(other, name)).map_or(name, |(_, table)| table);
    ACCESSORIES
        .iter()
        .find(|accessory| same_name(accessory.name, other))
        .ok_or_else(|| UnknownName::new("accessory", name, ACCESSORIES.iter().map(|accessory| accessory.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weapon_is_found_by_any_of_its_names() {
        assert_eq!(find_weapon("ares predator").unwrap().damage.to_string(), "9M");
        assert_eq!(find_weapon("super shock").unwrap().damage.to_string(), "10S Stun");
        assert_eq!(find_weapon("AK-97").unwrap().class, WeaponClass::AssaultRifle);
    }

    #[test]
    fn an_unknown_weapon_is_told_the_nearest() {
        assert_eq!(find_weapon("Ares Predtor").unwrap_err().nearest, ["Ares Predator"]);
    }

    #[test]
    fn every_accessory_is_found_by_its_name_and_by_those_people_use() {
        for accessory in ACCESSORIES {
            assert_eq!(find_accessory(accessory.name), Ok(accessory));
        }
        for (other, table) in OTHER_ACCESSORIES {
            assert_eq!(find_accessory(other).unwrap().name, *table);
        }
        assert_eq!(find_accessory("Gas Vnt III").unwrap_err().nearest[0], "Gas Vent III");
    }

    #[test]
    fn no_two_weapons_share_a_name() {
        for weapon in WEAPONS {
            for name in weapon.also.iter().chain([&weapon.name]) {
                assert_eq!(find_weapon(name).unwrap().name, weapon.name, "{name}");
            }
        }
    }
}
