//! How an order comes into being: what the shopper bought becomes an order, and its stock is reserved.

use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{SkuId, World, WorldError};
use super::items::{self, NewItem};
use super::order::{Address, Allotment, Company, Customer, Delivery, Item, Order, Payment, PaymentKind};
use super::status::OrderStatus;
use super::{Desk, after, hex_id, people, uuid};

/// Ids begin here, so that all have the 13 digits of VTEX's.
const FIRST_GROUP: u64 = 1_400_000_000_000;
/// Distance of one group to the next: ids do not look like a count.
const GROUP_STEP: u64 = 7_919;
const FIRST_SEQUENCE: u32 = 500_001;
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// An order as an operator or a driver places it. Money is in centavos.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    #[serde(default)]
    items: Vec<NewItem>,
    shipping: Option<i64>,
    pickup: Option<String>,
    #[serde(default)]
    scheduled: bool,
    #[serde(default)]
    payments: Vec<NewPayment>,
    customer: Option<NewCustomer>,
    address: Option<NewAddress>,
    /// A payment that is not received yet: the order stays `payment-pending`.
    paid: Option<bool>,
    #[serde(default)]
    incomplete: bool,
    #[serde(default)]
    in_error: bool,
    /// Sold although there is not enough.
    #[serde(default)]
    oversell: bool,
    coupon: Option<String>,
    note: Option<String>,
    sales_channel: Option<String>,
    #[serde(default)]
    affiliate: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPayment {
    kind: PaymentKind,
    /// The last one takes what is left.
    value: Option<i64>,
    installments: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCustomer {
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    document: Option<String>,
    phone: Option<String>,
    company: Option<NewCompany>,
    newsletter: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCompany {
    name: String,
    document: String,
    #[serde(default)]
    registration: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAddress {
    postal_code: String,
    street: String,
    number: String,
    complement: Option<String>,
    neighborhood: String,
    city: String,
    state: String,
}

impl World {
    /// A shopper places an order; stock is reserved. In JSON, money in centavos; only `items` is required:
    /// `{"items":[{"ref":"SKU-1","quantity":2,"warehouse":"1_1","price":2499,"discount":100}],"shipping":1500,
    /// "payments":[{"kind":"pix"}],"paid":false,"pickup":"loja-1","customer":{"email":"a@b.example"}}`. What a price
    /// does not name comes from the prices of the shop; who is not named is invented. Gives the order's id.
    ///
    /// # Errors
    /// Unknown fields, SKUs, warehouses; no price; not enough stock; payments that do not add up.
    pub fn place_order(&self, order: Value) -> Result<String, WorldError> {
        let new = parse(order)?;
        let mut desk = self.orders();
        let draft = Draft::of(&desk, new, None)?;
        let place = draft.place(&mut desk)?;
        desk.settle();
        Ok(desk.order(place).id.clone())
    }
}

fn parse(order: Value) -> Result<NewOrder, WorldError> {
    serde_json::from_value(order).map_err(|error| WorldError::Order(error.to_string()))
}

/// The shopper's edit of an order: the old one ends, the new one has its group and whatever the edit leaves out.
pub(super) fn replacing(desk: &mut Desk<'_>, old: usize, edit: Value) -> Result<usize, WorldError> {
    let mut new = parse(edit)?;
    let order = desk.order(old);
    if new.items.is_empty() {
        new.items = order.items.iter().map(NewItem::again).collect();
    }
    new.shipping = new.shipping.or(Some(order.shipping));
    let draft = Draft::of(desk, new, Some(old))?;
    let now = desk.now;
    desk.pass(old, OrderStatus::Replaced, now);
    draft.place(desk)
}

/// An order that can be placed; nothing has happened yet.
struct Draft {
    new: NewOrder,
    items: Vec<Item>,
    payments: Vec<(PaymentKind, i64, u32)>,
    shipping: i64,
    channel: String,
    old: Option<usize>,
}

impl Draft {
    fn of(desk: &Desk<'_>, new: NewOrder, old: Option<usize>) -> Result<Self, WorldError> {
        let refused = |text: &str| Err(WorldError::Order(text.to_owned()));
        if new.items.is_empty() {
            return refused("it has no items");
        }
        let policies = &desk.world.options.trade_policies;
        let first = policies.first().map_or("1", String::as_str);
        let channel = new.sales_channel.clone().unwrap_or_else(|| first.to_owned());
        let mut taken = freed(desk, old);
        let mut items = Vec::with_capacity(new.items.len());
        for item in &new.items {
            items.push(items::build(desk.world, item, &channel, new.oversell, &mut taken)?);
        }
        let shipping = new.shipping.unwrap_or(0);
        let value = items.iter().map(Item::total).sum::<i64>() + shipping;
        if value < 0 || shipping < 0 {
            return refused("its value is negative");
        }
        let payments = share(&new.payments, value)?;
        Ok(Self { new, items, payments, shipping, channel, old })
    }

    fn place(self, desk: &mut Desk<'_>) -> Result<usize, WorldError> {
        let Self { new, mut items, payments, shipping, channel, old } = self;
        let now = desk.now;
        let place = desk.book.orders.len();
        let number = place as u64;
        let seed = desk.book.seed.wrapping_add(number);
        let customer = match old {
            Some(old) if new.customer.is_none() => desk.order(old).customer.clone(),
            _ => customer(new.customer, seed),
        };
        let customer = registered(desk, customer)?;
        let receiver = format!("{} {}", customer.first_name, customer.last_name);
        let address = match (new.address, old) {
            (None, Some(old)) => desk.order(old).delivery.address.clone(),
            (None, None) => people::address(seed, &receiver),
            (Some(given), _) => given.address(seed, receiver.clone()),
        };
        let (group, part) = name(desk, old, number);
        let id = match new.affiliate.as_str() {
            "" => format!("{group}-{part:02}"),
            affiliate => format!("{affiliate}-{group}-{part:02}"),
        };
        let random = &mut desk.book.random;
        items.iter_mut().for_each(|item| item.unique_id = hex_id(random));
        let payments = payments.into_iter().map(|(kind, value, installments)| Payment {
            id: hex_id(random),
            kind,
            value,
            installments,
            tid: random.u32(10_000_000..100_000_000).to_string(),
        });
        let order = Order {
            payments: payments.collect(),
            sequence: FIRST_SEQUENCE.saturating_add(u32::try_from(number).unwrap_or(u32::MAX)),
            affiliate: new.affiliate,
            sales_channel: channel,
            status: None,
            created: now,
            changed: now,
            authorized: None,
            invoiced: None,
            paid: new.paid.unwrap_or(true),
            in_error: new.in_error,
            shipping,
            delivery: Delivery {
                pickup: new.pickup.map(|id| (id.clone(), people::pickup_point(&id, &receiver))),
                address,
                window: new.scheduled.then(|| (after(now, DAY), after(now, DAY + DAY / 6))),
                estimate_days: 3,
            },
            customer,
            coupon: new.coupon,
            note: new.note,
            cancellation: None,
            requests: Vec::new(),
            invoices: Vec::new(),
            changes: Vec::new(),
            interactions: Vec::new(),
            history: Vec::new(),
            calls: Vec::new(),
            resting: OrderStatus::ReadyForHandling,
            passages: 0,
            seed,
            items,
            group,
            id,
        };
        desk.book.by_id.insert(order.id.clone(), place);
        desk.book.orders.push(order);
        desk.reserve(place);
        if new.incomplete {
            desk.book.orders[place].history.push((now, None));
            desk.set_incomplete_expiry(place);
        } else {
            desk.pass(place, OrderStatus::OrderCreated, now);
        }
        Ok(place)
    }
}

impl Desk<'_> {
    /// Reserves the stock of every item that has no reservation yet.
    pub(super) fn reserve(&mut self, place: usize) {
        let now = self.now;
        let stock = &self.world.stock;
        let warehouses = &self.world.warehouses;
        let order = &mut self.book.orders[place];
        let lock = lock_id(&order.group);
        for item in &mut order.items {
            let parts = items::parts(item);
            for Allotment { warehouse, quantity, reservations } in &mut item.allotments {
                let Some(index) = warehouses.index(warehouse).filter(|_| reservations.is_empty()) else {
                    continue;
                };
                let reserve = |(sku, each): &(SkuId, i64)| {
                    let quantity = u32::try_from(*quantity * each).unwrap_or(u32::MAX);
                    stock.reserve(*sku, index, quantity, &lock, now)
                };
                reservations.extend(parts.iter().map(reserve));
            }
        }
    }
}

/// `lockId` of an order's reservations.
pub(crate) fn lock_id(group: &str) -> String {
    format!("00-{group}-01")
}

/// What the order that is replaced gives back, as taken less than nothing.
fn freed(desk: &Desk<'_>, old: Option<usize>) -> HashMap<(SkuId, String), i64> {
    let mut taken = HashMap::new();
    for item in old.map_or(&[][..], |old| &desk.order(old).items) {
        for allotment in &item.allotments {
            for (sku, each) in items::parts(item) {
                *taken.entry((sku, allotment.warehouse.clone())).or_insert(0) -= allotment.quantity * each;
            }
        }
    }
    taken
}

/// Group and suffix of a new order.
fn name(desk: &Desk<'_>, old: Option<usize>, number: u64) -> (String, usize) {
    match old {
        Some(old) => {
            let group = desk.order(old).group.clone();
            let part = desk.all().iter().filter(|order| order.group == group).count() + 1;
            (group, part)
        }
        None => ((FIRST_GROUP + (desk.book.seed % 1_000) * 100_003 + number * GROUP_STEP).to_string(), 1),
    }
}

/// Without payments: one credit card. What is not said of values is shared out.
fn share(payments: &[NewPayment], value: i64) -> Result<Vec<(PaymentKind, i64, u32)>, WorldError> {
    let named: i64 = payments.iter().filter_map(|payment| payment.value).sum();
    let open = payments.iter().filter(|payment| payment.value.is_none()).count();
    let adds_up = payments.is_empty() || (open == 0 && named == value) || (open == 1 && named <= value);
    if !adds_up {
        return Err(WorldError::Order(format!("its payments do not add up to {value}")));
    }
    if payments.is_empty() {
        return Ok(vec![(PaymentKind::CreditCard, value, 1)]);
    }
    let shared = payments.iter().map(|payment| {
        let value = payment.value.unwrap_or(value - named);
        (payment.kind, value, payment.installments.unwrap_or(1))
    });
    Ok(shared.collect())
}

fn customer(new: Option<NewCustomer>, seed: u64) -> Customer {
    let Some(new) = new else { return people::customer(seed) };
    // Who has the same address is the same person.
    let invented = people::customer(new.email.as_deref().map_or(seed, people::number));
    let company = new.company.map(|company| Company {
        name: company.name,
        document: company.document,
        registration: company.registration,
    });
    Customer {
        user_id: invented.user_id,
        email: new.email.unwrap_or(invented.email),
        first_name: new.first_name.unwrap_or(invented.first_name),
        last_name: new.last_name.unwrap_or(invented.last_name),
        document: new.document.unwrap_or(invented.document),
        phone: new.phone.unwrap_or(invented.phone),
        company,
        newsletter: new.newsletter.unwrap_or(invented.newsletter),
    }
}

/// A customer whom Master Data knows keeps the id there; another one is registered.
fn registered(desk: &Desk<'_>, mut customer: Customer) -> Result<Customer, WorldError> {
    if !desk.options().register_customers {
        return Ok(customer);
    }
    if let Some(known) = desk.world.customers_by_email(&customer.email).first() {
        let id = known["userId"].as_str().or_else(|| known["id"].as_str());
        customer.user_id = id.unwrap_or(&customer.user_id).to_owned();
        return Ok(customer);
    }
    desk.world.shop_registers(json!({
        "email": customer.email,
        "userId": customer.user_id,
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "documentType": "cpf",
        "document": customer.document,
        "isNewsletterOptIn": customer.newsletter,
    }))?;
    Ok(customer)
}

impl NewAddress {
    fn address(self, seed: u64, receiver: String) -> Address {
        Address {
            id: uuid(&mut fastrand::Rng::with_seed(seed)),
            receiver,
            postal_code: self.postal_code,
            street: self.street,
            number: self.number,
            complement: self.complement,
            neighborhood: self.neighborhood,
            city: self.city,
            state: self.state,
        }
    }
}
