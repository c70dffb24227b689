//! Parts of Armies, groups of Companions and what Saruman musters, as choices; and what a side can take back while it chooses.

use serde_json::{Value, json};

use super::{
    decisions::{ids, records},
    situations::rolls,
    table::{Table, commands, texts},
    targets::{offered, seat},
};
use crate::machine::{Refusal, Roll};

/// Orcs, an Elite and a Nazgûl in Minas Morgul, others in Morannon, and Gondor in South Ithilien.
fn armies() -> Value {
    json!({
        "SP_FORCES": {"86": [7, 8, 35, 37], "91": [9, 10]}, "SP_UNITS": {"86": 3, "91": 2}, "SP_LEADERSHIP": {"86": 1},
        "FP_FORCES": {"75": [76]}, "FP_UNITS": {"75": 1},
    })
}

#[test]
fn a_part_of_an_army_is_chosen_figure_by_figure_and_another_army_may_follow() {
    let mut table = seat(armies(), "army", true);
    assert_eq!(offered(&table, "split-"), ["split-86", "split-91"]);
    table.choose("action", "split-86");
    assert_eq!(offered(&table, ""), ["along-35", "along-7", "along-37", "back"], "one of each kind");
    table.choose("action", "along-7");
    let reaction = table.choose("action", "along-37");
    assert!(texts(&reaction).iter().any(|text| text.contains("Who goes along")), "{:?}", texts(&reaction));
    assert_eq!(offered(&table, "along-"), ["along-35", "along-8"]);
    let to = offered(&table, "part-");
    assert!(!to.is_empty() && !to.contains(&"part-75".to_owned()), "Gondor stands there: {to:?}");
    let told = records(&table.choose("action", &to[0]));
    assert!(told[0].starts_with("$FSM moves 7 37 from Minas Morgul to "), "{told:?}");
    table.rests_in("PHASE_5_SP_DIE_SELECTED");
    assert_eq!(offered(&table, "split-"), ["split-86", "split-91"], "the rest of the Army is another");
    table.choose("action", "split-91");
    table.choose("action", "along-9");
    let to = offered(&table, "part-")[0].clone();
    let told = records(&table.choose("action", &to));
    assert!(told[0].starts_with("$FSM moves 9 from Morannon to "), "{told:?}");
    assert_eq!(told[1], "$FSM moves 99 from Current Action to SA Casualties ");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn a_character_die_moves_a_part_that_is_led() {
    let mut table = seat(armies(), "character", true);
    table.choose("action", "split-86");
    table.choose("action", "along-7");
    assert!(offered(&table, "part-").is_empty(), "nobody leads it");
    table.choose("action", "along-37");
    let to = offered(&table, "part-")[0].clone();
    table.choose("action", &to);
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn an_attack_may_leave_a_rearguard_and_whoever_stops_goes_back_to_it() {
    let mut table = seat(armies(), "army", true);
    assert_eq!(offered(&table, "raid-"), ["raid-86"]);
    table.choose("action", "raid-86");
    table.choose("action", "along-35");
    table.choose("action", "along-37");
    assert_eq!(offered(&table, "strike-"), ["strike-75"]);
    let reaction = table.choose("action", "strike-75");
    assert_eq!(records(&reaction)[0], "$FSM moves 35 37 from Minas Morgul to South Ithilien ");
    table.rests_in("COMBAT_CARD_SELECTION");
    let said = texts(&reaction);
    assert!(said.contains(&"➡️ 2 pieces from Minas Morgul to South Ithilien".to_owned()), "{said:?}");
    assert!(said.contains(&"▶️ The Shadow: attack".to_owned()), "{said:?}");
    assert!(said.iter().any(|text| text.contains("units: the Shadow 1, the Free Peoples 1")), "{said:?}");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    let stops: Vec<String> = table
        .decision("retreat")
        .choices
        .into_iter()
        .map(|choice| choice.id)
        .filter(|id| id.starts_with("stop"))
        .collect();
    assert_eq!(stops, ["stop-86"]);
    let told = records(&table.choose("retreat", "stop-86"));
    assert_eq!(told[0], "$FSM moves 35 37 from South Ithilien to Minas Morgul ");
}

/// Gondor in Minas Tirith with a Captain, and the Orcs and the Nazgûl before its walls.
fn siege() -> Value {
    json!({
        "FP_FORCES": {"111": [75, 76, 85, 86, 240]}, "FP_UNITS": {"111": 3}, "FP_LEADERSHIP": {"111": 2},
        "SP_FORCES": {"74": [7, 8, 9, 35, 37]}, "SP_UNITS": {"74": 4}, "SP_LEADERSHIP": {"74": 1},
        "BESIEGED_REGIONS": [74], "FP_SPARE": {}, "SP_SPARE": {},
    })
}

#[test]
fn a_sortie_may_leave_a_rearguard_behind_the_walls() {
    let mut table = seat(siege(), "army_muster", false);
    assert!(offered(&table, "split-").is_empty(), "nobody marches out");
    assert_eq!(offered(&table, "raid-"), ["raid-111"]);
    table.choose("action", "raid-111");
    table.choose("action", "along-75");
    assert_eq!(offered(&table, "strike-"), ["strike-74"]);
    let reaction = table.choose("action", "strike-74");
    table.rests_in("COMBAT_CARD_SELECTION");
    let said = texts(&reaction);
    assert!(said.iter().any(|text| text.contains("SORTIE") && text.contains("the Free Peoples 1")), "{said:?}");
    table.chance = vec![
        json!({"rolls": [1], "rerolled": [], "successes": 0}),
        json!({"rolls": [5, 5], "rerolled": [], "successes": 2}),
    ];
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    let (attack, defence) =
        (Roll::Combat { count: 1, target: 5, rerolls: 0 }, Roll::Combat { count: 4, target: 5, rerolls: 1 });
    assert_eq!(rolls(&table), [attack, defence]);
    let decision = table.decision("casualties");
    assert_eq!(ids(&decision), ["gondor-1-regular"], "those behind the walls are safe");
}

#[test]
fn an_assault_may_be_made_by_a_part_of_the_besiegers() {
    let mut table = seat(siege(), "army", true);
    assert_eq!(offered(&table, "raid-"), ["raid-74"]);
    table.choose("action", "raid-74");
    table.choose("action", "along-35");
    table.choose("action", "along-7");
    assert_eq!(offered(&table, "strike-111"), ["strike-111"]);
    table.choose("action", "strike-111");
    table.rests_in("SIEGE_CARD_SELECTION");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    let (attack, defence) =
        (Roll::Combat { count: 2, target: 6, rerolls: 0 }, Roll::Combat { count: 4, target: 5, rerolls: 2 });
    assert_eq!(rolls(&table), [attack, defence]);
}

#[test]
fn whoever_was_chosen_may_stay_after_all() {
    let mut table = seat(armies(), "army", true);
    table.choose("action", "split-86");
    table.choose("action", "along-7");
    table.choose("action", "back");
    assert!(offered(&table, "attack-").contains(&"attack-86-75".to_owned()), "nothing has happened yet");
    assert!(!offered(&table, "skip").is_empty() && offered(&table, "enough").is_empty());
    let march = offered(&table, "march-91-")[0].clone();
    table.choose("action", &march);
    table.choose("action", "split-86");
    table.choose("action", "back");
    assert!(offered(&table, "attack-").is_empty() && !offered(&table, "enough").is_empty(), "one Army has moved");

    let mut table = seat(json!({}), "character", false);
    table.choose("action", "leave-Gandalf the Grey");
    table.choose("action", "back");
    assert!(offered(&table, "leave-").contains(&"leave-Gandalf the Grey".to_owned()));
}

#[test]
fn companions_go_in_whatever_groups_their_player_makes() {
    let mut table = seat(json!({"CHARACTERS": {"241": 37, "243": 37, "245": 37}}), "character", false);
    table.choose("action", "group-245");
    let alone = offered(&table, "to-").len();
    assert_eq!(offered(&table, "with-"), ["with-241", "with-243"]);
    table.choose("action", "with-243");
    assert!(alone < offered(&table, "to-").len(), "the highest Level counts");
    assert_eq!(offered(&table, "with-"), ["with-241"]);
    let to = offered(&table, "to-")[0].clone();
    let told = records(&table.choose("action", &to));
    assert!(told[0].starts_with("$FSM moves 245 243 from Lorien to "), "{told:?}");
    assert_eq!(offered(&table, "group-"), ["group-241"]);
}

#[test]
fn saruman_musters_what_his_player_chooses() {
    let figures = || {
        json!({
            "NATION_STEPS": {"Isengard": 0}, "CHARACTERS": {"254": 40}, "SP_FORCES": {"40": [2, 3, 254]}, "SP_UNITS": {"40": 2},
            "SP_RESERVE": {"327": 176, "328": 176, "329": 176, "322": 177, "323": 176},
        })
    };
    let mut table = seat(figures(), "muster", true);
    assert_eq!(offered(&table, "saruman-"), ["saruman-regulars-26-30-40", "saruman-elites"]);
    assert_eq!(
        records(&table.choose("action", "saruman-regulars-26-30-40"))[..3],
        [
            "$FSM moves 327 from SA Reinforcements to North Dunland ",
            "$FSM moves 328 from SA Reinforcements to South Dunland ",
            "$FSM moves 329 from SA Reinforcements to Orthanc ",
        ]
    );
    table.rests_in("PHASE_5_FP_ACTION");
    let mut table = seat(figures(), "army_muster", true);
    let told = records(&table.choose("action", "saruman-elites"));
    assert_eq!(told[0], "$FSM moves 2 3 from Orthanc to SA Reinforcements ");
    assert!(offered(&seat(json!({"NATION_STEPS": {"Isengard": 0}}), "muster", true), "saruman").is_empty());
}

#[test]
fn cards_of_a_known_type_are_played_by_their_die_alone() {
    let hand = json!({
        "FP_HAND": [106, 110, 111], "FP_HAND_SIZE": 3, "CARD_NAMES": {"106": "A Power Too Great", "110": "Book of Mazarbul"},
        "CARD_TYPES": {"106": "army", "110": "muster"},
    });
    for (face, cards) in [
        ("muster", vec!["card-110", "card-111"]),
        ("army_muster", vec!["card-106", "card-110", "card-111"]),
        ("event", vec!["card-106", "card-110", "card-111"]),
    ] {
        assert_eq!(offered(&seat(hand.clone(), face, false), "card-"), cards, "{face}");
    }
    let mut table = seat(hand, "muster", false);
    assert_eq!(table.refused("ACTION_SELECTED", json!({"action": "play_card", "card": 106})), Refusal::Transition);
    let choices = table.decision("action").choices;
    let text = |id: &str| choices.iter().find(|choice| choice.id == id).unwrap().text.clone();
    assert_eq!(text("card-110"), "play card 110 (Book of Mazarbul), a Muster card");
    assert_eq!(text("card-111"), "play card 111, a Strategy card");
}

#[test]
fn whoever_chooses_to_draw_has_the_client_draw() {
    let mut table = seat(json!({}), "event", false);
    let reaction = table.choose("action", "draw_strategy_card");
    let told = commands(&reaction);
    assert!(told.contains(&"F8".to_owned()) && !told.contains(&"F7".to_owned()), "{told:?}");
    let mut table = seat(json!({}), "event", true);
    assert!(commands(&table.choose("action", "draw_character_card")).contains(&"F11".to_owned()));
    let hand: Vec<i64> = (106..=112).collect();
    let mut table = seat(json!({"FP_HAND": hand[..6], "FP_HAND_SIZE": 6}), "event", false);
    table.choose("action", "draw_strategy_card");
    assert!(table.decisions().iter().all(|decision| decision.kind != "discard"), "the board does not show it yet");
    table.board.values.extend(json!({"FP_HAND": hand, "FP_HAND_SIZE": 7}).as_object().unwrap().clone());
    let told = records(&table.choose("discard", "cards-112"));
    assert_eq!(told, ["$FSM moves 112 from Free Peoples Hand to FP Casualties "]);
    // Whoever only says so has drawn by hand.
    let mut table = seat(json!({}), "event", false);
    let told = commands(&table.send_with("ACTION_SELECTED", json!({"action": "draw_strategy_card"})));
    assert!(!told.contains(&"F8".to_owned()), "{told:?}");
}

#[test]
fn a_die_that_was_named_by_its_number_is_laid_aside() {
    let aside = "$FSM moves 210 from Current Action to FP Casualties ".to_owned();
    let mut table = seat(json!({}), "event", false);
    assert!(records(&table.choose("action", "skip")).contains(&aside));
    let mut table = seat(json!({}), "event", false);
    let lies_there = json!({"FP_POOL": [211, 212, 213], "DICE_IN_CURRENT_ACTION": []});
    table.board.values.extend(lies_there.as_object().unwrap().clone());
    assert!(!records(&table.choose("action", "skip")).contains(&aside), "somebody has done so already");
}

#[test]
fn a_die_that_was_dragged_is_laid_aside_where_nothing_is_left_to_do_by_hand() {
    for (action, aside) in [("skip", true), ("draw_character_card", true), ("play_card", false)] {
        let board = json!({"FP_HAND": [], "FP_HAND_SIZE": 1, "DICE_IN_CURRENT_ACTION": []});
        let mut table = Table::ours().with_board(board);
        table.play_to_first_action();
        table.board.values.insert("DICE_IN_CURRENT_ACTION".to_owned(), json!([210]));
        table.send("PIECE_MOVED");
        table.rests_in("PHASE_5_FP_DIE_SELECTED");
        let told = records(&table.choose("action", action));
        let moved = told.contains(&"$FSM moves 210 from Current Action to FP Casualties ".to_owned());
        assert_eq!(moved, aside, "{action}: {told:?}");
    }
}

#[test]
fn the_menu_of_the_fellowship_offers_what_is_left() {
    let mut table = Table::ours().with_board(json!({"CORRUPTION": 3}));
    let offers = |reaction: &crate::machine::Reaction| -> Vec<String> {
        let lines = texts(reaction);
        lines.into_iter().filter(|line| line.starts_with("  1.") || line.starts_with("  3.")).collect()
    };
    let begun = offers(&table.send("GAME_OPTIONS_CONFIRMED"));
    assert_eq!(begun, ["  1. Declare the Fellowship's position", "  3. Once declared: heal 1 corruption"]);
    let declared = offers(&table.send("FP_DECLARE_FELLOWSHIP"));
    assert_eq!(declared, ["  1. Leave it where it has declared itself", "  3. Now: heal 1 corruption"]);
    let healed = offers(&table.send("FP_HEAL_RINGBEARER"));
    assert_eq!(healed[1], "  3. Heal or activate: done for this turn");
}

#[test]
fn whoever_is_besieged_no_more_comes_out_when_the_turn_ends() {
    let board = json!({"FP_FORCES": {"111": [81, 85]}, "FP_UNITS": {"111": 1}, "BESIEGED_REGIONS": [74]});
    let mut table = seat(board, "event", false);
    table.choose("action", "skip");
    table.send("SP_PASSES");
    let told = records(&table.send("FP_PASSES"));
    assert!(told.contains(&"$FSM moves 81 85 from Minas Tirith Stronghold to Minas Tirith ".to_owned()), "{told:?}");
}
