//! Which requests go out now, and when to look again.

use std::time::Duration;

use super::super::call::bulk::BulkKind;
use super::super::call::{Call, Lane, Route};
use super::super::ledger::{Doubt, Entry, Slot, State};
use super::super::plan::Next;
use super::super::schedule::Urgency;
use super::super::time::{Now, Tick};
use super::gates::Entrance;
use super::moves::is_live;
use super::{Dispatch, Effect, ErrandId, Flight, Job, Request, RequestId, held_at_rest, urgency_of};

/// How long what a job has read from VTEX is good for. Jobs wait for a token for moments; one that waits
/// longer (a closed breaker, a paused lane) begins again rather than overwrite what others wrote since.
const READING_MAX: Duration = Duration::from_secs(30);

/// The pause before `start-handling` when a quantity must not be overtaken by it.
const OVERTAKING: Duration = Duration::from_millis(100);

/// Every so many requests of a lane, a key that has not begun goes before jobs that have.
const KEYS_FIRST_EVERY: u32 = 4;

/// Look-ups of SKUs take at most one of so many places of their lane: a first load would ask for every SKU there is before
/// it made the first.
const LOOK_UPS_ONE_OF: u32 = 4;

/// What a lane can do next.
pub(super) enum Step {
    Send(Call, Option<Slot>),
    Errand(ErrandId, Call),
    /// Nothing before this time; `None`: nothing before the next event.
    Wait(Option<Tick>),
}

impl Dispatch {
    /// Adds every request that may go out now to `requests`, and returns when to poll again: `None` is
    /// when the next event has been handled. Poll after every event.
    pub fn poll(&mut self, now: Now, requests: &mut Vec<Request>, effects: &mut Vec<Effect>) -> Option<Tick> {
        self.wake(now);
        let mut next = self.timers.next_at();
        for kind in BulkKind::ALL {
            next = earliest(next, self.tend_bulk(kind, now, effects));
        }
        for lane in Lane::ALL {
            next = earliest(next, self.fill(lane, now, requests, effects));
        }
        next
    }

    /// Brings back the keys whose delay is over.
    fn wake(&mut self, now: Now) {
        loop {
            let ledger = &self.ledger;
            let Some(slot) = self.timers.pop_due(now.tick, |ticket| is_live(ledger, ticket)) else { return };
            if let Some(entry) = self.ledger.get_mut(slot)
                && entry.state == State::Verifying
            {
                entry.doubt = Doubt::ReadFirst;
            }
            self.leave(slot);
            self.place(slot, now);
        }
    }

    /// Sends on one lane until something holds it up.
    fn fill(
        &mut self,
        lane: Lane,
        now: Now,
        requests: &mut Vec<Request>,
        effects: &mut Vec<Effect>,
    ) -> Option<Tick> {
        if self.tuning.paused.contains(&lane) {
            return None;
        }
        loop {
            if !self.has_work(lane) {
                return None;
            }
            let probe = match self.gates.entrance(lane, now.tick) {
                Entrance::Open => false,
                Entrance::Probe => true,
                Entrance::Shut(until) => return until,
            };
            let (call, slot, errand) = match self.step(lane, now, effects) {
                Step::Send(call, slot) => (call, slot, None),
                Step::Errand(errand, call) => (call, None, Some(errand)),
                Step::Wait(until) => {
                    if probe {
                        self.gates.withdraw(lane, now.tick);
                    }
                    return until;
                }
            };
            self.gates.sent(call.route(), now.tick);
            self.sent[lane as usize] = self.sent[lane as usize].wrapping_add(1);
            self.requests += 1;
            let id = RequestId(self.requests);
            self.flights.insert(id, Flight { call: call.clone(), slot, errand });
            if let Some(slot) = slot {
                self.order_sent(slot, &call);
            }
            let key = slot.filter(|_| call.writes()).and_then(|slot| self.ledger.get(slot));
            let key = key.map(|entry| entry.key.clone());
            requests.push(Request { id, call, key, probe });
        }
    }

    fn has_work(&mut self, lane: Lane) -> bool {
        if let Some(kind) = BulkKind::of(lane) {
            return self.has_bulk_work(kind);
        }
        let waits = |route: Route| {
            !self.queues[route as usize].is_empty()
                || !self.continuing[route as usize].is_empty()
                || self.has_errand(route)
        };
        routes_of(lane).any(waits) || (lane == Lane::Catalog && self.skus.next_at().is_some())
    }

    fn step(&mut self, lane: Lane, now: Now, effects: &mut Vec<Effect>) -> Step {
        if let Some(kind) = BulkKind::of(lane) {
            return self.bulk_step(kind, now);
        }
        let errand = match self.step_of_errands(lane, now) {
            Step::Wait(until) => until,
            send => return send,
        };
        match self.step_of_lane(lane, now, effects) {
            Step::Wait(until) => Step::Wait(earliest(errand, until)),
            send => send,
        }
    }

    fn step_of_errands(&mut self, lane: Lane, now: Now) -> Step {
        let mut wait = None;
        for route in routes_of(lane).filter(|route| self.has_errand(*route)).collect::<Vec<_>>() {
            match self.gates.token_at(route, now.tick) {
                Some(at) => wait = earliest(wait, Some(at)),
                None => {
                    if let Some((id, call)) = self.next_errand(route) {
                        return Step::Errand(id, call);
                    }
                }
            }
        }
        Step::Wait(wait)
    }

    fn step_of_lane(&mut self, lane: Lane, now: Now, effects: &mut Vec<Effect>) -> Step {
        if lane == Lane::Catalog {
            // A look-up answers for a hundred keys: it goes first.
            let look_up = match self.look_up(now) {
                Step::Wait(until) => until,
                send => return send,
            };
            return match self.step_of_keys(lane, now, effects) {
                Step::Wait(keys) => Step::Wait(earliest(look_up, keys)),
                send => send,
            };
        }
        self.step_of_keys(lane, now, effects)
    }

    fn step_of_keys(&mut self, lane: Lane, now: Now, effects: &mut Vec<Effect>) -> Step {
        let keys_first = self.begins_first(lane);
        let [first, second] =
            [keys_first, !keys_first].map(|keys| if keys { Self::begin_on } else { Self::continue_on });
        match self.step_on(lane, now, effects, first) {
            Step::Wait(one) => match self.step_on(lane, now, effects, second) {
                Step::Wait(other) => Step::Wait(earliest(one, other)),
                send => send,
            },
            send => send,
        }
    }

    /// Jobs that have begun go on before new keys begin, or what they read would be outdated. But they must not take all
    /// of a route for themselves: keys that need nothing but that route would never come to it. What was revoked
    /// waits for nobody.
    fn begins_first(&self, lane: Lane) -> bool {
        let revoked = |route: Route| self.queues[route as usize].len(Urgency::Revoked) > 0;
        routes_of(lane).any(revoked) || self.sent[lane as usize].is_multiple_of(KEYS_FIRST_EVERY)
    }

    /// Tries the routes of a lane in turn, so that none holds up another.
    fn step_on(
        &mut self,
        lane: Lane,
        now: Now,
        effects: &mut Vec<Effect>,
        next_on: impl Fn(&mut Self, Route, Now, &mut Vec<Effect>) -> Step,
    ) -> Step {
        let routes = lane.routes();
        let mut wait = None;
        for _ in 0..routes.len() {
            let turn = &mut self.turns[lane as usize];
            *turn = (*turn + 1) % routes.len();
            let route = routes[*turn];
            match next_on(self, route, now, effects) {
                Step::Wait(until) => wait = earliest(wait, until),
                send => return send,
            }
        }
        Step::Wait(wait)
    }

    /// The next request of a job that has begun.
    fn continue_on(&mut self, route: Route, now: Now, effects: &mut Vec<Effect>) -> Step {
        while let Some(slot) = self.continuing[route as usize].front().copied() {
            if let Some(at) = self.gates.token_at(route, now.tick) {
                return Step::Wait(Some(at));
            }
            self.continuing[route as usize].pop_front();
            if self.is_outdated(slot, now) {
                self.leave(slot);
                self.place(slot, now);
                continue;
            }
            match self.plan_job(slot, now) {
                Some(Next::Call(call)) if self.ends_proof(slot, &call, now, effects) => {}
                Some(Next::Call(call)) if call.route() == route => return Step::Send(call, Some(slot)),
                Some(Next::Call(call)) => self.go_on(slot, call.route()),
                Some(end) => self.end(slot, end, now, effects),
                None => {}
            }
        }
        Step::Wait(None)
    }

    /// A job waits for its next request; what was revoked goes before the others.
    pub(super) fn go_on(&mut self, slot: Slot, route: Route) {
        let revoked = self.ledger.get(slot).is_some_and(|entry| urgency_of(entry) == Urgency::Revoked);
        let waiting = &mut self.continuing[route as usize];
        if revoked { waiting.push_front(slot) } else { waiting.push_back(slot) }
    }

    fn is_outdated(&self, slot: Slot, now: Now) -> bool {
        let outdated = |job: &Job| !job.wrote && now.tick.since(job.began) > READING_MAX;
        self.jobs.get(&slot).is_some_and(outdated)
    }

    /// The first request of the key whose turn it is.
    fn begin_on(&mut self, route: Route, now: Now, effects: &mut Vec<Effect>) -> Step {
        while !self.queues[route as usize].is_empty() && !self.would_pile_up(route) {
            if let Some(at) = self.gates.token_at(route, now.tick) {
                return Step::Wait(Some(at));
            }
            let ledger = &self.ledger;
            let is_live = |ticket| is_live(ledger, ticket);
            let Some(slot) = self.queues[route as usize].pick(self.tuning.ageing_every, is_live) else {
                break;
            };
            self.leave(slot);
            let Some(entry) = self.ledger.get(slot) else { continue };
            let Ok(links) = self.links(entry) else {
                if !self.give_up_proof(slot) {
                    self.place(slot, now); // forgotten while the key was queued
                }
                continue;
            };
            let held = held_at_rest(entry);
            match self.plan(entry, &entry.wanted, &held, &links, now.wall) {
                Next::Call(call) if entry.proof().is_some() && call.writes() => {
                    self.give_up_proof(slot);
                }
                Next::Done | Next::Partly { .. } | Next::Later(_) | Next::GiveUp(_)
                    if entry.proof().is_some() =>
                {
                    self.give_up_proof(slot);
                }
                // What VTEX is at work on is known by asking only, so it is no answer yet.
                Next::Done | Next::Partly { .. } | Next::Later(_) | Next::GiveUp(_) => {
                    self.observed.arrived(entry.key.entity);
                    self.totals.suppressed += 1;
                    let Some(entry) = self.discard(slot) else { continue };
                    let Entry { key, wanted, .. } = &entry;
                    let person = wanted.value.leaves_no_trace().then(|| (key.clone(), wanted.value.clone()));
                    self.suppress(entry, now, effects);
                    if let Some((key, value)) = person {
                        self.leave_no_trace(key, &value, effects);
                    }
                }
                Next::Call(call) if self.gates.token_at(call.route(), now.tick).is_none() => {
                    let wanted = entry.wanted.clone();
                    let job = Job {
                        wanted,
                        behind_since: None,
                        links,
                        held,
                        wrote: false,
                        began: now.tick,
                        park: false,
                        row_of: None,
                        again: false,
                    };
                    self.begin(slot, job);
                    return Step::Send(call, Some(slot));
                }
                Next::Call(_) => self.place(slot, now), // its plan changed while it was queued
            }
        }
        Step::Wait(None)
    }

    /// Readings are the beginning of a job: no more of them than the lane has places while jobs wait to go
    /// on, or they would be outdated before their turn comes.
    fn would_pile_up(&self, route: Route) -> bool {
        let reads = route.reads();
        let waiting: usize = routes_of(route.lane()).map(|route| self.continuing[route as usize].len()).sum();
        let revoked = self.queues[route as usize].len(Urgency::Revoked) > 0;
        reads && !revoked && waiting >= self.tuning.concurrency.of(route.lane()) as usize
    }

    fn look_up(&mut self, now: Now) -> Step {
        let Some(due) = self.skus.next_at() else { return Step::Wait(None) };
        let places = self.gates.lane(Lane::Catalog).requests_max;
        if self.look_ups >= (places / LOOK_UPS_ONE_OF).max(1) {
            return Step::Wait(None);
        }
        let free = self.looked_up.map_or(Tick::ZERO, |last| last + self.tuning.lookup_interval());
        if due.max(free) > now.tick {
            return Step::Wait(Some(due.max(free)));
        }
        if let Some(at) = self.gates.token_at(Route::SkuLookup, now.tick) {
            return Step::Wait(Some(at));
        }
        let refs = self.skus.take_due(now.tick, self.tuning.lookup_batch);
        // The pause is there to let a batch fill up; where more is due than one holds, there is nothing to wait for.
        let more = self.skus.next_at().is_some_and(|due| due <= now.tick);
        self.looked_up = (!more).then_some(now.tick);
        self.look_ups += 1;
        Step::Send(Call::FindSkus { refs }, None)
    }

    /// What comes next for a job. Until its first write it delivers the newest value.
    pub(super) fn plan_job(&mut self, slot: Slot, now: Now) -> Option<Next> {
        let entry = self.ledger.get(slot)?;
        let job = self.jobs.get_mut(&slot)?;
        if !job.wrote && job.behind_since.take().is_some() {
            job.wanted = entry.wanted.clone();
        }
        let (entry, job) = (self.ledger.get(slot)?, self.jobs.get(&slot)?);
        match self.plan(entry, &job.wanted, &job.held, &job.links, now.wall) {
            Next::Call(call) if self.is_overtaking(&entry.key, &call, now.tick) => {
                Some(Next::Later(OVERTAKING))
            }
            next => Some(next),
        }
    }
}

pub(super) fn routes_of(lane: Lane) -> impl Iterator<Item = Route> {
    lane.routes().iter().copied()
}

fn earliest(one: Option<Tick>, other: Option<Tick>) -> Option<Tick> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
