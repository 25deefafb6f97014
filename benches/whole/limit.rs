//! Far more changes than VTEX lets through: what the budget is used for.

use std::time::{Duration, Instant};

use mare::simulator::{Limit, Limits, Options};
use serde_json::json;

use super::{MINUTE, Site, report, stage, work};

const PER_SECOND: f64 = 33.0;
const SECONDS: u64 = 30;

pub(super) async fn measure() {
    let began = Instant::now();
    // VTEX's own bucket for prices, here for stock: 2,000 a minute and 500 credits.
    let limits = Limits { logistics: Some(Limit { per_minute: 2_000, credits: 500 }), ..Limits::unlimited() };
    let options = Options { auto_skus: true, limits, ..Options::default() };
    let tuning = format!("[tuning.routes]\nstock_write = {{ per_second = {PER_SECOND}, burst = 1 }}\n");
    let mut site = Site::new(200, options, &tuning).await;
    site.use_entities("\"stock\"");
    site.start();
    stage(began, "limit: first load");
    site.converged(5 * MINUTE).await;
    // The bucket of the limiter is full again, and has room for one request.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (requests, changes) = (site.requests(), changes(&site).await);
    stage(began, "limit: the shop sells");
    let seconds = SECONDS.to_string();
    let took = work(&site, &["--mix", "sales", "--no-new-skus", "--rate", "1000", "--seconds", &seconds]);
    let sent = site.requests() - requests;
    report(&json!({
        "bench": "limit", "limit_per_second": PER_SECOND, "seconds": took,
        "changes": self::changes(&site).await - changes, "requests": sent,
        "ratio": sent as f64 / (PER_SECOND * took),
        "rate_limited": site.vtex.world().counters().total_rate_limited(),
    }));
}

async fn changes(site: &Site) -> u64 {
    let status = site.get("/status").await.unwrap();
    status["sources"]["live"]["changes"].as_u64().unwrap()
}
