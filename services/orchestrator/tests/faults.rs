//! Servers of models at their worst: whatever they send, a turn has exactly one end, and log and sheets agree.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::Duration;

use common::{Table, config, of, told};
use fake_model::{FakeModel, Gate, Reply};
use orchestrator::Config;
use serde_json::{Value, json};

/// Plays a turn that is answered so, and checks what must hold whatever the answer was. Answers its frames.
async fn plays(replies: Vec<Reply>) -> Vec<Value> {
    let model = FakeModel::start(replies).await;
    plays_with(config(&model)).await
}

async fn plays_with(config: Config) -> Vec<Value> {
    let table = Table::set_up(config).await;
    table.add_character("Oak").await.unwrap();
    let before = table.log().await.len();
    let mut frames = table.resume(0, None).await;
    for _ in 0..before {
        frames.next().await;
    }

    table.chat("Hello").await;
    let frames = frames.until("complete").await;

    let log = table.log().await;
    assert_eq!(of(&log, "complete").len(), 1, "{log:?}");
    assert_eq!(log.last().unwrap()["type"], "complete");
    assert_eq!(told(&frames), told(&log), "what was told is what is logged");
    assert_eq!(of(&frames, "tool_result"), of(&log, "tool_result"));
    assert_eq!(of(&log, "tool_call").len(), of(&log, "tool_result").len());
    // Each effect that the log tells of stands on the sheet, and no other.
    let nuyen: i64 = of(&log, "tool_result").iter().filter_map(|frame| frame["result"]["amount"].as_i64()).sum();
    let sheet = table.call_tool("get_character", json!({"character_name": "Oak"})).await.unwrap();
    let sample = Table::set_up(Config::default()).await;
    let untouched = sample.call_tool("get_character", json!({"character_name": "Oak"})).await.unwrap();
    assert_eq!(sheet["nuyen"].as_i64().unwrap() - untouched["nuyen"].as_i64().unwrap(), nuyen);
    frames
}

/// The code of the one error of a turn.
fn code(frames: &[Value]) -> u64 {
    let errors = of(frames, "error");
    assert_eq!(errors.len(), 1, "{frames:?}");
    errors[0]["code"].as_u64().unwrap()
}

fn is_well(frames: &[Value]) {
    assert!(of(frames, "error").is_empty(), "{frames:?}");
}

fn pay(amount: u32) -> String {
    json!({"character_name": "Oak", "amount": amount, "reason": "found"}).to_string()
}

#[tokio::test]
async fn too_many_requests_without_a_word_of_when() {
    let busy = || Reply::refusing(429, "application/json", "{}");
    is_well(&plays(vec![busy(), Reply::saying(["Here."])]).await);
    assert_eq!(code(&plays(vec![busy(), busy(), busy()]).await), 4002);
}

#[tokio::test]
async fn too_many_requests_with_a_word_of_when() {
    let busy = |after: &str| Reply::refusing(429, "application/json", "{}").header("retry-after", after);
    is_well(&plays(vec![busy("0"), Reply::saying(["Here."])]).await);
    assert_eq!(code(&plays(vec![busy("3600")]).await), 4002);
}

#[tokio::test]
async fn failures_of_the_server_and_pages_for_people() {
    let broken = || Reply::refusing(500, "text/html", "<h1>500</h1>").header("retry-after", "0");
    is_well(&plays(vec![broken(), Reply::saying(["Here."])]).await);
    assert_eq!(code(&plays(vec![broken(), broken(), broken()]).await), 4001);
    assert_eq!(code(&plays(vec![Reply::refusing(200, "text/html", "<h1>Log in</h1>")]).await), 4004);
}

#[tokio::test]
async fn nobody_there() {
    let url = FakeModel::start([]).await.url.clone();
    assert_eq!(code(&plays_with(Config { llm_url: Some(url), ..Config::default() }).await), 4001);
}

#[tokio::test]
async fn no_first_word_and_a_stall_in_the_middle() {
    let (gate, short) = (Gate::new(), Duration::from_millis(60));
    let model = FakeModel::start([Reply::new().gate(&gate)]).await;
    assert_eq!(code(&plays_with(Config { llm_first_token_timeout: short, ..config(&model) }).await), 4003);
    let model = FakeModel::start([Reply::new().text("The ").gate(&gate)]).await;
    assert_eq!(code(&plays_with(Config { llm_token_timeout: short, ..config(&model) }).await), 4003);
}

#[tokio::test]
async fn an_answer_cut_in_text_is_withdrawn_or_told_as_broken_off() {
    let cut = || Reply::new().text("The ganger ");
    assert_eq!(code(&plays(vec![cut()]).await), 4004);
    let model = FakeModel::start([cut(), Reply::saying(["He runs."])]).await;
    let frames = plays_with(Config { llm_restarts: 1, ..config(&model) }).await;
    is_well(&frames);
    assert_eq!(of(&frames, "retract").len(), 1);
}

#[tokio::test]
async fn an_answer_cut_in_arguments_pays_once_when_it_is_asked_for_again() {
    let model = FakeModel::start([
        Reply::new().text("Well, ").call(0, Some("a"), Some("add_nuyen"), &pay(5)[..20]).cut(),
        Reply::new().call(0, Some("a"), Some("add_nuyen"), &pay(5)).end("tool_calls"),
        Reply::saying(["Paid."]),
    ])
    .await;
    let frames = plays_with(Config { llm_restarts: 1, ..config(&model) }).await;
    assert_eq!(of(&frames, "tool_call").len(), 1);
}

#[tokio::test]
async fn a_call_of_which_a_piece_cannot_be_read_is_not_made() {
    let (begun, rest) = (r#"{"character_name": "Oak", "amount": 1"#, r#", "reason": "found"}"#);
    let torn = Reply::new()
        .call(0, Some("a"), Some("add_nuyen"), begun)
        .raw("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"000\n\n")
        .call(0, None, None, rest)
        .end("tool_calls");
    let frames = plays(vec![torn.clone()]).await;
    assert_eq!((code(&frames), of(&frames, "tool_call").len()), (4004, 0));

    let whole = Reply::new().call(0, Some("a"), Some("add_nuyen"), &pay(1000)).end("tool_calls");
    let model = FakeModel::start([torn, whole, Reply::saying(["Paid."])]).await;
    let frames = plays_with(Config { llm_restarts: 1, ..config(&model) }).await;
    is_well(&frames);
    assert_eq!(of(&frames, "tool_result")[0]["result"]["amount"], 1000);
}

#[tokio::test]
async fn a_sign_of_life_among_arguments_is_no_piece_of_them() {
    let arguments = pay(5);
    let (first, second) = arguments.split_at(20);
    let paying = Reply::new()
        .call(0, Some("a"), Some("add_nuyen"), first)
        .raw("data: ping\n\n: ping\n\ndata: \n\n")
        .call(0, None, None, second)
        .end("tool_calls");
    is_well(&plays(vec![paying, Reply::saying(["Paid."])]).await);
}

#[tokio::test]
async fn bytes_that_are_no_text_and_characters_in_halves_lose_nothing_else() {
    let chunk = |content: &[u8]| [b"data: {\"choices\":[{\"delta\":{\"content\":\"", content, b"\"}}]}\n\n"].concat();
    let reply = Reply::new()
        .raw(chunk(b"Hi "))
        .raw(chunk(b"x\xC3y "))
        .raw(chunk(br"\ud83d"))
        .raw(chunk(br"\ude00 done."))
        .call(0, Some("a"), Some("add_nuyen"), &pay(5))
        .end("tool_calls");
    let frames = plays(vec![reply, Reply::saying([""])]).await;
    is_well(&frames);
    assert_eq!((told(&frames).as_str(), of(&frames, "tool_result").len()), ("Hi x\u{FFFD}y \u{1F600} done.", 1));
}

#[tokio::test]
async fn a_failure_told_within_the_answer_is_asked_for_again() {
    for failure in [
        "data: {\"error\":{\"message\":\"overloaded\",\"code\":529}}\n\ndata: [DONE]\n\n",
        "event: error\ndata: {\"reason\":\"upstream\"}\n\ndata: [DONE]\n\n",
        "event: error\ndata: upstream failed (reset)\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
    ] {
        let failing = Reply::new().text("The ganger ").raw(failure);
        let frames = plays(vec![failing.clone()]).await;
        assert_eq!(code(&frames), 4001, "{failure}");
        assert!(!of(&frames, "error")[0].to_string().contains("HTTP"), "{failure}");

        let model = FakeModel::start([failing, Reply::saying(["He runs."])]).await;
        let frames = plays_with(Config { llm_restarts: 1, ..config(&model) }).await;
        is_well(&frames);
        assert_eq!(of(&frames, "retract").len(), 1, "{failure}");
    }
}

#[tokio::test]
async fn chunks_that_come_twice() {
    let whole = |reply: Reply| reply.call(0, Some("a"), Some("add_nuyen"), &pay(7));
    let frames = plays(vec![whole(whole(Reply::new())).end("tool_calls"), Reply::saying(["Paid."])]).await;
    // The call is one, however often it is sent.
    assert_eq!(of(&frames, "tool_call").len(), 1);
    assert_eq!(of(&frames, "tool_result")[0]["failed"], false);
    is_well(&plays(vec![Reply::saying(["Ha ", "Ha "]).end("stop")]).await);
}

#[tokio::test]
async fn usage_without_choices_arguments_as_an_object_and_reasons_that_nobody_knows() {
    let call = json!([{"index": 0, "id": "a", "function": {"name": "add_nuyen", "arguments": {
        "character_name": "Oak", "amount": 3, "reason": "found",
    }}}]);
    let paying = Reply::new()
        .chunk(json!({"usage": {"prompt_tokens": 3, "completion_tokens": 1}}))
        .delta(json!({"tool_calls": call}))
        .usage(5, 5)
        .finish("because")
        .done();
    let frames = plays(vec![paying, Reply::saying(["Paid."]).finish("whatever")]).await;
    is_well(&frames);
    assert_eq!(of(&frames, "tool_result")[0]["failed"], false);
}

#[tokio::test]
async fn a_mebibyte_of_text() {
    let word = "rain ".repeat(200);
    let pieces: Vec<&str> = std::iter::repeat_n(word.as_str(), 1_049).collect();
    let model = FakeModel::start([Reply::saying(pieces.clone())]).await;
    let frames = plays_with(Config { tokens_per_turn: 1_000_000, ..config(&model) }).await;
    is_well(&frames);
    assert!(1 << 20 <= told(&frames).len());

    let model = FakeModel::start([Reply::saying(pieces)]).await;
    assert_eq!(code(&plays_with(config(&model)).await), 4004);
}

#[tokio::test]
async fn a_thousand_calls_of_tools() {
    let calls = (0..1000)
        .fold(Reply::new(), |reply, index| reply.call(index, Some(&format!("c{index}")), Some("add_nuyen"), &pay(1)));
    let frames = plays(vec![calls.end("tool_calls"), Reply::saying(["Phew."])]).await;
    is_well(&frames);
    let done = of(&frames, "tool_result").iter().filter(|frame| frame["failed"] == false).count();
    assert_eq!((of(&frames, "tool_result").len(), done), (64, 32));
}
