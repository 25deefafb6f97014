//! Orders as a simulator is started with: their pace, and what VTEX does where its documents are silent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Orders, their feed and their hook. All times are the simulator's own, which [`super::World::advance`] moves.
#[derive(Clone, Debug)]
pub struct OrderOptions {
    /// How long an order stays in `window-to-cancel`.
    pub cancel_window: Duration,
    /// How long each automatic state (`approve-payment`, `start-handling` …) can be seen.
    pub passage: Duration,
    /// From the order to its payment, where the order does not say that it is unpaid.
    pub approval: Duration,
    /// After this long without the seller's answer a requested cancellation happens.
    pub decision_limit: Duration,
    /// How late a cancellation that the ERP sent shows (VTEX known issues 1242813 and 792650).
    pub cancellation_lag: Duration,
    /// What an order shows while a cancellation waits for the seller.
    pub cancelling: Cancelling,
    /// Status of the cancellation of an order that is cancelled (undocumented).
    pub cancelled_again_status: u16,
    /// Status of an invoice in a state that takes none (undocumented).
    pub not_invoiceable_status: u16,
    /// Invoices above the order's value are accepted (VTEX known issue 1348894). Default: 400.
    pub excess_invoices_accepted: bool,
    /// How late an order appears in the list of orders; VTEX takes about four minutes.
    pub list_lag: Duration,
    /// How late a change of an order is applied.
    pub change_lag: Duration,
    /// `rolloutConfiguration.enableApi`: the ERP may change orders.
    pub changes_enabled: bool,
    /// What `clientProfileData.email` shows.
    pub email: EmailMask,
    /// A customer who orders is a document of `CL`, whose `userId` the order shows.
    pub register_customers: bool,
    /// Fields that VTEX's orders often lack are null or missing, other ones in each order.
    pub sparse: bool,
    /// The account has "Invoice address in pickup": an order that is picked up has `invoiceData.address`.
    pub invoice_address_in_pickup: bool,
    /// How the feed is disturbed.
    pub feed: FeedFaults,
    /// The newest handle of an event is the only one that commits it (undocumented). Otherwise all do.
    pub newest_handle_only: bool,
    /// From a notification that failed to the next attempt; doubled each time.
    pub hook_retry: Duration,
}

impl Default for OrderOptions {
    fn default() -> Self {
        Self {
            cancel_window: 30 * MINUTE,
            passage: Duration::ZERO,
            approval: Duration::ZERO,
            decision_limit: 30 * DAY,
            cancellation_lag: Duration::ZERO,
            cancelling: Cancelling::Requested,
            cancelled_again_status: 400,
            not_invoiceable_status: 400,
            excess_invoices_accepted: false,
            list_lag: Duration::ZERO,
            change_lag: Duration::ZERO,
            changes_enabled: true,
            email: EmailMask::Hard,
            register_customers: true,
            sparse: false,
            invoice_address_in_pickup: true,
            feed: FeedFaults::default(),
            newest_handle_only: true,
            hook_retry: Duration::from_secs(1),
        }
    }
}

impl OrderOptions {
    /// Orders are ready for handling as soon as they are placed.
    #[must_use]
    pub fn without_window() -> Self {
        Self { cancel_window: Duration::ZERO, ..Self::default() }
    }
}

/// What an order shows while a cancellation waits for the seller: the state of its seller's or its marketplace's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelling {
    /// `cancellation-requested`.
    Requested,
    /// `waiting-for-seller-decision`.
    WaitingForSeller,
}

/// VTEX's Conversation Tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum EmailMask {
    /// `hash@ct.vtex.com.br`, VTEX's default.
    Hard,
    /// The customer's address.
    Off,
}

/// How the feed is disturbed; in JSON every field may be missing.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct FeedFaults {
    /// Share of events that are delivered twice, as two events.
    pub duplicated: f64,
    /// Share of events that appear late.
    pub delayed: f64,
    /// How late, at most, in milliseconds.
    pub delay_ms: u64,
    /// Share of events that never appear.
    pub hidden: f64,
    /// Share of reads that give fewer events than there are.
    pub short: f64,
    /// Events come in the order in which they happened. VTEX's do not.
    pub ordered: bool,
}
