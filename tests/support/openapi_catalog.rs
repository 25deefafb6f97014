//! Where VTEX's Catalog API file is known to be wrong: one entry each, with the reason.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

use super::fits;

/// Values of answers that the file types as something else than VTEX sends.
const EXCUSED_VALUES: [(&str, &str, &str); 4] = [
    (
        "GET /api/catalog_system/pvt/products/productgetbyrefid/{refId}",
        "",
        "null for a RefId that VTEX does not find (its known issue 826702)",
    ),
    (
        "GET /api/catalog_system/pvt/products/GetProductAndSkuIds",
        "/data",
        "typed with one property `Product ID`; it is a map of product ids",
    ),
    (
        "GET /api/catalog_system/pub/category/tree/{categoryLevels}",
        "/*/children/*/children/*",
        "the third level is typed as text; it is categories like the levels above",
    ),
    ("GET /api/catalog/pvt/stockkeepingunitkit", "", "typed as one component; a kit has several"),
];

/// Properties that the file requires of a request and VTEX does not.
const EXCUSED_MISSING: [(&str, &str, &str); 1] =
    [("POST /api/catalog/pvt/brand", "Id", "without it VTEX numbers the brand")];

pub(super) fn excuses_value(operation: &str, pointer: &str) -> bool {
    EXCUSED_VALUES.iter().any(|(name, at, _)| *name == operation && fits(at, pointer))
}

pub(super) fn excuses_missing(operation: &str, error: &ValidationError<'_>) -> bool {
    let ValidationErrorKind::Required { property } = error.kind() else { return false };
    EXCUSED_MISSING.iter().any(|(name, known, _)| *name == operation && property == known)
}
