//! Board games over REST, before the real state machine service.

use std::{collections::VecDeque, time::Duration};

use gateway::Config;
use reqwest::Response;
use serde_json::{Value, json};
use service_kit::client::in_process;
use tokio_util::sync::CancellationToken;

use crate::support::{Gateway, PATIENCE, database, dice, json};

async fn start() -> Gateway {
    let (folder, database) = database();
    let peers = dice(&database).await;
    let config = fsm::Config { wotr_db: folder.path().join("wotr_game.db"), ..fsm::Config::default() };
    let routes = fsm::start(config, &database, peers.clone(), CancellationToken::new()).await.unwrap();
    Gateway::serve(Config::default(), peers.with_fsm(in_process(routes)), folder).await
}

async fn send(gateway: &Gateway, game: &str, event: &str, status: u16) -> Value {
    json(gateway.post(&format!("/api/games/{game}/events"), &json!({"event": event})), status).await
}

/// A stream of server-sent events.
struct Events {
    response: Response,
    text: String,
    ready: VecDeque<Value>,
}

impl Events {
    async fn of(gateway: &Gateway, game: &str) -> Events {
        let response = gateway.get(&format!("/api/games/{game}/watch")).timeout(PATIENCE * 2).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { response, text: String::new(), ready: VecDeque::new() }
    }

    /// The data of the next event; `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("an event was to come");
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                if let Some(data) = event.strip_prefix("data: ") {
                    self.ready.push_back(serde_json::from_str(data).unwrap());
                }
                self.text = rest.to_owned();
            }
        }
    }
}

#[tokio::test]
async fn a_game_is_made_listed_and_shown() {
    let gateway = start().await;

    let made = json(gateway.post("/api/games", &json!({"game_id": "evening"})), 200).await;
    assert_eq!((&made["game_id"], &made["machine"]), (&json!("evening"), &json!("war-of-the-ring")));

    let game = json(gateway.get("/api/games/evening"), 200).await;
    for key in ["state", "label", "phase", "description", "prompt", "updated_at"] {
        assert!(game[key].is_string(), "{key}: {game}");
    }
    assert!(game["valid_events"].as_array().unwrap().contains(&json!("GAME_OPTIONS_CONFIRMED")), "{game}");
    assert!(game["variables"].is_object() && game["menu"].is_array() && game["watchers"].is_number(), "{game}");
    assert_eq!(game["final"], false);
    let list = json(gateway.get("/api/games"), 200).await;
    assert!(list["games"].as_array().unwrap().iter().any(|game| game["game_id"] == "evening"), "{list}");
    assert_eq!(json(gateway.get("/api/games/none"), 404).await["code"], 6006);
    let metrics = gateway.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("dicetower_games_in_memory 1\n"), "{metrics}");
}

#[tokio::test]
async fn an_accepted_event_moves_the_game_on_and_stands_in_its_history() {
    let _telemetry = service_kit::telemetry::init(&Default::default(), "test").unwrap();
    let gateway = start().await;
    let before = json(gateway.post("/api/games", &json!({"game_id": "one"})), 200).await;
    let trace_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
    let event = gateway.post("/api/games/one/events", &json!({"event": "GAME_OPTIONS_CONFIRMED"}));

    let after = json(event.header("X-Trace-ID", trace_id), 200).await;

    assert_ne!(after["state"], before["state"]);
    assert_eq!(after["prompt"], "🌍 Turn 1 — PHASE 2: the Fellowship");
    assert!(after["menu"].as_array().unwrap().contains(&json!("💍 Corruption: 0/12")), "{after}");
    let history = json(gateway.get("/api/games/one/history"), 200).await;
    let entry = &history["history"][0];
    assert_eq!((&entry["seq"], &entry["event"]), (&json!(1), &json!("GAME_OPTIONS_CONFIRMED")));
    assert_eq!((&entry["from"], &entry["to"]), (&before["state"], &after["state"]));
    assert_eq!((&entry["trace_id"], &entry["cause"]), (&json!(trace_id), &json!("page")));
    assert!(!entry["lines"].as_array().unwrap().is_empty(), "{entry}");
    assert_eq!(history["last_seq"], 1);
    let later = json(gateway.get("/api/games/one/history?after_seq=1"), 200).await;
    assert_eq!(later, json!({"history": [], "last_seq": 1}));
}

#[tokio::test]
async fn a_refused_event_says_why_in_the_words_of_the_line() {
    let gateway = start().await;
    let game = json(gateway.post("/api/games", &json!({"game_id": "one"})), 200).await;
    let state = game["state"].as_str().unwrap();

    let unknown = send(&gateway, "one", "TEST_EVENT", 400).await;
    assert_eq!((&unknown["code"], &unknown["message"]), (&json!(2004), &json!("Unknown event 'TEST_EVENT'")));
    let invalid = send(&gateway, "one", "START_NEXT_TURN", 409).await;
    let text = format!("Invalid state transition from '{state}' via 'START_NEXT_TURN'");
    assert_eq!((&invalid["code"], &invalid["message"]), (&json!(6004), &json!(text)));
    let nothing = json(gateway.post("/api/games/one/events", &json!({})), 400).await;
    assert_eq!(nothing["code"], 5003);
    let list = json!({"event": "PIECE_MOVED", "data": [1]});
    assert_eq!(json(gateway.post("/api/games/one/events", &list), 400).await["code"], 2004);
    assert_eq!(send(&gateway, "none", "PIECE_MOVED", 404).await["code"], 6006);
    assert_eq!(json(gateway.get("/api/games/one"), 200).await["sequence"], 0);
}

#[tokio::test]
async fn who_watches_sees_the_game_at_once_and_on_every_change() {
    let gateway = start().await;
    json(gateway.post("/api/games", &json!({"game_id": "one"})), 200).await;
    let mut events = Events::of(&gateway, "one").await;
    let first = events.next().await.unwrap();
    assert_eq!((&first["game_id"], &first["watchers"]), (&json!("one"), &json!(1)));

    let after = send(&gateway, "one", "GAME_OPTIONS_CONFIRMED", 200).await;

    assert_eq!(events.next().await.unwrap(), after);
    assert_eq!(json(gateway.get("/api/games/none/watch"), 404).await["code"], 6006);
}

#[tokio::test]
async fn a_watch_ends_with_the_server() {
    let mut gateway = start().await;
    json(gateway.post("/api/games", &json!({"game_id": "one"})), 200).await;
    let mut events = Events::of(&gateway, "one").await;
    events.next().await.unwrap();

    gateway.shutdown.cancel();

    assert_eq!(events.next().await, None);
    tokio::time::timeout(Duration::from_secs(5), &mut gateway.served).await.unwrap().unwrap().unwrap();
}
