//! What the simulated VTEX holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};

use super::Options;
use super::faults::{Fault, Faults};
use super::limits::Bucket;

/// Enough that two requests rarely meet.
const SHARDS: usize = 64;

/// Stock of a SKU in a warehouse.
#[derive(Debug, Clone, Default)]
pub(super) struct Stock {
    pub(super) quantity: i64,
    pub(super) unlimited: bool,
    pub(super) lead_time: String,
    pub(super) balance_at: String,
    /// Placed and paid, not yet in handling.
    pub(super) reserved: i64,
    /// In handling: dropped by the next write of the quantity.
    pub(super) acknowledged: i64,
    /// Writes under way now.
    pub(super) writing: u32,
}

/// Prices of a SKU, in centavos.
#[derive(Debug, Clone, Default)]
pub(super) struct Price {
    pub(super) base: Option<f64>,
    pub(super) list: Option<f64>,
    pub(super) cost: Option<f64>,
    pub(super) fixed: Vec<Value>,
}

#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) stock: HashMap<(u32, String), Stock>,
    pub(super) prices: HashMap<u32, Price>,
}

#[derive(Debug, Default)]
struct Catalog {
    by_ref: HashMap<String, u32>,
    by_id: HashMap<u32, String>,
    next: u32,
}

/// What happened so far.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counters {
    /// `METHOD area status` → requests.
    pub requests: BTreeMap<String, u64>,
    pub too_many_requests: u64,
    /// Requests that break VTEX's rules (missing headers, keys).
    pub violations: u64,
    /// Stock writes whose balance time was before that of the write before.
    pub backwards: u64,
    /// The most writes of one SKU and warehouse at the same time.
    pub together_max: u32,
}

/// Everything, shared by all connections.
#[derive(Debug)]
pub struct World {
    pub(super) options: Options,
    shards: Vec<Mutex<Shard>>,
    catalog: RwLock<Catalog>,
    pub(super) faults: Mutex<Faults>,
    pub(super) counters: Mutex<Counters>,
    pub(super) random: Mutex<fastrand::Rng>,
    pub(super) credentials: RwLock<Vec<(String, String)>>,
    pub(super) buckets: HashMap<&'static str, Bucket>,
    pub(super) price_tables: Mutex<Vec<String>>,
    pub(super) requests: AtomicU64,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in another request leaves values that are whole: each is written in one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(super) fn new(options: Options) -> Self {
        let mut buckets = HashMap::new();
        if !options.unlimited {
            for route in ["price put", "price post", "price patch", "price get"] {
                buckets.insert(route, Bucket::new(2000.0 / 60.0, 500.0));
            }
            buckets.insert("price delete", Bucket::new(1000.0 / 60.0, 300.0));
            buckets.insert("catalog", Bucket::new(250.0, 1000.0));
            if let Some(rate) = options.stock_rate {
                buckets.insert("stock", Bucket::new(rate, 0.0));
            }
        }
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            catalog: RwLock::new(Catalog { next: 1, ..Catalog::default() }),
            faults: Mutex::default(),
            counters: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(options.seed)),
            credentials: RwLock::new(vec![(options.key.clone(), options.token.clone())]),
            buckets,
            price_tables: Mutex::new(vec!["1".to_owned(), "2".to_owned()]),
            requests: AtomicU64::new(0),
            options,
        }
    }

    pub(super) fn shard(&self, sku: u32) -> MutexGuard<'_, Shard> {
        lock(&self.shards[sku as usize % SHARDS])
    }

    /// Makes SKUs exist, by reference; ids are given in order.
    pub fn seed_skus(&self, refs: impl IntoIterator<Item = String>) {
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        for sku_ref in refs {
            add(&mut catalog, sku_ref);
        }
    }

    /// The id of a reference.
    pub fn sku(&self, sku_ref: &str) -> Option<u32> {
        let known = {
            let catalog = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
            catalog.by_ref.get(sku_ref).copied()
        };
        if known.is_some() || !self.options.auto_skus {
            return known;
        }
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        Some(add(&mut catalog, sku_ref.to_owned()))
    }

    pub(super) fn sku_ref(&self, id: u32) -> Option<String> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).by_id.get(&id).cloned()
    }

    pub(super) fn sku_ids(&self) -> Vec<u32> {
        let catalog = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<u32> = catalog.by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The total quantity of a SKU in a warehouse.
    pub fn stock(&self, sku_ref: &str, warehouse: &str) -> Option<i64> {
        let sku = self.sku(sku_ref)?;
        self.shard(sku).stock.get(&(sku, warehouse.to_owned())).map(|stock| stock.quantity)
    }

    /// Sets the failures in force.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        lock(&self.faults).set(faults, Instant::now());
    }

    pub fn counters(&self) -> Counters {
        lock(&self.counters).clone()
    }

    /// All requests so far, those that failed on purpose too.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Replaces the keys and tokens that are accepted.
    pub fn set_credentials(&self, accepted: Vec<(String, String)>) {
        *self.credentials.write().unwrap_or_else(PoisonError::into_inner) = accepted;
    }

    /// Base price in reais, and the fixed prices, of a SKU.
    pub fn price(&self, sku_ref: &str) -> Option<Value> {
        let sku = self.sku(sku_ref)?;
        self.shard(sku).prices.get(&sku).map(|price| json!({ "base": price.base, "list": price.list, "cost": price.cost, "fixed": price.fixed }))
    }

    /// Every stock value, as JSON objects.
    pub fn all_stock(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for shard in &self.shards {
            for ((sku, warehouse), stock) in &lock(shard).stock {
                all.push(json!({
                    "sku": sku, "ref": self.sku_ref(*sku), "warehouse": warehouse,
                    "quantity": stock.quantity, "balance_at": stock.balance_at,
                }));
            }
        }
        all
    }

    /// All prices, as JSON objects.
    pub fn all_prices(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for shard in &self.shards {
            for (sku, price) in &lock(shard).prices {
                all.push(json!({
                    "sku": sku, "ref": self.sku_ref(*sku), "base": price.base, "list": price.list,
                    "cost": price.cost, "fixed": price.fixed,
                }));
            }
        }
        all
    }
}

fn add(catalog: &mut Catalog, sku_ref: String) -> u32 {
    if let Some(id) = catalog.by_ref.get(&sku_ref) {
        return *id;
    }
    let id = catalog.next;
    catalog.next += 1;
    catalog.by_id.insert(id, sku_ref.clone());
    catalog.by_ref.insert(sku_ref, id);
    id
}
