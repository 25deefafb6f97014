//! Orders: from what Live wants and what VTEX shows to the next request.

use serde::{Deserialize, Serialize};

use super::{Next, Situation};
use crate::core::call::Answer;
use crate::core::call::orders::OrderCall;
use crate::core::order::RemoteOrder;
use crate::core::value::order::Order;

/// `[tuning.orders]`: how orders are told about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderRules {}

/// An order as this job knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderHeld {
    pub(super) order: RemoteOrder,
}

impl OrderHeld {
    pub(super) const fn read(order: RemoteOrder) -> Self {
        Self { order }
    }

    pub(super) fn after(self, _call: &OrderCall, _answer: &Answer) -> Self {
        self
    }
}

pub(super) fn next(_situation: &Situation<'_>, _wanted: &Order) -> Next {
    Next::Done
}
