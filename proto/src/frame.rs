//! A session's events as the frames that web clients know: `type`, and the body's fields beside it.

use std::{collections::HashSet, sync::LazyLock};

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value;

use crate::{POOL, json::Shape, orchestrator::v1::SessionEvent};

const EVENT: &str = "dicetower.orchestrator.v1.SessionEvent";

/// What an event may have for a body: the types of frames.
static BODIES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let bodies = descriptor(EVENT).oneofs().next().expect("an event has a body");
    bodies.fields().map(|field| field.name().to_owned()).collect()
});

static EVENT_SHAPE: LazyLock<Shape> = LazyLock::new(|| Shape::of(EVENT).expect("a message of the contract"));

/// The frame of an event. Fields that say nothing (`seq` 0, an empty `turn_id`, …) are left out.
pub fn to_frame(event: &SessionEvent) -> Value {
    serde_json::from_str(&to_frame_text(event)).expect("it was just written")
}

/// The text of [`to_frame`], its `type` in front. It is made for every event that anybody listens to.
pub fn to_frame_text(event: &SessionEvent) -> String {
    let fields = EVENT_SHAPE.fields(&event.encode_to_vec()).expect("the event was encoded from the same contract");
    let (body, others): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(key, _)| BODIES.contains(*key));
    let mut text = String::with_capacity(512);
    text.push('{');
    let mut put = |part: &[&str]| {
        if text.len() > 1 {
            text.push(',');
        }
        text.extend(part.iter().copied());
    };
    if let Some((kind, body)) = body.first() {
        put(&["\"type\":\"", kind, "\""]);
        let inner = body.trim_start_matches('{').strip_suffix('}').unwrap_or_default();
        if !inner.is_empty() {
            put(&[inner]);
        }
    }
    let is_shown = |key: &str, value: &str| key != "origin" && key != "frame" && !matches!(value, "\"\"" | "[]" | "0");
    for (key, value) in others.iter().filter(|(key, value)| is_shown(key, value)) {
        put(&["\"", key, "\":", value]);
    }
    text.push('}');
    text
}

/// The type of a frame of [`to_frame_text`]; empty if it has none.
pub fn kind_of(frame: &str) -> &str {
    let kind = frame.strip_prefix("{\"type\":\"").and_then(|rest| rest.split_once('"'));
    kind.map_or("", |(kind, _)| kind)
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
    from_json(EVENT, text)
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
        assert_eq!(kind_of(&to_frame_text(&event)), "narrative");
        assert_eq!(kind_of(&to_frame_text(&SessionEvent { body: None, ..event })), "");
    }

    #[test]
    fn no_field_of_a_body_is_one_of_its_event() {
        let event = descriptor(EVENT);
        let bodies = event.oneofs().next().unwrap();
        for body in bodies.fields() {
            for field in body.kind().as_message().unwrap().fields() {
                let outer = event.get_field_by_name(field.name()).filter(|outer| outer.containing_oneof().is_none());
                assert!(outer.is_none() && field.name() != "type", "{}.{}", body.name(), field.name());
            }
        }
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

        let text = to_json(EVENT, &event).to_string();

        assert_eq!(event_from_json(&text).unwrap(), event);
    }
}
