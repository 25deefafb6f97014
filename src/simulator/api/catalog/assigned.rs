//! Specifications of products and of SKUs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{Assignment, Owner, Refusal};
use super::{Call, body, change, fields, second_id};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    field_id: u32,
    field_value_id: Option<u32>,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Changed {
    id: u32,
    field_id: u32,
    field_value_id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    field_name: String,
    group_name: String,
    root_level_specification: bool,
    field_values: Vec<String>,
}

pub(super) fn answer(call: Call<'_>, owner: Owner) -> Result<Reply, Reply> {
    Ok(match call.target.route {
        Route::ProductSpecificationAdd | Route::SkuSpecificationAdd => add(call, owner)?,
        Route::SkuSpecificationPut => put(call, owner)?,
        Route::ProductSpecificationNamed | Route::SkuSpecificationNamed => by_names(call, owner)?,
        Route::ProductSpecificationsClear | Route::SkuSpecificationsClear => remove(call, owner, None)?,
        Route::ProductSpecificationRemove | Route::SkuSpecificationRemove => {
            remove(call, owner, Some(second_id(call, "Specification")?))?
        }
        _ => list(call, owner)?,
    })
}

fn add(call: Call<'_>, owner: Owner) -> Result<Reply, Refusal> {
    let given: Given = fields(&body(call)?)?;
    let made = change(call, |tables| {
        let id = tables.assign(owner, given.field_id, given.field_value_id, &given.text)?;
        let made = tables.assignments(owner)?.iter().find(|made| made.id == id);
        made.map(|made| shown(owner, made)).ok_or(Refusal::NotFound("Specification"))
    })?;
    Ok(Reply::json(&made))
}

fn put(call: Call<'_>, owner: Owner) -> Result<Reply, Refusal> {
    let Changed { id, field_id, field_value_id } = fields(&body(call)?)?;
    change(call, |tables| tables.reassign(owner, id, field_id, field_value_id))?;
    list(call, owner)
}

fn by_names(call: Call<'_>, owner: Owner) -> Result<Reply, Refusal> {
    let Named { field_name, group_name, root_level_specification, field_values } = fields(&body(call)?)?;
    if field_values.iter().any(|value| value.ends_with(' ')) {
        return Err(Refusal::EndsInSpace);
    }
    let made = change(call, |tables| {
        tables.assign_named(owner, root_level_specification, &group_name, &field_name, &field_values)
    })?;
    Ok(Reply::json(&made.iter().map(|made| shown(owner, made)).collect::<Value>()))
}

fn remove(call: Call<'_>, owner: Owner, only: Option<u32>) -> Result<Reply, Reply> {
    change(call, |tables| tables.unassign(owner, only)).map(|()| Reply::empty(200)).map_err(Reply::from)
}

fn list(call: Call<'_>, owner: Owner) -> Result<Reply, Refusal> {
    let all: Value = call.world.catalog.read(|tables| {
        Ok::<_, Refusal>(tables.assignments(owner)?.iter().map(|given| shown(owner, given)).collect())
    })?;
    Ok(Reply::json(&all))
}

fn shown(owner: Owner, given: &Assignment) -> Value {
    let mut shown = json!({"Id": given.id, "FieldId": given.field, "Text": given.text});
    match owner {
        Owner::Product(id) => shown["ProductId"] = id.into(),
        Owner::Sku(id) => shown["SkuId"] = id.into(),
    }
    // A free text has no value of a list.
    if let Some(value) = given.value {
        shown["FieldValueId"] = value.into();
    }
    shown
}
