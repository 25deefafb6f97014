//! What happens in the shop, one activity after the other, all of it out of a seed.

use std::sync::Arc;

use fastrand::Rng;
use uuid::Uuid;

use super::Layout;

/// How unevenly SKUs sell: the share of the best-selling tenth is about 10^(-1/3), 46 %, of all lines.
const SKEW: f64 = 3.0;
/// A burst sells one SKU this many times in a row.
const BURST: u32 = 40;
/// The best sellers that a burst picks from.
const HOT_SKUS: usize = 5;

/// Which activities happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mix {
    /// Tills: one transaction with 1 to 4 lines, each lowering a quantity.
    Sales,
    /// Goods received: one transaction raising 20 to 60 quantities.
    Receipts,
    /// Inventory: one statement over all rows of a store, store after store.
    InventoryCount,
    /// A new price list: one statement over all rows of a table, table after table.
    PriceReload,
    /// One best seller sold over and over, one row a transaction.
    Burst,
    /// Mostly sales and receipts, some bursts, now and then a promotion, a flag, a new SKU or product; and
    /// once each, on top of the rate, an inventory count (after a third of the time) and a price reload
    /// (after two thirds).
    All,
}

/// One transaction of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Who does it. Two activities of one lane touch the same rows and must keep their order; between lanes
    /// no row of stock is shared, so they can neither deadlock nor overtake each other.
    pub lane: usize,
    /// How many rows it will change, as far as one can tell.
    pub expected: u64,
    pub kind: Kind,
}

/// What an [`Activity`] does. Stores, SKUs, products and tables are indexes into the [`Layout`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Sale, receipt or one step of a burst.
    Movement { store: usize, lines: Vec<Line> },
    /// About a third of the quantities turn out a little different; all rows are written.
    InventoryCount { store: usize, count: u32 },
    /// All prices of a table change by some percent.
    PriceReload { table: usize, percent: i32 },
    /// The price of a product in a table goes on promotion, or off it.
    Promotion { table: usize, product: usize },
    /// A SKU becomes active or inactive in the web shop.
    ActiveFlag { sku: usize },
    /// A product gets a minimum for display, or loses it.
    MinimumFlag { product: usize },
    /// A product is integrated with the web shop, or not any more.
    IntegratedFlag { product: usize },
    /// One more SKU of a product, in stock everywhere.
    NewSku { product: usize, id: Uuid },
    /// A product like another one, with one SKU, prices and stock everywhere.
    NewProduct { like: usize, id: Uuid, sku: Uuid, code: u32 },
}

/// A quantity that goes up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub sku: usize,
    pub delta: i32,
}

/// Thinks up activities. The same layout, mix and seed give the same activities in the same order.
#[derive(Debug)]
pub struct Worker {
    layout: Arc<Layout>,
    rng: Rng,
    mix: Mix,
    grow: bool,
    /// SKUs by popularity, best seller first.
    popularity: Vec<usize>,
    burst: Option<(usize, usize, u32)>,
    counts: u32,
    reloads: u32,
}

impl Worker {
    /// `grow` allows new SKUs and products, which VTEX does not know yet.
    pub fn new(layout: Arc<Layout>, mix: Mix, seed: u64, grow: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut popularity: Vec<usize> = (0..layout.skus.len()).collect();
        rng.shuffle(&mut popularity);
        Self { layout, rng, mix, grow, popularity, burst: None, counts: 0, reloads: 0 }
    }

    /// The next activity, changing at most `budget` rows where its size can be chosen.
    pub fn next(&mut self, budget: u64) -> Activity {
        match self.mix {
            Mix::Sales => self.sale(budget),
            Mix::Receipts => self.receipt(budget),
            Mix::Burst => self.burst(),
            Mix::InventoryCount => self.inventory_count(),
            Mix::PriceReload => self.price_reload(),
            Mix::All => self.anything(budget),
        }
    }

    /// An inventory count of the next store.
    pub fn inventory_count(&mut self) -> Activity {
        let count = self.counts;
        self.counts += 1;
        let store = count as usize % self.layout.stores.len();
        let expected = self.layout.skus.len() as u64;
        Activity { lane: store, expected, kind: Kind::InventoryCount { store, count } }
    }

    /// A price reload of the next table: up by 3 % in one round and down in the other, so prices stay near.
    pub fn price_reload(&mut self) -> Activity {
        let tables = self.layout.tables.len();
        let (table, round) = (self.reloads as usize % tables, self.reloads as usize / tables);
        self.reloads += 1;
        let percent = if round.is_multiple_of(2) { 3 } else { -3 };
        Activity {
            lane: 0,
            expected: self.layout.tables[table].rows,
            kind: Kind::PriceReload { table, percent },
        }
    }

    fn anything(&mut self, budget: u64) -> Activity {
        if self.burst.is_some() {
            return self.burst();
        }
        // Of 10,000 picks. By rows: sales 58 %, receipts 34 %, bursts 8 %, the rest below 1 %.
        match self.rng.u32(0..10_000) {
            0..350 => self.receipt(budget),
            350..430 => self.burst(),
            430..470 => self.promotion(),
            470..490 => self.flag(),
            490..493 if self.grow && budget > self.widest() => self.new_sku(),
            493..495 if self.grow && budget > self.widest() => self.new_product(),
            _ => self.sale(budget),
        }
    }

    /// Rows of the largest new thing: a product, its SKU, a price per table and stock in every store.
    fn widest(&self) -> u64 {
        (self.layout.stores.len() + self.layout.tables.len() + 2) as u64
    }

    fn sale(&mut self, budget: u64) -> Activity {
        let lines = self.rng.usize(1..=4);
        self.movement(lines, budget, |rng| -rng.i32(1..=2))
    }

    fn receipt(&mut self, budget: u64) -> Activity {
        let lines = self.rng.usize(20..=60);
        self.movement(lines, budget, |rng| rng.i32(1..=6))
    }

    fn movement(&mut self, lines: usize, budget: u64, delta: impl Fn(&mut Rng) -> i32) -> Activity {
        let store = self.rng.usize(..self.layout.stores.len());
        let most = lines.min(usize::try_from(budget).unwrap_or(usize::MAX)).clamp(1, self.popularity.len());
        let mut chosen: Vec<Line> = Vec::with_capacity(most);
        for _ in 0..most {
            let sku = self.popular_sku();
            let delta = delta(&mut self.rng);
            match chosen.iter_mut().find(|line| line.sku == sku) {
                // One statement changes a row once.
                Some(line) => line.delta += delta,
                None => chosen.push(Line { sku, delta }),
            }
        }
        Activity { lane: store, expected: chosen.len() as u64, kind: Kind::Movement { store, lines: chosen } }
    }

    fn burst(&mut self) -> Activity {
        let (store, sku, left) = self.burst.take().unwrap_or_else(|| {
            let hot = self.rng.usize(..self.popularity.len().min(HOT_SKUS));
            (self.rng.usize(..self.layout.stores.len()), self.popularity[hot], BURST)
        });
        self.burst = (left > 1).then_some((store, sku, left - 1));
        let lines = vec![Line { sku, delta: -1 }];
        Activity { lane: store, expected: 1, kind: Kind::Movement { store, lines } }
    }

    fn promotion(&mut self) -> Activity {
        let table = self.rng.usize(..self.layout.tables.len());
        let product = self.product();
        Activity { lane: 0, expected: 1, kind: Kind::Promotion { table, product } }
    }

    fn flag(&mut self) -> Activity {
        let kind = match self.rng.u8(0..4) {
            0 => Kind::IntegratedFlag { product: self.product() },
            1 => Kind::MinimumFlag { product: self.product() },
            _ => Kind::ActiveFlag { sku: self.popular_sku() },
        };
        Activity { lane: 0, expected: 1, kind }
    }

    fn new_sku(&mut self) -> Activity {
        let kind = Kind::NewSku { product: self.product(), id: self.id() };
        Activity { lane: 0, expected: self.layout.stores.len() as u64 + 1, kind }
    }

    fn new_product(&mut self) -> Activity {
        let (like, id, sku) = (self.product(), self.id(), self.id());
        let kind = Kind::NewProduct { like, id, sku, code: self.rng.u32(200_000_000..1_000_000_000) };
        Activity { lane: 0, expected: self.widest(), kind }
    }

    fn product(&mut self) -> usize {
        self.rng.usize(..self.layout.products.len())
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u128(self.rng.u128(..))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn popular_sku(&mut self) -> usize {
        let skus = self.popularity.len();
        let rank = (self.rng.f64().powf(SKEW) * skus as f64) as usize;
        self.popularity[rank.min(skus - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::{Store, Table};

    fn layout(stores: usize, skus: usize) -> Arc<Layout> {
        let id = |n: usize| Uuid::from_u128(n as u128);
        Arc::new(Layout {
            stores: (0..stores).map(|n| Store { id: id(n), deposit: id(n) }).collect(),
            skus: (0..skus).map(id).collect(),
            products: (0..skus).map(id).collect(),
            tables: vec![Table { id: id(0), rows: 7 }],
        })
    }

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_seed_another_one() {
        let day = |seed| {
            let mut worker = Worker::new(layout(3, 500), Mix::All, seed, true);
            (0..2_000).map(|_| worker.next(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(8));
    }

    #[test]
    fn a_movement_keeps_to_its_budget_and_names_each_sku_once() {
        let mut worker = Worker::new(layout(2, 5), Mix::Receipts, 1, false);
        for budget in 1..200 {
            let activity = worker.next(budget);
            let Kind::Movement { lines, .. } = activity.kind else { panic!("not a movement") };
            let mut skus: Vec<_> = lines.iter().map(|line| line.sku).collect();
            skus.sort_unstable();
            skus.dedup();
            assert_eq!(skus.len(), lines.len());
            assert!(activity.expected <= budget && activity.expected == lines.len() as u64);
        }
    }

    #[test]
    fn the_best_selling_tenth_makes_up_nearly_half_of_the_lines() {
        let mut worker = Worker::new(layout(1, 1_000), Mix::Sales, 3, false);
        let best: Vec<usize> = worker.popularity[..100].to_vec();
        let draws = (0..10_000).filter(|_| best.contains(&worker.popular_sku())).count();
        assert!((4_300..5_000).contains(&draws), "{draws}");
    }
}
