//! A simulated shop on the reference Live: its tables, invented rows, and people who sell, receive and count.
//!
//! Used by `mare shop`, the demo, the tests and the benches. Everything follows from a seed: [`create`]
//! gives the same rows each time, [`Worker`] the same activities in the same order. [`expected`] tells, in
//! SQL of its own, what the web shop should show for what stands in Live.
//!
//! A database is an [`Engine`]: a connection of Postgres or [`SqlServer`].
//!
//! It writes only where [`create`] left its mark: the comment (in SQL Server the property `mare`) on schema `live`. A real Live has none, so no
//! mistyped address can sell a retailer's goods.

mod activity;
pub mod compare;
mod create;
mod engine;
pub mod expected;
mod layout;
mod postgres;
mod sqlserver;
mod statements;
pub mod tsql;
mod work;

pub use activity::{Activity, Kind, Line, Mix, Worker};
pub use create::{Profile, Sizes, Step, Summary, create, create_reporting, drop_shop};
pub use engine::{Engine, Script, Transaction};
pub use layout::{Layout, Store, Table};
pub use sqlserver::SqlServer;
pub use statements::Statements;
pub use work::{Plan, Progress, Totals, work};

use crate::live::sqlserver::SqlError;

/// What begins the comment on a schema `live` of ours.
const MARK: &str = "mare shop";

/// Why the shop could not be made or could not work.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// There is a schema `live` already; nothing was touched.
    #[error(
        "schema live exists already; with --recreate it is dropped first, if it was made by `mare shop create`"
    )]
    Exists,
    /// Schema `live` is missing, or was not made by [`create`]; nothing was touched.
    #[error("schema live was not made by `mare shop create`, and the simulated shop works nowhere else")]
    NotOurs,
    /// There is nobody to work with.
    #[error("at least one connection is needed")]
    NoConnection,
    #[error("a statement of the simulated shop failed")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("a statement of the simulated shop failed")]
    SqlServer(#[from] SqlError),
    /// An answer has a column that is not what the statement asks for.
    #[error("column {0} of an answer is not what was asked for")]
    Answer(usize),
}

/// Whether schema `live` was made by [`create`], and so may be worked in.
///
/// # Errors
/// When the database cannot be asked.
pub async fn is_ours(engine: &impl Engine) -> Result<bool, ShopError> {
    Ok(ownership(engine).await? == Ownership::Ours)
}

/// Whether schema `live` is there, and whether [`create`] made it.
async fn ownership(engine: &impl Engine) -> Result<Ownership, ShopError> {
    Ok(match engine.mark().await? {
        None => Ownership::Missing,
        Some(mark) if mark.starts_with(MARK) => Ownership::Ours,
        Some(_) => Ownership::Foreign,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ownership {
    Missing,
    Ours,
    Foreign,
}
