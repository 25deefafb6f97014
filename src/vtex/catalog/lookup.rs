//! Look-up of SKUs by their references, a hundred at once.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use serde::Deserialize;

use super::super::json;
use crate::core::call::Failure;
use crate::core::entity::SkuId;

pub(in crate::vtex) const LOOKUP_PATH: &str = "/api/catalog_system/pub/sku/stockkeepingunitidsbyrefids";
pub(in crate::vtex) const TRADE_POLICIES_PATH: &str = "/api/catalog_system/pvt/saleschannel/list";

/// Every reference once: VTEX answers repeated ones with status 500.
pub(in crate::vtex) fn lookup_body(refs: &[CompactString]) -> String {
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
pub(in crate::vtex) fn skus(
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
