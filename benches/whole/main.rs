//! The whole path under load: the real binary between a private Postgres and a simulator, measured beside a peer
//! or a limit in the same run. Prints one JSON object a line; what it is busy with goes to stderr.
//!
//! ```text
//! scripts/bench drain     1,000,000 updates over 200,000 keys, backlog made before; beside pg_recvlogical
//! scripts/bench latency   commit to VTEX at 1,000 changes/s, a simulator without limits
//! scripts/bench limit     requests and changes under a limit of 33/s
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail loudly")]

use std::time::{Duration, Instant};

use support::replicator::Site;

#[path = "../../tests/support/mod.rs"]
mod support;

mod drain;
mod latency;
mod limit;

const MINUTE: Duration = Duration::from_secs(60);
/// As fast as the simulator answers.
const WITHOUT_LIMITS: &str = "[tuning.routes]\nstock_write = { per_second = 10000, burst = 100000 }\n\
    [tuning.concurrency]\nstock = 64\n";

#[tokio::main]
async fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|given| given == name);
    if wanted("limit") {
        limit::measure().await;
    }
    if wanted("latency") {
        latency::measure().await;
    }
    if wanted("drain") {
        drain::measure().await;
    }
}

fn report(line: &serde_json::Value) {
    println!("{line}");
}

/// Says what takes time before anything is measured.
fn stage(began: Instant, what: &str) {
    eprintln!("{:7.1} s  {what}", began.elapsed().as_secs_f64());
}

/// Lets the shop work; returns how many seconds it took.
fn work(site: &Site, arguments: &[&str]) -> f64 {
    let began = Instant::now();
    let url = site.postgres.database("live").url();
    let worked = site.command(&["shop", "work", "--url", &url]).args(arguments).output().unwrap();
    assert!(worked.status.success(), "{}", String::from_utf8_lossy(&worked.stderr));
    began.elapsed().as_secs_f64()
}
