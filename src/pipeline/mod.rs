//! Tasks, wiring, and the order of start and end.
//!
//! ```text
//!  capture ──▶ writer (thread) ──▶ dispatcher ──▶ one task per request ──▶ VTEX
//!  loader  ──▶ capture                  ▲
//!  pulse   ──▶ Live                 admin endpoints
//!  orders  ◀── feed and hook of VTEX; ──▶ Live
//!  proof   ──▶ dispatcher: does VTEX still hold what it confirmed?
//!  messages ◀── writer, orders; ──▶ webhooks
//!
//!  capture: the stream of a slot, or the drain of change tables (then without pulse)
//! ```
//!
//! Start: ledger, dispatcher with what the ledger holds, writer, admin endpoints, sources.
//! End: sources stop reading and confirm what is durable; the dispatcher sends nothing new and waits for
//! the answers under way; the writer writes what is left; then the process ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::admin::Admin;
use crate::config::Config;
use crate::core::call::bulk::BulkKind;
use crate::core::dispatch::{Dispatch, Effect, Known, Tuning};
use crate::core::entity::{Entity, Key};
use crate::core::position::Position;
use crate::core::record::{Cause, Confirmed, Dirty, Wanted};
use crate::source::reconcile::load::Backlog;
use crate::source::window::Handover;
use crate::store::{Durability, Op, Outstanding, Store, StoreError};
use crate::telemetry::metrics;
use crate::vtex::Client;

mod bulk;
mod dispatcher;
mod messages;
mod orders;
mod proof;
mod shop;
mod signals;
mod sources;
mod watch;
mod writer;

pub use dispatcher::{Clock, Control, Dispatcher, ParkedFilter, wall_clock};
pub use shop::writer as live_writer;
pub use sources::SourceHandle;
use watch::Watch;
pub use writer::{Durable, Outcomes, Writer};

/// The entry of the store with the tuning that an operator saved.
pub const TUNING_ENTRY: &str = "tuning";

/// Batches of keys on their way to the dispatcher; the writer waits when it is behind.
const DURABLE_QUEUE: usize = 4;
/// How long the end may take when the ledger takes nothing more.
const LAST_WAIT: Duration = Duration::from_secs(30);
/// Outcomes on their way to the writer.
const OUTCOME_QUEUE: usize = 16;
/// Questions of operators.
const CONTROL_QUEUE: usize = 16;

/// Runs the replicator until it is told to stop.
///
/// # Errors
/// When it cannot start: the ledger is locked or damaged, the address taken, a secret missing.
pub async fn run(config: Config) -> anyhow::Result<()> {
    // First: whoever stops a service that is still starting shall see it end in order.
    let signals = signals::Signals::listen().context("cannot listen for signals")?;
    let clock = Clock::start();
    let store = Store::open(&config.state_dir, crate::store::Options::default())
        .with_context(|| format!("cannot open the ledger in {}", config.state_dir.display()))?;
    let tuning = saved_tuning(&store)?.unwrap_or_else(|| config.tuning.clone());
    let credentials = config.credentials()?;
    let mut client = Client::new(&config.vtex, credentials)?;
    if config.mapping.has(Entity::Product) && config.mapping.catalog.images.check {
        client = client.checking_images()?;
    }
    let client = Arc::new(client);
    let tuning = complete(tuning, &config);
    let (mut outstanding, were_out) = Outstanding::open(&config.state_dir)?;
    doubt(&store, &were_out)?;
    outstanding.forget_all()?;
    let Restored { dispatch, effects: startup, doubtful, newest } = restore(&store, tuning, &clock)?;

    let listener = tokio::net::TcpListener::bind(config.admin.listen)
        .await
        .with_context(|| format!("cannot listen on {} (admin.listen)", config.admin.listen))?;
    let hook = orders::listen(&config).await?;
    let messages = messages::outbox(&config, &store)?;
    let (changes_tx, changes) = mpsc::channel::<Handover>(config.sources.len().max(1));
    let (outcomes_tx, outcomes) = mpsc::channel(OUTCOME_QUEUE);
    let (durable_tx, durable) = mpsc::channel(DURABLE_QUEUE);
    let (control_tx, control) = mpsc::channel(CONTROL_QUEUE);
    let written = Arc::new(AtomicU64::new(0));
    let broken = CancellationToken::new();
    let watch = Arc::new(Watch::default());
    let writer = Writer {
        store: store.clone(),
        changes,
        outcomes,
        written: Arc::clone(&written),
        durable: durable_tx,
        messages: messages.clone(),
        broken: broken.clone(),
        watch: Arc::clone(&watch),
        doubtful,
        replayed_to: newest,
    }
    .start()
    .context("cannot start the ledger writer")?;
    let backlog = Arc::new(Backlog::default());
    let stop = CancellationToken::new();
    let stop_sending = CancellationToken::new();
    let mut tasks = JoinSet::new();

    for source in &config.sources {
        sources::notice_mapping(source, &config, &store)?;
    }
    let sources: Vec<SourceHandle> = config
        .sources
        .iter()
        .map(|source| {
            let context = sources::context(source, &config, &store, &changes_tx);
            sources::start(source, context, Arc::clone(&backlog), &stop, &mut tasks)
        })
        .collect();
    drop(changes_tx);
    let orders = orders::inbound(&config, &sources, &client, &store, messages.as_ref())?;
    if let Some(orders) = &orders {
        tasks.spawn(Arc::clone(orders).run(stop.clone()));
        if let Some(listener) = hook {
            tasks.spawn(Arc::clone(orders).serve_hook(listener, stop.clone()));
        }
    }
    if let Some(messages) = &messages {
        let read = messages::read_contact(orders.as_ref());
        tasks.spawn(Arc::clone(messages).run(read, stop.clone()));
    }
    let consents = shop::start(&config, &sources, &store, &control_tx, &stop, &mut tasks);
    let proof = proof::start(&config, &sources, &store, &control_tx, &stop, &mut tasks);
    let reload = Arc::new(std::sync::Mutex::new(None));
    let admin = Admin {
        sources,
        control: control_tx.clone(),
        store: store.clone(),
        orders,
        messages,
        token: config.admin.token.clone(),
        warehouses: config.mapping.warehouses().into_iter().map(str::to_owned).collect(),
        metrics: metrics::install(),
        started: std::time::Instant::now(),
        reload: Arc::clone(&reload),
        consents,
        proof,
    };
    let stop_admin = CancellationToken::new();
    let admin_task = tokio::spawn(admin.serve(listener, stop_admin.clone()));
    let dispatcher = Dispatcher {
        dispatch,
        store,
        client: Arc::clone(&client),
        clock,
        durable,
        control,
        outcomes: outcomes_tx,
        written,
        outstanding,
        backlog,
    };
    let dispatcher = tokio::spawn(dispatcher.run(stop_sending.clone(), startup));
    info!(admin = %config.admin.listen, state = %config.state_dir.display(), "maré is running");
    signals::ready();

    tokio::select! {
        () = signals::until_stopped(signals, &config, &client, &control_tx, &reload) => {}
        () = broken.cancelled() => error!("{}", StoreError::Broken),
        () = watch.hung(watch::PATIENCE) => {
            broken.cancel();
            error!("a commit of the ledger does not end (is the disk full?): the service ends");
        }
    }
    signals::stopping();
    info!("stopping: nothing more is read");
    stop.cancel();
    let end = async {
        while tasks.join_next().await.is_some() {}
        stop_sending.cancel();
        let outstanding = dispatcher.await.context("the dispatcher ended in a panic")?;
        joined(writer).await.map(|()| outstanding)
    };
    if broken.is_cancelled() {
        // What waits for a ledger that takes nothing may wait for ever.
        match tokio::time::timeout(LAST_WAIT, end).await {
            Ok(ended) => drop(ended?),
            Err(_) => warn!("not everything came to its end; what is in the ledger stays"),
        }
    } else {
        end.await?.forget_all()?;
    }
    stop_admin.cancel();
    // A scraper that keeps its connection open must not hold up the end.
    let _ = tokio::time::timeout(Duration::from_secs(2), admin_task).await;
    info!("stopped");
    if broken.is_cancelled() {
        return Err(StoreError::Broken.into());
    }
    Ok(())
}

/// Waits for the writer. Not on a thread of the runtime: a writer that hangs must not hold up the end of the process.
async fn joined(writer: std::thread::JoinHandle<()>) -> anyhow::Result<()> {
    while !writer.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    writer.join().map_err(|_| anyhow::anyhow!("the ledger writer ended in a panic"))
}

fn saved_tuning(store: &Store) -> anyhow::Result<Option<Tuning>> {
    let Some(bytes) = store.meta_bytes(TUNING_ENTRY)? else { return Ok(None) };
    match serde_json::from_slice(&bytes) {
        Ok(tuning) => Ok(Some(tuning)),
        Err(error) => {
            warn!(%error, "the saved tuning does not fit this version; the configured one is used");
            Ok(None)
        }
    }
}

/// What was on its way to VTEX when the last process ended may still be applied there.
fn doubt(store: &Store, were_out: &[Key]) -> anyhow::Result<()> {
    let mut ops = Vec::new();
    for key in were_out {
        let dirty = match store.dirty(key)? {
            // A quantity may go out again because of an order, without a change in Live that would be on disk.
            None if key.entity == Entity::Stock => store.confirmed(key)?.map(|confirmed| {
                let Confirmed { value, position, at } = confirmed;
                Dirty::fresh(Wanted { value, position, committed_at: at, cause: Cause::Change })
            }),
            dirty => dirty,
        };
        if let Some(dirty) = dirty {
            let position = dirty.wanted.position;
            ops.push(Op::Amend { key: key.clone(), position, dirty: Dirty { doubtful: true, ..dirty } });
        }
    }
    if !ops.is_empty() {
        info!(keys = ops.len(), "the last process ended while these were being sent: they are verified");
        store.commit(&ops, Durability::Synced)?;
    }
    Ok(())
}

/// The dispatcher as the last process left it.
struct Restored {
    dispatch: Dispatch,
    effects: Vec<Effect>,
    /// Keys that something may have been written to unheard.
    doubtful: HashSet<Key>,
    /// The newest version that is dirty.
    newest: Position,
}

/// The dispatcher with every key that was not at rest.
fn restore(store: &Store, tuning: Tuning, clock: &Clock) -> anyhow::Result<Restored> {
    let now = clock.now();
    let mut dispatch = Dispatch::new(tuning, now);
    let mut effects = Vec::new();
    store.each_sku(&mut |sku_ref, id| dispatch.know_sku(&sku_ref, id, now))?;
    for entity in [Entity::Brand, Entity::Category, Entity::Product] {
        store.each_id(entity, &mut |key, id| dispatch.know_id(&key, id, now))?;
    }
    let (mut keys, mut doubtful, mut newest) = (0_u64, HashSet::new(), Position::ZERO);
    store.each_dirty(&mut |key: Key, dirty| {
        newest = newest.max(dirty.wanted.position);
        if dirty.doubtful {
            doubtful.insert(key.clone());
        }
        let confirmed = store.confirmed(&key).ok().flatten();
        let known = Known { confirmed, id: dispatcher::known_id(store, &key) };
        dispatch.restore(key, dirty, known, now, &mut effects);
        keys += 1;
    })?;
    for kind in BulkKind::ALL {
        let Some(record) = bulk::load(store, kind)? else { continue };
        let batch = record.batch.clone();
        let rows = dispatch.resume_bulk(kind, record, now);
        if rows > 0 {
            info!(kind = kind.name(), %batch, rows, "a bulk job is taken up again: these keys wait for its end");
        }
    }
    dispatch.book_restored(&|key| store.confirmed(key).ok().flatten(), now, &mut effects);
    if keys > 0 {
        info!(keys, "taken up from the ledger: these are still to be sent");
    }
    Ok(Restored { dispatch, effects, doubtful, newest })
}

/// The trade policies that the mapping writes to are ours, whatever else the tuning names.
fn complete(mut tuning: Tuning, config: &Config) -> Tuning {
    tuning.price.trade_policies.extend(config.mapping.trade_policies());
    tuning
}
