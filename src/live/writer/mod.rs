//! Writing into Live: one connection for each source, transactions, and a mark on each of them.
//!
//! What maré writes itself must not come back as a change of the shop's. So each transaction carries a mark that capture
//! knows, and [`Mark`] says which. Which tables it is left out of is the mapping's business
//! ([`Role::captures_own_writes`](crate::mapping::config::Role::captures_own_writes)): a reservation of ours must reach
//! VTEX like any other.
//!
//! ```text
//!  Writer::begin ─▶ Transaction::fetch, ::execute ... ─▶ ::commit
//!       │              both take a [`Sql`]: one text for both engines, values as parameters only
//!       └ connects if there is no connection, with a pause that grows while that fails
//! ```
//!
//! A transaction that is dropped is rolled back. After [`WriteError::CommitUnknown`] it may have taken effect: what is
//! written must be such that writing it again changes nothing.

mod error;
mod postgres;
mod rights;
mod rows;
mod sql;
mod sqlserver;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::Connect;
use super::sqlserver::SqlServerSettings;
use crate::core::backoff::Backoff;

pub use error::{Violation, WriteError};
pub use rights::{TableRights, grant_script, missing_rights, revoke_script};
pub use rows::Rows;
pub use sql::{Dialect, Sql, Value};

/// The mark of our transactions in the WAL (see [`Mark::Message`]): prefix and content of the message.
pub const MESSAGE_PREFIX: &str = "mare.origin";
/// Who wrote: the content of that message, and of the setting `mare.origin`.
pub const ORIGIN: &str = "mare";
/// What our sessions set as `CONTEXT_INFO` before they write into SQL Server: `mare:own-writes!` in ASCII.
/// `SESSION_CONTEXT` would be clearer and came only with SQL Server 2016.
pub const CONTEXT_MARK: &str = "0x6D6172653A6F776E2D77726974657321";

/// Pauses between attempts to connect.
const RECONNECT: Backoff = Backoff { base: Duration::from_millis(500), max: Duration::from_secs(30) };

/// Gives the connection settings with the password of the moment (it may be rotated).
pub type Login = Arc<dyn Fn() -> anyhow::Result<SqlServerSettings> + Send + Sync>;

/// How capture tells our transactions apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Postgres, slot: a message in the WAL, as the first thing of the transaction. A replication origin would do the same
    /// with more to install and to go wrong: it needs rights of its own, is one for all databases of a server, and a
    /// session that the network has lost keeps it from the next one for as long as the server takes to notice.
    Message,
    /// Postgres, triggers: the setting `mare.origin`, for the transaction.
    Setting,
    /// SQL Server, triggers: `CONTEXT_INFO`, for the session.
    Context,
    /// SQL Server, change tracking: the statement's own context.
    Tracking,
    /// SQL Server, row versions: there is nothing to mark. That what comes back changes nothing is left to values that are
    /// equal to the confirmed ones. Also what is to be captured like a change of the shop's own.
    None,
}

/// Which database is written into.
#[derive(Clone)]
pub enum Target {
    Postgres { connect: Connect, mark: Mark },
    SqlServer { login: Login, mark: Mark },
}

/// Writes into one database of Live. Clones share one connection: their transactions follow one another.
#[derive(Clone)]
pub struct Writer {
    target: Arc<Target>,
    link: Arc<Mutex<Link>>,
}

/// The connection, if there is one, and how often in a row there was none to be had.
#[derive(Default)]
struct Link {
    session: Option<Session>,
    failures: u32,
    again_at: Option<Instant>,
}

enum Session {
    Postgres(postgres::Session),
    SqlServer(sqlserver::Session),
}

/// A transaction of ours, marked as such.
pub struct Transaction {
    link: OwnedMutexGuard<Link>,
    open: Open,
}

enum Open {
    /// The connection is the link's.
    Postgres,
    SqlServer(sqlserver::Open),
    Ended,
}

impl Writer {
    /// Connects with the first transaction.
    pub fn new(target: Target) -> Self {
        Self { target: Arc::new(target), link: Arc::default() }
    }

    pub(super) fn dialect(&self) -> Dialect {
        match *self.target {
            Target::Postgres { .. } => Dialect::Postgres,
            Target::SqlServer { .. } => Dialect::SqlServer,
        }
    }

    /// Begins a marked transaction, after those that others have open. While Live cannot be reached, each attempt comes
    /// after a longer pause, half a minute at most. It is safe to give up waiting.
    ///
    /// # Errors
    /// [`WriteError::Unreachable`], or what the server says to the transaction.
    pub async fn begin(&self) -> Result<Transaction, WriteError> {
        let mut link = Arc::clone(&self.link).lock_owned().await;
        if let Some(at) = link.again_at {
            tokio::time::sleep_until(at).await;
        }
        if link.session.as_ref().is_some_and(Session::is_over) {
            link.session = None;
        }
        if link.session.is_none() {
            link.open(&self.target).await?;
        }
        let begun = match &link.session {
            Some(Session::Postgres(session)) => session.begin().await.map(|()| Open::Postgres),
            Some(Session::SqlServer(session)) => session.begin().await.map(Open::SqlServer),
            None => Err(WriteError::Over),
        };
        match begun {
            Ok(open) => Ok(Transaction { link, open }),
            Err(error) => {
                link.session = None;
                Err(error)
            }
        }
    }
}

impl Link {
    async fn open(&mut self, target: &Target) -> Result<(), WriteError> {
        let opened = match target {
            Target::Postgres { connect, mark } => {
                postgres::Session::open(connect, *mark).await.map(Session::Postgres)
            }
            Target::SqlServer { login, mark } => {
                sqlserver::Session::open(login, *mark).await.map(Session::SqlServer)
            }
        };
        match opened {
            Ok(session) => {
                *self = Self { session: Some(session), ..Self::default() };
                Ok(())
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.again_at = Some(Instant::now() + RECONNECT.delay(self.failures, fastrand::f64()));
                Err(error)
            }
        }
    }
}

impl Session {
    fn is_over(&self) -> bool {
        match self {
            Self::Postgres(session) => session.is_over(),
            // Its task connects anew by itself.
            Self::SqlServer(_) => false,
        }
    }
}

impl Transaction {
    /// The rows of a statement. They are collected: ask for few.
    ///
    /// # Errors
    /// After any error the transaction is over.
    pub async fn fetch(&mut self, sql: &Sql) -> Result<Rows, WriteError> {
        let fetched = match (&self.open, &self.link.session) {
            (Open::Postgres, Some(Session::Postgres(session))) => session.fetch(sql).await,
            (Open::SqlServer(open), _) => open.fetch(sql).await,
            _ => Err(WriteError::Over),
        };
        self.checked(fetched)
    }

    /// How many rows a statement inserted, updated or deleted.
    ///
    /// # Errors
    /// After any error the transaction is over.
    pub async fn execute(&mut self, sql: &Sql) -> Result<u64, WriteError> {
        let executed = match (&self.open, &self.link.session) {
            (Open::Postgres, Some(Session::Postgres(session))) => session.execute(sql).await,
            (Open::SqlServer(open), _) => open.execute(sql).await,
            _ => Err(WriteError::Over),
        };
        self.checked(executed)
    }

    /// Makes it durable in Live.
    ///
    /// # Errors
    /// [`WriteError::CommitUnknown`] when the connection broke meanwhile.
    pub async fn commit(mut self) -> Result<(), WriteError> {
        let open = std::mem::replace(&mut self.open, Open::Ended);
        let committed = match (open, &self.link.session) {
            (Open::Postgres, Some(Session::Postgres(session))) => session.commit().await,
            (Open::SqlServer(open), _) => open.commit().await,
            _ => Err(WriteError::Over),
        };
        if committed.is_err() {
            self.link.session = None;
        }
        committed
    }

    /// Undoes it, and waits until that is done.
    pub async fn rollback(mut self) {
        let open = std::mem::replace(&mut self.open, Open::Ended);
        let undone = match (open, &self.link.session) {
            (Open::Postgres, Some(Session::Postgres(session))) => session.rollback().await,
            (Open::SqlServer(open), _) => open.rollback().await,
            _ => Ok(()),
        };
        if undone.is_err() {
            self.link.session = None; // closing the connection undoes it as well
        }
    }

    /// An error ends the transaction.
    fn checked<T>(&mut self, result: Result<T, WriteError>) -> Result<T, WriteError> {
        if result.is_err() {
            self.abandon();
        }
        result
    }

    /// Undoes it without waiting: by closing the connection, which the server takes for a rollback.
    fn abandon(&mut self) {
        if !matches!(self.open, Open::Ended) {
            self.open = Open::Ended;
            self.link.session = None;
        }
    }
}

impl Drop for Transaction {
    /// It may have been left in the middle of an answer.
    fn drop(&mut self) {
        self.abandon();
    }
}
