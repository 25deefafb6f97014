//! What a group commit of the ledger costs, by its size, with and without waiting for the disk.

#![allow(clippy::unwrap_used, reason = "a bench may fail loudly")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mare::core::entity::Key;
use mare::core::position::Position;
use mare::core::record::{Cause, Dirty, Wanted};
use mare::core::time::Timestamp;
use mare::core::value::{Stock, Value};
use mare::store::{Durability, Op, Options, Store};

/// Distinct keys in the ledger.
const KEYS: u32 = 200_000;

/// The next `count` keys of a fixed random order, sorted as the writer sorts them.
fn changes(random: &mut fastrand::Rng, count: u32) -> Vec<Op> {
    let mut ops: Vec<_> = (0..count)
        .map(|_| {
            let wanted = Wanted {
                value: Value::Stock(Stock::of(random.u32(0..100))),
                position: Position(random.u64(..)),
                committed_at: Timestamp(0),
                cause: Cause::Change,
            };
            let sku = format!("SKU-{:06}", random.u32(0..KEYS));
            (Key::stock("loja001", &sku), Dirty::fresh(wanted))
        })
        .collect();
    ops.sort_by(|one, other| one.0.cmp(&other.0));
    ops.into_iter().map(|(key, dirty)| Op::Want { key, dirty }).collect()
}

fn commit(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut group = criterion.benchmark_group("ledger_commit");
    for (name, durability) in [("synced", Durability::Synced), ("buffered", Durability::Buffered)] {
        for count in [1, 100, 10_000] {
            group.throughput(Throughput::Elements(count.into()));
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter_batched(
                    || changes(&mut random, count),
                    |ops| store.commit(&ops, durability).unwrap(),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
