//! What must hold for every input; shared by the fuzz targets and the bounded run in the tests.

use peak_alloc::PeakAlloc;
use rules::dice::{Dialect, Notation, Value, odds};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How far memory may grow, in bytes.
const MOST_MEMORY: usize = 1 << 20;

/// Steps of odds that are worth about 10 ms.
const STEPS: u64 = 2_000_000;

/// Does some work, which may not take more memory than is allowed.
fn bounded<T>(text: &str, work: impl FnOnce() -> T) -> T {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let done = work();
    let grown = MEMORY.peak_usage().saturating_sub(before);
    assert!(grown <= MOST_MEMORY, "{text:?} takes {grown} bytes");
    done
}

/// The dialect and the text that bytes stand for.
fn input(data: &[u8]) -> Option<(Dialect, &str)> {
    let (first, rest) = data.split_first()?;
    Some((Dialect::ALL[usize::from(*first) % Dialect::ALL.len()], std::str::from_utf8(rest).ok()?))
}

/// Reading ends in a notation whose canonical form reads back in every dialect, or in a refusal that marks a place.
pub fn parse(data: &[u8]) {
    let Some((dialect, text)) = input(data) else { return };
    match bounded(text, || Notation::parse_as(text, dialect)) {
        Ok(notation) => {
            let canonical = notation.to_string();
            for other in Dialect::ALL {
                let again = Notation::parse_as(&canonical, other);
                assert_eq!(again.as_ref(), Ok(&notation), "{text:?} as {canonical:?} in {other}");
            }
        }
        Err(error) => assert!(error.start <= error.end && error.to_string().contains('⟨'), "{text:?}"),
    }
}

/// Rolling keeps within the bound, whatever faces come.
pub fn roll(data: &[u8]) {
    let Some((dialect, text)) = input(data) else { return };
    let Ok(notation) = Notation::parse_as(text, dialect) else { return };
    let bound = notation.bound();
    let most = bound.throws * u64::from(notation.repeats());
    for pattern in 0..3u32 {
        let mut throws = 0u64;
        let face = |sides| {
            throws += 1;
            match pattern {
                0 => 1,
                1 => sides,
                _ => (throws as u32).wrapping_mul(2_654_435_761) % sides + 1,
            }
        };
        let roll = bounded(text, || notation.roll(face));
        assert!(throws <= most, "{text:?}: {throws} throws, not {most}");
        let results = if roll.results.is_empty() { vec![roll.total] } else { roll.results };
        for total in results {
            assert!(Value::whole(bound.low) <= total && total <= Value::whole(bound.high), "{text:?}: {total}");
        }
    }
}

/// Odds sum to one, within the bound of the totals, or are refused.
pub fn odds_of(data: &[u8]) {
    let Some((dialect, text)) = input(data) else { return };
    let Ok(notation) = Notation::parse_as(text, dialect) else { return };
    let Ok(odds) = bounded(text, || odds(&notation, STEPS)) else { return };
    let (bound, distribution) = (notation.bound(), odds.distribution);
    assert!((distribution.chance_of_at_least(distribution.lowest()).to_f64() - 1.0).abs() < 1e-12, "{text:?}");
    assert!(Value::whole(bound.low) <= distribution.lowest(), "{text:?}");
    assert!(distribution.highest() <= Value::whole(bound.high), "{text:?}");
}
