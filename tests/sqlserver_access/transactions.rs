//! Transactions, waiting, deadlocks.

use super::*;

const ADD: &str = "/*test:add*/ UPDATE live.estoque_saldo SET quantidade += @P2 WHERE id_sku = @P1";
const READ: &str = "/*test:read*/ SELECT quantidade FROM live.estoque_saldo WHERE id_sku = @P1";

/// A table of two rows, id and quantity, both from 0.
async fn stock() -> (Server, Connection) {
    let (server, connection) = plain_server().await;
    server.with(|engine| {
        let columns = vec![
            ColumnDef::new("id_sku", Kind::BigInt),
            ColumnDef::new("quantidade", Kind::BigInt),
            ColumnDef::new("versao_linha", Kind::RowVersion),
        ];
        engine.create("estoque", columns);
        engine.autocommit(|engine, tx| {
            let row = |id| vec![Value::Int(id), Value::Int(0), Value::Null];
            engine.insert(tx, "estoque", vec![row(1), row(2)])
        });
        engine.on("test:add", |engine, session, params| {
            let (id, more) = (params[0].clone(), params[1].as_int());
            let changed = engine.update(
                session.tx,
                "estoque",
                Locks::Wait,
                |row| row[0] == id,
                |row| row[1] = Value::Int(row[1].as_int() + more),
            )?;
            Ok(Reply::affected(changed as u64))
        });
        engine.on("test:read", |engine, session, params| {
            let rows = engine.read(session.tx, "estoque", Locks::Wait)?;
            let row = rows.iter().find(|row| row[0] == params[0]).unwrap();
            Ok(Reply::scalar("quantidade", Kind::BigInt, row[1].clone()))
        });
    });
    (server, connection)
}

fn add(id: i64, more: i64) -> Statement {
    Statement::new(ADD).bind(Param::Int(id)).bind(Param::Int(more))
}

fn quantity(server: &Server, id: i64) -> i64 {
    server.with(|engine| {
        engine.autocommit(|engine, tx| {
            let rows = engine.read(tx, "estoque", Locks::Versions)?;
            Ok(rows.iter().find(|row| row[0].as_int() == id).unwrap()[1].as_int())
        })
    })
}

#[tokio::test]
async fn a_commit_makes_it_visible_and_anything_else_does_not() {
    let (server, connection) = stock().await;
    let transaction = connection.begin().await.unwrap();
    assert_eq!(transaction.execute(add(1, 5)).await.unwrap().rows_affected, 1);
    let inside = transaction.fetch(Statement::new(READ).bind(Param::Int(1))).await.unwrap();
    assert_eq!(inside.rows.row(0).unwrap().integer(0), Some(5));
    assert_eq!(quantity(&server, 1), 0);
    transaction.commit().await.unwrap();
    assert_eq!(quantity(&server, 1), 5);

    let transaction = connection.begin().await.unwrap();
    transaction.execute(add(1, 5)).await.unwrap();
    transaction.rollback().await.unwrap();
    let transaction = connection.begin().await.unwrap();
    transaction.execute(add(1, 5)).await.unwrap();
    drop(transaction);
    // Waits until the dropped one is undone.
    connection.session().await.unwrap();
    assert_eq!(quantity(&server, 1), 5);
    assert_eq!(server.logins(), 1);
}

#[tokio::test]
async fn after_an_error_it_is_over_and_nothing_of_it_stays() {
    let (server, connection) = stock().await;
    let transaction = connection.begin().await.unwrap();
    transaction.execute(add(1, 5)).await.unwrap();
    server.fault("test:add", Fault::Fail(Failure::new(547, 16, "The UPDATE conflicted.")));
    assert!(matches!(transaction.execute(add(2, 5)).await, Err(SqlError::Server(_))));
    assert!(matches!(transaction.execute(add(2, 5)).await, Err(SqlError::TransactionOver)));
    assert!(matches!(transaction.commit().await, Err(SqlError::TransactionOver)));
    works(&connection).await;
    assert_eq!((quantity(&server, 1), quantity(&server, 2)), (0, 0));
}

#[tokio::test]
async fn a_connection_that_breaks_takes_the_transaction_with_it() {
    let (server, connection) = stock().await;
    let transaction = connection.begin().await.unwrap();
    transaction.execute(add(1, 5)).await.unwrap();
    server.fault("test:add", Fault::CutAt(4));
    assert!(matches!(transaction.execute(add(2, 5)).await, Err(SqlError::Broken(_))));
    assert!(matches!(transaction.execute(add(2, 5)).await, Err(SqlError::TransactionOver)));
    works(&connection).await;
    server.until_open(1).await;
    assert_eq!((quantity(&server, 1), quantity(&server, 2)), (0, 0));
}

#[tokio::test]
async fn an_idle_transaction_is_rolled_back() {
    let (server, _) = stock().await;
    let mut settings = settings(&server);
    settings.command_timeout_seconds = 1;
    let connection = Connection::open(settings).await.unwrap();
    let transaction = connection.begin().await.unwrap();
    transaction.execute(add(1, 5)).await.unwrap();
    works(&connection).await;
    assert!(matches!(transaction.commit().await, Err(SqlError::TransactionOver)));
    assert_eq!(quantity(&server, 1), 0);
}

#[tokio::test]
async fn a_plain_read_waits_for_the_writer_and_then_sees_it() {
    let (server, connection) = stock().await;
    let tx = server.with(|engine| {
        let tx = engine.begin();
        engine.update(tx, "estoque", Locks::Wait, |_| true, |row| row[1] = Value::Int(9)).unwrap();
        tx
    });
    let read = tokio::spawn(async move {
        connection.fetch(Statement::new(READ).bind(Param::Int(1))).await.unwrap().rows
    });
    server.until_asked("test:read").await;
    assert!(!read.is_finished());
    server.with(|engine| engine.commit(tx));
    assert_eq!(read.await.unwrap().row(0).unwrap().integer(0), Some(9));
}

#[tokio::test]
async fn a_lock_that_is_not_had_in_time_is_an_error_of_its_own_class() {
    let (server, _) = stock().await;
    let connection = Connection::lazy(settings(&server), "/*mare:session*/ SET LOCK_TIMEOUT 20");
    let _tx = server.with(|engine| {
        let tx = engine.begin();
        engine.lock(tx, "estoque", Locks::Wait, |_| true).unwrap();
        tx
    });
    let error = connection.execute(add(1, 5)).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::LockTimeout, "{error}");
    works(&connection).await;
    assert_eq!(server.logins(), 2);
}

#[tokio::test]
async fn who_gives_up_waiting_leaves_no_lock() {
    let (server, connection) = stock().await;
    let tx = server.with(|engine| {
        let tx = engine.begin();
        engine.lock(tx, "estoque", Locks::Wait, |row| row[0].as_int() == 2).unwrap();
        tx
    });
    let transaction = connection.begin().await.unwrap();
    transaction.execute(add(1, 5)).await.unwrap();
    assert!(timeout(Duration::from_millis(30), transaction.execute(add(2, 5))).await.is_err());
    drop(transaction);
    works(&connection).await;
    server.until_open(1).await;
    server.with(|engine| engine.commit(tx));
    let other = Connection::open(settings(&server)).await.unwrap();
    assert_eq!(other.execute(add(1, 1)).await.unwrap().rows_affected, 1);
    assert_eq!(quantity(&server, 1), 1);
}

#[tokio::test]
async fn a_deadlock_hits_us_and_not_the_till_and_is_done_again() {
    let (server, connection) = stock().await;
    // The till's session has the usual priority.
    let till = Connection::lazy(settings(&server), "");
    let theirs = till.begin().await.unwrap();
    theirs.execute(add(2, 100)).await.unwrap();

    let mut theirs = Some(theirs);
    let mut attempts = 0;
    let mut till_done = None;
    retry_deadlock(3, async || {
        attempts += 1;
        let ours = connection.begin().await?;
        ours.execute(add(1, 1)).await?;
        if let Some(theirs) = theirs.take() {
            till_done = Some(tokio::spawn(async move {
                theirs.execute(add(1, 100)).await.unwrap();
                theirs.commit().await.unwrap();
            }));
        }
        ours.execute(add(2, 1)).await?;
        ours.commit().await
    })
    .await
    .unwrap();
    till_done.unwrap().await.unwrap();
    assert_eq!(attempts, 2);
    assert_eq!((quantity(&server, 1), quantity(&server, 2)), (101, 101));
}

#[tokio::test]
async fn deadlocks_without_end_are_given_up() {
    let (server, connection) = plain_server().await;
    for _ in 0..3 {
        server.fault("test:one", Fault::Fail(Failure::deadlock()));
    }
    let error = retry_deadlock(3, async || connection.execute(one()).await).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Deadlock);
    works(&connection).await;
    assert_eq!(server.statements_of("test:one").len(), 4);
}
