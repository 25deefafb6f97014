//! What the trigger's statements do, and what the reader's read and delete: run on Postgres, translated word for word.

use std::collections::{BTreeMap, BTreeSet};

use mare::mapping::config::Role;
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::statements as ask;
use mare::source::changelog::sqlserver::table::CaptureTable;
use mare::source::changelog::sqlserver::trigger;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;

use super::facts::table;
use super::support::postgres::shared;
use super::translate;

type Cells = Vec<Option<String>>;
/// Rows by their key.
type State = BTreeMap<Vec<String>, Cells>;

/// A statement of the shop: rows before and after it.
#[derive(Debug, Clone)]
struct Change {
    deleted: State,
    inserted: State,
}

/// Few values, so that equal ones are frequent; null among them.
fn cells(count: usize) -> impl Strategy<Value = Cells> {
    prop::collection::vec(prop::option::weighted(0.7, "[01]"), count)
}

/// All keys that there are.
fn keys(columns: usize) -> Vec<Vec<String>> {
    (0..6_u32)
        .map(|n| {
            (0..columns)
                .map(|column| format!("{}", (n >> column.min(2)) + u32::from(column == 0) * n))
                .collect()
        })
        .collect()
}

/// An INSERT, an UPDATE that may move keys to one another, or a DELETE, over several rows.
fn change(key_columns: usize, mapped: usize) -> impl Strategy<Value = Change> {
    let all = keys(key_columns);
    let rows = prop::collection::vec((cells(mapped), cells(mapped), any::<bool>()), all.len());
    (subsequence(all.clone(), 0..=all.len()), Just(all).prop_shuffle(), rows, 0..4_u8).prop_map(
        |(before, shuffled, rows, kind)| {
            let row = |n: usize, second: bool| {
                if second && !rows[n].2 { rows[n].1.clone() } else { rows[n].0.clone() }
            };
            let old = before.iter().enumerate().map(|(n, key)| (key.clone(), row(n, false))).collect();
            // Kind 1 keeps the keys; kind 2 moves them, also onto one another.
            let to = if kind == 2 { shuffled } else { before.clone() };
            let new = before.iter().zip(to).enumerate().map(|(n, (_, key))| (key, row(n, true))).collect();
            match kind {
                0 => Change { deleted: State::new(), inserted: new },
                3 => Change { deleted: old, inserted: State::new() },
                _ => Change { deleted: old, inserted: new },
            }
        },
    )
}

fn names(table: &CaptureTable) -> Vec<String> {
    table.columns().map(|column| format!("\"{}\"", column.name)).collect()
}

async fn make_tables(client: &Client, table: &CaptureTable) {
    let columns =
        |names: &[String]| names.iter().map(|name| format!("{name} text")).collect::<Vec<_>>().join(", ");
    let all = names(table);
    let captured: Vec<_> = table.captured().map(|column| format!("\"{}\"", column.name)).collect();
    client
        .batch_execute(&format!(
            "CREATE SCHEMA mare; CREATE TABLE inserted ({0}); CREATE TABLE deleted ({0});
             CREATE TABLE mare.\"{1}\" (mare_versao bigserial, mare_op text, mare_origem int, {2})",
            columns(&all),
            table.change_table,
            columns(&captured)
        ))
        .await
        .unwrap();
}

/// The statements of the trigger that write.
fn writing(table: &CaptureTable) -> Vec<String> {
    let text = trigger::create(table, "mare");
    let begin = text.find("    -- Rows that are gone").unwrap();
    let statements: Vec<_> = text[begin..]
        .split_inclusive(';')
        .filter(|part| part.contains("INSERT INTO"))
        .map(|part| translate::statement(part).replace("@origem", "0"))
        .collect();
    assert_eq!(statements.len(), 2, "{text}");
    statements
}

async fn fill(client: &Client, name: &str, rows: &State) {
    let mut text = format!("DELETE FROM {name};");
    for (key, cells) in rows {
        let cell =
            |cell: &Option<String>| cell.as_ref().map_or("NULL".to_owned(), |text| format!("'{text}'"));
        let values: Vec<_> =
            key.iter().map(|part| format!("'{part}'")).chain(cells.iter().map(cell)).collect();
        text.push_str(&format!("INSERT INTO {name} VALUES ({});", values.join(", ")));
    }
    client.batch_execute(&text).await.unwrap();
}

/// The change rows: `U` or `D`, and the captured columns.
async fn run(
    client: &Client,
    table: &CaptureTable,
    statements: &[String],
    change: &Change,
) -> Vec<(String, Cells)> {
    fill(client, "deleted", &change.deleted).await;
    fill(client, "inserted", &change.inserted).await;
    let changes = format!("mare.\"{}\"", table.change_table);
    client.batch_execute(&format!("DELETE FROM {changes}; {}", statements.concat())).await.unwrap();
    let rows = client.query(&format!("SELECT * FROM {changes} ORDER BY mare_versao"), &[]).await.unwrap();
    rows.iter().map(|row| (row.get(1), (3..row.len()).map(|column| row.get(column)).collect())).collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn hold(database: &str, role: Role, form: Form) {
    let runtime = runtime();
    let table = table(role, form);
    let client = runtime.block_on(async {
        let client = shared().create_database(database).await.connect().await;
        make_tables(&client, &table).await;
        client
    });
    let statements = writing(&table);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&change(table.key.len(), table.mapped.len()), |change| {
        let found = runtime.block_on(run(&client, &table, &statements, &change));
        let mut replica = change.deleted.clone();
        let mut seen = BTreeSet::new();
        for (op, cells) in &found {
            let key: Vec<String> =
                cells[..table.key.len()].iter().map(|part| part.clone().unwrap()).collect();
            prop_assert!(seen.insert(key.clone()), "a key twice: {key:?}");
            match op.as_str() {
                "D" => prop_assert!(replica.remove(&key).is_some(), "gone and never there: {key:?}"),
                "U" if form == Form::Key => drop(replica.insert(key.clone(), change.inserted[&key].clone())),
                "U" => drop(replica.insert(key, cells[table.key.len()..].to_vec())),
                other => prop_assert!(false, "{other}"),
            }
        }
        prop_assert_eq!(&replica, &change.inserted, "not what the shop has");
        let changed = change.deleted.keys().chain(change.inserted.keys());
        let changed: BTreeSet<_> =
            changed.filter(|key| change.deleted.get(*key) != change.inserted.get(*key)).cloned().collect();
        prop_assert_eq!(seen, changed, "only what really changed");
        Ok(())
    });
    checked.unwrap();
}

/// Single rows and many, keys that move onto one another, nulls that come and go, rows that are written and do not change.
#[test]
fn what_the_trigger_writes_makes_the_new_rows_out_of_the_old_ones() {
    hold("trigger_stock", Role::Stock, Form::Row);
    hold("trigger_price", Role::Price, Form::Row);
    hold("trigger_store", Role::Store, Form::Row);
}

#[test]
fn the_key_form_names_the_same_rows() {
    hold("trigger_price_keys", Role::Price, Form::Key);
    hold("trigger_stock_keys", Role::Stock, Form::Key);
}

/// The texts of the reader of chunks, each against what Postgres would be asked by hand.
#[tokio::test]
async fn chunks_are_the_rows_that_are_meant() {
    let stock = table(Role::Stock, Form::Row);
    let client = shared().create_database("tsql_pages").await.connect().await;
    translate::prepare(&client).await;
    client.batch_execute(&translate::schema()).await.unwrap();
    client
        .batch_execute(
            "ALTER TABLE live.estoque_saldo DROP CONSTRAINT estoque_saldo_loja, DROP CONSTRAINT estoque_saldo_deposito,
                 DROP CONSTRAINT estoque_saldo_sku;
             INSERT INTO live.estoque_saldo (id_loja, id_deposito, id_sku, data_atualizacao)
             SELECT md5((n % 3)::text)::uuid, md5((n % 5)::text)::uuid, md5(n::text)::uuid, now() FROM generate_series(1, 200) AS n",
        )
        .await
        .unwrap();
    let skus = async |text: &str, parameters: &[&str]| -> Vec<String> {
        let mut text = translate::statement(text);
        for (n, value) in parameters.iter().enumerate().rev() {
            text = text.replace(&format!("@P{}", n + 1), &format!("'{value}'"));
        }
        let rows = client.query(&text, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, uuid::Uuid>(2).to_string()).collect()
    };
    let by_hand = async |condition: &str| -> Vec<String> {
        let text = format!("SELECT id_sku FROM live.estoque_saldo WHERE {condition} ORDER BY id_sku");
        let rows = client.query(&text, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, uuid::Uuid>(0).to_string()).collect()
    };
    let [store, deposit, sku] = [0, 1, 2].map(|n| &stock.key[n]);
    let (mut seen, mut next) = (Vec::new(), skus(&ask::page(&stock, sku, true), &["7"]).await);
    while let Some(last) = next.last().cloned() {
        assert!(next.len() <= 7);
        seen.append(&mut next);
        next = skus(&ask::page(&stock, sku, false), &["7", &last]).await;
    }
    assert_eq!(seen, by_hand("true").await);

    let (one, two) = ("c81e728d-9d4c-2f63-6f06-7f89cc14862c", "a87ff679-a2f3-e71d-9181-a67b7542122c");
    let within = format!("id_loja = '{one}' AND id_deposito = '{two}'");
    let [after, last] = [&*seen[20], &*seen[150]];
    let sorted = |mut found: Vec<String>| {
        found.sort();
        found
    };
    let found =
        skus(&ask::range_within(&stock, [store, deposit], sku, false), &[one, two, after, last]).await;
    let wanted = by_hand(&format!("{within} AND id_sku > '{after}' AND id_sku <= '{last}'")).await;
    assert!(wanted.len() > 3, "{wanted:?}");
    assert_eq!(sorted(found), wanted);
    let found = skus(&ask::range_within(&stock, [store, deposit], sku, true), &[one, two, last]).await;
    assert_eq!(sorted(found), by_hand(&format!("{within} AND id_sku <= '{last}'")).await);
    let found =
        skus(&ask::by_keys_within(&stock, [store, deposit], sku, 2), &[one, two, &wanted[0], &seen[0]]).await;
    assert_eq!(found, wanted[..1], "the other one is elsewhere");
    let found = skus(&ask::by_keys(&stock, sku, 3), &[after, last, last]).await;
    assert_eq!(sorted(found), [after, last], "a key that is repeated brings its row once");
}

/// The delete takes exactly the numbers it is given, with others before, between and behind them.
#[tokio::test]
async fn a_delete_takes_exactly_the_rows_that_were_read() {
    let stock = table(Role::Stock, Form::Row);
    let client = shared().create_database("tsql_delete").await.connect().await;
    translate::prepare(&client).await;
    client
        .batch_execute(
            "CREATE SCHEMA mare; CREATE TABLE mare.alt_estoque_saldo (mare_versao bigint PRIMARY KEY);
             INSERT INTO mare.alt_estoque_saldo SELECT n::bigint * 1000000007 FROM generate_series(1, 6000) AS n",
        )
        .await
        .unwrap();
    let text = ask::drain_delete("mare", &stock);
    let text = text
        .replace("DELETE c\nFROM (", "DELETE FROM [mare].[alt_estoque_saldo] AS c\nUSING (")
        .replace("INNER JOIN [mare].[alt_estoque_saldo] AS c WITH (ROWLOCK, FORCESEEK) ON", "WHERE")
        .replace("OPTION (LOOP JOIN, FORCE ORDER)", "")
        .replace(
            "CAST(CAST(SUBSTRING(@P1, 1 + 8 * n.i, 8) AS binary(8)) AS rowversion)",
            "number(SUBSTRING($1::bytea, 1 + 8 * n.i, 8))",
        )
        .replace("@P2", "$2::int");
    let text = translate::statement(&text);
    for read in [vec![], vec![1], (1..=6000).step_by(2).collect::<Vec<i64>>(), (1001..=5000).collect()] {
        client.batch_execute("BEGIN").await.unwrap();
        assert!(read.len() <= ask::DELETE_MAX);
        let packed: Vec<u8> = read.iter().flat_map(|n| (n * 1_000_000_007).to_be_bytes()).collect();
        let count = i32::try_from(read.len()).unwrap();
        assert_eq!(client.execute(&text, &[&packed, &count]).await.unwrap(), read.len() as u64);
        let left =
            client.query("SELECT mare_versao / 1000000007 FROM mare.alt_estoque_saldo", &[]).await.unwrap();
        let left: BTreeSet<i64> = left.iter().map(|row| row.get(0)).collect();
        assert_eq!(left, (1..=6000).filter(|n| !read.contains(n)).collect());
        client.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// Where versions repeat, a page never cuts a transaction in two.
#[tokio::test]
async fn a_page_ends_only_between_two_versions() {
    let stock = table(Role::Stock, Form::Row);
    let client = shared().create_database("tsql_ties").await.connect().await;
    translate::prepare(&client).await;
    make_tables(&client, &stock).await;
    client
        .batch_execute(
            "ALTER TABLE mare.alt_estoque_saldo ADD mare_capturado_em timestamp DEFAULT clock_timestamp();
             INSERT INTO mare.alt_estoque_saldo (mare_versao, mare_op, id_sku)
             SELECT (ARRAY[5, 5, 5, 7, 8, 8, 8, 8, 8, 9])[n], 'U', n::text FROM generate_series(1, 10) AS n",
        )
        .await
        .unwrap();
    let text = ask::drain_page("mare", &stock, true)
        .replace(" WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK)", "")
        .replace("TOP (1) p.[mare_versao]", "max(p.[mare_versao])")
        .replace("\n    ORDER BY p.[mare_versao] DESC)", ")")
        .replace("TOP (@P1) ", "")
        .replace("ORDER BY q.[mare_versao])", "ORDER BY q.[mare_versao] LIMIT @P1)")
        .replace("CONVERT(bigint, c.[mare_versao])", "c.[mare_versao]")
        .replace(" AS rowversion)", " AS bigint)")
        .replace(" AS datetimeoffset(3))", " AS timestamptz)");
    let page = async |size: i32, after: i32, bound: i32| -> Vec<i64> {
        let text = translate::statement(&text)
            .replace("@P1", &size.to_string())
            .replace("@P2", &after.to_string())
            .replace("@P3", &bound.to_string());
        client.query(&text, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(page(1, 0, 9).await, [5, 5, 5]);
    assert_eq!(page(4, 0, 9).await, [5, 5, 5, 7]);
    assert_eq!(page(5, 0, 9).await, [5, 5, 5, 7, 8, 8, 8, 8, 8]);
    assert_eq!(page(2, 7, 8).await, [8, 8, 8, 8, 8]);
    assert_eq!(page(2, 9, 9).await, [] as [i64; 0]);
}
