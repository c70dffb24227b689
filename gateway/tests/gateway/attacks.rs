//! What strangers and players try at the door, each attempt a test: it is refused, it is told in the form of every
//! error, and it changes nothing.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use futures_util::future::{join_all, select_all};
use gateway::{Config, RateConfig};
use http::header::AUTHORIZATION;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use service_kit::auth::{Grant, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};

use crate::{
    guarded::{Guarded, grant, guarded, guarded_with},
    support::{Gateway, PATIENCE, Socket, header, json, table},
};

fn with(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.header(AUTHORIZATION, format!("Bearer {token}"))
}

fn roll() -> Value {
    json!({"pool": 4, "target_number": 4})
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// A socket that shows its token as a browser does.
async fn socket(guarded: &Guarded, path: &str, token: &str) -> Result<Socket, u16> {
    socket_from(guarded, path, token, "192.0.2.1").await
}

/// The same behind a proxy, which says that it comes from this address.
async fn socket_from(guarded: &Guarded, path: &str, token: &str, address: &str) -> Result<Socket, u16> {
    let mut request = format!("ws://{}/game/{path}", guarded.gateway.address).into_client_request().unwrap();
    let protocols = format!("dicetower, bearer.{token}");
    request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
    match connect_async(request).await {
        Ok((socket, _)) => Ok(Socket(socket)),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// A socket after its greeting.
async fn seated(guarded: &Guarded, path: &str, token: &str) -> Socket {
    let mut socket = socket(guarded, path, token).await.unwrap();
    socket.next_of("system").await;
    socket
}

async fn refused(socket: &mut Socket, frame: Value, code: u32) -> Value {
    socket.send(frame).await;
    let error = socket.next_of("error").await;
    assert_eq!(error["code"], code, "{error}");
    error
}

/// What a raw request is answered, up to the end of the line.
async fn raw(gateway: &Gateway, request: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

// Who is there.

#[tokio::test]
async fn without_a_token_nothing_but_the_page_and_the_documents_is_shown() {
    let guarded = guarded().await;
    for path in ["/", "/ui/app.js", "/docs", "/openapi.json", "/asyncapi.json", "/health/live"] {
        assert_eq!(status(guarded.gateway.get(path)).await, 200, "{path}");
    }
    for path in ["/api/characters", "/api/sessions", "/api/tools", "/api/games", "/traces", "/metrics", "/mcp"] {
        let response = guarded.gateway.get(path).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 401, "{path}");
        assert_eq!(header(&response, "www-authenticate"), "Bearer", "{path}");
    }
}

#[tokio::test]
async fn a_made_up_token_is_refused() {
    let guarded = guarded().await;
    let long = format!("dt_{}", "0".repeat(64));
    for token in ["", "x", "dt_", &long, &"y".repeat(20_000), "null", "undefined", "' OR 1=1 --"] {
        let answer = json(with(guarded.gateway.get("/api/tools"), token), 401).await;
        assert_eq!(answer["code"], 6001);
        assert!(token.is_empty() || !answer.to_string().contains(token) || token.len() < 5, "a token is not repeated");
    }
}

#[tokio::test]
async fn a_token_in_the_address_lets_nobody_in() {
    let guarded = guarded().await;
    for name in ["token", "access_token", "bearer", "invite"] {
        let path = format!("/api/tools?{name}={}", guarded.operator);
        assert_eq!(status(guarded.gateway.get(&path)).await, 401);
    }
}

#[tokio::test]
async fn a_token_with_one_digit_changed_is_refused() {
    let guarded = guarded().await;
    let mut other = guarded.player.clone();
    let last = if other.pop() == Some('0') { '1' } else { '0' };
    other.push(last);
    assert_eq!(status(with(guarded.gateway.get("/api/tools"), &other)).await, 401);
    assert_eq!(status(with(guarded.gateway.get("/api/tools"), &guarded.player)).await, 200);
}

#[tokio::test]
async fn another_scheme_than_bearer_lets_nobody_in() {
    let guarded = guarded().await;
    for scheme in ["Basic", "Token", "Negotiate", ""] {
        let request = guarded.gateway.get("/api/tools").header(AUTHORIZATION, format!("{scheme} {}", guarded.player));
        assert_eq!(status(request).await, 401, "{scheme}");
    }
}

#[tokio::test]
async fn a_cookie_lets_nobody_in_so_that_no_other_page_can_use_it() {
    let guarded = guarded().await;
    let request =
        guarded.gateway.post("/api/tools/roll_dice", &roll()).header("Cookie", format!("token={}", guarded.player));
    assert_eq!(status(request).await, 401);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once() {
    let guarded = guarded().await;
    let (id, token) = guarded.made(grant("Ben", Role::Player)).await;
    assert_eq!(status(with(guarded.gateway.get("/api/tools"), &token)).await, 200);
    guarded.gate.tokens().unwrap().revoke(&id).await.unwrap();
    assert_eq!(status(with(guarded.gateway.get("/api/tools"), &token)).await, 401);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let guarded = guarded().await;
    let token = guarded.token(Grant { lifetime: Some(Duration::ZERO), ..grant("Ben", Role::Player) }).await;
    assert_eq!(status(with(guarded.gateway.get("/api/tools"), &token)).await, 401);
}

#[tokio::test]
async fn a_token_that_is_revoked_in_mid_session_ends_its_socket() {
    let guarded = guarded().await;
    let (id, token) = guarded.made(grant("Ben", Role::Player)).await;
    let mut socket = seated(&guarded, "evening", &token).await;
    guarded.gate.tokens().unwrap().revoke(&id).await.unwrap();
    let error = socket.next_of("error").await;
    assert_eq!(error["code"], 6001, "{error}");
    assert_eq!(u16::from(socket.farewell().await.unwrap().code), 1008);
}

#[tokio::test]
async fn a_token_that_expires_in_mid_session_ends_its_socket() {
    let guarded = guarded().await;
    let lifetime = Some(Duration::from_millis(700));
    let token = guarded.token(Grant { lifetime, ..grant("Ben", Role::Player) }).await;
    let mut socket = seated(&guarded, "evening", &token).await;
    let error = socket.next_of("error").await;
    assert!(error["content"].as_str().unwrap().contains("expired"), "{error}");
    assert_eq!(u16::from(socket.farewell().await.unwrap().code), 1008);
}

#[tokio::test]
async fn a_socket_without_a_token_is_refused() {
    let guarded = guarded().await;
    assert_eq!(guarded.gateway.socket_refused("evening", None).await, 401);
    assert_eq!(socket(&guarded, "evening", "dt_0").await.err(), Some(401));
    let path = format!("evening?token={}", guarded.player);
    assert_eq!(guarded.gateway.socket_refused(&path, None).await, 401);
}

#[tokio::test]
async fn the_sub_protocol_of_a_token_is_not_echoed() {
    let guarded = guarded().await;
    let mut request = format!("ws://{}/game/evening", guarded.gateway.address).into_client_request().unwrap();
    let protocols = format!("dicetower, bearer.{}", guarded.player);
    request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    let (_, response) = connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "dicetower");
}

// What they may.

#[tokio::test]
async fn a_player_does_not_call_a_game_masters_tool() {
    let guarded = guarded().await;
    let body = json!({"character_name": "Platinum", "amount": 100, "reason": "because"});
    let answer = json(with(guarded.gateway.post("/api/tools/add_karma", &body), &guarded.player), 403).await;
    assert_eq!(answer["code"], 6002);
    assert_eq!(status(with(guarded.gateway.post("/api/tools/add_karma", &body), &guarded.gm)).await, 200);
}

#[tokio::test]
async fn a_player_does_not_touch_another_players_character() {
    let guarded = guarded().await;
    for name in ["Block", "block", " BLOCK "] {
        let body = json!({"character_name": name, "amount": 1, "reason": "mine now"});
        let answer = json(with(guarded.gateway.post("/api/tools/spend_nuyen", &body), &guarded.player), 403).await;
        assert!(answer["message"].as_str().unwrap().contains("not your character"), "{answer}");
    }
    let body = json!({"character_name": "Platinum", "amount": 1, "reason": "a coffee"});
    assert_eq!(status(with(guarded.gateway.post("/api/tools/spend_nuyen", &body), &guarded.player)).await, 200);
}

#[tokio::test]
async fn a_player_does_not_cast_as_somebody_else() {
    let guarded = guarded().await;
    let body = json!({"caster_name": "Oak", "spell_name": "Manabolt", "force": 1, "reason": "x"});
    assert_eq!(status(with(guarded.gateway.post("/api/cast_spell", &body), &guarded.player)).await, 403);
    assert_eq!(status(with(guarded.gateway.post("/api/tools/cast_spell", &body), &guarded.player)).await, 403);
}

#[tokio::test]
async fn a_player_does_not_see_traces_or_metrics() {
    let guarded = guarded().await;
    for path in ["/traces", "/traces/a1b2c3d4-e5f6-7890-abcd-ef1234567890", "/metrics"] {
        assert_eq!(status(with(guarded.gateway.get(path), &guarded.player)).await, 403, "{path}");
        assert_eq!(status(with(guarded.gateway.get(path), &guarded.gm)).await, 403, "{path}");
    }
    assert_eq!(status(with(guarded.gateway.get("/metrics"), &guarded.operator)).await, 200);
}

#[tokio::test]
async fn a_player_does_not_take_the_game_masters_seat() {
    let guarded = guarded().await;
    let mut socket = seated(&guarded, "evening", &guarded.player).await;
    for seat in ["game_master", "gm"] {
        refused(&mut socket, json!({"type": "join", "name": "Gerd", "seat": seat}), 6002).await;
    }
}

#[tokio::test]
async fn a_player_joins_under_the_name_of_his_token_only() {
    let guarded = guarded().await;
    let mut socket = seated(&guarded, "evening", &guarded.player).await;
    socket.send(json!({"type": "join", "name": "Gerd"})).await;
    let presence = socket.next_of("presence").await.to_string();
    assert!(presence.contains("Anna") && !presence.contains("Gerd"), "{presence}");
}

#[tokio::test]
async fn a_player_does_not_play_another_players_character() {
    let guarded = guarded().await;
    let mut socket = seated(&guarded, "evening", &guarded.player).await;
    refused(&mut socket, json!({"type": "join", "name": "Anna", "character": "Block"}), 6002).await;
    refused(&mut socket, json!({"type": "add_character", "character": "Block"}), 6002).await;
    refused(&mut socket, json!({"type": "remove_character", "character": "Block"}), 6002).await;
}

#[tokio::test]
async fn a_player_does_not_rule() {
    let guarded = guarded().await;
    let mut socket = seated(&guarded, "evening", &guarded.player).await;
    refused(&mut socket, json!({"type": "approve", "call_id": "a", "allow": true}), 6002).await;
    refused(&mut socket, json!({"type": "override", "roll_id": "r", "result": 9, "reason": "x"}), 6002).await;
    refused(&mut socket, json!({"type": "take_over", "on": true}), 6002).await;
}

#[tokio::test]
async fn a_join_with_a_better_token_is_what_that_token_allows_and_a_worse_one_less() {
    let guarded = guarded().await;
    let mut socket = seated(&guarded, "evening", &guarded.player).await;
    refused(&mut socket, json!({"type": "join", "name": "x", "token": "dt_0"}), 6001).await;
    let gm = guarded.gm.clone();
    socket.send(json!({"type": "join", "name": "x", "seat": "game_master", "token": gm})).await;
    assert!(socket.next_of("presence").await.to_string().contains("Gerd"));
}

#[tokio::test]
async fn a_token_for_one_session_opens_no_other() {
    let guarded = guarded().await;
    let token = guarded.token(Grant { session_id: Some("ours".into()), ..grant("Ben", Role::Gm) }).await;
    assert_eq!(socket(&guarded, "theirs", &token).await.err(), Some(403));
    for path in ["/api/sessions/theirs/events", "/api/sessions/theirs/events?after_seq=0"] {
        assert_eq!(status(with(guarded.gateway.get(path), &token)).await, 403, "{path}");
    }
    let body = json!({"session_id": "theirs"});
    assert_eq!(status(with(guarded.gateway.post("/api/sessions", &body), &token)).await, 403);
    for tool in ["delete_session", "get_session", "list_events", "say"] {
        let body = json!({"session_id": "theirs", "message": "x"});
        let request = guarded.gateway.post(&format!("/api/tools/{tool}"), &body);
        assert_eq!(status(with(request, &token)).await, 403, "{tool}");
    }
    let at_table = guarded.gateway.post("/api/tools/roll_dice", &roll()).header("X-Session-ID", "theirs");
    assert_eq!(status(with(at_table, &token)).await, 403);
}

#[tokio::test]
async fn a_token_for_one_session_does_not_see_that_there_are_others() {
    let guarded = guarded().await;
    for id in ["ours", "theirs"] {
        let body = json!({"session_id": id});
        assert_eq!(status(with(guarded.gateway.post("/api/sessions", &body), &guarded.gm)).await, 200);
    }
    let token = guarded.token(Grant { session_id: Some("ours".into()), ..grant("Ben", Role::Player) }).await;
    let sessions = json(with(guarded.gateway.get("/api/sessions"), &token), 200).await.to_string();
    assert!(sessions.contains("ours") && !sessions.contains("theirs"), "{sessions}");
}

#[tokio::test]
async fn a_spectators_token_only_listens() {
    let guarded = guarded().await;
    let seat = Some("spectator".into());
    let token = guarded.token(Grant { seat, ..grant("Ben", Role::Player) }).await;
    let mut socket = seated(&guarded, "evening", &token).await;
    refused(&mut socket, json!({"type": "chat", "message": "I shoot"}), 6002).await;
    refused(&mut socket, json!({"type": "cancel"}), 6002).await;
    refused(&mut socket, json!({"type": "join", "name": "Ben", "seat": "player"}), 6002).await;
}

#[tokio::test]
async fn a_whisper_is_not_read_in_the_log_by_a_third() {
    let guarded = guarded().await;
    let third = guarded.token(grant("Tom", Role::Player)).await;
    let mut gm = seated(&guarded, "evening", &guarded.gm).await;
    gm.send(json!({"type": "join", "name": "Gerd", "seat": "game_master"})).await;
    gm.next_of("presence").await;
    let mut anna = seated(&guarded, "evening", &guarded.player).await;
    anna.send(json!({"type": "join", "name": "Anna"})).await;
    gm.next_of("presence").await;
    gm.send(json!({"type": "whisper", "to": "Anna", "message": "the vault is open"})).await;
    anna.next_of("whisper").await;
    let path = "/api/sessions/evening/events";
    let read = |token: String| {
        let request = with(guarded.gateway.get(path), &token);
        async move { json(request, 200).await.to_string() }
    };
    assert!(!read(third).await.contains("the vault is open"));
}

#[tokio::test]
async fn nobody_speaks_under_another_name() {
    let guarded = guarded().await;
    let body = json!({"session_id": "evening", "message": "I confess", "name": "Gerd"});
    let create = guarded.gateway.post("/api/sessions", &json!({"session_id": "evening"}));
    assert_eq!(status(with(create, &guarded.player)).await, 200);
    assert_eq!(status(with(guarded.gateway.post("/api/tools/say", &body), &guarded.player)).await, 200);
    let events = json(with(guarded.gateway.get("/api/sessions/evening/events"), &guarded.gm), 200).await;
    let said = events["events"].as_array().unwrap().iter().find(|event| event["type"] == "player_message").unwrap();
    assert_eq!(said["name"], "Anna", "{said}");
}

// Invites.

#[tokio::test]
async fn an_invite_is_for_one_seat_at_one_table_until_it_is_taken_back() {
    let guarded = guarded().await;
    let body = json!({"session_id": "evening", "name": "Ines", "characters": ["Block"], "hours": 1});
    let invite = json(with(guarded.gateway.post("/api/invites", &body), &guarded.gm), 200).await;
    let token = invite["token"].as_str().unwrap();
    assert!(invite["path"].as_str().unwrap().starts_with("/#invite="), "a token is not sent in an address");
    let mut socket = seated(&guarded, "evening", token).await;
    refused(&mut socket, json!({"type": "join", "name": "Ines", "seat": "game_master"}), 6002).await;
    let path = format!("/api/invites/{}", invite["id"].as_str().unwrap());
    assert_eq!(status(with(guarded.gateway.request("DELETE", &path), &guarded.gm)).await, 200);
    assert_eq!(status(with(guarded.gateway.get("/api/tools"), token)).await, 401);
}

#[tokio::test]
async fn a_player_invites_nobody_and_gives_no_characters_away() {
    let guarded = guarded().await;
    let body = json!({"session_id": "evening", "name": "Eve"});
    assert_eq!(status(with(guarded.gateway.post("/api/invites", &body), &guarded.player)).await, 403);
    let own = guarded.gateway.request("PUT", "/api/character/Block/owner").json(&json!({"name": "Anna"}));
    assert_eq!(status(with(own, &guarded.player)).await, 403);
}

#[tokio::test]
async fn a_game_master_of_one_session_invites_to_no_other_and_takes_back_no_other() {
    let guarded = guarded().await;
    let token = guarded.token(Grant { session_id: Some("ours".into()), ..grant("Ben", Role::Gm) }).await;
    let body = json!({"session_id": "theirs", "name": "Eve"});
    assert_eq!(status(with(guarded.gateway.post("/api/invites", &body), &token)).await, 403);
    let (id, _) = guarded.made(grant("Anna", Role::Player)).await;
    let path = format!("/api/invites/{id}");
    assert_eq!(status(with(guarded.gateway.request("DELETE", &path), &token)).await, 404);
}

#[tokio::test]
async fn a_character_that_is_given_is_his() {
    let guarded = guarded().await;
    let body = json!({"character_name": "Block", "amount": 1, "reason": "a coffee"});
    let spend = || with(guarded.gateway.post("/api/tools/spend_nuyen", &body), &guarded.player);
    assert_eq!(status(spend()).await, 403);
    let own = guarded.gateway.request("PUT", "/api/character/Block/owner").json(&json!({"name": "Anna"}));
    assert_eq!(status(with(own, &guarded.gm)).await, 200);
    assert_eq!(status(spend()).await, 200);
}

// MCP.

async fn mcp(guarded: &Guarded, token: &str, method: &str, params: Value) -> (u16, String) {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut params = params;
    params["_meta"] = meta;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut request = guarded
        .gateway
        .post("/mcp", &body)
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", method);
    if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
        request = request.header("Mcp-Name", name);
    }
    let response = with(request, token).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_model_does_not_see_or_call_tools_above_its_role() {
    let guarded = guarded().await;
    let (_, listed) = mcp(&guarded, &guarded.player, "tools/list", json!({})).await;
    assert!(listed.contains("roll_dice") && !listed.contains("add_karma"), "{listed}");
    let call = json!({"name": "add_karma", "arguments": {"character_name": "Platinum", "amount": 9, "reason": "x"}});
    let (_, answer) = mcp(&guarded, &guarded.player, "tools/call", call).await;
    assert!(answer.contains("FORBIDDEN"), "{answer}");
}

#[tokio::test]
async fn a_model_without_a_token_is_refused() {
    let guarded = guarded().await;
    assert_eq!(mcp(&guarded, "dt_0", "tools/list", json!({})).await.0, 401);
}

#[tokio::test]
async fn a_model_does_not_read_what_is_no_resource_of_ours() {
    let guarded = guarded().await;
    for uri in ["file:///etc/passwd", "dicetower://../../etc/passwd", "http://127.0.0.1/", "dicetower://characters/%00"]
    {
        let (_, answer) = mcp(&guarded, &guarded.gm, "resources/read", json!({"uri": uri})).await;
        assert!(answer.contains("no such resource"), "{uri}: {answer}");
    }
}

#[tokio::test]
async fn a_model_bound_to_one_session_reads_no_other() {
    let guarded = guarded().await;
    let token = guarded.token(Grant { session_id: Some("ours".into()), ..grant("Ben", Role::Gm) }).await;
    for uri in ["dicetower://sessions/theirs", "dicetower://rolls/theirs"] {
        let (_, answer) = mcp(&guarded, &token, "resources/read", json!({"uri": uri})).await;
        assert!(answer.contains("for the session ours only"), "{uri}: {answer}");
    }
}

// Origins.

#[tokio::test]
async fn a_page_of_another_site_opens_no_socket() {
    let gateway = table(Config::default()).await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://", "http://evil@127.0.0.1"]
    {
        assert_eq!(gateway.socket_refused("evening", Some(origin)).await, 403, "{origin}");
    }
    assert_eq!(gateway.socket_refused("evening", Some(&format!("http://{}", gateway.address))).await, 101);
}

#[tokio::test]
async fn a_page_of_another_site_calls_no_tool() {
    let gateway = table(Config::default()).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json"] {
        let request = gateway.post("/api/tools/roll_dice", &roll()).header("Origin", "https://evil.example");
        assert_eq!(status(request.header("Content-Type", kind)).await, 403, "{kind}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_speaks_no_mcp() {
    let gateway = table(Config::default()).await;
    let request = gateway.post("/mcp", &json!({})).header("Origin", "https://evil.example");
    assert_eq!(status(request).await, 403);
}

#[tokio::test]
async fn a_name_that_was_made_to_point_here_reaches_nothing() {
    let gateway = table(Config::default()).await;
    for host in ["evil.example", "evil.example:8001", "127.0.0.1.evil.example"] {
        assert_eq!(status(gateway.get("/api/sessions").header("Host", host)).await, 403, "{host}");
    }
}

#[tokio::test]
async fn every_answer_forbids_sniffing_framing_and_foreign_scripts() {
    let gateway = table(Config::default()).await;
    for path in ["/", "/docs", "/api/tools", "/nothing", "/openapi.json"] {
        let response = gateway.get(path).send().await.unwrap();
        let policy = header(&response, "content-security-policy");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap_or(policy);
        assert!(!scripts.contains("unsafe"), "{path}: {policy}");
    }
}

// What they send.

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

// How often.

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
