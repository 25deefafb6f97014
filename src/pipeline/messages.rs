//! Messages to customers, when `[messages]` names somebody to send them to.

use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashMap;

use super::wall_clock;
use crate::config::Config;
use crate::messages::{self, Outbox, ReadContact};
use crate::orders::Inbound;
use crate::store::Store;

/// Takes up what waits. Nothing is sent yet.
///
/// # Errors
/// When a secret is missing or the ledger cannot be read.
pub(super) fn outbox(config: &Config, store: &Store) -> anyhow::Result<Option<Arc<Outbox>>> {
    let parts = messages::Parts {
        store: store.clone(),
        webhooks: config.messages.webhooks()?,
        settings: config.messages.settings(),
        stores: stores(config),
        now: wall_clock,
    };
    Ok(messages::open(parts)?.map(Arc::new))
}

/// The store of each warehouse that only one feeds.
fn stores(config: &Config) -> HashMap<CompactString, CompactString> {
    let rules = &config.mapping.stores;
    let is_only = |warehouse: &str, loja: &str| {
        rules.iter().all(|other| other.warehouse != warehouse || other.loja == loja)
    };
    rules
        .iter()
        .filter(|rule| is_only(&rule.warehouse, &rule.loja))
        .map(|rule| (CompactString::from(rule.warehouse.as_str()), CompactString::from(rule.loja.as_str())))
        .collect()
}

/// Asks VTEX who placed an order, within the budget of the entry of orders.
pub(super) fn read_contact(orders: Option<&Arc<Inbound>>) -> ReadContact {
    let orders = orders.cloned();
    Arc::new(move |order| {
        let orders = orders.clone();
        Box::pin(async move {
            match orders {
                Some(orders) => orders.contact(&order).await,
                // The configuration wants [orders] with personal data.
                None => Ok(None),
            }
        })
    })
}
