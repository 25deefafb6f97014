use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::inbound_config::{CarrierRule, PolicyRule};
use super::*;
use crate::core::order::RemoteStatus;
use crate::core::order::purchase::{Address, Buyer, Channel, Delivery, Origin, Payment, Purchase, Totals};

fn config(toml: &str) -> InboundConfig {
    toml::from_str(toml).unwrap()
}

/// Two stores with a warehouse each, a pick-up point, two means of payment.
fn usual() -> InboundConfig {
    config(
        r#"
        stores = [{ warehouse = "w1", loja = "001" }, { warehouse = "w2", loja = "002", deposito = "LJ" }]
        pickup_points = [{ id = "1_p2", loja = "002" }]
        payments = [{ group = "creditCard", forma = "CREDITO" }, { group = "creditCard", system = "9", forma = "VALE" },
                    { group = "instantPayment", forma = "PIX" }]
        "#,
    )
}

fn mapping() -> MappingConfig {
    toml::from_str(
        r#"
        stores = [{ loja = "003", warehouse = "w3" }, { loja = "004", warehouse = "w4" },
                  { loja = "005", warehouse = "w4" }]
        "#,
    )
    .unwrap()
}

fn origin(warehouse: &str, quantity: i64) -> Origin {
    Origin { warehouse: warehouse.into(), courier: Some("c1".into()), courier_name: None, quantity }
}

fn line(sku: &str, quantity: i64, price: i64, warehouse: &str) -> Line {
    Line {
        sku: sku.into(),
        reference: Some(format!("REF-{sku}").into()),
        unique: Some(format!("U-{sku}").into()),
        quantity,
        multiplier: Decimal4::ONE,
        price: Money(price),
        net: Money(price * quantity),
        shipping_discount: Money(0),
        tax: Money(0),
        gift: false,
        delivery: Delivery {
            channel: Channel::Delivery,
            service: Some("Normal".into()),
            price: Money(100),
            estimate: Some(Timestamp(1_769_990_400_000_000)),
            origins: vec![origin(warehouse, quantity)],
            ..Delivery::default()
        },
    }
}

fn address() -> Address {
    Address {
        id: Some("casa".into()),
        receiver: Some("Iara Maré".to_owned()),
        street: Some("Rua das Ondas".to_owned()),
        number: Some("12".to_owned()),
        complement: None,
        neighborhood: Some("Centro".to_owned()),
        city: Some("São Paulo".to_owned()),
        state: Some("SP".to_owned()),
        postal_code: Some("01000-001".to_owned()),
        country: Some("BRA".to_owned()),
        reference: None,
    }
}

fn payment(group: &str, value: i64) -> Payment {
    Payment { group: Some(group.into()), value: Money(value), installments: 1, ..Payment::default() }
}

/// An order of these lines; totals and payment are what they add up to.
fn content(lines: Vec<Line>) -> Content {
    let gross: i64 = lines.iter().map(|line| line.price.0 * line.quantity).sum();
    let net: i64 = lines.iter().map(|line| line.net.0).sum();
    let shipping: i64 = lines.iter().map(|line| line.delivery.price.0).sum();
    let value = net + shipping;
    Content {
        trade_policy: Some("1".into()),
        placed_at: Timestamp(1_769_900_000_000_000),
        value: Money(value),
        totals: Totals {
            items: Money(gross),
            discounts: Money(net - gross),
            shipping: Money(shipping),
            ..Totals::default()
        },
        lines,
        payments: vec![payment("creditCard", value)],
        buyer: Buyer {
            email: Some("Iara@Comprador.example".to_owned()),
            first_name: Some(" Iara ".to_owned()),
            last_name: Some("Maré".to_owned()),
            document_type: Some("cpf".into()),
            document: Some("529.982.247-25".to_owned()),
            phone: Some("+5511999990000".to_owned()),
            ..Buyer::default()
        },
        addresses: vec![address()],
        fiscal_address: None,
        note: Some("sem\tpressa".to_owned()),
        newsletter: true,
    }
}

fn map_with(content: &Content, config: &InboundConfig, email: Option<&str>) -> Result<Entry, Vec<Obstacle>> {
    let purchase = Purchase {
        id: "1400000000000-01".into(),
        sequence: Some("500001".into()),
        group: Some("1400000000000".into()),
        status: RemoteStatus::ReadyForHandling,
        complete: true,
        cancel_reason: None,
        content: Err(Vec::new()),
    };
    let mapping = mapping();
    let reference = |sku: &str| (sku == "77").then(|| "REF-77".into());
    entry(&purchase, content, email, Rules { orders: config, mapping: &mapping, reference: &reference })
}

fn map(content: &Content) -> Entry {
    map_with(content, &usual(), None).unwrap()
}

fn obstacles(content: &Content) -> Vec<Obstacle> {
    map_with(content, &usual(), None).unwrap_err()
}

#[test]
fn an_order_becomes_a_pedido_field_by_field() {
    let mut content = content(vec![line("1", 2, 2_499, "w1")]);
    content.lines[0].net = Money(4_798);
    content.totals.discounts = Money(-200);
    content.value = Money(4_898);
    content.payments = vec![Payment {
        system: Some("2".into()),
        system_name: Some("Visa".into()),
        value: Money(4_898),
        installments: 3,
        tid: Some("65738757".into()),
        nsu: Some("1".into()),
        authorization: Some("738757".into()),
        acquirer: Some("Cielo".into()),
        ..payment("creditCard", 4_898)
    }];
    let entry = map(&content);
    let [pedido] = entry.pedidos.as_slice() else { panic!("{entry:?}") };
    assert_eq!(pedido.number, "1400000000000-01");
    assert_eq!(
        (pedido.group.as_deref(), pedido.sequence.as_deref()),
        (Some("1400000000000"), Some("500001"))
    );
    assert_eq!((pedido.kind, pedido.store.as_str()), (OrderKind::Delivery, "001"));
    let amounts = [pedido.products, pedido.discount, pedido.shipping, pedido.surcharge, pedido.total];
    assert_eq!(amounts.map(|money| money.0), [4_998, 200, 100, 0, 4_898]);
    assert_eq!(
        (pedido.document.as_deref(), pedido.service.as_deref()),
        (Some("52998224725"), Some("Normal"))
    );
    // Midnight in London is the evening before in São Paulo.
    assert_eq!(pedido.expected.as_deref(), Some("2026-02-01"));
    assert_eq!(pedido.note.as_deref(), Some("sem pressa"));
    let place = pedido.destination.as_ref().unwrap();
    assert_eq!((place.postal_code.as_str(), place.state.as_str()), ("01000001", "SP"));
    let [item] = pedido.lines.as_slice() else { panic!() };
    assert_eq!((item.reference.as_str(), item.external.as_str()), ("REF-1", "U-1"));
    assert_eq!((item.quantity, item.unit_price, item.total), (Decimal4(20_000), Money(2_499), Money(4_798)));
    let [paid] = pedido.payments.as_slice() else { panic!() };
    assert_eq!((paid.form.as_str(), paid.brand.as_deref(), paid.installments), ("CREDITO", Some("Visa"), 3));
    assert_eq!((paid.tid.as_deref(), paid.acquirer.as_deref()), (Some("65738757"), Some("Cielo")));
    let customer = &entry.customer;
    assert_eq!(
        (customer.name.as_str(), customer.email.as_deref()),
        ("Iara Maré", Some("iara@comprador.example"))
    );
    assert_eq!(
        (customer.code.as_str(), customer.cell_phone.as_deref()),
        ("52998224725", Some("+5511999990000"))
    );
    assert_eq!(entry.consent, Some(content.placed_at));
    assert!(entry.warnings.is_empty(), "{:?}", entry.warnings);
}

#[test]
fn only_a_yes_is_a_consent() {
    let mut content = content(vec![line("1", 1, 100, "w1")]);
    content.newsletter = false;
    assert_eq!(map(&content).consent, None);
}

#[test]
fn a_mixed_order_is_split_by_store_channel_and_address() {
    let mut lines = vec![
        line("1", 1, 1_000, "w1"),
        line("2", 3, 1_000, "w2"),
        line("3", 1, 500, "w1"),
        line("4", 1, 700, "w1"),
        line("5", 1, 900, "w1"),
    ];
    lines[2].delivery.channel = Channel::Pickup;
    lines[2].delivery.pickup_point = Some("1_p2".into());
    lines[3].delivery.address = Some("trabalho".into());
    let mut content = content(lines);
    content.addresses.push(Address { id: Some("trabalho".into()), number: Some("99".into()), ..address() });
    content.payments = vec![payment("creditCard", 2_000), payment("instantPayment", content.value.0 - 2_000)];
    let entry = map(&content);
    let short: Vec<_> = entry
        .pedidos
        .iter()
        .map(|pedido| {
            let lines: Vec<&str> = pedido.lines.iter().map(|line| line.reference.as_str()).collect();
            (
                pedido.number.as_str(),
                pedido.kind,
                pedido.store.as_str(),
                pedido.pickup_store.as_deref(),
                lines,
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            ("1400000000000-01", OrderKind::Delivery, "001", None, vec!["REF-1", "REF-5"]),
            ("1400000000000-01#2", OrderKind::Delivery, "002", None, vec!["REF-2"]),
            ("1400000000000-01#3", OrderKind::Pickup, "001", Some("002"), vec!["REF-3"]),
            ("1400000000000-01#4", OrderKind::Delivery, "001", None, vec!["REF-4"]),
        ]
    );
    let numbers: Vec<_> = entry
        .pedidos
        .iter()
        .map(|pedido| pedido.destination.as_ref().and_then(|place| place.number.clone()))
        .collect();
    assert_eq!(numbers, [Some("12".to_owned()), Some("12".to_owned()), None, Some("99".to_owned())]);
    assert_eq!(entry.pedidos[1].lines[0].deposit.as_deref(), Some("LJ"));
    // The first payment pays the first part; what is left of it goes on with the second.
    let paid: Vec<Vec<i64>> = entry
        .pedidos
        .iter()
        .map(|pedido| pedido.payments.iter().map(|payment| payment.value.0).collect())
        .collect();
    assert_eq!(paid, [vec![2_000, 100], vec![3_100], vec![600], vec![800]]);
    assert_eq!(map(&content), entry, "the same order is always split alike");
}

#[test]
fn a_line_from_two_warehouses_is_divided_to_the_cent() {
    let mut lines = vec![line("1", 3, 999, "w1")];
    lines[0].net = Money(2_897);
    lines[0].delivery.origins = vec![origin("w1", 1), origin("w2", 2)];
    let content = content(lines);
    let entry = map(&content);
    let of: Vec<_> = entry
        .pedidos
        .iter()
        .map(|pedido| (pedido.products.0, pedido.discount.0, pedido.shipping.0, pedido.total.0))
        .collect();
    assert_eq!(of, [(999, 33, 33, 999), (1_998, 67, 67, 1_998)]);
}

#[test]
fn a_sales_person_takes_the_money_himself() {
    let content = content(vec![line("1", 1, 1_000, "w1")]);
    let mut config = usual();
    config.trade_policies = vec![PolicyRule {
        sales_channel: "1".into(),
        canal_venda: Some("VENDEDOR".into()),
        modalidade: Some("BALCAO".into()),
        tabela: Some("VAREJO".into()),
        kind: PolicyKind::Seller,
    }];
    let entry = map_with(&content, &config, None).unwrap();
    let pedido = &entry.pedidos[0];
    assert_eq!((pedido.kind, pedido.manual_payment), (OrderKind::Seller, true));
    assert_eq!(
        (pedido.channel.as_deref(), pedido.price_table.as_deref()),
        (Some("VENDEDOR"), Some("VAREJO"))
    );
}

#[test]
fn a_warehouse_belongs_to_the_store_that_alone_feeds_it() {
    let of = |warehouse: &str| map_with(&content(vec![line("1", 1, 100, warehouse)]), &usual(), None);
    assert_eq!(of("W3").unwrap().pedidos[0].store, "003");
    assert_eq!(of("w4"), Err(vec![Obstacle::Warehouse("w4".into())]), "two stores feed it");
}

#[test]
fn every_missing_entry_is_named_at_once() {
    let mut lines = vec![
        line("1", 1, 100, "w9"),
        line("2", 1, 100, "w1"),
        line("3", 1, 100, "w1"),
        line("4", 1, 100, "w1"),
    ];
    lines[1].delivery.channel = Channel::Pickup;
    lines[1].delivery.pickup_point = Some("1_p9".into());
    lines[2].reference = None;
    lines[3].delivery.channel = Channel::Other("drone".into());
    let mut content = content(lines);
    content.payments = vec![Payment { system: Some("47".into()), ..payment("promissory", content.value.0) }];
    let mut config = usual();
    config.carriers = vec![CarrierRule { courier: "c2".into(), transportadora: "T2".into() }];
    config.trade_policies = vec![PolicyRule {
        sales_channel: "2".into(),
        canal_venda: None,
        modalidade: None,
        tabela: None,
        kind: PolicyKind::Shop,
    }];
    let found = map_with(&content, &config, None).unwrap_err();
    let expected = [
        Obstacle::Warehouse("w9".into()),
        Obstacle::PickupPoint("1_p9".into()),
        Obstacle::Payment { group: "promissory".into(), system: "47".into() },
        Obstacle::Carrier("c1".into()),
        Obstacle::TradePolicy("1".into()),
        Obstacle::Channel("drone".into()),
        Obstacle::NoReference { sku: "3".into() },
    ];
    assert_eq!(found, expected);
    // Each says what to write where.
    assert!(found[0].to_string().contains("[[orders.stores]] warehouse = \"w9\""));
    assert!(found[1].to_string().contains("[[orders.pickup_points]] id = \"1_p9\""));
    assert!(found[2].to_string().contains("[[orders.payments]] group = \"promissory\""));
}

#[test]
fn a_sku_without_a_reference_is_known_by_its_number() {
    let mut content = content(vec![line("77", 1, 100, "w1")]);
    content.lines[0].reference = None;
    content.lines[0].unique = None;
    let line = &map(&content).pedidos[0].lines[0];
    assert_eq!((line.reference.as_str(), line.external.as_str()), ("REF-77", "77"));
}

#[test]
fn the_means_of_payment_goes_before_its_group_and_the_default_is_a_warning() {
    let mut content = content(vec![line("1", 1, 900, "w1")]);
    content.payments = vec![
        Payment { system: Some("9".into()), ..payment("creditCard", 400) },
        Payment { system: Some("2".into()), ..payment("CREDITCARD", 300) },
        payment("boleto", 300),
    ];
    let config = InboundConfig { default_payment: Some("OUTROS".into()), ..usual() };
    let entry = map_with(&content, &config, None).unwrap();
    let forms: Vec<_> = entry.pedidos[0].payments.iter().map(|payment| payment.form.as_str()).collect();
    assert_eq!(forms, ["VALE", "CREDITO", "OUTROS"]);
    assert_eq!(entry.warnings, ["forma"]);
}

#[test]
fn what_does_not_add_up_is_not_written() {
    let order = || content(vec![line("1", 2, 1_000, "w1")]);
    type Change = (&'static str, fn(&mut Content));
    let changes: [Change; 5] = [
        ("the totals", |content| content.value = Money(1)),
        ("the items", |content| {
            content.totals.items = Money(1_900);
            content.totals.tax = Money(100);
        }),
        ("the discounts", |content| {
            content.totals.discounts = Money(-50);
            content.totals.tax = Money(50);
        }),
        ("quantity and price of a line", |content| content.lines[0].net = Money(2_001)),
        ("the payments", |content| content.payments[0].value = Money(2_099)),
    ];
    for (expected, change) in changes {
        let mut content = order();
        change(&mut content);
        let found = obstacles(&content);
        let named = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Sum { what, .. } if *what == expected);
        assert!(found.iter().any(named), "{expected}: {found:?}");
    }
    assert!(map_with(&order(), &usual(), None).is_ok());
}

#[test]
fn interest_on_instalments_is_no_part_of_the_order() {
    let mut content = content(vec![line("1", 1, 900, "w1")]);
    content.payments = vec![Payment { reference_value: Some(Money(1_000)), ..payment("creditCard", 1_117) }];
    assert_eq!(map(&content).pedidos[0].payments[0].value, Money(1_000));
}

#[test]
fn discounts_on_shipping_are_the_lines_own_where_the_total_counts_them() {
    let mut content = content(vec![line("1", 1, 900, "w1"), line("2", 1, 100, "w2")]);
    content.lines[1].shipping_discount = Money(-100);
    content.totals.discounts = Money(-100);
    content.value = Money(content.value.0 - 100);
    content.payments[0].value = content.value;
    let entry = map(&content);
    assert_eq!(entry.pedidos[0].discount, Money(0));
    assert_eq!((entry.pedidos[1].discount, entry.pedidos[1].total), (Money(100), Money(100)));
}

#[test]
fn totals_that_no_document_names_are_neither_lost_nor_refused() {
    let mut content = content(vec![line("1", 1, 1_000, "w1")]);
    content.totals.others = vec![("Embalagem".into(), Money(300)), ("Brinde".into(), Money(-100))];
    content.value = Money(content.value.0 + 200);
    content.payments[0].value = content.value;
    let pedido = &map(&content).pedidos[0];
    assert_eq!((pedido.surcharge, pedido.total), (Money(200), content.value));
}

#[test]
fn an_order_that_costs_nothing_has_no_payment() {
    let mut content = content(vec![line("1", 1, 0, "w1")]);
    content.lines[0].delivery.price = Money(0);
    content.totals.shipping = Money(0);
    content.value = Money(0);
    content.payments = vec![payment("giftCard", 0)];
    assert!(map(&content).pedidos[0].payments.is_empty());
}

#[test]
fn goods_by_weight_have_lives_own_units() {
    let mut content = content(vec![line("1", 3, 1_999, "w1")]);
    content.lines[0].multiplier = Decimal4(3_000);
    // 0.3 kg, three times, at 19.99 a kilo.
    content.lines[0].net = Money(1_799);
    content.totals.items = Money(1_799);
    content.totals.discounts = Money(0);
    content.value = Money(1_899);
    content.payments[0].value = Money(1_899);
    let line = &map(&content).pedidos[0].lines[0];
    assert_eq!((line.quantity, line.unit_price, line.total), (Decimal4(9_000), Money(1_999), Money(1_799)));
}

#[test]
fn addresses_are_cut_with_a_warning_and_names_never() {
    let mut content = content(vec![line("1", 1, 100, "w1")]);
    let long = "São João ".repeat(20);
    content.addresses[0].street = Some(long.clone());
    content.addresses[0].complement = Some("🌊".repeat(40));
    content.addresses[0].reference = Some(long.clone());
    let entry = map(&content);
    let place = entry.pedidos[0].destination.as_ref().unwrap();
    assert_eq!(place.street.chars().count(), 120);
    assert_eq!(place.complement.as_ref().unwrap().encode_utf16().count(), 60);
    assert_eq!(entry.warnings, ["complemento", "logradouro", "referencia"]);
    content.addresses[0].receiver = Some(long.clone());
    content.buyer.last_name = Some(long);
    let found = obstacles(&content);
    let fields: Vec<_> = found
        .iter()
        .filter_map(|obstacle| match obstacle {
            Obstacle::TooLong { field, limit, .. } => Some((*field, *limit)),
            _ => None,
        })
        .collect();
    assert_eq!(fields, [("the buyer's name", 120), ("the receiver's name", 80)]);
}

#[test]
fn who_buys_is_told_by_document_and_real_address() {
    struct Case {
        name: &'static str,
        buyer: fn(&mut Buyer),
        email: Option<&'static str>,
        expected: Result<(Option<&'static str>, Option<&'static str>), Obstacle>,
    }
    let masked = |buyer: &mut Buyer| buyer.email = Some("7f0c-1@ct.vtex.com.br".to_owned());
    let cases = [
        Case {
            name: "a person",
            buyer: |_| {},
            email: None,
            expected: Ok((Some("52998224725"), Some("iara@comprador.example"))),
        },
        Case {
            name: "masked, unknown",
            buyer: masked,
            email: None,
            expected: Ok((Some("52998224725"), None)),
        },
        Case {
            name: "masked, known",
            buyer: masked,
            email: Some("Iara@Real.example"),
            expected: Ok((Some("52998224725"), Some("iara@real.example"))),
        },
        Case {
            name: "masked twice",
            buyer: masked,
            email: Some("a@ct.vtex.com.br"),
            expected: Ok((Some("52998224725"), None)),
        },
        Case {
            name: "a wrong CPF",
            buyer: |buyer| buyer.document = Some("529.982.247-24".into()),
            email: None,
            expected: Err(Obstacle::Document("clientProfileData.document")),
        },
        Case {
            name: "a company",
            buyer: |buyer| {
                buyer.corporate = true;
                buyer.corporate_name = Some("Maré Ltda".into());
                buyer.corporate_document = Some("11.222.333/0001-81".into());
            },
            email: None,
            expected: Ok((Some("11222333000181"), Some("iara@comprador.example"))),
        },
        Case {
            name: "a company without",
            buyer: |buyer| {
                buyer.corporate = true;
                buyer.corporate_name = Some("Maré Ltda".into());
            },
            email: None,
            expected: Err(Obstacle::Document("clientProfileData.corporateDocument")),
        },
        Case {
            name: "from abroad",
            buyer: |buyer| {
                buyer.document_type = Some("passport".into());
                buyer.document = Some("AB123456".into());
            },
            email: None,
            expected: Ok((None, Some("iara@comprador.example"))),
        },
        Case {
            name: "nobody",
            buyer: |buyer| {
                buyer.document = None;
                buyer.email = Some("x@ct.vtex.com.br".into());
            },
            email: None,
            expected: Err(Obstacle::Nobody),
        },
        Case {
            name: "no name",
            buyer: |buyer| {
                buyer.first_name = None;
                buyer.last_name = Some("\u{7}".into());
            },
            email: None,
            expected: Err(Obstacle::NoName),
        },
    ];
    for case in cases {
        let mut content = content(vec![line("1", 1, 100, "w1")]);
        (case.buyer)(&mut content.buyer);
        let found = map_with(&content, &usual(), case.email);
        match (found, case.expected) {
            (Ok(entry), Ok((document, email))) => {
                let customer = &entry.customer;
                assert_eq!(
                    (customer.document.as_deref(), customer.email.as_deref()),
                    (document, email),
                    "{}",
                    case.name
                );
                if document.is_none() {
                    assert_eq!(customer.code, "V500001");
                }
            }
            (Err(found), Err(expected)) => assert_eq!(found, [expected], "{}", case.name),
            (found, expected) => panic!("{}: {found:?}, {expected:?}", case.name),
        }
    }
}

#[test]
fn a_delivery_needs_an_address_and_a_pickup_does_not() {
    let mut content = content(vec![line("1", 1, 100, "w1")]);
    content.addresses[0].state = Some("São Paulo".to_owned());
    content.addresses[0].city = None;
    content.addresses[0].postal_code = Some("***".to_owned());
    let places = ["city", "postalCode", "state"];
    let expected = places.map(|place| Obstacle::Unreadable(format!("shippingData.address.{place}")));
    assert_eq!(obstacles(&content), expected);
    content.lines[0].delivery.channel = Channel::Pickup;
    content.lines[0].delivery.pickup_point = Some("1_p2".into());
    let entry = map(&content);
    assert_eq!((entry.pedidos[0].destination.as_ref(), entry.customer.address.as_ref()), (None, None));
}

#[test]
fn nothing_of_a_person_is_in_debug_or_in_a_reason() {
    let mut order = content(vec![line("1", 1, 100, "w1")]);
    let shown = format!("{:?} {:?} {:?}", order, order.buyer, map(&order));
    order.buyer.document = Some("12345".to_owned());
    order.addresses[0].city = None;
    let reasons: String = obstacles(&order).iter().map(ToString::to_string).collect();
    for secret in ["Iara", "Ondas", "529982", "529.982", "comprador", "99999", "12345"] {
        assert!(!shown.contains(secret) && !reasons.contains(secret), "{secret}: {shown} {reasons}");
    }
}

#[test]
fn a_configuration_says_everything_that_is_wrong() {
    let wrong = config(
        r#"
        source = "outra"
        poll_seconds = 0
        since = "ontem"
        timezone = "Brasil/Centro"
        stores = [{ warehouse = "a", loja = "1" }, { warehouse = "A", loja = "2" }]
        payments = [{ group = "x", forma = "A" }, { group = "x", forma = "B" }]
        "#,
    );
    let findings = wrong.validate(&["live".to_owned()]);
    for part in [
        "poll_seconds",
        "source = \"outra\"",
        "since",
        "timezone",
        "[[orders.stores]]",
        "[[orders.payments]]",
    ] {
        assert!(findings.iter().any(|finding| finding.contains(part)), "{part}: {findings:?}");
    }
    assert_eq!(findings.len(), 6);
    assert!(usual().validate(&["live".to_owned()]).is_empty());
    assert!(!usual().validate(&["a".to_owned(), "b".to_owned()]).is_empty(), "which of the two");
    assert!(toml::from_str::<InboundConfig>("pol_seconds = 1").is_err());
    let since = config("since = \"2026-11-25\"").since();
    assert_eq!(since, Some(Timestamp(1_795_575_600_000_000)), "midnight in São Paulo");
}

/// Lines with any quantities, prices, discounts and warehouses; what VTEX shows of them adds up.
fn any_line() -> impl Strategy<Value = Line> {
    let origins = proptest::collection::vec((0_usize..3, 1_i64..5), 1..4);
    (1_i64..1_000_000, 0.0_f64..1.0, 0_i64..5_000, 0_i64..300, origins, any::<bool>()).prop_map(
        |(price, off, shipping, tax, origins, pickup)| {
            let quantity: i64 = origins.iter().map(|(_, quantity)| quantity).sum();
            let mut line = line("1", quantity, price, "w1");
            let discount = (off * (price * quantity) as f64) as i64;
            line.net = Money(price * quantity - discount);
            line.tax = Money(tax * quantity);
            line.delivery.price = Money(shipping);
            line.delivery.origins =
                origins.into_iter().map(|(at, quantity)| origin(["w1", "w2", "w3"][at], quantity)).collect();
            if pickup {
                line.delivery.channel = Channel::Pickup;
                line.delivery.pickup_point = Some("1_p2".into());
            }
            line
        },
    )
}

proptest! {
    /// However an order is split, not a cent is lost, gained, or paid twice.
    #[test]
    fn all_parts_together_are_what_the_shopper_pays(
        lines in proptest::collection::vec(any_line(), 1..6),
        shares in proptest::collection::vec(1_i64..100, 1..4),
    ) {
        let mut content = content(lines);
        let tax: i64 = content.lines.iter().map(|line| line.tax.0).sum();
        content.totals.tax = Money(tax);
        content.value = Money(content.value.0 + tax);
        content.payments = crate::core::order::shares::shares(content.value, &shares)
            .into_iter()
            .map(|value| payment("creditCard", value.0))
            .collect();
        let entry = map(&content);
        let sum = |of: &dyn Fn(&Pedido) -> i64| entry.pedidos.iter().map(of).sum::<i64>();
        prop_assert_eq!(sum(&|pedido| pedido.total.0), content.value.0);
        prop_assert_eq!(sum(&|pedido| pedido.products.0), content.totals.items.0);
        prop_assert_eq!(sum(&|pedido| pedido.discount.0), -content.totals.discounts.0);
        prop_assert_eq!(sum(&|pedido| pedido.shipping.0), content.totals.shipping.0);
        prop_assert_eq!(sum(&|pedido| pedido.surcharge.0), tax);
        for pedido in &entry.pedidos {
            let lines = |of: &dyn Fn(&PedidoLine) -> i64| pedido.lines.iter().map(of).sum::<i64>();
            prop_assert_eq!(lines(&|line| line.discount.0), pedido.discount.0);
            prop_assert_eq!(lines(&|line| line.shipping.0), pedido.shipping.0);
            prop_assert_eq!(lines(&|line| line.total.0), pedido.products.0 - pedido.discount.0);
            let paid: i64 = pedido.payments.iter().map(|payment| payment.value.0).sum();
            prop_assert_eq!(paid, pedido.total.0);
        }
        let ordered: i64 = content.lines.iter().map(|line| line.quantity).sum();
        let written = entry.pedidos.iter().flat_map(|pedido| &pedido.lines).map(|line| line.quantity.0);
        prop_assert_eq!(written.sum::<i64>(), ordered * 10_000);
    }
}

/// What is not used elsewhere keeps its place in the configuration.
#[test]
fn every_rule_can_be_written_down() {
    let text: Json = json!({
        "source": "live", "write": "staging", "reserve": "none", "poll_seconds": 10,
        "limit": { "per_second": 5.0, "burst": 5 }, "concurrency": 8, "since": "2026-01-01T00:00:00Z",
        "reconcile_days": 2, "timezone": "America/Manaus", "real_email": false, "user": "vtex",
        "default_payment": "OUTROS", "history_days": 30,
    });
    let config: InboundConfig = serde_json::from_value(text).unwrap();
    assert_eq!(config.validate(&["live".to_owned()]), Vec::<String>::new());
}
