//! The whole path, with the real binary.

use std::time::{Duration, Instant};

use mare::simulator::{Limits, Options};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\nstock_write = { per_second = 5000, burst = 5000 }\n\
    stock_read = { per_second = 2000, burst = 2000 }\nprice_put = { per_second = 500, burst = 1000 }\n\
    price_read = { per_second = 500, burst = 1000 }\nprice_patch = { per_second = 500, burst = 1000 }\n";

pub(crate) async fn site(skus: i64, source: &str) -> Site {
    let vtex = Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() };
    Site::with_source(skus, vtex, FAST, &format!("capture = \"triggers\"\npoll_max_ms = 200\n{source}")).await
}

async fn running(skus: i64, source: &str) -> Site {
    let mut site = site(skus, source).await;
    site.start();
    site.converged(MINUTE).await;
    site
}

/// Sales, receipts and prices of random SKUs until `until`.
async fn shop_activity(site: &Site, seed: u64, until: Instant) {
    let mut random = fastrand::Rng::with_seed(seed);
    while Instant::now() < until {
        let (skip, amount) = (random.i32(0..1_000), random.i32(-5..8));
        site.live
            .execute(
                "UPDATE live.estoque_saldo SET quantidade = quantidade + $1::int, data_atualizacao = now() \
                 WHERE id_sku IN (SELECT id FROM live.produto_sku ORDER BY codigo OFFSET $2::int LIMIT 5)",
                &[&amount, &skip],
            )
            .await
            .unwrap();
        if random.u8(..) < 20 {
            site.live
                .execute(
                    "UPDATE live.preco SET valor = valor + 0.10 WHERE id_sku IS NULL AND id_produto IN \
                     (SELECT id FROM live.produto ORDER BY codigo OFFSET $1::int LIMIT 1)",
                    &[&(random.i32(0..200))],
                )
                .await
                .unwrap();
        }
    }
}

/// Rows in all change tables.
async fn waiting(site: &Site) -> i64 {
    let rows = site
        .live
        .query(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'mare'::regnamespace AND relkind = 'r' \
             AND relname <> 'control'",
            &[],
        )
        .await
        .unwrap();
    let mut waiting = 0;
    for row in rows {
        let sql = format!("SELECT count(*) FROM mare.\"{}\"", row.get::<_, String>(0));
        waiting += site.live.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0);
    }
    waiting
}

#[tokio::test(flavor = "multi_thread")]
async fn with_triggers_vtex_equals_live() {
    let mut site = running(1_200, "").await;
    shop_activity(&site, 1, Instant::now() + Duration::from_secs(5)).await;
    site.converged(MINUTE).await;
    site.until("everything that was read is deleted", MINUTE, async |site| waiting(site).await == 0).await;
    let metrics = site.text("/metrics").await;
    for name in ["mare_changelog_rows{source=\"live\"}", "mare_capture_faults{source=\"live\"} 0"] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    let status = site.get("/status").await.unwrap();
    assert!(status["sources"]["live"]["changes"].as_u64().unwrap() > 100, "{status}");
    assert_eq!(site.vtex.world().counters().violations.len(), 0);
    let check = site.command(&["check"]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_at_any_moment_ends_in_equality() {
    const ROUNDS: u64 = 8;
    let seed = std::env::var("MARE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("MARE_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut site = site(400, "").await;
    for round in 0..ROUNDS {
        site.start();
        let life = Duration::from_millis(random.u64(50..2_000));
        shop_activity(&site, seed ^ round, Instant::now() + life).await;
        site.kill();
    }
    site.start();
    site.converged(2 * MINUTE).await;
    assert_eq!(site.vtex.world().counters().backwards, 0, "versions must never go backwards (seed {seed})");
}

/// Postgres holds the process at a step by a lock; there it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_after_reading_before_and_between_deletes_ends_in_equality() {
    let mut site = running(400, "").await;
    let table = "mare.live_estoque_saldo";
    let sell = "UPDATE live.estoque_saldo SET quantidade = quantidade + 1";
    for lock in [
        // Read from one table, waiting for the next: nothing is handed over.
        "LOCK TABLE mare.live_loja IN ACCESS EXCLUSIVE MODE".to_owned(),
        // Durable, and the first delete waits.
        format!("SELECT FROM {table} WHERE mare_number = (SELECT min(mare_number) FROM {table}) FOR UPDATE"),
        // The last row is held: earlier parts are deleted, the last is not.
        format!("SELECT FROM {table} WHERE mare_number = (SELECT max(mare_number) FROM {table}) FOR UPDATE"),
    ] {
        let holder = site.postgres.database("live").connect().await;
        let by_row = lock.ends_with("FOR UPDATE");
        if by_row {
            site.kill();
            for _ in 0..12 {
                site.live.batch_execute(sell).await.unwrap();
            }
        }
        holder.batch_execute(&format!("BEGIN; {lock}")).await.unwrap();
        if by_row {
            site.start();
        } else {
            site.live.batch_execute(sell).await.unwrap();
        }
        site.until("the drain waits for the lock", MINUTE, async |site| {
            let sql = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                       WHERE NOT l.granted AND a.usename = 'mare'";
            site.live.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0
        })
        .await;
        site.kill();
        holder.batch_execute("ROLLBACK").await.unwrap();
        site.start();
        site.converged(MINUTE).await;
        site.until("nothing is left", MINUTE, async |site| waiting(site).await == 0).await;
    }
    assert_eq!(site.vtex.world().counters().backwards, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn uninstall_removes_everything_and_check_finds_what_is_wrong() {
    let mut site = running(200, "form = \"key\"").await;
    shop_activity(&site, 7, Instant::now() + Duration::from_secs(1)).await;
    site.converged(MINUTE).await;
    let refused = site.command(&["uninstall"]).output().unwrap();
    assert!(!refused.status.success(), "change tables that are being drained are not pulled away");
    assert_eq!(site.stop(), 0, "{}", site.log());
    let check = |site: &Site| {
        let output = site.command(&["check"]).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (works, text) = check(&site);
    assert!(works, "{text}");
    // damage, what check says
    for (damage, repair, said) in [
        (
            "ALTER TABLE live.preco DISABLE TRIGGER mare_delete",
            "ALTER TABLE live.preco ENABLE TRIGGER mare_delete",
            "is disabled",
        ),
        ("UPDATE mare.control SET capture = false", "UPDATE mare.control SET capture = true", "switched off"),
        (
            "ALTER FUNCTION mare.live_preco() SECURITY INVOKER",
            "ALTER FUNCTION mare.live_preco() SECURITY DEFINER",
            "altered",
        ),
        ("DROP TRIGGER mare_update ON live.loja", "", "is missing"),
    ] {
        site.live.batch_execute(damage).await.unwrap();
        let (works, text) = check(&site);
        assert!(!works && text.contains(said), "{damage}: {text}");
        site.live.batch_execute(repair).await.unwrap();
    }
    let removed = site.command(&["uninstall"]).output().unwrap();
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    let row = site
        .live
        .query_one(
            "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'mare') \
                  + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'mare%') \
                  + (SELECT count(*) FROM pg_roles WHERE rolname = 'mare')",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
    let again = site.command(&["uninstall"]).output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}
