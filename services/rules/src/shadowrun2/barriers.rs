//! Barriers: breaking them, and firing through them.
//!
//! Source: *Shadowrun, Second Edition*, "Barriers".

use serde::Serialize;

use super::damage::resistance_target_number;
use crate::UnknownName;
use crate::names::same_name;

/// Materials and their plain ratings.
pub const BARRIERS: &[(&str, u32)] = &[
    ("glass", 2),
    ("cheap material", 3),
    ("average material", 4),
    ("ballistic glass", 4),
    ("heavy material", 6),
    ("armored glass", 8),
    ("structural material", 12),
    ("heavy structural material", 16),
    ("armored material", 24),
    ("hardened material", 32),
];

/// The plain rating of a material.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn barrier_rating(material: &str) -> Result<u32, UnknownName> {
    let row = BARRIERS.iter().find(|(name, _)| same_name(name, material));
    row.map(|(_, rating)| *rating)
        .ok_or_else(|| UnknownName::new("barrier", material, BARRIERS.iter().map(|(name, _)| *name)))
}

/// How a barrier is attacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strike {
    /// Shots, grenade blasts, melee, combat spells: the rating counts twice.
    Blow,
    /// Placed charges and damaging manipulations: the plain rating.
    Placed,
}

/// The rating to break, doubled where it must be; a security door doubles its material first.
pub fn adjusted_rating(rating: u32, strike: Strike, security_door: bool) -> u32 {
    let rating = if security_door { rating.saturating_mul(2) } else { rating };
    match strike {
        Strike::Blow => rating.saturating_mul(2),
        Strike::Placed => rating,
    }
}

/// What a blow does to a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BarrierDamage {
    /// Nothing.
    None,
    /// It holds, weakened by a point.
    Weakened,
    /// It gives way.
    Broken {
        /// How wide the hole is: half metres.
        half_metres: u32,
        /// Points of rating it loses.
        rating_lost: u32,
    },
}

/// A blow of this Power (of the base round, without burst) on an adjusted rating.
///
/// Below half nothing; from half up to the rating it loses a point; above, every full half of the rating in excess
/// makes a hole half a metre wider and costs a point.
pub fn break_barrier(adjusted_rating: u32, power: u32) -> BarrierDamage {
    let (rating, power) = (u64::from(adjusted_rating), u64::from(power));
    if power * 2 < rating {
        return BarrierDamage::None;
    }
    let excess = power.saturating_sub(rating);
    match (excess * 2).checked_div(rating).map(|halves| halves as u32) {
        Some(0) => BarrierDamage::Weakened,
        Some(halves) => BarrierDamage::Broken { half_metres: halves, rating_lost: halves },
        None => BarrierDamage::None,
    }
}

/// A shot through a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ShotThrough {
    /// Taken off the Power: the plain rating and the target's armor.
    pub power_reduction: u32,
    /// Target number of the resistance test; `None` if the barrier stops the shot, its rating being above the Power.
    pub resist_tn: Option<u32>,
}

/// Firing through a barrier of this plain rating at someone with this armor of the fitting kind.
///
/// Explosive and flechette rounds and edged weapons meet twice the rating (`doubled`).
pub fn fire_through(rating: u32, armor: u32, power: u32, doubled: bool) -> ShotThrough {
    let rating = if doubled { rating.saturating_mul(2) } else { rating };
    let power_reduction = rating.saturating_add(armor);
    let stopped = rating > power;
    let power = i32::try_from(power).unwrap_or(i32::MAX);
    ShotThrough { power_reduction, resist_tn: (!stopped).then(|| resistance_target_number(power, power_reduction)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_barrier_weakens_from_half_its_rating_to_all_of_it() {
        assert_eq!(break_barrier(12, 5), BarrierDamage::None);
        assert_eq!(break_barrier(12, 6), BarrierDamage::Weakened);
        assert_eq!(break_barrier(12, 17), BarrierDamage::Weakened);
    }

    #[test]
    fn every_half_in_excess_widens_the_hole() {
        assert_eq!(break_barrier(12, 18), BarrierDamage::Broken { half_metres: 1, rating_lost: 1 });
        assert_eq!(break_barrier(4, 10), BarrierDamage::Broken { half_metres: 3, rating_lost: 3 });
        assert_eq!(break_barrier(0, 10), BarrierDamage::None);
    }

    #[test]
    fn a_strong_barrier_stops_the_shot() {
        assert_eq!(fire_through(4, 3, 9, false), ShotThrough { power_reduction: 7, resist_tn: Some(2) });
        assert_eq!(fire_through(12, 0, 9, false).resist_tn, None);
        assert_eq!(fire_through(4, 0, 9, true), ShotThrough { power_reduction: 8, resist_tn: Some(2) });
    }

    #[test]
    fn ratings_count_twice_against_blows() {
        assert_eq!(adjusted_rating(barrier_rating("Glass").unwrap(), Strike::Blow, false), 4);
        assert_eq!(adjusted_rating(4, Strike::Blow, true), 16);
        assert_eq!(adjusted_rating(4, Strike::Placed, false), 4);
    }
}
