//! Prices per SKU: base price and fixed prices.

use std::collections::BTreeSet;
use std::sync::{Mutex, RwLock};

use compact_str::CompactString;
use hashbrown::HashMap;
use jiff::Timestamp;

use super::{SHARDS, SkuId, locked, read, shard_of, written};

/// The price of one SKU, in decimal units.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceView {
    /// Base price; `None` when only fixed prices were written.
    pub base: Option<f64>,
    /// Cost price.
    pub cost: Option<f64>,
    /// `listPrice`.
    pub list: Option<f64>,
    /// Fixed prices in the order in which they were written.
    pub fixed: Vec<FixedPriceView>,
    /// How many writes were applied.
    pub writes: u32,
}

/// One fixed price.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedPriceView {
    /// Trade policy id or price table name.
    pub table: String,
    /// The price.
    pub value: f64,
    /// Its `listPrice`.
    pub list: Option<f64>,
    /// From how many units it applies.
    pub min_quantity: u32,
    /// `dateRange` as it was written.
    pub range: Option<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Price {
    pub(crate) base: Option<f64>,
    pub(crate) cost: Option<f64>,
    pub(crate) list: Option<f64>,
    pub(crate) fixed: Vec<FixedPrice>,
    pub(crate) writes: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FixedPrice {
    pub(crate) table: CompactString,
    pub(crate) value: f64,
    pub(crate) list: Option<f64>,
    pub(crate) min_quantity: u32,
    pub(crate) range: Option<Box<DateRange>>,
}

/// When a fixed price is valid: the instants, and the texts they came as.
#[derive(Clone, Debug)]
pub(crate) struct DateRange {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) from_text: String,
    pub(crate) to_text: String,
}

impl PartialEq for DateRange {
    /// The same instants in another zone are the same range.
    fn eq(&self, other: &Self) -> bool {
        (self.from, self.to) == (other.from, other.to)
    }
}

impl FixedPrice {
    fn same_slot(&self, other: &Self) -> bool {
        (&self.table, self.min_quantity, &self.range) == (&other.table, other.min_quantity, &other.range)
    }
}

impl Price {
    /// `(basePrice / costPrice - 1) · 100`; with `None` where it cannot be computed.
    pub(crate) fn markup(&self) -> Option<f64> {
        let (base, cost) = (self.base?, self.cost?);
        // Rounded to what a price can express, or 24.99 / 10 would print as 149.89999999999998.
        (cost != 0.0).then(|| ((base / cost - 1.0) * 1e8).round() / 1e6)
    }

    /// Adds or replaces by trade policy, minimum quantity and date range; deletes nothing.
    pub(crate) fn upsert(&mut self, fixed: Vec<FixedPrice>) {
        for new in fixed {
            match self.fixed.iter_mut().find(|old| old.same_slot(&new)) {
                Some(old) => *old = new,
                None => self.fixed.push(new),
            }
        }
    }

    pub(crate) fn view(&self) -> PriceView {
        PriceView {
            base: self.base,
            cost: self.cost,
            list: self.list,
            fixed: self.fixed.iter().map(FixedPrice::view).collect(),
            writes: self.writes,
        }
    }
}

impl FixedPrice {
    fn view(&self) -> FixedPriceView {
        FixedPriceView {
            table: self.table.to_string(),
            value: self.value,
            list: self.list,
            min_quantity: self.min_quantity,
            range: self.range.as_ref().map(|range| (range.from_text.clone(), range.to_text.clone())),
        }
    }
}

#[derive(Debug)]
pub(crate) struct PriceTable {
    shards: Vec<Mutex<HashMap<SkuId, Price>>>,
    tables: RwLock<BTreeSet<String>>,
}

impl PriceTable {
    pub(super) fn new(trade_policies: &[String]) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            tables: RwLock::new(trade_policies.iter().cloned().collect()),
        }
    }

    /// Reads one price.
    pub(crate) fn with<T>(&self, sku: SkuId, look: impl FnOnce(Option<&Price>) -> T) -> T {
        look(locked(&self.shards[shard_of(sku)]).get(&sku))
    }

    /// Changes one price, which need not exist. `change` may refuse and then leaves no trace. True when it changed.
    pub(crate) fn change<E>(
        &self,
        sku: SkuId,
        change: impl FnOnce(&mut Price) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut shard = locked(&self.shards[shard_of(sku)]);
        let before = shard.get(&sku);
        let mut price = before.cloned().unwrap_or_default();
        change(&mut price)?;
        let changed = before != Some(&price);
        price.writes = price.writes.saturating_add(1);
        shard.insert(sku, price);
        Ok(changed)
    }

    /// True when there was one.
    pub(crate) fn remove(&self, sku: SkuId) -> bool {
        locked(&self.shards[shard_of(sku)]).remove(&sku).is_some()
    }

    pub(super) fn count(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).len()).sum()
    }

    /// Calls `each` for every price of one stripe.
    pub(crate) fn each_of_shard(&self, shard: usize, mut each: impl FnMut(SkuId, &Price)) {
        for (sku, price) in &*locked(&self.shards[shard]) {
            each(*sku, price);
        }
    }

    pub(super) fn clear(&self, trade_policies: &[String]) {
        for shard in &self.shards {
            locked(shard).clear();
        }
        *written(&self.tables) = trade_policies.iter().cloned().collect();
    }

    /// Trade policies and price tables by name.
    pub(crate) fn tables(&self) -> Vec<String> {
        read(&self.tables).iter().cloned().collect()
    }

    pub(crate) fn add_table(&self, table: &str) {
        written(&self.tables).insert(table.to_owned());
    }
}
