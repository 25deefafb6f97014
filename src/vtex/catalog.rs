//! Look-ups in the catalog (VTEX Catalog API).

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use reqwest::Method;
use serde::Deserialize;

use super::json;
use super::request::Refused;
use crate::core::call::catalog::CatalogCall;
use crate::core::call::{Answer, Failure};
use crate::core::entity::SkuId;

pub(super) const LOOKUP_PATH: &str = "/api/catalog_system/pub/sku/stockkeepingunitidsbyrefids";
pub(super) const TRADE_POLICIES_PATH: &str = "/api/catalog_system/pvt/saleschannel/list";

/// Every reference once: VTEX answers repeated ones with status 500.
pub(super) fn lookup_body(refs: &[CompactString]) -> String {
    let mut body = String::with_capacity(2 + 24 * refs.len());
    body.push('[');
    for (index, reference) in distinct(refs).enumerate() {
        if index > 0 {
            body.push(',');
        }
        json::push_text(&mut body, reference);
    }
    body.push(']');
    body
}

fn distinct(refs: &[CompactString]) -> impl Iterator<Item = &CompactString> {
    let mut seen = HashSet::with_capacity(refs.len());
    refs.iter().filter(move |reference| seen.insert(reference.as_str()))
}

/// SKU ids come as strings; numbers are read too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u32),
    Text(String),
}

/// The SKU of every reference asked for, once each and in that order; absent and null mean that VTEX
/// knows none.
pub(super) fn skus(
    body: &[u8],
    refs: &[CompactString],
) -> Result<Vec<(CompactString, Option<SkuId>)>, Failure> {
    let found: HashMap<String, Option<Id>> = serde_json::from_slice(body)
        .map_err(|error| Failure::Malformed(format!("SKUs by reference: {error}")))?;
    distinct(refs)
        .map(|reference| {
            let sku = found.get(reference.as_str()).and_then(Option::as_ref).map(sku_id).transpose()?;
            Ok((reference.clone(), sku))
        })
        .collect()
}

fn sku_id(id: &Id) -> Result<SkuId, Failure> {
    let number = match id {
        Id::Number(number) => Some(*number),
        Id::Text(text) => text.parse().ok(),
    };
    let number = number.filter(|number| (1..=i32::MAX as u32).contains(number));
    number
        .map(SkuId)
        .ok_or_else(|| Failure::Malformed("SKUs by reference: an id that is no SKU id".to_owned()))
}

/// Method, path and body.
pub(super) fn request(call: &CatalogCall) -> Result<(Method, String, Option<String>), Refused> {
    Err(Refused::Segment(call.line()))
}

/// What a reply means; `success`: its body, or why there is none.
pub(super) fn answer<'a>(
    _call: &CatalogCall,
    _status: u16,
    _html: bool,
    success: &dyn Fn() -> Result<&'a [u8], Failure>,
) -> Result<Answer, Failure> {
    success().map(|_| Answer::Done)
}
