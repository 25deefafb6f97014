//! The tasks: one for each webhook, so that a receiver that fails keeps no other waiting.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use compact_str::CompactString;
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::gate::Gate;
use super::outbox::{moved, waiting};
use super::{Outbox, ReadContact, Webhook};
use crate::core::breaker::Admission;
use crate::core::message::verdict::{Verdict, judge};
use crate::core::message::{Message, SetAside};
use crate::core::time::Timestamp;
use crate::store::{Durability, Op, StoreError};
use crate::telemetry::metrics;

/// A look at the ledger at least this often.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Messages that are read from the ledger at once.
const PAGE: usize = 256;
/// At the end, what is under way may be answered for so long; what is not is sent again after the start.
const GRACE: Duration = Duration::from_secs(3);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A message and where it is in the ledger.
type Due = (Vec<u8>, Message);

impl Outbox {
    /// Delivers until `stop`.
    pub async fn run(self: Arc<Self>, read: ReadContact, stop: CancellationToken) {
        for (webhook, since) in self.parts.webhooks.iter().zip(&self.since) {
            info!(webhook = %webhook.name, %since, "messages to customers are sent");
        }
        let couriers = (0..self.parts.webhooks.len()).map(|index| self.courier(index, &read, &stop));
        let couriers = futures_util::future::join_all(couriers);
        tokio::select! {
            _ = couriers => {}
            () = self.keep_house(&stop) => {}
        }
    }

    /// Counts, and forgets. Ends never, so that the couriers end first.
    async fn keep_house(&self, stop: &CancellationToken) {
        let mut forgotten: Option<Instant> = None;
        while !stop.is_cancelled() {
            if forgotten.is_none_or(|at| at.elapsed() >= DAY) {
                forgotten = Some(Instant::now());
                if let Err(error) = self.forget_old() {
                    error!(%error, "messages: what is old cannot be forgotten");
                }
            }
            self.count();
            tokio::select! {
                () = tokio::time::sleep(LONGEST_PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
        std::future::pending().await
    }

    async fn courier(&self, index: usize, read: &ReadContact, stop: &CancellationToken) {
        let webhook = &self.parts.webhooks[index];
        let mut gate = Gate::new(webhook.limit);
        while !stop.is_cancelled() {
            // Before the look: what comes during it wakes us.
            let woken = self.wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let pause = match self.take(webhook, &mut gate) {
                Ok(due) => {
                    tokio::select! {
                        () = self.send(index, due, read, &mut gate) => {}
                        () = ended(stop) => return,
                    }
                    continue;
                }
                Err(pause) => pause,
            };
            tokio::select! {
                () = tokio::time::sleep(pause.min(LONGEST_PAUSE)) => {}
                () = woken => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// The messages that may go now. An error: none, and the pause until the next look.
    fn take(&self, webhook: &Webhook, gate: &mut Gate) -> Result<Vec<Due>, Duration> {
        let admission = gate.admit().map_err(|again| again.unwrap_or(LONGEST_PAUSE))?;
        let now = (self.parts.now)();
        let pause = match self.due(webhook, now, admission) {
            Ok((mut due, next)) => {
                let (taken, again) = gate.take(due.len());
                due.truncate(taken);
                if !due.is_empty() {
                    return Ok(due);
                }
                again.or(next.map(|next| now.until(next))).unwrap_or(LONGEST_PAUSE)
            }
            Err(error) => {
                error!(%error, "messages to customers cannot be read");
                LONGEST_PAUSE
            }
        };
        gate.withdraw();
        Err(pause)
    }

    /// The next messages, of each order at most one: the oldest that waits. And when another one is due. A probe is the one
    /// that has failed least: a message that its receiver chokes on must not speak for the others.
    fn due(
        &self,
        webhook: &Webhook,
        now: Timestamp,
        admission: Admission,
    ) -> Result<(Vec<Due>, Option<Timestamp>), StoreError> {
        match admission {
            Admission::Normal => self.next_due(webhook, now, webhook.concurrency),
            Admission::Probe => {
                let (due, next) = self.next_due(webhook, now, PAGE)?;
                Ok((due.into_iter().min_by_key(|(_, message)| message.attempts).into_iter().collect(), next))
            }
        }
    }

    fn next_due(
        &self,
        webhook: &Webhook,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Due>, Option<Timestamp>), StoreError> {
        let prefix = waiting(&webhook.name);
        let mut orders: HashSet<CompactString> = HashSet::new();
        let mut due: Vec<Due> = Vec::new();
        let mut next: Option<Timestamp> = None;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.parts.store.messages_after(&prefix, after.as_deref(), PAGE)?;
            let Some((key, _)) = page.last() else { break };
            after = Some(key.clone());
            for (key, message) in page {
                if !orders.insert(message.order.clone()) {
                    continue;
                }
                if message.not_before > now {
                    next = Some(next.map_or(message.not_before, |next| next.min(message.not_before)));
                    continue;
                }
                due.push((key, message));
                if due.len() >= limit {
                    return Ok((due, None));
                }
            }
        }
        Ok((due, next))
    }

    async fn send(&self, index: usize, due: Vec<Due>, read: &ReadContact, gate: &mut Gate) {
        let webhook = &self.parts.webhooks[index];
        let limit = due.len();
        let sent = futures_util::stream::iter(due.into_iter().map(|(key, message)| async move {
            let outcome = self.post(webhook, &message, read).await;
            (key, message, outcome)
        }));
        let mut sent = std::pin::pin!(sent.buffer_unordered(limit));
        while let Some((key, message, outcome)) = sent.next().await {
            let now = (self.parts.now)();
            let patience = self.parts.settings.patience;
            let (verdict, health) = judge(&message, &outcome, patience, now, fastrand::f64());
            gate.answered(&outcome, health);
            self.activity.note(index, gate.state(), &verdict, now);
            self.settle(key, message, verdict, now);
        }
    }

    fn settle(&self, key: Vec<u8>, message: Message, verdict: Verdict, now: Timestamp) {
        let name = message.webhook.clone();
        let id = message.idempotency_key();
        let (ops, durability, outcome) = match verdict {
            Verdict::Delivered => {
                debug!(message = id, "a message to a customer is delivered");
                metrics::message_delivered(&name, message.created.until(now));
                (vec![Op::Message { key, message: None }], Durability::Buffered, "delivered")
            }
            Verdict::Again { at, what } => {
                if message.attempts == 0 {
                    warn!(message = id, what, "a message to a customer is sent again later");
                }
                let attempts = message.attempts.saturating_add(1);
                let again = Message { attempts, not_before: at, last: Some(what), ..message };
                let op = Op::Message { key, message: Some(Box::new(again)) };
                (vec![op], Durability::Buffered, "again")
            }
            Verdict::Park(reason) => {
                warn!(message = id, reason, "a message to a customer is set aside: `mare messages list`");
                let attempts = message.attempts.saturating_add(1);
                let parked = Some(SetAside { at: now, reason: reason.clone() });
                let aside = Message { attempts, last: Some(reason), parked, ..message };
                let other = Op::Message { key: moved(&key), message: Some(Box::new(aside)) };
                (vec![Op::Message { key, message: None }, other], Durability::Synced, "parked")
            }
        };
        metrics::message(&name, outcome);
        if let Err(error) = self.parts.store.commit(&ops, durability) {
            // It stays as it was, and is sent again: at least once, with the same key.
            error!(%error, message = id, "what came of a message could not be stored");
        }
    }
}

/// Told to stop, and what was under way has had its time.
async fn ended(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

#[cfg(test)]
mod tests;
