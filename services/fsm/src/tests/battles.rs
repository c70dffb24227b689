//! Situations of battles, worked out by hand from the rules, and what a game makes of them.

use serde_json::{Value, json};

use super::{
    decisions::{ids, records},
    situations::{rolls, with_die, with_shadow_die},
    table::{Table, states, texts},
};
use crate::machine::{Refusal, Roll};

/// The Free Peoples' Army of `inside` is in the box of Minas Tirith, that of `outside` in the region, beside four Orcs.
fn siege_of_minas_tirith(inside: i64, outside: i64) -> Value {
    let mut units = serde_json::Map::new();
    for (area, count) in [("111", inside), ("74", outside)] {
        if 0 < count {
            units.insert(area.to_owned(), json!(count));
        }
    }
    json!({"FP_UNITS": units, "SP_UNITS": {"74": 4}, "BESIEGED_REGIONS": [74], "CONTESTED_REGIONS": [], "FP_FORCES": {}})
}

#[test]
fn the_besieged_who_attack_make_a_sortie() {
    let mut table = with_die(siege_of_minas_tirith(3, 0), "army_muster");
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 74}));
    assert_eq!(table.variable("COMBAT_TYPE"), "SORTIE");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    let (attack, defence) =
        (Roll::Combat { count: 3, target: 5, rerolls: 0 }, Roll::Combat { count: 4, target: 5, rerolls: 0 });
    assert_eq!(rolls(&table), [attack, defence]);
}

#[test]
fn an_army_that_comes_to_relief_fights_in_the_open_and_alone() {
    let mut table = with_die(siege_of_minas_tirith(3, 2), "army_muster");
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 74}));
    assert_eq!(table.variable("COMBAT_TYPE"), "FIELD");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    assert_eq!(rolls(&table)[0], Roll::Combat { count: 2, target: 5, rerolls: 0 });
}

#[test]
fn a_fortification_is_hit_on_six_in_the_first_round() {
    let board = json!({"FP_UNITS": {"73": 2}, "SP_UNITS": {"73": 4}, "CONTESTED_REGIONS": [73]});
    let mut table = with_shadow_die(board, "army");
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 73}));
    let mut targets = Vec::new();
    for _ in 0..2 {
        table.send("COMBAT_BOTH_CARDS_LOCKED");
        if let Roll::Combat { target, .. } = rolls(&table)[0] {
            targets.push(target);
        }
        table.send("BOTH_SIDES_ASSIGNED_HITS");
        table.send("COMBAT_CONTINUES_NEXT_ROUND");
    }
    assert_eq!(targets, [6, 5]);
}

#[test]
fn a_captain_is_worth_a_die_and_five_are_thrown_at_the_most() {
    for (units, pieces, dice) in [(1, json!([75, 241, 246]), 2), (5, json!([75, 76, 77, 78, 79, 241]), 5)] {
        let board = json!({
            "FP_UNITS": {"75": units}, "FP_FORCES": {"75": pieces}, "FP_LEADERSHIP": {"75": 1},
            "SP_UNITS": {"75": 3}, "SP_FORCES": {"75": [7, 8, 9]}, "CONTESTED_REGIONS": [75],
        });
        let mut table = with_shadow_die(board, "army");
        table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 75}));
        table.send("COMBAT_BOTH_CARDS_LOCKED");
        assert_eq!(rolls(&table)[1], Roll::Combat { count: dice, target: 5, rerolls: 1 });
    }
}

#[test]
fn an_attack_without_a_place_is_meant_for_the_only_one_there_is() {
    let mut table = with_shadow_die(siege_of_minas_tirith(3, 0), "army");
    let reaction = table.send_with("ACTION_SELECTED", json!({"action": "attack"}));
    assert!(texts(&reaction).iter().any(|text| text.contains("SIEGE in Minas Tirith")), "{:?}", texts(&reaction));
}

#[test]
fn whoever_is_attacked_becomes_active() {
    let board = json!({
        "FP_UNITS": {"75": 1}, "FP_FORCES": {"75": [76, 71]}, "SP_UNITS": {"75": 3}, "SP_FORCES": {"75": [7, 8, 9]},
        "CONTESTED_REGIONS": [75],
    });
    let mut table = with_shadow_die(board, "army");
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 75}));
    let active = table.variable("ACTIVE_NATIONS");
    let active = active.as_array().unwrap();
    assert!(active.contains(&json!("Gondor")) && active.contains(&json!("Rohan")) && !active.contains(&json!("North")));
}

/// The Shadow attacks seven units and their captain in Minas Tirith.
fn before_the_walls() -> Table {
    let board = json!({
        "FP_UNITS": {"74": 7}, "FP_FORCES": {"74": [75, 76, 77, 78, 81, 82, 84, 85]}, "FP_LEADERSHIP": {"74": 1},
        "SP_UNITS": {"74": 5}, "SP_FORCES": {"74": [7, 8, 9, 10, 11]}, "CONTESTED_REGIONS": [74], "BESIEGED_REGIONS": [],
    });
    let mut table = with_shadow_die(board, "army");
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 74}));
    table.rests_in("COMBAT_CARD_SELECTION");
    table
}

#[test]
fn a_defender_goes_into_his_stronghold_and_five_units_find_room() {
    let mut table = before_the_walls();
    let cards = table.decisions().into_iter().find(|decision| decision.side == "free_peoples").unwrap();
    let inside = cards.choices.into_iter().find(|choice| choice.id == "inside").unwrap();
    let reaction = table.send_with(&inside.event, Value::Object(inside.data));
    assert_eq!(
        records(&reaction)[..2],
        [
            "$FSM moves 75 76 77 78 84 85 from Minas Tirith to Minas Tirith Stronghold ",
            "$FSM moves 81 82 from Minas Tirith to FP Reinforcements ",
        ]
    );
    assert!(states(&reaction).contains(&"COMBAT_END"), "no round is fought");
}

#[test]
fn nobody_goes_into_a_stronghold_that_the_enemy_holds_or_where_there_is_none() {
    for board in [
        json!({"FP_UNITS": {"74": 2}, "SP_UNITS": {"74": 3}, "CONTESTED_REGIONS": [74], "CONQUERED_REGIONS": [74]}),
        json!({"FP_UNITS": {"75": 2}, "SP_UNITS": {"75": 3}, "CONTESTED_REGIONS": [75]}),
    ] {
        let region = board["CONTESTED_REGIONS"][0].clone();
        let mut table = with_shadow_die(board, "army");
        table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": region}));
        assert_eq!(table.refused("COMBAT_BATTLE_OVER", json!({})), Refusal::Transition);
    }
}

/// Into which regions the defender in Osgiliath may retreat once the attack goes on.
fn retreats(mut board: Value) -> Vec<String> {
    let defaults = json!({
        "FP_UNITS": {"73": 2}, "FP_FORCES": {"73": [79, 80]}, "SP_UNITS": {"73": 3}, "SP_FORCES": {"73": [7, 8, 9]},
        "CONTESTED_REGIONS": [73], "CONQUERED_REGIONS": [], "FP_CONQUESTS": [], "BESIEGED_REGIONS": [],
    });
    for (name, value) in defaults.as_object().unwrap() {
        board.as_object_mut().unwrap().entry(name).or_insert(value.clone());
    }
    let mut table = with_shadow_die(board, "army");
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 73}));
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.choose("retreat", "go_on");
    ids(&table.decision("retreat")).into_iter().map(str::to_owned).collect()
}

#[test]
fn each_free_region_beside_a_battle_is_a_choice_of_retreat() {
    let free = retreats(json!({}));
    assert!(free.contains(&"stand".to_owned()) && free.contains(&"retreat".to_owned()));
    assert!(free.contains(&"retreat-74".to_owned()), "Minas Tirith is their own: {free:?}");
    let taken = retreats(json!({"CONQUERED_REGIONS": [74]}));
    assert!(!taken.contains(&"retreat-74".to_owned()), "the Shadow has taken Minas Tirith");
    let enemies = retreats(json!({"SP_UNITS": {"73": 3, "74": 1}}));
    assert!(!enemies.contains(&"retreat-74".to_owned()), "an Army of the Shadow is there");
    let full = retreats(json!({"FP_UNITS": {"73": 2, "74": 9}}));
    assert!(!full.contains(&"retreat-74".to_owned()), "ten units find room in a region");
}

#[test]
fn a_retreat_is_carried_out_on_the_board_and_so_is_falling_back() {
    let board = json!({
        "FP_UNITS": {"73": 2}, "FP_FORCES": {"73": [79, 80]}, "SP_UNITS": {"73": 3}, "SP_FORCES": {"73": [7, 8, 37]},
        "CONTESTED_REGIONS": [73],
    });
    let fought = || {
        let mut table = with_shadow_die(board.clone(), "army");
        table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 73}));
        table.send("COMBAT_BOTH_CARDS_LOCKED");
        table.send("BOTH_SIDES_ASSIGNED_HITS");
        table
    };
    let mut table = fought();
    table.choose("retreat", "go_on");
    let told = records(&table.choose("retreat", "retreat-74"));
    assert_eq!(told[0], "$FSM moves 79 80 from Osgiliath to Minas Tirith ");
    let mut table = fought();
    let told = records(&table.choose("retreat", "stop-75"));
    assert_eq!(told[0], "$FSM moves 7 8 37 from Osgiliath to South Ithilien ");
    table.rests_in("PHASE_5_FP_ACTION");
}
