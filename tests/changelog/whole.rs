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
    let status = site.get("/status").await.unwrap();
    assert!(status["sources"]["live"]["changes"].as_u64().unwrap() > 100, "{status}");
    assert_eq!(site.vtex.world().counters().violations.len(), 0);
    let check = site.command(&["check"]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    assert_eq!(site.stop(), 0, "{}", site.log());
}
