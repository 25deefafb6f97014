//! Components of kits; complements of SKUs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{Complement, KitComponent, Refusal, World};
use super::super::number;
use super::{Call, body, change, fields, first_id, query_number, second_id};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewComponent {
    stock_keeping_unit_parent: u32,
    stock_keeping_unit_id: u32,
    quantity: u32,
    unit_price: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewComplement {
    parent_sku_id: u32,
    sku_id: u32,
    complement_type_id: u32,
}

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    Ok(match call.target.route {
        Route::KitComponentAdd => add_component(call)?,
        Route::KitComponent => component(call)?,
        Route::KitComponents => components(call)?,
        Route::KitComponentRemove => remove_component(call)?,
        Route::KitComponentsClear => remove_components(call)?,
        Route::ComplementAdd => add_complement(call)?,
        Route::Complement => complement(call)?,
        Route::ComplementRemove => remove_complement(call)?,
        Route::ComplementsOfType => complements(call, Some(second_id(call, "ComplementType")?))?,
        _ => complements(call, None)?,
    })
}

fn add_component(call: Call<'_>) -> Result<Reply, Refusal> {
    let new: NewComponent = fields(&body(call)?)?;
    let (kit, sku) = (new.stock_keeping_unit_parent, new.stock_keeping_unit_id);
    let made = change(call, |tables| {
        let id = tables.add_component(kit, sku, new.quantity, new.unit_price)?;
        tables.component(id).map(|made| component_shown(call.world, made))
    })?;
    Ok(Reply::json(&made))
}

fn component(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Kit")?;
    let shown =
        call.world.catalog.read(|tables| tables.component(id).map(|one| component_shown(call.world, one)))?;
    Ok(Reply::json(&shown))
}

/// One component as the file types it; of several a list.
fn components(call: Call<'_>) -> Result<Reply, Refusal> {
    let (sku, kit) = (query_number(call, "skuId"), query_number(call, "parentSkuId"));
    if sku.is_none() && kit.is_none() {
        return Err(Refusal::invalid("skuId or parentSkuId is required"));
    }
    let mut found: Vec<Value> = call
        .world
        .catalog
        .read(|tables| tables.components(kit, sku).map(|one| component_shown(call.world, one)).collect());
    match found.len() {
        0 => Err(Refusal::NotFound("Kit")),
        1 => Ok(Reply::json(&found.remove(0))),
        _ => Ok(Reply::json(&found)),
    }
}

fn remove_component(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Kit")?;
    change(call, |tables| tables.remove_component(id))?;
    Ok(Reply::empty(200))
}

fn remove_components(call: Call<'_>) -> Result<Reply, Refusal> {
    let (sku, kit) = (query_number(call, "skuId"), query_number(call, "parentSkuId"));
    if sku.is_none() && kit.is_none() {
        return Err(Refusal::invalid("skuId or parentSkuId is required"));
    }
    change(call, |tables| {
        let gone: Vec<u32> = tables.components(kit, sku).map(|component| component.id).collect();
        gone.into_iter().try_for_each(|id| tables.remove_component(id))
    })?;
    Ok(Reply::empty(200))
}

fn component_shown(world: &World, component: &KitComponent) -> Value {
    json!({
        "Id": component.id,
        "StockKeepingUnitParent": component.kit,
        "StockKeepingUnitId": component.sku,
        "Quantity": component.quantity,
        "UnitPrice": number(world, component.unit_price),
    })
}

fn add_complement(call: Call<'_>) -> Result<Reply, Refusal> {
    let NewComplement { parent_sku_id, sku_id, complement_type_id } = fields(&body(call)?)?;
    let made = change(call, |tables| {
        let id = tables.add_complement(parent_sku_id, sku_id, complement_type_id)?;
        tables.complement(id).map(complement_shown)
    })?;
    Ok(Reply::json(&[made]))
}

fn complement(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "SkuComplement")?;
    let shown = call.world.catalog.read(|tables| tables.complement(id).map(complement_shown))?;
    Ok(Reply::json(&[shown]))
}

fn complements(call: Call<'_>, kind: Option<u32>) -> Result<Reply, Refusal> {
    let parent = first_id(call, "Sku")?;
    let shown: Value = call.world.catalog.read(|tables| {
        tables.sku(parent)?;
        Ok::<_, Refusal>(tables.complements(parent, kind).map(complement_shown).collect())
    })?;
    Ok(Reply::json(&shown))
}

fn remove_complement(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "SkuComplement")?;
    change(call, |tables| tables.remove_complement(id))?;
    Ok(Reply::empty(200))
}

fn complement_shown(complement: &Complement) -> Value {
    json!({
        "Id": complement.id,
        "SkuId": complement.sku,
        "ParentSkuId": complement.parent,
        "ComplementTypeId": complement.kind,
    })
}
