//! A table that is linked to a board game: it is told what happens there, and its model takes the decisions of its side.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Frames, Table, config, of};
use fake_model::{Asked, FakeModel, Reply};
use proto::{
    fsm::v1::{
        CreateGameRequest, Decider, ListDecisionsRequest, SendEventRequest, SetDeciderRequest,
        fsm_service_client::FsmServiceClient,
    },
    orchestrator::v1::LinkGameRequest,
};
use serde_json::{Value, json};
use service_kit::{
    Peers, Transport,
    client::in_process,
    status::{ErrorCode, Failure},
    testing::TestDatabase,
};
use tokio_util::sync::CancellationToken;

struct Linked {
    table: Table,
    games: FsmServiceClient<Transport>,
}

async fn peers(database: &TestDatabase) -> Peers {
    let peers = common::peers(database).await;
    let config = fsm::Config::default();
    let games = fsm::start(config, &database.config, peers.clone(), CancellationToken::new()).await.unwrap();
    peers.with_fsm(in_process(games))
}

async fn start(model: &FakeModel) -> Linked {
    let database = TestDatabase::sqlite();
    let peers = peers(&database).await;
    let mut games = peers.fsm();
    games.create_game(CreateGameRequest { game_id: Some("ring".into()), machine: None }).await.unwrap();
    Linked { table: Table::among(peers, database, config(model)).await, games }
}

impl Linked {
    async fn link(&self, game: &str, side: &str) -> Result<(), tonic::Status> {
        let request = LinkGameRequest { session_id: "s".into(), game_id: Some(game.into()), side: Some(side.into()) };
        self.table.client.clone().link_game(request).await.map(|_| ())
    }

    async fn send(&self, event: &str) {
        let request = SendEventRequest { game_id: Some("ring".into()), event: event.into(), ..Default::default() };
        let answer = self.games.clone().send_event(request).await.unwrap().into_inner();
        assert!(answer.reaction.is_some(), "{answer:?}");
    }
}

/// The frames up to one that tells of an event of the game.
async fn until_event(frames: &mut Frames, event: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    loop {
        let frame = frames.next().await;
        let is_it = frame["type"] == "game_told" && frame["event"] == event;
        seen.push(frame);
        if is_it {
            return seen;
        }
    }
}

#[tokio::test]
async fn what_happens_in_the_game_is_told_at_the_table_once_and_in_order() {
    let model = FakeModel::start([Reply::saying(["So be it."])]).await;
    let linked = start(&model).await;
    linked.send("GAME_OPTIONS_CONFIRMED").await;
    let mut frames = linked.table.listen().await;

    let nowhere = linked.link("nowhere", "shadow").await.unwrap_err();
    linked.link("ring", "shadow").await.unwrap();
    let first = until_event(&mut frames, "GAME_OPTIONS_CONFIRMED").await;
    linked.table.play("How do we stand?").await;

    assert_eq!(Failure::from(&nowhere).code, ErrorCode::NotFound);
    assert_eq!(first[0]["type"], "game_linked");
    let told = first.last().unwrap();
    assert_eq!((&told["sequence"], &told["state"]), (&json!(1), &json!("PHASE_2_FELLOWSHIP_START")), "{told}");
    let system = model.request(0).await.messages()[0]["content"].as_str().unwrap().to_owned();
    assert!(system.contains("- game: ring\n- you play: shadow\n- state: PHASE_2_FELLOWSHIP_START\n"), "{system}");
    let tools = model.request(0).await.body["tools"].clone();
    let is_shown = |name: &str| tools.as_array().unwrap().iter().any(|tool| tool["function"]["name"] == name);
    assert_eq!((is_shown("send_event"), is_shown("answer_decision"), is_shown("create_game")), (true, true, false));
    assert_eq!(of(&linked.table.log().await, "game_told").len(), 1);
}

#[tokio::test]
async fn a_table_that_is_not_linked_has_no_tools_of_the_game() {
    let call = ("a", "send_event", json!({"game_id": "ring", "event": "GAME_OPTIONS_CONFIRMED"}));
    let model = FakeModel::start([Reply::calling([call]), Reply::saying(["No."])]).await;
    let linked = start(&model).await;

    let frames = linked.table.play("Go on").await;

    assert_eq!(of(&frames, "tool_result")[0]["result"]["code"], 6002);
}

#[tokio::test]
async fn the_model_takes_the_decisions_of_its_side_each_once() {
    let answer = |asked: &Asked| {
        let last = asked.messages().last().unwrap();
        let text = last["content"].as_str().unwrap_or_default();
        let Some((_, rest)) = text.split_once("decision_id \"") else { return Reply::saying(["Because."]) };
        let decision = rest.split('"').next().unwrap();
        let choice = text.lines().nth(2).unwrap().split_once(": ").unwrap().0.trim();
        // Another game than the table's own is not for it to name.
        let arguments = json!({"game_id": "other", "decision_id": decision, "choice_id": choice});
        Reply::calling([("a", "answer_decision", arguments)])
    };
    let model = FakeModel::answering(answer).await;
    let linked = start(&model).await;
    let decisions = async || {
        let request = ListDecisionsRequest { game_id: Some("ring".into()) };
        linked.games.clone().list_decisions(request).await.unwrap().into_inner().decisions
    };
    let decider =
        Decider { side: "table".into(), kind: "model".into(), timeout_seconds: Some(3600), ..Default::default() };
    let request = SetDeciderRequest { game_id: Some("ring".into()), decider: Some(decider) };
    linked.games.clone().set_decider(request).await.unwrap();
    if decisions().await.is_empty() {
        linked.send("GAME_OPTIONS_CONFIRMED").await;
    }
    let mut frames = linked.table.listen().await;
    linked.link("ring", "table").await.unwrap();

    // Whatever the game asks of this side first is answered, and the game goes on.
    let turn = frames.until("complete").await;

    let asked = of(&turn, "player_message")[0];
    assert_eq!(asked["name"], "the board game");
    let result = &of(&turn, "tool_result")[0]["result"];
    assert_eq!(result["outcome"], "ACCEPTED", "{result}, of {:?}", decisions().await);
}
