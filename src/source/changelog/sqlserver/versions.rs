//! Change tracking and row versions of SQL Server, for the reader of versions.

use std::sync::Arc;

use crate::core::versions::Version;
use crate::live::sqlserver::{Connection, Param, RowStream, SessionId, Statement, Transaction};
use crate::mapping::config::CapturedTable;
use crate::source::changelog::dialect::{ChangeTable, DialectError};
use crate::source::changelog::form::Form;
use crate::source::changelog::versions::dialect::{Mode, VersionConnector};

use super::catalog::table_facts;
use super::session::{Login, connection, failed, lock, probe};
use super::statements::version_page;
use super::table::{CaptureTable, plan};

mod row;
mod session;

/// Rows of one page of row versions.
const PAGE_ROWS: i64 = 1_000;

/// How one database is reached, and what is read of it.
pub struct SqlServerVersions {
    pub login: Login,
    pub captured: Vec<CapturedTable>,
    pub mode: Mode,
}

/// One session that holds the lock of the reader.
pub struct VersionSession {
    mode: Mode,
    connection: Connection,
    session: SessionId,
    /// `server/database`
    name: String,
    tables: Vec<ChangeTable>,
    sources: Vec<Arc<Source>>,
    /// The lowest open row version of the look before.
    active: Option<i64>,
    /// Rounds are read in one snapshot each (ALLOW_SNAPSHOT_ISOLATION).
    snapshots: bool,
    round: Option<Transaction>,
    reading: Reading,
}

/// A table as it is read.
struct Source {
    mode: Mode,
    table: CaptureTable,
    /// Of type `rowversion`.
    version_column: Option<String>,
}

enum Reading {
    Nothing,
    /// It was over before it began.
    Locked,
    /// A result without an order.
    Stream(Arc<Source>, RowStream),
    /// Pages by row version: the next one begins above `after`.
    Pages {
        source: Arc<Source>,
        after: Version,
        upto: Version,
    },
}

impl VersionConnector for SqlServerVersions {
    type Versions = VersionSession;

    fn mode(&self) -> Mode {
        self.mode
    }

    async fn connect(&self) -> Result<VersionSession, DialectError> {
        let settings = (self.login)().map_err(DialectError::Unreachable)?;
        let plain = connection(settings.clone(), "");
        let probed = probe(&plain).await?;
        let snapshots = self.mode == Mode::Tracking && probed.snapshots;
        let connection =
            if snapshots { connection(settings, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT;") } else { plain };
        let session = lock(&connection, &probed.name).await?;
        let planned = look_up(&connection, session, &self.captured).await?;
        let mut found = VersionSession {
            mode: self.mode,
            connection,
            session,
            name: probed.name,
            tables: Vec::new(),
            sources: Vec::new(),
            active: None,
            snapshots,
            round: None,
            reading: Reading::Nothing,
        };
        for source in planned {
            found.add(source).await?;
        }
        Ok(found)
    }
}

/// The captured tables as they stand.
async fn look_up(
    connection: &Connection,
    session: SessionId,
    captured: &[CapturedTable],
) -> Result<Vec<Source>, DialectError> {
    let found = table_facts(connection, Some(session), captured).await.map_err(failed)?;
    let planned = plan(captured, &found, "mare", Form::Row)
        .map_err(|obstacles| DialectError::Blocked(obstacles.join("; ")))?;
    let version_column = |table: &CaptureTable| {
        let facts = found.iter().find(|facts| facts.schema == table.schema && facts.table == table.table)?;
        facts.row_version().map(str::to_owned)
    };
    Ok(planned
        .into_iter()
        .map(|table| Source { version_column: version_column(&table), table, mode: Mode::Tracking })
        .collect())
}

impl Source {
    fn page(&self, rows: i64, after: Version, upto: Version) -> Statement {
        let column = self.version_column.as_deref().unwrap_or_default();
        let number = |version: Version| u64::try_from(version).unwrap_or_default();
        Statement::new(version_page(&self.table, column))
            .bind(Param::Int(rows))
            .bind(Param::rowversion(number(after)))
            .bind(Param::rowversion(number(upto).saturating_add(1)))
    }

    /// Where the columns of the table begin in what only describes them.
    const fn first_cell_of_description(&self) -> usize {
        match self.mode {
            Mode::Tracking => 0,
            Mode::RowVersions => 1,
        }
    }

    /// Where they begin in a changed row: behind version, op and the key as it was tracked; or behind the version.
    const fn first_cell(&self) -> usize {
        match self.mode {
            Mode::Tracking => 2 + self.table.key.len(),
            Mode::RowVersions => 1,
        }
    }
}
