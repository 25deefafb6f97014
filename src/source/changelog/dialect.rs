//! What a database engine must be able to do for the drain.

use crate::core::row::{Cell, Relation};
use crate::core::time::Timestamp;
use crate::mapping::config::Role;
use crate::source::context::with_causes;

/// The number of a change: one space for all change tables of a database.
///
/// Given when the change is written, in ascending order; it becomes visible when its transaction commits,
/// in any order.
pub type ChangeNumber = i64;

/// What happened to a row of Live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// It is there, with these values. The key alone (the others [`Cell::Unchanged`]) has it read again.
    Upsert,
    /// It is no more.
    Delete,
    /// All rows of the table are no more (TRUNCATE).
    Truncate,
    /// A change that the trigger could not write down: the table must be compared.
    Missed,
}

/// One row of a change table.
pub trait ChangeRow: Send {
    fn number(&self) -> ChangeNumber;
    fn op(&self) -> Op;
    /// When the trigger wrote it down.
    fn captured_at(&self) -> Timestamp;
    /// One cell per column of the [`ChangeTable`]'s relation.
    fn cells<'a>(&'a self, table: &ChangeTable, out: &mut Vec<Cell<'a>>);
}

/// A change table, with the table of Live that it belongs to.
#[derive(Debug, Clone)]
pub struct ChangeTable {
    pub role: Role,
    /// The captured table with its mapped columns.
    pub relation: Relation,
    /// Where each of these columns stands among the stored ones; `None`: it is not stored (`form = "key"`).
    pub stored: Vec<Option<usize>>,
}

/// The next rows of one change table.
#[derive(Debug, Clone, Copy)]
pub struct PageAsk {
    /// Its place in [`Dialect::tables`].
    pub table: usize,
    /// Numbers above this one …
    pub after: ChangeNumber,
    /// … up to this one.
    pub bound: ChangeNumber,
    pub limit: usize,
}

/// Which database this is, and which life of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Another one for another server, another database, and (where the engine can tell) for one that was
    /// restored or failed over.
    pub system: String,
    /// Another one since the last `mare install`, and since capture was last switched off or on.
    pub installation: String,
    /// The highest number given so far; none where the engine cannot tell. It never falls, except in a database restored
    /// from a backup.
    pub number: Option<ChangeNumber>,
    /// Whether the triggers are switched on (`mare.control`).
    pub capturing: bool,
}

/// How the installation in Live is.
#[derive(Debug, Clone)]
pub struct Health {
    pub identity: Identity,
    /// Rows that wait in the change tables, counted up to some limit.
    pub waiting: u64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
    /// What keeps changes from being captured: a trigger that is missing or disabled. Each with what to do.
    pub faults: Vec<String>,
    /// Transactions that are open now, by names that no later one has. Where the engine cannot tell: none.
    pub open: Vec<String>,
    /// For each of [`Dialect::tables`]: mapped columns that the table of Live no longer has.
    pub missing: Vec<Vec<String>>,
}

/// Why the drain cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DialectError {
    #[error("{0:#}")]
    Unreachable(anyhow::Error),
    #[error("cannot ask Live: {0}")]
    Refused(String),
    /// Only a person can help.
    #[error("{0}")]
    Blocked(String),
}

impl DialectError {
    pub fn refused(error: impl std::error::Error) -> Self {
        Self::Refused(with_causes(&error))
    }
}

/// Makes connections for the drain.
pub trait Connector: Send + Sync + 'static {
    type Dialect: Dialect;

    /// Connects, takes the lock that keeps a second drain of the same database out, and looks the change
    /// tables up. The lock goes with the connection.
    ///
    /// # Errors
    /// [`DialectError::Blocked`] when another drain has the lock (and who that is), or when nothing is
    /// installed.
    fn connect(&self) -> impl Future<Output = Result<Self::Dialect, DialectError>> + Send;
}

/// One connection of the drain.
pub trait Dialect: Send {
    type Row: ChangeRow;

    fn tables(&self) -> &[ChangeTable];

    /// # Errors
    /// As all below: when Live refuses or the connection breaks.
    fn health(&mut self) -> impl Future<Output = Result<Health, DialectError>> + Send;

    /// A number that no visible change exceeds at this moment, and that every change written from now on
    /// exceeds; 0 when there never was a change.
    fn bound(&mut self) -> impl Future<Output = Result<ChangeNumber, DialectError>> + Send;

    /// The visible rows asked for, ascending by number, without waiting for rows that are locked. One answer
    /// for each that was asked; one that is shorter than its limit says that there are no more.
    fn pages(
        &mut self,
        asked: &[PageAsk],
    ) -> impl Future<Output = Result<Vec<Vec<Self::Row>>, DialectError>> + Send;

    /// Deletes exactly these rows, in a transaction that is committed when this returns.
    fn delete(
        &mut self,
        table: usize,
        numbers: &[ChangeNumber],
    ) -> impl Future<Output = Result<(), DialectError>> + Send;
}
