//! The simulated shop on a real Postgres.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test, which is what is wanted")]

mod support;

use std::collections::HashMap;
use std::time::Duration;

use mare::shop::expected::{self, Minimum};
use mare::shop::{self, Kind, Layout, Mix, Plan, Profile, ShopError, Statements, Totals};
use support::postgres::shared;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// A shop of profile `demo` in a database of its own.
async fn demo(name: &str, seed: u64) -> Client {
    let client = shared().create_database(name).await.connect().await;
    shop::create(&client, Profile::Demo, seed).await.unwrap();
    client
}

/// One hash over all rows of all tables.
async fn fingerprint(client: &Client) -> Vec<(String, String)> {
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'live' ORDER BY 1";
    let mut hashes = Vec::new();
    for row in client.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let sql = format!(
            "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM live.{table} AS t"
        );
        hashes.push((table, client.query_one(&sql, &[]).await.unwrap().get(0)));
    }
    hashes
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn work(client: &Client, mix: Mix, changes: u32, seed: u64) -> Totals {
    let plan = Plan { rate: changes, duration: Duration::from_secs(1), seed, mix, grow: true };
    shop::work(std::slice::from_ref(client), &plan, &CancellationToken::new(), |_| {}).await.unwrap()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_rows_in_every_table() {
    let first = fingerprint(&demo("seed_one", 1).await).await;
    assert_eq!(first, fingerprint(&demo("seed_one_again", 1).await).await);
    let other = fingerprint(&demo("seed_two", u64::MAX).await).await;
    for (table, hash) in &first {
        let same = other.iter().any(|(name, other)| name == table && other == hash);
        // Nobody has ordered anything yet, there are no kits, and the purposes of consent are given by law.
        let expected =
            ["pedido", "nota", "produto_kit", "parametro_sistema"].iter().any(|none| table.starts_with(none));
        assert_eq!(same, expected || table == "finalidade_consentimento", "{table}");
    }
}

#[tokio::test]
async fn a_profile_has_the_promised_sizes() {
    for (name, profile) in [("sizes_demo", Profile::Demo), ("sizes_pequeno", Profile::Pequeno)] {
        let client = shared().create_database(name).await.connect().await;
        shop::create(&client, profile, 3).await.unwrap();
        let sizes = profile.sizes();
        let expected = [
            ("loja", u64::from(sizes.stores)),
            ("produto", u64::from(sizes.products)),
            ("produto_sku", u64::from(sizes.skus)),
            ("estoque_saldo", sizes.stock_rows()),
            ("preco", sizes.price_rows()),
            ("cliente", u64::from(sizes.customers)),
        ];
        for (table, rows) in expected {
            let found = number(&client, &format!("SELECT count(*) FROM live.{table}")).await;
            assert_eq!(found.unsigned_abs(), rows, "{profile:?}: {table}");
        }
        assert_eq!(
            number(&client, "SELECT count(*) - count(DISTINCT codigo) FROM live.produto_sku").await,
            0
        );
    }
}

#[tokio::test]
async fn it_touches_no_schema_that_it_did_not_make() {
    let client = shared().create_database("foreign").await.connect().await;
    client
        .batch_execute("CREATE SCHEMA live; CREATE TABLE live.estoque_saldo (quantidade int)")
        .await
        .unwrap();
    assert!(matches!(shop::create(&client, Profile::Demo, 1).await, Err(ShopError::Exists)));
    assert!(matches!(shop::drop_shop(&client).await, Err(ShopError::NotOurs)));
    let plan = Plan { rate: 1, duration: Duration::from_secs(1), seed: 1, mix: Mix::Sales, grow: false };
    let refused = shop::work(&[client], &plan, &CancellationToken::new(), |_| {}).await;
    assert!(matches!(refused, Err(ShopError::NotOurs)));
}

#[tokio::test]
async fn work_makes_rate_times_seconds_changes_and_the_same_ones_for_the_same_seed() {
    let (first, second) = (demo("work_one", 1).await, demo("work_two", 1).await);
    let stock =
        "SELECT md5(string_agg(concat_ws(',', id_loja, id_deposito, id_sku, quantidade), '|' ORDER BY 1))
                 FROM (SELECT * FROM live.estoque_saldo ORDER BY id_loja, id_deposito, id_sku) AS e";
    let before: String = first.query_one(stock, &[]).await.unwrap().get(0);
    for mix in [Mix::Sales, Mix::Receipts, Mix::Burst] {
        assert_eq!(work(&first, mix, 500, 9).await.changes, 500, "{mix:?}");
        assert_eq!(work(&second, mix, 500, 9).await.changes, 500, "{mix:?}");
    }
    let after: String = first.query_one(stock, &[]).await.unwrap().get(0);
    assert_ne!(after, before);
    assert_eq!(after, second.query_one(stock, &[]).await.unwrap().get::<_, String>(0));
}

#[tokio::test]
async fn a_count_and_a_reload_each_rewrite_everything_in_one_transaction() {
    let client = demo("whole", 1).await;
    let count = work(&client, Mix::InventoryCount, 1, 1).await;
    assert_eq!((count.changes, count.transactions), (1_200, 1));
    let reload = work(&client, Mix::PriceReload, 1, 1).await;
    assert_eq!((reload.changes, reload.transactions), (360, 1));
    let all = work(&client, Mix::All, 800, 1).await;
    assert_eq!((all.changes, all.extra > 1_200), (800, true));
}

#[tokio::test]
async fn a_new_product_comes_with_sku_prices_and_stock_once() {
    let client = demo("newcomers", 1).await;
    let layout = Layout::load(&client).await.unwrap();
    let statements = Statements::prepare(&client).await.unwrap();
    let id = uuid::Uuid::from_u128;
    let sku = Kind::NewSku { product: 0, id: id(1) };
    let product = Kind::NewProduct { like: 0, id: id(2), sku: id(3), code: 200_000_001 };
    for (newcomer, rows) in [(sku, 3), (product, 6)] {
        assert_eq!(statements.run(&client, &layout, &newcomer).await.unwrap(), rows);
        assert_eq!(
            statements.run(&client, &layout, &newcomer).await.unwrap(),
            0,
            "the same day played again"
        );
    }
    let prices = expected::prices(&client, "VAREJO", Some("CUSTO")).await.unwrap();
    assert!(prices.iter().any(|price| price.sku == "200000001-01" && price.cost.is_none()));
    let codes = "SELECT count(*) FROM live.produto_sku WHERE codigo IN ('100001-05', '200000001-01')";
    assert_eq!(number(&client, codes).await, 2);
}

#[tokio::test]
async fn a_cancelled_day_ends_at_once_with_what_was_done() {
    let client = demo("cancelled", 1).await;
    let stop = CancellationToken::new();
    stop.cancel();
    let plan = Plan { rate: 10, duration: Duration::from_secs(3_600), seed: 1, mix: Mix::Sales, grow: false };
    let totals = shop::work(&[client], &plan, &stop, |_| {}).await.unwrap();
    assert!(totals.changes <= 10, "{totals:?}");
}

/// The rules of `expected_stock.sql`, each shown on a pair that is set up for it.
#[tokio::test]
async fn the_expected_stock_follows_its_rules() {
    let client = demo("expected_stock", 1).await;
    let cases: [(&str, &str, i64, i64); 8] = [
        ("100001", "quantidade = 10, quantidade_reservada = 3", 7, 7),
        ("100002", "quantidade = -4", 0, 0),
        ("100003", "quantidade = 9999999999", 2_147_483_647, 2_147_483_647),
        ("100004", "quantidade = 3.9", 3, 3),
        ("100005", "quantidade = 4.9999", 0, 0),
        ("100006", "quantidade = 9", 9, 4),
        ("100007", "quantidade = 10", 4, 4),
        ("100008", "quantidade = 10", 10, 10),
    ];
    client
        .batch_execute(
            "UPDATE live.produto SET ind_integra_ecommerce = true, situacao = 1, ind_fracionado = false,
                 estoque_minimo_exibicao = 0;
             UPDATE live.produto SET estoque_minimo_exibicao = 4.5 WHERE codigo IN ('100005', '100006');
             UPDATE live.produto SET ind_fracionado = true WHERE codigo = '100007';
             UPDATE live.produto_sku SET situacao = 1, ind_ativo_ecommerce = true, fator_embalagem = 2.4;
             UPDATE live.estoque_saldo SET quantidade_reservada = 0;",
        )
        .await
        .unwrap();
    for (product, set, ..) in &cases {
        let sql = format!(
            "UPDATE live.estoque_saldo SET {set} WHERE id_sku = (SELECT id FROM live.produto_sku WHERE codigo = '{product}-01')
             AND id_loja = (SELECT id FROM live.loja WHERE codigo = '001')"
        );
        assert_eq!(client.execute(&sql, &[]).await.unwrap(), 1);
    }
    for (mode, pick) in [(Minimum::Hide, 2), (Minimum::Subtract, 3)] {
        let stock = expected::stock(&client, mode).await.unwrap();
        let found: HashMap<_, _> = stock.iter().map(|s| ((s.store.as_str(), s.sku.as_str()), s)).collect();
        for case in &cases {
            let row = found[&("001", &*format!("{}-01", case.0))];
            let quantity = if pick == 2 { case.2 } else { case.3 };
            assert_eq!((row.quantity, row.may_be_absent), (quantity, false), "{mode:?} {case:?}");
        }
    }
}

#[tokio::test]
async fn what_is_closed_is_expected_as_zero_and_what_is_not_integrated_not_at_all() {
    let client = demo("expected_closed", 1).await;
    client
        .batch_execute(
            "UPDATE live.produto SET ind_integra_ecommerce = true, situacao = 1, ind_fracionado = false;
             UPDATE live.produto_sku SET situacao = 1, ind_ativo_ecommerce = true;
             UPDATE live.estoque_saldo SET quantidade = 50, quantidade_reservada = 0;
             UPDATE live.produto SET ind_integra_ecommerce = false WHERE codigo = '100001';
             UPDATE live.produto SET situacao = 0 WHERE codigo = '100002';
             UPDATE live.produto_sku SET ind_ativo_ecommerce = false WHERE codigo = '100003-01';
             UPDATE live.produto_sku SET situacao = 0 WHERE codigo = '100003-02';
             UPDATE live.loja SET ind_integra_ecommerce = false WHERE codigo = '002'",
        )
        .await
        .unwrap();
    let stock = expected::stock(&client, Minimum::Hide).await.unwrap();
    assert!(!stock.iter().any(|row| row.sku.starts_with("100001-")));
    for row in &stock {
        let closed = row.store == "002"
            || row.sku.starts_with("100002-")
            || ["100003-01", "100003-02"].contains(&row.sku.as_str());
        assert_eq!(
            (row.quantity, row.may_be_absent),
            if closed { (0, true) } else { (50, false) },
            "{row:?}"
        );
    }
}

#[tokio::test]
async fn the_expected_prices_follow_their_rules() {
    let client = demo("expected_prices", 1).await;
    client
        .batch_execute(
            "UPDATE live.produto SET ind_integra_ecommerce = true;
             UPDATE live.preco SET preco_promocional = NULL, data_vigencia_inicial = '2024-01-01', quantidade_minima = 1;
             DELETE FROM live.preco WHERE id_sku IS NOT NULL
                 AND id_tabela_preco IN (SELECT id FROM live.tabela_preco WHERE codigo <> 'CUSTO');
             UPDATE live.preco AS v SET valor = 12.345 FROM live.produto AS p, live.tabela_preco AS t
             WHERE p.id = v.id_produto AND t.id = v.id_tabela_preco AND p.codigo = '100001' AND t.codigo = 'VAREJO';
             UPDATE live.preco AS v SET preco_promocional = 10, data_vigencia_final = '2035-01-01 00:00:00+00'
             FROM live.produto AS p, live.tabela_preco AS t
             WHERE p.id = v.id_produto AND t.id = v.id_tabela_preco AND p.codigo = '100001' AND t.codigo = 'VAREJO';
             UPDATE live.preco AS v SET preco_promocional = valor FROM live.produto AS p
             WHERE p.id = v.id_produto AND p.codigo = '100002' AND v.id_sku IS NULL;
             INSERT INTO live.preco (id, id_tabela_preco, id_produto, id_sku, valor, data_vigencia_inicial, data_cadastro, data_atualizacao)
             SELECT md5('own')::uuid, t.id, s.id_produto, s.id, 99.9, '2024-01-01', now(), now()
             FROM live.produto_sku AS s, live.tabela_preco AS t WHERE s.codigo = '100001-02' AND t.codigo = 'VAREJO'",
        )
        .await
        .unwrap();
    let prices = expected::prices(&client, "VAREJO", Some("CUSTO")).await.unwrap();
    let price = |sku: &str| prices.iter().find(|price| price.sku == sku);
    assert_eq!(
        price("100001-01").map(|price| (price.base, price.list)),
        Some((1_235, 1_235)),
        "half a centavo rounds up"
    );
    assert_eq!(price("100001-02").map(|price| price.base), Some(9_990), "the SKU's own price comes first");
    assert_eq!(price("100002-01"), None, "a promotion that is no reduction is refused");
    assert!(prices.iter().all(|price| price.cost.is_some_and(|cost| cost > 0)));
    let fixed = expected::fixed_prices(&client, "VAREJO", Some("CUSTO")).await.unwrap();
    let retail: Vec<_> = fixed.iter().filter(|price| price.table == "VAREJO").collect();
    // The promotion of 100001 reaches its three SKUs without a price of their own.
    let terms = |price: &&expected::FixedPrice| (price.value, price.list, price.min_quantity, price.valid_to);
    let end_of_2034 = Some(2_051_222_400_000_000);
    assert_eq!(retail.iter().map(terms).collect::<Vec<_>>(), vec![(1_000, 1_235, 1, end_of_2034); 3]);
    assert!(fixed.iter().any(|price| price.table == "ATACADO" && price.valid_to.is_none()));
}
