//! Jobs of many keys: which keys go by one, and when.

mod ends;
mod restart;

use std::sync::Arc;
use std::time::Duration;

use mare::core::bulk::BulkRules;
use mare::core::call::bulk::{
    BatchState, BatchStatus, BulkAnswer, BulkCall, BulkKind, BulkRow, SignedUrl, Upload,
};
use mare::core::call::{Answer, Call, Failure, Lane, Route};
use mare::core::dispatch::{BulkEvent, Effect, KeyState, Request, RequestId, Tuning};
use mare::core::entity::{Key, SkuId};
use mare::core::money::Money;
use mare::core::record::Cause;
use mare::core::value::{Price, Value};

use crate::desk::{Desk, price_key, quantity, routes, stock, stock_key};

const MIN: usize = 5;

fn desk() -> Desk {
    let bulk = BulkRules {
        price_rows_min: MIN,
        stock_rows_min: MIN,
        stock_lead_time_hours: Some(24),
        ..BulkRules::default()
    };
    let mut tuning = Tuning { bulk, ..Tuning::default() };
    // Nothing goes singly, unless a test wants it to.
    tuning.routes.stock_write.per_second = 0.1;
    tuning.routes.stock_write.burst = 1;
    tuning.routes.price_read.per_second = 0.1;
    tuning.routes.price_read.burst = 1;
    let mut desk = Desk::with(tuning);
    desk.know_skus();
    desk
}

fn whole_price(cents: i64) -> Value {
    let amount = |cents| Some(Money(cents));
    let (base, list, cost) = (amount(cents), amount(cents + 1), amount(1));
    Value::Price(Box::new(Price { base, list, cost, fixed: Vec::new() }))
}

/// Found by a first load: nobody waits for it.
fn load(desk: &mut Desk, key: &Key, value: Value) {
    let wanted = desk.wanted(value, Cause::Resync);
    desk.want_exactly(key, wanted);
}

fn load_stock(desk: &mut Desk, count: u32) {
    for n in 0..count {
        load(desk, &stock_key(n), stock(n + 1));
    }
}

fn bulk(requests: Vec<Request>) -> (RequestId, BulkCall) {
    let mut bulk = requests.into_iter().filter_map(|request| match request.call {
        Call::Bulk(call) => Some((request.id, call)),
        _ => None,
    });
    let found = bulk.next().expect("a request about a job");
    assert!(bulk.next().is_none(), "one at a time");
    found
}

fn opened(desk: &Desk) -> Answer {
    let expires_at = desk.now.wall.plus(Duration::from_secs(1800));
    let upload = Upload { to: SignedUrl("https://a".to_owned()), headers: Vec::new(), expires_at };
    Answer::Bulk(BulkAnswer::Opened { batch: "b-1".into(), upload })
}

fn status(state: BatchState, errors: u64) -> Answer {
    let errors = Some(errors);
    Answer::Bulk(BulkAnswer::Status(BatchStatus { state, progress: 1, errors, rows: None, skipped: 0 }))
}

/// Opens the job of an inventory, uploads and confirms it; its rows.
fn submit(desk: &mut Desk) -> Arc<[BulkRow]> {
    let (id, call) = bulk(desk.send());
    assert!(matches!(call, BulkCall::Open { kind: BulkKind::Inventory, .. }), "{call:?}");
    desk.answer(id, opened(desk));
    desk.wait(1_000);
    let (id, call) = bulk(desk.send());
    let BulkCall::Upload { rows, .. } = call else { panic!("{call:?}") };
    desk.answer(id, Answer::Done);
    desk.wait(1_000);
    let (id, call) = bulk(desk.send());
    assert!(matches!(call, BulkCall::Confirm { .. }), "{call:?}");
    desk.answer(id, Answer::Done);
    desk.wait(5_000);
    rows
}

/// VTEX has gone through the job.
fn complete(desk: &mut Desk) {
    let (id, call) = bulk(desk.send());
    assert!(matches!(call, BulkCall::Status { .. }), "{call:?}");
    desk.answer(id, status(BatchState::Completed, 0));
}

fn ended(desk: &Desk) -> Vec<&'static str> {
    let end = |effect: &Effect| match effect {
        Effect::Bulk(BulkEvent::Ended { end, .. }) => Some(*end),
        _ => None,
    };
    desk.effects.iter().filter_map(end).collect()
}

#[test]
fn fewer_than_the_threshold_go_singly() {
    let mut desk = desk();
    load_stock(&mut desk, MIN as u32 - 1);
    assert_eq!(routes(&desk.send()), [Route::StockWrite]);
    assert_eq!(routes(&desk.send()), []);
    // One of them is in flight: there is room for two more.
    load(&mut desk, &stock_key(50), stock(1));
    assert_eq!(routes(&desk.send()), []);
    load(&mut desk, &stock_key(51), stock(1));
    assert_eq!(routes(&desk.send()), [Route::StockBulk]);
}

#[test]
fn what_is_sold_out_goes_singly_and_at_once() {
    let mut desk = desk();
    for n in 0..20 {
        desk.confirm(&stock_key(n), stock(50));
        load(&mut desk, &stock_key(n), stock(60));
    }
    desk.want(&stock_key(3), stock(0));
    desk.confirm(&stock_key(30), stock(50));
    desk.want(&stock_key(30), stock(2));
    let requests = desk.send();
    assert_eq!(routes(&requests), [Route::StockWrite, Route::StockBulk]);
    assert_eq!(quantity(&requests[0]), Some(0));
    let Call::Bulk(BulkCall::Open { rows, .. }) = &requests[1].call else { panic!("{requests:?}") };
    let of = |sku| move |row: &BulkRow| matches!(row, BulkRow::Stock { sku: SkuId(id), .. } if *id == sku);
    assert!(!rows.iter().any(of(4)) && !rows.iter().any(of(31)), "neither sold out nor falling");
    assert_eq!(rows.len(), 19);
}

#[test]
fn somebody_waiting_is_in_a_job_only_where_there_are_too_many_of_them() {
    let rows_with = |changes: u32| {
        let mut desk = desk();
        for n in 0..10 {
            load(&mut desk, &price_key(n), whole_price(100));
        }
        for n in 20..20 + changes {
            desk.want(&price_key(n), whole_price(200));
        }
        let (_, call) = bulk(desk.send());
        let BulkCall::Open { kind: BulkKind::BasePrices, rows } = call else { panic!("{call:?}") };
        rows.len()
    };
    assert_eq!(rows_with(3), 10, "the three go singly");
    assert_eq!(rows_with(8), 10 + 7, "one went singly before");
}

#[test]
fn an_account_without_jobs_is_sent_one_by_one_and_says_so_once() {
    for code in [403, 404] {
        let mut desk = desk();
        load_stock(&mut desk, 20);
        for request in desk.send() {
            match request.call {
                Call::Bulk(_) => desk.status(request.id, code),
                _ => desk.answer(request.id, Answer::Done),
            }
        }
        for _ in 0..30 {
            desk.wait(60_000);
            for request in desk.send() {
                assert_eq!(request.call.route(), Route::StockWrite);
                desk.answer(request.id, Answer::Done);
            }
        }
        assert!(desk.dispatch.is_idle());
        let told = |effect: &&Effect| matches!(effect, Effect::Bulk(BulkEvent::NotOffered { .. }));
        assert_eq!(desk.effects.iter().filter(told).count(), 1);
        // New credentials may have the right.
        desk.dispatch.credentials_changed(desk.now);
        for n in 40..60 {
            load(&mut desk, &stock_key(n), stock(1));
        }
        assert!(routes(&desk.send()).contains(&Route::StockBulk));
    }
}

#[test]
fn a_job_that_vtex_does_not_open_now_takes_nothing() {
    let failures = [429, 500, 503, 413, 422].map(|code| Failure::Status { code, body: String::new() });
    for failure in failures.into_iter().chain([Failure::Timeout]) {
        let mut desk = desk();
        load_stock(&mut desk, 20);
        let (id, _) = bulk(desk.send());
        desk.finish(id, Err(failure.clone()));
        desk.wait(100);
        desk.send();
        let queued = matches!(desk.state(&stock_key(19)), Some(KeyState::Queued(_)));
        assert!(queued, "{failure:?}: {:?}", desk.state(&stock_key(19)));
        desk.wait(600_000);
        assert!(routes(&desk.send()).contains(&Route::StockBulk), "{failure:?}: it is tried again");
    }
}

#[test]
fn prices_with_fixed_prices_or_without_a_list_price_go_singly() {
    let mut desk = desk();
    for n in 0..10 {
        load(&mut desk, &price_key(n), crate::desk::price(100));
    }
    let requests = desk.send();
    assert!(!routes(&requests).contains(&Route::PriceBulk), "{requests:?}");
    for n in 20..30 {
        load(&mut desk, &price_key(n), whole_price(100));
    }
    desk.wait(60_000);
    let (_, call) = bulk(desk.send());
    let BulkCall::Open { rows, .. } = call else { panic!("{call:?}") };
    assert_eq!(rows.len(), 10);
}

#[test]
fn a_paused_lane_holds_back_a_file_but_not_a_look_at_a_job() {
    let mut desk = desk();
    load_stock(&mut desk, 20);
    let (id, _) = bulk(desk.send());
    desk.dispatch.pause(Lane::Stock);
    desk.answer(id, opened(&desk));
    desk.wait(1_000);
    assert_eq!(routes(&desk.send()), [], "the file waits");
    desk.dispatch.resume(Lane::Stock);
    let (id, call) = bulk(desk.send());
    assert!(matches!(call, BulkCall::Upload { .. }), "{call:?}");
    desk.answer(id, Answer::Done);
    desk.wait(1_000);
    let (id, _) = bulk(desk.send());
    desk.answer(id, Answer::Done);
    desk.dispatch.pause(Lane::Stock);
    desk.wait(5_000);
    let (_, call) = bulk(desk.send());
    assert!(matches!(call, BulkCall::Status { .. }), "VTEX is at it all the same: {call:?}");
}
