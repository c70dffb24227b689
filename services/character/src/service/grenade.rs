//! Grenades: the throw, where it lands, and whom the blast reaches. Barriers, which may be in its way.

use proto::character::v1::{
    AttackBarrierRequest, AttackBarrierResponse, BlastVictim, Bystander, DicePoolBreakdown, Scatter,
    ThrowGrenadeRequest, ThrowGrenadeResponse,
};
use rules::shadowrun2::{
    DicePart,
    barriers::{self, BarrierDamage, Strike},
    damage::{DamageCode, Grenade, GrenadeDelivery},
    range::WeaponClass,
    ranged::{self, Magnification, RangedTarget, Situation},
};
use tonic::Status;

use super::{Characters, RULES, attack, convert, edit::Edit, refuse, roll, skill};
use crate::{
    conditions, names,
    sheet::{Attribute, Pool, Sheet, to_i32},
};

/// Degrees between two of the six ways a grenade may scatter. Ours: the book shows the ways in a picture.
const SCATTER_STEP: u32 = 60;

/// Throws or fires a grenade.
pub async fn throw(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: ThrowGrenadeRequest,
) -> Result<ThrowGrenadeResponse, Status> {
    let grenade = match request.grenade.as_str() {
        "offensive" => Grenade::Offensive,
        "defensive" => Grenade::Defensive,
        _ => Grenade::Concussion,
    };
    let word = request.delivery.clone().unwrap_or_else(|| "thrown".to_owned());
    let (delivery, class) = match word.as_str() {
        "thrown" => (GrenadeDelivery::Thrown, WeaponClass::ThrownGrenade),
        "aerodynamic" => (GrenadeDelivery::Aerodynamic, WeaponClass::AerodynamicGrenade),
        _ => (GrenadeDelivery::Launched, WeaponClass::GrenadeLauncher),
    };
    let sheet = &edit.sheet;
    let name = sheet.street_name.clone();
    let skill = skill::dice_for(sheet, class.row().skill)?;
    let combat_pool = attack::combat_pool(sheet, &skill, request.combat_pool.unwrap_or_default())?;
    let pool = skill.dice + combat_pool;
    if pool == 0 {
        return Err(refuse(format!("{name} has no dice for {}", skill.rolled)));
    }
    let situation = Situation {
        attacker_movement: request.attacker_movement.as_deref().and_then(conditions::movement),
        wounds: sheet.wounds(),
        sustained_spells: sheet.sustained_count(),
        vision: sheet.vision(),
        visibility: attack::sight(request.light_level.as_deref(), &request.conditions),
        skill: Some(skill.dice),
        other: [
            skill.default_modifier().into_iter().collect(),
            skill::sheet_modifiers(sheet, &skill.rolled),
            skill::given_modifier(request.modifier, request.modifier_reason.clone()).into_iter().collect(),
        ]
        .concat(),
        ..Situation::default()
    };
    let strength = sheet.attribute(Attribute::Strength);
    let magnification = Magnification::default();
    let RangedTarget { range, target, .. } =
        ranged::ranged_attack(class, request.target_distance, strength, magnification, &situation)
            .map_err(|error| refuse(format!("a {word} grenade: {error}; nothing was rolled")))?;
    let mut notes = Vec::new();
    let carried = carried(sheet, &request.grenade)?;

    let cause = request.reason.clone().unwrap_or_else(|| format!("{name} throws a grenade"));
    let rolled = dice.test(pool, target.target_number, &cause).await?;
    let successes = rolled.successes();
    let scatter = scatter(delivery, successes, dice, &cause).await?;
    if rolled.all_ones() {
        notes.push("all dice show 1: a disaster, which the game master tells".to_owned());
    }
    notes.push("the way it scatters is one of six by 1D6 (ours); 0 degrees is straight on from the thrower".to_owned());

    let blast: Vec<String> = (0..).map_while(|metres| grenade.damage_at(metres)).map(|code| code.to_string()).collect();
    let victims: Vec<BlastVictim> =
        request.bystanders.iter().map(|bystander| victim(grenade, &scatter, bystander)).collect();
    let mut parts = skill.parts;
    if combat_pool > 0 {
        parts.push(DicePart { source: "Combat Pool".to_owned(), dice: to_i32(combat_pool) });
    }
    if carried.is_none() {
        notes.push("no such grenade is on the sheet; the rule book's figures were used".to_owned());
    }
    let hurt: Vec<String> = victims
        .iter()
        .filter(|victim| !victim.damage_code.is_empty())
        .map(|victim| format!("{} resists {} at {} m", victim.name, victim.damage_code, victim.distance))
        .collect();
    let landing = match scatter.distance {
        0 => "lands where it was aimed".to_owned(),
        metres => format!("lands {metres} m off, at {} degrees", scatter.bearing),
    };
    let summary = format!(
        "{name} sends the {} grenade ({word}) {} m: {pool} dice against {}, {}: it {landing}{}{}",
        request.grenade,
        request.target_distance,
        target.target_number,
        roll::count(successes),
        if hurt.is_empty() { "" } else { "; " },
        hurt.join(", ")
    );
    let breakdown = format!("{}; {}", attack::rolled_dice(&parts, pool), target.breakdown());
    let is_fight = combat_pool > 0 && edit.sheet.combat_id.is_some();
    if is_fight {
        edit.sheet.spend_pool(Pool::Combat, combat_pool);
    }
    if let Some(index) = carried {
        edit.sheet.gear[index].quantity -= 1;
        if edit.sheet.gear[index].quantity == 0 {
            edit.sheet.gear.remove(index);
        }
    } else if !is_fight {
        edit.changes_nothing();
    }
    edit.says(summary.clone());
    Ok(ThrowGrenadeResponse {
        character: name,
        grenade: request.grenade,
        delivery: word,
        target_distance: request.target_distance,
        range_category: range.word().to_owned(),
        base_tn: target.base,
        modifiers: convert::modifiers(&target.modifiers),
        final_tn: target.target_number,
        dice_pool_breakdown: Some(DicePoolBreakdown {
            skill: skill.dice,
            combat_pool,
            total: pool,
            skill_name: skill.rolled,
            parts: convert::parts(&parts),
        }),
        roll: Some(roll::plain(&rolled)),
        successes,
        scatter: Some(scatter),
        damage_code: grenade.damage().to_string(),
        blast,
        victims,
        on_sheet: carried.is_some(),
        breakdown,
        summary,
        rules: RULES.to_owned(),
        notes,
        revision: edit.revision,
        reason: request.reason,
    })
}

/// The grenade on the sheet that is used, if there is one of its kind.
fn carried(sheet: &Sheet, kind: &str) -> Result<Option<usize>, Status> {
    let is_meant = |name: &str| names::is_part("grenade", name) && names::is_part(kind, name);
    let Some(index) = sheet.gear.iter().position(|gear| is_meant(&gear.gear_name)) else { return Ok(None) };
    if sheet.gear[index].quantity == 0 {
        return Err(refuse(format!("{} has no {} left", sheet.street_name, sheet.gear[index].gear_name)));
    }
    Ok(Some(index))
}

/// Rolls where the grenade lands.
async fn scatter(
    delivery: GrenadeDelivery,
    successes: u32,
    dice: &mut roll::Dice,
    cause: &str,
) -> Result<Scatter, Status> {
    let (rolled, roll_id) = dice.sum(delivery.scatter_dice(), &format!("{cause}: scatter")).await?;
    let sum: i32 = rolled.iter().sum();
    let reduction = delivery.scatter_reduction(successes);
    let distance = u32::try_from(sum).unwrap_or_default().saturating_sub(reduction);
    let mut scatter = Scatter { rolls: rolled, reduction, distance, bearing: 0, roll_ids: vec![roll_id] };
    if distance > 0 {
        let (way, roll_id) = dice.sum(1, &format!("{cause}: the way it scatters")).await?;
        let face = way.first().copied().unwrap_or(1);
        scatter.bearing = u32::try_from(face - 1).unwrap_or_default() * SCATTER_STEP;
        scatter.roll_ids.push(roll_id);
    }
    Ok(scatter)
}

/// What the blast does to somebody near the point aimed at.
fn victim(grenade: Grenade, scatter: &Scatter, bystander: &Bystander) -> BlastVictim {
    let place = |distance: u32, bearing: u32| {
        let (sine, cosine) = f64::from(bearing).to_radians().sin_cos();
        (f64::from(distance) * sine, f64::from(distance) * cosine)
    };
    let (x, y) = place(bystander.distance.unwrap_or_default(), bystander.bearing.unwrap_or_default());
    let (burst_x, burst_y) = place(scatter.distance, scatter.bearing);
    let metres = (x - burst_x).hypot(y - burst_y).round();
    // At most 1,018 m, and never negative.
    let distance = metres as u32;
    let code = grenade.damage_at(distance).map(|code| code.to_string()).unwrap_or_default();
    BlastVictim { name: bystander.name.clone(), distance, damage_code: code }
}

/// What an attack does to a barrier.
pub async fn barrier(_service: &Characters, request: AttackBarrierRequest) -> Result<AttackBarrierResponse, Status> {
    let rating = match (&request.material, request.rating) {
        (Some(material), None) => barriers::barrier_rating(material).map_err(|error| refuse(error.to_string()))?,
        (None, Some(rating)) => rating,
        _ => return Err(refuse("give either `material` or `rating`")),
    };
    let power = match (request.power, &request.damage_code) {
        (Some(power), None) => power,
        (None, Some(code)) => {
            let code: DamageCode = code.parse().map_err(|error| refuse(format!("{error}")))?;
            u32::try_from(code.power).unwrap_or_default()
        }
        _ => return Err(refuse("give either `power` or `damage_code`")),
    };
    let strike = match request.strike.as_deref() {
        Some("placed") => Strike::Placed,
        _ => Strike::Blow,
    };
    let door = request.door.as_deref().unwrap_or("none");
    let is_security = door == "security";
    let adjusted = barriers::adjusted_rating(rating, strike, is_security);
    let outcome = barriers::break_barrier(adjusted, power);
    let (word, rating_lost, hole) = match outcome {
        BarrierDamage::None => ("none", 0, 0.0),
        BarrierDamage::Weakened => ("weakened", 1, 0.0),
        BarrierDamage::Broken { half_metres, rating_lost } => ("broken", rating_lost, f64::from(half_metres) / 2.0),
    };
    let rating_lost = rating_lost.min(rating);
    let rating_left = rating - rating_lost;
    let opens = match door {
        "plain" => rating_left <= rating / 2,
        "security" => rating_left == 0,
        _ => false,
    };
    let doubled = match (strike, is_security) {
        (Strike::Blow, true) => "twice for a security door, twice again for a blow",
        (Strike::Blow, false) => "twice for a blow",
        (Strike::Placed, true) => "twice for a security door",
        (Strike::Placed, false) => "plain for what is placed",
    };
    let does = match word {
        "none" => "nothing happens: the Power is below half of it".to_owned(),
        "weakened" => format!("it holds, and its rating is {rating_left} now"),
        _ => format!("a hole of {hole} m, and its rating is {rating_left} now"),
    };
    Ok(AttackBarrierResponse {
        rating,
        adjusted_rating: adjusted,
        power,
        outcome: word.to_owned(),
        rating_lost,
        rating_left,
        hole,
        opens,
        breakdown: format!("rating {rating}, {doubled} = {adjusted} against Power {power}"),
        summary: format!("Power {power} against {adjusted}: {does}{}", if opens { "; the door opens" } else { "" }),
        rules: RULES.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blast_counts_from_where_the_grenade_lands() {
        let scatter = Scatter { distance: 3, bearing: 180, ..Scatter::default() };
        let at = |distance, bearing| {
            let bystander = Bystander { name: "x".into(), distance: Some(distance), bearing: Some(bearing) };
            victim(Grenade::Offensive, &scatter, &bystander)
        };
        assert_eq!((at(0, 0).distance, at(0, 0).damage_code.as_str()), (3, "7S"));
        assert_eq!(at(3, 180).damage_code, "10S");
        assert_eq!((at(4, 90).distance, at(20, 0).damage_code.as_str()), (5, ""));
    }
}
