//! Bytes that nobody expected, made from those that were: for tests of whatever reads what arrives from outside.
//!
//! What is kept in `tests/fuzz/corpus` is changed by a seeded generator: bits, pieces left out, doubled or exchanged, words of
//! the format, ends cut off. A failing input is printed with its seed; it belongs into the corpus then.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

/// Words that JSON may have where another was expected.
pub(crate) const JSON: [&str; 10] =
    ["null", "true", "{}", "[]", "\"\"", "1e999", "-0", "1.5", "\"NaN\"", "\\u0000"];

/// Changed inputs of one run; `MARE_FUZZ_ROUNDS` makes it longer.
const ROUNDS: u64 = 4_000;
/// Changes on top of each other.
const CHANGES_MAX: usize = 4;

/// Gives each file of a corpus, and changed ones, to `read`, which must come back from any of them.
pub(crate) fn each(corpus: &str, words: &[&str], read: impl Fn(&[u8])) {
    let folder = format!("{}/tests/fuzz/corpus/{corpus}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    names.sort();
    let inputs: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(name).expect("a file")).collect();
    for (name, input) in names.iter().zip(&inputs) {
        attempt(&name.display().to_string(), input, &read);
    }
    let rounds = std::env::var("MARE_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let first = fastrand::u64(..);
    for seed in first..first.saturating_add(rounds) {
        let mut random = Rng::with_seed(seed);
        let mut input = inputs[random.usize(..inputs.len())].clone();
        for _ in 0..random.usize(1..=CHANGES_MAX) {
            change(&mut input, &inputs, words, &mut random);
        }
        attempt(&format!("seed {seed}"), &input, &read);
    }
}

fn attempt(what: &str, input: &[u8], read: &impl Fn(&[u8])) {
    let panicked = catch_unwind(AssertUnwindSafe(|| read(input))).is_err();
    assert!(!panicked, "{what}: {}", input.escape_ascii());
}

fn change(input: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str], random: &mut Rng) {
    if input.is_empty() {
        input.push(random.u8(..));
    }
    let at = random.usize(..input.len());
    let to = (at + random.usize(1..64)).min(input.len());
    match random.u8(..8) {
        0 => input[at] ^= 1 << random.u8(..8),
        1 => input[at] = random.u8(..),
        2 => input.truncate(at),
        3 => drop(input.drain(at..to)),
        4 => {
            let piece = input[at..to].to_vec();
            input.splice(at..at, piece);
        }
        5 => {
            let other = &others[random.usize(..others.len())];
            let from = random.usize(..other.len().max(1)).min(other.len());
            let piece = other[from..(from + 64).min(other.len())].to_vec();
            input.splice(at..to, piece);
        }
        6 => {
            let number = [0, 1, -1, i64::MAX, i64::MIN, 1 << 31][random.usize(..6)];
            input.splice(at..to, number.to_string().bytes());
        }
        _ if words.is_empty() => input.splice(at..at, [0xff, 0xff, 0xff, 0xff]).for_each(drop),
        _ => drop(input.splice(at..to, words[random.usize(..words.len())].bytes())),
    }
}
