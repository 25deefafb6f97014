//! What Live wants VTEX to hold for a key.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::entity::{Entity, Key};
use super::money::Money;
use super::time::Timestamp;

pub mod catalog;
pub mod order;
pub mod person;

use catalog::{Brand, Category, Product, Sku};
use order::Order;
use person::{Consent, Customer};

/// The wanted, or the confirmed, state of one key. Small enough to be stored whole: the planner needs
/// the confirmed one to know what changed and the operator to see what VTEX holds.
///
/// The order of the variants is stored in the ledger: append only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    Stock(Stock),
    Price(Box<Price>),
    Brand(Box<Brand>),
    Category(Box<Category>),
    Product(Box<Product>),
    Sku(Box<Sku>),
    Customer(Box<Customer>),
    Consent(Box<Consent>),
    /// Of a customer: nothing may be known any more (anonymised in Live).
    Erased,
    /// Of a customer: Live has the row no more. VTEX keeps what it has; we keep nothing, and send nothing more but what
    /// was taken back before and may not have arrived.
    Released(Option<Box<Consent>>),
    Order(Box<Order>),
}

impl Value {
    /// Whether nothing is left of the person with us once this is confirmed.
    pub const fn leaves_no_trace(&self) -> bool {
        matches!(self, Self::Erased | Self::Released(_))
    }

    /// What is kept once VTEX has confirmed it.
    #[must_use]
    pub(crate) fn at_rest(self) -> Self {
        if let Self::Released(_) = self { Self::Released(None) } else { self }
    }

    /// The keys that VTEX must know before this value can be sent.
    pub fn parents(&self) -> Vec<Key> {
        let key = |entity, id: &CompactString| Key { entity, id: id.clone() };
        match self {
            Self::Category(category) => {
                category.parent.iter().map(|parent| key(Entity::Category, parent)).collect()
            }
            Self::Product(product) => {
                vec![key(Entity::Brand, &product.brand), key(Entity::Category, &product.category)]
            }
            Self::Sku(sku) => {
                let parts = sku.components.iter().map(|part| key(Entity::Sku, &part.sku));
                std::iter::once(key(Entity::Product, &sku.product)).chain(parts).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether it is a price that somebody can buy at; `None`: it is no price.
    pub fn is_priced(&self) -> Option<bool> {
        match self {
            Self::Price(price) => Some(price.is_priced()),
            _ => None,
        }
    }

    /// Of an order: by stock key, the units that Live has reserved for it.
    pub(super) fn reserved_stock(&self) -> Vec<(Key, u32)> {
        match self {
            Self::Order(order) => order.reserved_stock(),
            _ => Vec::new(),
        }
    }

    /// For people's eyes: without personal data.
    pub fn masked(&self) -> Self {
        const STARS: CompactString = CompactString::const_new("***");
        match self {
            Self::Customer(_) => Self::Erased,
            Self::Released(_) => Self::Released(None),
            Self::Consent(consent) => {
                Self::Consent(Box::new(Consent { email: STARS, ..consent.as_ref().clone() }))
            }
            Self::Order(order) => Self::Order(Box::new(order.masked())),
            other => other.clone(),
        }
    }
}

/// Total quantity of a SKU in a warehouse, as VTEX's inventory takes it: an absolute number, from which
/// VTEX itself subtracts its reservations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Units that Live has to sell, 0 to 2,147,483,647 (VTEX: int32).
    pub quantity: u32,
    /// Units of our orders that Live has subtracted and VTEX subtracts, too, until it hears that they are in Live.
    pub reserved: u32,
}

impl Stock {
    /// So many units, and none that are subtracted twice.
    pub const fn of(quantity: u32) -> Self {
        Self { quantity, reserved: 0 }
    }

    /// The quantity that VTEX is told.
    pub const fn told(self) -> u32 {
        let told = self.quantity.saturating_add(self.reserved);
        if told > i32::MAX as u32 { i32::MAX as u32 } else { told }
    }
}

/// Every price that Live holds for a SKU. An absent price is one that Live does not have: it is never
/// replaced by a default, and never deleted in VTEX unless the configuration says so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Price {
    pub base: Option<Money>,
    pub list: Option<Money>,
    pub cost: Option<Money>,
    /// Sorted by trade policy, minimum quantity and beginning, without duplicates.
    pub fixed: Vec<FixedPrice>,
}

impl Price {
    /// Whether anybody can buy at it.
    pub const fn is_priced(&self) -> bool {
        self.base.is_some() || !self.fixed.is_empty()
    }
}

/// A price of one trade policy (or price table), from a minimum quantity on, for a time or for good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FixedPrice {
    /// VTEX `tradePolicyId`: a trade policy's number or a price table's name.
    pub trade_policy: CompactString,
    pub min_quantity: u32,
    /// From and to; `None` is valid always.
    pub valid: Option<(Timestamp, Timestamp)>,
    pub value: Money,
    pub list: Option<Money>,
}

impl FixedPrice {
    /// What VTEX tells fixed prices of one SKU apart by (Pricing API, `PATCH …/fixed`).
    pub fn identity(&self) -> (&str, u32, Option<(Timestamp, Timestamp)>) {
        (&self.trade_policy, self.min_quantity, self.valid)
    }
}
