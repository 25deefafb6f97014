//! Look-ups of SKUs by RefId and of the account's trade policies (Catalog API).

use hashbrown::HashSet;
use serde_json::{Map, Value, json};

use super::super::super::options::{Numbers, UnknownRefs};
use super::super::super::reply::Reply;
use super::super::super::route::{Route, query_value};
use super::super::super::world::{Refusal, SkuId, World};
use super::super::sku_id;
use super::{Call, query_number, sku};

/// Most ids on one page of `stockkeepingunitids`.
const PAGE_SIZE_MAX: usize = 1_000;

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::SkuIdsByRefIds => ids_by_references(call),
        Route::SkuIdByRefId => id_by_reference(call),
        Route::SkuByRefId => by_reference(call),
        Route::SkuById => by_id(call),
        Route::SkuIds => page_of_ids(call),
        Route::SkuIdsOfPolicy => ids_of_policy(call),
        Route::SalesChannels => Ok(sales_channels(call.world)),
        _ => Err(Reply::empty(404)),
    }
}

/// The only batch look-up. A RefId that is twice in the array is answered with 500.
fn ids_by_references(call: Call<'_>) -> Result<Reply, Reply> {
    let wanted: Vec<String> =
        serde_json::from_slice(call.body).map_err(|error| Refusal::Invalid(error.to_string()))?;
    let mut seen = HashSet::with_capacity(wanted.len());
    if !wanted.iter().all(|reference| seen.insert(reference.as_str())) {
        return Err(Reply::server_error());
    }
    let mut found = Map::new();
    for reference in &wanted {
        match (id_of(call.world, reference), call.world.options.quirks.unknown_refs) {
            (Some(id), _) => drop(found.insert(reference.clone(), id.to_string().into())),
            (None, UnknownRefs::Null) => drop(found.insert(reference.clone(), Value::Null)),
            (None, UnknownRefs::Absent) => {}
        }
    }
    Ok(Reply::json(&found))
}

/// A JSON string with the id in it.
fn id_by_reference(call: Call<'_>) -> Result<Reply, Reply> {
    let id = id_of(call.world, &call.target.first).ok_or(Refusal::NotFound("SKU"))?;
    Ok(Reply::json(&id.to_string()))
}

fn by_reference(call: Call<'_>) -> Result<Reply, Reply> {
    let reference = query_value(call.query, "RefId").ok_or_else(|| Refusal::invalid("RefId is required"))?;
    let id = id_of(call.world, &reference).ok_or(Refusal::NotFound("SKU"))?;
    let mut shown = shown(call.world, id, &reference);
    // Whatever the SKU has (VTEX known issue 388869).
    shown["Videos"] = json!([]);
    let ean = call.world.catalog.read(|tables| tables.sku(id).ok()?.eans.last().cloned());
    if let Some(ean) = ean {
        shown["Ean"] = ean.into();
    }
    Ok(Reply::json(&shown))
}

fn by_id(call: Call<'_>) -> Result<Reply, Reply> {
    let unknown = call.world.options.quirks.unknown_sku_status;
    let id = sku_id(&call.target.first).filter(|id| call.world.skus.exists(*id));
    let id = id.ok_or_else(|| Reply::json_with(unknown, &Refusal::NotFound("SKU").to_string()))?;
    let reference = call.world.skus.reference(id).ok_or(Refusal::NotFound("SKU"))?;
    Ok(Reply::json(&shown(call.world, id, &reference)))
}

/// The SKU of a RefId as far as look-ups show it.
fn id_of(world: &World, reference: &str) -> Option<SkuId> {
    let (now, lag) = (world.now(), world.catalog.references_lag());
    let id = world.skus.id(reference)?;
    world.catalog.read(|tables| tables.sku_ref_shows(id, now, lag)).then_some(id)
}

fn shown(world: &World, id: SkuId, reference: &str) -> Value {
    let in_catalog = world.catalog.read(|tables| tables.sku(id).map(|known| sku::full(world, known)));
    in_catalog.unwrap_or_else(|_| bare(world, id, reference))
}

/// A SKU that is only an id and a RefId is shown as one that could be sold.
fn bare(world: &World, id: SkuId, reference: &str) -> Value {
    let grams = match world.options.quirks.numbers {
        Numbers::Strict => json!(500),
        Numbers::Realistic => json!(500.0),
    };
    json!({
        "Id": id,
        "ProductId": id,
        "IsActive": true,
        "ActivateIfPossible": true,
        "Name": reference,
        "RefId": reference,
        "PackagedHeight": 10.0,
        "PackagedLength": 10.0,
        "PackagedWidth": 10.0,
        "PackagedWeightKg": grams,
        "Height": 10.0,
        "Length": 10.0,
        "Width": 10.0,
        "WeightKg": 500.0,
        "CubicWeight": 0.1667,
        "IsKit": false,
        "CreationDate": "2024-01-31T19:12:00",
        "RewardValue": 0.0,
        "EstimatedDateArrival": null,
        "ManufacturerCode": "",
        "CommercialConditionId": 1,
        "MeasurementUnit": "un",
        "UnitMultiplier": 1.0,
        "ModalType": null,
        "KitItensSellApart": false,
        "Videos": [],
    })
}

fn page_of_ids(call: Call<'_>) -> Result<Reply, Reply> {
    let number = |name: &str| query_value(call.query, name).and_then(|text| text.parse::<usize>().ok());
    let (Some(page), Some(size)) = (number("page"), number("pagesize")) else {
        return Err(Refusal::invalid("page and pagesize are required").into());
    };
    if page == 0 || size == 0 || size > PAGE_SIZE_MAX {
        return Err(Refusal::invalid("page is from 1, pagesize from 1 to 1000").into());
    }
    Ok(Reply::json(&call.world.skus.page(page, size)))
}

/// Active SKUs in the shop's index; with `onlyAssigned=false` of all trade policies.
fn ids_of_policy(call: Call<'_>) -> Result<Reply, Reply> {
    let Some(policy) = query_number(call, "sc") else {
        return Err(Refusal::invalid("sc is required").into());
    };
    let all = query_value(call.query, "onlyAssigned").is_some_and(|value| value == "false");
    let page = query_number(call, "page").unwrap_or(1).max(1) as usize;
    let size = query_number(call, "pageSize").map_or(PAGE_SIZE_MAX, |size| size as usize).min(PAGE_SIZE_MAX);
    let now = call.world.now();
    let ids: Vec<SkuId> = call.world.catalog.read(|tables| {
        let indexed = tables.products().filter_map(|product| tables.indexed(product.id, now));
        let of_policy =
            indexed.filter(|shown| all || shown.policies.is_empty() || shown.policies.contains(&policy));
        let skus = of_policy.flat_map(|shown| shown.skus.keys().copied());
        skus.skip((page - 1).saturating_mul(size)).take(size).collect()
    });
    Ok(Reply::json(&ids))
}

fn sales_channels(world: &World) -> Reply {
    let numeric = world.options.trade_policies.iter().filter_map(|policy| policy.parse::<u32>().ok());
    let channels: Vec<Value> = numeric.map(sales_channel).collect();
    Reply::json(&channels)
}

fn sales_channel(id: u32) -> Value {
    json!({
        "Id": id,
        "Name": format!("Trade policy {id}"),
        "IsActive": true,
        "ProductClusterId": null,
        "CountryCode": "BRA",
        "CultureInfo": "pt-BR",
        "TimeZone": "E. South America Standard Time",
        "CurrencyCode": "BRL",
        "CurrencySymbol": "R$",
        "CurrencyLocale": 1046,
        "CurrencyFormatInfo": {
            "CurrencyDecimalDigits": 2,
            "CurrencyDecimalSeparator": ",",
            "CurrencyGroupSeparator": ".",
            "CurrencyGroupSize": 3,
            "StartsWithCurrencySymbol": true,
        },
        "Origin": null,
        "Position": 1,
        "ConditionRule": null,
        "CurrencyDecimalDigits": 2,
    })
}
