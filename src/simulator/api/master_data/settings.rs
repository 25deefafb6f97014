//! How entities are set up: the structure of those of v1, schemas and indices of those of v2.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{Index, Structure};
use super::super::Call;
use super::{bad, entity};

/// What `PUT …/indices` takes.
#[derive(Deserialize)]
struct NewIndex {
    name: String,
    /// Separated by commas.
    fields: String,
    multiple: bool,
}

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::Entities => Ok(entities(call)),
        Route::EntityStructure => structure(call),
        Route::Schemas => Ok(schemas(call)),
        Route::Schema => schema(call),
        Route::SchemaPut => put_schema(call),
        Route::SchemaDelete => delete_schema(call),
        Route::Indices => Ok(indices(call)),
        Route::Index => index(call),
        Route::IndexPut => put_index(call),
        Route::IndexDelete => delete_index(call),
        _ => Err(Reply::empty(404)),
    }
}

fn entities(call: Call<'_>) -> Reply {
    let mut all = Vec::new();
    call.world.master_data.each_structure(|acronym, structure| all.push(described(acronym, structure)));
    Reply::json(&all)
}

fn structure(call: Call<'_>) -> Result<Reply, Reply> {
    let mut found = None;
    call.world.master_data.each_structure(|acronym, structure| {
        if acronym == entity(call) {
            let mut whole = described(acronym, structure);
            whole["fields"] = structure.fields.iter().map(|(name, kind)| field(name, kind.name())).collect();
            found = Some(whole);
        }
    });
    found.map(|found| Reply::json(&found)).ok_or_else(|| Reply::message(404, "Data entity not found"))
}

fn described(acronym: &str, structure: &Structure) -> Value {
    json!({"acronym": acronym, "name": structure.name, "primaryKeyType": "GUID", "allowGetAll": false})
}

fn field(name: &str, kind: &str) -> Value {
    json!({
        "name": name,
        "type": kind,
        "displayName": name,
        "isNullable": true,
        "isSearchable": true,
        "isFilter": true,
        "isInternal": false,
    })
}

/// Always a list, as the file types it; its text says that a single schema comes alone.
fn schemas(call: Call<'_>) -> Reply {
    let list = call.world.master_data.entity(entity(call), |entity| {
        let named = entity.schemas().iter().map(|(name, schema)| json!({"name": name, "schema": schema}));
        named.collect::<Vec<_>>()
    });
    Reply::json(&list.unwrap_or_default())
}

fn schema(call: Call<'_>) -> Result<Reply, Reply> {
    let found = call
        .world
        .master_data
        .entity(entity(call), |entity| entity.schemas().get(&*call.target.second).cloned());
    found.flatten().map(|schema| Reply::json(&schema)).ok_or_else(|| Reply::message(404, "Schema not found"))
}

fn put_schema(call: Call<'_>) -> Result<Reply, Reply> {
    refuse_v1(call)?;
    let schema: Value = serde_json::from_slice(call.body).map_err(|_| bad("Body is not JSON"))?;
    let master_data = &call.world.master_data;
    let put = master_data.make_entity(entity(call), |entity| entity.put_schema(&call.target.second, schema));
    put.map_err(|message| bad(&message))?;
    let done = "JSON Schema persisted successfully. Revalidation and indexing process running in background.";
    Ok(Reply::json(&json!({"Message": done})))
}

fn delete_schema(call: Call<'_>) -> Result<Reply, Reply> {
    let removed =
        call.world.master_data.entity(entity(call), |entity| entity.schemas().remove(&*call.target.second));
    removed.flatten().map(|_| Reply::empty(204)).ok_or_else(|| Reply::message(404, "Schema not found"))
}

fn indices(call: Call<'_>) -> Reply {
    let list = call.world.master_data.entity(entity(call), |entity| {
        entity.indices().iter().map(|index| printed(call, index)).collect::<Vec<_>>()
    });
    Reply::json(&list.unwrap_or_default())
}

fn index(call: Call<'_>) -> Result<Reply, Reply> {
    let found = call.world.master_data.entity(entity(call), |entity| {
        let mut named = entity.indices().iter().filter(|index| index.name == call.target.second);
        named.next().map(|index| printed(call, index))
    });
    found.flatten().map(|index| Reply::json(&index)).ok_or_else(|| Reply::message(404, "Index not found"))
}

fn printed(call: Call<'_>, index: &Index) -> Value {
    json!({
        "name": index.name,
        "acronym": entity(call),
        "isGlobal": false,
        "multiple": index.multiple,
        "fields": index.fields.join(","),
    })
}

fn put_index(call: Call<'_>) -> Result<Reply, Reply> {
    refuse_v1(call)?;
    let new: NewIndex =
        serde_json::from_slice(call.body).map_err(|_| bad("name, fields and multiple are required"))?;
    let fields: Vec<&str> = new.fields.split(',').map(str::trim).filter(|field| !field.is_empty()).collect();
    if new.name.is_empty() || fields.is_empty() {
        return Err(bad("name and fields are required"));
    }
    let master_data = &call.world.master_data;
    let put =
        master_data.make_entity(entity(call), |entity| entity.put_index(&new.name, &fields, new.multiple));
    put.map(|()| Reply::empty(200)).map_err(|message| bad(&message))
}

fn delete_index(call: Call<'_>) -> Result<Reply, Reply> {
    refuse_v1(call)?;
    let deleted =
        call.world.master_data.entity(entity(call), |entity| entity.delete_index(&call.target.second));
    if deleted == Some(true) { Ok(Reply::empty(204)) } else { Err(Reply::message(404, "Index not found")) }
}

/// Entities of v1 are set up in the Admin; v2 is not compatible with them.
fn refuse_v1(call: Call<'_>) -> Result<(), Reply> {
    let v1 = call.world.master_data.entity(entity(call), |entity| entity.structure.is_some());
    if v1 == Some(true) { Err(bad("This data entity is not of v2")) } else { Ok(()) }
}
