//! What several rules do together: ammunition, armor, opponents' dice, bleeding, delayed actions, the house's own.

use serde_json::{Value, json};
use service_kit::status::ErrorCode::InvalidInput;

use crate::common::{Table, value_of};

fn of(name: &str, mut more: Value) -> Value {
    more["character_name"] = name.into();
    more
}

async fn switch_on(table: &Table, rule: &str) {
    table.call("toggle_house_rule", json!({"rule_name": rule, "is_active": true})).await;
}

#[tokio::test]
async fn an_attack_takes_its_rounds_and_an_empty_weapon_is_not_fired() {
    let table = Table::start().await;
    let shot = |more: Value| {
        let mut shot = of("Platinum", json!({"weapon_name": "Ares Alpha", "target_distance": 10}));
        shot.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        shot
    };
    let fired = table.call("calculate_ranged_attack", shot(json!({"firing_mode": "FA", "rounds": 40}))).await;
    assert_eq!(fired["rounds_left"], 2);
    // Two are left for a burst of three: Power +2, no level, recoil 2.
    let burst = table.call("calculate_ranged_attack", shot(json!({"firing_mode": "BF"}))).await;
    assert_eq!((&burst["rounds_left"], &burst["damage"]["code"]), (&json!(0), &json!("9M")));
    assert_eq!(value_of(&burst["modifiers"], "recoil"), Some(2));
    let empty = shot(json!({}));
    table.refuses("calculate_ranged_attack", empty, InvalidInput, "the Ares Alpha is empty: reload it").await;
    table.call("reload", of("Platinum", json!({"weapon_name": "Ares Alpha"}))).await;
    let again = table.call("calculate_ranged_attack", shot(json!({}))).await;
    assert_eq!(again["rounds_left"], 41);
}

#[tokio::test]
async fn a_weapon_of_the_book_alone_counts_no_rounds() {
    let table = Table::start().await;
    let shot = of("Platinum", json!({"weapon_name": "Ares Predator", "target_distance": 5}));
    let fired = table.call("calculate_ranged_attack", shot).await;
    assert_eq!(fired.get("rounds_left").filter(|rounds| !rounds.is_null()), None);
    assert_eq!(fired["revision"], 1);
}

#[tokio::test]
async fn heavy_armor_above_quickness_costs_combat_pool_while_it_is_worn() {
    let table = Table::start().await;
    table.call("add_gear", of("Block", json!({"gear_name": "Full Heavy Armor"}))).await;
    let pool = async || table.call("get_combat_pool", of("Block", json!({}))).await;
    assert_eq!(pool().await["combat_pool"], 4);
    // Ballistic 8, Quickness 2: six dice less, and no pool is below 0.
    let worn = table.call("wear_armor", of("Block", json!({"armor_name": "Full Heavy Armor"}))).await;
    assert!(worn["notes"][0].as_str().unwrap().contains("costs 4 Combat Pool dice"), "{worn}");
    assert_eq!(pool().await["combat_pool"], 0);
    let resisted = table.call("resist_damage", of("Block", json!({"damage_code": "12M", "apply": false}))).await;
    assert_eq!((&resisted["armor"], &resisted["target_number"]), (&json!(8), &json!(4)));
    table.call("wear_armor", of("Block", json!({"armor_name": "Full Heavy Armor", "worn": false}))).await;
    assert_eq!(pool().await["combat_pool"], 4);
}

#[tokio::test]
async fn a_barrier_counts_twice_against_what_is_edged_or_explodes() {
    let table = Table::start().await;
    let resist = |more: Value| {
        let mut resist = of("Axel", json!({"damage_code": "14M", "armor": 3, "barrier": 4, "apply": false}));
        resist.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        resist
    };
    let plain = table.call("resist_damage", resist(json!({}))).await;
    assert_eq!((&plain["armor"], &plain["target_number"]), (&json!(7), &json!(7)));
    let doubled = table.call("resist_damage", resist(json!({"barrier_doubled": true}))).await;
    assert_eq!((&doubled["armor"], &doubled["target_number"]), (&json!(11), &json!(3)));
}

#[tokio::test]
async fn an_opponents_pool_dice_are_spent_on_his_own_sheet() {
    let table = Table::start().await;
    table.call("start_combat", json!({"participants": [{"name": "Platinum"}, {"name": "Oak"}]})).await;
    let blow = of(
        "Platinum",
        json!({"weapon_name": "Monowhip", "target_name": "Oak", "target_weapon": "Knife", "target_combat_pool": 3}),
    );
    let exchange = table.call("melee_combat", blow.clone()).await;
    assert_eq!(exchange["defender"]["dice_pool"], 6);
    let left = table.call("get_combat_pool", of("Oak", json!({}))).await["pools"][0]["left"].clone();
    assert_eq!(left, 5);
    let log = table.call("get_audit_log", of("Oak", json!({"limit": 1}))).await;
    assert_eq!(log["entries"][0]["operation"], "melee_combat");
    table.call("melee_combat", blow.clone()).await;
    table.refuses("melee_combat", blow, InvalidInput, "2 left in the pool").await;
}

#[tokio::test]
async fn spell_defense_that_was_set_aside_resists_a_spell() {
    let table = Table::start().await;
    table.call("start_combat", json!({"participants": [{"name": "Block"}, {"name": "Oak"}]})).await;
    table.call("allocate_pool", of("Oak", json!({"pool": "magic", "dice": 4, "purpose": "Spell Defense"}))).await;
    let bolt = json!({"caster_name": "Block", "spell_name": "Mana Bolt", "force": 3, "target_name": "Oak",
        "target_pool_dice": 5, "modifier": -20, "spell_pool_dice": 6});
    let cast = table.call("cast_spell", bolt).await;
    assert_eq!(cast["resistance"]["dice"], 15);
    let spent = table.sheet("Oak").await["pools_spent"].clone();
    assert_eq!((&spent["magic"], &spent["spell_defense"]), (&json!(5), &json!(0)));
}

#[tokio::test]
async fn a_combat_spell_wounds_and_a_healing_spell_heals_who_has_a_sheet() {
    let table = Table::start().await;
    let bolt = json!({"caster_name": "Oak", "spell_name": "Mana Bolt", "force": 4, "target_name": "Axel",
        "spell_pool_dice": 9, "modifier": -20});
    let cast = table.call("cast_spell", bolt).await;
    let boxes = cast["target_boxes"].as_u64().unwrap();
    let filled = async || table.sheet("Axel").await["condition_monitor"]["physical"].as_u64().unwrap();
    assert_eq!(filled().await, boxes);
    if boxes < 10 {
        table.call("apply_damage", of("Axel", json!({"boxes": 10 - boxes}))).await;
    }

    let heal = json!({"caster_name": "Oak", "spell_name": "Treat", "force": 6, "target_name": "Axel",
        "spell_pool_dice": 9, "modifier": -20, "speed_successes": 2});
    let healed = table.call("cast_spell", heal).await;
    let successes = healed["spell_roll"]["successes"].as_u64().unwrap();
    assert!(2 < successes, "{healed}");
    // A Deadly wound is held for 20 turns, half of them with two successes kept for speed.
    assert_eq!((&healed["holding_turns"], &healed["target_boxes"]), (&json!(10), &json!((successes - 2).min(10))));
    assert_eq!(filled().await, 10 - (successes - 2).min(10));
}

#[tokio::test]
async fn who_is_near_death_bleeds_until_he_is_stabilised_or_dead() {
    let table = Table::start().await;
    table.call("apply_damage", of("Axel", json!({"boxes": 10}))).await;
    let bled = table.call("pass_time", of("Axel", json!({"minutes": 15}))).await;
    assert_eq!((&bled["boxes"], &bled["condition"]["overflow"]), (&json!(1), &json!(1)));
    // Five minutes were left over.
    let bled = table.call("pass_time", of("Axel", json!({"minutes": 5}))).await;
    assert_eq!(bled["condition"]["overflow"], 2);
    // Biotech 2 against 10, made surely by the game master.
    for _ in 0..40 {
        let aid = table.call("first_aid", of("Axel", json!({"healer_name": "Oak", "modifier": -20}))).await;
        if aid["successes"] != 0 {
            break;
        }
    }
    let stopped = table.call("pass_time", of("Axel", json!({"minutes": 500}))).await;
    assert_eq!((&stopped["boxes"], &stopped["stabilised"]), (&json!(0), &json!(true)));
    table.call("apply_damage", of("Axel", json!({"boxes": 1}))).await;
    // Body 3: the fourth box of overflow is death.
    let dead = table.call("pass_time", of("Axel", json!({"minutes": 60}))).await;
    assert_eq!((&dead["condition"]["overflow"], &dead["condition"]["state"]), (&json!(4), &json!("dead")));
}

#[tokio::test]
async fn an_action_is_held_back_and_taken_before_others_where_the_house_plays_so() {
    let table = Table::start().await;
    table
        .call("start_combat", json!({"participants": [{"name": "Platinum"}, {"name": "Oak"}, {"name": "Axel"}]}))
        .await;
    table.refuses("delay_action", json!({}), InvalidInput, "house rule delayed actions").await;
    switch_on(&table, "delayed actions").await;

    let held = table.call("delay_action", json!({})).await;
    let (mut fight, first) = (held.clone(), held["order"][0]["name"].clone());
    assert_eq!(first, "Platinum");
    // Platinum has later phases of his own; whoever else comes first is interrupted.
    while fight["actor"] == "Platinum" {
        fight = table.call("next_actor", json!({})).await;
    }
    let (interrupted, phase) = (fight["actor"].clone(), fight["phase"].clone());
    let stepped = table.call("take_delayed_action", json!({"name": "platinum"})).await;
    assert_eq!((&stepped["actor"], &stepped["phase"]), (&json!("Platinum"), &phase));
    assert_eq!(stepped["upcoming"][0]["name"], interrupted);
    let latest = phase.as_u64().unwrap().saturating_sub(10);
    let later = stepped["upcoming"].as_array().unwrap().iter().filter(|action| action["name"] == "Platinum");
    assert!(later.clone().all(|action| action["phase"].as_u64().unwrap() <= latest), "{stepped}");
    assert_eq!(table.call("next_actor", json!({})).await["actor"], interrupted);
    table.refuses("take_delayed_action", json!({"name": "Axel"}), InvalidInput, "has held back no action").await;
}

#[tokio::test]
async fn the_houses_own_ware_spells_and_suit_work_where_they_are_switched_on() {
    let table = Table::start().await;
    let alta = of("Platinum", json!({"weapon_name": "Morrissey Alta", "target_distance": 5}));
    let off = table.call("calculate_ranged_attack", alta.clone()).await;
    assert_eq!((value_of(&off["modifiers"], "smartlink"), &off["house_rules"]), (Some(-3), &json!([])));
    assert!(off["notes"].to_string().contains("the sheet's own figure"), "{off}");
    switch_on(&table, "smartlink-3 aegis").await;
    let on = table.call("calculate_ranged_attack", alta).await;
    assert_eq!(on["house_rules"], json!(["smartlink-3 aegis"]));

    switch_on(&table, "house spells").await;
    table.call("add_spell", of("Oak", json!({"spell_name": "Recharge", "learned_force": 3}))).await;
    let cast = json!({"caster_name": "Oak", "spell_name": "Recharge", "force": 3, "target_name": "Axel"});
    let cast = table.call("cast_spell", cast).await;
    assert_eq!((&cast["house_rules"], &cast["drain"]["code"]), (&json!(["house spells"]), &json!("[(F/2)+1]M")));

    switch_on(&table, "boomer suit").await;
    table.call("wear_armor", of("Platinum", json!({"armor_name": "Boomer Suit"}))).await;
    let sheet = table.call("get_character", of("Platinum", json!({}))).await;
    assert_eq!(sheet["attributes"]["body"], 18);
    table.call("wear_armor", of("Platinum", json!({"armor_name": "Boomer Suit", "worn": false}))).await;
    let sheet = table.call("get_character", of("Platinum", json!({}))).await;
    assert_eq!(sheet["attributes"]["body"], 10);

    switch_on(&table, "neurosync processor").await;
    let rolled = of("Manticore", json!({"line": "matrix"}));
    let rolled = table.call("roll_character_initiative", rolled).await;
    assert_eq!((&rolled["dice"], &rolled["house_rules"]), (&json!(6), &json!(["neurosync processor"])));

    switch_on(&table, "observant magician").await;
    let notice = json!({"force": 3, "caster_magic": 6});
    let noticed = table.call("notice_spellcasting", of("Block", notice.clone())).await;
    assert_eq!((&noticed["target_number"], &noticed["house_rules"]), (&json!(4), &json!(["observant magician"])));
    let noticed = table.call("notice_spellcasting", of("Axel", notice)).await;
    assert_eq!((&noticed["target_number"], &noticed["house_rules"]), (&json!(6), &json!([])));
}

#[tokio::test]
async fn surprise_tells_against_whom_one_may_act() {
    let table = Table::start().await;
    let participants = json!([
        {"name": "Platinum", "side": "runners", "lies_in_wait": true}, {"name": "Oak", "side": "runners"},
        {"name": "Guard", "side": "guards", "reaction": 1}
    ]);
    let tested = table.call("test_surprise", json!({"participants": participants})).await;
    let results = tested["results"].as_array().unwrap();
    for result in results {
        let own = result["successes"].as_u64().unwrap();
        let against = results.iter().filter(|other| other["side"] != result["side"]);
        let beaten: Vec<&Value> = against
            .clone()
            .filter(|other| other["successes"].as_u64().unwrap() < own)
            .map(|other| &other["name"])
            .collect();
        assert_eq!(result["may_act_against"], json!(beaten));
        let is_beaten = against.clone().any(|other| own < other["successes"].as_u64().unwrap());
        assert_eq!(result["surprised"], beaten.is_empty() && is_beaten);
    }
    assert_eq!((&results[0]["target_number"], &results[1]["target_number"]), (&json!(2), &json!(4)));
}

#[tokio::test]
async fn a_spirit_costs_drain_owes_its_successes_and_leaves_when_it_owes_nothing() {
    let table = Table::start().await;
    let mut called = Value::Null;
    for _ in 0..20 {
        called = table.call("conjure_spirit", of("Oak", json!({"spirit_type": "forest spirit", "force": 2}))).await;
        if called["services"] != 0 {
            break;
        }
    }
    let services = called["services"].as_u64().unwrap();
    assert_eq!(called["successes"], services);
    let second = of("Oak", json!({"spirit_type": "storm spirit", "force": 2}));
    table.refuses("conjure_spirit", second, InvalidInput, "only one at a time").await;
    let all = of("Oak", json!({"spirit_name": "forest spirit", "services": services}));
    let used = table.call("use_spirit_service", all.clone()).await;
    assert!(used["message"].as_str().unwrap().contains("leaves"), "{used}");
    table.refuses("use_spirit_service", all, InvalidInput, "unknown spirit").await;
    // Fritz is bound for good.
    let fritz = table.call("use_spirit_service", of("Oak", json!({"spirit_name": "Fritz"}))).await;
    assert_eq!(fritz["entry"]["services"], -1);
}

#[tokio::test]
async fn an_elemental_is_paid_for() {
    let table = Table::start().await;
    let mage = json!({"street_name": "Ash", "archetype": "Mage", "tradition": "hermetic",
        "attributes": {"charisma": 5}, "skills": {"Conjuring": 6}});
    table.call("create_character", mage).await;
    table.call("update_derived_stats", of("Ash", json!({"updates": {"magic": 6}}))).await;
    let call = of("Ash", json!({"spirit_type": "fire elemental", "force": 3}));
    table.refuses("conjure_spirit", call.clone(), InvalidInput, "costs 3000 nuyen").await;
    table.call("add_nuyen", of("Ash", json!({"amount": 3500}))).await;
    let called = table.call("conjure_spirit", call).await;
    assert_eq!((&called["nuyen_spent"], &called["time"]), (&json!(3000), &json!("3 hours")));
    assert_eq!(table.sheet("Ash").await["nuyen"], 500);
}

#[tokio::test]
async fn a_spell_that_is_learned_costs_its_force_in_karma() {
    let table = Table::start().await;
    let learn = of("Oak", json!({"spell_name": "Stink", "force": 2, "exclusive": true, "modifier": -1}));
    let mut learned = Value::Null;
    for _ in 0..10 {
        learned = table.call("learn_spell", learn.clone()).await;
        if learned["learned"] == true {
            break;
        }
        assert_eq!(learned["karma_available"], 13);
    }
    assert_eq!((&learned["karma_spent"], &learned["karma_available"]), (&json!(2), &json!(11)));
    let spells = table.call("get_spells", of("Oak", json!({}))).await;
    let stink = spells["spells"].as_array().unwrap().iter().find(|spell| spell["spell_name"] == "Stink").unwrap();
    assert_eq!((&stink["learned_force"], &stink["exclusive"]), (&json!(2), &json!(true)));
}

#[tokio::test]
async fn a_crash_is_as_bad_as_it_is_fast() {
    let table = Table::start().await;
    let drive = of("Oak", json!({"vehicle_name": "Westwind", "terrain": "tight", "crash_speed": 210, "modifier": 20}));
    let crash = table.call("drive_vehicle", drive).await;
    assert_eq!(
        (&crash["crashed"], &crash["crash_damage"], &crash["on_sheet"]),
        (&json!(true), &json!("21D"), &json!(false))
    );
    let off_road = of("Axel", json!({"vehicle_name": "Bulldog", "off_road": true, "terrain": "open"}));
    assert_eq!(table.call("drive_vehicle", off_road).await["target_number"], 8);
}

#[tokio::test]
async fn ware_of_the_catalogue_brings_its_figures_and_says_which_are_unverified() {
    let table = Table::start().await;
    let wired = table.call("add_cyberware", of("Axel", json!({"name": "Wired Reflexes 1"}))).await;
    assert_eq!(wired["entry"]["essence_cost"], 2);
    assert_eq!(wired["entry"]["effects"], json!(["Reaction +2", "Initiative dice +1"]));
    assert!(wired["notes"].to_string().contains("source: unverified"), "{wired}");
    let found = table.call("lookup_gear", json!({"category": "cyberware", "query": "wired reflexes"})).await;
    assert_eq!(found["results"][0]["data"]["unverified"], json!(["cost", "nuyen"]));
    assert!(found["results"][0]["text"].as_str().unwrap().contains("55000 nuyen (source: unverified)"));
    let price = table.call("get_gear_details", json!({"gear_name": "Ares Predator"})).await;
    assert_eq!(
        (&price["item"]["data"]["nuyen"], &price["item"]["data"]["source"]),
        (&json!(450), &json!("unverified"))
    );
}

#[tokio::test]
async fn the_books_three_bursts_are_as_hard_and_as_bad_as_it_says() {
    let table = Table::start().await;
    let burst = |mode: &str, rounds: u32, before: u32, targets: u32| {
        of(
            "Platinum",
            json!({"weapon_name": "Valiant LMG", "target_distance": 15, "firing_mode": mode, "rounds": rounds,
            "shots_before": before, "further_targets": targets, "recoil_compensation": 3, "laser_sight": true}),
        )
    };
    for (mode, rounds, before, targets, target_number, code) in
        [("BF", 3, 0, 0, 3, "10D"), ("BF", 3, 3, 1, 8, "10D"), ("FA", 4, 6, 2, 14, "11D")]
    {
        let shot = table.call("calculate_ranged_attack", burst(mode, rounds, before, targets)).await;
        assert_eq!((&shot["final_tn"], &shot["damage"]["code"]), (&json!(target_number), &json!(code)), "{shot}");
    }
    let steady = of(
        "Platinum",
        json!({"weapon_name": "Valiant LMG", "target_distance": 15, "firing_mode": "BF",
        "attacker_movement": "running", "gyro_stabilisation": 5}),
    );
    // 4, recoil 3 and running 4, less 5 of the gyro.
    assert_eq!(table.call("calculate_ranged_attack", steady).await["final_tn"], 6);
}

#[tokio::test]
async fn a_kind_of_weapon_is_known_by_the_skill_that_fires_it() {
    let table = Table::start().await;
    let asked = async |kind: &str| table.call("get_character_skill", of("Platinum", json!({"skill_name": kind}))).await;
    for (kind, skill) in [("Pistols", "Firearms"), ("assault rifle", "Firearms"), ("HMG", "Gunnery")] {
        let answer = asked(kind).await;
        assert_eq!((&answer["skill"], &answer["on_sheet"]), (&json!(skill), &json!(true)), "{answer}");
        assert!(answer["notes"][1].as_str().unwrap().contains("is the skill for it"), "{answer}");
    }
    let test = of("Platinum", json!({"skill_name": "pistols", "target_number": 4}));
    assert_eq!(table.call("test_skill", test).await["dice_pool"], 9);
    // Grenades are thrown, and launched: which of the two is not said.
    let grenades = of("Platinum", json!({"skill_name": "Grenades"}));
    table.refuses("get_character_skill", grenades, InvalidInput, "unknown skill").await;
    // What is changed is changed under its own name.
    let improve = of("Platinum", json!({"skill_name": "Pistols", "new_rating": 8}));
    table.refuses("improve_skill", improve, InvalidInput, "unknown skill").await;
    table.call("add_skill", of("Platinum", json!({"skill_name": "Pistols", "base_rating": 3}))).await;
    assert_eq!(asked("Pistols").await["skill_rating"], 3);
}

#[tokio::test]
async fn a_vehicle_is_damaged_wrecked_and_repaired() {
    let table = Table::start().await;
    let bulldog = |more: Value| {
        let mut bulldog = of("Axel", json!({"vehicle_name": "Bulldog"}));
        bulldog.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bulldog
    };
    let hit = table.call("damage_vehicle", bulldog(json!({"boxes": 6}))).await;
    assert_eq!(
        (&hit["damage"], &hit["condition"], &hit["crash_test"]),
        (&json!(6), &json!("seriously damaged"), &json!(true))
    );
    let vehicles = table.call("get_vehicles", of("Axel", json!({}))).await["vehicles"].clone();
    let own =
        vehicles.as_array().unwrap().iter().find(|vehicle| vehicle["vehicle_name"].to_string().contains("Bulldog"));
    assert_eq!(own.unwrap()["damage"], 6);
    // Twenty successes of a ram leave nothing of it: Body 8 takes off four levels at the most.
    let ram = bulldog(json!({"damage_code": "30D", "attacker_successes": 20}));
    let ram = table.call("damage_vehicle", ram).await;
    assert_eq!((&ram["wound_level"], &ram["condition"], &ram["damage"]), (&json!("D"), &json!("wrecked"), &json!(10)));
    let drive = bulldog(json!({"terrain": "open"}));
    table.refuses("drive_vehicle", drive.clone(), InvalidInput, "is wrecked").await;
    let mended = table.call("damage_vehicle", bulldog(json!({"repair": 8}))).await;
    assert_eq!((&mended["condition"], &mended["crash_test"]), (&json!("lightly damaged"), &json!(false)));
    table.call("drive_vehicle", drive).await;
    let theirs = of("Axel", json!({"vehicle_name": "Ford Americar", "damage_code": "9M"}));
    let theirs = table.call("damage_vehicle", theirs).await;
    assert!(theirs["notes"].to_string().contains("nothing is marked"), "{theirs}");
}
