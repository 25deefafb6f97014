//! The messages of `pgoutput`.

use super::DecodeError;
use crate::core::position::Position;
use crate::core::row::{Relation, RowChange};
use crate::core::time::Timestamp;

/// One message; rows and names borrow from the received bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    Begin(Begin),
    Commit(Commit),
    /// The transaction was replicated here from elsewhere.
    Origin {
        commit_lsn: Position,
        name: &'a str,
    },
    /// Precedes the first row of a table on a connection, and the first row after each change of the table.
    Relation {
        relation: Relation,
        identity: ReplicaIdentity,
    },
    /// Name of a type that is not built in; precedes the relation that uses it.
    Type {
        oid: u32,
        schema: &'a str,
        name: &'a str,
    },
    Row {
        /// OID of the table, as announced by the last `Relation` with it.
        relation: u32,
        change: RowChange<'a>,
    },
    Truncate {
        relations: RelationIds<'a>,
        cascade: bool,
        restart_identity: bool,
    },
    /// What `pg_logical_emit_message` wrote.
    Logical(LogicalMessage<'a>),
}

/// Start of a transaction, sent when it is already committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// LSN of its commit record: the version of all that follows until `Commit`.
    pub final_lsn: Position,
    pub committed_at: Timestamp,
    pub xid: u32,
}

/// End of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// LSN of the commit record.
    pub commit_lsn: Position,
    /// First LSN after the transaction: what may be confirmed as flushed once all of it is durable.
    pub end_lsn: Position,
    pub committed_at: Timestamp,
}

/// A message of the application, our heartbeat among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogicalMessage<'a> {
    /// Part of a transaction; otherwise it arrives on its own, outside of Begin and Commit.
    pub transactional: bool,
    pub lsn: Position,
    pub prefix: &'a str,
    pub content: &'a [u8],
}

/// What the server writes about the old row of an update or delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaIdentity {
    /// The primary key.
    Default,
    /// Nothing: updates and deletes of such a table fail in the publisher.
    Nothing,
    /// The whole old row.
    Full,
    /// The columns of a named unique index.
    Index,
}

impl ReplicaIdentity {
    pub(super) const fn from_byte(byte: u8) -> Result<Self, DecodeError> {
        match byte {
            b'd' => Ok(Self::Default),
            b'n' => Ok(Self::Nothing),
            b'f' => Ok(Self::Full),
            b'i' => Ok(Self::Index),
            found => Err(DecodeError::Unexpected { what: "replica identity", found }),
        }
    }
}

/// Bytes of one OID.
pub(super) const OID_BYTES: usize = 4;

/// OIDs of the tables of a TRUNCATE, read out of the message as they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelationIds<'a> {
    bytes: &'a [u8],
}

impl<'a> RelationIds<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub fn iter(self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.bytes.as_chunks::<OID_BYTES>().0.iter().map(|oid| u32::from_be_bytes(*oid))
    }
}
