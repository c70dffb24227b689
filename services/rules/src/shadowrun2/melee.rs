//! Melee: the target number, the exchange of blows, the weapons.
//!
//! Both sides roll their skill and Combat Pool dice against their own target number; who has more successes hits,
//! and a tie goes to the attacker.
//!
//! Source: *Shadowrun, Second Edition*, "Melee Combat", "Melee Modifiers Table".

use serde::Serialize;

use super::condition::{Incapacitated, Level, Wounds};
use super::damage::{DamageCode, SUCCESSES_PER_LEVEL};
use super::magic::SUSTAINING_MODIFIER;
use super::modifier::{Modifier, TargetNumber};
use super::visibility::{Visibility, Vision};
use crate::UnknownName;
use crate::names::same_name;

/// The target number before modifiers.
pub const BASE_TARGET_NUMBER: i32 = 4;
/// Most that numbers can count for or against a side.
pub const MAX_FRIENDS_MODIFIER: u32 = 4;

const SUPERIOR_POSITION_MODIFIER: i32 = -1;
const OPPONENT_PRONE_MODIFIER: i32 = -2;
const FURTHER_TARGET_MODIFIER: i32 = 2;
const SUBDUING_MODIFIER: i32 = 2;

/// Figures above this count as this. Ours; it keeps sums within bounds.
const MAX_POINTS: u32 = 1000;

/// What counts for the one who acts. The default is a plain duel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Situation {
    /// Own reach: weapon and race.
    pub reach: u32,
    /// The opponent's.
    pub opponent_reach: u32,
    /// Friends in the fight, the acting one not counted.
    pub friends: u32,
    /// The opponent's friends in the fight, he himself not counted.
    pub opponent_friends: u32,
    /// Whether he stands better.
    pub superior_position: bool,
    /// Whether the opponent lies on the ground.
    pub opponent_prone: bool,
    /// Opponents attacked before this one in the same action.
    pub further_targets: u32,
    /// Whether he wants to hold the opponent, not to hurt him.
    pub subduing: bool,
    /// His wounds.
    pub wounds: Wounds,
    /// Spells he sustains himself.
    pub sustained_spells: u32,
    /// His eyes.
    pub vision: Vision,
    /// Light, smoke and the like; the worst counts, at half but for full darkness.
    pub visibility: Vec<Visibility>,
    /// Whether a spot is called.
    pub called_shot: bool,
    /// What else counts.
    pub other: Vec<Modifier>,
}

/// The acting side's target number.
///
/// # Errors
///
/// [`Incapacitated`] if the one who acts is out of action.
pub fn melee_target_number(situation: &Situation) -> Result<TargetNumber, Incapacitated> {
    let mut modifiers = Vec::new();
    let mut add = |kind: &str, value: i32, explanation: String| {
        if value != 0 {
            modifiers.push(Modifier::new(kind, value, explanation));
        }
    };
    let surplus = points(situation.friends) - points(situation.opponent_friends);
    let most = MAX_FRIENDS_MODIFIER as i32;
    let (friends, opponents) = (situation.friends, situation.opponent_friends);
    add("friends_in_melee", -surplus.clamp(-most, most), format!("{friends} friends against {opponents}"));
    let (own, theirs) = (situation.reach, situation.opponent_reach);
    add("reach", points(theirs) - points(own), format!("reach {own} against {theirs}"));
    if situation.superior_position {
        add("superior_position", SUPERIOR_POSITION_MODIFIER, "superior position".to_owned());
    }
    if situation.opponent_prone {
        add("opponent_prone", OPPONENT_PRONE_MODIFIER, "the opponent is prone".to_owned());
    }
    let further = situation.further_targets;
    add("multiple_targets", points(further) * FURTHER_TARGET_MODIFIER, format!("opponents before this one: {further}"));
    if situation.subduing {
        add("subduing", SUBDUING_MODIFIER, "subduing".to_owned());
    }
    if situation.called_shot {
        add("called_shot", super::damage::CALLED_SHOT_MODIFIER, "called shot".to_owned());
    }
    if let Some((value, condition, sight)) = situation.vision.modifier(&situation.visibility) {
        let full = condition == Visibility::FullDarkness;
        let (value, share) = if full { (value, "") } else { (value / 2, ", half in melee") };
        add("visibility", value, format!("{}, {}{share}", condition.name(), sight.word()));
    }
    let sustained = situation.sustained_spells;
    add("sustained_spells", points(sustained) * SUSTAINING_MODIFIER, format!("sustains {sustained}"));
    modifiers.extend(situation.wounds.modifiers()?);
    modifiers.extend(situation.other.iter().cloned());
    Ok(TargetNumber::new(BASE_TARGET_NUMBER, "melee", modifiers))
}

fn points(count: u32) -> i32 {
    count.min(MAX_POINTS) as i32
}

/// Who hits in an exchange of blows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blow {
    /// The attacker hits, with so many net successes.
    Attacker(u32),
    /// The defender strikes back and hits, with so many net successes.
    Defender(u32),
    /// Nobody had a success.
    Nobody,
}

/// Compares the successes of both; a tie goes to the attacker.
pub fn blow(attacker_successes: u32, defender_successes: u32) -> Blow {
    match (attacker_successes, defender_successes) {
        (0, 0) => Blow::Nobody,
        (attacker, defender) if attacker >= defender => Blow::Attacker(attacker - defender),
        (attacker, defender) => Blow::Defender(defender - attacker),
    }
}

/// The level of a blow with so many net successes, before it is resisted: a level up per two.
pub fn blow_level(base: Level, net_successes: u32) -> Level {
    base.shifted(i64::from(net_successes) / SUCCESSES_PER_LEVEL).unwrap_or(base)
}

/// The wound of a blow with so many net successes after its victim's resistance, whose successes lower it a level per
/// two; `None` for no wound.
pub fn resisted_blow(base: Level, net_successes: u32, resisting_successes: u32) -> Option<Level> {
    blow_level(base, net_successes).shifted(-(i64::from(resisting_successes) / SUCCESSES_PER_LEVEL))
}

/// A melee weapon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MeleeWeapon {
    /// Its name.
    pub name: &'static str,
    /// Added to the wielder's Strength for its Power; `None` for a weapon with a Power of its own.
    pub strength_bonus: Option<i32>,
    /// Power of its own.
    pub power: i32,
    /// Level of its wounds.
    pub level: Level,
    /// Whether it stuns.
    pub stun: bool,
    /// Its reach.
    pub reach: u32,
    /// The skill that wields it.
    pub skill: &'static str,
}

const fn strength(name: &'static str, bonus: i32, level: Level, stun: bool, reach: u32) -> MeleeWeapon {
    MeleeWeapon { name, strength_bonus: Some(bonus), power: 0, level, stun, reach, skill: "Armed Combat" }
}

const fn powered(name: &'static str, power: i32, level: Level, stun: bool, reach: u32) -> MeleeWeapon {
    MeleeWeapon { name, strength_bonus: None, power, level, stun, reach, skill: "Armed Combat" }
}

/// Every melee weapon.
pub const MELEE_WEAPONS: &[MeleeWeapon] = &[
    strength("Knife", 0, Level::Light, false, 0),
    strength("Sword", 2, Level::Moderate, false, 1),
    strength("Katana", 3, Level::Moderate, false, 1),
    strength("Pole Arm", 3, Level::Serious, false, 2),
    strength("Staff", 2, Level::Moderate, true, 2),
    strength("Club", 1, Level::Moderate, true, 1),
    powered("Stun Baton", 6, Level::Serious, true, 0),
    powered("Monowhip", 10, Level::Serious, false, 2),
    strength("Spurs", 0, Level::Moderate, false, 0),
    strength("Hand Razors", 0, Level::Light, false, 0),
    MeleeWeapon { skill: "Unarmed Combat", ..strength("Unarmed", 0, Level::Moderate, true, 0) },
];

impl MeleeWeapon {
    /// The damage as tables write it: `(Str+3)M`, `6S Stun`.
    pub fn damage_text(&self) -> String {
        let power = match self.strength_bonus {
            Some(0) => "(Str)".to_owned(),
            Some(bonus) => format!("(Str{bonus:+})"),
            None => self.power.to_string(),
        };
        format!("{power}{}{}", self.level.letter(), if self.stun { " Stun" } else { "" })
    }

    /// The damage in the hands of someone with this Strength.
    pub fn damage(&self, strength: u32) -> DamageCode {
        let power = match self.strength_bonus {
            Some(bonus) => points(strength) + bonus,
            None => self.power,
        };
        DamageCode { power, level: self.level, stun: self.stun }
    }
}

/// The melee weapon of this name.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find_melee_weapon(name: &str) -> Result<&'static MeleeWeapon, UnknownName> {
    MELEE_WEAPONS
        .iter()
        .find(|weapon| same_name(weapon.name, name))
        .ok_or_else(|| UnknownName::new("melee weapon", name, MELEE_WEAPONS.iter().map(|weapon| weapon.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(situation: Situation, expected: u32) {
        assert_eq!(melee_target_number(&situation).unwrap().target_number, expected);
    }

    #[test]
    fn numbers_count_up_to_four_either_way() {
        check(Situation { friends: 9, ..Situation::default() }, 2);
        check(Situation { opponent_friends: 9, ..Situation::default() }, 8);
        check(Situation { friends: 2, opponent_friends: 1, ..Situation::default() }, 3);
    }

    #[test]
    fn visibility_counts_half_but_for_full_darkness() {
        check(Situation { visibility: vec![Visibility::MinimalLight], ..Situation::default() }, 7);
        check(Situation { visibility: vec![Visibility::FullDarkness], ..Situation::default() }, 12);
    }

    #[test]
    fn the_longer_reach_helps_and_the_shorter_hinders() {
        check(Situation { reach: 2, opponent_reach: 1, ..Situation::default() }, 3);
        check(Situation { opponent_reach: 2, ..Situation::default() }, 6);
    }

    #[test]
    fn a_tie_goes_to_the_attacker() {
        assert_eq!(blow(2, 2), Blow::Attacker(0));
        assert_eq!(blow(1, 3), Blow::Defender(2));
        assert_eq!(blow(0, 0), Blow::Nobody);
    }

    #[test]
    fn a_blow_is_raised_by_the_net_and_lowered_by_resistance() {
        assert_eq!(resisted_blow(Level::Moderate, 3, 1), Some(Level::Serious));
        assert_eq!(resisted_blow(Level::Moderate, 1, 2), Some(Level::Light));
        assert_eq!(resisted_blow(Level::Moderate, 0, 0), Some(Level::Moderate));
        assert_eq!(resisted_blow(Level::Light, 0, 2), None);
        assert_eq!(resisted_blow(Level::Serious, 9, 3), Some(Level::Serious));
    }

    #[test]
    fn strength_drives_most_weapons() {
        assert_eq!(find_melee_weapon("katana").unwrap().damage(6).to_string(), "9M");
        assert_eq!(find_melee_weapon("monowhip").unwrap().damage(3).to_string(), "10S");
        assert_eq!(find_melee_weapon("unarmed").unwrap().damage(4).to_string(), "4M Stun");
        let text = |name| find_melee_weapon(name).unwrap().damage_text();
        assert_eq!([text("katana"), text("spurs"), text("stun baton")], ["(Str+3)M", "(Str)M", "6S Stun"]);
    }
}
