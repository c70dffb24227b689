//! What a roll costs whose faces are drawn from a chain: the notation is read already, the log is not part of it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dice::proof;
use ring::hmac;
use rules::dice::Notation;

fn rolls(criterion: &mut Criterion) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; proof::SEED_BYTES]);
    let mut group = criterion.benchmark_group("provable");
    group.throughput(Throughput::Elements(1));
    for text in ["1d20+5", "100d6"] {
        let notation = Notation::parse(text).expect("it is a roll");
        let mut nonce = 0;
        group.bench_function(text, |bench| {
            bench.iter(|| {
                nonce += 1;
                let mut stream = proof::Stream::new(&key, black_box("alice,bob"), nonce);
                notation.roll(|sides| stream.face(sides)).total
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rolls);
criterion_main!(benches);
