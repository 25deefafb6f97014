//! What a source tells about itself: written by its tasks, read by the admin endpoints.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::core::entity::Entity;
use crate::core::position::Position;
use crate::core::time::Timestamp;

/// What a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Not connected yet.
    #[default]
    Starting,
    /// Reading the stream.
    Streaming,
    /// The connection is lost or refused; trying again.
    Retrying,
    /// Something must be put right by a person first.
    Blocked,
    Stopped,
}

/// Facts about one source.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SourceFacts {
    pub phase: Phase,
    /// Why it is not streaming, and what to do.
    pub reason: Option<String>,
    /// Committed changes up to here are in the ledger.
    pub durable: Position,
    /// Nothing of ours up to here is missing in the ledger. Ahead of `durable` while only others write: such a
    /// position is stored now and then.
    pub settled: Position,
    /// The newest position that Live told us.
    pub server: Position,
    /// When the newest change or heartbeat taken in was committed.
    pub last_commit: Option<Timestamp>,
    pub heartbeat_seconds: Option<f64>,
    pub slot_status: Option<String>,
    pub retained_bytes: Option<u64>,
    pub safe_bytes: Option<i64>,
    /// Rows that wait in the change tables, counted up to some limit.
    pub waiting_rows: Option<u64>,
    /// When the oldest of them was written.
    pub oldest_waiting: Option<Timestamp>,
    /// What an open transaction of the shop holds back, and whose it is.
    pub held_back: Option<String>,
    /// What keeps changes from being captured, each with what to do.
    pub faults: Vec<String>,
    pub changes: u64,
    pub transactions: u64,
    pub coalesced: u64,
    /// Rows that the mapping did not take as they were, by outcome and reason.
    pub rows: BTreeMap<&'static str, u64>,
    /// Entities that are paused, and why.
    pub paused: BTreeMap<Entity, String>,
    /// The first load or reconcile under way.
    pub load: Option<LoadFacts>,
    /// The last one that came to its end.
    pub last_load: Option<LoadFacts>,
    /// Rows that loads have read since the start, and how many of them differed.
    pub rows_loaded: u64,
    pub rows_differing: u64,
    pub refresh_due: u64,
}

/// Facts about a first load or reconcile.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LoadFacts {
    pub why: String,
    pub step: String,
    pub rows: u64,
    pub differences: u64,
    /// 0 to 1.
    pub share: f64,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// When it last got further.
    pub moved: Option<Timestamp>,
    /// Why it does not get on.
    pub held_up: Option<String>,
}

impl SourceFacts {
    /// WAL written by Live and not yet in the ledger, in bytes.
    pub fn lag_bytes(&self) -> u64 {
        self.server.0.saturating_sub(self.settled.0)
    }
}

/// Shared facts of one source.
#[derive(Debug, Clone, Default)]
pub struct SourceStatus(Arc<Mutex<SourceFacts>>);

impl SourceStatus {
    pub fn update(&self, change: impl FnOnce(&mut SourceFacts)) {
        change(&mut self.lock());
    }

    pub fn facts(&self) -> SourceFacts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, SourceFacts> {
        // Facts are plain values: a panic elsewhere leaves nothing half-written that matters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
