//! A shop that sells by itself: random orders of what is in stock and has a price.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{SHARDS, SkuId, World};

/// Orders after which the driver looks again at what is for sale.
const LOOK_AGAIN: u32 = 256;
/// Draws for one order before the shop counts as sold out.
const DRAWS_MAX: u32 = 16;
const LINES_MAX: usize = 3;
const KINDS: [&str; 5] = ["credit-card", "credit-card", "pix", "boleto", "gift-card"];

/// Random orders from a seed: equal seeds on equal shops give equal orders.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomOrders {
    /// How many orders.
    pub count: u32,
    /// Orders a second, for the operator's call; 0: all at once.
    pub per_second: f64,
    /// What is drawn.
    pub seed: u64,
    /// Share of the orders that the shopper cancels, or asks to.
    pub cancel_share: f64,
    /// Share of the orders that are picked up at `pickup_points`.
    pub pickup_share: f64,
    /// Where.
    pub pickup_points: Vec<String>,
    /// Share of the orders that are not paid yet.
    pub unpaid_share: f64,
}

impl Default for RandomOrders {
    fn default() -> Self {
        Self {
            count: 1,
            per_second: 0.0,
            seed: 0,
            cancel_share: 0.0,
            pickup_share: 0.0,
            pickup_points: Vec::new(),
            unpaid_share: 0.0,
        }
    }
}

/// Draws one order after the other.
#[derive(Debug)]
pub(in crate::simulator) struct Driver {
    wanted: RandomOrders,
    random: fastrand::Rng,
    for_sale: Vec<(SkuId, u16)>,
    placed: u32,
}

impl Driver {
    pub(in crate::simulator) fn new(wanted: RandomOrders) -> Self {
        let random = fastrand::Rng::with_seed(wanted.seed);
        Self { wanted, random, for_sale: Vec::new(), placed: 0 }
    }

    /// Places the next order; `None` when all are placed or nothing is for sale.
    pub(in crate::simulator) fn next(&mut self, world: &World) -> Option<String> {
        if self.placed == self.wanted.count {
            return None;
        }
        if self.placed.is_multiple_of(LOOK_AGAIN) {
            self.for_sale = for_sale(world);
        }
        let id = (0..DRAWS_MAX).find_map(|_| {
            let order = self.draw(world)?;
            world.place_order(order).ok()
        })?;
        self.placed += 1;
        if self.random.f64() < self.wanted.cancel_share {
            // Also refused when the order moved on meanwhile: then it stays.
            let _ = world.shopper_cancels(&id, "Mudei de ideia");
        }
        Some(id)
    }

    fn draw(&mut self, world: &World) -> Option<Value> {
        let lines = self.random.usize(1..=LINES_MAX);
        let items: Vec<Value> = (0..lines)
            .filter_map(|_| {
                let (sku, warehouse) = *self.for_sale.get(self.random.usize(..self.for_sale.len().max(1)))?;
                let warehouse = world.warehouses.get(warehouse)?.id;
                Some(json!({"sku": sku, "warehouse": warehouse, "quantity": self.random.u32(1..=2)}))
            })
            .collect();
        if items.is_empty() {
            return None;
        }
        let mut order = json!({
            "items": items,
            "shipping": self.random.i64(0..4) * 690,
            "payments": [{"kind": KINDS[self.random.usize(..KINDS.len())]}],
            "paid": self.random.f64() >= self.wanted.unpaid_share,
        });
        let points = &self.wanted.pickup_points;
        if !points.is_empty() && self.random.f64() < self.wanted.pickup_share {
            order["pickup"] = points[self.random.usize(..points.len())].clone().into();
            order["shipping"] = 0.into();
        }
        Some(order)
    }
}

impl World {
    /// Places random orders at once; gives their ids. Fewer when the shop is sold out.
    pub fn place_random_orders(&self, wanted: &RandomOrders) -> Vec<String> {
        let mut driver = Driver::new(wanted.clone());
        std::iter::from_fn(|| driver.next(self)).collect()
    }
}

/// What has stock and a price, in the order of the ids.
fn for_sale(world: &World) -> Vec<(SkuId, u16)> {
    let mut rows = Vec::new();
    for shard in 0..SHARDS {
        world.stock.each_of_shard(shard, |sku, warehouse, stock| {
            if stock.available > 0 {
                rows.push((sku, warehouse));
            }
        });
    }
    rows.retain(|(sku, _)| world.prices.with(*sku, |price| price.is_some_and(|price| price.base.is_some())));
    rows.sort_unstable();
    rows
}
