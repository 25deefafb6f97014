-- Which fixed prices the web shop should hold, computed from Live in one statement, in centavos. Written
-- from the rules alone, like expected_stock.sql. The caller translates tabela to the trade policy
-- configured for it.
--
-- $1 text: codigo of the base table. $2 text: codigo of the cost table, or null.
--
-- Rules 1, 2, 3 and 6 of expected_prices.sql hold here too. Further:
--   7. Base table: a fixed price only while there is a preco_promocional.
--   8. Any other sales table: always a fixed price; the promotional price if there is one, else valor.
--   9. The list price of a fixed price is valor; minQuantity is quantidade_minima; its dates are the row's validity, where the year
--      9999 means no end (null here).
WITH winner AS (
    SELECT DISTINCT ON (s.id, t.id, v.quantidade_minima)
           s.codigo AS sku, t.codigo AS tabela, v.quantidade_minima, v.valor, v.preco_promocional,
           v.data_vigencia_inicial, v.data_vigencia_final
    FROM live.produto_sku AS s
    JOIN live.produto AS p ON p.id = s.id_produto AND p.ind_integra_ecommerce
    JOIN live.preco AS v ON v.id_produto = p.id AND (v.id_sku IS NULL OR v.id_sku = s.id)
    JOIN live.tabela_preco AS t ON t.id = v.id_tabela_preco
    WHERE v.situacao = 1 AND t.situacao = 1 AND v.data_vigencia_inicial <= now() AND now() < v.data_vigencia_final
      AND t.codigo IS DISTINCT FROM $2::text
    ORDER BY s.id, t.id, v.quantidade_minima, v.id_sku IS NULL, v.data_vigencia_inicial DESC, v.id DESC
)
SELECT sku, tabela, (round(coalesce(preco_promocional, valor), 2) * 100)::bigint AS value, (round(valor, 2) * 100)::bigint AS list,
       floor(quantidade_minima)::bigint AS min_quantity,
       (extract(epoch FROM data_vigencia_inicial) * 1000000)::bigint AS valid_from,
       CASE WHEN data_vigencia_final < '9999-01-01' THEN (extract(epoch FROM data_vigencia_final) * 1000000)::bigint END AS valid_to
FROM winner
WHERE round(valor, 2) > 0 AND (preco_promocional IS NULL OR (preco_promocional > 0 AND preco_promocional < valor))
  AND (tabela <> $1::text OR preco_promocional IS NOT NULL)
ORDER BY sku, tabela, min_quantity;
