//! Units of an order that Live and VTEX both subtract: when they are added to what VTEX is told, and when no more.

use mare::core::call::orders::{OrderAct, OrderAnswer};
use mare::core::call::{Answer, Call};
use mare::core::entity::Key;
use mare::core::money::{Decimal4, Money};
use mare::core::order::{RemoteOrder, RemoteStatus, Step};
use mare::core::value::Value;
use mare::core::value::order::{Line, Order, OrderKind, Part};

use crate::desk::{Desk, quantity, stock, stock_key};

fn order(step: Step) -> Value {
    let (warehouse, sku) = stock_key(0).id.split_once('/').map(|(w, s)| (w.into(), s.into())).unwrap();
    let line =
        Line { sku, warehouse: Some(warehouse), external: None, ordered: Decimal4(20_000), served: None };
    let part = Part {
        number: "101".into(),
        kind: OrderKind::Delivery,
        step,
        at: None,
        lines: vec![line],
        invoices: Vec::new(),
        dispatch: None,
        decision: None,
        reason: None,
    };
    Value::Order(Box::new(Order { parts: vec![part] }))
}

/// A desk where VTEX has been told ten, and Live has written an order of two: eight are left.
fn with_an_order() -> Desk {
    let mut desk = Desk::with_skus();
    desk.confirm(&stock_key(0), stock(10));
    desk.want(&stock_key(0), stock(8));
    booked(&mut desk, order(Step::Received));
    desk
}

fn booked(desk: &mut Desk, value: Value) {
    let key = Key::order("1-01");
    desk.want(&key, value);
    let confirmed = desk.confirmed.clone();
    desk.dispatch.book(&key, &|key| confirmed.get(key).cloned(), desk.now, &mut desk.effects);
}

/// Answers everything, orders with `status`, until nothing is sent any more; the quantities, and what was told of the order.
fn run(desk: &mut Desk, mut status: RemoteStatus, handled: bool) -> (Vec<u32>, Vec<OrderAct>) {
    let (mut quantities, mut acts) = (Vec::new(), Vec::new());
    loop {
        let requests = desk.send();
        if requests.is_empty() {
            return (quantities, acts);
        }
        for request in requests {
            quantities.extend(quantity(&request));
            let Call::Order(call) = &request.call else {
                desk.answer(request.id, Answer::Done);
                continue;
            };
            match &call.act {
                OrderAct::Read => {
                    let remote = RemoteOrder {
                        status: status.clone(),
                        complete: true,
                        value: Money(100),
                        items: Vec::new(),
                        packages: Vec::new(),
                        cancellations: Vec::new(),
                    };
                    desk.answer(request.id, Answer::Order(OrderAnswer::Order(Box::new(remote))));
                }
                act => {
                    acts.push(act.clone());
                    match act {
                        OrderAct::Cancel { .. } => status = RemoteStatus::Canceled,
                        _ if handled => status = RemoteStatus::Handling,
                        _ => {
                            desk.status(request.id, 429);
                            continue;
                        }
                    }
                    desk.answer(request.id, Answer::Done);
                }
            }
        }
    }
}

#[test]
fn while_vtex_reserves_them_too_they_are_added_and_after_start_handling_no_more() {
    let mut desk = with_an_order();
    // Its payment is not settled: VTEX reserves, and so does Live.
    let (told, acts) = run(&mut desk, RemoteStatus::PaymentPending, true);
    assert!(told.iter().all(|told| *told == 10) && acts.is_empty(), "{told:?} {acts:?}");
    // One is sold at a till meanwhile.
    desk.want(&stock_key(0), stock(7));
    assert_eq!(run(&mut desk, RemoteStatus::PaymentPending, true).0, [9]);
    desk.wait(61_000);
    let (told, acts) = run(&mut desk, RemoteStatus::ReadyForHandling, true);
    assert_eq!((told, acts), (vec![7], vec![OrderAct::StartHandling]));
}

#[test]
fn a_start_handling_that_did_not_arrive_leaves_them_added() {
    let mut desk = with_an_order();
    run(&mut desk, RemoteStatus::ReadyForHandling, false);
    desk.want(&stock_key(0), stock(7));
    assert_eq!(run(&mut desk, RemoteStatus::ReadyForHandling, false).0, [9]);
}

#[test]
fn what_is_cancelled_before_vtex_took_it_is_told_though_live_changes_no_quantity() {
    for seen_by_vtex in [false, true] {
        let mut desk = with_an_order();
        run(&mut desk, RemoteStatus::PaymentPending, true);
        let told = if seen_by_vtex {
            // VTEX lets go by itself.
            desk.wait(61_000);
            run(&mut desk, RemoteStatus::Canceled, true).0
        } else {
            // Live goes on reserving for a while.
            booked(&mut desk, order(Step::Cancelled));
            run(&mut desk, RemoteStatus::PaymentPending, true).0
        };
        assert_eq!(told, [8], "seen by VTEX: {seen_by_vtex}");
    }
}
