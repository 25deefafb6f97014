//! The ledger on disk: an embedded store with one writer, group commit, and positions in the same commit as
//! the keys they stand for.
//!
//! The engine is fjall, a log-structured merge tree in Rust. Three engines were measured for this use by
//! `benches/stores`, with keys of 30 bytes, records of 60 and 32 MiB of cache; CPU and bytes written tell more
//! than times do on a shared machine:
//!
//! | | fjall 3.1 | redb 4.6 | SQLite 3.54 (WAL, FULL) |
//! |---|---|---|---|
//! | commits of 100,000 sorted random upserts, 1 M keys: upserts/s; CPU µs each | 453,000; 1.8 | 314,000; 2.7 | 256,000; 2.7 |
//! | the same, 10 M keys | 1,064,000; 2.1 | 79,000; 9.5 | 82,000; 8.8 |
//! | bytes written per byte given, 1 M; 10 M keys | 3.6; 4.4 | 11.8; 41 | 26; 78 |
//! | commits of 100 upserts, 1 M; 10 M keys, per second | 298; 2,534 | 296; 96 | 154; 351 |
//! | p99 of these, 1 M; 10 M keys | 16; 3 ms | 8; 30 ms | 28; 20 ms |
//! | look-ups/s, warm, 1 M; 10 M keys | 120,000; 43,000 | 508,000; 114,000 | 457,000; 241,000 |
//! | opened after `kill -9`, 1 M; 10 M keys | 0.89; 0.95 s | 0.12; 0.98 s | 0.02; 0.02 s |
//! | acknowledged batches missing after 20 kills | 0 | 0 | 0 |
//! | on disk after rewriting all of 10 M keys | 1.4 GiB | 1.3 GiB | 1.0 GiB |
//! | peak memory, commits of 100,000, 1 M keys | 169 MiB | 61 MiB | 52 MiB |
//!
//! Two cores of a shared virtual machine (AMD EPYC, ext4, a sync in 0.2 ms: far quicker than most disks), nice 19;
//! 1 M keys: median of three runs; 10 M keys: one run; fjall before the options below. Compare within a row: the
//! machine was busier in some than in others, and fjall was still merging during the small commits at 1 M.
//!
//! What decides is the large commit over many keys (a price reload, an inventory count, the backlog after a
//! night) and the few bytes it writes to a shop's disk. fjall pays with the slowest look-ups and start, and with
//! the most memory: some five times a large commit. A kill tests the process, not the disk: nothing here shows
//! what a power cut leaves.
//!
//! Files are not to be read by other tools: `mare explain`, `parked` and `status` are the way in.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `dirty` | entity, id | [`Dirty`]: what Live wants and VTEX has not confirmed |
//! | `confirmed` | entity, id | [`Confirmed`] |
//! | `skus` | SKU reference | VTEX's id, or that it is unknown |
//! | `ids` | entity, id | VTEX's name of anything but a SKU |
//! | `rows` | named by the mapping | reference data, prices of a product, parts of a sum |
//! | `refresh` | due time, what | to be read again from Live |
//! | `spill` | entity, id | keys of a transaction too large for memory, until its commit |
//! | `held` | order id | an order of VTEX that is not in Live yet, and why |
//! | `orders` | order id | both numbers of an order, and what was done about it |
//! | `messages` | waiting or parked, webhook, number | a message to a customer, until it is delivered |
//! | `told` | Live or VTEX, order id | which steps and statuses of an order were seen |
//! | `meta` | name | schema version, progress of sources and loads, saved tuning |

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use compact_str::CompactString;
use fjall::compaction::Leveled;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::entity::{Entity, Key, RemoteId, SkuId};
use crate::core::message::Message;
use crate::core::order::record::{HeldOrder, OrderRecord};
use crate::core::position::Position;
use crate::core::record::{Confirmed, Dirty, Wanted};
use crate::core::time::Timestamp;

mod outstanding;
mod record;

pub use outstanding::Outstanding;

use record::{decode, decode_key, encode, encode_into, encode_key};

/// The layout of this version. A ledger of a newer one is refused.
const SCHEMA_VERSION: u32 = 1;
const SCHEMA_ENTRY: &str = "schema";

/// Limits of the engine. Those of a keyspace stay as they were when the ledger was made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Blocks kept in memory.
    pub cache_bytes: u64,
    /// Per keyspace, before it is written out.
    pub memtable_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        // Smaller memtables: a tenth less memory than with 8 MiB, and no more processor time with the levels below.
        Self { cache_bytes: 32 << 20, memtable_bytes: 4 << 20 }
    }
}

/// Whether a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power cut.
    Synced,
    /// Survives a killed process; a power cut may lose it.
    Buffered,
}

/// One change of the ledger.
#[derive(Debug, Clone)]
pub enum Op {
    /// Live wants something: replaces whatever was dirty for the key, a parked record too.
    Want {
        key: Key,
        dirty: Dirty,
    },
    /// The key is at rest: its dirty record goes, unless that one is newer (durable, and not announced yet).
    Settle {
        key: Key,
        position: Position,
        confirmed: Option<Confirmed>,
    },
    /// Attempts, doubts, parking: replaces the dirty record unless that one is newer. A doubt is the key's, so a newer record
    /// takes it on.
    Amend {
        key: Key,
        position: Position,
        dirty: Dirty,
    },
    /// VTEX has confirmed an older value than the wanted one.
    Advance {
        key: Key,
        confirmed: Confirmed,
    },
    /// VTEX may hold anything for this key.
    Unconfirm {
        key: Key,
    },
    Sku {
        sku_ref: CompactString,
        id: Option<SkuId>,
        at: Timestamp,
    },
    Id {
        key: Key,
        id: Option<RemoteId>,
    },
    /// Nothing is left of a customer but that he was erased, or let go: no record names him. The engine's files hold what
    /// was removed until they are merged, and its journal until it has been filled.
    Erase {
        key: Key,
    },
    PutRow {
        key: Vec<u8>,
        value: Vec<u8>,
    },
    DeleteRow {
        key: Vec<u8>,
    },
    PutRefresh {
        key: Vec<u8>,
        value: Vec<u8>,
    },
    DeleteRefresh {
        key: Vec<u8>,
    },
    PutMeta {
        name: String,
        value: Vec<u8>,
    },
    /// An order of VTEX is set aside, or not any more.
    Hold {
        order: CompactString,
        held: Option<HeldOrder>,
    },
    /// What is known of an order of VTEX; none: it is forgotten.
    Order {
        order: CompactString,
        record: Option<OrderRecord>,
    },
    /// A message to a customer; none: it is delivered, or not wanted any more.
    Message {
        key: Vec<u8>,
        message: Option<Box<Message>>,
    },
    /// What was seen of an order on its way, as written by [`Store::encode`]; none: it is forgotten.
    Told {
        key: Vec<u8>,
        told: Option<Vec<u8>>,
    },
}

/// What went wrong with the ledger, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the ledger in {0} is in use by another process: stop it first (one replicator per ledger)")]
    Locked(String),
    #[error(
        "the ledger was written by a newer version (layout {found}, this one reads up to {SCHEMA_VERSION}): update maré"
    )]
    Newer { found: u32 },
    #[error(
        "the ledger holds something unreadable in {place}; move the state folder away and start again: \
         everything is compared with Live anew"
    )]
    Corrupt { place: &'static str },
    #[error(
        "the ledger cannot be written ({0}): is the disk full or read-only? nothing is confirmed to Live meanwhile"
    )]
    Io(std::io::Error),
    #[error(
        "the ledger takes nothing more after a write that failed (is the disk full or read-only?): the service ends, \
         and takes up where it was when it is started again"
    )]
    Broken,
    #[error("ledger: {0}")]
    Engine(fjall::Error),
}

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        match error {
            fjall::Error::Io(error) => Self::Io(error),
            // The engine does not know how much of the failed write is in its journal.
            fjall::Error::Poisoned => Self::Broken,
            other => Self::Engine(other),
        }
    }
}

/// Key and value of a row that the mapping keeps.
pub type KeptRow = (Vec<u8>, Vec<u8>);

/// The ledger. Cheap to clone; reads may come from anywhere, commits from one writer.
#[derive(Clone)]
pub struct Store {
    db: Database,
    dirty: Keyspace,
    confirmed: Keyspace,
    skus: Keyspace,
    ids: Keyspace,
    rows: Keyspace,
    refresh: Keyspace,
    spill: Keyspace,
    held: Keyspace,
    orders: Keyspace,
    messages: Keyspace,
    told: Keyspace,
    meta: Keyspace,
}

impl Store {
    /// Opens or creates the ledger in a folder that belongs to it alone.
    ///
    /// # Errors
    /// When another process has it, a newer version wrote it, or the disk refuses.
    pub fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        create_private(dir).map_err(StoreError::Io)?;
        let locked = |error| match error {
            fjall::Error::Locked => StoreError::Locked(dir.display().to_string()),
            other => other.into(),
        };
        let db = Database::builder(dir.join("ledger"))
            .cache_size(options.cache_bytes)
            .max_journaling_size(64 << 20) // the least: a start reads all of it
            .open()
            .map_err(locked)?;
        let keyspace = |name| db.keyspace(name, || keyspace_options(options));
        let store = Self {
            dirty: keyspace("dirty")?,
            confirmed: keyspace("confirmed")?,
            skus: keyspace("skus")?,
            ids: keyspace("ids")?,
            rows: keyspace("rows")?,
            refresh: keyspace("refresh")?,
            spill: keyspace("spill")?,
            held: keyspace("held")?,
            orders: keyspace("orders")?,
            messages: keyspace("messages")?,
            told: keyspace("told")?,
            meta: keyspace("meta")?,
            db,
        };
        store.check_schema()?;
        // What was spilled belongs to a transaction that Live sends again.
        store.clear_spill()?;
        Ok(store)
    }

    fn check_schema(&self) -> Result<(), StoreError> {
        match self.meta::<u32>(SCHEMA_ENTRY)? {
            Some(found) if found > SCHEMA_VERSION => Err(StoreError::Newer { found }),
            Some(_) => Ok(()),
            None => {
                let op = Op::PutMeta { name: SCHEMA_ENTRY.to_owned(), value: encode(&SCHEMA_VERSION) };
                self.commit(&[op], Durability::Synced)
            }
        }
    }

    /// All of `ops` or none of them.
    ///
    /// # Errors
    /// When the disk refuses; then nothing of it counts.
    pub fn commit(&self, ops: &[Op], durability: Durability) -> Result<(), StoreError> {
        let mode = match durability {
            Durability::Synced => PersistMode::SyncData,
            Durability::Buffered => PersistMode::Buffer,
        };
        let mut batch = self.db.batch().durability(Some(mode));
        // Positions of dirty records written by this very commit: a batch cannot be read back.
        let mut written: HashMap<&Key, Option<Position>> = HashMap::new();
        let guarded = ops.iter().any(|op| matches!(op, Op::Settle { .. } | Op::Amend { .. }));
        let mut buffer = Vec::with_capacity(128);
        for op in ops {
            match op {
                Op::Want { key, dirty } => {
                    encode_into(dirty, &mut buffer);
                    batch.insert(&self.dirty, encode_key(key), buffer.as_slice());
                    if guarded {
                        written.insert(key, Some(dirty.wanted.position));
                    }
                }
                Op::Settle { key, position, confirmed } => {
                    if let Some(confirmed) = confirmed {
                        encode_into(confirmed, &mut buffer);
                        batch.insert(&self.confirmed, encode_key(key), buffer.as_slice());
                    }
                    if self.version_of(key, &written)?.is_some_and(|version| version <= *position) {
                        batch.remove(&self.dirty, encode_key(key));
                        written.insert(key, None);
                    }
                }
                Op::Advance { key, confirmed } => {
                    encode_into(confirmed, &mut buffer);
                    batch.insert(&self.confirmed, encode_key(key), buffer.as_slice());
                }
                Op::Unconfirm { key } => batch.remove(&self.confirmed, encode_key(key)),
                Op::Amend { key, position, dirty } => {
                    let newer = self.version_of(key, &written)?.filter(|version| version > position);
                    let Some(version) = newer else {
                        written.insert(key, Some(*position));
                        encode_into(dirty, &mut buffer);
                        batch.insert(&self.dirty, encode_key(key), buffer.as_slice());
                        continue;
                    };
                    // What this very commit writes cannot be read back, and stays as it is.
                    let held = if dirty.doubtful { self.dirty(key)? } else { None };
                    if let Some(held) = held.filter(|held| held.wanted.position == version) {
                        encode_into(&Dirty { doubtful: true, ..held }, &mut buffer);
                        batch.insert(&self.dirty, encode_key(key), buffer.as_slice());
                    }
                }
                Op::Sku { sku_ref, id, at } => {
                    encode_into(&(id, at), &mut buffer);
                    batch.insert(&self.skus, sku_ref.as_bytes(), buffer.as_slice());
                }
                Op::Id { key, id: Some(id) } => {
                    encode_into(id, &mut buffer);
                    batch.insert(&self.ids, encode_key(key), buffer.as_slice());
                }
                Op::Id { key, id: None } => batch.remove(&self.ids, encode_key(key)),
                Op::Erase { key } => {
                    let consent = Key { entity: Entity::Consent, id: key.id.clone() };
                    batch.remove(&self.ids, encode_key(key));
                    batch.remove(&self.ids, encode_key(&consent));
                    batch.remove(&self.dirty, encode_key(&consent));
                    batch.remove(&self.confirmed, encode_key(&consent));
                }
                Op::PutRow { key, value } => batch.insert(&self.rows, key.as_slice(), value.as_slice()),
                Op::DeleteRow { key } => batch.remove(&self.rows, key.as_slice()),
                Op::PutRefresh { key, value } => {
                    batch.insert(&self.refresh, key.as_slice(), value.as_slice())
                }
                Op::DeleteRefresh { key } => batch.remove(&self.refresh, key.as_slice()),
                Op::PutMeta { name, value } => batch.insert(&self.meta, name.as_bytes(), value.as_slice()),
                Op::Hold { order, held: Some(held) } => {
                    encode_into(held, &mut buffer);
                    batch.insert(&self.held, order.as_bytes(), buffer.as_slice());
                }
                Op::Hold { order, held: None } => batch.remove(&self.held, order.as_bytes()),
                Op::Order { order, record: Some(record) } => {
                    encode_into(record, &mut buffer);
                    batch.insert(&self.orders, order.as_bytes(), buffer.as_slice());
                }
                Op::Order { order, record: None } => batch.remove(&self.orders, order.as_bytes()),
                Op::Message { key, message: Some(message) } => {
                    encode_into(message, &mut buffer);
                    batch.insert(&self.messages, key.as_slice(), buffer.as_slice());
                }
                Op::Message { key, message: None } => batch.remove(&self.messages, key.as_slice()),
                Op::Told { key, told: Some(told) } => {
                    batch.insert(&self.told, key.as_slice(), told.as_slice())
                }
                Op::Told { key, told: None } => batch.remove(&self.told, key.as_slice()),
            }
        }
        batch.commit()?;
        Ok(())
    }

    fn version_of(
        &self,
        key: &Key,
        written: &HashMap<&Key, Option<Position>>,
    ) -> Result<Option<Position>, StoreError> {
        match written.get(key) {
            Some(position) => Ok(*position),
            None => Ok(self.dirty(key)?.map(|dirty| dirty.wanted.position)),
        }
    }

    /// What VTEX confirmed last for a key.
    pub fn confirmed(&self, key: &Key) -> Result<Option<Confirmed>, StoreError> {
        read(&self.confirmed, &encode_key(key), "confirmed")
    }

    /// The record of a key that is not at rest.
    pub fn dirty(&self, key: &Key) -> Result<Option<Dirty>, StoreError> {
        read(&self.dirty, &encode_key(key), "dirty")
    }

    /// Every key that is not at rest, the parked ones too.
    pub fn each_dirty(&self, f: &mut dyn FnMut(Key, Dirty)) -> Result<(), StoreError> {
        for guard in self.dirty.iter() {
            let (key, value) = guard.into_inner()?;
            let key = decode_key(&key).ok_or(StoreError::Corrupt { place: "dirty" })?;
            f(key, decode(&value).ok_or(StoreError::Corrupt { place: "dirty" })?);
        }
        Ok(())
    }

    /// Every confirmed key of an entity.
    pub fn each_confirmed(
        &self,
        entity: Entity,
        f: &mut dyn FnMut(Key, Confirmed),
    ) -> Result<(), StoreError> {
        for guard in self.confirmed.prefix([entity as u8]) {
            let (key, value) = guard.into_inner()?;
            let key = decode_key(&key).ok_or(StoreError::Corrupt { place: "confirmed" })?;
            f(key, decode(&value).ok_or(StoreError::Corrupt { place: "confirmed" })?);
        }
        Ok(())
    }

    /// The next confirmed keys of an entity, after the one with the id `after`, in order of their ids.
    pub fn confirmed_after(
        &self,
        entity: Entity,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Key>, StoreError> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let from = match after {
            Some(id) => Excluded(encode_key(&Key { entity, id: id.into() })),
            None => Included(vec![entity as u8]),
        };
        let mut found = Vec::new();
        for guard in self.confirmed.range::<Vec<u8>, _>((from, Unbounded)).take(limit) {
            let key = decode_key(&guard.key()?).ok_or(StoreError::Corrupt { place: "confirmed" })?;
            if key.entity != entity {
                break;
            }
            found.push(key);
        }
        Ok(found)
    }

    /// The next SKU references that were looked up, after `after`, in order.
    pub fn skus_after(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(CompactString, Option<SkuId>)>, StoreError> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, |after| Excluded(after.as_bytes()));
        let read = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner()?;
            let text = std::str::from_utf8(&key).map_err(|_| StoreError::Corrupt { place: "skus" })?;
            let (id, _): (Option<SkuId>, Timestamp) =
                decode(&value).ok_or(StoreError::Corrupt { place: "skus" })?;
            Ok((CompactString::new(text), id))
        };
        self.skus.range::<&[u8], _>((from, Unbounded)).take(limit).map(read).collect()
    }

    /// Every SKU reference that was looked up.
    pub fn each_sku(&self, f: &mut dyn FnMut(CompactString, Option<SkuId>)) -> Result<(), StoreError> {
        for guard in self.skus.iter() {
            let (key, value) = guard.into_inner()?;
            let text = std::str::from_utf8(&key).map_err(|_| StoreError::Corrupt { place: "skus" })?;
            let (id, _): (Option<SkuId>, Timestamp) =
                decode(&value).ok_or(StoreError::Corrupt { place: "skus" })?;
            f(CompactString::new(text), id);
        }
        Ok(())
    }

    /// VTEX's name of a thing.
    pub fn id(&self, key: &Key) -> Result<Option<RemoteId>, StoreError> {
        read(&self.ids, &encode_key(key), "ids")
    }

    /// VTEX's names of all things of a kind.
    pub fn each_id(&self, entity: Entity, f: &mut dyn FnMut(Key, RemoteId)) -> Result<(), StoreError> {
        for guard in self.ids.prefix([entity as u8]) {
            let (key, value) = guard.into_inner()?;
            let key = decode_key(&key).ok_or(StoreError::Corrupt { place: "ids" })?;
            f(key, decode(&value).ok_or(StoreError::Corrupt { place: "ids" })?);
        }
        Ok(())
    }

    /// A row that the mapping keeps.
    pub fn row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.get(key)?.map(|value| value.to_vec()))
    }

    /// Every kept row whose key begins with `prefix`, in order.
    pub fn rows(&self, prefix: &[u8], f: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StoreError> {
        for guard in self.rows.prefix(prefix) {
            let (key, value) = guard.into_inner()?;
            f(&key, &value);
        }
        Ok(())
    }

    /// The next kept rows whose key begins with `prefix`, after the key `after`, in order.
    pub fn rows_after(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<KeptRow>, StoreError> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let from = after.map_or(Included(prefix), Excluded);
        let mut found = Vec::new();
        for guard in self.rows.range::<&[u8], _>((from, Unbounded)).take(limit) {
            let (key, value) = guard.into_inner()?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key.to_vec(), value.to_vec()));
        }
        Ok(found)
    }

    /// The first keys that are to be read again, by due time.
    pub fn refreshes(&self, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.refresh.iter().take(limit).map(|guard| Ok(guard.key()?.to_vec())).collect()
    }

    /// Why an order of VTEX is not in Live yet.
    pub fn held(&self, order: &str) -> Result<Option<HeldOrder>, StoreError> {
        read(&self.held, order.as_bytes(), "held")
    }

    /// Every order that is set aside.
    pub fn each_held(&self, f: &mut dyn FnMut(CompactString, HeldOrder)) -> Result<(), StoreError> {
        each(&self.held, "held", f)
    }

    /// What is known of an order of VTEX.
    pub fn order(&self, order: &str) -> Result<Option<OrderRecord>, StoreError> {
        read(&self.orders, order.as_bytes(), "orders")
    }

    /// Every order that is known.
    pub fn each_order(&self, f: &mut dyn FnMut(CompactString, OrderRecord)) -> Result<(), StoreError> {
        each(&self.orders, "orders", f)
    }

    /// The next messages whose key begins with `prefix`, after the key `after`, in order.
    pub fn messages_after(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Message)>, StoreError> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let from = after.map_or(Included(prefix), Excluded);
        let mut found = Vec::new();
        for guard in self.messages.range::<&[u8], _>((from, Unbounded)).take(limit) {
            let (key, value) = guard.into_inner()?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key.to_vec(), decode(&value).ok_or(StoreError::Corrupt { place: "messages" })?));
        }
        Ok(found)
    }

    /// What was seen of an order on its way.
    pub fn told<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        read(&self.told, key, "told")
    }

    /// The same of every order whose key begins with `prefix`.
    pub fn each_told<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        f: &mut dyn FnMut(&[u8], T),
    ) -> Result<(), StoreError> {
        for guard in self.told.prefix(prefix) {
            let (key, value) = guard.into_inner()?;
            f(&key, decode(&value).ok_or(StoreError::Corrupt { place: "told" })?);
        }
        Ok(())
    }

    /// A named entry, as written by [`Store::encode`].
    pub fn meta<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        read(&self.meta, name.as_bytes(), "meta")
    }

    /// A named entry as it is.
    pub fn meta_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.meta.get(name)?.map(|value| value.to_vec()))
    }

    /// The bytes of a named entry.
    pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
        encode(value)
    }

    /// Sets a part of a large transaction aside; a key that is there already is replaced.
    pub fn spill(&self, wanted: Vec<(Key, Wanted)>) -> Result<(), StoreError> {
        let mut batch = self.db.batch().durability(None);
        let mut buffer = Vec::with_capacity(128);
        for (key, wanted) in wanted {
            encode_into(&wanted, &mut buffer);
            batch.insert(&self.spill, encode_key(&key), buffer.as_slice());
        }
        batch.commit()?;
        Ok(())
    }

    /// The next spilled keys after `after`, in order.
    pub fn spilled(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Wanted)>, StoreError> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, |key| Excluded(encode_key(key)));
        let range = self.spill.range::<Vec<u8>, _>((from, Unbounded));
        let read = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner()?;
            let pair = decode_key(&key).zip(decode(&value));
            pair.ok_or(StoreError::Corrupt { place: "spill" })
        };
        range.take(limit).map(read).collect()
    }

    /// Forgets what is spilled.
    pub fn clear_spill(&self) -> Result<(), StoreError> {
        if self.spill.first_key_value().is_some() {
            self.spill.clear()?;
        }
        Ok(())
    }

    /// Size of all files, in bytes.
    pub fn disk_bytes(&self) -> u64 {
        self.db.disk_space().unwrap_or(0)
    }
}

/// The engine's levels are meant for memtables of 64 MiB. In proportion to ours, a large ledger is merged with less
/// writing: 3.2 instead of 4.3 bytes per byte at 10 M keys, and a fifth less processor time.
fn keyspace_options(options: Options) -> KeyspaceCreateOptions {
    let levels = Leveled::default().with_l0_threshold(8).with_table_target_size(16 << 20);
    KeyspaceCreateOptions::default()
        .max_memtable_size(options.memtable_bytes)
        .compaction_strategy(Arc::new(levels))
}

/// All entries of a keyspace that is keyed by text.
fn each<T: DeserializeOwned>(
    keyspace: &Keyspace,
    place: &'static str,
    f: &mut dyn FnMut(CompactString, T),
) -> Result<(), StoreError> {
    for guard in keyspace.iter() {
        let (key, value) = guard.into_inner()?;
        let text = std::str::from_utf8(&key).map_err(|_| StoreError::Corrupt { place })?;
        f(CompactString::new(text), decode(&value).ok_or(StoreError::Corrupt { place })?);
    }
    Ok(())
}

fn read<T: DeserializeOwned>(
    keyspace: &Keyspace,
    key: &[u8],
    place: &'static str,
) -> Result<Option<T>, StoreError> {
    match keyspace.get(key)? {
        Some(bytes) => decode(&bytes).map(Some).ok_or(StoreError::Corrupt { place }),
        None => Ok(None),
    }
}

/// The folder is for our user alone: the ledger names products, prices and, later, customers.
fn create_private(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
