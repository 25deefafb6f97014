//! The two ways without triggers: change tracking, and polling `rowversion` columns.

use super::super::names::quoted;
use super::super::table::{CaptureTable, ColumnFacts};
use super::super::trigger::OWN_WRITES_MARK;
use super::{object, select};

/// The version of the last committed change: the end of a round, taken before anything is read. Null: change tracking
/// is off.
pub const TRACKING_VERSION: &str = "/*mare:tracking.version*/
BEGIN TRY
    EXEC (N'SELECT CHANGE_TRACKING_CURRENT_VERSION() AS versao, CONVERT(nvarchar(2048), NULL) AS motivo');
END TRY
BEGIN CATCH
    SELECT CONVERT(bigint, NULL) AS versao, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// From which version on the changes of a table are still all there. Asked before and after its changes are read: a
/// round that begins below it has lost keys to the clean-up, and the table must be compared. Null: not tracked.
pub fn tracking_minimum(table: &CaptureTable) -> String {
    format!(
        "/*mare:tracking.minimum*/\nSELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID({})) AS minimo;",
        object(table)
    )
}

/// The rows of a table that changed after version `@P1` up to `@P2`, once each, as they stand now. Columns: version,
/// `U` or `D`, the key, then key and mapped columns of the row, which are null when it is gone.
///
/// In no order, and to be read as a stream. A row that changes again while it is read has a version above `@P2` and
/// comes with the next round. Our own marked writes are left out where triggers would leave them out, but only rows that
/// we made and nobody has touched since: SQL Server remembers of a row who changed it last, and a person's change of it must
/// not hide behind one of ours.
pub fn tracking_changes(table: &CaptureTable) -> String {
    let keys = table.key.iter().map(|key| format!("c.{}", key.quoted())).collect::<Vec<_>>();
    let same = table.key.iter().map(|key| format!("t.{0} = c.{0}", key.quoted())).collect::<Vec<_>>();
    let gone = table.key.first().map_or_else(String::new, |key| format!("t.{} IS NULL", key.quoted()));
    let own = if table.captures_own_writes {
        String::new()
    } else {
        format!(
            "\n  AND (c.SYS_CHANGE_CONTEXT IS NULL OR SUBSTRING(c.SYS_CHANGE_CONTEXT, 1, 16) <> {OWN_WRITES_MARK}\n       \
             OR c.SYS_CHANGE_VERSION <> COALESCE(c.SYS_CHANGE_CREATION_VERSION, 0))"
        )
    };
    format!(
        "/*mare:tracking.changes*/\nSELECT c.SYS_CHANGE_VERSION AS versao, CASE WHEN {gone} THEN 'D' ELSE 'U' END AS op, {}, {}\n\
         FROM CHANGETABLE(CHANGES {}, @P1) AS c\nLEFT JOIN {} AS t ON {}\n\
         WHERE c.SYS_CHANGE_VERSION <= @P2{own};",
        keys.join(", "),
        select(table, "t"),
        table.source_name(),
        table.source_name(),
        same.join(" AND ")
    )
}

/// Every row version below `limite` belongs to a transaction that has ended. Null with `motivo`: the server cannot
/// say, and there is no other safe bound (`@@DBTS` is none).
pub const VERSION_BOUND: &str = "/*mare:version.bound*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(bigint, MIN_ACTIVE_ROWVERSION()) AS limite, CONVERT(nvarchar(2048), NULL) AS motivo');
END TRY
BEGIN CATCH
    SELECT CONVERT(bigint, NULL) AS limite, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// The next rows of a table by its own `column` of type `rowversion`: `@P1` at most so many, after `@P2`, below `@P3`
/// (from [`VERSION_BOUND`]). Columns: row version, then key and mapped columns.
///
/// Where the database reads with locks it waits for locked rows, and may not pass by them. A row that an open transaction is changing still stands below the
/// bound with its old version; if that transaction rolls back, nobody would look there again.
pub fn version_page(table: &CaptureTable, column: &str) -> String {
    let version = quoted(column);
    let columns: Vec<_> = table
        .columns()
        .filter(|other| other.name != column)
        .map(|column: &ColumnFacts| column.read("t"))
        .collect();
    format!(
        "/*mare:version.page*/\nSELECT TOP (@P1) CONVERT(bigint, t.{version}) AS versao, {}\nFROM {} AS t\n\
         WHERE t.{version} > CAST(@P2 AS rowversion) AND t.{version} < CAST(@P3 AS rowversion)\nORDER BY t.{version};",
        columns.join(", "),
        table.source_name()
    )
}
