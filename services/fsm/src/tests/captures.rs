//! What an Army takes: the marker, the points and the step of the Nation are the server's to move, for both sides, by whatever
//! means the board comes to show it.

use serde_json::{Value, json};

use super::{
    decisions::{records, records_but_die},
    table::{Table, texts},
};

/// A board with these Armies; each unit is a piece.
fn board(fp_forces: Value, sp_forces: Value) -> Value {
    let units = |forces: &Value| {
        let counted = forces
            .as_object()
            .unwrap()
            .iter()
            .map(|(area, pieces)| (area.clone(), json!(pieces.as_array().unwrap().len())));
        Value::Object(counted.collect())
    };
    let markers: serde_json::Map<String, Value> =
        (405..=420).map(|marker: i64| (marker.to_string(), json!(if marker < 411 { 174 } else { 176 }))).collect();
    json!({
        "FP_UNITS": units(&fp_forces), "SP_UNITS": units(&sp_forces), "FP_FORCES": fp_forces, "SP_FORCES": sp_forces,
        "CONTROL_MARKERS": markers, "FP_VP": 0, "SHADOW_VP": 3, "CONQUERED_REGIONS": [], "FP_CONQUESTS": [],
        "NATION_STEPS": {"Gondor": 2, "Rohan": 3, "Sauron": 0, "North": 0},
    })
}

fn shadow(figures: Value) -> Table {
    let mut table = Table::ours().with_board(figures);
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "army"}));
    table
}

#[test]
fn an_army_that_is_told_to_enter_an_empty_city_takes_it() {
    let mut table = shadow(board(json!({}), json!({"52": [7, 8]})));
    let moves = json!([{"pieces": [7, 8], "from": 52, "to": 48}]);
    let reaction = table.send_with("ACTION_SELECTED", json!({"action": "move_armies", "moves": moves}));
    assert_eq!(
        records(&reaction),
        [
            "$FSM moves 7 8 from Lossarnach to Pelargir ",
            "$FSM moves 411 from SA Reinforcements to Pelargir ",
            "$FSM moves 423 from Victory Points 3 to Victory Points 4 ",
            "$FSM moves 260 from Political Track 2 to Political Track 1 ",
        ]
    );
    assert!(texts(&reaction).contains(&"🏴 The Shadow has taken Pelargir.".to_owned()));
    // The board still shows all as it was: nothing is told twice.
    table.send("DIE_SELECTED");
    assert!(records_but_die(&table.send_with("ACTION_SELECTED", json!({"action": "skip"}))).is_empty());
}

#[test]
fn an_army_that_was_moved_by_hand_takes_what_the_board_shows() {
    let mut table = shadow(board(json!({}), json!({"52": [7, 8]})));
    let moved = board(json!({}), json!({"48": [7, 8]}));
    table.board.values.extend(moved.as_object().unwrap().clone());
    let told = records(&table.send("ACTION_SELECTED"));
    assert!(told.contains(&"$FSM moves 411 from SA Reinforcements to Pelargir ".to_owned()), "{told:?}");
}

#[test]
fn whoever_has_moved_marker_points_or_nation_by_hand_has_them_as_he_left_them() {
    let mut table = shadow(board(json!({}), json!({"52": [7, 8]})));
    let mut moved = board(json!({}), json!({"48": [7, 8]}));
    moved["CONTROL_MARKERS"]["411"] = json!(48);
    moved["CONQUERED_REGIONS"] = json!([48]);
    moved["SHADOW_VP"] = json!(4);
    table.board.values.extend(moved.as_object().unwrap().clone());
    assert!(records_but_die(&table.send("ACTION_SELECTED")).is_empty());

    let mut table = shadow(board(json!({}), json!({"52": [7, 8]})));
    let mut moved = board(json!({}), json!({"48": [7, 8]}));
    moved["SHADOW_VP"] = json!(4);
    moved["NATION_STEPS"]["Gondor"] = json!(1);
    table.board.values.extend(moved.as_object().unwrap().clone());
    let told = records_but_die(&table.send("ACTION_SELECTED"));
    assert_eq!(told, ["$FSM moves 411 from SA Reinforcements to Pelargir "]);
}

#[test]
fn the_free_peoples_take_a_city_of_the_shadow_and_win_by_it() {
    let mut figures = board(json!({"17": [67]}), json!({}));
    figures["FP_VP"] = json!(3);
    let mut table = Table::ours().with_board(figures);
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "army_muster"}));
    let moves = json!([{"pieces": [67], "from": 17, "to": 14}]);
    let told = records(&table.send_with("ACTION_SELECTED", json!({"action": "move_armies", "moves": moves})));
    assert!(told.contains(&"$FSM moves 405 from FP Reinforcements to Angmar ".to_owned()), "{told:?}");
    assert!(told.contains(&"$FSM moves 422 from Victory Points 3 to Victory Points 4 ".to_owned()), "{told:?}");
    table.send("SP_PASSES");
    table.send("FP_PASSES");
    table.rests_in("GAME_END_FP_MILITARY");
}

#[test]
fn what_is_taken_again_gives_marker_and_points_back_and_moves_no_nation() {
    let mut figures = board(json!({"46": [75]}), json!({}));
    figures["CONQUERED_REGIONS"] = json!([48]);
    figures["CONTROL_MARKERS"]["413"] = json!(48);
    let mut table = Table::ours().with_board(figures);
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "army_muster"}));
    let moves = json!([{"pieces": [75], "from": 46, "to": 48}]);
    let told = records(&table.send_with("ACTION_SELECTED", json!({"action": "move_armies", "moves": moves})));
    assert_eq!(
        told[1..],
        [
            "$FSM moves 413 from Pelargir to SA Reinforcements ",
            "$FSM moves 423 from Victory Points 3 to Victory Points 2 "
        ]
    );
}

#[test]
fn a_stronghold_falls_with_the_last_who_hold_out_in_it() {
    let mut table = shadow(board(json!({"111": [75]}), json!({"74": [7, 8]})));
    table.board.values.insert("BESIEGED_REGIONS".to_owned(), json!([74]));
    let told = records_but_die(&table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 74})));
    assert_eq!(told, ["$FSM moves 260 from Political Track 2 to Political Track 1 "], "it is attacked, not taken");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    let moves = json!([{"pieces": [75], "from": 111, "to": 175}]);
    let told = records(&table.send_with("ATTACKER_STOPS_OR_NO_ELITE", json!({"moves": moves})));
    assert_eq!(
        told,
        [
            "$FSM moves 75 from Minas Tirith Stronghold to FP Casualties ",
            "$FSM moves 411 from SA Reinforcements to Minas Tirith ",
            "$FSM moves 423 from Victory Points 3 to Victory Points 5 ",
            "$FSM moves 260 from Political Track 1 to Political Track 0 ",
        ]
    );
}

#[test]
fn what_was_taken_by_hand_after_the_action_is_seen_before_the_victory_check() {
    let mut table = shadow(board(json!({}), json!({"52": [7, 8]})));
    table.board.values.insert("SHADOW_VP".to_owned(), json!(9));
    table.game.variables.insert("SHADOW_VP_BEFORE".to_owned(), json!(9));
    table.send("ACTION_SELECTED");
    let moved = board(json!({}), json!({"48": [7, 8]}));
    table.board.values.insert("SP_UNITS".to_owned(), moved["SP_UNITS"].clone());
    table.board.values.insert("FP_POOL".to_owned(), json!([]));
    table.board.values.insert("SP_POOL".to_owned(), json!([]));
    table.send("FP_PASSES");
    table.rests_in("GAME_END_SHADOW_MILITARY");
}

#[test]
fn without_assist_the_client_does_it() {
    let mut table = Table::ours().with_board(board(json!({}), json!({"48": [7, 8]}))).strict();
    table.play_to_first_action();
    let reaction = table.send_with("FP_PASSES", json!({}));
    assert!(texts(&reaction).iter().all(|text| !text.starts_with("🏴")));
}

#[test]
fn too_many_units_in_a_region_or_in_a_siege_are_told() {
    let many = json!({"86": (7..=18).collect::<Vec<_>>()});
    let mut table = shadow(board(json!({"111": [75, 76, 77, 78, 79, 80]}), many));
    let told = texts(&table.send("ACTION_SELECTED"));
    for line in [
        "⚠️ Minas Morgul holds 12 units, 10 may stay: the others go to the reinforcements.",
        "⚠️ Minas Tirith Stronghold holds 6 units, 5 may stay: the others go to the reinforcements.",
    ] {
        assert!(told.contains(&line.to_owned()), "{told:#?}");
    }
}
