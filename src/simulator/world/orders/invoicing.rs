//! Invoices, their tracking, and returns.

use super::Desk;
use super::order::{Invoice, Order, Tracking, TrackingEvent};
use super::status::OrderStatus;

/// An invoice as the ERP sends it; money in centavos.
#[derive(Clone, Debug)]
pub(crate) struct NewInvoice {
    pub(crate) sale: bool,
    pub(crate) number: String,
    pub(crate) value: i64,
    pub(crate) key: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) xml: Option<String>,
    pub(crate) issued: String,
    pub(crate) courier: Option<String>,
    pub(crate) tracking_number: Option<String>,
    pub(crate) tracking_url: Option<String>,
    /// SKU id, quantity, price of one.
    pub(crate) items: Vec<(String, i64, i64)>,
}

/// Why an invoice is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotInvoiced {
    /// The order takes no invoice in its state.
    State,
    /// All invoices together are above the order's value.
    AboveValue,
    /// An item that is not in the order, or more of it than is.
    Items,
}

impl Desk<'_> {
    /// Adds an invoice. One whose number is there changes nothing and is fine.
    pub(crate) fn invoice(&mut self, place: usize, new: NewInvoice) -> Result<(), NotInvoiced> {
        let order = &self.book.orders[place];
        if order.invoices.iter().any(|invoice| invoice.number == new.number) {
            return Ok(());
        }
        let status = order.status.ok_or(NotInvoiced::State)?;
        let invoiced = status == OrderStatus::Invoiced;
        if !(status.is_handled() || (invoiced && !new.sale)) {
            return Err(NotInvoiced::State);
        }
        let (value, so_far) = (order.value(), order.invoiced_value());
        if new.sale && so_far + new.value > value && !self.book.options.excess_invoices_accepted {
            return Err(NotInvoiced::AboveValue);
        }
        let items = lines(order, &new).ok_or(NotInvoiced::Items)?;
        // Only the return of what is completely invoiced pays back.
        let refund = if !new.sale && invoiced { new.value } else { 0 };
        let complete = new.sale && so_far + new.value >= value;
        let invoice = Invoice {
            sale: new.sale,
            number: new.number,
            value: new.value,
            key: new.key,
            url: new.url,
            xml: new.xml,
            issued: new.issued,
            courier: new.courier,
            tracking_number: new.tracking_number,
            tracking_url: new.tracking_url,
            inferred: new.items.is_empty(),
            items,
            tracking: None,
            refund,
        };
        let now = self.now;
        let order = &mut self.book.orders[place];
        order.invoices.push(invoice);
        if complete {
            self.pass(place, OrderStatus::Invoice, now);
            self.settle();
        }
        Ok(())
    }

    /// The invoice of a number. One with a slash is never found again (VTEX known issue 1302085).
    pub(crate) fn invoice_mut(&mut self, place: usize, number: &str) -> Option<&mut Invoice> {
        let invoices = &mut self.book.orders[place].invoices;
        invoices.iter_mut().find(|invoice| invoice.number == number && !number.contains('/'))
    }

    /// Adds tracking events. False: no such invoice, or it has no tracking number.
    pub(crate) fn track(
        &mut self,
        place: usize,
        number: &str,
        delivered: bool,
        delivered_at: Option<String>,
        events: Vec<TrackingEvent>,
    ) -> bool {
        let invoice = self.invoice_mut(place, number);
        let Some(invoice) = invoice.filter(|invoice| invoice.tracking_number.is_some()) else { return false };
        let tracking = invoice.tracking.get_or_insert_with(|| Tracking {
            delivered: false,
            delivered_at: None,
            events: Vec::new(),
        });
        tracking.delivered |= delivered;
        if delivered {
            tracking.delivered_at = delivered_at.or(tracking.delivered_at.take());
        }
        tracking.events.extend(events);
        true
    }
}

/// Index, quantity and price of each line. A SKU that stands on two lines of the order fills the first one first.
/// Without items: everything that is not invoiced.
fn lines(order: &Order, new: &NewInvoice) -> Option<Vec<(usize, i64, i64)>> {
    let mut left: Vec<i64> = order.items.iter().map(|item| item.quantity).collect();
    for invoice in order.invoices.iter().filter(|invoice| invoice.sale == new.sale) {
        for (index, quantity, _) in &invoice.items {
            left[*index] -= quantity;
        }
    }
    if new.items.is_empty() {
        let rest = order.items.iter().zip(left).enumerate().filter(|(_, (_, left))| *left > 0);
        return Some(rest.map(|(index, (item, left))| (index, left, item.price)).collect());
    }
    let mut lines = Vec::new();
    for (sku, quantity, price) in &new.items {
        let mut wanted = *quantity;
        for (index, item) in order.items.iter().enumerate() {
            let takes = wanted.min(left[index]);
            if takes > 0 && (item.sku.to_string() == *sku || item.unique_id == *sku) {
                lines.push((index, takes, *price));
                left[index] -= takes;
                wanted -= takes;
            }
        }
        if wanted != 0 {
            return None;
        }
    }
    Some(lines)
}
