//! What a server says of itself and of the database.

use crate::core::time::Timestamp;
use crate::live::sqlserver::{Connection, Fetched, SqlError, Statement};

use super::change::moment;
use super::session::{integer_of, text_of};
use super::statements::PROBE;

/// SQL Server 2012: the oldest whose T-SQL and whose metadata are enough.
const VERSION_MIN: u32 = 11;

/// The answer to [`PROBE`].
#[derive(Debug, Default)]
pub(super) struct ServerFacts {
    /// Like `15.0.4335.1`.
    pub(super) version: String,
    pub(super) edition: String,
    /// `SERVERPROPERTY('EngineEdition')`: 2 to 4 on the retailer's own machines, 5 and above in Azure.
    pub(super) engine: i64,
    pub(super) is_babelfish: bool,
    pub(super) database: String,
    pub(super) compatibility: i64,
    pub(super) reads_committed_snapshot: bool,
    pub(super) allows_snapshot: bool,
    pub(super) recovery: String,
    /// Seconds that its local time is ahead of UTC.
    pub(super) offset_seconds: Option<i64>,
    pub(super) utc: Option<Timestamp>,
}

impl ServerFacts {
    /// None when the server said nothing.
    pub(super) fn of(answer: &Fetched) -> Option<Self> {
        let row = answer.rows.row(0)?;
        let text = |name| text_of(row, name).unwrap_or_default().to_owned();
        let number = |name| integer_of(row, name).unwrap_or_default();
        let utc = row.columns().iter().position(|column| column.name == "hora_utc");
        Some(Self {
            version: text("produto_versao"),
            edition: text("edicao"),
            engine: number("tipo_motor"),
            is_babelfish: text("descricao").contains("Babelfish"),
            database: text("banco"),
            compatibility: number("compatibilidade"),
            reads_committed_snapshot: number("leitura_por_versao") == 1,
            allows_snapshot: number("isolamento_snapshot") == 1,
            recovery: text("recuperacao"),
            offset_seconds: integer_of(row, "deslocamento"),
            utc: utc.and_then(|place| moment(row.cell(place))),
        })
    }

    /// Why the version does not do, if so. One that is not told is not held against it.
    pub(super) fn too_old(&self) -> Option<String> {
        let major = self.version.split('.').next().and_then(|major| major.parse::<u32>().ok())?;
        (major < VERSION_MIN).then(|| {
            format!(
                "SQL Server of version {}: 2012 (version {VERSION_MIN}) is the oldest that works",
                self.version
            )
        })
    }
}

pub(super) async fn server_facts(connection: &Connection) -> Result<ServerFacts, SqlError> {
    let answer = connection.fetch(Statement::new(PROBE)).await?;
    Ok(ServerFacts::of(&answer).unwrap_or_default())
}
