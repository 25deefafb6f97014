//! A replication connection: log in, look after the slot, and stream its changes.
//!
//! Written on the message encoders and SCRAM of `postgres-protocol`, because no driver offers the streaming
//! half (Postgres manual, "Streaming Replication Protocol"):
//!
//! ```text
//! Connection::connect ─▶ identify, create_slot ─▶ start ─▶ Stream: fill, next_frame, send_status ─▶ stop
//! ```

mod channel;
mod command;
mod error;
mod login;
mod stream;

use std::ops::Range;

use tokio::time::timeout;

use crate::core::position::Position;
use crate::live::{ConnectError, PostgresSettings};

use channel::Channel;
pub use command::{ServerVersion, StartReplication};
pub use error::WireError;
pub use stream::{Frame, Stream};

/// Rows a replication command may answer with; the commands used here answer with one.
const ROWS_MAX: usize = 16;

/// A connection that takes replication commands, one at a time.
#[derive(Debug)]
pub struct Connection {
    channel: Channel,
    version: ServerVersion,
}

/// What `IDENTIFY_SYSTEM` says of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemIdentity {
    /// Unique to the cluster, shared with its physical standbys and restored copies.
    pub system: String,
    /// Grows with each promotion or point-in-time recovery.
    pub timeline: u32,
    /// Flushed WAL of the server.
    pub position: Position,
    pub database: String,
}

/// A new slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedSlot {
    pub name: String,
    /// The slot streams each transaction that commits after this LSN. Postgres does not keep it: whoever
    /// created the slot has to, as [`Incarnation::created_at`](crate::core::position::Incarnation).
    pub consistent_point: Position,
}

/// The cells of one row in text form; absent is null.
type TextRow = Vec<Option<String>>;

impl Connection {
    /// Connects and logs in with `replication=database`.
    ///
    /// # Errors
    /// [`WireError::Connect`], after `connect_timeout_seconds` at the latest.
    pub async fn connect(settings: &PostgresSettings) -> Result<Self, WireError> {
        let limit = settings.connect_timeout();
        let (channel, version) = timeout(limit, login::log_in(settings)).await.unwrap_or_else(|_| {
            Err(ConnectError::TimedOut {
                host: settings.host.clone(),
                port: settings.port,
                seconds: limit.as_secs(),
            })
        })?;
        Ok(Self { channel, version })
    }

    pub const fn server_version(&self) -> ServerVersion {
        self.version
    }

    /// Identity and progress of the server.
    pub async fn identify(&mut self) -> Result<SystemIdentity, WireError> {
        let rows = self.query(command::IDENTIFY_SYSTEM, "").await?;
        let mut cells = rows.into_iter().next().unwrap_or_default().into_iter().flatten();
        let mut next = || cells.next().ok_or(WireError::Protocol("IDENTIFY_SYSTEM answers with too little"));
        Ok(SystemIdentity {
            system: next()?,
            timeline: next()?.parse().map_err(|_| WireError::Protocol("timeline is no number"))?,
            position: next()?.parse().map_err(|_| WireError::Protocol("xlogpos is no LSN"))?,
            database: next()?,
        })
    }

    /// Where the server that is now on `newest` left `timeline`: what was written later on that one, it does not have. `None`: it
    /// was never on it, or nobody knows any more.
    ///
    /// # Errors
    /// Whatever may befall a connection.
    pub async fn left_timeline_at(
        &mut self,
        timeline: u32,
        newest: u32,
    ) -> Result<Option<Position>, WireError> {
        let rows = match self.query(&command::timeline_history(newest), "").await {
            Ok(rows) => rows,
            // The file is gone: it is kept for as long as the server likes.
            Err(WireError::Server(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let history = rows.into_iter().next().and_then(|row| row.into_iter().nth(1).flatten());
        Ok(history.and_then(|history| command::left_at(&history, timeline)))
    }

    /// Creates a permanent slot for `pgoutput`, from 17 on with failover. Waits until every transaction open
    /// at this moment has ended, however long that takes. When the connection breaks before the answer, the slot
    /// may or may not exist; it is then a foreign one and has to be dropped.
    ///
    /// # Errors
    /// [`WireError::SlotExists`], [`WireError::NoSlotLeft`], [`WireError::NotLogical`],
    /// [`WireError::NotPermitted`] and whatever may befall a connection.
    pub async fn create_slot(&mut self, name: &str) -> Result<CreatedSlot, WireError> {
        let rows = self.query(&command::create_slot(name, self.version), name).await?;
        let mut cells = rows.into_iter().next().unwrap_or_default().into_iter().flatten().skip(1);
        let point = cells.next().and_then(|text| text.parse().ok());
        let consistent_point = point.ok_or(WireError::Protocol("the new slot has no consistent point"))?;
        Ok(CreatedSlot { name: name.to_owned(), consistent_point })
    }

    /// Starts streaming. The connection takes no other command from here on.
    ///
    /// # Errors
    /// The slot is in use, missing or invalidated; each has its own [`WireError`]. A publication that does not
    /// exist shows only once the first change is decoded.
    pub async fn start(mut self, start: &StartReplication<'_>) -> Result<Stream, WireError> {
        self.send_query(&command::start_replication(start)).await?;
        loop {
            let (tag, body) = self.channel.message().await?;
            match tag {
                b'W' => return Ok(Stream::new(self.channel, start.slot)),
                b'E' => return Err(self.server_error(body, start.slot)),
                b'N' | b'S' => {}
                _ => return Err(WireError::Protocol("START_REPLICATION is not answered with CopyBoth")),
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        self.channel.terminate().await;
    }

    async fn send_query(&mut self, sql: &str) -> Result<(), WireError> {
        self.channel.send(|out| postgres_protocol::message::frontend::query(sql, out)).await
    }

    /// Runs one command of the simple query protocol.
    async fn query(&mut self, sql: &str, slot: &str) -> Result<Vec<TextRow>, WireError> {
        self.send_query(sql).await?;
        let mut rows = Vec::new();
        let mut failed = None;
        loop {
            let (tag, body) = self.channel.message().await?;
            match tag {
                b'D' if rows.len() == ROWS_MAX => return Err(WireError::Protocol("too many rows")),
                b'D' => rows.push(text_row(self.channel.body(body))?),
                b'E' => failed = Some(self.server_error(body, slot)),
                b'Z' => break,
                b'T' | b'C' | b'N' | b'S' => {}
                _ => return Err(WireError::Protocol("unexpected answer to a command")),
            }
        }
        failed.map_or(Ok(rows), Err)
    }

    fn server_error(&self, body: Range<usize>, slot: &str) -> WireError {
        WireError::from_server(channel::server_error(self.channel.body(body)), slot)
    }
}

/// A `DataRow` of text cells.
fn text_row(body: &[u8]) -> Result<TextRow, WireError> {
    let broken = || WireError::Protocol("a row of an answer is cut short");
    let (count, mut rest) = body.split_first_chunk().ok_or_else(broken)?;
    let mut row = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk().ok_or_else(broken)?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            row.push(None); // -1 is null
            rest = after;
            continue;
        };
        let (cell, after) = after.split_at_checked(length).ok_or_else(broken)?;
        row.push(Some(String::from_utf8_lossy(cell).into_owned()));
        rest = after;
    }
    Ok(row)
}
