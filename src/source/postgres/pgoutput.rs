//! Decoder of the `pgoutput` plugin, protocol version 1 (Postgres manual, "Logical Replication Message
//! Formats").
//!
//! Pure, total and borrowing: any bytes give a message or a typed error, rows point into the received
//! buffer, and the only memory a row needs is a list of cells that is recycled from row to row:
//!
//! ```
//! use mare::source::postgres::pgoutput::{decode, recycle};
//!
//! let payloads: [&[u8]; 1] = [b"C\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0"];
//! let mut spare = Vec::new();
//! for payload in payloads {
//!     let mut cells = recycle(spare);
//!     let message = decode(payload, &mut cells)?;
//!     // ... use the message ...
//!     # let _ = message;
//!     spare = recycle(cells);
//! }
//! # Ok::<(), mare::source::postgres::pgoutput::DecodeError>(())
//! ```

mod message;
mod reader;
#[cfg(test)]
mod tests;

use crate::core::position::Position;
use crate::core::row::{Cell, Column, Relation, RowChange};
use crate::core::time::Timestamp;

pub use message::{Begin, Commit, LogicalMessage, Message, RelationIds, ReplicaIdentity};
use reader::Reader;

/// The version of the protocol this decoder understands, for `START_REPLICATION (proto_version …)`.
///
/// Version 2 and later add the streaming of open transactions (S, E, c, A) and a transaction id in front
/// of each message between S and E; they would get their own entry beside [`decode`].
pub const PROTOCOL_VERSION: u8 = 1;

/// Columns a table of Postgres can have (`MaxHeapAttributeNumber`). A larger count is damage, and refusing
/// it keeps the list of cells small.
pub const COLUMNS_MAX: usize = 1600;

/// Bytes that are not a message of `pgoutput` version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("message of pgoutput ends in the middle of {0}")]
    Truncated(&'static str),
    #[error("{count} bytes follow the end of a '{tag}' message of pgoutput", tag = char::from(*tag))]
    TrailingBytes { tag: u8, count: usize },
    #[error("'{}' is no message of pgoutput version {PROTOCOL_VERSION}", char::from(*.0).escape_default())]
    UnknownMessage(u8),
    #[error("'{}' belongs to a later version of pgoutput than {PROTOCOL_VERSION}", char::from(*.0))]
    LaterVersion(u8),
    #[error("a row of pgoutput announces {0} columns; Postgres has at most {COLUMNS_MAX}")]
    TooManyColumns(usize),
    #[error("unexpected byte 0x{found:02X} as {what} of pgoutput")]
    Unexpected { what: &'static str, found: u8 },
    #[error("negative length of {0} of pgoutput")]
    NegativeLength(&'static str),
    #[error("{0} of pgoutput is not UTF-8; the connection must ask for client_encoding UTF8")]
    NotUtf8(&'static str),
}

/// Decodes one payload of `XLogData`. Rows are written into `cells`, which is cleared first, and are
/// borrowed by the message.
///
/// # Errors
/// [`DecodeError`] for anything that is not exactly one message of version 1.
#[inline]
pub fn decode<'m, 'a: 'm>(
    payload: &'a [u8],
    cells: &'m mut Vec<Cell<'a>>,
) -> Result<Message<'m>, DecodeError> {
    cells.clear();
    let mut reader = Reader::new(payload);
    let tag = reader.u8("message type")?;
    let message = match tag {
        b'I' => insert(&mut reader, cells)?,
        b'U' => update(&mut reader, cells)?,
        b'D' => delete(&mut reader, cells)?,
        _ => rare(tag, &mut reader)?,
    };
    match reader.remaining() {
        0 => Ok(message),
        count => Err(DecodeError::TrailingBytes { tag, count }),
    }
}

/// An empty list of cells with the memory of `cells`, free of what they borrowed.
///
/// The standard library collects a mapped `Vec` in place when the items keep their size; if it ever
/// stopped doing so, this would still be right, only slower.
#[inline]
pub fn recycle<'b>(mut cells: Vec<Cell<'_>>) -> Vec<Cell<'b>> {
    cells.clear();
    cells.into_iter().map(|_| Cell::Null).collect()
}

/// Everything but rows: once per transaction, table or heartbeat.
fn rare<'a>(tag: u8, reader: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    match tag {
        b'B' => Ok(Message::Begin(Begin {
            final_lsn: position(reader)?,
            committed_at: timestamp(reader)?,
            xid: reader.u32("transaction id")?,
        })),
        b'C' => commit(reader),
        b'O' => Ok(Message::Origin { commit_lsn: position(reader)?, name: reader.text("origin")? }),
        b'R' => relation(reader),
        b'Y' => Ok(Message::Type {
            oid: reader.u32("type OID")?,
            schema: reader.text("type schema")?,
            name: reader.text("type name")?,
        }),
        b'T' => truncate(reader),
        b'M' => logical_message(reader),
        b'S' | b'E' | b'c' | b'A' | b'b' | b'P' | b'K' | b'r' | b'p' => Err(DecodeError::LaterVersion(tag)),
        _ => Err(DecodeError::UnknownMessage(tag)),
    }
}

fn position(reader: &mut Reader<'_>) -> Result<Position, DecodeError> {
    reader.u64("LSN").map(Position)
}

fn timestamp(reader: &mut Reader<'_>) -> Result<Timestamp, DecodeError> {
    reader.i64("time").map(Timestamp::from_postgres)
}

fn commit<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    let _unused_flags = reader.u8("commit flags")?;
    Ok(Message::Commit(Commit {
        commit_lsn: position(reader)?,
        end_lsn: position(reader)?,
        committed_at: timestamp(reader)?,
    }))
}

fn relation<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    let id = reader.u32("relation OID")?;
    let schema = match reader.text("schema name")? {
        "" => "pg_catalog", // how the protocol abbreviates it
        schema => schema,
    };
    let table = reader.text("table name")?;
    let identity = ReplicaIdentity::from_byte(reader.u8("replica identity")?)?;
    let count = column_count(reader)?;
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        let flags = reader.u8("column flags")?;
        let name = reader.text("column name")?;
        let type_oid = reader.u32("column type")?;
        let _modifier = reader.u32("column type modifier")?;
        columns.push(Column { name: name.into(), type_oid, key: flags & 1 == 1 });
    }
    let relation = Relation { id, schema: schema.into(), table: table.into(), columns };
    Ok(Message::Relation { relation, identity })
}

fn truncate<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    let count = reader.length("number of truncated tables")?;
    let options = reader.u8("truncate options")?;
    let bytes = count.checked_mul(message::OID_BYTES).ok_or(DecodeError::Truncated("truncated tables"))?;
    let relations = RelationIds::new(reader.bytes(bytes, "truncated tables")?);
    Ok(Message::Truncate { relations, cascade: options & 1 != 0, restart_identity: options & 2 != 0 })
}

fn logical_message<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    let transactional = reader.u8("message flags")? & 1 == 1;
    let lsn = position(reader)?;
    let prefix = reader.text("message prefix")?;
    let length = reader.length("message content")?;
    let content = reader.bytes(length, "message content")?;
    Ok(Message::Logical(LogicalMessage { transactional, lsn, prefix, content }))
}

#[inline]
fn insert<'m, 'a: 'm>(
    reader: &mut Reader<'a>,
    cells: &'m mut Vec<Cell<'a>>,
) -> Result<Message<'m>, DecodeError> {
    let relation = reader.u32("relation OID")?;
    expect_tuple(reader.u8("tuple type")?, b'N')?;
    tuple(reader, cells)?;
    Ok(Message::Row { relation, change: RowChange::Insert { new: cells } })
}

#[inline]
fn update<'m, 'a: 'm>(
    reader: &mut Reader<'a>,
    cells: &'m mut Vec<Cell<'a>>,
) -> Result<Message<'m>, DecodeError> {
    let relation = reader.u32("relation OID")?;
    let mut marker = reader.u8("tuple type")?;
    let has_old = matches!(marker, b'K' | b'O');
    if has_old {
        tuple(reader, cells)?;
        marker = reader.u8("tuple type")?;
    }
    expect_tuple(marker, b'N')?;
    let old_columns = cells.len();
    tuple(reader, cells)?;
    let (old, new) = cells.split_at(old_columns);
    Ok(Message::Row { relation, change: RowChange::Update { old: has_old.then_some(old), new } })
}

#[inline]
fn delete<'m, 'a: 'm>(
    reader: &mut Reader<'a>,
    cells: &'m mut Vec<Cell<'a>>,
) -> Result<Message<'m>, DecodeError> {
    let relation = reader.u32("relation OID")?;
    match reader.u8("tuple type")? {
        b'K' | b'O' => tuple(reader, cells)?,
        found => return Err(DecodeError::Unexpected { what: "tuple type", found }),
    }
    Ok(Message::Row { relation, change: RowChange::Delete { old: cells } })
}

fn expect_tuple(found: u8, wanted: u8) -> Result<(), DecodeError> {
    if found == wanted { Ok(()) } else { Err(DecodeError::Unexpected { what: "tuple type", found }) }
}

fn column_count(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    let count = usize::from(reader.u16("number of columns")?);
    if count > COLUMNS_MAX { Err(DecodeError::TooManyColumns(count)) } else { Ok(count) }
}

/// Appends the cells of one tuple.
#[inline]
fn tuple<'a>(reader: &mut Reader<'a>, cells: &mut Vec<Cell<'a>>) -> Result<(), DecodeError> {
    let count = column_count(reader)?;
    cells.reserve(count);
    for _ in 0..count {
        let cell = match reader.u8("column kind")? {
            b't' => Cell::Text(reader.sized("column value")?),
            b'b' => Cell::Binary(reader.sized("column value")?),
            b'n' => Cell::Null,
            b'u' => Cell::Unchanged,
            found => return Err(DecodeError::Unexpected { what: "column kind", found }),
        };
        cells.push(cell);
    }
    Ok(())
}
