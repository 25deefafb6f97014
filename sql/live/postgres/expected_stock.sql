-- What the web shop should show of stock, computed from Live in one statement. It is written from the rules
-- alone and shares nothing with the replicator, so that one misreading cannot hide in both.
--
-- $1 text: 'hide' or 'subtract', what the minimum for display does.
--
-- Rules
--   1. Per deposit: on hand - reserved. A deposit counts when situacao = 1 and ind_disponivel_ecommerce.
--   2. The deposits of a store add up (each store is one warehouse).
--   3. A product sold by a fraction (ind_fracionado): divide the sum by fator_embalagem. Round down; below zero is zero;
--      above 2,147,483,647 is 2,147,483,647.
--   4. hide: below estoque_minimo_exibicao the quantity is 0. subtract: the minimum, rounded up, is held back.
--   5. Zero when the store or the product or the SKU has situacao <> 1, the store is not integrated, or the SKU is not
--      active in the web shop. Such a zero, and one that has no counting deposit behind it, is sent only where VTEX was told
--      something else before: may_be_absent is true. (produto.ind_ativo_ecommerce hides the page, not the quantity.)
--   6. Of a product with ind_integra_ecommerce = false nothing is sent, whatever VTEX holds: no row here. The same for a
--      fraction without a factor above zero.
--
-- A pair of store and SKU that has no stock row is not in the answer: nobody knows its quantity.
WITH counted AS (
    SELECT e.id_loja, e.id_sku,
           sum(e.quantidade - e.quantidade_reservada) FILTER (WHERE d.situacao = 1 AND d.ind_disponivel_ecommerce) AS net
    FROM live.estoque_saldo AS e
    JOIN live.deposito AS d ON d.id = e.id_deposito
    GROUP BY e.id_loja, e.id_sku
), units AS (
    SELECT l.codigo AS loja, s.codigo AS sku, p.estoque_minimo_exibicao AS minimum,
           -- div() truncates exactly, which for a number that is not negative is the floor
           least(div(greatest(c.net, 0), CASE WHEN p.ind_fracionado THEN s.fator_embalagem ELSE 1 END), 2147483647) AS sellable,
           l.situacao = 1 AND l.ind_integra_ecommerce AND p.situacao = 1 AND s.situacao = 1 AND s.ind_ativo_ecommerce
               AND c.net IS NOT NULL AS open
    FROM counted AS c
    JOIN live.loja AS l ON l.id = c.id_loja
    JOIN live.produto_sku AS s ON s.id = c.id_sku
    JOIN live.produto AS p ON p.id = s.id_produto
    WHERE p.ind_integra_ecommerce AND (NOT p.ind_fracionado OR s.fator_embalagem > 0)
)
SELECT loja, sku,
       (CASE WHEN NOT open THEN 0
             WHEN $1::text = 'subtract' THEN greatest(sellable - ceil(minimum), 0)
             WHEN sellable < minimum THEN 0
             ELSE sellable END)::bigint AS quantidade,
       NOT open AS may_be_absent
FROM units
ORDER BY loja, sku;
