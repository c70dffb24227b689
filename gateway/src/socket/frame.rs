//! The frames that the gateway says itself; all others are the session's events.

use proto::{
    frame::to_frame,
    orchestrator::v1::{
        Session, SessionEvent,
        session_event::{Body, Error, SessionInfo, System, Telemetry},
    },
    structs,
};
use serde_json::{Value, json};
use service_kit::{clock, status::Failure, trace};

/// The answer to a ping.
pub(super) const PONG: &str = r#"{"type":"pong"}"#;

/// A sentence to this connection; `turn_id` and `trace_id` are empty where there is none.
pub(super) fn system(content: impl Into<String>, turn_id: &str, trace_id: &str) -> Value {
    let body = Body::System(System { content: content.into(), ..System::default() });
    frame(SessionEvent { turn_id: turn_id.into(), trace_id: trace_id.into(), ..SessionEvent::default() }, body)
}

/// Who sits at the table.
pub(super) fn session_info(session: Session) -> Value {
    let Session { session_id, characters, message_count, .. } = session;
    frame(SessionEvent::default(), Body::SessionInfo(SessionInfo { session_id, characters, message_count }))
}

/// How things stand, for a reader who has missed what came after `missed_after`: `resume` with it brings that.
pub(super) fn snapshot(session: Session, missed_after: u64) -> Value {
    let Session { session_id, characters, message_count, last_seq, scene, .. } = session;
    json!({
        "type": "snapshot", "recovered": false, "session_id": session_id, "characters": characters,
        "message_count": message_count, "scene": structs::to_json(scene.unwrap_or_default()),
        "missed_after": missed_after, "last_seq": last_seq, "timestamp": clock::now(),
    })
}

/// What the debug window shows of a change in the list of characters.
pub(super) fn ui_interaction(action: &str, character: &str, total_characters: usize) -> Value {
    let data = json!({
        "action": action, "component": "character_list", "character": character, "total_characters": total_characters,
    });
    let body = Telemetry {
        event: "ui_interaction".into(),
        data: Some(structs::from_json(data)),
        timestamp: clock::now(),
        level: "info".into(),
    };
    frame(SessionEvent::default(), Body::Telemetry(body))
}

/// A failure, in a sentence that a player can read.
pub(super) fn error(failure: &Failure, trace_id: &str) -> Value {
    let Failure { code, message, details } = failure;
    let mut content = message.clone();
    if let Some(Value::Array(names)) = details.get("available_characters") {
        let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
        content = format!("{content}; there are {}", names.join(", "));
    }
    let body = Body::Error(Error { content, code: code.number(), error_type: code.name().into() });
    let mut frame = frame(SessionEvent { trace_id: trace_id.into(), ..SessionEvent::default() }, body);
    if !details.is_empty() {
        frame["details"] = details.clone().into();
    }
    frame
}

/// A frame; where nothing else is said, of the trace that is current.
fn frame(mut event: SessionEvent, body: Body) -> Value {
    if event.trace_id.is_empty() {
        event.trace_id = trace::current_id_text();
    }
    to_frame(&SessionEvent { body: Some(body), ..event })
}
