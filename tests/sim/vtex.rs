//! VTEX, with the bad habits that are known of it: limits, busy documents, answers that get lost before or after the
//! request is carried out, and requests that are carried out long after everybody has given up.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use mare::core::call::orders::{OrderAct, OrderAnswer, OrderCall};
use mare::core::call::{Answer, Call, Failure, RateHint, RemoteStock, Route};
use mare::core::entity::SkuId;
use mare::core::money::Money;
use mare::core::order::{Direction, Package, Phase, RemoteItem, RemoteOrder, RemoteStatus, Tracking};
use mare::core::time::Tick;

pub(crate) const VALUE: i64 = 100;
/// The SKU that all orders are of.
pub(crate) const ORDERED: &str = "S0";

/// A notification of the feed.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) order: String,
    pub(crate) handle: u64,
    visible: Tick,
}

#[derive(Debug)]
pub(crate) struct Vtex {
    pub(crate) stock: BTreeMap<SkuId, i64>,
    pub(crate) skus: BTreeMap<String, SkuId>,
    pub(crate) orders: BTreeMap<String, RemoteOrder>,
    /// What changed an order: `order effect`.
    pub(crate) effects: Vec<String>,
    feed: Vec<Message>,
    handles: u64,
    pub(crate) accepts_credentials: bool,
    pub(crate) healthy: bool,
    /// Routes that are to be left alone.
    closed: BTreeMap<Route, Tick>,
    pub(crate) broken: Option<String>,
}

/// How an answer reached the client, or did not.
pub(crate) struct Served {
    pub(crate) result: Result<Answer, Failure>,
    pub(crate) rate: RateHint,
    /// It is carried out after the client has given up.
    pub(crate) late: bool,
}

impl Vtex {
    pub(crate) fn new() -> Self {
        Self {
            stock: BTreeMap::new(),
            skus: BTreeMap::new(),
            orders: BTreeMap::new(),
            effects: Vec::new(),
            feed: Vec::new(),
            handles: 0,
            accepts_credentials: true,
            healthy: false,
            closed: BTreeMap::new(),
            broken: None,
        }
    }

    /// A request has arrived.
    pub(crate) fn arrives(&mut self, route: Route, now: Tick) {
        if self.closed.get(&route).is_some_and(|until| *until > now) {
            self.broken = Some(format!("{route:?} within Retry-After"));
        }
    }

    /// Who is told to wait does not remember it beyond its own end.
    pub(crate) fn forget_who_waits(&mut self) {
        self.closed.clear();
    }

    pub(crate) fn serve(&mut self, call: &Call, now: Tick, random: &mut Rng) -> Served {
        let ends = |result| Served { result, rate: RateHint::default(), late: false };
        let status = |code| Err(Failure::Status { code, body: "<html>".to_owned() });
        if !self.accepts_credentials {
            return ends(status(401));
        }
        if self.healthy || random.u8(..100) < 70 {
            return ends(self.execute(call, now, random));
        }
        let applies = random.bool();
        let late = call.writes() && random.bool();
        let (failure, applies, late) = match random.u8(..9) {
            0 => {
                let seconds = random.u64(1..20);
                let retry_after = Some(Duration::from_secs(seconds));
                self.closed.insert(call.route(), now + Duration::from_secs(seconds));
                let rate = RateHint { retry_after, ..RateHint::default() };
                return Served { result: status(429), rate, late: false };
            }
            1 => (status(423), false, false),
            2 | 3 => (status(500), applies, false),
            4 => (Err(Failure::Reset("peer".to_owned())), applies, false),
            5 => (Err(Failure::Connect("refused".to_owned())), false, false),
            6 => (Err(Failure::Malformed("<html>".to_owned())), applies, false),
            7 => (status(503), false, false),
            _ => (Err(Failure::Timeout), applies && !late, late),
        };
        if applies {
            let _ = self.execute(call, now, random);
        }
        Served { late, ..ends(failure) }
    }

    pub(crate) fn execute(&mut self, call: &Call, now: Tick, random: &mut Rng) -> Result<Answer, Failure> {
        match call {
            Call::ReadStock { sku, .. } => {
                let held = self.stock.get(sku).map(|total| RemoteStock {
                    total: *total,
                    reserved: 0,
                    unlimited: false,
                });
                Ok(Answer::Stock(held))
            }
            Call::FindSkus { refs } => {
                let find = |sku_ref: &compact_str::CompactString| {
                    (sku_ref.clone(), self.skus.get(sku_ref.as_str()).copied())
                };
                Ok(Answer::Skus(refs.iter().map(find).collect()))
            }
            Call::SetStock { sku, quantity, .. } => {
                self.stock.insert(*sku, i64::from(*quantity));
                Ok(Answer::Done)
            }
            Call::Order(call) => self.order(call, now, random),
            other => panic!("only stock and orders are wanted: {other:?}"),
        }
    }

    fn order(&mut self, call: &OrderCall, now: Tick, random: &mut Rng) -> Result<Answer, Failure> {
        let refused = |code| Err(Failure::Status { code, body: "{}".to_owned() });
        let Some(order) = self.orders.get_mut(call.order.as_str()) else { return refused(404) };
        let phase = order.status.phase();
        let effect = match &call.act {
            OrderAct::Read => return Ok(Answer::Order(OrderAnswer::Order(Box::new(order.clone())))),
            OrderAct::StartHandling if phase == Phase::Ready => {
                order.status = RemoteStatus::Handling;
                "start-handling".to_owned()
            }
            OrderAct::StartHandling => return refused(409),
            OrderAct::Invoice(document) => {
                if order.packages.iter().any(|package| package.number == document.number) {
                    return Ok(Answer::Done);
                }
                if phase != Phase::Handling || order.invoiced().0 + document.value.0 > VALUE {
                    return refused(400);
                }
                order.packages.push(Package {
                    number: document.number.clone(),
                    direction: Direction::Output,
                    value: document.value,
                    key: document.key.clone(),
                    tracking: Tracking::default(),
                    delivered: false,
                });
                order.status = RemoteStatus::Invoiced;
                format!("invoice {}", document.number)
            }
            OrderAct::Tracking { invoice, tracking, .. } => {
                let Some(package) = order.packages.iter_mut().find(|package| package.number == *invoice)
                else {
                    return refused(404);
                };
                package.tracking = tracking.clone();
                return Ok(Answer::Done);
            }
            OrderAct::Delivered { invoice, .. } => {
                let Some(package) = order.packages.iter_mut().find(|package| package.number == *invoice)
                else {
                    return refused(404);
                };
                package.delivered = true;
                return Ok(Answer::Done);
            }
            OrderAct::Cancel { .. } if matches!(phase, Phase::Ready | Phase::Handling) => {
                order.status = RemoteStatus::Canceled;
                "cancel".to_owned()
            }
            OrderAct::Cancel { .. } => return refused(400),
            other => panic!("not expected: {other:?}"),
        };
        self.effects.push(format!("{} {effect}", call.order));
        self.tell(&call.order, now, random);
        Ok(Answer::Done)
    }

    /// A shopper has bought, and paid.
    pub(crate) fn place(&mut self, id: &str, now: Tick, random: &mut Rng) {
        let item = RemoteItem {
            id: "1".into(),
            unique_id: "u1".into(),
            ref_id: ORDERED.into(),
            quantity: 1,
            price: Money(VALUE),
        };
        let order = RemoteOrder {
            status: RemoteStatus::ReadyForHandling,
            complete: true,
            value: Money(VALUE),
            items: vec![item],
            packages: Vec::new(),
            cancellations: Vec::new(),
        };
        self.orders.insert(id.to_owned(), order);
        self.tell(id, now, random);
    }

    /// A shopper, or the shop's people in the Admin, cancel: nothing is invoiced yet.
    pub(crate) fn cancel(&mut self, id: &str, now: Tick, random: &mut Rng) {
        let Some(order) = self.orders.get_mut(id) else { return };
        if matches!(order.status.phase(), Phase::Ready | Phase::Handling) && order.packages.is_empty() {
            order.status = RemoteStatus::Canceled;
            self.tell(id, now, random);
        }
    }

    /// The feed has something to say: perhaps twice, and not in the order in which it happened.
    fn tell(&mut self, order: &str, now: Tick, random: &mut Rng) {
        for _ in 0..random.usize(1..3) {
            self.handles += 1;
            let visible = now + Duration::from_millis(random.u64(..20_000));
            self.feed.push(Message { order: order.to_owned(), handle: self.handles, visible });
        }
    }

    /// What the feed gives now; it is hidden for a minute.
    pub(crate) fn next_message(&mut self, now: Tick, random: &mut Rng) -> Option<Message> {
        let waiting: Vec<usize> = (0..self.feed.len()).filter(|at| self.feed[*at].visible <= now).collect();
        let at = random.choice(waiting)?;
        self.feed[at].visible = now + Duration::from_secs(60);
        Some(self.feed[at].clone())
    }

    pub(crate) fn acknowledge(&mut self, handle: u64) {
        self.feed.retain(|message| message.handle != handle);
    }

    /// When a message is to be had.
    pub(crate) fn told_at(&self) -> Option<Tick> {
        self.feed.iter().map(|message| message.visible).min()
    }
}
