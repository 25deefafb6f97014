//! The SELECTs of a load: by primary key ranges, so that Live answers them from its indexes.

use tokio_postgres::Client;

use crate::mapping::config::CapturedTable;

use super::reader::Selection;

/// A name as SQL wants it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table with the columns that the mapping reads and the types of those that select.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) schema: String,
    pub(super) table: String,
    columns: Vec<String>,
    types: Vec<(String, String)>,
}

impl Table {
    /// Asks Live for the columns' types.
    pub(super) async fn look_up(client: &Client, of: &CapturedTable) -> Result<Self, tokio_postgres::Error> {
        let rows = client
            .query(
                "SELECT a.attname::text, format_type(a.atttypid, NULL) \
                 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped",
                &[&of.schema, &of.table],
            )
            .await?;
        let types =
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, _>>()?;
        let CapturedTable { schema, table, columns, .. } = of.clone();
        Ok(Self { schema, table, columns, types })
    }

    /// The mapped columns that the table does not have.
    pub(super) fn missing(&self) -> Vec<&str> {
        let has = |column: &&String| self.types.iter().any(|(name, _)| name == *column);
        self.columns.iter().filter(|column| !has(column)).map(String::as_str).collect()
    }

    pub(super) fn name(&self) -> (&str, &str) {
        (&self.schema, &self.table)
    }

    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    /// The rows by what Live orders as we do: text is ordered by a collation, and numbers are text to us.
    pub(super) fn ordered_alike<'a>(&self, rows: Selection<'a>) -> Selection<'a> {
        match rows {
            Selection::Range { key, .. }
                if !matches!(self.type_of(key), "smallint" | "integer" | "bigint" | "uuid") =>
            {
                rows.by_ids()
            }
            other => other,
        }
    }

    /// The statement that reads the chosen rows; ids are its parameters, as text.
    pub(super) fn select(&self, rows: &Selection<'_>) -> String {
        match *rows {
            Selection::Page { key, limit, .. } => self.page(key, limit),
            Selection::Since { column, key, limit, .. } => self.since(column, key, limit),
            Selection::Any { key, .. } => self.any(key),
            Selection::Range { of: [(a, _), (b, _)], key, .. } => self.range(a, b, key),
            Selection::AnyOf { of: [(a, _), (b, _)], key, .. } => self.any_in(a, b, key),
        }
    }

    fn select_all(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|column| quoted(column)).collect();
        format!("SELECT {} FROM {}.{}", columns.join(", "), quoted(&self.schema), quoted(&self.table))
    }

    fn type_of(&self, column: &str) -> &str {
        self.types.iter().find(|(name, _)| name == column).map_or("text", |(_, of)| of)
    }

    /// Ids travel as text and are cast to the column's own type, so that its index is used.
    fn cast(&self, parameter: usize, column: &str) -> String {
        format!("${parameter}::text::{}", self.type_of(column))
    }

    fn cast_array(&self, parameter: usize, column: &str) -> String {
        format!("${parameter}::text[]::{}[]", self.type_of(column))
    }

    /// The next rows by `key`: `$1` the last one seen (or null), at most `limit`.
    fn page(&self, key: &str, limit: usize) -> String {
        let column = quoted(key);
        format!(
            "{} WHERE $1::text IS NULL OR {column} > {} ORDER BY {column} LIMIT {limit}",
            self.select_all(),
            self.cast(1, key)
        )
    }

    /// The next rows by `key`, of those in which `column` is not before `$2`.
    fn since(&self, column: &str, key: &str, limit: usize) -> String {
        let id = quoted(key);
        format!(
            "{} WHERE ($1::text IS NULL OR {id} > {}) AND {} >= {} ORDER BY {id} LIMIT {limit}",
            self.select_all(),
            self.cast(1, key),
            quoted(column),
            self.cast(2, column)
        )
    }

    /// Rows whose `key` is one of `$1`.
    fn any(&self, key: &str) -> String {
        format!("{} WHERE {} = ANY({})", self.select_all(), quoted(key), self.cast_array(1, key))
    }

    /// Rows of store `$1` and deposit `$2` from after `$3` up to `$4` of `key`.
    fn range(&self, store: &str, deposit: &str, key: &str) -> String {
        format!(
            "{} WHERE {} = {} AND {} = {} AND ($3::text IS NULL OR {} > {}) AND {} <= {}",
            self.select_all(),
            quoted(store),
            self.cast(1, store),
            quoted(deposit),
            self.cast(2, deposit),
            quoted(key),
            self.cast(3, key),
            quoted(key),
            self.cast(4, key),
        )
    }

    /// Rows of store `$1` and deposit `$2` whose `key` is one of `$3`.
    fn any_in(&self, store: &str, deposit: &str, key: &str) -> String {
        format!(
            "{} WHERE {} = {} AND {} = {} AND {} = ANY({})",
            self.select_all(),
            quoted(store),
            self.cast(1, store),
            quoted(deposit),
            self.cast(2, deposit),
            quoted(key),
            self.cast_array(3, key),
        )
    }
}
