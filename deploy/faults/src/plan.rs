//! What goes wrong, and when: chosen by a seed, the same for the same seed.

use std::{fmt, time::Duration};

/// The processes that may be killed or stopped.
pub const PROCESSES: [&str; 11] = [
    "dice-a",
    "dice-b",
    "character-a",
    "character-b",
    "fsm-a",
    "fsm-b",
    "orchestrator-a",
    "orchestrator-b",
    "gateway-a",
    "gateway-b",
    "tcp-adapter",
];
/// The connections that may be cut, stalled or slowed, by the name of the one that is called.
pub const LINKS: [&str; 10] = [
    "database",
    "nats",
    "dice",
    "character",
    "fsm",
    "orchestrator-a",
    "orchestrator-b",
    "gateway-a",
    "gateway-b",
    "tcp-adapter",
];

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Time before it.
    pub after: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    pub kind: Kind,
}

/// How it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A process is killed (SIGKILL), and started again at the end.
    Kill(&'static str),
    /// A process is stopped (SIGSTOP), and goes on at the end.
    Pause(&'static str),
    /// All connections to a service are reset, and new ones refused.
    Cut(&'static str),
    /// Nothing gets through on any connection to a service, and nobody is told.
    Stall(&'static str),
    /// Everything takes longer on the connections to a service.
    Slow(&'static str),
    /// So many packets of a hundred are lost on the connections to a service: as TCP has it, they come late.
    Lossy(&'static str, u64),
    /// PostgreSQL is killed, and started again at the end.
    Database,
    /// The disk under PostgreSQL is full.
    FullDisk,
    /// The disk under PostgreSQL is slow.
    SlowDisk,
    /// NATS is killed, and started again at the end.
    Nats,
    /// The clock of a process jumps by so many seconds, and back at the end.
    Clock(&'static str, i64),
    /// Every client loses its connection at once.
    Storm,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.lasts.as_millis();
        match self.kind {
            Kind::Kill(name) => write!(formatter, "{name} killed, started again after {ms} ms"),
            Kind::Pause(name) => write!(formatter, "{name} stopped for {ms} ms"),
            Kind::Cut(name) => write!(formatter, "connections to {name} cut for {ms} ms"),
            Kind::Stall(name) => write!(formatter, "connections to {name} stalled for {ms} ms"),
            Kind::Slow(name) => write!(formatter, "connections to {name} slow for {ms} ms"),
            Kind::Lossy(name, percent) => write!(formatter, "{percent} % lost on connections to {name} for {ms} ms"),
            Kind::Database => write!(formatter, "PostgreSQL killed, started again after {ms} ms"),
            Kind::FullDisk => write!(formatter, "PostgreSQL's disk full for {ms} ms"),
            Kind::SlowDisk => write!(formatter, "PostgreSQL's disk slow for {ms} ms"),
            Kind::Nats => write!(formatter, "NATS killed, started again after {ms} ms"),
            Kind::Clock(name, seconds) => write!(formatter, "{name}'s clock {seconds:+} s for {ms} ms"),
            Kind::Storm => write!(formatter, "every client cut off"),
        }
    }
}

/// The faults of a seed.
pub fn faults(seed: u64, count: usize) -> Vec<Fault> {
    let mut numbers = Numbers(seed);
    (0..count).map(|_| fault(&mut numbers)).collect()
}

fn fault(numbers: &mut Numbers) -> Fault {
    let after = Duration::from_millis(numbers.below(400));
    let lasts = Duration::from_millis(100 + numbers.below(1400));
    let kind = match numbers.below(17) {
        0..3 => Kind::Kill(numbers.one_of(&PROCESSES)),
        3..5 => Kind::Pause(numbers.one_of(&PROCESSES)),
        5..7 => Kind::Cut(numbers.one_of(&LINKS)),
        7 => Kind::Stall(numbers.one_of(&LINKS)),
        8 => Kind::Slow(numbers.one_of(&LINKS)),
        9 => Kind::Lossy(numbers.one_of(&LINKS), 1 + numbers.below(20)),
        10 => Kind::Database,
        11 => Kind::FullDisk,
        12 => Kind::SlowDisk,
        13..15 => Kind::Nats,
        15 => Kind::Clock(numbers.one_of(&PROCESSES), jump(numbers)),
        _ => Kind::Storm,
    };
    Fault { after, lasts, kind }
}

/// A minute to a day, forward or back.
fn jump(numbers: &mut Numbers) -> i64 {
    let seconds = 60 + numbers.below(24 * 60 * 60);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    if numbers.below(2) == 0 { seconds } else { -seconds }
}

/// Numbers by a seed (SplitMix64): no die, only a plan that can be made again.
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of(&mut self, names: &[&'static str]) -> &'static str {
        names[usize::try_from(self.below(names.len() as u64)).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_plans_the_same() {
        assert_eq!(faults(7, 20), faults(7, 20));
        assert_ne!(faults(7, 20), faults(8, 20));
    }

    #[test]
    fn fifty_seeds_try_every_kind() {
        let all = (1..=50).flat_map(|seed| faults(seed, 5));
        let kinds: HashSet<_> = all.map(|fault| std::mem::discriminant(&fault.kind)).collect();
        assert_eq!(kinds.len(), 12);
    }
}
