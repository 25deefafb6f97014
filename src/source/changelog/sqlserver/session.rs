//! What every session with SQL Server begins with, and how its answers are read.

use std::borrow::Cow;

use crate::live::sqlserver::{
    Connection, ErrorClass, Fetched, Param, Row, SESSION_SETUP, SessionId, SqlError, SqlServerSettings,
    Statement,
};
use crate::source::changelog::dialect::DialectError;

use super::statements::{LOCK, LOCK_HOLDER, PROBE, RIGHTS, SESSION};
use super::table::CaptureTable;

/// The lock of the one reader that a database may have, whatever the mode.
pub const READER_LOCK: &str = "mare";

pub use crate::live::writer::Login;

/// A connection that is set up as ours are, with `more` settings for each of its sessions.
pub(crate) fn connection(settings: SqlServerSettings, more: &str) -> Connection {
    Connection::lazy(settings, format!("{SESSION_SETUP}\n{SESSION}\n{more}"))
}

/// What a server says of itself.
pub(super) struct Probed {
    /// `server/database`
    pub(super) name: String,
    /// ALLOW_SNAPSHOT_ISOLATION is on.
    pub(super) snapshots: bool,
    /// Several rows may have the same `rowversion`: Babelfish gives all rows of a transaction the same.
    pub(super) versions_repeat: bool,
}

pub(super) async fn probe(connection: &Connection) -> Result<Probed, DialectError> {
    let probed = fetch(connection, Statement::new(PROBE)).await?;
    let row = probed.rows.row(0).ok_or_else(|| refused("the server does not say which database this is"))?;
    let text = |name| text_of(row, name).unwrap_or_default();
    Ok(Probed {
        name: format!("{}/{}", text("servidor"), text("banco")),
        snapshots: integer_of(row, "isolamento_snapshot") == Some(1),
        versions_repeat: text("descricao").contains("Babelfish"),
    })
}

/// Which life of the database this is: of the answer to [`PROBE_FORK`](super::statements::PROBE_FORK).
pub(super) fn system(name: &str, fork: &Fetched) -> String {
    let row = fork.rows.row(0);
    let part = |name| row.and_then(|row| text_of(row, name)).unwrap_or_default();
    format!("{name}/{}/{}", part("banco"), part("ramo"))
}

/// Two readers of one database would each take a part of the changes, and both would burden the shop.
pub(super) async fn lock(connection: &Connection, database: &str) -> Result<SessionId, DialectError> {
    if let Some(session) = try_lock(connection).await.map_err(failed)? {
        return Ok(session);
    }
    let holder = holder(connection).await.ok().flatten();
    let holder =
        holder.map_or_else(|| "the server does not say where".to_owned(), |holder| holder.to_string());
    Err(DialectError::Blocked(format!(
        "database '{database}' is read by another maré ({holder}); stop that one"
    )))
}

/// Takes the reader's lock; none when another session has it.
pub(super) async fn try_lock(connection: &Connection) -> Result<Option<SessionId>, SqlError> {
    let taken = connection.fetch(Statement::new(LOCK).bind(Param::text(READER_LOCK))).await?;
    let result = taken.rows.row(0).and_then(|row| row.integer(0));
    Ok(result.is_some_and(|result| result >= 0).then_some(taken.session))
}

/// Who has the reader's lock.
pub(super) struct Holder {
    /// The number of its session, as the server counts them.
    pub(super) session: Option<i64>,
    program: String,
    machine: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.program, self.machine)
    }
}

impl Holder {
    /// Of an answer to [`LOCK_HOLDER`]; none when nobody has it, or when the server does not say who.
    pub(super) fn of(answer: &Fetched) -> Option<Self> {
        let row = answer.rows.row(0)?;
        Some(Self {
            session: integer_of(row, "sessao"),
            program: text_of(row, "programa")?.to_owned(),
            machine: text_of(row, "maquina").unwrap_or("?").to_owned(),
        })
    }
}

/// As [`Holder::of`].
pub(super) async fn holder(connection: &Connection) -> Result<Option<Holder>, SqlError> {
    Ok(Holder::of(&connection.fetch(Statement::new(LOCK_HOLDER)).await?))
}

/// Whether the login would be told about the triggers of a table, if there are any.
pub(super) async fn may_see_triggers(
    connection: &Connection,
    session: SessionId,
    table: &CaptureTable,
) -> Result<bool, DialectError> {
    let ask = Statement::new(RIGHTS)
        .bind(Param::text(table.source_name()))
        .bind(Param::text("VIEW DEFINITION"))
        .only_in(session);
    let answer = fetch(connection, ask).await?;
    Ok(answer.rows.row(0).and_then(|row| row.integer(0)) == Some(1))
}

pub(super) async fn fetch(connection: &Connection, statement: Statement) -> Result<Fetched, DialectError> {
    connection.fetch(statement).await.map_err(failed)
}

pub(super) fn failed(error: SqlError) -> DialectError {
    match error {
        SqlError::Connect(error) => DialectError::Unreachable(error.into()),
        error if error.class() == ErrorClass::NeedsPerson => DialectError::Blocked(error.to_string()),
        error => DialectError::refused(error),
    }
}

pub(super) fn refused(text: impl Into<Cow<'static, str>>) -> DialectError {
    DialectError::Refused(text.into().into_owned())
}

/// The place of a column by its name.
fn place(row: Row<'_>, name: &str) -> Option<usize> {
    row.columns().iter().position(|column| column.name == name)
}

pub(super) fn text_of<'a>(row: Row<'a>, name: &str) -> Option<&'a str> {
    row.text(place(row, name)?)
}

pub(super) fn integer_of(row: Row<'_>, name: &str) -> Option<i64> {
    row.integer(place(row, name)?)
}
