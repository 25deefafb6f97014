//! The generator for SQL Server makes the shop that the one for Postgres makes, and what VTEX should show for it is the
//! same: both run on Postgres, the former translated word for word.

use std::collections::BTreeMap;

use mare::shop::expected::{self, Minimum};
use mare::shop::{self, Profile, tsql};
use mare::source::changelog::sqlserver::names::batches;
use tokio_postgres::Client;

use super::support::postgres::shared;
use super::translate;

pub(crate) const SEED: u64 = 0xFFFF_FFFF_FFFF_FF9C;

/// The shop as the T-SQL makes it.
pub(crate) async fn translated_shop(name: &str) -> Client {
    let client = shared().create_database(name).await.connect().await;
    translate::prepare(&client).await;
    client.batch_execute(&translate::schema()).await.unwrap();
    client.batch_execute(&translate::statement(&tsql::size_table(Profile::Demo, SEED))).await.unwrap();
    for batch in batches(tsql::GENERATE) {
        let text = if batch.contains("CREATE FUNCTION") {
            translate::function(batch)
        } else if batch.contains("WHILE") {
            "INSERT INTO tmp_number SELECT generate_series(1, (SELECT greatest(skus, customers) FROM tmp_shop))".to_owned()
        } else {
            translate::statement(batch)
        };
        if let Err(error) = client.batch_execute(&text).await {
            panic!("{error:?}\n{text}");
        }
    }
    client
}

/// Every table's rows in one form: flags as numbers, times local, the year 9999 as such.
pub(crate) async fn rows(client: &Client) -> BTreeMap<String, Vec<String>> {
    let columns = client
        .query(
            "SELECT table_name::text, string_agg(CASE data_type \
                 WHEN 'boolean' THEN format('%I::int::text', column_name) \
                 WHEN 'timestamp with time zone' THEN format( \
                     $$CASE WHEN extract(year FROM %1$I) = 9999 THEN '9999' \
                       ELSE (%1$I AT TIME ZONE 'America/Sao_Paulo')::timestamp(3)::text END$$, column_name) \
                 WHEN 'timestamp without time zone' THEN format( \
                     $$CASE WHEN extract(year FROM %1$I) = 9999 THEN '9999' ELSE %1$I::text END$$, column_name) \
                 ELSE format('%I::text', column_name) END, ', ' ORDER BY column_name) \
             FROM information_schema.columns WHERE table_schema = 'live' GROUP BY table_name",
            &[],
        )
        .await
        .unwrap();
    let mut all = BTreeMap::new();
    for row in columns {
        let (table, columns): (String, String) = (row.get(0), row.get(1));
        let text = format!("SELECT row({columns})::text FROM live.{table} ORDER BY 1");
        let rows = client.query(&text, &[]).await.unwrap();
        all.insert(table, rows.iter().map(|row| row.get(0)).collect());
    }
    all
}

#[tokio::test]
async fn both_generators_make_the_same_rows() {
    let ours = translated_shop("tsql_generator").await;
    let theirs = shared().create_database("tsql_generator_postgres").await.connect().await;
    shop::create(&theirs, Profile::Demo, SEED).await.unwrap();
    let (ours, theirs) = (rows(&ours).await, rows(&theirs).await);
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    assert!(ours["estoque_saldo"].len() == 2_400 && ours["cliente"].len() == 200, "the shop is not empty");
    for (table, rows) in &ours {
        let other = &theirs[table];
        let differs = rows.iter().zip(other).position(|(one, other)| one != other);
        if let Some(at) = differs {
            panic!("{table}, row {at} of {}:\nT-SQL    {}\nPostgres {}", rows.len(), rows[at], other[at]);
        }
        assert_eq!(rows.len(), other.len(), "{table}");
    }
}

/// Makes the exceptions of the rules happen, in both shops alike.
const UNREST: &str = "
    UPDATE live.estoque_saldo SET quantidade_reservada = quantidade + 0.5 WHERE id_sku IN (SELECT id FROM live.produto_sku WHERE codigo LIKE '%7-01');
    UPDATE live.estoque_saldo SET quantidade = 99999999999 WHERE id_sku IN (SELECT id FROM live.produto_sku WHERE codigo LIKE '%9-02');
    UPDATE live.estoque_saldo SET quantidade = 6.9999, quantidade_reservada = 0
        WHERE id_sku IN (SELECT s.id FROM live.produto_sku s JOIN live.produto p ON p.id = s.id_produto WHERE p.ind_fracionado::int = 1);
    UPDATE live.produto SET estoque_minimo_exibicao = 2.5 WHERE codigo LIKE '%3';
    UPDATE live.produto SET situacao = 0 WHERE codigo LIKE '%44';
    UPDATE live.deposito SET situacao = 0 WHERE codigo = 'LOJA' AND id_loja IN (SELECT id FROM live.loja WHERE codigo = '002');
    UPDATE live.preco SET valor = 0.004 WHERE id_produto IN (SELECT id FROM live.produto WHERE codigo LIKE '%15');
    UPDATE live.preco SET preco_promocional = valor WHERE id_produto IN (SELECT id FROM live.produto WHERE codigo LIKE '%25');
    UPDATE live.preco SET preco_promocional = 1.005 WHERE id_produto IN (SELECT id FROM live.produto WHERE codigo LIKE '%35');
    UPDATE live.preco SET situacao = 0 WHERE id_sku IN (SELECT id FROM live.produto_sku WHERE codigo LIKE '%5-03');
    INSERT INTO live.preco (id, id_tabela_preco, id_produto, valor, data_vigencia_inicial, data_vigencia_final, situacao, data_cadastro, data_atualizacao)
        SELECT md5(id::text)::uuid, id_tabela_preco, id_produto, valor + 1, data_vigencia_inicial, data_vigencia_final, 1, data_cadastro, data_atualizacao
        FROM live.preco WHERE id_produto IN (SELECT id FROM live.produto WHERE codigo LIKE '%6');
";

#[tokio::test]
async fn both_say_the_same_about_what_vtex_should_show() {
    let ours = translated_shop("tsql_expected").await;
    let theirs = shared().create_database("tsql_expected_postgres").await.connect().await;
    shop::create(&theirs, Profile::Demo, SEED).await.unwrap();
    for client in [&ours, &theirs] {
        client.batch_execute(UNREST).await.unwrap();
    }
    for (word, minimum) in [("hide", Minimum::Hide), ("subtract", Minimum::Subtract)] {
        let text = translate::statement(tsql::EXPECTED_STOCK).replace("@P1", &format!("'{word}'"));
        let found = ours.query(&text, &[]).await.unwrap();
        let mut found: Vec<_> = found
            .iter()
            .map(|row| expected::Stock {
                store: row.get(0),
                sku: row.get(1),
                quantity: row.get(2),
                may_be_absent: row.get::<_, i32>(3) == 1,
            })
            .collect();
        let mut wanted = expected::stock(&theirs, minimum).await.unwrap();
        found.sort();
        wanted.sort();
        assert!(wanted.iter().any(|stock| stock.quantity == i64::from(i32::MAX)) && wanted.len() > 2_000);
        assert_eq!(found, wanted);
    }
    let now = "(now() AT TIME ZONE 'America/Sao_Paulo')";
    let fill = |text: &str| {
        translate::statement(text)
            .replace("@P1", "'VAREJO'")
            .replace("@P2", "'CUSTO'")
            .replace("@P3", now)
            .replace("@P4", "-180")
    };
    let found = ours.query(&fill(tsql::EXPECTED_PRICES), &[]).await.unwrap();
    let mut found: Vec<_> = found
        .iter()
        .map(|row| expected::Price { sku: row.get(0), base: row.get(1), list: row.get(2), cost: row.get(3) })
        .collect();
    let mut wanted = expected::prices(&theirs, "VAREJO", Some("CUSTO")).await.unwrap();
    found.sort();
    wanted.sort();
    assert!(wanted.len() > 1_000);
    assert_eq!(found, wanted);
    let found = ours.query(&fill(tsql::EXPECTED_FIXED_PRICES), &[]).await.unwrap();
    let mut found: Vec<_> = found
        .iter()
        .map(|row| expected::FixedPrice {
            sku: row.get(0),
            table: row.get(1),
            value: row.get(2),
            list: row.get(3),
            min_quantity: row.get(4),
            valid_from: row.get(5),
            valid_to: row.get(6),
        })
        .collect();
    let mut wanted = expected::fixed_prices(&theirs, "VAREJO", Some("CUSTO")).await.unwrap();
    found.sort();
    wanted.sort();
    assert!(wanted.iter().any(|price| price.valid_to.is_some()) && wanted.len() > 1_000);
    assert_eq!(found, wanted);
}
