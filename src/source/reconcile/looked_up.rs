//! Products and customers: put together from several tables, read when they are sent.
//!
//! The stream says only which of them changed. So nothing of the stream is newer than such a chunk, and it needs
//! not yield to it: whatever changes after it was read is asked for again.

use std::time::Instant;

use tracing::warn;

use crate::core::entity::Entity;
use crate::mapping::cell::RowId;
use crate::mapping::{Holders, Role};

use super::load::{Load, LoadError};
use super::reader::{Engine, ReadError, Reader, Selection, Taken};
use super::run::Run;
use super::visibility::Seen;
use super::{Applied, Ask, CatalogRows, Chunk, Content, PeopleRows};

/// Products or customers that are read together.
pub(super) const TOGETHER: usize = 100;

impl<E: Engine> Run<'_, E> {
    /// What the catalog says of some products.
    pub(super) async fn catalog_chunk(
        &mut self,
        load: &mut Load,
        products: Vec<RowId>,
    ) -> Result<u64, LoadError> {
        let tables = self.loader.context.mapping.tables.clone();
        self.wait_for_room().await?;
        self.loader.ask(Ask::Open).await?;
        let began = Instant::now();
        let first = self.rows_of(Role::Product, &tables.product.columns.id, &products).await?;
        let skus = self.rows_of(Role::Sku, &tables.sku.columns.product, &products).await?;
        let sku_ids: Vec<RowId> = skus.rows.ids(&tables.sku.columns.id).collect();
        let barcodes = self.rows_of(Role::Barcode, &tables.barcode.columns.sku, &sku_ids).await?;
        let images = self.rows_of(Role::Image, &tables.image.columns.product, &products).await?;
        let column = &tables.specification.columns.product;
        let specifications = self.rows_of(Role::Specification, column, &products).await?;
        // The last one is read behind all the others.
        let mut watermark = specifications.watermark;
        let mut kit_parts = None;
        if self.loader.context.mapping.uses(Role::KitPart) {
            let taken = self.rows_of(Role::KitPart, &tables.kit_part.columns.kit, &sku_ids).await?;
            watermark = taken.watermark;
            kit_parts = Some(taken.rows);
        }
        let busy = began.elapsed();
        let rows = CatalogRows {
            products: first.rows,
            skus: skus.rows,
            barcodes: barcodes.rows,
            images: images.rows,
            specifications: specifications.rows,
            kit_parts,
        };
        let content = Content::Catalog { products, rows: Box::new(rows) };
        let chunk = Chunk {
            content,
            seen: Seen::Everything,
            watermark,
            read_at: first.read_at,
            refreshed: Vec::new(),
            note: self.progress(load),
        };
        self.let_in(load, chunk, busy).await
    }

    /// Some customers with what they have consented to.
    pub(super) async fn people_chunk(
        &mut self,
        load: &mut Load,
        customers: Vec<RowId>,
    ) -> Result<u64, LoadError> {
        let mapping = std::sync::Arc::clone(&self.loader.context.mapping);
        let tables = &mapping.tables;
        self.wait_for_room().await?;
        self.loader.ask(Ask::Open).await?;
        let began = Instant::now();
        let consents = self.rows_of(Role::Consent, &tables.consent.columns.customer, &customers).await?;
        let addresses = if mapping.has(Entity::Customer) {
            Some(self.rows_of(Role::Address, &tables.address.columns.customer, &customers).await?.rows)
        } else {
            None
        };
        // Last: of one who is deleted with all that belongs to him, the rest must not seem to have gone alone.
        let last = self.rows_of(Role::Customer, &tables.customer.columns.id, &customers).await?;
        let busy = began.elapsed();
        let rows = PeopleRows { customers: last.rows, addresses, consents: consents.rows };
        let chunk = Chunk {
            content: Content::People { customers, rows: Box::new(rows) },
            seen: Seen::Everything,
            watermark: last.watermark,
            read_at: consents.read_at,
            refreshed: Vec::new(),
            note: self.progress(load),
        };
        self.let_in(load, chunk, busy).await
    }

    /// The products that have one of some brands, classifiers, colours or sizes, or the kits with some SKUs.
    pub(super) async fn products_of(&mut self, holders: &Holders) -> Result<Vec<RowId>, LoadError> {
        let mapping = &self.loader.context.mapping;
        let id = match holders.table {
            Role::KitPart => mapping.tables.kit_part.columns.kit.clone(),
            Role::Sku => mapping.tables.sku.columns.product.clone(),
            _ => mapping.tables.product.columns.id.clone(),
        };
        // A department may hold them all: of so many rows no more than says which they are.
        let mut table = mapping.captured_table(holders.table);
        table
            .columns
            .retain(|column| *column == id || *column == holders.column || table.key.contains(column));
        let rows = Selection::Any { key: &holders.column, ids: &holders.ids };
        let taken = self.reader.read(&table, &rows).await?;
        let mut products: Vec<RowId> = taken.rows.ids(&id).collect();
        if holders.table == Role::KitPart {
            products = self.loader.look(move |mapper| mapper.products_with(&products)).await?;
        }
        products.sort_unstable();
        products.dedup();
        Ok(products)
    }

    /// Those of these ids that Live has.
    pub(super) async fn ids_of(&mut self, role: Role, ids: &[RowId]) -> Result<Vec<RowId>, LoadError> {
        let mut table = self.loader.context.mapping.captured_table(role);
        let key = self.loader.context.mapping.id_column(role).to_owned();
        table.columns.retain(|column| *column == key);
        let taken = self.reader.read(&table, &Selection::Any { key: &key, ids }).await?;
        Ok(taken.rows.ids(&key).collect())
    }

    /// The customers with some codes, which somebody has typed: what Live does not take for one is none.
    pub(super) async fn customers_coded(&mut self, codes: &[RowId]) -> Result<Vec<RowId>, LoadError> {
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        let columns = self.loader.context.mapping.tables.customer.columns.clone();
        match self.rows_of(Role::Customer, &columns.code, codes).await {
            Ok(taken) => Ok(taken.rows.ids(&columns.id).collect()),
            Err(LoadError::Read(ReadError::Refused(error))) => {
                warn!(source = %self.loader.context.name, error, "customers could not be looked up by their codes");
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn rows_of(&mut self, role: Role, key: &str, ids: &[RowId]) -> Result<Taken, LoadError> {
        let table = self.loader.context.mapping.captured_table(role);
        Ok(self.reader.read(&table, &Selection::Any { key, ids }).await?)
    }

    async fn let_in(
        &mut self,
        load: &mut Load,
        chunk: Chunk,
        busy: std::time::Duration,
    ) -> Result<u64, LoadError> {
        let applied = self.apply(chunk).await?;
        match applied {
            Applied::Done { rows, differences } => {
                self.count(load, rows, differences);
                self.rest(busy).await;
                Ok(rows)
            }
            // The source began anew meanwhile.
            Applied::Again => Err(LoadError::NotStreaming),
            Applied::Paused(reason) => Err(LoadError::Paused(reason)),
        }
    }
}
