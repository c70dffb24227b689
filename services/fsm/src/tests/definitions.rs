//! Definitions: what loads, what is odd, what is refused, each with its line.

use crate::definition::{BUILT_IN, Loaded, Machine};

pub const TWIN: &str = include_str!("../../tests/players-twin.yaml");

pub fn built_in(name: &str) -> Machine {
    let (_, text) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name).unwrap();
    Machine::load(name, text).unwrap_or_else(|error| panic!("{name}: {error}")).machine
}

pub fn twin() -> Machine {
    Machine::load("twin", TWIN).unwrap_or_else(|error| panic!("{error}")).machine
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let problem = Machine::load("test", text).map(|loaded| loaded.warnings);
    let said = match problem {
        Ok(warnings) => warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Err(error) => error.to_string(),
    };
    assert!(said.contains(expected), "{said}");
}

#[test]
fn every_built_in_machine_loads_without_a_warning() {
    for (name, text) in BUILT_IN {
        let Loaded { machine, warnings } = Machine::load(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
        assert!(!machine.states.is_empty());
    }
}

#[test]
fn the_players_definition_loads_as_it_is_and_its_oddities_are_told() {
    let Loaded { machine, warnings } = Machine::load("twin", TWIN).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(machine.states.len(), 70);
    assert_eq!(machine.states.iter().map(|state| state.transitions.len()).sum::<usize>(), 127);
    let unreached = warnings.iter().filter(|warning| warning.reason.ends_with("is never reached")).count();
    assert_eq!(unreached, 6, "{warnings:?}");
    assert!(!warnings.iter().any(|warning| warning.reason.contains("nothing defines")), "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.line.is_some()), "{warnings:?}");
}

#[test]
fn what_the_players_definition_cannot_do_is_told_when_it_is_loaded() {
    let Loaded { machine, warnings } = Machine::load("twin", TWIN).unwrap_or_else(|error| panic!("{error}"));
    for need in &machine.needs {
        let told = format!("state {:?}: {}", need.state, need.without);
        assert!(warnings.iter().any(|warning| warning.reason == told && warning.line.is_some()), "{told}");
    }
    assert!(!machine.needs.is_empty());
}

#[test]
fn our_definition_keeps_every_name_of_the_players() {
    let ours = built_in("war-of-the-ring");
    let twin = twin();
    for state in &twin.states {
        let same = ours.states.iter().find(|other| other.id == state.id).unwrap_or_else(|| panic!("{}", state.id));
        assert_eq!(
            (&same.entry, &same.phase, &same.prompt),
            (&state.entry, &state.phase, &state.prompt),
            "{}",
            state.id
        );
    }
    assert!(twin.events.is_subset(&ours.events));
    assert!(twin.prompts.keys().all(|id| ours.prompts.contains_key(id)));
}

#[test]
fn json_loads_as_yaml_does() {
    let value: serde_json::Value = serde_norway::from_str(TWIN).unwrap();
    let machine = Machine::load("json", &serde_json::to_string_pretty(&value).unwrap()).unwrap().machine;
    assert_eq!(machine.states.len(), 70);
}

const MODULE: &str =
    "game: other\nconfig: { initial_state: A }\nmodules:\n  - id: M\n    type: subsystem\n    states:\n";

fn with_states(states: &str) -> String {
    format!("{MODULE}{states}")
}

#[test]
fn what_cannot_run_is_refused_with_line_and_reason() {
    check(
        &with_states("      - id: A\n        transitions:\n          - { event: GO, target: B }\n"),
        "line 9: state \"A\" goes to \"B\" on GO, which is not there",
    );
    check(&with_states("      - id: A\n"), "line 7: state \"A\" is a dead end");
    check(
        &with_states("      - id: A\n        kind: final\n      - id: A\n        kind: final\n"),
        "line 9: state \"A\" is there twice",
    );
    check(&with_states("      - id: B\n        kind: final\n"), "line 2: the initial state \"A\" is not there");
    check(
        &with_states(
            "      - id: A\n        transitions:\n          - { event: AUTO, target: B }\n      - id: B\n        transitions:\n          - { event: AUTO, target: A }\n",
        ),
        "line 7: automatic moves go round for ever: A → B",
    );
    check(
        &with_states(
            "      - id: A\n        transitions:\n          - { event: GO, target: A, guard: NOBODY_KNOWS > 1 }\n",
        ),
        "line 9: state \"A\" has the guard \"NOBODY_KNOWS > 1\", and nothing defines \"NOBODY_KNOWS\"",
    );
    check(
        &with_states("      - id: A\n        transitions:\n          - { event: GO, target: A, guard: \"1 +\" }\n"),
        "line 9: a guard of state \"A\"",
    );
    check(
        &with_states("      - id: A\n        kind: final\n        ui: { on_enter_prompt_id: HELLO }\n"),
        "line 9: state \"A\" says prompt \"HELLO\", which is not there",
    );
    check(
        &with_states("      - id: A\n        kind: odd\n"),
        "line 7: state \"A\" is of kind \"odd\": normal or final is allowed",
    );
    check(&with_states("      - id: A\n        colour: red\n"), "unknown field `colour`");
    check(
        &with_states("      - id: A\n        transitions:\n          - { event: \"GO, NOW\", target: A }\n"),
        "line 7: state \"A\" waits for \"GO, NOW\": an event has 1 to 200 characters, no blank or comma among them",
    );
    check("a: [", "line ");
    check("a: 1", "neither `modules` nor `states`");
}

#[test]
fn what_is_only_odd_is_told_with_line_and_reason() {
    check(
        &with_states("      - id: A\n        kind: final\n      - id: B\n        kind: final\n"),
        "line 9: state \"B\" is never reached",
    );
    check(
        &with_states("      - id: A\n        entry_actions: [DANCE]\n        kind: final\n"),
        "line 8: state \"A\" has the action \"DANCE\", and nothing defines it",
    );
    check(
        &with_states(
            "      - id: A\n        transitions:\n          - { event: GO, target: B }\n          - { event: GO, target: A }\n      - id: B\n        kind: final\n",
        ),
        "state \"A\" never goes to \"A\" on GO",
    );
}

#[test]
fn a_small_definition_has_the_games_library_too() {
    let small = with_states(
        "      - id: A\n        transitions:\n          - { event: GO, target: B, guard: CORRUPTION >= 12 AND allPlayersReady }\n      - id: B\n        kind: final\n",
    );
    let loaded = Machine::load("small", &small.replace("game: other", "game: war_of_the_ring"));
    assert_eq!(loaded.unwrap_or_else(|error| panic!("{error}")).warnings, []);
}

#[test]
fn the_flat_format_is_checked_too() {
    let flat = |states: &str| format!("{{\n  \"initial_state\": \"A\",\n  \"states\": {{\n{states}\n  }}\n}}");
    check(
        &flat("    \"A\": { \"transitions\": { \"GO\": \"B\" } }"),
        "line 4: state \"A\" goes to \"B\" on GO, which is not there",
    );
    check(
        &flat("    \"A\": { \"transitions\": { \"GO\": \"A\" } },\n    \"A\": {}"),
        "line 5: state \"A\" is there twice",
    );
    check(
        &flat("    \"A\": { \"on_enter\": \"explode()\", \"transitions\": { \"GO\": \"A\" } }"),
        "send_command('LINE') is allowed",
    );
    check(
        &flat("    \"A\": { \"valid_events\": [\"\"], \"transitions\": { \"GO\": \"A\" } }"),
        "line 4: state \"A\" waits for \"\"",
    );
    let several = flat(
        "    \"A\": { \"on_enter\": \"send_command('F7'); send_command(\\\"F8\\\")\", \"transitions\": { \"GO\": \"A\" } }",
    );
    assert_eq!(Machine::load("flat", &several).unwrap().machine.states[0].commands, ["F7", "F8"]);
}

#[test]
fn an_announced_event_may_have_no_transition_in_the_flat_format() {
    let machine = built_in("document");
    assert_eq!(machine.states[1].valid_events, ["READY_TO_ROLL"]);
    assert!(machine.events.contains("READY_TO_ROLL"));
}
