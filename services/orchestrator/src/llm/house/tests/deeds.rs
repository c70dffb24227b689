//! What is bought and booked, dice that are kept, karma, spirits, vehicles and grenades.

use serde_json::json;

use super::{Talk, attack_result};

/// What he calls for a sentence at a table of Oak and Platinum, with Platinum's player speaking.
#[track_caller]
fn check(text: &str, expected: &str) {
    let mut talk = Talk::new(&["Oak", "Platinum"]).without("update_scene");
    let answer = talk.say_as(Some("Platinum"), text);
    let calls: Vec<String> = answer.calls.iter().map(|call| without_reason(call)).collect();
    assert_eq!(calls, [expected], "{text}: {}", answer.text);
}

/// A call without the player's own words, which are its reason.
fn without_reason(call: &str) -> String {
    let (tool, arguments) = call.split_once(' ').unwrap();
    let mut arguments: serde_json::Value = serde_json::from_str(arguments).unwrap();
    arguments.as_object_mut().unwrap().remove("reason");
    format!("{tool} {arguments}")
}

#[test]
fn what_is_bought_is_paid_and_put_on_the_sheet() {
    let medkit = r#"add_gear {"character_name":"Platinum","gear_name":"Medkit","price":200}"#;
    check("I buy a medkit for 200 nuyen", medkit);
    check("Ich kaufe ein Medkit für 200 Nuyen", medkit);
    let spent = r#"spend_nuyen {"amount":500,"character_name":"Platinum"}"#;
    check("I spend 500 nuyen", spent);
    check("Ich gebe 500 Nuyen aus", spent);
    check("Ich will ein Medkit für 200 Nuyen kaufen", medkit);
    let mut talk = Talk::new(&["Platinum"]);
    talk.say("I want to buy an Ares Predator").only_says("what does it cost");
    let answer = talk.say("450 nuyen");
    assert!(answer.calls[0].contains(r#""gear_name":"Ares Predator","price":450"#), "{:?}", answer.calls);
    talk.say("I want to buy a gun").only_says("what does it cost");
    let answer = talk.say("an Ares Predator for 450 nuyen");
    assert!(answer.calls[0].contains(r#""gear_name":"Ares Predator","price":450"#), "{:?}", answer.calls);
}

#[test]
fn wounds_are_marked_as_they_are_told() {
    check("I take a serious wound", r#"apply_damage {"character_name":"Platinum","level":"S"}"#);
    check("Ich erleide eine schwere Wunde", r#"apply_damage {"character_name":"Platinum","level":"S"}"#);
    check("Oak takes 6 boxes of damage", r#"apply_damage {"boxes":6,"character_name":"Oak"}"#);
    check(
        "I take 3 boxes of stun damage",
        r#"apply_damage {"boxes":3,"character_name":"Platinum","damage_type":"stun"}"#,
    );
}

#[test]
fn an_attack_that_is_told_of_is_resisted() {
    check("Oak is hit for 8M, he resists", r#"resist_damage {"character_name":"Oak","damage_code":"8M"}"#);
    check(
        "Ich widerstehe 6M mit 3 Würfeln",
        r#"resist_damage {"character_name":"Platinum","combat_pool":3,"damage_code":"6M"}"#,
    );
    check(
        "A ganger shoots at Oak, 6L with 3 successes",
        r#"resist_damage {"attacker_successes":3,"character_name":"Oak","damage_code":"6L"}"#,
    );
    check(
        "A ganger shoots me, 6M with 2 successes",
        r#"resist_damage {"attacker_successes":2,"character_name":"Platinum","damage_code":"6M"}"#,
    );
}

#[test]
fn spirits_vehicles_grenades_and_karma_have_tools_of_their_own() {
    let spirit = r#"conjure_spirit {"character_name":"Platinum","force":4,"spirit_type":"forest spirit"}"#;
    check("I summon a forest spirit of Force 4", spirit);
    check("Ich beschwöre einen Waldgeist der Stärke 4", spirit);
    check(
        "I drive the Westwind through tight terrain",
        r#"drive_vehicle {"character_name":"Platinum","terrain":"tight","vehicle_name":"Westwind"}"#,
    );
    check(
        "I throw an offensive grenade at the gangers, 20 metres",
        r#"throw_grenade {"bystanders":[],"character_name":"Platinum","grenade":"offensive","target_distance":20}"#,
    );
    check(
        "I reroll 4 failures with karma against 5",
        r#"use_karma {"character_name":"Platinum","count":4,"target_number":5,"use":"reroll_failures"}"#,
    );
    check(
        "I raise my Stealth to 5",
        r#"improve_skill {"character_name":"Platinum","new_rating":5,"skill_name":"Stealth"}"#,
    );
    let mut talk = Talk::new(&["Oak", "Platinum"]);
    talk.say("Oak summons a spirit").only_says("Which spirit");
    let answer = talk.say("a forest spirit of Force 3");
    assert!(answer.calls[0].starts_with(r#"conjure_spirit {"character_name":"Oak","force":3"#), "{:?}", answer.calls);
    let mut talk = Talk::new(&["Oak"]).scene(json!({"target_distance": 20}));
    talk.say("I throw a grenade").only_says("Which grenade");
    let answer = talk.say("offensive");
    assert!(answer.calls[0].contains(r#""grenade":"offensive""#), "{:?}", answer.calls);
}

#[test]
fn a_spirit_that_comes_is_told_with_its_services() {
    let mut talk = Talk::new(&["Oak"]);
    talk.say("I summon a forest spirit of Force 4");
    let came = json!({
        "character": "Oak", "spirit_type": "forest spirit", "kind": "nature", "force": 4, "target_number": 4, "modifiers": [],
        "dice_pool": 6, "roll": {"rolls": [4, 5, 1, 2, 3, 1], "successes": 2, "roll_id": "c"}, "successes": 2, "services": 2,
        "drain": {"level": "M", "target_number": 4, "resist_dice": 5, "damage_taken": 0, "resist_roll": {"rolls": [4, 4, 5, 1, 2], "successes": 3}},
    });
    let answer = talk.results(&[came]);
    answer.only_says("The forest spirit comes, and owes you 2 services.");
    answer.says("Target number 4");
    answer.says("No damage.");
}

#[test]
fn dice_kept_for_defence_resist_the_next_hit() {
    let fight =
        json!({"combat_id": "c1", "target_distance": 10, "foes": [{"name": "ganger", "physical": 0, "stun": 0}]});
    let order = |actor: &str| json!({"combat_id": "c1", "running": true, "turn": 1, "phase": 9, "actor": actor, "order": [{"name": "ganger"}]});
    for kept in [
        "I keep 4 dice of my combat pool for defence",
        "I dodge with 4 combat pool dice",
        "I resist with 4 combat pool dice",
    ] {
        let mut talk = Talk::new(&["Platinum"]).scene(fight.clone());
        talk.say(kept).calls(&[r#"get_combat_pool {"character_name":"Platinum"}"#]);
        let pool = json!({"character": "Platinum", "pools": [{"pool": "combat", "size": 8, "spent": 0, "left": 8}]});
        talk.results(&[pool]).only_says("keeps 4 Combat Pool dice");
        talk.say("pass");
        talk.results(&[order("ganger")]);
        let shot = json!({"roll_id": "x", "pool": 3, "target_number": 4, "rolls": [6, 7, 1], "successes": 2, "result": "success"});
        let answer = talk.results(&[shot, order("Platinum")]);
        assert!(answer.calls[0].contains(r#""combat_pool":4"#), "{kept}: {:?}", answer.calls);
    }
    let mut talk = Talk::new(&["Platinum"]).scene(fight);
    talk.say("I keep 4 combat pool dice for defence, and pass");
    talk.say("pass");
    talk.results(&[order("ganger")]);
    let shot =
        json!({"roll_id": "x", "pool": 3, "target_number": 4, "rolls": [6, 7, 1], "successes": 2, "result": "success"});
    talk.results(&[shot, order("Platinum")]);
    let gone = json!({"error": "combat_pool of 4 is above the 2 left", "code": 5004});
    let answer = talk.results(&[gone]);
    assert!(
        answer.calls[0].starts_with("resist_damage") && !answer.calls[0].contains("combat_pool"),
        "{:?}",
        answer.calls
    );

    let mut talk = Talk::new(&["Platinum"]);
    talk.say("I keep 9 combat pool dice for defence");
    let pool = json!({"character": "Platinum", "pools": [{"pool": "combat", "size": 8, "spent": 0, "left": 8}]});
    talk.results(&[pool]).only_says("That does not go. Platinum has only 8 Combat Pool dice left.");
}

#[test]
fn two_shots_at_one_target_are_two_calls() {
    for text in [
        "I shoot the ganger twice with my Ares Predator at 10 metres",
        "Ich schieße zweimal mit der Ares Predator auf den Ganger, 10 Meter",
    ] {
        let mut talk = Talk::new(&["Platinum"]).without("update_scene");
        let answer = talk.say(text);
        assert_eq!(answer.calls.len(), 2, "{text}: {:?}", answer.calls);
        assert!(answer.calls[1].contains(r#""recoil":1"#) && answer.calls[1].contains("ganger"), "{:?}", answer.calls);
        talk.results(&[attack_result(true), attack_result(false)]).says("5");
    }
}

#[test]
fn what_was_refused_does_not_come_back() {
    let mut talk = Talk::new(&["Platinum"]).without("update_scene");
    talk.say("I shoot the ganger with my Ares Predator at 15 m, 99 combat pool dice");
    talk.results(&[json!({"error": "combat_pool of 99 is above the pool of 18 dice", "code": 3003})]);
    let answer = talk.say("I shoot the ganger with my Ares Predator");
    assert!(!answer.calls[0].contains("combat_pool"), "{:?}", answer.calls);

    let mut talk = Talk::new(&["Oak", "Platinum"]);
    talk.say("Oak casts Heal at Force 3 on Platinum");
    talk.results(&[json!({"error": "Oak does not know Heal", "code": 3003})]);
    talk.say("How is Platinum?").calls(&[r#"get_character {"character_name":"Platinum"}"#]);
    let answer = talk.say("Platinum looks around");
    assert!(answer.calls.iter().all(|call| !call.starts_with("cast_spell")), "{:?}", answer.calls);
}

#[test]
fn what_he_has_is_not_asked_for_and_something_else_is_no_answer() {
    let mut talk = Talk::new(&["Platinum"]);
    let answer = talk.say("I shoot the guard with my Ares Alpha, burst, 6 combat pool dice");
    assert!(answer.calls.is_empty() && !answer.text.contains("Combat Pool"), "{}", answer.text);
    let answer = talk.say("I duck behind cover");
    assert!(!answer.text.contains("metres"), "{}", answer.text);
    talk.say("I shoot myself in the foot").only_says("A shot at yourself");
}
