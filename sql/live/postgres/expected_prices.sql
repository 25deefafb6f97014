-- What the web shop should ask for each SKU, computed from Live in one statement, in centavos. Written from
-- the rules alone, like expected_stock.sql.
--
-- $1 text: codigo of the base table. $2 text: codigo of the cost table, or null.
--
-- Rules
--   1. A row counts when its situacao = 1, its table's situacao = 1, and now lies within its validity (first day
--      included, last moment excluded).
--   2. Per SKU, table and quantidade_minima one row wins: a row of the SKU itself before a row of the whole product; then the one
--      whose validity began last; then the highest id.
--   3. The winner is refused (no row here, whatever a weaker row says) unless valor rounds to a centavo or more, and
--      preco_promocional, where there is one, lies above 0 and below valor.
--   4. Base table, quantidade_minima = 1: base price = list price = valor, half a centavo rounds up.
--   5. Cost table: cost = valor. A SKU without a base price has no row in VTEX to carry a cost, so it is left out.
--   6. Of a product with ind_integra_ecommerce = false nothing is sent. Inactive products and SKUs keep their prices.
WITH winner AS (
    SELECT DISTINCT ON (s.id, t.id) s.codigo AS sku, t.codigo AS tabela, v.valor, v.preco_promocional
    FROM live.produto_sku AS s
    JOIN live.produto AS p ON p.id = s.id_produto AND p.ind_integra_ecommerce
    JOIN live.preco AS v ON v.id_produto = p.id AND (v.id_sku IS NULL OR v.id_sku = s.id)
    JOIN live.tabela_preco AS t ON t.id = v.id_tabela_preco
    WHERE v.situacao = 1 AND t.situacao = 1 AND v.quantidade_minima = 1
      AND v.data_vigencia_inicial <= now() AND now() < v.data_vigencia_final AND t.codigo IN ($1::text, $2::text)
    ORDER BY s.id, t.id, v.id_sku IS NULL, v.data_vigencia_inicial DESC, v.id DESC
), accepted AS (
    SELECT sku, tabela, (round(valor, 2) * 100)::bigint AS centavos
    FROM winner
    WHERE round(valor, 2) > 0 AND (preco_promocional IS NULL OR (preco_promocional > 0 AND preco_promocional < valor))
)
SELECT base.sku, base.centavos AS base, base.centavos AS list, cost.centavos AS cost
FROM accepted AS base
LEFT JOIN accepted AS cost ON cost.sku = base.sku AND cost.tabela = $2::text
WHERE base.tabela = $1::text
ORDER BY base.sku;
