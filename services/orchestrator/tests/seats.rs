//! Several people at a table: seats, whispers, spectators, and what the game master's seat may do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Frames, Table, config, of, said, types};
use fake_model::{FakeModel, Gate, Reply};
use proto::orchestrator::v1::{
    ApproveRequest, ChatRequest, JoinRequest, OverrideRequest, SubscribeRequest, TakeOverRequest, WhisperRequest,
};
use serde_json::{Value, json};
use service_kit::status::{ErrorCode, Failure};
use tonic::Status;

/// Connects somebody and seats him.
async fn seated(table: &Table, name: &str, seat: &str) -> Frames {
    let mut frames = connected(table, name).await;
    join(table, name, name, seat).await.unwrap();
    let told = frames.until("presence").await;
    assert_eq!(told.last().unwrap()["name"], name);
    frames
}

async fn connected(table: &Table, connection: &str) -> Frames {
    let connection_id = Some(connection.to_owned());
    table.subscribe(SubscribeRequest { session_id: "s".into(), connection_id, ..Default::default() }).await
}

async fn join(table: &Table, connection: &str, name: &str, seat: &str) -> Result<(), Status> {
    let request = JoinRequest {
        session_id: "s".into(),
        connection_id: connection.into(),
        name: name.into(),
        seat: Some(seat.into()),
        character: None,
    };
    table.client.clone().join(request).await.map(|_| ())
}

async fn whisper(table: &Table, from: &str, to: &str) -> Result<(), Status> {
    let request =
        WhisperRequest { session_id: "s".into(), connection_id: from.into(), to: to.into(), message: "psst".into() };
    table.client.clone().whisper(request).await.map(|_| ())
}

fn code<T: std::fmt::Debug>(refused: Result<T, Status>) -> ErrorCode {
    Failure::from(&refused.unwrap_err()).code
}

#[tokio::test]
async fn everybody_is_told_who_comes_and_goes() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let mut anna = seated(&table, "Anna", "player").await;
    let bert = seated(&table, "Bert", "spectator").await;

    let came = anna.next().await;
    drop(bert);
    let left = anna.next().await;

    let told = |frame: &Value| (frame["name"].clone(), frame["present"].clone(), frame["reason"].clone());
    assert_eq!(told(&came), (json!("Bert"), json!(true), json!("joined")));
    assert_eq!((told(&left), &left["seat"]), ((json!("Bert"), json!(false), json!("left")), &json!("spectator")));
}

#[tokio::test]
async fn who_listens_anew_keeps_his_seat() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let mut gerd = seated(&table, "Gerd", "game_master").await;
    let anna = seated(&table, "Anna", "player").await;
    gerd.until("presence").await;

    let mut again = connected(&table, "Anna").await;
    drop(anna);
    whisper(&table, "Anna", "gerd").await.unwrap();

    assert_eq!(gerd.next().await["type"], "whisper");
    assert_eq!(again.next().await["type"], "whisper");
}

#[tokio::test]
async fn a_restart_empties_the_seats() {
    let model = FakeModel::start([]).await;
    let table = Table::with(&model).await;
    let _anna = seated(&table, "Anna", "player").await;

    let table = table.restarted(config(&model)).await;
    table.session().await;

    let last = table.log().await.pop().unwrap();
    assert_eq!(
        (&last["name"], &last["present"], &last["reason"]),
        (&json!("Anna"), &json!(false), &json!("server restarted"))
    );
}

#[tokio::test]
async fn a_whisper_is_heard_by_those_two_and_the_game_masters_seat() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let mut anna = seated(&table, "Anna", "player").await;
    let mut bert = seated(&table, "Bert", "player").await;
    let mut carl = seated(&table, "Carl", "player").await;
    let mut gerd = seated(&table, "Gerd", "game_master").await;

    whisper(&table, "Anna", "bert").await.unwrap();
    table.add_character("Oak").await.unwrap();

    for frames in [&mut anna, &mut bert, &mut gerd] {
        let heard = frames.until("system").await;
        let whisper = of(&heard, "whisper")[0];
        assert_eq!((&whisper["from"], &whisper["to"]), (&json!("Anna"), &json!("Bert")));
        assert_eq!(whisper["visible_to"], json!(["Anna", "Bert"]));
    }
    assert!(of(&carl.until("system").await, "whisper").is_empty());
    assert!(of(&table.log().await, "whisper").is_empty());
    assert!(of(&table.resume(0, None).await.until("system").await, "whisper").is_empty());
    assert_eq!(code(whisper(&table, "Anna", "Nobody").await), ErrorCode::NotFound);
    assert_eq!(code(whisper(&table, "stranger", "Anna").await), ErrorCode::Forbidden);
}

#[tokio::test]
async fn one_name_is_one_person_in_any_case() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let mut anna = seated(&table, "Anna", "player").await;
    let mut bert = seated(&table, "Bert", "player").await;
    let mut other = connected(&table, "second").await;
    join(&table, "second", "ANNA", "player").await.unwrap();

    whisper(&table, "Bert", "anna").await.unwrap();

    for heard in [&mut anna, &mut bert, &mut other] {
        let whisper = heard.until("whisper").await.pop().unwrap();
        assert_eq!((&whisper["from"], &whisper["to"]), (&json!("Bert"), &json!("Anna")));
    }
}

#[tokio::test]
async fn whoever_plays_a_character_calls_him_as_he_likes() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let mut frames = connected(&table, "a").await;
    let sits = |character: &str| JoinRequest {
        session_id: "s".into(),
        connection_id: "a".into(),
        name: "Anna".into(),
        seat: None,
        character: Some(character.into()),
    };

    let unknown = table.client.clone().join(sits("Nobody")).await;
    table.client.clone().join(sits("oak")).await.unwrap();

    assert_eq!(code(unknown), ErrorCode::CharacterNotFound);
    assert_eq!(frames.until("presence").await.pop().unwrap()["character"], "Oak");
}

#[tokio::test]
async fn a_player_speaks_under_his_name_and_a_spectator_not_at_all() {
    let model = FakeModel::start([Reply::saying(["Hi."])]).await;
    let table = Table::with(&model).await;
    let mut anna = seated(&table, "Anna", "player").await;
    let _bert = seated(&table, "Bert", "spectator").await;

    let chat = |connection: &str| ChatRequest { connection_id: Some(connection.into()), ..said() };
    assert_eq!(code(table.say(chat("Bert")).await), ErrorCode::Forbidden);
    table.say(ChatRequest { name: Some("Gerd".into()), ..chat("Anna") }).await.unwrap();

    anna.until("complete").await;
    assert_eq!(model.request(0).await.messages().last().unwrap()["content"], "[Anna] Hello");
}

#[tokio::test]
async fn the_game_masters_seat_is_for_one() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let gerd = seated(&table, "Gerd", "game_master").await;
    let mut anna = seated(&table, "Anna", "player").await;

    assert_eq!(code(join(&table, "Anna", "Anna", "game_master").await), ErrorCode::Conflict);
    drop(gerd);
    anna.until("presence").await;
    join(&table, "Anna", "Anna", "game_master").await.unwrap();
    assert_eq!(anna.until("presence").await[0]["reason"], "changed seat");
}

#[tokio::test]
async fn a_roll_is_overridden_visibly_and_the_model_learns_of_it() {
    let model = FakeModel::start([Reply::saying(["So be it."])]).await;
    let table = Table::with(&model).await;
    let mut gerd = seated(&table, "Gerd", "game_master").await;
    let _anna = seated(&table, "Anna", "player").await;
    let rolled = table.call_tool("roll_dice", json!({"pool": 3, "target_number": 4})).await.unwrap();
    let rule = async |connection: &str, roll_id: &str| {
        let request = OverrideRequest {
            session_id: "s".into(),
            connection_id: connection.into(),
            roll_id: roll_id.into(),
            result: "2 successes".into(),
            reason: "a cocked die".into(),
        };
        table.client.clone().r#override(request).await
    };
    let roll_id = rolled["roll_id"].as_str().unwrap();

    assert_eq!(code(rule("Anna", roll_id).await), ErrorCode::Forbidden);
    assert_eq!(code(rule("Gerd", "none").await), ErrorCode::NotFound);
    rule("Gerd", roll_id).await.unwrap();

    let ruling = gerd.until("roll_overridden").await.pop().unwrap();
    assert_eq!((&ruling["by"], &ruling["reason"]), (&json!("Gerd"), &json!("a cocked die")));
    table.chat("Hello").await;
    let asked = model.request(0).await;
    assert!(
        asked.messages()[1]["content"].as_str().unwrap().contains("counts as: 2 successes"),
        "{:?}",
        asked.messages()
    );
}

#[tokio::test]
async fn a_person_may_narrate_in_place_of_the_model() {
    let model = FakeModel::start([Reply::saying(["I am back."])]).await;
    let table = Table::with(&model).await;
    let mut gerd = seated(&table, "Gerd", "game_master").await;
    let mut anna = seated(&table, "Anna", "player").await;
    let take_over = async |connection: &str, on| {
        let request = TakeOverRequest { session_id: "s".into(), connection_id: connection.into(), on };
        table.client.clone().take_over(request).await
    };
    let say = |connection: &str| ChatRequest { connection_id: Some(connection.into()), ..said() };

    assert_eq!(code(take_over("Anna", true).await), ErrorCode::Forbidden);
    take_over("Gerd", true).await.unwrap();
    table.say(say("Anna")).await.unwrap();
    let asked = anna.until("complete").await;
    table.say(ChatRequest { message: "The door opens.".into(), ..say("Gerd") }).await.unwrap();
    let told = anna.until("complete").await;
    take_over("Gerd", false).await.unwrap();
    table.say(say("Anna")).await.unwrap();
    anna.until("complete").await;

    assert_eq!(types(&asked), ["taken_over", "processing", "complete"]);
    assert_eq!(
        (types(&told), &told[1]["content"]),
        (vec!["processing", "narrative", "complete"], &json!("The door opens."))
    );
    assert_eq!(model.requests().len(), 1);
    let asked = model.request(0).await;
    let contents: Vec<_> = asked.messages()[1..].iter().map(|message| message["content"].clone()).collect();
    assert_eq!(contents, ["[Anna] Hello", "The door opens.", "[Anna] Hello"]);
    gerd.until("complete").await;
}

/// A tool of a table that a person must agree to; none as long as the contract has none.
fn confirmed() -> Option<String> {
    let catalogue = proto::catalogue::Catalogue::ours();
    let is_fit = |tool: &&proto::catalogue::Tool| tool.confirm && tool.service().contains("character");
    catalogue.iter().find(is_fit).map(|tool| tool.name.clone())
}

#[tokio::test]
async fn a_call_marked_confirm_waits_for_the_game_masters_seat() {
    let Some(tool) = confirmed() else { return };
    for allow in [false, true] {
        let model =
            FakeModel::start([Reply::calling([("a", tool.as_str(), json!({}))]), Reply::saying(["Done."])]).await;
        let table = Table::with(&model).await;
        let mut gerd = seated(&table, "Gerd", "game_master").await;
        table.chat("Away with him").await;
        let waiting = gerd.until("approval_requested").await.pop().unwrap();
        assert_eq!((&waiting["tool"], &waiting["call_id"]), (&json!(tool), &json!("a")));

        let request = ApproveRequest {
            session_id: "s".into(),
            connection_id: "Gerd".into(),
            call_id: "a".into(),
            allow,
            reason: Some("I say so".into()),
        };
        table.client.clone().approve(request.clone()).await.unwrap();

        let rest = gerd.until("complete").await;
        assert_eq!((&rest[0]["type"], &rest[0]["by"]), (&json!("approval"), &json!("Gerd")));
        // Allowed, it reaches its service, which misses its arguments.
        assert_eq!(of(&rest, "tool_result")[0]["result"]["code"] == 6002, !allow, "{rest:?}");
        assert_eq!(code(table.client.clone().approve(request).await), ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn without_a_game_masters_seat_such_calls_are_refused() {
    let Some(tool) = confirmed() else { return };
    let model = FakeModel::start([Reply::calling([("a", tool.as_str(), json!({}))]), Reply::saying(["Done."])]).await;
    let table = Table::with(&model).await;

    let frames = table.play("Away with him").await;

    assert_eq!(of(&frames, "tool_result")[0]["result"]["code"], 6002);
}

#[tokio::test]
async fn a_call_that_waits_can_be_cancelled() {
    let gate = Gate::new();
    let Some(tool) = confirmed() else { return };
    let model = FakeModel::start([Reply::calling([("a", tool.as_str(), json!({}))]), Reply::new().gate(&gate)]).await;
    let table = Table::with(&model).await;
    let mut gerd = seated(&table, "Gerd", "game_master").await;
    table.chat("Away with him").await;
    gerd.until("approval_requested").await;

    let request = proto::orchestrator::v1::CancelTurnRequest { session_id: "s".into(), connection_id: None };
    assert!(table.client.clone().cancel_turn(request).await.unwrap().into_inner().cancelled);

    let rest = gerd.until("complete").await;
    assert_eq!(rest.last().unwrap()["content"], "Cancelled");
}

#[tokio::test]
async fn who_acts_when_is_told_to_the_table() {
    let table = Table::with(&FakeModel::start([]).await).await;
    let participants = json!([{"name": "Oak", "notation": "1d6+3"}, {"name": "Ganger", "notation": "1d6+5"}]);

    let rolled = table.call_tool("track_initiative", json!({"characters": participants})).await.unwrap();

    let log = table.log().await;
    assert_eq!(of(&log, "turn_order")[0]["order"], rolled["characters"]);
}
