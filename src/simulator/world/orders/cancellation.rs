//! Cancelling: by the shopper, by the ERP, by nobody's answer.

use jiff::Timestamp;

use super::machine::Kind;
use super::options::Cancelling;
use super::order::{Cancellation, CancellationRequest};
use super::status::OrderStatus;
use super::{Desk, after};

/// Why the ERP's cancellation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotCancelled {
    /// It has an invoice, if only a partial one.
    Invoiced,
    /// It is cancelled, replaced or was never made.
    Ended,
    /// It is incomplete.
    Incomplete,
}

/// Who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Shopper,
    Seller,
    Nobody,
}

impl Desk<'_> {
    /// The ERP cancels, or agrees to the shopper's request.
    pub(crate) fn cancel(&mut self, place: usize, reason: Option<String>) -> Result<(), NotCancelled> {
        let order = &self.book.orders[place];
        let status = order.status.ok_or(NotCancelled::Incomplete)?;
        if order.invoices.iter().any(|invoice| invoice.sale) || status == OrderStatus::Invoice {
            return Err(NotCancelled::Invoiced);
        }
        if status.is_final() || status == OrderStatus::Cancel {
            return Err(NotCancelled::Ended);
        }
        let asked = order.open_request().map(|request| request.reason.clone());
        let who = if asked.is_some() { Who::Shopper } else { Who::Seller };
        self.cancel_now(place, asked.or(reason), who, self.now);
        self.settle();
        Ok(())
    }

    pub(super) fn cancel_now(&mut self, place: usize, reason: Option<String>, who: Who, at: Timestamp) {
        let order = &mut self.book.orders[place];
        order.cancellation = Some(Cancellation {
            at,
            reason,
            by_user: who == Who::Shopper,
            by_system: who == Who::Nobody,
            by_seller: who == Who::Seller,
        });
        self.pass(place, OrderStatus::Cancel, at);
    }

    /// The shopper's wish, when it needs the seller's consent.
    pub(super) fn request_cancellation(&mut self, place: usize, reason: String) {
        let (at, id) = (self.now, self.new_uuid());
        let order = &mut self.book.orders[place];
        if let Some(status) = order.status {
            order.resting = status;
        }
        order.requests.push(CancellationRequest { id, at, reason, denied: None });
        let request = order.requests.len() - 1;
        self.pass(place, OrderStatus::RequestCancel, at);
        self.pass(place, OrderStatus::WaitingForSellerDecision, at);
        if self.book.options.cancelling == Cancelling::Requested {
            self.pass(place, OrderStatus::CancellationRequested, at);
        }
        let limit = after(at, self.book.options.decision_limit);
        self.set_timer(place, limit, Kind::Undecided(request));
    }

    /// The seller refuses, and the order goes on where it was. False: no such request waits.
    pub(crate) fn deny(&mut self, place: usize, request: &str, why: String) -> bool {
        let at = self.now;
        let order = &mut self.book.orders[place];
        if order.open_request().is_none_or(|open| open.id != request) {
            return false;
        }
        if let Some(request) = order.requests.last_mut() {
            request.denied = Some((at, why));
        }
        self.pass(place, OrderStatus::CancellationRequestDenied, at);
        self.settle();
        true
    }

    pub(super) fn decide_unanswered(&mut self, place: usize, request: usize, at: Timestamp) {
        let order = &self.book.orders[place];
        let waits = order.open_request().is_some() && order.requests.len() == request + 1;
        if waits {
            let reason = order.requests[request].reason.clone();
            self.cancel_now(place, Some(reason), Who::Nobody, at);
        }
    }
}
