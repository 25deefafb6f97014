//! The task: begins a pass when one is due or asked for, and asks about key after key.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::pass::{Pass, Progress};
use super::{Ask, Asked, Handle, ProofConfig};
use crate::core::call::{Answer, Call, Failure, RemoteStock, Route};
use crate::core::dispatch::Proven;
use crate::core::entity::{Entity, Key, SkuId};
use crate::core::time::Timestamp;
use crate::core::value::Value;
use crate::store::{Store, StoreError};

/// Keys between two notes of how far it is; at a slow pace fewer, so that whoever asks need not wait.
const TOGETHER: f64 = 64.0;
/// Seconds that they take at most.
const SECONDS_TOGETHER: f64 = 2.0;
/// Keys that are asked about at once: an answer takes VTEX some hundred milliseconds.
const AT_ONCE: usize = 8;
/// How often it is seen whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// VTEX, through the dispatcher. `None`: the service ends.
pub trait Vtex: Send + Sync {
    /// Whether a route has budget that nobody else wants.
    fn has_leisure(&self, route: Route) -> impl Future<Output = Option<bool>> + Send;
    fn prove(&self, key: Key, repair: bool) -> impl Future<Output = Option<Proven>> + Send;
    fn read(&self, call: Call) -> impl Future<Output = Option<Result<Answer, Failure>>> + Send;
}

/// What the ledger knows of what else is going on.
pub trait Ledger: Send + Sync {
    /// Why now is no time for it: a first load or a reconcile runs.
    fn held_up(&self) -> Option<&'static str>;
}

/// The service.
pub struct Prover<V, L> {
    pub config: ProofConfig,
    pub entities: Vec<Entity>,
    /// Orders that VTEX confirmed longer ago than this are over.
    pub orders_for: Duration,
    /// Where our stock goes.
    pub warehouses: Vec<CompactString>,
    pub store: Store,
    pub vtex: V,
    pub ledger: L,
    pub handle: Handle,
    pub asks: mpsc::Receiver<Asked>,
    pub now: fn() -> Timestamp,
}

/// Some keys, and where the pass stands after them.
struct Batch {
    work: Vec<Work>,
    last: (Entity, CompactString),
}

/// One thing to ask about.
enum Work {
    Key(Key),
    /// A SKU with what it was told of each warehouse.
    Stock(SkuId, BTreeMap<CompactString, (Key, u32)>),
}

impl<V: Vtex, L: Ledger> Prover<V, L> {
    /// Until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut progress = match Progress::load(&self.store) {
            Ok(progress) => progress,
            Err(error) => {
                warn!(%error, "how far the last proof came cannot be read: it begins anew");
                Progress::default()
            }
        };
        let stopped = stop.clone();
        tokio::select! {
            () = stopped.cancelled() => {}
            () = self.passes(&mut progress) => {}
        }
    }

    async fn passes(&mut self, progress: &mut Progress) {
        loop {
            if progress.running.is_none() && self.is_due(progress) {
                progress.running = Some(Pass::new(None, self.config.repair, (self.now)()));
            }
            let asked = self.asks.try_recv().ok();
            if let Some((Ask { entity, repair }, _)) = &asked {
                let repair = repair.unwrap_or(self.config.repair);
                progress.running = Some(Pass::new(*entity, repair, (self.now)()));
            }
            let why = self.ledger.held_up();
            self.handle.update(|facts| (facts.held_up, facts.progress) = (why, progress.clone()));
            if let (Some((_, reply)), Some(pass)) = (asked, &progress.running) {
                let _ = reply.send(pass.started);
            }
            if progress.running.is_none() || why.is_some() {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            match self.step(progress).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return,
                Err(error) => {
                    warn!(%error, "the proof cannot go on; it is tried again in a minute");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }

    fn is_due(&self, progress: &Progress) -> bool {
        let every = Duration::from_secs(u64::from(self.config.every_hours) * 3600);
        !every.is_zero()
            && progress.last.as_ref().is_none_or(|last| last.started.until((self.now)()) >= every)
    }

    /// The next keys of the pass.
    async fn step(&self, progress: &mut Progress) -> Result<ControlFlow<()>, StoreError> {
        let Some(pass) = &mut progress.running else { return Ok(ControlFlow::Continue(())) };
        match self.next_batch(pass)? {
            Some(batch) => {
                if self.ask_all(pass, batch.work).await.is_none() {
                    return Ok(ControlFlow::Break(())); // what was begun is begun again
                }
                pass.at = Some(batch.last);
            }
            None => self.end(progress),
        }
        progress.save(&self.store)?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&self, progress: &mut Progress) {
        let Some(mut pass) = progress.running.take() else { return };
        pass.ended = Some((self.now)());
        pass.at = None;
        let (keys, differences, not_told) = (pass.keys, pass.differing(), pass.failed);
        let then = if pass.repair { "what differed is on its way" } else { "what differed stays" };
        info!(keys, differences, not_told, "VTEX was asked about everything it confirmed; {then}");
        if pass.only.is_none() {
            progress.last = Some(pass.clone());
        }
        progress.ended = Some(pass);
    }

    fn entities_of(&self, pass: &Pass) -> Vec<Entity> {
        let wanted =
            |entity: &Entity| pass.only.is_none_or(|only| only == *entity || only == entity.switch());
        self.entities.iter().copied().filter(wanted).collect()
    }

    /// `None`: the pass is over.
    fn next_batch(&self, pass: &Pass) -> Result<Option<Batch>, StoreError> {
        let entities = self.entities_of(pass);
        let (mut index, mut after) = match &pass.at {
            Some((entity, after)) => {
                // One that is no longer sent has lost its place: what comes after all others begins anew.
                (entities.iter().position(|other| other == entity).unwrap_or(0), Some(after.clone()))
            }
            None => (0, None),
        };
        while let Some(entity) = entities.get(index).copied() {
            let batch = match entity {
                Entity::Stock => self.stock_after(after.as_deref())?,
                _ => self.keys_after(entity, after.as_deref())?,
            };
            if batch.is_some() {
                return Ok(batch);
            }
            (index, after) = (index + 1, None);
        }
        Ok(None)
    }

    fn together(&self) -> usize {
        (self.config.per_second * SECONDS_TOGETHER).clamp(1.0, TOGETHER) as usize
    }

    fn keys_after(&self, entity: Entity, after: Option<&str>) -> Result<Option<Batch>, StoreError> {
        let keys = self.store.confirmed_after(entity, after, self.together())?;
        let Some(last) = keys.last() else { return Ok(None) };
        let last = (entity, last.id.clone());
        let mut work = Vec::with_capacity(keys.len());
        for key in keys {
            if entity != Entity::Order || self.is_recent(&key)? {
                work.push(Work::Key(key));
            }
        }
        Ok(Some(Batch { work, last }))
    }

    fn is_recent(&self, order: &Key) -> Result<bool, StoreError> {
        let confirmed = self.store.confirmed(order)?;
        Ok(confirmed.is_some_and(|confirmed| confirmed.at.until((self.now)()) <= self.orders_for))
    }

    fn stock_after(&self, after: Option<&str>) -> Result<Option<Batch>, StoreError> {
        let skus = self.store.skus_after(after, self.together())?;
        let Some((last, _)) = skus.last() else { return Ok(None) };
        let last = (Entity::Stock, last.clone());
        let mut work = Vec::new();
        for (reference, id) in skus {
            let Some(id) = id else { continue };
            let mut told = BTreeMap::new();
            for warehouse in &self.warehouses {
                let key = Key::stock(warehouse, &reference);
                let confirmed = self.store.confirmed(&key)?.map(|confirmed| confirmed.value);
                if let Some(Value::Stock(stock)) = confirmed {
                    told.insert(warehouse.clone(), (key, stock.told()));
                }
            }
            if !told.is_empty() {
                work.push(Work::Stock(id, told));
            }
        }
        Ok(Some(Batch { work, last }))
    }

    /// `None`: the service ends.
    async fn ask_all(&self, pass: &mut Pass, work: Vec<Work>) -> Option<()> {
        let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / self.config.per_second));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (pace, repair) = (Arc::new(Mutex::new(pace)), pass.repair);
        let answers = stream::iter(work).map(|work| self.ask(work, repair, &pace));
        let mut answers = std::pin::pin!(answers.buffer_unordered(AT_ONCE));
        while let Some(answers) = answers.next().await {
            for (entity, proven) in answers? {
                pass.count(entity, proven);
            }
        }
        Some(())
    }

    async fn ask(&self, work: Work, repair: bool, pace: &Mutex<Interval>) -> Option<Vec<(Entity, Proven)>> {
        match work {
            Work::Key(key) => {
                self.turn(route_of(key.entity), pace).await?;
                let entity = key.entity;
                Some(vec![(entity, self.vtex.prove(key, repair).await?)])
            }
            Work::Stock(sku, told) => {
                self.turn(Route::StockRead, pace).await?;
                self.ask_stock(sku, told, repair).await
            }
        }
    }

    /// Waits for the turn of one thing, and until nobody else wants the budget.
    async fn turn(&self, route: Route, pace: &Mutex<Interval>) -> Option<()> {
        let mut pace = pace.lock().await;
        pace.tick().await;
        while !self.vtex.has_leisure(route).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Some(())
    }

    async fn ask_stock(
        &self,
        sku: SkuId,
        told: BTreeMap<CompactString, (Key, u32)>,
        repair: bool,
    ) -> Option<Vec<(Entity, Proven)>> {
        let warehouses = told.keys().cloned().collect();
        let balances = match self.vtex.read(Call::ReadBalances { sku, warehouses }).await? {
            Ok(Answer::Balances(balances)) => balances,
            // That VTEX does not know the SKU, each key finds out by its own rules.
            Err(Failure::Status { code: 404, .. }) => vec![None; told.len()],
            Ok(_) | Err(_) => return Some(vec![(Entity::Stock, Proven::Failed); told.len()]),
        };
        let mut proven = Vec::with_capacity(told.len());
        for ((key, quantity), balance) in told.into_values().zip(balances) {
            let same = |held: RemoteStock| !held.unlimited && held.total == i64::from(quantity);
            let answer = match balance {
                Some(held) if same(held) => Proven::Same,
                _ => self.vtex.prove(key, repair).await?,
            };
            proven.push((Entity::Stock, answer));
        }
        Some(proven)
    }
}

/// The route by which VTEX is asked about an entity first.
const fn route_of(entity: Entity) -> Route {
    match entity {
        Entity::Stock => Route::StockRead,
        Entity::Price => Route::PriceRead,
        Entity::Brand | Entity::Category | Entity::Product | Entity::Sku => Route::CatalogRead,
        Entity::Customer | Entity::Consent => Route::PeopleRead,
        Entity::Order => Route::OrderRead,
    }
}
