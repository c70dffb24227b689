//! A hostile model for many turns with four players: whatever it tries, each turn has one end, everybody is told the
//! same, what stands on the sheets stands in the log, and its lies are marked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::{HashMap, HashSet};

use common::{Frames, Table, of};
use fake_model::{FakeModel, Reply};
use proto::orchestrator::v1::{ChatRequest, JoinRequest, SubscribeRequest};
use serde_json::{Value, json};

/// Turns in an ordinary run: more than it takes for all tricks to come round. `DICETOWER_DEEP=1` plays a thousand.
const TURNS: usize = 48;
/// The players and their characters.
const PLAYERS: [(&str, &str); 4] = [("Anna", "Platinum"), ("Bert", "Oak"), ("Carl", "Block"), ("Dora", "Manticore")];

async fn seat(table: &Table, player: &str, character: &str) -> Frames {
    table.add_character(character).await.unwrap();
    let connection_id = Some(player.to_owned());
    let frames =
        table.subscribe(SubscribeRequest { session_id: "s".into(), connection_id, ..Default::default() }).await;
    let request = JoinRequest {
        session_id: "s".into(),
        connection_id: player.into(),
        name: player.into(),
        seat: None,
        character: Some(character.into()),
    };
    table.client.clone().join(request).await.unwrap();
    frames
}

/// Checks a log by itself: the program that reads it knows nothing of how it came about.
fn check(log: &[Value], turns: usize) {
    let mut seq = 0;
    for frame in log {
        let next = frame["seq"].as_u64().unwrap();
        assert!(next == seq + 1 || next == seq && frame["type"] == "narrative", "after {seq}: {frame}");
        seq = next;
    }
    let mut of_turn: HashMap<&str, Vec<&Value>> = HashMap::new();
    for frame in log {
        let turn = frame["turn_id"].as_str().unwrap_or_default();
        of_turn.entry(turn).or_default().push(frame);
    }
    of_turn.remove("");
    assert_eq!(of_turn.len(), turns);
    for frames in of_turn.values() {
        let count = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).count();
        assert_eq!((count("player_message"), count("complete")), (1, 1), "{frames:?}");
        assert_eq!(frames.last().unwrap()["type"], "complete");
        let mut answered = HashSet::new();
        for (place, frame) in frames.iter().enumerate().filter(|(_, frame)| frame["type"] == "tool_call") {
            let result = frames[place + 1];
            assert_eq!((&result["type"], &result["call_id"]), (&json!("tool_result"), &frame["call_id"]));
            assert!(answered.insert(frame["call_id"].as_str().unwrap()), "answered twice: {frame}");
        }
        assert_eq!(answered.len(), count("tool_result"));
        let planned: usize = frames.iter().map(|frame| frame["calls"].as_array().map_or(0, Vec::len)).sum();
        assert_eq!(answered.len(), planned, "each call that was planned has its result");
    }
}

/// The money of a character whom the model may have given another name.
async fn nuyen(table: &Table) -> i64 {
    for name in ["Platinum", "GM"] {
        if let Ok(sheet) = table.call_tool("get_character", json!({"character_name": name})).await {
            return sheet["nuyen"].as_i64().unwrap();
        }
    }
    panic!("the character is gone");
}

#[tokio::test]
async fn a_hostile_model_breaks_neither_the_log_nor_the_sheets_nor_a_players_view() {
    let turns = if std::env::var_os("DICETOWER_DEEP").is_some() { 1_000 } else { TURNS };
    let model = FakeModel::hostile().await;
    let table = Table::with(&model).await;
    let mut players = Vec::new();
    for (player, character) in PLAYERS {
        players.push(seat(&table, player, character).await);
    }
    let before = nuyen(&table).await;
    let seated = table.log().await.len();

    let mut told: Vec<Vec<Value>> = vec![Vec::new(); PLAYERS.len()];
    for turn in 0..turns {
        let (name, character) = PLAYERS[turn % PLAYERS.len()];
        let chat = ChatRequest {
            session_id: "s".into(),
            message: format!("{character} looks around, for the time number {turn}"),
            name: Some(name.into()),
            ..ChatRequest::default()
        };
        table.say(chat).await.unwrap();
        for (frames, told) in players.iter_mut().zip(&mut told) {
            told.extend(frames.until("complete").await);
        }
    }

    let log = table.log().await;
    check(&log, turns);
    // Everybody has been told the same, and it is what stands in the log.
    let texts = |frames: &[Value]| -> Vec<(String, String)> {
        let of_story = frames.iter().filter(|frame| frame["type"] == "complete" || frame["type"] == "tool_result");
        of_story.map(|frame| (frame["seq"].to_string(), frame["type"].to_string())).collect()
    };
    for told in &told {
        assert_eq!(texts(told), texts(&log[seated..]));
        assert_eq!(common::told(told), common::told(&log));
    }
    let results = of(&log, "tool_result");
    let paid: i64 = results
        .iter()
        .filter(|frame| frame["failed"] == false && frame["tool"] == "add_nuyen")
        .map(|frame| frame["result"]["amount"].as_i64().unwrap())
        .sum();
    assert_eq!(nuyen(&table).await - before, paid, "what the log tells of money stands on the sheet, and no more");
    let has_run = |tool: &str| results.iter().any(|frame| frame["failed"] == false && frame["tool"] == tool);
    assert!(!has_run("delete_character") && !has_run("no_such_tool"));
    let claims: usize = of(&log, "complete").iter().filter_map(|frame| frame["claims"].as_array()).map(Vec::len).sum();
    assert!(turns / 4 < claims, "lies are marked: {claims} in {turns} turns");
}

#[tokio::test]
async fn a_silent_players_character_is_not_played_by_a_model_that_calls_for_it() {
    let attack = json!({"character_name": "Oak", "weapon_name": "Fist", "target_distance": 5});
    let told = "Oak draws, shoots, and laughs. You drop your weapons and kneel.";
    let replies = [
        Reply::calling([("a", "calculate_ranged_attack", attack)]),
        Reply::saying([told]),
        Reply::saying(["Platinum looks around and nods, and Oak draws his gun."]),
    ];
    let model = FakeModel::start(replies).await;
    let table = Table::with(&model).await;
    let mut anna = seat(&table, "Anna", "Platinum").await;
    let _bert = seat(&table, "Bert", "Oak").await;
    let says = |message: &str| ChatRequest {
        session_id: "s".into(),
        message: message.into(),
        connection_id: Some("Anna".into()),
        ..ChatRequest::default()
    };

    table.say(says("I look around")).await.unwrap();
    let alone = anna.until("complete").await.pop().unwrap();
    table.say(says("We draw our guns")).await.unwrap();
    let together = anna.until("complete").await.pop().unwrap();

    let claims = json!([
        {"text": "Oak draws", "kind": "puppet"},
        {"text": "You drop your weapons", "kind": "puppet"},
    ]);
    assert_eq!(alone["claims"], claims);
    assert!(together.get("claims").is_none_or(|claims| claims == &json!([])), "{together}");
}
