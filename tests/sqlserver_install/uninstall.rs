//! What is removed, and who keeps it from being removed.

use mare::live::sqlserver::{Connection, Param, Statement};
use mare::source::changelog::sqlserver::install::InstallError;
use mare::source::changelog::sqlserver::script;
use mare::source::changelog::sqlserver::session::READER_LOCK;
use mare::source::changelog::sqlserver::statements::LOCK;
use mare::source::changelog::sqlserver::uninstall::{keep_readers_out, uninstall_script};

use crate::facts::{captured, names};
use crate::install::{POLLING, TRACKING, TRIGGERS, sent, server};
use crate::live::{self, Live};
use crate::tds::{Reply, Server};

#[tokio::test]
async fn everything_that_is_there_is_removed() {
    let live = Live::installed();
    let objects = live.objects();
    let (server, connection) = server(live).await;
    for (way, expected) in [
        (TRIGGERS, script::uninstall(&names(), &objects)),
        (TRACKING, script::tracking_uninstall(&names(), &captured())),
        (POLLING, script::rowversion_uninstall(&names())),
    ] {
        let script = uninstall_script(&connection, &live::wanted(way)).await.unwrap();
        assert_eq!(script, expected);
        assert!(sent(&server).is_empty());
    }
}

/// A maré that reads.
async fn reader(server: &Server) -> Connection {
    let reader = live::connection(server);
    reader.fetch(Statement::new(LOCK).bind(Param::text(READER_LOCK))).await.unwrap();
    reader
}

#[tokio::test]
async fn nothing_is_removed_below_a_reader() {
    let (server, connection) = server(Live::installed()).await;
    let reading = reader(&server).await;
    let error = keep_readers_out(&connection, false).await.unwrap_err().to_string();
    assert!(
        error.contains("another maré (mare on CAIXA7) reads the changes: stop `mare run` first"),
        "{error}"
    );
    drop(reading);
    while keep_readers_out(&connection, false).await.is_err() {
        tokio::task::yield_now().await;
    }
    // And no reader begins meanwhile.
    let late = live::connection(&server);
    let refused = keep_readers_out(&late, false).await.unwrap_err();
    assert!(matches!(refused, InstallError::Read(_)));
}

#[tokio::test]
async fn a_reader_is_ended_where_that_is_asked_for() {
    let (server, connection) = server(Live::installed()).await;
    let _reading = reader(&server).await;
    let error = keep_readers_out(&connection, true).await.unwrap_err().to_string();
    assert!(error.contains("have a member of processadmin run KILL 53"), "no right to: {error}");
    server.with(|engine| {
        engine.on("mare:kill", |engine, session, _| {
            assert!(session.sql.contains("KILL 53;"));
            for other in 0..session.id {
                engine.release_app_locks(other);
            }
            engine.release_app_locks(session.id + 1);
            Ok(Reply::default())
        });
    });
    keep_readers_out(&connection, true).await.unwrap();
}

#[tokio::test]
async fn a_reader_that_the_server_does_not_name_is_not_ended() {
    let mut live = Live::installed();
    live.untold.insert("mare:lock.holder");
    let (server, connection) = server(live).await;
    let _reading = reader(&server).await;
    let error = keep_readers_out(&connection, true).await.unwrap_err().to_string();
    assert!(error.contains("VIEW SERVER STATE") && error.contains("stop `mare run`"), "{error}");
    assert!(server.statements_of("mare:kill").is_empty());
}
