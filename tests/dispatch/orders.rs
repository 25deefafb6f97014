//! Orders: always read before anything is told, verified by reading when an answer is lost, and never hurried.

use mare::core::call::orders::{OrderAct, OrderAnswer, OrderCall};
use mare::core::call::{Answer, Call, Failure, Lane};
use mare::core::dispatch::{Accepted, KeyState, Request, Tuning};
use mare::core::entity::Key;
use mare::core::limiter::RouteLimit;
use mare::core::money::{Decimal4, Money};
use mare::core::order::{Direction, Package, RemoteItem, RemoteOrder, RemoteStatus, Step, Tracking};
use mare::core::record::ParkReason;
use mare::core::time::Timestamp;
use mare::core::value::Value;
use mare::core::value::order::{Invoice, InvoiceItem, InvoiceState, Line, Order, OrderKind, Part};

use crate::desk::Desk;

fn key() -> Key {
    Key::order("v-1234-01")
}

fn part(step: Step, invoices: Vec<Invoice>) -> Part {
    Part {
        number: "101".into(),
        kind: OrderKind::Delivery,
        step,
        at: None,
        lines: vec![Line {
            sku: "A".into(),
            warehouse: None,
            external: None,
            ordered: Decimal4::ONE,
            served: None,
        }],
        invoices,
        dispatch: None,
        decision: None,
        reason: None,
    }
}

fn order(part: Part) -> Value {
    Value::Order(Box::new(Order { parts: vec![part] }))
}

fn received() -> Value {
    order(part(Step::Received, Vec::new()))
}

fn invoiced() -> Value {
    let items = vec![InvoiceItem { sku: "A".into(), quantity: Decimal4::ONE, price: Money(100) }];
    let document = Invoice {
        direction: Direction::Output,
        number: "5001".into(),
        series: "1".into(),
        key: None,
        state: InvoiceState::Authorised,
        value: Money(100),
        issued_at: Timestamp(0),
        url: None,
        items,
    };
    order(part(Step::Invoiced, vec![document]))
}

fn shows(status: RemoteStatus, invoices: &[&str]) -> Answer {
    let package = |number: &&str| Package {
        number: (*number).into(),
        direction: Direction::Output,
        value: Money(100),
        key: None,
        tracking: Tracking::default(),
        delivered: false,
    };
    let item = RemoteItem {
        id: "31".into(),
        unique_id: "u1".into(),
        ref_id: "A".into(),
        quantity: 1,
        price: Money(100),
    };
    Answer::Order(OrderAnswer::Order(Box::new(RemoteOrder {
        status,
        complete: true,
        value: Money(100),
        items: vec![item],
        packages: invoices.iter().map(package).collect(),
        cancellations: Vec::new(),
    })))
}

fn act(request: &Request) -> &OrderAct {
    let Call::Order(OrderCall { order, act }) = &request.call else { panic!("{request:?}") };
    assert_eq!(order, "v-1234-01");
    act
}

/// The reading with which every job begins.
fn read(desk: &mut Desk, answer: Answer) {
    let request = desk.send_one();
    assert_eq!(act(&request), &OrderAct::Read);
    desk.answer(request.id, answer);
}

#[test]
fn an_order_is_read_before_anything_is_told_and_at_rest_needs_nothing() {
    let mut desk = Desk::new();
    assert_eq!(desk.want(&key(), received()), Accepted::New);
    read(&mut desk, shows(RemoteStatus::ReadyForHandling, &[]));
    let handling = desk.send_one();
    assert_eq!(act(&handling), &OrderAct::StartHandling);
    desk.answer(handling.id, Answer::Done);
    assert!(desk.settled(&key()) && desk.dispatch.is_idle());
    assert_eq!(desk.want(&key(), received()), Accepted::Suppressed);
    // VTEX may have moved it meanwhile: the next step reads again.
    desk.want(&key(), invoiced());
    read(&mut desk, shows(RemoteStatus::Invoiced, &["5001"]));
    assert!(desk.dispatch.is_idle());
}

#[test]
fn an_invoice_that_was_applied_in_spite_of_a_500_is_found_by_reading() {
    for (lost, found) in [(true, true), (true, false)] {
        let mut desk = Desk::new();
        desk.want(&key(), invoiced());
        read(&mut desk, shows(RemoteStatus::Handling, &[]));
        let invoice = desk.send_one();
        assert!(matches!(act(&invoice), OrderAct::Invoice(_)));
        if lost {
            desk.status(invoice.id, 500);
        }
        assert!(desk.amended(&key()).unwrap().doubtful, "a restart reads too");
        desk.wait(5_000);
        let applied: &[&str] = if found { &["5001"] } else { &[] };
        let status = if found { RemoteStatus::Invoiced } else { RemoteStatus::Handling };
        read(&mut desk, shows(status, applied));
        let requests = desk.send();
        assert_eq!(requests.len(), usize::from(!found), "{requests:?}");
        for request in requests {
            assert!(matches!(act(&request), OrderAct::Invoice(_)), "once more, under the same number");
            desk.answer(request.id, Answer::Done);
        }
    }
}

#[test]
fn an_order_that_was_handled_before_is_read_again_at_once() {
    let mut desk = Desk::new();
    desk.want(&key(), received());
    read(&mut desk, shows(RemoteStatus::ReadyForHandling, &[]));
    let handling = desk.send_one();
    desk.finish(handling.id, Err(Failure::Status { code: 409, body: "OMS003".to_owned() }));
    desk.wait(5_000);
    read(&mut desk, shows(RemoteStatus::Handling, &[]));
    assert!(desk.settled(&key()) && desk.dispatch.is_idle());
}

#[test]
fn after_a_429_orders_are_left_alone_for_a_minute() {
    let mut desk = Desk::new();
    desk.want(&key(), received());
    let request = desk.send_one();
    desk.status(request.id, 429);
    desk.wait(59_000);
    assert_eq!(desk.send(), []);
    desk.wait(2_000);
    read(&mut desk, shows(RemoteStatus::Handling, &[]));
    assert!(desk.dispatch.is_idle());
}

#[test]
fn an_order_that_waits_for_live_goes_on_as_soon_as_live_speaks() {
    let mut desk = Desk::new();
    desk.want(&key(), order(part(Step::Invoiced, Vec::new())));
    read(&mut desk, shows(RemoteStatus::Handling, &[]));
    assert_eq!(desk.state(&key()), Some(KeyState::BackingOff));
    assert_eq!(desk.send(), []);
    desk.want(&key(), invoiced());
    read(&mut desk, shows(RemoteStatus::Handling, &[]));
    let invoice = desk.send_one();
    desk.answer(invoice.id, Answer::Done);
    assert!(desk.settled(&key()));
}

#[test]
fn what_lasts_becomes_somebodys_task_and_is_nobodys_again_when_it_is_seen_to() {
    let mut desk = Desk::new();
    let wanted = order(part(Step::Invoiced, Vec::new()));
    desk.want(&key(), wanted.clone());
    read(&mut desk, shows(RemoteStatus::Handling, &[]));
    for _ in 0..2 {
        desk.wait(10 * 60_000);
        for request in desk.send() {
            desk.answer(request.id, shows(RemoteStatus::Handling, &[]));
        }
    }
    let parked = desk.explain(&key()).unwrap().parked.unwrap();
    assert_eq!(parked.reason, ParkReason::ByHand);
    assert!(parked.hint.contains("fiscal document"), "{}", parked.hint);
    let (dispatch, effects) = (&mut desk.dispatch, &mut desk.effects);
    assert!(dispatch.drop_parked(&key(), effects));
    desk.send();
    assert_eq!(desk.want(&key(), wanted), Accepted::Suppressed, "the same is nobody's task again");
    assert_eq!(desk.want(&key(), invoiced()), Accepted::New);
}

#[test]
fn an_order_that_vtex_does_not_have_is_set_aside_at_once() {
    let mut desk = Desk::new();
    desk.want(&key(), received());
    let request = desk.send_one();
    desk.status(request.id, 404);
    assert_eq!(desk.explain(&key()).unwrap().parked.unwrap().reason, ParkReason::NotFound);
    desk.wait(600_000);
    assert_eq!(desk.send(), []);
}

#[test]
fn orders_have_a_lane_of_their_own() {
    let mut tuning = Tuning::default();
    tuning.paused.insert(Lane::Catalog);
    for limit in [&mut tuning.routes.order_read, &mut tuning.routes.order_write] {
        *limit = RouteLimit { per_second: 1.0, burst: 1 };
    }
    let mut desk = Desk::with(tuning);
    desk.want(&key(), received());
    read(&mut desk, shows(RemoteStatus::ReadyForHandling, &[]));
    assert_eq!(act(&desk.send_one()), &OrderAct::StartHandling);
}

#[test]
fn a_refused_invoice_is_explained_by_what_vtex_shows_then() {
    for (status, reason) in
        [(RemoteStatus::Canceled, ParkReason::ByHand), (RemoteStatus::Handling, ParkReason::Rejected)]
    {
        let mut desk = Desk::new();
        desk.want(&key(), invoiced());
        read(&mut desk, shows(RemoteStatus::Handling, &[]));
        let invoice = desk.send_one();
        desk.status(invoice.id, 400);
        assert_eq!(desk.state(&key()), Some(KeyState::BackingOff), "it may have been cancelled meanwhile");
        desk.wait(5_000);
        read(&mut desk, shows(status, &[]));
        for request in desk.send() {
            assert!(matches!(act(&request), OrderAct::Invoice(_)));
            desk.status(request.id, 400);
        }
        assert_eq!(desk.explain(&key()).unwrap().parked.unwrap().reason, reason);
    }
}

#[test]
fn what_puts_an_order_right_is_not_set_aside_with_it_after_a_restart() {
    let mut desk = Desk::new();
    desk.want(&key(), order(part(Step::Invoiced, Vec::new())));
    read(&mut desk, shows(RemoteStatus::ReadyForHandling, &[]));
    let handling = desk.send_one();
    desk.finish(handling.id, Err(Failure::Timeout));
    for _ in 0..3 {
        desk.wait(10 * 60_000);
        for request in desk.send() {
            desk.finish(
                request.id,
                if matches!(act(&request), OrderAct::Read) {
                    Ok(shows(RemoteStatus::Handling, &[]))
                } else {
                    Err(Failure::Timeout)
                },
            );
        }
    }
    assert_eq!(desk.explain(&key()).unwrap().parked.unwrap().reason, ParkReason::ByHand);
    desk.want(&key(), invoiced());
    if let Some(record) = desk.amended(&key()) {
        assert_eq!(record.parked, None, "the document has come");
    }
}
