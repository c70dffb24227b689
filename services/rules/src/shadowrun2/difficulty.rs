//! Target numbers and pools for tests the rules do not describe: the web contract's scale beside the book's.

use serde::Serialize;

use super::modifier::{Modifier, TargetNumber};
use crate::UnknownName;
use crate::names::same_name;

/// A step of the web contract's difficulty scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Difficulty {
    /// The word clients send.
    pub name: &'static str,
    /// The contract's target number.
    pub target_number: u32,
    /// What the book calls a task with that target number, and the figures it gives the word nearest to ours.
    pub book: &'static str,
}

/// The contract's scale, easiest first.
pub const DIFFICULTIES: &[Difficulty] = &[
    Difficulty { name: "trivial", target_number: 2, book: "Simple 2" },
    Difficulty { name: "easy", target_number: 4, book: "Routine 3, Average 4" },
    Difficulty { name: "average", target_number: 5, book: "Average 4, Challenging 5" },
    Difficulty { name: "difficult", target_number: 6, book: "Difficult 6-7" },
    Difficulty { name: "very_difficult", target_number: 8, book: "Strenuous 8" },
];

/// The difficulty taken if none is named.
pub const DEFAULT_DIFFICULTY: &str = "average";

/// The book's scale: the word, and its lowest and highest target number (`None`: and more).
///
/// Source: *Shadowrun, Second Edition*, difficulty table of "Success Tests".
pub const BOOK_SCALE: &[(&str, u32, Option<u32>)] = &[
    ("Simple", 2, Some(2)),
    ("Routine", 3, Some(3)),
    ("Average", 4, Some(4)),
    ("Challenging", 5, Some(5)),
    ("Difficult", 6, Some(7)),
    ("Strenuous", 8, Some(8)),
    ("Extreme", 9, Some(9)),
    ("Nearly impossible", 10, None),
];

/// The book's word for a task with this target number.
pub fn book_word(target_number: u32) -> &'static str {
    let fits = |(_, low, high): &&(&str, u32, Option<u32>)| {
        *low <= target_number && high.is_none_or(|high| target_number <= high)
    };
    BOOK_SCALE.iter().find(fits).map_or("Simple", |(word, ..)| word)
}

/// The step of the contract's scale with this name.
///
/// # Errors
///
/// [`UnknownName`], with the names that exist.
pub fn find_difficulty(name: &str) -> Result<&'static Difficulty, UnknownName> {
    DIFFICULTIES
        .iter()
        .find(|difficulty| same_name(difficulty.name, name))
        .ok_or_else(|| UnknownName::new("difficulty", name, DIFFICULTIES.iter().map(|difficulty| difficulty.name)))
}

/// The target number of a difficulty, with further modifiers.
pub fn target_number(difficulty: &Difficulty, modifiers: Vec<Modifier>) -> TargetNumber {
    let word = book_word(difficulty.target_number);
    let explanation = format!("{}; the book's word for {} is {word}", difficulty.name, difficulty.target_number);
    TargetNumber::new(difficulty.target_number as i32, explanation, modifiers)
}

/// The two answers to "how many dice": the web contract's sum, and the Second Edition's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DicePoolSum {
    /// The contract's pool: skill, attribute and modifiers added; may be negative.
    pub pool: i64,
    /// The skill's rating.
    pub skill: i64,
    /// The attribute's rating.
    pub attribute: i64,
    /// Sum of the modifiers.
    pub modifiers: i64,
    /// The sum in words.
    pub breakdown: String,
    /// Dice the Second Edition rolls: the skill and the modifiers, never below 0.
    pub sr2_pool: i64,
    /// Why the two differ.
    pub note: &'static str,
}

/// Adds up a dice pool both ways.
///
/// The book adds no attribute to a skill test: the skill's rating alone is rolled. The contract's sum is kept.
pub fn dice_pool(skill: i32, attribute: i32, modifiers: &[i32]) -> DicePoolSum {
    let (skill, attribute) = (i64::from(skill), i64::from(attribute));
    let modifiers: i64 = modifiers.iter().map(|&modifier| i64::from(modifier)).sum();
    let pool = skill + attribute + modifiers;
    let breakdown = format!("skill {skill} + attribute {attribute} {modifiers:+} (modifiers) = {pool} dice");
    let sr2_pool = (skill + modifiers).max(0);
    let note = "Second Edition rolls the skill alone, without the attribute: sr2_pool";
    DicePoolSum { pool, skill, attribute, modifiers, breakdown, sr2_pool, note }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_has_a_word_for_every_target_number() {
        assert_eq!(book_word(0), "Simple");
        assert_eq!(book_word(7), "Difficult");
        assert_eq!(book_word(40), "Nearly impossible");
    }

    #[test]
    fn an_unknown_difficulty_is_told_what_exists() {
        let error = find_difficulty("very difficlt").unwrap_err();
        assert_eq!(error.nearest[0], "very_difficult");
        assert_eq!(find_difficulty("very difficult").unwrap().target_number, 8);
    }

    #[test]
    fn the_second_edition_rolls_the_skill_alone() {
        let sum = dice_pool(5, 6, &[2, -1]);
        assert_eq!((sum.pool, sum.sr2_pool), (12, 6));
        assert_eq!(sum.breakdown, "skill 5 + attribute 6 +1 (modifiers) = 12 dice");
        assert_eq!(dice_pool(0, 0, &[-2]).sr2_pool, 0);
    }
}
