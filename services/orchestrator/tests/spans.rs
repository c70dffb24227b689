//! What a trace tells of a turn: its spans, and in them what the GenAI conventions name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Table, of, said};
use fake_model::{FakeModel, Reply};
use serde_json::{Value, json};
use uuid::Uuid;

/// Plays a turn with a roll, and answers its frames and the spans of its trace.
async fn play_traced(model: &FakeModel, trace_id: Uuid) -> (Vec<Value>, Vec<Value>) {
    // Another test of this process may have started it.
    let _telemetry = service_kit::telemetry::init(&service_kit::telemetry::TelemetryConfig::default(), "test");
    let table = Table::with(model).await;
    let mut frames = table.listen().await;
    let mut request = tonic::Request::new(said());
    request.metadata_mut().insert("x-trace-id", trace_id.to_string().parse().unwrap());

    table.client.clone().chat(request).await.unwrap();

    let frames = frames.until("complete").await;
    let spans = || -> Vec<Value> {
        let trace = service_kit::traces::STORE.get(trace_id).unwrap_or_default();
        trace["spans"].as_array().cloned().unwrap_or_default()
    };
    common::until(async || spans().iter().any(|span| span["name"] == "turn")).await;
    (frames, spans())
}

fn model_with_a_roll() -> [Reply; 2] {
    let roll = json!({"pool": 3, "target_number": 4});
    [Reply::calling([("a", "roll_dice", roll)]), Reply::saying(["Done."])]
}

#[tokio::test]
async fn the_trace_of_a_chat_goes_on_in_its_turn_and_to_the_model() {
    let model = FakeModel::start(model_with_a_roll()).await;
    let trace_id = Uuid::new_v4();

    let (frames, spans) = play_traced(&model, trace_id).await;

    assert!(frames.iter().all(|frame| frame["trace_id"] == trace_id.to_string()), "{frames:?}");
    assert!(model.request(0).await.header("traceparent").contains(&trace_id.simple().to_string()));
    for expected in ["chat fake", "execute_tool roll_dice", "DiceService/RollDice", "turn"] {
        assert!(spans.iter().any(|span| span["name"] == expected), "{expected} in {spans:?}");
    }
}

#[tokio::test]
async fn the_span_of_a_question_tells_model_tokens_reason_and_time_to_the_first_piece() {
    let model = FakeModel::start(model_with_a_roll()).await;

    let (frames, spans) = play_traced(&model, Uuid::new_v4()).await;

    let mut asked: Vec<&Value> = spans.iter().filter(|span| span["name"] == "chat fake").collect();
    asked.sort_by_key(|span| span["start"].as_str());
    let told: Vec<&Value> = asked.iter().map(|span| &span["attributes"]).collect();
    assert_eq!(told.len(), 2);
    for (attributes, reason) in told.iter().zip(["tool_calls", "stop"]) {
        for (name, expected) in [
            ("gen_ai.operation.name", json!("chat")),
            ("gen_ai.provider.name", json!("openai")),
            ("gen_ai.request.model", json!("fake")),
            ("gen_ai.request.stream", json!(true)),
            ("gen_ai.response.id", json!("chatcmpl-1")),
            ("gen_ai.response.model", json!("fake")),
            ("gen_ai.usage.input_tokens", json!(100)),
            ("gen_ai.usage.output_tokens", json!(20)),
            ("gen_ai.conversation.id", json!("s")),
            ("server.address", json!("127.0.0.1")),
        ] {
            assert_eq!(attributes[name], expected, "{name}");
        }
        assert!(attributes["gen_ai.response.finish_reasons"].as_str().unwrap().contains(reason), "{attributes}");
        assert!(0.0 < attributes["gen_ai.response.time_to_first_chunk"].as_f64().unwrap(), "{attributes}");
    }
    let tool = spans.iter().find(|span| span["name"] == "execute_tool roll_dice").unwrap();
    assert_eq!(tool["attributes"]["gen_ai.tool.call.id"], of(&frames, "tool_call")[0]["call_id"]);
}
