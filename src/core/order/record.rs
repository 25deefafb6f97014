//! What the ledger keeps of an order that came from VTEX: both its numbers, what was done, and why something was not.
//! Holds no personal data.

use std::time::Duration;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::backoff::Backoff;
use crate::core::time::Timestamp;

/// An order that could not be written into Live, and is not forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOrder {
    /// The short number that people say.
    pub sequence: Option<CompactString>,
    /// VTEX's status when it was looked at last.
    pub status: CompactString,
    pub since: Timestamp,
    /// Every reason, with what to do about it.
    pub reasons: Vec<String>,
    pub tries: u32,
    pub last_try: Timestamp,
    /// When it is looked at again by itself.
    pub again_at: Timestamp,
}

/// Somebody has to do something first, so it is asked for ever more seldom; what VTEX does by itself is soon noticed.
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(60), max: Duration::from_secs(3_600) };

impl HeldOrder {
    /// Set aside now, or once more. `random`: 0 to 1.
    pub fn again(
        before: Option<&Self>,
        sequence: Option<CompactString>,
        status: CompactString,
        reasons: Vec<String>,
        now: Timestamp,
        random: f64,
    ) -> Self {
        let tries = before.map_or(1, |before| before.tries.saturating_add(1));
        Self {
            sequence,
            status,
            since: before.map_or(now, |before| before.since),
            reasons,
            tries,
            last_try: now,
            again_at: now.plus(BACKOFF.delay(tries, random)),
        }
    }
}

/// What is known of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderRecord {
    pub sequence: Option<CompactString>,
    /// Live's own numbers of its parts.
    pub numbers: Vec<CompactString>,
    /// Oldest first.
    pub history: Vec<OrderEvent>,
}

/// Something that was done about an order, or found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    pub at: Timestamp,
    /// VTEX's status then.
    pub status: CompactString,
    pub what: String,
}

impl OrderRecord {
    /// Enough for any order that goes its way; of one that goes round in circles, the end.
    const EVENTS_MAX: usize = 40;

    /// How the history says that maré wrote it into Live.
    pub const WRITTEN: &str = "written into Live";

    /// Adds to the history, unless it says the same as the last time.
    pub fn note(&mut self, event: OrderEvent) {
        let same = |last: &OrderEvent| last.status == event.status && last.what == event.what;
        if self.history.last().is_some_and(same) {
            return;
        }
        if self.history.len() >= Self::EVENTS_MAX {
            // The first one tells when it came.
            self.history.remove(1);
        }
        self.history.push(event);
    }

    /// When maré had written it into Live.
    pub fn written_at(&self) -> Option<Timestamp> {
        let written = self.history.iter().find(|event| event.what.starts_with(Self::WRITTEN));
        written.map(|event| event.at)
    }

    /// When something happened last.
    pub fn last(&self) -> Option<Timestamp> {
        self.history.last().map(|event| event.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(what: &str, second: i64) -> OrderEvent {
        OrderEvent { at: Timestamp(second * 1_000_000), status: "handling".into(), what: what.to_owned() }
    }

    #[test]
    fn a_history_keeps_its_beginning_and_its_end() {
        let mut record = OrderRecord::default();
        for second in 0..100 {
            record.note(event(&format!("{second}"), second));
            record.note(event(&format!("{second}"), second + 1));
        }
        assert_eq!(record.history.len(), OrderRecord::EVENTS_MAX);
        assert_eq!(record.history[0].what, "0");
        assert_eq!(record.last(), Some(Timestamp(99_000_000)));
    }

    #[test]
    fn what_is_set_aside_is_tried_ever_more_seldom_and_for_ever() {
        let mut held: Option<HeldOrder> = None;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let now = Timestamp(0);
            let again = HeldOrder::again(held.as_ref(), None, "x".into(), Vec::new(), now, 1.0);
            pauses.push(again.again_at.0 / 1_000_000);
            held = Some(again);
        }
        assert_eq!(pauses[..7], [60, 120, 240, 480, 960, 1_920, 3_600]);
        assert_eq!((pauses[11], held.unwrap().tries), (3_600, 12));
    }
}
