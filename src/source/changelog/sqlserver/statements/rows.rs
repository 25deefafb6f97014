//! Rows of the shop's own tables: pages of a load, and rows by their keys.
//!
//! The order is the server's: SQL Server orders `uniqueidentifier` by its last bytes first. So a key of a page is
//! handed back as it came, and never compared outside the server.

use super::super::names::quoted;
use super::super::table::{CaptureTable, ColumnFacts};
use super::{cast, select};

/// The first rows of a table, in the order of its key. `@P1`: how many.
pub fn first_page(table: &CaptureTable) -> String {
    format!(
        "/*mare:chunk.first*/\nSELECT TOP (@P1) {}\nFROM {} AS t\nORDER BY {};",
        select(table, "t"),
        table.source_name(),
        order(table)
    )
}

/// The rows that follow a key. `@P1`: how many; `@P2`…: the key of the last row seen, as text.
pub fn next_page(table: &CaptureTable) -> String {
    // (a, b) > (x, y), which T-SQL cannot say so.
    let after = (0..table.key.len()).map(|last| {
        let equal = table.key[..last].iter().enumerate();
        let equal = equal.map(|(n, column)| format!("t.{} = {}", column.quoted(), cast(n + 2, column)));
        let greater = format!("t.{} > {}", table.key[last].quoted(), cast(last + 2, &table.key[last]));
        format!("({})", equal.chain([greater]).collect::<Vec<_>>().join(" AND "))
    });
    format!(
        "/*mare:chunk.next*/\nSELECT TOP (@P1) {}\nFROM {} AS t\nWHERE {}\nORDER BY {};",
        select(table, "t"),
        table.source_name(),
        after.collect::<Vec<_>>().join("\n   OR "),
        order(table)
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
/// `@P4`; `from_start`: no lower end, and `@P3` is the upper one.
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
const KEYS_MAX: usize = 2_000;

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

fn order(table: &CaptureTable) -> String {
    table.key.iter().map(|column| format!("t.{}", column.quoted())).collect::<Vec<_>>().join(", ")
}
