//! What VTEX should show for what stands in Live, computed by SQL that shares nothing with the mapping.
//!
//! The rules are written down in `sql/live/postgres/expected_*.sql`.

use super::{Engine, ShopError};

/// What `estoque_minimo_exibicao` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Minimum {
    /// Below the minimum the quantity is 0.
    #[default]
    Hide,
    /// The minimum is held back.
    Subtract,
}

impl Minimum {
    /// As the statements are told.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Hide => "hide",
            Self::Subtract => "subtract",
        }
    }
}

/// The quantity of one SKU in one store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stock {
    /// `loja.codigo`
    pub store: String,
    /// `produto_sku.codigo`, the RefId in VTEX
    pub sku: String,
    /// Units of sale.
    pub quantity: i64,
    /// The zero of something closed or switched off: VTEX may just as well hold nothing.
    pub may_be_absent: bool,
}

/// The prices of one SKU, in centavos.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    pub sku: String,
    pub base: i64,
    pub list: i64,
    pub cost: Option<i64>,
}

/// One fixed price, in centavos; times in microseconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FixedPrice {
    pub sku: String,
    /// `tabela_preco.codigo`, which the configuration gives a trade policy
    pub table: String,
    pub value: i64,
    pub list: i64,
    pub min_quantity: i64,
    pub valid_from: i64,
    pub valid_to: Option<i64>,
}

/// The quantities of all SKUs in all stores, by store and SKU.
///
/// # Errors
/// When the statement fails.
pub async fn stock(engine: &impl Engine, minimum: Minimum) -> Result<Vec<Stock>, ShopError> {
    engine.stock(minimum).await
}

/// The base, list and cost prices of all SKUs, by SKU.
///
/// # Errors
/// When the statement fails.
pub async fn prices(
    engine: &impl Engine,
    base_table: &str,
    cost_table: Option<&str>,
) -> Result<Vec<Price>, ShopError> {
    engine.prices(base_table, cost_table).await
}

/// The fixed prices of all SKUs in all sales tables, by SKU and table.
///
/// # Errors
/// When the statement fails.
pub async fn fixed_prices(
    engine: &impl Engine,
    base_table: &str,
    cost_table: Option<&str>,
) -> Result<Vec<FixedPrice>, ShopError> {
    engine.fixed_prices(base_table, cost_table).await
}
