/*mare:probe*/
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
WHERE d.name = DB_NAME();
GO
/*mare:probe.fork*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(nvarchar(36), database_guid) AS banco, CONVERT(nvarchar(36), recovery_fork_guid) AS ramo,
                   CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.database_recovery_status WHERE database_id = DB_ID()');
END TRY
BEGIN CATCH
    SELECT CONVERT(nvarchar(36), NULL) AS banco, CONVERT(nvarchar(36), NULL) AS ramo,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:probe.held_back*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(bigint, @@DBTS) AS ultima, CONVERT(bigint, MIN_ACTIVE_ROWVERSION()) AS ativa,
                   CONVERT(nvarchar(2048), NULL) AS motivo');
END TRY
BEGIN CATCH
    SELECT CONVERT(bigint, NULL) AS ultima, CONVERT(bigint, NULL) AS ativa,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:probe.tracking*/
BEGIN TRY
    EXEC (N'SELECT COUNT(*) AS ligado, MAX(CONVERT(int, retention_period)) AS retencao,
                   MAX(CONVERT(int, retention_period_units)) AS unidade, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.change_tracking_databases WHERE database_id = DB_ID()');
END TRY
BEGIN CATCH
    SELECT 0 AS ligado, CONVERT(int, NULL) AS retencao, CONVERT(int, NULL) AS unidade,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:session*/
SET NOCOUNT ON;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET DEADLOCK_PRIORITY LOW;
SET LOCK_TIMEOUT 5000;
GO
/*mare:lock*/
DECLARE @resultado int;
EXEC @resultado = sp_getapplock @Resource = @P1, @LockMode = N'Exclusive', @LockOwner = N'Session', @LockTimeout = 0;
SELECT @resultado AS resultado;
GO
/*mare:lock.holder*/
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
END CATCH;
GO
/*mare:check.columns*/
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
ORDER BY c.column_id, k.indice;
GO
/*mare:check.triggers*/
SELECT g.name AS gatilho, CONVERT(int, g.is_disabled) AS desligado, CONVERT(int, g.is_instead_of_trigger) AS em_lugar_de,
       CONVERT(int, m.uses_quoted_identifier) AS identificador_entre_aspas, CONVERT(int, m.uses_ansi_nulls) AS nulos_ansi,
       m.[definition] AS definicao
FROM sys.triggers AS g
INNER JOIN sys.tables AS t ON t.object_id = g.parent_id
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
LEFT JOIN sys.sql_modules AS m ON m.object_id = g.object_id
WHERE s.name = @P1 AND t.name = @P2
ORDER BY g.name;
GO
/*mare:check.trigger_order*/
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
END CATCH;
GO
/*mare:check.settings*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(nvarchar(70), name) AS nome, CONVERT(bigint, value_in_use) AS valor,
                   CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.configurations WHERE name IN (N''nested triggers'', N''disallow results from triggers'')');
END TRY
BEGIN CATCH
    SELECT CONVERT(nvarchar(70), NULL) AS nome, CONVERT(bigint, NULL) AS valor,
           CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:check.owners*/
SELECT USER_NAME(COALESCE(t.principal_id, s.principal_id)) AS dono_da_tabela,
       (SELECT USER_NAME(o.principal_id) FROM sys.schemas AS o WHERE o.name = @P3) AS dono_do_esquema
FROM sys.tables AS t
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = @P1 AND t.name = @P2;
GO
/*mare:check.installed*/
SELECT COUNT(*) AS tabelas FROM sys.tables AS t INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = @P1 AND t.name = N'controle';
GO
/*mare:check.rights*/
SELECT HAS_PERMS_BY_NAME(@P1, N'OBJECT', @P2) AS permitido;
GO
/*mare:check.column_rights*/
SELECT HAS_PERMS_BY_NAME(@P1, N'OBJECT', N'SELECT', @P2, N'COLUMN') AS permitido;
GO
/*mare:check.objects*/
SELECT 'TR' AS tipo, OBJECT_SCHEMA_NAME(g.object_id) AS esquema, g.name AS nome
FROM sys.triggers AS g
INNER JOIN sys.sql_modules AS m ON m.object_id = g.object_id
WHERE g.parent_class = 1 AND CHARINDEX(N'mare:fingerprint', m.[definition]) > 0 AND CHARINDEX(@P1, m.[definition]) > 0
UNION ALL
SELECT 'U' AS tipo, s.name AS esquema, t.name AS nome
FROM sys.tables AS t
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = @P2 AND t.name <> N'controle';
GO
/*mare:check.login*/
SELECT CONVERT(int, SUSER_ID(@P1)) AS login, CONVERT(int, DATABASE_PRINCIPAL_ID(@P1)) AS usuario;
GO
/*mare:check.roles*/
SELECT CONVERT(int, IS_SRVROLEMEMBER(N'sysadmin')) AS sysadmin,
       CONVERT(int, IS_MEMBER(N'db_owner')) AS db_owner,
       CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'CONTROL')) AS controla,
       CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'ALTER')) AS altera,
       CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'UPDATE')) AS escreve,
       CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'VIEW DEFINITION')) AS ve_definicoes;
GO
/*mare:check.output_in_modules*/
SELECT OBJECT_SCHEMA_NAME(m.object_id) AS esquema, OBJECT_NAME(m.object_id) AS objeto
FROM sys.sql_modules AS m
WHERE m.[definition] LIKE N'%OUTPUT%' AND m.[definition] LIKE @P1
ORDER BY 1, 2;
GO
/*mare:check.output_in_cache*/
BEGIN TRY
    EXEC sp_executesql N'SELECT TOP (20) CONVERT(nvarchar(400), q.text) AS comando, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.dm_exec_cached_plans AS p CROSS APPLY sys.dm_exec_sql_text(p.plan_handle) AS q
            WHERE q.text LIKE N''%OUTPUT%'' AND q.text LIKE @tabela AND q.text NOT LIKE N''%mare:check%''',
        N'@tabela nvarchar(400)', @tabela = @P1;
END TRY
BEGIN CATCH
    SELECT CONVERT(nvarchar(400), NULL) AS comando, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:check.open_transactions*/
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
END CATCH;
GO
/*mare:check.open_now*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(bigint, dt.transaction_id) AS transacao, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM sys.dm_tran_database_transactions AS dt
            INNER JOIN sys.dm_tran_session_transactions AS st ON st.transaction_id = dt.transaction_id
            WHERE dt.database_id = DB_ID() AND st.session_id <> @@SPID');
END TRY
BEGIN CATCH
    SELECT CONVERT(bigint, NULL) AS transacao, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:check.restores*/
BEGIN TRY
    EXEC (N'SELECT TOP (1) restore_date AS restaurado_em, CONVERT(nvarchar(2048), NULL) AS motivo
            FROM msdb.dbo.restorehistory WHERE destination_database_name = DB_NAME() ORDER BY restore_date DESC');
END TRY
BEGIN CATCH
    SELECT CONVERT(datetime, NULL) AS restaurado_em, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:tracking.version*/
BEGIN TRY
    EXEC (N'SELECT CHANGE_TRACKING_CURRENT_VERSION() AS versao, CONVERT(nvarchar(2048), NULL) AS motivo');
END TRY
BEGIN CATCH
    SELECT CONVERT(bigint, NULL) AS versao, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:version.bound*/
BEGIN TRY
    EXEC (N'SELECT CONVERT(bigint, MIN_ACTIVE_ROWVERSION()) AS limite, CONVERT(nvarchar(2048), NULL) AS motivo');
END TRY
BEGIN CATCH
    SELECT CONVERT(bigint, NULL) AS limite, CONVERT(nvarchar(2048), ERROR_MESSAGE()) AS motivo;
END CATCH;
GO
/*mare:clock*/
SELECT SYSDATETIMEOFFSET() AS agora;
GO
/*mare:mark*/
SET CONTEXT_INFO 0x6D6172653A6F776E2D77726974657321;
GO
/*mare:check.switch*/
SELECT CONVERT(int, [captura_ligada]) AS captura_ligada, [trocas], CONVERT(nvarchar(36), [instalacao]) AS instalacao,
       CAST([alterado_em] AS datetimeoffset(3)) AS alterado_em, [alterado_por]
FROM [mare].[controle];
GO
/*mare:kill*/
KILL 77;
GO
/*mare:check.codes*/
SELECT DISTINCT CONVERT(nvarchar(4000), t.[id_loja]) AS codigo FROM [live].[estoque_saldo] AS t;
GO
/*mare:check.waiting*/
SELECT N'live.loja' AS tabela,
       (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'[mare].[alt_loja]') AND p.index_id IN (0, 1)) AS linhas,
       (SELECT TOP (1) CAST(c.[mare_capturado_em] AS datetimeoffset(3)) FROM [mare].[alt_loja] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao]) AS mais_antiga
UNION ALL
SELECT N'live.deposito' AS tabela,
       (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'[mare].[alt_deposito]') AND p.index_id IN (0, 1)) AS linhas,
       (SELECT TOP (1) CAST(c.[mare_capturado_em] AS datetimeoffset(3)) FROM [mare].[alt_deposito] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao]) AS mais_antiga
UNION ALL
SELECT N'live.tabela_preco' AS tabela,
       (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'[mare].[alt_tabela_preco]') AND p.index_id IN (0, 1)) AS linhas,
       (SELECT TOP (1) CAST(c.[mare_capturado_em] AS datetimeoffset(3)) FROM [mare].[alt_tabela_preco] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao]) AS mais_antiga
UNION ALL
SELECT N'live.produto' AS tabela,
       (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'[mare].[alt_produto]') AND p.index_id IN (0, 1)) AS linhas,
       (SELECT TOP (1) CAST(c.[mare_capturado_em] AS datetimeoffset(3)) FROM [mare].[alt_produto] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao]) AS mais_antiga
UNION ALL
SELECT N'live.produto_sku' AS tabela,
       (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'[mare].[alt_produto_sku]') AND p.index_id IN (0, 1)) AS linhas,
       (SELECT TOP (1) CAST(c.[mare_capturado_em] AS datetimeoffset(3)) FROM [mare].[alt_produto_sku] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao]) AS mais_antiga
UNION ALL
SELECT N'live.preco' AS tabela,
       (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'[mare].[alt_preco]') AND p.index_id IN (0, 1)) AS linhas,
       (SELECT TOP (1) CAST(c.[mare_capturado_em] AS datetimeoffset(3)) FROM [mare].[alt_preco] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao]) AS mais_antiga
UNION ALL
SELECT N'live.estoque_saldo' AS tabela,
       (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'[mare].[alt_estoque_saldo]') AND p.index_id IN (0, 1)) AS linhas,
       (SELECT TOP (1) CAST(c.[mare_capturado_em] AS datetimeoffset(3)) FROM [mare].[alt_estoque_saldo] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao]) AS mais_antiga;
GO
/*mare:drain.bound*/
SELECT 0 AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM [mare].[alt_loja] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao] DESC) AS limite
UNION ALL
SELECT 1 AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM [mare].[alt_deposito] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao] DESC) AS limite
UNION ALL
SELECT 2 AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM [mare].[alt_tabela_preco] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao] DESC) AS limite
UNION ALL
SELECT 3 AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM [mare].[alt_produto] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao] DESC) AS limite
UNION ALL
SELECT 4 AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM [mare].[alt_produto_sku] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao] DESC) AS limite
UNION ALL
SELECT 5 AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM [mare].[alt_preco] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao] DESC) AS limite
UNION ALL
SELECT 6 AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM [mare].[alt_estoque_saldo] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao] DESC) AS limite
ORDER BY tabela;
GO
/*mare:drain.page*/
SELECT TOP (@P1) CONVERT(bigint, c.[mare_versao]) AS versao, c.[mare_op], c.[mare_origem], CAST(c.[mare_capturado_em] AS datetimeoffset(3)) AS mare_capturado_em, c.[id_loja], c.[id_deposito], c.[id_sku], c.[quantidade], c.[quantidade_reservada]
FROM [mare].[alt_estoque_saldo] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK)
WHERE c.[mare_versao] > CAST(@P2 AS rowversion) AND c.[mare_versao] <= CAST(@P3 AS rowversion)
ORDER BY c.[mare_versao];
GO
/*mare:drain.page*/
SELECT CONVERT(bigint, c.[mare_versao]) AS versao, c.[mare_op], c.[mare_origem], CAST(c.[mare_capturado_em] AS datetimeoffset(3)) AS mare_capturado_em, c.[id_loja], c.[id_deposito], c.[id_sku], c.[quantidade], c.[quantidade_reservada]
FROM [mare].[alt_estoque_saldo] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK)
WHERE c.[mare_versao] > CAST(@P2 AS rowversion) AND c.[mare_versao] <= (
    SELECT TOP (1) p.[mare_versao] FROM (
        SELECT TOP (@P1) q.[mare_versao] FROM [mare].[alt_estoque_saldo] AS q WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK)
        WHERE q.[mare_versao] > CAST(@P2 AS rowversion) AND q.[mare_versao] <= CAST(@P3 AS rowversion)
        ORDER BY q.[mare_versao]) AS p
    ORDER BY p.[mare_versao] DESC)
ORDER BY c.[mare_versao], c.[mare_capturado_em];
GO
/*mare:drain.delete*/
DELETE c
FROM (
    SELECT CAST(CAST(SUBSTRING(@P1, 1 + 8 * n.i, 8) AS binary(8)) AS rowversion) AS versao
    FROM (
        SELECT k.d * 1000 + h.d * 100 + t.d * 10 + u.d AS i
        FROM (VALUES (0), (1), (2), (3)) AS k (d)
        CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS h (d)
        CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS t (d)
        CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS u (d)
    ) AS n
    WHERE n.i < @P2
) AS lida
INNER JOIN [mare].[alt_estoque_saldo] AS c WITH (ROWLOCK, FORCESEEK) ON c.[mare_versao] = lida.versao
OPTION (LOOP JOIN, FORCE ORDER);
GO
/*mare:chunk.page*/
SELECT TOP (@P1) t.[id], t.[id_tabela_preco], t.[id_produto], t.[id_sku], t.[valor], t.[preco_promocional], t.[quantidade_minima], t.[data_vigencia_inicial], t.[data_vigencia_final], t.[situacao]
FROM [live].[preco] AS t
ORDER BY t.[id];
GO
/*mare:chunk.page*/
SELECT TOP (@P1) t.[id], t.[id_tabela_preco], t.[id_produto], t.[id_sku], t.[valor], t.[preco_promocional], t.[quantidade_minima], t.[data_vigencia_inicial], t.[data_vigencia_final], t.[situacao]
FROM [live].[preco] AS t
WHERE t.[id] > CAST(@P2 AS uniqueidentifier)
ORDER BY t.[id];
GO
/*mare:chunk.page_since*/
SELECT TOP (@P1) t.[id], t.[id_tabela_preco], t.[id_produto], t.[id_sku], t.[valor], t.[preco_promocional], t.[quantidade_minima], t.[data_vigencia_inicial], t.[data_vigencia_final], t.[situacao]
FROM [live].[preco] AS t
WHERE t.[data_vigencia_inicial] >= CAST(CAST(@P2 AS datetimeoffset(3)) AS datetime2(3))
ORDER BY t.[id];
GO
/*mare:chunk.page_since*/
SELECT TOP (@P1) t.[id], t.[id_tabela_preco], t.[id_produto], t.[id_sku], t.[valor], t.[preco_promocional], t.[quantidade_minima], t.[data_vigencia_inicial], t.[data_vigencia_final], t.[situacao]
FROM [live].[preco] AS t
WHERE t.[data_vigencia_inicial] >= CAST(CAST(@P2 AS datetimeoffset(3)) AS datetime2(3)) AND t.[id] > CAST(@P3 AS uniqueidentifier)
ORDER BY t.[id];
GO
/*mare:chunk.by_keys*/
SELECT t.[id], t.[id_tabela_preco], t.[id_produto], t.[id_sku], t.[valor], t.[preco_promocional], t.[quantidade_minima], t.[data_vigencia_inicial], t.[data_vigencia_final], t.[situacao]
FROM [live].[preco] AS t
WHERE t.[id] IN (CAST(@P1 AS uniqueidentifier), CAST(@P2 AS uniqueidentifier), CAST(@P3 AS uniqueidentifier));
GO
/*mare:chunk.range*/
SELECT t.[id_loja], t.[id_deposito], t.[id_sku], t.[quantidade], t.[quantidade_reservada]
FROM [live].[estoque_saldo] AS t
WHERE t.[id_loja] = CAST(@P1 AS uniqueidentifier) AND t.[id_deposito] = CAST(@P2 AS uniqueidentifier) AND t.[id_sku] <= CAST(@P3 AS uniqueidentifier);
GO
/*mare:chunk.range*/
SELECT t.[id_loja], t.[id_deposito], t.[id_sku], t.[quantidade], t.[quantidade_reservada]
FROM [live].[estoque_saldo] AS t
WHERE t.[id_loja] = CAST(@P1 AS uniqueidentifier) AND t.[id_deposito] = CAST(@P2 AS uniqueidentifier) AND t.[id_sku] > CAST(@P3 AS uniqueidentifier) AND t.[id_sku] <= CAST(@P4 AS uniqueidentifier);
GO
/*mare:chunk.by_keys_within*/
SELECT t.[id_loja], t.[id_deposito], t.[id_sku], t.[quantidade], t.[quantidade_reservada]
FROM [live].[estoque_saldo] AS t
WHERE t.[id_loja] = CAST(@P1 AS uniqueidentifier) AND t.[id_deposito] = CAST(@P2 AS uniqueidentifier) AND t.[id_sku] IN (CAST(@P3 AS uniqueidentifier), CAST(@P4 AS uniqueidentifier));
GO
/*mare:tracking.minimum*/
SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(N'[live].[preco]')) AS minimo;
GO
/*mare:tracking.changes*/
SELECT c.SYS_CHANGE_VERSION AS versao, CASE WHEN t.[id] IS NULL THEN 'D' ELSE 'U' END AS op, c.[id], t.[id], t.[id_tabela_preco], t.[id_produto], t.[id_sku], t.[valor], t.[preco_promocional], t.[quantidade_minima], t.[data_vigencia_inicial], t.[data_vigencia_final], t.[situacao]
FROM CHANGETABLE(CHANGES [live].[preco], @P1) AS c
LEFT JOIN [live].[preco] AS t ON t.[id] = c.[id]
WHERE c.SYS_CHANGE_VERSION <= @P2
  AND (c.SYS_CHANGE_CONTEXT IS NULL OR SUBSTRING(c.SYS_CHANGE_CONTEXT, 1, 16) <> 0x6D6172653A6F776E2D77726974657321
       OR c.SYS_CHANGE_VERSION <> COALESCE(c.SYS_CHANGE_CREATION_VERSION, 0));
GO
/*mare:tracking.changes*/
SELECT c.SYS_CHANGE_VERSION AS versao, CASE WHEN t.[id_loja] IS NULL THEN 'D' ELSE 'U' END AS op, c.[id_loja], c.[id_deposito], c.[id_sku], t.[id_loja], t.[id_deposito], t.[id_sku], t.[quantidade], t.[quantidade_reservada]
FROM CHANGETABLE(CHANGES [live].[estoque_saldo], @P1) AS c
LEFT JOIN [live].[estoque_saldo] AS t ON t.[id_loja] = c.[id_loja] AND t.[id_deposito] = c.[id_deposito] AND t.[id_sku] = c.[id_sku]
WHERE c.SYS_CHANGE_VERSION <= @P2;
GO
/*mare:version.page*/
SELECT TOP (@P1) CONVERT(bigint, t.[versao_linha]) AS versao, t.[id], t.[id_tabela_preco], t.[id_produto], t.[id_sku], t.[valor], t.[preco_promocional], t.[quantidade_minima], t.[data_vigencia_inicial], t.[data_vigencia_final], t.[situacao]
FROM [live].[preco] AS t
WHERE t.[versao_linha] > CAST(@P2 AS rowversion) AND t.[versao_linha] < CAST(@P3 AS rowversion)
ORDER BY t.[versao_linha];
GO
