//! How long the built-in opponent thinks about one decision, at each strength, on the opening board.

use criterion::{Criterion, criterion_group, criterion_main};
use fsm::bench::{STRENGTHS, question};

fn decide(criterion: &mut Criterion) {
    for kind in ["sp_die", "fp_die", "hunt_allocation"] {
        for strength in STRENGTHS {
            let decide = question(kind, strength);
            criterion.bench_function(&format!("{kind}, {strength}"), |bencher| bencher.iter(&decide));
        }
    }
}

criterion_group!(benches, decide);
criterion_main!(benches);
