//! Conjuring: calling spirits, and its drain.
//!
//! Source: *Shadowrun, Second Edition*, "Conjuring". The Magic Pool never helps.

use serde::Serialize;

use super::condition::Level;
use super::magic::DamageType;
use super::modifier::{TargetNumber, floored};

/// Nuyen of material a point of an elemental's Force.
pub const ELEMENTAL_NUYEN_PER_FORCE: u32 = 1000;

/// The conjuring test: Conjuring dice against the Force; each success is a service.
pub fn conjuring_test(spirit_force: u32) -> TargetNumber {
    TargetNumber::new(i32::try_from(spirit_force).unwrap_or(i32::MAX), "the spirit's Force", Vec::new())
}

/// The drain of calling a spirit, resisted with Charisma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ConjuringDrain {
    /// What Charisma dice must reach.
    pub target_number: u32,
    /// Level before resistance.
    pub level: Level,
    /// Stun, or Physical for a Force above Charisma.
    pub damage_type: DamageType,
}

/// Drain by how the spirit's Force compares with Charisma: below half Light Stun, up to it Moderate Stun, up to
/// twice it Serious Physical, beyond Deadly Physical.
pub fn conjuring_drain(charisma: u32, spirit_force: u32) -> ConjuringDrain {
    let (whole, force) = (u64::from(charisma), u64::from(spirit_force));
    let (level, damage_type) = if 2 * force < whole {
        (Level::Light, DamageType::Stun)
    } else if force <= whole {
        (Level::Moderate, DamageType::Stun)
    } else if force <= 2 * whole {
        (Level::Serious, DamageType::Physical)
    } else {
        (Level::Deadly, DamageType::Physical)
    };
    let target_number = floored(i32::try_from(spirit_force).unwrap_or(i32::MAX));
    ConjuringDrain { target_number, level, damage_type }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_half_of_charisma_is_moderate() {
        assert_eq!(conjuring_drain(6, 3).level, Level::Moderate);
        assert_eq!(conjuring_drain(5, 2).level, Level::Light);
        assert_eq!(conjuring_drain(6, 12).level, Level::Serious);
        assert_eq!(conjuring_drain(6, 13).level, Level::Deadly);
    }
}
