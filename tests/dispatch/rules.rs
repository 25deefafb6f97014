use std::collections::{BTreeSet, HashSet};

use mare::core::call::{Answer, Call, Failure, Lane, RemotePrice, RemoteStock, Route};
use mare::core::dispatch::{
    Accepted, Concurrency, Dispatch, Effect, InvalidTuning, KeyState, LATE_APPLY, Tuning,
    UNEXPECTED_ATTEMPTS_MAX,
};
use mare::core::entity::{Key, SkuId};
use mare::core::money::Money;
use mare::core::position::Position;
use mare::core::record::{Cause, Dirty, ParkReason};
use mare::core::schedule::Urgency;
use mare::core::time::Timestamp;
use mare::core::value::{FixedPrice, Price, Value};
use proptest::prelude::*;

use crate::desk::{Desk, price, price_key, quantity, routes, stock, stock_key};

fn holds(total: i64) -> Answer {
    Answer::Stock(Some(RemoteStock { total, reserved: 0, unlimited: false }))
}

/// A price with fixed prices of trade policy 1: minimum quantity and centavos.
fn with_fixed(base: Option<i64>, fixed: &[(u32, i64)]) -> Value {
    let fixed = fixed.iter().map(|(min_quantity, cents)| FixedPrice {
        trade_policy: "1".into(),
        min_quantity: *min_quantity,
        valid: None,
        value: Money(*cents),
        list: None,
    });
    Value::Price(Box::new(Price { base: base.map(Money), fixed: fixed.collect(), ..Price::default() }))
}

#[test]
fn a_newer_value_waits_behind_the_request_in_flight() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    assert_eq!(desk.want(&key, stock(5)), Accepted::New);
    let first = desk.send_one();
    assert_eq!(desk.want(&key, stock(4)), Accepted::Waits);
    assert_eq!(desk.want(&key, stock(3)), Accepted::Waits);
    assert_eq!(desk.send(), []);
    desk.answer(first.id, Answer::Done);
    assert!(!desk.settled(&key));
    let second = desk.send_one();
    assert_eq!((quantity(&first), quantity(&second)), (Some(5), Some(3)), "4 was never sent");
    desk.answer(second.id, Answer::Done);
    assert!(desk.settled(&key) && desk.dispatch.is_idle());
    assert_eq!(desk.confirmed[&key].position, Position(3));
}

#[test]
fn a_value_that_returns_while_in_flight_needs_no_second_request() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.want(&key, stock(5));
    let request = desk.send_one();
    desk.want(&key, stock(4));
    desk.want(&key, stock(5));
    desk.answer(request.id, Answer::Done);
    assert!(desk.dispatch.is_idle());
    let settled = desk.effects.iter().find_map(|effect| match effect {
        Effect::Settle { position, .. } => Some(*position),
        _ => None,
    });
    assert_eq!(settled, Some(Position(3)), "the newest version is at rest");
}

#[test]
fn a_value_that_vtex_holds_costs_no_request() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.confirm(&key, stock(5));
    assert_eq!(desk.want(&key, stock(5)), Accepted::Suppressed);
    assert!(desk.settled(&key));
    assert_eq!(desk.confirmed[&key].position, Position(2), "its version counts as confirmed");
    assert_eq!(desk.want(&key, stock(4)), Accepted::New);
    assert_eq!(desk.want(&key, stock(5)), Accepted::Suppressed, "back before it was sent");
    assert_eq!(desk.send(), []);
    assert_eq!(desk.dispatch.stats(desk.now).suppressed, 2);
}

#[test]
fn a_price_that_only_lacks_what_vtex_keeps_costs_no_request() {
    let mut desk = Desk::with_skus();
    let key = price_key(1);
    desk.confirm(&key, price(1000));
    let none = Value::Price(Box::default());
    assert_eq!(desk.want(&key, none), Accepted::Suppressed);
}

#[test]
fn nothing_is_suppressed_while_in_doubt() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.confirm(&key, stock(5));
    desk.want(&key, stock(0));
    let request = desk.send_one();
    desk.finish(request.id, Err(Failure::Timeout));
    assert!(desk.amended(&key).unwrap().doubtful);
    assert_eq!(desk.want(&key, stock(5)), Accepted::Coalesced, "VTEX may hold 0 by now");
    desk.wait(2_000);
    let read = desk.send_one();
    assert_eq!(read.call.route(), Route::StockRead);
    desk.answer(read.id, holds(0));
    let write = desk.send_one();
    assert_eq!(quantity(&write), Some(5));
}

#[test]
fn an_older_version_is_dropped_and_the_newer_one_stays_on_disk() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    let older = desk.wanted(stock(9), Cause::Resync);
    desk.want(&key, stock(5));
    assert_eq!(desk.want_exactly(&key, older.clone()), Accepted::Stale);
    assert_eq!(desk.amended(&key).unwrap().wanted.position, Position(2));
    let request = desk.send_one();
    desk.answer(request.id, Answer::Done);
    assert_eq!(desk.want_exactly(&key, older), Accepted::Stale, "older than what VTEX confirmed");
    assert_eq!((desk.send(), desk.dispatch.stats(desk.now).stale), (Vec::new(), 2));
}

#[test]
fn sold_out_goes_before_falling_before_rising_before_resync() {
    let mut desk = Desk::with_skus();
    for n in 0..4 {
        desk.confirm(&stock_key(n), stock(10));
    }
    let resync = desk.wanted(stock(11), Cause::Resync);
    desk.want_exactly(&stock_key(0), resync);
    desk.want(&stock_key(1), stock(12));
    desk.want(&stock_key(2), stock(3));
    desk.want(&stock_key(3), stock(0));
    let sent: Vec<_> = desk.send().iter().filter_map(quantity).collect();
    assert_eq!(sent, [0, 3, 12, 11]);
}

#[test]
fn a_key_whose_urgency_rises_overtakes() {
    let mut desk = Desk::with_skus();
    for n in 0..3 {
        desk.confirm(&stock_key(n), stock(10));
        desk.want(&stock_key(n), stock(11 + n));
    }
    assert_eq!(desk.want(&stock_key(2), stock(0)), Accepted::Coalesced);
    assert_eq!(desk.state(&stock_key(2)), Some(KeyState::Queued(Urgency::SoldOut)));
    let sent: Vec<_> = desk.send().iter().filter_map(quantity).collect();
    assert_eq!(sent, [0, 11, 12]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The law of the schedule: a key with `n` keys queued before it goes out within
    /// `ageing_every × (n + 1)` requests, however many more urgent ones keep coming.
    #[test]
    fn nothing_starves(before in 0..20_u32, ageing_every in 2..20_u32) {
        let mut tuning = Tuning { ageing_every, ..Tuning::default() };
        tuning.concurrency.stock = 1;
        let mut desk = Desk::with(tuning);
        desk.know_skus();
        for n in 0..=before {
            let resync = desk.wanted(stock(7), Cause::Resync);
            desk.want_exactly(&stock_key(n), resync);
        }
        let last = SkuId(before + 1);
        let mut urgent = 0;
        for sent in 1.. {
            for _ in 0..3 {
                let key = Key::stock(&format!("w{urgent}"), "SKU-99");
                urgent += 1;
                desk.want(&key, stock(0));
            }
            desk.wait(100);
            let request = desk.send_one();
            desk.answer(request.id, Answer::Done);
            if matches!(&request.call, Call::SetStock { sku, .. } if *sku == last) {
                break;
            }
            prop_assert!(sent < ageing_every * (before + 1), "still waiting after {sent} requests");
        }
    }
}

#[test]
fn a_key_waits_for_its_sku_and_costs_nothing_meanwhile() {
    let mut desk = Desk::new();
    desk.want(&stock_key(1), stock(5));
    desk.want(&price_key(1), price(1000));
    desk.want(&stock_key(2), stock(6));
    let look_up = desk.send_one();
    let Call::FindSkus { refs } = &look_up.call else { panic!("{look_up:?}") };
    assert_eq!(refs.iter().collect::<HashSet<_>>().len(), 2, "each reference once");
    assert_eq!(desk.state(&stock_key(1)), Some(KeyState::WaitsForSku));
    desk.answer(look_up.id, Answer::Skus(vec![("SKU-1".into(), Some(SkuId(7))), ("SKU-2".into(), None)]));
    assert!(desk.effects.contains(&Effect::SkuLearned { sku_ref: "SKU-1".into(), id: Some(SkuId(7)) }));
    assert_eq!(routes(&desk.send()), [Route::StockWrite, Route::PriceRead]);
    desk.wait(29_000);
    assert_eq!(desk.send(), []);
    let stats = desk.dispatch.stats(desk.now);
    assert_eq!(stats.lanes[&Lane::Stock].waiting_for_sku, 1);
    let since = stats.lanes[&Lane::Stock].oldest_since;
    assert_eq!(since, Some(Timestamp(desk.now.wall.0 - 29_000_000)), "only what could go out is late");
    desk.dispatch.sku_created("SKU-2");
    assert_eq!(routes(&desk.send()), [Route::SkuLookup]);
}

#[test]
fn a_server_error_that_was_applied_is_found_out_by_reading() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.confirm(&key, stock(9));
    desk.want(&key, stock(5));
    let write = desk.send_one();
    desk.status(write.id, 500);
    assert_eq!(desk.send(), []);
    desk.wait(1_000);
    let read = desk.send_one();
    assert_eq!(read.call.route(), Route::StockRead);
    desk.answer(read.id, holds(5));
    assert!(desk.dispatch.is_idle() && desk.settled(&key));
}

#[test]
fn a_write_that_vtex_may_apply_late_is_verified_before_the_key_rests() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.want(&key, stock(5));
    let lost = desk.send_one();
    desk.finish(lost.id, Err(Failure::Timeout));
    desk.want(&key, stock(4));
    desk.wait(1_000);
    let read = desk.send_one();
    desk.answer(read.id, holds(9));
    let write = desk.send_one();
    desk.answer(write.id, Answer::Done);
    assert_eq!(desk.state(&key), Some(KeyState::Verifying));
    assert!(desk.amended(&key).unwrap().doubtful);
    assert_eq!(desk.confirmed[&key].value, stock(4));
    desk.wait(LATE_APPLY.as_millis() as u64);
    let read = desk.send_one();
    desk.answer(read.id, holds(5)); // there it was
    let write = desk.send_one();
    assert_eq!(quantity(&write), Some(4));
    desk.answer(write.id, Answer::Done);
    assert!(desk.dispatch.is_idle() && desk.settled(&key));
}

#[test]
fn a_rate_limit_costs_the_key_nothing() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.want(&key, stock(5));
    let request = desk.send_one();
    desk.status(request.id, 429);
    assert_eq!(desk.send(), [], "the route pauses");
    assert_eq!(desk.explain(&key).unwrap().attempts, 0);
    desk.wait(2_000);
    assert_eq!(quantity(&desk.send_one()), Some(5));
}

#[test]
fn refused_credentials_stop_the_lane_and_park_nothing() {
    let mut desk = Desk::with_skus();
    for n in 0..10 {
        desk.want(&stock_key(n), stock(5));
    }
    let requests = desk.send();
    requests.iter().for_each(|request| desk.status(request.id, 401));
    desk.wait(30_000);
    assert_eq!(desk.send(), []);
    desk.want(&price_key(1), price(1000));
    assert_eq!(routes(&desk.send()), [Route::PriceRead], "other lanes go on");
    desk.dispatch.credentials_changed(desk.now);
    let probe = desk.send_one();
    assert!(probe.probe);
    desk.answer(probe.id, Answer::Done);
    assert_eq!(desk.send().len(), 9);
    assert_eq!(desk.dispatch.parked(None, 100), []);
}

#[test]
fn an_outage_costs_one_probe_at_a_time_and_parks_nothing() {
    let mut desk = Desk::with_skus();
    for n in 0..50 {
        desk.want(&stock_key(n), stock(5));
    }
    let mut sent = 0;
    for _ in 0..3600 {
        for request in desk.send() {
            sent += 1;
            desk.status(request.id, 503);
        }
        desk.wait(1_000);
    }
    assert!(sent < 32 + 100, "{sent} requests in an hour");
    assert_eq!(desk.dispatch.parked(None, 100), []);
    assert!((0..50).all(|n| desk.explain(&stock_key(n)).is_some()));
}

#[test]
fn a_sku_that_vtex_does_not_know_is_looked_up_again_and_then_parked() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.want(&key, stock(5));
    let request = desk.send_one();
    desk.status(request.id, 404);
    assert!(desk.effects.contains(&Effect::SkuLearned { sku_ref: "SKU-1".into(), id: None }));
    let look_up = desk.send_one();
    desk.answer(look_up.id, Answer::Skus(vec![("SKU-1".into(), Some(SkuId(2)))]));
    let request = desk.send_one();
    desk.status(request.id, 404);
    assert_eq!(desk.amended(&key).unwrap().parked.as_ref().unwrap().reason, ParkReason::NotFound);
    assert_eq!(desk.send(), []);
    assert_eq!(desk.want(&key, stock(6)), Accepted::Coalesced, "a newer change tries again");
    assert_eq!(quantity(&desk.send_one()), Some(6));
}

#[test]
fn a_refused_value_is_parked_but_not_the_newer_one_behind_it() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.want(&key, stock(5));
    let request = desk.send_one();
    desk.want(&key, stock(6));
    desk.status(request.id, 400);
    let request = desk.send_one();
    assert_eq!(quantity(&request), Some(6));
    desk.status(request.id, 400);
    let parked = desk.dispatch.parked(None, 10);
    assert_eq!((parked.len(), parked[0].parked.reason), (1, ParkReason::Rejected));
    assert_eq!(parked[0].last.as_ref().unwrap().answer, "400");
    assert!(desk.dispatch.is_idle());
}

#[test]
fn an_answer_that_no_document_describes_parks_after_ten_attempts_and_a_server_error_never() {
    for (code, attempts) in [(418, UNEXPECTED_ATTEMPTS_MAX), (500, 200), (423, 200)] {
        let mut desk = Desk::with_skus();
        let key = stock_key(1);
        desk.want(&key, stock(5));
        let mut tried = 0;
        while tried < attempts {
            assert_ne!(desk.state(&key), Some(KeyState::Parked), "{code} after {tried}");
            for request in desk.send() {
                if request.call.writes() {
                    tried += 1;
                    desk.status(request.id, code);
                } else {
                    desk.answer(request.id, holds(9));
                }
            }
            desk.wait(1_000);
        }
        assert_eq!(desk.state(&key) == Some(KeyState::Parked), code == 418, "{code}");
    }
}

#[test]
fn parked_keys_are_retried_or_dropped_by_the_operator() {
    let mut desk = Desk::with_skus();
    for n in 0..3 {
        desk.want(&stock_key(n), stock(5));
        assert!(desk.dispatch.park(&stock_key(n), desk.now, &mut desk.effects));
    }
    assert_eq!(desk.send(), []);
    let page = desk.dispatch.parked(Some(&stock_key(0)), 1);
    assert_eq!(page[0].key, stock_key(1));
    let only = |key: &Key, _: &mare::core::record::Parked| *key == stock_key(1);
    assert_eq!(desk.dispatch.retry_parked(only, desk.now, &mut desk.effects), 1);
    assert_eq!(desk.amended(&stock_key(1)).unwrap().parked, None);
    assert!(desk.dispatch.drop_parked(&stock_key(2), &mut desk.effects));
    assert!(!desk.dispatch.drop_parked(&stock_key(1), &mut desk.effects), "not parked any more");
    assert_eq!(desk.send().len(), 1);
    assert_eq!(desk.explain(&stock_key(2)), None);
}

#[test]
fn a_key_in_flight_is_parked_when_its_request_is_back() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.want(&key, stock(5));
    let request = desk.send_one();
    assert!(desk.dispatch.park(&key, desk.now, &mut desk.effects));
    desk.want(&key, stock(4));
    desk.answer(request.id, Answer::Done);
    assert_eq!(desk.state(&key), Some(KeyState::Parked));
    assert_eq!(desk.confirmed[&key].value, stock(5));
}

#[test]
fn a_paused_lane_sends_nothing_and_the_others_go_on() {
    let mut desk = Desk::with_skus();
    desk.dispatch.pause(Lane::Stock);
    desk.want(&stock_key(1), stock(5));
    desk.want(&price_key(1), price(1000));
    assert_eq!(routes(&desk.send()), [Route::PriceRead]);
    desk.dispatch.resume(Lane::Stock);
    assert_eq!(routes(&desk.send()), [Route::StockWrite]);
}

#[test]
fn an_exhausted_route_does_not_hold_up_the_others_of_its_lane() {
    let mut tuning = Tuning::default();
    tuning.routes.price_read.burst = 1;
    tuning.routes.price_read.per_second = 0.1;
    let mut desk = Desk::with(tuning);
    desk.know_skus();
    for n in 0..20 {
        desk.want(&price_key(n), price(1000));
    }
    assert_eq!(routes(&desk.send()), [Route::PriceRead]);
    desk.confirm(&price_key(50), with_fixed(Some(5), &[(1, 1)]));
    desk.want(&price_key(50), with_fixed(Some(5), &[(1, 2)]));
    assert_eq!(routes(&desk.send()), [Route::PricePatch]);
}

#[test]
fn a_job_goes_on_before_another_key_begins() {
    let mut tuning = Tuning::default();
    tuning.concurrency.price = 1;
    let mut desk = Desk::with(tuning);
    desk.know_skus();
    desk.want(&price_key(1), price(1000));
    desk.want(&price_key(2), price(2000));
    let read = desk.send_one();
    desk.want(&price_key(1), price(1100));
    desk.answer(read.id, Answer::Price(None));
    let put = desk.send_one();
    let Call::PutPrice { sku: SkuId(2), price: sent } = &put.call else { panic!("{put:?}") };
    assert_eq!(sent.base, Some(Money(1100)), "until the first write a job takes the newest value");
}

#[test]
fn no_more_is_read_than_can_be_written() {
    let mut tuning = Tuning::default();
    tuning.concurrency.price = 2;
    tuning.routes.price_put.per_second = 0.1;
    tuning.routes.price_put.burst = 1;
    let mut desk = Desk::with(tuning);
    desk.know_skus();
    for n in 0..50 {
        desk.want(&price_key(n), price(1000));
    }
    let mut reads = 0;
    for _ in 0..100 {
        for request in desk.send() {
            let read = request.call.route() == Route::PriceRead;
            reads += usize::from(read);
            desk.answer(request.id, if read { Answer::Price(None) } else { Answer::Done });
        }
        desk.wait(10);
    }
    assert!(reads <= 5, "{reads} readings wait for a write");
}

#[test]
fn a_job_that_ended_half_way_is_not_taken_for_undone() {
    let mut desk = Desk::with_skus();
    let key = price_key(1);
    let before = with_fixed(None, &[(1, 900), (10, 800)]);
    desk.confirm(&key, before.clone());
    desk.want(&key, with_fixed(None, &[(1, 900)]));
    let read = desk.send_one();
    let Value::Price(held) = &before else { panic!("a price") };
    let held = RemotePrice { fixed: held.fixed.clone(), ..RemotePrice::default() };
    desk.answer(read.id, Answer::Price(Some(held)));
    let delete = desk.send_one();
    assert_eq!(delete.call.route(), Route::PriceDelete);
    desk.answer(delete.id, Answer::Done);
    let patch = desk.send_one();
    desk.status(patch.id, 423);
    assert_eq!(desk.want(&key, before), Accepted::Coalesced, "VTEX has none of them now");
    desk.wait(1_000);
    assert_eq!(routes(&desk.send()), [Route::PriceRead]);
}

#[test]
fn what_was_read_long_ago_is_read_again() {
    let mut desk = Desk::with_skus();
    desk.want(&price_key(1), price(1000));
    let read = desk.send_one();
    desk.answer(read.id, Answer::Price(Some(RemotePrice::default())));
    desk.dispatch.pause(Lane::Price);
    desk.wait(31_000);
    desk.dispatch.resume(Lane::Price);
    assert_eq!(routes(&desk.send()), [Route::PriceRead]);
}

#[test]
fn a_restored_key_is_sent_even_when_it_equals_what_was_confirmed() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.confirm(&key, stock(5));
    let dirty = Dirty::fresh(desk.wanted(stock(5), Cause::Change));
    let confirmed = desk.confirmed.get(&key).cloned();
    desk.dispatch.restore(key.clone(), dirty, confirmed.into(), desk.now, &mut desk.effects);
    assert_eq!(quantity(&desk.send_one()), Some(5), "another value may have been on its way at the crash");
}

#[test]
fn parked_backed_off_and_doubtful_keys_are_restored_as_they_were() {
    let mut before = Desk::with_skus();
    for (n, code) in [(1, 400), (2, 423), (3, 500)] {
        before.want(&stock_key(n), stock(5));
        let request = before.send_one();
        before.status(request.id, code);
    }
    let records: Vec<_> = (1..=3).map(|n| before.amended(&stock_key(n)).unwrap().clone()).collect();
    let mut after = Desk::with_skus();
    after.now.wall = before.now.wall;
    for (n, dirty) in (1..).zip(&records) {
        after.dispatch.restore(stock_key(n), dirty.clone(), None.into(), after.now, &mut after.effects);
    }
    assert_eq!(after.state(&stock_key(1)), Some(KeyState::Parked));
    assert_eq!(after.state(&stock_key(2)), Some(KeyState::BackingOff));
    assert_eq!(after.explain(&stock_key(2)).unwrap().attempts, 1);
    assert_eq!(after.send(), []);
    after.wait(1_000);
    let routes: BTreeSet<_> = routes(&after.send()).into_iter().collect();
    assert_eq!(routes, BTreeSet::from([Route::StockWrite, Route::StockRead]));
    assert_eq!(after.effects, []);
}

#[test]
fn a_restored_record_older_than_what_vtex_confirmed_is_removed() {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    let dirty = Dirty::fresh(desk.wanted(stock(9), Cause::Resync));
    desk.confirm(&key, stock(5));
    let confirmed = desk.confirmed.get(&key).cloned();
    desk.dispatch.restore(key.clone(), dirty, confirmed.into(), desk.now, &mut desk.effects);
    assert!(desk.settled(&key) && desk.dispatch.is_idle());
}

#[test]
fn the_age_of_a_lane_is_that_of_the_key_that_vtex_is_longest_behind_for() {
    let mut desk = Desk::with_skus();
    let began = desk.now.wall;
    desk.want(&stock_key(1), stock(5));
    desk.wait(5_000);
    desk.want(&stock_key(1), stock(4));
    let stats = desk.dispatch.stats(desk.now);
    assert_eq!(stats.lanes[&Lane::Stock].oldest_since, Some(began), "a newer value does not reset it");
    assert_eq!((stats.keys, stats.coalesced), (1, 1));
    assert_eq!(stats.lanes[&Lane::Price].oldest_since, None);
}

#[test]
fn an_outcome_that_nobody_waits_for_changes_nothing() {
    let mut desk = Desk::with_skus();
    desk.want(&stock_key(1), stock(5));
    let request = desk.send_one();
    desk.answer(request.id, Answer::Done);
    let effects = desk.effects.len();
    desk.status(request.id, 500);
    assert_eq!(desk.effects.len(), effects);
}

#[test]
fn settings_out_of_range_are_refused_as_a_whole() {
    let mut desk = Desk::new();
    let before = desk.dispatch.tuning().clone();
    let broken = |change: fn(&mut Tuning)| {
        let mut tuning = Tuning::default();
        change(&mut tuning);
        tuning
    };
    let cases = [
        broken(|tuning| tuning.concurrency = Concurrency { stock: 0, ..Concurrency::default() }),
        broken(|tuning| tuning.ageing_every = 1),
        broken(|tuning| tuning.lookup_batch = 101),
        broken(|tuning| tuning.routes.price_put.per_second = 0.0),
        broken(|tuning| tuning.retry_max_ms = 1),
    ];
    for tuning in cases {
        let error: InvalidTuning = desk.dispatch.set_tuning(tuning, desk.now).unwrap_err();
        assert!(!error.to_string().is_empty());
        assert_eq!(*desk.dispatch.tuning(), before);
    }
    let now = desk.now;
    assert!(desk.dispatch.set_tuning(Tuning::default(), now).is_ok());
    let _: &Dispatch = &desk.dispatch;
}

#[test]
fn a_sku_that_loses_its_last_price_is_reported_once() {
    let mut desk = Desk::with_skus();
    let lost = |desk: &mut Desk| {
        let effects = std::mem::take(&mut desk.effects);
        effects.iter().filter(|effect| matches!(effect, Effect::PriceLost { .. })).count()
    };
    let none = || Value::Price(Box::default());
    desk.confirm(&price_key(1), price(1000));
    desk.want(&price_key(1), none());
    assert_eq!(lost(&mut desk), 1, "VTEX has one that Live does not have any more");
    desk.want(&price_key(1), none());
    assert_eq!(lost(&mut desk), 0, "known");
    desk.want(&price_key(2), none());
    assert_eq!(lost(&mut desk), 0, "it never had one");
    desk.want(&price_key(3), price(1000));
    desk.want(&price_key(3), none());
    assert_eq!(lost(&mut desk), 1, "not yet sent, and gone");
    let only_cost = Value::Price(Box::new(Price { cost: Some(Money(500)), ..Price::default() }));
    desk.confirm(&price_key(4), price(1000));
    desk.want(&price_key(4), only_cost);
    assert_eq!(lost(&mut desk), 1, "nobody buys at the cost");
    assert!(!routes(&desk.send()).contains(&Route::PriceDelete), "nothing is deleted by default");
    assert_eq!(desk.dispatch.stats(desk.now).prices_lost, 3);
}

#[test]
fn a_price_that_jumps_waits_for_somebody() {
    let mut tuning = Tuning::default();
    tuning.price.jump_percent = Some(50);
    let mut desk = Desk::with(tuning);
    desk.know_skus();
    let key = Key::price("SKU-1");
    let price = |centavos| Value::Price(Box::new(Price { base: Some(Money(centavos)), ..Price::default() }));
    desk.confirm(&key, price(10_000));
    for (centavos, waits) in [(15_000, false), (15_001, true), (5_000, false), (4_999, true), (100, true)] {
        desk.want(&key, price(centavos));
        assert_eq!(desk.state(&key) == Some(KeyState::Parked), waits, "{centavos}");
    }
    let parked = desk.dispatch.parked(None, 10);
    assert_eq!(parked[0].parked.reason, ParkReason::Jump);
    desk.dispatch.retry_parked(|_, _| true, desk.now, &mut desk.effects);
    assert_ne!(desk.state(&key), Some(KeyState::Parked), "somebody has confirmed it");
    desk.want(&key, price(1));
    assert_eq!(desk.state(&key), Some(KeyState::Parked), "and nothing else");
}

/// What nobody's key asks for is held by the same limits as everything else.
#[test]
fn an_errand_passes_the_gates_of_its_lane_and_comes_back_to_who_asked() {
    use mare::core::call::people::{PeopleAnswer, PeopleCall};
    use mare::core::dispatch::ErrandId;
    let call = || Call::People(PeopleCall::ReadShopper { id: "a".into() });
    let mut desk = Desk::new();
    desk.dispatch.pause(Lane::People);
    desk.dispatch.run_errand(ErrandId(7), call());
    assert_eq!(desk.send(), [], "the lane is paused");
    desk.dispatch.resume(Lane::People);
    let request = desk.send_one();
    assert_eq!((&request.call, &request.key), (&call(), &None));
    assert_eq!(desk.send(), []);
    desk.answer(request.id, Answer::People(PeopleAnswer::Shopper(None)));
    let done = desk.dispatch.take_errands();
    assert_eq!(done.len(), 1);
    assert!(done[0].0 == ErrandId(7) && done[0].1.result.is_ok());
    assert!(desk.dispatch.take_errands().is_empty());

    // An answer to another request is none.
    desk.dispatch.run_errand(ErrandId(8), call());
    let request = desk.send_one();
    desk.answer(request.id, Answer::Done);
    assert!(matches!(desk.dispatch.take_errands()[0].1.result, Err(Failure::Malformed(_))));

    // Credentials that VTEX refuses stop it like everything else; it is not sent again by itself.
    desk.dispatch.run_errand(ErrandId(9), call());
    let request = desk.send_one();
    desk.status(request.id, 401);
    assert!(desk.dispatch.take_errands()[0].1.result.is_err());
    desk.dispatch.run_errand(ErrandId(10), call());
    assert_eq!(desk.send(), []);
    desk.dispatch.credentials_changed(desk.now);
    assert_eq!(desk.send().len(), 1);
}

#[test]
fn errands_never_exceed_the_rate_of_their_route() {
    use mare::core::call::people::PeopleCall;
    use mare::core::dispatch::ErrandId;
    let mut desk = Desk::new();
    for n in 0..10_000 {
        let call = Call::People(PeopleCall::ReadShopper { id: "a".into() });
        desk.dispatch.run_errand(ErrandId(n), call);
    }
    let limit = desk.dispatch.tuning().routes.of(Route::PeopleRead).burst;
    let places = desk.dispatch.tuning().concurrency.of(Lane::People);
    let out = desk.send().len();
    assert!(out > 0 && out <= places as usize && out as f64 <= limit.into(), "{out}");
}

#[test]
fn what_was_read_of_the_newsletter_counts_as_confirmed_unless_a_request_is_out() {
    use mare::core::call::people::{PeopleAnswer, PeopleCall};
    use mare::core::dispatch::{Known, Newsletter};
    use mare::core::entity::Entity;
    use mare::core::shop_consent;
    use mare::core::value::person::Consent;
    let key = Key { entity: Entity::Consent, id: "77".into() };
    let consent = |newsletter| Consent {
        email: "ana@example.com".into(),
        customer: "77".into(),
        newsletter: Some(newsletter),
        acts: Vec::new(),
    };
    let value = |newsletter| Value::Consent(Box::new(consent(newsletter)));
    let mut desk = Desk::new();
    let known = |desk: &Desk| {
        let confirmed = desk.confirmed.get(&key).cloned();
        desk.dispatch.newsletter(&key, || Known { confirmed, id: None })
    };
    let learn = |desk: &mut Desk, newsletter| {
        let confirmed = desk.confirmed.get(&key).cloned();
        let (now, mut effects) = (desk.now, Vec::new());
        let known = || Known { confirmed, id: None };
        let taken = desk.dispatch.newsletter_read(consent(newsletter), &key, known, now, &mut effects);
        for effect in effects {
            let Effect::Advance { key, confirmed } = effect else { panic!("{effect:?}") };
            desk.confirmed.insert(key, confirmed);
        }
        taken
    };
    let held = |held, on_its_way| Newsletter::Known(shop_consent::Known { held, on_its_way });
    assert_eq!(known(&desk), held(None, None));
    desk.confirm(&key, value(true));
    assert_eq!(known(&desk), held(Some(true), None));

    // The shopper takes it back: what Live then says needs no request, and what it says later does.
    assert!(learn(&mut desk, false));
    assert_eq!(known(&desk), held(Some(false), None));
    assert_eq!(desk.want(&key, value(false)), Accepted::Suppressed);
    assert_eq!(desk.send(), []);
    desk.want(&key, value(true));
    assert_eq!(known(&desk), held(Some(false), Some(true)));
    let find = desk.send_one();
    assert_eq!(known(&desk), Newsletter::Unsure, "a request is out");
    assert!(!learn(&mut desk, false));
    desk.answer(find.id, Answer::People(PeopleAnswer::Found(Some("cl".into()))));
    let save = desk.send_one();
    assert!(matches!(&save.call, Call::People(PeopleCall::SaveCustomer { .. })));
    desk.answer(save.id, Answer::Done);
    assert_eq!(known(&desk), held(Some(true), None));

    desk.confirm(&key, Value::Erased);
    assert_eq!(known(&desk), Newsletter::Erased);
    assert!(learn(&mut desk, true));
    assert_eq!(desk.confirmed[&key].value, Value::Erased, "nothing is learned of who was erased");
}
