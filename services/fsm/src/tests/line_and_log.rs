//! What a game refuses and records, the players' own definition, the lines that the Java client can bear, and the log.

use serde_json::{Map, json};

use super::{
    definitions::{built_in, twin},
    hunt_and_war::move_fellowship,
    table::{Table, lines, texts, valid_events},
};
use crate::{
    board::{Figures, Source},
    definition::Verb,
    machine::{self, Event, OutputKind, Refusal, Roll, Stop},
};

// ---- refusals, aliases, recorded facts

#[test]
fn errors_tell_unknown_from_misplaced() {
    let mut table = Table::ours();
    assert_eq!(table.refused("TEST_EVENT", json!({})), Refusal::Unknown);
    assert_eq!(table.refused("FP_PASSES", json!({})), Refusal::Transition);
    assert_eq!(table.refused("READY_TO_ROLL", json!({})), Refusal::Transition, "the document knows it");
    assert_eq!(table.refused("START_NEXT_TURN", json!({})), Refusal::Transition, "a button knows it");
    assert_eq!(table.refused("game_options_confirmed", json!({})), Refusal::Unknown);
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored);
    assert_eq!(Refusal::Unknown.message("X", "S"), "Unknown event 'X'");
    assert_eq!(Refusal::Transition.message("X", "S"), "Invalid state transition from 'S' via 'X'");
    assert_eq!(Refusal::Malformed.message("X", "S"), "Malformed data for event 'X'");
    assert_eq!(Refusal::HostOnly.message("X", "S"), "Host only: 'X'");
}

#[test]
fn data_that_does_not_fit_is_malformed_and_changes_nothing() {
    let mut table = Table::ours();
    let before = table.game.clone();
    for data in [
        json!({"facts": 1}),
        json!({"facts": {"corruption": "many"}}),
        json!({"facts": {"corruption": null}}),
        json!({"facts": {"corruption": 1.5}}),
        json!({"facts": {"state": "GAME_END_FP_RING"}}),
        json!({"facts": {"anything": "x".repeat(501)}}),
        json!({"trace_id": 7}),
    ] {
        assert_eq!(table.refused("TOGGLE_LOME", data.clone()), Refusal::Malformed, "{data}");
    }
    assert_eq!(table.refused("PIECE_MOVED", json!({"piece_id": "210"})), Refusal::Malformed);
    assert_eq!(table.refused("NOBODY_KNOWS", json!({"facts": 1})), Refusal::Unknown, "that comes first");
    assert_eq!(table.game, before);
}

#[test]
fn host_only_events_are_refused_to_others_and_not_announced_to_them() {
    let mut table = Table::ours();
    table.is_host = false;
    assert_eq!(table.refused("TOGGLE_WOME", json!({})), Refusal::HostOnly);
    let view = machine::view(&table.machine, &table.game, &[], Some(&table.board), true).unwrap();
    assert!(view.valid_events.host.contains(&"TOGGLE_WOME".to_owned()));
    assert_eq!(view.valid_events.client, ["VIEW_FP", "VIEW_SA", "GAME_OPTIONS_CONFIRMED", "PHASE_COMPLETE"]);
    table.send("START_GAME");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn recorded_facts_are_accepted_in_every_state() {
    let mut table = Table::ours();
    for event in crate::catalogue::RECORDED {
        let reaction = table.send(event);
        assert!(reaction.moves.is_empty() && !valid_events(&reaction).is_empty(), "{event}");
    }
    table.rests_in("SETUP_GAME_OPTIONS");
}

#[test]
fn a_fact_of_the_event_counts_more_than_the_database_and_stays_without_one() {
    let mut table = Table::ours().with_board(json!({"CORRUPTION": 2}));
    table.play_to_first_action();
    table.pass_the_turn();
    let reaction = table.send_with("FP_FELLOWSHIP_DECISIONS_READY", json!({"facts": {"corruption": 12}}));
    assert_eq!(table.game.state, "GAME_END_SHADOW_RING");
    assert_eq!(reaction.facts["CORRUPTION"], 12, "what was read is in the log");
}

#[test]
fn facts_that_the_machine_does_not_know_are_not_remembered() {
    let mut table = Table::ours();
    let variables = table.game.variables.iter().count();
    table.send_with("VIEW_FP", json!({"facts": {"weather": "rain", "corruption": 1}}));
    assert_eq!((table.game.variables.iter().count(), table.variable("CORRUPTION")), (variables, json!(1)));
}

#[test]
fn options_are_toggled_and_shown() {
    let mut table = Table::ours();
    let said = texts(&table.send("TOGGLE_LOME"));
    assert!(said.contains(&"📦 Expansions: Lords of Middle-earth".to_owned()), "{said:?}");
    let said = texts(&table.send("TOGGLE_WOME"));
    assert!(said.contains(&"📦 Expansions: Lords of Middle-earth, Warriors of Middle-earth".to_owned()), "{said:?}");
    table.send("TOGGLE_LOME");
    assert_eq!(table.variable("LOME"), false);
}

#[test]
fn all_players_must_be_ready_and_both_sides_taken() {
    let mut table = Table::ours();
    table.send_with("SET_PLAYER_COUNT", json!({"players": 2}));
    table.send("LOCAL_HOST_CREATE_GAME");
    table.send("HOST_OPEN_SIDE_ASSIGNMENT");
    assert_eq!(table.refused("HOST_START_GAME", json!({})), Refusal::Transition);
    table.send("PLAYER_READY");
    table.send_with("ASSIGN_PLAYER_TO_SIDE", json!({"side": "fp"}));
    assert_eq!(table.refused("HOST_START_GAME", json!({})), Refusal::Transition);
    table.send_with("ASSIGN_PLAYER_TO_SIDE", json!({"side": "shadow"}));
    table.send("HOST_START_GAME");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

// ---- the players' own definition

#[test]
fn the_players_definition_plays_turn_after_turn_too() {
    let mut table = Table::new(twin());
    table.send("GAME_OPTIONS_CONFIRMED");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
    table.send("PHASE_COMPLETE");
    table.send("PHASE_COMPLETE");
    table.rests_in("PHASE_5_FP_ACTION");
    for _ in 0..11 {
        table.send("EXECUTE_ACTION_1");
    }
    table.rests_in("PHASE_2_FELLOWSHIP_START");
    assert_eq!(table.variable("TURN"), 2);
}

#[test]
fn a_pass_in_the_players_definition_is_no_dead_end() {
    let mut table = Table::new(twin());
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.rests_in("PHASE_5_SP_ACTION");
    table.send("SP_PASSES");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn transition_actions_run_in_the_players_definition() {
    let mut table = Table::new(twin());
    table.send("GAME_OPTIONS_CONFIRMED");
    let said = texts(&table.send("FP_DECLARE_FELLOWSHIP"));
    assert!(said.contains(&"📍 The Fellowship declares itself at Rivendell.".to_owned()), "{said:?}");
}

// ---- lines that the Java client can bear

/// The older panel's phases by the words it looks for, first match wins.
pub(super) fn panel_phase(line: &str) -> Option<u32> {
    let line = line.to_uppercase();
    let has = |word: &str| line.contains(word);
    let words: [(u32, bool); 7] = [
        (0, has("TURN 0") || has("SETUP") || has("INITIALIZATION") || has("CHOOSE EXPANSIONS")),
        (1, has("PHASE 1") || has("RECOVER") && has("DRAW")),
        (2, has("PHASE 2") || has("FELLOWSHIP PHASE")),
        (3, has("PHASE 3") || has("HUNT ALLOCATION")),
        (4, has("PHASE 4") || has("ACTION ROLL")),
        (5, has("PHASE 5") || has("ACTION RESOLUTION")),
        (6, has("PHASE 6") || has("END OF TURN") || has("VICTORY")),
    ];
    words.iter().find(|(_, found)| *found).map(|(phase, _)| *phase)
}

#[test]
fn the_older_panel_is_never_misled() {
    let mut table = Table::ours();
    for _ in 0..12 {
        let reaction = table.send("PHASE_COMPLETE");
        let mut phase = None;
        for output in &reaction.outputs {
            match &output.kind {
                OutputKind::State(state) => {
                    let named = state.strip_prefix("PHASE_").and_then(|rest| rest[..1].parse::<u32>().ok());
                    phase = named
                        .or_else(|| (state.starts_with("SETUP_") || state.starts_with("PROMPT_GAME")).then_some(0));
                }
                OutputKind::Text(text) => {
                    if let Some(said) = panel_phase(text) {
                        assert_eq!(Some(said), phase, "{text}");
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn no_line_is_one_that_the_java_client_dies_of() {
    let mut table = Table::ours();
    let mut all = Vec::new();
    for _ in 0..12 {
        all.extend(lines(&table.send("PHASE_COMPLETE")));
    }
    for line in all {
        assert!(!line.trim().is_empty() && !line.contains("~>") && !line.contains(['\n', '\r']), "{line:?}");
        if let Some(text) = line.strip_prefix("<auto> ") {
            assert!(!text.trim_start().starts_with(|letter: char| letter.is_ascii_lowercase()), "{line}");
        }
        assert!(!line.contains("{{"), "{line}");
    }
}

#[test]
fn no_text_begins_in_mid_sentence() {
    let machine = built_in("war-of-the-ring");
    let steps = machine.actions.values().chain(machine.on_event.values()).flatten();
    let said = steps.filter_map(|step| if let Verb::Say(text) = &step.verb { Some(text) } else { None });
    let lines = machine.menus.values().flatten().filter_map(|line| line.text.as_ref());
    for template in machine.prompts.values().chain(lines).chain(said) {
        let facts = template.facts().map(|name| (name.to_owned(), json!("X"))).collect();
        let text = template.render(&facts);
        let first = text.chars().find(char::is_ascii_alphanumeric);
        assert!(!first.is_some_and(|first| first.is_ascii_lowercase()), "{text}");
    }
}

// ---- the log

#[test]
fn a_game_can_be_replayed_from_its_log() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 2, "CORRUPTION": 3, "HUNT_POOL": [225]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6, 1], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    table.send("FP_HUNT_DAMAGE_ASSIGNED");
    table.pass_the_turn_from_shadow();

    let mut game = machine::begin(&table.machine, Some(&Figures::none()), &[], true, 0).unwrap();
    for (event, rolls, logged) in &table.log {
        let has_database = logged.facts.get("HAS_DATABASE") == Some(&json!(true));
        let source = if has_database { Source::Client } else { Source::Machine };
        let board = Figures { source, values: logged.facts.clone() };
        let again = machine::react(&table.machine, &game, event, Some(&board), rolls).unwrap();
        assert_eq!(&again, logged);
        game = again.game;
    }
    assert_eq!(game, table.game);
}

impl Table {
    fn pass_the_turn_from_shadow(&mut self) {
        self.send("SP_PASSES");
        self.send("FP_PASSES");
    }
}

#[test]
fn a_roll_is_asked_for_only_when_it_was_not_given() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    let event = Event {
        name: "SP_HUNT_ALLOCATION_DONE".to_owned(),
        data: Map::new(),
        sender: String::new(),
        is_host: true,
        players: Vec::new(),
        assist: true,
        at: 0,
        remarks: Vec::new(),
        order: None,
    };
    let stop = machine::react(&table.machine, &table.game, &event, Some(&table.board), &[]).unwrap_err();
    assert_eq!(stop, Stop::Roll(Roll::ActionDice { side: "free_peoples".to_owned(), count: 4 }));
    let stop = machine::react(&table.machine, &table.game, &event, None, &[]).unwrap_err();
    assert_eq!(stop, Stop::Board);
}
