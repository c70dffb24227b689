//! The WebSocket before a scripted language model: what happens while a turn runs.

use fake_model::{FakeModel, Gate, Reply};
use gateway::Config;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Gateway, Socket, json, table_of};

async fn start(model: &FakeModel) -> Gateway {
    let game_master = orchestrator::Config { llm_url: Some(model.url.clone()), ..orchestrator::Config::default() };
    table_of(Config::default(), game_master).await
}

async fn say(socket: &mut Socket, message: &str) {
    socket.send(json!({"type": "chat", "message": message})).await;
}

#[tokio::test]
async fn text_is_told_before_the_model_has_finished() {
    let gate = Gate::new();
    let model = FakeModel::start([Reply::new().text("The ganger").gate(&gate).text(" dives.").end("stop")]).await;
    let gateway = start(&model).await;
    let mut socket = gateway.socket("stream").await;

    say(&mut socket, "I shoot").await;
    let first = socket.next_of("narrative").await;
    assert_eq!((&first["content"], &first["offset"]), (&json!("The ganger"), &json!(0)));
    gate.open();

    let second = socket.next_of("narrative").await;
    assert_eq!((&second["content"], &second["offset"]), (&json!(" dives."), &json!(10)));
    assert_eq!(first["seq"], second["seq"]);
    assert_eq!(socket.next_of("complete").await["content"], "Response complete");
}

#[tokio::test]
async fn a_chat_that_must_wait_is_told_so_at_once_and_told_in_its_turn() {
    let gate = Gate::new();
    let model = FakeModel::start([
        Reply::new().text("One").gate(&gate).end("stop"),
        Reply::saying(["Two"]),
        Reply::saying(["Three"]),
    ])
    .await;
    let gateway = start(&model).await;
    let mut socket = gateway.socket("queue").await;
    say(&mut socket, "first").await;
    socket.next_of("narrative").await;

    say(&mut socket, "second").await;
    let queued = socket.next_of("system").await;
    assert_eq!(queued["content"], "Queued: 1 turn before yours");
    say(&mut socket, "third").await;
    assert_eq!(socket.next_of("system").await["content"], "Queued: 2 turns before yours");
    gate.open();

    socket.next_of("complete").await;
    let processing = socket.next_of("processing").await;
    assert_eq!(processing["turn_id"], queued["turn_id"]);
    assert_eq!(socket.next_of("narrative").await["content"], "Two");
    socket.next_of("complete").await;
    assert_eq!(socket.next_of("narrative").await["content"], "Three");
    socket.next_of("complete").await;
}

#[tokio::test]
async fn a_running_turn_is_cancelled() {
    let gate = Gate::new();
    let model = FakeModel::start([Reply::new().text("Once").gate(&gate).end("stop")]).await;
    let gateway = start(&model).await;
    let mut socket = gateway.socket("cancel").await;
    say(&mut socket, "go on").await;
    socket.next_of("narrative").await;

    socket.send(json!({"type": "cancel"})).await;

    assert_eq!(socket.next_of("complete").await["content"], "Cancelled");
    socket.send(json!({"type": "cancel"})).await;
    assert_eq!(socket.next_of("system").await["content"], "Nothing to cancel");
}

#[tokio::test]
async fn a_failing_model_ends_the_turn_with_an_error_a_player_can_read() {
    let model = FakeModel::start([Reply::refusing(401, "text/html", "<h1>secret detail</h1>")]).await;
    let gateway = start(&model).await;
    let mut socket = gateway.socket("fail").await;

    say(&mut socket, "hello").await;

    let frames = socket.until("complete").await;
    let errors: Vec<&Value> = frames.iter().filter(|frame| frame["type"] == "error").collect();
    let [error] = errors[..] else { panic!("{frames:?}") };
    assert_eq!((&error["code"], &error["error_type"]), (&json!(4001), &json!("GROK_API_ERROR")));
    assert!(!error["content"].as_str().unwrap().contains("secret"), "{error}");
    assert_eq!(error["turn_id"], frames.last().unwrap()["turn_id"]);
}

#[tokio::test]
async fn three_tools_at_once_come_in_order_and_an_unknown_one_ends_nothing() {
    let calls = [
        ("a", "roll_dice", json!({"pool": 3, "target_number": 4})),
        ("b", "summon_dragon", json!({})),
        ("c", "get_character", json!({"character_name": "Oak"})),
    ];
    let model = FakeModel::start([Reply::calling(calls), Reply::saying(["Done."])]).await;
    let gateway = start(&model).await;
    let mut socket = gateway.socket("tools").await;

    say(&mut socket, "all at once").await;

    let frames = socket.until("complete").await;
    let tools: Vec<_> = frames
        .iter()
        .filter(|frame| matches!(frame["type"].as_str(), Some("tool_call" | "tool_result")))
        .map(|frame| (frame["type"].as_str().unwrap(), frame["tool"].as_str().unwrap()))
        .collect();
    let expected = ["roll_dice", "summon_dragon", "get_character"];
    assert_eq!(tools, expected.map(|tool| [("tool_call", tool), ("tool_result", tool)]).concat());
    let failed =
        frames.iter().find(|frame| frame["type"] == "tool_result" && frame["tool"] == "summon_dragon").unwrap();
    assert_eq!(failed["result"]["code"], 3004, "{failed}");
    let execution = frames.iter().find(|frame| frame["type"] == "tool_execution").unwrap();
    assert_eq!(execution["tools"], json!(expected));
    assert_eq!(frames.last().unwrap()["content"], "Response complete");
}

#[tokio::test]
async fn a_shutdown_lets_the_running_turn_be_told_to_its_end() {
    let gate = Gate::new();
    let model = FakeModel::start([Reply::new().text("Nearly").gate(&gate).text(" there.").end("stop")]).await;
    let mut gateway = start(&model).await;
    let mut socket = gateway.socket("last").await;
    say(&mut socket, "finish").await;
    socket.next_of("narrative").await;

    gateway.shutdown.cancel();
    gate.open();

    socket.next_of("complete").await;
    assert_eq!(socket.farewell().await.unwrap().code, CloseCode::Away);
    drop(socket);
    (&mut gateway.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_trace_of_a_chat_reaches_the_model() {
    let _telemetry = service_kit::telemetry::init(&Default::default(), "test").unwrap();
    let model = FakeModel::start([Reply::saying(["Hello."])]).await;
    let gateway = start(&model).await;
    let mut socket = gateway.socket("traced").await;
    let trace_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";

    socket.send(json!({"type": "chat", "message": "hello", "trace_id": trace_id})).await;
    socket.next_of("complete").await;

    let asked = model.request(0).await;
    assert!(asked.header("traceparent").contains(&trace_id.replace('-', "")), "{:?}", asked.headers);
    let log = json(gateway.get("/api/sessions/traced/events"), 200).await;
    assert!(log["events"].as_array().unwrap().iter().all(|event| event["trace_id"] == trace_id), "{log}");
}

#[tokio::test]
async fn who_leaves_in_the_middle_of_a_passage_is_told_the_rest_of_it() {
    let pieces: Vec<String> = (0..300).map(|number| format!("{number} ")).collect();
    let model = FakeModel::start([Reply::saying(pieces.iter().map(String::as_str))]).await;
    let gateway = start(&model).await;
    let mut socket = gateway.socket("left").await;
    say(&mut socket, "count").await;
    let first = socket.next_of("narrative").await;
    drop(socket);

    let (seq, seen) = (&first["seq"], first["content"].as_str().unwrap().len());
    let mut socket = gateway.socket(&format!("left?after_seq={seq}&after_offset={seen}")).await;
    let frames = socket.until("complete").await;

    let rest: String = frames
        .iter()
        .filter(|frame| frame["type"] == "narrative")
        .map(|frame| frame["content"].as_str().unwrap())
        .collect();
    assert_eq!(format!("{}{rest}", first["content"].as_str().unwrap()), pieces.concat());
}
