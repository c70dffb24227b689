//! Named modifiers, named dice, and the sums of them: every result says where each comes from.

use serde::{Deserialize, Serialize};

use super::success_test::MIN_TARGET_NUMBER;

/// One modifier of a target number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modifier {
    /// What kind it is, such as `recoil`; one word in snake_case, the same for the same cause.
    #[serde(rename = "type")]
    pub kind: String,
    /// Added to the target number; 0 where the circumstance is noted and counts nothing.
    pub value: i32,
    /// Why, in words a player can read.
    pub explanation: String,
}

impl Modifier {
    /// A modifier of this kind.
    pub fn new(kind: &str, value: i32, explanation: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), value, explanation: explanation.into() }
    }
}

/// A target number and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetNumber {
    /// Before modifiers.
    pub base: i32,
    /// Why the base is what it is.
    pub base_explanation: String,
    /// Every modifier, in the order they apply.
    pub modifiers: Vec<Modifier>,
    /// Sum of the modifiers.
    pub total_modifier: i32,
    /// What a die must reach: base and modifiers, never below 2.
    #[serde(rename = "final")]
    pub target_number: u32,
}

impl TargetNumber {
    /// Sums the modifiers and applies the floor of 2 once, at the end.
    pub fn new(base: i32, base_explanation: impl Into<String>, modifiers: Vec<Modifier>) -> Self {
        let total_modifier = modifiers.iter().fold(0_i32, |sum, modifier| sum.saturating_add(modifier.value));
        let target_number = floored(base.saturating_add(total_modifier));
        Self { base, base_explanation: base_explanation.into(), modifiers, total_modifier, target_number }
    }

    /// One line that shows the sum, such as `base 5 (medium range) -2 (smartlink) +1 (light wound) = 4`.
    pub fn breakdown(&self) -> String {
        let mut text = format!("base {} ({})", self.base, self.base_explanation);
        for modifier in self.modifiers.iter().filter(|modifier| modifier.value != 0) {
            text += &format!(" {:+} ({})", modifier.value, modifier.explanation);
        }
        text += &format!(" = {}", self.target_number);
        if self.base.saturating_add(self.total_modifier) < self.target_number as i32 {
            text += " (never below 2)";
        }
        text
    }
}

/// A target number is never below 2.
pub(crate) fn floored(target_number: i32) -> u32 {
    u32::try_from(target_number).unwrap_or(0).max(MIN_TARGET_NUMBER)
}

/// Dice from one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DicePart {
    /// Where the dice come from, such as `Firearms` or `Combat Pool`.
    pub source: String,
    /// How many; negative for dice taken away.
    pub dice: i32,
}

/// A pool of dice and where each comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DicePool {
    /// Every source, those with no dice left out.
    pub parts: Vec<DicePart>,
    /// Dice to roll, never below 0.
    pub total: u32,
}

impl DicePool {
    /// The dice of all sources together.
    pub fn new<'a>(parts: impl IntoIterator<Item = (&'a str, i32)>) -> Self {
        let mut pool = Self { parts: Vec::new(), total: 0 };
        for (source, dice) in parts {
            if dice != 0 {
                pool.parts.push(DicePart { source: source.to_owned(), dice });
            }
        }
        let sum = pool.parts.iter().fold(0_i32, |sum, part| sum.saturating_add(part.dice));
        pool.total = u32::try_from(sum).unwrap_or(0);
        pool
    }

    /// One line that shows the sum, such as `Force 4 + Magic Pool 6 = 10 dice`.
    pub fn breakdown(&self) -> String {
        let mut text = String::new();
        for (index, DicePart { source, dice }) in self.parts.iter().enumerate() {
            let joint = match (index, *dice < 0) {
                (0, false) => "",
                (0, true) => "- ",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            text += &format!("{joint}{source} {}", dice.unsigned_abs());
        }
        if text.is_empty() {
            text += "nothing";
        }
        text + &format!(" = {} dice", self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_of_two_applies_once_to_the_sum() {
        let modifiers = vec![Modifier::new("aim", -5, "five aim actions"), Modifier::new("cover", 1, "hedge")];
        let target = TargetNumber::new(4, "short range", modifiers);
        assert_eq!(target.target_number, 2);
        assert_eq!(target.breakdown(), "base 4 (short range) -5 (five aim actions) +1 (hedge) = 2 (never below 2)");
    }

    #[test]
    fn a_pool_names_its_dice_and_is_never_negative() {
        let pool = DicePool::new([("Force", 4), ("Magic Pool", 6), ("focus", 0), ("totem", -1)]);
        assert_eq!(pool.breakdown(), "Force 4 + Magic Pool 6 - totem 1 = 9 dice");
        assert_eq!(DicePool::new([("totem", -2)]).total, 0);
    }
}
