//! The JSON of a sheet: both shapes of the contract, with every key that any client reads.

use serde_json::{Value, json};
use service_kit::status::ErrorCode::InvalidInput;

use crate::common::{Table, has_keys};

const NAMES: [&str; 5] = ["Platinum", "Block", "Manticore", "Axel", "Oak"];

/// Single values of both shapes.
#[rustfmt::skip]
const SCALARS: &[&str] = &[
    "id", "name", "street_name", "character_type", "archetype", "metatype", "sex", "age", "height", "weight", "hair",
    "eyes", "skin", "nuyen", "karma_pool", "karma_total", "karma_available", "lifestyle", "lifestyle_cost",
    "lifestyle_months_prepaid", "essence_hole", "initiative", "combat_pool", "magic_pool", "body_index_current",
    "body_index_max", "background", "notes",
];
const ATTRIBUTES: &[&str] =
    &["body", "quickness", "strength", "charisma", "intelligence", "willpower", "reaction", "essence", "magic"];

/// Lists of the nested shape and the keys of their entries, by JSON pointer.
const NESTED: &[(&str, &[&str])] = &[
    ("/skills/active", &["skill_name", "rating", "base_rating", "current_rating", "specialization"]),
    ("/skills/knowledge", &["skill_name", "rating", "base_rating", "current_rating", "specialization"]),
    ("/skills/language", &["skill_name", "rating", "base_rating", "current_rating", "specialization"]),
    ("/cyberware", &["name", "essence_cost", "details", "effects"]),
    ("/bioware", &["name", "body_index_cost", "details", "effects"]),
    ("/weapons", &["name", "stats", "modifications", "notes"]),
    ("/armor", &["name", "modifications", "notes"]),
    ("/equipment", &["name", "quantity", "notes"]),
    ("/vehicles", &["name", "vehicle_type", "handling", "speed", "body", "armor", "notes"]),
    ("/contacts", &["name", "archetype", "connection", "loyalty", "notes"]),
    ("/edges", &["name", "description"]),
    ("/flaws", &["name", "description"]),
    ("/spells", &["spell_name", "spell_category", "learned_force", "drain_code"]),
];

/// Lists of the flat shape and the keys of their entries that the old page's renderer reads.
#[rustfmt::skip]
const FLAT: &[(&str, &[&str])] = &[
    ("/data/edges_flaws", &["name", "type", "description", "cost"]),
    ("/data/edges", &["name", "description"]),
    ("/data/flaws", &["name", "description"]),
    ("/data/skills", &["skill_name", "skill_type", "current_rating", "base_rating", "rating", "specialization"]),
    ("/data/cyberware", &["name", "essence_cost", "effects"]),
    ("/data/bioware", &["name", "body_index_cost", "effects"]),
    ("/data/gear", &["gear_name", "gear_type", "damage", "conceal", "ammo_capacity", "modifications",
        "ballistic_rating", "impact_rating", "quantity", "notes"]),
    ("/data/vehicles", &["vehicle_name", "notes"]),
    ("/data/cyberdecks", &["deck_name", "mpcp", "hardening", "memory", "storage", "io_speed", "response_increase",
        "persona_programs", "utilities", "ai_companions", "notes"]),
    ("/data/spells", &["spell_name", "spell_category", "learned_force", "spell_type", "target_type", "duration",
        "drain_modifier", "description", "notes"]),
    ("/data/foci", &["focus_name", "focus_type", "force", "bonded"]),
    ("/data/spirits", &["spirit_name", "spirit_type", "force", "services"]),
    ("/data/powers", &["power_name", "level", "cost"]),
    ("/data/contacts", &["name", "archetype", "loyalty", "connection", "notes"]),
    ("/data/modifiers", &["modifier_type", "target_name", "modifier_value", "source", "source_type"]),
];

/// What else the renderer reads of the flat shape.
const FLAT_ALONE: &[&str] = &[
    "task_pool",
    "hacking_pool",
    "totem",
    "tradition",
    "current_magic",
    "relationships",
    "active_effects",
    "magical_group",
    "metamagics",
    "initiate_level",
];

#[tokio::test]
async fn a_sheet_has_both_shapes_with_every_key() {
    let table = Table::start().await;
    for name in NAMES {
        let sheet = table.call("get_character", json!({"character_name": name})).await;
        assert_eq!(sheet["character"], name);
        assert!(sheet["summary"].as_str().unwrap().contains("Body"), "{}", sheet["summary"]);
        has_keys(&sheet, SCALARS);
        has_keys(&sheet["data"], SCALARS);
        has_keys(&sheet["data"], FLAT_ALONE);
        for attribute in ATTRIBUTES {
            let (current, base) = (format!("current_{attribute}"), format!("base_{attribute}"));
            has_keys(&sheet["data"], &[&current, &base]);
            assert_eq!(sheet["attributes"][attribute], sheet["data"][&current], "{name} {attribute}");
            assert_eq!(sheet["attributes"][format!("{attribute}_base")], sheet["data"][&base], "{name} {attribute}");
        }
        for ware in ["/cyberware", "/bioware", "/data/cyberware", "/data/bioware"] {
            let pieces = sheet.pointer(ware).unwrap().as_array().unwrap();
            assert!(pieces.iter().all(|piece| piece["effects"].is_array()), "{name} {ware}");
        }
    }
}

#[tokio::test]
async fn every_list_of_a_sheet_is_there_and_every_entry_has_its_keys() {
    let table = Table::start().await;
    // No sample carries anything but weapons and armor.
    table.call("add_gear", json!({"character_name": "Axel", "gear_name": "Medkit"})).await;
    let mut sheets: Vec<Value> = Vec::new();
    for name in NAMES {
        sheets.push(table.call("get_character", json!({"character_name": name})).await);
    }
    for (place, keys) in NESTED.iter().chain(FLAT) {
        let mut entries = 0;
        for sheet in &sheets {
            let list = sheet.pointer(place).and_then(Value::as_array);
            let list = list.unwrap_or_else(|| panic!("{place} of {} is no list", sheet["character"]));
            list.iter().for_each(|entry| has_keys(entry, keys));
            entries += list.len();
        }
        assert!(0 < entries, "no sample has {place}");
    }
}

#[tokio::test]
async fn whole_numbers_of_a_sheet_are_whole_and_fractions_stay() {
    let table = Table::start().await;
    let sheet = table.call("get_character", json!({"character_name": "Platinum"})).await;
    assert_eq!(sheet["nuyen"].to_string(), "498148");
    assert_eq!(sheet["attributes"]["essence"].to_string(), "2.55");
    assert_eq!(sheet["data"]["initiative"], "27+4D6");
}

#[tokio::test]
async fn a_page_that_reads_the_flat_shape_without_asking_stumbles_over_nothing() {
    let table = Table::start().await;
    let plain = json!({"street_name": "Plain", "archetype": "Drifter"});
    table.call("create_character", plain).await;
    for (tool, entry) in [
        ("add_cyberware", json!({"name": "Odd Eye", "essence_cost": 0.1})),
        ("add_vehicle", json!({"vehicle_name": "Cart", "vehicle_type": "car"})),
        ("add_contact", json!({"name": "Joe"})),
        ("add_gear", json!({"gear_name": "Rope"})),
        ("add_cyberdeck", json!({"deck_name": "Slab"})),
    ] {
        let mut arguments = entry;
        arguments["character_name"] = "Plain".into();
        table.call(tool, arguments).await;
    }
    for name in NAMES.into_iter().chain(["Plain"]) {
        let data = table.call("get_character", json!({"character_name": name})).await["data"].clone();
        for text in
            ["sex", "age", "height", "weight", "hair", "eyes", "skin", "lifestyle", "totem", "tradition", "notes"]
        {
            assert!(data[text].is_string(), "{name}: {text} is {}", data[text]);
        }
        for (list, texts, numbers) in [
            ("cyberware", vec!["name"], vec!["essence_cost"]),
            ("bioware", vec!["name"], vec!["body_index_cost"]),
            ("gear", vec!["gear_name", "gear_type", "damage", "conceal", "ammo_capacity", "notes"], vec!["quantity"]),
            ("vehicles", vec!["vehicle_name", "notes"], vec![]),
            ("contacts", vec!["name", "archetype", "notes"], vec!["loyalty", "connection"]),
            ("cyberdecks", vec!["deck_name", "notes"], vec![]),
            ("edges", vec!["name", "description"], vec![]),
            ("flaws", vec!["name", "description"], vec![]),
        ] {
            for entry in data[list].as_array().unwrap() {
                texts.iter().for_each(|key| assert!(entry[key].is_string(), "{name} {list} {key}: {entry}"));
                numbers.iter().for_each(|key| assert!(entry[key].is_number(), "{name} {list} {key}: {entry}"));
            }
        }
        for deck in data["cyberdecks"].as_array().unwrap() {
            assert!(deck["persona_programs"].is_object() && deck["utilities"].is_object(), "{deck}");
            assert!(deck["ai_companions"].is_array(), "{deck}");
        }
    }
}

#[tokio::test]
async fn updates_are_read_as_they_are_meant() {
    let table = Table::start().await;
    let axel = |mut more: Value| {
        more["character_name"] = "Axel".into();
        more
    };
    let updates = json!({"Age": 31, "hair": "red", "lifestyle_months_prepaid": "2", "Lifestyle Cost": "1000"});
    table.call("update_character_info", axel(json!({"updates": updates}))).await;
    let sheet = table.call("get_character", axel(json!({}))).await;
    assert_eq!((&sheet["age"], &sheet["hair"]), (&json!("31"), &json!("red")));
    assert_eq!((&sheet["lifestyle_months_prepaid"], &sheet["lifestyle_cost"]), (&json!(2), &json!(1000)));
    let wrong = axel(json!({"updates": {"lifestyle_cost": "a lot"}}));
    table.refuses("update_character_info", wrong, InvalidInput, "`lifestyle_cost` cannot be \"a lot\"").await;
    let wrong = axel(json!({"updates": {"hair": ["red"]}}));
    table.refuses("update_character_info", wrong, InvalidInput, "`hair` cannot be [\"red\"]").await;

    let bulldog = json!({"vehicle_name": "Bulldog", "updates": {"Body": "8", "handling": 4}});
    let bulldog = table.call("update_vehicle", axel(bulldog)).await;
    assert_eq!((&bulldog["entry"]["body"], &bulldog["entry"]["handling"]), (&json!(8), &json!("4")));
    table.call("update_derived_stats", axel(json!({"updates": {"Combat Pool": "9"}}))).await;
    assert_eq!(table.call("get_combat_pool", axel(json!({}))).await["combat_pool"], 9);
    let new =
        json!({"street_name": "New", "archetype": "Courier", "attributes": {"Body": "5"}, "skills": {"car": "4"}});
    table.call("create_character", new).await;
    let sheet = table.call("get_character", json!({"character_name": "New"})).await;
    assert_eq!((&sheet["attributes"]["body"], &sheet["skills"]["active"][0]["rating"]), (&json!(5), &json!(4)));
}
