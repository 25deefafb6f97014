//! Invoices: of several stores, in several documents, of fewer units than were ordered, and taken back.

use super::*;
use RemoteStatus::Handling;

fn of(number: &str, step: Step, documents: Vec<Invoice>) -> Part {
    Part { number: number.into(), invoices: documents, ..part(step) }
}

fn told(run: &Run) -> Vec<&str> {
    run.told.iter().map(String::as_str).collect()
}

#[test]
fn two_stores_invoice_their_parts_of_an_order() {
    let first = of("101", Step::Invoiced, vec![document("70", 4_000)]);
    let waits = of("102", Step::Packed, Vec::new());
    let mut vtex = Vtex::new(Handling);
    let one = run(&mut vtex, &order([first.clone(), waits]));
    assert_eq!((told(&one), &one.end), (vec!["invoice 70"], &Next::Done));
    assert_eq!(vtex.order.status, Handling, "a part of it is missing");
    // The other store's document has the same number, and another series.
    let mut other = document("70", 6_000);
    other.series = "2".into();
    other.key = Some("9".repeat(44).into());
    let second = of("102", Step::Invoiced, vec![other]);
    let both = order([first, second]);
    let two = run(&mut vtex, &both);
    assert_eq!((told(&two), &two.end), (vec!["invoice 70S2"], &Next::Done));
    assert_eq!(vtex.order.status, RemoteStatus::Invoiced);
    assert_eq!(told(&run(&mut vtex, &both)), Vec::<&str>::new());
}

#[test]
fn an_invoice_is_named_so_that_vtex_can_tell_it_from_the_others() {
    let part = |number: &str| Part { number: number.into(), ..part(Step::Invoiced) };
    let named = |number: &str, series: &str| {
        let mut document = document("1", 1);
        (document.number, document.series) = (number.into(), series.into());
        invoice::names(&part("101"), &document).into_iter().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(named("5001", "1"), ["5001", "5001S1", "5001S1P101"]);
    assert_eq!(named("5 001/#", "A-1"), ["5001", "5001SA1", "5001SA1P101"]);
    assert_eq!(named("/", "1"), Vec::<String>::new());
}

#[test]
fn status_and_document_wait_for_each_other() {
    let pending = Invoice { state: InvoiceState::Pending, ..document("5001", VALUE) };
    let bare = Invoice { items: Vec::new(), ..document("5001", VALUE) };
    for documents in [vec![], vec![pending], vec![bare]] {
        let wanted = order([of("101", Step::Invoiced, documents)]);
        let early = run(&mut Vtex::new(Handling), &wanted);
        assert!(matches!(early, Run { ref told, end: Next::Later(_) } if told.is_empty()), "{early:?}");
        let mut site = Site { waited: Duration::from_secs(15 * 60), ..Site::default() };
        let late = site.run(&mut Vtex::new(Handling), &wanted);
        assert_eq!(late, Run { told: Vec::new(), end: Next::GiveUp(tasks::NO_DOCUMENT) });
    }
    // A document before the step is no invoice yet.
    let wanted = order([of("101", Step::Packed, vec![document("5001", VALUE)])]);
    assert_eq!(run(&mut Vtex::new(Handling), &wanted), Run { told: Vec::new(), end: Next::Done });
}

#[test]
fn documents_that_do_not_add_up_are_not_sent() {
    let wanted = |value| order([of("101", Step::Invoiced, vec![document("5001", value)])]);
    let above = run(&mut Vtex::new(Handling), &wanted(VALUE + 1));
    assert_eq!(above, Run { told: Vec::new(), end: Next::GiveUp(tasks::SUM_TOO_LARGE) });
    let below = run(&mut Vtex::new(Handling), &wanted(VALUE - 1));
    assert!(matches!(below, Run { ref told, end: Next::Later(_) } if told.is_empty()), "{below:?}");
    let mut late = Site { waited: Duration::from_secs(15 * 60), ..Site::default() };
    let late = late.run(&mut Vtex::new(Handling), &wanted(VALUE - 1));
    assert_eq!(late, Run { told: Vec::new(), end: Next::GiveUp(tasks::SUM_DIFFERS) });
    let rules = OrderRules { partial_invoices: true, ..OrderRules::default() };
    let mut site = Site { rules, ..Site::default() };
    assert_eq!(told(&site.run(&mut Vtex::new(Handling), &wanted(VALUE - 1))), ["invoice 5001"]);
    // Two documents of one pedido make the whole.
    let both = order([of("101", Step::Invoiced, vec![document("1", 4_000), document("2", 6_000)])]);
    assert_eq!(told(&run(&mut Vtex::new(Handling), &both)), ["invoice 1", "invoice 2"]);
}

#[test]
fn a_document_whose_answer_was_lost_is_not_sent_again() {
    let wanted = order([invoiced(Step::Invoiced)]);
    // VTEX has it under its key, whatever it is called …
    let mut vtex = Vtex::new(RemoteStatus::Invoiced).with_package("5001", VALUE);
    vtex.order.packages[0].number = "other".into();
    assert_eq!(run(&mut vtex, &wanted), Run { told: Vec::new(), end: Next::Done });
    // … or does not show the key.
    vtex.order.packages[0].number = "5001".into();
    vtex.order.packages[0].key = None;
    assert_eq!(run(&mut vtex, &wanted), Run { told: Vec::new(), end: Next::Done });
    // Another document is nobody's but a person's business.
    vtex.order.packages[0].number = "4000".into();
    assert_eq!(run(&mut vtex, &wanted), Run { told: Vec::new(), end: Next::GiveUp(tasks::ALREADY_INVOICED) });
}

#[test]
fn an_item_is_found_by_reference_or_by_what_vtex_calls_its_line() {
    let mut vtex = Vtex::new(Handling);
    vtex.order.items[0].ref_id = "".into();
    let mut wanted = order([invoiced(Step::Invoiced)]);
    assert_eq!(run(&mut vtex, &wanted), Run { told: Vec::new(), end: Next::GiveUp(tasks::UNKNOWN_ITEM) });
    wanted.parts[0].lines[0].external = Some("u1".into());
    assert_eq!(told(&run(&mut vtex, &wanted)), ["invoice 5001"]);
    let mut fraction = order([invoiced(Step::Invoiced)]);
    fraction.parts[0].invoices[0].items[0].quantity = Decimal4(15_000);
    assert_eq!(run(&mut Vtex::new(Handling), &fraction).end, Next::GiveUp(tasks::UNKNOWN_ITEM));
}

fn short() -> Order {
    let mut part = of("101", Step::Invoiced, vec![document("5001", VALUE / 2)]);
    part.lines[0].served = Some(units(1));
    order([part])
}

#[test]
fn what_was_not_picked_is_taken_out_before_the_invoice() {
    let (mut vtex, mut site) = (Vtex::new(Handling), Site::default());
    let asked = site.run(&mut vtex, &short());
    assert_eq!((told(&asked), &asked.end), (vec!["take out 1 of 31"], &Next::Later(PASSING)));
    // VTEX has not done it yet: it is not asked for twice, whatever happens to us meanwhile.
    assert_eq!(site.run(&mut vtex, &short()), Run { told: Vec::new(), end: Next::Later(PASSING) });
    vtex.carry_out_changes();
    let invoiced = site.run(&mut vtex, &short());
    assert_eq!((told(&invoiced), &invoiced.end), (vec!["invoice 5001"], &Next::Done));
    assert_eq!(vtex.order.status, RemoteStatus::Invoiced);
}

#[test]
fn where_vtex_changes_no_order_it_is_invoiced_in_part_and_somebody_is_told() {
    let part_only = |site: &mut Site, vtex: &mut Vtex| {
        let run = site.run(vtex, &short());
        assert_eq!((told(&run), &run.end), (vec!["invoice 5001"], &Next::GiveUp(tasks::SHORT)));
        assert_eq!(vtex.order.status, Handling);
        let again = site.run(vtex, &short());
        assert_eq!(again, Run { told: Vec::new(), end: Next::GiveUp(tasks::SHORT) });
    };
    let mut refuses = Vtex::new(Handling);
    refuses.changes = false;
    part_only(&mut Site::default(), &mut refuses);
    let rules = OrderRules { change_items: false, ..OrderRules::default() };
    part_only(&mut Site { rules, ..Site::default() }, &mut Vtex::new(Handling));
    // It took the change and never carried it out.
    let own = Some(RemoteId::Change("r1".into()));
    let mut site = Site { own, waited: Duration::from_secs(15 * 60), ..Site::default() };
    part_only(&mut site, &mut Vtex::new(Handling));
}

#[test]
fn units_that_are_still_being_picked_are_not_missing() {
    let mut wanted = order([part(Step::Picking)]);
    wanted.parts[0].lines[0].served = Some(units(1));
    assert_eq!(run(&mut Vtex::new(Handling), &wanted), Run { told: Vec::new(), end: Next::Done });
}

#[test]
fn what_one_store_cancels_is_taken_out_when_the_others_invoice() {
    let mut cancelled = part(Step::Cancelled);
    cancelled.lines[0].ordered = units(1);
    let mut goes_on = of("102", Step::Packed, Vec::new());
    goes_on.lines[0].ordered = units(1);
    let (mut vtex, mut site) = (Vtex::new(Handling), Site::default());
    let waits = site.run(&mut vtex, &order([cancelled.clone(), goes_on.clone()]));
    assert_eq!(waits, Run { told: Vec::new(), end: Next::Done });
    let invoiced = Part { step: Step::Invoiced, invoices: vec![document("9", VALUE / 2)], ..goes_on };
    let wanted = order([cancelled, invoiced]);
    assert_eq!(told(&site.run(&mut vtex, &wanted)), ["take out 1 of 31"]);
    vtex.carry_out_changes();
    assert_eq!(told(&site.run(&mut vtex, &wanted)), ["invoice 9"]);
    assert_eq!(vtex.order.status, RemoteStatus::Invoiced);
}

fn taken_back(step: Step) -> Order {
    let cancelled = Invoice { state: InvoiceState::Cancelled, ..document("5001", VALUE) };
    order([of("101", step, vec![cancelled])])
}

#[test]
fn a_document_that_is_taken_back_moves_no_money_unless_it_was_asked_to() {
    let invoiced = || Vtex::new(RemoteStatus::Invoiced).with_package("5001", VALUE);
    for step in [Step::SaleCancelled, Step::InvoiceCancelled] {
        let run = run(&mut invoiced(), &taken_back(step));
        assert_eq!(run, Run { told: Vec::new(), end: Next::GiveUp(tasks::TAKEN_BACK) });
        let rules = OrderRules { refund: true, ..OrderRules::default() };
        let (mut site, mut vtex) = (Site { rules, ..Site::default() }, invoiced());
        let refund = site.run(&mut vtex, &taken_back(step));
        assert_eq!((told(&refund), &refund.end), (vec!["return 5001C"], &Next::Done));
        assert_eq!(site.run(&mut vtex, &taken_back(step)), Run { told: Vec::new(), end: Next::Done }, "once");
        // Before the whole order was invoiced VTEX would pay nothing back.
        for mut vtex in [Vtex::new(Handling), Vtex::new(Handling).with_package("5001", VALUE / 2)] {
            let early = site.run(&mut vtex, &taken_back(step));
            assert_eq!(early, Run { told: Vec::new(), end: Next::GiveUp(tasks::TAKEN_BACK_EARLY) });
        }
    }
}

#[test]
fn a_document_that_was_replaced_after_vtex_had_it_is_for_somebody() {
    let old = Invoice { state: InvoiceState::Cancelled, ..document("5001", VALUE) };
    let wanted = order([of("101", Step::Invoiced, vec![old, document("5002", VALUE)])]);
    let mut vtex = Vtex::new(RemoteStatus::Invoiced).with_package("5001", VALUE);
    assert_eq!(run(&mut vtex, &wanted), Run { told: Vec::new(), end: Next::GiveUp(tasks::ALREADY_INVOICED) });
    // Before VTEX had the first, the second is all there is.
    assert_eq!(told(&run(&mut Vtex::new(Handling), &wanted)), ["invoice 5002"]);
}
