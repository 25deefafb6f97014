//! Base prices, fixed prices and price tables (Pricing API).

use std::time::SystemTime;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::super::reply::Reply;
use super::super::route::{Route, query_value};
use super::super::world::{DateRange, FixedPrice, Price, SkuId, World};
use super::{Call, known_sku, number, optional_number};

/// Most fixed prices one SKU may have.
const FIXED_PRICES_MAX: usize = 100;
/// The account's default markup in percent: what VTEX derives the cost from when only the base price is sent.
const DEFAULT_MARKUP: f64 = 0.0;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceBody {
    markup: Option<f64>,
    list_price: Option<f64>,
    base_price: Option<f64>,
    cost_price: Option<f64>,
    /// `None` only when the key is absent.
    #[serde(default, deserialize_with = "present")]
    fixed_prices: Option<Vec<FixedBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FixedBody {
    trade_policy_id: Option<String>,
    value: f64,
    list_price: Option<f64>,
    min_quantity: u32,
    date_range: Option<RangeBody>,
}

#[derive(Deserialize)]
struct RangeBody {
    from: String,
    to: String,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<FixedBody>>, D::Error> {
    Ok(Some(Option::<Vec<FixedBody>>::deserialize(from)?.unwrap_or_default()))
}

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::Price => price(call),
        Route::PricePut => put(call),
        Route::PriceDelete => delete(call),
        Route::Fixed => fixed(call, None),
        Route::FixedPatch => patch_fixed(call, None),
        Route::FixedOfTable => fixed(call, Some(&call.target.second)),
        Route::FixedOfTablePost => patch_fixed(call, Some(&call.target.second)),
        Route::FixedOfTableDelete => delete_fixed(call),
        Route::Computed => computed(call, None),
        Route::ComputedOfTable => computed(call, Some(&call.target.second)),
        Route::PricingConfig => Ok(config()),
        Route::PriceTables => Ok(Reply::json(&call.world.prices.tables())),
        Route::PriceTablePut => put_table(call),
        _ => Err(Reply::empty(404)),
    }
}

fn price(call: Call<'_>) -> Result<Reply, Reply> {
    let world = call.world;
    let shown = world.prices.with(known_sku(call)?, |price| {
        price.map(|price| {
            json!({
                "itemId": call.target.first,
                "listPrice": optional_number(world, price.list),
                "costPrice": optional_number(world, price.cost),
                "markup": optional_number(world, price.markup()),
                "basePrice": optional_number(world, price.base),
                "fixedPrices": fixed_list(world, price, None),
            })
        })
    });
    shown.map(|body| Reply::json(&body)).ok_or_else(not_found)
}

/// Replaces the whole price: every fixed price that the body leaves out is deleted.
fn put(call: Call<'_>) -> Result<Reply, Reply> {
    let sku = known_sku(call)?;
    let body: PriceBody = parse(call.body)?;
    let (base, cost) = base_and_cost(&body)?;
    let fixed = body.fixed_prices.map(|fixed| fixed_prices(fixed, None)).transpose()?;
    let fixed_stay = fixed.is_none() && call.world.options.quirks.absent_fixed_prices_stay;
    change(call.world, sku, |price| {
        (price.base, price.cost, price.list) = (Some(base), Some(cost), body.list_price);
        if !fixed_stay {
            price.fixed.clear();
            price.upsert(fixed.unwrap_or_default());
        }
    })
}

/// "Exactly two values among basePrice, costPrice, and markup": three fail; the base price alone is also accepted.
fn base_and_cost(body: &PriceBody) -> Result<(f64, f64), Reply> {
    let factor = |markup: f64| 1.0 + markup / 100.0;
    match (body.base_price, body.cost_price, body.markup) {
        (Some(base), Some(cost), None) => Ok((base, cost)),
        (Some(base), None, Some(markup)) if factor(markup) != 0.0 => Ok((base, base / factor(markup))),
        (None, Some(cost), Some(markup)) => Ok((cost * factor(markup), cost)),
        (Some(base), None, None) => Ok((base, base / factor(DEFAULT_MARKUP))),
        _ => Err(Reply::error(400, "exactly two of basePrice, costPrice and markup are needed")),
    }
}

/// Upserts by trade policy, minimum quantity and date range; of one table when the path names it.
fn patch_fixed(call: Call<'_>, table: Option<&str>) -> Result<Reply, Reply> {
    let sku = known_sku(call)?;
    let fixed = fixed_prices(parse(call.body)?, table)?;
    change(call.world, sku, |price| price.upsert(fixed))
}

fn change(world: &World, sku: SkuId, apply: impl FnOnce(&mut Price)) -> Result<Reply, Reply> {
    let changed = world.prices.change(sku, |price| {
        apply(price);
        if price.fixed.len() > FIXED_PRICES_MAX {
            return Err(Reply::error(400, "more than 100 fixed prices"));
        }
        Ok(())
    })?;
    world.counters.price.count(changed);
    Ok(Reply::empty(200))
}

fn delete(call: Call<'_>) -> Result<Reply, Reply> {
    if !call.world.prices.remove(known_sku(call)?) {
        return Err(not_found());
    }
    call.world.counters.price.count(true);
    Ok(Reply::empty(200))
}

fn delete_fixed(call: Call<'_>) -> Result<Reply, Reply> {
    let sku = known_sku(call)?;
    let table = &call.target.second;
    let exists = |price: Option<&Price>| {
        price.is_some_and(|price| price.fixed.iter().any(|fixed| fixed.table == **table))
    };
    if !call.world.prices.with(sku, exists) {
        return Err(not_found());
    }
    change(call.world, sku, |price| price.fixed.retain(|fixed| fixed.table != **table))
}

fn fixed(call: Call<'_>, table: Option<&str>) -> Result<Reply, Reply> {
    let world = call.world;
    let shown =
        world.prices.with(known_sku(call)?, |price| price.map(|price| fixed_list(world, price, table)));
    let shown = shown.filter(|list| table.is_none() || !list.is_empty());
    shown.map(|list| Reply::json_utf8(&list)).ok_or_else(not_found)
}

fn fixed_list(world: &World, price: &Price, table: Option<&str>) -> Vec<Value> {
    let wanted = price.fixed.iter().filter(|fixed| table.is_none_or(|table| fixed.table == table));
    wanted
        .map(|fixed| {
            let mut shown = json!({
                "tradePolicyId": fixed.table.as_str(),
                "value": number(world, fixed.value),
                "listPrice": optional_number(world, fixed.list),
                "minQuantity": fixed.min_quantity,
            });
            if let Some(range) = &fixed.range {
                shown["dateRange"] = json!({"from": range.from_text, "to": range.to_text});
            }
            shown
        })
        .collect()
}

/// The price that a shopper gets, per trade policy or table: a valid fixed price goes before the base price.
fn computed(call: Call<'_>, table: Option<&str>) -> Result<Reply, Reply> {
    let world = call.world;
    let quantity = query_value(call.query, "quantity").and_then(|text| text.parse().ok()).unwrap_or(1);
    let sku = known_sku(call)?;
    let tables = match table {
        Some(table) => vec![table.to_owned()],
        None => world.prices.tables(),
    };
    let shown: Vec<Value> = world.prices.with(sku, |price| {
        let Some(price) = price else { return Vec::new() };
        tables.iter().filter_map(|table| computed_for(world, price, table, quantity)).collect()
    });
    match (table, shown.into_iter().collect::<Vec<_>>()) {
        (_, shown) if shown.is_empty() => Err(not_found()),
        (Some(_), mut shown) => Ok(Reply::json_utf8(&shown.remove(0))),
        (None, shown) => Ok(Reply::json_utf8(&shown)),
    }
}

fn computed_for(world: &World, price: &Price, table: &str, quantity: u32) -> Option<Value> {
    let now = Timestamp::try_from(SystemTime::now()).ok()?;
    let valid = price.fixed.iter().filter(|fixed| {
        fixed.table == table
            && fixed.min_quantity <= quantity
            && fixed.range.as_ref().is_none_or(|range| range.from <= now && now < range.to)
    });
    let fixed = valid.max_by_key(|fixed| (fixed.min_quantity, fixed.range.is_some()));
    let selling = fixed.map(|fixed| fixed.value).or(price.base)?;
    let list = fixed.and_then(|fixed| fixed.list).or(price.list).unwrap_or(selling);
    let valid_until = fixed
        .and_then(|fixed| fixed.range.as_ref())
        .map_or_else(|| now.saturating_add((365 * 24).hours()).unwrap_or(Timestamp::MAX), |range| range.to);
    let mut shown = json!({
        "tradePolicyId": table,
        "listPrice": number(world, list),
        "sellingPrice": number(world, selling),
        "priceValidUntil": valid_until.to_string(),
    });
    if let Some(cost) = price.cost {
        shown["costPrice"] = number(world, cost);
    }
    if fixed.is_some() {
        shown["priceTable"] = table.into();
    }
    Some(shown)
}

fn config() -> Reply {
    Reply::json_utf8(&json!({
        "hasMigrated": true,
        "migrationStatus": "Completed",
        "defaultMarkup": 0,
        "priceVariation": {"upperLimit": null, "lowerLimit": null},
        "minimumMarkups": {},
        "tradePolicyConfigs": [],
        "sellersToOverride": [],
        "hasPriceInheritance": false,
        "priceInheritance": "never",
        "hasOptionalBasePrice": true,
        "blockAccount": false,
        "blockedRoutes": null,
        "priceTableSelectionStrategy": "first",
        "priceTableLimit": null,
    }))
}

fn put_table(call: Call<'_>) -> Result<Reply, Reply> {
    let name = &call.target.first;
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Reply::error(400, "a price table's name is letters and digits"));
    }
    call.world.prices.add_table(name);
    Ok(Reply::empty(200))
}

fn fixed_prices(bodies: Vec<FixedBody>, table: Option<&str>) -> Result<Vec<FixedPrice>, Reply> {
    bodies.into_iter().map(|body| fixed_price(body, table)).collect()
}

fn fixed_price(body: FixedBody, table: Option<&str>) -> Result<FixedPrice, Reply> {
    let named = table.or(body.trade_policy_id.as_deref()).filter(|table| !table.is_empty());
    let table = named.ok_or_else(|| Reply::error(400, "tradePolicyId is required"))?;
    if body.min_quantity == 0 {
        return Err(Reply::error(400, "minQuantity is at least 1"));
    }
    let range = body.date_range.map(date_range).transpose()?;
    Ok(FixedPrice {
        table: table.into(),
        value: body.value,
        list: body.list_price,
        min_quantity: body.min_quantity,
        range: range.map(Box::new),
    })
}

fn date_range(body: RangeBody) -> Result<DateRange, Reply> {
    let (Ok(from), Ok(to)) = (body.from.parse::<Timestamp>(), body.to.parse::<Timestamp>()) else {
        return Err(Reply::error(400, "dateRange is not RFC 3339 with an offset"));
    };
    if from >= to {
        return Err(Reply::error(400, "dateRange.from is not before dateRange.to"));
    }
    Ok(DateRange { from, to, from_text: body.from, to_text: body.to })
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| Reply::error(400, &error.to_string()))
}

fn not_found() -> Reply {
    Reply::error(404, "Price not found")
}
