//! What happened so far, for the assertions of tests and for the demo.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde::Serialize;

use super::ages::{Ages, BalanceAges};
use super::route::Route;
use super::world::{SkuId, locked};

/// Samples kept per kind; the totals are always complete.
const SAMPLES_MAX: usize = 100;
/// Statuses that are counted by name; anything else counts as the last, `0`.
const STATUSES: [u16; 19] =
    [200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 423, 429, 500, 503, NO_ANSWER];
/// The "status" of a request whose connection was closed without an answer.
pub(super) const NO_ANSWER: u16 = 0;

/// A stock write whose balance instant is older than the one already applied for its key.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct BackwardsWrite {
    /// VTEX SKU id.
    pub sku: SkuId,
    /// Warehouse id.
    pub warehouse: String,
    /// `dateUtcOnBalanceSystem` that was there.
    pub had: String,
    /// The older one that replaced it.
    pub got: String,
}

/// All counters at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CountersSnapshot {
    /// Requests by route (method and OpenAPI path) and status; status 0 is a connection closed without an answer.
    pub requests: BTreeMap<&'static str, BTreeMap<u16, u64>>,
    /// Requests that the rate limiter refused, by route (injected 429s are not among them).
    pub rate_limited: BTreeMap<&'static str, u64>,
    /// Requests that no correct client sends, by reason.
    pub violations: BTreeMap<String, u64>,
    /// The first of them, in full.
    pub violation_samples: Vec<String>,
    /// Stock writes that were applied.
    pub stock_writes: u64,
    /// Of these, writes of what VTEX already had.
    pub stock_writes_unchanged: u64,
    /// How old the balances were when they arrived.
    pub balance_ages: BalanceAges,
    /// Price writes that were applied.
    pub price_writes: u64,
    /// Of these, writes of what VTEX already had.
    pub price_writes_unchanged: u64,
    /// Catalog writes that were applied.
    pub catalog_writes: u64,
    /// Of these, writes of what VTEX already had.
    pub catalog_writes_unchanged: u64,
    /// Documents of Master Data that were saved.
    pub document_writes: u64,
    /// Of these, saves of what VTEX already had (304).
    pub document_writes_unchanged: u64,
    /// Stock writes that went back in `dateUtcOnBalanceSystem`.
    pub backwards: u64,
    /// The first of them.
    pub backwards_samples: Vec<BackwardsWrite>,
    /// The most writes of one key that were in flight at once; above 1 the client does not serialise.
    pub in_flight_max: u32,
    /// Writes that arrived while another one of their key was in flight.
    pub overlapping: u64,
}

impl CountersSnapshot {
    /// All requests to VTEX, whatever became of them.
    #[must_use]
    pub fn total_requests(&self) -> u64 {
        self.requests.values().flat_map(BTreeMap::values).sum()
    }

    /// All 429s that the rate limiter caused.
    #[must_use]
    pub fn total_rate_limited(&self) -> u64 {
        self.rate_limited.values().sum()
    }

    /// Requests that were answered with this status, whatever the route.
    #[must_use]
    pub fn with_status(&self, status: u16) -> u64 {
        self.requests.values().filter_map(|by_status| by_status.get(&status)).sum()
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: RouteTable<{ STATUSES.len() }>,
    rate_limited: RouteTable<1>,
    violations: Mutex<(BTreeMap<String, u64>, Vec<String>)>,
    pub(super) stock: Writes,
    pub(super) balance_ages: Ages,
    pub(super) price: Writes,
    pub(super) catalog: Writes,
    pub(super) documents: Writes,
    backwards: AtomicU64,
    backwards_samples: Mutex<Vec<BackwardsWrite>>,
    in_flight_max: AtomicU32,
    overlapping: AtomicU64,
}

#[derive(Debug)]
struct RouteTable<const COLUMNS: usize>([[AtomicU64; COLUMNS]; Route::COUNT]);

impl<const COLUMNS: usize> Default for RouteTable<COLUMNS> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

#[derive(Debug, Default)]
pub(super) struct Writes {
    all: AtomicU64,
    unchanged: AtomicU64,
}

impl Writes {
    pub(super) fn count(&self, changed: bool) {
        self.all.fetch_add(1, Ordering::Relaxed);
        if !changed {
            self.unchanged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Counters {
    pub(super) fn answered(&self, route: Route, status: u16) {
        let slot = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        self.requests.0[route as usize][slot].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn limited(&self, route: Route) {
        self.rate_limited.0[route as usize][0].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that no correct client sends.
    pub(super) fn violation(&self, reason: &str, request: &str) {
        let mut violations = locked(&self.violations);
        *violations.0.entry(reason.to_owned()).or_insert(0) += 1;
        if violations.1.len() < SAMPLES_MAX {
            violations.1.push(format!("{reason}: {request}"));
        }
    }

    pub(super) fn went_backwards(&self, write: BackwardsWrite) {
        self.backwards.fetch_add(1, Ordering::Relaxed);
        let mut samples = locked(&self.backwards_samples);
        if samples.len() < SAMPLES_MAX {
            samples.push(write);
        }
    }

    pub(super) fn in_flight(&self, count: u32) {
        self.in_flight_max.fetch_max(count, Ordering::Relaxed);
        if count > 1 {
            self.overlapping.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn snapshot(&self) -> CountersSnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (violations, violation_samples) = locked(&self.violations).clone();
        let mut snapshot = CountersSnapshot {
            violations,
            violation_samples,
            stock_writes: load(&self.stock.all),
            stock_writes_unchanged: load(&self.stock.unchanged),
            balance_ages: self.balance_ages.snapshot(),
            price_writes: load(&self.price.all),
            price_writes_unchanged: load(&self.price.unchanged),
            catalog_writes: load(&self.catalog.all),
            catalog_writes_unchanged: load(&self.catalog.unchanged),
            document_writes: load(&self.documents.all),
            document_writes_unchanged: load(&self.documents.unchanged),
            backwards: load(&self.backwards),
            backwards_samples: locked(&self.backwards_samples).clone(),
            in_flight_max: self.in_flight_max.load(Ordering::Relaxed),
            overlapping: load(&self.overlapping),
            ..CountersSnapshot::default()
        };
        for route in Route::all() {
            let counts = self.requests.0[route as usize].iter().map(load);
            let by_status: BTreeMap<u16, u64> =
                STATUSES.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
            if !by_status.is_empty() {
                snapshot.requests.insert(route.name(), by_status);
            }
            let limited = load(&self.rate_limited.0[route as usize][0]);
            if limited > 0 {
                snapshot.rate_limited.insert(route.name(), limited);
            }
        }
        snapshot
    }

    pub(super) fn reset(&self) {
        let zero = |counter: &AtomicU64| counter.store(0, Ordering::Relaxed);
        self.requests.0.iter().flatten().for_each(zero);
        self.rate_limited.0.iter().flatten().for_each(zero);
        for writes in [&self.stock, &self.price, &self.catalog, &self.documents] {
            zero(&writes.all);
            zero(&writes.unchanged);
        }
        self.balance_ages.reset();
        zero(&self.backwards);
        zero(&self.overlapping);
        self.in_flight_max.store(0, Ordering::Relaxed);
        *locked(&self.violations) = Default::default();
        locked(&self.backwards_samples).clear();
    }
}
