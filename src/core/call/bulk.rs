//! Requests of bulk jobs (VTEX Bulk Pricing API; batch operations of the Logistics API): a file of rows is announced,
//! uploaded to storage that is not VTEX's API, and looked after until VTEX has gone through it.

use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Lane, Route};
use crate::core::entity::{Entity, SkuId};
use crate::core::money::Money;
use crate::core::time::Timestamp;

/// What a job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BulkKind {
    /// Base, list and cost prices.
    BasePrices,
    /// Quantities (early access: VTEX switches it on for an account).
    Inventory,
}

impl BulkKind {
    pub const ALL: [Self; 2] = [Self::BasePrices, Self::Inventory];

    /// The label in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BasePrices => "base-prices",
            Self::Inventory => "inventory",
        }
    }

    /// What its rows are.
    pub const fn entity(self) -> Entity {
        match self {
            Self::BasePrices => Entity::Price,
            Self::Inventory => Entity::Stock,
        }
    }

    /// The lane of the job's own requests; its keys belong to another.
    pub const fn lane(self) -> Lane {
        self.route().lane()
    }

    pub const fn route(self) -> Route {
        match self {
            Self::BasePrices => Route::PriceBulk,
            Self::Inventory => Route::StockBulk,
        }
    }

    /// The kind whose requests go out on `lane`.
    pub fn of(lane: Lane) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.lane() == lane)
    }
}

/// One row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkRow {
    Price {
        sku: SkuId,
        cost: Money,
        base: Money,
        list: Option<Money>,
    },
    /// `lead_time_hours`: VTEX takes one that is left out for 0, so every row says it.
    Stock {
        sku: SkuId,
        warehouse: CompactString,
        quantity: u32,
        lead_time_hours: u32,
    },
}

/// An address that holds the right to use it: never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl(pub String);

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedUrl(..)")
    }
}

/// Where and how a file is to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub to: SignedUrl,
    pub headers: Vec<(String, String)>,
    pub expires_at: Timestamp,
}

/// One request of a job.
#[derive(Clone, PartialEq, Eq)]
pub enum BulkCall {
    /// `POST …/import/base-prices` or `POST …/inventory/batch`. By itself it changes nothing: what is not uploaded
    /// expires.
    Open { kind: BulkKind, rows: Arc<[BulkRow]> },
    /// `PUT` to the storage, without VTEX's credentials.
    Upload { kind: BulkKind, batch: CompactString, upload: Arc<Upload>, rows: Arc<[BulkRow]> },
    /// `POST …/batch/{batch}/confirm`, of an inventory.
    Confirm { batch: CompactString },
    /// How far VTEX is.
    Status { kind: BulkKind, batch: CompactString },
    /// Where the rows that failed can be read.
    Report { kind: BulkKind, batch: CompactString },
    /// `GET` from the storage.
    Download { kind: BulkKind, batch: CompactString, from: SignedUrl },
}

/// What a request of a job has answered. `Upload` and `Confirm` are [`super::Answer::Done`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkAnswer {
    /// Of `Open`.
    Opened { batch: CompactString, upload: Upload },
    /// Of `Status`.
    Status(BatchStatus),
    /// Of `Report`; `None`: there is none.
    Report(Option<SignedUrl>),
    /// Of `Download`.
    Failed(Vec<FailedRow>),
}

/// How far VTEX is with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchStatus {
    pub state: BatchState,
    /// Grows while VTEX works: rows, or bytes.
    pub progress: u64,
    /// Rows that failed; `None`: some did, and VTEX does not tell how many.
    pub errors: Option<u64>,
    /// Rows that VTEX has read, where it tells.
    pub rows: Option<u64>,
    /// Rows that were left out since somebody wrote the item by itself meanwhile.
    pub skipped: u64,
}

/// The states of both APIs, as far as they differ for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    AwaitingUpload,
    /// Received, queued, validating, processing, documenting.
    Running,
    /// With errors or without.
    Completed,
    Failed,
    /// Nothing came in time.
    Expired,
}

/// A row of the report on errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    pub sku: SkuId,
    /// Of an inventory.
    pub warehouse: Option<CompactString>,
    /// As VTEX writes it; the codes of price imports are not documented.
    pub code: CompactString,
    pub message: String,
}

impl BulkCall {
    pub const fn kind(&self) -> BulkKind {
        match self {
            Self::Confirm { .. } => BulkKind::Inventory,
            Self::Open { kind, .. }
            | Self::Upload { kind, .. }
            | Self::Status { kind, .. }
            | Self::Report { kind, .. }
            | Self::Download { kind, .. } => *kind,
        }
    }

    /// Whether a lost answer leaves open what VTEX will do.
    pub const fn writes(&self) -> bool {
        matches!(self, Self::Upload { .. } | Self::Confirm { .. })
    }

    /// Whether it goes to the storage that VTEX named, not to VTEX.
    pub const fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Upload { .. } | Self::Download { .. })
    }

    pub(crate) const fn fits(&self, answer: &BulkAnswer) -> bool {
        matches!(
            (self, answer),
            (Self::Open { .. }, BulkAnswer::Opened { .. })
                | (Self::Status { .. }, BulkAnswer::Status(_))
                | (Self::Report { .. }, BulkAnswer::Report(_))
                | (Self::Download { .. }, BulkAnswer::Failed(_))
        )
    }

    /// Method and path, without what must not be shown.
    pub fn line(&self) -> String {
        const IMPORTER: &str = "/api/price-importer/pvt";
        const INVENTORY: &str = "/availability/v1/inventory/batch";
        use BulkKind::{BasePrices, Inventory};
        match self {
            Self::Open { kind: BasePrices, .. } => format!("POST {IMPORTER}/import/base-prices"),
            Self::Open { kind: Inventory, .. } => format!("POST {INVENTORY}"),
            Self::Upload { batch, .. } => format!("PUT the file of batch {batch}"),
            Self::Confirm { batch } => format!("POST {INVENTORY}/{batch}/confirm"),
            Self::Status { kind: BasePrices, batch } => format!("GET {IMPORTER}/batches/{batch}"),
            Self::Status { kind: Inventory, batch } => format!("GET {INVENTORY}/{batch}/status"),
            Self::Report { kind: BasePrices, batch } => format!("GET {IMPORTER}/batches/{batch}/errors"),
            Self::Report { kind: Inventory, batch } => format!("GET {INVENTORY}/{batch}/errors"),
            Self::Download { batch, .. } => format!("GET the errors of batch {batch}"),
        }
    }
}

impl fmt::Debug for BulkCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}
