//! The way into TOTVS Live's Postgres: settings, TCP and TLS, and a plain SQL connection.
//!
//! The replication connection of [`crate::source::postgres::wire`] shares all of it but the SQL client, so
//! that both connections reach, trust and fail in the same way.

mod connect;
mod error;
mod settings;
mod socket;
mod tls;

pub use connect::{Connect, connect};
pub use error::{ConnectError, ServerError, TlsError};
pub use settings::{PostgresSettings, TlsMode};
pub(crate) use socket::{Socket, open};
