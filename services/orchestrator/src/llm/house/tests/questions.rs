//! Questions: answered from sheets, scene and rules; what is only asked is never done.

use serde_json::json;

use super::{Talk, sheet_result};

#[test]
fn questions_about_a_sheet_are_answered_from_it() {
    let cases = [
        ("how much nuyen have I?", "Platinum has 498148 nuyen."),
        ("show my weapons", "Ares Alpha (assault rifle, 7M), Monowhip (10S)"),
        ("show my spells", "Platinum's sheet shows no spells."),
        ("what's my combat pool", "Combat Pool 18"),
        ("what is my body?", "Platinum's Body is 10 (base 9)."),
        ("what is Platinum's essence?", "Essence is 2.55 (base 6)."),
        ("how much karma do I have", "Karma Pool 45, Good Karma available 57, Karma earned in all 445"),
        ("list my contacts", "Dutch (Fixer, connection 2, loyalty 1)"),
        ("am I wounded?", "physical 3, stun 0, overflow 0"),
        ("show my sheet", "Firearms 9"),
        ("what is my initiative?", "27+4D6"),
    ];
    for (question, expected) in cases {
        let mut talk = Talk::new(&["Platinum"]);
        talk.say(question).calls(&[r#"get_character {"character_name":"Platinum"}"#]);
        talk.results(&[sheet_result()]).only_says(expected);
    }
}

#[test]
fn a_skill_that_is_missing_tells_what_may_be_rolled() {
    let mut talk = Talk::new(&["Platinum"]);
    talk.say("what is Platinum's Biotech?")
        .calls(&[r#"get_character_skill {"character_name":"Platinum","skill_name":"Biotech"}"#]);
    let skill = json!({"character": "Platinum", "skill": "Biotech", "skill_rating": 0, "on_sheet": false, "defaults": [{"rolled": "Intelligence", "rating": 12, "modifier": 8}]});
    talk.results(&[skill]).only_says(
        "Platinum does not have Biotech. In its place may be rolled: Intelligence 12, +8 to the target number.",
    );
    talk.say("what's Platinum's Firearms?");
    let skill = json!({"character": "Platinum", "skill": "Firearms", "skill_rating": 9, "base_rating": 7, "current_rating": 9, "on_sheet": true, "rating_parts": [{"source": "Reflex Recorder", "dice": 2}]});
    talk.results(&[skill]).only_says("Platinum has Firearms 9 (base 7, Reflex Recorder +2).");
}

#[test]
fn a_difficulty_is_told_as_a_target_number() {
    let mut talk = Talk::new(&[]);
    talk.say("what is the target number for a very difficult test?");
    let result = json!({"target_number": 8, "difficulty": "very_difficult", "situation": "x"});
    talk.results(&[result]).only_says("A task that is very difficult needs 8 on a die");
}

#[test]
fn a_thing_is_looked_for_all_over_the_sheet() {
    for (question, expected) in
        [("do I have an Alta?", "Platinum has Morrissey Alta."), ("do I have a medkit?", "I find no medkit")]
    {
        let mut talk = Talk::new(&["Platinum"]);
        talk.say(question);
        talk.results(&[sheet_result()]).only_says(expected);
    }
}

#[test]
fn a_deed_that_is_only_asked_about_is_not_done() {
    let shots = [
        "What are my chances to hit the ganger at 10 metres with my Ares Predator?",
        "If I shot the ganger at 10 metres with my Ares Predator, what would I need?",
        "Should I shoot the ganger at 10 metres with my Ares Predator?",
        "What do I need to hit the ganger with my Ares Predator at 10 metres?",
        "Wie stehen meine Chancen, den Ganger auf 10 Meter mit der Ares Predator zu treffen?",
    ];
    for question in shots {
        let mut talk = Talk::new(&["Platinum"]);
        let answer = talk.say(question);
        assert_eq!(answer.calls.len(), 1, "{question}: {:?}", answer.calls);
        assert!(answer.calls[0].starts_with(r#"apply_rule {"area":"ranged_tn""#), "{question}: {:?}", answer.calls);
        assert!(answer.calls[0].contains(r#""range":"medium""#), "{question}: {:?}", answer.calls);
        talk.results(&[json!({"result": 5})]).only_says("5");
    }
    for question in [
        "Should I sneak past the guard?",
        "What if I punch the bouncer?",
        "Do I cast Mana Bolt?",
        "Kann ich den Ganger treffen?",
    ] {
        Talk::new(&["Platinum"]).say(question).calls(&[]);
    }
}

#[test]
fn a_question_about_the_light_leaves_it_as_it_is() {
    let mut talk = Talk::new(&["Platinum"]);
    talk.say("What happens if the lights go out?")
        .calls(&[r#"apply_rule {"area":"visibility","input":{"condition":"full_darkness","vision":"normal"}}"#]);
    talk.results(&[json!({"result": 8})]).only_says("In full darkness, a shot is 8 harder");
    let answer = talk.say("Was ist der Zielwurf für einen Schuss auf mittlere Distanz bei Dunkelheit?");
    assert_eq!(answer.calls.len(), 1, "{:?}", answer.calls);
    assert!(answer.calls[0].contains(r#""lightLevel":"DARK""#), "{:?}", answer.calls);
}

#[test]
fn the_light_comes_back() {
    for text in ["The lights are back on", "Das Licht geht wieder an"] {
        let mut talk = Talk::new(&["Platinum"]).scene(json!({"light_level": "DARK"}));
        talk.say(text).calls(&[r#"update_scene {"light_level":"NORMAL"}"#]);
    }
}

#[test]
fn what_is_told_beside_a_question_is_done() {
    let mut talk = Talk::new(&["Platinum"]).without("update_scene");
    let answer = talk.say("I shoot the ganger with my Ares Predator at 10 metres. Do I hit?");
    assert!(answer.calls[0].starts_with("calculate_ranged_attack"), "{:?}", answer.calls);
    talk.say("Hi! What's the job?").says("we go to");
}

#[test]
fn how_somebody_stands_is_told() {
    let scene = json!({"foes": [{"name": "ganger 1", "physical": 10}, {"name": "ganger 2", "physical": 3}]});
    let mut talk = Talk::new(&["Oak", "Platinum"]).scene(scene);
    talk.say("Is Ganger 1 dead?").only_says("out of the fight");
    talk.say("How is Ganger 2?").only_says("3 boxes of physical damage");
    talk.say("Wie geht es Ganger 2?").only_says("3 Kästchen");
    talk.say("Is Platinum dead?").calls(&[r#"get_character {"character_name":"Platinum"}"#]);
    talk.say("How is Platinum?").calls(&[r#"get_character {"character_name":"Platinum"}"#]);
}
