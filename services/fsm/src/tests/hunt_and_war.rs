//! The Hunt, battles, and the four ends of a game.

use serde_json::json;

use super::table::{Table, commands, lines, states, texts, valid_events};
use crate::machine::{Reaction, Refusal, Roll};

// ---- the Hunt

/// The Fellowship moves with the Free Peoples' next die.
pub(super) fn move_fellowship(table: &mut Table) -> Reaction {
    table.send_with("EXECUTE_ACTION_1", json!({"action": "move_fellowship"}))
}

#[test]
fn the_fellowships_move_starts_the_hunt_and_the_shadow_is_next() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 2, "HUNT_FP_DICE": 1, "HUNT_REROLLS": 1}));
    table.play_to_first_action();
    let reaction = move_fellowship(&mut table);
    let (_, rolls, _) = table.log.last().unwrap();
    assert_eq!(rolls[0].roll, Roll::Hunt { level: 2, free_peoples_dice: 1, rerolls: 1 });
    assert!(states(&reaction).contains(&"HUNT_END_NO_HIT"));
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn a_hit_draws_a_tile_and_its_damage_is_borne() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 2, "HUNT_POOL": [223, 225, 230]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6, 1], "rerolled": [], "successes": 1}), json!(2)];
    let reaction = move_fellowship(&mut table);
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    let told = commands(&reaction);
    assert!(
        told.contains(&"Ctrl+H".to_owned())
            && told.contains(&"$FSM moves 225 from Hunt Pool to Used Hunt Tiles ".to_owned()),
        "{told:?}"
    );
    assert_eq!(table.variable("HUNT_DAMAGE_TO_ASSIGN"), 2);
    assert_eq!(valid_events(&reaction), ["FP_HUNT_DAMAGE_ASSIGNED", "PHASE_COMPLETE"]);
    table.send("FP_HUNT_DAMAGE_ASSIGNED");
    assert_eq!(table.variable("CORRUPTION"), 2);
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn an_eye_does_as_much_damage_as_the_roll_had_successes_and_reveals() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 3, "HUNT_POOL": [219]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6, 6, 6], "rerolled": [], "successes": 3}), json!(1)];
    move_fellowship(&mut table);
    assert_eq!(
        (table.variable("HUNT_DAMAGE_TO_ASSIGN"), table.variable("FELLOWSHIP_REVEALED")),
        (json!(3), json!(true))
    );
    table.send_with("FP_HUNT_DAMAGE_ASSIGNED", json!({"absorbed": 2}));
    assert_eq!(table.variable("CORRUPTION"), 1);
}

#[test]
fn a_tile_without_damage_ends_the_hunt() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 1, "HUNT_POOL": [214]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn an_advance_of_the_counter_in_the_database_is_a_move_of_the_fellowship() {
    let board = json!({"FELLOWSHIP_PROGRESS": 1, "HUNT_LEVEL": 0, "FP_POOL": [210], "SP_POOL": [99], "DICE_IN_CURRENT_ACTION": []});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.board.values.insert("FELLOWSHIP_PROGRESS".to_owned(), json!(2));
    assert!(states(&table.send("ACTION_SELECTED")).contains(&"HUNT_START"));
}

#[test]
fn a_move_that_is_told_is_a_move_of_the_fellowship() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.send_with("FELLOWSHIP_MOVED", json!({"region_id": 28}));
    assert!(states(&table.send("ACTION_SELECTED")).contains(&"HUNT_START"));
}

#[test]
fn strict_waits_for_the_clients_hunt_roll_and_tile() {
    let mut table = Table::ours().strict().with_board(json!({"HUNT_LEVEL": 2, "HUNT_FP_DICE": 0}));
    table.play_to_first_action();
    let reaction = move_fellowship(&mut table);
    table.rests_in("HUNT_ROLL");
    assert_eq!(valid_events(&reaction), ["DICE_ROLLED", "HUNT_RESOLVED"]);
    table.send_with("DICE_ROLLED", json!({"results": [6, 3]}));
    table.rests_in("HUNT_DRAW_TILE");
    table.send_with("HUNT_RESOLVED", json!({"result": "2", "damage": 2}));
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    table.send_with("FP_HUNT_DAMAGE_ASSIGNED", json!({"facts": {"corruption": 2}}));
    table.rests_in("PHASE_5_SP_ACTION");
    assert_eq!(table.variable("CORRUPTION"), 2);
}

// ---- combat

#[test]
fn a_field_battle_is_fought_round_by_round_and_returns_to_the_other_side() {
    let mut table = Table::ours().with_board(
        json!({"FP_UNITS": {"75": 2}, "SP_UNITS": {"75": 4}, "SP_LEADERSHIP": {"75": 1}, "CONTESTED_REGIONS": [75]}),
    );
    table.play_to_first_action();
    table.send("EXECUTE_ACTION_1");
    let reaction = table.send_with("EXECUTE_ACTION_1", json!({"action": "attack", "region": 75}));
    table.rests_in("COMBAT_CARD_SELECTION");
    assert!(states(&reaction).contains(&"FIELD_START"));
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    let (_, rolls, _) = table.log.last().unwrap();
    let expected = [Roll::Combat { count: 4, target: 5, rerolls: 1 }, Roll::Combat { count: 2, target: 5, rerolls: 0 }];
    assert_eq!(rolls.iter().map(|rolled| rolled.roll.clone()).collect::<Vec<_>>(), expected);
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.send("COMBAT_CONTINUES_NEXT_ROUND");
    assert_eq!(table.variable("COMBAT_ROUND"), 2);
    table.send("PHASE_COMPLETE");
    table.send("PHASE_COMPLETE");
    table.rests_in("COMBAT_RETREAT_DECISIONS");
    table.send("COMBAT_RESOLVED");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn armies_that_meet_in_the_database_fight() {
    let board = json!({"CONTESTED_REGIONS": [37], "FP_POOL": [210], "SP_POOL": [99], "DICE_IN_CURRENT_ACTION": [], "BESIEGED_REGIONS": []});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.board.values.insert("CONTESTED_REGIONS".to_owned(), json!([37, 75]));
    let reaction = table.send("ACTION_SELECTED");
    table.rests_in("COMBAT_CARD_SELECTION");
    assert!(
        texts(&reaction).iter().any(|text| text.starts_with("⚔️ Battle in South Ithilien")),
        "{:?}",
        texts(&reaction)
    );
}

#[test]
fn a_besieged_stronghold_means_a_siege() {
    let mut table = Table::ours().with_board(json!({
        "BESIEGED_REGIONS": [74], "FP_UNITS": {}, "SP_UNITS": {"74": 5}, "SP_FORCES": {"74": [7, 8, 9, 10, 35]},
    }));
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send_with("EXECUTE_ACTION_1", json!({"action": "attack", "region": 74}));
    table.rests_in("SIEGE_CARD_SELECTION");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    let (_, rolls, _) = table.log.last().unwrap();
    assert_eq!(rolls[0].roll, Roll::Combat { count: 5, target: 6, rerolls: 0 }, "walls are hit on 6");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.board.values.insert("SP_FORCES".to_owned(), json!({"74": [7, 8, 9, 10, 11]}));
    table.send("ATTACKER_SPENDS_ELITE_FOR_EXTRA_ROUND");
    table.rests_in("SIEGE_CARD_SELECTION");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.send("COMBAT_RESOLVED");
    table.rests_in("PHASE_5_FP_ACTION");
}

// ---- the four ends

#[test]
fn corruption_of_twelve_ends_the_game_at_once() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 1, "HUNT_POOL": [227], "CORRUPTION": 9}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    table.board.values.insert("CORRUPTION".to_owned(), json!(12));
    let reaction = table.send("FP_HUNT_DAMAGE_ASSIGNED");
    table.rests_in("GAME_END_SHADOW_RING");
    assert!(lines(&reaction).iter().any(|line| line.starts_with("<auto> 💀 Corruption is 12")));
    assert_eq!(lines(&reaction).last().unwrap(), "<valid_events> ");
    assert_eq!(table.refused("PHASE_COMPLETE", json!({})), Refusal::Transition);
}

#[test]
fn the_ring_in_the_fire_ends_the_game_at_once() {
    let board = json!({"FELLOWSHIP_AREA": 192, "CORRUPTION": 11, "FP_POOL": [210], "SP_POOL": [99], "DICE_IN_CURRENT_ACTION": [], "FELLOWSHIP_PROGRESS": 0});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.board.values.insert("FELLOWSHIP_AREA".to_owned(), json!(193));
    table.send("ACTION_SELECTED");
    table.rests_in("GAME_END_FP_RING");
}

#[test]
fn ten_points_of_the_shadow_end_the_game_in_phase_6() {
    let mut table = Table::ours().with_board(json!({"SHADOW_VP": 10, "FP_VP": 4}));
    table.play_to_first_action();
    table.pass_the_turn();
    table.rests_in("GAME_END_SHADOW_MILITARY");
}

#[test]
fn four_points_of_the_free_peoples_end_the_game_in_phase_6() {
    let mut table = Table::ours().with_board(json!({"SHADOW_VP": 9, "FP_VP": 4}));
    table.play_to_first_action();
    table.pass_the_turn();
    table.rests_in("GAME_END_FP_MILITARY");
}

#[test]
fn without_a_database_a_whole_game_runs_to_its_end() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    let mut turns = 0;
    while !table.game.state.starts_with("GAME_END") {
        turns += 1;
        assert!(turns < 40, "the game does not end: {}", table.game.state);
        while table.game.state.starts_with("PHASE_1") {
            table.send("PHASE_COMPLETE");
        }
        if table.game.state == "PHASE_2_FELLOWSHIP_START" {
            table.send("FP_FELLOWSHIP_DECISIONS_READY");
            table.send_with("SP_HUNT_ALLOCATION_DONE", json!({"dice": 2}));
        }
        // Every step is found and hurts.
        table.chance = vec![json!({"rolls": [6, 6], "rerolled": [], "successes": 2}), json!(10)];
        move_fellowship(&mut table);
        if table.game.state == "HUNT_ASSIGN_DAMAGE" {
            table.send("FP_HUNT_DAMAGE_ASSIGNED");
        }
        table.chance.clear();
        if table.game.state.starts_with("PHASE_5") {
            table.send("SP_PASSES");
            table.send("FP_PASSES");
        }
    }
    table.rests_in("GAME_END_SHADOW_RING");
    assert_eq!(table.variable("CORRUPTION"), 12);
    assert!(3 < turns);
}
