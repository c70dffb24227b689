//! Who acts and speaks in a narration: the dead do not, players speak for their own characters, and whoever has a name
//! has been heard of.
//!
//! It reads English and German sentences by their verbs, in the third person and in the second; what it does not understand
//! it lets pass. What it finds is marked like any other claim.

mod words;
mod you;

use std::{collections::HashSet, sync::LazyLock};

use proto::orchestrator::v1::session_event::PlayerMessage;
use regex::Regex;
use serde_json::{Map, Value};

use self::words::{DETERMINERS_DE, DOES, FROM_THE_DEAD, GOES_ON, NEVERMORE, NO_NAMES, NOUN_DOES, SPEECH, SUBJECTS_DE};
use crate::{briefing::fallen_foes, claims::Claim, llm::Message};

/// Claims of one narration that are told at the most.
const MAX_CLAIMS: usize = 20;
/// How much of a speech must be the player's own words.
const OWN_WORDS: f64 = 0.5;

/// Somebody speaks for all.
static WE: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"(?i)\b(?:we|us|our|let's|together|everyone|everybody|all of us|both of us|wir|uns|unsere?|alle|gemeinsam|zusammen)\b";
    Regex::new(text).expect("it is the same text each time")
});

/// Who is there, as far as the table knows.
pub(crate) struct Cast<'a> {
    /// The players' characters.
    pub characters: &'a [String],
    /// Those who cannot act.
    pub dead: &'a [String],
    /// People of the campaign.
    pub people: &'a [String],
    /// Who plays whom, as far as it was said: the player's name, and his character's.
    pub players: &'a [(String, String)],
    /// What the turn answers.
    pub asked: &'a PlayerMessage,
    pub scene: &'a Map<String, Value>,
}

/// What a narration has somebody do or say who cannot, must not, or is nobody. `known` are the messages of the
/// conversation up to it, those of this turn from `first_of_turn` on.
pub(crate) fn out_of_character(told: &str, cast: &Cast<'_>, known: &[Message], first_of_turn: usize) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut claim = |text: &str, kind: &'static str| {
        if claims.len() < MAX_CLAIMS {
            claims.push(Claim { text: text.trim().to_owned(), kind });
        }
    };
    let mut heard_of: Option<HashSet<String>> = None;
    let mut marked = HashSet::new();
    let mut quotes = Quotes::default();
    let of_turn = &known[first_of_turn.min(known.len())..];
    for found in DOES.captures_iter(told) {
        let name = without_starters(&found["name"]);
        let all = found.get(0).map_or(0..0, |all| all.range());
        if quotes.hold(told, all.start) || name.is_empty() || NEVERMORE.is_match(&told[all.end..]) {
            continue;
        }
        let begin = all.start + found["name"].len() - name.len();
        let verb_and_name = &told[begin..all.end];
        let (stirs, gives_up) = (found.name("stir").is_some(), found.name("give_up").is_some());
        if cast.dead.iter().any(|dead| is_same(dead, name)) {
            if marked.insert(name.to_lowercase()) {
                claim(verb_and_name, "dead");
            }
        } else if stirs {
            // Anybody else may.
        } else if let Some(character) = cast.characters.iter().find(|character| is_same(character, name)) {
            if marked.insert(name.to_lowercase()) && !may_act(character, cast, known, of_turn) {
                claim(verb_and_name, "puppet");
            }
        } else if !gives_up && marked.insert(name.to_lowercase()) && !cast.people.iter().any(|one| is_same(one, name)) {
            let heard_of = heard_of.get_or_insert_with(|| words_of(cast, known));
            let is_known = name.split(' ').any(|word| heard_of.contains(&word.to_lowercase()));
            let is_noun = found.name("german").is_some() && is_german_noun(&told[..begin], &told[all.end..]);
            if !is_known && !is_noun {
                claim(verb_and_name, "name");
            }
        }
    }
    for text in the_dead_go_on(told, cast, &mut marked) {
        claim(text, "dead");
    }
    for text in you::beyond_what_was_said(told, cast, known, of_turn) {
        claim(text, "puppet");
    }
    for found in SPEECH.captures_iter(told) {
        let of = |groups: &[&str]| groups.iter().find_map(|group| found.name(group)).map_or("", |text| text.as_str());
        let (speaker, speech) = (of(&["before", "after", "last", "player"]), of(&["one", "other", "third"]));
        if cast.dead.iter().any(|dead| is_same(dead, speaker)) {
            if marked.insert(speaker.to_lowercase()) {
                claim(&found[0], "dead");
            }
            continue;
        }
        let is_you = ["you", "du"].iter().any(|you| speaker.eq_ignore_ascii_case(you));
        let character = cast.characters.iter().find(|character| is_same(character, speaker));
        if !is_you && character.is_none() || speech.is_empty() {
            continue;
        }
        let players = character.map(|character| others(character, cast)).unwrap_or_default();
        let said = players_words(cast, known, &players);
        let words: Vec<String> = words(speech).collect();
        let own = words.iter().filter(|word| said.contains(*word)).count();
        #[expect(clippy::cast_precision_loss, reason = "a speech has few words")]
        let share = own as f64 / words.len().max(1) as f64;
        if share < OWN_WORDS {
            claim(&found[0], "puppet");
        }
    }
    claims
}

/// Who plays whom, by what was said.
pub(crate) fn players_of(known: &[Message]) -> Vec<(String, String)> {
    let said = known.iter().filter_map(|message| match message {
        Message::Player { name: Some(name), character: Some(character), .. } => Some((name.clone(), character.clone())),
        _ => None,
    });
    said.collect()
}

/// The dead of the beginning of a turn who have not come back in it, with the tools that can do so.
pub(crate) fn still_dead(
    dead: &[String],
    scene_before: &Map<String, Value>,
    scene: &Map<String, Value>,
    of_turn: &[Message],
) -> Vec<String> {
    let foes = scene.get("foes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let fallen = fallen_foes(scene);
    let stands = |name: &String| {
        let is_there = foes.iter().any(|foe| foe["name"].as_str().is_some_and(|foe| is_same(foe, name)));
        is_there && !fallen.contains(name) && scene.get("location") == scene_before.get("location")
    };
    let lives = |name: &String| {
        of_turn.iter().any(|message| match message {
            Message::ToolResult { result, failed: false, .. } => {
                let state = result["condition"]["state"].as_str();
                let is_up = state.is_some_and(|state| state != "dead" && state != "near_death")
                    || result["npc"]["status"].as_str().is_some_and(|status| status != "deceased");
                let who = result["character"].as_str().or(result["name"].as_str());
                is_up && who.is_some_and(|who| is_same(who, name))
            }
            _ => false,
        })
    };
    dead.iter().filter(|name| !stands(name) && !lives(name)).cloned().collect()
}

/// What the dead are told to do without their names beside it: the dead ganger, or the only one there is.
fn the_dead_go_on<'a>(told: &'a str, cast: &Cast<'_>, marked: &mut HashSet<String>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for dead in cast.dead {
        for (at, _) in told.match_indices(dead.as_str()) {
            let rest = &told[at + dead.len()..];
            let Some(later) = GOES_ON.find(rest) else { continue };
            if !NEVERMORE.is_match(&rest[later.end()..]) && marked.insert(dead.to_lowercase()) {
                found.push(&told[at..at + dead.len() + later.end()]);
            }
        }
    }
    let foes = cast.scene.get("foes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (mut fallen, mut standing) = (HashSet::new(), HashSet::new());
    for name in foes.iter().filter_map(|foe| foe["name"].as_str()) {
        let noun = name.split(' ').rfind(|word| word.chars().all(char::is_alphabetic)).unwrap_or(name).to_lowercase();
        let is_dead = cast.dead.iter().any(|dead| is_same(dead, name));
        if is_dead {
            fallen.insert(noun)
        } else {
            standing.insert(noun)
        };
    }
    if fallen.is_empty() {
        return found;
    }
    let lower = told.to_lowercase();
    let is_joined = |noun: &str| {
        let more = ["another", "second", "new", "other", "more", "weiterer", "zweiter", "neuer", "anderer"];
        more.iter().any(|word| lower.contains(&format!("{word} {noun}"))) || lower.contains(&format!("{noun}s "))
    };
    for one in NOUN_DOES.captures_iter(told) {
        let noun = one["noun"].to_lowercase();
        let is_said_to_be = one.name("dead").is_some();
        let is_the_only_one = one.name("stir").is_some() && !standing.contains(&noun) && !is_joined(&noun);
        let all = one.get(0).map_or(0..0, |all| all.range());
        let is_he = fallen.contains(&noun) && (is_said_to_be || is_the_only_one);
        if is_he && !NEVERMORE.is_match(&told[all.end..]) && marked.insert(format!("the {noun}")) {
            found.push(&told[all]);
        }
    }
    let is_marked = cast.dead.iter().any(|dead| marked.contains(&dead.to_lowercase()));
    if found.is_empty() && !is_marked {
        found
            .extend(FROM_THE_DEAD.find(told).map(|all| all.as_str()).filter(|_| marked.insert("from the dead".into())));
    }
    found
}

/// Whether a player's character may be told to act: his player speaks, or has just spoken, or somebody speaks for all; and
/// where nobody is known to play him, somebody names him, or a tool acted for him.
fn may_act(character: &str, cast: &Cast<'_>, known: &[Message], of_turn: &[Message]) -> bool {
    if let Some(speaker) = &cast.asked.character
        && (is_same(speaker, character) || is_same(character, speaker))
    {
        return true;
    }
    let others = others(character, cast);
    if !others.is_empty() {
        return WE.is_match(&cast.asked.message) || has_just_spoken(&others, character, cast, known);
    }
    // Who does not say whom he plays may play any of them, if there is a choice only by naming him.
    let speaks =
        cast.asked.character.is_none() && (cast.characters.len() == 1 || names(&cast.asked.message, character));
    let is_own = cast.players.iter().any(|(_, own)| is_same(own, character));
    speaks
        || is_own
        || of_turn.iter().any(|message| match message {
            Message::GameMaster { tool_calls, .. } => tool_calls.iter().any(|call| names(&call.arguments, character)),
            _ => false,
        })
}

/// The players of a character, if it is not the speaker's.
fn others(character: &str, cast: &Cast<'_>) -> Vec<String> {
    let of_him = cast.players.iter().filter(|(_, own)| is_same(own, character) || is_same(character, own));
    let players: Vec<String> = of_him.map(|(player, _)| player.to_lowercase()).collect();
    let speaker = cast.asked.name.as_deref().map(str::to_lowercase);
    if speaker.is_some_and(|speaker| players.contains(&speaker)) { Vec::new() } else { players }
}

/// Whether one of these players has spoken in the last round: as many messages as there are players.
fn has_just_spoken(players: &[String], character: &str, cast: &Cast<'_>, known: &[Message]) -> bool {
    let round = cast.players.iter().map(|(player, _)| player).collect::<HashSet<_>>().len().max(2);
    let said = known.iter().rev().filter_map(|message| match message {
        Message::Player { name, character, .. } => Some((name, character)),
        _ => None,
    });
    said.take(round).any(|(name, spoken_for)| {
        name.as_ref().is_some_and(|name| players.contains(&name.to_lowercase()))
            || spoken_for.as_ref().is_some_and(|own| is_same(own, character))
    })
}

/// Whether what stands between these texts need not be a name in German, where every noun and every sentence begins with a
/// capital: it has a determiner, or the subject may stand behind the verb.
fn is_german_noun(before: &str, after: &str) -> bool {
    let last = before.trim_end().rsplit(|char: char| !char.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    let next = after.trim_start().split(|char: char| !char.is_alphanumeric()).next().unwrap_or_default();
    let is_one_of = |words: &[&str], word: &str| words.contains(&word);
    is_one_of(DETERMINERS_DE, &last)
        || is_one_of(DETERMINERS_DE, next)
        || is_one_of(SUBJECTS_DE, next)
        || next.starts_with(char::is_uppercase)
}

/// Whether a text names somebody.
fn names(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    text.match_indices(&name).any(|(at, _)| {
        let is_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
        !is_word(text[..at].chars().next_back()) && !is_word(text[at + name.len()..].chars().next())
    })
}

/// Whether both are the same person; a part of a name is enough if it is its first word.
fn is_same(full: &str, name: &str) -> bool {
    let (full, name) = (full.to_lowercase(), name.to_lowercase());
    full == name || full.split(' ').next() == Some(name.as_str()) && 2 < name.len()
}

/// The name without the words in front of it that begin a sentence.
fn without_starters(name: &str) -> &str {
    let mut rest = name;
    loop {
        let (first, others) = rest.split_once(' ').unwrap_or((rest, ""));
        if !NO_NAMES.contains(&first.to_lowercase().as_str()) {
            return rest;
        }
        rest = others;
    }
}

/// The quotation marks of a text up to a place: what somebody says of another is no act.
#[derive(Default)]
struct Quotes {
    upto: usize,
    /// Typographic ones that were opened and not shut, and whether a plain one or a German one is open.
    open: i64,
    is_open: bool,
    is_german: bool,
}

impl Quotes {
    /// Whether a place stands within them. Places come in order, so that a text is read once.
    fn hold(&mut self, text: &str, at: usize) -> bool {
        for char in text[self.upto..at].chars() {
            match char {
                '\u{201E}' | '\u{BB}' => self.is_german = true,
                '\u{AB}' => self.is_german = false,
                // It shuts what German has opened, and opens in English.
                '\u{201C}' if self.is_german => self.is_german = false,
                '\u{201C}' => self.open += 1,
                '\u{201D}' => self.open -= 1,
                '"' => self.is_open = !self.is_open,
                _ => {}
            }
        }
        self.upto = at;
        0 < self.open || self.is_open || self.is_german
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|word| 2 < word.chars().count()).map(str::to_lowercase)
}

/// Every word that the table has heard.
fn words_of(cast: &Cast<'_>, known: &[Message]) -> HashSet<String> {
    let mut all: HashSet<String> = words(&Value::Object(cast.scene.clone()).to_string()).collect();
    for message in known {
        match message {
            Message::Player { name, character, text } => {
                all.extend(words(text));
                all.extend(name.iter().chain(character).flat_map(|name| words(name)));
            }
            Message::GameMaster { text, tool_calls } => {
                all.extend(words(text));
                tool_calls.iter().for_each(|call| all.extend(words(&call.arguments)));
            }
            Message::ToolResult { result, .. } => all.extend(words(&result.to_string())),
            Message::Withdrawn { .. } => {}
        }
    }
    all
}

/// Every word that players have said; of these players alone, if any are named.
fn players_words(cast: &Cast<'_>, known: &[Message], players: &[String]) -> HashSet<String> {
    let is_his = |name: &Option<String>| {
        players.is_empty() || name.as_ref().is_some_and(|name| players.contains(&name.to_lowercase()))
    };
    let said = known.iter().filter_map(|message| match message {
        Message::Player { name, text, .. } if is_his(name) => Some(text.as_str()),
        _ => None,
    });
    let asked = Some(cast.asked.message.as_str()).filter(|_| is_his(&cast.asked.name));
    said.chain(asked).flat_map(words).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::llm::{Opaque, ToolCall};

    fn check(told: &str, speaker: Option<&str>, said: &str, expected: &[(&str, &str)]) {
        let characters = ["Platinum", "Oak"].map(String::from);
        let asked = PlayerMessage { name: None, character: speaker.map(String::from), message: said.into() };
        let scene = json!({"foes": [{"name": "Ganger 1", "physical": 10}], "target": "Razor"});
        let cast = Cast {
            characters: &characters,
            dead: &["Ganger 1".to_owned(), "Mister Johnson".to_owned()],
            people: &["Dodger".to_owned()],
            players: &[],
            asked: &asked,
            scene: scene.as_object().unwrap(),
        };
        let known = [Message::Player { name: None, character: None, text: said.into() }];
        let claims = out_of_character(told, &cast, &known, 0);
        let claims: Vec<_> = claims.iter().map(|claim| (claim.text.as_str(), claim.kind)).collect();
        assert_eq!(claims, expected, "{told}");
    }

    #[test]
    fn the_dead_neither_act_nor_speak() {
        check("Ganger 1 shoots back.", Some("Oak"), "I wait", &[("Ganger 1 shoots", "dead")]);
        check("Then Mister Johnson slowly says nothing.", None, "?", &[("Mister Johnson slowly says", "dead")]);
        check("You look at Ganger 1. He lies there.", None, "?", &[]);
    }

    #[test]
    fn the_dead_do_not_rise_in_other_words_either() {
        for (told, marked) in [
            ("Ganger 1 rises from the dead.", "Ganger 1 rises"),
            ("Ganger 1 gets up and attacks again.", "Ganger 1 gets up"),
            ("Ganger 1 suddenly stands up, alive and well.", "Ganger 1 suddenly stands"),
            ("Ganger 1 lies still, then opens his eyes.", "Ganger 1 lies still, then opens his eyes"),
            ("The dead ganger shoots at you.", "The dead ganger shoots"),
            ("The ganger gets up.", "The ganger gets up"),
            ("Something rises from the dead.", "Something rises from the dead"),
            ("Ganger 1 steht langsam auf.", "Ganger 1 steht langsam auf"),
            ("Johnson: \"I never died.\" Mister Johnson: \"I live!\"", "Mister Johnson: \"I live!\""),
        ] {
            check(told, Some("Oak"), "I wait", &[(marked, "dead")]);
        }
        for told in [
            "Ganger 1 lies in a pool of blood. Ganger 1 does not move, and Razor laughs.",
            "Ganger 1 moves no more. Ganger 1 falls, shot through the chest.",
            "Another ganger runs in. The ganger shoots at you.",
            "You search the dead ganger. The rain gets stronger.",
            "Oak gets up and Platinum stands beside him.",
        ] {
            check(told, Some("Oak"), "I look at Ganger 1 and wait for Razor", &[]);
        }
    }

    /// A table of two: Anna plays Platinum, Bert plays Oak. Anna speaks last.
    #[track_caller]
    fn check_two(told: &str, bert: Option<&str>, anna: &str, expected: &[(&str, &str)]) {
        let characters = ["Platinum", "Oak"].map(String::from);
        let players = [("Anna", "Platinum"), ("Bert", "Oak")].map(|(one, other)| (one.to_owned(), other.to_owned()));
        let asked = PlayerMessage { name: Some("Anna".into()), character: None, message: anna.into() };
        let scene = Map::new();
        let cast =
            Cast { characters: &characters, dead: &[], people: &[], players: &players, asked: &asked, scene: &scene };
        let said =
            |name: &str, text: &str| Message::Player { name: Some(name.into()), character: None, text: text.into() };
        let call = ToolCall {
            id: "a".into(),
            name: "calculate_ranged_attack".into(),
            arguments: r#"{"character_name":"Oak"}"#.into(),
            opaque: Opaque::default(),
        };
        let mut known: Vec<Message> = bert.iter().map(|text| said("Bert", text)).collect();
        known.extend([said("Anna", anna), Message::GameMaster { text: String::new(), tool_calls: vec![call] }]);
        let claims = out_of_character(told, &cast, &known, known.len() - 1);
        let claims: Vec<_> = claims.iter().map(|claim| (claim.text.as_str(), claim.kind)).collect();
        assert_eq!(claims, expected, "{told}");
    }

    #[test]
    fn a_tool_that_acts_for_another_players_character_is_not_his_consent() {
        let told = "Oak draws, shoots, and laughs.";
        check_two(told, None, "I look around", &[("Oak draws", "puppet")]);
        check_two(told, Some("I shoot him"), "I look around", &[]);
        check_two(told, None, "We attack!", &[]);
        check_two("Oak surrenders.", None, "I look around", &[("Oak surrenders", "puppet")]);
        check_two("Oak: \"I confess.\"", None, "Oak should confess", &[("Oak: \"I confess.\"", "puppet")]);
        check_two("Oak is hit, staggers and falls. Oak gets up.", None, "I look around", &[]);
        check_two("Platinum draws his gun.", None, "I look around", &[]);
    }

    #[test]
    fn the_speaker_does_nothing_grave_that_he_has_not_said() {
        for (told, marked) in [
            ("You drop your weapons and kneel.", "You drop your weapons"),
            ("You shoot the hostage.", "You shoot"),
            ("The door opens. Slowly, you kneel.", "you kneel"),
            ("You confess everything.", "You confess"),
            ("Du schießt auf die Geisel.", "Du schießt"),
        ] {
            check(told, Some("Oak"), "I look around", &[(marked, "puppet")]);
        }
        for (told, said) in [
            ("You shoot the ganger twice.", "I attack him"),
            ("You open fire with the Predator.", "Yes, do it"),
            ("You drop your gun.", "I give up"),
            ("You shoot him a glance. You fire up the engine.", "I look around"),
            ("If you shoot now, you kill him. Do you shoot?", "I look around"),
            ("You see the ganger turn and shoot.", "I look around"),
            ("You kneel beside the body. You give up on the lock.", "I look around"),
            ("Du schießt auf ihn.", "Ich greife an"),
        ] {
            check(told, Some("Oak"), said, &[]);
        }
    }

    #[test]
    fn a_players_character_does_what_his_player_says() {
        check("Platinum draws his gun.", Some("Platinum"), "I draw", &[]);
        check("Platinum draws his gun.", Some("Oak"), "I wait", &[("Platinum draws", "puppet")]);
        check("Platinum draws his gun.", None, "Platinum draws", &[]);
        check("Razor grins and Dodger nods.", Some("Oak"), "I wait", &[]);
    }

    #[test]
    fn a_tool_that_acts_for_a_character_is_reason_enough() {
        let characters = ["Platinum".to_owned(), "Oak".to_owned()];
        let asked = PlayerMessage { character: Some("Oak".into()), message: "go".into(), name: None };
        let (scene, players) = (Map::new(), []);
        let cast =
            Cast { characters: &characters, dead: &[], people: &[], players: &players, asked: &asked, scene: &scene };
        let call = ToolCall {
            id: "a".into(),
            name: "x".into(),
            arguments: r#"{"character_name":"Platinum"}"#.into(),
            opaque: Opaque::default(),
        };
        let known = [Message::GameMaster { text: String::new(), tool_calls: vec![call] }];

        assert!(out_of_character("Platinum fires.", &cast, &known, 0).is_empty());
        assert_eq!(out_of_character("Platinum fires.", &cast, &known, 1).len(), 1);
    }

    #[test]
    fn words_are_put_into_a_players_mouth_only_if_they_are_his() {
        let told = "You say, \u{201C}Nobody has to die tonight, friend.\u{201D}";
        check(told, Some("Oak"), "I attack", &[(told, "puppet")]);
        check(told, Some("Oak"), "I say nobody has to die tonight", &[]);
        check("\"You will pay for that,\" says Razor.", Some("Oak"), "I wait", &[]);
        check(
            "\"We surrender to you all,\" says Oak.",
            Some("Oak"),
            "I wait",
            &[("\"We surrender to you all,\" says Oak", "puppet")],
        );
    }

    #[test]
    fn somebody_who_was_never_heard_of_is_marked() {
        check("Blackjack grins at you.", Some("Oak"), "I wait", &[("Blackjack grins", "name")]);
        check("He grins. The ganger grins. Suddenly Razor grins.", Some("Oak"), "I wait", &[]);
        check("\"Blackjack shot him,\" Dodger says.", Some("Oak"), "I wait", &[]);
    }

    #[test]
    fn german_sentences_are_read_as_well() {
        check("Ganger 1 schießt zurück.", Some("Oak"), "Ich warte", &[("Ganger 1 schießt", "dead")]);
        check("Platinum zieht seine Waffe.", Some("Oak"), "Ich warte", &[("Platinum zieht", "puppet")]);
        check("Platinum zieht seine Waffe.", Some("Platinum"), "Ich ziehe", &[]);
        let told = "Du sagst: \u{201E}Heute Nacht muss niemand sterben.\u{201C}";
        check(told, Some("Oak"), "Ich greife an", &[(told, "puppet")]);
        check(told, Some("Oak"), "Ich sage, heute Nacht muss niemand sterben", &[]);
        check(
            "\u{201E}Wir ergeben uns alle\u{201C}, sagt Oak.",
            Some("Oak"),
            "Ich warte",
            &[("\u{201E}Wir ergeben uns alle\u{201C}, sagt Oak", "puppet")],
        );
        check("\u{BB}Das wirst du bereuen\u{AB}, sagt Razor.", Some("Oak"), "Ich warte", &[]);
    }

    #[test]
    fn a_german_noun_is_nobodys_name() {
        check("Blackjack grinst dich an.", Some("Oak"), "Ich warte", &[("Blackjack grinst", "name")]);
        for told in [
            "Der Wachmann schießt.",
            "Schnell zieht er die Waffe.",
            "Mit einem Schrei springt Razor los.",
            "Langsam geht die Sonne unter.",
            "Eine Kugel schlägt neben dir ein.",
            "\u{201E}Blackjack schießt gut\u{201C}, sagt Dodger.",
        ] {
            check(told, Some("Oak"), "Ich warte", &[]);
        }
    }
}
