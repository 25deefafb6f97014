//! Rows to the wanted value of an order, or why there is none.

use compact_str::CompactString;

use super::config::OrdersConfig;
use super::rows::{DocumentRow, PedidoRow, PedidoRows};
use crate::core::money::Money;
use crate::core::order::Tracking;
use crate::core::value::order::{Dispatched, Invoice, InvoiceItem, Line, Order, Part};

/// Why nothing is told of an order. VTEX keeps what it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderReason {
    #[error("pedido {0} has the status {1}, which means nothing: give it a step in [mapping.orders.status]")]
    UnknownStatus(CompactString, i64),
    #[error("pedido {0} is of the kind {1}, which means nothing: correct [mapping.orders.kinds]")]
    UnknownKind(CompactString, i64),
    #[error(
        "fiscal document {0} has the state '{1}', which means nothing: correct [mapping.orders.invoice_states]"
    )]
    UnknownInvoiceState(CompactString, CompactString),
    #[error(
        "fiscal document {0} is of the kind {1}, which means nothing: correct mapping.orders.sale and returned"
    )]
    UnknownDirection(CompactString, i64),
    #[error("the value of fiscal document {0} is no whole number of centavos")]
    Fraction(CompactString),
    /// A row that belongs to it cannot be read.
    #[error("{0}")]
    BadRow(String),
}

impl OrderReason {
    /// `outcome/reason`, the labels of the metric.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnknownStatus(..) => "refused/order-status",
            Self::UnknownKind(..) => "refused/order-kind",
            Self::UnknownInvoiceState(..) | Self::UnknownDirection(..) => "refused/invoice-state",
            Self::Fraction(_) => "refused/invoice-value",
            Self::BadRow(_) => "refused/order-row",
        }
    }
}

/// Maps all pedidos of one order.
///
/// # Errors
/// When one of them cannot be understood: then nothing is told of the others either.
pub fn order(pedidos: &[PedidoRows], config: &OrdersConfig) -> Result<Order, OrderReason> {
    let mut parts = pedidos.iter().map(|rows| part(rows, config)).collect::<Result<Vec<_>, _>>()?;
    parts.sort_by(|one, other| by_number(&one.number).cmp(&by_number(&other.number)));
    Ok(Order { parts })
}

/// Numbers by their size, whatever they are made of.
fn by_number(number: &str) -> (usize, &str) {
    (number.len(), number)
}

fn part(rows: &PedidoRows, config: &OrdersConfig) -> Result<Part, OrderReason> {
    let pedido = &rows.pedido;
    let step = config
        .status
        .step(pedido.status)
        .ok_or_else(|| OrderReason::UnknownStatus(pedido.number.clone(), pedido.status))?;
    let kind = config
        .kind(pedido.kind)
        .ok_or_else(|| OrderReason::UnknownKind(pedido.number.clone(), pedido.kind))?;
    let mut lines: Vec<Line> = rows
        .items
        .iter()
        .map(|item| Line {
            sku: item.sku.clone(),
            warehouse: item.warehouse.clone(),
            external: item.external.clone(),
            ordered: item.quantity,
            served: item.served,
        })
        .collect();
    // In an order of their own, so that the same rows are the same value.
    lines.sort_by(|one, other| {
        (&one.sku, &one.external, one.ordered).cmp(&(&other.sku, &other.external, other.ordered))
    });
    let mut invoices =
        rows.documents.iter().map(|document| invoice(document, config)).collect::<Result<Vec<_>, _>>()?;
    invoices.sort_by(|one, other| {
        (one.issued_at, &one.series, by_number(&one.number)).cmp(&(
            other.issued_at,
            &other.series,
            by_number(&other.number),
        ))
    });
    Ok(Part {
        number: pedido.number.clone(),
        kind,
        step,
        at: pedido.status_at,
        lines,
        invoices,
        dispatch: dispatch(pedido, rows),
        decision: pedido.decision.and_then(|code| config.decision(code)),
        reason: pedido.reason.clone().filter(|reason| !reason.trim().is_empty()),
    })
}

fn dispatch(pedido: &PedidoRow, rows: &PedidoRows) -> Option<Dispatched> {
    let tracking = Tracking {
        courier: given(pedido.courier.as_ref()),
        number: given(pedido.tracking.as_ref()),
        url: given(pedido.tracking_url.as_ref()),
    };
    let at = rows.dispatched.iter().flatten().min().copied();
    (tracking != Tracking::default() || at.is_some()).then_some(Dispatched { tracking, at })
}

/// Not blank.
fn given(text: Option<&CompactString>) -> Option<CompactString> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty()).map(CompactString::new)
}

fn invoice(document: &DocumentRow, config: &OrdersConfig) -> Result<Invoice, OrderReason> {
    let number = || document.number.clone();
    let direction = config
        .direction(document.direction)
        .ok_or_else(|| OrderReason::UnknownDirection(number(), document.direction))?;
    let state = config
        .invoice_state(&document.state)
        .ok_or_else(|| OrderReason::UnknownInvoiceState(number(), document.state.clone()))?;
    let (value, rounded) = document.value.to_money();
    if rounded {
        return Err(OrderReason::Fraction(number()));
    }
    let mut items: Vec<InvoiceItem> = document
        .items
        .iter()
        // A unit may cost fractions of a centavo; the value of the document is what counts.
        .map(|item| InvoiceItem {
            sku: item.sku.clone(),
            quantity: item.quantity,
            price: item.price.to_money().0,
        })
        .collect();
    items.sort_by(|one, other| {
        (&one.sku, one.quantity, one.price).cmp(&(&other.sku, other.quantity, other.price))
    });
    Ok(Invoice {
        direction,
        number: number(),
        series: document.series.clone(),
        key: given(document.key.as_ref()),
        state,
        value: Money(value.0),
        issued_at: document.issued_at,
        url: given(document.url.as_ref()),
        items,
    })
}
