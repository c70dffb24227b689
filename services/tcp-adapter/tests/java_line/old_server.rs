//! What was wrong with the server that the Java clients knew before, W1 to W30, each with a test that shows ours right.
//! Where another file has the test already, the row names it.
//!
//! | row | what was wrong | its test |
//! |---|---|---|
//! | W3 | the Shadow never acted | `turn::a_turn_follows_the_turn` |
//! | W8 | the Free Peoples could not win with the Ring | `people::people_play_our_definition_to_each_of_its_four_ends` |
//! | W9, W10 | actions without a meaning | `effects::each_action_does_what_its_name_says_and_nothing_else` |
//! | W11 | the same event twice in one segment counted twice | `lines::an_event_twice_in_one_segment_is_accepted_once` |
//! | W14 | 44 ms for an answer | `limits::answers_are_not_held_back`, `turn::a_reaction_is_one_write` |
//! | W16 | data made an event unknown | `lines::an_event_may_carry_data` |
//! | W18 | roles by length, never enforced | `clients::the_first_connection_is_the_host_and_only_it_may_toggle` |
//! | W18 | roles never passed on | `clients::when_the_host_goes_the_oldest_that_is_left_takes_its_place` |
//! | W19 | no grace, no reset | `clients::after_the_grace_the_game_starts_anew_and_the_old_one_can_be_taken_up` |
//! | W19 | one game for all | `clients::a_connection_goes_to_another_game_and_leaves_the_first_alone` |
//! | W20 | no valid events told when there are none | `lines::valid_events_are_told_also_when_there_are_none` |
//! | W21 | dice commanded twice | `turn::dice_are_commanded_once_and_the_servers_roll_is_a_record` |
//! | W23 | settings silently ignored | `cli::an_unknown_flag_is_refused_with_help` |
//! | W24 | listens everywhere | `cli::it_does_not_listen_beyond_this_machine_unasked` |
//! | W24 | no limit of a line | `limits::a_line_without_an_end_is_told_of_once_however_long_it_grows` |
//! | W24 | no limit of clients | `limits::one_connection_too_many_is_told_so_and_closed` |
//! | W24 | no back-pressure | `limits::a_reader_that_falls_behind_is_closed_and_the_others_play_on` |
//! | W25 | characters cut between segments | `lines::a_character_split_between_segments_is_whole` |
//! | W28 | a validator that missed dead ends | `definitions::what_cannot_run_is_refused_with_line_and_reason` |
//! | W29 | its own tests failed | these tests run |

use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::harness::{Client, Server, client_database, states, valid_events};

/// The files that the rows name.
const FILES: [(&str, &str); 8] = [
    ("cli", include_str!("../../../dicetower/tests/cli.rs")),
    ("clients", include_str!("clients.rs")),
    ("definitions", include_str!("../../../fsm/src/tests/definitions.rs")),
    ("effects", include_str!("../../../fsm/src/tests/effects.rs")),
    ("limits", include_str!("limits.rs")),
    ("lines", include_str!("lines.rs")),
    ("people", include_str!("people.rs")),
    ("turn", include_str!("turn.rs")),
];

const TO_PHASE_5: [&str; 3] =
    ["GAME_OPTIONS_CONFIRMED", "FP_FELLOWSHIP_DECISIONS_READY", "SHADOW_CONFIRMS_HUNT_ALLOCATION"];

fn menu(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.strip_prefix("<auto>")).map(str::trim).collect()
}

#[test]
fn each_of_the_thirty_has_a_test_and_each_test_that_is_named_is_there() {
    let this = include_str!("old_server.rs");
    let rows = || this.lines().filter(|line| line.starts_with("//! | W"));
    for number in 1..=30 {
        let row = rows().any(|row| {
            row.split('|').nth(1).is_some_and(|cell| cell.trim().split(", ").any(|w| w == format!("W{number}")))
        });
        let here = this.lines().any(|line| {
            line.strip_prefix("async fn ").is_some_and(|name| name.split('_').any(|word| word == format!("w{number}")))
        });
        assert!(row || here, "W{number}");
    }
    let named = rows().flat_map(|row| row.split('`').skip(1).step_by(2));
    for (file, test) in named.map(|name| name.split_once("::").unwrap()) {
        let (_, text) = FILES.iter().find(|(name, _)| *name == file).unwrap_or_else(|| panic!("{file}"));
        assert!(text.contains(&format!("fn {test}()")), "{file}::{test}");
    }
}

#[tokio::test]
async fn w1_w4_phase_4_is_no_dead_end_and_neither_is_a_pass() {
    let (server, mut client) = Server::alone().await;
    let lines = client.play(&TO_PHASE_5).await;
    assert!(states(&lines).contains(&"PHASE_4_ACTION_ROLL_START"));
    assert_eq!(states(&lines).last(), Some(&"PHASE_5_FP_ACTION"));
    let lines = client.play(&["FP_PASSES"]).await;
    assert_eq!(states(&lines).last(), Some(&"PHASE_5_SP_ACTION"));
    Client::connect(server.address).await.greeting().await;
}

#[tokio::test]
async fn w2_a_client_that_holds_its_socket_holds_up_nothing() {
    let server = Server::start().await;
    let mut held = server.client().await;
    let server = server.restart().await;
    let mut client = server.client().await;
    client.play(&["TOGGLE_LOME"]).await;
    assert!(held.is_closed().await);
}

#[tokio::test]
async fn w5_w6_figures_come_from_a_database_that_appears_later_and_from_its_latest_game() {
    let folder = tempdir().unwrap();
    let later = folder.path().to_owned();
    let server = Server::configured(folder, &[], tcp_adapter::Config::default()).await;
    let mut client = server.client().await;
    let elsewhere = tempdir().unwrap();
    let db = client_database(&elsewhere, &[(106, 122), (110, 122), (111, 122)], &[(106, 180), (110, 180)]).await;
    drop(db);
    std::fs::copy(elsewhere.path().join("wotr_game.db"), later.join("wotr_game.db")).unwrap();
    let wal = elsewhere.path().join("wotr_game.db-wal");
    if wal.exists() {
        std::fs::copy(wal, later.join("wotr_game.db-wal")).unwrap();
    }

    let lines = client.play(&["GAME_OPTIONS_CONFIRMED"]).await;
    assert!(menu(&lines).iter().any(|line| line.contains("FREE PEOPLES: hand 2/6")), "{lines:?}");
}

#[tokio::test]
async fn w7_guards_know_or_brackets_and_every_number() {
    let folder = tempdir().unwrap();
    let yaml = "game: guards
version: '1'
config: { initial_state: A }
modules:
  - id: M
    type: subsystem
    states:
      - { id: A, transitions: [{ event: GO, target: WRONG, guard: '(EVENT.n == 1 OR EVENT.n == 22) AND false' },
          { event: GO, target: RIGHT, guard: '(EVENT.n == 1 OR EVENT.n == 22) AND (EVENT.n > 20)' }] }
      - { id: WRONG, kind: final }
      - { id: RIGHT, kind: final }
";
    std::fs::write(folder.path().join("guards.yaml"), yaml).unwrap();
    let config = tcp_adapter::Config::default();
    let server = Server::configured(folder, &["--machine", "{folder}/guards.yaml"], config).await;
    let mut client = server.client().await;
    assert!(client.answer("EVENT:GO {\"n\": 1}").await.starts_with("ERROR: Invalid state transition from 'A'"));
    assert_eq!(states(&client.answers("EVENT:GO {\"n\": 22}").await), ["RIGHT"]);
}

#[tokio::test]
async fn w12_what_is_sent_during_a_reaction_finds_it_done() {
    let (_server, mut client) = Server::alone().await;
    let lines = client.answers("EVENT:GAME_OPTIONS_CONFIRMED\nEVENT:FP_FELLOWSHIP_DECISIONS_READY").await;
    let rests = lines.iter().filter(|line| line.starts_with("<valid_events>")).count();
    assert_eq!(rests, 2, "each reaction comes whole: {lines:?}");
    assert_eq!(states(&lines).last(), Some(&"PHASE_3_HUNT_ALLOCATION_START"));
}

#[tokio::test]
async fn w13_a_turn_takes_no_sleeping() {
    let (_server, mut client) = Server::alone().await;
    let begun = Instant::now();
    client.play(&TO_PHASE_5).await;
    client.play(&["FP_PASSES", "SP_PASSES"]).await;
    // 46 seconds with the sleeps; half of that leaves a slow machine its slowness.
    assert!(begun.elapsed() < Duration::from_secs(23), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn w15_every_state_is_announced_and_every_mistake_is_answered() {
    let (_server, mut client) = Server::alone().await;
    assert!(client.answer("EVENT:NO_SUCH_THING").await.starts_with("ERROR: Unknown event"));
    assert!(client.answer("EVENT:FP_PASSES").await.starts_with("ERROR: Invalid state transition"));
    assert_eq!(client.answer("whatever").await, "ERROR: Not a command");
    let lines = client.play(&["GAME_OPTIONS_CONFIRMED"]).await;
    assert!(states(&lines).len() > 10, "the eight of the initialisation are among {lines:?}");
}

#[tokio::test]
async fn w17_phase_complete_is_the_done_event_of_each_state() {
    let (_server, mut client) = Server::alone().await;
    for expected in ["PHASE_2_FELLOWSHIP_START", "PHASE_3_HUNT_ALLOCATION_START", "PHASE_5_FP_ACTION"] {
        let lines = client.play(&["PHASE_COMPLETE"]).await;
        assert_eq!(states(&lines).last(), Some(&expected));
    }
}

#[tokio::test]
async fn w22_no_token_is_told_raw() {
    let (_server, mut client) = Server::alone().await;
    let mut all = client.play(&TO_PHASE_5[..1]).await;
    all.extend(client.play(&TO_PHASE_5[1..2]).await);
    all.extend(client.play(&TO_PHASE_5[2..]).await);
    for phase in ["PHASE 1", "PHASE 2", "PHASE 3", "PHASE 4", "PHASE 5"] {
        assert!(menu(&all).iter().any(|line| line.contains(phase)), "{phase} is told");
    }
    assert!(all.iter().all(|line| !line.contains("{{")), "{all:?}");
}

#[tokio::test]
async fn w26_a_machine_that_goes_astray_ends_no_process() {
    let folder = tempdir().unwrap();
    let yaml = "game: astray
version: '1'
config: { initial_state: A }
modules:
  - id: M
    type: subsystem
    states:
      - { id: A, transitions: [{ event: ASTRAY, target: B }, { event: GO, target: OVER }] }
      - { id: B, transitions: [{ event: AUTO, target: C, guard: EVENT.n > 0 }] }
      - { id: C, transitions: [{ event: AUTO, target: B, guard: EVENT.n > 0 }] }
      - { id: OVER, kind: final }
";
    std::fs::write(folder.path().join("astray.yaml"), yaml).unwrap();
    let config = tcp_adapter::Config::default();
    let server = Server::configured(folder, &["--machine", "{folder}/astray.yaml"], config).await;
    let mut client = server.client().await;
    assert!(client.answer("EVENT:ASTRAY {\"n\": 1}").await.starts_with("ERROR: "));
    assert_eq!(states(&client.answers("EVENT:GO").await), ["OVER"]);
}

#[tokio::test]
async fn w27_a_menu_names_no_other_phase_and_the_chat_shows_it() {
    let (_server, mut client) = Server::alone().await;
    let mut played = Vec::new();
    for event in TO_PHASE_5 {
        played.extend(client.play(&[event]).await);
    }
    // The older client's panel takes its phase from such words, first match wins.
    let panel = |line: &str| {
        let line = line.to_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
        match () {
            () if has(&["TURN 0", "SETUP", "INITIALIZATION", "CHOOSE EXPANSIONS"]) => Some(0),
            () if has(&["PHASE 1"]) || (has(&["RECOVER"]) && has(&["DRAW"])) => Some(1),
            () if has(&["PHASE 2", "FELLOWSHIP PHASE"]) => Some(2),
            () if has(&["PHASE 3", "HUNT ALLOCATION"]) => Some(3),
            () if has(&["PHASE 4", "ACTION ROLL"]) => Some(4),
            () if has(&["PHASE 5", "ACTION RESOLUTION"]) => Some(5),
            () if has(&["PHASE 6", "END OF TURN", "VICTORY"]) => Some(6),
            () => None,
        }
    };
    let mut phases: Vec<i32> = menu(&played).into_iter().filter_map(panel).collect();
    phases.dedup();
    assert!(phases.is_sorted(), "the panel goes forth alone: {phases:?}");
    assert!(phases.ends_with(&[1, 2, 3, 4, 5]), "{phases:?}");
    assert!(played.iter().any(|line| line.starts_with("<fsm> ") && line.contains("PHASE 5")));
}

#[tokio::test]
async fn w30_a_restart_forgets_neither_turn_nor_state() {
    let (server, mut client) = Server::alone().await;
    client.play(&TO_PHASE_5).await;
    client.play(&["FP_PASSES"]).await;
    let server = server.restart().await;
    let mut back = Client::connect(server.address).await;
    let greeting = back.greeting().await;
    assert_eq!(states(&greeting), ["PHASE_5_SP_ACTION"]);
    let lines = back.play(&["SP_PASSES"]).await;
    assert!(menu(&lines).iter().any(|line| line.contains("Turn 2")), "{lines:?}");
    assert!(valid_events(&lines).contains(&"PHASE_COMPLETE"));
}
