//! Timeouts, callers that give up, errors of the server.

use super::*;

#[tokio::test]
async fn a_timeout_closes_the_connection_and_the_next_use_connects_anew() {
    let (server, connection) = plain_server().await;
    let session = connection.session().await.unwrap();
    server.fault("test:one", Fault::Delay(PATIENCE * 4));
    let statement = one().with_timeout(Duration::from_millis(50));
    let error = connection.execute(statement).await.unwrap_err();
    assert!(matches!(error, SqlError::TimedOut { .. }), "{error}");
    works(&connection).await;
    let bound = one().only_in(session);
    assert!(matches!(connection.fetch(bound).await, Err(SqlError::SessionOver)));
    let now = connection.session().await.unwrap();
    assert!(connection.fetch(one().only_in(now)).await.is_ok());
    server.until_open(1).await;
}

#[tokio::test]
async fn a_dropped_caller_leaves_nothing_behind() {
    let (server, connection) = plain_server().await;
    server.with(|engine| {
        engine.on("test:slow", |_, _, _| Ok(Reply::scalar("slow", Kind::Int, Value::Int(2))));
    });
    for _ in 0..3 {
        server.fault("test:slow", Fault::Delay(PATIENCE * 4));
        let slow = connection.fetch(Statement::new("/*test:slow*/"));
        assert!(timeout(Duration::from_millis(30), slow).await.is_err());
        // Neither waits for the answer that nobody wants, nor reads it.
        works(&connection).await;
    }
    server.until_open(1).await;
    drop(connection);
    server.until_open(0).await;
}

#[tokio::test]
async fn every_session_is_set_up_by_a_batch() {
    let (server, connection) = plain_server().await;
    server.fault("test:one", Fault::CutAt(0));
    assert!(connection.fetch(one()).await.is_err());
    works(&connection).await;
    let setups = server.statements_of("mare:session");
    assert_eq!(setups.len(), 2);
    assert!(setups[0].sql.contains("XACT_ABORT ON"));
}

#[tokio::test]
async fn errors_of_the_server_keep_the_connection_and_their_class() {
    let (server, connection) = plain_server().await;
    let session = connection.session().await.unwrap();
    for (number, class) in [
        (1222, ErrorClass::LockTimeout),
        (208, ErrorClass::NeedsPerson),
        (40613, ErrorClass::Transient),
        (33_557_097, ErrorClass::Unknown),
    ] {
        server.fault("test:one", Fault::Fail(Failure::new(number, 16, "no")));
        let error = connection.execute(one()).await.unwrap_err();
        assert_eq!(error.class(), class, "{error}");
    }
    works(&connection).await;
    assert_eq!(connection.session().await.unwrap(), session);
    // From class 20 on the server closes it.
    server.fault("test:one", Fault::Fail(Failure::new(9001, 21, "The log is not available.")));
    assert_eq!(connection.execute(one()).await.unwrap_err().class(), ErrorClass::Transient);
    assert_ne!(connection.session().await.unwrap(), session);
}

#[tokio::test]
async fn a_restart_of_the_server_is_survived() {
    let (server, connection) = plain_server().await;
    server.refuse_logins(Some(Failure::new(18401, 14, "Login failed. Server is in script upgrade mode.")));
    server.close_connections().await;
    let error = connection.execute(one()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient, "{error}");
    let error = connection.execute(one()).await.unwrap_err();
    assert!(matches!(error, SqlError::Connect(ConnectError::NotReady(_))), "{error}");
    assert_eq!(error.class(), ErrorClass::Transient);
    server.refuse_logins(None);
    works(&connection).await;
}

#[tokio::test]
async fn a_caller_that_gave_up_in_the_queue_costs_nothing() {
    let (server, connection) = plain_server().await;
    let session = connection.session().await.unwrap();
    let holder = server.with(|engine| {
        let holder = engine.begin();
        engine.on("test:blocked", move |engine, _, _| {
            if engine.is_open(holder) { Err(tds::Stop::Blocked(holder)) } else { Ok(Reply::default()) }
        });
        holder
    });
    let busy = tokio::spawn({
        let connection = connection.clone();
        async move { connection.execute(Statement::new("/*test:blocked*/")).await.unwrap() }
    });
    server.until_asked("test:blocked").await;
    assert!(timeout(Duration::from_millis(5), connection.execute(one())).await.is_err());
    server.with(|engine| engine.commit(holder));
    busy.await.unwrap();
    works(&connection).await;
    assert_eq!(connection.session().await.unwrap(), session);
    assert_eq!(server.statements_of("test:one").len(), 1);
}
