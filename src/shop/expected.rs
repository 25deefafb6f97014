//! What VTEX should show for what stands in Live, computed by SQL that shares nothing with the mapping.
//!
//! The rules are written down in `sql/live/postgres/expected_*.sql`.

use tokio_postgres::Client;

const STOCK: &str = include_str!("../../sql/live/postgres/expected_stock.sql");
const PRICES: &str = include_str!("../../sql/live/postgres/expected_prices.sql");
const FIXED_PRICES: &str = include_str!("../../sql/live/postgres/expected_fixed_prices.sql");

/// What `estoque_minimo_exibicao` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Minimum {
    /// Below the minimum the quantity is 0.
    #[default]
    Hide,
    /// The minimum is held back.
    Subtract,
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
pub async fn stock(client: &Client, minimum: Minimum) -> Result<Vec<Stock>, tokio_postgres::Error> {
    let mode = match minimum {
        Minimum::Hide => "hide",
        Minimum::Subtract => "subtract",
    };
    let rows = client.query(STOCK, &[&mode]).await?;
    rows.iter()
        .map(|row| {
            Ok(Stock {
                store: row.try_get(0)?,
                sku: row.try_get(1)?,
                quantity: row.try_get(2)?,
                may_be_absent: row.try_get(3)?,
            })
        })
        .collect()
}

/// The base, list and cost prices of all SKUs, by SKU.
///
/// # Errors
/// When the statement fails.
pub async fn prices(
    client: &Client,
    base_table: &str,
    cost_table: Option<&str>,
) -> Result<Vec<Price>, tokio_postgres::Error> {
    let rows = client.query(PRICES, &[&base_table, &cost_table]).await?;
    rows.iter()
        .map(|row| {
            Ok(Price {
                sku: row.try_get(0)?,
                base: row.try_get(1)?,
                list: row.try_get(2)?,
                cost: row.try_get(3)?,
            })
        })
        .collect()
}

/// The fixed prices of all SKUs in all sales tables, by SKU and table.
///
/// # Errors
/// When the statement fails.
pub async fn fixed_prices(
    client: &Client,
    base_table: &str,
    cost_table: Option<&str>,
) -> Result<Vec<FixedPrice>, tokio_postgres::Error> {
    let rows = client.query(FIXED_PRICES, &[&base_table, &cost_table]).await?;
    rows.iter()
        .map(|row| {
            Ok(FixedPrice {
                sku: row.try_get(0)?,
                table: row.try_get(1)?,
                value: row.try_get(2)?,
                list: row.try_get(3)?,
                min_quantity: row.try_get(4)?,
                valid_from: row.try_get(5)?,
                valid_to: row.try_get(6)?,
            })
        })
        .collect()
}
