//! An order of VTEX, reduced to what Live is to know of it.
//!
//! It holds personal data, so nothing of it but the order's own numbers is shown by `Debug`.

use std::fmt;

use compact_str::CompactString;

use super::RemoteStatus;
use super::obstacle::Obstacle;
use crate::core::money::{Decimal4, Money};
use crate::core::time::Timestamp;

/// An order as VTEX shows it at one moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Purchase {
    /// `1234567890123-01`, or with the prefix of an affiliate.
    pub id: CompactString,
    /// The short number that people say.
    pub sequence: Option<CompactString>,
    pub group: Option<CompactString>,
    pub status: RemoteStatus,
    /// False: VTEX has not put all of it together yet, or its workflow is in error.
    pub complete: bool,
    /// What was said when it was cancelled.
    pub cancel_reason: Option<String>,
    /// What was ordered; or what of it cannot be read, which hinders neither a cancellation nor its request.
    pub content: Result<Box<Content>, Vec<Obstacle>>,
}

impl fmt::Debug for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Purchase({}, {:?})", self.id, self.status)
    }
}

/// What was ordered, by whom, and what it costs.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// `salesChannel`.
    pub trade_policy: Option<CompactString>,
    pub placed_at: Timestamp,
    /// What the shopper pays: the sum of all totals.
    pub value: Money,
    pub totals: Totals,
    pub lines: Vec<Line>,
    pub payments: Vec<Payment>,
    pub buyer: Buyer,
    /// Where it goes; several when the shopper chose several. The first is that of the whole order.
    pub addresses: Vec<Address>,
    /// The address for the fiscal document, where VTEX has one.
    pub fiscal_address: Option<Address>,
    /// `openTextField`.
    pub note: Option<String>,
    /// The shopper asked for the newsletter in the checkout.
    pub newsletter: bool,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} lines, {})", self.lines.len(), self.value)
    }
}

/// `totals[]`. Discounts are negative.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    pub items: Money,
    pub discounts: Money,
    pub shipping: Money,
    pub tax: Money,
    /// Those that no document names.
    pub others: Vec<(CompactString, Money)>,
}

impl Totals {
    /// `None` when it is more than money can be.
    pub fn sum(&self) -> Option<Money> {
        let named = [self.items, self.discounts, self.shipping, self.tax];
        let all = named.into_iter().chain(self.others.iter().map(|(_, money)| *money));
        all.map(|money| money.0).try_fold(0_i64, i64::checked_add).map(Money)
    }
}

/// One of `items[]`, with its part of `logisticsInfo[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// VTEX's own name of the SKU.
    pub sku: CompactString,
    /// `refId`: the SKU reference of the mapping.
    pub reference: Option<CompactString>,
    /// `uniqueId`, which tells two lines of one SKU apart.
    pub unique: Option<CompactString>,
    pub quantity: i64,
    /// Units of Live in one of VTEX.
    pub multiplier: Decimal4,
    /// Of one unit of Live, before discounts.
    pub price: Money,
    /// What the whole line costs after discounts.
    pub net: Money,
    /// Discounts on the shipping of this line, negative.
    pub shipping_discount: Money,
    pub tax: Money,
    pub gift: bool,
    pub delivery: Delivery,
}

/// How a line reaches the shopper.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    pub channel: Channel,
    /// `pickupPointId`.
    pub pickup_point: Option<CompactString>,
    /// `selectedSla`.
    pub service: Option<CompactString>,
    /// What its shipping costs.
    pub price: Money,
    /// One of the order's addresses.
    pub address: Option<CompactString>,
    pub estimate: Option<Timestamp>,
    /// A scheduled delivery.
    pub window: Option<(Timestamp, Timestamp)>,
    /// `deliveryIds[]`.
    pub origins: Vec<Origin>,
}

/// `selectedDeliveryChannel`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Channel {
    #[default]
    Delivery,
    Pickup,
    Other(CompactString),
}

/// From where a part of a line goes out, and who carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub warehouse: CompactString,
    pub courier: Option<CompactString>,
    pub courier_name: Option<CompactString>,
    pub quantity: i64,
}

/// One of `payments[]` of the transactions that count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payment {
    /// `creditCard`, `instantPayment` …
    pub group: Option<CompactString>,
    /// VTEX's number of the means of payment.
    pub system: Option<CompactString>,
    pub system_name: Option<CompactString>,
    /// With the interest that the shopper pays for instalments.
    pub value: Money,
    /// Without it.
    pub reference_value: Option<Money>,
    pub installments: i64,
    pub tid: Option<CompactString>,
    pub nsu: Option<CompactString>,
    pub authorization: Option<CompactString>,
    pub acquirer: Option<CompactString>,
}

/// `clientProfileData`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Buyer {
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub document_type: Option<CompactString>,
    pub document: Option<String>,
    pub phone: Option<String>,
    pub corporate: bool,
    pub corporate_name: Option<String>,
    pub trade_name: Option<String>,
    pub corporate_document: Option<String>,
    pub state_registration: Option<String>,
    /// The name of the shopper in Master Data (`userId`).
    pub profile: Option<CompactString>,
}

impl fmt::Debug for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buyer")
    }
}

/// An address as VTEX has it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    pub id: Option<CompactString>,
    pub receiver: Option<String>,
    pub street: Option<String>,
    pub number: Option<String>,
    pub complement: Option<String>,
    pub neighborhood: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    /// Three letters.
    pub country: Option<String>,
    pub reference: Option<String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}
