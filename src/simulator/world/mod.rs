//! What VTEX knows: the catalog, warehouses, stock with its reservations, prices, Master Data; and how it is disturbed
//! and observed.

mod bulk;
mod catalog;
mod clock;
mod master_data;
mod orders;
mod prices;
mod skus;
mod stock;
mod warehouses;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use jiff::Timestamp;

use super::access::{Access, Permission};
use super::counters::{Counters, CountersSnapshot};
use super::fault::{Fault, FaultPlan, Outage};
use super::in_flight::InFlight;
use super::in_flight::WriteKey;
use super::limiter::Limiter;
use super::options::{Credential, Latency, Options};
use clock::Clock;
use orders::Orders;

pub use bulk::{BulkFaults, BulkOptions, RowFault};
pub(super) use bulk::{BulkJobs, JobKind, JobState, JobView, Refused};

pub(super) use catalog::{
    Assignment, Brand, BrandFields, Catalog, Category, CategoryFields, Complement, FieldFields, GroupFields,
    Image, ImageFields, KitComponent, NewProduct, Owner, Product, ProductFields, Refusal, Sku, SkuFields,
    SpecificationField, Tables, ValueFields,
};
pub use catalog::{
    BrandView, CatalogCounts, CatalogDuplicates, CategoryView, ImageView, KitView, ProductView, SkuView,
    SpecificationView, Unmet,
};
pub(super) use master_data::{
    Condition, Fields, Hit, Index, MasterData, NotSaved, Page, Query, Save, Saved, Structure, Way,
};
pub use master_data::{
    CustomField, CustomFieldError, Duplicates, ErasureOutcome, ErasureState, FieldKind, MasterDataOptions,
    SavedAnswer, UnknownFields,
};
pub(super) use orders::{
    Address, Allotment, Change, ChangeState, ChangedItem, Customer, Desk, Driver, FeedConfig, Filter,
    HookConfig, Invoice, Item, Message, NewChange, NewInvoice, NoFeed, NotCancelled, NotChanged, NotInvoiced,
    Order, Payment, PaymentKind, Replacement, TrackingEvent, lock_id,
};
pub use orders::{
    Cancelling, EmailMask, FeedFaults, FeedView, InvoiceView, OrderOptions, OrderStatus, OrderView,
    RandomOrders,
};
pub(super) use prices::{DateRange, FixedPrice, Price, PriceTable};
pub use prices::{FixedPriceView, PriceView};
pub use skus::SkuId;
pub(super) use skus::Skus;
pub use stock::{ReservationStep, StockView};
pub(super) use stock::{ReservationView, StockTable, StockWrite};
pub(super) use warehouses::Warehouses;

/// Locks are striped by SKU: enough stripes that two cores hardly ever meet.
pub(super) const SHARDS: usize = 64;

/// The stripe of a SKU.
pub(super) fn shard_of(sku: SkuId) -> usize {
    sku as usize % SHARDS
}

/// A lock whose holder panicked is still a lock: the simulator's state is only counted in, never half written.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn written<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Why seeding or inspecting is not possible.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WorldError {
    /// Outside VTEX's ids.
    #[error("SKU id {0} is not between 1 and 2147483647")]
    SkuIdOutOfRange(u64),
    /// RefId and id are one to one.
    #[error("SKU {id} cannot have the RefId {reference:?}: one of the two is taken")]
    SkuTaken {
        /// The id to be given.
        id: SkuId,
        /// The RefId to be given.
        reference: String,
    },
    /// No such warehouse.
    #[error("warehouse {0:?} does not exist")]
    UnknownWarehouse(String),
    /// No such SKU.
    #[error("SKU {0} does not exist")]
    UnknownSku(SkuId),
    /// Warehouse indexes are 16 bits.
    #[error("more than 65535 warehouses")]
    TooManyWarehouses,
    /// No such reservation, or not in a state for this step.
    #[error("reservation {0:?} does not exist or cannot take this step")]
    Reservation(String),
    /// No such customer.
    #[error("customer {0:?} does not exist")]
    UnknownCustomer(String),
    /// Master Data does not take the document.
    #[error("the document is not accepted: {0}")]
    Document(String),
    /// The shop does not take the order, or not this step of it.
    #[error("the order is not accepted: {0}")]
    Order(String),
}

/// The simulated VTEX account, shared by all connections.
#[derive(Debug)]
pub struct World {
    pub(super) options: Options,
    pub(super) skus: Skus,
    pub(super) catalog: Catalog,
    pub(super) warehouses: Warehouses,
    pub(super) stock: StockTable,
    pub(super) prices: PriceTable,
    pub(super) master_data: MasterData,
    pub(super) bulk: BulkJobs,
    pub(super) orders: Orders,
    pub(super) counters: Counters,
    pub(super) in_flight: InFlight,
    pub(super) access: Access,
    pub(super) faults: FaultPlan,
    pub(super) limiter: Limiter,
    clock: Clock,
    outage: AtomicU8,
    latency: RwLock<Latency>,
    random: Mutex<fastrand::Rng>,
}

impl World {
    pub(super) fn new(options: Options) -> Result<Self, WorldError> {
        let warehouses = Warehouses::default();
        for warehouse in &options.warehouses {
            warehouses.add(warehouse, warehouse)?;
        }
        Ok(Self {
            skus: Skus::new(options.auto_skus),
            catalog: Catalog::new(&options),
            clock: Clock::start(),
            warehouses,
            stock: StockTable::default(),
            prices: PriceTable::new(&options.trade_policies),
            master_data: MasterData::new(
                &options.master_data,
                options.limits.wildcard_searches,
                options.seed,
            ),
            bulk: BulkJobs::default(),
            orders: Orders::new(&options.orders, options.seed),
            counters: Counters::default(),
            in_flight: InFlight::default(),
            access: Access::new(options.credentials.clone()),
            faults: FaultPlan::new(options.faults.clone(), options.seed),
            limiter: Limiter::new(&options.limits),
            outage: AtomicU8::new(0),
            latency: RwLock::new(options.latency),
            random: Mutex::new(fastrand::Rng::with_seed(options.seed)),
            options,
        })
    }

    /// Makes SKUs exist, each with its RefId and id.
    ///
    /// # Errors
    /// Ids outside 1 to 2147483647, and an id or a RefId that belongs to another SKU. What came before stays.
    pub fn seed_skus<R: AsRef<str>>(
        &self,
        skus: impl IntoIterator<Item = (R, SkuId)>,
    ) -> Result<usize, WorldError> {
        self.skus.add(skus)
    }

    /// Makes `count` SKUs exist: ids 1 to `count`, RefIds `prefix` and the id.
    ///
    /// # Errors
    /// As [`World::seed_skus`].
    pub fn seed_numbered_skus(&self, prefix: &str, count: SkuId) -> Result<usize, WorldError> {
        self.skus.add((1..=count).map(|id| (format!("{prefix}{id}"), id)))
    }

    /// Makes a warehouse exist, or renames it.
    ///
    /// # Errors
    /// Too many of them.
    pub fn add_warehouse(&self, id: &str, name: &str) -> Result<(), WorldError> {
        self.warehouses.add(id, name).map(|_| ())
    }

    /// How many SKUs exist.
    #[must_use]
    pub fn sku_count(&self) -> usize {
        self.skus.count()
    }

    /// The id of a SKU.
    #[must_use]
    pub fn sku_id(&self, reference: &str) -> Option<SkuId> {
        self.skus.id(reference)
    }

    /// The stock of a SKU in a warehouse; `None` if it was never written.
    #[must_use]
    pub fn stock(&self, sku: SkuId, warehouse: &str) -> Option<StockView> {
        self.settle_orders();
        self.stock.get(sku, self.warehouses.index(warehouse)?)
    }

    /// How many pairs of SKU and warehouse were ever written.
    #[must_use]
    pub fn stock_count(&self) -> usize {
        self.stock.count()
    }

    /// The price of a SKU.
    #[must_use]
    pub fn price(&self, sku: SkuId) -> Option<PriceView> {
        self.prices.with(sku, |price| price.map(Price::view))
    }

    /// How many SKUs have a price.
    #[must_use]
    pub fn price_count(&self) -> usize {
        self.prices.count()
    }

    /// An order reserves stock (status Authorized). Gives the reservation's id.
    ///
    /// # Errors
    /// An unknown SKU or warehouse.
    pub fn reserve(&self, sku: SkuId, warehouse: &str, quantity: u32) -> Result<String, WorldError> {
        let unknown = || WorldError::UnknownWarehouse(warehouse.to_owned());
        let index = self.warehouses.index(warehouse).ok_or_else(unknown)?;
        if !self.skus.exists(sku) {
            return Err(WorldError::UnknownSku(sku));
        }
        Ok(self.stock.reserve(sku, index, quantity, "", self.timestamp()))
    }

    /// Takes a reservation one step further.
    ///
    /// # Errors
    /// An unknown reservation, or a step that its state does not allow.
    pub fn step_reservation(&self, id: &str, step: ReservationStep) -> Result<(), WorldError> {
        self.stock.step(id, step).ok_or_else(|| WorldError::Reservation(id.to_owned()))
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> CountersSnapshot {
        self.counters.snapshot()
    }

    /// Sets all counters to zero.
    pub fn reset_counters(&self) {
        self.counters.reset();
    }

    /// Replaces the active faults.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.faults.replace(faults);
    }

    /// Faults that can still hit a request, with what is left of their count.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.faults.list()
    }

    /// Takes VTEX away or brings it back.
    pub fn set_outage(&self, outage: Outage) {
        self.outage.store(outage as u8, Ordering::Release);
    }

    pub(super) fn outage(&self) -> Outage {
        match self.outage.load(Ordering::Acquire) {
            0 => Outage::Off,
            1 => Outage::Unavailable,
            _ => Outage::Reset,
        }
    }

    /// Replaces the accepted credentials; two tokens of one key are the state between renew and finish-renewal.
    pub fn set_credentials(&self, credentials: Vec<Credential>) {
        self.access.set_credentials(credentials);
    }

    /// Replaces the permissions that every key lacks; calls that need one of them answer 403.
    pub fn deny(&self, permissions: Vec<Permission>) {
        self.access.deny(permissions);
    }

    /// Changes how long answers take.
    pub fn set_latency(&self, latency: Latency) {
        *written(&self.latency) = latency;
    }

    pub(super) fn draw_latency(&self) -> Duration {
        let Latency { fixed, jitter } = *read(&self.latency);
        if jitter.is_zero() {
            return fixed;
        }
        fixed + jitter.mul_f64(locked(&self.random).f64())
    }

    /// Moves the simulator's time forward: what lags behind by less than this shows.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.master_data.advance(by);
        self.work_on_bulk_jobs();
        self.settle_orders();
    }

    /// Replaces what goes wrong with bulk jobs.
    pub fn disturb_bulk(&self, faults: BulkFaults) {
        self.bulk.disturb(faults);
    }

    /// Switches bulk jobs off for the account, with the status that opening one is refused with, or on (`None`).
    pub fn refuse_bulk(&self, price_imports: Option<u16>, batch_inventories: Option<u16>) {
        self.bulk.refuse(price_imports, batch_inventories);
    }

    /// Applies the rows of every bulk job whose time has come.
    pub(super) fn work_on_bulk_jobs(&self) {
        self.bulk.work(self, self.now());
    }

    /// A key is written by itself: whether a bulk job that is under way holds it, too.
    pub(super) fn is_in_bulk_job(&self, key: WriteKey) -> bool {
        match key {
            WriteKey::Stock { sku, warehouse } => self.bulk.touch(sku, Some(warehouse), self.now()),
            WriteKey::Price(sku) => self.bulk.touch(sku, None, self.now()),
            WriteKey::Product(_) | WriteKey::Sku(_) | WriteKey::Document(_) | WriteKey::Order(_) => false,
        }
    }

    /// The id of a bulk job, and the secret in the address of its file.
    pub(super) fn draw_ids(&self) -> [String; 2] {
        let mut random = locked(&self.random);
        [(); 2]
            .map(|()| uuid::Builder::from_random_bytes(random.u128(..).to_le_bytes()).into_uuid().to_string())
    }

    /// Time since the start, with what [`World::advance`] added.
    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// The simulator's date and time.
    pub(super) fn timestamp(&self) -> Timestamp {
        self.clock.timestamp()
    }

    /// Forgets stock, prices, reservations, documents, orders, feeds, counters, faults and outage; keeps SKUs and the rest of the
    /// catalog, warehouses, credentials, and the schemas and indices of Master Data.
    pub fn reset(&self) {
        self.stock.clear();
        self.prices.clear(&self.options.trade_policies);
        self.master_data.clear();
        self.bulk.clear();
        self.orders.clear();
        self.counters.reset();
        self.faults.replace(Vec::new());
        self.set_outage(Outage::Off);
        self.access.deny(Vec::new());
    }
}
