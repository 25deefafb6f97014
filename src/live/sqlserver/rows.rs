//! Rows of a result in one block of bytes.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tiberius::ColumnData;

use crate::core::row::{Cell, Column};

use super::column::{ColumnError, ColumnProblem};
use super::decode::{Appended, append};

/// Where a cell ends in the bytes of its buffer, and what it is.
#[derive(Debug, Clone, Copy)]
struct CellEnd {
    end: u32,
    kind: Appended,
}

/// Rows that own their bytes: one block for all values, one for where they end. Cells borrow from it.
#[derive(Debug, Clone)]
pub struct RowBuffer {
    columns: Arc<[Column]>,
    bytes: Vec<u8>,
    cells: Vec<CellEnd>,
}

impl RowBuffer {
    pub(super) const fn new(columns: Arc<[Column]>) -> Self {
        Self { columns, bytes: Vec::new(), cells: Vec::new() }
    }

    /// These rows; what follows goes into a new buffer of the same columns.
    pub(super) fn take(&mut self) -> Self {
        let empty = Self {
            columns: Arc::clone(&self.columns),
            bytes: Vec::with_capacity(self.bytes.len()),
            cells: Vec::with_capacity(self.cells.len()),
        };
        std::mem::replace(self, empty)
    }

    /// Appends a row; after an error the buffer is as before.
    pub(super) fn push(
        &mut self,
        row: impl Iterator<Item = ColumnData<'static>>,
        zone: &TimeZone,
    ) -> Result<(), ColumnError> {
        let before = (self.bytes.len(), self.cells.len());
        let pushed = self.push_cells(row, zone);
        if pushed.is_err() {
            self.bytes.truncate(before.0);
            self.cells.truncate(before.1);
        }
        pushed
    }

    fn push_cells(
        &mut self,
        mut row: impl Iterator<Item = ColumnData<'static>>,
        zone: &TimeZone,
    ) -> Result<(), ColumnError> {
        for column in &*self.columns {
            let value = row.next().ok_or(ColumnProblem::Unexpected);
            let appended = value.and_then(|value| {
                let kind = append(&value, zone, &mut self.bytes)?;
                let end = u32::try_from(self.bytes.len()).map_err(|_| ColumnProblem::TooLarge)?;
                Ok(CellEnd { end, kind })
            });
            let cell =
                appended.map_err(|problem| ColumnError { column: column.name.as_str().into(), problem })?;
            self.cells.push(cell);
        }
        Ok(())
    }

    /// The columns of every row, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn shared_columns(&self) -> Arc<[Column]> {
        Arc::clone(&self.columns)
    }

    /// How many rows there are. A result without columns has none.
    pub fn len(&self) -> usize {
        self.cells.len().checked_div(self.columns.len()).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Bytes of all values.
    pub fn value_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The row at `index`, counted from 0.
    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        (index < self.len()).then_some(Row { buffer: self, first: index * self.columns.len() })
    }

    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> + DoubleEndedIterator {
        (0..self.len()).map(|index| Row { buffer: self, first: index * self.columns.len() })
    }

    /// Puts the rows of `other`, which has the same columns, after these.
    pub(super) fn append(&mut self, other: &Self) -> Result<(), ColumnError> {
        let shift = self.bytes.len();
        let too_large =
            || ColumnError { column: "all rows together".into(), problem: ColumnProblem::TooLarge };
        let total = u32::try_from(shift + other.bytes.len()).map_err(|_| too_large())?;
        let shift = total - other.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes);
        self.cells.extend(other.cells.iter().map(|cell| CellEnd { end: cell.end + shift, kind: cell.kind }));
        Ok(())
    }
}

/// A row of a [`RowBuffer`].
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    buffer: &'a RowBuffer,
    /// Index of its first cell.
    first: usize,
}

impl<'a> Row<'a> {
    pub fn columns(&self) -> &'a [Column] {
        &self.buffer.columns
    }

    /// The cell of a column, counted from 0. `Null` beyond the last one.
    pub fn cell(&self, column: usize) -> Cell<'a> {
        if column >= self.buffer.columns.len() {
            return Cell::Null;
        }
        let index = self.first + column;
        let start = index.checked_sub(1).map_or(0, |before| self.buffer.cells[before].end);
        let CellEnd { end, kind } = self.buffer.cells[index];
        let value = &self.buffer.bytes[start as usize..end as usize];
        match kind {
            Appended::Null => Cell::Null,
            Appended::Text => Cell::Text(value),
            Appended::Binary => Cell::Binary(value),
        }
    }

    pub fn cells(self) -> impl ExactSizeIterator<Item = Cell<'a>> {
        (0..self.buffer.columns.len()).map(move |column| self.cell(column))
    }

    /// A whole number; none for null and for what is no whole number.
    pub fn integer(&self, column: usize) -> Option<i64> {
        match self.cell(column) {
            Cell::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// Text as it is, with padding; none for null.
    pub fn text(&self, column: usize) -> Option<&'a str> {
        match self.cell(column) {
            Cell::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// `bit`; none for null.
    pub fn flag(&self, column: usize) -> Option<bool> {
        match self.cell(column) {
            Cell::Text(b"t") => Some(true),
            Cell::Text(b"f") => Some(false),
            _ => None,
        }
    }

    /// A `rowversion` (or any `binary(8)`) as the number that orders it.
    pub fn rowversion(&self, column: usize) -> Option<u64> {
        match self.cell(column) {
            Cell::Binary(bytes) => bytes.try_into().ok().map(u64::from_be_bytes),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compact_str::CompactString;

    fn buffer(columns: usize) -> RowBuffer {
        let column =
            |index| Column { name: CompactString::new(format!("c{index}")), type_oid: 25, key: false };
        RowBuffer::new((0..columns).map(column).collect())
    }

    fn words(words: &[Option<&'static str>]) -> impl Iterator<Item = ColumnData<'static>> {
        words.iter().map(|word| ColumnData::String(word.map(Into::into))).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn cells_come_back_in_their_rows() {
        let mut rows = buffer(2);
        rows.push(words(&[Some("a"), None]), &TimeZone::UTC).unwrap();
        rows.push(words(&[Some(""), Some("déjà")]), &TimeZone::UTC).unwrap();
        let mut more = buffer(2);
        more.push(words(&[None, Some("x")]), &TimeZone::UTC).unwrap();
        rows.append(&more).unwrap();
        let cells: Vec<Vec<_>> = rows.rows().map(|row| row.cells().collect()).collect();
        assert_eq!(
            cells,
            [
                [Cell::Text(b"a"), Cell::Null],
                [Cell::Text(b""), Cell::Text("déjà".as_bytes())],
                [Cell::Null, Cell::Text(b"x")],
            ]
        );
        assert!(rows.row(3).is_none());
        assert_eq!(rows.row(2).unwrap().cell(7), Cell::Null);
    }

    #[test]
    fn a_row_that_is_refused_leaves_nothing_behind() {
        let mut rows = buffer(2);
        let bad = ColumnData::DateTime(Some(tiberius::time::DateTime::new(i32::MAX, 0)));
        let row = [ColumnData::I32(Some(1)), bad].into_iter();
        let error = rows.push(row, &TimeZone::UTC).unwrap_err();
        assert_eq!((&*error.column, error.problem), ("c1", ColumnProblem::TimeOutOfRange));
        assert!(rows.push(words(&[Some("short")]), &TimeZone::UTC).is_err());
        assert!(rows.is_empty());
        assert_eq!(rows.value_bytes(), 0);
    }
}
