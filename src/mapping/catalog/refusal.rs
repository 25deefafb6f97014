//! Why something of the catalog cannot be sent.

use crate::mapping::counts::Reason;

use super::config::LEVELS;
use super::limits;

/// What is wrong, and what to do. Nothing is ever put in its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    #[error("no name: fill in titulo_ecommerce or descricao of the product")]
    NoName,
    #[error("no brand: give the product a marca with code and name, or set mapping.catalog.default_brand")]
    NoBrand,
    #[error("brand {0} is not known (yet): it is looked at again when it comes")]
    UnknownBrand(String),
    #[error("no classifier: give the product one")]
    NoCategory,
    #[error("classifier {0} is not known (yet): it is looked at again when it comes")]
    UnknownCategory(String),
    #[error("classifier \"{0}\" has no code or no name: fill them in")]
    UnnamedCategory(String),
    #[error(
        "the product's classifier has more than {LEVELS} levels: look for one that stands above itself (id_pai)"
    )]
    EndlessCategory,
    #[error("classifier {code} says level {level} and stands on level {expected}: correct nivel or id_pai")]
    CategoryGap { code: String, level: i64, expected: i64 },
    #[error(
        "two {what} have the code \"{code}\": give each its own (of classificadores that count from 1 on each level: mapping.catalog.category_key = \"path\")"
    )]
    SharedCode { what: &'static str, code: String },
    #[error("{what}: write 1 to {max} characters, none of them a control character")]
    Reference { what: &'static str, max: usize },
    #[error(
        "no dimensions: fill in height, width, length and gross weight of the SKU or the product, or set mapping.catalog.default_package"
    )]
    NoDimensions,
    #[error("sold in fractions of \"{0}\", which VTEX has no unit for: add it to mapping.catalog.units")]
    UnknownUnit(String),
    #[error("its {0} is not known (yet), or has no name or code")]
    UnknownVariation(&'static str),
    #[error("VTEX takes {} SKUs per product, and this is one more: group by colour", limits::SKUS)]
    TooManySkus,
    #[error("a kit, and kits are off (mapping.catalog.kits)")]
    Kit,
    #[error("a kit {0}")]
    BadKit(&'static str),
    #[error("fator_embalagem is not above zero, and the product is sold in fractions")]
    BadFactor,
}

impl Refusal {
    /// What it is counted as.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::NoName => Reason::NoName,
            Self::NoBrand | Self::UnknownBrand(_) => Reason::NoBrand,
            Self::NoCategory => Reason::NoCategory,
            Self::UnknownCategory(_)
            | Self::UnnamedCategory(_)
            | Self::EndlessCategory
            | Self::CategoryGap { .. } => Reason::BadCategoryTree,
            Self::SharedCode { .. } => Reason::SharedCode,
            Self::Reference { .. } => Reason::BadReference,
            Self::NoDimensions => Reason::NoDimensions,
            Self::UnknownUnit(_) => Reason::UnknownUnit,
            Self::UnknownVariation(_) => Reason::UnknownVariation,
            Self::TooManySkus => Reason::TooManySkus,
            Self::Kit => Reason::Kit,
            Self::BadKit(_) => Reason::BadKit,
            Self::BadFactor => Reason::BadFactor,
        }
    }
}
