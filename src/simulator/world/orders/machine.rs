//! The passages from state to state, and when they happen.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::super::stock::{ReservationEnd, ReservationStep};
use super::feed::Event;
use super::order::Order;
use super::status::OrderStatus;
use super::{Desk, OrderOptions, after};

/// Incomplete orders hold their stock for so long.
const INCOMPLETE_FOR: Duration = Duration::from_secs(11 * 86_400);
/// A shopper has three days to pay, and VTEX keeps the stock some days more.
const UNPAID_FOR: Duration = Duration::from_secs(8 * 86_400);

/// Something that will happen to an order; the earliest is the greatest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Timer {
    at: Timestamp,
    /// Equal times happen in the order in which they were set.
    sequence: u64,
    place: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Into this state, if nothing came between since this passage.
    Passage(OrderStatus, u32),
    /// The seller did not answer the request of this index.
    Undecided(usize),
    /// The change of this index is applied.
    Change(usize),
    /// The stock of an order that nobody completed or paid is given back.
    Expiry,
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The state that follows by itself, and after how long.
fn following(order: &Order, options: &OrderOptions) -> Option<(Duration, OrderStatus)> {
    use OrderStatus as S;
    let passage = options.passage;
    Some(match order.status? {
        S::OrderCreated => (passage, S::OnOrderCompleted),
        S::OnOrderCompleted => (passage, S::PaymentPending),
        S::PaymentPending if order.paid => (options.approval, S::ApprovePayment),
        S::ApprovePayment => (passage, S::PaymentApproved),
        S::PaymentApproved => (passage, S::AuthorizeFulfillment),
        S::AuthorizeFulfillment => (passage, S::WindowToCancel),
        S::WindowToCancel => (options.cancel_window, S::ReadyForHandling),
        S::StartHandling => (passage, S::Handling),
        S::Invoice => (passage, S::Invoiced),
        S::CancellationRequestDenied => (passage, order.resting),
        S::Cancel => (passage.max(options.cancellation_lag), S::Canceled),
        _ => return None,
    })
}

impl Desk<'_> {
    /// Lets happen what is due by now, each thing at its own time.
    pub(super) fn settle(&mut self) {
        while let Some(timer) = self.book.timers.peek().filter(|timer| timer.at <= self.now) {
            let (at, place, kind) = (timer.at, timer.place, timer.kind);
            self.book.timers.pop();
            match kind {
                Kind::Passage(to, passages) => {
                    let order = &self.book.orders[place];
                    if order.passages == passages && !order.in_error {
                        self.pass(place, to, at);
                    }
                }
                Kind::Undecided(request) => self.decide_unanswered(place, request, at),
                Kind::Change(change) => self.apply_change(place, change, at),
                Kind::Expiry => self.expire(place),
            }
        }
        let now = self.now;
        self.book.feeds.forget_quiet(now);
        self.book.hooks.forget_quiet(now);
    }

    pub(super) fn set_timer(&mut self, place: usize, at: Timestamp, kind: Kind) {
        self.book.timers_set += 1;
        let sequence = self.book.timers_set;
        self.book.timers.push(Timer { at, sequence, place, kind });
    }

    /// Enters a state: its effects, its event, and what follows by itself.
    pub(super) fn pass(&mut self, place: usize, to: OrderStatus, at: Timestamp) {
        let order = &mut self.book.orders[place];
        let (from, before) = (order.status.replace(to), order.changed);
        order.changed = at;
        order.passages += 1;
        order.history.push((at, Some(to)));
        match to {
            OrderStatus::PaymentPending => self.set_timer(place, after(at, UNPAID_FOR), Kind::Expiry),
            OrderStatus::PaymentApproved => {
                self.book.orders[place].authorized = Some(at);
                self.step_reservations(place, ReservationStep::Confirm);
            }
            OrderStatus::StartHandling => self.step_reservations(place, ReservationStep::Acknowledge),
            OrderStatus::Invoiced => self.book.orders[place].invoiced = Some(at),
            OrderStatus::Canceled | OrderStatus::Replaced => {
                self.release_reservations(place, ReservationEnd::Cancelled);
            }
            _ => {}
        }
        self.announce(place, from, before, at);
        self.set_following(place, at);
    }

    /// Sets the timer of what follows the present state by itself.
    pub(super) fn set_following(&mut self, place: usize, at: Timestamp) {
        let order = &self.book.orders[place];
        let passages = order.passages;
        if let Some((time, next)) = following(order, &self.book.options) {
            self.set_timer(place, after(at, time), Kind::Passage(next, passages));
        }
    }

    pub(super) fn set_incomplete_expiry(&mut self, place: usize) {
        self.set_timer(place, after(self.now, INCOMPLETE_FOR), Kind::Expiry);
    }

    fn announce(&mut self, place: usize, from: Option<OrderStatus>, before: Timestamp, at: Timestamp) {
        let order = &self.book.orders[place];
        let Some(state) = order.status else { return };
        let event = Event {
            order_id: order.id.clone(),
            part: state.part(),
            state: state.name(),
            last_state: from.map_or("", OrderStatus::name),
            last_change: before,
            current_change: at,
        };
        let book = &mut *self.book;
        book.feeds.publish(&event, at, &mut book.random);
        if book.hooks.publish(&event, at) {
            self.world.orders.notifications.notify_one();
        }
    }

    fn expire(&mut self, place: usize) {
        if matches!(self.book.orders[place].status, None | Some(OrderStatus::PaymentPending)) {
            self.release_reservations(place, ReservationEnd::Expired);
        }
    }

    fn step_reservations(&self, place: usize, step: ReservationStep) {
        for reservation in self.reservations(place) {
            // One that an operator stepped before, or that expired, stays as it is.
            let _ = self.world.stock.step(reservation, step);
        }
    }

    pub(super) fn release_reservations(&self, place: usize, end: ReservationEnd) {
        for reservation in self.reservations(place) {
            self.world.stock.release(reservation, end);
        }
    }

    fn reservations(&self, place: usize) -> impl Iterator<Item = &str> {
        let allotments = self.book.orders[place].items.iter().flat_map(|item| &item.allotments);
        allotments.flat_map(|allotment| &allotment.reservations).map(String::as_str)
    }

    /// The ERP takes the order. False: it is not ready for handling.
    pub(crate) fn start_handling(&mut self, place: usize) -> bool {
        let ready = self.book.orders[place].status == Some(OrderStatus::ReadyForHandling);
        if ready {
            self.pass(place, OrderStatus::StartHandling, self.now);
            self.settle();
        }
        ready
    }

    /// A payment was received. False: the order does not wait for one.
    pub(crate) fn pay(&mut self, place: usize) -> bool {
        let order = &mut self.book.orders[place];
        let waits = order.status == Some(OrderStatus::PaymentPending) && !order.paid;
        if waits {
            order.paid = true;
            self.pass(place, OrderStatus::ApprovePayment, self.now);
            self.settle();
        }
        waits
    }
}
