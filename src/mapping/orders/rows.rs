//! Rows of Live as the mapping of orders wants them.

use std::fmt;

use compact_str::CompactString;

use crate::core::money::Decimal4;
use crate::core::time::Timestamp;

/// A pedido with everything that belongs to it, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PedidoRows {
    pub pedido: PedidoRow,
    pub items: Vec<ItemRow>,
    /// When each of its parcels was handed over; none: it was not.
    pub dispatched: Vec<Option<Timestamp>>,
    pub documents: Vec<DocumentRow>,
}

/// A row of `pedido_venda`. `Debug` does not show what staff wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct PedidoRow {
    pub number: CompactString,
    pub kind: i64,
    pub status: i64,
    pub status_at: Option<Timestamp>,
    pub decision: Option<i64>,
    pub reason: Option<String>,
    /// The carrier's name.
    pub courier: Option<CompactString>,
    pub tracking: Option<CompactString>,
    pub tracking_url: Option<CompactString>,
}

/// A row of `pedido_venda_item`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// Reference of the SKU; empty: it is not known.
    pub sku: CompactString,
    /// VTEX's, fed by the deposit that it is reserved in.
    pub warehouse: Option<CompactString>,
    pub external: Option<CompactString>,
    pub quantity: Decimal4,
    pub served: Option<Decimal4>,
}

/// A row of `nota_fiscal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    pub direction: i64,
    pub number: CompactString,
    pub series: CompactString,
    pub key: Option<CompactString>,
    pub state: CompactString,
    pub value: Decimal4,
    pub url: Option<CompactString>,
    pub issued_at: Timestamp,
    pub items: Vec<DocumentItemRow>,
}

/// A row of `nota_fiscal_item`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentItemRow {
    /// As [`ItemRow::sku`].
    pub sku: CompactString,
    pub quantity: Decimal4,
    pub price: Decimal4,
}

impl fmt::Debug for PedidoRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PedidoRow")
            .field("number", &self.number)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
