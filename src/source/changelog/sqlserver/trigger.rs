//! The trigger of a captured table.

use super::names::{fill, fingerprint, qualified};
use super::table::{CaptureTable, ColumnFacts};

pub use crate::live::writer::CONTEXT_MARK as OWN_WRITES_MARK;

/// Begins the line that carries the fingerprint of the text below it.
const FINGERPRINT: &str = "-- mare:fingerprint ";

/// The batch that creates the trigger.
pub fn create(table: &CaptureTable, schema: &str) -> String {
    let change_table = qualified(schema, &table.change_table);
    let columns = list(table.captured(), |column| column.quoted());
    let same_key = table.key.iter().map(|key| format!("{} = {}", key.compared("i"), key.compared("d")));
    let text = fill(
        include_str!("../../../../sql/capture/sqlserver/trigger.sql"),
        &[
            ("trigger", &qualified(&table.schema, &table.trigger)),
            ("table", &table.source_name()),
            ("change_table", &change_table),
            ("control", &qualified(schema, "controle")),
            ("own_writes", &own_writes(table)),
            ("untouched", &untouched(table)),
            ("columns", &columns),
            ("gone", &list(table.captured(), |column| format!("d.{}", column.quoted()))),
            ("present", &list(table.captured(), |column| format!("i.{}", column.quoted()))),
            ("same_key", &same_key.collect::<Vec<_>>().join(" AND ")),
            ("new_or_changed", &new_or_changed(table)),
        ],
    );
    let text = text.trim_end();
    format!("{FINGERPRINT}{:016x}\n{text}\n", fingerprint(&normal(text)))
}

/// What a definition found in the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definition {
    /// As installed, by this version for this mapping.
    Current,
    /// As installed, but for another mapping or by another version: install again.
    Outdated,
    /// Somebody changed it.
    Altered,
}

/// Judges the text in `sys.sql_modules` against what would be installed now.
pub fn judge(found: &str, table: &CaptureTable, schema: &str) -> Definition {
    let found = normal(found);
    if found == normal(&create(table, schema)) {
        return Definition::Current;
    }
    let Some((_, rest)) = found.split_once(FINGERPRINT) else { return Definition::Altered };
    let (said, text) = rest.split_once('\n').unwrap_or((rest, ""));
    if said == format!("{:016x}", fingerprint(text)) { Definition::Outdated } else { Definition::Altered }
}

/// Tools change line ends and blanks around a batch on the way to the server.
fn normal(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

fn list<'a>(
    columns: impl Iterator<Item = &'a ColumnFacts>,
    write: impl Fn(&ColumnFacts) -> String,
) -> String {
    columns.map(write).collect::<Vec<_>>().join(", ")
}

/// Either leaves, or notes whose write it was.
fn own_writes(table: &CaptureTable) -> String {
    let ours = format!("SUBSTRING(CONTEXT_INFO(), 1, 16) = {OWN_WRITES_MARK}");
    if table.captures_own_writes {
        format!(
            "-- Our own writes are captured here like the shop's, and marked.\n    \
             DECLARE @origem tinyint;\n    SET @origem = CASE WHEN {ours} THEN 1 ELSE 0 END;"
        )
    } else {
        format!(
            "-- What we wrote ourselves needs not come back to us.\n    \
             IF {ours} RETURN;\n    DECLARE @origem tinyint;\n    SET @origem = 0;"
        )
    }
}

/// An UPDATE that names none of our columns changes none of them. Not said of a computed column: it is never named.
fn untouched(table: &CaptureTable) -> String {
    if table.columns().any(|column| column.computed) {
        return "-- (a captured column is computed: every UPDATE may change it)".to_owned();
    }
    let named = table.columns().map(|column| format!("UPDATE({})", column.quoted())).collect::<Vec<_>>();
    format!(
        "IF EXISTS (SELECT 1 FROM inserted) AND EXISTS (SELECT 1 FROM deleted)\n        \
         AND NOT ({}) RETURN;",
        named.join(" OR ")
    )
}

/// Null-safe: EXCEPT takes two nulls for equal. The key is matched already and needs no comparison.
fn new_or_changed(table: &CaptureTable) -> String {
    let missing = table.key.first().map_or_else(String::new, |key| format!("d.{} IS NULL", key.quoted()));
    if table.mapped.is_empty() {
        return missing;
    }
    format!(
        "{missing}\n       OR EXISTS (SELECT {}\n                  EXCEPT\n                  SELECT {})",
        list(table.mapped.iter(), |column| column.compared("i")),
        list(table.mapped.iter(), |column| column.compared("d")),
    )
}
