//! What VTEX calls the things that others hang on (brands, categories, products), and which keys wait for
//! one of them to exist.
//!
//! A product waits for its brand and its category, a SKU for its product, a kit for its parts. A waiting key costs
//! no request; it wakes when the thing that it waits for is known.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::entity::{Entity, Key};
use super::ledger::Slot;

/// The id map, and who waits.
#[derive(Debug, Default)]
pub(crate) struct Parents {
    ids: HashMap<Key, u32>,
    /// By when they came: whoever has waited longest goes first, and one of thousands leaves cheaply.
    waiting: HashMap<Key, BTreeMap<u64, Slot>>,
    waits_for: HashMap<Slot, (Key, u64)>,
    arrivals: u64,
}

impl Parents {
    /// Whether things of this kind are kept here. (SKUs have a place of their own, and nothing hangs on the rest.)
    pub(crate) const fn keeps(entity: Entity) -> bool {
        matches!(entity, Entity::Brand | Entity::Category | Entity::Product)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<u32> {
        self.ids.get(key).copied()
    }

    /// The keys that waited for it; they are to be placed anew.
    pub(crate) fn learn(&mut self, key: &Key, id: u32) -> Vec<Slot> {
        self.ids.insert(key.clone(), id);
        self.waiting.remove(key).unwrap_or_default().into_values().collect()
    }

    pub(crate) fn forget(&mut self, key: &Key) {
        self.ids.remove(key);
    }

    /// `slot` waits for `key`.
    pub(crate) fn wait(&mut self, slot: Slot, key: Key) {
        self.arrivals += 1;
        self.waiting.entry(key.clone()).or_default().insert(self.arrivals, slot);
        self.waits_for.insert(slot, (key, self.arrivals));
    }

    /// `slot` does not wait any more; what it waited for.
    pub(crate) fn leave(&mut self, slot: Slot) -> Option<Key> {
        let (key, arrival) = self.waits_for.remove(&slot)?;
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.remove(&arrival);
            if waiting.is_empty() {
                self.waiting.remove(&key);
            }
        }
        Some(key)
    }

    /// What `slot` waits for.
    pub(crate) fn awaited(&self, slot: Slot) -> Option<&Key> {
        self.waits_for.get(&slot).map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_woken_once_and_leaves_nothing_behind() {
        let key = |id: &str| Key { entity: Entity::Brand, id: id.into() };
        let mut parents = Parents::default();
        parents.wait(1, key("A"));
        parents.wait(2, key("A"));
        parents.wait(3, key("B"));
        parents.leave(2);
        assert_eq!(parents.awaited(1), Some(&key("A")));
        assert_eq!(parents.learn(&key("A"), 7), [1]);
        parents.leave(1);
        parents.leave(3);
        assert_eq!(parents.get(&key("A")), Some(7));
        assert!(parents.waiting.is_empty() && parents.waits_for.is_empty());
    }
}
