//! Packets over TCP, encrypted or not.

use std::io::{self, Read as _, Write as _};

use rustls::ServerConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const HEADER_BYTES: usize = 8;
/// What is agreed on at login.
pub const PACKET_BYTES: usize = 4096;
/// Packet types.
pub const BATCH: u8 = 0x01;
pub const RPC: u8 = 0x03;
pub const RESULT: u8 = 0x04;
pub const ATTENTION: u8 = 0x06;
pub const TRANSACTION: u8 = 0x0E;
pub const LOGIN: u8 = 0x10;
pub const PRELOGIN: u8 = 0x12;
/// Longest request that is taken.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// A whole message of the client.
#[derive(Debug)]
pub struct Message {
    pub packet_type: u8,
    pub content: Vec<u8>,
}

pub struct Link {
    tcp: TcpStream,
    tls: Option<ServerConnection>,
    /// Bytes that came and are not used yet, in clear.
    incoming: Vec<u8>,
}

impl Link {
    pub const fn new(tcp: TcpStream) -> Self {
        Self { tcp, tls: None, incoming: Vec::new() }
    }

    /// The next message; none when the client has gone.
    pub async fn read(&mut self) -> io::Result<Option<Message>> {
        let mut content = Vec::new();
        loop {
            while self.incoming.len() < HEADER_BYTES {
                if !self.fill().await? {
                    return Ok(None);
                }
            }
            let packet_type = self.incoming[0];
            let last = self.incoming[1] & 1 != 0;
            let length = usize::from(u16::from_be_bytes([self.incoming[2], self.incoming[3]]));
            if length < HEADER_BYTES || content.len() > MESSAGE_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            while self.incoming.len() < length {
                if !self.fill().await? {
                    return Ok(None);
                }
            }
            content.extend_from_slice(&self.incoming[HEADER_BYTES..length]);
            self.incoming.drain(..length);
            if last {
                return Ok(Some(Message { packet_type, content }));
            }
        }
    }

    /// Takes what has come; false at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let count = self.tcp.read(&mut chunk).await?;
        let mut rest = &chunk[..count];
        let Some(tls) = &mut self.tls else {
            self.incoming.extend_from_slice(rest);
            return Ok(count > 0);
        };
        while !rest.is_empty() {
            tls.read_tls(&mut rest)?;
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let start = self.incoming.len();
            self.incoming.resize(start + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(&mut self.incoming[start..])?;
        }
        Ok(count > 0)
    }

    /// Waits until the client sends something or goes. A client that waits for an answer does neither, unless it gave up.
    pub async fn disturbed(&self) {
        let _ = self.tcp.peek(&mut [0]).await;
    }

    /// The packets of a message, as bytes before encryption.
    pub fn packets(packet_type: u8, content: &[u8]) -> Vec<u8> {
        let mut packets = Vec::new();
        let chunks: Vec<&[u8]> = match content {
            [] => vec![content],
            content => content.chunks(PACKET_BYTES - HEADER_BYTES).collect(),
        };
        for (index, chunk) in chunks.iter().enumerate() {
            let [high, low] = ((HEADER_BYTES + chunk.len()) as u16).to_be_bytes();
            let last = u8::from(index + 1 == chunks.len());
            packets.extend([packet_type, last, high, low, 0, 0, index as u8, 0]);
            packets.extend_from_slice(chunk);
        }
        packets
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            None => self.tcp.write_all(bytes).await?,
            Some(tls) => {
                // The buffer of rustls has a limit, so in pieces.
                for piece in bytes.chunks(16 * 1024) {
                    tls.writer().write_all(piece)?;
                    let mut encrypted = Vec::new();
                    while tls.wants_write() {
                        tls.write_tls(&mut encrypted)?;
                    }
                    self.tcp.write_all(&encrypted).await?;
                }
            }
        }
        self.tcp.flush().await
    }

    pub async fn send(&mut self, packet_type: u8, content: &[u8]) -> io::Result<()> {
        self.write(&Self::packets(packet_type, content)).await
    }

    /// TLS whose handshake travels in PRELOGIN packets.
    pub async fn encrypt(&mut self, mut tls: ServerConnection) -> io::Result<()> {
        while tls.is_handshaking() {
            let Some(message) = self.read().await? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            if message.packet_type != PRELOGIN {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut rest = &message.content[..];
            let mut outcome = Ok(());
            while !rest.is_empty() && outcome.is_ok() {
                tls.read_tls(&mut rest)?;
                outcome = tls.process_new_packets().map(drop);
            }
            let mut answer = Vec::new();
            while tls.wants_write() {
                tls.write_tls(&mut answer)?;
            }
            if !answer.is_empty() {
                self.send(PRELOGIN, &answer).await?;
            }
            outcome.map_err(io::Error::other)?;
        }
        self.tls = Some(tls);
        Ok(())
    }

    /// Goes on in clear.
    pub fn decrypt(&mut self) {
        self.tls = None;
    }

    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }
}
