//! The steps of a pedido, and what VTEX is told of each.

use super::*;
use RemoteStatus::{Handling, ReadyForHandling as Ready};

fn pickup(part: Part) -> Part {
    Part { kind: OrderKind::Pickup, ..part }
}

/// Every step, from every status in which VTEX may meet it; steps that staff skipped are caught up with.
#[test]
fn every_step_tells_vtex_what_it_lacks_and_no_more() {
    let all = ["handle", "invoice 5001", "track 5001", "delivered 5001"];
    let table: Vec<(RemoteStatus, Part, &[&str])> = vec![
        (Ready, part(Step::Received), &all[..1]),
        (Ready, part(Step::Labelled), &all[..1]),
        (Handling, part(Step::Received), &[]),
        (Handling, part(Step::Accepted), &[]),
        (Handling, part(Step::Picking), &[]),
        (Handling, part(Step::Packed), &[]),
        (Handling, part(Step::Labelled), &[]),
        (Handling, pickup(part(Step::ReadyForPickup)), &[]),
        (Handling, pickup(part(Step::RecoveredAtTill)), &[]),
        (Handling, invoiced(Step::Invoiced), &all[1..2]),
        (Handling, invoiced(Step::Dispatched), &all[1..3]),
        (Handling, invoiced(Step::Delivered), &all[1..]),
        (Ready, invoiced(Step::Delivered), &all),
        (Ready, invoiced(Step::Invoiced), &all[..2]),
        (Handling, pickup(invoiced(Step::ClosedAtTill)), &all[1..]),
        (Ready, pickup(invoiced(Step::ClosedAtTill)), &all),
        (Ready, part(Step::Cancelled), &["cancel"]),
        (Handling, part(Step::Cancelled), &["cancel"]),
        (Handling, part(Step::Rejected), &["cancel"]),
        (RemoteStatus::PaymentPending, part(Step::Cancelled), &["cancel"]),
        (RemoteStatus::ReadyForInvoicing, part(Step::Packed), &[]),
    ];
    for (status, part, told) in table {
        let (mut vtex, wanted) = (Vtex::new(status.clone()), order([part.clone()]));
        assert_eq!(
            run(&mut vtex, &wanted),
            Run { told: told.iter().map(|it| (*it).to_owned()).collect(), end: Next::Done },
            "{status} {part:?}"
        );
        assert_eq!(
            run(&mut vtex, &wanted),
            Run { told: Vec::new(), end: Next::Done },
            "again: {status} {part:?}"
        );
    }
}

#[test]
fn a_pedido_that_goes_back_tells_nothing() {
    let mut vtex = Vtex::new(Handling);
    run(&mut vtex, &order([invoiced(Step::Delivered)]));
    let before = vtex.order.clone();
    for step in [Step::Received, Step::Picking, Step::Invoiced, Step::Dispatched] {
        let back = Part { step, ..invoiced(Step::Delivered) };
        assert_eq!(run(&mut vtex, &order([back])), Run { told: Vec::new(), end: Next::Done }, "{step}");
    }
    assert_eq!(vtex.order, before);
}

#[test]
fn what_vtex_is_at_work_on_is_looked_at_again() {
    let wait = |status, wanted: &Order| match run(&mut Vtex::new(status), wanted) {
        Run { told, end: Next::Later(_) } => assert_eq!(told, Vec::<String>::new()),
        other => panic!("{other:?}"),
    };
    for part in [part(Step::Received), invoiced(Step::Delivered)] {
        let wanted = order([part]);
        for status in [
            RemoteStatus::PaymentPending,
            RemoteStatus::WindowToCancel,
            RemoteStatus::StartHandling,
            RemoteStatus::Invoice,
            RemoteStatus::Cancel,
            RemoteStatus::Incomplete,
            RemoteStatus::RequestCancel,
            RemoteStatus::Other("waiting-for-drone".into()),
        ] {
            wait(status, &wanted);
        }
    }
    // Some parts of it are missing.
    let mut vtex = Vtex::new(Ready);
    vtex.order.complete = false;
    assert!(matches!(run(&mut vtex, &order([part(Step::Received)])).end, Next::Later(_)));
}

#[test]
fn what_does_not_move_becomes_somebodys_task() {
    let long = || Site { waited: Duration::from_secs(3600), ..Site::default() };
    let table = [
        (RemoteStatus::RequestCancel, tasks::STUCK_CANCEL),
        (RemoteStatus::Other("waiting-for-drone".into()), tasks::UNKNOWN_STATUS),
    ];
    for (status, task) in table {
        let end = long().run(&mut Vtex::new(status), &order([part(Step::Received)])).end;
        assert_eq!(end, Next::GiveUp(task));
    }
    let mut stuck = Site { attempts: STUCK_ATTEMPTS, ..Site::default() };
    let end = stuck.run(&mut Vtex::new(Ready), &order([part(Step::Received)])).end;
    assert_eq!(end, Next::GiveUp(tasks::STUCK_HANDLING));
}

#[test]
fn tracking_is_corrected_and_not_repeated() {
    let mut vtex = Vtex::new(Handling);
    run(&mut vtex, &order([invoiced(Step::Dispatched)]));
    let mut other = dispatched();
    other.tracking.number = Some("BR456".into());
    let corrected = order([Part { dispatch: Some(other), ..invoiced(Step::Dispatched) }]);
    assert_eq!(run(&mut vtex, &corrected).told, ["track 5001"]);
    assert_eq!(run(&mut vtex, &corrected).told, Vec::<String>::new());
    // A courier without a number says nothing that VTEX could follow.
    let mut unnumbered = dispatched();
    unnumbered.tracking.number = None;
    let own = order([Part { dispatch: Some(unnumbered), ..invoiced(Step::Delivered) }]);
    assert_eq!(run(&mut vtex, &own).told, ["delivered 5001"]);
}

#[test]
fn notes_are_of_the_newest_step_and_only_when_asked_for() {
    let mut vtex = Vtex::new(Ready);
    assert_eq!(run(&mut vtex, &order([part(Step::Picking)])).told, ["handle"]);
    let rules = OrderRules { notes: true, ..OrderRules::default() };
    let mut site = Site { rules, confirmed: Some(order([part(Step::Received)])), ..Site::default() };
    assert_eq!(site.run(&mut vtex, &order([part(Step::Packed)])).told, ["note pedido 101: empacotado"]);
    site.confirmed = Some(order([part(Step::Packed)]));
    assert_eq!(site.run(&mut vtex, &order([part(Step::Packed)])).told, Vec::<String>::new());
    assert_eq!(site.run(&mut vtex, &order([part(Step::Picking)])).told, Vec::<String>::new(), "backward");
    // Whether VTEX has it cannot be seen.
    site.read_first = true;
    assert_eq!(site.run(&mut vtex, &order([part(Step::Labelled)])).told, Vec::<String>::new());
}
