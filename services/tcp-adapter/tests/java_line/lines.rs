//! Single lines: the document's examples, and what no client should send.

use tokio::io::AsyncReadExt;

use crate::harness::{Client, Server, machine, states, valid_events};

#[tokio::test]
async fn a_connection_is_greeted_with_state_prompt_and_valid_events() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address).await;

    let greeting = client.greeting().await;

    assert_eq!(greeting[0], "<game> Connected to FSM server");
    assert_eq!(greeting[1], "<state> SETUP_GAME_OPTIONS");
    let last = greeting.len() - 1;
    assert!(greeting[2..last].iter().all(|line| line.starts_with("<auto>") || line.starts_with("<fsm> ")));
    assert!(last > 2, "a prompt is among {greeting:?}");
    assert!(valid_events(&greeting).starts_with(&["TOGGLE_LOME", "TOGGLE_WOME", "TOGGLE_TREEBEARD"]));
    assert_eq!(valid_events(&greeting).last(), Some(&"PHASE_COMPLETE"));
}

#[tokio::test]
async fn the_documents_test_event_is_told_that_it_is_unknown() {
    let (_server, mut client) = Server::alone().await;
    assert_eq!(client.answer("EVENT:TEST_EVENT").await, "ERROR: Unknown event 'TEST_EVENT'");
    assert_eq!(client.answer("EVENT:INVALID_EVENT").await, "ERROR: Unknown event 'INVALID_EVENT'");
}

#[tokio::test]
async fn an_event_of_another_state_is_told_from_where_it_was_sent() {
    let (_server, mut client) = Server::alone().await;
    let expected = "ERROR: Invalid state transition from 'SETUP_GAME_OPTIONS' via 'FP_PASSES'";
    assert_eq!(client.answer("EVENT:FP_PASSES").await, expected);
}

#[tokio::test]
async fn a_connection_outlives_malformed_lines_of_every_kind() {
    let (_server, mut client) = Server::alone().await;
    let not_a_command = "ERROR: Not a command";
    let long = "x".repeat(64 * 1024 + 1);
    for (line, expected) in [
        ("event:TOGGLE_LOME", not_a_command),
        ("HELLO", not_a_command),
        ("GAME not/an/id", not_a_command),
        ("EVENT:", "ERROR: Unknown event ''"),
        ("EVENT: TOGGLE_LOME", "ERROR: Unknown event ''"),
        ("EVENT:toggle_lome", "ERROR: Unknown event 'toggle_lome'"),
        ("EVENT:TOGGLE_LOME {\"a\":", "ERROR: Malformed data for event 'TOGGLE_LOME'"),
        ("EVENT:TOGGLE_LOME [1]", "ERROR: Malformed data for event 'TOGGLE_LOME'"),
        ("EVENT:TOGGLE_LOME text", "ERROR: Malformed data for event 'TOGGLE_LOME'"),
        ("EVENT:'; DROP TABLE games; --", "ERROR: Malformed data for event '';'"),
        (&long, "ERROR: Line too long"),
        ("\u{0}\u{1}\u{2}", not_a_command),
    ] {
        let answer = client.answer(line).await;
        let unknown_first = line.starts_with("EVENT:'") && answer == "ERROR: Unknown event '';'";
        assert!(answer == expected || unknown_first, "{line:.40}: {answer}");
    }
    for bytes in [&b"\xff\xfe\x00"[..], b"EVENT:TOGGLE_LOME {\"a\":\"\xff\"}", b"EVENT:\xc3\x28"] {
        client.send_bytes(&[bytes, b"\n"].concat()).await;
        assert!(client.line().await.starts_with("ERROR: "));
    }
    assert_eq!(client.answers("").await, Vec::<String>::new(), "blank lines have no answer");
    assert_eq!(client.answers(" \t \r").await, Vec::<String>::new());
    assert_eq!(states(&client.answers("EVENT:TOGGLE_LOME").await), ["SETUP_GAME_OPTIONS"]);
}

#[tokio::test]
async fn data_that_is_no_utf8_is_malformed_not_repaired() {
    let (_server, mut client) = Server::alone().await;
    client.send_bytes(b"EVENT:TOGGLE_LOME {\"a\":\"\xff\"}\n").await;
    assert_eq!(client.line().await, "ERROR: Malformed data for event 'TOGGLE_LOME'");
}

#[tokio::test]
async fn nothing_a_client_sends_comes_back_as_a_line_that_kills_a_listener() {
    let (_server, mut client) = Server::alone().await;
    assert_eq!(client.answer("EVENT:~>").await, "ERROR: Unknown event '~ >'");
    assert_eq!(client.answer("EVENT:A\r\rB").await, "ERROR: Unknown event 'A'", "a lone CR is a blank");
}

#[tokio::test]
async fn a_line_may_end_in_crlf() {
    let (_server, mut client) = Server::alone().await;
    client.send_bytes(b"EVENT:TOGGLE_WOME\r\nEVENT:TEST_EVENT\r\n").await;
    let lines = client.until(|line| line.starts_with("ERROR")).await;
    assert_eq!(states(&lines), ["SETUP_GAME_OPTIONS"]);
    assert!(lines.iter().all(|line| !line.contains('\r')));
    assert_eq!(lines.last().unwrap(), "ERROR: Unknown event 'TEST_EVENT'");
}

#[tokio::test]
async fn a_character_split_between_segments_is_whole() {
    let (_server, mut client) = Server::alone().await;
    for byte in "EVENT:\u{2550}\n".as_bytes() {
        client.send_bytes(&[*byte]).await;
    }
    assert_eq!(client.line().await, "ERROR: Unknown event '\u{2550}'");
}

#[tokio::test]
async fn a_line_without_its_end_is_no_line() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.send_bytes(b"EVENT:TOGGLE_LOME\nEVENT:GAME_OPTIONS_CONFIRMED").await;
    tokio::io::AsyncWriteExt::shutdown(client.stream.get_mut()).await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = client.next().await {
        lines.push(line);
    }
    assert_eq!(states(&lines), ["SETUP_GAME_OPTIONS"], "what was a line is answered before the server closes");
    assert_eq!(server.state().await, "SETUP_GAME_OPTIONS");
}

#[tokio::test]
async fn an_event_may_carry_data() {
    let (_server, mut client) = Server::alone().await;
    let lines = client.answers("EVENT:DICE_ROLLED { \"results\": [\"Army\", \"Character\", \"Muster\"] }").await;
    assert!(lines.iter().all(|line| !line.starts_with("ERROR")), "{lines:?}");
}

#[tokio::test]
async fn a_piece_moved_out_of_place_has_no_answer() {
    let (_server, mut client) = Server::alone().await;
    assert_eq!(client.answers("EVENT:PIECE_MOVED").await, Vec::<String>::new());
    let data = "EVENT:PIECE_MOVED {\"piece_id\":247,\"from\":27,\"to\":28}";
    assert_eq!(client.answers(data).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_event_twice_in_one_segment_is_accepted_once() {
    let (_server, mut client) = Server::alone().await;
    let lines = client.answers("EVENT:GAME_OPTIONS_CONFIRMED\nEVENT:GAME_OPTIONS_CONFIRMED").await;
    let starts = states(&lines).into_iter().filter(|state| *state == "TURN_START").count();
    assert_eq!(starts, 1);
    assert!(lines.last().unwrap().starts_with("ERROR: Invalid state transition from '"), "{lines:?}");
}

/// What is sent, and the bytes that come back for it.
async fn session(client: &mut Client, exchange: &[(&str, &str)]) {
    for (sent, expected) in exchange {
        client.send_bytes(sent.as_bytes()).await;
        let mut heard = vec![0; expected.len()];
        client.stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(String::from_utf8(heard).unwrap(), *expected, "after {sent:?}");
    }
    // Nothing more has come.
    assert_eq!(client.answers("").await, Vec::<String>::new());
}

#[tokio::test]
async fn the_documents_flow_is_spoken_byte_for_byte() {
    let server = Server::with(&["--machine", "document"]).await;
    let mut client = Client::connect(server.address).await;
    let choice = "<state> FP_ACTION_RESOLUTION\n<valid_events> EXECUTE_ACTION_1,EXECUTE_ACTION_2\n";
    let exchange = [
        ("", "<game> Connected to FSM server\n<state> GAME_START\n<valid_events> START_GAME\n"),
        ("EVENT:TEST_EVENT\n", "ERROR: Unknown event 'TEST_EVENT'\n"),
        ("EVENT:START_GAME\n", "<state> FP_ACTION_ROLL\n<valid_events> READY_TO_ROLL\nFSM_ROLL_FP_DICE\n"),
        ("EVENT:DICE_ROLLED { \"results\": [\"Army\", \"Character\", \"Muster\"] }\n", choice),
        ("EVENT:EXECUTE_ACTION_1\n", &format!("{choice}FSM_EXECUTE_ACTION 1\n")),
        ("EVENT:START_GAME\r\n", "ERROR: Invalid state transition from 'FP_ACTION_RESOLUTION' via 'START_GAME'\n"),
    ];
    session(&mut client, &exchange).await;
}

#[tokio::test]
async fn a_session_of_our_own_is_the_documented_one_byte_for_byte_but_for_its_texts() {
    let server = Server::with(&["--strict"]).await;
    let mut client = Client::connect(server.address).await;
    let options = "<valid_events> TOGGLE_LOME,TOGGLE_WOME,TOGGLE_TREEBEARD,SET_PLAYER_COUNT,VIEW_FP,VIEW_SA,\
                   GAME_OPTIONS_CONFIRMED,PHASE_COMPLETE\n";
    let prompt = "<auto> ⚙️ Setup: pick expansions and Treebeard, then confirm the options.\n";
    let menu = |lome: &str| format!("<auto> 📦 Expansions: {lome}\n<auto> 👥 Players: 2\n");
    let greeting = format!("<game> Connected to FSM server\n<state> SETUP_GAME_OPTIONS\n{prompt}{options}");
    let toggled = format!("<state> SETUP_GAME_OPTIONS\n{prompt}{}{options}", menu("Lords of Middle-earth"));
    let exchange = [
        ("", greeting.as_str()),
        ("EVENT:TOGGLE_LOME\n", &toggled),
        ("EVENT:PIECE_MOVED\n\n  \nEVENT:\n", "ERROR: Unknown event ''\n"),
        ("hello\n", "ERROR: Not a command\n"),
        ("EVENT:TOGGLE_WOME [\n", "ERROR: Malformed data for event 'TOGGLE_WOME'\n"),
    ];
    session(&mut client, &exchange).await;
}

#[tokio::test]
async fn valid_events_are_told_also_when_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    machine(
        &folder,
        r#"{"initial_state": "A", "states": {
            "A": {"valid_events": ["END"], "transitions": {"END": "OVER"}}, "OVER": {}}}"#,
    );
    let config = tcp_adapter::Config::default();
    let server = Server::configured(folder, &["--machine", "{folder}/machine.json"], config).await;
    let mut client = server.client().await;
    assert_eq!(client.answers("EVENT:END").await, ["<state> OVER", "<valid_events>"]);
}

#[tokio::test]
async fn a_machine_cannot_make_a_line_that_kills_a_listener() {
    let folder = tempfile::tempdir().unwrap();
    machine(
        &folder,
        r#"{"initial_state": "A", "states": {
            "A": {"valid_events": ["GO"], "transitions": {"GO": "B"}},
            "B": {"valid_events": ["BACK"], "transitions": {"BACK": "A"},
                  "on_enter": "send_command('<auto> rolls the dice'); send_command('$FSM rolls 210 as 7 '); send_command('<auto> ~> away'); send_command(' ')"}}}"#,
    );
    let config = tcp_adapter::Config::default();
    let server = Server::configured(folder, &["--machine", "{folder}/machine.json"], config).await;
    let mut client = server.client().await;

    let lines = client.answers("EVENT:GO").await;

    assert!(lines.contains(&"<auto> Rolls the dice".to_owned()), "{lines:?}");
    assert!(
        lines.iter().all(|line| !line.starts_with('$') && !line.contains("~>") && !line.trim().is_empty()),
        "{lines:?}"
    );
}
