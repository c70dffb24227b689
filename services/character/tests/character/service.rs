//! The tools of the seed: each on its normal call, and what it refuses.

use serde_json::{Value, json};
use service_kit::status::ErrorCode;
use tonic::metadata::MetadataMap;

use crate::common::{Table, has_keys, value_of};

#[tokio::test]
async fn the_five_samples_are_listed_by_name() {
    let table = Table::start().await;

    let list = table.call("list_characters", json!({})).await;

    let names: Vec<_> =
        list["characters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Axel", "Block", "Manticore", "Oak", "Platinum"]);
    let platinum = &list["characters"][4];
    assert_eq!(platinum["full_name"], "Kent Jefferies");
    assert_eq!(platinum["archetype"], "Street Samurai");
    has_keys(platinum, &["id", "street_name", "character_type"]);
}

#[tokio::test]
async fn a_character_is_found_by_either_name_in_any_case() {
    let table = Table::start().await;
    for name in ["PLATINUM", "kent jefferies", " oak ", "Mok' TuBing"] {
        table.call("get_character", json!({"character_name": name})).await;
    }
}

#[tokio::test]
async fn an_unknown_character_is_answered_with_those_that_exist() {
    let table = Table::start().await;

    let failure = table.refusal("get_character", json!({"character_name": "Plat"})).await;

    assert_eq!((failure.code, failure.message.as_str()), (ErrorCode::CharacterNotFound, "Character 'Plat' not found"));
    let expected = json!(["Axel", "Block", "Manticore", "Oak", "Platinum"]);
    assert_eq!(failure.details["available_characters"], expected);
}

#[tokio::test]
async fn nonsense_is_no_characters_name() {
    let table = Table::start().await;
    for name in ["", "   ", "a\nb", &"x".repeat(101)] {
        table
            .refuses("get_character", json!({"character_name": name}), ErrorCode::InvalidCharacterName, "name must")
            .await;
    }
}

#[tokio::test]
async fn a_skill_is_told_with_what_raised_it() {
    let table = Table::start().await;

    let skill =
        table.call("get_character_skill", json!({"character_name": "Platinum", "skill_name": "firearms"})).await;

    #[rustfmt::skip]
    has_keys(&skill, &["character", "skill", "skill_rating", "base_rating", "current_rating", "attribute",
        "attribute_rating", "specialization", "summary"]);
    assert_eq!((&skill["base_rating"], &skill["skill_rating"]), (&json!(7), &json!(9)));
    assert_eq!((&skill["attribute"], &skill["attribute_rating"]), (&json!("quickness"), &json!(15)));
    assert_eq!(skill["on_sheet"], true);
    assert!(skill["summary"].as_str().unwrap().contains("Reflex Recorder"), "{}", skill["summary"]);
}

#[tokio::test]
async fn a_missing_skill_is_answered_with_the_way_to_default() {
    let table = Table::start().await;

    let skill = table.call("get_character_skill", json!({"character_name": "Oak", "skill_name": "Firearms"})).await;

    assert_eq!((&skill["on_sheet"], &skill["skill_rating"]), (&json!(false), &json!(0)));
    let first = &skill["defaults"][0];
    assert_eq!((&first["rolled"], &first["rating"], &first["modifier"]), (&json!("Quickness"), &json!(3), &json!(4)));
}

#[tokio::test]
async fn an_unknown_skill_is_answered_with_the_nearest() {
    let table = Table::start().await;
    let failure = table.refusal("get_character_skill", json!({"character_name": "Oak", "skill_name": "Sorcry"})).await;
    assert_eq!(failure.code, ErrorCode::InvalidInput);
    assert_eq!(failure.details["nearest"][0], "Sorcery");
    assert!(failure.message.contains("Conjuring"), "{}", failure.message);
}

#[tokio::test]
async fn a_pool_is_the_plain_sum_and_the_editions_own() {
    let table = Table::start().await;
    let arguments = json!({"skill_rating": 6, "attribute_rating": 5, "modifiers": [2, -1]});
    let pool = table.call("calculate_dice_pool", arguments).await;
    has_keys(&pool, &["pool", "skill", "attribute", "modifiers", "breakdown", "note"]);
    assert_eq!((&pool["pool"], &pool["modifiers"], &pool["sr2_pool"]), (&json!(12), &json!(1), &json!(7)));
}

#[tokio::test]
async fn a_difficulty_has_its_target_number() {
    let table = Table::start().await;
    for (difficulty, expected) in [("trivial", 2), ("easy", 4), ("average", 5), ("difficult", 6), ("very_difficult", 8)]
    {
        let arguments = json!({"situation": "climb a wall", "difficulty": difficulty});
        let answer = table.call("calculate_target_number", arguments).await;
        assert_eq!(answer["target_number"], expected);
        has_keys(&answer, &["situation", "difficulty", "breakdown"]);
    }
    let answer = table.call("calculate_target_number", json!({"situation": "climb a wall"})).await;
    assert_eq!(answer["difficulty"], "average");
}

#[tokio::test]
async fn a_skill_test_rolls_the_skill_alone() {
    let table = Table::start().await;
    let arguments = json!({"character_name": "Platinum", "skill_name": "Stealth", "target_number": 4});
    let test = table.call("test_skill", arguments).await;
    assert_eq!((&test["dice_pool"], &test["final_tn"], &test["defaulted"]), (&json!(6), &json!(4), &json!(false)));
    assert_eq!(test["roll"]["dice"].as_array().unwrap().len(), 6);
    assert_eq!(test["success"], test["successes"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_test_by_default_is_harder() {
    let table = Table::start().await;
    let arguments = json!({"character_name": "Oak", "skill_name": "Stealth", "target_number": 4});
    let test = table.call("test_skill", arguments).await;
    assert_eq!((&test["rolled"], &test["dice_pool"], &test["final_tn"]), (&json!("Quickness"), &json!(3), &json!(8)));
    assert_eq!(value_of(&test["modifiers"], "default"), Some(4));
}

#[tokio::test]
async fn an_attribute_is_tested_like_a_skill() {
    let table = Table::start().await;
    let test = table.call("test_skill", json!({"character_name": "Oak", "skill_name": "perception"})).await;
    assert_eq!((&test["rolled"], &test["dice_pool"], &test["base_tn"]), (&json!("Intelligence"), &json!(7), &json!(5)));
}

#[tokio::test]
async fn a_test_has_one_target_number() {
    let table = Table::start().await;
    let arguments = json!({"character_name": "Oak", "skill_name": "Sorcery", "target_number": 4, "difficulty": "easy"});
    table.refuses("test_skill", arguments, ErrorCode::InvalidInput, "not both").await;
}

/// By hand: heavy pistol, 15 m is medium, eyes with magnification 3 make it short (4); minimal light with cybernetic
/// eyes +4; running target +2; the pistol is not smart. Firearms 9 and 8 pool dice.
#[tokio::test]
async fn platinum_shoots_a_running_target_in_dim_light() {
    let table = Table::start().await;

    let shot = table
        .call(
            "calculate_ranged_attack",
            json!({"character_name": "Platinum", "weapon_name": "Ares Predator", "target_distance": 15,
                "light_level": "DIM", "target_movement": "running", "combat_pool": 8}),
        )
        .await;

    #[rustfmt::skip]
    has_keys(&shot, &["character", "weapon", "weapon_type", "target_distance", "range_category", "base_tn", "modifiers",
        "total_modifier", "final_tn", "combat_pool", "dice_pool_breakdown", "roll", "successes", "hit", "damage",
        "breakdown", "on_sheet", "rules", "notes"]);
    has_keys(&shot["roll"], &["rolls", "dice", "successes", "all_ones", "roll_id"]);
    assert_eq!((&shot["weapon_type"], &shot["on_sheet"]), (&json!("heavy pistol"), &json!(false)));
    assert_eq!((&shot["range_category"], &shot["effective_range_category"]), (&json!("medium"), &json!("short")));
    assert_eq!((&shot["base_tn"], &shot["total_modifier"], &shot["final_tn"]), (&json!(4), &json!(6), &json!(10)));
    assert_eq!(value_of(&shot["modifiers"], "visibility"), Some(4));
    assert_eq!(value_of(&shot["modifiers"], "target_movement"), Some(2));
    assert_eq!(value_of(&shot["modifiers"], "smartlink"), Some(0));
    let notes = shot["notes"].as_array().unwrap();
    assert!(!notes.iter().any(|note| note.as_str().unwrap().contains("own figure")), "no figure counts: {notes:?}");
    let pool = &shot["dice_pool_breakdown"];
    assert_eq!((&pool["skill"], &pool["combat_pool"], &pool["total"]), (&json!(9), &json!(8), &json!(17)));
    assert_eq!(shot["roll"]["dice"].as_array().unwrap().len(), 17);
    assert_eq!(
        (&shot["damage"]["code"], &shot["damage"]["power"], &shot["damage"]["level"]),
        (&json!("9M"), &json!(9), &json!("M"))
    );
    assert_eq!(shot["hit"], shot["successes"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn the_smartlink_helps_the_smart_pistol_on_the_sheet() {
    let table = Table::start().await;
    let arguments = json!({"character_name": "Platinum", "weapon_name": "alta", "target_distance": 5});
    let shot = table.call("calculate_ranged_attack", arguments).await;
    assert_eq!((&shot["weapon"], &shot["on_sheet"]), (&json!("Morrissey Alta"), &json!(true)));
    assert_eq!(value_of(&shot["modifiers"], "smartlink"), Some(-3));
    assert_eq!(shot["final_tn"], 2);
}

#[tokio::test]
async fn a_burst_recoils_and_hits_harder() {
    let table = Table::start().await;
    let arguments =
        json!({"character_name": "Platinum", "weapon_name": "Ares Alpha", "target_distance": 10, "firing_mode": "BF"});
    let shot = table.call("calculate_ranged_attack", arguments).await;
    assert_eq!(value_of(&shot["modifiers"], "recoil"), Some(3));
    assert_eq!((&shot["damage"]["code"], &shot["damage"]["weapon_code"]), (&json!("10S"), &json!("7M")));
}

#[tokio::test]
async fn recoil_of_bursts_adds_up_over_the_phase() {
    let table = Table::start().await;
    let burst = json!({
        "character_name": "Axel", "weapon_name": "HK227", "target_distance": 10, "firing_mode": "BF", "shots_before": 3,
        "further_targets": 1,
    });
    let attack = table.call("calculate_ranged_attack", burst).await;
    assert_eq!(
        (value_of(&attack["modifiers"], "recoil"), value_of(&attack["modifiers"], "multiple_targets")),
        (Some(6), Some(2))
    );
}

#[tokio::test]
async fn plain_words_about_the_scene_count_where_the_fields_are_left_out() {
    let table = Table::start().await;
    let shot = table
        .call(
            "calculate_ranged_attack",
            json!({"character_name": "Block", "weapon_name": "Ares Predator", "target_distance": 4,
                "target_description": "a fleeing ganger", "environment": "dimly lit alley"}),
        )
        .await;
    assert_eq!(value_of(&shot["modifiers"], "visibility"), Some(6));
    assert_eq!(value_of(&shot["modifiers"], "target_movement"), Some(2));
    assert_eq!(value_of(&shot["modifiers"], "default"), Some(4));
    assert!(shot["notes"].to_string().contains("read from the description"), "{}", shot["notes"]);
}

#[tokio::test]
async fn flechette_against_armor_loses_the_level_that_the_table_gives_it() {
    let table = Table::start().await;
    let arguments = json!({"character_name": "Platinum", "weapon_name": "Slivergun", "target_distance": 5, "rounds": 3,
        "called_shot": true, "target_ballistic": 5, "target_impact": 3});
    let shot = table.call("calculate_ranged_attack", arguments).await;
    // 9M of plain rounds; burst +3 and a level, called shot a level; twice impact 3 beats ballistic 5.
    assert_eq!((&shot["damage"]["code"], &shot["damage"]["resist_target_number"]), (&json!("12D"), &json!(6)));
    assert_eq!(shot["damage"]["weapon_code"], "9S");
}

#[tokio::test]
async fn beyond_its_reach_a_weapon_is_not_fired() {
    let table = Table::start().await;
    let arguments = json!({"character_name": "Platinum", "weapon_name": "Ares Predator", "target_distance": 61});
    let text = "61 m is beyond the reach of a heavy pistol: at most 60 m; nothing was rolled";
    table.refuses("calculate_ranged_attack", arguments, ErrorCode::InvalidInput, text).await;
}

#[tokio::test]
async fn attacks_that_cannot_be_made_are_refused() {
    let table = Table::start().await;
    let shot = |weapon: &str, more: Value| {
        let mut arguments = json!({"character_name": "Platinum", "weapon_name": weapon, "target_distance": 5});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let refused = |arguments: Value, text: &'static str| {
        let table = &table;
        async move { table.refuses("calculate_ranged_attack", arguments, ErrorCode::InvalidInput, text).await }
    };
    refused(shot("Ares Predtor", json!({})), "nearest: Ares Predator").await;
    refused(shot("Monowhip", json!({})), "is no ranged weapon").await;
    refused(shot("Ares Predator", json!({"combat_pool": 10})), "at most 9 (the skill's rating 9)").await;
    refused(shot("Ares Predator", json!({"firing_mode": "FA"})), "it has SA").await;
    refused(shot("Ares Alpha", json!({"firing_mode": "FA", "called_shot": true})), "cannot be called").await;
}

/// By hand: Mana Bolt Force 4 with 3 pool dice against Willpower 5; Aptitude (Sorcery) -1; the target resists with 5
/// dice against 4. Drain (F/2)S: 2, ten dice of Willpower and 2 of the pool.
#[tokio::test]
async fn oak_casts_a_mana_bolt() {
    let table = Table::start().await;

    let cast = table
        .call(
            "cast_spell",
            json!({"caster_name": "Oak", "spell_name": "mana bolt", "force": 4, "target_name": "Block",
                "spell_pool_dice": 3, "drain_pool_dice": 2}),
        )
        .await;

    #[rustfmt::skip]
    has_keys(&cast, &["caster", "spell", "spell_category", "force", "target", "magic_rating", "spell_pool_dice",
        "drain_pool_dice", "pool_remaining", "totem_bonus", "focus_bonus", "spell_dice_pool", "target_number",
        "spell_roll", "drain", "summary"]);
    has_keys(&cast["spell_roll"], &["rolls", "successes", "result"]);
    #[rustfmt::skip]
    has_keys(&cast["drain"], &["code", "level", "target_number", "resist_dice", "resist_roll", "damage_taken", "damage_type"]);
    assert_eq!((&cast["spell"], &cast["spell_category"]), (&json!("Mana Bolt"), &json!("combat")));
    assert_eq!((&cast["spell_dice_pool"], &cast["base_tn"], &cast["target_number"]), (&json!(7), &json!(5), &json!(4)));
    assert_eq!((&cast["pool_remaining"], &cast["magic_rating"]), (&json!(5), &json!(9)));
    let drain = &cast["drain"];
    assert_eq!((&drain["code"], &drain["level"], &drain["target_number"]), (&json!("(F/2)S"), &json!("S"), &json!(2)));
    assert_eq!((&drain["resist_dice"], &drain["damage_type"]), (&json!(12), &json!("stun")));
    if cast["spell_roll"]["successes"].as_u64().unwrap() > 0 {
        let resistance = &cast["resistance"];
        assert_eq!((&resistance["attribute"], &resistance["dice"]), (&json!("Willpower"), &json!(5)));
        assert_eq!(resistance["target_number"], 4);
    }
}

#[tokio::test]
async fn oaks_totem_helps_to_heal_and_the_wound_sets_the_drain() {
    let table = Table::start().await;
    let arguments =
        json!({"caster_name": "Oak", "spell_name": "Heal Serious Wound", "force": 6, "target_name": "Platinum"});
    let cast = table.call("cast_spell", arguments).await;
    assert_eq!((&cast["totem_bonus"], &cast["spell_dice_pool"]), (&json!(2), &json!(8)));
    // 10 less Essence 2.55, rounded up, is 8; Aptitude -1.
    assert_eq!((&cast["base_tn"], &cast["target_number"]), (&json!(8), &json!(7)));
    assert_eq!((&cast["drain"]["code"], &cast["drain"]["target_number"]), (&json!("(F/2)S"), &json!(3)));
}

#[tokio::test]
async fn figures_of_a_stranger_that_are_not_given_are_taken_and_said() {
    let table = Table::start().await;
    let arguments = json!({"caster_name": "Block", "spell_name": "Power Bolt", "force": 4, "target_name": "ganger"});
    let cast = table.call("cast_spell", arguments).await;
    assert_eq!(cast["target_number"], 3);
    assert!(cast["notes"].to_string().contains("give target_body"), "{}", cast["notes"]);
    // Of Block's Magic 9 only 6 casts spells.
    assert_eq!(cast["magic_rating"], 6);
}

/// Casts until the spell takes hold, which the seeded dice make soon, and rests from the drain.
async fn sustain(table: &Table, spell: &str, force: u32) -> Value {
    for _ in 0..20 {
        let arguments = json!({"caster_name": "Oak", "spell_name": spell, "force": force, "spell_pool_dice": 9});
        let cast = table.call("cast_spell", arguments).await;
        let rest = json!({"character_name": "Oak", "damage_type": "stun", "boxes": 10});
        // There may be no drain to rest from.
        let _ = table.tools.call("heal", rest, MetadataMap::new()).await;
        if cast["sustained"] == true {
            return cast;
        }
    }
    panic!("{spell} never took hold");
}

#[tokio::test]
async fn a_sustained_spell_makes_tests_harder_outlives_a_restart_and_is_dropped() {
    let table = Table::start().await;
    sustain(&table, "Barrier", 5).await;

    let table = table.restarted().await;

    let held = table.call("get_sustained_spells", json!({"character_name": "oak"})).await;
    assert_eq!(held["sustaining_penalty"], 2);
    let spell = &held["sustained_spells"][0];
    assert_eq!((&spell["spell_name"], &spell["force"]), (&json!("Barrier"), &json!(5)));
    assert_eq!(spell["target_character_id"], Value::Null);
    let test =
        table.call("test_skill", json!({"character_name": "Oak", "skill_name": "Biotech", "target_number": 4})).await;
    assert_eq!((value_of(&test["modifiers"], "sustained_spells"), &test["final_tn"]), (Some(2), &json!(6)));

    let dropped = table.call("drop_spell", json!({"character_name": "Oak", "spell_name": "barrier"})).await;
    assert_eq!(
        dropped,
        json!({"success": true, "message": "Oak drops Barrier", "sustained_spells": [], "sustaining_penalty": 0})
    );
    let again = table.call("drop_spell", json!({"character_name": "Oak", "spell_name": "barrier"})).await;
    assert_eq!((&again["success"], &again["message"]), (&json!(false), &json!("Oak sustains no spell")));
}

#[tokio::test]
async fn no_more_spells_are_sustained_than_sorcery_allows() {
    let table = Table::start().await;
    for _ in 0..7 {
        let arguments = json!({"caster_name": "Oak", "spell_name": "Invisibility", "force": 4, "spell_pool_dice": 9,
            "modifier": -20});
        while table.call("cast_spell", arguments.clone()).await["sustained"] == false {}
    }
    let arguments = json!({"caster_name": "Oak", "spell_name": "Barrier", "force": 5});
    table.refuses("cast_spell", arguments, ErrorCode::InvalidInput, "as many as Sorcery 7 allows").await;
}

#[tokio::test]
async fn spells_that_cannot_be_cast_are_refused() {
    let table = Table::start().await;
    let refused = |arguments: Value, text: &'static str| {
        let table = &table;
        async move { table.refuses("cast_spell", arguments, ErrorCode::InvalidInput, text).await }
    };
    refused(json!({"caster_name": "Axel", "spell_name": "Mana Bolt", "force": 1}), "Axel casts no spells").await;
    refused(json!({"caster_name": "Oak", "spell_name": "Fireball", "force": 1}), "the spells of Oak: Heal").await;
    refused(json!({"caster_name": "Oak", "spell_name": "Mana Bolt", "force": 5}), "the Force it was learned at").await;
    let pool = json!({"caster_name": "Block", "spell_name": "Mana Bolt", "force": 5, "spell_pool_dice": 7});
    refused(pool, "at most 6 (the caster's Magic 6)").await;
    let pool = json!({"caster_name": "Oak", "spell_name": "Mana Bolt", "force": 4, "spell_pool_dice": 6, "drain_pool_dice": 5});
    refused(pool, "5 dice of the Magic Pool are too many: at most 4").await;
}

#[tokio::test]
async fn the_same_key_answers_the_same_and_has_one_effect() {
    let table = Table::start().await;
    let arguments =
        json!({"caster_name": "Oak", "spell_name": "Invisibility", "force": 4, "spell_pool_dice": 9, "modifier": -20});

    let first = table.keyed("cast_spell", arguments.clone(), "turn/1/1").await.unwrap();
    let again = table.keyed("cast_spell", arguments, "turn/1/1").await.unwrap();

    assert_eq!(first, again);
    let held = table.call("get_sustained_spells", json!({"character_name": "Oak"})).await;
    assert!(held["sustained_spells"].as_array().unwrap().len() <= 1, "{held}");
}

#[tokio::test]
async fn many_calls_at_once_with_one_key_are_one_call() {
    let table = Table::start().await;
    let arguments = json!({"character_name": "Platinum", "skill_name": "Stealth", "target_number": 5});
    let calls = (0..8).map(|_| {
        let (tools, arguments) = (table.tools.clone(), arguments.clone());
        let mut metadata = MetadataMap::new();
        metadata.insert("idempotency-key", "k".parse().unwrap());
        tokio::spawn(async move { tools.call("test_skill", arguments, metadata).await.unwrap() })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let table = Table::start().await;
    let test = |skill: &str| json!({"character_name": "Platinum", "skill_name": skill, "target_number": 5});
    table.keyed("test_skill", test("Stealth"), "k").await.unwrap();

    let failure = table.keyed("test_skill", test("Athletics"), "k").await.unwrap_err();

    assert_eq!(failure.code, ErrorCode::Conflict);
}

#[tokio::test]
async fn what_is_asked_in_vain_is_told_what_is_allowed() {
    let table = Table::start().await;
    let arguments =
        json!({"character_name": "Oak", "weapon_name": "Ares Predator", "target_distance": 5, "light_level": "DUSK"});
    table
        .refuses("calculate_ranged_attack", arguments, ErrorCode::InvalidToolParams, "NORMAL, PARTIAL, DIM, DARK")
        .await;
    let arguments = json!({"caster_name": "Oak", "spell_name": "Heal"});
    table.refuses("cast_spell", arguments, ErrorCode::MissingRequiredField, "force").await;
}

#[tokio::test]
async fn both_wounds_make_tests_harder_and_show_on_the_sheet() {
    let table = Table::start().await;
    table
        .change("Platinum", |sheet| sheet["condition_monitor"] = json!({"physical": 3, "stun": 1, "overflow": 0}))
        .await;

    let arguments = json!({"character_name": "Platinum", "skill_name": "Stealth", "target_number": 4});
    let test = table.call("test_skill", arguments).await;

    // Moderate Physical +2, Light Stun +1.
    assert_eq!((&test["total_modifier"], &test["final_tn"]), (&json!(3), &json!(7)));
    let sheet = table.call("get_character", json!({"character_name": "Platinum"})).await;
    assert_eq!(sheet["condition_monitor"]["wound_modifier"], 3);
    assert!(sheet["summary"].as_str().unwrap().ends_with("3 boxes Physical, 1 Stun."), "{}", sheet["summary"]);
}

#[tokio::test]
async fn who_is_out_of_action_makes_no_test() {
    let table = Table::start().await;
    table.change("Oak", |sheet| sheet["condition_monitor"] = json!({"physical": 0, "stun": 10, "overflow": 0})).await;
    let test = json!({"character_name": "Oak", "skill_name": "Sorcery"});
    table.refuses("test_skill", test, ErrorCode::InvalidInput, "the Stun track is full").await;
    let shot = json!({"character_name": "Oak", "weapon_name": "Ares Predator", "target_distance": 5});
    table.refuses("calculate_ranged_attack", shot, ErrorCode::InvalidInput, "the Stun track is full").await;
    let spell = json!({"caster_name": "Oak", "spell_name": "Mana Bolt", "force": 4});
    table.refuses("cast_spell", spell, ErrorCode::InvalidInput, "the Stun track is full").await;
}

#[tokio::test]
async fn a_wound_of_the_target_sets_the_drain_of_healing() {
    let table = Table::start().await;
    table.change("Axel", |sheet| sheet["condition_monitor"] = json!({"physical": 10, "stun": 0, "overflow": 0})).await;
    let arguments = json!({"caster_name": "Oak", "spell_name": "Heal", "force": 5, "target_name": "Axel"});
    let cast = table.call("cast_spell", arguments).await;
    assert_eq!((&cast["drain"]["code"], &cast["drain"]["level"]), (&json!("(F/2)D"), &json!("D")));
}

#[tokio::test]
async fn an_exclusive_spell_counts_higher_and_stands_alone() {
    let table = Table::start().await;
    table.change("Oak", |sheet| sheet["spells"][5]["exclusive"] = json!(true)).await;
    let bolt = json!({"caster_name": "Oak", "spell_name": "Mana Bolt", "force": 4, "target_name": "Block"});
    let cast = table.call("cast_spell", bolt.clone()).await;
    // Force 4 counts as 6; drain goes by 4.
    assert_eq!((&cast["spell_dice_pool"], &cast["drain"]["target_number"]), (&json!(6), &json!(2)));

    sustain(&table, "Invisibility", 4).await;
    table.refuses("cast_spell", bolt, ErrorCode::InvalidInput, "exclusive: first drop Invisibility").await;
}

#[tokio::test]
async fn drain_above_magic_is_physical() {
    let table = Table::start().await;
    table
        .change("Block", |sheet| {
            sheet["spells"][0]["learned_force"] = json!(8);
        })
        .await;
    let arguments = json!({"caster_name": "Block", "spell_name": "Mana Bolt", "force": 8, "target_name": "Oak"});
    let cast = table.call("cast_spell", arguments).await;
    assert_eq!((&cast["drain"]["damage_type"], &cast["drain"]["target_number"]), (&json!("physical"), &json!(4)));
}

#[tokio::test]
async fn a_sheet_that_cannot_be_read_is_our_failure_and_says_nothing_of_it() {
    let table = Table::start().await;
    table.change("Axel", |sheet| *sheet = json!({"nuyen": "much"})).await;
    let failure = table.refusal("get_character", json!({"character_name": "Axel"})).await;
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (ErrorCode::CharacterLoadFailed, "the sheet cannot be read; the log says why")
    );
}

#[tokio::test]
async fn a_single_rule_is_answered_by_its_area() {
    let table = Table::start().await;
    let rule = |area: &str, input: Value| json!({"area": area, "input": input});

    let range = table
        .call("apply_rule", rule("range_bracket", json!({"weapon_class": "heavy pistol", "distance_m": 18})))
        .await;
    assert_eq!(range, json!({"result": "medium"}));
    let far = table
        .call("apply_rule", rule("range_bracket", json!({"weapon_class": "heavy pistol", "distance_m": 99})))
        .await;
    assert_eq!(far, json!({"result": null}));

    table.refuses("apply_rule", rule("range", json!({})), ErrorCode::InvalidInput, "range_bracket").await;
    table
        .refuses("apply_rule", rule("combat_pool", json!({"quickness": 1})), ErrorCode::InvalidInput, "intelligence")
        .await;
}

#[tokio::test]
async fn what_a_character_rolls_stands_in_the_chain_of_the_session_and_is_the_players() {
    let table = Table::start().await;
    let mut metadata = MetadataMap::new();
    metadata.insert("session-id", "evening".parse().unwrap());
    metadata.insert("player", "Zo%C3%AB".parse().unwrap());
    let test = json!({"character_name": "Platinum", "skill_name": "Firearms", "target_number": 4});

    table.tools.call("test_skill", test, metadata).await.unwrap();

    let listed = table.call("list_rolls", json!({"session": "evening"})).await;
    assert_eq!(listed["rolls"].as_array().unwrap().len(), 1);
    assert_eq!(listed["rolls"][0]["player"], "Zoë");
}
