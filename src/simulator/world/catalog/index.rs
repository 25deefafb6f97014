//! What the shop's search knows of the catalog, some time after it was saved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hashbrown::HashMap;

use super::Tables;

#[derive(Debug, Default)]
pub(super) struct Index {
    lag: Duration,
    entries: HashMap<u32, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    shown: Option<Document>,
    /// What will be shown, and from when.
    next: Option<(Duration, Document)>,
}

/// A product in the index.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// Empty: all.
    pub(crate) policies: BTreeSet<u32>,
    /// Active SKUs with their EANs.
    pub(crate) skus: BTreeMap<u32, BTreeSet<String>>,
}

impl Index {
    pub(super) fn new(lag: Duration) -> Self {
        Self { lag, entries: HashMap::new() }
    }

    fn put(&mut self, product: u32, now: Duration, document: Document) {
        let entry = self.entries.entry(product).or_default();
        let due = match entry.next.take() {
            // What waits already is replaced and not put off, or a product that is saved all the time never shows.
            Some((due, _)) if due > now => due,
            Some((_, ready)) => {
                entry.shown = Some(ready);
                now + self.lag
            }
            None => now + self.lag,
        };
        entry.next = Some((due, document));
    }
}

impl Tables {
    /// The product as the shop's search shows it at time `now`; `None` when it does not show it.
    pub(crate) fn indexed(&self, product: u32, now: Duration) -> Option<&Document> {
        let entry = self.index.entries.get(&product)?;
        match &entry.next {
            Some((due, document)) if *due <= now => Some(document),
            _ => entry.shown.as_ref(),
        }
    }

    pub(super) fn put_into_index(&mut self, product: u32) {
        let Some(saved) = self.products.get(&product) else { return };
        let skus = saved.skus.iter().filter_map(|id| self.skus.get(id)).filter(|sku| sku.active);
        let document = Document {
            policies: saved.policies.clone(),
            skus: skus.map(|sku| (sku.id, sku.eans.clone())).collect(),
        };
        self.index.put(product, self.now, document);
    }
}
