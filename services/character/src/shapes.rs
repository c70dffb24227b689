//! The JSON of a sheet: the nested shape at top level, and `character`, `summary`, `data` (the flat shape) beside it.
//!
//! Every key of either shape is always there. What is not known is null in the nested shape; in the flat one, which
//! pages read without asking, a text that is not known is empty, and ware whose cost is not known costs 0.

use rules::shadowrun2::spells;
use serde_json::{Map, Value, json};

use crate::sheet::{
    Attribute, FULL_ESSENCE, Gear, KnownSpell, ModifierType, Sheet, SheetModifier, Skill, SkillType, Ware,
};

/// The answer to "what is on this sheet".
pub fn of(sheet: &Sheet, revision: u64) -> Map<String, Value> {
    let mut answer = nested(sheet);
    answer.insert("revision".into(), revision.into());
    answer.insert("character".into(), sheet.street_name.as_str().into());
    answer.insert("summary".into(), summary(sheet).into());
    answer.insert("data".into(), flat(sheet).into());
    answer
}

/// The sheet in a sentence.
pub fn summary(sheet: &Sheet) -> String {
    let mut text = sheet.street_name.clone();
    if !sheet.name.is_empty() && sheet.name != sheet.street_name {
        text += &format!(" ({})", sheet.name);
    }
    text += &format!(", {} {}: ", sheet.metatype, sheet.archetype);
    let attributes = Attribute::ALL.map(|attribute| format!("{} {}", attribute.name(), sheet.attribute(attribute)));
    text += &attributes.join(", ");
    text += &format!(", Essence {}", sheet.essence());
    if sheet.magic() > 0 {
        text += &format!(", Magic {}", sheet.magic());
    }
    text += &format!("; initiative {}; Combat Pool {}", sheet.initiative(), sheet.combat_pool());
    let pools = [("Magic", sheet.magic_pool()), ("Hacking", sheet.hacking_pool()), ("Control", sheet.control_pool())];
    for (name, dice) in pools.into_iter().filter(|(_, dice)| *dice > 0) {
        text += &format!(", {name} Pool {dice}");
    }
    let monitor = sheet.condition_monitor;
    if monitor.physical + monitor.stun == 0 {
        text += "; unhurt.";
    } else {
        text += &format!("; {} boxes Physical, {} Stun.", monitor.physical, monitor.stun);
    }
    text
}

/// What both shapes have in common: every single value that is not an attribute.
fn scalars(sheet: &Sheet) -> Map<String, Value> {
    let name = if sheet.name.is_empty() { &sheet.street_name } else { &sheet.name };
    object(json!({
        "id": sheet.id, "name": name, "street_name": sheet.street_name,
        "character_type": sheet.character_type, "archetype": sheet.archetype, "metatype": sheet.metatype,
        "sex": sheet.sex, "age": sheet.age, "height": sheet.height, "weight": sheet.weight,
        "hair": sheet.hair, "eyes": sheet.eyes, "skin": sheet.skin,
        "nuyen": sheet.nuyen,
        "karma_pool": sheet.karma_pool, "karma_total": sheet.karma_total, "karma_available": sheet.karma_available,
        "lifestyle": sheet.lifestyle, "lifestyle_cost": sheet.lifestyle_cost,
        "lifestyle_months_prepaid": sheet.lifestyle_months_prepaid,
        "essence_hole": sheet.essence_hole,
        "initiative": sheet.initiative(), "initiatives": sheet.initiatives,
        "combat_pool": sheet.combat_pool(), "combat_pool_by_rule": sheet.combat_pool_by_rule(),
        "magic_pool": sheet.magic_pool(), "hacking_pool": sheet.hacking_pool(), "control_pool": sheet.control_pool(),
        "body_index_current": sheet.body_index(), "body_index_max": sheet.body_index_max,
        "condition_monitor": condition_monitor(sheet), "stabilised": sheet.stabilised,
        "karma_pool_left": sheet.karma_pool_left(), "pools_spent": sheet.pools_spent,
        "sustained_spells": sheet.sustained_spells,
        "campaign_id": sheet.campaign_id, "combat_id": sheet.combat_id,
        "forms": sheet.forms,
        "background": sheet.background, "notes": sheet.notes,
    }))
}

/// Boxes filled and what they cost; the modifiers are null for someone out of action.
fn condition_monitor(sheet: &Sheet) -> Value {
    let monitor = sheet.condition_monitor;
    let modifiers = sheet.wounds().modifiers().ok();
    let total = modifiers.map(|modifiers| modifiers.iter().map(|modifier| modifier.value).sum::<i32>());
    json!({
        "physical": monitor.physical, "stun": monitor.stun, "overflow": monitor.overflow,
        "wound_modifier": total, "initiative_modifier": total.map(|total| -total),
        "state": sheet.condition(),
    })
}

fn nested(sheet: &Sheet) -> Map<String, Value> {
    let mut answer = scalars(sheet);
    let mut attributes = Map::new();
    for attribute in Attribute::ALL {
        attributes.insert(attribute.key(), sheet.attribute(attribute).into());
        attributes.insert(format!("{}_base", attribute.key()), sheet.base_attribute(attribute).into());
    }
    attributes.extend(object(json!({
        "essence": sheet.essence(), "essence_base": FULL_ESSENCE, "magic": sheet.magic(), "magic_base": sheet.base_magic,
    })));
    let of_type = |skill_type| -> Vec<Value> {
        let skills = sheet.skills.iter().filter(|skill| skill.skill_type == skill_type);
        skills.map(|skill| skill_json(sheet, skill)).collect()
    };
    let of_gear = |wanted: fn(&Gear) -> bool, shape: fn(&Gear) -> Value| -> Vec<Value> {
        sheet.gear.iter().filter(|gear| wanted(gear)).map(shape).collect()
    };
    answer.extend(object(json!({
        "attributes": attributes,
        "skills": {
            "active": of_type(SkillType::Active),
            "knowledge": of_type(SkillType::Knowledge),
            "language": of_type(SkillType::Language),
        },
        "cyberware": ware_list(&sheet.cyberware, "cyberware"),
        "bioware": ware_list(&sheet.bioware, "bioware"),
        "weapons": of_gear(|gear| gear.gear_type == "weapon", |gear| json!({
            "name": gear.gear_name, "quantity": gear.quantity, "stats": weapon_stats(gear),
            "modifications": gear.modifications, "notes": gear.notes,
        })),
        "armor": of_gear(|gear| gear.gear_type == "armor", |gear| json!({
            "name": gear.gear_name, "quantity": gear.quantity, "worn": gear.worn, "ballistic": gear.ballistic_rating,
            "impact": gear.impact_rating, "modifications": gear.modifications, "notes": gear.notes,
        })),
        "equipment": of_gear(|gear| !["weapon", "armor"].contains(&gear.gear_type.as_str()), |gear| json!({
            "name": gear.gear_name, "quantity": gear.quantity, "notes": gear.notes,
        })),
        "vehicles": vehicles(sheet),
        "contacts": sheet.contacts,
        "edges": edges_or_flaws(sheet, "edge"),
        "flaws": edges_or_flaws(sheet, "flaw"),
        "spells": spell_list(sheet),
    })));
    answer
}

/// The flat shape: the columns of one table, and a list for each further one.
fn flat(sheet: &Sheet) -> Map<String, Value> {
    let mut data = scalars(sheet);
    for attribute in Attribute::ALL {
        data.insert(format!("base_{}", attribute.key()), sheet.base_attribute(attribute).into());
        data.insert(format!("current_{}", attribute.key()), sheet.attribute(attribute).into());
    }
    let skills: Vec<Value> = sheet.skills.iter().map(|skill| skill_json(sheet, skill)).collect();
    data.extend(object(json!({
        "base_essence": FULL_ESSENCE, "current_essence": sheet.essence(),
        "base_magic": sheet.base_magic, "current_magic": sheet.magic(),
        "spell_pool": sheet.magic_pool(), "task_pool": sheet.task_pool(),
        "initiate_level": sheet.initiate_level,
        "power_points_total": sheet.power_points_total, "power_points_used": sheet.power_points_used,
        "power_points_available": sheet.power_points_total - sheet.power_points_used,
        "totem": sheet.totem, "tradition": sheet.tradition, "magical_group": sheet.magical_group,
        "metamagics": sheet.metamagics,
        "skills": skills,
        "spells": spell_list(sheet),
        "gear": sheet.gear.iter().map(gear_json).collect::<Vec<_>>(),
        "cyberware": ware_list(&sheet.cyberware, "cyberware"),
        "bioware": ware_list(&sheet.bioware, "bioware"),
        "contacts": sheet.contacts,
        "vehicles": vehicles(sheet),
        "cyberdecks": sheet.cyberdecks,
        "spirits": sheet.spirits,
        "foci": sheet.foci,
        "powers": sheet.powers,
        "edges_flaws": sheet.edges_flaws,
        "edges": edges_or_flaws(sheet, "edge"),
        "flaws": edges_or_flaws(sheet, "flaw"),
        "relationships": sheet.relationships,
        "active_effects": active_effects(sheet),
        "modifiers": modifiers(sheet),
    })));
    data.iter_mut().for_each(|(key, value)| fill(key, value));
    data
}

/// The texts of the flat shape that may be unknown, at whatever depth.
const TEXTS: &[&str] = &[
    "age",
    "ammo_capacity",
    "archetype",
    "background",
    "conceal",
    "damage",
    "description",
    "eyes",
    "hair",
    "height",
    "lifestyle",
    "magical_group",
    "notes",
    "sex",
    "skin",
    "totem",
    "tradition",
    "vehicle_type",
    "weight",
];
/// Its figures that pages round.
const COSTS: &[&str] = &["essence_cost", "body_index_cost"];

/// Puts something plain in place of what is not known.
fn fill(key: &str, value: &mut Value) {
    match value {
        Value::Null if TEXTS.contains(&key) => *value = "".into(),
        Value::Null if COSTS.contains(&key) => *value = 0.into(),
        Value::Array(entries) => {
            for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
                entry.iter_mut().for_each(|(key, value)| fill(key, value));
            }
        }
        _ => {}
    }
}

/// A skill with base and current rating.
pub fn skill_json(sheet: &Sheet, skill: &Skill) -> Value {
    let rating = sheet.skill_rating(skill);
    json!({
        "skill_name": skill.skill_name, "skill_type": skill.skill_type,
        "rating": rating, "base_rating": skill.base_rating, "current_rating": rating,
        "specialization": skill.specialization,
    })
}

/// A weapon, armor or thing.
pub fn gear_json(gear: &Gear) -> Value {
    json!({
        "gear_name": gear.gear_name, "gear_type": gear.gear_type, "quantity": gear.quantity,
        "damage": gear.damage, "conceal": gear.conceal, "ammo_capacity": gear.ammo_capacity,
        "ballistic_rating": gear.ballistic_rating, "impact_rating": gear.impact_rating,
        "weapon_stats": gear.weapon_stats, "modifications": gear.modifications, "rounds": gear.rounds,
        "worn": gear.worn,
        "notes": gear.notes,
    })
}

fn weapon_stats(gear: &Gear) -> Value {
    let mut stats = object(json!(gear.weapon_stats.clone().unwrap_or_default()));
    stats.insert("damage".into(), json!(gear.damage));
    stats.insert("conceal".into(), json!(gear.conceal));
    stats.insert("ammo_capacity".into(), json!(gear.ammo_capacity));
    stats.into()
}

/// Every piece of ware.
pub fn ware_list(ware: &[Ware], source_type: &str) -> Vec<Value> {
    ware.iter().map(|piece| ware_json(piece, source_type)).collect()
}

/// A piece of ware with the id by which it is changed.
pub fn ware_json(piece: &Ware, source_type: &str) -> Value {
    let mut details = Map::new();
    if let Some(rating) = piece.rating {
        details.insert("rating".into(), rating.into());
    }
    if let Some(grade) = &piece.grade {
        details.insert("grade".into(), grade.as_str().into());
    }
    if !piece.modifiers.is_empty() {
        let modifiers: Map<String, Value> = piece
            .modifiers
            .iter()
            .map(|modifier| (modifier.target_name.clone(), modifier.modifier_value.into()))
            .collect();
        details.insert("modifiers".into(), modifiers.into());
    }
    let mut entry = object(json!({
        "modifier_id": piece.id, "name": piece.name, "source": piece.name, "modifier_data": details.clone(),
        "details": details, "effects": effects(piece), "notes": piece.notes,
    }));
    let (cost, value) = match source_type {
        "cyberware" => ("essence_cost", piece.essence_cost),
        _ => ("body_index_cost", piece.body_index_cost),
    };
    entry.insert(cost.into(), json!(value));
    Value::Object(entry)
}

/// What a piece of ware does, a line each.
fn effects(piece: &Ware) -> Vec<String> {
    let is_plain = |modifier: &&SheetModifier| {
        matches!(modifier.modifier_type, ModifierType::Attribute | ModifierType::Skill | ModifierType::Initiative)
    };
    let lines = piece.modifiers.iter().filter(is_plain).map(|modifier| {
        let target = modifier.target_name.replace('_', " ");
        let mut letters = target.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{} {:+}", letters.as_str(), modifier.modifier_value)
    });
    lines.chain(piece.effects.iter().cloned()).collect()
}

/// Every vehicle, with every key.
pub fn vehicles(sheet: &Sheet) -> Vec<Value> {
    let keys = ["vehicle_name", "vehicle_type", "handling", "speed", "body", "armor", "signature", "pilot"];
    let shape = |vehicle: &Map<String, Value>| {
        let mut entry: Map<String, Value> = keys.map(|key| (key.to_owned(), Value::Null)).into_iter().collect();
        entry.insert("modifications".into(), json!({}));
        entry.insert("notes".into(), Value::Null);
        entry.extend(vehicle.clone());
        entry.insert("name".into(), entry["vehicle_name"].clone());
        Value::Object(entry)
    };
    sheet.vehicles.iter().map(shape).collect()
}

/// The edges or the flaws.
pub fn edges_or_flaws(sheet: &Sheet, kind: &str) -> Vec<Value> {
    let of_kind = sheet.edges_flaws.iter().filter(|entry| entry.kind == kind);
    of_kind.map(|entry| json!({"name": entry.name, "description": entry.description, "cost": entry.cost})).collect()
}

/// Every spell.
pub fn spell_list(sheet: &Sheet) -> Vec<Value> {
    sheet.spells.iter().map(spell_json).collect()
}

/// A known spell with what the directory says of it.
pub fn spell_json(known: &KnownSpell) -> Value {
    let mut entry = object(json!({
        "spell_name": known.spell_name, "name": known.spell_name,
        "learned_force": known.learned_force, "force": known.learned_force,
        "spell_category": known.spell_category, "spell_type": known.spell_type, "target_type": null, "duration": null,
        "drain_modifier": null, "drain_code": null,
        "exclusive": known.exclusive, "fetish": known.fetish, "source": known.source,
        "description": known.description, "notes": known.notes,
    }));
    if let Ok(found) = spells::find_spell(&known.spell_name) {
        let spell = found.spell;
        let code = spell.drain(found.grade).map_or_else(|_| spell.drain_text(), |formula| formula.to_string());
        entry.extend(object(json!({
            "spell_category": spell.category, "spell_type": spell.spell_type, "duration": spell.duration,
            "target_type": target_type(spell), "drain_modifier": spell.drain_modifier, "drain_code": code,
        })));
        if known.description.is_none() {
            let reach = target_type(spell);
            let resisted = if spell.resisted { ", resisted" } else { "" };
            let text = format!("Target number: {}; {reach}{resisted}.", spell.target.explanation());
            entry.insert("description".into(), text.into());
        }
    }
    entry.into()
}

fn target_type(spell: &spells::Spell) -> String {
    let reach = match spell.reach {
        spells::Reach::LineOfSight => "line of sight",
        spells::Reach::Touch => "touch",
        spells::Reach::Limited => "limited range",
        spells::Reach::Caster => "self",
    };
    if spell.area { format!("{reach}, area") } else { reach.to_owned() }
}

/// Every modifier with its source, those that follow from others and those of Essence included.
pub fn modifiers(sheet: &Sheet) -> Vec<Value> {
    let mut list: Vec<Value> = sheet.all_modifiers().iter().map(modifier_json).collect();
    let raised = i64::from(sheet.raised_reaction()) - i64::from(sheet.base_attribute(Attribute::Reaction));
    if raised != 0 {
        list.push(json!({
            "modifier_type": "attribute", "target_name": "reaction", "modifier_value": raised,
            "source": "higher Quickness and Intelligence", "source_type": "derived",
        }));
    }
    let mut essence = |value: f64, source: &str, source_type: &str| {
        list.push(json!({
            "modifier_type": "essence", "target_name": "essence", "modifier_value": value,
            "source": source, "source_type": source_type,
        }));
    };
    for piece in &sheet.cyberware {
        if let Some(cost) = piece.essence_cost {
            essence(-cost, &piece.name, "cyberware");
        }
    }
    if sheet.essence_adjustment != 0.0 {
        essence(sheet.essence_adjustment, "as on the sheet", "sheet");
    }
    list
}

/// A modifier with the id by which it is changed.
pub fn modifier_json(modifier: &SheetModifier) -> Value {
    let mut entry = object(json!(modifier));
    entry.remove("id");
    entry.insert("modifier_id".into(), modifier.id.as_str().into());
    entry.remove("spell");
    if let Some(spell) = &modifier.spell {
        entry.extend(object(json!({
            "is_sustained": true, "spell_force": spell.force, "sustained_by": spell.caster_name,
        })));
    }
    entry.into()
}

/// Every effect that acts for a time: what was added, and what sustained spells change.
pub fn active_effects(sheet: &Sheet) -> Vec<Value> {
    let added = sheet.active_effects.iter().cloned().map(Value::Object);
    let of_spells = sheet.modifiers.iter().filter_map(|modifier| {
        let spell = modifier.spell.as_ref()?;
        Some(json!({
            "effect_name": spell.spell_name, "effect_type": "spell", "duration": "sustained",
            "modifier_value": modifier.modifier_value, "target_attribute": modifier.target_name,
            "description": format!("sustained by {} at Force {}", spell.caster_name, spell.force),
            "caster": spell.caster_name, "caster_id": spell.caster_id, "force": spell.force,
        }))
    });
    added.chain(of_spells).collect()
}

/// The entries of a JSON object that was written as one.
fn object(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_difference_between_base_and_current_has_its_sources() {
        for sheet in samples::sheets().unwrap() {
            let data = flat(&sheet);
            let modifiers = data["modifiers"].as_array().unwrap();
            for name in
                ["body", "quickness", "strength", "charisma", "intelligence", "willpower", "reaction", "essence"]
            {
                let on = modifiers.iter().filter(|modifier| modifier["target_name"] == name);
                let sum: f64 = on.map(|modifier| modifier["modifier_value"].as_f64().unwrap()).sum();
                let base = data[&format!("base_{name}")].as_f64().unwrap();
                let current = data[&format!("current_{name}")].as_f64().unwrap();
                assert!((base + sum - current).abs() < 0.001, "{} {name}: {base} {sum:+} is not {current}", sheet.name);
            }
        }
    }

    #[test]
    fn ware_says_what_it_does() {
        let data = flat(&samples::sheet("Platinum"));
        let wired =
            data["cyberware"].as_array().unwrap().iter().find(|piece| piece["name"] == "Wired Reflexes").unwrap();
        assert_eq!(wired["effects"], json!(["Reaction +6", "Initiative dice +3"]));
        assert_eq!(wired["essence_cost"], 2.4);
        assert_eq!(wired["details"]["grade"], "beta");
    }

    #[test]
    fn a_spell_carries_what_the_directory_says() {
        let data = flat(&samples::sheet("Oak"));
        let spells = data["spells"].as_array().unwrap();
        let of = |name: &str| spells.iter().find(|spell| spell["spell_name"] == name).unwrap();
        assert_eq!(of("Antidote Moderate Toxin")["drain_code"], "(F/2)M");
        assert_eq!(of("Increase Reflexes +3")["drain_code"], "(F/2)D");
        assert_eq!(
            (&of("Mana Bolt")["spell_category"], &of("Mana Bolt")["duration"]),
            (&json!("combat"), &json!("instant"))
        );
        assert_eq!(of("Barrier")["source"], "house");
    }
}
