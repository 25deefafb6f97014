//! What the outcome of a request means for its key.

use std::time::Duration;

use compact_str::CompactString;
use hashbrown::HashMap;

use super::super::call::{Answer, Call, Failure, Outcome};
use super::super::entity::{Entity, Key, SkuId};
use super::super::failure::{Action, Verdict, judge};
use super::super::ledger::{Doubt, Echo, Slot, State};
use super::super::plan::{Held, Next};
use super::super::record::{Confirmed, Exchange, ParkReason, Parked};
use super::super::time::Now;
use super::{Dispatch, Effect, Flight, Job, LATE_APPLY, Proven, RequestId, Value, amend};

/// Attempts before a key is set aside for an answer that no document describes: with the delays in
/// between about half an hour, long enough for VTEX to repair a slip.
pub const UNEXPECTED_ATTEMPTS_MAX: u32 = 10;

/// After so many attempts an order that VTEX refuses is set aside without another look.
const REFUSALS_READ_AGAIN: u32 = 3;

/// The longest pause before a key is sent again that something else holds for a moment (423).
const SOON: Duration = Duration::from_secs(5);

/// How soon the rest of a value is tried again that could not be brought as a whole: an image that is not there yet…
const REST_FIRST: Duration = Duration::from_secs(60);

/// … and one that never will be: doubling, four times a day.
const REST_MAX: Duration = Duration::from_secs(6 * 3600);

impl Dispatch {
    /// A request came back. An id that is not out (any more) is ignored.
    pub fn finished(
        &mut self,
        id: RequestId,
        outcome: Outcome,
        now: Now,
        random: &mut dyn FnMut() -> f64,
        effects: &mut Vec<Effect>,
    ) {
        let Some(Flight { call, slot, errand }) = self.flights.remove(&id) else { return };
        let result = outcome.result.clone().and_then(|answer| match fits(&call, &answer) {
            true => Ok(answer),
            false => Err(Failure::Malformed("an answer to another request".to_owned())),
        });
        let verdict = result.as_ref().err().map(|failure| judge(&call, failure));
        self.totals.count(call.route(), &result);
        self.gates.finished(&call, &outcome, verdict.as_ref(), now.tick, random);
        if let Call::Bulk(call) = &call {
            return self.finished_bulk(call, result, verdict.as_ref(), now, random, effects);
        }
        if let Some(errand) = errand {
            return self.errand_done(errand, Outcome { result, ..outcome });
        }
        if let Some(entry) = slot.and_then(|slot| self.ledger.get(slot)) {
            self.observed.request(entry.key.entity, call.route());
        }
        self.look_ups -= u32::from(slot.is_none());
        if let (Some(slot), Call::Order(_)) = (slot, &call) {
            self.order_answered(slot, &call, &result, now, effects);
        }
        match (slot, result, verdict) {
            (Some(slot), Ok(answer), _) => self.succeed(slot, &call, &answer, now, effects),
            (Some(slot), Err(failure), Some(verdict)) => {
                let last = exchange(&call, &failure, now);
                self.fail(slot, &call, verdict, last, now, random, effects);
            }
            (None, Ok(Answer::Skus(found)), _) => self.found_skus(&call, found, now, random, effects),
            (None, _, Some(verdict)) => self.failed_look_up(&call, &verdict, now, random),
            (_, _, None) => {}
        }
    }

    fn succeed(&mut self, slot: Slot, call: &Call, answer: &Answer, now: Now, effects: &mut Vec<Effect>) {
        let id = answer.id();
        let Some(job) = self.jobs.get_mut(&slot) else { return };
        let held = std::mem::replace(&mut job.held, Held::Unknown);
        job.held = held.after(call, answer);
        job.wrote |= call.writes();
        if let Some(id) = id {
            job.links.own = Some(id.clone());
            self.learn_own(slot, id, now, effects);
        }
        match self.plan_job(slot, now) {
            Some(Next::Call(call)) if self.ends_proof(slot, &call, now, effects) => {}
            Some(Next::Call(call)) => self.go_on(slot, call.route()),
            Some(end) => self.end(slot, end, now, effects),
            None => {}
        }
    }

    /// Nothing more is to be sent for a job.
    pub(super) fn end(&mut self, slot: Slot, end: Next, now: Now, effects: &mut Vec<Effect>) {
        if self.ends_without_answer(slot, &end, now, effects) {
            return;
        }
        match end {
            Next::Call(_) => {}
            Next::Done => self.deliver(slot, now, effects),
            Next::Partly { held, why } => self.deliver_partly(slot, *held, &why, now, effects),
            Next::Later(delay) => self.suspend(slot, None, delay, now, effects),
            Next::GiveUp(hint) => self.suspend(slot, Some(hint), Duration::ZERO, now, effects),
        }
    }

    /// A job ends before VTEX holds what is wanted, and not because a request failed: the key comes back after `delay`,
    /// or is set aside with a hint. What was begun in VTEX is forgotten then, so that a retry begins anew.
    fn suspend(
        &mut self,
        slot: Slot,
        hint: Option<&'static str>,
        delay: Duration,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.jobs.remove(&slot) else { return };
        self.leave(slot);
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        if job.wrote {
            entry.doubt = entry.doubt.max(Doubt::Unsure);
        }
        let superseded = entry.wanted.value != job.wanted.value;
        let entity = entry.key.entity;
        match hint {
            _ if job.park => return self.park_by_operator(slot, now, effects),
            _ if superseded => return self.place(slot, now),
            None => self.back_off(slot, State::BackingOff, delay, now),
            Some(hint) => {
                if let Some(id) = &job.links.own {
                    self.forget_own(slot, id, effects);
                }
                let reason = match entity {
                    Entity::Order => ParkReason::ByHand,
                    _ => ParkReason::Rejected,
                };
                self.set_aside(slot, Parked { reason, at: now.wall, hint: hint.to_owned() });
            }
        }
        effects.extend(self.ledger.get(slot).map(amend));
    }

    /// VTEX holds what the job was to bring.
    pub(super) fn deliver(&mut self, slot: Slot, now: Now, effects: &mut Vec<Effect>) {
        self.end_proof(slot, Proven::Same);
        let Some(job) = self.jobs.remove(&slot) else { return };
        self.leave(slot);
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        self.observed.arrived(entry.key.entity);
        let Job { wanted, behind_since, wrote, park, again, .. } = job;
        let position = wanted.position;
        if entry.confirmed.as_ref().is_none_or(|confirmed| confirmed.position != position) {
            self.totals.confirmed += 1;
            let (key, committed_at) = (entry.key.clone(), wanted.committed_at);
            effects.push(Effect::Confirmed { key, committed_at, position });
        }
        let newest = entry.wanted.value == wanted.value;
        let position = if newest { entry.wanted.position } else { position };
        let confirmed = Confirmed { value: wanted.value.at_rest(), position, at: now.wall };
        let echo = entry.live_echo(now.tick, (!wrote).then_some(&confirmed.value));
        entry.confirmed = Some(confirmed.clone());
        entry.doubt = if echo.is_some() || again { Doubt::Unsure } else { Doubt::None };
        entry.attempts = 0;
        if newest && echo.is_none() && !again {
            let key = entry.key.clone();
            self.ledger.remove(slot);
            self.reserved.rests(&key, Some(&confirmed));
            let person = confirmed.value.leaves_no_trace().then(|| confirmed.value.clone());
            effects.push(Effect::Settle { key: key.clone(), position, confirmed: Some(confirmed) });
            match key.entity {
                Entity::Order => self.unbook(&key, now, effects),
                _ => {
                    if let Some(value) = person {
                        self.leave_no_trace(key, &value, effects);
                    }
                }
            }
            return;
        }
        effects.push(Effect::Advance { key: entry.key.clone(), confirmed });
        if let Some(since) = behind_since {
            entry.since = since;
        }
        self.ledger.renew_age(slot);
        match echo {
            _ if park => self.park_by_operator(slot, now, effects),
            Some(until) if newest && !again => {
                self.back_off(slot, State::Verifying, until.since(now.tick), now);
                effects.extend(self.ledger.get(slot).map(amend));
            }
            _ => self.place(slot, now),
        }
    }

    /// A customer's or a consent's key is at rest of which nothing is to be left.
    pub(super) fn leave_no_trace(&mut self, key: Key, value: &Value, effects: &mut Vec<Effect>) {
        match value {
            Value::Erased => self.erase(key, effects),
            // What else there is has a key of its own, which may still have something to tell.
            _ => effects.push(Effect::Learned { key, id: None }),
        }
    }

    /// VTEX holds `held` of what the job was to bring, and the rest cannot be brought now.
    fn deliver_partly(&mut self, slot: Slot, held: Value, why: &str, now: Now, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.remove(&slot) else { return };
        self.leave(slot);
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        let confirmed = Confirmed { value: held, position: job.wanted.position, at: now.wall };
        let echo = entry.live_echo(now.tick, None);
        entry.confirmed = Some(confirmed.clone());
        entry.doubt = if echo.is_some() { Doubt::Unsure } else { Doubt::None };
        entry.attempts = entry.attempts.saturating_add(1);
        let request = "not everything could be sent".to_owned();
        let answer = "the rest is tried again".to_owned();
        let trouble = entry.trouble_mut();
        trouble.last = Some(Exchange { at: now.wall, request, answer, excerpt: excerpt(why) });
        trouble.partly = true;
        let (superseded, attempts) = (entry.wanted.value != job.wanted.value, entry.attempts);
        effects.push(Effect::Advance { key: entry.key.clone(), confirmed });
        if job.park {
            return self.park_by_operator(slot, now, effects);
        }
        if superseded {
            return self.place(slot, now);
        }
        let doublings = attempts.saturating_sub(1).min(16);
        let delay = REST_FIRST.saturating_mul(1 << doublings).min(REST_MAX);
        self.back_off(slot, State::BackingOff, delay, now);
        effects.extend(self.ledger.get(slot).map(amend));
    }

    /// What else is known of somebody who is to be forgotten.
    pub(super) fn erase(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let consent = Key { entity: Entity::Consent, id: key.id.clone() };
        // One that is in flight ends by itself, and finds nobody to be stored for. One that is erased too goes on: of it a
        // lost write may still be applied.
        if let Some(slot) = self.ledger.find(&consent)
            && self.ledger.get(slot).is_some_and(|entry| entry.wanted.value != Value::Erased)
        {
            drop(self.discard(slot));
        }
        effects.push(Effect::Erase { key });
    }

    /// A request of a key failed: its job ends, and what it read is forgotten.
    #[expect(clippy::too_many_arguments, reason = "the pieces of one outcome")]
    fn fail(
        &mut self,
        slot: Slot,
        call: &Call,
        verdict: Verdict,
        last: Exchange,
        now: Now,
        random: &mut dyn FnMut() -> f64,
        effects: &mut Vec<Effect>,
    ) {
        if self.fails_proof(slot, &verdict, now, effects) {
            return;
        }
        let Some(job) = self.jobs.remove(&slot) else { return };
        self.leave(slot);
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        if job.wrote {
            entry.doubt = entry.doubt.max(Doubt::Unsure); // some of it was applied
        }
        let may_be_applied = verdict.doubtful;
        if may_be_applied {
            entry.doubt = Doubt::ReadFirst;
            let several = entry.live_echo(now.tick, None).is_some();
            let held_another = job.held != Held::Unknown; // or there would have been nothing to write
            let value = (!several && held_another).then(|| job.wanted.value.clone());
            entry.trouble_mut().echo = Some(Echo { until: now.tick + LATE_APPLY, value });
        }
        let before = entry.trouble_mut().last.replace(last);
        let last = entry.trouble_mut().last.as_ref();
        let repeated = before
            .zip(last)
            .is_some_and(|(before, last)| (&before.request, &before.answer) == (&last.request, &last.answer));
        // VTEX may have moved the order since it was read: what it is now tells why, and what a person has to do.
        let may_have_moved = matches!(call, Call::Order(call) if call.writes())
            && !repeated
            && entry.attempts < REFUSALS_READ_AGAIN;
        let superseded = entry.wanted.value != job.wanted.value;
        if job.park {
            return self.park_by_operator(slot, now, effects);
        }
        let penalty_free = matches!(verdict.action, Action::Throttle | Action::WaitForCredentials);
        match verdict.action {
            Action::Throttle | Action::WaitForCredentials => self.place(slot, now),
            // Only when it can no longer be applied late is it known whether it must be done again.
            Action::BreakLane if may_be_applied && creates_blindly(call) => {
                if let Some(entry) = self.ledger.get_mut(slot) {
                    entry.attempts = entry.attempts.saturating_add(1);
                }
                self.back_off(slot, State::BackingOff, LATE_APPLY, now);
            }
            Action::BreakLane if self.gates.is_broken(call.lane()) => self.place(slot, now),
            Action::BreakLane => self.try_later(slot, Duration::MAX, now, random),
            Action::RetrySoon => self.try_later(slot, SOON, now, random),
            Action::Retry | Action::NotOffered => self.try_later_or_park(slot, &verdict, now, random),
            Action::ForgetId => self.forget(slot, &job, &verdict, now, effects),
            Action::ForgetParents => self.forget_parents(slot, &job, &verdict, now, random, effects),
            Action::Park(_) if superseded => self.place(slot, now),
            Action::Park(_) if may_have_moved => self.try_later(slot, SOON, now, random),
            Action::Park(reason) => self.set_aside(slot, parked(reason, &verdict, now)),
        }
        if may_be_applied || !penalty_free {
            effects.extend(self.ledger.get(slot).map(amend));
        }
    }

    fn try_later(&mut self, slot: Slot, max: Duration, now: Now, random: &mut dyn FnMut() -> f64) {
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        entry.attempts = entry.attempts.saturating_add(1);
        let delay = self.tuning.retry().delay(entry.attempts, random()).min(max);
        self.back_off(slot, State::BackingOff, delay, now);
    }

    fn try_later_or_park(
        &mut self,
        slot: Slot,
        verdict: &Verdict,
        now: Now,
        random: &mut dyn FnMut() -> f64,
    ) {
        if self.ledger.get(slot).is_some_and(|entry| entry.attempts + 1 >= UNEXPECTED_ATTEMPTS_MAX) {
            self.set_aside(slot, parked(ParkReason::Unexpected, verdict, now));
        } else {
            self.try_later(slot, Duration::MAX, now, random);
        }
    }

    /// VTEX does not know the thing by the id that we have: it is looked up again. If it is still the same,
    /// the key is set aside.
    fn forget(&mut self, slot: Slot, job: &Job, verdict: &Verdict, now: Now, effects: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        let refused = entry.trouble_mut().refused.take();
        entry.trouble_mut().refused.clone_from(&job.links.own);
        if refused.is_some() && refused == job.links.own {
            return self.set_aside(slot, parked(ParkReason::NotFound, verdict, now));
        }
        if let Some(id) = &job.links.own {
            self.forget_own(slot, id, effects);
        }
        self.place(slot, now);
    }

    /// VTEX does not know what the thing is to hang on. If it is still the same that it does not know, the key is tried
    /// again later, and set aside in the end.
    fn forget_parents(
        &mut self,
        slot: Slot,
        job: &Job,
        verdict: &Verdict,
        now: Now,
        random: &mut dyn FnMut() -> f64,
        effects: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        let refused = std::mem::replace(&mut entry.trouble_mut().refused_parents, job.links.parents.clone());
        if refused == job.links.parents {
            return self.try_later_or_park(slot, verdict, now, random);
        }
        for (parent, id) in job.wanted.value.parents().iter().zip(&job.links.parents) {
            self.forget_parent(parent, *id, effects);
        }
        self.place(slot, now);
    }

    fn found_skus(
        &mut self,
        call: &Call,
        found: Vec<(CompactString, Option<SkuId>)>,
        now: Now,
        random: &mut dyn FnMut() -> f64,
        effects: &mut Vec<Effect>,
    ) {
        let Call::FindSkus { refs } = call else { return };
        self.skus.answered();
        let found: HashMap<CompactString, Option<SkuId>> = found.into_iter().collect();
        for sku_ref in refs {
            match found.get(sku_ref).copied().flatten() {
                Some(id) => {
                    self.learn_sku(sku_ref, id, now);
                    effects.push(Effect::SkuLearned { sku_ref: sku_ref.clone(), id: Some(id) });
                }
                None => {
                    self.skus.not_found(sku_ref, now.tick, random());
                    self.create_absent(sku_ref, now);
                }
            }
        }
    }

    /// A SKU that VTEX does not know, and that Live wants it to have.
    fn create_absent(&mut self, sku_ref: &str, now: Now) {
        let key = Key { entity: Entity::Sku, id: CompactString::new(sku_ref) };
        let Some(slot) = self.ledger.find(&key) else { return };
        if let Some(entry) = self.ledger.get_mut(slot)
            && entry.state == State::WaitsForSku
        {
            entry.trouble_mut().absent = true;
            self.leave(slot);
            self.place(slot, now);
        }
    }

    /// Nothing is known about any of the references: they are asked for again.
    fn failed_look_up(&mut self, call: &Call, verdict: &Verdict, now: Now, random: &mut dyn FnMut() -> f64) {
        let Call::FindSkus { refs } = call else { return };
        match verdict.action {
            Action::Throttle | Action::WaitForCredentials => self.skus.refused(refs, now.tick),
            _ => {
                let retry = self.tuning.retry();
                self.skus.failed(refs, now.tick, |attempts| retry.delay(attempts, random()));
            }
        }
    }
}

impl super::Entry {
    /// Until when a lost write of this key may still be applied. A reading that shows what it wrote, where
    /// VTEX held something else before, proves that it was applied, and once is all it can be.
    pub(super) fn live_echo(&mut self, now: super::Tick, read: Option<&super::Value>) -> Option<super::Tick> {
        let trouble = self.trouble.as_deref_mut()?;
        let over = |echo: &Echo| echo.until <= now || (echo.value.is_some() && echo.value.as_ref() == read);
        if trouble.echo.as_ref().is_some_and(over) {
            trouble.echo = None;
        }
        trouble.echo.as_ref().map(|echo| echo.until)
    }
}

/// Whether an answer is one to this request.
fn fits(call: &Call, answer: &Answer) -> bool {
    matches!(
        (call, answer),
        (Call::ReadStock { .. }, Answer::Stock(_))
            | (Call::ReadBalances { .. }, Answer::Balances(_))
            | (Call::ReadPrice { .. }, Answer::Price(_))
            | (Call::FindSkus { .. }, Answer::Skus(_))
    ) || match (call, answer) {
        (Call::Catalog(call), Answer::Catalog(answer)) => call.fits(answer),
        (Call::People(call), Answer::People(answer)) => call.fits(answer),
        (Call::Bulk(call), Answer::Bulk(answer)) => call.fits(answer),
        (Call::Order(call), Answer::Order(answer)) => call.fits(answer),
        (call, Answer::Done) => call.writes(),
        _ => false,
    }
}

/// Whether a second request would make a second thing.
const fn creates_blindly(call: &Call) -> bool {
    match call {
        Call::Catalog(call) => call.creates_blindly(),
        Call::Order(call) => call.changes_items(),
        _ => false,
    }
}

fn parked(reason: ParkReason, verdict: &Verdict, now: Now) -> Parked {
    Parked { reason, at: now.wall, hint: format!("{}: {}", verdict.code, verdict.hint) }
}

fn exchange(call: &Call, failure: &Failure, now: Now) -> Exchange {
    let (answer, body) = match failure {
        Failure::Status { code, body } => (code.to_string(), body.as_str()),
        Failure::Timeout => ("timeout".to_owned(), ""),
        Failure::Connect(reason) => ("no connection".to_owned(), reason.as_str()),
        Failure::Reset(reason) => ("connection lost".to_owned(), reason.as_str()),
        Failure::Malformed(reason) => ("unreadable answer".to_owned(), reason.as_str()),
    };
    Exchange { at: now.wall, request: request_line(call), answer, excerpt: excerpt(body) }
}

/// The beginning of what VTEX says.
pub(super) fn excerpt(body: &str) -> String {
    let longest = body.len().min(Exchange::EXCERPT_BYTES_MAX);
    let end = (0..=longest).rev().find(|at| body.is_char_boundary(*at)).unwrap_or(0);
    body[..end].to_owned()
}

/// Method and path, as VTEX documents them (Logistics, Pricing and Catalog API).
fn request_line(call: &Call) -> String {
    const STOCK: &str = "/api/logistics/pvt/inventory/skus";
    match call {
        Call::SetStock { sku, warehouse, .. } => {
            format!("PATCH {STOCK}/{sku}/warehouses/{warehouse}/quantity")
        }
        Call::ReadStock { sku, .. } | Call::ReadBalances { sku, .. } => format!("GET {STOCK}/{sku}"),
        Call::PutPrice { sku, .. } => format!("PUT /pricing/prices/{sku}"),
        Call::PatchFixed { sku, .. } => format!("PATCH /pricing/prices/{sku}/fixed"),
        Call::DeleteFixed { sku, trade_policy } => {
            format!("DELETE /pricing/prices/{sku}/fixed/{trade_policy}")
        }
        Call::DeletePrice { sku } => format!("DELETE /pricing/prices/{sku}"),
        Call::ReadPrice { sku } => format!("GET /pricing/prices/{sku}"),
        Call::FindSkus { .. } => "POST /api/catalog_system/pub/sku/stockkeepingunitidsbyrefids".to_owned(),
        Call::Catalog(call) => call.line(),
        Call::People(call) => call.line(),
        Call::Bulk(call) => call.line(),
        Call::Order(call) => call.line(),
    }
}
