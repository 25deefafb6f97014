//! The loop: what the feed says, how it is set up, and what else is due.

use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Inbound;
use super::inbox::{Heard, Told};
use super::ingest::Later;
use super::status::FeedHealth;
use crate::core::backoff::Backoff;
use crate::core::time::Timestamp;
use crate::failpoint;
use crate::telemetry::metrics;
use crate::vtex::{EVENTS_MAX, Event, FeedState};

/// While VTEX, Live or the ledger are away.
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Until the next look after messages: orders do not come alone.
const SOON: Duration = Duration::from_secs(1);
/// Held orders that are looked at in between two looks at the feed.
const HELD_AT_ONCE: usize = 10;
/// Orders that notifications told of and that are looked at in between two looks at the feed.
const TOLD_AT_ONCE: usize = 40;

/// However much is due.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// When what is due that no message asks for.
#[derive(Debug, Default)]
struct Agenda {
    configuration_at: Timestamp,
    housekeeping_at: Timestamp,
    hook_at: Timestamp,
    hook_failures: u32,
    /// After a start everything that is held is looked at, whatever was said before: what was missing may be there.
    all_held: Vec<CompactString>,
}

impl Inbound {
    /// Runs until `stop`. What it is at then is left as it is, and done again after the next start.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut agenda = Agenda { all_held: self.held_orders(|_| true), ..Agenda::default() };
        let mut failures = 0_u32;
        loop {
            let turn = tokio::select! {
                turn = self.turn_of_loop(&mut agenda) => turn,
                () = stop.cancelled() => break,
            };
            // While nothing works, a notification changes nothing.
            let mut listening = true;
            let pause = match turn {
                Ok(pause) => {
                    failures = 0;
                    pause
                }
                Err(Later(why)) => {
                    failures = failures.saturating_add(1);
                    listening = false;
                    self.failing(&why, failures);
                    BACKOFF.delay(failures, fastrand::f64())
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.knock.notified() => {}
                () = self.inbox.filled.notified(), if listening => {}
                () = stop.cancelled() => break,
            }
        }
        info!("no more orders are taken in");
    }

    /// One round; the pause until the next one.
    async fn turn_of_loop(&self, agenda: &mut Agenda) -> Result<Duration, Later> {
        let now = (self.parts.now)();
        if agenda.configuration_at <= now {
            self.check_configuration().await?;
            agenda.configuration_at = now.plus(DAY);
            self.schedule_reconcile(now)?;
        }
        if agenda.housekeeping_at <= now {
            self.forget_old(now)?;
            agenda.housekeeping_at = now.plus(DAY);
        }
        let told = self.inbox.take(TOLD_AT_ONCE);
        let (events, feed) = match self.read_feed().await {
            Ok(Some(events)) => (events, Ok(true)),
            Ok(None) => (Vec::new(), Ok(false)),
            Err(later) => (Vec::new(), Err(later)),
        };
        let (full, empty) = (events.len() >= EVENTS_MAX, events.is_empty());
        self.take_in(events, told).await?;
        let has_feed = feed?;
        if !has_feed {
            error!(
                "VTEX has no feed for our key any more: it is set up again, and missing orders are looked for"
            );
            agenda.configuration_at = Timestamp::default();
            return Ok(Duration::ZERO);
        }
        self.retry_held(agenda).await?;
        if agenda.hook_at <= now {
            agenda.hook_at = now.plus(self.check_hook(&mut agenda.hook_failures).await);
        }
        let told = self.inbox.len() > 0;
        let more = self.reconcile_step().await? || !agenda.all_held.is_empty() || told;
        let poll = Duration::from_secs(self.parts.tables.config.poll_seconds);
        if full || more {
            return Ok(Duration::ZERO);
        }
        let due = now.until(agenda.hook_at.min(agenda.configuration_at));
        let pause = if empty { poll } else { poll.min(SOON) };
        Ok(pause.min(due.max(SHORTEST_PAUSE)))
    }

    async fn read_feed(&self) -> Result<Option<Vec<Event>>, Later> {
        let client = &self.parts.client;
        let events = self.ask("feed", || client.read_feed()).await?;
        if let Some(events) = &events {
            self.status.feed_read((self.parts.now)(), events.len());
            metrics::feed_messages(events.len());
        }
        Ok(events)
    }

    /// Orders of one reading and those that the hook told of go in side by side; each once, however many messages tell of
    /// it. Messages of those that are done are committed, also when another one has to wait.
    async fn take_in(&self, events: Vec<Event>, told: Vec<Told>) -> Result<(), Later> {
        let mut orders = told.clone();
        for event in &events {
            let Some(order) = &event.order else { continue };
            let heard = Heard::of(event.changed_at, event.state.clone());
            match orders.iter_mut().find(|(known, _)| known == order) {
                Some((_, known)) => known.add(heard),
                None => orders.push((order.clone(), heard)),
            }
        }
        let at_once = self.parts.tables.config.concurrency;
        let taken = futures_util::stream::iter(orders.into_iter().map(|(order, heard)| async move {
            let done = self.ingest(&order, &heard).await;
            (order, done)
        }));
        let taken: Vec<(CompactString, Result<(), Later>)> = taken.buffer_unordered(at_once).collect().await;
        let is_done =
            |order: &CompactString| taken.iter().any(|(known, done)| known == order && done.is_ok());
        for (order, heard) in told {
            if !is_done(&order) {
                self.inbox.offer(order, heard);
            }
        }
        let handles: Vec<String> = events
            .into_iter()
            .filter(|event| event.order.as_ref().is_none_or(is_done))
            .map(|event| event.handle)
            .collect();
        if !handles.is_empty() {
            let client = &self.parts.client;
            failpoint::reached("feed", "committing");
            self.ask("feed-commit", || client.commit_feed(&handles)).await?;
            failpoint::reached("feed", "committed");
        }
        taken.into_iter().find_map(|(_, done)| done.err()).map_or(Ok(()), Err)
    }

    /// Sets the feed up where it is missing or somebody else's, and then looks for what it did not tell.
    async fn check_configuration(&self) -> Result<(), Later> {
        let client = &self.parts.client;
        let state = self.ask("feed-config", || client.feed_state()).await?;
        self.status.configuration(state);
        match state {
            FeedState::Ours { .. } => return Ok(()),
            FeedState::Missing => warn!("VTEX has no feed for our key yet: it is set up"),
            FeedState::Different => {
                warn!(
                    "the feed of our key is set up for something else: it is set up for orders; has another program this key?"
                );
            }
        }
        self.ask("feed-config", || client.set_feed()).await?;
        self.status.update(|facts| facts.set_up += 1);
        metrics::feed_set_up();
        Ok(())
    }

    /// Held orders whose time has come; after a start all of them.
    async fn retry_held(&self, agenda: &mut Agenda) -> Result<(), Later> {
        let now = (self.parts.now)();
        let mut due = agenda.all_held.split_off(agenda.all_held.len().saturating_sub(HELD_AT_ONCE));
        if due.is_empty() {
            due = self.held_orders(|again_at| again_at <= now);
            due.truncate(HELD_AT_ONCE);
        }
        for order in due {
            self.ingest(&order, &Heard::default()).await?;
        }
        Ok(())
    }

    fn held_orders(&self, is_due: impl Fn(Timestamp) -> bool) -> Vec<CompactString> {
        let mut due = Vec::new();
        let found = self.parts.store.each_held(&mut |order, held| {
            if is_due(held.again_at) {
                due.push((held.again_at, order));
            }
        });
        if let Err(error) = found {
            error!(%error, "held orders cannot be read");
        }
        due.sort_unstable();
        due.into_iter().map(|(_, order)| order).collect()
    }

    pub(super) fn count_held(&self) {
        let mut held = 0;
        if self.parts.store.each_held(&mut |_, _| held += 1).is_ok() {
            self.status.update(|facts| facts.held = held);
            metrics::orders_held(held);
        }
    }

    fn failing(&self, why: &str, failures: u32) {
        self.status.update(|facts| {
            facts.feed = FeedHealth::Failing;
            facts.trouble = Some(why.to_owned());
        });
        if failures == 1 || failures.is_multiple_of(20) {
            warn!(why, failures, "orders wait: nothing is lost, VTEX keeps their messages");
        }
    }
}
