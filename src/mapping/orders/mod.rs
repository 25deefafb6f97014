//! From the rows of the pedidos of an order to what VTEX shall know of it: pure rules.
//!
//! | file | holds |
//! |---|---|
//! | `config` | `[mapping.orders]`: the codes of Live |
//! | `rows` | what is read of Live |
//! | `wanted` | rows to the wanted value, or why not |
//!
//! One rule stands above the others: an order is told as a whole or not at all. With one pedido of two left out, the
//! other one would look like the whole order.

mod config;
mod rows;
mod wanted;

pub use config::{InvoiceStates, Kinds, OrdersConfig, StatusCodes};
pub use rows::{DocumentItemRow, DocumentRow, ItemRow, PedidoRow, PedidoRows};
pub use wanted::{OrderReason, order};

#[cfg(test)]
mod tests;
