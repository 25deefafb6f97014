-- Which fixed prices the web shop should hold, computed from Live in one statement, in centavos. The rules are written down in
-- sql/live/postgres/expected_fixed_prices.sql; this says them in T-SQL.
--
-- @P1 nvarchar: codigo of the base table. @P2 nvarchar: codigo of the cost table, or ''. @P3 datetime2: now, in the local time
-- in which Live keeps its dates. @P4 int: how many minutes that time is ahead of UTC (Brasília: -180). One number for all
-- dates, which is right for the dates of the simulated shop: they lie after the end of daylight saving time.
--
-- valid_from and valid_to are microseconds since 1970 (UTC).
WITH ranked AS (
    SELECT s.codigo AS sku, t.codigo AS tabela, v.quantidade_minima, v.valor, v.preco_promocional,
           v.data_vigencia_inicial, v.data_vigencia_final,
           ROW_NUMBER() OVER (
               PARTITION BY s.id, t.id, v.quantidade_minima
               ORDER BY CASE WHEN v.id_sku IS NULL THEN 1 ELSE 0 END, v.data_vigencia_inicial DESC, CONVERT(char(36), v.id) DESC
           ) AS place
    FROM live.produto_sku AS s
    INNER JOIN live.produto AS p ON p.id = s.id_produto AND p.ind_integra_ecommerce = 1
    INNER JOIN live.preco AS v ON v.id_produto = p.id AND (v.id_sku IS NULL OR v.id_sku = s.id)
    INNER JOIN live.tabela_preco AS t ON t.id = v.id_tabela_preco
    WHERE v.situacao = 1 AND t.situacao = 1 AND v.data_vigencia_inicial <= CAST(@P3 AS datetime2(3)) AND CAST(@P3 AS datetime2(3)) < v.data_vigencia_final
      AND t.codigo <> @P2
)
SELECT r.sku, r.tabela, CAST(ROUND(COALESCE(r.preco_promocional, r.valor), 2) * 100 AS bigint) AS value,
       CAST(ROUND(r.valor, 2) * 100 AS bigint) AS list, CAST(FLOOR(r.quantidade_minima) AS bigint) AS min_quantity,
       CAST(DATEDIFF(day, '1970-01-01', r.data_vigencia_inicial) AS bigint) * 86400000000
           + CAST(DATEDIFF(millisecond, CAST(r.data_vigencia_inicial AS date), r.data_vigencia_inicial) AS bigint) * 1000
           - CAST(@P4 AS bigint) * 60000000 AS valid_from,
       CASE WHEN r.data_vigencia_final < '9999-01-01'
            THEN CAST(DATEDIFF(day, '1970-01-01', r.data_vigencia_final) AS bigint) * 86400000000
                + CAST(DATEDIFF(millisecond, CAST(r.data_vigencia_final AS date), r.data_vigencia_final) AS bigint) * 1000
                - CAST(@P4 AS bigint) * 60000000
       END AS valid_to
FROM ranked AS r
WHERE r.place = 1 AND ROUND(r.valor, 2) > 0
  AND (r.preco_promocional IS NULL OR (r.preco_promocional > 0 AND r.preco_promocional < r.valor))
  AND (r.tabela <> @P1 OR r.preco_promocional IS NOT NULL)
ORDER BY r.sku, r.tabela, min_quantity;
