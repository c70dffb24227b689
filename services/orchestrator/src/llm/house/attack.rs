//! Shots and blows: whose move it is, at whom, with what.

use serde_json::{Value, json};

use super::{
    conversation, fight, fight_text, foes,
    lexicon::{self, WeaponKind},
    phrases,
    plan::{Answer, Call, Step, Table, actor, call, checked, is_self, light_level, names, pace, reason, scene_call},
    rounds,
    sheet::{self, Weapon},
    understand::WeaponSaid,
};

/// Shots in one phase: each is a Simple Action.
const SHOTS_A_PHASE: usize = 2;

/// In a fight a deed waits for its character's move; the first thing is to ask whose move it is.
pub(super) fn move_of(table: &Table<'_>, name: &str) -> Result<Option<Step>, String> {
    let Some(id) = table.scene("combat_id").filter(|_| table.offers("get_combat")) else { return Ok(None) };
    let Some(standing) = fight::standing(table) else {
        return call(table, String::new(), "get_combat", json!({"combat_id": id})).map(Some);
    };
    if !standing.is_running || standing.actor.eq_ignore_ascii_case(name) {
        return Ok(None);
    }
    Err(fight_text::not_his_move(table, &standing, name))
}

/// Whom a deed is aimed at, by the names that the scene has for them; those who are down are no targets.
pub(super) fn targets(table: &Table<'_>, said: Option<&str>) -> Result<Vec<String>, String> {
    if said.is_some_and(|said| is_self(table, said) && !table.is_character(said)) {
        return Err(fight_text::NOT_YOURSELF.to_owned());
    }
    let foes = foes::of_scene(&table.request.scene);
    let mut targets: Vec<String> = Vec::new();
    if said.is_none() {
        targets.extend(rounds::counted(table));
    }
    for said in said.into_iter().chain(table.meaning.details.also.iter().map(String::as_str)) {
        let is_both = said.to_lowercase().starts_with("both ");
        for _ in 0..1 + usize::from(is_both) {
            let rest: Vec<foes::Foe> = foes.iter().filter(|foe| !targets.contains(&foe.name)).cloned().collect();
            match foes::find(&rest, said) {
                Some(foe) if !foe.is_up() => return Err(fight_text::is_down(&foe.name, &foes)),
                Some(foe) => targets.push(foe.name.clone()),
                None if !is_both => targets.push(said.to_owned()),
                None => {}
            }
        }
    }
    Ok(targets)
}

pub(super) fn shoot(table: &Table<'_>) -> Answer {
    let name = actor(table)?;
    if let Some(step) = move_of(table, &name)? {
        return Ok(step);
    }
    let details = &table.meaning.details;
    let before = conversation::last_call(&table.turns, &["calculate_ranged_attack"], Some(&name));
    let earlier = |key: &str| before.and_then(|done| done.arguments.get(key));
    let known_target = table.scene("target").or_else(|| earlier("target_description")?.as_str());
    let is_new_target = match (details.target.as_deref(), known_target) {
        (Some(said), Some(known)) => !phrases::is_same_target(said, known),
        _ => false,
    };
    let foes = foes::of_scene(&table.request.scene);
    let said = details.target.as_deref().or(known_target.filter(|_| details.foes.is_empty()));
    let targets = targets(table, said)?;
    // Foes of one scene stand together, unless somebody says otherwise.
    let is_among_them = targets.iter().any(|name| foes.iter().any(|foe| foe.name == *name));
    if SHOTS_A_PHASE < targets.len() {
        return Err(fight_text::TOO_MANY_TARGETS.to_owned());
    }
    let target = targets.first().cloned();
    let own_distance = targets.first().and_then(|name| foes::find(&foes, name)).and_then(foes::Foe::distance_m);
    let earlier_distance = || earlier("target_distance")?.as_u64().and_then(|metres| u32::try_from(metres).ok());
    let kept_distance = table.scene_distance().or_else(earlier_distance).filter(|_| !is_new_target || is_among_them);
    let kept_distance = own_distance.or(kept_distance);
    let at_hand = || conversation::weapon_at_hand(&table.turns, &names(table.request), &name);
    let said_weapon = details.weapon.clone().or_else(at_hand);
    let weapon = match &said_weapon {
        Some(WeaponSaid::Named(weapon)) => Some(weapon.clone()),
        Some(WeaponSaid::Kind(..)) | None => None,
    };
    let Some(distance) = details.distance.or(kept_distance) else {
        let weapon = weapon.as_deref().filter(|_| details.combat_pool.is_none());
        return Err(phrases::ask_distance(table.variety(), weapon, target.as_deref()));
    };
    let weapon = match weapon {
        Some(weapon) => weapon,
        None => match table.result("get_character") {
            Some(sheet) => choose_weapon(said_weapon.as_ref(), &sheet::weapons(sheet.result), &name)?,
            None => {
                return call(
                    table,
                    phrases::lead_weapon(table.variety()),
                    "get_character",
                    json!({"character_name": name}),
                );
            }
        },
    };
    if details.is_pool_vague && details.combat_pool.is_none() {
        return Err(phrases::ask_pool("Combat Pool", &name));
    }
    let movement = details.movement.as_deref().or_else(|| table.scene("target_movement").filter(|_| !is_new_target));
    let light = details.light.as_deref().or_else(|| table.scene("light_level"));
    let arguments = json!({
        "character_name": name, "weapon_name": weapon, "target_distance": distance, "target_description": target,
        "combat_pool": details.combat_pool, "light_level": light.and_then(light_level), "target_movement": movement.and_then(pace),
        "attacker_movement": details.own_movement, "conditions": details.air.as_ref().map(|air| vec![air]),
        "cover": details.cover, "aim_actions": details.aim_actions, "firing_mode": details.firing_mode,
        "rounds": details.rounds.filter(|_| details.firing_mode.is_some()), "ammunition": details.ammunition,
        "called_shot": details.is_called_shot.then_some(true),
    });
    let is_twice =
        targets.len() < SHOTS_A_PHASE && details.shots == Some(2) && details.firing_mode.as_deref() != Some("FA");
    let all = (!targets.is_empty())
        .then(|| phrases::and_list(&targets.iter().map(|name| phrases::with_article(name)).collect::<Vec<_>>()));
    let lead = phrases::lead_attack(table.variety(), table.is_crowded().then_some(&name), &weapon, all.as_deref());
    let mut calls: Vec<Call> = scene_call(table).into_iter().collect();
    calls.extend(joining(table, &targets)?);
    calls.push(checked(table, "calculate_ranged_attack", arguments.clone())?);
    if is_twice {
        let mut second = arguments.clone();
        // A burst kicks as hard again; a single round a little.
        second["recoil"] = if details.firing_mode.as_deref() == Some("BF") { 6 } else { 1 }.into();
        second["combat_pool"] = Value::Null;
        calls.push(checked(table, "calculate_ranged_attack", second)?);
    }
    for (shot, target) in targets.iter().enumerate().skip(1) {
        let mut further = arguments.clone();
        further["target_description"] = target.as_str().into();
        further["further_targets"] = shot.into();
        further["combat_pool"] = Value::Null;
        calls.push(checked(table, "calculate_ranged_attack", further)?);
    }
    Ok(Step::Call { lead, calls })
}

/// Whoever is attacked while a fight goes on joins its order, if he is somebody who fights.
pub(super) fn joining(table: &Table<'_>, targets: &[String]) -> Result<Vec<Call>, String> {
    let Some(standing) = fight::standing(table).filter(|standing| standing.is_running) else { return Ok(Vec::new()) };
    let order = sheet::list(standing.result, "order");
    let is_in_order = |name: &str| {
        order.iter().filter_map(|fighter| sheet::text(fighter, "name")).any(|known| known.eq_ignore_ascii_case(name))
    };
    let known = foes::of_scene(&table.request.scene);
    let fights = |name: &&String| {
        let is_foe = foes::known_kind(name).is_some() || known.iter().any(|foe| foe.name == **name);
        is_foe && !table.is_character(name) && !is_in_order(name)
    };
    let new: Vec<foes::Foe> =
        targets.iter().filter(fights).map(|name| foes::Foe::new(&foes::singular(foes::bare(name)))).collect();
    if new.is_empty() || !table.offers("join_combat") {
        return Ok(Vec::new());
    }
    rounds::join(table, &new)
}

/// The one weapon on the sheet that is meant.
pub(super) fn choose_weapon(said: Option<&WeaponSaid>, carried: &[Weapon], name: &str) -> Result<String, String> {
    let (kind, word) = match said {
        Some(WeaponSaid::Kind(kind, word)) => (*kind, word.as_str()),
        _ => (WeaponKind::Gun, "gun"),
    };
    let ranged: Vec<&Weapon> = carried.iter().filter(|weapon| is_ranged(weapon)).collect();
    // "assault rifle" is a class of its own; "rifle" is any of several.
    let exact: Vec<String> =
        ranged.iter().filter(|weapon| says(weapon, word)).map(|weapon| weapon.name.clone()).collect();
    let of_kind = ranged.iter().filter(|weapon| is_of_kind(weapon, kind)).map(|weapon| weapon.name.clone());
    let fitting: Vec<String> = if exact.is_empty() { of_kind.collect() } else { exact };
    let names: Vec<String> = ranged.iter().map(|weapon| weapon.name.clone()).collect();
    match fitting.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(phrases::no_weapon(name, word, &names)),
        several => Err(phrases::which_weapon(name, several)),
    }
}

/// Name and class of a weapon in lower case.
fn description(weapon: &Weapon) -> String {
    format!("{} {}", weapon.name, weapon.class).to_lowercase()
}

fn says(weapon: &Weapon, word: &str) -> bool {
    description(weapon).contains(word)
}

fn is_ranged(weapon: &Weapon) -> bool {
    let description = description(weapon);
    description.contains("launcher") || !lexicon::CLOSE_COMBAT_MARKS.iter().any(|mark| description.contains(mark))
}

fn is_of_kind(weapon: &Weapon, kind: WeaponKind) -> bool {
    let description = description(weapon);
    let marks = lexicon::KIND_MARKS.iter().find(|(other, _)| *other == kind).map(|(_, marks)| *marks);
    marks.is_none_or(|marks| marks.iter().any(|mark| description.contains(mark)))
}

pub(super) fn melee(table: &Table<'_>, skill: &str) -> Answer {
    let name = actor(table)?;
    if let Some(step) = move_of(table, &name)? {
        return Ok(step);
    }
    let details = &table.meaning.details;
    if !table.offers("melee_combat") || !table.offers("update_scene") {
        return melee_by_skill(table, &name, skill);
    }
    let Some(target) = targets(table, details.target.as_deref().or_else(|| table.scene("target")))?.into_iter().next()
    else {
        return Err(fight_text::ASK_OPPONENT.to_owned());
    };
    let weapon = details.arm.as_deref().unwrap_or("Unarmed");
    let kind = foes::kind(&target);
    let has_sheet = table.is_character(&target);
    let own = match kind.arm {
        foes::Arm::Melee(weapon) => weapon,
        foes::Arm::Gun(_) => "Unarmed",
    };
    let arguments = json!({
        "character_name": name, "weapon_name": weapon, "target_name": target, "combat_pool": details.combat_pool,
        "target_weapon": (!has_sheet).then_some(own), "target_skill": (!has_sheet).then_some(kind.skill),
        "target_strength": (!has_sheet).then_some(kind.strength), "light_level": table.scene("light_level").and_then(light_level),
        "called_shot": details.is_called_shot.then_some(true), "reason": reason(table),
    });
    let lead = fight_text::lead_melee(table.variety(), table.is_crowded().then_some(&name), weapon, &target);
    let mut calls = joining(table, std::slice::from_ref(&target))?;
    calls.push(checked(table, "melee_combat", arguments)?);
    Ok(Step::Call { lead, calls })
}

/// Where foes cannot be kept: one side of an opposed test.
fn melee_by_skill(table: &Table<'_>, name: &String, skill: &str) -> Answer {
    let lead = format!(
        "{} {}",
        phrases::lead_test(table.variety(), table.is_crowded().then_some(name), skill),
        phrases::MELEE
    );
    let arguments = json!({
        "character_name": name, "skill_name": skill, "target_number": table.meaning.details.target_number.unwrap_or(4),
        "reason": reason(table),
    });
    call(table, lead, "test_skill", arguments)
}
