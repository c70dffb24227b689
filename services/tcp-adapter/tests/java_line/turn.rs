//! Turns of War of the Ring: menus with the database's figures, commands, dice, and the trace of a line.

use service_kit::telemetry::{self, TelemetryConfig};
use tempfile::tempdir;

use crate::harness::{Client, Server, client_database, move_piece, states, valid_events};

const FREE_DECKS: [(i64, i64); 10] = [
    (107, 121),
    (108, 121),
    (109, 121),
    (112, 121),
    (115, 121),
    (106, 122),
    (110, 122),
    (111, 122),
    (113, 122),
    (114, 122),
];
const SHADOW_DECKS: [(i64, i64); 10] = [
    (158, 123),
    (160, 123),
    (162, 123),
    (165, 123),
    (166, 123),
    (159, 124),
    (164, 124),
    (170, 124),
    (171, 124),
    (172, 124),
];
const REST: [(i64, i64); 16] = [
    (210, 178),
    (211, 178),
    (212, 178),
    (213, 178),
    (99, 179),
    (100, 179),
    (101, 179),
    (102, 179),
    (103, 179),
    (104, 179),
    (105, 179),
    (247, 27),
    (248, 131),
    (252, 131),
    (240, 116),
    (241, 115),
];

/// An opening with what these tests look at.
fn opening() -> Vec<(i64, i64)> {
    [&FREE_DECKS[..], &SHADOW_DECKS, &REST].concat()
}

/// The lines that are shown in the documented way, without their tag.
fn menu(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.strip_prefix("<auto>")).map(str::trim).collect()
}

fn commands(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).filter(|line| !line.starts_with(['<', '$'])).collect()
}

#[tokio::test]
async fn confirmed_options_lead_to_the_menu_of_phase_1_with_the_databases_figures() {
    let folder = tempdir().unwrap();
    let free: Vec<_> = FREE_DECKS[..3].iter().map(|&(card, _)| (card, 180)).collect();
    let shadow: Vec<_> = SHADOW_DECKS[..5].iter().map(|&(card, _)| (card, 181)).collect();
    let _db = client_database(&folder, &opening(), &[free, shadow].concat()).await;
    let server = Server::configured(folder, &[], tcp_adapter::Config::default()).await;
    let mut client = server.client().await;

    let lines = client.play(&["GAME_OPTIONS_CONFIRMED"]).await;

    let menu = menu(&lines);
    assert!(menu.iter().any(|line| line.contains("3/6")), "the Free Peoples' hand is in {menu:?}");
    assert!(menu.iter().any(|line| line.contains("5/6")), "the Shadow's hand is in {menu:?}");
    assert!(menu.contains(&"\u{2550}".repeat(35).as_str()), "a ruler is in {menu:?}");
    let expected = ["Ctrl+9", "Ctrl+0", "F7", "F8", "F11", "F12"];
    assert_eq!(commands(&lines)[..6], expected);
    assert_eq!(states(&lines)[..2], ["PROMPT_GAME_INITIALIZATION", "VALIDATE_SIDE_ASSIGNMENTS"]);
    assert!(states(&lines).contains(&"PHASE_1_RECOVER_AND_DRAW"));
}

#[tokio::test]
async fn a_hand_above_its_limit_waits_for_discards() {
    let folder = tempdir().unwrap();
    let hand: Vec<_> = FREE_DECKS[..7].iter().map(|&(card, _)| (card, 180)).collect();
    let db = client_database(&folder, &opening(), &hand).await;
    let server = Server::configured(folder, &[], tcp_adapter::Config::default()).await;
    let mut client = server.client().await;

    let lines = client.play(&["GAME_OPTIONS_CONFIRMED"]).await;
    assert!(menu(&lines).iter().any(|line| line.contains("7/6")));
    assert_eq!(states(&lines).last(), Some(&"PHASE_1_FP_DISCARD_CHECK"));

    move_piece(&db, FREE_DECKS[0].0, 121).await;
    let lines = client.play(&["FP_DISCARDS_DONE"]).await;
    assert_eq!(states(&lines).last(), Some(&"PHASE_2_FELLOWSHIP_START"));
}

#[tokio::test]
async fn every_menu_line_is_shown_to_the_host_once_more() {
    let (_server, mut client) = Server::alone().await;
    let lines = client.play(&["GAME_OPTIONS_CONFIRMED"]).await;
    let shown: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("<fsm> ")).collect();
    let documented = menu(&lines);
    for text in &shown {
        let is_turn_marker = *text == "set turn 1";
        assert!(is_turn_marker || documented.contains(&text.trim()), "{text} was only shown");
    }
    let hand = |text: &&str| text.contains("0/6");
    assert_eq!(shown.iter().copied().filter(hand).count(), 2, "{shown:?}");
}

#[tokio::test]
async fn phase_complete_ends_every_phase_up_to_the_actions() {
    let (server, mut client) = Server::alone().await;
    for _ in 0..6 {
        if server.state().await == "PHASE_5_FP_ACTION" {
            return;
        }
        client.play(&["PHASE_COMPLETE"]).await;
    }
    panic!("still in {}", server.state().await);
}

#[tokio::test]
async fn dice_are_commanded_once_and_the_servers_roll_is_a_record() {
    let (_server, mut client) = Server::alone().await;
    let lines = client.play_to_the_action_roll().await;

    let rolls = commands(&lines).into_iter().filter(|line| line.starts_with("FSM_ROLL")).collect::<Vec<_>>();
    assert_eq!(rolls, ["FSM_ROLL_FP_DICE", "FSM_ROLL_SP_DICE"]);
    let record = |line: &&String| line.starts_with("$FSM rolls ") && line.contains(" as ") && line.ends_with(' ');
    assert_eq!(lines.iter().filter(record).count(), 2, "{lines:?}");
    assert_eq!(states(&lines).last(), Some(&"PHASE_5_FP_ACTION"));
}

#[tokio::test]
async fn under_strict_only_documented_lines_leave_and_the_client_rolls() {
    let server = Server::with(&["--strict"]).await;
    let mut client = server.client().await;
    let lines = client.play_to_the_action_roll().await;

    assert!(lines.iter().all(|line| !line.starts_with('$') && !line.starts_with("<fsm> ")), "{lines:?}");
    let rolls = commands(&lines).into_iter().filter(|line| line.starts_with("FSM_ROLL")).count();
    assert_eq!(rolls, 2);
}

#[tokio::test]
async fn a_turn_follows_the_turn() {
    let (_server, mut client) = Server::alone().await;
    client.play_to_the_action_roll().await;

    let die = r#"PIECE_MOVED {"piece_id":210,"from":178,"to":152}"#;
    let lines = client.play(&[die]).await;
    assert_eq!(states(&lines).last(), Some(&"PHASE_5_FP_DIE_SELECTED"));
    let lines = client.play(&["ACTION_SELECTED"]).await;
    assert_eq!(states(&lines).last(), Some(&"PHASE_5_SP_ACTION"), "the Shadow acts after the Free Peoples");
    let lines = client.play(&["SP_PASSES", "FP_PASSES"]).await;

    let states = states(&lines);
    for state in ["PHASE_5_END", "PHASE_6_VICTORY_CHECK", "TURN_START", "PHASE_1_RECOVER_AND_DRAW"] {
        assert!(states.contains(&state), "{state} is not in {states:?}");
    }
    assert!(menu(&lines).iter().any(|line| line.contains("Turn 2")), "{lines:?}");
}

#[tokio::test]
async fn a_die_that_the_database_has_in_the_current_action_is_the_selected_one() {
    let folder = tempdir().unwrap();
    let db = client_database(&folder, &opening(), &[]).await;
    let server = Server::configured(folder, &[], tcp_adapter::Config::default()).await;
    let mut client = server.client().await;
    client.play_to_the_action_roll().await;

    // A piece that is no die is not what the state waits for.
    move_piece(&db, 247, 28).await;
    assert_eq!(client.answers("EVENT:PIECE_MOVED").await, Vec::<String>::new());
    move_piece(&db, 211, 152).await;
    let lines = client.play(&["PIECE_MOVED"]).await;

    assert_eq!(states(&lines), ["PHASE_5_FP_DIE_SELECTED"]);
}

#[tokio::test]
async fn a_reaction_is_one_write() {
    let (_server, mut client) = Server::alone().await;
    client.send("EVENT:GAME_OPTIONS_CONFIRMED").await;

    let mut buffer = vec![0; 64 * 1024];
    let count = tokio::io::AsyncReadExt::read(client.stream.get_mut(), &mut buffer).await.unwrap();

    let lines: Vec<String> = String::from_utf8(buffer[..count].to_vec()).unwrap().lines().map(str::to_owned).collect();
    assert!(lines.last().is_some_and(|line| line.starts_with("<valid_events>")), "{lines:?}");
}

#[tokio::test]
async fn one_trace_reaches_from_the_line_to_the_sql() {
    let _guard = telemetry::init(&TelemetryConfig::default(), "test").unwrap();
    let (_server, mut client) = Server::alone().await;
    let id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";

    client.answers(&format!("EVENT:TOGGLE_LOME {{\"trace_id\":\"{id}\"}}")).await;

    // A span is stored when it ends, which may be after the answer.
    let trace = loop {
        match service_kit::traces::STORE.get(id.parse().unwrap()) {
            Some(trace) if trace.to_string().contains("EVENT TOGGLE_LOME") => break trace,
            _ => tokio::task::yield_now().await,
        }
    };
    let spans = trace["spans"].as_array().unwrap();
    let root = spans.iter().find(|span| span["name"] == "EVENT TOGGLE_LOME").unwrap();
    assert_eq!(root["service"], "tcp-adapter");
    let fsm = spans.iter().find(|span| span["service"] == "fsm").unwrap();
    assert_eq!(fsm["parent_id"], root["span_id"]);
    assert!(spans.iter().any(|span| span.to_string().contains("INSERT INTO")), "{trace:#}");
}

impl Client {
    /// Plays from the options through phase 4, and answers with what the end of phase 3 brought about.
    async fn play_to_the_action_roll(&mut self) -> Vec<String> {
        let lines = self.play(&["GAME_OPTIONS_CONFIRMED", "FP_FELLOWSHIP_DECISIONS_READY"]).await;
        assert!(valid_events(&lines).starts_with(&["SP_HUNT_ALLOCATION_DONE"]), "{lines:?}");
        self.play(&["SHADOW_CONFIRMS_HUNT_ALLOCATION"]).await
    }
}
