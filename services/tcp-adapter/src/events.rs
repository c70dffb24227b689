//! Events on their way to a game: one under a trace of its own, or several that came together.

use proto::fsm::v1::{AttachedEvent, SendEventRequest, SendEventResponse, SendEventsRequest, SendEventsResponse};
use service_kit::trace;
use std::time::Duration;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::attachment::{Attachment, Fsm};

/// Time in which events are answered, else the game counts as busy.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest event name that is looked up, in characters; no machine has a longer one.
pub const MAX_NAME: usize = 200;
/// Most events that go together.
pub const MAX_TOGETHER: usize = 64;
/// The field by which data names a trace.
const TRACE_FIELD: &str = "trace_id";

/// Whether an event has a name that can be looked up.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().nth(MAX_NAME).is_none()
}

/// Whether an event may go with others: it has no trace of its own.
pub fn may_go_with_others(name: &str, data: Option<&str>) -> bool {
    is_name(name) && data.is_none_or(|data| !data.contains(TRACE_FIELD))
}

/// Sends an event under a trace of its own, the one that its data names if it does.
pub fn send_event(
    fsm: Fsm,
    attachment: &Attachment,
    event: String,
    data: Option<String>,
    key: Option<String>,
) -> impl Future<Output = Result<Response<SendEventResponse>, Status>> + Send + 'static {
    let (span, _) = trace::begin("tcp-adapter", &format!("EVENT {event}"), data.as_deref().and_then(trace_id), None);
    let mut request = Request::new(SendEventRequest {
        game_id: Some(attachment.game_id.clone()),
        event,
        data_json: data,
        attachment_id: Some(attachment.id.clone()),
        ..SendEventRequest::default()
    });
    request.set_timeout(TIMEOUT);
    // An id is made of letters that a header can hold.
    if let Some(key) = key.and_then(|key| key.parse().ok()) {
        request.metadata_mut().insert("idempotency-key", key);
    }
    async move { fsm.client().send_event(request).await }.instrument(span)
}

/// The trace that an event's data names.
fn trace_id(data: &str) -> Option<uuid::Uuid> {
    // Most data names none, and need not be read twice.
    let data: serde_json::Value = data.contains(TRACE_FIELD).then(|| serde_json::from_str(data).ok())??;
    trace::parse_trace_id(data.get(TRACE_FIELD)?.as_str()?)
}

/// Sends events that came together, under one trace.
pub fn send_events(
    fsm: Fsm,
    attachment: &Attachment,
    events: &[(String, Option<String>)],
) -> impl Future<Output = Result<Response<SendEventsResponse>, Status>> + Send + 'static {
    let (span, _) = trace::begin("tcp-adapter", "EVENTS", None, None);
    let events = events.iter().cloned().map(|(event, data_json)| AttachedEvent { event, data_json });
    let mut request = Request::new(SendEventsRequest {
        attachment_id: attachment.id.clone(),
        events: events.collect(),
        game_id: Some(attachment.game_id.clone()),
    });
    request.set_timeout(TIMEOUT);
    async move { fsm.client().send_events(request).await }.instrument(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_that_data_names_is_any_uuid() {
        let id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
        assert_eq!(trace_id(&format!("{{\"trace_id\":\"{id}\"}}")).unwrap().to_string(), id);
        for other in ["", "trace_id", "{\"trace_id\":7}", "{\"trace_id\":\"x\"}", "[\"trace_id\"]"] {
            assert_eq!(trace_id(other), None, "{other}");
        }
    }
}
