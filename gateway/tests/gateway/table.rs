//! Characters, sessions and the WebSocket before the real orchestrator, with the built-in game master.

use std::collections::HashSet;

use gateway::Config;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Gateway, Socket, header, json, table};

const TRACE_ID: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
/// The types that the seed documents.
const DOCUMENTED: [&str; 8] =
    ["system", "processing", "narrative", "tool_execution", "tool_result", "complete", "error", "session_info"];

async fn start() -> Gateway {
    table(Config::default()).await
}

fn chat(message: &str) -> Value {
    json!({"type": "chat", "message": message})
}

/// A socket that has been greeted.
async fn greeted(gateway: &Gateway, path: &str) -> Socket {
    let mut socket = gateway.socket(path).await;
    assert_eq!(socket.next().await["type"], "system");
    socket
}

fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn characters_are_listed_by_name_and_a_sheet_is_read_in_any_case() {
    let gateway = start().await;

    let list = json(gateway.get("/api/characters"), 200).await;
    let names: Vec<_> =
        list["characters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Axel", "Block", "Manticore", "Oak", "Platinum"]);
    for key in ["id", "full_name", "character_type", "archetype"] {
        assert!(list["characters"][0][key].is_string(), "{list}");
    }

    let sheet = json(gateway.get("/api/character/pLATINUM"), 200).await;
    assert_eq!(sheet["character"], "Platinum");
    assert!(sheet["attributes"].is_object() && sheet["data"].is_object() && sheet["summary"].is_string());
    assert_eq!(json(gateway.get("/api/character/Kent%20Jefferies"), 200).await["character"], "Platinum");
}

#[tokio::test]
async fn an_unknown_character_is_told_with_those_that_exist() {
    let gateway = start().await;

    let body = json(gateway.get("/api/character/Nobody"), 404).await;

    assert_eq!((&body["code"], &body["type"]), (&json!(2001), &json!("CHARACTER_NOT_FOUND")));
    let names = body["error"]["details"]["available_characters"].as_array().unwrap();
    assert!(names.contains(&json!("Platinum")), "{body}");
}

#[tokio::test]
async fn a_spell_is_cast_shown_and_dropped() {
    let gateway = start().await;
    let cast = json!({"caster_name": "Oak", "spell_name": "Invisibility", "force": 4, "target_name": "Oak"});
    let result = json(gateway.post("/api/cast_spell", &cast), 200).await;
    assert_eq!((&result["caster"], &result["force"]), (&json!("Oak"), &json!(4)));

    let spells = json(gateway.get("/api/sustained_spells/Oak"), 200).await;
    let sustained = spells["sustained_spells"].as_array().unwrap();
    assert!(spells["sustaining_penalty"].is_number(), "{spells}");

    let drop = json!({"character_name": "Oak", "spell_name": "Invisibility"});
    let dropped = json(gateway.post("/api/drop_spell", &drop), 200).await;
    assert_eq!(dropped["success"], !sustained.is_empty(), "{dropped}");
    assert!(dropped["message"].is_string());
    assert_eq!((&dropped["sustained_spells"], &dropped["sustaining_penalty"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn a_session_is_made_once_and_never_emptied() {
    let gateway = start().await;
    let made = json(gateway.post("/api/sessions", &json!({"session_id": "my_session"})), 200).await;
    assert_eq!(made["session_id"], "my_session");
    let mut socket = greeted(&gateway, "my_session").await;
    socket.send(json!({"type": "add_character", "character": "Platinum"})).await;
    socket.next_of("session_info").await;

    let again = json(gateway.post("/api/sessions", &json!({"session_id": "my_session"})), 200).await;

    assert_eq!(again, made);
    let list = json(gateway.get("/api/sessions"), 200).await;
    assert_eq!(list["sessions"][0]["characters"], json!(["Platinum"]));
    assert_eq!(list["sessions"][0]["message_count"], 0);
    assert_eq!(list["sessions"][0]["created_at"], made["created_at"]);
}

#[tokio::test]
async fn a_session_without_an_id_is_given_one() {
    let gateway = start().await;

    let one = json(gateway.request("POST", "/api/sessions"), 200).await;
    let other = json(gateway.post("/api/sessions", &json!({})), 200).await;

    assert!(!one["session_id"].as_str().unwrap().is_empty());
    assert_ne!(one["session_id"], other["session_id"]);
}

#[tokio::test]
async fn an_id_that_no_session_can_have_is_refused() {
    let gateway = start().await;
    let long = "x".repeat(129);
    for id in ["", "a b", "a/b", "\u{e9}", long.as_str()] {
        assert_eq!(json(gateway.post("/api/sessions", &json!({"session_id": id})), 400).await["code"], 2004, "{id}");
    }
    assert_eq!(json(gateway.post("/api/sessions", &json!({"session_id": 5})), 400).await["code"], 2004);
    assert_eq!(json(gateway.get("/api/sessions/a%20b/events"), 400).await["code"], 2004);
    assert_eq!(gateway.socket_refused("a%20b", None).await, 400);
    assert_eq!(gateway.socket_refused("one?after_seq=x", None).await, 400);
    assert_eq!(json(gateway.get("/api/sessions/unknown/events"), 404).await["code"], 6006);
    assert_eq!(json(gateway.get("/api/sessions/unknown/events?limit=10001"), 400).await["code"], 2004);
}

#[tokio::test]
async fn the_seeds_conversation_over_the_socket() {
    let gateway = start().await;
    let mut socket = gateway.socket("session_123").await;
    assert_eq!(socket.next().await, json!({"type": "system", "content": "Connected to session session_123"}));

    socket.send(json!({"type": "add_character", "character": "Platinum"})).await;
    let added = socket.next().await;
    assert_eq!((&added["type"], &added["content"]), (&json!("system"), &json!("Added Platinum to session")));
    let info = socket.next_of("session_info").await;
    assert_eq!(
        info,
        json!({"type": "session_info", "session_id": "session_123", "characters": ["Platinum"], "message_count": 0})
    );

    socket.send(chat("I shoot the ganger with my Ares Predator at 15 metres")).await;
    let frames: Vec<_> = socket.until("complete").await;
    let told: Vec<_> = frames.iter().filter(|frame| frame["type"] != "telemetry").cloned().collect();
    assert_eq!((&told[0]["type"], &told[0]["content"]), (&json!("processing"), &json!("GM is thinking...")));
    assert_eq!(told.last().unwrap()["content"], "Response complete");
    let documented: Vec<_> = told.iter().filter(|frame| frame["type"] != "scene").cloned().collect();
    let kinds = types(&documented);
    let round = kinds.iter().position(|kind| *kind == "tool_execution").unwrap();
    assert_eq!(kinds[round + 1..round + 3], ["tool_call", "tool_result"], "{kinds:?}");
    let result =
        told.iter().find(|frame| frame["tool"] == "calculate_ranged_attack" && frame["type"] == "tool_result").unwrap();
    assert!(result["result"]["final_tn"].is_number() && result["result"]["successes"].is_number(), "{result}");
    assert!(kinds.contains(&"narrative"), "{kinds:?}");

    socket.send(json!({"type": "get_session_info"})).await;
    let info = socket.next_of("session_info").await;
    assert!(2 <= info["message_count"].as_u64().unwrap(), "{info}");
}

#[tokio::test]
async fn who_does_not_want_telemetry_gets_documented_frames_alone() {
    let gateway = start().await;
    let mut socket = gateway.socket("quiet?telemetry=0").await;
    socket.send(json!({"type": "add_character", "character": "Oak"})).await;
    socket.send(chat("Roll 8 dice against a target number of 5")).await;

    let frames = socket.until("complete").await;

    let kinds: HashSet<_> = types(&frames).into_iter().collect();
    assert!(kinds.iter().all(|kind| DOCUMENTED.contains(kind)), "{kinds:?}");
    assert!(kinds.contains("tool_result") && kinds.contains("session_info"), "{kinds:?}");
}

#[tokio::test]
async fn bad_frames_of_every_kind_are_answered_and_the_line_lives_on() {
    let gateway = start().await;
    let mut socket = greeted(&gateway, "tough").await;
    let deep = format!(r#"{{"type":"chat","message":{}"x"{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let long_message = chat(&"x".repeat(8001)).to_string();
    let long_frame = chat(&"x".repeat(200_000)).to_string();
    let huge_frame = chat(&"x".repeat(9_000_000)).to_string();
    let bad: [(&str, u32); 16] = [
        ("", 2004),
        ("not json", 2004),
        ("{\"type\":\"chat\"", 2004),
        ("[1,2]", 2004),
        ("null", 2004),
        ("{}", 5003),
        (r#"{"type":42}"#, 2004),
        (r#"{"type":"dance"}"#, 2004),
        (r#"{"type":"chat"}"#, 5003),
        (r#"{"type":"chat","message":7}"#, 2004),
        (r#"{"type":"chat","message":""}"#, 2004),
        (r#"{"type":"add_character"}"#, 5003),
        (&deep, 2004),
        (&long_message, 2004),
        (&long_frame, 2004),
        (&huge_frame, 2004),
    ];
    for (text, code) in bad {
        let shown: String = text.chars().take(60).collect();
        socket.send_text(text).await;
        let answer = socket.next().await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{shown}: {answer}");
        assert!(answer["error_type"].is_string() && answer["content"].is_string(), "{answer}");
        assert!(answer["trace_id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok(), "{answer}");
    }
    socket.send_binary(&[0xff, 0x00]).await;
    assert_eq!(socket.next().await["code"], 2004);

    socket.send(json!({"type": "ping"})).await;
    assert_eq!(socket.next().await, json!({"type": "pong"}));
    socket.send(chat("Roll 3d6")).await;
    assert_eq!(socket.until("complete").await.last().unwrap()["content"], "Response complete");
}

#[tokio::test]
async fn characters_come_and_go_and_unknown_ones_are_named() {
    let gateway = start().await;
    let mut socket = greeted(&gateway, "party").await;
    socket.send(json!({"type": "add_character", "character": "block"})).await;
    assert_eq!(socket.next().await["content"], "Added Block to session");
    assert_eq!(socket.next().await["characters"], json!(["block"]));

    socket.send(json!({"type": "add_character", "character": "Block"})).await;
    assert_eq!(socket.next_of("system").await["content"], "Added Block to session");
    assert_eq!(socket.next().await["characters"], json!(["Block"]));

    socket.send(json!({"type": "add_character", "character": "Nobody"})).await;
    let error = socket.next_of("error").await;
    assert_eq!(error["code"], 2001);
    assert!(error["content"].as_str().unwrap().contains("Axel, Block"), "{error}");
    assert!(error["details"]["available_characters"].as_array().unwrap().contains(&json!("Block")), "{error}");
    assert_eq!(socket.next().await["characters"], json!(["Block"]));

    socket.send(json!({"type": "remove_character", "character": "Oak"})).await;
    assert_eq!(socket.next().await["type"], "session_info");
    socket.send(json!({"type": "remove_character", "character": "Block"})).await;
    assert_eq!(socket.next().await["content"], "Removed Block from session");
    assert_eq!(socket.next().await["characters"], json!([]));
}

#[tokio::test]
async fn a_client_finds_a_character_in_its_own_spelling_and_others_in_the_tables() {
    let gateway = start().await;
    let mut one = greeted(&gateway, "party").await;
    one.send(json!({"type": "add_character", "character": "kent jefferies"})).await;
    assert_eq!(one.next_of("session_info").await["characters"], json!(["kent jefferies"]));
    one.send(json!({"type": "get_session_info"})).await;
    assert_eq!(one.next_of("session_info").await["characters"], json!(["kent jefferies"]));

    let mut other = greeted(&gateway, "party").await;
    other.send(json!({"type": "get_session_info"})).await;
    assert_eq!(other.next().await["characters"], json!(["Platinum"]));

    one.send(json!({"type": "remove_character", "character": "kent jefferies"})).await;
    assert_eq!(one.next_of("session_info").await["characters"], json!([]));
}

#[tokio::test]
async fn nothing_runs_and_nothing_is_cancelled() {
    let gateway = start().await;
    let mut socket = greeted(&gateway, "calm").await;

    socket.send(json!({"type": "cancel"})).await;

    let answer = socket.next().await;
    assert_eq!((&answer["type"], &answer["content"]), (&json!("system"), &json!("Nothing to cancel")));
}

#[tokio::test]
async fn a_chat_under_a_trace_id_is_one_trace_to_the_last_service() {
    let _telemetry = service_kit::telemetry::init(&Default::default(), "test").unwrap();
    let gateway = start().await;
    let mut socket = greeted(&gateway, "traced").await;

    socket.send(json!({"type": "chat", "message": "Roll 8 dice against 5", "trace_id": TRACE_ID})).await;
    let frames = socket.until("complete").await;

    assert!(frames.iter().all(|frame| frame["trace_id"] == TRACE_ID), "{frames:?}");
    let trace = json(gateway.get(&format!("/traces/{TRACE_ID}")).header("Accept", "application/json"), 200).await;
    let spans = trace["spans"].as_array().unwrap();
    let services: HashSet<_> = spans.iter().map(|span| span["service"].as_str().unwrap()).collect();
    assert!(["gateway", "orchestrator", "dice"].iter().all(|service| services.contains(service)), "{services:?}");
    assert_eq!(spans.iter().filter(|span| span["parent_id"].is_null()).count(), 1, "{trace}");
}

#[tokio::test]
async fn every_player_sees_the_same_and_the_author_is_not_told_his_own_words() {
    let gateway = start().await;
    let mut author = greeted(&gateway, "shared").await;
    let mut other = greeted(&gateway, "shared").await;

    author.send(chat("Roll 3d6")).await;

    let seen = other.until("complete").await;
    let told = author.until("complete").await;
    assert_eq!((&seen[0]["type"], &seen[0]["message"]), (&json!("player_message"), &json!("Roll 3d6")));
    let logged =
        |frames: &[Value]| -> Vec<Value> { frames.iter().filter(|frame| frame["seq"].is_u64()).cloned().collect() };
    assert_eq!(logged(&seen)[1..], logged(&told)[..]);
}

#[tokio::test]
async fn what_was_missed_is_told_on_coming_back() {
    let gateway = start().await;
    let mut socket = greeted(&gateway, "back").await;
    socket.send(chat("Roll 3d6")).await;
    let told = socket.until("complete").await;
    drop(socket);
    let first = told.iter().find_map(|frame| frame["seq"].as_u64()).unwrap();

    let mut socket = greeted(&gateway, &format!("back?after_seq={first}")).await;
    let resumed = socket.next().await;
    assert_eq!((&resumed["type"], &resumed["recovered"]), (&json!("resumed"), &json!(true)));
    let missed = socket.until("complete").await;

    let text = |frames: &[Value]| -> String {
        frames
            .iter()
            .filter(|frame| frame["type"] == "narrative")
            .map(|frame| frame["content"].as_str().unwrap())
            .collect()
    };
    assert_eq!(text(&missed), text(&told));
    assert_eq!(missed.last().unwrap()["seq"], resumed["last_seq"]);
    socket.send(json!({"type": "resume", "after_seq": 0})).await;
    let all = socket.until("complete").await;
    assert_eq!(types(&all)[..2], ["resumed", "player_message"]);

    let log = json(gateway.get("/api/sessions/back/events?after_seq=0"), 200).await;
    assert_eq!(log["events"][0]["type"], "player_message");
    assert_eq!(log["last_seq"], resumed["last_seq"]);
    let page = json(gateway.get("/api/sessions/back/events?after_seq=1&limit=1"), 200).await;
    assert_eq!(page["events"].as_array().unwrap().len(), 1);
    assert!(1 < page["events"][0]["seq"].as_u64().unwrap());
}

#[tokio::test]
async fn a_message_that_is_sent_twice_is_one_turn() {
    let gateway = start().await;
    let mut socket = greeted(&gateway, "twice").await;
    let said = json!({"type": "chat", "message": "Roll 3d6", "message_id": "m1"});
    socket.send(said.clone()).await;
    let told = socket.until("complete").await;

    socket.send(said).await;

    let answer = socket.next().await;
    assert_eq!(answer["type"], "system");
    assert_eq!(answer["turn_id"], told.last().unwrap()["turn_id"]);
    let log = json(gateway.get("/api/sessions/twice/events"), 200).await;
    let turns = log["events"].as_array().unwrap().iter().filter(|event| event["type"] == "complete").count();
    assert_eq!(turns, 1);
}

#[tokio::test]
async fn a_tool_called_at_a_table_stands_in_its_log() {
    let gateway = start().await;
    let mut socket = greeted(&gateway, "rolls").await;
    let roll = json!({"pool": 6, "target_number": 4});

    let answer = json(gateway.post("/api/tools/roll_dice?session_id=rolls", &roll), 200).await;
    let shown = socket.next_of("roll").await;
    assert_eq!(shown["result"]["roll_id"], answer["roll_id"]);

    let request = gateway.post("/api/tools/roll_dice", &roll).header("X-Session-ID", "rolls");
    let answer = json(request, 200).await;
    assert_eq!(socket.next_of("roll").await["result"]["roll_id"], answer["roll_id"]);
    let refused = json(gateway.post("/api/tools/roll_dice?session_id=rolls", &json!({"pool": 0})), 400).await;
    assert!(refused["code"].is_number());
}

#[tokio::test]
async fn an_address_holds_only_so_many_sockets() {
    let gateway = table(Config { streams_per_address: 2, ..Config::default() }).await;
    let first = gateway.socket("one").await;
    let _second = gateway.socket("two").await;
    assert_eq!(gateway.socket_refused("three", None).await, 429);

    drop(first);
    // The server notices on its own time.
    while gateway.socket_refused("three", None).await == 429 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn on_shutdown_a_socket_is_told_why_it_ends() {
    let mut gateway = start().await;
    let mut socket = greeted(&gateway, "end").await;

    gateway.shutdown.cancel();

    let farewell = socket.farewell().await.unwrap();
    assert_eq!(farewell.code, CloseCode::Away);
    let reason = farewell.reason.as_str();
    let pause = reason.strip_prefix("the server is shutting down; connect again in ").unwrap();
    assert!(pause.strip_suffix(" ms").unwrap().parse::<u64>().unwrap() < 1000, "{reason}");
    drop(socket);
    (&mut gateway.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_old_page_finds_what_it_reads() {
    let gateway = start().await;

    let response = gateway.get("/api/character/Oak").send().await.unwrap();
    assert!(!header(&response, "x-trace-id").is_empty());
    let sheet: Value = response.json().await.unwrap();
    let data = &sheet["data"];
    for key in ["name", "metatype", "archetype", "initiative", "nuyen", "karma_pool", "combat_pool", "totem"] {
        assert!(!data[key].is_null(), "{key}");
    }
    for key in
        ["skills", "spells", "gear", "cyberware", "bioware", "contacts", "vehicles", "edges_flaws", "edges", "flaws"]
    {
        assert!(data[key].is_array(), "{key}");
    }

    let mut socket = greeted(&gateway, "old").await;
    socket.send(json!({"type": "add_character", "character": "Oak"})).await;
    let telemetry = socket.next_of("telemetry").await;
    assert_eq!(telemetry["event"], "ui_interaction");
    assert_eq!(telemetry["data"]["total_characters"], 1);
    socket.send(chat("Roll 8 dice against 5")).await;
    let frames = socket.until("complete").await;
    let events: HashSet<_> = frames
        .iter()
        .filter(|frame| frame["type"] == "telemetry")
        .map(|frame| frame["event"].as_str().unwrap())
        .collect();
    for event in
        ["message_received", "grok_streaming_start", "grok_tool_request", "mcp_operation_complete", "request_complete"]
    {
        assert!(events.contains(event), "{event}: {events:?}");
    }
}

#[tokio::test]
async fn what_breaks_the_websocket_itself_ends_the_line_with_the_reason() {
    let gateway = start().await;
    let mut socket = greeted(&gateway, "broken").await;

    socket.send_text_frame(&[0xff, 0xfe]).await;

    let farewell = socket.farewell().await.unwrap();
    assert_eq!(farewell.code, CloseCode::Invalid);
    assert!(farewell.reason.contains("UTF-8"), "{farewell:?}");
}

#[tokio::test]
async fn who_is_at_a_table_and_how_late_he_is_told_stands_in_the_metrics() {
    let gateway = start().await;
    let mut socket = greeted(&gateway, "counted").await;
    let _other = greeted(&gateway, "counted").await;
    socket.send(chat("Roll 8 dice against 5")).await;
    socket.until("complete").await;

    let text = gateway.get("/metrics").send().await.unwrap().text().await.unwrap();

    assert!(text.contains("dicetower_sockets_open 2\n"), "{text}");
    let count = text.lines().find_map(|line| line.strip_prefix("dicetower_event_lag_seconds_count "));
    assert!(count.is_some_and(|count| count != "0"), "{text}");
}

#[tokio::test]
async fn what_operators_are_woken_by_is_counted_from_0_on() {
    let gateway = start().await;

    let text = gateway.get("/metrics").send().await.unwrap().text().await.unwrap();

    for expected in [
        "dicetower_turns_total{end=\"failed\"} 0\n",
        "dicetower_model_errors_total{error=\"GROK_TIMEOUT\"} 0\n",
        "dicetower_model_timeouts_total{wait=\"the first piece\"} 0\n",
        "dicetower_claims_total{model=",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}
