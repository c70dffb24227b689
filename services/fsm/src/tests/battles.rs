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
    assert!(free.contains(&"stand".to_owned()));
    assert!(!free.contains(&"retreat".to_owned()), "the board shows none");
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

/// The Shadow's three Orcs and a Nazgûl have been dragged from South Ithilien into Osgiliath, held by two Regulars of Gondor, and
/// this round's hits are to be taken.
fn dragged(attack: i64, defence: i64) -> Table {
    let board = json!({
        "FP_UNITS": {"73": 2}, "FP_FORCES": {"73": [79, 80]}, "SP_UNITS": {"75": 3}, "SP_FORCES": {"75": [7, 8, 9, 37]},
        "CONTESTED_REGIONS": [], "CONQUERED_REGIONS": [], "FP_CONQUESTS": [], "BESIEGED_REGIONS": [],
    });
    let mut table = with_shadow_die(board, "army");
    show(&mut table, &[79, 80], &[7, 8, 9, 37]);
    table.send("ACTION_SELECTED");
    let result = |hits: i64| json!({"rolls": [6, 6, 1], "rerolled": [], "successes": hits});
    table.chance = vec![result(attack), result(defence)];
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.rests_in("COMBAT_ASSIGN_HITS");
    table
}

/// The board shows these pieces in Osgiliath.
fn show(table: &mut Table, gondor: &[i64], orcs: &[i64]) {
    let units = |pieces: &[i64]| pieces.iter().filter(|piece| **piece != 37).count();
    let armies = json!({
        "FP_UNITS": {"73": units(gondor)}, "FP_FORCES": {"73": gondor}, "SP_UNITS": {"73": units(orcs)},
        "SP_FORCES": {"73": orcs}, "CONTESTED_REGIONS": [73],
    });
    let armies = armies.as_object().unwrap().clone().into_iter();
    // An area without an Army is none.
    let shown = armies.map(|(name, value)| match value["73"] == json!([]) || value["73"] == json!(0) {
        true => (name, json!({})),
        false => (name, value),
    });
    table.board.values.extend(shown);
}

#[test]
fn an_army_that_was_dragged_falls_back_to_where_it_came_from() {
    let mut table = dragged(0, 0);
    table.choose("casualties", "taken");
    table.choose("casualties", "taken");
    let attack = table.decision("retreat");
    assert_eq!(ids(&attack), ["stop-75", "go_on"], "the Armies have not parted");
    let told = records(&table.choose("retreat", "stop-75"));
    assert_eq!(told[0], "$FSM moves 7 8 9 37 from Osgiliath to South Ithilien ");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn hits_are_taken_when_the_board_shows_it() {
    let mut table = dragged(1, 2);
    assert!(table.decisions().iter().all(|decision| !ids(decision).contains(&"taken")));
    let missing = "⚠️ Attack: 2 hits to take, and the board does not show so many. Remove the figures.".to_owned();
    let said = texts(&table.send_with("CASUALTIES_TAKEN", json!({"side": "shadow"})));
    assert!(said.contains(&missing), "{said:?}");
    table.rests_in("COMBAT_ASSIGN_HITS");
    show(&mut table, &[79, 80], &[7, 8, 37]);
    assert!(table.decisions().iter().all(|decision| !ids(decision).contains(&"taken")), "one of two");
    show(&mut table, &[79, 80], &[7, 37]);
    table.choose("casualties", "taken");
    show(&mut table, &[80], &[7, 37]);
    table.choose("casualties", "taken");
    table.rests_in("COMBAT_RETREAT_DECISIONS");

    let mut table = dragged(1, 2);
    let told = records(&table.send("PHASE_COMPLETE"));
    assert_eq!(told[0], "$FSM moves 7 8 from Osgiliath to SA Casualties ", "the older panel gets on");
    assert_eq!(told[1], "$FSM moves 79 from Osgiliath to FP Casualties ");
    table.rests_in("COMBAT_RETREAT_DECISIONS");

    let mut table = dragged(1, 2);
    let said = texts(&table.send("BOTH_SIDES_ASSIGNED_HITS"));
    assert!(said.contains(&missing), "{said:?}");
    table.rests_in("COMBAT_RETREAT_DECISIONS");

    let mut table = dragged(5, 0);
    show(&mut table, &[], &[7, 8, 9, 37]);
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.rests_in("COMBAT_RETREAT_DECISIONS");
    assert_eq!(ids(&table.decision("retreat"))[0], "stop", "nobody is left to fall back from");
}

#[test]
fn an_attack_ends_when_the_armies_have_parted() {
    let fought = || {
        let mut table = dragged(0, 0);
        table.send("BOTH_SIDES_ASSIGNED_HITS");
        table.rests_in("COMBAT_RETREAT_DECISIONS");
        table
    };
    let mut table = fought();
    let said = texts(&table.send("COMBAT_BATTLE_OVER"));
    assert!(said.iter().any(|text| text.starts_with("⚠️ Both Armies are still in Osgiliath.")), "{said:?}");
    table.rests_in("PHASE_5_FP_ACTION");

    let mut table = fought();
    let told = records(&table.send("PHASE_COMPLETE"));
    assert_eq!(told[0], "$FSM moves 7 8 9 37 from Osgiliath to South Ithilien ", "the older panel gets on");
    table.rests_in("PHASE_5_FP_ACTION");

    let mut table = fought();
    table
        .board
        .values
        .extend(json!({"SP_UNITS": {"75": 3}, "SP_FORCES": {"75": [7, 8, 9, 37]}}).as_object().unwrap().clone());
    let told = records(&table.choose("retreat", "stop"));
    assert!(told.iter().all(|line| !line.contains("South Ithilien")), "they went by themselves: {told:?}");
    table.rests_in("PHASE_5_FP_ACTION");

    let mut table = fought();
    table.choose("retreat", "go_on");
    assert!(!ids(&table.decision("retreat")).contains(&"retreat"));
    table
        .board
        .values
        .extend(json!({"FP_UNITS": {"74": 2}, "FP_FORCES": {"74": [79, 80]}}).as_object().unwrap().clone());
    table.choose("retreat", "retreat");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn a_sieges_next_round_costs_an_elite_that_the_board_has_lost() {
    let board = json!({
        "FP_UNITS": {"111": 2}, "FP_FORCES": {"111": [75, 76]}, "SP_UNITS": {"74": 3}, "SP_FORCES": {"74": [7, 35, 36]},
        "BESIEGED_REGIONS": [74], "CONTESTED_REGIONS": [],
    });
    let mut table = with_shadow_die(board, "army");
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 74}));
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.rests_in("SIEGE_EXTRA_ROUND_DECISION");
    assert!(!ids(&table.decision("siege")).contains(&"elite"));
    let reaction = table.send("ATTACKER_SPENDS_ELITE_FOR_EXTRA_ROUND");
    assert!(texts(&reaction).iter().any(|text| text.starts_with("⚠️ Another round costs")), "{:?}", texts(&reaction));
    table.rests_in("SIEGE_CARD_SELECTION");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.board.values.insert("SP_FORCES".to_owned(), json!({"74": [7, 8, 36]}));
    table.choose("siege", "elite");
    table.rests_in("SIEGE_CARD_SELECTION");
}
