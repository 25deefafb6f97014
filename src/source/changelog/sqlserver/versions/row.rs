//! Changed rows as they came.

use std::sync::Arc;

use crate::core::row::Cell;
use crate::core::versions::Version;
use crate::live::sqlserver::RowBuffer;
use crate::source::changelog::dialect::{DialectError, Op};
use crate::source::changelog::versions::dialect::{Mode, VersionRow};

use super::super::session::refused;
use super::Source;

/// A row in the buffer that it came in.
pub struct VersionedRow {
    source: Arc<Source>,
    rows: Arc<RowBuffer>,
    index: usize,
    version: Version,
}

pub(super) fn versioned(source: &Arc<Source>, rows: RowBuffer) -> Result<Vec<VersionedRow>, DialectError> {
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
