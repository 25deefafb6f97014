//! Reading reservations (Logistics API).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::reply::Reply;
use super::super::world::{ReservationView, World};
use super::logistics::{DOCK, stock_key};
use super::{Call, known_sku, sku_id};

/// With more than so many, VTEX refuses to count them.
const ACTIVE_MAX: usize = 2_000;
/// What VTEX prints for a date that did not happen.
const NEVER: &str = "0001-01-01T00:00:00+00:00";
/// A reservation that is not confirmed ends after so long.
const CONFIRMATION_DAYS: i64 = 11;

pub(super) fn one(call: Call<'_>) -> Result<Reply, Reply> {
    let found = call.world.stock.reservation(&call.target.first);
    let found = found.ok_or_else(|| Reply::error(404, "Reservation not found"))?;
    Ok(Reply::json(&body(call.world, &found)))
}

/// VTEX documents no content; here a list of what the look-up by id gives.
pub(super) fn of_stock(call: Call<'_>) -> Result<Reply, Reply> {
    let Call { world, target, .. } = call;
    let sku = sku_id(&target.second).filter(|sku| world.skus.exists(*sku));
    let sku = sku.ok_or_else(|| Reply::error(world.options.quirks.unknown_sku_status, "SKU not found"))?;
    let status = world.options.quirks.unknown_warehouse_status;
    let warehouse = world.warehouses.index(&target.first);
    let warehouse = warehouse.ok_or_else(|| Reply::error(status, "Warehouse not found"))?;
    let all = world.stock.reservations_of(sku, warehouse);
    Ok(Reply::json(&all.iter().map(|one| body(world, one)).collect::<Vec<_>>()))
}

pub(super) fn dispatched(call: Call<'_>) -> Result<Reply, Reply> {
    known_sku(call)?;
    let (sku, warehouse) = stock_key(call)?;
    if call.world.stock.reservations_of(sku, warehouse).len() > ACTIVE_MAX {
        return Err(Reply::error(400, "Too many active reservations"));
    }
    let stock = call.world.stock.get(sku, warehouse);
    Ok(Reply::json(&[json!({
        "skuId": call.target.first,
        "warehouseId": call.target.second,
        "quantity": stock.as_ref().map_or(0, |stock| stock.quantity),
        "isUnlimitedQuantity": stock.as_ref().is_some_and(|stock| stock.unlimited),
        "totalReservedQuantity": stock.as_ref().map_or(0, |stock| stock.reserved),
        "dispatchedReservationsQuantity": stock.as_ref().map_or(0, |stock| stock.acknowledged),
        "availableQuantity": stock.as_ref().map_or(0, |stock| stock.available),
    })]))
}

fn body(world: &World, one: &ReservationView) -> Value {
    let warehouse = world.warehouses.get(one.warehouse).map_or_else(String::new, |warehouse| warehouse.id);
    let date = |at: Timestamp| format!("{at:.7}").replace('Z', "+00:00");
    let last = one.placed + jiff::SignedDuration::from_hours(24 * CONFIRMATION_DAYS);
    let item = json!({
        "id": one.sku.to_string(),
        "groupItemId": null,
        "quantity": one.quantity,
        "price": 0,
        "modal": null,
        "additionalHandlingTime": "00:00:00",
        "dimension": {"weight": 1, "height": 1, "width": 1, "length": 1, "maxSumDimension": 3},
        "kitItem": [],
        "unlimitedQuantity": false,
        "dockId": DOCK,
        "wareHouseId": warehouse,
        "provider": null,
    });
    json!({
        "LastUpdateDateUtc": date(one.confirmed.unwrap_or(one.placed)),
        "SalesChannel": "1",
        "LockId": one.lock,
        "ReservationDateUtc": date(one.placed),
        "MaximumConfirmationDateUtc": date(last),
        "Status": one.status,
        "SlaRequest": [{
            "item": item,
            "slaType": "delivery",
            "slaTypeName": "Normal",
            "wareHouseId": warehouse,
            "dockId": DOCK,
        }],
        "CanceledDateUtc": NEVER,
        "AuthorizedDateUtc": date(one.placed),
        "ConfirmedDateUtc": one.confirmed.map_or_else(|| NEVER.to_owned(), date),
        "Errors": [],
        "IsSucess": true,
    })
}
