//! One pass over everything, and what is kept of it.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::dispatch::{Drift, Proven};
use crate::core::entity::Entity;
use crate::core::time::Timestamp;
use crate::store::{Durability, Op, Store, StoreError};
use crate::telemetry::metrics;

/// The name of the entry in the store.
const ENTRY: &str = "proof";

/// The pass under way, and the last whole one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub running: Option<Pass>,
    /// The last one that came to its end.
    pub ended: Option<Pass>,
    /// The last one that came to its end over all entities.
    pub last: Option<Pass>,
}

/// What a pass has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    /// None: all.
    pub only: Option<Entity>,
    /// Differences are sent, not only counted.
    pub repair: bool,
    /// The entity that is being asked about, and the key (of stock: the SKU reference) before the next one.
    pub at: Option<(Entity, CompactString)>,
    /// Keys that VTEX told about.
    pub keys: u64,
    /// Keys that had a change on its way: they are proven by that.
    pub busy: u64,
    /// Keys that VTEX did not tell about.
    pub failed: u64,
    /// Keys that differed, by entity and how (the names, so that a newer version reads it).
    pub differences: BTreeMap<CompactString, BTreeMap<CompactString, u64>>,
}

impl Progress {
    pub(super) fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(store.meta(ENTRY)?.unwrap_or_default())
    }

    /// A kill takes the last keys back: they are asked about once more.
    pub(super) fn save(&self, store: &Store) -> Result<(), StoreError> {
        let op = Op::PutMeta { name: ENTRY.to_owned(), value: Store::encode(self) };
        store.commit(&[op], Durability::Buffered)
    }
}

impl Pass {
    pub(super) fn new(only: Option<Entity>, repair: bool, now: Timestamp) -> Self {
        Self {
            started: now,
            ended: None,
            only,
            repair,
            at: None,
            keys: 0,
            busy: 0,
            failed: 0,
            differences: BTreeMap::new(),
        }
    }

    pub(super) fn count(&mut self, entity: Entity, proven: Proven) {
        match proven {
            Proven::Same => self.keys += 1,
            Proven::Differs(drift) => {
                self.keys += 1;
                metrics::drift(entity, drift);
                *self.of(entity).entry(drift.name().into()).or_default() += 1;
            }
            Proven::Busy => self.busy += 1,
            Proven::Failed => self.failed += 1,
        }
    }

    fn of(&mut self, entity: Entity) -> &mut BTreeMap<CompactString, u64> {
        self.differences.entry(entity.name().into()).or_default()
    }

    /// What can differ at all.
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        Entity::ALL.into_iter().filter(|entity| !matches!(entity, Entity::Customer | Entity::Consent))
    }

    /// All keys that differed.
    pub fn differing(&self) -> u64 {
        self.differences.values().flat_map(BTreeMap::values).sum()
    }

    /// Those of an entity that differed in a way.
    pub fn differing_so(&self, entity: Entity, drift: Drift) -> u64 {
        let of = self.differences.get(entity.name());
        of.and_then(|of| of.get(drift.name())).copied().unwrap_or_default()
    }
}
