//! Orders that no message told of: after the feed was set up anew, and once a day.
//!
//! VTEX lists the orders of a time, 3,000 at most, each with its status. What the ledger knows in that status is left
//! alone, everything else is read again like after a message.

use std::time::Duration;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::Inbound;
use super::gate::Unanswered;
use super::inbox::Heard;
use super::ingest::Later;
use crate::core::time::Timestamp;
use crate::store::{Durability, Op, Store};
use crate::vtex::PAGES_MAX;

const PROGRESS: &str = "orders/reconcile";
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Shorter times are not divided: so many orders a minute has nobody.
const SPAN_MIN: Duration = Duration::from_secs(60);
/// Records that are forgotten in one commit.
const FORGOTTEN_AT_ONCE: usize = 5_000;

/// What is still to be listed, the next span last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Spans(Vec<Span>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    from: Timestamp,
    to: Timestamp,
    page: u64,
}

impl Span {
    /// The earlier half and the later one; none when it is short enough.
    fn halves(self) -> Option<[Self; 2]> {
        let length = self.from.until(self.to);
        let middle = self.from.plus(length / 2);
        let half = |from, to| Self { from, to, page: 1 };
        (length > SPAN_MIN).then(|| [half(self.from, middle), half(middle, self.to)])
    }
}

impl Inbound {
    /// From now on the orders of the last days are gone through, unless that is being done.
    pub(super) fn schedule_reconcile(&self, now: Timestamp) -> Result<(), Later> {
        let spans: Spans = self.parts.store.meta(PROGRESS)?.unwrap_or_default();
        if !spans.0.is_empty() {
            return Ok(());
        }
        let config = &self.parts.tables.config;
        let days = DAY * u32::from(config.reconcile_days);
        let days = i64::try_from(days.as_micros()).unwrap_or(i64::MAX);
        let from = Timestamp(now.0.saturating_sub(days)).max(config.since().unwrap_or_default());
        if from >= now {
            return Ok(());
        }
        self.keep(&Spans(vec![Span { from, to: now, page: 1 }]))
    }

    /// Goes on by a page of the list. True: there is more.
    pub(super) async fn reconcile_step(&self) -> Result<bool, Later> {
        let mut spans: Spans = self.parts.store.meta(PROGRESS)?.unwrap_or_default();
        let Some(span) = spans.0.pop() else { return Ok(false) };
        self.status.update(|facts| facts.reconciling = true);
        let client = &self.parts.client;
        let listed = match self.ask("order-list", || client.list_orders(span.from, span.to, span.page)).await
        {
            Ok(listed) => listed,
            Err(Unanswered::Refused(failure)) => {
                return Err(Later(format!("the list of orders: {}", super::gate::describe(&failure))));
            }
            Err(Unanswered::Later(why)) => return Err(Later(why)),
        };
        if listed.pages > PAGES_MAX
            && span.page == 1
            && let Some([earlier, later]) = span.halves()
        {
            spans.0.extend([later, earlier]);
            self.keep(&spans)?;
            return Ok(true);
        }
        for (order, status) in &listed.orders {
            if !self.is_known(order, status)? {
                self.ingest(order, &Heard::default()).await?;
            }
        }
        if span.page < listed.pages.min(PAGES_MAX) && !listed.orders.is_empty() {
            spans.0.push(Span { page: span.page + 1, ..span });
        }
        self.keep(&spans)?;
        let more = !spans.0.is_empty();
        if !more {
            self.status.update(|facts| facts.reconciling = false);
            info!("all orders that VTEX lists are as the ledger knows them");
        }
        Ok(more)
    }

    /// Whether the ledger has seen an order in this very status.
    fn is_known(&self, order: &str, status: &CompactString) -> Result<bool, Later> {
        let record = self.parts.store.order(order)?;
        let last = record.as_ref().and_then(|record| record.history.last());
        Ok(last.is_some_and(|event| event.status == *status) && self.parts.store.held(order)?.is_none())
    }

    fn keep(&self, spans: &Spans) -> Result<(), Later> {
        let op = Op::PutMeta { name: PROGRESS.to_owned(), value: Store::encode(spans) };
        Ok(self.parts.store.commit(&[op], Durability::Buffered)?)
    }

    /// Histories of orders of long ago.
    pub(super) fn forget_old(&self, now: Timestamp) -> Result<(), Later> {
        let days = DAY * u32::from(self.parts.tables.config.history_days);
        let mut old = Vec::new();
        self.parts.store.each_order(&mut |order, record| {
            if record.last().is_none_or(|last| last.until(now) > days) && old.len() < FORGOTTEN_AT_ONCE {
                old.push(Op::Order { order, record: None });
            }
        })?;
        if !old.is_empty() {
            self.parts.store.commit(&old, Durability::Buffered)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_halved_without_a_gap_until_it_is_short() {
        let mut span = Span { from: Timestamp(0), to: Timestamp(86_400_000_000), page: 1 };
        let mut halvings = 0;
        while let Some([earlier, later]) = span.halves() {
            assert_eq!((earlier.from, earlier.to, later.to), (span.from, later.from, span.to));
            span = later;
            halvings += 1;
        }
        assert_eq!(halvings, 11);
    }
}
