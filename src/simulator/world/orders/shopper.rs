//! What shoppers and the shop's people do to an order after it was placed.

use serde_json::Value;

use super::super::{World, WorldError};
use super::cancellation::Who;
use super::status::OrderStatus;
use super::{Desk, place};

impl World {
    /// A shopper cancels. Within the window it happens at once; later the seller is asked. Gives the status afterwards.
    ///
    /// # Errors
    /// No such order, or one that cannot be cancelled any more.
    pub fn shopper_cancels(&self, order_id: &str, reason: &str) -> Result<OrderStatus, WorldError> {
        use OrderStatus as S;
        let mut desk = self.orders();
        let place = desk.wanted(order_id)?;
        let order = desk.order(place);
        match order.status {
            Some(
                S::OrderCreated
                | S::OnOrderCompleted
                | S::PaymentPending
                | S::ApprovePayment
                | S::PaymentApproved
                | S::AuthorizeFulfillment
                | S::WindowToCancel,
            ) => desk.cancel_now(place, Some(reason.to_owned()), Who::Shopper, desk.now),
            Some(S::ReadyForHandling | S::Handling | S::WaitingForFulfillment | S::ReadyForInvoicing)
                if order.invoices.is_empty() =>
            {
                desk.request_cancellation(place, reason.to_owned());
            }
            _ => return Err(desk.unfit(place, "be cancelled by the shopper")),
        }
        desk.settle();
        desk.order(place).status.ok_or_else(|| desk.unfit(place, "be cancelled by the shopper"))
    }

    /// A shopper edits an order: it becomes `replaced`, and a new one of the same group takes its place. `edit` holds
    /// the fields of a new order that are other ones than before, for example its items. Gives the new order's id.
    ///
    /// # Errors
    /// No such order, one that is invoiced or over, and as [`World::place_order`].
    pub fn shopper_edits(&self, order_id: &str, edit: Value) -> Result<String, WorldError> {
        let mut desk = self.orders();
        let old = desk.wanted(order_id)?;
        let order = desk.order(old);
        let editable = order.status.is_some_and(|status| !status.is_final() && status != OrderStatus::Cancel);
        if !editable || !order.invoices.is_empty() {
            return Err(desk.unfit(old, "be edited"));
        }
        // The old order's stock is free for the new one; if that fails nothing has happened.
        let new = place::replacing(&mut desk, old, edit)?;
        desk.settle();
        Ok(desk.order(new).id.clone())
    }

    /// The payment of an unpaid order is received (Pix, boleto).
    ///
    /// # Errors
    /// No such order, or one that does not wait for a payment.
    pub fn pay_order(&self, order_id: &str) -> Result<(), WorldError> {
        let mut desk = self.orders();
        let place = desk.wanted(order_id)?;
        if desk.pay(place) { Ok(()) } else { Err(desk.unfit(place, "be paid")) }
    }

    /// An incomplete order is completed.
    ///
    /// # Errors
    /// No such order, or one that is complete.
    pub fn complete_order(&self, order_id: &str) -> Result<(), WorldError> {
        let mut desk = self.orders();
        let place = desk.wanted(order_id)?;
        if desk.order(place).is_complete() {
            return Err(desk.unfit(place, "be completed"));
        }
        desk.pass(place, OrderStatus::OrderCreated, desk.now);
        desk.settle();
        Ok(())
    }

    /// The order's workflow fails (`workflowIsInError`) and stops, or goes on.
    ///
    /// # Errors
    /// No such order.
    pub fn set_workflow_error(&self, order_id: &str, in_error: bool) -> Result<(), WorldError> {
        let mut desk = self.orders();
        let place = desk.wanted(order_id)?;
        desk.book.orders[place].in_error = in_error;
        if !in_error {
            let now = desk.now;
            desk.set_following(place, now);
            desk.settle();
        }
        Ok(())
    }

    /// Puts an order into a state, whatever it was in: for flows that no call here leads to.
    ///
    /// # Errors
    /// No such order.
    pub fn force_order_status(&self, order_id: &str, status: OrderStatus) -> Result<(), WorldError> {
        let mut desk = self.orders();
        let place = desk.wanted(order_id)?;
        desk.pass(place, status, desk.now);
        desk.settle();
        Ok(())
    }
}

impl Desk<'_> {
    pub(super) fn wanted(&self, order_id: &str) -> Result<usize, WorldError> {
        let unknown = || WorldError::Order(format!("{order_id} does not exist"));
        self.find(order_id).ok_or_else(unknown)
    }

    fn unfit(&self, place: usize, what: &str) -> WorldError {
        let order = self.order(place);
        let status = order.status.map_or("incomplete", OrderStatus::name);
        WorldError::Order(format!("{} is {status} and cannot {what}", order.id))
    }
}
