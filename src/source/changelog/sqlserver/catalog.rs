//! The captured tables as they stand in the database.

use crate::live::sqlserver::{Connection, Param, Row, SessionId, SqlError, Statement};
use crate::mapping::config::CapturedTable;

use super::session::{integer_of, text_of};
use super::statements::{COLUMNS, TRIGGERS};
use super::table::{CaptureTable, ColumnFacts, ColumnRow, TableFacts};

/// Looks the captured tables up; one that is not there, or that the login may not see, is left out.
///
/// # Errors
/// When the server refuses or the connection breaks; also when `session` is over.
pub async fn table_facts(
    connection: &Connection,
    session: Option<SessionId>,
    captured: &[CapturedTable],
) -> Result<Vec<TableFacts>, SqlError> {
    let mut found = Vec::new();
    for wanted in captured {
        found.extend(facts_of(connection, session, &wanted.schema, &wanted.table).await?);
    }
    Ok(found)
}

/// As [`table_facts`], for one table.
pub(super) async fn facts_of(
    connection: &Connection,
    session: Option<SessionId>,
    schema: &str,
    table: &str,
) -> Result<Option<TableFacts>, SqlError> {
    let ask =
        Statement::new(COLUMNS).bind(Param::text(schema.to_owned())).bind(Param::text(table.to_owned()));
    let columns = connection.fetch(in_session(ask, session)).await?;
    Ok(TableFacts::gather(schema, table, columns.rows.rows().map(column_row).collect()))
}

/// A trigger as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerFacts {
    pub name: String,
    pub disabled: bool,
    pub instead_of: bool,
    /// Under which settings it was made; none when the login may not see it.
    pub quoted_identifier: Option<bool>,
    pub ansi_nulls: Option<bool>,
    /// None when the login may not see it, or when it is encrypted.
    pub definition: Option<String>,
}

/// The triggers of a table, ours and others, as far as the login may see them.
///
/// # Errors
/// As [`table_facts`].
pub async fn trigger_facts(
    connection: &Connection,
    session: Option<SessionId>,
    table: &CaptureTable,
) -> Result<Vec<TriggerFacts>, SqlError> {
    let ask = Statement::new(TRIGGERS)
        .bind(Param::text(table.schema.clone()))
        .bind(Param::text(table.table.clone()));
    let found = connection.fetch(in_session(ask, session)).await?;
    let facts = found.rows.rows().map(|row| TriggerFacts {
        name: text_of(row, "gatilho").unwrap_or_default().to_owned(),
        disabled: integer_of(row, "desligado") == Some(1),
        instead_of: integer_of(row, "em_lugar_de") == Some(1),
        quoted_identifier: integer_of(row, "identificador_entre_aspas").map(|on| on == 1),
        ansi_nulls: integer_of(row, "nulos_ansi").map(|on| on == 1),
        definition: text_of(row, "definicao").map(str::to_owned),
    });
    Ok(facts.collect())
}

fn in_session(statement: Statement, session: Option<SessionId>) -> Statement {
    match session {
        Some(session) => statement.only_in(session),
        None => statement,
    }
}

fn column_row(row: Row<'_>) -> ColumnRow {
    let number = |name| integer_of(row, name).unwrap_or_default();
    let column = ColumnFacts {
        name: text_of(row, "coluna").unwrap_or_default().to_owned(),
        data_type: text_of(row, "tipo").unwrap_or_default().to_lowercase(),
        max_length: i16::try_from(number("tamanho")).unwrap_or(-1),
        precision: u8::try_from(number("precisao")).unwrap_or_default(),
        scale: u8::try_from(number("escala")).unwrap_or_default(),
        nullable: number("aceita_nulo") != 0,
        computed: number("calculada") != 0,
        collation: text_of(row, "ordenacao").map(str::to_owned),
    };
    let place = |name| integer_of(row, name).and_then(|number| i32::try_from(number).ok());
    ColumnRow { column, place: place("indice").zip(place("ordem")) }
}
