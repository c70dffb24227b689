//! What a game asks of a side, and how an answer is carried out.

use serde_json::{Map, Value, json};

use super::{
    hunt_and_war::move_fellowship,
    table::{Table, lines},
};
use crate::machine::{self, Decider, DeciderKind, Decision, Order, Refusal};

impl Table {
    pub(super) fn decisions(&self) -> Vec<Decision> {
        machine::decisions(&self.machine, &self.game, &[], Some(&self.board), self.assist).unwrap()
    }

    #[track_caller]
    pub(super) fn decision(&self, kind: &str) -> Decision {
        let found = self.decisions().into_iter().find(|decision| decision.kind == kind);
        found.unwrap_or_else(|| panic!("{kind} is not asked in {}: {:?}", self.game.state, self.game.memory.asked))
    }

    #[track_caller]
    pub(super) fn choose(&mut self, kind: &str, choice: &str) -> machine::Reaction {
        let decision = self.decision(kind);
        let chosen = decision.choices.iter().find(|other| other.id == choice);
        let chosen = chosen.unwrap_or_else(|| panic!("{choice} is none of {:?}", ids(&decision)));
        self.send_with(&chosen.event, Value::Object(chosen.data.clone()))
    }
}

/// The game records of a reaction.
pub(super) fn records(reaction: &machine::Reaction) -> Vec<String> {
    lines(reaction)
        .into_iter()
        .filter(|line| line.starts_with("$FSM moves") || line.starts_with("$FSM flips"))
        .collect()
}

/// The same without the used die, which is laid aside.
pub(super) fn records_but_die(reaction: &machine::Reaction) -> Vec<String> {
    records(reaction).into_iter().filter(|line| !line.contains("from Current Action")).collect()
}

pub(super) fn ids(decision: &Decision) -> Vec<&str> {
    decision.choices.iter().map(|choice| choice.id.as_str()).collect()
}

#[test]
fn a_whole_turn_is_asked_for_decision_by_decision() {
    let mut table = Table::ours();
    table.choose("confirm", "begin");
    assert_eq!(ids(&table.decision("fellowship")), ["done", "declare-27", "change_guide"]);
    table.choose("fellowship", "done");
    let allocation = table.decision("hunt_allocation");
    assert_eq!(
        (allocation.side.as_str(), allocation.choices.len()),
        ("shadow", 8),
        "seven Companions allow seven dice"
    );
    table.choose("hunt_allocation", "dice-2");
    assert_eq!(table.decision("die").side, "free_peoples");
    table.choose("die", "die-1");
    assert!(ids(&table.decision("action")).contains(&"draw_character_card"), "the die shows an Event");
    table.choose("action", "skip");
    table.rests_in("PHASE_5_SP_ACTION");
    assert_eq!(table.decision("die").side, "shadow");
    table.choose("die", "die-1");
    table.choose("action", "skip");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn only_the_side_with_fewer_dice_may_pass() {
    let mut table = Table::ours();
    table.play_to_first_action();
    assert!(ids(&table.decision("die")).contains(&"pass"), "four dice against seven");
    table.choose("die", "pass");
    assert!(!ids(&table.decision("die")).contains(&"pass"), "seven against four");
}

#[test]
fn a_decision_is_closed_when_the_game_leaves_its_state() {
    let mut table = Table::ours();
    let first = table.decision("confirm").id;
    table.choose("confirm", "begin");
    assert!(table.decisions().iter().all(|decision| decision.id != first && decision.kind != "confirm"));
}

#[test]
fn a_die_of_one_side_is_not_chosen_once_the_other_side_acts() {
    let mut table = Table::ours();
    table.play_to_first_action();
    for event in ["FP_PASSES", "EXECUTE_ACTION_1", "EXECUTE_ACTION_1"] {
        let before = table.decision("die");
        table.send(event);
        let open = table.decisions();
        assert_eq!(open.len(), 1, "{event}: {open:?}");
        assert_ne!((&open[0].id, &open[0].side), (&before.id, &before.side));
    }
}

#[test]
fn what_is_not_bound_to_a_state_stays_open_when_it_is_left() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 1, "HUNT_POOL": [216]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    let revealed = table.decision("revealed").id;
    table.choose("damage", "corruption");
    table.choose("die", "die-1");
    assert_eq!(table.decision("revealed").id, revealed);
    assert!(table.decisions().iter().all(|decision| decision.kind != "damage" && decision.kind != "die"));
}

#[test]
fn a_decision_that_is_asked_again_has_another_id() {
    let mut table = Table::ours();
    table.choose("confirm", "begin");
    let first = table.decision("fellowship").id;
    table.choose("fellowship", "declare-27");
    assert_ne!(table.decision("fellowship").id, first);
}

#[test]
fn a_guide_is_asked_for_once_he_is_to_change() {
    let mut table = Table::ours();
    table.choose("confirm", "begin");
    table.choose("fellowship", "change_guide");
    assert_eq!(ids(&table.decision("guide")), ["Strider"], "he is of Gandalf's Level");
    table.choose("guide", "Strider");
    assert_eq!(table.variable("GUIDE"), "Strider");
    assert!(!ids(&table.decision("fellowship")).contains(&"change_guide"), "once a turn is enough");
}

#[test]
fn moves_that_an_answer_tells_become_game_records() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1}));
    let moves = json!([{"pieces": [243, 244], "from": 115, "to": 27}, {"pieces": ["x ~>"], "from": 115, "to": 27}, {"pieces": [1], "from": 7_000, "to": 27}]);
    let told = lines(&table.send_with("ACTION_SELECTED", json!({"action": "separate_companions", "moves": moves})));
    let records: Vec<_> = told.iter().filter(|line| line.starts_with("$FSM moves")).collect();
    assert_eq!(records, ["$FSM moves 243 244 from Fellowship Of The Ring to Rivendell "]);
    assert!(told.contains(&"FSM_EXECUTE_ACTION 1".to_owned()));
}

#[test]
fn a_battle_goes_on_when_both_sides_have_chosen_a_card_and_taken_their_hits() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1}));
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 37}));
    table.rests_in("COMBAT_CARD_SELECTION");
    let cards = table.decisions();
    assert_eq!(
        cards.iter().map(|decision| decision.side.as_str()).collect::<Vec<_>>(),
        ["free_peoples", "shadow"],
        "attacker first"
    );
    let choice =
        |decision: &Decision| (decision.choices[0].event.clone(), Value::Object(decision.choices[0].data.clone()));
    let (event, data) = choice(&cards[0]);
    table.send_with(&event, data);
    table.rests_in("COMBAT_CARD_SELECTION");
    let (event, data) = choice(&cards[1]);
    table.send_with(&event, data);
    table.rests_in("COMBAT_ASSIGN_HITS");
    table.choose("casualties", "taken");
    table.choose("casualties", "taken");
    table.rests_in("COMBAT_RETREAT_DECISIONS");
    table.choose("retreat", "go_on");
    let retreat = table.decision("retreat");
    assert_eq!((retreat.side.as_str(), ids(&retreat)), ("shadow", vec!["stand", "retreat"]));
    table.choose("retreat", "stand");
    table.rests_in("COMBAT_CARD_SELECTION");
}

#[test]
fn who_decides_is_remembered_and_only_for_a_side_of_the_game() {
    let mut table = Table::ours();
    let decider = Decider { kind: DeciderKind::Policy, ..Decider::default() };
    let set = |side: &str| Some(Order::SetDecider { side: side.to_owned(), decider });
    table.order("DECIDER_SET", set("table")).unwrap();
    assert_eq!(table.decision("confirm").decider, decider);
    assert_eq!(table.order("DECIDER_SET", set("nobody")), Err(Refusal::Malformed));
    assert_eq!(
        table.refused("DECIDER_SET", Value::Object(Map::new())),
        Refusal::Unknown,
        "nobody sends it as an event"
    );
}

// ---- the Fellowship

#[test]
fn the_fellowship_may_declare_wherever_its_progress_leads() {
    let mut table = Table::ours().with_board(json!({"FELLOWSHIP_PROGRESS": 1}));
    table.choose("confirm", "begin");
    let declarations: Vec<String> = ids(&table.decision("fellowship"))
        .into_iter()
        .filter(|id| id.starts_with("declare"))
        .map(str::to_owned)
        .collect();
    let near = crate::map::neighbours(27);
    assert_eq!(declarations.len(), 1 + near.len(), "Rivendell and what lies next to it");
    assert!(declarations.contains(&format!("declare-{}", near[0])) && !declarations.contains(&"declare-37".to_owned()));

    let reaction = table.choose("fellowship", &format!("declare-{}", near[0]));

    let name = &table.machine.constants["AREA_NAMES"][near[0].to_string()].as_str().unwrap().to_owned();
    assert_eq!(
        records(&reaction),
        [
            format!("$FSM moves 247 from Rivendell to {name} "),
            "$FSM moves 248 from Fellowship Track 1 to Fellowship Track 0 ".to_owned()
        ]
    );
    assert!(lines(&reaction).iter().any(|line| line.contains("declares itself") && line.contains(name)));
    assert_eq!(table.variable("FELLOWSHIP_AREA"), near[0]);
    assert!(ids(&table.decision("fellowship")).iter().all(|id| !id.starts_with("declare")), "once a turn");
}

#[test]
fn at_the_gate_the_fellowship_may_enter_mordor_and_the_hunt_pool_is_made_anew() {
    let used: Vec<i64> = (215..=229).collect();
    let mut table =
        Table::ours().with_board(json!({"FELLOWSHIP_AREA": 91, "HUNT_POOL": [214, 232], "HUNT_USED": used}));
    table.choose("confirm", "begin");

    let reaction = table.choose("fellowship", "enter_mordor");

    let told = records(&reaction);
    assert_eq!(told[0], "$FSM moves 247 from Morannon to Mordor 0 - Cirith Ungol/The Black Gate ");
    assert!(
        told[1].starts_with("$FSM moves 215 216 ") && told[1].ends_with(" from Used Hunt Tiles to Hunt Pool "),
        "{told:?}"
    );
    assert_eq!(table.variable("FELLOWSHIP_AREA"), 188);
    assert_eq!(table.variable("HUNT_POOL").as_array().unwrap().len(), 17, "sixteen standard tiles and the Phial");
}

#[test]
fn a_step_of_the_fellowship_moves_its_counter_and_on_the_mountain_its_figure() {
    for (board, record) in [
        (json!({"FELLOWSHIP_PROGRESS": 2}), "$FSM moves 248 from Fellowship Track 2 to Fellowship Track 3 "),
        (json!({"FELLOWSHIP_AREA": 189}), "$FSM moves 247 from Mordor 1 - Morgai/Udûn to Mordor 2 - Carach Angren "),
    ] {
        let mut table = Table::ours().with_board(board);
        table.play_to_first_action();
        table.send_with("DIE_SELECTED", json!({"die": 1, "face": "character"}));
        let told = records(&table.choose("action", "move_fellowship"));
        assert!(told.contains(&record.to_owned()), "{told:?}");
    }
}

#[test]
fn a_nation_a_guide_and_a_healed_corruption_move_their_pieces() {
    let mut table = Table::ours().with_board(json!({"CORRUPTION": 4}));
    table.choose("confirm", "begin");
    table.choose("fellowship", "declare-27");
    let told = records(&table.choose("fellowship", "heal"));
    assert_eq!(told, ["$FSM moves 252 from Fellowship Track 4 to Fellowship Track 3 "]);
    table.choose("fellowship", "change_guide");
    let told = records(&table.choose("guide", "Strider"));
    assert_eq!(
        told,
        [
            "$FSM moves 240 from Guide Of The Fellowship to Fellowship Of The Ring ",
            "$FSM moves 241 from Fellowship Of The Ring to Guide Of The Fellowship ",
        ]
    );
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.send("SP_HUNT_ALLOCATION_DONE");
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "muster"}));
    let told = records(&table.choose("action", "advance-Elves"));
    assert_eq!(told[0], "$FSM moves 256 from Political Track 3 to Political Track 2 ");
}

#[test]
fn far_from_the_gate_nobody_enters_mordor() {
    let mut table = Table::ours();
    table.choose("confirm", "begin");
    assert!(!ids(&table.decision("fellowship")).contains(&"enter_mordor"));
}

#[test]
fn a_revealed_fellowship_is_placed_within_its_progress_but_in_no_haven() {
    let mut table = Table::ours()
        .with_board(json!({"FELLOWSHIP_AREA": 27, "FELLOWSHIP_PROGRESS": 1, "HUNT_LEVEL": 1, "HUNT_POOL": [214]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    let told = records(&move_fellowship(&mut table));
    let counter = ["$FSM moves 248 from Fellowship Track 2 to Fellowship Track 0 ", "$FSM flips 248 "];
    assert!(told.windows(2).any(|two| two == counter), "it is turned over as soon as it is revealed: {told:?}");
    table.rests_in("PHASE_5_SP_ACTION");
    let revealed = table.decision("revealed");
    assert_eq!(revealed.choices[0].id, "board");
    assert!(
        1 < revealed.choices.len() && !ids(&revealed).contains(&"stand-27"),
        "Rivendell is a Stronghold of the Elves"
    );
    let (id, area) = (revealed.choices[1].id.clone(), revealed.choices[1].data["area"].clone());

    let told = records(&table.choose("revealed", &id));

    assert!(told[0].starts_with("$FSM moves 247 from Rivendell to ") && told.len() == 1, "{told:?}");
    assert_eq!(table.variable("FELLOWSHIP_AREA"), area);
    assert_eq!(table.refused("FELLOWSHIP_PLACED", json!({})), Refusal::Transition, "once is enough");
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn who_has_a_board_may_say_that_the_revealed_figure_stands_there() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 1, "HUNT_POOL": [214]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    assert!(records(&table.choose("revealed", "board")).is_empty());
    assert!(table.decisions().iter().all(|decision| decision.kind != "revealed"));
}

/// The Fellowship is hit by a tile.
fn hit(board: Value, tile: i64) -> Table {
    let mut table = Table::ours().with_board(board);
    table.board.values.insert("HUNT_LEVEL".to_owned(), json!(1));
    table.board.values.insert("HUNT_POOL".to_owned(), json!([tile]));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    table
}

#[test]
fn damage_that_the_ring_bearer_takes_moves_the_counter() {
    let mut table = hit(json!({"CORRUPTION": 3}), 225);
    assert_eq!(ids(&table.decision("damage")), ["corruption", "guide", "random"]);
    let told = records(&table.choose("damage", "corruption"));
    assert!(told.contains(&"$FSM moves 252 from Fellowship Track 3 to Fellowship Track 5 ".to_owned()), "{told:?}");
    assert_eq!(table.variable("CORRUPTION"), 5);
}

#[test]
fn a_guide_who_falls_absorbs_his_level_and_the_highest_of_the_others_leads() {
    let mut table = hit(json!({}), 227);
    let told = records(&table.choose("damage", "guide"));
    assert_eq!(
        told[..2],
        [
            "$FSM moves 240 from Guide Of The Fellowship to FP Casualties ",
            "$FSM moves 241 from Fellowship Of The Ring to Guide Of The Fellowship ",
        ]
    );
    assert_eq!((table.variable("GUIDE"), table.variable("CORRUPTION")), (json!("Strider"), json!(0)));
    assert!(!table.variable("COMPANIONS").as_array().unwrap().contains(&json!("Gandalf the Grey")));
}

#[test]
fn a_companion_may_be_drawn_to_fall() {
    let mut table = hit(json!({"COMPANIONS": ["Gandalf the Grey", "Strider", "Pippin"]}), 227);
    table.chance = vec![json!(3)];
    let told = records(&table.choose("damage", "random"));
    assert_eq!(told[0], "$FSM moves 246 from Fellowship Of The Ring to Rivendell ", "a Hobbit is only separated");
    assert_eq!(told[1], "$FSM moves 252 from Fellowship Track 0 to Fellowship Track 2 ", "Pippin absorbs one of three");
}

#[test]
fn the_last_companion_leaves_gollum_as_the_guide() {
    let mut table = hit(json!({"COMPANIONS": ["Pippin"], "GUIDE": "Pippin"}), 223);
    table.choose("damage", "guide");
    assert_eq!((table.variable("GUIDE"), table.variable("COMPANIONS")), (json!("Gollum"), json!([])));
}

#[test]
fn a_new_guide_may_lessen_the_damage_of_the_same_hunt() {
    let mut table =
        hit(json!({"COMPANIONS": ["Strider", "Merry", "Pippin"], "GUIDE": "Strider", "CORRUPTION": 1}), 227);
    table.game.variables.insert("HUNT_DAMAGE_TO_ASSIGN".to_owned(), json!(5));
    table.choose("damage", "guide");
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    assert_eq!(ids(&table.decision("damage")), ["corruption", "leave"], "one casualty is enough");
    table.choose("damage", "leave");
    assert_eq!(table.variable("GUIDE"), "Pippin");
    assert_eq!(ids(&table.decision("damage")), ["corruption", "leave"]);
    let told = records(&table.choose("damage", "corruption"));
    assert!(told.contains(&"$FSM moves 252 from Fellowship Track 1 to Fellowship Track 2 ".to_owned()), "{told:?}");
    table.rests_in("PHASE_5_SP_ACTION");

    let mut table = hit(json!({"COMPANIONS": ["Merry"], "GUIDE": "Merry"}), 227);
    table.choose("damage", "leave");
    assert_eq!(ids(&table.decision("damage")), ["corruption", "gollum"], "two of three are left");
    let told = records(&table.choose("damage", "gollum"));
    assert!(told.contains(&"$FSM moves 252 from Fellowship Track 0 to Fellowship Track 1 ".to_owned()), "{told:?}");
    assert_eq!(table.variable("FELLOWSHIP_REVEALED"), true);
}

#[test]
fn a_hobbit_who_leaves_or_falls_goes_as_far_as_one_who_separates() {
    for choice in ["leave", "guide"] {
        let board =
            json!({"COMPANIONS": ["Merry"], "GUIDE": "Merry", "CHARACTERS": {"245": 116}, "FELLOWSHIP_PROGRESS": 2});
        let mut table = hit(board, 223);
        let told = records(&table.choose("damage", choice));
        assert_eq!(told[0], "$FSM moves 245 from Guide Of The Fellowship to Rivendell ");
        let separation = table.decision("separation");
        assert_eq!(separation.question, "Where does Merry go?");
        // He takes the step with them that the Hunt is for.
        let reach = crate::functions::FUNCTIONS.iter().find(|function| function.name == "ways").unwrap();
        let reach = (reach.call)(&[json!(27), json!(4), json!([35, 40, 44, 49, 63, 86, 91, 96])]);
        assert_eq!(separation.choices.len(), 1 + reach.as_array().unwrap().len());
        assert_eq!(table.refused("COMPANION_PLACED", json!({"area": 96})), Refusal::Transition, "that is too far");
        let farthest = reach.as_array().unwrap().last().unwrap().clone();
        let told = records(&table.choose("separation", &format!("stand-{farthest}")));
        let name = table.machine.constants["AREA_NAMES"][farthest.to_string()].as_str().unwrap();
        assert_eq!(told, [format!("$FSM moves 245 from Rivendell to {name} ")]);
        assert_eq!(table.refused("COMPANION_PLACED", json!({"area": farthest})), Refusal::Transition, "once is enough");
    }
    let mut table = hit(json!({"COMPANIONS": ["Merry"], "GUIDE": "Merry", "CHARACTERS": {"245": 116}}), 223);
    table.choose("damage", "leave");
    let told = records(&table.send_with("COMPANION_PLACED", json!({"area": crate::map::neighbours(27)[0]})));
    assert!(told.len() == 1 && told[0].starts_with("$FSM moves 245 from Rivendell to "), "{told:?}");
}

// ---- cards and casualties

#[test]
fn a_hand_is_cut_by_any_cards_that_are_too_many() {
    let hand: Vec<i64> = (106..114).collect();
    let mut table = Table::ours().with_board(json!({"FP_HAND": hand, "FP_HAND_SIZE": 8}));
    table.choose("confirm", "begin");
    let discard = table.decision("discard");
    assert_eq!(discard.choices.len(), 28, "two of eight");
    assert_eq!(discard.choices[27].text, "Cards 112 113");
    let told = records(&table.choose("discard", "cards-107 110"));
    assert_eq!(told, ["$FSM moves 107 110 from Free Peoples Hand to FP Casualties "]);
}

/// The Shadow attacks Minas Tirith: two Regulars and an Elite with a captain against Orcs of two nations and an Elite.
fn battle(besieged: bool) -> Table {
    let (walls, defenders) = if besieged { ("111", json!([74])) } else { ("74", json!([])) };
    let mut table = Table::ours().with_board(json!({
        "FP_FORCES": {walls: [75, 76, 84, 85]}, "FP_UNITS": {walls: 3}, "FP_LEADERSHIP": {walls: 1}, "FP_SPARE": {"277": 174},
        "SP_FORCES": {"74": [7, 8, 35, 0]}, "SP_UNITS": {"74": 4}, "SP_LEADERSHIP": {}, "SP_SPARE": {"9": 177},
        "CONTESTED_REGIONS": [74], "BESIEGED_REGIONS": defenders,
    }));
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send_with("DIE_SELECTED", json!({"die": 1}));
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 74}));
    // One hit of the attack, two of the defence.
    table.chance = vec![
        json!({"rolls": [6], "rerolled": [], "successes": 1}),
        json!({"rolls": [5, 5], "rerolled": [], "successes": 2}),
    ];
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table
}

#[test]
fn each_way_to_take_the_hits_is_a_choice_that_is_carried_out_on_the_board() {
    let mut table = battle(false);
    let attacker = table.decision("casualties");
    assert_eq!(attacker.side, "shadow");
    assert_eq!(
        ids(&attacker),
        [
            "sauron-2-regular",
            "isengard-1-regular_sauron-1-regular",
            "sauron-1-regular_sauron-1-reduced",
            "isengard-1-regular_sauron-1-reduced",
            "sauron-1-elite"
        ]
    );
    let told = records(&table.choose("casualties", "isengard-1-regular_sauron-1-reduced"));
    assert_eq!(
        told,
        ["$FSM moves 0 35 from Minas Tirith to SA Casualties ", "$FSM moves 9 from SA Casualties to Minas Tirith ",]
    );
    let defender = table.decision("casualties");
    assert_eq!(
        (defender.side.as_str(), ids(&defender)),
        ("free_peoples", vec!["gondor-1-regular", "gondor-1-reduced"])
    );
    assert_eq!(defender.choices[1].text, "1 Elite of Gondor becomes a Regular");
    table.choose("casualties", "gondor-1-regular");
    table.rests_in("COMBAT_RETREAT_DECISIONS");
}

#[test]
fn whoever_is_besieged_fights_and_falls_in_the_box_of_the_stronghold() {
    let mut table = battle(true);
    table.rests_in("SIEGE_ASSIGN_HITS");
    table.choose("casualties", "sauron-2-regular");
    let told = records(&table.choose("casualties", "gondor-1-reduced"));
    assert_eq!(told[0], "$FSM moves 84 from Minas Tirith Stronghold to FP Casualties ");
    let siege = table.decision("siege");
    assert_eq!(ids(&siege), ["stop", "sauron-1-reduced"]);
    let told = records(&table.choose("siege", "sauron-1-reduced"));
    assert_eq!(
        told,
        ["$FSM moves 35 from Minas Tirith to SA Casualties ", "$FSM moves 9 from SA Casualties to Minas Tirith "]
    );
    table.rests_in("SIEGE_CARD_SELECTION");
}

#[test]
fn without_hits_or_without_a_board_nothing_is_to_be_chosen_but_what_lies_there() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1}));
    table.send_with("ACTION_SELECTED", json!({"action": "attack", "region": 37}));
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    assert_eq!(ids(&table.decision("casualties")), ["taken"]);
}
