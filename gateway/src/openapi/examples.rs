//! Values for examples: by the name of a field where it tells what is meant, else the least that its schema allows.

use serde_json::{Map, Value, json};

/// What stands for a field of this name, wherever it is.
const BY_NAME: &[(&str, &str)] = &[
    ("character_name", "\"Platinum\""),
    ("caster_name", "\"Oak\""),
    ("name", "\"Anna\""),
    ("session_id", "\"evening\""),
    ("game_id", "\"war\""),
    ("weapon_name", "\"Ares Predator\""),
    ("skill_name", "\"Firearms\""),
    ("spell_name", "\"Manabolt\""),
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
