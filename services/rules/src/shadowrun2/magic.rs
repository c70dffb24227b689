//! Casting spells: drain, the success test, its result, sustaining, learning, foci, noticing.
//!
//! Source: *Shadowrun, Second Edition*, "Magic".

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::condition::{Incapacitated, Level, Wounds};
use super::damage::SUCCESSES_PER_LEVEL;
use super::modifier::{DicePool, Modifier, TargetNumber, floored};
use super::ranged::Cover;
use super::visibility::{Visibility, Vision};
use crate::UnknownName;
use crate::names::same_name;

/// Added to every other test for each spell one sustains oneself.
pub const SUSTAINING_MODIFIER: i32 = 2;
/// Added to the drain test for each spell cast at once with others.
pub const STACKING_MODIFIER: i32 = 2;
/// Added to the drain test after a success test of all ones.
pub const ALL_ONES_DRAIN_MODIFIER: i32 = 2;
/// Points of a circle, lodge or mana barrier that add 1 to the target number.
pub const BARRIER_POINTS_PER_MODIFIER: u32 = 2;
/// Largest Force that is read. Ours.
pub const MAX_FORCE: u32 = 100;
/// Largest figure added in a drain formula. Ours.
const MAX_DRAIN_MODIFIER: i32 = 20;

/// A Force out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Force {force} is outside 1..={most}{}", if *learned { ", the Force it was learned at" } else { "" })]
pub struct ForceError {
    /// The Force asked for.
    pub force: u32,
    /// The highest that is possible.
    pub most: u32,
    /// Whether `most` is the Force the spell was learned at.
    pub learned: bool,
}

/// Accepts a Force from 1 to the one the spell was learned at.
///
/// # Errors
///
/// [`ForceError`] outside of that.
pub fn check_force(force: u32, learned_force: Option<u32>) -> Result<u32, ForceError> {
    let most = learned_force.unwrap_or(MAX_FORCE).min(MAX_FORCE);
    if (1..=most).contains(&force) {
        Ok(force)
    } else {
        Err(ForceError { force, most, learned: learned_force.is_some() })
    }
}

/// How hard a spell drains: half its Force, rounded down, and a figure; and a level.
///
/// Written `(F/2)S` or `[(F/2)+1]M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainFormula {
    /// Added to half the Force.
    pub modifier: i32,
    /// Level of the drain before resistance.
    pub level: Level,
}

/// A text that is no drain formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no drain formula: written (F/2) or [(F/2)+n], then L, M, S or D, such as (F/2)S or [(F/2)+1]M")]
pub struct DrainFormulaError(pub String);

impl DrainFormula {
    /// The power of the drain; may be 0 or less, while its target number never is below 2.
    pub fn power(self, force: u32) -> i32 {
        (force.min(MAX_FORCE) / 2) as i32 + self.modifier
    }

    /// The drain of casting at this Force with this Magic, to which power foci add their rating.
    pub fn drain(self, force: u32, magic: u32) -> Drain {
        let power = self.power(force);
        let explanation = format!("half of Force {force} {:+}", self.modifier);
        Drain {
            code: format!("{self}"),
            power,
            target: TargetNumber::new(power, explanation, Vec::new()),
            level: self.level,
            damage_type: if force > magic { DamageType::Physical } else { DamageType::Stun },
        }
    }
}

impl FromStr for DrainFormula {
    type Err = DrainFormulaError;

    fn from_str(text: &str) -> Result<Self, DrainFormulaError> {
        let refused = || DrainFormulaError(text.chars().take(40).collect());
        // Print has the division sign, and case and spaces do not matter.
        let packed: String = text.chars().take(40).filter(|c| !c.is_whitespace()).collect();
        let packed = packed.replace('\u{f7}', "/").to_ascii_uppercase();
        let letter = packed.chars().next_back().ok_or_else(refused)?;
        let level = Level::ALL.into_iter().find(|level| level.letter() == letter).ok_or_else(refused)?;
        let power = packed.strip_suffix(letter).ok_or_else(refused)?;
        let modifier = match power {
            "(F/2)" => 0,
            _ => {
                let figure = power.strip_prefix("[(F/2)").and_then(|rest| rest.strip_suffix(']'));
                let figure = figure.filter(|figure| figure.starts_with(['+', '-'])).ok_or_else(refused)?;
                figure.parse().map_err(|_| refused())?
            }
        };
        if !(-MAX_DRAIN_MODIFIER..=MAX_DRAIN_MODIFIER).contains(&modifier) {
            return Err(refused());
        }
        Ok(Self { modifier, level })
    }
}

impl fmt::Display for DrainFormula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = self.level.letter();
        match self.modifier {
            0 => write!(f, "(F/2){letter}"),
            modifier => write!(f, "[(F/2){modifier:+}]{letter}"),
        }
    }
}

impl Serialize for DrainFormula {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which track damage goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DamageType {
    /// The Stun track.
    Stun,
    /// The Physical track.
    Physical,
}

/// The drain of one casting, before it is resisted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drain {
    /// The formula.
    pub code: String,
    /// Half the Force and the formula's figure; may be below 2.
    pub power: i32,
    /// What the resistance dice must reach. The only further modifiers are [`STACKING_MODIFIER`] and
    /// [`ALL_ONES_DRAIN_MODIFIER`]; totems, wounds and sustained spells add none.
    pub target: TargetNumber,
    /// Level before resistance.
    pub level: Level,
    /// Stun, or Physical for a Force above Magic.
    pub damage_type: DamageType,
}

impl Drain {
    /// The same drain with further modifiers of its target number.
    #[must_use]
    pub fn with_modifiers(mut self, modifiers: Vec<Modifier>) -> Self {
        self.target = TargetNumber::new(self.power, self.target.base_explanation, modifiers);
        self
    }
}

/// The dice that resist drain: Willpower, Magic Pool dice kept for it, focus dice.
pub fn drain_dice(willpower: u32, magic_pool: u32, focus: u32) -> DicePool {
    DicePool::new([("Willpower", dice(willpower)), ("Magic Pool", dice(magic_pool)), ("focus", dice(focus))])
}

/// What is left of drain: a level less per two successes; `None` when nothing is.
pub fn resisted_drain(level: Level, successes: u32) -> Option<Level> {
    level.shifted(-(i64::from(successes) / SUCCESSES_PER_LEVEL))
}

/// A restriction chosen when a spell is learned, for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Restrictions {
    /// Nothing else is cast or sustained meanwhile: Force counts 2 higher.
    pub exclusive: bool,
    /// It needs a fetish: Force counts 1 higher with a reusable one, 2 with one that is used up.
    pub fetish: Option<Fetish>,
}

/// A fetish a spell needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fetish {
    /// Kept.
    Reusable,
    /// Used up.
    Expendable,
}

impl Restrictions {
    /// The Force the spell has in its effect; drain, and whether it is Physical, go by the Force cast.
    pub fn effective_force(self, force: u32) -> u32 {
        let fetish = match self.fetish {
            None => 0,
            Some(Fetish::Reusable) => 1,
            Some(Fetish::Expendable) => 2,
        };
        force.saturating_add(if self.exclusive { 2 } else { 0 }).saturating_add(fetish)
    }
}

/// The dice of a spell's success test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpellDice {
    /// Force in effect.
    pub force: u32,
    /// Magic Pool dice allotted; see [`super::pools::magic_pool_for_success`] for their limit.
    pub magic_pool: u32,
    /// Totem dice for this spell's category; a penalty is negative.
    pub totem: i32,
    /// Dice of an active focus.
    pub focus: u32,
}

impl SpellDice {
    /// All of them, named.
    pub fn pool(self) -> DicePool {
        DicePool::new([
            ("Force", dice(self.force)),
            ("Magic Pool", dice(self.magic_pool)),
            ("totem", self.totem),
            ("focus", dice(self.focus)),
        ])
    }
}

/// What makes a spell harder to place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpellSituation {
    /// The caster's wounds.
    pub wounds: Wounds,
    /// Spells he sustains himself.
    pub sustained_spells: u32,
    /// What covers the target.
    pub cover: Cover,
    /// The caster's eyes.
    pub vision: Vision,
    /// Light, smoke and the like; the worst counts.
    pub visibility: Vec<Visibility>,
    /// Rating of a circle, lodge or mana barrier in between.
    pub barrier: u32,
    /// What else counts.
    pub other: Vec<Modifier>,
}

impl SpellSituation {
    /// The target number of the success test over a base.
    ///
    /// # Errors
    ///
    /// [`Incapacitated`] if the caster is out of action.
    pub fn target_number(&self, base: u32, explanation: &str) -> Result<TargetNumber, Incapacitated> {
        let mut modifiers = self.wounds.modifiers()?;
        if self.sustained_spells > 0 {
            let value = sustaining_penalty(self.sustained_spells);
            modifiers.push(Modifier::new("sustained_spells", value, format!("sustains {}", self.sustained_spells)));
        }
        match self.cover {
            Cover::None => {}
            Cover::Partial => modifiers.push(Modifier::new("cover", 4, "the target is partly covered")),
            Cover::Full => modifiers.push(Modifier::new("blind_fire", 8, "the target cannot be seen")),
        }
        if let Some((value, condition, sight)) = self.vision.modifier(&self.visibility) {
            modifiers.push(Modifier::new("visibility", value, format!("{}, {}", condition.name(), sight.word())));
        }
        let barrier = dice(self.barrier / BARRIER_POINTS_PER_MODIFIER);
        if barrier > 0 {
            modifiers.push(Modifier::new("barrier", barrier, format!("magical barrier of {}", self.barrier)));
        }
        modifiers.extend(self.other.iter().cloned());
        Ok(TargetNumber::new(dice(base), explanation, modifiers))
    }
}

/// What comes of a spell that was resisted, or needs no resistance (`target_successes` 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpellOutcome {
    /// The caster had no success, or the target more than he.
    NoEffect,
    /// As many on both sides: the least effect there is.
    Minimum,
    /// The caster leads by so many.
    Net(u32),
}

/// Compares the successes of caster and target; a tie goes to the caster with the least effect.
pub fn spell_outcome(caster_successes: u32, target_successes: u32) -> SpellOutcome {
    match caster_successes.checked_sub(target_successes) {
        _ if caster_successes == 0 => SpellOutcome::NoEffect,
        None => SpellOutcome::NoEffect,
        Some(0) => SpellOutcome::Minimum,
        Some(net) => SpellOutcome::Net(net),
    }
}

/// The wound of a combat spell: a level above its base per two net successes; `None` for no effect.
pub fn combat_spell_wound(base: Level, caster_successes: u32, target_successes: u32) -> Option<Level> {
    match spell_outcome(caster_successes, target_successes) {
        SpellOutcome::NoEffect => None,
        SpellOutcome::Minimum => Some(base),
        SpellOutcome::Net(net) => base.shifted(i64::from(net) / SUCCESSES_PER_LEVEL),
    }
}

/// Added to every other test while so many spells are sustained.
pub fn sustaining_penalty(sustained_spells: u32) -> i32 {
    dice(sustained_spells).saturating_mul(SUSTAINING_MODIFIER)
}

/// How hard it is for magic to take hold of a thing.
pub const OBJECT_RESISTANCE: &[(&str, u32)] =
    &[("natural object", 3), ("low-tech manufactured", 5), ("high-tech manufactured", 8), ("highly processed", 10)];

/// The target number for a thing of this category.
///
/// # Errors
///
/// [`UnknownName`], with the categories that exist.
pub fn object_resistance(category: &str) -> Result<u32, UnknownName> {
    let row = OBJECT_RESISTANCE.iter().find(|(name, _)| same_name(name, category));
    row.map(|(_, target_number)| *target_number)
        .ok_or_else(|| UnknownName::new("object category", category, OBJECT_RESISTANCE.iter().map(|(name, _)| *name)))
}

/// The target number to notice that a spell is cast: twice what the caster's Magic exceeds its Force.
pub fn notice_spellcasting(force: u32, magic: u32) -> TargetNumber {
    let excess = i64::from(magic) - i64::from(force);
    let base = i32::try_from(excess.saturating_mul(2)).unwrap_or(i32::MAX);
    TargetNumber::new(base, "twice Magic less Force", Vec::new())
}

/// What learning a spell at a Force takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SpellLearning {
    /// Target number for Sorcery and Magical Theory dice (and a shaman's totem dice).
    pub target_number: u32,
    /// Days, to be divided by the successes; at least one.
    pub base_days: u32,
    /// Good Karma it costs; nothing if the test fails.
    pub karma: u32,
    /// What a teacher takes, in nuyen.
    pub teacher_nuyen: u32,
}

/// Learning a spell at this Force.
///
/// # Errors
///
/// [`ForceError`] for a Force of 0 or above [`MAX_FORCE`].
pub fn learn_spell(force: u32) -> Result<SpellLearning, ForceError> {
    let force = check_force(force, None)?;
    let target_number = floored(dice(2 * force));
    Ok(SpellLearning { target_number, base_days: force, karma: force, teacher_nuyen: 1000 * force })
}

/// Kinds of foci: name, and Good Karma for bonding per point of rating.
pub const FOCI: &[(&str, u32)] = &[
    ("specific spell focus", 1),
    ("spell category focus", 3),
    ("spirit focus", 2),
    ("power focus", 5),
    ("spell lock", SPELL_LOCK_KARMA),
    ("weapon focus, small", 4),
    ("weapon focus, large", 5),
];
/// A spell lock has no rating.
const SPELL_LOCK_KARMA: u32 = 1;

/// Good Karma to bond a focus of this rating; a spell lock has none and costs 1.
///
/// # Errors
///
/// [`UnknownName`], with the kinds that exist.
pub fn focus_bonding_karma(focus: &str, rating: u32) -> Result<u32, UnknownName> {
    let row = FOCI.iter().find(|(name, _)| same_name(name, focus));
    let (name, karma) = row.ok_or_else(|| UnknownName::new("focus", focus, FOCI.iter().map(|(name, _)| *name)))?;
    if *name == "spell lock" {
        return Ok(SPELL_LOCK_KARMA);
    }
    Ok(rating.saturating_mul(*karma))
}

fn dice(rating: u32) -> i32 {
    i32::try_from(rating).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formula(text: &str) -> DrainFormula {
        text.parse().unwrap()
    }

    #[test]
    fn formulas_read_as_they_are_written() {
        for text in ["(F/2)S", "[(F/2)+1]M", "[(F/2)-2]L", "[(F/2)+6]D"] {
            assert_eq!(formula(text).to_string(), text);
        }
        for text in ["[ (F/2) + 1 ] M", "[(f/2)+1]m", "[(F\u{f7}2)+1]M"] {
            assert_eq!(formula(text), DrainFormula { modifier: 1, level: Level::Moderate });
        }
    }

    #[test]
    fn what_is_no_formula_is_refused() {
        for text in
            ["", "S", "F/2S", "(F/2)", "[(F/2)1]S", "[(F/2)+1S", "[(F/2)+99999999999]S", "[(F/2)+21]D", "(F/2)é"]
        {
            assert!(text.parse::<DrainFormula>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_books_power_dart_drains_light_against_three() {
        let drain = formula("[(F/2)+1]L").drain(4, 6);
        assert_eq!((drain.target.target_number, drain.level, drain.damage_type), (3, Level::Light, DamageType::Stun));
        assert_eq!(formula("[(F/2)+1]L").drain(7, 6).damage_type, DamageType::Physical);
    }

    #[test]
    fn all_ones_make_the_drain_harder() {
        let all_ones = Modifier::new("all_ones", ALL_ONES_DRAIN_MODIFIER, "the success test came up all ones");
        let drain = formula("(F/2)S").drain(6, 6).with_modifiers(vec![all_ones]);
        assert_eq!(drain.target.target_number, 5);
    }

    #[test]
    fn the_books_power_dart_needs_six_with_ten_dice() {
        let dice = SpellDice { force: 4, magic_pool: 6, ..SpellDice::default() };
        assert_eq!(dice.pool().breakdown(), "Force 4 + Magic Pool 6 = 10 dice");
        let wounds = Wounds { physical: Some(Level::Light), stun: None };
        let situation = SpellSituation { wounds, ..SpellSituation::default() };
        let target = situation.target_number(5, "the target's Body").unwrap();
        assert_eq!(target.breakdown(), "base 5 (the target's Body) +1 (light wound, Physical) = 6");
        assert_eq!(combat_spell_wound(Level::Light, 5, 2), Some(Level::Moderate));
    }

    #[test]
    fn a_tie_has_the_least_effect_and_no_success_none() {
        assert_eq!(spell_outcome(2, 2), SpellOutcome::Minimum);
        assert_eq!(spell_outcome(1, 2), SpellOutcome::NoEffect);
        assert_eq!(spell_outcome(0, 0), SpellOutcome::NoEffect);
    }

    #[test]
    fn restrictions_raise_the_force_of_the_effect() {
        let both = Restrictions { exclusive: true, fetish: Some(Fetish::Reusable) };
        assert_eq!(both.effective_force(4), 7);
    }

    #[test]
    fn a_force_beyond_what_was_learned_is_refused() {
        assert_eq!(check_force(6, Some(6)), Ok(6));
        let refusal = check_force(7, Some(6)).unwrap_err().to_string();
        assert_eq!(refusal, "Force 7 is outside 1..=6, the Force it was learned at");
    }
}
