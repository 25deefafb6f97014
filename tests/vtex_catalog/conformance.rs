//! What we send, and what the simulator answers, is what VTEX's own file describes.

use mare::core::entity::Entity;
use mare::core::value::Value;
use mare::core::value::catalog::{Component, Product, Sku};
use mare::simulator::Options;

use super::openapi::OpenApi;
use super::shop::{SKU, Shop, a_product, a_sku, image};

#[tokio::test]
async fn every_catalog_exchange_is_as_vtex_documents_it() {
    let Some(openapi) = OpenApi::from_environment() else {
        println!("SKIPPED: VTEX_OPENAPI_DIR does not name a folder with VTEX's OpenAPI files");
        return;
    };
    let record = tempfile::NamedTempFile::new().unwrap();
    let options = Options { record: Some(record.path().to_owned()), ..Options::default() };
    let mut shop = Shop::with(options).await;
    shop.deliver(&a_product(), &a_sku()).await;
    let product = Product { name: "Outro".into(), trade_policies: vec![1], ..a_product() };
    let images = vec![image("costas", "2"), image("lado", "3")];
    let eans = vec!["7891234567888".into()];
    shop.deliver(&product, &Sku { name: "Outro".into(), images, eans, ..a_sku() }).await;
    // One of each is taken back.
    let product = Product { specifications: Vec::new(), ..product };
    shop.deliver(&product, &Sku { specifications: Vec::new(), ..a_sku() }).await;
    let kit = |quantity| {
        let components = vec![Component { sku: SKU.into(), quantity, unit_price: None }];
        Value::Sku(Box::new(Sku { eans: Vec::new(), components, ..a_sku() }))
    };
    for quantity in [1, 2] {
        shop.want(Entity::Sku, "KIT", kit(quantity));
        shop.settle().await;
    }
    shop.vtex.shutdown().await.unwrap();
    let text = std::fs::read_to_string(record.path()).unwrap();
    let mut findings = Vec::new();
    let mut checked = 0;
    for line in text.lines() {
        let exchange: serde_json::Value = serde_json::from_str(line).unwrap();
        checked += 1;
        findings.extend(openapi.findings(&exchange));
    }
    assert!(checked > 30, "{checked} exchanges were recorded");
    findings.sort();
    findings.dedup();
    assert!(findings.is_empty(), "{findings:#?}");
}
