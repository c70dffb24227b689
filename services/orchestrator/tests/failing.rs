//! Models that fail, before the first word and after it: what the table is told, and that each turn ends once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::Duration;

use common::{Table, config, of, told, types};
use fake_model::{Asked, FakeModel, Gate, Reply};
use orchestrator::Config;
use serde_json::{Value, json};

async fn fails(replies: impl IntoIterator<Item = Reply>, code: u32) -> Vec<Value> {
    let model = FakeModel::start(replies).await;
    fails_with(config(&model), code).await
}

async fn fails_with(config: Config, code: u32) -> Vec<Value> {
    let table = Table::set_up(config).await;
    let frames = table.play("Hello").await;
    let errors = of(&frames, "error");
    assert_eq!((errors.len(), &errors[0]["code"]), (1, &json!(code)), "{}", errors[0]);
    assert!(errors[0]["content"].as_str().unwrap().starts_with("The game master"), "{}", errors[0]);
    assert_eq!(types(&frames).last(), Some(&"complete"));
    assert_eq!(of(&table.log().await, "complete").len(), 1);
    frames
}

/// Plays a turn whose answer breaks off after `begun`: once with the connection, once without a word.
async fn breaks_off(begun: Reply, expected: &[&str]) {
    let gate = Gate::new();
    let broken = begun.clone().gate(&gate).cut();
    let model = FakeModel::start([begun, broken]).await;
    let table = Table::with(&model).await;

    assert_eq!(types(&table.play("Hello").await), expected);
    let mut frames = table.listen().await;
    table.chat("Hello again").await;
    // Something of the answer has arrived before it breaks.
    while frames.next().await["event"] != "grok_streaming_start" {}
    gate.open();
    let frames = frames.until("complete").await;
    assert_eq!(types(&frames), expected[2..]);
    assert_eq!(of(&frames, "error")[0]["code"], 4004);
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test]
async fn an_answer_cut_in_its_text_is_an_error_that_keeps_the_text() {
    let expected = ["player_message", "processing", "narrative", "error", "complete"];
    breaks_off(Reply::new().text("The ganger "), &expected).await;
}

#[tokio::test]
async fn an_answer_cut_in_arguments_runs_nothing() {
    let begun = Reply::new().call(0, Some("a"), Some("roll_dice"), "{\"pool\": 3");
    breaks_off(begun, &["player_message", "processing", "error", "complete"]).await;
}

#[tokio::test]
async fn an_empty_answer_is_an_error() {
    fails([Reply::new().end("stop")], 4004).await;
    fails([Reply::new().done()], 4004).await;
    fails([Reply::refusing(200, "text/html", "<h1>Welcome</h1>")], 4004).await;
}

#[tokio::test]
async fn a_refusal_is_told_with_its_kind_and_not_with_its_body() {
    let frames =
        fails([Reply::refusing(400, "application/json", r#"{"code":"x","error":"secret words"}"#)], 4001).await;
    assert!(!json!(frames).to_string().contains("secret words"));
    fails([Reply::refusing(401, "text/html", "<h1>Who?</h1>")], 4001).await;
    fails([Reply::new().text("a").chunk(json!({"error": {"message": "overloaded", "code": 503}}))], 4001).await;
}

#[tokio::test]
async fn a_refused_request_does_not_take_the_model_from_those_who_come_after_it() {
    let says =
        |asked: &Asked, word: &str| asked.messages().last().unwrap()["content"].as_str().unwrap().ends_with(word);
    let model = FakeModel::answering(move |asked| match asked {
        asked if says(asked, "long") => {
            Reply::refusing(400, "application/json", r#"{"error":"maximum context length"}"#)
        }
        asked if says(asked, "key") => Reply::refusing(401, "application/json", "{}"),
        asked if says(asked, "busy") => Reply::refusing(429, "application/json", "{}").header("retry-after", "60"),
        asked if says(asked, "cut") => Reply::new().text("The "),
        _ => Reply::saying(["Here."]),
    })
    .await;
    let table = Table::with(&model).await;
    for word in ["long", "key", "busy", "cut"] {
        for _ in 0..5 {
            assert_eq!(of(&table.play(word).await, "error").len(), 1, "{word}");
        }
    }
    assert_eq!(told(&table.play("Hello").await), "Here.");
}

#[tokio::test]
async fn a_model_that_is_down_is_left_alone_and_the_table_is_told_so() {
    let model = FakeModel::answering(|_| Reply::refusing(503, "text/plain", "").header("retry-after", "0")).await;
    let table = Table::with(&model).await;
    for _ in 0..5 {
        table.play("Hello").await;
    }
    let asked = model.requests().len();

    let frames = table.play("Hello?").await;

    let text = of(&frames, "error")[0]["content"].as_str().unwrap();
    assert!(text.contains("has failed 5 times in a row. It is asked again in"), "{text}");
    assert_eq!(model.requests().len(), asked);
}

#[tokio::test]
async fn a_server_that_is_strict_about_options_is_asked_without_them() {
    let strict = |asked: &Asked| match asked.body["stream_options"].is_null() {
        true => Reply::saying(["Here."]),
        false => Reply::refusing(422, "application/json", r#"{"detail": "extra fields not permitted"}"#),
    };
    let model = FakeModel::answering(strict).await;
    let table = Table::with(&model).await;

    assert_eq!(told(&table.play("Hello").await), "Here.");
    assert_eq!(told(&table.play("Hello").await), "Here.");
    assert_eq!(model.requests().len(), 3);
}

#[tokio::test]
async fn too_many_requests_are_told_as_such_when_the_wait_is_too_long() {
    let reply = Reply::refusing(429, "text/html", "<h1>Slow down</h1>").header("retry-after", "3600");
    let frames = fails([reply], 4002).await;
    assert!(of(&frames, "error")[0]["content"].as_str().unwrap().contains("3600 s"));

    let busy = Reply::refusing(429, "application/json", "{}").header("retry-after", "5");
    let model = FakeModel::start([busy]).await;
    let impatient = Config { llm_first_token_timeout: Duration::from_secs(2), ..config(&model) };
    let frames = fails_with(impatient, 4002).await;
    assert!(of(&frames, "error")[0]["content"].as_str().unwrap().contains("5 s"));
}

#[tokio::test]
async fn a_short_wait_is_waited_for_before_the_first_word() {
    let busy = || Reply::refusing(429, "application/json", "{}").header("retry-after", "0");
    let broken = Reply::refusing(503, "text/plain", "").header("retry-after", "0");
    let model = FakeModel::start([busy(), broken, Reply::saying(["Here."])]).await;
    let table = Table::with(&model).await;

    assert_eq!(told(&table.play("Hello").await), "Here.");
    assert_eq!(model.requests().len(), 3);

    let model = FakeModel::start([busy(), busy(), busy(), Reply::saying(["Never heard."])]).await;
    fails_with(config(&model), 4002).await;
    assert_eq!(model.requests().len(), 3);
}

#[tokio::test]
async fn a_model_that_is_not_there_is_an_error() {
    let url = FakeModel::start([]).await.url.clone();
    fails_with(Config { llm_url: Some(url), ..Config::default() }, 4001).await;
}

#[tokio::test]
async fn a_model_that_does_not_begin_and_one_that_stalls_are_timed_out() {
    let short = Duration::from_millis(60);
    let gate = Gate::new();
    let model = FakeModel::start([Reply::new().gate(&gate)]).await;
    fails_with(Config { llm_first_token_timeout: short, ..config(&model) }, 4003).await;

    let model = FakeModel::start([Reply::new().raw(": ping\n\n").text("The ").gate(&gate)]).await;
    let frames = fails_with(Config { llm_token_timeout: short, ..config(&model) }, 4003).await;
    assert_eq!(told(&frames), "The ");
    // The request is not left behind.
    model.ended(1).await;

    let model = FakeModel::start([Reply::new().text("The ").gate(&gate)]).await;
    fails_with(Config { turn_timeout: short, ..config(&model) }, 4003).await;
}

#[tokio::test]
async fn a_turn_is_bounded_in_steps_and_in_tokens() {
    let model = FakeModel::answering(|_| Reply::calling([("a", "get_scene", json!({}))])).await;
    let frames = fails_with(Config { steps_per_turn: 3, ..config(&model) }, 4004).await;
    assert_eq!((model.requests().len(), of(&frames, "tool_result").len()), (3, 3));

    let words = "word ".repeat(100);
    let model = FakeModel::start([Reply::saying([words.as_str(); 100])]).await;
    let frames = fails_with(Config { tokens_per_turn: 1000, ..config(&model) }, 4004).await;
    assert!(told(&frames).len() < 5000);
}
