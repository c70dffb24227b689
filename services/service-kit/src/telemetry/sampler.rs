//! Which traces are recorded. It is decided once, at the head, and looks at no bit of the trace id: UUIDs are not evenly
//! spread.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use crate::trace;

/// For each trace that is sampled, so many others are watched.
const WATCHED: u32 = 10;

/// The sampler of this process.
static OURS: OnceLock<Sampler> = OnceLock::new();

/// What becomes of a trace that begins here and now; `None` without telemetry.
pub(crate) fn decide_root() -> Option<SamplingDecision> {
    OURS.get().map(|sampler| sampler.decide(None))
}

/// Samples so many traces a second, and watches some of the others; each trace as a whole. A clone counts with it.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    sampled: Arc<PerSecond>,
    watched: Arc<PerSecond>,
}

/// So many a second.
#[derive(Debug)]
struct PerSecond {
    most: u32,
    since: Instant,
    /// The second in which was counted last, and how many there were in it.
    window: AtomicU64,
}

impl Sampler {
    pub fn new(per_second: u32) -> Sampler {
        let watched = per_second.saturating_mul(WATCHED);
        Sampler { sampled: Arc::new(PerSecond::new(per_second)), watched: Arc::new(PerSecond::new(watched)) }
    }

    /// The one that this process asks from now on.
    pub fn ours(per_second: u32) -> Sampler {
        OURS.get_or_init(|| Sampler::new(per_second)).clone()
    }

    /// One that samples nothing and watches all.
    #[cfg(test)]
    pub fn watching() -> Sampler {
        Sampler { sampled: Arc::new(PerSecond::new(0)), watched: Arc::new(PerSecond::new(u32::MAX)) }
    }

    fn decide(&self, parent: Option<&Context>) -> SamplingDecision {
        let watch = || if self.watched.has_room() { SamplingDecision::RecordOnly } else { SamplingDecision::Drop };
        let parent = parent.filter(|context| context.has_active_span()).map(Context::span);
        match parent {
            Some(parent) if parent.span_context().is_valid() => {
                let context = parent.span_context();
                match context.is_sampled() {
                    true => SamplingDecision::RecordAndSample,
                    // What somebody else has begun may fail here.
                    false if context.is_remote() && !trace::is_unrecorded(context) => watch(),
                    false if parent.is_recording() => SamplingDecision::RecordOnly,
                    false => SamplingDecision::Drop,
                }
            }
            _ => match trace::next_root().and_then(|root| root.decision) {
                Some(decision) => decision,
                None if self.sampled.has_room() => SamplingDecision::RecordAndSample,
                None => watch(),
            },
        }
    }
}

impl PerSecond {
    fn new(most: u32) -> PerSecond {
        PerSecond { most, since: Instant::now(), window: AtomicU64::new(0) }
    }

    /// Whether there is room for one more, which is then taken.
    fn has_room(&self) -> bool {
        let second = self.since.elapsed().as_secs() << 32;
        let count = |window: u64| {
            let taken = if window & !0xFFFF_FFFF == second { window & 0xFFFF_FFFF } else { 0 };
            (taken < u64::from(self.most)).then_some(second | (taken + 1))
        };
        self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).is_ok()
    }
}

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        SamplingResult { decision: self.decide(parent), attributes: Vec::new(), trace_state: TraceState::default() }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags};

    use super::*;

    fn count(decisions: &[SamplingDecision], wanted: &SamplingDecision) -> usize {
        decisions.iter().filter(|decision| *decision == wanted).count()
    }

    #[test]
    fn so_many_traces_a_second_are_sampled_and_ten_times_as_many_watched() {
        let sampler = Sampler::new(3);

        let decisions: Vec<_> = (0..100).map(|_| sampler.decide(None)).collect();

        // A second may end meanwhile, and another three be sampled.
        assert!([3, 6].contains(&count(&decisions, &SamplingDecision::RecordAndSample)));
        assert!([30, 60].contains(&count(&decisions, &SamplingDecision::RecordOnly)));
    }

    #[test]
    fn a_probe_is_not_watched() {
        let remote = |text: &str| {
            let parse = |from: usize, to: usize| text[from..to].to_owned();
            let trace_id = TraceId::from_hex(&parse(3, 35)).unwrap();
            let span_id = SpanId::from_hex(&parse(36, 52)).unwrap();
            let context = SpanContext::new(trace_id, span_id, TraceFlags::default(), true, TraceState::default());
            Context::new().with_remote_span_context(context)
        };
        let sampler = Sampler::new(1);

        assert_eq!(sampler.decide(Some(&remote(trace::UNRECORDED))), SamplingDecision::Drop);
        let other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        assert_eq!(sampler.decide(Some(&remote(other))), SamplingDecision::RecordOnly);
    }
}
