//! The stream that the driver speaks over: TLS as SQL Server wants it, with our own checks of the certificate.
//!
//! The driver can encrypt by itself, but it can neither pin a self-signed certificate nor say with a type what was
//! wrong with one. So PRELOGIN and TLS are done before it comes in, and it is told that the server does not encrypt.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::prelogin::{self, END_OF_MESSAGE, Encryption, HEADER_BYTES, PRELOGIN, TABULAR_RESULT, packet};

/// Content of a packet while TLS is set up: the size every server takes before another is agreed on.
const HANDSHAKE_CONTENT_MAX: usize = 4096 - HEADER_BYTES;

/// TLS over TCP. During the handshake its bytes travel inside of PRELOGIN packets.
pub(super) type Encrypted = TlsStream<Wrapped>;

/// Sets up TLS after a PRELOGIN exchange that agreed on it.
pub(super) async fn encrypt(
    tcp: TcpStream,
    config: ClientConfig,
    name: ServerName<'static>,
) -> io::Result<Encrypted> {
    let mut encrypted = TlsConnector::from(Arc::new(config)).connect(name, Wrapped::new(tcp)).await?;
    encrypted.get_mut().0.handshake_done = true;
    Ok(encrypted)
}

/// TCP whose bytes are wrapped into PRELOGIN packets until the handshake is done.
#[derive(Debug)]
pub(super) struct Wrapped {
    tcp: TcpStream,
    handshake_done: bool,
    /// Bytes of TLS that wait for a flush, then the packets of them.
    outgoing: Vec<u8>,
    /// How much of `outgoing`, as packets, is sent; none while bytes are still collected.
    sent: Option<usize>,
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// What is left of the packet being read.
    content_left: usize,
}

impl Wrapped {
    const fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            handshake_done: false,
            outgoing: Vec::new(),
            sent: None,
            header: [0; HEADER_BYTES],
            header_bytes: 0,
            content_left: 0,
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.sent.is_none() {
            self.outgoing = packets(&self.outgoing);
        }
        let mut sent = self.sent.unwrap_or(0);
        while let Some(rest) = self.outgoing.get(sent..).filter(|rest| !rest.is_empty()) {
            self.sent = Some(sent);
            match ready!(Pin::new(&mut self.tcp).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => sent += count,
            }
        }
        self.outgoing.clear();
        self.sent = None;
        Poll::Ready(Ok(()))
    }

    /// Reads a packet's header; false at the end of the stream.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.header_bytes < HEADER_BYTES {
            let mut rest = ReadBuf::new(&mut self.header[self.header_bytes..]);
            ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut rest))?;
            match rest.filled().len() {
                0 => return Poll::Ready(Ok(false)),
                count => self.header_bytes += count,
            }
        }
        self.header_bytes = 0;
        let [packet_type, _, high, low, ..] = self.header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !matches!(packet_type, PRELOGIN | TABULAR_RESULT) || length < HEADER_BYTES {
            let what = format!("the server sent a packet of type 0x{packet_type:02X} instead of TLS");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, what)));
        }
        self.content_left = length - HEADER_BYTES;
        Poll::Ready(Ok(true))
    }
}

/// Cuts bytes of TLS into packets of one PRELOGIN message.
fn packets(content: &[u8]) -> Vec<u8> {
    let last = content.len().div_ceil(HANDSHAKE_CONTENT_MAX).saturating_sub(1);
    let chunks = content.chunks(HANDSHAKE_CONTENT_MAX).enumerate();
    chunks
        .flat_map(|(index, chunk)| packet(PRELOGIN, if index == last { END_OF_MESSAGE } else { 0 }, chunk))
        .collect()
}

impl AsyncRead for Wrapped {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.handshake_done {
            return Pin::new(&mut this.tcp).poll_read(cx, buf);
        }
        ready!(this.poll_send(cx))?;
        while this.content_left == 0 {
            if !ready!(this.poll_header(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
        let room = buf.remaining().min(this.content_left);
        let mut limited = ReadBuf::new(buf.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut limited))?;
        let count = limited.filled().len();
        this.content_left -= count;
        buf.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.handshake_done {
            return Pin::new(&mut this.tcp).poll_write(cx, buf);
        }
        if this.sent.is_some() {
            ready!(this.poll_send(cx))?;
        }
        this.outgoing.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

#[derive(Debug)]
enum Wire {
    Plain(TcpStream),
    Tls(Box<Encrypted>),
}

/// How far the driver has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It sends its PRELOGIN, which goes nowhere.
    Prelogin,
    /// It sends its login.
    Login,
    /// The login is written but not flushed; what follows is in clear.
    Unwrap,
    Open,
}

/// What the driver reads from and writes to.
#[derive(Debug)]
pub(super) struct Tunnel {
    /// None only while it is exchanged.
    wire: Option<Wire>,
    phase: Phase,
    /// TLS ends with the login.
    login_only: bool,
    message: MessageScan,
    /// What is left of the answer to the driver's PRELOGIN.
    answer: Vec<u8>,
}

impl Tunnel {
    pub(super) fn plain(tcp: TcpStream) -> Self {
        Self::new(Wire::Plain(tcp), false)
    }

    pub(super) fn encrypted(stream: Encrypted, login_only: bool) -> Self {
        Self::new(Wire::Tls(Box::new(stream)), login_only)
    }

    fn new(wire: Wire, login_only: bool) -> Self {
        Self {
            wire: Some(wire),
            phase: Phase::Prelogin,
            login_only,
            message: MessageScan::default(),
            answer: prelogin::message(TABULAR_RESULT, Encryption::NotSupported),
        }
    }

    fn wire(&mut self) -> io::Result<&mut Wire> {
        self.wire.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Goes on in clear once the login is on its way.
    fn poll_unwrap(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.phase != Phase::Unwrap {
            return Poll::Ready(Ok(()));
        }
        ready!(self.wire()?.poll_flush(cx))?;
        self.wire = self.wire.take().map(|wire| match wire {
            Wire::Tls(stream) => Wire::Plain(stream.into_inner().0.tcp),
            plain @ Wire::Plain(_) => plain,
        });
        self.phase = Phase::Open;
        Poll::Ready(Ok(()))
    }
}

impl Wire {
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.answer.is_empty() {
            let count = this.answer.len().min(buf.remaining());
            buf.put_slice(&this.answer[..count]);
            this.answer.drain(..count);
            return Poll::Ready(Ok(()));
        }
        ready!(this.poll_unwrap(cx))?;
        match this.wire()? {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Wire::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_unwrap(cx))?;
        match this.phase {
            Phase::Open | Phase::Unwrap => this.wire()?.poll_write(cx, buf),
            Phase::Prelogin => {
                let (count, ended) = this.message.advance(buf);
                if ended {
                    this.phase = if this.login_only { Phase::Login } else { Phase::Open };
                }
                Poll::Ready(Ok(count))
            }
            Phase::Login => {
                // What follows the login must not be encrypted with it.
                let (until_end, _) = this.message.clone().advance(buf);
                let count = ready!(this.wire()?.poll_write(cx, &buf[..until_end]))?;
                if this.message.advance(&buf[..count]).1 {
                    this.phase = Phase::Unwrap;
                }
                Poll::Ready(Ok(count))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_unwrap(cx))?;
        this.wire()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().wire()? {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Finds the end of a message in what is written, whatever the pieces.
#[derive(Debug, Clone, Default)]
struct MessageScan {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    content_left: usize,
}

impl MessageScan {
    /// How many of `bytes` belong to the message, and whether it ends with them.
    fn advance(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut count = 0;
        loop {
            if self.header_bytes == HEADER_BYTES {
                let content = self.content_left.min(bytes.len() - count);
                count += content;
                self.content_left -= content;
                if self.content_left > 0 {
                    return (count, false);
                }
                self.header_bytes = 0;
                if self.header[1] & END_OF_MESSAGE != 0 {
                    return (count, true);
                }
            }
            let Some(byte) = bytes.get(count) else { return (count, false) };
            self.header[self.header_bytes] = *byte;
            self.header_bytes += 1;
            count += 1;
            if self.header_bytes == HEADER_BYTES {
                let length = usize::from(u16::from_be_bytes([self.header[2], self.header[3]]));
                self.content_left = length.saturating_sub(HEADER_BYTES);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_message_ends_where_it_ends_however_it_is_cut(
            contents in proptest::collection::vec(0_usize..30, 1..5),
            pieces in proptest::collection::vec(1_usize..12, 1..40),
        ) {
            let last = contents.len() - 1;
            let message: Vec<u8> = contents
                .iter()
                .enumerate()
                .flat_map(|(index, length)| packet(0x10, u8::from(index == last), &vec![7; *length]))
                .collect();
            let mut bytes = message.clone();
            bytes.extend([9; 20]);
            let mut scan = MessageScan::default();
            let mut at = 0;
            for piece in pieces.iter().cycle() {
                let piece = &bytes[at..(at + piece).min(bytes.len())];
                let (count, ended) = scan.advance(piece);
                at += count;
                prop_assert_eq!(ended, at == message.len());
                if ended {
                    break;
                }
                prop_assert_eq!(count, piece.len());
            }
        }
    }

    #[test]
    fn tls_is_cut_into_packets_of_one_message() {
        let content = vec![5; HANDSHAKE_CONTENT_MAX + 1];
        let wrapped = packets(&content);
        assert_eq!(wrapped.len(), content.len() + 2 * HEADER_BYTES);
        assert_eq!(MessageScan::default().advance(&wrapped), (wrapped.len(), true));
        assert!(packets(&[]).is_empty());
    }
}
