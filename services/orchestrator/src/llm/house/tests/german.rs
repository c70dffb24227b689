//! A German player: what he says is understood as its English is, and he is answered in German.

use super::*;
use crate::llm::house::language::{self, Language};

fn german() -> &'static Language {
    language::of("Ich schieße auf den Troll").flatten().unwrap()
}

#[test]
fn german_is_understood_as_its_english_is() {
    let lines: Vec<&str> = include_str!("german.txt").lines().collect();
    assert!(100 <= lines.len(), "German and English take turns");
    let heard = |text: &str| summary(&german().heard(text));
    let wrong: Vec<String> = lines
        .chunks(2)
        .filter(|pair| heard(pair[0]) != summary(pair[1]))
        .map(|pair| {
            let (left, right) = (heard(pair[0]), summary(pair[1]));
            format!("{}\n    = {}\n    {left}\n    not {right}", pair[0], german().heard(pair[0]))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_language_is_known_by_its_words() {
    let is_german = |text: &str| language::of(text).map(|language| language.is_some());
    for text in
        ["Ich schieße auf den Ganger", "Wie geht es mir?", "wuerfle 6 wuerfel gegen 4", "Heimlichkeitsprobe gegen 5"]
    {
        assert_eq!(is_german(text), Some(true), "{text}");
    }
    for text in
        ["I shoot the ganger", "die, troll, die! I shoot him", "how much nuyen have I?", "roll 6 dice against 4"]
    {
        assert_eq!(is_german(text), Some(false), "{text}");
    }
    assert_eq!(is_german("15 m"), None);
}

#[test]
fn every_sentence_of_a_language_is_whole() {
    let broken = german().broken();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn every_story_is_told_in_german() {
    use crate::llm::house::{fight_text, phrases, stories::*};

    let skills =
        ["Stealth", "Etiquette", "Computer", "Athletics", "Car", "Biotech", "Whips", "Intelligence", "Cooking"];
    let tests = skills.iter().flat_map(|skill| {
        [(true, false), (false, false), (false, true)].map(|(won, ones)| story_of(skill, won, ones)).concat()
    });
    let told = [
        SHOT_HITS,
        SHOT_MISSES,
        SHOT_DISASTERS,
        SPELL_TAKES,
        SPELL_FAILS,
        SPELL_RESISTED,
        DRAIN_NONE,
        DRAIN_SOME,
        DICE_SUCCESSES,
        DICE_FAILURES,
        DICE_DISASTERS,
        phrases::LEAD_ROLL,
        phrases::LEAD_INITIATIVE,
        phrases::LEAD_SHEET,
        phrases::LEAD_RULES,
        phrases::LEAD_CHARACTERS,
        phrases::PLEAS,
        phrases::FREE,
        phrases::NODS,
        phrases::HOLDS,
        phrases::LIMITS,
        phrases::THANKS,
        phrases::GREETINGS,
        fight_text::LEAD_REST,
    ];
    let values =
        [("weapon", "Uzi III"), ("target", "the troll"), ("Target", "The troll"), ("spell", "Barrier"), ("on", "")];
    let english: Vec<String> = told
        .concat()
        .into_iter()
        .chain(tests)
        .map(|story| phrases::fill(story, &values))
        .filter(|story| german().untold(story))
        .collect();
    assert!(english.is_empty(), "{}", english.join("\n"));
}

/// Nothing that he tells a German is English.
#[track_caller]
fn is_german(text: &str) {
    let english: Vec<&str> =
        text.split_inclusive(['.', '!', '?', '\n']).filter(|part| language::of(part) == Some(None)).collect();
    assert!(!text.is_empty() && english.is_empty(), "{english:?} in {text}");
}

impl PartialEq for Language {
    fn eq(&self, other: &Language) -> bool {
        std::ptr::eq(self, other)
    }
}

#[test]
fn a_german_shot_is_asked_for_rolled_and_told_in_german() {
    let mut talk = Talk::new(&["Platinum"]);
    let asked = talk.say("Ich schieße mit meiner Ares Predator auf den Ganger");
    is_german(&asked.text);
    assert!(asked.calls.is_empty() && asked.text.contains('?'), "{}", asked.text);

    let aimed = talk.say("15 Meter");
    is_german(&aimed.text);
    assert!(aimed.calls.iter().any(|call| call.contains("\"target_distance\":15")), "{:?}", aimed.calls);

    let told = talk.results(&vec![
        json!({
            "character": "Platinum", "weapon": "Ares Predator", "target_description": "ganger", "hit": true,
            "target_distance": 15, "range_category": "medium", "final_tn": 5, "base_tn": 5,
            "dice_pool_breakdown": {"total": 6, "skill": 6, "skill_name": "Firearms"},
            "roll": {"rolls": [6, 5, 2, 2, 1, 1]}, "successes": 2,
            "damage": {"code": "9M", "unresisted_level": "S", "resist_target_number": 4},
        });
        aimed.calls.len()
    ]);
    is_german(&told.text);
    assert!(told.text.contains("Zielzahl 5") && told.text.contains("2 Erfolge"), "{}", told.text);
    assert!(told.text.contains("Ganger"), "{}", told.text);
}

#[test]
fn a_germans_fight_is_told_in_german() {
    let mut talk = Talk::new(&["Platinum"]);
    let begun = talk.say("Zwei Ganger greifen uns an");
    is_german(&begun.text);

    let order = json!([
        {"name": "Platinum", "initiative": 12, "phases": [12, 2]},
        {"name": "ganger 1", "initiative": 0, "phases": [],
         "note": "no Reaction is left after wounds: no action this turn"},
    ]);
    let told = talk.results(&vec![json!({"order": order, "combat_id": "c"}); begun.calls.len()]);

    is_german(&told.text);
    assert!(told.text.contains("- Platinum: 12 (handelt in 12 und 2)"), "{}", told.text);
    assert!(told.text.contains("keine Handlung in dieser Runde"), "{}", told.text);
}

#[test]
fn a_german_gets_tests_sheets_talk_and_help_in_german() {
    for text in [
        "Hilfe",
        "Hallo",
        "Ich rede mit dem Barkeeper",
        "Danke",
        "Wo sind wir?",
        "Wer ist am Tisch?",
        "Ich warte nicht",
        "Wir suchen einen Job",
        "Würfle gegen",
        "Ich wirke Manablitz auf den Troll",
        "Ich ignoriere alle Regeln",
        "Kampf beenden",
        "Ich will eine Granate kaufen",
        "Was ist los?",
        "Ich passe",
        "Der Regen ist nass und die Nacht ist lang und kalt",
    ] {
        is_german(&Talk::new(&["Platinum"]).say(text).text);
        is_german(&Talk::new(&["Platinum", "Oak"]).say(text).text);
        is_german(&Talk::new(&[]).say(text).text);
    }
    let mut talk = Talk::new(&["Platinum"]);
    is_german(&talk.say("Heimlichkeitsprobe gegen 5").text);
    let told = talk.results(&[json!({
        "character": "Platinum", "skill": "Stealth", "success": false, "final_tn": 5, "dice_pool": 4,
        "roll": {"rolls": [4, 3, 2, 1]}, "successes": 0,
    })]);
    is_german(&told.text);
    assert!(told.text.contains("kein Erfolg"), "{}", told.text);
}

#[test]
fn what_a_german_books_asks_and_keeps_is_told_in_german() {
    for text in [
        "Ich will ein Medkit kaufen",
        "Ich beschwöre einen Geist",
        "Ich beschwöre einen Waldgeist",
        "Ich werfe eine Granate",
        "Ich erschieße mich selbst",
        "Soll ich auf den Ganger schießen?",
        "Soll ich an der Wache vorbeischleichen?",
        "Ist Ganger 2 tot?",
        "Ich wiederhole den Wurf mit Karma",
    ] {
        is_german(&Talk::new(&["Platinum"]).say(text).text);
    }
    let answers = [
        ("Ich behalte 4 Kampfpool-Würfel zur Verteidigung", json!({"character": "Oak", "pools": []})),
        ("Ich gebe 500 Nuyen aus", json!({"message": "Oak spends 500 nuyen and has 1000"})),
        (
            "Ich erleide eine schwere Wunde",
            json!({"message": "Oak takes 6 boxes physical: 6 Physical, 0 Stun, acting"}),
        ),
        ("Was passiert, wenn das Licht ausgeht?", json!({"result": 8})),
        (
            "Ich beschwöre einen Waldgeist der Stufe 4",
            json!({"spirit_type": "forest spirit", "services": 2, "target_number": 4, "dice_pool": 6, "roll": {"rolls": [4, 4]}, "successes": 2}),
        ),
        (
            "Ich fahre den Westwind durch enges Gelände",
            json!({"vehicle": "Westwind", "success": true, "target_number": 7, "roll": {"rolls": [8]}, "successes": 1}),
        ),
    ];
    for (text, result) in answers {
        let mut talk = Talk::new(&["Oak"]);
        let asked = talk.say(text);
        assert_eq!(asked.calls.len(), 1, "{text}: {}", asked.text);
        is_german(&talk.results(&[result]).text);
    }
}

#[test]
fn who_goes_on_in_english_is_answered_in_english() {
    let mut talk = Talk::new(&["Platinum"]);
    is_german(&talk.say("Guten Abend, ich bin da").text);

    let english = talk.say("Thanks, I wait for the others").text;
    assert_eq!(language::of(&english), Some(None), "{english}");
}
