//! Inventory, as the Logistics API documents it.

use serde_json::{Value, json};

use super::answer::Answer;
use super::world::{Stock, World, lock};

/// Unlimited stock is shown as this quantity.
const UNLIMITED: i64 = 1_000_000;

/// `PATCH …/quantity`: quantity and unlimitedQuantity are required, lead time is left alone.
pub(super) fn patch_quantity(world: &World, sku: u32, warehouse: &str, body: &Value) -> Answer {
    let (Some(quantity), Some(unlimited)) = (body["quantity"].as_i64(), body["unlimitedQuantity"].as_bool())
    else {
        return Answer::bad("quantity and unlimitedQuantity are required");
    };
    if !(0..=i64::from(i32::MAX)).contains(&quantity) {
        return Answer::bad("quantity is out of range");
    }
    write(world, sku, warehouse, body, |stock| {
        stock.quantity = quantity;
        stock.unlimited = unlimited;
    });
    Answer::empty(204)
}

/// `PUT`: what is left out becomes zero. A badly built body empties the stock with a 200.
pub(super) fn put(world: &World, sku: u32, warehouse: &str, body: &Value) -> Answer {
    write(world, sku, warehouse, body, |stock| {
        stock.quantity = body["quantity"].as_i64().unwrap_or(0);
        stock.unlimited = body["unlimitedQuantity"].as_bool().unwrap_or(false);
        stock.lead_time = body["leadTime"].as_str().unwrap_or("00:00:00").to_owned();
    });
    Answer::json(200, &Value::Bool(true))
}

pub(super) fn patch_lead_time(world: &World, sku: u32, warehouse: &str, body: &Value) -> Answer {
    let Some(lead_time) = body["leadTime"].as_str() else { return Answer::bad("leadTime is required") };
    world.shard(sku).stock.entry((sku, warehouse.to_owned())).or_default().lead_time = lead_time.to_owned();
    Answer::empty(204)
}

fn write(world: &World, sku: u32, warehouse: &str, body: &Value, change: impl FnOnce(&mut Stock)) {
    let balance_at = body["dateUtcOnBalanceSystem"].as_str().unwrap_or("").to_owned();
    let backwards = {
        let mut shard = world.shard(sku);
        let stock = shard.stock.entry((sku, warehouse.to_owned())).or_default();
        change(stock);
        // An acknowledged reservation is released by the next write.
        stock.acknowledged = 0;
        let earlier = moment(&balance_at) < moment(&stock.balance_at);
        stock.balance_at = balance_at;
        earlier
    };
    if backwards {
        lock(&world.counters).backwards += 1;
    }
}

fn moment(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

/// `GET …/inventory/skus/{sku}`: every warehouse that has a balance.
pub(super) fn balances(world: &World, sku: u32) -> Answer {
    let shard = world.shard(sku);
    let balance: Vec<Value> = world
        .options
        .warehouses
        .iter()
        .filter_map(|warehouse| {
            let stock = shard.stock.get(&(sku, warehouse.clone()))?;
            Some(json!({
                "warehouseId": warehouse,
                "warehouseName": warehouse,
                "totalQuantity": if stock.unlimited { UNLIMITED } else { stock.quantity },
                "reservedQuantity": stock.reserved + stock.acknowledged,
                "hasUnlimitedQuantity": stock.unlimited,
                "timeToRefill": null,
                "dateOfSupplyUtc": null,
                "leadTime": if stock.lead_time.is_empty() { "00:00:00" } else { &stock.lead_time },
            }))
        })
        .collect();
    Answer::json(200, &json!({ "skuId": sku.to_string(), "balance": balance }))
}

/// `GET …/items/{sku}/warehouses/{warehouse}`
pub(super) fn item(world: &World, sku: u32, warehouse: &str) -> Answer {
    let shard = world.shard(sku);
    let stock = shard.stock.get(&(sku, warehouse.to_owned())).cloned().unwrap_or_default();
    let reserved = stock.reserved + stock.acknowledged;
    Answer::json(
        200,
        &json!([{
            "skuId": sku.to_string(), "warehouseId": warehouse, "dockId": "1", "totalQuantity": stock.quantity,
            "reservedQuantity": reserved, "availableQuantity": stock.quantity - reserved,
            "isUnlimited": stock.unlimited, "salesChannel": ["1"], "deliveryChannel": ["delivery"],
            "dateOfSupplyUtc": "", "keepSellingAfterExpiration": false, "transfer": "",
        }]),
    )
}

pub(super) fn warehouses(world: &World) -> Answer {
    let list: Vec<Value> = world.options.warehouses.iter().map(|id| warehouse_json(id)).collect();
    Answer::json(200, &Value::Array(list))
}

pub(super) fn warehouse(world: &World, id: &str) -> Answer {
    if world.options.warehouses.iter().any(|known| known == id) {
        Answer::json(200, &warehouse_json(id))
    } else {
        Answer::empty(404)
    }
}

fn warehouse_json(id: &str) -> Value {
    json!({
        "id": id, "name": id, "warehouseDocks": [{ "dockId": "1", "time": "00:00:00", "cost": 0.0 }],
        "pickupPointIds": [], "priority": 0, "isActive": true,
    })
}
