//! What a durable change costs until it is dirty: a million changes over 200,000 keys, and the way of
//! 200,000 keys from dirty to confirmed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mare::core::call::{Answer, Outcome, RateHint};
use mare::core::dispatch::{Dispatch, Tuning};
use mare::core::entity::{Key, SkuId};
use mare::core::position::Position;
use mare::core::record::{Cause, Confirmed, Wanted};
use mare::core::time::{Now, Tick, Timestamp};
use mare::core::value::{Stock, Value};

const CHANGES: u64 = 1_000_000;
const KEYS: u64 = 200_000;
const WAREHOUSES: u64 = 4;
const ROUNDS: usize = 7;

fn main() {
    let keys: Vec<Key> = (0..KEYS)
        .map(|n| Key::stock(&format!("loja-{}", n % WAREHOUSES), &format!("SKU-{:06}", n / WAREHOUSES)))
        .collect();
    let mut coalesce = Vec::new();
    let mut deliver = Vec::new();
    for round in 0..ROUNDS as u64 {
        let (mut dispatch, now) = ready();
        let began = Instant::now();
        want_all(&mut dispatch, &keys, now, round);
        coalesce.push(began.elapsed() / CHANGES as u32);
        let began = Instant::now();
        let sent = drain(&mut dispatch, now);
        deliver.push(began.elapsed() / sent.max(1));
    }
    report("want, per change", &mut coalesce);
    report("poll and finished, per request", &mut deliver);
}

/// Every SKU is known, and no limit is felt.
fn ready() -> (Dispatch, Now) {
    let mut tuning = Tuning::default();
    tuning.routes.stock_write.per_second = 10_000.0;
    tuning.routes.stock_write.burst = 100_000;
    let now = Now { tick: Tick::ZERO, wall: Timestamp(1_700_000_000_000_000) };
    let mut dispatch = Dispatch::new(tuning, now);
    for n in 0..KEYS / WAREHOUSES {
        dispatch.know_sku(&format!("SKU-{n:06}"), Some(SkuId(n as u32 + 1)), now);
    }
    (dispatch, now)
}

/// Changes of keys in an order without a pattern; half of the keys were confirmed with another quantity.
fn want_all(dispatch: &mut Dispatch, keys: &[Key], now: Now, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut effects = Vec::new();
    for position in 1..=CHANGES {
        let key = &keys[random.usize(..keys.len())];
        let value = Value::Stock(Stock::of(random.u32(..50)));
        let confirmed = Confirmed { value: value.clone(), position: Position(0), at: now.wall };
        let confirmed = || {
            (position % 2 == 0)
                .then_some(Confirmed { value: Value::Stock(Stock::of(99)), ..confirmed })
                .into()
        };
        let wanted =
            Wanted { value, position: Position(position), committed_at: now.wall, cause: Cause::Change };
        black_box(dispatch.want(key, wanted, confirmed, now, &mut effects));
        effects.clear();
    }
}

fn drain(dispatch: &mut Dispatch, mut now: Now) -> u32 {
    let (mut requests, mut effects) = (Vec::new(), Vec::new());
    let mut sent = 0;
    while !dispatch.is_idle() {
        now.tick = now.tick + Duration::from_millis(10);
        dispatch.poll(now, &mut requests, &mut effects);
        for request in requests.drain(..) {
            let outcome = Outcome {
                result: Ok(Answer::Done),
                rate: RateHint::default(),
                elapsed: Duration::from_millis(50),
            };
            dispatch.finished(request.id, outcome, now, &mut || 0.5, &mut effects);
            sent += 1;
        }
        effects.clear();
    }
    sent
}

fn report(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let (least, most) = (times[0], times[times.len() - 1]);
    println!("{name}: {:?} (min {least:?}, max {most:?}, {ROUNDS} rounds)", times[times.len() / 2]);
}
