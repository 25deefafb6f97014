//! The heart: which request goes out when, and what its outcome means for its key.
//!
//! One synchronous state machine, owned by one task. The shell brings events (a durable change, an
//! outcome, an operator's command) and the time, and carries out what comes back: requests to send and
//! [`Effect`]s to persist.
//!
//! ```text
//!               SKU unknown                  failed: again later
//!   want ──┬──▶ waits for SKU ──┐       ┌──── backing off ◀────┐
//!          └────────────────────┴▶ queued ───▶ in flight ──────┼──▶ at rest (no entry)
//!                                       ▲         ▲ └ next call│
//!              newer change, operator   └─ parked ◀────────────┘
//! ```
//!
//! Rules that hold throughout: a key has at most one request in flight; a newer value waits behind it;
//! delivered versions never go backwards; nothing is suppressed unless VTEX is known to hold it.

mod bulk;
mod errand;
mod finish;
mod gates;
mod moves;
mod operator;
mod proof;
mod reservations;
mod send;
mod tuning;
mod view;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use compact_str::CompactString;
use hashbrown::HashMap;

use super::call::bulk::BulkKind;
use super::call::{Call, Lane, Outcome, Route};
use super::entity::{Entity, Key, RemoteId, SkuId};
use super::ledger::{Doubt, Echo, Entry, Ledger, Slot, State};
use super::parents::Parents;
use super::plan::{self, Held, Links, Next, Rules, Situation};
use super::position::Position;
use super::progress::Observed;
use super::record::{Cause, Confirmed, Dirty, Wanted};
use super::reserved::Reserved;
use super::schedule::{RouteQueue, Tickets, Timers, Urgency};
use super::skus::Skus;
use super::time::{Now, Tick, Timestamp};
use super::value::{Value, person};

use bulk::BulkDesk;
pub use bulk::{BulkEvent, BulkStats, RowCounts};
pub use errand::{ErrandId, Newsletter};
pub use finish::UNEXPECTED_ATTEMPTS_MAX;
use gates::Gates;
pub use gates::LaneGate;
use moves::Census;
pub use proof::{Drift, Proven};
pub use tuning::{Concurrency, InvalidTuning, RouteLimits, Tuning};
use view::Totals;
pub use view::{Class, Explain, KeyState, LaneStats, PARKED_PAGE_MAX, ParkedKey, RouteStats, Stats};

/// How long VTEX may still apply a write whose answer never came. Gateways and load balancers give up on
/// a request after a minute at the latest.
pub const LATE_APPLY: Duration = Duration::from_secs(60);

/// Names one request between [`Dispatch::poll`] and [`Dispatch::finished`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A request to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: RequestId,
    pub call: Call,
    /// The key that it writes; `None` for a request that only reads.
    pub key: Option<Key>,
    /// The only request of its lane, to see whether VTEX is back.
    pub probe: bool,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// The key was at rest.
    New,
    /// It replaced a value that had not been sent.
    Coalesced,
    /// It waits behind the request in flight.
    Waits,
    /// VTEX holds it already: no request.
    Suppressed,
    /// A newer version of the key is known: dropped.
    Stale,
}

/// What the shell has to do. Everything but `Confirmed` is for the store, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The key is at rest: delete its dirty record, unless that one is newer than `position` (a change that
    /// is durable and not announced yet), and replace its confirmed record by `confirmed` if there is one.
    Settle { key: Key, position: Position, confirmed: Option<Confirmed> },
    /// VTEX confirmed a value but the key is not at rest: replace the confirmed record only.
    Advance { key: Key, confirmed: Confirmed },
    /// Replace the dirty record, unless the one on disk is newer than `position`.
    Amend { key: Key, position: Position, dirty: Dirty },
    /// VTEX may hold anything for this key: delete the confirmed record.
    Unconfirm { key: Key },
    /// The SKU of a reference; `None`: it is no longer known.
    SkuLearned { sku_ref: CompactString, id: Option<SkuId> },
    /// VTEX's name of anything else; `None`: it is no longer known.
    Learned { key: Key, id: Option<RemoteId> },
    /// VTEX does not have something any more that others hang on, and that is at rest: what was confirmed of it is to be
    /// dirty again, on disk and as a new [`Dispatch::want`], in the same commit as what comes before.
    Reopen { key: Key },
    /// Live has no price for a SKU any more that it had one for. What becomes of the one in VTEX is said by
    /// [`plan::OnMissingPrice`].
    PriceLost { key: Key },
    /// The person of this customer key is to leave no trace with us.
    Erase { key: Key },
    /// A job of many keys has begun or ended. Its [record](Dispatch::bulk_record) goes when it is over.
    Bulk(BulkEvent),
    /// VTEX confirmed this version, committed in Live at `committed_at`: the latency to measure.
    Confirmed { key: Key, committed_at: Timestamp, position: Position },
}

/// A key between its first request and the last one that its value takes.
#[derive(Debug)]
struct Job {
    /// The version being delivered: the newest one until the first write.
    wanted: Wanted,
    /// When the first value that waits behind this one was committed.
    behind_since: Option<Timestamp>,
    links: Links,
    held: Held,
    /// VTEX has accepted a write of this job.
    wrote: bool,
    began: Tick,
    /// An operator wants the key set aside as soon as the request is back.
    park: bool,
    /// It is a row of a job of many keys.
    row_of: Option<BulkKind>,
    /// It must be told once more after this.
    again: bool,
}

/// What the store knows of a key at rest.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub confirmed: Option<Confirmed>,
    /// VTEX's name of it; of brands, categories, products and SKUs see [`Dispatch::know_id`] and
    /// [`Dispatch::know_sku`].
    pub id: Option<RemoteId>,
}

impl From<Option<Confirmed>> for Known {
    fn from(confirmed: Option<Confirmed>) -> Self {
        Self { confirmed, id: None }
    }
}

/// A request that is out.
#[derive(Debug)]
struct Flight {
    call: Call,
    /// The key's entry; `None` for a look-up of SKUs, for errands, and for a job of many keys.
    slot: Option<Slot>,
    errand: Option<ErrandId>,
}

/// The state machine. See the module.
#[derive(Debug)]
pub struct Dispatch {
    tuning: Tuning,
    ledger: Ledger,
    skus: Skus,
    parents: Parents,
    reserved: Reserved,
    queues: [RouteQueue; Route::ALL.len()],
    timers: Timers,
    tickets: Tickets,
    jobs: HashMap<Slot, Job>,
    /// Jobs whose next request waits for its route, ahead of new keys.
    continuing: [VecDeque<Slot>; Route::ALL.len()],
    flights: HashMap<RequestId, Flight>,
    bulk: [BulkDesk; BulkKind::ALL.len()],
    errands: [VecDeque<(ErrandId, Call)>; Route::ALL.len()],
    done_errands: Vec<(ErrandId, Outcome)>,
    proven: Vec<(Key, Proven)>,
    requests: u64,
    gates: Gates,
    /// Whose turn it is among the routes of a lane.
    turns: [usize; Lane::ALL.len()],
    looked_up: Option<Tick>,
    /// Look-ups that are out.
    look_ups: u32,
    /// Requests sent, by lane.
    sent: [u32; Lane::ALL.len()],
    census: [Census; Lane::ALL.len()],
    parked: BTreeSet<Key>,
    parked_counts: [usize; Entity::ALL.len()],
    observed: Observed,
    totals: Totals,
}

impl Dispatch {
    /// Nothing dirty, nothing known. `tuning` was validated.
    pub fn new(tuning: Tuning, now: Now) -> Self {
        Self {
            gates: Gates::new(&tuning, now.tick),
            tuning,
            ledger: Ledger::default(),
            skus: Skus::default(),
            parents: Parents::default(),
            reserved: Reserved::default(),
            queues: Default::default(),
            timers: Timers::default(),
            tickets: Tickets::default(),
            jobs: HashMap::new(),
            continuing: Default::default(),
            flights: HashMap::new(),
            bulk: Default::default(),
            errands: Default::default(),
            done_errands: Vec::new(),
            proven: Vec::new(),
            requests: 0,
            turns: Default::default(),
            looked_up: None,
            look_ups: 0,
            sent: Default::default(),
            census: Default::default(),
            parked: BTreeSet::new(),
            parked_counts: Default::default(),
            observed: Observed::default(),
            totals: Totals::default(),
        }
    }

    /// A dirty record found in the store at start. A request for it may have been out when the process
    /// ended, so its confirmed value is not relied upon: it is sent, never suppressed.
    pub fn restore(&mut self, key: Key, dirty: Dirty, known: Known, now: Now, effects: &mut Vec<Effect>) {
        let Known { confirmed, id } = known;
        if self.ledger.find(&key).is_some() {
            return;
        }
        if is_newer(confirmed.as_ref(), &dirty.wanted) {
            self.totals.stale += 1;
            effects.push(Effect::Settle { key, position: dirty.wanted.position, confirmed: None });
            return;
        }
        let Dirty { wanted, since, attempts, not_before, doubtful, parked, last } = dirty;
        let wanted = self.with_units(&key, wanted);
        let mut entry = new_entry(key, wanted, confirmed, id);
        entry.since = since;
        entry.attempts = attempts;
        entry.doubt = if doubtful { Doubt::ReadFirst } else { Doubt::Unsure };
        if doubtful {
            entry.trouble_mut().echo = Some(Echo { until: now.tick + LATE_APPLY, value: None });
        }
        if last.is_some() {
            entry.trouble_mut().last = last;
        }
        let slot = self.ledger.insert(entry);
        match (parked, not_before) {
            (Some(parked), _) => self.set_aside(slot, parked),
            (None, Some(at)) if at > now.wall => {
                let delay = now.wall.until(at).min(self.tuning.retry().max);
                self.back_off(slot, State::BackingOff, delay, now);
            }
            _ => self.place(slot, now),
        }
    }

    /// What the store, or a look-up elsewhere, knows about a reference; `None` forgets it. Keys that wait
    /// for it wake.
    pub fn know_sku(&mut self, sku_ref: &str, id: Option<SkuId>, now: Now) {
        match id {
            Some(id) => self.learn_sku(sku_ref, id, now),
            None => self.skus.forget(sku_ref),
        }
    }

    /// What the store knows of anything else.
    pub fn know_id(&mut self, key: &Key, id: RemoteId, now: Now) {
        if let (true, RemoteId::Number(number)) = (Parents::keeps(key.entity), id) {
            self.learn_parent(key, number, now);
        }
    }

    /// A SKU was created in VTEX: keys that wait for it need not wait for the next look-up.
    pub fn sku_created(&mut self, sku_ref: &str) {
        self.skus.wake(sku_ref);
    }

    /// A change that is durable in the store, which keeps the newer one of two. `known` is asked only when the key is at rest, and must
    /// know every effect returned so far. A reconcile that found VTEX itself different deletes the confirmed
    /// record before, so that nothing is suppressed.
    pub fn want(
        &mut self,
        key: &Key,
        wanted: Wanted,
        known: impl FnOnce() -> Known,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Accepted {
        let wanted = self.with_units(key, wanted);
        let unpriced = wanted.value.is_priced() == Some(false);
        let (had_price, accepted) = match self.ledger.find(key) {
            Some(slot) => {
                let before = self.ledger.get(slot).and_then(|entry| entry.wanted.value.is_priced());
                (before, self.want_again(slot, wanted, now, effects))
            }
            None => {
                let known = known();
                let before = known.confirmed.as_ref().and_then(|confirmed| confirmed.value.is_priced());
                (before, self.want_anew(key, wanted, known, now, effects))
            }
        };
        if unpriced && had_price == Some(true) && accepted != Accepted::Stale {
            self.totals.prices_lost += 1;
            effects.push(Effect::PriceLost { key: key.clone() });
        }
        match accepted {
            Accepted::New => {}
            Accepted::Coalesced | Accepted::Waits => self.totals.coalesced += 1,
            Accepted::Suppressed => self.totals.suppressed += 1,
            Accepted::Stale => self.totals.stale += 1,
        }
        accepted
    }

    fn want_anew(
        &mut self,
        key: &Key,
        wanted: Wanted,
        known: Known,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Accepted {
        let Known { confirmed, id } = known;
        if is_newer(confirmed.as_ref(), &wanted) {
            effects.push(Effect::Settle { key: key.clone(), position: wanted.position, confirmed: None });
            return Accepted::Stale;
        }
        let entry = new_entry(key.clone(), wanted, confirmed, id);
        if self.needs_nothing(&entry) {
            self.suppress(entry, now, effects);
            return Accepted::Suppressed;
        }
        let slot = self.ledger.insert(entry);
        self.place(slot, now);
        Accepted::New
    }

    fn want_again(&mut self, slot: Slot, wanted: Wanted, now: Now, effects: &mut Vec<Effect>) -> Accepted {
        let Some(entry) = self.ledger.get_mut(slot) else { return Accepted::Stale };
        let replayed = entry.wanted.position == wanted.position && entry.wanted.value == wanted.value;
        if entry.is_newer_than(&wanted) || (replayed && entry.state == State::Parked) {
            effects.push(amend(entry)); // the store may have replaced its record
            return if replayed { Accepted::Coalesced } else { Accepted::Stale };
        }
        if entry.proof().is_some() {
            self.change_overtakes(slot, wanted.committed_at);
        }
        let Some(entry) = self.ledger.get_mut(slot) else { return Accepted::Stale };
        effects.extend(remember_told(entry, &wanted));
        let undelivered_change = entry.state != State::InFlight && entry.wanted.cause == Cause::Change;
        let committed_at = wanted.committed_at;
        if entry.wanted.value != wanted.value
            && let Some(trouble) = &mut entry.trouble
        {
            trouble.allowed = false; // what was confirmed by somebody was another value
        }
        entry.wanted = wanted;
        entry.attempts = 0;
        if undelivered_change {
            entry.wanted.cause = Cause::Change; // somebody is still waiting, whatever came on top
        }
        let doubtful = entry.is_doubtful();
        let accepted = if entry.state == State::InFlight {
            if let Some(job) = self.jobs.get_mut(&slot) {
                job.behind_since.get_or_insert(committed_at);
            }
            Accepted::Waits
        } else {
            self.reconsider(slot, now, effects)
        };
        if doubtful && accepted != Accepted::Suppressed {
            // The record of the newer value does not know of the doubt. It is no longer set aside.
            effects.extend(self.ledger.get(slot).map(amend));
        }
        accepted
    }

    /// A key that is not in flight has a newer value.
    fn reconsider(&mut self, slot: Slot, now: Now, effects: &mut Vec<Effect>) -> Accepted {
        let Some(entry) = self.ledger.get(slot) else { return Accepted::Stale };
        let (state, urgency, jumps) = (entry.state, urgency_of(entry), self.is_jump(entry));
        let partly = entry.trouble.as_ref().is_some_and(|trouble| trouble.partly);
        let (is_order, doubtful) = (entry.key.entity == Entity::Order, entry.is_doubtful());
        if self.needs_nothing(entry) {
            if let Some(entry) = self.discard(slot) {
                self.suppress(entry, now, effects);
            }
            return Accepted::Suppressed;
        }
        match state {
            State::Queued { urgency: queued, .. } if queued <= urgency && !jumps => {}
            // What Live says newly of an order is what it was looked at again for.
            State::BackingOff if is_order && !doubtful => {
                self.leave(slot);
                self.place(slot, now);
            }
            State::WaitsForSku if !jumps => {}
            State::BackingOff if !jumps && !partly => {}
            // It may hang on something else now.
            State::WaitsForParent
            | State::WaitsForSku
            | State::BackingOff
            | State::Queued { .. }
            | State::Verifying
            | State::Parked
            | State::Nowhere
            | State::InFlight => {
                self.leave(slot);
                self.place(slot, now);
            }
        }
        Accepted::Coalesced
    }

    /// Whether the entry can be settled without a request.
    fn needs_nothing(&self, entry: &Entry) -> bool {
        let only_absent_differ = || {
            let Some(confirmed) = &entry.confirmed else { return false };
            let Value::Price(_) = &confirmed.value else { return false };
            let held = Held::confirmed(&confirmed.value);
            entry.doubt == Doubt::None
                && self.plan(entry, &entry.wanted, &held, &Links::default(), entry.since) == Next::Done
        };
        entry.is_satisfied() || only_absent_differ()
    }

    fn plan(&self, entry: &Entry, wanted: &Wanted, held: &Held, links: &Links, now: Timestamp) -> Next {
        plan::next(&Situation {
            key: &entry.key,
            links,
            wanted: &wanted.value,
            committed_at: wanted.committed_at,
            confirmed: entry.confirmed.as_ref().map(|confirmed| &confirmed.value),
            now,
            attempts: entry.attempts,
            read_first: entry.doubt == Doubt::ReadFirst,
            held,
            rules: Rules {
                price: &self.tuning.price,
                catalog: &self.tuning.catalog,
                orders: &self.tuning.orders,
            },
        })
    }
}

fn new_entry(key: Key, wanted: Wanted, confirmed: Option<Confirmed>, id: Option<RemoteId>) -> Entry {
    let since = wanted.committed_at;
    Entry {
        key,
        wanted,
        since,
        confirmed,
        id: id.map(Box::new),
        attempts: 0,
        ticket: 0,
        birth: 0,
        state: State::Nowhere,
        doubt: Doubt::None,
        trouble: None,
    }
}

/// A value about a person is replaced after requests for it went out, or may have: what VTEX may have been told by them
/// is kept as confirmed, though not relied upon, or nobody would know what to take back, and whom to erase.
fn remember_told(entry: &mut Entry, newer: &Wanted) -> Option<Effect> {
    let untouched = entry.attempts == 0
        && entry.doubt == Doubt::None
        && entry.state != State::InFlight
        && entry.trouble.as_ref().is_none_or(|trouble| trouble.last.is_none());
    if untouched || entry.wanted.value == newer.value {
        return None;
    }
    let before = entry.confirmed.as_ref();
    let value = person::told(before.map(|confirmed| &confirmed.value), &entry.wanted.value)?;
    let position = before.map(|confirmed| confirmed.position).unwrap_or_default();
    let confirmed = Confirmed { value, position, at: entry.wanted.committed_at };
    entry.confirmed = Some(confirmed.clone());
    entry.doubt = entry.doubt.max(Doubt::Unsure);
    Some(Effect::Advance { key: entry.key.clone(), confirmed })
}

fn is_newer(confirmed: Option<&Confirmed>, wanted: &Wanted) -> bool {
    confirmed.is_some_and(|confirmed| confirmed.position > wanted.position)
}

fn urgency_of(entry: &Entry) -> Urgency {
    match entry.proof() {
        Some(_) => Urgency::Proof,
        None => Urgency::of(&entry.wanted, entry.confirmed.as_ref()),
    }
}

/// What the planner may assume of a key before a job has asked VTEX anything.
fn held_at_rest(entry: &Entry) -> Held {
    match &entry.confirmed {
        Some(confirmed) if entry.proof().is_some() => Held::to_prove(&confirmed.value),
        Some(confirmed) if entry.doubt == Doubt::None => Held::confirmed(&confirmed.value),
        _ => Held::Unknown,
    }
}

fn amend(entry: &Entry) -> Effect {
    Effect::Amend { key: entry.key.clone(), position: entry.wanted.position, dirty: entry.record() }
}

/// VTEX holds the wanted value without a request. Its version is confirmed all the same, or an older
/// change that comes late would pass for a newer one.
fn settle_suppressed(entry: Entry) -> Effect {
    let Entry { key, wanted, confirmed, .. } = entry;
    let Wanted { value, position, .. } = wanted;
    let confirmed =
        confirmed.map(|confirmed| Confirmed { value: value.at_rest(), position, at: confirmed.at });
    Effect::Settle { key, position, confirmed }
}
