//! The way into TOTVS Live's database. For Postgres: settings, TCP and TLS, and a plain SQL connection. For SQL
//! Server: [`sqlserver`], which shares TCP and the checks of certificates.
//!
//! The replication connection of [`crate::source::postgres::wire`] shares all of it but the SQL client, so
//! that both connections reach, trust and fail in the same way.

mod connect;
mod error;
mod settings;
mod socket;
pub mod sqlserver;
mod tls;
pub mod writer;

pub use connect::{Connect, connect};
pub use error::{ConnectError, ServerError, TlsError};
pub use settings::{PostgresSettings, TlsMode};
pub(crate) use socket::{Socket, open};
