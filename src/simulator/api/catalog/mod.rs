//! The Catalog API: brands, categories, products, SKUs and what belongs to them.
//!
//! VTEX's files document hardly any error. What clients read out of them is kept: a conflict (409) and an unknown id
//! (404) are a JSON string, an invalid request (400) is `{"Message": …}`.

mod assigned;
mod brand;
mod category;
mod context;
mod definitions;
mod file;
mod kit;
mod lookups;
mod product;
mod sku;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::in_flight::WriteKey;
use super::super::options::Numbers;
use super::super::reply::Reply;
use super::super::route::{Area, Route, Target, query_value};
use super::super::world::{Owner, Refusal, Tables, World};
use super::{Call, sku_id};

/// Largest id of anything in the catalog.
const ID_MAX: u64 = i32::MAX as u64;

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    use Route as R;
    match call.target.route {
        R::Brands | R::BrandsPage | R::BrandSummary | R::BrandCreate | R::Brand | R::BrandPut => {
            brand::answer(call)
        }
        R::CategoryTree | R::CategoryCreate | R::Category | R::CategoryPut => category::answer(call),
        R::ProductCreate
        | R::Product
        | R::ProductPut
        | R::ProductByRefId
        | R::ProductSummary
        | R::ProductAndSkuIds
        | R::ProductIndexed
        | R::ProductPolicies
        | R::ProductPolicyAdd
        | R::ProductPolicyRemove => product::answer(call),
        R::ProductSpecifications
        | R::ProductSpecificationAdd
        | R::ProductSpecificationsClear
        | R::ProductSpecificationRemove
        | R::ProductSpecificationNamed => assigned::answer(call, Owner::Product(first_id(call, "Product")?)),
        R::SkuSpecifications
        | R::SkuSpecificationAdd
        | R::SkuSpecificationPut
        | R::SkuSpecificationsClear
        | R::SkuSpecificationRemove
        | R::SkuSpecificationNamed => assigned::answer(call, Owner::Sku(first_id(call, "Sku")?)),
        R::SkuCreate
        | R::SkuPut
        | R::SkuEans
        | R::SkuEansClear
        | R::SkuEanAdd
        | R::SkuEanRemove
        | R::SkusOfProduct => sku::answer(call),
        R::SkuContext | R::SkuByEan | R::SkuByAlternateId => context::answer(call),
        R::SkuFiles
        | R::SkuFileAdd
        | R::SkuFilesClear
        | R::SkuFilesReorder
        | R::SkuFilePut
        | R::SkuFileRemove
        | R::SkuFilesCopy
        | R::SkuFileDisassociate => file::answer(call),
        R::KitComponents
        | R::KitComponentAdd
        | R::KitComponentsClear
        | R::KitComponent
        | R::KitComponentRemove
        | R::ComplementAdd
        | R::Complement
        | R::ComplementRemove
        | R::Complements
        | R::ComplementsOfType => kit::answer(call),
        R::GroupCreate
        | R::GroupPut
        | R::Group
        | R::GroupsOfCategory
        | R::FieldCreate
        | R::Field
        | R::FieldPut
        | R::FieldsOfCategory
        | R::FieldsOfTree
        | R::ValueCreate
        | R::Value
        | R::ValuePut
        | R::ValuesOfField => definitions::answer(call),
        _ => lookups::answer(call),
    }
}

/// The product or the SKU that a write names in its path.
pub(super) fn write_key(target: &Target<'_>) -> Option<WriteKey> {
    let id = || sku_id(&target.first);
    match (target.route.area(), target.route.resource()) {
        (Area::Catalog, "product") => id().map(WriteKey::Product),
        (Area::Catalog, "stockkeepingunit") => id().map(WriteKey::Sku),
        _ => None,
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::EndsInSpace => Self::empty(400),
            Refusal::Invalid(_) => Self::json_with(400, &json!({"Message": text})),
            Refusal::NotFound(_) => Self::json_with(404, &text),
            Refusal::IdTaken(_)
            | Refusal::ProductRefTaken(_)
            | Refusal::LinkTaken(_)
            | Refusal::SkuRefTaken(_)
            | Refusal::EanTaken(_)
            | Refusal::BrandNameTaken(_) => Self::json_with(409, &text),
        }
    }
}

/// Changes the catalog and counts the write.
fn change<T>(call: Call<'_>, change: impl FnOnce(&mut Tables) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let changed = call.world.catalog.write(call.world.now(), change)?;
    call.world.counters.catalog.count(true);
    Ok(changed)
}

/// As [`change`], for a change that tells whether anything is different now.
fn replace(call: Call<'_>, put: impl FnOnce(&mut Tables) -> Result<bool, Refusal>) -> Result<(), Refusal> {
    let changed = call.world.catalog.write(call.world.now(), put)?;
    call.world.counters.catalog.count(changed);
    Ok(())
}

/// The body as an object (or list of them) whose nulls are left out. A text that ends in a space is refused as VTEX
/// does.
fn body(call: Call<'_>) -> Result<Value, Refusal> {
    let mut body: Value =
        serde_json::from_slice(call.body).map_err(|error| Refusal::Invalid(error.to_string()))?;
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        if fields.values().any(|value| value.as_str().is_some_and(|text| text.ends_with(' '))) {
            return Err(Refusal::EndsInSpace);
        }
    }
    Ok(body)
}

fn fields<T: DeserializeOwned>(body: &Value) -> Result<T, Refusal> {
    T::deserialize(body).map_err(|error| Refusal::Invalid(error.to_string()))
}

/// The id that a request wants for what it creates.
fn wanted_id(body: &Value) -> Result<Option<u32>, Refusal> {
    let Some(id) = body.get("Id") else { return Ok(None) };
    let id = id.as_u64().filter(|id| (1..=ID_MAX).contains(id)).and_then(|id| u32::try_from(id).ok());
    id.map(Some).ok_or_else(|| Refusal::invalid("Id must be between 1 and 2147483647"))
}

/// The id that the path names first. What is no number names nothing.
fn first_id(call: Call<'_>, of: &'static str) -> Result<u32, Refusal> {
    sku_id(&call.target.first).ok_or(Refusal::NotFound(of))
}

fn second_id(call: Call<'_>, of: &'static str) -> Result<u32, Refusal> {
    sku_id(&call.target.second).ok_or(Refusal::NotFound(of))
}

fn query_number(call: Call<'_>, name: &str) -> Option<u32> {
    query_value(call.query, name)?.parse().ok()
}

/// Puts a value that may be missing and that the files do not let be null: left out, or null as VTEX prints it.
fn put_optional(world: &World, shown: &mut Value, name: &str, value: Option<Value>) {
    match (value, world.options.quirks.numbers) {
        (Some(value), _) => shown[name] = value,
        (None, Numbers::Realistic) => shown[name] = Value::Null,
        (None, Numbers::Strict) => {}
    }
}
