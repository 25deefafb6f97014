//! Reads one chunk of rows from Live, together with what its snapshot sees.

use postgres_types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, IsolationLevel};

use crate::core::position::Position;
use crate::core::row::{Cell, Column, Relation};
use crate::core::time::Timestamp;
use crate::mapping::cell::{RowId, row_id};

use super::visibility::Snapshot;

/// The cells of one row; `None` is null.
type Row = Box<[Option<Box<[u8]>>]>;

/// Rows as Live sent them, in the binary form of their types.
#[derive(Debug)]
pub struct Rows {
    pub relation: Relation,
    rows: Vec<Row>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The cells of one row after the other.
    pub fn iter(&self) -> impl Iterator<Item = Vec<Cell<'_>>> {
        self.rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.as_deref().map_or(Cell::Null, Cell::Binary)).collect())
    }

    /// The identities in one column, in order; what is none is left out.
    pub fn ids(&self, column: usize) -> impl DoubleEndedIterator<Item = RowId> {
        let type_oid = self.relation.columns.get(column).map_or(0, |column| column.type_oid);
        self.rows.iter().filter_map(move |row| {
            let cell = row.get(column)?.as_deref().map_or(Cell::Null, Cell::Binary);
            row_id(cell, type_oid).ok().flatten()
        })
    }
}

/// What was read, and when.
#[derive(Debug)]
pub struct Taken {
    pub rows: Rows,
    pub snapshot: Snapshot,
    /// Every transaction that the snapshot sees was committed before.
    pub high: Position,
    /// Live's clock.
    pub read_at: Timestamp,
}

/// A chunk that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    #[error(transparent)]
    Sql(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Snapshot(#[from] super::visibility::NotASnapshot),
    #[error(transparent)]
    Lsn(#[from] crate::core::position::NotAnLsn),
}

/// Any value, as the bytes that came.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Runs `sql` in a snapshot of its own and tells what that snapshot sees.
///
/// Afterwards a message is written to the WAL in a transaction of its own: its commit lies behind all that
/// the snapshot sees and makes Postgres send the stream up to there, on an idle database too.
///
/// # Errors
/// When Live refuses or the connection breaks; nothing is left open then.
pub async fn read(
    client: &mut Client,
    table: (&str, &str),
    relation_id: u32,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Taken, ChunkError> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let facts = transaction
        .query_one(
            "SELECT pg_current_snapshot()::text, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
            &[],
        )
        .await?;
    let snapshot: Snapshot = facts.try_get::<_, &str>(0)?.parse()?;
    let read_at = Timestamp(facts.try_get(1)?);
    let statement = transaction.prepare(sql).await?;
    let columns = statement
        .columns()
        .iter()
        .map(|column| Column { name: column.name().into(), type_oid: column.type_().oid(), key: false })
        .collect();
    let relation = Relation { id: relation_id, schema: table.0.into(), table: table.1.into(), columns };
    let found = transaction.query(&statement, parameters).await?;
    transaction.commit().await?;

    let mut rows = Vec::with_capacity(found.len());
    for row in found {
        let cells: Result<Box<[_]>, _> = (0..row.len())
            .map(|index| Ok(row.try_get::<_, Option<Raw<'_>>>(index)?.map(|raw| Box::from(raw.0))))
            .collect::<Result<Vec<_>, tokio_postgres::Error>>()
            .map(Vec::into_boxed_slice);
        rows.push(cells?);
    }
    let message =
        client.query_one("SELECT pg_logical_emit_message(true, 'mare-watermark', '')::text", &[]).await?;
    let high = message.try_get::<_, &str>(0)?.parse()?;
    Ok(Taken { rows: Rows { relation, rows }, snapshot, high, read_at })
}
