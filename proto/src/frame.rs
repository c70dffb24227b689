//! A session's events as the frames that web clients know: `type`, and the body's fields beside it.

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Map, Value};

use crate::{POOL, json::Shape, orchestrator::v1::SessionEvent};

/// The frame of an event. Fields that say nothing (`seq` 0, an empty `turn_id`, …) are left out.
pub fn to_frame(event: &SessionEvent) -> Value {
    let Value::Object(mut fields) = to_json("dicetower.orchestrator.v1.SessionEvent", event) else {
        unreachable!("a message is a JSON object");
    };
    let mut frame = Map::new();
    if let Some(oneof) = descriptor("dicetower.orchestrator.v1.SessionEvent").oneofs().next() {
        for field in oneof.fields() {
            if let Some(Value::Object(body)) = fields.remove(field.name()) {
                frame.insert("type".into(), field.name().into());
                frame.extend(body);
            }
        }
    }
    let says_something = |value: &Value| {
        let is_empty = matches!(value.as_str(), Some("")) || value.as_array().is_some_and(Vec::is_empty);
        !is_empty && value.as_u64() != Some(0)
    };
    frame.extend(fields.into_iter().filter(|(key, value)| key != "origin" && key != "frame" && says_something(value)));
    Value::Object(frame)
}

/// A message as the JSON in which the log keeps it.
pub fn to_json<M: Message>(full_name: &str, message: &M) -> Value {
    serde_json::from_str(&to_text(full_name, message)).expect("it was just written")
}

/// The text of [`to_json`], fields in the order of their numbers.
pub fn to_text<M: Message>(full_name: &str, message: &M) -> String {
    let shape = Shape::of(full_name).expect("a message of the contract");
    shape.text(&message.encode_to_vec()).expect("the message was encoded from the same contract")
}

/// The message of a JSON text that [`to_json`] made.
///
/// # Errors
///
/// The text is not such a message in this version's contract.
pub fn from_json<M: Message + Default>(full_name: &str, text: &str) -> Result<M, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let dynamic = DynamicMessage::deserialize(descriptor(full_name), &mut deserializer)?;
    dynamic.transcode_to().map_err(serde::de::Error::custom)
}

/// The event of a JSON text that [`to_json`] made.
///
/// # Errors
///
/// The text is not an event of this version's contract.
pub fn event_from_json(text: &str) -> Result<SessionEvent, serde_json::Error> {
    from_json("dicetower.orchestrator.v1.SessionEvent", text)
}

fn descriptor(full_name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(full_name).expect("a message of the contract")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        orchestrator::v1::session_event::{Body, Narrative, ToolResult},
        structs,
    };

    #[test]
    fn a_frame_has_its_type_and_its_body_beside_each_other() {
        let body = Body::Narrative(Narrative { content: "The ganger dives".into(), offset: 0 });
        let event = SessionEvent { seq: 3, turn_id: "t".into(), body: Some(body), ..Default::default() };

        let frame = to_frame(&event);

        assert_eq!(
            frame,
            json!({"type": "narrative", "content": "The ganger dives", "offset": 0, "seq": 3, "turn_id": "t"})
        );
    }

    #[test]
    fn whole_numbers_of_a_result_have_no_fraction() {
        let result = Some(structs::from_json(json!({"final_tn": 4, "rolls": [5, 3], "essence": 2.55})));
        let body = Body::ToolResult(ToolResult { tool: "roll_dice".into(), result, ..Default::default() });

        let frame = to_frame(&SessionEvent { body: Some(body), ..Default::default() });

        assert_eq!(frame["result"].to_string(), r#"{"essence":2.55,"final_tn":4,"rolls":[5,3]}"#);
    }

    #[test]
    fn an_event_survives_the_log() {
        let body = Body::Narrative(Narrative { content: "…\u{1F3B2}".into(), offset: 7 });
        let event = SessionEvent { seq: 9, at: "2026-01-01T00:00:00Z".into(), body: Some(body), ..Default::default() };

        let text = to_json("dicetower.orchestrator.v1.SessionEvent", &event).to_string();

        assert_eq!(event_from_json(&text).unwrap(), event);
    }
}
