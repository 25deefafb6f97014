//! The reference Live: the same shop, the same day and the same expectations as in Postgres.

use std::time::Duration;

use mare::shop::expected::{self, FixedPrice, Minimum, Price, Stock};
use mare::shop::{self, Engine, Kind, Layout, Line, Mix, Plan, Profile, ShopError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::site::{SEED, site};
use super::support::postgres::shared;

/// What VTEX should show, without the moments: new prices begin now.
async fn expectations(engine: &impl Engine) -> (Vec<Stock>, Vec<Stock>, Vec<Price>, Vec<FixedPrice>) {
    let mut hidden = expected::stock(engine, Minimum::Hide).await.unwrap();
    let mut subtracted = expected::stock(engine, Minimum::Subtract).await.unwrap();
    let mut prices = expected::prices(engine, "VAREJO", Some("CUSTO")).await.unwrap();
    let mut fixed = expected::fixed_prices(engine, "VAREJO", Some("CUSTO")).await.unwrap();
    hidden.sort();
    subtracted.sort();
    prices.sort();
    fixed.sort();
    (hidden, subtracted, prices, fixed)
}

/// One connection, so that the order of the day is the same.
async fn day(engine: &impl Engine, mix: Mix, changes: u32) -> (u64, u64) {
    let plan = Plan { rate: changes, duration: Duration::from_secs(1), seed: 9, mix, grow: false };
    let totals =
        shop::work(std::slice::from_ref(engine), &plan, &CancellationToken::new(), |_| {}).await.unwrap();
    (totals.changes, totals.transactions)
}

/// Every activity that a mix comes upon by chance only.
fn rarities() -> Vec<Kind> {
    let mut rare = vec![
        Kind::Movement { store: 1, lines: (0..40).map(|n| Line { sku: n * 7, delta: -3 }).collect() },
        Kind::ActiveFlag { sku: 5 },
        Kind::MinimumFlag { product: 6 },
        Kind::IntegratedFlag { product: 7 },
        Kind::NewSku { product: 8, id: Uuid::from_u128(1) },
        Kind::NewProduct { like: 9, id: Uuid::from_u128(2), sku: Uuid::from_u128(3), code: 300_000_000 },
    ];
    rare.extend((0..20).map(|product| Kind::Promotion { table: product % 2, product }));
    // The same day a second time makes nothing new.
    rare.push(Kind::NewSku { product: 8, id: Uuid::from_u128(1) });
    rare.push(Kind::NewProduct {
        like: 9,
        id: Uuid::from_u128(2),
        sku: Uuid::from_u128(3),
        code: 300_000_000,
    });
    rare
}

async fn rare(engine: &impl Engine) -> Vec<u64> {
    let layout = Layout::load(engine).await.unwrap();
    let prepared = engine.prepare().await.unwrap();
    let mut changed = Vec::new();
    for kind in rarities() {
        changed.push(
            engine.run(&prepared, &layout, &kind).await.unwrap_or_else(|error| panic!("{kind:?}: {error:?}")),
        );
    }
    changed
}

#[tokio::test]
async fn the_shop_is_the_one_in_postgres_before_and_after_a_day() {
    let Some(site) = site("shop").await else { return };
    let ours = site.shop().await;
    let theirs = shared().create_database("sqlserver_real_shop").await.connect().await;
    shop::create(&ours, Profile::Demo, SEED).await.unwrap();
    shop::create(&theirs, Profile::Demo, SEED).await.unwrap();
    assert!(matches!(shop::create(&ours, Profile::Demo, SEED).await, Err(ShopError::Exists)));
    let made = expectations(&theirs).await;
    assert!(made.0.len() > 2_000 && made.2.len() > 1_000 && made.3.len() > 1_000);
    assert_eq!(expectations(&ours).await, made);
    assert_eq!(Layout::load(&ours).await.unwrap(), Layout::load(&theirs).await.unwrap());

    for (mix, changes) in [
        (Mix::Sales, 400),
        (Mix::Receipts, 400),
        (Mix::Burst, 100),
        (Mix::InventoryCount, 1),
        (Mix::PriceReload, 1),
    ] {
        assert_eq!(day(&ours, mix, changes).await, day(&theirs, mix, changes).await, "{mix:?}");
    }
    assert_eq!(rare(&ours).await, rare(&theirs).await);
    let timeless = |mut all: (Vec<Stock>, Vec<Stock>, Vec<Price>, Vec<FixedPrice>)| {
        all.3.iter_mut().for_each(|price| price.valid_from = 0);
        all.3.sort();
        all
    };
    let worked = timeless(expectations(&theirs).await);
    assert_ne!(worked.0, made.0);
    assert_eq!(timeless(expectations(&ours).await), worked);

    shop::drop_shop(&ours).await.unwrap();
    assert_eq!(site.number("SELECT COUNT(*) FROM sys.schemas WHERE name = N'live'").await, 0);
    drop(ours);
    site.end().await;
}

#[tokio::test]
async fn it_touches_no_schema_that_it_did_not_make() {
    let Some(site) = site("foreign").await else { return };
    site.batch("CREATE SCHEMA live;").await;
    site.batch("CREATE TABLE live.estoque_saldo (quantidade int);").await;
    let ours = site.shop().await;
    assert!(matches!(shop::create(&ours, Profile::Demo, 1).await, Err(ShopError::Exists)));
    assert!(matches!(shop::drop_shop(&ours).await, Err(ShopError::NotOurs)));
    assert!(matches!(Layout::load(&ours).await, Err(ShopError::NotOurs)));
    drop(ours);
    site.end().await;
}
