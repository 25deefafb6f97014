//! The rows of the reference Live, through the reader that loads them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mare::live::sqlserver::{Param, Statement};
use mare::mapping::cell::{self, RowId};
use mare::mapping::config::{CapturedTable, MappingConfig, Role};
use mare::source::reconcile::reader::{Engine, Reader, Rows, Selection};
use mare::source::reconcile::sqlserver::{SqlServerEngine, SqlServerReader};

use super::site::{Site, note, site_with_shop, skip};

/// None, with a word about it, where a session of ours cannot begin.
async fn reader(site: &Site) -> Option<SqlServerReader> {
    let settings = site.settings.clone();
    let engine = SqlServerEngine { login: Arc::new(move || Ok(settings.clone())) };
    match engine.open().await {
        Ok(reader) => Some(reader),
        Err(error) => {
            assert!(site.is_babelfish, "{error}");
            skip("the reader of chunks", &format!("does not begin its session: {error}"));
            None
        }
    }
}

async fn read(reader: &mut SqlServerReader, table: &CapturedTable, rows: Selection<'_>) -> Rows {
    reader.read(table, &rows).await.unwrap_or_else(|error| panic!("{}: {error}", table.table)).rows
}

/// All rows of a reference table, by pages.
async fn pages(reader: &mut SqlServerReader, table: &CapturedTable, key: &str) -> Vec<RowId> {
    let (limit, mut ids) = (97, Vec::new());
    loop {
        let page = Selection::Page { key, after: ids.last(), limit };
        let rows = read(reader, table, page).await;
        let whole = rows.len() < limit;
        ids.extend(rows.ids(key));
        if whole {
            return ids;
        }
    }
}

async fn count(site: &Site, table: &str) -> usize {
    site.number(&format!("SELECT COUNT(*) FROM live.{table};")).await as usize
}

#[tokio::test]
async fn a_load_brings_every_row_of_the_shop() {
    let Some(site) = site_with_shop("chunks").await else { return };
    let Some(mut reader) = reader(&site).await else { return site.end().await };
    let mapping: MappingConfig = serde_json::from_str("{}").unwrap();
    let (mut products, mut skus) = (BTreeSet::new(), BTreeSet::new());
    for role in Role::REFERENCE {
        let table = mapping.captured_table(role);
        let ids = pages(&mut reader, &table, mapping.id_column(role)).await;
        let different: BTreeSet<_> = ids.iter().cloned().collect();
        let all = count(&site, &table.table).await;
        assert_eq!((ids.len(), different.len()), (all, all), "{role:?}");
        match role {
            Role::Product => products = different,
            Role::Sku => skus = different,
            _ => {}
        }
    }
    let (products, skus): (Vec<_>, Vec<_>) = (products.into_iter().collect(), skus.into_iter().collect());
    let (table, mut prices) = (mapping.captured_table(Role::Price), 0);
    for ids in products.chunks(97) {
        prices += read(&mut reader, &table, Selection::Any { key: "id_produto", ids }).await.len();
    }
    assert_eq!(prices, count(&site, "preco").await);

    let table = mapping.captured_table(Role::Stock);
    let (mut balances, mut pieces) = (0, 0_i64);
    for deposit in site.rows("SELECT id_loja, id FROM live.deposito;").await {
        let id = |text: &Option<String>| {
            RowId::Uuid(text.as_ref().unwrap().parse::<uuid::Uuid>().unwrap().as_u128())
        };
        let (store, deposit) = (id(&deposit[0]), id(&deposit[1]));
        let (of, mut after) = ([("id_loja", &store), ("id_deposito", &deposit)], None);
        for ids in skus.chunks(700) {
            let last = ids.last().unwrap();
            let rows =
                read(&mut reader, &table, Selection::Range { of, key: "id_sku", after, last, ids }).await;
            balances += rows.len();
            let quantity =
                rows.relation.columns.iter().position(|column| column.name == "quantidade").unwrap();
            let type_oid = rows.relation.columns[quantity].type_oid;
            pieces += rows
                .iter()
                .map(|row| cell::decimal(row[quantity], type_oid).unwrap().unwrap().0)
                .sum::<i64>();
            after = Some(last);
        }
    }
    assert_eq!(balances, count(&site, "estoque_saldo").await);
    let all = "SELECT CAST(SUM(quantidade) * 10000 AS bigint) FROM live.estoque_saldo;";
    assert_eq!(pieces, site.number(all).await);
    drop(reader);
    site.end().await;
}

#[tokio::test]
async fn a_locked_balance_is_waited_for_where_the_database_locks() {
    let Some(site) = site_with_shop("locked").await else { return };
    let Some(mut reader) = reader(&site).await else { return site.end().await };
    let row = &site.rows("SELECT TOP (1) id_loja, id_deposito, id_sku FROM live.estoque_saldo;").await[0];
    let key: Vec<_> = row.iter().map(|part| part.clone().unwrap()).collect();
    let ids: Vec<_> = key.iter().map(|id| RowId::Uuid(id.parse::<uuid::Uuid>().unwrap().as_u128())).collect();
    let other = site.another();
    let till = other.begin().await.unwrap();
    let sale =
        "UPDATE live.estoque_saldo SET quantidade = 77777 WHERE id_loja = CAST(@P1 AS uniqueidentifier)
                AND id_deposito = CAST(@P2 AS uniqueidentifier) AND id_sku = CAST(@P3 AS uniqueidentifier);";
    till.execute(Statement::new(sale).bind_all(key.into_iter().map(Param::text))).await.unwrap();
    let mapping: MappingConfig = serde_json::from_str("{}").unwrap();
    let table = mapping.captured_table(Role::Stock);
    let rows = Selection::AnyOf {
        of: [("id_loja", &ids[0]), ("id_deposito", &ids[1])],
        key: "id_sku",
        ids: &ids[2..],
    };
    let commit = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        till.commit().await.unwrap();
    };
    let (taken, ()) = tokio::join!(reader.read(&table, &rows), commit);
    let rows = taken.unwrap().rows;
    assert_eq!(rows.len(), 1, "it is never passed by");
    let quantity = rows.relation.columns.iter().position(|column| column.name == "quantidade").unwrap();
    let row = rows.iter().next().unwrap();
    let read = cell::decimal(row[quantity], rows.relation.columns[quantity].type_oid).unwrap().unwrap();
    let by_version = site.is_babelfish
        || site
            .number("SELECT CONVERT(int, is_read_committed_snapshot_on) FROM sys.databases WHERE name = DB_NAME();")
            .await
            == 1;
    if by_version {
        note(&format!("read by version: the locked balance is {read}"));
    } else {
        assert_eq!(read.to_string(), "77777.0000", "as it was committed");
    }
    drop(reader);
    site.end().await;
}
