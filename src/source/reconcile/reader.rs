//! Reading chunks of rows from Live, whatever database it runs on.

use crate::core::row::{Cell, Relation};
use crate::core::time::Timestamp;
use crate::live::sqlserver::RowBuffer;
use crate::mapping::cell::{RowId, row_id};
use crate::mapping::config::CapturedTable;
use crate::source::context::with_causes;

use super::visibility::{Seen, Watermark};

/// Opens readers: over a connection of their own, with the password of the moment (it may be rotated).
pub trait Engine: Send + Sync + 'static {
    type Reader: Reader;

    /// # Errors
    /// When Live cannot be reached or does not let us in.
    fn open(&self) -> impl Future<Output = Result<Self::Reader, ReadError>> + Send;
}

/// Reads rows of mapped tables.
pub trait Reader: Send {
    /// The chosen rows with the mapped columns of the table, and what the read has seen.
    ///
    /// # Errors
    /// When Live refuses, the connection breaks, or the table is not as mapped; nothing is left open then.
    fn read(
        &mut self,
        table: &CapturedTable,
        rows: &Selection<'_>,
    ) -> impl Future<Output = Result<Taken, ReadError>> + Send;
}

/// Which rows of a table. Columns are named as in Live.
#[derive(Debug, Clone, Copy)]
pub enum Selection<'a> {
    /// The next rows by `key`, in the order of Live.
    Page { key: &'a str, after: Option<&'a RowId>, limit: usize },
    /// The next rows by `key` in which `column` is not before `since`.
    Since { column: &'a str, since: Timestamp, key: &'a str, after: Option<&'a RowId>, limit: usize },
    /// Rows whose `key` is one of `ids`.
    Any { key: &'a str, ids: &'a [RowId] },
    /// Rows with these two values, from after `after` up to `last` by `key`, in the order of [`RowId`]. `ids` are those
    /// in between that matter: where Live has another order, it is asked for them instead.
    Range {
        of: [(&'a str, &'a RowId); 2],
        key: &'a str,
        after: Option<&'a RowId>,
        last: &'a RowId,
        ids: &'a [RowId],
    },
    /// Rows with these two values whose `key` is one of `ids`.
    AnyOf { of: [(&'a str, &'a RowId); 2], key: &'a str, ids: &'a [RowId] },
}

impl Selection<'_> {
    /// A range as the ids that matter in it.
    #[must_use]
    pub(super) const fn by_ids(self) -> Self {
        match self {
            Self::Range { of, key, ids, .. } => Self::AnyOf { of, key, ids },
            other => other,
        }
    }
}

/// What was read, and when.
#[derive(Debug)]
pub struct Taken {
    pub rows: Rows,
    pub seen: Seen,
    /// What the stream must have brought before the rows may come in.
    pub watermark: Watermark,
    /// Live's clock.
    pub read_at: Timestamp,
}

/// A chunk that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0:#}")]
    Unreachable(anyhow::Error),
    #[error("cannot read from Live: {0}")]
    Refused(String),
    #[error("table {table} has no column {columns}: correct [mapping.tables] or the table")]
    NotAsMapped { table: String, columns: String },
}

impl ReadError {
    pub fn refused(error: impl std::error::Error) -> Self {
        Self::Refused(with_causes(&error))
    }
}

/// The cells of one row in the binary form of their types; `None` is null.
pub type Row = Box<[Option<Box<[u8]>>]>;

/// Rows as Live sent them.
#[derive(Debug)]
pub struct Rows {
    pub relation: Relation,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// Of Postgres.
    Rows(Vec<Row>),
    /// Of SQL Server, whose driver has no binary form to offer: mostly text.
    Buffers(Vec<RowBuffer>),
}

impl Rows {
    /// Every row has as many cells as the relation has columns.
    pub fn new(relation: Relation, rows: Vec<Row>) -> Self {
        debug_assert!(rows.iter().all(|row| row.len() == relation.columns.len()), "a cell for each column");
        Self { relation, held: Held::Rows(rows) }
    }

    /// Rows of several results, which all have the relation's columns.
    pub fn buffered(relation: Relation, buffers: Vec<RowBuffer>) -> Self {
        let columns = relation.columns.len();
        debug_assert!(buffers.iter().all(|rows| rows.columns().len() == columns), "a cell for each column");
        Self { relation, held: Held::Buffers(buffers) }
    }

    const fn held(&self) -> (&[Row], &[RowBuffer]) {
        match &self.held {
            Held::Rows(rows) => (rows.as_slice(), &[]),
            Held::Buffers(buffers) => (&[], buffers.as_slice()),
        }
    }

    pub fn len(&self) -> usize {
        let (rows, buffers) = self.held();
        rows.len() + buffers.iter().map(RowBuffer::len).sum::<usize>()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cells of one row after the other.
    pub fn iter(&self) -> impl Iterator<Item = Vec<Cell<'_>>> {
        let (rows, buffers) = self.held();
        let binary = rows.iter().map(|row| row.iter().map(binary).collect());
        binary.chain(buffers.iter().flat_map(RowBuffer::rows).map(|row| row.cells().collect()))
    }

    /// The identities in one column, in order; what is none is left out.
    pub fn ids(&self, column: &str) -> impl DoubleEndedIterator<Item = RowId> {
        let place = self.relation.columns.iter().position(|other| other.name == column);
        let type_oid = place.map_or(0, |index| self.relation.columns[index].type_oid);
        let (rows, buffers) = self.held();
        // There is no cell where there is no such column.
        let place = place.unwrap_or(usize::MAX);
        rows.iter()
            .map(move |row| row.get(place).map_or(Cell::Null, binary))
            .chain(buffers.iter().flat_map(RowBuffer::rows).map(move |row| row.cell(place)))
            .filter_map(move |cell| row_id(cell, type_oid).ok().flatten())
    }
}

fn binary(cell: &Option<Box<[u8]>>) -> Cell<'_> {
    cell.as_deref().map_or(Cell::Null, Cell::Binary)
}
