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
IF SUSER_ID(N'LOJA\svc-mare') IS NULL
    CREATE LOGIN [LOJA\svc-mare] FROM WINDOWS;
GO
IF DATABASE_PRINCIPAL_ID(N'LOJA\svc-mare') IS NULL
    CREATE USER [LOJA\svc-mare] FOR LOGIN [LOJA\svc-mare] WITH DEFAULT_SCHEMA = [mare];
GO

-- 4. What an earlier mapping captured and this one does not.
-- (nothing)

-- 5. One change table per captured table.
-- Changes of [dbo].[Produto's grade]. No IDENTITY: it would disturb @@IDENTITY in the shop's programs. Every column may be null and texts
-- have all the room there is, so that nothing that is right in the shop's table can fail here.
IF OBJECT_ID(N'[mare].[alt_Produto''s grade]', N'U') IS NULL
BEGIN
    CREATE TABLE [mare].[alt_Produto's grade] (
        [mare_versao] rowversion NOT NULL,
        [mare_op] char(1) NOT NULL,  -- U new or changed, D gone
        [mare_origem] tinyint NOT NULL,  -- 0 the shop, 1 maré
        [mare_capturado_em] datetime2(7) NOT NULL CONSTRAINT [df_alt_Produto's grade] DEFAULT SYSUTCDATETIME(),
        [código]]] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL,
        [ordem] smallint NULL,
        [nulo bit] bit NULL,
        [nulo tinyint] tinyint NULL,
        [nulo int] int NULL,
        [nulo bigint] bigint NULL,
        [nulo decimal(38,10)] decimal(38, 10) NULL,
        [nulo money] money NULL,
        [nulo smallmoney] smallmoney NULL,
        [nulo real] real NULL,
        [nulo float(53)] float(53) NULL,
        [nulo date] date NULL,
        [nulo time(3)] time(3) NULL,
        [nulo datetime] datetime NULL,
        [nulo smalldatetime] smalldatetime NULL,
        [nulo datetime2(7)] datetime2(7) NULL,
        [nulo datetimeoffset(3)] datetimeoffset(3) NULL,
        [nulo char(8)] varchar(8000) COLLATE Latin1_General_CI_AI NULL,
        [nulo varchar(max)] varchar(max) COLLATE Latin1_General_CI_AI NULL,
        [nulo nchar(2)] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL,
        [nulo nvarchar(max)] nvarchar(max) COLLATE Latin1_General_CI_AI NULL,
        [nulo binary(4)] binary(4) NULL,
        [nulo varbinary(max)] varbinary(max) NULL,
        [nulo uniqueidentifier] uniqueidentifier NULL,
        [nulo rowversion] binary(8) NULL,
        [calculada] bigint NULL
    );
    -- Rows lock one by one: a reader passes by those of an open transaction, and nobody waits for a page.
    CREATE CLUSTERED INDEX [cx_alt_Produto's grade] ON [mare].[alt_Produto's grade] ([mare_versao])
        WITH (ALLOW_ROW_LOCKS = ON, ALLOW_PAGE_LOCKS = OFF);
END;
GO
/*mare:optional*/
-- Many locked rows do not become one locked table. (Babelfish has no such setting, and locks no table for it.)
IF EXISTS (SELECT 1 FROM sys.tables WHERE object_id = OBJECT_ID(N'[mare].[alt_Produto''s grade]') AND lock_escalation_desc <> N'DISABLE')
    ALTER TABLE [mare].[alt_Produto's grade] SET (LOCK_ESCALATION = DISABLE);
GO
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'código]') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [código]]] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'ordem') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [ordem] smallint NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo bit') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo bit] bit NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo tinyint') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo tinyint] tinyint NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo int') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo int] int NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo bigint') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo bigint] bigint NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo decimal(38,10)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo decimal(38,10)] decimal(38, 10) NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo money') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo money] money NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo smallmoney') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo smallmoney] smallmoney NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo real') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo real] real NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo float(53)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo float(53)] float(53) NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo date') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo date] date NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo time(3)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo time(3)] time(3) NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo datetime') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo datetime] datetime NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo smalldatetime') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo smalldatetime] smalldatetime NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo datetime2(7)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo datetime2(7)] datetime2(7) NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo datetimeoffset(3)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo datetimeoffset(3)] datetimeoffset(3) NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo char(8)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo char(8)] varchar(8000) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo varchar(max)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo varchar(max)] varchar(max) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo nchar(2)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo nchar(2)] nvarchar(4000) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo nvarchar(max)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo nvarchar(max)] nvarchar(max) COLLATE Latin1_General_CI_AI NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo binary(4)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo binary(4)] binary(4) NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo varbinary(max)') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo varbinary(max)] varbinary(max) NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo uniqueidentifier') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo uniqueidentifier] uniqueidentifier NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'nulo rowversion') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [nulo rowversion] binary(8) NULL;
IF COL_LENGTH(N'[mare].[alt_Produto''s grade]', N'calculada') IS NULL ALTER TABLE [mare].[alt_Produto's grade] ADD [calculada] bigint NULL;
GO


-- 6. What the login may do: read the mapped columns, read change rows, and delete those that it has read.
GRANT SELECT ([código]]], [ordem], [nulo bit], [nulo tinyint], [nulo int], [nulo bigint], [nulo decimal(38,10)], [nulo money], [nulo smallmoney], [nulo real], [nulo float(53)], [nulo date], [nulo time(3)], [nulo datetime], [nulo smalldatetime], [nulo datetime2(7)], [nulo datetimeoffset(3)], [nulo char(8)], [nulo varchar(max)], [nulo nchar(2)], [nulo nvarchar(max)], [nulo binary(4)], [nulo varbinary(max)], [nulo uniqueidentifier], [nulo rowversion], [calculada]) ON [dbo].[Produto's grade] TO [LOJA\svc-mare];
GRANT SELECT, DELETE ON [mare].[alt_Produto's grade] TO [LOJA\svc-mare];
GRANT SELECT ON [mare].[controle] TO [LOJA\svc-mare];
GO
/*mare:optional*/
-- So that `mare check` sees a trigger that is missing, disabled or altered. It shows the login the definitions of
-- these tables and of their triggers, and no data.
GRANT VIEW DEFINITION ON [dbo].[Produto's grade] TO [LOJA\svc-mare];
-- Optional, in master: it lets `mare check` name the session that keeps a transaction open, and look for statements with
-- OUTPUT among those that ran lately. Without it everything works, and these two questions stay open. (From SQL Server
-- 2022 on VIEW SERVER PERFORMANCE STATE is enough; Azure SQL Database knows VIEW DATABASE STATE.)
--   GRANT VIEW SERVER STATE TO [LOJA\svc-mare];
GO

-- 7. The triggers last: from here on no change is missed.
-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
IF OBJECT_ID(N'[dbo].[mare_Produto''s grade]', N'TR') IS NOT NULL
    DROP TRIGGER [dbo].[mare_Produto's grade];
GO
-- mare:fingerprint 9372988f83d2a343
-- Notes what changed in [dbo].[Produto's grade] for maré, in [mare].[alt_Produto's grade].
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER [dbo].[mare_Produto's grade] ON [dbo].[Produto's grade]
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
    -- (a captured column is computed: every UPDATE may change it)

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO [mare].[alt_Produto's grade] ([mare_op], [mare_origem], [código]]], [ordem], [nulo bit], [nulo tinyint], [nulo int], [nulo bigint], [nulo decimal(38,10)], [nulo money], [nulo smallmoney], [nulo real], [nulo float(53)], [nulo date], [nulo time(3)], [nulo datetime], [nulo smalldatetime], [nulo datetime2(7)], [nulo datetimeoffset(3)], [nulo char(8)], [nulo varchar(max)], [nulo nchar(2)], [nulo nvarchar(max)], [nulo binary(4)], [nulo varbinary(max)], [nulo uniqueidentifier], [nulo rowversion], [calculada])
    SELECT 'D', @origem, d.[código]]], d.[ordem], d.[nulo bit], d.[nulo tinyint], d.[nulo int], d.[nulo bigint], d.[nulo decimal(38,10)], d.[nulo money], d.[nulo smallmoney], d.[nulo real], d.[nulo float(53)], d.[nulo date], d.[nulo time(3)], d.[nulo datetime], d.[nulo smalldatetime], d.[nulo datetime2(7)], d.[nulo datetimeoffset(3)], d.[nulo char(8)], d.[nulo varchar(max)], d.[nulo nchar(2)], d.[nulo nvarchar(max)], d.[nulo binary(4)], d.[nulo varbinary(max)], d.[nulo uniqueidentifier], d.[nulo rowversion], d.[calculada]
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE CONVERT(varbinary(8000), i.[código]]]) = CONVERT(varbinary(8000), d.[código]]]) AND i.[ordem] = d.[ordem]);

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO [mare].[alt_Produto's grade] ([mare_op], [mare_origem], [código]]], [ordem], [nulo bit], [nulo tinyint], [nulo int], [nulo bigint], [nulo decimal(38,10)], [nulo money], [nulo smallmoney], [nulo real], [nulo float(53)], [nulo date], [nulo time(3)], [nulo datetime], [nulo smalldatetime], [nulo datetime2(7)], [nulo datetimeoffset(3)], [nulo char(8)], [nulo varchar(max)], [nulo nchar(2)], [nulo nvarchar(max)], [nulo binary(4)], [nulo varbinary(max)], [nulo uniqueidentifier], [nulo rowversion], [calculada])
    SELECT 'U', @origem, i.[código]]], i.[ordem], i.[nulo bit], i.[nulo tinyint], i.[nulo int], i.[nulo bigint], i.[nulo decimal(38,10)], i.[nulo money], i.[nulo smallmoney], i.[nulo real], i.[nulo float(53)], i.[nulo date], i.[nulo time(3)], i.[nulo datetime], i.[nulo smalldatetime], i.[nulo datetime2(7)], i.[nulo datetimeoffset(3)], i.[nulo char(8)], i.[nulo varchar(max)], i.[nulo nchar(2)], i.[nulo nvarchar(max)], i.[nulo binary(4)], i.[nulo varbinary(max)], i.[nulo uniqueidentifier], i.[nulo rowversion], i.[calculada]
    FROM inserted AS i
    LEFT JOIN deleted AS d ON CONVERT(varbinary(8000), i.[código]]]) = CONVERT(varbinary(8000), d.[código]]]) AND i.[ordem] = d.[ordem]
    WHERE d.[código]]] IS NULL
       OR EXISTS (SELECT i.[nulo bit], i.[nulo tinyint], i.[nulo int], i.[nulo bigint], i.[nulo decimal(38,10)], i.[nulo money], i.[nulo smallmoney], i.[nulo real], i.[nulo float(53)], i.[nulo date], i.[nulo time(3)], i.[nulo datetime], i.[nulo smalldatetime], i.[nulo datetime2(7)], i.[nulo datetimeoffset(3)], CONVERT(varbinary(8000), i.[nulo char(8)]), CONVERT(varbinary(max), i.[nulo varchar(max)]), CONVERT(varbinary(8000), i.[nulo nchar(2)]), CONVERT(varbinary(max), i.[nulo nvarchar(max)]), i.[nulo binary(4)], i.[nulo varbinary(max)], i.[nulo uniqueidentifier], i.[nulo rowversion], i.[calculada]
                  EXCEPT
                  SELECT d.[nulo bit], d.[nulo tinyint], d.[nulo int], d.[nulo bigint], d.[nulo decimal(38,10)], d.[nulo money], d.[nulo smallmoney], d.[nulo real], d.[nulo float(53)], d.[nulo date], d.[nulo time(3)], d.[nulo datetime], d.[nulo smalldatetime], d.[nulo datetime2(7)], d.[nulo datetimeoffset(3)], CONVERT(varbinary(8000), d.[nulo char(8)]), CONVERT(varbinary(max), d.[nulo varchar(max)]), CONVERT(varbinary(8000), d.[nulo nchar(2)]), CONVERT(varbinary(max), d.[nulo nvarchar(max)]), d.[nulo binary(4)], d.[nulo varbinary(max)], d.[nulo uniqueidentifier], d.[nulo rowversion], d.[calculada]);
END;
GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO

