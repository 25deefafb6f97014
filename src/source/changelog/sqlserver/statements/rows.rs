//! Rows of the shop's own tables: pages of a load, and rows by their keys.
//!
//! The order is the server's: SQL Server orders `uniqueidentifier` by its last bytes first. So an id that a page ended
//! with is handed back as it came, and a range is only for columns that are ordered outside as they are inside. No
//! statement has a lock hint: where the database locks, a row of an open transaction is waited for, since without it a
//! balance would look as if it were not there; where it reads by version, the row is seen as it was.

use super::super::names::quoted;
use super::super::table::{CaptureTable, ColumnFacts};
use super::select;

/// The server's clock, with its distance from UTC.
pub const CLOCK: &str = "/*mare:clock*/\nSELECT SYSDATETIMEOFFSET() AS agora;";

/// The next rows of a table by one of its columns. `@P1`: how many; `@P2`: after this one, as text. `from_start`: no
/// lower end, and no `@P2`. Rows without a value there are never among them: they would come first, again and again.
pub fn page(table: &CaptureTable, column: &ColumnFacts, from_start: bool) -> String {
    let name = column.quoted();
    let condition = match (from_start, column.nullable) {
        (false, _) => format!("\nWHERE t.{name} > {}", cast(2, column)),
        (true, true) => format!("\nWHERE t.{name} IS NOT NULL"),
        (true, false) => String::new(),
    };
    format!(
        "/*mare:chunk.page*/\nSELECT TOP (@P1) {}\nFROM {} AS t{condition}\nORDER BY t.{name};",
        select(table, "t"),
        table.source_name()
    )
}

/// The next rows of a table by its key, of those in which `date` is not before `@P2` (RFC 3339; where the column has no
/// zone, a day's difference does not matter). `@P1`: how many; `@P3`: after this one, as text.
pub fn page_since(table: &CaptureTable, key: &ColumnFacts, date: &ColumnFacts, from_start: bool) -> String {
    let (key_name, date_name) = (key.quoted(), date.quoted());
    let after = if from_start { String::new() } else { format!(" AND t.{key_name} > {}", cast(3, key)) };
    format!(
        "/*mare:chunk.page_since*/\nSELECT TOP (@P1) {}\nFROM {} AS t\n\
         WHERE t.{date_name} >= CAST(CAST(@P2 AS datetimeoffset(3)) AS {}){after}\nORDER BY t.{key_name};",
        select(table, "t"),
        table.source_name(),
        date.stored()
    )
}

/// Rows in which `column` is one of `@P1`…`@Pn`, as text. `count` as [`keys_padded`] gives it.
pub fn by_keys(table: &CaptureTable, column: &ColumnFacts, count: usize) -> String {
    format!(
        "/*mare:chunk.by_keys*/\nSELECT {}\nFROM {} AS t\nWHERE {};",
        select(table, "t"),
        table.source_name(),
        one_of(column, 1, count)
    )
}

/// Rows with `@P1` and `@P2` in the two `fixed` columns, in which `column` lies after `@P3` up to and including
/// `@P4`; `from_start`: no lower end, and `@P3` is the upper one. Whoever knows the two ends must order the column as the
/// server does.
pub fn range_within(
    table: &CaptureTable,
    fixed: [&ColumnFacts; 2],
    column: &ColumnFacts,
    from_start: bool,
) -> String {
    let name = column.quoted();
    let after = if from_start { String::new() } else { format!(" AND t.{name} > {}", cast(3, column)) };
    format!(
        "/*mare:chunk.range*/\nSELECT {}\nFROM {} AS t\nWHERE {}{after} AND t.{name} <= {};",
        select(table, "t"),
        table.source_name(),
        fixed_columns(fixed),
        cast(if from_start { 3 } else { 4 }, column)
    )
}

/// Rows with `@P1` and `@P2` in the two `fixed` columns, in which `column` is one of `@P3`….
pub fn by_keys_within(
    table: &CaptureTable,
    fixed: [&ColumnFacts; 2],
    column: &ColumnFacts,
    count: usize,
) -> String {
    format!(
        "/*mare:chunk.by_keys_within*/\nSELECT {}\nFROM {} AS t\nWHERE {} AND {};",
        select(table, "t"),
        table.source_name(),
        fixed_columns(fixed),
        one_of(column, 3, count)
    )
}

/// Keys that one statement may name: SQL Server takes 2,100 parameters.
pub const KEYS_MAX: usize = 2_000;

/// How many parameters a list of `wanted` keys is sent with, the last key being repeated: a few lengths mean a few
/// plans in the server's cache. `None`: too many for one statement.
pub fn keys_padded(wanted: usize) -> Option<usize> {
    [1, 10, 100, 500, KEYS_MAX].into_iter().find(|length| *length >= wanted)
}

fn fixed_columns([first, second]: [&ColumnFacts; 2]) -> String {
    format!("t.{} = {} AND t.{} = {}", first.quoted(), cast(1, first), second.quoted(), cast(2, second))
}

fn one_of(column: &ColumnFacts, first: usize, count: usize) -> String {
    let values: Vec<_> = (first..first + count).map(|n| cast(n, column)).collect();
    format!("t.{} IN ({})", quoted(&column.name), values.join(", "))
}

/// A parameter, which travels as text, in the type of a column, so that its index is used. A text gets all the room
/// there is: one that were cut to the column's length would be another's.
fn cast(parameter: usize, column: &ColumnFacts) -> String {
    format!("CAST(@P{parameter} AS {})", column.stored())
}
