//! The catalog: brands, categories, products, SKUs with their EANs, images, specifications and kits.
//!
//! A request changes the tables as a whole under one lock or is refused and changes nothing. What follows from a
//! change (SKUs that become active, products that are indexed) is settled before the lock is given back.

mod activation;
mod assignment;
mod brand;
mod category;
mod definition;
mod duplicates;
mod image;
mod index;
mod inspect;
#[cfg(test)]
mod invariants;
mod kit;
mod product;
mod refusal;
mod sku;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use hashbrown::HashMap;
use serde_json::Value;

use super::super::options::{CatalogLag, Options, UnmetActivation};
use super::{locked, read, written};
use definition::{SpecificationGroup, SpecificationValue};
use index::Index;

pub use activation::Unmet;
pub(crate) use assignment::{Assignment, Owner};
pub(crate) use brand::{Brand, BrandFields};
pub(crate) use category::{Category, CategoryFields};
pub(crate) use definition::{FieldFields, GroupFields, SpecificationField, ValueFields};
pub use duplicates::{CatalogCounts, CatalogDuplicates};
pub(crate) use image::{Image, ImageFields};
pub use inspect::{BrandView, CategoryView, ImageView, KitView, ProductView, SkuView, SpecificationView};
pub(crate) use kit::{Complement, KitComponent};
pub(crate) use product::{NewProduct, Product, ProductFields};
pub(crate) use refusal::Refusal;
pub(crate) use sku::{Sku, SkuFields};

/// Largest id of anything in the catalog.
const ID_MAX: u32 = i32::MAX as u32;

/// The catalog of the account.
#[derive(Debug)]
pub(crate) struct Catalog {
    tables: RwLock<Tables>,
    lists: Mutex<HashMap<String, (Duration, Value)>>,
    lag: CatalogLag,
}

/// Everything that the catalog holds. Ids are VTEX's: from 1 to 2147483647.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    rules: Rules,
    now: Duration,
    brands: BTreeMap<u32, Brand>,
    categories: BTreeMap<u32, Category>,
    products: BTreeMap<u32, Product>,
    skus: BTreeMap<u32, Sku>,
    groups: BTreeMap<u32, SpecificationGroup>,
    fields: BTreeMap<u32, SpecificationField>,
    values: BTreeMap<u32, SpecificationValue>,
    kits: BTreeMap<u32, KitComponent>,
    complements: BTreeMap<u32, Complement>,
    product_refs: HashMap<String, u32>,
    links: HashMap<String, u32>,
    eans: HashMap<String, u32>,
    index: Index,
    issued: Issued,
    /// Products whose SKUs may become active; true when the product is indexed as well.
    touched: Vec<(u32, bool)>,
}

/// What is a quirk of the account.
#[derive(Clone, Copy, Debug, Default)]
struct Rules {
    unique_brand_names: bool,
    unmet_activation: UnmetActivation,
}

/// The last id given, by kind. Each kind begins in a range of its own, so that a mix-up of ids shows.
#[derive(Debug)]
struct Issued {
    brand: u32,
    category: u32,
    product: u32,
    sku: u32,
    image: u32,
    group: u32,
    field: u32,
    value: u32,
    assignment: u32,
    component: u32,
}

impl Default for Issued {
    fn default() -> Self {
        Self {
            brand: 2_000_000,
            category: 10_000,
            product: 500_000,
            sku: 310_000_000,
            image: 150_000,
            group: 20_000,
            field: 30_000,
            value: 40_000,
            assignment: 60_000,
            component: 80_000,
        }
    }
}

impl Catalog {
    pub(super) fn new(options: &Options) -> Self {
        let rules = Rules {
            unique_brand_names: options.quirks.unique_brand_names,
            unmet_activation: options.quirks.unmet_activation,
        };
        let index = Index::new(options.catalog_lag.index);
        Self {
            tables: RwLock::new(Tables { rules, index, ..Tables::default() }),
            lists: Mutex::default(),
            lag: options.catalog_lag,
        }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&read(&self.tables))
    }

    /// Changes the tables at time `now`. A refused change must leave no trace.
    pub(crate) fn write<T>(
        &self,
        now: Duration,
        change: impl FnOnce(&mut Tables) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut tables = written(&self.tables);
        tables.now = now;
        let changed = change(&mut tables);
        tables.settle();
        changed
    }

    /// How far look-ups by RefId are behind.
    pub(crate) fn references_lag(&self) -> Duration {
        self.lag.references
    }

    /// A list that VTEX answers from a cache: at most as old as configured.
    pub(crate) fn cached(&self, now: Duration, name: &str, make: impl FnOnce(&Tables) -> Value) -> Value {
        if self.lag.lists.is_zero() {
            return self.read(make);
        }
        let mut lists = locked(&self.lists);
        if let Some((taken, list)) = lists.get(name)
            && now.saturating_sub(*taken) < self.lag.lists
        {
            return list.clone();
        }
        let list = self.read(make);
        lists.insert(name.to_owned(), (now, list.clone()));
        list
    }
}

impl Tables {
    /// The next id of a kind that is free in its table.
    fn issue<T>(last: &mut u32, taken: &BTreeMap<u32, T>) -> u32 {
        loop {
            *last = if *last >= ID_MAX { 1 } else { *last + 1 };
            if !taken.contains_key(last) {
                return *last;
            }
        }
    }

    /// A save of the product or of one of its SKUs: it is indexed, and SKUs may become active.
    fn saved(&mut self, product: u32) {
        self.touched.push((product, true));
    }

    /// All SKUs that can become active now do, and what was saved goes to the index with its final state.
    fn settle(&mut self) {
        let mut indexed = BTreeSet::new();
        while let Some((product, index)) = self.touched.pop() {
            if index {
                indexed.insert(product);
            }
            for sku in self.activate_where_possible(product) {
                // An active component may be what a kit waits for.
                let kits: Vec<u32> = self.kits_with(sku).collect();
                for kit in kits.iter().filter_map(|kit| self.skus.get(kit)) {
                    self.touched.push((kit.fields.product_id, true));
                }
                indexed.insert(product);
            }
        }
        for product in indexed {
            self.put_into_index(product);
        }
    }
}
