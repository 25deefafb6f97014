//! `[tuning.orders]`

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `[tuning.orders]`: how VTEX is told about orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderRules {
    /// Writes the steps that VTEX has no status for (picking, packing …) into the history of the order, the newest one
    /// only. Default: no.
    pub notes: bool,
    /// A fiscal document that was cancelled after VTEX had it becomes a return invoice, with which VTEX **pays the customer
    /// back at once**. Default: no, it becomes somebody's task.
    pub refund: bool,
    /// Where fewer units were picked than ordered, they are taken out of VTEX's order before it is invoiced (order
    /// modifications have to be switched on in VTEX). Default: yes. Where VTEX refuses, the order is invoiced in part, and
    /// the rest becomes somebody's task.
    pub change_items: bool,
    /// Fiscal documents of a pedido that do not add up to VTEX's value are sent as they come. Default: no, they wait for each
    /// other, since VTEX can neither correct nor take back an invoice.
    pub partial_invoices: bool,
    /// How long an order may hang, in minutes, before it becomes somebody's task: invoiced in Live without a fiscal document,
    /// documents that do not add up, a status of VTEX that does not move. Default: 15.
    pub patience_minutes: u32,
}

impl Default for OrderRules {
    fn default() -> Self {
        Self {
            notes: false,
            refund: false,
            change_items: true,
            partial_invoices: false,
            patience_minutes: 15,
        }
    }
}

impl OrderRules {
    pub(super) const fn patience(&self) -> Duration {
        Duration::from_secs(60 * self.patience_minutes as u64)
    }
}
