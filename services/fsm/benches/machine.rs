//! How many transitions the machine takes in memory: without a log, a board or a line.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fsm::bench::{GUARDED, PLAIN, transition};

fn take(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transition");
    group.throughput(Throughput::Elements(1));
    for (name, definition) in [("without a guard", PLAIN), ("with a guard", GUARDED)] {
        let mut take = transition(definition);
        group.bench_function(name, |bencher| bencher.iter(&mut take));
    }
    group.finish();
}

criterion_group!(benches, take);
criterion_main!(benches);
