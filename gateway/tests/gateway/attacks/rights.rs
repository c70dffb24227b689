//! What somebody may who is there: tools, characters, sessions, seats, names, invites.

use serde_json::json;
use service_kit::auth::{Grant, Role};

use super::{refused, roll, seated, socket, status, with};
use crate::{
    guarded::{grant, guarded},
    support::json,
};

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
async fn first_aid_is_given_by_a_character_of_ones_own_to_anybody() {
    let guarded = guarded().await;
    let call = |tool: &str, body: &serde_json::Value| {
        with(guarded.gateway.post(&format!("/api/tools/{tool}"), body), &guarded.player)
    };
    let given = json!({"character_name": "Oak", "healer_name": "Platinum"});
    let answer = json(call("first_aid", &given), 400).await;
    assert!(answer["message"].as_str().unwrap().contains("Oak"), "he is unhurt: {answer}");
    for (tool, body) in [
        ("first_aid", json!({"character_name": "Platinum", "healer_name": "Oak"})),
        ("take_delayed_action", json!({"name": "Oak"})),
    ] {
        let answer = json(call(tool, &body), 403).await;
        assert!(answer["message"].as_str().unwrap().contains("not your character"), "{tool}: {answer}");
    }
}

#[tokio::test]
async fn another_name_for_the_same_argument_is_no_way_round() {
    let guarded = guarded().await;
    for (tool, who) in [
        ("cast_spell", "casterName"),
        ("cast_spell", "character_name"),
        ("cast_spell", "Caster"),
        ("reload", "Character Name"),
        ("reload", "caster_name"),
        ("reload", "name"),
    ] {
        let mut body = json!({"spell_name": "Manabolt", "force": 1, "weapon_name": "Knife"});
        body.as_object_mut().unwrap().retain(|key, _| (key == "weapon_name") == (tool == "reload"));
        body[who] = "Oak".into();
        let answer = json(with(guarded.gateway.post(&format!("/api/tools/{tool}"), &body), &guarded.player), 403).await;
        assert!(answer["message"].as_str().unwrap().contains("not your character"), "{tool} {who}: {answer}");
    }
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
