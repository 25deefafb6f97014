//! What is sent when something is installed, and what stands against it.

use mare::live::sqlserver::Connection;
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::install::{InstallError, Installation, Way, look, prepare};
use mare::source::changelog::sqlserver::names::batches;
use mare::source::changelog::sqlserver::run::run;
use mare::source::changelog::sqlserver::script::{self, Objects};
use mare::source::changelog::versions::dialect::Mode;

use crate::facts::{captured, column, names, tables};
use crate::live::{self, Live};
use crate::tds::{Failure, Fault, Options, Server};

const PASSWORD: &str = "it's a secret";
pub(crate) const TRIGGERS: Way = Way::Triggers(Form::Row);
pub(crate) const TRACKING: Way = Way::Versions(Mode::Tracking);
pub(crate) const POLLING: Way = Way::Versions(Mode::RowVersions);

pub(crate) async fn server(live: Live) -> (Server, Connection) {
    let server = live::start(live, Options::default()).await;
    let connection = live::connection(&server);
    (server, connection)
}

async fn prepared(connection: &Connection, way: Way) -> Result<Installation, InstallError> {
    let wanted = live::wanted(way);
    prepare(&wanted, look(connection, &wanted).await.unwrap())
}

/// Everything that was sent and is no question.
pub(crate) fn sent(server: &Server) -> Vec<String> {
    let statements = server.statements().into_iter();
    statements
        .filter(|statement| !statement.tag.starts_with("mare:") || statement.tag == "mare:optional")
        .map(|statement| statement.sql)
        .collect()
}

#[tokio::test]
async fn what_is_sent_is_the_script_and_nothing_else() {
    for way in [TRIGGERS, TRACKING, POLLING] {
        let (server, connection) = server(Live::bare()).await;
        let installation = prepared(&connection, way).await.unwrap();
        assert!(sent(&server).is_empty(), "until now it only asked");
        let script = installation.script(Some(PASSWORD));
        let mut planned = tables(Form::Row);
        if way == POLLING {
            for table in &mut planned {
                table.mapped.push(column("versao_linha", "rowversion", false));
            }
        }
        let (shown, expected) = match way {
            TRIGGERS => [None, Some(PASSWORD)]
                .map(|password| script::install(&names(), &planned, &Objects::default(), password))
                .into(),
            TRACKING => [None, Some(PASSWORD)]
                .map(|password| script::tracking_install(&names(), &planned, password))
                .into(),
            Way::Versions(_) => [None, Some(PASSWORD)]
                .map(|password| script::rowversion_install(&names(), &planned, password))
                .into(),
            Way::Triggers(_) => unreachable!("another form"),
        };
        assert_eq!(script, expected, "{way:?}");
        assert!(script.contains("N'it''s a secret'"));
        assert_eq!(installation.script(None), shown, "{way:?}");
        assert!(shown.contains("PASSWORD = N'***'") && !shown.contains("secret"), "{shown}");

        live::take(&server, &script);
        let refused = run(&connection, &script).await.unwrap();
        assert!(refused.is_empty() && installation.login_is_new);
        assert_eq!(sent(&server), batches(&script), "{way:?}");
    }
}

#[tokio::test]
async fn polling_may_read_the_column_that_it_polls() {
    let (_server, connection) = server(Live::bare()).await;
    let script = prepared(&connection, POLLING).await.unwrap().script(None);
    assert_eq!(script.matches("[versao_linha]").count(), captured().len(), "{script}");
}

#[tokio::test]
async fn what_an_earlier_mapping_captured_goes() {
    let mut live = Live::installed();
    let (mut old, mut trigger) = (live.change_tables[0].clone(), live.trigger("preco").clone());
    old.table = "alt_kardex".to_owned();
    trigger.name = "mare_kardex".to_owned();
    live.change_tables.push(old);
    live.triggers.insert("kardex".to_owned(), vec![trigger]);
    let objects = live.objects();
    let (_server, connection) = server(live).await;
    let installation = prepared(&connection, TRIGGERS).await.unwrap();
    assert!(!installation.login_is_new);
    let script = installation.script(None);
    assert_eq!(script, script::install(&names(), &tables(Form::Row), &objects, None));
    assert!(
        script.contains("DROP TRIGGER [live].[mare_kardex]")
            && script.contains("DROP TABLE [mare].[alt_kardex]")
    );
}

#[tokio::test]
async fn babelfish_gets_change_tables_whose_numbers_repeat() {
    let mut live = Live::bare();
    live.description = "Babelfish for PostgreSQL with SQL Server Compatibility - 12.0.2000.8";
    let (_server, connection) = server(live).await;
    let script = prepared(&connection, TRIGGERS).await.unwrap().script(None);
    assert!(script.contains("[mare_capturado_em] datetime2(7)") && !script.contains("UNIQUE CLUSTERED"));
}

type Change = fn(&mut Live);

#[tokio::test]
async fn an_obstacle_is_said_before_anything_is_sent() {
    let cases: &[(Way, Change, &str)] = &[
        (TRIGGERS, |live| live.version = "10.0.1600.22", "2012 (version 11) is the oldest that works"),
        (
            TRIGGERS,
            |live| live.tables.retain(|table| table.table != "preco"),
            "table live.preco does not exist",
        ),
        (TRACKING, |live| live.table("preco").key.clear(), "table live.preco has no primary key"),
        (
            TRIGGERS,
            |live| _ = live.owners.insert("preco".to_owned(), "ana"),
            "ALTER AUTHORIZATION ON OBJECT::[live].[preco] TO [dbo]",
        ),
        (
            TRIGGERS,
            |live| live.schema_owner = Some("ana"),
            "ALTER AUTHORIZATION ON SCHEMA::[mare] TO [dbo], then install again",
        ),
        (
            TRIGGERS,
            |live| {
                *live = Live::installed();
                for table in &mut live.change_tables {
                    for column in table.columns.iter_mut().filter(|column| column.name == "valor") {
                        column.precision = 9;
                    }
                }
            },
            "would be written down as decimal(15, 4), and its change table has decimal(9, 4)",
        ),
        (TRACKING, |live| *live = Live::installed(), "set capture = \"triggers\", run `mare uninstall`"),
        (POLLING, |live| *live = Live::installed(), "set capture = \"triggers\", run `mare uninstall`"),
    ];
    for (way, change, expected) in cases {
        let mut live = Live::bare();
        change(&mut live);
        let (server, connection) = server(live).await;
        let error = prepared(&connection, *way).await.unwrap_err();
        assert!(matches!(error, InstallError::NotReady(_)), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(sent(&server).is_empty());
    }
}

#[tokio::test]
async fn all_obstacles_are_said_at_once() {
    let mut live = Live::bare();
    live.table("preco").key.clear();
    live.table("loja").columns.retain(|column| column.name != "codigo");
    live.schema_owner = Some("ana");
    let (_server, connection) = server(live).await;
    let Err(InstallError::NotReady(obstacles)) = prepared(&connection, TRIGGERS).await else {
        panic!("nothing")
    };
    assert_eq!(obstacles.len(), 3, "{obstacles:#?}");
}

/// A wider text needs nothing: change tables have room.
#[tokio::test]
async fn a_text_that_was_widened_is_no_obstacle() {
    let mut live = Live::installed();
    for code in live.table("loja").columns.iter_mut().filter(|column| column.name == "codigo") {
        code.max_length *= 2;
    }
    let (_server, connection) = server(live).await;
    prepared(&connection, TRIGGERS).await.unwrap();
}

#[tokio::test]
async fn whoever_installs_is_told_what_may_stop_working() {
    let mut live = Live::bare();
    live.modules.push(("saldo", "baixa_estoque"));
    let (_server, connection) = server(live.clone()).await;
    let notes = prepared(&connection, TRIGGERS).await.unwrap().notes;
    assert!(notes.len() == 1 && notes[0].contains("dbo.baixa_estoque name live.estoque_saldo"), "{notes:?}");
    assert!(prepared(&connection, TRACKING).await.unwrap().notes.is_empty(), "tracking fails nothing");
    live.table("preco").columns.retain(|column| column.name != "versao_linha");
    let (_server, connection) = server(live).await;
    let notes = prepared(&connection, POLLING).await.unwrap().notes;
    assert!(
        notes.len() == 1 && notes[0].contains("live.preco has no column of type rowversion"),
        "{notes:?}"
    );
    let mut live = Live::installed();
    live.modules.push(("saldo", "baixa_estoque"));
    let (_server, connection) = server(live).await;
    assert!(prepared(&connection, TRIGGERS).await.unwrap().notes.is_empty(), "it has a trigger already");
}

#[tokio::test]
async fn an_optional_batch_that_is_refused_is_told_and_the_rest_is_done() {
    let (server, connection) = server(Live::bare()).await;
    let script = prepared(&connection, TRIGGERS).await.unwrap().script(Some(PASSWORD));
    live::take(&server, &script);
    server.fault(
        "mare:optional",
        Fault::Fail(Failure::new(102, 15, "Incorrect syntax near 'LOCK_ESCALATION'.")),
    );
    let refused = run(&connection, &script).await.unwrap();
    let [refused] = refused.as_slice() else { panic!("{refused:?}") };
    let told = refused.to_string();
    assert!(told.contains("Many locked rows") && told.contains("LOCK_ESCALATION"), "{told}");
    assert_eq!(sent(&server), batches(&script));
}

#[tokio::test]
async fn a_batch_that_fails_ends_it_without_showing_the_password() {
    let (server, connection) = server(Live::bare()).await;
    let script = prepared(&connection, TRIGGERS).await.unwrap().script(Some(PASSWORD));
    live::take(&server, &script);
    let login = batches(&script).iter().position(|batch| batch.contains("CREATE LOGIN")).unwrap();
    server.fault(
        &live::tag(batches(&script)[login]),
        Fault::Fail(Failure::new(15_247, 16, "User does not have permission to perform this action.")),
    );
    let error = run(&connection, &script).await.unwrap_err();
    assert_eq!(error.number, login + 1);
    let told = format!("{error} {error:?}");
    assert!(told.contains("permission") && !told.contains("secret"), "{told}");
}
