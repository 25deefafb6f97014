//! Requests about orders (VTEX Orders API, order modifications).

use compact_str::CompactString;

use super::Route;
use crate::core::entity::RemoteId;
use crate::core::money::Money;
use crate::core::order::{Direction, RemoteOrder, Tracking};
use crate::core::time::Timestamp;

/// One request about the order `order`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCall {
    pub order: CompactString,
    pub act: OrderAct,
}

/// What is asked or told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderAct {
    /// `GET /api/oms/pvt/orders/{order}`
    Read,
    /// `POST …/start-handling`
    StartHandling,
    /// `POST …/interactions`: a line in the order's history.
    Note { message: String },
    /// `POST …/invoice`
    Invoice(Box<InvoiceDocument>),
    /// `PATCH …/invoice/{invoice}`
    Tracking { invoice: CompactString, tracking: Tracking, dispatched: Option<Timestamp> },
    /// `PUT …/invoice/{invoice}/tracking`
    Delivered { invoice: CompactString, at: Option<Timestamp> },
    /// `POST …/cancel`
    Cancel { reason: Reason },
    /// `POST /api/orders/pvt/document/{order}/deny-cancellation-request`
    DenyCancellation { request: CompactString, reason: Reason },
    /// `PATCH /api/order-system/orders/{order}/changes`: replaces lines by fewer of the same, asynchronously.
    Change { lines: Vec<FewerUnits>, reason: Reason },
}

/// What staff wrote, which may name people: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(pub String);

/// An invoice as VTEX takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceDocument {
    pub direction: Direction,
    /// Unique within the order: letters and digits.
    pub number: CompactString,
    pub value: Money,
    pub key: Option<CompactString>,
    pub url: Option<CompactString>,
    pub issued_at: Timestamp,
    pub items: Vec<DocumentItem>,
}

/// An item of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentItem {
    /// VTEX's number of the SKU.
    pub id: CompactString,
    pub quantity: i64,
    /// For one unit.
    pub price: Money,
}

/// A line of an order of which some units are taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FewerUnits {
    /// VTEX's number of the SKU.
    pub id: CompactString,
    /// VTEX's name of the line; empty: it told none.
    pub line: CompactString,
    /// How many VTEX has.
    pub from: i64,
    /// How many remain; 0: the line goes.
    pub to: i64,
}

/// What a request that VTEX accepted has answered. Writes that answer nothing of interest are [`super::Answer::Done`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderAnswer {
    /// Of `Read`.
    Order(Box<RemoteOrder>),
    /// Of `Change`: the request that VTEX works on.
    Changing(CompactString),
    /// Of `Change`: VTEX does not change this order (payment method, status, or the setting is off).
    ChangeRefused,
}

impl OrderCall {
    pub const fn route(&self) -> Route {
        if self.writes() { Route::OrderWrite } else { Route::OrderRead }
    }

    pub const fn writes(&self) -> bool {
        !matches!(self.act, OrderAct::Read)
    }

    /// Whether it would take items out twice when it is sent twice.
    pub const fn changes_items(&self) -> bool {
        matches!(self.act, OrderAct::Change { .. })
    }

    pub(crate) const fn fits(&self, answer: &OrderAnswer) -> bool {
        matches!(
            (&self.act, answer),
            (OrderAct::Read, OrderAnswer::Order(_))
                | (OrderAct::Change { .. }, OrderAnswer::Changing(_) | OrderAnswer::ChangeRefused)
        )
    }

    /// Method and path.
    pub fn line(&self) -> String {
        let order = &self.order;
        let oms = |method: &str, rest: &str| format!("{method} /api/oms/pvt/orders/{order}{rest}");
        match &self.act {
            OrderAct::Read => oms("GET", ""),
            OrderAct::StartHandling => oms("POST", "/start-handling"),
            OrderAct::Note { .. } => oms("POST", "/interactions"),
            OrderAct::Invoice(_) => oms("POST", "/invoice"),
            OrderAct::Tracking { invoice, .. } => oms("PATCH", &format!("/invoice/{invoice}")),
            OrderAct::Delivered { invoice, .. } => oms("PUT", &format!("/invoice/{invoice}/tracking")),
            OrderAct::Cancel { .. } => oms("POST", "/cancel"),
            OrderAct::DenyCancellation { .. } => {
                format!("POST /api/orders/pvt/document/{order}/deny-cancellation-request")
            }
            OrderAct::Change { .. } => format!("PATCH /api/order-system/orders/{order}/changes"),
        }
    }
}

impl OrderAnswer {
    /// The request for a change, which is known by its id from then on.
    pub fn id(&self) -> Option<RemoteId> {
        match self {
            Self::Changing(request) => Some(RemoteId::Change(request.clone())),
            Self::Order(_) | Self::ChangeRefused => None,
        }
    }
}

impl std::fmt::Debug for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reason(..)")
    }
}
