//! Rows of Live and what they mean for VTEX, as tables.

use super::*;
use crate::core::money::{Decimal4, Money};
use crate::core::order::{Direction, Step, Tracking};
use crate::core::time::Timestamp;
use crate::core::value::order::{Decision, Dispatched, InvoiceState, OrderKind};

fn pedido(number: &str, status: i64) -> PedidoRows {
    PedidoRows {
        pedido: PedidoRow {
            number: number.into(),
            kind: 2,
            status,
            status_at: Some(Timestamp(5)),
            decision: None,
            reason: None,
            courier: None,
            tracking: None,
            tracking_url: None,
        },
        items: Vec::new(),
        dispatched: Vec::new(),
        documents: Vec::new(),
    }
}

fn document(number: &str) -> DocumentRow {
    DocumentRow {
        direction: 1,
        number: number.into(),
        series: "1".into(),
        key: None,
        state: "A".into(),
        value: Decimal4(199_900),
        url: None,
        issued_at: Timestamp(7),
        items: Vec::new(),
    }
}

fn one(rows: PedidoRows) -> Result<crate::core::value::order::Part, OrderReason> {
    order(&[rows], &OrdersConfig::default()).map(|order| order.parts[0].clone())
}

#[test]
fn every_code_of_the_reference_schema_is_a_step() {
    let steps = [
        (10, Step::Received),
        (20, Step::Accepted),
        (30, Step::Picking),
        (40, Step::Packed),
        (50, Step::Labelled),
        (60, Step::ReadyForPickup),
        (65, Step::RecoveredAtTill),
        (70, Step::Invoiced),
        (75, Step::ClosedAtTill),
        (80, Step::Dispatched),
        (90, Step::Delivered),
        (95, Step::Cancelled),
        (96, Step::SaleCancelled),
        (97, Step::InvoiceCancelled),
        (98, Step::Rejected),
    ];
    assert_eq!(steps.len(), Step::ALL.len());
    for (code, step) in steps {
        assert_eq!(one(pedido("1", code)).unwrap().step, step, "{code}");
        assert_eq!(OrdersConfig::default().status.code(step), Some(code));
    }
}

#[test]
fn codes_are_configuration() {
    let config: OrdersConfig = toml::from_str(
        "origin = \"VX\"\n[status]\n1 = \"recebido\"\n7 = \"faturado\"\n9 = \"cancelado\"\n[kinds]\npickup = 8\n",
    )
    .unwrap();
    assert_eq!(config.validate(), Vec::<String>::new());
    assert_eq!((config.status.step(7), config.status.step(70)), (Some(Step::Invoiced), None));
    let mut rows = pedido("1", 7);
    rows.pedido.kind = 8;
    assert_eq!(order(&[rows], &config).unwrap().parts[0].kind, OrderKind::Pickup);
    for (wrong, finding) in [
        ("[status]\nx = \"recebido\"", "'x' is no status"),
        ("[status]\n1 = \"received\"", "unknown variant"),
        ("days = -1", "u32"),
    ] {
        let error = toml::from_str::<OrdersConfig>(wrong).unwrap_err().to_string();
        assert!(error.contains(finding), "{error}");
    }
    let few: OrdersConfig = toml::from_str("deny = 1\norigin = \"\"\n[status]\n10 = \"recebido\"\n").unwrap();
    assert_eq!(few.validate().len(), 4, "{:?}", few.validate());
}

#[test]
fn what_means_nothing_is_refused_with_what_to_do() {
    let kind = |rows: &mut PedidoRows| rows.pedido.kind = 7;
    let state = |rows: &mut PedidoRows| rows.documents[0].state = "X".into();
    let direction = |rows: &mut PedidoRows| rows.documents[0].direction = 3;
    let fraction = |rows: &mut PedidoRows| rows.documents[0].value = Decimal4(1);
    let status = |rows: &mut PedidoRows| rows.pedido.status = 11;
    type Case<'a> = (&'a dyn Fn(&mut PedidoRows), &'a str, &'a str);
    let table: [Case<'_>; 5] = [
        (&status, "refused/order-status", "[mapping.orders.status]"),
        (&kind, "refused/order-kind", "[mapping.orders.kinds]"),
        (&state, "refused/invoice-state", "[mapping.orders.invoice_states]"),
        (&direction, "refused/invoice-state", "mapping.orders.sale"),
        (&fraction, "refused/invoice-value", "centavos"),
    ];
    for (spoil, name, says) in table {
        let mut rows = pedido("4711", 70);
        rows.documents.push(document("5001"));
        spoil(&mut rows);
        let reason = order(&[pedido("1", 10), rows], &OrdersConfig::default()).unwrap_err();
        assert_eq!(reason.name(), name);
        assert!(reason.to_string().contains(says), "{reason}");
    }
}

#[test]
fn the_same_rows_in_another_order_are_the_same_value() {
    let item = |sku: &str| ItemRow {
        sku: sku.into(),
        warehouse: None,
        external: None,
        quantity: Decimal4::ONE,
        served: None,
    };
    let mut one = pedido("99", 70);
    one.items = vec![item("A"), item("B")];
    one.documents = vec![document("10"), document("9")];
    let mut other = one.clone();
    other.items.reverse();
    other.documents.reverse();
    let config = OrdersConfig::default();
    let forth = order(&[one, pedido("100", 10)], &config).unwrap();
    let back = order(&[pedido("100", 10), other], &config).unwrap();
    assert_eq!(forth, back);
    let numbers: Vec<_> = forth.parts.iter().map(|part| &*part.number).collect();
    assert_eq!(numbers, ["99", "100"], "by their size");
    let invoices: Vec<_> = forth.parts[0].invoices.iter().map(|invoice| &*invoice.number).collect();
    assert_eq!(invoices, ["9", "10"]);
}

#[test]
fn a_pedido_with_everything_is_told_with_everything() {
    let mut rows = pedido("1", 80);
    rows.pedido.decision = Some(2);
    rows.pedido.reason = Some(" ".to_owned());
    rows.pedido.courier = Some("Correios".into());
    rows.pedido.tracking = Some("BR1 ".into());
    rows.pedido.tracking_url = Some("".into());
    rows.dispatched = vec![None, Some(Timestamp(9)), Some(Timestamp(8))];
    rows.items.push(ItemRow {
        warehouse: None,
        sku: "A".into(),
        external: Some("u1".into()),
        quantity: Decimal4(20_000),
        served: Some(Decimal4(10_000)),
    });
    let mut sale = document("5001");
    sale.key = Some("35".into());
    sale.items = vec![DocumentItemRow { sku: "A".into(), quantity: Decimal4::ONE, price: Decimal4(199_900) }];
    let back = DocumentRow { direction: 2, state: "c".into(), ..document("7") };
    rows.documents = vec![sale, back];
    let part = one(rows).unwrap();
    assert_eq!((part.decision, &part.reason, part.at), (Some(Decision::Deny), &None, Some(Timestamp(5))));
    let tracking = Tracking { courier: Some("Correios".into()), number: Some("BR1".into()), url: None };
    assert_eq!(part.dispatch, Some(Dispatched { tracking, at: Some(Timestamp(8)) }));
    assert!(part.lines[0].is_short());
    let [returned, sale] =
        ["7", "5001"].map(|number| part.invoices.iter().find(|invoice| invoice.number == number).unwrap());
    assert_eq!((sale.value, sale.items[0].price), (Money(1_999), Money(1_999)));
    assert_eq!((sale.direction, sale.state), (Direction::Output, InvoiceState::Authorised));
    assert_eq!((returned.direction, returned.state), (Direction::Input, InvoiceState::Cancelled));
    // Nothing is known, and nothing is made up.
    let bare = one(pedido("1", 80)).unwrap();
    assert_eq!((bare.dispatch, bare.decision, bare.lines.len()), (None, None, 0));
}
