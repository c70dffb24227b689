//! Fights with the house game master: what follows from what, round by round.

use serde_json::{Value, json};

use super::{Talk, attack_result, cast_result};

/// An answer of the tracker: whose move it is.
fn tracker(actor: &str) -> Value {
    json!({
        "combat_id": "c1", "running": true, "turn": 1, "phase": 12, "actor": actor,
        "order": [{"name": "Platinum", "initiative": 12, "phases": [12, 2]}, {"name": "ganger", "initiative": 9, "phases": [9]}],
        "upcoming": [{"phase": 9, "name": "ganger"}],
    })
}

/// A scene with a fight in it.
fn in_a_fight() -> Value {
    json!({"combat_id": "c1", "target_distance": 10, "foes": [{"name": "ganger", "physical": 0, "stun": 0}]})
}

fn resisted(successes: u32) -> Value {
    json!({"roll_id": "x", "pool": 3, "target_number": 6, "rolls": [6, 7, 1], "successes": successes, "result": "success"})
}

#[test]
fn a_fight_begins_with_everybodys_initiative() {
    let mut talk = Talk::new(&["Platinum"]);
    let answer = talk.say("two gangers and a troll attack us");
    assert!(answer.calls[0].starts_with(r#"update_scene {"foes":[{"name":"ganger 1""#), "{:?}", answer.calls);
    assert!(answer.calls[1].contains(r#"{"name":"Platinum"}"#) && answer.calls[1].contains(r#""name":"troll""#));

    let scene = json!({"scene": {"foes": [{"name": "ganger 1"}, {"name": "ganger 2"}, {"name": "troll"}]}});
    let answer = talk.results(&[scene, tracker("Platinum")]);
    answer.calls(&[r#"update_scene {"combat_id":"c1"}"#]);
    answer.says("- Platinum: 12 (acts in 12 and 2)");
    talk.request.scene = json!({"combat_id": "c1"}).as_object().unwrap().clone();
    talk.results(&[json!({"scene": {"combat_id": "c1"}})]).only_says("phase 12: it is Platinum's move");
}

#[test]
fn foes_who_join_a_fight_are_in_its_order() {
    let mut talk = Talk::new(&["Platinum"]).scene(in_a_fight());
    let answer = talk.say("a troll joins the fight");
    assert!(answer.calls[0].starts_with(r#"update_scene {"foes":[{"name":"troll""#), "{:?}", answer.calls);
    let joins = &answer.calls[1];
    assert!(joins.starts_with(r#"join_combat {"combat_id":"c1""#) && joins.contains(r#""name":"troll""#), "{joins}");
    assert_eq!(answer.calls.len(), 2, "{:?}", answer.calls);

    let scene = json!({"combat_id": "c1", "target_distance": 10, "foes": [{"name": "ganger"}, {"name": "troll"}]});
    talk.request.scene = scene.as_object().unwrap().clone();
    let answer = talk.results(&[json!({"scene": scene}), tracker("troll")]);
    answer.says("Initiative, the fastest first:");
    assert!(answer.calls.iter().any(|call| call.contains("The troll ")), "the troll acts: {:?}", answer.calls);
    assert_eq!(answer.calls.last().unwrap(), r#"next_actor {"combat_id":"c1"}"#);
}

#[test]
fn a_foe_who_is_attacked_joins_the_fight() {
    let mut talk = Talk::new(&["Platinum"]).scene(in_a_fight());
    talk.say("I shoot the troll with my Ares Predator");
    let answer = talk.results(&[tracker("Platinum")]);
    let place = |tool: &str| answer.calls.iter().position(|call| call.starts_with(tool)).unwrap();
    assert!(place("join_combat") < place("calculate_ranged_attack"), "{:?}", answer.calls);
    assert!(answer.calls[place("join_combat")].contains(r#""name":"troll""#), "{:?}", answer.calls);

    let mut talk = Talk::new(&["Platinum"]).scene(in_a_fight());
    talk.say("I shoot the lock with my Ares Predator");
    let answer = talk.results(&[tracker("Platinum")]);
    assert!(
        answer.calls.iter().all(|call| !call.starts_with("join_combat")),
        "a lock does not fight: {:?}",
        answer.calls
    );
}

#[test]
fn a_foe_at_a_distance_of_his_own_leaves_the_others_where_they_are() {
    let mut talk = Talk::new(&["Platinum"]).scene(in_a_fight());
    let answer = talk.say("There is a troll 30 metres away in dim light");
    assert_eq!(
        answer.calls[0],
        concat!(
            r#"update_scene {"foes":[{"name":"troll","note":"30 metres away","physical":0,"stun":0}],"light_level":"DIM","#,
            r#""target_distance":10}"#
        )
    );
    let foes = json!([{"name": "ganger"}, {"name": "troll", "note": "30 metres away"}]);
    let mut talk = Talk::new(&["Platinum"]).scene(json!({"target_distance": 10, "foes": foes}));
    for (target, distance) in [("troll", 30), ("ganger", 10)] {
        let answer = talk.say(&format!("I shoot the {target} with my Ares Predator"));
        let shot = answer.calls.last().unwrap();
        assert!(shot.contains(&format!(r#""target_distance":{distance}"#)), "{shot}");
    }
}

#[test]
fn the_foe_who_is_named_is_the_target() {
    let foes = json!([{"name": "ganger 2"}, {"name": "ganger 3"}, {"name": "ganger 4"}]);
    for (text, target) in [
        ("I shoot the head of Ganger 3 with my Ares Predator", "ganger 3"),
        ("I make a called shot to the leg of Ganger 4 with my Ares Predator", "ganger 4"),
        ("Ich schieße mit der Ares Predator auf das Bein von Ganger 4, gezielter Schuss", "ganger 4"),
    ] {
        let mut talk =
            Talk::new(&["Platinum"]).scene(json!({"target": "ganger 2", "target_distance": 20, "foes": foes}));
        let answer = talk.say(text);
        let shot = answer.calls.last().unwrap();
        assert!(shot.contains(r#""called_shot":true"#) && shot.contains(r#""target_distance":20"#), "{text}: {shot}");
        assert!(shot.contains(&format!(r#""target_description":"{target}""#)), "{text}: {shot}");
    }
}

#[test]
fn one_spell_goes_at_one_of_those_who_are_counted() {
    let mut talk = Talk::new(&["Block"]);
    let answer = talk.say("Block casts Sleep at Force 4 at the two bouncers with 3 pool dice");
    let cast = answer.calls.last().unwrap();
    assert!(cast.starts_with("cast_spell") && cast.contains(r#""target_name":"bouncer 1""#), "{:?}", answer.calls);
    answer.says("One casting goes at one target");
}

#[test]
fn who_acts_when_is_told() {
    let mut talk = Talk::new(&["Platinum"]).scene(in_a_fight());
    talk.say("What is the initiative order?").calls(&[r#"get_combat {"combat_id":"c1"}"#]);
    talk.results(&[tracker("Platinum")]).only_says("- Platinum: 12 (acts in 12 and 2)");
}

#[test]
fn a_hit_is_resisted_staged_and_marked_and_the_foe_strikes_back() {
    let mut talk = Talk::new(&["Platinum"]).scene(in_a_fight());
    talk.say("I shoot the ganger with my Ares Predator").calls(&[r#"get_combat {"combat_id":"c1"}"#]);
    let answer = talk.results(&[tracker("Platinum")]);
    assert!(answer.calls.last().unwrap().contains(r#""target_description":"ganger","target_distance":10"#));
    talk.open.retain(|call| call.name != "update_scene");

    // 9M against armour 3 is resisted against 6; two successes against none stage it up by one.
    let answer = talk.results(&[attack_result(true)]);
    answer.calls(&[r#"roll_dice {"pool":3,"reason":"The ganger resists 9M","target_number":6}"#]);
    let answer = talk.results(&[resisted(0)]);
    answer.calls(&[
        r#"update_scene {"foes":[{"name":"ganger","physical":6,"stun":0}]}"#,
        r#"next_actor {"combat_id":"c1"}"#,
    ]);
    answer.says("That leaves a serious wound.");

    let hurt =
        json!({"combat_id": "c1", "target_distance": 10, "foes": [{"name": "ganger", "physical": 1, "stun": 0}]});
    talk.request.scene = hurt.as_object().unwrap().clone();
    let answer = talk.results(&[json!({"scene": hurt}), tracker("ganger")]);
    answer.says("The ganger has 1 box of physical damage and fights on.");
    assert!(answer.calls[0].contains("The ganger shoots at Platinum with the Colt L36"), "{:?}", answer.calls);
    let answer = talk.results(&[resisted(2), tracker("Platinum")]);
    answer.calls(&[r#"resist_damage {"armor_type":"ballistic","attacker_successes":2,"character_name":"Platinum","damage_code":"6L"}"#]);
    let wound = json!({
        "character": "Platinum", "damage_code": "6L", "dice_pool": 10, "target_number": 2, "successes": 1, "roll": {"rolls": [2]},
        "wound_level": "L", "boxes": 1, "damage_type": "stun", "condition": {"state": "acting"},
    });
    let answer = talk.results(&[wound]);
    answer.only_says("That leaves a light stun wound: 1 box.");
    answer.says("it is Platinum's move");
}

#[test]
fn the_last_foe_who_falls_ends_the_fight() {
    let mut talk = Talk::new(&["Platinum"]).scene(in_a_fight());
    talk.say("I shoot the ganger with my Ares Predator");
    talk.results(&[tracker("Platinum")]);
    talk.open.retain(|call| call.name != "update_scene");
    let mut deadly = attack_result(true);
    deadly["damage"]["code"] = json!("9D");
    talk.results(&[deadly]);
    talk.results(&[resisted(0)]).calls(&[
        r#"update_scene {"foes":[{"name":"ganger","physical":10,"stun":0}],"forget":["combat_id","target","target_movement"]}"#,
        r#"end_combat {"combat_id":"c1"}"#,
    ]);
    let over = json!({"foes": [{"name": "ganger", "physical": 10, "stun": 0}]});
    talk.request.scene = over.as_object().unwrap().clone();
    let mut ended = tracker("");
    ended["running"] = json!(false);
    talk.results(&[json!({"scene": over}), ended]).calls(&[]);
    talk.say("I shoot the ganger with my Ares Predator at 5 metres").only_says("out of the fight already");
}

#[test]
fn a_deed_waits_for_its_characters_move() {
    let mut talk = Talk::new(&["Platinum", "Oak"]).scene(in_a_fight());
    talk.say("Oak casts Mana Bolt at the ganger at Force 4");
    talk.results(&[tracker("Platinum")]).only_says("It is Platinum's move, not Oak's.");
    talk.say("pass").calls(&[r#"get_combat {"combat_id":"c1"}"#]);
    talk.results(&[tracker("Platinum")]).calls(&[r#"next_actor {"combat_id":"c1"}"#]);
    talk.results(&[tracker("Oak")]).only_says("it is Oak's move");
}

#[test]
fn two_targets_are_two_shots_and_the_second_is_harder() {
    let scene = json!({"target_distance": 10, "foes": [{"name": "ganger"}, {"name": "troll"}]});
    let mut talk = Talk::new(&["Platinum"]).scene(scene);
    let answer = talk.say("I shoot the ganger and the troll with my Ares Predator");
    let shots: Vec<&String> = answer.calls.iter().filter(|call| call.starts_with("calculate_ranged_attack")).collect();
    assert!(
        shots[0].contains(r#""target_description":"ganger""#) && !shots[0].contains("further_targets"),
        "{shots:?}"
    );
    assert!(shots[1].contains(r#""further_targets":1,"target_description":"troll""#), "{shots:?}");
    talk.say("I shoot the ganger and the troll and the mage with my Ares Predator").only_says("two Simple Actions");
}

#[test]
fn the_next_foe_stands_where_the_last_one_stood() {
    let scene = json!({"target": "ganger", "target_distance": 10, "foes": [{"name": "ganger"}, {"name": "troll"}]});
    let mut talk = Talk::new(&["Platinum"]).scene(scene);
    let answer = talk.say("I shoot the troll with my Ares Predator");
    assert_eq!(answer.calls[0], r#"update_scene {"target":"troll"}"#);
    assert!(answer.calls[1].contains(r#""target_distance":10"#), "{:?}", answer.calls);
}

#[test]
fn a_combat_spell_marks_its_wound_without_another_test() {
    let mut talk = Talk::new(&["Oak"]).scene(json!({"target_distance": 10}));
    let answer = talk.say("cast Mana Bolt at Force 4 at the troll");
    assert!(answer.calls.last().unwrap().contains(r#""target_body":8"#), "{:?}", answer.calls);
    talk.open.retain(|call| call.name != "update_scene");
    talk.results(&[cast_result()]).calls(&[r#"update_scene {"foes":[{"name":"troll","physical":10,"stun":0}]}"#]);
}

#[test]
fn a_fight_is_lost_when_nobody_stands() {
    let mut talk = Talk::new(&["Platinum"]).scene(in_a_fight());
    talk.character().summary = "Platinum, human street samurai: Body 10; 10 boxes Physical, 2 Stun.".to_owned();
    talk.say("go on");
    let answer = talk.results(&[tracker("ganger")]);
    assert!(answer.calls.iter().any(|call| call.starts_with("end_combat")), "{:?}", answer.calls);
}

#[test]
fn people_answer_by_their_mood_and_the_house_has_jobs() {
    let mut talk = Talk::new(&["Platinum"]);
    talk.say("I talk to the bartender").only_says("test");
    let answer = talk.say("we look for a job");
    answer.says("we go to");
    assert!(answer.calls[0].starts_with(r#"update_scene {"description":"The job:"#), "{:?}", answer.calls);
    talk.say("how does recoil work?").calls(&[r#"query_shadowrun {"limit":6,"query":"recoil"}"#]);
    let found =
        json!({"results": [{"name": "recoil", "text": "Each burst is 3 harder", "source": "SR2"}, {"name": "Bipod"}]});
    talk.results(&[found]).only_says("Recoil: Each burst is 3 harder.\n\nSee also: Bipod.");
}

#[test]
fn a_campaign_keeps_objectives_milestones_and_people() {
    let mut talk = Talk::new(&["Platinum"]);
    talk.say("new objective: find the missing mage").only_says("no");
    talk.character().campaign_id = "c7".to_owned();
    talk.say("new objective: find the missing mage").calls(&[r#"get_campaign {"campaign_id":"c7"}"#]);
    let answer = talk.results(&[json!({"objectives": [{"objective": "Get paid", "completed": true, "order": 1}]})]);
    answer.calls(&[concat!(
        r#"update_campaign_state {"campaign_id":"c7","objectives":[{"completed":true,"objective":"Get paid","order":1},"#,
        r#"{"completed":false,"objective":"Find the missing mage","order":2}]}"#
    )]);
    talk.results(&[json!({"message": "the campaign goes on"})]).only_says("The campaign goes on.");
    talk.say("milestone: the mage is free")
        .calls(&[r#"add_campaign_milestone {"campaign_id":"c7","milestone":"The mage is free"}"#]);
    let answer = talk.say("new npc Hatchetman");
    assert!(answer.calls[0].contains(r#""name":"Hatchetman""#), "{:?}", answer.calls);
}
