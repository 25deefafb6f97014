//! Every key of Live against every key of the simulator: the last word of the demo.

use std::collections::BTreeMap;

use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use super::Engine;
use super::expected::{self, Minimum};

/// A million SKUs and their prices.
const DUMP_BYTES_MAX: usize = 1 << 30;

/// How the stores and price tables of the shop are mapped.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// What stands before `loja.codigo` in the warehouse id.
    pub warehouse_prefix: String,
    pub base_table: String,
    pub cost_table: Option<String>,
    /// `tabela_preco.codigo` → trade policy, of every table whose prices go out as fixed prices. The base
    /// table's are its promotions.
    pub trade_policies: BTreeMap<String, String>,
}

/// What was compared, and what differs.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    pub stock_keys: usize,
    pub price_keys: usize,
    pub fixed_prices: usize,
    /// `key: Live, VTEX`.
    pub differences: Vec<String>,
}

/// Compares.
///
/// # Errors
/// When Live or the simulator does not answer.
pub async fn compare(engine: &impl Engine, simulator: &str, mapped: &Mapped) -> anyhow::Result<Comparison> {
    let mut found = Comparison::default();
    stock(engine, simulator, mapped, &mut found).await?;
    prices(engine, simulator, mapped, &mut found).await?;
    Ok(found)
}

async fn stock(
    engine: &impl Engine,
    simulator: &str,
    mapped: &Mapped,
    found: &mut Comparison,
) -> anyhow::Result<()> {
    let mut shown: BTreeMap<String, i64> = dump(simulator, "stock")
        .await?
        .iter()
        .filter_map(|stock| {
            let key = format!("{}/{}", stock["warehouse"].as_str()?, stock["ref"].as_str()?);
            Some((key, stock["quantity"].as_i64()?))
        })
        .collect();
    for stock in expected::stock(engine, Minimum::Hide).await? {
        let key = format!("{}{}/{}", mapped.warehouse_prefix, stock.store, stock.sku);
        let vtex = shown.remove(&key);
        found.stock_keys += 1;
        // What was never written is shown as 0 by VTEX.
        if vtex.unwrap_or(0) != stock.quantity {
            found.differences.push(format!("stock {key}: Live {}, VTEX {vtex:?}", stock.quantity));
        }
    }
    // What is left is stock that Live has no row for, or that is not for the web shop any more.
    let left = shown.into_iter().filter(|(_, quantity)| *quantity != 0);
    found
        .differences
        .extend(left.map(|(key, quantity)| format!("stock {key}: Live nothing, VTEX {quantity}")));
    Ok(())
}

async fn prices(
    engine: &impl Engine,
    simulator: &str,
    mapped: &Mapped,
    found: &mut Comparison,
) -> anyhow::Result<()> {
    let shown: BTreeMap<String, Value> = dump(simulator, "prices")
        .await?
        .into_iter()
        .filter_map(|price| Some((price["ref"].as_str()?.to_owned(), price)))
        .collect();
    let cost = mapped.cost_table.as_deref();
    for price in expected::prices(engine, &mapped.base_table, cost).await? {
        found.price_keys += 1;
        let vtex = shown.get(&price.sku).unwrap_or(&Value::Null);
        let same = cents(&vtex["base"]) == Some(price.base)
            && cents(&vtex["list"]) == Some(price.list)
            && price.cost.is_none_or(|cost| cents(&vtex["cost"]) == Some(cost));
        if !same {
            found.differences.push(format!("price {}: Live {price:?}, VTEX {vtex}", price.sku));
        }
    }
    for fixed in expected::fixed_prices(engine, &mapped.base_table, cost).await? {
        let Some(policy) = mapped.trade_policies.get(&fixed.table) else { continue };
        found.fixed_prices += 1;
        let vtex = shown.get(&fixed.sku).and_then(|price| price["fixed"].as_array()).into_iter().flatten();
        let mut same = vtex.filter(|vtex| {
            vtex["table"] == policy.as_str()
                && vtex["min_quantity"].as_i64() == Some(fixed.min_quantity)
                && cents(&vtex["value"]) == Some(fixed.value)
        });
        if same.next().is_none() {
            found.differences.push(format!("fixed price {} on {policy}: Live {fixed:?}", fixed.sku));
        }
    }
    Ok(())
}

fn cents(reais: &Value) -> Option<i64> {
    // VTEX's numbers have two decimals; rounding takes off what a double adds.
    reais.as_f64().map(|reais| (reais * 100.0).round() as i64)
}

async fn dump(simulator: &str, what: &str) -> anyhow::Result<Vec<Value>> {
    let response = reqwest::get(format!("{simulator}/_simulator/{what}")).await?;
    let body = Limited::new(reqwest::Body::from(response), DUMP_BYTES_MAX)
        .collect()
        .await
        .map_err(|error| anyhow::anyhow!("the simulator's answer broke off: {error}"))?
        .to_bytes();
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(anyhow::Error::from))
        .collect()
}
