-- Fills the reference Live with an invented shop. Every value comes from md5(seed, kind, number), so the
-- same profile and seed give the same rows on every machine and every version of Postgres. Nothing depends
-- on the clock.
--
-- Sizes and seed are read from the temporary table `profile` (one row), which the caller makes; by hand:
--   CREATE TEMP TABLE profile AS SELECT 1::bigint AS seed, 2 AS stores, 300 AS products, 1200 AS skus,
--     120 AS sku_prices, 200 AS customers;
--
-- `skus` is a multiple of `products` and of 50, `sku_prices` is even. Lines that begin with "-- step:" cut
-- the file into the steps that `mare shop create` reports.

-- step: tools
CREATE FUNCTION pg_temp.hash(seed bigint, kind text, n bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN md5(seed::text || ':' || kind || ':' || n::text);

-- The identity of the n-th thing of a kind.
CREATE FUNCTION pg_temp.key(seed bigint, kind text, n bigint) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN md5(seed::text || ':id:' || kind || ':' || n::text)::uuid;

-- A whole number from 0 to below - 1 out of a hash; a hash has four independent draws, 0 to 3.
CREATE FUNCTION pg_temp.draw(hash text, which integer, below bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN ('x' || substr(hash, 1 + which * 8, 8))::bit(32)::bigint % below;

-- The check digit of a GTIN-13: weights 1 and 3 in turn over the first twelve digits.
CREATE FUNCTION pg_temp.gtin(twelve text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT twelve || ((10 - sum(substr(twelve, i, 1)::int * CASE WHEN i % 2 = 0 THEN 3 ELSE 1 END) % 10) % 10)::text
    FROM generate_series(1, 12) AS i $$;

-- The two check digits of a CPF: weighted sums modulo 11.
CREATE FUNCTION pg_temp.cpf(nine text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT nine || first::text || ((sum(substr(nine || first::text, i, 1)::int * (12 - i)) * 10 % 11) % 10)::text
    FROM generate_series(1, 10) AS i,
         LATERAL (SELECT (sum(substr(nine, k, 1)::int * (11 - k)) * 10 % 11) % 10 AS first
                  FROM generate_series(1, 9) AS k) AS digit
    GROUP BY first $$;

-- Constants of every row: the tenant and the day on which everything was entered.
CREATE TEMP TABLE shop AS
SELECT p.*, pg_temp.key(p.seed, 'dominio', 1) AS id_dominio, timestamptz '2024-03-01 09:00:00-03' AS entered,
       p.skus / p.products AS grade
FROM profile AS p;
ANALYZE shop;

-- step: stores
-- In every twenty stores one is not in the web shop (013, 033, …); in every forty one is closed (027, …).
INSERT INTO live.loja (id, id_dominio, codigo, cnpj, razao_social, nome_fantasia, tipo, uf, cep, logradouro, numero, bairro,
    cidade, latitude, longitude, ind_integra_ecommerce, ind_retira_loja, situacao, data_cadastro, data_atualizacao)
SELECT pg_temp.key(seed, 'loja', n), id_dominio, lpad(n::text, 3, '0'), '10000001' || lpad(n::text, 4, '0') || '00',
       'Lojas Maré Comércio Ltda.', 'Maré ' || lpad(n::text, 3, '0'), CASE WHEN n % 30 = 0 THEN 2 ELSE 1 END,
       (ARRAY['SP', 'RJ', 'MG', 'PR', 'BA'])[1 + n % 5], lpad((1000000 + n * 137)::text, 8, '0'), 'Rua do Porto',
       (n * 10)::text, 'Centro', (ARRAY['São Paulo', 'Rio de Janeiro', 'Belo Horizonte', 'Curitiba', 'Salvador'])[1 + n % 5],
       -23.5 + n / 100.0, -46.6 + n / 100.0, n % 20 <> 13, n % 3 <> 0, CASE WHEN n % 40 = 27 THEN 0 ELSE 1 END,
       entered, entered
FROM shop, generate_series(1, stores) AS n;

-- Every store has its sales floor; every second store also a reserve that the web shop does not sell from.
INSERT INTO live.deposito (id, id_loja, codigo, descricao, ind_padrao, ind_disponivel_ecommerce, situacao)
SELECT pg_temp.key(seed, 'deposito', n), pg_temp.key(seed, 'loja', n), 'LOJA', 'Loja', true, true, 1
FROM shop, generate_series(1, stores) AS n
UNION ALL
SELECT pg_temp.key(seed, 'deposito-reserva', n), pg_temp.key(seed, 'loja', n), 'RESERVA', 'Reserva técnica', false, false, 1
FROM shop, generate_series(2, stores, 2) AS n;

-- step: products
INSERT INTO live.marca (id, id_dominio, codigo, descricao, situacao, data_atualizacao)
SELECT pg_temp.key(seed, 'marca', n), id_dominio, 'M' || lpad(n::text, 3, '0'),
       (ARRAY['Onda', 'Areia', 'Coral', 'Brisa', 'Duna', 'Farol', 'Recife', 'Âncora', 'Vela', 'Gaivota'])[n], 1, entered
FROM shop, generate_series(1, 10) AS n;

INSERT INTO live.classificador (id, id_dominio, id_pai, nivel, codigo, descricao, situacao, data_atualizacao)
SELECT pg_temp.key(seed, 'classificador', n), id_dominio,
       CASE WHEN n > 4 THEN pg_temp.key(seed, 'classificador', CASE WHEN n > 16 THEN 5 + n % 12 ELSE 1 + n % 4 END) END,
       CASE WHEN n > 16 THEN 3 WHEN n > 4 THEN 2 ELSE 1 END, 'C' || lpad(n::text, 3, '0'),
       CASE WHEN n > 16 THEN 'Categoria ' WHEN n > 4 THEN 'Departamento ' ELSE 'Mundo ' END || n, 1, entered
FROM shop, generate_series(1, 40) AS n;

INSERT INTO live.cor (id, id_dominio, codigo, descricao, rgb)
SELECT pg_temp.key(seed, 'cor', n), id_dominio, 'C' || n,
       (ARRAY['Azul', 'Branco', 'Preto', 'Verde', 'Vermelho', 'Amarelo', 'Cinza', 'Rosa'])[n],
       (ARRAY['0047AB', 'FFFFFF', '000000', '2E8B57', 'B22222', 'FFD700', '808080', 'FFC0CB'])[n]
FROM shop, generate_series(1, 8) AS n;

INSERT INTO live.tamanho (id, id_dominio, codigo, descricao, ordem)
SELECT pg_temp.key(seed, 'tamanho', n), id_dominio, 'T' || n, (ARRAY['PP', 'P', 'M', 'G', 'GG', 'XG'])[n], n
FROM shop, generate_series(1, 6) AS n;

-- Of 100 products about 2 are not integrated at all, 1 is integrated but not shown, 1 in 200 is inactive;
-- 10 have a minimum for display; 3 are sold by a fraction (metres, kilograms).
INSERT INTO live.produto (id, id_dominio, codigo, referencia, descricao, descricao_resumida, descricao_ecommerce,
    titulo_ecommerce, palavras_chave, meta_descricao, id_marca, id_classificador, ncm, cest, origem, unidade_medida,
    ind_fracionado, tipo_produto, ind_grade, ind_integra_ecommerce, ind_ativo_ecommerce, estoque_minimo_exibicao,
    ordem_exibicao, peso_bruto, peso_liquido, altura_cm, largura_cm, comprimento_cm, data_lancamento, situacao,
    data_cadastro, data_atualizacao)
SELECT pg_temp.key(seed, 'produto', n), id_dominio, (100000 + n)::text, 'REF-' || n, name || ' ' || n, name,
       '<p>' || name || ' da coleção ' || 1 + n % 9 || ', feito para durar.</p>' || repeat('<p>Lave à mão.</p>', (n % 7)::int),
       name || ' ' || n, 'praia,verão,' || lower(name), name || ' ' || n || ' nas Lojas Maré',
       pg_temp.key(seed, 'marca', 1 + pg_temp.draw(b, 0, 10)), pg_temp.key(seed, 'classificador', 17 + pg_temp.draw(b, 1, 24)),
       '61091000', '2805900', 0, CASE WHEN NOT fractional THEN 'UN' WHEN n % 2 = 0 THEN 'M' ELSE 'KG' END,
       fractional, 1, grade > 1, pg_temp.draw(a, 0, 1000) >= 20, pg_temp.draw(a, 0, 1000) >= 30,
       CASE WHEN pg_temp.draw(a, 1, 100) < 10 THEN 1 + pg_temp.draw(a, 2, 4) ELSE 0 END, n,
       0.2 + pg_temp.draw(b, 2, 3000) / 1000.0, 0.1 + pg_temp.draw(b, 2, 3000) / 1000.0, 5 + n % 20, 10 + n % 30, 15 + n % 40,
       date '2024-01-01' + (n % 300)::int, CASE WHEN pg_temp.draw(b, 3, 200) = 0 THEN 0 ELSE 1 END, entered, entered
FROM shop, generate_series(1, products) AS n,
     LATERAL (SELECT pg_temp.hash(seed, 'produto-a', n) AS a, pg_temp.hash(seed, 'produto-b', n) AS b OFFSET 0) AS hashes,
     LATERAL (SELECT pg_temp.draw(a, 3, 100) < 3 AS fractional,
                     (ARRAY['Camiseta', 'Bermuda', 'Vestido', 'Sandália', 'Chapéu', 'Toalha', 'Bolsa', 'Tecido'])
                         [1 + pg_temp.draw(pg_temp.hash(seed, 'nome', n), 0, 8)] AS name OFFSET 0) AS traits;

INSERT INTO live.produto_imagem (id, id_produto, ordem, url, texto, ind_principal, data_atualizacao)
SELECT pg_temp.key(seed, 'imagem', n), pg_temp.key(seed, 'produto', n), 1,
       'https://imagens.example.com/' || 100000 + n || '.jpg', 'Foto principal', true, entered
FROM shop, generate_series(1, products) AS n;

INSERT INTO live.produto_especificacao (id, id_produto, nome, valor, data_atualizacao)
SELECT pg_temp.key(seed, 'especificacao', n), pg_temp.key(seed, 'produto', n), 'Material',
       (ARRAY['Algodão', 'Linho', 'Poliamida'])[1 + n % 3], entered
FROM shop, generate_series(1, products) AS n;

-- step: SKUs
CREATE TEMP TABLE numbered_sku AS
SELECT n, pg_temp.key(seed, 'sku', n) AS id, product, pg_temp.key(seed, 'produto', product) AS id_produto,
       (n - 1) % grade AS cell, pg_temp.hash(seed, 'sku', n) AS hash
FROM shop, generate_series(1, skus) AS n, LATERAL (SELECT 1 + (n - 1) / grade AS product) AS model;
ANALYZE numbered_sku;

-- A fractional product is sold in steps of its factor; of the others 2 in 100 come in boxes, which divides
-- nothing.
INSERT INTO live.produto_sku (id, id_produto, codigo, id_cor, id_tamanho, peso_bruto, altura_cm, largura_cm, comprimento_cm,
    fator_embalagem, ind_ativo_ecommerce, situacao, data_cadastro, data_atualizacao)
SELECT s.id, p.id, p.codigo || '-' || lpad((cell + 1)::text, 2, '0'), pg_temp.key(seed, 'cor', 1 + (product + cell / 2) % 8),
       pg_temp.key(seed, 'tamanho', 1 + (product + cell % 2) % 6), p.peso_bruto, p.altura_cm, p.largura_cm, p.comprimento_cm,
       CASE WHEN p.ind_fracionado THEN (ARRAY[0.5, 1.5, 2.4, 0.25])[1 + pg_temp.draw(hash, 0, 4)]
            WHEN pg_temp.draw(hash, 1, 100) < 2 THEN 6 ELSE 1 END,
       pg_temp.draw(hash, 2, 1000) >= 10, CASE WHEN pg_temp.draw(hash, 3, 1000) < 5 THEN 0 ELSE 1 END, entered, entered
FROM shop, numbered_sku AS s JOIN live.produto AS p ON p.id = s.id_produto;

INSERT INTO live.produto_codigo_barras (id, id_sku, codigo, tipo, ind_principal, situacao, data_atualizacao)
SELECT pg_temp.key(seed, 'ean', n), id, pg_temp.gtin('789' || lpad(n::text, 9, '0')), 1, true, 1, entered
FROM shop, numbered_sku;

-- step: prices
INSERT INTO live.tabela_preco (id, id_dominio, codigo, descricao, tipo, situacao, data_atualizacao)
SELECT pg_temp.key(seed, 'tabela', n), id_dominio, (ARRAY['VAREJO', 'ATACADO', 'CUSTO'])[n],
       (ARRAY['Varejo', 'Atacado', 'Custo'])[n], (ARRAY[1, 1, 3])[n], 1, entered
FROM shop, generate_series(1, 3) AS n;

INSERT INTO live.tabela_preco_loja (id_tabela_preco, id_loja)
SELECT t.id, l.id FROM live.tabela_preco AS t CROSS JOIN live.loja AS l WHERE t.tipo = 1;

-- The price of a model: 9.90 to 309.90; 2 in 100 carry a third decimal, as converted prices do.
CREATE TEMP TABLE model_price AS
SELECT n AS product, pg_temp.key(seed, 'produto', n) AS id_produto,
       9.90 + pg_temp.draw(hash, 0, 301) + CASE WHEN pg_temp.draw(hash, 1, 100) < 2 THEN 0.005 ELSE 0 END AS valor
FROM shop, generate_series(1, products) AS n, LATERAL (SELECT pg_temp.hash(seed, 'modelo', n) AS hash OFFSET 0) AS h;
ANALYZE model_price;

-- One row per model in each sales table. 12 in 100 are on promotion, half of these with an end that is far
-- away. In ATACADO 15 in 100 hold from six pieces on.
INSERT INTO live.preco (id, id_tabela_preco, id_produto, valor, preco_promocional, motivo_desconto, quantidade_minima,
    data_vigencia_inicial, data_vigencia_final, situacao, data_cadastro, data_atualizacao)
SELECT pg_temp.key(seed, 'preco-' || t, product), pg_temp.key(seed, 'tabela', t), id_produto, price,
       CASE WHEN promo THEN round(price * 0.85, 2) END, CASE WHEN promo THEN 'Liquidação' END,
       CASE WHEN t = 2 AND pg_temp.draw(hash, 1, 100) < 15 THEN 6 ELSE 1 END, entered,
       CASE WHEN promo AND pg_temp.draw(hash, 2, 2) = 0 THEN timestamptz '2035-01-01 00:00:00-03'
            ELSE '9999-12-31 00:00:00+00' END,
       1, entered, entered
FROM shop, model_price, generate_series(1, 2) AS t,
     LATERAL (SELECT pg_temp.hash(seed, 'preco-' || t, product) AS hash OFFSET 0) AS h,
     LATERAL (SELECT CASE t WHEN 1 THEN valor ELSE round(valor * 0.8, 2) END AS price,
                     pg_temp.draw(hash, 0, 100) < 12 AS promo) AS terms;

-- Some SKUs have a price of their own in a sales table: 80 in 100 now, 12 over since 2025, 8 only from 2035
-- on. The comparison of two quotients picks exactly half of `sku_prices` per table, evenly spread.
INSERT INTO live.preco (id, id_tabela_preco, id_produto, id_sku, valor, preco_promocional, motivo_desconto, quantidade_minima,
    data_vigencia_inicial, data_vigencia_final, situacao, data_cadastro, data_atualizacao)
SELECT pg_temp.key(seed, 'preco-sku-' || t, n), pg_temp.key(seed, 'tabela', t), s.id_produto, s.id, price,
       CASE WHEN pg_temp.draw(s.hash, 1, 100) < 10 THEN round(price * 0.9, 2) END,
       CASE WHEN pg_temp.draw(s.hash, 1, 100) < 10 THEN 'Ponta de estoque' END, 1,
       CASE WHEN age >= 92 THEN timestamptz '2035-01-01 00:00:00-03' ELSE entered END,
       CASE WHEN age >= 80 AND age < 92 THEN timestamptz '2025-01-01 00:00:00-03'
            ELSE '9999-12-31 00:00:00+00' END, 1, entered, entered
FROM shop, numbered_sku AS s JOIN model_price AS m USING (product), generate_series(1, 2) AS t,
     LATERAL (SELECT round(m.valor * CASE t WHEN 1 THEN 1.1 ELSE 0.9 END, 2) AS price,
                     pg_temp.draw(s.hash, 0, 100) AS age) AS terms
WHERE (n + t * 7) * sku_prices::bigint / 2 / skus > (n - 1 + t * 7) * sku_prices::bigint / 2 / skus;

-- What each SKU cost.
INSERT INTO live.preco (id, id_tabela_preco, id_produto, id_sku, valor, quantidade_minima, data_vigencia_inicial,
    data_vigencia_final, situacao, data_cadastro, data_atualizacao)
SELECT pg_temp.key(seed, 'custo', n), pg_temp.key(seed, 'tabela', 3), s.id_produto, s.id, round(m.valor * 0.45, 4), 1, entered,
       '9999-12-31 00:00:00+00', 1, entered, entered
FROM shop, numbered_sku AS s JOIN model_price AS m USING (product);

-- step: stock
-- Checked and indexed once at the end instead of row by row.
ALTER TABLE live.estoque_saldo DROP CONSTRAINT estoque_saldo_loja, DROP CONSTRAINT estoque_saldo_deposito,
    DROP CONSTRAINT estoque_saldo_sku, DROP CONSTRAINT estoque_saldo_pkey;

-- One row per store and SKU on the sales floor. Where there is a reserve, every fiftieth SKU also lies
-- there and another fiftieth was never stocked at all, so the number of rows stays stores x SKUs. 12 in 100
-- rows are sold out, 2 negative; 6 have something reserved; 4 something on its way.
INSERT INTO live.estoque_saldo (id_loja, id_deposito, id_sku, quantidade, quantidade_reservada, quantidade_transito,
    data_ultimo_movimento, data_atualizacao)
SELECT place.id_loja, place.id_deposito, sku.id,
       CASE WHEN kind < 12 THEN 0
            WHEN kind < 14 THEN -1 - pg_temp.draw(hash, 1, 5)
            ELSE 1 + pg_temp.draw(hash, 1, 8) * pg_temp.draw(hash, 2, 7)
       END + CASE WHEN fractional AND kind >= 14 THEN pg_temp.draw(hash, 3, 10000) / 10000.0 ELSE 0 END,
       CASE WHEN kind >= 94 THEN 1 + kind % 3 ELSE 0 END, CASE WHEN kind BETWEEN 50 AND 53 THEN 12 ELSE 0 END, entered, entered
FROM (SELECT seed, entered, n, d.id AS id_deposito, d.id_loja, d.ind_padrao, n % 2 = 0 AS has_reserve
      FROM shop, generate_series(1, stores) AS n, live.deposito AS d
      WHERE d.id_loja = pg_temp.key(seed, 'loja', n) ORDER BY n, d.codigo) AS place,
     (SELECT s.n, s.id, p.ind_fracionado AS fractional
      FROM numbered_sku AS s JOIN live.produto AS p ON p.id = s.id_produto ORDER BY s.n) AS sku,
     LATERAL (SELECT pg_temp.hash(seed, CASE WHEN ind_padrao THEN 'saldo-' ELSE 'reserva-' END || place.n, sku.n) AS hash
              OFFSET 0) AS h,
     LATERAL (SELECT pg_temp.draw(hash, 0, 100) AS kind OFFSET 0) AS k
WHERE CASE WHEN ind_padrao THEN NOT (has_reserve AND sku.n % 50 = 33) ELSE sku.n % 50 = 7 END;

-- step: stock constraints
ALTER TABLE live.estoque_saldo
    ADD CONSTRAINT estoque_saldo_pkey PRIMARY KEY (id_loja, id_deposito, id_sku),
    ADD CONSTRAINT estoque_saldo_loja FOREIGN KEY (id_loja) REFERENCES live.loja,
    ADD CONSTRAINT estoque_saldo_deposito FOREIGN KEY (id_deposito) REFERENCES live.deposito,
    ADD CONSTRAINT estoque_saldo_sku FOREIGN KEY (id_sku) REFERENCES live.produto_sku;

-- step: customers
-- 80 in 100 are persons, 10 companies, 10 informal without a document; 15 in 100 gave no e-mail address.
INSERT INTO live.cliente (id, id_dominio, codigo, tipo_pessoa, cpf_cnpj, nome, nome_fantasia, data_nascimento, sexo, email,
    celular, classificacao, id_loja_cadastro, origem_cadastro, situacao, data_cadastro, data_atualizacao)
SELECT pg_temp.key(seed, 'cliente', n), id_dominio, n::text, kind,
       CASE kind WHEN 1 THEN pg_temp.cpf(lpad((100000000 + n * 7)::text, 9, '0'))
                 WHEN 2 THEN '2' || lpad(n::text, 7, '0') || '000100' END,
       (ARRAY['Ana', 'Bruno', 'Célia', 'Davi', 'Elisa', 'Fábio', 'Gisele', 'Hugo'])[1 + pg_temp.draw(hash, 1, 8)] || ' '
           || (ARRAY['Souza', 'Lima', 'Araújo', 'Rocha', 'Pires', 'Nunes'])[1 + pg_temp.draw(hash, 2, 6)],
       CASE WHEN kind = 2 THEN 'Comercial ' || n END, CASE WHEN kind = 1 THEN date '1950-01-01' + (n % 20000)::int END,
       CASE WHEN kind = 1 THEN 1 + n % 2 END, CASE WHEN pg_temp.draw(hash, 3, 100) >= 15 THEN 'cliente' || n || '@example.com' END,
       '119' || lpad((n % 100000000)::text, 8, '0'), 1, pg_temp.key(seed, 'loja', 1 + n % stores), 'PDV', 1, entered, entered
FROM shop, generate_series(1, customers) AS n, LATERAL (SELECT pg_temp.hash(seed, 'cliente', n) AS hash OFFSET 0) AS h,
     LATERAL (SELECT CASE WHEN pg_temp.draw(hash, 0, 100) < 80 THEN 1
                          WHEN pg_temp.draw(hash, 0, 100) < 90 THEN 2 ELSE 3 END AS kind) AS k;

INSERT INTO live.cliente_endereco (id, id_cliente, tipo, logradouro, numero, bairro, cidade, uf, cep, data_atualizacao)
SELECT pg_temp.key(seed, 'endereco', n), pg_temp.key(seed, 'cliente', n), 1, 'Avenida Atlântica', (n % 4000)::text, 'Centro',
       'Rio de Janeiro', 'RJ', lpad((20000000 + n % 8000000)::text, 8, '0'), entered
FROM shop, generate_series(1, customers) AS n;

INSERT INTO live.finalidade_consentimento (id, codigo, descricao)
VALUES (1, 'CADASTRO', 'Cadastro e atendimento'), (2, 'MARKETING_EMAIL', 'Ofertas por e-mail'),
       (3, 'MARKETING_SMS', 'Ofertas por SMS'), (4, 'MARKETING_WHATSAPP', 'Ofertas por WhatsApp'),
       (5, 'PERFIL', 'Análise de perfil'), (6, 'COMPARTILHAMENTO', 'Compartilhamento com parceiros');

INSERT INTO live.carta_consentimento (id, id_dominio, codigo, versao, titulo, texto_rtf, hash_texto, ind_ativa,
    data_inicio, data_atualizacao)
SELECT pg_temp.key(seed, 'carta', 1), id_dominio, 'LGPD', 1, 'Termo de consentimento', texto,
       encode(sha256(convert_to(texto, 'UTF8')), 'hex'), true, entered, entered
FROM shop, (VALUES ('{\rtf1 Autorizo o tratamento dos meus dados.}')) AS carta(texto);

-- Everybody answered for CADASTRO and for MARKETING_EMAIL; the latter is accepted by 60 in 100, refused by
-- 35, revoked by 5.
INSERT INTO live.cliente_consentimento (id, id_cliente, id_carta, id_finalidade, situacao, canal,
    data_aceite, data_revogacao, data_atualizacao)
SELECT pg_temp.key(seed, 'consentimento-' || purpose, n), pg_temp.key(seed, 'cliente', n),
       pg_temp.key(seed, 'carta', 1), purpose, answer,
       'PDV', CASE WHEN answer <> 2 THEN entered END, CASE WHEN answer = 3 THEN entered + interval '90 days' END, entered
FROM shop, generate_series(1, customers) AS n, generate_series(1, 2) AS purpose,
     LATERAL (SELECT pg_temp.draw(pg_temp.hash(seed, 'consentimento', n), 0, 100) AS d OFFSET 0) AS h,
     LATERAL (SELECT CASE WHEN purpose = 1 OR d < 60 THEN 1 WHEN d < 95 THEN 2 ELSE 3 END AS answer) AS a;

INSERT INTO live.transportadora (id, codigo, cnpj, nome, url_rastreio)
SELECT pg_temp.key(seed, 'transportadora', n), 'T' || n, '3000000100010' || n, (ARRAY['Correio do Mar', 'Jangada Cargas'])[n],
       'https://rastreio.example.com/?c='
FROM shop, generate_series(1, 2) AS n;

-- step: statistics
DROP FUNCTION pg_temp.hash, pg_temp.key, pg_temp.draw, pg_temp.gtin, pg_temp.cpf;
DROP TABLE numbered_sku, model_price, shop;
ANALYZE live.loja, live.deposito, live.produto, live.produto_sku, live.preco, live.estoque_saldo, live.cliente;
