//! Many games, their machines and databases, who decides, the way back and aside.

use std::path::PathBuf;

use prost_types::{Struct, Value, value::Kind};
use proto::fsm::v1::{
    AnswerDecisionRequest, ArchiveGameRequest, BranchGameRequest, CreateGameRequest, Decider, DrawGameRequest, Game,
    GetGameRequest, ListGameHistoryRequest, Outcome, Reaction, SendEventRequest, SetDeciderRequest, UndoGameRequest,
    WatchRequest, output,
};
use service_kit::{Peers, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

use crate::{
    common::{config, decisions, folder, start, start_with},
    wotr_db,
};

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
async fn a_game_that_is_put_away_keeps_its_board_under_any_name() {
    let folder = folder();
    wotr_db::Position::new(wotr_db::Shape::Client).with(&[(252, 140)]).write(&folder.path().join("table.db")).await;
    let settings = || fsm::Config { wotr_db: folder.path().join("{game}.db"), ..config(folder.path()) };
    let server = start_with(folder.path(), settings()).await;
    let new = CreateGameRequest { game_id: Some("table".to_owned()), machine: None };
    server.client.clone().create_game(new).await.unwrap();
    for (id, archived) in [("table", "table-1"), ("table-1", "table-1-1")] {
        let request = ArchiveGameRequest { game_id: id.to_owned() };
        let away = server.client.clone().archive_game(request).await.unwrap().into_inner().game.unwrap();
        assert_eq!((away.game_id.as_str(), away.figures_from.as_str()), (archived, "database"));
    }
    server.shutdown.cancel();
    let again = start_with(folder.path(), settings()).await;
    assert_eq!(again.game("table-1-1").await.figures_from, "database", "a restart knows it too");
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
