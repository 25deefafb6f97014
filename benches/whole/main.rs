//! The whole path under load: the real binary between a private Postgres and a simulator, measured beside a peer
//! or a limit in the same run. Prints one JSON object a line; what it is busy with goes to stderr.
//!
//! ```text
//! scripts/bench drain     1,000,000 updates over 200,000 keys, backlog made before; beside pg_recvlogical
//! scripts/bench latency   commit to VTEX at 10, 100, 1,000 and 10,000 changes/s, a simulator without limits
//! scripts/bench limit     requests and changes under a limit of 33/s
//! scripts/bench load      products into an empty account: SKUs on sale a minute, beside what the limits allow
//! scripts/bench orders    10,000 orders an hour, both ways, with a fifth of the requests about them failing; and a burst
//! scripts/bench convergence
//!                         a backlog under a limit: time until equal, share of the limit, sold-out first
//! scripts/bench ceiling   requests a second without limits, beside a bare loop
//! scripts/bench recovery  from kill -9 at full load to the first request
//! scripts/bench scale     a ledger of 60 million keys: start, memory, disk, what a change costs
//! scripts/bench changelog 500,000 updates over 100,000 keys, waiting in a change table; beside plain SQL
//! scripts/bench burden    sales per second with triggers, with a slot, and without capture
//! scripts/bench burden --url URL
//!                         the same on a shop elsewhere: its triggers enabled and disabled
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail loudly")]

use std::time::{Duration, Instant};

use mare::simulator::{Limits, Options};
use support::replicator::Site;

#[path = "../../tests/support/mod.rs"]
mod support;

mod backlog;
mod burden;
mod ceiling;
mod changelog;
mod convergence;
mod drain;
mod latency;
mod limit;
mod load;
mod orders;
mod processor;
mod recovery;
mod scale;

const MINUTE: Duration = Duration::from_secs(60);
/// As fast as the simulator answers.
const WITHOUT_LIMITS: &str = "[tuning.routes]\nstock_write = { per_second = 10000, burst = 100000 }\n\
    [tuning.concurrency]\nstock = 64\n";

#[tokio::main]
async fn main() {
    let Arguments { names, url } = arguments();
    if let Some(url) = url {
        return burden::elsewhere::measure(&url).await;
    }
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
    if wanted("convergence") {
        convergence::measure().await;
    }
    if wanted("ceiling") {
        ceiling::measure().await;
    }
    if wanted("recovery") {
        recovery::measure().await;
    }
    if wanted("scale") {
        scale::measure();
    }
    if wanted("load") {
        load::measure().await;
    }
    if wanted("orders") {
        orders::measure().await;
    }
    if wanted("changelog") {
        changelog::measure().await;
    }
    if wanted("burden") {
        burden::measure().await;
    }
}

#[derive(Default)]
struct Arguments {
    names: Vec<String>,
    /// A shop elsewhere.
    url: Option<String>,
}

fn arguments() -> Arguments {
    let mut arguments = Arguments::default();
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        if argument == "--url" {
            arguments.url = Some(given.next().expect("--url wants the address of a shop"));
        } else if !argument.starts_with('-') {
            // Other options are cargo's.
            arguments.names.push(argument);
        }
    }
    arguments
}

fn report(line: &serde_json::Value) {
    println!("{line}");
}

/// Median, least and most.
fn spread(values: &mut [f64]) -> serde_json::Value {
    values.sort_by(f64::total_cmp);
    let [first, .., last] = values else { panic!("at least two") };
    let (least, most) = (*first, *last);
    serde_json::json!({ "median": values[values.len() / 2], "min": least, "max": most })
}

/// Says what takes time before anything is measured.
fn stage(began: Instant, what: &str) {
    eprintln!("{:7.1} s  {what}", began.elapsed().as_secs_f64());
}

/// A shop with all its stock in a simulator without limits, maré running.
async fn stocked(began: Instant, name: &str, skus: i64, tuning: &str) -> Site {
    let options = Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(skus, options, tuning).await;
    site.use_entities("\"stock\"");
    site.start();
    stage(began, &format!("{name}: first load"));
    site.converged(10 * MINUTE).await;
    site
}

/// Live is looked at as often as in an installation; the tests are in more of a hurry.
fn look_as_usual(site: &Site) {
    site.set_config(&site.config().replace("heartbeat_seconds = 1\n", ""));
}

/// Lets the shop work; returns how many seconds it took.
fn work(site: &Site, arguments: &[&str]) -> f64 {
    let began = Instant::now();
    let url = site.postgres.database("live").url();
    let worked = site.command(&["shop", "work", "--url", &url]).args(arguments).output().unwrap();
    assert!(worked.status.success(), "{}", String::from_utf8_lossy(&worked.stderr));
    began.elapsed().as_secs_f64()
}
