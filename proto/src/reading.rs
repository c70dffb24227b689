//! Reads arguments as models and people write them: what they surely mean, in the form that the contract has.
//!
//! A number or a yes may come as text, a word of a list in another case or with spaces, a single value where a list is
//! wanted, an object or a list as the text of its JSON, and a plain name where a message needs nothing else. A tool may
//! be told in the words of another that is like it. What could mean two things stays as it is, and is refused by who
//! decodes it.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use crate::validate::{self, Rules};

/// Messages within messages that are read into.
const MAX_DEPTH: u32 = 8;
/// Longest texts of a list, in characters, that are names and not sentences: a text of several is cut at its commas.
const MAX_NAME: u64 = 100;

/// Names of fields that mean the same in tools which are alike, and the shorter ones that people write for them. One that
/// a message does not have stands for the only field of its lists that was left open.
const ALIKE: &[&[&str]] = &[
    &["character_name", "caster_name", "street_name", "character", "caster", "name"],
    &["spell_name", "spell", "name"],
    &["skill_name", "skill", "name"],
    &["attribute_name", "attribute", "name"],
    &["weapon_name", "armor_name", "gear_name", "weapon", "armor", "gear", "item_name", "item", "name"],
    &["name", "cyberware_name", "bioware_name", "cyberware", "bioware"],
    &["vehicle_name", "vehicle", "name"],
    &["deck_name", "cyberdeck_name", "cyberdeck", "deck", "name"],
    &["contact_name", "contact", "name"],
    &["spirit_name", "spirit", "name"],
    &["focus_name", "focus", "name"],
    &["power_name", "power", "name"],
    &["effect_name", "effect", "name"],
    &["relationship_name", "relationship", "name"],
    &["rule_name", "house_rule", "rule", "name"],
    &["npc_name", "npc_id", "npc", "name"],
    &["campaign_id", "campaign_name", "campaign", "title"],
    &["target_name", "target_description", "target_attribute", "target"],
    &["target_distance", "distance", "distance_m"],
    &["combat_pool", "combat_pool_dice"],
    &["spell_pool_dice", "magic_pool_dice", "magic_pool"],
    &["damage_code", "damage"],
    &["new_value", "new_rating", "new_level", "base_rating", "rating", "value", "level"],
    &["new_duration", "duration"],
    &["learned_force", "force"],
    &["boxes", "amount", "damage_boxes"],
    &["quantity", "count"],
    &["essence_cost", "essence"],
    &["body_index_cost", "body_index"],
    &[
        "effect_type",
        "focus_type",
        "gear_type",
        "modifier_type",
        "npc_type",
        "relationship_type",
        "rule_type",
        "skill_type",
        "spell_type",
        "spirit_type",
        "vehicle_type",
        "type",
    ],
    &["participants", "characters", "combatants"],
];

/// The arguments of a message as the contract has them. What was left empty and may be left out is left out; names that
/// no field has are kept.
pub(crate) fn arguments(message: &MessageDescriptor, given: Map<String, Value>) -> Map<String, Value> {
    fields(message, given, 0)
}

fn fields(message: &MessageDescriptor, given: Map<String, Value>, depth: u32) -> Map<String, Value> {
    let mut read = Map::new();
    let mut unnamed = Vec::new();
    for (name, value) in given {
        match message.get_field_by_name(&name).or_else(|| message.get_field_by_json_name(&name)) {
            Some(field) => put(&mut read, &field, value, depth),
            None => unnamed.push((name, value)),
        }
    }
    // A name in another spelling counts if the field was not named as it is.
    let mut left = Vec::new();
    for (name, value) in unnamed {
        match message.fields().find(|field| is_same(field.name(), &name) && !read.contains_key(field.name())) {
            Some(field) => put(&mut read, &field, value, depth),
            None => left.push((name, value)),
        }
    }
    // Each name that is sure leaves the others fewer fields to mean.
    while let Some((at, field)) =
        left.iter().enumerate().find_map(|(at, (name, _))| Some((at, meant(message, &read, name)?)))
    {
        put(&mut read, &field, left.remove(at).1, depth);
    }
    read.extend(left);
    read
}

/// The only field that a name of [`ALIKE`] can mean beside what has been read.
fn meant(message: &MessageDescriptor, read: &Map<String, Value>, name: &str) -> Option<FieldDescriptor> {
    let lists = ALIKE.iter().filter(|list| list.iter().any(|alike| is_same(alike, name)));
    let fields = lists.flat_map(|list| list.iter().filter_map(|alike| message.get_field_by_name(alike)));
    let mut open = fields.filter(|field| !read.contains_key(field.name()));
    let field = open.next()?;
    open.all(|other| other == field).then_some(field)
}

fn put(read: &mut Map<String, Value>, field: &FieldDescriptor, value: Value, depth: u32) {
    if let Some(value) = value_of(field, value, depth) {
        read.insert(field.name().to_owned(), value);
    }
}

/// The value of a field; `None` if it says nothing and may be left out.
fn value_of(field: &FieldDescriptor, value: Value, depth: u32) -> Option<Value> {
    let rules = validate::known_rules(field);
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if value.is_null() || is_blank && is_dispensable(field, rules) {
        return None;
    }
    Some(match value {
        value if field.is_map() => parsed(value, Value::is_object),
        value if field.is_list() => list(field, rules.and_then(|rules| rules.items.as_deref()), value, depth),
        value => one(field, rules, value, depth),
    })
}

/// Whether an empty text in place of this field's value means that it was left out.
fn is_dispensable(field: &FieldDescriptor, rules: Option<&Rules>) -> bool {
    if field.is_list() || field.is_map() {
        return true;
    }
    let may_be_empty = matches!(field.kind(), Kind::String | Kind::Bytes)
        && rules.is_none_or(|rules| rules.min_len.is_none() && rules.allowed.is_empty());
    field.supports_presence() && !may_be_empty
}

fn list(field: &FieldDescriptor, rules: Option<&Rules>, value: Value, depth: u32) -> Value {
    let items = match parsed(value, Value::is_array) {
        Value::Array(items) => items,
        Value::String(text) if is_number(&field.kind()) || rules.is_some_and(is_of_names) => {
            cut(&text).map(|part| part.trim().into()).collect()
        }
        Value::String(text) if matches!(field.kind(), Kind::Message(_)) && text.contains(',') => {
            let object = parsed(Value::String(text), Value::is_object);
            if !object.is_object() {
                return object;
            }
            vec![object]
        }
        single => vec![single],
    };
    items.into_iter().map(|item| one(field, rules, item, depth)).collect()
}

/// Whether the texts of a list are words or names. Sentences may hold commas.
fn is_of_names(rules: &Rules) -> bool {
    !rules.allowed.is_empty() || rules.max_len.is_some_and(|most| most <= MAX_NAME)
}

/// The parts between the commas that stand in no brackets.
fn cut(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |char: char| {
        depth += i32::from("([{".contains(char)) - i32::from(")]}".contains(char));
        char == ',' && depth <= 0
    })
}

fn one(field: &FieldDescriptor, rules: Option<&Rules>, value: Value, depth: u32) -> Value {
    match (field.kind(), value) {
        (Kind::Bool, Value::String(text)) => yes_or_no(&text).map_or(Value::String(text), Value::Bool),
        (Kind::Bool, Value::Number(number)) if number.as_u64().is_some_and(|number| number <= 1) => {
            Value::Bool(number.as_u64() == Some(1))
        }
        (kind, Value::String(text)) if is_number(&kind) => number(&text).unwrap_or(Value::String(text)),
        (Kind::String, Value::Number(number)) => number.to_string().into(),
        (Kind::String, Value::String(text)) => match rules.map(|rules| rules.allowed.as_slice()) {
            None | Some([]) => text.into(),
            Some(allowed) => {
                let meant = word(allowed.iter().map(String::as_str), &text, field.name()).map(str::to_owned);
                meant.unwrap_or(text).into()
            }
        },
        (Kind::Enum(names), Value::String(text)) => {
            let names: Vec<_> = names.values().collect();
            let meant = word(names.iter().map(|value| value.name()), &text, field.name()).map(str::to_owned);
            meant.unwrap_or(text).into()
        }
        (Kind::Message(message), value) if depth < MAX_DEPTH => self::message(&message, value, depth + 1),
        (_, value) => value,
    }
}

fn message(message: &MessageDescriptor, value: Value, depth: u32) -> Value {
    let is_free = message.full_name().starts_with("google.protobuf.");
    let value = match message.full_name() {
        "google.protobuf.Value" => value,
        "google.protobuf.ListValue" => parsed(value, Value::is_array),
        _ => parsed(value, Value::is_object),
    };
    match value {
        Value::Object(given) if !is_free => fields(message, given, depth).into(),
        Value::String(text) if !is_free => match only_need(message) {
            Some(name) => Map::from_iter([(name, Value::String(text))]).into(),
            None => text.into(),
        },
        value => value,
    }
}

/// The only field that a message needs, if it is a text: a participant's name.
fn only_need(message: &MessageDescriptor) -> Option<String> {
    let mut needed = message.fields().filter(|field| !field.supports_presence() && !field.is_list());
    let field = needed.next().filter(|field| matches!(field.kind(), Kind::String))?;
    needed.next().is_none().then(|| field.name().to_owned())
}

/// What a text holds as JSON, if that is what is wanted; else the value as it is.
fn parsed(value: Value, is_wanted: fn(&Value) -> bool) -> Value {
    let inner = value.as_str().filter(|text| text.trim_start().starts_with(['{', '[']));
    match inner.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        Some(inner) if is_wanted(&inner) => inner,
        _ => value,
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn is_number(kind: &Kind) -> bool {
    !matches!(kind, Kind::Bool | Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Message(_))
}

fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    let digits = text.strip_prefix('+').filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let number: serde_json::Number = digits.unwrap_or(text).parse().ok()?;
    Some(number.into())
}

/// The word of a list that is meant: the same but for case, spaces and hyphens, with or without the field's own name
/// ("Combat Pool" for a pool).
fn word<'a>(mut allowed: impl Iterator<Item = &'a str> + Clone, text: &str, field: &str) -> Option<&'a str> {
    let bare: Vec<&str> = parts(text).filter(|part| !parts(field).any(|of_name| is_same(of_name, part))).collect();
    let bare = bare.concat();
    allowed.clone().find(|word| is_same(word, text)).or_else(|| allowed.find(|word| is_same(word, &bare)))
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|part| !part.is_empty())
}

/// Whether two names have the same letters and figures, in whatever case.
fn is_same(name: &str, other: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = char> {
        name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase)
    }
    letters(name).eq(letters(other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::POOL;

    #[track_caller]
    fn read(message: &str, given: Value, expected: Value) {
        let message = POOL.get_message_by_name(message).unwrap();
        let Value::Object(given) = given else { panic!("arguments are an object") };
        assert_eq!(Value::Object(arguments(&message, given)), expected);
    }

    fn ranged(given: Value, expected: Value) {
        read("dicetower.character.v1.CalculateRangedAttackRequest", given, expected);
    }

    #[test]
    fn numbers_and_yes_may_come_as_text() {
        ranged(
            json!({"target_distance": " 15 ", "modifier": "+2", "called_shot": "True", "rough_ground": 0}),
            json!({"target_distance": 15, "modifier": 2, "called_shot": true, "rough_ground": false}),
        );
        read("dicetower.character.v1.AddPowerRequest", json!({"cost": "0.5"}), json!({"cost": 0.5}));
    }

    #[test]
    fn what_is_no_number_and_no_yes_stays_as_it_is() {
        for doubtful in [json!({"target_distance": "15 m"}), json!({"called_shot": "perhaps"}), json!({"recoil": true})]
        {
            ranged(doubtful.clone(), doubtful);
        }
    }

    #[test]
    fn a_word_of_a_list_may_be_spelled_otherwise() {
        ranged(
            json!({"light_level": "partial light", "target_movement": "Running", "conditions": ["Light smoke"]}),
            json!({"light_level": "PARTIAL", "target_movement": "running", "conditions": ["light_smoke"]}),
        );
        read("dicetower.character.v1.AllocatePoolRequest", json!({"pool": "Combat Pool"}), json!({"pool": "combat"}));
        ranged(json!({"light_level": "gloomy"}), json!({"light_level": "gloomy"}));
    }

    #[test]
    fn a_name_may_be_spelled_otherwise_unless_it_is_there_as_it_is() {
        ranged(
            json!({"targetDistance": 3, "Weapon Name": "AK-97"}),
            json!({"target_distance": 3, "weapon_name": "AK-97"}),
        );
        ranged(json!({"weapon-name": "a", "weapon_name": "b"}), json!({"weapon-name": "a", "weapon_name": "b"}));
        ranged(json!({"wapon": "a"}), json!({"wapon": "a"}));
    }

    #[test]
    fn a_tool_is_told_in_the_words_of_one_that_is_like_it() {
        let cast = "dicetower.character.v1.CastSpellRequest";
        read(
            cast,
            json!({"character_name": "Oak", "spell": "Heal"}),
            json!({"caster_name": "Oak", "spell_name": "Heal"}),
        );
        read("dicetower.character.v1.DropSpellRequest", json!({"casterName": "Oak"}), json!({"character_name": "Oak"}));
        ranged(json!({"distance": "15", "weapon": "AK-97"}), json!({"target_distance": 15, "weapon_name": "AK-97"}));
        read("dicetower.character.v1.GetCharacterRequest", json!({"name": "Oak"}), json!({"character_name": "Oak"}));
        let combat = "dicetower.character.v1.StartCombatRequest";
        let both = json!({"participants": [{"name": "Oak"}]});
        read(combat, json!({"characters": [{"character_name": "Oak"}]}), both);
    }

    #[test]
    fn the_shorter_word_of_a_tool_stands_for_its_own() {
        let spirit = "dicetower.character.v1.AddSpiritRequest";
        read(
            spirit,
            json!({"character_name": "Oak", "name": "Moss", "type": "forest"}),
            json!({"character_name": "Oak", "spirit_name": "Moss", "spirit_type": "forest"}),
        );
        read("dicetower.character.v1.ApplyDamageRequest", json!({"amount": "3"}), json!({"boxes": 3}));
        read("dicetower.character.v1.CreateCharacterRequest", json!({"name": "Ash"}), json!({"street_name": "Ash"}));
    }

    #[test]
    fn a_name_that_could_mean_two_fields_means_none() {
        let cast = "dicetower.character.v1.CastSpellRequest";
        read(cast, json!({"name": "Oak"}), json!({"name": "Oak"}));
        // Told the one, the name is the other.
        read(cast, json!({"name": "Oak", "spell": "Heal"}), json!({"caster_name": "Oak", "spell_name": "Heal"}));
        let given = json!({"caster_name": "Oak", "character_name": "Axel"});
        read(cast, given.clone(), given);
        ranged(json!({"target_distance": 3, "distance": 4}), json!({"target_distance": 3, "distance": 4}));
    }

    #[test]
    fn what_is_empty_and_not_needed_is_left_out() {
        ranged(
            json!({"light_level": "", "recoil": " ", "called_shot": "", "conditions": "", "cover": null}),
            json!({}),
        );
        ranged(
            json!({"weapon_name": "", "target_description": ""}),
            json!({"weapon_name": "", "target_description": ""}),
        );
    }

    #[test]
    fn one_value_makes_a_list_and_so_does_its_json() {
        ranged(json!({"conditions": "mist, Glare"}), json!({"conditions": ["mist", "glare"]}));
        ranged(json!({"conditions": "[\"mist\"]"}), json!({"conditions": ["mist"]}));
        let abilities = "dicetower.character.v1.AddSpiritRequest";
        let several = json!({"special_abilities": ["Fear", "Guard (day, night)"]});
        read(abilities, json!({"special_abilities": "Fear, Guard (day, night)"}), several);
        let state = "dicetower.character.v1.UpdateCampaignStateRequest";
        let sentence = json!({"completed_milestones": ["In, and out again"]});
        read(state, json!({"completed_milestones": "In, and out again"}), sentence);
        let modifiers = "dicetower.character.v1.CalculateDicePoolRequest";
        read(modifiers, json!({"modifiers": "1, -2"}), json!({"modifiers": [1, -2]}));
        read(modifiers, json!({"modifiers": 2}), json!({"modifiers": [2]}));
    }

    #[test]
    fn objects_may_come_as_the_text_of_their_json() {
        let rule = "dicetower.character.v1.ApplyRuleRequest";
        read(rule, json!({"input": "{\"quickness\": \"5\"}"}), json!({"input": {"quickness": "5"}}));
        read(rule, json!({"input": "[1]"}), json!({"input": "[1]"}));
        read(rule, json!({"input": "{broken"}), json!({"input": "{broken"}));
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        read(rule, json!({"input": deep}), json!({"input": deep}));
    }

    #[test]
    fn a_plain_name_stands_for_a_message_that_needs_no_more() {
        let combat = "dicetower.character.v1.StartCombatRequest";
        let both = json!({"participants": [{"name": "Oak"}, {"name": "Ganger", "reaction": 4}]});
        read(combat, json!({"participants": ["Oak", {"name": "Ganger", "reaction": "4"}]}), both.clone());
        read(combat, json!({"participants": "[\"Oak\", {\"name\": \"Ganger\", \"reaction\": 4}]"}), both);
        read(combat, json!({"participants": "Oak"}), json!({"participants": [{"name": "Oak"}]}));
        read(combat, json!({"participants": {"name": "Oak"}}), json!({"participants": [{"name": "Oak"}]}));
        read(combat, json!({"participants": "Oak, Platinum"}), json!({"participants": "Oak, Platinum"}));
    }
}
