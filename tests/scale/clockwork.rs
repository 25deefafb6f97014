//! A dispatcher, an account and a clock that jumps from one event to the next. Whatever goes out is held against the
//! limits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use mare::core::call::catalog::CatalogCall;
use mare::core::call::{Call, Lane, Outcome, RateHint, Route};
use mare::core::dispatch::{Dispatch, Effect, Known, Request, RequestId, Tuning};
use mare::core::entity::{Entity, Key, RemoteId, SkuId};
use mare::core::position::Position;
use mare::core::record::{Cause, Confirmed, Wanted};
use mare::core::time::{Now, Tick, Timestamp};
use mare::core::value::Value;

use crate::account::Account;

/// What a route has sent, and what the limit leaves it.
#[derive(Clone, Default)]
pub(crate) struct Sent {
    pub(crate) requests: u64,
    pub(crate) last: Tick,
    /// Of a bucket that begins full, which no window may empty.
    left: f64,
}

pub(crate) struct Clockwork {
    pub(crate) dispatch: Dispatch,
    pub(crate) account: Account,
    pub(crate) now: Now,
    pub(crate) sent: Vec<Sent>,
    pub(crate) confirmed: HashMap<Key, Confirmed>,
    /// What VTEX confirmed: the key, when Live wanted it, and when VTEX had it.
    pub(crate) settled: Vec<(Key, Timestamp, Timestamp)>,
    out: BinaryHeap<Reverse<(Tick, RequestId)>>,
    requests: HashMap<RequestId, Request>,
    random: fastrand::Rng,
    position: u64,
}

impl Clockwork {
    pub(crate) fn new() -> Self {
        let tuning = Tuning::default();
        let now = Now { tick: Tick::from_millis(1), wall: Timestamp(1_700_000_000_000_000) };
        let full = |route| Sent { left: f64::from(tuning.routes.of(route).burst), ..Sent::default() };
        Self {
            sent: Route::ALL.map(full).to_vec(),
            dispatch: Dispatch::new(tuning, now),
            account: Account::default(),
            now,
            confirmed: HashMap::new(),
            settled: Vec::new(),
            out: BinaryHeap::new(),
            requests: HashMap::new(),
            random: fastrand::Rng::with_seed(7),
            position: 0,
        }
    }

    pub(crate) fn want(&mut self, key: &Key, value: Value, cause: Cause) {
        self.position += 1;
        let wanted = Wanted { value, position: Position(self.position), committed_at: self.now.wall, cause };
        let mut effects = Vec::new();
        let known = || Known::from(self.confirmed.get(key).cloned());
        self.dispatch.want(key, wanted, known, self.now, &mut effects);
        self.take(effects);
    }

    /// As if VTEX had confirmed it long ago.
    pub(crate) fn install(&mut self, key: Key, value: Value) {
        if let Some(id) = self.account.install(&key, &value) {
            match key.entity {
                Entity::Sku => self.dispatch.know_sku(&key.id, Some(SkuId(id)), self.now),
                _ => self.dispatch.know_id(&key, RemoteId::Number(id), self.now),
            }
        }
        self.position += 1;
        let position = Position(self.position);
        self.confirmed.insert(key, Confirmed { value, position, at: self.now.wall });
    }

    /// One event: what is due goes out, then the next answer comes or the clock moves on. False when nothing is left.
    pub(crate) fn step(&mut self) -> bool {
        let next = self.poll();
        let answer = self.out.peek().map(|Reverse((at, _))| *at);
        let Some(at) = [next, answer].into_iter().flatten().min() else { return false };
        self.pass(at);
        true
    }

    /// Lets the time pass until `at`, whatever happens meanwhile.
    pub(crate) fn run_until(&mut self, at: Tick) {
        loop {
            let next = self.poll();
            let answer = self.out.peek().map(|Reverse((at, _))| *at);
            let event = [next, answer].into_iter().flatten().min();
            match event {
                Some(event) if event < at => self.pass(event),
                _ => break,
            }
        }
        self.pass(at);
    }

    fn poll(&mut self) -> Option<Tick> {
        let (mut requests, mut effects) = (Vec::new(), Vec::new());
        let next = self.dispatch.poll(self.now, &mut requests, &mut effects);
        self.take(effects);
        for request in requests {
            self.send(request);
        }
        next
    }

    fn pass(&mut self, at: Tick) {
        let passed = at.since(self.now.tick);
        self.now = Now { tick: self.now.tick + passed, wall: self.now.wall.plus(passed) };
        while let Some(Reverse((at, id))) = self.out.peek().copied()
            && at <= self.now.tick
        {
            self.out.pop();
            self.answer(id);
        }
    }

    /// VTEX works on it when it comes, and the answer takes its time.
    fn send(&mut self, request: Request) {
        self.count(request.call.route());
        let at = self.now.tick + self.latency(&request.call);
        self.out.push(Reverse((at, request.id)));
        self.requests.insert(request.id, request);
    }

    fn answer(&mut self, id: RequestId) {
        let request = self.requests.remove(&id).unwrap();
        let result = self.account.answer(&request.call);
        let elapsed = Duration::from_millis(200);
        let outcome = Outcome { result, rate: RateHint::default(), elapsed };
        let mut effects = Vec::new();
        let random = &mut self.random;
        self.dispatch.finished(id, outcome, self.now, &mut || random.f64(), &mut effects);
        self.take(effects);
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Settle { key, confirmed: Some(confirmed), .. } => {
                    self.confirmed.insert(key, confirmed);
                }
                Effect::Confirmed { key, committed_at, .. } => {
                    self.settled.push((key, committed_at, self.now.wall));
                }
                _ => {}
            }
        }
    }

    /// No window of a route holds more than its burst and its rate allow.
    fn count(&mut self, route: Route) {
        let limit = *self.dispatch.tuning().routes.of(route);
        let sent = &mut self.sent[route as usize];
        let passed = self.now.tick.since(sent.last).as_secs_f64();
        sent.left = (sent.left + passed * limit.per_second).min(f64::from(limit.burst)) - 1.0;
        assert!(sent.left > -1e-6, "{} exceeds its limit at {:?}", route.name(), self.now.tick);
        sent.requests += 1;
        sent.last = self.now.tick;
    }

    /// As VTEX's catalog takes under load; an image it fetches before it answers.
    fn latency(&mut self, call: &Call) -> Duration {
        let (from, to) = match call {
            Call::Catalog(CatalogCall::AddImage { .. }) => (300, 700),
            Call::Catalog(call) if call.writes() => (100, 200),
            Call::FindSkus { .. } => (100, 300),
            _ => (60, 180),
        };
        Duration::from_millis(self.random.u64(from..to))
    }

    pub(crate) fn out(&self, lane: Lane) -> usize {
        self.requests.values().filter(|request| request.call.lane() == lane).count()
    }
}
