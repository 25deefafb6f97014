//! How many writes of one key are being processed at once: VTEX locks the key, and a client must never need it.

use std::sync::Mutex;

use hashbrown::HashMap;

use super::world::{SHARDS, SkuId, locked, shard_of};

/// What a write locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum WriteKey {
    /// A SKU in a warehouse, by the warehouse's index.
    Stock {
        sku: SkuId,
        warehouse: u16,
    },
    Price(SkuId),
    /// A product of the catalog with what belongs to it.
    Product(u32),
    /// A SKU of the catalog with what belongs to it.
    Sku(SkuId),
    /// A document of Master Data, by the hash of what identifies it.
    Document(u64),
    /// An order, by the hash of its id.
    Order(u64),
}

impl WriteKey {
    fn shard(self) -> usize {
        match self {
            Self::Stock { sku, .. } | Self::Price(sku) => shard_of(sku),
            Self::Product(id) | Self::Sku(id) => shard_of(id),
            Self::Document(hash) | Self::Order(hash) => (hash % SHARDS as u64) as usize,
        }
    }
}

#[derive(Debug)]
pub(super) struct InFlight {
    shards: Vec<Mutex<HashMap<WriteKey, u32>>>,
}

impl Default for InFlight {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl InFlight {
    /// Enters a key; the guard leaves it. Gives the number of requests now inside, this one included.
    pub(super) fn enter(&self, key: WriteKey) -> (u32, InFlightGuard<'_>) {
        let mut shard = locked(&self.shards[key.shard()]);
        let count = shard.entry(key).or_insert(0);
        *count += 1;
        (*count, InFlightGuard { all: self, key, shares: *count > 1 })
    }
}

/// Leaves the key when dropped, also when the client went away in the middle.
pub(super) struct InFlightGuard<'a> {
    all: &'a InFlight,
    key: WriteKey,
    shares: bool,
}

impl InFlightGuard<'_> {
    /// Whether another request was inside already.
    pub(super) const fn shares(&self) -> bool {
        self.shares
    }
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        let mut shard = locked(&self.all.shards[self.key.shard()]);
        if let Some(count) = shard.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                shard.remove(&self.key);
            }
        }
    }
}
