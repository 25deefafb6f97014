//! Products, customers and orders: put together from several tables, read when they are sent.
//!
//! The stream says only which of them changed. So nothing of the stream is newer than such a chunk, and it needs
//! not yield to it: whatever changes after it was read is asked for again.

use std::collections::BTreeSet;
use std::time::Instant;

use compact_str::CompactString;
use tracing::warn;

use crate::core::entity::{Entity, Key};
use crate::core::row::Cell;
use crate::core::time::Timestamp;
use crate::failpoint;
use crate::mapping::cell::{RowId, integer, row_id};
use crate::mapping::orders::inbound::part_number;
use crate::mapping::{Holders, Role};

use super::load::{Load, LoadError};
use super::reader::{Engine, ReadError, Reader, Selection, Taken};
use super::run::Run;
use super::visibility::Seen;
use super::{Applied, Ask, CatalogRows, Chunk, Content, OrderRows, PeopleRows};

/// Products or customers that are read together.
pub(super) const TOGETHER: usize = 100;
/// Orders are rarely split between more stores.
const PARTS_AT_ONCE: usize = 4;

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

    /// Whole orders: those that these pedidos were made of, and those of these ids in VTEX.
    pub(super) async fn order_chunk(
        &mut self,
        load: &mut Load,
        pedidos: &[RowId],
        orders: &[CompactString],
    ) -> Result<u64, LoadError> {
        let mapping = std::sync::Arc::clone(&self.loader.context.mapping);
        let tables = &mapping.tables;
        // There are few of them: they do not wait behind a load of everything else.
        self.loader.ask(Ask::Open).await?;
        let began = Instant::now();
        let columns = &tables.order.columns;
        let mut wanted: Vec<CompactString> = orders.to_vec();
        if !pedidos.is_empty() {
            let first = self.rows_of(Role::Order, &columns.id, pedidos).await?;
            wanted.extend(first.rows.ids(&columns.external).map(|id| Key::order(&id.to_string()).id));
        }
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() {
            return Ok(0);
        }
        let parts = self.parts_of(wanted).await?;
        let ids: Vec<RowId> = parts.iter().flat_map(|taken| taken.rows.ids(&columns.id)).collect();
        let items = self.rows_of(Role::OrderItem, &tables.order_item.columns.order, &ids).await?;
        let volumes = self.rows_of(Role::Volume, &tables.volume.columns.order, &ids).await?;
        let documents = self.rows_of(Role::Invoice, &tables.invoice.columns.order, &ids).await?;
        let document_ids: Vec<RowId> = documents.rows.ids(&tables.invoice.columns.id).collect();
        let column = &tables.invoice_item.columns.invoice;
        let document_items = self.rows_of(Role::InvoiceItem, column, &document_ids).await?;
        let busy = began.elapsed();
        let Some(read_at) = parts.first().map(|taken| taken.read_at) else { return Ok(0) };
        let rows = OrderRows {
            pedidos: parts.into_iter().map(|taken| taken.rows).collect(),
            items: items.rows,
            volumes: volumes.rows,
            documents: documents.rows,
            document_items: document_items.rows,
        };
        failpoint::reached("order", "looked-up");
        let chunk = Chunk {
            content: Content::Orders(Box::new(rows)),
            seen: Seen::Everything,
            watermark: document_items.watermark,
            read_at,
            refreshed: Vec::new(),
            note: self.progress(load),
        };
        self.let_in(load, chunk, busy).await
    }

    /// All pedidos of some orders: the first has VTEX's id, those that were split off it have it with `#2`, `#3` … without
    /// a gap.
    async fn parts_of(&mut self, mut orders: Vec<CompactString>) -> Result<Vec<Taken>, LoadError> {
        let mut all = Vec::new();
        let mut next = 1;
        while !orders.is_empty() {
            let numbers = next..next + PARTS_AT_ONCE;
            let names =
                orders.iter().flat_map(|order| numbers.clone().map(move |part| part_number(order, part)));
            let names: Vec<RowId> = names.map(RowId::Text).collect();
            let taken = self.pedidos_named(&names).await?;
            let column = &self.loader.context.mapping.tables.order.columns.external;
            let found: BTreeSet<RowId> = taken.rows.ids(column).collect();
            // Only where the last name that was asked for is there may be more.
            let last = numbers.end - 1;
            orders.retain(|order| found.contains(&RowId::Text(part_number(order, last))));
            next = numbers.end;
            all.push(taken);
        }
        Ok(all)
    }

    /// Pedidos by their numbers in VTEX. The unique index on them begins with the origin.
    async fn pedidos_named(&mut self, names: &[RowId]) -> Result<Taken, LoadError> {
        let mapping = std::sync::Arc::clone(&self.loader.context.mapping);
        let columns = &mapping.tables.order.columns;
        let key = &columns.external;
        if columns.origin.is_empty() {
            return self.rows_of(Role::Order, key, names).await;
        }
        let origin = RowId::Text(mapping.orders.origin.clone());
        let of = [(columns.origin.as_str(), &origin), (columns.origin.as_str(), &origin)];
        let table = mapping.captured_table(Role::Order);
        Ok(self.reader.read(&table, &Selection::AnyOf { of, key, ids: names }).await?)
    }

    /// The next pedidos of the last days, with the last one that was looked at: those that are open, and those whose order
    /// the ledger knows, which may have gone on while nobody listened.
    pub(super) async fn pedidos_to_load(
        &mut self,
        now: Timestamp,
        after: Option<&RowId>,
    ) -> Result<(Vec<RowId>, Option<RowId>), LoadError> {
        let mapping = std::sync::Arc::clone(&self.loader.context.mapping);
        let columns = &mapping.tables.order.columns;
        let days = i64::from(mapping.orders.days).saturating_mul(86_400_000_000);
        let page = Selection::Since {
            column: &columns.ordered,
            since: Timestamp(now.0.saturating_sub(days)),
            key: &columns.id,
            after,
            limit: self.loader.chunk_rows,
        };
        let rows = self.reader.read(&mapping.captured_table(Role::Order), &page).await?.rows;
        let last = rows.ids(&columns.id).next_back();
        let place = |name: &str| {
            let at = rows.relation.columns.iter().position(|column| column.name == name);
            at.map_or((usize::MAX, 0), |at| (at, rows.relation.columns[at].type_oid))
        };
        let [id, external, status] =
            [&columns.id, &columns.external, &columns.status].map(|name| place(name));
        let mut chosen = Vec::new();
        for cells in rows.iter() {
            let cell = |at: usize| cells.get(at).copied().unwrap_or(Cell::Null);
            let read = |(at, type_oid)| row_id(cell(at), type_oid).ok().flatten();
            let (Some(id), Some(external)) = (read(id), read(external)) else { continue };
            let step = integer(cell(status.0), status.1).ok().flatten();
            // One that means nothing is told about.
            let is_open =
                step.and_then(|code| mapping.orders.status.step(code)).is_none_or(|step| !step.is_final());
            let store = &self.loader.context.store;
            let key = Key::order(&external.to_string());
            if is_open || store.confirmed(&key)?.is_some() || store.dirty(&key)?.is_some() {
                chosen.push(id);
            }
        }
        Ok((chosen, last))
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
