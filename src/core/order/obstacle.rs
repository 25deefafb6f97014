//! Why an order cannot be written into Live as it is.

use compact_str::CompactString;

use crate::core::money::Money;

/// One reason, with what to do about it. Holds no personal data: fields are named, never quoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Obstacle {
    #[error("VTEX has not completed the order yet, or its workflow is in error: it is read again by itself")]
    Incomplete,
    #[error("the order as VTEX shows it has no usable {0}")]
    Unreadable(String),
    #[error("warehouse \"{0}\" belongs to no store: add [[orders.stores]] warehouse = \"{0}\", loja = \"…\"")]
    Warehouse(CompactString),
    #[error(
        "pick-up point \"{0}\" belongs to no store: add [[orders.pickup_points]] id = \"{0}\", loja = \"…\""
    )]
    PickupPoint(CompactString),
    #[error(
        "payments of group \"{group}\", system \"{system}\" have no form in Live: add [[orders.payments]] \
         group = \"{group}\", forma = \"…\""
    )]
    Payment { group: CompactString, system: CompactString },
    #[error(
        "courier \"{0}\" is no carrier of Live: add [[orders.carriers]] courier = \"{0}\", transportadora = \"…\""
    )]
    Carrier(CompactString),
    #[error(
        "trade policy \"{0}\" is not mapped: add [[orders.trade_policies]] sales_channel = \"{0}\", \
         canal_venda = \"…\""
    )]
    TradePolicy(CompactString),
    #[error("delivery channel \"{0}\" is neither delivery nor pickup-in-point")]
    Channel(CompactString),
    #[error("item {line} names no warehouse that it goes out from")]
    NoWarehouse { line: usize },
    #[error("item {line}: {parts} of {whole} pieces have a warehouse")]
    Pieces { line: usize, parts: i64, whole: i64 },
    #[error("SKU {sku} of VTEX has no reference, and none is known of it")]
    NoReference { sku: CompactString },
    #[error("Live has no SKU with the reference {0}")]
    UnknownSku(CompactString),
    #[error("{place} \"{code}\" is not in Live: correct [orders], or create it there")]
    NotInLive { place: &'static str, code: CompactString },
    #[error("{field} has {length} characters, Live takes {limit}, and it may not be cut")]
    TooLong { field: &'static str, length: usize, limit: usize },
    #[error("{0} is neither a CPF nor a CNPJ")]
    Document(&'static str),
    #[error("the buyer has no name")]
    NoName,
    #[error("the buyer has neither a document nor an e-mail address that is not masked")]
    Nobody,
    #[error("{what} add up to {parts}, and VTEX says {whole}")]
    Sum { what: &'static str, parts: Money, whole: Money },
    #[error("an amount is larger than money can be")]
    Overflow,
    #[error("the order has more parts than the {0} that are told apart")]
    Parts(usize),
    /// What must be there once is there already, and does not show as what it should be.
    #[error("Live has something of it already: {0}")]
    Duplicate(String),
    /// SQLSTATE or number of the error, and what it was about; what was written is not repeated.
    #[error("Live refuses it: {0}")]
    Refused(String),
    /// What VTEX shows and what Live has do not go together: somebody has to decide.
    #[error("{0}")]
    Conflict(&'static str),
}
