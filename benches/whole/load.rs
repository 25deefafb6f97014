//! Products into an empty account: how many SKUs come on sale a minute, beside what the limits allow for the requests
//! that a SKU takes.

use std::time::{Duration, Instant};

use mare::simulator::{Latency, Limits, Options};
use serde_json::{Value, json};

use super::{MINUTE, Site, report, stage};

/// What VTEX publishes: 15,000 a minute for each endpoint of the catalog and 45,000 for the account, 2,000 prices.
const PUBLISHED: &str = "[tuning.routes]\ncatalog_write = { per_second = 300, burst = 300 }\n\
    catalog_read = { per_second = 150, burst = 300 }\n[tuning.concurrency]\ncatalog = 96\nprice = 32\n";
const ACCOUNT_PER_MINUTE: f64 = 45_000.0;
const ENDPOINT_PER_MINUTE: f64 = 15_000.0;
const PRICES_PER_MINUTE: f64 = 2_000.0;

/// SKUs of Live that are to be sold; the last one also asks for units.
const FOR_SALE: &str = "SELECT s.codigo FROM live.produto_sku s JOIN live.produto p ON p.id = s.id_produto
    WHERE p.ind_integra_ecommerce AND p.ind_ativo_ecommerce AND p.situacao = 1
      AND s.ind_ativo_ecommerce AND s.situacao = 1";

pub(super) async fn measure() {
    one("default", "", 1_000).await;
    one("published", PUBLISHED, 4_000).await;
}

/// When SKUs came on sale.
struct Sales {
    skus: usize,
    first: Duration,
    last: Duration,
}

async fn one(limits: &str, tuning: &str, skus: i64) {
    let began = Instant::now();
    // An answer of VTEX's catalog takes some tenths of a second.
    let latency = Latency { fixed: Duration::from_millis(100), jitter: Duration::from_millis(100) };
    let options = Options { latency, limits: Limits::default(), ..Options::default() };
    let mut site = Site::new(skus, options, tuning).await;
    site.use_entities("\"product\", \"price\", \"stock\"");
    site.run(&["install"]);
    stage(began, &format!("load: {skus} SKUs, limits: {limits}"));
    site.start();
    let sales = sell(&site).await;
    let status = site.get("/status").await.unwrap();
    let counters = site.vtex.world().counters();
    let minutes = sales.last.as_secs_f64() / 60.0;
    let per_minute = sales.skus as f64 / minutes;
    let (busiest, share) = busiest(&status, sales.last);
    let published = published_bound(&counters.requests, sales.skus);
    report(&json!({
        "bench": "load", "limits": limits, "skus": sales.skus, "seconds": sales.last.as_secs_f64(),
        "first_on_sale_seconds": sales.first.as_secs_f64(),
        "skus_per_minute": per_minute.round(),
        "bound_per_minute": (per_minute / share).round(), "ratio": share, "busiest_route": busiest,
        "published_bound_per_minute": published.round(), "ratio_published": per_minute / published,
        "requests_per_sku": counters.total_requests() as f64 / sales.skus as f64,
        "rate_limited": counters.total_rate_limited(),
    }));
}

/// Looks until everything has arrived.
async fn sell(site: &Site) -> Sales {
    let began = Instant::now();
    let rows = site.live.query(FOR_SALE, &[]).await.unwrap();
    let mut waiting: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let world = site.vtex.world();
    let on_sale =
        |sku_ref: &String| world.sku_id(sku_ref).is_some_and(|sku| world.unmet(sku, "1").is_empty());
    let (mut sold, mut first, mut last) = (0, None, Duration::ZERO);
    loop {
        let before = waiting.len();
        waiting.retain(|sku_ref| !on_sale(sku_ref));
        if waiting.len() < before {
            sold += before - waiting.len();
            last = began.elapsed();
            first.get_or_insert(last);
        }
        let status = site.get("/status").await.unwrap_or_default();
        let loaded = status["sources"]["live"]["last_load"]["ended"].is_number();
        // Some have no units, or no price of that policy: they are never sold.
        if loaded && status["vtex"]["keys"] == 0 {
            break;
        }
        assert!(began.elapsed() < 20 * MINUTE, "{} SKUs are not on sale: {status:#}", waiting.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Sales { skus: sold, first: first.expect("something is for sale"), last }
}

/// The route of which most was used, and which share of its limit.
fn busiest(status: &Value, took: Duration) -> (String, f64) {
    let share = |route: &Value| {
        let sent = route["requests"]["ok"].as_f64().unwrap_or_default();
        sent / (route["limit"]["configured_per_second"].as_f64().unwrap() * took.as_secs_f64())
    };
    let routes = status["vtex"]["routes"].as_object().unwrap();
    let shares = routes.iter().map(|(name, route)| (name.clone(), share(route)));
    shares.max_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap()
}

/// SKUs a minute that VTEX's own limits allow, with the requests that each took.
fn published_bound(
    requests: &std::collections::BTreeMap<&'static str, std::collections::BTreeMap<u16, u64>>,
    skus: usize,
) -> f64 {
    let mut account = 0.0;
    let mut bound = f64::INFINITY;
    for (route, by_status) in requests {
        let per_sku = by_status.values().sum::<u64>() as f64 / skus as f64;
        let limit = if route.contains("/pricing/") {
            PRICES_PER_MINUTE
        } else if route.contains("/api/catalog") {
            account += per_sku;
            ENDPOINT_PER_MINUTE
        } else {
            continue;
        };
        bound = bound.min(limit / per_sku);
    }
    bound.min(ACCOUNT_PER_MINUTE / account)
}
