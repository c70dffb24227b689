//! The last traces of this process, kept in memory for the page `/traces`.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use opentelemetry::trace::{SpanId, Status};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock;

/// Traces kept unless somebody says otherwise; the oldest goes first.
pub const TRACES: usize = 500;
/// Spans kept of one trace.
const SPANS: usize = 1000;

/// The traces of this process.
pub static STORE: LazyLock<TraceStore> = LazyLock::new(TraceStore::default);

/// The last traces, oldest first.
#[derive(Debug, Clone, Default)]
pub struct TraceStore(Arc<Mutex<Traces>>);

#[derive(Debug)]
struct Traces {
    most: usize,
    order: VecDeque<Uuid>,
    traces: HashMap<Uuid, Trace>,
}

/// What is kept of a trace.
#[derive(Debug, Default)]
struct Trace {
    spans: Vec<SpanData>,
    /// Whether something in it failed or was slow.
    is_notable: bool,
    /// How many of its spans the collector has got afterwards.
    told: usize,
}

impl Default for Traces {
    fn default() -> Traces {
        Traces { most: TRACES, order: VecDeque::new(), traces: HashMap::new() }
    }
}

impl Traces {
    /// Adds a span to its trace, which keeps no more than so many.
    fn add(&mut self, span: SpanData) -> &mut Trace {
        let trace_id = Uuid::from_bytes(span.span_context.trace_id().to_bytes());
        if !self.traces.contains_key(&trace_id) {
            while self.most <= self.order.len()
                && let Some(oldest) = self.order.pop_front()
            {
                self.traces.remove(&oldest);
            }
            self.order.push_back(trace_id);
        }
        let trace = self.traces.entry(trace_id).or_default();
        if trace.spans.len() < SPANS {
            trace.spans.push(span);
        }
        trace
    }
}

impl TraceStore {
    /// What is known of a trace: `{trace_id, spans: [{span_id, parent_id, service, name, start, duration_us,
    /// attributes, events}]}`, earliest span first.
    pub fn get(&self, trace_id: Uuid) -> Option<Value> {
        let mut spans = self.lock().traces.get(&trace_id)?.spans.clone();
        spans.sort_by_key(|span| span.start_time);
        Some(json!({"trace_id": trace_id.to_string(), "spans": spans.iter().map(span_json).collect::<Vec<_>>()}))
    }

    /// The traces, newest first: `[{trace_id, name, service, start, duration_us, spans, error}]`.
    pub fn list(&self) -> Value {
        let traces = self.lock();
        traces.order.iter().rev().filter_map(|id| summary(*id, &traces.traces.get(id)?.spans)).collect()
    }

    /// Keeps so many traces from now on, 1 at the least.
    pub(crate) fn keep_at_most(&self, traces: usize) {
        self.lock().most = traces.max(1);
    }

    /// Keeps a span that has ended.
    pub(crate) fn keep(&self, span: SpanData) {
        self.lock().add(span);
    }

    /// Keeps a span of a trace that is not sampled, and answers the spans that have become worth telling with it: all of
    /// its trace in this process, once the trace has failed or has been slow and what was asked of this process has ended.
    pub(crate) fn watch(&self, span: SpanData, slow: Duration) -> Vec<SpanData> {
        let has_ended = span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote;
        let took = span.end_time.duration_since(span.start_time).unwrap_or_default();
        let is_notable = is_error(&span) || has_ended && slow <= took;
        let mut traces = self.lock();
        let trace = traces.add(span);
        trace.is_notable |= is_notable;
        if !trace.is_notable || !has_ended && trace.told == 0 {
            return Vec::new();
        }
        let untold = trace.spans[trace.told..].to_vec();
        trace.told = trace.spans.len();
        untold
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Traces> {
        // A panic while it was held can only have lost a span.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
