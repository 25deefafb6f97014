//! An order as VTEX shows it, reduced to what decides about it; what holds personal data has files of its own.
//!
//! | file | holds |
//! |---|---|
//! | `status` | where VTEX says that an order is; a status that no document names is kept as text |
//! | `step` | where a pedido is in Live |
//! | `purchase`, `pedido` | an order with everything in it, as VTEX has it and as Live takes it |
//! | `obstacle` | why it cannot be written |
//! | `inbound` | what an order that VTEX shows asks of Live |
//! | `shares` | dividing an amount to the cent |

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::money::Money;

pub mod inbound;
pub mod obstacle;
pub mod pedido;
pub mod purchase;
pub mod record;
pub mod shares;
mod status;
mod step;

pub use status::{Phase, RemoteStatus};
pub use step::{Step, UnknownStep};

/// An order as VTEX showed it last (`GET /api/oms/pvt/orders/{orderId}`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteOrder {
    pub status: RemoteStatus,
    /// `isCompleted`: all of its parts came through. One that has none counts as complete.
    pub complete: bool,
    /// The sum of its totals, shipping included.
    pub value: Money,
    pub items: Vec<RemoteItem>,
    /// Invoices that VTEX has.
    pub packages: Vec<Package>,
    /// Requests to cancel it, answered ones included.
    pub cancellations: Vec<CancellationRequest>,
}

impl RemoteOrder {
    /// A request to cancel that nobody has answered.
    pub fn open_cancellation(&self) -> Option<&CancellationRequest> {
        self.cancellations.iter().rev().find(|request| !request.denied)
    }

    /// What was sold by the invoices that VTEX has.
    pub fn invoiced(&self) -> Money {
        Money(self.sales().map(|package| package.value.0).sum())
    }

    /// Invoices of what was sold, without those of what came back.
    pub fn sales(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.direction == Direction::Output)
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteItem {
    /// VTEX's number of the SKU.
    pub id: CompactString,
    /// Tells lines with the same SKU apart.
    pub unique_id: CompactString,
    /// Our reference of the SKU.
    pub ref_id: CompactString,
    pub quantity: i64,
    /// For one unit, after discounts.
    pub price: Money,
}

/// An invoice that VTEX has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name within the order.
    pub number: CompactString,
    pub direction: Direction,
    pub value: Money,
    /// The access key of the fiscal document.
    pub key: Option<CompactString>,
    pub tracking: Tracking,
    /// The carrier has delivered it (`courierStatus.finished`).
    pub delivered: bool,
}

/// How a package is followed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tracking {
    pub courier: Option<CompactString>,
    pub number: Option<CompactString>,
    pub url: Option<CompactString>,
}

impl Tracking {
    /// Whether it says all that `other` says.
    pub fn says(&self, other: &Self) -> bool {
        let same =
            |own: &Option<CompactString>, other: &Option<CompactString>| other.is_none() || own == other;
        same(&self.courier, &other.courier)
            && same(&self.number, &other.number)
            && same(&self.url, &other.url)
    }
}

/// Whether an invoice is of a sale or of a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    Output,
    /// After the whole order was invoiced, it moves money back to the customer.
    Input,
}

impl Direction {
    /// As VTEX writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Output => "Output",
            Self::Input => "Input",
        }
    }
}

/// A request of the customer, or of the shop, to cancel an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancellationRequest {
    pub id: CompactString,
    pub denied: bool,
}
