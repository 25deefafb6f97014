//! Units of our orders that Live and VTEX would both subtract, and until when.
//!
//! VTEX shows `total − reserved`. It reserves for an order when it is placed, and lets go with the first
//! quantity that it is told after `start-handling` (Logistics API). Live subtracts the same units as soon as the
//! order is written there. In between both do, so what VTEX is told has them added: what a shopper sees is
//! what Live has to sell, all the way.
//!
//! Counting them too long oversells: a quantity with them, told after VTEX has taken `start-handling`, frees the
//! reservation and shows units that are gone. Counting them too briefly only undersells for a moment. So
//! they stop counting when `start-handling` goes out, and never begin again unless it certainly did not arrive;
//! whatever is in doubt (a lost answer, a restart) does not count. When VTEX has taken it, each quantity is told
//! once more, which is what makes VTEX let go.

use hashbrown::HashMap;

use super::entity::Key;
use super::record::Confirmed;

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// VTEX has not been told that it is in Live: its units count.
    Waiting,
    /// `start-handling` is out.
    Sent,
    /// `start-handling` may have been applied.
    Unsure,
    /// VTEX has taken `start-handling`.
    Acknowledged,
}

#[derive(Debug)]
struct Order {
    /// By stock key; each key once.
    lines: Vec<(Key, u32)>,
    stage: Stage,
}

#[derive(Debug, Default)]
struct Balance {
    /// Orders that have this key.
    orders: u32,
    /// Units that count.
    units: u32,
    /// What VTEX confirmed, while the key is at rest.
    at_rest: Option<Confirmed>,
}

/// The orders that VTEX has not acknowledged, and the stock keys that they touch.
#[derive(Debug, Default)]
pub(crate) struct Reserved {
    orders: HashMap<Key, Order>,
    balances: HashMap<Key, Balance>,
}

impl Reserved {
    /// Units to be added to what Live says of `key`.
    pub(crate) fn units(&self, key: &Key) -> u32 {
        self.balances.get(key).map_or(0, |balance| balance.units)
    }

    pub(crate) fn stage(&self, order: &Key) -> Option<Stage> {
        self.orders.get(order).map(|order| order.stage)
    }

    /// The stock keys of an order.
    pub(crate) fn keys(&self, order: &Key) -> Vec<Key> {
        let lines = self.orders.get(order).into_iter().flat_map(|order| &order.lines);
        lines.map(|(key, _)| key.clone()).collect()
    }

    /// The lines of an order as Live has them now. One that is known keeps its stage.
    pub(crate) fn book(&mut self, order: &Key, lines: Vec<(Key, u32)>, stage: Stage) {
        let stage = self.stage(order).unwrap_or(stage);
        self.forget(order);
        for (key, _) in &lines {
            self.balances.entry(key.clone()).or_default().orders += 1;
        }
        self.orders.insert(order.clone(), Order { lines, stage });
        self.count(order);
    }

    pub(crate) fn set_stage(&mut self, order: &Key, stage: Stage) {
        self.uncount(order);
        if let Some(order) = self.orders.get_mut(order) {
            order.stage = stage;
        }
        self.count(order);
    }

    pub(crate) fn forget(&mut self, order: &Key) {
        self.uncount(order);
        let Some(Order { lines, .. }) = self.orders.remove(order) else { return };
        for (key, _) in lines {
            if let Some(balance) = self.balances.get_mut(&key) {
                balance.orders -= 1;
                if balance.orders == 0 {
                    self.balances.remove(&key);
                }
            }
        }
    }

    /// What VTEX confirmed of a stock key that is at rest, if an order has it.
    pub(crate) fn at_rest(&self, key: &Key) -> Option<&Confirmed> {
        self.balances.get(key)?.at_rest.as_ref()
    }

    /// A stock key came to rest.
    pub(crate) fn rests(&mut self, key: &Key, confirmed: Option<&Confirmed>) {
        if let Some(balance) = self.balances.get_mut(key) {
            balance.at_rest = confirmed.cloned();
        }
    }

    fn count(&mut self, order: &Key) {
        self.add(order, u32::saturating_add);
    }

    fn uncount(&mut self, order: &Key) {
        self.add(order, u32::saturating_sub);
    }

    fn add(&mut self, order: &Key, add: impl Fn(u32, u32) -> u32) {
        let Some(order) = self.orders.get(order).filter(|order| order.stage == Stage::Waiting) else {
            return;
        };
        for (key, units) in &order.lines {
            if let Some(balance) = self.balances.get_mut(key) {
                balance.units = add(balance.units, *units);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entity::Entity;
    use super::*;

    fn order(id: &str) -> Key {
        Key { entity: Entity::Order, id: id.into() }
    }

    #[test]
    fn units_count_until_start_handling_goes_out_and_leave_nothing_behind() {
        let (one, two) = (Key::stock("w", "A"), Key::stock("w", "B"));
        let mut reserved = Reserved::default();
        reserved.book(&order("1"), vec![(one.clone(), 2), (two.clone(), 1)], Stage::Waiting);
        reserved.book(&order("2"), vec![(one.clone(), 3)], Stage::Waiting);
        reserved.book(&order("3"), vec![(one.clone(), 7)], Stage::Unsure);
        assert_eq!((reserved.units(&one), reserved.units(&two)), (5, 1));
        reserved.set_stage(&order("1"), Stage::Sent);
        assert_eq!((reserved.units(&one), reserved.units(&two)), (3, 0));
        reserved.set_stage(&order("1"), Stage::Waiting);
        // A line was cancelled in Live.
        reserved.book(&order("1"), vec![(two.clone(), 1)], Stage::Unsure);
        assert_eq!((reserved.units(&one), reserved.units(&two)), (3, 1));
        assert_eq!(reserved.stage(&order("1")), Some(Stage::Waiting), "what is known of an order stays");
        for id in ["1", "2", "3", "3"] {
            reserved.forget(&order(id));
        }
        assert!(reserved.orders.is_empty() && reserved.balances.is_empty());
    }
}
