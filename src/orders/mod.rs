//! Orders of VTEX on their way into Live.
//!
//! ```text
//!  feed ──▶ order (read again) ──▶ decide ──▶ map ──▶ Live (one transaction) ──▶ ledger ──▶ message committed
//!  hook ┄┄▶        ▲                  │ pure    │ pure
//!  list of orders ┤                  └─────────┴──▶ held: set aside with every reason, tried again
//!  held ──────────┘
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `feed` | the loop: messages, the feed's configuration, what else is due |
//! | `ingest` | one order: from VTEX's answer to Live and the ledger |
//! | `hook`, `inbox` | notifications, where VTEX can reach us: the same, sooner |
//! | `reconcile` | orders that no message told of |
//! | `gate` | rate and breaker of the requests |
//! | `contact` | who placed an order, for messages to customers |
//! | `desk` | what people see and do |
//! | `write` | the transactions |
//!
//! A message is committed only when Live and the ledger have what it asks for, or the ledger has why not. So a process
//! that ends anywhere leaves nothing undone: the message comes again, and finds what was done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use compact_str::CompactString;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use crate::core::time::{Now, Tick, Timestamp};
use crate::mapping::cell::RowId;
use crate::messages::Outbox;
use crate::store::{Op, Store};
use crate::vtex::Client;

mod contact;
mod desk;
mod feed;
mod gate;
mod hook;
mod inbox;
mod ingest;
mod reconcile;
mod rights;
mod status;
mod write;

use gate::Gate;
pub use hook::HookSettings;
use inbox::Inbox;
pub use rights::rights;
use status::InboundStatus;
pub use status::{FeedHealth, HookFacts, HookHealth, InboundFacts};
pub use write::Tables;

/// Finds the rows of SKU references; `None` when nobody can tell now.
pub type FindSkus = Arc<
    dyn Fn(Vec<CompactString>) -> BoxFuture<'static, Option<HashMap<CompactString, RowId>>> + Send + Sync,
>;

/// What has the way back look at an order: an entry for the ledger, and a knock when it is there. What maré writes itself is
/// not captured.
#[derive(Clone)]
pub struct WayBack {
    pub op: fn(&str, Timestamp) -> Op,
    pub wake: Arc<Notify>,
}

/// What the entry of orders works with.
pub struct Parts {
    pub client: Arc<Client>,
    pub store: Store,
    pub tables: Tables,
    pub find_skus: FindSkus,
    pub way_back: WayBack,
    /// Who is told of statuses in VTEX, for customers.
    pub messages: Option<Arc<Outbox>>,
    /// Where VTEX tells of changes at once; none: only the feed is read.
    pub hook: Option<HookSettings>,
    /// Wall-clock time.
    pub now: fn() -> Timestamp,
}

/// The entry of orders. Shared by its task and the admin endpoints.
pub struct Inbound {
    parts: Parts,
    gate: Gate,
    inbox: Inbox,
    status: InboundStatus,
    /// Something was changed that the task should look at.
    knock: Notify,
    started: Instant,
}

impl Inbound {
    pub fn new(parts: Parts) -> Self {
        let limit = parts.tables.config.limit;
        let status = InboundStatus::new(parts.hook.is_some());
        Self {
            parts,
            gate: Gate::new(limit),
            inbox: Inbox::default(),
            status,
            knock: Notify::new(),
            started: Instant::now(),
        }
    }

    /// What the task has seen and done so far.
    pub fn facts(&self) -> InboundFacts {
        let mut facts = self.status.facts();
        if let Some(hook) = &mut facts.hook {
            hook.waiting = self.inbox.len();
        }
        facts
    }

    fn now(&self) -> Now {
        Now { tick: Tick(self.started.elapsed()), wall: (self.parts.now)() }
    }
}
