//! From changes of orders to messages, as entries for the commit that the change itself is in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tracing::{info, warn};

use super::{Outbox, Parts, PostError, desk, post};
use crate::core::entity::Key;
use crate::core::message::progress::{self, Heard, News, Seen, Shown};
use crate::core::message::{Facts, Message};
use crate::core::order::Direction;
use crate::core::time::Timestamp;
use crate::core::value::Value;
use crate::core::value::order::{InvoiceState, Order, OrderKind};
use crate::store::{Durability, Op, Store, StoreError};

/// Since when each webhook is configured.
const SINCE: &str = "messages/since";
/// Of an order that was not seen before, older steps are the past.
const FRESH: Duration = Duration::from_secs(7 * 24 * 3_600);
/// An order that nothing happens to for so long is forgotten. Longer than [`FRESH`], so that nothing is told again.
const REMEMBERED: Duration = Duration::from_secs(120 * 24 * 3_600);
/// Orders that are forgotten in one commit.
const FORGOTTEN_AT_ONCE: usize = 5_000;
const IN_LIVE: u8 = b'l';
const IN_VTEX: u8 = b'v';
const WAITING: u8 = b'w';
const PARKED: u8 = b'p';

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Since(Vec<(CompactString, Timestamp)>);

fn told_key(place: u8, order: &str) -> Vec<u8> {
    [&[place], order.as_bytes()].concat()
}

/// Where the messages of a webhook are that wait.
pub(super) fn waiting(webhook: &str) -> Vec<u8> {
    [&[WAITING], webhook.as_bytes(), &[0]].concat()
}

/// Where those are that are set aside.
pub(super) fn parked(webhook: &str) -> Vec<u8> {
    [&[PARKED], webhook.as_bytes(), &[0]].concat()
}

/// The key of the same message in the other place.
pub(super) fn moved(key: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    if let Some(place) = key.first_mut() {
        *place = if *place == WAITING { PARKED } else { WAITING };
    }
    key
}

/// Takes up what a former process left. What no webhook is configured for is dropped, and a webhook that comes back is a new
/// one: what happened meanwhile is not told. `None`: there is no webhook.
///
/// # Errors
/// When the ledger cannot be read or written, or HTTP not be prepared.
pub fn open(parts: Parts) -> Result<Option<Outbox>, OpenError> {
    let since = keep_since(&parts)?;
    let last = drop_others(&parts)?;
    if parts.webhooks.is_empty() {
        return Ok(None);
    }
    let http = post::client(parts.settings.timeout)?;
    Ok(Some(Outbox {
        since,
        next: AtomicU64::new(last + 1),
        wake: Notify::new(),
        http,
        activity: desk::Activity::new(parts.webhooks.len()),
        parts,
    }))
}

/// Why there is no outbox.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Http(#[from] PostError),
}

fn keep_since(parts: &Parts) -> Result<Vec<Timestamp>, StoreError> {
    let before: Since = parts.store.meta(SINCE)?.unwrap_or_default();
    let now = (parts.now)();
    let since = |name: &CompactString| {
        before.0.iter().find(|(known, _)| known == name).map_or(now, |(_, since)| *since)
    };
    let after: Vec<(CompactString, Timestamp)> =
        parts.webhooks.iter().map(|webhook| (webhook.name.clone(), since(&webhook.name))).collect();
    if after != before.0 {
        let op = Op::PutMeta { name: SINCE.to_owned(), value: Store::encode(&Since(after.clone())) };
        parts.store.commit(&[op], Durability::Synced)?;
    }
    Ok(after.into_iter().map(|(_, since)| since).collect())
}

/// Messages for webhooks that are not configured; the highest number of any message.
fn drop_others(parts: &Parts) -> Result<u64, StoreError> {
    let (mut dropped, mut last) = (0_usize, 0_u64);
    for place in [WAITING, PARKED] {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = parts.store.messages_after(&[place], after.as_deref(), 500)?;
            let Some((key, _)) = page.last() else { break };
            after = Some(key.clone());
            let mut ops = Vec::new();
            for (key, message) in page {
                let number = key.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
                last = last.max(number);
                if !parts.webhooks.iter().any(|webhook| webhook.name == message.webhook) {
                    ops.push(Op::Message { key, message: None });
                }
            }
            dropped += ops.len();
            parts.store.commit(&ops, Durability::Buffered)?;
        }
    }
    if dropped > 0 {
        warn!(dropped, "messages of webhooks that are not configured any more are dropped");
    }
    Ok(last)
}

impl Outbox {
    /// What an order in Live gives reason to tell: for the commit in which it becomes wanted. Only the writer of the ledger
    /// may ask.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of_order(&self, id: &str, order: &Order) -> Result<Vec<Op>, StoreError> {
        let store = &self.parts.store;
        let key = told_key(IN_LIVE, id);
        let seen: Option<Seen> = store.told(&key)?;
        let now = (self.parts.now)();
        let record = store.order(id)?.unwrap_or_default();
        let Some((next, news)) = progress::steps(seen.as_ref(), order, record.written_at(), now) else {
            return Ok(Vec::new());
        };
        let mut ops = vec![Op::Told { key, told: Some(Store::encode(&next)) }];
        for one in news {
            let pedido = order.parts.get(one.part).map(|part| part.number.clone());
            let facts =
                Facts { sequence: record.sequence.clone(), ..self.order_facts(order, Some(one.part)) };
            self.tell(id, pedido, &one, seen.is_some(), &facts, now, &mut ops);
        }
        Ok(ops)
    }

    /// The same of a status in VTEX. Only the entry of orders may ask, for an order at a time. `placed`: when it was ordered.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of_status(
        &self,
        id: &str,
        heard: &[Heard],
        current: &str,
        sequence: Option<CompactString>,
        placed: Option<Timestamp>,
    ) -> Result<Vec<Op>, StoreError> {
        let store = &self.parts.store;
        let key = told_key(IN_VTEX, id);
        let shown: Option<Shown> = store.told(&key)?;
        let now = (self.parts.now)();
        let Some((next, news)) = progress::statuses(shown.as_ref(), heard, current, placed, now) else {
            return Ok(Vec::new());
        };
        let mut ops = vec![Op::Told { key, told: Some(Store::encode(&next)) }];
        let mut facts = self.facts_in_live(id)?;
        facts.sequence = sequence;
        for one in news {
            self.tell(id, None, &one, shown.is_some(), &facts, now, &mut ops);
        }
        Ok(ops)
    }

    /// Has the tasks look at what was committed.
    pub fn committed(&self) {
        self.wake.notify_waiters();
    }

    /// A message to each webhook that wants this news and is not younger than it.
    #[allow(clippy::too_many_arguments, reason = "they are what a message is made of")]
    fn tell(
        &self,
        order: &str,
        pedido: Option<CompactString>,
        news: &News,
        was_known: bool,
        facts: &Facts,
        now: Timestamp,
        ops: &mut Vec<Op>,
    ) {
        let fresh =
            if was_known { Timestamp::default() } else { Timestamp(now.0 - FRESH.as_micros() as i64) };
        for (webhook, since) in self.parts.webhooks.iter().zip(&self.since) {
            let wanted = webhook.statuses.contains(&news.status) && (webhook.passed || !news.passed);
            if !wanted || news.after.is_none_or(|after| after < (*since).max(fresh)) {
                continue;
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let message = Message {
                webhook: webhook.name.clone(),
                order: order.into(),
                pedido: pedido.clone(),
                status: news.status.clone(),
                passed: news.passed,
                at: news.at,
                created: now,
                facts: facts.clone(),
                attempts: 0,
                not_before: now,
                last: None,
                parked: None,
            };
            let key = [&waiting(&webhook.name)[..], &number.to_be_bytes()].concat();
            ops.push(Op::Message { key, message: Some(Box::new(message)) });
        }
    }

    /// Of one pedido, or of all when there is only one.
    fn order_facts(&self, order: &Order, part: Option<usize>) -> Facts {
        let numbers = order.parts.iter().map(|part| part.number.clone()).collect();
        let only = part.or((order.parts.len() == 1).then_some(0)).and_then(|at| order.parts.get(at));
        let Some(part) = only else { return Facts { numbers, ..Facts::default() } };
        let mut stores = part.lines.iter().filter_map(|line| self.parts.stores.get(line.warehouse.as_ref()?));
        let store = stores.next().filter(|first| stores.all(|other| other == *first)).cloned();
        let tracking = part.dispatch.as_ref().map(|dispatch| dispatch.tracking.clone()).unwrap_or_default();
        let is_sale = |state, direction| state == InvoiceState::Authorised && direction == Direction::Output;
        let invoice = part.invoices.iter().rev().find(|invoice| is_sale(invoice.state, invoice.direction));
        let kind = match part.kind {
            OrderKind::Pickup => "pickup",
            OrderKind::Delivery => "delivery",
            OrderKind::Seller => "seller",
        };
        Facts {
            sequence: None,
            numbers,
            kind: Some(CompactString::const_new(kind)),
            store,
            courier: tracking.courier,
            tracking_number: tracking.number,
            tracking_url: tracking.url,
            invoice_number: invoice.map(|invoice| invoice.number.clone()),
            invoice_url: invoice.and_then(|invoice| invoice.url.clone()),
        }
    }

    /// What Live last said of an order.
    fn facts_in_live(&self, id: &str) -> Result<Facts, StoreError> {
        let (store, key) = (&self.parts.store, Key::order(id));
        let wanted = store.dirty(&key)?.map(|dirty| dirty.wanted.value);
        let known = match wanted {
            Some(value) => Some(value),
            None => store.confirmed(&key)?.map(|confirmed| confirmed.value),
        };
        Ok(match known {
            Some(Value::Order(order)) => self.order_facts(&order, None),
            _ => Facts { numbers: store.order(id)?.unwrap_or_default().numbers, ..Facts::default() },
        })
    }

    /// Forgets orders that nothing has happened to for long.
    pub(super) fn forget_old(&self) -> Result<(), StoreError> {
        let now = (self.parts.now)();
        let mut old = Vec::new();
        let mut look = |key: &[u8], at: Timestamp| {
            if at.until(now) > REMEMBERED && old.len() < FORGOTTEN_AT_ONCE {
                old.push(Op::Told { key: key.to_vec(), told: None });
            }
        };
        self.parts.store.each_told(&[IN_LIVE], &mut |key, seen: Seen| look(key, seen.at))?;
        self.parts.store.each_told(&[IN_VTEX], &mut |key, shown: Shown| look(key, shown.at))?;
        if !old.is_empty() {
            info!(
                orders = old.len(),
                "orders that nothing happens to any more are forgotten by the messages"
            );
            self.parts.store.commit(&old, Durability::Buffered)?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
