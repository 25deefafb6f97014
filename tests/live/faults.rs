//! What VTEX can do to us.

use std::time::{Duration, Instant};

use mare::simulator::{Fault, Kind, Options};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\nstock_write = { per_second = 2000, burst = 2000 }\n\
    price_put = { per_second = 500, burst = 1000 }\nprice_read = { per_second = 500, burst = 1000 }\n";

fn unlimited() -> Options {
    Options { auto_skus: true, unlimited: true, ..Options::default() }
}

async fn sell(site: &Site) {
    site.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_is_obeyed_with_and_without_retry_after() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    for retry_after in [Some("2"), None] {
        let fault = Fault {
            area: Some("stock".to_owned()),
            count: Some(1),
            retry_after: retry_after.map(str::to_owned),
            ..Fault::new(Kind::TooManyRequests)
        };
        site.vtex.world.set_faults(vec![fault]);
        sell(&site).await;
        site.converged(MINUTE).await;
    }
    let status = site.get("/status").await.unwrap();
    assert_eq!(status["vtex"]["lanes"]["stock"]["parked"].as_object().map(serde_json::Map::len), Some(0));
    assert!(status["vtex"]["routes"]["stock-write"]["limit"]["throttled"].as_u64().unwrap() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_park_nothing_and_new_ones_are_taken_without_a_restart() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    site.vtex.world.set_credentials(vec![("vtexappkey-demo".to_owned(), "renewed".to_owned())]);
    sell(&site).await;
    site.until("the refusal is said", MINUTE, async |site| {
        let ready = site.get("/readyz").await.unwrap_or_default();
        ready["reasons"].to_string().contains("app key")
    })
    .await;
    let before = site.vtex.world.requests();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(site.vtex.world.requests() - before < 10, "a wrong key is not tried in a loop");
    site.set_token("renewed");
    site.signal("-HUP");
    site.converged(MINUTE).await;
    let status = site.get("/status").await.unwrap();
    assert_eq!(status["vtex"]["lanes"]["stock"]["parked"].as_object().map(serde_json::Map::len), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_key_is_parked_alone_and_comes_back_by_hand() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    let sku = site.vtex.world.all_stock()[0]["sku"].as_u64().unwrap() as u32;
    let fault = Fault {
        area: Some("stock".to_owned()),
        sku: Some(sku),
        writes_only: true,
        ..Fault::new(Kind::BadRequest)
    };
    site.vtex.world.set_faults(vec![fault]);
    sell(&site).await;
    site.until("only that SKU differs", MINUTE, async |site| {
        let parked = site.command(&["parked", "list"]).output().unwrap();
        let text = String::from_utf8_lossy(&parked.stdout).into_owned();
        text.contains("rejected") && site.stock_differences().await.len() <= 2
    })
    .await;
    site.vtex.world.set_faults(Vec::new());
    let retried = site.command(&["parked", "retry", "--reason", "rejected"]).output().unwrap();
    assert!(retried.status.success(), "{}", String::from_utf8_lossy(&retried.stderr));
    site.converged(MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_that_vtex_does_not_know_waits_without_requests_and_then_goes() {
    let options = Options { auto_skus: false, unlimited: true, ..Options::default() };
    let mut site = Site::new(200, options, FAST).await;
    site.start();
    site.until("the load has ended", MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["sources"]["live"]["last_load"]["ended"].is_number()
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let counters = site.vtex.world.counters();
    let writes: u64 =
        counters.requests.iter().filter(|(name, _)| !name.contains("catalog")).map(|(_, n)| n).sum();
    assert_eq!(writes, 0, "nothing is sent for SKUs that do not exist: {counters:?}");
    let rows = site.live.query("SELECT codigo FROM live.produto_sku", &[]).await.unwrap();
    site.vtex.world.seed_skus(rows.iter().map(|row| row.get(0)));
    site.converged(2 * MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vtex_limits_are_kept_without_a_single_429() {
    let options = Options { auto_skus: true, stock_rate: Some(60.0), ..Options::default() };
    let tuning = "[tuning.routes]\nstock_write = { per_second = 50, burst = 50 }\n";
    let mut site = Site::new(200, options, tuning).await;
    site.start();
    site.converged(2 * MINUTE).await;
    sell(&site).await;
    let begun = Instant::now();
    site.converged(2 * MINUTE).await;
    assert!(begun.elapsed() > Duration::from_secs(3), "the rate was not kept");
    assert_eq!(site.vtex.world.counters().too_many_requests, 0);
}
