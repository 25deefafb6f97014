//! What can be specified: groups, fields and values.

use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{
    FieldFields, GroupFields, Refusal, SpecificationField, Tables, ValueFields, World,
};
use super::{Call, body, change, fields, first_id, put_optional};

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    let id = |of| first_id(call, of);
    let shown = match call.target.route {
        Route::GroupCreate => {
            let fields: GroupFields = fields(&body(call)?)?;
            change(call, |tables| {
                let id = tables.create_group(fields)?;
                group(tables, id)
            })?
        }
        Route::GroupPut => {
            let (id, fields) = (id("Group")?, fields::<GroupFields>(&body(call)?)?);
            change(call, |tables| {
                tables.put_group(id, fields)?;
                group(tables, id)
            })?
        }
        Route::Group => read(call, id("Group")?, group)?,
        Route::GroupsOfCategory => groups_of_category(call)?,
        Route::FieldCreate => {
            let fields: FieldFields = fields(&body(call)?)?;
            change(call, |tables| {
                let id = tables.create_field(fields)?;
                tables.field(id).map(|made| field(call.world, made))
            })?
        }
        Route::FieldPut => {
            let (id, fields) = (id("Field")?, fields::<FieldFields>(&body(call)?)?);
            change(call, |tables| {
                tables.put_field(id, fields)?;
                tables.field(id).map(|put| field(call.world, put))
            })?
        }
        Route::Field => one_field(call)?,
        Route::FieldsOfCategory => {
            let category = id("Category")?;
            call.world.catalog.read(|tables| tables.fields_of(Some(category)).map(in_list).collect())
        }
        Route::FieldsOfTree => {
            let category = id("Category")?;
            call.world.catalog.read(|tables| tables.fields_for(category).map(in_list).collect())
        }
        Route::ValueCreate => {
            let fields: ValueFields = fields(&body(call)?)?;
            change(call, |tables| {
                let id = tables.create_value(fields)?;
                value(tables, id)
            })?
        }
        Route::ValuePut => {
            let (id, fields) = (id("FieldValue")?, fields::<ValueFields>(&body(call)?)?);
            change(call, |tables| {
                tables.put_value(id, fields)?;
                value(tables, id)
            })?
        }
        Route::Value => read(call, id("FieldValue")?, value)?,
        _ => values_of_field(call)?,
    };
    Ok(Reply::json(&shown))
}

fn read(call: Call<'_>, id: u32, show: fn(&Tables, u32) -> Result<Value, Refusal>) -> Result<Value, Refusal> {
    call.world.catalog.read(|tables| show(tables, id))
}

/// Of the category, or with 0 those of all categories.
fn groups_of_category(call: Call<'_>) -> Result<Value, Refusal> {
    let category = match call.target.first.as_ref() {
        "0" => None,
        _ => Some(first_id(call, "Category")?),
    };
    call.world.catalog.read(|tables| {
        category.map_or(Ok(()), |category| tables.category(category).map(drop))?;
        tables.groups_of(category).map(|one| group(tables, one.id)).collect()
    })
}

fn group(tables: &Tables, id: u32) -> Result<Value, Refusal> {
    let fields = &tables.group(id)?.fields;
    Ok(json!({
        "Id": id,
        "CategoryId": fields.category_id,
        "Name": fields.name,
        "Position": fields.position,
    }))
}

/// With the fields that the file requires here and nowhere else.
fn one_field(call: Call<'_>) -> Result<Value, Refusal> {
    let id = first_id(call, "Field")?;
    call.world.catalog.read(|tables| {
        let known = tables.field(id)?;
        let mut shown = field(call.world, known);
        shown["IsWizard"] = false.into();
        shown["DefaultValue"] = json!(known.fields.default_value);
        Ok(shown)
    })
}

fn field(world: &World, field: &SpecificationField) -> Value {
    let fields = &field.fields;
    let mut shown = json!({
        "Id": field.id,
        "FieldTypeId": fields.field_type_id,
        "FieldGroupId": fields.field_group_id,
        "Name": fields.name,
        "Description": fields.description,
        "Position": fields.position,
        "IsFilter": fields.is_filter,
        "IsRequired": fields.is_required,
        "IsOnProductDetails": fields.is_on_product_details,
        "IsStockKeepingUnit": fields.is_stock_keeping_unit,
        "IsWizard": null,
        "IsActive": fields.is_active,
        "IsTopMenuLinkActive": fields.is_top_menu_link_active,
        "IsSideMenuLinkActive": fields.is_side_menu_link_active,
    });
    put_optional(world, &mut shown, "CategoryId", fields.category_id.map(Value::from));
    put_optional(world, &mut shown, "DefaultValue", fields.default_value.clone().map(Value::from));
    shown
}

fn in_list(field: &SpecificationField) -> Value {
    json!({
        "Name": field.fields.name,
        "CategoryId": field.fields.category_id.unwrap_or(0),
        "FieldId": field.id,
        "IsActive": field.fields.is_active,
        "IsStockKeepingUnit": field.fields.is_stock_keeping_unit,
    })
}

fn value(tables: &Tables, id: u32) -> Result<Value, Refusal> {
    let fields = &tables.value(id)?.fields;
    Ok(json!({
        "FieldValueId": id,
        "FieldId": fields.field_id,
        "Name": fields.name,
        "Text": fields.text.clone().unwrap_or_default(),
        "IsActive": fields.is_active,
        "Position": fields.position,
    }))
}

fn values_of_field(call: Call<'_>) -> Result<Value, Refusal> {
    let id = first_id(call, "Field")?;
    call.world.catalog.read(|tables| {
        tables.field(id)?;
        let values = tables.values_of(id).map(|value| {
            json!({
                "FieldValueId": value.id,
                "Value": value.fields.name,
                "IsActive": value.fields.is_active,
                "Position": value.fields.position,
            })
        });
        Ok(values.collect())
    })
}
