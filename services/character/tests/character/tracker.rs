//! The initiative tracker over a whole fight: who falls, leaves, comes later or is surprised, and who is first at a tie.

use serde_json::{Value, json};
use service_kit::status::ErrorCode::InvalidInput;

use crate::common::Table;

fn of(name: &str, mut more: Value) -> Value {
    more["character_name"] = name.into();
    more
}

/// Who is still to act in this turn.
fn upcoming(fight: &Value) -> Vec<&str> {
    fight["upcoming"].as_array().unwrap().iter().map(|action| action["name"].as_str().unwrap()).collect()
}

fn note<'a>(fight: &'a Value, name: &str) -> &'a str {
    let order = fight["order"].as_array().unwrap();
    order.iter().find(|fighter| fighter["name"] == name).unwrap()["note"].as_str().unwrap()
}

#[tokio::test]
async fn who_falls_or_dies_has_no_further_action() {
    let table = Table::start().await;
    let fight = table.call("start_combat", json!({"participants": ["Platinum", "Oak", "Axel"]})).await;
    assert!(upcoming(&fight).contains(&"Oak") && upcoming(&fight).contains(&"Axel"), "{fight}");

    table.call("apply_damage", of("Oak", json!({"level": "D", "damage_type": "stun"}))).await;
    table.call("apply_damage", of("Axel", json!({"boxes": 20}))).await;
    let seen = table.call("get_combat", json!({})).await;
    assert!(upcoming(&seen).iter().all(|name| *name == "Platinum"), "{seen}");
    assert!(note(&seen, "Oak").contains("the Stun track is full"), "{seen}");

    for _ in 0..8 {
        let next = table.call("next_actor", json!({})).await;
        assert_eq!(next["actor"], "Platinum", "{next}");
    }
    // Awake again, he acts from the next turn on.
    table.call("heal", of("Oak", json!({"boxes": 10, "damage_type": "stun"}))).await;
    let turn = table.call("get_combat", json!({})).await["turn"].as_u64().unwrap();
    let mut acted = Vec::new();
    loop {
        let next = table.call("next_actor", json!({})).await;
        match next["turn"].as_u64().unwrap() {
            now if now == turn => assert_eq!(next["actor"], "Platinum", "{next}"),
            now if now == turn + 1 => acted.push(next["actor"].clone()),
            _ => break,
        }
    }
    assert!(acted.contains(&json!("Oak")), "{acted:?}");
}

#[tokio::test]
async fn who_is_knocked_out_as_he_acts_keeps_the_action_he_has() {
    let table = Table::start().await;
    table.call("start_combat", json!({"participants": ["Platinum", "Oak"]})).await;
    table.call("apply_damage", of("Platinum", json!({"level": "deadly", "damage_type": "stun"}))).await;
    let seen = table.call("get_combat", json!({})).await;
    assert_eq!(seen["actor"], "Platinum");
    assert!(!upcoming(&seen).contains(&"Platinum"), "{seen}");
    assert_eq!(table.call("next_actor", json!({})).await["actor"], "Oak");
}

#[tokio::test]
async fn when_nobody_is_left_standing_the_turns_pass_without_an_actor() {
    let table = Table::start().await;
    table.call("start_combat", json!({"participants": ["Platinum"]})).await;
    table.call("apply_damage", of("Platinum", json!({"boxes": 10}))).await;
    for turn in 2..4 {
        let next = table.call("next_actor", json!({})).await;
        assert_eq!((&next["turn"], &next["actor"]), (&json!(turn), &json!("")), "{next}");
        assert!(next["message"].as_str().unwrap().contains("nobody is able to act"), "{next}");
    }
    assert_eq!(table.call("end_combat", json!({})).await["running"], false);
}

#[tokio::test]
async fn at_the_same_phase_the_higher_reaction_acts_first() {
    let table = Table::start().await;
    // Ten dice of a slow one may come down to the phase of a fast one ten or twenty phases later.
    let mut ties = 0;
    for _ in 0..40 {
        let fight = json!({"participants": [
            {"name": "Slow", "reaction": 2, "initiative_dice": 10}, {"name": "Fast", "reaction": 20}]});
        let fight = table.call("start_combat", fight).await;
        let phases = |name: &str| {
            let order = fight["order"].as_array().unwrap();
            order.iter().find(|fighter| fighter["name"] == name).unwrap()["phases"].as_array().unwrap().clone()
        };
        for phase in phases("Slow").iter().filter(|phase| phases("Fast").contains(phase)) {
            let now = json!({"phase": fight["phase"], "name": fight["actor"]});
            let all = std::iter::once(&now).chain(fight["upcoming"].as_array().unwrap());
            let at: Vec<&Value> =
                all.filter(|action| action["phase"] == *phase).map(|action| &action["name"]).collect();
            assert_eq!(at, ["Fast", "Slow"], "{fight}");
            ties += 1;
        }
        table.call("end_combat", json!({})).await;
    }
    assert!(ties > 0);
}

#[tokio::test]
async fn others_come_and_go_while_a_fight_goes_on() {
    let table = Table::start().await;
    table.call("start_combat", json!({"participants": ["Platinum", {"name": "Ganger", "reaction": 4}]})).await;
    let joined = table.call("join_combat", json!({"participants": ["Axel", {"name": "Dog", "reaction": 9}]})).await;
    let phase = joined["phase"].as_u64().unwrap();
    assert_eq!(joined["actor"], "Platinum");
    assert!(upcoming(&joined).contains(&"Axel"), "{joined}");
    let later = joined["upcoming"].as_array().unwrap();
    assert!(later.iter().all(|action| action["phase"].as_u64().unwrap() <= phase), "{joined}");
    assert_eq!(table.sheet("Axel").await["combat_id"], joined["combat_id"]);
    let twice = json!({"participants": ["axel"]});
    table.refuses("join_combat", twice, InvalidInput, "Axel is in the fight already").await;

    // Whoever leaves while he acts makes room for the next.
    let next = upcoming(&joined).into_iter().find(|name| *name != "Platinum").unwrap().to_owned();
    let left = table.call("leave_combat", json!({"name": "platinum"})).await;
    assert_eq!(left["actor"], next.as_str(), "{left}");
    assert_eq!(table.sheet("Platinum").await["combat_id"], Value::Null);
    // Whoever leaves at another's action changes nothing for him.
    let other = ["Axel", "Dog", "Ganger"].into_iter().find(|name| *name != next).unwrap();
    let left = table.call("leave_combat", json!({"name": other})).await;
    assert_eq!(left["actor"], next.as_str(), "{left}");
    assert!(!upcoming(&left).contains(&other), "{left}");
    table.refuses("leave_combat", json!({"name": other}), InvalidInput, "unknown fighter").await;

    for name in ["Axel", "Dog", "Ganger"].into_iter().filter(|name| *name != other) {
        let left = table.call("leave_combat", json!({"name": name})).await;
        assert_eq!(left["running"], left["order"] != json!([]), "{left}");
    }
    table.refuses("next_actor", json!({}), InvalidInput, "is over").await;
}

#[tokio::test]
async fn somebody_without_a_sheet_is_hurt_in_the_tracker() {
    let table = Table::start().await;
    let fight = json!({"participants": ["Platinum", {"name": "Ganger", "reaction": 4}]});
    table.call("start_combat", fight).await;
    table.refuses("wound_fighter", json!({"name": "Platinum", "stun": 1}), InvalidInput, "apply_damage").await;
    table.refuses("wound_fighter", json!({"name": "Ganger"}), InvalidInput, "`physical` or `stun`").await;
    let hurt = table.call("wound_fighter", json!({"name": "ganger", "physical": 3})).await;
    assert!(upcoming(&hurt).contains(&"Ganger"), "{hurt}");
    let mut next = hurt;
    while next["turn"] == 1 {
        next = table.call("next_actor", json!({})).await;
    }
    let order = next["order"].as_array().unwrap();
    let ganger = order.iter().find(|fighter| fighter["name"] == "Ganger").unwrap();
    // Moderate: Reaction 4 less 2.
    assert_eq!(ganger["reaction"], 2, "{next}");
    let down = table.call("wound_fighter", json!({"name": "Ganger", "stun": 10})).await;
    assert!(!upcoming(&down).contains(&"Ganger"), "{down}");
}

#[tokio::test]
async fn who_is_surprised_has_no_action_in_the_first_ten_phases() {
    let table = Table::start().await;
    for _ in 0..10 {
        let fight =
            json!({"participants": [{"name": "Platinum", "surprised": true}, {"name": "Ganger", "reaction": 30}]});
        let fight = table.call("start_combat", fight).await;
        let order = fight["order"].as_array().unwrap();
        let first = order.iter().map(|fighter| fighter["initiative"].as_u64().unwrap()).max().unwrap();
        let platinum = order.iter().find(|fighter| fighter["name"] == "Platinum").unwrap();
        let phases = platinum["phases"].as_array().unwrap();
        assert!(!phases.is_empty() && phases.iter().all(|phase| phase.as_u64().unwrap() + 10 <= first), "{fight}");
        assert!(platinum["note"].as_str().unwrap().starts_with("surprised"), "{fight}");
        table.call("end_combat", json!({})).await;
    }
}

#[tokio::test]
async fn first_aid_helps_once_until_there_is_a_new_wound() {
    let table = Table::start().await;
    let aid = || of("Axel", json!({"healer_name": "Oak", "modifier": -20}));
    // Made sure by the game master, and rolled until it helps.
    let helped = async || {
        loop {
            let aid = table.call("first_aid", aid()).await;
            if aid["successes"] != 0 {
                return aid;
            }
        }
    };
    table.call("apply_damage", of("Axel", json!({"level": "serious"}))).await;
    let first = helped().await;
    assert_eq!((&first["healed"], &first["condition"]["physical"]), (&json!(3), &json!(3)));
    table.refuses("first_aid", aid(), InvalidInput, "it helps once").await;

    table.call("apply_damage", of("Axel", json!({"boxes": 1}))).await;
    assert_eq!(helped().await["condition"]["physical"], 1);
    table.refuses("first_aid", aid(), InvalidInput, "it helps once").await;

    // What the body has begun to heal is older than an hour.
    table.call("apply_damage", of("Axel", json!({"boxes": 5}))).await;
    while table.call("heal", of("Axel", json!({}))).await["healed"] == 0 {}
    table.refuses("first_aid", aid(), InvalidInput, "before healing by rest").await;

    // Healed in full and hurt again is another wound.
    table.call("heal", of("Axel", json!({"boxes": 10}))).await;
    table.call("apply_damage", of("Axel", json!({"boxes": 1}))).await;
    assert_eq!(helped().await["condition"]["physical"], 0);
    table.call("apply_damage", of("Axel", json!({"boxes": 20}))).await;
    table.refuses("first_aid", aid(), InvalidInput, "is dead").await;
    table.refuses("heal", of("Axel", json!({})), InvalidInput, "is dead").await;
}

#[tokio::test]
async fn in_a_fight_pool_dice_are_spent_until_the_next_own_action() {
    let table = Table::start().await;
    let shot = json!({"weapon_name": "Ares Predator", "target_distance": 4, "combat_pool": 9});
    for _ in 0..3 {
        table.call("calculate_ranged_attack", of("Platinum", shot.clone())).await;
    }
    table.call("start_combat", json!({"participants": [{"name": "Platinum"}]})).await;
    table.call("calculate_ranged_attack", of("Platinum", shot.clone())).await;
    table.refuses("calculate_ranged_attack", of("Platinum", shot.clone()), InvalidInput, "8 left in the pool").await;
    table.call("next_actor", json!({})).await;
    table.call("calculate_ranged_attack", of("Platinum", shot)).await;
    table.call("end_combat", json!({})).await;
    let pools = table.call("get_combat_pool", of("Platinum", json!({}))).await;
    assert_eq!(pools["pools"][0]["left"], 17);
}

#[tokio::test]
async fn a_fight_goes_by_phase_and_turn() {
    let table = Table::start().await;
    let participants = json!([{"name": "Platinum"}, {"name": "Oak"}, {"name": "Corpse", "physical": 10}]);
    let mut fight = table.call("start_combat", json!({"participants": participants})).await;
    assert_eq!(
        fight["order"][2]["note"],
        "no test is possible: the Physical track is full, the character is out of action"
    );
    let mut phase = u64::MAX;
    while fight["turn"] == 1 {
        let now = fight["phase"].as_u64().unwrap();
        assert!(now <= phase && now > 0, "{fight}");
        phase = now;
        fight = table.call("next_actor", json!({})).await;
    }
    assert_eq!(fight["turn"], 2);
    assert_eq!(fight["actor"], fight["order"][0]["name"]);
}
