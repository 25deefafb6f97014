//! Statements of the shop that stop working as soon as a table has a trigger: OUTPUT without INTO (error 334).

use crate::live::sqlserver::{Connection, Fetched, Param, SqlError, Statement};

use super::session::text_of;
use super::statements::{OUTPUT_IN_CACHE, OUTPUT_IN_MODULES};

/// Stored code that names the table and the word OUTPUT, which is also how procedures mark parameters: to be looked at by
/// somebody. Only what the login may see.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn output_in_modules(connection: &Connection, table: &str) -> Result<Vec<String>, SqlError> {
    let found = connection.fetch(in_modules(table)).await?;
    Ok(modules(&found))
}

pub(super) fn in_modules(table: &str) -> Statement {
    Statement::new(OUTPUT_IN_MODULES).bind(Param::text(anywhere(table)))
}

pub(super) fn in_cache(table: &str) -> Statement {
    Statement::new(OUTPUT_IN_CACHE).bind(Param::text(anywhere(table)))
}

pub(super) fn modules(found: &Fetched) -> Vec<String> {
    let name = |row| {
        let schema = text_of(row, "esquema").unwrap_or("?");
        // A trigger of the database has neither.
        text_of(row, "objeto").map(|object| format!("{schema}.{object}"))
    };
    found.rows.rows().filter_map(name).collect()
}

/// A pattern of LIKE for a text that contains the name.
fn anywhere(name: &str) -> String {
    let escaped = name.chars().fold(String::new(), |mut text, c| {
        match c {
            '%' | '_' | '[' => text.extend(['[', c, ']']),
            other => text.push(other),
        }
        text
    });
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_as_it_is() {
        assert_eq!(anywhere("estoque_saldo"), "%estoque[_]saldo%");
        assert_eq!(anywhere("a[b]%"), "%a[[]b][%]%");
    }
}
