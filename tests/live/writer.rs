//! Writing into Postgres, and what capture sees of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use mare::core::row::{Cell, RowChange};
use mare::live::writer::{Mark, Sql, Target, Value, Violation, WriteError, Writer};
use mare::live::{Connect, PostgresSettings};
use mare::mapping::cell;
use mare::mapping::config::MappingConfig;
use mare::source::changelog::form::Form;
use mare::source::changelog::postgres::install::{Existing, Names, install_script};
use mare::source::changelog::postgres::layout::TableLayout;
use mare::source::postgres::install::run_script;
use mare::source::postgres::pgoutput::{self, Message};
use tokio_postgres::Client;

use crate::support::postgres::{self, Database};

const TABLE: &str = "CREATE SCHEMA s; CREATE TABLE s.t (id uuid PRIMARY KEY, numero smallint, valor numeric(15,4), \
                     dia date, momento timestamptz, ligado boolean, texto varchar(10) CHECK (texto <> 'x'), pai uuid REFERENCES s.t)";

fn writer(database: &Database, mark: Mark) -> Writer {
    let mut settings = PostgresSettings::new("127.0.0.1", &database.name, postgres::USER);
    settings.port = database.port;
    settings.password = Some(postgres::PASSWORD.into());
    let connect: Connect = Arc::new(move || Ok(settings.clone()));
    Writer::new(Target::Postgres { connect, mark })
}

async fn table(name: &str) -> (Client, Writer) {
    let database = postgres::shared().create_database(name).await;
    let live = database.connect().await;
    live.batch_execute(TABLE).await.unwrap();
    (live, writer(&database, Mark::Message))
}

async fn count(live: &Client, table: &str) -> i64 {
    live.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
}

fn row(id: u128, text: &'static str) -> Sql {
    Sql::insert(
        "test.insert",
        "s.t",
        [("id", Value::Uuid(id)), ("texto", Value::text(text)), ("", Value::Int(1))],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_counts_whole_or_not_at_all() {
    let (live, writer) = table("writer_whole").await;
    let mut given_up = writer.begin().await.unwrap();
    given_up.execute(&row(1, "um")).await.unwrap();
    drop(given_up);
    let mut undone = writer.begin().await.unwrap();
    undone.execute(&row(1, "um")).await.unwrap();
    undone.rollback().await;
    let mut failed = writer.begin().await.unwrap();
    failed.execute(&row(1, "um")).await.unwrap();
    let refused = failed.execute(&row(1, "um")).await.unwrap_err();
    assert!(matches!(refused, WriteError::Constraint { violation: Violation::Unique, .. }), "{refused}");
    assert!(matches!(failed.execute(&row(2, "dois")).await, Err(WriteError::Over)));
    assert!(failed.commit().await.is_err());
    assert_eq!(count(&live, "s.t").await, 0);
    let mut done = writer.begin().await.unwrap();
    assert_eq!(done.execute(&row(1, "um")).await.unwrap(), 1);
    assert_eq!(done.execute(&row(2, "dois")).await.unwrap(), 1);
    done.commit().await.unwrap();
    assert_eq!(count(&live, "s.t").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_kind_arrive_and_come_back() {
    let (_live, writer) = table("writer_values").await;
    let moment = mare::core::time::Timestamp(1_764_000_000_123_456);
    let all = [
        ("id", Value::Uuid(7)),
        ("numero", Value::Int(3)),
        ("valor", Value::Decimal("12.5000".to_owned())),
        ("dia", Value::Date("2026-02-28".to_owned())),
        ("momento", Value::Moment(moment)),
        ("ligado", Value::Flag(true)),
        ("texto", Value::text("Ção")),
        ("pai", Value::Null),
    ];
    let mut transaction = writer.begin().await.unwrap();
    for written in [1, 0] {
        let again = Sql::insert_unless("test.again", "s.t", ("id", Value::Uuid(7)), all.clone());
        assert_eq!(transaction.execute(&again).await.unwrap(), written, "the second time it is there");
    }
    let read = Sql::read("test.read")
        .push("SELECT ")
        .names(["id", "numero", "valor", "momento", "ligado", "texto", "pai"])
        .push(" FROM ")
        .table("s.t")
        .push(" WHERE ")
        .name("texto")
        .push(" = ")
        .value(Value::text("Ção"));
    let rows = transaction.fetch(&read).await.unwrap();
    assert_eq!(rows.len(), 1);
    let at = |column| rows.cell(0, column);
    let (id, of) = at(0);
    assert_eq!(cell::row_id(id, of), Ok(Some(cell::RowId::Uuid(7))));
    assert_eq!(cell::integer(at(1).0, at(1).1), Ok(Some(3)));
    assert_eq!(cell::decimal(at(2).0, at(2).1).unwrap().unwrap().to_string(), "12.5000");
    assert_eq!(cell::timestamp(at(3).0, at(3).1), Ok(Some(moment)));
    assert_eq!(cell::boolean(at(4).0, at(4).1), Ok(Some(true)));
    assert_eq!(cell::text(at(5).0).unwrap().unwrap(), "Ção");
    assert_eq!(at(6).0, Cell::Null);
    assert!(!format!("{rows:?}").contains("Ção"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_whether_trying_again_helps_and_quotes_nothing() {
    let (live, writer) = table("writer_errors").await;
    let fails = async |sql: Sql| writer.begin().await.unwrap().execute(&sql).await.unwrap_err();
    let check = fails(row(1, "x")).await;
    assert!(matches!(check, WriteError::Constraint { violation: Violation::Check, .. }), "{check}");
    let reference =
        fails(Sql::insert("test.r", "s.t", [("id", Value::Uuid(1)), ("pai", Value::Uuid(9))])).await;
    assert!(
        matches!(reference, WriteError::Constraint { violation: Violation::Reference, .. }),
        "{reference}"
    );
    assert!(!reference.is_transient());
    let too_long = fails(row(1, "segredo de ana")).await;
    let number = Sql::insert("test.n", "s.t", [("valor", Value::Decimal("segredo".to_owned()))]);
    let no_number = fails(number).await;
    for error in [&too_long, &no_number] {
        assert!(matches!(error, WriteError::Permanent(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("segredo"), "{error}");
    }
    assert!(matches!(
        fails(Sql::insert("test.t", "s.none", [("id", Value::Int(1))])).await,
        WriteError::Permanent(_)
    ));
    // The connection is lost in the middle: the next transaction has another one.
    let mut lost = writer.begin().await.unwrap();
    live.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        &[],
    )
    .await
    .unwrap();
    let broken = lost.execute(&row(3, "tres")).await.unwrap_err();
    assert!(broken.is_transient(), "{broken}");
    drop(lost);
    let mut next = writer.begin().await.unwrap();
    next.execute(&row(3, "tres")).await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(count(&live, "s.t").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_comes_before_what_it_marks_and_with_nobody_elses_transaction() {
    let (live, writer) = table("writer_mark").await;
    live.batch_execute("CREATE PUBLICATION p FOR ALL TABLES").await.unwrap();
    live.execute("SELECT pg_create_logical_replication_slot('writer_mark', 'pgoutput')", &[]).await.unwrap();
    let mut ours = writer.begin().await.unwrap();
    ours.execute(&row(1, "nosso")).await.unwrap();
    ours.commit().await.unwrap();
    live.batch_execute("UPDATE s.t SET texto = 'deles'").await.unwrap();
    let found = live
        .query(
            "SELECT data FROM pg_logical_slot_get_binary_changes('writer_mark', NULL, NULL, \
             'proto_version', '1', 'publication_names', 'p', 'messages', 'true')",
            &[],
        )
        .await
        .unwrap();
    let mut seen = Vec::new();
    for row in &found {
        let mut cells = Vec::new();
        seen.push(match pgoutput::decode(row.get::<_, &[u8]>(0), &mut cells).unwrap() {
            Message::Begin(_) => "begin",
            Message::Commit(_) => "commit",
            Message::Logical(message) if message.prefix == mare::live::writer::MESSAGE_PREFIX => {
                assert!(message.transactional);
                "mark"
            }
            Message::Row { change: RowChange::Insert { .. }, .. } => "insert",
            Message::Row { .. } => "update",
            _ => continue,
        });
    }
    assert_eq!(seen, ["begin", "mark", "insert", "commit", "begin", "update", "commit"]);
    live.execute("SELECT pg_drop_replication_slot('writer_mark')", &[]).await.unwrap();
}

/// What the triggers have written down of a table.
async fn captured(live: &Client, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT mare_op::text || coalesce(' ' || mare_origin, '') FROM mare.\"{table}\" ORDER BY mare_number"
    );
    live.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_leave_out_what_we_wrote_where_it_came_from_vtex_and_nothing_else() {
    let database = postgres::shared().create_database("writer_triggers").await;
    let mut live = database.connect().await;
    crate::support::shop::create(&live, 200).await;
    let mapping: MappingConfig =
        serde_json::from_str(r#"{"entities": ["stock", "customer", "consent"]}"#).unwrap();
    let layouts = TableLayout::all(mapping.captured(), Form::Row);
    let names = Names { role: "mare_writer".to_owned(), database: database.name.clone() };
    let exists = Existing::look(&live, &names, &layouts).await.unwrap();
    let script = install_script(&names, &layouts, &exists, Some("segredo")).unwrap();
    run_script(&live, &script).await.unwrap();
    // A trigger of the shop's: what it changes is the shop's, whoever set it off.
    live.batch_execute(
        "CREATE FUNCTION live.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           UPDATE live.cliente SET telefone = '1932000000' WHERE id = NEW.id_cliente; RETURN NULL; END $$; \
         CREATE TRIGGER touch AFTER INSERT ON live.cliente_consentimento FOR EACH ROW EXECUTE FUNCTION live.touch()",
    )
    .await
    .unwrap();
    let writer = writer(&database, Mark::Setting);
    let update = |table: &'static str, set: &'static str| {
        Sql::write("test.update").push("UPDATE ").table(table).push(set)
    };
    let mut ours = writer.begin().await.unwrap();
    let one_customer = " SET nome = 'Ana' WHERE id = (SELECT min(id::text)::uuid FROM live.cliente)";
    ours.execute(&update("live.cliente", one_customer)).await.unwrap();
    ours.execute(&update("live.estoque_saldo", " SET quantidade_reservada = quantidade_reservada + 1"))
        .await
        .unwrap();
    ours.commit().await.unwrap();
    assert_eq!(captured(&live, "live_cliente").await, [""; 0]);
    let reserved: BTreeSet<String> = captured(&live, "live_estoque_saldo").await.into_iter().collect();
    assert_eq!(reserved, BTreeSet::from(["U mare".to_owned()]), "a reservation must reach VTEX");

    // A person changes the same row within the same second.
    let theirs = live.transaction().await.unwrap();
    theirs.batch_execute("UPDATE live.cliente SET nome = 'Ana Lima' WHERE nome = 'Ana'").await.unwrap();
    theirs.commit().await.unwrap();
    assert_eq!(captured(&live, "live_cliente").await, ["U"]);

    let mut ours = writer.begin().await.unwrap();
    let copied = Sql::write("test.copy").push(
        "INSERT INTO live.cliente_consentimento (id, id_cliente, id_carta, id_finalidade, situacao, canal, data_atualizacao) \
         SELECT gen_random_uuid(), id_cliente, id_carta, id_finalidade, 3, 'ECOMMERCE', now() FROM live.cliente_consentimento LIMIT 1",
    );
    assert_eq!(ours.execute(&copied).await.unwrap(), 1);
    ours.commit().await.unwrap();
    assert_eq!(captured(&live, "live_cliente_consentimento").await, [""; 0]);
    assert_eq!(captured(&live, "live_cliente").await, ["U", "U mare"], "what the shop's trigger did");
}
