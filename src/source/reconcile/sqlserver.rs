//! Reads chunks from SQL Server.
//!
//! No snapshot tells what a chunk has seen, so the stream counts as newer (see [`Watermark::NextRound`]). Where the
//! database reads by locks, a row that a transaction of the shop has open is waited for, and then read as it was
//! committed; it is never passed by, because stock without a row is no stock.

use std::sync::Arc;
use std::time::Duration;

use tracing::debug;

use crate::core::row::{Column, Relation};
use crate::core::time::Timestamp;
use crate::live::sqlserver::{Connection, ErrorClass, Param, Row, RowBuffer, SqlError, Statement};
use crate::mapping::cell::{RowId, timestamp};
use crate::mapping::config::CapturedTable;
use crate::source::changelog::form::Form;
use crate::source::changelog::sqlserver::catalog::table_facts;
use crate::source::changelog::sqlserver::session::{Login, connection};
use crate::source::changelog::sqlserver::statements::{
    CLOCK, KEYS_MAX, by_keys, by_keys_within, keys_padded, page, page_since, range_within,
};
use crate::source::changelog::sqlserver::table::{CaptureTable, ColumnFacts, plan};

use super::reader::{Engine, ReadError, Reader, Rows, Selection, Taken};
use super::visibility::{Seen, Watermark};

/// Rows of a load are announced under a number that no table of Live has beside the stream's.
const RELATION_ID: u32 = u32::MAX;

/// How often a read is tried that runs into locks, ends a deadlock or loses its connection. Each time it waits for locks
/// as long as the session's LOCK_TIMEOUT says; after that the loader comes back to it later.
const ATTEMPTS_MAX: u32 = 3;

/// The pause before the second attempt; before the third it is twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// The way to Live for those who load.
pub struct SqlServerEngine {
    pub login: Login,
}

impl Engine for SqlServerEngine {
    type Reader = SqlServerReader;

    async fn open(&self) -> Result<SqlServerReader, ReadError> {
        let settings = (self.login)().map_err(ReadError::Unreachable)?;
        let connection = connection(settings, "");
        connection.session().await.map_err(failed)?;
        Ok(SqlServerReader { connection, tables: Vec::new() })
    }
}

/// One connection that reads chunks. It comes back by itself when it breaks.
pub struct SqlServerReader {
    connection: Connection,
    /// As they were found, which they are as long as no statement fails because of it.
    tables: Vec<(CapturedTable, Arc<CaptureTable>)>,
}

impl Reader for SqlServerReader {
    async fn read(&mut self, table: &CapturedTable, rows: &Selection<'_>) -> Result<Taken, ReadError> {
        let known = self.tables.iter().find(|(captured, _)| captured == table);
        if let Some((_, found)) = known {
            let asked = Asked::of(found, rows)?;
            match self.take(found, &asked).await {
                Err(error) if is_about_names(&error) => debug!(%error, "the table is looked up again"),
                taken => return taken.map_err(failed),
            }
        }
        let found = self.look_up(table).await?;
        let asked = Asked::of(&found, rows)?;
        self.take(&found, &asked).await.map_err(failed)
    }
}

impl SqlServerReader {
    async fn look_up(&mut self, table: &CapturedTable) -> Result<Arc<CaptureTable>, ReadError> {
        self.tables.retain(|(captured, _)| captured != table);
        let captured = std::slice::from_ref(table);
        let facts = table_facts(&self.connection, None, captured).await.map_err(failed)?;
        let missing = facts.first().map(|facts| facts.missing(table)).unwrap_or_default();
        if !missing.is_empty() {
            return Err(not_as_mapped(&table.schema, &table.table, &missing.join(", ")));
        }
        // What cannot be captured is not loaded either; the name of our schema does not matter here.
        let planned = plan(captured, &facts, "mare", Form::Row);
        let planned = planned.map_err(|obstacles| ReadError::Refused(obstacles.join("; ")))?;
        let found = planned.into_iter().next().map(Arc::new);
        let found = found.ok_or_else(|| ReadError::Refused(format!("table {} is not there", table.table)))?;
        self.tables.push((table.clone(), Arc::clone(&found)));
        Ok(found)
    }

    /// Waits for those who have the rows locked, within bounds.
    async fn take(&self, table: &CaptureTable, asked: &Asked<'_>) -> Result<Taken, SqlError> {
        let mut attempt = 1;
        loop {
            match self.take_once(table, asked).await {
                Err(error) if passes(&error) && attempt < ATTEMPTS_MAX => {
                    debug!(table = table.table, %error, "a chunk is read again");
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                taken => return taken,
            }
        }
    }

    async fn take_once(&self, table: &CaptureTable, asked: &Asked<'_>) -> Result<Taken, SqlError> {
        // Before the rows, which are then at least as new as the clock says.
        let clock = self.connection.fetch(Statement::new(CLOCK)).await?;
        let read_at = clock.rows.row(0).and_then(moment);
        let read_at = read_at.ok_or_else(|| SqlError::Protocol("the server's clock".to_owned()))?;
        let mut buffers: Vec<RowBuffer> = Vec::new();
        for statement in &asked.statements {
            buffers.push(self.connection.fetch(statement.clone()).await?.rows);
        }
        if let Some(ties) = asked.ties
            && let Some(last) = buffers.first().and_then(|page| ties.last_of(page))
        {
            let statement = Statement::new(by_keys(table, ties.column, 1)).bind(Param::text(last.to_owned()));
            buffers.push(self.connection.fetch(statement).await?.rows);
        }
        let columns = buffers.first().map(RowBuffer::columns).unwrap_or_default();
        let rows = Rows::buffered(relation(table, columns), buffers);
        Ok(Taken { rows, seen: Seen::Unknown, watermark: Watermark::NextRound, read_at })
    }
}

/// What a selection is asked with.
struct Asked<'a> {
    statements: Vec<Statement>,
    ties: Option<Ties<'a>>,
}

/// Of pages by a column that several rows may share: a full page may end in the midst of them, and the next one begins
/// behind them all. So all of the last ones are read once more.
#[derive(Clone, Copy)]
struct Ties<'a> {
    column: &'a ColumnFacts,
    limit: usize,
}

impl Ties<'_> {
    /// What a full page ends with.
    fn last_of<'b>(&self, page: &'b RowBuffer) -> Option<&'b str> {
        let place = page.columns().iter().position(|column| column.name == self.column.name)?;
        let last = page.len().checked_sub(1).filter(|_| page.len() >= self.limit)?;
        page.row(last)?.text(place)
    }
}

impl<'a> Asked<'a> {
    fn of(table: &'a CaptureTable, selection: &Selection<'_>) -> Result<Self, ReadError> {
        let column = |name: &str| column(table, name);
        let selection = match *selection {
            // Other types are ordered by rules of the server's own.
            Selection::Range { key, .. } if !column(key)?.is_integer() => selection.by_ids(),
            other => other,
        };
        let mut ties = None;
        let statements = match selection {
            Selection::Page { key, after, limit } => {
                let column = column(key)?;
                let is_key = table.key.len() == 1 && table.key[0].name == column.name;
                ties = (!is_key).then_some(Ties { column, limit });
                let limit = Param::Int(i64::try_from(limit).unwrap_or(i64::MAX));
                let statement = Statement::new(page(table, column, after.is_none())).bind(limit);
                vec![statement.bind_all(after.map(param))]
            }
            Selection::Since { column: date, since, key, after, limit } => {
                let text = page_since(table, column(key)?, column(date)?, after.is_none());
                let limit = Param::Int(i64::try_from(limit).unwrap_or(i64::MAX));
                let statement = Statement::new(text).bind(limit).bind(Param::text(since.to_string()));
                vec![statement.bind_all(after.map(param))]
            }
            Selection::Any { key, ids } => {
                let column = column(key)?;
                by_parts(table, column, ids, |count| Statement::new(by_keys(table, column, count)))
            }
            Selection::Range { of: [(a, left), (b, right)], key, after, last, .. } => {
                let text = range_within(table, [column(a)?, column(b)?], column(key)?, after.is_none());
                let ends = after.into_iter().chain([last]);
                vec![Statement::new(text).bind_all([left, right].into_iter().chain(ends).map(param))]
            }
            Selection::AnyOf { of: [(a, left), (b, right)], key, ids } => {
                let (fixed, column) = ([column(a)?, column(b)?], column(key)?);
                by_parts(table, column, ids, |count| {
                    let text = by_keys_within(table, fixed, column, count);
                    Statement::new(text).bind_all([left, right].map(param))
                })
            }
        };
        Ok(Self { statements, ties })
    }
}

/// As many statements as it takes to name all ids, of which `statement` leaves `count` to be bound.
fn by_parts(
    table: &CaptureTable,
    column: &ColumnFacts,
    ids: &[RowId],
    statement: impl Fn(usize) -> Statement,
) -> Vec<Statement> {
    let part = |part: &[RowId]| {
        let count = keys_padded(part.len()).unwrap_or(part.len());
        let padding = part.last().into_iter().cycle();
        statement(count).bind_all(part.iter().chain(padding).take(count).map(param))
    };
    if ids.is_empty() {
        // Only to learn what the columns are.
        return vec![Statement::new(page(table, column, true)).bind(Param::Int(0))];
    }
    ids.chunks(KEYS_MAX).map(part).collect()
}

fn param(id: &RowId) -> Param {
    Param::text(id.to_string())
}

fn column<'a>(table: &'a CaptureTable, name: &str) -> Result<&'a ColumnFacts, ReadError> {
    let found = table.columns().find(|column| column.name == name);
    found.ok_or_else(|| not_as_mapped(&table.schema, &table.table, name))
}

fn relation(table: &CaptureTable, columns: &[Column]) -> Relation {
    Relation {
        id: RELATION_ID,
        schema: table.schema.as_str().into(),
        table: table.table.as_str().into(),
        columns: columns.to_vec(),
    }
}

fn moment(row: Row<'_>) -> Option<Timestamp> {
    timestamp(row.cell(0), row.columns().first()?.type_oid).ok().flatten()
}

/// Whether the table is no longer as it was found: it has no such column (207) or is not there (208).
const fn is_about_names(error: &SqlError) -> bool {
    matches!(error, SqlError::Server(error) if matches!(error.number, 207 | 208))
}

/// Whether the same read can succeed in a moment.
const fn passes(error: &SqlError) -> bool {
    matches!(error, SqlError::Broken(_))
        || matches!(error.class(), ErrorClass::LockTimeout | ErrorClass::Deadlock)
}

fn failed(error: SqlError) -> ReadError {
    match error {
        SqlError::Connect(error) => ReadError::Unreachable(error.into()),
        error => ReadError::refused(error),
    }
}

fn not_as_mapped(schema: &str, table: &str, columns: &str) -> ReadError {
    ReadError::NotAsMapped { table: format!("{schema}.{table}"), columns: columns.to_owned() }
}
