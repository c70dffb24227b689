//! Calls that a model writes into its text, since its server does not know the model's own way to call.

use memchr::memchr3_iter;
use serde_json::{Map, Value, json};

/// Longest call that is held back, in bytes.
const MOST: usize = 64 * 1024;
/// Longest call without a mark that is held back, in bytes.
const MOST_BARE: usize = 8 * 1024;

/// How calls are marked in a text.
struct Form {
    open: &'static str,
    /// Empty: they go on to the end of the answer.
    close: &'static str,
}

const fn form(open: &'static str, close: &'static str) -> Form {
    Form { open, close }
}

/// A result that a model has made up, in place of the tool's.
const MADE_UP: &str = "<tool_response>";
const FORMS: [Form; 7] = [
    form("<tool_call>", "</tool_call>"),
    form("<function=", "</function>"),
    form("```json", "```"),
    form("```tool_call", "```"),
    form("[TOOL_CALLS]", ""),
    form("<|python_tag|>", ""),
    form(MADE_UP, "</tool_response>"),
];

/// Takes calls out of a text: those between marks, and those that are an answer's first or only words. Whatever else stands
/// there is told.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// What of the answer may still belong to a mark or a call.
    held: String,
    /// Whether something has been told.
    is_past_head: bool,
    /// Whether the answer has begun with a call without a mark. Others may follow in lines of their own, or after semicolons.
    has_bare: bool,
}

/// What the head of an answer is, looked at as a call without a mark.
enum Bare {
    No,
    Begun,
    /// It, and its length in bytes.
    Call(Value, usize),
}

#[derive(Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Call(Value),
}

impl Written {
    /// The text and the calls of it, in their order.
    pub fn take_out(&mut self, piece: &str) -> Vec<Part> {
        self.held.push_str(piece);
        self.skip();
        let mut parts = Vec::new();
        while self.take_bare(&mut parts) || self.take_marked(&mut parts) {}
        if !matches!(self.bare(), Bare::Begun) {
            let kept = self.kept();
            let text = self.held.drain(..kept).collect();
            self.tell(text, &mut parts);
        }
        parts
    }

    /// What was held back, when nothing more comes: some models leave out the last mark.
    pub fn rest(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        let held = std::mem::take(&mut self.held);
        let opened = first_mark(&held).map(|(at, form)| (at, form, inside(&held[at + form.open.len()..], form)));
        match opened {
            Some((at, _, calls)) if !calls.is_empty() => {
                self.tell(held[..at].to_owned(), &mut parts);
                parts.extend(calls.into_iter().map(Part::Call));
            }
            Some((at, form, _)) if form.open == MADE_UP => self.tell(held[..at].to_owned(), &mut parts),
            _ => self.tell(held, &mut parts),
        }
        parts
    }

    /// Whether something is held that may become a call.
    pub fn is_open(&self) -> bool {
        !self.held.is_empty()
    }

    /// Passes over what stands between calls without a mark.
    fn skip(&mut self) {
        if self.has_bare && !self.is_past_head {
            let is_between = |char: char| char.is_whitespace() || char == ';';
            let begin = self.held.len() - self.held.trim_start_matches(is_between).len();
            self.held.drain(..begin);
        }
    }

    fn tell(&mut self, text: String, parts: &mut Vec<Part>) {
        self.is_past_head |= !text.trim().is_empty();
        match parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(told)) => told.push_str(&text),
            _ => parts.push(Part::Text(text)),
        }
    }

    /// Takes what stands between the first marks; whether it was whole.
    fn take_marked(&mut self, parts: &mut Vec<Part>) -> bool {
        let Some((open, form)) = first_mark(&self.held).filter(|(_, form)| !form.close.is_empty()) else {
            return false;
        };
        let begin = open + form.open.len();
        let Some(length) = self.held[begin..].find(form.close) else { return false };
        let end = begin + length + form.close.len();
        let calls = inside(&self.held[begin..begin + length], form);
        let is_told = calls.is_empty() && form.open != MADE_UP;
        let text: String = self.held.drain(..end).collect();
        self.tell(text[..if is_told { end } else { open }].to_owned(), parts);
        parts.extend(calls.into_iter().map(Part::Call));
        true
    }

    /// Whether the answer begins with a call without a mark.
    fn bare(&self) -> Bare {
        const BEGINS: &str = "{\"name\":";
        let mut held = self.held.chars().filter(|char| !char.is_whitespace()).peekable();
        let is_begun = held.peek().is_some() && BEGINS.chars().zip(held).all(|(wanted, char)| wanted == char);
        if !is_begun || self.is_past_head || MOST_BARE < self.held.len() {
            return Bare::No;
        }
        let mut values = serde_json::Deserializer::from_str(&self.held).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => call(&value).map_or(Bare::No, |call| Bare::Call(call, values.byte_offset())),
            Some(Err(error)) if error.is_eof() => Bare::Begun,
            _ => Bare::No,
        }
    }

    /// Takes a call without a mark; whether it was one.
    fn take_bare(&mut self, parts: &mut Vec<Part>) -> bool {
        let Bare::Call(call, end) = self.bare() else { return false };
        parts.push(Part::Call(call));
        self.held.drain(..end);
        self.has_bare = true;
        self.skip();
        true
    }

    /// How much of what is held can be told, since it belongs to no mark.
    fn kept(&self) -> usize {
        match first_mark(&self.held) {
            Some((open, _)) if self.held.len() - open <= MOST => open,
            Some(_) => self.held.len(),
            None => {
                let held = self.held.as_bytes();
                let is_begun = |at: &usize| FORMS.iter().any(|form| form.open.as_bytes().starts_with(&held[*at..]));
                places(held).find(is_begun).unwrap_or(held.len())
            }
        }
    }
}

fn first_mark(text: &str) -> Option<(usize, &'static Form)> {
    let text = text.as_bytes();
    let form_at = |at: usize| FORMS.iter().find(|form| text[at..].starts_with(form.open.as_bytes()));
    places(text).find_map(|at| Some((at, form_at(at)?)))
}

/// Where in a text a mark may begin.
fn places(text: &[u8]) -> impl Iterator<Item = usize> {
    memchr3_iter(b'<', b'`', b'[', text)
}

/// The calls that stand behind an opening mark; none if anything else does.
fn inside(text: &str, form: &Form) -> Vec<Value> {
    let text = text.trim();
    if form.open == MADE_UP {
        return Vec::new();
    }
    if form.open == "<function=" {
        return function(text).into_iter().collect();
    }
    if let Some(function_text) = text.strip_prefix("<function=") {
        return function(function_text).into_iter().collect();
    }
    if form.open == "[TOOL_CALLS]" && !text.starts_with(['[', '{']) {
        let end = text.find(['{', '[']).unwrap_or(text.len());
        let arguments = text[end..].trim_start_matches("[ARGS]");
        let arguments = serde_json::from_str::<Map<String, Value>>(arguments).ok();
        return arguments
            .map(|arguments| json!({"name": text[..end].trim(), "arguments": arguments}))
            .into_iter()
            .collect();
    }
    let mut calls = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let all = match value {
            Ok(Value::Array(values)) => values,
            Ok(value) => vec![value],
            Err(_) => break,
        };
        calls.extend(all.iter().filter_map(call));
    }
    calls
}

/// An object with a name and arguments is a call.
fn call(value: &Value) -> Option<Value> {
    let value = if value["function"].is_object() { &value["function"] } else { value };
    let arguments = value.get("arguments").or_else(|| value.get("parameters"))?;
    value["name"].is_string().then(|| json!({"name": value["name"], "arguments": arguments}))
}

/// `name>{…}`, or `name>` with each argument between marks of its own: `<parameter=pool>3</parameter>`.
fn function(text: &str) -> Option<Value> {
    let (name, rest) = text.split_once('>')?;
    let rest = rest.trim().trim_end_matches("</function>").trim_end();
    if rest.starts_with('{') {
        let arguments = serde_json::from_str::<Map<String, Value>>(rest).ok()?;
        return Some(json!({"name": name.trim(), "arguments": arguments}));
    }
    let mut arguments = Map::new();
    for parameter in rest.split("<parameter=").skip(1) {
        let (key, value) = parameter.split_once('>')?;
        let value = value.split("</parameter>").next().unwrap_or(value).trim();
        // What is JSON is meant as such; all else is text.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        arguments.insert(key.trim().to_owned(), value);
    }
    Some(json!({"name": name.trim(), "arguments": arguments}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_and_held_back_while_it_comes() {
        for Form { open, .. } in FORMS {
            assert_eq!(first_mark(&format!("<a {open}")).map(|(at, form)| (at, form.open)), Some((3, open)));
            for length in 1..=open.len() {
                let mut written = Written::default();
                assert_eq!(written.take_out(&format!("Well, {}", &open[..length])), [Part::Text("Well, ".into())]);
            }
        }
    }

    /// What a text comes to, torn at each place.
    #[track_caller]
    fn check(text: &str, told: &str, calls: &[&str]) {
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let mut written = Written::default();
            let mut parts = written.take_out(&text[..cut]);
            parts.extend(written.take_out(&text[cut..]));
            parts.extend(written.rest());
            let (mut text, mut found) = (String::new(), Vec::new());
            for part in parts {
                match part {
                    Part::Text(told) => text.push_str(&told),
                    Part::Call(call) => found.push(format!("{} {}", call["name"].as_str().unwrap(), call["arguments"])),
                }
            }
            assert_eq!((text.as_str(), found), (told, calls.iter().map(ToString::to_string).collect()), "{cut}");
        }
    }

    #[test]
    fn a_call_in_the_text_is_taken_out_in_any_cut_and_everything_else_told() {
        check(
            r#"Wait. <tool_call>{"name": "roll", "arguments": {}}</tool_call> So <tool_calls> <tool_call>no</tool_call> <to"#,
            "Wait.  So <tool_calls> <tool_call>no</tool_call> <to",
            &["roll {}"],
        );
    }

    #[test]
    fn calls_are_read_in_every_form_in_which_models_write_them() {
        let call = r#"{"name": "roll", "arguments": {"pool": 3}}"#;
        let expected = r#"roll {"pool":3}"#;
        for text in [
            format!("<tool_call>\n{call}\n</tool_call>"),
            format!("<tool_call>\n{call}"),
            "<tool_call><function=roll>\n<parameter=pool>\n3\n</parameter>\n</function></tool_call>".to_owned(),
            "<function=roll>{\"pool\": 3}</function>".to_owned(),
            format!("```json\n{call}\n```"),
            format!("```tool_call\n{call}\n```"),
            format!("[TOOL_CALLS][{call}]"),
            "[TOOL_CALLS]roll[ARGS]{\"pool\": 3}".to_owned(),
            "[TOOL_CALLS]roll{\"pool\": 3}".to_owned(),
            r#"<|python_tag|>{"name": "roll", "parameters": {"pool": 3}}"#.to_owned(),
            call.to_owned(),
            format!("```json\n{{\"type\": \"function\", \"function\": {call}}}\n```"),
        ] {
            check(&text, "", &[expected]);
        }
        check(&format!("{call}; {call}\n{call}"), "", &[expected; 3]);
        check(&format!("<tool_call>{call}\n{call}</tool_call>"), "", &[expected; 2]);
    }

    #[test]
    fn what_only_looks_like_a_call_is_told() {
        for text in [
            r#"{"name": "Anna"} says hello."#,
            r#"{"name": 3"#,
            "```json\n{\"name\": \"Anna\"}\n```",
            "A door {\"name\": \"roll\", \"arguments\": {}} opens.",
            "[Platinum] waits. [TOOL_",
            "<function=",
            "[TOOL_CALLS]",
        ] {
            check(text, text, &[]);
        }
    }

    #[test]
    fn a_result_that_a_model_makes_up_is_not_told() {
        check("Well. <tool_response>{\"successes\": 9}</tool_response> Done.", "Well.  Done.", &[]);
        check("Well. <tool_response>{\"successes\": 9}", "Well. ", &[]);
    }

    #[test]
    fn a_call_without_an_end_is_not_held_for_ever() {
        let mut written = Written::default();
        written.take_out("<tool_call>");
        assert_eq!(written.take_out(&"x".repeat(MOST)).len(), 1);
    }
}
