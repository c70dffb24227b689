//! What the operator sees and may do.

use gateway::Config;
use serde_json::json;
use service_kit::auth::audit;
use tokio::time::timeout;

use crate::{
    guarded::guarded,
    support::{Gateway, PATIENCE, header, json, table},
};

async fn start() -> Gateway {
    let gateway = table(Config::default()).await;
    let mut socket = gateway.socket("evening").await;
    socket.send(json!({"type": "chat", "message": "Roll 6 dice against target number 4"})).await;
    socket.until("complete").await;
    gateway
}

#[tokio::test]
async fn the_page_is_for_people_and_the_figures_for_programs() {
    let gateway = start().await;

    let page = gateway.get("/ops").send().await.unwrap();
    assert!(header(&page, "content-type").starts_with("text/html"));
    let figures = json(gateway.get("/ops").header("Accept", "application/json"), 200).await;

    assert_eq!(figures["services"]["dice"], "ok");
    assert_eq!(figures["sessions"][0]["session_id"], "evening");
    // This gateway has no service for games, and the rest is told all the same.
    assert!(figures["games"]["unavailable"].is_string(), "{figures}");
}

#[tokio::test]
async fn a_session_is_closed_and_its_log_stays() {
    let gateway = start().await;

    let answer = json(gateway.post("/ops/sessions/evening/close", &json!({})), 200).await;

    assert_eq!(answer["closed"], true);
    assert_eq!(json(gateway.get("/api/sessions"), 200).await["sessions"], json!([]));
    let figures = json(gateway.get("/ops").header("Accept", "application/json"), 200).await;
    assert_eq!(figures["sessions"][0]["closed"], true);
    assert_eq!(json(gateway.post("/ops/sessions/evening/replay", &json!({})), 200).await["gaps"], json!([]));
}

#[tokio::test]
async fn an_export_is_the_whole_session_as_a_file() {
    let gateway = start().await;

    let export = gateway.get("/ops/sessions/evening/export").send().await.unwrap();

    assert_eq!(header(&export, "content-disposition"), "attachment; filename=\"evening.json\"");
    let export: serde_json::Value = export.json().await.unwrap();
    let log = json(gateway.get("/api/sessions/evening/events"), 200).await;
    assert_eq!(export["events"], log["events"]);
    assert!(export["transcript"].as_str().unwrap().contains("Roll 6 dice"), "{export}");
}

#[tokio::test]
async fn a_turn_that_does_not_run_is_not_cancelled() {
    let gateway = start().await;
    let answer = json(gateway.post("/ops/sessions/evening/cancel", &json!({})), 200).await;
    assert_eq!(answer["cancelled"], false);
}

#[tokio::test]
async fn a_session_that_is_not_there_is_not_found() {
    let gateway = start().await;
    json(gateway.get("/ops/sessions/nowhere/export"), 404).await;
    json(gateway.post("/ops/sessions/nowhere/replay", &json!({})), 404).await;
}

const ACTIONS: [&str; 6] = [
    "GET sessions/evening/export",
    "GET games/default/export",
    "POST sessions/evening/cancel",
    "POST sessions/evening/close",
    "POST sessions/evening/replay",
    "POST games/default/replay",
];

fn action(gateway: &Gateway, action: &str) -> reqwest::RequestBuilder {
    match action.split_once(' ').unwrap() {
        ("GET", path) => gateway.get(&format!("/ops/{path}")),
        (_, path) => gateway.post(&format!("/ops/{path}"), &json!({})),
    }
}

#[tokio::test]
async fn strangers_may_do_none_of_it() {
    let gateway = table(Config { http: "0.0.0.0:8001".into(), ..Config::default() }).await;

    json(gateway.get("/ops").header("Accept", "application/json"), 403).await;
    for each in ACTIONS {
        json(action(&gateway, each), 403).await;
    }
}

#[tokio::test]
async fn a_game_master_is_no_operator() {
    let guarded = guarded().await;
    let gateway = &guarded.gateway;
    for each in ACTIONS {
        json(action(gateway, each), 401).await;
        json(action(gateway, each).bearer_auth(&guarded.player), 403).await;
        json(action(gateway, each).bearer_auth(&guarded.gm), 403).await;
    }
    json(gateway.get("/ops").header("Accept", "application/json").bearer_auth(&guarded.gm), 403).await;
    json(gateway.get("/ops").header("Accept", "application/json").bearer_auth(&guarded.operator), 200).await;
    let page = gateway.get("/ops").header("Accept", "text/html").send().await.unwrap();
    assert!(header(&page, "content-type").starts_with("text/html"));
}

#[tokio::test]
async fn what_an_operator_does_is_written_down() {
    let guarded = guarded().await;
    let gateway = &guarded.gateway;
    json(gateway.post("/api/sessions", &json!({"session_id": "evening"})).bearer_auth(&guarded.operator), 200).await;

    json(action(gateway, "POST sessions/evening/close").bearer_auth(&guarded.operator), 200).await;

    let written = async {
        loop {
            let kept = audit::export(&guarded.db, "Olga").await.unwrap();
            let entries = kept["audit"].as_array().unwrap().clone();
            if let Some(entry) = entries.into_iter().find(|entry| entry["action"] == "close_session") {
                return entry;
            }
            tokio::task::yield_now().await;
        }
    };
    let entry = timeout(PATIENCE, written).await.expect("it is written down");
    assert_eq!((&entry["target"], &entry["outcome"]), (&json!("evening"), &json!("ok")));
}
