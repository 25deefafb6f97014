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
}

impl Entity {
    pub const ALL: [Self; 2] = [Self::Stock, Self::Price];

    /// The name in the configuration, the metrics and the commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Price => "price",
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
#[error("'{0}' is not an entity (expected stock or price)")]
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
/// | price | `<SKU reference>` |
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

    /// The SKU reference (VTEX `RefId`) that must exist in VTEX before this key can be sent.
    pub fn sku(&self) -> &str {
        match self.entity {
            Entity::Stock => self.id.split_once('/').map_or("", |(_, sku)| sku),
            Entity::Price => &self.id,
        }
    }

    /// The warehouse of a stock key.
    pub fn warehouse(&self) -> Option<&str> {
        match self.entity {
            Entity::Stock => self.id.split_once('/').map(|(warehouse, _)| warehouse),
            Entity::Price => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entity, self.id)
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
