//! Chunks of rows, read beside the stream.

use std::collections::BTreeSet;
use std::future::Future;

use mare::core::row::Cell;
use mare::core::time::Timestamp;
use mare::mapping::cell::{self, RowId, oid};
use mare::mapping::config::{CapturedTable, Role};
use mare::source::reconcile::reader::{Engine as _, ReadError, Reader, Selection, Taken};
use mare::source::reconcile::sqlserver::{SqlServerEngine, SqlServerReader};
use mare::source::reconcile::visibility::{Seen, Watermark};

use crate::live::{self, BALANCE, GROUP, PRICE, STOCK, Shape};
use crate::pages::{CLOCK, gone_note};
use crate::site::{PATIENCE, login};
use crate::tds::{Engine, Failure, Fault, Options, Outcome, Server, Tx, Value};

const LOOK_UP: &str = "mare:check.columns";
const PAGE: &str = "mare:chunk.page";
const BY_KEYS: &str = "mare:chunk.by_keys";

struct Rig {
    server: Server,
    reader: SqlServerReader,
}

/// Rows as texts; null is `-`.
type Texts = Vec<Vec<String>>;

impl Rig {
    async fn open(fill: impl FnOnce(&mut Engine, Tx) -> Outcome<()>) -> Self {
        let server = Server::start(Options::default()).await;
        server.with(|engine| {
            live::install(engine);
            engine.autocommit(fill);
        });
        let reader = SqlServerEngine { login: login(&server) }.open().await.unwrap();
        Self { server, reader }
    }

    async fn take(&mut self, name: &str, rows: &Selection<'_>) -> Result<Taken, ReadError> {
        within(self.reader.read(&table(name), rows)).await
    }

    async fn read(&mut self, name: &str, rows: Selection<'_>) -> Texts {
        texts(&self.take(name, &rows).await.unwrap())
    }

    fn asked(&self, tag: &str) -> usize {
        self.server.statements_of(tag).len()
    }
}

/// No test waits for ever.
async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it takes too long")
}

/// A table of this Live with all its columns.
fn table(name: &str) -> CapturedTable {
    let shape = Shape::named(name);
    CapturedTable {
        role: Role::Stock,
        schema: "live".to_owned(),
        table: name.to_owned(),
        columns: shape.columns().into_iter().map(|column| column.name).collect(),
        key: shape.key.iter().map(|(name, _)| (*name).to_owned()).collect(),
    }
}

fn texts(taken: &Taken) -> Texts {
    let text = |cell: &Cell<'_>| match cell {
        Cell::Text(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        Cell::Null => "-".to_owned(),
        other => panic!("{other:?}"),
    };
    taken.rows.iter().map(|row| row.iter().map(text).collect()).collect()
}

/// Numbers that SQL Server orders otherwise than we do.
const fn sku(n: u128) -> u128 {
    (n << 96) | ((n * 7 % 50) << 8) | n
}

/// Fifty SKUs in each of three deposits.
fn balances(engine: &mut Engine, tx: Tx) -> Outcome<()> {
    let rows = (1..=3).flat_map(|deposit| {
        (0..50).map(move |n| {
            let key = [Value::Int(1), Value::Int(deposit), Value::Guid(sku(n))];
            key.into_iter().chain([Value::Decimal(n as i128), Value::Null]).collect()
        })
    });
    engine.insert(tx, BALANCE, rows.collect()).map(drop)
}

fn stock(engine: &mut Engine, tx: Tx) -> Outcome<()> {
    let rows = (1..=9).map(|sku| {
        let key = [1, 1, sku].map(Value::Int);
        key.into_iter().chain([Value::Decimal(5), Value::Decimal(0), Value::Null]).collect()
    });
    engine.insert(tx, STOCK, rows.collect()).map(drop)
}

fn groups(engine: &mut Engine, tx: Tx) -> Outcome<()> {
    let rows = ["b", "A", "c  ", "D"].map(|code| vec![Value::text(code), Value::Null, Value::Null]);
    engine.insert(tx, GROUP, rows.to_vec()).map(drop)
}

const ALL: Selection<'_> = Selection::Page { key: "id_sku", after: None, limit: 1_000 };

/// All rows by pages, and how long the pages were.
async fn pages(rig: &mut Rig, name: &str, key: &str, limit: usize) -> (Texts, Vec<usize>) {
    let (mut all, mut lengths, mut after) = (Texts::new(), Vec::new(), None::<RowId>);
    loop {
        let taken = rig.take(name, &Selection::Page { key, after: after.as_ref(), limit }).await.unwrap();
        lengths.push(taken.rows.len());
        after = taken.rows.ids(key).next_back().or(after);
        all.extend(texts(&taken));
        if taken.rows.len() < limit {
            return (all, lengths);
        }
    }
}

#[tokio::test]
async fn pages_go_through_a_table_in_the_servers_order() {
    let mut rig = Rig::open(stock).await;
    let (all, lengths) = pages(&mut rig, STOCK, "id_sku", 4).await;
    let skus: Vec<_> = all.iter().map(|row| row[2].parse().unwrap()).collect();
    let different: BTreeSet<i64> = skus.iter().copied().collect();
    assert!(skus.is_sorted() && different.len() == 9, "{skus:?}");
    // The last row of a full page is read once more: it might have been one of several.
    assert_eq!(lengths, [5, 5, 1]);
}

#[tokio::test]
async fn a_page_by_a_part_of_the_key_ends_behind_all_who_share_it() {
    let mut rig = Rig::open(balances).await;
    let (all, lengths) = pages(&mut rig, BALANCE, "id_sku", 7).await;
    let different: BTreeSet<_> = all.iter().map(|row| (row[1].clone(), row[2].clone())).collect();
    assert_eq!(different.len(), 150, "no row is between two pages: {lengths:?}");
    assert!(all.iter().map(|row| &row[2]).is_sorted_by_key(|sku| guid_groups(sku)));
    assert!(!all.iter().map(|row| &row[2]).is_sorted(), "it is not our order");
}

/// A `uniqueidentifier` as the server orders those of these tests: by the last group.
fn guid_groups(text: &str) -> String {
    text.rsplit_once('-').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_range_of_ids_that_the_server_orders_otherwise_is_read_by_the_ids() {
    let mut rig = Rig::open(balances).await;
    let ids: Vec<_> = (11..=30).map(|n| RowId::Uuid(sku(n))).collect();
    let (store, deposit, after) = (RowId::Int(1), RowId::Int(2), RowId::Uuid(sku(10)));
    let rows = Selection::Range {
        of: [("id_loja", &store), ("id_deposito", &deposit)],
        key: "id_sku",
        after: Some(&after),
        last: &ids[19],
        ids: &ids,
    };
    let found = rig.take(BALANCE, &rows).await.unwrap();
    assert_eq!(found.rows.ids("id_sku").collect::<BTreeSet<_>>(), ids.iter().cloned().collect());
    assert!(texts(&found).iter().all(|row| row[1] == "2"));
    assert_eq!((rig.asked("mare:chunk.range"), rig.asked("mare:chunk.by_keys_within")), (0, 1));
}

#[tokio::test]
async fn a_range_of_numbers_is_read_as_one() {
    let mut rig = Rig::open(stock).await;
    let one = RowId::Int(1);
    let of = [("id_loja", &one), ("id_deposito", &one)];
    for (after, skus) in [(None, &["1", "2", "3", "4"][..]), (Some(&RowId::Int(2)), &["3", "4"])] {
        let rows = Selection::Range { of, key: "id_sku", after, last: &RowId::Int(4), ids: &[RowId::Int(3)] };
        let found = rig.read(STOCK, rows).await;
        assert_eq!(found.iter().map(|row| &row[2]).collect::<Vec<_>>(), skus);
    }
    let some = [RowId::Int(8), RowId::Int(77), RowId::Int(2)];
    let found = rig.read(STOCK, Selection::AnyOf { of, key: "id_sku", ids: &some }).await;
    assert_eq!(found.iter().map(|row| &row[2]).collect::<Vec<_>>(), ["2", "8"]);
}

#[tokio::test]
async fn more_ids_than_a_statement_takes_go_into_several() {
    let mut rig = Rig::open(balances).await;
    let ids: Vec<_> = (0..4_007).map(|n| RowId::Uuid(sku(n))).collect();
    let found = rig.read(BALANCE, Selection::Any { key: "id_sku", ids: &ids }).await;
    assert_eq!(found.len(), 150);
    let asked = rig.server.statements_of(BY_KEYS);
    assert_eq!(asked.iter().map(|statement| statement.params.len()).collect::<Vec<_>>(), [2_000, 2_000, 10]);
    assert_eq!(rig.asked("mare:clock"), 1);
    let none = rig.take(BALANCE, &Selection::Any { key: "id_sku", ids: &[] }).await.unwrap();
    assert!(none.rows.is_empty());
    assert_eq!(
        none.rows.relation.columns.len(),
        4,
        "the mapping must not take it for a table without columns"
    );
}

#[tokio::test]
async fn texts_are_keys_by_the_rules_of_the_server() {
    let mut rig = Rig::open(groups).await;
    let (all, lengths) = pages(&mut rig, GROUP, "codigo", 2).await;
    assert_eq!(all.iter().map(|row| &row[0]).collect::<Vec<_>>(), ["A", "b", "c  ", "D"]);
    assert_eq!(lengths, [2, 2, 0]);
    let ids = [RowId::Text("c".into()), RowId::Text("d".into())];
    let found = rig.read(GROUP, Selection::Any { key: "codigo", ids: &ids }).await;
    assert_eq!(found.iter().map(|row| &row[0]).collect::<Vec<_>>(), ["c  ", "D"]);
}

#[tokio::test]
async fn values_are_texts_of_the_types_that_the_mapping_knows() {
    let price = sku(1);
    let mut rig = Rig::open(|engine, tx| {
        let row = vec![
            Value::Guid(price),
            Value::Int(7),
            Value::Decimal(-19_990),
            Value::datetime2("2026-07-01T12:00:00.125", 3),
            Value::Date(0),
            Value::text("Ação 漢字"),
            Value::Null,
        ];
        let mut empty = vec![Value::Null; 7];
        empty[0] = Value::Guid(sku(2));
        engine.insert(tx, PRICE, vec![row, empty]).map(drop)
    })
    .await;
    let taken = rig.take(PRICE, &Selection::Page { key: "id", after: None, limit: 9 }).await.unwrap();
    let id = uuid::Uuid::from_u128(price).to_string();
    let row = [&id, "7", "-1.9990", "2026-07-01 15:00:00.125+00", "0001-01-01", "Ação 漢字"];
    assert_eq!(texts(&taken)[0], row);
    assert_eq!(texts(&taken)[1][1..], ["-"; 5]);
    let types: Vec<_> = taken.rows.relation.columns.iter().map(|column| column.type_oid).collect();
    assert_eq!(types, [oid::UUID, oid::INT4, oid::NUMERIC, oid::TIMESTAMPTZ, oid::DATE, oid::VARCHAR]);
    let rows: Vec<_> = taken.rows.iter().collect();
    assert_eq!(cell::decimal(rows[0][2], types[2]).unwrap().unwrap().to_string(), "-1.9990");
    assert_eq!(taken.rows.ids("id").collect::<Vec<_>>(), [RowId::Uuid(price), RowId::Uuid(sku(2))]);
    assert_eq!(taken.rows.ids("no such column").count(), 0);
    // By the server's clock, whatever its zone is, and without a claim to have seen anything.
    let clock: jiff::Timestamp = CLOCK.parse().unwrap();
    assert_eq!(taken.read_at, Timestamp(clock.as_microsecond()));
    assert_eq!((taken.seen, taken.watermark), (Seen::Unknown, Watermark::NextRound));
    assert_eq!((taken.rows.relation.id, &*taken.rows.relation.table), (u32::MAX, PRICE));
}

#[tokio::test]
async fn a_locked_row_is_waited_for_and_read_as_it_was_committed() {
    let mut rig = Rig::open(stock).await;
    let till = rig.server.with(|engine| {
        let till = engine.begin();
        live::set_quantity(engine, till, 2, 4).unwrap();
        till
    });
    let (table, Rig { server, reader }) = (table(STOCK), &mut rig);
    let mut read = std::pin::pin!(reader.read(&table, &ALL));
    let asked = async {
        server.until_asked(PAGE).await;
        // Enough for an answer, if it did not wait.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    tokio::select! {
        taken = &mut read => panic!("it did not wait: {:?}", texts(&taken.unwrap())),
        () = within(asked) => {}
    }
    server.with(|engine| engine.commit(till));
    let taken = within(read).await.unwrap();
    let quantity = |sku: usize| texts(&taken)[sku - 1][3].clone();
    assert_eq!((taken.rows.len(), &*quantity(2), &*quantity(3)), (9, "4", "5"));
}

#[tokio::test]
async fn locks_and_deadlocks_pass_or_are_left_to_the_loader() {
    let mut rig = Rig::open(stock).await;
    for failure in [Failure::lock_timeout(), Failure::deadlock()] {
        rig.server.fault(PAGE, Fault::FailAfterRows(3, failure));
    }
    assert_eq!(rig.read(STOCK, ALL).await.len(), 9, "nothing of what came before an error");
    assert_eq!((rig.asked(PAGE), rig.asked("mare:clock")), (3, 3), "with a new time each");
    for _ in 0..3 {
        rig.server.fault(PAGE, Fault::Fail(Failure::lock_timeout()));
    }
    let error = rig.take(STOCK, &ALL).await.unwrap_err();
    assert!(matches!(&error, ReadError::Refused(text) if text.contains("1222")), "{error}");
    assert_eq!(rig.asked(PAGE), 6);
    assert_eq!(rig.read(STOCK, ALL).await.len(), 9);
    assert_eq!(rig.server.logins(), 1, "it is the same connection");
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_anew() {
    let mut rig = Rig::open(stock).await;
    rig.server.fault(PAGE, Fault::CutAt(60));
    assert_eq!(rig.read(STOCK, ALL).await.len(), 9);
    assert_eq!(rig.server.logins(), 2);
    rig.server.close_connections().await;
    assert_eq!(rig.read(STOCK, ALL).await.len(), 9);
    assert_eq!(rig.server.logins(), 3);
    assert_eq!(rig.asked(LOOK_UP), 1, "the table is still the same");
    rig.server.close_connections().await;
    rig.server.refuse_logins(Some(Failure::new(18401, 14, "Server is in script upgrade mode.")));
    let error = rig.take(STOCK, &ALL).await.unwrap_err();
    assert!(matches!(error, ReadError::Unreachable(_)), "{error}");
    let other = SqlServerEngine { login: login(&rig.server) }.open().await;
    assert!(matches!(other, Err(ReadError::Unreachable(_))));
}

#[tokio::test]
async fn a_table_is_looked_up_once_and_again_when_it_has_changed() {
    let mut rig = Rig::open(stock).await;
    for _ in 0..3 {
        rig.read(STOCK, ALL).await;
    }
    assert_eq!(rig.asked(LOOK_UP), 1);
    rig.server.fault(PAGE, Fault::Fail(Failure::new(208, 16, "Invalid object name 'live.estoque_saldo'.")));
    assert_eq!(rig.read(STOCK, ALL).await.len(), 9, "it is there again");
    assert_eq!(rig.asked(LOOK_UP), 2);
    for column in ["quantidade", "quantidade_reservada"] {
        rig.server.with(|engine| engine.notes.insert(gone_note(column), Value::Null));
    }
    for _ in 0..2 {
        let error = rig.take(STOCK, &ALL).await.unwrap_err();
        let ReadError::NotAsMapped { table, columns } = &error else { panic!("{error}") };
        assert_eq!((&**table, &**columns), ("live.estoque_saldo", "quantidade, quantidade_reservada"));
    }
    rig.server.with(|engine| engine.notes.clear());
    assert_eq!(rig.read(STOCK, ALL).await.len(), 9);
}

#[tokio::test]
async fn a_table_or_column_that_is_not_there_is_named() {
    let mut rig = Rig::open(stock).await;
    let elsewhere = CapturedTable { table: "estoque".to_owned(), ..table(STOCK) };
    let error = rig.reader.read(&elsewhere, &ALL).await.unwrap_err().to_string();
    assert!(error.contains("table live.estoque does not exist"), "{error}");
    let page = Selection::Page { key: "id_produto", after: None, limit: 5 };
    let error = rig.take(STOCK, &page).await.unwrap_err();
    assert!(matches!(&error, ReadError::NotAsMapped { columns, .. } if columns == "id_produto"), "{error}");
    assert_eq!(rig.asked(PAGE), 0);
}
