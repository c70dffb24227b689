//! Deeds with a tool of their own, beside shots, blows, spells and tests: what is bought and booked, dice that are kept,
//! karma, spirits, vehicles and grenades.

use serde_json::{Value, json};

use super::{
    attack::move_of,
    fight_text, foes, lexicon, narrate, phrases,
    plan::{Answer, Step, Table, actor, call, light_level, reason},
    understand::{Purchase, WeaponSaid},
};

/// Something to buy without its price.
const ASK_PRICE: &str = "What is it, and what does it cost in nuyen? Say both, and it is yours. Nothing is spent yet.";
/// Money without a sum.
const ASK_SUM: &str = "How much? Name the sum in nuyen.";
/// A wound without its size.
const ASK_WOUND: &str = "How bad is it? Name the boxes or the level: \"a serious wound\".";
/// A spirit without its kind.
const ASK_SPIRIT: &str = "Which spirit, and at what Force? \"I summon a forest spirit of Force 4\".";
/// A grenade without its kind.
const ASK_GRENADE: &str = "Which grenade is it: offensive, defensive or concussion?";
/// A skill without its rating.
const ASK_RATING: &str = "Which skill, and to what rating? \"I raise my Stealth to 5\" spends the karma for it.";
/// Karma without the figures of its test.
const ASK_KARMA: &str = "How many dice, and against what target number? \"I reroll 4 failures with karma against 5\".";

/// One call that ends the turn.
fn once(table: &Table<'_>, lead: String, tool: &'static str, arguments: Value) -> Answer {
    if table.result(tool).is_some() {
        return Ok(Step::Say(narrate::end(table)));
    }
    call(table, lead, tool, arguments)
}

pub(super) fn buy(table: &Table<'_>, purchase: &Purchase) -> Answer {
    let name = actor(table)?;
    let details = &table.meaning.details;
    let Purchase { thing, count } = purchase;
    let named = match &details.weapon {
        Some(WeaponSaid::Named(weapon)) => weapon.as_str(),
        Some(WeaponSaid::Kind(..)) | None => "",
    };
    let is_vague = thing.is_empty() || lexicon::WEAPON_WORDS.iter().any(|(word, _)| word.eq_ignore_ascii_case(thing));
    let thing = if is_vague && !named.is_empty() { named } else { thing };
    let price = details.nuyen.filter(|_| !thing.is_empty()).ok_or(ASK_PRICE)?;
    let arguments = json!({
        "character_name": name, "gear_name": thing, "quantity": (1 < *count).then_some(count), "price": price,
        "reason": reason(table),
    });
    once(table, String::new(), "add_gear", arguments)
}

pub(super) fn spend(table: &Table<'_>) -> Answer {
    let name = actor(table)?;
    let amount = table.meaning.details.nuyen.ok_or(ASK_SUM)?;
    once(
        table,
        String::new(),
        "spend_nuyen",
        json!({"character_name": name, "amount": amount, "reason": reason(table)}),
    )
}

pub(super) fn improve(table: &Table<'_>, skill: Option<&str>) -> Answer {
    let name = actor(table)?;
    let details = &table.meaning.details;
    let rating = details.number.or(details.target_number);
    let (Some(skill), Some(rating)) = (skill, rating) else { return Err(ASK_RATING.to_owned()) };
    let arguments = json!({"character_name": name, "skill_name": skill, "new_rating": rating, "reason": reason(table)});
    once(table, String::new(), "improve_skill", arguments)
}

pub(super) fn karma(table: &Table<'_>, way: &str) -> Answer {
    let name = actor(table)?;
    let details = &table.meaning.details;
    let count = details.dice.or(details.number).or(details.successes);
    let is_rolled = matches!(way, "reroll_failures" | "buy_dice");
    if way != "avoid_disaster" && count.is_none() || is_rolled && details.target_number.is_none() {
        return Err(ASK_KARMA.to_owned());
    }
    let arguments = json!({
        "character_name": name, "use": way, "count": count, "target_number": details.target_number, "reason": reason(table),
    });
    once(table, String::new(), "use_karma", arguments)
}

/// Dice that are kept: the pool is looked at, so that nobody keeps what he has not.
pub(super) fn defend(table: &Table<'_>) -> Answer {
    let name = actor(table)?;
    once(table, String::new(), "get_combat_pool", json!({"character_name": name}))
}

/// Who is hit: a character who is named, or the speaker's own.
fn victim(table: &Table<'_>) -> Result<String, String> {
    let named = table.meaning.details.target.clone().filter(|name| table.is_character(name));
    table.meaning.actor.clone().or(named).map_or_else(|| actor(table), Ok)
}

pub(super) fn resist(table: &Table<'_>) -> Answer {
    let details = &table.meaning.details;
    let name = victim(table)?;
    let arguments = json!({
        "character_name": name, "damage_code": details.damage, "attacker_successes": details.successes,
        "combat_pool": details.defence_pool.or(details.combat_pool).or(details.dice), "reason": reason(table),
    });
    once(table, String::new(), "resist_damage", arguments)
}

pub(super) fn wound(table: &Table<'_>) -> Answer {
    let details = &table.meaning.details;
    let name = victim(table)?;
    if details.boxes.is_none() && details.wound.is_none() {
        return Err(ASK_WOUND.to_owned());
    }
    let level = details.wound.as_ref().filter(|_| details.boxes.is_none());
    let arguments = json!({
        "character_name": name, "boxes": details.boxes, "level": level, "damage_type": details.is_stun.then_some("stun"),
        "reason": reason(table),
    });
    once(table, String::new(), "apply_damage", arguments)
}

pub(super) fn conjure(table: &Table<'_>, spirit: Option<&str>) -> Answer {
    let name = actor(table)?;
    let spirit = spirit.ok_or(ASK_SPIRIT)?;
    let force = table.meaning.details.force.ok_or_else(|| phrases::ask_force_of_spirit(spirit))?;
    if let Some(step) = move_of(table, &name)? {
        return Ok(step);
    }
    let lead = phrases::lead_test(table.variety(), table.is_crowded().then_some(&name), "Conjuring");
    let arguments = json!({"character_name": name, "spirit_type": spirit, "force": force, "reason": reason(table)});
    once(table, lead, "conjure_spirit", arguments)
}

pub(super) fn drive(table: &Table<'_>, vehicle: &str, terrain: Option<&str>) -> Answer {
    let name = actor(table)?;
    if let Some(step) = move_of(table, &name)? {
        return Ok(step);
    }
    let arguments =
        json!({"character_name": name, "vehicle_name": vehicle, "terrain": terrain, "reason": reason(table)});
    once(table, String::new(), "drive_vehicle", arguments)
}

/// Everybody at whom it is thrown stands where it is aimed.
pub(super) fn grenade(table: &Table<'_>, kind: Option<&str>) -> Answer {
    let name = actor(table)?;
    let details = &table.meaning.details;
    let kind = kind.ok_or(ASK_GRENADE)?;
    let target = details.target.as_deref().or_else(|| table.scene("target"));
    let Some(distance) = details.distance.or_else(|| table.scene_distance()) else {
        return Err(phrases::ask_distance(table.variety(), None, target));
    };
    if let Some(step) = move_of(table, &name)? {
        return Ok(step);
    }
    let named = foes::singular(foes::bare(target.unwrap_or_default()));
    let foes = foes::of_scene(&table.request.scene);
    let near = foes.iter().filter(|foe| foe.is_up() && foe.name.to_lowercase().starts_with(&named.to_lowercase()));
    let bystanders: Vec<Value> = near.map(|foe| json!({"name": foe.name})).collect();
    let light = details.light.as_deref().or_else(|| table.scene("light_level")).and_then(light_level);
    let arguments = json!({
        "character_name": name, "grenade": kind, "target_distance": distance, "combat_pool": details.combat_pool,
        "bystanders": bystanders, "light_level": light, "reason": reason(table),
    });
    once(table, String::new(), "throw_grenade", arguments)
}

/// How a foe stands, as the scene has it.
pub(super) fn foe_stands(table: &Table<'_>, said: &str) -> Answer {
    let foes = foes::of_scene(&table.request.scene);
    let foe = foes::find(&foes, said).ok_or_else(|| format!("I know of no {} here.", foes::bare(said)))?;
    if !foe.is_up() {
        return Err(format!("{} is out of the fight.", foes::subject(&foe.name)));
    }
    Err(fight_text::how_he_stands(table, foe))
}
