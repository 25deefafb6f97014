-- Fills the reference Live with an invented shop: row for row the one that sql/live/postgres/generate.sql makes. Every value
-- comes from MD5 over seed, kind and number, so the same profile and seed give the same rows on every server and in both
-- engines. Nothing depends on the clock. Times are those of Brasília.
--
-- Sizes and seed are read from the temporary table #profile (one row), which the caller makes on the same connection; by hand:
--   SELECT CAST(1 AS bigint) AS seed, 2 AS stores, 300 AS products, 1200 AS skus, 120 AS sku_prices, 200 AS customers
--   INTO #profile;
--
-- `skus` is a multiple of `products` and of 50, `sku_prices` is even. Lines that begin with "-- step:" cut the file into steps.
-- Batches end with GO and are sent as they are: a temporary table made by sp_executesql would end with it.

-- step: tools
-- The identity of the n-th thing of a kind.
CREATE FUNCTION live.mare_key(@seed bigint, @kind varchar(40), @n bigint) RETURNS uniqueidentifier AS
BEGIN
    RETURN CAST(STUFF(STUFF(STUFF(STUFF(
        CONVERT(char(32), HASHBYTES('MD5', CONCAT(@seed, ':id:', @kind, ':', @n)), 2),
        9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-') AS uniqueidentifier);
END;
GO
-- Four independent whole numbers from 0 to 2^32 - 1.
CREATE FUNCTION live.mare_draw(@seed bigint, @kind varchar(40), @n bigint) RETURNS TABLE AS
RETURN
    SELECT CAST(SUBSTRING(h.x, 1, 4) AS bigint) AS d0, CAST(SUBSTRING(h.x, 5, 4) AS bigint) AS d1,
           CAST(SUBSTRING(h.x, 9, 4) AS bigint) AS d2, CAST(SUBSTRING(h.x, 13, 4) AS bigint) AS d3
    FROM (SELECT HASHBYTES('MD5', CONCAT(@seed, ':', @kind, ':', @n)) AS x) AS h;
GO
-- A GTIN-13 with its check digit: weights 1 and 3 in turn over the first twelve digits.
CREATE FUNCTION live.mare_gtin(@twelve varchar(12)) RETURNS TABLE AS
RETURN
    SELECT CONCAT(@twelve, (10 - SUM(CAST(SUBSTRING(@twelve, i.k, 1) AS int) * CASE WHEN i.k % 2 = 0 THEN 3 ELSE 1 END) % 10) % 10)
           AS gtin
    FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS i (k);
GO
-- A CPF with its two check digits: weighted sums modulo 11.
CREATE FUNCTION live.mare_cpf(@nine varchar(9)) RETURNS TABLE AS
RETURN
    SELECT CONCAT(d.ten, (SUM(CAST(SUBSTRING(d.ten, i.k, 1) AS int) * (12 - i.k)) * 10 % 11) % 10) AS cpf
    FROM (
        SELECT CONCAT(@nine, (SUM(CAST(SUBSTRING(@nine, j.k, 1) AS int) * (11 - j.k)) * 10 % 11) % 10) AS ten
        FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS j (k)
    ) AS d
    CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS i (k)
    GROUP BY d.ten;
GO
-- Constants of every row: the tenant and the day on which everything was entered.
SELECT p.seed, p.stores, p.products, p.skus, p.sku_prices, p.customers, p.skus / p.products AS grade,
       live.mare_key(p.seed, 'dominio', 1) AS id_dominio, CAST('2024-03-01T09:00:00' AS datetime2(3)) AS entered
INTO #shop
FROM #profile AS p;
GO
-- The numbers from 1 to the largest size.
CREATE TABLE #number (n int NOT NULL PRIMARY KEY);
GO
DECLARE @wanted int;
DECLARE @have int;
SELECT @wanted = MAX(v.size) FROM #shop AS s CROSS APPLY (VALUES (s.stores), (s.products), (s.skus), (s.customers), (40)) AS v (size);
SET @have = 1;
INSERT INTO #number (n) VALUES (1);
WHILE @have < @wanted
BEGIN
    INSERT INTO #number (n) SELECT n.n + @have FROM #number AS n WHERE n.n + @have <= @wanted;
    SET @have = @have * 2;
END;
GO

-- step: stores
-- In every twenty stores one is not in the web shop (013, 033, …); in every forty one is closed (027, …).
INSERT INTO live.loja (id, id_dominio, codigo, cnpj, razao_social, nome_fantasia, tipo, uf, cep, logradouro, numero, bairro,
    cidade, latitude, longitude, ind_integra_ecommerce, ind_retira_loja, situacao, data_cadastro, data_atualizacao)
SELECT live.mare_key(s.seed, 'loja', g.n), s.id_dominio, RIGHT(CONCAT('000', g.n), 3),
       CONCAT('10000001', RIGHT(CONCAT('0000', g.n), 4), '00'), N'Lojas Maré Comércio Ltda.',
       CONCAT(N'Maré ', RIGHT(CONCAT('000', g.n), 3)), CASE WHEN g.n % 30 = 0 THEN 2 ELSE 1 END,
       CHOOSE(1 + g.n % 5, 'SP', 'RJ', 'MG', 'PR', 'BA'), RIGHT(CONCAT('00000000', 1000000 + g.n * 137), 8), N'Rua do Porto',
       CONCAT(g.n * 10, ''), N'Centro',
       CHOOSE(1 + g.n % 5, N'São Paulo', N'Rio de Janeiro', N'Belo Horizonte', N'Curitiba', N'Salvador'),
       -23.5 + g.n / 100.0, -46.6 + g.n / 100.0, CASE WHEN g.n % 20 <> 13 THEN 1 ELSE 0 END,
       CASE WHEN g.n % 3 <> 0 THEN 1 ELSE 0 END, CASE WHEN g.n % 40 = 27 THEN 0 ELSE 1 END, s.entered, s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.stores;
GO
-- Every store has its sales floor; every second store also a reserve that the web shop does not sell from.
INSERT INTO live.deposito (id, id_loja, codigo, descricao, ind_padrao, ind_disponivel_ecommerce, situacao)
SELECT live.mare_key(s.seed, 'deposito', g.n), live.mare_key(s.seed, 'loja', g.n), N'LOJA', N'Loja', 1, 1, 1
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.stores
UNION ALL
SELECT live.mare_key(s.seed, 'deposito-reserva', g.n), live.mare_key(s.seed, 'loja', g.n), N'RESERVA', N'Reserva técnica', 0, 0, 1
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.stores AND g.n % 2 = 0;
GO

-- step: products
INSERT INTO live.marca (id, id_dominio, codigo, descricao, situacao, data_atualizacao)
SELECT live.mare_key(s.seed, 'marca', g.n), s.id_dominio, CONCAT('M', RIGHT(CONCAT('000', g.n), 3)),
       CHOOSE(g.n, N'Onda', N'Areia', N'Coral', N'Brisa', N'Duna', N'Farol', N'Recife', N'Âncora', N'Vela', N'Gaivota'),
       1, s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= 10;
GO
INSERT INTO live.classificador (id, id_dominio, id_pai, nivel, codigo, descricao, situacao, data_atualizacao)
SELECT live.mare_key(s.seed, 'classificador', g.n), s.id_dominio,
       CASE WHEN g.n > 4 THEN live.mare_key(s.seed, 'classificador', CASE WHEN g.n > 16 THEN 5 + g.n % 12 ELSE 1 + g.n % 4 END) END,
       CASE WHEN g.n > 16 THEN 3 WHEN g.n > 4 THEN 2 ELSE 1 END, CONCAT('C', RIGHT(CONCAT('000', g.n), 3)),
       CONCAT(CASE WHEN g.n > 16 THEN N'Categoria ' WHEN g.n > 4 THEN N'Departamento ' ELSE N'Mundo ' END, g.n), 1, s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= 40;
GO
INSERT INTO live.cor (id, id_dominio, codigo, descricao, rgb)
SELECT live.mare_key(s.seed, 'cor', g.n), s.id_dominio, CONCAT('C', g.n),
       CHOOSE(g.n, N'Azul', N'Branco', N'Preto', N'Verde', N'Vermelho', N'Amarelo', N'Cinza', N'Rosa'),
       CHOOSE(g.n, '0047AB', 'FFFFFF', '000000', '2E8B57', 'B22222', 'FFD700', '808080', 'FFC0CB')
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= 8;
GO
INSERT INTO live.tamanho (id, id_dominio, codigo, descricao, ordem)
SELECT live.mare_key(s.seed, 'tamanho', g.n), s.id_dominio, CONCAT('T', g.n),
       CHOOSE(g.n, N'PP', N'P', N'M', N'G', N'GG', N'XG'), g.n
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= 6;
GO
-- Of 100 products about 2 are not integrated at all, 1 is integrated but not shown, 1 in 200 is inactive;
-- 10 have a minimum for display; 3 are sold by a fraction (metres, kilograms).
INSERT INTO live.produto (id, id_dominio, codigo, referencia, descricao, descricao_resumida, descricao_ecommerce,
    titulo_ecommerce, palavras_chave, meta_descricao, id_marca, id_classificador, ncm, cest, origem, unidade_medida,
    ind_fracionado, tipo_produto, ind_grade, ind_integra_ecommerce, ind_ativo_ecommerce, estoque_minimo_exibicao,
    ordem_exibicao, peso_bruto, peso_liquido, altura_cm, largura_cm, comprimento_cm, data_lancamento, situacao,
    data_cadastro, data_atualizacao)
SELECT live.mare_key(s.seed, 'produto', g.n), s.id_dominio, CONCAT(100000 + g.n, ''), CONCAT('REF-', g.n), CONCAT(t.name, ' ', g.n),
       t.name,
       CONCAT(N'<p>', t.name, N' da coleção ', 1 + g.n % 9, N', feito para durar.</p>', REPLICATE(N'<p>Lave à mão.</p>', g.n % 7)),
       CONCAT(t.name, ' ', g.n), CONCAT(N'praia,verão,', LOWER(t.name)), CONCAT(t.name, ' ', g.n, N' nas Lojas Maré'),
       live.mare_key(s.seed, 'marca', 1 + b.d0 % 10), live.mare_key(s.seed, 'classificador', 17 + b.d1 % 24),
       '61091000', '2805900', 0, CASE WHEN t.fractional = 0 THEN 'UN' WHEN g.n % 2 = 0 THEN 'M' ELSE 'KG' END,
       t.fractional, 1, CASE WHEN s.grade > 1 THEN 1 ELSE 0 END, CASE WHEN a.d0 % 1000 >= 20 THEN 1 ELSE 0 END,
       CASE WHEN a.d0 % 1000 >= 30 THEN 1 ELSE 0 END, CASE WHEN a.d1 % 100 < 10 THEN 1 + a.d2 % 4 ELSE 0 END, g.n,
       0.2 + b.d2 % 3000 / 1000.0, 0.1 + b.d2 % 3000 / 1000.0, 5 + g.n % 20, 10 + g.n % 30, 15 + g.n % 40,
       DATEADD(day, g.n % 300, CAST('2024-01-01' AS date)), CASE WHEN b.d3 % 200 = 0 THEN 0 ELSE 1 END, s.entered, s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.products
CROSS APPLY live.mare_draw(s.seed, 'produto-a', g.n) AS a
CROSS APPLY live.mare_draw(s.seed, 'produto-b', g.n) AS b
CROSS APPLY live.mare_draw(s.seed, 'nome', g.n) AS c
CROSS APPLY (
    SELECT CASE WHEN a.d3 % 100 < 3 THEN 1 ELSE 0 END AS fractional,
           CHOOSE(1 + c.d0 % 8, N'Camiseta', N'Bermuda', N'Vestido', N'Sandália', N'Chapéu', N'Toalha', N'Bolsa', N'Tecido') AS name
) AS t;
GO
INSERT INTO live.produto_imagem (id, id_produto, ordem, url, texto, ind_principal, data_atualizacao)
SELECT live.mare_key(s.seed, 'imagem', g.n), live.mare_key(s.seed, 'produto', g.n), 1,
       CONCAT('https://imagens.example.com/', 100000 + g.n, '.jpg'), N'Foto principal', 1, s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.products;
GO
INSERT INTO live.produto_especificacao (id, id_produto, nome, valor, data_atualizacao)
SELECT live.mare_key(s.seed, 'especificacao', g.n), live.mare_key(s.seed, 'produto', g.n), N'Material',
       CHOOSE(1 + g.n % 3, N'Algodão', N'Linho', N'Poliamida'), s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.products;
GO

-- step: SKUs
CREATE TABLE #sku (
    n           int               NOT NULL PRIMARY KEY,
    id          uniqueidentifier  NOT NULL,
    product     int               NOT NULL,
    id_produto  uniqueidentifier  NOT NULL,
    cell        int               NOT NULL
);
GO
INSERT INTO #sku (n, id, product, id_produto, cell)
SELECT g.n, live.mare_key(s.seed, 'sku', g.n), 1 + (g.n - 1) / s.grade, live.mare_key(s.seed, 'produto', 1 + (g.n - 1) / s.grade),
       (g.n - 1) % s.grade
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.skus;
GO
-- A fractional product is sold in steps of its factor; of the others 2 in 100 come in boxes, which divides nothing.
INSERT INTO live.produto_sku (id, id_produto, codigo, id_cor, id_tamanho, peso_bruto, altura_cm, largura_cm, comprimento_cm,
    fator_embalagem, ind_ativo_ecommerce, situacao, data_cadastro, data_atualizacao)
SELECT k.id, p.id, CONCAT(p.codigo, '-', RIGHT(CONCAT('00', k.cell + 1), 2)),
       live.mare_key(s.seed, 'cor', 1 + (k.product + k.cell / 2) % 8), live.mare_key(s.seed, 'tamanho', 1 + (k.product + k.cell % 2) % 6),
       p.peso_bruto, p.altura_cm, p.largura_cm, p.comprimento_cm,
       CASE WHEN p.ind_fracionado = 1 THEN CHOOSE(1 + h.d0 % 4, 0.5, 1.5, 2.4, 0.25) WHEN h.d1 % 100 < 2 THEN 6 ELSE 1 END,
       CASE WHEN h.d2 % 1000 >= 10 THEN 1 ELSE 0 END, CASE WHEN h.d3 % 1000 < 5 THEN 0 ELSE 1 END, s.entered, s.entered
FROM #shop AS s
CROSS JOIN #sku AS k
INNER JOIN live.produto AS p ON p.id = k.id_produto
CROSS APPLY live.mare_draw(s.seed, 'sku', k.n) AS h;
GO
INSERT INTO live.produto_codigo_barras (id, id_sku, codigo, tipo, ind_principal, situacao, data_atualizacao)
SELECT live.mare_key(s.seed, 'ean', k.n), k.id, c.gtin, 1, 1, 1, s.entered
FROM #shop AS s
CROSS JOIN #sku AS k
CROSS APPLY live.mare_gtin(CONCAT('789', RIGHT(CONCAT('000000000', k.n), 9))) AS c;
GO

-- step: prices
INSERT INTO live.tabela_preco (id, id_dominio, codigo, descricao, tipo, situacao, data_atualizacao)
SELECT live.mare_key(s.seed, 'tabela', g.n), s.id_dominio, CHOOSE(g.n, N'VAREJO', N'ATACADO', N'CUSTO'),
       CHOOSE(g.n, N'Varejo', N'Atacado', N'Custo'), CHOOSE(g.n, 1, 1, 3), 1, s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= 3;
GO
INSERT INTO live.tabela_preco_loja (id_tabela_preco, id_loja)
SELECT t.id, l.id FROM live.tabela_preco AS t CROSS JOIN live.loja AS l WHERE t.tipo = 1;
GO
-- The price of a model: 9.90 to 309.90; 2 in 100 carry a third decimal, as converted prices do.
CREATE TABLE #model_price (
    product     int               NOT NULL PRIMARY KEY,
    id_produto  uniqueidentifier  NOT NULL,
    valor       decimal(15,4)     NOT NULL
);
GO
INSERT INTO #model_price (product, id_produto, valor)
SELECT g.n, live.mare_key(s.seed, 'produto', g.n), 9.90 + h.d0 % 301 + CASE WHEN h.d1 % 100 < 2 THEN 0.005 ELSE 0.000 END
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.products
CROSS APPLY live.mare_draw(s.seed, 'modelo', g.n) AS h;
GO
-- One row per model in each sales table. 12 in 100 are on promotion, half of these with an end that is far away. In ATACADO 15
-- in 100 hold from six pieces on.
INSERT INTO live.preco (id, id_tabela_preco, id_produto, valor, preco_promocional, motivo_desconto, quantidade_minima,
    data_vigencia_inicial, data_vigencia_final, situacao, data_cadastro, data_atualizacao)
SELECT live.mare_key(s.seed, CONCAT('preco-', t.n), m.product), live.mare_key(s.seed, 'tabela', t.n), m.id_produto, c.price,
       CASE WHEN c.promo = 1 THEN ROUND(c.price * 0.85, 2) END, CASE WHEN c.promo = 1 THEN N'Liquidação' END,
       CASE WHEN t.n = 2 AND h.d1 % 100 < 15 THEN 6 ELSE 1 END, s.entered,
       CASE WHEN c.promo = 1 AND h.d2 % 2 = 0 THEN '2035-01-01T00:00:00' ELSE '9999-12-31T00:00:00' END, 1, s.entered, s.entered
FROM #shop AS s
CROSS JOIN #model_price AS m
INNER JOIN #number AS t ON t.n <= 2
CROSS APPLY live.mare_draw(s.seed, CONCAT('preco-', t.n), m.product) AS h
CROSS APPLY (
    SELECT CASE t.n WHEN 1 THEN m.valor ELSE ROUND(m.valor * 0.8, 2) END AS price, CASE WHEN h.d0 % 100 < 12 THEN 1 ELSE 0 END AS promo
) AS c;
GO
-- Some SKUs have a price of their own in a sales table: 80 in 100 now, 12 over since 2025, 8 only from 2035 on. The comparison
-- of two quotients picks exactly half of `sku_prices` per table, evenly spread.
INSERT INTO live.preco (id, id_tabela_preco, id_produto, id_sku, valor, preco_promocional, motivo_desconto, quantidade_minima,
    data_vigencia_inicial, data_vigencia_final, situacao, data_cadastro, data_atualizacao)
SELECT live.mare_key(s.seed, CONCAT('preco-sku-', t.n), k.n), live.mare_key(s.seed, 'tabela', t.n), k.id_produto, k.id, c.price,
       CASE WHEN h.d1 % 100 < 10 THEN ROUND(c.price * 0.9, 2) END, CASE WHEN h.d1 % 100 < 10 THEN N'Ponta de estoque' END, 1,
       CASE WHEN c.age >= 92 THEN '2035-01-01T00:00:00' ELSE s.entered END,
       CASE WHEN c.age >= 80 AND c.age < 92 THEN '2025-01-01T00:00:00' ELSE '9999-12-31T00:00:00' END, 1, s.entered, s.entered
FROM #shop AS s
CROSS JOIN #sku AS k
INNER JOIN #model_price AS m ON m.product = k.product
INNER JOIN #number AS t ON t.n <= 2
CROSS APPLY live.mare_draw(s.seed, 'sku', k.n) AS h
CROSS APPLY (SELECT ROUND(m.valor * CASE t.n WHEN 1 THEN 1.1 ELSE 0.9 END, 2) AS price, h.d0 % 100 AS age) AS c
WHERE (k.n + t.n * 7) * CAST(s.sku_prices AS bigint) / 2 / s.skus > (k.n - 1 + t.n * 7) * CAST(s.sku_prices AS bigint) / 2 / s.skus;
GO
-- What each SKU cost.
INSERT INTO live.preco (id, id_tabela_preco, id_produto, id_sku, valor, quantidade_minima, data_vigencia_inicial,
    data_vigencia_final, situacao, data_cadastro, data_atualizacao)
SELECT live.mare_key(s.seed, 'custo', k.n), live.mare_key(s.seed, 'tabela', 3), k.id_produto, k.id, ROUND(m.valor * 0.45, 4), 1,
       s.entered, '9999-12-31T00:00:00', 1, s.entered, s.entered
FROM #shop AS s
CROSS JOIN #sku AS k
INNER JOIN #model_price AS m ON m.product = k.product;
GO

-- step: stock
-- One row per store and SKU on the sales floor. Where there is a reserve, every fiftieth SKU also lies there and another
-- fiftieth was never stocked at all, so the number of rows stays stores x SKUs. 12 in 100 rows are sold out, 2 negative; 6 have
-- something reserved; 4 something on its way.
INSERT INTO live.estoque_saldo (id_loja, id_deposito, id_sku, quantidade, quantidade_reservada, quantidade_transito,
    data_ultimo_movimento, data_atualizacao)
SELECT place.id_loja, place.id_deposito, sku.id,
       CASE WHEN h.d0 % 100 < 12 THEN 0 WHEN h.d0 % 100 < 14 THEN -1 - h.d1 % 5 ELSE 1 + h.d1 % 8 * (h.d2 % 7) END
           + CASE WHEN sku.fractional = 1 AND h.d0 % 100 >= 14 THEN h.d3 % 10000 / 10000.0 ELSE 0.0 END,
       CASE WHEN h.d0 % 100 >= 94 THEN 1 + h.d0 % 100 % 3 ELSE 0 END, CASE WHEN h.d0 % 100 BETWEEN 50 AND 53 THEN 12 ELSE 0 END,
       s.entered, s.entered
FROM #shop AS s
CROSS JOIN (
    SELECT CAST(l.codigo AS int) AS n, d.id_loja, d.id AS id_deposito, d.ind_padrao
    FROM live.deposito AS d
    INNER JOIN live.loja AS l ON l.id = d.id_loja
) AS place
CROSS JOIN (
    SELECT k.n, k.id, p.ind_fracionado AS fractional FROM #sku AS k INNER JOIN live.produto AS p ON p.id = k.id_produto
) AS sku
CROSS APPLY live.mare_draw(s.seed, CONCAT(CASE WHEN place.ind_padrao = 1 THEN 'saldo-' ELSE 'reserva-' END, place.n), sku.n) AS h
WHERE (place.ind_padrao = 1 AND NOT (place.n % 2 = 0 AND sku.n % 50 = 33)) OR (place.ind_padrao = 0 AND sku.n % 50 = 7);
GO

-- step: customers
-- 80 in 100 are persons, 10 companies, 10 informal without a document; 15 in 100 gave no e-mail address.
INSERT INTO live.cliente (id, id_dominio, codigo, tipo_pessoa, cpf_cnpj, nome, nome_fantasia, data_nascimento, sexo, email,
    celular, classificacao, id_loja_cadastro, origem_cadastro, situacao, data_cadastro, data_atualizacao)
SELECT live.mare_key(s.seed, 'cliente', g.n), s.id_dominio, CONCAT(g.n, ''), k.kind,
       CASE k.kind WHEN 1 THEN c.cpf WHEN 2 THEN CONCAT('2', RIGHT(CONCAT('0000000', g.n), 7), '000100') END,
       CONCAT(CHOOSE(1 + h.d1 % 8, N'Ana', N'Bruno', N'Célia', N'Davi', N'Elisa', N'Fábio', N'Gisele', N'Hugo'), ' ',
              CHOOSE(1 + h.d2 % 6, N'Souza', N'Lima', N'Araújo', N'Rocha', N'Pires', N'Nunes')),
       CASE WHEN k.kind = 2 THEN CONCAT(N'Comercial ', g.n) END,
       CASE WHEN k.kind = 1 THEN DATEADD(day, g.n % 20000, CAST('1950-01-01' AS date)) END,
       CASE WHEN k.kind = 1 THEN 1 + g.n % 2 END,
       CASE WHEN h.d3 % 100 >= 15 THEN CONCAT('cliente', g.n, '@example.com') END,
       CONCAT('119', RIGHT(CONCAT('00000000', g.n % 100000000), 8)), 1, live.mare_key(s.seed, 'loja', 1 + g.n % s.stores), N'PDV', 1,
       s.entered, s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.customers
CROSS APPLY live.mare_draw(s.seed, 'cliente', g.n) AS h
CROSS APPLY (SELECT CASE WHEN h.d0 % 100 < 80 THEN 1 WHEN h.d0 % 100 < 90 THEN 2 ELSE 3 END AS kind) AS k
CROSS APPLY live.mare_cpf(RIGHT(CONCAT('000000000', 100000000 + g.n * 7), 9)) AS c;
GO
INSERT INTO live.cliente_endereco (id, id_cliente, tipo, logradouro, numero, bairro, cidade, uf, cep, data_atualizacao)
SELECT live.mare_key(s.seed, 'endereco', g.n), live.mare_key(s.seed, 'cliente', g.n), 1, N'Avenida Atlântica',
       CONCAT(g.n % 4000, ''), N'Centro', N'Rio de Janeiro', 'RJ', RIGHT(CONCAT('00000000', 20000000 + g.n % 8000000), 8), s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.customers;
GO
INSERT INTO live.finalidade_consentimento (id, codigo, descricao)
VALUES (1, N'CADASTRO', N'Cadastro e atendimento'), (2, N'MARKETING_EMAIL', N'Ofertas por e-mail'),
       (3, N'MARKETING_SMS', N'Ofertas por SMS'), (4, N'MARKETING_WHATSAPP', N'Ofertas por WhatsApp'),
       (5, N'PERFIL', N'Análise de perfil'), (6, N'COMPARTILHAMENTO', N'Compartilhamento com parceiros');
GO
INSERT INTO live.carta_consentimento (id, id_dominio, codigo, versao, titulo, texto_rtf, hash_texto, ind_ativa,
    data_inicio, data_atualizacao)
SELECT live.mare_key(s.seed, 'carta', 1), s.id_dominio, N'LGPD', 1, N'Termo de consentimento', c.texto,
       LOWER(CONVERT(char(64), HASHBYTES('SHA2_256', c.texto), 2)), 1, s.entered, s.entered
FROM #shop AS s
CROSS JOIN (VALUES (CAST('{\rtf1 Autorizo o tratamento dos meus dados.}' AS varchar(100)))) AS c (texto);
GO
-- Everybody answered for CADASTRO and for MARKETING_EMAIL; the latter is accepted by 60 in 100, refused by 35, revoked by 5.
INSERT INTO live.cliente_consentimento (id, id_cliente, id_carta, id_finalidade, situacao, canal,
    data_aceite, data_revogacao, data_atualizacao)
SELECT live.mare_key(s.seed, CONCAT('consentimento-', f.n), g.n), live.mare_key(s.seed, 'cliente', g.n),
       live.mare_key(s.seed, 'carta', 1), f.n, a.answer, N'PDV', CASE WHEN a.answer <> 2 THEN s.entered END,
       CASE WHEN a.answer = 3 THEN DATEADD(day, 90, s.entered) END, s.entered
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= s.customers
INNER JOIN #number AS f ON f.n <= 2
CROSS APPLY live.mare_draw(s.seed, 'consentimento', g.n) AS h
CROSS APPLY (SELECT CASE WHEN f.n = 1 OR h.d0 % 100 < 60 THEN 1 WHEN h.d0 % 100 < 95 THEN 2 ELSE 3 END AS answer) AS a;
GO
INSERT INTO live.transportadora (id, codigo, cnpj, nome, url_rastreio)
SELECT live.mare_key(s.seed, 'transportadora', g.n), CONCAT('T', g.n), CONCAT('3000000100010', g.n),
       CHOOSE(g.n, N'Correio do Mar', N'Jangada Cargas'), 'https://rastreio.example.com/?c='
FROM #shop AS s
INNER JOIN #number AS g ON g.n <= 2;
GO

-- step: cleaning up
DROP TABLE #sku;
DROP TABLE #model_price;
DROP TABLE #number;
DROP TABLE #shop;
DROP FUNCTION live.mare_draw;
DROP FUNCTION live.mare_gtin;
DROP FUNCTION live.mare_cpf;
DROP FUNCTION live.mare_key;
GO
