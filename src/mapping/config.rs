//! `[mapping]`: which rows of Live mean what in VTEX.
//!
//! `preset = "live"` names every table and column of the reference schema; each of them can be given
//! another name. A column set to `""` says that the site has no such column; what then holds is written
//! at the column.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use serde::Deserialize;

use crate::core::entity::Entity;

use super::catalog::config::CatalogConfig;
use super::orders::OrdersConfig;
use super::people::{ConsentConfig, CustomersConfig};

pub use super::tables::{Role, Tables};

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
///
/// Which stores of Live sell by a table (`tabela_preco_loja`) is not read: VTEX has one base price for a SKU wherever
/// it is sold from, so which table feeds the shop is said here and not there. A table for the shoppers of one store is
/// given to a trade policy or price table of VTEX.
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
    pub catalog: CatalogConfig,
    #[serde(default)]
    pub customers: CustomersConfig,
    #[serde(default)]
    pub consent: ConsentConfig,
    #[serde(default)]
    pub orders: OrdersConfig,
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
        findings.extend(self.catalog.validate());
        if self.has(Entity::Order) {
            findings.extend(self.orders.validate());
        }
        findings.extend(self.customers.validate(&self.consent).err().map(|error| error.to_string()));
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
            if role == Role::Customer && self.customers.has_price_groups() && columns.last() == Some(&"") {
                findings.push(format!(
                    "table {table}: customers.price_tables needs its column price_group, which is set to \"\""
                ));
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

    /// Whether a table is read at all: a site without kits need not have theirs.
    pub fn uses(&self, role: Role) -> bool {
        let needed = role.needed_by().iter().any(|entity| self.has(*entity));
        needed && (role != Role::KitPart || self.catalog.kits)
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
    pub(super) fn names<'a>(&'a self, role: Role) -> (&'a str, Vec<&'a str>, &'static [bool]) {
        const F: bool = false;
        const T: bool = true;
        let tables = &self.tables;
        let columns = |all: Vec<&'a str>, for_stock: usize| match self.has(Entity::Product) {
            true => all,
            false => all.into_iter().take(for_stock).collect(),
        };
        match role {
            Role::Store => (&tables.store.table, tables.store.columns.list(), &[T, F, T, F, F]),
            Role::Deposit => (&tables.deposit.table, tables.deposit.columns.list(), &[T, T, T, F, F]),
            Role::PriceTable => {
                (&tables.price_table.table, tables.price_table.columns.list(), &[T, F, T, F, F, F])
            }
            Role::Product => {
                (&tables.product.table, columns(tables.product.columns.list(), 7), &[T, F, T, F, F, F, F, T])
            }
            Role::Sku => (&tables.sku.table, columns(tables.sku.columns.list(), 6), &[T, T, T, F, F, F]),
            Role::Brand => (&tables.brand.table, tables.brand.columns.list(), &[T, F, T, T]),
            Role::Classifier => {
                (&tables.classifier.table, tables.classifier.columns.list(), &[T, F, T, T, T])
            }
            Role::Colour => (&tables.colour.table, tables.colour.columns.list(), &[T, F, T, T]),
            Role::Size => (&tables.size.table, tables.size.columns.list(), &[T, F, T, T]),
            Role::Barcode => (&tables.barcode.table, tables.barcode.columns.list(), &[T, T, T]),
            Role::Image => (&tables.image.table, tables.image.columns.list(), &[T, T, F, F, T]),
            Role::Specification => {
                (&tables.specification.table, tables.specification.columns.list(), &[T, T, T, T])
            }
            Role::KitPart => (&tables.kit_part.table, tables.kit_part.columns.list(), &[T, T, T, T]),
            Role::Customer => {
                let mut columns = tables.customer.columns.list();
                if !self.customers.has_price_groups() {
                    columns.pop();
                }
                (&tables.customer.table, columns, &[T, F, T, F, F, F, T])
            }
            Role::Address => (&tables.address.table, tables.address.columns.list(), &[T, T]),
            Role::Letter => (&tables.letter.table, tables.letter.columns.list(), &[T, F, T, T]),
            Role::Purpose => (&tables.purpose.table, tables.purpose.columns.list(), &[T, T]),
            Role::Consent => (&tables.consent.table, tables.consent.columns.list(), &[T, T, T, T, T, T]),
            Role::Carrier => (&tables.carrier.table, tables.carrier.columns.list(), &[T, F, T]),
            Role::Order => (
                &tables.order.table,
                tables.order.columns.list(),
                &[T, F, F, T, T, T, T, F, F, F, F, F, F, T],
            ),
            Role::OrderItem => {
                (&tables.order_item.table, tables.order_item.columns.list(), &[T, T, T, F, T, F, F])
            }
            Role::Volume => (&tables.volume.table, tables.volume.columns.list(), &[T, T, T]),
            Role::Invoice => {
                (&tables.invoice.table, tables.invoice.columns.list(), &[T, T, T, T, F, F, T, T, F, T])
            }
            Role::InvoiceItem => {
                (&tables.invoice_item.table, tables.invoice_item.columns.list(), &[T, T, T, T, T])
            }
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
            // The same with what belongs to a product, a SKU, a customer or an order.
            Role::Barcode
            | Role::Image
            | Role::Specification
            | Role::KitPart
            | Role::Address
            | Role::Consent
            | Role::OrderItem
            | Role::Volume
            | Role::Invoice
            | Role::InvoiceItem => &columns[..2],
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
        Role::ALL.into_iter().filter(|role| self.uses(*role)).map(|role| self.captured_table(role)).collect()
    }
}
