//! Tasks, wiring, and the order of start and end.
//!
//! ```text
//!  capture ──▶ writer (thread) ──▶ dispatcher ──▶ one task per request ──▶ VTEX
//!  loader  ──▶ capture                  ▲
//!  pulse   ──▶ Live                 admin endpoints
//!
//!  capture: the stream of a slot, or the drain of change tables (then without pulse)
//! ```
//!
//! Start: ledger, dispatcher with what the ledger holds, writer, admin endpoints, sources.
//! End: sources stop reading and confirm what is durable; the dispatcher sends nothing new and waits for
//! the answers under way; the writer writes what is left; then the process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::admin::Admin;
use crate::config::{CaptureMode, Config, Source};
use crate::core::dispatch::{Dispatch, Effect, LaneStats, Stats, Tuning};
use crate::core::entity::{Entity, Key};
use crate::core::position::Position;
use crate::core::schedule::Urgency;
use crate::live::Connect;
use crate::source::changelog::capture as changelog;
use crate::source::changelog::drain::DrainSettings;
use crate::source::changelog::postgres::connection::PostgresConnector;
use crate::source::context::Context;
use crate::source::postgres::capture as slot;
use crate::source::postgres::pulse::Pulse;
use crate::source::reconcile::load::Loader;
use crate::source::reconcile::postgres::{Beside, PostgresEngine};
use crate::source::reconcile::{Ask, due_entry};
use crate::source::status::SourceStatus;
use crate::source::window::{Due, Handover};
use crate::store::{Durability, Op, Store};
use crate::telemetry::metrics;
use crate::vtex::Client;

mod dispatcher;
mod signals;
mod writer;

pub use dispatcher::{Clock, Control, Dispatcher, ParkedFilter, wall_clock};
pub use writer::{Durable, Outcomes, Writer};

/// The entry of the store with the tuning that an operator saved.
pub const TUNING_ENTRY: &str = "tuning";

/// Batches of keys on their way to the dispatcher; the writer waits when it is behind.
const DURABLE_QUEUE: usize = 4;
/// Outcomes on their way to the writer.
const OUTCOME_QUEUE: usize = 16;
/// Questions of operators.
const CONTROL_QUEUE: usize = 16;

/// Keys that wait for VTEX, for those who would add to them.
#[derive(Debug, Default)]
pub struct Backlog {
    resync: Arc<AtomicU64>,
}

impl Backlog {
    fn publish(&self, stats: &Stats) {
        let waiting = |lane: &LaneStats| lane.queued.get(&Urgency::Resync).copied().unwrap_or(0);
        let resync: usize = stats.lanes.values().map(waiting).sum();
        self.resync.store(resync as u64, Ordering::Relaxed);
    }
}

/// One source as the admin endpoints see it.
pub struct SourceHandle {
    pub name: Arc<str>,
    pub status: SourceStatus,
    pub asks: mpsc::Sender<Ask>,
    repair: Arc<Notify>,
    store: Store,
}

impl SourceHandle {
    /// Has entities compared as a whole, or everything about one SKU reference read again.
    ///
    /// # Errors
    /// When the key is unknown or the source cannot tell now.
    pub async fn reconcile(&self, entities: &[Entity], key: Option<&str>) -> anyhow::Result<()> {
        let mut ops = Vec::new();
        if let Some(key) = key {
            let sku_ref = key.rsplit_once('/').map_or(key, |(_, sku)| sku).to_owned();
            let (reply, answer) = tokio::sync::oneshot::channel();
            let wanted = sku_ref.clone();
            let look = Box::new(move |mapper: &crate::mapping::Mapper| {
                let _ = reply.send(mapper.find_sku(&wanted));
            });
            self.asks
                .try_send(Ask::Look(look))
                .map_err(|_| anyhow::anyhow!("the source is busy or not streaming; try again"))?;
            let refresh = tokio::time::timeout(Duration::from_secs(10), answer)
                .await
                .context("the source is not streaming")?
                .context("the source is not streaming")?
                .with_context(|| format!("Live has no SKU with the reference {sku_ref}"))?;
            let version = Position(wall_clock().0.unsigned_abs());
            ops.push(Op::PutRefresh { key: Due::now(version, refresh).encode(), value: Vec::new() });
        } else {
            let why = Store::encode(&"asked for by an operator");
            for entity in entities {
                ops.push(Op::PutMeta { name: due_entry(&self.name, *entity), value: why.clone() });
            }
        }
        self.store.commit(&ops, Durability::Synced)?;
        self.repair.notify_one();
        Ok(())
    }
}

/// Runs the replicator until it is told to stop.
///
/// # Errors
/// When it cannot start: the ledger is locked or damaged, the address taken, a secret missing.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let clock = Clock::start();
    let store = Store::open(&config.state_dir, crate::store::Options::default())
        .with_context(|| format!("cannot open the ledger in {}", config.state_dir.display()))?;
    let tuning = saved_tuning(&store)?.unwrap_or_else(|| config.tuning.clone());
    let credentials = config.credentials()?;
    let client = Arc::new(Client::new(&config.vtex, credentials)?);
    let tuning = complete(tuning, &config);
    let (dispatch, startup) = restore(&store, tuning, &clock)?;

    let listener = tokio::net::TcpListener::bind(config.admin.listen)
        .await
        .with_context(|| format!("cannot listen on {} (admin.listen)", config.admin.listen))?;
    let (changes_tx, changes) = mpsc::channel::<Handover>(config.sources.len().max(1));
    let (outcomes_tx, outcomes) = mpsc::channel(OUTCOME_QUEUE);
    let (durable_tx, durable) = mpsc::channel(DURABLE_QUEUE);
    let (control_tx, control) = mpsc::channel(CONTROL_QUEUE);
    let written = Arc::new(AtomicU64::new(0));
    let writer = Writer {
        store: store.clone(),
        changes,
        outcomes,
        written: Arc::clone(&written),
        durable: durable_tx,
    }
    .start()
    .context("cannot start the ledger writer")?;
    let backlog = Arc::new(Backlog::default());
    let stop = CancellationToken::new();
    let stop_sending = CancellationToken::new();
    let mut tasks = JoinSet::new();

    let sources: Vec<SourceHandle> = config
        .sources
        .iter()
        .map(|source| start_source(source, &config, &store, &changes_tx, &backlog, &stop, &mut tasks))
        .collect();
    drop(changes_tx);
    let reload = Arc::new(std::sync::Mutex::new(None));
    let admin = Admin {
        sources,
        control: control_tx.clone(),
        store: store.clone(),
        token: config.admin.token.clone(),
        metrics: metrics::install(),
        started: std::time::Instant::now(),
        reload: Arc::clone(&reload),
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
        backlog,
    };
    let dispatcher = tokio::spawn(dispatcher.run(stop_sending.clone(), startup));
    info!(admin = %config.admin.listen, state = %config.state_dir.display(), "maré is running");
    signals::ready();

    signals::until_stopped(&config, &client, &control_tx, &reload).await;
    signals::stopping();
    info!("stopping: nothing more is read");
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    stop_sending.cancel();
    dispatcher.await.context("the dispatcher ended in a panic")?;
    tokio::task::spawn_blocking(move || writer.join())
        .await?
        .map_err(|_| anyhow::anyhow!("the ledger writer ended in a panic"))?;
    stop_admin.cancel();
    // A scraper that keeps its connection open must not hold up the end.
    let _ = tokio::time::timeout(Duration::from_secs(2), admin_task).await;
    info!("stopped");
    Ok(())
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

/// The dispatcher with every key that was not at rest.
fn restore(store: &Store, tuning: Tuning, clock: &Clock) -> anyhow::Result<(Dispatch, Vec<Effect>)> {
    let now = clock.now();
    let mut dispatch = Dispatch::new(tuning, now);
    let mut effects = Vec::new();
    store.each_sku(&mut |sku_ref, id| dispatch.know_sku(&sku_ref, id, now))?;
    let mut keys = 0_u64;
    store.each_dirty(&mut |key: Key, dirty| {
        let confirmed = store.confirmed(&key).ok().flatten();
        dispatch.restore(key, dirty, confirmed, now, &mut effects);
        keys += 1;
    })?;
    if keys > 0 {
        info!(keys, "taken up from the ledger: these are still to be sent");
    }
    Ok((dispatch, effects))
}

/// The trade policies that the mapping writes to are ours, whatever else the tuning names.
fn complete(mut tuning: Tuning, config: &Config) -> Tuning {
    tuning.price.trade_policies.extend(config.mapping.trade_policies());
    tuning
}

fn start_source(
    source: &Source,
    config: &Config,
    store: &Store,
    writer: &mpsc::Sender<Handover>,
    backlog: &Backlog,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> SourceHandle {
    let status = SourceStatus::default();
    let repair = Arc::new(Notify::new());
    let (asks_tx, asks) = mpsc::channel(8);
    let settings = source.clone();
    let connect: Connect = Arc::new(move || settings.connection().map_err(anyhow::Error::from));
    let context = Context {
        name: Arc::clone(&source.name),
        mapping: Arc::clone(&config.mapping),
        store: store.clone(),
        writer: writer.clone(),
        status: status.clone(),
        repair: Arc::clone(&repair),
        now: wall_clock,
    };
    let beside = match source.capture {
        CaptureMode::Slot => Beside::Slot,
        _ => Beside::ChangeTables,
    };
    let loader = Loader {
        context: context.clone(),
        engine: PostgresEngine { connect: Arc::clone(&connect), beside },
        asks: asks_tx.clone(),
        backlog: Arc::clone(&backlog.resync),
        chunk_rows: source.chunk_rows,
        share: source.load_share,
    };
    tasks.spawn(loader.run(stop.clone()));
    match source.capture {
        CaptureMode::Slot => {
            let capture = slot::Capture {
                settings: slot::CaptureSettings {
                    slot: source.slot.clone(),
                    publication: source.publication.clone(),
                    memory_bytes: source.memory_bytes,
                },
                connect: Arc::clone(&connect),
                context,
            };
            let pulse = Pulse {
                name: Arc::clone(&source.name),
                connect,
                slot: source.slot.clone(),
                publication: source.publication.clone(),
                mapping: Arc::clone(&config.mapping),
                status: status.clone(),
                interval: source.heartbeat,
                now: wall_clock,
            };
            tasks.spawn(capture.run(asks, stop.clone()));
            tasks.spawn(pulse.run(stop.clone()));
        }
        // The configuration refuses what is not built.
        CaptureMode::Triggers | CaptureMode::Tracking | CaptureMode::Rowversion => {
            let capture = changelog::Capture {
                settings: DrainSettings {
                    poll: source.poll,
                    health_interval: source.heartbeat,
                    ..DrainSettings::default()
                },
                connector: PostgresConnector { connect, layouts: source.layouts(&config.mapping) },
                context,
            };
            tasks.spawn(capture.run(asks, stop.clone()));
        }
    }
    SourceHandle { name: Arc::clone(&source.name), status, asks: asks_tx, repair, store: store.clone() }
}
