//! `mare simulate`

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;

use crate::simulator::{Options, Simulator};

/// A VTEX simulator with VTEX's limits, oddities and failures: inventory, prices and SKU look-ups.
///
///   mare simulate --auto-skus --warehouses loja001,loja002
///
/// Point mare.toml at it: [vtex] catalog_url, logistics_url = "http://127.0.0.1:8080",
/// pricing_url = "http://127.0.0.1:8080/demo". Control it while it runs:
///
///   curl -X PUT  localhost:8080/_simulator/faults -d '[{"kind":"unavailable","seconds":30}]'
///   curl         localhost:8080/_simulator/counters
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Simulate {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    #[arg(long, default_value = "demo")]
    account: String,
    /// Accepted app key.
    #[arg(long, env = "MARE_VTEX_APP_KEY", default_value = "vtexappkey-demo")]
    key: String,
    /// Accepted app token.
    #[arg(long, env = "MARE_VTEX_APP_TOKEN", default_value = "token", hide_env_values = true)]
    token: String,
    /// Warehouses that exist.
    #[arg(long, value_delimiter = ',', default_value = "loja001,loja002")]
    warehouses: Vec<String>,
    /// References of the SKUs that exist, one a line.
    #[arg(long)]
    skus_from: Option<PathBuf>,
    /// So many SKUs exist, named 1 to N.
    #[arg(long)]
    skus: Option<u32>,
    /// Every SKU that is asked for exists.
    #[arg(long)]
    auto_skus: bool,
    /// No limits at all (by default VTEX's published ones).
    #[arg(long)]
    unlimited: bool,
    /// A limit for inventory, in requests per second; VTEX publishes none.
    #[arg(long)]
    stock_rate: Option<f64>,
    /// Time to each answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Failures from the start: a JSON list, as for the admin call.
    #[arg(long)]
    faults: Option<PathBuf>,
    /// Write every exchange to this file, one JSON object a line.
    #[arg(long)]
    record: Option<PathBuf>,
    /// For what happens by chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Simulate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let options = Options {
            listen: self.listen,
            account: self.account,
            key: self.key,
            token: self.token,
            warehouses: self.warehouses,
            auto_skus: self.auto_skus,
            unlimited: self.unlimited,
            stock_rate: self.stock_rate,
            latency_ms: self.latency_ms,
            record: self.record,
            seed: self.seed,
        };
        let simulator = Simulator::start(options).await.context("the simulator cannot start")?;
        if let Some(path) = &self.skus_from {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            simulator.world.seed_skus(text.lines().map(str::to_owned));
        }
        if let Some(count) = self.skus {
            simulator.world.seed_skus((1..=count).map(|number| number.to_string()));
        }
        if let Some(path) = &self.faults {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            simulator
                .world
                .set_faults(serde_json::from_str(&text).context("--faults is no list of failures")?);
        }
        println!("listening on {}", simulator.url());
        until_stopped().await;
        simulator.shutdown().await;
        Ok(())
    }
}

async fn until_stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
