//! Kits and complements.

use mare::simulator::Unmet;
use serde_json::{Value, json};

use super::{SKU, Shop, id, sku};

const KIT: &str = "/api/catalog/pvt/stockkeepingunitkit";
const COMPLEMENT: &str = "/api/catalog/pvt/skucomplement";

fn component(kit: u32, sku: u32, quantity: u32) -> Value {
    json!({"StockKeepingUnitParent": kit, "StockKeepingUnitId": sku, "Quantity": quantity, "UnitPrice": 9.5})
}

#[tokio::test]
async fn a_kit_becomes_active_with_its_components_and_stays_a_kit() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let world = scene.handle.world();
    let product = shop.new_product("P1").await;
    let mut body = sku(product, "KIT");
    body["IsKit"] = true.into();
    let kit = id(&scene.ok("POST", SKU, body.clone()).await);
    let part = shop.new_sku(shop.new_product("P2").await, "PART").await;
    shop.add_image(kit, "kit").await;
    assert_eq!(shop.unmet(kit), [Unmet::KitComponent, Unmet::Index]);
    for wrong in [component(part, kit, 1), component(kit, kit, 1), component(kit, part, 0)] {
        assert_eq!(scene.refused("POST", KIT, wrong.clone()).await.0, 400, "{wrong}");
    }
    let added = scene.ok("POST", KIT, component(kit, part, 2)).await;
    assert!(!shop.is_active(kit), "its component is not active");
    body["IsActive"] = true.into();
    let (status, answer) = scene.refused("PUT", &format!("{SKU}/{kit}"), body.clone()).await;
    assert_eq!(status, 400, "{answer}");
    shop.add_image(part, "parte").await;
    assert!(shop.is_active(part) && shop.is_active(kit));
    body["IsKit"] = false.into();
    assert_eq!(scene.ok("PUT", &format!("{SKU}/{kit}"), body).await["IsKit"], true);
    // Sold by its components: their stock, twice.
    let stock = format!("/api/logistics/pvt/inventory/skus/{part}/warehouses/1_1/quantity");
    for (quantity, sellable) in [(1, false), (2, true)] {
        let body = json!({"quantity": quantity, "unlimitedQuantity": false});
        assert_eq!(scene.refused("PATCH", &stock, body).await.0, 204);
        assert_eq!(world.sellable(kit, "1"), sellable, "{quantity}: {:?}", world.unmet(kit, "1"));
    }
    let one = scene.ok("GET", &format!("{KIT}?parentSkuId={kit}"), Value::Null).await;
    assert_eq!(one["Id"], added["Id"]);
    scene.ok("DELETE", &format!("{KIT}/{}", added["Id"]), Value::Null).await;
    assert_eq!(scene.refused("GET", &format!("{KIT}?parentSkuId={kit}"), Value::Null).await.0, 404);
    assert!(world.catalog_sku(kit).unwrap().components.is_empty());
}

#[tokio::test]
async fn complements_are_read_by_parent_and_type() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let (one, other) = (shop.new_sku(product, "S1").await, shop.new_sku(product, "S2").await);
    let body = |kind: u32| json!({"ParentSkuId": one, "SkuId": other, "ComplementTypeId": kind});
    assert_eq!(scene.refused("POST", COMPLEMENT, body(4)).await.0, 400);
    let made = scene.ok("POST", COMPLEMENT, body(2)).await;
    let of_type = |kind: u32| format!("{SKU}/{one}/complement/{kind}");
    assert_eq!(scene.ok("GET", &of_type(2), Value::Null).await, made);
    assert_eq!(scene.ok("GET", &of_type(1), Value::Null).await, json!([]));
    assert_eq!(scene.handle.world().catalog_sku(one).unwrap().complements, [(2, other)]);
    scene.ok("DELETE", &format!("{COMPLEMENT}/{}", made[0]["Id"]), Value::Null).await;
    assert_eq!(scene.ok("GET", &format!("{SKU}/{one}/complement"), Value::Null).await, json!([]));
}
