//! Specification groups, fields, values, and who has them.

use serde_json::{Value, json};

use super::{PRODUCT, SKU, Shop, colour, field, id};

const GROUP: &str = "/api/catalog/pvt/specificationgroup";
const FIELD: &str = "/api/catalog/pvt/specification";
const VALUE: &str = "/api/catalog/pvt/specificationvalue";

async fn new_field(shop: &Shop, group: u32, name: &str, kind: u32, of_skus: bool) -> u32 {
    id(&shop.scene.ok("POST", FIELD, field(group, name, kind, of_skus)).await)
}

#[tokio::test]
async fn a_sku_field_is_a_combo_or_radio_and_its_kind_does_not_change() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let group = id(&scene.ok("POST", GROUP, json!({"CategoryId": shop.category, "Name": "Variações"})).await);
    let text = field(group, "Cor", 1, true);
    let refused = json!({"Message": "Sku Field can be only of the Radio or Combo type"});
    assert_eq!(scene.refused("POST", FIELD, text).await, (400, refused));
    let combo = new_field(&shop, group, "Cor", 5, true).await;
    let put = field(group + 9, "Cores", 1, false);
    let shown = scene.ok("PUT", &format!("{FIELD}/{combo}"), put).await;
    assert_eq!(
        (&shown["FieldTypeId"], &shown["FieldGroupId"], &shown["Name"]),
        (&json!(5), &json!(group), &json!("Cores"))
    );
    assert_eq!(shown["IsStockKeepingUnit"], true);
    let list =
        |kind: &str, category: u32| format!("/api/catalog_system/pub/specification/field/{kind}/{category}");
    let own = scene.ok("GET", &list("listByCategoryId", shop.category), Value::Null).await;
    assert_eq!(own[0]["FieldId"], combo);
    assert_eq!(scene.ok("GET", &list("listTreeByCategoryId", shop.department), Value::Null).await, json!([]));
    let groups = format!("/api/catalog_system/pvt/specification/groupbycategory/{}", shop.category);
    assert_eq!(scene.ok("GET", &groups, Value::Null).await[0]["Position"], 1);
}

#[tokio::test]
async fn values_are_given_by_id_for_lists_and_by_text_for_the_rest() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let path = format!("{PRODUCT}/{product}/specification");
    let group = id(&scene.ok("POST", GROUP, json!({"CategoryId": shop.category, "Name": "Geral"})).await);
    let text = new_field(&shop, group, "Material", 1, false).await;
    let list = new_field(&shop, group, "Uso", 7, false).await;
    let value = scene.ok("POST", VALUE, json!({"FieldId": list, "Name": "Praia", "IsActive": true})).await;
    let value = u32::try_from(value["FieldValueId"].as_u64().unwrap()).unwrap();
    assert_eq!(scene.refused("POST", VALUE, json!({"FieldId": text, "Name": "Algodão"})).await.0, 400);
    for wrong in [
        json!({"FieldId": text, "FieldValueId": value}),
        json!({"FieldId": list, "Text": "Praia"}),
        json!({"FieldId": list, "FieldValueId": value + 1}),
    ] {
        assert!([400, 404].contains(&scene.refused("POST", &path, wrong.clone()).await.0), "{wrong}");
    }
    let whole = json!({"Name": "Material", "Description": "", "IsRequired": true, "IsActive": true});
    scene.ok("PUT", &format!("{FIELD}/{text}"), whole).await;
    let made = shop.new_sku(product, "S1").await;
    shop.add_image(made, "frente").await;
    assert!(!shop.is_active(made));
    let cotton = scene.ok("POST", &path, json!({"FieldId": text, "Text": "Algodão"})).await;
    let beach = scene.ok("POST", &path, json!({"FieldId": list, "FieldValueId": value})).await;
    assert_eq!(beach["Text"], "Praia");
    assert!(shop.is_active(made), "the required field was what it waited for");
    // Twice the same is a duplicate.
    scene.ok("POST", &path, json!({"FieldId": list, "FieldValueId": value})).await;
    let world = scene.handle.world();
    assert_eq!(world.catalog_duplicates().specifications, 1);
    let views = world.product(product).unwrap().specifications;
    let views: Vec<_> = views.iter().map(|view| (view.field.as_str(), view.values.join("+"))).collect();
    assert_eq!(views, [("Material", "Algodão".to_owned()), ("Uso", "Praia+Praia".to_owned())]);
    // One of a list goes by its field, a text by its own id.
    let remove = |what: u64| format!("{path}/{what}");
    assert_eq!(scene.refused("DELETE", &remove(beach["Id"].as_u64().unwrap()), Value::Null).await.0, 404);
    scene.ok("DELETE", &remove(list.into()), Value::Null).await;
    scene.ok("DELETE", &remove(cotton["Id"].as_u64().unwrap()), Value::Null).await;
    assert_eq!(scene.ok("GET", &path, Value::Null).await, json!([]));
}

#[tokio::test]
async fn values_given_by_names_make_what_is_missing_and_replace_what_was_there() {
    let shop = Shop::open().await;
    let scene = &shop.scene;
    let product = shop.new_product("P1").await;
    let made = shop.new_sku(product, "S1").await;
    let (of_sku, of_product) =
        (format!("{SKU}/{made}/specificationvalue"), format!("{PRODUCT}/{product}/specificationvalue"));
    assert_eq!(
        scene.refused("PUT", &of_sku, colour(true, json!(["Azul", "Verde"]))).await.0,
        400,
        "one for a SKU"
    );
    let first = scene.ok("PUT", &of_sku, colour(true, json!(["Azul"]))).await;
    let second = scene.ok("PUT", &of_sku, colour(true, json!(["Verde"]))).await;
    assert_eq!((second.as_array().unwrap().len(), &second[0]["Text"]), (1, &json!("Verde")));
    assert_eq!(first[0]["FieldId"], second[0]["FieldId"]);
    scene.ok("PUT", &of_sku, colour(true, json!(["Azul"]))).await;
    scene.ok("PUT", &of_product, colour(true, json!(["Azul", "Verde"]))).await;
    let world = scene.handle.world();
    assert_eq!(world.catalog_duplicates(), Default::default(), "nothing is made twice");
    assert_eq!(world.product(product).unwrap().specifications[0].values, ["Azul", "Verde"]);
    let values = format!("/api/catalog_system/pub/specification/fieldvalue/{}", first[0]["FieldId"]);
    let values = scene.ok("GET", &values, Value::Null).await;
    let names: Vec<_> = values.as_array().unwrap().iter().map(|value| &value["Value"]).collect();
    assert_eq!(names, ["Azul", "Verde"]);
    // Another value of the same field, by its id.
    let given = scene.ok("GET", &format!("{SKU}/{made}/specification"), Value::Null).await;
    let change = json!({"Id": given[0]["Id"], "FieldId": given[0]["FieldId"], "FieldValueId": values[1]["FieldValueId"]});
    let changed = scene.ok("PUT", &format!("{SKU}/{made}/specification"), change).await;
    assert_eq!(changed[0]["Text"], "Verde");
}
