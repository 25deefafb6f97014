-- What the web shop should show of stock, computed from Live in one statement. The rules are written down in
-- sql/live/postgres/expected_stock.sql; this says them in T-SQL, and shares nothing with the replicator.
--
-- @P1 nvarchar: 'hide' or 'subtract', what the minimum for display does.
--
-- The division is one of whole ten-thousandths: it is exact, and for a number that is not negative it rounds down.
WITH counted AS (
    SELECT e.id_loja, e.id_sku,
           SUM(CASE WHEN d.situacao = 1 AND d.ind_disponivel_ecommerce = 1 THEN e.quantidade - e.quantidade_reservada END) AS net
    FROM live.estoque_saldo AS e
    INNER JOIN live.deposito AS d ON d.id = e.id_deposito
    GROUP BY e.id_loja, e.id_sku
), units AS (
    SELECT l.codigo AS loja, s.codigo AS sku, CAST(CEILING(p.estoque_minimo_exibicao) AS bigint) AS minimum,
           p.estoque_minimo_exibicao AS exact_minimum,
           CASE WHEN c.net > 0
                THEN CAST(c.net * 10000 AS bigint) / CAST(CASE WHEN p.ind_fracionado = 1 THEN s.fator_embalagem ELSE 1 END * 10000 AS bigint)
                ELSE 0 END AS whole,
           CASE WHEN l.situacao = 1 AND l.ind_integra_ecommerce = 1 AND p.situacao = 1 AND s.situacao = 1
                     AND s.ind_ativo_ecommerce = 1 AND c.net IS NOT NULL
                THEN 1 ELSE 0 END AS is_open
    FROM counted AS c
    INNER JOIN live.loja AS l ON l.id = c.id_loja
    INNER JOIN live.produto_sku AS s ON s.id = c.id_sku
    INNER JOIN live.produto AS p ON p.id = s.id_produto
    WHERE p.ind_integra_ecommerce = 1 AND (p.ind_fracionado = 0 OR s.fator_embalagem > 0)
), sellable AS (
    SELECT u.loja, u.sku, u.minimum, u.exact_minimum, u.is_open,
           CASE WHEN u.whole > 2147483647 THEN 2147483647 ELSE u.whole END AS quantity
    FROM units AS u
)
SELECT v.loja, v.sku,
       CAST(CASE WHEN v.is_open = 0 THEN 0
                 WHEN @P1 = 'subtract' THEN CASE WHEN v.quantity > v.minimum THEN v.quantity - v.minimum ELSE 0 END
                 WHEN v.quantity < v.exact_minimum THEN 0
                 ELSE v.quantity END AS bigint) AS quantidade,
       1 - v.is_open AS may_be_absent
FROM sellable AS v
ORDER BY v.loja, v.sku;
