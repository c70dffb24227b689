//! Every tool on its normal call, one after another at one table, and what its answer holds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::common::{Table, own_tools};

/// A call, and parts of its answer by JSON pointer.
type Call = (&'static str, Value, &'static [(&'static str, &'static str)]);

/// Answers are compared as JSON texts.
fn calls() -> Vec<Call> {
    let oak = |more: Value| of("Oak", more);
    let axel = |more: Value| of("Axel", more);
    let platinum = |more: Value| of("Platinum", more);
    vec![
        ("list_characters", json!({}), &[("/characters/0/name", r#""Axel""#)]),
        ("get_character", oak(json!({})), &[("/revision", "1"), ("/character", r#""Oak""#)]),
        ("get_character_skill", oak(json!({"skill_name": "Sorcery"})), &[("/skill_rating", "7")]),
        (
            "calculate_dice_pool",
            json!({"skill_rating": 3, "attribute_rating": 4}),
            &[("/pool", "7"), ("/sr2_pool", "3")],
        ),
        ("calculate_target_number", json!({"situation": "a jump"}), &[("/target_number", "5")]),
        ("apply_rule", json!({"area": "base_tn", "input": {"range_category": "long"}}), &[("/result", "6")]),
        ("test_skill", oak(json!({"skill_name": "Biotech"})), &[("/dice_pool", "2")]),
        (
            "calculate_ranged_attack",
            platinum(json!({"weapon_name": "Ares Predator", "target_distance": 5})),
            &[("/base_tn", "4"), ("/house_rules", "[]")],
        ),
        // Karma and nuyen.
        (
            "add_karma",
            axel(json!({"amount": 37, "reason": "a run"})),
            &[
                ("/karma_added", "37"),
                ("/karma_total", "162"),
                ("/karma_available", "58"),
                ("/karma_pool", "17"),
                ("/reason", r#""a run""#),
            ],
        ),
        ("spend_karma", axel(json!({"amount": 8})), &[("/karma_added", "-8"), ("/karma_available", "50")]),
        (
            "set_karma",
            axel(json!({"total": 200, "available": 120})),
            &[("/karma_total", "200"), ("/karma_available", "120")],
        ),
        ("update_karma_pool", axel(json!({"new_pool": 20})), &[("/karma_pool", "20"), ("/karma_pool_left", "20")]),
        (
            "use_karma",
            axel(json!({"use": "buy_dice", "count": 3, "skill": 4, "target_number": 4})),
            &[("/karma_cost", "3"), ("/karma_pool_left", "17"), ("/permanent", "false")],
        ),
        ("add_nuyen", axel(json!({"amount": 712})), &[("/nuyen", "440000"), ("/amount", "712")]),
        ("spend_nuyen", axel(json!({"amount": 40000})), &[("/nuyen", "400000"), ("/amount", "-40000")]),
        ("get_ledger", axel(json!({"account": "nuyen"})), &[("/balance", "400000"), ("/entries/0/amount", "-40000")]),
        // Attributes and skills: Body 3 to 4 costs 4; Car 6 to 7 costs 14; the racial maximum of a human is 6.
        (
            "update_attribute",
            axel(json!({"attribute_name": "body", "new_value": 4})),
            &[("/karma_spent", "4"), ("/karma_available", "116"), ("/entry/base", "4")],
        ),
        (
            "add_skill",
            axel(json!({"skill_name": "stealth", "base_rating": 2, "pay_karma": true})),
            &[("/entry/skill_name", r#""Stealth""#), ("/karma_spent", "5")],
        ),
        (
            "improve_skill",
            axel(json!({"skill_name": "Stealth", "new_rating": 4})),
            &[("/karma_spent", "14"), ("/entry/rating", "4")],
        ),
        (
            "add_specialization",
            axel(json!({"skill_name": "stealth", "specialization": "Urban"})),
            &[("/karma_spent", "5"), ("/entry/specialization", r#""Urban""#)],
        ),
        ("get_skills", axel(json!({})), &[("/skills/0/skill_type", r#""active""#)]),
        ("remove_skill", axel(json!({"skill_name": "Stealth"})), &[("/success", "true")]),
        // Gear and ware.
        (
            "add_gear",
            axel(json!({"gear_name": "Ares Predator", "price": 450})),
            &[("/entry/gear_type", r#""weapon""#), ("/entry/damage", r#""9M""#), ("/nuyen_spent", "450")],
        ),
        (
            "add_gear",
            axel(json!({"gear_name": "Heavy rounds", "gear_type": "ammunition", "quantity": 20})),
            &[("/entry/quantity", "20")],
        ),
        (
            "mount_accessory",
            axel(json!({"weapon_name": "ares predator", "accessory": "laser", "price": 0})),
            &[("/entry/weapon_stats/laser_sight", "true"), ("/entry/modifications/accessories", r#"["Laser Sight"]"#)],
        ),
        (
            "remove_accessory",
            axel(json!({"weapon_name": "Ares Predator", "accessory": "Laser Sight"})),
            &[("/entry/weapon_stats/laser_sight", "false")],
        ),
        ("get_gear", axel(json!({"gear_type": "ammunition"})), &[("/gear/0/gear_name", r#""Heavy rounds""#)]),
        (
            "spend_ammo",
            axel(json!({"weapon_name": "ares predator", "rounds": 4})),
            &[("/rounds", "11"), ("/capacity", "15")],
        ),
        ("reload", axel(json!({"weapon_name": "Ares Predator", "ammunition": "heavy rounds"})), &[("/rounds", "15")]),
        (
            "update_gear_quantity",
            axel(json!({"gear_name": "Heavy rounds", "quantity": 5})),
            &[("/entry/quantity", "5")],
        ),
        ("remove_gear", axel(json!({"gear_name": "Heavy rounds"})), &[("/success", "true")]),
        (
            "add_cyberware",
            axel(
                json!({"name": "Boosted Reflexes", "essence_cost": 0.5, "target_name": "reaction", "modifier_value": 1, "modifier_data": {"rating": 1}}),
            ),
            &[("/entry/essence_cost", "0.5"), ("/entry/effects", r#"["Reaction +1"]"#)],
        ),
        ("get_cyberware", axel(json!({})), &[("/essence", "1.6")]),
        (
            "update_cyberware",
            axel(json!({"modifier_id": "boosted reflexes", "updates": {"grade": "alpha", "essence_cost": 0.4}})),
            &[("/entry/essence_cost", "0.4"), ("/entry/details/grade", r#""alpha""#)],
        ),
        ("remove_cyberware", axel(json!({"modifier_id": "Boosted Reflexes"})), &[("/success", "true")]),
        (
            "add_bioware",
            axel(json!({"name": "Synaptic Accelerator", "body_index_cost": 0.4})),
            &[("/entry/body_index_cost", "0.4")],
        ),
        ("get_bioware", axel(json!({})), &[("/body_index_max", "4")]),
        ("remove_bioware", axel(json!({"modifier_id": "Synaptic Accelerator"})), &[("/success", "true")]),
        (
            "add_vehicle",
            axel(
                json!({"vehicle_name": "Scorpion", "vehicle_type": "bike", "handling": "4/5", "speed": 180, "body": 3}),
            ),
            &[("/entry/speed", "180")],
        ),
        (
            "update_vehicle",
            axel(json!({"vehicle_name": "scorpion", "updates": {"armor": 1, "notes": "blue"}})),
            &[("/entry/armor", "1")],
        ),
        ("get_vehicles", axel(json!({})), &[("/character", r#""Axel""#)]),
        ("remove_vehicle", axel(json!({"vehicle_name": "Scorpion"})), &[("/success", "true")]),
        (
            "add_cyberdeck",
            of("Manticore", json!({"deck_name": "Spare", "mpcp": 4, "persona_programs": ["Bod 4", "Evasion 3"]})),
            &[("/entry/persona_programs/Bod", "4")],
        ),
        ("get_cyberdecks", of("Manticore", json!({})), &[("/hacking_pool", "17")]),
        // Magic.
        (
            "add_spell",
            oak(json!({"spell_name": "Light", "learned_force": 2, "pay_karma": true})),
            &[("/entry/spell_category", r#""manipulation""#), ("/karma_spent", "2")],
        ),
        ("update_spell", oak(json!({"spell_name": "light", "learned_force": 3})), &[("/entry/learned_force", "3")]),
        ("get_spells", oak(json!({})), &[("/magic", "9")]),
        ("sustain_spell", oak(json!({"spell_name": "Light", "force": 2})), &[("/entry/force", "2")]),
        ("get_sustained_spells", oak(json!({})), &[("/sustaining_penalty", "2")]),
        ("drop_spell", oak(json!({"spell_name": "Light"})), &[("/success", "true")]),
        (
            "cast_spell",
            json!({"caster_name": "Oak", "spell_name": "Mana Bolt", "force": 2, "target_name": "Block"}),
            &[("/drain/marked", "true")],
        ),
        ("remove_spell", oak(json!({"spell_name": "Light"})), &[("/success", "true")]),
        (
            "add_spirit",
            oak(
                json!({"spirit_name": "Ember", "spirit_type": "fire elemental", "force": 3, "services": 2, "special_abilities": ["Guard"]}),
            ),
            &[("/entry/services", "2"), ("/entry/special_abilities", r#"["Guard"]"#)],
        ),
        ("update_spirit_services", oak(json!({"spirit_name": "ember", "services": 1})), &[("/entry/services", "1")]),
        ("get_spirits", oak(json!({})), &[("/spirits/1/spirit_name", r#""Ember""#)]),
        (
            "add_focus",
            oak(
                json!({"focus_name": "Ring", "focus_type": "specific spell focus", "force": 2, "specific_spell": "Heal", "pay_karma": true}),
            ),
            &[("/entry/karma_cost", "2"), ("/karma_spent", "2")],
        ),
        ("get_foci", oak(json!({})), &[("/foci/2/focus_name", r#""Ring""#)]),
        (
            "update_derived_stats",
            of("Block", json!({"updates": {"power_points_total": 4, "combat_pool": 7, "initiative": "5+2D6"}})),
            &[("/success", "true")],
        ),
        (
            "add_power",
            of("Block", json!({"power_name": "Killing Hands", "level": 2, "cost": 0.25})),
            &[("/entry/level", "2")],
        ),
        (
            "update_power_level",
            of("Block", json!({"power_name": "killing hands", "new_level": 1})),
            &[("/entry/level", "1")],
        ),
        ("get_powers", of("Block", json!({})), &[("/power_points_total", "4")]),
        // People and circumstances.
        (
            "add_contact",
            oak(json!({"name": "Mr. O'Brien", "archetype": "Fixer"})),
            &[("/entry/loyalty", "1"), ("/entry/connection", "1")],
        ),
        (
            "update_contact_loyalty",
            oak(json!({"contact_name": "mr. o'brien", "loyalty": 3})),
            &[("/entry/loyalty", "3")],
        ),
        ("get_contacts", oak(json!({})), &[("/contacts/0/name", r#""Mr. O'Brien""#)]),
        ("add_edge_flaw", oak(json!({"name": "Night Vision", "type": "edge", "cost": 2})), &[("/entry/cost", "2")]),
        ("get_edges_flaws", oak(json!({})), &[("/total_count", "2")]),
        (
            "add_relationship",
            oak(json!({"relationship_type": "mentor", "relationship_name": "Old Ash", "data": {"since": 2040}})),
            &[("/entry/data/since", "2040")],
        ),
        ("get_relationships", oak(json!({})), &[("/relationships/0/relationship_name", r#""Old Ash""#)]),
        (
            "add_active_effect",
            oak(
                json!({"effect_name": "Jazz", "effect_type": "drug", "duration": "10 turns", "target_attribute": "Quickness", "modifier_value": 2}),
            ),
            &[("/entry/target_attribute", r#""quickness""#)],
        ),
        (
            "update_effect_duration",
            oak(json!({"effect_name": "jazz", "new_duration": "5 turns"})),
            &[("/entry/duration", r#""5 turns""#)],
        ),
        ("get_active_effects", oak(json!({})), &[("/active_effects/0/effect_name", r#""Jazz""#)]),
        ("get_modifiers", oak(json!({"modifier_type": "vision"})), &[("/modifiers", "[]")]),
        ("remove_active_effect", oak(json!({"effect_name": "Jazz"})), &[("/success", "true")]),
        (
            "add_modifier",
            oak(
                json!({"modifier_name": "Calm", "modifier_type": "attribute", "target_name": "Willpower", "modifier_value": 1}),
            ),
            &[("/entry/target_name", r#""willpower""#)],
        ),
        (
            "update_modifier",
            oak(json!({"modifier_id": "calm", "updates": {"modifier_value": 2}})),
            &[("/entry/modifier_value", "2")],
        ),
        ("remove_modifier", oak(json!({"modifier_id": "Calm"})), &[("/success", "true")]),
        // A fight.
        (
            "get_combat_pool",
            platinum(json!({})),
            &[("/combat_pool", "17"), ("/magic_pool", "0"), ("/pools/0/left", "17")],
        ),
        ("roll_character_initiative", platinum(json!({})), &[("/reaction", "27"), ("/dice", "4")]),
        (
            "start_combat",
            json!({"participants": [{"name": "Platinum"}, {"name": "Ganger", "reaction": 4}]}),
            &[("/running", "true"), ("/turn", "1"), ("/actor", r#""Platinum""#)],
        ),
        (
            "allocate_pool",
            platinum(json!({"pool": "combat", "dice": 5, "purpose": "dodging"})),
            &[("/pool_remaining", "12")],
        ),
        (
            "ranged_combat",
            platinum(json!({"weapon_name": "Ares Predator", "distance": 4, "combat_pool": 4, "target_moving": false})),
            &[("/combat_pool", "4"), ("/base_tn", "4")],
        ),
        (
            "melee_combat",
            platinum(json!({"weapon_name": "Monowhip", "target_name": "Ganger", "target_skill": 3, "combat_pool": 2})),
            &[("/attacker/dice_pool", "8"), ("/defender/dice_pool", "3"), ("/weapon", r#""Monowhip""#)],
        ),
        (
            "resist_damage",
            platinum(json!({"damage_code": "9M", "attacker_successes": 2, "armor": 5, "combat_pool": 3})),
            &[("/target_number", "4"), ("/dice_pool", "13"), ("/armor", "5")],
        ),
        ("refresh_pools", platinum(json!({"scene": true})), &[("/entry/combat_pool", "17")]),
        ("apply_damage", platinum(json!({"level": "S"})), &[("/boxes", "6")]),
        ("heal", platinum(json!({"boxes": 2})), &[("/healed", "2")]),
        ("first_aid", platinum(json!({"healer_name": "Axel"})), &[("/healer", r#""Axel""#)]),
        (
            "throw_grenade",
            platinum(
                json!({"grenade": "offensive", "target_distance": 40, "bystanders": [{"name": "Ganger", "distance": 400}]}),
            ),
            &[
                ("/range_category", r#""short""#),
                ("/damage_code", r#""10S""#),
                ("/blast/3", r#""7S""#),
                ("/victims/0/damage_code", r#""""#),
                ("/on_sheet", "false"),
            ],
        ),
        (
            "attack_barrier",
            json!({"material": "heavy material", "power": 18, "door": "plain"}),
            &[
                ("/adjusted_rating", "12"),
                ("/outcome", r#""broken""#),
                ("/hole", "0.5"),
                ("/rating_left", "5"),
                ("/opens", "false"),
            ],
        ),
        (
            "test_surprise",
            json!({"participants": [{"name": "Axel", "lies_in_wait": true}, {"name": "Ganger", "reaction": 4}]}),
            &[("/results/0/target_number", "2"), ("/results/0/dice_pool", "5"), ("/results/1/target_number", "4")],
        ),
        ("pass_time", platinum(json!({"minutes": 30})), &[("/boxes", "0"), ("/condition/state", r#""acting""#)]),
        ("toggle_house_rule", json!({"rule_name": "delayed actions", "is_active": true}), &[]),
        ("delay_action", json!({}), &[("/running", "true")]),
        ("take_delayed_action", json!({"name": "Platinum"}), &[("/actor", r#""Platinum""#)]),
        ("join_combat", json!({"participants": ["Ganger 7"]}), &[("/running", "true")]),
        ("wound_fighter", json!({"name": "Ganger 7", "physical": 10}), &[("/running", "true")]),
        ("leave_combat", json!({"name": "Ganger 7"}), &[("/running", "true")]),
        ("wear_armor", platinum(json!({"armor_name": "secure jacket"})), &[("/entry/worn", "true")]),
        (
            "drive_vehicle",
            axel(json!({"vehicle_name": "Bulldog", "terrain": "tight", "control_pool": 2})),
            &[("/handling", "4"), ("/target_number", "8"), ("/dice_pool", "8"), ("/crashed", "false")],
        ),
        (
            "damage_vehicle",
            axel(json!({"vehicle_name": "bulldog", "damage_code": "10S", "attacker_successes": 3})),
            &[("/target_number", "6"), ("/dice_pool", "8"), ("/armor", "4")],
        ),
        (
            "run_program",
            of("Manticore", json!({"program": "masking", "target_number": 4, "hacking_pool": 6})),
            &[("/program", r#""masking""#), ("/dice_pool", "12"), ("/rating", "6")],
        ),
        (
            "conjure_spirit",
            oak(json!({"spirit_type": "forest spirit", "force": 4})),
            &[("/kind", r#""nature""#), ("/dice_pool", "8"), ("/drain/level", r#""L""#), ("/drain/target_number", "4")],
        ),
        ("use_spirit_service", oak(json!({"spirit_name": "Ember"})), &[("/entry/services", "0")]),
        (
            "learn_spell",
            oak(json!({"spell_name": "Stink", "force": 2, "exclusive": true})),
            &[("/target_number", "3"), ("/dice_pool", "7"), ("/days", "1")],
        ),
        (
            "notice_spellcasting",
            platinum(json!({"caster_name": "Oak", "force": 6})),
            &[("/base_tn", "6"), ("/dice_pool", "12")],
        ),
        ("get_combat", json!({}), &[("/running", "true")]),
        ("next_actor", json!({}), &[("/turn", "1")]),
        ("end_combat", json!({}), &[("/running", "false"), ("/actor", r#""""#)]),
        // Campaigns.
        (
            "create_campaign",
            json!({"title": "Queen Euphoria", "theme": "bugs"}),
            &[("/title", r#""Queen Euphoria""#), ("/revision", "1")],
        ),
        ("list_campaigns", json!({}), &[("/campaigns/0/theme", r#""bugs""#)]),
        (
            "update_campaign_state",
            json!({"campaign_id": "queen euphoria", "location": "Seattle", "objectives": [{"objective": "find her"}]}),
            &[("/location", r#""Seattle""#), ("/objectives/0/objective", r#""find her""#)],
        ),
        (
            "add_campaign_milestone",
            json!({"campaign_id": "Queen Euphoria", "milestone": "met the fixer"}),
            &[("/completed_milestones", r#"["met the fixer"]"#)],
        ),
        (
            "join_campaign",
            json!({"campaign_id": "Queen Euphoria", "character_name": "Oak"}),
            &[("/characters", r#"["Oak"]"#)],
        ),
        ("get_campaign", json!({"campaign_id": "Queen Euphoria"}), &[("/characters", r#"["Oak"]"#)]),
        ("leave_campaign", json!({"campaign_id": "Queen Euphoria", "character_name": "Oak"}), &[("/characters", "[]")]),
        (
            "register_npc",
            json!({"campaign_id": "Queen Euphoria", "name": "Nicky", "role": "fixer", "location": "The Big Rhino", "relevance": "current"}),
            &[("/npc/status", r#""active""#)],
        ),
        (
            "update_npc",
            json!({"npc_id": "nicky", "status": "inactive", "notes": "in hiding"}),
            &[("/npc/notes", r#""in hiding""#)],
        ),
        ("add_campaign_npc", json!({"npc_name": "Dirk", "npc_type": "enemy"}), &[("/npc/npc_type", r#""enemy""#)]),
        (
            "update_campaign_npc",
            json!({"npc_name": "DIRK", "updates": {"location": "Tacoma"}}),
            &[("/npc/location", r#""Tacoma""#)],
        ),
        ("get_campaign_npcs", json!({"location": "rhino"}), &[("/npcs/0/name", r#""Nicky""#)]),
        (
            "add_house_rule",
            json!({"rule_name": "No phones", "rule_type": "table", "description": "Off the table."}),
            &[("/house_rule/applied", "false")],
        ),
        (
            "toggle_house_rule",
            json!({"rule_name": "double armor", "is_active": true}),
            &[("/house_rule/applied", "true"), ("/house_rule/is_active", "true")],
        ),
        ("get_house_rules", json!({}), &[("/switches/6/is_active", "true")]),
        // Look-ups.
        ("query_shadowrun", json!({"query": "mana bolt"}), &[("/results/0/name", r#""Mana Bolt""#)]),
        (
            "lookup_gear",
            json!({"query": "heavy pistol", "category": "weapon"}),
            &[("/results/0/category", r#""weapon""#)],
        ),
        (
            "compare_gear",
            json!({"gear_names": ["Ares Predator", "Beretta 101T"]}),
            &[("/differences/damage/Ares Predator", r#""9M""#)],
        ),
        ("get_gear_details", json!({"gear_name": "Predator"}), &[("/item/data/ranges/short", "5")]),
        // Characters.
        (
            "create_character",
            json!({"street_name": "Wedge", "archetype": "Street Samurai", "metatype": "ork",
            "priorities": {"race": "A", "magic": "E", "attributes": "B", "skills": "C", "resources": "D"},
            "attributes": {"body": 5, "quickness": 5, "strength": 4, "charisma": 2, "intelligence": 4, "willpower": 4}, "skills": {"Firearms": 6}}),
            &[("/revision", "1"), ("/notes/0", r#""18 skill points left""#)],
        ),
        (
            "update_character_info",
            of("Wedge", json!({"updates": {"hair": "none", "street_name": "Wedge Antilles"}})),
            &[("/character", r#""Wedge Antilles""#)],
        ),
        ("export_character", of("wedge antilles", json!({})), &[("/revision", "2"), ("/sheet/nuyen", "5000")]),
        ("delete_character", of("Wedge Antilles", json!({})), &[("/success", "true")]),
        ("restore_character", of("Wedge Antilles", json!({})), &[("/revision", "4")]),
        (
            "get_audit_log",
            of("Wedge Antilles", json!({"limit": 2})),
            &[("/entries/0/operation", r#""restore_character""#), ("/entries/1/operation", r#""delete_character""#)],
        ),
        (
            "import_character",
            json!({"sheet": {"street_name": "Ghost", "metatype": "elf", "base_attributes": {"body": 3, "quickness": 6, "strength": 3, "charisma": 5, "intelligence": 4, "willpower": 4}}}),
            &[("/character", r#""Ghost""#)],
        ),
    ]
}

fn of(name: &str, mut more: Value) -> Value {
    more["character_name"] = name.into();
    more
}

#[tokio::test]
async fn every_tool_answers_its_normal_call() {
    let table = Table::start().await;
    for (tool, arguments, expected) in calls() {
        let answer = table.call(tool, arguments.clone()).await;
        for (pointer, value) in expected {
            let found = answer.pointer(pointer).map(Value::to_string);
            assert_eq!(found.as_deref(), Some(*value), "{tool} {arguments}: {pointer} of {answer}");
        }
    }
}

#[test]
fn no_tool_is_left_out() {
    let called: BTreeSet<String> = calls().into_iter().map(|(tool, ..)| tool.to_owned()).collect();
    let missing: Vec<String> =
        own_tools().into_iter().map(|tool| tool.name).filter(|name| !called.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn whatever_changes_something_takes_a_reason_and_what_destroys_asks_first() {
    for tool in own_tools().into_iter().filter(|tool| tool.effect) {
        assert!(tool.has_parameter("reason") || tool.name == "roll_character_initiative", "{}", tool.name);
    }
    for name in ["delete_character", "create_character", "set_karma", "update_karma_pool", "create_campaign"] {
        assert!(own_tools().iter().any(|tool| tool.name == name && tool.confirm), "{name}");
    }
}

#[tokio::test]
async fn an_exported_sheet_comes_back_whole() {
    let table = Table::start().await;
    for name in ["Platinum", "Oak", "Manticore", "Axel", "Block"] {
        let sheet = table.sheet(name).await;
        let copy = format!("{name} II");
        table.call("import_character", json!({"sheet": sheet, "street_name": copy})).await;

        let mut back = table.sheet(&copy).await;
        back["id"] = sheet["id"].clone();
        back["street_name"] = sheet["street_name"].clone();
        assert_eq!(back, sheet);
    }
}

#[tokio::test]
async fn a_house_rule_is_named_in_what_it_touches_and_holds_for_its_campaign_only() {
    let table = Table::start().await;
    table.call("create_campaign", json!({"title": "Hard"})).await;
    table.call("join_campaign", json!({"campaign_id": "Hard", "character_name": "Oak"})).await;
    for rule in ["double armor", "full force drain", "halved spell resistance", "cover by share"] {
        table.call("toggle_house_rule", json!({"rule_name": rule, "is_active": true, "campaign_id": "Hard"})).await;
    }
    let resist = json!({"damage_code": "14M", "armor": 4});
    let ruled = table.call("resist_damage", of("Oak", resist.clone())).await;
    assert_eq!((&ruled["armor"], &ruled["house_rules"]), (&json!(8), &json!(["double armor"])));
    let plain = table.call("resist_damage", of("Axel", resist)).await;
    assert_eq!((&plain["armor"], &plain["house_rules"]), (&json!(4), &json!([])));

    let bolt = json!({"caster_name": "Oak", "spell_name": "Mana Bolt", "force": 4, "target_name": "Block", "spell_pool_dice": 9, "modifier": -20});
    let cast = table.call("cast_spell", bolt).await;
    // (F/2)S by the full Force of 4, resisted against half of it.
    assert_eq!(cast["drain"]["target_number"], 4);
    assert_eq!(cast["resistance"]["target_number"], 2);
    assert_eq!(cast["house_rules"], json!(["halved spell resistance", "full force drain"]));

    let shot = json!({"weapon_name": "Ares Predator", "target_distance": 4, "target_visible_percent": 60});
    let shot = table.call("calculate_ranged_attack", of("Oak", shot)).await;
    assert_eq!(shot["house_rules"], json!(["cover by share"]));
    table
        .call("toggle_house_rule", json!({"rule_name": "double armor", "is_active": false, "campaign_id": "Hard"}))
        .await;
    let off = table.call("resist_damage", of("Oak", json!({"damage_code": "14M", "armor": 4}))).await;
    assert_eq!(off["armor"], 4);
}

#[tokio::test]
async fn lost_essence_costs_magic_and_leaves_a_hole() {
    let table = Table::start().await;
    let ware = |cost: f64| of("Oak", json!({"name": "Datajack", "essence_cost": cost}));
    table.call("add_cyberware", ware(0.2)).await;
    let sheet = table.call("get_character", of("Oak", json!({}))).await;
    assert_eq!((&sheet["attributes"]["essence"], &sheet["attributes"]["magic"]), (&json!(5.8), &json!(8)));
    table.call("remove_cyberware", of("Oak", json!({"modifier_id": "Datajack"}))).await;
    let sheet = table.call("get_character", of("Oak", json!({}))).await;
    assert_eq!((&sheet["attributes"]["essence"], &sheet["essence_hole"]), (&json!(5.8), &json!(0.2)));
    table.call("add_cyberware", ware(0.2)).await;
    let sheet = table.call("get_character", of("Oak", json!({}))).await;
    assert_eq!((&sheet["attributes"]["essence"], &sheet["essence_hole"]), (&json!(5.8), &json!(0)));
}

#[tokio::test]
async fn a_watcher_is_told_of_each_change() {
    use proto::character::v1::{WatchCharacterRequest, sheet_service_client::SheetServiceClient};

    let table = Table::start().await;
    let transport = table.peers.transport("dicetower.character.v1").unwrap();
    let mut client = SheetServiceClient::new(transport);
    let request = WatchCharacterRequest { character_name: "Oak".into(), after_revision: Some(0) };
    let mut changes = client.watch_character(request).await.unwrap().into_inner();

    let first = changes.message().await.unwrap().unwrap();
    assert_eq!(first.change.unwrap().revision, 1);
    table.call("add_nuyen", of("Oak", json!({"amount": 5, "reason": "found"}))).await;
    let second = changes.message().await.unwrap().unwrap().change.unwrap();
    assert_eq!((second.revision, second.operation.as_str(), second.reason.as_str()), (2, "add_nuyen", "found"));
}
