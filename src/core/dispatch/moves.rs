//! How a key gets from one state to another, with the books kept: queues, timers, waiting SKUs, counts.

use std::time::Duration;

use super::super::call::{Lane, Route};
use super::super::entity::{Entity, Key, RemoteId, SkuId};
use super::super::ledger::{Doubt, Entry, Ledger, Slot, State, lane_of};
use super::super::parents::Parents;
use super::super::plan::{Links, Next};
use super::super::record::{ParkReason, Parked};
use super::super::schedule::Ticket;
use super::super::time::{Now, Tick};
use super::super::value::Value;
use super::{Dispatch, Effect, Proven, held_at_rest, urgency_of};

/// How many keys of a lane are in each state; the queues count those that are queued.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Census {
    pub(super) waiting_for_sku: usize,
    pub(super) waiting_for_parent: usize,
    pub(super) in_flight: usize,
    pub(super) backing_off: usize,
    pub(super) verifying: usize,
    pub(super) parked: [usize; ParkReason::ALL.len()],
}

/// What a key waits for.
pub(super) enum Missing {
    Sku,
    Parent(Key),
}

impl Dispatch {
    /// Ends the key's present state. Another one must begin, or the entry be removed.
    pub(super) fn leave(&mut self, slot: Slot) {
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        let state = std::mem::replace(&mut entry.state, State::Nowhere);
        entry.ticket = 0;
        let lane = entry.lane();
        if let Some(count) = self.count(slot, lane, state) {
            *count -= 1;
        }
        match state {
            State::Nowhere => {}
            State::Queued { route, urgency } => {
                let ledger = &self.ledger;
                self.queues[route as usize].leave(urgency, |ticket| is_live(ledger, ticket));
            }
            State::WaitsForSku => {
                if let Some(sku) = self.ledger.get(slot).and_then(|entry| entry.key.sku()) {
                    self.skus.leave(sku, slot);
                }
                self.ledger.renew_age(slot);
            }
            State::WaitsForParent => {
                let parent = self.parents.leave(slot);
                if let Some(part) = parent.filter(|parent| parent.entity == Entity::Sku) {
                    self.skus.leave(&part.id, slot);
                }
                self.ledger.renew_age(slot);
            }
            State::InFlight => drop(self.jobs.remove(&slot)),
            State::BackingOff | State::Verifying => {
                let ledger = &self.ledger;
                self.timers.leave(|ticket| is_live(ledger, ticket));
                self.with_trouble(slot, |trouble| (trouble.not_before, trouble.partly) = (None, false));
            }
            State::Parked => {
                if let Some(entry) = self.ledger.get(slot)
                    && self.parked.remove(&entry.key)
                {
                    self.parked_counts[entry.key.entity.index()] -= 1;
                }
                self.with_trouble(slot, |trouble| trouble.parked = None);
                self.ledger.renew_age(slot);
            }
        }
    }

    fn enter(&mut self, slot: Slot, state: State) {
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        debug_assert_eq!(entry.state, State::Nowhere, "a key leaves one state before it enters another");
        entry.state = state;
        let lane = entry.lane();
        if let Some(count) = self.count(slot, lane, state) {
            *count += 1;
        }
    }

    fn count(&mut self, slot: Slot, lane: Lane, state: State) -> Option<&mut usize> {
        let reason = self.ledger.get(slot).and_then(Entry::parked).map(|parked| parked.reason);
        let census = &mut self.census[lane as usize];
        match state {
            State::Queued { .. } | State::Nowhere => None,
            State::WaitsForSku => Some(&mut census.waiting_for_sku),
            State::WaitsForParent => Some(&mut census.waiting_for_parent),
            State::InFlight => Some(&mut census.in_flight),
            State::BackingOff => Some(&mut census.backing_off),
            State::Verifying => Some(&mut census.verifying),
            State::Parked => reason.map(|reason| &mut census.parked[reason as usize]),
        }
    }

    fn with_trouble(&mut self, slot: Slot, change: impl FnOnce(&mut super::super::ledger::Trouble)) {
        if let Some(trouble) = self.ledger.get_mut(slot).and_then(|entry| entry.trouble.as_deref_mut()) {
            change(trouble);
        }
    }

    /// The key wants a request: queues it, or lets it wait for its SKU or for what it hangs on.
    pub(super) fn place(&mut self, slot: Slot, now: Now) {
        if let Some(until) = self.not_erased_before(slot, now) {
            return self.back_off(slot, State::BackingOff, until.since(now.tick), now);
        }
        let Some(entry) = self.ledger.get(slot) else { return };
        if self.is_jump(entry) {
            let hint = format!(
                "its price changes by more than {} % (price.jump_percent): if it is right, `mare parked retry`",
                self.tuning.price.jump_percent.unwrap_or_default()
            );
            return self.set_aside(slot, Parked { reason: ParkReason::Jump, at: now.wall, hint });
        }
        match self.links(entry) {
            Ok(links) => {
                let (route, urgency) = (self.first_route(entry, &links, now), urgency_of(entry));
                let ticket = self.draw(slot);
                self.queues[route as usize].push(urgency, ticket);
                self.enter(slot, State::Queued { route, urgency });
            }
            Err(Missing::Sku) => {
                let sku_ref = entry.key.sku().unwrap_or_default();
                self.skus.wait(sku_ref, slot, now.tick);
                if entry.key.entity == Entity::Sku {
                    // Others may have asked for it long before it could be made, and would ask again in minutes.
                    self.skus.wake(sku_ref);
                }
                self.enter(slot, State::WaitsForSku);
                // It is not late: it waits for somebody to create the SKU, maybe for ever.
                self.ledger.stop_age(slot);
            }
            Err(Missing::Parent(parent)) => {
                if parent.entity == Entity::Sku {
                    // A kit's part: somebody else may have made it, so it is looked up, too.
                    self.skus.wait(&parent.id, slot, now.tick);
                }
                self.parents.wait(slot, parent);
                self.enter(slot, State::WaitsForParent);
                self.ledger.stop_age(slot);
            }
        }
    }

    /// Whether a price must be confirmed by somebody first.
    pub(super) fn is_jump(&self, entry: &Entry) -> bool {
        let allowed = entry.trouble.as_ref().is_some_and(|trouble| trouble.allowed);
        let confirmed = entry.confirmed.as_ref().map(|confirmed| &confirmed.value);
        !allowed && self.tuning.price.is_jump(&entry.wanted.value, confirmed)
    }

    /// Until when an erasure has to wait: a lost write that is applied behind it would bring the person back.
    fn not_erased_before(&mut self, slot: Slot, now: Now) -> Option<Tick> {
        let entry = self.ledger.get_mut(slot)?;
        if entry.wanted.value == Value::Erased { entry.live_echo(now.tick, None) } else { None }
    }

    /// VTEX's names of the key and of what it hangs on.
    pub(super) fn links(&self, entry: &Entry) -> Result<Links, Missing> {
        let mut links = Links { parents: Vec::new(), own: None };
        for parent in entry.wanted.value.parents() {
            let known = match parent.entity {
                Entity::Sku => self.skus.get(&parent.id).map(|sku| sku.0),
                _ => self.parents.get(&parent),
            };
            let Some(id) = known else { return Err(Missing::Parent(parent)) };
            links.parents.push(id);
        }
        let sku = entry.key.sku().map(|sku_ref| self.skus.get(sku_ref));
        links.own = match (entry.key.entity, sku) {
            (_, Some(Some(sku))) => Some(RemoteId::Number(sku.0)),
            // One that a look-up has just not found is ours to create.
            (Entity::Sku, _) if entry.is_absent() => None,
            (_, Some(None)) => return Err(Missing::Sku),
            _ => self.parents.get(&entry.key).map(RemoteId::Number).or_else(|| entry.id.as_deref().cloned()),
        };
        Ok(links)
    }

    /// The route of the key's next request. When there is none to send, the key is settled when its turn
    /// comes.
    fn first_route(&self, entry: &Entry, links: &Links, now: Now) -> Route {
        match (entry.key.entity, entry.doubt) {
            (Entity::Stock, Doubt::ReadFirst) => Route::StockRead,
            (Entity::Stock, _) => Route::StockWrite,
            (entity, _) => match self.plan(entry, &entry.wanted, &held_at_rest(entry), links, now.wall) {
                Next::Call(call) => call.route(),
                _ => match lane_of(entity) {
                    Lane::Stock => Route::StockRead,
                    Lane::Price | Lane::PriceBulk | Lane::StockBulk => Route::PriceRead,
                    Lane::Catalog => Route::CatalogRead,
                    Lane::People => Route::PeopleRead,
                    Lane::Orders => Route::OrderRead,
                },
            },
        }
    }

    /// The key waits for `delay`: after a failure, or to be verified.
    pub(super) fn back_off(&mut self, slot: Slot, state: State, delay: Duration, now: Now) {
        let at = now.tick + delay;
        let ticket = self.draw(slot);
        self.timers.set(at, ticket);
        if let Some(entry) = self.ledger.get_mut(slot) {
            entry.trouble_mut().not_before = Some((at, now.wall.plus(delay)));
        }
        self.enter(slot, state);
    }

    pub(super) fn set_aside(&mut self, slot: Slot, parked: Parked) {
        self.end_proof(slot, Proven::Busy);
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        entry.trouble_mut().parked = Some(parked);
        if self.parked.insert(entry.key.clone()) {
            self.parked_counts[entry.key.entity.index()] += 1;
        }
        self.ledger.stop_age(slot);
        self.enter(slot, State::Parked);
    }

    pub(super) fn begin(&mut self, slot: Slot, job: super::Job) {
        self.jobs.insert(slot, job);
        self.enter(slot, State::InFlight);
    }

    /// The key is at rest, or given up.
    pub(super) fn discard(&mut self, slot: Slot) -> Option<Entry> {
        self.leave(slot);
        self.ledger.remove(slot)
    }

    /// The SKU of a reference is known: the keys that waited for it queue.
    pub(super) fn learn_sku(&mut self, sku_ref: &str, id: SkuId, now: Now) {
        for slot in self.skus.learn(sku_ref, id) {
            self.leave(slot);
            self.place(slot, now);
        }
    }

    /// Something that others hang on is known: they go on.
    pub(super) fn learn_parent(&mut self, key: &Key, id: u32, now: Now) {
        for slot in self.parents.learn(key, id) {
            self.leave(slot);
            self.place(slot, now);
        }
    }

    /// An answer has told what VTEX calls the thing of a key.
    pub(super) fn learn_own(&mut self, slot: Slot, id: RemoteId, now: Now, effects: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        let key = entry.key.clone();
        match (key.entity, &id) {
            (Entity::Sku, RemoteId::Number(number)) => {
                if self.skus.get(&key.id) != Some(SkuId(*number)) {
                    self.learn_sku(&key.id, SkuId(*number), now);
                    effects.push(Effect::SkuLearned { sku_ref: key.id, id: Some(SkuId(*number)) });
                }
            }
            (entity, RemoteId::Number(number)) if Parents::keeps(entity) => {
                if self.parents.get(&key) != Some(*number) {
                    self.learn_parent(&key, *number, now);
                    effects.push(Effect::Learned { key, id: Some(id) });
                }
            }
            _ => {
                if entry.id.as_deref() != Some(&id) {
                    entry.id = Some(Box::new(id.clone()));
                    effects.push(Effect::Learned { key, id: Some(id) });
                }
            }
        }
    }

    /// VTEX does not know the thing of a key by its id any more.
    pub(super) fn forget_own(&mut self, slot: Slot, id: &RemoteId, effects: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        let key = entry.key.clone();
        if let Some(sku_ref) = key.sku() {
            if self.skus.get(sku_ref).map(|sku| RemoteId::Number(sku.0)).as_ref() == Some(id) {
                self.skus.forget(sku_ref);
                effects.push(Effect::SkuLearned { sku_ref: sku_ref.into(), id: None });
            }
            return;
        }
        entry.id = None;
        self.parents.forget(&key);
        effects.push(Effect::Learned { key, id: None });
    }

    /// VTEX does not know something that others hang on by this id any more: they wait, and it is found or made again.
    pub(super) fn forget_parent(&mut self, key: &Key, id: u32, effects: &mut Vec<Effect>) {
        if self.parents.get(key) != Some(id) {
            return; // another one has told
        }
        self.parents.forget(key);
        effects.push(Effect::Learned { key: key.clone(), id: None });
        match self.ledger.find(key) {
            Some(slot) => {
                if let Some(job) = self.jobs.get_mut(&slot) {
                    job.links.own = None;
                }
            }
            None => effects.push(Effect::Reopen { key: key.clone() }),
        }
    }

    fn draw(&mut self, slot: Slot) -> Ticket {
        let ticket = self.tickets.draw(slot);
        if let Some(entry) = self.ledger.get_mut(slot) {
            entry.ticket = ticket.number;
        }
        ticket
    }
}

/// Whether the stay that a ticket names is still going on.
pub(super) fn is_live(ledger: &Ledger, ticket: Ticket) -> bool {
    ledger.get(ticket.slot).is_some_and(|entry| entry.ticket == ticket.number)
}
