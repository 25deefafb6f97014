//! placeholder
use crate::core::position::Position;
use crate::core::time::Timestamp;
use crate::live::PostgresSettings;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct WireError;
pub struct Connection;
pub struct StreamOptions<'a> {
    pub slot: &'a str,
    pub publication: &'a str,
    pub start: Position,
    pub server_version: u32,
}
pub struct Stream;
pub enum Frame<'a> {
    Data { end: Position, payload: &'a [u8] },
    Keepalive { end: Position, reply_requested: bool },
}
impl Connection {
    pub async fn connect(_: &PostgresSettings) -> Result<Self, WireError> {
        Err(WireError)
    }
    pub async fn start_replication(self, _: &StreamOptions<'_>) -> Result<Stream, WireError> {
        Err(WireError)
    }
}
impl Stream {
    pub async fn fill(&mut self) -> Result<usize, WireError> {
        Err(WireError)
    }
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, WireError> {
        Err(WireError)
    }
    pub async fn send_status(
        &mut self,
        _: Position,
        _: Position,
        _: Position,
        _: bool,
        _: Timestamp,
    ) -> Result<(), WireError> {
        Err(WireError)
    }
    pub async fn close(self) -> Result<(), WireError> {
        Err(WireError)
    }
}
