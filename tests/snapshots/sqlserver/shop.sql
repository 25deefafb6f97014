SELECT CAST(-1 AS bigint) AS seed, 2 AS stores, 300 AS products, 1200 AS skus, 120 AS sku_prices, 200 AS customers INTO #profile;
GO
EXEC sp_addextendedproperty @name = N'mare', @value = N'mare shop: invented data, profile Demo, seed 18446744073709551615', @level0type = N'SCHEMA', @level0name = N'live';
GO
SELECT s.name AS esquema, CONVERT(nvarchar(400), p.value) AS marca
FROM sys.schemas AS s
LEFT JOIN sys.extended_properties AS p ON p.class = 3 AND p.major_id = s.schema_id AND p.name = N'mare'
WHERE s.name = N'live';
GO
UPDATE s
SET quantidade = s.quantidade + CASE WHEN line.delta < 0 AND s.quantidade <= -5 THEN 40 ELSE line.delta END,
    data_ultimo_movimento = SYSDATETIME(), data_atualizacao = SYSDATETIME()
FROM live.estoque_saldo AS s
INNER JOIN (VALUES (CAST(@P3 AS uniqueidentifier), CAST(@P4 AS int))) AS line (sku, delta) ON s.id_sku = line.sku
WHERE s.id_loja = CAST(@P1 AS uniqueidentifier) AND s.id_deposito = CAST(@P2 AS uniqueidentifier);
GO
UPDATE s
SET quantidade = s.quantidade + CASE WHEN line.delta < 0 AND s.quantidade <= -5 THEN 40 ELSE line.delta END,
    data_ultimo_movimento = SYSDATETIME(), data_atualizacao = SYSDATETIME()
FROM live.estoque_saldo AS s
INNER JOIN (VALUES (CAST(@P3 AS uniqueidentifier), CAST(@P4 AS int)), (CAST(@P5 AS uniqueidentifier), CAST(@P6 AS int)), (CAST(@P7 AS uniqueidentifier), CAST(@P8 AS int))) AS line (sku, delta) ON s.id_sku = line.sku
WHERE s.id_loja = CAST(@P1 AS uniqueidentifier) AND s.id_deposito = CAST(@P2 AS uniqueidentifier);
GO
UPDATE s
SET quantidade = CASE WHEN s.quantidade + c.difference < 0 THEN 0 ELSE s.quantidade + c.difference END,
    data_ultimo_movimento = SYSDATETIME(), data_atualizacao = SYSDATETIME()
FROM live.estoque_saldo AS s
CROSS APPLY (
    SELECT CAST(SUBSTRING(HASHBYTES('MD5', CONCAT(LOWER(CONVERT(char(36), s.id_sku)), CAST(@P3 AS int))), 1, 1) AS int) % 10 AS draw
) AS h
CROSS APPLY (SELECT CASE h.draw WHEN 0 THEN -2 WHEN 1 THEN -1 WHEN 2 THEN 2 ELSE 0 END AS difference) AS c
WHERE s.id_loja = CAST(@P1 AS uniqueidentifier) AND s.id_deposito = CAST(@P2 AS uniqueidentifier);
GO
UPDATE live.preco
SET valor = ROUND(valor * (100 + CAST(@P2 AS int)) / 100, 2),
    preco_promocional = ROUND(preco_promocional * (100 + CAST(@P2 AS int)) / 100, 2), data_atualizacao = SYSDATETIME()
WHERE id_tabela_preco = CAST(@P1 AS uniqueidentifier);
GO
UPDATE live.preco
SET preco_promocional = CASE WHEN preco_promocional IS NULL THEN ROUND(valor * 0.9, 2) END,
    motivo_desconto = CASE WHEN preco_promocional IS NULL THEN N'Oferta do dia' END, data_atualizacao = SYSDATETIME()
WHERE id_tabela_preco = CAST(@P1 AS uniqueidentifier) AND id_produto = CAST(@P2 AS uniqueidentifier) AND id_sku IS NULL;
GO
UPDATE live.produto_sku
SET ind_ativo_ecommerce = 1 - ind_ativo_ecommerce, data_atualizacao = SYSDATETIME()
WHERE id = CAST(@P1 AS uniqueidentifier);
GO
UPDATE live.produto
SET estoque_minimo_exibicao = CASE WHEN estoque_minimo_exibicao = 0 THEN 3 ELSE 0 END, data_atualizacao = SYSDATETIME()
WHERE id = CAST(@P1 AS uniqueidentifier);
GO
UPDATE live.produto
SET ind_integra_ecommerce = 1 - ind_integra_ecommerce, data_atualizacao = SYSDATETIME()
WHERE id = CAST(@P1 AS uniqueidentifier);
GO
SET NOCOUNT ON;
SET XACT_ABORT ON;
DECLARE @sku uniqueidentifier;
DECLARE @rows int;
SET @sku = CAST(@P2 AS uniqueidentifier);
BEGIN TRANSACTION;
INSERT INTO live.produto_sku (id, id_produto, codigo, data_cadastro, data_atualizacao)
SELECT @sku, p.id, CONCAT(p.codigo, '-', RIGHT(CONCAT('00', c.cell), 2)), SYSDATETIME(), SYSDATETIME()
FROM live.produto AS p
CROSS APPLY (SELECT COUNT(*) + 1 AS cell FROM live.produto_sku AS k WHERE k.id_produto = p.id) AS c
WHERE p.id = CAST(@P1 AS uniqueidentifier) AND NOT EXISTS (SELECT 1 FROM live.produto_sku AS k WHERE k.id = @sku);
SET @rows = @@ROWCOUNT;
IF @rows > 0
BEGIN
    INSERT INTO live.estoque_saldo (id_loja, id_deposito, id_sku, quantidade, data_atualizacao)
    SELECT d.id_loja, d.id, @sku, 10, SYSDATETIME() FROM live.deposito AS d WHERE d.ind_padrao = 1;
    SET @rows = @rows + @@ROWCOUNT;
END;
COMMIT TRANSACTION;
SELECT @rows AS linhas;
GO
SET NOCOUNT ON;
SET XACT_ABORT ON;
DECLARE @product uniqueidentifier;
DECLARE @sku uniqueidentifier;
DECLARE @rows int;
SET @product = CAST(@P2 AS uniqueidentifier);
SET @sku = CAST(@P3 AS uniqueidentifier);
BEGIN TRANSACTION;
INSERT INTO live.produto (id, id_dominio, codigo, descricao, id_marca, id_classificador, ncm, unidade_medida,
    ind_integra_ecommerce, ind_ativo_ecommerce, peso_bruto, altura_cm, largura_cm, comprimento_cm, data_cadastro, data_atualizacao)
SELECT @product, p.id_dominio, CONCAT(CAST(@P4 AS int), ''), CONCAT(N'Novidade ', CAST(@P4 AS int)), p.id_marca, p.id_classificador,
       p.ncm, N'UN', 1, 1, p.peso_bruto, p.altura_cm, p.largura_cm, p.comprimento_cm, SYSDATETIME(), SYSDATETIME()
FROM live.produto AS p
WHERE p.id = CAST(@P1 AS uniqueidentifier)
  AND NOT EXISTS (SELECT 1 FROM live.produto AS o WHERE o.id = @product)
  AND NOT EXISTS (SELECT 1 FROM live.produto AS o WHERE o.id_dominio = p.id_dominio AND o.codigo = CONCAT(CAST(@P4 AS int), ''));
SET @rows = @@ROWCOUNT;
IF @rows > 0
BEGIN
    INSERT INTO live.produto_sku (id, id_produto, codigo, data_cadastro, data_atualizacao)
    VALUES (@sku, @product, CONCAT(CAST(@P4 AS int), '-01'), SYSDATETIME(), SYSDATETIME());
    SET @rows = @rows + @@ROWCOUNT;
    INSERT INTO live.preco (id, id_tabela_preco, id_produto, valor, quantidade_minima, data_vigencia_inicial,
        data_cadastro, data_atualizacao)
    SELECT CAST(STUFF(STUFF(STUFF(STUFF(
               CONVERT(char(32), HASHBYTES('MD5', CONCAT(LOWER(CONVERT(char(36), @product)), LOWER(CONVERT(char(36), t.id)))), 2),
               9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-') AS uniqueidentifier),
           t.id, @product, v.valor, 1, SYSDATETIME(), SYSDATETIME(), SYSDATETIME()
    FROM live.preco AS v
    INNER JOIN live.tabela_preco AS t ON t.id = v.id_tabela_preco
    WHERE v.id_produto = CAST(@P1 AS uniqueidentifier) AND v.id_sku IS NULL AND t.tipo = 1;
    SET @rows = @rows + @@ROWCOUNT;
    INSERT INTO live.estoque_saldo (id_loja, id_deposito, id_sku, quantidade, data_atualizacao)
    SELECT d.id_loja, d.id, @sku, 10, SYSDATETIME() FROM live.deposito AS d WHERE d.ind_padrao = 1;
    SET @rows = @rows + @@ROWCOUNT;
END;
COMMIT TRANSACTION;
SELECT @rows AS linhas;
GO
SELECT l.id, d.id AS id_deposito
FROM live.loja AS l
INNER JOIN live.deposito AS d ON d.id_loja = l.id AND d.ind_padrao = 1
ORDER BY l.codigo;
GO
SELECT id FROM live.produto_sku ORDER BY codigo;
GO
SELECT id FROM live.produto ORDER BY codigo;
GO
SELECT t.id, COUNT_BIG(p.id) AS linhas
FROM live.tabela_preco AS t
INNER JOIN live.preco AS p ON p.id_tabela_preco = t.id
WHERE t.tipo = 1
GROUP BY t.id, t.codigo
ORDER BY t.codigo;
GO
SELECT t.name AS tabela, f.name AS restricao
FROM sys.foreign_keys AS f
INNER JOIN sys.tables AS t ON t.object_id = f.parent_object_id
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = N'live';
GO
SELECT t.name AS tabela
FROM sys.tables AS t
INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = N'live';
GO
