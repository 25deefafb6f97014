//! What Live wants VTEX to hold for a key.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::money::Money;
use super::time::Timestamp;

/// The wanted, or the confirmed, state of one key. Small enough to be stored whole: the planner needs
/// the confirmed one to know what changed and the operator to see what VTEX holds.
///
/// The order of the variants is stored in the ledger: append only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    Stock(Stock),
    Price(Box<Price>),
}

/// Total quantity of a SKU in a warehouse, as VTEX's inventory takes it: an absolute number, from which
/// VTEX itself subtracts its reservations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Units, 0 to 2,147,483,647 (VTEX: int32).
    pub quantity: u32,
}

/// Every price that Live holds for a SKU. An absent price is one that Live does not have: it is never
/// replaced by a default, and never deleted in VTEX unless the configuration says so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Price {
    pub base: Option<Money>,
    pub list: Option<Money>,
    pub cost: Option<Money>,
    /// Sorted by trade policy, minimum quantity and beginning, without duplicates.
    pub fixed: Vec<FixedPrice>,
}

/// A price of one trade policy (or price table), from a minimum quantity on, for a time or for good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FixedPrice {
    /// VTEX `tradePolicyId`: a trade policy's number or a price table's name.
    pub trade_policy: CompactString,
    pub min_quantity: u32,
    /// From and to; `None` is valid always.
    pub valid: Option<(Timestamp, Timestamp)>,
    pub value: Money,
    pub list: Option<Money>,
}

impl FixedPrice {
    /// What VTEX tells fixed prices of one SKU apart by (Pricing API, `PATCH …/fixed`).
    pub fn identity(&self) -> (&str, u32, Option<(Timestamp, Timestamp)>) {
        (&self.trade_policy, self.min_quantity, self.valid)
    }
}
