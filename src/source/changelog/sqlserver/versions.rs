//! Change tracking and row versions of SQL Server, for the reader of versions.

use std::borrow::Cow;
use std::sync::Arc;

use crate::core::versions::Version;
use crate::live::sqlserver::{
    Connection, ErrorClass, Fetched, Param, Row, RowStream, SESSION_SETUP, SessionId, SqlError,
    SqlServerSettings, Statement, Transaction,
};
use crate::mapping::config::CapturedTable;
use crate::source::changelog::dialect::{ChangeTable, DialectError};
use crate::source::changelog::versions::dialect::{Mode, VersionConnector};

use super::statements::{COLUMNS, LOCK, LOCK_HOLDER, PROBE, SESSION, version_page};
use super::table::{CaptureTable, ColumnFacts, ColumnRow, Form, TableFacts, plan};

mod row;
mod session;

/// The lock of the one reader that a database may have, whatever the mode.
pub const READER_LOCK: &str = "mare";

/// Rows of one page of row versions.
const PAGE_ROWS: i64 = 1_000;

/// Gives the connection settings with the password of the moment (it may be rotated).
pub type Login = Arc<dyn Fn() -> anyhow::Result<SqlServerSettings> + Send + Sync>;

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
        let plain = Connection::lazy(settings.clone(), format!("{SESSION_SETUP}\n{SESSION}"));
        let probed = first(&plain, Statement::new(PROBE)).await?;
        let row =
            probed.rows.row(0).ok_or_else(|| refused("the server does not say which database this is"))?;
        let name = format!(
            "{}/{}",
            text_of(row, "servidor").unwrap_or_default(),
            text_of(row, "banco").unwrap_or_default()
        );
        let snapshots = self.mode == Mode::Tracking && integer_of(row, "isolamento_snapshot") == Some(1);
        let connection = if snapshots {
            let snapshot = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT;";
            Connection::lazy(settings, format!("{SESSION_SETUP}\n{SESSION}\n{snapshot}"))
        } else {
            plain
        };
        let session = lock(&connection, &name).await?;
        let planned = look_up(&connection, session, &self.captured).await?;
        let mut found = VersionSession {
            mode: self.mode,
            connection,
            session,
            name,
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

/// Two readers of one database would each store marks of their own, and both would burden the shop.
async fn lock(connection: &Connection, database: &str) -> Result<SessionId, DialectError> {
    let taken = first(connection, Statement::new(LOCK).bind(Param::text(READER_LOCK))).await?;
    let result = taken.rows.row(0).and_then(|row| row.integer(0));
    if result.is_some_and(|result| result >= 0) {
        return Ok(taken.session);
    }
    let holder = first(connection, Statement::new(LOCK_HOLDER)).await.ok();
    let holder = holder.as_ref().and_then(|holder| holder.rows.row(0)).and_then(|row| {
        Some(format!("{} on {}", text_of(row, "programa")?, text_of(row, "maquina").unwrap_or("?")))
    });
    Err(DialectError::Blocked(format!(
        "database '{database}' is read by another maré ({}); stop that one",
        holder.as_deref().unwrap_or("the server does not say where")
    )))
}

/// The captured tables as they stand.
async fn look_up(
    connection: &Connection,
    session: SessionId,
    captured: &[CapturedTable],
) -> Result<Vec<Source>, DialectError> {
    let mut found = Vec::new();
    for wanted in captured {
        let ask = Statement::new(COLUMNS)
            .bind(Param::text(wanted.schema.clone()))
            .bind(Param::text(wanted.table.clone()))
            .only_in(session);
        let columns = first(connection, ask).await?;
        let rows = columns.rows.rows().map(column_row).collect();
        found.extend(TableFacts::gather(&wanted.schema, &wanted.table, rows));
    }
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

fn column_row(row: Row<'_>) -> ColumnRow {
    let number = |name| integer_of(row, name).unwrap_or_default();
    let column = ColumnFacts {
        name: text_of(row, "coluna").unwrap_or_default().to_owned(),
        data_type: text_of(row, "tipo").unwrap_or_default().to_lowercase(),
        max_length: i16::try_from(number("tamanho")).unwrap_or(-1),
        precision: u8::try_from(number("precisao")).unwrap_or_default(),
        scale: u8::try_from(number("escala")).unwrap_or_default(),
        nullable: number("aceita_nulo") != 0,
        computed: number("calculada") != 0,
        collation: text_of(row, "ordenacao").map(str::to_owned),
    };
    let place = |name| integer_of(row, name).and_then(|number| i32::try_from(number).ok());
    ColumnRow { column, place: place("indice").zip(place("ordem")) }
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

async fn first(connection: &Connection, statement: Statement) -> Result<Fetched, DialectError> {
    connection.fetch(statement).await.map_err(failed)
}

fn failed(error: SqlError) -> DialectError {
    match error {
        SqlError::Connect(error) => DialectError::Unreachable(error.into()),
        error if error.class() == ErrorClass::NeedsPerson => DialectError::Blocked(error.to_string()),
        error => DialectError::refused(error),
    }
}

fn refused(text: impl Into<Cow<'static, str>>) -> DialectError {
    DialectError::Refused(text.into().into_owned())
}

/// The place of a column by its name.
fn place(row: Row<'_>, name: &str) -> Option<usize> {
    row.columns().iter().position(|column| column.name == name)
}

fn text_of<'a>(row: Row<'a>, name: &str) -> Option<&'a str> {
    row.text(place(row, name)?)
}

fn integer_of(row: Row<'_>, name: &str) -> Option<i64> {
    row.integer(place(row, name)?)
}
