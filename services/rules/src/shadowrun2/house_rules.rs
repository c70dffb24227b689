//! House rules: options of the book and its supplements that a table may switch on. All are off by default.
//!
//! A rule that touches a result is named in it: functions here give the figure and the rule that changed it.

use serde::Serialize;

use super::modifier::Modifier;
use crate::UnknownName;
use crate::names::same_name;

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HouseRule {
    /// The shooter's Strength takes up recoil.
    StrengthRecoil,
    /// Cover counts by how much of the target can be seen.
    CoverByShare,
    /// A customised weapon gives its owner a die.
    CustomisedWeapon,
    /// At most ten rounds of full-automatic fire a phase.
    TenRounds,
    /// A magician notices spellcasting more easily.
    ObservantMagician,
    /// Ballistic ratings count half as much again.
    StrongArmor,
    /// Ballistic ratings count twice.
    DoubleArmor,
    /// Power in melee counts half as much again.
    StrongMelee,
    /// Power in melee counts twice.
    DoubleMelee,
    /// Drain goes by the full Force.
    FullForceDrain,
    /// With drain by the full Force, the target number to resist a spell is halved.
    HalvedSpellResistance,
    /// An action may be held back and taken in a later phase.
    DelayedActions,
    /// The Smartlink-3 (AEGIS) of the house.
    Smartlink3,
    /// The NeuroSync Processor of the house.
    NeuroSync,
    /// The spells of the house can be cast.
    HouseSpells,
    /// The Boomer Suit of the house works when it is worn.
    BoomerSuit,
}

/// Every option: its name, what it does, and where it is from.
pub const HOUSE_RULES: &[(HouseRule, &str, &str, &str)] = &[
    (
        HouseRule::StrengthRecoil,
        "strength recoil",
        "a point of recoil compensation per 2 full Strength above 3",
        FIELDS,
    ),
    (HouseRule::CoverByShare, "cover by share", "+2, +4, +6 or +8 by how much of the target can be seen", FIELDS),
    (HouseRule::CustomisedWeapon, "customised weapon", "a skill die more for the weapon's owner", FIELDS),
    (HouseRule::TenRounds, "ten rounds", "at most 10 rounds of full-automatic fire a phase", FIELDS),
    (HouseRule::ObservantMagician, "observant magician", "-2 for a magician to notice spellcasting", BOOK),
    (HouseRule::StrongArmor, "strong armor", "ballistic ratings count half as much again, rounded up", BOOK),
    (HouseRule::DoubleArmor, "double armor", "ballistic ratings count twice", BOOK),
    (HouseRule::StrongMelee, "strong melee", "Power in melee counts half as much again, rounded up", BOOK),
    (HouseRule::DoubleMelee, "double melee", "Power in melee counts twice", BOOK),
    (HouseRule::FullForceDrain, "full force drain", "the full Force in place of half of it in drain", BOOK),
    (
        HouseRule::HalvedSpellResistance,
        "halved spell resistance",
        "with full force drain, half the Force as target number to resist a spell",
        BOOK,
    ),
    (
        HouseRule::DelayedActions,
        "delayed actions",
        "an action may be held back and taken before others in a later phase",
        BOOK,
    ),
    (HouseRule::Smartlink3, "smartlink-3 aegis", "-3 instead of -2 with a smart weapon, for 0.5 Essence", HOUSE),
    (HouseRule::NeuroSync, "neurosync processor", "+2D6 Matrix initiative for a decker who has one", HOUSE),
    (
        HouseRule::HouseSpells,
        "house spells",
        "Stop Regeneration and Recharge can be cast: [(F/2)+1]M, sustained",
        HOUSE,
    ),
    (
        HouseRule::BoomerSuit,
        "boomer suit",
        "worn, it gives Body +8, armor 6, wired reflexes 2 and Gunnery +1; +2 to target numbers when not rigged",
        HOUSE,
    ),
];
const HOUSE: &str = "house";
const BOOK: &str = "Shadowrun, Second Edition";
const FIELDS: &str = "Fields of Fire";

impl HouseRule {
    /// Its name.
    pub fn name(self) -> &'static str {
        HOUSE_RULES.iter().find(|(rule, ..)| *rule == self).map_or("", |(_, name, ..)| name)
    }

    /// The rule of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the nearest names.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        let row = HOUSE_RULES.iter().find(|(_, known, ..)| same_name(known, name));
        row.map(|(rule, ..)| *rule)
            .ok_or_else(|| UnknownName::new("house rule", name, HOUSE_RULES.iter().map(|(_, known, ..)| *known)))
    }
}

/// What a Smartlink-3 adds with a smart weapon.
const SMARTLINK_3_MODIFIER: i32 = -3;
/// What an observing magician adds to notice spellcasting.
const OBSERVANT_MODIFIER: i32 = -2;
/// Initiative dice a NeuroSync Processor adds in the Matrix.
pub const NEUROSYNC_DICE: u32 = 2;

/// The rules a table has switched on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HouseRules(std::collections::BTreeSet<HouseRule>);

/// A figure, and the house rule that made it what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ruled<T> {
    /// The figure.
    pub value: T,
    /// The rule, if one touched it.
    pub rule: Option<HouseRule>,
}

impl HouseRules {
    /// Whether a rule is on.
    pub fn has(&self, rule: HouseRule) -> bool {
        self.0.contains(&rule)
    }

    /// A ballistic rating as it counts at this table.
    pub fn ballistic(&self, rating: u32) -> Ruled<u32> {
        self.scaled(rating, HouseRule::StrongArmor, HouseRule::DoubleArmor)
    }

    /// Power in melee as it counts at this table.
    pub fn melee_power(&self, power: u32) -> Ruled<u32> {
        self.scaled(power, HouseRule::StrongMelee, HouseRule::DoubleMelee)
    }

    /// What of a Force counts in drain.
    pub fn drain_base(&self, force: u32) -> Ruled<u32> {
        if self.has(HouseRule::FullForceDrain) {
            Ruled { value: force, rule: Some(HouseRule::FullForceDrain) }
        } else {
            Ruled { value: force / 2, rule: None }
        }
    }

    /// The target number to resist a spell of this Force, never below 2.
    pub fn spell_resistance(&self, force: u32) -> Ruled<u32> {
        if self.has(HouseRule::FullForceDrain) && self.has(HouseRule::HalvedSpellResistance) {
            Ruled { value: (force / 2).max(2), rule: Some(HouseRule::HalvedSpellResistance) }
        } else {
            Ruled { value: force.max(2), rule: None }
        }
    }

    /// What a Smartlink-3 adds with a smart weapon, if it is in play.
    pub fn smartlink_3(&self) -> Option<i32> {
        self.has(HouseRule::Smartlink3).then_some(SMARTLINK_3_MODIFIER)
    }

    /// What a magician adds to notice spellcasting, if magicians are observant.
    pub fn observant_magician(&self) -> Option<Modifier> {
        let explanation = "an observing magician (house rule)";
        self.has(HouseRule::ObservantMagician)
            .then(|| Modifier::new("observant_magician", OBSERVANT_MODIFIER, explanation))
    }

    /// The modifier for a target of which so many hundredths can be seen, if cover counts by share; else `None`.
    pub fn cover(&self, visible_percent: u32) -> Option<Modifier> {
        if !self.has(HouseRule::CoverByShare) {
            return None;
        }
        let value = match visible_percent {
            0 => 8,
            1..=25 => 6,
            26..=50 => 4,
            51..=75 => 2,
            76.. => 0,
        };
        Some(Modifier::new("cover", value, format!("{visible_percent} % of the target visible (house rule)")))
    }

    fn scaled(&self, value: u32, half_again: HouseRule, double: HouseRule) -> Ruled<u32> {
        if self.has(double) {
            Ruled { value: value.saturating_mul(2), rule: Some(double) }
        } else if self.has(half_again) {
            Ruled { value: value.saturating_add(value.div_ceil(2)), rule: Some(half_again) }
        } else {
            Ruled { value, rule: None }
        }
    }
}

impl FromIterator<HouseRule> for HouseRules {
    fn from_iter<I: IntoIterator<Item = HouseRule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_name_and_off_by_default() {
        for (rule, name, ..) in HOUSE_RULES {
            assert_eq!(HouseRule::parse(name), Ok(*rule));
            assert!(!HouseRules::default().has(*rule));
        }
        assert_eq!(HouseRules::default().ballistic(5), Ruled { value: 5, rule: None });
    }

    #[test]
    fn a_rule_that_touches_a_figure_is_named() {
        let rules: HouseRules = [HouseRule::StrongArmor, HouseRule::FullForceDrain].into_iter().collect();
        assert_eq!(rules.ballistic(5), Ruled { value: 8, rule: Some(HouseRule::StrongArmor) });
        assert_eq!(rules.drain_base(5), Ruled { value: 5, rule: Some(HouseRule::FullForceDrain) });
        assert_eq!(rules.melee_power(5), Ruled { value: 5, rule: None });
        assert_eq!(rules.spell_resistance(6).value, 6);
    }

    #[test]
    fn cover_counts_by_what_can_be_seen() {
        let rules: HouseRules = [HouseRule::CoverByShare].into_iter().collect();
        let value = |percent| rules.cover(percent).unwrap().value;
        assert_eq!([0, 25, 50, 75, 100].map(value), [8, 6, 4, 2, 0]);
        assert_eq!(HouseRules::default().cover(50), None);
    }
}
