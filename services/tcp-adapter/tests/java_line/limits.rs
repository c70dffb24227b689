//! What a stranger cannot do to the server, and what an idle friend costs it.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Client, Server, states};

#[tokio::test]
async fn a_reader_that_falls_behind_is_closed_and_the_others_play_on() {
    let server = Server::start().await;
    let mut player = server.client().await;
    let mut sleeper = server.client().await;

    // It writes and never reads; each line of two bytes is answered with twenty-one.
    let lines = b"x\n".repeat(32 * 1024);
    let closed = loop {
        if let Err(error) = sleeper.stream.get_mut().write_all(&lines).await {
            break error;
        }
    };

    assert!(matches!(closed.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe));
    assert_eq!(states(&player.answers("EVENT:TOGGLE_LOME").await), ["SETUP_GAME_OPTIONS"]);
}

#[tokio::test]
async fn a_line_without_an_end_is_told_of_once_however_long_it_grows() {
    let (_server, mut client) = Server::alone().await;
    for _ in 0..64 {
        client.send_bytes(&[b'x'; 64 * 1024]).await;
    }
    assert_eq!(client.line().await, "ERROR: Line too long");
    assert_eq!(client.answers("").await, Vec::<String>::new());
    assert_eq!(states(&client.answers("EVENT:TOGGLE_LOME").await), ["SETUP_GAME_OPTIONS"]);
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_closed() {
    let config = tcp_adapter::Config { tcp_connections_per_address: 1, ..tcp_adapter::Config::default() };
    let server = Server::configured(tempfile::tempdir().unwrap(), &[], config).await;
    let first = server.client().await;

    let mut second = Client::connect(server.address).await;
    assert_eq!(second.line().await, "ERROR: Busy");
    assert!(second.is_closed().await);

    drop(first);
    // Its place is free as soon as the server has seen it go.
    loop {
        let mut again = Client::connect(server.address).await;
        if again.line().await != "ERROR: Busy" {
            break;
        }
    }
}

#[tokio::test]
async fn a_scanner_is_answered_and_harms_nothing() {
    let (server, _client) = Server::alone().await;
    let mut scanner = Client::connect(server.address).await;
    scanner.send_bytes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01\x00\xa5").await;
    scanner.stream.get_mut().shutdown().await.unwrap();
    let mut all = String::new();
    scanner.stream.read_to_string(&mut all).await.unwrap();
    assert_eq!(all.lines().filter(|line| *line == "ERROR: Not a command").count(), 2);
}

#[tokio::test]
async fn answers_are_not_held_back() {
    let (_server, mut client) = Server::alone().await;
    let mut quickest = Duration::MAX;
    for _ in 0..50 {
        let begun = Instant::now();
        client.send("EVENT:TOGGLE_LOME").await;
        client.until(|line| line.starts_with("<valid_events>")).await;
        quickest = quickest.min(begun.elapsed());
    }
    // Two small writes would wait for a delayed acknowledgement, 40 ms every time; a busy machine is slow only at times.
    assert!(quickest < Duration::from_millis(20), "{quickest:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_connection_costs_little_memory() {
    const CONNECTIONS: usize = 400;
    const BYTES_EACH: usize = 20 * 1024;
    let server = Server::start().await;
    // What the first ones bring with them is no cost of the later ones.
    let mut idle = Vec::new();
    for _ in 0..50 {
        idle.push(server.client().await);
    }
    let before = resident_bytes();
    for _ in 0..CONNECTIONS {
        idle.push(server.client().await);
    }
    let each = resident_bytes().saturating_sub(before) / CONNECTIONS;
    // A client here has a buffer of 8 KiB of its own.
    assert!(each <= BYTES_EACH + 8 * 1024, "{each} bytes for each connection");
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn a_thousand_events_in_one_write_are_answered_in_order() {
    let (_server, mut client) = Server::alone().await;
    let events: String = (0..1000).map(|number| format!("EVENT:X{number}\n")).collect();
    client.send_bytes(events.as_bytes()).await;
    for number in 0..1000 {
        assert_eq!(client.line().await, format!("ERROR: Unknown event 'X{number}'"));
    }
    let lines = client.answers(&["EVENT:TOGGLE_LOME"; 300].join("\n")).await;
    assert_eq!(states(&lines).len(), 300);
}

/// Events of every kind, accepted ones and refused ones, with other lines between them.
const MIXED: &[&str] = &[
    "EVENT:TOGGLE_LOME",
    "EVENT:PIECE_MOVED {\"piece_id\": 1}",
    "EVENT:FP_PASSES",
    "EVENT:TOGGLE_WOME {\"a\":",
    "EVENT:NOBODY_KNOWS_IT",
    "",
    "EVENT:TOGGLE_WOME",
    "nonsense",
    "EVENT:",
    "EVENT:GAME_OPTIONS_CONFIRMED {\"facts\": {\"fp_hand_size\": 3}}",
    "EVENT:TOGGLE_LOME",
    "EVENT:FP_CHANGE_GUIDE",
    "EVENT:GUIDE_SELECTED {\"guide\": \"Pippin\"}",
    "EVENT:GUIDE_SELECTED {\"guide\": \"Strider\", \"trace_id\": \"0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b\"}",
    "EVENT:FP_FELLOWSHIP_DECISIONS_READY",
    "EVENT:PIECE_MOVED",
];

#[tokio::test]
async fn events_that_come_together_are_answered_as_if_each_had_come_alone() {
    let (_server, mut one_by_one) = Server::alone().await;
    let (_other, mut together) = Server::alone().await;
    let mut expected = Vec::new();
    for line in MIXED {
        expected.extend(one_by_one.answers(line).await);
    }

    let lines = together.answers(&MIXED.join("\n")).await;

    assert_eq!(lines, expected);
    assert_eq!(states(&lines).last(), Some(&"PHASE_3_HUNT_ALLOCATION_START"));
}

#[tokio::test]
async fn others_hear_of_events_that_come_together_in_the_same_order() {
    let (server, mut host) = Server::alone().await;
    let mut other = server.client().await;
    let told = host.answers(&["EVENT:TOGGLE_LOME"; 100].join("\n")).await;
    assert_eq!(states(&told).len(), 100);
    let mut heard = Vec::new();
    while states(&heard).len() < 100 {
        heard.push(other.line().await);
    }
    let expansions =
        |lines: &[String]| lines.iter().filter(|line| line.starts_with("<auto> 📦")).cloned().collect::<Vec<_>>();
    assert_eq!(expansions(&heard)[..99], expansions(&told)[..99]);
    assert_ne!(expansions(&told)[0], expansions(&told)[1], "each toggles what the one before has left");
}

#[tokio::test]
async fn a_client_that_only_half_closes_is_answered_and_then_let_go() {
    let (server, mut client) = Server::alone().await;
    client.send_bytes(b"EVENT:TOGGLE_LOME\n").await;
    client.stream.get_mut().shutdown().await.unwrap();
    let mut all = String::new();
    client.stream.read_to_string(&mut all).await.unwrap();
    assert!(all.contains("<state> SETUP_GAME_OPTIONS"));
    // Its place as the host is free: it is no ghost.
    let mut next = server.client().await;
    assert_eq!(states(&next.answers("EVENT:TOGGLE_LOME").await), ["SETUP_GAME_OPTIONS"]);
}

#[tokio::test]
async fn ten_thousand_idle_connections_harm_nobody() {
    // Each takes two files here, for both ends are in this process.
    let many = if std::env::var_os("DICETOWER_DEEP").is_some() { 9_000 } else { 500 };
    let server = Server::start().await;
    let mut player = server.client().await;
    let mut idle = Vec::new();
    for _ in 0..many {
        idle.push(Client::connect(server.address).await);
    }
    for client in &mut idle {
        client.greeting().await;
    }
    assert_eq!(states(&player.answers("EVENT:TOGGLE_LOME").await), ["SETUP_GAME_OPTIONS"]);
    for client in &mut idle {
        assert_eq!(states(&client.greeting().await), ["SETUP_GAME_OPTIONS"]);
    }
}
