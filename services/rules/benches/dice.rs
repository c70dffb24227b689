//! What reading, rolling and exact odds cost.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rules::dice::{Notation, odds};

/// A cheap stream of faces: what is measured is the engine, not the generator.
fn faces() -> impl FnMut(u32) -> u32 {
    let mut state = 1u64;
    move |sides| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((u64::from(state as u32) * u64::from(sides)) >> 32) as u32 + 1
    }
}

fn rolls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("roll");
    group.throughput(Throughput::Elements(1));
    let mut face = faces();
    group.bench_function("parse and roll 1d20+5", |bench| {
        bench.iter(|| Notation::parse(black_box("1d20+5")).unwrap().roll(&mut face).total);
    });
    for text in ["1d20+5", "100d6", "4d6kh3", "8d6 tn5", "10d6!"] {
        let notation = Notation::parse(text).unwrap();
        group.bench_function(format!("roll {text}"), |bench| bench.iter(|| notation.roll(&mut face).total));
    }
    group.finish();
}

fn exact_odds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("odds");
    group.sample_size(10);
    for text in
        ["20d10kh2", "16d10kh8", "4d6-4d6", "1000d6", "100d20kh50", "8d6 tn5", "1d20+5", "2d6+3", "10d6!", "30d6dl5dh5"]
    {
        let notation = Notation::parse(text).unwrap();
        group.bench_function(text, |bench| bench.iter(|| odds(&notation, u64::MAX).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, rolls, exact_odds);
criterion_main!(benches);
