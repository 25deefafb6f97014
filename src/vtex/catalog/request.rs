//! Method, path and body of every call.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::super::request::{Refused, push_segment};
use crate::core::call::catalog::{CATEGORY_LEVELS, CatalogCall, Document};
use crate::core::money::Money;
use crate::core::value::catalog::{Component, Image, Specification};

const PVT: &str = "/api/catalog/pvt";
const SYSTEM: &str = "/api/catalog_system";

type Parts = (Method, String, Option<String>);

/// Method, path and body.
pub(in crate::vtex) fn request(call: &CatalogCall) -> Result<Parts, Refused> {
    Ok(match call {
        CatalogCall::FindBrand { .. } => get(format!("{SYSTEM}/pvt/brand/list")),
        CatalogCall::CreateBrand { body } => post(format!("{PVT}/brand"), body),
        CatalogCall::ReadBrand { id } => get(format!("{PVT}/brand/{id}")),
        CatalogCall::PutBrand { id, body } => put(format!("{PVT}/brand/{id}"), body),
        CatalogCall::FindCategory { .. } => get(format!("{SYSTEM}/pub/category/tree/{CATEGORY_LEVELS}")),
        CatalogCall::CreateCategory { body } => post(format!("{PVT}/category"), body),
        CatalogCall::ReadCategory { id } => get(format!("{PVT}/category/{id}")),
        CatalogCall::PutCategory { id, body } => put(format!("{PVT}/category/{id}"), body),
        CatalogCall::FindProduct { reference } => {
            get(with_segment(format!("{SYSTEM}/pvt/products/productgetbyrefid"), reference)?)
        }
        CatalogCall::CreateProduct { body } => post(format!("{PVT}/product"), body),
        CatalogCall::ReadProduct { id } => get(format!("{PVT}/product/{id}")),
        CatalogCall::PutProduct { id, body } => put(format!("{PVT}/product/{id}"), body),
        CatalogCall::PutProductSpecification { id, specification } => {
            let path = format!("{PVT}/product/{id}/specificationvalue");
            with(Method::PUT, path, &specification_body(specification))
        }
        CatalogCall::ReadSpecifications { owner } => get(format!("{PVT}/{}", owner.path())),
        CatalogCall::ReadField { field } => get(format!("{PVT}/specification/{field}")),
        CatalogCall::RemoveSpecification { owner, specification } => {
            bare(Method::DELETE, format!("{PVT}/{}/{specification}", owner.path()))
        }
        CatalogCall::ReadTradePolicies { product } => get(format!("{PVT}/product/{product}/salespolicy")),
        CatalogCall::AddTradePolicy { product, policy } => {
            bare(Method::POST, format!("{PVT}/product/{product}/salespolicy/{policy}"))
        }
        CatalogCall::RemoveTradePolicy { product, policy } => {
            bare(Method::DELETE, format!("{PVT}/product/{product}/salespolicy/{policy}"))
        }
        call => return request_of_sku(call),
    })
}

fn request_of_sku(call: &CatalogCall) -> Result<Parts, Refused> {
    const SKU: &str = "/api/catalog/pvt/stockkeepingunit";
    Ok(match call {
        CatalogCall::FindSku { reference } => {
            // Encoded as a segment is, which is more than a query needs.
            let encoded = with_segment(String::new(), reference)?;
            get(format!("{SKU}?RefId={}", &encoded[1..]))
        }
        CatalogCall::ResolveSku { reference } => {
            get(with_segment(format!("{SYSTEM}/pvt/sku/stockkeepingunitidbyrefid"), reference)?)
        }
        CatalogCall::CreateSku { body } => post(SKU.to_owned(), body),
        CatalogCall::ReadSku { id } => get(format!("{SKU}/{id}")),
        CatalogCall::PutSku { id, body } => put(format!("{SKU}/{id}"), body),
        CatalogCall::PutSkuSpecification { id, specification } => {
            with(Method::PUT, format!("{SKU}/{id}/specificationvalue"), &specification_body(specification))
        }
        CatalogCall::ReadEans { sku } => get(format!("{SKU}/{sku}/ean")),
        CatalogCall::AddEan { sku, ean } => {
            bare(Method::POST, with_segment(format!("{SKU}/{sku}/ean"), ean)?)
        }
        CatalogCall::RemoveEan { sku, ean } => {
            bare(Method::DELETE, with_segment(format!("{SKU}/{sku}/ean"), ean)?)
        }
        CatalogCall::ReadImages { sku } => get(format!("{SKU}/{sku}/file")),
        CatalogCall::AddImage { sku, image, position } => {
            with(Method::POST, format!("{SKU}/{sku}/file"), &image_body(image, *position))
        }
        CatalogCall::PutImage { sku, file, image, position } => {
            with(Method::PUT, format!("{SKU}/{sku}/file/{file}"), &image_body(image, *position))
        }
        CatalogCall::RemoveImage { sku, file } => bare(Method::DELETE, format!("{SKU}/{sku}/file/{file}")),
        CatalogCall::ReadComponent { parent, sku } => {
            get(format!("{SKU}kit?skuId={sku}&parentSkuId={parent}"))
        }
        CatalogCall::AddComponent { parent, sku, component, unit_price } => {
            let body = component_body(*parent, *sku, component, *unit_price)?;
            (Method::POST, format!("{SKU}kit"), Some(body))
        }
        CatalogCall::RemoveComponent { component, .. } => {
            bare(Method::DELETE, format!("{SKU}kit/{component}"))
        }
        // Every other call has been made into a request before.
        call => return Err(Refused::Segment(call.line())),
    })
}

const fn get(path: String) -> Parts {
    bare(Method::GET, path)
}

const fn bare(method: Method, path: String) -> Parts {
    (method, path, None)
}

fn post(path: String, body: &Document) -> Parts {
    (Method::POST, path, Some(text_of(body)))
}

fn put(path: String, body: &Document) -> Parts {
    (Method::PUT, path, Some(text_of(body)))
}

fn with(method: Method, path: String, body: &Json) -> Parts {
    (method, path, Some(body.to_string()))
}

/// As VTEX takes it: a text that ends in a blank is answered with 400 and nothing else (known issue 977033).
fn text_of(body: &Document) -> String {
    let trimmed = |value: &Json| match value {
        Json::String(text) => Json::from(text.trim()),
        other => other.clone(),
    };
    let body: Document = body.iter().map(|(name, value)| (name.clone(), trimmed(value))).collect();
    Json::Object(body).to_string()
}

fn with_segment(mut path: String, segment: &str) -> Result<String, Refused> {
    push_segment(&mut path, segment)?;
    Ok(path)
}

/// The field belongs to the product's category, not to all of the shop.
fn specification_body(specification: &Specification) -> Json {
    let values: Vec<&str> = specification.values.iter().map(|value| value.trim()).collect();
    json!({
        "FieldName": specification.name.trim(),
        "GroupName": specification.group.trim(),
        "RootLevelSpecification": false,
        "FieldValues": values,
    })
}

/// An absent label is left out. The main image is the one at position 0.
fn image_body(image: &Image, position: u32) -> Json {
    let mut body = json!({
        "IsMain": position == 0,
        "Name": image.name.trim(),
        "Url": image.url.trim(),
        "Position": position,
    });
    if let Some(label) = &image.label {
        body["Label"] = Json::from(label.trim());
    }
    body
}

fn component_body(
    parent: u32,
    sku: u32,
    component: &Component,
    unit_price: Option<Money>,
) -> Result<String, Refused> {
    let Some(price) = unit_price else { return Err(Refused::NoComponentPrice) };
    let mut body = String::new();
    // Writing to a String cannot fail. Money is written as the decimal that it is.
    let _ = write!(
        body,
        r#"{{"StockKeepingUnitParent":{parent},"StockKeepingUnitId":{sku},"Quantity":{},"UnitPrice":{price}}}"#,
        component.quantity
    );
    Ok(body)
}
