//! Results that come row by row, and that break.

use super::*;

/// A server whose `test:many` has so many rows.
async fn many(rows: i64) -> (Server, Connection) {
    let (server, connection) = plain_server().await;
    server.with(|engine| {
        engine.on("test:many", move |_, _, _| {
            let columns =
                vec![ColumnDef::new("numero", Kind::Int), ColumnDef::nullable("nome", Kind::NVarChar(40))];
            let row = |number| vec![Value::Int(number), Value::text(format!("produto {number}"))];
            Ok(Reply::rows(columns, (0..rows).map(row).collect()))
        });
    });
    (server, connection)
}

fn many_statement() -> Statement {
    Statement::new("/*test:many*/")
}

#[tokio::test]
async fn rows_come_in_order_and_in_buffers() {
    let (_server, connection) = many(20_000).await;
    let mut stream = connection.query(many_statement()).await.unwrap();
    assert_eq!(stream.columns()[1].name, "nome");
    let (mut next, mut buffers) = (0, 0);
    while let Some(rows) = stream.next().await.unwrap() {
        assert!(!rows.is_empty());
        buffers += 1;
        for row in rows.rows() {
            assert_eq!(row.integer(0), Some(next));
            assert_eq!(row.text(1).unwrap(), format!("produto {next}"));
            next += 1;
        }
    }
    assert_eq!(next, 20_000);
    assert!(buffers > 10, "{buffers}");
    assert!(stream.next().await.unwrap().is_none());
    assert_eq!(connection.fetch(many_statement()).await.unwrap().rows.len(), 20_000);
}

#[tokio::test]
async fn no_result_has_no_columns_and_no_rows() {
    let (server, connection) = many(0).await;
    assert!(connection.fetch(many_statement()).await.unwrap().rows.is_empty());
    server.with(|engine| engine.on("test:nothing", |_, _, _| Ok(Reply::affected(3))));
    let nothing = connection.fetch(Statement::new("/*test:nothing*/")).await.unwrap();
    assert_eq!((nothing.rows.len(), nothing.rows.columns().len()), (0, 0));
    assert_eq!(connection.execute(Statement::new("/*test:nothing*/")).await.unwrap().rows_affected, 3);
}

#[tokio::test]
async fn a_second_result_is_refused() {
    let (server, connection) = many(1).await;
    server.with(|engine| {
        engine.on("test:two", |_, _, _| {
            let result =
                ResultSet { columns: vec![ColumnDef::new("c", Kind::Int)], rows: vec![vec![Value::Int(1)]] };
            Ok(Reply { results: vec![result.clone(), result], ..Reply::default() })
        });
    });
    let error = connection.fetch(Statement::new("/*test:two*/")).await.unwrap_err();
    assert!(matches!(error, SqlError::Protocol(_)), "{error}");
    works(&connection).await;
}

#[tokio::test]
async fn an_error_in_the_middle_is_no_end() {
    let (server, connection) = many(2_000).await;
    let session = connection.session().await.unwrap();
    server.fault(
        "test:many",
        Fault::FailAfterRows(1_500, Failure::new(8134, 16, "Divide by zero error encountered.")),
    );
    let mut stream = connection.query(many_statement()).await.unwrap();
    let mut rows = 0;
    let error = loop {
        match stream.next().await {
            Ok(Some(buffer)) => rows += buffer.len(),
            Ok(None) => panic!("an end after {rows} rows"),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, SqlError::Server(error) if error.number == 8134), "{error}");
    assert!(rows <= 1_500);
    assert!(stream.next().await.unwrap().is_none());
    // The answer was read to its end, so the connection stays.
    works(&connection).await;
    assert_eq!(connection.session().await.unwrap(), session);
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_is_an_error_and_the_next_use_connects_anew() {
    let (server, connection) = many(5_000).await;
    for cut in [0, 1, 7, 8, 9, 60, 4_096, 4_100, 50_000] {
        server.fault("test:many", Fault::CutAt(cut));
        let error = timeout(PATIENCE, connection.fetch(many_statement())).await.unwrap().unwrap_err();
        assert!(matches!(error, SqlError::Broken(_)), "cut at {cut}: {error}");
        assert_eq!(error.class(), ErrorClass::Transient);
        works(&connection).await;
    }
    assert_eq!(server.logins(), 10);
}

#[tokio::test]
async fn half_a_packet_and_then_silence_times_out() {
    let (server, connection) = many(5_000).await;
    for stall in [0, 3, 100, 10_000] {
        server.fault("test:many", Fault::StallAt(stall));
        let impatient = many_statement().with_timeout(Duration::from_millis(200));
        let error = timeout(PATIENCE, connection.fetch(impatient)).await.unwrap().unwrap_err();
        assert!(matches!(error, SqlError::TimedOut { .. }), "{error}");
        works(&connection).await;
    }
    assert_eq!(server.logins(), 5);
}

#[tokio::test]
async fn a_reader_that_stops_closes_the_connection_and_disturbs_nobody() {
    let (server, connection) = many(50_000).await;
    let mut stream = connection.query(many_statement()).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(first.row(0).unwrap().integer(0), Some(0));
    let session = stream.session();
    drop(stream);
    works(&connection).await;
    assert_ne!(connection.session().await.unwrap(), session);
    server.until_open(1).await;
}

/// A server announces the columns of a query before it refuses it; what catches that answers with a result of its own.
#[tokio::test]
async fn a_result_without_rows_is_passed_by_for_the_next() {
    let (server, connection) = plain_server().await;
    let result = |name: &str, rows: &[i64]| ResultSet {
        columns: vec![ColumnDef::new(name, Kind::Int)],
        rows: rows.iter().map(|row| vec![Value::Int(*row)]).collect(),
    };
    let results = [
        (vec![result("a", &[]), result("b", &[2])], Some(("b", 1))),
        (vec![result("a", &[]), result("b", &[]), result("c", &[])], Some(("c", 0))),
        (vec![result("a", &[1]), result("b", &[2])], None),
        (vec![result("a", &[1]), result("b", &[])], None),
    ];
    for (results, expected) in results {
        server.with(|engine| {
            engine.on("test:several", move |_, _, _| {
                Ok(Reply { results: results.clone(), ..Reply::default() })
            });
        });
        match (connection.fetch(Statement::new("/*test:several*/")).await, expected) {
            (Ok(fetched), Some((name, rows))) => {
                assert_eq!((&*fetched.rows.columns()[0].name, fetched.rows.len()), (name, rows));
            }
            (Err(SqlError::Protocol(_)), None) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
    works(&connection).await;
}
