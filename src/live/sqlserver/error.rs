//! What can go wrong with SQL Server, how bad it is, and what to do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use tiberius::error::TokenError;

use super::column::ColumnError;
use crate::live::TlsError;

/// An ERROR token of the server ([MS-TDS], "ERROR").
///
/// The text may be in the language of the login; decisions use the number, which is the same everywhere.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerError {
    pub number: u32,
    /// Where in the server's code it was raised; tells apart the reasons of 18456 in the server's own log.
    pub state: u8,
    /// Severity: 11 to 16 can be corrected by the user, 20 and above end the connection.
    pub class: u8,
    message: Box<str>,
    /// Stored procedure or trigger, if in one.
    pub procedure: Box<str>,
    /// Line in the statement, procedure or trigger.
    pub line: u32,
}

impl ServerError {
    /// Whether the server's text quotes values of rows, which may be personal data.
    const fn quotes_values(number: u32) -> bool {
        // Conversion failures, duplicate keys, truncation with the value (2628), messages of triggers and
        // procedures (RAISERROR and THROW).
        matches!(number, 220 | 232 | 241 | 244 | 245 | 248 | 295 | 2601 | 2627 | 2628 | 8114 | 8115 | 8152)
            || number >= 50_000
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if Self::quotes_values(self.number) {
            write!(f, "error {} (text withheld, it can quote data", self.number)?;
        } else {
            write!(f, "{} (error {}", self.message, self.number)?;
        }
        write!(f, ", state {}, class {}", self.state, self.class)?;
        if !self.procedure.is_empty() {
            write!(f, ", in {}", self.procedure)?;
        }
        write!(f, ", line {})", self.line)
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerError({self})")
    }
}

impl std::error::Error for ServerError {}

impl From<&TokenError> for ServerError {
    fn from(error: &TokenError) -> Self {
        Self {
            number: error.code(),
            state: error.state(),
            class: error.class(),
            message: error.message().into(),
            procedure: error.procedure().into(),
            line: error.line(),
        }
    }
}

/// No connection to the SQL Server of Live. The text says what to do next and never holds the password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "cannot reach SQL Server at {address}: {source}; check host and port, that TCP/IP is enabled for the \
             instance (SQL Server Configuration Manager) and that no firewall is between"
    )]
    Unreachable { address: String, source: io::Error },
    #[error(
        "cannot find the port of {address}: {reason}; check that the service SQL Server Browser runs and UDP 1434 \
             is open, or set port"
    )]
    Instance { address: String, reason: String },
    #[error(
        "SQL Server at {address} did not complete the connection within {seconds} s; check the network, or raise \
             connect_timeout_seconds"
    )]
    TimedOut { address: String, seconds: u64 },
    #[error("{cause}{advice}", cause = .0, advice = tls_advice(.0))]
    Tls(#[from] TlsError),
    #[error("the server cannot encrypt; set tls to 'disable' only if the network between is trusted")]
    EncryptionNotOffered,
    #[error(
        "the server takes encrypted connections only (Force Encryption); set tls to 'require' or 'verify-full'"
    )]
    EncryptionRequired,
    #[error(
        "SQL Server refused the login of user '{user}': {error}; check user and password, that SQL Server \
             authentication is enabled, and that the login is neither disabled nor expired"
    )]
    WrongPassword { user: String, error: ServerError },
    #[error("no password is configured for user '{user}'")]
    PasswordMissing { user: String },
    #[error(
        "user '{user}' cannot use database '{database}': {error}; check its name, that it is online, and that \
             the login has a user in it"
    )]
    NoDatabase { database: String, user: String, error: ServerError },
    #[error("SQL Server is starting, stopping or failing over: {0}; it is tried again")]
    NotReady(ServerError),
    #[error("SQL Server refused the connection: {0}")]
    Refused(ServerError),
    #[error("SQL Server sends us on to {host},{port}; set host and port to that")]
    Routed { host: String, port: u16 },
    #[error("the connection to SQL Server broke during login: {0}")]
    Broken(#[from] io::Error),
    #[error("what answers at {address} does not speak the protocol of SQL Server: {what}")]
    NotSqlServer { address: String, what: String },
    #[error("the connection to SQL Server failed: {0}")]
    Driver(String),
}

/// What is peculiar to SQL Server about a failed handshake.
fn tls_advice(error: &TlsError) -> &'static str {
    match error {
        TlsError::Handshake(_) => {
            "; a server that is not patched may speak only TLS 1.0 or 1.1: update it, or set tls to 'disable' if the \
             network between is trusted"
        }
        TlsError::Untrusted(cause) if cause.to_string().contains("UnsupportedCertVersion") => {
            "; the certificate that SQL Server made for itself cannot be checked: give the server one of X.509 \
             version 3, or leave ca_file out with tls 'require'"
        }
        _ => "",
    }
}

impl ConnectError {
    /// Whether another attempt can succeed without anybody changing anything.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Instance { .. }
            | Self::TimedOut { .. }
            | Self::NotReady(_)
            | Self::Broken(_)
            | Self::Driver(_) => true,
            Self::Refused(error) => !matches!(ErrorClass::of(error), ErrorClass::NeedsPerson),
            _ => false,
        }
    }
}

/// A statement that failed, or whose outcome is not known.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("SQL Server: {0}")]
    Server(ServerError),
    #[error(
        "SQL Server was silent for {limit:?} while it owed an answer; the connection is closed. Look for \
             blocked sessions, or raise command_timeout_seconds"
    )]
    TimedOut { limit: Duration },
    #[error("the connection to SQL Server broke: {0}")]
    Broken(String),
    #[error("an answer of SQL Server could not be understood: {0}; the connection is closed")]
    Protocol(String),
    #[error(transparent)]
    Column(#[from] ColumnError),
    #[error("the session that this belongs to is over; what was bound to it (locks, settings) is lost")]
    SessionOver,
    #[error(
        "the transaction is over: an earlier statement failed, or it waited too long; it was rolled back"
    )]
    TransactionOver,
    #[error(
        "the connection broke while the transaction was committed; whether it took effect is not known: {0}"
    )]
    CommitUnknown(Box<SqlError>),
    #[error("the task of the connection ended")]
    Gone,
}

/// What an error asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// This transaction was chosen to end a deadlock: do it again at once.
    Deadlock,
    /// A lock was not had in time: do it again later.
    LockTimeout,
    /// The server or the network will be back: connect anew and do it again.
    Transient,
    /// Nothing changes until somebody changes something: login, rights, names, free space.
    NeedsPerson,
    /// Not known: do it again a few times, then tell somebody.
    Unknown,
}

impl ErrorClass {
    /// Sorts by number (Microsoft's "Database engine events and errors").
    pub const fn of(error: &ServerError) -> Self {
        match error.number {
            1205 => Self::Deadlock,
            1222 => Self::LockTimeout,
            // Connections that are closed or not there yet; a server, database or replica on its way down or up.
            64 | 121 | 233 | 596 | 601 | 904 | 921 | 922 | 927 | 952 | 976 | 978 | 979 | 983 | 988 | 1204 | 3906
            | 3989 | 4221 | 6002 | 6004 | 6005 | 6006 | 9001 | 10053 | 10054 | 10060 | 10928 | 10929 | 11001
            | 17142 | 17143 | 17197 | 18401 | 18451 | 40143 | 40197 | 40501 | 40540 | 40613 | 49918 | 49919 | 49920
            // Snapshot conflicts, memory and tempdb pressure, timed-out waits for memory.
            | 701 | 802 | 3960 | 3961 | 8645 | 8651 => Self::Transient,
            // Logins, rights, databases.
            229 | 230 | 262 | 297 | 300 | 911 | 916 | 942 | 945 | 4060 | 4062 | 4064 | 15_247 | 18_452 | 18_456 | 18_470 | 18_486
            | 18_487 | 18_488
            // Names and statements that do not fit this database or version.
            | 102 | 105 | 137 | 156 | 195 | 201 | 206 | 207 | 208 | 209 | 245 | 334 | 2627 | 2601 | 515 | 547 | 2812 | 4104 | 8114 | 8152
            | 2628 | 8144 | 8178 | 22_104 | 22_105
            // No space, read-only.
            | 1101 | 1105 | 3908 | 9002 => Self::NeedsPerson,
            // The server closes the connection, whatever it was.
            _ if error.class >= 20 => Self::Transient,
            _ => Self::Unknown,
        }
    }
}

impl SqlError {
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Server(error) => ErrorClass::of(error),
            Self::Connect(error) if error.is_transient() => ErrorClass::Transient,
            Self::Connect(_) | Self::Column(_) => ErrorClass::NeedsPerson,
            Self::Broken(_) | Self::TimedOut { .. } | Self::SessionOver | Self::TransactionOver => {
                ErrorClass::Transient
            }
            Self::Protocol(_) | Self::CommitUnknown(_) | Self::Gone => ErrorClass::Unknown,
        }
    }

    pub(super) fn from_driver(error: tiberius::error::Error) -> Self {
        use tiberius::error::Error;
        match error {
            Error::Server(error) => Self::Server(ServerError::from(&error)),
            Error::Io { message, .. } => Self::Broken(message),
            other => Self::Protocol(other.to_string()),
        }
    }

    /// Whether the answer was read to its end, so that the connection can be used again.
    pub(super) const fn leaves_connection_usable(&self) -> bool {
        match self {
            // From class 20 on the server closes the connection.
            Self::Server(error) => error.class < 20,
            _ => false,
        }
    }
}

/// Does `work` again while it is chosen as the victim of deadlocks, `attempts` times at most, with a pause that
/// lets the other side finish.
///
/// # Errors
/// The error of the last attempt, or the first that is no deadlock.
pub async fn retry_deadlock<T>(
    attempts: u32,
    mut work: impl AsyncFnMut() -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    let mut attempt = 1;
    loop {
        match work().await {
            Err(error) if error.class() == ErrorClass::Deadlock && attempt < attempts => {
                tracing::debug!(attempt, "deadlock; doing it again");
                tokio::time::sleep(Duration::from_millis(fastrand::u64(5..50) * u64::from(attempt))).await;
                attempt += 1;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: u32, class: u8) -> ServerError {
        let message = "The duplicate key value is (123.456.789-00).".into();
        ServerError { number, state: 1, class, message, procedure: "".into(), line: 1 }
    }

    #[test]
    fn errors_are_sorted_by_number() {
        for (number, class) in [
            (1205, ErrorClass::Deadlock),
            (1222, ErrorClass::LockTimeout),
            (40613, ErrorClass::Transient),
            (6005, ErrorClass::Transient),
            (10054, ErrorClass::Transient),
            (233, ErrorClass::Transient),
            (64, ErrorClass::Transient),
            (3906, ErrorClass::Transient),
            (976, ErrorClass::Transient),
            (983, ErrorClass::Transient),
            (18456, ErrorClass::NeedsPerson),
            (911, ErrorClass::NeedsPerson),
            (4060, ErrorClass::NeedsPerson),
            (229, ErrorClass::NeedsPerson),
            (208, ErrorClass::NeedsPerson),
            (33_557_097, ErrorClass::Unknown),
        ] {
            assert_eq!(ErrorClass::of(&error(number, 16)), class, "{number}");
        }
        assert_eq!(ErrorClass::of(&error(33_557_097, 21)), ErrorClass::Transient);
    }

    #[test]
    fn a_text_that_quotes_a_row_is_not_shown() {
        for number in [2601, 2627, 2628, 245, 50_000] {
            let error = error(number, 14);
            assert!(!format!("{error} {error:?}").contains("123.456"), "{number}");
            assert!(error.to_string().contains(&number.to_string()));
        }
    }
}
