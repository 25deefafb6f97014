//! The whole path under load, measured beside a peer or a limit in the same run. One JSON object a line.
//!
//! ```text
//! scripts/bench drain     1,000,000 updates over 200,000 keys, backlog made before; beside pg_recvlogical
//! scripts/bench latency   commit to VTEX at 1,000 changes/s, a simulator without limits
//! scripts/bench limit     requests and changes under a limit of 33/s
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail loudly")]

use std::process::Command;
use std::time::{Duration, Instant};

use mare::core::position::Position;
use mare::simulator::{Limit, Limits, Options, Outage};
use serde_json::json;

use support::replicator::Site;

#[path = "../tests/support/mod.rs"]
mod support;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|given| given == name);
    if wanted("limit") {
        limit().await;
    }
    if wanted("latency") {
        latency().await;
    }
    if wanted("drain") {
        drain().await;
    }
}

fn report(line: &serde_json::Value) {
    println!("{line}");
}

/// Processor time of the replicator so far, in seconds.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    // USER_HZ is 100 on every Linux of today.
    ticks / 100.0
}

async fn drain() {
    const KEYS: i64 = 200_000;
    const CHANGES: i64 = 1_000_000;
    const PER_TRANSACTION: i64 = 100;
    let options = Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() };
    let tuning = "[tuning.routes]\nstock_write = { per_second = 10000, burst = 100000 }\n\
        [tuning.concurrency]\nstock = 64\n";
    let mut site = Site::new(KEYS / 2, options, tuning).await;
    site.use_entities("\"stock\"");
    site.start();
    site.until("the first load is sent", 10 * MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["sources"]["live"]["last_load"]["ended"].is_number() && status["vtex"]["keys"] == 0
    })
    .await;
    assert_eq!(site.stop(), 0);
    site.vtex.world().set_outage(Outage::Unavailable);
    site.live.batch_execute("SELECT pg_create_logical_replication_slot('peer', 'pgoutput')").await.unwrap();
    site.live
        .batch_execute(&format!(
            "CREATE TABLE public.pick AS SELECT id_loja, id_deposito, id_sku, \
             row_number() OVER (ORDER BY md5(id_sku::text || id_loja::text)) - 1 AS n FROM live.estoque_saldo; \
             CREATE UNIQUE INDEX ON public.pick (n); ANALYZE public.pick; \
             CREATE PROCEDURE public.backlog() LANGUAGE plpgsql AS $$ \
             DECLARE keys bigint := (SELECT count(*) FROM public.pick); at bigint := 0; BEGIN \
             WHILE at < {CHANGES} LOOP \
             UPDATE live.estoque_saldo e SET quantidade = quantidade + 1 FROM public.pick p \
             WHERE p.n >= at % keys AND p.n < at % keys + {PER_TRANSACTION} AND e.id_loja = p.id_loja \
             AND e.id_deposito = p.id_deposito AND e.id_sku = p.id_sku; \
             at := at + {PER_TRANSACTION}; COMMIT; END LOOP; END $$"
        ))
        .await
        .unwrap();
    site.live.batch_execute("CALL public.backlog()").await.unwrap();
    let end: String = site.live.query_one("SELECT pg_current_wal_lsn()::text", &[]).await.unwrap().get(0);
    let target: Position = end.parse().unwrap();

    let began = Instant::now();
    let peer = Command::new(support::postgres::program("pg_recvlogical"))
        .args(["-h", "127.0.0.1", "-p", &site.postgres.port().to_string(), "-U", "postgres", "-d", "live"])
        .args(["--slot", "peer", "--start", "--no-loop", "-f", "/dev/null", "--endpos", &end])
        .args(["-o", "proto_version=1", "-o", "publication_names=mare", "-o", "binary=true"])
        .env("PGPASSWORD", support::postgres::PASSWORD)
        .status()
        .unwrap();
    let peer_seconds = began.elapsed().as_secs_f64();
    assert!(peer.success(), "pg_recvlogical failed");

    site.start();
    let began = Instant::now();
    let mut streaming = None;
    site.until("every change is in the ledger", 10 * MINUTE, async |site| {
        let Some(status) = site.get("/status").await else { return false };
        let source = &status["sources"]["live"];
        if streaming.is_none() && source["phase"] == "streaming" {
            streaming = Some(Instant::now());
        }
        source["durable"]
            .as_str()
            .and_then(|text| text.parse::<Position>().ok())
            .is_some_and(|at| at >= target)
    })
    .await;
    let seconds = streaming.unwrap_or(began).elapsed().as_secs_f64();
    let cpu = cpu_seconds(site.process());
    report(&json!({
        "bench": "drain", "changes": CHANGES, "keys": KEYS, "per_transaction": PER_TRANSACTION,
        "seconds": seconds, "changes_per_second": CHANGES as f64 / seconds,
        "pg_recvlogical_seconds": peer_seconds, "ratio": peer_seconds / seconds,
        "cpu_microseconds_per_change": cpu * 1e6 / CHANGES as f64,
        "peak_rss_mib": site.peak_memory() >> 20,
    }));
}

async fn latency() {
    const SECONDS: u64 = 20;
    let options = Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() };
    let tuning = "[tuning.routes]\nstock_write = { per_second = 10000, burst = 20000 }\n\
        [tuning.concurrency]\nstock = 64\n";
    let mut site = Site::new(20_000, options, tuning).await;
    site.use_entities("\"stock\"");
    site.start();
    site.converged(5 * MINUTE).await;
    site.stop();
    site.start();
    site.until("it streams", MINUTE, async |site| {
        site.get("/readyz").await.is_some_and(|ready| ready["ready"] == true)
    })
    .await;
    let url = site.postgres.database("live").url();
    let sold = site
        .command(&[
            "shop",
            "work",
            "--mix",
            "sales",
            "--rate",
            "1000",
            "--seconds",
            &SECONDS.to_string(),
            "--url",
            &url,
        ])
        .output();
    assert!(sold.is_ok());
    site.converged(MINUTE).await;
    let text = site.text("/metrics").await;
    let bucket = |le: f64| -> f64 {
        text.lines()
            .filter(|line| line.starts_with("mare_commit_to_confirm_seconds_bucket"))
            .filter_map(|line| {
                let bound: f64 = line.split("le=\"").nth(1)?.split('"').next()?.parse().ok()?;
                let count: f64 = line.rsplit(' ').next()?.parse().ok()?;
                ((bound - le).abs() < 1e-9).then_some(count)
            })
            .sum()
    };
    let all = bucket(f64::INFINITY).max(
        text.lines()
            .find(|line| line.starts_with("mare_commit_to_confirm_seconds_count"))
            .and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or(0.0),
    );
    let below = |seconds: f64| bucket(seconds) / all;
    report(&json!({
        "bench": "latency", "changes_per_second": 1000, "confirmed": all,
        "share_within_2.5ms": below(0.0025), "share_within_5ms": below(0.005), "share_within_10ms": below(0.01),
        "share_within_25ms": below(0.025), "share_within_100ms": below(0.1), "share_within_1s": below(1.0),
    }));
}

async fn limit() {
    const PER_SECOND: f64 = 33.0;
    const SECONDS: u64 = 30;
    let limits = Limits { logistics: Some(Limit { per_minute: 2_000, credits: 500 }), ..Limits::unlimited() };
    let options = Options { auto_skus: true, limits, ..Options::default() };
    let tuning = format!("[tuning.routes]\nstock_write = {{ per_second = {PER_SECOND}, burst = 100 }}\n");
    let mut site = Site::new(200, options, &tuning).await;
    site.use_entities("\"stock\"");
    site.start();
    site.converged(5 * MINUTE).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (requests, began) = (site.requests(), Instant::now());
    let url = site.postgres.database("live").url();
    let rate = ["--mix", "sales", "--rate", "1000", "--no-new-skus"];
    let sold =
        site.command(&["shop", "work", "--seconds", &SECONDS.to_string(), "--url", &url]).args(rate).output();
    assert!(sold.is_ok());
    let seconds = began.elapsed().as_secs_f64();
    let sent = site.requests() - requests;
    let status = site.get("/status").await.unwrap();
    report(&json!({
        "bench": "limit", "limit_per_second": PER_SECOND, "seconds": seconds,
        "changes": status["sources"]["live"]["changes"], "requests": sent,
        "share_of_limit": sent as f64 / (PER_SECOND * seconds + 100.0),
        "rate_limited": site.vtex.world().counters().total_rate_limited(),
    }));
}
