//! The reader beside a server for tests, with a ledger of its own.

use std::sync::Arc;
use std::time::Duration;

use mare::core::entity::{Entity, Key};
use mare::core::poll::PollLimits;
use mare::core::record::Dirty;
use mare::core::time::Timestamp;
use mare::core::value::{Stock, Value};
use mare::core::versions::{CompareSchedule, Marks};
use mare::live::sqlserver::{SqlServerSettings, SqlServerTls};
use mare::mapping::config::MappingConfig;
use mare::source::changelog::capture::Capture;
use mare::source::changelog::drain::{DrainSettings, Rules};
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::connection::SqlServerConnector;
use mare::source::changelog::sqlserver::session::Login;
use mare::source::changelog::sqlserver::versions::SqlServerVersions;
use mare::source::changelog::versions::capture::VersionCapture;
use mare::source::changelog::versions::dialect::Mode;
use mare::source::changelog::versions::reader::{VersionRules, VersionSettings};
use mare::source::context::Context;
use mare::source::reconcile::load::Loader;
use mare::source::reconcile::sqlserver::SqlServerEngine;
use mare::source::reconcile::{Ask, due_entry};
use mare::source::status::{Phase, SourceStatus};
use mare::source::window::{Batch, Handover, Progress, Work};
use mare::store::{self, Durability, Op, Store};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::change_tables;
use crate::live;
use crate::tds::{Engine, Options, Outcome, Server, Tx};

/// Only a guard against waiting for ever; no test measures time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
const NAME: &str = "live";

/// What becomes of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Works,
    /// Batches with wanted values are never written: the process dies first.
    DiesBeforeValues,
}

/// How changes are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Versions(Mode, VersionRules),
    /// With so many rows to a page and to a round.
    Triggers(Rules, usize),
}

impl Way {
    /// With all its rules.
    fn whole(self) -> Self {
        match self {
            Self::Versions(mode, _) => Self::Versions(mode, VersionRules::default()),
            Self::Triggers(_, rows) => Self::Triggers(Rules::default(), rows),
        }
    }
}

pub(crate) struct Site {
    pub(crate) server: Arc<Server>,
    pub(crate) status: SourceStatus,
    way: Way,
    store: Store,
    _folder: tempfile::TempDir,
    running: Option<Running>,
}

struct Running {
    capture: JoinHandle<()>,
    writer: JoinHandle<()>,
    stop: CancellationToken,
    asks: mpsc::Sender<Ask>,
    context: Context,
    disk: watch::Sender<Disk>,
    /// Whether a batch was held back.
    died: watch::Receiver<bool>,
}

/// A loader at work.
pub(crate) struct Loading {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Loading {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

impl Site {
    /// A shop with three SKUs, read by all rules and in the ledger; what comes then is read by these.
    pub(crate) async fn open(way: Way) -> Self {
        let server = Arc::new(Server::start(Options::default()).await);
        server.with(live::install);
        if matches!(way, Way::Triggers(..)) {
            server.with(change_tables::install);
        }
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), store::Options::default()).unwrap();
        let mut site = Self {
            server,
            status: SourceStatus::default(),
            way: way.whole(),
            store,
            _folder: folder,
            running: None,
        };
        site.start();
        site.until("it reads", |site| site.status.facts().phase == Phase::Streaming).await;
        site.server.with(|engine| live::open_shop(engine, 3));
        for sku in 1..=3 {
            site.until_shows(sku, 1).await;
        }
        site.until("the round is stored", |site| site.status.facts().changes >= 9).await;
        site.forget_what_is_due();
        site.stop().await;
        site.way = way;
        site.start();
        site.until("it reads again", |site| site.status.facts().phase == Phase::Streaming).await;
        site
    }

    /// Another one with a ledger of its own beside the same server.
    pub(crate) fn beside(&self, way: Way) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), store::Options::default()).unwrap();
        Self {
            server: Arc::clone(&self.server),
            status: SourceStatus::default(),
            way,
            store,
            _folder: folder,
            running: None,
        }
    }

    pub(crate) fn start(&mut self) {
        let mapping: MappingConfig =
            toml::from_str("entities = [\"stock\"]\n[[stores]]\nloja = \"001\"\nwarehouse = \"w\"").unwrap();
        let mapping = Arc::new(mapping);
        let (writer, handovers) = mpsc::channel(1);
        let (disk, works) = watch::channel(Disk::Works);
        let (dead, died) = watch::channel(false);
        let writer_task = tokio::spawn(write(self.store.clone(), handovers, works, dead));
        let context = Context {
            name: NAME.into(),
            mapping: Arc::clone(&mapping),
            store: self.store.clone(),
            writer,
            status: self.status.clone(),
            repair: Arc::default(),
            now,
        };
        let login = login(&self.server);
        let captured = mapping.captured();
        let poll = PollLimits { min: Duration::from_millis(5), max: Duration::from_millis(20) };
        let health_interval = Duration::from_millis(50);
        let stop = CancellationToken::new();
        let (asks, asked) = mpsc::channel(8);
        let source = context.clone();
        let capture = match self.way {
            Way::Versions(mode, rules) => {
                let compare = match mode {
                    Mode::Tracking => None,
                    Mode::RowVersions => {
                        Some(CompareSchedule::DailyAt { hour: 3, zone: jiff::tz::TimeZone::UTC })
                    }
                };
                let capture = VersionCapture {
                    settings: VersionSettings { commit_rows: 1, poll, health_interval, compare, rules },
                    connector: SqlServerVersions { login, captured, mode },
                    context: source,
                };
                tokio::spawn(capture.run(asked, stop.clone()))
            }
            Way::Triggers(rules, rows) => {
                let capture = Capture {
                    settings: DrainSettings {
                        page_rows: rows,
                        round_rows: rows * 10,
                        delete_rows: rows,
                        poll,
                        health_interval,
                        rules,
                    },
                    connector: SqlServerConnector { login, captured, form: Form::Row },
                    context: source,
                };
                tokio::spawn(capture.run(asked, stop.clone()))
            }
        };
        self.running = Some(Running { capture, writer: writer_task, stop, asks, context, disk, died });
    }

    /// Lets it finish.
    pub(crate) async fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.stop.cancel();
        tokio::time::timeout(PATIENCE, running.capture).await.unwrap().unwrap();
        drop((running.asks, running.context));
        running.writer.await.unwrap();
    }

    /// Loads what is due, beside the stream.
    pub(crate) fn load(&self, chunk_rows: usize) -> Loading {
        let running = self.running.as_ref().unwrap();
        let loader = Loader {
            context: running.context.clone(),
            engine: SqlServerEngine { login: login(&self.server) },
            asks: running.asks.clone(),
            backlog: Arc::default(),
            chunk_rows,
            share: 1.0,
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(loader.run(stop.clone()));
        running.context.repair.notify_one();
        Loading { stop, task }
    }

    /// Ends it where it stands.
    pub(crate) async fn kill(&mut self) {
        let running = self.running.take().unwrap();
        running.capture.abort();
        running.writer.abort();
        assert!(running.capture.await.unwrap_err().is_cancelled());
        self.server.until_open(0).await;
    }

    pub(crate) fn set_disk(&self, disk: Disk) {
        self.running.as_ref().unwrap().disk.send_replace(disk);
    }

    pub(crate) async fn until_died(&self) {
        let mut died = self.running.as_ref().unwrap().died.clone();
        tokio::time::timeout(PATIENCE, died.wait_for(|died| *died)).await.unwrap().unwrap();
    }

    pub(crate) fn shop<T>(&self, work: impl FnOnce(&mut Engine, Tx) -> Outcome<T>) -> T {
        self.server.with(|engine| engine.autocommit(work))
    }

    pub(crate) fn quantity(&self, sku: i64) -> Option<u32> {
        let dirty = self.store.dirty(&Key::stock("w", &format!("S{sku}"))).unwrap()?;
        match dirty.wanted.value {
            Value::Stock(Stock { quantity, .. }) => Some(quantity),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn until_shows(&self, sku: i64, quantity: u32) {
        let what = format!("SKU {sku} with {quantity}");
        self.until(&what, |site| site.quantity(sku) == Some(quantity)).await;
    }

    /// Waits until what was committed before now has had the time to be read: SKU 3 with this quantity comes through.
    pub(crate) async fn until_read_past(&self, marker: u32) {
        self.shop(|engine, tx| live::set_quantity(engine, tx, 3, i64::from(marker)));
        self.until_shows(3, marker).await;
    }

    pub(crate) async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !done(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "{what}: {:?}", self.status.facts());
    }

    /// Waits for some more rounds.
    pub(crate) async fn rounds(&self, tag: &str) {
        let before = self.server.statements_of(tag).len();
        self.until("rounds", |site| site.server.statements_of(tag).len() > before + 3).await;
    }

    pub(crate) fn marks(&self) -> Option<Marks> {
        self.store.meta(&format!("versions/{NAME}/marks")).unwrap()
    }

    /// Why an entity is to be compared; none when it is not.
    pub(crate) fn due(&self, entity: Entity) -> Option<String> {
        self.store.meta::<String>(&due_entry(NAME, entity)).unwrap().filter(|why| !why.is_empty())
    }

    /// As the loader does when it begins.
    pub(crate) fn forget_what_is_due(&self) {
        for entity in Entity::ALL {
            self.put(due_entry(NAME, entity), Store::encode(&String::new()));
        }
    }

    pub(crate) fn set_compared(&self, ago: Duration) {
        let at = Timestamp(now().0 - ago.as_micros() as i64);
        self.put(format!("versions/{NAME}/compared"), Store::encode(&at));
    }

    fn put(&self, name: String, value: Vec<u8>) {
        self.store.commit(&[Op::PutMeta { name, value }], Durability::Buffered).unwrap();
    }
}

pub(crate) fn login(server: &Server) -> Login {
    let mut settings = SqlServerSettings::new("localhost", "live", "mare");
    settings.port = Some(server.port());
    settings.password = Some("tide".into());
    settings.tls = SqlServerTls::Disable;
    Arc::new(move || Ok(settings.clone()))
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

async fn write(
    store: Store,
    mut handovers: mpsc::Receiver<Handover>,
    disk: watch::Receiver<Disk>,
    dead: watch::Sender<bool>,
) {
    // What is held back must not be answered either.
    let mut held = Vec::new();
    while let Some(handover) = handovers.recv().await {
        let Work::Changes(batch) = handover.work else { panic!("{:?}", handover.work) };
        if *disk.borrow() == Disk::DiesBeforeValues && !batch.wanted.is_empty() {
            held.push(handover.done);
            dead.send_replace(true);
            continue;
        }
        let done = store.commit(&ops(batch), Durability::Buffered);
        let _ = handover.done.send(done);
    }
}

fn ops(batch: Batch) -> Vec<Op> {
    let rows = batch.rows.iter().map(|(key, value)| match value {
        Some(value) => Op::PutRow { key: key.clone(), value: value.clone() },
        None => Op::DeleteRow { key: key.clone() },
    });
    let mut ops: Vec<_> = rows.collect();
    ops.extend(batch.notes.into_iter().map(|(name, value)| Op::PutMeta { name, value }));
    let progress = batch.progress.map(|progress| Store::encode(&progress));
    ops.extend(progress.map(|value| Op::PutMeta { name: Progress::entry(NAME), value }));
    ops.extend(batch.wanted.into_iter().map(|(key, wanted)| Op::Want { key, dirty: Dirty::fresh(wanted) }));
    ops
}
