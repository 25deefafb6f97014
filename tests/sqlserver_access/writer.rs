//! Writing into SQL Server: marks, transactions, errors.

use std::sync::Arc;

use mare::live::writer::{Mark, Sql, Target, Value as Written, Violation, WriteError, Writer};

use super::*;

const MARK: &str = "0x6D6172653A6F776E2D77726974657321";

/// A table of `id` and a text; inserting is `test:insert`, reading `test:read`.
async fn table(mark: Mark) -> (Server, Writer) {
    let server = server(Options::default()).await;
    server.with(|engine| {
        let columns = vec![ColumnDef::new("id", Kind::Guid), ColumnDef::new("texto", Kind::NVarChar(40))];
        engine.create("t", columns);
        engine.unique("t", &["id"]);
        engine.on("mare:test.insert", |engine, session, params| {
            engine.insert(session.tx, "t", vec![params[..2].to_vec()])?;
            Ok(Reply::affected(1))
        });
        engine.on("mare:test.read", |engine, session, _| {
            let rows = engine.read(session.tx, "t", Locks::Wait)?;
            Ok(Reply::rows(engine.columns("t"), rows))
        });
    });
    let settings = settings(&server);
    let login = Arc::new(move || Ok(settings.clone()));
    (server, Writer::new(Target::SqlServer { login, mark }))
}

fn row(id: u128, text: &'static str) -> Sql {
    Sql::insert("test.insert", "live.t", [("id", Written::Uuid(id)), ("texto", Written::text(text))])
}

fn count(server: &Server) -> usize {
    server.with(|engine| engine.autocommit(|engine, tx| engine.read(tx, "t", Locks::Versions))).len()
}

#[tokio::test]
async fn a_transaction_counts_whole_or_not_at_all() {
    let (server, writer) = table(Mark::Context).await;
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
    assert!(failed.commit().await.is_err());
    let mut done = writer.begin().await.unwrap();
    assert_eq!(count(&server), 0);
    assert_eq!(done.execute(&row(1, "um")).await.unwrap(), 1);
    let rows = done.fetch(&Sql::read("test.read").push("SELECT 1")).await.unwrap();
    let (id, of) = rows.cell(0, 0);
    assert_eq!(cell::row_id(id, of), Ok(Some(RowId::Uuid(1))));
    assert_eq!(rows.cell(0, 1).0, Cell::Text("um".as_bytes()));
    done.commit().await.unwrap();
    assert_eq!(count(&server), 1);
}

#[tokio::test]
async fn each_way_of_capture_has_its_mark() {
    for (mark, in_session, in_statement) in
        [(Mark::Context, true, false), (Mark::Tracking, false, true), (Mark::None, false, false)]
    {
        let (server, writer) = table(mark).await;
        let mut transaction = writer.begin().await.unwrap();
        transaction.execute(&row(1, "um")).await.unwrap();
        transaction.fetch(&Sql::read("test.read").push("SELECT 1")).await.unwrap();
        transaction.commit().await.unwrap();
        let texts = |tag: &str| -> Vec<String> {
            server.statements_of(tag).into_iter().map(|statement| statement.sql).collect()
        };
        let setup = &texts("mare:session")[0];
        assert_eq!(setup.contains(&format!("SET CONTEXT_INFO {MARK};")), in_session, "{setup}");
        let insert = &texts("mare:test.insert")[0];
        let marked = format!("*/ WITH CHANGE_TRACKING_CONTEXT ({MARK}) INSERT INTO [live].[t]");
        assert_eq!(insert.contains(&marked), in_statement, "{insert}");
        assert!(!texts("mare:test.read")[0].contains(MARK), "what changes nothing has no mark");
    }
}

#[tokio::test]
async fn what_is_lost_comes_back_and_a_deadlock_is_no_refusal() {
    let (server, writer) = table(Mark::Context).await;
    let mut deadlocked = writer.begin().await.unwrap();
    server.fault("mare:test.insert", Fault::Fail(Failure::deadlock()));
    let error = deadlocked.execute(&row(1, "um")).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    drop(deadlocked);
    server.fault("mare:test.insert", Fault::CutAt(0));
    let mut lost = writer.begin().await.unwrap();
    let error = lost.execute(&row(1, "um")).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    drop(lost);
    let denied = Failure::new(229, 14, "The INSERT permission was denied on the object 't'.");
    server.fault("mare:test.insert", Fault::Fail(denied));
    let error = writer.begin().await.unwrap().execute(&row(1, "um")).await.unwrap_err();
    assert!(matches!(error, WriteError::Permanent(_)), "{error}");
    let mut next = writer.begin().await.unwrap();
    next.execute(&row(1, "um")).await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(count(&server), 1);
}
