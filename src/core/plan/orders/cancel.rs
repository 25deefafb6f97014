//! Cancelling, and requests to cancel.

use super::{Next, PASSING, Plan, SELDOM, read, tasks};
use crate::core::call::orders::{OrderAct, Reason};
use crate::core::value::order::{Decision, Order};

/// What VTEX shows the customer where Live gives no reason.
const NO_REASON: &str = "Cancelado pela loja";
const DENIED: &str = "O pedido já está em atendimento";

impl Plan<'_> {
    /// VTEX has cancelled the order, whoever asked it to.
    pub(super) fn canceled_in_vtex(&self, task: &'static str) -> Next {
        if self.is_invoiced_in_live() {
            return Next::GiveUp(task);
        }
        if self.is_all_cancelled() && self.has_sellers() {
            return Next::GiveUp(tasks::SELLER_PAYMENT);
        }
        // A pedido that is still open is cancelled by what VTEX tells Live.
        Next::Done
    }

    /// Live has cancelled every pedido of the order, or accepts that it is cancelled.
    pub(super) fn cancel(&self) -> Next {
        if self.order.sales().next().is_some() || self.order.status.phase() == super::Phase::Invoiced {
            return Next::GiveUp(tasks::CANCEL_INVOICED);
        }
        if self.held.cancelled {
            // A seller's part may be asked first.
            return if self.held.fresh { Next::Later(PASSING) } else { read(self.situation) };
        }
        self.tell_afresh(OrderAct::Cancel { reason: reason(self.wanted, NO_REASON) })
    }

    /// The customer, or the shop, has asked to cancel the order.
    pub(super) fn asked_to_cancel(&self) -> Next {
        let live: Vec<_> = self.wanted.live_parts().collect();
        let accepted = live.iter().all(|part| part.decision == Some(Decision::Accept));
        if accepted && !self.is_invoiced_in_live() {
            return self.cancel();
        }
        if live.iter().any(|part| part.decision == Some(Decision::Deny)) {
            return self.deny();
        }
        if self.is_invoiced_in_live() {
            return Next::GiveUp(tasks::UNDECIDED);
        }
        Next::Later(SELDOM)
    }

    /// Somebody in Live has decided that the order goes on.
    pub(super) fn deny(&self) -> Next {
        match self.order.open_cancellation() {
            _ if self.held.denied && !self.held.fresh => read(self.situation),
            _ if self.held.denied => Next::Later(PASSING),
            Some(request) => self.tell(OrderAct::DenyCancellation {
                request: request.id.clone(),
                reason: reason(self.wanted, DENIED),
            }),
            None => Next::GiveUp(tasks::UNKNOWN_REQUEST),
        }
    }

    /// What must be settled before anything of an order is invoiced; none: nobody wants it cancelled.
    pub(super) fn open_request(&self) -> Option<Next> {
        self.order.open_cancellation()?;
        let denied = self.wanted.live_parts().any(|part| part.decision == Some(Decision::Deny));
        Some(if denied { self.deny() } else { Next::GiveUp(tasks::UNDECIDED) })
    }
}

/// What staff wrote, each once.
pub(super) fn reason(wanted: &Order, otherwise: &str) -> Reason {
    let mut reasons: Vec<&str> = Vec::new();
    for part in &wanted.parts {
        let reason = part.reason.as_deref().unwrap_or_default().trim();
        if !reason.is_empty() && !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    Reason(if reasons.is_empty() { otherwise.to_owned() } else { reasons.join("; ") })
}
