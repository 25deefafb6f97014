//! `[orders.tables]`: columns of Live that only the entry of an order writes or reads. What is captured too has its name
//! from `[mapping.tables]`.
//!
//! An empty name is a column that the site does not have: it is left out.

use serde::Deserialize;

macro_rules! written {
    ($(#[$doc:meta])* $table:ident, $columns:ident, $name:literal, { $($(#[$column_doc:meta])* $column:ident = $default:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $table {
            /// `schema.table`.
            pub table: String,
            pub columns: $columns,
        }

        impl Default for $table {
            fn default() -> Self {
                Self { table: $name.to_owned(), columns: $columns::default() }
            }
        }

        columns!($columns, { $($(#[$column_doc])* $column = $default,)* });
    };
}

macro_rules! columns {
    ($(#[$doc:meta])* $columns:ident, { $($(#[$column_doc:meta])* $column:ident = $default:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $columns {
            $($(#[$column_doc])* pub $column: String,)*
        }

        impl Default for $columns {
            fn default() -> Self {
                Self { $($column: $default.to_owned(),)* }
            }
        }
    };
}

columns!(
    /// Of pedidos, beside those of `[mapping.tables.order]`.
    NewOrderColumns, {
        group = "grupo_externo",
        sequence = "sequencia_externa",
        store = "id_loja",
        pickup_store = "id_loja_retirada",
        customer = "id_cliente",
        document = "cpf_consumidor",
        channel = "canal_venda",
        modality = "modalidade",
        price_table = "id_tabela_preco",
        products = "valor_produtos",
        discount = "valor_desconto",
        shipping = "valor_frete",
        surcharge = "valor_acrescimo",
        total = "valor_total",
        service = "servico_entrega",
        expected = "data_prevista",
        window_from = "janela_inicio",
        window_to = "janela_fim",
        receiver = "destinatario",
        street = "logradouro",
        street_number = "endereco_numero",
        complement = "complemento",
        neighborhood = "bairro",
        city = "cidade",
        state = "uf",
        postal_code = "cep",
        reference = "referencia",
        /// None: staff is not told that a shopper wants to cancel.
        cancellation_asked = "ind_solicitacao_cancelamento",
        manual_payment = "ind_pagamento_manual",
        note = "observacao",
        created_at = "data_cadastro",
        updated_at = "data_atualizacao",
    }
);
columns!(
    /// Of lines of pedidos, beside those of `[mapping.tables.order_item]`.
    NewItemColumns, {
        sequence = "sequencia",
        unit_price = "preco_unitario",
        discount = "valor_desconto",
        shipping = "valor_frete",
        total = "valor_total",
        deposit = "id_deposito",
        gift = "ind_brinde",
    }
);
written!(
    /// Payments of pedidos.
    OrderPaymentTable, OrderPaymentColumns, "live.pedido_venda_pagamento", {
        id = "id",
        order = "id_pedido",
        sequence = "sequencia",
        form = "forma",
        brand = "bandeira",
        value = "valor",
        installments = "parcelas",
        tid = "tid",
        nsu = "nsu",
        authorization = "autorizacao",
        acquirer = "adquirente",
    }
);
written!(
    /// The history of a pedido.
    OrderStatusTable, OrderStatusColumns, "live.pedido_venda_status", {
        order = "id_pedido",
        before = "status_anterior",
        status = "status",
        user = "usuario",
        reason = "motivo",
        at = "data_status",
    }
);
columns!(
    /// Of customers, beside those of `[mapping.tables.customer]`.
    NewCustomerColumns, {
        /// `ECOMMERCE`.
        origin = "origem_cadastro",
        store = "id_loja_cadastro",
        created_at = "data_cadastro",
        updated_at = "data_atualizacao",
    }
);
columns!(
    /// Of what belongs to a customer, beside those of `[mapping.tables]`.
    UpdatedColumns, {
        updated_at = "data_atualizacao",
    }
);
columns!(
    /// Of consents, beside those of `[mapping.tables.consent]`.
    NewConsentColumns, {
        store = "id_loja",
        updated_at = "data_atualizacao",
    }
);
columns!(
    /// Of letters, beside those of `[mapping.tables.letter]`.
    LetterColumns, {
        /// The letter that holds now.
        active = "ind_ativa",
    }
);
columns!(
    /// Of deposits, beside those of `[mapping.tables.deposit]`.
    DepositColumns, {
        /// The deposit of a store where no rule names one.
        main = "ind_padrao",
    }
);
written!(
    /// Where a site that forbids writing into its tables takes orders from.
    StagingTable, StagingColumns, "mare.pedido_entrada", {
        external = "numero_externo",
        order = "pedido_externo",
        state = "situacao",
        content = "conteudo",
        number = "numero",
        received_at = "data_entrada",
        updated_at = "data_atualizacao",
    }
);

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Written {
    pub order: NewOrderColumns,
    pub item: NewItemColumns,
    pub payment: OrderPaymentTable,
    pub status: OrderStatusTable,
    pub customer: NewCustomerColumns,
    pub address: UpdatedColumns,
    pub stock: UpdatedColumns,
    pub consent: NewConsentColumns,
    pub letter: LetterColumns,
    pub deposit: DepositColumns,
    pub staging: StagingTable,
}
