//! First load and every later repair: Live is read in chunks beside the stream, compared with the ledger,
//! and what differs becomes dirty.
//!
//! A load goes through the reference tables, then prices by product, then stock by deposit. It can be
//! stopped at any moment and goes on where it was. The order of a chunk against the stream is decided by
//! the [`gate`].

use tokio::sync::oneshot;

use crate::core::entity::{Entity, Key};
use crate::core::record::Cause;
use crate::core::row::{RowChange, Transaction};
use crate::core::time::Timestamp;
use crate::mapping::cell::RowId;
use crate::mapping::{Announced, Effect, Mapper, OrderBatch, Pair, Role};
use crate::store::Store;

use super::window::{Due, Window};

pub mod gate;
pub mod load;
mod looked_up;
pub mod postgres;
mod query;
pub mod reader;
mod run;
pub mod sqlserver;
pub mod visibility;

use gate::Gate;
use reader::{Rows, Taken};
use visibility::{Seen, Watermark};

/// What the task that owns the mapping is asked.
pub enum Ask {
    /// Note from now on which keys the stream touches.
    Open(oneshot::Sender<()>),
    /// Let a chunk in.
    Apply(Box<Chunk>, oneshot::Sender<Applied>),
    /// Look at the mapping.
    Look(Box<dyn FnOnce(&Mapper) + Send>),
    /// Which rows and flags lead to the wanted value of a key.
    Explain(Key, oneshot::Sender<Vec<String>>),
}

/// Rows of Live on their way into the stream.
#[derive(Debug)]
pub struct Chunk {
    pub content: Content,
    pub seen: Seen,
    pub watermark: Watermark,
    pub read_at: Timestamp,
    /// Fulfilled by this chunk.
    pub refreshed: Vec<Due>,
    /// Progress, stored with it.
    pub note: Option<(String, Vec<u8>)>,
}

impl Chunk {
    pub(super) fn new(taken: Taken, content: impl FnOnce(Rows) -> Content) -> Self {
        Self {
            content: content(taken.rows),
            seen: taken.seen,
            watermark: taken.watermark,
            read_at: taken.read_at,
            refreshed: Vec::new(),
            note: None,
        }
    }
}

/// What a chunk holds.
#[derive(Debug)]
pub enum Content {
    /// Rows of a reference table. `gone`: ids that were asked for, and there was no row.
    Reference {
        role: Role,
        rows: Rows,
        gone: Vec<RowId>,
        /// Everything that the rows could change is read afterwards anyway.
        all_follows: bool,
    },
    /// Balances of the listed SKUs in one deposit: a SKU without a row has none.
    Stock { pair: Pair, skus: Vec<RowId>, rows: Rows },
    /// All price rows of the listed products.
    Prices { products: Vec<RowId>, rows: Rows },
    /// What the catalog says of the listed products: one that is not among the rows is no more.
    Catalog { products: Vec<RowId>, rows: Box<CatalogRows> },
    /// The listed customers.
    People { customers: Vec<RowId>, rows: Box<PeopleRows> },
    /// Whole orders.
    Orders(Box<OrderRows>),
    /// All deposits have been read: warehouses that several feed can be summed up.
    Sums,
    /// Only progress.
    Nothing,
}

/// All rows of some products.
#[derive(Debug)]
pub struct CatalogRows {
    pub products: Rows,
    pub skus: Rows,
    pub barcodes: Rows,
    pub images: Rows,
    pub specifications: Rows,
    /// Where kits are sent.
    pub kit_parts: Option<Rows>,
}

/// All rows of some customers.
#[derive(Debug)]
pub struct PeopleRows {
    pub customers: Rows,
    /// Where addresses are sent.
    pub addresses: Option<Rows>,
    pub consents: Rows,
}

/// All rows of some orders.
#[derive(Debug)]
pub struct OrderRows {
    /// In parts.
    pub pedidos: Vec<Rows>,
    pub items: Rows,
    pub volumes: Rows,
    pub documents: Rows,
    pub document_items: Rows,
}

/// What came of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub enum Applied {
    Done {
        rows: u64,
        differences: u64,
    },
    /// The stream was ahead: read it again.
    Again,
    /// Columns are not as mapped.
    Paused(String),
}

/// The entry of the store that says that an entity must be compared as a whole, with the reason.
pub fn due_entry(source: &str, entity: Entity) -> String {
    format!("reconcile/{source}/{entity}")
}

/// Lets a chunk into the window. Called when the stream has passed `chunk.watermark`.
pub(super) fn apply(
    chunk: Chunk,
    transaction: &Transaction,
    mapper: &mut Mapper,
    window: &mut Window,
    gate: &Gate,
    store: &Store,
) -> Applied {
    let Chunk { content, seen, refreshed, note, .. } = chunk;
    let only_a_note = matches!(content, Content::Nothing | Content::Sums);
    if !only_a_note && gate.ahead_of(&seen) {
        return Applied::Again;
    }
    let mut effects = Vec::new();
    let rows = match map(content, &seen, mapper, window, gate, store, transaction.committed_at, &mut effects)
    {
        Ok(rows) => rows,
        Err(applied) => return applied,
    };
    let mut differences = 0;
    for effect in effects {
        let effect = window.resolve(effect, store);
        if !only_a_note && gate.is_newer(&effect, &seen) {
            continue;
        }
        if let Effect::Want { key, value } = &effect {
            let same = !window.wants(key)
                && matches!(store.dirty(key), Ok(None))
                && matches!(store.confirmed(key), Ok(Some(confirmed)) if confirmed.value == *value);
            if same {
                continue;
            }
            differences += 1;
        }
        window.take(effect, transaction, Cause::Resync);
    }
    for due in refreshed {
        window.refreshed(due);
    }
    if let Some((name, value)) = note {
        window.note(name, value);
    }
    Applied::Done { rows, differences }
}

/// Rows to effects; the number of rows.
#[expect(clippy::too_many_arguments, reason = "one place, and each is a part of the session")]
fn map(
    content: Content,
    seen: &Seen,
    mapper: &mut Mapper,
    window: &Window,
    gate: &Gate,
    store: &Store,
    now: Timestamp,
    effects: &mut Vec<Effect>,
) -> Result<u64, Applied> {
    let view = window.view(store);
    match content {
        Content::Reference { role, rows, gone, all_follows } => {
            if gate.is_newer_under(&Mapper::reference_prefix(role), seen) {
                return Err(Applied::Again);
            }
            announce(mapper, &rows)?;
            for cells in rows.iter() {
                // A refused row is counted by the mapping.
                let _ =
                    mapper.change(rows.relation.id, &RowChange::Insert { new: &cells }, now, &view, effects);
            }
            for id in gone {
                mapper.reference_gone(role, &id, effects);
            }
            if all_follows {
                effects.retain(|effect| !matches!(effect, Effect::Refresh(_) | Effect::Reconcile(..)));
            }
            Ok(rows.len() as u64)
        }
        Content::Stock { pair, skus, rows } => {
            announce(mapper, &rows)?;
            // What is only on its way will be there as well.
            let told = |key: &Key| window.told(key, store).is_some();
            mapper.stock_chunk(&pair, &skus, rows.relation.id, rows.iter(), &told, &view, effects);
            Ok(rows.len() as u64)
        }
        Content::Prices { products, rows } => {
            for product in &products {
                if gate.is_newer_under(&Mapper::price_row(product), seen) {
                    return Err(Applied::Again);
                }
            }
            announce(mapper, &rows)?;
            mapper.price_chunk(&products, rows.relation.id, rows.iter(), now, &view, effects);
            Ok(rows.len() as u64)
        }
        Content::Catalog { products, rows } => {
            let mut batch = mapper.catalog_batch(&products);
            let always = [&rows.products, &rows.skus, &rows.barcodes, &rows.images, &rows.specifications];
            for rows in always.into_iter().chain(&rows.kit_parts) {
                announce(mapper, rows)?;
                for cells in rows.iter() {
                    mapper.catalog_row(&mut batch, rows.relation.id, &cells, effects);
                }
            }
            mapper.catalog_wanted(batch, &view, effects);
            Ok(rows.products.len() as u64)
        }
        Content::People { customers, rows } => {
            let mut batch = mapper.people_batch(&customers);
            for rows in
                [Some(&rows.customers), rows.addresses.as_ref(), Some(&rows.consents)].into_iter().flatten()
            {
                announce(mapper, rows)?;
                for cells in rows.iter() {
                    mapper.people_row(&mut batch, rows.relation.id, &cells, effects);
                }
            }
            mapper.people_wanted(batch, &|key| window.told(key, store), &view, effects);
            Ok(rows.customers.len() as u64)
        }
        Content::Orders(rows) => {
            let mut batch = OrderBatch::default();
            let details = [&rows.items, &rows.volumes, &rows.documents, &rows.document_items];
            for rows in rows.pedidos.iter().chain(details) {
                announce(mapper, rows)?;
                for cells in rows.iter() {
                    mapper.order_row(&mut batch, rows.relation.id, &cells);
                }
            }
            mapper.orders_wanted(batch, effects);
            Ok(rows.pedidos.iter().map(|rows| rows.len() as u64).sum())
        }
        Content::Sums => {
            mapper.set_stock_complete(true);
            mapper.sums(&view, effects);
            Ok(0)
        }
        Content::Nothing => Ok(0),
    }
}

fn announce(mapper: &mut Mapper, rows: &Rows) -> Result<(), Applied> {
    match mapper.announce(&rows.relation) {
        Announced::Paused(pauses) => {
            let reasons: Vec<_> = pauses.into_iter().map(|(_, reason)| reason).collect();
            Err(Applied::Paused(reasons.join("; ")))
        }
        _ => Ok(()),
    }
}
