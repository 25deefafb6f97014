//! Cancelling from either side, and the races between the two.

use super::*;
use RemoteStatus::{CancellationRequested as Asked, Handling};

fn decided(part: Part, decision: Decision) -> Order {
    order([Part { decision: Some(decision), ..part }])
}

/// Each row: what VTEX shows, what Live wants, what is told, how it ends.
#[test]
fn who_wants_an_order_cancelled_is_heard_before_anything_is_invoiced() {
    let asked = || Vtex::new(Asked).asked_to_cancel();
    let handling = || Vtex::new(Handling);
    let late = || Vtex::new(Handling).asked_to_cancel();
    let packed = || part(Step::Packed);
    let table: Vec<(&str, Vtex, Order, &[&str], Next)> = vec![
        ("asked, undecided", asked(), order([packed()]), &[], Next::Later(SELDOM)),
        (
            "asked, invoiced meanwhile",
            asked(),
            order([invoiced(Step::Invoiced)]),
            &[],
            Next::GiveUp(tasks::UNDECIDED),
        ),
        ("asked, accepted", asked(), decided(packed(), Decision::Accept), &["cancel"], Next::Done),
        ("asked, cancelled in Live", asked(), order([part(Step::Cancelled)]), &["cancel"], Next::Done),
        ("asked, denied", asked(), decided(packed(), Decision::Deny), &["deny c1"], Next::Done),
        (
            "asked, denied and invoiced",
            asked(),
            decided(invoiced(Step::Invoiced), Decision::Deny),
            &["deny c1", "invoice 5001"],
            Next::Done,
        ),
        (
            "denied, without the request",
            Vtex::new(Asked),
            decided(packed(), Decision::Deny),
            &[],
            Next::GiveUp(tasks::UNKNOWN_REQUEST),
        ),
        // The status is late (known issues 792650, 1242813).
        (
            "asked, and not shown yet",
            late(),
            order([invoiced(Step::Invoiced)]),
            &[],
            Next::GiveUp(tasks::UNDECIDED),
        ),
        (
            "asked, not shown, denied",
            late(),
            decided(invoiced(Step::Invoiced), Decision::Deny),
            &["deny c1", "invoice 5001"],
            Next::Done,
        ),
        ("cancelled by the store", handling(), order([part(Step::Cancelled)]), &["cancel"], Next::Done),
        (
            "invoiced in VTEX",
            handling().with_package("5001", VALUE),
            order([part(Step::Cancelled)]),
            &[],
            Next::GiveUp(tasks::CANCEL_INVOICED),
        ),
        (
            "invoiced in part",
            handling().with_package("5001", 10),
            order([part(Step::Rejected)]),
            &[],
            Next::GiveUp(tasks::CANCEL_INVOICED),
        ),
    ];
    for (what, mut vtex, wanted, told, end) in table {
        let run = run(&mut vtex, &wanted);
        assert_eq!(run, Run { told: told.iter().map(|it| (*it).to_owned()).collect(), end }, "{what}");
    }
}

#[test]
fn an_order_that_vtex_has_cancelled_is_left_alone() {
    for (status, task) in [
        (RemoteStatus::Canceled, tasks::CANCELED_UPSTREAM),
        (RemoteStatus::Replaced, tasks::REPLACED_UPSTREAM),
    ] {
        for step in [Step::Invoiced, Step::Dispatched, Step::Delivered, Step::ClosedAtTill] {
            let run = run(&mut Vtex::new(status.clone()), &order([invoiced(step)]));
            assert_eq!(run, Run { told: Vec::new(), end: Next::GiveUp(task) }, "{status} {step}");
        }
        for step in [Step::Received, Step::Packed, Step::Cancelled] {
            let run = run(&mut Vtex::new(status.clone()), &order([part(step)]));
            assert_eq!(run, Run { told: Vec::new(), end: Next::Done }, "{status} {step}");
        }
    }
}

#[test]
fn what_a_sales_person_was_paid_is_cancelled_by_hand() {
    let wanted = order([Part { kind: OrderKind::Seller, ..part(Step::Cancelled) }]);
    let mut vtex = Vtex::new(Handling);
    let end = Next::GiveUp(tasks::SELLER_PAYMENT);
    assert_eq!(run(&mut vtex, &wanted), Run { told: vec!["cancel".to_owned()], end: end.clone() });
    assert_eq!(run(&mut vtex, &wanted), Run { told: Vec::new(), end }, "until somebody has seen to it");
}

#[test]
fn nothing_is_cancelled_on_an_old_reading() {
    let mut vtex = Vtex::new(RemoteStatus::ReadyForHandling);
    run(&mut vtex, &order([part(Step::Received)]));
    assert_eq!(vtex.reads, 1);
    // Told between two steps of the same job: read again before the invoice.
    let mut vtex = Vtex::new(RemoteStatus::ReadyForHandling);
    run(&mut vtex, &order([invoiced(Step::Invoiced)]));
    assert_eq!(vtex.reads, 2);
}

#[test]
fn the_reasons_of_staff_are_told_once_each() {
    let cancelled = |number: &str, reason: &str| Part {
        number: number.into(),
        reason: Some(reason.to_owned()),
        ..part(Step::Cancelled)
    };
    let wanted = order([cancelled("1", "sem estoque "), cancelled("2", "sem estoque"), cancelled("3", " ")]);
    assert_eq!(cancel::reason(&wanted, "x").0, "sem estoque");
    assert_eq!(cancel::reason(&order([part(Step::Cancelled)]), "x").0, "x");
}
