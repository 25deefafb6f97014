//! The way into SQL Server against a server of our own, which speaks TDS and can be made to fail.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test")]

#[path = "../support/tds/mod.rs"]
mod tds;

mod double;
mod failures;
mod login;
mod optin;
mod orders;
mod shop;
mod streams;
mod transactions;
mod values;
mod writer;

use std::time::Duration;

use mare::core::row::Cell;
use mare::core::time::Timestamp;
use mare::live::TlsError;
use mare::live::sqlserver::{
    ColumnProblem, ConnectError, Connection, ErrorClass, Param, SqlError, SqlServerSettings, SqlServerTls,
    Statement, Zone, probe_levels, retry_deadlock,
};
use mare::mapping::cell::{self, RowId, oid};
use tds::{
    Certificates, ColumnDef, Encryption, Failure, Fault, Kind, Locks, Options, Reply, ResultSet, Server,
    Value,
};
use tempfile::TempDir;
use tokio::time::timeout;

/// Only a guard against waiting for ever; no test measures time.
const PATIENCE: Duration = Duration::from_secs(30);

fn settings(server: &Server) -> SqlServerSettings {
    let mut settings = SqlServerSettings::new("localhost", "live", "mare");
    settings.port = Some(server.port());
    settings.password = Some("tide".into());
    settings.tls = SqlServerTls::Disable;
    // No test may pass because the server was given up.
    settings.command_timeout_seconds = 10 * PATIENCE.as_secs() as u32;
    settings
}

fn encrypting(encryption: Encryption, certificates: &Certificates) -> Options {
    Options { encryption, certificates: Some(certificates.clone()), ..Options::default() }
}

/// Writes a file that lives as long as the folder.
fn file(folder: &TempDir, text: &str) -> std::path::PathBuf {
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, text).unwrap();
    path
}

fn one() -> Statement {
    Statement::new("/*test:one*/ SELECT 1")
}

/// A server that answers `test:one` with 1 and tells in `test:encrypted` whether the connection is.
async fn server(options: Options) -> Server {
    let server = Server::start(options).await;
    server.with(|engine| {
        engine.on("test:one", |_, _, _| Ok(Reply::scalar("one", Kind::Int, Value::Int(1))));
        engine.on("test:encrypted", |_, session, _| {
            Ok(Reply::scalar("encrypted", Kind::Bit, Value::Bit(session.encrypted)))
        });
    });
    server
}

async fn plain_server() -> (Server, Connection) {
    let server = server(Options::default()).await;
    let connection = Connection::open(settings(&server)).await.unwrap();
    (server, connection)
}

async fn works(connection: &Connection) {
    let fetched = timeout(PATIENCE, connection.fetch(one())).await.unwrap().unwrap();
    assert_eq!(fetched.rows.row(0).unwrap().integer(0), Some(1));
}

async fn is_encrypted(settings: SqlServerSettings) -> bool {
    let connection = Connection::open(settings).await.unwrap();
    works(&connection).await;
    let answer = connection.fetch(Statement::new("/*test:encrypted*/")).await.unwrap();
    answer.rows.row(0).unwrap().flag(0).unwrap()
}

async fn connect_error(settings: SqlServerSettings) -> ConnectError {
    match timeout(PATIENCE, Connection::open(settings)).await.unwrap() {
        Err(SqlError::Connect(error)) => error,
        other => panic!("{other:?}"),
    }
}
