//! The rounds of a fight as players call them: it begins, somebody waits, it ends. And what mends its damage: first aid,
//! rest, a fresh clip.

use serde_json::{Value, json};

use super::{
    attack::{move_of, targets},
    conversation, fight, fight_text,
    foes::{self, Foe},
    phrases,
    plan::{Answer, Call, Step, Table, actor, call, checked, light_level, names, pace, reason},
    sheet::{self, Weapon},
    understand::WeaponSaid,
};

/// Foes who come at once.
const MAX_FOES: u32 = 10;

/// The foes that a message names, with the names they get in the scene.
fn new_foes(table: &Table<'_>) -> Vec<Foe> {
    let mut known = foes::of_scene(&table.request.scene);
    let mut new = Vec::new();
    for (kind, count) in &table.meaning.details.foes {
        for name in foes::name_all(&known, kind, (*count).min(MAX_FOES)) {
            known.push(Foe::new(&name));
            new.push(Foe::new(&name));
        }
    }
    new
}

/// The scene with new foes in it, and with what else was told of it. Whoever joins others at a distance of his own has that
/// to himself.
fn foes_call(table: &Table<'_>, new: &[Foe]) -> Result<Call, String> {
    let details = &table.meaning.details;
    let stands_apart = foes::of_scene(&table.request.scene).iter().any(Foe::is_up)
        && details.distance.is_some_and(|distance| table.scene_distance().is_some_and(|known| known != distance));
    let note = details.distance.filter(|_| stands_apart).map(foes::distance_note);
    let list: Vec<Value> = new
        .iter()
        .map(|foe| json!({"name": foe.name, "physical": 0, "stun": 0, "note": note}))
        .map(without_null)
        .collect();
    let mut arguments = json!({
        "foes": list, "location": details.location, "light_level": details.light.as_deref().and_then(light_level),
        "target_movement": details.movement.as_deref().and_then(pace),
    });
    if let [only] = new
        && !stands_apart
    {
        arguments["target"] = only.name.as_str().into();
    }
    // Where nobody has named a distance, foes come up across a room.
    let known = table.scene_distance();
    let told = details.distance.filter(|_| !stands_apart);
    arguments["target_distance"] = told.or(known).unwrap_or(foes::USUAL_DISTANCE_M).into();
    checked(table, "update_scene", arguments)
}

/// Foes whom a message counts, "the two bouncers": those who are there, else as many new ones.
pub(super) fn counted(table: &Table<'_>) -> Vec<String> {
    let known = foes::of_scene(&table.request.scene);
    let such = |kind: &str, count: u32| -> Vec<String> {
        let there: Vec<String> = known
            .iter()
            .filter(|foe| foe.is_up() && std::ptr::eq(foe.kind(), foes::kind(kind)))
            .map(|foe| foe.name.clone())
            .take(count as usize)
            .collect();
        if there.is_empty() { foes::name_all(&known, kind, count.min(MAX_FOES)) } else { there }
    };
    table.meaning.details.foes.iter().flat_map(|(kind, count)| such(kind, *count)).collect()
}

fn without_null(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

/// Foes join the fight that goes on: they come into the scene, if they are new there, and roll initiative.
pub(super) fn join(table: &Table<'_>, foes: &[Foe]) -> Result<Vec<Call>, String> {
    let known = foes::of_scene(&table.request.scene);
    let new: Vec<Foe> = foes.iter().filter(|foe| foes::find(&known, &foe.name).is_none()).cloned().collect();
    let mut calls = Vec::new();
    if !new.is_empty() {
        calls.push(foes_call(table, &new)?);
    }
    let participants: Vec<Value> = foes.iter().map(participant).collect();
    let id = fight::running_id(table);
    calls.push(checked(table, "join_combat", json!({"combat_id": id, "participants": participants}))?);
    Ok(calls)
}

fn participant(foe: &Foe) -> Value {
    let kind = foe.kind();
    json!({
        "name": foe.name, "reaction": kind.reaction, "initiative_dice": kind.initiative_dice,
        "physical": foe.physical, "stun": foe.stun,
    })
}

/// Foes appear; nothing is rolled yet, unless a fight goes on that they join.
pub(super) fn meet_foes(table: &Table<'_>) -> Answer {
    if fight::running_id(table).is_some() {
        return start_fight(table);
    }
    let new = new_foes(table);
    if new.is_empty() || !table.offers("update_scene") {
        return Err(phrases::NO_SCENE.to_owned());
    }
    Ok(Step::Call { lead: String::new(), calls: vec![foes_call(table, &new)?] })
}

/// Everybody at the table and every foe who is up rolls initiative; where a fight goes on, those who are new to it.
pub(super) fn start_fight(table: &Table<'_>) -> Answer {
    let characters = names(table.request);
    if characters.is_empty() {
        return Err(phrases::no_character());
    }
    let new = new_foes(table);
    if let Some(id) = fight::running_id(table) {
        return match new.is_empty() {
            true => call(table, String::new(), "get_combat", json!({"combat_id": id})),
            false => Ok(Step::Call { lead: table.pick(phrases::LEAD_INITIATIVE), calls: join(table, &new)? }),
        };
    }
    let mut foes = foes::of_scene(&table.request.scene);
    foes.retain(Foe::is_up);
    let is_known = |name: &str| foes.iter().chain(&new).any(|foe| foe.name.eq_ignore_ascii_case(name));
    let target = table.meaning.details.target.as_deref().or_else(|| table.scene("target"));
    let target =
        target.filter(|name| new.is_empty() && foes.is_empty() && !table.is_character(name) && !is_known(name));
    let target: Vec<Foe> = target.map(|name| Foe::new(&foes::singular(foes::bare(name)))).into_iter().collect();
    foes.extend(new.iter().cloned().chain(target.iter().cloned()));
    if foes.is_empty() {
        return Err(fight_text::ASK_FOES.to_owned());
    }
    let participants: Vec<Value> =
        characters.iter().map(|name| json!({"name": name})).chain(foes.iter().map(participant)).collect();
    let mut calls = Vec::new();
    if !new.is_empty() || !target.is_empty() {
        calls.push(foes_call(table, &[new, target].concat())?);
    }
    calls.push(checked(table, "start_combat", json!({"participants": participants}))?);
    Ok(Step::Call { lead: table.pick(phrases::LEAD_INITIATIVE), calls })
}

/// Who acts when, by the tracker.
pub(super) fn order(table: &Table<'_>) -> Answer {
    let Some(id) = fight::running_id(table) else { return Err(fight_text::NO_FIGHT.to_owned()) };
    call(table, String::new(), "get_combat", json!({"combat_id": id}))
}

/// The fight is over because the players say so.
pub(super) fn end_fight(table: &Table<'_>) -> Answer {
    let Some(id) = fight::running_id(table) else { return Err(fight_text::NO_FIGHT.to_owned()) };
    let forget = json!({"forget": ["combat_id", "target", "target_movement"]});
    let calls = vec![checked(table, "update_scene", forget)?, checked(table, "end_combat", json!({"combat_id": id}))?];
    Ok(Step::Call { lead: String::new(), calls })
}

/// Whoever has the move lets it go by.
pub(super) fn pass(table: &Table<'_>) -> Answer {
    let Some(id) = fight::running_id(table) else { return Err(table.pick(phrases::NODS)) };
    match fight::standing(table) {
        None => call(table, String::new(), "get_combat", json!({"combat_id": id})),
        Some(_) if table.done().iter().any(|done| done.tool == "next_actor") => {
            Ok(Step::Say(super::narrate::end(table)))
        }
        Some(standing) if standing.is_running => {
            let lead = fight_text::lead_pass(standing.actor);
            call(table, lead, "next_actor", json!({"combat_id": id}))
        }
        Some(_) => end_fight(table),
    }
}

/// First aid by the one who acts, to whoever is named, or to himself.
pub(super) fn first_aid(table: &Table<'_>) -> Answer {
    let healer = actor(table)?;
    if let Some(step) = move_of(table, &healer)? {
        return Ok(step);
    }
    let said = targets(table, table.meaning.details.target.as_deref()).unwrap_or_default();
    let patient = said.into_iter().find(|name| table.is_character(name)).unwrap_or_else(|| healer.clone());
    let lead = fight_text::lead_first_aid(&healer, &patient);
    let arguments = json!({"character_name": patient, "healer_name": healer, "reason": reason(table)});
    call(table, lead, "first_aid", arguments)
}

/// A night's rest: the body heals itself, Stun first.
pub(super) fn rest(table: &Table<'_>) -> Answer {
    if fight::running_id(table).is_some() {
        return Err(fight_text::NO_REST.to_owned());
    }
    let name = match actor(table) {
        Ok(name) if !table.meaning.is_for_all => vec![name],
        Err(question) if table.request.characters.is_empty() => return Err(question),
        _ => names(table.request).into_iter().map(str::to_owned).collect(),
    };
    let kind = if table.meaning.details.is_long { "physical" } else { "stun" };
    let calls = name.iter().map(|name| checked(table, "heal", json!({"character_name": name, "damage_type": kind})));
    Ok(Step::Call { lead: table.pick(fight_text::LEAD_REST), calls: calls.collect::<Result<_, _>>()? })
}

/// A fresh clip for the weapon that is named, or that was fired last, or the only one there is.
pub(super) fn reload(table: &Table<'_>) -> Answer {
    let name = actor(table)?;
    if let Some(step) = move_of(table, &name)? {
        return Ok(step);
    }
    let said = table.meaning.details.weapon.clone();
    let said = said.or_else(|| conversation::weapon_at_hand(&table.turns, &names(table.request), &name));
    let weapon = match (said, table.done().iter().find(|done| done.tool == "get_character")) {
        (Some(WeaponSaid::Named(weapon)), _) => weapon,
        (_, None) => {
            let lead = phrases::lead_weapon(table.variety());
            return call(table, lead, "get_character", json!({"character_name": name}));
        }
        (said, Some(sheet)) => {
            let guns: Vec<Weapon> = sheet::weapons(sheet.result);
            super::attack::choose_weapon(said.as_ref(), &guns, &name)?
        }
    };
    let arguments = json!({"character_name": name, "weapon_name": weapon});
    call(table, fight_text::lead_reload(&weapon), "reload", arguments)
}
