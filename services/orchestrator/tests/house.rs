//! An evening with the house game master: the real service, real sheets, real dice, no model.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Table, of, told};
use orchestrator::Config;
use serde_json::Value;

async fn table(characters: &[&str]) -> Table {
    let table = Table::set_up(Config::default()).await;
    for character in characters {
        table.add_character(character).await.unwrap();
    }
    table
}

/// Plays a turn: its calls as "tool", their results, and what was told.
async fn play(table: &Table, message: &str) -> (Vec<String>, Vec<Value>, String) {
    let frames = table.play(message).await;
    assert_eq!(of(&frames, "complete").len(), 1);
    assert!(of(&frames, "error").is_empty(), "{frames:?}");
    let calls = of(&frames, "tool_call").iter().map(|call| call["tool"].as_str().unwrap().to_owned()).collect();
    let results = of(&frames, "tool_result").iter().map(|result| result["result"].clone()).collect();
    (calls, results, told(&frames))
}

#[tokio::test]
async fn a_fight_is_played_with_real_sheets_and_dice() {
    let table = table(&["Platinum"]).await;

    let (calls, _, story) = play(&table, "I shoot the ganger with my Ares Predator").await;
    assert!(calls.is_empty() && story.contains("metres"), "{story}");

    let (calls, results, story) = play(&table, "15 metres, in dim light, with 4 combat pool dice").await;
    assert_eq!(calls[..2], ["update_scene", "calculate_ranged_attack"]);
    let attack = &results[1];
    assert_eq!(attack["target_distance"], 15);
    assert_eq!(attack["combat_pool"], 4);
    assert_eq!(attack["on_sheet"], false);
    assert!(story.contains(&format!("Target number {}", attack["final_tn"])), "{story}");
    assert_eq!(attack["hit"] == true, calls.get(2).is_some_and(|call| call == "roll_dice"), "a hit is resisted");
    table.call_tool("update_scene", serde_json::json!({"forget": ["foes"]})).await.unwrap();

    let (calls, results, _) = play(&table, "He starts running. I shoot him again with my Alta").await;
    assert_eq!(calls[..2], ["update_scene", "calculate_ranged_attack"]);
    assert_eq!(results[1]["weapon"], "Morrissey Alta");
    assert_eq!(results[1]["target_description"], "ganger");
    assert_eq!(results[1]["target_distance"], 15);
    assert_eq!(results[1]["combat_pool"], 0, "pool dice are named for each shot");
    let modifiers = results[1]["modifiers"].to_string();
    assert!(modifiers.contains("light") && modifiers.contains("run"), "{modifiers}");

    table.call_tool("update_scene", serde_json::json!({"forget": ["foes"]})).await.unwrap();
    let (calls, _, story) = play(&table, "I shoot him with 90 combat pool dice").await;
    assert_eq!(calls, ["calculate_ranged_attack"]);
    assert!(story.contains("That does not go."), "{story}");
}

/// Whatever the dice say, a fight comes to an end: foes are marked, strike back, and nothing is claimed that no result
/// supports.
#[tokio::test]
async fn a_whole_fight_is_played_to_its_end() {
    let table = table(&["Platinum"]).await;
    let (calls, _, story) = play(&table, "two gangers and a guard attack us at 10 metres").await;
    assert_eq!(calls[..2], ["update_scene", "start_combat"]);
    assert!(story.contains("Initiative, the fastest first:"), "{story}");

    let mut turns = 0;
    while scene(&table).await.get("combat_id").is_some() {
        turns += 1;
        assert!(turns < 60, "the fight does not end: {:?}", scene(&table).await);
        let foes = scene(&table).await["foes"].as_array().unwrap().clone();
        let up = foes.iter().find(|foe| foe["physical"].as_f64() < Some(10.0) && foe.get("note").is_none());
        let message = match up {
            Some(foe) => format!("I shoot {} with my Ares Alpha", foe["name"].as_str().unwrap()),
            None => "go on".to_owned(),
        };
        let frames = table.play(&message).await;
        let complete = of(&frames, "complete");
        assert_eq!(complete.len(), 1, "{frames:?}");
        assert!(complete[0].get("claims").is_none_or(|claims| claims == &Value::Array(Vec::new())), "{complete:?}");
    }
    let log = table.log().await;
    assert_eq!(of(&log, "tool_result").iter().filter(|result| result["tool"] == "end_combat").count(), 1);
}

async fn scene(table: &Table) -> serde_json::Map<String, Value> {
    let scene = table.session().await.scene.unwrap_or_default();
    proto::structs::to_json(scene).as_object().unwrap().clone()
}

#[tokio::test]
async fn spells_tests_initiative_and_look_ups_are_played_for_a_party() {
    let table = table(&["Oak", "Block", "Platinum"]).await;

    let (calls, results, story) =
        play(&table, "Oak casts Invisibility on himself at Force 4 with 2 dice for drain").await;
    assert_eq!(calls, ["cast_spell"]);
    assert_eq!(results[0]["force"], 4);
    assert!(story.contains("Invisibility") && story.contains("drain"), "{story}");

    let (calls, _, _) = play(&table, "which spells does Oak sustain?").await;
    assert_eq!(calls, ["get_sustained_spells"]);

    let (calls, _, story) = play(&table, "Block casts Mana Bolt at the troll, Force 5, 3 pool dice").await;
    assert_eq!(calls[..2], ["update_scene", "cast_spell"]);
    assert!(story.contains("The target resists") || story.contains("no success"), "{story}");

    let (calls, _, story) = play(&table, "I sneak past the guard").await;
    assert!(calls.is_empty() && story.contains("Oak, Block or Platinum"), "{story}");
    let (calls, results, _) = play(&table, "Platinum, against 4").await;
    assert_eq!(calls, ["test_skill"]);
    assert_eq!(results[0]["base_tn"], 4);

    let (calls, _, story) = play(&table, "roll initiative").await;
    assert_eq!(calls.iter().filter(|tool| *tool == "roll_initiative").count(), 3);
    assert!(story.contains("Oak:") && story.contains("Platinum:"), "{story}");

    for (question, expected) in [
        ("what is Platinum's Firearms?", "Firearms"),
        ("how much nuyen does Platinum have?", "nuyen"),
        ("show Oak's spells", "Mana Bolt"),
        ("show Platinum's weapons", "Walther MA-2100 (sniper rifle, 14S)"),
        ("show Platinum's sheet", "Platinum"),
        ("does Platinum have a smartlink?", "Smartlink"),
        ("show Platinum's gear", "Armor Jacket 5/3"),
        ("what cyberware has Platinum?", "Wired Reflexes"),
        ("is Platinum wounded?", "unhurt"),
        ("show Raven's sheet", "That does not go."),
    ] {
        let (calls, _, story) = play(&table, question).await;
        assert_eq!(calls.len(), 1, "{question}");
        assert!(story.contains(expected), "{question}: {story}");
    }
    let (_, _, story) = play(&table, "who is at the table?").await;
    assert!(story.contains("Block") && story.contains("Oak"), "{story}");
}
