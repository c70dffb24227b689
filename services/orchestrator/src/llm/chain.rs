//! Who is asked in which order, and who is left alone for a while after having failed too often.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Provider;

/// Failures one after another after which a provider is left alone.
const MAX_FAILURES: u32 = 5;
/// How long it is left alone; then one request tries it again.
const PAUSE: Duration = Duration::from_secs(30);

/// A provider and how it has fared.
pub(crate) struct Link {
    pub provider: Arc<dyn Provider>,
    breaker: Mutex<Breaker>,
}

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    closed_until: Option<Instant>,
}

impl Link {
    pub fn new(provider: Arc<dyn Provider>) -> Link {
        Link { provider, breaker: Mutex::default() }
    }

    /// Whether it may be asked now. After its pause one request may try, while the others still keep away.
    pub fn may_be_asked(&self, now: Instant) -> bool {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        match breaker.closed_until {
            Some(until) if now < until => false,
            Some(_) => {
                breaker.closed_until = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// Notes how a request went.
    pub fn note(&self, is_failure: bool, now: Instant) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_failure {
            *breaker = Breaker::default();
            return;
        }
        breaker.failures += 1;
        if MAX_FAILURES <= breaker.failures && breaker.closed_until.is_none_or(|until| until <= now) {
            tracing::warn!(
                model = self.provider.model(),
                "the model has failed too often and is left alone for a while"
            );
            breaker.closed_until = Some(now + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::house::House;

    #[test]
    fn who_has_failed_too_often_is_left_alone_and_then_tried_by_one() {
        let link = Link::new(Arc::new(House::default()));
        let start = Instant::now();
        for _ in 0..MAX_FAILURES {
            assert!(link.may_be_asked(start));
            link.note(true, start);
        }

        assert!(!link.may_be_asked(start + PAUSE / 2));
        let later = start + PAUSE;
        assert!(link.may_be_asked(later) && !link.may_be_asked(later));
        link.note(false, later);
        assert!(link.may_be_asked(later) && link.may_be_asked(later));
    }
}
