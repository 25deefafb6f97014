//! What people see of orders and do about them.

use std::cmp::Reverse;

use compact_str::CompactString;
use serde_json::{Value as Json, json};

use super::Inbound;
use super::write::Refusal;
use crate::core::order::record::{HeldOrder, OrderEvent, OrderRecord};
use crate::core::time::Timestamp;
use crate::store::{Durability, Op, StoreError};

impl Inbound {
    /// Orders that are set aside, the longest first; or with `recent` the last ones that something was done about.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn list(&self, recent: bool, limit: usize) -> Result<Json, StoreError> {
        if recent {
            return self.recent(limit);
        }
        let mut held: Vec<(CompactString, HeldOrder)> = Vec::new();
        self.parts.store.each_held(&mut |order, record| held.push((order, record)))?;
        held.sort_by_key(|(_, record)| record.since);
        let total = held.len();
        held.truncate(limit);
        let line = |(order, held): &(CompactString, HeldOrder)| self.held_line(order, held);
        let lines = held.iter().map(line).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(json!({ "held": lines, "total": total }))
    }

    fn recent(&self, limit: usize) -> Result<Json, StoreError> {
        let mut known: Vec<(Option<Timestamp>, CompactString, OrderRecord)> = Vec::new();
        self.parts.store.each_order(&mut |order, record| {
            known.push((record.last(), order, record));
            // The newest ones are kept; so many at most are in memory.
            if known.len() > limit.saturating_mul(2).max(1_000) {
                known.sort_unstable_by_key(|known| Reverse(known.0));
                known.truncate(limit);
            }
        })?;
        known.sort_unstable_by_key(|known| Reverse(known.0));
        known.truncate(limit);
        let line = |(_, order, record): &(Option<Timestamp>, CompactString, OrderRecord)| {
            let last = record.history.last();
            json!({
                "order": order, "sequence": record.sequence, "numbers": record.numbers,
                "status": last.map(|event| &event.status), "at": last.map(|event| event.at.to_string()),
                "what": last.map(|event| &event.what),
            })
        };
        Ok(json!({ "orders": known.iter().map(line).collect::<Vec<_>>() }))
    }

    fn held_line(&self, order: &str, held: &HeldOrder) -> Result<Json, StoreError> {
        let record = self.parts.store.order(order)?.unwrap_or_default();
        Ok(json!({
            "order": order, "sequence": held.sequence, "numbers": record.numbers, "status": held.status,
            "since": held.since.to_string(), "tries": held.tries, "last_try": held.last_try.to_string(),
            "again_at": held.again_at.to_string(), "reasons": held.reasons,
        }))
    }

    /// All that is known of an order: what the ledger noted, and what Live and VTEX say now.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn show(&self, order: &str) -> Result<Json, StoreError> {
        let held = self.parts.store.held(order)?;
        let held = held.map(|held| self.held_line(order, &held)).transpose()?;
        let record = self.parts.store.order(order)?;
        let vtex = match self.ask("order-entry", || self.parts.client.read_purchase(order)).await {
            Ok(Some(purchase)) => json!({
                "sequence": purchase.sequence, "status": purchase.status.as_str(), "complete": purchase.complete,
            }),
            Ok(None) => json!({ "error": "VTEX does not know this order" }),
            Err(unanswered) => json!({ "error": super::ingest::Later::from(unanswered).0 }),
        };
        let live = match self.parts.tables.parts(order).await {
            Ok(parts) => parts
                .iter()
                .map(|part| {
                    json!({
                        "external": part.external, "number": part.number, "status": part.status,
                        "stage": format!("{:?}", part.stage).to_lowercase(),
                        "cancellation_asked": part.cancellation_asked,
                    })
                })
                .collect(),
            Err(Refusal::Later(error)) => json!({ "error": error.to_string() }),
            Err(Refusal::Obstacles(obstacles)) => {
                json!({ "error": obstacles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ") })
            }
        };
        Ok(json!({
            "order": order,
            "sequence": record.as_ref().and_then(|record| record.sequence.clone()),
            "numbers": record.map(|record| record.numbers).unwrap_or_default(),
            "held": held, "vtex": vtex, "live": live,
        }))
    }

    /// What was done about an order, oldest first; `None` when nothing is known of it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn history(&self, order: &str) -> Result<Option<Json>, StoreError> {
        let Some(record) = self.parts.store.order(order)? else { return Ok(None) };
        let line = |event: &OrderEvent| json!({ "at": event.at.to_string(), "status": event.status, "what": event.what });
        let lines: Vec<Json> = record.history.iter().map(line).collect();
        Ok(Some(json!({
            "order": order, "sequence": record.sequence, "numbers": record.numbers, "history": lines,
        })))
    }

    /// Has held orders looked at now: one, or all. How many they are.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub fn retry(&self, order: Option<&str>) -> Result<usize, StoreError> {
        let now = (self.parts.now)();
        let mut ops = Vec::new();
        self.parts.store.each_held(&mut |known, held| {
            if order.is_none_or(|order| known == order) {
                ops.push(Op::Hold { order: known, held: Some(HeldOrder { again_at: now, ..held }) });
            }
        })?;
        self.parts.store.commit(&ops, Durability::Synced)?;
        self.knock.notify_one();
        Ok(ops.len())
    }

    /// Forgets that an order is held: somebody has dealt with it elsewhere. False: it was not held.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub fn drop_held(&self, order: &str) -> Result<bool, StoreError> {
        let Some(held) = self.parts.store.held(order)? else { return Ok(false) };
        let mut record = self.parts.store.order(order)?.unwrap_or_default();
        let what = "forgotten by an operator".to_owned();
        record.note(OrderEvent { at: (self.parts.now)(), status: held.status, what });
        let ops = [
            Op::Hold { order: order.into(), held: None },
            Op::Order { order: order.into(), record: Some(record) },
        ];
        self.parts.store.commit(&ops, Durability::Synced)?;
        self.count_held();
        Ok(true)
    }
}
