//! Deeds that are only asked about: what they would need. Nothing here is done, and no dice fall.

use rules::shadowrun2::{range::range_category, weapons::find_weapon};
use serde_json::json;

use super::{
    conversation::{self, Done},
    phrases::{self, capital},
    plan::{Answer, Step, Table, call, light_level, names, pace},
    sheet::text,
    understand::{Action, WeaponSaid},
};

/// A question about a deed of which no rule tells more.
const ONLY_ASKED: &str = "You only ask, so nothing is done. Say it as a deed, and I roll.";
/// A shot of which too little is known.
const ASK_SHOT: &str =
    "How far is it, and with what weapon? With both, or with the range, I tell you the target number.";
/// No gun carries so far.
const OUT_OF_RANGE: &str = "That is beyond the reach of this weapon.";

/// What a deed would need.
pub(super) fn answer(table: &Table<'_>, deed: &Action) -> Answer {
    if table.result("apply_rule").is_some() {
        return Ok(Step::Say(super::narrate::end(table)));
    }
    let light = table.meaning.details.light.as_deref().and_then(light_level);
    match (deed, light) {
        (Action::Attack, _) => shot(table),
        (Action::Scene, Some(light)) => darkness(table, &light),
        (Action::SkillTest(name) | Action::AttributeTest(name), _) => {
            Err(format!("That would be a test of {}. {ONLY_ASKED}", capital(name)))
        }
        (Action::Free, _) => Err(phrases::not_understood(table.variety(), &table.request.characters)),
        _ => Err(ONLY_ASKED.to_owned()),
    }
}

/// The target number of a shot by range, light, movement and aim; what only a sheet knows is left out.
fn shot(table: &Table<'_>) -> Answer {
    let details = &table.meaning.details;
    let own = table.turns.last().and_then(|turn| turn.character).unwrap_or_default();
    let at_hand = || conversation::weapon_at_hand(&table.turns, &names(table.request), own);
    let weapon = match details.weapon.clone().or_else(at_hand) {
        Some(WeaponSaid::Named(weapon)) => find_weapon(&weapon).ok(),
        Some(WeaponSaid::Kind(..)) | None => None,
    };
    let range = match (&details.range, weapon, details.distance.or_else(|| table.scene_distance())) {
        (Some(range), ..) => range.clone(),
        (None, Some(weapon), Some(distance)) => match range_category(weapon.class, distance, 0) {
            Ok(range) => range.word().to_owned(),
            Err(_) => return Err(OUT_OF_RANGE.to_owned()),
        },
        _ => return Err(ASK_SHOT.to_owned()),
    };
    let light = details.light.as_deref().or_else(|| table.scene("light_level")).and_then(light_level);
    let movement = details.movement.as_deref().or_else(|| table.scene("target_movement")).and_then(pace);
    let mut parameters = json!({
        "range": range, "attacker": {}, "defender": {},
        "situation": {"calledShot": details.is_called_shot, "aimActions": details.aim_actions.unwrap_or_default()},
    });
    let known = [
        ("/situation", "lightLevel", light),
        ("/situation", "cover", details.cover.clone()),
        ("/defender", "movement", movement),
        ("/attacker", "movement", details.own_movement.clone()),
    ];
    for (part, key, value) in known {
        if let (Some(part), Some(value)) = (parameters.pointer_mut(part), value) {
            part[key] = value.into();
        }
    }
    let input = json!({"situation": range, "parameters": parameters});
    call(table, table.pick(phrases::LEAD_RULES), "apply_rule", json!({"area": "ranged_tn", "input": input}))
}

/// What light does to a shot, for eyes without any help.
fn darkness(table: &Table<'_>, light: &str) -> Answer {
    let condition = match light {
        "PARTIAL" => "partial_light",
        "DIM" => "minimal_light",
        "DARK" => "full_darkness",
        _ => return Err("Good light makes no shot harder.".to_owned()),
    };
    let input = json!({"condition": condition, "vision": "normal"});
    call(table, table.pick(phrases::LEAD_RULES), "apply_rule", json!({"area": "visibility", "input": input}))
}

/// What the rule has answered.
pub(super) fn told(done: &Done<'_>) -> String {
    let Some(number) = text(done.result, "result") else { return String::new() };
    if done.arguments.get("area").is_some_and(|area| area == "visibility") {
        let condition = done.arguments.get("input").and_then(|input| text(input, "condition")).unwrap_or_default();
        return format!("In {}, a shot is {number} harder for eyes without any help.", condition.replace('_', " "));
    }
    let range = done.arguments.get("input").and_then(|input| text(input, "situation")).unwrap_or_default();
    format!(
        "At {range} range that would need {number}, without what your sheet adds or takes off: smartlink, eyes, wounds. Say it as a \
         deed, and I roll."
    )
}
