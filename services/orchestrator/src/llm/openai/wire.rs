//! The requests of the chat completions protocol as JSON.

use std::{borrow::Cow, fmt::Write as _};

use memchr::memchr3_iter;
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::manner::Manner;
use crate::llm::{Message, ModelRequest, ToolCall};

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
    /// Where calls are text, the model must not write their results as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'static str>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The request as its server takes it. What never changes stands in front, so that servers can keep it in their cache.
pub(super) fn request<'r>(model: &'r str, request: &'r ModelRequest, manner: Manner) -> Body<'r> {
    let in_text = !manner.has_tools && !request.tools.is_empty();
    let mut said = system(request, in_text);
    if in_text {
        said.push_str("\nAnswer now: with words, with calls of tools as described above, or with both.\n");
    }
    let speaker = if manner.has_system { "system" } else { "user" };
    let mut messages = vec![json!({"role": speaker, "content": said})];
    request.messages.iter().for_each(|message| say(&mut messages, message, manner));
    Body {
        model,
        messages,
        stream: true,
        stream_options: manner.asks_usage.then_some(StreamOptions { include_usage: true }),
        tools: match manner.has_tools {
            true => request.tools.iter().map(|tool| tool.written()).collect(),
            false => Vec::new(),
        },
        stop: if in_text { vec![RESULT] } else { Vec::new() },
    }
}

/// How tools are called where the server knows nothing of them: as many models have learned it.
const TOOLS: &str = "
TOOLS
You act by tools. To call one write exactly this, and stop:
<tool_call>
{\"name\": \"the tool\", \"arguments\": {\"its\": \"arguments\"}}
</tool_call>
Several calls may follow one another. You get what the tool answers between <tool_response> and </tool_response>, and go on
from there; never write an answer of a tool yourself. These are the tools, with the JSON Schema of their arguments:
";
/// Who sends a narration back in strict mode, as the model is told.
const CHECKER: &str = "the checker of this table";
/// What stands before the result of a call where results are text.
const RESULT: &str = "<tool_response>";

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

/// What the model is told before the conversation; with the tools if they are not told elsewhere.
fn system(request: &ModelRequest, has_tools: bool) -> String {
    let mut text = request.instructions.trim_end().to_owned();
    text.push('\n');
    if has_tools {
        text.push_str(TOOLS);
        for tool in request.tools.iter() {
            let _ = writeln!(text, "{}", tool.written());
        }
    }
    text.push_str("\nCHARACTERS AT THE TABLE\n");
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
const MARKS: [&str; 26] = [
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
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<function=",
    "[TOOL_",
    "[ARGS]",
    "[THINK]",
    "[/THINK]",
    "<think>",
    "</think>",
    "<invoke",
    "<parameter",
    "<function_calls>",
    "<\u{ff5c}",
];

/// A text without a server's marks: a blank is put into each.
fn unmarked(text: Cow<'_, str>) -> Cow<'_, str> {
    // Every word of the window comes by here in every step, and next to none of it is a mark.
    if !has_mark(text.as_bytes()) {
        return text;
    }
    let split = |text: String, mark: &str| {
        let (first, rest) = mark.split_at(1);
        text.replace(mark, &format!("{first} {rest}"))
    };
    MARKS.into_iter().fold(text.into_owned(), split).into()
}

/// Whether any mark stands in a text, in one pass over it.
fn has_mark(text: &[u8]) -> bool {
    memchr3_iter(b'<', b'[', b'|', text).any(|at| MARKS.iter().any(|mark| text[at..].starts_with(mark.as_bytes())))
}

/// A text in one line, its words one blank apart.
fn one_line(text: &str) -> Cow<'_, str> {
    if is_one_line(text) {
        return unmarked(text.into());
    }
    unmarked(text.split_whitespace().collect::<Vec<_>>().join(" ").into())
}

fn is_one_line(text: &str) -> bool {
    // A blank at the beginning is one too many, like one behind another.
    let mut is_after_blank = true;
    for char in text.chars() {
        if char.is_whitespace() && (is_after_blank || char != ' ') {
            return false;
        }
        is_after_blank = char == ' ';
    }
    text.is_empty() || !is_after_blank
}

/// What ends a line, for whoever reads it.
fn is_line_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// JSON in one line, which it is but for a few breaks that it may hold as they are.
fn data(json: &str) -> String {
    unmarked(json.replace(is_line_break, " ").into()).into_owned()
}

/// A name as it may stand in a label: in one line, without the label's own brackets.
fn label(name: &str) -> String {
    one_line(name).replace(['[', ']'], "")
}

/// A player's words. No line of them can be taken for the label of another speaker: those stand where a line begins, and
/// all lines but the first are set in.
fn fenced(text: &str) -> Cow<'_, str> {
    if !text.contains(is_line_break) {
        return unmarked(text.into());
    }
    let text = text.replace("\r\n", "\n");
    unmarked(text.split(is_line_break).collect::<Vec<_>>().join("\n  ").into())
}

fn say(messages: &mut Vec<Value>, message: &Message, manner: Manner) {
    let next = match message {
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
        Message::GameMaster { text, tool_calls } if !manner.has_tools => {
            let mut text = text.clone();
            for call in tool_calls {
                let name = json!(call.name);
                let _ = write!(
                    text,
                    "\n<tool_call>\n{{\"name\": {name}, \"arguments\": {}}}\n</tool_call>",
                    call.arguments
                );
            }
            json!({"role": "assistant", "content": text.trim_start()})
        }
        Message::GameMaster { text, tool_calls } => {
            let calls: Vec<Value> = tool_calls.iter().map(|call| native(call, manner)).collect();
            let content = if text.is_empty() { Value::Null } else { text.as_str().into() };
            let mut message = json!({"role": "assistant", "content": content, "tool_calls": calls});
            if let Some(fields) = message.as_object_mut().filter(|_| manner.returns_thoughts) {
                fields.extend(tool_calls.iter().flat_map(|call| call.opaque.of_message.clone()));
            }
            message
        }
        Message::ToolResult { call_id: _, tool, result, failed: _ } if !manner.has_tools => {
            let result = data(&json!({"tool": tool, "result": result}).to_string());
            json!({"role": "user", "content": format!("{RESULT}\n{result}\n</tool_response>")})
        }
        Message::ToolResult { call_id, tool: _, result, failed: _ } => {
            let content = data(&result.to_string());
            json!({"role": "tool", "tool_call_id": id(call_id, manner), "content": content})
        }
        Message::Withdrawn { text, why } => {
            // His words stand before the answer to them: some servers refuse a user's message behind a tool's.
            add(messages, json!({"role": "assistant", "content": text}));
            json!({"role": "user", "content": format!("[{CHECKER}] {}", fenced(why))})
        }
    };
    add(messages, next);
}

fn native(call: &ToolCall, manner: Manner) -> Value {
    let function = json!({"name": call.name, "arguments": call.arguments});
    let mut native = json!({"id": id(&call.id, manner), "type": "function", "function": function});
    if let Some(fields) = native.as_object_mut() {
        fields.extend(call.opaque.of_call.clone());
    }
    native
}

/// The id of a call as its server takes it.
fn id(id: &str, manner: Manner) -> Cow<'_, str> {
    if manner.keeps_ids {
        return id.into();
    }
    // FNV-1a: the same id is the same in every request.
    let mut number = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |number, byte| (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut short = String::new();
    for _ in 0..9 {
        short.extend(char::from_digit((number % 36) as u32, 36));
        number /= 36;
    }
    short.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_split_and_other_text_stays() {
        for mark in MARKS {
            let shown = unmarked(format!("a {mark}b").into());
            assert!(!shown.contains(mark) && shown.len() == mark.len() + 4, "{mark}: {shown}");
            assert!(has_mark(mark.as_bytes()), "{mark}");
        }
        for text in ["", "a < b [sic] | c", "<", "\u{e9}t\u{e9} <"] {
            assert!(matches!(unmarked(text.into()), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn a_line_has_its_words_one_blank_apart() {
        for text in ["", "one", "one two", "\u{e9}t\u{e9} 1"] {
            assert!(is_one_line(text), "{text:?}");
            assert_eq!(one_line(text), text);
        }
        for text in [" ", " one", "one ", "one  two", "one\ntwo", "one\u{a0}two", "one \u{2028}two"] {
            assert!(!is_one_line(text), "{text:?}");
            assert_eq!(one_line(text), text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
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
}
