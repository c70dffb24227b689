//! Areas of magic.

use serde_json::{Value, json};

use super::RuleError;
use super::harm::INCAPACITATED;
use super::input::Input;
use crate::shadowrun2::condition::{Level, Wounds};
use crate::shadowrun2::conjuring;
use crate::shadowrun2::magic::{self, DamageType, Drain, DrainFormula, MAX_FORCE, SpellDice, SpellSituation};
use crate::shadowrun2::modifier::floored;
use crate::shadowrun2::spells::find_spell;

/// Largest pool or attribute read in these areas. Ours.
const MAX_DICE: u32 = 1000;

pub(super) fn conjuring_drain(input: &Input<'_>) -> Result<Value, RuleError> {
    let drain = conjuring::conjuring_drain(input.count("charisma")?, input.at_least_one("spirit_force")?);
    let kind = match drain.damage_type {
        DamageType::Stun => "Stun",
        DamageType::Physical => "Physical",
    };
    Ok(json!({ "target_number": drain.target_number, "drain": format!("{} {kind}", drain.level.letter()) }))
}

pub(super) fn drain_power(input: &Input<'_>) -> Result<Value, RuleError> {
    let formula: DrainFormula = input.parsed("formula")?;
    Ok(json!([formula.power(force(input)?), formula.level.letter()]))
}

pub(super) fn drain_resistance(input: &Input<'_>) -> Result<Value, RuleError> {
    let level = input.level("level")?;
    let power = input.integer("drain_power")?;
    let left = magic::resisted_drain(level, input.count("successes")?);
    Ok(json!({ "target_number": floored(power), "final_level": letter_or(left, "none") }))
}

pub(super) fn drain_test(input: &Input<'_>) -> Result<Value, RuleError> {
    let drain = drain(input, input.count("magic")?)?;
    Ok(json!({
        "target_number": drain.target.target_number,
        "level": drain.level.letter(),
        "damage_type": drain.damage_type,
    }))
}

pub(super) fn totem_vs_drain(input: &Input<'_>) -> Result<Value, RuleError> {
    let drain = drain(input, MAX_FORCE)?;
    let dice = input.integer("totem_dice")?;
    Ok(json!({ "target_number": drain.target.target_number, "extra_magic_pool_dice": dice }))
}

fn drain(input: &Input<'_>, magic: u32) -> Result<Drain, RuleError> {
    let formula: DrainFormula = input.parsed("formula")?;
    Ok(formula.drain(force(input)?, magic))
}

fn force(input: &Input<'_>) -> Result<u32, RuleError> {
    magic::check_force(input.count("force")?, None).map_err(|error| input.refused(error))
}

pub(super) fn focus_bonding_karma(input: &Input<'_>) -> Result<Value, RuleError> {
    let rating = if input.has("rating") { input.at_least_one("rating")? } else { 1 };
    Ok(json!(input.word("focus", |focus| magic::focus_bonding_karma(focus, rating))?))
}

pub(super) fn learn_spell(input: &Input<'_>) -> Result<Value, RuleError> {
    let learning = magic::learn_spell(input.count("force")?).map_err(|error| input.refused(error))?;
    Ok(json!({
        "target_number": learning.target_number,
        "base_days": learning.base_days,
        "karma": learning.karma,
    }))
}

pub(super) fn notice_spellcasting(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(magic::notice_spellcasting(force(input)?, input.count("magic")?).target_number))
}

pub(super) fn object_resistance(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(input.word("category", magic::object_resistance)?))
}

pub(super) fn spell_catalog(input: &Input<'_>) -> Result<Value, RuleError> {
    let found = input.word("spell", find_spell)?;
    let drain = match found.grade {
        None => found.spell.drain_text(),
        grade => found.spell.drain(grade).map_err(|error| input.refused(error))?.to_string(),
    };
    Ok(json!([found.spell.spell_type.letter(), found.spell.duration.letter(), drain]))
}

pub(super) fn spell_result(input: &Input<'_>) -> Result<Value, RuleError> {
    let base = input.level("base_level")?;
    let caster = input.count("caster_successes")?;
    let wound = magic::combat_spell_wound(base, caster, input.count("target_successes")?);
    Ok(json!(letter_or(wound, "no effect")))
}

fn letter_or(level: Option<Level>, nothing: &str) -> String {
    level.map_or_else(|| nothing.to_owned(), |level| level.letter().to_string())
}

pub(super) fn spell_test(input: &Input<'_>) -> Result<Value, RuleError> {
    let force = force(input)?;
    let magic_pool = input.count_up_to("magic_pool", MAX_DICE)?;
    let body = input.count_up_to("target_body", MAX_DICE)?;
    let wounds = Wounds { physical: input.wound("caster_wound")?, stun: None };
    let situation = SpellSituation { wounds, ..SpellSituation::default() };
    let Ok(target) = situation.target_number(body, "the target's Body") else {
        return Ok(json!(INCAPACITATED));
    };
    let pool = SpellDice { force, magic_pool, ..SpellDice::default() }.pool();
    Ok(json!({
        "dice": pool.total,
        "target_number": target.target_number,
        "resist_dice": body,
        "resist_tn": force.max(crate::shadowrun2::MIN_TARGET_NUMBER),
    }))
}

pub(super) fn sustaining_penalty(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!({ "tn": magic::sustaining_penalty(input.count("sustained_spells")?) }))
}
