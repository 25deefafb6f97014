//! The server of these tests: what it says of locks and numbers must be what SQL Server does, and what it sends must be
//! TDS to others too.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

async fn queue() -> Server {
    let server = Server::start(Options::default()).await;
    server.with(|engine| {
        engine
            .create("fila", vec![ColumnDef::new("rv", Kind::RowVersion), ColumnDef::new("chave", Kind::Int)]);
    });
    server
}

fn keys(rows: &[tds::Row]) -> Vec<i64> {
    rows.iter().map(|row| row[1].as_int()).collect()
}

#[tokio::test]
async fn rows_commit_in_another_order_than_they_were_inserted() {
    let server = queue().await;
    server.with(|engine| {
        let row = |key| vec![vec![Value::Null, Value::Int(key)]];
        let (slow, fast, reader) = (engine.begin(), engine.begin(), engine.begin());
        engine.insert(slow, "fila", row(1)).unwrap();
        engine.insert(fast, "fila", row(2)).unwrap();
        assert_eq!((engine.last_rowversion(), engine.min_active_rowversion()), (2, 1));
        engine.commit(fast);
        assert_eq!(engine.min_active_rowversion(), 1);
        assert_eq!(engine.read(reader, "fila", Locks::Wait), Err(tds::Stop::Blocked(slow)));
        assert_eq!(keys(&engine.read(reader, "fila", Locks::ReadPast).unwrap()), [2]);
        engine.commit(slow);
        assert_eq!(keys(&engine.read(reader, "fila", Locks::ReadPast).unwrap()), [1, 2]);
        assert_eq!(engine.min_active_rowversion(), 3);
        let tracked: Vec<_> =
            engine.tracked("fila", 0).iter().map(|change| keys(change.after.as_slice())).collect();
        assert_eq!(tracked, [[2], [1]]);
    });
}

#[tokio::test]
async fn a_rollback_undoes_rows_triggers_and_locks_but_no_numbers() {
    let server = queue().await;
    server.with(|engine| {
        engine.create(
            "estoque",
            vec![ColumnDef::new("id", Kind::Int), ColumnDef::new("quantidade", Kind::Int)],
        );
        engine.trigger("estoque", |engine, tx, changed| {
            let row = |row: &tds::Row| vec![Value::Null, row[0].clone()];
            engine.insert(tx, "fila", changed.inserted.iter().map(row).collect()).map(drop)
        });
        let tx = engine.begin();
        engine.insert(tx, "estoque", vec![vec![Value::Int(7), Value::Int(1)]]).unwrap();
        engine.rollback(tx);
        let reader = engine.begin();
        assert!(engine.read(reader, "fila", Locks::Wait).unwrap().is_empty());
        assert!(engine.read(reader, "estoque", Locks::Wait).unwrap().is_empty());
        assert_eq!(engine.last_rowversion(), 1);
        let inserted = engine
            .autocommit(|engine, tx| engine.insert(tx, "estoque", vec![vec![Value::Int(8), Value::Int(1)]]));
        assert_eq!(inserted, 1);
        assert_eq!(keys(&engine.read(reader, "fila", Locks::Wait).unwrap()), [8]);
    });
}

#[tokio::test]
async fn a_duplicate_key_is_refused_and_waits_for_who_may_still_undo_it() {
    let server = queue().await;
    server.with(|engine| {
        engine.unique("fila", &["chave"]);
        let row = || vec![vec![Value::Null, Value::Int(1)]];
        let (first, second) = (engine.begin(), engine.begin());
        engine.insert(first, "fila", row()).unwrap();
        assert_eq!(engine.insert(second, "fila", row()), Err(tds::Stop::Blocked(first)));
        engine.commit(first);
        let refused = engine.insert(second, "fila", row());
        assert!(matches!(refused, Err(tds::Stop::Failed(Failure { number: 2627, .. }))));
    });
}

/// Our client closes the connection instead; others do not.
#[tokio::test]
async fn an_attention_ends_a_statement_and_its_locks() {
    use tokio_util::compat::TokioAsyncWriteCompatExt as _;
    let server = queue().await;
    server.with(|engine| {
        engine.autocommit(|engine, tx| engine.insert(tx, "fila", vec![vec![Value::Null, Value::Int(1)]]));
        engine.on("test:delete", |engine, session, _| {
            Ok(Reply::affected(engine.delete(session.tx, "fila", Locks::Wait, |_| true)? as u64))
        });
        let tx = engine.begin();
        engine.lock(tx, "fila", Locks::Wait, |_| true).unwrap();
        engine.on("test:release", move |engine, _, _| {
            engine.commit(tx);
            Ok(Reply::default())
        });
    });
    let mut config = tiberius::Config::new();
    config.database("live");
    config.authentication(tiberius::AuthMethod::sql_server("mare", "tide"));
    config.encryption(tiberius::EncryptionLevel::NotSupported);
    let tcp = tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    let mut client = tiberius::Client::connect(config, tcp.compat_write()).await.unwrap();
    let waiting = client.execute("/*test:delete*/", &[]);
    assert!(timeout(Duration::from_millis(30), waiting).await.is_err());
    timeout(PATIENCE, client.cancel_query()).await.unwrap().unwrap();
    client.execute("/*test:release*/", &[]).await.unwrap();
    assert_eq!(client.execute("/*test:delete*/", &[]).await.unwrap().total(), 1);
}

/// FreeTDS knows nothing of our driver: what both read is TDS.
#[tokio::test]
async fn an_independent_client_reads_the_same() {
    let Ok(tsql) = Command::new("scripts/freetds").output() else {
        panic!("scripts/freetds cannot be run; run the tests from the project's folder");
    };
    if !tsql.status.success() {
        println!("SKIPPED: FreeTDS could not be had: {}", String::from_utf8_lossy(&tsql.stderr));
        assert!(std::env::var_os("CI").is_none(), "CI can install FreeTDS");
        return;
    }
    let tsql = String::from_utf8(tsql.stdout).unwrap().trim().to_owned();
    let certificates = Certificates::for_host("localhost");
    for (encryption, option) in [
        (Encryption::NotSupported, "off"),
        (Encryption::Optional, "request"),
        (Encryption::Required, "require"),
    ] {
        let server = server(encrypting(encryption, &certificates)).await;
        server.with(|engine| {
            engine.on("test:types", |_, _, _| {
                let columns = vec![
                    ColumnDef::new("id", Kind::Guid),
                    ColumnDef::nullable("codigo", Kind::NVarChar(20)),
                    ColumnDef::nullable("preco", Kind::Decimal { precision: 15, scale: 4 }),
                    ColumnDef::nullable("ativo", Kind::Bit),
                    ColumnDef::nullable("texto", Kind::NVarCharMax),
                    ColumnDef::nullable("quando", Kind::DateTime2(3)),
                    ColumnDef::nullable("custo", Kind::Money),
                    ColumnDef::nullable("nada", Kind::Int),
                ];
                let row = vec![
                    Value::Guid(0x6F96_19FF_8B86_D011_B42D_00C0_4FC9_64FF),
                    Value::text("Ção"),
                    Value::Decimal(-123_456),
                    Value::Bit(true),
                    Value::text("x".repeat(9_000)),
                    Value::datetime2("2026-07-01T12:34:56.789", 3),
                    Value::Money(1_234_567),
                    Value::Null,
                ];
                Ok(Reply::rows(columns, vec![row]))
            });
            engine.on("test:fails", |_, _, _| Err(Failure::new(208, 16, "Invalid object name.").into()));
        });
        let text = ask_tsql(
            &tsql,
            server.port(),
            option,
            "/*test:types*/\nGO\n/*test:fails*/\nGO\n/*test:encrypted*/\nGO\nEXIT\n",
        )
        .await;
        for part in
            ["6F9619FF-8B86-D011-B42D-00C04FC964FF", "Ção", "-12.3456", "2026", "123.4567", "NULL", "Msg 208"]
        {
            assert!(text.contains(part), "{option}: '{part}' is not in\n{text}");
        }
        assert!(text.contains(&"x".repeat(9_000)), "{option}: the long text is not whole");
        let encrypted = text.lines().rev().find(|line| ["0", "1"].contains(&line.trim())).map(str::trim);
        // "request" is TLS for the login alone.
        assert_eq!(
            encrypted,
            Some(if encryption == Encryption::Required { "1" } else { "0" }),
            "{option}: {text}"
        );
    }
}

async fn ask_tsql(tsql: &str, port: u16, encryption: &str, input: &str) -> String {
    let folder = TempDir::new().unwrap();
    let text = format!(
        "[double]\nhost = 127.0.0.1\nport = {port}\ntds version = 7.4\nclient charset = UTF-8\nencryption = {encryption}\ntext size = 64512\n"
    );
    let path = folder.path().join("freetds.conf");
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(tsql);
    command
        .args(["-S", "double", "-U", "mare", "-P", "tide", "-D", "live", "-t", "|"])
        .env("FREETDSCONF", &path)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let output = timeout(PATIENCE, asked).await.unwrap().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
