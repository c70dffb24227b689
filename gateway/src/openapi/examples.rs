//! Values for examples: by the name of a field where it tells what is meant, else the least that its schema allows.

use serde_json::{Map, Value, json};

/// What stands for a field of this name, wherever it is.
const BY_NAME: &[(&str, &str)] = &[
    ("character_name", "\"Platinum\""),
    ("caster_name", "\"Oak\""),
    ("name", "\"Anna\""),
    ("session_id", "\"evening\""),
    ("game_id", "\"war\""),
    ("weapon_name", "\"Ares Alpha\""),
    ("skill_name", "\"Firearms\""),
    ("spell_name", "\"Mana Bolt\""),
    ("spirit_type", "\"forest\""),
    ("spirit_name", "\"Moss\""),
    ("healer_name", "\"Oak\""),
    ("armor_name", "\"Armor Jacket\""),
    ("accessory", "\"Gas Vent III\""),
    ("damage_code", "\"9M\""),
    ("gear_name", "\"Ares Predator\""),
    ("contact_name", "\"Dutch\""),
    ("npc_name", "\"Mr. Johnson\""),
    ("situation", "\"Climbing a wet fire escape\""),
    ("notation", "\"4d6kh3\""),
    ("notation1", "\"6d6\""),
    ("notation2", "\"5d6\""),
    ("reason", "\"The players asked for it\""),
    ("message", "\"I look around\""),
    ("query", "\"recoil\""),
    ("attribute_name", "\"quickness\""),
    ("event", "\"GAME_OPTIONS_CONFIRMED\""),
    ("area", "\"recoil\""),
    ("seat", "\"player\""),
    ("street_name", "\"Razor\""),
    ("archetype", "\"Street Samurai\""),
];

/// Whole examples, where the least that is required would be no use or is not everything that must agree.
const BY_TOOL: &[(&str, &str)] = &[
    ("roll_dice", r#"{"pool": 8, "target_number": 5, "reason": "Firearms"}"#),
    ("calculate_dice_pool", r#"{"skill_rating": 6, "attribute_rating": 5, "modifiers": [-1]}"#),
    ("calculate_target_number", r#"{"situation": "Climbing a wet fire escape", "difficulty": "difficult"}"#),
    ("get_odds", r#"{"notation": "4d6kh3"}"#),
    ("roll_with_target_number", r#"{"notation": "8d6", "target_number": 5}"#),
    (
        "roll_with_pools",
        r#"{"pools": [{"name": "Firearms", "notation": "6d6"}, {"name": "Combat Pool", "notation": "3d6"}], "target_number": 4}"#,
    ),
    (
        "roll_opposed_pools",
        r#"{"pools1": [{"name": "Stealth", "notation": "5d6"}], "target_number1": 4,
            "pools2": [{"name": "Intelligence", "notation": "4d6"}], "target_number2": 5}"#,
    ),
    ("reroll_failures", r#"{"failed": [1, 3, 2], "target_number": 4}"#),
    ("apply_rule", r#"{"area": "base_tn", "input": {"range_category": "medium"}}"#),
    ("apply_damage", r#"{"character_name": "Platinum", "level": "M", "reason": "A fall"}"#),
    ("attack_barrier", r#"{"material": "average material", "damage_code": "9M"}"#),
    ("compare_gear", r#"{"gear_names": ["Ares Predator", "Ares Viper Slivergun"]}"#),
    ("start_combat", r#"{"participants": [{"name": "Platinum"}, {"name": "Ganger 1", "reaction": 4}]}"#),
    ("join_combat", r#"{"participants": [{"name": "Oak"}]}"#),
    ("leave_combat", r#"{"name": "Ganger 1"}"#),
    ("wound_fighter", r#"{"name": "Ganger 1", "physical": 3}"#),
    (
        "test_surprise",
        r#"{"participants": [{"name": "Platinum"}, {"name": "Ganger 1", "reaction": 4, "lies_in_wait": true}]}"#,
    ),
    ("spend_ammo", r#"{"character_name": "Platinum", "weapon_name": "Ares Alpha", "rounds": 3}"#),
    ("melee_combat", r#"{"character_name": "Platinum", "weapon_name": "Monowhip", "target_skill": 4}"#),
    ("use_karma", r#"{"character_name": "Platinum", "use": "reroll_failures", "count": 3, "target_number": 4}"#),
    ("run_program", r#"{"character_name": "Manticore", "program": "evasion", "target_number": 4}"#),
    ("drive_vehicle", r#"{"character_name": "Axel", "vehicle_name": "Ford Americar", "terrain": "normal"}"#),
    ("damage_vehicle", r#"{"character_name": "Axel", "vehicle_name": "Bulldog", "damage_code": "10S"}"#),
    ("conjure_spirit", r#"{"character_name": "Oak", "spirit_type": "forest", "force": 3}"#),
    ("add_spell", r#"{"character_name": "Oak", "spell_name": "Sleep", "learned_force": 3}"#),
    ("learn_spell", r#"{"character_name": "Oak", "spell_name": "Powerball", "force": 3}"#),
    ("sustain_spell", r#"{"character_name": "Oak", "spell_name": "Invisibility"}"#),
    ("drop_spell", r#"{"character_name": "Oak", "spell_name": "Invisibility"}"#),
    ("update_spell", r#"{"character_name": "Oak", "spell_name": "Invisibility", "learned_force": 4}"#),
    ("remove_spell", r#"{"character_name": "Oak", "spell_name": "Treat"}"#),
    ("add_focus", r#"{"character_name": "Oak", "focus_name": "Rowan ring", "focus_type": "power focus", "force": 2}"#),
    (
        "add_modifier",
        r#"{"character_name": "Platinum", "modifier_name": "quickness", "modifier_type": "attribute", "modifier_value": 1}"#,
    ),
    (
        "update_modifier",
        r#"{"character_name": "Platinum", "modifier_id": "quickness", "updates": {"modifier_value": 2}}"#,
    ),
    (
        "update_cyberware",
        r#"{"character_name": "Platinum", "modifier_id": "Cybereyes", "updates": {"notes": "amber"}}"#,
    ),
    ("update_character_info", r#"{"character_name": "Platinum", "updates": {"hair": "silver"}}"#),
    ("update_derived_stats", r#"{"character_name": "Platinum", "updates": {"combat_pool": 9}}"#),
    (
        "update_vehicle",
        r#"{"character_name": "Axel", "vehicle_name": "Roadmaster", "updates": {"notes": "A dent on the left"}}"#,
    ),
    ("update_contact_loyalty", r#"{"character_name": "Platinum", "contact_name": "Dutch", "loyalty": 2}"#),
    ("update_campaign_npc", r#"{"npc_name": "Mr. Johnson", "updates": {"status": "deceased"}}"#),
    ("update_campaign_state", r#"{"campaign_id": "Rain over Redmond", "location": "A noodle bar"}"#),
    ("update_npc", r#"{"npc_id": "0198f3a2-0000-7000-8000-000000000000", "status": "deceased"}"#),
    ("import_character", r#"{"sheet": {"name": "Nora Quist", "street_name": "Quill"}}"#),
    ("set_decider", r#"{"decider": {"side": "shadow", "kind": "policy"}}"#),
    ("find_lore", r#"{"session_id": "evening", "query": "Redmond"}"#),
    ("get_scene", r#"{"session_id": "evening"}"#),
    ("update_scene", r#"{"session_id": "evening", "location": "A noodle bar", "light_level": "DIM"}"#),
    (
        "add_vehicle",
        r#"{"character_name": "Axel", "vehicle_name": "Ford Americar", "vehicle_type": "car", "handling": "4/8"}"#,
    ),
    ("improve_skill", r#"{"character_name": "Platinum", "skill_name": "Firearms", "new_rating": 8}"#),
    ("notice_spellcasting", r#"{"character_name": "Platinum", "caster_name": "Oak", "force": 3}"#),
    ("remove_bioware", r#"{"character_name": "Platinum", "modifier_id": "Mnemonic Enhancer"}"#),
    ("remove_cyberware", r#"{"character_name": "Platinum", "modifier_id": "Datajack"}"#),
    ("remove_modifier", r#"{"character_name": "Platinum", "modifier_id": "quickness"}"#),
    ("update_gear_quantity", r#"{"character_name": "Platinum", "gear_name": "Ares Alpha", "quantity": 2}"#),
    ("remove_gear", r#"{"character_name": "Platinum", "gear_name": "Secure Jacket"}"#),
    ("remove_vehicle", r#"{"character_name": "Platinum", "vehicle_name": "Bulldog"}"#),
    ("pin_fact", r#"{"session_id": "evening", "text": "The Johnson wears a red coat"}"#),
];

/// An example of a request.
pub(super) fn of(tool: &str, schema: &Value) -> Value {
    let whole = BY_TOOL.iter().find(|(name, _)| *name == tool).map(|(_, text)| *text);
    whole.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value("", schema))
}

fn value(name: &str, schema: &Value) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| {
        // The first word of a protocol's enum stands for none.
        values.iter().find(|value| !value.as_str().is_some_and(|word| word.ends_with("_UNSPECIFIED")))
    }) {
        return first.clone();
    }
    let known = BY_NAME.iter().find(|(known, _)| *known == name).and_then(|(_, text)| serde_json::from_str(text).ok());
    if let Some(known @ Value::String(_)) = known.as_ref().filter(|_| schema["type"] == "string") {
        return known.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let empty = Map::new();
            let properties = schema["properties"].as_object().unwrap_or(&empty);
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            Value::Object(required.map(|field| (field.to_owned(), value(field, &properties[field]))).collect())
        }
        Some("array") => {
            let least = schema["minItems"].as_u64().unwrap_or(0);
            (0..least).map(|_| value(name.trim_end_matches('s'), &schema["items"])).collect()
        }
        Some("integer" | "number") => {
            let least = schema["minimum"].as_i64().unwrap_or(0).max(1);
            json!(least.min(schema["maximum"].as_i64().unwrap_or(i64::MAX)))
        }
        Some("boolean") => json!(true),
        Some("string") => {
            let least = schema["minLength"].as_u64().unwrap_or(1).max(1);
            Value::String("example".chars().cycle().take(usize::try_from(least.max(7)).unwrap_or(7)).collect())
        }
        _ => json!({}),
    }
}
