//! What VTEX shows of an order, and orders placed in the simulator.

use std::time::Duration;

use anyhow::{Context, bail};
use compact_str::CompactString;
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};

use crate::config::Config;
use crate::core::call::orders::{OrderAct, OrderAnswer, OrderCall};
use crate::core::call::{Answer, Call, Failure};
use crate::core::order::RemoteOrder;
use crate::mapping::orders::inbound_config::{InboundConfig, PolicyKind};
use crate::validate::{Kind, Known};
use crate::vtex::Client;

/// More than the stock of any simulator.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// What of a SKU has to be for sale, so that an order of it takes nothing that others wait for.
const ENOUGH: i64 = 10;
/// What the order is of.
const UNITS: u32 = 2;
const PRICE_CENTAVOS: i64 = 4_990;
const SHIPPING_CENTAVOS: i64 = 1_500;

/// The order as it is now.
pub(super) async fn look(client: &Client, order: &str) -> Known<RemoteOrder> {
    let call = Call::Order(OrderCall { order: CompactString::from(order), act: OrderAct::Read });
    match client.execute(&call).await.result {
        Ok(Answer::Order(OrderAnswer::Order(order))) => Ok(*order),
        Ok(_) => Err("VTEX's answer is not understood".to_owned()),
        Err(Failure::Status { code: 404, .. }) => Err("VTEX does not know this order".to_owned()),
        // Bodies may quote what the customer wrote.
        Err(Failure::Status { code, .. }) => Err(format!("VTEX answers with {code}")),
        Err(failure) => Err(format!("VTEX cannot be asked: {failure:?}")),
    }
}

/// Where orders are placed by themselves.
pub(super) struct Simulator {
    http: reqwest::Client,
    base: String,
}

impl Simulator {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build();
        let base = format!("{}/_simulator", url.trim_end_matches('/'));
        Ok(Self { http: http.context("cannot prepare an HTTP client")?, base })
    }

    /// Places an order of this kind; its id.
    pub(super) async fn place(&self, kind: Kind, config: &Config) -> anyhow::Result<String> {
        let orders = config.orders.as_ref().context("there is no [orders]")?;
        let (sku, warehouse) = self.sellable(&orders.inbound, config).await?;
        let mut order = json!({
            "items": [{ "ref": sku, "quantity": UNITS, "warehouse": warehouse, "price": PRICE_CENTAVOS }],
            "shipping": SHIPPING_CENTAVOS,
        });
        match kind {
            Kind::Pickup => {
                let point = orders.inbound.pickup_points.first();
                let point =
                    point.context("no pick-up point is mapped: add one under [[orders.pickup_points]]")?;
                // Orders show the point behind the number of its seller; shops name it without.
                order["pickup"] = json!(point.id.strip_prefix("1_").unwrap_or(&point.id));
            }
            Kind::Delivery => {}
            Kind::Seller => {
                let policy =
                    orders.inbound.trade_policies.iter().find(|rule| rule.kind == PolicyKind::Seller);
                let policy = policy.context(
                    "no sales channel is one of sales people: add one with kind = \"seller\" under [[orders.trade_policies]]",
                )?;
                order["sales_channel"] = json!(policy.sales_channel);
            }
        }
        let placed = self.send(reqwest::Method::POST, "orders", Some(&order)).await?;
        let placed: Value = serde_json::from_slice(&placed).context("the simulator's answer is no JSON")?;
        placed["id"].as_str().map(str::to_owned).context("the simulator names no order")
    }

    /// A SKU with stock in a warehouse whose store is known.
    async fn sellable(&self, orders: &InboundConfig, config: &Config) -> anyhow::Result<(String, String)> {
        let stock = self.send(reqwest::Method::GET, "stock", None).await?;
        let mut found = None;
        for line in stock.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Value =
                serde_json::from_slice(line).context("the simulator's stock is not understood")?;
            let (Some(sku), Some(warehouse)) = (line["ref"].as_str(), line["warehouse"].as_str()) else {
                continue;
            };
            let left = line["quantity"].as_i64().unwrap_or(0) - line["reserved"].as_i64().unwrap_or(0);
            let is_known = orders.store_of(&config.mapping, warehouse).is_some();
            let candidate = (sku.to_owned(), warehouse.to_owned());
            if left >= ENOUGH && is_known && found.as_ref().is_none_or(|found| candidate < *found) {
                found = Some(candidate);
            }
        }
        found.with_context(|| {
            format!("the simulator has no SKU with {ENOUGH} units in a warehouse of [[mapping.stores]]: load stock first")
        })
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/{path}", self.base);
        let mut request = self.http.request(method, &url);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.with_context(|| format!("no simulator answers at {url}"))?;
        let status = response.status();
        let body = Limited::new(reqwest::Body::from(response), ANSWER_BYTES_MAX).collect().await;
        let body =
            body.map_err(|error| anyhow::anyhow!("the answer of {url} broke off: {error}"))?.to_bytes();
        if !status.is_success() {
            bail!("the simulator refuses it: {} (HTTP {status})", String::from_utf8_lossy(&body));
        }
        Ok(body.to_vec())
    }
}
