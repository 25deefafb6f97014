//! Every setting of the dispatcher; all can be changed while it runs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::backoff::Backoff;
use super::super::bulk::{BulkRules, InvalidBulk};
use super::super::call::{Lane, Route};
use super::super::limiter::RouteLimit;
use super::super::plan::PriceRules;
use super::super::plan::catalog::CatalogRules;
use super::super::plan::orders::OrderRules;
use super::super::skus::LOOKUP_BATCH;

/// A key that fails is not sent more often than ten times a second…
const RETRY_FIRST_MS_MIN: u64 = 100;

/// … and not less often than once a day.
const RETRY_MAX_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// Settings of the dispatcher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Requests per second and burst of each route.
    pub routes: RouteLimits,
    /// The most requests of a lane that are out at once.
    pub concurrency: Concurrency,
    /// Every so many requests of a route, the key that has waited longest goes first, whatever its urgency.
    /// Default 16: six percent of the budget is what resync gets while the shop is busy.
    pub ageing_every: u32,
    /// Lanes that send nothing.
    pub paused: BTreeSet<Lane>,
    /// Pause before the second attempt of a key, in milliseconds; doubles with each further one, spread
    /// over its upper half. Default 1,000.
    pub retry_first_ms: u64,
    /// The longest pause between two attempts of a key, in milliseconds. Default 300,000: a key that VTEX
    /// cannot digest costs twelve requests an hour.
    pub retry_max_ms: u64,
    /// References per look-up of SKUs, 1 to 100.
    pub lookup_batch: usize,
    /// The least time between two look-ups, in milliseconds, so that references gather. Default 200: a first
    /// load learns 500 SKUs a second.
    pub lookup_interval_ms: u64,
    /// Whose the prices in VTEX are.
    pub price: PriceRules,
    /// Whose the fields of the catalog are.
    pub catalog: CatalogRules,
    /// When many prices or balances go by one job.
    pub bulk: BulkRules,
    /// How orders are told about.
    pub orders: OrderRules,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            routes: RouteLimits::default(),
            concurrency: Concurrency::default(),
            ageing_every: 16,
            paused: BTreeSet::new(),
            retry_first_ms: 1_000,
            retry_max_ms: 300_000,
            lookup_batch: LOOKUP_BATCH,
            lookup_interval_ms: 200,
            price: PriceRules::default(),
            catalog: CatalogRules::default(),
            bulk: BulkRules::default(),
            orders: OrderRules::default(),
        }
    }
}

/// The budget of each route. VTEX counts "per route and account": what other integrations of the account
/// use has to be taken off here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteLimits {
    /// VTEX publishes no limit for inventory; found by lowering the rate at a 429. Default 50/s, burst 100.
    pub stock_write: RouteLimit,
    /// As `stock_write`.
    pub stock_read: RouteLimit,
    /// Pricing API: 2,000 a minute with 500 burst credits.
    pub price_put: RouteLimit,
    /// Not listed by the Pricing API; taken as `PUT`.
    pub price_patch: RouteLimit,
    /// Pricing API: 1,000 a minute with 300 burst credits.
    pub price_delete: RouteLimit,
    /// Pricing API: "under review"; taken as `PUT`.
    pub price_read: RouteLimit,
    /// Catalog API: 15,000 a minute for each endpoint; a fifth of that is plenty for batches.
    pub sku_lookup: RouteLimit,
    /// Catalog API: 15,000 a minute for each endpoint, taken together. A third of that leaves room for others.
    pub catalog_read: RouteLimit,
    /// As `catalog_read`. Under many writes at once VTEX's catalog answers with deadlocks (known issue 862626).
    pub catalog_write: RouteLimit,
    /// Master Data publishes no limit for single documents; found by lowering the rate at a 429.
    pub people_read: RouteLimit,
    /// As `people_read`.
    pub people_write: RouteLimit,
    /// Requests about bulk jobs: a handful for each job. Bulk Pricing API: 429 documented, the limit is not.
    pub price_bulk: RouteLimit,
    /// As `price_bulk`.
    pub stock_bulk: RouteLimit,
    /// Orders API: 6,000 a minute for reading orders. A third of it, and a fifth for `[orders]`: VTEX Admin suffers from what
    /// others ask.
    pub order_read: RouteLimit,
    /// Not published. Default 20/s, burst 40: what 10,000 orders an hour take, with room for repetitions.
    pub order_write: RouteLimit,
}

impl Default for RouteLimits {
    fn default() -> Self {
        let limit = |per_second, burst| RouteLimit { per_second, burst };
        Self {
            stock_write: limit(50.0, 100),
            stock_read: limit(50.0, 100),
            price_put: limit(33.33, 500),
            price_patch: limit(33.33, 500),
            price_delete: limit(16.6, 300),
            price_read: limit(33.33, 500),
            sku_lookup: limit(50.0, 100),
            catalog_read: limit(80.0, 160),
            catalog_write: limit(40.0, 80),
            people_read: limit(30.0, 60),
            people_write: limit(30.0, 60),
            price_bulk: limit(2.0, 4),
            stock_bulk: limit(2.0, 4),
            order_read: limit(33.0, 66),
            order_write: limit(20.0, 40),
        }
    }
}

impl RouteLimits {
    pub const fn of(&self, route: Route) -> &RouteLimit {
        match route {
            Route::StockWrite => &self.stock_write,
            Route::StockRead => &self.stock_read,
            Route::PricePut => &self.price_put,
            Route::PricePatch => &self.price_patch,
            Route::PriceDelete => &self.price_delete,
            Route::PriceRead => &self.price_read,
            Route::SkuLookup => &self.sku_lookup,
            Route::CatalogRead => &self.catalog_read,
            Route::CatalogWrite => &self.catalog_write,
            Route::PeopleRead => &self.people_read,
            Route::PeopleWrite => &self.people_write,
            Route::PriceBulk => &self.price_bulk,
            Route::StockBulk => &self.stock_bulk,
            Route::OrderRead => &self.order_read,
            Route::OrderWrite => &self.order_write,
        }
    }
}

/// The most requests that are out at once, by lane; fewer while VTEX is slow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Concurrency {
    /// Default 32: fifty a second at 600 ms each.
    pub stock: u32,
    /// Default 16: 33 a second at 480 ms each.
    pub price: u32,
    /// Default 12: more writers at once make VTEX's catalog answer with deadlocks.
    pub catalog: u32,
    /// Default 8.
    pub people: u32,
    /// Default 8.
    pub orders: u32,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { stock: 32, price: 16, catalog: 12, people: 8, orders: 8 }
    }
}

impl Concurrency {
    /// More would only queue inside VTEX, and the connections are ours to pay.
    pub const MAX: u32 = 1024;

    pub const fn of(&self, lane: Lane) -> u32 {
        match lane {
            Lane::Stock => self.stock,
            Lane::Price => self.price,
            Lane::Catalog => self.catalog,
            Lane::People => self.people,
            // One job at a time, and of it one request.
            Lane::PriceBulk | Lane::StockBulk => 1,
            Lane::Orders => self.orders,
        }
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidTuning {
    #[error("concurrency of lane {lane} is {value}: expected 1 to {max}; to send nothing, pause the lane", max = Concurrency::MAX)]
    Concurrency { lane: &'static str, value: u32 },
    #[error("ageing_every is {0}: expected 2 or more (1 would ignore urgency altogether)")]
    AgeingEvery(u32),
    #[error("lookup_batch is {0}: expected 1 to {LOOKUP_BATCH}")]
    LookupBatch(usize),
    #[error("limit of route {route}: {reason}")]
    Route { route: &'static str, reason: String },
    #[error("retry_first_ms is {first} and retry_max_ms {max}: expected 100 or more, and at most a day")]
    Retry { first: u64, max: u64 },
    #[error("bulk: {0}")]
    Bulk(#[from] InvalidBulk),
}

impl Tuning {
    /// # Errors
    /// The first setting that is out of range, with the range.
    pub fn validate(&self) -> Result<(), InvalidTuning> {
        for lane in Lane::ALL {
            let value = self.concurrency.of(lane);
            if !(1..=Concurrency::MAX).contains(&value) {
                return Err(InvalidTuning::Concurrency { lane: lane.name(), value });
            }
        }
        for route in Route::ALL {
            let invalid = |reason| InvalidTuning::Route { route: route.name(), reason };
            self.routes.of(route).validate().map_err(invalid)?;
        }
        if self.ageing_every < 2 {
            return Err(InvalidTuning::AgeingEvery(self.ageing_every));
        }
        if !(1..=LOOKUP_BATCH).contains(&self.lookup_batch) {
            return Err(InvalidTuning::LookupBatch(self.lookup_batch));
        }
        let (first, max) = (self.retry_first_ms, self.retry_max_ms);
        if first < RETRY_FIRST_MS_MIN || max < first || max > RETRY_MAX_MS_MAX {
            return Err(InvalidTuning::Retry { first, max });
        }
        self.bulk.validate()?;
        Ok(())
    }

    pub(super) const fn retry(&self) -> Backoff {
        Backoff {
            base: Duration::from_millis(self.retry_first_ms),
            max: Duration::from_millis(self.retry_max_ms),
        }
    }

    pub(super) const fn lookup_interval(&self) -> Duration {
        Duration::from_millis(self.lookup_interval_ms)
    }
}
