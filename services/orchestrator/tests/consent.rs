//! Calls that a person must agree to: what becomes of them when a turn is broken off, or nobody sits there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Frames, Table, of};
use fake_model::{FakeModel, Reply};
use proto::orchestrator::v1::{ApproveRequest, CancelTurnRequest, JoinRequest, SubscribeRequest};
use serde_json::{Value, json};

/// Seats a game master, whose connection is named like him.
async fn game_master(table: &Table) -> Frames {
    let connection_id = Some("Gerd".to_owned());
    let request = SubscribeRequest { session_id: "s".into(), connection_id, ..Default::default() };
    let mut frames = table.subscribe(request).await;
    let request = JoinRequest {
        session_id: "s".into(),
        connection_id: "Gerd".into(),
        name: "Gerd".into(),
        seat: Some("game_master".into()),
        character: None,
    };
    table.client.clone().join(request).await.unwrap();
    frames.until("presence").await;
    frames
}

async fn allow(table: &Table) -> Result<(), tonic::Status> {
    let request = ApproveRequest {
        session_id: "s".into(),
        connection_id: "Gerd".into(),
        call_id: "a".into(),
        allow: true,
        reason: None,
    };
    table.client.clone().approve(request).await.map(|_| ())
}

fn deleting() -> Reply {
    Reply::calling([("a", "delete_character", json!({"character_name": "Oak"}))])
}

#[tokio::test]
async fn after_a_cancel_nothing_that_waited_is_run_and_nobody_waits_for_it() {
    let model = FakeModel::start([deleting()]).await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.unwrap();
    let mut gerd = game_master(&table).await;
    table.chat("Away with him").await;
    gerd.until("approval_requested").await;
    let asked = std::time::Instant::now();

    table.client.clone().cancel_turn(CancelTurnRequest { session_id: "s".into(), connection_id: None }).await.unwrap();
    let late = allow(&table).await;
    let rest = gerd.until("complete").await;

    assert!(asked.elapsed() < std::time::Duration::from_millis(1500), "{:?}", asked.elapsed());
    let results = of(&rest, "tool_result");
    assert_eq!((results.len(), &results[0]["failed"]), (1, &json!(true)), "{late:?} {rest:?}");
    assert_eq!(rest.last().unwrap()["content"], "Cancelled");
    let oak = table.call_tool("get_character", json!({"character_name": "Oak"})).await.unwrap();
    assert_eq!(oak["street_name"].as_str().or(oak["character"].as_str()), Some("Oak"));
}

#[tokio::test]
async fn without_a_game_masters_seat_the_reason_is_told() {
    let model = FakeModel::start([deleting(), Reply::saying(["He stays."])]).await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.unwrap();

    let frames = table.play("Away with him").await;

    let result: &Value = &of(&frames, "tool_result")[0]["result"];
    assert_eq!(result["code"], 6002);
    assert!(result["error"].as_str().unwrap().contains("nobody sits there"), "{result}");
}
