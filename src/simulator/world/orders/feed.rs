//! Feed v3: a queue per application key. At least once, in no order, hidden while somebody works on an event.

use std::time::Duration;

use hashbrown::HashMap;
use jiff::Timestamp;

use super::options::FeedFaults;
use super::status::Part;
use super::{Desk, after, hex_id, signed};

/// An event that was delivered more often than this is thrown away.
const DELIVERIES_MAX: u32 = 100;
/// Events that one read gives at most.
const LOT_MAX: usize = 10;

/// A change of an order's state.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) order_id: String,
    pub(super) part: Part,
    pub(super) state: &'static str,
    pub(super) last_state: &'static str,
    pub(super) last_change: Timestamp,
    pub(super) current_change: Timestamp,
}

/// Which events are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// These states, or all of them if there are none. VTEX does not look whether they exist.
    Workflow(Vec<String>),
    /// An expression over the order. The simulator knows only the one that is always true.
    Orders { expression: String, disable_single_fire: bool },
}

impl Filter {
    pub(super) fn wants(&self, event: &Event) -> bool {
        match self {
            Self::Workflow(states) => states.is_empty() || states.iter().any(|state| state == event.state),
            Self::Orders { .. } => true,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct FeedConfig {
    pub(crate) filter: Filter,
    /// How long an event that was read stays hidden.
    pub(crate) visibility: Duration,
    pub(crate) retention: Duration,
}

/// An event as a read gives it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) event_id: String,
    pub(crate) handle: String,
    pub(crate) part: Part,
    pub(crate) state: &'static str,
    pub(crate) last_state: &'static str,
    pub(crate) order_id: String,
    pub(crate) last_change: Timestamp,
    pub(crate) current_change: Timestamp,
}

/// The key has no feed configuration: there never was one, it was deleted, or VTEX deleted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoFeed;

#[derive(Debug)]
pub(super) struct Feeds {
    pub(super) faults: FeedFaults,
    newest_handle_only: bool,
    queues: HashMap<String, Queue>,
}

#[derive(Debug)]
pub(super) struct Queue {
    config: FeedConfig,
    /// When the newest event came, or the configuration.
    fed: Timestamp,
    entries: Vec<Entry>,
    pub(super) delivered: u64,
    pub(super) committed: u64,
}

#[derive(Debug)]
struct Entry {
    id: String,
    event: Event,
    since: Timestamp,
    /// Read again from this moment on.
    visible: Timestamp,
    deliveries: u32,
    handles: Vec<String>,
}

impl Feeds {
    pub(super) fn new(faults: FeedFaults, newest_handle_only: bool) -> Self {
        Self { faults, newest_handle_only, queues: HashMap::new() }
    }

    pub(super) fn publish(&mut self, event: &Event, at: Timestamp, random: &mut fastrand::Rng) {
        let faults = self.faults;
        for queue in self.queues.values_mut().filter(|queue| queue.config.filter.wants(event)) {
            if random.f64() < faults.hidden {
                continue;
            }
            queue.fed = queue.fed.max(at);
            let copies = if random.f64() < faults.duplicated { 2 } else { 1 };
            for _ in 0..copies {
                let late = if random.f64() < faults.delayed { random.u64(..=faults.delay_ms) } else { 0 };
                queue.entries.push(Entry {
                    id: hex_id(random),
                    event: event.clone(),
                    since: at,
                    visible: after(at, Duration::from_millis(late)),
                    deliveries: 0,
                    handles: Vec::new(),
                });
            }
        }
    }

    /// Throws away what is older than its queue keeps, and configurations to which no event came for so long.
    pub(super) fn forget_quiet(&mut self, now: Timestamp) {
        self.queues.retain(|_, queue| {
            let kept = signed(queue.config.retention);
            queue.entries.retain(|entry| now.duration_since(entry.since) < kept);
            now.duration_since(queue.fed) < kept
        });
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = (&String, &Queue)> {
        self.queues.iter()
    }
}

impl Queue {
    pub(super) fn waiting(&self) -> usize {
        self.entries.len()
    }
}

impl Desk<'_> {
    /// Makes or replaces the feed of a key. A queue that is there keeps its events.
    pub(crate) fn configure_feed(&mut self, key: &str, config: FeedConfig) {
        let fed = self.now;
        match self.book.feeds.queues.get_mut(key) {
            Some(queue) => {
                queue.config = config;
                queue.fed = fed;
            }
            None => {
                let queue = Queue { config, fed, entries: Vec::new(), delivered: 0, committed: 0 };
                self.book.feeds.queues.insert(key.to_owned(), queue);
            }
        }
    }

    /// The configuration of a key, how many events wait, and how old the oldest is.
    pub(crate) fn feed(&self, key: &str) -> Result<(&FeedConfig, usize, Duration), NoFeed> {
        let queue = self.book.feeds.queues.get(key).ok_or(NoFeed)?;
        let oldest = queue.entries.iter().map(|entry| entry.since).min();
        let age = oldest
            .map_or(Duration::ZERO, |since| self.now.duration_since(since).try_into().unwrap_or_default());
        Ok((&queue.config, queue.entries.len(), age))
    }

    /// Deletes a feed with its events.
    pub(crate) fn delete_feed(&mut self, key: &str) -> Result<(), NoFeed> {
        self.book.feeds.queues.remove(key).map(|_| ()).ok_or(NoFeed)
    }

    /// Gives at most `lot` events and hides them for the visibility timeout. Which ones is not said.
    pub(crate) fn read_feed(&mut self, key: &str, lot: usize) -> Result<Vec<Message>, NoFeed> {
        let now = self.now;
        let book = &mut *self.book;
        let (faults, random) = (book.feeds.faults, &mut book.random);
        let queue = book.feeds.queues.get_mut(key).ok_or(NoFeed)?;
        queue.entries.retain(|entry| entry.deliveries < DELIVERIES_MAX);
        let mut visible: Vec<usize> =
            (0..queue.entries.len()).filter(|index| queue.entries[*index].visible <= now).collect();
        if !faults.ordered {
            random.shuffle(&mut visible);
        }
        let mut lot = lot.min(LOT_MAX).min(visible.len());
        if lot > 0 && random.f64() < faults.short {
            lot = random.usize(..lot);
        }
        let hidden_until = after(now, queue.config.visibility);
        let read = visible.into_iter().take(lot).map(|index| {
            let entry = &mut queue.entries[index];
            entry.visible = hidden_until;
            entry.deliveries += 1;
            entry.handles.push(handle(random));
            entry.message()
        });
        let read: Vec<Message> = read.collect();
        queue.delivered += read.len() as u64;
        Ok(read)
    }

    /// Removes the events of these handles; a handle that says nothing is ignored, as VTEX does.
    pub(crate) fn commit_feed(&mut self, key: &str, handles: &[String]) -> Result<(), NoFeed> {
        let newest_only = self.book.feeds.newest_handle_only;
        let queue = self.book.feeds.queues.get_mut(key).ok_or(NoFeed)?;
        let before = queue.entries.len();
        queue.entries.retain(|entry| {
            let known = if newest_only { entry.handles.last().into_iter() } else { None.into_iter() };
            let all = if newest_only { [].iter() } else { entry.handles.iter() };
            !known.chain(all).any(|handle| handles.contains(handle))
        });
        queue.committed += (before - queue.entries.len()) as u64;
        Ok(())
    }

    pub(crate) fn set_feed_faults(&mut self, faults: FeedFaults) {
        self.book.feeds.faults = faults;
    }
}

impl Entry {
    fn message(&self) -> Message {
        let event = &self.event;
        Message {
            event_id: self.id.clone(),
            handle: self.handles.last().cloned().unwrap_or_default(),
            part: event.part,
            state: event.state,
            last_state: event.last_state,
            order_id: event.order_id.clone(),
            last_change: event.last_change,
            current_change: event.current_change,
        }
    }
}

/// As long as VTEX's and of the same shape, but it says nothing.
fn handle(random: &mut fastrand::Rng) -> String {
    const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
    const PAYLOAD_LENGTH: usize = 900;
    let payload: String = (0..PAYLOAD_LENGTH).map(|_| random.alphanumeric()).collect();
    let signature: String = (0..43).map(|_| random.alphanumeric()).collect();
    format!("{HEADER}.{payload}.{signature}")
}
