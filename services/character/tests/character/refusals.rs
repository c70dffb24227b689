//! What each tool refuses, and that nothing is half done then.

use proto::catalogue::Tool;
use serde_json::{Map, Value, json};
use service_kit::status::ErrorCode::{self, CharacterNotFound, Conflict, InvalidInput, InvalidToolParams, NotFound};

use crate::common::{Table, own_tools};

fn of(name: &str, mut more: Value) -> Value {
    more["character_name"] = name.into();
    more
}

/// A call that is refused: with which code, and a part of what is said.
type Refusal = (&'static str, Value, ErrorCode, &'static str);

fn refusals() -> Vec<Refusal> {
    let oak = |more: Value| of("Oak", more);
    let axel = |more: Value| of("Axel", more);
    vec![
        ("add_karma", oak(json!({"amount": 0})), InvalidToolParams, "1 to 100000"),
        ("add_karma", oak(json!({"amount": -5})), InvalidToolParams, "amount"),
        ("spend_karma", oak(json!({"amount": 14})), InvalidInput, "costs 14 Good Karma, and Oak has 13"),
        ("set_karma", oak(json!({"total": 5, "available": 6})), InvalidInput, "cannot be left of 5"),
        ("update_karma_pool", oak(json!({"new_pool": 100001})), InvalidToolParams, "at most 100000"),
        (
            "use_karma",
            oak(json!({"use": "buy_successes", "count": 2, "natural_successes": 0})),
            InvalidInput,
            "one that was rolled",
        ),
        (
            "use_karma",
            oak(json!({"use": "buy_dice", "count": 5, "skill": 4, "target_number": 4})),
            InvalidInput,
            "at most as many as",
        ),
        (
            "use_karma",
            oak(json!({"use": "reroll_failures", "count": 5, "target_number": 4, "iteration": 17})),
            InvalidInput,
            "16 left; nothing was rolled",
        ),
        ("use_karma", oak(json!({"use": "reroll_failures", "count": 5})), InvalidInput, "`target_number` is needed"),
        ("spend_nuyen", oak(json!({"amount": 999999999})), InvalidInput, "and Oak has 572488"),
        ("add_nuyen", oak(json!({"amount": 0})), InvalidToolParams, "1 to"),
        ("get_ledger", oak(json!({"account": "gold"})), InvalidToolParams, "must be one of"),
        (
            "update_attribute",
            oak(json!({"attribute_name": "Reaction", "new_value": 5})),
            InvalidInput,
            "those that can be changed: Body",
        ),
        ("update_attribute", oak(json!({"attribute_name": "Body", "new_value": 6})), InvalidInput, "is 6 already"),
        // Above the racial maximum each point costs twice: 14.
        (
            "update_attribute",
            oak(json!({"attribute_name": "Body", "new_value": 7})),
            InvalidInput,
            "Body 7 costs 14 Good Karma",
        ),
        ("improve_skill", oak(json!({"skill_name": "Sorcry", "new_rating": 8})), InvalidInput, "nearest: Sorcery"),
        ("improve_skill", oak(json!({"skill_name": "Sorcery", "new_rating": 7})), InvalidInput, "is 7 already"),
        ("improve_skill", oak(json!({"skill_name": "Sorcery", "new_rating": 8})), InvalidInput, "costs 16 Good Karma"),
        ("add_skill", oak(json!({"skill_name": "SORCERY", "base_rating": 1})), Conflict, "already"),
        ("add_skill", oak(json!({"skill_name": "  ", "base_rating": 1})), InvalidInput, "must not be empty"),
        (
            "add_specialization",
            axel(json!({"skill_name": "Etiquette", "specialization": "Corporate"})),
            InvalidInput,
            "specialised in Street already",
        ),
        ("remove_skill", oak(json!({"skill_name": "Piloting"})), InvalidInput, "Oak has: Armed Combat"),
        ("add_gear", oak(json!({"gear_name": "Yacht", "price": 1000000000})), InvalidInput, "Yacht costs"),
        ("add_gear", oak(json!({"gear_name": "Rope", "quantity": 0})), InvalidToolParams, "1 to"),
        ("update_gear_quantity", axel(json!({"gear_name": "Roope", "quantity": 1})), InvalidInput, "unknown thing"),
        ("remove_gear", oak(json!({"gear_name": "Rope"})), InvalidInput, "unknown thing"),
        (
            "add_cyberware",
            axel(json!({"name": "Everything", "essence_cost": 2.2})),
            InvalidInput,
            "costs 2.2 Essence, and Axel has 2.1",
        ),
        (
            "add_cyberware",
            axel(json!({"name": "Odd", "target_name": "charm", "modifier_value": 1})),
            InvalidInput,
            "what can be modified: body",
        ),
        ("add_bioware", axel(json!({"name": "Everything", "body_index_cost": 3.01})), InvalidInput, "of 3 taken up"),
        (
            "update_cyberware",
            axel(json!({"modifier_id": "Datajack", "updates": {"colour": "red"}})),
            InvalidInput,
            "what can be updated",
        ),
        (
            "update_cyberware",
            axel(json!({"modifier_id": "Datajack", "updates": {"essence_cost": -1}})),
            InvalidInput,
            "0 to 6",
        ),
        ("remove_cyberware", axel(json!({"modifier_id": "Datajck"})), InvalidInput, "nearest: Datajack"),
        ("remove_bioware", axel(json!({"modifier_id": "x"})), InvalidInput, "unknown piece of ware"),
        (
            "add_vehicle",
            axel(json!({"vehicle_name": "ares dragon", "vehicle_type": "helicopter"})),
            Conflict,
            "already",
        ),
        (
            "update_vehicle",
            axel(json!({"vehicle_name": "Ares Dragon", "updates": {"speed": -1}})),
            InvalidInput,
            "cannot be -1",
        ),
        ("remove_vehicle", axel(json!({"vehicle_name": "Dragn"})), InvalidInput, "unknown vehicle"),
        (
            "add_cyberdeck",
            of("Manticore", json!({"deck_name": "Toy", "mpcp": 3, "persona_programs": ["Bod 4"]})),
            InvalidInput,
            "above the MPCP of 3",
        ),
        (
            "add_spell",
            axel(json!({"spell_name": "Light", "learned_force": 1})),
            InvalidInput,
            "no Magic that casts spells",
        ),
        ("add_spell", oak(json!({"spell_name": "Mana Blot", "learned_force": 1})), InvalidInput, "Mana Bolt"),
        ("add_spell", oak(json!({"spell_name": "HEAL", "learned_force": 1})), Conflict, "already"),
        (
            "add_spell",
            oak(json!({"spell_name": "Hellblast", "learned_force": 14, "pay_karma": true})),
            InvalidInput,
            "costs 14 Good Karma",
        ),
        (
            "update_spell",
            oak(json!({"spell_name": "Heal", "spell_category": "combat"})),
            InvalidInput,
            "is the rule book's",
        ),
        ("remove_spell", oak(json!({"spell_name": "Fireball"})), InvalidInput, "Oak has: Heal"),
        ("sustain_spell", oak(json!({"spell_name": "Mana Bolt"})), InvalidInput, "is not a sustained spell"),
        (
            "sustain_spell",
            oak(json!({"spell_name": "Barrier", "force": 6})),
            InvalidInput,
            "the Force it was learned at",
        ),
        ("add_spirit", oak(json!({"spirit_name": "fritz", "spirit_type": "storm spirit"})), Conflict, "already"),
        ("update_spirit_services", oak(json!({"spirit_name": "Franz", "services": 1})), InvalidInput, "Fritz"),
        ("add_focus", oak(json!({"focus_name": "Ring", "focus_type": "magic ring"})), InvalidInput, "power focus"),
        (
            "add_focus",
            oak(json!({"focus_name": "Ring", "focus_type": "power focus", "force": 3, "pay_karma": true})),
            InvalidInput,
            "costs 15 Good Karma",
        ),
        (
            "add_power",
            of("Block", json!({"power_name": "Might", "level": 9, "cost": 1.0})),
            InvalidInput,
            "power points",
        ),
        (
            "update_power_level",
            of("Block", json!({"power_name": "Nothing", "new_level": 1})),
            InvalidInput,
            "unknown power",
        ),
        ("add_contact", of("Platinum", json!({"name": "Ann", "loyalty": 11})), InvalidToolParams, "1 to 10"),
        ("update_contact_loyalty", oak(json!({"contact_name": "Ann", "loyalty": 1})), InvalidInput, "unknown contact"),
        ("add_edge_flaw", oak(json!({"name": "aptitude (sorcery)", "type": "edge"})), Conflict, "already"),
        ("add_edge_flaw", oak(json!({"name": "Odd", "type": "quirk"})), InvalidToolParams, "edge, flaw"),
        (
            "add_active_effect",
            oak(json!({"effect_name": "Odd", "effect_type": "drug", "target_attribute": "Body"})),
            InvalidInput,
            "`modifier_value` is needed",
        ),
        (
            "update_effect_duration",
            oak(json!({"effect_name": "Odd", "new_duration": "1 turn"})),
            InvalidInput,
            "unknown effect",
        ),
        ("remove_active_effect", oak(json!({"effect_name": "Odd"})), InvalidInput, "unknown effect"),
        (
            "add_modifier",
            oak(json!({"modifier_name": "Odd", "modifier_type": "pool", "target_name": "Body"})),
            InvalidInput,
            "is a target of type",
        ),
        (
            "update_modifier",
            oak(json!({"modifier_id": "Odd", "updates": {"modifier_value": 1}})),
            InvalidInput,
            "unknown modifier",
        ),
        ("remove_modifier", oak(json!({"modifier_id": "as on the sheet"})), InvalidInput, "give a modifier_id"),
        ("allocate_pool", oak(json!({"pool": "combat", "dice": 9})), InvalidInput, "more than the 8 left"),
        (
            "melee_combat",
            oak(json!({"weapon_name": "Katana", "target_name": "Ganger"})),
            InvalidInput,
            "give target_skill",
        ),
        (
            "melee_combat",
            oak(json!({"weapon_name": "Katna", "target_name": "Ganger", "target_skill": 3})),
            InvalidInput,
            "nearest: Katana",
        ),
        (
            "melee_combat",
            oak(json!({"weapon_name": "Katana", "target_name": "Axel", "combat_pool": 4})),
            InvalidInput,
            "at most 3",
        ),
        (
            "melee_combat",
            oak(json!({"weapon_name": "Katana", "target_name": "oak"})),
            InvalidInput,
            "nobody fights himself",
        ),
        ("ranged_combat", oak(json!({"weapon_name": "Ares Predator", "distance": -1})), InvalidToolParams, "distance"),
        ("resist_damage", oak(json!({"damage_code": "nine"})), InvalidInput, "is no damage code"),
        ("resist_damage", oak(json!({"damage_code": "9M", "attacker_successes": 0})), InvalidInput, "are a miss"),
        ("resist_damage", oak(json!({"damage_code": "9M", "combat_pool": 9})), InvalidInput, "at most 8"),
        ("apply_damage", oak(json!({})), InvalidInput, "either `boxes` or `level`"),
        ("heal", oak(json!({})), InvalidInput, "no physical damage"),
        ("first_aid", oak(json!({"healer_name": "Axel"})), InvalidInput, "has no Physical wound"),
        ("first_aid", oak(json!({"healer_name": "Nobody"})), CharacterNotFound, "'Nobody' not found"),
        (
            "spend_ammo",
            of("Platinum", json!({"weapon_name": "Morrissey Alta", "rounds": 13})),
            InvalidInput,
            "has 12 rounds, not 13",
        ),
        ("reload", of("Platinum", json!({"weapon_name": "Morrissey Alta"})), InvalidInput, "is full"),
        ("roll_character_initiative", oak(json!({"line": "matrix"})), InvalidInput, "unknown initiative"),
        ("start_combat", json!({"participants": []}), InvalidInput, "1 to 50"),
        ("start_combat", json!({"participants": [{"name": "Oak"}, {"name": "oak"}]}), InvalidInput, "twice"),
        ("next_actor", json!({"combat_id": "none"}), NotFound, "start_combat begins one"),
        ("get_combat", json!({}), NotFound, "start_combat begins one"),
        ("end_combat", json!({}), NotFound, "start_combat begins one"),
        ("get_campaign", json!({"campaign_id": "none"}), NotFound, "there is no campaign"),
        ("update_campaign_state", json!({"campaign_id": "none", "location": "x"}), NotFound, "there is no campaign"),
        ("add_campaign_milestone", json!({"campaign_id": "none", "milestone": "x"}), NotFound, "there is no campaign"),
        ("join_campaign", json!({"campaign_id": "none", "character_name": "Oak"}), NotFound, "there is no campaign"),
        ("leave_campaign", json!({"campaign_id": "none", "character_name": "Oak"}), NotFound, "there is no campaign"),
        ("create_campaign", json!({"title": " "}), InvalidInput, "must not be empty"),
        (
            "register_npc",
            json!({"campaign_id": "none", "name": "x", "role": "x", "location": "x", "relevance": "current"}),
            NotFound,
            "there is no campaign",
        ),
        ("update_npc", json!({"npc_id": "none", "status": "active"}), NotFound, "there is no NPC"),
        (
            "update_campaign_npc",
            json!({"npc_name": "none", "updates": {"status": "active"}}),
            NotFound,
            "there is no NPC",
        ),
        ("get_campaign_npcs", json!({"status": "asleep"}), InvalidToolParams, "must be one of"),
        ("add_campaign_npc", json!({"npc_name": "a\nb", "npc_type": "x"}), InvalidInput, "control characters"),
        (
            "toggle_house_rule",
            json!({"rule_name": "double armour", "is_active": true}),
            InvalidInput,
            "nearest: double armor",
        ),
        (
            "add_house_rule",
            json!({"rule_name": "", "rule_type": "x", "description": "x"}),
            InvalidToolParams,
            "must not be empty",
        ),
        ("compare_gear", json!({"gear_names": ["Ares Predator"]}), InvalidInput, "2 to 10"),
        ("get_gear_details", json!({"gear_name": "Ares Predtor"}), InvalidInput, "nearest: Ares Predator"),
        ("query_shadowrun", json!({"query": ""}), InvalidToolParams, "must not be empty"),
        ("lookup_gear", json!({"category": "car"}), InvalidToolParams, "must be one of"),
        ("get_audit_log", json!({"limit": 0}), InvalidToolParams, "1 to 1000"),
        ("create_character", json!({"street_name": "OAK", "archetype": "Decker"}), Conflict, "is taken"),
        (
            "create_character",
            json!({"street_name": "New", "archetype": "Decker", "metatype": "dwarv"}),
            InvalidInput,
            "nearest: dwarf",
        ),
        (
            "create_character",
            json!({"street_name": "New", "archetype": "Decker", "attributes": {"body": 0}}),
            InvalidInput,
            "1 to 50",
        ),
        (
            "create_character",
            json!({"street_name": "New", "archetype": "Decker", "priorities": {"race": "A", "magic": "A", "attributes": "B", "skills": "C", "resources": "D"}}),
            InvalidInput,
            "each of A to E is used once; E is not",
        ),
        (
            "create_character",
            json!({"street_name": "New", "archetype": "Decker", "metatype": "elf", "priorities": {"race": "E", "magic": "A", "attributes": "B", "skills": "C", "resources": "D"}}),
            InvalidInput,
            "takes race as priority A",
        ),
        (
            "create_character",
            json!({"street_name": "New", "archetype": "Decker", "attributes": {"body": 6, "quickness": 6, "strength": 6, "charisma": 6, "intelligence": 6, "willpower": 6}, "priorities": {"race": "E", "magic": "D", "attributes": "A", "skills": "B", "resources": "C"}}),
            InvalidInput,
            "attributes take 36 points; priority A has 30",
        ),
        (
            "create_character",
            json!({"street_name": "New", "archetype": "Decker", "skills": {"Computer": 7}}),
            InvalidInput,
            "starts at 1 to 6",
        ),
        ("update_character_info", oak(json!({"updates": {}})), InvalidInput, "is empty; it may have name"),
        ("update_character_info", oak(json!({"updates": {"nuyen": 5}})), InvalidInput, "what can be updated"),
        ("update_character_info", oak(json!({"updates": {"street_name": "axel"}})), Conflict, "the name is taken"),
        (
            "update_character_info",
            oak(json!({"updates": {"hair": "x".repeat(10_000)}})),
            InvalidInput,
            "at most 200 characters, not 10000",
        ),
        ("update_derived_stats", oak(json!({"updates": {"combat_pool": -1}})), InvalidInput, "0 to 1000"),
        ("update_derived_stats", oak(json!({"updates": {"initiative": "fast"}})), InvalidInput, "such as 9+2D6"),
        ("update_derived_stats", oak(json!({"updates": {"essence": 7}})), InvalidInput, "0 to 6"),
        ("restore_character", oak(json!({})), InvalidInput, "unknown deleted character"),
        ("import_character", json!({"sheet": {"street_name": "New", "charm": 5}}), InvalidInput, "no exported sheet"),
        (
            "import_character",
            json!({"sheet": {"street_name": ""}}),
            ErrorCode::InvalidCharacterName,
            "must not be empty",
        ),
        ("import_character", json!({"sheet": {"street_name": "oak"}}), Conflict, "is taken"),
        // What reads and reckons.
        ("test_skill", oak(json!({"skill_name": "Sorcery", "target_number": 1})), InvalidToolParams, "2 to 100"),
        ("get_character_skill", oak(json!({"skill_name": ""})), InvalidToolParams, "must not be empty"),
        (
            "calculate_ranged_attack",
            oak(json!({"weapon_name": "Ares Predtor", "target_distance": 5})),
            InvalidInput,
            "nearest: Ares Predator",
        ),
        (
            "calculate_ranged_attack",
            oak(json!({"weapon_name": "Ares Predator", "target_distance": 61})),
            InvalidInput,
            "61",
        ),
        ("calculate_dice_pool", json!({"skill_rating": 1001, "attribute_rating": 1}), InvalidToolParams, "1000"),
        (
            "calculate_target_number",
            json!({"situation": "a wall", "difficulty": "hard"}),
            InvalidToolParams,
            "must be one of",
        ),
        ("apply_rule", json!({"area": "drain_tset", "input": {}}), InvalidInput, "drain_test"),
        ("get_modifiers", oak(json!({"modifier_type": "luck"})), InvalidToolParams, "must be one of"),
        ("get_gear", oak(json!({"gear_type": "hat"})), InvalidToolParams, "one of weapon"),
        ("get_house_rules", json!({"campaign_id": "none"}), NotFound, "there is no campaign"),
        ("refresh_pools", oak(json!({"reason": "x".repeat(501)})), InvalidToolParams, "at most 500"),
        ("drop_spell", oak(json!({"spell_name": ""})), InvalidToolParams, "must not be empty"),
        (
            "add_relationship",
            oak(json!({"relationship_type": "ally\n", "relationship_name": "Ann"})),
            InvalidInput,
            "control characters",
        ),
        // What happens around a fight.
        ("test_surprise", json!({"participants": [{"name": "Oak"}]}), InvalidInput, "2 to 50"),
        ("test_surprise", json!({"participants": [{"name": "Oak"}, {"name": "OAK"}]}), InvalidInput, "twice"),
        (
            "throw_grenade",
            axel(json!({"grenade": "offensive", "target_distance": 61})),
            InvalidInput,
            "nothing was rolled",
        ),
        (
            "throw_grenade",
            axel(json!({"grenade": "offensive", "target_distance": 4, "delivery": "launched"})),
            InvalidInput,
            "nothing was rolled",
        ),
        ("throw_grenade", axel(json!({"grenade": "stun", "target_distance": 4})), InvalidToolParams, "one of"),
        ("attack_barrier", json!({"power": 9}), InvalidInput, "either `material` or `rating`"),
        ("attack_barrier", json!({"material": "paper", "power": 9}), InvalidInput, "unknown barrier"),
        ("attack_barrier", json!({"rating": 9, "damage_code": "9X"}), InvalidInput, "no damage code"),
        ("pass_time", oak(json!({"minutes": 0})), InvalidToolParams, "1 to"),
        ("delay_action", json!({}), NotFound, "no such fight"),
        ("take_delayed_action", json!({"name": "Oak"}), NotFound, "no such fight"),
        ("join_combat", json!({"participants": ["Oak"]}), NotFound, "no such fight"),
        ("leave_combat", json!({"name": "Oak"}), NotFound, "no such fight"),
        ("wound_fighter", json!({"name": "Oak", "stun": 1}), NotFound, "no such fight"),
        ("wear_armor", oak(json!({"armor_name": "Tutu"})), InvalidInput, "unknown armor"),
        (
            "resist_damage",
            oak(json!({"damage_code": "9M", "barrier": 12})),
            InvalidInput,
            "above the Power of 9M: it stops the shot",
        ),
        ("damage_vehicle", axel(json!({"vehicle_name": "Bulldog"})), InvalidInput, "`damage_code`, or else"),
        ("damage_vehicle", axel(json!({"vehicle_name": "Sled", "boxes": 1})), InvalidInput, "unknown vehicle"),
        (
            "damage_vehicle",
            axel(json!({"vehicle_name": "Ghostrider", "damage_code": "9M"})),
            InvalidInput,
            "no Body of the Ghostrider is known",
        ),
        // Spirits and spells.
        ("conjure_spirit", axel(json!({"spirit_type": "city spirit", "force": 2})), InvalidInput, "has no Magic"),
        (
            "conjure_spirit",
            oak(json!({"spirit_type": "fire elemental", "force": 2})),
            InvalidInput,
            "shamans call nature spirits",
        ),
        ("use_spirit_service", oak(json!({"spirit_name": "Fred"})), InvalidInput, "unknown spirit"),
        ("learn_spell", axel(json!({"spell_name": "Heal", "force": 2})), InvalidInput, "has no Magic"),
        ("learn_spell", oak(json!({"spell_name": "Heal", "force": 6})), InvalidInput, "at Force 6 already"),
        ("learn_spell", oak(json!({"spell_name": "Stink", "force": 14})), InvalidInput, "costs 14 Good Karma"),
        (
            "learn_spell",
            oak(json!({"spell_name": "Stink", "force": 4, "library": 3})),
            InvalidInput,
            "a library or lodge of 3 is too small",
        ),
        ("learn_spell", oak(json!({"spell_name": "Recharge", "force": 4})), InvalidInput, "house rule house spells"),
        ("notice_spellcasting", oak(json!({"force": 4})), InvalidInput, "either `caster_name` or `caster_magic`"),
        (
            "cast_spell",
            json!({"caster_name": "Oak", "spell_name": "Mana Bolt", "force": 2, "target_name": "Axel", "target_pool_dice": 1}),
            InvalidInput,
            "Axel has 0 Magic Pool dice",
        ),
        ("add_cyberware", axel(json!({"name": "NeuroSync Processor"})), InvalidInput, "house rule neurosync processor"),
        // Machines.
        ("drive_vehicle", axel(json!({"vehicle_name": "Sled"})), InvalidInput, "unknown vehicle"),
        ("drive_vehicle", axel(json!({"vehicle_name": "Ghostrider"})), InvalidInput, "no Handling"),
        (
            "drive_vehicle",
            axel(json!({"vehicle_name": "Bulldog", "control_pool": 30})),
            InvalidInput,
            "30 dice of the Control Pool",
        ),
        ("run_program", axel(json!({"program": "Attack", "target_number": 4})), InvalidInput, "has no cyberdeck"),
        (
            "run_program",
            of("Manticore", json!({"program": "Masking", "target_number": 4, "hacking_pool": 7})),
            InvalidInput,
            "at most 6",
        ),
        (
            "run_program",
            of("Manticore", json!({"program": "Dance", "target_number": 4})),
            InvalidInput,
            "unknown program",
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let table = Table::start().await;
    let names = ["Axel", "Block", "Manticore", "Oak", "Platinum"];
    let mut before = Vec::new();
    for name in names {
        before.push(table.call("export_character", of(name, json!({}))).await);
    }

    for (tool, arguments, code, text) in refusals() {
        table.refuses(tool, arguments, code, text).await;
    }

    for (name, before) in names.into_iter().zip(before) {
        assert_eq!(table.call("export_character", of(name, json!({}))).await, before);
    }
    let list = table.call("list_characters", json!({})).await;
    assert_eq!(list["characters"].as_array().unwrap().len(), 5);
}

/// Something for every required parameter of a tool, within its bounds.
fn least_arguments(parameters: &Value) -> Map<String, Value> {
    let required = parameters["required"].as_array().cloned().unwrap_or_default();
    let value = |schema: &Value| match schema["type"].as_str() {
        Some("string") => schema["enum"].get(0).cloned().unwrap_or_else(|| "x".into()),
        Some("integer" | "number") => schema["minimum"].as_i64().unwrap_or(1).max(1).into(),
        Some("boolean") => true.into(),
        Some("array") => json!([]),
        _ => json!({"notes": "x"}),
    };
    let named = required.iter().filter_map(Value::as_str);
    named.map(|name| (name.to_owned(), value(&parameters["properties"][name]))).collect()
}

/// These look for something else before they look for a character.
const LOOK_ELSEWHERE: [&str; 3] = ["restore_character", "join_campaign", "leave_campaign"];
/// These have nothing that could be wrong with their arguments.
const NEVER_REFUSED: [&str; 2] = ["list_campaigns", "list_characters"];

/// A call of a tool for a character who is not there, if it asks for one.
fn for_nobody(tool: &Tool) -> Option<Value> {
    let mut arguments = least_arguments(&tool.parameters);
    *arguments.get_mut("character_name")? = "Nobody".into();
    (!LOOK_ELSEWHERE.contains(&tool.name.as_str())).then(|| arguments.into())
}

#[test]
fn each_tool_is_refused_something() {
    let refused: Vec<&str> = refusals().into_iter().map(|(tool, ..)| tool).collect();
    for tool in own_tools() {
        let is_tried = refused.contains(&tool.name.as_str()) || for_nobody(&tool).is_some();
        assert_ne!(is_tried, NEVER_REFUSED.contains(&tool.name.as_str()), "{}", tool.name);
    }
}

#[tokio::test]
async fn every_tool_that_takes_a_character_tells_of_one_it_does_not_know() {
    let table = Table::start().await;
    let mut tried = 0;
    for tool in own_tools() {
        let Some(arguments) = for_nobody(&tool) else { continue };
        let failure = table.refusal(&tool.name, arguments).await;
        assert_eq!(failure.code, CharacterNotFound, "{}: {failure:?}", tool.name);
        assert_eq!(failure.details["available_characters"].as_array().unwrap().len(), 5, "{}", tool.name);
        tried += 1;
    }
    assert!(70 < tried, "{tried}");
}

#[tokio::test]
async fn text_of_any_kind_is_kept_exactly() {
    let table = Table::start().await;
    let texts =
        ["\"quotes\" and 'quotes'; DROP TABLE characters; --", "Ñandú 龍 Дракон 🐉 العربية", &"ä".repeat(10_000)];
    for text in texts {
        table.call("update_character_info", of("Oak", json!({"updates": {"notes": text, "background": text}}))).await;
        let sheet = table.sheet("Oak").await;
        assert_eq!((&sheet["notes"], &sheet["background"]), (&json!(text), &json!(text)));
    }
    for name in ["O'Neill \"Ace\"", "龍", "Дракон"] {
        table.call("create_character", json!({"street_name": name, "archetype": "Decker"})).await;
        assert_eq!(table.call("get_character", json!({"character_name": name})).await["street_name"], name);
    }
    let shouted = json!({"street_name": "ДРАКОН", "archetype": "Decker"});
    table.refuses("create_character", shouted, Conflict, "is taken").await;
}

#[tokio::test]
async fn a_deleted_character_is_off_the_lists_keeps_his_name_and_comes_back_whole() {
    let table = Table::start().await;
    let before = table.sheet("Oak").await;
    table.call("delete_character", of("oak", json!({"reason": "retired"}))).await;
    table.refuses("get_character", of("Oak", json!({})), CharacterNotFound, "not found").await;
    assert_eq!(table.call("list_characters", json!({})).await["characters"].as_array().unwrap().len(), 4);
    table
        .refuses(
            "create_character",
            json!({"street_name": "Oak", "archetype": "Decker"}),
            Conflict,
            "restore_character",
        )
        .await;
    let log = table.call("get_audit_log", of("Oak", json!({"limit": 1}))).await;
    assert_eq!(log["entries"][0]["reason"], "retired");
    table.call("restore_character", of("OAK", json!({}))).await;
    assert_eq!(table.sheet("Oak").await, before);
}
