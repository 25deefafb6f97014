//! Look-ups that are behind the writes, in time that a test moves.

use std::time::Duration;

use mare::simulator::{CatalogLag, Options, Unmet};
use serde_json::{Value, json};

use super::{BRAND, CATEGORY, PRODUCT, SKU, SYSTEM, Shop, category, sku};
use crate::BY_REFS;

const LAG: Duration = Duration::from_secs(360);
const ALMOST: Duration = Duration::from_secs(300);
const REST: Duration = Duration::from_secs(60);

fn lagging(lag: CatalogLag) -> Options {
    Options { catalog_lag: lag, ..Options::default() }
}

#[tokio::test]
async fn an_ean_is_found_when_the_sku_is_active_and_indexed() {
    let shop = Shop::with(lagging(CatalogLag { index: LAG, ..CatalogLag::default() })).await;
    let scene = &shop.scene;
    let world = scene.handle.world();
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    scene.ok("POST", &format!("{SKU}/{made}/ean/7891234567895"), Value::Null).await;
    let by_ean = format!("{SYSTEM}/sku/stockkeepingunitbyean/7891234567895");
    let missing = (404, json!("SKU not found"));
    world.advance(LAG);
    assert_eq!(scene.refused("GET", &by_ean, Value::Null).await, missing, "known issue 699007: inactive");
    shop.add_image(made, "frente").await;
    assert!(shop.is_active(made));
    assert_eq!(scene.refused("GET", &by_ean, Value::Null).await, missing, "not indexed yet");
    assert_eq!(shop.unmet(made), [Unmet::Index]);
    let indexed = format!("{SYSTEM}/products/GetIndexedInfo/{product}");
    assert!(scene.get(&indexed).await.body.as_str().unwrap().contains("<arr name=\"skuIds\"></arr>"));
    world.advance(ALMOST);
    // Saving it again does not put it off.
    scene.ok("PUT", &format!("{PRODUCT}/{product}"), shop.product("P1")).await;
    world.advance(REST);
    assert_eq!(scene.ok("GET", &by_ean, Value::Null).await["Id"], made);
    assert_eq!(shop.unmet(made), []);
    assert!(scene.get(&indexed).await.body.as_str().unwrap().contains(&format!("<int>{made}</int>")));
    let by_alternate = format!("{SYSTEM}/sku/stockkeepingunitbyalternateId/7891234567895");
    assert_eq!(scene.ok("GET", &by_alternate, Value::Null).await["Id"], made);
}

#[tokio::test]
async fn a_ref_id_may_be_found_late_but_a_second_create_is_refused_at_once() {
    let shop = Shop::with(lagging(CatalogLag { references: LAG, ..CatalogLag::default() })).await;
    let scene = &shop.scene;
    let world = scene.handle.world();
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let by_ref = format!("{SYSTEM}/products/productgetbyrefid/P1");
    assert_eq!(scene.ok("GET", &by_ref, Value::Null).await, Value::Null);
    assert_eq!(scene.ok("POST", BY_REFS, json!(["S1", "SKU-1"])).await, json!({"SKU-1": "1"}));
    assert_eq!(scene.refused("GET", &format!("{SKU}?RefId=S1"), Value::Null).await.0, 404);
    assert_eq!(scene.ok("GET", &format!("{SKU}/{made}"), Value::Null).await["RefId"], "S1", "by id at once");
    assert_eq!(scene.refused("POST", SKU, sku(product, "S1")).await.0, 409);
    assert_eq!(scene.refused("POST", PRODUCT, shop.product("P1")).await.0, 409);
    world.advance(LAG);
    assert_eq!(scene.ok("GET", &by_ref, Value::Null).await["Id"], product);
    assert_eq!(scene.ok("POST", BY_REFS, json!(["S1"])).await, json!({"S1": made.to_string()}));
    // A PUT that keeps the RefId hides nothing.
    scene.ok("PUT", &format!("{SKU}/{made}"), sku(product, "S1")).await;
    scene.ok("PUT", &format!("{PRODUCT}/{product}"), shop.product("P1")).await;
    assert_eq!(scene.ok("GET", &by_ref, Value::Null).await["Id"], product);
    assert_eq!(scene.ok("POST", BY_REFS, json!(["S1"])).await, json!({"S1": made.to_string()}));
    // Another RefId is found late again.
    scene.ok("PUT", &format!("{SKU}/{made}"), sku(product, "S2")).await;
    scene.ok("PUT", &format!("{PRODUCT}/{product}"), shop.product("P2")).await;
    let by_ref = format!("{SYSTEM}/products/productgetbyrefid/P2");
    assert_eq!(scene.ok("GET", &by_ref, Value::Null).await, Value::Null);
    assert_eq!(scene.ok("POST", BY_REFS, json!(["S1", "S2"])).await, json!({}));
    world.advance(LAG);
    assert_eq!(scene.ok("GET", &by_ref, Value::Null).await["Id"], product);
    assert_eq!(scene.ok("POST", BY_REFS, json!(["S1", "S2"])).await, json!({"S2": made.to_string()}));
}

#[tokio::test]
async fn the_brand_list_and_the_category_tree_are_answered_from_a_cache() {
    let shop = Shop::with(lagging(CatalogLag { lists: LAG, ..CatalogLag::default() })).await;
    let scene = &shop.scene;
    let (brands, tree) = (format!("{SYSTEM}/brand/list"), "/api/catalog_system/pub/category/tree/3");
    let counts = async || {
        let brands = scene.ok("GET", &brands, Value::Null).await.as_array().unwrap().len();
        (brands, scene.ok("GET", tree, Value::Null).await.as_array().unwrap().len())
    };
    assert_eq!(counts().await, (1, 1));
    scene.ok("POST", BRAND, json!({"Name": "Nova"})).await;
    scene.ok("POST", CATEGORY, category("Nova", None)).await;
    scene.handle.world().advance(ALMOST);
    assert_eq!(counts().await, (1, 1));
    scene.handle.world().advance(REST);
    assert_eq!(counts().await, (2, 2));
}
