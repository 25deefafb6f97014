//! What can happen to rows and tables.

use std::time::Duration;

use mare::simulator::{Limits, Options};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\nstock_write = { per_second = 5000, burst = 5000 }\n\
    stock_read = { per_second = 2000, burst = 2000 }\nprice_put = { per_second = 500, burst = 1000 }\n\
    price_read = { per_second = 500, burst = 1000 }\nprice_patch = { per_second = 500, burst = 1000 }\n";

fn unlimited() -> Options {
    Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() }
}

async fn running(skus: i64) -> Site {
    let mut site = Site::new(skus, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    site
}

/// A stock row that VTEX shows something of: store, deposit, SKU id, key in VTEX.
async fn a_stocked_row(site: &Site) -> (String, String) {
    let row = site
        .live
        .query_one(
            "SELECT s.id::text, s.codigo FROM live.estoque_saldo e JOIN live.produto_sku s ON s.id = e.id_sku \
             JOIN live.produto p ON p.id = s.id_produto JOIN live.loja l ON l.id = e.id_loja \
             JOIN live.deposito d ON d.id = e.id_deposito \
             WHERE l.codigo = '001' AND e.quantidade - e.quantidade_reservada > 20 AND NOT p.ind_fracionado \
               AND p.ind_integra_ecommerce AND p.situacao = 1 AND s.situacao = 1 AND s.ind_ativo_ecommerce \
               AND p.estoque_minimo_exibicao = 0 AND d.ind_disponivel_ecommerce ORDER BY s.codigo LIMIT 1",
            &[],
        )
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_key_changes_and_truncate_reach_vtex() {
    let site = running(200).await;
    let (id, code) = a_stocked_row(&site).await;
    assert!(site.stock(&code, "loja001").unwrap() > 0);

    // A deleted balance is no stock.
    let delete = format!(
        "DELETE FROM live.estoque_saldo WHERE id_sku = '{id}' AND id_loja = (SELECT id FROM live.loja WHERE codigo = '001')"
    );
    site.live.batch_execute(&delete).await.unwrap();
    site.until("the deleted balance is 0", MINUTE, async |site| site.stock(&code, "loja001") == Some(0))
        .await;

    // A primary key that changes takes the stock from one SKU to the other.
    let swap = "UPDATE live.estoque_saldo e SET id_sku = (SELECT id FROM live.produto_sku s WHERE NOT EXISTS \
        (SELECT FROM live.estoque_saldo o WHERE o.id_sku = s.id AND o.id_loja = e.id_loja) LIMIT 1) \
        WHERE (e.id_loja, e.id_sku) IN (SELECT x.id_loja, x.id_sku FROM live.estoque_saldo x \
        JOIN live.loja l ON l.id = x.id_loja WHERE l.codigo = '001' AND x.quantidade > 20 LIMIT 1)";
    assert_eq!(site.live.execute(swap, &[]).await.unwrap(), 1);
    site.converged(MINUTE).await;

    // TRUNCATE and load again in one transaction: the shop is not closed in between.
    site.live
        .batch_execute(
            "BEGIN; CREATE TEMP TABLE kept AS SELECT * FROM live.estoque_saldo; TRUNCATE live.estoque_saldo; \
             INSERT INTO live.estoque_saldo SELECT * FROM kept WHERE quantidade > 5; COMMIT",
        )
        .await
        .unwrap();
    let kept: i64 = site.live.query_one("SELECT count(*) FROM live.estoque_saldo", &[]).await.unwrap().get(0);
    assert!(kept > 0);
    site.converged(MINUTE).await;
    // What was not loaded again is gone: VTEX must not go on selling it.
    site.until("nothing is sold that Live does not have", MINUTE, async |site| {
        let expected = crate::support::shop::expected_stock(&site.live).await;
        site.all_stock().await.iter().all(|stock| {
            let key = format!("{}/{}", stock["warehouse"].as_str().unwrap(), stock["ref"].as_str().unwrap());
            expected.contains_key(&key) || stock["quantity"] == 0 || not_integrated(&stock["ref"], &expected)
        })
    })
    .await;
}

/// Products that are not for the web shop are not in the expectation at all.
fn not_integrated(sku: &serde_json::Value, expected: &std::collections::BTreeMap<String, i64>) -> bool {
    let sku = sku.as_str().unwrap();
    !expected.keys().any(|key| key.ends_with(&format!("/{sku}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_and_minimum_change_what_is_shown() {
    let site = running(200).await;
    let (id, code) = a_stocked_row(&site).await;
    let shown = site.stock(&code, "loja001").unwrap();
    let product = format!("(SELECT id_produto FROM live.produto_sku WHERE id = '{id}')");
    let run = async |sql: String| site.live.batch_execute(&sql).await.unwrap();
    let becomes = async |quantity: i64| {
        site.until(&format!("{code} shows {quantity}"), MINUTE, async |site| {
            site.stock(&code, "loja001") == Some(quantity)
        })
        .await;
    };
    run(format!("UPDATE live.produto SET estoque_minimo_exibicao = 1000000 WHERE id = {product}")).await;
    becomes(0).await;
    run(format!("UPDATE live.produto SET estoque_minimo_exibicao = 0 WHERE id = {product}")).await;
    becomes(shown).await;
    run(format!("UPDATE live.produto SET ind_integra_ecommerce = false WHERE id = {product}")).await;
    becomes(0).await;
    run(format!("UPDATE live.produto SET ind_integra_ecommerce = true WHERE id = {product}")).await;
    becomes(shown).await;
    run("UPDATE live.loja SET ind_integra_ecommerce = false WHERE codigo = '001'".to_owned()).await;
    becomes(0).await;
    run("UPDATE live.loja SET ind_integra_ecommerce = true WHERE codigo = '001'".to_owned()).await;
    site.converged(MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_large_value_is_neither_null_nor_lost() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    assert!(site.command(&["uninstall"]).output().unwrap().status.success());
    // A code so large that Postgres stores it apart (TOAST) and does not send it when it stays the same.
    site.live
        .batch_execute(
            "ALTER TABLE live.produto DROP CONSTRAINT produto_id_dominio_codigo_key; \
             ALTER TABLE live.produto ALTER codigo TYPE text, ALTER codigo SET STORAGE EXTERNAL; \
             UPDATE live.produto SET codigo = codigo || repeat('x', 5000)",
        )
        .await
        .unwrap();
    assert!(site.command(&["install"]).output().unwrap().status.success());
    site.start();
    site.converged(MINUTE).await;
    let (id, code) = a_stocked_row(&site).await;
    site.live
        .batch_execute(&format!(
            "UPDATE live.produto SET estoque_minimo_exibicao = 1000000 \
             WHERE id = (SELECT id_produto FROM live.produto_sku WHERE id = '{id}')"
        ))
        .await
        .unwrap();
    site.until("the minimum of a row that came incomplete counts", MINUTE, async |site| {
        site.stock(&code, "loja001") == Some(0)
    })
    .await;
    site.converged(MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_column_pauses_one_entity_and_the_other_goes_on() {
    let site = running(200).await;
    let (id, code) = a_stocked_row(&site).await;
    site.live.batch_execute("ALTER TABLE live.preco RENAME valor TO valor_venda").await.unwrap();
    site.live.batch_execute("UPDATE live.preco SET valor_venda = valor_venda + 1").await.unwrap();
    site.until("price is paused with a reason", MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["sources"]["live"]["paused"]["price"].as_str().is_some_and(|reason| reason.contains("valor"))
            && status["ready"] == false
    })
    .await;
    site.live
        .batch_execute(&format!(
            "UPDATE live.estoque_saldo SET quantidade = quantidade_reservada + 77 WHERE id_sku = '{id}' \
             AND id_loja = (SELECT id FROM live.loja WHERE codigo = '001')"
        ))
        .await
        .unwrap();
    site.until("stock goes on", MINUTE, async |site| site.stock(&code, "loja001") == Some(77)).await;
    site.live.batch_execute("ALTER TABLE live.preco RENAME valor_venda TO valor").await.unwrap();
    site.live
        .batch_execute(
            "UPDATE live.preco SET motivo_desconto = 'x' WHERE id = (SELECT id FROM live.preco LIMIT 1)",
        )
        .await
        .unwrap();
    site.converged(2 * MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_transaction_takes_bounded_memory() {
    /// 64 MiB for changes on their way, and what the process needs besides.
    const MEMORY_MAX: u64 = 300 << 20;
    let site = running(2_000).await;
    site.live.batch_execute("BEGIN").await.unwrap();
    // A million row changes over 4,000 keys.
    for _ in 0..250 {
        site.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 1").await.unwrap();
    }
    let before = site.requests();
    site.live.batch_execute("COMMIT").await.unwrap();
    site.converged(3 * MINUTE).await;
    let requests = site.requests() - before;
    let keys: i64 = site.live.query_one("SELECT count(*) FROM live.estoque_saldo", &[]).await.unwrap().get(0);
    assert!(requests <= keys as u64 + 100, "{requests} requests for {keys} keys");
    let peak = site.peak_memory();
    assert!(peak < MEMORY_MAX, "{} MiB", peak >> 20);
}

/// The value of a metric without labels.
async fn metric(site: &Site, name: &str) -> f64 {
    let text = site.text("/metrics").await;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in\n{text}"))
}

/// Transactions that follow each other without a pause, each larger than what one read of the socket brings: the end of the
/// buffer is nearly always in the middle of one.
#[tokio::test(flavor = "multi_thread")]
async fn a_saturated_stream_is_committed_between_its_transactions() {
    const TRANSACTIONS: u32 = 1_000;
    let mut site = running(400).await;
    assert_eq!(site.stop(), 0);
    let loops = format!(
        "DO $$ BEGIN FOR i IN 1..{TRANSACTIONS} LOOP UPDATE live.estoque_saldo SET quantidade = quantidade + 1; COMMIT; END LOOP; END $$"
    );
    site.live.batch_execute(&loops).await.unwrap();
    site.start();
    site.converged(MINUTE).await;
    let commits = metric(&site, "mare_ledger_commits_total").await;
    assert!(commits >= 50.0, "{commits} commits for {TRANSACTIONS} transactions");
}
