//! A model that is slow to begin is asked a second time, if that is configured.

mod common;

use std::time::Duration;

use common::{Table, config, of, told};
use fake_model::{FakeModel, Gate, Reply};
use orchestrator::Config;
use serde_json::Value;

async fn hedging(model: &FakeModel) -> Table {
    Table::set_up(Config { llm_hedge_after: Some(Duration::from_millis(20)), ..config(model) }).await
}

/// What a turn has read and written, by its last frame.
fn usage(frames: &[Value]) -> (&Value, &Value) {
    let usage = &of(frames, "complete")[0]["usage"];
    (&usage["prompt_tokens"], &usage["completion_tokens"])
}

#[tokio::test]
async fn the_first_to_answer_is_told_and_the_other_one_let_go_and_paid_for() {
    let gate = Gate::new();
    let slow = Reply::new().gate(&gate).text("Too late.").end("stop");
    let model = FakeModel::start([slow, Reply::saying(["Here I am."])]).await;
    let table = hedging(&model).await;

    let frames = table.play("Hello?").await;

    assert_eq!(told(&frames), "Here I am.");
    // The gate was never opened: that answer has ended because nobody listens to it any more.
    model.ended(2).await;
    assert_eq!((model.requests().len(), of(&frames, "complete").len()), (2, 1));
    assert_eq!(usage(&frames), (&200.into(), &20.into()));
}

#[tokio::test]
async fn who_was_asked_first_may_still_be_the_first_to_answer() {
    let (first, second) = (Gate::new(), Gate::new());
    let model = FakeModel::start([
        Reply::new().gate(&first).text("The first.").end("stop"),
        Reply::new().gate(&second).text("The second.").end("stop"),
    ])
    .await;
    let table = hedging(&model).await;
    let mut frames = table.listen().await;
    table.chat("Hello?").await;
    second.reached().await;

    first.open();

    let frames = frames.until("complete").await;
    assert_eq!(told(&frames), "The first.");
    model.ended(2).await;
}

#[tokio::test]
async fn when_one_of_the_two_fails_the_other_one_is_waited_for() {
    let gate = Gate::new();
    let slow = Reply::new().gate(&gate).text("At last.").end("stop");
    let model = FakeModel::start([slow, Reply::refusing(400, "text/plain", "no")]).await;
    let table = hedging(&model).await;
    let mut frames = table.listen().await;
    table.chat("Hello?").await;
    model.request(1).await;

    gate.open();

    let frames = frames.until("complete").await;
    assert_eq!((told(&frames).as_str(), of(&frames, "error").len()), ("At last.", 0));
}

#[tokio::test]
async fn nobody_is_asked_twice_unless_that_is_configured() {
    let gate = Gate::new();
    let slow = Reply::new().gate(&gate).text("Here.").end("stop");
    let model = FakeModel::start([slow]).await;
    let table = Table::with(&model).await;
    let mut frames = table.listen().await;
    table.chat("Hello?").await;
    gate.reached().await;

    gate.open();

    let frames = frames.until("complete").await;
    assert_eq!((told(&frames).as_str(), model.requests().len()), ("Here.", 1));
}
