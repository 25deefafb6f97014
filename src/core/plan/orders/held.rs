//! What a job knows of an order.

use crate::core::call::Answer;
use crate::core::call::orders::{InvoiceDocument, OrderAct, OrderAnswer, OrderCall};
use crate::core::order::{Package, RemoteOrder, RemoteStatus, Tracking};

/// An order as this job knows it: what was read, and what was told since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderHeld {
    pub(super) order: RemoteOrder,
    /// Nothing was told since it was read.
    pub(super) fresh: bool,
    /// Told in this job, which VTEX need not show at once.
    pub(super) handled: bool,
    pub(super) cancelled: bool,
    pub(super) denied: bool,
    pub(super) noted: bool,
    /// VTEX does not change the items of this order.
    pub(super) change_refused: bool,
}

impl OrderHeld {
    pub(in crate::core::plan) const fn read(order: RemoteOrder) -> Self {
        Self {
            order,
            fresh: true,
            handled: false,
            cancelled: false,
            denied: false,
            noted: false,
            change_refused: false,
        }
    }

    pub(in crate::core::plan) fn after(mut self, call: &OrderCall, answer: &Answer) -> Self {
        if let (OrderAct::Read, Answer::Order(OrderAnswer::Order(order))) = (&call.act, answer) {
            return Self { order: order.as_ref().clone(), fresh: true, ..self };
        }
        self.fresh = false;
        match &call.act {
            OrderAct::Read => {}
            OrderAct::StartHandling => {
                self.handled = true;
                self.order.status = RemoteStatus::Handling;
            }
            OrderAct::Note { .. } => self.noted = true,
            OrderAct::Invoice(document) => self.order.packages.push(package(document)),
            OrderAct::Tracking { invoice, tracking, .. } => {
                self.package(invoice, |package| package.tracking = tracking.clone());
            }
            OrderAct::Delivered { invoice, .. } => self.package(invoice, |package| package.delivered = true),
            OrderAct::Cancel { .. } => self.cancelled = true,
            OrderAct::DenyCancellation { .. } => self.denied = true,
            OrderAct::Change { .. } => {
                self.change_refused = *answer == Answer::Order(OrderAnswer::ChangeRefused);
                // Nothing was changed: what was read still holds.
                self.fresh = self.change_refused;
            }
        }
        self
    }

    fn package(&mut self, number: &str, change: impl FnOnce(&mut Package)) {
        if let Some(package) = self.order.packages.iter_mut().find(|package| package.number == number) {
            change(package);
        }
    }
}

fn package(document: &InvoiceDocument) -> Package {
    Package {
        number: document.number.clone(),
        direction: document.direction,
        value: document.value,
        key: document.key.clone(),
        tracking: Tracking::default(),
        delivered: false,
    }
}
