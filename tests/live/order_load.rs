//! Many orders both ways while a fifth of all requests about them fails: in the end both sides say the same.

use std::collections::BTreeMap;
use std::time::Duration;

use mare::simulator::{EmailMask, Fault, FaultKind, FeedFaults, Limits, Options, OrderOptions, OrderStatus};

use super::order_status::accepted;
use super::orders::{ORDERS, RESERVED, check_books, entered, number, order, place, texts};
use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const COUNT: usize = 150;
const FAST: &str = "[tuning]\nretry_first_ms = 100\nretry_max_ms = 2000\n[tuning.routes]\n\
    order_read = { per_second = 500, burst = 500 }\norder_write = { per_second = 500, burst = 500 }\n";

/// A fifth of what is asked about orders fails; half of what fails was carried out.
fn faults() -> Vec<Fault> {
    let kinds = [FaultKind::ErrorBefore, FaultKind::ErrorAfter, FaultKind::Unavailable, FaultKind::Reset];
    let fault =
        |kind| Fault { route: "orders".to_owned(), probability: 0.05, applied: true, ..Fault::new(kind) };
    kinds.map(fault).to_vec()
}

/// Invoices each part of an order over its whole value, and says that it was delivered.
const DELIVER: &str = "WITH parte AS (SELECT * FROM live.pedido_venda p WHERE origem = 'VTEX' AND status = 10
       AND split_part(numero_externo, '#', 1) = ANY($1)),
     nota AS (
       INSERT INTO live.nota_fiscal (id, id_loja, id_pedido, modelo, operacao, numero, serie, chave_acesso, situacao,
         valor_produtos, valor_total, data_emissao, data_atualizacao)
       SELECT gen_random_uuid(), id_loja, id, 55, 1, numero, 1, lpad(numero::text, 44, '0'), 'A', valor_produtos, valor_total,
              now(), now() FROM parte RETURNING id, id_pedido),
     itens AS (
       INSERT INTO live.nota_fiscal_item (id, id_nota, id_sku, quantidade, preco_unitario, valor_total)
       SELECT gen_random_uuid(), nota.id, i.id_sku, i.quantidade, i.preco_unitario, i.valor_total
       FROM nota JOIN live.pedido_venda_item i ON i.id_pedido = nota.id_pedido)
     UPDATE live.pedido_venda SET status = 90, codigo_rastreio = 'BR' || numero, data_status = now()
     WHERE id IN (SELECT id FROM parte)";

const REFUSE: &str =
    "UPDATE live.pedido_venda SET status = 98, motivo_cancelamento = 'sem estoque', data_status = now()
     WHERE origem = 'VTEX' AND status = 10 AND split_part(numero_externo, '#', 1) = ANY($1)";

#[tokio::test(flavor = "multi_thread")]
async fn when_a_fifth_of_all_requests_fails_both_sides_end_equal() {
    let feed =
        FeedFaults { duplicated: 0.2, delayed: 0.2, delay_ms: 500, short: 0.2, ..FeedFaults::default() };
    let orders = OrderOptions { feed, email: EmailMask::Hard, ..OrderOptions::without_window() };
    let options = Options { limits: Limits::unlimited(), orders, ..Options::default() };
    let mut site = Site::new(200, options, &format!("{ORDERS}{FAST}")).await;
    site.use_entities("\"stock\", \"order\"");
    let skus = texts(&site, "SELECT codigo FROM live.produto_sku ORDER BY codigo").await;
    site.vtex.world().seed_skus(skus.iter().cloned().zip(1..)).unwrap();
    site.run(&["install"]);
    site.start();
    site.converged(MINUTE).await;
    let before = number(&site, RESERVED).await;
    site.vtex.world().set_faults(faults());
    let ids: Vec<String> = (0..COUNT).map(|n| place(&site, order(n, &skus))).collect();
    let all = async |site: &Site| {
        // What a lost answer held is hidden for a while.
        site.vtex.world().advance(Duration::from_secs(5));
        entered(site).await.len() == COUNT
    };
    site.until("all are in Live", 3 * MINUTE, all).await;
    check_books(&site, &ids, before).await;
    // Every tenth is refused, the rest is delivered, before or after VTEX has it in handling.
    let (refused, sent): (Vec<_>, Vec<_>) = ids.iter().enumerate().partition(|(n, _)| n % 10 == 9);
    let ids_of = |list: Vec<(usize, &String)>| list.into_iter().map(|(_, id)| id.clone()).collect::<Vec<_>>();
    let (refused, sent) = (ids_of(refused), ids_of(sent));
    site.live.execute(DELIVER, &[&sent]).await.unwrap();
    site.live.execute(REFUSE, &[&refused]).await.unwrap();
    let world = site.vtex.world();
    let done = |id: &String| {
        let view = world.order(id).unwrap();
        let delivered = view.invoices.iter().all(|invoice| invoice.delivered);
        match refused.contains(id) {
            true => view.status == Some(OrderStatus::Canceled),
            false => view.status == Some(OrderStatus::Invoiced) && delivered && view.invoiced == view.value,
        }
    };
    site.until("VTEX has them all", 4 * MINUTE, async |_| ids.iter().all(done)).await;
    let mut odd = BTreeMap::new();
    for id in &ids {
        let view = world.order(id).unwrap();
        let mut told = accepted(&site, id);
        let invoices = told.iter().filter(|call| **call == "invoice").count();
        told.dedup();
        let numbers: std::collections::BTreeSet<_> =
            view.invoices.iter().map(|invoice| &invoice.number).collect();
        let once = if refused.contains(id) { invoices == 0 } else { invoices == view.invoices.len() };
        if !once || numbers.len() != view.invoices.len() {
            odd.insert(id, told);
        }
    }
    assert!(odd.is_empty(), "{odd:?}");
    // Both sides: what Live has of each step is what VTEX shows.
    let steps = "SELECT count(*) FROM live.pedido_venda WHERE origem = 'VTEX' AND status NOT IN (90, 98)";
    assert_eq!(number(&site, steps).await, 0);
    site.vtex.world().set_faults(Vec::new());
    site.converged(2 * MINUTE).await;
    assert_eq!(site.get("/orders").await.unwrap()["total"], 0, "none is set aside");
    assert_eq!(site.stop(), 0, "{}", site.log());
}
