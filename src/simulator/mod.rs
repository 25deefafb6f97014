//! A VTEX simulator: the Logistics, Pricing, Catalog, Master Data and Orders calls that an integration needs, with VTEX's
//! limits, latencies and faults. Demo, tests and benches run against it, in-process or as its own process.
//!
//! It is written from VTEX's documents and shares no type with the client or the core, so that one misreading
//! cannot hide on both sides. Where VTEX's documents are silent, the behaviour is a [`Quirks`] field.
//!
//! How a request travels: `serve` accepts it, `exchange` checks it in VTEX's order (headers, credentials,
//! permission, rate limit, injected fault), `route` names it, one file of `api` answers it from the [`World`], and
//! `record` writes it down. Everything under `/_simulator/` is for the operator of a test and lives in `admin`.

mod access;
mod admin;
mod ages;
mod api;
mod bucket;
mod counters;
mod exchange;
mod fault;
mod fault_text;
mod in_flight;
mod limiter;
mod options;
mod query;
mod record;
mod reply;
mod route;
mod serve;
mod world;

pub use access::Permission;
pub use ages::BalanceAges;
pub use bucket::{Grant, Limit, TokenBucket};
pub use counters::{BackwardsWrite, CountersSnapshot};
pub use fault::{Fault, FaultKind, Outage};
pub use options::{
    CatalogLag, Credential, Latency, Limits, Numbers, Options, Quirks, UnknownProduct, UnknownRefs,
    UnmetActivation,
};
pub use serve::{Handle, Simulator};
pub use world::{
    BrandView, CatalogCounts, CatalogDuplicates, CategoryView, FixedPriceView, ImageView, KitView, PriceView,
    ProductView, ReservationStep, SkuId, SkuView, SpecificationView, StockView, Unmet, World, WorldError,
};
pub use world::{BulkFaults, BulkOptions, RowFault};
pub use world::{
    Cancelling, EmailMask, FeedFaults, FeedView, InvoiceView, OrderOptions, OrderStatus, OrderView,
    RandomOrders,
};
pub use world::{
    CustomField, CustomFieldError, Duplicates, ErasureOutcome, ErasureState, FieldKind, MasterDataOptions,
    SavedAnswer, UnknownFields,
};
