-- Removes what tracking_install.sql made. Run by `mare uninstall`; it may be run again.
--
-- Who runs it: a member of db_owner; securityadmin for the login.
-- Locks: DISABLE CHANGE_TRACKING waits until nobody uses the table, and gives up after 5 seconds (error 1222).
-- Undone by: tracking_install.sql. If other programs follow the changes of these tables, leave step 1 out.
SET LOCK_TIMEOUT 5000;
SET DEADLOCK_PRIORITY LOW;
GO

-- 1. The tables.
IF EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[loja]'))
    ALTER TABLE [live].[loja] DISABLE CHANGE_TRACKING;
GO
IF EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[deposito]'))
    ALTER TABLE [live].[deposito] DISABLE CHANGE_TRACKING;
GO
IF EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[tabela_preco]'))
    ALTER TABLE [live].[tabela_preco] DISABLE CHANGE_TRACKING;
GO
IF EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[produto]'))
    ALTER TABLE [live].[produto] DISABLE CHANGE_TRACKING;
GO
IF EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[produto_sku]'))
    ALTER TABLE [live].[produto_sku] DISABLE CHANGE_TRACKING;
GO
IF EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[preco]'))
    ALTER TABLE [live].[preco] DISABLE CHANGE_TRACKING;
GO
IF EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[estoque_saldo]'))
    ALTER TABLE [live].[estoque_saldo] DISABLE CHANGE_TRACKING;
GO

-- 2. The database, if no other table is tracked.
IF EXISTS (SELECT 1 FROM sys.change_tracking_databases WHERE database_id = DB_ID())
   AND NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables)
    ALTER DATABASE CURRENT SET CHANGE_TRACKING = OFF;
GO

-- 3. The user, whose rights go with it, and the login.
IF DATABASE_PRINCIPAL_ID(N'mare') IS NOT NULL
    DROP USER [mare];
GO
IF SUSER_ID(N'mare') IS NOT NULL
    DROP LOGIN [mare];
GO
