//! What each guard and each action of War of the Ring means: one row each, by the names that the players' definition has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definitions::{built_in, twin};
use crate::{
    board::Figures,
    definition::Machine,
    machine::{self, Event},
};

/// Every guard: facts with which it holds, and facts with which it does not. What an event tells stands under EVENT.
fn guards() -> Vec<(&'static str, Value, Value)> {
    vec![
        (
            "allPlayersReady",
            json!({"READY": ["host"], "FP_SEAT": "host", "SP_SEAT": "host"}),
            json!({"READY": [], "FP_SEAT": "host", "SP_SEAT": "host"}),
        ),
        ("FP_HAND_SIZE <= HAND_LIMIT", json!({"FP_HAND_SIZE": 6}), json!({"FP_HAND_SIZE": 7})),
        ("SP_HAND_SIZE <= HAND_LIMIT", json!({"SP_HAND_SIZE": 6}), json!({"SP_HAND_SIZE": 7})),
        ("FELLOWSHIP_IS_HIDDEN", json!({}), json!({"FELLOWSHIP_REVEALED": true})),
        // Rivendell heals, Moria does not.
        (
            "CAN_HEAL_RINGBEARER",
            json!({"FELLOWSHIP_DECLARED": true, "CORRUPTION": 1, "FELLOWSHIP_AREA": 27}),
            json!({"FELLOWSHIP_DECLARED": true, "CORRUPTION": 1, "FELLOWSHIP_AREA": 35}),
        ),
        // Gondor can be activated in Minas Tirith; the Elves are active from the beginning.
        (
            "CAN_ACTIVATE_NATION",
            json!({"FELLOWSHIP_DECLARED": true, "FELLOWSHIP_AREA": 74}),
            json!({"FELLOWSHIP_DECLARED": true, "FELLOWSHIP_AREA": 27}),
        ),
        // Strider is of Gandalf's Level, Legolas is not.
        ("HAS_VALID_GUIDE_OPTIONS", json!({}), json!({"COMPANIONS": ["Gandalf the Grey", "Legolas"]})),
        (
            "PIECE_IS_FP_DIE_TO_AREA_152",
            json!({"EVENT": {"piece_id": 210, "to": 152}}),
            json!({"EVENT": {"piece_id": 99, "to": 152}}),
        ),
        (
            "PIECE_IS_SP_DIE_TO_AREA_152",
            json!({"EVENT": {"piece_id": 99, "to": 152}}),
            json!({"EVENT": {"piece_id": 99, "to": 114}}),
        ),
        ("IS_WILL_OF_WEST_DIE", json!({"SELECTED_FACE": "will_of_the_west"}), json!({"SELECTED_FACE": "character"})),
        ("HAS_AVAILABLE_ELVEN_RING", json!({"FP_RINGS": 1}), json!({"FP_RINGS": 1, "FP_RING_USED": true})),
        ("CORRUPTION >= 12", json!({"CORRUPTION": 12}), json!({"CORRUPTION": 11})),
        (
            "FELLOWSHIP_AT_CRACK_OF_DOOM_AND_CORRUPTION_LT_12",
            json!({"FELLOWSHIP_AREA": 193, "CORRUPTION": 11}),
            json!({"FELLOWSHIP_AREA": 193, "CORRUPTION": 12}),
        ),
        ("COMBAT_FLAG == true", json!({"COMBAT_FLAG": true}), json!({"COMBAT_FLAG": false})),
        (
            "FELLOWSHIP_MOVED_FLAG == true",
            json!({"FELLOWSHIP_MOVED_FLAG": true}),
            json!({"FELLOWSHIP_MOVED_FLAG": false}),
        ),
        ("SP_DICE_REMAINING > 0", json!({"SP_POOL": [99]}), json!({"SP_POOL": [99], "HUNT_BOX_DICE": [99]})),
        ("SP_DICE_REMAINING == 0", json!({"SP_POOL": [99], "DICE_SPENT": [99]}), json!({"SP_POOL": [99]})),
        ("FP_DICE_REMAINING > 0", json!({"FP_POOL": [210]}), json!({"FP_POOL": []})),
        ("FP_DICE_REMAINING == 0", json!({"FP_POOL": [210], "DICE_SPENT": [210]}), json!({"FP_POOL": [210]})),
        (
            "FP_DICE_REMAINING == 0 AND SP_DICE_REMAINING == 0",
            json!({"FP_POOL": [], "SP_POOL": []}),
            json!({"FP_POOL": [], "SP_POOL": [99]}),
        ),
        // A side without dice is passed over.
        ("NEXT_ACTOR == 'FP'", json!({"LAST_ACTOR": "FP", "SP_POOL": []}), json!({"LAST_ACTOR": "FP"})),
        ("NEXT_ACTOR == 'SP'", json!({"LAST_ACTOR": "FP"}), json!({"LAST_ACTOR": "SP"})),
        (
            "(FP_DICE_REMAINING == 0 AND SP_DICE_REMAINING == 0) OR (FP_PASSED_FLAG == true AND SP_PASSED_FLAG == true)",
            json!({"FP_PASSED_FLAG": true, "SP_PASSED_FLAG": true}),
            json!({"FP_PASSED_FLAG": true, "FP_POOL": []}),
        ),
        ("SHADOW_VP >= 10", json!({"SHADOW_VP": 10}), json!({"SHADOW_VP": 9})),
        ("FP_VP >= 4", json!({"FP_VP": 4}), json!({"FP_VP": 3})),
        ("HUNT_SUCCESSES == 0", json!({"HUNT_SUCCESSES": 0}), json!({"HUNT_SUCCESSES": 1})),
        ("HUNT_SUCCESSES > 0", json!({"HUNT_SUCCESSES": 1}), json!({"HUNT_SUCCESSES": 0})),
        ("HUNT_DAMAGE_TO_ASSIGN > 0", json!({"HUNT_DAMAGE_TO_ASSIGN": 1}), json!({"HUNT_DAMAGE_TO_ASSIGN": 0})),
        ("HUNT_DAMAGE_TO_ASSIGN == 0", json!({"HUNT_DAMAGE_TO_ASSIGN": 0}), json!({"HUNT_DAMAGE_TO_ASSIGN": 1})),
        (
            "COMBAT_TYPE == 'FIELD' OR COMBAT_TYPE == 'SORTIE'",
            json!({"COMBAT_TYPE": "SORTIE"}),
            json!({"COMBAT_TYPE": "SIEGE"}),
        ),
        ("COMBAT_TYPE == 'SIEGE'", json!({"COMBAT_TYPE": "SIEGE"}), json!({"COMBAT_TYPE": "FIELD"})),
    ]
}

/// Actions with nothing left to do, and what does it instead.
pub(super) const ELSEWHERE: [(&str, &str); 18] = [
    ("PROMPT_SETUP_SOLO_SIDE_SELECTION", "the state's own prompt"),
    ("PROMPT_SETUP_CONNECTION_MODE", "the state's own prompt"),
    ("PROMPT_SETUP_CLIENT_CONNECT", "the state's own prompt"),
    ("PROMPT_SETUP_SIDE_ASSIGNMENT", "the state's own prompt"),
    ("PROMPT_GAME_INITIALIZATION", "the state's own prompt"),
    ("SHOW_FELLOWSHIP_STATUS", "the menu of phase 2 shows it"),
    ("PROMPT_SELECT_NEW_GUIDE", "CHECK_FELLOWSHIP_OPTIONS asks for him when the state is entered again"),
    ("PROMPT_PHASE_4_START", "the menu comes with MOVE_ALL_EYE_RESULTS_TO_HUNT_BOX, when the dice lie"),
    ("APPLY_ELVEN_RING_EFFECTS_IF_ANY", "a Ring changes a die when it is used, in phase 5"),
    ("PROMPT_PHASE_5_FP_TO_ACT", "the state's own prompt"),
    ("PROMPT_PHASE_5_SP_TO_ACT", "the state's own prompt"),
    ("RECHECK_RING_CONDITIONS_FOR_SAFETY", "guards read them"),
    ("APPLY_HUNT_TILE_EFFECTS", "CLASSIFY_HUNT_TILE has read them off the tile; the next two actions apply them"),
    ("APPLY_CARD_SETUP_EFFECTS", "what a card does is for people to carry out"),
    ("PROMPT_ATTACKER_ROLL", "the roll says what it is"),
    ("PROMPT_DEFENDER_ROLL", "the roll says what it is"),
    ("PROMPT_LEADER_REROLLS_IF_AVAILABLE", "the rolls have the leaders' dice thrown again"),
    ("PROMPT_ATTACKER_CONTINUE_OR_STOP", "PROMPT_DEFENDER_RETREAT_OR_CONTINUE asks the attacker first"),
];

/// Whether the guard holds, in a new game with these facts.
fn holds(machine: &Machine, guard: &str, facts: &Value) -> bool {
    let mut facts = facts.as_object().unwrap().clone();
    let data = facts.remove("EVENT").unwrap_or_else(|| json!({}));
    let event = json!({
        "name": "X", "data": data, "sender": "host", "is_host": true, "players": ["host"], "assist": true, "at": 0,
    });
    let event: Event = serde_json::from_value(event).unwrap();
    let mut game = machine::begin(machine, Some(&Figures::none()), &[], true, 0).unwrap();
    game.variables.extend(facts);
    machine::guard_holds(machine, &game, &event, guard).unwrap_or_else(|| panic!("no transition has {guard:?}"))
}

#[test]
fn each_guard_holds_when_it_is_meant_to_and_only_then() {
    let machine = twin();
    for (guard, yes, no) in guards() {
        assert!(holds(&machine, guard, &yes), "{guard} does not hold with {yes}");
        assert!(!holds(&machine, guard, &no), "{guard} holds with {no}");
    }
    let transitions = machine.states.iter().flat_map(|state| &state.transitions);
    let named: BTreeSet<&str> = transitions.filter_map(|way| Some(way.guard.as_ref()?.source())).collect();
    assert_eq!(named, guards().iter().map(|(guard, ..)| *guard).collect(), "the table has a row for each");
    assert_eq!(named.len(), 31);
}

#[test]
fn each_action_does_something_or_it_is_known_what_does_it_instead() {
    for machine in [twin(), built_in("war-of-the-ring")] {
        let on_the_way = machine.states.iter().flat_map(|state| &state.transitions).flat_map(|way| &way.actions);
        let on_the_way: BTreeSet<&str> = on_the_way.map(String::as_str).collect();
        let on_entry: BTreeSet<&str> =
            machine.states.iter().flat_map(|state| &state.entry).map(String::as_str).collect();
        assert_eq!((on_entry.len(), on_the_way.len()), (106, 24));
        for action in on_entry.union(&on_the_way) {
            let steps = machine.actions.get(*action).map(Vec::len);
            let is_prompt = action.strip_prefix("PROMPT_").is_some_and(|id| machine.prompts.contains_key(id));
            let is_elsewhere = ELSEWHERE.iter().any(|(name, _)| name == action);
            match steps {
                Some(0) => assert!(is_elsewhere, "{action} does nothing, and nobody knows why"),
                Some(_) => assert!(!is_elsewhere, "{action} does something after all"),
                None => assert!(is_prompt, "{action} is unknown"),
            }
        }
    }
}
