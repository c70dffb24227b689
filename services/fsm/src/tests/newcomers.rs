//! Who comes into play, who wakes and moves Nations, and what Companions and Minions add to a die: situations worked out by
//! hand from the rules.

use serde_json::{Value, json};

use super::{
    decisions::{ids, records, records_but_die},
    table::{Table, texts},
};
use crate::machine::{Refusal, Roll};

/// A board with every character where the game opens with it, and these figures beside.
fn board(figures: Value) -> Value {
    let characters = json!({
        "240": 116, "241": 115, "242": 115, "243": 115, "244": 115, "245": 115, "246": 115, "253": 176, "254": 176, "255": 176,
    });
    let mut board = json!({"CHARACTERS": characters, "SPARE_DICE": [358, 359, 360, 361, 362]});
    for (name, value) in figures.as_object().unwrap() {
        match (name.as_str(), value) {
            ("CHARACTERS", Value::Object(moved)) => board["CHARACTERS"].as_object_mut().unwrap().extend(moved.clone()),
            ("NATION_STEPS", Value::Object(steps)) => {
                board["NATION_STEPS"] = json!({
                    "Elves": 3, "Dwarves": 3, "North": 3, "Rohan": 3, "Gondor": 2, "Southrons and Easterlings": 2, "Sauron": 1,
                    "Isengard": 1,
                });
                board["NATION_STEPS"].as_object_mut().unwrap().extend(steps.clone());
            }
            _ => board[name] = value.clone(),
        }
    }
    board
}

fn with_die(figures: Value, face: &str) -> Table {
    let mut table = Table::ours().with_board(board(figures));
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": face}));
    table
}

fn with_shadow_die(figures: Value, face: &str) -> Table {
    let mut table = Table::ours().with_board(board(figures));
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": face}));
    table
}

/// The choices of the open action whose id begins so.
fn offered(table: &Table, prefix: &str) -> Vec<String> {
    let action = table.decision("action");
    ids(&action).into_iter().filter(|id| id.starts_with(prefix)).map(str::to_owned).collect()
}

fn active(table: &Table) -> Vec<String> {
    let nations = table.variable("ACTIVE_NATIONS");
    nations.as_array().unwrap().iter().map(|nation| nation.as_str().unwrap().to_owned()).collect()
}

// ---- Minions

#[test]
fn saruman_comes_to_orthanc_once_isengard_is_at_war_and_only_by_a_muster_die() {
    let at_war = json!({"NATION_STEPS": {"Isengard": 0}});
    assert_eq!(offered(&with_shadow_die(at_war.clone(), "muster"), "minion-"), ["minion-254-40"]);
    assert_eq!(offered(&with_shadow_die(at_war.clone(), "army_muster"), "minion-"), ["minion-254-40"]);
    assert!(offered(&with_shadow_die(at_war.clone(), "army"), "minion-").is_empty());
    assert!(offered(&with_shadow_die(json!({}), "muster"), "minion-").is_empty(), "Isengard is not at war");
    let conquered = json!({"NATION_STEPS": {"Isengard": 0}, "FP_CONQUESTS": [40]});
    assert!(offered(&with_shadow_die(conquered, "muster"), "minion-").is_empty(), "Orthanc has fallen");
    let fallen = json!({"NATION_STEPS": {"Isengard": 0}, "CHARACTERS": {"254": 177}});
    assert!(offered(&with_shadow_die(fallen, "muster"), "minion-").is_empty(), "who has fallen does not come again");

    let mut table = with_shadow_die(at_war, "muster");
    let reaction = table.choose("action", "minion-254-40");
    assert_eq!(
        records(&reaction),
        [
            "$FSM moves 254 from SA Reinforcements to Orthanc ",
            "$FSM moves 360 from SA Reinforcements to SA Casualties ",
            "$FSM moves 99 from Current Action to SA Casualties ",
        ]
    );
    assert!(texts(&reaction).contains(&"🩸 Now in play: Saruman.".to_owned()), "{:?}", texts(&reaction));
    assert_eq!(table.variable("MINIONS_PLAYED"), json!(["Saruman"]));
}

#[test]
fn the_witch_king_comes_with_an_army_of_sauron_and_wakes_all_free_peoples() {
    let war = |free: Value| json!({"NATION_STEPS": {"Sauron": 0, "Gondor": free}, "SP_FORCES": {"86": [7, 37], "49": [41], "44": [38]}});
    assert!(offered(&with_shadow_die(war(json!(1)), "muster"), "minion-").is_empty(), "no Free People is at war");
    let mut table = with_shadow_die(war(json!(0)), "muster");
    assert_eq!(offered(&table, "minion-"), ["minion-253-86"], "Southrons alone, or a Nazgûl alone, are not enough");
    table.choose("action", "minion-253-86");
    for nation in ["Elves", "Dwarves", "North", "Rohan", "Gondor"] {
        assert!(active(&table).contains(&nation.to_owned()), "{nation}");
    }
}

#[test]
fn the_mouth_comes_when_the_ring_is_in_mordor_or_all_free_peoples_are_at_war() {
    let mordor = json!({"FELLOWSHIP_AREA": 188, "FP_CONQUESTS": [63]});
    assert_eq!(
        offered(&with_shadow_die(mordor, "muster"), "minion-"),
        ["minion-255-35", "minion-255-44", "minion-255-86", "minion-255-91", "minion-255-96"],
        "each Stronghold of Sauron but the one that has fallen"
    );
    let war = json!({"Elves": 0, "Dwarves": 0, "North": 0, "Rohan": 0, "Gondor": 0});
    assert_eq!(offered(&with_shadow_die(json!({"NATION_STEPS": war}), "muster"), "minion-255").len(), 6);
    let most = json!({"Elves": 0, "Dwarves": 0, "North": 0, "Rohan": 0, "Gondor": 1});
    assert!(offered(&with_shadow_die(json!({"NATION_STEPS": most}), "muster"), "minion-255").is_empty());
}

#[test]
fn a_minion_who_may_not_come_is_refused_and_one_laid_on_the_board_by_hand_is_seen() {
    let bring = json!({"action": "bring_minion", "minion": "Saruman"});
    let mut table = with_shadow_die(json!({}), "muster");
    assert_eq!(table.refused("ACTION_SELECTED", bring.clone()), Refusal::Transition, "Isengard is not at war");
    let mut table = with_shadow_die(json!({"NATION_STEPS": {"Isengard": 0}}), "event");
    assert_eq!(table.refused("ACTION_SELECTED", bring), Refusal::Transition, "by a Muster die");

    let mut table = with_shadow_die(json!({"NATION_STEPS": {"Isengard": 0}}), "muster");
    table.board.values["CHARACTERS"]["254"] = json!(40);
    table.send_with("ACTION_SELECTED", json!({"action": "bring_minion"}));
    assert_eq!(table.variable("MINIONS_PLAYED"), json!(["Saruman"]));
}

#[test]
fn a_character_who_falls_takes_his_die_with_him() {
    let fallen = json!({"CHARACTERS": {"253": 177, "241": 175}, "SPARE_DICE": [358, 359, 361, 362]});
    let mut table = Table::ours().with_board(board(fallen));
    let told = records(&table.send("GAME_OPTIONS_CONFIRMED"));
    assert_eq!(told, ["$FSM moves 360 from SA Dice to SA Reinforcements "], "nobody has crowned Strider");
    assert_eq!(table.variable("DICE_LOST_WITH"), json!(["253"]));
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.send("SP_HUNT_ALLOCATION_DONE");
    table.send("FP_PASSES");
    let told = records(&table.send("SP_PASSES"));
    assert!(told.iter().all(|line| !line.contains("Reinforcements")), "once: {told:?}");
}

#[test]
fn a_character_brings_a_die_with_the_next_turn() {
    let mut table = Table::ours();
    let steps = json!({"Isengard": 0, "Sauron": 1, "Elves": 3, "Dwarves": 3, "North": 3, "Rohan": 3, "Gondor": 2});
    table.game.variables.insert("NATION_STEPS".to_owned(), steps);
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "muster"}));
    table.choose("action", "minion-254-40");
    assert_eq!(table.variable("SP_POOL").as_array().unwrap().len(), 7, "not this turn");
    table.pass_the_turn();
    assert_eq!(table.variable("SP_POOL"), json!([99, 100, 101, 102, 103, 104, 105, 360]));
}

#[test]
fn a_minion_who_was_laid_on_the_board_by_hand_brings_a_die_with_the_next_turn() {
    let due = |minions: Value, spare: Value| {
        let figures =
            json!({"CHARACTERS": minions, "SPARE_DICE": spare, "SP_POOL": [99, 100, 101, 102, 103, 104, 105]});
        let mut table = Table::ours().with_board(board(figures));
        let told = records(&table.send("GAME_OPTIONS_CONFIRMED"));
        let pool = crate::machine::all_facts(&table.machine, &table.game, Some(&table.board), true).unwrap();
        (told, pool["SP_DICE_REMAINING"].clone())
    };
    let one = "$FSM moves 360 from SA Reinforcements to SA Dice ".to_owned();
    let all = json!([358, 359, 360, 361, 362]);
    assert_eq!(due(json!({"254": 40, "253": 176}), all.clone()), (vec![one], json!(8)));
    let two = "$FSM moves 360 361 from SA Reinforcements to SA Dice ".to_owned();
    assert_eq!(due(json!({"254": 40, "255": 96, "253": 176}), all.clone()), (vec![two], json!(9)));
    assert_eq!(due(json!({"254": 176, "253": 177}), all), (vec![], json!(7)), "who has fallen, or waits, brings none");
    assert_eq!(due(json!({"254": 40}), json!([358, 359, 361, 362])), (vec![], json!(7)), "his die is there already");

    let mut table = Table::ours().with_board(board(json!({"CHARACTERS": {"254": 176}})));
    table.play_to_first_action();
    table.board.values["CHARACTERS"]["254"] = json!(40);
    table.send("FP_PASSES");
    let told = records(&table.send("SP_PASSES"));
    assert!(told.contains(&"$FSM moves 360 from SA Reinforcements to SA Dice ".to_owned()), "{told:?}");
}

#[test]
fn the_mouth_makes_an_army_die_of_a_muster_die_once_a_turn() {
    let figures = json!({"CHARACTERS": {"255": 96}, "SP_UNITS": {"96": 4}, "FP_HAND_SIZE": 0});
    let mut table = with_shadow_die(figures, "muster");
    assert_eq!(offered(&table, "move_armies"), ["move_armies"]);
    table.choose("action", "move_armies");
    assert_eq!(table.variable("MOUTH_USED"), json!(true));
    table.send("FP_PASSES");
    table.send_with("DIE_SELECTED", json!({"die": 2, "face": "muster"}));
    assert!(offered(&table, "move_armies").is_empty());
    let table = with_shadow_die(json!({"SP_UNITS": {"96": 4}}), "muster");
    assert!(offered(&table, "move_armies").is_empty(), "he is not in play");
}

#[test]
fn saruman_musters_while_he_is_in_orthanc_and_makes_leaders_of_the_elites_of_isengard() {
    let at_home = json!({"CHARACTERS": {"254": 40}, "NATION_STEPS": {"Isengard": 0}});
    assert_eq!(offered(&with_shadow_die(at_home, "muster"), "saruman"), ["saruman_musters"]);
    assert!(offered(&with_shadow_die(json!({"NATION_STEPS": {"Isengard": 0}}), "muster"), "saruman").is_empty());

    let leads = |saruman: i64| {
        let figures = json!({
            "CHARACTERS": {"254": saruman}, "SP_UNITS": {"41": 3}, "SP_FORCES": {"41": [0, 1, 6]}, "FP_UNITS": {"41": 1},
            "FP_FORCES": {"41": [69]}, "CONTESTED_REGIONS": [41],
        });
        let mut table = with_shadow_die(figures, "army");
        table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 41}));
        table.send("COMBAT_BOTH_CARDS_LOCKED");
        table.log.last().unwrap().1[0].roll.clone()
    };
    assert_eq!(leads(40), Roll::Combat { count: 3, target: 6, rerolls: 1 });
    assert_eq!(leads(176), Roll::Combat { count: 3, target: 6, rerolls: 0 });
}

// ---- Aragorn and Gandalf the White

const ALONE: [&str; 5] = ["Legolas", "Gimli", "Boromir", "Merry", "Pippin"];

#[test]
fn aragorn_is_crowned_where_strider_has_come_to_gondor() {
    let at = |area: i64| json!({"COMPANIONS": ALONE, "GUIDE": "Legolas", "CHARACTERS": {"240": 175, "241": area}});
    assert!(offered(&with_die(at(115), "will_of_the_west"), "upgrade").is_empty());
    assert!(offered(&with_die(at(43), "will_of_the_west"), "upgrade").is_empty(), "Edoras is Rohan's");
    assert!(offered(&with_die(at(48), "muster"), "upgrade").is_empty(), "by the Will of the West");
    let mut fallen = at(48);
    fallen["CONQUERED_REGIONS"] = json!([48]);
    assert!(offered(&with_die(fallen, "will_of_the_west"), "upgrade").is_empty(), "Pelargir has fallen");
    let mut table = with_die(at(48), "will_of_the_west");
    assert_eq!(offered(&table, "upgrade"), ["upgrade-241-48"]);
    let told = records(&table.choose("action", "upgrade-241-48"));
    assert_eq!(
        told,
        [
            "$FSM moves 358 from FP Reinforcements to FP Casualties ",
            "$FSM moves 210 from Current Action to FP Casualties "
        ]
    );
    assert_eq!(table.variable("ARAGORN"), json!(true));
    table.send("SP_PASSES");
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "will_of_the_west"}));
    assert!(offered(&table, "upgrade").is_empty(), "once");
}

#[test]
fn aragorn_leads_for_two() {
    let figures = json!({
        "COMPANIONS": ALONE, "GUIDE": "Legolas", "CHARACTERS": {"241": 48}, "FP_UNITS": {"48": 3},
        "FP_FORCES": {"48": [75, 76, 77, 241]}, "FP_LEADERSHIP": {"48": 1}, "SP_UNITS": {"48": 1}, "SP_FORCES": {"48": [41]},
        "CONTESTED_REGIONS": [48],
    });
    let mut table = Table::ours().with_board(board(figures));
    table.game.variables.insert("ARAGORN".to_owned(), json!(true));
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "army_muster"}));
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 48}));
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    assert_eq!(table.log.last().unwrap().1[0].roll, Roll::Combat { count: 4, target: 6, rerolls: 2 });
}

#[test]
fn gandalf_the_white_comes_after_the_grey_and_a_minion() {
    let figures = |grey: i64, saruman: i64| {
        json!({
            "COMPANIONS": ALONE, "GUIDE": "Legolas", "CHARACTERS": {"240": grey, "241": 30, "254": saruman},
            "CONQUERED_REGIONS": [37],
        })
    };
    assert!(offered(&with_die(figures(175, 176), "will_of_the_west"), "upgrade").is_empty(), "no Minion has come");
    let reborn = ["upgrade-240-39", "upgrade-240-4", "upgrade-240-27", "upgrade-240-70"];
    assert_eq!(offered(&with_die(figures(175, 40), "will_of_the_west"), "upgrade"), reborn, "Lórien has fallen");
    assert_eq!(offered(&with_die(figures(175, 177), "will_of_the_west"), "upgrade"), reborn, "a Minion was in play");
    assert_eq!(
        offered(&with_die(figures(43, 40), "will_of_the_west"), "upgrade"),
        ["upgrade-240-43"],
        "where the Grey is"
    );
    let with_him = json!({"CHARACTERS": {"254": 40}});
    assert!(offered(&with_die(with_him, "will_of_the_west"), "upgrade").is_empty(), "the Grey is in the Fellowship");
    let mut table = with_die(figures(175, 40), "will_of_the_west");
    let told = records(&table.choose("action", "upgrade-240-39"));
    assert_eq!(told[0], "$FSM moves 240 from FP Casualties to Fangorn ");
    assert_eq!(table.variable("GANDALF_THE_WHITE"), json!(true));
}

#[test]
fn nobody_is_brought_who_may_not_come() {
    let mut table = with_die(json!({}), "will_of_the_west");
    let event = json!({"action": "upgrade", "character": "Aragorn"});
    assert_eq!(table.refused("ACTION_SELECTED", event), Refusal::Transition);
    table.rests_in("PHASE_5_FP_DIE_SELECTED");
}

// ---- Nations

#[test]
fn a_muster_die_of_either_kind_advances_a_nation_and_no_other_does() {
    for (face, count) in [("muster", 5), ("army_muster", 5), ("character", 0), ("event", 0)] {
        assert_eq!(offered(&with_die(json!({}), face), "advance-").len(), count, "{face}");
    }
    let mut table = with_die(json!({}), "event");
    let advance = json!({"action": "advance_nation", "nation": "Gondor"});
    assert_eq!(table.refused("ACTION_SELECTED", advance), Refusal::Transition);
    let mut table = with_die(json!({"NATION_STEPS": {"Gondor": 1}}), "muster");
    let advance = json!({"action": "advance_nation", "nation": "Gondor"});
    assert_eq!(table.refused("ACTION_SELECTED", advance), Refusal::Transition, "who is passive does not go to war");
}

#[test]
fn an_advance_counts_before_the_board_shows_it_and_also_without_a_board() {
    let mut table = with_die(json!({"NATION_STEPS": {}}), "muster");
    table.choose("action", "advance-Elves");
    assert_eq!(table.variable("NATION_STEPS")["Elves"], 2);
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "muster"}));
    table.choose("action", "advance-Gondor");
    assert_eq!(table.variable("NATION_STEPS")["Gondor"], 1);
}

#[test]
fn boromir_gimli_and_legolas_advance_their_nation_by_any_die_from_its_cities_and_strongholds() {
    let at = |companion: &str, area: i64| json!({"CHARACTERS": {companion: area}});
    for (companion, area, advance) in [
        ("244", 74, "advance-Gondor"),
        ("244", 112, "advance-Gondor"),
        ("243", 82, "advance-Dwarves"),
        ("242", 37, "advance-Elves"),
    ] {
        let mut table = with_die(at(companion, area), "event");
        assert_eq!(offered(&table, "advance-"), [advance], "{companion} in {area}");
        table.choose("action", advance);
    }
    for (companion, area) in [("244", 46), ("243", 90), ("242", 74), ("241", 74)] {
        assert!(offered(&with_die(at(companion, area), "event"), "advance-").is_empty(), "{companion} in {area}");
    }
    let conquered = json!({"CHARACTERS": {"244": 48}, "CONQUERED_REGIONS": [48]});
    assert!(offered(&with_die(conquered, "event"), "advance-").is_empty());
}

#[test]
fn whoever_is_attacked_goes_a_step_on_once_unless_the_marker_was_moved_by_hand() {
    let figures = json!({
        "NATION_STEPS": {"Sauron": 0}, "FP_UNITS": {"75": 1}, "FP_FORCES": {"75": [76]}, "SP_UNITS": {"75": 3},
        "SP_FORCES": {"75": [7, 8, 9]}, "CONTESTED_REGIONS": [75],
    });
    let attack = json!({"action": "attack", "region": 75});
    let mut table = with_shadow_die(figures.clone(), "army");
    let told = records_but_die(&table.send_with("ACTION_SELECTED", attack.clone()));
    assert_eq!(told, ["$FSM moves 260 from Political Track 2 to Political Track 1 "]);
    assert_eq!(table.variable("NATION_STEPS")["Gondor"], 1);
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    assert!(records(&table.send("COMBAT_CONTINUES_NEXT_ROUND")).is_empty(), "once a battle");

    let mut table = with_shadow_die(figures, "army");
    table.board.values["NATION_STEPS"]["Gondor"] = json!(1);
    assert!(records_but_die(&table.send_with("ACTION_SELECTED", attack)).is_empty());
}

#[test]
fn an_enemy_in_its_land_and_a_companion_in_its_cities_wake_a_nation() {
    let mut table = with_shadow_die(json!({"SP_UNITS": {"41": 2}}), "army");
    table.send_with("ACTION_SELECTED", json!({"action": "move_armies"}));
    assert!(active(&table).contains(&"Rohan".to_owned()), "the Fords of Isen are Rohan's");
    for (companion, area, nation) in [("241", 7, "North"), ("245", 43, "Rohan"), ("243", 82, "Dwarves")] {
        let mut table = with_die(json!({"CHARACTERS": {companion: area}}), "event");
        table.choose("action", "skip");
        assert!(active(&table).contains(&nation.to_owned()), "{companion} in {area}");
    }
    for (companion, area) in [("241", 43), ("243", 90), ("242", 74)] {
        let mut table = with_die(json!({"CHARACTERS": {companion: area}}), "event");
        table.choose("action", "skip");
        assert_eq!(active(&table).len(), 4, "{companion} in {area} wakes nobody");
    }
}

// ---- what a die offers

#[test]
fn an_attack_is_offered_where_a_nation_at_war_has_an_enemy_in_reach_and_by_a_character_die_a_leader() {
    let figures = |sauron: i64, forces: Value| {
        json!({
            "NATION_STEPS": {"Sauron": sauron}, "SP_FORCES": forces, "SP_UNITS": {"86": 1}, "FP_UNITS": {"75": 1},
            "FP_FORCES": {"75": [76]},
        })
    };
    let attack = |sauron, forces, face| offered(&with_shadow_die(figures(sauron, forces), face), "attack-").len();
    assert_eq!(attack(0, json!({"86": [7]}), "army"), 1);
    assert_eq!(attack(1, json!({"86": [7]}), "army"), 0, "Sauron is not at war");
    assert_eq!(attack(0, json!({"91": [7]}), "army"), 0, "nobody is near");
    assert_eq!(attack(0, json!({"86": [7]}), "character"), 0, "nobody leads");
    assert_eq!(attack(0, json!({"86": [7, 37]}), "character"), 1);
}

#[test]
fn a_character_die_plays_a_card_of_a_character_deck_only() {
    let card =
        |hand: Value| offered(&with_die(json!({"FP_HAND": hand, "FP_HAND_SIZE": 1}), "character"), "play_card").len();
    assert_eq!((card(json!([106])), card(json!([107]))), (0, 1), "a Strategy card, and a Character card");
}

#[test]
fn a_hobbit_who_falls_is_only_separated_but_not_in_mordor() {
    for (area, tile, told) in [(27, 223, "Rivendell"), (189, 223, "FP Casualties")] {
        let mut table = Table::ours().with_board(board(
            json!({"COMPANIONS": ["Pippin"], "GUIDE": "Pippin", "FELLOWSHIP_AREA": area, "HUNT_LEVEL": 1, "HUNT_POOL": [tile]}),
        ));
        table.play_to_first_action();
        table.chance = vec![json!(1)];
        if area == 27 {
            table.chance.insert(0, json!({"rolls": [6], "rerolled": [], "successes": 1}));
        }
        table.send_with("DIE_SELECTED", json!({"die": 1, "face": "character"}));
        table.choose("action", "move_fellowship");
        let records = records(&table.choose("damage", "guide"));
        assert_eq!(records[0], format!("$FSM moves 246 from Guide Of The Fellowship to {told} "));
    }
}
