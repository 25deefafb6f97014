//! Whatever VTEX shows and whatever Live wants: it ends, nothing is told twice, and nothing goes backwards.

use proptest::prelude::*;

use super::*;

fn any_step() -> impl Strategy<Value = Step> {
    proptest::sample::select(Step::ALL)
}

fn any_status() -> impl Strategy<Value = RemoteStatus> {
    let unknown = Just(RemoteStatus::Other("waiting-for-drone".into()));
    prop_oneof![9 => proptest::sample::select(RemoteStatus::KNOWN), 1 => unknown]
}

prop_compose! {
    fn any_document()(
        number in 1..4_u32,
        value in prop_oneof![Just(VALUE), Just(VALUE / 2), 1..VALUE * 2],
        state in proptest::sample::select(vec![
            InvoiceState::Authorised, InvoiceState::Authorised, InvoiceState::Cancelled, InvoiceState::Pending,
        ]),
        with_key: bool,
        units_of in 1..3_i64,
    ) -> Invoice {
        let mut invoice = Invoice { state, ..document(&number.to_string(), value) };
        invoice.items[0].quantity = units(units_of);
        if !with_key { invoice.key = None; }
        invoice
    }
}

prop_compose! {
    fn any_part(number: u32)(
        step in any_step(),
        kind in proptest::sample::select(vec![OrderKind::Pickup, OrderKind::Delivery, OrderKind::Seller]),
        mut invoices in proptest::collection::vec(any_document(), 0..3),
        served in proptest::option::of(0..3_i64),
        is_dispatched: bool,
        decision in proptest::option::of(proptest::sample::select(vec![Decision::Accept, Decision::Deny])),
    ) -> Part {
        // A store has each number once.
        for (at, invoice) in invoices.iter_mut().enumerate() {
            invoice.series = format!("{number}{at}").into();
            if let Some(key) = &mut invoice.key {
                *key = format!("{number}{at}{:0>42}", invoice.number).into();
            }
        }
        let mut part = Part {
            number: number.to_string().into(),
            kind,
            step,
            invoices,
            dispatch: is_dispatched.then(dispatched),
            decision,
            ..part(step)
        };
        part.lines[0].served = served.map(units);
        part
    }
}

fn any_order() -> impl Strategy<Value = Order> {
    prop_oneof![
        any_part(1).prop_map(|part| order([part])),
        (any_part(1), any_part(2)).prop_map(|(one, other)| order([one, other])),
    ]
}

prop_compose! {
    fn any_vtex()(status in any_status(), asked: bool, changes: bool, partly: bool) -> Vtex {
        let mut vtex = Vtex::new(status);
        if asked { vtex = vtex.asked_to_cancel(); }
        let may_have = matches!(vtex.order.status, RemoteStatus::Handling | RemoteStatus::Invoiced);
        if may_have && partly { vtex = vtex.with_package("77", VALUE / 2); }
        vtex.changes = changes;
        vtex
    }
}

prop_compose! {
    fn any_rules()(notes: bool, refund: bool, change_items: bool, partial_invoices: bool) -> OrderRules {
        OrderRules { notes, refund, change_items, partial_invoices, ..OrderRules::default() }
    }
}

/// How far an order is; it never gets less.
fn progress(order: &RemoteOrder) -> (u8, usize, usize) {
    let phase = match order.status.phase() {
        Phase::Invoiced => 3,
        Phase::Handling => 2,
        Phase::Ready => 1,
        _ => 0,
    };
    (phase, order.packages.len(), order.packages.iter().filter(|package| package.delivered).count())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// The model panics when a cancelled order is invoiced, a number is used twice, an effect is repeated, or more is
    /// invoiced than the order is worth.
    #[test]
    fn every_plan_ends_and_does_no_harm(
        mut vtex in any_vtex(), first in any_order(), second in any_order(), rules in any_rules(),
    ) {
        let mut site = Site { rules, ..Site::default() };
        for wanted in [&first, &second] {
            let mut told = Vec::new();
            for _ in 0..3 {
                let before = vtex.order.clone();
                let run = site.run(&mut vtex, wanted);
                for effect in &run.told {
                    prop_assert!(!told.contains(effect), "twice: {effect} of {told:?}");
                }
                let canceled = vtex.order.status.phase() == Phase::Canceled;
                prop_assert!(canceled || before.status.phase() == Phase::CancellationAsked
                    || progress(&before) <= progress(&vtex.order), "{:?} {:?}", before, vtex.order);
                told.extend(run.told);
                if run.end == Next::Done {
                    site.confirmed = Some(wanted.clone());
                }
                vtex.carry_out_changes();
            }
        }
    }
}
