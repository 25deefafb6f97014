//! From rows of Live to entities of VTEX: pure rules, no I/O.
//!
//! A change goes in, effects come out: wanted values, rows to be kept, things to be read again. What a stock
//! or price row needs besides itself is [`reference`] data, kept up by the same stream, so that the hot path
//! asks Live nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::core::entity::{Entity, Key};
use crate::core::money::Decimal4;
use crate::core::row::{Cell, Relation, RowChange};
use crate::core::time::Timestamp;
use crate::core::value::{Stock, Value};

pub mod cell;
pub mod config;
mod counts;
mod price;
mod read;
mod reference;
mod stock;

pub use config::Role;
pub use counts::Reason;
pub use reference::Pair;

use cell::{CellError, RowId};
use config::{MappingConfig, PriceRule};
use counts::Counts;
use price::{PriceRow, price_of};
use read::Plan;
use reference::{PriceTable, Reference, Row};

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
}

/// Something to be read again from Live.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refresh {
    /// Everything about a product and its SKUs.
    Product(RowId),
    /// Stock of a SKU, and the prices of its product.
    Sku(RowId),
    /// All stock of a store.
    Store(RowId),
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
    pub pairs: Vec<Pair>,
    pub skus: Vec<RowId>,
    pub products: Vec<RowId>,
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

    /// The entities that stand still, and why.
    pub fn paused(&self) -> Vec<(Entity, String)> {
        self.paused
            .iter()
            .map(|(entity, reasons)| (*entity, reasons.values().cloned().collect::<Vec<_>>().join("; ")))
            .collect()
    }

    /// Totals of what was skipped, adjusted and refused.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.named()
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
        if !plan.missing().is_empty() || !role.needed_by().iter().any(|entity| self.config.has(*entity)) {
            return Ok(());
        }
        let plan = plan.clone();
        let result = match role {
            Role::Stock => self.stock_change(&plan, change, rows, out),
            Role::Price => self.price_change(&plan, change, now, rows, out),
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

    // ---- stock ----

    fn stock_change(
        &mut self,
        plan: &Plan,
        change: &RowChange<'_>,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let (old, new) = old_and_new(change);
        if let Some(old) = old {
            let before = plan.stock_key(old)?;
            let moved = match new {
                Some(new) => plan.stock_key(new)? != before,
                None => true,
            };
            if moved {
                let (store, deposit, sku) = before;
                self.balance(&store, &deposit, &sku, None, rows, out);
            }
        }
        let Some(new) = new else { return Ok(()) };
        let (store, deposit, sku) = plan.stock_key(new)?;
        match plan.balance(new) {
            Ok(balance) => self.balance(&store, &deposit, &sku, Some(balance), rows, out),
            Err(RowError { error: CellError::Unchanged, .. }) => out.push(Effect::Refresh(Refresh::Sku(sku))),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What a balance of one deposit (`None`: no row) means for its warehouse.
    fn balance(
        &mut self,
        store: &RowId,
        deposit: &RowId,
        sku: &RowId,
        balance: Option<Decimal4>,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        let Some(pair) = self.reference.pair(store, deposit) else {
            return self.counts.count(Reason::NotMapped);
        };
        let total = if pair.shared {
            let key = Self::part_row(pair, sku);
            let total = self.sum(&pair.warehouse, sku, Some((&key, balance)), rows);
            out.push(match balance {
                Some(balance) => Effect::PutRow { key, value: balance.0.to_be_bytes().to_vec() },
                None => Effect::DeleteRow { key },
            });
            if !self.stock_complete {
                return;
            }
            total
        } else {
            balance.unwrap_or_default()
        };
        let warehouse = pair.warehouse.clone();
        self.want_stock(&warehouse, sku, total, out);
    }

    /// All parts of a warehouse's balance, one of them as it is now.
    fn sum(
        &self,
        warehouse: &str,
        sku: &RowId,
        changed: Option<(&[u8], Option<Decimal4>)>,
        rows: &dyn Rows,
    ) -> Decimal4 {
        let mut total = changed.and_then(|(_, balance)| balance).map_or(0, |balance| balance.0);
        // Parts of deposits that are closed now do not count; they stay, for when they open again.
        let prefix = Self::parts_prefix(warehouse, sku);
        let open: BTreeSet<Vec<u8>> = self
            .reference
            .pairs()
            .iter()
            .filter(|pair| pair.warehouse == warehouse)
            .map(|pair| Self::part_row(pair, sku))
            .collect();
        rows.rows(&prefix, &mut |key, value| {
            let is_changed = changed.is_some_and(|(changed, _)| changed == key);
            if !is_changed
                && open.contains(key)
                && let Ok(part) = <[u8; 8]>::try_from(value)
            {
                total = total.saturating_add(i64::from_be_bytes(part));
            }
        });
        Decimal4(total)
    }

    fn want_stock(&mut self, warehouse: &str, sku: &RowId, balance: Decimal4, out: &mut Vec<Effect>) {
        let Some((row, product, reference)) = self.reference.sku(&self.config, sku) else {
            let known = self.reference.skus.contains_key(sku);
            return self.counts.count(if known { Reason::DuplicateReference } else { Reason::UnknownSku });
        };
        if !product.in_ecommerce {
            return self.counts.count(Reason::NotIntegrated);
        }
        let minimum = self.config.stock.minimum;
        if let Some(quantity) = stock::units(balance, row, product, minimum, &mut self.counts) {
            out.push(Effect::Want {
                key: Key::stock(warehouse, &reference),
                value: Value::Stock(Stock { quantity }),
            });
        }
    }

    /// Balances of a range of SKUs of one deposit: those without a row have none.
    #[expect(clippy::too_many_arguments, reason = "a chunk with all that it belongs to")]
    pub fn stock_chunk<'a>(
        &mut self,
        pair: &Pair,
        skus: &[RowId],
        relation: u32,
        cells: impl Iterator<Item = Vec<Cell<'a>>>,
        confirmed: &dyn Fn(&Key) -> bool,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        let Some(plan) = self.plans.get(&relation).cloned() else { return };
        let mut missing: BTreeSet<&RowId> = skus.iter().collect();
        for row in cells {
            let (Ok((store, deposit, sku)), Ok(balance)) = (plan.stock_key(&row), plan.balance(&row)) else {
                self.counts.count(Reason::BadValue);
                continue;
            };
            missing.remove(&sku);
            self.balance(&store, &deposit, &sku, Some(balance), rows, out);
        }
        for sku in missing {
            let Some((_, _, reference)) = self.reference.sku(&self.config, sku) else { continue };
            // Nothing is said about stock that never was: only what VTEX holds is taken back.
            if pair.shared || confirmed(&Key::stock(&pair.warehouse, &reference)) {
                self.balance(&pair.store, &pair.deposit, sku, None, rows, out);
            }
        }
    }

    /// Whether sums of several deposits are whole; until then their warehouses are silent.
    pub fn set_stock_complete(&mut self, complete: bool) {
        self.stock_complete = complete;
    }

    /// The wanted stock of every warehouse that several deposits feed.
    pub fn sums(&mut self, rows: &dyn Rows, out: &mut Vec<Effect>) {
        out.push(Effect::PutRow { key: STOCK_COMPLETE.to_vec(), value: vec![1] });
        let warehouses: BTreeSet<_> = self
            .reference
            .pairs()
            .into_iter()
            .filter(|pair| pair.shared)
            .map(|pair| pair.warehouse)
            .collect();
        for warehouse in warehouses {
            for sku in self.reference.sku_order.clone() {
                let mut any = false;
                rows.rows(&Self::parts_prefix(&warehouse, &sku), &mut |_, _| any = true);
                if any {
                    let total = self.sum(&warehouse, &sku, None, rows);
                    self.want_stock(&warehouse, &sku, total, out);
                }
            }
        }
    }

    // ---- price ----

    fn price_change(
        &mut self,
        plan: &Plan,
        change: &RowChange<'_>,
        now: Timestamp,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let (old, new) = old_and_new(change);
        let new = match new {
            Some(cells) => match plan.price(cells) {
                Ok(read) => Some(read),
                Err(RowError { error: CellError::Unchanged, .. }) => {
                    let product = plan.price_product(cells)?;
                    out.push(Effect::Refresh(Refresh::Product(product)));
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
            None => None,
        };
        // Under which id the row was kept before: its own, or that of before a key change.
        let id = match (old, &new) {
            (Some(old), _) => plan.price_id(old)?,
            (None, Some((_, row))) => row.id.clone(),
            (None, None) => return Ok(()),
        };
        let index = Self::price_index(&id);
        let before = rows.row(&index).and_then(|bytes| postcard::from_bytes::<RowId>(&bytes).ok());
        let target = new.as_ref().map(|(product, _)| product.clone());
        if let Some(product) = before.as_ref()
            && Some(product) != target.as_ref()
        {
            let mut kept = Self::kept_prices(product, rows);
            kept.retain(|row| row.id != id);
            self.reprice(product, kept, now, out);
        }
        if new.as_ref().is_none_or(|(_, row)| row.id != id) {
            out.push(Effect::DeleteRow { key: index });
        }
        if let Some((product, row)) = new {
            let mut kept = Self::kept_prices(&product, rows);
            kept.retain(|other| other.id != id && other.id != row.id);
            let owner =
                postcard::to_stdvec(&product).expect("postcard writes any of our own types to memory");
            out.push(Effect::PutRow { key: Self::price_index(&row.id), value: owner });
            kept.push(row);
            self.reprice(&product, kept, now, out);
        }
        Ok(())
    }

    fn kept_prices(product: &RowId, rows: &dyn Rows) -> Vec<PriceRow> {
        rows.row(&Self::price_row(product))
            .and_then(|bytes| postcard::from_bytes(&bytes).ok())
            .unwrap_or_default()
    }

    /// Keeps the rows of a product and says what its SKUs cost.
    fn reprice(&mut self, product: &RowId, kept: Vec<PriceRow>, now: Timestamp, out: &mut Vec<Effect>) {
        let mut changes_at: Option<Timestamp> = None;
        if !self.reference.products.contains_key(product) {
            self.counts.count(Reason::UnknownSku);
        }
        for id in self.reference.skus_of(product).to_vec() {
            let Some((_, owner, reference)) = self.reference.sku(&self.config, &id) else { continue };
            if !owner.in_ecommerce {
                self.counts.count(Reason::NotIntegrated);
                continue;
            }
            let table_of = |table: &RowId| -> Option<(&PriceTable, &PriceRule)> {
                let table = self.reference.price_tables.get(table)?;
                Some((table, self.rules.get(table.code.as_str())?))
            };
            let priced = price_of(&id, &kept, table_of, now, &mut self.counts);
            changes_at = match (changes_at, priced.changes_at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            out.push(Effect::Want {
                key: Key::price(&reference),
                value: Value::Price(Box::new(priced.price)),
            });
        }
        if let Some(at) = changes_at {
            out.push(Effect::Wake { at, refresh: Refresh::Product(product.clone()) });
        }
        let key = Self::price_row(product);
        out.push(if kept.is_empty() {
            Effect::DeleteRow { key }
        } else {
            let value = postcard::to_stdvec(&kept).expect("postcard writes any of our own types to memory");
            Effect::PutRow { key, value }
        });
    }

    /// All price rows of some products: what is not among them is no more.
    pub fn price_chunk<'a>(
        &mut self,
        products: &[RowId],
        relation: u32,
        cells: impl Iterator<Item = Vec<Cell<'a>>>,
        now: Timestamp,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        let Some(plan) = self.plans.get(&relation).cloned() else { return };
        let mut found: BTreeMap<RowId, Vec<PriceRow>> =
            products.iter().map(|product| (product.clone(), Vec::new())).collect();
        for row in cells {
            match plan.price(&row) {
                Ok((product, row)) => {
                    if let Some(prices) = found.get_mut(&product) {
                        let owner = postcard::to_stdvec(&product)
                            .expect("postcard writes any of our own types to memory");
                        out.push(Effect::PutRow { key: Self::price_index(&row.id), value: owner });
                        prices.push(row);
                    }
                }
                Err(_) => self.counts.count(Reason::BadValue),
            }
        }
        for (product, prices) in found {
            for gone in Self::kept_prices(&product, rows) {
                if !prices.iter().any(|row| row.id == gone.id) {
                    out.push(Effect::DeleteRow { key: Self::price_index(&gone.id) });
                }
            }
            self.reprice(&product, prices, now, out);
        }
    }

    // ---- reference data ----

    fn reference_change(
        &mut self,
        plan: &Plan,
        change: &RowChange<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let (old, new) = old_and_new(change);
        let role = plan.role();
        let new_id = new.map(|cells| plan.id(cells)).transpose()?;
        if let Some(old) = old {
            let id = plan.id(old)?;
            if new_id.as_ref() != Some(&id) {
                self.put_reference(role, &id, None, out);
            }
        }
        if let (Some(cells), Some(id)) = (new, new_id) {
            let before = self.reference.row(role, &id);
            let row = match plan.reference(cells, &self.config, before.as_ref()) {
                Err(RowError { error: CellError::Unchanged, .. }) => {
                    // Nothing is known that could complete it: the tables are read again.
                    for entity in role.needed_by() {
                        out.push(Effect::Reconcile(*entity, "a row came incomplete"));
                    }
                    return Ok(());
                }
                read => read?,
            };
            if row.is_none() {
                self.counts.count(Reason::OtherTenant);
            }
            self.put_reference(role, &id, row, out);
        }
        Ok(())
    }

    /// Keeps a reference row and has read again what it changes.
    fn put_reference(&mut self, role: Role, id: &RowId, row: Option<Row>, out: &mut Vec<Effect>) {
        let key = Self::reference_row(role, id);
        // The SKUs that are about to lose their name still have it.
        let leaving = if row.is_none() { self.keys_of(role, id) } else { Vec::new() };
        let pairs = matches!(role, Role::Store | Role::Deposit).then(|| self.reference.pairs());
        let before = self.reference.put(&self.config, role, id, row.clone());
        if before == row {
            return;
        }
        out.push(match &row {
            Some(row) => {
                let value =
                    postcard::to_stdvec(&(id, row)).expect("postcard writes any of our own types to memory");
                Effect::PutRow { key, value }
            }
            None => Effect::DeleteRow { key },
        });
        for key in leaving {
            out.push(Effect::Want { value: nothing(key.entity), key });
        }
        match (role, &before, &row) {
            (Role::Product, Some(Row::Product(before)), Some(Row::Product(after)))
                if before.in_ecommerce && !after.in_ecommerce =>
            {
                self.close(id, out);
            }
            (Role::Product, _, Some(_)) => out.push(Effect::Refresh(Refresh::Product(id.clone()))),
            (Role::Sku, _, Some(_)) => out.push(Effect::Refresh(Refresh::Sku(id.clone()))),
            (Role::PriceTable, ..) => out.push(Effect::Reconcile(Entity::Price, "a price table changed")),
            _ => {}
        }
        if let Some(pairs) = pairs {
            self.pairs_changed(&pairs, out);
        }
    }

    /// The stock and price keys of a product or SKU.
    fn keys_of(&self, role: Role, id: &RowId) -> Vec<Key> {
        let skus = match role {
            Role::Product => self.reference.skus_of(id).to_vec(),
            Role::Sku => vec![id.clone()],
            _ => Vec::new(),
        };
        let mut keys = Vec::new();
        for sku in skus {
            let Some((_, product, reference)) = self.reference.sku(&self.config, &sku) else { continue };
            if !product.in_ecommerce {
                continue;
            }
            if self.config.has(Entity::Stock) {
                keys.extend(
                    self.config.warehouses().into_iter().map(|warehouse| Key::stock(warehouse, &reference)),
                );
            }
            if self.config.has(Entity::Price) {
                keys.push(Key::price(&reference));
            }
        }
        keys
    }

    /// "Integra Ecommerce" was switched off: the stock goes to zero once, prices stay as they are.
    fn close(&mut self, product: &RowId, out: &mut Vec<Effect>) {
        for sku in self.reference.skus_of(product).to_vec() {
            let Some((_, _, reference)) = self.reference.sku(&self.config, &sku) else { continue };
            for warehouse in self.config.warehouses() {
                out.push(Effect::Want {
                    key: Key::stock(warehouse, &reference),
                    value: nothing(Entity::Stock),
                });
            }
        }
    }

    /// Stores or deposits opened or closed: a warehouse that nobody feeds any more is emptied, the others
    /// are read again.
    fn pairs_changed(&mut self, before: &[Pair], out: &mut Vec<Effect>) {
        let after = self.reference.pairs();
        let changed = before
            .iter()
            .filter(|pair| !after.contains(pair))
            .chain(after.iter().filter(|pair| !before.contains(pair)));
        for pair in changed {
            if after.iter().any(|other| other.warehouse == pair.warehouse) {
                out.push(Effect::Refresh(Refresh::Store(pair.store.clone())));
                continue;
            }
            for sku in &self.reference.sku_order {
                if let Some((_, product, reference)) = self.reference.sku(&self.config, sku)
                    && product.in_ecommerce
                {
                    let key = Key::stock(&pair.warehouse, &reference);
                    out.push(Effect::Want { key, value: nothing(Entity::Stock) });
                }
            }
        }
    }

    /// A whole pass over a reference table has seen these ids: others are no more.
    pub fn reference_seen(&mut self, role: Role, seen: &BTreeSet<RowId>, out: &mut Vec<Effect>) {
        let known: Vec<RowId> = match role {
            Role::Store => self.reference.stores.keys().cloned().collect(),
            Role::Deposit => self.reference.deposits.keys().cloned().collect(),
            Role::PriceTable => self.reference.price_tables.keys().cloned().collect(),
            Role::Product => self.reference.products.keys().cloned().collect(),
            Role::Sku => self.reference.skus.keys().cloned().collect(),
            Role::Price | Role::Stock => Vec::new(),
        };
        for id in known.iter().filter(|id| !seen.contains(id)) {
            self.put_reference(role, id, None, out);
        }
    }

    // ---- for those who load ----

    /// Every deposit that feeds a warehouse, in a fixed order.
    pub fn deposits_to_load(&self) -> Vec<Pair> {
        self.reference.pairs()
    }

    /// The next products after one, how many lie before them, and how many there are.
    pub fn products_after(&self, after: Option<&RowId>, count: usize) -> (Vec<RowId>, usize, usize) {
        page(&self.reference.product_order, after, count)
    }

    /// The next SKUs after one, how many lie before them, and how many there are.
    pub fn skus_after(&self, after: Option<&RowId>, count: usize) -> (Vec<RowId>, usize, usize) {
        page(&self.reference.sku_order, after, count)
    }

    /// What has to be read for these refreshes.
    pub fn scope(&self, refreshes: &[Refresh]) -> Scope {
        let mut skus = BTreeSet::new();
        let mut products = BTreeSet::new();
        for refresh in refreshes {
            match refresh {
                Refresh::Product(id) => {
                    products.insert(id.clone());
                    skus.extend(self.reference.skus_of(id).iter().cloned());
                }
                Refresh::Sku(id) => {
                    skus.insert(id.clone());
                    products.extend(self.reference.skus.get(id).map(|sku| sku.product.clone()));
                }
                Refresh::Store(_) => skus.extend(self.reference.sku_order.iter().cloned()),
            }
        }
        Scope {
            pairs: self.reference.pairs(),
            skus: skus.into_iter().collect(),
            products: products.into_iter().collect(),
        }
    }

    /// What to read again for a SKU reference.
    pub fn find_sku(&self, reference: &str) -> Option<Refresh> {
        self.reference.by_reference(reference).map(|id| Refresh::Sku(id.clone()))
    }

    /// What in Live leads to the wanted value of a key, for people.
    pub fn explain(&self, key: &Key, rows: &dyn Rows) -> Vec<String> {
        let Some(id) = self.reference.by_reference(key.sku()) else {
            return vec![format!("Live has no SKU with the reference {}", key.sku())];
        };
        let Some((sku, product, _)) = self.reference.sku(&self.config, id) else {
            return vec![format!("the product of SKU {} is not known", key.sku())];
        };
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        let mut lines = vec![
            format!("SKU {} of product {}", sku.code, product.code),
            format!(
                "Integra Ecommerce: {}; product active: {}; SKU active: {}; SKU for sale: {}",
                yes(product.in_ecommerce),
                yes(product.active),
                yes(sku.active),
                yes(sku.in_ecommerce)
            ),
        ];
        if let Some(warehouse) = key.warehouse() {
            let pairs: Vec<Pair> =
                self.reference.pairs().into_iter().filter(|pair| pair.warehouse == warehouse).collect();
            lines.push(format!(
                "minimum for display: {}; sold in fractions: {} (factor {})",
                product.minimum,
                yes(product.fractional),
                sku.factor
            ));
            lines.push(format!("open deposits that feed {warehouse}: {}", pairs.len()));
        } else {
            let kept = Self::kept_prices(&sku.product, rows);
            for row in kept.iter().filter(|row| row.sku.as_ref().is_none_or(|of| of == id)) {
                let table = self.reference.price_tables.get(&row.table);
                lines.push(format!(
                    "price table {}: {}{}{}",
                    table.map_or("(unknown)", |table| table.code.as_str()),
                    row.value,
                    row.promotion.map_or(String::new(), |promotion| format!(", promotion {promotion}")),
                    if row.active { "" } else { " (not in use)" }
                ));
            }
        }
        lines
    }
}

/// The value of a key that Live has nothing for.
fn nothing(entity: Entity) -> Value {
    match entity {
        Entity::Stock => Value::Stock(Stock { quantity: 0 }),
        Entity::Price => Value::Price(Box::default()),
    }
}

fn page(order: &BTreeSet<RowId>, after: Option<&RowId>, count: usize) -> (Vec<RowId>, usize, usize) {
    use std::ops::Bound::{Excluded, Unbounded};
    let from = after.map_or(Unbounded, Excluded);
    let page: Vec<_> = order.range::<RowId, _>((from, Unbounded)).take(count).cloned().collect();
    let before = after.map_or(0, |after| order.range::<RowId, _>(..=after).count());
    (page, before, order.len())
}

type Cells<'a> = &'a [Cell<'a>];

fn old_and_new<'a>(change: &RowChange<'a>) -> (Option<Cells<'a>>, Option<Cells<'a>>) {
    match *change {
        RowChange::Insert { new } => (None, Some(new)),
        RowChange::Update { old, new } => (old, Some(new)),
        RowChange::Delete { old } => (Some(old), None),
    }
}
