//! Requests to VTEX and their outcomes, as the planner and the failure table see them: no HTTP in here.

use std::time::Duration;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::entity::{RemoteId, SkuId};
use super::money::Money;
use super::time::Timestamp;
use super::value::{FixedPrice, Price};

pub mod bulk;
pub mod catalog;
pub mod orders;
pub mod people;

use bulk::{BulkAnswer, BulkCall};
use catalog::{CatalogAnswer, CatalogCall};
use orders::{OrderAnswer, OrderCall};
use people::{PeopleAnswer, PeopleCall};

/// A VTEX API family: one breaker and one concurrency limit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Inventory (Logistics API).
    Stock,
    /// Pricing API.
    Price,
    /// Catalog API.
    Catalog,
    /// Master Data.
    People,
    /// Orders API (OMS).
    Orders,
    /// Bulk Pricing API: the requests of its jobs, not their rows.
    PriceBulk,
    /// Batch operations of the Logistics API, likewise.
    StockBulk,
}

impl Lane {
    pub const ALL: [Self; 7] = [
        Self::Stock,
        Self::Price,
        Self::Catalog,
        Self::People,
        Self::Orders,
        Self::PriceBulk,
        Self::StockBulk,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Price => "price",
            Self::Catalog => "catalog",
            Self::People => "people",
            Self::Orders => "orders",
            Self::PriceBulk => "price-bulk",
            Self::StockBulk => "stock-bulk",
        }
    }

    /// The routes that belong to it.
    pub(crate) const fn routes(self) -> &'static [Route] {
        match self {
            Self::Stock => &[Route::StockWrite, Route::StockRead],
            Self::Price => &[Route::PricePut, Route::PricePatch, Route::PriceDelete, Route::PriceRead],
            Self::Catalog => &[Route::SkuLookup, Route::CatalogRead, Route::CatalogWrite],
            Self::People => &[Route::PeopleRead, Route::PeopleWrite],
            Self::Orders => &[Route::OrderRead, Route::OrderWrite],
            Self::PriceBulk => &[Route::PriceBulk],
            Self::StockBulk => &[Route::StockBulk],
        }
    }
}

/// What VTEX counts requests by ("per route and account", Pricing API): one token bucket each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    StockWrite,
    StockRead,
    PricePut,
    PricePatch,
    PriceDelete,
    PriceRead,
    SkuLookup,
    CatalogRead,
    CatalogWrite,
    PeopleRead,
    PeopleWrite,
    OrderRead,
    OrderWrite,
    PriceBulk,
    StockBulk,
}

impl Route {
    pub const ALL: [Self; 15] = [
        Self::StockWrite,
        Self::StockRead,
        Self::PricePut,
        Self::PricePatch,
        Self::PriceDelete,
        Self::PriceRead,
        Self::SkuLookup,
        Self::CatalogRead,
        Self::CatalogWrite,
        Self::PeopleRead,
        Self::PeopleWrite,
        Self::OrderRead,
        Self::OrderWrite,
        Self::PriceBulk,
        Self::StockBulk,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::StockWrite => "stock-write",
            Self::StockRead => "stock-read",
            Self::PricePut => "price-put",
            Self::PricePatch => "price-patch",
            Self::PriceDelete => "price-delete",
            Self::PriceRead => "price-read",
            Self::SkuLookup => "sku-lookup",
            Self::CatalogRead => "catalog-read",
            Self::CatalogWrite => "catalog-write",
            Self::PeopleRead => "people-read",
            Self::PeopleWrite => "people-write",
            Self::OrderRead => "order-read",
            Self::OrderWrite => "order-write",
            Self::PriceBulk => "price-bulk",
            Self::StockBulk => "stock-bulk",
        }
    }

    pub const fn lane(self) -> Lane {
        match self {
            Self::StockWrite | Self::StockRead => Lane::Stock,
            Self::PricePut | Self::PricePatch | Self::PriceDelete | Self::PriceRead => Lane::Price,
            Self::SkuLookup | Self::CatalogRead | Self::CatalogWrite => Lane::Catalog,
            Self::PeopleRead | Self::PeopleWrite => Lane::People,
            Self::OrderRead | Self::OrderWrite => Lane::Orders,
            Self::PriceBulk => Lane::PriceBulk,
            Self::StockBulk => Lane::StockBulk,
        }
    }

    /// Readings that begin a job.
    pub(crate) const fn reads(self) -> bool {
        matches!(
            self,
            Self::StockRead | Self::PriceRead | Self::CatalogRead | Self::PeopleRead | Self::OrderRead
        )
    }
}

/// One request to VTEX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `PATCH …/inventory/skus/{sku}/warehouses/{warehouse}/quantity`. `balance_at` is the commit time of
    /// the change in Live (`dateUtcOnBalanceSystem`).
    SetStock {
        sku: SkuId,
        warehouse: CompactString,
        quantity: u32,
        balance_at: Timestamp,
    },
    /// `GET …/inventory/skus/{sku}`, reduced to one warehouse.
    ReadStock {
        sku: SkuId,
        warehouse: CompactString,
    },
    /// The same, reduced to several warehouses.
    ReadBalances {
        sku: SkuId,
        warehouses: Vec<CompactString>,
    },
    /// `PUT …/prices/{sku}`: replaces base, list, cost **and every fixed price** of the SKU.
    PutPrice {
        sku: SkuId,
        price: Price,
    },
    /// `PATCH …/prices/{sku}/fixed`: adds or changes, deletes nothing.
    PatchFixed {
        sku: SkuId,
        fixed: Vec<FixedPrice>,
    },
    /// `DELETE …/prices/{sku}/fixed/{trade_policy}`.
    DeleteFixed {
        sku: SkuId,
        trade_policy: CompactString,
    },
    /// `DELETE …/prices/{sku}`: the SKU is no longer for sale.
    DeletePrice {
        sku: SkuId,
    },
    /// `GET …/prices/{sku}`.
    ReadPrice {
        sku: SkuId,
    },
    /// `POST …/stockkeepingunitidsbyrefids`: the only batch look-up. Without duplicates (they answer 500).
    FindSkus {
        refs: Vec<CompactString>,
    },
    Catalog(CatalogCall),
    People(PeopleCall),
    Order(OrderCall),
    /// Of a job, which writes many keys at once.
    Bulk(BulkCall),
}

impl Call {
    pub const fn route(&self) -> Route {
        match self {
            Self::SetStock { .. } => Route::StockWrite,
            Self::ReadStock { .. } | Self::ReadBalances { .. } => Route::StockRead,
            Self::PutPrice { .. } => Route::PricePut,
            Self::PatchFixed { .. } => Route::PricePatch,
            Self::DeleteFixed { .. } | Self::DeletePrice { .. } => Route::PriceDelete,
            Self::ReadPrice { .. } => Route::PriceRead,
            Self::FindSkus { .. } => Route::SkuLookup,
            Self::Catalog(call) => call.route(),
            Self::People(call) => call.route(),
            Self::Order(call) => call.route(),
            Self::Bulk(call) => call.kind().route(),
        }
    }

    pub const fn lane(&self) -> Lane {
        self.route().lane()
    }

    /// Whether the request changes anything in VTEX: then a lost answer leaves its outcome open.
    pub const fn writes(&self) -> bool {
        match self {
            Self::Catalog(call) => call.writes(),
            Self::People(call) => call.writes(),
            Self::Order(call) => call.writes(),
            Self::Bulk(call) => call.writes(),
            Self::ReadStock { .. }
            | Self::ReadBalances { .. }
            | Self::ReadPrice { .. }
            | Self::FindSkus { .. } => false,
            _ => true,
        }
    }
}

/// What VTEX holds for a SKU in a warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteStock {
    pub total: i64,
    pub reserved: i64,
    pub unlimited: bool,
}

/// What VTEX holds as the prices of a SKU. Amounts that are not whole centavos are kept as text by the
/// client and count as different from anything of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemotePrice {
    pub base: Option<Money>,
    pub list: Option<Money>,
    pub cost: Option<Money>,
    pub fixed: Vec<FixedPrice>,
}

/// What a request that VTEX accepted has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A write was applied.
    Done,
    /// `None`: VTEX has no balance for this SKU in this warehouse.
    Stock(Option<RemoteStock>),
    /// The same of each warehouse that was asked for.
    Balances(Vec<Option<RemoteStock>>),
    /// `None`: VTEX has no price for this SKU.
    Price(Option<RemotePrice>),
    /// Every reference asked for, with the SKU that VTEX knows by it.
    Skus(Vec<(CompactString, Option<SkuId>)>),
    Catalog(CatalogAnswer),
    People(PeopleAnswer),
    Order(OrderAnswer),
    Bulk(BulkAnswer),
}

impl Answer {
    /// VTEX's own name of what was written or asked for, if the answer tells it.
    pub fn id(&self) -> Option<RemoteId> {
        match self {
            Self::Catalog(answer) => answer.id(),
            Self::People(answer) => answer.id(),
            Self::Order(answer) => answer.id(),
            _ => None,
        }
    }
}

/// Why a request did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// VTEX answered with a status that is no success.
    Status { code: u16, body: String },
    /// No answer within the time allowed; it may have been applied.
    Timeout,
    /// No connection (refused, DNS, TLS): it was not applied.
    Connect(String),
    /// The connection broke after the request was sent; it may have been applied.
    Reset(String),
    /// A success whose body is not what the documentation says; it may have been applied.
    Malformed(String),
}

/// What the headers of an answer say about the budget (Pricing API; both spellings are read).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateHint {
    /// `Retry-After`, in seconds or as an HTTP date, as the time to wait from now.
    pub retry_after: Option<Duration>,
    /// `Ratelimit-Remaining`: requests that are still free, burst credits included.
    pub remaining: Option<u32>,
    /// `Ratelimit-Limit`: the most burst credits that can be had.
    pub limit: Option<u32>,
    /// `Ratelimit-Reset`: until the credits are full again.
    pub reset: Option<Duration>,
}

/// How one request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub result: Result<Answer, Failure>,
    pub rate: RateHint,
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_among_those_of_its_lane() {
        let mut all: Vec<Route> = Vec::new();
        for lane in Lane::ALL {
            assert!(lane.routes().iter().all(|route| route.lane() == lane));
            all.extend(lane.routes());
        }
        assert_eq!(all, Route::ALL);
    }
}
