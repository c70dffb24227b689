//! What is agreed at a table: lines and veils, the pause card, facts, lore, the model and what it costs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::{fs, time::Duration};

use common::{Table, config, of, said, told, types};
use fake_model::{Asked, FakeModel, Gate, Reply};
use orchestrator::Config;
use proto::orchestrator::v1::{
    DeleteLoreRequest, FindLoreRequest, ForgetFactRequest, GetMemoryRequest, GetTableRequest, GetUsageRequest,
    ListLoreRequest, ListModelsRequest, PauseTableRequest, Phrases, PinFactRequest, SetLoreRequest, SetModelRequest,
    SetTableRequest, Table as Agreed, TestModelRequest,
};
use serde_json::{Value, json};
use service_kit::{
    status::{ErrorCode, Failure},
    testing::TestDatabase,
};
use tonic::Status;

fn code<T: std::fmt::Debug>(refused: Result<T, Status>) -> ErrorCode {
    Failure::from(&refused.unwrap_err()).code
}

fn phrases(items: &[&str]) -> Option<Phrases> {
    Some(Phrases { items: items.iter().map(|&item| item.into()).collect() })
}

async fn set(table: &Table, request: SetTableRequest) -> Result<Agreed, Status> {
    let request = SetTableRequest { session_id: "s".into(), ..request };
    Ok(table.client.clone().set_table(request).await?.into_inner())
}

async fn pause(table: &Table, on: bool) -> Agreed {
    let request = PauseTableRequest { session_id: "s".into(), on, name: None };
    table.client.clone().pause_table(request).await.unwrap().into_inner()
}

/// The system context of a request.
fn system(asked: &Asked) -> String {
    asked.messages()[0]["content"].as_str().unwrap().to_owned()
}

/// A campaign with this title; its id.
async fn campaign(table: &Table, title: &str) -> String {
    let made = table.call_tool("create_campaign", json!({"title": title, "description": "Saeder-Krupp is behind it."}));
    made.await.unwrap()["campaign_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn lines_and_veils_are_told_to_the_model_and_survive_a_restart() {
    let model = FakeModel::start([Reply::saying(["Yes."])]).await;
    let table = Table::with(&model).await;
    let lines = phrases(&["harm to\nchildren", " "]);
    set(&table, SetTableRequest { lines, veils: phrases(&["torture"]), ..Default::default() }).await.unwrap();
    set(&table, SetTableRequest { strict: Some(true), ..Default::default() }).await.unwrap();

    let table = table.restarted(config(&model)).await;
    table.play("Hello").await;

    let told = system(&model.request(0).await);
    assert!(told.contains("- harm to children\n") && told.contains("not show it\n- torture\n"), "{told}");
    let request = GetTableRequest { session_id: "s".into() };
    let agreed = table.client.clone().get_table(request).await.unwrap().into_inner();
    assert_eq!((agreed.lines, agreed.strict), (vec!["harm to children".to_owned()], true));
    assert_eq!(of(&table.log().await, "table_set").len(), 2);
}

#[tokio::test]
async fn while_the_pause_card_lies_on_the_table_no_story_is_told() {
    let gate = Gate::new();
    let first = Reply::new().text("Once").gate(&gate).end("stop");
    let model = FakeModel::start([first, Reply::saying(["Two."])]).await;
    let table = Table::with(&model).await;
    let mut frames = table.listen().await;
    table.chat("1").await;
    frames.until("narrative").await;
    table.chat("2").await;

    assert!(pause(&table, true).await.paused);
    let ended = frames.until("complete").await;
    let refused = table.say(said()).await;
    assert!(!pause(&table, false).await.paused);
    let second = frames.until("complete").await;

    assert_eq!(
        (types(&ended), &ended[2]["content"]),
        (vec!["player_message", "paused", "complete"], &json!("Cancelled"))
    );
    assert_eq!(code(refused), ErrorCode::Conflict);
    assert_eq!(types(&second), ["paused", "processing", "narrative", "complete"]);
    assert_eq!(told(&second), "Two.");
}

#[tokio::test]
async fn a_pinned_fact_is_told_in_every_turn_until_it_is_forgotten() {
    let by_call = Reply::calling([("a", "pin_fact", json!({"text": "Oak has promised to come back"}))]);
    let model =
        FakeModel::start([by_call, Reply::saying(["Noted."]), Reply::saying(["Yes."]), Reply::saying(["?"])]).await;
    let table = Table::with(&model).await;
    let pin = PinFactRequest { session_id: Some("s".into()), text: "Mister J lies".into(), by: Some("Gerd".into()) };
    table.play("I promise to come back").await;
    let memory = table.client.clone().pin_fact(pin).await.unwrap().into_inner();
    table.play("Hello").await;
    let fact_id = memory.facts[1].fact_id.clone();
    let forget = ForgetFactRequest { session_id: "s".into(), fact_id };
    table.client.clone().forget_fact(forget.clone()).await.unwrap();
    table.play("Hello").await;

    assert_eq!((memory.facts[0].by.as_str(), memory.facts[1].by.as_str()), ("the game master", "Gerd"));
    let (second, third) = (system(&model.request(2).await), system(&model.request(3).await));
    assert!(second.contains("- Oak has promised to come back\n- Mister J lies\n"), "{second}");
    assert!(third.contains("- Oak has promised") && !third.contains("Mister J"), "{third}");
    assert_eq!(code(table.client.clone().forget_fact(forget).await), ErrorCode::NotFound);
}

#[tokio::test]
async fn what_falls_out_of_the_window_becomes_facts_with_the_events_they_come_from() {
    let model = FakeModel::answering(|_| Reply::saying(["The rain falls."])).await;
    let table = Table::with(&model).await;
    for turn in 0..17 {
        table.play(&format!("message {turn}")).await;
        let asked = system(&model.request(turn).await);
        // Nothing is cut in silence, whether or not it is a fact already.
        assert_eq!(
            asked.contains("A player: \u{201C}message 0\u{201D} \u{2192} The rain falls."),
            11 <= turn + 1,
            "{turn}"
        );
    }

    let request = GetMemoryRequest { session_id: "s".into() };
    let memory = table.client.clone().get_memory(request).await.unwrap().into_inner();
    let log = table.log().await;

    assert_eq!((memory.facts.len(), memory.window), (5, 20));
    assert!(memory.facts.iter().all(|fact| fact.by == "rule" && fact.seqs.len() == 2), "{memory:?}");
    let source = log.iter().find(|frame| frame["seq"] == memory.facts[1].seqs[0]).unwrap();
    assert_eq!(source["message"], "message 1");
    let source = log.iter().find(|frame| frame["seq"] == memory.facts[1].seqs[1]).unwrap();
    assert_eq!(source["type"], "narrative");
}

#[tokio::test]
async fn a_cheap_model_may_sum_up_and_a_rule_steps_in_when_it_fails() {
    for fails in [false, true] {
        let answer = move |asked: &Asked| match asked.body["model"].as_str() {
            Some("cheap") if fails => Reply::refusing(400, "text/plain", "no"),
            Some("cheap") => Reply::saying(["- The group waits in the rain.\n\n* Nobody comes."]),
            _ => Reply::saying(["The rain falls."]),
        };
        let model = FakeModel::answering(answer).await;
        let table = Table::set_up(Config { llm_memory: Some("cheap".into()), ..config(&model) }).await;
        let mut frames = table.listen().await;
        for turn in 0..15 {
            table.chat(&format!("message {turn}")).await;
            frames.until("complete").await;
        }

        let remembered = frames.until("remembered").await.pop().unwrap();

        let texts: Vec<&str> =
            remembered["facts"].as_array().unwrap().iter().map(|fact| fact["text"].as_str().unwrap()).collect();
        match fails {
            false => assert_eq!(texts, ["The group waits in the rain.", "Nobody comes."]),
            true => assert_eq!(texts.len(), 5),
        }
        assert_eq!(remembered["facts"][0]["seqs"].as_array().unwrap().len(), if fails { 2 } else { 10 });
    }
}

#[tokio::test]
async fn a_campaign_tells_its_state_and_the_lore_that_the_story_comes_to() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    let table = Table::set_up(Config { lore_tokens: 60, ..config(&model) }).await;
    let id = campaign(&table, "Dark Rain").await;
    let state = json!({
        "campaign_id": "dark rain", "current_situation": "The team waits.", "objectives": [{"objective": "Find Grog"}],
    });
    table.call_tool("update_campaign_state", state).await.unwrap();
    let npc =
        json!({"campaign_id": id, "name": "Dodger", "role": "decker", "location": "the docks", "relevance": "current"});
    table.call_tool("register_npc", npc).await.unwrap();
    let lore = |title: &str, text: &str, always| SetLoreRequest {
        campaign_id: "Dark Rain".into(),
        title: title.into(),
        text: text.into(),
        keywords: vec!["the arc".into()],
        always: Some(always),
    };
    let mut client = table.client.clone();
    client.set_lore(lore("The year", "It is 2056.", true)).await.unwrap();
    client.set_lore(lore("Renraku Arcology", "A black pyramid.", false)).await.unwrap();
    client.set_lore(lore("Basement", &"Nobody comes back from there. ".repeat(20), false)).await.unwrap();
    set(&table, SetTableRequest { campaign_id: Some("dark rain".into()), ..Default::default() }).await.unwrap();
    let mut frames = table.listen().await;

    table.chat("Where is the Arc?").await;
    let frames = frames.all_until("complete").await;
    let asked = system(&model.request(0).await);
    let find = FindLoreRequest { query: "basement".into(), session_id: Some("s".into()) };
    let found = client.find_lore(find).await.unwrap().into_inner().entries;
    let gone =
        client.delete_lore(DeleteLoreRequest { campaign_id: id.clone(), title: "the YEAR".into() }).await.unwrap();
    let book = client.list_lore(ListLoreRequest { campaign_id: id }).await.unwrap().into_inner();

    for expected in [
        "- title: Dark Rain\n",
        "- hidden from the players: Saeder-Krupp is behind it.\n",
        "- situation: The team waits.\n",
        "- objective: Find Grog\n",
        "- Dodger: decker, active, the docks\n",
        "- The year: It is 2056.\n- Renraku Arcology: A black pyramid.\n- (find_lore tells more of: Basement)\n",
    ] {
        assert!(asked.contains(expected), "{expected} in {asked}");
    }
    let start = of(&frames, "telemetry").into_iter().find(|frame| frame["event"] == "grok_api_call_start").unwrap();
    let told = &start["data"]["context"]["lore"];
    assert_eq!((&told["budget"], &told["left_out"]), (&json!(60), &json!(["Basement"])));
    assert_eq!(found[0].title, "Basement");
    assert!(gone.into_inner().deleted);
    assert_eq!((book.entries.len(), book.token_budget), (2, 60));
    let unknown = SetTableRequest { campaign_id: Some("nowhere".into()), ..Default::default() };
    assert_eq!(code(set(&table, unknown).await), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_campaign_and_a_table_have_prompts_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Dark Rain.txt"), "You whisper.").unwrap();
    fs::write(folder.path().join("noir.txt"), "You smoke.").unwrap();
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    let table = Table::set_up(Config { prompts: Some(folder.path().into()), ..config(&model) }).await;
    campaign(&table, "Dark Rain").await;

    let frames = table.play("1").await;
    set(&table, SetTableRequest { campaign_id: Some("Dark Rain".into()), ..Default::default() }).await.unwrap();
    table.play("2").await;
    let agreed = set(&table, SetTableRequest { prompt: Some("Noir".into()), ..Default::default() }).await.unwrap();
    let last = table.play("3").await;

    let begins: Vec<bool> = (0..3)
        .zip(["You are the game master", "You whisper.", "You smoke."])
        .map(|(at, words)| system(&model.requests()[at]).starts_with(words))
        .collect();
    assert_eq!(begins, [true; 3]);
    assert_eq!(last[1]["prompt"], json!(agreed.prompt_version));
    assert_ne!(frames[1]["prompt"], last[1]["prompt"]);
    assert_eq!(agreed.prompts, ["Dark Rain", "noir"]);
    let unknown = set(&table, SetTableRequest { prompt: Some("pulp".into()), ..Default::default() }).await.unwrap_err();
    assert!(unknown.message().contains("this server has Dark Rain, noir"), "{unknown}");
}

fn choose(provider: &str) -> SetModelRequest {
    SetModelRequest { session_id: "s".into(), provider: provider.into(), ..Default::default() }
}

#[tokio::test]
async fn a_table_chooses_its_model_and_the_key_is_never_told() {
    let server = FakeModel::answering(|_| Reply::saying(["The server's."])).await;
    let other = FakeModel::answering(|_| Reply::saying(["Another."])).await;
    for database in TestDatabase::each().await {
        let own = Config { llm_api_key: Some("server-key".into()), ..config(&server) };
        let table = Table::on(database, own.clone()).await;
        let openai = SetModelRequest {
            url: Some(format!("{}/", other.url)),
            model: Some("other".into()),
            key: Some("hush".into()),
            ..choose("openai")
        };
        let chosen = table.client.clone().set_model(openai.clone()).await.unwrap().into_inner();
        let first = table.play("1").await;
        let table = table.restarted(own).await;
        let second = table.play("2").await;
        // Without a key it keeps the one that it has; another address gets none.
        let same = SetModelRequest { key: None, ..openai };
        table.client.clone().set_model(same.clone()).await.unwrap();
        table.play("3").await;
        let moved = SetModelRequest { url: Some("http://127.0.0.1:9/v1".into()), ..same };
        let moved = table.client.clone().set_model(moved).await.unwrap().into_inner();
        table.client.clone().set_model(choose("house")).await.unwrap();
        let house = table.play("Roll 3 dice against 4").await;
        table.client.clone().set_model(choose("server")).await.unwrap();
        let last = table.play("5").await;

        assert_eq!(
            (told(&first), told(&second), told(&last)),
            ("Another.".into(), "Another.".into(), "The server's.".into())
        );
        assert_eq!(of(&house, "tool_result").len(), 1);
        let keys: Vec<String> = other.requests().iter().map(|asked| asked.header("authorization").to_owned()).collect();
        assert!(keys.iter().all(|key| key == "Bearer hush"), "{keys:?}");
        assert_eq!(server.requests().last().unwrap().header("authorization"), "Bearer server-key");
        let model = chosen.model.unwrap();
        assert_eq!((model.model.as_str(), model.has_key, model.house_steps_in), ("other", true, true));
        assert!(!moved.model.unwrap().has_key);
        assert!(!json!(table.log().await).to_string().contains("hush"));
    }
}

#[tokio::test]
async fn the_trial_of_a_model_says_whether_its_server_takes_tools() {
    let model = FakeModel::answering(|asked| match asked.body["tools"].is_null() {
        true => Reply::saying(["Hello."]),
        false => Reply::refusing(400, "application/json", r#"{"error": "this model does not support tools"}"#),
    })
    .await;
    let table = Table::set_up(Config::default()).await;
    let trial = TestModelRequest {
        provider: "openai".into(),
        url: Some(model.url.clone()),
        model: Some("m".into()),
        ..Default::default()
    };

    let tried = table.client.clone().test_model(trial).await.unwrap().into_inner();

    assert_eq!((tried.ok, tried.reply.as_str(), tried.takes_tools), (true, "Hello.", false), "{tried:?}");
}

#[tokio::test]
async fn a_model_is_tried_before_it_is_chosen() {
    let model = FakeModel::answering(|asked| match asked.header("authorization") {
        "Bearer right" => Reply::saying(["I am here."]),
        _ => Reply::refusing(401, "application/json", r#"{"error": "secret words"}"#),
    })
    .await;
    let table = Table::set_up(Config::default()).await;
    let trial = |key: &str| TestModelRequest {
        provider: "openai".into(),
        url: Some(model.url.clone()),
        model: Some("m".into()),
        key: Some(key.into()),
        ..Default::default()
    };
    let mut client = table.client.clone();

    let right = client.test_model(trial("right")).await.unwrap().into_inner();
    let wrong = client.test_model(trial("wrong")).await.unwrap().into_inner();
    let house = TestModelRequest { provider: "house".into(), ..Default::default() };
    let house = client.test_model(house).await.unwrap().into_inner();
    let nowhere = TestModelRequest { url: Some("nowhere".into()), ..trial("right") };
    let models = client.list_models(ListModelsRequest {}).await.unwrap().into_inner();

    assert_eq!((right.ok, right.reply.as_str(), right.takes_tools), (true, "I am here.", true));
    assert!(!wrong.ok && wrong.error.contains("HTTP 401") && !wrong.error.contains("secret"), "{wrong:?}");
    assert!(house.ok && !house.reply.is_empty() && house.takes_tools, "{house:?}");
    assert_eq!(code(client.test_model(nowhere).await), ErrorCode::InvalidInput);
    assert_eq!(models.server.unwrap().model, "house");
    assert!(models.known.iter().any(|known| known.name == "Ollama on this machine" && !known.needs_key));
}

#[tokio::test]
async fn what_a_turn_costs_is_told_added_up_and_limited() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    for database in TestDatabase::each().await {
        let prices = vec![price()];
        let limited = Config { llm_prices: prices, dollars_per_session: Some(0.05), ..config(&model) };
        let table = Table::on(database, limited).await;

        let first = table.play("1").await;
        let usage = GetUsageRequest { session_id: Some("s".into()) };
        let report = table.client.clone().get_usage(usage).await.unwrap().into_inner();
        let mut ends = Vec::new();
        for _ in 0..3 {
            ends.extend(table.play("2").await);
        }

        // 100 tokens read and 20 written, as the fake model says.
        let expected = json!({"prompt_tokens": 100, "completion_tokens": 20, "cost": 0.02});
        assert_eq!(first.last().unwrap()["usage"], expected);
        assert_eq!(report.total.unwrap().cost, 0.02);
        let limit = report.limits.iter().find(|limit| limit.scope == "session").unwrap();
        assert_eq!((limit.unit.as_str(), limit.most, limit.used), ("dollars", 0.05, 0.02));
        let texts: Vec<&Value> = of(&ends, "error").iter().map(|frame| &frame["content"]).collect();
        assert!(texts.iter().all(|text| text.as_str().unwrap().contains("for this table today ($0.05)")), "{texts:?}");
        // As long as anything is left a turn may begin.
        assert_eq!(texts.len(), 1);
    }
}

/// $1,000 for a million tokens written.
fn price() -> orchestrator::ModelPrice {
    "fake=0/1000".parse().unwrap()
}

#[tokio::test]
async fn a_narration_without_support_is_sent_back_once_in_strict_mode() {
    let look = Reply::new().call(0, Some("a"), Some("get_scene"), "{}").end("tool_calls");
    let lie = || Reply::saying(["You score 4 successes."]);
    let model = FakeModel::start([look, lie(), lie()]).await;
    let table = Table::with(&model).await;
    set(&table, SetTableRequest { strict: Some(true), ..Default::default() }).await.unwrap();
    let mut frames = table.resume(0, None).await;
    frames.until("table_set").await;

    table.chat("I wait").await;
    let frames = frames.until("complete").await;

    let told: Vec<&str> = types(&frames).into_iter().filter(|kind| !kind.starts_with("tool_")).collect();
    let expected = ["player_message", "processing", "narrative", "retract", "system", "narrative", "complete"];
    assert_eq!(told, expected);
    let asked = model.request(2).await;
    let [.., result, said, note] = asked.messages() else { panic!("{asked:?}") };
    // Behind a tool's result stands what the model said, and only then the answer to it.
    assert_eq!((&result["role"], &said["content"]), (&json!("tool"), &json!("You score 4 successes.")));
    let note = note["content"].as_str().unwrap();
    assert!(note.starts_with("[the checker of this table] ") && note.contains("4 successes"), "{note}");
    // It is sent back once; what it says then stands, and is marked, although the note has named the number.
    assert_eq!(frames.last().unwrap()["claims"], json!([{"text": "4 successes", "kind": "roll"}]));
}

#[tokio::test]
async fn the_dead_and_other_peoples_characters_are_marked_when_they_act() {
    let model = FakeModel::start([Reply::saying(["Block draws his gun, and Oak shouts in pain."])]).await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.unwrap();
    table.add_character("Block").await.unwrap();
    table.call_tool("apply_damage", json!({"character_name": "Block", "boxes": 40})).await.unwrap();
    let mut frames = table.listen().await;
    let request = proto::orchestrator::v1::ChatRequest { character: Some("Platinum".into()), ..said() };

    table.say(request).await.unwrap();
    let frames = frames.until("complete").await;

    let claims = &frames.last().unwrap()["claims"];
    assert_eq!(claims[0], json!({"text": "Block draws", "kind": "dead"}), "{claims}");
    assert_eq!(claims[1], json!({"text": "Oak shouts", "kind": "puppet"}), "{claims}");
    let told = system(&model.request(0).await);
    assert!(told.contains("they neither act nor speak\n- Block\n"), "{told}");
}

#[tokio::test]
async fn an_answer_that_is_cut_at_its_greatest_length_is_told_as_such() {
    let cut = Reply::new().text("And then").call(0, Some("a"), Some("get_scene"), "").end("length");
    let model = FakeModel::start([cut, Reply::new().text("the end").end("length")]).await;
    let table = Table::with(&model).await;

    let frames = table.play("A story").await;

    let notes = of(&frames, "system");
    assert!(notes.len() == 2 && notes[0]["content"].as_str().unwrap().contains("greatest length"), "{notes:?}");
    assert_eq!(of(&frames, "tool_result")[0]["result"]["code"], 3003);
    assert_eq!(of(&frames, "complete").len(), 1);
}

#[tokio::test]
async fn a_turn_that_runs_may_end_when_the_server_shuts_down() {
    let gate = Gate::new();
    let model = FakeModel::start([Reply::new().text("Once").gate(&gate).text(" more.").end("stop")]).await;
    let table = Table::set_up(Config { grace: Duration::from_secs(60), ..config(&model) }).await;
    let mut frames = table.listen().await;
    table.chat("1").await;
    frames.until("narrative").await;

    table.shutdown.cancel();
    gate.open();

    let rest = frames.until("complete").await;
    assert_eq!((told(&rest).as_str(), of(&rest, "error").len()), (" more.", 0));
    assert!(frames.end().await.is_none());
}
