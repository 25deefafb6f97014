//! Orders both ways at ten thousand an hour, a fifth of the requests about them failing: from the shopper to Live, from what
//! the store does to VTEX. And as many at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mare::simulator::{Fault, FaultKind, FeedFaults, Limits, Options, OrderOptions, OrderStatus};
use serde_json::{Value, json};

use super::{MINUTE, Site, WITHOUT_LIMITS, look_as_usual, report, stage};

const PER_HOUR: f64 = 10_000.0;
const ORDERS: usize = 500;
const LOOK: Duration = Duration::from_millis(20);
/// All of these together: a fifth.
const FAULTS: [FaultKind; 4] =
    [FaultKind::ErrorBefore, FaultKind::ErrorAfter, FaultKind::Unavailable, FaultKind::Reset];
const RULES: &str = "[orders]\ndefault_payment = \"OUTROS\"\n";

pub(super) async fn measure() {
    one("steady", Duration::from_secs_f64(3_600.0 / PER_HOUR)).await;
    one("burst", Duration::ZERO).await;
}

/// When an order was where.
#[derive(Default)]
struct Way {
    placed: Option<Instant>,
    in_live: Option<Instant>,
    handled: Option<Instant>,
    /// The store invoices it and hands it over: the commit.
    left: Option<Instant>,
    invoiced: Option<Instant>,
    delivered: Option<Instant>,
}

async fn one(name: &str, pause: Duration) {
    let began = Instant::now();
    let feed = FeedFaults { duplicated: 0.05, ..FeedFaults::default() };
    let orders = OrderOptions { feed, ..OrderOptions::without_window() };
    let options = Options { limits: Limits::unlimited(), orders, ..Options::default() };
    // As many as in the profile pequeno.
    let mut site = Site::new(6_000, options, &format!("{WITHOUT_LIMITS}{RULES}")).await;
    site.use_entities("\"stock\", \"order\"");
    look_as_usual(&site);
    let rows = site.live.query("SELECT codigo FROM live.produto_sku ORDER BY codigo", &[]).await.unwrap();
    let skus: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    site.vtex.world().seed_skus(skus.iter().cloned().zip(1..)).unwrap();
    site.run(&["install"]);
    site.start();
    site.converged(5 * MINUTE).await;
    site.until("the feed", MINUTE, async |site| {
        site.get("/status").await.is_some_and(|status| status["orders"]["feed"] == "listening")
    })
    .await;
    let fault =
        |kind| Fault { route: "orders".to_owned(), probability: 0.05, applied: true, ..Fault::new(kind) };
    site.vtex.world().set_faults(FAULTS.map(fault).to_vec());
    stage(began, &format!("orders: {ORDERS}, {name}"));
    let ways = play(&site, &skus, pause).await;
    site.vtex.world().set_faults(Vec::new());
    site.converged(2 * MINUTE).await;
    let differ = differences(&site).await;
    let total = ways.values().map(|way| way.delivered.unwrap()).max().unwrap();
    let first = ways.values().map(|way| way.placed.unwrap()).min().unwrap();
    let world = site.vtex.world();
    report(&json!({
        "bench": "orders", "arrival": name, "orders": ways.len(), "seconds": (total - first).as_secs_f64(),
        "vtex_to_live": spread(&ways, |way| (way.placed, way.in_live)),
        "entered_to_handling": spread(&ways, |way| (way.in_live, way.handled)),
        "live_to_vtex_invoiced": spread(&ways, |way| (way.left, way.invoiced)),
        "live_to_vtex_delivered": spread(&ways, |way| (way.left, way.delivered)),
        "differences": differ, "requests": world.counters().total_requests(),
        "set_aside": site.get("/orders").await.unwrap()["total"],
    }));
}

async fn play(site: &Site, skus: &[String], pause: Duration) -> BTreeMap<String, Way> {
    let mut ways: BTreeMap<String, Way> = BTreeMap::new();
    let world = site.vtex.world();
    let began = Instant::now();
    loop {
        while ways.len() < ORDERS && began + pause * ways.len() as u32 <= Instant::now() {
            let n = ways.len();
            let order = json!({
                "items": [{ "ref": skus[n * 11 % skus.len()], "quantity": 1, "warehouse": "loja001", "price": 4_999 }],
                "shipping": 1_000, "oversell": true,
            });
            let id = world.place_order(order).unwrap();
            ways.insert(id, Way { placed: Some(Instant::now()), ..Way::default() });
        }
        look(site, &mut ways).await;
        if ways.len() == ORDERS && ways.values().all(|way| way.delivered.is_some()) {
            return ways;
        }
        assert!(began.elapsed() < 20 * MINUTE, "{}", site.log());
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(site: &Site, ways: &mut BTreeMap<String, Way>) {
    let sql = "SELECT numero_externo FROM live.pedido_venda WHERE origem = 'VTEX' AND status = 10";
    let rows = site.live.query(sql, &[]).await.unwrap();
    let now = Instant::now();
    for row in rows {
        if let Some(way) = ways.get_mut(row.get::<_, &str>(0)) {
            way.in_live.get_or_insert(now);
        }
    }
    let world = site.vtex.world();
    let mut leaving = Vec::new();
    for (id, way) in ways.iter_mut().filter(|(_, way)| way.in_live.is_some() && way.delivered.is_none()) {
        let Some(order) = world.order(id) else { continue };
        let now = Instant::now();
        if way.handled.is_none() && order.status == Some(OrderStatus::Handling) {
            way.handled = Some(now);
            leaving.push(id.clone());
        }
        if order.status == Some(OrderStatus::Invoiced) {
            way.invoiced.get_or_insert(now);
        }
        if order.delivered {
            way.delivered = Some(now);
        }
    }
    for id in leaving {
        leave(site, &id).await;
        ways.get_mut(&id).unwrap().left = Some(Instant::now());
    }
}

/// Invoiced and delivered at once, as a store that works ahead of its papers does.
async fn leave(site: &Site, id: &str) {
    let sql = format!(
        "BEGIN; WITH nota AS (
           INSERT INTO live.nota_fiscal (id, id_loja, id_pedido, modelo, operacao, numero, serie, chave_acesso, situacao,
             valor_produtos, valor_total, data_emissao, data_atualizacao)
           SELECT gen_random_uuid(), p.id_loja, p.id, 55, 1, p.numero, 1, lpad(p.numero::text, 44, '0'), 'A',
                  p.valor_produtos, p.valor_total, now(), now()
           FROM live.pedido_venda p WHERE p.numero_externo = '{id}' RETURNING id, id_pedido)
         INSERT INTO live.nota_fiscal_item (id, id_nota, id_sku, quantidade, preco_unitario, valor_total)
         SELECT gen_random_uuid(), nota.id, i.id_sku, i.quantidade, i.preco_unitario, i.valor_total
         FROM nota JOIN live.pedido_venda_item i ON i.id_pedido = nota.id_pedido;
         UPDATE live.pedido_venda SET status = 90, codigo_rastreio = 'BR' || numero, data_status = now()
         WHERE numero_externo = '{id}'; COMMIT"
    );
    site.live.batch_execute(&sql).await.unwrap();
}

/// Orders that are not at the same place on both sides, or had an effect twice.
async fn differences(site: &Site) -> usize {
    let once = ["start-handling", "invoice", "invoice-tracking-number", "tracking"];
    let views = site.vtex.world().order_views();
    let done = views.iter().filter(|view| {
        let accepted = view.calls.iter().filter(|(_, status)| *status < 300).map(|(call, _)| *call);
        accepted.eq(once) && view.status == Some(OrderStatus::Invoiced) && view.invoiced == view.value
    });
    let sql = "SELECT count(*), count(DISTINCT numero_externo) FROM live.pedido_venda WHERE origem = 'VTEX' AND status = 90";
    let row = site.live.query_one(sql, &[]).await.unwrap();
    let (rows, orders): (i64, i64) = (row.get(0), row.get(1));
    (views.len() - done.count()) + rows.abs_diff(views.len() as i64) as usize + rows.abs_diff(orders) as usize
}

fn spread(ways: &BTreeMap<String, Way>, of: impl Fn(&Way) -> (Option<Instant>, Option<Instant>)) -> Value {
    let between = |way: &Way| {
        let (from, to) = of(way);
        (to.unwrap() - from.unwrap()).as_secs_f64() * 1e3
    };
    let mut all: Vec<f64> = ways.values().map(between).collect();
    all.sort_by(f64::total_cmp);
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize].round();
    json!({ "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "max_ms": at(1.0) })
}
