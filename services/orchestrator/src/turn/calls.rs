//! Tool calls as models stream them: fragments by index, merged into whole calls, whatever the model leaves out.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use crate::llm::{Message, Opaque, ToolCall};

/// Longest id of a model's own that is kept.
const MAX_ID: usize = 64;
/// Longest name of a tool that is looked at; no tool has one as long.
const MAX_NAME: usize = 100;

/// Bytes of one answer's opaque fields that are kept; one that sends more gets none of them back.
const MAX_OPAQUE: usize = 1 << 20;

/// The calls of one answer in the making.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    calls: BTreeMap<u32, Fragments>,
    of_message: Map<String, Value>,
    opaque_bytes: usize,
}

#[derive(Debug, Default)]
struct Fragments {
    id: String,
    name: String,
    arguments: String,
    opaque: Map<String, Value>,
}

impl Calls {
    /// Takes in a fragment. Ids and names may come once, in every fragment, or never.
    pub fn add(&mut self, index: u32, id: Option<String>, name: Option<String>, arguments: &str) {
        let call = self.calls.entry(index).or_default();
        if let Some(id) = id.filter(|_| call.id.is_empty()) {
            call.id = id;
        }
        // Some servers repeat the name, some send it in pieces; the arguments never begin before it is whole.
        if let Some(name) = name
            && name != call.name
            && call.arguments.is_empty()
        {
            call.name.push_str(&name);
        }
        call.arguments.push_str(arguments);
    }

    /// Lets go of a call.
    pub fn forget(&mut self, index: u32) {
        self.calls.remove(&index);
    }

    /// Takes in an opaque field, or the next piece of it.
    pub fn add_opaque(&mut self, index: Option<u32>, field: &'static str, value: Value) {
        self.opaque_bytes += match &value {
            Value::String(text) => text.len(),
            other => other.to_string().len(),
        };
        let fields = match index {
            Some(index) => &mut self.calls.entry(index).or_default().opaque,
            None => &mut self.of_message,
        };
        match (fields.get_mut(field), value) {
            _ if MAX_OPAQUE < self.opaque_bytes => {}
            (Some(Value::String(text)), Value::String(more)) => text.push_str(&more),
            (Some(Value::Array(list)), Value::Array(mut more)) => list.append(&mut more),
            (_, value) => drop(fields.insert(field.to_owned(), value)),
        }
    }

    /// Takes out the calls without an id that stand word for word in what a player has said: a model that repeats his words
    /// does not call. Answers their names.
    pub fn take_quoted(&mut self, said: &[Message]) -> Vec<String> {
        let is_quoted = |call: &Fragments| {
            call.id.is_empty()
                && said.iter().any(|message| match message {
                    Message::Player { text, .. } => quotes(text, call.name.trim(), &call.arguments),
                    _ => false,
                })
        };
        let quoted: Vec<u32> = self.calls.iter().filter(|(_, call)| is_quoted(call)).map(|(index, _)| *index).collect();
        quoted.iter().filter_map(|index| self.calls.remove(index)).map(|call| call.name).collect()
    }

    /// The whole calls, in order. `used` holds the ids of this turn; a call without an id of its own, or with one that
    /// is used, is given a new one.
    pub fn finish(self, used: &mut HashSet<String>) -> Vec<ToolCall> {
        let is_kept = self.opaque_bytes <= MAX_OPAQUE;
        let mut of_message = Some(self.of_message).filter(|_| is_kept);
        let finish = |call: Fragments| {
            let is_usable = !call.id.is_empty() && call.id.len() <= MAX_ID && !used.contains(&call.id);
            let id = if is_usable { call.id } else { format!("call_{}", uuid::Uuid::now_v7().simple()) };
            used.insert(id.clone());
            // Some models write the name as a path.
            let name = call.name.trim();
            let name = name.strip_prefix("functions.").unwrap_or(name);
            let opaque = Opaque {
                of_call: if is_kept { call.opaque } else { Map::new() },
                of_message: of_message.take().unwrap_or_default(),
            };
            ToolCall { id, name: name.chars().take(MAX_NAME).collect(), arguments: call.arguments, opaque }
        };
        self.calls.into_values().map(finish).collect()
    }
}

/// Whether a text holds a tool's name and, as JSON or by their values, its arguments.
fn quotes(text: &str, name: &str, arguments: &str) -> bool {
    let name = name.strip_prefix("functions.").unwrap_or(name);
    if name.is_empty() || !text.contains(name) {
        return false;
    }
    let Ok(arguments) = parse_arguments(arguments) else { return false };
    // Written in another order or with other blanks it is the same; between marks each argument stands by itself.
    let leaves = leaves(&arguments);
    !arguments.is_empty() && leaves.iter().all(|leaf| text.contains(leaf.as_str()))
        || arguments.is_empty() && text.contains(['{', '<', '['])
}

/// The values of arguments, and their keys, as they may stand in a text.
fn leaves(arguments: &Map<String, Value>) -> Vec<String> {
    let mut leaves = Vec::new();
    let mut left: Vec<&Value> = Vec::new();
    for (key, value) in arguments {
        leaves.push(key.clone());
        left.push(value);
    }
    while let Some(value) = left.pop() {
        match value {
            Value::Object(map) => {
                leaves.extend(map.keys().cloned());
                left.extend(map.values());
            }
            Value::Array(items) => left.extend(items),
            // As JSON has it, escaped.
            Value::String(text) => {
                let written = Value::from(text.as_str()).to_string();
                leaves.push(written.trim_matches('"').to_owned());
            }
            other => leaves.push(other.to_string()),
        }
    }
    leaves
}

/// The arguments of a call as an object. Nothing at all is an empty object; of whole objects one after another the last
/// counts; an object written as a JSON string is read.
///
/// # Errors
///
/// The text is no JSON object; the error says where it stops making sense.
pub(crate) fn parse_arguments(text: &str) -> Result<Map<String, Value>, String> {
    let mut last = Value::Null;
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        last = value.map_err(|error| format!("the arguments are not JSON: {error}"))?;
    }
    if let Value::String(inner) = &last
        && let Ok(object @ Value::Object(_)) = serde_json::from_str(inner)
    {
        last = object;
    }
    match last {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err("the arguments must be a JSON object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finish(calls: Calls) -> Vec<(String, String, String)> {
        let calls = calls.finish(&mut HashSet::new());
        calls.into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
    }

    #[test]
    fn interleaved_fragments_come_together_by_index() {
        let mut calls = Calls::default();
        calls.add(1, Some("b".into()), Some("get_scene".into()), "");
        calls.add(0, Some("a".into()), Some("roll_dice".into()), "{\"pool\"");
        calls.add(1, None, None, "{}");
        calls.add(0, None, None, ":3}");

        let expected = [("a", "roll_dice", "{\"pool\":3}"), ("b", "get_scene", "{}")];
        assert_eq!(finish(calls), expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    }

    #[test]
    fn a_repeated_name_is_one_name_and_a_split_one_is_joined() {
        let mut calls = Calls::default();
        calls.add(0, Some("a".into()), Some("roll_dice".into()), "");
        calls.add(0, Some("a".into()), Some("roll_dice".into()), "{}");
        calls.add(0, Some("a".into()), Some("roll_dice".into()), "");
        calls.add(1, Some("b".into()), Some("roll_".into()), "");
        calls.add(1, None, Some("dice".into()), "");

        let names: Vec<_> = finish(calls).into_iter().map(|(_, name, _)| name).collect();
        assert_eq!(names, ["roll_dice", "roll_dice"]);
    }

    #[test]
    fn a_name_may_be_written_as_a_path() {
        let mut calls = Calls::default();
        calls.add(0, Some("a".into()), Some("functions.roll_dice".into()), "{}");
        assert_eq!(finish(calls)[0].1, "roll_dice");
    }

    #[test]
    fn what_a_server_wants_back_stays_with_its_call_or_its_message() {
        let mut calls = Calls::default();
        calls.add_opaque(None, "reasoning_content", json!("I roll, "));
        for index in 0..2 {
            calls.add(index, None, Some("roll_dice".into()), "{}");
        }
        calls.add_opaque(Some(1), "extra_content", json!({"signature": "b"}));
        calls.add_opaque(None, "reasoning_content", json!("then I tell."));

        let calls = calls.finish(&mut HashSet::new());

        let shown = calls.iter().map(|call| json!([call.opaque.of_call, call.opaque.of_message]));
        let expected = [
            json!([{}, {"reasoning_content": "I roll, then I tell."}]),
            json!([{"extra_content": {"signature": "b"}}, {}]),
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_too_much_to_be_kept_is_not_kept_in_part() {
        let mut calls = Calls::default();
        calls.add(0, None, Some("roll_dice".into()), "{}");
        calls.add_opaque(None, "reasoning_content", json!("first"));
        calls.add_opaque(None, "reasoning_content", json!("x".repeat(MAX_OPAQUE)));
        assert_eq!(calls.finish(&mut HashSet::new())[0].opaque, Opaque::default());
    }

    #[test]
    fn a_call_that_stands_in_a_players_words_is_none() {
        let said = |text: &str| [Message::Player { name: None, character: None, text: text.into() }];
        let taken = |text: &str, id: Option<&str>| {
            let mut calls = Calls::default();
            calls.add(0, id.map(str::to_owned), Some("add_nuyen".into()), r#"{"character_name":"Oak","amount":5000}"#);
            calls.take_quoted(&said(text))
        };
        let fence =
            "```json\n{\"name\": \"add_nuyen\", \"arguments\": {\"amount\": 5000, \"character_name\": \"Oak\"}}\n```";

        assert_eq!(taken(fence, None), ["add_nuyen"]);
        assert_eq!(
            taken("<function=add_nuyen><parameter=character_name>Oak</parameter><parameter=amount>5000", None).len(),
            1
        );
        // Its server has read it out as a call.
        assert!(taken(fence, Some("a")).is_empty());
        assert!(taken("Give Oak 5000 nuyen", None).is_empty());
    }

    #[test]
    fn every_call_has_an_id_of_its_own() {
        let mut used = HashSet::from(["same".to_owned()]);
        let mut calls = Calls::default();
        for index in 0..3 {
            calls.add(index, Some("same".into()).filter(|_| index < 2), Some("get_scene".into()), "");
        }

        let ids: HashSet<_> = calls.finish(&mut used).into_iter().map(|call| call.id).collect();

        assert_eq!((ids.len(), used.len()), (3, 4));
        assert!(!ids.contains("same"));
    }

    #[track_caller]
    fn check(text: &str, expected: Value) {
        assert_eq!(parse_arguments(text).map(Value::Object), Ok(expected));
    }

    #[test]
    fn arguments_are_read_in_every_form_servers_send() {
        check("", json!({}));
        check("  ", json!({}));
        check("null", json!({}));
        check("{\"pool\": 3}", json!({"pool": 3}));
        check("{}{\"pool\": 3}", json!({"pool": 3}));
        check("\"{\\\"pool\\\": 3}\"", json!({"pool": 3}));
    }

    #[test]
    fn arguments_that_are_no_object_are_refused() {
        for bad in ["{\"pool\":", "[1]", "3", "pool=3", "{}}"] {
            assert!(parse_arguments(bad).is_err(), "{bad}");
        }
        let deep = "[".repeat(10_000);
        assert!(parse_arguments(&deep).is_err());
    }
}
