//! From the commit in Live to the request at VTEX, by the instant that each request carries.

use std::time::Instant;

use serde_json::json;

use super::{MINUTE, WITHOUT_LIMITS, report, stage, stocked, work};

const SECONDS: u64 = 20;
const CHANGES_PER_SECOND: [u64; 4] = [10, 100, 1_000, 10_000];

pub(super) async fn measure() {
    let began = Instant::now();
    let site = stocked(began, "latency", 20_000, WITHOUT_LIMITS).await;
    for changes in CHANGES_PER_SECOND {
        site.vtex.world().reset_counters();
        stage(began, &format!("latency: the shop sells {changes} a second"));
        let (seconds, rate) = (SECONDS.to_string(), changes.to_string());
        let took = work(&site, &["--mix", "sales", "--no-new-skus", "--rate", &rate, "--seconds", &seconds]);
        site.converged(MINUTE).await;
        let ages = site.vtex.world().counters().balance_ages;
        report(&json!({
            "bench": "latency", "changes_per_second": changes, "seconds": took, "requests": ages.count,
            "p50_ms": ages.p50 * 1e3, "p99_ms": ages.p99 * 1e3, "p999_ms": ages.p999 * 1e3,
        }));
    }
}
