//! What a simulator is started with.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::bucket::Limit;
use super::fault::Fault;
use super::world::{BulkOptions, MasterDataOptions, OrderOptions};

/// Everything a simulator is started with. `Options::default()` is one warehouse, no SKU, VTEX's published limits, a
/// free port of this machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The VTEX account: the first segment of every Pricing path.
    pub account: String,
    /// The accepted key and token pairs; two tokens of one key are the state between renew and finish-renewal.
    pub credentials: Vec<Credential>,
    /// Warehouse ids that exist from the start.
    pub warehouses: Vec<String>,
    /// Pick-up points of the account.
    pub pickup_points: Vec<String>,
    /// Trade policies of the account; numeric ids as text.
    pub trade_policies: Vec<String>,
    /// Rate limits.
    pub limits: Limits,
    /// How long an answer takes.
    pub latency: Latency,
    /// Faults that are active from the start.
    pub faults: Vec<Fault>,
    /// Every VTEX exchange is appended to this file as one JSON object a line.
    pub record: Option<PathBuf>,
    /// The record holds what may be personal data: bodies and query values of Master Data and of erasures. Default:
    /// yes, since the persons of a simulator are invented.
    pub record_personal_data: bool,
    /// Seed of jitter and of fault probabilities: equal seeds and equal requests give equal faults.
    pub seed: u64,
    /// How far the catalog's look-ups are behind its writes.
    pub catalog_lag: CatalogLag,
    /// Every RefId asked for exists: its id is derived from the text, so that it survives a restart.
    pub auto_skus: bool,
    /// What VTEX does where its documents are silent.
    pub quirks: Quirks,
    /// Master Data and the erasure of persons.
    pub master_data: MasterDataOptions,
    /// Jobs of many prices or balances.
    pub bulk: BulkOptions,
    /// Orders, their feed and their hook.
    pub orders: OrderOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            account: "simulator".to_owned(),
            credentials: vec![Credential::default()],
            warehouses: vec!["1_1".to_owned()],
            pickup_points: Vec::new(),
            trade_policies: vec!["1".to_owned()],
            limits: Limits::default(),
            latency: Latency::default(),
            faults: Vec::new(),
            record: None,
            record_personal_data: true,
            seed: 0,
            catalog_lag: CatalogLag::default(),
            auto_skus: false,
            quirks: Quirks::default(),
            master_data: MasterDataOptions::default(),
            bulk: BulkOptions::default(),
            orders: OrderOptions::default(),
        }
    }
}

/// One accepted application key with one of its tokens.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Credential {
    /// `X-VTEX-API-AppKey`.
    pub key: String,
    /// `X-VTEX-API-AppToken`.
    pub token: String,
}

impl Default for Credential {
    /// The pair a simulator accepts when nothing else is said; it opens nothing anywhere else.
    fn default() -> Self {
        Self { key: "vtexappkey-simulator".to_owned(), token: "simulator-token".to_owned() }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("key", &self.key).field("token", &"***").finish()
    }
}

/// Rate limits by kind of route; `None` means no limit. Each route has its own bucket.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Pricing POST and PUT, and PATCH, which VTEX does not list: 2,000 a minute, 500 credits.
    pub pricing_write: Option<Limit>,
    /// Pricing DELETE: 1,000 a minute, 300 credits.
    pub pricing_delete: Option<Limit>,
    /// Pricing GET: "under review" at VTEX; taken to be as tight as a write.
    pub pricing_read: Option<Limit>,
    /// Logistics: VTEX publishes none.
    pub logistics: Option<Limit>,
    /// Each Catalog endpoint: 15,000 a minute.
    pub catalog_endpoint: Option<Limit>,
    /// All Catalog endpoints of the account together: 45,000 a minute.
    pub catalog_account: Option<Limit>,
    /// Master Data: VTEX publishes none.
    pub master_data: Option<Limit>,
    /// Searches and scrolls of Master Data with a wildcard: beyond it VTEX blocks them with 503 and 429. It publishes no
    /// figure.
    pub wildcard_searches: Option<Limit>,
    /// Requests about bulk jobs: VTEX documents a 429 and no figure.
    pub bulk: Option<Limit>,
    /// Getting an order or an order group: 6,000 a minute.
    pub order_read: Option<Limit>,
    /// Each other call of orders and their feed: VTEX publishes none.
    pub orders: Option<Limit>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pricing_write: Some(Limit { per_minute: 2_000, credits: 500 }),
            pricing_delete: Some(Limit { per_minute: 1_000, credits: 300 }),
            pricing_read: Some(Limit { per_minute: 2_000, credits: 500 }),
            logistics: None,
            catalog_endpoint: Some(Limit { per_minute: 15_000, credits: 15_000 }),
            catalog_account: Some(Limit { per_minute: 45_000, credits: 45_000 }),
            master_data: None,
            wildcard_searches: None,
            bulk: None,
            order_read: Some(Limit { per_minute: 6_000, credits: 6_000 }),
            orders: None,
        }
    }
}

impl Limits {
    /// No limit anywhere.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            pricing_write: None,
            pricing_delete: None,
            pricing_read: None,
            logistics: None,
            catalog_endpoint: None,
            catalog_account: None,
            master_data: None,
            wildcard_searches: None,
            bulk: None,
            order_read: None,
            orders: None,
        }
    }
}

/// Time between the arrival of a request and its answer: `fixed` plus up to `jitter`, half of it before the write is
/// applied and half after, so that a client that gives up may find it applied or not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    /// The least it takes.
    pub fixed: Duration,
    /// Added on top, evenly distributed.
    pub jitter: Duration,
}

/// What VTEX does where its documents are silent or contradict themselves.
#[derive(Clone, Debug)]
pub struct Quirks {
    /// Status for a SKU id that the catalog does not know (undocumented).
    pub unknown_sku_status: u16,
    /// Status for a warehouse that does not exist (undocumented).
    pub unknown_warehouse_status: u16,
    /// How the batch lookup shows an unknown RefId.
    pub unknown_refs: UnknownRefs,
    /// How numbers are printed.
    pub numbers: Numbers,
    /// A PUT price without the key `fixedPrices` leaves the fixed prices alone. Default: it deletes them.
    pub absent_fixed_prices_stay: bool,
    /// A write of a SKU and warehouse whose previous write is still being processed is refused with 423.
    pub lock_conflicts: bool,
    /// Reservations acknowledged after `dateUtcOnBalanceSystem` survive the write. Default: every acknowledged one goes.
    pub late_acknowledged_stay: bool,
    /// How the look-up of a product by RefId shows one it does not know.
    pub unknown_product: UnknownProduct,
    /// What a PUT with `IsActive: true` does when a condition other than image and components is not met.
    pub unmet_activation: UnmetActivation,
    /// A brand with the name of another one is refused with 409. Default: there are two of them.
    pub unique_brand_names: bool,
    /// A write of a product or SKU whose previous write is still being processed fails with a deadlock, not applied
    /// (VTEX known issue 862626). Default: both are applied.
    pub catalog_deadlocks: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            unknown_sku_status: 404,
            unknown_warehouse_status: 404,
            unknown_refs: UnknownRefs::Absent,
            numbers: Numbers::Strict,
            absent_fixed_prices_stay: false,
            lock_conflicts: true,
            late_acknowledged_stay: false,
            unknown_product: UnknownProduct::Null,
            unmet_activation: UnmetActivation::StaysInactive,
            unique_brand_names: false,
            catalog_deadlocks: false,
        }
    }
}

/// How far the catalog's look-ups are behind its writes, in the time that [`super::World::advance`] can move.
/// Catalog reads by id are never behind. Default: nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CatalogLag {
    /// The shop's search index, which the look-ups by EAN and by trade policy read; VTEX takes about six minutes.
    pub index: Duration,
    /// Look-ups by RefId, which sometimes find nothing (VTEX known issue 1157371).
    pub references: Duration,
    /// The lists of brands and the category tree: answers are at most this old (VTEX known issue 480892).
    pub lists: Duration,
}

/// How the look-up of a product by RefId shows one it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownProduct {
    /// 200 with `null` (VTEX known issue 826702).
    Null,
    /// 404.
    NotFound,
}

/// What a PUT of a SKU with `IsActive: true` does when a condition is not met of which VTEX's documents say no status
/// (reference, specification, product, brand, category). A missing image or component always is a 400.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnmetActivation {
    /// 200, and the SKU stays inactive: a failure that looks like success.
    #[default]
    StaysInactive,
    /// 400.
    Refused,
}

/// How the batch lookup by RefId shows one it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownRefs {
    /// Left out of the answer, as the schema wants it.
    Absent,
    /// Present with `null`.
    Null,
}

/// How numbers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Numbers {
    /// As the OpenAPI files type them: a whole number has no fraction.
    Strict,
    /// As VTEX's examples print them: `10.0` also where the file says integer.
    Realistic,
}
