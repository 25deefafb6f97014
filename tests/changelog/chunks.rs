//! Chunks of rows as Postgres orders them.

use std::sync::Arc;

use mare::live::PostgresSettings;
use mare::mapping::cell::RowId;
use mare::mapping::config::{CapturedTable, Role};
use mare::source::reconcile::postgres::{Beside, PostgresEngine};
use mare::source::reconcile::reader::{Engine, Reader, Selection};

use crate::support::postgres;

/// A collation has `a` before `B`, and bytes have it behind.
#[tokio::test]
async fn a_range_of_texts_is_read_by_the_ids() {
    let database = postgres::shared().create_database("chunk_texts").await;
    let live = database.connect().await;
    live.batch_execute(
        "CREATE TABLE saldo (loja int, deposito int, sku text COLLATE \"en-x-icu\", quantidade int);
         INSERT INTO saldo VALUES (1, 1, 'a', 1), (1, 1, 'B', 2), (1, 1, 'c', 3), (2, 1, 'a', 4);",
    )
    .await
    .unwrap();
    let mut settings = PostgresSettings::new("127.0.0.1", "chunk_texts", postgres::USER);
    settings.port = database.port;
    settings.password = Some(postgres::PASSWORD.into());
    let connect = Arc::new(move || Ok(settings.clone()));
    let mut reader = PostgresEngine { connect, beside: Beside::ChangeTables }.open().await.unwrap();
    let columns = ["loja", "deposito", "sku", "quantidade"].map(str::to_owned);
    let table = CapturedTable {
        role: Role::Stock,
        schema: "public".to_owned(),
        table: "saldo".to_owned(),
        key: columns[..3].to_vec(),
        columns: columns.to_vec(),
    };
    let one = RowId::Int(1);
    let ids = ["a", "c"].map(|id| RowId::Text(id.into()));
    let rows = Selection::Range {
        of: [("loja", &one), ("deposito", &one)],
        key: "sku",
        after: Some(&RowId::Text("B".into())),
        last: &ids[1],
        ids: &ids,
    };
    let taken = reader.read(&table, &rows).await.unwrap();
    let mut found: Vec<_> = taken.rows.ids("sku").collect();
    found.sort();
    assert_eq!(found, ids, "none is left out, or it would count as sold out");
}
