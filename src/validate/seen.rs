//! What Live, VTEX and maré show of one order at one moment. Numbers, states and amounts; nothing of the customer but
//! whether there is one.

use compact_str::CompactString;

use crate::core::money::Money;
use crate::core::order::{RemoteOrder, Step};
use crate::core::value::order::{InvoiceState, OrderKind};

/// What was read, or why it could not be.
pub type Known<T> = Result<T, String>;

/// An order on all three sides.
#[derive(Debug, Clone)]
pub struct Seen {
    pub live: Known<LiveSeen>,
    pub vtex: Known<RemoteOrder>,
    pub mare: Known<MareSeen>,
}

impl Seen {
    /// Before anybody has looked.
    pub fn nothing() -> Self {
        let not_yet = || "nobody has looked yet".to_owned();
        Self { live: Err(not_yet()), vtex: Err(not_yet()), mare: Err(not_yet()) }
    }

    pub(super) fn pedidos(&self) -> Known<&[Pedido]> {
        let live = self.live.as_ref().map_err(Clone::clone)?;
        if live.pedidos.is_empty() {
            return Err("the order is not in Live".to_owned());
        }
        Ok(&live.pedidos)
    }

    pub(super) fn order(&self) -> Known<&RemoteOrder> {
        self.vtex.as_ref().map_err(Clone::clone)
    }
}

/// The pedidos of an order.
#[derive(Debug, Clone, Default)]
pub struct LiveSeen {
    pub pedidos: Vec<Pedido>,
    /// All that is reserved in this Live now, and was before the order, in units; none: somebody else may be reserving.
    pub reserved: Option<(i64, i64)>,
}

/// A `pedido_venda`.
#[derive(Debug, Clone)]
pub struct Pedido {
    /// Live's own number.
    pub number: CompactString,
    /// `numero_externo`.
    pub external: CompactString,
    /// None: its code is not in the mapping.
    pub kind: Option<OrderKind>,
    /// Its status code.
    pub code: i64,
    /// None: the code is not in the mapping.
    pub step: Option<Step>,
    pub total: Known<Money>,
    pub lines: Known<Lines>,
    /// What its payments add up to.
    pub paid: Known<Money>,
    /// Whether it has a customer.
    pub customer: Known<bool>,
    /// Whether its payment is for a person to see to.
    pub manual_payment: Known<bool>,
    pub documents: Known<Vec<Document>>,
    pub tracking: Option<CompactString>,
}

/// The items of a pedido.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lines {
    pub count: i64,
    /// Whole units ordered.
    pub units: i64,
    /// Lines whose balance has less reserved than they need. None: Live reserves by itself.
    pub unreserved: Option<i64>,
}

/// A `nota_fiscal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub number: CompactString,
    pub series: CompactString,
    pub key: Option<CompactString>,
    /// None: its code is not in the mapping.
    pub state: Option<InvoiceState>,
    /// Not of a return.
    pub sale: bool,
    pub value: Money,
}

impl Document {
    pub(super) fn is_authorised_sale(&self) -> bool {
        self.sale && self.state == Some(InvoiceState::Authorised)
    }

    /// Whether a package of VTEX is this document: by number, with or without the series behind it.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let bare = self.number.trim_start_matches('0');
        let name = name.trim_start_matches('0');
        name == bare || name.strip_prefix(bare).and_then(|rest| rest.strip_prefix('S')) == Some(&*self.series)
    }
}

/// What the running replicator says of the order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MareSeen {
    /// Steps of the pedidos that it wants VTEX to know.
    pub wanted: Vec<Step>,
    /// Steps that VTEX has been told all about.
    pub confirmed: Vec<Step>,
    /// Nothing is to be sent.
    pub rests: bool,
    /// Set aside: the reason and the task.
    pub parked: Option<(String, String)>,
    /// Set aside on the way into Live: every reason.
    pub held: Vec<String>,
    /// What it waits for.
    pub why: Option<String>,
}
