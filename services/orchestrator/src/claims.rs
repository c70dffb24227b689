//! Integrity: what a narration claims and no event of its turn supports.
//!
//! The checker knows only the turn: what its tools answered and were asked, what was said, the scene. It looks at numbers
//! that belong to the game, a number beside a word such as "successes" or "nuyen"; whatever else a story counts is the
//! story's own.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use crate::llm::Message;

/// Claims of one narration that are told at the most.
const MAX_CLAIMS: usize = 20;

/// A number of the game beside the word that makes it one, either way round, in English or German.
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"\d+(?:[.,]\d{3})*";
    let units = r"success(?:es)?|hits?|box(?:es)?|nuyen|karma|erfolge?n?|treffern?|(?:schadens)?kästchen";
    let count = format!(r"(?<count>{number})\s*(?<unit>(?:{units})\b|\u{{a5}})");
    let money = format!(r"\u{{a5}}\s*(?<money>{number})");
    let words =
        "target number|initiative|rolls?|rolled|rolling|mindestwurf|zielwert|würfelst|würfelte?|gewürfelt|wirfst";
    let between = "of|is|a|an|total|was|to|von|ist|war|beträgt|eine?|insgesamt";
    let rolled = format!(r"(?:{words}):?(?:\s+(?:{between}))*\s+(?<rolled>\d+)\b");
    let thrown = r"(?<thrown>\d+)\s+(?:gewürfelt|geworfen)\b";
    Regex::new(&format!("(?i){count}|{money}|{rolled}|{thrown}")).expect("it is the same text each time")
});

/// Marks between thousands: commas in English, points in German.
static THOUSANDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(\d)[.,](\d{3})\b").expect("it is the same text each time"));

/// Something that was told as a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The words, as they were told.
    pub text: String,
    /// roll, damage or money.
    pub kind: &'static str,
}

/// The claims of a narration that nothing in `known` supports: the messages of the conversation up to it.
pub(crate) fn unsupported(told: &str, known: &[Message]) -> Vec<Claim> {
    let mut numbers: Option<BTreeSet<u64>> = None;
    let mut claims = Vec::new();
    for found in NUMBERED.captures_iter(told) {
        // What may be said to roll is no roll: "roll 6 dice against 4".
        if found.name("rolled").is_some() && found.get(0).is_some_and(|all| is_quoted(&told[..all.start()])) {
            continue;
        }
        let number = ["count", "money", "rolled", "thrown"].iter().find_map(|name| found.name(name));
        let number = number.and_then(|text| text.as_str().replace([',', '.'], "").parse().ok());
        let Some(number) = number else { continue };
        if numbers.get_or_insert_with(|| all_numbers(known)).contains(&number) {
            continue;
        }
        let unit = found.name("unit").map_or("", |unit| unit.as_str()).to_lowercase();
        let kind = match unit.as_str() {
            "box" | "boxes" | "kästchen" | "schadenskästchen" => "damage",
            "nuyen" | "\u{a5}" | "karma" => "money",
            "" if found.name("money").is_some() => "money",
            _ => "roll",
        };
        claims.push(Claim { text: found[0].trim().to_owned(), kind });
        if claims.len() == MAX_CLAIMS {
            break;
        }
    }
    claims
}

/// Whether a quotation begins where this text ends.
fn is_quoted(before: &str) -> bool {
    before.ends_with(['"', '\u{201c}', '\u{201e}', '\u{bb}'])
}

/// Every number that stands in the messages.
fn all_numbers(known: &[Message]) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    for message in known {
        match message {
            Message::Player { text, .. } => add_text(text, &mut numbers),
            Message::GameMaster { text, tool_calls } => {
                // What he has said before supports nothing in itself, but it has been marked then.
                add_text(text, &mut numbers);
                tool_calls.iter().for_each(|call| add_text(&call.arguments, &mut numbers));
            }
            Message::ToolResult { result, .. } => add_value(result, &mut numbers),
            Message::Withdrawn { .. } => {}
        }
    }
    numbers
}

fn add_value(value: &Value, numbers: &mut BTreeSet<u64>) {
    match value {
        Value::Number(number) => add_text(&format!("{:.0}", number.as_f64().unwrap_or_default()), numbers),
        Value::String(text) => add_text(text, numbers),
        Value::Array(items) => {
            // How many there are may be told as well.
            numbers.insert(items.len() as u64);
            items.iter().for_each(|item| add_value(item, numbers));
        }
        Value::Object(map) => map.values().for_each(|value| add_value(value, numbers)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn add_text(text: &str, numbers: &mut BTreeSet<u64>) {
    let mut add = |text: &str| {
        numbers.extend(text.split(|char: char| !char.is_ascii_digit()).filter_map(|digits| digits.parse::<u64>().ok()));
    };
    add(text);
    if THOUSANDS.is_match(text) {
        // Twice, for marks stand three digits apart.
        add(&THOUSANDS.replace_all(&THOUSANDS.replace_all(text, "$1$2"), "$1$2"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(told: &str, result: Value, expected: &[(&str, &str)]) {
        let known = [
            Message::Player { name: None, character: None, text: "I pay 300 nuyen".into() },
            Message::ToolResult { call_id: "a".into(), tool: "roll_dice".into(), result, failed: false },
        ];
        let claims = unsupported(told, &known);
        let claims: Vec<_> = claims.iter().map(|claim| (claim.text.as_str(), claim.kind)).collect();
        assert_eq!(claims, expected, "{told}");
    }

    #[test]
    fn what_a_tool_has_answered_may_be_told() {
        check("Two of them! 2 successes against target number 5.", json!({"successes": 2, "target_number": 5}), &[]);
        check("You rolled 11 and pay 300 nuyen.", json!({"rolls": [11, 3]}), &[]);
        check("Say \"roll 6 dice against 4\".", json!({}), &[]);
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
    fn german_is_read_as_well() {
        check("Zwei! 2 Erfolge gegen Mindestwurf 5, du zahlst 300 Nuyen.", json!({"successes": 2, "target": 5}), &[]);
        check("Du erzielst 4 Erfolge.", json!({"successes": 2}), &[("4 Erfolge", "roll")]);
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
    }
}
