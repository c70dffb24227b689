//! The chat completions protocol as JSON: the request as the documentation says, the answer as servers really write it.

use std::{borrow::Cow, fmt::Write as _};

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::asides::{Thoughts, Written, WrittenPart};
use crate::llm::{Message, ModelError, ModelEvent, ModelRequest};

/// The body of a streaming request.
#[derive(Serialize)]
pub(super) struct Body<'r> {
    model: &'r str,
    messages: Vec<Value>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    /// Written long before: they are the greatest part of a request, and always the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<&'r RawValue>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The request as its server takes it. What never changes stands in front, so that servers can keep it in their cache.
/// `asks_usage`: whether the server is to say what the answer cost.
pub(super) fn request<'r>(model: &'r str, request: &'r ModelRequest, asks_usage: bool) -> Body<'r> {
    let mut messages = vec![json!({"role": "system", "content": system(request)})];
    request.messages.iter().for_each(|next| add(&mut messages, message(next)));
    Body {
        model,
        messages,
        stream: true,
        stream_options: asks_usage.then_some(StreamOptions { include_usage: true }),
        tools: request.tools.iter().map(|tool| tool.written()).collect(),
    }
}

/// Adds a message. What one side says in a row is one message: the templates of many models want the sides to alternate,
/// and their servers refuse what does not.
fn add(messages: &mut Vec<Value>, next: Value) {
    let is_said = |message: &Value| message["role"] != "tool" && message.get("tool_calls").is_none();
    if let Some(last) = messages.last_mut()
        && last["role"] == next["role"]
        && is_said(last)
        && is_said(&next)
    {
        let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        last["content"] = format!("{}\n\n{}", text(last), text(&next)).into();
        return;
    }
    messages.push(next);
}

fn system(request: &ModelRequest) -> String {
    let mut text = request.instructions.trim_end().to_owned();
    text.push_str("\n\nCHARACTERS AT THE TABLE\n");
    if request.characters.is_empty() {
        text.push_str("None has been added to this session yet.\n");
    }
    for character in request.characters.iter() {
        let _ = writeln!(text, "- {}: {}", one_line(&character.name), one_line(&character.summary));
    }
    for section in request.sections.iter().filter(|section| !section.items.is_empty()) {
        let _ = writeln!(text, "\n{}", section.heading);
        for item in &section.items {
            let _ = writeln!(text, "- {}", one_line(item));
        }
    }
    text.push_str("\nTHE SCENE\n");
    match request.scene.is_empty() {
        true => text.push_str("Nothing is known of it yet.\n"),
        false => {
            let scene = serde_json::to_string(&request.scene).unwrap_or_default();
            let _ = writeln!(text, "{}", data(&scene));
        }
    }
    text
}

/// Marks by which servers tell one speaker's words from another's. Many read them in a text as well as in their own
/// templates, so none may stand in what somebody else has written.
const MARKS: [&str; 11] = [
    "<|",
    "|>",
    "<s>",
    "</s>",
    "<<SYS>>",
    "<</SYS>>",
    "[INST]",
    "[/INST]",
    "<start_of_turn>",
    "<end_of_turn>",
    "<turn|",
];

/// A text without a server's marks: a blank is put into each.
fn unmarked(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for mark in MARKS {
        if text.contains(mark) {
            let (first, rest) = mark.split_at(1);
            text = text.replace(mark, &format!("{first} {rest}")).into();
        }
    }
    text
}

fn one_line(text: &str) -> String {
    unmarked(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// What ends a line, for whoever reads it.
fn is_line_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// JSON in one line, which it is but for a few breaks that it may hold as they are.
fn data(json: &str) -> String {
    unmarked(&json.replace(is_line_break, " ")).into_owned()
}

/// A name as it may stand in a label: in one line, without the label's own brackets.
fn label(name: &str) -> String {
    one_line(name).replace(['[', ']'], "")
}

/// A player's words. No line of them can be taken for the label of another speaker: those stand where a line begins, and
/// all lines but the first are set in.
fn fenced(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    unmarked(&text.split(is_line_break).collect::<Vec<_>>().join("\n  ")).into_owned()
}

fn message(message: &Message) -> Value {
    match message {
        Message::Player { name, character, text } => {
            let speaker = match (character, name) {
                (Some(character), Some(name)) => format!("[{}, played by {}] ", label(character), label(name)),
                (Some(speaker), None) | (None, Some(speaker)) => format!("[{}] ", label(speaker)),
                // Whoever begins like a label gets one, so that it is not taken for one.
                (None, None) if text.trim_start().starts_with('[') => "[a player] ".to_owned(),
                (None, None) => String::new(),
            };
            json!({"role": "user", "content": format!("{speaker}{}", fenced(text))})
        }
        Message::GameMaster { text, tool_calls } if tool_calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        Message::GameMaster { text, tool_calls } => {
            let calls: Vec<Value> = tool_calls
                .iter()
                .map(|call| {
                    let function = json!({"name": call.name, "arguments": call.arguments});
                    json!({"id": call.id, "type": "function", "function": function})
                })
                .collect();
            let content = if text.is_empty() { Value::Null } else { text.as_str().into() };
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }
        Message::ToolResult { call_id, tool: _, result, failed: _ } => {
            json!({"role": "tool", "tool_call_id": call_id, "content": data(&result.to_string())})
        }
    }
}

/// Characters of an id, a model's name or a reason that are kept.
const MAX_NAME: usize = 200;

/// Reads the chunks of one answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    is_finished: bool,
    /// Whether the answer has told its id and model.
    is_named: bool,
    /// The id of each call so far, by index; empty where the server gave none.
    ids: Vec<String>,
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
    pub fn read(&mut self, chunk: &Value) -> Result<Vec<ModelEvent>, ModelError> {
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(failure(error));
        }
        let mut events = Vec::new();
        if !self.is_named && (chunk["id"].is_string() || chunk["model"].is_string()) {
            self.is_named = true;
            let text = |value: &Value| value.as_str().unwrap_or_default().chars().take(MAX_NAME).collect();
            events.push(ModelEvent::Named { id: text(&chunk["id"]), model: text(&chunk["model"]) });
        }
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
        // One call may come without its list, or under the name that calls had before they were tools'.
        let calls = match (&delta["tool_calls"], &delta["function_call"]) {
            (Value::Array(calls), _) => calls.iter().collect(),
            (call @ Value::Object(_), _) | (_, call @ Value::Object(_)) => vec![call],
            _ => Vec::new(),
        };
        says_something |= !calls.is_empty();
        for call in calls {
            events.push(self.read_call(call));
        }
        let reason = choice["finish_reason"].as_str();
        if reason.is_some_and(|reason| !reason.is_empty() || !says_something) {
            let rest = self.written.rest();
            events.extend(Some(rest).filter(|rest| !rest.is_empty()).map(ModelEvent::Text));
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
            events.push(match part {
                WrittenPart::Text(text) => ModelEvent::Text(text),
                WrittenPart::Call(call) => self.read_call(&call),
            });
        }
    }

    /// What was held back of an answer that ends.
    pub fn rest(&mut self) -> Option<ModelEvent> {
        let rest = self.written.rest();
        (!rest.is_empty()).then_some(ModelEvent::Text(rest))
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
        let index = self.index_of(&call["index"], id.as_deref(), name.is_some());
        ModelEvent::ToolCall { index, id, name, arguments }
    }

    /// Which call a fragment belongs to. Some servers give no index, and some give all calls the same one.
    fn index_of(&mut self, index: &Value, id: Option<&str>, is_named: bool) -> u32 {
        let given = index.as_u64().and_then(|index| usize::try_from(index).ok());
        let known = id.and_then(|id| self.ids.iter().position(|known| known == id));
        let last = self.ids.len().saturating_sub(1);
        let position = match (given, known) {
            (None, Some(known)) => known,
            // Another call under a taken index: it has an id of its own, and a name.
            (Some(given), None) if is_named && id.is_some() && self.ids.get(given).is_some_and(|id| !id.is_empty()) => {
                self.ids.len()
            }
            // A fragment of a call that was moved away from its index.
            (Some(given), Some(known)) if given < known => known,
            // Indices may begin anywhere; one far beyond is the next.
            (Some(given), _) if given <= self.ids.len() + 1 => given,
            (Some(_), _) => last,
            (None, None) if is_named || self.ids.is_empty() => self.ids.len(),
            (None, None) => last,
        };
        while self.ids.len() <= position {
            self.ids.push(String::new());
        }
        if self.ids[position].is_empty()
            && let Some(id) = id
        {
            self.ids[position] = id.to_owned();
        }
        u32::try_from(position).unwrap_or(u32::MAX)
    }
}

/// Content is a text, or a list of parts of which some are text.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
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
fn failure(error: &Value) -> ModelError {
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
    use super::*;

    #[track_caller]
    fn read(reader: &mut Reader, chunk: Value) -> Vec<ModelEvent> {
        reader.read(&chunk).unwrap()
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
    fn what_one_side_says_in_a_row_is_one_message() {
        let said = |role: &str, text: &str| json!({"role": role, "content": text});
        let call = json!({"role": "assistant", "content": null, "tool_calls": []});
        let result = said("tool", "{}");
        let mut messages = Vec::new();
        for next in [
            said("user", "[Anna] I hide."),
            said("user", "[Bert] I do not."),
            said("assistant", "It is dark."),
            call.clone(),
            result.clone(),
            result.clone(),
            said("assistant", "A shot."),
        ] {
            add(&mut messages, next);
        }

        let both = said("user", "[Anna] I hide.\n\n[Bert] I do not.");
        assert_eq!(
            messages,
            [both, said("assistant", "It is dark."), call, result.clone(), result, said("assistant", "A shot.")]
        );
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
            json!({"id": 1, "created": -1.5, "choices": [{"delta": {"role": "", "reasoning_content": "hm"}}]}),
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
        let fail = |error: Value| Reader::default().read(&json!({"error": error})).unwrap_err();
        assert_eq!(fail(json!({"code": 429})), ModelError::RateLimited { retry_after: None });
        assert_eq!(fail(json!({"type": "rate_limit_exceeded"})), ModelError::RateLimited { retry_after: None });
        assert_eq!(fail(json!({"code": "503"})), ModelError::Refused { status: 503 });
        assert_eq!(fail(json!("overloaded")), ModelError::Refused { status: 500 });
    }
}
