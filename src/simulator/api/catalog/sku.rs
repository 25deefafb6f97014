//! SKUs and their EANs.

use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{Refusal, Sku, SkuFields, World};
use super::super::number;
use super::{Call, body, change, fields, first_id, replace, wanted_id};

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    Ok(match call.target.route {
        Route::SkuCreate => create(call)?,
        Route::SkuPut => put(call)?,
        Route::SkuEans => eans(call)?,
        Route::SkuEanAdd => add_ean(call)?,
        Route::SkuEanRemove => remove_eans(call, Some(&call.target.second))?,
        Route::SkuEansClear => remove_eans(call, None)?,
        _ => of_product(call)?,
    })
}

fn create(call: Call<'_>) -> Result<Reply, Refusal> {
    let body = body(call)?;
    let (id, fields) = (wanted_id(&body)?, fields::<SkuFields>(&body)?);
    let made = change(call, |tables| {
        let id = tables.create_sku(&call.world.skus, id, fields)?;
        tables.sku(id).map(|sku| full(call.world, sku))
    })?;
    Ok(Reply::json(&made))
}

fn put(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Sku")?;
    let body = body(call)?;
    if body.get("ProductId").is_none() || body.get("IsActive").is_none() {
        // The file requires both; VTEX takes a missing IsActive as false.
        call.world.counters.violation("PUT SKU without ProductId or IsActive", &call.target.first);
    }
    let fields: SkuFields = fields(&body)?;
    replace(call, |tables| tables.put_sku(&call.world.skus, id, fields))?;
    let shown = call.world.catalog.read(|tables| tables.sku(id).map(|sku| full(call.world, sku)))?;
    Ok(Reply::json(&shown))
}

fn eans(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Sku")?;
    let eans: Value = call.world.catalog.read(|tables| tables.sku(id).map(|sku| json!(sku.eans)))?;
    Ok(Reply::json(&eans))
}

fn add_ean(call: Call<'_>) -> Result<Reply, Refusal> {
    let (id, ean) = (first_id(call, "Sku")?, &call.target.second);
    change(call, |tables| tables.add_ean(id, ean))?;
    Ok(Reply::empty(200))
}

fn remove_eans(call: Call<'_>, only: Option<&str>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Sku")?;
    change(call, |tables| tables.remove_eans(id, only))?;
    Ok(Reply::empty(200))
}

fn of_product(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Product")?;
    let skus: Vec<Value> = call.world.catalog.read(|tables| {
        let product = tables.product(id)?;
        let skus = product.skus.iter().filter_map(|sku| tables.sku(*sku).ok());
        Ok::<_, Refusal>(skus.map(|sku| in_list(call.world, sku)).collect())
    })?;
    Ok(Reply::json(&skus))
}

/// A SKU as a request would write it.
pub(super) fn full(world: &World, sku: &Sku) -> Value {
    let fields = &sku.fields;
    let size = |size: Option<f64>| number(world, size.unwrap_or_default());
    json!({
        "Id": sku.id,
        "ProductId": fields.product_id,
        "IsActive": sku.active,
        "ActivateIfPossible": fields.activate_if_possible,
        "Name": fields.name,
        "RefId": fields.ref_id,
        "PackagedHeight": size(fields.packaged_height),
        "PackagedLength": size(fields.packaged_length),
        "PackagedWidth": size(fields.packaged_width),
        "PackagedWeightKg": size(fields.packaged_weight_kg),
        "Height": number(world, fields.height),
        "Length": number(world, fields.length),
        "Width": number(world, fields.width),
        "WeightKg": number(world, fields.weight_kg),
        "CubicWeight": size(fields.cubic_weight),
        "IsKit": fields.is_kit,
        "CreationDate": fields.creation_date,
        "RewardValue": number(world, fields.reward_value),
        "EstimatedDateArrival": fields.estimated_date_arrival,
        "ManufacturerCode": fields.manufacturer_code,
        "CommercialConditionId": fields.commercial_condition_id,
        "MeasurementUnit": fields.measurement_unit,
        "UnitMultiplier": size(fields.unit_multiplier),
        "ModalType": fields.modal_type,
        "KitItensSellApart": fields.kit_itens_sell_apart,
        "Videos": fields.videos,
    })
}

/// A SKU as the list of its product shows it, with other names for the same.
fn in_list(world: &World, sku: &Sku) -> Value {
    let fields = &sku.fields;
    let size = |size: Option<f64>| number(world, size.unwrap_or_default());
    json!({
        "IsPersisted": true,
        "IsRemoved": false,
        "Id": sku.id,
        "ProductId": fields.product_id,
        "IsActive": sku.active,
        "Name": fields.name,
        "Height": size(fields.packaged_height),
        "RealHeight": null,
        "Width": size(fields.packaged_width),
        "RealWidth": null,
        "Length": size(fields.packaged_length),
        "RealLength": null,
        "WeightKg": size(fields.packaged_weight_kg),
        "RealWeightKg": null,
        "ModalId": 1,
        "RefId": fields.ref_id,
        "CubicWeight": size(fields.cubic_weight),
        "IsKit": fields.is_kit,
        "IsDynamicKit": null,
        "InternalNote": null,
        "DateUpdated": fields.creation_date,
        "RewardValue": number(world, fields.reward_value),
        "CommercialConditionId": fields.commercial_condition_id,
        "EstimatedDateArrival": fields.estimated_date_arrival,
        "FlagKitItensSellApart": fields.kit_itens_sell_apart,
        "ManufacturerCode": fields.manufacturer_code,
        "ReferenceStockKeepingUnitId": null,
        "Position": 0,
        "ActivateIfPossible": fields.activate_if_possible,
        "MeasurementUnit": fields.measurement_unit,
        "UnitMultiplier": size(fields.unit_multiplier),
        "IsInventoried": null,
        "IsTransported": null,
        "IsGiftCardRecharge": null,
        "ModalType": fields.modal_type,
    })
}
