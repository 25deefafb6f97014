-- The reference Live: a model of the back office of TOTVS Live, in Postgres 14 or newer.
--
-- Live's own tables are not public. This schema is built from the names of its public interfaces, so that
-- somebody who knows Live recognises it; every table, column and code in it can be re-mapped in the
-- configuration.
--
-- Conventions: `id` is the technical key, `codigo` the business key, `id_dominio` the tenant, `situacao` 1
-- active / 0 inactive, `ind_*` a flag. Money per document is numeric(15,2), unit price and quantity
-- numeric(15,4).
--
-- Nothing here belongs to capture: publication, slot and replica identity are made by `mare install`.

CREATE SCHEMA live;

-- ----------------------------------------------------------------------------------------------------
-- Stores
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.loja (
    id                     uuid          PRIMARY KEY,
    id_dominio             uuid          NOT NULL,
    codigo                 varchar(20)   NOT NULL,
    cnpj                   char(14)      NOT NULL,
    razao_social           varchar(120)  NOT NULL,
    nome_fantasia          varchar(120),
    tipo                   smallint      NOT NULL DEFAULT 1,      -- 1 loja, 2 centro de distribuição, 3 franqueadora
    uf                     char(2),
    cep                    char(8),
    logradouro             varchar(120),
    numero                 varchar(20),
    bairro                 varchar(60),
    cidade                 varchar(60),
    latitude               numeric(9,6),
    longitude              numeric(9,6),
    ind_integra_ecommerce  boolean       NOT NULL DEFAULT false,
    ind_retira_loja        boolean       NOT NULL DEFAULT false,
    situacao               smallint      NOT NULL DEFAULT 1,
    data_cadastro          timestamptz   NOT NULL,
    data_atualizacao       timestamptz   NOT NULL,
    UNIQUE (id_dominio, codigo),
    UNIQUE (id_dominio, cnpj)
);

-- A place inside a store where goods lie: sales floor, reserve, showcase.
CREATE TABLE live.deposito (
    id                        uuid         PRIMARY KEY,
    id_loja                   uuid         NOT NULL REFERENCES live.loja,
    codigo                    varchar(20)  NOT NULL,
    descricao                 varchar(60)  NOT NULL,
    ind_padrao                boolean      NOT NULL DEFAULT false,
    ind_disponivel_ecommerce  boolean      NOT NULL DEFAULT true,
    situacao                  smallint     NOT NULL DEFAULT 1
);

-- ----------------------------------------------------------------------------------------------------
-- Catalogue: produto is the model, produto_sku one cell of its grade (cor x tamanho)
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.marca (
    id                uuid         PRIMARY KEY,
    id_dominio        uuid         NOT NULL,
    codigo            varchar(20)  NOT NULL,
    descricao         varchar(60)  NOT NULL,
    situacao          smallint     NOT NULL DEFAULT 1,
    data_atualizacao  timestamptz  NOT NULL
);

CREATE TABLE live.classificador (
    id                uuid         PRIMARY KEY,
    id_dominio        uuid         NOT NULL,
    id_pai            uuid         REFERENCES live.classificador,
    nivel             smallint     NOT NULL CHECK (nivel BETWEEN 1 AND 5),
    codigo            varchar(20)  NOT NULL,
    descricao         varchar(80)  NOT NULL,
    situacao          smallint     NOT NULL DEFAULT 1,
    data_atualizacao  timestamptz  NOT NULL
);

CREATE TABLE live.cor (
    id          uuid         PRIMARY KEY,
    id_dominio  uuid         NOT NULL,
    codigo      varchar(10)  NOT NULL,
    descricao   varchar(40)  NOT NULL,
    rgb         char(6)
);

CREATE TABLE live.tamanho (
    id          uuid         PRIMARY KEY,
    id_dominio  uuid         NOT NULL,
    codigo      varchar(10)  NOT NULL,
    descricao   varchar(20)  NOT NULL,
    ordem       smallint     NOT NULL DEFAULT 0
);

CREATE TABLE live.produto (
    id                       uuid           PRIMARY KEY,
    id_dominio               uuid           NOT NULL,
    codigo                   varchar(20)    NOT NULL,
    referencia               varchar(40),
    descricao                varchar(150)   NOT NULL,
    descricao_resumida       varchar(50),
    descricao_ecommerce      text,
    titulo_ecommerce         varchar(150),
    palavras_chave           varchar(1000),
    meta_descricao           varchar(320),
    id_marca                 uuid           REFERENCES live.marca,
    id_classificador         uuid           REFERENCES live.classificador,
    ncm                      varchar(20),
    cest                     varchar(7),
    origem                   smallint,
    unidade_medida           varchar(6)     NOT NULL DEFAULT 'UN',
    ind_fracionado           boolean        NOT NULL DEFAULT false,
    tipo_produto             smallint       NOT NULL DEFAULT 1,   -- 1 mercadoria, 2 kit, 3 serviço
    ind_grade                boolean        NOT NULL DEFAULT false,
    ind_integra_ecommerce    boolean        NOT NULL DEFAULT false,  -- is replicated at all
    ind_ativo_ecommerce      boolean        NOT NULL DEFAULT false,  -- is shown in the web shop
    estoque_minimo_exibicao  numeric(15,4)  NOT NULL DEFAULT 0,
    ordem_exibicao           integer        NOT NULL DEFAULT 0,
    peso_bruto               numeric(12,4),                       -- kg
    peso_liquido             numeric(12,4),
    altura_cm                numeric(9,2),
    largura_cm               numeric(9,2),
    comprimento_cm           numeric(9,2),
    data_lancamento          date,
    situacao                 smallint       NOT NULL DEFAULT 1,
    data_cadastro            timestamptz    NOT NULL,
    data_atualizacao         timestamptz    NOT NULL,
    UNIQUE (id_dominio, codigo)
);

CREATE TABLE live.produto_sku (
    id                   uuid           PRIMARY KEY,
    id_produto           uuid           NOT NULL REFERENCES live.produto,
    codigo               varchar(20)    NOT NULL,
    id_cor               uuid           REFERENCES live.cor,
    id_tamanho           uuid           REFERENCES live.tamanho,
    complemento          varchar(60),
    peso_bruto           numeric(12,4),
    altura_cm            numeric(9,2),
    largura_cm           numeric(9,2),
    comprimento_cm       numeric(9,2),
    fator_embalagem      numeric(15,4)  NOT NULL DEFAULT 1,       -- stock units in one unit of sale
    ind_ativo_ecommerce  boolean        NOT NULL DEFAULT true,
    situacao             smallint       NOT NULL DEFAULT 1,
    data_cadastro        timestamptz    NOT NULL,
    data_atualizacao     timestamptz    NOT NULL,
    UNIQUE (id_produto, codigo)
);

CREATE TABLE live.produto_codigo_barras (
    id                uuid         PRIMARY KEY,
    id_sku            uuid         NOT NULL REFERENCES live.produto_sku,
    codigo            varchar(20)  NOT NULL,
    tipo              smallint     NOT NULL DEFAULT 1,            -- 1 EAN/GTIN, 2 interno, 3 fornecedor
    ind_principal     boolean      NOT NULL DEFAULT false,
    situacao          smallint     NOT NULL DEFAULT 1,
    data_atualizacao  timestamptz  NOT NULL
);

CREATE TABLE live.produto_imagem (
    id                uuid          PRIMARY KEY,
    id_produto        uuid          NOT NULL REFERENCES live.produto,
    id_cor            uuid          REFERENCES live.cor,
    ordem             smallint      NOT NULL,
    url               varchar(500)  NOT NULL,
    texto             varchar(120),
    ind_principal     boolean       NOT NULL DEFAULT false,
    data_atualizacao  timestamptz   NOT NULL
);

CREATE TABLE live.produto_especificacao (
    id                uuid          PRIMARY KEY,
    id_produto        uuid          NOT NULL REFERENCES live.produto,
    nome              varchar(60)   NOT NULL,
    valor             varchar(400)  NOT NULL,
    data_atualizacao  timestamptz   NOT NULL
);

-- What a kit (tipo_produto 2) is made of, by SKU: id_sku_kit is the kit as it is sold. A part may be in many kits.
CREATE TABLE live.produto_kit_componente (
    id                uuid           PRIMARY KEY,
    id_sku_kit        uuid           NOT NULL REFERENCES live.produto_sku,
    id_sku            uuid           NOT NULL REFERENCES live.produto_sku,
    quantidade        numeric(15,4)  NOT NULL DEFAULT 1 CHECK (quantidade > 0),
    preco_unitario    numeric(15,4),                              -- of one unit within the kit; null: none of its own
    data_atualizacao  timestamptz    NOT NULL,
    UNIQUE (id_sku_kit, id_sku),
    CHECK (id_sku <> id_sku_kit)
);
CREATE INDEX produto_kit_componente_id_sku ON live.produto_kit_componente (id_sku);

-- ----------------------------------------------------------------------------------------------------
-- Prices
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.tabela_preco (
    id                     uuid         PRIMARY KEY,
    id_dominio             uuid         NOT NULL,
    codigo                 varchar(20)  NOT NULL,
    descricao              varchar(60)  NOT NULL,
    tipo                   smallint     NOT NULL DEFAULT 1,       -- 1 venda, 2 promoção, 3 custo
    data_vigencia_inicial  timestamptz,
    data_vigencia_final    timestamptz,
    situacao               smallint     NOT NULL DEFAULT 1,
    data_atualizacao       timestamptz  NOT NULL,
    UNIQUE (id_dominio, codigo)
);

CREATE TABLE live.tabela_preco_loja (
    id_tabela_preco  uuid  NOT NULL REFERENCES live.tabela_preco,
    id_loja          uuid  NOT NULL REFERENCES live.loja,
    PRIMARY KEY (id_tabela_preco, id_loja)
);

CREATE TABLE live.preco (
    id                     uuid           PRIMARY KEY,
    id_tabela_preco        uuid           NOT NULL REFERENCES live.tabela_preco,
    id_produto             uuid           NOT NULL REFERENCES live.produto,
    id_sku                 uuid           REFERENCES live.produto_sku,   -- null: holds for the whole grade
    valor                  numeric(15,4)  NOT NULL,
    preco_promocional      numeric(15,4),
    motivo_desconto        varchar(150),
    quantidade_minima      numeric(15,4)  NOT NULL DEFAULT 1,
    data_vigencia_inicial  timestamptz    NOT NULL,
    data_vigencia_final    timestamptz    NOT NULL DEFAULT '9999-12-31',  -- the year 9999 means: no end
    situacao               smallint       NOT NULL DEFAULT 1,
    data_cadastro          timestamptz    NOT NULL,
    data_atualizacao       timestamptz    NOT NULL
);
CREATE INDEX ON live.preco (id_produto, id_tabela_preco);

-- ----------------------------------------------------------------------------------------------------
-- Stock
-- ----------------------------------------------------------------------------------------------------

-- The constraints carry names because the generator loads millions of rows and adds them afterwards.
CREATE TABLE live.estoque_saldo (
    id_loja                uuid           NOT NULL,
    id_deposito            uuid           NOT NULL,
    id_sku                 uuid           NOT NULL,
    quantidade             numeric(15,4)  NOT NULL DEFAULT 0,     -- on hand
    quantidade_reservada   numeric(15,4)  NOT NULL DEFAULT 0,
    quantidade_transito    numeric(15,4)  NOT NULL DEFAULT 0,
    data_ultimo_movimento  timestamptz,
    data_atualizacao       timestamptz    NOT NULL,
    CONSTRAINT estoque_saldo_pkey PRIMARY KEY (id_loja, id_deposito, id_sku),
    CONSTRAINT estoque_saldo_loja FOREIGN KEY (id_loja) REFERENCES live.loja,
    CONSTRAINT estoque_saldo_deposito FOREIGN KEY (id_deposito) REFERENCES live.deposito,
    CONSTRAINT estoque_saldo_sku FOREIGN KEY (id_sku) REFERENCES live.produto_sku
);

-- ----------------------------------------------------------------------------------------------------
-- Customers and consent
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.cliente (
    id                uuid          PRIMARY KEY,
    id_dominio        uuid          NOT NULL,
    codigo            varchar(20)   NOT NULL,
    tipo_pessoa       smallint      NOT NULL,                     -- 1 física, 2 jurídica, 3 informal
    cpf_cnpj          varchar(14),
    rg_inscricao      varchar(20),
    nome              varchar(120)  NOT NULL,
    nome_fantasia     varchar(120),
    data_nascimento   date,
    sexo              smallint,
    estado_civil      smallint,
    email             varchar(120),
    celular           varchar(20),
    telefone          varchar(20),
    observacao        text,
    classificacao     smallint      NOT NULL DEFAULT 1,           -- 0 indefinido, 1 cliente, 2 revendedor
    id_loja_cadastro  uuid          REFERENCES live.loja,
    origem_cadastro   varchar(20)   NOT NULL DEFAULT 'RETAGUARDA',  -- RETAGUARDA, PDV, ECOMMERCE
    id_externo        varchar(60),
    situacao          smallint      NOT NULL DEFAULT 1,
    data_anonimizacao timestamptz,
    data_cadastro     timestamptz   NOT NULL,
    data_atualizacao  timestamptz   NOT NULL,
    UNIQUE (id_dominio, codigo)
);
CREATE UNIQUE INDEX ON live.cliente (id_dominio, cpf_cnpj) WHERE cpf_cnpj IS NOT NULL;

CREATE TABLE live.cliente_endereco (
    id                uuid          PRIMARY KEY,
    id_cliente        uuid          NOT NULL REFERENCES live.cliente,
    tipo              smallint      NOT NULL,                     -- 1 principal, 2 residencial, 3 comercial, 4 entrega
    destinatario      varchar(80),
    logradouro        varchar(120)  NOT NULL,
    numero            varchar(20),
    complemento       varchar(60),
    bairro            varchar(60),
    cidade            varchar(60)   NOT NULL,
    codigo_ibge       char(7),
    uf                char(2)       NOT NULL,
    cep               char(8)       NOT NULL,
    pais              char(3)       NOT NULL DEFAULT 'BRA',
    referencia        varchar(120),
    situacao          smallint      NOT NULL DEFAULT 1,
    data_atualizacao  timestamptz   NOT NULL
);

CREATE TABLE live.carta_consentimento (
    id                uuid          PRIMARY KEY,
    id_dominio        uuid          NOT NULL,
    codigo            varchar(20)   NOT NULL,
    versao            integer       NOT NULL,
    titulo            varchar(120)  NOT NULL,
    texto_rtf         text          NOT NULL,
    hash_texto        char(64)      NOT NULL,                     -- SHA-256 of the text, hexadecimal
    ind_ativa         boolean       NOT NULL DEFAULT false,
    data_inicio       timestamptz   NOT NULL,
    data_fim          timestamptz,
    data_atualizacao  timestamptz   NOT NULL,
    UNIQUE (id_dominio, codigo, versao)
);
-- Exactly one letter is in force per tenant.
CREATE UNIQUE INDEX ON live.carta_consentimento (id_dominio) WHERE ind_ativa;

CREATE TABLE live.finalidade_consentimento (
    id         smallint      PRIMARY KEY,
    codigo     varchar(30)   NOT NULL UNIQUE,  -- CADASTRO, MARKETING_EMAIL, MARKETING_SMS, MARKETING_WHATSAPP, PERFIL,
    descricao  varchar(120)  NOT NULL          -- COMPARTILHAMENTO
);

CREATE TABLE live.cliente_consentimento (
    id                uuid          PRIMARY KEY,
    id_cliente        uuid          NOT NULL REFERENCES live.cliente,
    id_carta          uuid          NOT NULL REFERENCES live.carta_consentimento,
    id_finalidade     smallint      NOT NULL REFERENCES live.finalidade_consentimento,
    situacao          smallint      NOT NULL,                     -- 1 aceito, 2 recusado, 3 revogado, 4 expirado
    canal             varchar(20)   NOT NULL,                     -- RETAGUARDA, PDV, ECOMMERCE, WHATSAPP
    id_loja           uuid          REFERENCES live.loja,
    operador          varchar(40),
    ip                varchar(45),
    data_aceite       timestamptz,
    data_revogacao    timestamptz,
    motivo            varchar(200),
    data_atualizacao  timestamptz   NOT NULL
);

-- ----------------------------------------------------------------------------------------------------
-- Orders and invoices
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.transportadora (
    id           uuid          PRIMARY KEY,
    codigo       varchar(20)   NOT NULL UNIQUE,
    cnpj         char(14),
    nome         varchar(120)  NOT NULL,
    url_rastreio varchar(300)
);

CREATE TABLE live.pedido_venda (
    id                            uuid           PRIMARY KEY,
    id_dominio                    uuid           NOT NULL,
    numero                        bigint         GENERATED ALWAYS AS IDENTITY UNIQUE,
    origem                        varchar(20)    NOT NULL,        -- VTEX, PLUGINBOT, PDV, RETAGUARDA
    numero_externo                varchar(60),
    grupo_externo                 varchar(60),
    sequencia_externa             varchar(20),
    tipo_pedido                   smallint       NOT NULL,        -- 1 retira loja, 2 entrega, 3 pedido vendedor
    status                        smallint       NOT NULL,
    id_loja                       uuid           NOT NULL REFERENCES live.loja,
    id_loja_retirada              uuid           REFERENCES live.loja,
    id_cliente                    uuid           REFERENCES live.cliente,
    cpf_consumidor                varchar(14),
    canal_venda                   varchar(20),
    modalidade                    varchar(30),
    id_vendedor                   varchar(20),
    id_tabela_preco               uuid           REFERENCES live.tabela_preco,
    valor_produtos                numeric(15,2)  NOT NULL,
    valor_desconto                numeric(15,2)  NOT NULL DEFAULT 0,
    valor_frete                   numeric(15,2)  NOT NULL DEFAULT 0,
    valor_acrescimo               numeric(15,2)  NOT NULL DEFAULT 0,
    valor_total                   numeric(15,2)  NOT NULL,
    id_transportadora             uuid           REFERENCES live.transportadora,
    servico_entrega               varchar(60),
    codigo_rastreio               varchar(60),
    url_rastreio                  varchar(300),
    data_prevista                 date,
    janela_inicio                 timestamptz,
    janela_fim                    timestamptz,
    destinatario                  varchar(80),
    logradouro                    varchar(120),
    endereco_numero               varchar(20),
    complemento                   varchar(60),
    bairro                        varchar(60),
    cidade                        varchar(60),
    uf                            char(2),
    cep                           char(8),
    referencia                    varchar(120),
    ind_solicitacao_cancelamento  boolean        NOT NULL DEFAULT false,
    decisao_cancelamento          smallint,
    motivo_cancelamento           varchar(200),
    ind_pagamento_manual          boolean        NOT NULL DEFAULT false,
    observacao                    text,
    data_pedido                   timestamptz    NOT NULL,
    data_status                   timestamptz    NOT NULL,
    data_cadastro                 timestamptz    NOT NULL,
    data_atualizacao              timestamptz    NOT NULL
);
-- An order of another system enters once.
CREATE UNIQUE INDEX ON live.pedido_venda (origem, numero_externo) WHERE numero_externo IS NOT NULL;

CREATE TABLE live.pedido_venda_item (
    id                   uuid           PRIMARY KEY,
    id_pedido            uuid           NOT NULL REFERENCES live.pedido_venda,
    sequencia            smallint       NOT NULL,
    id_sku               uuid           NOT NULL REFERENCES live.produto_sku,
    id_externo           varchar(60),
    quantidade           numeric(15,4)  NOT NULL,
    quantidade_atendida  numeric(15,4),
    preco_unitario       numeric(15,4)  NOT NULL,
    valor_desconto       numeric(15,2)  NOT NULL DEFAULT 0,
    valor_frete          numeric(15,2)  NOT NULL DEFAULT 0,
    valor_total          numeric(15,2)  NOT NULL,
    id_deposito          uuid           REFERENCES live.deposito,
    ind_brinde           boolean        NOT NULL DEFAULT false,
    UNIQUE (id_pedido, sequencia)
);

CREATE TABLE live.pedido_venda_pagamento (
    id           uuid           PRIMARY KEY,
    id_pedido    uuid           NOT NULL REFERENCES live.pedido_venda,
    sequencia    smallint       NOT NULL,
    forma        varchar(20)    NOT NULL,                         -- CREDITO, DEBITO, PIX, BOLETO, VALE
    bandeira     varchar(30),
    valor        numeric(15,2)  NOT NULL,
    parcelas     smallint       NOT NULL DEFAULT 1,
    tid          varchar(60),
    nsu          varchar(30),
    autorizacao  varchar(30),
    adquirente   varchar(40)
);

CREATE TABLE live.pedido_venda_status (
    id               bigint        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id_pedido        uuid          NOT NULL REFERENCES live.pedido_venda,
    status_anterior  smallint,
    status           smallint      NOT NULL,
    usuario          varchar(40)   NOT NULL,
    estacao          varchar(40),
    motivo           varchar(200),
    data_status      timestamptz   NOT NULL
);

CREATE TABLE live.pedido_venda_volume (
    id               uuid           PRIMARY KEY,
    id_pedido        uuid           NOT NULL REFERENCES live.pedido_venda,
    numero           smallint       NOT NULL,
    peso             numeric(12,4),
    altura_cm        numeric(9,2),
    largura_cm       numeric(9,2),
    comprimento_cm   numeric(9,2),
    codigo_etiqueta  varchar(60),
    data_impressao   timestamptz,
    data_despacho    timestamptz
);

CREATE TABLE live.nota_fiscal (
    id                 uuid           PRIMARY KEY,
    id_loja            uuid           NOT NULL REFERENCES live.loja,
    id_pedido          uuid           REFERENCES live.pedido_venda,
    modelo             smallint       NOT NULL,                   -- 55 NF-e, 59 CF-e SAT, 65 NFC-e
    operacao           smallint       NOT NULL,                   -- 1 saída, 2 devolução
    numero             integer        NOT NULL,
    serie              smallint       NOT NULL,
    chave_acesso       char(44),
    protocolo          varchar(20),
    situacao           char(1)        NOT NULL,                   -- A autorizada, C cancelada, I inutilizada, P pendente
    valor_produtos     numeric(15,2)  NOT NULL,
    valor_frete        numeric(15,2)  NOT NULL DEFAULT 0,
    valor_total        numeric(15,2)  NOT NULL,
    url_danfe          varchar(300),
    data_emissao       timestamptz    NOT NULL,
    data_cancelamento  timestamptz,
    data_atualizacao   timestamptz    NOT NULL,
    UNIQUE (id_loja, modelo, serie, numero)
);

CREATE TABLE live.nota_fiscal_item (
    id              uuid           PRIMARY KEY,
    id_nota         uuid           NOT NULL REFERENCES live.nota_fiscal,
    id_sku          uuid           NOT NULL REFERENCES live.produto_sku,
    quantidade      numeric(15,4)  NOT NULL,
    preco_unitario  numeric(15,4)  NOT NULL,
    valor_total     numeric(15,2)  NOT NULL
);

-- ----------------------------------------------------------------------------------------------------
-- Parameters
-- ----------------------------------------------------------------------------------------------------

CREATE TABLE live.parametro_sistema (
    id_dominio  uuid          NOT NULL,
    nivel       smallint      NOT NULL,                           -- rede, central, unidade de negócio, loja
    id_escopo   uuid          NOT NULL,
    codigo      integer       NOT NULL,
    valor       varchar(200)  NOT NULL,
    PRIMARY KEY (id_dominio, nivel, id_escopo, codigo)
);
