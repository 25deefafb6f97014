//! Brands, categories, products and SKUs (VTEX Catalog API).

mod answer;
mod found;
mod lookup;
mod request;

pub(super) use answer::answer;
pub(super) use lookup::{LOOKUP_PATH, TRADE_POLICIES_PATH, lookup_body, skus};
pub(super) use request::request;

#[cfg(test)]
mod tests;
