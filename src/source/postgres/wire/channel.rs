//! Messages in and out of a socket, in buffers that survive a cancelled future.

use std::fmt;
use std::io;
use std::ops::Range;

use bytes::{Buf, BytesMut};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::WireError;
use crate::live::{ServerError, Socket};

/// Capacity of the receive buffer: some thousand rows per system call.
const INBOX_BYTES: usize = 256 * 1024;
/// Room each read gets at least.
const READ_BYTES_MIN: usize = 64 * 1024;
/// A receive buffer that one large row has grown beyond this is shrunk again.
const SHRINK_ABOVE_BYTES: usize = 4 * 1024 * 1024;
/// Longest message outside of a stream: errors and one-row answers.
const CONTROL_BYTES_MAX: usize = 1024 * 1024;
/// Longest message of a stream: what Postgres can build in memory (`MaxAllocSize`, 1 GiB).
const STREAM_BYTES_MAX: usize = 1 << 30;
/// Type byte and length.
const HEADER_BYTES: usize = 5;

pub(super) struct Channel {
    socket: Socket,
    inbox: Vec<u8>,
    /// What of `inbox` has been handed out.
    consumed: usize,
    outbox: BytesMut,
    message_bytes_max: usize,
}

impl fmt::Debug for Channel {
    /// Without the buffers: they hold rows, and during login the proof of the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("unread", &(self.inbox.len() - self.consumed))
            .field("unsent", &self.outbox.len())
            .finish_non_exhaustive()
    }
}

impl Channel {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            inbox: Vec::with_capacity(INBOX_BYTES),
            consumed: 0,
            outbox: BytesMut::with_capacity(1024),
            message_bytes_max: CONTROL_BYTES_MAX,
        }
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        self.socket.is_encrypted()
    }

    /// Messages may be as long as rows are from here on.
    pub(super) const fn allow_long_messages(&mut self) {
        self.message_bytes_max = STREAM_BYTES_MAX;
    }

    /// Reads once from the socket. Cancel-safe. Invalidates the ranges handed out before.
    pub(super) async fn fill(&mut self) -> Result<usize, WireError> {
        self.make_room();
        match self.socket.read_buf(&mut self.inbox).await {
            Ok(0) => Err(WireError::Closed),
            Ok(count) => Ok(count),
            Err(error) => Err(WireError::Broken(error)),
        }
    }

    fn make_room(&mut self) {
        self.inbox.drain(..self.consumed);
        self.consumed = 0;
        if self.inbox.capacity() > SHRINK_ABOVE_BYTES && self.inbox.len() < INBOX_BYTES {
            self.inbox.shrink_to(INBOX_BYTES);
        }
        if self.inbox.capacity() - self.inbox.len() < READ_BYTES_MIN {
            self.inbox.reserve(READ_BYTES_MIN); // doubles, so a huge row costs no quadratic copying
        }
    }

    /// Type and body of the next message, if all of it is here.
    #[inline]
    pub(super) fn next_message(&mut self) -> Result<Option<(u8, Range<usize>)>, WireError> {
        let unread = &self.inbox[self.consumed..];
        let Some(&[tag, a, b, c, d]) = unread.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        // The length counts itself, but not the type byte.
        let length = usize::try_from(i32::from_be_bytes([a, b, c, d])).unwrap_or(0);
        if length < 4 {
            return Err(WireError::Protocol("a message announces a length below its own header"));
        }
        if length > self.message_bytes_max {
            return Err(WireError::MessageTooLong { length, limit: self.message_bytes_max });
        }
        if unread.len() < length + 1 {
            return Ok(None);
        }
        let body = self.consumed + HEADER_BYTES..self.consumed + length + 1;
        self.consumed = body.end;
        Ok(Some((tag, body)))
    }

    #[inline]
    pub(super) fn body(&self, range: Range<usize>) -> &[u8] {
        &self.inbox[range]
    }

    /// Waits for the next message. Cancel-safe.
    pub(super) async fn message(&mut self) -> Result<(u8, Range<usize>), WireError> {
        loop {
            if let Some(message) = self.next_message()? {
                return Ok(message);
            }
            self.fill().await?;
        }
    }

    /// Bytes accepted for sending and not yet taken by the socket.
    pub(super) fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// Writes one message and sends it.
    pub(super) async fn send(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), WireError> {
        write(&mut self.outbox).map_err(WireError::Broken)?;
        self.flush().await
    }

    /// Sends what is waiting. Cancel-safe: what the socket has not taken goes out next time.
    pub(super) async fn flush(&mut self) -> Result<(), WireError> {
        while self.outbox.has_remaining() {
            match self.socket.write_buf(&mut self.outbox).await {
                Ok(0) => return Err(WireError::Closed),
                Ok(_) => {}
                Err(error) => return Err(WireError::Broken(error)),
            }
        }
        self.socket.flush().await.map_err(WireError::Broken)
    }

    /// Ends the session. An error changes nothing any more, so there is none.
    pub(super) async fn terminate(&mut self) {
        let sent = self.send(|out| {
            frontend::terminate(out);
            Ok(())
        });
        if sent.await.is_ok() {
            let _already_gone = self.socket.shutdown().await;
        }
    }
}

/// Reads an `ErrorResponse`. Text that is not UTF-8 (before login the server does not know our encoding) is
/// shown as well as it can be.
pub(super) fn server_error(body: &[u8]) -> ServerError {
    let mut error = ServerError::default();
    for field in body.split(|byte| *byte == 0) {
        let Some((kind, text)) = field.split_first() else { continue };
        let text = || Box::<str>::from(String::from_utf8_lossy(text));
        match kind {
            b'C' => error.code = text(),
            b'M' => error.message = text(),
            b'D' => error.detail = Some(text()),
            b'H' => error.hint = Some(text()),
            b'R' => error.routine = Some(text()),
            _ => {}
        }
    }
    error
}
