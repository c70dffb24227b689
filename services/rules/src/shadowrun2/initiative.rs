//! Reaction, initiative, the phases of a turn, surprise.
//!
//! Source: *Shadowrun, Second Edition*, "Initiative", "The Combat Turn", "Surprise".

use std::cmp::Ordering;

use serde::Serialize;

use super::condition::{Incapacitated, Wounds};
use super::modifier::{Modifier, TargetNumber};

/// Phases between two actions of the same character.
pub const PHASES_BETWEEN_ACTIONS: u32 = 10;
/// Largest initiative total phases are listed for. Ours; it bounds the length of the list.
pub const MAX_INITIATIVE: u32 = 1000;
/// Most initiative dice accepted. Ours.
pub const MAX_INITIATIVE_DICE: u32 = 20;
/// Phases without any action for someone who is surprised by all and surprises none.
pub const SURPRISED_PHASES: u32 = 10;

/// Natural Reaction: the mean of Quickness and Intelligence, rounded down.
pub fn reaction(quickness: u32, intelligence: u32) -> u32 {
    ((u64::from(quickness) + u64::from(intelligence)) / 2) as u32
}

/// An initiative roll that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InitiativeError {
    /// More dice than [`MAX_INITIATIVE_DICE`], or none.
    #[error("{0} initiative dice are outside 1..={MAX_INITIATIVE_DICE}")]
    Dice(u32),
    /// More Reaction than [`MAX_INITIATIVE`].
    #[error("a Reaction of {0} is above {MAX_INITIATIVE}")]
    Reaction(u32),
    /// A full track.
    #[error(transparent)]
    Incapacitated(#[from] Incapacitated),
}

/// An initiative roll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Initiative {
    /// Reaction with its bonuses, before wounds.
    pub reaction: u32,
    /// What wounds take off Reaction.
    pub modifiers: Vec<Modifier>,
    /// Reaction after wounds.
    pub adjusted_reaction: i32,
    /// Faces of the dice; sixes are not rolled again.
    pub dice: Vec<u32>,
    /// Adjusted Reaction and faces; 0 if the adjusted Reaction is 0 or less, and there is no action then.
    pub total: u32,
    /// Phases in which the character acts, highest first.
    pub phases: Vec<u32>,
}

/// Rolls initiative: Reaction, less what wounds take off it, and the sum of the dice.
///
/// # Errors
///
/// [`InitiativeError`] if dice or Reaction are out of bounds, or a track of the condition monitor is full.
pub fn initiative(
    reaction: u32,
    dice: u32,
    wounds: Wounds,
    mut d6: impl FnMut() -> u32,
) -> Result<Initiative, InitiativeError> {
    if !(1..=MAX_INITIATIVE_DICE).contains(&dice) {
        return Err(InitiativeError::Dice(dice));
    }
    if reaction > MAX_INITIATIVE {
        return Err(InitiativeError::Reaction(reaction));
    }
    let mut modifiers = wounds.modifiers()?;
    for modifier in &mut modifiers {
        modifier.value = -modifier.value;
    }
    let adjusted_reaction = reaction as i32 + modifiers.iter().map(|modifier| modifier.value).sum::<i32>();
    let dice: Vec<u32> = (0..dice).map(|_| d6()).collect();
    let total = match u32::try_from(adjusted_reaction) {
        Ok(reaction @ 1..) => reaction + dice.iter().sum::<u32>(),
        _ => 0,
    };
    Ok(Initiative { reaction, modifiers, adjusted_reaction, dice, total, phases: phases(total) })
}

/// The phases in which someone with this total acts: the total, and every ten below it while above 0.
///
/// Totals above [`MAX_INITIATIVE`] are read as that.
pub fn phases(total: u32) -> Vec<u32> {
    let mut phases = Vec::new();
    let mut phase = total.min(MAX_INITIATIVE);
    while phase > 0 {
        phases.push(phase);
        phase = phase.saturating_sub(PHASES_BETWEEN_ACTIONS);
    }
    phases
}

/// What decides who is faster at the same phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Speed {
    /// Initiative total.
    pub total: i64,
    /// Reaction with bonuses and wounds.
    pub adjusted_reaction: i64,
    /// Natural Reaction.
    pub natural_reaction: i64,
}

impl Speed {
    /// The faster is greater: by total, then adjusted, then natural Reaction. Equal ones act at the same time.
    pub fn compare(&self, other: &Self) -> Ordering {
        let key = |speed: &Self| (speed.total, speed.adjusted_reaction, speed.natural_reaction);
        key(self).cmp(&key(other))
    }
}

/// The Reaction test for surprise: 4, or 2 for someone who lay in wait with a delayed action.
pub fn surprise_target_number(lay_in_wait: bool) -> TargetNumber {
    if lay_in_wait {
        TargetNumber::new(2, "ambusher with a delayed action", Vec::new())
    } else {
        TargetNumber::new(4, "surprise", Vec::new())
    }
}

/// What a character may do after the surprise tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SurpriseOutcome {
    /// Indices of the opponents he may act against: those with fewer successes than he.
    pub may_act_against: Vec<usize>,
    /// Whether he has no action at all, not even a free one, for [`SURPRISED_PHASES`]: he beat nobody, and somebody
    /// beat him.
    pub surprised: bool,
}

/// Compares the successes of one surprise test with those of his opponents.
pub fn surprise_outcome(successes: u32, opponents: &[u32]) -> SurpriseOutcome {
    let beaten = opponents.iter().enumerate().filter(|(_, theirs)| successes > **theirs);
    let may_act_against: Vec<usize> = beaten.map(|(index, _)| index).collect();
    let surprised = may_act_against.is_empty() && opponents.iter().any(|theirs| *theirs > successes);
    SurpriseOutcome { may_act_against, surprised }
}

/// A decker's Reaction and initiative dice in the Matrix: the deck's response increase adds 2 and 1 a level.
pub fn matrix_initiative(reaction: u32, response_increase: u32) -> (u32, u32) {
    let raised = response_increase.saturating_mul(super::pools::RESPONSE_REACTION);
    (reaction.saturating_add(raised), response_increase.saturating_add(1))
}

/// The next action after a delayed one: ten phases after its trigger, but not before the new total allows. `None` if
/// there is none left in the turn.
pub fn action_after_delay(trigger_phase: u32, new_total: u32) -> Option<u32> {
    let next = trigger_phase.saturating_sub(PHASES_BETWEEN_ACTIONS).min(new_total);
    (next > 0).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadowrun2::condition::Level;

    #[test]
    fn actions_come_every_ten_phases() {
        assert_eq!(phases(40), [40, 30, 20, 10]);
        assert_eq!(phases(27), [27, 17, 7]);
        assert_eq!(phases(8), [8]);
        assert!(phases(0).is_empty());
        assert_eq!(phases(u32::MAX).len(), 100);
    }

    #[test]
    fn wounds_slow_and_sixes_are_not_rolled_again() {
        let wounds = Wounds { physical: Some(Level::Moderate), stun: Some(Level::Light) };
        let roll = initiative(7, 2, wounds, || 6).unwrap();
        assert_eq!((roll.adjusted_reaction, roll.total), (4, 16));
        assert_eq!(roll.phases, [16, 6]);
    }

    #[test]
    fn whoever_beats_nobody_and_is_beaten_is_surprised() {
        let outcome = surprise_outcome(2, &[1, 2, 3]);
        assert_eq!(outcome, SurpriseOutcome { may_act_against: vec![0], surprised: false });
        assert!(surprise_outcome(1, &[1, 2]).surprised);
        assert!(!surprise_outcome(1, &[1]).surprised);
    }

    #[test]
    fn a_delayed_action_moves_the_next_one() {
        assert_eq!(action_after_delay(15, 20), Some(5));
        assert_eq!(action_after_delay(15, 3), Some(3));
        assert_eq!(action_after_delay(9, 20), None);
    }

    #[test]
    fn no_reaction_left_is_no_action() {
        let wounds = Wounds { physical: Some(Level::Serious), stun: None };
        let roll = initiative(3, 1, wounds, || 6).unwrap();
        assert_eq!((roll.total, roll.phases.len()), (0, 0));
    }
}
