//! Jobs of many prices or balances.

use std::time::Duration;

use mare::simulator::{BulkFaults, BulkOptions, Limits, Options, RowFault};

use crate::conformance;
use crate::openapi::OpenApi;
use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);

/// Single requests are scarce, so that many keys wait.
const SCARCE: &str = "[tuning.routes]\nstock_write = { per_second = 60, burst = 1 }\n\
    price_read = { per_second = 120, burst = 1 }\nprice_put = { per_second = 60, burst = 1 }\n\
    [tuning.bulk]\nprice_rows_min = 60\nstock_rows_min = 60\nstock_lead_time_hours = 24\n\
    empty_list_price = true\npoll_ms = 200\n";

fn vtex(stage: Duration) -> Options {
    let bulk = BulkOptions { no_batch_inventories: None, stage, ..BulkOptions::default() };
    Options { auto_skus: true, limits: Limits::unlimited(), bulk, ..Options::default() }
}

/// Without wholesale prices: only promotions are fixed prices.
async fn site(vtex: Options) -> Site {
    let site = Site::new(400, vtex, SCARCE).await;
    let wholesale = "[[mapping.prices]]\ntabela = \"ATACADO\"\ntrade_policy = \"2\"\n";
    let config = site.config();
    assert!(config.contains(wholesale));
    site.set_config(&config.replace(wholesale, ""));
    site
}

/// Every price and every balance changes; nobody has less than before.
async fn change_everything(site: &Site) {
    site.live
        .batch_execute(
            "UPDATE live.preco SET valor = valor + 1; \
             UPDATE live.estoque_saldo SET quantidade = quantidade + 1000;",
        )
        .await
        .unwrap();
}

fn step(status: &serde_json::Value, kind: &str) -> String {
    status["vtex"]["bulk"][kind]["step"].as_str().unwrap_or_default().to_owned()
}

async fn both_are_at_work(site: &mut Site) {
    site.until("VTEX is at work on both jobs", MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        ["base-prices", "inventory"].iter().all(|kind| step(&status, kind) == "VTEX is at work")
    })
    .await;
}

fn assert_nothing_went_wrong(site: &Site) {
    let counters = site.vtex.world().counters();
    assert!(counters.violations.is_empty(), "{:?}", counters.violation_samples);
    assert_eq!(counters.backwards, 0, "per key, versions must never go backwards");
    assert!(counters.in_flight_max <= 1, "nothing is sent for a key in a job");
}

/// Rows that came to such an end, of both kinds.
async fn rows(site: &Site, result: &str) -> u64 {
    let metrics = site.text("/metrics").await;
    let label = format!("result=\"{result}\"");
    let lines = metrics.lines().filter(|line| line.starts_with("mare_bulk_results_total{"));
    let of_result = lines.filter(|line| line.contains(&label));
    of_result.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_middle_of_a_job_loses_nothing_and_takes_no_key_back() {
    let mut site = site(vtex(Duration::from_secs(2))).await;
    site.start();
    both_are_at_work(&mut site).await;
    // Newer than the rows, partly known to the process that dies.
    change_everything(&site).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    change_everything(&site).await;
    site.kill();
    change_everything(&site).await;
    site.start();
    site.converged(3 * MINUTE).await;
    assert_nothing_went_wrong(&site);
    let taken_up = |site: &Site| site.log().matches("a bulk job is taken up again").count();
    assert_eq!(taken_up(&site), 2, "{}", site.log());
    // What is over is forgotten.
    site.until("no job is under way", MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        ["base-prices", "inventory"].iter().all(|kind| step(&status, kind).is_empty())
    })
    .await;
    let before = taken_up(&site);
    assert_eq!(site.stop(), 0);
    site.start();
    change_everything(&site).await;
    site.converged(3 * MINUTE).await;
    assert_eq!(taken_up(&site), before, "{}", site.log());
    site.until("rows are confirmed", MINUTE, async |site| rows(site, "confirmed").await > 0).await;
    assert_nothing_went_wrong(&site);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_jobs_that_fail_leave_no_key_behind() {
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("exchanges.jsonl");
    let mut site = site(Options { record: Some(record.clone()), ..vtex(Duration::from_millis(300)) }).await;
    site.start();
    site.converged(2 * MINUTE).await;
    let shown = site.all_stock().await;
    let sku = |at: usize| u32::try_from(shown[at * 7]["sku"].as_u64().unwrap()).unwrap();
    let fault = |at, code: &str| RowFault { sku: sku(at), code: code.to_owned() };
    site.vtex.world().disturb_bulk(BulkFaults {
        rows: vec![fault(0, "INVALID_QUANTITY"), fault(1, "CONFLICT"), fault(2, "UPDATE_FAILED")],
        uploads: 2,
        uploads_arrive: true,
        jobs: 0,
    });
    change_everything(&site).await;
    site.until("what cannot be is set aside, everything else is sent", 2 * MINUTE, async |site| {
        let parked = site.run(&["parked", "list"]);
        parked.contains("E352") && site.stock_differences().await.len() <= 2
    })
    .await;
    site.vtex.world().disturb_bulk(BulkFaults { jobs: 1, ..BulkFaults::default() });
    site.run(&["parked", "retry", "--reason", "rejected"]);
    site.converged(2 * MINUTE).await;
    change_everything(&site).await;
    site.converged(2 * MINUTE).await;
    assert!(rows(&site, "parked").await > 0 && rows(&site, "retried").await > 0);
    assert!(site.log().contains("VTEX gave the job up"), "{}", site.log());
    assert_nothing_went_wrong(&site);
    assert_eq!(site.stop(), 0);
    match OpenApi::from_environment() {
        Some(openapi) => {
            let text = std::fs::read_to_string(&record).unwrap();
            assert!(["/import/base-prices", "/inventory/batch"].iter().all(|path| text.contains(path)));
            let (checked, findings) = conformance::findings(&openapi, &record);
            assert!(checked > 500 && findings.is_empty(), "{checked} exchanges: {findings:#?}");
        }
        None => println!("SKIPPED: VTEX_OPENAPI_DIR does not name a folder with VTEX's OpenAPI files"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_bulk_jobs_is_sent_one_by_one() {
    let mut site = site(vtex(Duration::from_secs(1))).await;
    site.vtex.world().refuse_bulk(Some(403), Some(403));
    site.start();
    site.converged(2 * MINUTE).await;
    assert_eq!(site.log().matches("E350").count(), 2, "once for each kind: {}", site.log());
    assert!(site.run(&["status"]).contains("not offered by the account"));
    assert_eq!(rows(&site, "confirmed").await, 0);
    assert_nothing_went_wrong(&site);
}
