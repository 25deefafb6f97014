//! The task that loads: first load, reconcile, and single keys that must be read again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::core::entity::Entity;
use crate::core::time::Timestamp;
use crate::mapping::cell::RowId;
use crate::mapping::config::MappingConfig;
use crate::mapping::{Mapper, Pair, Role};
use crate::source::postgres::capture::Connect;
use crate::source::status::{LoadFacts, Phase, SourceStatus};
use crate::source::window::Due;
use crate::store::Store;

use super::chunk::{self, ChunkError, Rows};
use super::query::Table;
use super::{Applied, Ask, Chunk, Content, due_entry};

/// While more keys than this wait for VTEX without a shopper waiting for them, loading pauses: memory
/// stays bounded and fresh changes stay ahead.
const BACKLOG_MAX: u64 = 20_000;
/// Keys read again in one go.
const REFRESHES_AT_ONCE: usize = 200;
/// A chunk that the stream overtakes is read again; after so many times the log says so.
const AGAIN_WARNING: u32 = 20;

/// What a load needs to know.
pub struct Loader {
    pub name: Arc<str>,
    pub connect: Connect,
    pub mapping: Arc<MappingConfig>,
    pub store: Store,
    pub asks: mpsc::Sender<Ask>,
    pub status: SourceStatus,
    pub repair: Arc<Notify>,
    /// Keys that wait for VTEX without a shopper waiting for them.
    pub backlog: Arc<AtomicU64>,
    pub chunk_rows: usize,
    /// Share of the time that Live may be kept busy.
    pub share: f64,
    pub now: fn() -> Timestamp,
}

/// Where a load is. Stored with each chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Load {
    why: String,
    entities: Vec<Entity>,
    step: Step,
    rows: u64,
    differences: u64,
    started: Timestamp,
}

/// The next thing to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// A reference table, from its beginning: they are small.
    Reference(u8),
    Prices {
        after: Option<RowId>,
    },
    Stock {
        pair: Option<Pair>,
        after: Option<RowId>,
    },
    Done,
}

/// What stops a load for now.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error(transparent)]
    Sql(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Connect(#[from] crate::live::ConnectError),
    #[error("{0:#}")]
    Settings(anyhow::Error),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error("the source is not streaming")]
    NotStreaming,
    #[error("{0}")]
    Paused(String),
    #[error("stopping")]
    Stopping,
}

impl Loader {
    /// Loads what is due, whenever it becomes due, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = Duration::ZERO;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.repair.notified(), if pause.is_zero() => {}
                () = tokio::time::sleep(pause.max(Duration::from_secs(2))) => {}
            }
            if self.status.facts().phase != Phase::Streaming {
                continue;
            }
            pause = match self.work(&stop).await {
                Ok(()) => Duration::ZERO,
                Err(LoadError::Stopping) => break,
                Err(LoadError::NotStreaming) => Duration::from_secs(1),
                Err(error) => {
                    warn!(source = %self.name, %error, "loading from Live is held up; it goes on by itself");
                    self.held_up(Some(error.to_string()));
                    Duration::from_secs(15)
                }
            };
        }
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), LoadError> {
        let Some(load) = self.due()? else { return self.refresh(stop).await };
        let mut run = Run::begin(self, stop).await?;
        run.load(load).await
    }

    /// The load under way, or a new one for what is due.
    fn due(&self) -> Result<Option<Load>, LoadError> {
        if let Some(load) = self.store.meta::<Load>(&self.entry())?
            && load.step != Step::Done
        {
            return Ok(Some(load));
        }
        let mut entities = Vec::new();
        let mut why = String::new();
        // What is not sent keeps its reason: it is loaded when it is switched on.
        for entity in Entity::ALL.into_iter().filter(|entity| self.mapping.has(*entity)) {
            let reason: Option<String> = self.store.meta(&due_entry(&self.name, entity))?;
            if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
                entities.push(entity);
                why = reason;
            }
        }
        let started = (self.now)();
        let load = Load { why, entities, step: Step::Reference(0), rows: 0, differences: 0, started };
        Ok((!load.entities.is_empty()).then_some(load))
    }

    fn entry(&self) -> String {
        format!("load/{}", self.name)
    }

    fn held_up(&self, why: Option<String>) {
        self.status.update(|facts| {
            if let Some(load) = &mut facts.load {
                load.held_up = why;
            }
        });
    }

    /// Reads again what changed reference data or an incomplete row made doubtful.
    async fn refresh(&self, stop: &CancellationToken) -> Result<(), LoadError> {
        loop {
            let now = (self.now)();
            let mut dues: Vec<Due> = Vec::new();
            for key in self.store.refreshes(REFRESHES_AT_ONCE)? {
                match Due::decode(&key) {
                    Some(due) if due.at <= now => dues.push(due),
                    _ => break,
                }
            }
            self.status.update(|facts| facts.refresh_due = dues.len() as u64);
            if dues.is_empty() {
                return Ok(());
            }
            let mut run = Run::begin(self, stop).await?;
            run.refresh(dues).await?;
        }
    }

    /// Asks the task that owns the mapping.
    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, LoadError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_| LoadError::Stopping)?;
        answer.await.map_err(|_| LoadError::NotStreaming)
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Mapper) -> T + Send + 'static,
    ) -> Result<T, LoadError> {
        self.ask(|reply| {
            Ask::Look(Box::new(move |mapper| {
                let _ = reply.send(look(mapper));
            }))
        })
        .await
    }
}

/// One stretch of loading over one connection to Live.
struct Run<'a> {
    loader: &'a Loader,
    stop: &'a CancellationToken,
    client: Client,
}

impl<'a> Run<'a> {
    async fn begin(loader: &'a Loader, stop: &'a CancellationToken) -> Result<Run<'a>, LoadError> {
        let settings = (loader.connect)().map_err(LoadError::Settings)?;
        let client = crate::live::connect(&settings).await?;
        Ok(Self { loader, stop, client })
    }

    async fn load(&mut self, mut load: Load) -> Result<(), LoadError> {
        info!(source = %self.loader.name, why = load.why, "comparing Live with the ledger");
        self.show(&load, 0.0);
        if load.step == Step::Reference(0) {
            // From here on the load itself is what is due: a reason that comes up meanwhile counts anew.
            for entity in load.entities.clone() {
                self.note(due_entry(&self.loader.name, entity), &String::new()).await?;
            }
            self.note(self.loader.entry(), &load).await?;
        }
        while load.step != Step::Done {
            load.step = match load.step.clone() {
                Step::Reference(index) => self.reference(&mut load, index).await?,
                Step::Prices { after } => self.prices(&mut load, after).await?,
                Step::Stock { pair, after } => self.stock(&mut load, pair, after).await?,
                Step::Done => Step::Done,
            };
        }
        self.note(self.loader.entry(), &load).await?;
        info!(
            source = %self.loader.name, rows = load.rows, differences = load.differences, why = load.why,
            "Live and the ledger agree; what differed is on its way"
        );
        let ended = (self.loader.now)();
        self.loader.status.update(|facts| {
            let mut done = facts.load.take().unwrap_or_default();
            done.ended = Some(ended);
            done.share = 1.0;
            facts.last_load = Some(done);
        });
        Ok(())
    }

    async fn reference(&mut self, load: &mut Load, index: u8) -> Result<Step, LoadError> {
        let Some(role) = Role::REFERENCE.get(usize::from(index)).copied() else {
            return Ok(if load.entities.contains(&Entity::Price) {
                Step::Prices { after: None }
            } else {
                Step::Stock { pair: None, after: None }
            });
        };
        let table = self.table(role).await?;
        let key = self.loader.mapping.id_column(role).to_owned();
        let sql = table.page(&key, self.loader.chunk_rows);
        let mut ids = BTreeSet::new();
        let mut after: Option<RowId> = None;
        loop {
            let column = table.position_of(&key);
            let parameter = after.as_ref().map(RowId::to_string);
            let limit = self.loader.chunk_rows;
            let mut whole = None;
            let mut last = None;
            let all_follows = Entity::ALL
                .iter()
                .all(|entity| load.entities.contains(entity) || !self.loader.mapping.has(*entity));
            let applied = self
                .chunk(load, &table, &sql, &[&parameter], |rows: Rows| {
                    let mut seen = ids.clone();
                    seen.extend(rows.ids(column));
                    last = rows.ids(column).last();
                    whole = Some(seen.clone());
                    let whole = (rows.len() < limit).then_some(seen);
                    Content::Reference { role, rows, whole, all_follows }
                })
                .await?;
            load.rows += applied;
            ids = whole.unwrap_or_default();
            self.show(load, 0.02 * f64::from(index + 1));
            match last {
                Some(id) if applied as usize >= limit => after = Some(id),
                _ => break,
            }
        }
        Ok(Step::Reference(index + 1))
    }

    async fn prices(&mut self, load: &mut Load, after: Option<RowId>) -> Result<Step, LoadError> {
        let count = (self.loader.chunk_rows / 10).max(1);
        let from = after.clone();
        let (products, done, all) =
            self.loader.look(move |mapper| mapper.products_after(from.as_ref(), count)).await?;
        let Some(last) = products.last().cloned() else {
            return Ok(if load.entities.contains(&Entity::Stock) {
                Step::Stock { pair: None, after: None }
            } else {
                Step::Done
            });
        };
        let step = Step::Prices { after: Some(last) };
        load.step = step.clone();
        load.rows += self.price_chunk(load, products, Vec::new()).await?;
        self.show(load, 0.1 + 0.2 * done as f64 / all.max(1) as f64);
        Ok(step)
    }

    async fn stock(
        &mut self,
        load: &mut Load,
        pair: Option<Pair>,
        after: Option<RowId>,
    ) -> Result<Step, LoadError> {
        let pairs = self.loader.look(Mapper::deposits_to_load).await?;
        let at = pair
            .as_ref()
            .map_or(0, |pair| pairs.iter().position(|other| other >= pair).unwrap_or(pairs.len()));
        let Some(pair) = pairs.get(at).cloned() else {
            self.apply(Chunk { note: None, ..self.empty(Content::Sums) }).await?;
            return Ok(Step::Done);
        };
        let count = self.loader.chunk_rows;
        let from = after.clone();
        let (skus, done, all) =
            self.loader.look(move |mapper| mapper.skus_after(from.as_ref(), count)).await?;
        let Some(last) = skus.last().cloned() else {
            // The next deposit, or the end.
            return Ok(match pairs.get(at + 1) {
                Some(next) => Step::Stock { pair: Some(next.clone()), after: None },
                None => {
                    self.apply(self.empty(Content::Sums)).await?;
                    Step::Done
                }
            });
        };
        let step = Step::Stock { pair: Some(pair.clone()), after: Some(last.clone()) };
        load.step = step.clone();
        let table = self.table(Role::Stock).await?;
        let columns = &self.loader.mapping.tables.stock.columns;
        let sql = table.range(&columns.store, &columns.deposit, &columns.sku);
        let (store, deposit) = (pair.store.to_string(), pair.deposit.to_string());
        let (after, last) = (after.as_ref().map(RowId::to_string), last.to_string());
        let parameters: [&(dyn ToSql + Sync); 4] = [&store, &deposit, &after, &last];
        load.rows += self
            .chunk(load, &table, &sql, &parameters, |rows| Content::Stock {
                pair: pair.clone(),
                skus: skus.clone(),
                rows,
            })
            .await?;
        let share = (at as f64 + done as f64 / all.max(1) as f64) / pairs.len() as f64;
        self.show(load, 0.3 + 0.7 * share);
        Ok(step)
    }

    async fn price_chunk(
        &mut self,
        load: &mut Load,
        products: Vec<RowId>,
        refreshed: Vec<Due>,
    ) -> Result<u64, LoadError> {
        let table = self.table(Role::Price).await?;
        let sql = table.any(&self.loader.mapping.tables.price.columns.product);
        let ids: Vec<String> = products.iter().map(RowId::to_string).collect();
        self.chunk_with(load, &table, &sql, &[&ids], refreshed, |rows| Content::Prices {
            products: products.clone(),
            rows,
        })
        .await
    }

    async fn refresh(&mut self, dues: Vec<Due>) -> Result<(), LoadError> {
        let refreshes: Vec<_> = dues.iter().map(|due| due.refresh.clone()).collect();
        let scope = self.loader.look(move |mapper| mapper.scope(&refreshes)).await?;
        let mut load = Load {
            why: String::new(),
            entities: Vec::new(),
            step: Step::Done,
            rows: 0,
            differences: 0,
            started: (self.loader.now)(),
        };
        if !scope.stock.is_empty() && self.loader.mapping.has(Entity::Stock) {
            let table = self.table(Role::Stock).await?;
            let columns = &self.loader.mapping.tables.stock.columns;
            let sql = table.any_in(&columns.store, &columns.deposit, &columns.sku);
            for (pair, skus) in &scope.stock {
                for skus in skus.chunks(self.loader.chunk_rows) {
                    let (store, deposit) = (pair.store.to_string(), pair.deposit.to_string());
                    let ids: Vec<String> = skus.iter().map(RowId::to_string).collect();
                    let parameters: [&(dyn ToSql + Sync); 3] = [&store, &deposit, &ids];
                    self.chunk(&mut load, &table, &sql, &parameters, |rows| Content::Stock {
                        pair: pair.clone(),
                        skus: skus.to_vec(),
                        rows,
                    })
                    .await?;
                }
            }
        }
        if !scope.products.is_empty() && self.loader.mapping.has(Entity::Price) {
            for products in scope.products.chunks((self.loader.chunk_rows / 10).max(1)) {
                self.price_chunk(&mut load, products.to_vec(), Vec::new()).await?;
            }
        }
        let mut chunk = self.empty(Content::Nothing);
        chunk.refreshed = dues;
        self.apply(chunk).await?;
        Ok(())
    }

    async fn table(&self, role: Role) -> Result<Table, LoadError> {
        let captured = self.loader.mapping.captured_table(role);
        let table =
            Table::look_up(&self.client, &captured.schema, &captured.table, captured.columns.clone()).await?;
        let missing = table.missing();
        if missing.is_empty() {
            return Ok(table);
        }
        Err(LoadError::Paused(format!(
            "table {}.{} has no column {}: correct [mapping.tables] or the table",
            captured.schema,
            captured.table,
            missing.join(", ")
        )))
    }

    async fn chunk(
        &mut self,
        load: &mut Load,
        table: &Table,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        content: impl FnMut(Rows) -> Content,
    ) -> Result<u64, LoadError> {
        self.chunk_with(load, table, sql, parameters, Vec::new(), content).await
    }

    /// Reads one chunk and lets it in; again and again while the stream is ahead of it.
    async fn chunk_with(
        &mut self,
        load: &mut Load,
        table: &Table,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        refreshed: Vec<Due>,
        mut content: impl FnMut(Rows) -> Content,
    ) -> Result<u64, LoadError> {
        self.wait_for_room().await?;
        for attempt in 0_u32.. {
            if self.stop.is_cancelled() {
                return Err(LoadError::Stopping);
            }
            self.loader.ask(Ask::Open).await?;
            let began = Instant::now();
            let taken = chunk::read(&mut self.client, table.name(), RELATION_ID, sql, parameters).await?;
            let busy = began.elapsed();
            let mut chunk = Chunk::new(taken, &mut content);
            chunk.refreshed.clone_from(&refreshed);
            if load.step != Step::Done {
                let note = Store::encode(&*load);
                chunk.note = Some((self.loader.entry(), note));
            }
            match self.apply(chunk).await? {
                Applied::Done { rows, differences } => {
                    load.differences += differences;
                    if load.step != Step::Done {
                        self.loader.status.update(|facts| {
                            facts.rows_loaded += rows;
                            facts.rows_differing += differences;
                        });
                    }
                    tokio::time::sleep(busy.mul_f64(1.0 / self.loader.share - 1.0)).await;
                    return Ok(rows);
                }
                Applied::Again => {
                    if attempt == AGAIN_WARNING {
                        warn!(source = %self.loader.name, "a chunk is overtaken by changes again and again");
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Applied::Paused(reason) => return Err(LoadError::Paused(reason)),
            }
        }
        Err(LoadError::Stopping)
    }

    async fn apply(&self, chunk: Chunk) -> Result<Applied, LoadError> {
        self.loader.ask(|reply| Ask::Apply(Box::new(chunk), reply)).await
    }

    /// Waits while VTEX has enough to do.
    async fn wait_for_room(&self) -> Result<(), LoadError> {
        let mut waited = false;
        loop {
            let backlog = self.loader.backlog.load(Ordering::Relaxed);
            if backlog <= BACKLOG_MAX {
                if waited {
                    self.loader.held_up(None);
                }
                return Ok(());
            }
            waited = true;
            self.loader.held_up(Some(format!("{backlog} keys of this load are to be sent to VTEX first")));
            tokio::select! {
                () = self.stop.cancelled() => return Err(LoadError::Stopping),
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
        }
    }

    async fn note<T: Serialize>(&self, name: String, value: &T) -> Result<(), LoadError> {
        let mut chunk = self.empty(Content::Nothing);
        let bytes = Store::encode(value);
        chunk.note = Some((name, bytes));
        self.apply(chunk).await?;
        Ok(())
    }

    /// A chunk without rows, which need not wait for any position.
    fn empty(&self, content: Content) -> Chunk {
        Chunk {
            content,
            snapshot: super::visibility::Snapshot::everything(),
            high: crate::core::position::Position::ZERO,
            read_at: (self.loader.now)(),
            refreshed: Vec::new(),
            note: None,
        }
    }

    fn show(&self, load: &Load, share: f64) {
        let now = (self.loader.now)();
        self.loader.status.update(|facts| {
            facts.load = Some(LoadFacts {
                why: load.why.clone(),
                step: load.step.name().to_owned(),
                rows: load.rows,
                differences: load.differences,
                share,
                started: Some(load.started),
                ended: None,
                moved: Some(now),
                held_up: None,
            });
        });
    }
}

/// Rows of a load are announced under a number that no table of Live has beside the stream's.
const RELATION_ID: u32 = u32::MAX;

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Reference(index) => {
                Role::REFERENCE.get(usize::from(*index)).map_or("reference data", |role| role.name())
            }
            Self::Prices { .. } => "prices",
            Self::Stock { .. } => "stock",
            Self::Done => "done",
        }
    }
}
