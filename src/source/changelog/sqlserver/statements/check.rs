//! What `mare check` and the service ask to see whether capture is whole.

use super::super::names::{qualified, quoted};
use super::super::table::CaptureTable;

/// The columns of a table and their places in its unique indexes, one row for each place; see
/// [`TableFacts::gather`](super::super::table::TableFacts::gather). `@P1`: schema, `@P2`: table. No row: there is no such
/// table, or the login may not see it.
pub const COLUMNS: &str = "/*mare:check.columns*/
SELECT c.name AS coluna, COALESCE(TYPE_NAME(c.system_type_id), TYPE_NAME(c.user_type_id)) AS tipo, CONVERT(int, c.max_length) AS tamanho,
       CONVERT(int, c.[precision]) AS precisao, CONVERT(int, c.[scale]) AS escala,
       CONVERT(int, c.is_nullable) AS aceita_nulo, CONVERT(int, c.is_computed) AS calculada,
       c.collation_name AS ordenacao, CONVERT(int, k.indice) AS indice, CONVERT(int, k.ordem) AS ordem
FROM sys.columns AS c
INNER JOIN sys.tables AS t ON t.object_id = c.object_id
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
LEFT JOIN (
    SELECT i.object_id, ic.column_id, ic.key_ordinal AS ordem,
           CASE WHEN i.is_primary_key = 1 THEN 0 ELSE i.index_id END AS indice
    FROM sys.indexes AS i
    INNER JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
    WHERE i.is_unique = 1 AND i.has_filter = 0 AND i.is_disabled = 0 AND ic.key_ordinal > 0
) AS k ON k.object_id = c.object_id AND k.column_id = c.column_id
WHERE s.name = @P1 AND t.name = @P2
ORDER BY c.column_id, k.indice;";

/// Every trigger on a table, ours and others. `@P1`: schema, `@P2`: table. `definicao` is null when the login may not see
/// it, or when it is encrypted.
pub const TRIGGERS: &str = "/*mare:check.triggers*/
SELECT g.name AS gatilho, CONVERT(int, g.is_disabled) AS desligado, CONVERT(int, g.is_instead_of_trigger) AS em_lugar_de,
       CONVERT(int, m.uses_quoted_identifier) AS identificador_entre_aspas, CONVERT(int, m.uses_ansi_nulls) AS nulos_ansi,
       m.[definition] AS definicao
FROM sys.triggers AS g
INNER JOIN sys.tables AS t ON t.object_id = g.parent_id
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
LEFT JOIN sys.sql_modules AS m ON m.object_id = g.object_id
WHERE s.name = @P1 AND t.name = @P2
ORDER BY g.name;";

/// Which triggers somebody has put first or last. Ours does not mind its place: what another trigger changes later fires
/// it again, unless nested triggers are off (see [`SERVER_SETTINGS`]).
pub const TRIGGER_ORDER: &str = "/*mare:check.trigger_order*/
BEGIN TRY
    EXEC (N'SELECT OBJECT_SCHEMA_NAME(g.parent_id) AS esquema, OBJECT_NAME(g.parent_id) AS tabela, g.name AS gatilho,
                   CONVERT(nvarchar(60), e.type_desc) AS evento, CONVERT(int, e.is_first) AS primeiro,
                   CONVERT(int, e.is_last) AS ultimo, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.trigger_events AS e INNER JOIN sys.triggers AS g ON g.object_id = e.object_id
            WHERE e.is_first = 1 OR e.is_last = 1');
END TRY
BEGIN CATCH
    SELECT CONVERT(nvarchar(128), NULL) AS esquema, CONVERT(nvarchar(128), NULL) AS tabela,
           CONVERT(nvarchar(128), NULL) AS gatilho, CONVERT(nvarchar(60), NULL) AS evento, 0 AS primeiro, 0 AS ultimo,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// Server settings that decide whether triggers see everything: with nested triggers off (0), what another trigger
/// writes fires none.
pub const SERVER_SETTINGS: &str = "/*mare:check.settings*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(nvarchar(70), name) AS nome, CONVERT(bigint, value_in_use) AS valor,
                   CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.configurations WHERE name IN (N''nested triggers'', N''disallow results from triggers'')');
END TRY
BEGIN CATCH
    SELECT CONVERT(nvarchar(70), NULL) AS nome, CONVERT(bigint, NULL) AS valor,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// Who owns a table: triggers reach our schema without grants only while both have the same owner. `@P1`: schema, `@P2`:
/// table, `@P3`: our schema.
pub const OWNERS: &str = "/*mare:check.owners*/
SELECT USER_NAME(COALESCE(t.principal_id, s.principal_id)) AS dono_da_tabela,
       (SELECT USER_NAME(o.principal_id) FROM sys.schemas AS o WHERE o.name = @P3) AS dono_do_esquema
FROM sys.tables AS t
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = @P1 AND t.name = @P2;";

/// Whether change tables are installed: 1 or 0. `@P1`: name of our schema.
pub const INSTALLED: &str = "/*mare:check.installed*/
SELECT COUNT(*) AS tabelas FROM sys.tables AS t INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = @P1 AND t.name = N'controle';";

/// Everything of ours that is there, also what an earlier mapping captured. `@P1`: quoted two-part name of the control table,
/// which every trigger of this installation reads; `@P2`: our schema. `tipo` is `TR` (with the schema of its table) or `U`.
pub const OBJECTS: &str = "/*mare:check.objects*/
SELECT 'TR' AS tipo, OBJECT_SCHEMA_NAME(g.object_id) AS esquema, g.name AS nome
FROM sys.triggers AS g
INNER JOIN sys.sql_modules AS m ON m.object_id = g.object_id
WHERE g.parent_class = 1 AND CHARINDEX(N'mare:fingerprint', m.[definition]) > 0 AND CHARINDEX(@P1, m.[definition]) > 0
UNION ALL
SELECT 'U' AS tipo, s.name AS esquema, t.name AS nome
FROM sys.tables AS t
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = @P2 AND t.name <> N'controle';";

/// What the login may do with a change table: 1 or 0. `@P1`: its quoted two-part name, `@P2`: `SELECT` or `DELETE`. Null: it
/// does not exist.
pub const RIGHTS: &str = "/*mare:check.rights*/
SELECT HAS_PERMS_BY_NAME(@P1, N'OBJECT', @P2) AS permitido;";

/// Whether the login may read a column of the shop: 1 or 0. `@P1`: the table's quoted two-part name, `@P2`: the column.
pub const COLUMN_RIGHTS: &str = "/*mare:check.column_rights*/
SELECT HAS_PERMS_BY_NAME(@P1, N'OBJECT', N'SELECT', @P2, N'COLUMN') AS permitido;";

/// Whether there is a login, and a user in this database: their ids, or null. `@P1`: the name of both. A login that may not
/// see others is told that there are none.
pub const LOGIN: &str = "/*mare:check.login*/
SELECT CONVERT(int, SUSER_ID(@P1)) AS login, CONVERT(int, DATABASE_PRINCIPAL_ID(@P1)) AS usuario;";

/// What the login may do with the server and the whole database, 1 or 0 each.
pub const ROLES: &str = "/*mare:check.roles*/
SELECT CONVERT(int, IS_SRVROLEMEMBER(N'sysadmin')) AS sysadmin,
       CONVERT(int, IS_MEMBER(N'db_owner')) AS db_owner,
       CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'CONTROL')) AS controla,
       CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'ALTER')) AS altera,
       CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'UPDATE')) AS escreve,
       CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'VIEW DEFINITION')) AS ve_definicoes;";

/// Stored code of the shop that names a table and the word OUTPUT: it may contain a statement that fails with error 334
/// as soon as the table has a trigger (OUTPUT without INTO). `@P1`: the table's name between `%`.
///
/// What programs send themselves is stored nowhere. [`OUTPUT_IN_CACHE`] finds what ran lately; the rest only a test of the
/// shop's programs finds.
pub const OUTPUT_IN_MODULES: &str = "/*mare:check.output_in_modules*/
SELECT OBJECT_SCHEMA_NAME(m.object_id) AS esquema, OBJECT_NAME(m.object_id) AS objeto
FROM sys.sql_modules AS m
WHERE m.[definition] LIKE N'%OUTPUT%' AND m.[definition] LIKE @P1
ORDER BY 1, 2;";

/// The same among the statements in the server's plan cache. Needs VIEW SERVER STATE.
pub const OUTPUT_IN_CACHE: &str = "/*mare:check.output_in_cache*/
BEGIN TRY
    EXEC sp_executesql N'SELECT TOP (20) CONVERT(nvarchar(400), q.text) AS comando, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.dm_exec_cached_plans AS p CROSS APPLY sys.dm_exec_sql_text(p.plan_handle) AS q
            WHERE q.text LIKE N''%OUTPUT%'' AND q.text LIKE @tabela AND q.text NOT LIKE N''%mare:check%''',
        N'@tabela nvarchar(400)', @tabela = @P1;
END TRY
BEGIN CATCH
    SELECT CONVERT(nvarchar(400), NULL) AS comando, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// Transactions that have been open for more than a minute, the oldest first: they hold back their own change rows, and
/// with row version polling everybody's. Needs VIEW SERVER STATE.
pub const OPEN_TRANSACTIONS: &str = "/*mare:check.open_transactions*/
BEGIN TRY
    EXEC (N'SELECT TOP (10) CONVERT(int, st.session_id) AS sessao, CONVERT(nvarchar(128), se.login_name) AS usuario,
                   CONVERT(nvarchar(128), se.host_name) AS maquina, CONVERT(nvarchar(128), se.program_name) AS programa,
                   DATEDIFF(second, tr.transaction_begin_time, GETDATE()) AS segundos, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.dm_tran_active_transactions AS tr
            INNER JOIN sys.dm_tran_session_transactions AS st ON st.transaction_id = tr.transaction_id
            INNER JOIN sys.dm_tran_database_transactions AS dt
                ON dt.transaction_id = tr.transaction_id AND dt.database_id = DB_ID()
            INNER JOIN sys.dm_exec_sessions AS se ON se.session_id = st.session_id
            WHERE tr.transaction_begin_time < DATEADD(minute, -1, GETDATE())
            ORDER BY tr.transaction_begin_time');
END TRY
BEGIN CATCH
    SELECT CONVERT(int, NULL) AS sessao, CONVERT(nvarchar(128), NULL) AS usuario, CONVERT(nvarchar(128), NULL) AS maquina,
           CONVERT(nvarchar(128), NULL) AS programa, CONVERT(int, NULL) AS segundos,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// Transactions of others that are open now in this database, by numbers that no later one has before the server is
/// started again. Needs VIEW SERVER STATE.
pub const OPEN_NOW: &str = "/*mare:check.open_now*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(bigint, dt.transaction_id) AS transacao, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.dm_tran_database_transactions AS dt
            INNER JOIN sys.dm_tran_session_transactions AS st ON st.transaction_id = dt.transaction_id
            WHERE dt.database_id = DB_ID() AND st.session_id <> @@SPID');
END TRY
BEGIN CATCH
    SELECT CONVERT(bigint, NULL) AS transacao, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// Who holds the reader's lock (`mare`, [`super::LOCK`]; other programs may have locks of their own). Needs VIEW SERVER STATE.
pub const LOCK_HOLDER: &str = "/*mare:lock.holder*/
BEGIN TRY
    EXEC (N'SELECT TOP (1) CONVERT(int, se.session_id) AS sessao, CONVERT(nvarchar(128), se.host_name) AS maquina,
                   CONVERT(nvarchar(128), se.program_name) AS programa, se.login_time AS desde, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.dm_tran_locks AS l INNER JOIN sys.dm_exec_sessions AS se ON se.session_id = l.request_session_id
            WHERE l.resource_type = N''APPLICATION'' AND l.resource_database_id = DB_ID() AND l.request_status = N''GRANT''
              AND CHARINDEX(N'':[mare]:'', l.resource_description) > 0 AND se.session_id <> @@SPID');
END TRY
BEGIN CATCH
    SELECT CONVERT(int, NULL) AS sessao, CONVERT(nvarchar(128), NULL) AS maquina, CONVERT(nvarchar(128), NULL) AS programa,
           CONVERT(datetime, NULL) AS desde, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// When the database was last restored. Needs the right to read `msdb`; without it [`super::PROBE_FORK`] still sees a
/// restore, and only its time stays unknown.
pub const RESTORES: &str = "/*mare:check.restores*/
BEGIN TRY
    EXEC (N'SELECT TOP (1) restore_date AS restaurado_em, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM msdb.dbo.restorehistory WHERE destination_database_name = DB_NAME() ORDER BY restore_date DESC');
END TRY
BEGIN CATCH
    SELECT CONVERT(datetime, NULL) AS restaurado_em, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;";

/// Ends a session of somebody else. Needs ALTER ANY CONNECTION; takes no parameters.
pub fn kill(session: i64) -> String {
    format!("/*mare:kill*/\nKILL {session};")
}

/// The codes of a table's rows, to be held against those that the mapping names.
pub fn codes(schema: &str, table: &str, column: &str) -> String {
    format!(
        "/*mare:check.codes*/\nSELECT DISTINCT CONVERT(nvarchar(4000), t.{}) AS codigo FROM {} AS t;",
        quoted(column),
        qualified(schema, table)
    )
}

/// The kill switch: on or off, how often it was turned, which installation this is, and since when.
pub fn switch(schema: &str) -> String {
    format!(
        "/*mare:check.switch*/\n\
         SELECT CONVERT(int, [captura_ligada]) AS captura_ligada, [trocas], CONVERT(nvarchar(36), [instalacao]) AS instalacao,\n       \
         CAST([alterado_em] AS datetimeoffset(3)) AS alterado_em, [alterado_por]\nFROM {};",
        qualified(schema, "controle")
    )
}

/// How much waits in each change table: rows as the server estimates them (counting would read them all), and when the
/// oldest visible one was captured (UTC; null when none waits).
pub fn waiting(schema: &str, tables: &[CaptureTable]) -> String {
    let each = tables.iter().map(|table| {
        let name = qualified(schema, &table.change_table);
        let literal = super::super::names::literal;
        format!(
            "SELECT {} AS tabela,\n       \
             (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID({}) AND p.index_id IN (0, 1)) AS linhas,\n       \
             (SELECT TOP (1) CAST(c.[mare_capturado_em] AS datetimeoffset(3)) FROM {name} AS c {} ORDER BY c.[mare_versao]) AS mais_antiga",
            literal(&format!("{}.{}", table.schema, table.table)),
            literal(&name),
            super::PASSING_LOCKS
        )
    });
    format!("/*mare:check.waiting*/\n{};", each.collect::<Vec<_>>().join("\nUNION ALL\n"))
}
