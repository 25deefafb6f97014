//! What people do in the simulated shop does the same in both dialects: the T-SQL runs on Postgres, translated.

use std::collections::BTreeMap;

use mare::shop::{self, Kind, Layout, Line, Profile, Statements, tsql};
use tokio_postgres::Client;
use uuid::Uuid;

use super::generator::{SEED, rows, translated_shop};
use super::support::postgres::shared;
use super::translate;

/// A statement with its parameters written in, the last first: `@P1` begins `@P10` too.
fn with(text: &str, parameters: &[String]) -> String {
    let mut text = text.to_owned();
    for (n, value) in parameters.iter().enumerate().rev() {
        text = text.replace(&format!("@P{}", n + 1), &format!("'{value}'"));
    }
    translate::statement(&text)
}

/// T-SQL updates a table by its alias in FROM; Postgres names it once, and joins cannot see it.
fn update(text: &str) -> String {
    text.replace("UPDATE s\n", "UPDATE live.estoque_saldo AS s\n")
        .replace("FROM live.estoque_saldo AS s\nINNER JOIN (VALUES", "FROM (VALUES")
        .replace("AS line (sku, delta) ON s.id_sku = line.sku\nWHERE", "AS line (sku, delta)\nWHERE s.id_sku = line.sku AND")
        .replace("FROM live.estoque_saldo AS s\nCROSS", "FROM live.estoque_saldo AS o\nCROSS")
        .replace("textual(s.id_sku)", "textual(o.id_sku)")
        .replace(
            "AS c\nWHERE s.id_loja",
            "AS c\nWHERE (o.id_loja, o.id_deposito, o.id_sku) = (s.id_loja, s.id_deposito, s.id_sku) AND s.id_loja",
        )
}

/// The INSERTs of a batch, with its variables written in.
fn inserts(text: &str, parameters: &[String], variables: &[(&str, &str)]) -> Vec<String> {
    let mut text = with(text, parameters);
    for (name, value) in variables {
        text = text.replace(name, &format!("'{value}'::uuid"));
    }
    text.split(';').filter_map(|part| part.find("INSERT INTO").map(|at| part[at..].to_owned())).collect()
}

fn ours(layout: &Layout, kind: &Kind) -> Vec<String> {
    let text = |id: &Uuid| id.to_string();
    match kind {
        Kind::Movement { store, lines } => {
            let store = &layout.stores[*store];
            let mut parameters = vec![text(&store.id), text(&store.deposit)];
            for line in lines {
                parameters.extend([text(&layout.skus[line.sku]), line.delta.to_string()]);
            }
            vec![update(&with(&tsql::movement(lines.len()), &parameters))]
        }
        Kind::InventoryCount { store, count } => {
            let store = &layout.stores[*store];
            vec![update(&with(
                tsql::INVENTORY_COUNT,
                &[text(&store.id), text(&store.deposit), count.to_string()],
            ))]
        }
        Kind::PriceReload { table, percent } => {
            vec![with(tsql::PRICE_RELOAD, &[text(&layout.tables[*table].id), percent.to_string()])]
        }
        Kind::Promotion { table, product } => {
            vec![with(tsql::PROMOTION, &[text(&layout.tables[*table].id), text(&layout.products[*product])])]
        }
        Kind::ActiveFlag { sku } => vec![with(tsql::ACTIVE_FLAG, &[text(&layout.skus[*sku])])],
        Kind::MinimumFlag { product } => vec![with(tsql::MINIMUM_FLAG, &[text(&layout.products[*product])])],
        Kind::IntegratedFlag { product } => {
            vec![with(tsql::INTEGRATED_FLAG, &[text(&layout.products[*product])])]
        }
        Kind::NewSku { product, id } => {
            inserts(tsql::NEW_SKU, &[text(&layout.products[*product]), text(id)], &[("@sku", &text(id))])
        }
        Kind::NewProduct { like, id, sku, code } => inserts(
            tsql::NEW_PRODUCT,
            &[text(&layout.products[*like]), text(id), text(sku), code.to_string()],
            &[("@sku", &text(sku)), ("@product", &text(id))],
        ),
    }
}

/// The rows without the moments at which they were written.
async fn timeless(client: &Client) -> BTreeMap<String, Vec<String>> {
    client
        .batch_execute(
            "UPDATE live.estoque_saldo SET data_ultimo_movimento = NULL, data_atualizacao = '2024-01-01';
             UPDATE live.preco SET data_atualizacao = '2024-01-01', data_cadastro = '2024-01-01',
                 data_vigencia_inicial = date_trunc('year', data_vigencia_inicial);
             UPDATE live.produto SET data_atualizacao = '2024-01-01', data_cadastro = '2024-01-01';
             UPDATE live.produto_sku SET data_atualizacao = '2024-01-01', data_cadastro = '2024-01-01';",
        )
        .await
        .unwrap();
    rows(client).await
}

#[tokio::test]
async fn every_activity_does_the_same_in_both_dialects() {
    let translated = translated_shop("tsql_shop").await;
    let theirs = shared().create_database("tsql_shop_postgres").await.connect().await;
    shop::create(&theirs, Profile::Demo, SEED).await.unwrap();
    // New prices begin now, and are compared by the year: local in both.
    for client in [&translated, &theirs] {
        client.batch_execute("SET TIME ZONE 'America/Sao_Paulo'").await.unwrap();
    }
    let layout = Layout::load(&theirs).await.unwrap();
    let statements = Statements::prepare(&theirs).await.unwrap();
    let lines = |delta: i32, count: usize| (0..count).map(|n| Line { sku: n * 7, delta }).collect::<Vec<_>>();
    let mut day = vec![
        Kind::Movement { store: 0, lines: lines(-2, 12) },
        Kind::Movement { store: 1, lines: lines(5, 40) },
        Kind::InventoryCount { store: 0, count: 3 },
        Kind::PriceReload { table: 0, percent: 3 },
        Kind::PriceReload { table: 1, percent: -3 },
        Kind::ActiveFlag { sku: 5 },
        Kind::MinimumFlag { product: 6 },
        Kind::IntegratedFlag { product: 7 },
        Kind::NewSku { product: 8, id: Uuid::from_u128(1) },
        Kind::NewProduct { like: 9, id: Uuid::from_u128(2), sku: Uuid::from_u128(3), code: 300_000_000 },
    ];
    day.extend((0..20).map(|product| Kind::Promotion { table: product % 2, product }));
    // Until quantities go below zero and the unbooked delivery is found.
    day.extend((0..12).map(|_| Kind::Movement { store: 0, lines: lines(-2, 12) }));
    for kind in &day {
        let expected = statements.run(&theirs, &layout, kind).await.unwrap();
        let mut changed = 0;
        for text in ours(&layout, kind) {
            changed +=
                translated.execute(&text, &[]).await.unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        }
        assert_eq!(changed, expected, "{kind:?}");
        assert!(expected > 0, "{kind:?} did nothing");
    }
    let (found, wanted) = (timeless(&translated).await, timeless(&theirs).await);
    for (table, rows) in &wanted {
        let differs = rows.iter().zip(&found[table]).find(|(one, other)| one != other);
        assert_eq!(differs, None, "{table}");
        assert_eq!(rows.len(), found[table].len(), "{table}");
    }
}
