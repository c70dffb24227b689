//! Battle dice: what they must reach, how many are rolled, and the Leader re-roll.
//!
//! Source: *War of the Ring, Second Edition*, "Battles". The roll and re-roll come before casualties.

use serde::Serialize;

use super::RollError;

/// Most dice in a roll or a re-roll, and the most Leadership that counts.
pub const MAX_BATTLE_DICE: u32 = 5;

/// Where a battle is fought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Battlefield {
    /// Open ground, a sortie, or a field battle at a Stronghold.
    Open,
    /// A City or a Fortification.
    Fortified,
    /// Against a besieged Stronghold.
    Siege,
}

/// What each die must reach: (attacker, defender), in a round counted from 1.
pub fn targets(battlefield: Battlefield, round: u32) -> (u32, u32) {
    match battlefield {
        Battlefield::Open => (5, 5),
        Battlefield::Fortified if round <= 1 => (6, 5),
        Battlefield::Fortified => (5, 5),
        Battlefield::Siege => (6, 5),
    }
}

/// Dice an army rolls: one for each unit and each Captain with it, at most five.
pub fn battle_dice(units: u32, captains: u32) -> u32 {
    if units == 0 { 0 } else { units.saturating_add(captains).min(MAX_BATTLE_DICE) }
}

/// A die of a battle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BattleDie {
    /// What it showed.
    pub face: u32,
    /// What it showed when a Leader rolled it again, if one did.
    pub rerolled: Option<u32>,
    /// Whether it hit in the end.
    pub hit: bool,
}

/// One side's roll of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BattleRoll {
    /// What a die had to reach, with modifiers.
    pub target: u32,
    /// Every die.
    pub dice: Vec<BattleDie>,
    /// Hits of the first roll.
    pub hits_before_reroll: u32,
    /// Hits in the end.
    pub hits: u32,
}

/// Whether a face hits: 1 never, 6 always, else if it reaches the target with its modifier.
pub fn hits(face: u32, target: u32, modifier: i32) -> bool {
    match face {
        0 | 1 => false,
        6.. => true,
        _ => i64::from(face) + i64::from(modifier) >= i64::from(target),
    }
}

/// Rolls one side's battle dice and then, once, as many failed ones again as it has Leadership.
///
/// `target` is what a die must reach (see [`targets`]); `modifier` is added to each die. `d6` yields 1 to 6 a call.
///
/// # Errors
///
/// [`RollError`] for more than five dice, or a target outside 2 to 6.
pub fn roll_battle(
    dice: u32,
    target: u32,
    modifier: i32,
    leadership: u32,
    mut d6: impl FnMut() -> u32,
) -> Result<BattleRoll, RollError> {
    if dice > MAX_BATTLE_DICE {
        return Err(RollError::TooMany { what: "battle dice", dice, most: MAX_BATTLE_DICE });
    }
    if !(2..=6).contains(&target) {
        return Err(RollError::Target(target));
    }
    let mut throw = || {
        let face = d6();
        (face, hits(face, target, modifier))
    };
    let mut rolled = Vec::new();
    for _ in 0..dice {
        let (face, hit) = throw();
        rolled.push(BattleDie { face, rerolled: None, hit });
    }
    let count = |dice: &[BattleDie]| dice.iter().filter(|die| die.hit).count() as u32;
    let hits_before_reroll = count(&rolled);
    let rerolls = leadership.min(MAX_BATTLE_DICE) as usize;
    for die in rolled.iter_mut().filter(|die| !die.hit).take(rerolls) {
        let (face, hit) = throw();
        die.rerolled = Some(face);
        die.hit = hit;
    }
    let hits = count(&rolled);
    Ok(BattleRoll { target, dice: rolled, hits_before_reroll, hits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(faces: &[u32], dice: u32, target: u32, modifier: i32, leadership: u32, expected: (u32, u32)) {
        let mut next = faces.iter().copied();
        let roll = roll_battle(dice, target, modifier, leadership, || next.next().unwrap()).unwrap();
        assert_eq!((roll.hits_before_reroll, roll.hits), expected);
        assert_eq!(next.next(), None, "a face was not used");
    }

    #[test]
    fn leaders_roll_only_failed_dice_again() {
        check(&[5, 4, 1, 6], 3, 5, 0, 1, (1, 2));
        check(&[5, 6], 2, 5, 0, 5, (2, 2));
    }

    #[test]
    fn a_one_misses_and_a_six_hits_whatever_the_modifier() {
        check(&[1, 6], 2, 5, 5, 0, (1, 1));
        check(&[1, 6, 4], 3, 5, -5, 0, (1, 1));
        check(&[4], 1, 5, 1, 0, (1, 1));
    }

    #[test]
    fn walls_help_in_the_first_round_and_a_stronghold_in_all() {
        assert_eq!(targets(Battlefield::Fortified, 1), (6, 5));
        assert_eq!(targets(Battlefield::Fortified, 2), (5, 5));
        assert_eq!(targets(Battlefield::Siege, 3), (6, 5));
        assert_eq!(targets(Battlefield::Open, 1), (5, 5));
    }

    #[test]
    fn captains_count_up_to_five_dice_and_not_alone() {
        assert_eq!(battle_dice(3, 1), 4);
        assert_eq!(battle_dice(5, 2), 5);
        assert_eq!(battle_dice(0, 2), 0);
    }

    #[test]
    fn a_roll_is_bounded() {
        assert!(roll_battle(6, 5, 0, 0, || 1).is_err());
        assert!(roll_battle(1, 7, 0, 0, || 1).is_err());
    }
}
