//! Areas of shots, blows, damage and barriers.

use serde_json::{Value, json};

use super::RuleError;
use super::input::Input;
use crate::UnknownName;
use crate::shadowrun2::barriers::{BarrierDamage, break_barrier, fire_through};
use crate::shadowrun2::damage::{
    self, Ammunition, Armor, CALLED_SHOT_MODIFIER, DamageCode, EXPLOSIVE_POWER, FiringMode, Grenade, Staged,
    burst_damage, called_shot_damage, is_complete_miss, resistance_target_number, shot_damage, stage,
};
use crate::shadowrun2::range::{CLASSES, RangeCategory, WeaponClass, range_category};
use crate::shadowrun2::visibility::{Origin, Sight, Visibility};

/// Highest rating of image magnification.
const MAX_MAGNIFICATION: u32 = 3;

pub(super) fn ammo(input: &Input<'_>) -> Result<Value, RuleError> {
    if input.has("constant") {
        return input.choice("constant", &[("EX_AMMO_BONUS", EXPLOSIVE_POWER)]).map(Value::from);
    }
    let kinds = [
        ("flechette", Ammunition::Flechette),
        ("explosive", Ammunition::Explosive),
        ("gel", Ammunition::Gel),
        ("regular", Ammunition::Regular),
    ];
    let weapon: DamageCode = input.parsed("damage")?;
    let ammunition = input.choice("ammo", &kinds)?;
    let armor = Armor { ballistic: input.count_or_none("ballistic")?, impact: input.count_or_none("impact")? };
    let shot = shot_damage(weapon, ammunition, armor);
    Ok(json!({ "damage": shot.damage, "resist_tn": shot.resist_tn }))
}

pub(super) fn barrier(input: &Input<'_>) -> Result<Value, RuleError> {
    let power = input.count("power")?;
    if input.has("firing_through_rating") {
        let shot = fire_through(input.count("firing_through_rating")?, input.count_or_none("armor")?, power, false);
        return Ok(json!(shot));
    }
    Ok(match break_barrier(input.at_least_one("adjusted_rating")?, power) {
        BarrierDamage::None => json!("no effect"),
        BarrierDamage::Weakened => json!("rating -1"),
        BarrierDamage::Broken { half_metres, rating_lost } => {
            json!({ "hole_m": f64::from(half_metres) / 2.0, "rating_lost": rating_lost })
        }
    })
}

pub(super) fn base_tn(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(input.word("range_category", RangeCategory::parse)?.base_target_number()))
}

pub(super) fn called_shot(input: &Input<'_>) -> Result<Value, RuleError> {
    let damage = called_shot_damage(input.parsed("damage")?);
    Ok(json!({ "damage": damage, "tn_modifier": CALLED_SHOT_MODIFIER }))
}

pub(super) fn complete_miss(input: &Input<'_>) -> Result<Value, RuleError> {
    let attacker = input.count("attacker_successes")?;
    let defender = input.count("defender_combat_pool_successes")?;
    Ok(json!(if is_complete_miss(attacker, defender) { "complete miss" } else { "hit" }))
}

pub(super) fn damage_staging(input: &Input<'_>) -> Result<Value, RuleError> {
    let base = input.level("base_level")?;
    Ok(match stage(base, input.count("attacker_successes")?, input.count("defender_successes")?) {
        Staged::Miss => json!("miss"),
        Staged::None => json!("none"),
        Staged::Wound(level) => json!(level.letter()),
    })
}

pub(super) fn firearm_mode(input: &Input<'_>) -> Result<Value, RuleError> {
    let modes = [
        ("BF", FiringMode::BurstFire),
        ("FA", FiringMode::FullAutomatic),
        ("SA", FiringMode::SemiAutomatic),
        ("SS", FiringMode::SingleShot),
        ("burst fire", FiringMode::BurstFire),
        ("full auto", FiringMode::FullAutomatic),
        ("semi-automatic", FiringMode::SemiAutomatic),
        ("single shot", FiringMode::SingleShot),
    ];
    let damage = burst_damage(input.parsed("damage")?, input.choice("mode", &modes)?, input.count("rounds")?);
    damage.map(|damage| json!(damage)).map_err(|error| input.refused(error))
}

pub(super) fn grenade_blast(input: &Input<'_>) -> Result<Value, RuleError> {
    let types =
        [("offensive", Grenade::Offensive), ("defensive", Grenade::Defensive), ("concussion", Grenade::Concussion)];
    Ok(json!(input.choice("type", &types)?.damage_at(input.count("distance_m")?)))
}

pub(super) fn knockdown(input: &Input<'_>) -> Result<Value, RuleError> {
    let wound = input.level("wound")?;
    let power = input.count_up_to("power", damage::MAX_POWER as u32)? as i32;
    let knockdown = damage::knockdown(DamageCode::physical(power, wound), wound, false);
    Ok(json!({ "body_test_tn": knockdown.body_test.target_number, "threshold": knockdown.threshold }))
}

pub(super) fn resist_tn(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(resistance_target_number(input.integer("power")?, input.count("armor")?)))
}

pub(super) fn range_bracket(input: &Input<'_>) -> Result<Value, RuleError> {
    Ok(json!(range(input)?))
}

pub(super) fn magnification(input: &Input<'_>) -> Result<Value, RuleError> {
    let rating = input.count_up_to("magnification", MAX_MAGNIFICATION)?;
    Ok(json!(range(input)?.map(|range| range.magnified(rating))))
}

/// The range of the distance; `None` beyond reach or below the minimum.
fn range(input: &Input<'_>) -> Result<Option<RangeCategory>, RuleError> {
    let class = weapon_class(input, false)?;
    Ok(range_category(class, input.count("distance_m")?, 0).ok())
}

pub(super) fn range_limits_strength(input: &Input<'_>) -> Result<Value, RuleError> {
    let class = weapon_class(input, true)?;
    Ok(json!(class.limits(input.count("strength")?)))
}

/// A weapon class whose ranges go by Strength, or do not.
fn weapon_class(input: &Input<'_>, per_strength: bool) -> Result<WeaponClass, RuleError> {
    input.word("weapon_class", |name| {
        let class = WeaponClass::parse(name).ok().filter(|class| class.row().per_strength == per_strength);
        let fitting = CLASSES.iter().filter(|row| row.per_strength == per_strength).map(|row| row.name);
        class.ok_or_else(|| UnknownName::new("weapon class", name, fitting))
    })
}

pub(super) fn visibility(input: &Input<'_>) -> Result<Value, RuleError> {
    let sights = [
        ("normal", Sight::Normal),
        ("cyber low-light", Sight::LowLight(Origin::Cybernetic)),
        ("natural low-light", Sight::LowLight(Origin::Natural)),
        ("cyber thermographic", Sight::Thermographic(Origin::Cybernetic)),
        ("natural thermographic", Sight::Thermographic(Origin::Natural)),
    ];
    let condition = input.word("condition", Visibility::parse)?;
    Ok(json!(condition.modifier(input.choice("vision", &sights)?)))
}
