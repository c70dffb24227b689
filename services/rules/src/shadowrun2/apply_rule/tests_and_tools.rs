//! Areas of tests, initiative and the web contract's two calculators.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::RuleError;
use super::input::Input;
use crate::dice::{Die, Notation};
use crate::shadowrun2::difficulty::{self, DEFAULT_DIFFICULTY, find_difficulty};
use crate::shadowrun2::initiative::{MAX_INITIATIVE, Speed, phases, surprise_target_number};
use crate::shadowrun2::success_test::{MAX_POOL, MAX_TARGET_NUMBER, SuccessTest, roll_die, task_time};

pub(super) fn base_time(input: &Input<'_>) -> Result<Value, RuleError> {
    let base_time = input.count("base_time")?;
    let successes = input.count("successes")?;
    let time = task_time(u64::from(base_time), u64::from(successes));
    time.map(Value::from).ok_or_else(|| input.wrong("successes", "1 or more"))
}

pub(super) fn dice_test(input: &Input<'_>) -> Result<Value, RuleError> {
    let dice = u32::try_from(input.integer("dice")?).unwrap_or(0);
    if dice > MAX_POOL {
        return Err(input.wrong("dice", format!("at most {MAX_POOL}")));
    }
    let target_number = target_number_of_test(input)?;
    let no_die = dice == 0 && !input.has("faces_by_die");
    let faces_by_die = if no_die { Vec::new() } else { input.faces_by_die("faces_by_die")? };
    if faces_by_die.len() != dice as usize {
        return Err(input.wrong("faces_by_die", format!("as many lists as dice, {dice}")));
    }
    let mut rolled = Vec::new();
    for faces in faces_by_die {
        let mut faces = Faces::new(faces);
        rolled.push(faces.roll_die(target_number));
        faces.check(input, "faces_by_die")?;
    }
    let test = SuccessTest::of(target_number, rolled);
    Ok(json!({ "rolls": test.rolls(), "successes": test.successes, "all_ones": test.all_ones }))
}

pub(super) fn karma_reroll(input: &Input<'_>) -> Result<Value, RuleError> {
    let failed = input.faces("failed_dice")?;
    let target_number = target_number_of_test(input)?;
    let mut faces = Faces::new(input.faces("faces_in_order")?);
    let dice: Vec<Die> = failed.iter().map(|_| faces.roll_die(target_number)).collect();
    faces.check(input, "faces_in_order")?;
    let test = SuccessTest::of(target_number, dice);
    Ok(json!({ "new_successes": test.successes, "dice_rerolled": failed.len() }))
}

/// A target number as asked for; below 0 is read as 0, which counts as 2 like every figure below it.
fn target_number_of_test(input: &Input<'_>) -> Result<u32, RuleError> {
    let target_number = u32::try_from(input.integer("target_number")?).unwrap_or(0);
    if target_number > MAX_TARGET_NUMBER {
        return Err(input.wrong("target_number", format!("at most {MAX_TARGET_NUMBER}")));
    }
    Ok(target_number)
}

/// Given faces, one after another.
struct Faces {
    faces: std::vec::IntoIter<u32>,
    ran_out: bool,
}

impl Faces {
    fn new(faces: Vec<u32>) -> Self {
        Self { faces: faces.into_iter(), ran_out: false }
    }

    /// One die; where faces are missing it shows a one, and [`check`](Self::check) refuses.
    fn roll_die(&mut self, target_number: u32) -> Die {
        roll_die(target_number, || {
            self.faces.next().unwrap_or_else(|| {
                self.ran_out = true;
                1
            })
        })
    }

    fn check(&self, input: &Input<'_>, key: &'static str) -> Result<(), RuleError> {
        if self.ran_out {
            Err(input.wrong(key, "enough faces for every die and every six rolled again"))
        } else {
            Ok(())
        }
    }
}

pub(super) fn initiative_actions(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(phases_of(input)?.len()))
}

pub(super) fn initiative_phases(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(phases_of(input)?))
}

fn phases_of(input: &Input<'_>) -> Result<Vec<u32>, RuleError> {
    let total = u32::try_from(input.integer("initiative_total")?).unwrap_or(0);
    if total > MAX_INITIATIVE {
        return Err(input.wrong("initiative_total", format!("at most {MAX_INITIATIVE}")));
    }
    Ok(phases(total))
}

pub(super) fn initiative_tie(input: &Input<'_>) -> Result<Value, RuleError> {
    let (declares_first, resolves_first) = match speed(input, "a")?.compare(&speed(input, "b")?) {
        Ordering::Less => ("a", "b"),
        Ordering::Greater => ("b", "a"),
        Ordering::Equal => ("both", "both"),
    };
    Ok(json!({ "declares_first": declares_first, "resolves_first": resolves_first }))
}

fn speed(input: &Input<'_>, key: &'static str) -> Result<Speed, RuleError> {
    let side = input.object(key, &["total", "adjusted_reaction", "natural_reaction"])?;
    let natural = if side.has("natural_reaction") { side.integer("natural_reaction")? } else { 0 };
    Ok(Speed {
        total: side.integer("total")?.into(),
        adjusted_reaction: side.integer("adjusted_reaction")?.into(),
        natural_reaction: natural.into(),
    })
}

pub(super) fn initiative_total(input: &Input<'_>) -> Result<Value, RuleError> {
    let notation: Notation = input.parsed("notation")?;
    let notation = notation.without_explosions();
    if !notation.adds_only_dice_of(6) {
        return Err(input.wrong("notation", "six-sided dice and Reaction, such as 2d6+5"));
    }
    let faces = input.faces("dice")?;
    if faces.len() != notation.dice_count() as usize {
        return Err(input.wrong("dice", format!("{} faces", notation.dice_count())));
    }
    let mut faces = faces.into_iter();
    Ok(json!(notation.roll(|_| faces.next().unwrap_or(1)).total.floor().numerator()))
}

pub(super) fn surprise(input: &Input<'_>) -> Result<Value, RuleError> {
    let roles = [("ambushed", false), ("ambusher with delayed action", true)];
    let lay_in_wait = input.choice("role", &roles)?;
    Ok(json!(surprise_target_number(lay_in_wait).target_number))
}

pub(super) fn dice_pool(input: &Input<'_>) -> Result<Value, RuleError> {
    let skill = input.integer("skill_rating")?;
    let attribute = input.integer("attribute_rating")?;
    let sum = difficulty::dice_pool(skill, attribute, &input.integers("modifiers")?);
    Ok(json!(sum))
}

pub(super) fn target_number(input: &Input<'_>) -> Result<Value, RuleError> {
    let name = input.optional_text("difficulty")?.unwrap_or(DEFAULT_DIFFICULTY);
    let difficulty = find_difficulty(name).map_err(|unknown| input.unknown_word("difficulty", unknown))?;
    let situation = input.optional_text("situation")?.unwrap_or_default();
    let target = difficulty::target_number(difficulty, Vec::new());
    Ok(json!({
        "target_number": target.target_number,
        "situation": situation,
        "difficulty": difficulty.name,
        "breakdown": target.breakdown(),
        "book": difficulty.book,
    }))
}
