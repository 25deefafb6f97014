-- What the web shop should ask for each SKU, computed from Live in one statement, in centavos. The rules are written down in
-- sql/live/postgres/expected_prices.sql; this says them in T-SQL.
--
-- @P1 nvarchar: codigo of the base table. @P2 nvarchar: codigo of the cost table, or ''. @P3 datetime2: now, in the local time
-- in which Live keeps its dates.
--
-- The highest id is the highest in the order of its text: SQL Server itself orders a uniqueidentifier by its last bytes.
WITH ranked AS (
    SELECT s.codigo AS sku, t.codigo AS tabela, v.valor, v.preco_promocional,
           ROW_NUMBER() OVER (
               PARTITION BY s.id, t.id
               ORDER BY CASE WHEN v.id_sku IS NULL THEN 1 ELSE 0 END, v.data_vigencia_inicial DESC, CONVERT(char(36), v.id) DESC
           ) AS place
    FROM live.produto_sku AS s
    INNER JOIN live.produto AS p ON p.id = s.id_produto AND p.ind_integra_ecommerce = 1
    INNER JOIN live.preco AS v ON v.id_produto = p.id AND (v.id_sku IS NULL OR v.id_sku = s.id)
    INNER JOIN live.tabela_preco AS t ON t.id = v.id_tabela_preco
    WHERE v.situacao = 1 AND t.situacao = 1 AND v.quantidade_minima = 1
      AND v.data_vigencia_inicial <= CAST(@P3 AS datetime2(3)) AND CAST(@P3 AS datetime2(3)) < v.data_vigencia_final AND t.codigo IN (@P1, @P2)
), accepted AS (
    SELECT r.sku, r.tabela, CAST(ROUND(r.valor, 2) * 100 AS bigint) AS centavos
    FROM ranked AS r
    WHERE r.place = 1 AND ROUND(r.valor, 2) > 0
      AND (r.preco_promocional IS NULL OR (r.preco_promocional > 0 AND r.preco_promocional < r.valor))
)
SELECT base.sku, base.centavos AS base, base.centavos AS list, cost.centavos AS cost
FROM accepted AS base
LEFT JOIN accepted AS cost ON cost.sku = base.sku AND cost.tabela = @P2
WHERE base.tabela = @P1
ORDER BY base.sku;
