//! Lets a chunk into the stream at the right place, and only where it is newer.
//!
//! From before the chunk is read until it is applied, the gate notes which transaction touched each key
//! last. A row of the chunk whose key was touched by a transaction that the chunk has not seen (or may not
//! have seen) is older than the stream and is dropped. Everything else in the chunk is at least as new as
//! all the stream has said so far, because it is applied only after the stream has passed the chunk's
//! watermark.

use hashbrown::HashMap;

use crate::core::entity::Key;
use crate::mapping::Effect;

use super::visibility::{RecentTransactions, Seen};

/// The gate of one source.
#[derive(Debug, Default)]
pub struct Gate {
    recent: RecentTransactions,
    recording: Option<Touched>,
}

#[derive(Debug, Default)]
struct Touched {
    keys: HashMap<Key, u32>,
    rows: HashMap<Vec<u8>, u32>,
}

impl Gate {
    /// A transaction was streamed to its end.
    pub fn streamed(&mut self, xid: u32) {
        self.recent.streamed(xid);
    }

    /// Starts noting; before the chunk is read.
    pub fn open(&mut self) {
        self.recording = Some(Touched::default());
    }

    /// Stops noting.
    pub fn close(&mut self) {
        self.recording = None;
    }

    pub const fn is_open(&self) -> bool {
        self.recording.is_some()
    }

    /// Notes what one streamed change touched.
    pub fn note(&mut self, effect: &Effect, xid: u32) {
        let Some(touched) = &mut self.recording else { return };
        match effect {
            Effect::Want { key, .. } => {
                touched.keys.insert(key.clone(), xid);
            }
            Effect::PutRow { key, .. } | Effect::DeleteRow { key } => {
                touched.rows.insert(key.clone(), xid);
            }
            Effect::Refresh(_) | Effect::Wake { .. } | Effect::Reconcile(..) | Effect::Withdraw { .. } => {}
        }
    }

    /// Whether the stream is already ahead of this read: then the chunk must be read again.
    pub fn ahead_of(&self, seen: &Seen) -> bool {
        self.recording.is_none() || self.recent.ahead_of(seen)
    }

    /// Whether the stream has said something newer about what this effect of the chunk would write. Two
    /// writers of one key wait for each other, so the last one tells for all before it.
    pub fn is_newer(&self, effect: &Effect, seen: &Seen) -> bool {
        let Some(touched) = &self.recording else { return true };
        let last = match effect {
            Effect::Want { key, .. } => touched.keys.get(key),
            Effect::PutRow { key, .. } | Effect::DeleteRow { key } => touched.rows.get(key.as_slice()),
            Effect::Refresh(_) | Effect::Wake { .. } | Effect::Reconcile(..) | Effect::Withdraw { .. } => {
                None
            }
        };
        last.is_some_and(|xid| !seen.sees(*xid))
    }

    /// Whether any row whose stored key begins with `prefix` has been touched unseen by the chunk.
    pub fn is_newer_under(&self, prefix: &[u8], seen: &Seen) -> bool {
        let Some(touched) = &self.recording else { return true };
        touched.rows.iter().any(|(key, xid)| key.starts_with(prefix) && !seen.sees(*xid))
    }
}
