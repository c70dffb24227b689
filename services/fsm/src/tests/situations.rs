//! Situations of War of the Ring, worked out by hand from its rules, and what a game makes of them.

use serde_json::{Value, json};

use super::{
    decisions::{ids, records},
    table::{Table, lines, states, texts},
};
use crate::machine::{Reaction, Refusal, Roll};

/// Free Peoples to act, with their first die selected; it shows this face.
pub(super) fn with_die(board: Value, face: &str) -> Table {
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": face}));
    table
}

/// The Shadow to act, with its first die selected; it shows this face.
pub(super) fn with_shadow_die(board: Value, face: &str) -> Table {
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": face}));
    table
}

/// A step of the Fellowship that meets the first tile of the pool.
fn step(board: Value) -> (Table, Reaction) {
    let mut table = with_die(board, "character");
    if table.board.values.get("FELLOWSHIP_AREA").and_then(Value::as_i64).is_none_or(|area| area < 188) {
        table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    }
    let reaction = table.choose("action", "move_fellowship");
    (table, reaction)
}

/// The last rolls that were made.
pub(super) fn rolls(table: &Table) -> Vec<Roll> {
    table.log.last().unwrap().1.iter().map(|rolled| rolled.roll.clone()).collect()
}

// ---- the Mordor Track

#[test]
fn the_last_step_is_taken_only_when_its_tile_is_survived() {
    let (mut table, reaction) = step(json!({"FELLOWSHIP_AREA": 192, "CORRUPTION": 9, "HUNT_POOL": [227]}));
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    assert!(records(&reaction).iter().all(|line| !line.starts_with("$FSM moves 247")), "the figure waits");
    table.choose("damage", "corruption");
    table.rests_in("GAME_END_SHADOW_RING");
}

#[test]
fn the_step_after_a_tile_without_damage_ends_the_game_at_the_cracks_of_doom() {
    let (table, reaction) = step(json!({"FELLOWSHIP_AREA": 192, "CORRUPTION": 11, "HUNT_POOL": [214]}));
    let told = records(&reaction);
    let last = "$FSM moves 247 from Mordor 4 - On the Slopes of Mount Doom to Mordor 5 - The Cracks of Doom ";
    assert!(told.contains(&last.to_owned()), "{told:?}");
    table.rests_in("GAME_END_FP_RING");
}

#[test]
fn a_red_tile_stops_the_fellowship_where_it_is() {
    let (mut table, _) = step(json!({"FELLOWSHIP_AREA": 190, "HUNT_POOL": [238]}));
    let reaction = table.choose("damage", "corruption");
    assert!(texts(&reaction).iter().any(|text| text.contains("stops the Fellowship")));
    assert!(records(&reaction).iter().all(|line| !line.starts_with("$FSM moves 247")));
    assert_eq!(table.variable("FELLOWSHIP_AREA"), 27, "no figure of the machine's own has moved either");
}

#[test]
fn in_mordor_an_eye_is_as_bad_as_all_dice_in_the_hunt_box() {
    let (table, _) = step(json!({"FELLOWSHIP_AREA": 189, "HUNT_LEVEL": 5, "HUNT_FP_DICE": 2, "HUNT_POOL": [219]}));
    assert_eq!(table.variable("HUNT_DAMAGE_TO_ASSIGN"), 7, "no five dice are the limit here");
    let (table, _) = step(json!({"FELLOWSHIP_AREA": 189, "HUNT_LEVEL": 0, "HUNT_FP_DICE": 0, "HUNT_POOL": [219]}));
    assert_eq!(table.variable("HUNT_DAMAGE_TO_ASSIGN"), 0, "an empty box hurts nobody");
}

#[test]
fn in_mordor_nobody_rolls_and_progress_is_not_counted() {
    let (table, reaction) = step(json!({"FELLOWSHIP_AREA": 189, "FELLOWSHIP_PROGRESS": 0, "HUNT_POOL": [223]}));
    assert_eq!(rolls(&table), [Roll::Pick { count: 1 }]);
    assert!(records(&reaction).iter().all(|line| !line.starts_with("$FSM moves 248")));
}

#[test]
fn a_turn_in_mordor_without_a_step_corrupts_and_hiding_saves_from_it() {
    let board = json!({"FELLOWSHIP_AREA": 189, "CORRUPTION": 4});
    let mut table = Table::ours().with_board(board.clone());
    table.play_to_first_action();
    table.send("FP_PASSES");
    let told = records(&table.send("SP_PASSES"));
    assert!(told.contains(&"$FSM moves 252 from Fellowship Track 4 to Fellowship Track 5 ".to_owned()), "{told:?}");

    let mut table = Table::ours().with_board(board);
    table.game.variables.insert("FELLOWSHIP_REVEALED".to_owned(), json!(true));
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "character"}));
    table.choose("action", "hide_fellowship");
    table.send("SP_PASSES");
    let told = records(&table.send("FP_PASSES"));
    assert!(told.iter().all(|line| !line.starts_with("$FSM moves 252")), "{told:?}");
}

#[test]
fn whoever_lingers_in_mordor_with_corruption_eleven_has_lost() {
    let mut table = Table::ours().with_board(json!({"FELLOWSHIP_AREA": 189, "CORRUPTION": 11}));
    table.play_to_first_action();
    table.pass_the_turn();
    table.rests_in("GAME_END_SHADOW_RING");
}

// ---- the Hunt

#[test]
fn corruption_that_the_client_is_only_told_of_counts_at_once() {
    let (mut table, _) = step(json!({"CORRUPTION": 10, "HUNT_LEVEL": 1, "HUNT_POOL": [225]}));
    // The board shows 10 still.
    table.choose("damage", "corruption");
    table.rests_in("GAME_END_SHADOW_RING");
}

#[test]
fn what_was_told_counts_until_the_board_changes_and_no_longer_than_a_minute() {
    let (mut table, _) = step(json!({"CORRUPTION": 3, "HUNT_LEVEL": 1, "HUNT_POOL": [225]}));
    let corruption = |table: &Table| {
        crate::machine::all_facts(&table.machine, &table.game, Some(&table.board), true).unwrap()["CORRUPTION"].clone()
    };
    table.choose("damage", "corruption");
    assert_eq!(corruption(&table), 5);
    table.board.values.insert("CORRUPTION".to_owned(), json!(4));
    assert_eq!(corruption(&table), 4, "somebody has laid it elsewhere");
    table.send("SP_PASSES");
    table.board.values.insert("CORRUPTION".to_owned(), json!(3));
    assert_eq!(corruption(&table), 3, "what has changed once is forgotten");

    let (mut table, _) = step(json!({"CORRUPTION": 3, "HUNT_LEVEL": 1, "HUNT_POOL": [225]}));
    table.choose("damage", "corruption");
    table.at = 60_000;
    table.send("SP_PASSES");
    assert_eq!(corruption(&table), 3, "its client does not obey");
}

#[test]
fn damage_that_was_laid_on_the_board_by_hand_is_not_told_again() {
    let (mut table, _) = step(json!({"CORRUPTION": 3, "HUNT_LEVEL": 1, "HUNT_POOL": [225]}));
    table.board.values.insert("CORRUPTION".to_owned(), json!(5));
    let told = records(&table.send("FP_HUNT_DAMAGE_ASSIGNED"));
    assert!(told.iter().all(|line| !line.starts_with("$FSM moves 252")), "{told:?}");

    let (mut table, _) = step(json!({"CORRUPTION": 3, "HUNT_LEVEL": 1, "HUNT_POOL": [225]}));
    let told = records(&table.send("FP_HUNT_DAMAGE_ASSIGNED"));
    assert!(told.contains(&"$FSM moves 252 from Fellowship Track 3 to Fellowship Track 5 ".to_owned()), "{told:?}");
}

#[test]
fn a_tile_that_heals_moves_the_counter_and_not_below_nothing() {
    let (_, reaction) = step(json!({"CORRUPTION": 1, "HUNT_LEVEL": 1, "HUNT_POOL": [232]}));
    let told = records(&reaction);
    assert!(told.contains(&"$FSM moves 252 from Fellowship Track 1 to Fellowship Track 0 ".to_owned()), "{told:?}");
    let (_, reaction) = step(json!({"CORRUPTION": 0, "HUNT_LEVEL": 1, "HUNT_POOL": [232]}));
    assert!(records(&reaction).iter().all(|line| !line.starts_with("$FSM moves 252")));
}

#[test]
fn an_empty_pool_takes_back_the_drawn_standard_tiles_and_no_others() {
    let board = json!({"HUNT_LEVEL": 1, "HUNT_POOL": [230, 231], "HUNT_USED": [214, 223, 232]});
    let (table, reaction) = step(board);
    let told = records(&reaction);
    assert!(told.contains(&"$FSM moves 214 223 from Used Hunt Tiles to Hunt Pool ".to_owned()), "{told:?}");
    assert!(told.contains(&"$FSM moves 214 from Hunt Pool to Used Hunt Tiles ".to_owned()), "{told:?}");
    assert!(rolls(&table).contains(&Roll::Pick { count: 2 }));
}

#[test]
fn a_hobbit_who_guides_leaves_to_make_it_one_less() {
    let board = json!({"COMPANIONS": ["Merry", "Pippin"], "GUIDE": "Merry", "HUNT_LEVEL": 1, "HUNT_POOL": [225]});
    let (mut table, _) = step(board);
    let told = records(&table.choose("damage", "leave"));
    assert_eq!(
        told,
        [
            "$FSM moves 245 from Guide Of The Fellowship to Rivendell ",
            "$FSM moves 246 from Fellowship Of The Ring to Guide Of The Fellowship ",
        ]
    );
    assert_eq!(table.variable("GUIDE"), "Pippin");
    let told = records(&table.choose("damage", "corruption"));
    assert_eq!(told[0], "$FSM moves 252 from Fellowship Track 0 to Fellowship Track 1 ");
}

#[test]
fn gollum_reveals_the_fellowship_to_make_it_one_less() {
    let board = json!({"COMPANIONS": [], "GUIDE": "Gollum", "HUNT_LEVEL": 1, "HUNT_POOL": [225]});
    let (mut table, _) = step(board);
    assert_eq!(ids(&table.decision("damage")), ["corruption", "gollum"]);
    table.choose("damage", "gollum");
    assert_eq!((table.variable("CORRUPTION"), table.variable("FELLOWSHIP_REVEALED")), (json!(1), json!(true)));
    let board = json!({"COMPANIONS": [], "GUIDE": "Gollum", "HUNT_LEVEL": 1, "HUNT_POOL": [218]});
    assert_eq!(ids(&step(board).0.decision("damage")), ["corruption"], "the tile itself reveals");
}

#[test]
fn the_shadow_allocates_no_more_dice_than_companions_and_no_fewer_than_it_must() {
    let mut table = Table::ours().with_board(json!({"COMPANIONS": ["Strider", "Pippin"], "GUIDE": "Strider"}));
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    assert_eq!(table.refused("SP_HUNT_ALLOCATION_DONE", json!({"dice": 3})), Refusal::Transition);
    table.game.variables.insert("FP_DICE_TAKEN_BACK".to_owned(), json!(1));
    assert_eq!(table.refused("SP_HUNT_ALLOCATION_DONE", json!({"dice": 0})), Refusal::Transition);
    assert_eq!(ids(&table.decision("hunt_allocation")), ["dice-1", "dice-2"]);
}

// ---- the revealed Fellowship

#[test]
fn each_stronghold_of_the_shadow_on_a_revealed_figures_way_draws_a_tile_whose_eye_is_nothing() {
    // From Moria to Lórien: the Stronghold that is left counts.
    let board = json!({"FELLOWSHIP_AREA": 35, "FELLOWSHIP_PROGRESS": 2, "HUNT_LEVEL": 1, "HUNT_POOL": [214, 219, 223]});
    let (mut table, _) = step(board);
    table.rests_in("PHASE_5_SP_ACTION");
    let near = crate::map::neighbours(35).iter().find(|region| crate::map::settlement(**region).is_none()).unwrap();
    // The database shows what the client has done.
    table.board.values.insert("HUNT_POOL".to_owned(), json!([219, 223]));
    table.chance = vec![json!(1)];

    let reaction = table.choose("revealed", &format!("stand-{near}"));

    let way = ["HUNT_DRAW_TILE", "HUNT_APPLY_TILE", "HUNT_END", "PHASE_5_DETERMINE_NEXT_ACTOR", "PHASE_5_SP_ACTION"];
    assert_eq!(states(&reaction), way);
    let told = records(&reaction);
    assert!(told.contains(&"$FSM moves 219 from Hunt Pool to Used Hunt Tiles ".to_owned()), "{told:?}");
    assert_eq!(table.variable("HUNT_DAMAGE_TO_ASSIGN"), 0, "an Eye outside a roll");
    assert_eq!(table.variable("HUNT_FP_DICE"), 1, "the die went into the Hunt Box once");
}

#[test]
fn strongholds_tiles_wait_for_the_hunts_own_damage() {
    let board = json!({"FELLOWSHIP_AREA": 35, "FELLOWSHIP_PROGRESS": 2, "HUNT_LEVEL": 1, "HUNT_POOL": [218, 224]});
    let (mut table, _) = step(board);
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    table.choose("revealed", "board");
    table.board.values.insert("HUNT_POOL".to_owned(), json!([224]));
    table.chance = vec![json!(1)];
    let reaction = table.choose("damage", "corruption");
    assert!(states(&reaction).contains(&"HUNT_DRAW_TILE"), "whoever stays in Moria is found there");
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    assert_eq!(table.variable("HUNT_DAMAGE_TO_ASSIGN"), 1);
    table.choose("damage", "corruption");
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn a_fellowship_that_the_last_die_reveals_is_placed_before_the_turn_ends() {
    let board = json!({
        "FP_POOL": [210], "SP_POOL": [], "DICE_IN_CURRENT_ACTION": [],
        "FELLOWSHIP_PROGRESS": 1, "HUNT_LEVEL": 1, "HUNT_POOL": [214],
    });
    let (mut table, reaction) = step(board);
    table.rests_in("PHASE_5_END");
    assert!(lines(&reaction).iter().any(|line| line == "<valid_events> FELLOWSHIP_PLACED,PHASE_COMPLETE"));
    let choice = table.decision("revealed").choices[1].id.clone();
    let reaction = table.choose("revealed", &choice);
    assert!(states(&reaction).contains(&"PHASE_6_VICTORY_CHECK"));
}

#[test]
fn a_revealed_fellowship_does_not_move_by_a_die_and_what_to_do_with_it_is_said() {
    let (mut table, reaction) = step(json!({"FELLOWSHIP_PROGRESS": 1, "HUNT_LEVEL": 1, "HUNT_POOL": [214]}));
    let said = texts(&reaction);
    assert!(said.iter().any(|text| text.starts_with("📍 Free Peoples: its figure goes on from Rivendell")), "{said:?}");
    table.send("EXECUTE_ACTION_1");
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "character"}));
    assert_eq!(table.refused("ACTION_SELECTED", json!({"action": "move_fellowship"})), Refusal::Transition);
    table.choose("action", "hide_fellowship");
    table.send("EXECUTE_ACTION_1");
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "character"}));
    table.send_with("ACTION_SELECTED", json!({"action": "move_fellowship"}));
}

// ---- dice and Rings

#[test]
fn with_strider_as_the_guide_any_die_hides() {
    let strider = json!({"GUIDE": "Strider", "FELLOWSHIP_REVEALED": true});
    assert!(ids(&with_die(strider, "muster").decision("action")).contains(&"hide_fellowship"));
    let gandalf = json!({"GUIDE": "Gandalf the Grey", "FELLOWSHIP_REVEALED": true});
    assert!(!ids(&with_die(gandalf, "muster").decision("action")).contains(&"hide_fellowship"));
}

#[test]
fn a_ring_turns_a_die_of_the_shadow_to_an_eye_without_an_action() {
    let board = json!({"SP_RINGS": 1, "FP_RINGS": 2, "RINGS": {"249": 128, "250": 126, "251": 127}});
    let mut table = with_shadow_die(board, "army");
    let reaction = table.choose("action", "ring-eye");
    table.rests_in("PHASE_5_SP_ACTION");
    let told = lines(&reaction);
    for record in [
        "$FSM moves 249 from Dark Ring 1 to SA Casualties ",
        "$FSM rolls 99 as 15 ",
        "$FSM moves 99 from Current Action to The Hunt For The Ring ",
    ] {
        assert!(told.contains(&record.to_owned()), "{record} is not in {told:?}");
    }
    assert_eq!(table.variable("HUNT_LEVEL"), 1);
    table.send_with("DIE_SELECTED", json!({"die": 1}));
    assert_ne!(table.variable("SELECTED_DIE"), 99);
}

#[test]
fn a_ring_that_a_person_uses_is_moved_unless_he_has_moved_it_himself() {
    let board = json!({"FP_RINGS": 3, "SP_RINGS": 0, "RINGS": {"249": 125, "250": 126, "251": 127}});
    let mut table = with_die(board.clone(), "event");
    let told = records(&table.send_with("USE_ELVEN_RING", json!({"face": "character"})));
    assert_eq!(told, ["$FSM moves 249 from Elven Ring 1 to Dark Ring 1 "]);

    let mut table = with_die(board, "event");
    for (name, value) in
        [("FP_RINGS", json!(2)), ("SP_RINGS", json!(1)), ("RINGS", json!({"249": 125, "250": 129, "251": 127}))]
    {
        table.board.values.insert(name.to_owned(), value);
    }
    let told = records(&table.send_with("USE_ELVEN_RING", json!({"face": "character"})));
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn a_ring_is_called_by_its_name() {
    let mut table = Table::ours().with_board(json!({"FP_RINGS": 1, "RINGS": {"249": 128, "250": 177, "251": 127}}));
    table.play_to_first_action();
    let said = texts(&table.send("DIE_SELECTED"));
    assert!(said.iter().any(|text| text.contains("Narya may change this die")), "{said:?}");
    let said = texts(&table.send_with("USE_ELVEN_RING", json!({"face": "character"})));
    assert!(said.iter().any(|text| text.contains("Narya is used and passes to the Shadow")), "{said:?}");
}

#[test]
fn a_passive_nation_stops_a_step_before_war() {
    let steps = |gondor: i64| json!({"NATION_STEPS": {"Gondor": gondor}, "ACTIVE_NATIONS": []});
    assert!(ids(&with_die(steps(2), "muster").decision("action")).contains(&"advance-Gondor"));
    assert!(!ids(&with_die(steps(1), "muster").decision("action")).contains(&"advance-Gondor"));
    let active = json!({"NATION_STEPS": {"Gondor": 1}, "ACTIVE_NATIONS": ["Gondor"]});
    assert!(ids(&with_die(active, "muster").decision("action")).contains(&"advance-Gondor"));
}

// ---- what is said, and not carried out by whoever says it

/// Rivendell is left by a Fellowship of which a tile has told; it may stand in Moria, a Stronghold of the Shadow.
fn revealed_on_the_way(machine: fn() -> Table) -> Table {
    let board = json!({"FELLOWSHIP_AREA": 27, "FELLOWSHIP_PROGRESS": 6, "HUNT_LEVEL": 1, "HUNT_POOL": [214, 215, 216]});
    let mut table = machine().with_board(board);
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    table.send_with("PIECE_MOVED", json!({"piece_id": 210, "from": 178, "to": 152}));
    table.send_with("ACTION_SELECTED", json!({"action": "move_fellowship"}));
    table.rests_in("PHASE_5_SP_ACTION");
    table
}

#[test]
fn a_revealed_figure_that_is_dragged_into_a_stronghold_draws_its_tile() {
    let mut table = revealed_on_the_way(Table::ours);
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored, "nothing was moved");
    table.board.values.insert("FELLOWSHIP_AREA".to_owned(), json!(35));
    let reaction = table.send("PIECE_MOVED");
    assert!(states(&reaction).contains(&"HUNT_DRAW_TILE"), "{:?}", states(&reaction));
    assert!(lines(&reaction).contains(&"Ctrl+H".to_owned()));
    table.rests_in("PHASE_5_SP_ACTION");
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored, "once");
}

#[test]
fn a_definition_that_cannot_draw_a_strongholds_tile_says_so() {
    let mut table = revealed_on_the_way(|| Table::new(super::definitions::twin()));
    let said = texts(&table.send_with("FELLOWSHIP_PLACED", json!({"area": 35})));
    assert!(said.iter().any(|text| text.contains("Draw a Hunt tile for each by hand")), "{said:?}");
    assert_eq!(table.variable("STRONGHOLD_TILES"), json!(0));
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn a_step_that_is_only_said_moves_the_counter_and_one_that_was_moved_does_not() {
    let step = |progress: i64| {
        let mut table = with_die(json!({"FELLOWSHIP_PROGRESS": 2}), "character");
        table.board.values.insert("FELLOWSHIP_PROGRESS".to_owned(), json!(progress));
        records(&table.send_with("ACTION_SELECTED", json!({"action": "move_fellowship"})))
    };
    let told = "$FSM moves 248 from Fellowship Track 2 to Fellowship Track 3 ".to_owned();
    assert!(step(2).contains(&told));
    assert!(!step(3).contains(&told));
}

#[test]
fn a_guide_who_is_only_named_takes_his_place_and_one_who_has_it_is_left_there() {
    for machine in [Table::ours, || Table::new(super::definitions::twin())] {
        let board = json!({"GUIDE": "Gandalf the Grey", "COMPANIONS": ["Gandalf the Grey", "Strider", "Pippin"]});
        let mut table = machine().with_board(board);
        table.send("GAME_OPTIONS_CONFIRMED");
        table.send("FP_CHANGE_GUIDE");
        let reaction = table.send_with("GUIDE_SELECTED", json!({"guide": "Strider"}));
        assert_eq!(
            records(&reaction),
            [
                "$FSM moves 240 from Guide Of The Fellowship to Fellowship Of The Ring ",
                "$FSM moves 241 from Fellowship Of The Ring to Guide Of The Fellowship ",
            ]
        );
        assert!(texts(&reaction).iter().any(|text| text.contains("Guide") && text.ends_with("Strider.")));
    }
    let mut table = Table::ours().with_board(json!({"GUIDE": "Gandalf the Grey"}));
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_CHANGE_GUIDE");
    table.board.values.insert("GUIDE".to_owned(), json!("Strider"));
    assert!(records(&table.send("GUIDE_SELECTED")).is_empty(), "he was laid there by hand");
}

#[test]
fn declaring_and_healing_that_are_only_said_move_their_pieces() {
    let mut table = Table::ours().with_board(json!({"FELLOWSHIP_AREA": 27, "FELLOWSHIP_PROGRESS": 5, "CORRUPTION": 3}));
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.refused("FP_DECLARE_FELLOWSHIP", json!({"area": 96})), Refusal::Transition, "that is too far");
    let told = records(&table.send_with("FP_DECLARE_FELLOWSHIP", json!({"area": 37})));
    assert_eq!(
        told,
        ["$FSM moves 247 from Rivendell to Lorien ", "$FSM moves 248 from Fellowship Track 5 to Fellowship Track 0 "]
    );
    let told = records(&table.send("FP_HEAL_RINGBEARER"));
    assert_eq!(told, ["$FSM moves 252 from Fellowship Track 3 to Fellowship Track 2 "]);
}

#[test]
fn an_eye_in_the_hunt_box_is_no_die_to_act_with() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.chance = vec![
        json!(["event", "event", "event", "event"]),
        json!(["eye", "army", "army", "army", "army", "army", "army"]),
    ];
    table.send("SP_HUNT_ALLOCATION_DONE");
    table.send("FP_PASSES");
    let drag = |die: i64| json!({"piece_id": die, "from": 114, "to": 152});
    assert_eq!(table.refused("PIECE_MOVED", drag(99)), Refusal::Ignored);
    table.send_with("PIECE_MOVED", drag(100));
    table.rests_in("PHASE_5_SP_DIE_SELECTED");
}
