//! A bounded run of the fuzz targets: their corpus, the corpus of readings, and texts mutated from both by a fixed seed.

#[path = "../fuzz/checks.rs"]
mod checks;
#[path = "dice/generator.rs"]
mod generator;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use generator::Stream;

/// Inputs tried for each target.
const RUNS: usize = 4000;
const LETTERS: &[u8] = b"0123456789dDkKhlLrRoOuUpPeExXcCfFsSmMaAnNitTvV!<>=+-*/%^(){}[],.:|# ";

#[expect(clippy::disallowed_methods, reason = "a test reads the corpus that the fuzz targets read")]
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).expect("the corpus is in the repository");
    let mut inputs: Vec<Vec<u8>> =
        files.map(|file| std::fs::read(file.expect("a file of the corpus").path()).expect("it can be read")).collect();
    inputs.sort();
    let readings = include_str!("dice/corpus.txt").lines().filter(|line| !line.starts_with("# "));
    inputs.extend(readings.filter_map(|line| {
        let text = line.split(" | ").nth(1)?;
        Some([&[line.len() as u8], text.as_bytes()].concat())
    }));
    inputs
}

/// One run at a time: memory is counted for the whole process.
static TURN: Mutex<()> = Mutex::new(());

fn run(target: &str, seed: u64, check: fn(&[u8])) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let corpus = corpus(target);
    corpus.iter().for_each(|input| check(input));
    let mut stream = Stream(seed);
    for _ in 0..RUNS {
        let mut input = corpus[stream.below(corpus.len())].clone();
        for _ in 0..1 + stream.below(4) {
            let at = stream.below(input.len());
            match stream.below(4) {
                0 => input[at] = LETTERS[stream.below(LETTERS.len())],
                1 => input.insert(at, LETTERS[stream.below(LETTERS.len())]),
                2 if input.len() > 2 => drop(input.remove(at)),
                _ => {
                    let other = &corpus[stream.below(corpus.len())];
                    let from = stream.below(other.len());
                    input.truncate(at + 1);
                    input.extend(&other[from..]);
                }
            }
        }
        check(&input);
    }
}

#[test]
fn the_parser_holds() {
    run("parse", 1, checks::parse);
}

#[test]
fn the_roller_holds() {
    run("roll", 2, checks::roll);
}

#[test]
fn the_odds_hold() {
    run("odds", 3, checks::odds_of);
}
