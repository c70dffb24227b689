//! Karma: earning it, the Karma Pool's uses, and what Good Karma buys.
//!
//! Source: *Shadowrun, Second Edition*, "Karma".

use serde::Serialize;

use super::success_test::{MAX_POOL, RollError, SuccessTest, success_test};
use crate::UnknownName;
use crate::names::same_name;

/// Karma a game master hands out, split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KarmaSplit {
    /// To the Karma Pool: a tenth, rounded up.
    pub karma_pool: u32,
    /// The rest.
    pub good_karma: u32,
    /// To the Karma Pool by the other reading of the book: a tenth, rounded down.
    pub pool_if_rounded_down: u32,
}

/// Splits earned Karma: a tenth, rounded up, to the Karma Pool, the rest is Good Karma.
///
/// Another sentence of the book rounds in favour of Good Karma; that figure is given, too.
pub fn split(earned: u32) -> KarmaSplit {
    let karma_pool = earned.div_ceil(10);
    KarmaSplit { karma_pool, good_karma: earned - karma_pool, pool_if_rounded_down: earned / 10 }
}

/// What Good Karma improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Improvement {
    /// An attribute up to its racial maximum.
    Attribute,
    /// An attribute beyond it.
    AttributeAboveMaximum,
    /// A general skill.
    GeneralSkill,
    /// A concentration.
    Concentration,
    /// A specialization.
    Specialization,
    /// A language.
    Language,
    /// A skill not had before, at rating 1.
    NewSkill,
}

/// Every improvement: its name, and its price in half points of Good Karma per point of the new rating.
const IMPROVEMENTS: &[(Improvement, &str, u32)] = &[
    (Improvement::Attribute, "attribute", 2),
    (Improvement::AttributeAboveMaximum, "attribute above racial maximum", 4),
    (Improvement::GeneralSkill, "general skill", 4),
    (Improvement::Concentration, "concentration", 3),
    (Improvement::Specialization, "specialization", 2),
    (Improvement::Language, "language", 2),
    (Improvement::NewSkill, "new skill at rating 1", 2),
];

impl Improvement {
    /// The improvement of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the names that exist.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        let name = if same_name(name, "new skill") { "new skill at rating 1" } else { name };
        let row = IMPROVEMENTS.iter().find(|(_, known, _)| same_name(known, name));
        row.map(|(improvement, ..)| *improvement)
            .ok_or_else(|| UnknownName::new("improvement", name, IMPROVEMENTS.iter().map(|(_, known, _)| *known)))
    }

    /// Good Karma for reaching this rating, rounded up. A new skill starts at 1 and costs 1.
    pub fn cost(self, new_rating: u32) -> u32 {
        let rating = if self == Improvement::NewSkill { 1 } else { new_rating };
        let row = IMPROVEMENTS.iter().find(|(improvement, ..)| *improvement == self);
        let half_points = row.map_or(2, |(.., half_points)| *half_points);
        rating.saturating_mul(half_points).div_ceil(2)
    }
}

/// Karma Pool points for rolling the failures of a test again: 1 the first time, 2 the second, and so on.
pub fn reroll_cost(reroll_of_this_test: u32) -> u32 {
    reroll_of_this_test
}

/// Karma Pool points for turning a disaster into a plain failure; nothing if it was none.
pub fn avoid_disaster_cost(all_ones: bool) -> u32 {
    u32::from(all_ones)
}

/// Rolls so many failed dice again.
///
/// # Errors
///
/// [`RollError`] if there are too many dice or the target number is too high.
pub fn reroll_failures(
    failed_dice: u32,
    target_number: u32,
    d6: impl FnMut() -> u32,
) -> Result<SuccessTest, RollError> {
    success_test(failed_dice, target_number, d6)
}

/// A use of the Karma Pool that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KarmaError {
    /// More dice than the skill or attribute has.
    #[error("{asked} dice cannot be bought: at most as many as the skill or attribute has, {most}")]
    TooManyDice {
        /// Dice asked for.
        asked: u32,
        /// Dice allowed.
        most: u32,
    },
    /// No success to add to.
    #[error("successes can be bought only on top of one that was rolled")]
    NoNaturalSuccess,
}

/// Karma Pool points for extra dice: one each, at most as many as the test's skill or attribute has.
///
/// # Errors
///
/// [`KarmaError::TooManyDice`].
pub fn buy_dice(skill: u32, dice: u32) -> Result<u32, KarmaError> {
    let most = skill.min(MAX_POOL);
    if dice > most { Err(KarmaError::TooManyDice { asked: dice, most }) } else { Ok(dice) }
}

/// Successes that were bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BoughtSuccesses {
    /// Karma Pool points: one each.
    pub karma_cost: u32,
    /// Successes in all.
    pub total: u32,
    /// The points do not come back with the next scene.
    pub permanent: bool,
}

/// Buys successes on top of those rolled, of which there must be one.
///
/// # Errors
///
/// [`KarmaError::NoNaturalSuccess`].
pub fn buy_successes(natural_successes: u32, successes: u32) -> Result<BoughtSuccesses, KarmaError> {
    if natural_successes == 0 {
        return Err(KarmaError::NoNaturalSuccess);
    }
    let total = natural_successes.saturating_add(successes);
    Ok(BoughtSuccesses { karma_cost: successes, total, permanent: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_rounded_up_goes_to_the_pool() {
        assert_eq!(split(37), KarmaSplit { karma_pool: 4, good_karma: 33, pool_if_rounded_down: 3 });
        assert_eq!(split(0).karma_pool, 0);
    }

    #[test]
    fn concentrations_cost_half_as_much_again_rounded_up() {
        assert_eq!(Improvement::Concentration.cost(5), 8);
        assert_eq!(Improvement::NewSkill.cost(1), 1);
        assert_eq!(Improvement::AttributeAboveMaximum.cost(7), 14);
    }

    #[test]
    fn successes_need_a_natural_one() {
        assert_eq!(buy_successes(0, 2), Err(KarmaError::NoNaturalSuccess));
        assert_eq!(buy_successes(2, 3).unwrap().total, 5);
    }

    #[test]
    fn bought_dice_are_limited_by_the_skill() {
        assert_eq!(buy_dice(6, 6), Ok(6));
        let refusal = buy_dice(6, 7).unwrap_err().to_string();
        assert_eq!(refusal, "7 dice cannot be bought: at most as many as the skill or attribute has, 6");
    }

    #[test]
    fn rerolled_dice_follow_the_rule_of_six() {
        let mut faces = [6, 2, 3].into_iter();
        let test = reroll_failures(2, 8, || faces.next().unwrap()).unwrap();
        assert_eq!(test.rolls(), [8, 3]);
    }
}
