//! What tests and an oracle ask of the orders.

use serde::Serialize;

use super::super::World;
use super::order::{Invoice, Order};
use super::status::OrderStatus;

/// An order, and what happened to it.
#[derive(Clone, Debug, Serialize)]
pub struct OrderView {
    /// VTEX's id.
    pub id: String,
    /// `orderGroup`.
    pub group: String,
    /// `None`: incomplete.
    pub status: Option<OrderStatus>,
    /// Centavos, changes included.
    pub value: i64,
    /// Sum of the sales invoices, centavos.
    pub invoiced: i64,
    /// Every state, in order; `None` is incomplete.
    pub history: Vec<(String, Option<OrderStatus>)>,
    /// Calls of the ERP and their statuses, in order.
    pub calls: Vec<(&'static str, u16)>,
    /// RefId (or the SKU id where there is none), quantity.
    pub items: Vec<(String, i64)>,
    /// Warehouse and quantity of each item.
    pub warehouses: Vec<Vec<(String, i64)>>,
    /// Reservations of the stock.
    pub reservations: Vec<String>,
    /// In the order in which they came.
    pub invoices: Vec<InvoiceView>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// The id of the cancellation that waits for the seller.
    pub cancellation_request: Option<String>,
    /// Source and text of each.
    pub interactions: Vec<(String, String)>,
    /// An invoice's tracking says that it was delivered.
    pub delivered: bool,
    /// `workflowIsInError`.
    pub in_error: bool,
}

/// An invoice of an order.
#[derive(Clone, Debug, Serialize)]
pub struct InvoiceView {
    /// A sale (`Output`), not a return.
    pub sale: bool,
    /// `invoiceNumber`.
    pub number: String,
    /// Centavos.
    pub value: i64,
    /// `invoiceKey`.
    pub key: Option<String>,
    /// `trackingNumber`.
    pub tracking_number: Option<String>,
    /// Index of the item, quantity, price of one.
    pub items: Vec<(usize, i64, i64)>,
    /// `courierStatus.finished`.
    pub delivered: bool,
    /// Paid back to the shopper, centavos.
    pub refund: i64,
}

/// The feed of one application key.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct FeedView {
    /// Application key.
    pub key: String,
    /// Events that are neither committed nor too old.
    pub waiting: usize,
    /// How often an event was given to a reader.
    pub delivered: u64,
    /// Events that were committed.
    pub committed: u64,
}

impl World {
    /// All orders, oldest first.
    #[must_use]
    pub fn order_views(&self) -> Vec<OrderView> {
        self.orders().all().iter().map(OrderView::of).collect()
    }

    /// One order.
    #[must_use]
    pub fn order(&self, id: &str) -> Option<OrderView> {
        let desk = self.orders();
        desk.find(id).map(|place| OrderView::of(desk.order(place)))
    }

    /// The feeds that are configured.
    #[must_use]
    pub fn feeds(&self) -> Vec<FeedView> {
        let desk = self.orders();
        let view = |(key, queue): (&String, &super::feed::Queue)| FeedView {
            key: key.clone(),
            waiting: queue.waiting(),
            delivered: queue.delivered,
            committed: queue.committed,
        };
        desk.book.feeds.queues().map(view).collect()
    }

    /// Loses all feed configurations with their events.
    pub fn lose_feeds(&self) {
        let mut desk = self.orders();
        let keys: Vec<String> = desk.book.feeds.queues().map(|(key, _)| key.clone()).collect();
        for key in keys {
            // It was there a moment ago.
            let _ = desk.delete_feed(&key);
        }
    }

    /// Changes how the feed is disturbed.
    pub fn set_feed_faults(&self, faults: super::FeedFaults) {
        self.orders().set_feed_faults(faults);
    }
}

impl OrderView {
    fn of(order: &Order) -> Self {
        let allotments = order.items.iter().flat_map(|item| &item.allotments);
        Self {
            id: order.id.clone(),
            group: order.group.clone(),
            status: order.status,
            value: order.value(),
            invoiced: order.invoiced_value(),
            history: order.history.iter().map(|(at, status)| (at.to_string(), *status)).collect(),
            calls: order.calls.iter().map(|call| (call.call, call.status)).collect(),
            items: order.items.iter().map(|item| (name(item), item.quantity)).collect(),
            warehouses: order
                .items
                .iter()
                .map(|item| item.allotments.iter().map(|one| (one.warehouse.clone(), one.quantity)).collect())
                .collect(),
            reservations: allotments.flat_map(|one| one.reservations.clone()).collect(),
            invoices: order.invoices.iter().map(InvoiceView::of).collect(),
            cancel_reason: order.cancellation.as_ref().and_then(|cancellation| cancellation.reason.clone()),
            cancellation_request: order.open_request().map(|request| request.id.clone()),
            interactions: order
                .interactions
                .iter()
                .map(|(_, who, text)| (who.clone(), text.clone()))
                .collect(),
            delivered: order.invoices.iter().any(delivered),
            in_error: order.in_error,
        }
    }

    /// The states it had, as VTEX spells them.
    #[must_use]
    pub fn states(&self) -> Vec<&'static str> {
        self.history.iter().filter_map(|(_, status)| status.map(OrderStatus::name)).collect()
    }
}

impl InvoiceView {
    fn of(invoice: &Invoice) -> Self {
        Self {
            sale: invoice.sale,
            number: invoice.number.clone(),
            value: invoice.value,
            key: invoice.key.clone(),
            tracking_number: invoice.tracking_number.clone(),
            items: invoice.items.clone(),
            delivered: delivered(invoice),
            refund: invoice.refund,
        }
    }
}

fn delivered(invoice: &Invoice) -> bool {
    invoice.tracking.as_ref().is_some_and(|tracking| tracking.delivered)
}

fn name(item: &super::order::Item) -> String {
    if item.reference.is_empty() { item.sku.to_string() } else { item.reference.clone() }
}
