//! A SQL Server for tests: our own TDS 7.4 over an engine in memory that knows statements by their tag.
//!
//! It proves what the client does with answers, locks and faults; it does not prove T-SQL. A statement is known by the text
//! of its first comment, such as `/*mare:drain.page*/`; what it does is a handler that the test registers:
//!
//! ```ignore
//! let server = Server::start(Options::default()).await;
//! server.with(|engine| {
//!     engine.on("mare:probe", |_, _, _| Ok(Reply::scalar("one", Kind::Int, Value::Int(1))));
//! });
//! ```

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod bytes;
mod certificate;
mod engine;
mod fault;
mod link;
mod login;
mod reply;
mod session;
mod value;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use certificate::Certificates;
pub use engine::{Changed, Engine, Handler, Locks, Outcome, Row, Stop, Tracked, Tx};
pub use fault::Fault;
pub use login::{Encryption, Login};
pub use reply::{ColumnDef, Failure, Reply, ResultSet};
pub use session::Session;
pub use value::{Kind, Value};

/// What the server is like.
#[derive(Clone)]
pub struct Options {
    pub encryption: Encryption,
    /// For encryption; a server without has none.
    pub certificates: Option<Certificates>,
    /// Closes the connection when TLS begins, as a server does that speaks only older versions.
    pub refuses_tls: bool,
    pub user: String,
    pub password: String,
    pub databases: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            encryption: Encryption::NotSupported,
            certificates: None,
            refuses_tls: false,
            user: "mare".to_owned(),
            password: "tide".to_owned(),
            databases: vec!["live".to_owned()],
        }
    }
}

/// A statement as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Text of the first comment; the whole text when it begins with none.
    pub tag: String,
    pub sql: String,
    pub params: Vec<Value>,
}

impl Statement {
    fn new(sql: String, params: Vec<Value>) -> Self {
        let trimmed = sql.trim();
        let tag = trimmed
            .strip_prefix("/*")
            .and_then(|rest| rest.split_once("*/"))
            .map_or(trimmed, |(tag, _)| tag.trim())
            .to_owned();
        Self { tag, sql, params }
    }
}

/// What all connections share.
pub struct Shared {
    options: Options,
    tls: Option<Arc<rustls::ServerConfig>>,
    engine: Mutex<Engine>,
    /// Counts what may let a waiting statement go on.
    changes: watch::Sender<u64>,
    faults: Mutex<HashMap<String, VecDeque<Fault>>>,
    statements: Mutex<Vec<Statement>>,
    logins: watch::Sender<u64>,
    /// What logins are refused with, if they are.
    refusal: Mutex<Option<Failure>>,
    /// How often all connections were closed.
    closed: watch::Sender<u64>,
    open: watch::Sender<u64>,
}

impl Shared {
    /// Works on the engine, and lets waiting statements look again.
    fn with<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> T {
        let done = self.with_quietly(work);
        self.changes.send_modify(|count| *count += 1);
        done
    }

    fn with_quietly<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> T {
        work(&mut self.engine.lock().unwrap())
    }

    /// Remembers a statement, and gives the fault that is meant for it.
    fn note(&self, statement: &Statement) -> Option<Fault> {
        self.statements.lock().unwrap().push(statement.clone());
        self.faults.lock().unwrap().get_mut(&statement.tag).and_then(VecDeque::pop_front)
    }

    fn refuses(&self, login: &Login) -> Option<Failure> {
        let Options { user, password, databases, .. } = &self.options;
        if login.user != *user || login.password != *password {
            return Some(Failure::new(18456, 14, format!("Login failed for user '{}'.", login.user)));
        }
        if !login.database.is_empty() && !databases.contains(&login.database) {
            let text = format!("Cannot open database \"{}\" requested by the login.", login.database);
            return Some(Failure::new(4060, 11, text));
        }
        let refusal = self.refusal.lock().unwrap().clone();
        if refusal.is_none() {
            self.logins.send_modify(|count| *count += 1);
        }
        refusal
    }
}

/// A running server. It ends, with all its connections, when dropped.
pub struct Server {
    shared: Arc<Shared>,
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(options: Options) -> Self {
        let tls = options.certificates.as_ref().map(Certificates::server_config);
        let shared = Arc::new(Shared {
            options,
            tls,
            engine: Mutex::default(),
            changes: watch::Sender::new(0),
            faults: Mutex::default(),
            statements: Mutex::default(),
            logins: watch::Sender::new(0),
            refusal: Mutex::default(),
            closed: watch::Sender::new(0),
            open: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { shared, port, task }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> T {
        self.shared.with(work)
    }

    /// The next answer to a statement with this tag goes wrong. Several faults go to several statements.
    pub fn fault(&self, tag: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().entry(tag.to_owned()).or_default().push_back(fault);
    }

    /// Refuses logins from now on, or no longer: a server that starts, a database in recovery.
    pub fn refuse_logins(&self, failure: Option<Failure>) {
        *self.shared.refusal.lock().unwrap() = failure;
    }

    /// Closes all connections, as a restart or a failover does. What they had not committed is undone.
    pub async fn close_connections(&self) {
        self.shared.closed.send_modify(|count| *count += 1);
        self.until_open(0).await;
    }

    /// All statements so far, those of set-up included.
    pub fn statements(&self) -> Vec<Statement> {
        self.shared.statements.lock().unwrap().clone()
    }

    /// Statements with this tag.
    pub fn statements_of(&self, tag: &str) -> Vec<Statement> {
        self.statements().into_iter().filter(|statement| statement.tag == tag).collect()
    }

    /// Successful logins so far.
    pub fn logins(&self) -> u64 {
        *self.shared.logins.borrow()
    }

    /// Waits until so many connections are open.
    pub async fn until_open(&self, connections: u64) {
        self.shared.open.subscribe().wait_for(|open| *open == connections).await.unwrap();
    }

    /// Waits until a statement with this tag has come.
    pub async fn until_asked(&self, tag: &str) {
        while self.statements_of(tag).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Its end is the end of all connections.
    let mut connections = tokio::task::JoinSet::new();
    for id in 1.. {
        let Ok((tcp, _)) = listener.accept().await else { return };
        tcp.set_nodelay(true).unwrap();
        let shared = Arc::clone(&shared);
        let closed = shared.closed.subscribe();
        shared.open.send_modify(|open| *open += 1);
        connections.spawn(async move {
            // A client that breaks off is what many tests want.
            let _ = session::serve(link::Link::new(tcp), Arc::clone(&shared), id, closed).await;
            shared.open.send_modify(|open| *open -= 1);
        });
    }
}
