//! Who is asked in which order, and who is left alone for a while since he seems to be down.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{ModelError, Provider};

/// Failures one after another after which a provider is left alone.
const MAX_FAILURES: u32 = 5;
/// How long it is left alone; then one request tries it again.
const PAUSE: Duration = Duration::from_secs(30);

/// A provider and how it has fared. The tables that have chosen no model share the server's.
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
    ///
    /// # Errors
    ///
    /// It is left alone, [`ModelError::LeftAlone`] for this long.
    pub fn may_be_asked(&self, now: Instant) -> Result<(), ModelError> {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        match breaker.closed_until {
            Some(until) if now < until => {
                Err(ModelError::LeftAlone { failures: breaker.failures, pause: until.duration_since(now) })
            }
            Some(_) => {
                breaker.closed_until = Some(now + PAUSE);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Notes that it has answered.
    pub fn note_answer(&self) {
        *self.breaker.lock().unwrap_or_else(PoisonError::into_inner) = Breaker::default();
    }

    /// Notes what a request came to. Only what shows that the provider is down counts against it: one table's request
    /// that is refused, or whose answer makes no sense, must not take the model from the others.
    pub fn note_failure(&self, error: &ModelError, now: Instant) {
        if !is_down(error) {
            self.note_answer();
            return;
        }
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Whether whoever fails so would fail for everybody.
fn is_down(error: &ModelError) -> bool {
    match error {
        ModelError::Timeout(_) | ModelError::Unreachable => true,
        ModelError::Refused { status } => 500 <= *status,
        ModelError::Broken { is_down } => *is_down,
        ModelError::RateLimited { .. } | ModelError::LeftAlone { .. } | ModelError::Cut | ModelError::Invalid => false,
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
            assert_eq!(link.may_be_asked(start), Ok(()));
            link.note_failure(&ModelError::Unreachable, start);
        }

        let left_alone = ModelError::LeftAlone { failures: MAX_FAILURES, pause: PAUSE / 2 };
        assert_eq!(link.may_be_asked(start + PAUSE / 2), Err(left_alone));
        let later = start + PAUSE;
        assert!(link.may_be_asked(later).is_ok() && link.may_be_asked(later).is_err());
        link.note_answer();
        assert!(link.may_be_asked(later).is_ok() && link.may_be_asked(later).is_ok());
    }

    #[test]
    fn only_what_shows_that_the_provider_is_down_counts() {
        let is_closed_by = |error: &ModelError| {
            let link = Link::new(Arc::new(House::default()));
            let now = Instant::now();
            (0..2 * MAX_FAILURES).for_each(|_| link.note_failure(error, now));
            link.may_be_asked(now).is_err()
        };
        for error in [
            ModelError::Unreachable,
            ModelError::Timeout("the first piece"),
            ModelError::Refused { status: 503 },
            ModelError::Broken { is_down: true },
        ] {
            assert!(is_closed_by(&error), "{error}");
        }
        for error in [
            ModelError::Refused { status: 400 },
            ModelError::Refused { status: 401 },
            ModelError::RateLimited { retry_after: None },
            ModelError::Broken { is_down: false },
            ModelError::Cut,
            ModelError::Invalid,
        ] {
            assert!(!is_closed_by(&error), "{error}");
        }
    }
}
