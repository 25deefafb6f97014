//! Proof: a key at rest is read in VTEX, to see whether VTEX still holds what it confirmed.
//!
//! The reading is a job like any other, of a confirmed value that is not relied upon and of the least urgency: whatever
//! happens to the key meanwhile happens as always. Where the plan comes to a write, VTEX differs. Then the key is dirty
//! from there on, or, where differences are only reported, at rest again as if nothing had been read. Of a proof nothing is
//! on disk: a kill forgets it.

use super::super::call::{Call, Lane, Route};
use super::super::entity::Key;
use super::super::failure::{Action, Verdict};
use super::super::ledger::{Doubt, Proof, Slot, State};
use super::super::plan::{Held, Next};
use super::super::record::{Cause, Wanted};
use super::super::time::{Now, Timestamp};
use super::super::value::Value;
use super::send::routes_of;
use super::{Dispatch, Effect, Known, amend, new_entry};

/// What a proof says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proven {
    /// VTEX holds what it confirmed.
    Same,
    Differs(Drift),
    /// A change is on its way, VTEX is at work on the key, or nothing was ever confirmed of it.
    Busy,
    /// VTEX did not tell.
    Failed,
}

/// How VTEX differs from what it confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drift {
    /// VTEX does not have it any more.
    Missing,
    /// It has more stock, or a higher price.
    Higher,
    /// It has less stock, or a lower price.
    Lower,
    /// Anything else.
    Changed,
}

impl Drift {
    pub const ALL: [Self; 4] = [Self::Missing, Self::Higher, Self::Lower, Self::Changed];

    /// The label in metrics and in the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Changed => "changed",
        }
    }

    /// How what was read differs from `wanted`, where `write` would bring it back.
    fn of(held: &Held, wanted: &Value, write: &Call) -> Self {
        let compared = match (held, wanted) {
            (Held::Stock(None), _) | (Held::WholePrice(None), _) => return Self::Missing,
            (Held::Stock(Some(held)), _) if held.unlimited => return Self::Higher,
            (Held::Stock(Some(held)), Value::Stock(stock)) => held.total.cmp(&i64::from(stock.told())),
            (Held::WholePrice(Some(held)), Value::Price(price)) => match (held.base, price.base) {
                (Some(held), Some(base)) => held.cmp(&base),
                (None, Some(_)) => return Self::Missing,
                _ => return Self::Changed,
            },
            _ if matches!(write, Call::Catalog(call) if call.creates_blindly()) => return Self::Missing,
            _ => return Self::Changed,
        };
        match compared {
            std::cmp::Ordering::Greater => Self::Higher,
            std::cmp::Ordering::Less => Self::Lower,
            std::cmp::Ordering::Equal => Self::Changed,
        }
    }
}

impl Dispatch {
    /// Has a key read in VTEX. `None`: the answer comes through [`Dispatch::take_proven`]. With `repair` a difference makes the
    /// key dirty. `known` as for [`Dispatch::want`].
    pub fn prove(
        &mut self,
        key: &Key,
        repair: bool,
        known: impl FnOnce() -> Known,
        now: Now,
    ) -> Option<Proven> {
        if self.ledger.find(key).is_some() {
            return Some(Proven::Busy);
        }
        let Known { confirmed, id } = known();
        let Some(confirmed) = confirmed.filter(|confirmed| is_provable(&confirmed.value)) else {
            return Some(Proven::Busy);
        };
        let wanted = Wanted {
            value: confirmed.value.clone(),
            position: confirmed.position,
            committed_at: confirmed.at,
            cause: Cause::Resync,
        };
        let mut entry = new_entry(key.clone(), wanted, Some(confirmed), id);
        if self.links(&entry).is_err() {
            return Some(Proven::Failed);
        }
        entry.doubt = Doubt::ReadFirst;
        entry.since = now.wall;
        entry.trouble_mut().proof = Some(if repair { Proof::Repair } else { Proof::Report });
        let slot = self.ledger.insert(entry);
        // It is not late.
        self.ledger.stop_age(slot);
        self.place(slot, now);
        None
    }

    /// The proofs that have ended.
    pub fn take_proven(&mut self) -> Vec<(Key, Proven)> {
        std::mem::take(&mut self.proven)
    }

    /// Whether a route has budget that nobody else wants: no key of its lane waits for its turn, and half of the burst is left
    /// for whoever comes next.
    pub fn has_leisure(&mut self, route: Route, now: Now) -> bool {
        let lane: Lane = route.lane();
        let wanted = |route: Route| {
            !self.queues[route as usize].is_empty() || !self.continuing[route as usize].is_empty()
        };
        if routes_of(lane).any(wanted) || self.tuning.paused.contains(&lane) || self.gates.is_broken(lane) {
            return false;
        }
        let gate = self.gates.lane(lane);
        let state = self.gates.route(route, now.tick);
        let half_left = state.tokens >= (f64::from(state.burst) / 2.0).max(1.0);
        half_left && state.paused_seconds <= 0.0 && gate.requests < gate.requests_max.div_ceil(2)
    }

    /// Ends the proof of a key, if there is one; the key goes on as any other.
    pub(super) fn end_proof(&mut self, slot: Slot, proven: Proven) -> Option<Proof> {
        let entry = self.ledger.get_mut(slot)?;
        let proof = entry.trouble.as_mut()?.proof.take()?;
        self.proven.push((entry.key.clone(), proven));
        Some(proof)
    }

    /// Ends the proof of a key and brings it to rest as it was. False: there is no proof.
    pub(super) fn give_up_proof(&mut self, slot: Slot) -> bool {
        self.rest_as_it_was(slot, Proven::Failed)
    }

    fn rest_as_it_was(&mut self, slot: Slot, proven: Proven) -> bool {
        let ended = self.end_proof(slot, proven).is_some();
        if ended {
            drop(self.discard(slot));
        }
        ended
    }

    /// A change comes while its key is being read. What the proof doubts without a reason is relied upon again, unless its
    /// request is out.
    pub(super) fn change_overtakes(&mut self, slot: Slot, committed_at: Timestamp) {
        if self.end_proof(slot, Proven::Busy).is_none() {
            return;
        }
        if let Some(entry) = self.ledger.get_mut(slot) {
            entry.since = committed_at;
            if entry.state != State::InFlight {
                entry.doubt = Doubt::None;
            }
        }
        self.ledger.renew_age(slot);
    }

    /// A job comes to `next`. True: it was a proof, has found a difference by that, and the key is at rest again.
    pub(super) fn ends_proof(
        &mut self,
        slot: Slot,
        next: &Call,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> bool {
        if !next.writes() || self.ledger.get(slot).is_none_or(|entry| entry.proof().is_none()) {
            return false;
        }
        let drift = self.jobs.get(&slot).map(|job| Drift::of(&job.held, &job.wanted.value, next));
        self.differs(slot, drift.unwrap_or(Drift::Changed), now, effects)
    }

    /// As [`Dispatch::ends_proof`], where nothing more is to be sent.
    pub(super) fn ends_without_answer(
        &mut self,
        slot: Slot,
        end: &Next,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> bool {
        if self.ledger.get(slot).is_none_or(|entry| entry.proof().is_none()) {
            return false;
        }
        match end {
            Next::Call(_) | Next::Done => false,
            Next::Later(_) => self.rest_as_it_was(slot, Proven::Busy),
            Next::Partly { .. } => self.rest_as_it_was(slot, Proven::Failed),
            // Somebody has to see to it, as if it had come up by a change.
            Next::GiveUp(_) => self.differs(slot, Drift::Changed, now, effects),
        }
    }

    /// A request of a proof failed. True: that was all.
    pub(super) fn fails_proof(
        &mut self,
        slot: Slot,
        verdict: &Verdict,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> bool {
        if self.ledger.get(slot).is_none_or(|entry| entry.proof().is_none()) {
            return false;
        }
        match verdict.action {
            Action::ForgetId | Action::ForgetParents => self.differs(slot, Drift::Missing, now, effects),
            _ => self.rest_as_it_was(slot, Proven::Failed),
        }
    }

    /// True: the difference is only reported, and the key is at rest again.
    fn differs(&mut self, slot: Slot, drift: Drift, now: Now, effects: &mut Vec<Effect>) -> bool {
        let proof = self.end_proof(slot, Proven::Differs(drift));
        if proof == Some(Proof::Report) {
            drop(self.discard(slot));
            return true;
        }
        if let Some(entry) = self.ledger.get_mut(slot) {
            entry.since = now.wall;
            effects.push(amend(entry));
        }
        self.ledger.renew_age(slot);
        false
    }
}

/// Whether VTEX can be asked for it. Of people only what changes is told.
const fn is_provable(value: &Value) -> bool {
    !matches!(value, Value::Customer(_) | Value::Consent(_) | Value::Erased | Value::Released(_))
}
