-- Removes everything that maré installed in Live (SQL Server). Run by `mare uninstall`; it may be run again.
--
-- Who runs it: a member of db_owner; securityadmin for the login at the end.
-- Locks: DROP TRIGGER waits until nobody uses the table, and gives up after 5 seconds (error 1222): run it again then.
-- Undone by: install.sql. What waits in the change tables is lost; maré then compares everything again.
SET LOCK_TIMEOUT 5000;
SET DEADLOCK_PRIORITY LOW;
GO

-- 1. The triggers first: from here on no statement of the shop knows of us.
IF OBJECT_ID(N'[live].[mare_deposito]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_deposito];
GO
IF OBJECT_ID(N'[live].[mare_estoque_saldo]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_estoque_saldo];
GO
IF OBJECT_ID(N'[live].[mare_loja]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_loja];
GO
IF OBJECT_ID(N'[live].[mare_preco]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_preco];
GO
IF OBJECT_ID(N'[live].[mare_produto]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_produto];
GO
IF OBJECT_ID(N'[live].[mare_produto_sku]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_produto_sku];
GO
IF OBJECT_ID(N'[live].[mare_tabela_preco]', N'TR') IS NOT NULL
    DROP TRIGGER [live].[mare_tabela_preco];
GO

-- 2. The change tables and the kill switch.
IF OBJECT_ID(N'[mare].[alt_deposito]', N'U') IS NOT NULL
    DROP TABLE [mare].[alt_deposito];
GO
IF OBJECT_ID(N'[mare].[alt_estoque_saldo]', N'U') IS NOT NULL
    DROP TABLE [mare].[alt_estoque_saldo];
GO
IF OBJECT_ID(N'[mare].[alt_loja]', N'U') IS NOT NULL
    DROP TABLE [mare].[alt_loja];
GO
IF OBJECT_ID(N'[mare].[alt_preco]', N'U') IS NOT NULL
    DROP TABLE [mare].[alt_preco];
GO
IF OBJECT_ID(N'[mare].[alt_produto]', N'U') IS NOT NULL
    DROP TABLE [mare].[alt_produto];
GO
IF OBJECT_ID(N'[mare].[alt_produto_sku]', N'U') IS NOT NULL
    DROP TABLE [mare].[alt_produto_sku];
GO
IF OBJECT_ID(N'[mare].[alt_tabela_preco]', N'U') IS NOT NULL
    DROP TABLE [mare].[alt_tabela_preco];
GO
IF OBJECT_ID(N'[mare].[controle]', N'U') IS NOT NULL
    DROP TABLE [mare].[controle];
GO

-- 3. The user, whose rights go with it, and the login.
IF DATABASE_PRINCIPAL_ID(N'mare') IS NOT NULL
    DROP USER [mare];
GO
IF SUSER_ID(N'mare') IS NOT NULL
    DROP LOGIN [mare];
GO

-- 4. The schema, if nobody has put anything else into it.
IF SCHEMA_ID(N'mare') IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM sys.objects WHERE schema_id = SCHEMA_ID(N'mare'))
    DROP SCHEMA [mare];
GO
