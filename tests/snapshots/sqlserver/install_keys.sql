-- What maré installs in Live (SQL Server 2012 and newer): change tables and the triggers that fill them.
-- Shown by `mare install --dry-run`, undone by uninstall.sql (`mare uninstall`). It may be run again at any time.
--
-- Who runs it: a member of db_owner; the part about the login needs securityadmin, or leave that part to whoever has it.
-- How: `mare install`, or sqlcmd -b -I -d <database> -i install.sql
-- Locks: CREATE TRIGGER waits until nobody uses the table, and others wait behind it; it gives up after 5 seconds (error 1222),
--   and can then be run again. Nothing else here touches the shop's tables. If transactions of the shop use SNAPSHOT isolation, run
--   it again only when none is open: one that is would fail at a change table that has got a column since it began.
-- A batch that begins with mare:optional may fail where the server lacks what it sets: `mare install` says so and goes on.
-- Effect on the shop: one INSERT more in each of its statements that really changes a mapped column. The rows lie in [mare]
--   until maré has them on its own disk. A statement of the shop with OUTPUT but without INTO on a captured table fails
--   with error 334 as soon as the table has any trigger: `mare check` looks for such statements.
SET LOCK_TIMEOUT 5000;
SET DEADLOCK_PRIORITY LOW;
GO

-- 1. Our own schema. Its owner is the owner of the shop's tables, so triggers may write into it without any grant to the
--    users of the ERP.
IF SCHEMA_ID(N'mare') IS NULL
    EXEC (N'CREATE SCHEMA [mare] AUTHORIZATION [dbo]');
GO

-- 2. The kill switch (see switch_off.sql) and the identity of this installation. One row.
IF OBJECT_ID(N'[mare].[controle]', N'U') IS NULL
    CREATE TABLE [mare].[controle] (
        [id]              tinyint           NOT NULL CONSTRAINT [pk_mare_controle] PRIMARY KEY
                                                     CONSTRAINT [ck_mare_controle] CHECK ([id] = 1),
        [captura_ligada]  bit               NOT NULL,
        [trocas]          int               NOT NULL,  -- how often it was switched; a gap is found by it
        [instalacao]      uniqueidentifier  NOT NULL,  -- another one: installed anew, everything is compared again
        [alterado_em]     datetime2(3)      NOT NULL,
        [alterado_por]    nvarchar(128)     NOT NULL
    );
GO
IF NOT EXISTS (SELECT 1 FROM [mare].[controle])
    INSERT INTO [mare].[controle] ([id], [captura_ligada], [trocas], [instalacao], [alterado_em], [alterado_por])
    VALUES (1, 1, 0, NEWID(), SYSUTCDATETIME(), SUSER_SNAME());
GO

-- 3. A login of its own. It owns nothing, and creates and alters nothing.
IF SUSER_ID(N'mare') IS NULL
    CREATE LOGIN [mare] WITH PASSWORD = N'***', DEFAULT_DATABASE = [live];
GO
IF DATABASE_PRINCIPAL_ID(N'mare') IS NULL
    CREATE USER [mare] FOR LOGIN [mare] WITH DEFAULT_SCHEMA = [mare];
GO

-- 4. What an earlier mapping captured and this one does not.
-- (nothing)

-- 5. One change table per captured table.
-- Changes of [live].[loja]. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID(N'[mare].[alt_loja]', N'U') IS NULL
BEGIN
    CREATE TABLE [mare].[alt_loja] (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] datetime2(3) NOT NULL CONSTRAINT [df_alt_loja] DEFAULT SYSUTCDATETIME(),
        [id] uniqueidentifier NULL,
        [id_dominio] uniqueidentifier NULL,
        [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL,
        [ind_integra_ecommerce] bit NULL,
        [situacao] smallint NULL
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE UNIQUE CLUSTERED INDEX [cx_alt_loja] ON [mare].[alt_loja] ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
/*mare:optional*/
-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID(N'[mare].[alt_loja]') AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE [mare].[alt_loja] SET (LOCK_ESCALATION = DISABLE);
GO
IF COL_LENGTH(N'[mare].[alt_loja]', N'id') IS NULL ALTER TABLE [mare].[alt_loja] ADD [id] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_loja]', N'id_dominio') IS NULL ALTER TABLE [mare].[alt_loja] ADD [id_dominio] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_loja]', N'codigo') IS NULL ALTER TABLE [mare].[alt_loja] ADD [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_loja]', N'ind_integra_ecommerce') IS NULL ALTER TABLE [mare].[alt_loja] ADD [ind_integra_ecommerce] bit NULL;
IF COL_LENGTH(N'[mare].[alt_loja]', N'situacao') IS NULL ALTER TABLE [mare].[alt_loja] ADD [situacao] smallint NULL;
GO

-- Changes of [live].[deposito]. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID(N'[mare].[alt_deposito]', N'U') IS NULL
BEGIN
    CREATE TABLE [mare].[alt_deposito] (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] datetime2(3) NOT NULL CONSTRAINT [df_alt_deposito] DEFAULT SYSUTCDATETIME(),
        [id] uniqueidentifier NULL,
        [id_loja] uniqueidentifier NULL,
        [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL,
        [ind_disponivel_ecommerce] bit NULL,
        [situacao] smallint NULL
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE UNIQUE CLUSTERED INDEX [cx_alt_deposito] ON [mare].[alt_deposito] ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
/*mare:optional*/
-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID(N'[mare].[alt_deposito]') AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE [mare].[alt_deposito] SET (LOCK_ESCALATION = DISABLE);
GO
IF COL_LENGTH(N'[mare].[alt_deposito]', N'id') IS NULL ALTER TABLE [mare].[alt_deposito] ADD [id] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_deposito]', N'id_loja') IS NULL ALTER TABLE [mare].[alt_deposito] ADD [id_loja] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_deposito]', N'codigo') IS NULL ALTER TABLE [mare].[alt_deposito] ADD [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_deposito]', N'ind_disponivel_ecommerce') IS NULL ALTER TABLE [mare].[alt_deposito] ADD [ind_disponivel_ecommerce] bit NULL;
IF COL_LENGTH(N'[mare].[alt_deposito]', N'situacao') IS NULL ALTER TABLE [mare].[alt_deposito] ADD [situacao] smallint NULL;
GO

-- Changes of [live].[tabela_preco]. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID(N'[mare].[alt_tabela_preco]', N'U') IS NULL
BEGIN
    CREATE TABLE [mare].[alt_tabela_preco] (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] datetime2(3) NOT NULL CONSTRAINT [df_alt_tabela_preco] DEFAULT SYSUTCDATETIME(),
        [id] uniqueidentifier NULL,
        [id_dominio] uniqueidentifier NULL,
        [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL,
        [data_vigencia_inicial] datetime2(3) NULL,
        [data_vigencia_final] datetime2(3) NULL,
        [situacao] smallint NULL
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE UNIQUE CLUSTERED INDEX [cx_alt_tabela_preco] ON [mare].[alt_tabela_preco] ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
/*mare:optional*/
-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID(N'[mare].[alt_tabela_preco]') AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE [mare].[alt_tabela_preco] SET (LOCK_ESCALATION = DISABLE);
GO
IF COL_LENGTH(N'[mare].[alt_tabela_preco]', N'id') IS NULL ALTER TABLE [mare].[alt_tabela_preco] ADD [id] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_tabela_preco]', N'id_dominio') IS NULL ALTER TABLE [mare].[alt_tabela_preco] ADD [id_dominio] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_tabela_preco]', N'codigo') IS NULL ALTER TABLE [mare].[alt_tabela_preco] ADD [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_tabela_preco]', N'data_vigencia_inicial') IS NULL ALTER TABLE [mare].[alt_tabela_preco] ADD [data_vigencia_inicial] datetime2(3) NULL;
IF COL_LENGTH(N'[mare].[alt_tabela_preco]', N'data_vigencia_final') IS NULL ALTER TABLE [mare].[alt_tabela_preco] ADD [data_vigencia_final] datetime2(3) NULL;
IF COL_LENGTH(N'[mare].[alt_tabela_preco]', N'situacao') IS NULL ALTER TABLE [mare].[alt_tabela_preco] ADD [situacao] smallint NULL;
GO

-- Changes of [live].[produto]. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID(N'[mare].[alt_produto]', N'U') IS NULL
BEGIN
    CREATE TABLE [mare].[alt_produto] (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] datetime2(3) NOT NULL CONSTRAINT [df_alt_produto] DEFAULT SYSUTCDATETIME(),
        [id] uniqueidentifier NULL,
        [id_dominio] uniqueidentifier NULL,
        [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL,
        [ind_integra_ecommerce] bit NULL,
        [estoque_minimo_exibicao] decimal(15, 4) NULL,
        [ind_fracionado] bit NULL,
        [situacao] smallint NULL
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE UNIQUE CLUSTERED INDEX [cx_alt_produto] ON [mare].[alt_produto] ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
/*mare:optional*/
-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID(N'[mare].[alt_produto]') AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE [mare].[alt_produto] SET (LOCK_ESCALATION = DISABLE);
GO
IF COL_LENGTH(N'[mare].[alt_produto]', N'id') IS NULL ALTER TABLE [mare].[alt_produto] ADD [id] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_produto]', N'id_dominio') IS NULL ALTER TABLE [mare].[alt_produto] ADD [id_dominio] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_produto]', N'codigo') IS NULL ALTER TABLE [mare].[alt_produto] ADD [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_produto]', N'ind_integra_ecommerce') IS NULL ALTER TABLE [mare].[alt_produto] ADD [ind_integra_ecommerce] bit NULL;
IF COL_LENGTH(N'[mare].[alt_produto]', N'estoque_minimo_exibicao') IS NULL ALTER TABLE [mare].[alt_produto] ADD [estoque_minimo_exibicao] decimal(15, 4) NULL;
IF COL_LENGTH(N'[mare].[alt_produto]', N'ind_fracionado') IS NULL ALTER TABLE [mare].[alt_produto] ADD [ind_fracionado] bit NULL;
IF COL_LENGTH(N'[mare].[alt_produto]', N'situacao') IS NULL ALTER TABLE [mare].[alt_produto] ADD [situacao] smallint NULL;
GO

-- Changes of [live].[produto_sku]. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID(N'[mare].[alt_produto_sku]', N'U') IS NULL
BEGIN
    CREATE TABLE [mare].[alt_produto_sku] (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] datetime2(3) NOT NULL CONSTRAINT [df_alt_produto_sku] DEFAULT SYSUTCDATETIME(),
        [id] uniqueidentifier NULL,
        [id_produto] uniqueidentifier NULL,
        [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL,
        [fator_embalagem] decimal(15, 4) NULL,
        [ind_ativo_ecommerce] bit NULL,
        [situacao] smallint NULL
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE UNIQUE CLUSTERED INDEX [cx_alt_produto_sku] ON [mare].[alt_produto_sku] ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
/*mare:optional*/
-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID(N'[mare].[alt_produto_sku]') AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE [mare].[alt_produto_sku] SET (LOCK_ESCALATION = DISABLE);
GO
IF COL_LENGTH(N'[mare].[alt_produto_sku]', N'id') IS NULL ALTER TABLE [mare].[alt_produto_sku] ADD [id] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_produto_sku]', N'id_produto') IS NULL ALTER TABLE [mare].[alt_produto_sku] ADD [id_produto] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_produto_sku]', N'codigo') IS NULL ALTER TABLE [mare].[alt_produto_sku] ADD [codigo] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_produto_sku]', N'fator_embalagem') IS NULL ALTER TABLE [mare].[alt_produto_sku] ADD [fator_embalagem] decimal(15, 4) NULL;
IF COL_LENGTH(N'[mare].[alt_produto_sku]', N'ind_ativo_ecommerce') IS NULL ALTER TABLE [mare].[alt_produto_sku] ADD [ind_ativo_ecommerce] bit NULL;
IF COL_LENGTH(N'[mare].[alt_produto_sku]', N'situacao') IS NULL ALTER TABLE [mare].[alt_produto_sku] ADD [situacao] smallint NULL;
GO

-- Changes of [live].[preco]. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID(N'[mare].[alt_preco]', N'U') IS NULL
BEGIN
    CREATE TABLE [mare].[alt_preco] (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] datetime2(3) NOT NULL CONSTRAINT [df_alt_preco] DEFAULT SYSUTCDATETIME(),
        [id] uniqueidentifier NULL
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE UNIQUE CLUSTERED INDEX [cx_alt_preco] ON [mare].[alt_preco] ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
/*mare:optional*/
-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID(N'[mare].[alt_preco]') AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE [mare].[alt_preco] SET (LOCK_ESCALATION = DISABLE);
GO
IF COL_LENGTH(N'[mare].[alt_preco]', N'id') IS NULL ALTER TABLE [mare].[alt_preco] ADD [id] uniqueidentifier NULL;
GO

-- Changes of [live].[estoque_saldo]. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID(N'[mare].[alt_estoque_saldo]', N'U') IS NULL
BEGIN
    CREATE TABLE [mare].[alt_estoque_saldo] (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] datetime2(3) NOT NULL CONSTRAINT [df_alt_estoque_saldo] DEFAULT SYSUTCDATETIME(),
        [id_loja] uniqueidentifier NULL,
        [id_deposito] uniqueidentifier NULL,
        [id_sku] uniqueidentifier NULL
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE UNIQUE CLUSTERED INDEX [cx_alt_estoque_saldo] ON [mare].[alt_estoque_saldo] ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
/*mare:optional*/
-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID(N'[mare].[alt_estoque_saldo]') AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE [mare].[alt_estoque_saldo] SET (LOCK_ESCALATION = DISABLE);
GO
IF COL_LENGTH(N'[mare].[alt_estoque_saldo]', N'id_loja') IS NULL ALTER TABLE [mare].[alt_estoque_saldo] ADD [id_loja] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_estoque_saldo]', N'id_deposito') IS NULL ALTER TABLE [mare].[alt_estoque_saldo] ADD [id_deposito] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_estoque_saldo]', N'id_sku') IS NULL ALTER TABLE [mare].[alt_estoque_saldo] ADD [id_sku] uniqueidentifier NULL;
GO


-- 6. What the login may do: read the mapped columns, read change rows, and delete those that it has read.
GRANT SELECT ([id], [id_dominio], [codigo], [ind_integra_ecommerce], [situacao]) ON [live].[loja] TO [mare];
GRANT SELECT ([id], [id_loja], [codigo], [ind_disponivel_ecommerce], [situacao]) ON [live].[deposito] TO [mare];
GRANT SELECT ([id], [id_dominio], [codigo], [data_vigencia_inicial], [data_vigencia_final], [situacao]) ON [live].[tabela_preco] TO [mare];
GRANT SELECT ([id], [id_dominio], [codigo], [ind_integra_ecommerce], [estoque_minimo_exibicao], [ind_fracionado], [situacao]) ON [live].[produto] TO [mare];
GRANT SELECT ([id], [id_produto], [codigo], [fator_embalagem], [ind_ativo_ecommerce], [situacao]) ON [live].[produto_sku] TO [mare];
GRANT SELECT ([id], [id_tabela_preco], [id_produto], [id_sku], [valor], [preco_promocional], [quantidade_minima], [data_vigencia_inicial], [data_vigencia_final], [situacao]) ON [live].[preco] TO [mare];
GRANT SELECT ([id_loja], [id_deposito], [id_sku], [quantidade], [quantidade_reservada]) ON [live].[estoque_saldo] TO [mare];
GRANT SELECT, DELETE ON [mare].[alt_loja] TO [mare];
GRANT SELECT, DELETE ON [mare].[alt_deposito] TO [mare];
GRANT SELECT, DELETE ON [mare].[alt_tabela_preco] TO [mare];
GRANT SELECT, DELETE ON [mare].[alt_produto] TO [mare];
GRANT SELECT, DELETE ON [mare].[alt_produto_sku] TO [mare];
GRANT SELECT, DELETE ON [mare].[alt_preco] TO [mare];
GRANT SELECT, DELETE ON [mare].[alt_estoque_saldo] TO [mare];
GRANT SELECT ON [mare].[controle] TO [mare];
GO
/*mare:optional*/
-- So that `mare check` sees a trigger that is missing, disabled or altered. It shows the login the definitions of
-- these tables and of their triggers, and no data.
GRANT VIEW DEFINITION ON [live].[loja] TO [mare];
GRANT VIEW DEFINITION ON [live].[deposito] TO [mare];
GRANT VIEW DEFINITION ON [live].[tabela_preco] TO [mare];
GRANT VIEW DEFINITION ON [live].[produto] TO [mare];
GRANT VIEW DEFINITION ON [live].[produto_sku] TO [mare];
GRANT VIEW DEFINITION ON [live].[preco] TO [mare];
GRANT VIEW DEFINITION ON [live].[estoque_saldo] TO [mare];
-- Optional, in master: it lets `mare check` name the session that keeps a transaction open, and look for statements with
-- OUTPUT among those that ran lately. Without it everything works, and these two questions stay open. (From SQL Server
-- 2022 on VIEW SERVER PERFORMANCE STATE is enough; Azure SQL Database knows VIEW DATABASE STATE.)
--   GRANT VIEW SERVER STATE TO [mare];
GO

-- 7. The triggers last: from here on no change is missed.
-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
IF OBJECT_ID(N'[live].[mare_loja]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_loja];
GO
-- mare:fingerprint 568a8fc328337325
-- Notes what changed in [live].[loja] for maré, in [mare].[alt_loja].
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER [live].[mare_loja] ON [live].[loja]
AFTER INSERT, UPDATE, DELETE
AS
BEGIN
    SET NOCOUNT ON;
    -- A limit that the session set for its own statements would cut ours short; it holds again when this is over.
    SET ROWCOUNT 0;

    IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
    -- The kill switch. NOLOCK: no statement of the shop may ever wait for whoever turns it.
    IF EXISTS (SELECT 1 FROM [mare].[controle] WITH (NOLOCK) WHERE [captura_ligada] = 0) RETURN;
    -- What we wrote ourselves needs not come back to us.
    IF SUBSTRING(CONTEXT_INFO(), 1, 16) = 0x6D6172653A6F776E2D77726974657321 RETURN;
    DECLARE @origem tinyint;
    SET @origem = 0;
    IF EXISTS (SELECT 1 FROM inserted) AND EXISTS (SELECT 1 FROM deleted)
        AND NOT (UPDATE([id]) OR UPDATE([id_dominio]) OR UPDATE([codigo]) OR UPDATE([ind_integra_ecommerce]) OR UPDATE([situacao])) RETURN;

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO [mare].[alt_loja] ([mare_op], [mare_origem], [id], [id_dominio], [codigo], [ind_integra_ecommerce], [situacao])
    SELECT 'D', @origem, d.[id], d.[id_dominio], d.[codigo], d.[ind_integra_ecommerce], d.[situacao]
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE i.[id] = d.[id]);

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO [mare].[alt_loja] ([mare_op], [mare_origem], [id], [id_dominio], [codigo], [ind_integra_ecommerce], [situacao])
    SELECT 'U', @origem, i.[id], i.[id_dominio], i.[codigo], i.[ind_integra_ecommerce], i.[situacao]
    FROM inserted AS i
    LEFT JOIN deleted AS d ON i.[id] = d.[id]
    WHERE d.[id] IS NULL
       OR EXISTS (SELECT i.[id_dominio], CONVERT(varbinary(8000), i.[codigo]), i.[ind_integra_ecommerce], i.[situacao]
                  EXCEPT
                  SELECT d.[id_dominio], CONVERT(varbinary(8000), d.[codigo]), d.[ind_integra_ecommerce], d.[situacao]);
END;
GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO
-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
IF OBJECT_ID(N'[live].[mare_deposito]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_deposito];
GO
-- mare:fingerprint 75cf834a3937385f
-- Notes what changed in [live].[deposito] for maré, in [mare].[alt_deposito].
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER [live].[mare_deposito] ON [live].[deposito]
AFTER INSERT, UPDATE, DELETE
AS
BEGIN
    SET NOCOUNT ON;
    -- A limit that the session set for its own statements would cut ours short; it holds again when this is over.
    SET ROWCOUNT 0;

    IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
    -- The kill switch. NOLOCK: no statement of the shop may ever wait for whoever turns it.
    IF EXISTS (SELECT 1 FROM [mare].[controle] WITH (NOLOCK) WHERE [captura_ligada] = 0) RETURN;
    -- What we wrote ourselves needs not come back to us.
    IF SUBSTRING(CONTEXT_INFO(), 1, 16) = 0x6D6172653A6F776E2D77726974657321 RETURN;
    DECLARE @origem tinyint;
    SET @origem = 0;
    IF EXISTS (SELECT 1 FROM inserted) AND EXISTS (SELECT 1 FROM deleted)
        AND NOT (UPDATE([id]) OR UPDATE([id_loja]) OR UPDATE([codigo]) OR UPDATE([ind_disponivel_ecommerce]) OR UPDATE([situacao])) RETURN;

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO [mare].[alt_deposito] ([mare_op], [mare_origem], [id], [id_loja], [codigo], [ind_disponivel_ecommerce], [situacao])
    SELECT 'D', @origem, d.[id], d.[id_loja], d.[codigo], d.[ind_disponivel_ecommerce], d.[situacao]
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE i.[id] = d.[id]);

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO [mare].[alt_deposito] ([mare_op], [mare_origem], [id], [id_loja], [codigo], [ind_disponivel_ecommerce], [situacao])
    SELECT 'U', @origem, i.[id], i.[id_loja], i.[codigo], i.[ind_disponivel_ecommerce], i.[situacao]
    FROM inserted AS i
    LEFT JOIN deleted AS d ON i.[id] = d.[id]
    WHERE d.[id] IS NULL
       OR EXISTS (SELECT i.[id_loja], CONVERT(varbinary(8000), i.[codigo]), i.[ind_disponivel_ecommerce], i.[situacao]
                  EXCEPT
                  SELECT d.[id_loja], CONVERT(varbinary(8000), d.[codigo]), d.[ind_disponivel_ecommerce], d.[situacao]);
END;
GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO
-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
IF OBJECT_ID(N'[live].[mare_tabela_preco]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_tabela_preco];
GO
-- mare:fingerprint cda1d1c45a060d98
-- Notes what changed in [live].[tabela_preco] for maré, in [mare].[alt_tabela_preco].
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER [live].[mare_tabela_preco] ON [live].[tabela_preco]
AFTER INSERT, UPDATE, DELETE
AS
BEGIN
    SET NOCOUNT ON;
    -- A limit that the session set for its own statements would cut ours short; it holds again when this is over.
    SET ROWCOUNT 0;

    IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
    -- The kill switch. NOLOCK: no statement of the shop may ever wait for whoever turns it.
    IF EXISTS (SELECT 1 FROM [mare].[controle] WITH (NOLOCK) WHERE [captura_ligada] = 0) RETURN;
    -- What we wrote ourselves needs not come back to us.
    IF SUBSTRING(CONTEXT_INFO(), 1, 16) = 0x6D6172653A6F776E2D77726974657321 RETURN;
    DECLARE @origem tinyint;
    SET @origem = 0;
    IF EXISTS (SELECT 1 FROM inserted) AND EXISTS (SELECT 1 FROM deleted)
        AND NOT (UPDATE([id]) OR UPDATE([id_dominio]) OR UPDATE([codigo]) OR UPDATE([data_vigencia_inicial]) OR UPDATE([data_vigencia_final]) OR UPDATE([situacao])) RETURN;

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO [mare].[alt_tabela_preco] ([mare_op], [mare_origem], [id], [id_dominio], [codigo], [data_vigencia_inicial], [data_vigencia_final], [situacao])
    SELECT 'D', @origem, d.[id], d.[id_dominio], d.[codigo], d.[data_vigencia_inicial], d.[data_vigencia_final], d.[situacao]
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE i.[id] = d.[id]);

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO [mare].[alt_tabela_preco] ([mare_op], [mare_origem], [id], [id_dominio], [codigo], [data_vigencia_inicial], [data_vigencia_final], [situacao])
    SELECT 'U', @origem, i.[id], i.[id_dominio], i.[codigo], i.[data_vigencia_inicial], i.[data_vigencia_final], i.[situacao]
    FROM inserted AS i
    LEFT JOIN deleted AS d ON i.[id] = d.[id]
    WHERE d.[id] IS NULL
       OR EXISTS (SELECT i.[id_dominio], CONVERT(varbinary(8000), i.[codigo]), i.[data_vigencia_inicial], i.[data_vigencia_final], i.[situacao]
                  EXCEPT
                  SELECT d.[id_dominio], CONVERT(varbinary(8000), d.[codigo]), d.[data_vigencia_inicial], d.[data_vigencia_final], d.[situacao]);
END;
GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO
-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
IF OBJECT_ID(N'[live].[mare_produto]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_produto];
GO
-- mare:fingerprint a2b2c2747ddd3508
-- Notes what changed in [live].[produto] for maré, in [mare].[alt_produto].
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER [live].[mare_produto] ON [live].[produto]
AFTER INSERT, UPDATE, DELETE
AS
BEGIN
    SET NOCOUNT ON;
    -- A limit that the session set for its own statements would cut ours short; it holds again when this is over.
    SET ROWCOUNT 0;

    IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
    -- The kill switch. NOLOCK: no statement of the shop may ever wait for whoever turns it.
    IF EXISTS (SELECT 1 FROM [mare].[controle] WITH (NOLOCK) WHERE [captura_ligada] = 0) RETURN;
    -- What we wrote ourselves needs not come back to us.
    IF SUBSTRING(CONTEXT_INFO(), 1, 16) = 0x6D6172653A6F776E2D77726974657321 RETURN;
    DECLARE @origem tinyint;
    SET @origem = 0;
    IF EXISTS (SELECT 1 FROM inserted) AND EXISTS (SELECT 1 FROM deleted)
        AND NOT (UPDATE([id]) OR UPDATE([id_dominio]) OR UPDATE([codigo]) OR UPDATE([ind_integra_ecommerce]) OR UPDATE([estoque_minimo_exibicao]) OR UPDATE([ind_fracionado]) OR UPDATE([situacao])) RETURN;

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO [mare].[alt_produto] ([mare_op], [mare_origem], [id], [id_dominio], [codigo], [ind_integra_ecommerce], [estoque_minimo_exibicao], [ind_fracionado], [situacao])
    SELECT 'D', @origem, d.[id], d.[id_dominio], d.[codigo], d.[ind_integra_ecommerce], d.[estoque_minimo_exibicao], d.[ind_fracionado], d.[situacao]
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE i.[id] = d.[id]);

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO [mare].[alt_produto] ([mare_op], [mare_origem], [id], [id_dominio], [codigo], [ind_integra_ecommerce], [estoque_minimo_exibicao], [ind_fracionado], [situacao])
    SELECT 'U', @origem, i.[id], i.[id_dominio], i.[codigo], i.[ind_integra_ecommerce], i.[estoque_minimo_exibicao], i.[ind_fracionado], i.[situacao]
    FROM inserted AS i
    LEFT JOIN deleted AS d ON i.[id] = d.[id]
    WHERE d.[id] IS NULL
       OR EXISTS (SELECT i.[id_dominio], CONVERT(varbinary(8000), i.[codigo]), i.[ind_integra_ecommerce], i.[estoque_minimo_exibicao], i.[ind_fracionado], i.[situacao]
                  EXCEPT
                  SELECT d.[id_dominio], CONVERT(varbinary(8000), d.[codigo]), d.[ind_integra_ecommerce], d.[estoque_minimo_exibicao], d.[ind_fracionado], d.[situacao]);
END;
GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO
-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
IF OBJECT_ID(N'[live].[mare_produto_sku]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_produto_sku];
GO
-- mare:fingerprint 0f29baf94b8c02f9
-- Notes what changed in [live].[produto_sku] for maré, in [mare].[alt_produto_sku].
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER [live].[mare_produto_sku] ON [live].[produto_sku]
AFTER INSERT, UPDATE, DELETE
AS
BEGIN
    SET NOCOUNT ON;
    -- A limit that the session set for its own statements would cut ours short; it holds again when this is over.
    SET ROWCOUNT 0;

    IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
    -- The kill switch. NOLOCK: no statement of the shop may ever wait for whoever turns it.
    IF EXISTS (SELECT 1 FROM [mare].[controle] WITH (NOLOCK) WHERE [captura_ligada] = 0) RETURN;
    -- What we wrote ourselves needs not come back to us.
    IF SUBSTRING(CONTEXT_INFO(), 1, 16) = 0x6D6172653A6F776E2D77726974657321 RETURN;
    DECLARE @origem tinyint;
    SET @origem = 0;
    IF EXISTS (SELECT 1 FROM inserted) AND EXISTS (SELECT 1 FROM deleted)
        AND NOT (UPDATE([id]) OR UPDATE([id_produto]) OR UPDATE([codigo]) OR UPDATE([fator_embalagem]) OR UPDATE([ind_ativo_ecommerce]) OR UPDATE([situacao])) RETURN;

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO [mare].[alt_produto_sku] ([mare_op], [mare_origem], [id], [id_produto], [codigo], [fator_embalagem], [ind_ativo_ecommerce], [situacao])
    SELECT 'D', @origem, d.[id], d.[id_produto], d.[codigo], d.[fator_embalagem], d.[ind_ativo_ecommerce], d.[situacao]
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE i.[id] = d.[id]);

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO [mare].[alt_produto_sku] ([mare_op], [mare_origem], [id], [id_produto], [codigo], [fator_embalagem], [ind_ativo_ecommerce], [situacao])
    SELECT 'U', @origem, i.[id], i.[id_produto], i.[codigo], i.[fator_embalagem], i.[ind_ativo_ecommerce], i.[situacao]
    FROM inserted AS i
    LEFT JOIN deleted AS d ON i.[id] = d.[id]
    WHERE d.[id] IS NULL
       OR EXISTS (SELECT i.[id_produto], CONVERT(varbinary(8000), i.[codigo]), i.[fator_embalagem], i.[ind_ativo_ecommerce], i.[situacao]
                  EXCEPT
                  SELECT d.[id_produto], CONVERT(varbinary(8000), d.[codigo]), d.[fator_embalagem], d.[ind_ativo_ecommerce], d.[situacao]);
END;
GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO
-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
IF OBJECT_ID(N'[live].[mare_preco]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_preco];
GO
-- mare:fingerprint 5e97d17c8e34be7d
-- Notes what changed in [live].[preco] for maré, in [mare].[alt_preco].
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER [live].[mare_preco] ON [live].[preco]
AFTER INSERT, UPDATE, DELETE
AS
BEGIN
    SET NOCOUNT ON;
    -- A limit that the session set for its own statements would cut ours short; it holds again when this is over.
    SET ROWCOUNT 0;

    IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
    -- The kill switch. NOLOCK: no statement of the shop may ever wait for whoever turns it.
    IF EXISTS (SELECT 1 FROM [mare].[controle] WITH (NOLOCK) WHERE [captura_ligada] = 0) RETURN;
    -- What we wrote ourselves needs not come back to us.
    IF SUBSTRING(CONTEXT_INFO(), 1, 16) = 0x6D6172653A6F776E2D77726974657321 RETURN;
    DECLARE @origem tinyint;
    SET @origem = 0;
    IF EXISTS (SELECT 1 FROM inserted) AND EXISTS (SELECT 1 FROM deleted)
        AND NOT (UPDATE([id]) OR UPDATE([id_tabela_preco]) OR UPDATE([id_produto]) OR UPDATE([id_sku]) OR UPDATE([valor]) OR UPDATE([preco_promocional]) OR UPDATE([quantidade_minima]) OR UPDATE([data_vigencia_inicial]) OR UPDATE([data_vigencia_final]) OR UPDATE([situacao])) RETURN;

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO [mare].[alt_preco] ([mare_op], [mare_origem], [id])
    SELECT 'D', @origem, d.[id]
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE i.[id] = d.[id]);

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO [mare].[alt_preco] ([mare_op], [mare_origem], [id])
    SELECT 'U', @origem, i.[id]
    FROM inserted AS i
    LEFT JOIN deleted AS d ON i.[id] = d.[id]
    WHERE d.[id] IS NULL
       OR EXISTS (SELECT i.[id_tabela_preco], i.[id_produto], i.[id_sku], i.[valor], i.[preco_promocional], i.[quantidade_minima], i.[data_vigencia_inicial], i.[data_vigencia_final], i.[situacao]
                  EXCEPT
                  SELECT d.[id_tabela_preco], d.[id_produto], d.[id_sku], d.[valor], d.[preco_promocional], d.[quantidade_minima], d.[data_vigencia_inicial], d.[data_vigencia_final], d.[situacao]);
END;
GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO
-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
IF OBJECT_ID(N'[live].[mare_estoque_saldo]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_estoque_saldo];
GO
-- mare:fingerprint 24a72983206cca79
-- Notes what changed in [live].[estoque_saldo] for maré, in [mare].[alt_estoque_saldo].
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER [live].[mare_estoque_saldo] ON [live].[estoque_saldo]
AFTER INSERT, UPDATE, DELETE
AS
BEGIN
    SET NOCOUNT ON;
    -- A limit that the session set for its own statements would cut ours short; it holds again when this is over.
    SET ROWCOUNT 0;

    IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
    -- The kill switch. NOLOCK: no statement of the shop may ever wait for whoever turns it.
    IF EXISTS (SELECT 1 FROM [mare].[controle] WITH (NOLOCK) WHERE [captura_ligada] = 0) RETURN;
    -- Our own writes are captured here like the shop's, and marked.
    DECLARE @origem tinyint;
    SET @origem = CASE WHEN SUBSTRING(CONTEXT_INFO(), 1, 16) = 0x6D6172653A6F776E2D77726974657321 THEN 1 ELSE 0 END;
    IF EXISTS (SELECT 1 FROM inserted) AND EXISTS (SELECT 1 FROM deleted)
        AND NOT (UPDATE([id_loja]) OR UPDATE([id_deposito]) OR UPDATE([id_sku]) OR UPDATE([quantidade]) OR UPDATE([quantidade_reservada])) RETURN;

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO [mare].[alt_estoque_saldo] ([mare_op], [mare_origem], [id_loja], [id_deposito], [id_sku])
    SELECT 'D', @origem, d.[id_loja], d.[id_deposito], d.[id_sku]
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE i.[id_loja] = d.[id_loja] AND i.[id_deposito] = d.[id_deposito] AND i.[id_sku] = d.[id_sku]);

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO [mare].[alt_estoque_saldo] ([mare_op], [mare_origem], [id_loja], [id_deposito], [id_sku])
    SELECT 'U', @origem, i.[id_loja], i.[id_deposito], i.[id_sku]
    FROM inserted AS i
    LEFT JOIN deleted AS d ON i.[id_loja] = d.[id_loja] AND i.[id_deposito] = d.[id_deposito] AND i.[id_sku] = d.[id_sku]
    WHERE d.[id_loja] IS NULL
       OR EXISTS (SELECT i.[quantidade], i.[quantidade_reservada]
                  EXCEPT
                  SELECT d.[quantidade], d.[quantidade_reservada]);
END;
GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO

