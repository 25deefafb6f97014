//! The captured tables as they stand in the database.

use crate::live::sqlserver::{Connection, Param, Row, SessionId, SqlError, Statement};
use crate::mapping::config::CapturedTable;

use super::session::{integer_of, text_of};
use super::statements::COLUMNS;
use super::table::{ColumnFacts, ColumnRow, TableFacts};

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
    let ask = match session {
        Some(session) => ask.only_in(session),
        None => ask,
    };
    let columns = connection.fetch(ask).await?;
    Ok(TableFacts::gather(schema, table, columns.rows.rows().map(column_row).collect()))
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
