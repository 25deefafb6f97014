//! How a job ends, and what that means for each of its keys.

use mare::core::bulk::STALLED_AFTER;
use mare::core::call::bulk::{
    BatchState, BatchStatus, BulkAnswer, BulkCall, BulkKind, BulkRow, FailedRow, SignedUrl,
};
use mare::core::call::{Answer, Call, Failure, RemotePrice, RemoteStock, Route};
use mare::core::dispatch::{Accepted, KeyState};
use mare::core::entity::SkuId;
use mare::core::money::Money;
use mare::core::record::ParkReason;
use mare::core::value::FixedPrice;

use crate::desk::{price_key, quantity, routes, stock, stock_key};

use super::{bulk, complete, desk, ended, load, load_stock, opened, status, submit, whole_price};

#[test]
fn many_keys_are_confirmed_by_one_job() {
    let mut desk = desk();
    load_stock(&mut desk, 20);
    let rows = submit(&mut desk);
    assert_eq!(rows.len(), 19, "one went singly before");
    let expected =
        BulkRow::Stock { sku: SkuId(20), warehouse: "1_1".into(), quantity: 20, lead_time_hours: 24 };
    assert_eq!(rows.last(), Some(&expected));
    assert_eq!(desk.state(&stock_key(19)), Some(KeyState::InFlight));
    assert!(desk.explain(&stock_key(19)).unwrap().why.contains("b-1"));
    complete(&mut desk);
    desk.send();
    assert!((1..20).all(|n| desk.settled(&stock_key(n))));
    assert_eq!(desk.confirmed[&stock_key(19)].value, stock(20));
    assert_eq!(ended(&desk), ["completed"]);
    assert_eq!(desk.dispatch.bulk_record(BulkKind::Inventory), None);
}

#[test]
fn a_newer_value_waits_behind_its_row() {
    let mut desk = desk();
    load_stock(&mut desk, 20);
    submit(&mut desk);
    let key = stock_key(19);
    assert_eq!(desk.want(&key, stock(7)), Accepted::Waits);
    assert_eq!(desk.want(&key, stock(0)), Accepted::Waits);
    complete(&mut desk);
    desk.wait(60_000);
    let requests = desk.send();
    assert_eq!(desk.confirmed[&key].value, stock(20), "the row was confirmed");
    assert!(!desk.settled(&key));
    assert_eq!(requests.iter().filter_map(quantity).next(), Some(0), "and the newest value follows");
}

#[test]
fn each_failed_row_has_its_own_fate() {
    let mut desk = desk();
    load_stock(&mut desk, 20);
    submit(&mut desk);
    let (id, _) = bulk(desk.send());
    desk.answer(id, status(BatchState::Completed, 6));
    desk.wait(1_000);
    let (id, _) = bulk(desk.send());
    desk.answer(id, Answer::Bulk(BulkAnswer::Report(Some(SignedUrl("https://a".to_owned())))));
    desk.wait(1_000);
    let (id, call) = bulk(desk.send());
    assert!(matches!(call, BulkCall::Download { .. }), "{call:?}");
    let failed = |n: u32, code: &str| FailedRow {
        sku: SkuId(n + 1),
        warehouse: Some("1_1".into()),
        code: code.into(),
        message: "why".to_owned(),
    };
    let mut rows = vec![failed(5, "INVALID_QUANTITY"), failed(6, "CONFLICT"), failed(7, "UPDATE_FAILED")];
    rows.extend([17, 18, 19].map(|n| failed(n, "CONFLICT")));
    desk.answer(id, Answer::Bulk(BulkAnswer::Failed(rows)));
    desk.send();
    let parked = desk.explain(&stock_key(5)).unwrap();
    assert_eq!(parked.parked.unwrap().reason, ParkReason::Rejected);
    assert_eq!(parked.last.unwrap().answer, "INVALID_QUANTITY");
    let conflict = desk.explain(&stock_key(6)).unwrap();
    assert_eq!((conflict.attempts, conflict.doubtful), (1, false));
    assert!(desk.explain(&stock_key(7)).is_none_or(|explain| explain.doubtful));
    assert!((8..17).all(|n| desk.settled(&stock_key(n))), "the others are confirmed");
    assert_eq!(ended(&desk), ["with-errors"]);
    // What failed goes singly, however many of them there are.
    for n in 40..60 {
        load(&mut desk, &stock_key(n), stock(1));
    }
    desk.wait(1_000);
    let (_, call) = bulk(desk.send());
    let BulkCall::Open { rows, .. } = call else { panic!("{call:?}") };
    assert!(
        !rows.iter().any(|row| matches!(row, BulkRow::Stock { sku: SkuId(7 | 18..=20), .. })),
        "{rows:?}"
    );
}

#[test]
fn rows_of_a_job_that_was_lost_are_read_before_they_are_written() {
    let mut desk = desk();
    load_stock(&mut desk, 20);
    submit(&mut desk);
    let (id, _) = bulk(desk.send());
    desk.answer(id, status(BatchState::Failed, 0));
    desk.wait(1_000);
    let requests = desk.send();
    assert_eq!(ended(&desk), ["lost"]);
    assert!(desk.amended(&stock_key(19)).unwrap().doubtful);
    let read = requests.iter().find(|request| request.call.route() == Route::StockRead).unwrap();
    let Call::ReadStock { sku, .. } = read.call else { panic!() };
    let key = stock_key(sku.0 - 1);
    let total = i64::from(sku.0);
    desk.answer(read.id, Answer::Stock(Some(RemoteStock { total, reserved: 0, unlimited: false })));
    assert!(desk.settled(&key), "VTEX has it");
    assert!(!routes(&requests).contains(&Route::StockBulk), "and no other job for a while");
}

#[test]
fn a_job_that_gets_nowhere_lets_its_keys_go() {
    let mut desk = desk();
    load_stock(&mut desk, 20);
    submit(&mut desk);
    desk.wait(STALLED_AFTER.as_millis() as u64 + 60_000);
    desk.send();
    assert_eq!(ended(&desk), ["abandoned"]);
    let explain = desk.explain(&stock_key(19)).unwrap();
    assert!(explain.doubtful && !explain.why.contains("bulk"), "{explain:?}");
}

#[test]
fn a_price_whose_fixed_prices_nobody_knows_is_read_after_its_job() {
    let mut desk = desk();
    let mut tuning = desk.dispatch.tuning().clone();
    tuning.price.trade_policies = vec!["1".into()];
    desk.dispatch.set_tuning(tuning, desk.now).unwrap();
    for n in 0..10 {
        load(&mut desk, &price_key(n), whole_price(100));
    }
    let (id, call) = bulk(desk.send());
    assert!(matches!(call, BulkCall::Open { kind: BulkKind::BasePrices, .. }), "{call:?}");
    desk.answer(id, opened(&desk));
    desk.wait(1_000);
    let (id, _) = bulk(desk.send());
    desk.answer(id, Answer::Done);
    desk.wait(5_000);
    complete(&mut desk);
    desk.wait(60_000);
    let requests = desk.send();
    assert_eq!(ended(&desk), ["completed"]);
    assert!(!routes(&requests).contains(&Route::PriceBulk), "no key is in a second job");
    let Some(Call::ReadPrice { sku }) = requests.first().map(|request| &request.call) else {
        panic!("{requests:?}")
    };
    let key = price_key(sku.0 - 1);
    assert!(!desk.settled(&key), "a fixed price of ours may be left");
    let fixed = vec![FixedPrice {
        trade_policy: "1".into(),
        min_quantity: 1,
        valid: None,
        value: Money(90),
        list: None,
    }];
    let (base, list, cost) = (Some(Money(100)), Some(Money(101)), Some(Money(1)));
    desk.answer(requests[0].id, Answer::Price(Some(RemotePrice { base, list, cost, fixed })));
    desk.wait(1_000);
    let puts: Vec<_> =
        desk.send().into_iter().filter(|request| request.call.route() == Route::PricePut).collect();
    let Some(Call::PutPrice { price, .. }) = puts.first().map(|request| &request.call) else {
        panic!("{puts:?}")
    };
    assert_eq!(price.fixed, [], "and goes");
}

#[test]
fn a_job_is_not_given_up_while_its_file_may_arrive() {
    let mut desk = desk();
    load_stock(&mut desk, 20);
    let (id, _) = bulk(desk.send());
    desk.answer(id, opened(&desk));
    desk.wait(1_000);
    let (id, call) = bulk(desk.send());
    assert!(matches!(call, BulkCall::Upload { .. }), "{call:?}");
    desk.wait(STALLED_AFTER.as_millis() as u64 + 60_000);
    desk.send();
    assert_eq!(ended(&desk), [""; 0]);
    assert_eq!(desk.state(&stock_key(19)), Some(KeyState::InFlight));
    desk.finish(id, Err(Failure::Timeout));
    desk.send();
    assert_eq!(ended(&desk), ["unused"], "an inventory begins with its confirmation only");
}

#[test]
fn a_job_that_left_rows_out_confirms_none() {
    let statuses = [
        // Items that somebody wrote meanwhile, and fewer rows than were sent.
        BatchStatus {
            state: BatchState::Completed,
            progress: 1,
            errors: Some(0),
            rows: Some(19),
            skipped: 1,
        },
        BatchStatus {
            state: BatchState::Completed,
            progress: 1,
            errors: Some(0),
            rows: Some(18),
            skipped: 0,
        },
    ];
    for status in statuses {
        let mut desk = desk();
        load_stock(&mut desk, 20);
        submit(&mut desk);
        let (id, _) = bulk(desk.send());
        desk.answer(id, Answer::Bulk(BulkAnswer::Status(status)));
        desk.send();
        assert_eq!(ended(&desk), ["incomplete"]);
        assert!((1..20).all(|n| desk.explain(&stock_key(n)).is_some_and(|explain| explain.doubtful)));
    }
}

#[test]
fn a_report_about_other_rows_confirms_none() {
    let mut desk = desk();
    load_stock(&mut desk, 20);
    submit(&mut desk);
    let (id, _) = bulk(desk.send());
    desk.answer(id, status(BatchState::Completed, 1));
    desk.wait(1_000);
    let (id, _) = bulk(desk.send());
    desk.answer(id, Answer::Bulk(BulkAnswer::Report(Some(SignedUrl("https://a".to_owned())))));
    desk.wait(1_000);
    let (id, _) = bulk(desk.send());
    let (code, message) = ("CONFLICT".into(), String::new());
    let row = FailedRow { sku: SkuId(9_999), warehouse: Some("1_1".into()), code, message };
    desk.answer(id, Answer::Bulk(BulkAnswer::Failed(vec![row])));
    desk.send();
    assert_eq!(ended(&desk), ["incomplete"]);
    assert!((1..20).all(|n| desk.explain(&stock_key(n)).is_some_and(|explain| explain.doubtful)));
}

#[test]
fn a_price_file_whose_upload_was_lost_may_have_arrived() {
    for (failure, end) in
        [(Failure::Timeout, "abandoned"), (Failure::Connect("refused".to_owned()), "unused")]
    {
        let mut desk = desk();
        for n in 0..10 {
            load(&mut desk, &price_key(n), whole_price(100));
        }
        let (id, _) = bulk(desk.send());
        desk.answer(id, opened(&desk));
        desk.wait(1_000);
        let (id, _) = bulk(desk.send());
        desk.finish(id, Err(failure));
        desk.wait(STALLED_AFTER.as_millis() as u64 + 60_000);
        desk.send();
        assert_eq!(ended(&desk), [end]);
        let doubtful = desk.explain(&price_key(9)).is_some_and(|explain| explain.doubtful);
        assert_eq!(doubtful, end == "abandoned");
    }
}
