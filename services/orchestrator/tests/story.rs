//! Stories as a whole: taken back, branched, told as text, named and put away.

mod common;

use common::{Table, of};
use fake_model::{FakeModel, Gate, Reply};
use proto::orchestrator::v1::{
    ArchiveSessionRequest, BranchSessionRequest, DeleteSessionRequest, ExportTranscriptRequest, GetSessionRequest,
    ListEventsRequest, ListSessionsRequest, RenameSessionRequest, TakeBackRequest, TakeBackResponse,
};
use serde_json::{Value, json};
use service_kit::status::{ErrorCode, Failure};
use tonic::Status;

async fn take_back(table: &Table, again: bool) -> Result<TakeBackResponse, Status> {
    let request = TakeBackRequest { session_id: "s".into(), again: Some(again) };
    Ok(table.client.clone().take_back(request).await?.into_inner())
}

fn contents(model: &FakeModel, request: usize) -> Vec<Value> {
    let asked = &model.requests()[request];
    asked.messages()[1..].iter().map(|message| message["content"].clone()).collect()
}

#[tokio::test]
async fn a_turn_that_is_taken_back_is_forgotten_with_its_scene() {
    let scene = json!({"target": "troll"});
    let replies = [
        Reply::saying(["One."]),
        Reply::calling([("a", "update_scene", scene)]),
        Reply::saying(["Two."]),
        Reply::saying(["Three."]),
    ];
    let model = FakeModel::start(replies).await;
    let table = Table::with(&model).await;
    table.play("1").await;
    let taken = table.play("2").await[0]["turn_id"].clone();

    let answer = take_back(&table, false).await.unwrap();

    assert_eq!((json!(answer.taken_turn_id), answer.turn_id, answer.not_undone), (taken.clone(), None, vec![]));
    let session = table.session().await;
    assert_eq!((session.message_count, session.scene.unwrap().fields.len()), (2, 0));
    let log = table.log().await;
    let [.., scene, back] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!((&scene["type"], &scene["scene"]), (&json!("scene"), &json!({})));
    assert_eq!((&back["type"], &back["taken_turn_id"]), (&json!("turn_taken_back"), &taken));
    table.play("3").await;
    assert_eq!(contents(&model, 3), ["1", "One.", "3"]);
}

#[tokio::test]
async fn the_same_words_can_be_answered_anew() {
    let model = FakeModel::start([Reply::saying(["Dull."]), Reply::saying(["Better."])]).await;
    let table = Table::with(&model).await;
    table.play("Tell").await;
    let mut frames = table.listen().await;

    let answer = take_back(&table, true).await.unwrap();

    let told = frames.until("complete").await;
    assert_eq!(json!(answer.turn_id.unwrap()), told.last().unwrap()["turn_id"]);
    assert_eq!(common::told(&told), "Better.");
    assert_eq!(contents(&model, 1), ["Tell"]);
    assert_eq!(table.session().await.message_count, 2);
}

#[tokio::test]
async fn what_a_turn_did_to_a_sheet_is_undone_once() {
    // With this force the fixed dice sustain it, or there is nothing to undo; the sheet must be as before in either case.
    let cast = json!({"caster_name": "Oak", "spell_name": "Barrier", "force": 1});
    let model = FakeModel::start([Reply::calling([("a", "cast_spell", cast)]), Reply::saying(["Done."])]).await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.unwrap();
    table.play("Barrier!").await;

    take_back(&table, false).await.unwrap();

    let held = table.call_tool("get_sustained_spells", json!({"character_name": "Oak"})).await.unwrap();
    assert_eq!(held["sustained_spells"], json!([]));
    let refused = take_back(&table, false).await.unwrap_err();
    assert_eq!(Failure::from(&refused).code, ErrorCode::NotFound);
}

#[tokio::test]
async fn money_that_changed_hands_is_given_back_and_what_cannot_be_undone_is_named() {
    let calls = [
        ("a", "add_nuyen", json!({"character_name": "Oak", "amount": 500})),
        ("b", "improve_skill", json!({"character_name": "Oak", "skill_name": "Nothing", "new_rating": 3})),
        ("c", "add_karma", json!({"character_name": "Oak", "amount": 2})),
    ];
    let model = FakeModel::start([Reply::calling(calls), Reply::saying(["Rich."])]).await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.unwrap();
    let frames = table.play("Loot!").await;

    let answer = take_back(&table, false).await.unwrap();

    assert_eq!(answer.not_undone, ["add_karma"]);
    let rich = of(&frames, "tool_result")[0]["result"]["nuyen"].as_i64().unwrap();
    let log = table.log().await;
    let last = of(&log, "character_updated").pop().unwrap().clone();
    assert_eq!(last["changes"]["nuyen"], rich - 500, "{last}");
}

#[tokio::test]
async fn a_turn_that_runs_cannot_be_taken_back() {
    let gate = Gate::new();
    let model = FakeModel::start([Reply::new().text("Once").gate(&gate)]).await;
    let table = Table::with(&model).await;
    let mut frames = table.listen().await;
    table.chat("Tell").await;
    frames.until("narrative").await;

    let refused = take_back(&table, false).await.unwrap_err();

    assert_eq!(Failure::from(&refused).code, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_branch_has_the_story_up_to_its_turn_and_goes_its_own_way() {
    let model = FakeModel::answering(|asked| Reply::saying([format!("To {}.", asked.messages().len()).as_str()])).await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.unwrap();
    let first = table.play("1").await[0]["turn_id"].as_str().unwrap().to_owned();
    table.play("2").await;
    let request =
        BranchSessionRequest { session_id: "s".into(), turn_id: Some(first), new_session_id: Some("other".into()) };

    let branch = table.client.clone().branch_session(request.clone()).await.unwrap().into_inner();

    assert_eq!((branch.message_count, &branch.characters), (2, &vec!["Oak".to_owned()]));
    let events = ListEventsRequest { session_id: "other".into(), after_seq: None, limit: None };
    let copied = table.client.clone().list_events(events).await.unwrap().into_inner().events;
    let log = table.log().await;
    let copied: Vec<Value> = copied.iter().map(proto::frame::to_frame).collect();
    assert_eq!(copied, log[..copied.len()]);
    let again = table.client.clone().branch_session(request).await.unwrap_err();
    assert_eq!(Failure::from(&again).code, ErrorCode::Conflict);
    assert_eq!(table.session().await.message_count, 4);
}

#[tokio::test]
async fn a_transcript_tells_what_was_said_told_and_rolled() {
    let roll = json!({"pool": 3, "target_number": 4});
    let replies = [
        Reply::new()
            .text("Let us ")
            .text("see.")
            .call(0, Some("a"), Some("roll_dice"), &roll.to_string())
            .end("tool_calls"),
        Reply::saying(["A hit."]),
        Reply::saying(["Forget this."]),
    ];
    let model = FakeModel::start(replies).await;
    let table = Table::with(&model).await;
    table.play("I shoot").await;
    table.play("And again").await;
    take_back(&table, false).await.unwrap();

    let request = ExportTranscriptRequest { session_id: "s".into() };
    let text = table.client.clone().export_transcript(request).await.unwrap().into_inner().text;

    let lines: Vec<&str> = text.split("\n\n").collect();
    assert_eq!((lines[0], lines[1], lines[3]), ("Player: I shoot", "Game master: Let us see.", "Game master: A hit."));
    assert!(lines[2].starts_with("[roll_dice: ") && lines.len() == 4, "{text}");
}

#[tokio::test]
async fn a_session_is_named_put_away_and_deleted() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    let table = Table::with(&model).await;
    table.play("1").await;
    let mut client = table.client.clone();

    let title = RenameSessionRequest { session_id: "s".into(), title: "  Night  run ".into() };
    assert_eq!(client.rename_session(title).await.unwrap().into_inner().title, "Night run");
    client.archive_session(ArchiveSessionRequest { session_id: "s".into(), archived: true }).await.unwrap();
    let listed = client.list_sessions(ListSessionsRequest::default()).await.unwrap().into_inner().sessions;
    let with_archived = ListSessionsRequest { include_archived: Some(true) };
    let all = client.list_sessions(with_archived).await.unwrap().into_inner().sessions;
    assert_eq!((listed.len(), all.len(), all[0].title.as_str()), (0, 1, "Night run"));
    table.play("2").await;
    assert_eq!(table.session().await.title, "Night run");

    let mut frames = table.listen().await;
    client.delete_session(DeleteSessionRequest { session_id: "s".into() }).await.unwrap();
    assert_eq!(frames.end().await.map(|status| Failure::from(&status).code), Some(ErrorCode::NotFound));
    let gone = client.get_session(GetSessionRequest { session_id: "s".into() }).await.unwrap_err();
    assert_eq!(Failure::from(&gone).code, ErrorCode::NotFound);
    assert_eq!(of(&table.play("3").await, "complete").len(), 1);
    assert_eq!(table.session().await.message_count, 2);
}

#[tokio::test]
async fn what_a_turn_has_pinned_goes_with_it() {
    let replies = [
        Reply::calling([("a", "pin_fact", json!({"text": "The fixer is dead"}))]),
        Reply::saying(["Noted."]),
        Reply::saying(["And now?"]),
    ];
    let model = FakeModel::start(replies).await;
    let table = Table::with(&model).await;
    table.play("Remember that").await;

    let answer = take_back(&table, false).await.unwrap();
    table.play("Go on").await;

    assert!(answer.not_undone.is_empty(), "{answer:?}");
    let told = model.requests()[2].messages()[0]["content"].to_string();
    assert!(!told.contains("The fixer is dead"), "{told}");
}
