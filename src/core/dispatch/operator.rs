//! What operators can do: set keys aside and take them back, pause a lane, change settings, hand over new
//! credentials.

use super::super::call::Lane;
use super::super::entity::Key;
use super::super::ledger::{Doubt, Slot, State};
use super::super::record::{Confirmed, ParkReason, Parked};
use super::super::time::Now;
use super::super::value::Value;
use super::{Dispatch, Effect, InvalidTuning, Tuning, amend};

impl Dispatch {
    /// Credentials were read again: lanes that waited for them try one request.
    pub fn credentials_changed(&mut self, now: Now) {
        self.gates.credentials_changed(now.tick);
        self.ask_for_bulk_again();
    }

    /// Replaces every setting at once, or none.
    pub fn set_tuning(&mut self, tuning: Tuning, now: Now) -> Result<(), InvalidTuning> {
        tuning.validate()?;
        self.gates.set_tuning(&tuning, now.tick);
        if self.tuning.bulk != tuning.bulk {
            self.ask_for_bulk_again();
        }
        self.tuning = tuning;
        Ok(())
    }

    pub const fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// Sends nothing on `lane` until it is resumed. Requests that are out come back as always.
    pub fn pause(&mut self, lane: Lane) {
        self.tuning.paused.insert(lane);
    }

    pub fn resume(&mut self, lane: Lane) {
        self.tuning.paused.remove(&lane);
    }

    /// Tries the parked keys that `matches` accepts again, as if they were new, and returns how many.
    pub fn retry_parked(
        &mut self,
        matches: impl Fn(&Key, &Parked) -> bool,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> usize {
        let chosen: Vec<Slot> = self
            .parked
            .iter()
            .filter_map(|key| self.ledger.find(key))
            .filter(|slot| {
                let parked = |entry: &super::Entry| entry.parked().is_some_and(|it| matches(&entry.key, it));
                self.ledger.get(*slot).is_some_and(parked)
            })
            .collect();
        for slot in &chosen {
            self.leave(*slot);
            if let Some(entry) = self.ledger.get_mut(*slot) {
                entry.attempts = 0;
                entry.trouble_mut().refused = None;
                entry.trouble_mut().refused_parents.clear();
                entry.trouble_mut().allowed = true;
                effects.push(amend(entry));
            }
            self.place(*slot, now);
        }
        chosen.len()
    }

    /// Gives up a parked key: VTEX keeps what it has until the key changes again. False when the key is
    /// not parked.
    pub fn drop_parked(&mut self, key: &Key, effects: &mut Vec<Effect>) -> bool {
        if !self.parked.contains(key) {
            return false;
        }
        let Some(slot) = self.ledger.find(key) else { return false };
        let reason = self.ledger.get(slot).and_then(super::Entry::parked).map(|parked| parked.reason);
        let Some(entry) = self.discard(slot) else { return false };
        let position = entry.wanted.position;
        if entry.wanted.value == Value::Erased {
            // Whoever drops it has seen to it in VTEX; we forget the person all the same.
            let confirmed = Confirmed { value: Value::Erased, position, at: entry.wanted.committed_at };
            effects.push(Effect::Settle { key: key.clone(), position, confirmed: Some(confirmed) });
            self.erase(key.clone(), effects);
            return true;
        }
        if reason == Some(ParkReason::ByHand) {
            // Somebody has seen to it: the same is nobody's task again.
            let confirmed = Confirmed { value: entry.wanted.value, position, at: entry.wanted.committed_at };
            effects.push(Effect::Settle { key: key.clone(), position, confirmed: Some(confirmed) });
            return true;
        }
        if entry.doubt != Doubt::None {
            effects.push(Effect::Unconfirm { key: key.clone() });
        }
        effects.push(Effect::Settle { key: key.clone(), position, confirmed: None });
        true
    }

    /// Sets a key aside until it is retried or changes; one in flight as soon as its request is back. False
    /// when the key is at rest or parked.
    pub fn park(&mut self, key: &Key, now: Now, effects: &mut Vec<Effect>) -> bool {
        let Some(slot) = self.ledger.find(key) else { return false };
        match self.ledger.get(slot).map(|entry| entry.state) {
            None | Some(State::Parked) => return false,
            Some(State::InFlight) => {
                if let Some(job) = self.jobs.get_mut(&slot) {
                    job.park = true;
                }
            }
            Some(_) => {
                self.leave(slot);
                self.park_by_operator(slot, now, effects);
            }
        }
        true
    }

    pub(super) fn park_by_operator(&mut self, slot: Slot, now: Now, effects: &mut Vec<Effect>) {
        let hint = "set aside by an operator; retry it when it shall be sent".to_owned();
        self.set_aside(slot, Parked { reason: ParkReason::Operator, at: now.wall, hint });
        effects.extend(self.ledger.get(slot).map(amend));
    }
}
