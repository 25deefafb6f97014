//! A backlog in a change table into the ledger, beside plain SQL that reads and deletes the same rows.

use std::time::{Duration, Instant};

use mare::simulator::{Limits, Options, Outage};
use serde_json::json;

use super::support::postgres::{self, Cluster};
use super::{MINUTE, Site, WITHOUT_LIMITS, backlog, look_as_usual, processor, report, stage, support};

const SKUS: i64 = 50_000;
const KEYS: i64 = 2 * SKUS;
const CHANGES: i64 = 500_000;
const PER_TRANSACTION: i64 = 100;
/// What the peer takes at once: a round of ours.
const ROUND_ROWS: i64 = 10_000;

pub(super) async fn measure() {
    let began = Instant::now();
    let mut site = site().await;
    site.use_entities("\"stock\"");
    look_as_usual(&site);
    site.vtex.world().set_outage(Outage::Unavailable);
    site.start();
    stage(began, "changelog: first load");
    site.until("the first load is in the ledger", 5 * MINUTE, async |site| {
        site.get("/status")
            .await
            .is_some_and(|status| status["sources"]["live"]["last_load"]["ended"].is_number())
    })
    .await;
    assert_eq!(site.stop(), 0);
    stage(began, "changelog: backlog");
    backlog::make(&site.live, CHANGES, PER_TRANSACTION).await;
    for copy in ["before", "after"] {
        let sql = format!(
            "CREATE TABLE public.{copy} (LIKE mare.live_estoque_saldo INCLUDING ALL); \
             INSERT INTO public.{copy} SELECT * FROM mare.live_estoque_saldo ORDER BY mare_number"
        );
        site.live.batch_execute(&sql).await.unwrap();
    }
    site.live.batch_execute("CHECKPOINT").await.unwrap();
    stage(began, "changelog: plain SQL");
    let peer_before = peer(&site, "before").await;
    stage(began, "changelog: maré");
    let Drained { seconds, cpu_seconds } = drain(&mut site).await;
    let peak_rss_mib = site.peak_memory() >> 20;
    site.kill();
    stage(began, "changelog: plain SQL again");
    // The better of two: the first one may have had to warm something up.
    let peer_seconds = peer_before.min(peer(&site, "after").await);
    report(&json!({
        "bench": "changelog", "changes": CHANGES, "keys": KEYS, "per_transaction": PER_TRANSACTION,
        "seconds": seconds, "changes_per_second": (CHANGES as f64 / seconds).round(),
        "plain_sql_seconds": peer_seconds, "ratio": peer_seconds / seconds,
        "cpu_seconds_per_million": cpu_seconds * 1e6 / CHANGES as f64,
        "peak_rss_mib": peak_rss_mib,
    }));
}

/// Triggers, on a server that syncs its commits, without the WAL that only slots need.
async fn site() -> Site {
    let settings = vec![("wal_level", "replica".to_owned())];
    let postgres =
        Cluster::start(&postgres::Options { fsync: true, settings, ..postgres::Options::default() });
    let live = postgres.create_database("live").await.connect().await;
    support::shop::create(&live, SKUS).await;
    let vtex = Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() };
    Site::around(postgres, live, vtex, WITHOUT_LIMITS, "capture = \"triggers\"").await
}

/// What Postgres needs to hand the rows out and to delete them, in portions of the same size and each of them committed.
async fn peer(site: &Site, table: &str) -> f64 {
    let client = site.postgres.database("live").connect().await;
    client.batch_execute("SET enable_seqscan = off; SET enable_bitmapscan = off").await.unwrap();
    let page = format!(
        "SELECT * FROM public.{table} WHERE mare_number > $1 ORDER BY mare_number LIMIT {ROUND_ROWS}"
    );
    let page = client.prepare(&page).await.unwrap();
    let delete = format!("DELETE FROM public.{table} WHERE mare_number > $1 AND mare_number <= $2");
    let delete = client.prepare(&delete).await.unwrap();
    let began = Instant::now();
    let (mut after, mut rows) = (0_i64, 0);
    loop {
        let read = client.query(&page, &[&after]).await.unwrap();
        let Some(last) = read.last() else { break };
        let last: i64 = last.get("mare_number");
        client.execute(&delete, &[&after, &last]).await.unwrap();
        after = last;
        rows += read.len() as i64;
    }
    assert_eq!(rows, CHANGES);
    began.elapsed().as_secs_f64()
}

struct Drained {
    seconds: f64,
    cpu_seconds: f64,
}

/// From the first look at the change tables to the last row deleted from them.
async fn drain(site: &mut Site) -> Drained {
    site.start();
    let mut begun = None;
    let limit = Instant::now() + 5 * MINUTE;
    let mut taken = 0;
    while taken < CHANGES {
        assert!(Instant::now() < limit, "not drained: {}", site.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
        let Some(status) = site.get("/status").await else { continue };
        let source = &status["sources"]["live"];
        if begun.is_none() && source["phase"] == "streaming" {
            begun = Some((Instant::now(), processor::seconds(site.process())));
        }
        taken = source["changes"].as_i64().unwrap();
    }
    // They count once they are durable; the last of them are deleted then.
    let waits = "SELECT EXISTS (SELECT FROM mare.live_estoque_saldo)";
    while site.live.query_one(waits, &[]).await.unwrap().get(0) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (began, cpu_before) = begun.expect("it streamed");
    Drained {
        seconds: began.elapsed().as_secs_f64(),
        cpu_seconds: processor::seconds(site.process()) - cpu_before,
    }
}
