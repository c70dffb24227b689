//! Integrity: what a narration claims and no event of its turn supports.
//!
//! The checker knows only the turn: what its tools answered and were asked, what the game master was told, the scene. It
//! looks at numbers that belong to the game, a number beside a word such as "successes" or "nuyen", and compares them by
//! their kind: successes with successes, target numbers with target numbers, wounds with boxes and levels, money with
//! money. What a player says supports nothing, unless he is quoted or pays. Whatever else a story counts is the story's
//! own.

mod numbers;
mod support;

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use self::support::Support;
use crate::llm::{CharacterBrief, Message, Section, ToolCall};

/// Characters before a claim by which it is judged who says it.
const BEFORE: usize = 400;
/// Claims of one narration that are told at the most.
const MAX_CLAIMS: usize = 20;

/// Something that was told as a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The words, as they were told.
    pub text: String,
    /// roll, damage or money.
    pub kind: &'static str,
}

/// What a narration is compared with.
pub(crate) struct Known<'a> {
    /// The messages of the conversation up to it.
    pub messages: &'a [Message],
    /// What is called along with it.
    pub calls: &'a [ToolCall],
    /// What the game master was told besides.
    pub characters: &'a [CharacterBrief],
    pub sections: &'a [Section],
    pub scene: &'a Map<String, Value>,
}

/// What a text says of the game, by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Successes(u64),
    Target(u64),
    /// What came up, or was reached.
    Rolled(u64),
    /// How many dice are rolled.
    Dice(u64),
    /// What several dice show.
    Faces(Vec<u64>),
    Boxes(u64),
    Level(char),
    Nuyen(u64),
    Karma(u64),
}

impl Said {
    fn kind(&self) -> &'static str {
        match self {
            Said::Successes(_) | Said::Target(_) | Said::Rolled(_) | Said::Dice(_) | Said::Faces(_) => "roll",
            Said::Boxes(_) | Said::Level(_) => "damage",
            Said::Nuyen(_) | Said::Karma(_) => "money",
        }
    }
}

/// Everything of the game that a text may say, in English or German, with a number in figures or in words.
static SAYINGS: LazyLock<Regex> = LazyLock::new(|| {
    let figures = r"\d+(?:[.,]\d{3})*";
    let words = numbers::PATTERN;
    let number = format!(r"(?:{figures}\b|\b{words}\b)");
    let bold = r"\**";
    let gap = format!(r"{bold}\s+{bold}");
    let counts = r"(?:net|raw|clean|solid|full|total|more|extra|whole)";
    let is = "of|is|are|a|an|the|total|was|were|to|at|natural|clean|straight|perfect|whopping|mere|full|becomes|rises|drops|von|ist|\
        war|beträgt|eine?[nr]?|glatte|natürliche|insgesamt|auf";
    let between = format!(r"{bold}[:=]?(?:\s+(?:{is}))*\s*{bold}");
    let after = format!(r"{bold}[:=]?(?:\s+(?:{is}))*\s+{bold}");
    let levels = r"light|moderate|serious|deadly|leichte[rnms]?|mittlere[rnms]?|schwere[rnms]?|tödliche[rnms]?";
    let wounds = r"wounds?|damage|injur(?:y|ies)|wunden?|verletzung(?:en)?|schaden";
    let hurts = "takes?|took|suffers?|suffered|inflicts?|inflicted|deals?|dealt|causes?|caused|erleide[nt]|erleidest|nimmt|\
        nimmst|verursachs?t";
    let dice = r"dice|die|würfeln?";
    let shows = "shows?|showed|reads?|comes? up|came up|turns? up|lands? on|landed on|zeigt|zeigen|fallen auf";
    let rolls =
        "rolls?|rolled|rolling|throws?|threw|würfelst|würfelte?|würfelt|gewürfelt|wirfst|faces|results?|ergebnisse?";
    let list = r"\d+(?:(?:,\s*|,?\s+(?:and|und)\s+)\d+)+";
    let all = [
        format!(r"(?<successes>{number}){gap}(?:{counts}\s+)?(?<unit>success(?:es)?|hits?|erfolge?n?|treffern?)\b"),
        format!(r"\b(?:success(?:es)?|hits|erfolge|treffer){bold}\s*[:=]\s*{bold}(?<successes_after>{figures})"),
        format!(r"\b(?:target numbers?|(?-i:TNs?)|mindestw[uü]rfe?|zielwerte?)\b{between}(?<target>{number})"),
        format!(r"\b(?:(?:dice|würfel)(?:\s+\p{{L}}+){{0,2}}|{shows}|{rolls})\b{after}[\[(]?(?<faces>{list})"),
        format!(
            r"\b(?:{rolls})\b{after}(?<successes_rolled>{figures}){gap}(?:{counts}\s+)?(?:success(?:es)?|hits|erfolge?)\b"
        ),
        format!(r"\b(?:{rolls}){gap}(?<dice>{figures}){gap}(?:{dice})\b"),
        format!(r"\b(?:initiative|{rolls}|comes up|came up)\b{after}(?<rolled>\d+)\b"),
        format!(r"\b(?:{dice}){gap}(?:{shows}){after}(?<shown>\d+)\b"),
        r"(?<thrown>\d+)\s+(?:gewürfelt|geworfen)\b".to_owned(),
        format!(
            r"(?<boxes>{number}){gap}(?:(?:points?|box(?:es)?|punkte?)(?:\s+(?:of|an))?\s+(?:(?:physical|stun|mental|körperliche[rn]?|geistige[rn]?)\s+)?(?:damage|schaden|stun)|(?:physical\s+|stun\s+)?(?:damage|schaden)|(?<plain>box(?:es)?|(?:schadens)?kästchen))\b"
        ),
        format!(r"\b(?:{hurts})\b[^.!?\n]{{0,30}}?\b(?<level>{levels})\s+(?:physical\s+|stun\s+)?(?:{wounds})\b"),
        r"\b(?<term>(?-i:Light|Moderate|Serious|Deadly))\s+(?:physical\s+|stun\s+)?(?:wounds?|damage)\b".to_owned(),
        format!(r"(?<nuyen>{number})(?:{gap}|\s*)(?:(?:new|neue)\s+)?(?:(?:nuyen|nu-?yen|creds?|credits?)\b|\u{{a5}})"),
        format!(r"\u{{a5}}\s*(?<yen>{figures})"),
        format!(r"\b(?:nuyen|creds?|credits?){bold}\s*[:=]\s*{bold}(?<nuyen_after>{figures})"),
        format!(r"(?<karma>{number}){gap}(?:good\s+|points? of\s+|punkte?\s+)?karma\b"),
        format!(r"\bkarma{bold}\s*[:=]\s*{bold}(?<karma_after>{figures})"),
    ];
    Regex::new(&format!("(?i){}", all.join("|"))).expect("it is the same text each time")
});

/// A player's character gives money away: his player may say how much.
static PAYS: LazyLock<Regex> = LazyLock::new(|| {
    let verbs = "pay|pays|paid|paying|offer|offers|hand|hands|give|gives|slip|slips|bet|bets|spend|spends|toss|tosses|count|\
        counts|transfer|transfers|zahlst|zahlt|bezahlst|bezahlt|gibst|gibt|bietest|bietet|überweist|legst|legt";
    Regex::new(&format!(r"(?i)\b(?:{verbs})\b(?<whom>[^.!?\n]{{0,40}})$")).expect("it is the same text each time")
});

/// A player's words are told again.
static QUOTES: LazyLock<Regex> = LazyLock::new(|| {
    let verbs = "say|claim|boast|insist|shout|tell|ask|call|swear|sagst|behauptest|rufst|fragst|prahlst|schwörst";
    Regex::new(&format!(r"(?i)\b(?:you|du)\b[^.!?\n]{{0,20}}\b(?:{verbs})\b[^.!?\n]*$"))
        .expect("it is the same text each time")
});

/// The claims of a narration that nothing known supports.
pub(crate) fn unsupported(told: &str, known: &Known<'_>) -> Vec<Claim> {
    let mut support: Option<(Support, Support)> = None;
    let mut claims = Vec::new();
    for found in SAYINGS.captures_iter(told) {
        let Some(said) = read(&found) else { continue };
        let (text, at) = found.get(0).map_or(("", 0), |all| (all.as_str(), all.start()));
        let before = near(&told[..at]);
        if found.name("plain").is_some() && told[at + text.len()..].starts_with(" of ") {
            // Boxes of something are no wounds.
            continue;
        }
        // What may be said to roll is no roll: "roll 6 dice against 4".
        if matches!(said, Said::Rolled(_) | Said::Dice(_)) && is_quoted(before) {
            continue;
        }
        let (events, players) = support.get_or_insert_with(|| (Support::of_events(known), Support::of_players(known)));
        let is_his = || is_within_quotes(before) || QUOTES.is_match(before) || pays(&said, before);
        if events.has(&said) || players.has(&said) && is_his() {
            continue;
        }
        claims.push(Claim { text: text.trim().to_owned(), kind: said.kind() });
        if claims.len() == MAX_CLAIMS {
            break;
        }
    }
    claims
}

/// What a text says of the game.
fn sayings(text: &str) -> impl Iterator<Item = Said> {
    SAYINGS.captures_iter(text).filter_map(|found| read(&found))
}

/// The names under which a number is found, and what it says.
type Reading = (&'static [&'static str], fn(u64) -> Said);

fn read(found: &Captures<'_>) -> Option<Said> {
    let named = |names: &[&str]| names.iter().find_map(|name| found.name(name)).map(|text| text.as_str());
    let number = |names: &[&str]| named(names).and_then(numbers::read);
    if let Some(list) = named(&["faces"]) {
        let faces = list.split(|char: char| !char.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
        return Some(Said::Faces(faces.collect()));
    }
    if let Some(level) = named(&["level", "term"]) {
        return Some(Said::Level(support::level(level)?));
    }
    let is_in_words =
        |name: &str| named(&[name]).is_some_and(|text| !text.starts_with(|char: char| char.is_ascii_digit()));
    // Two hits of novacoke, one box of ammunition: in words they are no rules' terms.
    let unit = named(&["unit"]).unwrap_or_default().to_lowercase();
    let is_loose = unit.starts_with("hit") || unit.starts_with("treffer") || unit == "erfolg" || unit == "success";
    if is_in_words("successes") && is_loose && (!unit.starts_with("success") || number(&["successes"]) != Some(1))
        || is_in_words("boxes") && found.name("plain").is_some()
    {
        return None;
    }
    let said: [Reading; 7] = [
        (&["successes", "successes_after", "successes_rolled"], Said::Successes),
        (&["target"], Said::Target),
        (&["dice"], Said::Dice),
        (&["rolled", "shown", "thrown"], Said::Rolled),
        (&["boxes"], Said::Boxes),
        (&["nuyen", "yen", "nuyen_after"], Said::Nuyen),
        (&["karma", "karma_after"], Said::Karma),
    ];
    said.iter().find_map(|(names, said)| number(names).map(said))
}

/// The end of a text, as far as it is looked at: a long one is read but once.
fn near(before: &str) -> &str {
    let from = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    &before[from..]
}

/// Whether a quotation begins where this text ends.
fn is_quoted(before: &str) -> bool {
    before.ends_with(['"', '\u{201c}', '\u{201e}', '\u{bb}'])
}

/// Whether a quotation is open where this text ends.
fn is_within_quotes(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let plain = line.matches('"').count() % 2 == 1;
    let german = line.rfind('\u{201e}') > line.rfind('\u{201c}');
    let english = line.rfind('\u{201c}') > line.rfind('\u{201d}') && !line.contains('\u{201e}');
    plain || german || english
}

/// Whether money is given where this text ends, and not to him who says how much.
fn pays(said: &Said, before: &str) -> bool {
    let is_money = matches!(said, Said::Nuyen(_) | Said::Karma(_));
    is_money
        && PAYS.captures(before).is_some_and(|found| {
            let whom = found["whom"].to_lowercase();
            !whom.split(|char: char| !char.is_alphabetic()).any(|word| ["you", "dir", "euch", "ihnen"].contains(&word))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::llm::Opaque;

    #[track_caller]
    fn check_of(player: &str, told: &str, results: &[Value], expected: &[(&str, &str)]) {
        let mut messages = vec![Message::Player { name: None, character: None, text: player.into() }];
        for result in results {
            let id = "a".to_owned();
            // What it asks for supports no result.
            let arguments = json!({"pool": 8, "target_number": 4}).to_string();
            let call = ToolCall { id: id.clone(), name: "roll_dice".into(), arguments, opaque: Opaque::default() };
            messages.push(Message::GameMaster { text: String::new(), tool_calls: vec![call] });
            let result = result.clone();
            messages.push(Message::ToolResult { call_id: id, tool: "roll_dice".into(), result, failed: false });
        }
        let scene = json!({"foes": [{"name": "Ganger", "physical": 3}]});
        let known = Known {
            messages: &messages,
            calls: &[],
            characters: &[],
            sections: &[Section { heading: "LORE", items: vec!["The run pays 7,000 nuyen".into()] }],
            scene: scene.as_object().unwrap(),
        };
        let claims = unsupported(told, &known);
        let claims: Vec<_> = claims.iter().map(|claim| (claim.text.as_str(), claim.kind)).collect();
        assert_eq!(claims, expected, "{told}");
    }

    #[track_caller]
    fn check(told: &str, result: Value, expected: &[(&str, &str)]) {
        check_of("I pay 300 nuyen", told, &[result], expected);
    }

    #[test]
    fn what_a_tool_has_answered_may_be_told() {
        check("Two of them! 2 successes against target number 5.", json!({"successes": 2, "target_number": 5}), &[]);
        check("You rolled 11 and pay 300 nuyen.", json!({"rolls": [11, 3]}), &[]);
        check("Say \"roll 6 dice against 4\".", json!({}), &[]);
        check(
            "The dice show 5, 6 and 2: **two** successes against TN 4.",
            json!({"rolls": [6, 2, 5], "successes": 2}),
            &[],
        );
        check("You roll 8 dice.", json!({"pool": 8}), &[]);
        check("He takes a Serious wound, 6 boxes.", json!({"damage": {"boxes": 6}}), &[]);
        check("He takes a Deadly wound.", json!({"damage_code": "9D"}), &[]);
        check("The ganger has taken a moderate wound. 7,000 nuyen wait.", json!({}), &[]);
        check("You have 1,200 nuyen.", json!({"summary": "Oak has 1200 nuyen left"}), &[]);
    }

    #[test]
    fn what_no_event_supports_is_a_claim_of_its_kind() {
        check("You score 4 successes.", json!({"successes": 2}), &[("4 successes", "roll")]);
        check(
            "He takes 6 boxes and you find 1,500\u{a5}.",
            json!({}),
            &[("6 boxes", "damage"), ("1,500\u{a5}", "money")],
        );
        check("You rolled a 17!", json!({"rolls": [5]}), &[("rolled a 17", "roll")]);
    }

    #[test]
    fn a_number_of_one_kind_supports_none_of_another() {
        let rolled = || json!({"pool": 8, "rolls": [1, 2, 2, 3, 3, 1, 2, 3], "successes": 0, "target_number": 5});
        check("You score 8 successes.", rolled(), &[("8 successes", "roll")]);
        check("You score five successes.", rolled(), &[("five successes", "roll")]);
        let six = "The dice show 6, 6, 5, 5, 4 and 2.";
        check(six, rolled(), &[("dice show 6, 6, 5, 5, 4 and 2", "roll")]);
        check("The dice clatter: 3, 2, 1.", rolled(), &[]);
        check("The dice clatter: 6, 3.", rolled(), &[("dice clatter: 6, 3", "roll")]);
        check("You rolled a natural 77!", rolled(), &[("rolled a natural 77", "roll")]);
        check("It comes up 88.", rolled(), &[("comes up 88", "roll")]);
        check("The TN is 91.", rolled(), &[("TN is 91", "roll")]);
        check("He takes a Deadly wound.", rolled(), &[("takes a Deadly wound", "damage")]);
        check("That is 27 points of damage.", rolled(), &[("27 points of damage", "damage")]);
        check("You find ten thousand nuyen.", rolled(), &[("ten thousand nuyen", "money")]);
        check("You find 4321 creds. Nuyen: 99999", rolled(), &[("4321 creds", "money"), ("Nuyen: 99999", "money")]);
        check("You find 8 nuyen.", rolled(), &[("8 nuyen", "money")]);
    }

    #[test]
    fn a_player_supports_nothing_but_what_he_is_quoted_with_and_what_he_pays() {
        let player = "I rolled 23 successes, believe me, and he pays me 900 nuyen";
        check_of(player, "Indeed, 23 successes!", &[], &[("23 successes", "roll")]);
        check_of(player, "You claim to have 23 successes. Nobody believes you.", &[], &[]);
        check_of(player, "\u{201C}23 successes?\u{201D} He laughs.", &[], &[]);
        check_of(player, "He pays you 900 nuyen.", &[], &[("900 nuyen", "money")]);
        check_of(player, "You find 900 nuyen.", &[], &[("900 nuyen", "money")]);
        check_of("I give him 900 nuyen", "Oak hands him 900 nuyen.", &[], &[]);
    }

    #[test]
    fn german_is_read_as_well() {
        check("Zwei! 2 Erfolge gegen Mindestwurf 5, du zahlst 300 Nuyen.", json!({"successes": 2, "target": 5}), &[]);
        check("Du erzielst 4 Erfolge.", json!({"successes": 2}), &[("4 Erfolge", "roll")]);
        check("Du erzielst fünf Erfolge.", json!({"successes": 2}), &[("fünf Erfolge", "roll")]);
        check("Du findest zehntausend Nuyen.", json!({}), &[("zehntausend Nuyen", "money")]);
        check("Er erleidet eine tödliche Wunde.", json!({}), &[("erleidet eine tödliche Wunde", "damage")]);
        check(
            "Er nimmt 6 Kästchen, und du findest 1.500 Nuyen.",
            json!({}),
            &[("6 Kästchen", "damage"), ("1.500 Nuyen", "money")],
        );
        check("Du findest 1.500 Nuyen.", json!({"amount": 1500}), &[]);
        check(
            "Du hast eine 17 gewürfelt. Initiative: 23!",
            json!({}),
            &[("17 gewürfelt", "roll"), ("Initiative: 23", "roll")],
        );
        check("Fünf Ganger auf 3 Motorrädern; es ist 10 nach 11.", json!({}), &[]);
    }

    #[test]
    fn what_a_story_counts_for_itself_is_no_claim() {
        check("Five gangers on 3 bikes roll up Route 99; it is 10 past 11.", json!({}), &[]);
        check("5 boxes of ammunition stand there.", json!({}), &[]);
        check("Two hits of novacoke, one box of ammunition, and the run was a success.", json!({}), &[]);
        check("A serious man with a light in his hand; two rolls of tape, 12, and a die.", json!({}), &[]);
    }
}
