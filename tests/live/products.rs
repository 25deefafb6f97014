//! Products: from Live's rows to SKUs that can be sold.

use std::time::Duration;

use mare::simulator::{CatalogDuplicates, Limits, Options};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\nstock_write = { per_second = 2000, burst = 2000 }\n\
    stock_read = { per_second = 2000, burst = 2000 }\nprice_put = { per_second = 500, burst = 1000 }\n\
    price_read = { per_second = 500, burst = 1000 }\nprice_patch = { per_second = 500, burst = 1000 }\n\
    catalog_read = { per_second = 2000, burst = 2000 }\ncatalog_write = { per_second = 2000, burst = 2000 }\n\
    [tuning.concurrency]\ncatalog = 64\n";
const ALL: &str = "\"product\", \"price\", \"stock\"";

/// SKUs of Live that a shopper can buy when everything has arrived.
const FOR_SALE: &str = "SELECT s.codigo FROM live.produto_sku s JOIN live.produto p ON p.id = s.id_produto
    WHERE p.ind_integra_ecommerce AND p.ind_ativo_ecommerce AND p.situacao = 1
      AND s.ind_ativo_ecommerce AND s.situacao = 1";

async fn open(skus: i64) -> Site {
    let options = Options { limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(skus, options, FAST).await;
    site.use_entities(ALL);
    // The columns of the catalog are published only now.
    site.run(&["install"]);
    site.start();
    site
}

async fn codes(site: &Site, sql: &str) -> Vec<String> {
    let rows = site.live.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What stands between a SKU and its sale, apart from its price and stock.
fn unmet(site: &Site, sku_ref: &str) -> Option<String> {
    let world = site.vtex.world();
    let id = world.sku_id(sku_ref)?;
    let unmet = world.unmet(id, "1");
    let unmet = unmet.iter().map(|unmet| format!("{unmet:?}"));
    Some(
        unmet
            .filter(|unmet| !unmet.starts_with("Stock") && !unmet.starts_with("Price"))
            .collect::<Vec<_>>()
            .join(", "),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flagged_product_becomes_an_active_sku_by_itself() {
    let mut site = open(200).await;
    let expected = codes(&site, FOR_SALE).await;
    assert!(expected.len() > 150, "{}", expected.len());
    let ready = |site: &Site| expected.iter().filter(|sku| unmet(site, sku).as_deref() == Some("")).count();
    site.until("every SKU is active", MINUTE, async |site| ready(site) == expected.len()).await;
    site.converged(MINUTE).await;
    let duplicates = site.vtex.world().catalog_duplicates();
    assert_eq!(duplicates, CatalogDuplicates::default());
    assert_eq!(site.stop(), 0, "{}", site.log());
}
