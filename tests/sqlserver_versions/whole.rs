//! The binary as its own process between a server for tests and a simulated VTEX: first load, changes, deletes, deaths.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mare::simulator::{Handle, Options, Simulator};

use crate::change_tables::{self, change_table};
use crate::live;
use crate::tds::{self, Locks, Server, Tx};

/// Only a guard against waiting for ever.
const PATIENCE: Duration = Duration::from_secs(60);
const SKUS: i64 = 9;

pub(crate) struct Whole {
    pub(crate) server: Server,
    pub(crate) vtex: Handle,
    folder: tempfile::TempDir,
    running: Option<Child>,
}

impl Drop for Whole {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Whole {
    /// Live has goods before anybody reads it. `capture`: a line of `[[source]]`.
    async fn open(capture: &str) -> Self {
        let options = Options { auto_skus: true, ..Options::default() };
        Self::with(capture, "\"stock\"", options).await
    }

    /// As [`Whole::open`], with these entities.
    pub(crate) async fn with(capture: &str, entities: &str, options: Options) -> Self {
        let server = Server::start(tds::Options::default()).await;
        server.with(|engine| {
            live::install(engine);
            change_tables::install(engine);
            live::open_shop(engine, SKUS);
            // What was there before the triggers was captured by nobody.
            for shape in live::shapes() {
                engine.truncate(&change_table(shape.name));
            }
        });
        let options = Options { warehouses: vec!["w".to_owned()], ..options };
        let vtex = Simulator::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (url, pricing) = (vtex.base_url(), vtex.pricing_url());
        let config = format!(
            "state_dir = \"state\"\n\
             [vtex]\naccount = \"simulator\"\ncatalog_url = \"{url}\"\nlogistics_url = \"{url}\"\n\
             pricing_url = \"{pricing}\"\n\
             [[source]]\nengine = \"sqlserver\"\nhost = \"localhost\"\nport = {}\ndatabase = \"live\"\nuser = \"mare\"\n\
             tls = \"disable\"\nheartbeat_seconds = 1\npoll_min_ms = 5\npoll_max_ms = 50\n{capture}\n\
             [mapping]\nentities = [{entities}]\n[[mapping.stores]]\nloja = \"001\"\nwarehouse = \"w\"\n\
             [admin]\nlisten = \"{admin}\"\n",
            server.port()
        );
        std::fs::write(folder.path().join("mare.toml"), config).unwrap();
        let mut whole = Self { server, vtex, folder, running: None };
        whole.start();
        whole
    }

    pub(crate) fn start(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_mare"))
            .args(["run", "--config", "mare.toml"])
            .current_dir(self.folder.path())
            .env("MARE_VTEX_APP_KEY", "vtexappkey-simulator")
            .env("MARE_VTEX_APP_TOKEN", "simulator-token")
            .env("MARE_DB_PASSWORD", "tide")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.running = Some(command.unwrap());
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    /// What the shop does in one transaction.
    pub(crate) fn shop<T>(&self, work: impl FnOnce(&mut tds::Engine, Tx) -> tds::Outcome<T>) -> T {
        self.server.with(|engine| engine.autocommit(work))
    }

    fn sell(&self, sku: i64, left: i64) {
        self.server.with(|engine| engine.autocommit(|engine, tx| live::set_quantity(engine, tx, sku, left)));
    }

    fn shown(&self, sku: i64) -> Option<i64> {
        let world = self.vtex.world();
        world.stock(world.sku_id(&format!("S{sku}"))?, "w").map(|stock| stock.quantity)
    }

    pub(crate) async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !done(self) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(waited.await.is_ok(), "{what}: {}", log());
    }

    /// What Live holds, SKU by SKU, is what VTEX shows.
    async fn until_equal(&self) {
        let equal = |whole: &Self| {
            let rows = whole.server.with(|engine| engine.read(Tx(0), live::STOCK, Locks::Versions)).unwrap();
            (1..=SKUS).all(|sku| {
                let row = rows.iter().find(|row| row[2] == tds::Value::Int(sku));
                let left = row.map_or(0, |row| match row[live::QUANTITY_COLUMN] {
                    tds::Value::Decimal(left) => left as i64,
                    ref other => panic!("{other:?}"),
                });
                whole.shown(sku) == Some(left)
            })
        };
        self.until("VTEX equals Live", equal).await;
    }

    fn waiting(&self) -> usize {
        self.server.with(|engine| {
            let tables = live::shapes().iter().map(|shape| change_table(shape.name));
            tables.map(|table| engine.read(Tx(0), &table, Locks::Versions).unwrap().len()).sum()
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_server_is_loaded_and_followed_and_no_change_is_lost_through_kill_9() {
    let mut whole = Whole::open("").await;
    whole.until_equal().await;
    for round in 0..5 {
        for sku in 1..=SKUS {
            whole.sell(sku, (round * 10 + sku) % 7);
        }
        whole.kill();
        // Nobody reads these; they wait in the change table.
        whole.sell(1 + round, 40 + round);
        whole.start();
        whole.sell(SKUS, 60 + round);
        whole.until_equal().await;
    }
    whole.server.with(|engine| engine.autocommit(|engine, tx| live::delete_stock(engine, tx, 3)));
    whole.until_equal().await;
    whole.until("the change tables are empty", |whole| whole.waiting() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_tracking_and_row_versions_are_loaded_and_followed() {
    for capture in ["capture = \"tracking\"", "capture = \"rowversion\""] {
        let mut whole = Whole::open(capture).await;
        whole.until_equal().await;
        for sku in 1..=SKUS {
            whole.sell(sku, 20 + sku);
        }
        whole.until_equal().await;
        whole.kill();
        whole.sell(2, 99);
        whole.start();
        whole.until_equal().await;
    }
}
