//! Orders: the workflow with its passages in virtual time, what the ERP and the shopper do to it, and how the feed and
//! the hook tell of it.
//!
//! Nothing happens by itself: whoever looks first lets everything happen that was due (`settle`), each at its own time.

mod cancellation;
mod changes;
mod driver;
mod feed;
mod hook;
mod invoicing;
mod items;
mod machine;
mod options;
mod order;
mod people;
mod place;
mod shopper;
mod status;
mod views;

use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use hashbrown::HashMap;
use jiff::Timestamp;

use super::{World, locked};
use feed::Feeds;
use hook::Hooks;
use machine::Timer;

pub(crate) use cancellation::NotCancelled;
pub(crate) use changes::{NewChange, NotChanged, Replacement};
pub(in crate::simulator) use driver::Driver;
pub use driver::RandomOrders;
pub(crate) use feed::{FeedConfig, Filter, Message, NoFeed};
pub(crate) use hook::HookConfig;
pub(crate) use invoicing::{NewInvoice, NotInvoiced};
pub use options::{Cancelling, EmailMask, FeedFaults, OrderOptions};
pub(crate) use order::{
    Address, Allotment, Change, ChangeState, ChangedItem, Customer, Invoice, Item, Order, Payment,
    PaymentKind, TrackingEvent,
};
pub(crate) use place::lock_id;
pub use status::OrderStatus;
pub use views::{FeedView, InvoiceView, OrderView};

/// Older orders are not served.
const SERVED_FOR: Duration = Duration::from_secs(2 * 365 * 86_400);

/// All orders, their feeds and hooks.
#[derive(Debug)]
pub(crate) struct Orders {
    /// False as long as there is nothing that could happen: calls of other APIs then need no lock.
    any: AtomicBool,
    book: Mutex<Book>,
    /// Wakes whoever sends notifications.
    pub(in crate::simulator) notifications: tokio::sync::Notify,
}

#[derive(Debug)]
pub(super) struct Book {
    pub(super) options: OrderOptions,
    orders: Vec<Order>,
    by_id: HashMap<String, usize>,
    timers: BinaryHeap<Timer>,
    timers_set: u64,
    feeds: Feeds,
    hooks: Hooks,
    random: fastrand::Rng,
    seed: u64,
}

impl Orders {
    pub(super) fn new(options: &OrderOptions, seed: u64) -> Self {
        Self {
            any: AtomicBool::new(false),
            book: Mutex::new(Book::new(options.clone(), seed)),
            notifications: tokio::sync::Notify::new(),
        }
    }

    pub(super) fn clear(&self) {
        let mut book = locked(&self.book);
        *book = Book::new(book.options.clone(), book.seed);
    }
}

impl Book {
    fn new(options: OrderOptions, seed: u64) -> Self {
        Self {
            feeds: Feeds::new(options.feed, options.newest_handle_only),
            options,
            orders: Vec::new(),
            by_id: HashMap::new(),
            timers: BinaryHeap::new(),
            timers_set: 0,
            hooks: Hooks::default(),
            random: fastrand::Rng::with_seed(seed),
            seed,
        }
    }
}

/// The orders at one moment: everything that was due has happened, and nobody else changes anything.
pub(crate) struct Desk<'a> {
    world: &'a World,
    book: MutexGuard<'a, Book>,
    now: Timestamp,
}

impl World {
    /// Locks the orders, everything due done.
    pub(in crate::simulator) fn orders(&self) -> Desk<'_> {
        self.orders.any.store(true, Ordering::Release);
        let book = locked(&self.orders.book);
        let mut desk = Desk { world: self, book, now: self.timestamp() };
        desk.settle();
        desk
    }

    /// As [`World::orders`]; `None` when there was never anything to lock.
    pub(in crate::simulator) fn orders_if_any(&self) -> Option<Desk<'_>> {
        self.orders.any.load(Ordering::Acquire).then(|| self.orders())
    }

    /// Lets everything happen that is due, if there ever was an order.
    pub(in crate::simulator) fn settle_orders(&self) {
        if self.orders.any.load(Ordering::Acquire) {
            drop(self.orders());
        }
    }
}

impl Desk<'_> {
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn options(&self) -> &OrderOptions {
        &self.book.options
    }

    /// Where an order stands, unless it is too old to be served.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        let place = self.book.by_id.get(id).copied();
        place.filter(|place| self.now.duration_since(self.book.orders[*place].created) < signed(SERVED_FOR))
    }

    pub(crate) fn order(&self, place: usize) -> &Order {
        &self.book.orders[place]
    }

    pub(crate) fn all(&self) -> &[Order] {
        &self.book.orders
    }

    /// Writes down a call of the ERP.
    pub(crate) fn received(&mut self, place: usize, call: &'static str, status: u16) {
        self.book.orders[place].calls.push(order::ReceivedCall { call, status });
    }

    pub(crate) fn interact(&mut self, place: usize, source: String, message: String) {
        let at = self.now;
        self.book.orders[place].interactions.push((at, source, message));
    }

    /// A fresh receipt, request id or the like.
    pub(crate) fn new_uuid(&mut self) -> String {
        uuid(&mut self.book.random)
    }
}

fn signed(time: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX)
}

fn after(at: Timestamp, time: Duration) -> Timestamp {
    at.checked_add(signed(time)).unwrap_or(Timestamp::MAX)
}

fn uuid(random: &mut fastrand::Rng) -> String {
    uuid::Uuid::from_u128(random.u128(..)).to_string()
}

/// As VTEX writes its older ids: 32 digits, upper case.
fn hex_id(random: &mut fastrand::Rng) -> String {
    format!("{:032X}", random.u128(..))
}
