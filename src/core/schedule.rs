//! In which order the dirty keys of a route go out, and when those that wait come back.
//!
//! The law: the most urgent key goes first, and within an urgency the one that has waited longest; but
//! every `ageing_every`-th pick of a route takes the key that has waited longest of all. So a key with
//! `n` keys queued before it goes out within `ageing_every × (n + 1)` picks, however many more urgent
//! ones keep coming.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

use super::ledger::{Slot, has_too_many_leftovers};
use super::record::{Cause, Confirmed, Wanted};
use super::time::Tick;
use super::value::Value;

/// How soon a dirty key goes out. The order is the order in which they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// A consent that was refused or taken back: the law wants it known without delay.
    Revoked,
    /// The last unit is gone: each second may sell what is not there.
    SoldOut,
    /// Less than VTEX believes.
    Falling,
    /// More than VTEX believes: at worst a sale is missed.
    Rising,
    /// A brand, category, product or SKU.
    Catalog,
    /// A customer, or a consent that was given.
    Person,
    /// A price: oldest first, since raising late is wrong as often as lowering late.
    Price,
    /// Nobody is waiting for it: reconcile, the first load, changed reference data.
    Resync,
    /// Nothing is known to be wrong with it: VTEX is asked whether it still holds what it confirmed.
    Proof,
}

impl Urgency {
    pub const ALL: [Self; 9] = [
        Self::Revoked,
        Self::SoldOut,
        Self::Falling,
        Self::Rising,
        Self::Catalog,
        Self::Person,
        Self::Price,
        Self::Resync,
        Self::Proof,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::SoldOut => "sold-out",
            Self::Falling => "falling",
            Self::Rising => "rising",
            Self::Catalog => "catalog",
            Self::Person => "person",
            Self::Price => "price",
            Self::Resync => "resync",
            Self::Proof => "proof",
        }
    }

    /// The urgency of `wanted` where VTEX confirmed `confirmed`. A resync that finds less than VTEX
    /// believes is as urgent as any other loss; an unknown confirmed quantity counts as more than wanted,
    /// unless it is a resync.
    pub fn of(wanted: &Wanted, confirmed: Option<&Confirmed>) -> Self {
        let resync = wanted.cause == Cause::Resync;
        let held = match confirmed.map(|confirmed| &confirmed.value) {
            Some(Value::Stock(stock)) => Some(stock.told()),
            _ => None,
        };
        match (&wanted.value, held) {
            // What VTEX may act upon, however it was found. (What a first load finds refused, VTEX never had.)
            (Value::Consent(consent), _) if consent.takes_back() && (!resync || confirmed.is_some()) => {
                Self::Revoked
            }
            (Value::Erased | Value::Released(_), _) => Self::Revoked,
            (Value::Price(_), _) if resync => Self::Resync,
            (Value::Price(_), _) => Self::Price,
            (Value::Stock(_), None) if resync => Self::Resync,
            (Value::Stock(stock), held) if stock.quantity == 0 && held != Some(stock.told()) => Self::SoldOut,
            (Value::Stock(stock), held) if held.is_none_or(|held| stock.told() < held) => Self::Falling,
            _ if resync => Self::Resync,
            (Value::Stock(_), _) => Self::Rising,
            (Value::Customer(_) | Value::Consent(_), _) => Self::Person,
            _ => Self::Catalog,
        }
    }
}

/// One stay of a key in a queue or among the timers. It is a leftover when the entry in the slot carries
/// another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) slot: Slot,
    pub(crate) number: u32,
}

/// Hands out ticket numbers, never 0, which also tell who came first. They wrap, so two are compared by their
/// distance: right as long as fewer than two thousand million were handed out between them.
#[derive(Debug, Default)]
pub(crate) struct Tickets(u32);

impl Tickets {
    pub(crate) fn draw(&mut self, slot: Slot) -> Ticket {
        self.0 = self.0.wrapping_add(1).max(1);
        Ticket { slot, number: self.0 }
    }
}

#[derive(Debug, Default)]
struct Fifo {
    line: VecDeque<Ticket>,
    live: usize,
}

/// The dirty keys whose next request goes out on one route.
#[derive(Debug, Default)]
pub(crate) struct RouteQueue {
    fifos: [Fifo; Urgency::ALL.len()],
    picks: u32,
}

impl RouteQueue {
    /// Keys queued with an urgency.
    pub(crate) const fn len(&self, urgency: Urgency) -> usize {
        self.fifos[urgency as usize].live
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fifos.iter().all(|fifo| fifo.live == 0)
    }

    /// The keys of an urgency in the order in which they came, leftovers among them.
    pub(crate) fn waiting(&self, urgency: Urgency) -> impl Iterator<Item = Ticket> {
        self.fifos[urgency as usize].line.iter().copied()
    }

    pub(crate) fn push(&mut self, urgency: Urgency, ticket: Ticket) {
        let fifo = &mut self.fifos[urgency as usize];
        fifo.line.push_back(ticket);
        fifo.live += 1;
    }

    /// A key leaves, picked or not; it carries another ticket by now. `is_live` tells keys from leftovers.
    pub(crate) fn leave(&mut self, urgency: Urgency, is_live: impl Fn(Ticket) -> bool) {
        let fifo = &mut self.fifos[urgency as usize];
        fifo.live -= 1;
        if has_too_many_leftovers(fifo.line.len(), fifo.live) {
            fifo.line.retain(|ticket| is_live(*ticket));
        }
    }

    /// The key whose turn it is. It counts as queued until it [leaves](RouteQueue::leave).
    pub(crate) fn pick(&mut self, ageing_every: u32, is_live: impl Fn(Ticket) -> bool) -> Option<Slot> {
        for fifo in &mut self.fifos {
            while fifo.line.front().is_some_and(|ticket| !is_live(*ticket)) {
                fifo.line.pop_front();
            }
        }
        self.picks = self.picks.wrapping_add(1);
        let fifo = if self.picks.is_multiple_of(ageing_every.max(1)) {
            let newest = self.fifos.iter().filter_map(|fifo| fifo.line.front()).next()?.number;
            let waited = |fifo: &&mut Fifo| {
                fifo.line.front().map(|ticket| (newest.wrapping_sub(ticket.number)).cast_signed())
            };
            self.fifos.iter_mut().max_by_key(waited)?
        } else {
            self.fifos.iter_mut().find(|fifo| !fifo.line.is_empty())?
        };
        fifo.line.pop_front().map(|ticket| ticket.slot)
    }
}

/// When keys that wait come back.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Tick, Ticket)>>,
    live: usize,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Tick, ticket: Ticket) {
        self.heap.push(Reverse((at, ticket)));
        self.live += 1;
    }

    /// A waiting key came back; it carries another ticket by now.
    pub(crate) fn leave(&mut self, is_live: impl Fn(Ticket) -> bool) {
        self.live -= 1;
        if has_too_many_leftovers(self.heap.len(), self.live) {
            self.heap.retain(|Reverse((_, ticket))| is_live(*ticket));
        }
    }

    /// The next key whose time has come. It counts as waiting until it [leaves](Timers::leave).
    pub(crate) fn pop_due(&mut self, now: Tick, is_live: impl Fn(Ticket) -> bool) -> Option<Slot> {
        while let Some(Reverse((at, ticket))) = self.heap.peek().copied() {
            if is_live(ticket) && at > now {
                return None;
            }
            self.heap.pop();
            if is_live(ticket) {
                return Some(ticket.slot);
            }
        }
        None
    }

    /// When to look again; may be a leftover's time, which costs one look.
    pub(crate) fn next_at(&self) -> Option<Tick> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}
