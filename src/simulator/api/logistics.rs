//! Inventory, its configuration and its reservations (Logistics API).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::counters::BackwardsWrite;
use super::super::options::Numbers;
use super::super::reply::Reply;
use super::super::route::Route;
use super::super::world::{ReservationStep, SkuId, StockWrite};
use super::{Call, known_sku, reservations};

/// The one dock that every warehouse has here.
pub(super) const DOCK: &str = "1";

/// Both PUT and PATCH; which fields may be missing is the difference between them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InventoryBody<'a> {
    quantity: Option<i32>,
    unlimited_quantity: Option<bool>,
    #[serde(borrow)]
    lead_time: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    date_utc_on_balance_system: Option<std::borrow::Cow<'a, str>>,
}

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::StockQuantity => patch_quantity(call),
        Route::StockPut => put(call),
        Route::StockLeadTime => patch_lead_time(call),
        Route::StockOfSku => of_sku(call),
        Route::StockOfWarehouse => of_warehouse(call),
        Route::Warehouses => Ok(warehouses(call)),
        Route::Warehouse => one_warehouse(call),
        Route::PickupPoints => Ok(pickup_points(call)),
        Route::Docks => Ok(docks(call)),
        Route::Reservation => reservations::one(call),
        Route::ReservationsOfStock => reservations::of_stock(call),
        Route::Dispatched => reservations::dispatched(call),
        Route::ReservationConfirm => step(call, ReservationStep::Confirm),
        Route::ReservationAcknowledge => step(call, ReservationStep::Acknowledge),
        Route::ReservationCancel => step(call, ReservationStep::Cancel),
        _ => Err(Reply::empty(404)),
    }
}

/// Quantity and unlimitedQuantity are required; the lead time stays.
fn patch_quantity(call: Call<'_>) -> Result<Reply, Reply> {
    let body = parse(call.body)?;
    let (Some(quantity), Some(unlimited)) = (body.quantity, body.unlimited_quantity) else {
        return Err(Reply::error(400, "quantity and unlimitedQuantity are required"));
    };
    write(call, quantity, unlimited, None, &body)?;
    Ok(Reply::empty(204))
}

/// What is missing becomes zero: an incomplete body empties the stock, and the answer is 200.
fn put(call: Call<'_>) -> Result<Reply, Reply> {
    let body = parse(call.body)?;
    let lead_time = body.lead_time.as_deref().unwrap_or("00:00:00");
    check_lead_time(lead_time)?;
    let (quantity, unlimited) = (body.quantity.unwrap_or(0), body.unlimited_quantity.unwrap_or(false));
    write(call, quantity, unlimited, Some(lead_time), &body)?;
    Ok(Reply::json(&true))
}

fn write(
    call: Call<'_>,
    quantity: i32,
    unlimited: bool,
    lead_time: Option<&str>,
    body: &InventoryBody<'_>,
) -> Result<(), Reply> {
    let (sku, warehouse) = stock_key(call)?;
    let world = call.world;
    let balance_at = body.date_utc_on_balance_system.as_deref().map(balance_instant).transpose()?;
    let late_acknowledged_stay = world.options.quirks.late_acknowledged_stay;
    let new =
        StockWrite { quantity: quantity.into(), unlimited, lead_time, balance_at, late_acknowledged_stay };
    let written = world.stock.write(sku, warehouse, &new);
    world.counters.stock.count(written.changed);
    if let Some(at) = balance_at {
        // A balance of the future is one of now: the clocks differ.
        world.counters.balance_ages.count(Timestamp::now().duration_since(at).try_into().unwrap_or_default());
    }
    if let (Some(had), Some(got)) = (written.backwards_from, balance_at) {
        let warehouse = call.target.second.to_string();
        world.counters.went_backwards(BackwardsWrite {
            sku,
            warehouse,
            had: had.to_string(),
            got: got.to_string(),
        });
    }
    Ok(())
}

fn patch_lead_time(call: Call<'_>) -> Result<Reply, Reply> {
    let body = parse(call.body)?;
    let Some(lead_time) = body.lead_time.as_deref() else {
        return Err(Reply::error(400, "leadTime is required"));
    };
    check_lead_time(lead_time)?;
    let (sku, warehouse) = stock_key(call)?;
    call.world.stock.write_lead_time(sku, warehouse, lead_time);
    Ok(Reply::empty(204))
}

fn of_sku(call: Call<'_>) -> Result<Reply, Reply> {
    let sku = known_sku(call)?;
    let balance: Vec<Value> = (0..)
        .zip(call.world.warehouses.all())
        .map(|(index, warehouse)| {
            let stock = call.world.stock.get(sku, index);
            json!({
                "warehouseId": warehouse.id,
                "warehouseName": warehouse.name,
                "totalQuantity": stock.as_ref().map_or(0, |stock| stock.quantity),
                "reservedQuantity": stock.as_ref().map_or(0, |stock| stock.reserved),
                "hasUnlimitedQuantity": stock.as_ref().is_some_and(|stock| stock.unlimited),
                "timeToRefill": null,
                "dateOfSupplyUtc": null,
                "leadTime": stock.as_ref().map_or("00:00:00", |stock| stock.lead_time.as_str()),
            })
        })
        .collect();
    Ok(Reply::json(&json!({"skuId": call.target.first, "balance": balance})))
}

fn of_warehouse(call: Call<'_>) -> Result<Reply, Reply> {
    let (sku, index) = stock_key(call)?;
    let stock = call.world.stock.get(sku, index);
    let channels = match call.world.options.quirks.numbers {
        Numbers::Strict => "deliveryChannel",
        // The file's own example spells it otherwise than its schema.
        Numbers::Realistic => "deliveryChannels",
    };
    let item = json!({
        "skuId": call.target.first,
        "warehouseId": call.target.second,
        "dockId": DOCK,
        "totalQuantity": stock.as_ref().map_or(0, |stock| stock.quantity),
        "reservedQuantity": stock.as_ref().map_or(0, |stock| stock.reserved),
        "availableQuantity": stock.as_ref().map_or(0, |stock| stock.available),
        "isUnlimited": stock.as_ref().is_some_and(|stock| stock.unlimited),
        "salesChannel": call.world.options.trade_policies,
        channels: ["delivery"],
        "keepSellingAfterExpiration": false,
    });
    Ok(Reply::json(&[item]))
}

fn warehouses(call: Call<'_>) -> Reply {
    let all: Vec<Value> =
        call.world.warehouses.all().iter().map(|one| warehouse(&one.id, &one.name)).collect();
    Reply::json(&all)
}

/// Ids are compared as they are written here, unlike in inventory.
fn one_warehouse(call: Call<'_>) -> Result<Reply, Reply> {
    let all = call.world.warehouses.all();
    let found = all.iter().find(|one| one.id == call.target.first);
    let found = found.ok_or_else(|| Reply::error(404, "Warehouse not found"))?;
    Ok(Reply::json(&warehouse(&found.id, &found.name)))
}

fn pickup_points(call: Call<'_>) -> Reply {
    let all: Vec<Value> = call.world.options.pickup_points.iter().map(|id| pickup_point(id)).collect();
    Reply::json(&all)
}

fn pickup_point(id: &str) -> Value {
    json!({
        "id": id,
        "name": id,
        "description": "",
        "instructions": "",
        "formatted_address": "undefined",
        "address": {
            "postalCode": "20040002",
            "country": {"acronym": "BRA", "name": "Brazil"},
            "city": "Rio de Janeiro",
            "state": "RJ",
            "neighborhood": "Centro",
            "street": "Avenida Rio Branco",
            "number": "1",
            "complement": "",
            "reference": "",
            "location": {"latitude": -22.9, "longitude": -43.1},
        },
        "isActive": true,
        "distance": 0.0,
        "seller": "1",
        "_sort": [0.0],
        "businessHours": [{"dayOfWeek": 1, "openingTime": "09:00:00", "closingTime": "18:00:00"}],
        "tagsLabel": [],
        "pickupHolidays": [],
        "isThirdPartyPickup": false,
        "accountOwnerName": "",
        "accountOwnerId": "",
        "parentAccountName": "",
        "originalId": null,
    })
}

fn warehouse(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "warehouseDocks": [{"dockId": DOCK, "time": "00:00:00", "cost": 0}],
        "pickupPointIds": [],
        "priority": 0,
        "isActive": true,
    })
}

fn docks(call: Call<'_>) -> Reply {
    Reply::json(&[json!({
        "storeId": null,
        "pickupInStoreInfo": {"isActice": false, "additionalInfo": null},
        "location": null,
        "shippingRatesProviders": [],
        "deliveryAgreementsIds": [],
        "id": DOCK,
        "name": "Dock",
        "priority": 0,
        "dockTimeFake": "00:00:00",
        "timeFakeOverhead": "00:00:00",
        "salesChannels": call.world.options.trade_policies,
        "freightTableIds": [],
        "wmsEndPoint": null,
        "isActive": true,
    })])
}

fn step(call: Call<'_>, step: ReservationStep) -> Result<Reply, Reply> {
    let done = call.world.stock.step(&call.target.first, step);
    done.map(|()| Reply::empty(200))
        .ok_or_else(|| Reply::error(404, "Reservation not found or not in a state for it"))
}

pub(super) fn stock_key(call: Call<'_>) -> Result<(SkuId, u16), Reply> {
    let sku = known_sku(call)?;
    let status = call.world.options.quirks.unknown_warehouse_status;
    let warehouse = call.world.warehouses.index(&call.target.second);
    Ok((sku, warehouse.ok_or_else(|| Reply::error(status, "Warehouse not found"))?))
}

fn parse(body: &[u8]) -> Result<InventoryBody<'_>, Reply> {
    serde_json::from_slice(body).map_err(|error| Reply::error(400, &error.to_string()))
}

/// RFC 3339, or without an offset as in one of VTEX's examples; then it is UTC, as the field's name says.
fn balance_instant(text: &str) -> Result<Timestamp, Reply> {
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    let instant = text.parse::<Timestamp>().ok().or_else(civil);
    instant.ok_or_else(|| Reply::error(400, "dateUtcOnBalanceSystem is not a date and time"))
}

/// `dd.hh:mm:ss`, the days optional.
fn check_lead_time(text: &str) -> Result<(), Reply> {
    let (days, clock) = text.split_once('.').unwrap_or(("0", text));
    let mut parts = clock.split(':');
    let mut below = |limit: u32| {
        let part = parts.next().filter(|part| part.len() == 2).and_then(|part| part.parse::<u32>().ok());
        part.is_some_and(|part| part < limit)
    };
    let clock_fits = below(24) && below(60) && below(60);
    if clock_fits && parts.next().is_none() && days.parse::<u32>().is_ok() {
        return Ok(());
    }
    Err(Reply::error(400, "leadTime is not dd.hh:mm:ss"))
}
