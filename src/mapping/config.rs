//! `[mapping]`: which rows of Live mean what in VTEX.
//!
//! `preset = "live"` names every table and column of the reference schema; each of them can be given
//! another name. A column set to `""` says that the site has no such column; what then holds is written
//! at the column.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
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
}

impl Role {
    /// In the order in which they depend on each other.
    pub const ALL: [Self; 7] =
        [Self::Store, Self::Deposit, Self::PriceTable, Self::Product, Self::Sku, Self::Price, Self::Stock];
    /// Reference data: what prices and stock need besides themselves.
    pub const REFERENCE: [Self; 5] = [Self::Store, Self::Deposit, Self::PriceTable, Self::Product, Self::Sku];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Store => "stores",
            Self::Deposit => "deposits",
            Self::PriceTable => "price tables",
            Self::Product => "products",
            Self::Sku => "SKUs",
            Self::Price => "prices",
            Self::Stock => "stock",
        }
    }

    /// The entities that cannot go on without this table.
    pub const fn needed_by(self) -> &'static [Entity] {
        match self {
            Self::Product | Self::Sku => &[Entity::Stock, Entity::Price],
            Self::Store | Self::Deposit | Self::Stock => &[Entity::Stock],
            Self::PriceTable | Self::Price => &[Entity::Price],
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
            fn list(&self) -> Vec<&str> {
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
}

/// `[mapping.codes]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Codes {
    /// `situacao` of a row that is in use. Default: 1.
    pub active: i64,
}

impl Default for Codes {
    fn default() -> Self {
        Self { active: 1 }
    }
}

/// `[[mapping.stores]]`: a store, or one deposit of it, feeds a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreRule {
    /// `loja.codigo`.
    pub loja: String,
    /// `deposito.codigo`; left out: every deposit of the store that is open to e-commerce.
    pub deposito: Option<String>,
    /// VTEX's warehouse id. Several rules may name the same one: their stock is added up.
    pub warehouse: String,
}

/// What a price table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PriceUse {
    Base,
    List,
    Cost,
}

/// `[[mapping.prices]]`: a price table of Live and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceRule {
    /// `tabela_preco.codigo`.
    pub tabela: String,
    /// `base`, `list` or `cost`.
    #[serde(rename = "as")]
    pub usage: Option<PriceUse>,
    /// Instead of `as`: VTEX's trade policy (or price table) that gets these as fixed prices.
    pub trade_policy: Option<String>,
    /// With `as = "base"`: the trade policy that gets promotional prices as fixed prices.
    pub promotion_trade_policy: Option<String>,
}

/// How the minimum for display works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Minimum {
    /// Below the minimum nothing is shown.
    #[default]
    Hide,
    /// The minimum is kept back.
    Subtract,
}

/// `[mapping.stock]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StockRules {
    /// `hide` (default) or `subtract`.
    pub minimum: Minimum,
}

/// Which schema the names are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The reference schema.
    #[default]
    Live,
}

/// `[mapping]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingConfig {
    #[serde(default)]
    pub preset: Preset,
    /// Only rows of this tenant (`id_dominio`). Default: all.
    pub tenant: Option<String>,
    /// What is sent: `stock`, `price`. Default: both.
    #[serde(default = "all_entities")]
    pub entities: Vec<Entity>,
    /// How a SKU is called in VTEX (`RefId`, at most 50 characters): `{sku}` and `{produto}` stand for the
    /// codes of Live. Default: `{sku}`.
    #[serde(default = "sku_reference")]
    pub sku_reference: String,
    #[serde(default)]
    pub stores: Vec<StoreRule>,
    #[serde(default)]
    pub prices: Vec<PriceRule>,
    #[serde(default)]
    pub stock: StockRules,
    #[serde(default)]
    pub codes: Codes,
    #[serde(default)]
    pub tables: Tables,
}

fn all_entities() -> Vec<Entity> {
    vec![Entity::Stock, Entity::Price]
}

fn sku_reference() -> String {
    "{sku}".to_owned()
}

/// A table to be captured: only its mapped columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedTable {
    pub role: Role,
    pub schema: String,
    pub table: String,
    pub columns: Vec<String>,
    /// The columns that say which thing a row is about: with them alone it can be deleted or read again.
    pub key: Vec<String>,
}

impl MappingConfig {
    /// Everything that is wrong, each with what to write instead.
    pub fn validate(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if self.has(Entity::Stock) && self.stores.is_empty() {
            findings.push(
                "no [[mapping.stores]]: say which store feeds which warehouse, like loja = \"001\", warehouse = \"1_1\""
                    .to_owned(),
            );
        }
        if self.has(Entity::Price) && self.prices.is_empty() {
            findings.push(
                "no [[mapping.prices]]: say which price table is what, like tabela = \"VAREJO\", as = \"base\"".to_owned(),
            );
        }
        for entity in self.entities.iter().filter(|entity| entity.switch() != **entity) {
            findings.push(format!("entities: {entity} belongs to {}: name that", entity.switch()));
        }
        for rule in &self.stores {
            let id = &rule.warehouse;
            if id.is_empty() || id.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
                findings.push(format!(
                    "warehouse \"{id}\" of store {}: VTEX's warehouse ids have no spaces, and no / here",
                    rule.loja
                ));
            }
        }
        // VTEX tells warehouse ids apart by case in one place and not in another: two that differ only so
        // would be one stock with two names.
        let mut spelled: HashMap<String, &str> = HashMap::new();
        for rule in &self.stores {
            let first = spelled.entry(rule.warehouse.to_lowercase()).or_insert(&rule.warehouse);
            if *first != rule.warehouse {
                findings.push(format!(
                    "warehouses \"{first}\" and \"{}\" differ only by case: write the id as VTEX shows it",
                    rule.warehouse
                ));
            }
        }
        let mut seen = HashSet::new();
        for rule in &self.stores {
            if !seen.insert((&rule.loja, &rule.deposito)) {
                findings.push(format!("store {} is mapped twice: keep one of the rules", rule.loja));
            }
        }
        findings.extend(self.validate_prices());
        if !self.sku_reference.contains("{sku}") {
            findings.push(format!(
                "sku_reference = \"{}\" has no {{sku}}: all SKUs would have the same reference",
                self.sku_reference
            ));
        }
        for role in Role::ALL {
            let (table, columns, required) = self.names(role);
            if !table.contains('.') {
                findings.push(format!("table \"{table}\" ({}): write schema.table", role.name()));
            }
            for (name, needed) in columns.iter().zip(required) {
                if *needed && name.is_empty() {
                    findings.push(format!("table {table}: a column that identifies its rows is set to \"\""));
                }
            }
        }
        findings
    }

    fn validate_prices(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let mut tables = HashSet::new();
        for rule in &self.prices {
            let name = &rule.tabela;
            if !tables.insert(name) {
                findings.push(format!("price table {name} is mapped twice: keep one of the rules"));
            }
            if rule.usage.is_some() == rule.trade_policy.is_some() {
                findings.push(format!(
                    "price table {name}: give either as = \"base\"|\"list\"|\"cost\" or trade_policy"
                ));
            }
            if rule.promotion_trade_policy.is_some() && rule.usage != Some(PriceUse::Base) {
                findings.push(format!("price table {name}: promotion_trade_policy goes with as = \"base\""));
            }
        }
        for usage in [PriceUse::Base, PriceUse::List, PriceUse::Cost] {
            if self.prices.iter().filter(|rule| rule.usage == Some(usage)).count() > 1 {
                findings.push(
                    format!("two price tables are mapped as {usage:?}: a SKU has one of it").to_lowercase(),
                );
            }
        }
        findings
    }

    pub fn has(&self, entity: Entity) -> bool {
        self.entities.contains(&entity.switch())
    }

    /// Every trade policy that prices of ours go to.
    pub fn trade_policies(&self) -> Vec<CompactString> {
        let mut policies: Vec<_> = self
            .prices
            .iter()
            .flat_map(|rule| rule.trade_policy.iter().chain(&rule.promotion_trade_policy))
            .map(CompactString::from)
            .collect();
        policies.sort_unstable();
        policies.dedup();
        policies
    }

    /// Every warehouse that stock of ours goes to.
    pub fn warehouses(&self) -> Vec<&str> {
        let mut warehouses: Vec<_> = self.stores.iter().map(|rule| rule.warehouse.as_str()).collect();
        warehouses.sort_unstable();
        warehouses.dedup();
        warehouses
    }

    /// Table, columns in their fixed order, and which of them cannot be missing.
    pub(super) fn names(&self, role: Role) -> (&str, Vec<&str>, &'static [bool]) {
        const F: bool = false;
        const T: bool = true;
        let tables = &self.tables;
        match role {
            Role::Store => (&tables.store.table, tables.store.columns.list(), &[T, F, T, F, F]),
            Role::Deposit => (&tables.deposit.table, tables.deposit.columns.list(), &[T, T, T, F, F]),
            Role::PriceTable => {
                (&tables.price_table.table, tables.price_table.columns.list(), &[T, F, T, F, F, F])
            }
            Role::Product => (&tables.product.table, tables.product.columns.list(), &[T, F, T, F, F, F, F]),
            Role::Sku => (&tables.sku.table, tables.sku.columns.list(), &[T, T, T, F, F, F]),
            Role::Price => {
                (&tables.price.table, tables.price.columns.list(), &[T, T, T, F, T, F, F, F, F, F])
            }
            Role::Stock => (&tables.stock.table, tables.stock.columns.list(), &[T, T, T, T, F]),
        }
    }

    /// The column that identifies a row of a reference table.
    pub fn id_column(&self, role: Role) -> &str {
        self.names(role).1.first().copied().unwrap_or_default()
    }

    /// One table with its mapped columns.
    pub fn captured_table(&self, role: Role) -> CapturedTable {
        let (name, columns, _) = self.names(role);
        let (schema, table) = name.split_once('.').unwrap_or(("public", name));
        let key = match role {
            Role::Stock => &columns[..3],
            // The product leads from a price to everything that is to be read again.
            Role::Price => &[columns[0], columns[2]],
            _ => &columns[..1],
        };
        CapturedTable {
            key: key.iter().map(|column| (*column).to_owned()).collect(),
            role,
            schema: schema.to_owned(),
            table: table.to_owned(),
            columns: columns.into_iter().filter(|column| !column.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// The tables that the chosen entities need.
    pub fn captured(&self) -> Vec<CapturedTable> {
        Role::ALL
            .into_iter()
            .filter(|role| role.needed_by().iter().any(|entity| self.has(*entity)))
            .map(|role| self.captured_table(role))
            .collect()
    }
}
