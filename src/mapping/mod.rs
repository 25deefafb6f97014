//! From rows of Live to entities of VTEX: pure rules, no I/O.
//!
//! A change goes in, effects come out: wanted values, rows to be kept, things to be read again. What a stock
//! or price row needs besides itself is `reference` data, kept up by the same stream, so that the hot path
//! asks Live nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::core::entity::{Entity, Key};
use crate::core::row::{Cell, Relation, RowChange};
use crate::core::time::Timestamp;
use crate::core::value::{Stock, Value};

mod balances;
pub mod catalog;
pub mod cell;
pub mod config;
mod counts;
mod details;
mod looked_up;
pub mod orders;
pub mod people;
mod price;
mod product_prices;
pub mod proposal;
mod read;
mod reference;
mod reference_change;
mod stock;
mod survey;
pub mod tables;

pub use config::Role;
pub use counts::Reason;
pub use reference::Pair;

use cell::{CellError, RowId};
use config::{MappingConfig, PriceRule};
use counts::{Counts, OrderCounts, PeopleCounts};
use details::{order_detail_change, person_change};
pub use looked_up::{CatalogBatch, KeptCustomer, KeptLink, OrderBatch, PeopleBatch};
use read::Plan;
use reference::{Reference, Row};

/// Rows that the mapping keeps, as they stand now.
pub trait Rows {
    fn row(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Every kept row whose key begins with `prefix`, in any order.
    fn rows(&self, prefix: &[u8], f: &mut dyn FnMut(&[u8], &[u8]));
}

/// What follows from a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Live wants VTEX to hold this.
    Want {
        key: Key,
        value: Value,
    },
    PutRow {
        key: Vec<u8>,
        value: Vec<u8>,
    },
    DeleteRow {
        key: Vec<u8>,
    },
    /// To be read again from Live, in the background.
    Refresh(Refresh),
    /// To be read again from this moment on: a price comes into force, or ends.
    Wake {
        at: Timestamp,
        refresh: Refresh,
    },
    /// The whole entity must be compared.
    Reconcile(Entity, &'static str),
    /// Live has it no more, or not for the shop: what VTEX holds of it goes out of sight.
    Withdraw {
        key: Key,
    },
}

/// Something to be read again from Live.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refresh {
    /// Everything about a product and its SKUs.
    Product(RowId),
    /// Stock of a SKU, and the prices of its product.
    Sku(RowId),
    /// All stock of a store, and of no other.
    Store(RowId),
    /// What the catalog says of a product and its SKUs.
    Catalog(RowId),
    /// The same of all products that have this row of a [`Role`]'s table; of a SKU: of the kits that it is a part of.
    Holders(u8, RowId),
    /// A customer with addresses and consents.
    Person(RowId),
    /// The same of whoever has this code.
    PersonCoded(CompactString),
    /// The order that a pedido was made of, with all of its pedidos.
    Pedido(RowId),
    /// The same by VTEX's order id.
    Order(CompactString),
}

/// What an announced table is to the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announced {
    /// Not mapped.
    Ignored,
    Ready,
    /// It lacks mapped columns: these entities stop, with the reason, until it has them again.
    Paused(Vec<(Entity, String)>),
}

/// A row that says nothing that could be used. Counted; the stream goes on.
#[derive(Debug, thiserror::Error)]
#[error("{role}: column {column}: {error}")]
pub struct RowError {
    role: &'static str,
    column: String,
    error: CellError,
}

/// What has to be read for a refresh.
#[derive(Debug, Default)]
pub struct Scope {
    /// Balances, by deposit. Deposits with the same SKUs share one list: a chain has hundreds of them.
    pub stock: Vec<(Pair, Arc<[RowId]>)>,
    /// Prices.
    pub products: Vec<RowId>,
    /// What the catalog says of them.
    pub catalog: Vec<RowId>,
    /// The same of all products that are found there.
    pub holders: Vec<Holders>,
    pub people: Vec<RowId>,
    /// Codes of customers whose rows are not known.
    pub people_coded: Vec<RowId>,
    /// Pedidos, by their ids.
    pub pedidos: Vec<RowId>,
    /// Orders, by VTEX's ids.
    pub orders: Vec<CompactString>,
}

/// Rows of products, SKUs or kits' parts in which `column` is one of `ids`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// [`Role::Product`], [`Role::Sku`] or [`Role::KitPart`].
    pub table: Role,
    pub column: String,
    pub ids: Vec<RowId>,
}

/// The mapping of one source, with its reference data.
#[derive(Debug)]
pub struct Mapper {
    config: Arc<MappingConfig>,
    plans: HashMap<u32, Plan>,
    reference: Reference,
    /// By the code of the price table.
    rules: HashMap<String, PriceRule>,
    paused: BTreeMap<Entity, BTreeMap<&'static str, String>>,
    counts: Counts,
    people_counts: PeopleCounts,
    order_counts: OrderCounts,
    /// All deposits have been read once: sums are whole.
    stock_complete: bool,
}

const STOCK_COMPLETE: &[u8] = b"c";

impl Mapper {
    pub fn new(config: Arc<MappingConfig>) -> Self {
        let rules = config.prices.iter().map(|rule| (rule.tabela.clone(), rule.clone())).collect();
        Self {
            config,
            plans: HashMap::new(),
            reference: Reference::default(),
            rules,
            paused: BTreeMap::new(),
            counts: Counts::default(),
            people_counts: PeopleCounts::default(),
            order_counts: OrderCounts::default(),
            stock_complete: false,
        }
    }

    /// Takes up the reference data that was kept.
    pub fn restore(&mut self, rows: &dyn Rows) {
        for role in Role::REFERENCE {
            let mut kept = Vec::new();
            rows.rows(&Self::reference_prefix(role), &mut |_, value| {
                kept.extend(postcard::from_bytes::<(RowId, Row)>(value));
            });
            for (id, row) in kept {
                self.reference.put(&self.config, role, &id, Some(row));
            }
        }
        self.stock_complete = rows.row(STOCK_COMPLETE).is_some();
    }

    /// The beginning of the stored keys of a reference table.
    pub fn reference_prefix(role: Role) -> Vec<u8> {
        vec![b'r', role as u8]
    }

    /// The stored key of all prices of a product.
    pub fn price_row(product: &RowId) -> Vec<u8> {
        [&b"p"[..], &product.bytes()].concat()
    }

    fn reference_row(role: Role, id: &RowId) -> Vec<u8> {
        [Self::reference_prefix(role), id.bytes()].concat()
    }

    /// From the id of a price row to its product, for deletes that carry nothing but the id.
    fn price_index(id: &RowId) -> Vec<u8> {
        [&b"i"[..], &id.bytes()].concat()
    }

    /// From the id of a row to what it belongs to, for deletes that carry nothing but the id.
    fn detail_index(role: Role, id: &RowId) -> Vec<u8> {
        [&[b'd', role as u8][..], &id.bytes()].concat()
    }

    fn parts_prefix(warehouse: &str, sku: &RowId) -> Vec<u8> {
        [&b"s"[..], warehouse.as_bytes(), b"/", &sku.bytes()].concat()
    }

    fn part_row(pair: &Pair, sku: &RowId) -> Vec<u8> {
        [Self::parts_prefix(&pair.warehouse, sku), pair.store.bytes(), pair.deposit.bytes()].concat()
    }

    /// Learns a table's columns; before the first row, and whenever they change.
    pub fn announce(&mut self, relation: &Relation) -> Announced {
        let Some(plan) = Plan::compile(&self.config, relation) else {
            self.plans.remove(&relation.id);
            return Announced::Ignored;
        };
        let role = plan.role();
        let missing = plan.missing().join(", ");
        self.plans.insert(relation.id, plan);
        for entity in role.needed_by() {
            let reasons = self.paused.entry(*entity).or_default();
            if missing.is_empty() {
                reasons.remove(role.name());
            } else {
                let table = format!("{}.{}", relation.schema, relation.table);
                let reason =
                    format!("table {table} has no column {missing}: correct [mapping.tables] or the table");
                reasons.insert(role.name(), reason);
            }
        }
        self.paused.retain(|_, reasons| !reasons.is_empty());
        if missing.is_empty() {
            return Announced::Ready;
        }
        Announced::Paused(
            self.paused().into_iter().filter(|(entity, _)| role.needed_by().contains(entity)).collect(),
        )
    }

    /// Whether what we wrote into a table ourselves is a change like any other; see [`Role::captures_own_writes`].
    pub fn captures_own_writes(&self, relation: u32) -> bool {
        self.plans.get(&relation).is_none_or(|plan| plan.role().captures_own_writes())
    }

    /// The entities that stand still, and why.
    pub fn paused(&self) -> Vec<(Entity, String)> {
        self.paused
            .iter()
            .map(|(entity, reasons)| (*entity, reasons.values().cloned().collect::<Vec<_>>().join("; ")))
            .collect()
    }

    /// Totals of what was skipped, adjusted and refused.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = self.counts.named();
        counts.extend(self.people_counts.named());
        counts.extend(self.order_counts.named());
        counts
    }

    /// Takes one change in.
    ///
    /// # Errors
    /// When a column cannot be read: the row is refused and counted, and what it may have meant is read again.
    pub fn change(
        &mut self,
        relation: u32,
        change: &RowChange<'_>,
        now: Timestamp,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let Some(plan) = self.plans.get(&relation) else { return Ok(()) };
        let role = plan.role();
        if !plan.missing().is_empty() || !self.config.uses(role) {
            return Ok(());
        }
        let plan = plan.clone();
        let result = match role {
            Role::Stock => self.stock_change(&plan, change, rows, out),
            Role::Price => self.price_change(&plan, change, now, rows, out),
            Role::Barcode
            | Role::Image
            | Role::Specification
            | Role::KitPart
            | Role::Address
            | Role::Consent => self.detail_change(&plan, change, rows, out),
            Role::Customer => person_change(&plan, change, out),
            Role::Order => self.pedido_change(&plan, change, out),
            Role::OrderItem | Role::Volume | Role::Invoice => order_detail_change(&plan, change, out),
            // They are read with their document.
            Role::InvoiceItem => Ok(()),
            _ => self.reference_change(&plan, change, out),
        };
        result.inspect_err(|_| self.counts.count(Reason::BadValue))
    }

    /// All rows of a table are gone. What that means is seen when it is compared: a table that is emptied to
    /// be filled again must not close the shop.
    pub fn truncate(&mut self, relation: u32, out: &mut Vec<Effect>) {
        if let Some(plan) = self.plans.get(&relation) {
            for entity in plan.role().needed_by() {
                out.push(Effect::Reconcile(*entity, "a table was truncated"));
            }
        }
    }
}

/// The stock of a key that Live has nothing for.
const fn no_stock() -> Value {
    Value::Stock(Stock::of(0))
}

type Cells<'a> = &'a [Cell<'a>];

fn old_and_new<'a>(change: &RowChange<'a>) -> (Option<Cells<'a>>, Option<Cells<'a>>) {
    match *change {
        RowChange::Insert { new } => (None, Some(new)),
        RowChange::Update { old, new } => (old, Some(new)),
        RowChange::Delete { old } => (Some(old), None),
    }
}
