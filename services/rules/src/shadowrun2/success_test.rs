//! The success test: dice against a target number, the Rule of Six, the Rule of One.

use serde::Serialize;

use crate::dice::Die;

/// Largest pool accepted. The rules set no limit; this one bounds the cost of a request.
pub const MAX_POOL: u32 = 100;
/// Largest target number accepted. Ours; it bounds how often one die can be rolled again.
pub const MAX_TARGET_NUMBER: u32 = 1000;
/// A target number modified to less than 2 counts as 2.
pub const MIN_TARGET_NUMBER: u32 = 2;
/// The face that is rolled again and added where the Rule of Six applies.
const SIX: u32 = 6;

/// A test that was not rolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RollError {
    /// More dice than [`MAX_POOL`].
    #[error("pool of {0} dice is above {MAX_POOL}")]
    Pool(u32),
    /// A target number above [`MAX_TARGET_NUMBER`].
    #[error("target number {0} is above {MAX_TARGET_NUMBER}")]
    TargetNumber(u32),
}

/// A success test that was rolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuccessTest {
    /// What a die had to reach; at least 2.
    pub target_number: u32,
    /// Every die with its faces and their sum.
    pub dice: Vec<Die>,
    /// Dice that reached the target number.
    pub successes: u32,
    /// Whether every die came up one: a disaster. Never with no dice.
    pub all_ones: bool,
}

impl SuccessTest {
    /// Counts the successes of dice that lie on the table.
    pub fn of(target_number: u32, dice: Vec<Die>) -> Self {
        let target_number = target_number.max(MIN_TARGET_NUMBER);
        let successes = dice.iter().filter(|die| die.total >= target_number).count() as u32;
        let all_ones = !dice.is_empty() && dice.iter().all(|die| die.total == 1);
        Self { target_number, dice, successes, all_ones }
    }

    /// The total of each die.
    pub fn rolls(&self) -> Vec<u32> {
        self.dice.iter().map(|die| die.total).collect()
    }

    /// The faces of each die.
    pub fn faces(&self) -> Vec<Vec<u32>> {
        self.dice.iter().map(|die| die.faces.clone()).collect()
    }
}

/// Rolls a success test: `pool` six-sided dice against `target_number`.
///
/// `d6` yields one face, 1 to 6, per call. Against a target number above 6, a six is rolled again and added until
/// the die reaches it (the Rule of Six). All ones is a disaster (the Rule of One). A target number below 2 counts
/// as 2. A pool of no dice has no successes and is no disaster.
///
/// # Errors
///
/// [`RollError`] if the pool is above [`MAX_POOL`] or the target number above [`MAX_TARGET_NUMBER`].
///
/// Source: *Shadowrun, Second Edition*, "Success Tests", "The Rule of Six", "The Rule of One".
pub fn success_test(pool: u32, target_number: u32, mut d6: impl FnMut() -> u32) -> Result<SuccessTest, RollError> {
    if pool > MAX_POOL {
        return Err(RollError::Pool(pool));
    }
    if target_number > MAX_TARGET_NUMBER {
        return Err(RollError::TargetNumber(target_number));
    }
    let dice = (0..pool).map(|_| roll_die(target_number, &mut d6)).collect();
    Ok(SuccessTest::of(target_number, dice))
}

/// Rolls one die of a test; against a target number above 6 the Rule of Six applies until the die reaches it.
pub fn roll_die(target_number: u32, mut d6: impl FnMut() -> u32) -> Die {
    let face = d6();
    let mut die = Die { faces: vec![face], total: face };
    while target_number > SIX && die.faces.last() == Some(&SIX) && die.total < target_number {
        let face = d6();
        die.faces.push(face);
        die.total += face;
    }
    die
}

/// Time a task takes: its base time divided by the successes, rounded to the nearest unit, a half up.
/// `None` without a success.
///
/// Source: *Shadowrun, Second Edition*, "Base Time".
pub fn task_time(base_time: u64, successes: u64) -> Option<u64> {
    let quotient = base_time.checked_div(successes)?;
    let rest = base_time % successes;
    Some(quotient + u64::from(rest >= successes - rest))
}

/// Who wins an opposed test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// The first side has more successes.
    First,
    /// The second side has more successes.
    Second,
    /// As many on both; who wins a tie depends on the test.
    Tie,
}

/// The side with more successes, and by how many the first leads.
///
/// Source: *Shadowrun, Second Edition*, "Opposed Success Tests".
pub fn opposed(first: u32, second: u32) -> (Winner, i64) {
    let winner = match first.cmp(&second) {
        std::cmp::Ordering::Greater => Winner::First,
        std::cmp::Ordering::Less => Winner::Second,
        std::cmp::Ordering::Equal => Winner::Tie,
    };
    (winner, i64::from(first) - i64::from(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(faces: &[u32], pool: u32, target_number: u32, expected: &str) {
        let mut next = faces.iter().copied();
        let test = success_test(pool, target_number, || next.next().unwrap()).unwrap();
        let shown = format!("{:?} successes={} all_ones={}", test.rolls(), test.successes, test.all_ones);
        assert_eq!(shown, expected);
        assert_eq!(next.next(), None, "a face was not used");
    }

    #[test]
    fn a_six_is_rolled_again_and_added() {
        check(&[6, 6, 2, 1], 2, 14, "[14, 1] successes=1 all_ones=false");
    }

    #[test]
    fn a_six_stands_against_a_target_number_up_to_six() {
        check(&[6, 1], 2, 6, "[6, 1] successes=1 all_ones=false");
    }

    #[test]
    fn a_target_number_below_two_counts_as_two() {
        check(&[1, 2], 2, 0, "[1, 2] successes=1 all_ones=false");
    }

    #[test]
    fn all_ones_is_a_disaster() {
        check(&[1, 1, 1], 3, 4, "[1, 1, 1] successes=0 all_ones=true");
    }

    #[test]
    fn no_dice_are_no_successes_and_no_disaster() {
        check(&[], 0, 4, "[] successes=0 all_ones=false");
    }

    #[test]
    fn a_request_is_bounded() {
        assert_eq!(success_test(101, 4, || 1).unwrap_err().to_string(), "pool of 101 dice is above 100");
        assert_eq!(success_test(1, 1001, || 1).unwrap_err().to_string(), "target number 1001 is above 1000");
        assert_eq!(success_test(100, 1000, || 6).unwrap().successes, 100);
    }

    #[test]
    fn a_half_unit_of_time_is_rounded_up() {
        assert_eq!(task_time(10, 3), Some(3));
        assert_eq!(task_time(10, 4), Some(3));
        assert_eq!(task_time(10, 0), None);
    }
}
