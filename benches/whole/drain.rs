//! A backlog of changes from the slot into the ledger, beside `pg_recvlogical` reading the same WAL.

use std::process::Command;
use std::time::Instant;

use mare::core::position::Position;
use mare::simulator::{Limits, Options, Outage};
use serde_json::json;

use super::{MINUTE, Site, WITHOUT_LIMITS, backlog, processor, report, stage, support};

const KEYS: i64 = 200_000;
const CHANGES: i64 = 1_000_000;
const PER_TRANSACTION: i64 = 100;

pub(super) async fn measure() {
    let began = Instant::now();
    let options = Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(KEYS / 2, options, WITHOUT_LIMITS).await;
    site.use_entities("\"stock\"");
    site.start();
    stage(began, "drain: first load");
    site.until("the first load is sent", 10 * MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["sources"]["live"]["last_load"]["ended"].is_number() && status["vtex"]["keys"] == 0
    })
    .await;
    assert_eq!(site.stop(), 0);
    site.vtex.world().set_outage(Outage::Unavailable);
    stage(began, "drain: backlog");
    let end = make_backlog(&site).await;
    stage(began, "drain: pg_recvlogical");
    let peer_before = peer(&site, "peer_before", &end);
    stage(began, "drain: maré");
    let Drained { seconds, cpu_seconds } = drain(&mut site, end.parse().unwrap()).await;
    let peak_rss_mib = site.peak_memory() >> 20;
    site.kill();
    stage(began, "drain: pg_recvlogical again");
    // The better of two: the first one may have had to warm something up.
    let peer_seconds = peer_before.min(peer(&site, "peer_after", &end));
    report(&json!({
        "bench": "drain", "changes": CHANGES, "keys": KEYS, "per_transaction": PER_TRANSACTION,
        "seconds": seconds, "changes_per_second": (CHANGES as f64 / seconds).round(),
        "pg_recvlogical_seconds": peer_seconds, "ratio": peer_seconds / seconds,
        "cpu_microseconds_per_change": cpu_seconds * 1e6 / CHANGES as f64,
        "peak_rss_mib": peak_rss_mib,
    }));
}

/// The position after the last change.
async fn make_backlog(site: &Site) -> String {
    for slot in ["peer_before", "peer_after"] {
        site.live
            .execute("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", &[&slot])
            .await
            .unwrap();
    }
    backlog::make(&site.live, CHANGES, PER_TRANSACTION).await;
    site.live.query_one("SELECT pg_current_wal_lsn()::text", &[]).await.unwrap().get(0)
}

/// Postgres's own client, writing nowhere: nothing can read the stream faster.
fn peer(site: &Site, slot: &str, end: &str) -> f64 {
    let began = Instant::now();
    let status = Command::new(support::postgres::program("pg_recvlogical"))
        .args(["-h", "127.0.0.1", "-p", &site.postgres.port().to_string(), "-U", "postgres", "-d", "live"])
        .args(["--slot", slot, "--start", "--no-loop", "-f", "/dev/null", "--endpos", end])
        .args(["-o", "proto_version=1", "-o", "publication_names=mare", "-o", "binary=true"])
        .env("PGPASSWORD", support::postgres::PASSWORD)
        .status()
        .unwrap();
    assert!(status.success(), "pg_recvlogical failed");
    began.elapsed().as_secs_f64()
}

struct Drained {
    seconds: f64,
    cpu_seconds: f64,
}

/// From the first byte of the stream to the last change in the ledger, synced.
async fn drain(site: &mut Site, target: Position) -> Drained {
    site.start();
    let mut begun = None;
    site.until("every change is in the ledger", 10 * MINUTE, async |site| {
        let Some(status) = site.get("/status").await else { return false };
        let source = &status["sources"]["live"];
        if begun.is_none() && source["phase"] == "streaming" {
            begun = Some((Instant::now(), processor::seconds(site.process())));
        }
        let durable = source["durable"].as_str().and_then(|text| text.parse::<Position>().ok());
        durable.is_some_and(|at| at >= target)
    })
    .await;
    let status = site.get("/status").await.unwrap();
    assert!(
        status["sources"]["live"]["changes"].as_i64() >= Some(CHANGES),
        "every change was read: {status}"
    );
    let (began, cpu_before) = begun.expect("it streamed");
    Drained {
        seconds: began.elapsed().as_secs_f64(),
        cpu_seconds: processor::seconds(site.process()) - cpu_before,
    }
}
