//! What Live wants VTEX to know of an order. Holds no personal data but what staff may have written as a reason, which
//! `Debug` does not show.

use std::collections::BTreeMap;
use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::entity::Key;
use crate::core::money::{Decimal4, Money};
use crate::core::order::{Direction, Step, Tracking};
use crate::core::time::Timestamp;

/// The pedidos that were made of one order of VTEX, sorted by their number in Live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Order {
    pub parts: Vec<Part>,
}

/// One pedido: what one store does about an order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `pedido_venda.numero`
    pub number: CompactString,
    pub kind: OrderKind,
    pub step: Step,
    /// When it came to this step, if Live says so.
    pub at: Option<Timestamp>,
    pub lines: Vec<Line>,
    /// Sorted by issue, oldest first.
    pub invoices: Vec<Invoice>,
    /// How it was sent. None: nothing is known about it.
    pub dispatch: Option<Dispatched>,
    /// What staff decided about a request to cancel it.
    pub decision: Option<Decision>,
    /// Why it was cancelled, or a request to cancel it denied.
    pub reason: Option<String>,
}

/// How a pedido reaches the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderKind {
    /// Fetched in a store.
    Pickup,
    Delivery,
    /// Entered by a sales person (pedido vendedor): its payment is not VTEX's.
    Seller,
}

/// A SKU of a pedido.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Reference of the SKU, as in [`Key::price`](crate::core::entity::Key::price).
    pub sku: CompactString,
    /// VTEX's warehouse whose stock Live has reserved for it. None: Live reserves nothing.
    pub warehouse: Option<CompactString>,
    /// What VTEX calls the line. None: only its SKU is known.
    pub external: Option<CompactString>,
    pub ordered: Decimal4,
    /// None: nobody has said yet.
    pub served: Option<Decimal4>,
}

impl Line {
    /// Less than was ordered.
    pub fn is_short(&self) -> bool {
        self.served.is_some_and(|served| served < self.ordered)
    }
}

/// A fiscal document (nota fiscal, cupom).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub direction: Direction,
    /// Digits.
    pub number: CompactString,
    pub series: CompactString,
    /// 44 digits.
    pub key: Option<CompactString>,
    pub state: InvoiceState,
    /// Shipping included.
    pub value: Money,
    pub issued_at: Timestamp,
    pub url: Option<CompactString>,
    pub items: Vec<InvoiceItem>,
}

impl Invoice {
    /// VTEX may have been told of it.
    pub const fn was_issued(&self) -> bool {
        matches!(self.state, InvoiceState::Authorised | InvoiceState::Cancelled)
    }
}

/// `nota_fiscal.situacao`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceState {
    Authorised,
    Cancelled,
    /// Its number was voided.
    Voided,
    Pending,
}

/// A SKU of a fiscal document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceItem {
    pub sku: CompactString,
    pub quantity: Decimal4,
    /// For one unit.
    pub price: Money,
}

/// How a pedido was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatched {
    pub tracking: Tracking,
    pub at: Option<Timestamp>,
}

/// `pedido_venda.decisao_cancelamento`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    Accept,
    Deny,
}

impl Order {
    /// For people's eyes.
    pub fn masked(&self) -> Self {
        let part =
            |part: &Part| Part { reason: part.reason.as_ref().map(|_| "***".to_owned()), ..part.clone() };
        Self { parts: self.parts.iter().map(part).collect() }
    }

    /// In one line, for people.
    pub fn describe(&self) -> String {
        let part = |part: &Part| {
            let mut text = format!("pedido {} {}", part.number, part.step);
            if let Some(at) = part.at {
                text.push_str(&format!(" since {at}"));
            }
            for invoice in &part.invoices {
                let state = format!("{:?}", invoice.state).to_lowercase();
                text.push_str(&format!(", invoice {} of {} ({state})", invoice.number, invoice.value));
            }
            if let Some(number) = part.dispatch.as_ref().and_then(|it| it.tracking.number.as_ref()) {
                text.push_str(&format!(", tracking {number}"));
            }
            text
        };
        self.parts.iter().map(part).collect::<Vec<_>>().join("; ")
    }

    /// By stock key, the units that Live does not count as being for sale because of this order.
    pub(super) fn reserved_stock(&self) -> Vec<(Key, u32)> {
        let mut reserved = BTreeMap::<Key, u32>::new();
        for line in self.live_parts().flat_map(|part| &part.lines) {
            let Some(warehouse) = &line.warehouse else { continue };
            let units = reserved.entry(Key::stock(warehouse, &line.sku)).or_default();
            *units = units.saturating_add(u32::try_from(line.ordered.floor()).unwrap_or(0));
        }
        reserved.into_iter().filter(|(_, units)| *units > 0).collect()
    }

    /// The pedidos that are to be carried out.
    pub fn live_parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.step.is_cancelled())
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("number", &self.number).field("step", &self.step).finish_non_exhaustive()
    }
}
