-- What maré installs in Live (SQL Server 2012 and newer): change tables and the triggers that fill them.
-- Shown by `mare install --dry-run`, undone by uninstall.sql (`mare uninstall`). It may be run again at any time.
--
-- Who runs it: a member of db_owner; the part about the login needs securityadmin, or leave that part to whoever has it.
-- How: `mare install`, or sqlcmd -b -I -d <database> -i install.sql
-- Locks: CREATE TRIGGER waits until nobody uses the table, and others wait behind it; it gives up after 5 seconds (error 1222),
--   and can then be run again. Nothing else here touches the shop's tables. If transactions of the shop use SNAPSHOT isolation, run
--   it again only when none is open: one that is would fail at a change table that has got a column since it began.
-- A batch that begins with mare:optional may fail where the server lacks what it sets: `mare install` says so and goes on.
-- Effect on the shop: one INSERT more in each of its statements that really changes a mapped column. The rows lie in {schema_name}
--   until maré has them on its own disk. A statement of the shop with OUTPUT but without INTO on a captured table fails
--   with error 334 as soon as the table has any trigger: `mare check` looks for such statements.
SET LOCK_TIMEOUT 5000;
SET DEADLOCK_PRIORITY LOW;
GO

-- 1. Our own schema. Its owner is the owner of the shop's tables, so triggers may write into it without any grant to the
--    users of the ERP.
IF SCHEMA_ID({schema_literal}) IS NULL
    EXEC ({create_schema});
GO

-- 2. The kill switch (see switch_off.sql) and the identity of this installation. One row.
IF OBJECT_ID({control_literal}, N'U') IS NULL
    CREATE TABLE {control} (
        [id]              tinyint           NOT NULL CONSTRAINT [pk_mare_controle] PRIMARY KEY
                                                     CONSTRAINT [ck_mare_controle] CHECK ([id] = 1),
        [captura_ligada]  bit               NOT NULL,
        [trocas]          int               NOT NULL,  -- how often it was switched; a gap is found by it
        [instalacao]      uniqueidentifier  NOT NULL,  -- another one: installed anew, everything is compared again
        [alterado_em]     datetime2(3)      NOT NULL,
        [alterado_por]    nvarchar(128)     NOT NULL
    );
GO
IF NOT EXISTS (SELECT 1 FROM {control})
    INSERT INTO {control} ([id], [captura_ligada], [trocas], [instalacao], [alterado_em], [alterado_por])
    VALUES (1, 1, 0, NEWID(), SYSUTCDATETIME(), SUSER_SNAME());
GO

-- 3. A login of its own. It owns nothing, and creates and alters nothing.
{login}
-- 4. What an earlier mapping captured and this one does not.
{superfluous}
-- 5. One change table per captured table.
{tables}
-- 6. What the login may do: read the mapped columns, read change rows, and delete those that it has read.
{grants}
-- 7. The triggers last: from here on no change is missed.
{triggers}
