//! One trace for each action: how a span is begun, and how its context travels (W3C `traceparent`, `X-Trace-ID`).
//!
//! A trace id and an `X-Trace-ID` are the same 128 bits; the one is written as 32 hex digits, the other as a UUID.

use std::cell::RefCell;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    context::FutureExt as _,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::SamplingDecision;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use crate::telemetry::sampler;

/// The header in which a client may name its trace, and in which every answer names it.
pub const TRACE_ID_HEADER: HeaderName = HeaderName::from_static("x-trace-id");
/// The W3C header.
pub const TRACEPARENT_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// The `traceparent` of what is not recorded: probes come every few seconds and tell nothing.
pub const UNRECORDED: &str = "00-00000000000000000000000000000001-0000000000000001-00";

/// What a root span that is being started must become.
#[derive(Clone)]
pub(crate) struct NextRoot {
    pub trace_id: TraceId,
    /// What was decided of it; `None` leaves that to the sampler.
    pub decision: Option<SamplingDecision>,
}

thread_local! {
    /// The span builder cannot be told a trace id, so the id generator and the sampler look here.
    static NEXT_ROOT: RefCell<Option<NextRoot>> = const { RefCell::new(None) };
}

pub(crate) fn next_root() -> Option<NextRoot> {
    NEXT_ROOT.with_borrow(Option::clone)
}

/// The span of a request; how it failed is recorded in it when it is known.
macro_rules! request_span {
    ($service:expr, $name:expr $(, parent: $parent:expr)?) => {
        tracing::info_span!(
            $(parent: $parent,)?
            "request",
            otel.name = $name,
            otel.kind = "server",
            service = $service,
            rpc.grpc.status_code = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    };
}

/// The trace in which a request runs: a span, or ids alone where nobody will see it, since a span that is dropped in the
/// end costs as much as one that is kept.
#[derive(Clone, Debug)]
pub struct Trace {
    span: Span,
    ids: Option<Context>,
}

impl Trace {
    /// Nothing of its own: what runs in it belongs to the trace that is current, if there is one.
    pub fn none() -> Trace {
        Trace { span: Span::none(), ids: None }
    }

    fn unrecorded(trace_id: Uuid) -> Trace {
        let (_, low) = trace_id.as_u64_pair();
        let (trace_id, span_id) = (TraceId::from_bytes(trace_id.into_bytes()), SpanId::from_bytes(low.to_be_bytes()));
        let ids = SpanContext::new(trace_id, span_id, TraceFlags::default(), false, TraceState::default());
        Trace { span: Span::none(), ids: Some(Context::new().with_remote_span_context(ids)) }
    }

    /// The one that is current, for what goes on in another task.
    pub fn current() -> Trace {
        let span = Span::current();
        let ids = span.is_none().then(Context::current).filter(Context::has_active_span);
        Trace { span, ids }
    }

    /// A part of it: a span below its own, or itself if it is not recorded.
    pub fn part(&self, service: &'static str, name: &str) -> Trace {
        match self.span.is_none() {
            true => self.clone(),
            false => self.span.in_scope(|| request_span!(service, name)).into(),
        }
    }

    /// Its span; none if it is not recorded.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Runs a future in it.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        match &self.ids {
            Some(ids) => future.with_context(ids.clone()).await,
            None => future.instrument(self.span.clone()).await,
        }
    }

    /// Runs something in it at once.
    pub fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        let _current = self.ids.clone().map(Context::attach);
        self.span.in_scope(run)
    }
}

impl From<Span> for Trace {
    fn from(span: Span) -> Trace {
        Trace { span, ids: None }
    }
}

/// Begins the span of a request that has come from outside, and tells its trace id.
///
/// `wanted` is the trace id that the client asks for; without it `traceparent` is continued; without either a new
/// trace begins under a UUIDv7. The span is a true root unless it continues one.
pub fn begin(service: &'static str, name: &str, wanted: Option<Uuid>, traceparent: Option<&str>) -> (Span, Uuid) {
    begin_as(service, name, wanted, traceparent, wanted.map(|_| SamplingDecision::RecordAndSample))
}

/// The same, without a span if the trace is not to be recorded.
pub fn open(service: &'static str, name: &str, wanted: Option<Uuid>, traceparent: Option<&str>) -> (Trace, Uuid) {
    if wanted.is_some() || traceparent.is_some() {
        let (span, trace_id) = begin(service, name, wanted, traceparent);
        return (span.into(), trace_id);
    }
    let decision = sampler::decide_root();
    if let Some(SamplingDecision::Drop) = decision {
        let trace_id = Uuid::now_v7();
        return (Trace::unrecorded(trace_id), trace_id);
    }
    let (span, trace_id) = begin_as(service, name, None, None, decision);
    (span.into(), trace_id)
}

fn begin_as(
    service: &'static str,
    name: &str,
    wanted: Option<Uuid>,
    traceparent: Option<&str>,
    decision: Option<SamplingDecision>,
) -> (Span, Uuid) {
    let span = request_span!(service, name, parent: None);
    let remote = traceparent.filter(|_| wanted.is_none()).and_then(parse_traceparent);
    if let Some(remote) = remote {
        let trace_id = to_uuid(remote.trace_id());
        // It fails only if the span has begun, and it has not.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote));
        return (span, trace_id);
    }
    let trace_id = wanted.unwrap_or_else(Uuid::now_v7);
    NEXT_ROOT.set(Some(NextRoot { trace_id: TraceId::from_bytes(trace_id.into_bytes()), decision }));
    // Reading the context starts the span, with the id that is waiting.
    let _ = span.context();
    NEXT_ROOT.set(None);
    (span, trace_id)
}

/// The trace of a call to `service`: a part of the one that is current in this process, else what the caller's
/// `traceparent` says, else a new one. It has no span if it is not recorded.
pub fn server_trace(service: &'static str, name: &str, headers: &HeaderMap) -> Trace {
    if current_context().is_some() {
        let is_recorded = Context::map_current(|context| context.span().is_recording());
        return if is_recorded { request_span!(service, name).into() } else { Trace::none() };
    }
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let wanted = text(&TRACE_ID_HEADER).and_then(parse_trace_id);
    open(service, name, wanted, text(&TRACEPARENT_HEADER)).0
}

/// Begins a span that belongs to a trace whose `traceparent` was kept: a turn that was queued, a timer that was set.
pub fn resume(service: &'static str, name: &str, traceparent: &str) -> Span {
    begin(service, name, None, Some(traceparent)).0
}

/// The trace id that is current, as a UUID.
pub fn current_id() -> Option<Uuid> {
    current_context().map(|context| to_uuid(context.trace_id()))
}

/// The trace id that is current as text, or an empty text.
pub fn current_id_text() -> String {
    current_id().map(|id| id.to_string()).unwrap_or_default()
}

/// The trace that is current, if it is recorded.
pub(crate) fn recorded_id() -> Option<TraceId> {
    current_context().filter(SpanContext::is_sampled).map(|context| context.trace_id())
}

/// The current span as a `traceparent`, for what will go on later.
pub fn traceparent() -> Option<String> {
    let context = current_context()?;
    let (trace_id, span_id, flags) = (context.trace_id(), context.span_id(), context.trace_flags());
    Some(format!("00-{trace_id}-{span_id}-{:02x}", flags.to_u8()))
}

/// Whether somebody has said that this trace tells nothing.
pub(crate) fn is_unrecorded(context: &SpanContext) -> bool {
    context.trace_id() == TraceId::from_bytes(1u128.to_be_bytes())
}

/// Writes the current span into the headers of an outgoing request.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(value) = traceparent().and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(TRACEPARENT_HEADER, value);
    }
}

/// The trace id of a client's text: a UUID other than nil, with or without hyphens.
pub fn parse_trace_id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text.trim()).ok().filter(|id| !id.is_nil())
}

fn parse_traceparent(text: &str) -> Option<SpanContext> {
    let mut parts = text.trim().split('-');
    let version = parts.next()?;
    let (trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || trace_id.len() != 32 || span_id.len() != 16 || flags.len() != 2 {
        return None;
    }
    if version == "00" && parts.next().is_some() {
        return None;
    }
    let trace_id = TraceId::from_hex(trace_id).ok()?;
    let span_id = SpanId::from_hex(span_id).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    Some(SpanContext::new(trace_id, span_id, flags, true, TraceState::default())).filter(SpanContext::is_valid)
}

fn current_context() -> Option<SpanContext> {
    let context = Context::map_current(|context| context.span().span_context().clone());
    Some(context).filter(SpanContext::is_valid)
}

fn to_uuid(trace_id: TraceId) -> Uuid {
    Uuid::from_bytes(trace_id.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_any_uuid_but_nil() {
        let id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
        assert_eq!(parse_trace_id(id).unwrap().to_string(), id);
        assert_eq!(parse_trace_id("a1b2c3d4e5f67890abcdef1234567890").unwrap().to_string(), id);
        assert_eq!(parse_trace_id("00000000-0000-0000-0000-000000000000"), None);
        assert_eq!(parse_trace_id("not-a-uuid"), None);
    }

    #[tokio::test]
    async fn what_is_not_recorded_has_its_id_all_the_same() {
        let trace_id = Uuid::now_v7();
        let trace = Trace::unrecorded(trace_id);

        let (within, passed_on) = trace.run(async { (current_id(), traceparent()) }).await;

        assert_eq!(within, Some(trace_id));
        assert!(passed_on.unwrap().ends_with("-00"));
        assert_eq!(trace.in_scope(current_id), Some(trace_id));
        assert!(recorded_id().is_none() && current_id().is_none());

        let taken_along = trace.in_scope(Trace::current);
        assert_eq!(taken_along.in_scope(current_id), Some(trace_id));
        assert_eq!(taken_along.part("test", "a part").in_scope(current_id), Some(trace_id));
    }

    #[test]
    fn a_traceparent_is_read_strictly() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = parse_traceparent(good).unwrap();
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(context.is_sampled() && context.is_remote());
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-\u{e9}\u{e9}\u{e9}-00f067aa0ba902b7-01",
        ] {
            assert!(parse_traceparent(bad).is_none(), "{bad}");
        }
    }
}
