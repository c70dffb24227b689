//! Areas of wounds and healing.

use serde_json::{Value, json};

use super::RuleError;
use super::input::Input;
use crate::shadowrun2::condition::{Condition, Level, Monitor, TRACK_BOXES};
use crate::shadowrun2::creation::STARTING_ESSENCE;
use crate::shadowrun2::healing::{self, FirstAidSituation, HealingSpell};

/// What a level is called, an unhurt track included.
fn word(level: Option<Level>) -> &'static str {
    level.map_or("none", Level::word)
}

pub(super) fn condition_level(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(word(Level::of_boxes(input.count_up_to("boxes", TRACK_BOXES)?))))
}

pub(super) fn damage_boxes(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(input.level("level")?.boxes()))
}

pub(super) fn damage_cumulative(input: &Input<'_>) -> Result<Value, RuleError> {
    let mut boxes: u32 = 0;
    for wound in input.texts("wounds")? {
        let level = Level::parse(wound).map_err(|unknown| input.unknown_word("wounds", unknown))?;
        boxes = (boxes + level.boxes()).min(TRACK_BOXES);
    }
    Ok(json!({ "boxes": boxes, "level": word(Level::of_boxes(boxes)) }))
}

pub(super) fn damage_overflow(input: &Input<'_>) -> Result<Value, RuleError> {
    let is_stun = input.choice("track", &[("stun", true), ("physical", false)])?;
    if is_stun {
        let stun = input.count_up_to("stun_boxes", TRACK_BOXES)?;
        let physical = input.count_up_to("physical_boxes", TRACK_BOXES)?;
        let after = Monitor { physical, stun, overflow: 0 }.with_stun(input.count("new_boxes")?);
        let unconscious = after.stun == TRACK_BOXES;
        return Ok(json!({ "stun": after.stun, "physical": after.physical, "unconscious": unconscious }));
    }
    let overflow = input.count("overflow_boxes")?;
    let monitor = Monitor { physical: TRACK_BOXES, stun: 0, overflow };
    let is_dead = monitor.condition(input.count("natural_body")?) == Condition::Dead;
    Ok(json!(if is_dead { "dead" } else { "near death" }))
}

pub(super) fn first_aid(input: &Input<'_>) -> Result<Value, RuleError> {
    let aid = healing::first_aid(input.level("wound")?, FirstAidSituation::default());
    Ok(json!({ "target_number": aid.target.target_number, "minutes": aid.minutes }))
}

pub(super) fn heal_spell(input: &Input<'_>) -> Result<Value, RuleError> {
    let spell = input.choice("spell", &[("treat", HealingSpell::Treat), ("heal", HealingSpell::Heal)])?;
    let essence = input.number("essence", f64::from(STARTING_ESSENCE))?;
    Ok(json!(healing::healing_spell(spell, essence).target_number))
}

pub(super) fn heal_unaided(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(healing::unaided_target_number(input.level("wound")?)))
}

pub(super) fn healing_stage(input: &Input<'_>) -> Result<Value, RuleError> {
    let stage = healing::healing_stage(input.level("level")?);
    Ok(json!({
        "target_number": stage.target_number,
        "base_time": stage.base_time.to_string(),
        "minimum_time": stage.minimum_time.to_string(),
    }))
}

/// What stands for a modifier where no test is possible.
pub(super) const INCAPACITATED: &str = "incapacitated";

pub(super) fn wound_initiative_modifier(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(modifier(input.wound("level")?, -1))
}

pub(super) fn wound_modifier(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(modifier(input.wound("level")?, 1))
}

fn modifier(level: Option<Level>, sign: i32) -> Value {
    match level.map(Level::wound_modifier) {
        None => json!(0),
        Some(Some(value)) => json!(sign * value),
        Some(None) => json!(INCAPACITATED),
    }
}
