//! Ranged combat: the target number of a shot, with every modifier named.
//!
//! All modifiers are summed and the floor of 2 applies once, at the end. Recoil left after compensation (doubled for
//! heavy weapons) and the attacker's movement come first, because gyro-stabilisation takes from both together.
//!
//! Source: *Shadowrun, Second Edition*, "Ranged Combat", "Ranged Combat Modifiers Table".

use serde::Serialize;

use super::condition::{Incapacitated, Wounds};
use super::damage::CALLED_SHOT_MODIFIER;
use super::magic::SUSTAINING_MODIFIER;
use super::modifier::{Modifier, TargetNumber};
use super::range::{RangeCategory, RangeError, WeaponClass, range_category};
use super::visibility::{Visibility, Vision};

/// Metres to which a laser sight helps.
pub const LASER_SIGHT_REACH_M: u32 = 50;
/// What a smartlink with a smart weapon adds.
pub const SMARTLINK_MODIFIER: i32 = -2;

const LASER_SIGHT_MODIFIER: i32 = -1;
const SMART_GOGGLES_MODIFIER: i32 = -1;
const BLIND_FIRE_MODIFIER: i32 = 8;
const PARTIAL_COVER_MODIFIER: i32 = 4;
const FURTHER_TARGET_MODIFIER: i32 = 2;
const OPPONENT_IN_MELEE_MODIFIER: i32 = 2;
const SECOND_FIREARM_MODIFIER: i32 = 2;

/// Points of anything counted above this count as this. Ours; it keeps sums within bounds.
const MAX_POINTS: u32 = 1000;

/// How someone moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// Stands still.
    Stationary,
    /// Walks.
    Walking,
    /// Runs.
    Running,
}

impl Movement {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Movement::Stationary => "stationary",
            Movement::Walking => "walking",
            Movement::Running => "running",
        }
    }

    /// What it adds to a shooter's target number, on even or rough ground.
    pub fn shooter_modifier(self, rough_ground: bool) -> i32 {
        match (self, rough_ground) {
            (Movement::Stationary, _) => 0,
            (Movement::Walking, false) => 1,
            (Movement::Walking, true) => 2,
            (Movement::Running, false) => 4,
            (Movement::Running, true) => 6,
        }
    }

    /// What it adds for those who shoot at him.
    fn target_modifier(self) -> i32 {
        match self {
            Movement::Stationary => -1,
            Movement::Walking => 0,
            Movement::Running => 2,
        }
    }
}

/// What stands between shooter and target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cover {
    /// Nothing.
    #[default]
    None,
    /// Part of the target is hidden.
    Partial,
    /// The target is not to be seen: opaque cover, or invisible.
    Full,
}

/// How large the target is. The book has no modifier for it; it is noted with a value of 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetSize {
    /// Smaller than a person.
    Small,
    /// As a person.
    #[default]
    Normal,
    /// Larger than a person.
    Large,
}

/// Image magnification at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Magnification {
    /// Rating in the eyes; works with anything.
    pub eyes: u32,
    /// Rating of a scope on the weapon; not with smart gear in use.
    pub scope: u32,
}

/// Everything about a shot but its distance. The default is a plain shot in daylight at a target in the open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Situation {
    /// Recoil before compensation: rounds fired this phase, this burst included; 1 for a second shot.
    pub recoil: u32,
    /// Points of recoil compensation.
    pub recoil_compensation: u32,
    /// House rule: the shooter's Strength takes up recoil, a point per 2 full points above 3.
    pub strength_recoil: Option<u32>,
    /// Points of gyro-stabilisation: off recoil and movement together.
    pub gyro_stabilisation: u32,
    /// Whether uncompensated recoil counts double (MMG, HMG, shotgun); [`ranged_attack`] sets it by class.
    pub heavy_weapon: bool,
    /// How the shooter moves.
    pub attacker_movement: Option<Movement>,
    /// Whether he does so over rough ground.
    pub rough_ground: bool,
    /// His wounds.
    pub wounds: Wounds,
    /// Spells he sustains himself.
    pub sustained_spells: u32,
    /// His eyes.
    pub vision: Vision,
    /// Light, smoke and the like; the worst counts.
    pub visibility: Vec<Visibility>,
    /// Opponents in melee with the shooter.
    pub opponents_in_melee: u32,
    /// How the target moves; `None` if unknown.
    pub target_movement: Option<Movement>,
    /// Its size.
    pub target_size: TargetSize,
    /// Whether it lies flat; noted only, the book has no modifier.
    pub target_prone: bool,
    /// What covers it.
    pub cover: Cover,
    /// Targets shot at earlier in this phase.
    pub further_targets: u32,
    /// Modifier of the shooter's smartlink, usually [`SMARTLINK_MODIFIER`].
    pub smartlink: Option<i32>,
    /// Whether he wears smart goggles.
    pub smart_goggles: bool,
    /// Whether the weapon is smart; without it neither link nor goggles help.
    pub smart_weapon: bool,
    /// Whether the weapon has a laser sight.
    pub laser_sight: bool,
    /// Whether a firearm is in each hand.
    pub second_firearm: bool,
    /// Simple Actions spent aiming, one after another.
    pub aim_actions: u32,
    /// Rating of the skill used; half of it limits aiming. `None`: no limit is known.
    pub skill: Option<u32>,
    /// Whether a spot is called.
    pub called_shot: bool,
    /// What else counts: gear, house rules, the game master's judgement.
    pub other: Vec<Modifier>,
}

/// A shot that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangedError {
    /// Too near or too far.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The shooter is out of action.
    #[error(transparent)]
    Incapacitated(#[from] Incapacitated),
}

/// The target number of a shot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RangedTarget {
    /// Range by distance alone.
    pub range: RangeCategory,
    /// Range through magnification; sets the base.
    pub effective_range: RangeCategory,
    /// Base, modifiers and final target number.
    pub target: TargetNumber,
    /// Where an older server's figure was another, and what was left out for what reason.
    pub notes: Vec<String>,
}

/// The target number of a shot with a weapon of this class at a distance in whole metres.
///
/// `strength` counts only for bows and crossbows (the weapon's minimum) and what is thrown (the thrower's).
///
/// # Errors
///
/// [`RangedError`] if the target is too near or too far, or the shooter is out of action.
pub fn ranged_attack(
    class: WeaponClass,
    distance_m: u32,
    strength: u32,
    magnification: Magnification,
    situation: &Situation,
) -> Result<RangedTarget, RangedError> {
    let range = range_category(class, distance_m, strength)?;
    let mut notes = Vec::new();
    let scope_fits = !situation.uses_smart_gear();
    if magnification.scope > 0 && !scope_fits {
        notes.push("the scope cannot be used together with smart gear".to_owned());
    }
    let rating = if scope_fits { magnification.eyes.max(magnification.scope) } else { magnification.eyes };
    let effective_range = range.magnified(rating);
    let situation = Situation { heavy_weapon: class.row().heavy, ..situation.clone() };

    let modifiers = situation.modifiers(Some(distance_m))?;
    let base = effective_range.base_target_number() as i32;
    let explanation = if effective_range == range {
        format!("{} range, {distance_m} m", range.word())
    } else {
        let (from, to) = (range.word(), effective_range.word());
        format!("{to} range, {distance_m} m is {from}, magnification {rating}")
    };
    notes.extend(older_figures(class, distance_m, range, &situation));
    Ok(RangedTarget { range, effective_range, target: TargetNumber::new(base, explanation, modifiers), notes })
}

/// The target number at a given range, magnification already in. A laser sight is taken to reach.
///
/// # Errors
///
/// [`Incapacitated`] if the shooter is out of action.
pub fn ranged_target_number(range: RangeCategory, situation: &Situation) -> Result<TargetNumber, Incapacitated> {
    let modifiers = situation.modifiers(None)?;
    Ok(TargetNumber::new(range.base_target_number() as i32, format!("{} range", range.word()), modifiers))
}

impl Situation {
    /// Every modifier that counts, and those of 0 that a player would ask about.
    fn modifiers(&self, distance_m: Option<u32>) -> Result<Vec<Modifier>, Incapacitated> {
        let mut modifiers = self.recoil_and_movement();
        modifiers.extend(self.wounds.modifiers()?);
        if self.sustained_spells > 0 {
            let value = points(self.sustained_spells) * SUSTAINING_MODIFIER;
            modifiers.push(Modifier::new("sustained_spells", value, format!("sustains {}", self.sustained_spells)));
        }
        modifiers.extend(self.sight());
        if self.opponents_in_melee > 0 {
            let value = points(self.opponents_in_melee) * OPPONENT_IN_MELEE_MODIFIER;
            let explanation = format!("shooter in melee with {}", self.opponents_in_melee);
            modifiers.push(Modifier::new("attacker_in_melee", value, explanation));
        }
        modifiers.extend(self.target());
        modifiers.extend(self.aids(distance_m));
        modifiers.extend(self.other.iter().cloned());
        Ok(modifiers)
    }

    /// Recoil less compensation, doubled for heavy weapons, and movement; gyro-stabilisation off what is left.
    fn recoil_and_movement(&self) -> Vec<Modifier> {
        let mut modifiers = Vec::new();
        let recoil = points(self.recoil);
        let mut left = recoil;
        if recoil > 0 {
            modifiers.push(Modifier::new("recoil", recoil, format!("recoil {recoil}")));
        }
        let compensation = points(self.recoil_compensation).min(left);
        if compensation > 0 {
            left -= compensation;
            modifiers.push(Modifier::new("recoil_compensation", -compensation, "recoil compensation"));
        }
        let strength = points(self.strength_recoil.map_or(0, |strength| strength.saturating_sub(3) / 2)).min(left);
        if strength > 0 {
            left -= strength;
            modifiers.push(Modifier::new("strength_recoil", -strength, "the shooter's Strength (house rule)"));
        }
        if self.heavy_weapon && left > 0 {
            modifiers.push(Modifier::new(
                "heavy_weapon_recoil",
                left,
                "uncompensated recoil of a heavy weapon doubles",
            ));
            left *= 2;
        }
        if let Some(movement) = self.attacker_movement {
            let value = movement.shooter_modifier(self.rough_ground);
            let ground = if self.rough_ground { " on rough ground" } else { "" };
            if value > 0 {
                left += value;
                let explanation = format!("shooter {}{ground}", movement.word());
                modifiers.push(Modifier::new("attacker_movement", value, explanation));
            }
        }
        let gyro = points(self.gyro_stabilisation).min(left);
        if gyro > 0 {
            modifiers.push(Modifier::new("gyro_stabilisation", -gyro, "gyro-stabilisation of recoil and movement"));
        }
        modifiers
    }

    /// Darkness and smoke, or cover that hides everything.
    fn sight(&self) -> Vec<Modifier> {
        let mut modifiers = Vec::new();
        match self.cover {
            Cover::Full => {
                modifiers.push(Modifier::new("blind_fire", BLIND_FIRE_MODIFIER, "the target cannot be seen"));
            }
            Cover::Partial => {
                modifiers.push(Modifier::new("cover", PARTIAL_COVER_MODIFIER, "the target is partly covered"));
            }
            Cover::None => {}
        }
        if let Some((value, condition, sight)) = self.vision.modifier(&self.visibility) {
            let explanation = format!("{}, {}", condition.name(), sight.word());
            modifiers.push(Modifier::new("visibility", value, explanation));
        }
        modifiers
    }

    fn target(&self) -> Vec<Modifier> {
        let mut modifiers = Vec::new();
        if let Some(movement) = self.target_movement {
            let explanation = format!("target {}", movement.word());
            modifiers.push(Modifier::new("target_movement", movement.target_modifier(), explanation));
        }
        if self.target_size != TargetSize::Normal {
            let size = if self.target_size == TargetSize::Small { "small" } else { "large" };
            let explanation = format!("{size} target: no modifier in Second Edition");
            modifiers.push(Modifier::new("target_size", 0, explanation));
        }
        if self.target_prone {
            modifiers.push(Modifier::new("target_prone", 0, "target prone: no modifier in Second Edition"));
        }
        if self.further_targets > 0 {
            let value = points(self.further_targets) * FURTHER_TARGET_MODIFIER;
            let explanation = format!("targets before this one in the phase: {}", self.further_targets);
            modifiers.push(Modifier::new("multiple_targets", value, explanation));
        }
        modifiers
    }

    /// What the shooter uses to hit better, and what he attempts.
    fn aids(&self, distance_m: Option<u32>) -> Vec<Modifier> {
        let mut modifiers = Vec::new();
        modifiers.extend(self.sighting_aid(distance_m));
        if self.second_firearm {
            modifiers.push(Modifier::new("second_firearm", SECOND_FIREARM_MODIFIER, "a firearm in each hand"));
        }
        if self.aim_actions > 0 {
            let limit = self.skill.map_or(u32::MAX, |skill| skill / 2);
            let value = points(self.aim_actions.min(limit));
            let explanation = match self.skill {
                Some(skill) if self.aim_actions > limit => {
                    format!("aimed {} Simple Actions, of which half the skill of {skill} counts", self.aim_actions)
                }
                _ => format!("aimed {} Simple Actions", self.aim_actions),
            };
            modifiers.push(Modifier::new("aim", -value, explanation));
        }
        if self.called_shot {
            modifiers.push(Modifier::new("called_shot", CALLED_SHOT_MODIFIER, "called shot"));
        }
        modifiers
    }

    /// Smart gear in use, or a laser sight; why not, if it is there and does not help.
    fn sighting_aid(&self, distance_m: Option<u32>) -> Option<Modifier> {
        let has_smart_eye = self.smartlink.is_some() || self.smart_goggles;
        let is_smart = has_smart_eye && self.smart_weapon;
        if self.second_firearm {
            let unused = has_smart_eye || self.laser_sight;
            return unused.then(|| Modifier::new("sighting", 0, "no smart gear or laser with a firearm in each hand"));
        }
        if is_smart {
            return Some(match self.smartlink {
                Some(value) => Modifier::new("smartlink", value, "smartlink with a smart weapon"),
                None => Modifier::new("smart_goggles", SMART_GOGGLES_MODIFIER, "smart goggles with a smart weapon"),
            });
        }
        if self.laser_sight {
            let blocked = self.visibility.iter().find(|condition| blocks_laser(**condition));
            return Some(match (blocked, distance_m) {
                (Some(condition), _) => {
                    Modifier::new("laser_sight", 0, format!("laser sight cancelled by {}", condition.name()))
                }
                (None, Some(distance_m)) if distance_m > LASER_SIGHT_REACH_M => Modifier::new(
                    "laser_sight",
                    0,
                    format!("laser sight does not reach beyond {LASER_SIGHT_REACH_M} m"),
                ),
                (None, _) => Modifier::new("laser_sight", LASER_SIGHT_MODIFIER, "laser sight"),
            });
        }
        has_smart_eye.then(|| Modifier::new("smartlink", 0, "the weapon is not smart: the link does not help"))
    }

    fn uses_smart_gear(&self) -> bool {
        (self.smartlink.is_some() || self.smart_goggles) && self.smart_weapon && !self.second_firearm
    }
}

fn blocks_laser(condition: Visibility) -> bool {
    match condition {
        Visibility::Mist
        | Visibility::LightSmoke
        | Visibility::HeavySmoke
        | Visibility::LightThermalSmoke
        | Visibility::HeavyThermalSmoke => true,
        Visibility::FullDarkness | Visibility::MinimalLight | Visibility::PartialLight | Visibility::Glare => false,
    }
}

/// A count as a figure of a modifier.
fn points(count: u32) -> i32 {
    count.min(MAX_POINTS) as i32
}

/// Range ends of an older server, for the classes it knew; it took all others for heavy pistols.
const OLDER_LIMITS: &[(WeaponClass, [u32; 4])] = &[
    (WeaponClass::HoldOutPistol, [15, 30, 45, 60]),
    (WeaponClass::LightPistol, [15, 30, 45, 60]),
    (WeaponClass::HeavyPistol, OLDER_HEAVY_PISTOL),
    (WeaponClass::Smg, [40, 80, 120, 160]),
    (WeaponClass::Shotgun, [20, 40, 60, 80]),
    (WeaponClass::SportingRifle, [60, 120, 180, 240]),
    (WeaponClass::SniperRifle, [80, 160, 240, 320]),
    (WeaponClass::AssaultRifle, [40, 80, 120, 160]),
    (WeaponClass::Lmg, [40, 80, 120, 160]),
];
const OLDER_HEAVY_PISTOL: [u32; 4] = [20, 30, 40, 60];

/// Where the figures of an older server were others than the book's.
fn older_figures(class: WeaponClass, distance_m: u32, range: RangeCategory, situation: &Situation) -> Vec<String> {
    let mut notes = Vec::new();
    let older = OLDER_LIMITS.iter().find(|(known, _)| *known == class).map_or(OLDER_HEAVY_PISTOL, |(_, ends)| *ends);
    let older_range = RangeCategory::ALL.into_iter().zip(older).find(|(_, end)| distance_m <= *end);
    match older_range {
        Some((older_range, _)) if older_range == range => {}
        Some((older_range, _)) => notes.push(format!(
            "{distance_m} m is {} range for a {} by the book; the older server said {}",
            range.word(),
            class.name(),
            older_range.word()
        )),
        None => notes.push(format!("the older server had no range for a {} at {distance_m} m", class.name())),
    }
    match situation.target_movement {
        Some(Movement::Walking) => notes.push("target walking: the book adds 0, the older server +1".to_owned()),
        Some(Movement::Stationary) => notes.push("target stationary: the book adds -1, the older server 0".to_owned()),
        Some(Movement::Running) | None => {}
    }
    match situation.target_size {
        TargetSize::Small => notes.push("small target: the book adds 0, the older server +2".to_owned()),
        TargetSize::Large => notes.push("large target: the book adds 0, the older server -1".to_owned()),
        TargetSize::Normal => {}
    }
    if situation.target_prone {
        notes.push("target prone: the book adds 0, the older server -2 near and +1 far".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::condition::Level;
    use super::super::visibility::Origin;
    use super::*;

    fn check(range: RangeCategory, situation: Situation, expected: u32) {
        let target = ranged_target_number(range, &situation).unwrap();
        assert_eq!(target.target_number, expected, "{}", target.breakdown());
    }

    fn plain() -> Situation {
        Situation::default()
    }

    #[test]
    fn the_first_example_of_the_book_needs_five() {
        let situation = Situation {
            smartlink: Some(SMARTLINK_MODIFIER),
            smart_weapon: true,
            visibility: vec![Visibility::PartialLight],
            attacker_movement: Some(Movement::Walking),
            target_movement: Some(Movement::Stationary),
            ..plain()
        };
        let shot = ranged_attack(WeaponClass::HeavyPistol, 18, 0, Magnification::default(), &situation).unwrap();
        assert_eq!(shot.target.target_number, 5);
        assert_eq!(
            shot.target.breakdown(),
            "base 5 (medium range, 18 m) +1 (shooter walking) +2 (partial light, normal sight) \
             -1 (target stationary) -2 (smartlink with a smart weapon) = 5"
        );
        assert_eq!(shot.notes.len(), 2, "{:?}", shot.notes);
    }

    #[test]
    fn the_second_example_of_the_book_counts_recoil_and_targets() {
        let burst = |recoil, further_targets| Situation {
            laser_sight: true,
            recoil,
            recoil_compensation: 3,
            further_targets,
            ..plain()
        };
        check(RangeCategory::Short, burst(3, 0), 3);
        check(RangeCategory::Short, burst(6, 1), 8);
        check(RangeCategory::Short, burst(10, 2), 14);
    }

    #[test]
    fn heavy_weapons_double_what_is_not_compensated() {
        let shot = |class| {
            let situation = Situation { recoil: 4, recoil_compensation: 1, ..plain() };
            ranged_attack(class, 5, 0, Magnification::default(), &situation).unwrap().target.target_number
        };
        assert_eq!((shot(WeaponClass::Mmg), shot(WeaponClass::Lmg)), (10, 7));
    }

    #[test]
    fn gyro_takes_from_recoil_and_movement_and_from_nothing_else() {
        let situation = Situation {
            recoil: 2,
            attacker_movement: Some(Movement::Running),
            gyro_stabilisation: 9,
            cover: Cover::Partial,
            ..plain()
        };
        check(RangeCategory::Short, situation, 8);
    }

    #[test]
    fn a_link_helps_a_smart_weapon_only() {
        check(RangeCategory::Long, Situation { smartlink: Some(-2), ..plain() }, 6);
        check(RangeCategory::Long, Situation { smartlink: Some(-3), smart_weapon: true, ..plain() }, 3);
        let two_guns = Situation { smartlink: Some(-2), smart_weapon: true, second_firearm: true, ..plain() };
        check(RangeCategory::Long, two_guns, 8);
    }

    #[test]
    fn a_laser_does_not_reach_through_smoke_or_beyond_fifty_metres() {
        check(RangeCategory::Short, Situation { laser_sight: true, ..plain() }, 3);
        let smoke = Situation { laser_sight: true, visibility: vec![Visibility::LightSmoke], ..plain() };
        check(RangeCategory::Short, smoke, 8);
        let laser = Situation { laser_sight: true, ..plain() };
        let far = ranged_attack(WeaponClass::SniperRifle, 51, 0, Magnification::default(), &laser).unwrap();
        assert_eq!(far.target.target_number, 5);
    }

    #[test]
    fn a_scope_yields_to_smart_gear_and_eyes_do_not() {
        let smart = Situation { smartlink: Some(-2), smart_weapon: true, ..plain() };
        let shot = |magnification, situation: &Situation| {
            ranged_attack(WeaponClass::HeavyPistol, 55, 0, magnification, situation).unwrap().effective_range
        };
        let scope = Magnification { eyes: 0, scope: 3 };
        assert_eq!(shot(scope, &smart), RangeCategory::Extreme);
        assert_eq!(shot(scope, &plain()), RangeCategory::Short);
        assert_eq!(shot(Magnification { eyes: 3, scope: 0 }, &smart), RangeCategory::Short);
    }

    #[test]
    fn aiming_counts_up_to_half_the_skill() {
        check(RangeCategory::Extreme, Situation { aim_actions: 5, skill: Some(7), ..plain() }, 6);
    }

    #[test]
    fn both_wounds_count_and_a_deadly_one_ends_it() {
        let wounds = Wounds { physical: Some(Level::Moderate), stun: Some(Level::Light) };
        check(RangeCategory::Short, Situation { wounds, ..plain() }, 7);
        let wounds = Wounds { physical: Some(Level::Deadly), stun: None };
        assert!(ranged_target_number(RangeCategory::Short, &Situation { wounds, ..plain() }).is_err());
    }

    #[test]
    fn size_is_named_and_counts_nothing() {
        let situation = Situation { target_size: TargetSize::Small, target_prone: true, ..plain() };
        let shot = ranged_attack(WeaponClass::HeavyPistol, 5, 0, Magnification::default(), &situation).unwrap();
        assert_eq!(shot.target.total_modifier, 0);
        assert_eq!(shot.target.modifiers.len(), 2);
        assert_eq!(shot.notes.len(), 2, "{:?}", shot.notes);
    }

    #[test]
    fn the_dwarf_sees_heat_in_the_dark() {
        let vision = Vision { thermographic: Some(Origin::Natural), ..Vision::default() };
        let situation = Situation { vision, visibility: vec![Visibility::FullDarkness], ..plain() };
        check(RangeCategory::Short, situation, 6);
    }
}
