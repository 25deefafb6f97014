//! TCP and TLS up to the point where Postgres wants its start-up message.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::{ConnectError, TlsError};
use super::settings::{PostgresSettings, TlsMode};
use super::tls::client_config;

/// Silence after which the kernel asks whether the other side is still there: below the five minutes after
/// which many firewalls forget a connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// Time between two such questions.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Unanswered questions after which the connection counts as dead.
const KEEPALIVE_RETRIES: u32 = 3;
/// Longest time for sent bytes to stay unacknowledged, which keepalives do not watch over.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(60);

/// A connection to the server, encrypted or not.
#[derive(Debug)]
pub(crate) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    pub(crate) const fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// Connects and encrypts as the settings say. The caller watches the time.
pub(crate) async fn open(settings: &PostgresSettings) -> Result<Socket, ConnectError> {
    let config = client_config(settings)?;
    let mut tcp = dial(settings).await?;
    let Some(config) = config else { return Ok(Socket::Plain(tcp)) };
    if !offers_tls(&mut tcp, settings).await? {
        return match settings.tls {
            TlsMode::Disable | TlsMode::Prefer => Ok(Socket::Plain(tcp)),
            TlsMode::Require | TlsMode::VerifyFull => Err(TlsError::NotOffered.into()),
        };
    }
    match encrypt(settings, config, tcp).await {
        // A server too old for our TLS. Nothing was promised about it, as long as no authority is named.
        Err(TlsError::Handshake(_)) if settings.tls == TlsMode::Prefer && settings.ca_file.is_none() => {
            Ok(Socket::Plain(dial(settings).await?))
        }
        encrypted => Ok(Socket::Tls(Box::new(encrypted?))),
    }
}

async fn encrypt(
    settings: &PostgresSettings,
    config: ClientConfig,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, TlsError> {
    let host = &settings.host;
    let name = ServerName::try_from(host.clone()).map_err(|_| TlsError::HostName(host.clone()))?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(TlsError::from_handshake)
}

/// TCP alone.
async fn dial(settings: &PostgresSettings) -> Result<TcpStream, ConnectError> {
    dial_host(&settings.host, settings.port).await.map_err(|source| ConnectError::Unreachable {
        host: settings.host.clone(),
        port: settings.port,
        source,
    })
}

/// A TCP connection to a server of Live, with keepalives.
pub(super) async fn dial_host(host: &str, port: u16) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect((host, port)).await?;
    tcp.set_nodelay(true)?;
    watch_over(&tcp)?;
    Ok(tcp)
}

/// Lets the kernel notice a peer that is gone without a word.
pub(super) fn watch_over(tcp: &TcpStream) -> io::Result<()> {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    let socket = SockRef::from(tcp);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    Ok(())
}

/// Asks with an `SSLRequest` (Postgres manual, "SSL Session Encryption").
///
/// Exactly one byte is read, so nothing that came in clear can be taken for a part of the encrypted answer.
async fn offers_tls(tcp: &mut TcpStream, settings: &PostgresSettings) -> Result<bool, ConnectError> {
    let mut request = BytesMut::new();
    postgres_protocol::message::frontend::ssl_request(&mut request);
    tcp.write_all(&request).await?;
    match tcp.read_u8().await? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        other => Err(ConnectError::NotPostgres {
            host: settings.host.clone(),
            port: settings.port,
            what: format!("it answered the question for TLS with byte 0x{other:02X}"),
        }),
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
