//! What was read from a source since the last group commit, coalesced by key.
//!
//! While one commit is being written, changes go on arriving and replace each other here: under load the
//! window widens by itself, and its size is bounded by the number of distinct keys.

use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::core::entity::{Entity, Key};
use crate::core::position::{Incarnation, Position};
use crate::core::record::{Cause, Wanted};
use crate::core::row::Transaction;
use crate::core::time::Timestamp;
use crate::core::value::Value;
use crate::mapping::catalog::withdrawn;
use crate::mapping::{Effect, Refresh, Rows};
use crate::store::{Store, StoreError};

/// How far a source has been read, stored in the same commit as what was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub incarnation: Incarnation,
    /// Everything committed up to here is in the ledger.
    pub position: Position,
    /// Counts the incarnations whose positions could not be compared with those before (restored
    /// backup, another server): part of every [`version`].
    pub generation: u16,
}

impl Progress {
    /// The name of the entry in the store.
    pub fn entry(source: &str) -> String {
        format!("progress/{source}")
    }
}

/// The version of a change in the ledger: its position, made greater than every position of an earlier
/// generation. Postgres numbers WAL by bytes; 52 bits are 4.5 petabytes of it.
pub fn version(generation: u16, position: Position) -> Position {
    const LSN_BITS: u32 = 52;
    Position(u64::from(generation) << LSN_BITS | position.0 & ((1 << LSN_BITS) - 1))
}

/// Something to be read again from Live, at once or from a moment on (a price that becomes valid).
///
/// Stored under a key that sorts by time, so that what is due stands first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Due {
    /// Zero is at once.
    pub at: Timestamp,
    /// Of the change that asks for it. Another change of the same thing asks anew: what was read before it
    /// does not fulfil it.
    pub version: Position,
    pub refresh: Refresh,
}

impl Due {
    pub const fn now(version: Position, refresh: Refresh) -> Self {
        Self { at: Timestamp(0), version, refresh }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut key = self.at.0.max(0).to_be_bytes().to_vec();
        key.extend(self.version.0.to_be_bytes());
        key.extend(
            postcard::to_stdvec(&self.refresh).expect("postcard writes any of our own types to memory"),
        );
        key
    }

    /// `None` for bytes that are no such key.
    pub fn decode(key: &[u8]) -> Option<Self> {
        let (at, rest) = key.split_first_chunk::<8>()?;
        let (version, refresh) = rest.split_first_chunk::<8>()?;
        Some(Self {
            at: Timestamp(i64::from_be_bytes(*at)),
            version: Position(u64::from_be_bytes(*version)),
            refresh: postcard::from_bytes(refresh).ok()?,
        })
    }
}

/// Stored rows by key; `None` is a row to be removed.
pub type RowChanges = HashMap<Vec<u8>, Option<Vec<u8>>>;

/// One group of changes on its way to the ledger.
#[derive(Debug, Default)]
pub struct Batch {
    pub wanted: Vec<(Key, Wanted)>,
    pub rows: Arc<RowChanges>,
    /// To be read again from Live.
    pub due: Vec<Due>,
    /// Read again, no longer due.
    pub refreshed: Vec<Due>,
    /// Other named entries of the store (progress of a load, what to reconcile).
    pub notes: Vec<(String, Vec<u8>)>,
    /// `None`: this batch is only a part, the position does not move yet.
    pub progress: Option<Progress>,
}

/// What the writer of the ledger is asked to make durable.
#[derive(Debug)]
pub enum Work {
    /// A group of changes, with the position after them.
    Changes(Batch),
    /// A part of a transaction that is too large for memory: its keys stay unseen.
    Spill(Batch),
    /// That transaction has committed: its keys become dirty, together with this last part.
    Unspill(Batch),
}

/// A piece of work and where its end is told.
#[derive(Debug)]
pub struct Handover {
    pub source: Arc<str>,
    pub work: Work,
    pub done: oneshot::Sender<Result<(), StoreError>>,
}

/// The open window of one source.
#[derive(Debug, Default)]
pub struct Window {
    wanted: HashMap<Key, Wanted>,
    rows: RowChanges,
    due: Vec<Due>,
    refreshed: Vec<Due>,
    notes: Vec<(String, Vec<u8>)>,
    reconcile: Vec<(Entity, &'static str)>,
    /// Rows on their way to the store with the batch before.
    in_flight: Arc<RowChanges>,
    coalesced: u64,
}

impl Window {
    /// A rough size of one wanted value with its key and its share of the table.
    const WANTED_BYTES: usize = 160;

    /// Takes what the mapping said about one row.
    pub fn take(&mut self, effect: Effect, transaction: &Transaction, cause: Cause) {
        match effect {
            Effect::Want { key, value } => {
                let wanted = Wanted {
                    value,
                    position: transaction.position,
                    committed_at: transaction.committed_at,
                    cause,
                };
                match self.wanted.entry(key) {
                    hashbrown::hash_map::Entry::Occupied(mut entry) => {
                        self.coalesced += 1;
                        // A change stays a change when a resync of the same key follows it.
                        let cause = match (entry.get().cause, cause) {
                            (Cause::Resync, Cause::Resync) => Cause::Resync,
                            _ => Cause::Change,
                        };
                        *entry.get_mut() = Wanted { cause, ..wanted };
                    }
                    hashbrown::hash_map::Entry::Vacant(entry) => {
                        entry.insert(wanted);
                    }
                }
            }
            Effect::PutRow { key, value } => {
                self.rows.insert(key, Some(value));
            }
            Effect::DeleteRow { key } => {
                self.rows.insert(key, None);
            }
            Effect::Refresh(refresh) => self.ask_for(Due::now(transaction.position, refresh)),
            Effect::Wake { at, refresh } => {
                self.ask_for(Due { at, version: transaction.position, refresh });
            }
            Effect::Reconcile(entity, reason) => self.reconcile.push((entity, reason)),
            // Resolved before; what nobody holds needs nothing.
            Effect::Withdraw { .. } => {}
        }
    }

    /// Puts out of sight what the ledger knows to be wanted or held: of that VTEX's document is made.
    pub fn resolve(&self, effect: Effect, store: &Store) -> Effect {
        let Effect::Withdraw { key } = effect else { return effect };
        match self.told(&key, store).as_ref().and_then(withdrawn) {
            Some(value) => Effect::Want { key, value },
            None => Effect::Withdraw { key },
        }
    }

    /// What VTEX is about to be told of a key, or was told last.
    pub fn told(&self, key: &Key, store: &Store) -> Option<Value> {
        let value = self.wanted.get(key).map(|wanted| wanted.value.clone());
        let value = value.or_else(|| store.dirty(key).ok().flatten().map(|dirty| dirty.wanted.value));
        value.or_else(|| store.confirmed(key).ok().flatten().map(|confirmed| confirmed.value))
    }

    /// The same thing asked for many times in a row is asked for once, with the newest version.
    fn ask_for(&mut self, due: Due) {
        match self.due.last_mut() {
            Some(last) if last.at == due.at && last.refresh == due.refresh => *last = due,
            _ => self.due.push(due),
        }
    }

    /// A named entry of the store, written with this window.
    pub fn note(&mut self, name: String, value: Vec<u8>) {
        self.notes.push((name, value));
    }

    /// A refresh that this window fulfils.
    pub fn refreshed(&mut self, due: Due) {
        self.refreshed.push(due);
    }

    /// Entities that must be compared as a whole (TRUNCATE), taken out.
    pub fn take_reconcile(&mut self) -> Vec<(Entity, &'static str)> {
        std::mem::take(&mut self.reconcile)
    }

    /// Whether the window holds a value of this key.
    pub fn wants(&self, key: &Key) -> bool {
        self.wanted.contains_key(key)
    }

    /// How many changes replaced one that was still here, since the last call.
    pub fn take_coalesced(&mut self) -> u64 {
        std::mem::take(&mut self.coalesced)
    }

    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
            && self.rows.is_empty()
            && self.due.is_empty()
            && self.refreshed.is_empty()
            && self.notes.is_empty()
    }

    /// Roughly the memory held, in bytes.
    pub fn bytes(&self) -> usize {
        self.wanted.len() * Self::WANTED_BYTES
    }

    /// Empties the wanted values into key order, for the spill of a transaction that is too large to be
    /// held.
    pub fn drain_wanted(&mut self) -> Vec<(Key, Wanted)> {
        let mut wanted: Vec<_> = self.wanted.drain().collect();
        wanted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        wanted
    }

    /// Closes the window: everything in it as one batch. The rows stay readable until the next one.
    pub fn close(&mut self, progress: Option<Progress>) -> Batch {
        let wanted = self.drain_wanted();
        self.in_flight = Arc::new(std::mem::take(&mut self.rows));
        Batch {
            wanted,
            rows: Arc::clone(&self.in_flight),
            due: std::mem::take(&mut self.due),
            refreshed: std::mem::take(&mut self.refreshed),
            notes: std::mem::take(&mut self.notes),
            progress,
        }
    }

    /// Stored rows as they will be once this window is durable.
    pub fn view<'a>(&'a self, store: &'a Store) -> View<'a> {
        View { window: self, store }
    }
}

/// Reads stored rows through the window: its own first, then those on their way, then the store's.
pub struct View<'a> {
    window: &'a Window,
    store: &'a Store,
}

impl Rows for View<'_> {
    fn row(&self, key: &[u8]) -> Option<Vec<u8>> {
        if let Some(row) = self.window.rows.get(key).or_else(|| self.window.in_flight.get(key)) {
            return row.clone();
        }
        // A row that cannot be read is treated like one that is not there by the mapping; the store has
        // logged why, and the next commit will fail loudly.
        self.store.row(key).ok().flatten()
    }

    fn rows(&self, prefix: &[u8], f: &mut dyn FnMut(&[u8], &[u8])) {
        let pending = |key: &[u8]| self.window.rows.get(key).or_else(|| self.window.in_flight.get(key));
        let _ = self.store.rows(prefix, &mut |key, value| {
            if pending(key).is_none() {
                f(key, value);
            }
        });
        for (key, value) in self.window.in_flight.iter() {
            if key.starts_with(prefix)
                && !self.window.rows.contains_key(key)
                && let Some(value) = value
            {
                f(key, value);
            }
        }
        for (key, value) in &self.window.rows {
            if key.starts_with(prefix)
                && let Some(value) = value
            {
                f(key, value);
            }
        }
    }
}
