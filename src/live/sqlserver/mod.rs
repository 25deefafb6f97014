//! The way into TOTVS Live's SQL Server.
//!
//! A [`Connection`] is owned by one task, which alone speaks to the driver: a future of the driver that is dropped leaves
//! an answer half read, and the next statement would wait for it or read it. So nothing of the driver is handed out;
//! callers send [`Statement`]s and get rows in [`RowBuffer`]s, whose cells the mapping reads like those of Postgres.
//!
//! TLS is ours, not the driver's, so that both databases check certificates by the same rules.

mod column;
mod connect;
mod connection;
mod decode;
mod error;
mod prelogin;
mod probe;
mod rows;
mod settings;
mod statement;
mod task;
mod tunnel;
mod url;

pub use column::{ColumnError, ColumnProblem};
pub use connection::{Connection, Executed, Fetched, RowStream, SESSION_SETUP, Transaction};
pub use error::{ConnectError, ErrorClass, ServerError, SqlError, retry_deadlock};
pub use probe::{LevelResult, probe_levels};
pub use rows::{Row, RowBuffer};
pub use settings::{SqlServerSettings, SqlServerTls, UnknownZone, Zone};
pub use statement::{Param, SessionId, Statement};
pub use url::UrlError;
