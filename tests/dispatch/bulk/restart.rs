//! A job that outlived the process that began it.

use mare::core::call::Route;
use mare::core::call::bulk::{BatchState, BulkCall, BulkKind};
use mare::core::dispatch::KeyState;
use mare::core::record::{Cause, Confirmed, Dirty, ParkReason, Parked};

use crate::desk::{quantity, routes, stock, stock_key};

use super::{bulk, desk, ended, load_stock, status, submit};

#[test]
fn a_restart_waits_for_the_job_before_it_sends_its_keys() {
    let mut before = desk();
    load_stock(&mut before, 20);
    submit(&mut before);
    let record = before.dispatch.bulk_record(BulkKind::Inventory).unwrap();
    assert_eq!(record.rows.len(), 19);
    // Since then, one was changed, and one is at rest.
    let mut after = desk();
    after.position = before.position;
    let mut dirty = Vec::new();
    for row in record.rows.iter().filter(|row| row.key != stock_key(10)) {
        let changed = row.key == stock_key(11);
        let wanted = if changed { after.wanted(stock(0), Cause::Change) } else { row.wanted.clone() };
        dirty.push((row.key.clone(), Dirty::fresh(wanted)));
    }
    let (now, mut effects) = (after.now, Vec::new());
    for (key, dirty) in dirty {
        after.dispatch.restore(key, dirty, None::<Confirmed>.into(), now, &mut effects);
    }
    assert_eq!(after.dispatch.resume_bulk(BulkKind::Inventory, record, now), 18);
    assert_eq!(after.state(&stock_key(11)), Some(KeyState::InFlight), "no row may overtake it");
    let requests = after.send();
    assert_eq!(routes(&requests), [Route::StockBulk]);
    let (id, call) = bulk(requests);
    assert!(matches!(call, BulkCall::Status { .. }), "{call:?}");
    after.answer(id, status(BatchState::Completed, 0));
    let requests = after.send();
    assert!(after.settled(&stock_key(19)) && after.confirmed[&stock_key(19)].value == stock(20));
    assert!(!after.settled(&stock_key(11)) && !after.confirmed.contains_key(&stock_key(11)));
    assert_eq!(requests.iter().filter_map(quantity).collect::<Vec<_>>(), [0], "the newest value follows");
    assert_eq!(ended(&after), ["completed"]);
}

#[test]
fn a_parked_key_of_a_job_that_outlived_its_process_is_not_overtaken_unnoticed() {
    let mut before = desk();
    load_stock(&mut before, 20);
    submit(&mut before);
    let record = before.dispatch.bulk_record(BulkKind::Inventory).unwrap();
    let mut after = desk();
    after.position = before.position;
    let parked = Parked { reason: ParkReason::Operator, at: after.now.wall, hint: String::new() };
    let row = record.rows.iter().find(|row| row.key == stock_key(11)).unwrap();
    let dirty = Dirty { parked: Some(parked), ..Dirty::fresh(row.wanted.clone()) };
    let (key, now, mut effects) = (row.key.clone(), after.now, Vec::new());
    after.dispatch.restore(key.clone(), dirty, None::<Confirmed>.into(), now, &mut effects);
    assert_eq!(after.dispatch.resume_bulk(BulkKind::Inventory, record, now), 0, "nothing waits for the job");
    after.dispatch.retry_parked(|_, _| true, now, &mut effects);
    let explain = after.explain(&key).unwrap();
    assert!(explain.doubtful, "{explain:?}");
}
