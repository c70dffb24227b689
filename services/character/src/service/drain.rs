//! The drain of a spell: how hard it is, what resists it, and whether it knocks the caster out.

use proto::character::v1::Drain;
use rules::shadowrun2::{
    DicePart, DicePool, Modifier,
    condition::Level,
    house_rules::Ruled,
    magic::{self, ALL_ONES_DRAIN_MODIFIER, DamageType, STACKING_MODIFIER, drain_dice},
};
use tonic::Status;

use super::{convert, damage, roll};
use crate::sheet::{Attribute, Sheet, to_i32};

/// What makes drain harder to resist.
pub struct Hardships {
    /// The success test came up all ones.
    pub all_ones: bool,
    /// Other spells that were cast in the same action.
    pub stacked: u32,
}

/// The dice that resist drain beside Willpower.
pub struct Resisting {
    /// Of the Magic Pool.
    pub magic_pool: u32,
    /// Of foci.
    pub focus: u32,
}

/// Drain and what is left of it; `counting` is what of the Force counts at this table.
///
/// # Errors
///
/// What the dice service says.
#[expect(clippy::too_many_arguments, reason = "each is a figure of the rule")]
pub async fn resist(
    sheet: &Sheet,
    formula: &magic::DrainFormula,
    force: u32,
    counting: Ruled<u32>,
    resisting: Resisting,
    hardships: Hardships,
    name: &str,
    dice: &mut roll::Dice,
) -> Result<Drain, Status> {
    let mut modifiers = Vec::new();
    if hardships.all_ones {
        modifiers.push(Modifier::new("all_ones", ALL_ONES_DRAIN_MODIFIER, "the success test came up all ones"));
    }
    if hardships.stacked > 0 {
        let value = to_i32(hardships.stacked) * STACKING_MODIFIER;
        let explanation = format!("cast together with {} more", hardships.stacked);
        modifiers.push(Modifier::new("stacked_spells", value, explanation));
    }
    if let Some(rule) = counting.rule {
        let more = to_i32(counting.value.saturating_sub(force / 2));
        modifiers.push(Modifier::new(
            "house_rule",
            more,
            format!("the full Force counts (house rule {})", rule.name()),
        ));
    }
    // A power focus adds to Magic where Force is compared with it.
    let drain = formula.drain(force, sheet.spell_magic() + sheet.power_foci()).with_modifiers(modifiers);
    let resist: DicePool = drain_dice(sheet.attribute(Attribute::Willpower), resisting.magic_pool, resisting.focus);
    let cause = format!("{} resists the drain of {name}", sheet.street_name);
    let roll = dice.test(resist.total.max(1), drain.target.target_number, &cause).await?;
    let left = magic::resisted_drain(drain.level, roll.successes());
    let parts: &[DicePart] = &resist.parts;
    Ok(Drain {
        code: drain.code,
        level: drain.level.letter().to_string(),
        target_number: drain.target.target_number,
        resist_dice: resist.total,
        resist_roll: Some(roll::of_spell(&roll)),
        damage_taken: left.map_or(0, Level::boxes),
        damage_type: match drain.damage_type {
            DamageType::Stun => "stun",
            DamageType::Physical => "physical",
        }
        .to_owned(),
        damage_level: left.map(|level| level.letter().to_string()).unwrap_or_default(),
        resist_parts: convert::parts(parts),
        modifiers: convert::modifiers(&drain.target.modifiers),
        breakdown: drain.target.breakdown(),
        marked: true,
    })
}

/// Whether the drain knocks the caster out, who then sustains nothing.
pub fn knocks_out(caster: &Sheet, drain: &Drain, notes: &mut Vec<String>) -> bool {
    let mut after = caster.clone();
    damage::mark(&mut after, drain.damage_taken, drain.damage_type == "stun");
    let is_out = after.condition() != "acting";
    if is_out {
        notes.push("the drain knocks the caster out: nothing is sustained".to_owned());
    }
    is_out
}
