//! What the mapping did with rows that it could not take as they were. Nothing happens silently.

use std::collections::BTreeMap;

use super::people::PeopleReason;

/// Why a row was skipped, adjusted or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// Its store or deposit feeds no warehouse.
    NotMapped,
    /// "Integra Ecommerce" is off.
    NotIntegrated,
    /// Its SKU or product is not known (yet); it is read again when that comes.
    UnknownSku,
    OtherTenant,
    /// Another SKU has the same reference.
    DuplicateReference,
    /// Its price table is not mapped or not in use.
    PriceTableNotMapped,
    /// Below zero: sent as 0.
    Negative,
    /// Not a whole number of sales units: rounded down.
    Fractional,
    /// Above 2,147,483,647: sent as that.
    TooLarge,
    /// More than two decimals: rounded half up to centavos.
    Rounded,
    /// A column is no value of its kind.
    BadValue,
    PriceNotPositive,
    /// The promotional price is not below the price: only the price is sent.
    PromotionNotBelow,
    /// A price for several units, and no trade policy to put it in.
    NoPolicyForQuantity,
    /// A promotional price of the base table, and no trade policy to put it in.
    NoPolicyForPromotion,
    /// No base price is in force: VTEX keeps the one that it has, if it has one.
    NoBasePrice,
    /// The sales factor is not above zero.
    BadFactor,
    /// A product has no name.
    NoName,
    /// A product has no brand, and no default is configured.
    NoBrand,
    /// A product has no classifier.
    NoCategory,
    /// The classifiers above a product's have a gap, a cycle, or no name.
    BadCategoryTree,
    /// Two brands or classifiers have the same code.
    SharedCode,
    /// A reference is empty or longer than VTEX takes.
    BadReference,
    /// No package size or weight, and no default is configured.
    NoDimensions,
    /// Sold in fractions of a unit that VTEX does not have.
    UnknownUnit,
    /// Its colour or size is not known (yet), or has no name.
    UnknownVariation,
    /// More SKUs than VTEX takes for one product.
    TooManySkus,
    /// A kit, and kits are off.
    Kit,
    /// A kit without parts, or with a part that is none.
    BadKit,
    /// The configured brand stands in.
    DefaultBrand,
    /// The configured package stands in.
    DefaultPackage,
    /// Longer than VTEX takes: cut after a word.
    TextCut,
    /// Control characters or invalid text were taken out.
    BadText,
    /// No GTIN: wrong length, or wrong check digit.
    BadBarcode,
    /// Another one of the product says the same.
    DuplicateBarcode,
    /// No address that VTEX fetches images from.
    BadImage,
    /// The template for images needs what the SKU does not have.
    NoImageValue,
    /// Not among the specifications that are sent.
    SpecificationNotListed,
    /// Another specification has its name.
    SpecificationConflict,
    /// A date outside of the calendar.
    BadDate,
    /// NCM without eight digits.
    BadTaxCode,
}

impl Reason {
    const ALL: [Self; 41] = [
        Self::NotMapped,
        Self::NotIntegrated,
        Self::UnknownSku,
        Self::OtherTenant,
        Self::DuplicateReference,
        Self::PriceTableNotMapped,
        Self::Negative,
        Self::Fractional,
        Self::TooLarge,
        Self::Rounded,
        Self::BadValue,
        Self::PriceNotPositive,
        Self::PromotionNotBelow,
        Self::NoPolicyForQuantity,
        Self::NoPolicyForPromotion,
        Self::NoBasePrice,
        Self::BadFactor,
        Self::NoName,
        Self::NoBrand,
        Self::NoCategory,
        Self::BadCategoryTree,
        Self::SharedCode,
        Self::BadReference,
        Self::NoDimensions,
        Self::UnknownUnit,
        Self::UnknownVariation,
        Self::TooManySkus,
        Self::Kit,
        Self::BadKit,
        Self::DefaultBrand,
        Self::DefaultPackage,
        Self::TextCut,
        Self::BadText,
        Self::BadBarcode,
        Self::DuplicateBarcode,
        Self::BadImage,
        Self::NoImageValue,
        Self::SpecificationNotListed,
        Self::SpecificationConflict,
        Self::BadDate,
        Self::BadTaxCode,
    ];

    /// `outcome/reason`, the labels of the metric.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotMapped => "skipped/not-mapped",
            Self::NotIntegrated => "skipped/not-integrated",
            Self::UnknownSku => "skipped/unknown-sku",
            Self::OtherTenant => "skipped/other-tenant",
            Self::DuplicateReference => "refused/duplicate-reference",
            Self::PriceTableNotMapped => "skipped/price-table-not-mapped",
            Self::Negative => "adjusted/negative",
            Self::Fractional => "adjusted/fractional",
            Self::TooLarge => "adjusted/too-large",
            Self::Rounded => "adjusted/rounded",
            Self::BadValue => "refused/bad-value",
            Self::PriceNotPositive => "refused/price-not-positive",
            Self::PromotionNotBelow => "refused/promotion-not-below",
            Self::NoPolicyForQuantity => "skipped/no-policy-for-quantity",
            Self::NoPolicyForPromotion => "skipped/no-policy-for-promotion",
            Self::NoBasePrice => "skipped/no-base-price",
            Self::BadFactor => "refused/bad-factor",
            Self::NoName => "refused/no-name",
            Self::NoBrand => "refused/no-brand",
            Self::NoCategory => "refused/no-category",
            Self::BadCategoryTree => "refused/bad-category-tree",
            Self::SharedCode => "refused/shared-code",
            Self::BadReference => "refused/bad-reference",
            Self::NoDimensions => "refused/no-dimensions",
            Self::UnknownUnit => "refused/unknown-unit",
            Self::UnknownVariation => "refused/unknown-variation",
            Self::TooManySkus => "refused/too-many-skus",
            Self::Kit => "skipped/kit",
            Self::BadKit => "refused/bad-kit",
            Self::DefaultBrand => "adjusted/default-brand",
            Self::DefaultPackage => "adjusted/default-package",
            Self::TextCut => "adjusted/text-cut",
            Self::BadText => "adjusted/bad-text",
            Self::BadBarcode => "refused/bad-barcode",
            Self::DuplicateBarcode => "skipped/duplicate-barcode",
            Self::BadImage => "refused/bad-image",
            Self::NoImageValue => "skipped/no-image-value",
            Self::SpecificationNotListed => "skipped/specification-not-listed",
            Self::SpecificationConflict => "skipped/specification-conflict",
            Self::BadDate => "refused/bad-date",
            Self::BadTaxCode => "refused/bad-tax-code",
        }
    }
}

/// Totals since the start.
#[derive(Debug, Clone)]
pub(super) struct Counts([u64; Reason::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Reason::ALL.len()])
    }
}

impl Counts {
    pub(super) fn count(&mut self, reason: Reason) {
        self.0[reason as usize] += 1;
    }

    pub(super) fn named(&self) -> BTreeMap<&'static str, u64> {
        Reason::ALL
            .into_iter()
            .map(|reason| (reason.name(), self.0[reason as usize]))
            .filter(|(_, n)| *n > 0)
            .collect()
    }
}

/// The same of people.
#[derive(Debug, Clone, Default)]
pub(super) struct PeopleCounts(BTreeMap<PeopleReason, u64>);

impl PeopleCounts {
    pub(super) fn count(&mut self, reason: PeopleReason) {
        *self.0.entry(reason).or_default() += 1;
    }

    pub(super) fn named(&self) -> BTreeMap<&'static str, u64> {
        self.0.iter().map(|(reason, n)| (reason.name(), *n)).collect()
    }
}

/// The same of orders.
#[derive(Debug, Clone, Default)]
pub(super) struct OrderCounts(BTreeMap<&'static str, u64>);

impl OrderCounts {
    pub(super) fn count(&mut self, reason: &'static str) {
        *self.0.entry(reason).or_default() += 1;
    }

    pub(super) fn named(&self) -> BTreeMap<&'static str, u64> {
        self.0.clone()
    }
}
