//! Numbered lines: HELLO 2, ids and their answers, and RESUME.

use crate::harness::{Client, Server, states};

/// Lines without their numbers.
fn texts(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

/// Numbers of lines, in order.
fn numbers(lines: &[String]) -> Vec<(u64, u32)> {
    let number = |line: &String| {
        let (event, line) = line.strip_prefix('#')?.split_once(' ')?.0.split_once('.')?;
        Some((event.parse().ok()?, line.parse().ok()?))
    };
    lines.iter().map(|line| number(line).unwrap_or_else(|| panic!("{line} has no number"))).collect()
}

#[tokio::test]
async fn whoever_never_says_hello_sees_no_number_and_no_acknowledgement() {
    let (_server, mut client) = Server::alone().await;
    let lines = client.play(&["TOGGLE_LOME"]).await;
    assert!(lines.iter().all(|line| !line.starts_with('#') && !line.starts_with("OK")), "{lines:?}");
    assert_eq!(client.answer("EVENT:TOGGLE_LOME @1").await, "ERROR: Malformed data for event 'TOGGLE_LOME'");
    assert_eq!(client.answer("RESUME 1").await, "ERROR: Not a command");
}

#[tokio::test]
async fn after_hello_every_line_has_a_number_that_rises() {
    let (_server, mut client) = Server::alone().await;
    assert_eq!(client.hello().await, "#0.1");
    let mut lines = client.numbered("EVENT:TOGGLE_LOME\nnonsense\nEVENT:TEST_EVENT").await;
    lines.extend(client.numbered("EVENT:GAME_OPTIONS_CONFIRMED").await);
    let numbers = numbers(&lines);
    assert!(numbers.is_sorted_by(|a, b| a < b), "{lines:?}");
    assert_eq!(numbers[0], (1, 1));
    assert_eq!(numbers.last().unwrap().0, 2);
    assert!(texts(&lines).contains(&"ERROR: Not a command".to_owned()));
}

#[tokio::test]
async fn hello_again_goes_on_counting() {
    let (_server, mut client) = Server::alone().await;
    assert_eq!(client.hello().await, "#0.1");
    assert_eq!(numbers(&client.numbered("nonsense").await), [(0, 2)]);
    assert_eq!(client.hello().await, "#0.4", "the line between asked for the third");
    assert_eq!(numbers(&client.numbered("nonsense").await), [(0, 5)]);
}

#[tokio::test]
async fn an_event_with_an_id_is_answered_under_it_after_all_that_it_brought_about() {
    let (_server, mut client) = Server::alone().await;
    client.hello().await;

    let lines = texts(&client.numbered("EVENT:TOGGLE_LOME {} @a-1").await);
    assert_eq!(lines.last().unwrap(), "OK @a-1");
    assert!(lines[lines.len() - 2].starts_with("<valid_events>"), "{lines:?}");

    for (line, expected) in [
        ("EVENT:TEST_EVENT @2", "ERROR: Unknown event 'TEST_EVENT' @2"),
        ("EVENT: @3", "ERROR: Unknown event '' @3"),
        ("EVENT:FP_PASSES @4", "ERROR: Invalid state transition from 'SETUP_GAME_OPTIONS' via 'FP_PASSES' @4"),
        ("EVENT:TOGGLE_LOME {\"a\": @5", "ERROR: Malformed data for event 'TOGGLE_LOME' @5"),
        ("EVENT:PIECE_MOVED @6", "OK @6"),
    ] {
        assert_eq!(texts(&client.numbered(line).await), [expected], "{line}");
    }
}

#[tokio::test]
async fn an_id_that_comes_again_is_answered_again_and_counts_once() {
    let (server, mut client) = Server::alone().await;
    client.hello().await;
    client.numbered("EVENT:GAME_OPTIONS_CONFIRMED @7").await;
    let state = server.state().await;

    let again = texts(&client.numbered("EVENT:GAME_OPTIONS_CONFIRMED @7").await);
    assert_eq!(again, ["OK @7"]);
    assert_eq!(server.state().await, state);

    let mut other = server.client().await;
    other.hello().await;
    assert_eq!(texts(&other.numbered("EVENT:GAME_OPTIONS_CONFIRMED @7").await), ["OK @7"], "from anywhere");
    let abused = texts(&other.numbered("EVENT:PHASE_COMPLETE @7").await);
    assert_eq!(abused, ["ERROR: Malformed data for event 'PHASE_COMPLETE' @7"]);
}

#[tokio::test]
async fn a_client_that_names_itself_has_ids_of_its_own() {
    let (server, mut ann) = Server::alone().await;
    let mut ben = server.client().await;
    for (client, name) in [(&mut ann, "ann"), (&mut ben, "ben")] {
        client.numbered(&format!("HELLO 2 {name}")).await;
        let lines = texts(&client.numbered("EVENT:VIEW_FP @1").await);
        assert!(lines.iter().any(|line| line.starts_with("<state>")), "{name} counts: {lines:?}");
    }
}

#[tokio::test]
async fn the_ids_of_one_game_are_free_in_another() {
    let (_server, mut client) = Server::alone().await;
    client.hello().await;
    client.numbered("EVENT:TOGGLE_LOME @1").await;
    client.numbered("GAME another").await;
    let lines = texts(&client.numbered("EVENT:TOGGLE_LOME @1").await);
    assert_eq!(states(&lines), ["SETUP_GAME_OPTIONS"]);
}

#[tokio::test]
async fn resume_tells_what_came_after_a_line_and_no_more() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.hello().await;
    let mut told = client.numbered("EVENT:TOGGLE_LOME @1").await;
    told.pop();
    let mut last = client.numbered("EVENT:GAME_OPTIONS_CONFIRMED @2").await;
    last.pop();
    told.extend(last);

    for cut in [0, 1, told.len() / 2, told.len() - 1] {
        let number = told[cut].split(' ').next().unwrap().trim_start_matches('#').to_owned();
        assert_eq!(client.numbered(&format!("RESUME {number}")).await, told[cut + 1..], "after {number}");
    }
    assert_eq!(client.numbered("RESUME 0").await, told);
    assert_eq!(client.numbered("RESUME 2").await, Vec::<String>::new());
    for bad in ["RESUME 3", "RESUME x", "RESUME 1.2.3"] {
        assert_eq!(texts(&client.numbered(bad).await), ["ERROR: Malformed data for event 'RESUME'"], "{bad}");
    }
}

#[tokio::test]
async fn a_connection_that_was_cut_goes_on_where_it_was_cut() {
    let server = Server::start().await;
    let mut stayer = server.client().await;
    let mut client = server.client().await;
    client.hello().await;
    let told = client.numbered("EVENT:VIEW_SA @1").await;
    let number = told.last().unwrap().split(' ').next().unwrap().trim_start_matches('#').to_owned();
    drop(client);
    stayer.play(&["GAME_OPTIONS_CONFIRMED"]).await;

    let mut back = server.client().await;
    back.hello().await;
    let missed = texts(&back.numbered(&format!("RESUME {number}")).await);

    assert_eq!(states(&missed).first(), Some(&"PROMPT_GAME_INITIALIZATION"));
    assert_eq!(states(&missed).last(), Some(&"PHASE_2_FELLOWSHIP_START"));
}

#[tokio::test]
async fn resume_of_a_long_game_does_not_drown_its_reader() {
    const EVENTS: usize = 300;
    let server = Server::start().await;
    let mut client = server.client().await;
    for _ in 0..EVENTS / 50 {
        client.answers(&["EVENT:TOGGLE_LOME"; 50].join("\n")).await;
    }
    client.hello().await;
    let lines = client.numbered("RESUME 0").await;
    let texts = texts(&lines);
    assert_eq!(states(&texts).len(), EVENTS);
    assert!(numbers(&lines).is_sorted_by(|a, b| a < b));
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash_and_what_comes_again_counts_once() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.hello().await;
    let told = client.numbered("EVENT:TOGGLE_LOME @1").await;
    let number = told.last().unwrap().split(' ').next().unwrap().trim_start_matches('#').to_owned();
    client.send("EVENT:GAME_OPTIONS_CONFIRMED @2").await;
    // It is on its way; whether it is in the log nobody can know.
    drop(client);

    let server = server.restart().await;
    let mut back = Client::connect(server.address).await;
    back.greeting().await;
    back.hello().await;
    let mut all = back.numbered(&format!("RESUME {number}")).await;
    all.extend(back.numbered("EVENT:GAME_OPTIONS_CONFIRMED @2").await);

    let texts = texts(&all);
    assert_eq!(states(&texts).iter().filter(|state| **state == "TURN_START").count(), 1, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| *text == "OK @2").count(), 1);
}
