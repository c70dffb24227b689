//! Damage: resisted by the rules, or marked outright.

use proto::character::v1::{
    ApplyDamageRequest, ApplyDamageResponse, Condition, Knockdown, ResistDamageRequest, ResistDamageResponse,
};
use rules::shadowrun2::{
    Modifier,
    armor::{self, ArmorPiece, Defender},
    barriers,
    condition::{Level, Monitor},
    creation,
    damage::{self, Ammunition, DamageCode, Staged},
    melee, pools,
};
use tonic::Status;

use super::{Characters, RULES, attack, convert, edit::Edit, refuse, roll, sustaining};
use crate::sheet::{Attribute, Gear, Pool, Sheet, to_i32};

/// Resists an attack and marks what is left of it.
pub async fn resist(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: ResistDamageRequest,
) -> Result<ResistDamageResponse, Status> {
    let code: DamageCode =
        request.damage_code.parse().map_err(|error: damage::DamageCodeError| refuse(error.to_string()))?;
    let attacker = request.attacker_successes.unwrap_or(1);
    let is_melee = request.melee.unwrap_or_default();
    let is_gel = request.gel.unwrap_or_default();
    // In melee they are net ones, and a tie goes to the attacker.
    if attacker == 0 && !is_melee {
        return Err(refuse("0 successes of the attacker are a miss: there is nothing to resist"));
    }
    let (sheet, rules) = (&edit.sheet, &edit.rules);
    let name = sheet.street_name.clone();
    let combat_pool = request.combat_pool.unwrap_or_default();
    pools::combat_pool_for_resistance(sheet.pool_left(Pool::Combat))
        .check(combat_pool)
        .map_err(|error| refuse(error.to_string()))?;
    let mut notes = Vec::new();
    let mut house = Vec::new();
    let is_impact = request.armor_type.as_deref().map_or(is_melee || is_gel, |armor_type| armor_type == "impact");
    let mut of_house = |rating: u32| {
        let ruled = rules.ballistic(rating);
        house.extend(ruled.rule.filter(|_| rating > 0));
        ruled.value
    };
    let rating = match request.armor {
        Some(rating) if is_impact => rating,
        Some(rating) => of_house(rating),
        None => {
            let worn = armor_on(sheet, &mut notes);
            if request.flechette.unwrap_or_default() {
                let worn = damage::Armor { ballistic: of_house(worn.ballistic), ..worn };
                damage::shot_damage(code, Ammunition::Flechette, worn).armor
            } else if is_impact {
                worn.impact
            } else {
                of_house(worn.ballistic)
            }
        }
    };
    let doubled = request.barrier_doubled.unwrap_or_default();
    let plain = request.barrier.unwrap_or_default();
    let barrier = if doubled { plain * 2 } else { plain };
    let power = u32::try_from(code.power).unwrap_or_default();
    if plain > 0 && barriers::fire_through(plain, rating, power, doubled).resist_tn.is_none() {
        return Err(refuse(format!("the barrier of {barrier} is above the Power of {code}: it stops the shot")));
    }
    let dermal = creation::find_metatype(&sheet.metatype).map_or(0, |metatype| metatype.dermal_armor);
    let defender = Defender { body: sheet.attribute(Attribute::Body), dermal, combat_pool };
    let mut test = armor::resistance_test(code, rating, defender);
    if barrier > 0 {
        let mut modifiers = test.target.modifiers;
        let twice = if doubled { format!(", twice {plain}") } else { String::new() };
        modifiers.push(Modifier::new("barrier", -to_i32(barrier), format!("barrier {barrier}{twice}")));
        test.target = rules::shadowrun2::TargetNumber::new(test.target.base, test.target.base_explanation, modifiers);
    }

    let cause = request.reason.clone().unwrap_or_else(|| format!("{name} resists {code}"));
    let rolled = dice.test(test.dice.total.max(1), test.target.target_number, &cause).await?;
    let successes = rolled.successes();
    let pool_successes = of_last_dice(&rolled, combat_pool);
    let complete_miss = !is_melee && damage::is_complete_miss(attacker, pool_successes);
    let wound = match damage::stage(code.level, attacker, successes) {
        _ if is_melee => melee::resisted_blow(code.level, attacker, successes),
        Staged::Wound(level) if !complete_miss => Some(level),
        _ => None,
    };
    let boxes = wound.map_or(0, Level::boxes);
    let knockdown = wound.map(|wound| {
        let rule = match request.attacker_strength {
            Some(strength) if is_melee => damage::melee_knockdown(strength, wound),
            _ => damage::knockdown(code, wound, is_gel),
        };
        Knockdown {
            target_number: rule.body_test.target_number,
            threshold: rule.threshold.unwrap_or_default(),
            always: rule.threshold.is_none(),
        }
    });

    let kind = if code.stun { "stun" } else { "physical" };
    let outcome = match wound {
        None if complete_miss => "a complete miss".to_owned(),
        None => "no damage".to_owned(),
        Some(level) => format!("a {level}{} wound, {}", if code.stun { " Stun" } else { "" }, counted(boxes, kind)),
    };
    let pool = test.dice.total;
    let summary = format!(
        "{name} resists {code}: {pool} dice against {}, {}: {outcome}",
        test.target.target_number,
        roll::count(successes)
    );
    let is_marked = request.apply.unwrap_or(true);
    let is_fight = combat_pool > 0 && sheet.combat_id.is_some();
    let breakdown = format!("{}; {}", attack::rolled_dice(&test.dice.parts, pool), test.target.breakdown());
    if is_marked && boxes > 0 {
        mark(&mut edit.sheet, boxes, code.stun);
    } else if !is_fight {
        edit.changes_nothing();
    }
    if is_fight {
        edit.sheet.spend_pool(Pool::Combat, combat_pool);
    }
    edit.says(summary.clone());
    if is_marked && boxes > 0 {
        notes.extend(sustaining::end_if_out_of_action(edit));
    }
    Ok(ResistDamageResponse {
        character: name,
        damage_code: code.to_string(),
        armor: rating + barrier,
        base_tn: test.target.base,
        modifiers: convert::modifiers(&test.target.modifiers),
        target_number: test.target.target_number,
        dice_pool: pool,
        dice_parts: convert::parts(&test.dice.parts),
        roll: Some(roll::plain(&rolled)),
        successes,
        attacker_successes: attacker,
        complete_miss,
        wound_level: wound.map(|level| level.letter().to_string()).unwrap_or_default(),
        boxes: if is_marked { boxes } else { 0 },
        damage_type: kind.to_owned(),
        knockdown,
        condition: Some(condition(&edit.sheet)),
        breakdown,
        summary,
        rules: RULES.to_owned(),
        house_rules: convert::house_rules(&house),
        notes,
        revision: edit.revision,
        reason: request.reason,
    })
}

/// Successes among the last so many dice of a roll.
fn of_last_dice(roll: &proto::dice::v1::RollDiceResponse, dice: u32) -> u32 {
    let last = roll.rolls.iter().rev().take(dice as usize);
    u32::try_from(last.filter(|total| **total >= roll.target_number).count()).unwrap_or(u32::MAX)
}

/// `1 box of stun`, `3 boxes physical`.
pub fn counted(boxes: u32, kind: &str) -> String {
    if boxes == 1 { format!("1 box {kind}") } else { format!("{boxes} boxes {kind}") }
}

/// What the armor that is worn makes together; of all on the sheet, where none is marked as worn.
pub fn armor_on(sheet: &Sheet, notes: &mut Vec<String>) -> damage::Armor {
    let all: Vec<&Gear> = sheet.gear.iter().filter(|gear| gear.gear_type == "armor").collect();
    let marked: Vec<&Gear> = all.iter().copied().filter(|gear| gear.worn).collect();
    let pieces = if marked.is_empty() { &all } else { &marked };
    let worn = armor::worn(pieces.iter().map(|gear| ArmorPiece {
        name: "",
        ballistic: gear.ballistic_rating.unwrap_or_default(),
        impact: gear.impact_rating.unwrap_or_default(),
        layer: gear.armor_layer(),
    }));
    let names: Vec<&str> = pieces.iter().map(|gear| gear.gear_name.as_str()).collect();
    notes.push(if all.is_empty() {
        "there is no armor on the sheet".to_owned()
    } else if marked.is_empty() {
        format!(
            "armor as all of the sheet makes it, {}/{}; mark what is worn with wear_armor, or give `armor`",
            worn.ballistic, worn.impact
        )
    } else {
        format!("wears {}: {}/{}", names.join(", "), worn.ballistic, worn.impact)
    });
    worn
}

/// Marks boxes on the condition monitor.
pub fn mark(sheet: &mut Sheet, boxes: u32, is_stun: bool) {
    let monitor = sheet.condition_monitor;
    if boxes > 0 && !is_stun {
        // A new wound opens what was stopped, and may be treated.
        (sheet.stabilised, sheet.bled_minutes, sheet.first_aid_over) = (false, 0, false);
    }
    sheet.condition_monitor = if is_stun { monitor.with_stun(boxes) } else { monitor.with_physical(boxes) };
}

/// The condition monitor as the contract has it.
pub fn condition(sheet: &Sheet) -> Condition {
    let monitor: Monitor = sheet.condition_monitor;
    let modifiers = monitor.wounds().modifiers().unwrap_or_default();
    Condition {
        physical: monitor.physical,
        stun: monitor.stun,
        overflow: monitor.overflow,
        state: sheet.condition().to_owned(),
        wound_modifier: modifiers.iter().map(|modifier| modifier.value).sum(),
    }
}

/// Marks damage without a test.
pub fn apply(edit: &mut Edit, request: ApplyDamageRequest) -> Result<ApplyDamageResponse, Status> {
    let boxes = match (request.boxes, request.level.as_deref()) {
        (Some(boxes), None) => boxes,
        (None, Some(level)) => Level::parse(level).map_err(|error| refuse(error.to_string()))?.boxes(),
        _ => return Err(refuse("give either `boxes` or `level`")),
    };
    let damage_type = request.damage_type.unwrap_or_else(|| "physical".to_owned());
    mark(&mut edit.sheet, boxes, damage_type == "stun");
    let condition = condition(&edit.sheet);
    let mut message = format!(
        "{} takes {}: {} Physical, {} Stun, {}",
        edit.sheet.street_name,
        counted(boxes, &damage_type),
        condition.physical,
        condition.stun,
        condition.state
    );
    edit.says(message.clone());
    if let Some(ended) = sustaining::end_if_out_of_action(edit) {
        message += &format!("; {ended}");
    }
    Ok(ApplyDamageResponse {
        character: edit.sheet.street_name.clone(),
        boxes,
        damage_type,
        condition: Some(condition),
        message,
        revision: edit.revision,
    })
}
