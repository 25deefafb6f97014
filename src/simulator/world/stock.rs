//! Stock per SKU and warehouse, and the reservations that are subtracted from it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use compact_str::CompactString;
use hashbrown::HashMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{SHARDS, SkuId, locked, shard_of};

/// What VTEX shows as the quantity of unlimited stock.
const UNLIMITED_QUANTITY: i64 = 1_000_000;
const NO_LEAD_TIME: &str = "00:00:00";
const RESERVATION_PREFIX: &str = "sim-";

/// Stock of one SKU in one warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockView {
    /// Total, as written; reservations are not subtracted.
    pub quantity: i64,
    /// Reserved by orders.
    pub reserved: i64,
    /// Of these, reserved by orders that the ERP has taken: the next quantity write removes them.
    pub acknowledged: i64,
    /// Total minus reserved.
    pub available: i64,
    /// Always for sale.
    pub unlimited: bool,
    /// `dd.hh:mm:ss`.
    pub lead_time: String,
    /// `dateUtcOnBalanceSystem` of the newest write; its arrival if it carried none.
    pub balance_at: Timestamp,
    /// How many writes were applied.
    pub writes: u32,
}

/// A step of a reservation after it was placed.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ReservationStep {
    /// Payment approved.
    Confirm,
    /// The ERP took the order (start-handling); the next quantity write removes the reservation.
    Acknowledge,
    /// The order is cancelled.
    Cancel,
}

/// A quantity as a request writes it.
#[derive(Debug)]
pub(crate) struct StockWrite<'a> {
    pub(crate) quantity: i64,
    pub(crate) unlimited: bool,
    /// `None` leaves it alone (PATCH).
    pub(crate) lead_time: Option<&'a str>,
    /// `None`: now.
    pub(crate) balance_at: Option<Timestamp>,
    pub(crate) late_acknowledged_stay: bool,
}

/// What a write did.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) changed: bool,
    /// The newer balance instant that was there.
    pub(crate) backwards_from: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct StockTable {
    shards: Box<Shards>,
    reservations: AtomicU64,
}

#[derive(Debug)]
struct Shards([Mutex<Shard>; SHARDS]);

impl Default for Shards {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

type StockKey = (SkuId, u16);

#[derive(Debug, Default)]
struct Shard {
    rows: HashMap<StockKey, Row>,
    reservations: HashMap<u64, Reservation>,
    /// Reservations that hold nothing any more.
    ended: HashMap<u64, (Reservation, ReservationEnd)>,
}

#[derive(Debug)]
struct Row {
    quantity: i64,
    reserved: i64,
    acknowledged: i64,
    unlimited: bool,
    lead_time: CompactString,
    balance_at: Timestamp,
    writes: u32,
}

#[derive(Clone, Debug)]
struct Reservation {
    key: StockKey,
    quantity: i64,
    state: ReservationState,
    /// The lock of the order it belongs to; empty when none placed it.
    lock: CompactString,
    placed: Timestamp,
    confirmed: Option<Timestamp>,
}

/// Why a reservation holds nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReservationEnd {
    /// Acknowledged, and a quantity written after it.
    Balanced,
    /// The order was cancelled.
    Cancelled,
    /// Never confirmed in time.
    Expired,
}

/// A reservation as the Logistics API shows it.
#[derive(Clone, Debug)]
pub(crate) struct ReservationView {
    pub(crate) sku: SkuId,
    pub(crate) warehouse: u16,
    pub(crate) quantity: i64,
    /// VTEX's number: 1 Authorized, 2 Confirmed, 4 AuthorizationExpired, 5 Manually cancelled. An acknowledged one has
    /// no number of its own in VTEX's documents and stays confirmed.
    pub(crate) status: u8,
    pub(crate) lock: String,
    pub(crate) placed: Timestamp,
    pub(crate) confirmed: Option<Timestamp>,
}

/// The states of VTEX's reservations that still hold stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReservationState {
    Authorized,
    Confirmed,
    Acknowledged(Timestamp),
}

impl StockTable {
    /// Sets the total. Idempotent and last-write-wins, as VTEX has neither version nor ETag.
    pub(crate) fn write(&self, sku: SkuId, warehouse: u16, write: &StockWrite<'_>) -> Written {
        let now = Timestamp::now();
        let balance_at = write.balance_at.unwrap_or(now);
        let mut shard = locked(self.shard(sku));
        let Shard { rows, reservations, ended } = &mut *shard;
        let key = (sku, warehouse);
        let row = rows.entry(key).or_insert_with(|| Row::empty(balance_at));
        let lead_time = write.lead_time.unwrap_or(&row.lead_time);
        let unchanged = row.writes > 0
            && (row.quantity, row.unlimited, row.acknowledged) == (write.quantity, write.unlimited, 0)
            && row.lead_time == lead_time;
        let backwards_from = (row.writes > 0 && balance_at < row.balance_at).then_some(row.balance_at);
        if row.acknowledged > 0 {
            reservations.retain(|id, reservation| {
                let ReservationState::Acknowledged(at) = reservation.state else { return true };
                let stays = reservation.key != key || (write.late_acknowledged_stay && at > balance_at);
                if !stays {
                    row.reserved -= reservation.quantity;
                    row.acknowledged -= reservation.quantity;
                    ended.insert(*id, (reservation.clone(), ReservationEnd::Balanced));
                }
                stays
            });
        }
        if row.lead_time != lead_time {
            row.lead_time = lead_time.into();
        }
        row.quantity = write.quantity;
        row.unlimited = write.unlimited;
        row.balance_at = balance_at;
        row.writes = row.writes.saturating_add(1);
        Written { changed: !unchanged, backwards_from }
    }

    pub(crate) fn write_lead_time(&self, sku: SkuId, warehouse: u16, lead_time: &str) {
        let mut shard = locked(self.shard(sku));
        let row = shard.rows.entry((sku, warehouse)).or_insert_with(|| Row::empty(Timestamp::now()));
        row.lead_time = lead_time.into();
    }

    pub(crate) fn get(&self, sku: SkuId, warehouse: u16) -> Option<StockView> {
        locked(self.shard(sku)).rows.get(&(sku, warehouse)).map(Row::view)
    }

    pub(super) fn count(&self) -> usize {
        self.shards.0.iter().map(|shard| locked(shard).rows.len()).sum()
    }

    /// Calls `each` for every row of one stripe.
    pub(crate) fn each_of_shard(&self, shard: usize, mut each: impl FnMut(SkuId, u16, StockView)) {
        for ((sku, warehouse), row) in &locked(&self.shards.0[shard]).rows {
            each(*sku, *warehouse, row.view());
        }
    }

    pub(super) fn clear(&self) {
        for shard in &self.shards.0 {
            *locked(shard) = Shard::default();
        }
    }

    /// `lock` names the order, `at` is when it was placed.
    pub(super) fn reserve(
        &self,
        sku: SkuId,
        warehouse: u16,
        quantity: u32,
        lock: &str,
        at: Timestamp,
    ) -> String {
        let sequence = self.reservations.fetch_add(1, Ordering::Relaxed) + 1;
        // The id tells its stripe, so that a step locks one stripe only.
        let id = sequence * SHARDS as u64 + shard_of(sku) as u64;
        let quantity = i64::from(quantity);
        let key = (sku, warehouse);
        let mut shard = locked(self.shard(sku));
        shard.rows.entry(key).or_insert_with(|| Row::empty(Timestamp::now())).reserved += quantity;
        let lock = CompactString::from(lock);
        let state = ReservationState::Authorized;
        shard
            .reservations
            .insert(id, Reservation { key, quantity, state, lock, placed: at, confirmed: None });
        format!("{RESERVATION_PREFIX}{id}")
    }

    /// `None` when there is no such reservation or its state does not allow the step.
    pub(crate) fn step(&self, id: &str, step: ReservationStep) -> Option<()> {
        let (id, shard) = self.reservation_shard(id)?;
        let mut shard = locked(shard);
        let Shard { rows, reservations, ended } = &mut *shard;
        let reservation = reservations.get_mut(&id)?;
        let row = rows.get_mut(&reservation.key)?;
        match (step, reservation.state) {
            (ReservationStep::Confirm, ReservationState::Authorized) => {
                reservation.state = ReservationState::Confirmed;
                reservation.confirmed = Some(Timestamp::now());
            }
            (ReservationStep::Acknowledge, ReservationState::Confirmed) => {
                reservation.state = ReservationState::Acknowledged(Timestamp::now());
                row.acknowledged += reservation.quantity;
            }
            (ReservationStep::Cancel, ReservationState::Authorized | ReservationState::Confirmed) => {
                row.reserved -= reservation.quantity;
                let reservation = reservations.remove(&id)?;
                ended.insert(id, (reservation, ReservationEnd::Cancelled));
            }
            _ => return None,
        }
        Some(())
    }

    /// Gives the stock of a reservation back, whatever step it has taken; nothing happens to one that ended before.
    pub(super) fn release(&self, id: &str, end: ReservationEnd) {
        let Some((id, shard)) = self.reservation_shard(id) else { return };
        let mut shard = locked(shard);
        let Shard { rows, reservations, ended } = &mut *shard;
        let Some(reservation) = reservations.remove(&id) else { return };
        if let Some(row) = rows.get_mut(&reservation.key) {
            row.reserved -= reservation.quantity;
            if matches!(reservation.state, ReservationState::Acknowledged(_)) {
                row.acknowledged -= reservation.quantity;
            }
        }
        ended.insert(id, (reservation, end));
    }

    pub(crate) fn reservation(&self, id: &str) -> Option<ReservationView> {
        let (number, shard) = self.reservation_shard(id)?;
        let shard = locked(shard);
        match (shard.reservations.get(&number), shard.ended.get(&number)) {
            (Some(active), _) => Some(active.view(None)),
            (None, Some((ended, end))) => Some(ended.view(Some(*end))),
            (None, None) => None,
        }
    }

    /// What takes stock away from a SKU in a warehouse, oldest first.
    pub(crate) fn reservations_of(&self, sku: SkuId, warehouse: u16) -> Vec<ReservationView> {
        let shard = locked(self.shard(sku));
        let of_key = shard.reservations.values().filter(|reservation| reservation.key == (sku, warehouse));
        let mut views: Vec<_> = of_key.map(|reservation| reservation.view(None)).collect();
        views.sort_by_key(|view| view.placed);
        views
    }

    fn reservation_shard(&self, id: &str) -> Option<(u64, &Mutex<Shard>)> {
        let id: u64 = id.strip_prefix(RESERVATION_PREFIX)?.parse().ok()?;
        Some((id, &self.shards.0[usize::try_from(id % SHARDS as u64).ok()?]))
    }

    fn shard(&self, sku: SkuId) -> &Mutex<Shard> {
        &self.shards.0[shard_of(sku)]
    }
}

impl Reservation {
    fn view(&self, end: Option<ReservationEnd>) -> ReservationView {
        let status = match (end, self.state) {
            (Some(ReservationEnd::Expired), _) => 4,
            (Some(ReservationEnd::Cancelled), _) => 5,
            (_, ReservationState::Authorized) => 1,
            (_, ReservationState::Confirmed | ReservationState::Acknowledged(_)) => 2,
        };
        let (sku, warehouse) = self.key;
        ReservationView {
            sku,
            warehouse,
            quantity: self.quantity,
            status,
            lock: self.lock.to_string(),
            placed: self.placed,
            confirmed: self.confirmed,
        }
    }
}

impl Row {
    fn empty(balance_at: Timestamp) -> Self {
        Self {
            quantity: 0,
            reserved: 0,
            acknowledged: 0,
            unlimited: false,
            lead_time: CompactString::const_new(NO_LEAD_TIME),
            balance_at,
            writes: 0,
        }
    }

    fn view(&self) -> StockView {
        let quantity = if self.unlimited { UNLIMITED_QUANTITY } else { self.quantity };
        StockView {
            quantity,
            reserved: self.reserved,
            acknowledged: self.acknowledged,
            available: if self.unlimited { quantity } else { quantity - self.reserved },
            unlimited: self.unlimited,
            lead_time: self.lead_time.to_string(),
            balance_at: self.balance_at,
            writes: self.writes,
        }
    }
}
