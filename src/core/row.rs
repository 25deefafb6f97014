//! A changed row, as the sources hand it to the mapping: borrowed, typed by column, and honest about
//! what is not there.

use compact_str::CompactString;

use super::position::Position;
use super::time::Timestamp;

/// One column of a row. `Unchanged` is neither null nor a default: it was not sent (unchanged TOAST).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    Null,
    /// Not sent, because the change left a large value as it was.
    Unchanged,
    /// In the text form of the type.
    Text(&'a [u8]),
    /// In the binary form of the type (Postgres: the type's `send` function).
    Binary(&'a [u8]),
}

/// A table as the source announces it, before the first row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The source's own number of the table (Postgres: OID).
    pub id: u32,
    pub schema: CompactString,
    pub table: CompactString,
    pub columns: Vec<Column>,
}

/// A column of a [`Relation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: CompactString,
    /// Postgres type OID.
    pub type_oid: u32,
    /// Part of the replica identity.
    pub key: bool,
}

/// One change of one row. Rows have as many cells as the relation has columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowChange<'a> {
    Insert {
        new: &'a [Cell<'a>],
    },
    /// `old` is there when the key changed (key cells only, the rest `Null`) or when the replica identity
    /// is FULL.
    Update {
        old: Option<&'a [Cell<'a>]>,
        new: &'a [Cell<'a>],
    },
    /// Key cells only, the rest `Null`, unless the replica identity is FULL.
    Delete {
        old: &'a [Cell<'a>],
    },
}

/// The transaction a change belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transaction {
    /// Where it was committed: the version of everything it wrote.
    pub position: Position,
    pub committed_at: Timestamp,
    /// Postgres: top-level transaction id, to tell it apart from what a snapshot saw.
    pub xid: u32,
}
