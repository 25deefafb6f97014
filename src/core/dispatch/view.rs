//! What operators and metrics see.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Serialize;

use super::super::call::bulk::BulkKind;
use super::super::call::{Answer, Failure, Lane, Route};
use super::super::entity::{Entity, Key};
use super::super::ledger::{Entry, State, lane_of};
use super::super::limiter::RouteState;
use super::super::progress::{self, Estimate};
use super::super::record::{Confirmed, Exchange, ParkReason, Parked, Wanted};
use super::super::schedule::Urgency;
use super::super::time::{Now, Timestamp};
use super::bulk::BulkStats;
use super::gates::LaneGate;
use super::send::routes_of;
use super::{Dispatch, Doubt};

/// The most parked keys in one page: some hundred kilobytes of JSON.
pub const PARKED_PAGE_MAX: usize = 500;

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    Queued(Urgency),
    WaitsForSku,
    WaitsForParent,
    InFlight,
    BackingOff,
    Verifying,
    Parked,
}

/// All that is known about a key that is not at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explain {
    pub key: Key,
    pub state: KeyState,
    pub wanted: Wanted,
    pub confirmed: Option<Confirmed>,
    /// Since when VTEX has been behind.
    pub since: Timestamp,
    pub attempts: u32,
    /// A request may have been applied without our knowing.
    pub doubtful: bool,
    /// When it is tried next, where a time is set.
    pub next_at: Option<Timestamp>,
    /// What it waits for.
    pub why: String,
    pub parked: Option<Parked>,
    /// The last request that failed.
    pub last: Option<Exchange>,
}

/// One parked key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParkedKey {
    pub key: Key,
    pub parked: Parked,
    pub wanted: Wanted,
    pub since: Timestamp,
    pub last: Option<Exchange>,
}

/// One lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneStats {
    /// Keys that wait for their turn, by urgency.
    pub queued: BTreeMap<Urgency, usize>,
    pub waiting_for_sku: usize,
    /// Keys that wait for what they hang on: a brand, a category, a product.
    pub waiting_for_parent: usize,
    /// Keys whose request is out, or that wait for the next one of several.
    pub in_flight: usize,
    pub backing_off: usize,
    pub verifying: usize,
    pub parked: BTreeMap<ParkReason, usize>,
    /// Since when the key that has waited longest has been dirty; those that are parked or wait for their
    /// SKU do not count.
    pub oldest_since: Option<Timestamp>,
    pub paused: bool,
    pub gate: LaneGate,
    /// How many more keys may wait than single requests are good for: a job takes them.
    pub room: usize,
    /// How long what waits will take. `None`: it is not known, or the lane sends nothing.
    pub left: Option<Estimate>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteStats {
    pub limit: RouteState,
    /// Requests that came back, by how.
    pub requests: BTreeMap<Class, u64>,
}

/// Everything at a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    pub lanes: BTreeMap<Lane, LaneStats>,
    pub routes: BTreeMap<Route, RouteStats>,
    pub bulk: BTreeMap<BulkKind, BulkStats>,
    /// Keys that are not at rest.
    pub keys: usize,
    pub known_skus: usize,
    /// References that are being looked up.
    pub missing_skus: usize,
    pub coalesced: u64,
    pub suppressed: u64,
    pub stale: u64,
    pub confirmed: u64,
    /// SKUs whose last price went in Live.
    pub prices_lost: u64,
}

/// How a request came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Ok,
    RateLimited,
    Refused,
    ServerError,
    Timeout,
    Connect,
    Reset,
    Malformed,
}

impl Class {
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::RateLimited,
        Self::Refused,
        Self::ServerError,
        Self::Timeout,
        Self::Connect,
        Self::Reset,
        Self::Malformed,
    ];

    /// The label in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::RateLimited => "429",
            Self::Refused => "4xx",
            Self::ServerError => "5xx",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Malformed => "malformed",
        }
    }

    const fn of(result: &Result<Answer, Failure>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(Failure::Status { code: 429, .. }) => Self::RateLimited,
            Err(Failure::Status { code: 500.., .. }) => Self::ServerError,
            Err(Failure::Status { .. }) => Self::Refused,
            Err(Failure::Timeout) => Self::Timeout,
            Err(Failure::Connect(_)) => Self::Connect,
            Err(Failure::Reset(_)) => Self::Reset,
            Err(Failure::Malformed(_)) => Self::Malformed,
        }
    }
}

/// Counted since the start.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) coalesced: u64,
    pub(super) suppressed: u64,
    pub(super) stale: u64,
    pub(super) confirmed: u64,
    pub(super) prices_lost: u64,
    requests: [[u64; Class::ALL.len()]; Route::ALL.len()],
}

impl Totals {
    pub(super) fn count(&mut self, route: Route, result: &Result<Answer, Failure>) {
        self.requests[route as usize][Class::of(result) as usize] += 1;
    }
}

impl Dispatch {
    /// No key needs anything: none is dirty, in flight or waiting. Parked keys wait for a person.
    pub fn is_idle(&self) -> bool {
        self.ledger.len() == self.parked.len() && self.flights.is_empty()
    }

    /// Requests that are out.
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Where a key stands; `None`: it is at rest.
    pub fn explain(&self, key: &Key, now: Now) -> Option<Explain> {
        let entry = self.ledger.get(self.ledger.find(key)?)?;
        let trouble = entry.trouble.as_deref();
        Some(Explain {
            key: entry.key.clone(),
            state: key_state(entry.state)?,
            wanted: masked(&entry.wanted),
            confirmed: entry
                .confirmed
                .as_ref()
                .map(|confirmed| Confirmed { value: confirmed.value.masked(), ..confirmed.clone() }),
            since: entry.since,
            attempts: entry.attempts,
            doubtful: entry.doubt == Doubt::ReadFirst,
            next_at: trouble.and_then(|trouble| trouble.not_before).map(|(_, wall)| wall),
            why: self.why(entry, now),
            parked: entry.parked().cloned(),
            last: trouble.and_then(|trouble| trouble.last.clone()),
        })
    }

    fn why(&self, entry: &Entry, now: Now) -> String {
        let lane = entry.lane();
        match entry.state {
            State::Queued { .. } if self.tuning.paused.contains(&lane) => {
                format!("the lane {} is paused", lane.name())
            }
            State::Queued { route, urgency } => {
                let before: usize = Urgency::ALL
                    .into_iter()
                    .filter(|other| *other <= urgency)
                    .map(|urgency| self.queues[route as usize].len(urgency))
                    .sum();
                let held_up = self.gates.why_shut(route, now.tick);
                let held_up = held_up.map(|reason| format!("; {reason}")).unwrap_or_default();
                format!("one of {before} keys as urgent or more on route {}{held_up}", route.name())
            }
            State::WaitsForSku => {
                format!("VTEX knows no SKU with the reference {}", entry.key.sku().unwrap_or_default())
            }
            State::WaitsForParent => {
                let slot = self.ledger.find(&entry.key);
                match slot.and_then(|slot| self.parents.awaited(slot)) {
                    Some(parent) => format!("VTEX does not have {parent} yet"),
                    None => String::new(),
                }
            }
            State::InFlight => {
                let slot = self.ledger.find(&entry.key);
                let job = slot.and_then(|slot| self.jobs.get(&slot));
                match job.and_then(|job| job.row_of).map(|kind| self.bulk_stats(kind)) {
                    Some(job) => format!("a row of bulk job {} ({} rows): {}", job.batch, job.rows, job.step),
                    None => "its request is out".to_owned(),
                }
            }
            State::BackingOff => {
                "a request failed, VTEX is at work on it, or a part could not be sent: it is tried again"
                    .to_owned()
            }
            State::Verifying => {
                "delivered; an older request without an answer may still be applied".to_owned()
            }
            State::Parked => entry.parked().map(|parked| parked.hint.clone()).unwrap_or_default(),
            State::Nowhere => String::new(),
        }
    }

    /// Parked keys in order of key, after `after`; at most [`PARKED_PAGE_MAX`].
    pub fn parked(&self, after: Option<&Key>, limit: usize) -> Vec<ParkedKey> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.parked
            .range::<Key, _>((from, Bound::Unbounded))
            .filter_map(|key| self.ledger.get(self.ledger.find(key)?))
            .filter_map(|entry| {
                let trouble = entry.trouble.as_deref()?;
                Some(ParkedKey {
                    key: entry.key.clone(),
                    parked: trouble.parked.clone()?,
                    wanted: masked(&entry.wanted),
                    since: entry.since,
                    last: trouble.last.clone(),
                })
            })
            .take(limit.min(PARKED_PAGE_MAX))
            .collect()
    }

    /// Everything at this moment. Its cost does not depend on the number of keys.
    pub fn stats(&mut self, now: Now) -> Stats {
        let lanes = Lane::ALL.into_iter().map(|lane| (lane, self.lane_stats(lane, now))).collect();
        let routes = Route::ALL.into_iter().map(|route| (route, self.route_stats(route, now))).collect();
        let bulk = BulkKind::ALL.into_iter().map(|kind| (kind, self.bulk_stats(kind))).collect();
        Stats {
            lanes,
            routes,
            bulk,
            keys: self.ledger.len(),
            known_skus: self.skus.known(),
            missing_skus: self.skus.missing(),
            coalesced: self.totals.coalesced,
            suppressed: self.totals.suppressed,
            stale: self.totals.stale,
            confirmed: self.totals.confirmed,
            prices_lost: self.totals.prices_lost,
        }
    }

    /// Keys to be sent: those that are parked wait for somebody.
    fn to_send(&self, entity: Entity) -> usize {
        self.ledger.count(entity) - self.parked_counts[entity.index()]
    }

    fn left(&self, lane: Lane, now: Now) -> Option<Estimate> {
        if self.tuning.paused.contains(&lane) || self.gates.is_broken(lane) {
            return None;
        }
        let for_sku = match lane {
            Lane::Stock | Lane::Price => self.census[lane as usize].waiting_for_sku,
            _ => 0,
        };
        // Where no SKU is being made by us, nobody can say when the others will be.
        let makes_skus = self.to_send(Entity::Sku) > 0;
        let waiting = |entity| self.to_send(entity) - if makes_skus { 0 } else { for_sku };
        let allowed = |route| self.gates.route(route, now.tick).allowed_per_second;
        let own = progress::estimate(lane, waiting, &self.observed, allowed, self.gates.pace(lane))?;
        if for_sku == 0 || !makes_skus {
            return Some(own);
        }
        let skus = self.left(Lane::Catalog, now)?;
        Some(Estimate { seconds: own.seconds.max(skus.seconds), ..own })
    }

    fn lane_stats(&mut self, lane: Lane, now: Now) -> LaneStats {
        let queued = |urgency| routes_of(lane).map(|route| self.queues[route as usize].len(urgency)).sum();
        let queued = Urgency::ALL.into_iter().map(|urgency| (urgency, queued(urgency))).collect();
        let census = self.census[lane as usize];
        LaneStats {
            queued,
            waiting_for_sku: census.waiting_for_sku,
            waiting_for_parent: census.waiting_for_parent,
            in_flight: census.in_flight,
            backing_off: census.backing_off,
            verifying: census.verifying,
            parked: ParkReason::ALL
                .into_iter()
                .map(|reason| (reason, census.parked[reason as usize]))
                .collect(),
            oldest_since: self.ledger.oldest(lane),
            paused: self.tuning.paused.contains(&lane),
            gate: self.gates.lane(lane),
            room: BulkKind::ALL
                .into_iter()
                .filter(|kind| lane_of(kind.entity()) == lane)
                .map(|kind| self.bulk_room(kind))
                .sum(),
            left: self.left(lane, now),
        }
    }

    fn route_stats(&self, route: Route, now: Now) -> RouteStats {
        let requests = self.totals.requests[route as usize];
        RouteStats {
            limit: self.gates.route(route, now.tick),
            requests: Class::ALL.into_iter().map(|class| (class, requests[class as usize])).collect(),
        }
    }
}

/// Without personal data.
fn masked(wanted: &Wanted) -> Wanted {
    Wanted { value: wanted.value.masked(), ..wanted.clone() }
}

const fn key_state(state: State) -> Option<KeyState> {
    match state {
        State::Nowhere => None,
        State::Queued { urgency, .. } => Some(KeyState::Queued(urgency)),
        State::WaitsForSku => Some(KeyState::WaitsForSku),
        State::WaitsForParent => Some(KeyState::WaitsForParent),
        State::InFlight => Some(KeyState::InFlight),
        State::BackingOff => Some(KeyState::BackingOff),
        State::Verifying => Some(KeyState::Verifying),
        State::Parked => Some(KeyState::Parked),
    }
}
