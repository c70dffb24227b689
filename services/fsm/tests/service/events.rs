//! Greetings, events and refusals: what everybody attached is told.

use proto::fsm::v1::{
    AttachRequest, AttachedEvent, Outcome, Output, Reaction, SendEventRequest, SendEventsRequest, game_update::Update,
    output,
};
use tonic::Code;

use crate::{
    common::{folder, start, valid_events},
    wotr_db,
};

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
