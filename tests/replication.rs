//! The replication connection against a real Postgres, one private cluster per test.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use mare::core::position::Position;
use mare::core::row::{Cell, Relation, RowChange};
use mare::core::time::Timestamp;
use mare::live::{ConnectError, PostgresSettings, TlsError, TlsMode, connect};
use mare::source::postgres::pgoutput::{Message, decode};
use mare::source::postgres::slot;
use mare::source::postgres::wire::{Connection, Frame, StartReplication, Stream, WireError};
use tokio::time::timeout;
use tokio_postgres::Client;

use support::postgres::{Certificate, Cluster, Options};

/// Only a guard against waiting for ever; no test measures time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of every role but the superuser.
const PASSWORD: &str = "tide";
/// A role whose password is kept as MD5, and one that is asked for it in clear; everybody else uses SCRAM.
const OLD_LOGINS: &str = "host all with_md5 all md5\nhost all with_clear_text all password\n";

const SCHEMA: &str = "
    create table stock (id int primary key, name text, quantity numeric(9,2), note text);
    create publication mare for table stock;
    alter table stock alter column note set storage external;
    grant select on stock to mare;";

/// All that a stream sent up to a marker, in words.
struct Reader {
    stream: Stream,
    relations: Vec<Relation>,
    log: Vec<String>,
    /// End of the last transaction or message.
    position: Position,
    keepalives: usize,
}

impl Reader {
    fn new(stream: Stream) -> Self {
        Self { stream, relations: Vec::new(), log: Vec::new(), position: Position::ZERO, keepalives: 0 }
    }

    /// Reads until the logical message `marker` has come, and the end of its transaction if it has one.
    async fn until(&mut self, marker: &str) -> Result<Vec<String>, WireError> {
        let mut marked = false;
        timeout(PATIENCE, async {
            loop {
                while let Some(frame) = self.stream.next_frame()? {
                    let Frame::Data { payload, .. } = frame else {
                        self.keepalives += 1;
                        continue;
                    };
                    let mut cells = Vec::new();
                    let message = decode(payload, &mut cells).expect("a message of pgoutput");
                    match message {
                        Message::Logical(message) if message.prefix == marker => {
                            self.position = message.lsn;
                            marked = true;
                            if !message.transactional {
                                return Ok(std::mem::take(&mut self.log));
                            }
                        }
                        Message::Relation { relation, .. } => self.relations.push(relation),
                        Message::Begin(_) => {}
                        Message::Commit(commit) => {
                            self.position = commit.end_lsn;
                            if marked {
                                return Ok(std::mem::take(&mut self.log));
                            }
                        }
                        other => self.log.push(describe(&other, &self.relations)),
                    }
                }
                self.stream.fill().await?;
            }
        })
        .await
        .expect("the stream to go on")
    }
}

fn describe(message: &Message<'_>, relations: &[Relation]) -> String {
    let table = |id: u32| {
        let known = relations.iter().rfind(|relation| relation.id == id);
        known.expect("the relation to come before its rows").table.to_string()
    };
    match message {
        Message::Row { relation, change } => {
            let table = table(*relation);
            match change {
                RowChange::Insert { new } => format!("insert {table} {}", row(new)),
                RowChange::Update { old: None, new } => format!("update {table} {}", row(new)),
                RowChange::Update { old: Some(old), new } => {
                    format!("update {table} {} to {}", row(old), row(new))
                }
                RowChange::Delete { old } => format!("delete {table} {}", row(old)),
            }
        }
        Message::Truncate { relations, cascade, restart_identity } => {
            let tables: Vec<_> = relations.iter().map(table).collect();
            format!("truncate {} cascade={cascade} restart={restart_identity}", tables.join(","))
        }
        Message::Logical(message) => {
            format!("message {} {}", message.prefix, String::from_utf8_lossy(message.content))
        }
        other => format!("{other:?}"),
    }
}

fn row(cells: &[Cell<'_>]) -> String {
    let cell = |cell: &Cell<'_>| match cell {
        Cell::Null => "null".to_owned(),
        Cell::Unchanged => "unchanged".to_owned(),
        Cell::Text(text) if text.len() > 100 => format!("{} bytes", text.len()),
        Cell::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Cell::Binary(bytes) if bytes.len() > 100 => format!("{} bytes", bytes.len()),
        Cell::Binary(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    cells.iter().map(cell).collect::<Vec<_>>().join("|")
}

fn start<'a>(slot: &'a str, binary: bool) -> StartReplication<'a> {
    StartReplication { slot, from: Position::ZERO, publications: &["mare"], binary, messages: true }
}

async fn stream(settings: &PostgresSettings, slot: &str, binary: bool) -> Result<Stream, WireError> {
    Connection::connect(settings).await?.start(&start(slot, binary)).await
}

/// A private cluster with the roles that log in.
struct Server(Cluster);

impl Server {
    async fn start(options: Options) -> Self {
        let server = Self(Cluster::start(&Options { logins: OLD_LOGINS, ..options }));
        let create = |role: &str| format!("create role {role} login replication password '{PASSWORD}'; ");
        let old = "set password_encryption = 'md5'; ";
        let roles = [&create("mare"), old, &create("with_md5"), &create("with_clear_text")].concat();
        server.admin().await.batch_execute(&roles).await.unwrap();
        server
    }

    async fn with_tls(certificate: &Certificate) -> Self {
        Self::start(Options { tls: Some(certificate.clone()), ..Options::default() }).await
    }

    /// A connection of the superuser.
    async fn admin(&self) -> Client {
        self.0.database("postgres").connect().await
    }

    /// The role of the daemon: LOGIN and REPLICATION.
    fn mare(&self) -> PostgresSettings {
        self.settings("mare")
    }

    fn settings(&self, user: &str) -> PostgresSettings {
        let mut settings = PostgresSettings::new("127.0.0.1", "postgres", user);
        settings.port = self.0.port();
        settings.password = Some(PASSWORD.into());
        settings
    }
}

/// A server with the schema, and a connection of its superuser.
async fn prepared() -> (Server, Client) {
    let server = Server::start(Options::default()).await;
    let admin = server.admin().await;
    admin.batch_execute(SCHEMA).await.unwrap();
    (server, admin)
}

async fn create_slot(server: &Server, name: &str) -> Position {
    let mut connection = Connection::connect(&server.mare()).await.unwrap();
    let created = connection.create_slot(name).await.unwrap();
    connection.close().await;
    created.consistent_point
}

async fn mark(admin: &Client, marker: &str) -> Position {
    // Transactional, so that the WAL is flushed with its commit on every version.
    let sql = "select pg_logical_emit_message(true, $1, '')::text";
    admin.query_one(sql, &[&marker]).await.unwrap().get::<_, &str>(0).parse().unwrap()
}

#[tokio::test]
async fn a_login_that_fails_says_why() {
    let server = Server::start(Options::default()).await;
    let good = server.mare();
    let mut connection = Connection::connect(&good).await.unwrap();
    let identity = connection.identify().await.unwrap();
    let client = connect(&good).await.unwrap();
    let sql = "SELECT system_identifier::text FROM pg_control_system()";
    assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, String>(0), identity.system);
    assert_eq!(
        connection.left_timeline_at(1, identity.timeline).await.unwrap(),
        None,
        "it never left its first"
    );
    assert_eq!(identity.database, "postgres");

    let variant = |change: &dyn Fn(&mut PostgresSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        settings
    };
    let wrong = variant(&|settings| settings.password = Some("not-the-one".into()));
    let missing = variant(&|settings| settings.password = None);
    let nowhere = variant(&|settings| settings.database = "nowhere".into());
    let closed = variant(&|settings| settings.port = 1);
    for settings in [&wrong, &missing, &nowhere, &closed] {
        let sql = connect(settings).await.unwrap_err();
        let Err(WireError::Connect(wire)) = Connection::connect(settings).await else { panic!("{sql}") };
        for error in [&sql, &wire] {
            let typed = match error {
                ConnectError::WrongPassword { .. } => settings.password.is_some(),
                ConnectError::PasswordMissing { .. } => settings.password.is_none(),
                ConnectError::NoDatabase { .. } => settings.database == "nowhere",
                ConnectError::Unreachable { .. } => settings.port == 1,
                _ => false,
            };
            assert!(typed, "{error:?}");
            assert!(!format!("{error} {error:?}").contains("not-the-one"));
        }
    }
}

#[tokio::test]
async fn old_passwords_work_and_none_travels_in_clear() {
    let certificate = Certificate::for_names(&["localhost"]);
    let server = Server::with_tls(&certificate).await;
    let log_in = async |user: &str, tls: TlsMode| {
        let mut settings = server.settings(user);
        settings.tls = tls;
        Connection::connect(&settings).await
    };
    assert!(log_in("with_md5", TlsMode::Disable).await.is_ok());
    assert!(log_in("with_clear_text", TlsMode::Require).await.is_ok());
    let refused = log_in("with_clear_text", TlsMode::Disable).await;
    assert!(matches!(refused, Err(WireError::Connect(ConnectError::ClearTextPassword))), "{refused:?}");
}

#[tokio::test]
async fn every_kind_of_change_arrives_as_it_was_written() {
    let (server, admin) = prepared().await;
    create_slot(&server, "as_text").await;
    create_slot(&server, "as_binary").await;
    for statements in [
        "insert into stock values (1, 'maçã', 12.50, repeat('x', 9000)), (2, null, -1, '')",
        "update stock set quantity = 3 where id = 1",
        "update stock set id = 7 where id = 2",
        "begin; delete from stock; select pg_logical_emit_message(true, 'note', 'undone'); rollback",
        "delete from stock where id = 7",
        "begin; select pg_logical_emit_message(true, 'note', 'inside'); commit",
        "begin; select pg_logical_emit_message(false, 'note', 'alone'); rollback",
        "truncate stock restart identity cascade",
    ] {
        admin.batch_execute(statements).await.unwrap();
    }
    mark(&admin, "end").await;

    let mut text = Reader::new(stream(&server.mare(), "as_text", false).await.unwrap());
    let mut expected = [
        "insert stock 1|maçã|12.50|9000 bytes",
        "insert stock 2|null|-1.00|",
        "update stock 1|maçã|3.00|unchanged",
        "update stock 2|null|null|null to 7|null|-1.00|",
        "delete stock 7|null|null|null",
        "message note inside",
        "message note alone",
        "truncate stock cascade=true restart=true",
    ];
    assert_eq!(text.until("end").await.unwrap(), expected);
    let columns: Vec<_> =
        text.relations[0].columns.iter().map(|c| (c.name.as_str(), c.type_oid, c.key)).collect();
    assert_eq!(
        columns,
        [("id", 23, true), ("name", 25, false), ("quantity", 1700, false), ("note", 25, false)]
    );

    let mut binary = Reader::new(stream(&server.mare(), "as_binary", true).await.unwrap());
    expected[0] = "insert stock 00000001|6d61c3a7c3a3|0002000000000002000c1388|9000 bytes";
    expected[1] = "insert stock 00000002|null|00010000400000020001|";
    expected[2] = "update stock 00000001|6d61c3a7c3a3|00010000000000020003|unchanged";
    expected[3] = "update stock 00000002|null|null|null to 00000007|null|00010000400000020001|";
    expected[4] = "delete stock 00000007|null|null|null";
    assert_eq!(binary.until("end").await.unwrap(), expected);
}

#[tokio::test]
async fn what_was_reported_as_flushed_does_not_come_again() {
    let (server, admin) = prepared().await;
    let created = create_slot(&server, "mare").await;
    admin.batch_execute("insert into stock (id) values (1)").await.unwrap();
    let mut reader = Reader::new(stream(&server.mare(), "mare", false).await.unwrap());
    mark(&admin, "first").await;
    assert_eq!(reader.until("first").await.unwrap(), ["insert stock 1|null|null|null"]);

    // A requested reply is a keepalive, without any change.
    let done = reader.position;
    reader.stream.send_status(done, done, done, true, Timestamp(1)).await.unwrap();
    let keepalive = timeout(PATIENCE, async {
        loop {
            if let Some(Frame::Keepalive { end, .. }) = reader.stream.next_frame().unwrap() {
                return end;
            }
            reader.stream.fill().await.unwrap();
        }
    });
    assert!(keepalive.await.unwrap() >= done);

    admin.batch_execute("insert into stock (id) values (2)").await.unwrap();
    reader.stream.stop().await;
    let facts = slot::facts(&admin, "mare").await.unwrap().unwrap();
    assert_eq!(facts.confirmed_flush, Some(done));
    assert!(done > created && facts.active_pid.is_none() && !facts.is_lost());
    assert_eq!((facts.plugin.as_str(), facts.wal_status.as_deref()), ("pgoutput", Some("reserved")));
    assert!(facts.retained_bytes.is_some_and(|bytes| bytes > 0));

    let mut again = Reader::new(stream(&server.mare(), "mare", false).await.unwrap());
    mark(&admin, "second").await;
    assert_eq!(again.until("second").await.unwrap(), ["insert stock 2|null|null|null"]);
}

#[tokio::test]
async fn a_heartbeat_comes_back() {
    let (server, admin) = prepared().await;
    create_slot(&server, "mare").await;
    let mut reader = Reader::new(stream(&server.mare(), "mare", false).await.unwrap());
    let client = connect(&server.mare()).await.unwrap();
    let before = slot::current_position(&client).await.unwrap();
    slot::emit_heartbeat(&client, "mare.heartbeat", "42").await.unwrap();
    drop(admin);
    reader.until("mare.heartbeat").await.unwrap();
    assert!(reader.position >= before);
}

#[tokio::test]
async fn a_slot_that_cannot_be_read_says_why() {
    let (server, admin) = prepared().await;
    let mare = server.mare();
    create_slot(&server, "mare").await;
    let again = Connection::connect(&mare).await.unwrap().create_slot("mare").await;
    assert!(matches!(again, Err(WireError::SlotExists { .. })), "{again:?}");

    let first = stream(&mare, "mare", false).await.unwrap();
    let holder = slot::facts(&admin, "mare").await.unwrap().unwrap().active_pid.unwrap();
    let second = stream(&mare, "mare", false).await;
    let Err(WireError::SlotInUse { pid, .. }) = second else { panic!("{second:?}") };
    assert_eq!(pid, Some(holder.cast_unsigned()));
    let refused = slot::drop_slot(&admin, "mare").await;
    assert!(refused.is_err(), "a slot that is being read cannot be dropped");

    let mut reader = Reader::new(first);
    admin.execute("select pg_terminate_backend($1)", &[&holder]).await.unwrap();
    let ended = reader.until("never").await;
    assert!(matches!(ended, Err(WireError::ServerShutdown(_))), "{ended:?}");

    drop_when_free(&admin, "mare").await;
    let gone = stream(&mare, "mare", false).await;
    assert!(matches!(gone, Err(WireError::SlotMissing { .. })), "{gone:?}");
    assert!(slot::drop_slot(&admin, "mare").await.is_err());
    assert_eq!(slot::facts(&admin, "mare").await.unwrap(), None);
}

/// The server frees a slot a moment after its reader is gone.
async fn drop_when_free(admin: &Client, slot: &str) {
    timeout(PATIENCE, async {
        while slot::drop_slot(admin, slot).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_publication_that_is_missing_is_reported() {
    let (server, admin) = prepared().await;
    create_slot(&server, "mare").await;
    let connection = Connection::connect(&server.mare()).await.unwrap();
    let start = StartReplication { publications: &["another"], ..start("mare", false) };
    let mut reader = Reader::new(connection.start(&start).await.unwrap());
    admin.batch_execute("insert into stock (id) values (1)").await.unwrap();
    let missing = reader.until("never").await;
    assert!(matches!(missing, Err(WireError::PublicationMissing(_))), "{missing:?}");
}

#[tokio::test]
async fn a_slot_that_lost_its_wal_is_recognised() {
    let keep_little = ["max_slot_wal_keep_size", "max_wal_size", "min_wal_size"];
    let settings = keep_little.map(|name| (name, "2MB".to_owned())).to_vec();
    let options = Options { wal_segment_mib: Some(1), settings, ..Options::default() };
    let server = Server::start(options).await;
    let admin = server.admin().await;
    admin.batch_execute(SCHEMA).await.unwrap();
    create_slot(&server, "mare").await;
    for _ in 0..8 {
        admin
            .batch_execute(
                "insert into stock (id, note) select 0, repeat('x', 900000); delete from stock; \
                            select pg_switch_wal(); checkpoint;",
            )
            .await
            .unwrap();
    }
    let facts = slot::facts(&admin, "mare").await.unwrap().unwrap();
    assert!(facts.is_lost(), "{facts:?}");
    let lost = stream(&server.mare(), "mare", false).await;
    assert!(lost.as_ref().is_err_and(WireError::has_lost_changes), "{lost:?}");
}

#[tokio::test]
async fn a_row_larger_than_the_buffer_survives_cancelled_reads() {
    let (server, admin) = prepared().await;
    create_slot(&server, "mare").await;
    admin.batch_execute("insert into stock select 1, 'big', 1, repeat('x', 9000000)").await.unwrap();
    admin
        .batch_execute("insert into stock select g, 'small', 1, '' from generate_series(2, 20000) g")
        .await
        .unwrap();
    mark(&admin, "end").await;
    let mut reader = Reader::new(stream(&server.mare(), "mare", false).await.unwrap());
    // A future that is polled once and dropped must not lose what it has read.
    let mut cancelled = 0;
    for _ in 0..1000 {
        tokio::select! {
            biased;
            read = reader.stream.fill() => drop(read.unwrap()),
            () = std::future::ready(()) => cancelled += 1,
        }
        tokio::task::yield_now().await;
    }
    assert!(cancelled > 0);
    let log = reader.until("end").await.unwrap();
    assert_eq!((log.len(), log[0].as_str()), (20_000, "insert stock 1|big|1.00|9000000 bytes"));
    assert_eq!(log[19_999], "insert stock 20000|small|1.00|");
}

fn pem(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name).with_extension("pem");
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn tls_checks_what_its_mode_promises() {
    let certificate = Certificate::for_names(&["localhost"]);
    let server = Server::with_tls(&certificate).await;
    let other = Certificate::for_names(&["localhost"]);
    let folder = tempfile::tempdir().unwrap();
    let right = pem(folder.path(), "authority", &certificate.authority);
    let wrong = pem(folder.path(), "other", &other.authority);
    let own = pem(folder.path(), "server", &certificate.certificate);
    let with = |host: &str, tls: TlsMode, authority: Option<&PathBuf>| {
        let mut settings = server.mare();
        settings.host = host.to_owned();
        settings.tls = tls;
        settings.ca_file = authority.cloned();
        settings
    };
    use TlsMode::{Prefer, Require, VerifyFull};
    for settings in [
        with("127.0.0.1", Prefer, None),
        with("127.0.0.1", Require, None),
        with("127.0.0.1", Require, Some(&right)),
        with("localhost", VerifyFull, Some(&right)),
        with("localhost", VerifyFull, Some(&own)),
    ] {
        let client = connect(&settings).await.unwrap();
        let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        assert!(client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0), "{settings:?}");
        Connection::connect(&settings).await.unwrap().identify().await.unwrap();
    }
    let wrong_host = with("127.0.0.1", VerifyFull, Some(&right));
    let unknown_authority = with("localhost", VerifyFull, Some(&wrong));
    let unknown_authority_without_name = with("localhost", Require, Some(&wrong));
    for (settings, host) in
        [(wrong_host, true), (unknown_authority, false), (unknown_authority_without_name, false)]
    {
        let sql = connect(&settings).await.unwrap_err();
        let Err(WireError::Connect(wire)) = Connection::connect(&settings).await else {
            panic!("{settings:?}")
        };
        for error in [sql, wire] {
            match error {
                ConnectError::Tls(TlsError::WrongHost(_)) if host => {}
                ConnectError::Tls(TlsError::Untrusted(_)) if !host => {}
                other => panic!("{other:?} for {settings:?}"),
            }
        }
    }
}

#[tokio::test]
async fn without_tls_on_the_server_prefer_goes_on_and_require_stops() {
    let server = Server::start(Options::default()).await;
    let mut settings = server.mare();
    for (mode, works) in [(TlsMode::Disable, true), (TlsMode::Prefer, true), (TlsMode::Require, false)] {
        settings.tls = mode;
        let sql = connect(&settings).await;
        let wire = Connection::connect(&settings).await;
        assert_eq!((sql.is_ok(), wire.is_ok()), (works, works), "{mode:?}");
        if !works {
            assert!(matches!(sql, Err(ConnectError::Tls(TlsError::NotOffered))));
        }
    }
}
