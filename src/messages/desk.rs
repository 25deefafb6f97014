//! What people see of messages and do about them. Neither names a person.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Outbox;
use super::outbox::{moved, parked, waiting};
use crate::core::breaker::BreakerState;
use crate::core::message::Message;
use crate::core::message::verdict::Verdict;
use crate::core::time::Timestamp;
use crate::store::{Durability, Op, StoreError};
use crate::telemetry::metrics;

/// Messages that are looked at in one step.
const PAGE: usize = 500;

/// What is known of a webhook.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WebhookFacts {
    pub name: String,
    /// Nothing that happened before is told.
    pub since: Timestamp,
    pub waiting: u64,
    /// When the oldest message that waits was made.
    pub oldest: Option<Timestamp>,
    pub parked: u64,
    /// Since the start.
    pub delivered: u64,
    pub last_delivered: Option<Timestamp>,
    /// None: nothing was sent yet.
    pub breaker: Option<BreakerState>,
    /// What came of the last attempt, when that was no success.
    pub trouble: Option<String>,
}

/// All webhooks, in the order of the configuration.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    pub webhooks: Vec<WebhookFacts>,
}

/// What only this process knows.
#[derive(Debug)]
pub(super) struct Activity(Mutex<Vec<WebhookFacts>>);

impl Activity {
    pub(super) fn new(webhooks: usize) -> Self {
        Self(Mutex::new(vec![WebhookFacts::default(); webhooks]))
    }

    pub(super) fn note(&self, index: usize, breaker: BreakerState, verdict: &Verdict, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(facts) = all.get_mut(index) else { return };
        facts.breaker = Some(breaker);
        match verdict {
            Verdict::Delivered => {
                facts.delivered += 1;
                facts.last_delivered = Some(now);
                facts.trouble = None;
            }
            Verdict::Again { what, .. } | Verdict::Park(what) => facts.trouble = Some(what.clone()),
        }
    }
}

impl Outbox {
    /// How each webhook is.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn facts(&self) -> Result<Facts, StoreError> {
        let known = self.activity.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut webhooks = Vec::new();
        for ((webhook, since), mut facts) in self.parts.webhooks.iter().zip(&self.since).zip(known) {
            facts.name = webhook.name.to_string();
            facts.since = *since;
            self.each(&waiting(&webhook.name), &mut |_, message| {
                facts.waiting += 1;
                facts.oldest.get_or_insert(message.created);
            })?;
            self.each(&parked(&webhook.name), &mut |_, _| facts.parked += 1)?;
            webhooks.push(facts);
        }
        Ok(Facts { webhooks })
    }

    pub(super) fn count(&self) {
        let Ok(facts) = self.facts() else { return };
        for webhook in facts.webhooks {
            metrics::messages_left(&webhook.name, webhook.waiting, webhook.parked);
        }
    }

    fn each(&self, prefix: &[u8], f: &mut dyn FnMut(Vec<u8>, Message)) -> Result<(), StoreError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.parts.store.messages_after(prefix, after.as_deref(), PAGE)?;
            let Some((key, _)) = page.last() else { return Ok(()) };
            after = Some(key.clone());
            page.into_iter().for_each(|(key, message)| f(key, message));
        }
    }

    /// Messages that are set aside, and those that wait for another attempt, the oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn list(&self, limit: usize) -> Result<Json, StoreError> {
        let (mut aside, mut again, mut total) = (Vec::new(), Vec::new(), 0_u64);
        for webhook in &self.parts.webhooks {
            self.each(&parked(&webhook.name), &mut |_, message| {
                total += 1;
                if aside.len() < limit {
                    aside.push(line(&message));
                }
            })?;
            self.each(&waiting(&webhook.name), &mut |_, message| {
                if message.attempts > 0 && again.len() < limit {
                    again.push(line(&message));
                }
            })?;
        }
        Ok(json!({ "parked": aside, "total": total, "again": again }))
    }

    /// Sends messages again that were set aside: one, or all. How many they are.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub fn retry(&self, id: Option<&str>) -> Result<usize, StoreError> {
        let now = (self.parts.now)();
        let mut ops = Vec::new();
        self.each_parked(id, &mut |key, message| {
            // It is given its time once more.
            let fresh = Message { attempts: 0, created: now, not_before: now, parked: None, ..message };
            ops.push(Op::Message { key: moved(&key), message: Some(Box::new(fresh)) });
            ops.push(Op::Message { key, message: None });
        })?;
        self.parts.store.commit(&ops, Durability::Synced)?;
        self.committed();
        self.count();
        Ok(ops.len() / 2)
    }

    /// Forgets a message that was set aside. False: there is none.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub fn drop_parked(&self, id: &str) -> Result<bool, StoreError> {
        let mut ops = Vec::new();
        self.each_parked(Some(id), &mut |key, _| ops.push(Op::Message { key, message: None }))?;
        self.parts.store.commit(&ops, Durability::Synced)?;
        self.count();
        Ok(!ops.is_empty())
    }

    fn each_parked(&self, id: Option<&str>, f: &mut dyn FnMut(Vec<u8>, Message)) -> Result<(), StoreError> {
        for webhook in &self.parts.webhooks {
            self.each(&parked(&webhook.name), &mut |key, message| {
                if id.is_none_or(|id| id == message.idempotency_key()) {
                    f(key, message);
                }
            })?;
        }
        Ok(())
    }
}

fn line(message: &Message) -> Json {
    json!({
        "id": message.idempotency_key(), "webhook": message.webhook, "order": message.order, "pedido": message.pedido,
        "status": message.status, "created": message.created.to_string(), "attempts": message.attempts,
        "again_at": message.parked.is_none().then(|| message.not_before.to_string()),
        "since": message.parked.as_ref().map(|parked| parked.at.to_string()),
        "reason": message.parked.as_ref().map(|parked| &parked.reason).or(message.last.as_ref()),
    })
}
