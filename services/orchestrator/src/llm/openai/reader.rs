//! The answers of servers as they really write them, chunk by chunk.

use serde::{Deserialize, Deserializer, de, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use super::{
    halves::{self, Halves},
    written::{Part, Written},
};
use crate::llm::{LENGTH, ModelError, ModelEvent};

/// Characters of an id, a model's name or a reason that are kept.
const MAX_NAME: usize = 200;

/// What a model has thought before it calls, by the names that servers have for it. Some refuse the results of calls
/// without it, and those who do not know it never send it.
const OPAQUE: [&str; 3] = ["reasoning_content", "reasoning_details", "reasoning"];
/// What Google's models sign their calls with.
const OPAQUE_OF_CALL: &str = "extra_content";
/// Reasons to finish that say that the server has failed.
const FAILED: [&str; 4] = ["error", "abort", "network_error", "insufficient_system_resource"];
/// What servers call the greatest length of an answer.
const AT_LENGTH: [&str; 4] = ["max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"];

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
        words
            .or_else(|_| serde_json::from_str(text).map(Chunk::Other))
            .or_else(|_| serde_json::from_str(&halves::with_stand_ins(text)).map(Chunk::Other))
            .map_err(de::Error::custom)
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
    /// The index under which it came, if it had one.
    index: Option<u64>,
    /// Empty where the server gave none.
    id: String,
    arguments: String,
    halves: Halves,
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
    /// The calls so far, in their order.
    calls: Vec<Begun>,
    /// How many there were when something could not be read.
    torn_at: Option<usize>,
    halves: Halves,
    written: Written,
    /// The calls that stood in the text.
    written_calls: Vec<u32>,
}

impl Reader {
    /// A reader of an answer that may begin with thoughts without a mark.
    pub fn thinking_first() -> Reader {
        Reader { written: Written::thinking_first(), ..Reader::default() }
    }

    /// Whether the answer has begun with thoughts without a mark, as far as it shows.
    pub fn thinks_first(&self) -> Option<bool> {
        self.written.thinks_first()
    }

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
                self.tell(&choice.delta.content, &mut events);
                return Ok(events);
            }
        };
        self.name(chunk["id"].as_str(), chunk["model"].as_str(), &mut events);
        if let Some(choice) = chunk["choices"].get(0) {
            self.read_choice(choice, &mut events)?;
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

    fn read_choice(&mut self, choice: &Value, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        // A server that does not stream sends its whole message at once.
        let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
        let mut says_something = false;
        // Some speak of completions still, whose text stands beside the delta.
        for text in [&delta["content"], &delta["refusal"], &choice["text"]] {
            let text = text_of(text);
            says_something |= !text.is_empty();
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
            let fragment = self.read_call(call)?;
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
            let is_cut = reason.is_some_and(|reason| reason == LENGTH || AT_LENGTH.contains(&reason));
            events.append(&mut self.rest(is_cut));
        }
        match reason {
            // Some servers write an empty reason into every chunk: only after the last words it is one.
            Some("") => self.is_finished = !says_something,
            Some(reason) if FAILED.contains(&reason) => return Err(ModelError::Broken { is_down: false }),
            Some(reason) => {
                self.is_finished = true;
                let reason = if AT_LENGTH.contains(&reason) { LENGTH } else { reason };
                events.push(ModelEvent::Finished(reason.chars().take(MAX_NAME).collect()));
            }
            None => {}
        }
        Ok(())
    }

    /// Text that is told, and calls that a model has written into it since its server does not read them out.
    fn tell(&mut self, text: &str, events: &mut Vec<ModelEvent>) {
        let text = self.halves.join(text);
        for part in self.written.take_out(&text) {
            events.push(self.told(part));
        }
    }

    /// What was held back of an answer that ends, or is cut at its greatest length.
    pub fn rest(&mut self, is_cut: bool) -> Vec<ModelEvent> {
        let mut events = Vec::new();
        let half = self.halves.rest();
        self.tell(half, &mut events);
        events.extend(self.written.rest(is_cut).into_iter().map(|part| self.told(part)).collect::<Vec<_>>());
        events
    }

    fn told(&mut self, part: Part) -> ModelEvent {
        match part {
            Part::Text(text) => ModelEvent::Text(text),
            Part::Thoughts => ModelEvent::Unsaid { calls: std::mem::take(&mut self.written_calls) },
            Part::Call(call) => self.read_written(&call),
        }
    }

    /// A fragment of a call.
    ///
    /// # Errors
    ///
    /// Its beginning could not be read.
    fn read_call(&mut self, call: &Value) -> Result<ModelEvent, ModelError> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let id = text(&call["id"]);
        let function = function_of(call);
        let name = text(&function["name"]);
        let index = call["index"].as_u64();
        let position = self.position_of(index, id.as_deref(), name.is_some());
        let is_new = position == self.calls.len();
        if self.torn_at.is_some_and(|torn_at| position < torn_at || is_new && name.is_none()) {
            return Err(ModelError::Cut);
        }
        if is_new {
            self.calls.push(Begun { index, ..Begun::default() });
        }
        Ok(self.add(position, id, name, &arguments_of(function)))
    }

    /// A whole call that stood in the text.
    fn read_written(&mut self, call: &Value) -> ModelEvent {
        let position = self.calls.len();
        self.calls.push(Begun::default());
        self.written_calls.extend(u32::try_from(position));
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        self.add(position, text(&call["id"]), text(&call["name"]), &arguments_of(call))
    }

    fn add(&mut self, position: usize, id: Option<String>, name: Option<String>, arguments: &str) -> ModelEvent {
        let call = &mut self.calls[position];
        if let Some(id) = id.as_ref().filter(|_| call.id.is_empty()) {
            call.id.clone_from(id);
        }
        let arguments = call.halves.join(arguments).into_owned();
        call.arguments.push_str(&arguments);
        ModelEvent::ToolCall { index: u32::try_from(position).unwrap_or(u32::MAX), id, name, arguments }
    }

    /// Which call a fragment belongs to; the number of calls if it begins another one. Some servers give no index, and some
    /// give all calls the same one, or the same id.
    fn position_of(&self, index: Option<u64>, id: Option<&str>, is_named: bool) -> usize {
        let count = self.calls.len();
        let last = count.saturating_sub(1);
        let known = |index: Option<u64>| {
            let is_it = |call: &Begun| Some(call.id.as_str()) == id && (index.is_none() || call.index == index);
            self.calls.iter().rposition(is_it)
        };
        // Of several under one index, what has no id of its own is the last one's.
        let under = index.and_then(|_| self.calls.iter().rposition(|call| call.index == index));
        let Some(under) = under else {
            return match known(None) {
                // A fragment may have lost its index; but two calls with an index each are two, whatever their ids.
                Some(known) if index.is_none() || !is_named => known,
                _ if index.is_some() || is_named || count == 0 => count,
                _ => last,
            };
        };
        if let Some(known) = known(index) {
            return known;
        }
        let call = &self.calls[under];
        match id {
            // An id may follow its call.
            Some(_) if is_named && (!call.id.is_empty() || call.is_whole()) => count,
            None if is_named && call.is_whole() => count,
            Some(_) if !is_named => known(None).unwrap_or(under),
            _ => under,
        }
    }

    /// Something of the answer could not be read.
    ///
    /// # Errors
    ///
    /// It may have been a part of a call, which must not be made without it.
    pub fn tear(&mut self) -> Result<(), ModelError> {
        if !self.calls.iter().all(Begun::is_whole) || self.written.is_open() {
            return Err(ModelError::Cut);
        }
        self.torn_at = Some(self.calls.len());
        Ok(())
    }
}

/// The failure that a chunk tells of, in its place or as the chunk itself.
fn error_of(chunk: &Value) -> Option<&Value> {
    match &chunk["error"] {
        Value::Null | Value::Bool(false) => {}
        Value::String(text) if text.is_empty() => {}
        error => return Some(error),
    }
    let is_error = |name: &str| chunk[name] == "error";
    let is_message = chunk.get("choices").is_none() && (chunk["message"].is_string() || chunk["detail"].is_string());
    (is_error("object") || is_error("type") || is_message).then_some(chunk)
}

/// What is called, and with what. Some leave out the wrapping.
fn function_of(call: &Value) -> &Value {
    if call["function"].is_object() { &call["function"] } else { call }
}

fn arguments_of(function: &Value) -> String {
    match (&function["arguments"], &function["parameters"]) {
        (Value::Null, Value::Null) => String::new(),
        (Value::Null, whole) => whole.to_string(),
        (Value::String(text), _) => text.clone(),
        (whole, _) => whole.to_string(),
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

/// Words by which a server says that it has failed itself, and not over what it was asked.
const DOWN: [&str; 5] = ["overloaded", "server_error", "servererror", "internal", "unavailable"];

/// A failure that a server tells of in its stream, in one of the many forms there are.
pub(super) fn failure(error: &Value) -> ModelError {
    let status = [&error["code"], &error["status"], &error["status_code"]]
        .into_iter()
        .find_map(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()))
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code));
    let kinds = [error, &error["type"], &error["code"]].map(|kind| kind.as_str().unwrap_or_default().to_lowercase());
    let is = |words: &[&str]| kinds.iter().any(|kind| words.iter().any(|word| kind.contains(word)));
    match status {
        Some(429) => ModelError::RateLimited { retry_after: None },
        _ if is(&["rate_limit"]) => ModelError::RateLimited { retry_after: None },
        Some(status) if status < 500 => ModelError::Refused { status },
        _ => ModelError::Broken { is_down: status.is_some() || is(&DOWN) },
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
    fn fragments_without_an_id_are_of_the_last_call_under_their_index() {
        check(
            &[
                fragment(Some(0), Some("a"), Some("one"), ""),
                fragment(Some(0), Some("b"), Some("two"), ""),
                fragment(Some(0), None, None, "{"),
                fragment(Some(0), None, None, "}"),
                fragment(Some(1), Some("c"), Some("three"), ""),
                fragment(Some(0), Some("a"), None, "[]"),
                fragment(Some(1), None, None, "{}"),
                fragment(Some(0), None, None, " "),
            ],
            &[(0, "one"), (1, "two"), (1, "{"), (1, "}"), (2, "three"), (0, "[]"), (2, "{}"), (1, " ")],
        );
    }

    #[test]
    fn what_may_lack_something_is_no_call() {
        let reads = |before: &[Value], after: &[Value]| {
            let mut reader = Reader::default();
            let chunk = |calls: &Value| Chunk::Other(json!({"choices": [{"delta": {"tool_calls": calls}}]}));
            before.iter().try_for_each(|calls| reader.read(&chunk(calls)).map(drop))?;
            reader.tear()?;
            after.iter().try_for_each(|calls| reader.read(&chunk(calls)).map(drop))
        };
        let begun = |id: &str, arguments: &str| fragment(Some(0), Some(id), Some("pay"), arguments);
        let more = |id: Option<&str>| fragment(Some(0), id, None, "}");
        assert_eq!(reads(&[begun("a", "{\"amount\": 1")], &[more(None)]), Err(ModelError::Cut));
        assert_eq!(reads(&[begun("a", "")], &[]), Err(ModelError::Cut));
        assert_eq!(reads(&[begun("a", "{}")], &[more(None)]), Err(ModelError::Cut));
        assert_eq!(reads(&[begun("a", "{}")], &[more(Some("a"))]), Err(ModelError::Cut));
        assert_eq!(reads(&[], &[more(None)]), Err(ModelError::Cut));
        assert_eq!(reads(&[begun("a", "{}")], &[begun("b", "{"), more(None)]), Ok(()));
        let mut reader = Reader::default();
        read(&mut reader, json!({"choices": [{"delta": {"content": "<tool_call>{\"name\""}}]}));
        assert_eq!(reader.tear(), Err(ModelError::Cut));
    }

    #[test]
    fn a_character_in_two_halves_is_whole_in_words_and_arguments() {
        let mut reader = Reader::default();
        let mut events = Vec::new();
        for chunk in [
            r#"{"choices": [{"delta": {"content": "Hi \ud83d"}}]}"#,
            r#"{"choices": [{"delta": {"content": "\ude00 all"}}]}"#,
            r#"{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "a", "arguments": "\ud83d"}}]}}]}"#,
            r#"{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "\ude00"}}]}}]}"#,
        ] {
            events.extend(reader.read(&serde_json::from_str(chunk).unwrap()).unwrap());
        }
        let told = |event: &ModelEvent| match event {
            ModelEvent::Text(text) | ModelEvent::ToolCall { arguments: text, .. } => text.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(events.iter().map(told).collect::<Vec<_>>(), ["Hi ", "\u{1F600} all", "", "\u{1F600}"]);
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
        assert_eq!(fail(json!({"code": "402"})), ModelError::Refused { status: 402 });
        for down in [json!({"code": "503"}), json!("overloaded"), json!({"type": "ServerError"}), json!({"code": 529})]
        {
            assert_eq!(fail(down), ModelError::Broken { is_down: true });
        }
        assert_eq!(fail(json!({"message": "the prompt is too long"})), ModelError::Broken { is_down: false });
    }

    #[test]
    fn a_failure_is_one_in_its_place_or_as_the_chunk_itself() {
        let reads = |chunk: Value| Reader::default().read(&Chunk::Other(chunk));
        for chunk in [
            json!({"object": "error", "message": "no"}),
            json!({"type": "error", "error": {"type": "overloaded_error"}}),
            json!({"message": "no"}),
            json!({"detail": "no"}),
            json!({"choices": [{"delta": {}, "finish_reason": "error"}]}),
        ] {
            assert!(matches!(reads(chunk.clone()), Err(ModelError::Broken { .. })), "{chunk}");
        }
        assert_eq!(reads(json!({"choices": [], "error": ""})), Ok(vec![]));
    }
}
