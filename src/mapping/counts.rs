//! What the mapping did with rows that it could not take as they were. Nothing happens silently.

use std::collections::BTreeMap;

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
    /// A price of the base table for several units, and no trade policy to put it in.
    NoPolicyForQuantity,
    /// The sales factor is not above zero.
    BadFactor,
}

impl Reason {
    const ALL: [Self; 15] = [
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
        Self::BadFactor,
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
            Self::BadFactor => "refused/bad-factor",
        }
    }
}

/// Totals since the start.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts([u64; Reason::ALL.len()]);

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
