//! What a game asks of a side, and how an answer is carried out.

use serde_json::{Map, Value, json};

use super::play::{Table, lines};
use crate::machine::{self, Decider, DeciderKind, Decision, Order, Refusal};

impl Table {
    fn decisions(&self) -> Vec<Decision> {
        machine::decisions(&self.machine, &self.game, &[], Some(&self.board), self.assist).unwrap()
    }

    #[track_caller]
    fn decision(&self, kind: &str) -> Decision {
        let found = self.decisions().into_iter().find(|decision| decision.kind == kind);
        found.unwrap_or_else(|| panic!("{kind} is not asked in {}: {:?}", self.game.state, self.game.memory.asked))
    }

    #[track_caller]
    fn choose(&mut self, kind: &str, choice: &str) -> machine::Reaction {
        let decision = self.decision(kind);
        let chosen = decision.choices.iter().find(|other| other.id == choice);
        let chosen = chosen.unwrap_or_else(|| panic!("{choice} is none of {:?}", ids(&decision)));
        self.send_with(&chosen.event, Value::Object(chosen.data.clone()))
    }
}

fn ids(decision: &Decision) -> Vec<&str> {
    decision.choices.iter().map(|choice| choice.id.as_str()).collect()
}

#[test]
fn a_whole_turn_is_asked_for_decision_by_decision() {
    let mut table = Table::ours();
    table.choose("confirm", "begin");
    assert_eq!(ids(&table.decision("fellowship")), ["done", "declare", "change_guide"]);
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
fn a_decision_that_is_asked_again_has_another_id() {
    let mut table = Table::ours();
    table.choose("confirm", "begin");
    let first = table.decision("fellowship").id;
    table.choose("fellowship", "declare");
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
