//! Every catalog route once as a correct client calls it, held against VTEX's OpenAPI file.

use mare::simulator::Options;
use serde_json::{Value, json};

use super::{BRAND, CATEGORY, PRODUCT, SKU, SYSTEM, Shop, category, id, image, sku};
use crate::openapi::OpenApi;

/// Look-ups that are recorded with the other APIs.
const RECORDED_ELSEWHERE: usize = 4;

/// Gives what was recorded.
async fn record_every_catalog_operation() -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let shop = Shop::with(Options { record: Some(file.path().to_owned()), ..Options::default() }).await;
    let product = products(&shop).await;
    skus(&shop, product).await;
    specifications(&shop, product).await;
    kits(&shop, product).await;
    let routes = shop.scene.handle.world().counters().requests;
    let catalog = routes.keys().filter(|route| route.contains("/api/catalog")).count();
    assert_eq!(catalog, crate::CATALOG_ROUTES - RECORDED_ELSEWHERE, "{:#?}", routes.keys());
    shop.scene.handle.shutdown().await.unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn products(shop: &Shop) -> u32 {
    let ok = async |method: &str, path: &str, body: Value| shop.scene.ok(method, path, body).await;
    let read = async |path: String| shop.scene.ok("GET", &path, Value::Null).await;
    let brand = json!({
        "Id": 7, "Name": "Onda", "Text": "De São Paulo", "Keywords": "onda", "SiteTitle": "Onda", "Score": null,
        "MenuHome": true, "Active": true, "LinkId": "onda",
    });
    ok("POST", BRAND, brand.clone()).await;
    ok("PUT", &format!("{BRAND}/7"), brand).await;
    read(format!("{BRAND}/7")).await;
    read(format!("{SYSTEM}/brand/7")).await;
    read(format!("{SYSTEM}/brand/list")).await;
    read(format!("{SYSTEM}/brand/pagedlist?pageSize=1&page=2")).await;
    let own = category("Praia", Some(shop.category));
    let third = id(&ok("POST", CATEGORY, own.clone()).await);
    ok("PUT", &format!("{CATEGORY}/{third}"), own).await;
    read(format!("{CATEGORY}/{third}?includeTreePath=true")).await;
    read("/api/catalog_system/pub/category/tree/4".to_owned()).await;
    let named = json!({"Name": "Por nomes", "CategoryPath": "Roupas/Calções/Praia", "BrandName": "Onda", "RefId": "N1"});
    ok("POST", PRODUCT, named).await;
    let product = id(&ok("POST", PRODUCT, shop.product("P1")).await);
    ok("PUT", &format!("{PRODUCT}/{product}"), shop.product("P1")).await;
    read(format!("{PRODUCT}/{product}")).await;
    read(format!("{SYSTEM}/products/productgetbyrefid/P1")).await;
    read(format!("{SYSTEM}/products/productgetbyrefid/nowhere")).await;
    read(format!("{SYSTEM}/products/productget/{product}")).await;
    read(format!("{SYSTEM}/products/GetProductAndSkuIds?_from=1&_to=9")).await;
    read(format!("{SYSTEM}/products/GetIndexedInfo/{product}")).await;
    let policies = format!("{PRODUCT}/{product}/salespolicy");
    ok("POST", &format!("{policies}/1"), Value::Null).await;
    read(policies.clone()).await;
    ok("DELETE", &format!("{policies}/1"), Value::Null).await;
    product
}

async fn skus(shop: &Shop, product: u32) {
    let ok = async |method: &str, path: &str, body: Value| shop.scene.ok(method, path, body).await;
    let made = id(&ok("POST", SKU, sku(product, "4711")).await);
    let other = id(&ok("POST", SKU, sku(product, "4712")).await);
    let path = format!("{SKU}/{made}");
    let first = id(&ok("POST", &format!("{path}/file"), image("frente")).await[0]);
    ok("PUT", &format!("{path}/file/{first}"), image("frente")).await;
    ok("PUT", &format!("{path}/file/reorder"), json!([{"Id": first, "Position": 0}])).await;
    ok("GET", &format!("{path}/file"), Value::Null).await;
    ok("PUT", &format!("{SKU}/copy/{made}/{other}/file"), Value::Null).await;
    for ean in ["7891234567895", "7891234567888"] {
        ok("POST", &format!("{path}/ean/{ean}"), Value::Null).await;
    }
    ok("GET", &format!("{path}/ean"), Value::Null).await;
    let mut active = sku(product, "4711");
    active["IsActive"] = true.into();
    ok("PUT", &path, active).await;
    ok("GET", &path, Value::Null).await;
    ok("GET", &format!("{SKU}?RefId=4711"), Value::Null).await;
    for look_up in [
        format!("stockkeepingunitbyid/{made}"),
        "stockkeepingunitbyean/7891234567895".to_owned(),
        "stockkeepingunitbyalternateId/4711".to_owned(),
        format!("stockkeepingunitByProductId/{product}"),
        "stockkeepingunitidsbysaleschannel?sc=1&page=1&pageSize=9".to_owned(),
    ] {
        ok("GET", &format!("{SYSTEM}/sku/{look_up}"), Value::Null).await;
    }
    ok("DELETE", &format!("{path}/ean/7891234567895"), Value::Null).await;
    ok("DELETE", &format!("{path}/ean"), Value::Null).await;
    ok("DELETE", &format!("{path}/file/{first}"), Value::Null).await;
    let copied = id(&ok("GET", &format!("{SKU}/{other}/file"), Value::Null).await[0]);
    ok("DELETE", &format!("{SKU}/disassociate/{other}/file/{copied}"), Value::Null).await;
    ok("DELETE", &format!("{path}/file"), Value::Null).await;
}

async fn specifications(shop: &Shop, product: u32) {
    let ok = async |method: &str, path: &str, body: Value| shop.scene.ok(method, path, body).await;
    let (group, field, value) = (
        "/api/catalog/pvt/specificationgroup",
        "/api/catalog/pvt/specification",
        "/api/catalog/pvt/specificationvalue",
    );
    let public = "/api/catalog_system/pub/specification";
    let made = id(&ok("POST", group, json!({"CategoryId": shop.category, "Name": "Geral"})).await);
    let whole = json!({"CategoryId": shop.category, "Id": made, "Name": "Geral", "Position": 1});
    ok("PUT", &format!("{group}/{made}"), whole).await;
    ok("GET", &format!("{public}/groupGet/{made}"), Value::Null).await;
    ok("GET", &format!("{SYSTEM}/specification/groupbycategory/{}", shop.category), Value::Null).await;
    let colour = json!({
        "FieldTypeId": 5, "CategoryId": shop.category, "FieldGroupId": made, "Name": "Cor", "Description": "Cor",
        "Position": 1, "IsFilter": true, "IsRequired": false, "IsOnProductDetails": false,
        "IsStockKeepingUnit": true, "IsWizard": false, "IsActive": true, "IsTopMenuLinkActive": false,
        "IsSideMenuLinkActive": false, "DefaultValue": "",
    });
    let of_skus = id(&ok("POST", field, colour.clone()).await);
    ok("PUT", &format!("{field}/{of_skus}"), colour).await;
    ok("GET", &format!("{field}/{of_skus}"), Value::Null).await;
    ok("GET", &format!("{public}/field/listByCategoryId/{}", shop.category), Value::Null).await;
    ok("GET", &format!("{public}/field/listTreeByCategoryId/{}", shop.category), Value::Null).await;
    let blue = json!({"FieldId": of_skus, "Name": "Azul", "IsActive": true, "Position": 1});
    let blue_id = ok("POST", value, blue.clone()).await["FieldValueId"].clone();
    ok("PUT", &format!("{value}/{blue_id}"), blue).await;
    ok("GET", &format!("{value}/{blue_id}"), Value::Null).await;
    ok("GET", &format!("{public}/fieldvalue/{of_skus}"), Value::Null).await;
    let text = json!({"FieldTypeId": 1, "FieldGroupId": made, "Name": "Material", "IsStockKeepingUnit": false, "IsActive": true});
    let text = id(&ok("POST", field, text).await);

    let of_product = format!("{PRODUCT}/{product}/specification");
    ok("POST", &of_product, json!({"FieldId": text, "Text": "Algodão"})).await;
    let named = |field: &str| json!({"FieldName": field, "GroupName": "Livre", "RootLevelSpecification": true, "FieldValues": ["Sim"]});
    let given = ok("PUT", &format!("{of_product}value"), named("Uso")).await;
    ok("GET", &of_product, Value::Null).await;
    ok("DELETE", &format!("{of_product}/{}", given[0]["FieldId"]), Value::Null).await;
    ok("DELETE", &of_product, Value::Null).await;

    let made = id(&ok("POST", SKU, sku(product, "4713")).await);
    let of_sku = format!("{SKU}/{made}/specification");
    let given = ok("POST", &of_sku, json!({"FieldId": of_skus, "FieldValueId": blue_id})).await;
    let same = json!({"Id": given["Id"], "SkuId": made, "FieldId": of_skus, "FieldValueId": blue_id, "Text": "Azul"});
    ok("PUT", &of_sku, same).await;
    ok("PUT", &format!("{of_sku}value"), named("Tamanho")).await;
    ok("GET", &of_sku, Value::Null).await;
    ok("DELETE", &format!("{of_sku}/{of_skus}"), Value::Null).await;
    ok("DELETE", &of_sku, Value::Null).await;
}

async fn kits(shop: &Shop, product: u32) {
    let ok = async |method: &str, path: &str, body: Value| shop.scene.ok(method, path, body).await;
    let (kit, complement) = ("/api/catalog/pvt/stockkeepingunitkit", "/api/catalog/pvt/skucomplement");
    let mut body = sku(product, "KIT");
    body["IsKit"] = true.into();
    let parent = id(&ok("POST", SKU, body).await);
    let part = id(&ok("POST", SKU, sku(product, "PART")).await);
    let component =
        json!({"StockKeepingUnitParent": parent, "StockKeepingUnitId": part, "Quantity": 2, "UnitPrice": 10});
    let made = id(&ok("POST", kit, component.clone()).await);
    ok("GET", &format!("{kit}/{made}"), Value::Null).await;
    ok("GET", &format!("{kit}?parentSkuId={parent}"), Value::Null).await;
    ok("POST", kit, component.clone()).await;
    ok("GET", &format!("{kit}?parentSkuId={parent}"), Value::Null).await;
    ok("DELETE", &format!("{kit}/{made}"), Value::Null).await;
    ok("DELETE", &format!("{kit}?parentSkuId={parent}"), Value::Null).await;
    let body = json!({"ParentSkuId": parent, "SkuId": part, "ComplementTypeId": 1});
    let made = id(&ok("POST", complement, body).await[0]);
    ok("GET", &format!("{complement}/{made}"), Value::Null).await;
    ok("GET", &format!("{SKU}/{parent}/complement"), Value::Null).await;
    ok("GET", &format!("{SKU}/{parent}/complement/1"), Value::Null).await;
    ok("DELETE", &format!("{complement}/{made}"), Value::Null).await;
}

#[tokio::test]
async fn every_catalog_exchange_is_one_that_vtexs_openapi_file_describes() {
    // Also without the files: every route answers a correct call.
    let exchanges = record_every_catalog_operation().await;
    let Some(files) = OpenApi::from_environment() else { return };
    let findings: Vec<String> = exchanges.iter().flat_map(|exchange| files.findings(exchange)).collect();
    assert!(findings.is_empty(), "{findings:#?}");
    // What the check is worth: a field that the file does not know is found.
    let mut broken = exchanges.iter().find(|exchange| exchange["path"] == PRODUCT).unwrap().clone();
    broken["response_body"]["Invented"] = true.into();
    assert_eq!(files.findings(&broken).len(), 1);
}
