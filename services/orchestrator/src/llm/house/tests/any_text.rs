//! Whatever is said and whatever the tools answer, he answers, and ends.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Talk, attack_result, cast_result, sheet_result};
use crate::llm::{Message, house::fight};

fn any_words() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "I",
        "shoot",
        "cast",
        "roll",
        "Mana Bolt",
        "the ganger",
        "at",
        "with",
        "my",
        "pistol",
        "Ares Predator",
        "15",
        "metres",
        "force",
        "99999999999",
        "dice",
        "against",
        "0",
        "drop",
        "again",
        "initiative",
        "sheet",
        "Platinum's",
        "2d6",
        "0d0",
        "-",
        "dark",
        "running",
        "burst",
        "rounds",
        "drain",
        "pool",
        ",",
        ".",
        "?",
        "aim",
        "on",
        "is",
        "we enter",
        "test",
        "Stealth",
        "😀",
        "”",
        "Platinum",
        "nuyen",
        "sustain",
        "combat pool",
        "1.5",
        "feet",
        "Raven's",
        "d",
        "not",
        "for",
        "of",
        "ß",
        "İ",
    ];
    proptest::collection::vec(
        prop_oneof![4 => proptest::sample::select(PIECES).prop_map(str::to_owned), 1 => any::<String>()],
        0..14,
    )
    .prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// The talk itself asserts that calls are offered and that their arguments fit the contract.
    #[test]
    fn any_text_gets_an_answer(first in any_words(), second in any_words(), result in any_result()) {
        let mut talk = Talk::new(&["Platinum", "Oak"]).scene(json!({"target": "troll", "target_distance": 9, "light_level": 7}));
        for text in [first, second] {
            let answer = talk.say(&text);
            prop_assert!(!answer.text.trim().is_empty() || !answer.calls.is_empty(), "{text}");
            for _ in 0..fight::MAX_ROUNDS {
                if !talk.open.is_empty() {
                    let results = vec![result.clone(); talk.open.len()];
                    let open = std::mem::take(&mut talk.open);
                    talk.messages().extend(open.into_iter().zip(results).map(|(call, result)| {
                        Message::ToolResult { call_id: call.id, tool: call.name, failed: result.get("error").is_some(), result }
                    }));
                    talk.ask();
                }
            }
            prop_assert!(talk.open.is_empty());
        }
    }
}

/// Results of the right and of any other shape.
fn any_result() -> impl Strategy<Value = Value> {
    let shapes = vec![
        attack_result(true),
        cast_result(),
        sheet_result(),
        json!({}),
        json!(null),
        json!([]),
        json!("text"),
        json!(17),
        json!({"error": "no such thing", "code": 2001}),
        json!({"error": null}),
        json!({"error": "", "code": "x"}),
        json!({"successes": -3, "roll": [], "rolls": {}, "modifiers": 7, "drain": 3, "scene": []}),
        json!({"characters": [1, null, {"name": 3}], "sustained_spells": "all", "phases": [null], "skills": 4, "weapons": [[]]}),
    ];
    proptest::sample::select(shapes)
}
