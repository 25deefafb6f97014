//! `mare simulate`: the VTEX simulator as a process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::simulator::{
    Credential, CustomField, EmailMask, Fault, Handle, Latency, Limit, Limits, Numbers, Options, Simulator,
    World,
};

/// Shown under the options; the examples of `--help`.
const EXAMPLES: &str = r#"Examples:
  mare simulate --auto-skus                         any RefId exists; enough for a first try
  mare simulate --skus 1000000 --unlimited          a million SKUs SKU-1 to SKU-1000000, no rate limits
  mare simulate --fault kind=500-after,route=logistics,probability=0.05

While it runs:

  curl ADDRESS/_simulator/counters                  requests by route and status, 429s, violations
  curl ADDRESS/_simulator/stock                     every SKU and warehouse, one JSON object a line
  curl ADDRESS/_simulator/catalog                   every product with its SKUs and what they lack to be sold
  curl ADDRESS/_simulator/orders                    every order with its states, calls and invoices
  curl -X POST ADDRESS/_simulator/orders -d '{"items":[{"ref":"SKU-1","quantity":2,"price":2499}],"oversell":true}'
  curl -X POST ADDRESS/_simulator/orders/random -d '{"count":100,"per_second":2,"seed":1}'
  curl -X PUT ADDRESS/_simulator/outage -d '"unavailable"'    VTEX is away ("reset", "off")
  curl -X PUT ADDRESS/_simulator/faults -d '[{"kind":"429","route":"pricing","retry_after":5,"count":10}]'"#;

/// Run a VTEX simulator: the Logistics, Pricing, Catalog, Master Data and Orders calls that maré uses, with VTEX's rate limits and faults.
///
/// It keeps everything in memory, knows nothing of the real VTEX and needs no internet. Point maré's catalog_url and
/// logistics_url at the printed address, and pricing_url at the address with the account behind it.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Simulate {
    /// Where to listen; port 0 picks a free one. The address is printed on the first line.
    #[arg(long, default_value = "127.0.0.1:7070", value_name = "ADDRESS")]
    listen: SocketAddr,

    /// The VTEX account, the first segment of Pricing paths.
    #[arg(long, default_value = "simulator")]
    account: String,

    /// Start with this many SKUs: ids 1 to N, RefIds SKU-1 to SKU-N.
    #[arg(long, value_name = "N")]
    skus: Option<u32>,

    /// Start with the SKUs of a file: a RefId a line, or RefId,id. Without an id the line number is the id.
    #[arg(long, value_name = "FILE")]
    skus_from: Option<PathBuf>,

    /// Every RefId asked for exists; its id is derived from its text and is the same after a restart.
    #[arg(long)]
    auto_skus: bool,

    /// Warehouses that exist, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "1_1", value_name = "IDS")]
    warehouses: Vec<String>,

    /// Pick-up points that exist, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pickup_points: Vec<String>,

    /// Trade policies that exist, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "1", value_name = "IDS")]
    trade_policies: Vec<String>,

    /// Accepted application key.
    #[arg(long, env = "MARE_VTEX_APP_KEY", default_value = "vtexappkey-simulator", hide_env_values = true)]
    key: String,

    /// Accepted application token. On a shared machine prefer the environment to the command line.
    #[arg(long, env = "MARE_VTEX_APP_TOKEN", default_value = "simulator-token", hide_env_values = true)]
    token: SecretText,

    /// No rate limits. Default: VTEX's published ones for Pricing and Catalog, none for Logistics.
    #[arg(long)]
    unlimited: bool,

    /// Limit each Logistics route to this many requests a second (VTEX publishes no such limit).
    #[arg(long, value_name = "N", conflicts_with = "unlimited", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    stock_rate: Option<u32>,

    /// Time every answer takes, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency_ms: u64,

    /// Random time on top of it, at most, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    jitter_ms: u64,

    /// Write every exchange to this file, one JSON object a line; keys and tokens are masked.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Leave bodies and query values of Master Data and of erasures out of the record.
    #[arg(long, requires = "record")]
    record_without_personal_data: bool,

    /// A field that the account added to the customers (CL) or addresses (AD) of Master Data; may be repeated. KIND is
    /// text, boolean, integer, decimal or date.
    #[arg(long = "custom-field", value_name = "ENTITY.NAME[:KIND]")]
    custom_fields: Vec<CustomField>,

    /// How long a write to Master Data stays invisible to search and scroll, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    search_lag_ms: u64,

    /// How long an order stays in window-to-cancel, in seconds.
    #[arg(long, default_value_t = 1_800, value_name = "SECONDS")]
    cancel_window: u64,

    /// What orders show as their customer's e-mail: VTEX's mask, or the address.
    #[arg(long, value_enum, default_value = "hard", value_name = "MASK")]
    email_mask: EmailMask,

    /// Orders lack fields, as VTEX's do in practice.
    #[arg(long)]
    sparse_orders: bool,

    /// Faults of a JSON file: a list such as [{"kind":"503","route":"pricing","probability":0.1}].
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,

    /// One fault as text; may be repeated. Kinds: 429 423 408 500-before 500-after 503 hang reset malformed html 401
    /// 403 empty-400 slow null. Fields: kind, route (logistics, pricing, catalog, master-data, user-rights, orders, or a
    /// path with *), probability, count, sku, warehouse, until_ms, retry_after, http_date, ms, applied, status.
    #[arg(long = "fault", value_name = "NAME=VALUE,...")]
    fault: Vec<String>,

    /// Seed of jitter and fault probabilities.
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Print numbers as the OpenAPI files type them, or as VTEX does.
    #[arg(long, value_enum, default_value = "strict")]
    numbers: Numbers,
}

/// Text that must not appear in debug output.
#[derive(Clone)]
struct SecretText(String);

impl std::str::FromStr for SecretText {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Simulate {
    /// Serves until ctrl-c or SIGTERM.
    ///
    /// # Errors
    /// A file that cannot be read or is not what it should be, an address that cannot be bound, a record that
    /// could not be written.
    pub async fn run(self) -> anyhow::Result<()> {
        let handle = Simulator::start_seeded(self.options()?, |world| self.seed(world)).await?;
        self.announce(&handle);
        stop_signal().await?;
        handle.shutdown().await.context("the record is incomplete")
    }

    fn seed(&self, world: &World) -> anyhow::Result<()> {
        if let Some(count) = self.skus {
            world.seed_numbered_skus("SKU-", count)?;
        }
        self.skus_from.as_deref().map_or(Ok(()), |path| seed_from(path, world))
    }

    fn options(&self) -> anyhow::Result<Options> {
        let mut faults: Vec<Fault> = match &self.faults {
            Some(path) => serde_json::from_str(&read(path)?)
                .with_context(|| format!("{} is not a list of faults", path.display()))?,
            None => Vec::new(),
        };
        for text in &self.fault {
            faults.push(text.parse().with_context(|| format!("--fault {text}"))?);
        }
        let mut options = Options {
            listen: self.listen,
            account: self.account.clone(),
            credentials: vec![Credential { key: self.key.clone(), token: self.token.0.clone() }],
            warehouses: self.warehouses.clone(),
            pickup_points: self.pickup_points.clone(),
            trade_policies: self.trade_policies.clone(),
            limits: self.limits(),
            latency: Latency {
                fixed: Duration::from_millis(self.latency_ms),
                jitter: Duration::from_millis(self.jitter_ms),
            },
            faults,
            record: self.record.clone(),
            record_personal_data: !self.record_without_personal_data,
            seed: self.seed,
            auto_skus: self.auto_skus,
            ..Options::default()
        };
        options.quirks.numbers = self.numbers;
        options.master_data.custom_fields.clone_from(&self.custom_fields);
        options.master_data.search_lag = Duration::from_millis(self.search_lag_ms);
        options.orders.cancel_window = Duration::from_secs(self.cancel_window);
        options.orders.email = self.email_mask;
        options.orders.sparse = self.sparse_orders;
        Ok(options)
    }

    fn limits(&self) -> Limits {
        if self.unlimited {
            return Limits::unlimited();
        }
        // A second's worth of burst: a limit that nobody published is best taken strictly.
        let logistics = self.stock_rate.map(|rate| Limit { per_minute: rate * 60, credits: rate });
        Limits { logistics, ..Limits::default() }
    }

    /// Printed, not logged: scripts read the address from the first line.
    fn announce(&self, handle: &Handle) {
        println!("VTEX simulator listens on {}", handle.base_url());
        println!("  pricing_url   = \"{}\"", handle.pricing_url());
        println!(
            "  SKUs          = {}{}",
            handle.world().sku_count(),
            if self.auto_skus { " and any other" } else { "" }
        );
        println!("  warehouses    = {}", self.warehouses.join(", "));
        println!("  counters      : curl {}/_simulator/counters", handle.base_url());
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn seed_from(path: &Path, world: &World) -> anyhow::Result<()> {
    let text = read(path)?;
    for (number, line) in (1u32..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{} line {number}", path.display());
        let (reference, id) = match line.trim().rsplit_once(',') {
            Some((reference, id)) => (reference, id.trim().parse().with_context(place)?),
            None => (line.trim(), number),
        };
        if reference.is_empty() {
            bail!("{}: no RefId", place());
        }
        world.seed_skus([(reference, id)]).with_context(place)?;
    }
    Ok(())
}

#[cfg(unix)]
async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("cannot wait for ctrl-c"),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await.context("cannot wait for ctrl-c")
}
