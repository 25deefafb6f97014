//! The binary as its own process, beside a private Live and a simulator.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mare::simulator::{Handle, Options, Simulator};
use serde_json::Value;
use tokio_postgres::Client;

use super::postgres::{self, Cluster};
use super::shop;

/// What the simulator accepts.
pub const KEY: &str = "vtexappkey-simulator";
const TOKEN: &str = "simulator-token";

/// A whole installation: Live, VTEX and the replicator between them.
pub struct Site {
    pub postgres: Cluster,
    pub live: Client,
    pub vtex: Handle,
    pub admin: String,
    dir: tempfile::TempDir,
    child: Option<Child>,
    /// Prices are sent, not only stock.
    prices: bool,
}

impl Site {
    /// Live with `skus` SKUs, capture installed, the replicator not yet running.
    pub async fn new(skus: i64, vtex: Options, tuning: &str) -> Self {
        Self::with_source(skus, vtex, tuning, "").await
    }

    /// As [`Site::new`], with further lines of `[[source]]`.
    pub async fn with_source(skus: i64, vtex: Options, tuning: &str, source: &str) -> Self {
        let postgres = Cluster::start(&postgres::Options::default());
        let live = postgres.create_database("live").await.connect().await;
        shop::create(&live, skus).await;
        Self::around(postgres, live, vtex, tuning, source).await
    }

    /// As [`Site::with_source`], around a server with a shop in its database `live`.
    pub async fn around(postgres: Cluster, live: Client, vtex: Options, tuning: &str, source: &str) -> Self {
        let warehouses = vec!["loja001".to_owned(), "loja002".to_owned()];
        let trade_policies = vec!["1".to_owned(), "2".to_owned()];
        let vtex = Simulator::start(Options { warehouses, trade_policies, ..vtex }).await.unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let site = Self {
            postgres,
            live,
            vtex,
            admin: format!("http://127.0.0.1:{port}"),
            dir,
            child: None,
            prices: true,
        };
        site.configure(port, tuning, source);
        let installed = site.command(&["install"]).output().unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        site
    }

    fn configure(&self, admin_port: u16, tuning: &str, source: &str) {
        let (url, pricing) = (self.vtex.base_url(), self.vtex.pricing_url());
        let text = format!(
            "state_dir = \"state\"\n\
             [vtex]\naccount = \"simulator\"\ncatalog_url = \"{url}\"\nlogistics_url = \"{url}\"\n\
             pricing_url = \"{pricing}\"\nbatch_inventory_url = \"{url}/simulator\"\n\
             request_timeout_ms = 2000\napp_token = \"file:{token}\"\n\
             [[source]]\nhost = \"127.0.0.1\"\nport = {port}\ndatabase = \"live\"\nuser = \"mare\"\n\
             heartbeat_seconds = 1\n{source}\n\
             [mapping]\n# entities\n\
             [[mapping.stores]]\nloja = \"001\"\nwarehouse = \"loja001\"\n\
             [[mapping.stores]]\nloja = \"002\"\nwarehouse = \"loja002\"\n\
             [[mapping.prices]]\ntabela = \"VAREJO\"\nas = \"base\"\npromotion_trade_policy = \"1\"\n\
             [[mapping.prices]]\ntabela = \"ATACADO\"\ntrade_policy = \"2\"\n\
             [[mapping.prices]]\ntabela = \"CUSTO\"\nas = \"cost\"\n\
             [proof]\nevery_hours = 0\n[admin]\nlisten = \"127.0.0.1:{admin_port}\"\n{tuning}",
            port = self.postgres.port(),
            token = self.token_file().display(),
        );
        std::fs::write(self.dir.path().join("mare.toml"), text).unwrap();
        self.set_token(TOKEN);
    }

    fn token_file(&self) -> PathBuf {
        self.dir.path().join("token")
    }

    pub fn set_token(&self, token: &str) {
        std::fs::write(self.token_file(), token).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mare"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("MARE_CONFIG", self.dir.path().join("mare.toml"))
            .env("MARE_VTEX_APP_KEY", KEY)
            .env("PGPASSWORD", postgres::PASSWORD)
            .env("MARE_DB_PASSWORD", "segredo")
            .env("RUST_LOG", "info,fjall=warn,lsm_tree=warn");
        command
    }

    /// Starts the replicator; its log goes to `run.log`.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts it with further environment variables.
    pub fn start_with(&mut self, environment: &[(&str, &str)]) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("run.log"))
            .unwrap();
        let mut command = self.command(&["run"]);
        command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("run.log")).unwrap_or_default()
    }

    /// Restricts what is sent, before the start.
    pub fn use_entities(&mut self, list: &str) {
        self.prices = list.contains("price");
        self.set_config(&self.config().replace("# entities", &format!("entities = [{list}]")));
    }

    /// Where the ledger is.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The exit code, once it has ended by itself.
    pub fn ended(&mut self) -> Option<i32> {
        let code = self.child.as_mut()?.try_wait().unwrap()?;
        self.child = None;
        Some(code.code().unwrap_or(-1))
    }

    /// The text of `mare.toml`.
    pub fn config(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("mare.toml")).unwrap()
    }

    pub fn set_config(&self, text: &str) {
        std::fs::write(self.dir.path().join("mare.toml"), text).unwrap();
    }

    /// Runs a command that must succeed; what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail; why it did.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?} must fail");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub fn process(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// An answer as text.
    pub async fn text(&self, path: &str) -> String {
        let response = reqwest::get(format!("{}{path}", self.admin)).await.unwrap();
        let body = http_body_util::BodyExt::collect(reqwest::Body::from(response)).await.unwrap().to_bytes();
        String::from_utf8_lossy(&body).into_owned()
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("running").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// SIGTERM, and the exit code.
    pub fn stop(&mut self) -> i32 {
        self.signal("-TERM");
        let mut child = self.child.take().expect("running");
        child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Resident memory of the replicator, the highest so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let id = self.child.as_ref().expect("running").id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    pub async fn get(&self, path: &str) -> Option<Value> {
        let response = reqwest::get(format!("{}{path}", self.admin)).await.ok()?;
        let body = http_body_util::BodyExt::collect(reqwest::Body::from(response)).await.ok()?.to_bytes();
        serde_json::from_slice(&body).ok()
    }

    /// Waits until `done` says so; fails with the log after `limit`.
    pub async fn until(&self, what: &str, limit: Duration, mut done: impl AsyncFnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !done(self).await {
            if begun.elapsed() > limit {
                let status = self.get("/status").await;
                panic!("not within {limit:?}: {what}\nstatus: {status:#?}\nlog:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// All that the simulator holds of `stock` or `prices`.
    pub async fn dump(&self, what: &str) -> Vec<Value> {
        let response = reqwest::get(format!("{}/_simulator/{what}", self.vtex.base_url())).await.unwrap();
        let body = http_body_util::BodyExt::collect(reqwest::Body::from(response)).await.unwrap().to_bytes();
        body.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    /// What somebody else writes into VTEX: the merchant, or another integration.
    pub async fn write_elsewhere(&self, method: reqwest::Method, url: &str, body: Value) {
        let request = reqwest::Client::new()
            .request(method, url)
            .header("X-VTEX-API-AppKey", KEY)
            .header("X-VTEX-API-AppToken", TOKEN)
            .header("Content-Type", "application/json")
            .body(body.to_string());
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{url}: {}", response.status());
    }

    /// Every stock value in VTEX.
    pub async fn all_stock(&self) -> Vec<Value> {
        self.dump("stock").await
    }

    /// Stock of a SKU reference in a warehouse.
    pub fn stock(&self, sku_ref: &str, warehouse: &str) -> Option<i64> {
        let world = self.vtex.world();
        world.stock(world.sku_id(sku_ref)?, warehouse).map(|stock| stock.quantity)
    }

    /// All requests to VTEX so far.
    pub fn requests(&self) -> u64 {
        self.vtex.world().counters().total_requests()
    }

    /// Stock in VTEX that differs from what Live says it should be: `key: Live, VTEX`.
    pub async fn stock_differences(&self) -> Vec<String> {
        let shown: BTreeMap<String, i64> = self
            .all_stock()
            .await
            .iter()
            .map(|stock| {
                let key =
                    format!("{}/{}", stock["warehouse"].as_str().unwrap(), stock["ref"].as_str().unwrap());
                (key, stock["quantity"].as_i64().unwrap())
            })
            .collect();
        let mut differences = Vec::new();
        for (key, quantity) in shop::expected_stock(&self.live).await {
            let found = shown.get(&key).copied();
            // What was never written is shown as 0 by VTEX.
            if found.unwrap_or(0) != quantity {
                differences.push(format!("{key}: {quantity}, {found:?}"));
            }
        }
        differences
    }

    /// Base prices in VTEX that differ.
    pub async fn price_differences(&self) -> Vec<String> {
        let shown: BTreeMap<String, i64> = self
            .dump("prices")
            .await
            .iter()
            .filter_map(|price| {
                let cents = (price["base"].as_f64()? * 100.0).round() as i64;
                Some((price["ref"].as_str()?.to_owned(), cents))
            })
            .collect();
        let mut differences = Vec::new();
        for (sku, cents) in shop::expected_base_prices(&self.live).await {
            if shown.get(&sku) != Some(&cents) {
                differences.push(format!("{sku}: {cents}, {:?}", shown.get(&sku)));
            }
        }
        differences
    }

    /// Waits until VTEX equals Live.
    pub async fn converged(&self, limit: Duration) {
        let begun = Instant::now();
        let differences = loop {
            let mut differences = self.stock_differences().await;
            if self.prices {
                differences.extend(self.price_differences().await);
            }
            if differences.is_empty() {
                return;
            }
            if begun.elapsed() > limit {
                break differences;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let status = self.get("/status").await;
        panic!(
            "VTEX differs from Live after {limit:?} in {} keys: {:#?}\nstatus: {status:#}\nlog:\n{}",
            differences.len(),
            &differences[..differences.len().min(10)],
            self.log(),
            status = status.unwrap_or_default()
        );
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
    }
}
