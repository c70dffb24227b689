//! How often somebody may do something, by his address, his token and his table. Whoever asks too often is told when he
//! may again, and costs no service anything.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc, LazyLock,
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

/// People whose worth one address or table may do, unless it is told otherwise.
const PEOPLE: u32 = 10;

/// What was too much, by what it was: requests, frames, rolls and turns of somebody, of an address or of a table;
/// connections, streams.
pub(crate) static LIMITED: LazyLock<By<Counter>> =
    LazyLock::new(|| metrics::counters("limited", "Refused because it was too much", "what"));

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Requests.
    Request,
    /// Frames of WebSockets.
    Frame,
    /// Calls of tools that roll or change something.
    Roll,
    /// Turns of the game master.
    Turn,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Request, Kind::Frame, Kind::Roll, Kind::Turn];

    /// The plural that people are told, also the beginning of the metric's label.
    fn name(self) -> &'static str {
        match self {
            Kind::Request => "requests",
            Kind::Frame => "frames",
            Kind::Roll => "rolls",
            Kind::Turn => "turns",
        }
    }
}

/// Under whom something is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Token(Arc<str>),
    /// A connection of somebody without a token.
    Connection(Arc<str>),
    /// An IPv4 address, or the network of 64 bits that an IPv6 address is in: who has one has all of it.
    Address(IpAddr),
    Table(Arc<str>),
}

impl Key {
    /// The key of an address.
    pub fn address(address: IpAddr) -> Key {
        Key::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address => address,
        })
    }

    fn token(caller: &Caller) -> Option<Key> {
        (!caller.name.is_empty()).then(|| Key::Token(caller.name.as_str().into()))
    }

    /// As an error tells whose limit it was.
    fn whose(&self) -> &'static str {
        match self {
            Key::Token(_) | Key::Connection(_) => "",
            Key::Address(_) => " of your address",
            Key::Table(_) => " of this table",
        }
    }

    /// As the metric tells it.
    fn label(&self) -> &'static str {
        match self {
            Key::Token(_) | Key::Connection(_) => "",
            Key::Address(_) => " of an address",
            Key::Table(_) => " of a table",
        }
    }
}

/// Everybody under whom something is counted: one person, and those who may be many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// By his token, else by his address; none where there is neither.
    pub person: Option<Key>,
    pub address: Option<Key>,
    pub table: Option<Key>,
}

impl Keys {
    /// Those of a caller at a table.
    pub fn of(caller: &Caller, table: Option<&str>) -> Keys {
        let address = caller.address.map(Key::address);
        Keys {
            person: Key::token(caller).or_else(|| address.clone()),
            address,
            table: table.map(|id| Key::Table(id.into())),
        }
    }

    /// The same for one of several connections: who has no token is told from others by it.
    pub fn of_connection(caller: &Caller, table: Option<&str>, connection_id: &str) -> Keys {
        let person = Key::token(caller).unwrap_or_else(|| Key::Connection(connection_id.into()));
        Keys { person: Some(person), ..Keys::of(caller, table) }
    }
}

/// How many of each a second.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct RateConfig {
    /// Requests a second of one token, or of one address without a token; 0 means any number. Left out, 200, and any
    /// number while only this machine can reach the server and nobody is asked who he is.
    #[arg(long, env = "DICETOWER_RATE_REQUESTS", value_name = "COUNT")]
    pub rate_requests: Option<u32>,
    /// Frames a second of one token, or of one WebSocket without a token; as above, 50.
    #[arg(long, env = "DICETOWER_RATE_FRAMES", value_name = "COUNT")]
    pub rate_frames: Option<u32>,
    /// Rolls and changes a second of one token, or of one address without a token; as above, 50.
    #[arg(long, env = "DICETOWER_RATE_ROLLS", value_name = "COUNT")]
    pub rate_rolls: Option<u32>,
    /// Turns a second of one token, or of one address without a token; as above, 2.
    #[arg(long, env = "DICETOWER_RATE_TURNS", value_name = "COUNT")]
    pub rate_turns: Option<u32>,
    /// People who may sit at one table or behind one address: each of both may do that many times what one person may.
    /// Left out, 10.
    #[arg(long, env = "DICETOWER_RATE_PEOPLE", value_name = "COUNT")]
    pub rate_people: Option<NonZeroU32>,
}

/// The limits in force.
pub(crate) struct Limits {
    limits: [Option<Limit>; 4],
    checks: AtomicU64,
}

/// How often something may be done.
struct Limit {
    by_person: Limiter,
    by_many: Limiter,
}

struct Limiter {
    per_second: u32,
    limiter: DefaultKeyedRateLimiter<Key>,
}

impl Limiter {
    fn new(per_second: NonZeroU32) -> Limiter {
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1));
        let limiter = RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst));
        Limiter { per_second: per_second.get(), limiter }
    }

    fn check(&self, kind: Kind, key: &Key) -> Result<(), Status> {
        let Err(early) = self.limiter.check_key(key) else { return Ok(()) };
        let wait = early.wait_time_from(governor::clock::DefaultClock::default().now());
        // Rounded up: whoever waits as long as he is told is not early again.
        let ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1);
        let (name, per_second) = (kind.name(), self.per_second);
        LIMITED.with(&format!("{name}{}", key.label())).inc();
        let message = format!("too many {name}{}: {per_second} a second are allowed; wait {ms} ms", key.whose());
        let details = Map::from_iter([("retry_after_ms".to_owned(), json!(ms))]);
        Err(status::error_with(ErrorCode::RateLimited, message, details))
    }
}

impl Limits {
    /// The limits of a configuration; what it leaves out is unlimited if the server is private to its machine.
    pub fn new(config: &RateConfig, is_private: bool) -> Limits {
        let people = config.rate_people.or(NonZeroU32::new(PEOPLE)).unwrap_or(NonZeroU32::MIN);
        let limit = |given: Option<u32>, default: u32| {
            let per_second = NonZeroU32::new(given.unwrap_or(if is_private { 0 } else { default }))?;
            let by_many = Limiter::new(per_second.saturating_mul(people));
            Some(Limit { by_person: Limiter::new(per_second), by_many })
        };
        let limits = [
            limit(config.rate_requests, 200),
            limit(config.rate_frames, 50),
            limit(config.rate_rolls, 50),
            limit(config.rate_turns, 2),
        ];
        Limits { limits, checks: AtomicU64::new(0) }
    }

    /// Counts one more for everybody whom it concerns.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED`, with the time until the next one in `retry_after_ms`.
    pub fn check(&self, kind: Kind, keys: &Keys) -> Result<(), Status> {
        let index = Kind::ALL.iter().position(|known| *known == kind).unwrap_or_default();
        let Some(Limit { by_person, by_many }) = &self.limits[index] else { return Ok(()) };
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            by_person.limiter.retain_recent();
            by_many.limiter.retain_recent();
        }
        let Keys { person, address, table } = keys;
        let of_many = address.iter().chain(table).try_for_each(|key| by_many.check(kind, key));
        of_many.and_then(|()| person.iter().try_for_each(|key| by_person.check(kind, key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Keys {
        Keys { person: Some(Key::Token(name.into())), ..Keys::default() }
    }

    fn turns(rate_people: u32) -> Limits {
        let rate_people = NonZeroU32::new(rate_people);
        Limits::new(&RateConfig { rate_turns: Some(1), rate_people, ..RateConfig::default() }, true)
    }

    #[test]
    fn a_burst_is_let_through_and_what_is_more_is_told_when_to_come_again() {
        let limits = turns(10);
        for _ in 0..BURST {
            limits.check(Kind::Turn, &person("anna")).unwrap();
        }

        let refusal = limits.check(Kind::Turn, &person("anna")).unwrap_err();
        assert_eq!(refusal.code(), tonic::Code::ResourceExhausted);
        let failure = service_kit::status::Failure::from(&refusal);
        assert!(failure.details["retry_after_ms"].as_u64().is_some_and(|ms| (1..=1000).contains(&ms)), "{failure:?}");

        limits.check(Kind::Turn, &person("bert")).unwrap();
        limits.check(Kind::Turn, &Keys::default()).unwrap();
    }

    #[test]
    fn a_table_and_an_address_may_do_as_much_as_the_people_there() {
        let (address, table) = (Key::address([10, 0, 0, 1].into()), Key::Table("evening".into()));
        let at_table = |number: u32| Keys { table: Some(table.clone()), ..person(&number.to_string()) };
        let behind_address = |number: u32| Keys { address: Some(address.clone()), ..person(&number.to_string()) };

        let limits = turns(3);
        let seated = (0..).take_while(|number| limits.check(Kind::Turn, &at_table(*number)).is_ok()).count();
        assert!(3 * BURST as usize <= seated);
        let refusal = limits.check(Kind::Turn, &at_table(9999)).unwrap_err();
        assert!(refusal.message().starts_with("too many turns of this table: 3 a second are allowed"), "{refusal}");

        let limits = turns(3);
        let come = (0..).take_while(|number| limits.check(Kind::Turn, &behind_address(*number)).is_ok()).count();
        assert!(3 * BURST as usize <= come);
        let refusal = limits.check(Kind::Turn, &behind_address(9999)).unwrap_err();
        assert!(refusal.message().starts_with("too many turns of your address: 3 a second are allowed"), "{refusal}");
    }

    #[test]
    fn who_shows_no_token_is_his_address() {
        let stranger = Caller::anyone().at(Some([10, 0, 0, 1].into()));
        let mut anna = stranger.clone();
        anna.name = "Anna".into();

        let limits = turns(10);
        for _ in 0..BURST {
            // Whichever table he turns to.
            limits.check(Kind::Turn, &Keys::of(&stranger, Some(&uuid::Uuid::now_v7().to_string()))).unwrap();
        }
        assert!(limits.check(Kind::Turn, &Keys::of(&stranger, None)).is_err());
        limits.check(Kind::Turn, &Keys::of(&anna, None)).unwrap();
        limits.check(Kind::Turn, &Keys::of_connection(&stranger, None, "one of several")).unwrap();
    }

    #[test]
    fn a_network_of_version_6_is_one_address() {
        let key = |text: &str| Key::address(text.parse().unwrap());

        assert_eq!(key("fd00:1:2:3::1"), key("fd00:1:2:3:ffff::2"));
        assert_ne!(key("fd00:1:2:3::1"), key("fd00:1:2:4::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    }

    #[test]
    fn a_server_that_is_private_limits_what_it_is_told_to() {
        let limits = Limits::new(&RateConfig { rate_frames: Some(1), ..RateConfig::default() }, true);
        for _ in 0..10_000 {
            limits.check(Kind::Request, &person("anna")).unwrap();
        }
        assert!((0..10).any(|_| limits.check(Kind::Frame, &person("anna")).is_err()));
    }

    #[test]
    fn a_server_that_others_reach_limits_everything() {
        let limits = Limits::new(&RateConfig::default(), false);
        for kind in Kind::ALL {
            assert!((0..2000).any(|_| limits.check(kind, &person("anna")).is_err()), "{kind:?}");
        }
    }
}
