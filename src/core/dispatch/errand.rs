//! Requests that no key plans: somebody wants to read something of VTEX. They pass the same gates as all others, and what
//! they read of a key at rest may be taken for confirmed.

use super::super::call::{Call, Outcome, Route};
use super::super::entity::Key;
use super::super::ledger::{Doubt, State};
use super::super::record::Confirmed;
use super::super::shop_consent;
use super::super::time::Now;
use super::super::value::Value;
use super::super::value::person::Consent;
use super::{Dispatch, Effect, Known};

/// Names an errand between [`Dispatch::run_errand`] and [`Dispatch::take_errands`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrandId(pub u64);

/// What is known of a newsletter flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newsletter {
    Known(shop_consent::Known),
    /// A request is out, or may have been applied without our knowing.
    Unsure,
    /// Nothing may be known of the person any more.
    Erased,
}

impl Dispatch {
    /// Sends `call`, which must only read, when its turn comes: before keys that begin, as errands are few.
    pub fn run_errand(&mut self, id: ErrandId, call: Call) {
        debug_assert!(!call.writes(), "what writes belongs to a key");
        self.errands[call.route() as usize].push_back((id, call));
    }

    /// The errands that are back.
    pub fn take_errands(&mut self) -> Vec<(ErrandId, Outcome)> {
        std::mem::take(&mut self.done_errands)
    }

    pub(super) fn has_errand(&self, route: Route) -> bool {
        !self.errands[route as usize].is_empty()
    }

    pub(super) fn next_errand(&mut self, route: Route) -> Option<(ErrandId, Call)> {
        self.errands[route as usize].pop_front()
    }

    pub(super) fn errand_done(&mut self, id: ErrandId, outcome: Outcome) {
        self.done_errands.push((id, outcome));
    }

    /// What is known of the newsletter flag that VTEX holds for the customer of a consent key.
    pub fn newsletter(&self, key: &Key, known: impl FnOnce() -> Known) -> Newsletter {
        let entry = self.ledger.find(key).and_then(|slot| self.ledger.get(slot));
        let confirmed = match entry {
            Some(entry) => entry.confirmed.clone(),
            None => known().confirmed,
        };
        let wanted = entry.map(|entry| &entry.wanted.value);
        let held = match confirmed.map(|confirmed| confirmed.value) {
            Some(Value::Erased) => return Newsletter::Erased,
            Some(Value::Consent(consent)) => consent.newsletter,
            _ => None,
        };
        let on_its_way = match wanted {
            Some(Value::Erased) => return Newsletter::Erased,
            Some(Value::Consent(consent)) => consent.newsletter,
            _ => None,
        };
        // What was sent and not answered may be what VTEX shows.
        let unsure = entry.is_some_and(|entry| {
            entry.state == State::InFlight
                || entry.attempts > 0
                || entry.doubt != Doubt::None
                || entry.is_doubtful()
        });
        if unsure { Newsletter::Unsure } else { Newsletter::Known(shop_consent::Known { held, on_its_way }) }
    }

    /// VTEX was read, and holds this newsletter flag for the customer of a consent key. False: a request for the key is
    /// out, and what was read may be over already. `known` as for [`Dispatch::want`].
    pub fn newsletter_read(
        &mut self,
        consent: Consent,
        key: &Key,
        known: impl FnOnce() -> Known,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let slot = self.ledger.find(key);
        let entry = slot.and_then(|slot| self.ledger.get_mut(slot));
        if entry.as_ref().is_some_and(|entry| entry.state == State::InFlight) {
            return false;
        }
        let before = match &entry {
            Some(entry) => entry.confirmed.clone(),
            None => known().confirmed,
        };
        let confirmed = match before {
            // Nothing may be known of the person any more.
            Some(Confirmed { value: Value::Erased, .. }) => return true,
            Some(Confirmed { value: Value::Consent(mut held), position, at }) => {
                held.newsletter = consent.newsletter;
                Confirmed { value: Value::Consent(held), position, at }
            }
            // Older than anything that Live says.
            _ => Confirmed {
                value: Value::Consent(Box::new(consent)),
                position: Default::default(),
                at: now.wall,
            },
        };
        if let Some(entry) = entry {
            entry.confirmed = Some(confirmed.clone());
        }
        effects.push(Effect::Advance { key: key.clone(), confirmed });
        true
    }
}
