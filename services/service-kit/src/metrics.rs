//! What is counted and timed, as Prometheus reads it at `/metrics`.
//!
//! A metric is made once and kept in a static; counting then costs some atomics and no allocation:
//!
//! ```
//! use std::sync::LazyLock;
//! use service_kit::metrics::{self, Counter};
//!
//! static TURNS: LazyLock<Counter> = LazyLock::new(|| metrics::counter("turns", "Turns begun"));
//! TURNS.inc();
//! ```
//!
//! The names on the page begin with `dicetower_`; those of counters end with `_total`, those of latencies with
//! `_seconds`. `rpc` times every call of every service, `process` tells of this process.

mod process;
pub(crate) mod rpc;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use opentelemetry::trace::TraceId;
pub use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use prometheus_client::{
    encoding::{
        EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder,
        prometheus_text::encode as encode_plain, text::encode as encode_open,
    },
    metrics::{MetricType, TypedMetric, exemplar::HistogramWithExemplars},
    registry::{Metric, Registry, Unit},
};

use crate::trace;

/// Upper bounds of a latency's buckets, in seconds: from a roll in this process to a model that thinks.
const BUCKETS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];
/// Values of one label that are told apart; further ones count as [`OTHER`].
const VALUES: usize = 200;
/// The value of a label that has too many.
const OTHER: &str = "other";

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The metrics of this process.
static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(|| {
    let mut registry = Registry::default();
    process::register(&mut registry);
    Mutex::new(registry)
});

/// A counter, `dicetower_NAME_total`.
pub fn counter(name: &str, help: &str) -> Counter {
    registered(name, help, None, Counter::default())
}

/// Counters told apart by the value of a label.
pub fn counters(name: &str, help: &str, label: &'static str) -> By<Counter> {
    registered(name, help, None, By::new(label, Counter::default))
}

/// A number that rises and falls, `dicetower_NAME`.
pub fn gauge(name: &str, help: &str) -> Gauge {
    registered(name, help, None, Gauge::default())
}

/// Gauges told apart by the value of a label.
pub fn gauges(name: &str, help: &str, label: &'static str) -> By<Gauge> {
    registered(name, help, None, By::new(label, Gauge::default))
}

/// One of those that a gauge counts, until it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    /// One more.
    pub fn one(gauge: &Gauge) -> Counted {
        gauge.inc();
        Counted(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A distribution of times, `dicetower_NAME_seconds`.
pub fn latency(name: &str, help: &str) -> Latency {
    registered(name, help, Some(Unit::Seconds), Latency::default())
}

/// Latencies told apart by the value of a label.
pub fn latencies(name: &str, help: &str, label: &'static str) -> By<Latency> {
    registered(name, help, Some(Unit::Seconds), By::new(label, Latency::default))
}

fn registered<M: Metric + Clone>(name: &str, help: &str, unit: Option<Unit>, metric: M) -> M {
    let name = format!("dicetower_{name}");
    match unit {
        Some(unit) => registry().register_with_unit(name, help, unit, metric.clone()),
        None => registry().register(name, help, metric.clone()),
    }
    metric
}

fn registry() -> MutexGuard<'static, Registry> {
    // Nothing under this lock can panic half-way.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Metrics of one kind, told apart by the value of a label.
pub struct By<M>(Arc<Labelled<M>>);

struct Labelled<M> {
    label: &'static str,
    make: fn() -> M,
    values: RwLock<BTreeMap<Box<str>, M>>,
}

impl<M: Clone> By<M> {
    fn new(label: &'static str, make: fn() -> M) -> By<M> {
        By(Arc::new(Labelled { label, make, values: RwLock::default() }))
    }

    /// The metric of this value. Values beyond the first 200 share the metric of `other`: what strangers send must not
    /// fill the memory.
    pub fn with(&self, value: &str) -> M {
        if let Some(metric) = self.0.values.read().unwrap_or_else(PoisonError::into_inner).get(value) {
            return metric.clone();
        }
        let mut values = self.0.values.write().unwrap_or_else(PoisonError::into_inner);
        let value = if values.len() < VALUES || values.contains_key(value) { value } else { OTHER };
        values.entry(value.into()).or_insert_with(self.0.make).clone()
    }
}

impl<M> Clone for By<M> {
    fn clone(&self) -> By<M> {
        By(self.0.clone())
    }
}

impl<M> fmt::Debug for By<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("By").field("label", &self.0.label).finish_non_exhaustive()
    }
}

impl<M: EncodeMetric + TypedMetric> EncodeMetric for By<M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (value, metric) in &*self.0.values.read().unwrap_or_else(PoisonError::into_inner) {
            metric.encode(encoder.encode_family(&[(self.0.label, &**value)])?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }

    fn is_empty(&self) -> bool {
        self.0.values.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// A distribution of times, each bucket with the last recorded trace that fell into it.
#[derive(Clone, Debug)]
pub struct Latency(HistogramWithExemplars<TraceLabel>);

impl Default for Latency {
    fn default() -> Latency {
        Latency(HistogramWithExemplars::new(BUCKETS.into_iter()))
    }
}

impl Latency {
    /// Adds a time, and the current trace as its example if that is recorded.
    pub fn observe(&self, took: Duration) {
        let example = trace::recorded_id().map(TraceLabel);
        let now = example.is_some().then(SystemTime::now);
        self.0.observe(took.as_secs_f64(), example, now);
    }
}

impl EncodeMetric for Latency {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl TypedMetric for Latency {
    const TYPE: MetricType = MetricType::Histogram;
}

/// An exemplar's label; its text is made when somebody reads it.
#[derive(Clone, Copy, Debug)]
struct TraceLabel(TraceId);

impl EncodeLabelSet for TraceLabel {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        ("trace_id", self.0.to_string()).encode(encoder.encode_label())
    }
}

/// The page `/metrics`: OpenMetrics with exemplars, or Prometheus' older text where a reader asks for nothing newer.
pub async fn page(headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let is_plain = accept.contains("text/plain") && !accept.contains("openmetrics");
    match text(is_plain) {
        Ok(text) => ([(header::CONTENT_TYPE, if is_plain { PLAIN } else { OPEN_METRICS })], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub(crate) fn text(is_plain: bool) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let registry = registry();
    match is_plain {
        true => encode_plain(&mut text, &registry)?,
        false => encode_open(&mut text, &registry)?,
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &str) {
        let text = text(false).unwrap();
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }

    #[test]
    fn what_is_counted_stands_on_the_page() {
        let hits = counter("test_hits", "Hits");
        hits.inc();
        hits.inc();
        counters("test_words", "Words", "language").with("Sperethiel \"x\"").inc_by(3);
        gauge("test_open", "Open").set(-4);

        check("dicetower_test_hits_total 2\n");
        check("dicetower_test_words_total{language=\"Sperethiel \\\"x\\\"\"} 3\n");
        check("dicetower_test_open -4\n");
        assert!(text(false).unwrap().ends_with("# EOF\n"));
    }

    #[test]
    fn what_is_counted_leaves_its_gauge_when_it_is_dropped() {
        let open = gauge("test_counted", "Counted");
        let counted = [Counted::one(&open), Counted::one(&open)];
        check("dicetower_test_counted 2\n");
        drop(counted);
        check("dicetower_test_counted 0\n");
    }

    #[test]
    fn a_latency_falls_into_its_bucket() {
        latency("test_wait", "Wait").observe(Duration::from_millis(2));

        check("dicetower_test_wait_seconds_bucket{le=\"0.001\"} 0\n");
        check("dicetower_test_wait_seconds_bucket{le=\"0.0025\"} 1\n");
        check("dicetower_test_wait_seconds_count 1\n");
    }

    #[test]
    fn a_label_has_only_so_many_values() {
        let by = counters("test_flood", "Flood", "name");
        for number in 0..10 * VALUES {
            by.with(&number.to_string()).inc();
        }

        assert_eq!(by.0.values.read().unwrap().len(), VALUES + 1);
        assert_eq!(by.with(OTHER).get(), 9 * VALUES as u64);
        by.with("0").inc();
        assert_eq!(by.with("0").get(), 2);
    }

    #[test]
    fn the_page_tells_of_the_process() {
        check("process_resident_memory_bytes ");
        check("process_open_fds ");
        check("process_cpu_seconds_total ");
        check("dicetower_build_info{version=");
    }
}
