//! What each action of the definition does: one row each, by the names that the players have.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    definitions::{built_in, twin},
    effects_of_war,
    meanings::ELSEWHERE,
    table::even,
};
use crate::{
    board::Figures,
    definition::Machine,
    machine::{self, Event, OutputKind, Rolled, Stop},
};

/// An action, the facts with which it is done, and everything that it does then: `NAME = value`, `command …`, `record …`,
/// `ask …`; and of what it says, parts. What the event tells stands under EVENT, and the state under STATE.
pub(super) type Row = (&'static str, Value, &'static [&'static str]);

fn rows() -> Vec<Row> {
    [setup(), turn(), fellowship(), actions(), effects_of_war::hunt(), effects_of_war::combat()].concat()
}

/// Before the first turn.
fn setup() -> Vec<Row> {
    vec![
        ("PROMPT_SETUP_GAME_OPTIONS", json!({"LOME": true}), &["ask confirm", "Lords of Middle-earth", "Players: 2"]),
        ("PROMPT_SETUP_LOBBY_HOST", json!({"PLAYER_COUNT": 3}), &["Players: 3"]),
        ("PROMPT_SETUP_LOBBY_CLIENT", json!({"WOME": true}), &["Warriors of Middle-earth"]),
        ("ASSIGN_PLAYER_TO_FP", json!({}), &[r#"FP_SEAT = "somebody""#]),
        ("ASSIGN_PLAYER_TO_SHADOW", json!({}), &[r#"SP_SEAT = "somebody""#]),
        ("ASSIGN_SOLO_PLAYER_TO_FP", json!({}), &[r#"FP_SEAT = "somebody""#, "PLAYER_COUNT = 1"]),
        ("ASSIGN_SOLO_PLAYER_TO_SHADOW", json!({}), &[r#"SP_SEAT = "somebody""#, "PLAYER_COUNT = 1"]),
        ("VALIDATE_SIDE_ASSIGNMENTS", json!({}), &["The seats are checked"]),
        ("PERSIST_PLAYER_FACTION_ASSIGNMENTS", json!({}), &["The seats are written down"]),
        ("INITIALIZE_FP_RESOURCES", json!({}), &["Free Peoples: 4 dice, 3 Elven Rings"]),
        ("INITIALIZE_SP_RESOURCES", json!({}), &["Shadow: 7 dice"]),
        ("SETUP_INITIAL_BOARD_STATE", json!({}), &["The map is ready"]),
        ("PLACE_INITIAL_PIECES", json!({}), &["The Fellowship stands in Rivendell"]),
        ("INITIALIZATION_COMPLETE", json!({}), &["All is in place"]),
    ]
}

/// The turn, its ends and phase 1.
fn turn() -> Vec<Row> {
    vec![
        ("INCREMENT_TURN_COUNTER", json!({"TURN": 3}), &["TURN = 4", "record <fsm> set turn 4"]),
        ("INCREMENT_TURN_COUNTER", json!({"TURN": 3, "DB_TURN": 6}), &["TURN = 6", "record <fsm> set turn 6"]),
        (
            "RESET_PHASE_TRACKER",
            json!({"FELLOWSHIP_DECLARED": true, "RINGBEARER_HEALED": true, "GUIDE_CHANGED": true, "FP_RING_USED": true, "SP_PASSED_FLAG": true, "LAST_ACTOR": "SP", "REVEALED_PENDING": true}),
            &[
                "FELLOWSHIP_DECLARED = false",
                "RINGBEARER_HEALED = false",
                "GUIDE_CHANGED = false",
                "FP_RING_USED = false",
                "SP_PASSED_FLAG = false",
                r#"LAST_ACTOR = """#,
                "REVEALED_PENDING = false",
            ],
        ),
        ("PROMPT_NO_VICTORY_START_NEXT_TURN", json!({}), &["The next turn begins"]),
        ("PROMPT_GAME_OVER_SHADOW_RING", json!({}), &["the Shadow wins"]),
        ("PROMPT_GAME_OVER_FP_RING", json!({}), &["the Free Peoples win"]),
        ("PROMPT_GAME_OVER_SHADOW_MILITARY", json!({}), &["10 points: the Shadow wins"]),
        ("PROMPT_GAME_OVER_FP_MILITARY", json!({}), &["4 points: the Free Peoples win"]),
        (
            "PROMPT_PHASE_1_START",
            json!({"FP_HAND_SIZE": 3, "SP_HAND_SIZE": 7}),
            &["PHASE 1", "✅ FREE PEOPLES: hand 3/6", "⚠️ SHADOW: hand 7/6 - DISCARD REQUIRED"],
        ),
        (
            "RECOVER_ALL_FP_ACTION_DICE",
            json!({"DICE_SPENT": [210], "FP_FACES": {"210": "event"}}),
            &["DICE_SPENT = []", "FP_FACES = {}", "command Ctrl+9"],
        ),
        (
            "RECOVER_ALL_SP_ACTION_DICE",
            json!({"HUNT_BOX_DICE": [99], "HUNT_LEVEL": 1, "HUNT_FP_DICE": 2, "EYE_DICE": 1, "SP_FACES": {"99": "eye"}}),
            &[
                "HUNT_BOX_DICE = []",
                "HUNT_LEVEL = 0",
                "HUNT_FP_DICE = 0",
                "EYE_DICE = 0",
                "SP_FACES = {}",
                "FP_DICE_TAKEN_BACK = 2",
                "command Ctrl+0",
            ],
        ),
        ("FP_DRAW_CHARACTER_CARD", json!({"FP_HAND_SIZE": 2}), &["FP_HAND_SIZE = 3", "command F7"]),
        ("FP_DRAW_STRATEGY_CARD", json!({"FP_HAND_SIZE": 2}), &["FP_HAND_SIZE = 3", "command F8"]),
        ("SP_DRAW_CHARACTER_CARD", json!({"SP_HAND_SIZE": 2}), &["SP_HAND_SIZE = 3", "command F11"]),
        ("SP_DRAW_STRATEGY_CARD", json!({"SP_HAND_SIZE": 2}), &["SP_HAND_SIZE = 3", "command F12"]),
        (
            "IF_FP_HAND_SIZE_GT_HAND_LIMIT_PROMPT_DISCARD",
            json!({"FP_HAND_SIZE": 8}),
            &["ask fp_discard", "the Free Peoples hold 8 cards, 6 may stay"],
        ),
        ("IF_FP_HAND_SIZE_GT_HAND_LIMIT_PROMPT_DISCARD", json!({"FP_HAND_SIZE": 6}), &[]),
        (
            "IF_SP_HAND_SIZE_GT_HAND_LIMIT_PROMPT_DISCARD",
            json!({"SP_HAND_SIZE": 7}),
            &["ask sp_discard", "the Shadow holds 7 cards, 6 may stay"],
        ),
        ("IF_SP_HAND_SIZE_GT_HAND_LIMIT_PROMPT_DISCARD", json!({"SP_HAND_SIZE": 6}), &[]),
        ("PROMPT_PHASE_1_COMPLETE", json!({}), &["Hands are in order"]),
    ]
}

/// Phases 2 and 3.
fn fellowship() -> Vec<Row> {
    vec![
        (
            "PROMPT_PHASE_2_START",
            json!({"FELLOWSHIP_AREA": 74, "FELLOWSHIP_PROGRESS": 2, "CORRUPTION": 3, "FELLOWSHIP_REVEALED": true}),
            &["PHASE 2", "Location: Minas Tirith (progress 2)", "Revealed", "Corruption: 3/12", "activate Gondor"],
        ),
        ("CHECK_FELLOWSHIP_OPTIONS", json!({}), &["ask fellowship"]),
        ("CHECK_FELLOWSHIP_OPTIONS", json!({"GUIDE_CHOICE_PENDING": true}), &["ask guide", "one of [Strider]"]),
        (
            "DECLARE_FELLOWSHIP_POSITION",
            json!({"FELLOWSHIP_PROGRESS": 3, "EVENT": {"area": 37}}),
            &[
                "FELLOWSHIP_DECLARED = true",
                "FELLOWSHIP_PROGRESS = 0",
                "FELLOWSHIP_AREA = 37",
                "record $FSM moves 247 from Rivendell to Lorien ",
                "record $FSM moves 248 from Fellowship Track 3 to Fellowship Track 0 ",
            ],
        ),
        (
            "DECLARE_FELLOWSHIP_POSITION",
            json!({"FELLOWSHIP_AREA": 86, "HUNT_POOL": [215, 216, 217, 218, 219, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 239], "HUNT_USED": [214], "EVENT": {"area": 188}}),
            &[
                "FELLOWSHIP_DECLARED = true",
                "FELLOWSHIP_AREA = 188",
                "record $FSM moves 247 from Minas Morgul to Mordor 0 - Cirith Ungol/The Black Gate ",
                "record $FSM moves 214 from Used Hunt Tiles to Hunt Pool ",
                "HUNT_POOL = [215,216,217,218,219,220,221,222,223,224,225,226,227,228,229,239,214]",
                "HUNT_USED = []",
            ],
        ),
        ("PROMPT_PHASE_2_FELLOWSHIP_DECLARED", json!({"FELLOWSHIP_AREA": 37}), &["declares itself at Lorien"]),
        ("REDUCE_CORRUPTION_BY_ONE", json!({"CORRUPTION": 5}), &["CORRUPTION = 4", "RINGBEARER_HEALED = true"]),
        (
            "REDUCE_CORRUPTION_BY_ONE",
            json!({"CORRUPTION": 5, "CORRUPTION_BEFORE": 5}),
            &[
                "CORRUPTION = 4",
                "RINGBEARER_HEALED = true",
                "record $FSM moves 252 from Fellowship Track 5 to Fellowship Track 4 ",
            ],
        ),
        ("REDUCE_CORRUPTION_BY_ONE", json!({"CORRUPTION": 0}), &["RINGBEARER_HEALED = true"]),
        ("PROMPT_PHASE_2_FELLOWSHIP_HEALED", json!({"CORRUPTION": 4}), &["it stands at 4/12"]),
        (
            "ACTIVATE_NATION_AT_FELLOWSHIP",
            json!({"FELLOWSHIP_AREA": 74, "ACTIVE_NATIONS": ["Elves"]}),
            &[r#"ACTIVE_NATIONS = ["Elves","Gondor"]"#],
        ),
        ("PROMPT_PHASE_2_NATION_ACTIVATED", json!({"FELLOWSHIP_AREA": 74}), &["Gondor is active now"]),
        ("CHANGE_FELLOWSHIP_GUIDE", json!({}), &["Declare, heal, activate"]),
        ("PROMPT_PHASE_2_GUIDE_CHANGED", json!({"GUIDE": "Strider"}), &["The Guide is Strider"]),
        ("PROMPT_PHASE_2_COMPLETE", json!({}), &["The Fellowship has decided"]),
        (
            "PROMPT_PHASE_3_START",
            json!({"HUNT_LEVEL": 2, "COMPANIONS": ["Strider", "Pippin"]}),
            &["PHASE 3", "Dice in the Hunt Box: 2", "As many dice as allowed (2)"],
        ),
        ("PROMPT_SP_ALLOCATE_HUNT_DICE", json!({}), &["ask hunt_allocation"]),
        ("PROMPT_PHASE_3_COMPLETE", json!({"HUNT_LEVEL": 1}), &["Dice in the Hunt Box: 1"]),
    ]
}

/// Phases 4 to 6.
fn actions() -> Vec<Row> {
    vec![
        (
            "ROLL_FP_ACTION_DICE",
            json!({"FP_POOL": [210, 211], "DICE_SPENT": [211]}),
            &["command FSM_ROLL_FP_DICE", r#"FP_FACES = {"210":"event"}"#, "record $FSM rolls 210 as 2 "],
        ),
        (
            "ROLL_SP_ACTION_DICE",
            json!({"SP_POOL": [99, 100, 101], "HUNT_BOX_DICE": [99]}),
            &[
                "command FSM_ROLL_SP_DICE",
                r#"SP_FACES = {"100":"event","101":"event"}"#,
                "record $FSM rolls 100 101 as 14 14 ",
            ],
        ),
        (
            "MOVE_ALL_EYE_RESULTS_TO_HUNT_BOX",
            json!({"SP_POOL": [99, 100, 101], "SP_FACES": {"99": "eye", "100": "army", "101": "eye"}, "HUNT_LEVEL": 1}),
            &[
                "EYE_DICE = 2",
                "HUNT_LEVEL = 3",
                "HUNT_BOX_DICE = [99,101]",
                "record $FSM allocates 99 101 ",
                "PHASE 4",
                "[Eye] [Army] [Eye]",
            ],
        ),
        ("PROMPT_PHASE_4_COMPLETE", json!({}), &["The dice lie as they fell"]),
        (
            "INIT_ACTION_TURN_ORDER_FP_FIRST",
            json!({"ACTOR": "SP", "SP_PASSED_FLAG": true, "DICE_IN_CURRENT_ACTION": [99]}),
            &[r#"LAST_ACTOR = "SP""#, r#"ACTOR = """#, "SP_PASSED_FLAG = false", "DICE_BEFORE = [99]"],
        ),
        (
            "PROMPT_PHASE_5_START",
            json!({"FP_POOL": [210], "HUNT_LEVEL": 2}),
            &["PHASE 5", "Free Peoples dice: 1", "Dice in the Hunt Box: 2"],
        ),
        (
            "SHOW_FP_DICE_POOL",
            json!({"FP_POOL": [210, 211], "FP_FACES": {"210": "muster"}, "DICE_IN_CURRENT_ACTION": [211]}),
            &[r#"ACTOR = "FP""#, "DICE_BEFORE = [211]", "ask fp_die", "2 dice left. Faces: [Muster] [?]"],
        ),
        (
            "SHOW_SP_DICE_POOL",
            json!({"SP_POOL": [99], "SP_FACES": {"99": "army"}}),
            &[r#"ACTOR = "SP""#, "ask sp_die", "1 die left. Faces: [Army]"],
        ),
        (
            "RECORD_SELECTED_DIE",
            json!({"STATE": "PHASE_5_FP_ACTION", "FP_FACES": {"211": "muster"}, "FELLOWSHIP_PROGRESS": 2, "CONTESTED_REGIONS": [37], "ACTION": "attack", "EVENT": {"die": 2}}),
            &[
                r#"ACTOR = "FP""#,
                "SELECTED_NUMBER = 2",
                "SELECTED_DIE = 211",
                r#"SELECTED_FACE = "muster""#,
                r#"ACTION = """#,
                r#"STEPS_BEFORE = {"Dwarves":3,"Elves":3,"Gondor":2,"Isengard":1,"North":3,"Rohan":3,"Sauron":1,"Southrons and Easterlings":2}"#,
                "PROGRESS_BEFORE = 2",
                "CONTESTED_BEFORE = [37]",
                "record $FSM moves 211 from FP Dice to Current Action ",
            ],
        ),
        (
            "RECORD_SELECTED_DIE",
            json!({"STATE": "PHASE_5_SP_ACTION", "EVENT": {"piece_id": 100, "to": 152, "face": "army"}}),
            &[
                r#"ACTOR = "SP""#,
                r#"STEPS_BEFORE = {"Dwarves":3,"Elves":3,"Gondor":2,"Isengard":1,"North":3,"Rohan":3,"Sauron":1,"Southrons and Easterlings":2}"#,
                "SELECTED_DIE = 100",
                r#"SELECTED_FACE = "army""#,
            ],
        ),
        ("PROMPT_PHASE_5_DIE_SELECTED", json!({"ACTOR": "SP", "SELECTED_FACE": "army"}), &["The Shadow: die Army"]),
        ("CHECK_IF_WILL_OF_WEST", json!({"SELECTED_FACE": "will_of_the_west"}), &["may show any other face"]),
        ("CHECK_IF_WILL_OF_WEST", json!({"SELECTED_FACE": ""}), &["not known here"]),
        ("CHECK_IF_WILL_OF_WEST", json!({"SELECTED_FACE": "muster"}), &[]),
        ("CHECK_ELVEN_RINGS_AVAILABLE", json!({"FP_RINGS": 1}), &["may change this die"]),
        ("CHECK_ELVEN_RINGS_AVAILABLE", json!({"FP_RINGS": 0}), &[]),
        (
            "DETERMINE_DIE_ACTIONS",
            json!({"ACTOR": "FP", "SELECTED_FACE": "muster"}),
            &["ask fp_action", "Muster: a Nation one step on"],
        ),
        (
            "DETERMINE_DIE_ACTIONS",
            json!({"ACTOR": "SP", "SELECTED_FACE": "eye"}),
            &["ask sp_action", "goes to the Hunt Box"],
        ),
        (
            "CHANGE_DIE_TO_SELECTED_FACE",
            json!({"ACTOR": "FP", "SELECTED_DIE": 210, "SELECTED_FACE": "will_of_the_west", "EVENT": {"face": "army_muster"}}),
            &[r#"SELECTED_FACE = "army_muster""#, "record $FSM rolls 210 as 4 "],
        ),
        (
            "MOVE_ELVEN_RING_TO_SHADOW_CONTROL",
            json!({"FP_RINGS": 3, "SP_RINGS": 0}),
            &[
                "FP_RINGS = 2",
                "SP_RINGS = 1",
                "FP_RING_USED = true",
                r#"USED_RING = "Vilya""#,
                r#"RINGS = {"249":128,"250":126,"251":127}"#,
                "record $FSM moves 249 from Elven Ring 1 to Dark Ring 1 ",
            ],
        ),
        (
            "MOVE_ELVEN_RING_TO_SP_CASUALTIES",
            json!({"ACTOR": "SP", "SP_RINGS": 1, "RINGS": {"250": 126, "251": 130}}),
            &[
                "SP_RINGS = 0",
                "SP_RING_USED = true",
                r#"USED_RING = "Narya""#,
                r#"RINGS = {"250":126,"251":177}"#,
                "record $FSM moves 251 from Dark Ring 3 to SA Casualties ",
            ],
        ),
        (
            "REROLL_SELECTED_DIE",
            json!({"ACTOR": "FP", "SELECTED_DIE": 210, "SELECTED_FACE": "event", "EVENT": {"face": "character"}}),
            &[r#"SELECTED_FACE = "character""#, "record $FSM rolls 210 as 1 "],
        ),
        (
            "REROLL_SELECTED_DIE",
            json!({"ACTOR": "SP", "SELECTED_DIE": 99, "SELECTED_FACE": "army", "EVENT": {"face": "eye"}}),
            &[r#"SELECTED_FACE = "eye""#, "HUNT_BOX_DICE = [99]", "HUNT_LEVEL = 1", "record $FSM rolls 99 as 15 "],
        ),
        (
            "REROLL_SELECTED_DIE",
            json!({"ACTOR": "SP", "SELECTED_DIE": 99, "SELECTED_FACE": "army"}),
            &[r#"SELECTED_FACE = "event""#, r#"REROLLED = {"99":"event"}"#, "record $FSM rolls 99 as 14 "],
        ),
        (
            "REROLL_SELECTED_DIE",
            json!({"ACTOR": "FP", "SELECTED_DIE": 210, "SELECTED_FACE": "event", "EVENT": {"face": "will_of_the_west"}}),
            &[],
        ),
        ("PROMPT_ELVEN_RING_USED_FP", json!({}), &["passes to the Shadow"]),
        ("PROMPT_ELVEN_RING_USED_SP", json!({}), &["leaves the game"]),
        (
            "RECORD_ACTION_CHOICE",
            json!({"ACTOR": "SP", "FP_PASSED_FLAG": true, "EVENT": {"action": "attack", "region": 74, "moves": [{"pieces": [7], "from": 86, "to": 74}]}}),
            &[
                r#"LAST_ACTOR = "SP""#,
                "FP_PASSED_FLAG = false",
                r#"ACTION = "attack""#,
                "COMBAT_REGION = 74",
                "record $FSM moves 7 from Minas Morgul to Minas Tirith ",
                "1 piece from Minas Morgul to Minas Tirith",
            ],
        ),
        (
            "APPLY_FP_ACTION_DIE_EFFECT",
            json!({"SELECTED_NUMBER": 2}),
            &["command FSM_EXECUTE_ACTION 2", "EXECUTED_DIE = 2"],
        ),
        ("APPLY_FP_ACTION_DIE_EFFECT", json!({"SELECTED_NUMBER": 0}), &[]),
        (
            "APPLY_FP_ACTION_DIE_EFFECT",
            json!({"ACTION": "hide_fellowship", "FELLOWSHIP_REVEALED": true}),
            &["FELLOWSHIP_REVEALED = false", "record $FSM flips 248 ", "The Free Peoples: hide the Fellowship"],
        ),
        (
            "APPLY_SP_ACTION_DIE_EFFECT",
            json!({"SELECTED_NUMBER": 1}),
            &["command FSM_EXECUTE_ACTION 1", "EXECUTED_DIE = 1"],
        ),
        ("DECREMENT_FP_DICE_REMAINING", json!({"SELECTED_DIE": 210}), &["DICE_SPENT = [210]"]),
        ("DECREMENT_SP_DICE_REMAINING", json!({"SELECTED_DIE": 99, "DICE_SPENT": [210]}), &["DICE_SPENT = [210,99]"]),
        (
            "CHECK_IF_FELLOWSHIP_MOVED_SET_FLAG",
            json!({"ACTION": "move_fellowship", "FELLOWSHIP_PROGRESS": 2, "PROGRESS_BEFORE": 2}),
            &[
                "FELLOWSHIP_MOVED_FLAG = true",
                "FELLOWSHIP_PROGRESS = 3",
                "record $FSM moves 248 from Fellowship Track 2 to Fellowship Track 3 ",
            ],
        ),
        (
            "CHECK_IF_FELLOWSHIP_MOVED_SET_FLAG",
            json!({"FELLOWSHIP_PROGRESS": 3, "PROGRESS_BEFORE": 2}),
            &["FELLOWSHIP_MOVED_FLAG = true"],
        ),
        ("CHECK_IF_FELLOWSHIP_MOVED_SET_FLAG", json!({"ACTION": "attack"}), &[]),
        ("CHECK_IF_COMBAT_STARTED_SET_FLAG", json!({"ACTION": "attack"}), &["COMBAT_FLAG = true"]),
        (
            "CHECK_IF_COMBAT_STARTED_SET_FLAG",
            json!({"CONTESTED_REGIONS": [37, 75], "CONTESTED_BEFORE": [37]}),
            &["COMBAT_FLAG = true", "COMBAT_REGION = 75"],
        ),
        (
            "CHECK_IF_COMBAT_STARTED_SET_FLAG",
            json!({"ACTION": "recruit", "CONTESTED_REGIONS": [37], "CONTESTED_BEFORE": [37]}),
            &[],
        ),
        (
            "UPDATE_GAME_STATE_FROM_FP_ACTION",
            json!({"ACTION": "upgrade", "EVENT": {"character": "Aragorn"}}),
            &["ARAGORN = true", "DICE_TO_COME = [358]", "SPARE_DICE = [359,360,361,362]", "Now in play: Aragorn"],
        ),
        (
            "UPDATE_GAME_STATE_FROM_FP_ACTION",
            json!({"CHARACTERS": {"244": 48}}),
            &[
                r#"ACTIVE_NATIONS = ["Elves","Southrons and Easterlings","Sauron","Isengard","Gondor"]"#,
                "Active now: Gondor",
            ],
        ),
        ("UPDATE_GAME_STATE_FROM_FP_ACTION", json!({"CHARACTERS": {"244": 45}}), &[]),
        (
            "UPDATE_GAME_STATE_FROM_SP_ACTION",
            json!({"SP_UNITS": {"54": 3}}),
            &[
                r#"ACTIVE_NATIONS = ["Elves","Southrons and Easterlings","Sauron","Isengard","Rohan"]"#,
                "Active now: Rohan",
            ],
        ),
        (
            "UPDATE_GAME_STATE_FROM_SP_ACTION",
            json!({"CHARACTERS": {"253": 86, "254": 176, "255": 177}, "MINIONS_PLAYED": ["the Mouth of Sauron"]}),
            &[
                r#"ACTIVE_NATIONS = ["Elves","Southrons and Easterlings","Sauron","Isengard","Dwarves","North","Rohan","Gondor"]"#,
                r#"MINIONS_PLAYED = ["the Mouth of Sauron","the Witch-king"]"#,
                "Now in play: the Witch-king",
            ],
        ),
        (
            "UPDATE_GAME_STATE_FROM_SP_ACTION",
            json!({"ACTION": "bring_minion", "EVENT": {"minion": "Saruman"}}),
            &[
                r#"MINIONS_PLAYED = ["Saruman"]"#,
                "DICE_TO_COME = [360]",
                "SPARE_DICE = [358,359,361,362]",
                "Now in play: Saruman",
            ],
        ),
        ("SET_FP_PASSED_FLAG", json!({}), &["FP_PASSED_FLAG = true", r#"LAST_ACTOR = "FP""#]),
        ("SET_SP_PASSED_FLAG", json!({"FP_PASSED_FLAG": true}), &["SP_PASSED_FLAG = true", r#"LAST_ACTOR = "SP""#]),
        (
            "CLEAR_ACTION_FLAGS",
            json!({"COMBAT_FLAG": true, "FELLOWSHIP_MOVED_FLAG": true, "ACTION": "attack"}),
            &["COMBAT_FLAG = false", "FELLOWSHIP_MOVED_FLAG = false", r#"ACTION = """#],
        ),
        ("PROMPT_PHASE_5_COMPLETE", json!({}), &["No more actions this turn"]),
        (
            "PROMPT_PHASE_6_START",
            json!({"FELLOWSHIP_AREA": 189, "CORRUPTION": 7}),
            &[
                "CORRUPTION = 8",
                "record $FSM moves 252 from Fellowship Track 7 to Fellowship Track 8 ",
                "lingers in Mordor is corrupted: 8/12",
                "Corruption: 8/12",
            ],
        ),
        (
            "PROMPT_PHASE_6_START",
            json!({"CORRUPTION": 7, "SHADOW_VP": 4, "FP_VP": 1}),
            &["PHASE 6", "Corruption: 7/12", "Shadow: 4/10", "Free Peoples: 1/4"],
        ),
    ]
}

/// What an action does in a new game with these facts.
fn effects(machine: &Machine, action: &str, facts: &Value) -> (BTreeSet<String>, String) {
    let mut facts = facts.as_object().unwrap().clone();
    let data = facts.remove("EVENT").unwrap_or_else(|| json!({}));
    let state = facts.remove("STATE");
    let event = json!({
        "name": "X", "data": data, "sender": "somebody", "is_host": true, "players": ["somebody"], "assist": true, "at": 0,
    });
    let event: Event = serde_json::from_value(event).unwrap();
    let board = Figures::none();
    let mut game = machine::begin(machine, Some(&board), &[], true, 0).unwrap();
    if let Some(state) = state.as_ref().and_then(Value::as_str) {
        state.clone_into(&mut game.state);
    }
    game.variables.extend(facts);
    let mut rolls: Vec<Rolled> = Vec::new();
    let done = loop {
        match machine::do_action(machine, &game, &event, &board, &rolls, action) {
            Ok(done) => break done,
            Err(Stop::Roll(roll)) => rolls.push(Rolled { id: String::new(), result: even(&roll), roll }),
            Err(stop) => panic!("{action}: {stop:?}"),
        }
    };
    let mut effects: BTreeSet<String> = done
        .game
        .variables
        .iter()
        .filter(|(name, value)| game.variables.get(name) != Some(value))
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    effects.extend(done.outputs.iter().map(|output| match &output.kind {
        OutputKind::Command(line) => format!("command {line}"),
        OutputKind::Record(line) => format!("record {line}"),
        other => format!("{other:?}"),
    }));
    let asked = done.game.memory.asked.iter().filter(|asked| game.memory.asked_count < asked.number);
    effects.extend(asked.map(|asked| format!("ask {}", asked.name)));
    (effects, done.texts.join("\n"))
}

#[test]
fn each_action_does_what_its_name_says_and_nothing_else() {
    let machine = built_in("war-of-the-ring");
    for (action, facts, expected) in rows() {
        let (effects, said) = effects(&machine, action, &facts);
        let is_effect = |line: &&&str| {
            line.contains(" = ") || ["command ", "record ", "ask "].iter().any(|kind| line.starts_with(kind))
        };
        let expected_effects: BTreeSet<String> =
            expected.iter().filter(is_effect).map(|line| (*line).to_owned()).collect();
        assert_eq!(effects, expected_effects, "{action} with {facts}");
        let expected_words: Vec<&&str> = expected.iter().filter(|line| !is_effect(line)).collect();
        assert!(expected_words.iter().all(|words| said.contains(**words)), "{action} with {facts} says {said:?}");
        assert_eq!(said.is_empty(), expected_words.is_empty(), "{action} with {facts} says {said:?}");
    }
}

#[test]
fn the_players_definition_has_the_same_effects() {
    let (ours, theirs) = (built_in("war-of-the-ring"), twin());
    for (action, facts, _) in rows() {
        assert_eq!(effects(&theirs, action, &facts).0, effects(&ours, action, &facts).0, "{action} with {facts}");
    }
}

#[test]
fn every_action_of_the_definition_has_a_row_unless_something_else_does_its_work() {
    let machine = twin();
    let on_the_way = machine.states.iter().flat_map(|state| &state.transitions).flat_map(|way| &way.actions);
    let actions = machine.states.iter().flat_map(|state| &state.entry).chain(on_the_way);
    let actions: BTreeSet<&str> = actions.map(String::as_str).collect();
    let elsewhere = ELSEWHERE.iter().map(|(name, _)| *name);
    let known: BTreeSet<&str> = rows().iter().map(|(name, ..)| *name).chain(elsewhere).collect();
    assert_eq!(actions.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "these have no row");
    assert_eq!(known.difference(&actions).collect::<Vec<_>>(), Vec::<&&str>::new(), "these are no actions");
}
