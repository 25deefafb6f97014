//! Reference data: the few columns of other tables that a stock or price row needs, kept in memory and in
//! the store, changed only by the stream.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::core::money::Decimal4;
use crate::core::time::Timestamp;

use super::catalog::rows::{BrandRow, ClassifierRow, Lookups, VariationRow};
use super::cell::RowId;
use super::config::{MappingConfig, Role};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Store {
    pub(super) code: CompactString,
    pub(super) open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deposit {
    pub(super) store: RowId,
    pub(super) code: CompactString,
    pub(super) in_ecommerce: bool,
    pub(super) active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PriceTable {
    pub(super) code: CompactString,
    pub(super) active: bool,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Product {
    pub(super) code: CompactString,
    /// "Integra Ecommerce".
    pub(super) in_ecommerce: bool,
    pub(super) minimum: Decimal4,
    pub(super) fractional: bool,
    pub(super) active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sku {
    pub(super) product: RowId,
    pub(super) code: CompactString,
    pub(super) factor: Decimal4,
    pub(super) in_ecommerce: bool,
    pub(super) active: bool,
}

/// A row of a small table that gives others a name: a brand, a classifier, a colour, a size, a letter, a purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named {
    pub(super) code: CompactString,
    /// Of a letter: the hash of its text.
    pub(super) name: CompactString,
    /// Of a classifier.
    pub(super) parent: Option<RowId>,
    /// Of a classifier: its level, if the site has one.
    pub(super) level: Option<i64>,
    /// Of a letter.
    pub(super) version: i32,
    pub(super) active: bool,
}

/// A row of a reference table, in use and of our tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Row {
    Store(Store),
    Deposit(Deposit),
    PriceTable(PriceTable),
    Product(Product),
    Sku(Sku),
    Named(Named),
}

impl Row {
    pub(super) const fn code(&self) -> &CompactString {
        match self {
            Self::Store(row) => &row.code,
            Self::Deposit(row) => &row.code,
            Self::PriceTable(row) => &row.code,
            Self::Product(row) => &row.code,
            Self::Sku(row) => &row.code,
            Self::Named(row) => &row.code,
        }
    }
}

/// A deposit that feeds a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    pub store: RowId,
    pub deposit: RowId,
    pub warehouse: CompactString,
    /// Other deposits may feed this warehouse, too: the balances are added up.
    pub shared: bool,
}

/// All of it, with the ways to find things.
#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) stores: HashMap<RowId, Store>,
    pub(super) deposits: HashMap<RowId, Deposit>,
    pub(super) price_tables: HashMap<RowId, PriceTable>,
    pub(super) products: HashMap<RowId, Product>,
    pub(super) skus: HashMap<RowId, Sku>,
    named: HashMap<Role, HashMap<RowId, Named>>,
    /// What the catalog needs of them.
    pub(super) lookups: Lookups,
    /// In the order in which a load goes through them.
    pub(super) product_order: BTreeSet<RowId>,
    pub(super) sku_order: BTreeSet<RowId>,
    skus_of: HashMap<RowId, Vec<RowId>>,
    /// Which SKU has a reference first: two that share one would race for one key.
    references: HashMap<CompactString, RowId>,
    pairs: HashMap<(RowId, RowId), Pair>,
}

impl Reference {
    /// A row as it is known.
    pub(super) fn row(&self, role: Role, id: &RowId) -> Option<Row> {
        match role {
            Role::Store => self.stores.get(id).cloned().map(Row::Store),
            Role::Deposit => self.deposits.get(id).cloned().map(Row::Deposit),
            Role::PriceTable => self.price_tables.get(id).cloned().map(Row::PriceTable),
            Role::Product => self.products.get(id).cloned().map(Row::Product),
            Role::Sku => self.skus.get(id).cloned().map(Row::Sku),
            _ => self.named(role, id).cloned().map(Row::Named),
        }
    }

    /// A row of a small table.
    pub(super) fn named(&self, role: Role, id: &RowId) -> Option<&Named> {
        self.named.get(&role)?.get(id)
    }

    pub(super) fn all_named(&self, role: Role) -> impl Iterator<Item = (&RowId, &Named)> {
        self.named.get(&role).into_iter().flatten()
    }

    /// Puts a row in, or out with `None`; what was there before.
    pub(super) fn put(
        &mut self,
        config: &MappingConfig,
        role: Role,
        id: &RowId,
        row: Option<Row>,
    ) -> Option<Row> {
        let before =
            match role {
                Role::Store => {
                    swap(
                        &mut self.stores,
                        id,
                        row,
                        |row| if let Row::Store(row) = row { Some(row) } else { None },
                    )
                    .map(Row::Store)
                }
                Role::Deposit => swap(&mut self.deposits, id, row, |row| {
                    if let Row::Deposit(row) = row { Some(row) } else { None }
                })
                .map(Row::Deposit),
                Role::PriceTable => swap(&mut self.price_tables, id, row, |row| {
                    if let Row::PriceTable(row) = row { Some(row) } else { None }
                })
                .map(Row::PriceTable),
                Role::Product => {
                    let _ = if row.is_some() {
                        self.product_order.insert(id.clone())
                    } else {
                        self.product_order.remove(id)
                    };
                    self.forget_references(config, id);
                    let before = swap(&mut self.products, id, row, |row| {
                        if let Row::Product(row) = row { Some(row) } else { None }
                    });
                    self.learn_references(config, id);
                    before.map(Row::Product)
                }
                Role::Sku => return self.put_sku(config, id, row),
                _ => {
                    self.look_up(role, id, row.as_ref());
                    swap(self.named.entry(role).or_default(), id, row, |row| {
                        if let Row::Named(row) = row { Some(row) } else { None }
                    })
                    .map(Row::Named)
                }
            };
        if matches!(role, Role::Store | Role::Deposit) {
            self.pair_up(config);
        }
        before
    }

    fn look_up(&mut self, role: Role, id: &RowId, row: Option<&Row>) {
        let named = match row {
            Some(Row::Named(named)) => Some(named),
            _ => None,
        };
        let variation =
            || named.map(|row| VariationRow { code: row.code.clone(), name: row.name.to_string() });
        match role {
            Role::Brand => {
                let row = named.map(|row| BrandRow { code: row.code.clone(), name: row.name.to_string() });
                self.lookups.brands.put(id, row);
            }
            Role::Classifier => {
                let row = named.map(|row| ClassifierRow {
                    code: row.code.clone(),
                    name: row.name.to_string(),
                    parent: row.parent.clone(),
                    level: row.level,
                });
                self.lookups.classifiers.put(id, row);
            }
            Role::Colour => drop(self.lookups.colours.put(id, variation())),
            Role::Size => drop(self.lookups.sizes.put(id, variation())),
            _ => {}
        }
    }

    fn put_sku(&mut self, config: &MappingConfig, id: &RowId, row: Option<Row>) -> Option<Row> {
        if let Some(old) = self.skus.get(id) {
            let reference = self.reference_of(config, old);
            if reference.as_ref().and_then(|reference| self.references.get(reference)) == Some(id) {
                reference.map(|reference| self.references.remove(&reference));
            }
            if let Some(siblings) = self.skus_of.get_mut(&old.product) {
                siblings.retain(|sibling| sibling != id);
            }
        }
        let sku = row.and_then(|row| if let Row::Sku(sku) = row { Some(sku) } else { None });
        let before = match sku {
            Some(sku) => {
                self.sku_order.insert(id.clone());
                self.skus_of.entry(sku.product.clone()).or_default().push(id.clone());
                if let Some(reference) = self.reference_of(config, &sku) {
                    self.references.entry(reference).or_insert_with(|| id.clone());
                }
                self.skus.insert(id.clone(), sku)
            }
            None => {
                self.sku_order.remove(id);
                self.skus.remove(id)
            }
        };
        before.map(Row::Sku)
    }

    fn forget_references(&mut self, config: &MappingConfig, product: &RowId) {
        for id in self.skus_of(product).to_vec() {
            let Some(reference) = self.skus.get(&id).and_then(|sku| self.reference_of(config, sku)) else {
                continue;
            };
            if self.references.get(&reference) == Some(&id) {
                self.references.remove(&reference);
            }
        }
    }

    fn learn_references(&mut self, config: &MappingConfig, product: &RowId) {
        for id in self.skus_of(product).to_vec() {
            if let Some(reference) = self.skus.get(&id).and_then(|sku| self.reference_of(config, sku)) {
                self.references.entry(reference).or_insert(id);
            }
        }
    }

    /// What a SKU is called in VTEX; `None` while its product is unknown.
    fn reference_of(&self, config: &MappingConfig, sku: &Sku) -> Option<CompactString> {
        let product = self.products.get(&sku.product)?;
        let text = config.sku_reference.replace("{sku}", &sku.code).replace("{produto}", &product.code);
        Some(CompactString::new(text.trim()))
    }

    /// A SKU with its product and reference, if it has all of them and the reference is its own.
    pub(super) fn sku(&self, config: &MappingConfig, id: &RowId) -> Option<(&Sku, &Product, CompactString)> {
        let sku = self.skus.get(id)?;
        let product = self.products.get(&sku.product)?;
        // The usual template needs no text to be put together.
        let reference =
            if config.sku_reference == "{sku}" { sku.code.clone() } else { self.reference_of(config, sku)? };
        (self.references.get(&reference) == Some(id)).then_some((sku, product, reference))
    }

    pub(super) fn skus_of(&self, product: &RowId) -> &[RowId] {
        self.skus_of.get(product).map_or(&[], Vec::as_slice)
    }

    pub(super) fn by_reference(&self, reference: &str) -> Option<&RowId> {
        self.references.get(reference)
    }

    pub(super) fn pair(&self, store: &RowId, deposit: &RowId) -> Option<&Pair> {
        // A tuple key cannot be looked up by parts; stores are few, so the clone of two small ids is cheap.
        self.pairs.get(&(store.clone(), deposit.clone()))
    }

    /// In the order in which a load goes through them.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        self.pairs.values().cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Which deposits feed which warehouses now.
    fn pair_up(&mut self, config: &MappingConfig) {
        let mut feeders: BTreeMap<&str, usize> = BTreeMap::new();
        let mut found = Vec::new();
        for (id, deposit) in &self.deposits {
            let Some(store) = self.stores.get(&deposit.store) else { continue };
            let named = config
                .stores
                .iter()
                .find(|rule| *rule.loja == *store.code && rule.deposito.as_deref() == Some(&deposit.code));
            let whole = || {
                config
                    .stores
                    .iter()
                    .find(|rule| *rule.loja == *store.code && rule.deposito.is_none())
                    .filter(|_| deposit.in_ecommerce)
            };
            let Some(rule) = named.or_else(whole) else { continue };
            *feeders.entry(rule.warehouse.as_str()).or_default() += 1;
            if store.open && deposit.active {
                found.push((deposit.store.clone(), id.clone(), rule.warehouse.as_str()));
            }
        }
        self.pairs = found
            .into_iter()
            .map(|(store, deposit, warehouse)| {
                // Closed feeders count: when one opens again its parts are needed at once.
                let shared = feeders.get(warehouse).is_some_and(|count| *count > 1);
                let pair = Pair {
                    store: store.clone(),
                    deposit: deposit.clone(),
                    warehouse: CompactString::new(warehouse),
                    shared,
                };
                ((store, deposit), pair)
            })
            .collect();
    }
}

fn swap<T>(
    rows: &mut HashMap<RowId, T>,
    id: &RowId,
    row: Option<Row>,
    take: impl FnOnce(Row) -> Option<T>,
) -> Option<T> {
    match row.and_then(take) {
        Some(row) => rows.insert(id.clone(), row),
        None => rows.remove(id),
    }
}
