//! The judgement: what is right passes, and each expectation fails where it is not. The protocol for people and machines.

use super::*;
use crate::core::money::Money;
use crate::core::order::{Direction, Package, Phase, RemoteItem, RemoteOrder, RemoteStatus, Step, Tracking};
use crate::core::value::order::{InvoiceState, OrderKind};

const KEY: &str = "00000000000000000000559900000000011000000010";

fn item(quantity: i64) -> RemoteItem {
    RemoteItem {
        id: "1".into(),
        unique_id: "A".into(),
        ref_id: "100001-01".into(),
        quantity,
        price: Money(4_990),
    }
}

fn package(number: &str, direction: Direction) -> Package {
    Package {
        number: number.into(),
        direction,
        value: Money(11_480),
        key: Some(KEY.into()),
        tracking: Tracking { number: Some("BR1".into()), ..Tracking::default() },
        delivered: true,
    }
}

fn remote(status: &str, packages: Vec<Package>) -> RemoteOrder {
    RemoteOrder {
        status: RemoteStatus::from(status),
        complete: true,
        value: Money(11_480),
        items: vec![item(2)],
        packages,
        cancellations: Vec::new(),
    }
}

fn document() -> Document {
    Document {
        number: "1".into(),
        series: "990".into(),
        key: Some(KEY.into()),
        state: Some(InvoiceState::Authorised),
        sale: true,
        value: Money(11_480),
    }
}

fn pedido(step: Step, documents: Vec<Document>) -> Pedido {
    Pedido {
        number: "7".into(),
        external: "1400-01".into(),
        kind: Some(OrderKind::Pickup),
        code: 75,
        step: Some(step),
        total: Ok(Money(11_480)),
        lines: Ok(Lines { count: 1, units: 2, unreserved: Some(0) }),
        paid: Ok(Money(11_480)),
        customer: Ok(true),
        manual_payment: Ok(true),
        documents: Ok(documents),
        tracking: Some("BR1".into()),
    }
}

/// A pick-up that is closed at the till, and all that follows from it.
fn closed() -> Seen {
    let pedidos = vec![pedido(Step::ClosedAtTill, vec![document()])];
    let mare = MareSeen {
        wanted: vec![Step::ClosedAtTill],
        confirmed: vec![Step::ClosedAtTill],
        rests: true,
        ..MareSeen::default()
    };
    Seen {
        live: Ok(LiveSeen { pedidos, reserved: Some((10, 12)) }),
        vtex: Ok(remote("invoiced", vec![package("1", Direction::Output)])),
        mare: Ok(mare),
    }
}

fn placed() -> Seen {
    Seen { vtex: Ok(remote("ready-for-handling", Vec::new())), ..closed() }
}

fn with_task(hint: &str) -> Seen {
    let parked = Some(("by-hand".to_owned(), hint.to_owned()));
    Seen { mare: Ok(MareSeen { parked, ..MareSeen::default() }), ..closed() }
}

fn paid_back() -> Seen {
    let packages = vec![package("1", Direction::Output), package("1C", Direction::Input)];
    Seen { vtex: Ok(remote("invoiced", packages)), ..closed() }
}

fn live(mut seen: Seen, change: impl Fn(&mut Pedido)) -> Seen {
    change(&mut seen.live.as_mut().unwrap().pedidos[0]);
    seen
}

fn at(step: Step) -> Seen {
    live(closed(), |pedido| pedido.step = Some(step))
}

fn with_document(change: impl Fn(&mut Document)) -> Seen {
    live(closed(), |pedido| change(&mut pedido.documents.as_mut().unwrap()[0]))
}

fn vtex(mut seen: Seen, change: impl Fn(&mut RemoteOrder)) -> Seen {
    change(seen.vtex.as_mut().unwrap());
    seen
}

fn mare(mut seen: Seen, change: impl Fn(&mut MareSeen)) -> Seen {
    change(seen.mare.as_mut().unwrap());
    seen
}

type Case = (Expect, Seen, Vec<Seen>);

/// An expectation, where it holds, and places where it must not.
fn cases() -> Vec<Case> {
    [entry_cases(), step_cases(), document_cases()].into_iter().flatten().collect()
}

fn entry_cases() -> Vec<Case> {
    vec![
        (
            Expect::Placed,
            placed(),
            vec![
                vtex(placed(), |order| order.complete = false),
                vtex(placed(), |order| order.status = RemoteStatus::Canceled),
                vtex(placed(), |order| order.status = RemoteStatus::from("new-and-odd")),
            ],
        ),
        (
            Expect::Entered(OrderKind::Pickup),
            closed(),
            vec![
                live(closed(), |pedido| pedido.kind = None),
                live(closed(), |pedido| pedido.kind = Some(OrderKind::Delivery)),
                Seen { live: Ok(LiveSeen::default()), ..closed() },
            ],
        ),
        (
            Expect::Lines,
            closed(),
            vec![
                vtex(closed(), |order| order.items = vec![item(1), item(1)]),
                vtex(closed(), |order| order.items.clear()),
                vtex(closed(), |order| order.items = vec![item(3)]),
            ],
        ),
        (Expect::Value, closed(), vec![live(closed(), |pedido| pedido.total = Ok(Money(11_479)))]),
        (Expect::Paid, closed(), vec![live(closed(), |pedido| pedido.paid = Ok(Money(0)))]),
        (Expect::Customer, closed(), vec![live(closed(), |pedido| pedido.customer = Ok(false))]),
        (Expect::ManualPayment, closed(), vec![live(closed(), |pedido| pedido.manual_payment = Ok(false))]),
        (
            Expect::Reserved,
            closed(),
            vec![
                live(closed(), |pedido| pedido.lines.as_mut().unwrap().unreserved = Some(1)),
                live(closed(), |pedido| pedido.lines.as_mut().unwrap().units = 3),
            ],
        ),
    ]
}

fn step_cases() -> Vec<Case> {
    vec![
        (
            Expect::Reached(Step::Packed),
            closed(),
            vec![
                at(Step::Picking),
                at(Step::Cancelled),
                at(Step::SaleCancelled),
                live(closed(), |pedido| pedido.step = None),
            ],
        ),
        (Expect::Reached(Step::Cancelled), at(Step::Cancelled), vec![closed(), at(Step::Rejected)]),
        (
            Expect::Shows(Phase::Invoiced),
            closed(),
            vec![placed(), vtex(closed(), |order| order.status = RemoteStatus::Canceled)],
        ),
        (Expect::Known, closed(), vec![mare(closed(), |mare| mare.wanted = vec![Step::Packed])]),
        (
            Expect::Told,
            closed(),
            vec![
                mare(closed(), |mare| mare.confirmed.clear()),
                mare(closed(), |mare| mare.confirmed.push(Step::Packed)),
                live(closed(), |pedido| pedido.step = None),
            ],
        ),
        (
            Expect::Equal,
            closed(),
            vec![
                placed(),
                vtex(closed(), |order| order.packages[0].delivered = false),
                at(Step::Packed),
                at(Step::Dispatched),
                at(Step::Cancelled),
                live(closed(), |pedido| pedido.step = None),
            ],
        ),
        (Expect::Resting, closed(), vec![mare(closed(), |mare| mare.rests = false)]),
        (
            Expect::Task(Task::TakenBack),
            with_task("whether the customer is paid back"),
            vec![
                closed(),
                with_task("something else"),
                mare(with_task("whether the customer is paid back"), |mare| {
                    mare.parked.as_mut().unwrap().0 = "rejected".to_owned();
                }),
            ],
        ),
        (
            Expect::Task(Task::PaymentByHand),
            with_task("cancel that by hand"),
            vec![with_task("whether the customer is paid back")],
        ),
    ]
}

fn document_cases() -> Vec<Case> {
    let pending = || with_document(|document| document.state = Some(InvoiceState::Pending));
    let none = || live(closed(), |pedido| pedido.documents = Ok(Vec::new()));
    vec![
        (
            Expect::Document,
            closed(),
            vec![none(), pending(), with_document(|document| document.sale = false)],
        ),
        (Expect::NoMoreInvoices, closed(), vec![none(), pending()]),
        (
            Expect::Invoices,
            closed(),
            vec![
                none(),
                vtex(closed(), |order| order.packages.clear()),
                vtex(closed(), |order| order.packages[0].number = "2".into()),
                vtex(closed(), |order| order.packages[0].value = Money(1)),
                vtex(closed(), |order| order.packages[0].key = Some("9".into())),
                vtex(closed(), |order| order.value = Money(1)),
                vtex(closed(), |order| order.packages.push(package("1", Direction::Output))),
            ],
        ),
        (
            Expect::Tracking,
            closed(),
            vec![
                live(closed(), |pedido| pedido.tracking = None),
                vtex(closed(), |order| order.packages[0].tracking.number = None),
            ],
        ),
        (
            Expect::Delivered,
            closed(),
            vec![placed(), vtex(closed(), |order| order.packages[0].delivered = false)],
        ),
        (Expect::NotPaidBack, closed(), vec![paid_back()]),
        (
            Expect::PaidBack,
            paid_back(),
            vec![closed(), vtex(paid_back(), |order| order.packages[1].value = Money(1))],
        ),
    ]
}

#[test]
fn each_expectation_passes_where_it_holds_and_fails_where_it_does_not() {
    for (expect, right, wrong) in cases() {
        let check = expect.judge(&right);
        assert!(check.pass, "{expect:?}: {check:?}");
        assert!(!wrong.is_empty(), "{expect:?}");
        for (place, seen) in wrong.iter().enumerate() {
            let check = expect.judge(seen);
            assert!(!check.pass, "{expect:?}, {place}: {check:?}");
        }
    }
}

#[test]
fn what_nobody_could_look_at_fails_with_the_reason() {
    let mut hidden_ones = 0;
    for (expect, right, _) in cases() {
        let dark = || "dark".to_owned();
        let blind = Seen { live: Err(dark()), vtex: Err(dark()), mare: Err(dark()) };
        let check = expect.judge(&blind);
        assert_eq!((check.pass, &*check.seen), (false, "dark"), "{expect:?}");
        let hidden = live(right, |pedido| {
            pedido.total = Err("hidden".to_owned());
            pedido.paid = Err("hidden".to_owned());
            pedido.customer = Err("hidden".to_owned());
            pedido.manual_payment = Err("hidden".to_owned());
            pedido.lines = Err("hidden".to_owned());
            pedido.documents = Err("hidden".to_owned());
        });
        let check = expect.judge(&hidden);
        assert!(check.pass != (check.seen == "hidden"), "{expect:?}: {check:?}");
        hidden_ones += usize::from(!check.pass);
    }
    assert_eq!(
        hidden_ones, 9,
        "lines, value, paid, customer, payment, reserved, document, and both of invoices"
    );
}

#[test]
fn a_document_is_known_by_its_number_with_or_without_the_series() {
    let document = Document { number: "0012".into(), ..document() };
    assert!(["12", "0012", "12S990"].into_iter().all(|name| document.is_called(name)));
    assert!(!["1", "112", "12S1", "12C", ""].into_iter().any(|name| document.is_called(name)));
}

#[test]
fn every_expectation_is_in_a_journey_and_a_step_without_a_code_is_in_none() {
    let journeys = |refund, codes: bool| -> Vec<Stage> {
        let code = |step: Step| (codes || step != Step::Labelled).then_some(1);
        let stages = |kind| Journey::new(kind, Rules { refund, code: &code }).stages;
        Kind::ALL.into_iter().flat_map(stages).collect()
    };
    let all: Vec<Stage> = [journeys(false, true), journeys(true, true)].concat();
    for (expect, ..) in cases() {
        assert!(all.iter().any(|stage| stage.expect.contains(&expect)), "{expect:?}");
    }
    let labelled = |stages: &[Stage]| stages.iter().any(|stage| stage.title.contains("etiquetado"));
    assert!(labelled(&journeys(false, true)) && !labelled(&journeys(false, false)));
    // Whoever has to do something is told what.
    assert!(all.iter().all(|stage| stage.trigger == Trigger::None || stage.hint.is_some()));
}

#[test]
fn a_trigger_waits_for_all_pedidos() {
    let mut seen = closed().live.unwrap();
    assert!(Trigger::Reached(Step::Packed).holds(&seen) && Trigger::Document.holds(&seen));
    seen.pedidos.push(pedido(Step::Picking, Vec::new()));
    assert!(!Trigger::Reached(Step::Packed).holds(&seen) && !Trigger::Document.holds(&seen));
    assert!(Trigger::Entered.holds(&seen) && !Trigger::Entered.holds(&LiveSeen::default()));
    assert!(!Trigger::Reached(Step::Packed).holds(&LiveSeen::default()));
}

/// A failed journey with everything that a protocol can have.
fn protocol() -> Protocol {
    let stage = |number, title: &str, verdict, check: Check| StageRecord {
        verdict,
        at: Some("2026-11-25 10:00:00 -03:00".to_owned()),
        took_ms: Some(1_250),
        checks: vec![check],
        ..StageRecord::not_run(number, title.to_owned(), Actor::Store)
    };
    let failed = StageRecord {
        note: Some("not seen in Live within 5 s: <do> it".to_owned()),
        ..stage(2, "second", Verdict::Fail, Expect::Shows(Phase::Invoiced).judge(&placed()))
    };
    let journey = JourneyRecord {
        journey: Kind::Pickup,
        title: Kind::Pickup.title(),
        verdict: Verdict::NotRun,
        order: Some("1400-01".to_owned()),
        sequence: Some("500001".to_owned()),
        pedidos: vec!["7".to_owned()],
        stages: vec![
            stage(1, "first", Verdict::Pass, Expect::Value.judge(&closed())),
            failed,
            StageRecord::not_run(3, "third".to_owned(), Actor::Till),
        ],
    };
    Protocol {
        verdict: Verdict::NotRun,
        version: "0.1.0".to_owned(),
        account: "loja<script>\"'&".to_owned(),
        live: "live on db (Postgres)".to_owned(),
        played_by: "people".to_owned(),
        begun: "2026-11-25 09:59:00 -03:00".to_owned(),
        ended: "2026-11-25 10:01:00 -03:00".to_owned(),
        journeys: vec![journey.judged()],
    }
    .judged()
}

#[test]
fn the_protocol_reads_like_this() {
    let expected = "\
Validation by maré 0.1.0
  VTEX      loja<script>\"'&
  Live      live on db (Postgres)
  played by people
  begun     2026-11-25 09:59:00 -03:00

Retira Loja (pickup)
  1 ✓  PASS    store: first  2026-11-25 10:00:00 -03:00  1.2 s
      ✓ both  pedidos worth what the order is: Live 114.80, VTEX 114.80
  2 ✗  FAIL    store: second  2026-11-25 10:00:00 -03:00  1.2 s
        not seen in Live within 5 s: <do> it
      ✗ VTEX  status invoiced: ready-for-handling
  3 –  not run PDV: third
    FAIL Retira Loja: order 1400-01 (500001), pedido 7

FAIL: 0 of 1 journeys passed, 2026-11-25 10:01:00 -03:00
";
    let protocol = protocol();
    let mut shown = text::head(&protocol);
    for journey in &protocol.journeys {
        shown.push_str(&text::title(journey));
        journey.stages.iter().for_each(|stage| shown.push_str(&text::stage(stage)));
        shown.push_str(&text::ending(journey));
    }
    assert_eq!(shown + &text::end(&protocol), expected);
}

#[test]
fn the_protocol_is_the_same_for_machines() {
    let json = serde_json::to_value(protocol()).unwrap();
    let stages = &json["journeys"][0]["stages"];
    assert_eq!(
        stages[1],
        serde_json::json!({
            "number": 2, "title": "second", "actor": "store", "verdict": "fail",
            "at": "2026-11-25 10:00:00 -03:00", "took_ms": 1_250,
            "note": "not seen in Live within 5 s: <do> it",
            "checks": [{
                "side": "vtex", "expected": "status invoiced", "seen": "ready-for-handling", "pass": false,
            }],
        })
    );
    let facts = ["verdict", "version", "account", "live", "played_by", "begun", "ended"];
    assert!(facts.into_iter().all(|fact| json[fact].is_string()), "{json:#}");
    assert_eq!((&json["journeys"][0]["journey"], &json["verdict"]), (&"pickup".into(), &"fail".into()));
    assert_eq!(stages[2]["verdict"], "not-run");
}

#[test]
fn the_page_is_escaped_needs_nothing_else_and_says_what_failed() {
    let page = html::page(&protocol());
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for part in [
        "loja&lt;script&gt;&quot;&#39;&amp;",
        "&lt;do&gt; it",
        "<h1>Validation: <span class=\"fail\">FAIL</span></h1>",
        "order 1400-01 (500001), pedido 7",
        "<tr class=\"check\"><td>VTEX</td><td>status invoiced</td><td colspan=\"2\">ready-for-handling</td>\
         <td><span class=\"fail\">FAIL</span></td></tr>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for loaded in ["<script", "http", "src=", "<link", "@import", "url("] {
        assert!(!page.contains(loaded), "{loaded}: {page}");
    }
    for tag in ["table", "tr", "td", "tbody", "p", "h2"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn nothing_at_all_is_no_success() {
    let empty = Protocol { journeys: Vec::new(), ..protocol() }.judged();
    assert_eq!(empty.verdict, Verdict::Fail);
    let mut passed = protocol();
    passed.journeys[0].stages.iter_mut().for_each(|stage| stage.verdict = Verdict::Pass);
    passed.journeys[0] = passed.journeys[0].clone().judged();
    assert_eq!(passed.judged().verdict, Verdict::Pass);
}
