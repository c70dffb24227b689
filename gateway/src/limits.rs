//! How often somebody may do something, by his address, his token and his table. Whoever asks too often is told when he
//! may again, and costs no service anything.

use std::{
    num::NonZeroU32,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use serde_json::{Map, json};
use service_kit::{
    auth::Caller,
    metrics::{self, By, Counter},
    status::{self, ErrorCode},
};
use tonic::Status;

/// How many times a second's worth may come at once.
const BURST: u32 = 4;
/// After so many checks, keys that nobody uses any more are forgotten.
const FORGET_EVERY: u64 = 10_000;

/// What was too much, by what it was: requests, frames, rolls, turns, connections, streams.
pub(crate) static LIMITED: LazyLock<By<Counter>> =
    LazyLock::new(|| metrics::counters("limited", "Refused because it was too much", "what"));

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Requests of an address or token.
    Request,
    /// Frames of a connection or token.
    Frame,
    /// Calls of tools that roll or change something, of a token or table.
    Roll,
    /// Turns of a token or table.
    Turn,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Request, Kind::Frame, Kind::Roll, Kind::Turn];

    /// The plural that people are told, also the metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Request => "requests",
            Kind::Frame => "frames",
            Kind::Roll => "rolls",
            Kind::Turn => "turns",
        }
    }
}

/// How many of each a second.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct RateConfig {
    /// Requests a second of one address and of one token; 0 means any number. Left out, 200, and any number while only
    /// this machine can reach the server and nobody is asked who he is.
    #[arg(long, env = "DICETOWER_RATE_REQUESTS", value_name = "COUNT")]
    pub rate_requests: Option<u32>,
    /// Frames a second of one WebSocket and of one token; as above, 50.
    #[arg(long, env = "DICETOWER_RATE_FRAMES", value_name = "COUNT")]
    pub rate_frames: Option<u32>,
    /// Rolls and changes a second of one token and of one table; as above, 50.
    #[arg(long, env = "DICETOWER_RATE_ROLLS", value_name = "COUNT")]
    pub rate_rolls: Option<u32>,
    /// Turns a second of one token and of one table; as above, 2.
    #[arg(long, env = "DICETOWER_RATE_TURNS", value_name = "COUNT")]
    pub rate_turns: Option<u32>,
}

/// The limits in force.
pub(crate) struct Limits {
    limiters: [Option<Limiter>; 4],
    checks: AtomicU64,
}

struct Limiter {
    per_second: u32,
    limiter: DefaultKeyedRateLimiter<String>,
}

impl Limits {
    /// The limits of a configuration; what it leaves out is unlimited if the server is private to its machine.
    pub fn new(config: &RateConfig, is_private: bool) -> Limits {
        let limiter = |given: Option<u32>, default: u32| {
            let per_second = given.unwrap_or(if is_private { 0 } else { default });
            let quota = Quota::per_second(NonZeroU32::new(per_second)?);
            let burst = NonZeroU32::new(per_second.saturating_mul(BURST))?;
            Some(Limiter { per_second, limiter: RateLimiter::keyed(quota.allow_burst(burst)) })
        };
        let limiters = [
            limiter(config.rate_requests, 200),
            limiter(config.rate_frames, 50),
            limiter(config.rate_rolls, 50),
            limiter(config.rate_turns, 2),
        ];
        Limits { limiters, checks: AtomicU64::new(0) }
    }

    /// Counts one more for each key; empty keys are nobody's.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED`, with the time until the next one in `retry_after_ms`.
    pub fn check(&self, kind: Kind, keys: &[&str]) -> Result<(), Status> {
        let index = Kind::ALL.iter().position(|known| *known == kind).unwrap_or_default();
        let Some(Limiter { per_second, limiter }) = &self.limiters[index] else { return Ok(()) };
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            limiter.retain_recent();
        }
        for key in keys.iter().filter(|key| !key.is_empty()) {
            if let Err(early) = limiter.check_key(&(*key).to_owned()) {
                let wait = early.wait_time_from(governor::clock::DefaultClock::default().now());
                let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
                LIMITED.with(kind.name()).inc();
                let message = format!("too many {}: {per_second} a second are allowed; wait {ms} ms", kind.name());
                let details = Map::from_iter([("retry_after_ms".to_owned(), json!(ms))]);
                return Err(status::error_with(ErrorCode::RateLimited, message, details));
            }
        }
        Ok(())
    }
}

/// The key of a caller's token; none where nobody is asked who he is.
pub(crate) fn token(caller: &Caller) -> String {
    if caller.name.is_empty() { String::new() } else { format!("token {}", caller.name) }
}

/// The key of a table.
pub(crate) fn table(session_id: Option<&str>) -> String {
    session_id.map(|id| format!("table {id}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_what_is_more_is_told_when_to_come_again() {
        let limits = Limits::new(&RateConfig { rate_turns: Some(1), ..RateConfig::default() }, true);
        for _ in 0..BURST {
            limits.check(Kind::Turn, &["anna", "table"]).unwrap();
        }

        let refusal = limits.check(Kind::Turn, &["anna"]).unwrap_err();
        assert_eq!(refusal.code(), tonic::Code::ResourceExhausted);
        let failure = service_kit::status::Failure::from(&refusal);
        assert!(failure.details["retry_after_ms"].as_u64().is_some_and(|ms| (1..=1000).contains(&ms)), "{failure:?}");

        limits.check(Kind::Turn, &["bert"]).unwrap();
        limits.check(Kind::Turn, &[""]).unwrap();
    }

    #[test]
    fn a_server_that_is_private_limits_what_it_is_told_to() {
        let limits = Limits::new(&RateConfig { rate_frames: Some(1), ..RateConfig::default() }, true);
        for _ in 0..10_000 {
            limits.check(Kind::Request, &["anna"]).unwrap();
        }
        assert!((0..10).any(|_| limits.check(Kind::Frame, &["anna"]).is_err()));
    }

    #[test]
    fn a_server_that_others_reach_limits_everything() {
        let limits = Limits::new(&RateConfig::default(), false);
        for kind in Kind::ALL {
            assert!((0..2000).any(|_| limits.check(kind, &["anna"]).is_err()), "{kind:?}");
        }
    }
}
