//! A bounded run of what must hold for every input: a corpus, and what a fixed seed makes of it.

#[path = "../../fuzz/checks.rs"]
mod checks;

use std::path::Path;

/// Inputs tried for each target.
const RUNS: u64 = 2000;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .expect("the corpus is in the repository")
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    inputs.sort();
    inputs
}

/// SplitMix64: the same numbers everywhere.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap()
}

fn run(target: &str, check: fn(&[u8])) {
    let corpus = corpus(target);
    corpus.iter().for_each(|input| check(input));
    let mut state = 1;
    let runs = if std::env::var_os("DICETOWER_DEEP").is_some() { RUNS * 100 } else { RUNS };
    for _ in 0..runs {
        let mut input = corpus[next(&mut state) % corpus.len()].clone();
        for _ in 0..1 + next(&mut state) % 4 {
            if input.is_empty() {
                break;
            }
            let at = next(&mut state) % input.len();
            match next(&mut state) % 4 {
                0 => input[at] = b"{}[]\":,0-e\\ntru"[next(&mut state) % 15],
                1 => input[at] = u8::try_from(next(&mut state) % 256).unwrap(),
                2 => drop(input.remove(at)),
                _ => input.insert(at, input[next(&mut state) % input.len()]),
            }
        }
        check(&input);
    }
}

#[test]
fn frames_of_any_bytes_are_read_or_refused() {
    run("frames", checks::frames);
}

#[test]
fn arguments_of_any_json_are_taken_or_refused() {
    run("arguments", checks::arguments);
}

#[test]
fn tokens_of_any_text_are_taken_apart() {
    run("tokens", checks::tokens);
}

#[test]
fn lines_of_any_bytes_are_commands_or_none_and_leave_as_one_line() {
    run("lines", checks::lines);
}

#[test]
fn definitions_of_any_text_are_loaded_or_told_what_is_wrong() {
    run("definitions", checks::definitions);
}
