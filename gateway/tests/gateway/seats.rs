//! Several people at one table, over their sockets.

use gateway::Config;
use serde_json::{Value, json};

use crate::support::{Gateway, Socket, json, table};

/// A socket of somebody who has joined.
async fn joined(gateway: &Gateway, name: &str, seat: &str) -> Socket {
    let mut socket = gateway.socket("t").await;
    assert_eq!(socket.next().await["type"], "system");
    socket.send(json!({"type": "join", "name": name, "seat": seat})).await;
    let presence = socket.next().await;
    assert_eq!(
        (&presence["type"], &presence["name"], &presence["present"]),
        (&json!("presence"), &json!(name), &json!(true))
    );
    assert_eq!(socket.next().await["type"], "session_info");
    socket
}

#[tokio::test]
async fn whoever_joins_without_telemetry_misses_nothing_else() {
    let gateway = table(Config::default()).await;
    let mut anna = gateway.socket("t?telemetry=0").await;
    anna.send(json!({"type": "join", "name": "Anna"})).await;
    anna.next_of("presence").await;
    let mut bert = joined(&gateway, "Bert", "player").await;
    bert.send(json!({"type": "whisper", "to": "Anna", "message": "psst"})).await;
    assert_eq!(anna.next_of("whisper").await["message"], "psst");

    bert.send(json!({"type": "chat", "message": "Roll 8 dice against a target number of 5"})).await;
    let heard = anna.until("complete").await;

    let kinds: Vec<&str> = heard.iter().filter_map(|frame| frame["type"].as_str()).collect();
    assert!(kinds.contains(&"player_message") && kinds.contains(&"tool_call"), "{kinds:?}");
    assert!(!kinds.contains(&"telemetry"), "{kinds:?}");
    let mut again = gateway.socket("t?telemetry=0&after_seq=0").await;
    assert_eq!(again.next_of("resumed").await["recovered"], true);
}

#[tokio::test]
async fn a_session_that_is_deleted_is_not_come_back_to() {
    let gateway = table(Config::default()).await;
    let mut anna = joined(&gateway, "Anna", "player").await;

    json(gateway.post("/api/tools/delete_session", &json!({"session_id": "t"})), 200).await;

    let farewell = anna.farewell().await.unwrap();
    assert_eq!((u16::from(farewell.code), farewell.reason.as_str()), (1000, "the session was deleted"));
}

#[tokio::test]
async fn people_come_whisper_and_go() {
    let gateway = table(Config::default()).await;
    let mut anna = joined(&gateway, "Anna", "player").await;
    let mut bert = joined(&gateway, "Bert", "player").await;
    let mut carl = joined(&gateway, "Carl", "spectator").await;

    anna.send(json!({"type": "whisper", "to": "bert", "message": "psst"})).await;
    let heard = bert.next_of("whisper").await;
    drop(bert);

    assert_eq!((&heard["from"], &heard["to"], &heard["message"]), (&json!("Anna"), &json!("Bert"), &json!("psst")));
    let gone = carl.next().await;
    assert_eq!((&gone["name"], &gone["present"]), (&json!("Bert"), &json!(false)), "a whisper is not for all: {gone}");
    let deeds = [
        json!({"type": "chat", "message": "Hello"}),
        json!({"type": "cancel"}),
        json!({"type": "add_character", "character": "Oak"}),
        json!({"type": "remove_character", "character": "Oak"}),
    ];
    for deed in deeds {
        carl.send(deed.clone()).await;
        assert_eq!(carl.next_of("error").await["code"], 6002, "{deed}");
    }
}

#[tokio::test]
async fn the_game_masters_seat_rules_on_a_roll_and_narrates() {
    let gateway = table(Config::default()).await;
    let mut anna = joined(&gateway, "Anna", "player").await;
    let mut gerd = joined(&gateway, "Gerd", "gm").await;
    let arguments = json!({"pool": 3, "target_number": 4});
    let rolled = json(gateway.post("/api/tools/roll_dice", &arguments).header("x-session-id", "t"), 200).await;
    let ruling = json!({"type": "override", "roll_id": rolled["roll_id"], "result": 2, "reason": "a cocked die"});

    anna.send(ruling.clone()).await;
    assert_eq!(anna.next_of("error").await["code"], 6002);
    gerd.send(ruling).await;
    let told = anna.next_of("roll_overridden").await;
    assert_eq!((&told["by"], &told["result"]), (&json!("Gerd"), &json!("2")));

    gerd.send(json!({"type": "take_over", "on": true})).await;
    gerd.next_of("taken_over").await;
    gerd.send(json!({"type": "chat", "message": "The door opens."})).await;
    let frames = anna.until("complete").await;
    let story: Vec<&Value> = frames.iter().filter(|frame| frame["type"] == "narrative").collect();
    assert_eq!(story[0]["content"], "The door opens.");
}
