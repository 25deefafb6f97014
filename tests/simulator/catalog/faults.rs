//! Lost answers, limits, permissions and deadlocks on catalog routes.

use mare::simulator::{Fault, FaultKind, Limit, Limits, Options, Permission};
use serde_json::{Value, json};

use super::{BRAND, CATEGORY, PRODUCT, SKU, Shop, category, colour, image, sku};

#[tokio::test]
async fn a_create_whose_answer_is_lost_has_happened_on_every_route() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let world = scene.handle.world();
    let product = shop.new_product("P1").await;
    let (made, other) = (shop.new_sku(product, "S1").await, shop.new_sku(product, "S2").await);
    let mut kit = sku(product, "KIT");
    kit["IsKit"] = true.into();
    let kit = super::id(&scene.ok("POST", SKU, kit).await);
    let colour = colour(true, json!(["Azul"]));
    let given = scene.ok("PUT", &format!("{SKU}/{other}/specificationvalue"), colour).await;
    let (field, value) = (&given[0]["FieldId"], &given[0]["FieldValueId"]);
    let group = json!({"CategoryId": shop.category, "Name": "Geral"});
    let group = super::id(&scene.ok("POST", "/api/catalog/pvt/specificationgroup", group).await);
    let creates = [
        (BRAND.to_owned(), json!({"Name": "Perdida", "Active": true})),
        (CATEGORY.to_owned(), category("Perdida", None)),
        (PRODUCT.to_owned(), shop.product("P2")),
        (SKU.to_owned(), sku(product, "S3")),
        (format!("{SKU}/{made}/ean/7891234567895"), Value::Null),
        (format!("{SKU}/{made}/file"), image("frente")),
        (format!("{SKU}/{made}/specification"), json!({"FieldId": field, "FieldValueId": value})),
        (format!("{PRODUCT}/{product}/salespolicy/1"), Value::Null),
        (
            "/api/catalog/pvt/specificationgroup".to_owned(),
            json!({"CategoryId": shop.category, "Name": "Nova"}),
        ),
        (
            "/api/catalog/pvt/specification".to_owned(),
            json!({"FieldTypeId": 1, "FieldGroupId": group, "Name": "Uso"}),
        ),
        (
            "/api/catalog/pvt/specificationvalue".to_owned(),
            json!({"FieldId": field, "Name": "Preto", "IsActive": true}),
        ),
        (
            "/api/catalog/pvt/stockkeepingunitkit".to_owned(),
            json!({"StockKeepingUnitParent": kit, "StockKeepingUnitId": made, "Quantity": 1, "UnitPrice": 1}),
        ),
        (
            "/api/catalog/pvt/skucomplement".to_owned(),
            json!({"ParentSkuId": made, "SkuId": other, "ComplementTypeId": 1}),
        ),
    ];
    for (path, body) in creates {
        for (kind, applied) in [(FaultKind::ErrorBefore, 0), (FaultKind::ErrorAfter, 1)] {
            let writes = world.counters().catalog_writes;
            let route = format!("POST {path}");
            world.set_faults(vec![Fault { route, count: Some(1), ..Fault::new(kind) }]);
            assert_eq!(scene.refused("POST", &path, body.clone()).await.0, 500, "{path}");
            assert_eq!(world.counters().catalog_writes, writes + applied, "{path} {kind:?}");
        }
    }
    // What a client that simply repeats brings about: an image and a brand twice, a refusal for the rest.
    let repeat = async |path: &str, body: Value| scene.refused("POST", path, body).await.0;
    assert_eq!(repeat(PRODUCT, shop.product("P2")).await, 409);
    assert_eq!(repeat(SKU, sku(product, "S3")).await, 409);
    assert_eq!(repeat(&format!("{SKU}/{made}/ean/7891234567895"), Value::Null).await, 409);
    assert_eq!(repeat(&format!("{SKU}/{made}/file"), image("frente")).await, 200);
    assert_eq!(repeat(BRAND, json!({"Name": "Perdida", "Active": true})).await, 200);
    let duplicates = world.catalog_duplicates();
    assert_eq!((duplicates.images, duplicates.brands, duplicates.products, duplicates.skus), (1, 1, 0, 0));
    assert!(world.product_by_reference("P2").is_some() && world.sku_id("S3").is_some());
}

#[tokio::test]
async fn a_hang_after_the_write_leaves_the_image_there() {
    let shop = Shop::open().await;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let hang = Fault { route: "POST */file".to_owned(), applied: true, ms: 1, ..Fault::new(FaultKind::Hang) };
    shop.scene.handle.world().set_faults(vec![hang]);
    let request = shop.scene.request("POST", &format!("{SKU}/{made}/file"), Some(image("frente")));
    assert!(request.send().await.is_err());
    assert!(shop.is_active(made), "an image is what it waited for");
}

#[tokio::test]
async fn each_catalog_route_has_its_limit_and_the_account_has_one_for_all() {
    let limits = Limits {
        catalog_endpoint: Some(Limit { per_minute: 1, credits: 3 }),
        catalog_account: Some(Limit { per_minute: 1, credits: 5 }),
        ..Limits::default()
    };
    // The shop takes one POST of brands and two of categories.
    let shop = Shop::with(Options { limits, ..Options::default() }).await;
    let scene = &shop.scene;
    assert_eq!(scene.refused("POST", CATEGORY, category("Nova", None)).await.0, 200);
    let limited = scene.send("POST", CATEGORY, Some(category("Outra", None))).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, None), "no header is promised");
    assert_eq!(scene.refused("POST", PRODUCT, shop.product("P1")).await.0, 200);
    assert_eq!(scene.refused("POST", PRODUCT, shop.product("P2")).await.0, 429, "the account's are used up");
    let counts = scene.handle.world().catalog_counts();
    assert_eq!((counts.categories, counts.products), (3, 1), "a limited request is not processed");
}

#[tokio::test]
async fn a_key_may_lack_the_right_to_change_one_kind_of_thing() {
    let shop = Shop::open().await;
    let world = shop.scene.handle.world();
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let group = json!({"CategoryId": shop.category, "Name": "Geral"});
    let writes = [
        (Permission::ModifyBrands, BRAND.to_owned(), json!({"Name": "Nova"})),
        (Permission::ModifyCategories, CATEGORY.to_owned(), category("Nova", None)),
        (Permission::ModifyProducts, PRODUCT.to_owned(), shop.product("P2")),
        (Permission::ModifySkus, format!("{SKU}/{made}/file"), image("frente")),
        (Permission::ModifySpecifications, "/api/catalog/pvt/specificationgroup".to_owned(), group),
    ];
    for (permission, path, body) in &writes {
        world.deny(vec![*permission]);
        assert_eq!(shop.scene.refused("POST", path, body.clone()).await.0, 403, "{path}");
        assert_eq!(shop.scene.get(&format!("{PRODUCT}/{product}")).await.status, 200);
    }
    world.deny(vec![Permission::Catalog]);
    assert_eq!(shop.scene.get(&format!("{PRODUCT}/{product}")).await.status, 403);
    for (_, path, body) in writes {
        assert_eq!(shop.scene.refused("POST", &path, body).await.0, 200, "{path}: writing is another right");
    }
}

#[tokio::test]
async fn two_writes_of_one_product_at_once_may_deadlock() {
    let mut options = Options::default();
    options.quirks.catalog_deadlocks = true;
    let shop = Shop::with(options).await;
    let world = shop.scene.handle.world();
    let (product, other) = (shop.new_product("P1").await, shop.new_product("P2").await);
    world.set_faults(vec![Fault { ms: 3_600_000, count: Some(1), ..Fault::new(FaultKind::Hang) }]);
    let path = format!("{PRODUCT}/{product}");
    let first = tokio::spawn(shop.scene.request("PUT", &path, Some(shop.product("P1"))).send());
    while world.counters().in_flight_max == 0 {
        tokio::task::yield_now().await;
    }
    world.reset_counters();
    let (status, words) = shop.scene.refused("PUT", &path, shop.product("P1")).await;
    assert!(status == 500 && words.as_str().unwrap().contains("deadlocked"), "{words}");
    assert_eq!(world.counters().overlapping, 1);
    shop.scene.ok("PUT", &format!("{PRODUCT}/{other}"), shop.product("P2")).await;
    first.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_creates_at_once_with_one_ref_id_one_wins() {
    let shop = Shop::open().await;
    let product = shop.new_product("P1").await;
    let made = [shop.new_sku(product, "S1").await, shop.new_sku(product, "S2").await];
    let ean = |number: usize| format!("{SKU}/{}/ean/7891234567895", made[number % 2]);
    for round in 0..3 {
        let requests = (0..16).map(|number| match round {
            0 => shop.scene.request("POST", PRODUCT, Some(shop.product("P2"))),
            1 => shop.scene.request("POST", SKU, Some(sku(product, "S3"))),
            _ => shop.scene.request("POST", &ean(number), None),
        });
        let sent: Vec<_> = requests.map(|request| tokio::spawn(request.send())).collect();
        let mut statuses = Vec::new();
        for answer in sent {
            statuses.push(answer.await.unwrap().unwrap().status().as_u16());
        }
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1], statuses[15]), (200, 409, 409), "{round}");
    }
    let counts = shop.scene.handle.world().catalog_counts();
    assert_eq!((counts.products, counts.skus, counts.eans), (2, 3, 1));
}
