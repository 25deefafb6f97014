-- Capture without triggers: SQL Server's own change tracking, which remembers the keys of changed rows.
-- For installations that may not have triggers. Undone by tracking_uninstall.sql (`mare uninstall`); may be run again.
--
-- Who runs it: a member of db_owner; the part about the login needs securityadmin.
-- Locks: ENABLE CHANGE_TRACKING waits until nobody uses the table, and gives up after 5 seconds (error 1222).
-- Effect on the shop: an internal row per changed row, in every statement, whatever column it changed. ALTER TABLE … SWITCH is refused
--   on a tracked table. Statements with OUTPUT are not affected. Keys are kept for 7 days; an outage of maré that lasts
--   longer ends in a comparison of everything. Deletes of expired keys run in the background.
SET LOCK_TIMEOUT 5000;
SET DEADLOCK_PRIORITY LOW;
GO

-- 1. For the database, if nobody has enabled it yet.
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_databases WHERE database_id = DB_ID())
    ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON);
GO

-- 2. For each captured table.
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[loja]'))
    ALTER TABLE [live].[loja] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF);
GO
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[deposito]'))
    ALTER TABLE [live].[deposito] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF);
GO
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[tabela_preco]'))
    ALTER TABLE [live].[tabela_preco] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF);
GO
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[produto]'))
    ALTER TABLE [live].[produto] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF);
GO
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[produto_sku]'))
    ALTER TABLE [live].[produto_sku] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF);
GO
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[preco]'))
    ALTER TABLE [live].[preco] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF);
GO
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(N'[live].[estoque_saldo]'))
    ALTER TABLE [live].[estoque_saldo] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF);
GO

-- 3. A login of its own. It owns nothing, and creates and alters nothing.
IF SUSER_ID(N'mare') IS NULL
    CREATE LOGIN [mare] WITH PASSWORD = N'***', DEFAULT_DATABASE = [live];
GO
IF DATABASE_PRINCIPAL_ID(N'mare') IS NULL
    CREATE USER [mare] FOR LOGIN [mare] WITH DEFAULT_SCHEMA = [mare];
GO

-- 4. What it may do: read the mapped columns and which keys changed.
GRANT SELECT ([id], [id_dominio], [codigo], [ind_integra_ecommerce], [situacao]) ON [live].[loja] TO [mare];
GRANT SELECT ([id], [id_loja], [codigo], [ind_disponivel_ecommerce], [situacao]) ON [live].[deposito] TO [mare];
GRANT SELECT ([id], [id_dominio], [codigo], [data_vigencia_inicial], [data_vigencia_final], [situacao]) ON [live].[tabela_preco] TO [mare];
GRANT SELECT ([id], [id_dominio], [codigo], [ind_integra_ecommerce], [estoque_minimo_exibicao], [ind_fracionado], [situacao]) ON [live].[produto] TO [mare];
GRANT SELECT ([id], [id_produto], [codigo], [fator_embalagem], [ind_ativo_ecommerce], [situacao]) ON [live].[produto_sku] TO [mare];
GRANT SELECT ([id], [id_tabela_preco], [id_produto], [id_sku], [valor], [preco_promocional], [quantidade_minima], [data_vigencia_inicial], [data_vigencia_final], [situacao]) ON [live].[preco] TO [mare];
GRANT SELECT ([id_loja], [id_deposito], [id_sku], [quantidade], [quantidade_reservada]) ON [live].[estoque_saldo] TO [mare];
GRANT VIEW CHANGE TRACKING ON [live].[loja] TO [mare];
GRANT VIEW CHANGE TRACKING ON [live].[deposito] TO [mare];
GRANT VIEW CHANGE TRACKING ON [live].[tabela_preco] TO [mare];
GRANT VIEW CHANGE TRACKING ON [live].[produto] TO [mare];
GRANT VIEW CHANGE TRACKING ON [live].[produto_sku] TO [mare];
GRANT VIEW CHANGE TRACKING ON [live].[preco] TO [mare];
GRANT VIEW CHANGE TRACKING ON [live].[estoque_saldo] TO [mare];
GO

