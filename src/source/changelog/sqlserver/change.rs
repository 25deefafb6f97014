//! Change rows as they came.

use std::sync::Arc;

use crate::core::row::Cell;
use crate::core::time::Timestamp;
use crate::live::sqlserver::RowBuffer;
use crate::mapping::cell::{oid, timestamp};
use crate::source::changelog::dialect::{ChangeNumber, ChangeRow, ChangeTable, DialectError, Op};

use super::session::refused;

/// Before the stored columns come number, op, origin and time.
pub(super) const FIRST_STORED: usize = 4;
const OP: usize = 1;
const CAPTURED_AT: usize = 3;

/// A row of a change table, in the buffer that it came in.
pub struct SqlServerChange {
    rows: Arc<RowBuffer>,
    index: usize,
    number: ChangeNumber,
    /// Only the key counts: it is read again.
    key_only: bool,
}

pub(super) fn changes(rows: RowBuffer, key_only: bool) -> Result<Vec<SqlServerChange>, DialectError> {
    let rows = Arc::new(rows);
    let each = rows.rows().enumerate().map(|(index, row)| {
        let number = row.integer(0).ok_or_else(|| refused("a change row came without its number"))?;
        Ok(SqlServerChange { rows: Arc::clone(&rows), index, number, key_only })
    });
    each.collect()
}

impl SqlServerChange {
    fn cell(&self, column: usize) -> Cell<'_> {
        self.rows.row(self.index).map_or(Cell::Null, |row| row.cell(column))
    }
}

impl ChangeRow for SqlServerChange {
    fn number(&self) -> ChangeNumber {
        self.number
    }

    fn op(&self) -> Op {
        match self.cell(OP) {
            Cell::Text(b"U") => Op::Upsert,
            Cell::Text(b"D") => Op::Delete,
            // What nobody here knows is no reason to lose something.
            _ => Op::Missed,
        }
    }

    fn captured_at(&self) -> Timestamp {
        moment(self.cell(CAPTURED_AT)).unwrap_or(Timestamp(0))
    }

    fn cells<'a>(&'a self, table: &ChangeTable, out: &mut Vec<Cell<'a>>) {
        let upsert = self.op() == Op::Upsert;
        out.extend(table.relation.columns.iter().zip(&table.stored).map(|(column, stored)| {
            match stored.filter(|_| column.key || !self.key_only) {
                Some(index) => self.cell(FIRST_STORED + index),
                None if upsert => Cell::Unchanged,
                None => Cell::Null,
            }
        }));
    }
}

/// A moment that came with its offset.
pub(super) fn moment(cell: Cell<'_>) -> Option<Timestamp> {
    timestamp(cell, oid::TIMESTAMPTZ).ok().flatten()
}
