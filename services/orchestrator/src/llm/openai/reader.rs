//! The answers of servers as they really write them, chunk by chunk.

use serde::{Deserialize, Deserializer, de, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use super::{
    thoughts::Thoughts,
    written::{Part, Written},
};
use crate::llm::{ModelError, ModelEvent};

/// Characters of an id, a model's name or a reason that are kept.
const MAX_NAME: usize = 200;

/// What a model has thought before it calls, by the names that servers have for it. Some refuse the results of calls
/// without it, and those who do not know it never send it.
const OPAQUE: [&str; 3] = ["reasoning_content", "reasoning_details", "reasoning"];
/// What Google's models sign their calls with.
const OPAQUE_OF_CALL: &str = "extra_content";

/// A piece of an answer as its server has written it.
#[derive(Debug)]
pub(super) enum Chunk {
    /// Words and nothing else, as nearly all are: read without making a tree of them.
    Words(Words),
    Other(Value),
}

/// A chunk in the protocol's own form that holds some words. Whatever has more to say, or says it in another way, is not
/// read as one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    id: Option<String>,
    model: Option<String>,
    #[serde(rename = "object")]
    _object: Object,
    #[serde(default, rename = "created")]
    _created: IgnoredAny,
    #[serde(default, rename = "system_fingerprint")]
    _system_fingerprint: IgnoredAny,
    #[serde(default, rename = "service_tier")]
    _service_tier: IgnoredAny,
    #[serde(default, rename = "obfuscation")]
    _obfuscation: IgnoredAny,
    #[serde(default, rename = "usage")]
    _usage: (),
    choices: (Choice,),
}

#[derive(Debug, Deserialize)]
enum Object {
    #[serde(rename = "chat.completion.chunk")]
    Chunk,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    #[serde(default, rename = "index")]
    _index: IgnoredAny,
    delta: Delta,
    #[serde(default, rename = "finish_reason")]
    _finish_reason: (),
    #[serde(default, rename = "logprobs")]
    _logprobs: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delta {
    #[serde(default, rename = "role")]
    _role: IgnoredAny,
    content: String,
}

impl<'de> Deserialize<'de> for Chunk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Chunk, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let words = serde_json::from_str(text).map(Chunk::Words);
        words.or_else(|_| serde_json::from_str(text).map(Chunk::Other)).map_err(de::Error::custom)
    }
}

impl Chunk {
    /// The failure that it tells of.
    pub fn error(&self) -> Option<&Value> {
        match self {
            Chunk::Words(_) => None,
            Chunk::Other(chunk) => error_of(chunk),
        }
    }
}

/// What has come of a call.
#[derive(Debug, Default)]
struct Begun {
    /// Empty where the server gave none.
    id: String,
    arguments: String,
}

impl Begun {
    /// Whether its arguments are whole.
    fn is_whole(&self) -> bool {
        serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok()
    }
}

/// Reads the chunks of one answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    is_finished: bool,
    /// Whether the answer has told its id and model.
    is_named: bool,
    /// The calls so far, by index.
    calls: Vec<Begun>,
    thoughts: Thoughts,
    written: Written,
}

impl Reader {
    /// Whether the model has given its reason to finish.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// The events of a chunk. Whatever is missing, null or unknown in it is passed over.
    ///
    /// # Errors
    ///
    /// The server tells of a failure in the middle of its answer.
    pub fn read(&mut self, chunk: &Chunk) -> Result<Vec<ModelEvent>, ModelError> {
        if let Some(error) = chunk.error() {
            return Err(failure(error));
        }
        let mut events = Vec::new();
        let chunk = match chunk {
            Chunk::Other(chunk) => chunk,
            Chunk::Words(Words { id, model, choices: (choice,), .. }) => {
                self.name(id.as_deref(), model.as_deref(), &mut events);
                let text = self.thoughts.take_out(&choice.delta.content);
                self.tell(&text, &mut events);
                return Ok(events);
            }
        };
        self.name(chunk["id"].as_str(), chunk["model"].as_str(), &mut events);
        if let Some(choice) = chunk["choices"].get(0) {
            self.read_choice(choice, &mut events);
        }
        let (prompt, completion) = (&chunk["usage"]["prompt_tokens"], &chunk["usage"]["completion_tokens"]);
        if prompt.is_number() || completion.is_number() {
            let (prompt_tokens, completion_tokens) = (to_u64(prompt), to_u64(completion));
            events.push(ModelEvent::Usage { prompt_tokens, completion_tokens });
        }
        Ok(events)
    }

    /// Tells once what the answer and its model are called.
    fn name(&mut self, id: Option<&str>, model: Option<&str>, events: &mut Vec<ModelEvent>) {
        if self.is_named || id.or(model).is_none() {
            return;
        }
        self.is_named = true;
        let text = |name: Option<&str>| name.unwrap_or_default().chars().take(MAX_NAME).collect();
        events.push(ModelEvent::Named { id: text(id), model: text(model) });
    }

    fn read_choice(&mut self, choice: &Value, events: &mut Vec<ModelEvent>) {
        // A server that does not stream sends its whole message at once.
        let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
        let mut says_something = false;
        // Some speak of completions still, whose text stands beside the delta.
        for text in [&delta["content"], &delta["refusal"], &choice["text"]] {
            let text = text_of(text);
            says_something |= !text.is_empty();
            let text = self.thoughts.take_out(&text);
            self.tell(&text, events);
        }
        for field in OPAQUE {
            if let value @ (Value::String(_) | Value::Array(_)) = &delta[field] {
                events.push(ModelEvent::Opaque { index: None, field, value: value.clone() });
            }
        }
        // One call may come without its list, or under the name that calls had before they were tools'.
        let calls = match (&delta["tool_calls"], &delta["function_call"]) {
            (Value::Array(calls), _) => calls.iter().collect(),
            (call @ Value::Object(_), _) | (_, call @ Value::Object(_)) => vec![call],
            _ => Vec::new(),
        };
        says_something |= !calls.is_empty();
        for call in calls {
            let fragment = self.read_call(call);
            let opaque = match (&fragment, &call[OPAQUE_OF_CALL]) {
                (ModelEvent::ToolCall { index, .. }, value @ Value::Object(_)) => {
                    Some(ModelEvent::Opaque { index: Some(*index), field: OPAQUE_OF_CALL, value: value.clone() })
                }
                _ => None,
            };
            events.push(fragment);
            events.extend(opaque);
        }
        let reason = choice["finish_reason"].as_str();
        if reason.is_some_and(|reason| !reason.is_empty() || !says_something) {
            events.append(&mut self.rest());
        }
        match reason {
            // Some servers write an empty reason into every chunk: only after the last words it is one.
            Some("") => self.is_finished = !says_something,
            Some(reason) => {
                self.is_finished = true;
                events.push(ModelEvent::Finished(reason.chars().take(MAX_NAME).collect()));
            }
            None => {}
        }
    }

    /// Text that is told, and calls that a model has written into it since its server does not read them out.
    fn tell(&mut self, text: &str, events: &mut Vec<ModelEvent>) {
        for part in self.written.take_out(text) {
            events.push(self.told(part));
        }
    }

    /// What was held back of an answer that ends.
    pub fn rest(&mut self) -> Vec<ModelEvent> {
        self.written.rest().into_iter().map(|part| self.told(part)).collect()
    }

    fn told(&mut self, part: Part) -> ModelEvent {
        match part {
            Part::Text(text) => ModelEvent::Text(text),
            Part::Call(call) => self.read_call(&call),
        }
    }

    fn read_call(&mut self, call: &Value) -> ModelEvent {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let id = text(&call["id"]);
        // Some leave out the wrapping.
        let function = if call["function"].is_object() { &call["function"] } else { call };
        let name = text(&function["name"]);
        let arguments = match (&function["arguments"], &function["parameters"]) {
            (Value::Null, Value::Null) => String::new(),
            (Value::Null, whole) => whole.to_string(),
            (Value::String(text), _) => text.clone(),
            (whole, _) => whole.to_string(),
        };
        let position = self.position_of(&call["index"], id.as_deref(), name.is_some());
        self.calls[position].arguments.push_str(&arguments);
        ModelEvent::ToolCall { index: u32::try_from(position).unwrap_or(u32::MAX), id, name, arguments }
    }

    /// Which call a fragment belongs to. Some servers give no index, and some give all calls the same one, or the same id.
    fn position_of(&mut self, index: &Value, id: Option<&str>, is_named: bool) -> usize {
        let given = index.as_u64().and_then(|index| usize::try_from(index).ok());
        let known = id.and_then(|id| self.calls.iter().position(|call| call.id == id));
        let count = self.calls.len();
        let last = count.saturating_sub(1);
        let position = match (given, known) {
            (None, Some(known)) => known,
            // Another call under a taken index: it has a name, and an id of its own or nothing that could be added to.
            (Some(given), None)
                if is_named
                    && self.calls.get(given).is_some_and(|call| match id {
                        Some(_) => !call.id.is_empty(),
                        None => call.is_whole(),
                    }) =>
            {
                count
            }
            // A fragment without an id of a call that was moved away from its index.
            (Some(given), None) if id.is_none() && !is_named && self.is_moved(given) => last,
            // A fragment of a call that was moved away from its index.
            (Some(given), Some(known)) if given < known => known,
            // Indices may begin anywhere; one far beyond is the next.
            (Some(given), _) if given <= count + 1 => given,
            (Some(_), _) => last,
            (None, None) if is_named || count == 0 => count,
            (None, None) => last,
        };
        while self.calls.len() <= position {
            self.calls.push(Begun::default());
        }
        let call = &mut self.calls[position];
        if let Some(id) = id.filter(|_| call.id.is_empty()) {
            call.id = id.to_owned();
        }
        position
    }

    /// Whether what has this index was whole when others came under it, so that what follows is the last one's.
    fn is_moved(&self, index: usize) -> bool {
        let is_open = |call: &Begun| !call.is_whole();
        self.calls.get(index).is_some_and(Begun::is_whole) && self.calls.last().is_some_and(is_open)
    }
}

/// The failure that a chunk tells of, in its place or as the chunk itself.
fn error_of(chunk: &Value) -> Option<&Value> {
    match chunk.get("error") {
        Some(error) if !error.is_null() => Some(error),
        _ => (chunk["object"] == "error").then_some(chunk),
    }
}

/// Content is a text, or a list of parts of which some are text.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            // Thoughts are parts as well.
            let is_told = |part: &&Value| matches!(part["type"].as_str(), None | Some("text" | "output_text"));
            parts.iter().filter(is_told).filter_map(|part| part["text"].as_str()).collect()
        }
        _ => String::new(),
    }
}

fn to_u64(value: &Value) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and it is a statistic"
    )]
    let from_float = |number: f64| number as u64;
    value.as_u64().or_else(|| value.as_f64().map(from_float)).unwrap_or_default()
}

/// A failure that a server tells of in its stream, in one of the many forms there are.
pub(super) fn failure(error: &Value) -> ModelError {
    let status = [&error["code"], &error["status"], &error["status_code"]]
        .into_iter()
        .find_map(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()))
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code));
    let is_rate_limit = [&error["type"], &error["code"]]
        .into_iter()
        .any(|kind| kind.as_str().is_some_and(|kind| kind.contains("rate_limit")));
    match status {
        Some(429) => ModelError::RateLimited { retry_after: None },
        _ if is_rate_limit => ModelError::RateLimited { retry_after: None },
        Some(status) => ModelError::Refused { status },
        None => ModelError::Refused { status: 500 },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn read(reader: &mut Reader, chunk: Value) -> Vec<ModelEvent> {
        reader.read(&Chunk::Other(chunk)).unwrap()
    }

    fn calls(chunks: impl IntoIterator<Item = Value>) -> Vec<(u32, String)> {
        let mut reader = Reader::default();
        let events = chunks
            .into_iter()
            .flat_map(|calls| read(&mut reader, json!({"choices": [{"delta": {"tool_calls": calls}}]})));
        let shown = events.map(|event| match event {
            ModelEvent::ToolCall { index, name, arguments, .. } => (index, name.unwrap_or_default() + &arguments),
            other => panic!("{other:?}"),
        });
        shown.collect()
    }

    fn fragment(index: Option<u32>, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
        json!([{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}])
    }

    #[track_caller]
    fn check(chunks: &[Value], expected: &[(u32, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(index, text)| (*index, (*text).to_owned())).collect();
        assert_eq!(calls(chunks.iter().cloned()), expected);
    }

    #[test]
    fn words_are_the_same_read_in_either_way() {
        let whole = json!({
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": null,
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": "\u{201C}Hi\"\n"}, "finish_reason": null}],
        });
        let chunk: Chunk = serde_json::from_str(&whole.to_string()).unwrap();
        assert!(matches!(chunk, Chunk::Words(_)));

        let events = format!("{:?}", Reader::default().read(&chunk).unwrap());

        assert_eq!(events, format!("{:?}", read(&mut Reader::default(), whole.clone())));
        let others = [
            ("/object", json!("error")),
            ("/usage", json!({"prompt_tokens": 1})),
            ("/choices/0/finish_reason", json!("stop")),
            ("/choices/0/delta/content", json!(null)),
            ("/choices/0/delta", json!({"content": "a", "tool_calls": []})),
            ("/choices/0/delta", json!({"content": "a", "reasoning": "b"})),
            ("/choices", json!([])),
            ("/id", json!(7)),
        ];
        for (place, value) in others {
            let mut other = whole.clone();
            *other.pointer_mut(place).unwrap() = value;
            let chunk: Chunk = serde_json::from_str(&other.to_string()).unwrap();
            assert!(matches!(&chunk, Chunk::Other(read) if *read == other), "{other}");
        }
        assert!(serde_json::from_str::<Chunk>("{\"id\": ").is_err());
    }

    #[test]
    fn fragments_go_by_their_index() {
        check(
            &[
                fragment(Some(0), Some("a"), Some("one"), ""),
                fragment(Some(1), Some("b"), Some("two"), ""),
                fragment(Some(0), None, None, "{}"),
                fragment(Some(1), None, None, "[]"),
            ],
            &[(0, "one"), (1, "two"), (0, "{}"), (1, "[]")],
        );
    }

    #[test]
    fn fragments_without_an_index_go_by_id_and_order() {
        check(
            &[
                fragment(None, Some("a"), Some("one"), "{"),
                fragment(None, None, None, "}"),
                fragment(None, Some("b"), Some("two"), "{}"),
                fragment(None, Some("a"), None, " "),
                fragment(None, None, Some("three"), "{}"),
            ],
            &[(0, "one{"), (0, "}"), (1, "two{}"), (0, " "), (2, "three{}")],
        );
    }

    #[test]
    fn several_calls_under_one_index_are_several_calls() {
        check(
            &[
                fragment(Some(0), Some("a"), Some("one"), "{}"),
                fragment(Some(0), Some("b"), Some("two"), "{"),
                fragment(Some(0), Some("b"), None, "}"),
            ],
            &[(0, "one{}"), (1, "two{"), (1, "}")],
        );
    }

    #[test]
    fn an_index_beyond_all_measure_does_no_harm() {
        check(&[fragment(Some(u32::MAX), None, Some("one"), "{}")], &[(0, "one{}")]);
    }

    #[test]
    fn whatever_is_missing_or_unknown_is_passed_over() {
        let mut reader = Reader::default();
        for chunk in [
            json!({}),
            json!(null),
            json!({"choices": null, "error": null}),
            json!({"choices": []}),
            json!({"choices": [{"delta": null, "finish_reason": null}]}),
            json!({"id": 1, "created": -1.5, "choices": [{"delta": {"role": "", "mood": "hm"}}]}),
            json!({"choices": [{"delta": {"content": null, "tool_calls": null}}]}),
            json!({"choices": [], "usage": null}),
        ] {
            assert_eq!(read(&mut reader, chunk), []);
        }
        assert!(!reader.is_finished());
    }

    #[test]
    fn every_reason_to_finish_is_one_and_an_empty_one_only_at_the_end() {
        for reason in ["stop", "tool_calls", "eos", "length", "whatever"] {
            let mut reader = Reader::default();
            read(&mut reader, json!({"choices": [{"delta": {}, "finish_reason": reason}]}));
            assert!(reader.is_finished(), "{reason}");
        }
        let mut reader = Reader::default();
        read(&mut reader, json!({"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]}));
        assert!(!reader.is_finished());
        read(&mut reader, json!({"choices": [{"delta": {}, "finish_reason": ""}]}));
        assert!(reader.is_finished());
    }

    #[test]
    fn the_usage_may_come_alone_and_in_part() {
        let mut reader = Reader::default();
        let usage = read(&mut reader, json!({"choices": [], "usage": {"completion_tokens": 7.0}}));
        assert_eq!(usage, [ModelEvent::Usage { prompt_tokens: 0, completion_tokens: 7 }]);
    }

    #[test]
    fn a_whole_message_and_content_in_parts_are_read() {
        let mut reader = Reader::default();
        let chunk =
            json!({"choices": [{"message": {"content": [{"type": "text", "text": "Hi"}]}, "finish_reason": "stop"}]});
        let expected = [ModelEvent::Text("Hi".into()), ModelEvent::Finished("stop".into())];
        assert_eq!(read(&mut reader, chunk), expected);
    }

    #[test]
    fn a_call_is_read_in_every_wrapping() {
        let call = |delta: Value| {
            let events = read(&mut Reader::default(), json!({"choices": [{"delta": delta}]}));
            match events.as_slice() {
                [ModelEvent::ToolCall { name: Some(name), arguments, .. }] => format!("{name} {arguments}"),
                other => panic!("{other:?}"),
            }
        };
        let whole = json!({"name": "roll", "arguments": {"pool": 3}});
        for delta in [
            json!({"tool_calls": [{"function": whole}]}),
            json!({"tool_calls": {"index": 0, "function": whole}}),
            json!({"tool_calls": [whole]}),
            json!({"function_call": whole}),
            json!({"tool_calls": [{"function": {"name": "roll", "parameters": {"pool": 3}}}]}),
            json!({"content": format!("<tool_call>\n{whole}\n</tool_call>")}),
        ] {
            assert_eq!(call(delta.clone()), r#"roll {"pool":3}"#, "{delta}");
        }
    }

    #[test]
    fn the_text_of_a_completion_is_told() {
        let events = read(&mut Reader::default(), json!({"choices": [{"text": "Hi", "finish_reason": "stop"}]}));
        assert_eq!(events, [ModelEvent::Text("Hi".into()), ModelEvent::Finished("stop".into())]);
    }

    #[test]
    fn a_failure_in_the_stream_is_told_apart() {
        let fail = |error: Value| Reader::default().read(&Chunk::Other(json!({"error": error}))).unwrap_err();
        assert_eq!(fail(json!({"code": 429})), ModelError::RateLimited { retry_after: None });
        assert_eq!(fail(json!({"type": "rate_limit_exceeded"})), ModelError::RateLimited { retry_after: None });
        assert_eq!(fail(json!({"code": "503"})), ModelError::Refused { status: 503 });
        assert_eq!(fail(json!("overloaded")), ModelError::Refused { status: 500 });
    }
}
