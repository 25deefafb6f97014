//! Orders: what staff does in Live reaches VTEX, by nothing but SQL.

use std::time::Duration;

use mare::simulator::{Fault, FaultKind, Limits, Options, OrderOptions, OrderStatus, OrderView};
use serde_json::json;

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const FAST: &str = "[tuning]\nretry_first_ms = 100\n[tuning.routes]\norder_read = { per_second = 200, burst = 200 }\n\
    order_write = { per_second = 200, burst = 200 }\n";

/// Two pieces at 24.99 each, and 15.00 for shipping.
pub(super) const PRICE: i64 = 2_499;
pub(super) const VALUE: i64 = 2 * PRICE + 1_500;

/// A shop whose orders are ready for handling at once.
async fn open() -> Site {
    let site = closed().await;
    site.run(&["install"]);
    site
}

/// The same before its orders are captured.
async fn closed() -> Site {
    let orders = OrderOptions::without_window();
    let options = Options { limits: Limits::unlimited(), orders, ..Options::default() };
    let mut site = Site::new(200, options, FAST).await;
    site.use_entities("\"order\"");
    let skus =
        site.live.query("SELECT codigo FROM live.produto_sku ORDER BY codigo LIMIT 3", &[]).await.unwrap();
    let skus = skus.iter().enumerate().map(|(n, row)| (row.get::<_, String>(0), n as u32 + 1));
    site.vtex.world().seed_skus(skus).unwrap();
    site
}

pub(crate) async fn sql(site: &Site, text: &str) {
    site.live.batch_execute(text).await.unwrap();
}

/// The SKU that all of these orders are of.
async fn sku(site: &Site) -> (String, String) {
    let row = site
        .live
        .query_one("SELECT id::text, codigo FROM live.produto_sku ORDER BY codigo LIMIT 1", &[])
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

/// A shopper's order of two pieces.
pub(crate) async fn place(site: &Site) -> String {
    let (_, code) = sku(site).await;
    let item = json!({"ref": code, "quantity": 2, "warehouse": "loja001", "price": PRICE});
    let order = json!({"items": [item], "shipping": 1_500, "oversell": true});
    site.vtex.world().place_order(order).unwrap()
}

/// Staff types the order into Live.
pub(crate) async fn type_in(site: &Site, external: &str, kind: i16, quantity: i64) {
    let (sku, _) = sku(site).await;
    sql(
        site,
        &format!(
            "WITH pedido AS (
               INSERT INTO live.pedido_venda (id, id_dominio, origem, numero_externo, tipo_pedido, status, id_loja,
                 valor_produtos, valor_frete, valor_total, data_pedido, data_status, data_cadastro, data_atualizacao)
               SELECT gen_random_uuid(), l.id_dominio, 'VTEX', '{external}', {kind}, 10, l.id, 49.98, 15, 64.98,
                      now(), now(), now(), now()
               FROM live.loja l ORDER BY l.codigo LIMIT 1 RETURNING id)
             INSERT INTO live.pedido_venda_item (id, id_pedido, sequencia, id_sku, quantidade, preco_unitario, valor_total)
             SELECT gen_random_uuid(), pedido.id, 1, '{sku}', {quantity}, 24.99, 24.99 * {quantity} FROM pedido"
        ),
    )
    .await;
}

pub(crate) async fn step(site: &Site, external: &str, status: i16) {
    sql(
        site,
        &format!(
            "UPDATE live.pedido_venda SET status = {status}, data_status = now() WHERE numero_externo = '{external}'"
        ),
    )
    .await;
}

/// The fiscal document of a pedido, first without its authorisation, as the back office writes it.
pub(crate) async fn invoice(site: &Site, external: &str, number: i32, cents: i64, quantity: i64) {
    let (sku, _) = sku(site).await;
    sql(
        site,
        &format!(
            "WITH nota AS (
               INSERT INTO live.nota_fiscal (id, id_loja, id_pedido, modelo, operacao, numero, serie, chave_acesso, situacao,
                 valor_produtos, valor_total, data_emissao, data_atualizacao)
               SELECT gen_random_uuid(), p.id_loja, p.id, 55, 1, {number}, 1, lpad('{number}', 44, '0'), 'P',
                      {cents} / 100.0, {cents} / 100.0, now(), now()
               FROM live.pedido_venda p WHERE p.numero_externo = '{external}' RETURNING id)
             INSERT INTO live.nota_fiscal_item (id, id_nota, id_sku, quantidade, preco_unitario, valor_total)
             SELECT gen_random_uuid(), nota.id, '{sku}', {quantity}, 24.99, 24.99 * {quantity} FROM nota;
             UPDATE live.nota_fiscal SET situacao = 'A' WHERE numero = {number}"
        ),
    )
    .await;
}

pub(super) fn view(site: &Site, id: &str) -> OrderView {
    site.vtex.world().order(id).unwrap()
}

pub(super) async fn shows(site: &Site, id: &str, status: OrderStatus) {
    site.until(status.name(), MINUTE, async |site| view(site, id).status == Some(status)).await;
}

/// The effects that VTEX accepted, in order.
pub(super) fn accepted(site: &Site, id: &str) -> Vec<&'static str> {
    let calls = view(site, id).calls;
    calls.into_iter().filter(|(_, status)| *status < 300).map(|(call, _)| call).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_from_handling_to_delivered_by_sql_alone_though_mare_is_killed_between() {
    let mut site = open().await;
    let id = place(&site).await;
    shows(&site, &id, OrderStatus::ReadyForHandling).await;
    site.start();
    type_in(&site, &id, 2, 2).await;
    shows(&site, &id, OrderStatus::Handling).await;
    site.kill();
    step(&site, &id, 30).await;
    step(&site, &id, 40).await;
    site.start();
    // The status comes before its document.
    step(&site, &id, 70).await;
    // It may not have started yet.
    let explained = |site: &Site| {
        let output = site.command(&["explain", "order", &id]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    site.until("the step", MINUTE, async |site| explained(site).contains("faturado")).await;
    assert_eq!(view(&site, &id).invoices.len(), 0);
    site.kill();
    invoice(&site, &id, 5_001, VALUE, 2).await;
    site.start();
    shows(&site, &id, OrderStatus::Invoiced).await;
    let invoices = view(&site, &id).invoices;
    assert_eq!((&*invoices[0].number, invoices[0].value), ("5001", VALUE));
    assert_eq!(invoices[0].items, [(0, 2, PRICE)]);
    sql(
        &site,
        &format!("UPDATE live.pedido_venda SET codigo_rastreio = 'BR123', status = 80 WHERE numero_externo = '{id}'"),
    )
    .await;
    let tracked = |site: &Site| view(site, &id).invoices[0].tracking_number.as_deref() == Some("BR123");
    site.until("tracking", MINUTE, async |site| tracked(site)).await;
    site.kill();
    step(&site, &id, 90).await;
    site.start();
    site.until("delivered", MINUTE, async |site| view(site, &id).delivered).await;
    let once = ["start-handling", "invoice", "invoice-tracking-number", "tracking"];
    assert_eq!(accepted(&site, &id), once, "each effect once, in order");
    site.until("at rest", MINUTE, async |site| explained(site).contains("at rest")).await;
    let text = explained(&site);
    assert!(text.contains("entregue") && text.contains("invoice 5001"), "{text}");
    // VTEX shows the order as it was confirmed: a proof reads it, and does nothing.
    let said = site.run(&["reconcile", "order", "--with-vtex"]);
    assert!(said.starts_with("1 keys asked about in VTEX, 0 differed"), "{said}");
    assert_eq!(accepted(&site, &id), once);
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_jumps_over_others_catches_up_and_lost_answers_change_nothing() {
    let mut site = open().await;
    let lost = |kind, route: &str| Fault {
        route: route.to_owned(),
        probability: 0.4,
        applied: true,
        ..Fault::new(kind)
    };
    site.vtex.world().set_faults(vec![
        lost(FaultKind::ErrorAfter, "POST */start-handling"),
        lost(FaultKind::ErrorAfter, "POST */invoice"),
        lost(FaultKind::Reset, "PUT */tracking"),
    ]);
    site.start();
    let mut ids = Vec::new();
    for n in 0..6 {
        let id = place(&site).await;
        type_in(&site, &id, 1, 2).await;
        invoice(&site, &id, 6_000 + n, VALUE, 2).await;
        step(&site, &id, 75).await;
        ids.push(id);
    }
    for id in &ids {
        site.until("fetched", 2 * MINUTE, async |site| view(site, id).delivered).await;
        let view = view(&site, id);
        assert_eq!(
            (view.status, view.invoices.len(), view.invoiced),
            (Some(OrderStatus::Invoiced), 1, VALUE)
        );
    }
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_takes_up_what_is_open_and_leaves_the_past_alone() {
    let mut site = closed().await;
    let (open, done, old, foreign) =
        (place(&site).await, place(&site).await, place(&site).await, place(&site).await);
    for id in [&open, &done, &old, &foreign] {
        type_in(&site, id, 2, 2).await;
    }
    step(&site, &done, 90).await;
    sql(
        &site,
        &format!(
            "UPDATE live.pedido_venda SET data_pedido = now() - interval '40 days' WHERE numero_externo = '{old}';
             UPDATE live.pedido_venda SET origem = 'PLUGINBOT' WHERE numero_externo = '{foreign}'"
        ),
    )
    .await;
    site.run(&["install"]);
    site.start();
    shows(&site, &open, OrderStatus::Handling).await;
    for id in [&done, &old, &foreign] {
        assert_eq!(view(&site, id).status, Some(OrderStatus::ReadyForHandling));
    }
    // Whoever wants one of them after all can say so.
    site.run(&["reconcile", "order", "--key", &old]);
    shows(&site, &old, OrderStatus::Handling).await;
    assert_eq!(accepted(&site, &foreign), Vec::<&str>::new());
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_two_stores_short_ones_and_cancelled_ones() {
    let mut site = open().await;
    site.start();
    // Two stores invoice a part each.
    let split = place(&site).await;
    let second = format!("{split}#2");
    type_in(&site, &split, 2, 1).await;
    type_in(&site, &second, 2, 1).await;
    shows(&site, &split, OrderStatus::Handling).await;
    invoice(&site, &split, 71, PRICE + 1_500, 1).await;
    step(&site, &split, 70).await;
    site.until("the first part", MINUTE, async |site| view(site, &split).invoices.len() == 1).await;
    assert_eq!(view(&site, &split).status, Some(OrderStatus::Handling));
    invoice(&site, &second, 72, PRICE, 1).await;
    step(&site, &second, 70).await;
    shows(&site, &split, OrderStatus::Invoiced).await;
    // One of two pieces is missing.
    let short = place(&site).await;
    type_in(&site, &short, 2, 2).await;
    shows(&site, &short, OrderStatus::Handling).await;
    sql(
        &site,
        &format!(
            "UPDATE live.pedido_venda_item SET quantidade_atendida = 1
             WHERE id_pedido = (SELECT id FROM live.pedido_venda WHERE numero_externo = '{short}')"
        ),
    )
    .await;
    invoice(&site, &short, 73, PRICE + 1_500, 1).await;
    step(&site, &short, 70).await;
    shows(&site, &short, OrderStatus::Invoiced).await;
    assert_eq!(view(&site, &short).items[0].1, 1);
    // The store refuses one, and VTEX the cancellation of another.
    let refused = place(&site).await;
    type_in(&site, &refused, 2, 2).await;
    shows(&site, &refused, OrderStatus::Handling).await;
    sql(&site, &format!("UPDATE live.pedido_venda SET motivo_cancelamento = 'sem estoque', status = 98 WHERE numero_externo = '{refused}'")).await;
    shows(&site, &refused, OrderStatus::Canceled).await;
    assert_eq!(view(&site, &refused).cancel_reason.as_deref(), Some("sem estoque"));
    step(&site, &split, 95).await;
    step(&site, &second, 95).await;
    site.until("a task", MINUTE, async |site| site.run(&["parked", "list"]).contains(&split)).await;
    let parked = site.run(&["explain", "order", &split]);
    assert!(parked.contains("by-hand") && parked.contains("does not cancel such an order"), "{parked}");
    // The shopper wants one cancelled; staff denies it and invoices.
    let asked = place(&site).await;
    type_in(&site, &asked, 2, 2).await;
    shows(&site, &asked, OrderStatus::Handling).await;
    site.vtex.world().shopper_cancels(&asked, "mudei de ideia").unwrap();
    sql(&site, &format!("UPDATE live.pedido_venda SET decisao_cancelamento = 2, status = 70 WHERE numero_externo = '{asked}'")).await;
    invoice(&site, &asked, 74, VALUE, 2).await;
    shows(&site, &asked, OrderStatus::Invoiced).await;
    assert!(!site.log().contains("sem estoque"), "what staff writes is nobody's business");
    assert_eq!(site.stop(), 0, "{}", site.log());
}
