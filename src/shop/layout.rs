//! What the people of the shop know by heart: stores, products, SKUs, price tables.

use uuid::Uuid;

use super::{Engine, Ownership, ShopError, ownership};

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
    pub async fn load(engine: &impl Engine) -> Result<Self, ShopError> {
        if ownership(engine).await? != Ownership::Ours {
            return Err(ShopError::NotOurs);
        }
        let layout = engine.layout().await?;
        let empty = layout.stores.is_empty()
            || layout.skus.is_empty()
            || layout.products.is_empty()
            || layout.tables.is_empty();
        if empty { Err(ShopError::NotOurs) } else { Ok(layout) }
    }
}
