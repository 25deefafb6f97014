//! Asking VTEX whether it holds what it confirmed.

use mare::core::call::{Answer, Call, Failure, RemotePrice, RemoteStock, Route};
use mare::core::dispatch::{Accepted, Drift, KeyState, Proven};
use mare::core::entity::Key;
use mare::core::money::Money;
use mare::core::schedule::Urgency;

use crate::desk::{Desk, price, price_key, quantity, stock, stock_key};

fn holds(total: i64) -> Answer {
    Answer::Stock(Some(RemoteStock { total, reserved: 0, unlimited: false }))
}

/// SKU-1 was confirmed with five units.
fn confirmed() -> (Desk, Key) {
    let mut desk = Desk::with_skus();
    let key = stock_key(1);
    desk.confirm(&key, stock(5));
    (desk, key)
}

fn prove(desk: &mut Desk, key: &Key, repair: bool) -> Option<Proven> {
    let known = desk.confirmed.get(key).cloned();
    desk.dispatch.prove(key, repair, || known.into(), desk.now)
}

fn proven(desk: &mut Desk) -> Vec<Proven> {
    desk.dispatch.take_proven().into_iter().map(|(_, proven)| proven).collect()
}

#[test]
fn what_vtex_still_holds_takes_one_reading_and_no_write() {
    let (mut desk, key) = confirmed();
    assert_eq!(prove(&mut desk, &key, true), None);
    let reading = desk.send_one();
    assert!(matches!(reading.call, Call::ReadStock { .. }) && reading.key.is_none());
    desk.answer(reading.id, holds(5));
    assert_eq!(proven(&mut desk), [Proven::Same]);
    assert!(desk.dispatch.is_idle() && desk.send().is_empty());
    assert!(desk.amended(&key).is_none(), "nothing of it is dirty on disk");
}

#[test]
fn what_differs_is_repaired_like_any_dirty_key() {
    for (shown, drift) in [
        (holds(7), Drift::Higher),
        (holds(2), Drift::Lower),
        (Answer::Stock(None), Drift::Missing),
        (Answer::Stock(Some(RemoteStock { total: 5, reserved: 0, unlimited: true })), Drift::Higher),
    ] {
        let (mut desk, key) = confirmed();
        prove(&mut desk, &key, true);
        let reading = desk.send_one();
        desk.answer(reading.id, shown);
        assert_eq!(proven(&mut desk), [Proven::Differs(drift)]);
        assert!(desk.amended(&key).is_some(), "a kill does not forget it");
        let write = desk.send_one();
        assert_eq!(quantity(&write), Some(5));
        desk.answer(write.id, Answer::Done);
        assert!(desk.settled(&key) && desk.dispatch.is_idle());
        assert!(proven(&mut desk).is_empty(), "once");
    }
}

#[test]
fn what_is_only_reported_stays_as_it_is() {
    let (mut desk, key) = confirmed();
    prove(&mut desk, &key, false);
    let reading = desk.send_one();
    desk.answer(reading.id, holds(7));
    assert_eq!(proven(&mut desk), [Proven::Differs(Drift::Higher)]);
    assert!(desk.dispatch.is_idle() && desk.send().is_empty() && desk.effects.is_empty());
    // The next change goes as always.
    assert_eq!(desk.want(&key, stock(4)), Accepted::New);
    assert_eq!(quantity(&desk.send_one()), Some(4));
}

#[test]
fn a_price_that_somebody_changed_in_vtex_is_told_by_its_direction() {
    for (cents, drift) in [(1_990, Drift::Higher), (10, Drift::Lower)] {
        let mut desk = Desk::with_skus();
        let key = price_key(1);
        desk.confirm(&key, price(990));
        prove(&mut desk, &key, false);
        let reading = desk.send_one();
        let remote = RemotePrice { base: Some(Money(cents)), ..RemotePrice::default() };
        desk.answer(reading.id, Answer::Price(Some(remote)));
        assert_eq!(proven(&mut desk), [Proven::Differs(drift)]);
    }
}

#[test]
fn a_change_overtakes_a_proof_that_waits_for_its_turn() {
    let (mut desk, key) = confirmed();
    prove(&mut desk, &key, true);
    assert_eq!(desk.state(&key), Some(KeyState::Queued(Urgency::Proof)));
    assert_eq!(desk.want(&key, stock(3)), Accepted::Coalesced);
    assert_eq!(proven(&mut desk), [Proven::Busy]);
    assert_eq!(desk.state(&key), Some(KeyState::Queued(Urgency::Falling)));
    assert_eq!(quantity(&desk.send_one()), Some(3), "without a reading before it");
}

#[test]
fn a_change_that_comes_during_the_reading_is_no_difference() {
    for repair in [true, false] {
        let (mut desk, key) = confirmed();
        prove(&mut desk, &key, repair);
        let reading = desk.send_one();
        assert_eq!(desk.want(&key, stock(3)), Accepted::Waits);
        desk.answer(reading.id, holds(5));
        assert_eq!(proven(&mut desk), [Proven::Busy]);
        assert_eq!(quantity(&desk.send_one()), Some(3));
    }
}

#[test]
fn a_key_that_is_not_at_rest_is_not_proven() {
    let (mut desk, key) = confirmed();
    desk.want(&key, stock(4));
    assert_eq!(prove(&mut desk, &key, true), Some(Proven::Busy));
    assert_eq!(prove(&mut desk, &stock_key(2), true), Some(Proven::Busy), "nothing was ever confirmed");
    let unknown = Key::stock("1_1", "NEW");
    desk.confirm(&unknown, stock(1));
    assert_eq!(prove(&mut desk, &unknown, true), Some(Proven::Failed), "its SKU is not known");
}

#[test]
fn a_reading_that_fails_leaves_the_key_at_rest() {
    let (mut desk, key) = confirmed();
    prove(&mut desk, &key, true);
    let reading = desk.send_one();
    desk.finish(reading.id, Err(Failure::Timeout));
    assert_eq!(proven(&mut desk), [Proven::Failed]);
    assert!(desk.dispatch.is_idle() && desk.effects.is_empty());
}

#[test]
fn a_sku_that_vtex_does_not_know_any_more_is_missing() {
    for repair in [true, false] {
        let (mut desk, key) = confirmed();
        prove(&mut desk, &key, repair);
        let reading = desk.send_one();
        desk.status(reading.id, 404);
        assert_eq!(proven(&mut desk), [Proven::Differs(Drift::Missing)]);
        assert_eq!(desk.state(&key).is_some(), repair, "looked up again, or as it was");
    }
}

#[test]
fn there_is_leisure_only_while_nobody_wants_the_budget() {
    let (mut desk, key) = confirmed();
    let leisure = |desk: &mut Desk| desk.dispatch.has_leisure(Route::StockRead, desk.now);
    assert!(leisure(&mut desk));
    desk.want(&key, stock(4));
    assert!(!leisure(&mut desk), "a change waits");
    let write = desk.send_one();
    assert!(leisure(&mut desk), "it is out");
    desk.answer(write.id, Answer::Done);
    // A verification, or anything else, finds half of the burst.
    let mut read = 0;
    while leisure(&mut desk) {
        assert_eq!(prove(&mut desk, &key, true), None);
        let reading = desk.send_one();
        desk.answer(reading.id, holds(4));
        read += 1;
    }
    let burst = desk.dispatch.tuning().routes.stock_read.burst;
    assert!(read <= burst / 2 + 1, "{read} readings of a burst of {burst}");
    desk.wait(60_000);
    assert!(leisure(&mut desk));
}

#[test]
fn an_operator_who_sets_a_key_aside_ends_its_proof() {
    let (mut desk, key) = confirmed();
    prove(&mut desk, &key, true);
    assert!(desk.dispatch.park(&key, desk.now, &mut desk.effects));
    assert_eq!(proven(&mut desk), [Proven::Busy]);
    assert_eq!(desk.state(&key), Some(KeyState::Parked));
}
