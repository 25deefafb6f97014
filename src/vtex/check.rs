//! What `mare check` asks of an account: reads only, so permission to write shows with the first write.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;

use super::client::Client;
use super::request::Request;
use super::{catalog, findings, logistics, pricing};
use crate::core::call::{Failure, Lane};
use crate::core::entity::SkuId;

/// Any SKU will do to see whether balances may be read: only 401 and 403 count.
const PROBED_SKU: SkuId = SkuId(1);

/// A reference that nobody has.
const PROBED_REFERENCE: &str = "mare-check";

/// What the configuration names and the account should have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    pub warehouses: Vec<String>,
    /// Trade policies or price tables.
    pub trade_policies: Vec<String>,
}

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Ok,
    Warning,
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `credentials`, `stock`, `price` …
    pub subject: &'static str,
    pub severity: Severity,
    pub message: String,
    /// What the operator can do about it.
    pub remedy: Option<String>,
}

/// What the account has, as far as it could be read, and what is to be said about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    pub findings: Vec<Finding>,
    pub warehouses: Vec<Warehouse>,
    pub trade_policies: Vec<TradePolicy>,
    pub price_tables: Vec<String>,
    pub pricing: Option<PricingConfig>,
}

/// A warehouse (Logistics API, "List all warehouses").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warehouse {
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default = "active")]
    pub is_active: bool,
}

/// A pick-up point (Logistics API, "List all pickup points": the first 1,000).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PickupPoint {
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default = "active")]
    pub is_active: bool,
}

/// A trade policy (Catalog API, "Get sales channel list").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TradePolicy {
    pub id: u32,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default = "active")]
    pub is_active: bool,
}

/// What the account enforces on prices (Pricing API, "Get pricing configuration").
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PricingConfig {
    /// VTEX has closed its Pricing API for requests from outside.
    #[serde(default)]
    pub block_account: bool,
    #[serde(default)]
    pub blocked_routes: Option<Vec<String>>,
    #[serde(default)]
    pub price_variation: Option<PriceVariation>,
    /// Lowest markup per trade policy, in percent.
    #[serde(default)]
    pub minimum_markups: Option<BTreeMap<String, Number>>,
    #[serde(default)]
    pub has_optional_base_price: bool,
    #[serde(default)]
    pub price_table_selection_strategy: Option<String>,
    #[serde(default)]
    pub price_table_limit: Option<u32>,
}

/// Limits of a single price change.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceVariation {
    #[serde(default)]
    pub upper_limit: Option<Number>,
    #[serde(default)]
    pub lower_limit: Option<Number>,
}

const fn active() -> bool {
    true
}

/// The answers of all probes, before anything is said about them.
pub(super) struct Probes {
    pub(super) balance: Result<(), Failure>,
    pub(super) lookup: Result<(), Failure>,
    pub(super) warehouses: Result<Vec<Warehouse>, Failure>,
    pub(super) trade_policies: Result<Vec<TradePolicy>, Failure>,
    pub(super) pricing: Result<PricingConfig, Failure>,
    pub(super) price_tables: Result<Vec<String>, Failure>,
}

impl Client {
    /// Asks the account six questions at once and says what it found, the credentials first.
    pub async fn check(&self, expected: &Expected) -> Account {
        let probes = self.probe().await;
        let findings = findings::of(&probes, expected);
        Account {
            findings,
            warehouses: probes.warehouses.unwrap_or_default(),
            trade_policies: probes.trade_policies.unwrap_or_default(),
            price_tables: probes.price_tables.unwrap_or_default(),
            pricing: probes.pricing.ok(),
        }
    }

    /// Where orders can be picked up.
    ///
    /// # Errors
    /// When VTEX does not say.
    pub async fn pickup_points(&self) -> Result<Vec<PickupPoint>, Failure> {
        self.list(Lane::Orders, logistics::PICKUP_POINTS_PATH).await
    }

    async fn probe(&self) -> Probes {
        let balance = Request::get(Lane::Stock, logistics::sku_path(PROBED_SKU));
        let lookup = Request::lookup(&[PROBED_REFERENCE.into()]);
        let (balance, lookup, warehouses, trade_policies, pricing, price_tables) = tokio::join!(
            self.ask(&balance),
            self.ask(&lookup),
            self.list(Lane::Stock, logistics::WAREHOUSES_PATH),
            self.list(Lane::Catalog, catalog::TRADE_POLICIES_PATH),
            self.list(Lane::Price, pricing::CONFIG_PATH),
            self.list(Lane::Price, pricing::TABLES_PATH),
        );
        let balance = match balance {
            // The account has no such SKU, and says so: the permission is there.
            Err(Failure::Status { code: 400 | 404, .. }) | Ok(_) => Ok(()),
            Err(failure) => Err(failure),
        };
        Probes { balance, lookup: lookup.map(drop), warehouses, trade_policies, pricing, price_tables }
    }

    async fn list<T: for<'de> Deserialize<'de>>(&self, lane: Lane, path: &str) -> Result<T, Failure> {
        let body = self.ask(&Request::get(lane, path.to_owned())).await?;
        serde_json::from_slice(&body)
            // Line and column only: what VTEX sent may be anything.
            .map_err(|error| Failure::Malformed(format!("unexpected answer at column {}", error.column())))
    }
}
