//! The last traces of this process, kept in memory for the page `/traces`.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Context,
    trace::{SpanId, Status},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock;

/// Traces kept; the oldest goes first.
const TRACES: usize = 500;
/// Spans kept of one trace.
const SPANS: usize = 1000;

/// The traces of this process.
pub static STORE: LazyLock<TraceStore> = LazyLock::new(TraceStore::default);

/// The last traces, oldest first.
#[derive(Debug, Clone, Default)]
pub struct TraceStore(Arc<Mutex<Traces>>);

#[derive(Debug, Default)]
struct Traces {
    order: VecDeque<Uuid>,
    spans: HashMap<Uuid, Vec<SpanData>>,
}

impl TraceStore {
    /// What is known of a trace: `{trace_id, spans: [{span_id, parent_id, service, name, start, duration_us,
    /// attributes, events}]}`, earliest span first.
    pub fn get(&self, trace_id: Uuid) -> Option<Value> {
        let mut spans = self.lock().spans.get(&trace_id)?.clone();
        spans.sort_by_key(|span| span.start_time);
        Some(json!({"trace_id": trace_id.to_string(), "spans": spans.iter().map(span_json).collect::<Vec<_>>()}))
    }

    /// The traces, newest first: `[{trace_id, name, service, start, duration_us, spans, error}]`.
    pub fn list(&self) -> Value {
        let traces = self.lock();
        traces.order.iter().rev().filter_map(|id| summary(*id, traces.spans.get(id)?)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Traces> {
        // A panic while it was held can only have lost a span.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for TraceStore {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        let trace_id = Uuid::from_bytes(span.span_context.trace_id().to_bytes());
        let mut traces = self.lock();
        if !traces.spans.contains_key(&trace_id) {
            if traces.order.len() == TRACES
                && let Some(oldest) = traces.order.pop_front()
            {
                traces.spans.remove(&oldest);
            }
            traces.order.push_back(trace_id);
        }
        let spans = traces.spans.entry(trace_id).or_default();
        if spans.len() < SPANS {
            spans.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn summary(trace_id: Uuid, spans: &[SpanData]) -> Option<Value> {
    let first = spans.iter().min_by_key(|span| (span.parent_span_id != SpanId::INVALID, span.start_time))?;
    let start = spans.iter().map(|span| span.start_time).min()?;
    let end = spans.iter().map(|span| span.end_time).max()?;
    Some(json!({
        "trace_id": trace_id.to_string(), "name": first.name, "service": service(first), "start": clock::rfc3339_micros(start),
        "duration_us": micros(start, end), "spans": spans.len(), "error": spans.iter().any(is_error),
    }))
}

fn span_json(span: &SpanData) -> Value {
    let parent = Some(span.parent_span_id).filter(|parent| *parent != SpanId::INVALID).map(|parent| parent.to_string());
    let events = span.events.iter().map(|event| {
        json!({"name": event.name, "at": clock::rfc3339_micros(event.timestamp), "attributes": attributes(&event.attributes)})
    });
    let mut attributes = attributes(&span.attributes);
    attributes.remove("service");
    if let Status::Error { description } = &span.status {
        attributes
            .insert("error".into(), if description.is_empty() { true.into() } else { description.as_ref().into() });
    }
    json!({
        "span_id": span.span_context.span_id().to_string(), "parent_id": parent, "service": service(span),
        "name": span.name, "start": clock::rfc3339_micros(span.start_time), "duration_us": micros(span.start_time, span.end_time),
        "attributes": attributes, "events": events.collect::<Vec<_>>(),
    })
}

fn attributes(attributes: &[opentelemetry::KeyValue]) -> Map<String, Value> {
    let value = |value: &opentelemetry::Value| match value {
        opentelemetry::Value::Bool(value) => json!(value),
        opentelemetry::Value::I64(value) => json!(value),
        opentelemetry::Value::F64(value) => json!(value),
        other => json!(other.as_str()),
    };
    attributes.iter().map(|attribute| (attribute.key.to_string(), value(&attribute.value))).collect()
}

fn service(span: &SpanData) -> String {
    let service = span.attributes.iter().find(|attribute| attribute.key.as_str() == "service");
    service.map(|service| service.value.as_str().into_owned()).unwrap_or_default()
}

fn is_error(span: &SpanData) -> bool {
    matches!(span.status, Status::Error { .. })
}

fn micros(start: SystemTime, end: SystemTime) -> u64 {
    u64::try_from(end.duration_since(start).unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}
