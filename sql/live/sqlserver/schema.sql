-- The reference Live: a model of the back office of TOTVS Live, in SQL Server 2012 or newer. The same tables as in
-- sql/live/postgres/schema.sql, in the types of SQL Server.
--
-- Live's own tables are not public. This schema is built from the names of its public interfaces, so that
-- somebody who knows Live recognises it; every table, column and code in it can be re-mapped in the
-- configuration.
--
-- Conventions: `id` is the technical key, `codigo` the business key, `id_dominio` the tenant, `situacao` 1
-- active / 0 inactive, `ind_*` a flag. Money per document is decimal(15,2), unit price and quantity
-- decimal(15,4). A datetime2 is local time without a zone. `versao_linha` changes whenever its row does.
--
-- Nothing here belongs to capture: change tables and triggers are made by `mare install`.

CREATE SCHEMA live;
GO

-- ----------------------------------------------------------------------------------------------------
-- Stores
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.loja (
    id                     uniqueidentifier  NOT NULL CONSTRAINT pk_loja PRIMARY KEY NONCLUSTERED,
    id_dominio             uniqueidentifier  NOT NULL,
    codigo                 nvarchar(20)      NOT NULL,
    cnpj                   char(14)          NOT NULL,
    razao_social           nvarchar(120)     NOT NULL,
    nome_fantasia          nvarchar(120)     NULL,
    tipo                   smallint          NOT NULL DEFAULT 1,  -- 1 loja, 2 centro de distribuição, 3 franqueadora
    uf                     char(2)           NULL,
    cep                    char(8)           NULL,
    logradouro             nvarchar(120)     NULL,
    numero                 nvarchar(20)      NULL,
    bairro                 nvarchar(60)      NULL,
    cidade                 nvarchar(60)      NULL,
    latitude               decimal(9,6)      NULL,
    longitude              decimal(9,6)      NULL,
    ind_integra_ecommerce  bit               NOT NULL DEFAULT 0,
    ind_retira_loja        bit               NOT NULL DEFAULT 0,
    situacao               smallint          NOT NULL DEFAULT 1,
    data_cadastro          datetime2(3)      NOT NULL,
    data_atualizacao       datetime2(3)      NOT NULL,
    versao_linha           rowversion        NOT NULL,
    CONSTRAINT uq_loja_codigo UNIQUE CLUSTERED (id_dominio, codigo),
    CONSTRAINT uq_loja_cnpj UNIQUE (id_dominio, cnpj)
);

-- A place inside a store where goods lie: sales floor, reserve, showcase.
CREATE TABLE live.deposito (
    id                        uniqueidentifier  NOT NULL CONSTRAINT pk_deposito PRIMARY KEY,
    id_loja                   uniqueidentifier  NOT NULL REFERENCES live.loja,
    codigo                    nvarchar(20)      NOT NULL,
    descricao                 nvarchar(60)      NOT NULL,
    ind_padrao                bit               NOT NULL DEFAULT 0,
    ind_disponivel_ecommerce  bit               NOT NULL DEFAULT 1,
    situacao                  smallint          NOT NULL DEFAULT 1,
    versao_linha              rowversion        NOT NULL
);

-- ----------------------------------------------------------------------------------------------------
-- Catalogue: produto is the model, produto_sku one cell of its grade (cor x tamanho)
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.marca (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_marca PRIMARY KEY,
    id_dominio        uniqueidentifier  NOT NULL,
    codigo            nvarchar(20)      NOT NULL,
    descricao         nvarchar(60)      NOT NULL,
    situacao          smallint          NOT NULL DEFAULT 1,
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL
);

CREATE TABLE live.classificador (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_classificador PRIMARY KEY,
    id_dominio        uniqueidentifier  NOT NULL,
    id_pai            uniqueidentifier  NULL REFERENCES live.classificador,
    nivel             smallint          NOT NULL CHECK (nivel BETWEEN 1 AND 5),
    codigo            nvarchar(20)      NOT NULL,
    descricao         nvarchar(80)      NOT NULL,
    situacao          smallint          NOT NULL DEFAULT 1,
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL
);

CREATE TABLE live.cor (
    id            uniqueidentifier  NOT NULL CONSTRAINT pk_cor PRIMARY KEY,
    id_dominio    uniqueidentifier  NOT NULL,
    codigo        nvarchar(10)      NOT NULL,
    descricao     nvarchar(40)      NOT NULL,
    rgb           char(6)           NULL,
    versao_linha  rowversion        NOT NULL
);

CREATE TABLE live.tamanho (
    id            uniqueidentifier  NOT NULL CONSTRAINT pk_tamanho PRIMARY KEY,
    id_dominio    uniqueidentifier  NOT NULL,
    codigo        nvarchar(10)      NOT NULL,
    descricao     nvarchar(20)      NOT NULL,
    ordem         smallint          NOT NULL DEFAULT 0,
    versao_linha  rowversion        NOT NULL
);

CREATE TABLE live.produto (
    id                       uniqueidentifier  NOT NULL CONSTRAINT pk_produto PRIMARY KEY NONCLUSTERED,
    id_dominio               uniqueidentifier  NOT NULL,
    codigo                   nvarchar(20)      NOT NULL,
    referencia               nvarchar(40)      NULL,
    descricao                nvarchar(150)     NOT NULL,
    descricao_resumida       nvarchar(50)      NULL,
    descricao_ecommerce      nvarchar(max)     NULL,
    titulo_ecommerce         nvarchar(150)     NULL,
    palavras_chave           nvarchar(1000)    NULL,
    meta_descricao           nvarchar(320)     NULL,
    id_marca                 uniqueidentifier  NULL REFERENCES live.marca,
    id_classificador         uniqueidentifier  NULL REFERENCES live.classificador,
    ncm                      nvarchar(20)      NULL,
    cest                     nvarchar(7)       NULL,
    origem                   smallint          NULL,
    unidade_medida           nvarchar(6)       NOT NULL DEFAULT N'UN',
    ind_fracionado           bit               NOT NULL DEFAULT 0,
    tipo_produto             smallint          NOT NULL DEFAULT 1,  -- 1 mercadoria, 2 kit, 3 serviço
    ind_grade                bit               NOT NULL DEFAULT 0,
    ind_integra_ecommerce    bit               NOT NULL DEFAULT 0,  -- is replicated at all
    ind_ativo_ecommerce      bit               NOT NULL DEFAULT 0,  -- is shown in the web shop
    estoque_minimo_exibicao  decimal(15,4)     NOT NULL DEFAULT 0,
    ordem_exibicao           int               NOT NULL DEFAULT 0,
    peso_bruto               decimal(12,4)     NULL,  -- kg
    peso_liquido             decimal(12,4)     NULL,
    altura_cm                decimal(9,2)      NULL,
    largura_cm               decimal(9,2)      NULL,
    comprimento_cm           decimal(9,2)      NULL,
    data_lancamento          date              NULL,
    situacao                 smallint          NOT NULL DEFAULT 1,
    data_cadastro            datetime2(3)      NOT NULL,
    data_atualizacao         datetime2(3)      NOT NULL,
    versao_linha             rowversion        NOT NULL,
    CONSTRAINT uq_produto_codigo UNIQUE CLUSTERED (id_dominio, codigo)
);

CREATE TABLE live.produto_sku (
    id                   uniqueidentifier  NOT NULL CONSTRAINT pk_produto_sku PRIMARY KEY,
    id_produto           uniqueidentifier  NOT NULL REFERENCES live.produto,
    codigo               nvarchar(20)      NOT NULL,
    id_cor               uniqueidentifier  NULL REFERENCES live.cor,
    id_tamanho           uniqueidentifier  NULL REFERENCES live.tamanho,
    complemento          nvarchar(60)      NULL,
    peso_bruto           decimal(12,4)     NULL,
    altura_cm            decimal(9,2)      NULL,
    largura_cm           decimal(9,2)      NULL,
    comprimento_cm       decimal(9,2)      NULL,
    fator_embalagem      decimal(15,4)     NOT NULL DEFAULT 1,  -- stock units in one unit of sale
    ind_ativo_ecommerce  bit               NOT NULL DEFAULT 1,
    situacao             smallint          NOT NULL DEFAULT 1,
    data_cadastro        datetime2(3)      NOT NULL,
    data_atualizacao     datetime2(3)      NOT NULL,
    versao_linha         rowversion        NOT NULL,
    CONSTRAINT uq_produto_sku_id_produto_codigo UNIQUE (id_produto, codigo)
);

CREATE TABLE live.produto_codigo_barras (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_produto_codigo_barras PRIMARY KEY,
    id_sku            uniqueidentifier  NOT NULL REFERENCES live.produto_sku,
    codigo            nvarchar(20)      NOT NULL,
    tipo              smallint          NOT NULL DEFAULT 1,  -- 1 EAN/GTIN, 2 interno, 3 fornecedor
    ind_principal     bit               NOT NULL DEFAULT 0,
    situacao          smallint          NOT NULL DEFAULT 1,
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL
);

CREATE TABLE live.produto_imagem (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_produto_imagem PRIMARY KEY,
    id_produto        uniqueidentifier  NOT NULL REFERENCES live.produto,
    id_cor            uniqueidentifier  NULL REFERENCES live.cor,
    ordem             smallint          NOT NULL,
    url               nvarchar(500)     NOT NULL,
    texto             nvarchar(120)     NULL,
    ind_principal     bit               NOT NULL DEFAULT 0,
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL
);

CREATE TABLE live.produto_especificacao (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_produto_especificacao PRIMARY KEY,
    id_produto        uniqueidentifier  NOT NULL REFERENCES live.produto,
    nome              nvarchar(60)      NOT NULL,
    valor             nvarchar(400)     NOT NULL,
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL
);

-- What a kit (tipo_produto 2) is made of, by SKU: id_sku_kit is the kit as it is sold. A part may be in many kits.
CREATE TABLE live.produto_kit_componente (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_produto_kit_componente PRIMARY KEY,
    id_sku_kit        uniqueidentifier  NOT NULL REFERENCES live.produto_sku,
    id_sku            uniqueidentifier  NOT NULL REFERENCES live.produto_sku,
    quantidade        decimal(15,4)     NOT NULL DEFAULT 1 CHECK (quantidade > 0),
    preco_unitario    decimal(15,4)     NULL,  -- of one unit within the kit; null: none of its own
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL,
    CONSTRAINT uq_produto_kit_componente_id_sku_kit_id_sku UNIQUE (id_sku_kit, id_sku),
    CHECK (id_sku <> id_sku_kit)
);
CREATE INDEX ix_produto_kit_componente_id_sku ON live.produto_kit_componente (id_sku);

-- ----------------------------------------------------------------------------------------------------
-- Prices
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.tabela_preco (
    id                     uniqueidentifier  NOT NULL CONSTRAINT pk_tabela_preco PRIMARY KEY,
    id_dominio             uniqueidentifier  NOT NULL,
    codigo                 nvarchar(20)      NOT NULL,
    descricao              nvarchar(60)      NOT NULL,
    tipo                   smallint          NOT NULL DEFAULT 1,  -- 1 venda, 2 promoção, 3 custo
    data_vigencia_inicial  datetime2(3)      NULL,
    data_vigencia_final    datetime2(3)      NULL,
    situacao               smallint          NOT NULL DEFAULT 1,
    data_atualizacao       datetime2(3)      NOT NULL,
    versao_linha           rowversion        NOT NULL,
    CONSTRAINT uq_tabela_preco_codigo UNIQUE (id_dominio, codigo)
);

CREATE TABLE live.tabela_preco_loja (
    id_tabela_preco  uniqueidentifier  NOT NULL REFERENCES live.tabela_preco,
    id_loja          uniqueidentifier  NOT NULL REFERENCES live.loja,
    versao_linha     rowversion        NOT NULL,
    CONSTRAINT pk_tabela_preco_loja PRIMARY KEY (id_tabela_preco, id_loja)
);

CREATE TABLE live.preco (
    id                     uniqueidentifier  NOT NULL CONSTRAINT pk_preco PRIMARY KEY,
    id_tabela_preco        uniqueidentifier  NOT NULL REFERENCES live.tabela_preco,
    id_produto             uniqueidentifier  NOT NULL REFERENCES live.produto,
    id_sku                 uniqueidentifier  NULL REFERENCES live.produto_sku,  -- null: holds for the whole grade
    valor                  decimal(15,4)     NOT NULL,
    preco_promocional      decimal(15,4)     NULL,
    motivo_desconto        nvarchar(150)     NULL,
    quantidade_minima      decimal(15,4)     NOT NULL DEFAULT 1,
    data_vigencia_inicial  datetime2(3)      NOT NULL,
    data_vigencia_final    datetime2(3)      NOT NULL DEFAULT '9999-12-31',  -- the year 9999 means: no end
    situacao               smallint          NOT NULL DEFAULT 1,
    data_cadastro          datetime2(3)      NOT NULL,
    data_atualizacao       datetime2(3)      NOT NULL,
    versao_linha           rowversion        NOT NULL
);
CREATE INDEX ix_preco_produto ON live.preco (id_produto, id_tabela_preco);

-- ----------------------------------------------------------------------------------------------------
-- Stock
-- ----------------------------------------------------------------------------------------------------

-- The constraints carry names because the generator loads millions of rows and adds them afterwards.
CREATE TABLE live.estoque_saldo (
    id_loja                uniqueidentifier  NOT NULL,
    id_deposito            uniqueidentifier  NOT NULL,
    id_sku                 uniqueidentifier  NOT NULL,
    quantidade             decimal(15,4)     NOT NULL DEFAULT 0,  -- on hand
    quantidade_reservada   decimal(15,4)     NOT NULL DEFAULT 0,
    quantidade_transito    decimal(15,4)     NOT NULL DEFAULT 0,
    data_ultimo_movimento  datetime2(3)      NULL,
    data_atualizacao       datetime2(3)      NOT NULL,
    versao_linha           rowversion        NOT NULL,
    CONSTRAINT pk_estoque_saldo PRIMARY KEY (id_loja, id_deposito, id_sku),
    CONSTRAINT fk_estoque_saldo_loja FOREIGN KEY (id_loja) REFERENCES live.loja,
    CONSTRAINT fk_estoque_saldo_deposito FOREIGN KEY (id_deposito) REFERENCES live.deposito,
    CONSTRAINT fk_estoque_saldo_sku FOREIGN KEY (id_sku) REFERENCES live.produto_sku
);

-- ----------------------------------------------------------------------------------------------------
-- Customers and consent
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.cliente (
    id                 uniqueidentifier  NOT NULL CONSTRAINT pk_cliente PRIMARY KEY NONCLUSTERED,
    id_dominio         uniqueidentifier  NOT NULL,
    codigo             nvarchar(20)      NOT NULL,
    tipo_pessoa        smallint          NOT NULL,  -- 1 física, 2 jurídica, 3 informal
    cpf_cnpj           nvarchar(14)      NULL,
    rg_inscricao       nvarchar(20)      NULL,
    nome               nvarchar(120)     NOT NULL,
    nome_fantasia      nvarchar(120)     NULL,
    data_nascimento    date              NULL,
    sexo               smallint          NULL,
    estado_civil       smallint          NULL,
    email              nvarchar(120)     NULL,
    celular            nvarchar(20)      NULL,
    telefone           nvarchar(20)      NULL,
    observacao         nvarchar(max)     NULL,
    classificacao      smallint          NOT NULL DEFAULT 1,  -- 0 indefinido, 1 cliente, 2 revendedor
    id_loja_cadastro   uniqueidentifier  NULL REFERENCES live.loja,
    origem_cadastro    nvarchar(20)      NOT NULL DEFAULT N'RETAGUARDA',  -- RETAGUARDA, PDV, ECOMMERCE
    id_externo         nvarchar(60)      NULL,
    situacao           smallint          NOT NULL DEFAULT 1,
    data_anonimizacao  datetime2(3)      NULL,
    data_cadastro      datetime2(3)      NOT NULL,
    data_atualizacao   datetime2(3)      NOT NULL,
    versao_linha       rowversion        NOT NULL,
    CONSTRAINT uq_cliente_codigo UNIQUE CLUSTERED (id_dominio, codigo)
);
CREATE UNIQUE INDEX ux_cliente_cpf_cnpj ON live.cliente (id_dominio, cpf_cnpj) WHERE cpf_cnpj IS NOT NULL;

CREATE TABLE live.cliente_endereco (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_cliente_endereco PRIMARY KEY,
    id_cliente        uniqueidentifier  NOT NULL REFERENCES live.cliente,
    tipo              smallint          NOT NULL,  -- 1 principal, 2 residencial, 3 comercial, 4 entrega
    destinatario      nvarchar(80)      NULL,
    logradouro        nvarchar(120)     NOT NULL,
    numero            nvarchar(20)      NULL,
    complemento       nvarchar(60)      NULL,
    bairro            nvarchar(60)      NULL,
    cidade            nvarchar(60)      NOT NULL,
    codigo_ibge       char(7)           NULL,
    uf                char(2)           NOT NULL,
    cep               char(8)           NOT NULL,
    pais              char(3)           NOT NULL DEFAULT 'BRA',
    referencia        nvarchar(120)     NULL,
    situacao          smallint          NOT NULL DEFAULT 1,
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL
);

CREATE TABLE live.carta_consentimento (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_carta_consentimento PRIMARY KEY,
    id_dominio        uniqueidentifier  NOT NULL,
    codigo            nvarchar(20)      NOT NULL,
    versao            int               NOT NULL,
    titulo            nvarchar(120)     NOT NULL,
    texto_rtf         nvarchar(max)     NOT NULL,
    hash_texto        char(64)          NOT NULL,  -- SHA-256 of the text, hexadecimal
    ind_ativa         bit               NOT NULL DEFAULT 0,
    data_inicio       datetime2(3)      NOT NULL,
    data_fim          datetime2(3)      NULL,
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL,
    CONSTRAINT uq_carta_consentimento_codigo_versao UNIQUE (id_dominio, codigo, versao)
);
-- Exactly one letter is in force per tenant.
CREATE UNIQUE INDEX ux_carta_consentimento_id_dominio ON live.carta_consentimento (id_dominio) WHERE ind_ativa = 1;

CREATE TABLE live.finalidade_consentimento (
    id            smallint       NOT NULL CONSTRAINT pk_finalidade_consentimento PRIMARY KEY,
    codigo        nvarchar(30)   NOT NULL UNIQUE,  -- CADASTRO, MARKETING_EMAIL, MARKETING_SMS, MARKETING_WHATSAPP, PERFIL,
    descricao     nvarchar(120)  NOT NULL,  -- COMPARTILHAMENTO
    versao_linha  rowversion     NOT NULL
);

CREATE TABLE live.cliente_consentimento (
    id                uniqueidentifier  NOT NULL CONSTRAINT pk_cliente_consentimento PRIMARY KEY,
    id_cliente        uniqueidentifier  NOT NULL REFERENCES live.cliente,
    id_carta          uniqueidentifier  NOT NULL REFERENCES live.carta_consentimento,
    id_finalidade     smallint          NOT NULL REFERENCES live.finalidade_consentimento,
    situacao          smallint          NOT NULL,  -- 1 aceito, 2 recusado, 3 revogado, 4 expirado
    canal             nvarchar(20)      NOT NULL,  -- RETAGUARDA, PDV, ECOMMERCE, WHATSAPP
    id_loja           uniqueidentifier  NULL REFERENCES live.loja,
    operador          nvarchar(40)      NULL,
    ip                nvarchar(45)      NULL,
    data_aceite       datetime2(3)      NULL,
    data_revogacao    datetime2(3)      NULL,
    motivo            nvarchar(200)     NULL,
    data_atualizacao  datetime2(3)      NOT NULL,
    versao_linha      rowversion        NOT NULL
);

-- ----------------------------------------------------------------------------------------------------
-- Orders and invoices
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.transportadora (
    id            uniqueidentifier  NOT NULL CONSTRAINT pk_transportadora PRIMARY KEY,
    codigo        nvarchar(20)      NOT NULL UNIQUE,
    cnpj          char(14)          NULL,
    nome          nvarchar(120)     NOT NULL,
    url_rastreio  nvarchar(300)     NULL,
    versao_linha  rowversion        NOT NULL
);

CREATE TABLE live.pedido_venda (
    id                            uniqueidentifier  NOT NULL CONSTRAINT pk_pedido_venda PRIMARY KEY,
    id_dominio                    uniqueidentifier  NOT NULL,
    numero                        bigint            IDENTITY(1, 1) NOT NULL UNIQUE,
    origem                        nvarchar(20)      NOT NULL,  -- VTEX, PLUGINBOT, PDV, RETAGUARDA
    numero_externo                nvarchar(60)      NULL,
    grupo_externo                 nvarchar(60)      NULL,
    sequencia_externa             nvarchar(20)      NULL,
    tipo_pedido                   smallint          NOT NULL,  -- 1 retira loja, 2 entrega, 3 pedido vendedor
    status                        smallint          NOT NULL,
    id_loja                       uniqueidentifier  NOT NULL REFERENCES live.loja,
    id_loja_retirada              uniqueidentifier  NULL REFERENCES live.loja,
    id_cliente                    uniqueidentifier  NULL REFERENCES live.cliente,
    cpf_consumidor                nvarchar(14)      NULL,
    canal_venda                   nvarchar(20)      NULL,
    modalidade                    nvarchar(30)      NULL,
    id_vendedor                   nvarchar(20)      NULL,
    id_tabela_preco               uniqueidentifier  NULL REFERENCES live.tabela_preco,
    valor_produtos                decimal(15,2)     NOT NULL,
    valor_desconto                decimal(15,2)     NOT NULL DEFAULT 0,
    valor_frete                   decimal(15,2)     NOT NULL DEFAULT 0,
    valor_acrescimo               decimal(15,2)     NOT NULL DEFAULT 0,
    valor_total                   decimal(15,2)     NOT NULL,
    id_transportadora             uniqueidentifier  NULL REFERENCES live.transportadora,
    servico_entrega               nvarchar(60)      NULL,
    codigo_rastreio               nvarchar(60)      NULL,
    url_rastreio                  nvarchar(300)     NULL,
    data_prevista                 date              NULL,
    janela_inicio                 datetime2(3)      NULL,
    janela_fim                    datetime2(3)      NULL,
    destinatario                  nvarchar(80)      NULL,
    logradouro                    nvarchar(120)     NULL,
    endereco_numero               nvarchar(20)      NULL,
    complemento                   nvarchar(60)      NULL,
    bairro                        nvarchar(60)      NULL,
    cidade                        nvarchar(60)      NULL,
    uf                            char(2)           NULL,
    cep                           char(8)           NULL,
    referencia                    nvarchar(120)     NULL,
    ind_solicitacao_cancelamento  bit               NOT NULL DEFAULT 0,
    decisao_cancelamento          smallint          NULL,
    motivo_cancelamento           nvarchar(200)     NULL,
    ind_pagamento_manual          bit               NOT NULL DEFAULT 0,
    observacao                    nvarchar(max)     NULL,
    data_pedido                   datetime2(3)      NOT NULL,
    data_status                   datetime2(3)      NOT NULL,
    data_cadastro                 datetime2(3)      NOT NULL,
    data_atualizacao              datetime2(3)      NOT NULL,
    versao_linha                  rowversion        NOT NULL
);
-- An order of another system enters once.
CREATE UNIQUE INDEX ux_pedido_venda_numero_externo ON live.pedido_venda (origem, numero_externo) WHERE numero_externo IS NOT NULL;

CREATE TABLE live.pedido_venda_item (
    id                   uniqueidentifier  NOT NULL CONSTRAINT pk_pedido_venda_item PRIMARY KEY,
    id_pedido            uniqueidentifier  NOT NULL REFERENCES live.pedido_venda,
    sequencia            smallint          NOT NULL,
    id_sku               uniqueidentifier  NOT NULL REFERENCES live.produto_sku,
    id_externo           nvarchar(60)      NULL,
    quantidade           decimal(15,4)     NOT NULL,
    quantidade_atendida  decimal(15,4)     NULL,
    preco_unitario       decimal(15,4)     NOT NULL,
    valor_desconto       decimal(15,2)     NOT NULL DEFAULT 0,
    valor_frete          decimal(15,2)     NOT NULL DEFAULT 0,
    valor_total          decimal(15,2)     NOT NULL,
    id_deposito          uniqueidentifier  NULL REFERENCES live.deposito,
    ind_brinde           bit               NOT NULL DEFAULT 0,
    versao_linha         rowversion        NOT NULL,
    CONSTRAINT uq_pedido_venda_item_id_pedido_sequencia UNIQUE (id_pedido, sequencia)
);

CREATE TABLE live.pedido_venda_pagamento (
    id            uniqueidentifier  NOT NULL CONSTRAINT pk_pedido_venda_pagamento PRIMARY KEY,
    id_pedido     uniqueidentifier  NOT NULL REFERENCES live.pedido_venda,
    sequencia     smallint          NOT NULL,
    forma         nvarchar(20)      NOT NULL,  -- CREDITO, DEBITO, PIX, BOLETO, VALE
    bandeira      nvarchar(30)      NULL,
    valor         decimal(15,2)     NOT NULL,
    parcelas      smallint          NOT NULL DEFAULT 1,
    tid           nvarchar(60)      NULL,
    nsu           nvarchar(30)      NULL,
    autorizacao   nvarchar(30)      NULL,
    adquirente    nvarchar(40)      NULL,
    versao_linha  rowversion        NOT NULL
);

CREATE TABLE live.pedido_venda_status (
    id               bigint            IDENTITY(1, 1) NOT NULL CONSTRAINT pk_pedido_venda_status PRIMARY KEY,
    id_pedido        uniqueidentifier  NOT NULL REFERENCES live.pedido_venda,
    status_anterior  smallint          NULL,
    status           smallint          NOT NULL,
    usuario          nvarchar(40)      NOT NULL,
    estacao          nvarchar(40)      NULL,
    motivo           nvarchar(200)     NULL,
    data_status      datetime2(3)      NOT NULL,
    versao_linha     rowversion        NOT NULL
);

CREATE TABLE live.pedido_venda_volume (
    id               uniqueidentifier  NOT NULL CONSTRAINT pk_pedido_venda_volume PRIMARY KEY,
    id_pedido        uniqueidentifier  NOT NULL REFERENCES live.pedido_venda,
    numero           smallint          NOT NULL,
    peso             decimal(12,4)     NULL,
    altura_cm        decimal(9,2)      NULL,
    largura_cm       decimal(9,2)      NULL,
    comprimento_cm   decimal(9,2)      NULL,
    codigo_etiqueta  nvarchar(60)      NULL,
    data_impressao   datetime2(3)      NULL,
    data_despacho    datetime2(3)      NULL,
    versao_linha     rowversion        NOT NULL
);

CREATE TABLE live.nota_fiscal (
    id                 uniqueidentifier  NOT NULL CONSTRAINT pk_nota_fiscal PRIMARY KEY,
    id_loja            uniqueidentifier  NOT NULL REFERENCES live.loja,
    id_pedido          uniqueidentifier  NULL REFERENCES live.pedido_venda,
    modelo             smallint          NOT NULL,  -- 55 NF-e, 59 CF-e SAT, 65 NFC-e
    operacao           smallint          NOT NULL,  -- 1 saída, 2 devolução
    numero             int               NOT NULL,
    serie              smallint          NOT NULL,
    chave_acesso       char(44)          NULL,
    protocolo          nvarchar(20)      NULL,
    situacao           char(1)           NOT NULL,  -- A autorizada, C cancelada, I inutilizada, P pendente
    valor_produtos     decimal(15,2)     NOT NULL,
    valor_frete        decimal(15,2)     NOT NULL DEFAULT 0,
    valor_total        decimal(15,2)     NOT NULL,
    url_danfe          nvarchar(300)     NULL,
    data_emissao       datetime2(3)      NOT NULL,
    data_cancelamento  datetime2(3)      NULL,
    data_atualizacao   datetime2(3)      NOT NULL,
    versao_linha       rowversion        NOT NULL,
    CONSTRAINT uq_nota_fiscal_id_loja_modelo_serie_numero UNIQUE (id_loja, modelo, serie, numero)
);

CREATE TABLE live.nota_fiscal_item (
    id              uniqueidentifier  NOT NULL CONSTRAINT pk_nota_fiscal_item PRIMARY KEY,
    id_nota         uniqueidentifier  NOT NULL REFERENCES live.nota_fiscal,
    id_sku          uniqueidentifier  NOT NULL REFERENCES live.produto_sku,
    quantidade      decimal(15,4)     NOT NULL,
    preco_unitario  decimal(15,4)     NOT NULL,
    valor_total     decimal(15,2)     NOT NULL,
    versao_linha    rowversion        NOT NULL
);

-- ----------------------------------------------------------------------------------------------------
-- Parameters
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.parametro_sistema (
    id_dominio    uniqueidentifier  NOT NULL,
    nivel         smallint          NOT NULL,  -- rede, central, unidade de negócio, loja
    id_escopo     uniqueidentifier  NOT NULL,
    codigo        int               NOT NULL,
    valor         nvarchar(200)     NOT NULL,
    versao_linha  rowversion        NOT NULL,
    CONSTRAINT pk_parametro_sistema PRIMARY KEY (id_dominio, nivel, id_escopo, codigo)
);
GO
