//! What is written into Live for an order of VTEX.
//!
//! It holds personal data, so nothing of it but numbers is shown by `Debug`.

use std::fmt;

use compact_str::CompactString;

use crate::core::money::{Decimal4, Money};
use crate::core::time::Timestamp;
use crate::core::value::order::OrderKind;

/// Everything that one order of VTEX becomes in Live: written in one transaction, or not at all.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub order: CompactString,
    /// At least one: one for each store, channel and address.
    pub pedidos: Vec<Pedido>,
    pub customer: Customer,
    /// When the shopper asked for the newsletter; only a yes is one.
    pub consent: Option<Timestamp>,
    /// What was left out or cut, by field.
    pub warnings: Vec<&'static str>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({}, {} pedidos)", self.order, self.pedidos.len())
    }
}

/// One `pedido_venda` with what hangs on it. Amounts in centavos; their sum is `total`.
#[derive(Clone, PartialEq, Eq)]
pub struct Pedido {
    /// `numero_externo`: the order's id, from the second part on with `#2`, `#3` …
    pub number: CompactString,
    pub group: Option<CompactString>,
    pub sequence: Option<CompactString>,
    pub kind: OrderKind,
    /// `loja.codigo` of the store that its goods go out from.
    pub store: CompactString,
    /// `loja.codigo` of the store where they are fetched.
    pub pickup_store: Option<CompactString>,
    /// CPF or CNPJ.
    pub document: Option<CompactString>,
    pub channel: Option<CompactString>,
    pub modality: Option<CompactString>,
    /// `tabela_preco.codigo`.
    pub price_table: Option<CompactString>,
    pub products: Money,
    pub discount: Money,
    pub shipping: Money,
    pub surcharge: Money,
    pub total: Money,
    /// `transportadora.codigo`.
    pub carrier: Option<CompactString>,
    pub service: Option<String>,
    /// The day in the zone of the shop, `2026-11-25`.
    pub expected: Option<String>,
    pub window: Option<(Timestamp, Timestamp)>,
    pub destination: Option<Place>,
    pub note: Option<String>,
    /// The payment is not VTEX's: whoever cancels the order gives it back by hand.
    pub manual_payment: bool,
    pub placed_at: Timestamp,
    pub lines: Vec<PedidoLine>,
    pub payments: Vec<PedidoPayment>,
}

impl fmt::Debug for Pedido {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lines, total) = (self.lines.len(), self.total);
        write!(f, "Pedido({}, {:?}, {}, {lines} lines, {total})", self.number, self.kind, self.store)
    }
}

/// `pedido_venda_item`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PedidoLine {
    /// Reference of the SKU, as the mapping makes it.
    pub reference: CompactString,
    /// VTEX's `uniqueId`, or its number of the SKU where it has none.
    pub external: CompactString,
    /// In units of Live.
    pub quantity: Decimal4,
    pub unit_price: Money,
    pub discount: Money,
    pub shipping: Money,
    /// Quantity times price, less the discount.
    pub total: Money,
    pub gift: bool,
    /// `deposito.codigo`; none: the store's default one.
    pub deposit: Option<CompactString>,
}

/// `pedido_venda_pagamento`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PedidoPayment {
    pub form: CompactString,
    pub brand: Option<CompactString>,
    pub value: Money,
    pub installments: i64,
    pub tid: Option<CompactString>,
    pub nsu: Option<CompactString>,
    pub authorization: Option<CompactString>,
    pub acquirer: Option<CompactString>,
}

/// `tipo_pessoa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonKind {
    Person,
    Company,
}

/// Who buys: found in Live, or inserted.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    pub kind: PersonKind,
    /// `codigo`, if a new one is made.
    pub code: CompactString,
    /// CPF or CNPJ, checked.
    pub document: Option<CompactString>,
    pub name: String,
    pub trade_name: Option<String>,
    pub registration: Option<String>,
    /// In lower case; never an alias of VTEX.
    pub email: Option<CompactString>,
    pub cell_phone: Option<CompactString>,
    pub phone: Option<CompactString>,
    pub address: Option<Place>,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Customer({:?})", self.kind)
    }
}

/// An address as Live takes it: every field fits.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Place {
    pub receiver: Option<String>,
    pub street: String,
    pub number: Option<String>,
    pub complement: Option<String>,
    pub neighborhood: Option<String>,
    pub city: String,
    pub state: CompactString,
    /// Eight digits.
    pub postal_code: CompactString,
    pub reference: Option<String>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}
