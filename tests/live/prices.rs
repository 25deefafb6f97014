//! Prices that change by the clock, and databases that hold more than one company.

use std::time::Duration;

use mare::simulator::{Limits, Options};
use serde_json::Value;

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\nstock_write = { per_second = 5000, burst = 5000 }\n\
    price_put = { per_second = 500, burst = 1000 }\nprice_read = { per_second = 500, burst = 1000 }\n\
    price_patch = { per_second = 500, burst = 1000 }\npeople_read = { per_second = 500, burst = 1000 }\n\
    people_write = { per_second = 500, burst = 1000 }\n";

fn options() -> Options {
    Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() }
}

/// A product that VTEX is told of, all of whose SKUs have its price: its code, and a SKU of it.
const PLAIN: &str = "SELECT p.codigo, min(s.codigo) FROM live.produto p JOIN live.produto_sku s ON s.id_produto = p.id
    WHERE p.ind_integra_ecommerce AND p.situacao = 1 AND s.situacao = 1 AND s.ind_ativo_ecommerce AND NOT p.ind_fracionado
      AND NOT EXISTS (SELECT FROM live.preco o JOIN live.tabela_preco t ON t.id = o.id_tabela_preco
                      WHERE t.codigo = 'VAREJO' AND o.id_produto = p.id
                        AND (o.id_sku IS NOT NULL OR o.preco_promocional IS NOT NULL))
    GROUP BY p.codigo ORDER BY p.codigo LIMIT 1";

async fn price(site: &Site, sku: &str) -> Value {
    let prices = site.dump("prices").await;
    prices.into_iter().find(|price| price["ref"] == sku).unwrap_or_default()
}

/// Fixed prices of trade policy 1, to which promotions go.
async fn promotions(site: &Site, sku: &str) -> usize {
    let price = price(site, sku).await;
    price["fixed"].as_array().into_iter().flatten().filter(|fixed| fixed["table"] == "1").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_ends_and_a_price_begins_at_their_moment_though_no_row_changes() {
    let mut site = Site::new(200, options(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    let row = site.live.query_one(PLAIN, &[]).await.unwrap();
    let (product, sku): (String, String) = (row.get(0), row.get(1));
    assert_eq!(promotions(&site, &sku).await, 0);
    let of = format!(
        "id_tabela_preco = (SELECT id FROM live.tabela_preco WHERE codigo = 'VAREJO')
         AND id_produto = (SELECT id FROM live.produto WHERE codigo = '{product}')"
    );
    // The shop types in today what holds for some seconds, and what holds then. Nobody closes the old row.
    site.live
        .batch_execute(&format!(
            "BEGIN;
             INSERT INTO live.preco (id, id_tabela_preco, id_produto, valor, preco_promocional, data_vigencia_inicial,
                 data_vigencia_final, data_cadastro, data_atualizacao)
             SELECT gen_random_uuid(), id_tabela_preco, id_produto, valor, 0.50, now(), now() + interval '8 seconds', now(), now()
             FROM live.preco WHERE {of};
             INSERT INTO live.preco (id, id_tabela_preco, id_produto, valor, data_vigencia_inicial, data_cadastro, data_atualizacao)
             SELECT gen_random_uuid(), id_tabela_preco, id_produto, 777.77, now() + interval '8 seconds', now(), now()
             FROM live.preco WHERE {of} LIMIT 1; COMMIT"
        ))
        .await
        .unwrap();
    site.until("the promotion", MINUTE, async |site| promotions(site, &sku).await == 1).await;
    assert_ne!(price(&site, &sku).await["base"], 777.77, "not before its moment");
    // Nothing that waits is only in memory.
    site.kill();
    site.start();
    site.until("the price of the moment", MINUTE, async |site| price(site, &sku).await["base"] == 777.77)
        .await;
    site.until("no promotion any more", MINUTE, async |site| promotions(site, &sku).await == 0).await;
    assert_eq!(site.stop(), 0, "{}", site.log());
}

/// A second company in the same tables, with a store, a product and a customer under the same codes.
const ANOTHER_COMPANY: &str = "
    INSERT INTO live.loja SELECT (r).* FROM (SELECT jsonb_populate_record(l, jsonb_build_object('id', md5(l.id::text)::uuid,
        'id_dominio', '00000000-0000-0000-0000-0000000000ff', 'cnpj', '99' || substr(l.cnpj, 3))) AS r FROM live.loja l) x;
    INSERT INTO live.deposito SELECT (r).* FROM (SELECT jsonb_populate_record(d, jsonb_build_object('id', md5(d.id::text)::uuid,
        'id_loja', md5(d.id_loja::text)::uuid)) AS r FROM live.deposito d) x;
    INSERT INTO live.produto SELECT (r).* FROM (SELECT jsonb_populate_record(p, jsonb_build_object('id', md5(p.id::text)::uuid,
        'id_dominio', '00000000-0000-0000-0000-0000000000ff')) AS r FROM live.produto p) x;
    INSERT INTO live.produto_sku SELECT (r).* FROM (SELECT jsonb_populate_record(s, jsonb_build_object('id', md5(s.id::text)::uuid,
        'id_produto', md5(s.id_produto::text)::uuid)) AS r FROM live.produto_sku s) x;
    INSERT INTO live.tabela_preco SELECT (r).* FROM (SELECT jsonb_populate_record(t, jsonb_build_object('id', md5(t.id::text)::uuid,
        'id_dominio', '00000000-0000-0000-0000-0000000000ff')) AS r FROM live.tabela_preco t) x;
    INSERT INTO live.preco SELECT (r).* FROM (SELECT jsonb_populate_record(v, jsonb_build_object('id', md5(v.id::text)::uuid,
        'id_tabela_preco', md5(v.id_tabela_preco::text)::uuid, 'id_produto', md5(v.id_produto::text)::uuid,
        'id_sku', CASE WHEN v.id_sku IS NOT NULL THEN md5(v.id_sku::text)::uuid END, 'valor', 9999)) AS r FROM live.preco v) x;
    INSERT INTO live.estoque_saldo SELECT (r).* FROM (SELECT jsonb_populate_record(e, jsonb_build_object(
        'id_loja', md5(e.id_loja::text)::uuid, 'id_deposito', md5(e.id_deposito::text)::uuid,
        'id_sku', md5(e.id_sku::text)::uuid, 'quantidade', 5000)) AS r FROM live.estoque_saldo e) x;
    INSERT INTO live.cliente SELECT (r).* FROM (SELECT jsonb_populate_record(c, jsonb_build_object('id', md5(c.id::text)::uuid,
        'id_dominio', '00000000-0000-0000-0000-0000000000ff', 'email', 'outra' || c.codigo || '@example.com')) AS r
        FROM live.cliente c) x;
    INSERT INTO live.cliente_consentimento SELECT (r).* FROM (SELECT jsonb_populate_record(k, jsonb_build_object('id',
        md5(k.id::text)::uuid, 'id_cliente', md5(k.id_cliente::text)::uuid)) AS r FROM live.cliente_consentimento k) x;";

#[tokio::test(flavor = "multi_thread")]
async fn of_two_companies_in_one_database_only_that_of_the_configuration_is_replicated() {
    let mut site = Site::new(200, options(), FAST).await;
    let tenant: String =
        site.live.query_one("SELECT id_dominio::text FROM live.loja LIMIT 1", &[]).await.unwrap().get(0);
    // What VTEX is to show, before there is another company.
    let stock = crate::support::shop::expected_stock(&site.live).await;
    let prices = crate::support::shop::expected_base_prices(&site.live).await;
    site.use_entities("\"stock\", \"price\", \"customer\", \"consent\"");
    site.set_config(&site.config().replace("[mapping]\n", &format!("[mapping]\ntenant = \"{tenant}\"\n")));
    site.live.batch_execute(ANOTHER_COMPANY).await.unwrap();
    site.run(&["install"]);
    site.start();
    let as_expected = async |site: &Site| {
        let shown = site.dump("prices").await;
        let cents = |sku: &str| {
            let price = shown.iter().find(|price| price["ref"] == sku)?;
            Some((price["base"].as_f64()? * 100.0).round() as i64)
        };
        stock.iter().all(|(key, quantity)| {
            let (warehouse, sku) = key.split_once('/').unwrap();
            site.stock(sku, warehouse).unwrap_or(0) == *quantity
        }) && prices.iter().all(|(sku, expected)| cents(sku) == Some(*expected))
    };
    site.until("ours", MINUTE, as_expected).await;
    site.until("our customers", MINUTE, async |site| site.vtex.world().document_count("CL") > 20).await;
    // All of the other company changes, and one of ours.
    site.live
        .batch_execute(
            "UPDATE live.estoque_saldo SET quantidade = quantidade - 1 WHERE quantidade > 4000;
             UPDATE live.preco SET valor = valor + 1 WHERE valor >= 9999;
             UPDATE live.cliente SET nome = nome || ' Filho' WHERE email LIKE 'outra%';
             UPDATE live.produto SET situacao = 0 WHERE id_dominio = '00000000-0000-0000-0000-0000000000ff'",
        )
        .await
        .unwrap();
    let (sku, before) = prices.iter().next().map(|(sku, cents)| (sku.clone(), *cents)).unwrap();
    let script = format!(
        "UPDATE live.preco SET valor = valor + 1 WHERE valor < 9999 AND id_tabela_preco IN
           (SELECT id FROM live.tabela_preco WHERE codigo = 'VAREJO' AND id_dominio = '{tenant}')"
    );
    site.live.batch_execute(&script).await.unwrap();
    let base = async |site: &Site| {
        price(site, &sku).await["base"].as_f64().map(|base| (base * 100.0).round() as i64)
    };
    site.until("our price", MINUTE, async |site| base(site).await == Some(before + 100)).await;
    for (key, quantity) in &stock {
        let (warehouse, sku) = key.split_once('/').unwrap();
        assert_eq!(site.stock(sku, warehouse).unwrap_or(0), *quantity, "{key}");
    }
    assert_eq!(site.vtex.world().mentions("outra"), [""; 0]);
    assert_eq!(site.stop(), 0, "{}", site.log());
}
