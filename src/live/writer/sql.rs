//! A statement for both engines: text, names and values apart, so that each engine quotes, casts and numbers them in its
//! own way. Values never become text.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use crate::core::time::Timestamp;

/// Whose SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    SqlServer,
}

/// A parameter. `Debug` shows its kind alone.
#[derive(Clone, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Flag(bool),
    Text(Cow<'static, str>),
    /// Exact, as text: `12.5000`.
    Decimal(String),
    /// `YYYY-MM-DD`.
    Date(String),
    Uuid(u128),
    /// In SQL Server the local time of the source's zone.
    Moment(Timestamp),
}

impl Value {
    pub fn text(value: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(value.into())
    }

    /// Null for none.
    pub fn optional<T>(value: Option<T>, wrap: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, wrap)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int",
            Self::Flag(_) => "Flag",
            Self::Text(_) => "Text",
            Self::Decimal(_) => "Decimal",
            Self::Date(_) => "Date",
            Self::Uuid(_) => "Uuid",
            Self::Moment(_) => "Moment",
        })
    }
}

#[derive(Debug, Clone)]
enum Part {
    Text(&'static str),
    Name(String),
    Table(String),
    Value(Value),
}

/// A statement that is being put together.
///
/// ```
/// use mare::live::writer::{Dialect, Sql, Value};
///
/// let sql = Sql::read("consents.letter").push("SELECT ").names(["id", "versao"]).push(" FROM ")
///     .table("live.carta_consentimento").push(" WHERE ").name("ind_ativa").push(" = ").value(Value::Flag(true));
/// assert_eq!(
///     sql.text(Dialect::SqlServer),
///     "/*mare:consents.letter*/ SELECT [id], [versao] FROM [live].[carta_consentimento] WHERE [ind_ativa] = @P1"
/// );
/// ```
#[derive(Debug, Clone)]
pub struct Sql {
    tag: &'static str,
    pub(super) writes: bool,
    parts: Vec<Part>,
}

impl Sql {
    /// A statement that changes nothing. `tag` names it in what the server shows of running statements.
    pub const fn read(tag: &'static str) -> Self {
        Self { tag, writes: false, parts: Vec::new() }
    }

    /// One INSERT, UPDATE or DELETE.
    pub const fn write(tag: &'static str) -> Self {
        Self { tag, writes: true, parts: Vec::new() }
    }

    /// An INSERT of one row. A column whose name is empty is one that the site does not have: it is left out.
    pub fn insert<'a>(
        tag: &'static str,
        table: &str,
        row: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Self {
        let (names, values) = columns(row);
        Self::write(tag)
            .push("INSERT INTO ")
            .table(table)
            .push(" (")
            .names(names)
            .push(") VALUES (")
            .values(values)
            .push(")")
    }

    /// As [`Sql::insert`], unless there is a row with this `key`: then nothing happens, and no rows are counted.
    pub fn insert_unless<'a>(
        tag: &'static str,
        table: &str,
        key: (&str, Value),
        row: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Self {
        let (names, values) = columns(row);
        Self::write(tag)
            .push("INSERT INTO ")
            .table(table)
            .push(" (")
            .names(names)
            .push(") SELECT ")
            .values(values)
            .push(" WHERE NOT EXISTS (SELECT 1 FROM ")
            .table(table)
            .push(" WHERE ")
            .name(key.0)
            .push(" = ")
            .value(key.1)
            .push(")")
    }

    /// SQL that both engines read alike.
    #[must_use]
    pub fn push(mut self, text: &'static str) -> Self {
        self.parts.push(Part::Text(text));
        self
    }

    /// A column.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.parts.push(Part::Name(name.to_owned()));
        self
    }

    /// Columns with commas between them.
    #[must_use]
    pub fn names<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let separate =
            |(sql, first): (Self, bool), name| (if first { sql } else { sql.push(", ") }.name(name), false);
        names.into_iter().fold((self, true), separate).0
    }

    /// `schema.table`
    #[must_use]
    pub fn table(mut self, name: &str) -> Self {
        self.parts.push(Part::Table(name.to_owned()));
        self
    }

    #[must_use]
    pub fn value(mut self, value: Value) -> Self {
        self.parts.push(Part::Value(value));
        self
    }

    /// Values with commas between them.
    #[must_use]
    pub fn values(self, values: impl IntoIterator<Item = Value>) -> Self {
        let separate = |(sql, first): (Self, bool), value| {
            (if first { sql } else { sql.push(", ") }.value(value), false)
        };
        values.into_iter().fold((self, true), separate).0
    }

    /// As the engine reads it.
    pub fn text(&self, dialect: Dialect) -> String {
        self.text_after(dialect, "")
    }

    /// With `before` between tag and statement.
    pub(super) fn text_after(&self, dialect: Dialect, before: &str) -> String {
        let mut sql = format!("/*mare:{}*/ {before}", self.tag);
        let mut parameter = 0;
        for part in &self.parts {
            match part {
                Part::Text(text) => sql.push_str(text),
                Part::Name(name) => sql.push_str(&quoted(dialect, name)),
                Part::Table(name) => sql.push_str(&quoted_table(dialect, name)),
                // A null without a type is the only one that every column takes in both engines.
                Part::Value(Value::Null) => sql.push_str("NULL"),
                Part::Value(value) => {
                    parameter += 1;
                    push_parameter(&mut sql, dialect, parameter, value);
                }
            }
        }
        sql
    }

    /// The parameters, in the order of their numbers.
    pub(super) fn parameters(&self) -> Vec<&Value> {
        let parameter = |part| match part {
            &Part::Value(Value::Null) => None,
            Part::Value(value) => Some(value),
            _ => None,
        };
        self.parts.iter().filter_map(parameter).collect()
    }
}

fn columns<'a>(row: impl IntoIterator<Item = (&'a str, Value)>) -> (Vec<&'a str>, Vec<Value>) {
    row.into_iter().filter(|(name, _)| !name.is_empty()).unzip()
}

/// `schema.table`
pub(super) fn quoted_table(dialect: Dialect, name: &str) -> String {
    let (schema, table) = name.split_once('.').unwrap_or(("public", name));
    format!("{}.{}", quoted(dialect, schema), quoted(dialect, table))
}

pub(super) fn quoted(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
        Dialect::SqlServer => format!("[{}]", name.replace(']', "]]")),
    }
}

/// What has no form of its own on the wire goes as text and is cast.
fn push_parameter(sql: &mut String, dialect: Dialect, number: usize, value: &Value) {
    let _infallible = match (dialect, value) {
        (Dialect::Postgres, value) => {
            let cast = match value {
                Value::Int(_) => "bigint",
                Value::Flag(_) => "boolean",
                Value::Null | Value::Text(_) => "text",
                Value::Decimal(_) => "text::numeric",
                Value::Date(_) => "text::date",
                Value::Uuid(_) => "uuid",
                Value::Moment(_) => "text::timestamptz",
            };
            write!(sql, "${number}::{cast}")
        }
        (Dialect::SqlServer, Value::Decimal(_)) => write!(sql, "CAST(@P{number} AS decimal(19,4))"),
        (Dialect::SqlServer, Value::Date(_)) => write!(sql, "CAST(@P{number} AS date)"),
        (Dialect::SqlServer, Value::Moment(_)) => write!(sql, "CAST(@P{number} AS datetime2(3))"),
        (Dialect::SqlServer, _) => write!(sql, "@P{number}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_has_two_spellings() {
        let row = [
            ("id", Value::Uuid(7)),
            ("situacao", Value::Int(1)),
            ("", Value::Flag(true)),
            ("motivo", Value::Null),
            ("data", Value::Moment(Timestamp(0))),
        ];
        let sql = Sql::insert_unless("test.insert", "live.t", ("id", Value::Uuid(7)), row);
        assert_eq!(
            sql.text(Dialect::Postgres),
            "/*mare:test.insert*/ INSERT INTO \"live\".\"t\" (\"id\", \"situacao\", \"motivo\", \"data\") SELECT $1::uuid, \
             $2::bigint, NULL, $3::text::timestamptz WHERE NOT EXISTS (SELECT 1 FROM \"live\".\"t\" WHERE \"id\" = $4::uuid)"
        );
        assert_eq!(
            sql.text(Dialect::SqlServer),
            "/*mare:test.insert*/ INSERT INTO [live].[t] ([id], [situacao], [motivo], [data]) SELECT @P1, @P2, NULL, \
             CAST(@P3 AS datetime2(3)) WHERE NOT EXISTS (SELECT 1 FROM [live].[t] WHERE [id] = @P4)"
        );
        assert_eq!(sql.parameters().len(), 4);
    }

    #[test]
    fn names_are_quoted_and_values_are_not_shown() {
        let sql = Sql::write("test.odd")
            .push("UPDATE ")
            .table("o\"d]d.t]")
            .push(" SET ")
            .name("a]b\"")
            .push(" = ")
            .value(Value::text("ana@example.com"));
        assert_eq!(
            sql.text(Dialect::Postgres),
            "/*mare:test.odd*/ UPDATE \"o\"\"d]d\".\"t]\" SET \"a]b\"\"\" = $1::text"
        );
        assert_eq!(
            sql.text(Dialect::SqlServer),
            "/*mare:test.odd*/ UPDATE [o\"d]]d].[t]]] SET [a]]b\"] = @P1"
        );
        assert!(!format!("{sql:?}").contains("ana"));
    }
}
