//! The guarantees, each under its name.

use std::time::{Duration, Instant};

use mare::simulator::{Fault, FaultKind, Limits, Options};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\nstock_write = { per_second = 2000, burst = 2000 }\n\
    stock_read = { per_second = 2000, burst = 2000 }\nprice_put = { per_second = 500, burst = 1000 }\n\
    price_read = { per_second = 500, burst = 1000 }\nprice_patch = { per_second = 500, burst = 1000 }\n";

fn unlimited() -> Options {
    Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() }
}

/// Sales and receipts of random SKUs, one statement each, until `until`.
async fn shop_activity(site: &Site, seed: u64, until: Instant) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut changes = 0;
    while Instant::now() < until {
        let skip = random.u32(..1_000);
        let amount = random.i32(-5..8);
        changes += site
            .live
            .execute(
                "UPDATE live.estoque_saldo SET quantidade = quantidade + $1::int, data_atualizacao = now() \
                 WHERE id_sku IN (SELECT id FROM live.produto_sku ORDER BY codigo OFFSET $2::int LIMIT 5)",
                &[&amount, &(skip as i32)],
            )
            .await
            .unwrap();
        if random.u8(..) < 10 {
            site.live
                .execute(
                    "UPDATE live.preco SET valor = valor + 0.10 WHERE id_sku IS NULL AND id_produto IN \
                     (SELECT id FROM live.produto ORDER BY codigo OFFSET $1::int LIMIT 1)",
                    &[&(random.u8(..) as i32)],
                )
                .await
                .unwrap();
        }
    }
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn when_things_are_quiet_vtex_equals_live() {
    let mut site = Site::new(1_200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    shop_activity(&site, 1, Instant::now() + Duration::from_secs(5)).await;
    site.converged(MINUTE).await;
    assert_eq!(site.vtex.world().counters().violations.len(), 0, "every request must be as VTEX wants it");
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_committed_change_is_lost_through_kill_9() {
    const ROUNDS: u64 = 20;
    let seed = std::env::var("MARE_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..));
    println!("MARE_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut site = Site::new(1_200, unlimited(), FAST).await;
    for round in 0..ROUNDS {
        site.start();
        let life = Duration::from_millis(random.u64(50..1_500));
        shop_activity(&site, seed ^ round, Instant::now() + life).await;
        site.kill();
        // Changes of the time in which nobody reads.
        shop_activity(&site, seed ^ round ^ 0xFFFF, Instant::now() + Duration::from_millis(100)).await;
    }
    site.start();
    site.converged(MINUTE).await;
    let counters = site.vtex.world().counters();
    assert_eq!(counters.backwards, 0, "per key, versions must never go backwards (seed {seed})");
    assert!(counters.in_flight_max <= 1, "never two requests in flight for one key (seed {seed})");
}

#[tokio::test(flavor = "multi_thread")]
async fn per_key_versions_never_go_backwards() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    let fault =
        |kind, probability| Fault { route: "logistics".to_owned(), probability, ms: 300, ..Fault::new(kind) };
    site.vtex.world().set_faults(vec![
        fault(FaultKind::ErrorAfter, 0.05),
        fault(FaultKind::ErrorBefore, 0.10),
        Fault { applied: true, ..fault(FaultKind::Reset, 0.15) },
        fault(FaultKind::Locked, 0.20),
        fault(FaultKind::Slow, 0.30),
    ]);
    shop_activity(&site, 3, Instant::now() + Duration::from_secs(10)).await;
    site.vtex.world().set_faults(Vec::new());
    site.converged(2 * MINUTE).await;
    let counters = site.vtex.world().counters();
    assert_eq!(counters.backwards, 0);
    assert!(counters.in_flight_max <= 1, "one request in flight per key");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_vtex_keeps_no_wal_back() {
    /// Two minutes at a thousand changes a second.
    const OUTAGE: Duration = Duration::from_secs(120);
    const RETAINED_MAX: u64 = 48 << 20;
    let mut site = Site::new(1_200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    site.vtex.world().set_faults(vec![Fault::new(FaultKind::Unavailable)]);
    let before = site.requests();
    let until = Instant::now() + OUTAGE;
    let mut worst = 0;
    let mut changes = 0;
    while Instant::now() < until {
        let second = Instant::now() + Duration::from_secs(1);
        changes += site
            .live
            .execute(
                "UPDATE live.estoque_saldo SET quantidade = quantidade + 1 WHERE (id_loja, id_sku) IN \
                 (SELECT id_loja, id_sku FROM live.estoque_saldo ORDER BY random() LIMIT 1000)",
                &[],
            )
            .await
            .unwrap();
        tokio::time::sleep(second.saturating_duration_since(Instant::now())).await;
        let row = site
            .live
            .query_one(
                "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint FROM pg_replication_slots",
                &[],
            )
            .await
            .unwrap();
        worst = worst.max(row.get::<_, i64>(0) as u64);
    }
    assert!(changes > 100_000, "{changes} changes are not a thousand a second");
    assert!(worst < RETAINED_MAX, "{worst} bytes of WAL were kept while VTEX was away");
    let tried = site.requests() - before;
    assert!(tried < 1_000, "{tried} requests to a VTEX that is down");
    site.vtex.world().set_faults(Vec::new());
    site.converged(3 * MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uninstall_removes_everything() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    let refused = site.command(&["uninstall"]).output().unwrap();
    assert!(!refused.status.success(), "a slot that is being read is not pulled away");
    assert_eq!(site.stop(), 0);
    let removed = site.command(&["uninstall"]).output().unwrap();
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    let row = site
        .live
        .query_one(
            "SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_publication) \
                  + (SELECT count(*) FROM pg_roles WHERE rolname = 'mare')",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
    let again = site.command(&["uninstall"]).output().unwrap();
    assert!(
        again.status.success(),
        "removing twice does no harm: {}",
        String::from_utf8_lossy(&again.stderr)
    );
}
