//! A deterministic simulation of the whole: Live with overlapping transactions, the ledger's disk, the clock, the network and
//! VTEX are played, and everything that decides is the real thing: the mapping, the window of changes, the gate of the
//! compare, the dispatcher, the planner of orders. One seed decides what happens; when all is quiet, an oracle holds VTEX
//! against Live.
//!
//! `MARE_SIM_SEED=7` runs one seed and tells what happened, `MARE_SIM_SEEDS=100000` as many.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is a failed test")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

mod disk;
mod fault;
mod live;
mod oracle;
mod process;
mod source;
#[path = "../support/stock_tables.rs"]
mod stock_tables;
mod vtex;
mod world;

use fault::Fault;
use world::{Failed, Plan, Seen, World};

/// Events of a failing seed that are shown.
const SHOWN: usize = 80;
/// A deliberate mistake has to be found within so many seeds.
const SEEDS_PER_FAULT: u64 = 3_000;

fn run(plan: Plan, tracing: bool) -> Result<Seen, Failed> {
    catch_unwind(AssertUnwindSafe(|| World::run(plan, tracing))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let why = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Err(Failed { why: format!("panic: {why}"), trace: Vec::new() })
    })
}

/// As little as still fails, and what happened then.
fn explain(plan: Plan) -> String {
    let fails = |plan: Plan| run(plan, false).is_err();
    let mut least = plan;
    let without: [fn(&mut Plan); 5] = [
        |plan| plan.proofs = false,
        |plan| plan.orders = false,
        |plan| plan.slots = false,
        |plan| plan.crashes = false,
        |plan| plan.trouble = false,
    ];
    for less in without {
        let mut fewer = least;
        less(&mut fewer);
        if fails(fewer) {
            least = fewer;
        }
    }
    let steps = (1..least.steps).find(|steps| fails(Plan { steps: *steps, ..least }));
    least.steps = steps.unwrap_or(least.steps);
    let Err(Failed { why, trace }) = run(least, true) else {
        return format!("{plan:?} fails, {least:?} does not");
    };
    let shown = trace[trace.len().saturating_sub(SHOWN)..].join("\n");
    format!("{least:?}: {why}\n{shown}")
}

/// Runs seeds on all cores; the first one that fails, by its number.
fn first_failing(
    seeds: std::ops::Range<u64>,
    fault: Option<Fault>,
    total: &std::sync::Mutex<Seen>,
) -> Option<u64> {
    let (next, failed) = (AtomicU64::new(seeds.start), AtomicU64::new(u64::MAX));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut sum = Seen::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || seed > failed.load(Ordering::Relaxed) {
                        break;
                    }
                    match run(Plan::of(seed, fault), false) {
                        Ok(seen) => sum.add(seen),
                        Err(_) => drop(failed.fetch_min(seed, Ordering::Relaxed)),
                    }
                }
                total.lock().unwrap().add(sum);
            });
        }
    });
    let failed = failed.into_inner();
    (failed != u64::MAX).then_some(failed)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Panics of a world are told by [`explain`], once.
fn quietly() {
    std::panic::set_hook(Box::new(|info| {
        if std::thread::current().name().is_some_and(|name| name != "main") {
            println!("{info}");
        }
    }));
}

#[test]
fn when_everything_is_quiet_vtex_equals_live_whatever_the_seed() {
    if let Some(seed) = number("MARE_SIM_SEED") {
        match run(Plan::of(seed, None), true) {
            Ok(seen) => println!("seed {seed}: {seen:?}"),
            Err(_) => panic!("seed {seed}\n{}", explain(Plan::of(seed, None))),
        }
        return;
    }
    for line in include_str!("regressions.txt").lines().filter(|line| !line.starts_with('#')) {
        let seed = line.split_whitespace().next().and_then(|text| text.parse().ok()).expect("a seed");
        assert!(run(Plan::of(seed, None), false).is_ok(), "seed {seed}\n{}", explain(Plan::of(seed, None)));
    }
    let (count, total) = (number("MARE_SIM_SEEDS").unwrap_or(10_000), std::sync::Mutex::default());
    if let Some(seed) = first_failing(0..count, None, &total) {
        panic!("MARE_SIM_SEED={seed} fails\n{}", explain(Plan::of(seed, None)));
    }
    let seen = total.into_inner().unwrap();
    println!("{count} seeds: {seen:?}");
    let all = [seen.requests, seen.crashes, seen.orders, seen.late, seen.slots, seen.meddled];
    assert!(all.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn the_oracle_finds_every_deliberate_fault() {
    quietly();
    let mut missed = Vec::new();
    for fault in Fault::ALL {
        match first_failing(0..SEEDS_PER_FAULT, Some(fault), &std::sync::Mutex::default()) {
            Some(seed) => {
                let why = run(Plan::of(seed, Some(fault)), false).err().map(|failed| failed.why);
                println!("{fault:?}: seed {seed}: {}", why.unwrap_or_default());
            }
            None => missed.push(fault),
        }
    }
    assert!(missed.is_empty(), "not found in {SEEDS_PER_FAULT} seeds: {missed:?}");
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.crashes += other.crashes;
        self.orders += other.orders;
        self.late += other.late;
        self.slots += other.slots;
        self.meddled += other.meddled;
    }
}
