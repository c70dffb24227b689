//! Healing: the body's own, first aid, and what is cleared outright.

use proto::character::v1::{FirstAidRequest, FirstAidResponse, HealRequest, HealResponse};
use rules::shadowrun2::{
    Modifier, TargetNumber,
    condition::Level,
    healing::{self, FirstAidSituation},
    success_test::task_time,
};
use tonic::Status;

use super::{Characters, convert, damage, edit::Edit, refuse, roll, skill};
use crate::sheet::{Attribute, Sheet};

/// What a full track adds to recovering from it: the book's table has no figure. Ours: as Serious.
const FULL_TRACK: i32 = 3;

/// Heals boxes outright, or by the body's own test.
pub async fn heal(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: HealRequest,
) -> Result<HealResponse, Status> {
    let damage_type = request.damage_type.unwrap_or_else(|| "physical".to_owned());
    let is_stun = damage_type == "stun";
    let monitor = edit.sheet.condition_monitor;
    let name = edit.sheet.street_name.clone();
    let filled = if is_stun { monitor.stun } else { monitor.physical + monitor.overflow };
    if filled == 0 {
        return Err(refuse(format!("{name} has no {damage_type} damage")));
    }
    if request.boxes.is_none() && edit.sheet.condition() == "dead" {
        return Err(refuse(format!("{name} is dead: nothing heals by itself")));
    }
    let mut answer = HealResponse { character: name.clone(), damage_type, ..HealResponse::default() };
    if let Some(boxes) = request.boxes {
        answer.healed = boxes.min(filled);
        clear(&mut edit.sheet, answer.healed, is_stun);
        answer.message = format!("{name} heals {}", damage::counted(answer.healed, &answer.damage_type));
    } else {
        let (pool, target) = own_test(&edit.sheet, is_stun, &mut answer.notes);
        let cause = request.reason.unwrap_or_else(|| format!("{name} recovers"));
        let rolled = dice.test(pool.max(1), target.target_number, &cause).await?;
        answer.successes = rolled.successes();
        answer.dice_pool = pool;
        answer.target_number = target.target_number;
        answer.modifiers = convert::modifiers(&target.modifiers);
        answer.roll = Some(roll::plain(&rolled));
        let (healed, time) = outcome(&edit.sheet, is_stun, answer.successes);
        clear(&mut edit.sheet, healed, is_stun);
        // That takes days, and first aid helps within the hour.
        edit.sheet.first_aid_over |= healed > 0 && !is_stun && edit.sheet.condition_monitor.physical > 0;
        answer.healed = healed;
        answer.time = time;
        answer.message = if healed == 0 {
            format!("{name} does not recover: no success")
        } else {
            format!("{name} heals {} in {}", damage::counted(healed, &answer.damage_type), answer.time)
        };
    }
    if answer.healed == 0 {
        edit.changes_nothing();
    }
    edit.says(answer.message.clone());
    answer.condition = Some(damage::condition(&edit.sheet));
    answer.revision = edit.revision;
    Ok(answer)
}

/// Takes boxes off a track; Physical overflow first.
pub fn clear(sheet: &mut Sheet, boxes: u32, is_stun: bool) {
    if boxes > 0 && !is_stun {
        (sheet.stabilised, sheet.bled_minutes) = (false, 0);
    }
    let monitor = &mut sheet.condition_monitor;
    if is_stun {
        monitor.stun = monitor.stun.saturating_sub(boxes);
    } else {
        let of_overflow = boxes.min(monitor.overflow);
        monitor.overflow -= of_overflow;
        monitor.physical = monitor.physical.saturating_sub(boxes - of_overflow);
        sheet.first_aid_over &= sheet.condition_monitor.physical > 0;
    }
}

/// Dice and target number of the body's own recovery.
fn own_test(sheet: &Sheet, is_stun: bool, notes: &mut Vec<String>) -> (u32, TargetNumber) {
    let body = sheet.attribute(Attribute::Body);
    if !is_stun {
        let level = Level::of_boxes(sheet.condition_monitor.physical).unwrap_or(Level::Light);
        let stage = healing::healing_stage(level);
        let base = i32::try_from(stage.target_number).unwrap_or(i32::MAX);
        return (body, TargetNumber::new(base, format!("{level} wound"), Vec::new()));
    }
    let wounds = sheet.wounds();
    let modifiers = [("Physical", wounds.physical), ("Stun", wounds.stun)].into_iter().filter_map(|(track, level)| {
        let level = level?;
        let value = level.wound_modifier().unwrap_or(FULL_TRACK);
        Some(Modifier::new("wound", value, format!("{level} wound, {track}")))
    });
    if wounds.physical == Some(Level::Deadly) || wounds.stun == Some(Level::Deadly) {
        notes.push(format!("a full track counts {FULL_TRACK}: the rule book has no figure for it"));
    }
    (body.max(sheet.attribute(Attribute::Willpower)), healing::stun_recovery(modifiers.collect()))
}

/// Boxes healed with so many successes, and the time that took.
fn outcome(sheet: &Sheet, is_stun: bool, successes: u32) -> (u32, String) {
    if successes == 0 {
        return (0, String::new());
    }
    if is_stun {
        let minutes = task_time(healing::STUN_BASE_MINUTES, u64::from(successes)).unwrap_or_default();
        return (1, format!("{minutes} minutes"));
    }
    let (healed, level) = one_level(sheet);
    let time = healing::healing_time(healing::healing_stage(level), u64::from(successes));
    (healed, time.map(|time| time.to_string()).unwrap_or_default())
}

/// Boxes that take a Physical wound down to the level below, and its level.
fn one_level(sheet: &Sheet) -> (u32, Level) {
    let monitor = sheet.condition_monitor;
    let level = Level::of_boxes(monitor.physical).unwrap_or(Level::Light);
    let below = level.shifted(-1).map_or(0, Level::boxes);
    (monitor.physical + monitor.overflow - below, level)
}

/// First aid of one character to another.
pub async fn first_aid(
    service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: FirstAidRequest,
) -> Result<FirstAidResponse, Status> {
    let healer = service.find(&request.healer_name).await?.sheet;
    let sheet = &edit.sheet;
    let (patient, monitor) = (sheet.street_name.clone(), sheet.condition_monitor);
    let level = Level::of_boxes(monitor.physical)
        .ok_or_else(|| refuse(format!("{patient} has no Physical wound; Stun passes by itself (heal)")))?;
    if sheet.condition() == "dead" {
        return Err(refuse(format!("{patient} is dead: first aid cannot help")));
    }
    if sheet.first_aid_over {
        return Err(refuse(format!(
            "first aid cannot help {patient} any more: it helps once, within an hour of the wound and before healing by \
             rest; heal lets the body heal, cast_spell heals by magic"
        )));
    }
    let situation = FirstAidSituation {
        body: sheet.attribute(Attribute::Body),
        magician: sheet.magic() > 0,
        no_medkit: request.no_medkit.unwrap_or_default(),
    };
    let rule = healing::first_aid(level, situation);
    let skill = skill::dice_for(&healer, "Biotech")?;
    let mut modifiers = rule.target.modifiers;
    modifiers.extend(skill.default_modifier());
    modifiers.extend(healer.wounds().modifiers().map_err(|error| refuse(error.to_string()))?);
    modifiers.extend(skill::sustained_modifier(&healer));
    modifiers.extend(skill::sheet_modifiers(&healer, &skill.rolled));
    modifiers.extend(skill::given_modifier(request.modifier, None));
    let target = TargetNumber::new(rule.target.base, rule.target.base_explanation, modifiers);
    let cause = request.reason.unwrap_or_else(|| format!("{} gives {patient} first aid", healer.street_name));
    let rolled = dice.test(skill.dice.max(1), target.target_number, &cause).await?;
    let successes = rolled.successes();

    let mut notes = vec!["first aid helps once, within an hour of the wound".to_owned()];
    let mut healed = 0;
    let mut stabilises = false;
    let mut time = String::new();
    let message = if successes == 0 {
        format!("{} cannot help {patient}", healer.street_name)
    } else if level == Level::Deadly {
        notes.push(
            "a Deadly wound is only stabilised: the bleeding stops; how long that takes is the game master's"
                .to_owned(),
        );
        stabilises = true;
        format!("{} stabilises {patient}", healer.street_name)
    } else {
        healed = one_level(sheet).0;
        let minutes = rule.minutes.and_then(|minutes| task_time(u64::from(minutes), u64::from(successes)));
        time = minutes.map(|minutes| format!("{minutes} minutes")).unwrap_or_default();
        format!(
            "{} heals {healed} {} of {patient} in {time}",
            healer.street_name,
            if healed == 1 { "box" } else { "boxes" }
        )
    };
    if stabilises {
        (edit.sheet.stabilised, edit.sheet.bled_minutes) = (true, 0);
    } else if healed == 0 {
        edit.changes_nothing();
    }
    clear(&mut edit.sheet, healed, false);
    edit.sheet.first_aid_over = edit.sheet.condition_monitor.physical > 0 && (stabilises || healed > 0);
    edit.says(message.clone());
    Ok(FirstAidResponse {
        character: patient,
        healer: healer.street_name.clone(),
        healed,
        target_number: target.target_number,
        modifiers: convert::modifiers(&target.modifiers),
        dice_pool: skill.dice,
        dice_parts: convert::parts(&skill.parts),
        roll: Some(roll::plain(&rolled)),
        successes,
        time,
        condition: Some(damage::condition(&edit.sheet)),
        message,
        notes,
        revision: edit.revision,
    })
}
