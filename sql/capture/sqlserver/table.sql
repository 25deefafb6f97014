-- Changes of {table}. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID({change_table_literal}, N'U') IS NULL
BEGIN
    CREATE TABLE {change_table} (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] {moment} NOT NULL CONSTRAINT {default_name} DEFAULT SYSUTCDATETIME(),
        {columns}
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE {unique}CLUSTERED INDEX {index_name} ON {change_table} ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
{optional}-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID({change_table_literal}) AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE {change_table} SET (LOCK_ESCALATION = DISABLE);
GO
{additions}
