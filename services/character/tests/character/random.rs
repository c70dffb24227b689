//! Random operations on a few sheets: whatever is done, the invariants hold, and the audit log rebuilds the sheets.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher as _, Hasher as _},
};

use serde_json::{Map, Value, json};
use tonic::metadata::MetadataMap;

use crate::common::Table;

/// Operations in the ordinary run, and with `DICETOWER_DEEP=1`.
const OPERATIONS: u64 = 500;
const DEEP_OPERATIONS: u64 = 10_000;

/// A repeatable sequence of numbers; fine for choosing what to try.
struct Choice(u64);

impl Choice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 += 1;
        let mut hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().build_hasher();
        hasher.write_u64(self.0);
        hasher.finish() % end
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()]
    }
}

/// Whose sheets are played with.
const NAMES: [&str; 4] = ["Oak", "Axel", "Block", "Manticore"];

/// A call that may be right or wrong.
fn operation(choice: &mut Choice) -> (&'static str, Value) {
    if choice.below(2) == 0 { of_a_sheet(choice) } else { of_a_fight(choice) }
}

/// Something done to a sheet.
fn of_a_sheet(choice: &mut Choice) -> (&'static str, Value) {
    let name = choice.of(&NAMES);
    let amount = choice.below(60);
    let skill = choice.of(&["Stealth", "Firearms", "Car", "Sorcery", "Knitting"]);
    let thing = choice.of(&["Rope", "Ares Predator", "Medkit", "Datajack", "Armor Jacket"]);
    let spell = choice.of(&["Light", "Heal", "Mana Bolt", "Armor", "Invisibility"]);
    match choice.below(28) {
        0 => ("add_karma", json!({"character_name": name, "amount": amount})),
        1 => ("spend_karma", json!({"character_name": name, "amount": amount})),
        2 => ("add_nuyen", json!({"character_name": name, "amount": amount * 1000})),
        3 | 4 => ("spend_nuyen", json!({"character_name": name, "amount": amount * 10_000})),
        5 => ("improve_skill", json!({"character_name": name, "skill_name": skill, "new_rating": amount % 12})),
        6 => ("add_skill", json!({"character_name": name, "skill_name": skill, "base_rating": 1 + amount % 6})),
        7 => ("remove_skill", json!({"character_name": name, "skill_name": skill})),
        8 => (
            "update_attribute",
            json!({"character_name": name, "attribute_name": choice.of(&["Body", "Willpower", "Luck"]), "new_value": 1 + amount % 9}),
        ),
        9 => ("add_gear", json!({"character_name": name, "gear_name": thing, "quantity": amount})),
        10 => ("update_gear_quantity", json!({"character_name": name, "gear_name": thing, "quantity": amount % 4})),
        11 | 12 => (
            "add_cyberware",
            json!({"character_name": name, "name": thing, "essence_cost": amount as f64 / 20.0, "target_name": "body", "modifier_value": 1}),
        ),
        13 => ("remove_cyberware", json!({"character_name": name, "modifier_id": thing})),
        14 => ("add_bioware", json!({"character_name": name, "name": thing, "body_index_cost": amount as f64 / 20.0})),
        15 => (
            "apply_damage",
            json!({"character_name": name, "boxes": 1 + amount % 3, "damage_type": choice.of(&["physical", "stun"])}),
        ),
        16 | 17 => (
            "heal",
            json!({"character_name": name, "boxes": 1 + amount % 9, "damage_type": choice.of(&["physical", "stun"])}),
        ),
        18 => (
            "resist_damage",
            json!({"character_name": name, "damage_code": choice.of(&["6L", "6L Stun", "9M", "x"]), "attacker_successes": amount % 6, "combat_pool": amount % 9}),
        ),
        19 => (
            "use_karma",
            json!({"character_name": name, "use": choice.of(&["avoid_disaster", "buy_successes"]), "count": 1 + amount % 3, "natural_successes": amount % 3}),
        ),
        20 => ("refresh_pools", json!({"character_name": name, "scene": amount.is_multiple_of(2)})),
        21 => (
            "allocate_pool",
            json!({"character_name": name, "pool": choice.of(&["combat", "magic"]), "dice": 1 + amount % 8}),
        ),
        22 => (
            "add_spell",
            json!({"character_name": name, "spell_name": spell, "learned_force": 1 + amount % 6, "pay_karma": amount.is_multiple_of(2)}),
        ),
        23 => ("remove_spell", json!({"character_name": name, "spell_name": spell})),
        24 => (
            "cast_spell",
            json!({"caster_name": name, "spell_name": spell, "force": 1 + amount % 6, "spell_pool_dice": amount % 5}),
        ),
        25 => ("drop_spell", json!({"character_name": name, "spell_name": spell})),
        26 => ("delete_character", json!({"character_name": name})),
        _ => ("restore_character", json!({"character_name": name})),
    }
}

/// Something done in a fight, with magic, or with machines.
fn of_a_fight(choice: &mut Choice) -> (&'static str, Value) {
    let name = choice.of(&NAMES);
    let other = choice.of(&["Oak", "Axel", "Block", "Manticore", "Ganger"]);
    let amount = choice.below(60);
    let some = amount % 7;
    let is_even = amount.is_multiple_of(2);
    let held =
        choice.of(&["Increase Body +2", "Increase Reflexes +3", "Decrease Strength -1", "Barrier", "Armor", "Stink"]);
    let weapon = choice.of(&["Ares Predator", "Laser Pistol", "HK227", "AK-97", "Slingshot"]);
    match choice.below(34) {
        0 => (
            "throw_grenade",
            json!({"character_name": name, "grenade": choice.of(&["offensive", "defensive", "concussion"]), "target_distance": amount,
                "delivery": choice.of(&["thrown", "aerodynamic", "launched"]), "combat_pool": some,
                "bystanders": [{"name": other, "distance": amount}]}),
        ),
        1 => ("attack_barrier", json!({"material": choice.of(&["glass", "structural", "fog"]), "power": amount})),
        2 => (
            "test_surprise",
            json!({"participants": [{"name": name, "side": "a", "lies_in_wait": is_even}, {"name": other, "side": "b", "reaction": 4}]}),
        ),
        3 => (
            "conjure_spirit",
            json!({"character_name": name, "spirit_type": choice.of(&["forest spirit", "fire elemental", "storm spirit", "toaster"]),
                "force": 1 + some, "spirit_name": choice.of(&["Fritz", "Franz", "Ferdinand"])}),
        ),
        4 => (
            "use_spirit_service",
            json!({"character_name": name, "spirit_name": choice.of(&["Fritz", "Franz", "Ferdinand"]), "services": 1 + some}),
        ),
        5 => (
            "learn_spell",
            json!({"character_name": name, "spell_name": held, "force": 1 + some, "exclusive": amount == 0, "library": amount}),
        ),
        6 => ("add_spell", json!({"character_name": name, "spell_name": held, "learned_force": 1 + some})),
        7 | 8 => ("sustain_spell", json!({"character_name": name, "spell_name": held, "target_name": other})),
        9 | 10 => (
            "cast_spell",
            json!({"caster_name": name, "spell_name": held, "force": 1 + some % 3, "target_name": other, "spell_pool_dice": some,
                "drain_pool_dice": amount % 3, "target_pool_dice": amount % 2}),
        ),
        11 => ("drop_spell", json!({"character_name": name, "spell_name": held, "target_name": other})),
        12 => ("remove_spell", json!({"character_name": name, "spell_name": held})),
        13 => ("notice_spellcasting", json!({"character_name": name, "force": 1 + some, "caster_name": other})),
        14 => (
            "drive_vehicle",
            json!({"character_name": name, "vehicle_name": choice.of(&["Bulldog", "Ares Dragon", "Roadmaster", "Sled"]),
                "control_pool": some, "terrain": choice.of(&["open", "tight"]), "crash_speed": 1 + amount}),
        ),
        15 => (
            "run_program",
            json!({"character_name": name, "program": choice.of(&["Masking", "Sensor", "Attack"]), "target_number": 2 + some, "hacking_pool": some}),
        ),
        16 => (
            "start_combat",
            json!({"participants": [{"name": name}, {"name": other}, {"name": "Troll", "reaction": 3, "initiative_dice": 2, "stun": some}]}),
        ),
        17 | 18 => ("next_actor", json!({})),
        19 => match amount % 3 {
            0 => ("join_combat", json!({"participants": [other, {"name": "Dog", "reaction": some}]})),
            1 => ("leave_combat", json!({"name": if is_even { "Dog" } else { name }})),
            _ => ("wound_fighter", json!({"name": "Dog", "stun": some})),
        },
        20 => ("delay_action", json!({})),
        21 => ("take_delayed_action", json!({"name": name})),
        22 => ("end_combat", json!({})),
        23 => (
            "wear_armor",
            json!({"character_name": name, "armor_name": choice.of(&["Armor Jacket", "Lined Coat", "Boomer Suit"]), "worn": is_even}),
        ),
        24 => (
            "add_gear",
            json!({"character_name": name, "gear_name": choice.of(&["Armor Jacket", "Ares Predator", "HK227"]), "quantity": 1}),
        ),
        25 => ("spend_ammo", json!({"character_name": name, "weapon_name": weapon, "rounds": 1 + some})),
        26 => ("reload", json!({"character_name": name, "weapon_name": weapon})),
        27 | 28 => (
            "calculate_ranged_attack",
            json!({"character_name": name, "weapon_name": weapon, "target_distance": amount * 2, "combat_pool": some}),
        ),
        29 => (
            "melee_combat",
            json!({"character_name": name, "weapon_name": choice.of(&["Katana", "Knife", "Spoon"]), "target_name": other,
                "combat_pool": some, "target_combat_pool": amount % 3, "target_skill": some}),
        ),
        30 => (
            "use_karma",
            json!({"character_name": name, "use": choice.of(&["reroll_failures", "buy_dice"]), "count": 1 + some, "target_number": 2 + some,
                "skill": some, "iteration": 1 + amount % 3}),
        ),
        31 => ("pass_time", json!({"character_name": name, "minutes": 1 + amount})),
        32 => ("first_aid", json!({"character_name": name, "healer_name": other})),
        _ => (
            "heal",
            json!({"character_name": name, "boxes": 1 + some, "damage_type": choice.of(&["physical", "stun"])}),
        ),
    }
}

#[tokio::test]
async fn whatever_is_done_the_invariants_hold_and_the_log_rebuilds_the_sheets() {
    let deep = std::env::var("DICETOWER_DEEP").is_ok_and(|deep| deep == "1");
    let table = Table::start().await;
    // Without it nobody holds his action back.
    table.call("toggle_house_rule", json!({"rule_name": "delayed actions", "is_active": true})).await;
    let mut choice = Choice(11);
    let (mut done, mut refused) = (0, 0);
    let mut taken = BTreeSet::new();
    for _ in 0..if deep { DEEP_OPERATIONS } else { OPERATIONS } {
        let (tool, arguments) = operation(&mut choice);
        match table.tools.call(tool, arguments.clone(), MetadataMap::new()).await {
            Ok(_) => {
                done += 1;
                taken.insert(tool);
            }
            Err(status) => {
                refused += 1;
                let ours =
                    [tonic::Code::Internal, tonic::Code::Unknown, tonic::Code::Unavailable, tonic::Code::Unimplemented];
                assert!(!ours.contains(&status.code()), "{tool} {arguments}: {status:?}");
            }
        }
    }
    assert!(100 < done && 50 < refused, "{done} done, {refused} refused");
    // Most kinds of operation have gone well at least once.
    let kinds = if deep { 44 } else { 30 };
    assert!(kinds < taken.len(), "{taken:?}");

    for name in NAMES {
        // Deleted or not, he is looked at.
        let _ = table.tools.call("restore_character", json!({"character_name": name}), MetadataMap::new()).await;
    }
    spells_agree(&table).await;
    for name in NAMES {
        let export = table.call("export_character", json!({"character_name": name})).await;
        holds(&table, name, &export["sheet"]).await;
        let (sheet, revision) = rebuilt(&table, name).await;
        assert_eq!(Value::Object(sheet), export["sheet"], "{name}");
        assert_eq!(export["revision"], revision, "{name}");
    }
}

/// What a spell changes stands on a sheet exactly as long as its caster sustains it.
async fn spells_agree(table: &Table) {
    let (mut sustained, mut brought) = (BTreeSet::new(), BTreeSet::new());
    for name in NAMES {
        let sheet = table.sheet(name).await;
        for held in sheet["sustained_spells"].as_array().unwrap() {
            sustained.insert(held["id"].to_string());
        }
        for modifier in sheet["modifiers"].as_array().unwrap() {
            if let Some(spell) = modifier.get("spell") {
                assert!(brought.insert(spell["sustained_id"].to_string()), "{name}: {modifier} stands twice");
            }
        }
    }
    assert!(brought.is_subset(&sustained), "{brought:?} {sustained:?}");
}

async fn holds(table: &Table, name: &str, sheet: &Value) {
    for account in ["nuyen", "karma_available", "karma_total", "karma_pool"] {
        let balance = sheet[account].as_i64().unwrap();
        assert!(0 <= balance, "{name}: {account} {balance}");
        let ledger = table.call("get_ledger", json!({"character_name": name, "account": account, "limit": 1})).await;
        assert_eq!(ledger["balance"], balance, "{name}: {account}");
    }
    let shown = table.call("get_character", json!({"character_name": name})).await;
    let essence = shown["attributes"]["essence"].as_f64().unwrap();
    assert!((0.0..=6.0).contains(&essence), "{name}: Essence {essence}");
    let monitor = &sheet["condition_monitor"];
    assert!(
        monitor["physical"].as_u64().unwrap() <= 10 && monitor["stun"].as_u64().unwrap() <= 10,
        "{name}: {monitor}"
    );
}

/// The sheet as the audit log tells it, from its first entry to its last, and the number of entries.
pub async fn rebuilt(table: &Table, name: &str) -> (Map<String, Value>, u64) {
    let mut entries = Vec::new();
    let mut before = None;
    loop {
        let mut page = json!({"character_name": name, "limit": 1000});
        if let Some(revision) = before {
            page["before_revision"] = json!(revision);
        }
        let log = table.call("get_audit_log", page).await;
        let page = log["entries"].as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        before = last["revision"].as_u64();
        entries.extend(page);
    }
    entries.reverse();
    let mut sheet = Map::new();
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(entry["revision"], index + 1, "{name}: a revision is missing");
        for (key, value) in entry["after"].as_object().unwrap() {
            sheet.insert(key.clone(), value.clone());
        }
    }
    (sheet, entries.len() as u64)
}
