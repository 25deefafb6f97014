//! The items of an order as VTEX shows them.

use serde_json::{Value, json};

use super::super::super::options::Numbers;
use super::super::super::world::{Item, Order, lock_id};
use super::super::Call;
use super::number;

pub(super) fn part(call: Call<'_>, order: &Order) -> Value {
    let items = order.items.iter().map(|item| shown(call, order, item));
    let metadata = order.items.iter().map(|item| {
        json!({
            "Id": item.sku.to_string(),
            "Seller": "1",
            "Name": item.name,
            "SkuName": item.sku_name,
            "ProductId": item.product.to_string(),
            "RefId": item.reference,
            "Ean": item.ean.as_deref().unwrap_or_default(),
            "ImageUrl": item.image,
            "DetailUrl": item.page,
            "AssemblyOptions": [],
        })
    });
    let promotions: Vec<Value> = order
        .items
        .iter()
        .filter(|item| item.discount > 0)
        .take(1)
        .map(|_| {
            json!({
                "description": null,
                "featured": false,
                "id": PROMOTION,
                "name": "Maré de ofertas",
                "matchedParameters": {},
                "additionalInfo": null,
            })
        })
        .collect();
    json!({
        "items": items.collect::<Vec<_>>(),
        "itemMetadata": {"Items": metadata.collect::<Vec<_>>()},
        "marketplaceItems": [],
        "ratesAndBenefitsData": {"id": "ratesAndBenefitsData", "rateAndBenefitsIdentifiers": promotions},
    })
}

const PROMOTION: &str = "2f1c9f4e-0000-4000-8000-000000000001";

fn shown(call: Call<'_>, order: &Order, item: &Item) -> Value {
    let world = call.world;
    let unit = item.total() / item.quantity.max(1);
    let [height, length, width] = item.packaged;
    let mut shown = json!({
        "uniqueId": item.unique_id,
        "id": item.sku.to_string(),
        "productId": item.product.to_string(),
        "ean": item.ean,
        "lockId": lock_id(&order.group),
        "itemAttachment": {"content": {}, "name": null},
        "attachments": [],
        "quantity": item.quantity,
        "seller": "1",
        "name": item.name,
        "refId": reference(item),
        "price": item.price,
        "listPrice": item.list_price,
        "manualPrice": null,
        "priceTags": price_tags(item),
        "imageUrl": item.image,
        "detailUrl": item.page,
        "components": components(item),
        "bundleItems": [],
        "params": [],
        "offerings": [],
        "attachmentOfferings": [],
        "sellerSku": item.sku.to_string(),
        "priceValidUntil": null,
    });
    let more = json!({
        "commission": 0,
        "tax": 0,
        "preSaleDate": null,
        "additionalInfo": {
            "brandName": item.brand.1,
            "brandId": item.brand.0.to_string(),
            "categoriesIds": format!("/{}/", item.category.0),
            "categories": [{"id": item.category.0, "name": item.category.1}],
            "productClusterId": "",
            "commercialConditionId": "1",
            "dimension": {
                "cubicweight": number(world, 0.0),
                "height": number(world, height),
                "length": number(world, length),
                "weight": number(world, item.grams),
                "width": number(world, width),
            },
            "offeringInfo": null,
            "offeringType": null,
            "offeringTypeId": null,
        },
        "measurementUnit": item.unit,
        "unitMultiplier": number(world, item.unit_multiplier),
        "sellingPrice": unit,
        "isGift": item.gift,
        "shippingPrice": null,
        "rewardValue": 0,
        "freightCommission": 0,
        "taxCode": null,
        "parentItemIndex": null,
        "parentAssemblyBinding": null,
        "callCenterOperator": null,
        "assemblies": [],
        "costPrice": item.cost_price,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        shown[name] = value.clone();
    }
    // The file's example spells it otherwise than its schema.
    match world.options.quirks.numbers {
        Numbers::Strict => shown["priceDefinitions"] = definition(item, unit),
        Numbers::Realistic => {
            shown["priceDefinition"] = definition(item, unit);
            shown["priceDefinition"]["reason"] = Value::Null;
        }
    }
    shown
}

/// Null for a SKU without a RefId.
fn reference(item: &Item) -> Value {
    if item.reference.is_empty() { Value::Null } else { item.reference.clone().into() }
}

/// The prices at which the pieces are sold: two of them where the discount does not divide evenly.
fn definition(item: &Item, unit: i64) -> Value {
    let dearer = item.total() - unit * item.quantity;
    let mut prices = vec![json!({"value": unit, "quantity": item.quantity - dearer})];
    if dearer > 0 {
        prices.insert(0, json!({"value": unit + 1, "quantity": dearer}));
    }
    json!({"sellingPrices": prices, "calculatedSellingPrice": unit, "total": item.total()})
}

fn price_tags(item: &Item) -> Value {
    if item.discount == 0 {
        return json!([]);
    }
    #[expect(clippy::cast_precision_loss, reason = "a discount is far below 2^53 centavos")]
    let raw = -(item.discount as f64) / 100.0;
    json!([{
        "name": format!("discount@price-{PROMOTION}#{}", item.unique_id.to_lowercase()),
        "value": -item.discount,
        "isPercentual": false,
        "identifier": PROMOTION,
        "rawValue": raw,
        "rate": null,
        "jurisCode": null,
        "jurisType": null,
        "jurisName": null,
    }])
}

/// What a kit consists of; price and quantity are those of one kit.
fn components(item: &Item) -> Value {
    let components = item.components.iter().map(|component| {
        json!({
            "uniqueId": format!("{}-{}", item.unique_id, component.sku),
            "id": component.sku.to_string(),
            "refId": component.reference,
            "quantity": component.quantity,
            "price": component.price,
            "sellingPrice": component.price,
            "priceTags": [],
        })
    });
    components.collect()
}

/// The two answers differ in a few names and types.
pub(super) fn as_in_groups(document: &mut Value) {
    let Some(items) = document["items"].as_array_mut() else { return };
    for item in items {
        let Some(item) = item.as_object_mut() else { continue };
        item.remove("itemAttachment");
        if let Some(mut definition) = item.remove("priceDefinitions") {
            definition["reason"] = Value::Null;
            item.insert("priceDefinition".to_owned(), definition);
        }
    }
}
