//! The frames that clients send, read strictly: whoever sends something else is told what is allowed.

use serde_json::{Map, Value, json};
use service_kit::{
    status::{ErrorCode, Failure},
    trace,
};
use uuid::Uuid;

/// Longest frame that is read, in bytes. It holds the longest message with every character escaped.
pub(super) const MAX_FRAME: usize = 128 * 1024;
/// Longest message, in characters.
const MAX_MESSAGE: usize = 8000;
/// Longest name of a character, in characters.
const MAX_NAME: usize = 100;
/// Longest id of a message, in characters.
const MAX_ID: usize = 128;
/// Longest name of a person, in characters.
const MAX_PERSON: usize = 40;
/// Longest reason or ruling, in characters.
const MAX_REASON: usize = 500;

/// Longest token, in characters.
const MAX_TOKEN: usize = 8 * 1024;

/// The types that clients may send.
pub(crate) const TYPES: [&str; 12] = [
    "chat",
    "join",
    "whisper",
    "approve",
    "override",
    "take_over",
    "add_character",
    "remove_character",
    "get_session_info",
    "cancel",
    "resume",
    "ping",
];
/// The seats that a client may take, as it may call them.
const SEATS: [(&str, &str); 4] =
    [("player", "player"), ("spectator", "spectator"), ("game_master", "game_master"), ("gm", "game_master")];

/// A frame of a client.
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    /// The trace that the client asks for.
    pub trace_id: Option<Uuid>,
    pub request: Request,
}

/// What a client wants.
#[derive(Debug, PartialEq)]
pub(super) enum Request {
    Chat { message: String, message_id: Option<String> },
    Join { name: String, seat: Option<String>, character: Option<String>, token: Option<String> },
    Whisper { to: String, message: String },
    Approve { call_id: String, allow: bool, reason: Option<String> },
    Override { roll_id: String, result: String, reason: String },
    TakeOver { on: bool },
    AddCharacter { character: String },
    RemoveCharacter { character: String },
    GetSessionInfo,
    Cancel,
    Resume { after: Position },
    Ping,
}

impl Request {
    /// The type of the frame.
    pub fn name(&self) -> &'static str {
        match self {
            Request::Chat { .. } => "chat",
            Request::Join { .. } => "join",
            Request::Whisper { .. } => "whisper",
            Request::Approve { .. } => "approve",
            Request::Override { .. } => "override",
            Request::TakeOver { .. } => "take_over",
            Request::AddCharacter { .. } => "add_character",
            Request::RemoveCharacter { .. } => "remove_character",
            Request::GetSessionInfo => "get_session_info",
            Request::Cancel => "cancel",
            Request::Resume { .. } => "resume",
            Request::Ping => "ping",
        }
    }

    /// Whether it says or changes something at the table.
    pub fn has_effect(&self) -> bool {
        !matches!(self, Request::Join { .. } | Request::GetSessionInfo | Request::Resume { .. } | Request::Ping)
    }
}

/// A place in a session's log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    pub seq: u64,
    /// Characters already seen of the narration at `seq`; all of it, if it is not given.
    pub offset: Option<u64>,
}

/// Reads a frame.
///
/// # Errors
///
/// `MISSING_REQUIRED_FIELD` for a field that is not there, `INVALID_REQUEST` for all else.
pub(super) fn parse(text: &str) -> Result<Frame, Failure> {
    if MAX_FRAME < text.len() {
        return Err(invalid(format!("a frame has at most {MAX_FRAME} bytes, and this one has {}", text.len())));
    }
    let fields: Value =
        serde_json::from_str(text).map_err(|error| invalid(format!("the frame is not JSON: {error}")))?;
    let Value::Object(fields) = fields else {
        return Err(invalid("a frame is a JSON object with a `type`"));
    };
    let kind = required_text(&fields, "type")?;
    let request = match kind {
        "chat" => Request::Chat { message: message(&fields)?, message_id: message_id(&fields)? },
        "join" => Request::Join {
            name: name(&fields, "name", MAX_PERSON)?,
            seat: seat(&fields)?,
            character: optional_name(&fields, "character", MAX_NAME)?,
            token: optional_name(&fields, "token", MAX_TOKEN)?,
        },
        "whisper" => Request::Whisper { to: name(&fields, "to", MAX_PERSON)?, message: message(&fields)? },
        "approve" => Request::Approve {
            call_id: name(&fields, "call_id", MAX_NAME)?,
            allow: yes_or_no(&fields, "allow")?,
            reason: optional_name(&fields, "reason", MAX_REASON)?,
        },
        "override" => Request::Override {
            roll_id: name(&fields, "roll_id", MAX_NAME)?,
            result: ruling(&fields)?,
            reason: name(&fields, "reason", MAX_REASON)?,
        },
        "take_over" => Request::TakeOver { on: yes_or_no(&fields, "on")? },
        "add_character" => Request::AddCharacter { character: name(&fields, "character", MAX_NAME)? },
        "remove_character" => Request::RemoveCharacter { character: name(&fields, "character", MAX_NAME)? },
        "get_session_info" => Request::GetSessionInfo,
        "cancel" => Request::Cancel,
        "resume" => Request::Resume { after: position(&fields)? },
        "ping" => Request::Ping,
        other => {
            let other: String = other.chars().take(64).collect();
            return Err(invalid(format!("{other:?} is not a type of frame; allowed are {}", TYPES.join(", "))));
        }
    };
    let trace_id = fields.get("trace_id").and_then(Value::as_str).and_then(trace::parse_trace_id);
    Ok(Frame { trace_id, request })
}

/// The refusal of a frame that is not text.
pub(super) fn not_text() -> Failure {
    invalid("frames are JSON text, not binary")
}

fn message(fields: &Map<String, Value>) -> Result<String, Failure> {
    let message = required_text(fields, "message")?;
    let length = message.chars().count();
    if message.trim().is_empty() || MAX_MESSAGE < length {
        return Err(invalid(format!(
            "`message` has 1 to {MAX_MESSAGE} characters, and not blanks only; this one has {length}"
        )));
    }
    Ok(message.to_owned())
}

fn message_id(fields: &Map<String, Value>) -> Result<Option<String>, Failure> {
    optional_name(fields, "message_id", MAX_ID)
}

fn optional_name(fields: &Map<String, Value>, field: &str, most: usize) -> Result<Option<String>, Failure> {
    if fields.get(field).is_none_or(Value::is_null) {
        return Ok(None);
    }
    name(fields, field, most).map(Some)
}

fn seat(fields: &Map<String, Value>) -> Result<Option<String>, Failure> {
    let Some(named) = optional_name(fields, "seat", MAX_PERSON)? else { return Ok(None) };
    let seat = SEATS.iter().find(|(name, _)| *name == named).map(|(_, seat)| (*seat).to_owned());
    seat.map(Some).ok_or_else(|| invalid("`seat` is player, spectator or game_master"))
}

fn yes_or_no(fields: &Map<String, Value>, field: &str) -> Result<bool, Failure> {
    let value = fields.get(field).ok_or_else(|| missing(field))?;
    value.as_bool().ok_or_else(|| invalid(format!("`{field}` must be true or false")))
}

/// What a roll counts as: a number of successes, a word, or more.
fn ruling(fields: &Map<String, Value>) -> Result<String, Failure> {
    let value = fields.get("result").ok_or_else(|| missing("result"))?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.trim().is_empty() || MAX_REASON < text.chars().count() {
        return Err(invalid(format!("`result` has 1 to {MAX_REASON} characters")));
    }
    Ok(text)
}

fn name(fields: &Map<String, Value>, field: &str, most: usize) -> Result<String, Failure> {
    let name = required_text(fields, field)?;
    if name.trim().is_empty() || most < name.chars().count() {
        return Err(invalid(format!("`{field}` has 1 to {most} characters, and not blanks only")));
    }
    Ok(name.to_owned())
}

fn position(fields: &Map<String, Value>) -> Result<Position, Failure> {
    let seq = whole_number(fields, "after_seq")?.ok_or_else(|| missing("after_seq"))?;
    Ok(Position { seq, offset: whole_number(fields, "after_offset")? })
}

fn whole_number(fields: &Map<String, Value>, field: &str) -> Result<Option<u64>, Failure> {
    let refusal = || invalid(format!("`{field}` must be a whole number, 0 or more"));
    fields.get(field).map(|value| value.as_u64().ok_or_else(refusal)).transpose()
}

fn required_text<'a>(fields: &'a Map<String, Value>, field: &str) -> Result<&'a str, Failure> {
    let value = fields.get(field).ok_or_else(|| missing(field))?;
    value.as_str().ok_or_else(|| invalid(format!("`{field}` must be text")))
}

fn missing(field: &str) -> Failure {
    let details = json!({"field": field}).as_object().cloned().unwrap_or_default();
    Failure { code: ErrorCode::MissingRequiredField, message: format!("missing field `{field}`"), details }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure { code: ErrorCode::InvalidRequest, message: message.into(), details: Map::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_may_carry_its_trace_and_its_own_id() {
        let id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
        let text = json!({"type": "chat", "message": "Hello", "trace_id": id, "message_id": "m1"}).to_string();

        let frame = parse(&text).unwrap();

        assert_eq!(frame.trace_id.unwrap().to_string(), id);
        assert_eq!(frame.request, Request::Chat { message: "Hello".into(), message_id: Some("m1".into()) });
    }

    #[test]
    fn a_ruling_may_be_a_number_and_a_seat_may_be_called_for_short() {
        let ruling = json!({"type": "override", "roll_id": "r", "result": 3, "reason": "cocked die"}).to_string();
        let join = json!({"type": "join", "name": "Gerd", "seat": "gm"}).to_string();

        assert!(matches!(parse(&ruling).unwrap().request, Request::Override { result, .. } if result == "3"));
        let expected =
            Request::Join { name: "Gerd".into(), seat: Some("game_master".into()), character: None, token: None };
        assert_eq!(parse(&join).unwrap().request, expected);
    }

    #[test]
    fn a_trace_id_that_is_none_is_not_taken() {
        for id in [json!("x"), json!(5), json!(null), json!("00000000-0000-0000-0000-000000000000")] {
            let text = json!({"type": "ping", "trace_id": id}).to_string();
            assert_eq!(parse(&text).unwrap(), Frame { trace_id: None, request: Request::Ping });
        }
    }

    #[track_caller]
    fn refused(text: &str, code: u32, expected: &str) {
        let failure = parse(text).unwrap_err();
        assert_eq!(failure.code.number(), code, "{failure:?}");
        assert!(failure.message.contains(expected), "{}", failure.message);
    }

    #[test]
    fn whatever_is_no_frame_is_told_what_is_allowed() {
        refused("", 2004, "not JSON");
        refused("{", 2004, "not JSON");
        refused("[]", 2004, "JSON object");
        refused("null", 2004, "JSON object");
        refused(r#"{"message":"x"}"#, 5003, "`type`");
        refused(r#"{"type":7}"#, 2004, "`type` must be text");
        refused(r#"{"type":"shout"}"#, 2004, "allowed are chat");
        refused(r#"{"type":"chat"}"#, 5003, "`message`");
        refused(r#"{"type":"chat","message":null}"#, 2004, "must be text");
        refused(r#"{"type":"chat","message":" "}"#, 2004, "1 to 8000");
        refused(r#"{"type":"chat","message":"x","message_id":7}"#, 2004, "`message_id` must be text");
        refused(r#"{"type":"add_character"}"#, 5003, "`character`");
        refused(r#"{"type":"join"}"#, 5003, "`name`");
        refused(r#"{"type":"join","name":"Anna","seat":"throne"}"#, 2004, "player, spectator or game_master");
        refused(r#"{"type":"whisper","to":"Anna"}"#, 5003, "`message`");
        refused(r#"{"type":"approve","call_id":"a"}"#, 5003, "`allow`");
        refused(r#"{"type":"take_over","on":1}"#, 2004, "true or false");
        refused(r#"{"type":"override","roll_id":"r","reason":"because"}"#, 5003, "`result`");
        refused(r#"{"type":"resume"}"#, 5003, "`after_seq`");
        refused(r#"{"type":"resume","after_seq":-1}"#, 2004, "whole number");
        refused(&"[".repeat(100_000), 2004, "not JSON");
        refused(&"x".repeat(MAX_FRAME + 1), 2004, "at most");
    }

    #[test]
    fn the_longest_message_fits_and_one_more_character_does_not() {
        let chat = |length| json!({"type": "chat", "message": "\u{1F3B2}".repeat(length)}).to_string();

        assert!(parse(&chat(8000)).is_ok());
        refused(&chat(8001), 2004, "8001");
    }
}
