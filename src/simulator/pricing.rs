//! Prices, as the Pricing API documents them.

use serde_json::{Value, json};

use super::answer::Answer;
use super::world::{Price, World, lock};

/// The most fixed prices of one SKU.
const FIXED_MAX: usize = 100;

pub(super) fn get(world: &World, sku: u32) -> Answer {
    let shard = world.shard(sku);
    let Some(price) = shard.prices.get(&sku) else {
        return Answer::json(404, &json!({ "message": "Price not found" }));
    };
    let markup = match (price.base, price.cost) {
        (Some(base), Some(cost)) if cost > 0.0 => ((base / cost - 1.0) * 100.0).round(),
        _ => 0.0,
    };
    Answer::json(
        200,
        &json!({
            "itemId": sku.to_string(), "listPrice": price.list, "costPrice": price.cost, "markup": markup,
            "basePrice": price.base, "fixedPrices": price.fixed,
        }),
    )
}

/// Replaces everything, every fixed price too.
pub(super) fn put(world: &World, sku: u32, body: &Value) -> Answer {
    let amount = |name: &str| body[name].as_f64();
    let (base, cost, markup) = (amount("basePrice"), amount("costPrice"), amount("markup"));
    if base.is_some() && cost.is_some() && markup.is_some() {
        return Answer::bad("exactly two of basePrice, costPrice and markup");
    }
    let base = base.or_else(|| Some(cost? * (1.0 + markup? / 100.0)));
    let Some(base) = base else { return Answer::bad("basePrice is missing") };
    let fixed = body["fixedPrices"].as_array().cloned().unwrap_or_default();
    if let Err(answer) = check_fixed(&fixed, true) {
        return answer;
    }
    if fixed.len() > FIXED_MAX {
        return Answer::bad("too many fixed prices");
    }
    let price = Price {
        base: Some(base),
        list: amount("listPrice"),
        cost: cost.or(Some(base)),
        fixed: fixed.into_iter().map(normal).collect(),
    };
    world.shard(sku).prices.insert(sku, price);
    Answer::empty(200)
}

pub(super) fn delete(world: &World, sku: u32) -> Answer {
    world.shard(sku).prices.remove(&sku);
    Answer::empty(200)
}

pub(super) fn get_fixed(world: &World, sku: u32, table: Option<&str>) -> Answer {
    let shard = world.shard(sku);
    let fixed = shard.prices.get(&sku).map(|price| price.fixed.clone()).unwrap_or_default();
    let chosen = |price: &Value| table.is_none_or(|table| price["tradePolicyId"] == table);
    Answer::json(200, &Value::Array(fixed.into_iter().filter(chosen).collect()))
}

/// Adds or changes by trade policy, minimum quantity and date range; deletes nothing.
pub(super) fn patch_fixed(world: &World, sku: u32, table: Option<&str>, body: &Value) -> Answer {
    let Some(list) = body.as_array() else { return Answer::bad("an array is expected") };
    if let Err(answer) = check_fixed(list, table.is_none()) {
        return answer;
    }
    let mut shard = world.shard(sku);
    let price = shard.prices.entry(sku).or_default();
    for given in list {
        let mut given = normal(given.clone());
        if let Some(table) = table {
            given["tradePolicyId"] = json!(table);
        }
        let same = |known: &&mut Value| {
            known["tradePolicyId"] == given["tradePolicyId"]
                && known["minQuantity"] == given["minQuantity"]
                && known.get("dateRange") == given.get("dateRange")
        };
        match price.fixed.iter_mut().find(same) {
            Some(known) => *known = given,
            None => price.fixed.push(given),
        }
    }
    Answer::empty(200)
}

pub(super) fn delete_fixed(world: &World, sku: u32, table: &str) -> Answer {
    if let Some(price) = world.shard(sku).prices.get_mut(&sku) {
        price.fixed.retain(|fixed| fixed["tradePolicyId"] != table);
    }
    Answer::empty(200)
}

/// As VTEX shows it: a list price that was not given is null.
fn normal(mut fixed: Value) -> Value {
    if fixed.get("listPrice").is_none() {
        fixed["listPrice"] = Value::Null;
    }
    fixed
}

fn check_fixed(fixed: &[Value], with_policy: bool) -> Result<(), Answer> {
    for price in fixed {
        if with_policy && !price["tradePolicyId"].is_string() {
            return Err(Answer::bad("tradePolicyId is required"));
        }
        if price["value"].as_f64().is_none() || price["minQuantity"].as_i64().is_none() {
            return Err(Answer::bad("value and minQuantity are required"));
        }
        if let Some(range) = price.get("dateRange") {
            let moment =
                |name: &str| range[name].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            match (moment("from"), moment("to")) {
                (Some(from), Some(to)) if from < to => {}
                _ => return Err(Answer::bad("dateRange needs from before to, with a zone")),
            }
        }
    }
    Ok(())
}

pub(super) fn config() -> Answer {
    Answer::json(
        200,
        &json!({
            "hasMigrated": true, "migrationStatus": "finished", "defaultMarkup": 0,
            "priceVariation": { "upperLimit": null, "lowerLimit": null }, "minimumMarkups": {},
            "tradePolicyConfigs": [], "sellersToOverride": null, "hasOptionalBasePrice": false,
            "blockAccount": false, "blockedRoutes": null, "priceTableSelectionStrategy": "first",
            "priceTableLimit": null,
        }),
    )
}

pub(super) fn tables(world: &World) -> Answer {
    Answer::json(200, &json!(*lock(&world.price_tables)))
}

pub(super) fn put_table(world: &World, table: &str) -> Answer {
    let mut tables = lock(&world.price_tables);
    if !tables.iter().any(|known| known == table) {
        tables.push(table.to_owned());
    }
    Answer::empty(200)
}

/// What the shop would show now: base and list only, without rules.
pub(super) fn computed(world: &World, sku: u32, table: &str) -> Answer {
    let shard = world.shard(sku);
    let Some(price) = shard.prices.get(&sku) else { return Answer::empty(404) };
    let fixed = price.fixed.iter().find(|fixed| fixed["tradePolicyId"] == table);
    let selling = fixed.and_then(|fixed| fixed["value"].as_f64()).or(price.base).unwrap_or(0.0);
    Answer::json(
        200,
        &json!({
            "tradePolicyId": table, "listPrice": price.list, "costPrice": price.cost, "sellingPrice": selling,
            "priceValidUntil": "2099-12-31T00:00:00Z",
        }),
    )
}
