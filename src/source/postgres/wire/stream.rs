//! The stream of a slot: frames in, progress out.

use std::ops::Range;
use std::time::Duration;

use bytes::BufMut;
use postgres_protocol::message::frontend;
use tokio::time::timeout;

use super::channel::{Channel, server_error};
use super::error::WireError;
use crate::core::position::Position;
use crate::core::time::Timestamp;

/// Unsent bytes above which another status is not queued: the server is not reading, and the next status
/// says all that this one would. A status has 39 bytes.
const UNSENT_BYTES_MAX: usize = 4 * 1024;
/// How long a clean end may take. The server may be in the middle of a large transaction.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// What the server sends while streaming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// `XLogData`: one message of the output plugin.
    Data {
        /// LSN of the change; zero for messages that have none of their own.
        start: Position,
        /// How far the server had read at that time.
        end: Position,
        sent_at: Timestamp,
        payload: &'a [u8],
    },
    Keepalive {
        /// Everything of ours before this has been sent.
        end: Position,
        sent_at: Timestamp,
        /// The server will close the connection unless it gets a status soon.
        reply_requested: bool,
    },
}

/// A running stream. Reading and reporting are apart, so that a reader that may not read on (its queue is
/// full) can still report and is not taken for dead:
///
/// - [`fill`](Self::fill) reads once, when [`next_frame`](Self::next_frame) has no more;
/// - [`send_status`](Self::send_status) may be called at any time, also without reading.
///
/// All futures are cancel-safe: a dropped one loses no byte in either direction.
#[derive(Debug)]
pub struct Stream {
    channel: Channel,
    slot: String,
}

impl Stream {
    pub(super) fn new(mut channel: Channel, slot: &str) -> Self {
        channel.allow_long_messages();
        Self { channel, slot: slot.to_owned() }
    }

    /// Reads what the socket has, at least one byte, and says how many. Call it when there is no complete
    /// frame any more, otherwise the buffer grows.
    ///
    /// # Errors
    /// [`WireError::Closed`] or [`WireError::Broken`]; the stream is over.
    pub async fn fill(&mut self) -> Result<usize, WireError> {
        self.channel.fill().await
    }

    /// The next frame that is here completely; none when `fill` is due.
    ///
    /// # Errors
    /// What the server reports; the stream is over.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, WireError> {
        while let Some((tag, body)) = self.channel.next_message()? {
            if tag == b'd' {
                return frame(self.channel.body(body)).map(Some);
            }
            self.aside(tag, body)?;
        }
        Ok(None)
    }

    /// Everything that is not a frame.
    #[cold]
    fn aside(&self, tag: u8, body: Range<usize>) -> Result<(), WireError> {
        match tag {
            b'N' | b'S' => Ok(()), // notice, changed parameter
            b'E' => Err(WireError::from_server(server_error(self.channel.body(body)), &self.slot)),
            b'c' | b'C' => Err(WireError::Ended),
            _ => Err(WireError::Protocol("unexpected message in a stream")),
        }
    }

    /// Reports progress (`Standby status update`). Each position is the first one that is not yet written,
    /// flushed or applied. The server forgets the WAL before `flushed`: it must be durable in the ledger.
    /// With `reply`, the server answers with a keepalive at once.
    pub async fn send_status(
        &mut self,
        written: Position,
        flushed: Position,
        applied: Position,
        reply: bool,
        now: Timestamp,
    ) -> Result<(), WireError> {
        if self.channel.unsent() > UNSENT_BYTES_MAX {
            return self.channel.flush().await;
        }
        let mut status = [0_u8; 34];
        let mut fields = status.as_mut_slice();
        fields.put_u8(b'r');
        for position in [written, flushed, applied] {
            fields.put_u64(position.0);
        }
        fields.put_i64(now.to_postgres());
        fields.put_u8(u8::from(reply));
        let message = frontend::CopyData::new(status.as_slice()).map_err(WireError::Broken)?;
        self.channel
            .send(|out| {
                message.write(out);
                Ok(())
            })
            .await
    }

    /// Ends the stream in order, so that the server takes notice of the last status and frees the slot at
    /// once. Takes two seconds at most; frames still under way are dropped and come again next time.
    pub async fn stop(mut self) {
        let _gave_up_waiting = timeout(STOP_TIMEOUT, self.end_copy()).await;
        let _gave_up_sending = timeout(STOP_TIMEOUT, self.channel.terminate()).await;
    }

    async fn end_copy(&mut self) -> Result<(), WireError> {
        self.channel
            .send(|out| {
                frontend::copy_done(out);
                Ok(())
            })
            .await?;
        while self.channel.message().await?.0 != b'Z' {}
        Ok(())
    }
}

#[inline]
fn frame(body: &[u8]) -> Result<Frame<'_>, WireError> {
    let truncated = WireError::Protocol("a frame is cut short");
    match body.split_first() {
        Some((b'w', rest)) => {
            let Some((header, payload)) = rest.split_first_chunk::<24>() else { return Err(truncated) };
            let [start, end, sent_at] = words(header);
            let sent_at = Timestamp::from_postgres(sent_at.cast_signed());
            Ok(Frame::Data { start: Position(start), end: Position(end), sent_at, payload })
        }
        Some((b'k', rest)) => {
            let Some((header, [reply])) = rest.split_first_chunk::<16>() else { return Err(truncated) };
            let [end, sent_at] = words(header);
            let sent_at = Timestamp::from_postgres(sent_at.cast_signed());
            Ok(Frame::Keepalive { end: Position(end), sent_at, reply_requested: *reply != 0 })
        }
        _ => Err(WireError::Protocol("unknown kind of frame")),
    }
}

/// Big-endian numbers; `BYTES` is eight times `COUNT`.
#[inline]
fn words<const BYTES: usize, const COUNT: usize>(bytes: &[u8; BYTES]) -> [u64; COUNT] {
    const { assert!(BYTES == 8 * COUNT) }
    let chunks = bytes.as_chunks::<8>().0;
    std::array::from_fn(|index| u64::from_be_bytes(chunks[index]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_body_gives_a_frame_or_an_error(kind in prop_oneof![Just(b'w'), Just(b'k'), any::<u8>()],
                                              rest in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut body = vec![kind];
            body.extend(&rest);
            let complete = match kind {
                b'w' => rest.len() >= 24,
                b'k' => rest.len() == 17,
                _ => false,
            };
            prop_assert_eq!(frame(&body).is_ok(), complete);
        }
    }
}
