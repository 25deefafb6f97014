//! A ledger of as many keys as the largest shops have: what it takes on disk and in memory, how long a start takes, and what a
//! change costs then. `MARE_BENCH_KEYS` makes it smaller.

use std::path::Path;
use std::time::Instant;

use mare::core::entity::Key;
use mare::core::position::Position;
use mare::core::record::{Cause, Confirmed, Dirty, Wanted};
use mare::core::time::Timestamp;
use mare::core::value::{Stock, Value};
use mare::store::{Durability, Op, Options, Store};
use serde_json::json;

use super::{report, spread, stage};

const KEYS: u32 = 60_000_000;
const PER_COMMIT: u32 = 100_000;
/// Commits of changes of random keys, each synced.
const COMMITS: usize = 20;
const CHANGES_PER_COMMIT: u32 = 10_000;
const STARTS: usize = 5;

pub(super) fn measure() {
    let began = Instant::now();
    let keys = std::env::var("MARE_BENCH_KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(KEYS);
    let dir = tempfile::tempdir().unwrap();
    stage(began, &format!("scale: {keys} keys are confirmed"));
    let filled = fill(dir.path(), keys);
    stage(began, "scale: starts");
    let mut starts: Vec<f64> = (0..STARTS)
        .map(|_| {
            let started = Instant::now();
            drop(open(dir.path()));
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    stage(began, "scale: changes");
    let store = open(dir.path());
    let mut random = fastrand::Rng::with_seed(7);
    let mut commits: Vec<f64> = (0..COMMITS)
        .map(|n| {
            let ops = changes(&mut random, keys, n as u64 + 2);
            let started = Instant::now();
            store.commit(&ops, Durability::Synced).unwrap();
            started.elapsed().as_secs_f64() * 1e6 / f64::from(CHANGES_PER_COMMIT)
        })
        .collect();
    let mut looks: Vec<f64> = (0..10_000)
        .map(|_| {
            let key = key(random.u32(..keys));
            let started = Instant::now();
            assert!(store.confirmed(&key).unwrap().is_some());
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    drop(store);
    report(&json!({
        "bench": "scale", "keys": keys, "confirmed_per_second": filled.round(),
        "disk_mib": size(dir.path()) >> 20, "rss_mib": resident() >> 20, "start_ms": spread(&mut starts),
        "change_microseconds": spread(&mut commits), "look_up_microseconds": spread(&mut looks),
    }));
}

fn open(dir: &Path) -> Store {
    Store::open(dir, Options::default()).unwrap()
}

fn key(n: u32) -> Key {
    // 300 stores with 200,000 SKUs.
    Key::stock(&format!("loja{:03}", n / 200_000), &format!("{:06}-01", n % 200_000))
}

/// Keys confirmed per second, in the order of a first load.
fn fill(dir: &Path, keys: u32) -> f64 {
    let store = open(dir);
    let began = Instant::now();
    let mut from = 0;
    while from < keys {
        let to = keys.min(from + PER_COMMIT);
        let value = |n: u32| Value::Stock(Stock::of(n % 50));
        let ops: Vec<Op> = (from..to)
            .map(|n| Op::Advance {
                key: key(n),
                confirmed: Confirmed { value: value(n), position: Position(1), at: Timestamp(0) },
            })
            .collect();
        store.commit(&ops, Durability::Buffered).unwrap();
        from = to;
    }
    f64::from(keys) / began.elapsed().as_secs_f64()
}

fn changes(random: &mut fastrand::Rng, keys: u32, position: u64) -> Vec<Op> {
    let mut picked: Vec<u32> = (0..CHANGES_PER_COMMIT).map(|_| random.u32(..keys)).collect();
    picked.sort_unstable();
    picked
        .into_iter()
        .map(|n| {
            let wanted = Wanted {
                value: Value::Stock(Stock::of(n % 7)),
                position: Position(position),
                committed_at: Timestamp(0),
                cause: Cause::Change,
            };
            Op::Want { key: key(n), dirty: Dirty::fresh(wanted) }
        })
        .collect()
}

fn size(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).unwrap().flatten();
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                size(&entry.path())
            } else {
                entry.metadata().map_or(0, |it| it.len())
            }
        })
        .sum()
}

/// Of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
