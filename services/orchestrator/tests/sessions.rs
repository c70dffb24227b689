//! Sessions: what is kept, what a subscriber reads, tools and scenes at a table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Table, config, of, said, told, types};
use fake_model::{FakeModel, Gate, Reply};
use proto::orchestrator::v1::{
    ChatRequest, CreateSessionRequest, GetSceneRequest, GetSessionRequest, ListEventsRequest, ListSessionsRequest,
    RemoveCharacterRequest, SubscribeRequest, UpdateSceneRequest,
};
use serde_json::{Value, json};
use service_kit::{
    status::{ErrorCode, Failure},
    testing::TestDatabase,
};

#[tokio::test]
async fn creating_a_session_again_empties_nothing() {
    let model = FakeModel::start([Reply::saying(["Hi."])]).await;
    let table = Table::with(&model).await;
    table.play("Hello").await;
    let before = table.session().await;

    let request = CreateSessionRequest { session_id: Some("s".into()) };
    let again = table.client.clone().create_session(request).await.unwrap().into_inner();
    let made = table.client.clone().create_session(CreateSessionRequest::default()).await.unwrap().into_inner();

    assert_eq!((again, before.message_count), (before, 2));
    let all = table.client.clone().list_sessions(ListSessionsRequest::default()).await.unwrap().into_inner().sessions;
    assert_eq!(
        all.iter().map(|session| session.session_id.as_str()).collect::<Vec<_>>(),
        [made.session_id.as_str(), "s"]
    );
}

#[tokio::test]
async fn a_session_that_is_not_there_is_not_found() {
    let table = Table::with(&FakeModel::start([]).await).await;

    let missing = table.client.clone().get_session(GetSessionRequest { session_id: "s".into() }).await.unwrap_err();

    assert_eq!(Failure::from(&missing).code, ErrorCode::NotFound);
}

#[tokio::test]
async fn characters_come_and_go() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let mut frames = table.listen().await;

    let added = table.add_character("pLATINUM").await.unwrap();
    let again = table.add_character("Platinum").await.unwrap();
    let request =
        || RemoveCharacterRequest { session_id: "s".into(), character: "platinum".into(), connection_id: None };
    let removed = table.client.clone().remove_character(request()).await.unwrap().into_inner();
    let nobody = table.client.clone().remove_character(request()).await.unwrap().into_inner();

    assert_eq!((&added.characters, added.last_seq), (&vec!["Platinum".to_owned()], 1));
    assert_eq!(again, added);
    assert!(removed.changed && removed.session.unwrap().characters.is_empty() && !nobody.changed);
    assert_eq!(frames.next().await["content"], "Added Platinum to session");
    assert_eq!(frames.next().await["content"], "Removed Platinum from session");
}

#[tokio::test]
async fn an_unknown_character_is_told_with_those_that_exist() {
    let table = Table::with(&FakeModel::start([]).await).await;

    let failure = Failure::from(&table.add_character("Nobody").await.unwrap_err());

    assert_eq!(failure.code, ErrorCode::CharacterNotFound);
    assert!(failure.details["available_characters"].as_array().unwrap().contains(&json!("Platinum")));
    assert_eq!(table.session().await.last_seq, 0);
}

#[tokio::test]
async fn everything_survives_a_restart_on_every_database() {
    for database in TestDatabase::each().await {
        let replies = [Reply::saying(["One."]), Reply::saying(["Two."])];
        let model = FakeModel::start(replies).await;
        let table = Table::on(database, config(&model)).await;
        table.add_character("Platinum").await.unwrap();
        table.call_tool("update_scene", json!({"target": "ganger"})).await.unwrap();
        table.play("1").await;
        let (session, log) = (table.session().await, table.log().await);
        assert_eq!(session.last_seq, log.last().unwrap()["seq"].as_u64().unwrap());

        let table = table.restarted(config(&model)).await;

        assert_eq!((table.session().await, table.log().await), (session, log));
        table.play("2").await;
        let asked = model.request(1).await;
        let contents: Vec<_> = asked.messages()[1..].iter().map(|message| message["content"].clone()).collect();
        assert_eq!(contents, ["1", "One.", "2"]);
        assert!(asked.messages()[0]["content"].as_str().unwrap().contains(r#"{"target":"ganger"}"#));
    }
}

#[tokio::test]
async fn a_turn_that_a_crash_broke_off_is_taken_up_when_the_server_starts_again() {
    let gate = Gate::new();
    let model =
        FakeModel::start([Reply::new().text("Once").gate(&gate), Reply::saying(["Again."]), Reply::saying(["Two."])])
            .await;
    let table = Table::with(&model).await;
    let mut frames = table.listen().await;
    table.chat("1").await;
    frames.until("narrative").await;

    // The first process is not told: it is as good as dead.
    let table = table.restarted(config(&model)).await;
    let resumed = table.resume(0, None).await.until("complete").await;

    let log = table.log().await;
    let expected = ["player_message", "processing", "narrative", "retract", "processing", "narrative", "complete"];
    assert_eq!((types(&log), types(&resumed)), (expected.to_vec(), expected.to_vec()));
    assert_eq!((&log[3]["retracted_seq"], &log[4]["attempt"]), (&log[2]["seq"], &json!(2)));
    assert_eq!(types(&table.play("2").await).last(), Some(&"complete"));
    let asked = model.request(2).await;
    let contents: Vec<_> = asked.messages()[1..].iter().map(|message| message["content"].clone()).collect();
    assert_eq!(contents, ["1", "Again.", "2"]);
}

#[tokio::test]
async fn who_has_lost_a_session_to_another_writes_no_more() {
    let gate = Gate::new();
    let first = Reply::new().text("Once").gate(&gate).text(" more").end("stop");
    let model = FakeModel::start([first, Reply::saying(["Again."])]).await;
    let first = Table::with(&model).await;
    let mut frames = first.listen().await;
    first.chat("1").await;
    frames.until("narrative").await;
    let client = first.client.clone();

    let second = first.restarted(config(&model)).await;
    second.resume(0, None).await.until("complete").await;
    let log = second.log().await;
    gate.open();

    assert_eq!(frames.end().await.unwrap().code(), tonic::Code::Unavailable);
    assert_eq!(second.log().await, log);
    drop(client);
}

/// The transcript by (seq, offset): what a reader has at the end, whichever way it came.
fn transcript(frames: &[Value]) -> Vec<(u64, String, String)> {
    let mut lines: Vec<(u64, String, String)> = Vec::new();
    let logged = frames.iter().filter(|frame| frame["seq"].is_u64());
    for frame in logged {
        let (seq, kind) = (frame["seq"].as_u64().unwrap(), frame["type"].as_str().unwrap().to_owned());
        match lines.last_mut() {
            Some(last) if last.0 == seq => {
                assert_eq!(frame["offset"], last.2.chars().count(), "a gap or a duplicate in {seq}");
                last.2.push_str(frame["content"].as_str().unwrap());
            }
            last => {
                assert!(last.is_none_or(|last| last.0 < seq), "{seq} comes late");
                lines.push((seq, kind, frame["content"].as_str().unwrap_or_default().to_owned()));
            }
        }
    }
    lines
}

#[tokio::test]
async fn a_reader_resumes_in_the_middle_of_a_narration_without_gap_or_duplicate() {
    let gates: Vec<Gate> = (0..6).map(|_| Gate::new()).collect();
    let pieces = ["Ein ", "Käfer ", "kriecht ", "über ", "den ", "Tisch."];
    let reply = pieces.iter().zip(&gates).fold(Reply::new(), |reply, (text, gate)| reply.text(text).gate(gate));
    let model = FakeModel::start([reply.end("stop")]).await;
    let table = Table::with(&model).await;
    let mut whole = table.listen().await;
    table.chat("?").await;
    let mut seen = whole.until("narrative").await;

    let mut resumed = Vec::new();
    for gate in &gates {
        let last = seen.last().unwrap();
        let (seq, offset) = (last["seq"].as_u64().unwrap(), last["offset"].as_u64().unwrap());
        let length = last["content"].as_str().unwrap().chars().count() as u64;
        // From before the narration, from within the piece, and from behind it.
        for at in [offset, offset + 2, offset + length] {
            resumed.push((seen.clone(), (seq, at), table.resume(seq, Some(at)).await));
        }
        resumed.push((seen.clone(), (seq - 1, 0), table.resume(seq - 1, None).await));
        gate.open();
        let next = if gate.is_same(gates.last().unwrap()) { "complete" } else { "narrative" };
        seen.extend(whole.until(next).await);
    }

    let expected = transcript(&seen);
    assert_eq!(transcript(&table.log().await), expected);
    for (before, (seq, offset), mut frames) in resumed {
        let rest = frames.until("complete").await;
        let mut joined: Vec<Value> = before
            .into_iter()
            .filter(|frame| frame["seq"].as_u64().unwrap() <= seq)
            .filter_map(|mut frame| {
                if frame["seq"] == seq && frame["type"] == "narrative" {
                    let keep = offset.saturating_sub(frame["offset"].as_u64().unwrap());
                    let kept: String = frame["content"].as_str().unwrap().chars().take(keep as usize).collect();
                    (!kept.is_empty()).then(|| frame["content"] = kept.into())?;
                }
                Some(frame)
            })
            .collect();
        joined.extend(rest);
        assert_eq!(transcript(&joined), expected, "resumed after ({seq}, {offset})");
    }
}

#[tokio::test]
async fn what_others_do_in_the_middle_of_a_narration_keeps_the_order() {
    let gate = Gate::new();
    let model = FakeModel::start([Reply::new().text("One ").gate(&gate).text("two.").end("stop")]).await;
    let table = Table::with(&model).await;
    let mut frames = table.listen().await;
    table.chat("?").await;
    let mut seen = frames.until("narrative").await;
    table.add_character("Oak").await.unwrap();
    gate.open();

    seen.extend(frames.until("complete").await);

    assert_eq!(types(&seen), ["player_message", "processing", "narrative", "system", "narrative", "complete"]);
    assert_eq!(transcript(&table.log().await), transcript(&seen));
    assert_eq!(told(&seen), "One two.");
    // It was one narration all the same.
    assert_eq!(table.session().await.message_count, 2);
}

#[tokio::test]
async fn an_author_does_not_hear_himself_but_on_resume() {
    let model = FakeModel::start([Reply::saying(["Hi."])]).await;
    let table = Table::with(&model).await;
    let listen = |connection: &str, after_seq| SubscribeRequest {
        session_id: "s".into(),
        after_seq,
        connection_id: Some(connection.into()),
        ..Default::default()
    };
    let mut author = table.subscribe(listen("a", None)).await;
    let mut other = table.subscribe(listen("b", None)).await;

    table.say(ChatRequest { connection_id: Some("a".into()), name: Some("Anna".into()), ..said() }).await.unwrap();

    assert_eq!(types(&author.until("complete").await), ["processing", "narrative", "complete"]);
    let heard = other.until("complete").await;
    assert_eq!((&heard[0]["type"], &heard[0]["name"]), (&json!("player_message"), &json!("Anna")));
    let resumed = table.subscribe(listen("a", Some(0))).await.until("complete").await;
    assert_eq!(types(&resumed), ["resumed", "player_message", "processing", "narrative", "complete"]);
}

#[tokio::test]
async fn a_reader_is_told_whether_he_was_recovered() {
    let model = FakeModel::start([Reply::saying(["Hi."])]).await;
    let table = Table::with(&model).await;
    table.play("Hello").await;
    let after =
        |after_seq| SubscribeRequest { session_id: "s".into(), after_seq: Some(after_seq), ..Default::default() };

    let known = table.subscribe(after(2)).await.next().await;
    let unknown = table.subscribe(after(99)).await.next().await;

    assert_eq!((&known["recovered"], &known["last_seq"], &known["epoch"]), (&json!(true), &json!(4), &json!(1)));
    assert_eq!(unknown["recovered"], false);
}

#[tokio::test]
async fn a_reader_who_is_too_slow_is_let_go_with_a_reason() {
    let words = vec!["word "; 3000];
    let model = FakeModel::start([Reply::saying(words)]).await;
    let table = Table::with(&model).await;
    let mut slow = table.listen().await;
    let mut quick = table.listen().await;
    table.chat("?").await;

    let seen = quick.until("complete").await;

    let reason = slow.end().await.unwrap();
    assert_eq!(Failure::from(&reason).code, ErrorCode::RateLimited, "{reason}");
    let resumed = table.resume(0, None).await.until("complete").await;
    assert_eq!(transcript(&resumed), transcript(&seen));
}

#[tokio::test]
async fn a_long_log_is_read_in_parts() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    let table = Table::with(&model).await;
    for turn in 0..120 {
        table.play(&format!("{turn}")).await;
    }

    let log = table.log().await;
    let mut frames = table.resume(0, None).await;
    let mut read = Vec::new();
    while read.len() < log.len() {
        read.push(frames.next().await);
    }

    assert!(480 <= log.len() && read == log);
}

#[tokio::test]
async fn a_tool_called_at_a_table_stands_in_its_log() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let mut frames = table.listen().await;

    let rolled = table.call_tool("roll_dice", json!({"pool": 4, "target_number": 5})).await.unwrap();
    table.call_tool("get_character", json!({"character_name": "Oak"})).await.unwrap();
    table.call_tool("update_scene", json!({"light_level": "DIM"})).await.unwrap();

    let roll = frames.next().await;
    assert_eq!((&roll["type"], &roll["tool"], &roll["result"]), (&json!("roll"), &json!("roll_dice"), &rolled));
    let scene = frames.next().await;
    assert_eq!((&scene["type"], &scene["scene"]), (&json!("scene"), &json!({"light_level": "DIM"})));
    assert_eq!(of(&table.log().await, "roll").len(), 1);
}

#[tokio::test]
async fn a_call_that_is_sent_again_stands_in_the_log_once() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let call = async || {
        let arguments = Some(proto::structs::from_json(json!({"pool": 4, "target_number": 5})));
        let message =
            proto::orchestrator::v1::CallToolRequest { session_id: "s".into(), name: "roll_dice".into(), arguments };
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("idempotency-key", "again".parse().unwrap());
        table.client.clone().call_tool(request).await.unwrap().into_inner()
    };

    assert_eq!(call().await, call().await);

    assert_eq!(of(&table.log().await, "roll").len(), 1);
}

#[tokio::test]
async fn a_tool_that_fails_tells_its_caller_and_leaves_no_trace_in_the_log() {
    let table = Table::with(&FakeModel::start([]).await).await;

    let unknown = table.call_tool("fly", json!({})).await.unwrap_err();
    let refused = table.call_tool("roll_dice", json!({"pool": 0})).await.unwrap_err();

    assert_eq!(Failure::from(&unknown).code, ErrorCode::ToolNotFound);
    assert_eq!(Failure::from(&refused).code, ErrorCode::InvalidToolParams);
    assert_eq!(table.session().await.last_seq, 0);
}

#[tokio::test]
async fn a_scene_changes_in_parts_and_only_changes_are_logged() {
    let table = Table::with(&FakeModel::start([]).await).await;
    table.client.clone().create_session(CreateSessionRequest { session_id: Some("s".into()) }).await.unwrap();
    let update = |request: UpdateSceneRequest| {
        let mut client = table.client.clone();
        async move {
            let answer = client.update_scene(UpdateSceneRequest { session_id: Some("s".into()), ..request }).await?;
            Ok::<_, tonic::Status>(proto::structs::to_json(answer.into_inner().scene.unwrap()))
        }
    };
    let target =
        || UpdateSceneRequest { target: Some("troll".into()), target_distance: Some(30), ..Default::default() };

    update(target()).await.unwrap();
    update(target()).await.unwrap();
    let forget = UpdateSceneRequest {
        location: Some("bar".into()),
        forget: vec!["target_distance".into()],
        ..Default::default()
    };
    let scene = update(forget).await.unwrap();

    assert_eq!(scene, json!({"location": "bar", "target": "troll"}));
    assert_eq!(table.session().await.last_seq, 2);
    let unknown =
        update(UpdateSceneRequest { forget: vec!["weather".into()], ..Default::default() }).await.unwrap_err();
    assert!(unknown.message().contains("a scene has location, target"), "{unknown}");
    let dark =
        update(UpdateSceneRequest { light_level: Some("PITCH".into()), ..Default::default() }).await.unwrap_err();
    assert_eq!(Failure::from(&dark).code, ErrorCode::InvalidInput);
}

#[tokio::test]
async fn a_scene_keeps_foes_and_their_wounds_by_name() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let foes = |foes: Value| table.call_tool("update_scene", json!({"foes": foes}));

    foes(json!([{"name": "ganger 1"}, {"name": "ganger 2", "note": "has a knife"}])).await.unwrap();
    let hurt = foes(json!([{"name": "GANGER 1", "physical": 6}])).await.unwrap();
    let gone = table.call_tool("update_scene", json!({"forget": ["foes"]})).await.unwrap();
    let nobody = foes(json!([{"name": "ghost", "stun": 11}])).await.unwrap_err();

    let expected = json!([
        {"name": "ganger 1", "physical": 6, "stun": 0},
        {"name": "ganger 2", "physical": 0, "stun": 0, "note": "has a knife"},
    ]);
    assert_eq!(hurt["scene"]["foes"], expected);
    assert_eq!(gone["scene"], json!({}));
    assert_eq!(Failure::from(&nobody).code, ErrorCode::InvalidToolParams);
}

#[tokio::test]
async fn a_scene_is_that_of_the_callers_table() {
    let table = Table::with(&FakeModel::start([]).await).await;
    table.call_tool("update_scene", json!({"session_id": "another", "location": "bar"})).await.unwrap();

    let mut request = tonic::Request::new(GetSceneRequest { session_id: None });
    request.metadata_mut().insert("session-id", "s".parse().unwrap());
    let scene = table.client.clone().get_scene(request).await.unwrap().into_inner().scene.unwrap();
    let nowhere = table.client.clone().get_scene(GetSceneRequest { session_id: None }).await.unwrap_err();

    assert_eq!(proto::structs::to_json(scene), json!({"location": "bar"}));
    assert_eq!(Failure::from(&nowhere).code, ErrorCode::MissingRequiredField);
}

#[tokio::test]
async fn a_tool_is_found_by_what_it_does() {
    let table = Table::with(&FakeModel::start([]).await).await;

    let found = table.call_tool("find_tool", json!({"query": "Cast a SPELL"})).await.unwrap();
    let nothing = table.call_tool("find_tool", json!({"query": "?!"})).await.unwrap();
    let missing = table.call_tool("find_tool", json!({})).await.unwrap_err();

    assert_eq!(found["tools"][0]["name"], "cast_spell");
    assert!(found["tools"][0]["parameters"]["properties"]["force"].is_object());
    assert_eq!(nothing, json!({"tools": []}));
    assert_eq!(Failure::from(&missing).code, ErrorCode::MissingRequiredField);
}

#[tokio::test]
async fn the_log_in_parts_never_splits_a_narration() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    let table = Table::with(&model).await;
    for _ in 0..3 {
        table.play("?").await;
    }
    let whole = table.log().await;

    for limit in 1..5 {
        let (mut read, mut after_seq) = (Vec::new(), 0);
        loop {
            let request = ListEventsRequest { session_id: "s".into(), after_seq: Some(after_seq), limit: Some(limit) };
            let page = table.client.clone().list_events(request).await.unwrap().into_inner();
            let Some(last) = page.events.last() else { break };
            after_seq = last.seq;
            read.extend(page.events.iter().map(proto::frame::to_frame));
        }
        assert_eq!(read, whole, "{limit} at a time");
    }
}
