//! Actions with their targets as choices: Armies, recruits, cards, Companions and Nazgûl, in parts where an action has several.

use serde_json::{Value, json};

use super::{
    decisions::{ids, records},
    table::{Table, texts},
};
use crate::machine::Refusal;

pub(super) fn seat(figures: Value, face: &str, of_shadow: bool) -> Table {
    let mut board = json!({
        "NATION_STEPS": {"Gondor": 0, "Rohan": 3, "Sauron": 0, "Isengard": 1, "Elves": 3, "North": 3, "Dwarves": 3},
        "FP_UNITS": {}, "SP_UNITS": {}, "FP_FORCES": {}, "SP_FORCES": {}, "FP_LEADERSHIP": {}, "SP_LEADERSHIP": {},
        "FP_RESERVE": {}, "SP_RESERVE": {}, "FP_HAND": [], "SP_HAND": [], "FP_SHOWN": [], "SP_SHOWN": [],
        "BESIEGED_REGIONS": [], "CONQUERED_REGIONS": [], "FP_CONQUESTS": [], "CONTESTED_REGIONS": [],
    });
    board.as_object_mut().unwrap().extend(figures.as_object().unwrap().clone());
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    if of_shadow {
        table.send("FP_PASSES");
    }
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": face}));
    table
}

/// The choices of the open action whose id begins so.
pub(super) fn offered(table: &Table, prefix: &str) -> Vec<String> {
    let decision = table.decision("action");
    ids(&decision).into_iter().filter(|id| id.starts_with(prefix)).map(str::to_owned).collect()
}

fn orcs() -> Value {
    json!({"SP_FORCES": {"86": [7, 8], "91": [9, 37]}, "SP_UNITS": {"86": 2, "91": 1}, "SP_LEADERSHIP": {"91": 1}})
}

#[test]
fn two_armies_move_one_after_the_other_and_none_twice() {
    let mut table = seat(orcs(), "army", true);
    assert!(offered(&table, "march-86-").contains(&"march-86-75".to_owned()));
    let reaction = table.choose("action", "march-86-75");
    assert_eq!(records(&reaction), ["$FSM moves 7 8 from Minas Morgul to South Ithilien "]);
    table.rests_in("PHASE_5_SP_DIE_SELECTED");
    assert!(offered(&table, "march-86-").is_empty() && offered(&table, "march-75-").is_empty(), "it has moved");
    assert_eq!(offered(&table, "skip").len() + offered(&table, "ring-").len() + offered(&table, "attack").len(), 0);
    let second = offered(&table, "march-91-");
    assert!(!second.is_empty());
    let reaction = table.choose("action", &second[0]);
    let told = records(&reaction);
    assert!(told[0].starts_with("$FSM moves 9 37 from Morannon to "), "{told:?}");
    assert_eq!(told[1], "$FSM moves 99 from Current Action to SA Casualties ");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn one_army_may_be_enough_and_what_has_begun_becomes_nothing_else() {
    let mut table = seat(orcs(), "army", true);
    table.choose("action", "march-86-75");
    assert_eq!(table.refused("ACTION_SELECTED", json!({"action": "skip"})), Refusal::Transition);
    assert_eq!(table.refused("USE_ELVEN_RING", json!({"face": "event"})), Refusal::Transition);
    assert_eq!(table.refused("ACTION_BEGUN", json!({"action": "recruit"})), Refusal::Transition);
    table.choose("action", "enough");
    table.rests_in("PHASE_5_FP_ACTION");
    assert_eq!(
        table.refused("ACTION_BEGUN", json!({"action": "move_armies"})),
        Refusal::Transition,
        "no die is chosen"
    );
}

#[test]
fn a_character_die_moves_one_army_that_is_led() {
    let mut table = seat(orcs(), "character", true);
    assert!(offered(&table, "march-86-").is_empty());
    let march = offered(&table, "march-91-")[0].clone();
    table.choose("action", &march);
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn an_attack_is_chosen_with_its_region_and_takes_its_army_there() {
    let mut figures = orcs();
    figures["FP_UNITS"] = json!({"75": 1});
    figures["FP_FORCES"] = json!({"75": [76]});
    let mut table = seat(figures, "army", true);
    let reaction = table.choose("action", "attack-86-75");
    assert!(records(&reaction).contains(&"$FSM moves 7 8 from Minas Morgul to South Ithilien ".to_owned()));
    table.rests_in("COMBAT_CARD_SELECTION");
    let said = texts(&reaction);
    assert!(said.iter().any(|text| text.contains("units: the Shadow 2, the Free Peoples 1")), "{said:?}");
}

#[test]
fn an_elite_comes_alone_and_two_others_to_two_settlements() {
    let reserve =
        json!({"FP_RESERVE": {"273": 174, "277": 174, "278": 174}, "FP_FORCES": {"74": [75]}, "FP_UNITS": {"74": 1}});
    let mut table = seat(reserve.clone(), "muster", false);
    let told = records(&table.choose("action", "recruit-elite-74"));
    assert_eq!(told[0], "$FSM moves 273 from FP Reinforcements to Minas Tirith ");
    table.rests_in("PHASE_5_SP_ACTION");

    let mut table = seat(reserve, "muster", false);
    table.choose("action", "recruit-regular-74");
    let more = offered(&table, "recruit-");
    assert!(
        !more.is_empty() && more.iter().all(|id| id.starts_with("recruit-regular-") && !id.ends_with("-74")),
        "{more:?}"
    );
    let told = records(&table.choose("action", "recruit-regular-42"));
    assert_eq!(told[0], "$FSM moves 278 from FP Reinforcements to Dol Amroth ");
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn nobody_is_recruited_beyond_the_reserve_or_the_room() {
    let empty = seat(json!({"FP_FORCES": {"74": [75]}, "FP_UNITS": {"74": 1}}), "muster", false);
    assert!(offered(&empty, "recruit-").is_empty());
    let ten = json!({"FP_RESERVE": {"277": 174}, "FP_FORCES": {"74": [75, 76, 77, 78, 79, 80, 81, 82, 83, 84]}, "FP_UNITS": {"74": 10}});
    assert!(!offered(&seat(ten, "muster", false), "recruit-").contains(&"recruit-regular-74".to_owned()));
}

#[test]
fn a_card_is_played_by_a_die_of_its_kind_and_shown_to_all() {
    // 107 is of the Character deck, 106 and 110 of the other.
    let hand = json!({"FP_HAND": [106, 107, 110], "FP_HAND_SIZE": 3, "FP_SHOWN": [111]});
    for (face, cards) in [
        ("character", vec!["card-107"]),
        ("muster", vec!["card-106", "card-110"]),
        ("army_muster", vec!["card-106", "card-110"]),
        ("event", vec!["card-106", "card-107", "card-110"]),
    ] {
        assert_eq!(offered(&seat(hand.clone(), face, false), "card-"), cards, "{face}");
    }
    let mut table = seat(hand, "character", false);
    assert_eq!(table.refused("ACTION_SELECTED", json!({"action": "play_card", "card": 106})), Refusal::Transition);
    assert_eq!(table.refused("ACTION_SELECTED", json!({"action": "play_card", "card": 108})), Refusal::Transition);
    let reaction = table.choose("action", "card-107");
    assert_eq!(
        records(&reaction)[..2],
        [
            "$FSM moves 111 from Current FP Card to FP Casualties ",
            "$FSM moves 107 from Free Peoples Hand to Current FP Card "
        ]
    );
    let said = "📜 The Free Peoples: card 107 is played, a Character card. What it says is yours to carry out.";
    assert!(texts(&reaction).contains(&said.to_owned()), "{:?}", texts(&reaction));
}

#[test]
fn companions_leave_together_and_the_next_guide_takes_over() {
    let mut table = seat(json!({"FELLOWSHIP_PROGRESS": 4}), "character", false);
    table.choose("action", "leave-Gandalf the Grey");
    assert!(!offered(&table, "leave-").contains(&"leave-Gandalf the Grey".to_owned()));
    let alone = offered(&table, "separate-").len();
    table.choose("action", "leave-Merry");
    assert_eq!(offered(&table, "separate-").len(), alone, "the highest Level counts");
    assert!(offered(&table, "enough").is_empty());
    let reaction = table.choose("action", "separate-37");
    assert_eq!(
        records(&reaction),
        [
            "$FSM moves 245 from Fellowship Of The Ring to Lorien ",
            "$FSM moves 240 from Guide Of The Fellowship to Lorien ",
            "$FSM moves 241 from Fellowship Of The Ring to Guide Of The Fellowship ",
            "$FSM moves 210 from Current Action to FP Casualties ",
        ]
    );
    assert_eq!(table.variable("GUIDE"), "Strider");
    assert_eq!(table.variable("COMPANIONS"), json!(["Strider", "Legolas", "Gimli", "Boromir", "Pippin"]));
}

#[test]
fn companions_leave_also_where_nobody_has_a_board() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send_with("DIE_SELECTED", json!({"die": 1, "face": "character"}));
    table.choose("action", "leave-Boromir");
    table.choose("action", "separate-27");
    assert_eq!(table.variable("COMPANIONS").as_array().unwrap().len(), 6);
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn companions_on_the_map_move_each_once_until_it_is_enough() {
    let mut table = seat(json!({"CHARACTERS": {"241": 37, "245": 37, "243": 82}}), "character", false);
    assert_eq!(offered(&table, "group-"), ["group-241", "group-245", "group-241-245", "group-243"]);
    table.choose("action", "group-241-245");
    assert!(offered(&table, "group-").is_empty() && offered(&table, "enough").is_empty(), "where to comes first");
    let to = offered(&table, "to-")[0].clone();
    let told = records(&table.choose("action", &to));
    assert!(told[0].starts_with("$FSM moves 241 245 from Lorien to "), "{told:?}");
    assert_eq!(offered(&table, "group-"), ["group-243"]);
    table.choose("action", "enough");
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn a_nazgul_flies_to_any_region_and_not_into_a_free_stronghold() {
    let mut table = seat(orcs(), "character", true);
    table.choose("action", "fly-37");
    let to = offered(&table, "to-");
    assert!(to.contains(&"to-0".to_owned()) && !to.contains(&"to-74".to_owned()));
    let told = records(&table.choose("action", "to-0"));
    assert_eq!(told, ["$FSM moves 37 from Morannon to Minhiriath "]);
    assert!(offered(&table, "fly-").is_empty());
    table.choose("action", "enough");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn cards_that_were_fought_with_are_shown_and_used_up() {
    let mut figures = orcs();
    figures["FP_UNITS"] = json!({"75": 1});
    figures["FP_FORCES"] = json!({"75": [76]});
    figures["SP_HAND"] = json!([158, 159]);
    figures["SP_HAND_SIZE"] = json!(2);
    let mut table = seat(figures, "army", true);
    table.choose("action", "attack-86-75");
    table.choose("combat_card", "card-158");
    let reaction = table.choose("combat_card", "none");
    assert!(texts(&reaction).contains(&"🃏 Both cards are shown: card 158 against none.".to_owned()));
    assert_eq!(records(&reaction), ["$FSM moves 158 from Shadow Hand to SA Casualties "]);
}

#[test]
fn what_a_side_has_not_ended_is_not_asked_of_the_other() {
    let mut table = seat(orcs(), "army", true);
    table.choose("action", "march-86-75");
    table.choose("action", "enough");
    assert!(table.decisions().iter().all(|decision| decision.kind != "action"));
    table.send("DIE_SELECTED");
    assert_eq!(table.decision("action").side, "free_peoples");
}

#[test]
fn a_part_that_makes_no_sense_is_refused() {
    let mut table = seat(orcs(), "army", true);
    let many: Vec<i64> = vec![7; 200];
    for part in [
        json!({"action": "move_armies", "pieces": "all"}),
        json!({"action": "move_armies", "pieces": [-1]}),
        json!({"action": "move_armies", "pieces": ["7"]}),
        json!({"action": "move_armies", "pieces": many}),
        json!({"action": "move_armies", "group": [[7]]}),
        json!({"action": "move_armies", "group": many}),
        json!({"action": "attack"}),
        json!({"action": 7}),
        json!({}),
    ] {
        assert_eq!(table.refused("ACTION_BEGUN", part.clone()), Refusal::Transition, "{part}");
    }
    table.rests_in("PHASE_5_SP_DIE_SELECTED");
}
