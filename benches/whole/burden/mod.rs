//! What capture costs the shop: sales per second without it and with it, the variants taking turns.

use std::time::{Duration, Instant};

use mare::shop::{self, Engine, Mix, Plan, Totals};
use tokio_util::sync::CancellationToken;

use super::{MINUTE, stage};
use site::Variant;

pub(super) mod elsewhere;
mod site;

/// Tills that sell without a pause, each in a store of its own.
const TILLS: usize = 4;
const TURN: Duration = Duration::from_secs(1);
/// The first is not counted: caches are cold, and the tables are as the generator left them.
const ROUNDS: usize = 6;
const SEED: u64 = 1;

pub(super) async fn measure() {
    let began = Instant::now();
    let mut variants = Vec::new();
    for (capture, source, wal_level) in [
        ("none", None, "replica"),
        ("triggers, row", Some("capture = \"triggers\"\nform = \"row\""), "replica"),
        ("triggers, key", Some("capture = \"triggers\"\nform = \"key\""), "replica"),
        ("slot", Some(""), "logical"),
    ] {
        stage(began, &format!("burden: a shop, capture by {capture}"));
        variants.push(Variant::new(capture, source, wal_level).await);
    }
    for round in 0..ROUNDS {
        stage(began, &format!("burden: round {} of {ROUNDS}", round + 1));
        // There and back again, so that a machine that becomes faster or slower favours nobody.
        let mut order: Vec<usize> = (0..variants.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            variants[index].turn(round as u64).await;
        }
    }
    let without = variants[0].rates();
    for variant in &variants {
        variant.report(&without);
    }
}

/// Sells for a turn on all tills.
async fn sell<E: Engine>(tills: &[E], seed: u64) -> Totals {
    let stop = CancellationToken::new();
    // More than any database does, for longer than the turn: each till always has statements on their way.
    let plan = Plan { rate: 1_000_000, duration: 10 * MINUTE, seed, mix: Mix::Sales, grow: false };
    let turn = async {
        tokio::time::sleep(TURN).await;
        stop.cancel();
    };
    let (totals, ()) = tokio::join!(shop::work(tills, &plan, &stop, |_| {}), turn);
    totals.unwrap()
}

fn rate(totals: Totals) -> f64 {
    totals.transactions as f64 / totals.elapsed.as_secs_f64()
}

/// Of the counted rounds: the one in the middle, the least and the most.
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Self { median, least: values[0], most: values[values.len() - 1] }
    }

    /// Round by round.
    fn of_ratios(with: &[f64], without: &[f64]) -> Self {
        Self::of(with.iter().zip(without).map(|(with, without)| with / without))
    }
}
