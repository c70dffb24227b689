//! What they send: bombs, tricks with names and paths, broken HTTP.

use gateway::Config;
use serde_json::json;

use super::{raw, refused, seated, status, with};
use crate::{
    guarded::guarded,
    support::{PATIENCE, header, json, table},
};

#[tokio::test]
async fn json_ten_thousand_deep_is_refused() {
    let gateway = table(Config::default()).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [deep.clone(), format!("{{\"pool\":{deep}}}"), "{\"a\":".repeat(10_000)] {
        let request = gateway.request("POST", "/api/tools/roll_dice").body(body);
        assert_eq!(status(request).await, 400);
    }
    let mut socket = gateway.socket("evening").await;
    socket.next_of("system").await;
    socket.send_text(&deep).await;
    assert_eq!(socket.next_of("error").await["code"], 2004);
}

#[tokio::test]
async fn numbers_at_and_beyond_every_limit_are_answered() {
    let gateway = table(Config::default()).await;
    for pool in ["-1", "0", "101", "4294967296", "1e999", "-1e999", "1.5", "9999999999999999999999", "\"NaN\"", "true"]
    {
        let body = format!("{{\"pool\":{pool},\"target_number\":4}}");
        let status = status(gateway.request("POST", "/api/tools/roll_dice").body(body)).await;
        assert_eq!(status, 400, "{pool}");
    }
}

#[tokio::test]
async fn dice_and_expression_bombs_are_refused_at_once() {
    let gateway = table(Config::default()).await;
    let nested = format!("{}1d6{}", "(".repeat(5000), ")".repeat(5000));
    for notation in ["999999999d999999999", "1000000d6!", "9x9x9x9x9x1d6", &nested, &"1d6+".repeat(50_000)] {
        let begun = std::time::Instant::now();
        let request = gateway.post("/api/tools/roll_dice", &json!({"notation": notation}));
        assert_eq!(status(request).await, 400, "{:.40}", notation);
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[tokio::test]
async fn sql_in_every_text_is_only_text() {
    let gateway = table(Config::default()).await;
    for text in ["'; DROP TABLE sessions; --", "\" OR \"\"=\"", "1); DELETE FROM rolls; --", "$1", "%", "\\'"] {
        let path = format!("/api/character/{}", text.replace('%', "%25").replace('"', "%22").replace(' ', "%20"));
        assert!([400, 404].contains(&status(gateway.get(&path)).await), "{text}");
        for tool in ["get_character", "get_skills", "query_shadowrun"] {
            let body = json!({"character_name": text, "query": text});
            assert!(status(gateway.post(&format!("/api/tools/{tool}"), &body)).await < 500, "{tool} {text}");
        }
    }
    assert_eq!(status(gateway.get("/api/sessions")).await, 200);
    assert_eq!(json(gateway.get("/api/characters"), 200).await["characters"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn tricks_with_paths_reach_no_file() {
    let gateway = table(Config::default()).await;
    for path in [
        "/ui/../lib.rs",
        "/ui/%2e%2e/%2e%2e/Cargo.toml",
        "/ui/..%2f..%2fCargo.toml",
        "/ui//etc/passwd",
        "/docs/..%2fsrc%2flib.rs",
        "/static/../../etc/passwd",
        "/api/character/..%2f..%2fetc%2fpasswd",
        "/api/sessions/..%2f..%2fevents",
        "/ui/app.js%00.html",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let answer = raw(&gateway, request.as_bytes()).await;
        let code: u16 = answer.split(' ').nth(1).unwrap_or("0").parse().unwrap_or(0);
        assert!((400..500).contains(&code), "{path}: {answer:.200}");
        assert!(!answer.contains("root:") && !answer.contains("[package]"), "{path}");
    }
}

#[tokio::test]
async fn names_of_sessions_are_checked_wherever_they_come() {
    let gateway = table(Config::default()).await;
    let long = "a".repeat(129);
    for id in ["", "a b", "a\nb", "a\u{0}b", "../etc", "a/b", "<b>", "\u{1F3B2}", &long] {
        let body = json!({"session_id": id});
        assert_eq!(status(gateway.post("/api/sessions", &body)).await, 400, "{id:?}");
    }
}

#[tokio::test]
async fn a_newline_in_a_header_or_a_name_makes_no_second_line() {
    let gateway = table(Config::default()).await;
    let request =
        b"GET /api/tools HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Trace-ID: a\nX-Injected: b\r\nConnection: close\r\n\r\n";
    let answer = raw(&gateway, request).await.to_lowercase();
    assert!(!answer.contains("x-injected"), "{answer:.300}");
    let name = "Ra\r\nSet-Cookie: a=b\r\nzor";
    let answer = gateway.post("/api/tools/get_character", &json!({"character_name": name})).send().await.unwrap();
    assert!(answer.headers().get("set-cookie").is_none());
    assert!((400..500).contains(&answer.status().as_u16()));
}

#[tokio::test]
async fn markup_in_a_message_comes_back_as_text_in_json() {
    let gateway = table(Config::default()).await;
    let mut one = gateway.socket("evening").await;
    let mut other = gateway.socket("evening").await;
    other.next_of("system").await;
    let text = "<script>alert(1)</script><img src=x onerror=alert(1)>";
    one.next_of("system").await;
    one.send(json!({"type": "chat", "message": text})).await;
    let heard = other.next_of("player_message").await;
    assert_eq!(heard["message"], text);
    let response = gateway.get("/api/sessions/evening/events").send().await.unwrap();
    assert_eq!(header(&response, "content-type"), "application/json");
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let gateway = table(Config::default()).await;
    let request = gateway.request("POST", "/api/tools/roll_dice").header("Content-Encoding", "gzip");
    assert_eq!(status(request.body(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0])).await, 400);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_whatever_it_says_of_its_length() {
    let gateway = table(Config { body_limit: 1000, ..Config::default() }).await;
    let chunk = format!("{:x}\r\n{}\r\n", 600, "a".repeat(600));
    let head = "POST /api/tools/roll_dice HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let request = format!("{head}{chunk}{chunk}0\r\n\r\n");
    assert!(raw(&gateway, request.as_bytes()).await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let gateway = table(Config::default()).await;
    let many: String = (0..2000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "a".repeat(200_000));
    for headers in [many, large] {
        let request = format!("GET /api/tools HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Connection: close\r\n\r\n");
        let answer = raw(&gateway, request.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{answer:.200}");
    }
    assert_eq!(status(gateway.get("/health/live")).await, 200);
}

#[tokio::test]
async fn two_lengths_in_one_request_are_refused() {
    let gateway = table(Config::default()).await;
    for lengths in
        ["Content-Length: 2\r\nContent-Length: 40\r\n", "Content-Length: -1\r\n", "Content-Length: 2, 40\r\n"]
    {
        let request = format!(
            "POST /api/tools/roll_dice HTTP/1.1\r\nHost: 127.0.0.1\r\n{lengths}Connection: close\r\n\r\n{{}}GET /traces HTTP/1.1\r\n\r\n"
        );
        let answer = raw(&gateway, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{lengths}: {answer:.100}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{lengths}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_not_answered_as_if_it_were() {
    let gateway = table(Config::default()).await;
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"EVENT:GAME\r\n\r\n", b"\x00\x00\x00\r\n\r\n", b"GET\r\n\r\n"]
    {
        let answer = raw(&gateway, bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer:.100}");
    }
    assert_eq!(status(gateway.get("/health/live")).await, 200);
}

#[tokio::test]
async fn a_resume_with_a_wrong_place_changes_nothing_however_often_it_is_tried() {
    let gateway = table(Config::default()).await;
    let mut socket = gateway.socket("evening").await;
    socket.next_of("system").await;
    let tries = if std::env::var_os("DICETOWER_DEEP").is_some() { 10_000 } else { 300 };
    for n in 0..tries {
        let place = match n % 4 {
            0 => json!(-1),
            1 => json!("x"),
            2 => json!(1.5),
            _ => json!(null),
        };
        socket.send(json!({"type": "resume", "after_seq": place})).await;
        assert!([2004, 5003].contains(&socket.next_of("error").await["code"].as_u64().unwrap()));
    }
    let events = json(gateway.get("/api/sessions/evening/events"), 200).await;
    assert_eq!(events["last_seq"], 0, "{events}");
}

#[tokio::test]
async fn a_wrong_token_tried_again_and_again_changes_nothing() {
    let guarded = guarded().await;
    let mut socket = seated(&guarded, "evening", &guarded.player).await;
    let tries = if std::env::var_os("DICETOWER_DEEP").is_some() { 10_000 } else { 100 };
    for n in 0..tries {
        refused(&mut socket, json!({"type": "join", "name": "x", "token": format!("dt_{n:064x}")}), 6001).await;
    }
    socket.send(json!({"type": "get_session_info"})).await;
    assert_eq!(socket.next_of("session_info").await["session_id"], "evening");
    assert_eq!(status(with(guarded.gateway.get("/api/tools"), &guarded.player)).await, 200);
}
