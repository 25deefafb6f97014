//! The task that owns the dispatcher: feeds it events and the clock, carries out its effects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::core::call::{Answer, Call, Failure, Outcome, RateHint, Route};
use crate::core::dispatch::{
    Accepted, Dispatch, Effect, ErrandId, Explain, Known, LaneStats, Newsletter, ParkedKey, Proven, Request,
    RequestId, Stats, Tuning,
};
use crate::core::entity::{Entity, Key, RemoteId};
use crate::core::plan::OnMissingPrice;
use crate::core::progress::About;
use crate::core::record::{Cause, Confirmed, Dirty, Parked, Wanted};
use crate::core::schedule::Urgency;
use crate::core::time::{Now, Tick, Timestamp};
use crate::core::value::person::Consent;
use crate::failpoint;
use crate::store::{Op, Outstanding, Store};
use crate::telemetry::metrics;
use crate::vtex::Client;

use crate::source::reconcile::load::Backlog;

use super::bulk::Records;
use super::writer::{Durable, Outcomes};

/// The process clock: both times at once.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    pub fn now(&self) -> Now {
        Now { tick: Tick(self.started.elapsed()), wall: wall_clock() }
    }

    fn instant(&self, tick: Tick) -> Instant {
        self.started + tick.0
    }
}

/// Wall-clock time. The only place that asks the machine for it.
pub fn wall_clock() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// Which parked keys are meant; what is not given matches all.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParkedFilter {
    pub entity: Option<Entity>,
    pub reason: Option<String>,
    pub key: Option<String>,
}

impl ParkedFilter {
    fn matches(&self, key: &Key, parked: &Parked) -> bool {
        self.entity.is_none_or(|entity| entity == key.entity)
            && self.reason.as_deref().is_none_or(|reason| reason == parked.reason.name())
            && self.key.as_deref().is_none_or(|id| key.id == id)
    }
}

/// What the admin endpoints and the commands ask of the dispatcher.
pub enum Control {
    Stats(oneshot::Sender<Stats>),
    Explain(Key, oneshot::Sender<Option<Explain>>),
    Parked {
        filter: ParkedFilter,
        limit: usize,
        reply: oneshot::Sender<Vec<ParkedKey>>,
    },
    RetryParked(ParkedFilter, oneshot::Sender<usize>),
    DropParked(Key, oneshot::Sender<bool>),
    Tuning(oneshot::Sender<Tuning>),
    SetTuning(Box<Tuning>, oneshot::Sender<Result<(), String>>),
    CredentialsChanged,
    /// A call that only reads, for nobody's key.
    Read(Box<Call>, oneshot::Sender<Result<Answer, Failure>>),
    /// Whether a route has budget that nobody else wants.
    HasLeisure(Route, oneshot::Sender<bool>),
    /// Whether VTEX still holds what it confirmed of a key; see [`Dispatch::prove`].
    Prove {
        key: Key,
        repair: bool,
        reply: oneshot::Sender<Proven>,
    },
    /// What is known of a customer's newsletter flag in VTEX; the key is that of the consent.
    Newsletter(Key, oneshot::Sender<Newsletter>),
    /// VTEX was read and holds this; see [`Dispatch::newsletter_read`].
    Learn(Key, Box<Consent>, oneshot::Sender<bool>),
}

/// The queues and parts of the task.
pub struct Dispatcher {
    pub dispatch: Dispatch,
    pub store: Store,
    pub client: Arc<Client>,
    pub clock: Clock,
    pub durable: mpsc::Receiver<Durable>,
    pub control: mpsc::Receiver<Control>,
    pub outcomes: mpsc::Sender<Outcomes>,
    /// The last outcomes that the store holds.
    pub written: Arc<AtomicU64>,
    /// The writes that are out, on disk.
    pub outstanding: Outstanding,
    pub backlog: Arc<Backlog>,
}

/// Keys taken in between two looks at finished requests: short enough that answers never wait long.
const KEYS_PER_TURN: usize = 512;
/// Outcomes not yet handed to the writer; beyond it no new keys are taken in.
const OUTCOMES_MAX: usize = 20_000;
/// Room for the answers of every lane at its largest.
const FINISHED_QUEUE: usize = 4096;
/// How often others learn how long the queue is.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(50);

/// How often the log says how long a backlog will take…
const PROGRESS_INTERVAL: Duration = Duration::from_secs(300);
/// … if it is longer than this.
const PROGRESS_WORTH_TELLING: f64 = 60.0;

impl Dispatcher {
    /// Runs until `stop`; then sends nothing new, waits for what is in flight (each request has a timeout)
    /// and hands the last outcomes to the writer.
    /// The writes noted as being out come back: there are none, once the writer has ended too.
    pub async fn run(mut self, stop: CancellationToken, startup: Vec<Effect>) -> Outstanding {
        let (finished_tx, mut finished) = mpsc::channel::<(RequestId, Outcome)>(FINISHED_QUEUE);
        let mut taking: std::vec::IntoIter<(Key, Wanted)> = Vec::new().into_iter();
        let mut pending = Pending::new(Records::new(self.store.clone()));
        let mut asked = Asked::default();
        let mut in_flight = 0_usize;
        let mut durable_open = true;
        let mut requests: Vec<Request> = Vec::new();
        let mut effects = startup;
        let mut published = Instant::now();
        let mut told = Instant::now();
        // The task waits on these while it changes the rest of itself.
        let outcomes = self.outcomes.clone();
        let clock = self.clock;
        let (_, unused) = mpsc::channel(1);
        let mut durable = std::mem::replace(&mut self.durable, unused);
        let (_, unused) = mpsc::channel(1);
        let mut control = std::mem::replace(&mut self.control, unused);

        loop {
            let stopping = stop.is_cancelled();
            if stopping && in_flight == 0 {
                break;
            }
            self.take_in(&mut taking, &mut pending, &mut effects);
            let now = self.clock.now();
            let mut wake = None;
            if !stopping {
                wake = self.dispatch.poll(now, &mut requests, &mut effects);
                in_flight += requests.len();
                for request in requests.drain(..) {
                    let noted = self.note_sent(&request, &mut pending.records);
                    self.send(request, noted, finished_tx.clone());
                }
            }
            pending.carry_out(&mut effects, now.wall);
            self.reopen(&mut pending, now, &mut effects);
            self.warn_of_lost_prices(&mut pending);
            asked.answer(&mut self.dispatch);
            self.stored(&mut pending);
            if published.elapsed() >= PUBLISH_INTERVAL {
                published = Instant::now();
                let stats = self.dispatch.stats(now);
                publish(&self.backlog, &stats);
                if told.elapsed() >= PROGRESS_INTERVAL {
                    told = Instant::now();
                    tell_progress(&stats);
                }
            }
            let more = taking.len() > 0;
            let room = pending.ops.len() < OUTCOMES_MAX;

            tokio::select! {
                biased;
                // 1: answers free keys, tokens and memory.
                Some((id, outcome)) = finished.recv() => {
                    in_flight -= 1;
                    self.finished(id, outcome, pending.next(), &mut effects);
                    while let Ok((id, outcome)) = finished.try_recv() {
                        in_flight -= 1;
                        self.finished(id, outcome, pending.next(), &mut effects);
                    }
                }
                // 2: operators are few and wait.
                Some(control) = control.recv() => self.control(control, &mut pending, &mut asked, &mut effects),
                // 3: what is settled leaves memory.
                permit = outcomes.reserve(), if !pending.ops.is_empty() => match permit {
                    Ok(permit) => permit.send(pending.take()),
                    Err(_) => drop(pending.take()),
                },
                // 4: the rest of the last batch.
                () = std::future::ready(()), if more && room => {}
                // 5: a new batch.
                batch = durable.recv(), if durable_open && !more && room => match batch {
                    Some(batch) => taking = batch.into_iter(),
                    None => durable_open = false,
                },
                () = stop.cancelled(), if !stopping => {
                    info!(in_flight, "no new requests; waiting for the answers that are under way");
                }
                () = sleep_until(wake.map(|tick| clock.instant(tick))) => {}
            }
        }
        pending.carry_out(&mut effects, self.clock.now().wall);
        self.reopen(&mut pending, self.clock.now(), &mut effects);
        if !pending.ops.is_empty() && self.outcomes.send(pending.take()).await.is_err() {
            warn!("the last outcomes could not be stored; these keys are sent again after the start");
        }
        self.outstanding
    }

    fn take_in(
        &mut self,
        batch: &mut std::vec::IntoIter<(Key, Wanted)>,
        pending: &mut Pending,
        effects: &mut Vec<Effect>,
    ) {
        let now = self.clock.now();
        for (key, wanted) in batch.take(KEYS_PER_TURN) {
            // What was confirmed a moment ago must count, though the store does not hold it yet.
            pending.carry_out(effects, now.wall);
            let known = || known(&self.store, pending, &key);
            if self.dispatch.want(&key, wanted, known, now, effects) == Accepted::Stale {
                metrics::stale();
            }
            if key.entity == Entity::Order {
                failpoint::reached("order", "wanted");
                pending.carry_out(effects, now.wall);
                self.dispatch.book(&key, &|stock| confirmed(&self.store, pending, stock), now, effects);
            }
        }
    }

    /// What VTEX has lost is dirty again, in the same commit as what told so. (A restart finds it so, too.)
    fn reopen(&mut self, pending: &mut Pending, now: Now, effects: &mut Vec<Effect>) {
        for key in std::mem::take(&mut pending.reopened) {
            let confirmed = match pending.confirmed.get(&key) {
                Some((_, confirmed)) => confirmed.clone(),
                None => self.store.confirmed(&key).ok().flatten(),
            };
            let Some(Confirmed { value, position, .. }) = confirmed else {
                warn!(%key, "VTEX does not have it any more, and nothing is known of it here: `mare reconcile` brings it");
                continue;
            };
            info!(%key, "VTEX does not have it any more: it is found or made again, for what hangs on it");
            let wanted = Wanted { value, position, committed_at: now.wall, cause: Cause::Resync };
            pending.confirmed.insert(key.clone(), (pending.next(), None));
            pending.ops.push(Op::Unconfirm { key: key.clone() });
            pending.ops.push(Op::Amend { key: key.clone(), position, dirty: Dirty::fresh(wanted.clone()) });
            self.dispatch.want(&key, wanted, Known::default, now, effects);
        }
        pending.carry_out(effects, now.wall);
    }

    /// One line, however many went at once.
    fn warn_of_lost_prices(&self, pending: &mut Pending) {
        let Some(first) = pending.unpriced.first() else { return };
        let then = match self.dispatch.tuning().price.on_missing_price {
            OnMissingPrice::Keep => "VTEX keeps what it has, and goes on selling",
            OnMissingPrice::Delete => "VTEX's is deleted",
        };
        warn!(skus = pending.unpriced.len(), %first, "the last price of a SKU is gone in Live: {then} (price.on_missing_price)");
        pending.unpriced.clear();
    }

    fn finished(&mut self, id: RequestId, outcome: Outcome, number: u64, effects: &mut Vec<Effect>) {
        let before = effects.len();
        self.dispatch.finished(id, outcome, self.clock.now(), &mut fastrand::f64, effects);
        let nothing_to_store = effects.len() == before;
        self.outstanding.answered(id, if nothing_to_store { 0 } else { number });
    }

    /// What a kill must not let us forget of a request. An error: it must not go out.
    fn note_sent(&mut self, request: &Request, records: &mut Records) -> Result<(), Failure> {
        if let Err(error) = records.before(&request.call, &self.dispatch) {
            warn!(%error, "the file of a bulk job does not leave: it could not be noted");
            return Err(Failure::Connect(format!("not sent: {error}")));
        }
        if let Some(key) = &request.key
            && let Err(error) = self.outstanding.sent(request.id, key)
        {
            warn!(%error, "a request goes out that a kill would let us forget");
        }
        Ok(())
    }

    fn stored(&mut self, pending: &mut Pending) {
        let written = self.written.load(Ordering::Acquire);
        pending.forget(written);
        pending.records.stored(written);
        if let Err(error) = self.outstanding.stored(written) {
            warn!(%error, "answered requests stay noted as being out");
        }
    }

    fn send(
        &self,
        request: Request,
        noted: Result<(), Failure>,
        finished: mpsc::Sender<(RequestId, Outcome)>,
    ) {
        let client = Arc::clone(&self.client);
        tokio::spawn(async move {
            let route = request.call.route().name();
            failpoint::reached(route, "sending");
            let outcome = match noted {
                Ok(()) => client.execute(&request.call).await,
                Err(failure) => {
                    Outcome { result: Err(failure), rate: RateHint::default(), elapsed: Duration::ZERO }
                }
            };
            failpoint::reached(route, "answered");
            metrics::request(&request.call, &outcome);
            // Nobody listens only after the dispatcher has ended.
            let _ = finished.send((request.id, outcome)).await;
        });
    }

    fn control(
        &mut self,
        control: Control,
        pending: &mut Pending,
        asked: &mut Asked,
        effects: &mut Vec<Effect>,
    ) {
        let now = self.clock.now();
        // As when keys are taken in.
        pending.carry_out(effects, now.wall);
        let known = |key: &Key| known(&self.store, pending, key);
        // An asker that has gone away needs no answer.
        match control {
            Control::Stats(reply) => drop(reply.send(self.dispatch.stats(now))),
            Control::Explain(key, reply) => drop(reply.send(self.dispatch.explain(&key, now))),
            Control::Parked { filter, limit, reply } => drop(reply.send(self.parked(&filter, limit))),
            Control::RetryParked(filter, reply) => {
                let chosen = |key: &Key, parked: &Parked| filter.matches(key, parked);
                let _ = reply.send(self.dispatch.retry_parked(chosen, now, effects));
            }
            Control::DropParked(key, reply) => drop(reply.send(self.dispatch.drop_parked(&key, effects))),
            Control::Tuning(reply) => drop(reply.send(self.dispatch.tuning().clone())),
            Control::SetTuning(tuning, reply) => {
                let result = self.dispatch.set_tuning(*tuning, now).map_err(|error| error.to_string());
                let _ = reply.send(result);
            }
            Control::CredentialsChanged => self.dispatch.credentials_changed(now),
            Control::Read(call, reply) => self.dispatch.run_errand(asked.add(reply), *call),
            Control::HasLeisure(route, reply) => drop(reply.send(self.dispatch.has_leisure(route, now))),
            Control::Prove { key, repair, reply } => {
                match self.dispatch.prove(&key, repair, || known(&key), now) {
                    Some(proven) => drop(reply.send(proven)),
                    None => asked.prove(key, reply),
                }
            }
            Control::Newsletter(key, reply) => {
                let _ = reply.send(self.dispatch.newsletter(&key, || known(&key)));
            }
            Control::Learn(key, consent, reply) => {
                let _ =
                    reply.send(self.dispatch.newsletter_read(*consent, &key, || known(&key), now, effects));
            }
        }
    }

    fn parked(&self, filter: &ParkedFilter, limit: usize) -> Vec<ParkedKey> {
        /// As many as the dispatcher gives at once.
        const PAGE: usize = 500;
        let mut found = Vec::new();
        let mut after: Option<Key> = None;
        loop {
            let page = self.dispatch.parked(after.as_ref(), PAGE);
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            found.extend(page.into_iter().filter(|parked| filter.matches(&parked.key, &parked.parked)));
            if found.len() >= limit {
                found.truncate(limit);
                break;
            }
        }
        found
    }
}

/// Who waits for what is read of VTEX.
#[derive(Debug, Default)]
struct Asked {
    last: u64,
    waiting: HashMap<ErrandId, oneshot::Sender<Result<Answer, Failure>>>,
    proofs: HashMap<Key, oneshot::Sender<Proven>>,
}

impl Asked {
    fn add(&mut self, reply: oneshot::Sender<Result<Answer, Failure>>) -> ErrandId {
        self.last += 1;
        let id = ErrandId(self.last);
        self.waiting.insert(id, reply);
        id
    }

    /// A key is being proven: there is one that asks, as another would have found it busy.
    fn prove(&mut self, key: Key, reply: oneshot::Sender<Proven>) {
        self.proofs.insert(key, reply);
    }

    /// An asker that has gone away needs no answer.
    fn answer(&mut self, dispatch: &mut Dispatch) {
        for (key, proven) in dispatch.take_proven() {
            let _ = self.proofs.remove(&key).map(|reply| reply.send(proven));
        }
        for (id, outcome) in dispatch.take_errands() {
            let _ = self.waiting.remove(&id).map(|reply| reply.send(outcome.result));
        }
    }
}

/// What is known of a key at rest, of what the store does not hold yet too.
fn known(store: &Store, pending: &Pending, key: &Key) -> Known {
    Known {
        confirmed: confirmed(store, pending, key),
        id: match pending.ids.get(key) {
            Some((_, id)) => id.clone(),
            None => known_id(store, key),
        },
    }
}

fn confirmed(store: &Store, pending: &Pending, key: &Key) -> Option<Confirmed> {
    match pending.confirmed.get(key) {
        Some((_, confirmed)) => confirmed.clone(),
        None => store.confirmed(key).ok().flatten(),
    }
}

/// Effects on their way to the store, and what is confirmed among them.
struct Pending {
    records: Records,
    /// Counts what was handed to the writer.
    number: u64,
    ops: Vec<Op>,
    confirmed: HashMap<Key, (u64, Option<Confirmed>)>,
    ids: HashMap<Key, (u64, Option<RemoteId>)>,
    /// Keys to be wanted again.
    reopened: Vec<Key>,
    /// Keys whose last price went.
    unpriced: Vec<Key>,
}

impl Pending {
    fn new(records: Records) -> Self {
        let (confirmed, ids) = (HashMap::new(), HashMap::new());
        Self {
            records,
            number: 0,
            ops: Vec::new(),
            confirmed,
            ids,
            reopened: Vec::new(),
            unpriced: Vec::new(),
        }
    }

    fn carry_out(&mut self, effects: &mut Vec<Effect>, now: Timestamp) {
        for effect in effects.drain(..) {
            let next = self.next();
            match effect {
                Effect::Settle { key, position, confirmed } => {
                    if confirmed.is_some() {
                        self.confirmed.insert(key.clone(), (next, confirmed.clone()));
                    }
                    self.ops.push(Op::Settle { key, position, confirmed });
                }
                Effect::Advance { key, confirmed } => {
                    self.confirmed.insert(key.clone(), (next, Some(confirmed.clone())));
                    self.ops.push(Op::Advance { key, confirmed });
                }
                Effect::Unconfirm { key } => {
                    self.confirmed.insert(key.clone(), (next, None));
                    self.ops.push(Op::Unconfirm { key });
                }
                Effect::Amend { key, position, dirty } => self.ops.push(Op::Amend { key, position, dirty }),
                Effect::Learned { key, id } => {
                    self.ids.insert(key.clone(), (next, id.clone()));
                    self.ops.push(Op::Id { key, id });
                }
                Effect::Erase { key } => {
                    self.ids.insert(key.clone(), (next, None));
                    self.ops.push(Op::Erase { key });
                }
                Effect::Bulk(event) => self.records.take_in(&event, next),
                Effect::SkuLearned { sku_ref, id } => self.ops.push(Op::Sku { sku_ref, id, at: now }),
                Effect::PriceLost { key } => self.unpriced.push(key),
                Effect::Reopen { key } => self.reopened.push(key),
                Effect::Confirmed { key, committed_at, .. } => {
                    metrics::confirmed(key.entity, committed_at.until(now));
                }
            }
        }
    }

    /// The number of the outcomes that are being gathered.
    const fn next(&self) -> u64 {
        self.number + 1
    }

    fn take(&mut self) -> Outcomes {
        self.number = self.next();
        Outcomes { number: self.number, ops: std::mem::take(&mut self.ops) }
    }

    /// The store holds everything up to `written`.
    fn forget(&mut self, written: u64) {
        if !self.confirmed.is_empty() {
            self.confirmed.retain(|_, (number, _)| *number > written);
        }
        if !self.ids.is_empty() {
            self.ids.retain(|_, (number, _)| *number > written);
        }
    }
}

/// Tells loaders how much there is to be sent.
fn publish(backlog: &Backlog, stats: &Stats) {
    let resync =
        |lane: &LaneStats| lane.queued.get(&Urgency::Resync).copied().unwrap_or(0).saturating_sub(lane.room);
    let waiting = |lane: &LaneStats| lane.waiting_for_sku + lane.waiting_for_parent;
    let sum = |of: &dyn Fn(&LaneStats) -> usize| stats.lanes.values().map(of).sum::<usize>() as u64;
    backlog.resync.store(sum(&resync), Ordering::Relaxed);
    backlog.waiting.store(sum(&waiting), Ordering::Relaxed);
}

fn tell_progress(stats: &Stats) {
    for (lane, stats) in &stats.lanes {
        let Some(left) = stats.left.filter(|left| left.seconds > PROGRESS_WORTH_TELLING) else { continue };
        info!(
            lane = lane.name(),
            keys = left.keys,
            requests_per_second = left.rate().round(),
            "about {} until what waits now is in VTEX",
            About(left.seconds)
        );
    }
}

/// VTEX's name of the thing of a key, of those that the dispatcher does not keep itself.
pub(super) fn known_id(store: &Store, key: &Key) -> Option<RemoteId> {
    let id = |key: &Key| store.id(key).ok().flatten();
    match key.entity {
        Entity::Customer | Entity::Order => id(key),
        // The document is that of the customer, whoever made it known.
        Entity::Consent => id(key).or_else(|| {
            let customer = Key { entity: Entity::Customer, id: key.id.clone() };
            id(&customer).filter(|id| matches!(id, RemoteId::Document(_)))
        }),
        _ => None,
    }
}

async fn sleep_until(moment: Option<Instant>) {
    /// A look at the clock at least this often, so that no missed wake-up can last.
    const LONGEST: Duration = Duration::from_secs(1);
    let latest = Instant::now() + LONGEST;
    tokio::time::sleep_until(moment.map_or(latest, |moment| moment.min(latest)).into()).await;
}
