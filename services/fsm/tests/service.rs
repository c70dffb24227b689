//! The service as its callers see it: games, attachments, roles, grace, restarts. Dice are the real dice service's.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

#[expect(dead_code, reason = "the unit tests of the figures use all of it")]
#[path = "../src/tests/wotr_db.rs"]
mod wotr_db;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use prost_types::{Struct, Value, value::Kind};
use proto::fsm::v1::{
    AnswerDecisionRequest, ArchiveGameRequest, AttachRequest, AttachedEvent, BranchGameRequest, CreateGameRequest,
    Decider, DrawGameRequest, Game, GameUpdate, GetGameRequest, Greeting, ListDecisionsRequest, ListGameHistoryRequest,
    ListGamesRequest, Outcome, Output, Reaction, SendEventRequest, SendEventResponse, SendEventsRequest,
    SetDeciderRequest, UndoGameRequest, WatchRequest, fsm_service_client::FsmServiceClient, game_update::Update,
    output,
};
use service_kit::{Peers, Transport, client::in_process, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Streaming};

/// The service over a data folder, which outlives it.
struct Server {
    client: FsmServiceClient<Transport>,
    shutdown: CancellationToken,
}

async fn start_with(folder: &Path, config: fsm::Config) -> Server {
    let database = DatabaseConfig::Folder { path: folder.into(), fsync: false };
    let shutdown = CancellationToken::new();
    let dice = dice::Config { seed: Some(7), ..dice::Config::default() };
    let dice = dice::start(dice, &database, Peers::none(), shutdown.clone()).await.unwrap();
    let peers = Peers::none().with_dice(in_process(dice));
    let routes = fsm::start(config, &database, peers, shutdown.clone()).await.unwrap();
    Server { client: FsmServiceClient::new(in_process(routes)), shutdown }
}

fn config(folder: &Path) -> fsm::Config {
    fsm::Config { wotr_db: folder.join("wotr_game.db"), ..fsm::Config::default() }
}

async fn start(folder: &Path) -> Server {
    start_with(folder, config(folder)).await
}

impl Server {
    async fn attach(&self) -> Player {
        self.attach_as(AttachRequest::default()).await
    }

    async fn attach_as(&self, request: AttachRequest) -> Player {
        let updates = self.client.clone().attach(request).await.unwrap().into_inner();
        Player::greeted(self.client.clone(), updates).await
    }

    async fn send(&self, event: &str) -> SendEventResponse {
        let request = SendEventRequest { event: event.to_owned(), ..SendEventRequest::default() };
        self.client.clone().send_event(request).await.unwrap().into_inner()
    }

    async fn game(&self, game_id: &str) -> Game {
        let request = GetGameRequest { game_id: Some(game_id.to_owned()) };
        self.client.clone().get_game(request).await.unwrap().into_inner().game.unwrap()
    }

    async fn history(&self, game_id: &str) -> Vec<Reaction> {
        let request = ListGameHistoryRequest { game_id: Some(game_id.to_owned()), ..ListGameHistoryRequest::default() };
        self.client.clone().list_game_history(request).await.unwrap().into_inner().entries
    }

    async fn ids(&self) -> Vec<String> {
        let games = self.client.clone().list_games(ListGamesRequest::default()).await.unwrap().into_inner().games;
        let mut ids: Vec<String> = games.into_iter().map(|game| game.game_id).collect();
        ids.sort();
        ids
    }
}

/// Somebody attached.
struct Player {
    client: FsmServiceClient<Transport>,
    updates: Streaming<GameUpdate>,
    greeting: Greeting,
}

impl Player {
    async fn greeted(client: FsmServiceClient<Transport>, mut updates: Streaming<GameUpdate>) -> Player {
        match updates.message().await.unwrap().unwrap() {
            GameUpdate { number: 1, update: Some(Update::Greeting(greeting)) } => Player { client, updates, greeting },
            other => panic!("{other:?}"),
        }
    }

    async fn next(&mut self) -> Update {
        self.updates.message().await.unwrap().expect("the stream goes on").update.unwrap()
    }

    async fn reaction(&mut self) -> Reaction {
        match self.next().await {
            Update::Reaction(reaction) => reaction,
            other => panic!("{other:?}"),
        }
    }

    async fn send(&mut self, event: &str) -> SendEventResponse {
        self.send_json(event, None).await
    }

    async fn send_json(&mut self, event: &str, data: Option<&str>) -> SendEventResponse {
        let request = SendEventRequest {
            event: event.to_owned(),
            data_json: data.map(str::to_owned),
            attachment_id: Some(self.greeting.attachment_id.clone()),
            ..SendEventRequest::default()
        };
        self.client.send_event(request).await.unwrap().into_inner()
    }
}

fn valid_events(outputs: &[Output]) -> Vec<String> {
    let events = |output: &Output| match &output.kind {
        Some(output::Kind::ValidEvents(valid)) => Some(valid.events.clone()),
        _ => None,
    };
    outputs.iter().find_map(events).expect("they are always told")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn the_greeting_tells_state_prompt_and_valid_events() {
    let folder = folder();
    let server = start(folder.path()).await;
    let host = server.attach().await;

    assert_eq!(
        (host.greeting.role.as_str(), host.greeting.game_id.as_str(), host.greeting.sequence),
        ("host", "default", 0)
    );
    let kinds: Vec<_> = host.greeting.outputs.iter().map(|output| output.kind.clone().unwrap()).collect();
    assert_eq!(kinds[0], output::Kind::State("SETUP_GAME_OPTIONS".to_owned()));
    assert!(matches!(&kinds[1], output::Kind::Text(text) if text.contains("Setup")), "{kinds:?}");
    assert_eq!(kinds.len(), 3);
    assert_eq!(valid_events(&host.greeting.outputs)[0], "TOGGLE_LOME");
}

#[tokio::test]
async fn everybody_is_told_the_same_in_the_same_order_the_sender_included() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    let mut client = server.attach().await;
    assert_eq!(client.greeting.role, "client");

    let mut tasks = Vec::new();
    for event in ["VIEW_FP", "VIEW_SA"] {
        for _ in 0..20 {
            let mut sender = server.client.clone();
            let request = SendEventRequest { event: event.to_owned(), ..SendEventRequest::default() };
            tasks.push(tokio::spawn(async move { sender.send_event(request).await.unwrap().into_inner() }));
        }
    }
    for task in tasks {
        assert_eq!(task.await.unwrap().outcome(), Outcome::Accepted);
    }
    let (mut of_host, mut of_client) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        of_host.push(host.reaction().await);
        of_client.push(client.reaction().await);
    }
    let order = |reactions: &[Reaction]| {
        reactions.iter().map(|entry| (entry.sequence, entry.event.clone())).collect::<Vec<_>>()
    };
    assert_eq!(order(&of_host), order(&of_client));
    assert_eq!(order(&of_host), order(&server.history("default").await));
    assert!(of_host.iter().zip(1..).all(|(entry, number)| entry.sequence == number));
}

#[tokio::test]
async fn the_same_event_twice_at_once_is_accepted_once() {
    let folder = folder();
    let server = start(folder.path()).await;
    let (first, second) = tokio::join!(server.send("GAME_OPTIONS_CONFIRMED"), server.send("GAME_OPTIONS_CONFIRMED"));
    let mut outcomes = [first.outcome(), second.outcome()];
    outcomes.sort();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::InvalidTransition]);
    assert_eq!(server.history("default").await.len(), 1);
}

#[tokio::test]
async fn events_that_come_together_are_taken_in_their_order_and_told_after_one_commit() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut player = server.attach().await;
    let event =
        |event: &str, data: Option<&str>| AttachedEvent { event: event.to_owned(), data_json: data.map(str::to_owned) };
    let events = vec![
        event("TOGGLE_LOME", None),
        event("NOBODY_KNOWS_IT", None),
        event("TOGGLE_LOME", Some("{")),
        event("GAME_OPTIONS_CONFIRMED", None),
        event("PIECE_MOVED", None),
    ];

    let request = SendEventsRequest { attachment_id: player.greeting.attachment_id.clone(), events, game_id: None };
    let told = server.client.clone().send_events(request).await.unwrap().into_inner();

    assert_eq!((told.handled, told.failed, told.update_number), (5, false, 5));
    assert_eq!(player.reaction().await.sequence, 1);
    for message in ["Unknown event 'NOBODY_KNOWS_IT'", "Malformed data for event 'TOGGLE_LOME'"] {
        let Update::Refusal(refusal) = player.next().await else { panic!("a refusal comes next") };
        assert_eq!(refusal.message, message);
    }
    let last = player.reaction().await;
    assert_eq!((last.sequence, last.state.as_str()), (2, "PHASE_2_FELLOWSHIP_START"));
    assert_eq!(server.history("default").await.len(), 2);

    server.shutdown.cancel();
    assert_eq!(start(folder.path()).await.game("default").await.sequence, 2, "it is in the database");
}

#[tokio::test]
async fn nobody_but_an_attachment_sends_events_together() {
    let folder = folder();
    let server = start(folder.path()).await;
    let events = vec![AttachedEvent { event: "TOGGLE_LOME".to_owned(), data_json: None }];
    let request = SendEventsRequest { attachment_id: "nobody".to_owned(), events, game_id: None };
    let status = server.client.clone().send_events(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn refusals_reach_their_sender_alone_with_the_exact_text() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    let mut client = server.attach().await;

    for (event, data, message) in [
        ("TEST_EVENT", None, "Unknown event 'TEST_EVENT'"),
        ("FP_PASSES", None, "Invalid state transition from 'SETUP_GAME_OPTIONS' via 'FP_PASSES'"),
        ("VIEW_FP", Some("{ not json"), "Malformed data for event 'VIEW_FP'"),
        ("VIEW_FP", Some("[1, 2]"), "Malformed data for event 'VIEW_FP'"),
        ("TOGGLE_WOME", None, "Host only: 'TOGGLE_WOME'"),
    ] {
        let answer = client.send_json(event, data).await;
        assert_eq!(answer.message, message);
        match client.next().await {
            Update::Refusal(refusal) => {
                assert_eq!((refusal.message.as_str(), refusal.outcome()), (message, answer.outcome()))
            }
            other => panic!("{other:?}"),
        }
    }
    let answer = client.send("PIECE_MOVED").await;
    assert_eq!((answer.outcome(), answer.message.as_str(), answer.update_number), (Outcome::Ignored, "", 6));
    assert_eq!(host.send("TOGGLE_WOME").await.outcome(), Outcome::Accepted);
    assert_eq!(host.reaction().await.sequence, 1, "the host heard of no refusal");
}

#[tokio::test]
async fn the_host_alone_hears_what_is_for_his_client() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    let mut client = server.attach().await;
    host.send_json("GAME_OPTIONS_CONFIRMED", None).await;

    let shown = |reaction: &Reaction| {
        reaction
            .outputs
            .iter()
            .filter(|output| matches!(output.kind, Some(output::Kind::Shown(_) | output::Kind::Record(_))))
            .count()
    };
    assert!(0 < shown(&host.reaction().await));
    assert_eq!(shown(&client.reaction().await), 0);
}

#[tokio::test]
async fn when_the_host_goes_the_oldest_that_is_left_is_the_host() {
    let folder = folder();
    let server = start(folder.path()).await;
    let host = server.attach().await;
    let observer = server.attach_as(AttachRequest { observe: true, ..AttachRequest::default() }).await;
    assert_eq!(observer.greeting.role, "observer");
    let mut second = server.attach().await;
    let mut third = server.attach().await;
    assert_eq!(second.send("TOGGLE_LOME").await.outcome(), Outcome::HostOnly);
    second.next().await;

    drop(host);

    match second.next().await {
        Update::RoleChange(change) => {
            assert!(change.role == "host" && valid_events(&change.outputs).contains(&"TOGGLE_LOME".to_owned()))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(second.send("TOGGLE_LOME").await.outcome(), Outcome::Accepted);
    assert_eq!(third.send("TOGGLE_LOME").await.outcome(), Outcome::HostOnly);
}

#[tokio::test]
async fn a_game_survives_a_restart_in_the_middle() {
    let folder = folder();
    let server = start(folder.path()).await;
    for event in
        ["GAME_OPTIONS_CONFIRMED", "FP_FELLOWSHIP_DECISIONS_READY", "SP_HUNT_ALLOCATION_DONE", "EXECUTE_ACTION_1"]
    {
        assert_eq!(server.send(event).await.outcome(), Outcome::Accepted, "{event}");
    }
    let before = server.game("default").await;
    let history = server.history("default").await;
    server.shutdown.cancel();
    drop(server);

    let server = start(folder.path()).await;
    let after = server.game("default").await;
    assert_eq!((&after.state, &after.variables, after.sequence, after.turn), (&before.state, &before.variables, 4, 1));
    assert_eq!(server.history("default").await, history);
    assert_eq!(server.send("EXECUTE_ACTION_1").await.outcome(), Outcome::Accepted);
    assert_eq!(server.history("default").await.last().unwrap().sequence, 5);
}

#[tokio::test]
async fn rolls_are_the_dice_services_and_in_the_log() {
    let folder = folder();
    let server = start(folder.path()).await;
    for event in ["GAME_OPTIONS_CONFIRMED", "FP_FELLOWSHIP_DECISIONS_READY", "SP_HUNT_ALLOCATION_DONE"] {
        server.send(event).await;
    }
    let entry = server.history("default").await.pop().unwrap();
    assert_eq!(entry.roll_ids.len(), 2);
    let is_roll = |output: &&Output| matches!(&output.kind, Some(output::Kind::Record(line)) if line.starts_with("$FSM rolls 210 211 212 213 as "));
    assert_eq!(entry.outputs.iter().filter(is_roll).count(), 1);
}

#[tokio::test]
async fn a_game_has_a_trace_in_every_entry() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    let trace = "0192f0c1a2b37c4d8e5f60718293a4b5";
    host.send_json("VIEW_FP", Some(&format!(r#"{{"trace_id": "{trace}"}}"#))).await;
    assert_eq!(host.reaction().await.trace_id, trace);
}

#[tokio::test]
async fn a_turn_is_played_on_the_clients_database_into_the_next() {
    let folder = folder();
    let path = folder.path().join("wotr_game.db");
    let position = wotr_db::Position::new(wotr_db::Shape::Client);
    position.with(&[(107, 180), (106, 180), (158, 181), (247, 37), (252, 133)]).write(&path).await;
    let server = start(folder.path()).await;
    let mut host = server.attach().await;

    host.send("GAME_OPTIONS_CONFIRMED").await;
    let told = host.reaction().await;
    let says = |reaction: &Reaction, line: &str| {
        reaction.outputs.iter().any(|output| matches!(&output.kind, Some(output::Kind::Text(text)) if text == line))
    };
    for line in
        ["✅ FREE PEOPLES: hand 2/6", "✅ SHADOW: hand 1/6", "📍 Location: Lorien (progress 0)", "💍 Corruption: 2/12"]
    {
        assert!(says(&told, line), "{line}");
    }
    host.send("FP_FELLOWSHIP_DECISIONS_READY").await;
    host.send("SP_HUNT_ALLOCATION_DONE").await;

    // A die is dragged, the Fellowship moves, and the Hunt finds a Hunt Box without dice.
    wotr_db::move_piece(&path, 211, 152).await;
    assert_eq!(host.send("PIECE_MOVED").await.state, "PHASE_5_FP_DIE_SELECTED");
    wotr_db::move_piece(&path, 248, 132).await;
    assert_eq!(host.send("PIECE_MOVED").await.outcome(), Outcome::Ignored);
    let hunted = host.send("ACTION_SELECTED").await;
    assert_eq!(hunted.reaction, None, "its stream tells it");
    let reactions: Vec<_> =
        [host.reaction().await, host.reaction().await, host.reaction().await, host.reaction().await].into();
    assert!(reactions.iter().flat_map(|reaction| &reaction.transitions).any(|step| step.to == "HUNT_START"));
    assert_eq!(hunted.state, "PHASE_5_SP_ACTION");

    wotr_db::move_piece(&path, 99, 152).await;
    assert_eq!(host.send("PIECE_MOVED").await.state, "PHASE_5_SP_DIE_SELECTED");
    assert_eq!(host.send("PHASE_COMPLETE").await.state, "PHASE_5_FP_ACTION");
    host.send("FP_PASSES").await;
    assert_eq!(host.send("SP_PASSES").await.state, "PHASE_2_FELLOWSHIP_START");
    let game = server.game("default").await;
    assert_eq!((game.turn, game.figures_from.as_str()), (2, "database"));
}

/// The server that came before slept between two moves, 46 seconds for a turn in which nobody acts.
#[tokio::test]
async fn a_turn_is_played_while_the_clock_stands_still() {
    let folder = folder();
    let server = start(folder.path()).await;
    tokio::time::pause();
    let turn = async {
        for event in ["GAME_OPTIONS_CONFIRMED", "FP_FELLOWSHIP_DECISIONS_READY", "SP_HUNT_ALLOCATION_DONE", "FP_PASSES"]
        {
            assert_eq!(server.send(event).await.outcome(), Outcome::Accepted);
        }
        server.send("SP_PASSES").await
    };
    // As long as something is ready the clock does not run ahead to the next timer: whoever sleeps sleeps for ever.
    let restless = async {
        loop {
            tokio::task::yield_now().await;
        }
    };
    let last = tokio::select! {
        last = turn => last,
        () = restless => unreachable!("it has no end"),
    };
    assert_eq!(last.state, "PHASE_2_FELLOWSHIP_START");
    assert!(7 < last.reaction.unwrap().transitions.len(), "the end of a turn and the beginning of the next");
}

// ---- grace

/// Goes through the timers that are due, one at a time.
async fn pass(time: Duration) {
    tokio::time::advance(time).await;
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Until the game looks as it should; the database answers in its own time, not in the paused one.
async fn until(server: &Server, game_id: &str, wanted: impl Fn(&Game) -> bool) -> Game {
    loop {
        let game = server.game(game_id).await;
        if wanted(&game) {
            return game;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_default_game_starts_anew_when_nobody_has_come_back_and_the_old_one_can_be_taken_up() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    host.send("GAME_OPTIONS_CONFIRMED").await;
    drop(host);
    until(&server, "default", |game| game.attached == 0).await;

    tokio::time::pause();
    pass(Duration::from_secs(29)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.state, "PHASE_2_FELLOWSHIP_START");

    tokio::time::pause();
    pass(Duration::from_secs(2)).await;
    tokio::time::resume();
    let anew = until(&server, "default", |game| game.sequence == 0).await;
    assert_eq!(anew.state, "SETUP_GAME_OPTIONS");
    assert_eq!(server.ids().await, ["default", "default-1"]);

    let old =
        server.attach_as(AttachRequest { game_id: Some("default-1".to_owned()), ..AttachRequest::default() }).await;
    assert!(
        matches!(&old.greeting.outputs[0].kind, Some(output::Kind::State(state)) if state == "PHASE_2_FELLOWSHIP_START")
    );
    assert_eq!(server.history("default-1").await.len(), 1);
    assert_eq!(server.game("default-1").await.archived_from, "default");
}

#[tokio::test]
async fn coming_back_within_the_grace_finds_the_game_as_it_was() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    host.send("GAME_OPTIONS_CONFIRMED").await;
    drop(host);
    until(&server, "default", |game| game.attached == 0).await;
    tokio::time::pause();
    pass(Duration::from_secs(29)).await;
    tokio::time::resume();
    let host = server.attach().await;
    assert_eq!((host.greeting.role.as_str(), host.greeting.sequence), ("host", 1));
    tokio::time::pause();
    pass(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.state, "PHASE_2_FELLOWSHIP_START");
}

#[tokio::test]
async fn an_observer_keeps_the_game() {
    let folder = folder();
    let server = start(folder.path()).await;
    let _observer = server.attach_as(AttachRequest { observe: true, ..AttachRequest::default() }).await;
    let mut host = server.attach().await;
    host.send("GAME_OPTIONS_CONFIRMED").await;
    drop(host);
    until(&server, "default", |game| game.attached == 1).await;
    tokio::time::pause();
    pass(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.sequence, 1);
}

#[tokio::test]
async fn leaving_for_another_game_starts_no_grace() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    host.send("GAME_OPTIONS_CONFIRMED").await;
    let leaves = Some(host.greeting.attachment_id.clone());
    let other = server
        .attach_as(AttachRequest {
            game_id: Some("alpha".to_owned()),
            create: true,
            leaves,
            ..AttachRequest::default()
        })
        .await;
    assert_eq!((other.greeting.role.as_str(), other.greeting.game_id.as_str()), ("host", "alpha"));
    drop(host);
    until(&server, "default", |game| game.attached == 0).await;
    tokio::time::pause();
    pass(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.sequence, 1);
}

#[tokio::test]
async fn after_a_restart_the_grace_waits_for_the_first_connection() {
    let folder = folder();
    let server = start(folder.path()).await;
    server.send("GAME_OPTIONS_CONFIRMED").await;
    server.shutdown.cancel();
    drop(server);

    let server = start(folder.path()).await;
    tokio::time::pause();
    pass(Duration::from_secs(600)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.sequence, 1);
}

#[tokio::test]
async fn grace_never_keeps_the_game() {
    let folder = folder();
    let file = folder.path().join("kept.json");
    std::fs::write(&file, r#"{"initial_state": "A", "grace": "never", "states": {"A": {"valid_events": ["GO"], "transitions": {"GO": "A"}}}}"#).unwrap();
    let server =
        start_with(folder.path(), fsm::Config { machine: file.display().to_string(), ..config(folder.path()) }).await;
    let mut host = server.attach().await;
    host.send("GO").await;
    drop(host);
    until(&server, "default", |game| game.attached == 0).await;
    tokio::time::pause();
    pass(Duration::from_secs(100_000)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.sequence, 1);
}

// ---- games and machines

#[tokio::test]
async fn games_are_created_listed_and_shown() {
    let folder = folder();
    let server = start(folder.path()).await;
    let create =
        |id: &str, machine: &str| CreateGameRequest { game_id: Some(id.to_owned()), machine: Some(machine.to_owned()) };
    let mut client = server.client.clone();
    let game = client.create_game(create("alpha", "document")).await.unwrap().into_inner().game.unwrap();
    assert_eq!(
        (game.machine.as_str(), game.state.as_str(), game.valid_events),
        ("document", "GAME_START", vec!["START_GAME".to_owned()])
    );
    assert_eq!(client.create_game(create("alpha", "document")).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(client.create_game(create("beta", "nothing")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.create_game(create("no spaces", "document")).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(server.ids().await, ["alpha", "default"]);

    let game = server.game("default").await;
    assert_eq!(
        (game.label.as_str(), game.phase.as_str(), game.figures_from.as_str()),
        ("Choosing the options", "TURN_0_SETUP", "machine")
    );
    assert_eq!(game.figures.unwrap().fields["FP_DICE_REMAINING"].kind, Some(Kind::NumberValue(4.0)));
    assert!(game.prompt.contains("confirm the options"), "{}", game.prompt);
    assert_eq!(game.menu, ["📦 Expansions: –", "👥 Players: 2"]);
    let missing = client.get_game(GetGameRequest { game_id: Some("nowhere".to_owned()) }).await.unwrap_err();
    assert_eq!((missing.code(), missing.message()), (Code::NotFound, "there is no game \"nowhere\""));
}

#[tokio::test]
async fn a_file_that_has_changed_starts_the_default_game_anew_and_its_old_games_go_on() {
    let folder = folder();
    let file: PathBuf = folder.path().join("mine.json");
    let write = |target: &str| {
        std::fs::write(&file, format!(r#"{{"initial_state": "A", "states": {{"A": {{"valid_events": ["GO"], "transitions": {{"GO": "{target}"}}}}, "B": {{}}}}}}"#)).unwrap()
    };
    let with_file = || fsm::Config { machine: file.display().to_string(), ..config(folder.path()) };
    write("A");
    let server = start_with(folder.path(), with_file()).await;
    assert_eq!(server.send("GO").await.state, "A");
    server.shutdown.cancel();

    write("B");
    let server = start_with(folder.path(), with_file()).await;
    assert_eq!(server.ids().await, ["default", "default-1"]);
    assert_eq!(server.send("GO").await.state, "B");
    let request = SendEventRequest {
        game_id: Some("default-1".to_owned()),
        event: "GO".to_owned(),
        ..SendEventRequest::default()
    };
    assert_eq!(server.client.clone().send_event(request).await.unwrap().into_inner().state, "A");
}

#[tokio::test]
async fn a_machine_that_cannot_run_keeps_the_service_from_starting() {
    let folder = folder();
    let file = folder.path().join("bad.json");
    std::fs::write(&file, r#"{"initial_state": "A", "states": {"A": {"transitions": {"GO": "B"}}}}"#).unwrap();
    let database = DatabaseConfig::Folder { path: folder.path().into(), fsync: false };
    let config = fsm::Config { machine: file.display().to_string(), ..config(folder.path()) };
    let error = fsm::start(config, &database, Peers::none(), CancellationToken::new()).await.err().unwrap();
    assert!(format!("{error:#}").contains("line 1: state \"A\" goes to \"B\" on GO, which is not there"), "{error:#}");
}

#[tokio::test]
async fn an_idempotency_key_answers_the_same_and_no_other_request() {
    let folder = folder();
    let server = start(folder.path()).await;
    let keyed = |event: &str| {
        let mut request = Request::new(SendEventRequest { event: event.to_owned(), ..SendEventRequest::default() });
        request.metadata_mut().insert("idempotency-key", "turn-1".parse().unwrap());
        request
    };
    let mut client = server.client.clone();
    let first = client.send_event(keyed("TOGGLE_LOME")).await.unwrap().into_inner();
    let again = client.send_event(keyed("TOGGLE_LOME")).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(client.send_event(keyed("TOGGLE_WOME")).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(server.game("default").await.sequence, 1);
}

#[tokio::test]
async fn a_sender_who_is_not_attached_has_the_role_he_names() {
    let folder = folder();
    let server = start(folder.path()).await;
    let as_role = |role: &str| SendEventRequest {
        event: "TOGGLE_LOME".to_owned(),
        role: Some(role.to_owned()),
        ..SendEventRequest::default()
    };
    let mut client = server.client.clone();
    assert_eq!(client.send_event(as_role("client")).await.unwrap().into_inner().outcome(), Outcome::HostOnly);
    assert_eq!(client.send_event(as_role("host")).await.unwrap().into_inner().outcome(), Outcome::Accepted);
    assert_eq!(client.send_event(as_role("king")).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn data_of_either_kind_reaches_the_guards() {
    let folder = folder();
    let server = start(folder.path()).await;
    let number = |number: f64| Value { kind: Some(Kind::NumberValue(number)) };
    let data = Struct { fields: [("players".to_owned(), number(1.0))].into() };
    let request =
        SendEventRequest { event: "SET_PLAYER_COUNT".to_owned(), data: Some(data), ..SendEventRequest::default() };
    assert_eq!(
        server.client.clone().send_event(request).await.unwrap().into_inner().state,
        "SETUP_SOLO_SIDE_SELECTION"
    );
}

#[tokio::test]
async fn history_is_read_in_pages() {
    let folder = folder();
    let server = start(folder.path()).await;
    for _ in 0..5 {
        server.send("TOGGLE_LOME").await;
    }
    let page = |after_sequence, limit| ListGameHistoryRequest { game_id: None, after_sequence, limit: Some(limit) };
    let mut client = server.client.clone();
    let first = client.list_game_history(page(0, 3)).await.unwrap().into_inner();
    let last = client.list_game_history(page(3, 3)).await.unwrap().into_inner();
    let numbers = |entries: &[Reaction]| entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    assert_eq!(
        (numbers(&first.entries), first.more, numbers(&last.entries), last.more),
        (vec![1, 2, 3], true, vec![4, 5], false)
    );
}

#[tokio::test]
async fn one_who_leaves_too_much_unread_is_dropped() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut slow = server.attach().await;
    let mut sent = 0;
    while server.game("default").await.attached == 1 {
        server.send("VIEW_FP").await;
        sent += 1;
        assert!(sent < 2_000);
    }
    let status = loop {
        match slow.updates.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_shutdown_ends_the_streams() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    server.shutdown.cancel();
    assert!(host.updates.message().await.unwrap().is_none());
}

#[tokio::test]
async fn an_event_with_an_expected_number_is_refused_once_the_game_has_moved_on() {
    let folder = folder();
    let server = start(folder.path()).await;
    let send = |expected: u64| {
        let mut client = server.client.clone();
        async move {
            let request = SendEventRequest {
                event: "TOGGLE_LOME".to_owned(),
                expected_sequence: Some(expected),
                ..SendEventRequest::default()
            };
            client.send_event(request).await
        }
    };
    assert_eq!(send(0).await.unwrap().into_inner().outcome(), Outcome::Accepted);
    let refused = send(0).await.unwrap_err();
    assert!(refused.message().contains("the game's last entry is 1, not 0"), "{refused:?}");
    assert_eq!(send(1).await.unwrap().into_inner().outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn a_game_is_taken_back_step_by_step_and_the_log_keeps_it_all() {
    let folder = folder();
    let server = start(folder.path()).await;
    server.send("TOGGLE_LOME").await;
    server.send("GAME_OPTIONS_CONFIRMED").await;
    let undo = |to| UndoGameRequest { to_sequence: to, ..UndoGameRequest::default() };
    let undone = server.client.clone().undo_game(undo(None)).await.unwrap().into_inner();
    assert_eq!((undone.to_sequence, undone.events), (1, vec!["GAME_OPTIONS_CONFIRMED".to_owned()]));
    let game = undone.game.unwrap();
    assert_eq!((game.state.as_str(), game.sequence), ("SETUP_GAME_OPTIONS", 3));
    let undone = server.client.clone().undo_game(undo(None)).await.unwrap().into_inner();
    assert_eq!((undone.to_sequence, undone.events), (0, vec!["TOGGLE_LOME".to_owned()]));
    let nothing = server.client.clone().undo_game(undo(None)).await.unwrap_err();
    assert!(nothing.message().contains("nothing has happened"), "{nothing:?}");
    let again = server.client.clone().undo_game(undo(Some(1))).await.unwrap_err();
    assert!(again.message().contains("was itself taken back"), "{again:?}");
    let events: Vec<String> = server.history("default").await.into_iter().map(|entry| entry.event).collect();
    assert_eq!(events, ["TOGGLE_LOME", "GAME_OPTIONS_CONFIRMED", "UNDO", "UNDO"]);
    server.shutdown.cancel();
    let again = start(folder.path()).await;
    assert_eq!(again.game("default").await.sequence, 4, "a restart knows it too");
}

#[tokio::test]
async fn taking_back_tells_what_no_longer_fits_and_is_refused_where_the_board_contradicts() {
    let folder = folder();
    let path = folder.path().join("wotr_game.db");
    wotr_db::Position::new(wotr_db::Shape::Client).write(&path).await;
    let server = start(folder.path()).await;
    server.send("GAME_OPTIONS_CONFIRMED").await;
    server.send("FP_DECLARE_FELLOWSHIP").await;
    // The Fellowship's figure has gone to Lórien meanwhile.
    wotr_db::move_piece(&path, 247, 37).await;
    let undone = server.client.clone().undo_game(UndoGameRequest::default()).await.unwrap().into_inner();
    assert!(undone.misfits.iter().any(|misfit| misfit.starts_with("FELLOWSHIP_AREA was 27")), "{:?}", undone.misfits);

    // A hand above the limit was waited for; now it is not any more, so the game could not rest there.
    for card in 106..113 {
        wotr_db::move_piece(&path, card, 180).await;
    }
    let new = CreateGameRequest { game_id: Some("other".to_owned()), machine: None };
    server.client.clone().create_game(new).await.unwrap();
    let send = |event: &str| SendEventRequest {
        game_id: Some("other".to_owned()),
        event: event.to_owned(),
        ..SendEventRequest::default()
    };
    let waiting = server.client.clone().send_event(send("GAME_OPTIONS_CONFIRMED")).await.unwrap().into_inner();
    assert_eq!(waiting.state, "PHASE_1_FP_DISCARD_CHECK");
    for card in 106..113 {
        wotr_db::move_piece(&path, card, 175).await;
    }
    server.client.clone().send_event(send("FP_DISCARDS_DONE")).await.unwrap();
    let undo = UndoGameRequest { game_id: Some("other".to_owned()), ..UndoGameRequest::default() };
    let refused = server.client.clone().undo_game(undo).await.unwrap_err();
    assert!(refused.message().contains("the board contradicts"), "{refused:?}");
}

#[tokio::test]
async fn a_branch_goes_its_own_way_on_the_board_as_it_was() {
    let folder = folder();
    let path = folder.path().join("wotr_game.db");
    wotr_db::Position::new(wotr_db::Shape::Client).write(&path).await;
    let server = start(folder.path()).await;
    server.send("GAME_OPTIONS_CONFIRMED").await;
    let request = BranchGameRequest { new_game_id: Some("what-if".to_owned()), ..BranchGameRequest::default() };
    let branch = server.client.clone().branch_game(request.clone()).await.unwrap().into_inner().game.unwrap();
    assert_eq!((branch.state.as_str(), branch.sequence), ("PHASE_2_FELLOWSHIP_START", 0));
    wotr_db::move_piece(&path, 252, 140).await;
    let figure = |game: Game| match game.figures.unwrap().fields["CORRUPTION"].kind {
        Some(Kind::NumberValue(number)) => number,
        ref other => panic!("{other:?}"),
    };
    assert_eq!((figure(server.game("default").await), figure(server.game("what-if").await)), (9.0, 0.0));
    let taken = server.client.clone().branch_game(request).await.unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists, "{taken:?}");
    server.shutdown.cancel();
    let again = start(folder.path()).await;
    assert_eq!(figure(again.game("what-if").await), 0.0);
}

#[tokio::test]
async fn a_game_is_put_away_whole_and_the_default_game_starts_anew() {
    let folder = folder();
    let server = start(folder.path()).await;
    server.send("GAME_OPTIONS_CONFIRMED").await;
    let request = ArchiveGameRequest { game_id: "default".to_owned() };
    let away = server.client.clone().archive_game(request).await.unwrap().into_inner().game.unwrap();
    assert_eq!((away.game_id.as_str(), away.state.as_str()), ("default-1", "PHASE_2_FELLOWSHIP_START"));
    assert_eq!(server.game("default").await.state, "SETUP_GAME_OPTIONS");
    let request = ArchiveGameRequest { game_id: "default-1".to_owned() };
    let twice = server.client.clone().archive_game(request).await.unwrap().into_inner().game.unwrap();
    assert_eq!(twice.archived_from, "default-1");
    assert!(!server.ids().await.contains(&"default-1".to_owned()));
}

#[tokio::test]
async fn a_watcher_hears_the_log_from_where_he_left_off_without_a_gap() {
    let folder = folder();
    let server = start(folder.path()).await;
    // More than the service reads of a log at a time.
    for _ in 0..250 {
        server.send("TOGGLE_LOME").await;
    }
    let request = WatchRequest { game_id: None, after_sequence: 3 };
    let mut watch = server.client.clone().watch(request).await.unwrap().into_inner();
    for expected in 4..=250 {
        assert_eq!(watch.message().await.unwrap().unwrap().sequence, expected);
    }
    server.send("TOGGLE_WOME").await;
    let last = watch.message().await.unwrap().unwrap();
    assert_eq!((last.sequence, last.event.as_str()), (251, "TOGGLE_WOME"));
}

async fn decisions(server: &Server) -> Vec<proto::fsm::v1::Decision> {
    server.client.clone().list_decisions(ListDecisionsRequest::default()).await.unwrap().into_inner().decisions
}

#[tokio::test]
async fn a_decision_is_taken_once() {
    let folder = folder();
    let server = start(folder.path()).await;
    let asked = decisions(&server).await;
    assert_eq!(asked[0].kind, "confirm");
    let answer = AnswerDecisionRequest {
        decision_id: asked[0].decision_id.clone(),
        choice_id: "begin".to_owned(),
        reason: Some("All are here.".to_owned()),
        ..AnswerDecisionRequest::default()
    };
    let taken = server.client.clone().answer_decision(answer.clone()).await.unwrap().into_inner();
    assert_eq!(taken.state, "PHASE_2_FELLOWSHIP_START");
    let first = &taken.reaction.unwrap().outputs[0];
    assert_eq!(first.kind, Some(output::Kind::Text("All are here.".to_owned())));
    let late = server.client.clone().answer_decision(answer).await.unwrap_err();
    assert!(late.message().contains("is not open"), "{late:?}");
    let other = AnswerDecisionRequest {
        decision_id: decisions(&server).await[0].decision_id.clone(),
        choice_id: "dance".to_owned(),
        ..AnswerDecisionRequest::default()
    };
    let wrong = server.client.clone().answer_decision(other).await.unwrap_err();
    assert!(wrong.message().contains("\"dance\" is no choice now; there are: done, declare"), "{wrong:?}");
}

#[tokio::test]
async fn the_built_in_opponent_plays_a_side_until_a_person_is_to_decide() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    for side in ["table", "shadow"] {
        let decider = Decider { side: side.to_owned(), kind: "policy".to_owned(), ..Decider::default() };
        let request = SetDeciderRequest { game_id: None, decider: Some(decider) };
        server.client.clone().set_decider(request).await.unwrap();
    }
    let mut states = Vec::new();
    while states.last().is_none_or(|state| state != "PHASE_2_FELLOWSHIP_START") {
        states.push(host.reaction().await.state);
    }
    host.send("FP_FELLOWSHIP_DECISIONS_READY").await;
    while states.last().is_none_or(|state| state != "PHASE_5_FP_ACTION") {
        states.push(host.reaction().await.state);
    }
    let causes: Vec<String> = server.history("default").await.into_iter().map(|entry| entry.cause).collect();
    assert!(causes.contains(&"opponent".to_owned()), "{causes:?}");
    let nobody = Decider { side: "dwarves".to_owned(), kind: "policy".to_owned(), ..Decider::default() };
    let refused = server.client.clone().set_decider(SetDeciderRequest { game_id: None, decider: Some(nobody) }).await;
    assert!(refused.unwrap_err().message().contains("there are: free_peoples, shadow, table"));
}

#[tokio::test]
async fn a_timer_survives_a_restart_with_its_due_time() {
    let folder = folder();
    let machine = folder.path().join("bell.yaml");
    std::fs::write(
        &machine,
        "machine: bell\ninitial: QUIET\ngrace: never\nstates:\n  QUIET: { on: [{ event: WIND, target: WOUND }] }\n  WOUND: { timeouts: [{ after: '1', event: RING }], on: [{ event: RING, target: RUNG }] }\n  RUNG: { final: true }\n",
    )
    .unwrap();
    let config = || fsm::Config { machine: machine.to_string_lossy().into_owned(), ..config(folder.path()) };
    let server = start_with(folder.path(), config()).await;
    server.send("WIND").await;
    server.shutdown.cancel();
    drop(server);

    let again = start_with(folder.path(), config()).await;
    let request = WatchRequest { game_id: None, after_sequence: 1 };
    let mut watch = again.client.clone().watch(request).await.unwrap().into_inner();
    let rung = watch.message().await.unwrap().unwrap();
    assert_eq!((rung.state.as_str(), rung.cause.as_str(), rung.sequence), ("RUNG", "timer", 2));
}

#[tokio::test]
async fn a_drawing_marks_the_state_the_game_rests_in() {
    let folder = folder();
    let server = start(folder.path()).await;
    for (format, mark) in [("mermaid", "class SETUP_GAME_OPTIONS current"), ("svg", "state current")] {
        let request = DrawGameRequest { game_id: None, format: Some(format.to_owned()) };
        let drawn = server.client.clone().draw_game(request).await.unwrap().into_inner();
        assert!(drawn.drawing.contains(mark), "{format}");
    }
}
