//! What becomes of a span that has ended: `/traces` keeps it; the collector gets it if its trace was sampled when it began,
//! and afterwards if the trace turned out to fail or to be slow.

use std::time::Duration;

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceFlags},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

use crate::traces::TraceStore;

/// The one processor of spans.
#[derive(Debug)]
pub(super) struct Ending<P> {
    store: TraceStore,
    collector: Option<P>,
    slow: Duration,
}

impl<P: SpanProcessor> Ending<P> {
    /// A trace that is not sampled is slow from `slow` on.
    pub fn new(store: TraceStore, collector: Option<P>, slow: Duration) -> Ending<P> {
        Ending { store, collector, slow }
    }
}

impl<P: SpanProcessor> SpanProcessor for Ending<P> {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        let Some(collector) = &self.collector else { return self.store.keep(span) };
        if span.span_context.is_sampled() {
            self.store.keep(span.clone());
            collector.on_end(span);
            return;
        }
        for span in self.store.watch(span, self.slow) {
            collector.on_end(sampled(span));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.collector.as_ref().map_or(Ok(()), SpanProcessor::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.collector.as_ref().map_or(Ok(()), |collector| collector.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(collector) = &mut self.collector {
            collector.set_resource(resource);
        }
    }
}

/// The same span as if its trace had been sampled; exporters leave out what is not.
fn sampled(mut span: SpanData) -> SpanData {
    let context = &span.span_context;
    let (trace_id, span_id, state) = (context.trace_id(), context.span_id(), context.trace_state().clone());
    span.span_context = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, context.is_remote(), state);
    span
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::SystemTime,
    };

    use opentelemetry::trace::{Span as _, Status, TraceContextExt, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

    use super::*;
    use crate::telemetry::sampler::Sampler;

    const SLOW: Duration = Duration::from_secs(5);

    /// A collector that keeps the names of what it gets, as one would that leaves out what is not sampled.
    #[derive(Clone, Debug, Default)]
    struct Collector(Arc<Mutex<Vec<String>>>);

    impl SpanProcessor for Collector {
        fn on_start(&self, _span: &mut Span, _context: &Context) {}

        fn on_end(&self, span: SpanData) {
            if span.span_context.is_sampled() {
                self.0.lock().unwrap().push(span.name.into_owned());
            }
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    impl Collector {
        fn got(&self) -> Vec<String> {
            std::mem::take(&mut *self.0.lock().unwrap())
        }
    }

    /// A tracer that has sampled all that it may this second.
    fn tracer() -> (SdkTracer, Collector, SdkTracerProvider) {
        let collector = Collector::default();
        let ending = Ending::new(TraceStore::default(), Some(collector.clone()), SLOW);
        let sampler = Sampler::watching();
        let provider = SdkTracerProvider::builder().with_sampler(sampler).with_span_processor(ending).build();
        (provider.tracer("test"), collector, provider)
    }

    /// A span within another.
    fn nested(tracer: &SdkTracer, took: Duration, status: Status) {
        let start = SystemTime::now();
        let outer = tracer.span_builder("outer").with_start_time(start).start(tracer);
        let context = Context::new().with_span(outer);
        let mut inner = tracer.start_with_context("inner", &context);
        inner.set_status(status);
        inner.end();
        context.span().end_with_timestamp(start + took);
    }

    #[test]
    fn what_went_well_is_not_told_afterwards() {
        let (tracer, collector, _provider) = tracer();
        nested(&tracer, Duration::from_millis(1), Status::Ok);
        assert!(collector.got().is_empty());
    }

    #[test]
    fn a_trace_that_fails_is_told_whole() {
        let (tracer, collector, _provider) = tracer();
        nested(&tracer, Duration::from_millis(1), Status::error("no"));
        assert_eq!(collector.got(), ["inner", "outer"]);
    }

    #[test]
    fn a_trace_that_is_slow_is_told_whole() {
        let (tracer, collector, _provider) = tracer();
        nested(&tracer, SLOW, Status::Ok);
        assert_eq!(collector.got(), ["inner", "outer"]);
    }
}
