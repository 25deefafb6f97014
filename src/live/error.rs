//! Why there is no connection, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use tokio_postgres::error::DbError;

/// An `ErrorResponse` of the server (Postgres manual, "Error and Notice Message Fields").
///
/// The message may be in the language of the server (`lc_messages`); decisions use `code` and `routine`,
/// which are the same everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// SQLSTATE.
    pub code: Box<str>,
    pub message: Box<str>,
    pub detail: Option<Box<str>>,
    pub hint: Option<Box<str>>,
    /// Function of the server's source that reported it.
    pub routine: Option<Box<str>>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code)?;
        for more in [&self.detail, &self.hint].into_iter().flatten() {
            write!(f, "; {more}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ServerError {}

impl From<&DbError> for ServerError {
    fn from(error: &DbError) -> Self {
        Self {
            code: error.code().code().into(),
            message: error.message().into(),
            detail: error.detail().map(Box::from),
            hint: error.hint().map(Box::from),
            routine: error.routine().map(Box::from),
        }
    }
}

/// No connection to the Postgres of Live. The text says what to do next and never holds the password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "cannot reach Postgres at {host}:{port}: {source}; check host and port, that the server listens \
             on that address (listen_addresses) and that no firewall is between"
    )]
    Unreachable { host: String, port: u16, source: io::Error },
    #[error(
        "Postgres at {host}:{port} did not complete the connection within {seconds} s; check the network, \
             or raise connect_timeout_seconds"
    )]
    TimedOut { host: String, port: u16, seconds: u64 },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("Postgres refused the login of user '{user}': {error}; check user and password")]
    WrongPassword { user: String, error: ServerError },
    #[error(
        "Postgres asks for a password of user '{user}', but none is configured; set MARE_DB_PASSWORD, or name \
             another place in `password` of the source"
    )]
    PasswordMissing { user: String },
    #[error("Postgres has no rule that lets user '{user}' in: {error}; add a line to pg_hba.conf")]
    NotAllowed { user: String, error: ServerError },
    #[error("database '{database}' does not exist: {error}")]
    NoDatabase { database: String, error: ServerError },
    #[error("Postgres has no connection left: {0}; raise max_connections or max_wal_senders")]
    TooManyConnections(ServerError),
    #[error("Postgres is starting up or shutting down: {0}; it is tried again")]
    NotReady(ServerError),
    #[error("Postgres refused the connection: {0}")]
    Refused(ServerError),
    #[error(
        "Postgres asks for the password in clear on an unencrypted connection; set tls to 'require', or \
             use scram-sha-256 in pg_hba.conf"
    )]
    ClearTextPassword,
    #[error(
        "Postgres asks for an authentication that is not supported (code {0}); use scram-sha-256 in \
             pg_hba.conf"
    )]
    UnsupportedAuthentication(u32),
    #[error("the server could not prove that it knows the password: {0}; is this the right server?")]
    ServerNotAuthentic(io::Error),
    #[error("the connection to Postgres broke during login: {0}")]
    Broken(#[from] io::Error),
    #[error("what answers at {host}:{port} does not speak the protocol of Postgres: {what}")]
    NotPostgres { host: String, port: u16, what: String },
    #[error("the connection to Postgres failed: {0}")]
    Other(tokio_postgres::Error),
}

/// No encrypted connection, or none that may be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the server does not offer TLS; set ssl = on in its postgresql.conf, or set tls to 'disable'")]
    NotOffered,
    #[error("'{0}' is no host name or address that a certificate can hold")]
    HostName(String),
    #[error("the server's certificate is not trusted: {0}; name the authority that signed it in ca_file")]
    Untrusted(rustls::Error),
    #[error("the server's certificate is for another host: {0}; use the host name of the certificate")]
    WrongHost(rustls::Error),
    #[error("TLS with the server failed: {0}")]
    Handshake(io::Error),
    #[error("cannot read ca_file '{path}': {reason}")]
    CaFile { path: PathBuf, reason: String },
    #[error("this machine has no trusted certificate authorities; name the server's authority in ca_file")]
    NoTrustedRoots,
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

impl ConnectError {
    /// Sorts an `ErrorResponse` during login by its SQLSTATE.
    pub(crate) fn from_server(error: ServerError, user: &str, database: &str) -> Self {
        match &*error.code {
            "28P01" => Self::WrongPassword { user: user.to_owned(), error },
            "28000" => Self::NotAllowed { user: user.to_owned(), error },
            "3D000" => Self::NoDatabase { database: database.to_owned(), error },
            "53300" => Self::TooManyConnections(error),
            "57P01" | "57P02" | "57P03" => Self::NotReady(error),
            _ => Self::Refused(error),
        }
    }
}

impl TlsError {
    /// Sorts a failed handshake by what was wrong with the certificate.
    pub(crate) fn from_handshake(error: io::Error) -> Self {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        use rustls::Error::InvalidCertificate;
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(cause @ InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Self::WrongHost(cause.clone())
            }
            Some(cause @ InvalidCertificate(_)) => Self::Untrusted(cause.clone()),
            _ => Self::Handshake(error),
        }
    }
}
