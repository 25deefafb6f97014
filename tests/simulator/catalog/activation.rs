//! When a SKU becomes active, and what it takes to be sold.

use mare::simulator::{Options, Unmet, UnmetActivation};
use serde_json::{Value, json};

use super::{BRAND, CATEGORY, PRODUCT, SKU, Shop, category, colour, field, id, image, sku};

/// The SKU as it is, to be active.
fn active(product: u32, reference: &str) -> Value {
    let mut body = sku(product, reference);
    body["IsActive"] = true.into();
    body
}

#[tokio::test]
async fn a_sku_is_never_created_active_and_needs_an_image_to_become_it() {
    let shop = Shop::open().await;
    let product = shop.new_product("P1").await;
    let (status, answer) = shop.scene.refused("POST", SKU, active(product, "S1")).await;
    assert_eq!((status, answer["Message"].is_string()), (400, true));
    let mut manual = sku(product, "S1");
    manual["ActivateIfPossible"] = false.into();
    let made = id(&shop.scene.ok("POST", SKU, manual).await);
    let path = format!("{SKU}/{made}");
    let mut wanted = active(product, "S1");
    wanted["ActivateIfPossible"] = false.into();
    let (status, answer) = shop.scene.refused("PUT", &path, wanted.clone()).await;
    let expected =
        "Sku Azul S1 could not be set as active because it does not have any files associated to it yet.";
    assert_eq!((status, &answer["Message"]), (400, &json!(expected)));
    shop.add_image(made, "frente").await;
    assert!(!shop.is_active(made), "nobody asked for it");
    assert_eq!(shop.unmet(made), [Unmet::Inactive, Unmet::Index]);
    assert_eq!(shop.scene.ok("PUT", &path, wanted).await["IsActive"], true);
    // Leaving it out is switching it off.
    let mut without = sku(product, "S1");
    without.as_object_mut().unwrap().remove("IsActive");
    without["ActivateIfPossible"] = false.into();
    assert_eq!(shop.scene.ok("PUT", &path, without).await["IsActive"], false);
    assert_eq!(shop.scene.handle.world().counters().violations["PUT SKU without ProductId or IsActive"], 1);
}

#[tokio::test]
async fn activate_if_possible_waits_for_the_last_condition_whatever_the_order() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let brand = id(&scene.ok("POST", BRAND, json!({"Name": "Nova"})).await);
    let mut closed = category("Nova", Some(shop.department));
    closed["IsActive"] = false.into();
    let own = id(&scene.ok("POST", CATEGORY, closed.clone()).await);
    let mut body = shop.product("P1");
    (body["BrandId"], body["CategoryId"], body["IsActive"]) = (brand.into(), own.into(), false.into());
    let product = id(&scene.ok("POST", PRODUCT, body.clone()).await);
    let mut nameless = sku(product, "");
    nameless.as_object_mut().unwrap().remove("RefId");
    let made = id(&scene.ok("POST", SKU, nameless).await);
    let group = json!({"CategoryId": own, "Name": "Variações"});
    let group = id(&scene.ok("POST", "/api/catalog/pvt/specificationgroup", group).await);
    let mut required = field(group, "Cor", 5, true);
    required["IsRequired"] = true.into();
    scene.ok("POST", "/api/catalog/pvt/specification", required).await;

    let all = [
        Unmet::Reference,
        Unmet::Image,
        Unmet::Product,
        Unmet::Brand,
        Unmet::Category,
        Unmet::Specification("Cor".to_owned()),
        Unmet::Index,
    ];
    assert_eq!(shop.unmet(made), all);
    body["IsActive"] = true.into();
    closed["IsActive"] = true.into();
    let colour = colour(false, json!(["Azul"]));
    let steps = [
        ("PUT", format!("{SKU}/{made}/specificationvalue"), colour),
        ("PUT", format!("{BRAND}/{brand}"), json!({"Id": brand, "Name": "Nova", "Active": true})),
        ("POST", format!("{SKU}/{made}/file"), image("frente")),
        ("PUT", format!("{PRODUCT}/{product}"), body),
        ("PUT", format!("{CATEGORY}/{own}"), closed),
        ("POST", format!("{SKU}/{made}/ean/7891234567895"), Value::Null),
    ];
    for (method, path, body) in steps {
        assert!(!shop.is_active(made), "before {method} {path}");
        scene.ok(method, &path, body).await;
    }
    assert!(shop.is_active(made));
    assert_eq!(shop.unmet(made), []);
}

#[tokio::test]
async fn a_put_that_switches_off_is_stronger_than_activate_if_possible_until_a_condition_is_met_again() {
    let shop = Shop::open().await;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let path = format!("{SKU}/{made}");
    shop.add_image(made, "frente").await;
    assert!(shop.is_active(made));
    assert_eq!(shop.scene.ok("PUT", &path, sku(product, "S1")).await["IsActive"], false);
    shop.add_image(made, "costas").await;
    assert!(!shop.is_active(made), "it had an image already");
    let unchanged = shop.scene.handle.world().counters().catalog_writes_unchanged;
    shop.scene.ok("PUT", &path, sku(product, "S1")).await;
    assert_eq!(shop.scene.handle.world().counters().catalog_writes_unchanged, unchanged + 1);
    shop.scene.ok("DELETE", &format!("{path}/file"), Value::Null).await;
    shop.add_image(made, "frente").await;
    assert!(shop.is_active(made));
    // What GET shows, written again, is no change.
    let shown = shop.scene.get(&path).await.body;
    shop.scene.ok("PUT", &path, shown).await;
    assert_eq!(shop.scene.handle.world().counters().catalog_writes_unchanged, unchanged + 2);
    // The wish is new when it was taken back in between.
    let mut off = sku(product, "S1");
    off["ActivateIfPossible"] = false.into();
    shop.scene.ok("PUT", &path, off).await;
    assert_eq!(shop.scene.ok("PUT", &path, sku(product, "S1")).await["IsActive"], true);
}

#[tokio::test]
async fn a_category_above_counts_and_a_field_that_is_switched_off_does_not() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let group = json!({"CategoryId": shop.department, "Name": "Geral"});
    let group = id(&scene.ok("POST", "/api/catalog/pvt/specificationgroup", group).await);
    let mut required = field(group, "Material", 1, false);
    required["IsRequired"] = true.into();
    let material = id(&scene.ok("POST", "/api/catalog/pvt/specification", required.clone()).await);
    let department = format!("{CATEGORY}/{}", shop.department);
    let mut closed = category("Roupas", None);
    closed["IsActive"] = false.into();
    scene.ok("PUT", &department, closed).await;
    shop.add_image(made, "frente").await;
    assert_eq!(
        shop.unmet(made),
        [Unmet::Category, Unmet::Specification("Material".to_owned()), Unmet::Index]
    );
    required["IsActive"] = false.into();
    scene.ok("PUT", &format!("/api/catalog/pvt/specification/{material}"), required).await;
    assert_eq!(shop.unmet(made), [Unmet::Category, Unmet::Index]);
    scene.ok("PUT", &department, category("Roupas", None)).await;
    assert!(shop.is_active(made));
    assert_eq!(shop.unmet(made), []);
}

#[tokio::test]
async fn an_activation_that_lacks_something_else_looks_like_success_or_is_refused() {
    let mut options = Options::default();
    for (rule, status) in [(UnmetActivation::StaysInactive, 200), (UnmetActivation::Refused, 400)] {
        options.quirks.unmet_activation = rule;
        let shop = Shop::with(options.clone()).await;
        let mut body = shop.product("P1");
        body["IsActive"] = false.into();
        let product = id(&shop.scene.ok("POST", PRODUCT, body).await);
        let made = shop.new_sku(product, "S1").await;
        shop.add_image(made, "frente").await;
        let answer = shop.scene.refused("PUT", &format!("{SKU}/{made}"), active(product, "S1")).await;
        assert_eq!((answer.0, shop.is_active(made)), (status, false), "{}", answer.1);
    }
}

#[tokio::test]
async fn what_was_active_stays_it_when_its_product_or_its_last_ean_or_image_goes() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let path = format!("{SKU}/{made}");
    shop.add_image(made, "frente").await;
    scene.ok("POST", &format!("{path}/ean/1"), Value::Null).await;
    let mut body = shop.product("P1");
    body["IsActive"] = false.into();
    scene.ok("PUT", &format!("{PRODUCT}/{product}"), body).await;
    assert!(shop.is_active(made), "known issue 1157944");
    scene.ok("DELETE", &format!("{path}/ean"), Value::Null).await;
    scene.ok("DELETE", &format!("{path}/file"), Value::Null).await;
    assert!(shop.is_active(made), "known issue 626031");
    assert_eq!(shop.unmet(made), [Unmet::Image, Unmet::Product]);
    assert_eq!(
        scene.refused("PUT", &path, active(product, "S1")).await.0,
        400,
        "but it is not saved as active"
    );
}

#[tokio::test]
async fn to_be_sold_takes_a_price_and_stock_as_well() {
    let options = Options { trade_policies: vec!["1".to_owned(), "2".to_owned()], ..Options::default() };
    let shop = Shop::with(options).await;
    let scene = &shop.scene;
    let world = scene.handle.world();
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    shop.add_image(made, "frente").await;
    assert_eq!(world.unmet(made, "1"), [Unmet::Price, Unmet::Stock]);
    let fixed = json!([{"tradePolicyId": "2", "value": 9.9, "minQuantity": 1}]);
    scene.ok("PATCH", &format!("/pricing/prices/{made}/fixed"), fixed).await;
    assert_eq!(world.unmet(made, "1"), [Unmet::Price, Unmet::Stock], "a price of another trade policy");
    let stock = format!("/api/logistics/pvt/inventory/skus/{made}/warehouses/1_1/quantity");
    let quantity = json!({"quantity": 1, "unlimitedQuantity": false});
    assert_eq!(scene.refused("PATCH", &stock, quantity).await.0, 204);
    assert!(world.sellable(made, "2") && !world.sellable(made, "1"));
    scene.ok("PUT", &format!("/pricing/prices/{made}"), json!({"basePrice": 10, "costPrice": 5})).await;
    assert!(world.sellable(made, "1"));
    world.reserve(made, "1_1", 1).unwrap();
    assert_eq!(world.unmet(made, "1"), [Unmet::Stock], "the last one is reserved");
}
