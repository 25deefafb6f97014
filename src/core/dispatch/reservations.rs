//! Units of orders that VTEX has not acknowledged ([`Reserved`](super::super::reserved::Reserved)): what stock keys are told
//! because of them, and when they are told anew.

use super::super::call::orders::{OrderAct, OrderAnswer};
use super::super::call::{Answer, Call, Failure};
use super::super::entity::{Entity, Key};
use super::super::ledger::{Doubt, Entry, Slot, State};
use super::super::order::Phase;
use super::super::record::{Cause, Confirmed, Wanted};
use super::super::reserved::Stage;
use super::super::time::{Now, Tick};
use super::super::value::{Stock, Value};
use super::{Dispatch, Effect, amend, new_entry, settle_suppressed};

impl Dispatch {
    /// Takes in what an order has reserved, after [`Dispatch::want`] of it. `known` must know of stock keys at rest what
    /// VTEX confirmed, every effect returned so far included.
    pub fn book(
        &mut self,
        order: &Key,
        known: &dyn Fn(&Key) -> Option<Confirmed>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        self.book_as(Stage::Waiting, order, known, now, effects);
    }

    /// The same for every order found in the store at start, after the last [`Dispatch::restore`]. Whether
    /// `start-handling` was sent for it is not known any more.
    pub fn book_restored(
        &mut self,
        known: &dyn Fn(&Key) -> Option<Confirmed>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        for order in self.ledger.keys(Entity::Order) {
            self.book_as(Stage::Unsure, &order, known, now, effects);
        }
    }

    fn book_as(
        &mut self,
        stage: Stage,
        order: &Key,
        known: &dyn Fn(&Key) -> Option<Confirmed>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.ledger.find(order).and_then(|slot| self.ledger.get(slot)) else { return };
        let known_before = self.reserved.stage(order).is_some();
        // VTEX has confirmed something of it, so it was acknowledged long ago.
        if entry.confirmed.is_some() && !known_before {
            return;
        }
        let lines = entry.wanted.value.reserved_stock();
        let mut keys = self.reserved.keys(order);
        if lines.is_empty() && keys.is_empty() {
            return;
        }
        keys.extend(lines.iter().map(|(key, _)| key.clone()));
        keys.sort_unstable();
        keys.dedup();
        // A key that no order has any more is still known as being at rest until it is told.
        let rested: Vec<_> = keys.iter().map(|key| self.reserved.at_rest(key).cloned()).collect();
        self.reserved.book(order, lines, stage);
        for (key, rested) in keys.into_iter().zip(rested) {
            let waits = self.ledger.find(&key).is_some();
            let confirmed = if waits { None } else { rested.or_else(|| known(&key)) };
            self.reserved.rests(&key, confirmed.as_ref());
            self.tell(&key, confirmed, false, now, effects);
        }
    }

    /// A stock value as VTEX is to be told it now.
    pub(super) fn with_units(&self, key: &Key, mut wanted: Wanted) -> Wanted {
        if let Value::Stock(stock) = &mut wanted.value {
            stock.reserved = self.reserved.units(key);
        }
        wanted
    }

    /// Whether `start-handling` has to wait: a quantity with the order's units is on its way, and would free the
    /// reservation if it came second.
    pub(super) fn is_overtaking(&self, order: &Key, call: &Call, now: Tick) -> bool {
        starts_handling(call)
            && self.reserved.keys(order).iter().any(|key| {
                let entry = self.ledger.find(key).and_then(|slot| self.ledger.get(slot));
                entry.is_some_and(|entry| entry.state == State::InFlight || may_land_late(entry, now))
            })
    }

    /// A request goes out.
    pub(super) fn order_sent(&mut self, slot: Slot, call: &Call) {
        if !starts_handling(call) {
            return;
        }
        let Some(order) = self.ledger.get(slot).map(|entry| entry.key.clone()) else { return };
        if self.reserved.stage(&order) != Some(Stage::Waiting) {
            return;
        }
        self.reserved.set_stage(&order, Stage::Sent);
        // Whatever goes out from now on is without its units; nothing goes out because of it.
        for key in self.reserved.keys(&order) {
            let units = self.reserved.units(&key);
            if let Some(entry) = self.ledger.find(&key).and_then(|slot| self.ledger.get_mut(slot))
                && let Value::Stock(stock) = &mut entry.wanted.value
            {
                stock.reserved = units;
            }
        }
    }

    /// A request about an order came back.
    pub(super) fn order_answered(
        &mut self,
        slot: Slot,
        call: &Call,
        result: &Result<Answer, Failure>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(order) = self.ledger.get(slot).map(|entry| entry.key.clone()) else { return };
        match result {
            Ok(Answer::Order(OrderAnswer::Order(remote))) => match remote.status.phase() {
                Phase::Handling | Phase::Invoiced => self.acknowledged(&order, now, effects),
                // VTEX has let go by itself.
                Phase::Canceled | Phase::Replaced | Phase::Broken => self.unbook(&order, now, effects),
                _ => {}
            },
            Ok(_) if starts_handling(call) => self.acknowledged(&order, now, effects),
            Err(failure) if starts_handling(call) && self.reserved.stage(&order) == Some(Stage::Sent) => {
                let never_arrived =
                    matches!(failure, Failure::Connect(_) | Failure::Status { code: 401 | 403 | 429, .. });
                let stage = if never_arrived { Stage::Waiting } else { Stage::Unsure };
                self.reserved.set_stage(&order, stage);
                self.tell_anew(&self.reserved.keys(&order), false, now, effects);
            }
            _ => {}
        }
    }

    /// VTEX has taken `start-handling`: it lets go of what it reserved with the next quantity that it is told.
    fn acknowledged(&mut self, order: &Key, now: Now, effects: &mut Vec<Effect>) {
        if matches!(self.reserved.stage(order), None | Some(Stage::Acknowledged)) {
            return;
        }
        self.reserved.set_stage(order, Stage::Acknowledged);
        self.tell_anew(&self.reserved.keys(order), true, now, effects);
    }

    /// Nothing of the order is reserved any more, or nobody will tell.
    pub(super) fn unbook(&mut self, order: &Key, now: Now, effects: &mut Vec<Effect>) {
        let keys = self.reserved.keys(order);
        if self.reserved.stage(order) == Some(Stage::Acknowledged) {
            return self.reserved.forget(order); // they were told
        }
        // They are still known as being at rest until they are told.
        let rested: Vec<_> = keys.iter().map(|key| self.reserved.at_rest(key).cloned()).collect();
        self.reserved.forget(order);
        for (key, confirmed) in keys.into_iter().zip(rested) {
            self.tell(&key, confirmed, false, now, effects);
        }
    }

    /// A key at rest is not to be told anything.
    pub(super) fn suppress(&mut self, entry: Entry, now: Now, effects: &mut Vec<Effect>) {
        let (entity, order) = (entry.key.entity, entry.key.clone());
        let effect = settle_suppressed(entry);
        if let Effect::Settle { key, confirmed: Some(confirmed), .. } = &effect {
            self.reserved.rests(key, Some(confirmed));
        }
        effects.push(effect);
        if entity == Entity::Order {
            self.unbook(&order, now, effects);
        }
    }

    fn tell_anew(&mut self, keys: &[Key], again: bool, now: Now, effects: &mut Vec<Effect>) {
        for key in keys {
            self.tell(key, self.reserved.at_rest(key).cloned(), again, now, effects);
        }
    }

    /// Lets VTEX know a quantity if it is another one than it was told; `again`: in any case.
    fn tell(
        &mut self,
        key: &Key,
        at_rest: Option<Confirmed>,
        again: bool,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let reserved = self.reserved.units(key);
        if let Some(slot) = self.ledger.find(key) {
            return self.tell_waiting(slot, reserved, again, now, effects);
        }
        let Some(confirmed) = at_rest else { return };
        let Value::Stock(stock) = confirmed.value else { return };
        let told = Stock { reserved, ..stock };
        if told == stock && !again {
            return;
        }
        let wanted = Wanted {
            value: Value::Stock(told),
            position: confirmed.position,
            committed_at: now.wall,
            cause: Cause::Change,
        };
        let mut entry = new_entry(key.clone(), wanted, Some(confirmed), None);
        if again {
            entry.doubt = Doubt::Unsure;
        }
        self.reserved.rests(key, None);
        effects.push(amend(&entry));
        let slot = self.ledger.insert(entry);
        self.place(slot, now);
    }

    /// The same for a key that is not at rest.
    fn tell_waiting(&mut self, slot: Slot, reserved: u32, again: bool, now: Now, effects: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        let Value::Stock(stock) = &mut entry.wanted.value else { return };
        if stock.reserved == reserved && !again {
            return;
        }
        stock.reserved = reserved;
        // VTEX lets go of what was reserved before the moment of the balance (`dateUtcOnBalanceSystem`).
        entry.wanted.committed_at = entry.wanted.committed_at.max(now.wall);
        if again {
            entry.doubt = entry.doubt.max(Doubt::Unsure);
        }
        effects.push(amend(entry));
        match entry.state {
            State::InFlight => {
                if let Some(job) = self.jobs.get_mut(&slot) {
                    job.behind_since.get_or_insert(now.wall);
                    job.again |= again;
                }
            }
            State::Parked => {}
            _ => drop(self.reconsider(slot, now, effects)),
        }
    }
}

fn starts_handling(call: &Call) -> bool {
    matches!(call, Call::Order(call) if matches!(call.act, OrderAct::StartHandling))
}

/// Whether a quantity whose answer never came may still be applied.
fn may_land_late(entry: &Entry, now: Tick) -> bool {
    let echo = entry.trouble.as_ref().and_then(|trouble| trouble.echo.as_ref());
    echo.is_some_and(|echo| echo.until > now)
}
