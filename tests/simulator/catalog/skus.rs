//! SKUs, their EANs and images.

use std::time::Duration;

use mare::simulator::{CatalogLag, Numbers, Options};
use serde_json::{Value, json};

use super::{PRODUCT, SKU, SYSTEM, Shop, colour, id, image, sku};
use crate::BY_REFS;

#[tokio::test]
async fn a_created_sku_is_known_to_look_ups_logistics_and_pricing() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "0042").await;
    let found = scene.ok("POST", BY_REFS, json!(["0042", "SKU-1", "nowhere"])).await;
    assert_eq!(found, json!({"0042": made.to_string(), "SKU-1": "1"}));
    let by_ref = format!("{SYSTEM}/sku/stockkeepingunitidbyrefid/0042");
    assert_eq!(scene.ok("GET", &by_ref, Value::Null).await, made.to_string());
    assert_eq!(id(&scene.ok("GET", &format!("{SKU}?RefId=0042"), Value::Null).await), made);
    let stock = format!("/api/logistics/pvt/inventory/skus/{made}/warehouses/1_1/quantity");
    let body = json!({"quantity": 3, "unlimitedQuantity": false});
    assert_eq!(scene.refused("PATCH", &stock, body).await.0, 204);
    let price = format!("/pricing/prices/{made}");
    scene.ok("PUT", &price, json!({"basePrice": 10, "costPrice": 5})).await;
    assert_eq!(scene.handle.world().stock(made, "1_1").unwrap().quantity, 3);
    let page = format!("{SYSTEM}/sku/stockkeepingunitids?page=1&pagesize=9");
    assert_eq!(scene.ok("GET", &page, Value::Null).await, json!([1, 2, 3, made]));
    assert_eq!(scene.handle.world().sku_count(), 4);
}

#[tokio::test]
async fn a_sku_that_exists_is_refused_in_words_that_name_it() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let mut first = sku(product, "S1");
    first["Id"] = json!(900);
    assert_eq!(id(&scene.ok("POST", SKU, first.clone()).await), 900, "ids may be the caller's");
    assert_eq!(
        scene.refused("POST", SKU, first.clone()).await,
        (409, json!("Sku already created with this Id"))
    );
    first["Id"] = json!(1);
    assert_eq!(scene.refused("POST", SKU, first).await.0, 409, "also one that is only an id and a RefId");
    let taken =
        |id: u32| json!(format!("Sku can not be created because the RefId is registered in Sku id {id}"));
    assert_eq!(scene.refused("POST", SKU, sku(product, "S1")).await, (409, taken(900)));
    assert_eq!(scene.refused("POST", SKU, sku(product, "SKU-2")).await, (409, taken(2)));
    let other = shop.new_sku(product, "S2").await;
    let path = format!("{SKU}/{other}");
    assert_eq!(scene.refused("PUT", &path, sku(product, "S1")).await, (409, taken(900)));
    assert_eq!(scene.refused("POST", SKU, sku(77, "S3")).await, (404, json!("Product not found")));
    // A RefId that was given up is free again.
    scene.ok("PUT", &path, sku(product, "S9")).await;
    assert_ne!(shop.new_sku(product, "S2").await, other);
    assert_eq!(scene.handle.world().sku_id("S9"), Some(other));
}

#[tokio::test]
async fn put_sku_wipes_what_it_leaves_out_and_fills_in_what_vtex_makes() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let mut full = sku(product, "S1");
    full["ManufacturerCode"] = json!("M-1");
    full["UnitMultiplier"] = json!(2.5);
    full["MeasurementUnit"] = json!("m²");
    full["Videos"] = json!(["https://videos.example/1"]);
    let made = scene.ok("POST", SKU, full).await;
    assert_eq!((&made["CommercialConditionId"], &made["CubicWeight"]), (&json!(1), &json!(1.025)));
    let path = format!("{SKU}/{}", id(&made));
    let by_ref = scene.ok("GET", &format!("{SKU}?RefId=S1"), Value::Null).await;
    assert_eq!(by_ref["Videos"], json!([]), "known issue 388869");
    assert_eq!(scene.ok("GET", &path, Value::Null).await["Videos"][0], "https://videos.example/1");
    let put = scene.ok("PUT", &path, sku(product, "S1")).await;
    assert_eq!(
        (&put["ManufacturerCode"], &put["UnitMultiplier"], &put["MeasurementUnit"]),
        (&json!(""), &json!(1), &json!("un"))
    );
    assert_eq!(put["CreationDate"], made["CreationDate"]);
    for (field, value) in [
        ("CommercialConditionId", json!(0)),
        ("MeasurementUnit", json!("kilo")),
        ("Name", json!("x".repeat(201))),
        ("RefId", json!("x".repeat(51))),
        ("PackagedHeight", Value::Null),
    ] {
        let mut body = sku(product, "S1");
        body[field] = value;
        assert_eq!(scene.refused("PUT", &path, body).await.0, 400, "{field}");
    }
}

#[tokio::test]
async fn a_sku_without_ref_id_needs_an_ean_and_a_product_takes_50_skus() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let path = format!("{SKU}/{made}");
    let mut nameless = sku(product, "");
    nameless.as_object_mut().unwrap().remove("RefId");
    assert_eq!(scene.refused("PUT", &path, nameless.clone()).await.0, 400);
    scene.ok("POST", &format!("{path}/ean/7891234567895"), Value::Null).await;
    scene.ok("PUT", &path, nameless).await;
    let world = scene.handle.world();
    assert!(world.sku_id("S1").is_none() && world.catalog_sku(made).unwrap().reference.is_empty());
    for number in 2..=50 {
        shop.new_sku(product, &format!("S{number}")).await;
    }
    assert_eq!(scene.refused("POST", SKU, sku(product, "S51")).await.0, 400);
    scene.ok("PUT", &path, sku(product, "S1")).await;
    assert_eq!(world.product(product).unwrap().skus.len(), 50);
    // One that moves makes room.
    let other = shop.new_product("P2").await;
    scene.ok("PUT", &path, sku(other, "S1")).await;
    assert_eq!(world.product(other).unwrap().skus, [made]);
    shop.new_sku(product, "S51").await;
}

#[tokio::test]
async fn a_seeded_sku_gets_its_data_by_a_put_and_keeps_its_id() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let world = scene.handle.world();
    assert!(world.catalog_sku(1).is_none());
    assert_eq!(world.unmet(1, "1"), [mare::simulator::Unmet::Unknown]);
    scene.ok("PUT", &format!("{SKU}/1"), sku(product, "SKU-1")).await;
    assert_eq!(world.catalog_sku(1).unwrap().product, product);
    assert_eq!(world.sku_id("SKU-1"), Some(1));
    assert_eq!(scene.refused("PUT", &format!("{SKU}/77"), sku(product, "S1")).await.0, 404);
}

#[tokio::test]
async fn an_ean_belongs_to_one_sku_and_a_sku_may_have_several() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let (one, other) = (shop.new_sku(product, "S1").await, shop.new_sku(product, "S2").await);
    let ean = |sku: u32, ean: &str| format!("{SKU}/{sku}/ean{ean}");
    scene.ok("POST", &ean(one, "/3"), Value::Null).await;
    scene.ok("POST", &ean(one, "/2"), Value::Null).await;
    assert_eq!(scene.ok("GET", &ean(one, ""), Value::Null).await, json!(["2", "3"]), "in their order");
    for sku in [one, other] {
        let taken = json!(format!("The EAN is registered in Sku id {one}"));
        assert_eq!(scene.refused("POST", &ean(sku, "/3"), Value::Null).await, (409, taken));
    }
    scene.ok("DELETE", &ean(one, "/3"), Value::Null).await;
    assert_eq!(scene.refused("DELETE", &ean(one, "/3"), Value::Null).await.0, 404);
    scene.ok("POST", &ean(other, "/3"), Value::Null).await;
    scene.ok("DELETE", &ean(one, ""), Value::Null).await;
    assert_eq!(scene.ok("GET", &ean(one, ""), Value::Null).await, json!([]));
    let by_other = format!("{SYSTEM}/sku/stockkeepingunitbyalternateId/3");
    assert_eq!(id(&scene.ok("GET", &by_other, Value::Null).await), other);
    let by_ref = format!("{SYSTEM}/sku/stockkeepingunitbyalternateId/S1");
    assert_eq!(id(&scene.ok("GET", &by_ref, Value::Null).await), one);
}

#[tokio::test]
async fn images_are_vtexs_copies_and_the_same_one_twice_is_a_duplicate() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let files = format!("{SKU}/{made}/file");
    shop.add_image(made, "frente").await;
    let shown = shop.add_image(made, "costas").await;
    assert_eq!((&shown[0]["Position"], &shown[1]["Position"]), (&json!(0), &json!(1)));
    let url = shown[0]["Url"].as_str().unwrap();
    assert!(url.starts_with("https://simulator.vteximg.com.br/"), "{url}");
    let mut main = image("costas");
    main["IsMain"] = true.into();
    let (first, second) = (id(&shown[0]), id(&shown[1]));
    let put = scene.ok("PUT", &format!("{files}/{second}"), main).await;
    assert_eq!((id(&put[0]), &put[0]["IsMain"], &put[0]["Position"]), (second, &json!(true), &json!(0)));
    assert_eq!(put[1]["Position"], 1);
    let reorder = format!("{files}/reorder");
    let partly = json!([{"Id": first, "Position": 0}]);
    assert_eq!(scene.refused("PUT", &reorder, partly).await.0, 400, "all files are required");
    let all = json!([{"Id": second, "Position": 5}, {"Id": first, "Position": 2}]);
    scene.ok("PUT", &reorder, all).await;
    let images = scene.handle.world().catalog_sku(made).unwrap().images;
    assert_eq!(
        images.iter().map(|image| (image.id, image.position)).collect::<Vec<_>>(),
        [(first, 2), (second, 5)]
    );
    shop.add_image(made, "frente").await;
    assert_eq!(scene.handle.world().catalog_duplicates().images, 1);
    let other = shop.new_sku(product, "S2").await;
    scene.ok("PUT", &format!("{SKU}/copy/{made}/{other}/file"), Value::Null).await;
    scene.ok("DELETE", &format!("{files}/{first}"), Value::Null).await;
    assert_eq!(scene.refused("DELETE", &format!("{files}/{first}"), Value::Null).await.0, 404);
    scene.ok("DELETE", &format!("{SKU}/disassociate/{made}/file/{second}"), Value::Null).await;
    scene.ok("DELETE", &files, Value::Null).await;
    assert_eq!(scene.ok("GET", &files, Value::Null).await, json!([]));
    assert_eq!(scene.handle.world().catalog_counts().images, 3, "the copies stay");
}

#[tokio::test]
async fn an_image_that_vtex_could_not_download_is_refused() {
    let shop = Shop::open().await;
    let product = shop.new_product("P1").await;
    let files = format!("{SKU}/{}/file", shop.new_sku(product, "S1").await);
    for url in [
        "imagens.example/1.jpg",
        "ftp://imagens.example/1.jpg",
        "https://imagens.example/1",
        "https://imagens.example/1.png?largura=600",
        "file:///1.png",
    ] {
        let body = json!({"Name": "frente", "Url": url});
        assert_eq!(shop.scene.refused("POST", &files, body).await.0, 400, "{url}");
    }
    let body = json!({"Name": "frente", "Url": "https://imagens.example/1.PNG"});
    assert_eq!(shop.scene.ok("POST", &files, body).await[0]["Name"], "frente");
}

#[tokio::test]
async fn the_context_of_a_sku_shows_product_brand_category_and_specifications() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    shop.add_image(made, "frente").await;
    scene.ok("POST", &format!("{SKU}/{made}/ean/7891234567895"), Value::Null).await;
    let given = colour(false, json!(["Azul"]));
    scene.ok("PUT", &format!("{SKU}/{made}/specificationvalue"), given).await;
    let context = scene.ok("GET", &format!("{SYSTEM}/sku/stockkeepingunitbyid/{made}"), Value::Null).await;
    assert_eq!(
        (&context["NameComplete"], &context["BrandName"]),
        (&json!("Calção P1 Azul S1"), &json!("Maré"))
    );
    assert_eq!(context["ProductCategoryIds"], format!("/{}/{}/", shop.department, shop.category));
    assert_eq!(context["AlternateIds"], json!({"Ean": "7891234567895", "RefId": "S1"}));
    assert_eq!(context["SkuSpecifications"][0]["FieldValues"], json!(["Azul"]));
    assert_eq!(context["IsActive"], true);
    let list =
        scene.ok("GET", &format!("{SYSTEM}/sku/stockkeepingunitByProductId/{product}"), Value::Null).await;
    assert_eq!((&list[0]["Id"], &list[0]["WeightKg"]), (&json!(made), &json!(250)));
    assert_eq!(
        scene.refused("GET", &format!("{SYSTEM}/sku/stockkeepingunitbyid/1"), Value::Null).await.0,
        404
    );
}

#[tokio::test]
async fn whole_numbers_of_the_catalog_print_as_the_file_types_them_or_as_vtex_does() {
    for (numbers, grams) in [(Numbers::Strict, json!(250)), (Numbers::Realistic, json!(250.0))] {
        let mut options = Options::default();
        options.quirks.numbers = numbers;
        let shop = Shop::with(options).await;
        let product = shop.new_product("P1").await;
        let made = shop.scene.ok("POST", SKU, sku(product, "S1")).await;
        assert_eq!(made["PackagedWeightKg"], grams);
        let mut scoreless = shop.product("P2");
        scoreless.as_object_mut().unwrap().remove("Score");
        let shown = shop.scene.ok("POST", PRODUCT, scoreless).await;
        assert_eq!(shown.get("Score").is_some(), numbers == Numbers::Realistic);
    }
}

#[tokio::test]
async fn the_admin_dump_shows_products_with_skus_and_what_they_lack() {
    let options = Options {
        catalog_lag: CatalogLag { index: Duration::from_secs(360), ..CatalogLag::default() },
        ..Options::default()
    };
    let shop = Shop::with(options).await;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    shop.add_image(made, "frente").await;
    let line = shop.scene.ok("GET", "/_simulator/catalog", Value::Null).await;
    assert_eq!((&line["reference"], &line["brand"]["name"]), (&json!("P1"), &json!("Maré")));
    assert_eq!(
        (&line["skus"][0]["id"], &line["skus"][0]["images"][0]["name"]),
        (&json!(made), &json!("frente"))
    );
    assert_eq!(line["skus"][0]["unmet"], json!(["index", "price", "stock"]));
    assert_eq!(shop.scene.refused("POST", "/_simulator/advance", json!(360_000)).await.0, 204);
    let line = shop.scene.ok("GET", "/_simulator/catalog", Value::Null).await;
    assert_eq!(line["skus"][0]["unmet"], json!(["price", "stock"]));
    assert_eq!(shop.scene.ok("GET", "/_simulator/duplicates", Value::Null).await["images"], 0);
}
