//! Who is there: tokens that are made up, changed, revoked, expired, or come where none is looked for.

use std::time::Duration;

use http::header::AUTHORIZATION;
use service_kit::auth::{Grant, Role};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::{roll, seated, socket, status, with};
use crate::{
    guarded::{grant, guarded},
    support::{header, json},
};

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
