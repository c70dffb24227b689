//! Vehicles: position tests, crashes, damage, a rigger's initiative.
//!
//! Source: *Shadowrun, Second Edition*, "Vehicles and Drones".

use serde::Serialize;

use super::condition::Level;
use super::damage::DamageCode;
use super::modifier::{Modifier, TargetNumber};

/// Ground a vehicle moves over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Terrain {
    /// Open.
    Open,
    /// Normal.
    Normal,
    /// Restricted.
    Restricted,
    /// Tight.
    Tight,
}

impl Terrain {
    /// Added to the target number of a position test.
    pub fn modifier(self) -> i32 {
        match self {
            Terrain::Open => 0,
            Terrain::Normal => 1,
            Terrain::Restricted => 2,
            Terrain::Tight => 4,
        }
    }
}

/// The position test: vehicle skill and Control Pool dice against Handling and the terrain.
pub fn position_test(handling: u32, terrain: Terrain) -> TargetNumber {
    let terrain = Modifier::new("terrain", terrain.modifier(), format!("{terrain:?} terrain").to_lowercase());
    TargetNumber::new(i32::try_from(handling).unwrap_or(i32::MAX), "Handling", vec![terrain])
}

/// The damage of a crash at this speed in metres a turn: the level goes by it, and the Power is a tenth of the vehicle's
/// cruise rating, or of the speed where that rating is not known.
pub fn crash_damage(speed: u32, cruise: Option<u32>) -> Option<DamageCode> {
    let level = match speed {
        0 => return None,
        1..=20 => Level::Light,
        21..=60 => Level::Moderate,
        61..=200 => Level::Serious,
        201.. => Level::Deadly,
    };
    Some(DamageCode::physical(i32::try_from(cruise.unwrap_or(speed) / 10).unwrap_or(i32::MAX), level))
}

/// The test with which a vehicle resists damage: Body dice against Power less armor. Our reading.
pub fn resistance(damage: DamageCode, armor: u32) -> TargetNumber {
    let armor = Modifier::new("armor", -i32::try_from(armor).unwrap_or(i32::MAX), "the vehicle's armor");
    let modifiers = if armor.value == 0 { Vec::new() } else { vec![armor] };
    TargetNumber::new(damage.power, format!("Power of {damage}"), modifiers)
}

/// The condition of a vehicle with so many boxes of its monitor filled.
pub fn condition(boxes: u32) -> &'static str {
    match Level::of_boxes(boxes) {
        None => "sound",
        Some(Level::Light) => "lightly damaged",
        Some(Level::Moderate) => "moderately damaged",
        Some(Level::Serious) => "seriously damaged",
        Some(Level::Deadly) => "wrecked",
    }
}

/// A rigger's Reaction and initiative dice: only the vehicle control rig adds to them, 2 and 1 a level.
pub fn rigger_initiative(natural_reaction: u32, rig_level: u32) -> (u32, u32) {
    (natural_reaction.saturating_add(rig_level.saturating_mul(2)), rig_level.saturating_add(1))
}

/// Kilometres an hour of a speed in metres a turn of three seconds.
pub fn kilometres_per_hour(speed: u32) -> f64 {
    f64::from(speed) * 1.2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_as_bad_as_it_is_fast() {
        let code = |speed, cruise| crash_damage(speed, cruise).map(|damage| damage.to_string());
        assert_eq!(code(210, None).as_deref(), Some("21D"));
        assert_eq!(code(60, None).as_deref(), Some("6M"));
        assert_eq!(code(201, Some(70)).as_deref(), Some("7D"));
        assert_eq!(code(0, Some(70)), None);
    }

    #[test]
    fn a_vehicle_resists_power_less_its_armor() {
        assert_eq!(resistance(DamageCode::physical(10, Level::Serious), 4).target_number, 6);
        assert_eq!(resistance(DamageCode::physical(3, Level::Serious), 8).target_number, 2);
        assert_eq!([0, 1, 3, 6, 10].map(condition)[3], "seriously damaged");
    }

    #[test]
    fn tight_ground_makes_driving_harder() {
        assert_eq!(position_test(3, Terrain::Tight).target_number, 7);
    }

    #[test]
    fn only_the_rig_adds_to_a_riggers_initiative() {
        assert_eq!(rigger_initiative(5, 2), (9, 3));
    }
}
