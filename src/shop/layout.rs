//! What the people of the shop know by heart: stores, products, SKUs, price tables.

use tokio_postgres::Client;
use uuid::Uuid;

use super::{Ownership, ShopError, ownership};

/// Rows that activities refer to, ordered by `codigo`, so that the same shop is always laid out alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Never empty.
    pub stores: Vec<Store>,
    /// Never empty.
    pub skus: Vec<Uuid>,
    /// Never empty.
    pub products: Vec<Uuid>,
    /// The sales tables; never empty.
    pub tables: Vec<Table>,
}

/// A store with its default deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    pub id: Uuid,
    pub deposit: Uuid,
}

/// A sales table and how many prices it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    pub id: Uuid,
    pub rows: u64,
}

impl Layout {
    /// Reads the layout of a shop.
    ///
    /// # Errors
    /// [`ShopError::NotOurs`] when schema `live` is missing, empty or not made by [`super::create`].
    pub async fn load(client: &Client) -> Result<Self, ShopError> {
        if ownership(client).await? != Ownership::Ours {
            return Err(ShopError::NotOurs);
        }
        let stores = "SELECT l.id, d.id FROM live.loja AS l JOIN live.deposito AS d \
                      ON d.id_loja = l.id AND d.ind_padrao \
                      ORDER BY l.codigo";
        let tables = "SELECT t.id, count(p.id) FROM live.tabela_preco AS t JOIN live.preco AS p \
                      ON p.id_tabela_preco = t.id \
                      WHERE t.tipo = 1 GROUP BY t.id ORDER BY t.codigo";
        let stores = client.query(stores, &[]).await?;
        let tables = client.query(tables, &[]).await?;
        let layout = Self {
            stores: stores.iter().map(|row| Store { id: row.get(0), deposit: row.get(1) }).collect(),
            skus: ids(client, "SELECT id FROM live.produto_sku ORDER BY codigo").await?,
            products: ids(client, "SELECT id FROM live.produto ORDER BY codigo").await?,
            tables: tables
                .iter()
                .map(|row| Table { id: row.get(0), rows: row.get::<_, i64>(1).unsigned_abs() })
                .collect(),
        };
        let empty = layout.stores.is_empty()
            || layout.skus.is_empty()
            || layout.products.is_empty()
            || layout.tables.is_empty();
        if empty { Err(ShopError::NotOurs) } else { Ok(layout) }
    }
}

async fn ids(client: &Client, sql: &str) -> Result<Vec<Uuid>, tokio_postgres::Error> {
    Ok(client.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}
