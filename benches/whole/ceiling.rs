//! How many requests a second go out where nobody limits them, beside a bare loop of the same requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use mare::simulator::Outage;
use serde_json::json;

use super::{MINUTE, Site, processor, report, stage, stocked};

/// As many at once, on both sides.
const AT_ONCE: usize = 64;
const TUNING: &str = "[tuning.routes]\nstock_write = { per_second = 10000, burst = 100000 }\n\
    [tuning.concurrency]\nstock = 64\n";

pub(super) async fn measure() {
    let began = Instant::now();
    // Fewer keys than the burst, so that no limit is felt.
    let site = stocked(began, "ceiling", 50_000, TUNING).await;
    site.vtex.world().set_outage(Outage::Unavailable);
    site.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 1").await.unwrap();
    let keys = i64::try_from(site.stock_differences().await.len()).unwrap();
    site.until("all is in the ledger", MINUTE, async |site| {
        site.get("/status").await.is_some_and(|status| status["vtex"]["keys"].as_i64() >= Some(keys))
    })
    .await;
    stage(began, "ceiling: maré");
    let before = site.requests();
    site.vtex.world().set_outage(Outage::Off);
    // The probe is one request; from the second one on all of them go.
    while site.requests() < before + 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let (started, cpu, sent) = (Instant::now(), processor::seconds(site.process()), site.requests());
    let all = before + keys as u64;
    while site.requests() < all {
        assert!(started.elapsed() < 5 * MINUTE, "{}", site.log());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let seconds = started.elapsed().as_secs_f64();
    let cpu = processor::seconds(site.process()) - cpu;
    let count = (all - sent) as f64;
    site.converged(MINUTE).await;
    stage(began, "ceiling: the bare loop");
    let bare = bare(&site, keys as usize).await;
    report(&json!({
        "bench": "ceiling", "requests": count, "requests_per_second": (count / seconds).round(),
        "cpu_microseconds_per_request": cpu * 1e6 / count,
        "bare_requests_per_second": bare.round(), "ratio": count / seconds / bare,
    }));
}

/// Requests a second of a loop that does nothing else, on its own in this process, which has the simulator as well.
async fn bare(site: &Site, count: usize) -> f64 {
    let client = reqwest::Client::builder().pool_max_idle_per_host(AT_ONCE).build().unwrap();
    let (next, base) = (Arc::new(AtomicUsize::new(0)), site.vtex.base_url());
    let skus: Arc<Vec<u64>> =
        Arc::new(site.all_stock().await.iter().filter_map(|stock| stock["sku"].as_u64()).collect());
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, next, base, skus) = (client.clone(), Arc::clone(&next), base.clone(), Arc::clone(&skus));
        tasks.spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return;
                }
                let sku = skus[at % skus.len()];
                let url = format!("{base}/api/logistics/pvt/inventory/skus/{sku}/warehouses/loja001/quantity");
                let answer = client
                    .patch(url)
                    .header("content-type", "application/json")
                    .header("accept", "application/json")
                    .header("x-vtex-api-appkey", super::support::replicator::KEY)
                    .header("x-vtex-api-apptoken", "simulator-token")
                    .body(format!(
                        r#"{{"quantity":{at},"unlimitedQuantity":false,"dateUtcOnBalanceSystem":"2026-11-25T08:00:00Z"}}"#
                    ))
                    .send()
                    .await
                    .unwrap();
                assert!(answer.status().is_success(), "{}", answer.status());
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    count as f64 / began.elapsed().as_secs_f64()
}
