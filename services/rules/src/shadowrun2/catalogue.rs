//! The catalogue of what is bought beside weapons and armor: ware, vehicles, rounds and grenades; and prices.
//!
//! Figures that our sources do not give are named in `unverified`: they are from memory, and whoever shows them says
//! so. Each is corrected here, in one place.

use serde::Serialize;

use super::house_rules::HouseRule;
use crate::UnknownName;
use crate::names::same_name;

/// What a figure that no source gives is marked with.
pub const UNVERIFIED: &str = "unverified";

/// Where ware is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WareKind {
    /// Costs Essence.
    Cyberware,
    /// Takes up body index.
    Bioware,
}

/// A piece of ware.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Implant {
    /// Its name, its rating included.
    pub name: &'static str,
    /// Cyberware or bioware.
    pub kind: WareKind,
    /// Essence, or body index.
    pub cost: f64,
    /// What it changes by how much: an attribute, `initiative_dice`, `low_light`, `smartlink` …
    pub modifiers: &'static [(&'static str, i32)],
    /// Its level as a vehicle control rig; 0 for anything else.
    pub control_rig: u32,
    /// What it does beside its modifiers.
    pub effect: &'static str,
    /// Price.
    pub nuyen: Option<u32>,
    /// The house rule by which it exists.
    #[serde(skip)]
    pub house_rule: Option<HouseRule>,
    /// Figures that no source gives.
    pub unverified: &'static [&'static str],
}

const COST_AND_PRICE: &[&str] = &["cost", "nuyen"];
const PRICE: &[&str] = &["nuyen"];
const ALL: &[&str] = &["cost", "modifiers", "nuyen"];

const fn cyber(
    name: &'static str,
    cost: f64,
    modifiers: &'static [(&'static str, i32)],
    nuyen: u32,
    unverified: &'static [&'static str],
) -> Implant {
    let nuyen = if nuyen == 0 { None } else { Some(nuyen) };
    let kind = WareKind::Cyberware;
    Implant { name, kind, cost, modifiers, control_rig: 0, effect: "", nuyen, house_rule: None, unverified }
}

const fn rig(name: &'static str, level: u32, cost: f64, nuyen: u32, unverified: &'static [&'static str]) -> Implant {
    let effect = "Control Pool; rigged initiative +2 and 1D6 for each level";
    Implant { control_rig: level, effect, ..cyber(name, cost, &[], nuyen, unverified) }
}

const fn bio(
    name: &'static str,
    cost: f64,
    modifiers: &'static [(&'static str, i32)],
    effect: &'static str,
) -> Implant {
    Implant { kind: WareKind::Bioware, effect, ..cyber(name, cost, modifiers, 0, &[]) }
}

/// Every piece of ware.
pub const IMPLANTS: &[Implant] = &[
    cyber("Wired Reflexes 1", 2.0, &[("reaction", 2), ("initiative_dice", 1)], 55_000, COST_AND_PRICE),
    cyber("Wired Reflexes 2", 3.0, &[("reaction", 4), ("initiative_dice", 2)], 165_000, COST_AND_PRICE),
    cyber("Wired Reflexes 3", 5.0, &[("reaction", 6), ("initiative_dice", 3)], 500_000, COST_AND_PRICE),
    cyber("Boosted Reflexes 1", 0.5, &[("initiative_dice", 1)], 15_000, ALL),
    cyber("Boosted Reflexes 2", 1.25, &[("reaction", 1), ("initiative_dice", 1)], 30_000, ALL),
    cyber("Boosted Reflexes 3", 2.8, &[("reaction", 2), ("initiative_dice", 2)], 90_000, ALL),
    cyber("Smartlink", 0.5, &[("smartlink", -2)], 2_500, COST_AND_PRICE),
    Implant {
        effect: "target number -3 with a smart weapon",
        house_rule: Some(HouseRule::Smartlink3),
        ..cyber("Smartlink-3 (AEGIS)", 0.5, &[("smartlink", -3)], 0, &[])
    },
    Implant {
        effect: "Matrix initiative +2D6",
        house_rule: Some(HouseRule::NeuroSync),
        ..cyber("NeuroSync Processor", 0.5, &[], 0, &[])
    },
    rig("Vehicle Control Rig 1", 1, 2.0, 12_000, PRICE),
    rig("Vehicle Control Rig 2", 2, 3.0, 60_000, COST_AND_PRICE),
    rig("Vehicle Control Rig 3", 3, 5.0, 300_000, COST_AND_PRICE),
    Implant { effect: "links mind and machine", ..cyber("Datajack", 0.2, &[], 1_000, COST_AND_PRICE) },
    Implant { effect: "eyes that can be improved", ..cyber("Cybereyes", 0.2, &[], 5_000, PRICE) },
    cyber("Low-Light Eyes", 0.2, &[("low_light", 1)], 3_000, COST_AND_PRICE),
    cyber("Thermographic Eyes", 0.2, &[("thermographic", 1)], 3_000, COST_AND_PRICE),
    cyber("Image Magnification 1", 0.2, &[("magnification", 1)], 2_500, COST_AND_PRICE),
    cyber("Image Magnification 2", 0.2, &[("magnification", 2)], 4_000, COST_AND_PRICE),
    cyber("Image Magnification 3", 0.2, &[("magnification", 3)], 6_000, COST_AND_PRICE),
    cyber("Dermal Plating 1", 0.5, &[("body", 1)], 6_000, ALL),
    cyber("Dermal Plating 2", 1.0, &[("body", 2)], 15_000, ALL),
    cyber("Dermal Plating 3", 1.5, &[("body", 3)], 45_000, ALL),
    cyber("Muscle Replacement 1", 1.0, &[("quickness", 1), ("strength", 1)], 20_000, ALL),
    cyber("Muscle Replacement 2", 2.0, &[("quickness", 2), ("strength", 2)], 40_000, ALL),
    cyber("Muscle Replacement 3", 3.0, &[("quickness", 3), ("strength", 3)], 60_000, ALL),
    cyber("Muscle Replacement 4", 4.0, &[("quickness", 4), ("strength", 4)], 80_000, ALL),
    Implant { effect: "helps to think", ..cyber("Encephalon 4", 1.75, &[], 0, &[]) },
    Implant { effect: "calculates", ..cyber("Math SPU 4", 0.25, &[], 0, &[]) },
    Implant { effect: "melee weapon (Str)M", ..cyber("Spurs", 0.3, &[], 7_000, COST_AND_PRICE) },
    Implant { effect: "melee weapon (Str)L", ..cyber("Hand Razors", 0.2, &[], 4_500, COST_AND_PRICE) },
    bio("Cerebral Booster 3", 0.4, &[("intelligence", 3)], ""),
    bio("Damage Compensator 3", 0.75, &[], "damage compensation 3, left to the game master"),
    bio("Enhanced Articulation", 0.3, &[("reaction", 1)], ""),
    bio("Mnemonic Enhancer 4", 1.2, &[], "remembers what was seen and heard"),
    bio("Muscle Augmentation 4", 4.0, &[("quickness", 4), ("strength", 4)], ""),
    bio("Supra-Thyroid Gland", 1.4, &[("body", 1), ("quickness", 1), ("strength", 1), ("reaction", 1)], ""),
];

/// The piece of ware of this name.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find_implant(name: &str) -> Result<&'static Implant, UnknownName> {
    IMPLANTS
        .iter()
        .find(|implant| same_name(implant.name, name))
        .ok_or_else(|| UnknownName::new("piece of ware", name, IMPLANTS.iter().map(|implant| implant.name)))
}

/// A vehicle or drone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Vehicle {
    /// Its name.
    pub name: &'static str,
    /// Such as car, van, drone.
    pub kind: &'static str,
    /// On the road and off it, such as 3/8; empty if no source gives it.
    pub handling: &'static str,
    /// Top speed in metres a turn.
    pub speed: Option<u32>,
    /// Body.
    pub body: Option<u32>,
    /// Armor.
    pub armor: Option<u32>,
    /// Whether figures are from memory.
    #[serde(skip)]
    pub unverified: bool,
}

const fn vehicle(
    name: &'static str,
    kind: &'static str,
    handling: &'static str,
    speed: Option<u32>,
    body: Option<u32>,
    armor: Option<u32>,
) -> Vehicle {
    Vehicle { name, kind, handling, speed, body, armor, unverified: false }
}

/// Every vehicle.
pub const VEHICLES: &[Vehicle] = &[
    vehicle("Westwind", "car", "3/8", Some(210), Some(8), Some(2)),
    vehicle("Bulldog", "van", "4/8", Some(90), Some(8), Some(4)),
    vehicle("Roadmaster", "truck", "", None, Some(16), Some(8)),
    vehicle("Ares Dragon", "rotor", "", Some(240), Some(10), Some(4)),
    vehicle("Ghostrider", "drone", "", None, None, None),
    Vehicle { unverified: true, ..vehicle("Dodge Scoot", "bike", "4/6", Some(90), Some(1), Some(0)) },
    Vehicle { unverified: true, ..vehicle("Harley Scorpion", "bike", "4/6", Some(195), Some(3), Some(0)) },
    Vehicle { unverified: true, ..vehicle("Ford Americar", "car", "4/8", Some(105), Some(3), Some(0)) },
    Vehicle { unverified: true, ..vehicle("Chrysler-Nissan Jackrabbit", "car", "3/8", Some(75), Some(2), Some(0)) },
];

/// The vehicle of this name.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find_vehicle(name: &str) -> Result<&'static Vehicle, UnknownName> {
    VEHICLES
        .iter()
        .find(|vehicle| same_name(vehicle.name, name))
        .ok_or_else(|| UnknownName::new("vehicle", name, VEHICLES.iter().map(|vehicle| vehicle.name)))
}

/// Kinds of rounds: name, and what they do.
pub const ROUNDS: &[(&str, &str)] = &[
    ("Regular Rounds", "the weapon's damage code"),
    ("Explosive Rounds", "Power +1; all ones is a misfire; a barrier's rating counts twice against them"),
    ("Gel Rounds", "Power -2, Stun, impact armor counts; knock down with their full Power"),
    (
        "Flechette Rounds",
        "a level more against the unarmored; against armor the better of twice impact or ballistic counts",
    ),
];

/// Kinds of grenades: name, damage code at the burst, and how it falls off.
pub const GRENADES: &[(&str, &str, &str)] = &[
    ("Offensive Grenade", "10S", "a point of Power less each metre"),
    ("Defensive Grenade", "10S", "a point of Power less each half metre"),
    ("Concussion Grenade", "12M Stun", "a point of Power less each metre"),
];

/// Prices in nuyen, all of them unverified; for rounds of ten.
pub const PRICES: &[(&str, u32)] = &[
    ("Streetline Special", 100),
    ("Walther Palm Pistol", 200),
    ("Beretta Model 101T", 350),
    ("Colt American L36", 350),
    ("Fichetti Security 500", 400),
    ("Fichetti Security 500a", 450),
    ("Ares Predator", 450),
    ("Ares Viper Slivergun", 600),
    ("Browning Max-Power", 450),
    ("Remington Roomsweeper", 300),
    ("Ruger Super Warhawk", 300),
    ("Defiance Super Shock", 1_000),
    ("AK-97 SMG", 800),
    ("HK227", 1_500),
    ("HK227-S", 1_200),
    ("Uzi III", 600),
    ("Remington 750", 600),
    ("Remington 950", 1_300),
    ("Ranger Arms SM-3", 4_000),
    ("Enfield AS-7", 1_000),
    ("Defiance T-250", 500),
    ("AK-97", 700),
    ("AK-98", 2_500),
    ("FN HAR", 1_200),
    ("Ingram Valiant", 1_500),
    ("Medium Machine Gun", 2_500),
    ("Heavy Machine Gun", 4_000),
    ("Panther Assault Cannon", 7_200),
    ("Armor Vest", 200),
    ("Armor Clothing", 500),
    ("Lined Coat", 700),
    ("Armor Jacket", 900),
    ("Partial Heavy Armor", 10_000),
    ("Full Heavy Armor", 20_000),
    ("Form-Fitting Body Armor 1", 150),
    ("Form-Fitting Body Armor 2", 250),
    ("Form-Fitting Body Armor 3", 500),
    ("Helmet", 200),
    ("Forearm Guards", 250),
    ("Large Riot Shield", 1_500),
    ("Knife", 30),
    ("Sword", 500),
    ("Katana", 1_000),
    ("Pole Arm", 500),
    ("Staff", 50),
    ("Club", 10),
    ("Stun Baton", 750),
    ("Monowhip", 3_000),
    ("Regular Rounds", 20),
    ("Explosive Rounds", 50),
    ("Gel Rounds", 30),
    ("Flechette Rounds", 100),
    ("Offensive Grenade", 30),
    ("Defensive Grenade", 30),
    ("Concussion Grenade", 30),
    ("Westwind", 100_000),
    ("Bulldog", 35_000),
    ("Dodge Scoot", 2_000),
    ("Harley Scorpion", 15_000),
    ("Ford Americar", 20_000),
    ("Chrysler-Nissan Jackrabbit", 15_000),
];

/// The unverified price of a thing, if the list has one.
pub fn price(name: &str) -> Option<u32> {
    PRICES.iter().find(|(thing, _)| same_name(thing, name)).map(|(_, nuyen)| *nuyen)
}

#[cfg(test)]
mod tests {
    use super::super::{armor, melee, weapons};
    use super::*;

    #[test]
    fn every_price_is_that_of_a_thing_in_a_catalogue() {
        for (name, _) in PRICES {
            let listed = weapons::find_weapon(name).is_ok()
                || armor::find_armor(name).is_ok()
                || melee::find_melee_weapon(name).is_ok()
                || find_vehicle(name).is_ok()
                || ROUNDS.iter().any(|(rounds, _)| rounds == name)
                || GRENADES.iter().any(|(grenade, ..)| grenade == name);
            assert!(listed, "{name}");
        }
    }

    #[test]
    fn ware_is_found_with_its_rating() {
        assert_eq!(find_implant("wired reflexes 2").unwrap().modifiers[0], ("reaction", 4));
        assert_eq!(find_implant("Wired Reflexes 9").unwrap_err().nearest[0], "Wired Reflexes 1");
    }
}
