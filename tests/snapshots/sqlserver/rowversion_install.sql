-- Capture with nothing installed: maré polls the rowversion column that the shop's tables have already. All it needs is a login
-- that may read. Undone by rowversion_uninstall.sql (`mare uninstall`); may be run again.
--
-- Who runs it: a member of db_owner; the part about the login needs securityadmin.
-- Locks: none on the shop's tables.
-- Effect on the shop: each poll reads the rows changed since the last one; without an index on the rowversion column it reads the whole
--   table. Deleted rows leave no trace and are found only when everything is compared. One transaction that stays open
--   anywhere in the database holds back everything that changed after it began.

-- 1. A login of its own. It owns nothing, and creates and alters nothing.
IF SUSER_ID(N'mare') IS NULL
    CREATE LOGIN [mare] WITH PASSWORD = N'***', DEFAULT_DATABASE = [live];
GO
IF DATABASE_PRINCIPAL_ID(N'mare') IS NULL
    CREATE USER [mare] FOR LOGIN [mare] WITH DEFAULT_SCHEMA = [mare];
GO

-- 2. It may read the mapped columns, and no others.
GRANT SELECT ([id], [id_dominio], [codigo], [ind_integra_ecommerce], [situacao]) ON [live].[loja] TO [mare];
GRANT SELECT ([id], [id_loja], [codigo], [ind_disponivel_ecommerce], [situacao]) ON [live].[deposito] TO [mare];
GRANT SELECT ([id], [id_dominio], [codigo], [data_vigencia_inicial], [data_vigencia_final], [situacao]) ON [live].[tabela_preco] TO [mare];
GRANT SELECT ([id], [id_dominio], [codigo], [ind_integra_ecommerce], [estoque_minimo_exibicao], [ind_fracionado], [situacao]) ON [live].[produto] TO [mare];
GRANT SELECT ([id], [id_produto], [codigo], [fator_embalagem], [ind_ativo_ecommerce], [situacao]) ON [live].[produto_sku] TO [mare];
GRANT SELECT ([id], [id_tabela_preco], [id_produto], [id_sku], [valor], [preco_promocional], [quantidade_minima], [data_vigencia_inicial], [data_vigencia_final], [situacao]) ON [live].[preco] TO [mare];
GRANT SELECT ([id_loja], [id_deposito], [id_sku], [quantidade], [quantidade_reservada]) ON [live].[estoque_saldo] TO [mare];
GO

