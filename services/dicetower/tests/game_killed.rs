//! The binary killed without a word in the middle of a game, again and again: the same state, the same timers, nothing
//! lost that was answered, nothing there twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::{Value, json};
use support::{Tower, http, start_with};
use tempfile::tempdir;
use tokio::sync::watch;

/// A machine with a timer that fires once, and one that fires again and again.
const MACHINE: &str = "
machine: pendulum
initial: CLOCK
grace: never
library:
  variables: { SWINGS: 0, TICKS: 0, CHIMES: 0 }
  events:
    SWING: [{ set: { SWINGS: SWINGS + 1 } }]
states:
  CLOCK:
    initial: LEFT
    entry:
      - { send: { event: CHIME, after: '2' } }
      - { send: { event: TICK, after: '0.1' } }
    on:
      - { event: CHIME, do: [{ set: { CHIMES: CHIMES + 1 } }] }
      - { event: TICK, do: [{ set: { TICKS: TICKS + 1 } }, { send: { event: TICK, after: '0.1' } }] }
    states:
      LEFT: { on: [{ event: SWING, target: RIGHT }] }
      RIGHT: { on: [{ event: SWING, target: LEFT }] }
";
const GAME: &str = "swing";
/// Swings that are answered before a kill at most; one more is under way then.
const MAX_SWINGS: u64 = 13;
/// Time from one tick to the next at least: each sets the timer for the next.
const SHORTEST_MS: u64 = 100;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

async fn call(url: &str, tool: &str, body: Value) -> Value {
    let answer = http().post(format!("{url}/api/tools/{tool}")).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{tool}: {:?}", answer.text().await);
    answer.json().await.unwrap()
}

async fn game(tower: &Tower) -> Value {
    call(&tower.http, "get_game", json!({"game_id": GAME})).await["game"].clone()
}

/// Sends a swing under a key; `false` if the process is gone.
async fn swing(url: &str, number: u64) -> bool {
    let request =
        http().post(format!("{url}/api/tools/send_event")).header("Idempotency-Key", format!("swing-{number}"));
    match request.json(&json!({"game_id": GAME, "event": "SWING"})).send().await {
        Ok(answer) => answer.status().is_success(),
        Err(_) => false,
    }
}

/// Swings on end until the process is gone, and tells after each how many were answered. Answers with the last.
async fn swing_on(url: String, mut answered: u64, tell: watch::Sender<u64>) -> u64 {
    while swing(&url, answered + 1).await {
        answered += 1;
        tell.send_replace(answered);
    }
    answered
}

async fn log(tower: &Tower) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    loop {
        let body = json!({"game_id": GAME, "after_sequence": entries.len(), "limit": 500});
        let page = call(&tower.http, "list_game_history", body).await;
        entries.extend(page["entries"].as_array().cloned().unwrap_or_default());
        if page["more"] != json!(true) {
            return entries;
        }
    }
}

/// When an entry was made, in milliseconds of its day.
fn at(entry: &Value) -> u64 {
    let text = entry["timestamp"].as_str().unwrap();
    let part = |from: usize, length: usize| text[from..from + length].parse::<u64>().unwrap();
    ((part(11, 2) * 60 + part(14, 2)) * 60 + part(17, 2)) * 1_000 + part(20, 3)
}

#[tokio::test]
async fn a_game_survives_a_kill_at_any_point_with_its_timers_and_nothing_twice() {
    let points = if std::env::var_os("DICETOWER_DEEP").is_some() { 1_000 } else { 20 };
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("pendulum.yaml"), MACHINE).unwrap();
    let args = ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--machine", "pendulum.yaml"];
    let mut tower = start_with(&folder, &args).await;
    call(&tower.http, "create_game", json!({"game_id": GAME})).await;

    let mut sent = 0;
    for point in 0..points {
        let (tell, mut told) = watch::channel(sent);
        let swings = tokio::spawn(swing_on(tower.http.clone(), sent, tell));
        let enough = sent + point * 7 % MAX_SWINGS;
        told.wait_for(|answered| enough <= *answered).await.unwrap();
        tower.kill().await;
        let answered = swings.await.unwrap();

        tower = start_with(&folder, &args).await;
        // The one that was under way is sent again under its key: it counts once, whether it was written or not.
        assert!(swing(&tower.http, answered + 1).await, "kill {point}");
        sent = answered + 1;
        let game = game(&tower).await;
        assert_eq!(
            game["variables"]["SWINGS"],
            json!(sent),
            "kill {point}: every answered swing is there, and none twice"
        );
        assert_eq!(game["state"], json!(if sent % 2 == 0 { "LEFT" } else { "RIGHT" }), "kill {point}");
    }

    let ticks = |game: &Value| game["variables"]["TICKS"].as_u64().unwrap();
    // However many processes have died meanwhile: what was due once comes, and once.
    while !log(&tower).await.iter().any(|entry| entry["event"] == "CHIME") {
        assert!(swing(&tower.http, sent + 1).await);
        sent += 1;
    }
    let before = ticks(&game(&tower).await);
    let entries = log(&tower).await;
    let after = ticks(&game(&tower).await);
    let numbers: Vec<u64> = entries.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "without a gap");
    let count = |event: &str| entries.iter().filter(|entry| entry["event"] == event).count() as u64;
    assert_eq!(count("SWING"), sent);
    assert!((before..=after).contains(&count("TICK")), "{before}, {}, {after}: one entry for each", count("TICK"));
    assert!(0 < before, "the timer went on after each start");
    assert_eq!(count("CHIME"), 1);
    let times: Vec<u64> = entries.iter().filter(|entry| entry["event"] == "TICK").map(at).collect();
    for pair in times.windows(2) {
        let apart = (pair[1] + DAY_MS - pair[0]) % DAY_MS;
        assert!(SHORTEST_MS <= apart, "two ticks are {apart} ms apart: there is more than one timer");
    }
}
