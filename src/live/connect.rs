//! A connection for plain SQL.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use super::error::{ConnectError, ServerError};
use super::settings::PostgresSettings;
use super::socket::open;

/// Gives the connection settings with the password of the moment (it may be rotated).
pub type Connect = Arc<dyn Fn() -> anyhow::Result<PostgresSettings> + Send + Sync>;

/// Connects for plain SQL. The connection's task ends when the client is dropped; a connection that broke
/// shows as an error of the next statement and as [`Client::is_closed`].
///
/// # Errors
/// [`ConnectError`], after `connect_timeout_seconds` at the latest. Must be called inside a tokio runtime.
pub async fn connect(settings: &PostgresSettings) -> Result<Client, ConnectError> {
    let limit = settings.connect_timeout();
    timeout(limit, connect_now(settings)).await.unwrap_or_else(|_| {
        Err(ConnectError::TimedOut {
            host: settings.host.clone(),
            port: settings.port,
            seconds: limit.as_secs(),
        })
    })
}

/// Opens the socket as for the replication connection, so the driver has nothing to do with TLS.
async fn connect_now(settings: &PostgresSettings) -> Result<Client, ConnectError> {
    let socket = open(settings).await?;
    let mut config = Config::new();
    config.user(&settings.user).dbname(&settings.database).application_name(&settings.application_name);
    config.ssl_mode(SslMode::Disable);
    if let Some(password) = &settings.password {
        config.password(password.expose_secret());
    }
    let connected = config.connect_raw(socket, NoTls).await;
    let (client, connection) = connected.map_err(|error| explain(error, settings))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "SQL connection to Live ended");
        }
    });
    Ok(client)
}

/// Finds out of the driver's error what the operator can change.
fn explain(error: tokio_postgres::Error, settings: &PostgresSettings) -> ConnectError {
    if let Some(db) = error.as_db_error() {
        return ConnectError::from_server(ServerError::from(db), &settings.user, &settings.database);
    }
    let cause = error.source();
    if let Some(io) = cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
        return ConnectError::Broken(io::Error::new(io.kind(), io.to_string()));
    }
    // The driver has no kind of its own for it.
    if settings.password.is_none() && cause.is_some_and(|cause| cause.to_string() == "password missing") {
        return ConnectError::PasswordMissing { user: settings.user.clone() };
    }
    ConnectError::Other(error)
}
