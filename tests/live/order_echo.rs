//! What maré writes into Live for an order does not come back as somebody's change; stock does, and so does whatever a person
//! does to the same rows in the same moment.

use std::time::Duration;

use mare::simulator::{EmailMask, Limits, MasterDataOptions, Options, OrderOptions, OrderStatus};
use serde_json::{Value, json};

use super::order_status::{accepted, shows};
use super::orders::{ORDERS, cpf, entered, number, place, texts};
use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning]\nretry_first_ms = 100\n[tuning.routes]\norder_read = { per_second = 200, burst = 200 }\n\
    order_write = { per_second = 200, burst = 200 }\npeople_read = { per_second = 2000, burst = 2000 }\n\
    people_write = { per_second = 2000, burst = 2000 }\n";

async fn open(source: &str) -> Site {
    let orders = OrderOptions { email: EmailMask::Hard, ..OrderOptions::without_window() };
    let mut options = Options { limits: Limits::unlimited(), orders, ..Options::default() };
    options.master_data = MasterDataOptions { search_lag: Duration::from_millis(100), ..options.master_data };
    let mut site = Site::with_source(200, options, &format!("{ORDERS}{FAST}"), source).await;
    site.use_entities("\"stock\", \"customer\", \"consent\", \"order\"");
    let skus = texts(&site, "SELECT codigo FROM live.produto_sku ORDER BY codigo").await;
    site.vtex.world().seed_skus(skus.into_iter().zip(1..)).unwrap();
    site.run(&["install"]);
    site.start();
    site.converged(MINUTE).await;
    quiet(&site).await;
    site
}

/// Nothing is on its way to VTEX, and the feed is empty.
async fn quiet(site: &Site) {
    let is_quiet = async |site: &Site| {
        let Some(status) = site.get("/status").await else { return false };
        let loaded = status["sources"]["live"]["last_load"].is_object();
        let refreshed = status["sources"]["live"]["refresh_due"] == 0;
        let waiting = site.vtex.world().feeds().iter().map(|feed| feed.waiting).sum::<usize>();
        loaded && refreshed && status["vtex"]["keys"] == 0 && waiting == 0
    };
    for _ in 0..2 {
        site.until("quiet", MINUTE, is_quiet).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// An order of somebody whom Live does not know, who wants the newsletter.
fn of_stranger(n: usize, skus: &[String]) -> Value {
    json!({
        "items": [
            { "ref": skus[2 * n], "quantity": 2, "warehouse": "loja001", "price": 2_499 },
            { "ref": skus[2 * n + 1], "quantity": 1, "warehouse": "loja001", "price": 999 },
        ],
        "shipping": 1_500,
        "customer": {
            "email": format!("echo.{n}@comprador.example"), "first_name": "Iara", "last_name": "Vazante",
            "document": cpf(40 + n), "newsletter": true,
        },
    })
}

/// What the replicator has told VTEX about people.
async fn about_people(site: &Site) -> u64 {
    let status = site.get("/status").await.unwrap();
    status["vtex"]["routes"]["people-write"]["requests"]["ok"].as_u64().unwrap()
}

/// How often an order of VTEX was read on its way into Live.
async fn looked_at(site: &Site) -> u64 {
    let metrics = site.text("/metrics").await;
    let of_entry = metrics
        .lines()
        .filter(|line| line.starts_with("mare_requests_total{") && line.contains("route=\"order-entry\""));
    of_entry.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Changes that the source has seen.
async fn seen(site: &Site) -> u64 {
    site.get("/status").await.unwrap()["sources"]["live"]["changes"].as_u64().unwrap()
}

/// SKUs of which the first store has enough.
const IN_STOCK: &str = "SELECT s.codigo FROM live.produto_sku s JOIN live.estoque_saldo e ON e.id_sku = s.id \
    JOIN live.loja l ON l.id = e.id_loja JOIN live.produto p ON p.id = s.id_produto \
    WHERE l.codigo = '001' AND p.ind_integra_ecommerce GROUP BY s.codigo \
    HAVING sum(e.quantidade - e.quantidade_reservada) > 10 AND count(*) = 1 ORDER BY 1";

/// E-mail address and CPF of customers of Live whom VTEX knows, without those whom a checkout has brought into Live: as long as they
/// have given no basic consent, nothing about them goes to VTEX.
async fn known_people(site: &Site) -> Vec<(String, String)> {
    let sql = "SELECT email, cpf_cnpj FROM live.cliente WHERE tipo_pessoa = 1 AND email IS NOT NULL \
        AND cpf_cnpj IS NOT NULL AND email NOT LIKE 'echo.%' ORDER BY codigo";
    let rows = site.live.query(sql, &[]).await.unwrap();
    let world = site.vtex.world();
    let people = rows.iter().map(|row| (row.get::<_, String>(0), row.get::<_, String>(1)));
    let known: Vec<_> = people
        .filter(|(email, _)| {
            world
                .customers_by_email(email)
                .iter()
                .any(|customer| customer["document"].is_string() && customer["isNewsletterOptIn"] == true)
        })
        .collect();
    assert!(known.len() > 2, "{known:?}");
    known
}

async fn only_stock_and_people_are_heard(source: &str) {
    let mut site = open(source).await;
    let skus = texts(&site, IN_STOCK).await;
    assert!(skus.len() >= 8, "{skus:?}");
    let (before, changes) = (about_people(&site).await, seen(&site).await);
    let sold = site.stock(&skus[0], "loja001").unwrap();
    let id = place(&site, of_stranger(0, &skus));
    shows(&site, &id, OrderStatus::Handling).await;
    site.converged(MINUTE).await;
    quiet(&site).await;
    let written = "SELECT (SELECT count(*) FROM live.cliente WHERE email LIKE 'echo.%') \
        + (SELECT count(*) FROM live.cliente_consentimento WHERE canal = 'ECOMMERCE' AND operador IS DISTINCT FROM 'x' \
           AND id_cliente IN (SELECT id FROM live.cliente WHERE email LIKE 'echo.%'))";
    assert_eq!(number(&site, written).await, 2, "a customer and a consent");
    assert_eq!(about_people(&site).await, before, "VTEX knows what it told us");
    assert_eq!(accepted(&site, &id), ["start-handling"]);
    assert_eq!(looked_at(&site).await, 1, "that VTEX shows it as handled is our own doing, and no news");
    // The reservation of two balances is all that came back, and VTEX was told.
    assert_eq!(seen(&site).await - changes, 2);
    assert_eq!(site.stock(&skus[0], "loja001"), Some(sold - 2));

    // VTEX ends one: what follows in Live comes back no more than the rest.
    let (changes, id) = (seen(&site).await, place(&site, of_stranger(1, &skus)));
    shows(&site, &id, OrderStatus::Handling).await;
    quiet(&site).await;
    site.vtex.world().force_order_status(&id, OrderStatus::Canceled).unwrap();
    let cancelled = "SELECT count(*) FROM live.pedido_venda WHERE status = 95";
    site.until("it is cancelled", MINUTE, async |site| number(site, cancelled).await == 1).await;
    quiet(&site).await;
    site.converged(MINUTE).await;
    assert_eq!(accepted(&site, &id), ["start-handling"]);
    assert_eq!(about_people(&site).await, before);
    assert_eq!(seen(&site).await - changes, 4, "reserved and released, two balances each");

    // People who are at the same rows at once, some of them rows that the order has written.
    for (n, (email, document)) in known_people(&site).await.into_iter().enumerate().take(2) {
        let mut order = of_stranger(2 + n, &skus);
        order["customer"]["email"] = json!(email);
        order["customer"]["document"] = json!(document);
        let id = place(&site, order);
        site.until("it is in Live", MINUTE, async |site| entered(site).await.contains(&id)).await;
        let edits = format!(
            "UPDATE live.cliente SET nome = 'Iara Preamar', data_atualizacao = now() WHERE email = '{email}'; \
             UPDATE live.estoque_saldo SET quantidade = quantidade + 5, data_atualizacao = now() WHERE id_sku = \
               (SELECT id FROM live.produto_sku WHERE codigo = '{}'); \
             UPDATE live.pedido_venda SET status = 98, motivo_cancelamento = 'sem estoque', data_status = now() \
               WHERE numero_externo = '{id}'",
            skus[2 * (2 + n)]
        );
        site.live.batch_execute(&edits).await.unwrap();
        shows(&site, &id, OrderStatus::Canceled).await;
        let named = |site: &Site| {
            site.vtex
                .world()
                .customers_by_email(&email)
                .iter()
                .any(|customer| customer["lastName"] == "Preamar")
        };
        site.until("the new name", MINUTE, async |site| named(site)).await;
        site.converged(MINUTE).await;
    }
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mare_writes_for_an_order_does_not_come_back_by_the_slot() {
    only_stock_and_people_are_heard("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mare_writes_for_an_order_does_not_come_back_by_change_tables() {
    only_stock_and_people_are_heard("capture = \"triggers\"").await;
}
