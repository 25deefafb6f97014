//! Rows of a result, as cells that the mapping reads.

use crate::core::row::{Cell, Column};

/// Rows of a result. Read the cells with [`crate::mapping::cell`]: they are in the text or the binary form of the
/// column's type.
pub struct Rows {
    pub(super) columns: Vec<Column>,
    pub(super) binary: bool,
    pub(super) rows: Vec<Vec<Option<Box<[u8]>>>>,
}

impl Rows {
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A cell and the OID of its type, both counted from 0. `Null` where there is none.
    pub fn cell(&self, row: usize, column: usize) -> (Cell<'_>, u32) {
        let oid = self.columns.get(column).map_or(0, |column| column.type_oid);
        let value = self.rows.get(row).and_then(|row| row.get(column)).and_then(Option::as_deref);
        let cell = match value {
            None => Cell::Null,
            Some(bytes) if self.binary => Cell::Binary(bytes),
            Some(bytes) => Cell::Text(bytes),
        };
        (cell, oid)
    }
}

impl std::fmt::Debug for Rows {
    /// How many: values may be personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({})", self.rows.len())
    }
}
