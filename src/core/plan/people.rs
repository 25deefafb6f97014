//! Customers and consents: from what Live wants to the next request.

use super::{Next, Situation};
use crate::core::call::Answer;
use crate::core::call::people::PeopleCall;
use crate::core::value::Value;

/// What VTEX holds of one person, as far as this job knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleHeld {}

impl PeopleHeld {
    /// What `value` says, when it can be relied upon.
    pub(super) fn confirmed(_value: &Value) -> Self {
        Self::default()
    }

    /// After VTEX accepted `call` with `answer`.
    pub(super) fn after(self, _call: &PeopleCall, _answer: &Answer) -> Self {
        self
    }
}

pub(super) fn next(_situation: &Situation<'_>) -> Next {
    Next::Done
}
