//! Asking VTEX whether it still holds what it confirmed.

use std::time::Duration;

use mare::simulator::{Limits, Options};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning]\nretry_first_ms = 100\n[tuning.routes]\nstock_write = { per_second = 2000, burst = 2000 }\n\
    stock_read = { per_second = 2000, burst = 2000 }\nprice_put = { per_second = 500, burst = 1000 }\n\
    price_read = { per_second = 2000, burst = 2000 }\nprice_patch = { per_second = 500, burst = 1000 }\n\
    catalog_read = { per_second = 2000, burst = 2000 }\ncatalog_write = { per_second = 2000, burst = 2000 }\n\
    [tuning.concurrency]\ncatalog = 64\n";

/// A shop whose products, prices and stock are all in VTEX, with these lines of `[proof]`.
async fn proven(entities: &str, proof: &str) -> Site {
    let auto_skus = !entities.contains("product");
    let options = Options { auto_skus, limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(200, options, FAST).await;
    site.set_config(&site.config().replace("[proof]\nevery_hours = 0", &format!("[proof]\n{proof}")));
    site.use_entities(entities);
    site.run(&["install"]);
    site.start();
    site.converged(MINUTE).await;
    at_rest(&site).await;
    site
}

async fn at_rest(site: &Site) {
    site.until("everything is at rest", 2 * MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["vtex"]["keys"] == 0 && status["sources"]["live"]["load"].is_null()
    })
    .await;
}

async fn status(site: &Site) -> Value {
    site.get("/status").await.unwrap()["proof"].clone()
}

/// A SKU that is for sale: its reference, VTEX's id, the quantity in warehouse 1.
async fn a_sku(site: &Site, nth: usize) -> (String, u32, i64) {
    let stock = site.all_stock().await;
    let shown = stock.iter().filter(|it| it["warehouse"] == "loja001" && it["quantity"].as_i64() > Some(5));
    let shown = shown.collect::<Vec<_>>()[nth];
    let reference = shown["ref"].as_str().unwrap().to_owned();
    (reference, shown["sku"].as_u64().unwrap() as u32, shown["quantity"].as_i64().unwrap())
}

async fn set_stock(site: &Site, sku: u32, quantity: i64) {
    let url = format!("{}/api/logistics/pvt/inventory/skus/{sku}/warehouses/loja001", site.vtex.base_url());
    let body = json!({ "quantity": quantity, "unlimitedQuantity": false, "dateUtcOnBalanceSystem": null });
    site.write_elsewhere(Method::PUT, &url, body).await;
}

/// All writes that VTEX took.
fn writes(site: &Site) -> u64 {
    let counters = site.vtex.world().counters();
    counters.stock_writes + counters.price_writes + counters.catalog_writes
}

const PACED: &str = "every_hours = 0\nper_second = 100.0";

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_differs_a_proof_finds_nothing_and_writes_nothing() {
    let mut site = proven("\"product\", \"price\", \"stock\"", PACED).await;
    let before = writes(&site);
    let said = site.run(&["reconcile", "--with-vtex"]);
    assert!(said.contains(" 0 differed; 0 had a change on its way, of 0 VTEX did not tell"), "{said}");
    assert_eq!(writes(&site), before, "{}", site.log());
    let last = status(&site).await["last"].clone();
    let confirmed = site.all_stock().await.len() as u64;
    assert!(last["keys"].as_u64().unwrap() > confirmed, "stock, prices and the catalog: {last}");
    assert!(site.run(&["status"]).contains("last full proof: 20"));
    assert_eq!(site.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_in_vtex_is_found_counted_and_repaired() {
    let mut site = proven("\"price\", \"stock\"", PACED).await;
    let (_, more, quantity) = a_sku(&site, 0).await;
    set_stock(&site, more, quantity + 7).await;
    let (reference, less, quantity) = a_sku(&site, 1).await;
    set_stock(&site, less, quantity - 1).await;
    let (_, cheap, _) = a_sku(&site, 2).await;
    let url = format!("{}/pricing/prices/{cheap}", site.vtex.pricing_url());
    site.write_elsewhere(Method::PUT, &url, json!({ "basePrice": 0.01, "costPrice": 0.01 })).await;

    let before = writes(&site);
    let said = site.run(&["reconcile", "--with-vtex", "--report-only"]);
    assert!(said.contains(" 3 differed") && said.contains("nothing is sent"), "{said}");
    for line in ["stock: 1 higher", "stock: 1 lower", "price: 1 lower"] {
        assert!(said.contains(line), "{line} in {said}");
    }
    assert_eq!(writes(&site), before, "only reported");
    assert!(!site.stock_differences().await.is_empty());

    let key = format!("loja001/{reference}");
    let said = site.run(&["reconcile", "stock", "--key", &key, "--with-vtex"]);
    assert_eq!(said, "what VTEX has is lower than what it confirmed: what Live says is on its way\n");
    at_rest(&site).await;
    let said = site.run(&["reconcile", "stock", "--key", &key, "--with-vtex"]);
    assert_eq!(said, "VTEX holds what it confirmed\n");

    let said = site.run(&["reconcile", "--with-vtex"]);
    assert!(said.contains(" 2 differed") && said.contains("what Live says is on its way"), "{said}");
    site.converged(MINUTE).await;
    at_rest(&site).await;
    assert!(site.run(&["reconcile", "--with-vtex"]).contains(" 0 differed"));
    let metrics = site.text("/metrics").await;
    for line in [
        "mare_drift_total{entity=\"stock\",how=\"higher\"} 2",
        "mare_drift_total{entity=\"stock\",how=\"lower\"} 2",
        "mare_drift_total{entity=\"price\",how=\"lower\"} 2",
        "mare_proof_differences{entity=\"stock\",how=\"higher\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    assert_eq!(site.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_somebody_hid_in_vtex_is_shown_again() {
    let mut site = proven("\"product\", \"price\", \"stock\"", PACED).await;
    let product = "SELECT p.codigo FROM live.produto p WHERE p.ind_integra_ecommerce AND p.ind_ativo_ecommerce AND p.situacao = 1 ORDER BY 1 LIMIT 1";
    let reference: String = site.live.query_one(product, &[]).await.unwrap().get(0);
    let view = site.vtex.world().product_by_reference(&reference).unwrap();
    let url = format!("{}/api/catalog/pvt/product/{}", site.vtex.base_url(), view.id);
    let shown = |site: &Site| site.vtex.world().product_by_reference(&reference).unwrap().visible;
    assert!(shown(&site));
    let body = json!({
        "Name": view.name, "CategoryId": view.category.id, "BrandId": view.brand.id, "RefId": reference,
        "LinkId": view.link, "IsVisible": false, "IsActive": true, "ShowWithoutStock": true,
    });
    site.write_elsewhere(Method::PUT, &url, body).await;
    assert!(!shown(&site));
    let said = site.run(&["reconcile", "product", "--with-vtex"]);
    assert!(said.contains(" 1 differed") && said.contains("product: 1 changed"), "{said}");
    site.until("it is shown", MINUTE, async |site| shown(site)).await;
    assert_eq!(site.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_begins_by_itself_and_goes_on_after_a_kill() {
    // Some ten seconds of it.
    let mut site = proven("\"stock\"", "every_hours = 1\nper_second = 20.0").await;
    let keys = async |site: &Site| status(site).await["running"]["keys"].as_u64().unwrap_or_default();
    site.until("a part is proven", MINUTE, async |site| keys(site).await > 100).await;
    let (started, before) = (status(&site).await["running"]["started"].clone(), keys(&site).await);
    site.kill();
    site.start();
    site.until("it goes on", MINUTE, async |site| {
        site.get("/status").await.is_some_and(|status| status["proof"]["running"].is_object())
    })
    .await;
    assert_eq!(status(&site).await["running"]["started"], started);
    assert!(keys(&site).await + 100 > before, "not from the beginning");
    site.until("it ends", MINUTE, async |site| status(site).await["last"].is_object()).await;
    let last = status(&site).await["last"].clone();
    assert_eq!((&last["started"], &last["differing"]), (&started, &json!(0)), "{last:#}");
    assert!(status(&site).await["running"].is_null(), "the next is an hour away");
    assert_eq!(site.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_under_changes_finds_no_difference_that_is_none() {
    let mut site = proven("\"stock\"", PACED).await;
    let running = async |site: &Site| status(site).await["running"].is_object();
    site.run(&["reconcile", "--with-vtex", "--no-wait"]);
    let mut sales = 0;
    loop {
        let some = format!("abs(hashtext(id_sku::text)) % 7 = {}", sales % 7);
        let sell = format!("UPDATE live.estoque_saldo SET quantidade = quantidade + 1 WHERE {some}");
        site.live.batch_execute(&sell).await.unwrap();
        sales += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        if !running(&site).await {
            break;
        }
    }
    site.converged(MINUTE).await;
    let last = status(&site).await["last"].clone();
    assert!(sales > 3 && last["differing"] == 0, "{sales}: {last:#}");
    assert_eq!(site.stop(), 0);
}

/// Only what is wanted otherwise by the new mapping is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_mapping_is_compared_by_itself_and_only_what_differs_is_sent() {
    let mut site = proven("\"price\", \"stock\"", "every_hours = 0").await;
    assert_eq!(site.stop(), 0);
    let before = writes(&site);
    site.start();
    at_rest(&site).await;
    let why = async |site: &Site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["sources"]["live"]["last_load"]["why"].clone()
    };
    let noticed = "[mapping] is not what it was";
    assert!(
        why(&site).await.is_null() && !site.log().contains(noticed),
        "the same mapping needs no comparison"
    );
    assert_eq!(site.stop(), 0);

    // Wholesale prices go elsewhere.
    let policy = "tabela = \"ATACADO\"\ntrade_policy = \"2\"";
    assert!(site.config().contains(policy));
    site.set_config(&site.config().replace(policy, "tabela = \"ATACADO\"\ntrade_policy = \"1\""));
    site.start();
    site.until("it is compared", MINUTE, async |site| why(site).await == "the mapping changed").await;
    at_rest(&site).await;
    let counters = site.vtex.world().counters();
    assert!(counters.price_writes > 0 && writes(&site) > before);
    assert_eq!(counters.stock_writes_unchanged, 0, "no balance was sent again");
    assert_eq!(site.stop(), 0);
}
