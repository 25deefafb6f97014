//! Whose the fields of the catalog are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::core::money::Money;

/// Whose the fields of the catalog are once a thing exists in VTEX.
///
/// A field that is listed is Live's: a change in Live overwrites what VTEX has. One that is not is set when we
/// create the thing, and is the merchant's from then on. Default: every field is Live's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogRules {
    pub brand: BTreeSet<BrandField>,
    pub category: BTreeSet<CategoryField>,
    pub product: BTreeSet<ProductField>,
    pub sku: BTreeSet<SkuField>,
    /// Price in centavos of one component within a kit, which VTEX requires and Live does not have. It counts
    /// until the kit has a price of its own. Default: none, and a kit is refused.
    pub kit_component_price: Option<Money>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrandField {
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategoryField {
    Name,
    Parent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductField {
    Name,
    Title,
    ShortDescription,
    Description,
    Keywords,
    MetaDescription,
    Brand,
    Category,
    Shown,
    Score,
    ReleaseDate,
    TaxCode,
    Specifications,
    TradePolicies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkuField {
    Product,
    Name,
    Active,
    Package,
    /// Unit of measure and multiplier.
    Unit,
    Eans,
    Specifications,
    Images,
    Components,
}

impl BrandField {
    pub const ALL: [Self; 1] = [Self::Name];
}

impl CategoryField {
    pub const ALL: [Self; 2] = [Self::Name, Self::Parent];
}

impl ProductField {
    pub const ALL: [Self; 14] = [
        Self::Name,
        Self::Title,
        Self::ShortDescription,
        Self::Description,
        Self::Keywords,
        Self::MetaDescription,
        Self::Brand,
        Self::Category,
        Self::Shown,
        Self::Score,
        Self::ReleaseDate,
        Self::TaxCode,
        Self::Specifications,
        Self::TradePolicies,
    ];
}

impl SkuField {
    pub const ALL: [Self; 9] = [
        Self::Product,
        Self::Name,
        Self::Active,
        Self::Package,
        Self::Unit,
        Self::Eans,
        Self::Specifications,
        Self::Images,
        Self::Components,
    ];
}

impl Default for CatalogRules {
    fn default() -> Self {
        Self {
            brand: BTreeSet::from(BrandField::ALL),
            category: BTreeSet::from(CategoryField::ALL),
            product: BTreeSet::from(ProductField::ALL),
            sku: BTreeSet::from(SkuField::ALL),
            kit_component_price: None,
        }
    }
}
