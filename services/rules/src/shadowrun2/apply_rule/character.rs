//! Areas of attributes, skills, pools and Karma.

use serde_json::{Value, json};

use super::RuleError;
use super::input::Input;
use crate::shadowrun2::creation::find_metatype;
use crate::shadowrun2::karma::{self, Improvement};
use crate::shadowrun2::{initiative, movement as moving, pools, skill_web as web, skills};

/// Highest level of a vehicle control rig.
const MAX_RIG_LEVEL: u32 = 3;

pub(super) fn combat_pool(input: &Input<'_>) -> Result<Value, RuleError> {
    let (quickness, intelligence) = (input.count("quickness")?, input.count("intelligence")?);
    Ok(json!(pools::combat_pool(quickness, intelligence, input.count("willpower")?)))
}

pub(super) fn combat_pool_armor(input: &Input<'_>) -> Result<Value, RuleError> {
    let (pool, ballistic) = (input.count("pool")?, input.count_or_none("heavy_armor_ballistic")?);
    Ok(json!(pools::combat_pool_in_armor(pool, ballistic, input.count("quickness")?)))
}

pub(super) fn combat_pool_cap(input: &Input<'_>) -> Result<Value, RuleError> {
    let available = input.count("pool_available")?;
    let is_attack = input.choice("test", &[("attack", true), ("damage resistance", false)])?;
    let limit = if is_attack {
        pools::combat_pool_for_attack(available, input.count("skill")?)
    } else {
        pools::combat_pool_for_resistance(available)
    };
    Ok(json!(limit.dice))
}

pub(super) fn magic_pool(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(pools::magic_pool(input.count("sorcery")?, input.count_or_none("power_focus")?).total))
}

pub(super) fn magic_pool_cap(input: &Input<'_>) -> Result<Value, RuleError> {
    let available = input.count("pool")?;
    let is_success = input.choice("test", &[("spell success", true), ("drain resistance", false)])?;
    let limit = if is_success {
        pools::magic_pool_for_success(available, input.count("magic")?)
    } else {
        pools::magic_pool_for_drain(available)
    };
    Ok(json!(limit.dice))
}

pub(super) fn hacking_pool(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(pools::hacking_pool(input.count("computer_skill")?, input.count("reaction")?).total))
}

pub(super) fn control_pool(input: &Input<'_>) -> Result<Value, RuleError> {
    let rig = if input.has("vcr_level") { input.count_up_to("vcr_level", MAX_RIG_LEVEL)? } else { 0 };
    Ok(json!(pools::control_pool(input.count("reaction")?, rig).total))
}

pub(super) fn concentration(input: &Input<'_>) -> Result<Value, RuleError> {
    let narrowed = skills::concentrated(input.count("skill_points")?);
    Ok(json!({ "concentration": narrowed.concentration, "general": narrowed.general }))
}

pub(super) fn specialization(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(skills::specialized(input.count("skill_points")?)))
}

pub(super) fn skill_web(input: &Input<'_>) -> Result<Value, RuleError> {
    let from = input.word("from", web::find)?;
    let to = input.word("to", web::find)?;
    let path = web::trace(from, to).map_err(|unknown| input.unknown_word("to", unknown))?;
    Ok(json!(path.map(|path| path.modifier)))
}

pub(super) fn reaction(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(initiative::reaction(input.count("quickness")?, input.count("intelligence")?)))
}

pub(super) fn movement(input: &Input<'_>) -> Result<Value, RuleError> {
    let metatype = input.word("race", find_metatype)?;
    Ok(json!(moving::pace(metatype, input.count("quickness")?)))
}

pub(super) fn karma_avoid_disaster(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(karma::avoid_disaster_cost(input.flag("all_ones")?)))
}

pub(super) fn karma_buy_dice(input: &Input<'_>) -> Result<Value, RuleError> {
    let most = if input.has("max_allowed") { input.count("max_allowed")? } else { input.count("skill")? };
    Ok(match karma::buy_dice(most, input.count("buy")?) {
        Ok(cost) => json!({ "karma_cost": cost, "allowed": true }),
        Err(_) => json!({ "allowed": false }),
    })
}

pub(super) fn karma_buy_success(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(match karma::buy_successes(input.count("natural_successes")?, input.count("buy")?) {
        Ok(bought) => json!(bought),
        Err(_) => json!("refused"),
    })
}

pub(super) fn karma_cost(input: &Input<'_>) -> Result<Value, RuleError> {
    let improvement = input.word("improve", Improvement::parse)?;
    let rating = if improvement == Improvement::NewSkill { 1 } else { input.at_least_one("new_rating")? };
    Ok(json!(improvement.cost(rating)))
}

pub(super) fn karma_reroll_cost(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(karma::reroll_cost(input.at_least_one("reroll_number_on_this_test")?)))
}

pub(super) fn karma_split(input: &Input<'_>) -> Result<Value, RuleError> {
    let split = karma::split(input.count("earned")?);
    let mut answer = json!({ "karma_pool": split.karma_pool, "good_karma": split.good_karma });
    if split.pool_if_rounded_down != split.karma_pool {
        answer["pool_if_rounded_up"] = json!(split.karma_pool);
        answer["pool_if_rounded_down"] = json!(split.pool_if_rounded_down);
        answer["conflict"] = json!("the book rounds the tenth up in one place, and in favour of Good Karma in another");
    }
    Ok(answer)
}
