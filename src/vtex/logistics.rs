//! Inventory (VTEX Logistics API).

use std::fmt::Write as _;

use compact_str::CompactString;
use serde::Deserialize;

use super::json;
use super::request::{Refused, push_segment};
use crate::core::call::{Failure, RemoteStock};
use crate::core::entity::SkuId;
use crate::core::time::Timestamp;

pub(super) const PICKUP_POINTS_PATH: &str = "/api/logistics/pvt/configuration/pickuppoints";
pub(super) const WAREHOUSES_PATH: &str = "/api/logistics/pvt/configuration/warehouses";

pub(super) fn sku_path(sku: SkuId) -> String {
    format!("/api/logistics/pvt/inventory/skus/{sku}")
}

pub(super) fn quantity_path(sku: SkuId, warehouse: &str) -> Result<String, Refused> {
    let mut path = sku_path(sku);
    path.push_str("/warehouses");
    push_segment(&mut path, warehouse)?;
    path.push_str("/quantity");
    Ok(path)
}

/// VTEX takes an absent quantity for 0, so the body is written from values that cannot be absent.
pub(super) fn quantity_body(quantity: u32, balance_at: Timestamp) -> Result<String, Refused> {
    if i32::try_from(quantity).is_err() {
        return Err(Refused::Quantity(quantity));
    }
    let at = json::date(balance_at)?;
    let mut body = String::with_capacity(112);
    // Writing to a String cannot fail.
    let _ = write!(
        body,
        r#"{{"quantity":{quantity},"unlimitedQuantity":false,"dateUtcOnBalanceSystem":"{at}"}}"#
    );
    Ok(body)
}

#[derive(Deserialize)]
struct Inventory {
    balance: Vec<Balance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Balance {
    warehouse_id: String,
    total_quantity: i64,
    reserved_quantity: i64,
    has_unlimited_quantity: bool,
}

/// The balance of one warehouse. Warehouse ids are told apart without regard to case in the inventory
/// (VTEX known issue 346163); one that is spelled the same goes first.
pub(super) fn balance(body: &[u8], warehouse: &str) -> Result<Option<RemoteStock>, Failure> {
    Ok(inventory(body)?.of(warehouse))
}

/// As [`balance`], of each of several warehouses.
pub(super) fn balances(
    body: &[u8],
    warehouses: &[CompactString],
) -> Result<Vec<Option<RemoteStock>>, Failure> {
    let inventory = inventory(body)?;
    Ok(warehouses.iter().map(|warehouse| inventory.of(warehouse)).collect())
}

fn inventory(body: &[u8]) -> Result<Inventory, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Malformed(format!("inventory of a SKU: {error}")))
}

impl Inventory {
    fn of(&self, warehouse: &str) -> Option<RemoteStock> {
        let same = self.balance.iter().find(|balance| balance.warehouse_id == warehouse);
        let alike = || self.balance.iter().find(|it| it.warehouse_id.eq_ignore_ascii_case(warehouse));
        same.or_else(alike).map(|balance| RemoteStock {
            total: balance.total_quantity,
            reserved: balance.reserved_quantity,
            unlimited: balance.has_unlimited_quantity,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_a_balance_or_an_error() {
        crate::mutation::each("stock", &crate::mutation::JSON, |body| {
            drop(balance(body, "1_1"));
            drop(balances(body, &["1_1".into(), "loja".into()]));
        });
    }
}
