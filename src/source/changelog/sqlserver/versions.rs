//! Change tracking and row versions of SQL Server, for the reader of versions.

use std::borrow::Cow;
use std::sync::Arc;

use tracing::warn;

use crate::core::row::{Cell, Column, Relation};
use crate::core::versions::Version;
use crate::live::sqlserver::{
    Connection, ErrorClass, Fetched, Param, Row, RowBuffer, RowStream, SESSION_SETUP, SessionId, SqlError,
    SqlServerSettings, Statement, Transaction,
};
use crate::mapping::config::CapturedTable;

use super::super::dialect::{ChangeTable, DialectError, Op};
use super::super::versions::dialect::{Mode, Part, VersionConnector, VersionHealth, VersionRow, Versions};
use super::statements::{
    COLUMNS, LOCK, LOCK_HOLDER, OPEN_TRANSACTIONS, PROBE, PROBE_FORK, PROBE_HELD_BACK, SESSION,
    TRACKING_VERSION, VERSION_BOUND, first_page, tracking_changes, tracking_minimum, version_page,
};
use super::table::{CaptureTable, ColumnFacts, ColumnRow, Form, TableFacts, plan};

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

impl VersionSession {
    async fn add(&mut self, mut source: Source) -> Result<(), DialectError> {
        source.mode = self.mode;
        if self.mode == Mode::RowVersions && source.version_column.is_none() {
            warn!(
                table = format!("{}.{}", source.table.schema, source.table.table),
                "it has no column of type rowversion: its changes are found only when everything is compared"
            );
            return Ok(());
        }
        // No row; only what the columns are.
        let ask = match self.mode {
            Mode::Tracking => Statement::new(first_page(&source.table)).bind(Param::Int(0)),
            Mode::RowVersions => source.page(0, 0, 0),
        };
        let described = self.ask(ask).await?;
        let key = |name: &str| source.table.key.iter().any(|column| column.name == name);
        let columns = described.rows.columns().iter().skip(source.first_cell_of_description());
        let relation = Relation {
            id: self.tables.len() as u32,
            schema: source.table.schema.as_str().into(),
            table: source.table.table.as_str().into(),
            columns: columns.map(|column| Column { key: key(&column.name), ..column.clone() }).collect(),
        };
        let stored = (0..relation.columns.len()).map(Some).collect();
        self.tables.push(ChangeTable { role: source.table.role, relation, stored });
        self.sources.push(Arc::new(source));
        Ok(())
    }

    /// Asks in this session and no other, inside the round's snapshot if there is one.
    async fn ask(&self, statement: Statement) -> Result<Fetched, DialectError> {
        let statement = statement.only_in(self.session);
        match &self.round {
            Some(round) => round.fetch(statement).await,
            None => self.connection.fetch(statement).await,
        }
        .map_err(failed)
    }

    /// Asks what a server may be unable to say.
    async fn optional(&self, statement: Statement, column: &str) -> Result<Option<i64>, DialectError> {
        let answer = self.ask(statement).await?;
        let row = answer.rows.row(0).ok_or_else(|| refused("the server gave no answer"))?;
        match text_of(row, "motivo") {
            Some(reason) => Err(DialectError::Blocked(format!(
                "the server cannot say up to where changes can be read: {reason}; use another way of capture"
            ))),
            None => Ok(integer_of(row, column)),
        }
    }

    /// Which life of the database this is.
    async fn system(&self) -> Result<String, DialectError> {
        let fork = self.ask(Statement::new(PROBE_FORK)).await?;
        let row = fork.rows.row(0);
        let part = |name| row.and_then(|row| text_of(row, name)).unwrap_or_default();
        Ok(format!("{}/{}/{}", self.name, part("banco"), part("ramo")))
    }

    /// What a transaction holds back that was open at the look before, in words.
    async fn held_back(&mut self) -> Result<Option<String>, DialectError> {
        let answer = self.ask(Statement::new(PROBE_HELD_BACK)).await?;
        let Some(row) = answer.rows.row(0) else { return Ok(None) };
        let numbers = integer_of(row, "ultima").zip(integer_of(row, "ativa"));
        let before = std::mem::replace(&mut self.active, numbers.map(|(_, active)| active));
        if before.is_none() || before != self.active {
            return Ok(None);
        }
        let Some(held) = numbers.map(|(last, active)| last + 1 - active).filter(|held| *held > 0) else {
            return Ok(None);
        };
        let open = self.ask(Statement::new(OPEN_TRANSACTIONS)).await?;
        let whose = open.rows.row(0).filter(|row| integer_of(*row, "sessao").is_some()).map(|row| {
            format!(
                "; the oldest transaction is that of session {} ({} on {}), open for {} s",
                integer_of(row, "sessao").unwrap_or_default(),
                text_of(row, "programa").unwrap_or("?"),
                text_of(row, "maquina").unwrap_or("?"),
                integer_of(row, "segundos").unwrap_or_default()
            )
        });
        Ok(Some(format!("an open transaction holds back {held} row versions{}", whose.unwrap_or_default())))
    }

    async fn page(&mut self) -> Result<Part<VersionedRow>, DialectError> {
        let Reading::Pages { source, after, upto } = std::mem::replace(&mut self.reading, Reading::Nothing)
        else {
            return Ok(Part::End);
        };
        let page = source.page(PAGE_ROWS, after, upto).only_in(self.session);
        let page = match self.connection.fetch(page).await {
            Err(error) if error.class() == ErrorClass::LockTimeout => return Ok(Part::Locked),
            page => page.map_err(failed)?,
        };
        let rows = versioned(&source, page.rows)?;
        let Some(last) = rows.last().map(VersionRow::version) else { return Ok(Part::End) };
        if rows.len() as i64 >= PAGE_ROWS {
            self.reading = Reading::Pages { source, after: last, upto };
        }
        Ok(Part::Rows { rows, read_to: Some(last) })
    }
}

impl Versions for VersionSession {
    type Row = VersionedRow;

    fn tables(&self) -> &[ChangeTable] {
        &self.tables
    }

    async fn health(&mut self) -> Result<VersionHealth, DialectError> {
        let held_back = match self.mode {
            // A commit is numbered when it is made: nothing is held back.
            Mode::Tracking => None,
            Mode::RowVersions => self.held_back().await?,
        };
        Ok(VersionHealth { system: self.system().await?, held_back, faults: Vec::new() })
    }

    async fn begin(&mut self) -> Result<Version, DialectError> {
        if self.snapshots {
            let round = self.connection.begin().await.map_err(failed)?;
            if round.session() != self.session {
                return Err(failed(SqlError::SessionOver));
            }
            self.round = Some(round);
        }
        match self.mode {
            Mode::Tracking => {
                let version = self.optional(Statement::new(TRACKING_VERSION), "versao").await?;
                version.ok_or_else(|| {
                    DialectError::Blocked(
                        "change tracking is off in the database: run `mare install`".to_owned(),
                    )
                })
            }
            Mode::RowVersions => {
                let bound = self.optional(Statement::new(VERSION_BOUND), "limite").await?;
                // The lowest number that may still be open; those below it are settled.
                bound.map(|bound| bound - 1).ok_or_else(|| refused("the server names no lowest row version"))
            }
        }
    }

    async fn minimum(&mut self, table: usize) -> Result<Option<Version>, DialectError> {
        if self.mode == Mode::RowVersions {
            // They stand in the rows and are never cleaned up.
            return Ok(Some(Version::MIN));
        }
        let answer = self.ask(Statement::new(tracking_minimum(&self.sources[table].table))).await?;
        Ok(answer.rows.row(0).and_then(|row| row.integer(0)))
    }

    async fn open(&mut self, table: usize, after: Version, upto: Version) -> Result<(), DialectError> {
        let source = Arc::clone(&self.sources[table]);
        self.reading = match self.mode {
            Mode::RowVersions => Reading::Pages { source, after, upto },
            Mode::Tracking => {
                let changes = Statement::new(tracking_changes(&source.table))
                    .bind(Param::Int(after))
                    .bind(Param::Int(upto))
                    .only_in(self.session);
                let stream = match &self.round {
                    Some(round) => round.query(changes).await,
                    None => self.connection.query(changes).await,
                };
                match stream {
                    Err(error) if error.class() == ErrorClass::LockTimeout && self.round.is_none() => {
                        Reading::Locked
                    }
                    stream => Reading::Stream(source, stream.map_err(failed)?),
                }
            }
        };
        Ok(())
    }

    async fn next(&mut self) -> Result<Part<VersionedRow>, DialectError> {
        let (source, stream) = match &mut self.reading {
            Reading::Stream(source, stream) => (source, stream),
            Reading::Pages { .. } => return self.page().await,
            Reading::Nothing => return Ok(Part::End),
            Reading::Locked => {
                self.reading = Reading::Nothing;
                return Ok(Part::Locked);
            }
        };
        match stream.next().await {
            Ok(Some(rows)) => Ok(Part::Rows { rows: versioned(source, rows)?, read_to: None }),
            Ok(None) => {
                self.reading = Reading::Nothing;
                Ok(Part::End)
            }
            // In a round's snapshot nothing is locked for us, and an error has ended it.
            Err(error) if error.class() == ErrorClass::LockTimeout && self.round.is_none() => {
                self.reading = Reading::Nothing;
                Ok(Part::Locked)
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn end(&mut self) -> Result<(), DialectError> {
        match self.round.take() {
            Some(round) => round.commit().await.map_err(failed),
            None => Ok(()),
        }
    }
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

/// A row in the buffer that it came in.
pub struct VersionedRow {
    source: Arc<Source>,
    rows: Arc<RowBuffer>,
    index: usize,
    version: Version,
}

fn versioned(source: &Arc<Source>, rows: RowBuffer) -> Result<Vec<VersionedRow>, DialectError> {
    let rows = Arc::new(rows);
    let each = rows.rows().enumerate().map(|(index, row)| {
        let version = row.integer(0).ok_or_else(|| refused("a changed row came without its version"))?;
        Ok(VersionedRow { source: Arc::clone(source), rows: Arc::clone(&rows), index, version })
    });
    each.collect()
}

impl VersionedRow {
    fn cell(&self, column: usize) -> Cell<'_> {
        self.rows.row(self.index).map_or(Cell::Null, |row| row.cell(column))
    }
}

impl VersionRow for VersionedRow {
    fn version(&self) -> Version {
        self.version
    }

    fn op(&self) -> Op {
        let deleted = self.source.mode == Mode::Tracking && self.cell(1) == Cell::Text(b"D");
        if deleted { Op::Delete } else { Op::Upsert }
    }

    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        let (first, last) = (self.source.first_cell(), self.rows.columns().len());
        if self.op() == Op::Delete {
            // Nothing is left of it but the key.
            let keys = self.source.table.key.len();
            out.extend(
                (first..last).enumerate().map(
                    |(place, _)| {
                        if place < keys { self.cell(2 + place) } else { Cell::Null }
                    },
                ),
            );
        } else {
            out.extend((first..last).map(|column| self.cell(column)));
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
