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
    carl.send(json!({"type": "chat", "message": "Hello"})).await;
    assert_eq!(carl.next_of("error").await["code"], 6002);
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
