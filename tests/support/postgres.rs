//! A private, throw-away Postgres server with logical WAL.
//!
//! Found under `/usr/lib/postgresql/*/bin` (the newest) or in the folder named by `MARE_TEST_PG_BIN`; only
//! `initdb` and `postgres` are needed. Runs as the current user, or as `postgres` (`MARE_TEST_PG_USER`)
//! where the tests run as root, which Postgres refuses to be. A small shell script keeps it and ends it
//! together with the test process, however that ends.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test, which is what is wanted")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

/// Superuser of the server and its password (needed over TCP; the Unix socket trusts everybody).
pub const USER: &str = "postgres";
pub const PASSWORD: &str = "maré só de teste";

const KEEPER: &str = include_str!("keeper.sh");
/// A server that does not start or stop within this time is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the server is set up. The default is what most tests want.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Off by default: a test that kills processes does not need it, a bench does.
    pub fsync: bool,
    /// Certificate and key of the server; TLS is offered on TCP then, next to plain text.
    pub tls: Option<Certificate>,
    /// Megabytes of a WAL segment, a power of 2: small ones, so that little WAL is enough to lose a slot.
    pub wal_segment_mib: Option<u32>,
    /// Lines of `pg_hba.conf` before the usual ones, e.g. for a role that logs in another way.
    pub logins: &'static str,
    /// Further lines of `postgresql.conf`, e.g. `("max_slot_wal_keep_size", "64MB")`.
    pub settings: Vec<(&'static str, String)>,
}

/// A certificate authority and a certificate of it for `localhost` and `127.0.0.1`, as PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub authority: String,
    pub certificate: String,
    pub key: String,
}

impl Certificate {
    /// A new authority and a certificate for the given names (DNS names or addresses).
    pub fn for_names(names: &[&str]) -> Self {
        Self::expired_and_renewed(names).1
    }

    /// Of one authority: a certificate whose time is over, and the one that takes its place.
    pub fn expired_and_renewed(names: &[&str]) -> (Self, Self) {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let issue = |expired: bool| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut certificate = rcgen::CertificateParams::new(names.clone()).unwrap();
            if expired {
                certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
                certificate.not_after = rcgen::date_time_ymd(2021, 1, 1);
            }
            let certificate = certificate.signed_by(&key, &issuer).unwrap().pem();
            Self { authority: authority_pem.clone(), certificate, key: key.serialize_pem() }
        };
        (issue(true), issue(false))
    }

    /// For `localhost` and `127.0.0.1`.
    pub fn localhost() -> Self {
        Self::for_names(&["localhost", "127.0.0.1"])
    }
}

/// A running server. Stopped, and its files removed, when dropped or when the process ends.
#[derive(Debug)]
pub struct Cluster {
    keeper: Mutex<Keeper>,
    scratch: PathBuf,
    port: u16,
}

/// A database of a [`Cluster`].
#[derive(Debug, Clone)]
pub struct Database {
    pub name: String,
    pub port: u16,
    socket_folder: PathBuf,
}

/// The server that all tests of this test binary share; each makes its own database in it.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&Options::default()))
}

impl Cluster {
    /// Makes and starts a server.
    ///
    /// # Panics
    /// When no Postgres is installed, or it does not start; the text says what to do.
    pub fn start(options: &Options) -> Self {
        let bin = programs();
        let scratch =
            tempfile::Builder::new().prefix("mare-pg-").tempdir_in(short_temp_folder()).unwrap().keep();
        std::fs::write(scratch.join("password"), PASSWORD).unwrap();
        let owner = owner();
        hand_over(&scratch, owner.as_deref());
        let mut keeper = Keeper::spawn(&bin, &scratch, owner.as_deref());
        let segments = options.wal_segment_mib.map(|size| format!("--wal-segsize={size}"));
        let answer = keeper.order(&format!("init {}", segments.unwrap_or_default()));
        assert_eq!(
            answer,
            "ok",
            "{} failed:\n{}",
            bin.join("initdb").display(),
            read(&scratch.join("initdb.log"))
        );
        let port = free_port();
        configure(&scratch, options, owner.as_deref());
        let cluster = Self { keeper: Mutex::new(keeper), scratch, port };
        cluster.start_server();
        cluster
    }

    /// A standby of `primary`, which must be stopped for this: its files as they are, slots among them. It is not started yet.
    pub fn standby_of(primary: &Self, settings: &[(&str, &str)]) -> Self {
        let scratch =
            tempfile::Builder::new().prefix("mare-pg-").tempdir_in(short_temp_folder()).unwrap().keep();
        let owner = owner();
        let copied =
            Command::new("cp").arg("-a").arg(primary.scratch.join("data")).arg(&scratch).status().unwrap();
        assert!(copied.success());
        std::fs::write(scratch.join("data/standby.signal"), "").unwrap();
        let standby = Self {
            keeper: Mutex::new(Keeper::spawn(&programs(), &scratch, owner.as_deref())),
            port: free_port(),
            scratch,
        };
        let host = primary.scratch.display();
        let primary = format!("host={host} port={} user={USER} dbname=postgres", primary.port);
        standby.set("primary_conninfo", &primary);
        standby.set("unix_socket_directories", &standby.scratch.display().to_string());
        settings.iter().for_each(|(name, value)| standby.set(name, value));
        hand_over(&standby.scratch, owner.as_deref());
        standby
    }

    /// Port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Folder of the Unix socket `.s.PGSQL.<port>`.
    pub fn socket_folder(&self) -> &Path {
        &self.scratch
    }

    /// What the server wrote to its log.
    pub fn log(&self) -> String {
        read(&self.scratch.join("server.log"))
    }

    /// Makes a database; `name` must be new.
    pub async fn create_database(&self, name: &str) -> Database {
        let admin = self.database("postgres").connect().await;
        admin.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await.unwrap();
        self.database(name)
    }

    /// A database that exists.
    pub fn database(&self, name: &str) -> Database {
        Database { name: name.to_owned(), port: self.port, socket_folder: self.scratch.clone() }
    }

    /// Gives the server another certificate; connections that are made from then on see it.
    pub async fn use_certificate(&self, certificate: &Certificate) {
        let data = self.scratch.join("data");
        write_private(&data.join("server.crt"), &certificate.certificate, owner().as_deref());
        write_private(&data.join("server.key"), &certificate.key, owner().as_deref());
        self.database("postgres").connect().await.execute("SELECT pg_reload_conf()", &[]).await.unwrap();
    }

    /// Ends the server as a power cut would: all its processes at once, without a word.
    pub fn kill9(&self) {
        self.order("kill");
    }

    /// Stops the server (if it runs), breaking connections but writing a checkpoint, unless a client blocks
    /// that.
    pub fn stop(&self) {
        self.order("fast");
    }

    /// Starts the server again, after stopping it if it runs. Same port, same data.
    pub fn restart(&self) {
        self.order("fast");
        self.start_server();
    }

    /// Adds a line to `postgresql.conf`; a [`Cluster::restart`] makes it count.
    pub fn set(&self, name: &str, value: &str) {
        let path = self.scratch.join("data/postgresql.conf");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        writeln!(file, "{name} = '{value}'").unwrap();
    }

    fn order(&self, order: &str) -> String {
        // A test that panicked while it held the lock has left the keeper between two orders.
        self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner).order(order)
    }

    /// Starts the server and waits until it takes connections, which `postmaster.pid` says in its eighth
    /// line.
    fn start_server(&self) {
        let started = Instant::now();
        let mut pid = self.order(&format!("start {}", self.port));
        loop {
            let status = read(&self.scratch.join("data/postmaster.pid"));
            let mut lines = status.lines();
            if lines.next() == Some(&*pid) && lines.nth(6).is_some_and(|state| state.trim() == "ready") {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "Postgres does not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
            if self.order("alive") == "no" {
                // After a kill the last process of the old server may still hold its memory.
                let retry = self.log().contains("pre-existing shared memory block is still in use");
                assert!(retry, "Postgres does not start:\n{}", self.log());
                std::thread::sleep(Duration::from_millis(100));
                pid = self.order(&format!("start {}", self.port));
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.keeper.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).end();
    }
}

impl Database {
    /// Over TCP, as superuser.
    pub fn url(&self) -> String {
        self.url_as(USER, PASSWORD)
    }

    /// Over TCP, as somebody else.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let escaped: String = password.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02x}").unwrap();
            text
        });
        format!("postgres://{user}:{escaped}@127.0.0.1:{}/{}", self.port, self.name)
    }

    /// Folder of the Unix socket.
    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// A plain connection as superuser.
    pub async fn connect(&self) -> Client {
        self.try_connect().await.unwrap_or_else(|error| panic!("cannot connect to {}: {error:?}", self.name))
    }

    /// A plain connection as superuser, or why there is none.
    ///
    /// # Errors
    /// While the server is down.
    pub async fn try_connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// The shell script that owns the server.
#[derive(Debug)]
struct Keeper {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    fn spawn(bin: &Path, scratch: &Path, owner: Option<&str>) -> Self {
        let mut command = match owner {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={user}"))
                    .args(["--init-groups", "sh"]);
                command
            }
            None => Command::new("sh"),
        };
        command.args(["-c", KEEPER, "keeper"]).arg(bin).arg(scratch);
        command.current_dir(scratch).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, orders, answers }
    }

    fn order(&mut self, order: &str) -> String {
        writeln!(self.orders.as_mut().unwrap(), "{order}").expect("the keeper of the test server is gone");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    fn end(&mut self) {
        // The end of its input tells it to stop the server and clean up.
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}

fn configure(scratch: &Path, options: &Options, owner: Option<&str>) {
    let data = scratch.join("data");
    let mut settings = format!(
        "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = {}\n\
         wal_level = logical\nmax_wal_senders = 20\nmax_replication_slots = 20\nmax_connections = 100\n\
         password_encryption = 'scram-sha-256'\nlog_min_messages = warning\n",
        scratch.display(),
        if options.fsync { "on" } else { "off" },
    );
    if let Some(tls) = &options.tls {
        write_private(&data.join("server.crt"), &tls.certificate, owner);
        write_private(&data.join("server.key"), &tls.key, owner);
        settings.push_str("ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n");
    }
    for (name, value) in &options.settings {
        writeln!(settings, "{name} = '{value}'").unwrap();
    }
    let mut conf = std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
    conf.write_all(settings.as_bytes()).unwrap();
    let usual = "local all all trust\nlocal replication all trust\n\
                 host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(data.join("pg_hba.conf"), [options.logins, usual].concat()).unwrap();
}

/// Postgres takes a key only when nobody but its own user may read it.
fn write_private(path: &Path, text: &str, owner: Option<&str>) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    hand_over(path, owner);
}

fn hand_over(path: &Path, owner: Option<&str>) {
    let Some(user) = owner else { return };
    let done = Command::new("chown").args(["-R", user]).arg(path).status();
    assert!(done.is_ok_and(|status| status.success()), "cannot give {} to {user}", path.display());
}

/// Whom the server runs as, where that is not ourselves: Postgres refuses to run as root.
fn owner() -> Option<String> {
    let id = Command::new("id").arg("-u").output().expect("`id` belongs to every Unix");
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return None;
    }
    let user = std::env::var("MARE_TEST_PG_USER").unwrap_or_else(|_| "postgres".to_owned());
    let known = Command::new("id").args(["-u", &user]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(
        known.is_ok_and(|status| status.success()),
        "Postgres does not run as root, and there is no user `{user}`; name another one in MARE_TEST_PG_USER"
    );
    Some(user)
}

/// A program of the server's package.
pub fn program(name: &str) -> PathBuf {
    programs().join(name)
}

/// The folder with `initdb` and `postgres`.
fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os("MARE_TEST_PG_BIN").map(PathBuf::from) {
        let complete = folder.join("initdb").exists() && folder.join("postgres").exists();
        assert!(complete, "MARE_TEST_PG_BIN: no initdb and postgres in {}", folder.display());
        return folder;
    }
    let majors = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    majors
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("postgres").exists())
        .max()
        .map(|(_, bin)| bin)
        .expect(
            "these tests need a Postgres server: `apt-get install postgresql`, or name the folder that holds \
             initdb and postgres in MARE_TEST_PG_BIN",
        )
}

/// A socket's whole path has room for 107 bytes, so a long TMPDIR will not do.
fn short_temp_folder() -> PathBuf {
    let folder = std::env::temp_dir();
    if folder.as_os_str().len() < 60 { folder } else { PathBuf::from("/tmp") }
}

/// Free at the moment of asking.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A file as text; nothing while it is not there.
fn read(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
