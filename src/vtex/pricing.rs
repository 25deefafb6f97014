//! Prices (VTEX Pricing API).

use std::fmt::Write as _;

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::Number;

use super::json;
use super::request::{Refused, push_segment};
use crate::core::call::{Failure, RemotePrice};
use crate::core::entity::SkuId;
use crate::core::money::Money;
use crate::core::time::Timestamp;
use crate::core::value::{FixedPrice, Price};

pub(super) const CONFIG_PATH: &str = "/pricing/config";
pub(super) const TABLES_PATH: &str = "/pricing/tables";

pub(super) fn price_path(sku: SkuId) -> String {
    format!("/pricing/prices/{sku}")
}

pub(super) fn fixed_path(sku: SkuId) -> String {
    format!("/pricing/prices/{sku}/fixed")
}

pub(super) fn table_path(sku: SkuId, trade_policy: &str) -> Result<String, Refused> {
    let mut path = fixed_path(sku);
    push_segment(&mut path, trade_policy)?;
    Ok(path)
}

/// `basePrice` with `costPrice`, or alone: never `markup`, which VTEX derives from the two ("exactly two of
/// the three"; the third fails). `fixedPrices` is always written, because it replaces all of the SKU and
/// nothing says what leaving it out does. Absent prices are left out: none of the fields may be null.
pub(super) fn price_body(price: &Price) -> Result<String, Refused> {
    let base = price.base.ok_or(Refused::NoBasePrice)?;
    let mut body = String::with_capacity(96 + 160 * price.fixed.len());
    // Writing to a String cannot fail.
    let _ = write!(body, r#"{{"basePrice":{base}"#);
    push_optional(&mut body, "costPrice", price.cost);
    push_optional(&mut body, "listPrice", price.list);
    body.push_str(r#","fixedPrices":"#);
    push_fixed(&mut body, &price.fixed)?;
    body.push('}');
    Ok(body)
}

pub(super) fn fixed_body(fixed: &[FixedPrice]) -> Result<String, Refused> {
    let mut body = String::with_capacity(2 + 160 * fixed.len());
    push_fixed(&mut body, fixed)?;
    Ok(body)
}

fn push_fixed(body: &mut String, fixed: &[FixedPrice]) -> Result<(), Refused> {
    body.push('[');
    for (index, price) in fixed.iter().enumerate() {
        body.push_str(if index == 0 { r#"{"tradePolicyId":"# } else { r#",{"tradePolicyId":"# });
        json::push_text(body, &price.trade_policy);
        let _ = write!(body, r#","value":{},"minQuantity":{}"#, price.value, price.min_quantity);
        push_optional(body, "listPrice", price.list);
        if let Some((from, to)) = price.valid {
            let (from, to) = (json::date(from)?, json::date(to)?);
            let _ = write!(body, r#","dateRange":{{"from":"{from}","to":"{to}"}}"#);
        }
        body.push('}');
    }
    body.push(']');
    Ok(())
}

fn push_optional(body: &mut String, name: &str, amount: Option<Money>) {
    if let Some(amount) = amount {
        let _ = write!(body, r#","{name}":{amount}"#);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prices {
    item_id: String,
    base_price: Option<Number>,
    list_price: Option<Number>,
    cost_price: Option<Number>,
    fixed_prices: Option<Vec<Fixed>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fixed {
    trade_policy_id: CompactString,
    value: Number,
    list_price: Option<Number>,
    min_quantity: u32,
    date_range: Option<DateRange>,
}

#[derive(Deserialize)]
struct DateRange {
    from: String,
    to: String,
}

/// The prices of a SKU. The OpenAPI file calls them int32 and never null; they are decimals and may be.
///
/// A base, list or cost price between two centavos (VTEX derives some from a markup) counts as none, so
/// that it differs from anything of ours. A fixed price between two centavos is an error: it may be
/// someone else's, and would be changed by writing it back.
pub(super) fn prices(body: &[u8], sku: SkuId) -> Result<RemotePrice, Failure> {
    let prices: Prices = serde_json::from_slice(body)
        .map_err(|error| Failure::Malformed(format!("prices of SKU {sku}: {error}")))?;
    if prices.item_id != sku.to_string() {
        return Err(Failure::Malformed(format!("prices of another SKU than {sku}")));
    }
    let amount = |number: Option<Number>| number.as_ref().and_then(json::centavos);
    let fixed = prices.fixed_prices.unwrap_or_default();
    let mut fixed = fixed.into_iter().map(fixed_price).collect::<Result<Vec<_>, _>>()?;
    fixed.sort();
    Ok(RemotePrice {
        base: amount(prices.base_price),
        list: amount(prices.list_price),
        cost: amount(prices.cost_price),
        fixed,
    })
}

fn fixed_price(fixed: Fixed) -> Result<FixedPrice, Failure> {
    let policy = &fixed.trade_policy_id;
    let exact = |number: &Number| {
        json::centavos(number).ok_or_else(|| {
            Failure::Malformed(format!("fixed price {number} of '{policy}' is not in whole centavos"))
        })
    };
    let date = |text: &str| -> Result<Timestamp, Failure> {
        json::parse_date(text).ok_or_else(|| {
            Failure::Malformed(format!("date '{text}' in a fixed price of '{policy}' is not RFC 3339"))
        })
    };
    let valid = match &fixed.date_range {
        Some(range) => Some((date(&range.from)?, date(&range.to)?)),
        None => None,
    };
    let value = exact(&fixed.value)?;
    let list = fixed.list_price.as_ref().map(exact).transpose()?;
    let min_quantity = fixed.min_quantity;
    Ok(FixedPrice { trade_policy: fixed.trade_policy_id, min_quantity, valid, value, list })
}
