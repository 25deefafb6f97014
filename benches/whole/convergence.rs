//! A backlog under VTEX's limits: how long until both are equal, what of the budget is used, what each key costs, and when the
//! last sold-out item is closed, beside first come, first served.

use std::time::{Duration, Instant};

use mare::simulator::Outage;
use serde_json::json;

use super::{MINUTE, Site, report, stage, stocked};

const PER_SECOND: f64 = 50.0;
const CHANGES: i64 = 100_000;
/// Of a hundred keys so many are sold out in the end.
const SOLD_OUT: i64 = 5;

pub(super) async fn measure() {
    let began = Instant::now();
    let tuning = format!("[tuning.routes]\nstock_write = {{ per_second = {PER_SECOND}, burst = 1 }}\n");
    let site = stocked(began, "convergence", 2_000, &tuning).await;
    site.vtex.world().set_outage(Outage::Unavailable);
    stage(began, "convergence: backlog");
    // Every key that VTEX shows changes, many times; the order of the last changes is that of their rows.
    let keys = backlog(&site).await;
    site.until("all is in the ledger", MINUTE, async |site| {
        site.get("/status").await.is_some_and(|status| status["vtex"]["keys"].as_i64() >= Some(keys))
    })
    .await;
    stage(began, "convergence: VTEX is back");
    let before = site.requests();
    site.vtex.world().set_outage(Outage::Off);
    let started = Instant::now();
    let (mut first, mut closed, mut equal) = (None, None, None);
    while equal.is_none() {
        assert!(started.elapsed() < 10 * MINUTE, "{}", site.log());
        let sent = site.requests();
        if first.is_none() && sent > before + 1 {
            first = Some((Instant::now(), sent));
        }
        let differ = site.stock_differences().await;
        if closed.is_none() && !differ.iter().any(|key| key.contains(": 0,")) {
            closed = Some(started.elapsed());
        }
        equal = differ.is_empty().then(|| started.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (sent, (first, sent_then)) = (site.requests(), first.expect("requests were sent"));
    let seconds = first.elapsed().as_secs_f64();
    let requests = sent - before;
    report(&json!({
        "bench": "convergence", "changes": CHANGES, "keys": keys, "limit_per_second": PER_SECOND,
        "seconds": equal.map(|took| took.as_secs_f64()), "requests_per_key": requests as f64 / keys as f64,
        "ratio": (sent - sent_then) as f64 / (PER_SECOND * seconds),
        "sold_out_closed_seconds": closed.map(|took| took.as_secs_f64()),
        // The last row of all is sold out.
        "first_come_seconds": keys as f64 / PER_SECOND,
        "rate_limited": site.vtex.world().counters().total_rate_limited(),
    }));
}

/// Changes all balances over and over; each twentieth ends sold out, the last one too. How many keys differ then.
async fn backlog(site: &Site) -> i64 {
    let rounds = "SELECT greatest(1, $1 / count(*)) FROM live.estoque_saldo";
    let rounds: i64 = site.live.query_one(rounds, &[&CHANGES]).await.unwrap().get(0);
    for _ in 0..rounds {
        site.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 1").await.unwrap();
    }
    let sold_out = format!(
        "UPDATE live.estoque_saldo e SET quantidade = 0, quantidade_reservada = 0 FROM (
           SELECT id_sku, row_number() OVER (ORDER BY id_sku DESC) AS n FROM (SELECT DISTINCT id_sku FROM live.estoque_saldo) s) pick
         WHERE pick.id_sku = e.id_sku AND pick.n % (100 / {SOLD_OUT}) = 1"
    );
    site.live.batch_execute(&sold_out).await.unwrap();
    i64::try_from(site.stock_differences().await.len()).unwrap()
}
