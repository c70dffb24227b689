//! Healing: by oneself, by first aid, by time, by spells.
//!
//! Source: *Shadowrun, Second Edition*, "Healing", "First Aid".

use std::fmt;

use serde::Serialize;

use super::condition::Level;
use super::modifier::{Modifier, TargetNumber};
use super::spells::less_essence;
use super::success_test::task_time;

/// Minutes to recover a box of Stun, divided by the successes.
pub const STUN_BASE_MINUTES: u64 = 60;

/// The test to recover from Stun: Body or Willpower dice, whichever are more; wounds add to it.
pub fn stun_recovery(wounds: Vec<Modifier>) -> TargetNumber {
    TargetNumber::new(2, "recovering from Stun", wounds)
}

/// First aid for a wound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstAid {
    /// The Biotech test; one level is healed, within an hour of the wound.
    pub target: TargetNumber,
    /// Minutes it takes, divided by the successes. `None` for a Deadly wound: it is only stabilised, and how long
    /// that takes is the game master's.
    pub minutes: Option<u32>,
}

/// Circumstances of first aid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirstAidSituation {
    /// The patient's Body; 4 and more help.
    pub body: u32,
    /// Whether the patient is a magician.
    pub magician: bool,
    /// Whether no medkit is at hand.
    pub no_medkit: bool,
}

/// First aid with its modifiers.
pub fn first_aid(wound: Level, situation: FirstAidSituation) -> FirstAid {
    let (base, minutes) = match wound {
        Level::Light => (4, Some(10)),
        Level::Moderate => (6, Some(20)),
        Level::Serious => (8, Some(30)),
        Level::Deadly => (10, None),
    };
    let mut modifiers = Vec::new();
    let body = match situation.body {
        0..=3 => 0,
        4..=6 => -1,
        7..=9 => -2,
        10.. => -3,
    };
    if body != 0 {
        modifiers.push(Modifier::new("body", body, format!("the patient's Body of {}", situation.body)));
    }
    if situation.magician {
        modifiers.push(Modifier::new("magician", 2, "the patient is a magician"));
    }
    if situation.no_medkit {
        modifiers.push(Modifier::new("no_medkit", 4, "no medkit"));
    }
    FirstAid { target: TargetNumber::new(base, format!("{wound} wound"), modifiers), minutes }
}

/// The Body test to heal without any help; `None` for a Deadly wound, which does not.
pub fn unaided_target_number(wound: Level) -> Option<u32> {
    match wound {
        Level::Light => Some(2),
        Level::Moderate => Some(4),
        Level::Serious => Some(6),
        Level::Deadly => None,
    }
}

/// A span of time in days or hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Days.
    Days(u32),
    /// Hours.
    Hours(u32),
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Span::Days(days) => (*days, "day"),
            Span::Hours(hours) => (*hours, "hour"),
        };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

/// Healing by time, one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HealingStage {
    /// What Body dice must reach.
    pub target_number: u32,
    /// Time, divided by the successes.
    pub base_time: Span,
    /// Least time it takes.
    pub minimum_time: Span,
}

/// How a wound of this level heals with time.
pub fn healing_stage(wound: Level) -> HealingStage {
    let (target_number, base_time, minimum_time) = match wound {
        Level::Deadly => (10, Span::Days(30), Span::Days(3)),
        Level::Serious => (8, Span::Days(20), Span::Days(2)),
        Level::Moderate => (6, Span::Days(10), Span::Days(1)),
        Level::Light => (4, Span::Hours(24), Span::Hours(2)),
    };
    HealingStage { target_number, base_time, minimum_time }
}

/// How long a wound takes with so many successes, in the unit of its base time; `None` without a success.
pub fn healing_time(stage: HealingStage, successes: u64) -> Option<Span> {
    let divided = |base: u32| task_time(u64::from(base), successes).map(|time| time as u32);
    Some(match (stage.base_time, stage.minimum_time) {
        (Span::Days(base), Span::Days(least)) => Span::Days(divided(base)?.max(least)),
        (Span::Hours(base), Span::Hours(least)) => Span::Hours(divided(base)?.max(least)),
        (base, _) => base,
    })
}

/// The spells that close wounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealingSpell {
    /// Within an hour of the wound: 8 less Essence.
    Treat,
    /// At any time: 10 less Essence.
    Heal,
}

/// The target number of a healing spell; a fraction of Essence is rounded up against the caster.
pub fn healing_spell(spell: HealingSpell, essence: f64) -> TargetNumber {
    let from = match spell {
        HealingSpell::Treat => 8,
        HealingSpell::Heal => 10,
    };
    TargetNumber::new(less_essence(from, essence) as i32, format!("{from} less the patient's Essence"), Vec::new())
}

/// Turns a permanent health spell must be held, divided by the successes kept for speed.
pub fn holding_turns(wound: Level) -> u32 {
    match wound {
        Level::Light => 5,
        Level::Moderate => 10,
        Level::Serious => 15,
        Level::Deadly => 20,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circumstances_change_first_aid() {
        let situation = FirstAidSituation { body: 7, magician: true, no_medkit: true };
        assert_eq!(first_aid(Level::Moderate, situation).target.target_number, 10);
        assert_eq!(first_aid(Level::Deadly, FirstAidSituation::default()).minutes, None);
    }

    #[test]
    fn time_divides_by_successes_down_to_its_minimum() {
        assert_eq!(healing_time(healing_stage(Level::Serious), 3), Some(Span::Days(7)));
        assert_eq!(healing_time(healing_stage(Level::Serious), 100), Some(Span::Days(2)));
        assert_eq!(healing_time(healing_stage(Level::Light), 0), None);
    }

    #[test]
    fn spans_are_written_in_words() {
        let stage = healing_stage(Level::Moderate);
        assert_eq!((stage.base_time.to_string(), stage.minimum_time.to_string()), ("10 days".into(), "1 day".into()));
    }

    #[test]
    fn a_fraction_of_essence_counts_against_the_healer() {
        assert_eq!(healing_spell(HealingSpell::Heal, 2.55).target_number, 8);
        assert_eq!(healing_spell(HealingSpell::Treat, 6.0).target_number, 2);
    }
}
