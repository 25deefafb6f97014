//! Orders of VTEX into Live: the binary between a private Postgres and a simulator.

use std::collections::BTreeMap;
use std::time::Duration;

use mare::simulator::{EmailMask, Fault, FaultKind, FeedFaults, Limits, Options, OrderOptions, OrderStatus};
use serde_json::{Value, json};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
/// A breaker that opens waits a second and more; in these tests faults are many.
pub(crate) const ORDERS: &str = "[orders]\npoll_seconds = 1\nlimit = { per_second = 500, burst = 500 }\n# more\n\
    [[orders.pickup_points]]\nid = \"retira-2\"\nloja = \"002\"\n\
    [[orders.payments]]\ngroup = \"creditCard\"\nforma = \"CREDITO\"\n\
    [[orders.payments]]\ngroup = \"instantPayment\"\nforma = \"PIX\"\n\
    [[orders.payments]]\ngroup = \"bankInvoice\"\nforma = \"BOLETO\"\n\
    [[orders.payments]]\ngroup = \"giftCard\"\nforma = \"VALE\"\n";

pub(crate) async fn open(orders: OrderOptions, settings: &str) -> Site {
    let options = Options { limits: Limits::unlimited(), orders, ..Options::default() };
    let mut site = Site::new(200, options, settings).await;
    site.use_entities("\"stock\"");
    let known = texts(&site, "SELECT codigo FROM live.produto_sku ORDER BY codigo").await;
    site.vtex.world().seed_skus(known.into_iter().zip(1..)).unwrap();
    site.run(&["install"]);
    site.start();
    site.converged(MINUTE).await;
    site
}

pub(crate) fn usual() -> OrderOptions {
    OrderOptions { email: EmailMask::Hard, ..OrderOptions::without_window() }
}

/// The references of some SKUs that VTEX knows.
pub(crate) async fn skus(site: &Site) -> Vec<String> {
    let stock = site.all_stock().await;
    let refs = stock.iter().filter_map(|stock| stock["ref"].as_str().map(str::to_owned));
    let mut refs: Vec<String> = refs.collect();
    refs.sort();
    refs.dedup();
    assert!(refs.len() > 20, "{refs:?}");
    refs
}

/// Orders of every kind, one after the other.
pub(crate) fn order(number: usize, skus: &[String]) -> Value {
    let sku = |offset: usize| &skus[(number * 3 + offset) % skus.len()];
    let cents = 1_000 + (number as i64 * 137) % 9_000;
    let mut order = json!({
        "items": [
            { "ref": sku(0), "quantity": 1 + number % 3, "warehouse": "loja001", "price": cents, "discount": number % 7 },
            { "ref": sku(1), "quantity": 1, "warehouse": "loja001", "price": 999 },
        ],
        "shipping": 1_000 + number, "oversell": true,
        "customer": {
            "email": format!("shopper.{}@comprador.example", number % 10), "first_name": "Jussara",
            "last_name": format!("Correnteza {}", number % 10), "document": cpf(number % 10), "newsletter": number.is_multiple_of(2),
        },
    });
    match number % 5 {
        1 => order["items"][1]["warehouse"] = json!("loja002"),
        2 => order["pickup"] = json!("retira-2"),
        3 => {
            order["payments"] =
                json!([{ "kind": "pix", "value": 500 }, { "kind": "credit-card", "installments": 3 }])
        }
        4 => order["scheduled"] = json!(true),
        _ => {}
    }
    order
}

pub(super) fn cpf(number: usize) -> String {
    let mut digits: Vec<u32> =
        format!("{:09}", 111_444_777 + number).bytes().map(|byte| u32::from(byte - b'0')).collect();
    for _ in 0..2 {
        let sum: u32 = digits.iter().rev().zip(2..).map(|(digit, weight)| digit * weight).sum();
        digits.push(if sum % 11 < 2 { 0 } else { 11 - sum % 11 });
    }
    digits.iter().map(ToString::to_string).collect()
}

pub(crate) fn place(site: &Site, order: Value) -> String {
    site.vtex.world().place_order(order.clone()).unwrap_or_else(|error| panic!("{error}: {order}"))
}

pub(super) async fn number(site: &Site, sql: &str) -> i64 {
    site.live.query_one(sql, &[]).await.unwrap().get(0)
}

pub(super) async fn texts(site: &Site, sql: &str) -> Vec<String> {
    site.live.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Orders that Live has, whatever their parts.
pub(crate) async fn entered(site: &Site) -> Vec<String> {
    texts(site, "SELECT DISTINCT split_part(numero_externo, '#', 1) FROM live.pedido_venda WHERE origem = 'VTEX' ORDER BY 1")
        .await
}

pub(super) const RESERVED: &str =
    "SELECT (sum(quantidade_reservada) * 10000)::bigint FROM live.estoque_saldo";

/// What the orders in Live are, by SQL that shares nothing with the replicator.
pub(super) async fn check_books(site: &Site, ids: &[String], reserved_before: i64) {
    let mut expected: Vec<String> = ids.to_vec();
    expected.sort();
    assert_eq!(entered(site).await, expected);
    let rows = site
        .live
        .query(
            "SELECT split_part(numero_externo, '#', 1), (sum(valor_total) * 100)::bigint, \
                    (sum((SELECT sum(valor) FROM live.pedido_venda_pagamento g WHERE g.id_pedido = p.id)) * 100)::bigint, \
                    sum((SELECT sum(quantidade) FROM live.pedido_venda_item i WHERE i.id_pedido = p.id))::bigint, \
                    bool_and(valor_total = valor_produtos - valor_desconto + valor_frete + valor_acrescimo), \
                    bool_and((SELECT count(*) FROM live.pedido_venda_status s WHERE s.id_pedido = p.id) = 1) \
             FROM live.pedido_venda p WHERE origem = 'VTEX' GROUP BY 1",
            &[],
        )
        .await
        .unwrap();
    let world = site.vtex.world();
    for row in rows {
        let id: &str = row.get(0);
        let shown = serde_json::to_value(world.order(id).unwrap()).unwrap();
        let value = shown["value"].as_i64().unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(row.get::<_, i64>(1), value, "{id}: what it costs");
        assert_eq!(row.get::<_, i64>(2), value, "{id}: what is paid");
        assert!(row.get::<_, bool>(4) && row.get::<_, bool>(5), "{id}: its sum, and its first status");
    }
    let ordered = number(site, "SELECT (sum(quantidade) * 10000)::bigint FROM live.pedido_venda_item").await;
    assert_eq!(number(site, RESERVED).await - reserved_before, ordered, "reserved once each");
}

pub(super) fn faults() -> [Fault; 5] {
    let kinds = [
        FaultKind::Unavailable,
        FaultKind::ErrorAfter,
        FaultKind::Reset,
        FaultKind::Html,
        FaultKind::TooManyRequests,
    ];
    kinds.map(|kind| {
        let mut fault = Fault::new(kind);
        fault.route = "orders".to_owned();
        fault.probability = 0.04;
        fault.applied = true;
        fault
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_order_enters_live_exactly_once_through_faults() {
    let feed =
        FeedFaults { duplicated: 0.3, delayed: 0.2, delay_ms: 300, short: 0.3, ..FeedFaults::default() };
    let site = open(OrderOptions { feed, ..usual() }, ORDERS).await;
    let before = number(&site, RESERVED).await;
    site.until("the feed", MINUTE, async |site| {
        site.get("/status").await.unwrap()["orders"]["feed"] == "listening"
    })
    .await;
    site.vtex.world().set_faults(faults().to_vec());
    let skus = skus(&site).await;
    let ids: Vec<String> = (0..40).map(|n| place(&site, order(n, &skus))).collect();
    // What was read by a request whose answer was lost is hidden for a while.
    let all = async |site: &Site| {
        site.vtex.world().advance(Duration::from_secs(5));
        entered(site).await.len() == ids.len()
    };
    site.until("every order", 2 * MINUTE, all).await;
    site.vtex.world().set_faults(Vec::new());
    check_books(&site, &ids, before).await;
    // Ten shoppers, each known by the address that Master Data has, once.
    let emails =
        texts(&site, "SELECT email FROM live.cliente WHERE origem_cadastro = 'ECOMMERCE' ORDER BY 1").await;
    let expected: Vec<String> = (0..10).map(|n| format!("shopper.{n}@comprador.example")).collect();
    assert_eq!(emails, expected);
    let consents =
        number(&site, "SELECT count(*) FROM live.cliente_consentimento WHERE canal = 'ECOMMERCE'").await;
    assert_eq!(consents, 5, "one for each who said yes");
    let kinds = texts(
        &site,
        "SELECT DISTINCT tipo_pedido::text FROM live.pedido_venda WHERE origem = 'VTEX' ORDER BY 1",
    )
    .await;
    assert_eq!(kinds, ["1", "2"]);
    // Stock that our own orders reserve goes to VTEX like any other.
    site.converged(MINUTE).await;
    no_personal_data(&site).await;
}

pub(crate) async fn no_personal_data(site: &Site) {
    let mut shown = site.log();
    for path in ["/metrics", "/status", "/orders", "/orders?recent=true"] {
        shown.push_str(&site.text(path).await);
    }
    for id in entered(site).await {
        shown.push_str(&site.text(&format!("/orders/{id}/history")).await);
    }
    for secret in ["Jussara", "Correnteza", "comprador", "ct.vtex", &cpf(0), &cpf(7), "+55119"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_lost_or_doubled_through_kill_9() {
    let mut site = open(usual(), ORDERS).await;
    let before = number(&site, RESERVED).await;
    let skus = skus(&site).await;
    let mut random = fastrand::Rng::with_seed(7);
    let mut ids = Vec::new();
    for round in 0..12 {
        ids.extend((0..4).map(|n| place(&site, order(round * 4 + n, &skus))));
        // Somewhere between the start and the end of what these orders need.
        let has = entered(&site).await.len();
        let mut waited = Duration::ZERO;
        while entered(&site).await.len() == has && waited < Duration::from_secs(5) {
            let pause = Duration::from_millis(random.u64(1..40));
            tokio::time::sleep(pause).await;
            waited += pause;
        }
        site.kill();
        // What was read is hidden from the next process for a while.
        site.vtex.world().advance(Duration::from_secs(300));
        site.start();
    }
    site.until("every order", 2 * MINUTE, async |site| entered(site).await.len() == ids.len()).await;
    check_books(&site, &ids, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_feed_is_set_up_again_and_what_it_did_not_tell_is_found() {
    let mut site = open(usual(), ORDERS).await;
    site.until("the feed", MINUTE, async |site| {
        site.get("/status").await.unwrap()["orders"]["feed"] == "listening"
    })
    .await;
    let skus = skus(&site).await;
    site.kill();
    site.vtex.world().lose_feeds();
    let lost = [place(&site, order(0, &skus)), place(&site, order(1, &skus))];
    site.start();
    site.until("the lost ones", MINUTE, async |site| entered(site).await.len() == lost.len()).await;
    let told = place(&site, order(2, &skus));
    site.until("the next one", MINUTE, async |site| entered(site).await.contains(&told)).await;
    assert!(site.log().contains("it is set up"), "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_set_aside_and_nothing_waits_for_it() {
    let mut site = open(usual(), ORDERS).await;
    let skus = skus(&site).await;
    let mut odd = order(2, &skus);
    odd["pickup"] = json!("retira-9");
    let odd = place(&site, odd);
    let mut nameless = order(3, &skus);
    nameless["customer"]["document"] = json!("12345678900");
    let nameless = place(&site, nameless);
    let right = place(&site, order(5, &skus));
    site.until("the right one", MINUTE, async |site| entered(site).await == [right.clone()]).await;
    site.until("the others", MINUTE, async |site| {
        site.get("/orders").await.unwrap()["held"].as_array().unwrap().len() == 2
    })
    .await;
    let listed = site.run(&["orders", "list"]);
    for part in [
        odd.as_str(),
        "[[orders.pickup_points]] id = \"1_retira-9\"",
        "not in Live",
        "clientProfileData.document",
    ] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    assert!(!listed.contains("12345678900"), "{listed}");
    let shown = site.run(&["orders", "show", &odd]);
    assert!(shown.contains("ready-for-handling") && shown.contains("retira-9"), "{shown}");
    // Once more by hand: nothing has changed, and it stays.
    site.run(&["orders", "retry", &odd]);
    site.until("another try", MINUTE, async |site| {
        let held = site.get("/orders").await.unwrap()["held"].clone();
        held.as_array()
            .unwrap()
            .iter()
            .any(|held| held["order"] == odd.as_str() && held["tries"].as_u64() >= Some(2))
    })
    .await;
    // The missing entry is written: after the start it goes on by itself.
    let more = "[[orders.pickup_points]]\nid = \"retira-9\"\nloja = \"001\"\n";
    site.set_config(&format!("{}{more}", site.config()));
    assert_eq!(site.stop(), 0);
    site.start();
    site.until("the odd one", MINUTE, async |site| entered(site).await.contains(&odd)).await;
    let history = site.run(&["orders", "history", &odd]);
    for part in ["set aside", "written into Live", "Live "] {
        assert!(history.contains(part), "{part}: {history}");
    }
    site.run(&["orders", "drop", &nameless]);
    assert!(site.run(&["orders", "list"]).contains("no order is set aside"));
    assert!(site.fails(&["orders", "retry", &nameless]).contains("not set aside"));
    let recent = site.run(&["orders", "list", "--recent"]);
    let numbers = texts(&site, "SELECT numero::text FROM live.pedido_venda WHERE origem = 'VTEX'").await;
    assert!(numbers.iter().all(|number| recent.contains(number)), "{recent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_live_lacks_is_named_and_a_retry_goes_on() {
    let carriers = "[[orders.carriers]]\ncourier = \"expresso\"\ntransportadora = \"EXP\"\n";
    let site = open(usual(), &ORDERS.replace("\"002\"", "\"099\"")).await;
    let _ = carriers;
    let skus = skus(&site).await;
    let id = place(&site, order(2, &skus));
    site.until("it is set aside", MINUTE, async |site| {
        site.run(&["orders", "list"]).contains("store \"099\" is not in Live")
    })
    .await;
    site.live
        .execute(
            "INSERT INTO live.loja (id, id_dominio, codigo, cnpj, razao_social, data_cadastro, data_atualizacao) \
             SELECT gen_random_uuid(), id_dominio, '099', '99999999999999', 'Nova', now(), now() FROM live.loja LIMIT 1",
            &[],
        )
        .await
        .unwrap();
    site.run(&["orders", "retry", &id]);
    site.until("it is in Live", MINUTE, async |site| entered(site).await == [id.clone()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vtex_cancels_is_cancelled_and_what_is_invoiced_is_for_people() {
    let site = open(usual(), ORDERS).await;
    let before = number(&site, RESERVED).await;
    let skus = skus(&site).await;
    let ids: Vec<String> = [0, 1, 3, 4].into_iter().map(|n| place(&site, order(n, &skus))).collect();
    site.until("all of them", MINUTE, async |site| entered(site).await.len() == ids.len()).await;
    let world = site.vtex.world();
    site.live
        .execute("UPDATE live.pedido_venda SET status = 70 WHERE numero_externo = $1", &[&ids[2]])
        .await
        .unwrap();
    world.shopper_cancels(&ids[3], "Mudei de ideia").unwrap();
    for id in &ids[..3] {
        world.force_order_status(id, OrderStatus::Canceled).unwrap();
    }
    let states = async |site: &Site| {
        let rows = site
            .live
            .query(
                "SELECT split_part(numero_externo, '#', 1), min(status)::int, max(status)::int, \
                        bool_or(ind_solicitacao_cancelamento) FROM live.pedido_venda WHERE origem = 'VTEX' GROUP BY 1",
                &[],
            )
            .await
            .unwrap();
        rows.iter()
            .map(|row| {
                (row.get::<_, String>(0), (row.get::<_, i32>(1), row.get::<_, i32>(2), row.get::<_, bool>(3)))
            })
            .collect::<BTreeMap<_, _>>()
    };
    let expected: BTreeMap<String, (i32, i32, bool)> = [
        (ids[0].clone(), (95, 95, false)),
        (ids[1].clone(), (95, 95, false)),
        (ids[2].clone(), (70, 70, false)),
        (ids[3].clone(), (10, 10, true)),
    ]
    .into();
    site.until("where each belongs", MINUTE, async |site| states(site).await == expected).await;
    site.until("somebody is told", MINUTE, async |site| {
        site.run(&["orders", "list"]).contains("cancelled in VTEX, and Live has a fiscal document")
    })
    .await;
    let open = number(
        &site,
        "SELECT (sum(i.quantidade) * 10000)::bigint FROM live.pedido_venda_item i \
         JOIN live.pedido_venda p ON p.id = i.id_pedido WHERE p.status <> 95",
    )
    .await;
    assert_eq!(number(&site, RESERVED).await - before, open, "what is cancelled is reserved no more");
    let history = number(
        &site,
        "SELECT count(*) FROM live.pedido_venda_status WHERE status = 95 AND status_anterior = 10",
    )
    .await;
    assert_eq!(history, 3, "one for each part");
}
