//! Tables and columns of Live, by what they mean.

use serde::Deserialize;

use crate::core::entity::Entity;

/// The parts of Live that the mapping reads, by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Role {
    Store = 1,
    Deposit = 2,
    PriceTable = 3,
    Product = 4,
    Sku = 5,
    Price = 6,
    Stock = 7,
    Brand = 8,
    Classifier = 9,
    Colour = 10,
    Size = 11,
    Barcode = 12,
    Image = 13,
    Specification = 14,
    Customer = 15,
    Address = 16,
    Letter = 17,
    Purpose = 18,
    Consent = 19,
    KitPart = 20,
    Carrier = 21,
    Order = 22,
    OrderItem = 23,
    Volume = 24,
    Invoice = 25,
    InvoiceItem = 26,
}

impl Role {
    /// In the order in which they depend on each other.
    pub const ALL: [Self; 26] = [
        Self::Store,
        Self::Deposit,
        Self::PriceTable,
        Self::Brand,
        Self::Classifier,
        Self::Colour,
        Self::Size,
        Self::Product,
        Self::Sku,
        Self::Barcode,
        Self::Image,
        Self::Specification,
        Self::KitPart,
        Self::Price,
        Self::Stock,
        Self::Letter,
        Self::Purpose,
        Self::Customer,
        Self::Address,
        Self::Consent,
        Self::Carrier,
        Self::Order,
        Self::OrderItem,
        Self::Volume,
        Self::Invoice,
        Self::InvoiceItem,
    ];
    /// Reference data: what others need besides themselves, kept in memory.
    pub const REFERENCE: [Self; 12] = [
        Self::Store,
        Self::Deposit,
        Self::PriceTable,
        Self::Brand,
        Self::Classifier,
        Self::Colour,
        Self::Size,
        Self::Product,
        Self::Sku,
        Self::Letter,
        Self::Purpose,
        Self::Carrier,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Store => "stores",
            Self::Deposit => "deposits",
            Self::PriceTable => "price tables",
            Self::Product => "products",
            Self::Sku => "SKUs",
            Self::Price => "prices",
            Self::Stock => "stock",
            Self::Brand => "brands",
            Self::Classifier => "classifiers",
            Self::Colour => "colours",
            Self::Size => "sizes",
            Self::Barcode => "bar codes",
            Self::Image => "images",
            Self::Specification => "specifications",
            Self::Customer => "customers",
            Self::Address => "addresses",
            Self::Letter => "consent letters",
            Self::Purpose => "purposes of consent",
            Self::Consent => "consents",
            Self::KitPart => "parts of kits",
            Self::Carrier => "carriers",
            Self::Order => "orders",
            Self::OrderItem => "items of orders",
            Self::Volume => "parcels",
            Self::Invoice => "invoices",
            Self::InvoiceItem => "items of invoices",
        }
    }

    /// Whether what maré writes into this table itself is captured like the shop's own changes. Of stock it is: an order that
    /// we enter reserves goods, and that must reach VTEX like any other reservation. The rest of what we write came from
    /// VTEX, and needs not go back.
    pub const fn captures_own_writes(self) -> bool {
        matches!(self, Self::Stock)
    }

    /// The entities that cannot go on without this table.
    pub const fn needed_by(self) -> &'static [Entity] {
        match self {
            Self::Product | Self::Sku => &[Entity::Stock, Entity::Price, Entity::Product, Entity::Order],
            Self::Brand
            | Self::Classifier
            | Self::Colour
            | Self::Size
            | Self::Barcode
            | Self::Image
            | Self::Specification
            | Self::KitPart => &[Entity::Product],
            Self::Address => &[Entity::Customer],
            // A customer without the basic consent is not sent.
            Self::Customer | Self::Letter | Self::Purpose | Self::Consent => {
                &[Entity::Customer, Entity::Consent]
            }
            Self::Store | Self::Deposit | Self::Stock => &[Entity::Stock],
            Self::PriceTable | Self::Price => &[Entity::Price],
            Self::Carrier
            | Self::Order
            | Self::OrderItem
            | Self::Volume
            | Self::Invoice
            | Self::InvoiceItem => &[Entity::Order],
        }
    }
}

macro_rules! table {
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

        /// Columns by what they mean.
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

        impl $columns {
            /// In the order of this file; an empty name is a column that the site does not have.
            pub(super) fn list(&self) -> Vec<&str> {
                vec![$(self.$column.as_str(),)*]
            }
        }
    };
}

table!(
    /// Stores (lojas).
    StoreTable, StoreColumns, "live.loja", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        /// None: every store takes part.
        in_ecommerce = "ind_integra_ecommerce",
        /// None: every store is open.
        status = "situacao",
    }
);
table!(
    /// Stock locations inside a store (depósitos).
    DepositTable, DepositColumns, "live.deposito", {
        id = "id",
        store = "id_loja",
        code = "codigo",
        /// None: every deposit counts.
        in_ecommerce = "ind_disponivel_ecommerce",
        status = "situacao",
    }
);
table!(
    /// Named price lists (tabelas de preço).
    PriceTableTable, PriceTableColumns, "live.tabela_preco", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        valid_from = "data_vigencia_inicial",
        valid_to = "data_vigencia_final",
        status = "situacao",
    }
);
table!(
    /// Products (produtos).
    ProductTable, ProductColumns, "live.produto", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        /// "Integra Ecommerce": whether anything of the product is sent. None: everything is.
        in_ecommerce = "ind_integra_ecommerce",
        /// None: no minimum.
        minimum = "estoque_minimo_exibicao",
        /// None: nothing is sold in fractions.
        fractional = "ind_fracionado",
        status = "situacao",
        // From here on only for the catalog.
        description = "descricao",
        short_description = "descricao_resumida",
        long_description = "descricao_ecommerce",
        title = "titulo_ecommerce",
        keywords = "palavras_chave",
        meta_description = "meta_descricao",
        brand = "id_marca",
        classifier = "id_classificador",
        tax_code = "ncm",
        unit = "unidade_medida",
        /// 1 goods, 2 kit, 3 service. None: all are goods.
        kind = "tipo_produto",
        /// "Produto Ativo no E-commerce?": whether it is shown. None: every product is.
        shown = "ind_ativo_ecommerce",
        order = "ordem_exibicao",
        gross_weight = "peso_bruto",
        height = "altura_cm",
        width = "largura_cm",
        length = "comprimento_cm",
        released = "data_lancamento",
        /// The maker's; only for templates.
        reference = "referencia",
    }
);
table!(
    /// SKUs (grade: cor × tamanho).
    SkuTable, SkuColumns, "live.produto_sku", {
        id = "id",
        product = "id_produto",
        code = "codigo",
        /// None: 1.
        factor = "fator_embalagem",
        /// None: every SKU is for sale.
        in_ecommerce = "ind_ativo_ecommerce",
        status = "situacao",
        // From here on only for the catalog.
        colour = "id_cor",
        size = "id_tamanho",
        complement = "complemento",
        /// Null, or no such column: that of the product. The same for the next three.
        gross_weight = "peso_bruto",
        height = "altura_cm",
        width = "largura_cm",
        length = "comprimento_cm",
    }
);
table!(
    /// Prices (preços).
    PriceTableRows, PriceColumns, "live.preco", {
        id = "id",
        price_table = "id_tabela_preco",
        product = "id_produto",
        /// Null: the price is that of all SKUs of the product.
        sku = "id_sku",
        value = "valor",
        promotion = "preco_promocional",
        min_quantity = "quantidade_minima",
        valid_from = "data_vigencia_inicial",
        valid_to = "data_vigencia_final",
        status = "situacao",
    }
);
table!(
    /// Balances (saldos de estoque).
    StockTable, StockColumns, "live.estoque_saldo", {
        store = "id_loja",
        deposit = "id_deposito",
        sku = "id_sku",
        quantity = "quantidade",
        /// None: Live reserves nothing.
        reserved = "quantidade_reservada",
    }
);

table!(
    /// Brands (marcas).
    BrandTable, BrandColumns, "live.marca", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        name = "descricao",
        status = "situacao",
    }
);
table!(
    /// The tree of classifiers.
    ClassifierTable, ClassifierColumns, "live.classificador", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        parent = "id_pai",
        name = "descricao",
        status = "situacao",
        level = "nivel",
    }
);
table!(
    /// Colours (cores).
    ColourTable, ColourColumns, "live.cor", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        name = "descricao",
    }
);
table!(
    /// Sizes (tamanhos).
    SizeTable, SizeColumns, "live.tamanho", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        name = "descricao",
    }
);
table!(
    /// Bar codes of SKUs.
    BarcodeTable, BarcodeColumns, "live.produto_codigo_barras", {
        id = "id",
        sku = "id_sku",
        code = "codigo",
        /// 1 is an EAN/GTIN; others are not sent. None: all are.
        kind = "tipo",
        main = "ind_principal",
        status = "situacao",
    }
);
table!(
    /// Images of products.
    ImageTable, ImageColumns, "live.produto_imagem", {
        id = "id",
        product = "id_produto",
        /// Null: the image is that of all colours.
        colour = "id_cor",
        order = "ordem",
        url = "url",
        text = "texto",
        main = "ind_principal",
    }
);
table!(
    /// Specifications of products.
    SpecificationTable, SpecificationColumns, "live.produto_especificacao", {
        id = "id",
        product = "id_produto",
        name = "nome",
        value = "valor",
    }
);
table!(
    /// What kits are made of. Read with `catalog.kits` only.
    KitPartTable, KitPartColumns, "live.produto_kit_componente", {
        id = "id",
        kit = "id_sku_kit",
        sku = "id_sku",
        quantity = "quantidade",
        /// Of one unit within the kit. Null, or no such column: `catalog.kit_component_price` of the tuning.
        unit_price = "preco_unitario",
    }
);
table!(
    /// Customers (clientes).
    CustomerTable, CustomerColumns, "live.cliente", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        /// 1 person, 2 company, 3 informal.
        kind = "tipo_pessoa",
        document = "cpf_cnpj",
        registration = "rg_inscricao",
        name = "nome",
        trade_name = "nome_fantasia",
        birth_date = "data_nascimento",
        sex = "sexo",
        email = "email",
        cell_phone = "celular",
        phone = "telefone",
        status = "situacao",
        /// Not null: nothing may be known of the person any more.
        erased = "data_anonimizacao",
        /// Only with `customers.price_tables`: what decides which of them the customer has.
        price_group = "classificacao",
    }
);
table!(
    /// Addresses of customers.
    AddressTable, AddressColumns, "live.cliente_endereco", {
        id = "id",
        customer = "id_cliente",
        kind = "tipo",
        receiver = "destinatario",
        street = "logradouro",
        number = "numero",
        complement = "complemento",
        neighborhood = "bairro",
        city = "cidade",
        state = "uf",
        postal_code = "cep",
        country = "pais",
        reference = "referencia",
        status = "situacao",
    }
);
table!(
    /// Consent letters (cartas de consentimento).
    LetterTable, LetterColumns, "live.carta_consentimento", {
        id = "id",
        tenant = "id_dominio",
        code = "codigo",
        version = "versao",
        text_hash = "hash_texto",
    }
);
table!(
    /// Purposes of consent (finalidades).
    PurposeTable, PurposeColumns, "live.finalidade_consentimento", {
        id = "id",
        code = "codigo",
    }
);
table!(
    /// What customers said to a letter.
    ConsentTable, ConsentColumns, "live.cliente_consentimento", {
        id = "id",
        customer = "id_cliente",
        letter = "id_carta",
        purpose = "id_finalidade",
        /// 1 accepted, 2 refused, 3 revoked, 4 expired.
        state = "situacao",
        channel = "canal",
        accepted = "data_aceite",
        revoked = "data_revogacao",
    }
);

table!(
    /// Carriers (transportadoras).
    CarrierTable, CarrierColumns, "live.transportadora", {
        id = "id",
        code = "codigo",
        name = "nome",
    }
);
table!(
    /// Orders (pedidos de venda).
    OrderTable, OrderColumns, "live.pedido_venda", {
        id = "id",
        tenant = "id_dominio",
        /// Which system it came from. None: whatever has a number of another system is VTEX's.
        origin = "origem",
        /// VTEX's order id; of a pedido that was split off another one with `#2`, `#3` …
        external = "numero_externo",
        number = "numero",
        /// 1 pick-up, 2 delivery, 3 entered by a sales person.
        kind = "tipo_pedido",
        status = "status",
        /// When it came to this status. None: VTEX is not told when it was delivered.
        status_at = "data_status",
        /// What was decided about a request to cancel it. None: cancellations are never denied.
        decision = "decisao_cancelamento",
        reason = "motivo_cancelamento",
        carrier = "id_transportadora",
        tracking = "codigo_rastreio",
        tracking_url = "url_rastreio",
        /// When it was ordered: how far back a load goes.
        ordered = "data_pedido",
    }
);
table!(
    /// Items of orders.
    OrderItemTable, OrderItemColumns, "live.pedido_venda_item", {
        id = "id",
        order = "id_pedido",
        sku = "id_sku",
        /// VTEX's name of the line.
        external = "id_externo",
        quantity = "quantidade",
        /// How many were picked. None: always all of them.
        served = "quantidade_atendida",
        /// Whose balance the units are reserved in. None: Live reserves nothing.
        deposit = "id_deposito",
    }
);
table!(
    /// Parcels (volumes).
    VolumeTable, VolumeColumns, "live.pedido_venda_volume", {
        id = "id",
        order = "id_pedido",
        dispatched = "data_despacho",
    }
);
table!(
    /// Fiscal documents (notas fiscais, cupons).
    InvoiceTable, InvoiceColumns, "live.nota_fiscal", {
        id = "id",
        order = "id_pedido",
        /// 1 sale, 2 return.
        direction = "operacao",
        number = "numero",
        series = "serie",
        key = "chave_acesso",
        state = "situacao",
        /// Shipping included.
        value = "valor_total",
        url = "url_danfe",
        issued = "data_emissao",
    }
);
table!(
    /// Items of fiscal documents. They are read with their document, when that changes.
    InvoiceItemTable, InvoiceItemColumns, "live.nota_fiscal_item", {
        id = "id",
        invoice = "id_nota",
        sku = "id_sku",
        quantity = "quantidade",
        price = "preco_unitario",
    }
);

/// All tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tables {
    pub store: StoreTable,
    pub deposit: DepositTable,
    pub price_table: PriceTableTable,
    pub product: ProductTable,
    pub sku: SkuTable,
    pub price: PriceTableRows,
    pub stock: StockTable,
    pub brand: BrandTable,
    pub classifier: ClassifierTable,
    pub colour: ColourTable,
    pub size: SizeTable,
    pub barcode: BarcodeTable,
    pub image: ImageTable,
    pub specification: SpecificationTable,
    pub kit_part: KitPartTable,
    pub customer: CustomerTable,
    pub address: AddressTable,
    pub letter: LetterTable,
    pub purpose: PurposeTable,
    pub consent: ConsentTable,
    pub carrier: CarrierTable,
    pub order: OrderTable,
    pub order_item: OrderItemTable,
    pub volume: VolumeTable,
    pub invoice: InvoiceTable,
    pub invoice_item: InvoiceItemTable,
}
