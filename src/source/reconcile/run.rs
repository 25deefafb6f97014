//! One stretch of loading over one connection to Live: reads chunk after chunk and lets each in.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::core::entity::Entity;
use crate::mapping::cell::RowId;
use crate::mapping::config::CapturedTable;
use crate::mapping::{KeptCustomer, Mapper, Pair, Refresh, Role, Scope};
use crate::source::status::LoadFacts;
use crate::source::window::Due;
use crate::store::Store;

use super::load::{Load, LoadError, Loader, Step};
use super::looked_up::TOGETHER;
use super::reader::{Engine, Reader, Rows, Selection};
use super::visibility::{Seen, Watermark};
use super::{Applied, Ask, Chunk, Content, due_entry};

/// While more keys than this wait for VTEX without a shopper waiting for them, loading pauses: memory
/// stays bounded and fresh changes stay ahead.
const BACKLOG_MAX: u64 = 20_000;
/// The same of keys that wait for their SKU: some forty megabytes of them.
const WAITING_MAX: u64 = 200_000;
/// They may wait for SKUs that cannot be made. Then the rest goes on, slowly.
const WAITING_PATIENCE: Duration = Duration::from_secs(120);
/// A chunk that the stream overtakes is read again; after so many times the log says so.
const AGAIN_WARNING: u32 = 20;

/// One stretch of loading over one connection to Live.
pub(super) struct Run<'a, E: Engine> {
    pub(super) loader: &'a Loader<E>,
    stop: &'a CancellationToken,
    pub(super) reader: E::Reader,
}

impl<'a, E: Engine> Run<'a, E> {
    pub(super) async fn begin(
        loader: &'a Loader<E>,
        stop: &'a CancellationToken,
    ) -> Result<Run<'a, E>, LoadError> {
        let reader = loader.engine.open().await?;
        Ok(Self { loader, stop, reader })
    }

    pub(super) async fn load(&mut self, mut load: Load) -> Result<(), LoadError> {
        info!(source = %self.loader.context.name, why = load.why, "comparing Live with the ledger");
        self.show(&load, 0.0);
        if load.step == Step::Reference(0) {
            // From here on the load itself is what is due: a reason that comes up meanwhile counts anew.
            for entity in load.entities.clone() {
                self.note(due_entry(&self.loader.context.name, entity), &String::new()).await?;
            }
            self.note(self.loader.entry(), &load).await?;
        }
        while load.step != Step::Done {
            // A load may take days; somebody waits for what changed meanwhile. (Before reference data is read, nothing
            // could be made of it.)
            if !matches!(load.step, Step::Reference(_)) {
                let dues = self.loader.refreshes()?;
                if !dues.is_empty() {
                    self.refresh(dues).await?;
                }
            }
            load.step = match load.step.clone() {
                Step::Reference(index) => self.reference(&mut load, index).await?,
                Step::Products { after } => self.products(&mut load, after).await?,
                Step::People { after } => self.people(&mut load, after).await?,
                Step::Gone { after } => self.gone(&mut load, after).await?,
                Step::Orders { after } => self.orders(&mut load, after).await?,
                Step::Prices { after } => self.prices(&mut load, after).await?,
                Step::Stock { pair, after } => self.stock(&mut load, pair, after).await?,
                Step::Done => Step::Done,
            };
        }
        self.note(self.loader.entry(), &load).await?;
        info!(
            source = %self.loader.context.name, rows = load.rows, differences = load.differences, why = load.why,
            "Live and the ledger agree; what differed is on its way"
        );
        let ended = (self.loader.context.now)();
        self.loader.context.status.update(|facts| {
            let mut done = facts.load.take().unwrap_or_default();
            done.ended = Some(ended);
            done.share = 1.0;
            facts.last_load = Some(done);
        });
        Ok(())
    }

    async fn reference(&mut self, load: &mut Load, index: u8) -> Result<Step, LoadError> {
        let Some(role) = Role::REFERENCE.get(usize::from(index)).copied() else {
            return Ok(self.step_after(load, None));
        };
        let mapping = &self.loader.context.mapping;
        if !mapping.uses(role) {
            // Nothing of it is captured, and it may not even be read.
            return Ok(Step::Reference(index + 1));
        }
        let table = mapping.captured_table(role);
        let key = mapping.id_column(role).to_owned();
        let limit = self.loader.chunk_rows;
        let all_follows =
            Entity::SWITCHED.iter().all(|entity| load.entities.contains(entity) || !mapping.has(*entity));
        let mut ids = BTreeSet::new();
        let mut after: Option<RowId> = None;
        loop {
            let mut last = None;
            let page = Selection::Page { key: &key, after: after.as_ref(), limit };
            let applied = self
                .chunk(load, &table, page, |rows: Rows| {
                    ids.extend(rows.ids(&key));
                    last = rows.ids(&key).next_back();
                    Content::Reference { role, rows, gone: Vec::new(), all_follows }
                })
                .await?;
            load.rows += applied;
            self.show(load, 0.02 * f64::from(index + 1));
            match last {
                Some(id) if applied as usize >= limit => after = Some(id),
                _ => break,
            }
        }
        // What no page had is gone, or came up behind the page that would have had it.
        let beyond = self.loader.look(move |mapper| mapper.reference_beyond(role, &ids)).await?;
        for asked in beyond.chunks(limit) {
            let rows = Selection::Any { key: &key, ids: asked };
            let content = |rows: Rows| {
                let found: BTreeSet<_> = rows.ids(&key).collect();
                let gone = asked.iter().filter(|id| !found.contains(*id)).cloned().collect();
                Content::Reference { role, rows, gone, all_follows }
            };
            load.rows += self.chunk(load, &table, rows, content).await?;
        }
        Ok(Step::Reference(index + 1))
    }

    /// What comes after a step. Where products are loaded, their prices and stock come with them, so that the first
    /// can be sold while the others wait.
    fn step_after(&self, load: &Load, step: Option<&Step>) -> Step {
        let has = |entity| load.entities.contains(&entity);
        let products = has(Entity::Product);
        let mut steps = vec![];
        if products {
            steps.push(Step::Products { after: None });
        }
        if has(Entity::Price) && !products {
            steps.push(Step::Prices { after: None });
        }
        if has(Entity::Stock) && !products {
            steps.push(Step::Stock { pair: None, after: None });
        }
        if has(Entity::Order) {
            // There are few of them, and somebody waits for each.
            steps.insert(0, Step::Orders { after: None });
        }
        if has(Entity::Customer) || has(Entity::Consent) {
            // What the law wants comes first.
            steps.splice(0..0, [Step::People { after: None }, Step::Gone { after: None }]);
        }
        let at = step.and_then(|step| {
            steps.iter().position(|other| std::mem::discriminant(other) == std::mem::discriminant(step))
        });
        steps.into_iter().nth(at.map_or(0, |at| at + 1)).unwrap_or(Step::Done)
    }

    /// The next products with their SKUs, prices and stock.
    async fn products(&mut self, load: &mut Load, after: Option<RowId>) -> Result<Step, LoadError> {
        let from = after.clone();
        let (products, done, all) =
            self.loader.look(move |mapper| mapper.products_after(from.as_ref(), TOGETHER)).await?;
        let Some(last) = products.last().cloned() else {
            if load.entities.contains(&Entity::Stock) {
                self.apply(self.empty(Content::Sums)).await?;
            }
            return Ok(self.step_after(load, Some(&Step::Products { after: None })));
        };
        let refreshes: Vec<Refresh> = products.iter().cloned().map(Refresh::Product).collect();
        let scope = self.loader.look(move |mapper| mapper.scope(&refreshes)).await?;
        load.rows += self.catalog_chunk(load, products).await?;
        self.scope(load, &scope).await?;
        let step = Step::Products { after: Some(last) };
        load.step = step.clone();
        self.note(self.loader.entry(), load).await?;
        self.show(load, 0.1 + 0.9 * done as f64 / all.max(1) as f64);
        Ok(step)
    }

    /// The next customers.
    async fn people(&mut self, load: &mut Load, after: Option<RowId>) -> Result<Step, LoadError> {
        let table = self.loader.context.mapping.captured_table(Role::Customer);
        let key = self.loader.context.mapping.tables.customer.columns.id.clone();
        let page = Selection::Page { key: &key, after: after.as_ref(), limit: TOGETHER };
        let customers: Vec<RowId> = self.reader.read(&table, &page).await?.rows.ids(&key).collect();
        let Some(last) = customers.last().cloned() else {
            return Ok(self.step_after(load, Some(&Step::People { after: None })));
        };
        let step = Step::People { after: Some(last) };
        load.step = step.clone();
        load.rows += self.people_chunk(load, customers).await?;
        self.show(load, 0.05);
        Ok(step)
    }

    /// The next customers that VTEX was told of: those that Live has no more.
    async fn gone(&mut self, load: &mut Load, after: Option<Vec<u8>>) -> Result<Step, LoadError> {
        let limit = self.loader.chunk_rows;
        let kept =
            self.loader.context.store.rows_after(&Mapper::customers_prefix(), after.as_deref(), limit)?;
        let Some((last, _)) = kept.last() else {
            return Ok(self.step_after(load, Some(&Step::Gone { after: None })));
        };
        let step = Step::Gone { after: Some(last.clone()) };
        let known = kept.iter().filter_map(|(_, value)| postcard::from_bytes::<KeptCustomer>(value).ok());
        let mut missing: BTreeSet<RowId> = known.map(|customer| customer.id).collect();
        let asked: Vec<RowId> = missing.iter().cloned().collect();
        let began = Instant::now();
        for id in self.ids_of(Role::Customer, &asked).await? {
            missing.remove(&id);
        }
        self.rest(began.elapsed()).await;
        load.step = step.clone();
        let missing: Vec<RowId> = missing.into_iter().collect();
        for customers in missing.chunks(TOGETHER) {
            load.rows += self.people_chunk(load, customers.to_vec()).await?;
        }
        Ok(step)
    }

    /// The next orders of the last days that are open in Live, or that the ledger knows.
    async fn orders(&mut self, load: &mut Load, after: Option<RowId>) -> Result<Step, LoadError> {
        let (pedidos, last) = self.pedidos_to_load(load.started, after.as_ref()).await?;
        let Some(last) = last else {
            return Ok(self.step_after(load, Some(&Step::Orders { after: None })));
        };
        for pedidos in pedidos.chunks(TOGETHER) {
            load.rows += self.order_chunk(load, pedidos, &[]).await?;
        }
        let step = Step::Orders { after: Some(last) };
        load.step = step.clone();
        self.note(self.loader.entry(), load).await?;
        self.show(load, 0.1);
        Ok(step)
    }

    async fn prices(&mut self, load: &mut Load, after: Option<RowId>) -> Result<Step, LoadError> {
        let count = (self.loader.chunk_rows / 10).max(1);
        let from = after.clone();
        let (products, done, all) =
            self.loader.look(move |mapper| mapper.products_after(from.as_ref(), count)).await?;
        let Some(last) = products.last().cloned() else {
            return Ok(self.step_after(load, Some(&Step::Prices { after: None })));
        };
        let step = Step::Prices { after: Some(last) };
        load.step = step.clone();
        load.rows += self.price_chunk(load, products).await?;
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
            return Ok(self.step_after(load, Some(&Step::Stock { pair: None, after: None })));
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
                    self.step_after(load, Some(&Step::Stock { pair: None, after: None }))
                }
            });
        };
        let step = Step::Stock { pair: Some(pair.clone()), after: Some(last.clone()) };
        load.step = step.clone();
        let table = self.loader.context.mapping.captured_table(Role::Stock);
        let columns = &self.loader.context.mapping.tables.stock.columns;
        let rows = Selection::Range {
            of: [(&columns.store, &pair.store), (&columns.deposit, &pair.deposit)],
            key: &columns.sku,
            after: after.as_ref(),
            last: &last,
            ids: &skus,
        };
        load.rows += self
            .chunk(load, &table, rows, |rows| Content::Stock { pair: pair.clone(), skus: skus.clone(), rows })
            .await?;
        let share = (at as f64 + done as f64 / all.max(1) as f64) / pairs.len() as f64;
        self.show(load, 0.3 + 0.7 * share);
        Ok(step)
    }

    async fn price_chunk(&mut self, load: &mut Load, products: Vec<RowId>) -> Result<u64, LoadError> {
        let table = self.loader.context.mapping.captured_table(Role::Price);
        let key = &self.loader.context.mapping.tables.price.columns.product;
        let rows = Selection::Any { key, ids: &products };
        self.chunk(load, &table, rows, |rows| Content::Prices { products: products.clone(), rows }).await
    }

    pub(super) async fn refresh(&mut self, dues: Vec<Due>) -> Result<(), LoadError> {
        let refreshes: Vec<_> = dues.iter().map(|due| due.refresh.clone()).collect();
        let scope = self.loader.look(move |mapper| mapper.scope(&refreshes)).await?;
        let mut load = Load {
            why: String::new(),
            entities: Vec::new(),
            step: Step::Done,
            rows: 0,
            differences: 0,
            started: (self.loader.context.now)(),
        };
        let mut people = scope.people.clone();
        people.extend(self.customers_coded(&scope.people_coded).await?);
        for customers in people.chunks(TOGETHER) {
            self.people_chunk(&mut load, customers.to_vec()).await?;
        }
        if self.loader.context.mapping.has(Entity::Order) {
            for pedidos in scope.pedidos.chunks(TOGETHER) {
                self.order_chunk(&mut load, pedidos, &[]).await?;
            }
            for orders in scope.orders.chunks(TOGETHER) {
                self.order_chunk(&mut load, &[], orders).await?;
            }
        }
        self.scope(&mut load, &scope).await?;
        let mut catalog = scope.catalog;
        for holders in &scope.holders {
            catalog.extend(self.products_of(holders).await?);
        }
        // One may have had a new brand and a new colour.
        catalog.sort_unstable();
        catalog.dedup();
        for products in catalog.chunks(TOGETHER) {
            self.catalog_chunk(&mut load, products.to_vec()).await?;
        }
        let mut chunk = self.empty(Content::Nothing);
        chunk.refreshed = dues;
        self.apply(chunk).await?;
        Ok(())
    }

    /// Prices and stock.
    async fn scope(&mut self, load: &mut Load, scope: &Scope) -> Result<(), LoadError> {
        if !scope.stock.is_empty() && self.loader.context.mapping.has(Entity::Stock) {
            let table = self.loader.context.mapping.captured_table(Role::Stock);
            let columns = &self.loader.context.mapping.tables.stock.columns;
            for (pair, skus) in &scope.stock {
                for skus in skus.chunks(self.loader.chunk_rows) {
                    let rows = Selection::AnyOf {
                        of: [(&columns.store, &pair.store), (&columns.deposit, &pair.deposit)],
                        key: &columns.sku,
                        ids: skus,
                    };
                    load.rows += self
                        .chunk(load, &table, rows, |rows| Content::Stock {
                            pair: pair.clone(),
                            skus: skus.to_vec(),
                            rows,
                        })
                        .await?;
                }
            }
        }
        if !scope.products.is_empty() && self.loader.context.mapping.has(Entity::Price) {
            for products in scope.products.chunks((self.loader.chunk_rows / 10).max(1)) {
                load.rows += self.price_chunk(load, products.to_vec()).await?;
            }
        }
        Ok(())
    }

    /// Reads one chunk and lets it in; again and again while the stream is ahead of it.
    async fn chunk(
        &mut self,
        load: &mut Load,
        table: &CapturedTable,
        rows: Selection<'_>,
        mut content: impl FnMut(Rows) -> Content,
    ) -> Result<u64, LoadError> {
        self.wait_for_room().await?;
        for attempt in 0_u32.. {
            if self.stop.is_cancelled() {
                return Err(LoadError::Stopping);
            }
            self.loader.ask(Ask::Open).await?;
            let began = Instant::now();
            let taken = tokio::select! {
                // A row that the shop has locked can take long.
                () = self.stop.cancelled() => return Err(LoadError::Stopping),
                taken = self.reader.read(table, &rows) => taken?,
            };
            let busy = began.elapsed();
            let mut chunk = Chunk::new(taken, &mut content);
            chunk.note = self.progress(load);
            match self.apply(chunk).await? {
                Applied::Done { rows, differences } => {
                    self.count(load, rows, differences);
                    self.rest(busy).await;
                    return Ok(rows);
                }
                Applied::Again => {
                    if attempt == AGAIN_WARNING {
                        warn!(source = %self.loader.context.name, "a chunk is overtaken by changes again and again");
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Applied::Paused(reason) => return Err(LoadError::Paused(reason)),
            }
        }
        Err(LoadError::Stopping)
    }

    /// How far a load is, to be stored with a chunk of it.
    pub(super) fn progress(&self, load: &Load) -> Option<(String, Vec<u8>)> {
        (load.step != Step::Done).then(|| (self.loader.entry(), Store::encode(load)))
    }

    pub(super) fn count(&self, load: &mut Load, rows: u64, differences: u64) {
        load.differences += differences;
        if load.step != Step::Done {
            self.loader.context.status.update(|facts| {
                facts.rows_loaded += rows;
                facts.rows_differing += differences;
            });
        }
    }

    /// Leaves Live alone for its share of the time.
    pub(super) async fn rest(&self, busy: Duration) {
        tokio::time::sleep(busy.mul_f64(1.0 / self.loader.share - 1.0)).await;
    }

    pub(super) async fn apply(&self, chunk: Chunk) -> Result<Applied, LoadError> {
        self.loader.ask(|reply| Ask::Apply(Box::new(chunk), reply)).await
    }

    /// Waits while VTEX has enough to do.
    pub(super) async fn wait_for_room(&self) -> Result<(), LoadError> {
        let mut waited = false;
        let since = Instant::now();
        loop {
            let backlog = self.loader.backlog.resync.load(Ordering::Relaxed);
            let waiting = self.loader.backlog.waiting.load(Ordering::Relaxed);
            // Where nothing of ours makes SKUs, waiting for those that somebody makes would have no end.
            let too_many = self.loader.context.mapping.has(Entity::Product) && waiting > WAITING_MAX;
            let patience = since.elapsed() < WAITING_PATIENCE;
            if backlog <= BACKLOG_MAX && !(too_many && patience) {
                if waited {
                    self.loader.held_up(None);
                }
                return Ok(());
            }
            waited = true;
            self.loader.held_up(Some(if backlog > BACKLOG_MAX {
                format!("{backlog} keys of this load are to be sent to VTEX first")
            } else {
                format!("{waiting} prices and balances wait for their SKUs to be made in VTEX first")
            }));
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
            seen: Seen::Everything,
            watermark: Watermark::None,
            read_at: (self.loader.context.now)(),
            refreshed: Vec::new(),
            note: None,
        }
    }

    fn show(&self, load: &Load, share: f64) {
        let now = (self.loader.context.now)();
        self.loader.context.status.update(|facts| {
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
