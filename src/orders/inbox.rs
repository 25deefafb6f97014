//! Orders that a notification has told of, until they are looked at.
//!
//! In memory only, and bounded: whatever is told here is told by the feed too, which keeps it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use compact_str::CompactString;
use hashbrown::HashMap;
use tokio::sync::Notify;

use crate::core::message::progress::Heard as State;
use crate::core::time::Timestamp;

/// More wait only while VTEX or Live are away, and then the feed keeps them as well.
pub(super) const WAITING_MAX: usize = 10_000;

/// Different statuses of one order that are remembered until it is read; its status then is known anyway.
const STATES_MAX: usize = 16;

/// What messages tell of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Heard {
    /// When VTEX says that it got where it is.
    pub(super) changed_at: Option<Timestamp>,
    /// The statuses that it had.
    pub(super) states: Vec<State>,
}

impl Heard {
    pub(super) fn of(changed_at: Option<Timestamp>, state: Option<CompactString>) -> Self {
        let states = state.map(|status| State { at: changed_at, status }).into_iter().collect();
        Self { changed_at, states }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.changed_at = self.changed_at.max(other.changed_at);
        for state in other.states {
            if self.states.len() < STATES_MAX && !self.states.contains(&state) {
                self.states.push(state);
            }
        }
    }
}

/// An order, and what was heard of it.
pub(super) type Told = (CompactString, Heard);

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    New,
    /// The order waits already: it is read once, after both.
    Known,
    Full,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<CompactString>,
    heard: HashMap<CompactString, Heard>,
}

/// Each order once, the first to come first.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    /// There is something to be taken.
    pub(super) filled: Notify,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn offer(&self, order: CompactString, heard: Heard) -> Offered {
        let mut waiting = self.lock();
        if let Some(known) = waiting.heard.get_mut(&order) {
            known.add(heard);
            return Offered::Known;
        }
        if waiting.queue.len() >= WAITING_MAX {
            return Offered::Full;
        }
        waiting.queue.push_back(order.clone());
        waiting.heard.insert(order, heard);
        drop(waiting);
        self.filled.notify_one();
        Offered::New
    }

    /// The next ones. An order that is told of again from now on is looked at again.
    pub(super) fn take(&self, limit: usize) -> Vec<Told> {
        let mut waiting = self.lock();
        let count = limit.min(waiting.queue.len());
        let taken: Vec<CompactString> = waiting.queue.drain(..count).collect();
        taken
            .into_iter()
            .map(|order| {
                let heard = waiting.heard.remove(&order).unwrap_or_default();
                (order, heard)
            })
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_waits_once_with_its_latest_change() {
        let inbox = Inbox::default();
        let at = |second| Heard::of(Some(Timestamp(second)), Some("handling".into()));
        let nothing = Heard::default;
        assert_eq!(inbox.offer("1-01".into(), at(5)), Offered::New);
        assert_eq!(inbox.offer("2-01".into(), nothing()), Offered::New);
        assert_eq!(inbox.offer("1-01".into(), at(9)), Offered::Known);
        assert_eq!(inbox.offer("1-01".into(), at(7)), Offered::Known);
        let [(order, heard)] = &inbox.take(1)[..] else { panic!("one") };
        assert_eq!((order.as_str(), heard.changed_at), ("1-01", Some(Timestamp(9))));
        assert_eq!(heard.states.len(), 3, "each with its moment");
        // Told again while it is being looked at: once more.
        assert_eq!(inbox.offer("1-01".into(), nothing()), Offered::New);
        assert_eq!(inbox.take(10), [("2-01".into(), nothing()), ("1-01".into(), nothing())]);
        assert_eq!((inbox.take(10), inbox.len()), (Vec::new(), 0));
    }

    #[test]
    fn a_full_inbox_says_so_and_still_knows_what_it_has() {
        let inbox = Inbox::default();
        for number in 0..WAITING_MAX {
            assert_eq!(inbox.offer(format!("{number}-01").into(), Heard::default()), Offered::New);
        }
        assert_eq!(inbox.offer("new-01".into(), Heard::default()), Offered::Full);
        assert_eq!(inbox.offer("7-01".into(), Heard::default()), Offered::Known);
        assert_eq!(inbox.take(3).len(), 3);
        assert_eq!(inbox.offer("new-01".into(), Heard::default()), Offered::New);
    }
}
