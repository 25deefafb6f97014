//! What Live wants VTEX's catalog to hold.
//!
//! A field that is `None` is one that Live does not have: VTEX keeps what it has.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::money::{Decimal4, Money};

/// A brand (marca).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand {
    pub name: String,
}

/// A category (a level of the classifier).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// At most 150 characters.
    pub name: String,
    /// Its parent, by the id of that key; none: a department.
    pub parent: Option<CompactString>,
}

/// A product, without its SKUs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// At most 150 characters.
    pub name: String,
    /// The address of its page. Given when the product is created, and never changed.
    pub link: String,
    pub title: Option<String>,
    pub short_description: Option<String>,
    /// HTML.
    pub description: Option<String>,
    pub keywords: Option<String>,
    pub meta_description: Option<String>,
    /// By the id of its key.
    pub brand: CompactString,
    /// By the id of its key.
    pub category: CompactString,
    /// Whether the shop shows it.
    pub shown: bool,
    /// Higher comes first in lists.
    pub score: Option<i32>,
    /// `YYYY-MM-DD`.
    pub release_date: Option<CompactString>,
    pub tax_code: Option<CompactString>,
    /// Sorted by name.
    pub specifications: Vec<Specification>,
    /// Trade policies that offer it. Empty: the site does not assign them, and VTEX's own rule holds (all of them).
    pub trade_policies: Vec<u32>,
}

/// A named property with its values; of a SKU exactly one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Specification {
    /// At most 100 characters.
    pub name: String,
    /// The group in which VTEX shows it.
    pub group: String,
    pub values: Vec<String>,
}

/// A SKU (one colour and size of a product).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sku {
    /// Its product's reference.
    pub product: CompactString,
    /// At most 200 characters.
    pub name: String,
    /// Whether it may be sold: VTEX activates it as soon as its conditions hold.
    pub active: bool,
    /// The main one first.
    pub eans: Vec<CompactString>,
    pub package: Package,
    /// VTEX's unit of measure (`un`, `kg`, `m` …).
    pub unit: CompactString,
    /// How much of the unit one item is.
    pub multiplier: Decimal4,
    /// Sorted by name.
    pub specifications: Vec<Specification>,
    /// In the order in which they are shown, the main one first.
    pub images: Vec<Image>,
    /// Of a kit: what it is made of.
    pub components: Vec<Component>,
}

/// The packed SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Centimetres.
    pub height: Decimal4,
    pub width: Decimal4,
    pub length: Decimal4,
    /// VTEX's `PackagedWeightKg` is in grams, in spite of its name.
    pub grams: u32,
}

/// An image of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Names it among the SKU's images, and tells that it is ours. No two of a SKU share one.
    pub name: CompactString,
    /// Where VTEX fetches it.
    pub url: String,
    pub label: Option<String>,
}

/// A part of a kit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Component {
    /// Reference of the SKU.
    pub sku: CompactString,
    pub quantity: u32,
    /// Of one unit within the kit. None: Live has none.
    pub unit_price: Option<Money>,
}
