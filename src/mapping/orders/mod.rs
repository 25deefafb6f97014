//! Orders, both ways: from what VTEX has sold to what is written into Live, and from the rows of its pedidos to what VTEX
//! shall know of it. Pure rules.
//!
//! | file | holds |
//! |---|---|
//! | `inbound` | an order of VTEX as what is written into Live |
//! | `inbound_config` | `[orders]` |
//! | `written` | `[orders.tables]`: what is written there |
//! | `config` | `[mapping.orders]`: the codes of Live |
//! | `rows` | what is read of Live |
//! | `wanted` | rows to the wanted value, or why not |
//!
//! One rule stands above the others: an order is written, and told, as a whole or not at all. With one pedido of two left
//! out, the other one would look like the whole order.

mod config;
pub mod inbound;
pub mod inbound_config;
mod rows;
mod wanted;
pub mod written;

pub use config::{InvoiceStates, Kinds, OrdersConfig, StatusCodes};
pub use rows::{DocumentItemRow, DocumentRow, ItemRow, PedidoRow, PedidoRows};
pub use wanted::{OrderReason, order};

#[cfg(test)]
mod tests;
