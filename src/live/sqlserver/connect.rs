//! From settings to a logged-in session of the driver.

use std::io;

use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tiberius::{AuthMethod, Config, EncryptionLevel, SqlBrowser};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use crate::live::TlsError;
use crate::live::socket::{dial_host, watch_over};
use crate::live::tls::checked_config;

use super::error::{ConnectError, ServerError};
use super::prelogin::{Encryption, exchange};
use super::settings::{DEFAULT_PORT, SqlServerSettings, SqlServerTls};
use super::tunnel::{Tunnel, encrypt};

pub(super) type Client = tiberius::Client<Compat<Tunnel>>;

/// Where SQL Server Browser listens (UDP).
const BROWSER_PORT: u16 = 1434;

/// TDS before 8.0 goes no further. It also keeps the end of the handshake unambiguous: in TLS 1.3 the server may send
/// tickets after it, wrapped or not.
static TLS_VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// Connects and logs in, within `connect_timeout_seconds`.
pub(super) async fn connect(settings: &SqlServerSettings) -> Result<Client, ConnectError> {
    let limit = settings.connect_timeout();
    timeout(limit, connect_now(settings)).await.unwrap_or_else(|_| {
        Err(ConnectError::TimedOut { address: settings.address(), seconds: limit.as_secs() })
    })
}

async fn connect_now(settings: &SqlServerSettings) -> Result<Client, ConnectError> {
    let Some(password) = &settings.password else {
        return Err(ConnectError::PasswordMissing { user: settings.user.clone() });
    };
    if settings.tls == SqlServerTls::Disable {
        tracing::warn!(
            server = settings.address(),
            "not encrypted: whoever can listen on the network can read the password of the database; tls = \
             \"disable\" is for servers that speak nothing newer than TLS 1.1"
        );
    }
    let tunnel = open_tunnel(settings).await?;
    let mut config = Config::new();
    config.host(&settings.host);
    config.database(&settings.database);
    config.application_name(&settings.application_name);
    config.authentication(AuthMethod::sql_server(&settings.user, password.expose_secret()));
    // The tunnel encrypts; and it is us who watch the time.
    config.encryption(EncryptionLevel::NotSupported);
    config.handshake_timeout(None);
    config.command_timeout(None);
    tiberius::Client::connect(config, tunnel.compat_write()).await.map_err(|error| explain(error, settings))
}

/// TCP, PRELOGIN and TLS, as the settings say.
async fn open_tunnel(settings: &SqlServerSettings) -> Result<Tunnel, ConnectError> {
    let check_name = match settings.tls {
        SqlServerTls::Disable => None,
        SqlServerTls::Login | SqlServerTls::Require => Some(false),
        SqlServerTls::VerifyFull => Some(true),
    };
    let tls = match check_name {
        None => None,
        Some(check_name) => {
            let config = checked_config(settings.ca_file.as_deref(), check_name, TLS_VERSIONS)?;
            Some((config, server_name(settings)?))
        }
    };
    let mut tcp = dial(settings, BROWSER_PORT).await?;
    let wanted = match settings.tls {
        SqlServerTls::Disable => Encryption::NotSupported,
        SqlServerTls::Login => Encryption::LoginOnly,
        SqlServerTls::Require | SqlServerTls::VerifyFull => Encryption::On,
    };
    let offered = exchange(&mut tcp, wanted).await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => {
            ConnectError::NotSqlServer { address: settings.address(), what: error.to_string() }
        }
        _ => ConnectError::Broken(error),
    })?;
    let login_only = match (wanted, offered) {
        (Encryption::NotSupported, Encryption::NotSupported) => return Ok(Tunnel::plain(tcp)),
        (Encryption::NotSupported, _) => return Err(ConnectError::EncryptionRequired),
        (Encryption::LoginOnly, Encryption::LoginOnly) => true,
        (_, Encryption::On | Encryption::Required) => false,
        (_, Encryption::LoginOnly | Encryption::NotSupported) => {
            return Err(ConnectError::EncryptionNotOffered);
        }
    };
    let Some((config, name)) = tls else { return Err(ConnectError::EncryptionRequired) };
    let encrypted = encrypt(tcp, config, name).await.map_err(TlsError::from_handshake)?;
    Ok(Tunnel::encrypted(encrypted, login_only))
}

fn server_name(settings: &SqlServerSettings) -> Result<ServerName<'static>, TlsError> {
    let host = settings.hostname_in_certificate.as_ref().unwrap_or(&settings.host);
    ServerName::try_from(host.clone()).map_err(|_| TlsError::HostName(host.clone()))
}

/// TCP alone, by port or by the name of the instance.
async fn dial(settings: &SqlServerSettings, browser_port: u16) -> Result<TcpStream, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable { address: settings.address(), source };
    let (None, Some(instance)) = (settings.port, &settings.instance) else {
        let port = settings.port.unwrap_or(DEFAULT_PORT);
        return dial_host(&settings.host, port).await.map_err(unreachable);
    };
    let mut config = Config::new();
    config.host(&settings.host);
    config.instance_name(instance);
    config.port(browser_port);
    let tcp = TcpStream::connect_named(&config).await.map_err(|error| match error {
        tiberius::error::Error::Io { kind, message } => unreachable(io::Error::new(kind, message)),
        other => ConnectError::Instance { address: settings.address(), reason: other.to_string() },
    })?;
    watch_over(&tcp).map_err(unreachable)?;
    Ok(tcp)
}

/// Finds out of the driver's error what the operator can change.
fn explain(error: tiberius::error::Error, settings: &SqlServerSettings) -> ConnectError {
    use tiberius::error::Error;
    let user = settings.user.clone();
    let error = match error {
        Error::Server(error) => ServerError::from(&error),
        Error::Io { kind, message } => return ConnectError::Broken(io::Error::new(kind, message)),
        Error::Routing { host, port } => return ConnectError::Routed { host, port },
        other => return ConnectError::Driver(other.to_string()),
    };
    match error.number {
        911 | 916 | 4060 | 4064 => {
            ConnectError::NoDatabase { database: settings.database.clone(), user, error }
        }
        18_452 | 18_456 | 18_470 | 18_486..=18_488 => ConnectError::WrongPassword { user, error },
        _ if super::ErrorClass::of(&error) == super::ErrorClass::Transient => ConnectError::NotReady(error),
        _ => ConnectError::Refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, UdpSocket};

    #[tokio::test]
    async fn a_named_instance_is_found_through_the_browser() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let browser = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let browser_port = browser.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let mut question = [0; 64];
            let (length, from) = browser.recv_from(&mut question).await.unwrap();
            let text =
                format!("ServerName;DB;InstanceName;LIVE;IsClustered;No;Version;15.0.2000.5;tcp;{port};;");
            let mut answer = vec![5];
            answer.extend((text.len() as u16).to_le_bytes());
            answer.extend(text.as_bytes());
            browser.send_to(&answer, from).await.unwrap();
            question[..length].to_vec()
        });
        let mut settings = SqlServerSettings::new("127.0.0.1", "live", "mare");
        settings.instance = Some("LIVE".to_owned());
        let tcp = dial(&settings, browser_port).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap().port(), port);
        assert_eq!(asked.await.unwrap(), b"\x04LIVE");
    }

    #[tokio::test]
    async fn a_browser_that_is_silent_is_named() {
        let browser = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut settings = SqlServerSettings::new("127.0.0.1", "live", "mare");
        settings.instance = Some("LIVE".to_owned());
        let error = dial(&settings, browser.local_addr().unwrap().port()).await.unwrap_err();
        assert!(matches!(&error, ConnectError::Instance { .. }), "{error}");
        assert!(error.to_string().contains(r"127.0.0.1\LIVE"), "{error}");
    }
}
