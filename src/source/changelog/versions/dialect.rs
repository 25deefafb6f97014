//! What a database engine must be able to do for the reader of versions.

use crate::core::row::Cell;
use crate::core::versions::Version;

use super::super::dialect::{ChangeTable, DialectError, Op};

/// How Live numbers its changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By commits, with the keys of deleted rows; cleaned up after some days.
    Tracking,
    /// By a `rowversion` column in each row.
    RowVersions,
}

impl Mode {
    /// Marks of one mode mean nothing to the other.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tracking => "tracking",
            Self::RowVersions => "rowversion",
        }
    }
}

/// How Live is, and which database it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionHealth {
    /// Another one for another server, another database, and (where the engine can tell) for one that was
    /// restored or failed over.
    pub system: String,
    /// What an open transaction holds back, and whose it is.
    pub held_back: Option<String>,
    /// What keeps changes from being seen, each with what to do.
    pub faults: Vec<String>,
}

/// One changed row, as it stands.
pub trait VersionRow: Send {
    fn version(&self) -> Version;
    /// [`Op::Upsert`] or [`Op::Delete`].
    fn op(&self) -> Op;
    /// One cell per column of the [`ChangeTable`]'s relation.
    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>);
}

/// What comes of a stretch.
pub enum Part<R> {
    Rows {
        rows: Vec<R>,
        /// All changes up to here have been given, by this part and those before it. None: they come in no order,
        /// and nothing is complete before the end.
        read_to: Option<Version>,
    },
    /// That was all of it.
    End,
    /// A transaction of the shop has rows locked that must not be passed by. That was all for now.
    Locked,
}

/// Makes connections for the reader.
pub trait VersionConnector: Send + Sync + 'static {
    type Versions: Versions;

    fn mode(&self) -> Mode;

    /// Connects, takes the lock that keeps a second reader of the same database out, and looks the tables up.
    ///
    /// # Errors
    /// [`DialectError::Blocked`] when another reader has the lock, or when a table is not as mapped.
    fn connect(&self) -> impl Future<Output = Result<Self::Versions, DialectError>> + Send;
}

/// One connection of the reader.
pub trait Versions: Send {
    type Row: VersionRow;

    /// In the order in which they depend on each other.
    fn tables(&self) -> &[ChangeTable];

    /// # Errors
    /// As all below: when Live refuses or the connection breaks.
    fn health(&mut self) -> impl Future<Output = Result<VersionHealth, DialectError>> + Send;

    /// Begins a round: the version up to which every change is committed and will be seen.
    fn begin(&mut self) -> impl Future<Output = Result<Version, DialectError>> + Send;

    /// From which mark on the changes of a table are all there; none when they are not kept.
    fn minimum(&mut self, table: usize)
    -> impl Future<Output = Result<Option<Version>, DialectError>> + Send;

    /// Begins to read the changes of a table above `after`, up to and including `upto`.
    fn open(
        &mut self,
        table: usize,
        after: Version,
        upto: Version,
    ) -> impl Future<Output = Result<(), DialectError>> + Send;

    /// The next changes of what was opened.
    fn next(&mut self) -> impl Future<Output = Result<Part<Self::Row>, DialectError>> + Send;

    /// Ends the round.
    fn end(&mut self) -> impl Future<Output = Result<(), DialectError>> + Send;
}
