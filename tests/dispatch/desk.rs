//! A dispatcher with a clock, a memory of what was confirmed, and short names for what happens.

use std::collections::HashMap;
use std::time::Duration;

use mare::core::call::{Answer, Call, Failure, Outcome, RateHint, Route};
use mare::core::dispatch::{Accepted, Dispatch, Effect, Explain, KeyState, Request, RequestId, Tuning};
use mare::core::entity::{Key, SkuId};
use mare::core::money::Money;
use mare::core::position::Position;
use mare::core::record::{Cause, Confirmed, Dirty, Wanted};
use mare::core::time::{Now, Tick, Timestamp};
use mare::core::value::{Price, Stock, Value};

pub(crate) struct Desk {
    pub(crate) dispatch: Dispatch,
    pub(crate) now: Now,
    pub(crate) effects: Vec<Effect>,
    pub(crate) confirmed: HashMap<Key, Confirmed>,
    pub(crate) position: u64,
    pub(crate) next_poll: Option<Tick>,
}

impl Desk {
    /// Ten seconds after the start: the buckets hold tokens.
    pub(crate) fn new() -> Self {
        Self::with(Tuning::default())
    }

    pub(crate) fn with(tuning: Tuning) -> Self {
        tuning.validate().unwrap();
        let now = Now { tick: Tick::ZERO, wall: Timestamp(1_700_000_000_000_000) };
        let dispatch = Dispatch::new(tuning, now);
        let mut desk = Self {
            dispatch,
            now,
            effects: Vec::new(),
            confirmed: HashMap::new(),
            position: 0,
            next_poll: None,
        };
        desk.wait(10_000);
        desk
    }

    /// SKUs 0 to 99 are known, as `SKU-n` with id n + 1.
    pub(crate) fn with_skus() -> Self {
        let mut desk = Self::new();
        desk.know_skus();
        desk
    }

    pub(crate) fn know_skus(&mut self) {
        for n in 0..100 {
            self.dispatch.know_sku(&format!("SKU-{n}"), Some(SkuId(n + 1)), self.now);
        }
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        let passed = Duration::from_millis(millis);
        self.now = Now { tick: self.now.tick + passed, wall: self.now.wall.plus(passed) };
    }

    pub(crate) fn wanted(&mut self, value: Value, cause: Cause) -> Wanted {
        self.position += 1;
        Wanted { value, position: Position(self.position), committed_at: self.now.wall, cause }
    }

    pub(crate) fn want(&mut self, key: &Key, value: Value) -> Accepted {
        let wanted = self.wanted(value, Cause::Change);
        self.want_exactly(key, wanted)
    }

    pub(crate) fn want_exactly(&mut self, key: &Key, wanted: Wanted) -> Accepted {
        let confirmed = self.confirmed.get(key).cloned();
        let accepted = self.dispatch.want(key, wanted, || confirmed.into(), self.now, &mut self.effects);
        self.persist();
        accepted
    }

    /// As if VTEX had confirmed it long ago.
    pub(crate) fn confirm(&mut self, key: &Key, value: Value) {
        self.position += 1;
        let confirmed = Confirmed { value, position: Position(self.position), at: self.now.wall };
        self.confirmed.insert(key.clone(), confirmed);
    }

    fn persist(&mut self) {
        for effect in &self.effects {
            match effect {
                Effect::Settle { key, confirmed: Some(confirmed), .. }
                | Effect::Advance { key, confirmed } => {
                    self.confirmed.insert(key.clone(), confirmed.clone());
                }
                _ => {}
            }
        }
    }

    pub(crate) fn send(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        self.next_poll = self.dispatch.poll(self.now, &mut requests, &mut self.effects);
        self.persist();
        requests
    }

    /// The only request that goes out now.
    pub(crate) fn send_one(&mut self) -> Request {
        let mut requests = self.send();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    pub(crate) fn answer(&mut self, id: RequestId, answer: Answer) {
        self.finish(id, Ok(answer));
    }

    pub(crate) fn status(&mut self, id: RequestId, code: u16) {
        self.finish(id, Err(Failure::Status { code, body: "why".to_owned() }));
    }

    pub(crate) fn finish(&mut self, id: RequestId, result: Result<Answer, Failure>) {
        let outcome = Outcome { result, rate: RateHint::default(), elapsed: Duration::from_millis(50) };
        self.dispatch.finished(id, outcome, self.now, &mut || 1.0, &mut self.effects);
        self.persist();
    }

    pub(crate) fn explain(&self, key: &Key) -> Option<Explain> {
        self.dispatch.explain(key, self.now)
    }

    pub(crate) fn state(&self, key: &Key) -> Option<KeyState> {
        self.explain(key).map(|explain| explain.state)
    }

    /// The record of a key as amended last.
    pub(crate) fn amended(&self, key: &Key) -> Option<&Dirty> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Amend { key: other, dirty, .. } if other == key => Some(dirty),
            _ => None,
        })
    }

    pub(crate) fn settled(&self, key: &Key) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Settle { key: other, .. } if other == key))
    }
}

pub(crate) fn stock_key(n: u32) -> Key {
    Key::stock("1_1", &format!("SKU-{n}"))
}

pub(crate) fn price_key(n: u32) -> Key {
    Key::price(&format!("SKU-{n}"))
}

pub(crate) fn stock(quantity: u32) -> Value {
    Value::Stock(Stock::of(quantity))
}

pub(crate) fn price(cents: i64) -> Value {
    Value::Price(Box::new(Price { base: Some(Money(cents)), ..Price::default() }))
}

pub(crate) fn quantity(request: &Request) -> Option<u32> {
    match &request.call {
        Call::SetStock { quantity, .. } => Some(*quantity),
        _ => None,
    }
}

pub(crate) fn routes(requests: &[Request]) -> Vec<Route> {
    requests.iter().map(|request| request.call.route()).collect()
}
