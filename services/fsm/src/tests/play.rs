//! Games played through the pure core: the phases, the dice, the actions, turn after turn.

use serde_json::{Value, json};

use super::{
    definitions::built_in,
    line_and_log::panel_phase,
    table::{Table, commands, lines, states, texts, valid_events},
};
use crate::machine::{self, Refusal};

// ---- the beginning, and the phases

#[test]
fn options_confirmed_leads_through_phase_1_to_phase_2_in_one_reaction() {
    let mut table = Table::ours();
    let reaction = table.send("GAME_OPTIONS_CONFIRMED");

    table.rests_in("PHASE_2_FELLOWSHIP_START");
    let first = states(&reaction);
    assert_eq!(
        (first[0], first[8], first[9]),
        ("PROMPT_GAME_INITIALIZATION", "TURN_START", "PHASE_1_RECOVER_AND_DRAW")
    );
    let client: Vec<_> = commands(&reaction).into_iter().filter(|line| !line.starts_with('<')).collect();
    assert_eq!(client, ["Ctrl+9", "Ctrl+0", "F7", "F8", "F11", "F12"]);
}

#[test]
fn each_state_is_told_before_its_lines_and_they_before_its_commands() {
    let mut table = Table::ours();
    let reaction = table.send("GAME_OPTIONS_CONFIRMED");
    let lines = lines(&reaction);
    let place = |wanted: &str| lines.iter().position(|line| line == wanted).unwrap_or_else(|| panic!("{wanted}"));

    let state = place("<state> PHASE_1_RECOVER_AND_DRAW");
    let title = place("<auto> 🌅 Turn 1 — PHASE 1: recover dice, draw cards");
    let shown = place("<fsm> 🌅 Turn 1 — PHASE 1: recover dice, draw cards");
    assert!(
        state < title
            && title < shown
            && shown < place("Ctrl+9")
            && place("Ctrl+9") < place("<state> PHASE_1_FP_DISCARD_CHECK")
    );
    assert_eq!(lines.iter().filter(|line| line.starts_with("<valid_events>")).count(), 1);
    assert!(lines.last().unwrap().starts_with("<valid_events> FP_DECLARE_FELLOWSHIP"));
}

#[test]
fn a_resting_states_own_commands_come_after_the_valid_events() {
    let mut table = Table::new(built_in("document"));
    assert_eq!(
        lines(&table.send("START_GAME")),
        ["<state> FP_ACTION_ROLL", "<valid_events> READY_TO_ROLL", "FSM_ROLL_FP_DICE"]
    );
    assert_eq!(lines(&table.send("READY_TO_ROLL")), ["<valid_events> READY_TO_ROLL"]);
    assert_eq!(
        lines(&table.send_with("DICE_ROLLED", json!({"results": ["Army", "Character"]}))),
        ["<state> FP_ACTION_RESOLUTION", "<valid_events> EXECUTE_ACTION_1,EXECUTE_ACTION_2"]
    );
    assert_eq!(
        lines(&table.send("EXECUTE_ACTION_1")),
        ["<state> FP_ACTION_RESOLUTION", "<valid_events> EXECUTE_ACTION_1,EXECUTE_ACTION_2", "FSM_EXECUTE_ACTION 1"]
    );
    table.send("ACTION_COMPLETE");
    table.send("SKIP_PHASE");
    table.rests_in("FP_ACTION_ROLL");
}

#[test]
fn menus_show_the_databases_figures() {
    let board = json!({
        "FP_HAND_SIZE": 4, "SP_HAND_SIZE": 5, "FELLOWSHIP_AREA": 37, "FELLOWSHIP_PROGRESS": 3, "FELLOWSHIP_REVEALED": true,
        "CORRUPTION": 4, "HUNT_LEVEL": 2, "EYE_DICE": 1, "FP_POOL": [210, 211, 212], "SP_POOL": [102, 103, 104, 105],
        "FP_VP": 1, "SHADOW_VP": 3, "DICE_IN_CURRENT_ACTION": [],
    });
    let mut table = Table::ours().with_board(board);
    let mut said = texts(&table.send("GAME_OPTIONS_CONFIRMED"));
    said.extend(texts(&table.send("FP_FELLOWSHIP_DECISIONS_READY")));
    said.extend(texts(&table.send("SP_HUNT_ALLOCATION_DONE")));
    table.send("FP_PASSES");
    said.extend(texts(&table.send("SP_PASSES")));

    for line in [
        "✅ FREE PEOPLES: hand 4/6",
        "✅ SHADOW: hand 5/6",
        "📍 Location: Lorien (progress 3)",
        "👁️ Status: 🌝 Revealed",
        "💍 Corruption: 4/12",
        "👁️ Eyes rolled: 1",
        "📦 Dice in the Hunt Box: 2",
        "🟦 Free Peoples dice: 3",
        "🟥 Shadow dice: 4",
        "🟥 Shadow: 3/10 points",
        "🟦 Free Peoples: 1/4 points",
    ] {
        assert!(said.iter().any(|text| text == line), "{line} is not in {said:#?}");
    }
    assert!(!said.iter().any(|text| text.contains("No client database")));
}

#[test]
fn the_menu_of_phase_1_has_seventeen_lines_and_two_more_over_the_limit() {
    let menu = |sp_hand: i64| {
        let board = json!({"FP_HAND_SIZE": 4, "SP_HAND_SIZE": sp_hand, "DB_TURN": 1});
        let reaction = Table::ours().with_board(board).send("GAME_OPTIONS_CONFIRMED");
        let texts = texts(&reaction);
        let rulers: Vec<usize> = texts
            .iter()
            .enumerate()
            .filter(|(_, text)| **text == crate::text::ruler())
            .map(|(index, _)| index)
            .collect();
        texts[rulers[0]..=rulers[2]].to_vec()
    };
    assert_eq!(menu(6).len(), 17);
    let over = menu(7);
    assert_eq!(over.len(), 19);
    assert_eq!(over[5], "⚠️ SHADOW: hand 7/6 - DISCARD REQUIRED");
}

#[test]
fn a_hand_over_the_limit_waits_for_its_discards() {
    let mut table = Table::ours().with_board(json!({"FP_HAND_SIZE": 7, "SP_HAND_SIZE": 8}));
    assert_eq!(valid_events(&table.send("GAME_OPTIONS_CONFIRMED")), ["FP_DISCARDS_DONE", "PHASE_COMPLETE"]);
    table.rests_in("PHASE_1_FP_DISCARD_CHECK");
    table.send("PHASE_COMPLETE");
    table.rests_in("PHASE_1_SP_DISCARD_CHECK");

    // The client's own moves are enough: the hand is seen to be in order.
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored);
    table.board.values.insert("SP_HAND_SIZE".to_owned(), json!(6));
    table.send("PIECE_MOVED");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn a_hand_that_the_draw_makes_too_large_is_cut_before_phase_2_goes_on() {
    let mut table = Table::ours().with_board(json!({"FP_HAND_SIZE": 6, "SP_HAND_SIZE": 4}));
    table.send("GAME_OPTIONS_CONFIRMED");
    table.board.values.insert("FP_HAND_SIZE".to_owned(), json!(8));
    table.send("PIECE_MOVED");
    table.rests_in("PHASE_1_FP_DISCARD_CHECK");
    table.send("FP_DISCARDS_DONE");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored, "the discards were confirmed");
}

#[test]
fn the_fellowship_phase_offers_what_is_possible() {
    let board = json!({"FELLOWSHIP_AREA": 74, "CORRUPTION": 2, "FELLOWSHIP_REVEALED": false, "CONQUERED_REGIONS": []});
    let mut table = Table::ours().with_board(board);
    let events = valid_events(&table.send("GAME_OPTIONS_CONFIRMED"));
    assert_eq!(events, ["FP_DECLARE_FELLOWSHIP", "FP_CHANGE_GUIDE", "FP_FELLOWSHIP_DECISIONS_READY", "PHASE_COMPLETE"]);
    assert_eq!(table.refused("FP_HEAL_RINGBEARER", json!({})), Refusal::Transition, "not declared yet");

    let events = valid_events(&table.send("FP_DECLARE_FELLOWSHIP"));
    assert!(events.starts_with(&[
        "FP_DECLARE_FELLOWSHIP".to_owned(),
        "FP_HEAL_RINGBEARER".to_owned(),
        "FP_ACTIVATE_NATION".to_owned()
    ]));
    table.send("FP_HEAL_RINGBEARER");
    assert_eq!(table.refused("FP_HEAL_RINGBEARER", json!({})), Refusal::Transition, "once for each declaration");
    let said = texts(&table.send("FP_ACTIVATE_NATION"));
    assert!(said.contains(&"⚔️ Gondor is active now.".to_owned()), "{said:?}");
    assert_eq!(table.refused("FP_ACTIVATE_NATION", json!({})), Refusal::Transition);
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn a_conquered_city_neither_heals_nor_activates() {
    let board = json!({"FELLOWSHIP_AREA": 74, "CORRUPTION": 2, "CONQUERED_REGIONS": [74]});
    let mut table = Table::ours().with_board(board);
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_DECLARE_FELLOWSHIP");
    assert_eq!(table.refused("FP_HEAL_RINGBEARER", json!({})), Refusal::Transition);
    assert_eq!(table.refused("FP_ACTIVATE_NATION", json!({})), Refusal::Transition);
}

#[test]
fn a_revealed_fellowship_cannot_declare() {
    let mut table = Table::ours().with_board(json!({"FELLOWSHIP_REVEALED": true}));
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.refused("FP_DECLARE_FELLOWSHIP", json!({})), Refusal::Transition);
}

#[test]
fn a_guide_is_chosen_only_after_it_was_said_and_among_the_highest() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.refused("GUIDE_SELECTED", json!({})), Refusal::Transition);
    table.send("FP_CHANGE_GUIDE");
    assert_eq!(table.refused("GUIDE_SELECTED", json!({"guide": "Pippin"})), Refusal::Transition);
    let said = texts(&table.send_with("GUIDE_SELECTED", json!({"guide": "Strider"})));
    assert!(said.contains(&"👤 The Guide is Strider.".to_owned()), "{said:?}");
}

#[test]
fn without_another_companion_of_the_highest_level_the_guide_stays() {
    let board = json!({"COMPANIONS": ["Strider", "Legolas"], "GUIDE": "Strider"});
    let mut table = Table::ours().with_board(board);
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.refused("FP_CHANGE_GUIDE", json!({})), Refusal::Transition);
}

// ---- dice

#[test]
fn dice_are_commanded_once_and_rolled_by_the_server_in_assist() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.chance = vec![
        json!(["will_of_the_west", "character", "event", "muster"]),
        json!(["eye", "army", "eye", "muster", "character", "event", "army_muster"]),
    ];
    let reaction = table.send("SP_HUNT_ALLOCATION_DONE");
    assert_eq!(
        commands(&reaction),
        [
            "FSM_ROLL_FP_DICE",
            "$FSM rolls 210 211 212 213 as 0 1 2 3 ",
            "FSM_ROLL_SP_DICE",
            "$FSM rolls 99 100 101 102 103 104 105 as 15 12 15 10 13 14 11 ",
            "$FSM allocates 99 101 ",
        ]
    );
    assert_eq!(reaction.roll_ids, ["roll-0", "roll-1"]);
    assert_eq!((table.variable("HUNT_LEVEL"), table.variable("EYE_DICE")), (json!(2), json!(2)));
}

#[test]
fn the_dice_of_the_databases_pools_are_rolled() {
    let mut table = Table::ours().with_board(json!({"FP_POOL": [210, 358], "SP_POOL": [105]}));
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    let rolled = commands(&table.send("SP_HUNT_ALLOCATION_DONE"));
    assert!(
        rolled.contains(&"$FSM rolls 210 358 as 2 2 ".to_owned())
            && rolled.contains(&"$FSM rolls 105 as 14 ".to_owned()),
        "{rolled:?}"
    );
}

#[test]
fn strict_rolls_nothing_shows_nothing_twice_and_takes_the_clients_faces() {
    let mut table = Table::ours().strict();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    let reaction = table.send("SP_HUNT_ALLOCATION_DONE");
    assert_eq!(commands(&reaction), ["FSM_ROLL_FP_DICE", "FSM_ROLL_SP_DICE"]);
    assert!(!lines(&reaction).iter().any(|line| line.starts_with("<fsm>")));
    table.send_with("DICE_ROLLED", json!({"results": ["will_of_the_west", "event", "muster", "character"]}));
    let said = texts(&table.send_with("DIE_SELECTED", json!({"die": 1})));
    assert!(said.contains(&"🎲 The Free Peoples: die Will of the West. What is it used for?".to_owned()), "{said:?}");
}

/// Strict, with all dice rolled by the client.
fn rolled_by_the_client() -> Table {
    let mut table = Table::ours().strict();
    table.play_to_first_action();
    table
}

#[test]
fn strict_takes_the_faces_in_the_documents_own_words() {
    for told in [
        json!(["Will of the West", "Character", "Muster", "Army/Muster"]),
        json!(["will_of_west", "Character", "Muster", "Army"]),
        json!([0, 1, 3, 4]),
    ] {
        let mut table = rolled_by_the_client();
        table.send_with("DICE_ROLLED", json!({"results": told}));
        let faces = json!({"210": "will_of_the_west", "211": "character", "212": "muster", "213": "army_muster"});
        assert_eq!(table.variable("FP_FACES"), faces, "{told}");
    }
    let mut table = rolled_by_the_client();
    table.send_with("DICE_ROLLED", json!({"results": ["Hobbit", "Character", "Muster", "Army"]}));
    assert_eq!(table.variable("FP_FACES"), json!({}), "nobody knows what a Hobbit is");
}

#[test]
fn strict_takes_the_shadows_faces_alone_or_after_the_free_peoples_and_its_eyes_hunt() {
    let free = ["Character", "Character", "Event", "Muster"];
    let shadow = ["Eye", "Army", "Muster", "Army/Muster", "Character", "Event", "Eye"];
    let both: Vec<&str> = free.iter().chain(&shadow).copied().collect();
    for events in [
        vec![json!({"results": free}), json!({"results": shadow})],
        vec![json!({"results": both})],
        vec![json!({"results": shadow, "side": "shadow"}), json!({"results": free, "side": "fp"})],
    ] {
        let mut table = rolled_by_the_client();
        for event in &events {
            table.send_with("DICE_ROLLED", event.clone());
        }
        assert_eq!(table.variable("FP_FACES")["212"], "event", "{events:?}");
        assert_eq!(table.variable("SP_FACES")["102"], "army_muster", "{events:?}");
        assert_eq!(table.variable("HUNT_BOX_DICE"), json!([99, 105]), "{events:?}");
        assert_eq!(table.variable("HUNT_LEVEL"), 2);
        table.send("FP_PASSES");
        assert_eq!(table.decision("die").choices[0].text, "Die 1: Army");
    }
}

#[test]
fn dice_named_for_the_hunt_are_moved_and_not_rolled() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    let reaction = table.send_with("SHADOW_CONFIRMS_HUNT_ALLOCATION", json!({"dice": 2}));
    assert_eq!(reaction.alias_of, "SP_HUNT_ALLOCATION_DONE");
    let told = commands(&reaction);
    assert_eq!(told[0], "$FSM moves 99 100 from SA Dice to The Hunt For The Ring ");
    assert!(told.contains(&"$FSM rolls 101 102 103 104 105 as 14 14 14 14 14 ".to_owned()), "{told:?}");
}

#[test]
fn dice_on_their_way_to_the_hunt_box_count_until_the_database_has_them_elsewhere() {
    let board = |hunt: i64, pool: Value| json!({"HUNT_LEVEL": hunt, "SP_POOL": pool, "FP_POOL": [210]});
    let mut table = Table::ours().with_board(board(1, json!([100, 101, 102])));
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.chance = vec![json!(["event"]), json!(["eye", "army"])];
    let told = texts(&table.send_with("SP_HUNT_ALLOCATION_DONE", json!({"dice": 1})));
    let counts: Vec<_> = told.iter().filter_map(|line| line.strip_prefix("📦 Dice in the Hunt Box: ")).collect();
    assert_eq!(counts, ["2", "3"], "with the one that was allocated, then with the Eye");
    let hunt_dice = |table: &Table| {
        let view = machine::view(&table.machine, &table.game, &[], Some(&table.board), true).unwrap();
        view.figures["HUNT_DICE"].clone()
    };
    let table = table.with_board(board(3, json!([102])));
    assert_eq!(hunt_dice(&table), 3, "the database has both");
    let table = table.with_board(board(2, json!([102])));
    assert_eq!(hunt_dice(&table), 2, "one was taken out again");
}

#[test]
fn a_hand_to_be_cut_leads_the_older_panel_back_to_phase_1() {
    for hands in [json!({"FP_HAND_SIZE": 8, "SP_HAND_SIZE": 6}), json!({"FP_HAND_SIZE": 6, "SP_HAND_SIZE": 8})] {
        let mut table = Table::ours().with_board(json!({"FP_HAND_SIZE": 6, "SP_HAND_SIZE": 6}));
        table.send("GAME_OPTIONS_CONFIRMED");
        table.rests_in("PHASE_2_FELLOWSHIP_START");
        let mut table = table.with_board(hands);
        let told = texts(&table.send("PIECE_MOVED"));
        assert!(table.game.state.starts_with("PHASE_1_"), "{}", table.game.state);
        assert_eq!(told.iter().rev().find_map(|line| panel_phase(line)), Some(1), "{told:?}");
    }
}

#[test]
fn a_look_at_the_game_tells_the_states_lines_and_changes_nothing() {
    let mut table = Table::ours();
    table.play_to_first_action();
    let view = machine::view(&table.machine, &table.game, &[], Some(&table.board), true).unwrap();
    assert_eq!(
        view.prompt.as_deref(),
        Some("🟦 PHASE 5: the Free Peoples act. Drag a die to the current action, or choose one.")
    );
    assert_eq!(view.menu.len(), 1, "{:?}", view.menu);
    assert!(view.menu[0].starts_with("🎲 Free Peoples: 4 dice left."), "{:?}", view.menu);
}

// ---- actions

#[test]
fn the_actors_alternate_and_a_side_without_dice_is_passed_over() {
    let mut table = Table::ours();
    table.play_to_first_action();
    let mut actors = String::new();
    for _ in 0..11 {
        actors.push(if table.game.state == "PHASE_5_FP_ACTION" { 'F' } else { 'S' });
        table.send("EXECUTE_ACTION_1");
    }
    assert_eq!(actors, "FSFSFSFSSSS");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
    assert_eq!(table.variable("TURN"), 2);
}

#[test]
fn a_die_named_by_number_is_the_one_at_that_place_of_the_pool() {
    let mut table = Table::ours()
        .with_board(json!({"FP_POOL": [210, 211, 212, 213], "SP_POOL": [99, 100], "DICE_IN_CURRENT_ACTION": []}));
    table.play_to_first_action();
    let reaction = table.send("EXECUTE_ACTION_3");
    let told = commands(&reaction);
    assert_eq!(
        told,
        [
            "$FSM moves 212 from FP Dice to Current Action ",
            "FSM_EXECUTE_ACTION 3",
            "$FSM moves 212 from Current Action to FP Casualties ",
        ]
    );
    assert_eq!(table.refused("EXECUTE_ACTION_3", json!({})), Refusal::Transition, "the Shadow has two dice");
    table.send("EXECUTE_ACTION_2");
    table.rests_in("PHASE_5_FP_ACTION");
    table.send("ACTION_COMPLETE");
    let told = commands(&table.send("EXECUTE_ACTION_3"));
    assert_eq!(told[0], "$FSM moves 213 from FP Dice to Current Action ", "212 is spent");
}

#[test]
fn only_a_die_newly_laid_on_the_current_action_selects_it() {
    let board = json!({"FP_POOL": [210, 211, 212], "SP_POOL": [99, 100], "DICE_IN_CURRENT_ACTION": [213]});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    let mut lay = |dice: Value| table.board.values.insert("DICE_IN_CURRENT_ACTION".to_owned(), dice);
    lay(json!([213]));
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored, "it lay there before");
    table.board.values.insert("DICE_IN_CURRENT_ACTION".to_owned(), json!([100, 213]));
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored, "it is the other side's");
    table.board.values.insert("DICE_IN_CURRENT_ACTION".to_owned(), json!([211, 213]));
    table.send("PIECE_MOVED");
    table.rests_in("PHASE_5_FP_DIE_SELECTED");
    assert_eq!(table.variable("SELECTED_DIE"), 211);
    let reaction = table.send("ACTION_SELECTED");
    assert!(commands(&reaction).is_empty(), "what was dragged is the client's own doing");
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn a_moved_piece_may_be_told_with_the_event() {
    let mut table = Table::ours();
    table.play_to_first_action();
    for data in [
        json!({"piece_id": 5, "to": 152}),
        json!({"piece_id": 99, "to": 152}),
        json!({"piece_id": 210, "to": 175}),
        json!({}),
    ] {
        assert_eq!(table.refused("PIECE_MOVED", data.clone()), Refusal::Ignored, "{data}");
    }
    table.send_with("PIECE_MOVED", json!({"piece_id": 210, "from": 178, "to": 152}));
    table.rests_in("PHASE_5_FP_DIE_SELECTED");
}

#[test]
fn the_will_of_the_west_may_be_changed_and_others_may_not() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.chance = vec![json!(["will_of_the_west", "event", "event", "event"])];
    table.send("SP_HUNT_ALLOCATION_DONE");
    table.send_with("DIE_SELECTED", json!({"die": 1}));
    let told = commands(&table.send_with("CHANGE_DIE_FACE", json!({"face": "muster"})));
    assert_eq!(told, ["$FSM rolls 210 as 3 "]);
    assert_eq!(table.refused("CHANGE_DIE_FACE", json!({"face": "event"})), Refusal::Transition, "it is a Muster now");
}

#[test]
fn an_unknown_face_may_be_changed_and_that_is_said() {
    let mut table = Table::ours().strict();
    table.play_to_first_action();
    let said = texts(&table.send("DIE_SELECTED"));
    assert!(said.iter().any(|text| text.contains("face of this die is not known")), "{said:?}");
    table.send_with("CHANGE_DIE_FACE", json!({"face": "event"}));
}

#[test]
fn an_elven_ring_is_used_once_a_turn_and_passes_to_the_shadow() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.chance = vec![json!(["character"])];
    let told = commands(&table.send("USE_ELVEN_RING"));
    assert_eq!(told, ["$FSM moves 249 from Elven Ring 1 to Dark Ring 1 ", "$FSM rolls 210 as 1 "]);
    assert_eq!((table.variable("FP_RINGS"), table.variable("SP_RINGS")), (json!(2), json!(1)));
    assert_eq!(table.refused("USE_ELVEN_RING", json!({})), Refusal::Transition);
    table.send("ACTION_SELECTED");
    table.send("DIE_SELECTED");
    table.send_with("USE_ELVEN_RING", json!({"face": "army"}));
    assert_eq!((table.variable("SP_RINGS"), table.variable("SELECTED_FACE")), (json!(0), json!("army")));
}

#[test]
fn without_a_ring_none_can_be_used() {
    let mut table = Table::ours().with_board(json!({"FP_RINGS": 0, "SP_RINGS": 0}));
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    assert_eq!(table.refused("USE_ELVEN_RING", json!({})), Refusal::Transition);
}

// ---- passes and turns

#[test]
fn two_passes_in_a_row_end_the_actions() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.rests_in("PHASE_5_SP_ACTION");
    let reaction = table.send("SP_PASSES");
    assert!(states(&reaction).contains(&"PHASE_6_VICTORY_CHECK"));
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn whoever_has_no_fewer_dice_than_the_other_throws_one_away_by_passing() {
    let dice = |table: &Table, fact: &str| {
        machine::all_facts(&table.machine, &table.game, Some(&table.board), true).unwrap()[fact].clone()
    };
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("EXECUTE_ACTION_1");
    let prompted = texts(&table.send("DIE_SELECTED"));
    assert!(prompted.iter().all(|text| !text.starts_with("✋")), "the die is chosen already: {prompted:?}");
    let said = texts(&table.log[table.log.len() - 2].2);
    assert!(said.iter().any(|text| text.starts_with("✋ It has no fewer dice")), "{said:?}");

    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("FP_PASSES");
    assert_eq!(dice(&table, "FP_DICE_REMAINING"), 4, "four against seven may wait");
    table.send("EXECUTE_ACTION_1");
    table.send("EXECUTE_ACTION_1");
    let reaction = table.send("SP_PASSES");
    assert_eq!(dice(&table, "SP_DICE_REMAINING"), 5, "six against three are no fewer");
    assert!(commands(&reaction).contains(&"$FSM moves 100 from SA Dice to SA Casualties ".to_owned()));
    assert!(
        texts(&reaction)
            .contains(&"✋ Only the side with fewer dice may pass: the Shadow throws a die away.".to_owned())
    );
    table.rests_in("PHASE_5_FP_ACTION");

    let board = json!({"FP_POOL": [210, 211, 212], "SP_POOL": [99, 100, 101], "DICE_IN_CURRENT_ACTION": []});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    let reaction = table.send("FP_PASSES");
    assert!(commands(&reaction).contains(&"$FSM moves 210 from FP Dice to FP Casualties ".to_owned()));
    assert_eq!(dice(&table, "FP_DICE_REMAINING"), 2);
}

#[test]
fn an_action_between_two_passes_keeps_the_turn_going() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send("EXECUTE_ACTION_1");
    table.rests_in("PHASE_5_FP_ACTION");
    table.send("EXECUTE_ACTION_1");
    table.send("SP_PASSES");
    table.rests_in("PHASE_5_FP_ACTION");
    table.send("FP_PASSES");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn the_last_side_with_dice_ends_the_turn_by_passing() {
    let mut table =
        Table::ours().with_board(json!({"FP_POOL": [210], "SP_POOL": [99, 100], "DICE_IN_CURRENT_ACTION": []}));
    table.play_to_first_action();
    table.send("EXECUTE_ACTION_1");
    table.send("EXECUTE_ACTION_1");
    table.rests_in("PHASE_5_SP_ACTION");
    table.send("SP_PASSES");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn phase_complete_alone_plays_turn_after_turn() {
    let mut table = Table::ours();
    for _ in 0..40 {
        let done = table.send("PHASE_COMPLETE");
        assert!(valid_events(&done).ends_with(&["PHASE_COMPLETE".to_owned()]), "{:?}", valid_events(&done));
    }
    assert!(8 <= table.variable("TURN").as_i64().unwrap(), "{}", table.variable("TURN"));
}

#[test]
fn the_turn_of_a_documented_database_is_taken_up() {
    let mut table = Table::ours().with_board(json!({"DB_TURN": 5}));
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.variable("TURN"), 5);
    table.send("PHASE_COMPLETE");
    table.send("PHASE_COMPLETE");
    table.pass_the_turn();
    assert_eq!(table.variable("TURN"), 6);
}
