//! How often they try.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, select_all};
use gateway::{Config, RateConfig};
use serde_json::{Value, json};
use service_kit::auth::Role;

use super::{raw, roll, socket_from, status, with};
use crate::{
    guarded::{grant, guarded_with},
    support::{Gateway, Socket, header, table},
};

fn rates(rates: RateConfig) -> Config {
    Config { rates, ..Config::default() }
}

#[tokio::test]
async fn too_many_requests_of_one_address_are_told_to_wait() {
    let gateway = table(rates(RateConfig { rate_requests: Some(2), ..RateConfig::default() })).await;
    let mut refused = None;
    for _ in 0..30 {
        let response = gateway.get("/api/tools").send().await.unwrap();
        if response.status().as_u16() == 429 {
            refused = Some(response);
        }
    }
    let response = refused.expect("a limit");
    assert!(!header(&response, "retry-after").is_empty());
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["code"], 6003);
    assert_eq!(status(gateway.get("/health/live")).await, 200, "probes are not counted");
}

/// Asks until it is told to wait, in the name of this address; answers whether another address is told to wait as well.
async fn is_counted_together(gateway: &Gateway) -> bool {
    let ask = |client: &str| {
        let request = gateway.get("/api/tools").header("x-forwarded-for", format!("203.0.113.1, {client}"));
        async { status(request).await }
    };
    for _ in 0..1000 {
        if ask("192.0.2.1").await == 429 {
            return ask("192.0.2.2").await == 429;
        }
    }
    panic!("no limit")
}

#[tokio::test]
async fn who_says_that_he_speaks_for_others_is_not_believed() {
    let rate_requests = RateConfig { rate_requests: Some(1), ..RateConfig::default() };
    assert!(is_counted_together(&table(rates(rate_requests)).await).await);
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_each_of_its_clients() {
    let rate_requests = RateConfig { rate_requests: Some(1), ..RateConfig::default() };
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let gateway = table(Config { trusted_proxies, ..rates(rate_requests) }).await;
    assert!(!is_counted_together(&gateway).await);
}

#[tokio::test]
async fn whoever_sends_too_many_frames_is_told_once_and_waits() {
    let gateway = table(rates(RateConfig { rate_frames: Some(1), ..RateConfig::default() })).await;
    let mut socket = gateway.socket("evening").await;
    socket.next_of("system").await;
    let begun = Instant::now();
    for _ in 0..400 {
        socket.send(json!({"type": "ping"})).await;
    }
    // A burst of four is let through, the fifth is refused, and the sixth is not read before its time.
    for expected in ["pong", "pong", "pong", "pong", "error", "pong"] {
        let frame = socket.next().await;
        assert_eq!(frame["type"], expected, "{frame}");
    }
    assert!(Duration::from_millis(990) <= begun.elapsed());
    // Others are served all the same.
    let mut other = gateway.socket("evening").await;
    other.next_of("system").await;
    other.send(json!({"type": "ping"})).await;
    other.next_of("pong").await;
}

#[tokio::test]
async fn frames_that_are_no_text_count_like_others() {
    let gateway = table(rates(RateConfig { rate_frames: Some(1), ..RateConfig::default() })).await;
    let mut socket = gateway.socket("evening").await;
    socket.next_of("system").await;
    for _ in 0..5 {
        socket.send_binary(&[0xff]).await;
    }
    for _ in 0..4 {
        assert_ne!(socket.next_of("error").await["code"], 6003);
    }
    assert_eq!(socket.next_of("error").await["code"], 6003);
}

/// What the first of several people is told who is refused when each of them sends this.
async fn first_refusal(mut sockets: Vec<Socket>, frame: Value) -> String {
    for socket in &mut sockets {
        socket.send(frame.clone()).await;
    }
    let refusals = sockets.iter_mut().map(|socket| Box::pin(socket.next_of("error")));
    select_all(refusals).await.0["content"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn too_many_turns_of_one_without_a_token_are_refused_at_whichever_table() {
    let gateway = table(rates(RateConfig { rate_turns: Some(1), ..RateConfig::default() })).await;
    let mut sockets = Vec::new();
    for number in 0..20 {
        sockets.push(gateway.socket(&format!("evening-{number}")).await);
    }
    let refusal = first_refusal(sockets, json!({"type": "chat", "message": "hello"})).await;
    assert!(refusal.starts_with("too many turns of your address: 1 a second"), "{refusal}");
}

#[tokio::test]
async fn too_many_turns_at_one_table_are_refused_whoever_asks_from_wherever() {
    let rates = RateConfig { rate_turns: Some(1), rate_people: NonZeroU32::new(1), ..RateConfig::default() };
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let guarded = guarded_with(Config { trusted_proxies, rates, ..Config::default() }).await;
    let mut sockets = Vec::new();
    for number in 1..=20 {
        let token = guarded.token(grant(&format!("Anna {number}"), Role::Player)).await;
        sockets.push(socket_from(&guarded, "evening", &token, &format!("192.0.2.{number}")).await.unwrap());
    }
    let refusal = first_refusal(sockets, json!({"type": "chat", "message": "hello"})).await;
    assert!(refusal.starts_with("too many turns of this table: 1 a second"), "{refusal}");
}

#[tokio::test]
async fn too_many_frames_of_one_address_are_refused_on_whichever_connection() {
    let rates = RateConfig { rate_frames: Some(1), rate_people: NonZeroU32::new(1), ..RateConfig::default() };
    let gateway = table(Config { rates, ..Config::default() }).await;
    let mut sockets = Vec::new();
    for number in 0..20 {
        sockets.push(gateway.socket(&format!("evening-{number}")).await);
    }
    let refusal = first_refusal(sockets, json!({"type": "ping"})).await;
    assert!(refusal.starts_with("too many frames of your address: 1 a second"), "{refusal}");
}

#[tokio::test]
async fn who_is_turned_away_too_often_is_told_to_wait() {
    let rates = RateConfig { rate_requests: Some(1), ..RateConfig::default() };
    let guarded = guarded_with(Config { rates, ..Config::default() }).await;
    let guesses = (0..20).map(|_| status(with(guarded.gateway.get("/api/tools"), "guessed")));
    let codes = join_all(guesses).await;
    assert!(codes.contains(&401) && codes.contains(&429), "{codes:?}");
    // Who has a token is not held up by one who guesses at the same address.
    assert_eq!(status(with(guarded.gateway.get("/api/tools"), &guarded.player)).await, 200);
}

#[tokio::test]
async fn too_many_rolls_at_one_table_are_refused() {
    let gateway = table(rates(RateConfig { rate_rolls: Some(1), ..RateConfig::default() })).await;
    let mut codes = Vec::new();
    for _ in 0..10 {
        codes.push(status(gateway.post("/api/tools/roll_dice", &roll()).header("X-Session-ID", "evening")).await);
    }
    assert!(codes.contains(&200) && codes.contains(&429), "{codes:?}");
}

#[tokio::test]
async fn an_address_holds_only_so_many_connections() {
    let gateway = table(Config { connections_per_address: 3, ..Config::default() }).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(tokio::net::TcpStream::connect(gateway.address).await.unwrap());
    }
    let answer = raw(&gateway, b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert_eq!(answer, "");
}
