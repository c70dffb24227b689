//! Readers who do not read: they are told how things stand, then shown the door, and their table does not wait.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::support::{Gateway, PATIENCE, Socket, table_of};

/// Frames that are sent while a reader sleeps: more than the sockets' buffers (some 4 MB) and his queue hold.
const FRAMES: usize = 200;

/// A table whose readers may be so many seconds and events behind, and a narrator at it.
async fn busy(write_timeout: u64, reader_queue: u32) -> (Gateway, Socket) {
    let config = gateway::Config { write_timeout, ..gateway::Config::default() };
    let gateway = table_of(config, orchestrator::Config { reader_queue, ..orchestrator::Config::default() }).await;
    let mut narrator = gateway.socket("evening").await;
    narrator.next_of("system").await;
    narrator.send(json!({"type": "join", "name": "Nora", "seat": "game_master"})).await;
    narrator.next_of("session_info").await;
    narrator.send(json!({"type": "take_over", "on": true})).await;
    (gateway, narrator)
}

/// Narrates at length, until all of it stands in the log and a frame has come that is waited for, if one is.
async fn narrate(narrator: &mut Socket, is_awaited: impl Fn(&Value) -> bool) {
    let text = "\u{1F3B2}".repeat(7900);
    let mut has_come = is_awaited(&json!({}));
    for _ in 0..FRAMES {
        narrator.send(json!({"type": "chat", "message": text})).await;
        // He hears himself, and must not fall behind.
        let frames = narrator.until("narrative").await;
        has_come |= frames.iter().any(&is_awaited);
    }
    while !has_come {
        has_come = is_awaited(&narrator.next().await);
    }
}

type Sleeper = WebSocketStream<tokio::net::TcpStream>;

/// A reader with small buffers, after his greeting.
async fn sleeper(gateway: &Gateway, query: &str) -> Sleeper {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(gateway.address).await.unwrap();
    let url = format!("ws://{}/game/evening{query}", gateway.address);
    let (mut sleeper, _) = client_async(url, stream).await.unwrap();
    assert_eq!(next(&mut sleeper).await.unwrap()["type"], "system");
    sleeper
}

/// The next frame, or the code with which the line was closed.
async fn next(sleeper: &mut Sleeper) -> Result<Value, u16> {
    loop {
        match tokio::time::timeout(6 * PATIENCE, sleeper.next()).await.expect("something was to come") {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
            Some(Ok(_)) => {}
            other => panic!("the line broke: {other:?}"),
        }
    }
}

/// All that comes up to a frame of this type, that one last.
async fn until(sleeper: &mut Sleeper, kind: &str) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        frames.push(next(sleeper).await.unwrap());
        if frames.last().unwrap()["type"] == kind {
            return frames;
        }
    }
}

#[tokio::test]
async fn who_does_not_read_is_told_how_things_stand_and_the_next_time_shown_the_door() {
    let (gateway, mut narrator) = busy(600, 16).await;
    let mut sleeper = sleeper(&gateway, "").await;

    narrate(&mut narrator, |_| true).await;
    let frames = until(&mut sleeper, "snapshot").await;
    let (snapshot, read) = frames.split_last().unwrap();
    let last_read = read.last().unwrap()["seq"].as_u64().unwrap();
    assert_eq!((&snapshot["recovered"], &snapshot["session_id"]), (&json!(false), &json!("evening")));
    assert_eq!(snapshot["missed_after"], last_read, "it says after what something is missing");
    let last = snapshot["last_seq"].as_u64().unwrap();
    assert!(last_read + 1 < last, "{last_read} to {last}");

    // He goes on from there, and can have what he missed.
    narrator.send(json!({"type": "chat", "message": "awake?"})).await;
    let told = until(&mut sleeper, "narrative").await.pop().unwrap();
    assert!(last < told["seq"].as_u64().unwrap() && told["content"] == "awake?", "{told}");

    narrate(&mut narrator, |_| true).await;
    let end = loop {
        match next(&mut sleeper).await {
            Ok(frame) => assert_ne!(frame["type"], "snapshot"),
            Err(code) => break code,
        }
    };
    assert_eq!(end, 1008);
}

#[tokio::test]
async fn who_knows_only_the_documented_frames_is_told_in_those() {
    let (gateway, mut narrator) = busy(600, 16).await;
    let mut sleeper = sleeper(&gateway, "?telemetry=0").await;

    narrate(&mut narrator, |_| true).await;

    let frames = until(&mut sleeper, "session_info").await;
    let told = &frames[frames.len() - 2];
    assert!(told["type"] == "system" && told["content"].as_str().unwrap().contains("left out"), "{told}");
}

#[tokio::test]
async fn who_takes_no_frame_in_time_is_shown_the_door() {
    let (gateway, mut narrator) = busy(1, 1024).await;
    let mut sleeper = sleeper(&gateway, "").await;
    sleeper.send(Message::text(json!({"type": "join", "name": "Sloth"}).to_string())).await.unwrap();

    narrate(&mut narrator, |frame| frame["present"] == false && frame["name"] == "Sloth").await;

    let end = loop {
        match tokio::time::timeout(PATIENCE, sleeper.next()).await.expect("the line ends") {
            Some(Ok(Message::Text(_))) => {}
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
            // Our word waits no longer than a frame.
            Some(Ok(_)) | Some(Err(_)) | None => break None,
        }
    };
    assert!(end.is_none_or(|code| code == 1008), "{end:?}");
}
