//! From a `kill -9` in the middle of everything to the first change that VTEX confirms to the next process.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{MINUTE, WITHOUT_LIMITS, report, spread, stage, stocked};

const KILLS: usize = 7;
const CHANGES_PER_SECOND: &str = "2000";

pub(super) async fn measure() {
    let began = Instant::now();
    let mut site = stocked(began, "recovery", 20_000, WITHOUT_LIMITS).await;
    stage(began, "recovery: the shop sells, and maré is killed");
    let url = site.postgres.database("live").url();
    let seconds = (KILLS * 10).to_string();
    let mut shop = site
        .command(&["shop", "work", "--url", &url, "--mix", "sales", "--no-new-skus"])
        .args(["--rate", CHANGES_PER_SECOND, "--seconds", &seconds])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut took = Vec::new();
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_secs(5)).await;
        site.kill();
        let confirmed = site.requests();
        let started = Instant::now();
        site.start();
        while site.requests() == confirmed {
            assert!(started.elapsed() < MINUTE, "{}", site.log());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let _ = shop.wait();
    site.converged(MINUTE).await;
    report(&json!({
        "bench": "recovery", "changes_per_second": CHANGES_PER_SECOND, "kills": KILLS,
        "first_request_ms": spread(&mut took),
    }));
}
