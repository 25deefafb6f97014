//! What VTEX is told about, and how each thing is named.

use std::fmt;
use std::str::FromStr;

use compact_str::{CompactString, format_compact};
use serde::{Deserialize, Serialize};

/// A kind of thing that VTEX is told about.
///
/// The discriminant is stored in the ledger: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Entity {
    /// Quantity of one SKU in one warehouse.
    Stock = 1,
    /// All prices of one SKU: base, list, cost and fixed.
    Price = 2,
    Brand = 3,
    Category = 4,
    /// A product without its SKUs.
    Product = 5,
    /// A SKU with its images, codes and specifications.
    Sku = 6,
    /// A customer with addresses.
    Customer = 7,
    /// What a customer has consented to.
    Consent = 8,
    /// An order of VTEX with what Live has done about it.
    Order = 9,
}

impl Entity {
    pub const ALL: [Self; 9] = [
        Self::Stock,
        Self::Price,
        Self::Brand,
        Self::Category,
        Self::Product,
        Self::Sku,
        Self::Customer,
        Self::Consent,
        Self::Order,
    ];

    /// Its place in [`Entity::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize - 1
    }

    /// Those that are switched on and off, and loaded as a whole; the others belong to products.
    pub const SWITCHED: [Self; 6] =
        [Self::Stock, Self::Price, Self::Product, Self::Customer, Self::Consent, Self::Order];

    /// The one that switches this one on and off.
    pub const fn switch(self) -> Self {
        match self {
            Self::Brand | Self::Category | Self::Sku => Self::Product,
            other => other,
        }
    }

    /// The name in the configuration, the metrics and the commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Price => "price",
            Self::Brand => "brand",
            Self::Category => "category",
            Self::Product => "product",
            Self::Sku => "sku",
            Self::Customer => "customer",
            Self::Consent => "consent",
            Self::Order => "order",
        }
    }

    /// The entity stored as `code`, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| *entity as u8 == code)
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no entity.
#[derive(Debug, thiserror::Error)]
#[error(
    "'{0}' is not an entity (expected stock, price, brand, category, product, sku, customer, consent or order)"
)]
pub struct UnknownEntity(String);

impl FromStr for Entity {
    type Err = UnknownEntity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.name() == text)
            .ok_or_else(|| UnknownEntity(text.to_owned()))
    }
}

/// The natural key of one entity, in its canonical form: the identity of everything in the ledger.
///
/// | entity | `id` |
/// |---|---|
/// | stock | `<warehouse id>/<SKU reference>` |
/// | price, sku | `<SKU reference>` |
/// | product | `<product reference>` |
/// | brand, category, customer, consent | the code of Live |
/// | order | VTEX's order id |
///
/// A warehouse id never contains `/` (refused by the configuration), so the first one separates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    pub entity: Entity,
    pub id: CompactString,
}

impl Key {
    /// The stock of `sku` in `warehouse`.
    pub fn stock(warehouse: &str, sku: &str) -> Self {
        debug_assert!(!warehouse.contains('/'), "the configuration refuses such a warehouse");
        Self { entity: Entity::Stock, id: format_compact!("{warehouse}/{sku}") }
    }

    /// The prices of `sku`.
    pub fn price(sku: &str) -> Self {
        Self { entity: Entity::Price, id: CompactString::new(sku) }
    }

    /// What Live did about VTEX's order `id`. A pedido that was split off another one names it `id#2`, `id#3` …: all of them
    /// are one order in VTEX.
    pub fn order(id: &str) -> Self {
        let id = id.split_once('#').map_or(id, |(order, _)| order);
        Self { entity: Entity::Order, id: CompactString::new(id) }
    }

    /// The SKU (VTEX `RefId`) that this key is about.
    pub fn sku(&self) -> Option<&str> {
        match self.entity {
            Entity::Stock => self.id.split_once('/').map(|(_, sku)| sku),
            Entity::Price | Entity::Sku => Some(&self.id),
            _ => None,
        }
    }

    /// The warehouse of a stock key.
    pub fn warehouse(&self) -> Option<&str> {
        match self.entity {
            Entity::Stock => self.id.split_once('/').map(|(warehouse, _)| warehouse),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entity, self.id)
    }
}

/// VTEX's own name of something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RemoteId {
    /// Of the catalog.
    Number(u32),
    /// Of Master Data, lower case.
    Document(CompactString),
    /// Of the job that erases this customer.
    Erasure(CompactString),
    /// Of the request that changes the items of this order.
    Change(CompactString),
}

impl RemoteId {
    pub const fn number(&self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Document(_) | Self::Erasure(_) | Self::Change(_) => None,
        }
    }
}

/// VTEX's own number of a SKU (int32, never 0; VTEX Catalog API).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SkuId(pub u32);

impl fmt::Display for SkuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
