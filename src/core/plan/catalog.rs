//! Brands, categories, products and SKUs: from what Live wants to the next request.

use super::{Next, Situation};
use crate::core::call::Answer;
use crate::core::call::catalog::CatalogCall;
use crate::core::value::Value;

/// What VTEX's catalog holds of one thing, as far as this job knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogHeld {}

impl CatalogHeld {
    /// What `value` says, when it can be relied upon.
    pub(super) fn confirmed(_value: &Value) -> Self {
        Self::default()
    }

    /// After VTEX accepted `call` with `answer`.
    pub(super) fn after(self, _call: &CatalogCall, _answer: &Answer) -> Self {
        self
    }
}

pub(super) fn next(_situation: &Situation<'_>) -> Next {
    Next::Done
}
