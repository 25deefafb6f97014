//! A drain inside the test, that can be held at any step and killed there.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mare::core::entity::Key;
use mare::core::position::Position;
use mare::core::record::Wanted;
use mare::core::value::Value;
use mare::live::{Connect, PostgresSettings};
use mare::mapping::config::{CapturedTable, MappingConfig};
use mare::pipeline::{Durable, Writer, wall_clock};
use mare::source::changelog::capture::Capture;
use mare::source::changelog::dialect::{
    ChangeNumber, ChangeTable, Connector, Dialect, DialectError, Health, PageAsk,
};
use mare::source::changelog::drain::DrainSettings;
use mare::source::changelog::form::Form;
use mare::source::changelog::postgres::connection::{PostgresChange, PostgresConnector, PostgresDialect};
use mare::source::changelog::postgres::install::{Existing, Names, install_script};
use mare::source::changelog::postgres::layout::TableLayout;
use mare::source::context::Context;
use mare::source::postgres::install::run_script;
use mare::source::reconcile::due_entry;
use mare::source::reconcile::load::Loader;
use mare::source::reconcile::postgres::{Beside, PostgresEngine, PostgresReader};
use mare::source::reconcile::reader::{Engine, ReadError, Reader, Selection, Taken};
use mare::source::reconcile::visibility::Seen;
use mare::source::status::SourceStatus;
use mare::source::window::Handover;
use mare::store::{Durability, Op, Options, Store};
use tokio::sync::{Notify, mpsc};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::support::postgres::{self, Database};

const PATIENCE: Duration = Duration::from_secs(45);

/// Ids are whole numbers, to be readable: store 1 with deposit 1, SKUs 1 to 9, five pieces of each.
const SCHEMA: &str = "
    CREATE SCHEMA live;
    CREATE TABLE live.loja (id int PRIMARY KEY, codigo text NOT NULL);
    CREATE TABLE live.deposito (id int PRIMARY KEY, id_loja int NOT NULL, codigo text NOT NULL);
    CREATE TABLE live.produto (id int PRIMARY KEY, codigo text NOT NULL);
    CREATE TABLE live.produto_sku (id int PRIMARY KEY, id_produto int NOT NULL, codigo text NOT NULL);
    CREATE TABLE live.estoque_saldo (id_loja int, id_deposito int, id_sku int, quantidade numeric(15,4) NOT NULL,
        obs text, PRIMARY KEY (id_loja, id_deposito, id_sku));
    INSERT INTO live.loja VALUES (1, '001');
    INSERT INTO live.deposito VALUES (1, 1, 'D1');
    INSERT INTO live.produto VALUES (1, 'P1');
    INSERT INTO live.produto_sku SELECT n, 1, 'S' || n FROM generate_series(1, 9) n;
    INSERT INTO live.estoque_saldo SELECT 1, 1, n, 5 FROM generate_series(1, 9) n;";

const MAPPING: &str = "
    entities = ['stock']
    [[stores]]
    loja = '001'
    warehouse = 'w'
    [tables.store.columns]
    tenant = ''
    in_ecommerce = ''
    status = ''
    [tables.deposit.columns]
    in_ecommerce = ''
    status = ''
    [tables.product.columns]
    tenant = ''
    in_ecommerce = ''
    minimum = ''
    fractional = ''
    status = ''
    [tables.sku.columns]
    factor = ''
    in_ecommerce = ''
    status = ''
    [tables.stock.columns]
    reserved = ''";

/// Where a drain can be held: the n-th time in one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Pages,
    Delete,
    /// With the batch on its way to the writer.
    HandOver,
    /// With a chunk of stock that has been read and is not in yet.
    StockChunk,
}

/// Holds whoever comes to a step.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    at: Mutex<Option<(Step, usize)>>,
    reached: Notify,
    go: Notify,
}

impl Hold {
    pub(crate) fn arm(&self, step: Step, nth: usize) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some((step, nth));
    }

    pub(crate) async fn reached(&self) {
        tokio::time::timeout(PATIENCE, self.reached.notified()).await.expect("nobody came to the step");
    }

    pub(crate) fn go(&self) {
        self.go.notify_one();
    }

    async fn pass(&self, step: Step, nth: usize) {
        let held = {
            let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
            let held = *at == Some((step, nth));
            if held {
                *at = None;
            }
            held
        };
        if held {
            self.reached.notify_one();
            self.go.notified().await;
        }
    }
}

/// Postgres, held where the test wants it.
struct Stepped {
    inner: PostgresConnector,
    hold: Arc<Hold>,
}

struct SteppedDialect {
    inner: PostgresDialect,
    hold: Arc<Hold>,
    pages: usize,
    deletes: usize,
}

impl Connector for Stepped {
    type Dialect = SteppedDialect;

    async fn connect(&self) -> Result<SteppedDialect, DialectError> {
        Ok(SteppedDialect {
            inner: self.inner.connect().await?,
            hold: Arc::clone(&self.hold),
            pages: 0,
            deletes: 0,
        })
    }
}

impl Dialect for SteppedDialect {
    type Row = PostgresChange;

    fn tables(&self) -> &[ChangeTable] {
        self.inner.tables()
    }

    async fn health(&mut self) -> Result<Health, DialectError> {
        self.inner.health().await
    }

    async fn bound(&mut self) -> Result<ChangeNumber, DialectError> {
        (self.pages, self.deletes) = (0, 0);
        self.inner.bound().await
    }

    async fn pages(&mut self, asked: &[PageAsk]) -> Result<Vec<Vec<PostgresChange>>, DialectError> {
        self.pages += 1;
        self.hold.pass(Step::Pages, self.pages).await;
        self.inner.pages(asked).await
    }

    async fn delete(&mut self, table: usize, numbers: &[ChangeNumber]) -> Result<(), DialectError> {
        self.deletes += 1;
        self.hold.pass(Step::Delete, self.deletes).await;
        self.inner.delete(table, numbers).await
    }
}

/// A reader of chunks, held with the chunk in its hands.
struct HeldEngine {
    inner: PostgresEngine,
    hold: Arc<Hold>,
    claims_to_have_seen_all: bool,
}

struct HeldReader {
    inner: PostgresReader,
    hold: Arc<Hold>,
    claims_to_have_seen_all: bool,
}

impl Engine for HeldEngine {
    type Reader = HeldReader;

    async fn open(&self) -> Result<HeldReader, ReadError> {
        Ok(HeldReader {
            inner: self.inner.open().await?,
            hold: Arc::clone(&self.hold),
            claims_to_have_seen_all: self.claims_to_have_seen_all,
        })
    }
}

impl Reader for HeldReader {
    async fn read(&mut self, table: &CapturedTable, rows: &Selection<'_>) -> Result<Taken, ReadError> {
        let mut taken = self.inner.read(table, rows).await?;
        if self.claims_to_have_seen_all {
            taken.seen = Seen::Everything;
        }
        if table.table == "estoque_saldo" {
            self.hold.pass(Step::StockChunk, 1).await;
        }
        Ok(taken)
    }
}

/// What became durable, in order.
type Log = Arc<Mutex<Vec<(Key, Wanted)>>>;

/// Live, the ledger, and a drain between them that may die and come back.
pub(crate) struct Rig {
    pub(crate) live: Client,
    pub(crate) database: Database,
    pub(crate) hold: Arc<Hold>,
    pub(crate) settings: DrainSettings,
    /// Takes out the rule that a chunk yields to what the stream touched.
    pub(crate) chunks_do_not_yield: bool,
    store: Store,
    context: Context,
    connect: Connect,
    layouts: Vec<TableLayout>,
    log: Log,
    running: Option<tokio::task::JoinHandle<()>>,
    loading: Option<tokio::task::JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl Rig {
    pub(crate) async fn new(name: &str) -> Self {
        Self::with_form(name, Form::Row).await
    }

    /// Live with capture installed; nothing drains yet.
    pub(crate) async fn with_form(name: &str, form: Form) -> Self {
        let database = postgres::shared().create_database(name).await;
        let live = database.connect().await;
        live.batch_execute(SCHEMA).await.unwrap();
        let mapping: MappingConfig = toml::from_str(MAPPING).unwrap();
        assert_eq!(mapping.validate(), Vec::<String>::new());
        let layouts = TableLayout::all(mapping.captured(), form);
        let mut settings = PostgresSettings::new("127.0.0.1", name, format!("mare_{name}"));
        settings.port = database.port;
        settings.password = Some("segredo".into());
        let connect: Connect = {
            let settings = settings.clone();
            Arc::new(move || Ok(settings.clone()))
        };
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state"), Options::default()).unwrap();
        let (hold, log) = (Arc::new(Hold::default()), Log::default());
        let context = Context {
            name: "live".into(),
            mapping: Arc::new(mapping),
            store: store.clone(),
            writer: writer(&store, Arc::clone(&hold), Arc::clone(&log)),
            status: SourceStatus::default(),
            repair: Arc::new(Notify::new()),
            now: wall_clock,
        };
        let rig = Self {
            live,
            database,
            hold,
            settings: DrainSettings {
                health_interval: Duration::from_millis(200),
                poll: mare::core::poll::PollLimits {
                    min: Duration::from_millis(5),
                    max: Duration::from_millis(20),
                },
                ..DrainSettings::default()
            },
            chunks_do_not_yield: false,
            store,
            context,
            connect,
            layouts,
            log,
            running: None,
            loading: None,
            _dir: dir,
        };
        rig.install().await;
        rig
    }

    pub(crate) async fn install(&self) {
        let settings = (self.connect)().unwrap();
        let names = Names { role: settings.user, database: settings.database };
        let exists = Existing::look(&self.live, &names, &self.layouts).await.unwrap();
        let script = install_script(&names, &self.layouts, &exists, Some("segredo")).unwrap();
        run_script(&self.live, &script).await.unwrap();
    }

    /// Another connection to Live.
    pub(crate) async fn session(&self) -> Client {
        self.database.connect().await
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.live.batch_execute(sql).await.unwrap();
    }

    /// Starts drain and loader.
    pub(crate) fn start(&mut self) {
        let (asks, received) = mpsc::channel(8);
        let capture = Capture {
            settings: self.settings,
            connector: Stepped {
                inner: PostgresConnector {
                    connect: Arc::clone(&self.connect),
                    layouts: self.layouts.clone(),
                },
                hold: Arc::clone(&self.hold),
            },
            context: self.context.clone(),
        };
        let loader = Loader {
            context: self.context.clone(),
            engine: HeldEngine {
                inner: PostgresEngine { connect: Arc::clone(&self.connect), beside: Beside::ChangeTables },
                hold: Arc::clone(&self.hold),
                claims_to_have_seen_all: self.chunks_do_not_yield,
            },
            asks,
            backlog: Arc::default(),
            chunk_rows: 2_000,
            share: 1.0,
        };
        self.running = Some(tokio::spawn(capture.run(received, CancellationToken::new())));
        self.loading = Some(tokio::spawn(loader.run(CancellationToken::new())));
    }

    /// Starts and waits until everything was loaded once.
    pub(crate) async fn start_loaded(&mut self) {
        self.start();
        self.loaded().await;
    }

    /// Waits until no load is due or under way.
    pub(crate) async fn loaded(&self) {
        self.until("it is loaded", async || self.context.status.facts().last_load.is_some()).await;
    }

    /// Has everything compared.
    pub(crate) fn reconcile(&self) {
        let name = due_entry("live", mare::core::entity::Entity::Stock);
        let op = Op::PutMeta { name, value: Store::encode(&"the test wants it") };
        self.store.commit(&[op], Durability::Synced).unwrap();
        self.context.repair.notify_one();
    }

    /// As `kill -9`: nothing is finished. Returns when Live has noticed, too.
    pub(crate) async fn kill(&mut self) {
        for task in [self.running.take(), self.loading.take()].into_iter().flatten() {
            task.abort();
            let _ = task.await;
        }
        self.until("the lock of the dead drain is free", async || {
            let sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                       (SELECT oid FROM pg_database WHERE datname = current_database())";
            self.live.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 0
        })
        .await;
        // A batch that was held on its way has died with the process.
        self.hold.go();
    }

    pub(crate) fn status(&self) -> mare::source::status::SourceFacts {
        self.context.status.facts()
    }

    pub(crate) fn connector(&self) -> PostgresConnector {
        PostgresConnector { connect: Arc::clone(&self.connect), layouts: self.layouts.clone() }
    }

    /// All that was delivered for a SKU, in order.
    pub(crate) fn history(&self, sku: u32) -> Vec<u32> {
        self.log()
            .iter()
            .filter(|(key, _)| key.id == format!("w/S{sku}"))
            .map(|(_, wanted)| units(wanted))
            .collect()
    }

    /// What the ledger wants VTEX to show: the newest by version, as the dispatcher judges it.
    pub(crate) fn shown(&self, sku: u32) -> Option<u32> {
        let mut newest: BTreeMap<Key, (Position, u32)> = BTreeMap::new();
        for (key, wanted) in self.log() {
            let entry = newest.entry(key).or_default();
            if wanted.position >= entry.0 {
                *entry = (wanted.position, units(&wanted));
            }
        }
        newest.get(&Key::stock("w", &format!("S{sku}"))).map(|(_, units)| *units)
    }

    fn log(&self) -> Vec<(Key, Wanted)> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rows of the change table of stock: op, SKU, quantity.
    pub(crate) async fn changes(&self) -> Vec<String> {
        let sql = "SELECT mare_op::text || coalesce(' ' || id_sku, '') || coalesce('=' || quantidade::float8, '') \
                   FROM mare.live_estoque_saldo ORDER BY mare_number";
        self.live.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    pub(crate) async fn drained(&self) {
        self.until("all that was written down is drained", async || self.changes().await.is_empty()).await;
    }

    pub(crate) async fn until(&self, what: &str, mut done: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !done().await {
            assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}\n{:#?}", self.status());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn until_shown(&self, sku: u32, quantity: u32) {
        self.until(&format!("SKU {sku} shows {quantity}, not {:?}", self.history(sku)), async || {
            self.shown(sku) == Some(quantity)
        })
        .await;
    }
}

fn units(wanted: &Wanted) -> u32 {
    match wanted.value {
        Value::Stock(stock) => stock.quantity,
        _ => panic!("only stock is mapped"),
    }
}

/// The real writer; a batch can be held before it. One that is held when its source dies is lost.
fn writer(store: &Store, hold: Arc<Hold>, log: Log) -> mpsc::Sender<Handover> {
    let (first, mut from_source) = mpsc::channel::<Handover>(1);
    let (to_writer, changes) = mpsc::channel(1);
    let (_, outcomes) = mpsc::channel(1);
    let (durable, mut keys) = mpsc::channel::<Durable>(4);
    let written = Arc::new(AtomicU64::new(0));
    Writer {
        store: store.clone(),
        changes,
        outcomes,
        written,
        durable,
        messages: None,
        broken: CancellationToken::new(),
        watch: Arc::default(),
        doubtful: HashSet::new(),
        replayed_to: Position::ZERO,
    }
    .start()
    .unwrap();
    tokio::spawn(async move {
        while let Some(handover) = from_source.recv().await {
            hold.pass(Step::HandOver, 1).await;
            let died_meanwhile = handover.done.is_closed();
            if !died_meanwhile && to_writer.send(handover).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(batch) = keys.recv().await {
            log.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
        }
    });
    first
}
