//! Dice pools: their size, and how many of their dice one test may use.
//!
//! Source: *Shadowrun, Second Edition*, "Dice Pools".

use serde::Serialize;

use super::modifier::DicePool;

/// More pool dice than the test allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{asked} dice of the {pool} are too many: at most {allowed} ({reason})")]
pub struct PoolError {
    /// Which pool.
    pub pool: &'static str,
    /// Dice asked for.
    pub asked: u32,
    /// Dice allowed.
    pub allowed: u32,
    /// What sets the limit.
    pub reason: String,
}

/// How many dice of a pool one test may use, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolLimit {
    /// Which pool.
    pub pool: &'static str,
    /// Most dice of it.
    pub dice: u32,
    /// What sets the limit.
    pub reason: String,
}

impl PoolLimit {
    fn new(pool: &'static str, available: u32, cap: Option<(u32, &str)>) -> Self {
        match cap {
            Some((cap, name)) if cap < available => Self { pool, dice: cap, reason: format!("{name} {cap}") },
            _ => Self { pool, dice: available, reason: format!("{available} left in the pool") },
        }
    }

    /// Accepts a number of dice within the limit.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if they are more.
    pub fn check(&self, asked: u32) -> Result<u32, PoolError> {
        if asked > self.dice {
            let reason = self.reason.clone();
            return Err(PoolError { pool: self.pool, asked, allowed: self.dice, reason });
        }
        Ok(asked)
    }
}

/// Combat Pool: half the sum of Quickness, Intelligence and Willpower, rounded down; current ratings.
pub fn combat_pool(quickness: u32, intelligence: u32, willpower: u32) -> u32 {
    ((u64::from(quickness) + u64::from(intelligence) + u64::from(willpower)) / 2) as u32
}

/// Combat Pool in heavy armor: a die less for each point by which its ballistic rating exceeds Quickness.
pub fn combat_pool_in_armor(pool: u32, heavy_armor_ballistic: u32, quickness: u32) -> u32 {
    pool.saturating_sub(heavy_armor_ballistic.saturating_sub(quickness))
}

/// Combat Pool dice for an attack: at most the skill used.
pub fn combat_pool_for_attack(available: u32, skill: u32) -> PoolLimit {
    PoolLimit::new("Combat Pool", available, Some((skill, "the skill's rating")))
}

/// Combat Pool dice to resist damage: all that are left.
pub fn combat_pool_for_resistance(available: u32) -> PoolLimit {
    PoolLimit::new("Combat Pool", available, None)
}

/// Magic Pool: Sorcery and the ratings of active power foci. Totem dice count for their spells only.
pub fn magic_pool(sorcery: u32, power_foci: u32) -> DicePool {
    DicePool::new([("Sorcery", to_dice(sorcery)), ("power focus", to_dice(power_foci))])
}

/// Magic Pool dice for a spell's success: at most Magic.
pub fn magic_pool_for_success(available: u32, magic: u32) -> PoolLimit {
    PoolLimit::new("Magic Pool", available, Some((magic, "the caster's Magic")))
}

/// Magic Pool dice to resist drain: all that are left.
pub fn magic_pool_for_drain(available: u32) -> PoolLimit {
    PoolLimit::new("Magic Pool", available, None)
}

/// Reaction a point of a deck's response increase gives, in the matrix only.
pub const RESPONSE_REACTION: u32 = 2;

/// Hacking Pool: Computer skill and Reaction, which only the deck's response increase may have raised.
pub fn hacking_pool(computer: u32, reaction: u32) -> DicePool {
    DicePool::new([("Computer", to_dice(computer)), ("Reaction", to_dice(reaction))])
}

/// Hacking Pool dice for one test: at most the rating of the program or the MPCP in use.
pub fn hacking_pool_for_test(available: u32, program: u32) -> PoolLimit {
    PoolLimit::new("Hacking Pool", available, Some((program, "the program's rating")))
}

/// Reaction a level of the vehicle control rig gives.
const RIG_REACTION: u32 = 2;

/// Control Pool: none without a vehicle control rig; else Reaction and two for each of its levels.
///
/// `reaction` has no bonus but the rig's, which is not yet in it.
pub fn control_pool(reaction: u32, rig_level: u32) -> DicePool {
    if rig_level == 0 {
        return DicePool::new([]);
    }
    let rig = rig_level.saturating_mul(RIG_REACTION);
    DicePool::new([("Reaction", to_dice(reaction)), ("vehicle control rig", to_dice(rig))])
}

/// Control Pool dice for one test: at most the skill used.
pub fn control_pool_for_test(available: u32, skill: u32) -> PoolLimit {
    PoolLimit::new("Control Pool", available, Some((skill, "the skill's rating")))
}

fn to_dice(rating: u32) -> i32 {
    i32::try_from(rating).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_have_the_combat_pools_of_the_rule() {
        assert_eq!(combat_pool(15, 12, 9), 18);
        assert_eq!(combat_pool(4, 9, 6), 9);
        assert_eq!(combat_pool(2, 5, 5), 6);
    }

    #[test]
    fn heavy_armor_costs_the_excess_over_quickness() {
        assert_eq!(combat_pool_in_armor(8, 8, 5), 5);
        assert_eq!(combat_pool_in_armor(2, 8, 1), 0);
    }

    #[test]
    fn an_attack_takes_no_more_pool_dice_than_skill() {
        let limit = combat_pool_for_attack(9, 5);
        assert_eq!(limit.check(5), Ok(5));
        let refusal = limit.check(6).unwrap_err().to_string();
        assert_eq!(refusal, "6 dice of the Combat Pool are too many: at most 5 (the skill's rating 5)");
        let refusal = combat_pool_for_attack(3, 5).check(4).unwrap_err().to_string();
        assert_eq!(refusal, "4 dice of the Combat Pool are too many: at most 3 (3 left in the pool)");
    }

    #[test]
    fn no_rig_is_no_control_pool() {
        assert_eq!(control_pool(5, 0).total, 0);
        assert_eq!(control_pool(5, 2).total, 9);
    }
}
