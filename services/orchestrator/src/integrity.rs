//! Who acts and speaks in a narration: the dead do not, players speak for their own characters, and whoever has a name
//! has been heard of.
//!
//! It reads English and German sentences by their verbs, in the third person and in the second; what it does not understand
//! it lets pass. What it finds is marked like any other claim.

use std::{collections::HashSet, sync::LazyLock};

use proto::orchestrator::v1::session_event::PlayerMessage;
use regex::Regex;
use serde_json::{Map, Value};

use crate::{claims::Claim, llm::Message};

/// Claims of one narration that are told at the most.
const MAX_CLAIMS: usize = 20;
/// How much of a speech must be the player's own words.
const OWN_WORDS: f64 = 0.5;

const SAY: &str = "says|said|asks|asked|shouts|shouted|yells|yelled|whispers|whispered|mutters|muttered|replies|replied|\
    answers|answered|growls|growled|snarls|snarled|promises|promised|agrees|agreed|refuses|refused";
const ACT: &str = "shoots|shot|fires|fired|draws|drew|aims|aimed|attacks|attacked|casts|runs|ran|walks|walked|charges|\
    charged|swings|swung|stabs|stabbed|throws|threw|grabs|grabbed|jumps|jumped|decides|decided|pulls|pulled|kicks|kicked|\
    punches|punched|dives|dived|steps|stepped|leaps|leapt|reloads|reloaded|grins|grinned|nods|nodded|laughs|laughed|\
    smiles|smiled|pays|paid|hands|signs|signed";

/// The same in German.
const SAY_DE: &str = "sagt|sagte|fragt|fragte|ruft|rief|schreit|schrie|brüllt|brüllte|flüstert|flüsterte|murmelt|murmelte|\
    antwortet|antwortete|erwidert|erwiderte|knurrt|knurrte|verspricht|versprach|meint|meinte";
const ACT_DE: &str = "schießt|schoss|feuert|feuerte|zieht|zog|zielt|zielte|greift|griff|wirkt|wirkte|zaubert|zauberte|rennt|\
    rannte|läuft|lief|geht|ging|stürmt|stürmte|schlägt|schlug|sticht|stach|wirft|packt|packte|springt|sprang|\
    entscheidet|entschied|tritt|lädt|grinst|grinste|nickt|nickte|lacht|lachte|lächelt|lächelte|zahlt|zahlte|bezahlt|\
    bezahlte|unterschreibt|unterschrieb";
/// German words behind which a noun stands, which is no name although it begins like one.
const DETERMINERS_DE: &[&str] = &[
    "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines", "kein", "keine",
    "sein", "seine", "seinen", "seinem", "seiner", "ihr", "ihre", "ihren", "ihrem", "ihrer", "dein", "deine", "deinen",
    "deinem", "deiner", "dieser", "diese", "dieses", "jeder", "jede", "jedes", "zum", "zur", "im", "am", "vom", "beim",
    "ins",
];
/// German words that may be the subject behind a verb, so that what stands before it is none: `Schnell zieht er …`.
const SUBJECTS_DE: &[&str] = &["er", "sie", "es", "du", "ich", "wir", "ihr", "man", "jemand", "niemand", "sich"];

/// Somebody with a name does or says something: the name, and the verb.
static DOES: LazyLock<Regex> = LazyLock::new(|| {
    // A name is one to three words that begin with a capital or a figure behind one, such as `Ganger 2`.
    let name = r"(?P<name>\p{Lu}[\p{L}'\u{2019}-]+(?: (?:\p{Lu}[\p{L}'\u{2019}-]+|\d+)){0,2})";
    let adverb = r"(?: (?:\p{Ll}+ly|then|now|just|only|already|still|dann|nun|jetzt|nur|leise|langsam|schnell))?";
    Regex::new(&format!(r"{name}{adverb} (?:{SAY}|{ACT}|(?P<german>{SAY_DE}|{ACT_DE}))\b"))
        .expect("it is the same text each time")
});

/// A speech, and who speaks it: before it or behind it.
static SPEECH: LazyLock<Regex> = LazyLock::new(|| {
    // Opened and shut as in English or as in German.
    let marks = "\"\u{201C}\u{201D}\u{201E}\u{AB}\u{BB}";
    let quote =
        |group: &str| format!("[\"\u{201C}\u{201E}\u{BB}](?P<{group}>[^{marks}]{{3,400}})[\"\u{201D}\u{201C}\u{AB}]");
    let name = |group: &str| format!(r"(?P<{group}>[Yy]ou|[Dd]u|\p{{Lu}}[\p{{L}}'\u{{2019}}-]+)");
    let say = "say|ask|shout|yell|whisper|mutter|reply|answer|growl|snarl|sagst|fragst|rufst|schreist|brüllst|flüsterst|\
        murmelst|antwortest|erwiderst|knurrst";
    let (before, after, last) = (name("before"), name("after"), name("last"));
    let (one, other) = (quote("one"), quote("other"));
    let verb = format!("(?:{SAY}|{SAY_DE}|{say})");
    let adverb = r"(?: (?:\p{Ll}+ly|dann|nun|leise|laut))?";
    let text = format!("{before}{adverb} {verb}[^.!?{marks}]{{0,40}}{one}|{other},? (?:{after} {verb}|{verb} {last})");
    Regex::new(&text).expect("it is the same text each time")
});

/// Words that begin a sentence and are nobody's name.
const NO_NAMES: &[&str] = &[
    "he",
    "she",
    "it",
    "they",
    "you",
    "we",
    "i",
    "who",
    "someone",
    "somebody",
    "everyone",
    "everybody",
    "nobody",
    "one",
    "another",
    "each",
    "this",
    "that",
    "the",
    "then",
    "and",
    "but",
    "as",
    "when",
    "while",
    "if",
    "so",
    "now",
    "both",
    "neither",
    "something",
    "nothing",
    "there",
    "here",
    "what",
    "all",
    "some",
    "his",
    "her",
    "its",
    "their",
    "your",
    "a",
    "an",
    "or",
    "nor",
    "yet",
    "suddenly",
    "finally",
    // German.
    "er",
    "sie",
    "es",
    "wir",
    "du",
    "ich",
    "wer",
    "jemand",
    "niemand",
    "jeder",
    "alle",
    "alles",
    "nichts",
    "etwas",
    "dann",
    "und",
    "doch",
    "aber",
    "als",
    "wenn",
    "während",
    "jetzt",
    "nun",
    "so",
    "da",
    "dort",
    "hier",
    "was",
    "beide",
    "plötzlich",
    "schließlich",
    "der",
    "die",
    "das",
    "ein",
    "eine",
    "sein",
    "seine",
    "ihr",
    "ihre",
    "dein",
    "deine",
    "dieser",
    "diese",
];

/// Who is there, as far as the table knows.
pub(crate) struct Cast<'a> {
    /// The players' characters.
    pub characters: &'a [String],
    /// Those who cannot act.
    pub dead: &'a [String],
    /// People of the campaign.
    pub people: &'a [String],
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
    for found in DOES.captures_iter(told) {
        let name = without_starters(&found["name"]);
        let is_quoted = quotes.hold(told, found.get(0).map_or(0, |all| all.start()));
        if name.is_empty() || !marked.insert(name.to_lowercase()) || is_quoted {
            continue;
        }
        let all = found.get(0).map_or(0..0, |all| all.range());
        let begin = all.start + found["name"].len() - name.len();
        let verb_and_name = &told[begin..all.end];
        if cast.dead.iter().any(|dead| is_same(dead, name)) {
            claim(verb_and_name, "dead");
        } else if let Some(character) = cast.characters.iter().find(|character| is_same(character, name)) {
            if !may_act(character, cast, &known[first_of_turn.min(known.len())..]) {
                claim(verb_and_name, "puppet");
            }
        } else if !cast.people.iter().any(|person| is_same(person, name)) {
            let heard_of = heard_of.get_or_insert_with(|| words_of(cast, known));
            let is_known = name.split(' ').any(|word| heard_of.contains(&word.to_lowercase()));
            let is_noun = found.name("german").is_some() && is_german_noun(&told[..begin], &told[all.end..]);
            if !is_known && !is_noun {
                claim(verb_and_name, "name");
            }
        }
    }
    let mut said: Option<HashSet<String>> = None;
    for found in SPEECH.captures_iter(told) {
        let speaker =
            ["before", "after", "last"].iter().find_map(|group| found.name(group)).map_or("", |name| name.as_str());
        let is_player = ["you", "du"].iter().any(|you| speaker.eq_ignore_ascii_case(you))
            || cast.characters.iter().any(|character| is_same(character, speaker));
        let speech = ["one", "other"].iter().find_map(|group| found.name(group)).map_or("", |text| text.as_str());
        if !is_player || speech.is_empty() {
            continue;
        }
        let said = said.get_or_insert_with(|| players_words(cast, known));
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

/// Whether a player's character may be told to act: his player speaks, somebody names him, or a tool acted for him.
fn may_act(character: &str, cast: &Cast<'_>, of_turn: &[Message]) -> bool {
    let speaks = match &cast.asked.character {
        Some(speaker) => is_same(speaker, character) || is_same(character, speaker),
        // Who does not say whom he plays may play any of them, if there is a choice only by naming him.
        None => cast.characters.len() == 1 || names(&cast.asked.message, character),
    };
    speaks
        || of_turn.iter().any(|message| match message {
            Message::GameMaster { tool_calls, .. } => tool_calls.iter().any(|call| names(&call.arguments, character)),
            _ => false,
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

/// Every word that players have said.
fn players_words(cast: &Cast<'_>, known: &[Message]) -> HashSet<String> {
    let said = known.iter().filter_map(|message| match message {
        Message::Player { text, .. } => Some(text.as_str()),
        _ => None,
    });
    said.chain([cast.asked.message.as_str()]).flat_map(words).collect()
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
        let cast = Cast { characters: &characters, dead: &[], people: &[], asked: &asked, scene: &Map::new() };
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
