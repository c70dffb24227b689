//! The calls between the marks of a model, in whichever of the many forms they are written.

use serde_json::{Map, Value, json};

use super::python;

/// Marks that stand around or between calls and say nothing of their own.
const AROUND: [&str; 33] = [
    "<tool_call>",
    "</tool_call>",
    "<tool_calls>",
    "</tool_calls>",
    "<function_call>",
    "</function_call>",
    "<function_calls>",
    "</function_calls>",
    "<tool_code>",
    "</tool_code>",
    "<TOOLCALL>",
    "</TOOLCALL>",
    "<minimax:tool_call>",
    "</minimax:tool_call>",
    "<seed:tool_call>",
    "</seed:tool_call>",
    "<start_function_call>",
    "<end_function_call>",
    "[TOOL_REQUEST]",
    "[END_TOOL_REQUEST]",
    "<|python_tag|>",
    "<|tool_call|>",
    "<|/tool_call|>",
    "<|tool_call>",
    "<tool_call|>",
    "<|tool_call_start|>",
    "<|tool_call_end|>",
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|START_ACTION|>",
    "<|END_ACTION|>",
    "<|action_start|><|plugin|>",
    "<|action_end|>",
];
/// What stands between two of them that are not JSON's own.
const BETWEEN: [char; 2] = [';', ','];

/// The calls in a text with the marks around it, and what is left of it since it is none. If the text is not whole, a call
/// counts only if it shows by itself where it ends.
pub(super) fn calls(text: &str, is_whole: bool) -> (Vec<Value>, String) {
    let text = text.replace("\u{ff5c}DSML\u{ff5c}", "");
    let each = |begin: &str, end: &str, read: fn(&str) -> Option<Value>| {
        let (mut calls, mut left) = (Vec::new(), String::new());
        for piece in text.split(begin).skip(1) {
            let (piece, is_ended) = piece.split_once(end).map_or((piece, is_whole), |(piece, _)| (piece, true));
            match read(piece).filter(|_| is_ended || piece.trim_end().ends_with('}')) {
                Some(call) => calls.push(call),
                None => left.push_str(piece),
            }
        }
        (calls, left)
    };
    if text.contains("<function=") {
        return each("<function=", "</function>", function);
    }
    if text.contains("<invoke") {
        return each("<invoke", "</invoke>", invoke);
    }
    if text.contains("<arg_key>") {
        return each("<tool_call>", "</tool_call>", glm);
    }
    if text.contains("[TOOL_CALLS]") {
        let (mut calls, mut left) = (Vec::new(), String::new());
        for piece in text.split("[TOOL_CALLS]").skip(1) {
            let (mut more, rest) = mistral(piece);
            calls.append(&mut more);
            left.push_str(&rest);
        }
        return (calls, left);
    }
    if text.contains(DEEPSEEK) {
        return each(DEEPSEEK, "<\u{ff5c}tool\u{2581}call\u{2581}end\u{ff5c}>", deepseek);
    }
    if text.contains("<|tool_call_begin|>") {
        return each("<|tool_call_begin|>", "<|tool_call_end|>", kimi);
    }
    let inner = AROUND.iter().fold(text, |text, mark| text.replace(mark, "\n"));
    let (calls, left) = one_after_another(&inner);
    // Half a name is none.
    if !is_whole && left.is_empty() && !inner.trim_end().ends_with(['}', ']', ')']) {
        return (Vec::new(), inner.trim().to_owned());
    }
    (calls, left.to_owned())
}

/// JSON, names with JSON behind them and calls in the way of Python, until something else comes.
fn one_after_another(text: &str) -> (Vec<Value>, &str) {
    let mut calls = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || BETWEEN.contains(&char));
        let read = match rest.chars().next() {
            None => return (calls, ""),
            Some('{' | '[') => json_calls(rest).or_else(|| python::list(rest).ok()),
            Some(_) => named(rest),
        };
        match read {
            Some((mut more, after)) => {
                calls.append(&mut more);
                rest = after;
            }
            None => return (calls, rest),
        }
    }
}

fn json_calls(text: &str) -> Option<(Vec<Value>, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let calls = of_value(&values.next()?.ok()?)?;
    Some((calls, &text[values.byte_offset()..]))
}

fn named(text: &str) -> Option<(Vec<Value>, &str)> {
    if let Ok((call, rest)) = python::call(text) {
        return Some((vec![call], rest));
    }
    if let Some(gemma) = text.strip_prefix("call:") {
        let (name, arguments) = python::name(gemma);
        let (body, rest) = arguments.strip_prefix('{')?.rsplit_once('}')?;
        let arguments: Map<String, Value> = serde_json::from_str(&json_of_gemma(body)).ok()?;
        return Some((vec![json!({"name": name, "arguments": arguments})], rest));
    }
    let (name, rest) = python::name(text);
    let after = rest.trim_start();
    if name.is_empty() || !(after.is_empty() || after.starts_with('{')) {
        return None;
    }
    if after.is_empty() {
        return Some((vec![json!({"name": name, "arguments": {}})], ""));
    }
    let mut values = serde_json::Deserializer::from_str(after).into_iter::<Map<String, Value>>();
    let arguments = values.next()?.ok()?;
    Some((vec![json!({"name": name, "arguments": arguments})], &after[values.byte_offset()..]))
}

/// The calls that a value is: one, a list of them, or what a whole message has; none if it is anything else.
pub(super) fn of_value(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) if !values.is_empty() => {
            values.iter().map(of_value).collect::<Option<Vec<_>>>().map(|calls| calls.concat())
        }
        Value::Object(object) => match object.get("tool_calls") {
            Some(calls @ Value::Array(_)) => of_value(calls),
            _ => of_object(value).map(|call| vec![call]),
        },
        _ => None,
    }
}

fn of_object(value: &Value) -> Option<Value> {
    let value = if value["function"].is_object() { &value["function"] } else { value };
    let name = ["name", "tool_name", "tool", "function"].iter().find_map(|key| value[key].as_str())?;
    let given = ["arguments", "parameters", "args"].iter().find_map(|key| value.get(key));
    let arguments = given.cloned().unwrap_or_else(|| json!({}));
    Some(json!({"name": name, "arguments": arguments}))
}

/// Whether a value without marks around it can be nothing but calls: each says with what it calls.
pub(super) fn has_arguments(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().all(has_arguments),
        value if value["tool_calls"].is_array() => has_arguments(&value["tool_calls"]),
        value => {
            let value = if value["function"].is_object() { &value["function"] } else { value };
            value.get("arguments").or_else(|| value.get("parameters")).is_some()
        }
    }
}

/// A call that cannot be read, so that the model is told of it: nothing of it is guessed.
pub(super) fn unreadable(text: &str) -> Value {
    let quoted =
        text.split_once("\"name\"").or_else(|| text.split_once("name=")).and_then(|(_, rest)| rest.split('"').nth(1));
    let is_json = text.trim_start().starts_with(['{', '[']) && text.contains("{\"");
    let bare = python::name(text.trim_start_matches(|char: char| !char.is_alphabetic())).0;
    let name = quoted.unwrap_or(if is_json { "" } else { bare });
    let name = if name.is_empty() { "unreadable" } else { name };
    // A mark ahead of it keeps what happens to be JSON from being taken for the arguments.
    json!({"name": name, "arguments": format!("(not readable) {}", text.trim())})
}

/// What is JSON is meant as such; all else is text.
fn argument(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|_| Value::from(text.trim()))
}

/// `name>{…}`, or `name>` with each argument between marks of its own: `<parameter=pool>3</parameter>`.
fn function(text: &str) -> Option<Value> {
    let (name, rest) = text.split_once('>')?;
    let rest = rest.trim();
    if rest.starts_with('{') {
        let arguments = serde_json::from_str::<Map<String, Value>>(rest).ok()?;
        return Some(json!({"name": name.trim(), "arguments": arguments}));
    }
    let mut arguments = Map::new();
    for parameter in rest.split("<parameter=").skip(1) {
        let (key, value) = parameter.split_once('>')?;
        let value = value.split("</parameter>").next().unwrap_or(value);
        arguments.insert(key.trim().to_owned(), argument(value));
    }
    Some(json!({"name": name.trim(), "arguments": arguments}))
}

/// ` name="…">` with `<parameter name="pool">3</parameter>` for each argument.
fn invoke(text: &str) -> Option<Value> {
    let quoted = |text: &str| text.split('"').nth(1).map(str::to_owned);
    let (head, rest) = text.split_once('>')?;
    let mut arguments = Map::new();
    for parameter in rest.split("<parameter").skip(1) {
        let (head, value) = parameter.split_once('>')?;
        let value = value.split("</parameter>").next().unwrap_or(value);
        let is_text = head.contains("string=\"true\"");
        arguments.insert(quoted(head)?, if is_text { Value::from(value) } else { argument(value) });
    }
    Some(json!({"name": quoted(head)?, "arguments": arguments}))
}

/// `name` with `<arg_key>pool</arg_key><arg_value>3</arg_value>` for each argument.
fn glm(text: &str) -> Option<Value> {
    let mut pieces = text.split("<arg_key>");
    let name = pieces.next()?.trim();
    let mut arguments = Map::new();
    for piece in pieces {
        let (key, rest) = piece.split_once("</arg_key>")?;
        let value = rest.trim().strip_prefix("<arg_value>")?;
        let value = value.split("</arg_value>").next().unwrap_or(value);
        arguments.insert(key.trim().to_owned(), argument(value));
    }
    Some(json!({"name": name, "arguments": arguments}))
}

/// `name[CALL_ID]id[ARGS]{…}`, `name{…}`, or a list of calls.
fn mistral(text: &str) -> (Vec<Value>, String) {
    let Some((head, arguments)) = text.split_once("[ARGS]") else {
        let (calls, left) = one_after_another(text);
        return (calls, left.to_owned());
    };
    let (name, id) = head.split_once("[CALL_ID]").unwrap_or((head, ""));
    match serde_json::from_str::<Map<String, Value>>(arguments.trim().trim_end_matches("</s>")) {
        Ok(arguments) => (vec![json!({"id": id.trim(), "name": name.trim(), "arguments": arguments})], String::new()),
        Err(_) => (Vec::new(), text.to_owned()),
    }
}

const DEEPSEEK: &str = "<\u{ff5c}tool\u{2581}call\u{2581}begin\u{ff5c}>";

/// `name<sep>{…}`, or `function<sep>name` and the arguments in a fence of JSON.
fn deepseek(text: &str) -> Option<Value> {
    let (head, rest) = text.split_once("<\u{ff5c}tool\u{2581}sep\u{ff5c}>")?;
    let rest = rest.trim();
    let (name, arguments) = match rest.starts_with('{') {
        true => (head, rest),
        false => rest.split_once('\n')?,
    };
    let arguments = arguments.trim().trim_start_matches("```json").trim_matches('`');
    let arguments = serde_json::from_str::<Map<String, Value>>(arguments).ok()?;
    Some(json!({"name": name.trim(), "arguments": arguments}))
}

/// `functions.name:0<|tool_call_argument_begin|>{…}`, of which the first part is the id as well.
fn kimi(text: &str) -> Option<Value> {
    let (id, arguments) = text.split_once("<|tool_call_argument_begin|>")?;
    let arguments = serde_json::from_str::<Map<String, Value>>(arguments).ok()?;
    let id = id.trim();
    let name = id.rsplit_once(':').map_or(id, |(name, _)| name);
    let name = name.strip_prefix("functions.").unwrap_or(name);
    Some(json!({"id": id, "name": name, "arguments": arguments}))
}

/// Gemma's arguments, `pool:3,why:<escape>to hide<escape>`, as JSON.
fn json_of_gemma(text: &str) -> String {
    let mut written = String::from("{");
    for (number, piece) in text.replace("<|\"|>", "<escape>").split("<escape>").enumerate() {
        if number % 2 == 1 {
            written.push_str(&Value::from(piece).to_string());
            continue;
        }
        let mut rest = piece;
        while let Some(next) = rest.chars().next() {
            let (word, after) = python::name(rest);
            match word {
                "" => {
                    written.push(next);
                    rest = &rest[next.len_utf8()..];
                }
                word if after.trim_start().starts_with(':') => {
                    written.push_str(&Value::from(word).to_string());
                    rest = after;
                }
                word => {
                    written.push_str(word);
                    rest = after;
                }
            }
        }
    }
    written.push('}');
    written
}
