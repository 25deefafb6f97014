//! Live: transactions that overlap, a log of what they committed, a slot that keeps it, and snapshots that see a commit a
//! moment after the log has it (Postgres), or row versions that are given before the commit (SQL Server).

use std::collections::{BTreeMap, VecDeque};

use mare::core::order::Step;

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    /// The balance of a SKU.
    Stock(u32),
    Order(String),
}

/// A pedido.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pedido {
    pub(crate) order: String,
    pub(crate) step: Step,
    /// The number of its fiscal document, once it is authorised.
    pub(crate) invoice: Option<u32>,
}

/// What a transaction wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// `None`: the row is gone.
    Stock {
        sku: u32,
        quantity: Option<i64>,
    },
    /// The row changed, and its balance did not: it is not sent.
    Touched {
        sku: u32,
    },
    Order(Pedido),
}

impl Change {
    pub(crate) fn item(&self) -> Item {
        match self {
            Self::Stock { sku, .. } | Self::Touched { sku } => Item::Stock(*sku),
            Self::Order(pedido) => Item::Order(pedido.order.clone()),
        }
    }
}

/// A transaction in the log.
#[derive(Debug, Clone)]
pub(crate) struct Committed {
    pub(crate) lsn: u64,
    pub(crate) xid: u32,
    /// Counts commits: names the version of what was written.
    pub(crate) moment: i64,
    pub(crate) changes: Vec<Change>,
}

/// A transaction that has not committed, or that no snapshot sees yet.
#[derive(Debug, Clone)]
struct Open {
    xid: u32,
    /// With the row versions that were given.
    writes: Vec<(Change, u64)>,
    /// It is in the log.
    logged: bool,
}

/// A replication slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) created: u64,
    pub(crate) confirmed: u64,
}

/// What a read sees.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// As `pg_current_snapshot()` writes it.
    pub(crate) snapshot: String,
    /// The end of the log then.
    pub(crate) lsn: u64,
    pub(crate) moment: i64,
    pub(crate) stock: Vec<(u32, i64)>,
    pub(crate) orders: Vec<Pedido>,
}

#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) stock: BTreeMap<u32, i64>,
    /// A list, not a map: nothing but the writer's care keeps an order from being there twice.
    pub(crate) orders: Vec<Pedido>,
    pub(crate) versions: BTreeMap<Item, u64>,
    open: Vec<Open>,
    next_xid: u32,
    next_version: u64,
    pub(crate) lsn: u64,
    pub(crate) moment: i64,
    pub(crate) log: VecDeque<Committed>,
    pub(crate) slot: Option<Slot>,
    /// Which life of the server this is: a restored backup is another one.
    pub(crate) system: u32,
}

impl Live {
    pub(crate) fn new(skus: u32) -> Self {
        Self {
            stock: (0..skus).map(|sku| (sku, i64::from(sku % 3))).collect(),
            orders: Vec::new(),
            versions: (0..skus).map(|sku| (Item::Stock(sku), 1)).collect(),
            open: Vec::new(),
            next_xid: 100,
            next_version: 10,
            lsn: 1_000,
            moment: 1,
            log: VecDeque::new(),
            slot: None,
            system: 1,
        }
    }

    pub(crate) fn begin(&mut self) {
        self.next_xid += 1;
        self.open.push(Open { xid: self.next_xid, writes: Vec::new(), logged: false });
    }

    /// Transactions that may still write.
    pub(crate) fn running(&self) -> usize {
        self.open.iter().filter(|open| !open.logged).count()
    }

    /// Writes in the `nth` running transaction, unless another one has the row.
    pub(crate) fn write(&mut self, nth: usize, change: Change) {
        let item = change.item();
        let mut running = self.open.iter().enumerate().filter(|(_, open)| !open.logged);
        let Some((index, _)) = running.nth(nth) else { return };
        let has = |open: &Open| open.writes.iter().any(|(other, _)| other.item() == item);
        if self.open.iter().enumerate().any(|(other, open)| other != index && has(open)) {
            return;
        }
        self.next_version += 1;
        self.open[index].writes.push((change, self.next_version));
    }

    /// Into the log; no snapshot sees it yet.
    pub(crate) fn commit(&mut self, nth: usize) {
        let Some(open) = self.open.iter_mut().filter(|open| !open.logged).nth(nth) else { return };
        open.logged = true;
        let (xid, writes) = (open.xid, open.writes.clone());
        self.log_of(xid, writes.into_iter().map(|(change, _)| change).collect());
    }

    fn log_of(&mut self, xid: u32, changes: Vec<Change>) {
        self.lsn += 16;
        self.moment += 1;
        if self.slot.is_some() {
            self.log.push_back(Committed { lsn: self.lsn, xid, moment: self.moment, changes });
        }
    }

    pub(crate) fn abort(&mut self, nth: usize) {
        let index =
            self.open.iter().enumerate().filter(|(_, open)| !open.logged).map(|(index, _)| index).nth(nth);
        if let Some(index) = index {
            self.open.remove(index);
        }
    }

    /// The oldest commit that no snapshot sees becomes visible, and its locks go.
    pub(crate) fn reveal(&mut self) -> bool {
        let Some(index) = self.open.iter().position(|open| open.logged) else { return false };
        let open = self.open.remove(index);
        for (change, version) in open.writes {
            self.show(change, version);
        }
        true
    }

    fn show(&mut self, change: Change, version: u64) {
        self.versions.insert(change.item(), version);
        match change {
            Change::Stock { sku, quantity: Some(quantity) } => drop(self.stock.insert(sku, quantity)),
            Change::Stock { sku, quantity: None } => drop(self.stock.remove(&sku)),
            Change::Touched { .. } => {}
            Change::Order(pedido) => match self.orders.iter_mut().find(|other| other.order == pedido.order) {
                Some(held) => *held = pedido,
                None => self.orders.push(pedido),
            },
        }
    }

    /// Whether somebody holds the row.
    pub(crate) fn is_locked(&self, item: &Item) -> bool {
        self.open.iter().any(|open| open.writes.iter().any(|(change, _)| change.item() == *item))
    }

    /// A whole transaction on one row that nobody holds, seen by all at once.
    pub(crate) fn at_once(&mut self, change: Change) {
        self.next_xid += 1;
        self.next_version += 1;
        let version = self.next_version;
        self.log_of(self.next_xid, vec![change.clone()]);
        self.show(change, version);
    }

    /// A second row of an order, as nothing but a mistake makes it.
    pub(crate) fn add_twin(&mut self, pedido: Pedido) {
        self.orders.push(pedido);
    }

    pub(crate) fn read(&self) -> Seen {
        let running: Vec<String> = self.open.iter().map(|open| open.xid.to_string()).collect();
        let next = self.next_xid + 1;
        let least = self.open.iter().map(|open| open.xid).min().unwrap_or(next);
        Seen {
            snapshot: format!("{least}:{next}:{}", running.join(",")),
            lsn: self.lsn,
            moment: self.moment,
            stock: self.stock.iter().map(|(sku, quantity)| (*sku, *quantity)).collect(),
            orders: self.orders.clone(),
        }
    }

    /// Below this every row version is committed or gone (`MIN_ACTIVE_ROWVERSION`).
    pub(crate) fn bound(&self) -> u64 {
        let given = self.open.iter().flat_map(|open| open.writes.iter().map(|(_, version)| *version));
        given.min().unwrap_or(self.next_version + 1)
    }

    /// One more than the newest row version.
    pub(crate) fn newest(&self) -> u64 {
        self.next_version + 1
    }

    pub(crate) fn make_slot(&mut self) -> Slot {
        // Postgres waits for the end of everything that it finds running: what the log has before the slot begins, every
        // later snapshot sees.
        while self.reveal() {}
        self.log.clear();
        let slot = Slot { created: self.lsn, confirmed: self.lsn };
        self.slot = Some(slot.clone());
        slot
    }

    pub(crate) fn confirm(&mut self, lsn: u64) {
        let Some(slot) = &mut self.slot else { return };
        slot.confirmed = slot.confirmed.max(lsn);
        while self.log.front().is_some_and(|first| first.lsn <= slot.confirmed) {
            self.log.pop_front();
        }
    }

    /// A backup takes the place of what was: rows and positions go back, time does not.
    pub(crate) fn restore(&mut self, backup: &Self) {
        let (moment, system) = (self.moment, self.system);
        *self = backup.clone();
        self.open.clear();
        self.slot = None;
        self.log.clear();
        self.moment = moment + 1;
        self.system = system + 1;
    }
}
