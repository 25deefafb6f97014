//! An order as it is kept.

use jiff::Timestamp;

use super::super::SkuId;
use super::status::OrderStatus;

/// An order: what was bought, by whom, and what happened to it. Money is in centavos.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) sequence: u32,
    /// Of a marketplace's order; else empty.
    pub(crate) affiliate: String,
    pub(crate) sales_channel: String,
    /// `None`: incomplete.
    pub(crate) status: Option<OrderStatus>,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) authorized: Option<Timestamp>,
    pub(crate) invoiced: Option<Timestamp>,
    pub(crate) paid: bool,
    pub(crate) in_error: bool,
    pub(crate) items: Vec<Item>,
    pub(crate) shipping: i64,
    pub(crate) delivery: Delivery,
    pub(crate) customer: Customer,
    pub(crate) payments: Vec<Payment>,
    pub(crate) coupon: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) cancellation: Option<Cancellation>,
    pub(crate) requests: Vec<CancellationRequest>,
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) changes: Vec<Change>,
    pub(crate) interactions: Vec<(Timestamp, String, String)>,
    /// Every state it had, and since when.
    pub(crate) history: Vec<(Timestamp, Option<OrderStatus>)>,
    /// Every call of the ERP, and how it was answered.
    pub(crate) calls: Vec<ReceivedCall>,
    /// The state to which a refused cancellation leads back.
    pub(super) resting: OrderStatus,
    /// Counts the passages; a timer of an older one is void.
    pub(super) passages: u32,
    /// What random texts of this order are derived from.
    pub(crate) seed: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct ReceivedCall {
    pub(crate) call: &'static str,
    pub(crate) status: u16,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) unique_id: String,
    pub(crate) product: u32,
    pub(crate) sku: SkuId,
    /// Empty when the SKU has none.
    pub(crate) reference: String,
    pub(crate) name: String,
    pub(crate) sku_name: String,
    pub(crate) ean: Option<String>,
    pub(crate) brand: (u32, String),
    pub(crate) category: (u32, String),
    pub(crate) image: String,
    pub(crate) page: String,
    pub(crate) quantity: i64,
    /// Of one.
    pub(crate) price: i64,
    pub(crate) list_price: i64,
    pub(crate) cost_price: i64,
    /// Of the whole line, not negative.
    pub(crate) discount: i64,
    pub(crate) gift: bool,
    pub(crate) unit: String,
    pub(crate) unit_multiplier: f64,
    /// Height, length, width in centimetres.
    pub(crate) packaged: [f64; 3],
    pub(crate) grams: f64,
    pub(crate) components: Vec<Component>,
    pub(crate) allotments: Vec<Allotment>,
}

impl Item {
    pub(crate) fn total(&self) -> i64 {
        self.price * self.quantity - self.discount
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) sku: SkuId,
    pub(crate) reference: String,
    pub(crate) quantity: i64,
    pub(crate) price: i64,
}

/// What one warehouse sends of an item.
#[derive(Clone, Debug)]
pub(crate) struct Allotment {
    pub(crate) warehouse: String,
    pub(crate) quantity: i64,
    /// One, or one for each component of a kit.
    pub(crate) reservations: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// The pickup point, and where it is; `None` when it is sent.
    pub(crate) pickup: Option<(String, Address)>,
    /// Whom and where to; of a pickup, the fiscal address.
    pub(crate) address: Address,
    /// Beginning and end of a scheduled delivery.
    pub(crate) window: Option<(Timestamp, Timestamp)>,
    pub(crate) estimate_days: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) id: String,
    pub(crate) receiver: String,
    pub(crate) postal_code: String,
    pub(crate) street: String,
    pub(crate) number: String,
    pub(crate) complement: Option<String>,
    pub(crate) neighborhood: String,
    pub(crate) city: String,
    pub(crate) state: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) user_id: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) document: String,
    pub(crate) phone: String,
    pub(crate) company: Option<Company>,
    pub(crate) newsletter: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(crate) name: String,
    pub(crate) document: String,
    pub(crate) registration: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) kind: PaymentKind,
    pub(crate) value: i64,
    pub(crate) installments: u32,
    pub(crate) tid: String,
}

#[derive(Clone, Copy, Debug, serde::Deserialize, serde::Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PaymentKind {
    CreditCard,
    DebitCard,
    Pix,
    Boleto,
    GiftCard,
    Promissory,
}

#[derive(Clone, Debug)]
pub(crate) struct Cancellation {
    pub(crate) at: Timestamp,
    pub(crate) reason: Option<String>,
    pub(crate) by_user: bool,
    pub(crate) by_system: bool,
    pub(crate) by_seller: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct CancellationRequest {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) reason: String,
    /// When and why the seller refused.
    pub(crate) denied: Option<(Timestamp, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Invoice {
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
    /// Index of the order's item, quantity, price of one.
    pub(crate) items: Vec<(usize, i64, i64)>,
    /// The body had no items, and all that was left was taken.
    pub(crate) inferred: bool,
    pub(crate) tracking: Option<Tracking>,
    /// What a return pays back to the shopper.
    pub(crate) refund: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Tracking {
    pub(crate) delivered: bool,
    pub(crate) delivered_at: Option<String>,
    pub(crate) events: Vec<TrackingEvent>,
}

#[derive(Clone, Debug)]
pub(crate) struct TrackingEvent {
    pub(crate) city: String,
    pub(crate) state: String,
    pub(crate) description: String,
    pub(crate) date: String,
    pub(crate) received: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) id: String,
    pub(crate) workflow: String,
    pub(crate) at: Timestamp,
    pub(crate) reason: String,
    pub(crate) discount: i64,
    pub(crate) increment: i64,
    pub(crate) removed: Vec<ChangedItem>,
    pub(crate) added: Vec<ChangedItem>,
    /// By how much the order's value moved.
    pub(crate) moved: i64,
    pub(crate) state: ChangeState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChangeState {
    InProgress,
    Done,
    /// And why.
    Failed(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct ChangedItem {
    pub(crate) sku: SkuId,
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) price: i64,
}

impl Order {
    pub(crate) fn items_total(&self) -> i64 {
        self.items.iter().map(|item| item.price * item.quantity).sum()
    }

    pub(crate) fn discounts(&self) -> i64 {
        self.items.iter().map(|item| item.discount).sum()
    }

    /// What the ERP changed by hand, outside of the items.
    pub(crate) fn manual(&self) -> i64 {
        let done = self.changes.iter().filter(|change| change.state == ChangeState::Done);
        done.map(|change| change.increment - change.discount).sum()
    }

    /// What the shopper owes: the sum of the totals.
    pub(crate) fn value(&self) -> i64 {
        self.items_total() - self.discounts() + self.shipping + self.manual()
    }

    /// Sum of the sales invoices.
    pub(crate) fn invoiced_value(&self) -> i64 {
        self.invoices.iter().filter(|invoice| invoice.sale).map(|invoice| invoice.value).sum()
    }

    /// The cancellation that waits for the seller.
    pub(crate) fn open_request(&self) -> Option<&CancellationRequest> {
        let waits = self.status.is_some_and(OrderStatus::awaits_decision);
        self.requests.last().filter(|request| waits && request.denied.is_none())
    }

    /// A UUID that is always the same for this order and this use.
    pub(crate) fn unique(&self, of: &str) -> String {
        let of = of.bytes().fold(self.seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        super::uuid(&mut fastrand::Rng::with_seed(of))
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.status.is_some()
    }

    /// The number that people use, for example `v502556llux-01`.
    pub(crate) fn seller_order_id(&self, account: &str) -> String {
        let short: String = account.chars().filter(char::is_ascii_alphanumeric).take(4).collect();
        format!("v{}{short}-01", self.sequence)
    }
}
