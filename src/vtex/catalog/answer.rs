//! What replies mean.

use compact_str::CompactString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value as Json};

use super::found;
use crate::core::call::catalog::{
    CatalogAnswer, CatalogCall, Document, RemoteComponent, RemoteImage, RemoteSpecification,
};
use crate::core::call::{Answer, Failure};

/// What a reply means; `success`: its body, or why there is none.
pub(in crate::vtex) fn answer<'a>(
    call: &CatalogCall,
    status: u16,
    html: bool,
    success: &dyn Fn() -> Result<&'a [u8], Failure>,
) -> Result<Answer, Failure> {
    let body = match success() {
        Ok(body) => body,
        // The page of a proxy is not VTEX speaking.
        Err(failure) if html => return Err(failure),
        Err(failure) => return refused(call, status, failure),
    };
    let answer = match call {
        CatalogCall::FindBrand { name } => CatalogAnswer::Document(found::brand(list(call, body)?, name)),
        CatalogCall::FindCategory { name, parent } => {
            CatalogAnswer::Document(found::category(list(call, body)?, name, *parent))
        }
        CatalogCall::FindProduct { reference } | CatalogCall::FindSku { reference } => {
            CatalogAnswer::Document(by_reference(call, body, reference)?)
        }
        CatalogCall::ReadBrand { id }
        | CatalogCall::ReadCategory { id }
        | CatalogCall::ReadProduct { id }
        | CatalogCall::ReadSku { id } => CatalogAnswer::Document(Some(by_id(call, body, *id)?)),
        CatalogCall::CreateBrand { .. }
        | CatalogCall::CreateCategory { .. }
        | CatalogCall::CreateProduct { .. }
        | CatalogCall::CreateSku { .. } => CatalogAnswer::Created(id_of(call, &document(call, body)?)?),
        CatalogCall::ReadTradePolicies { .. } => CatalogAnswer::TradePolicies(policies(call, body)?),
        CatalogCall::ReadSpecifications { .. } => CatalogAnswer::Specifications(specifications(call, body)?),
        CatalogCall::ReadField { .. } => CatalogAnswer::FieldName(Some(json::<Field>(call, body)?.name)),
        CatalogCall::ReadEans { .. } => CatalogAnswer::Eans(json::<Vec<CompactString>>(call, body)?),
        CatalogCall::ReadImages { .. } => CatalogAnswer::Images(images(call, body)?),
        CatalogCall::ResolveSku { .. } => CatalogAnswer::Resolved(resolved(call, body)?),
        CatalogCall::ReadComponent { parent, sku } => {
            CatalogAnswer::Component(component(call, body, *parent, *sku)?)
        }
        _ => return Ok(Answer::Done),
    };
    Ok(Answer::Catalog(answer))
}

/// Refusals that are answers.
fn refused(call: &CatalogCall, status: u16, failure: Failure) -> Result<Answer, Failure> {
    let Failure::Status { body, .. } = &failure else { return Err(failure) };
    match (call, status) {
        (CatalogCall::FindProduct { .. } | CatalogCall::FindSku { .. }, 404) => {
            Ok(Answer::Catalog(CatalogAnswer::Document(None)))
        }
        (CatalogCall::ReadField { .. }, 404) => Ok(Answer::Catalog(CatalogAnswer::FieldName(None))),
        (CatalogCall::ReadComponent { .. }, 404) => Ok(Answer::Catalog(CatalogAnswer::Component(None))),
        // One image that VTEX does not take leaves the others.
        (CatalogCall::AddImage { .. } | CatalogCall::PutImage { .. }, 400 | 422) => {
            Ok(Answer::Catalog(CatalogAnswer::Unfit(format!("VTEX does not take it: {body}"))))
        }
        // It is gone already; that the SKU itself is gone, the next reading tells.
        (
            CatalogCall::RemoveEan { .. }
            | CatalogCall::RemoveImage { .. }
            | CatalogCall::RemoveSpecification { .. }
            | CatalogCall::RemoveComponent { .. },
            404,
        ) => Ok(Answer::Done),
        (_, 400 | 409) => duplicate(call, body, status).ok_or(failure),
        _ => Err(failure),
    }
}

/// What VTEX has already. One that it names by its link only is another thing: that stays a refusal, or we
/// would write into somebody else's product.
fn duplicate(call: &CatalogCall, body: &str, status: u16) -> Option<Answer> {
    let text = body.to_lowercase();
    let says_so = status == 409 || ["already", "registered", "exists"].iter().any(|word| text.contains(word));
    if !says_so || text.contains("linkid") {
        return None;
    }
    let exists = |id| Some(Answer::Catalog(CatalogAnswer::Exists(id)));
    let id = id_in(&text);
    match call {
        CatalogCall::AddEan { sku, .. } => (id == Some(*sku)).then_some(Answer::Done),
        // A SKU is looked for; without a number of anything else we would only ask in circles.
        CatalogCall::CreateSku { .. } => exists(id),
        CatalogCall::CreateProduct { .. } => exists(Some(id?)),
        CatalogCall::CreateBrand { .. } | CatalogCall::CreateCategory { .. } => exists(Some(id?)),
        _ => None,
    }
}

/// The number behind the last `id` of a message ("… with Product Id 12", "… registered in Sku id 7").
fn id_in(text: &str) -> Option<u32> {
    let (_, tail) = text.rsplit_once(" id ")?;
    let digits: &str = tail.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|id| is_id(*id))
}

const fn is_id(id: u32) -> bool {
    id != 0 && id <= i32::MAX as u32
}

fn malformed(call: &CatalogCall, what: &str) -> Failure {
    Failure::Malformed(format!("{}: {what}", call.line()))
}

fn json<T: DeserializeOwned>(call: &CatalogCall, body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| malformed(call, &error.to_string()))
}

/// With whole numbers as integers: VTEX writes `550.0` where it takes only `550` back.
fn document(call: &CatalogCall, body: &[u8]) -> Result<Document, Failure> {
    let mut document: Document = json(call, body)?;
    document.values_mut().for_each(whole_numbers);
    Ok(document)
}

fn list(call: &CatalogCall, body: &[u8]) -> Result<Vec<Document>, Failure> {
    let mut list: Vec<Document> = json(call, body)?;
    list.iter_mut().flat_map(|document| document.values_mut()).for_each(whole_numbers);
    Ok(list)
}

fn whole_numbers(value: &mut Json) {
    match value {
        Json::Number(number) => {
            let text = number.to_string();
            let whole = text.strip_suffix(".0").and_then(|digits| digits.parse::<i64>().ok());
            if let Some(whole) = whole {
                *number = Number::from(whole);
            }
        }
        Json::Array(values) => values.iter_mut().for_each(whole_numbers),
        Json::Object(fields) => fields.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

fn id_of(call: &CatalogCall, document: &Document) -> Result<u32, Failure> {
    let id = document.get("Id").and_then(Json::as_u64).and_then(|id| u32::try_from(id).ok());
    id.filter(|id| is_id(*id)).ok_or_else(|| malformed(call, "no Id"))
}

/// What is put back must be what was asked for.
fn by_id(call: &CatalogCall, body: &[u8], id: u32) -> Result<Document, Failure> {
    let document = document(call, body)?;
    if id_of(call, &document)? != id {
        return Err(malformed(call, "another Id than the one asked for"));
    }
    Ok(document)
}

/// Nothing, `null` or an empty text: VTEX knows none.
fn by_reference(call: &CatalogCall, body: &[u8], reference: &str) -> Result<Option<Document>, Failure> {
    if matches!(body.trim_ascii(), b"" | b"null" | b"\"\"") {
        return Ok(None);
    }
    let document = document(call, body)?;
    id_of(call, &document)?;
    if document.get("RefId").and_then(Json::as_str).is_some_and(|found| found.trim() != reference.trim()) {
        return Err(malformed(call, "another RefId than the one asked for"));
    }
    Ok(Some(document))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    store_id: f64,
}

fn policies(call: &CatalogCall, body: &[u8]) -> Result<Vec<u32>, Failure> {
    let policies: Vec<Policy> = json(call, body)?;
    policies.into_iter().map(|policy| number(call, policy.store_id)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Field {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Assigned {
    id: f64,
    field_id: f64,
    field_value_id: Option<f64>,
    text: Option<String>,
}

fn specifications(call: &CatalogCall, body: &[u8]) -> Result<Vec<RemoteSpecification>, Failure> {
    let assigned: Vec<Assigned> = json(call, body)?;
    let specification = |one: Assigned| {
        Ok(RemoteSpecification {
            id: number(call, one.id)?,
            field: number(call, one.field_id)?,
            of_list: one.field_value_id.is_some_and(|value| value > 0.0),
            text: one.text.unwrap_or_default(),
        })
    };
    assigned.into_iter().map(specification).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    id: f64,
    name: Option<CompactString>,
    #[serde(default)]
    is_main: bool,
    label: Option<String>,
    url: Option<String>,
    position: Option<f64>,
}

fn images(call: &CatalogCall, body: &[u8]) -> Result<Vec<RemoteImage>, Failure> {
    let files: Vec<File> = json(call, body)?;
    let image = |file: File| {
        Ok(RemoteImage {
            file: number(call, file.id)?,
            name: file.name.unwrap_or_default(),
            label: file.label,
            url: file.url.filter(|url| !url.is_empty()),
            main: file.is_main,
            position: file.position.map_or(Ok(0), |position| number(call, position))?,
        })
    };
    files.into_iter().map(image).collect()
}

/// A JSON text with the number, or the number.
fn resolved(call: &CatalogCall, body: &[u8]) -> Result<u32, Failure> {
    let id = match json::<Json>(call, body)? {
        Json::String(text) => text.trim().parse().ok(),
        Json::Number(number) => number.as_u64().and_then(|id| u32::try_from(id).ok()),
        // No such SKU, as other look-ups of VTEX say it.
        Json::Null => return Err(Failure::Status { code: 404, body: "null".to_owned() }),
        _ => None,
    };
    id.filter(|id| is_id(*id)).ok_or_else(|| malformed(call, "no SKU id"))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KitPart {
    id: f64,
    stock_keeping_unit_parent: f64,
    stock_keeping_unit_id: f64,
    quantity: f64,
}

/// One association, as the documentation has it, or a list of them.
fn component(
    call: &CatalogCall,
    body: &[u8],
    parent: u32,
    sku: u32,
) -> Result<Option<RemoteComponent>, Failure> {
    let parts: Vec<KitPart> = match json::<Json>(call, body)? {
        Json::Null => Vec::new(),
        list @ Json::Array(_) => {
            serde_json::from_value(list).map_err(|error| malformed(call, &error.to_string()))?
        }
        one => vec![serde_json::from_value(one).map_err(|error| malformed(call, &error.to_string()))?],
    };
    for part in parts {
        let of = (number(call, part.stock_keeping_unit_parent)?, number(call, part.stock_keeping_unit_id)?);
        if of == (parent, sku) {
            let (id, quantity) = (number(call, part.id)?, number(call, part.quantity)?);
            return Ok(Some(RemoteComponent { id, quantity }));
        }
    }
    Ok(None)
}

/// VTEX writes integers as `1` and as `1.0`.
fn number(call: &CatalogCall, value: f64) -> Result<u32, Failure> {
    let is_whole = value.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&value);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    is_whole.then_some(value as u32).ok_or_else(|| malformed(call, "a number that is no count or id"))
}
