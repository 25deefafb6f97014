//! What is asked of SQL Server. Each statement begins with a comment that names it, for those who watch the server
//! and for the test double. Parameters are `@P1`, `@P2`, …, as the driver names them; none is ever null, because a
//! null without a type is refused by some servers.
//!
//! What an edition, a version or a missing right can take away is asked by itself and answers in one of two ways: the
//! value, or a row with `motivo`. The reader takes the last result set of such a statement.

use super::names::{literal, qualified, quoted};
use super::table::CaptureTable;
use super::trigger::OWN_WRITES_MARK;

mod check;
mod rows;
mod tracking;

pub use check::{
    COLUMN_RIGHTS, COLUMNS, INSTALLED, LOCK_HOLDER, LOGIN, OBJECTS, OPEN_NOW, OPEN_TRANSACTIONS,
    OUTPUT_IN_CACHE, OUTPUT_IN_MODULES, OWNERS, RESTORES, RIGHTS, ROLES, SERVER_SETTINGS, TRIGGER_ORDER,
    TRIGGERS, codes, kill, switch, waiting,
};
pub use rows::{CLOCK, KEYS_MAX, by_keys, by_keys_within, keys_padded, page, page_since, range_within};
pub use tracking::{TRACKING_VERSION, VERSION_BOUND, tracking_changes, tracking_minimum, version_page};

/// Rows that one delete may take: below the 5,000 locks at which SQL Server begins to think of a table lock.
pub const DELETE_MAX: usize = 4_000;

/// Server and database, from what every server has: version, edition, names, collation, isolation, and its clock: UTC,
/// and how many seconds its local time is ahead of it (`deslocamento`).
pub const PROBE: &str = "/*mare:probe*/
SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')) AS produto_versao,
       CONVERT(nvarchar(128), SERVERPROPERTY('Edition')) AS edicao,
       CONVERT(int, SERVERPROPERTY('EngineEdition')) AS tipo_motor,
       CONVERT(nvarchar(400), @@VERSION) AS descricao,
       CONVERT(nvarchar(128), @@SERVERNAME) AS servidor,
       CONVERT(nvarchar(128), DB_NAME()) AS banco,
       CONVERT(int, DB_ID()) AS banco_id,
       CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation')) AS ordenacao,
       CONVERT(int, d.compatibility_level) AS compatibilidade,
       CONVERT(int, d.is_read_committed_snapshot_on) AS leitura_por_versao,
       CONVERT(int, d.snapshot_isolation_state) AS isolamento_snapshot,
       CONVERT(nvarchar(60), d.recovery_model_desc) AS recuperacao,
       CONVERT(nvarchar(128), SUSER_SNAME()) AS usuario,
       DATEDIFF(second, SYSUTCDATETIME(), SYSDATETIME()) AS deslocamento,
       CAST(SYSUTCDATETIME() AS datetimeoffset(3)) AS hora_utc
FROM sys.databases AS d
WHERE d.name = DB_NAME();";

/// Which life of the database this is. A restore begins another one, and whatever was read before says nothing about
/// it.
pub const PROBE_FORK: &str = "/*mare:probe.fork*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(nvarchar(36), database_guid) AS banco, CONVERT(nvarchar(36), recovery_fork_guid) AS ramo,
                   CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.database_recovery_status WHERE database_id = DB_ID()');
END TRY
BEGIN CATCH
    SELECT CONVERT(nvarchar(36), NULL) AS banco, CONVERT(nvarchar(36), NULL) AS ramo,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// How far open transactions hold back the end of the row versions: `ultima - ativa + 1` is what they hold.
pub const PROBE_HELD_BACK: &str = "/*mare:probe.held_back*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(bigint, @@DBTS) AS ultima, CONVERT(bigint, MIN_ACTIVE_ROWVERSION()) AS ativa,
                   CONVERT(nvarchar(2048), NULL) AS motivo');
END TRY
BEGIN CATCH
    SELECT CONVERT(bigint, NULL) AS ultima, CONVERT(bigint, NULL) AS ativa,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// Whether the database has change tracking, and for how long it keeps keys (`unidade`: 1 minutes, 2 hours, 3 days).
pub const PROBE_TRACKING: &str = "/*mare:probe.tracking*/
BEGIN TRY
    EXEC (N'SELECT COUNT(*) AS ligado, MAX(CONVERT(int, retention_period)) AS retencao,
                   MAX(CONVERT(int, retention_period_units)) AS unidade, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.change_tracking_databases WHERE database_id = DB_ID()');
END TRY
BEGIN CATCH
    SELECT 0 AS ligado, CONVERT(int, NULL) AS retencao, CONVERT(int, NULL) AS unidade,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// What every connection of ours begins with. In a deadlock or behind a lock it is we who give way, never the shop.
pub const SESSION: &str = "/*mare:session*/
SET NOCOUNT ON;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET DEADLOCK_PRIORITY LOW;
SET LOCK_TIMEOUT 5000;";

/// Marks what this session writes as ours, until it ends. See [`OWN_WRITES_MARK`].
pub fn mark_own_writes() -> String {
    format!("/*mare:mark*/\nSET CONTEXT_INFO {OWN_WRITES_MARK};")
}

/// Begins an INSERT, UPDATE or DELETE of ours where change tracking is in use, which knows nothing of [`mark_own_writes`].
pub fn tracking_mark() -> String {
    format!("WITH CHANGE_TRACKING_CONTEXT ({OWN_WRITES_MARK}) ")
}

/// Takes the lock of the one reader that a database may have, for as long as the session lives. `@P1`: the lock's
/// name. `resultado` 0 or 1: ours; below zero: somebody else has it.
pub const LOCK: &str = "/*mare:lock*/
DECLARE @resultado int;
EXEC @resultado = sp_getapplock @Resource = @P1, @LockMode = N'Exclusive', @LockOwner = N'Session', @LockTimeout = 0;
SELECT @resultado AS resultado;";

/// Passes by rows of open transactions. READCOMMITTEDLOCK, because READPAST is refused where the database reads by
/// row version, and says the same everywhere else.
const PASSING_LOCKS: &str = "WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK)";

/// The highest change number visible now in each change table, in their order; null where there is none. Taken before
/// anything is read: what the round then reads is complete for every key up to the highest of them.
pub fn drain_bound(schema: &str, tables: &[CaptureTable]) -> String {
    let each = tables.iter().enumerate().map(|(index, table)| {
        let name = qualified(schema, &table.change_table);
        format!(
            "SELECT {index} AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM {name} AS c {PASSING_LOCKS} \
             ORDER BY c.[mare_versao] DESC) AS limite"
        )
    });
    let all = each.collect::<Vec<_>>().join("\nUNION ALL\n");
    format!("/*mare:drain.bound*/\n{all}\nORDER BY tabela;")
}

/// The next change rows of a table. `@P1` at most so many, `@P2` after this change number, `@P3` up to this one.
/// Columns: number, `U` or `D`, origin, when (UTC), then those of [`CaptureTable::captured`].
///
/// Where numbers repeat, a page ends only between two of them and may therefore be longer than `@P1`: a number names
/// either all of its rows or none, or a delete by number would not be exact.
pub fn drain_page(schema: &str, table: &CaptureTable, versions_repeat: bool) -> String {
    let name = qualified(schema, &table.change_table);
    let columns = table.captured().fold(String::new(), |text, column| text + ", " + &column.read("c"));
    // With its offset, which is none: without one it would pass for the shop's local time.
    let head = "SELECT {top}CONVERT(bigint, c.[mare_versao]) AS versao, c.[mare_op], c.[mare_origem], \
                CAST(c.[mare_capturado_em] AS datetimeoffset(3)) AS mare_capturado_em";
    let within = "c.[mare_versao] > CAST(@P2 AS rowversion) AND c.[mare_versao] <= ";
    if !versions_repeat {
        let head = head.replace("{top}", "TOP (@P1) ");
        return format!(
            "/*mare:drain.page*/\n{head}{columns}\nFROM {name} AS c {PASSING_LOCKS}\n\
             WHERE {within}CAST(@P3 AS rowversion)\nORDER BY c.[mare_versao];"
        );
    }
    let head = head.replace("{top}", "");
    format!(
        "/*mare:drain.page*/\n{head}{columns}\nFROM {name} AS c {PASSING_LOCKS}\n\
         WHERE {within}(\n    SELECT TOP (1) p.[mare_versao] FROM (\n        \
         SELECT TOP (@P1) q.[mare_versao] FROM {name} AS q {PASSING_LOCKS}\n        \
         WHERE q.[mare_versao] > CAST(@P2 AS rowversion) AND q.[mare_versao] <= CAST(@P3 AS rowversion)\n        \
         ORDER BY q.[mare_versao]) AS p\n    ORDER BY p.[mare_versao] DESC)\n\
         ORDER BY c.[mare_versao], c.[mare_capturado_em];"
    )
}

/// Deletes exactly the change rows whose numbers are in `@P1`: 8 bytes each, big-endian, one after the other; `@P2`:
/// how many, at most [`DELETE_MAX`].
///
/// A range of numbers would not be exact, since rows that were locked were passed by and lie inside it. One binary
/// parameter instead of thousands of numbers means one plan and one round trip. The hints keep that plan to a look-up per
/// number: a scan would wait for rows of open transactions.
pub fn drain_delete(schema: &str, table: &CaptureTable) -> String {
    let name = qualified(schema, &table.change_table);
    let digits = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))";
    format!(
        "/*mare:drain.delete*/\nDELETE c\nFROM (\n    \
         SELECT CAST(CAST(SUBSTRING(@P1, 1 + 8 * n.i, 8) AS binary(8)) AS rowversion) AS versao\n    \
         FROM (\n        SELECT k.d * 1000 + h.d * 100 + t.d * 10 + u.d AS i\n        \
         FROM (VALUES (0), (1), (2), (3)) AS k (d)\n        CROSS JOIN {digits} AS h (d)\n        \
         CROSS JOIN {digits} AS t (d)\n        CROSS JOIN {digits} AS u (d)\n    ) AS n\n    \
         WHERE n.i < @P2\n) AS lida\n\
         INNER JOIN {name} AS c WITH (ROWLOCK, FORCESEEK) ON c.[mare_versao] = lida.versao\n\
         OPTION (LOOP JOIN, FORCE ORDER);"
    )
}

fn select(table: &CaptureTable, alias: &str) -> String {
    table.columns().map(|column| column.read(alias)).collect::<Vec<_>>().join(", ")
}

fn object(table: &CaptureTable) -> String {
    literal(&format!("{}.{}", quoted(&table.schema), quoted(&table.table)))
}
