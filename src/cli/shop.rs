//! `mare shop`

use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use futures_util::future::try_join_all;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

use crate::live::sqlserver::SqlServerSettings;
use crate::shop::compare::{self, Mapped};
use crate::shop::{self, Engine, Mix, Plan, Profile, Progress, SqlServer, Step, Totals};

/// Beyond this rate one connection would spend its time waiting for commits.
const RATE_PER_CONNECTION: u32 = 1_500;
/// More connections than this bring nothing on the machines the demo runs on.
const MOST_CONNECTIONS: u32 = 8;

/// A simulated shop on the reference Live, for trying things out.
///
/// It works only in a schema `live` that it made itself, never on a real one.
#[derive(Debug, Args)]
pub struct Shop {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make schema `live` and fill it with an invented shop; the same seed gives the same rows.
    Create(Create),
    /// Sell, receive, count and change prices at a given rate.
    Work(Work),
    /// Compare every key of Live with the VTEX simulator.
    Compare(Compare),
}

/// Where the shop is.
#[derive(Debug, Args)]
struct Database {
    /// The database: postgres://user:password@host:port/database (without TLS) or
    /// sqlserver://user:password@host:port/database?tls=require (disable, login, require or verify-full).
    #[arg(long, env = "MARE_SHOP_URL", hide_env_values = true)]
    url: String,
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    database: Database,
    /// How large the shop is.
    #[arg(long, default_value = "demo")]
    profile: Profile,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Drop the shop that an earlier `create` made.
    #[arg(long)]
    recreate: bool,
}

#[derive(Debug, Args)]
struct Work {
    #[command(flatten)]
    database: Database,
    /// Changed rows per second.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// How long. Ctrl-C ends it earlier.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    seconds: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What happens in the shop.
    #[arg(long, default_value = "all")]
    mix: Mix,
    /// Invent no SKUs and products on the way.
    #[arg(long)]
    no_new_skus: bool,
    /// Connections to work on, 1 to 8. Default: as many as the rate needs.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CONNECTIONS)))]
    connections: Option<u32>,
}

impl Shop {
    /// Carries out the command.
    ///
    /// # Errors
    /// When the database cannot be reached, or holds something else than a simulated shop.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Create(command) => command.run().await,
            Command::Work(command) => command.run().await,
            Command::Compare(command) => command.run().await,
        }
    }
}

#[derive(Debug, Args)]
struct Compare {
    #[command(flatten)]
    database: Database,
    /// The simulator, like http://127.0.0.1:7070.
    #[arg(long)]
    simulator: String,
    /// What stands before the store's code in its warehouse's id.
    #[arg(long, default_value = "loja")]
    warehouse_prefix: String,
    #[arg(long, default_value = "VAREJO")]
    base_table: String,
    #[arg(long, default_value = "CUSTO")]
    cost_table: String,
    /// Price table and the trade policy that its fixed prices go to, as TABLE=POLICY.
    #[arg(long = "policy", default_values_t = ["VAREJO=1".to_owned(), "ATACADO=2".to_owned()])]
    policies: Vec<String>,
    /// Wait so many seconds for them to become equal.
    #[arg(long, default_value_t = 0)]
    wait: u64,
}

/// Differences shown in full.
const DIFFERENCES_SHOWN: usize = 10;

impl Compare {
    async fn run(self) -> anyhow::Result<()> {
        match self.database.sql_server()? {
            Some(settings) => self.on(&sql_server(settings).await?).await,
            None => {
                let client = connect(&self.database.url).await?;
                self.on(&client).await
            }
        }
    }

    async fn on(self, engine: &impl Engine) -> anyhow::Result<()> {
        let trade_policies = self
            .policies
            .iter()
            .map(|pair| {
                let (table, policy) = pair.split_once('=').context("--policy wants TABLE=POLICY")?;
                Ok((table.to_owned(), policy.to_owned()))
            })
            .collect::<anyhow::Result<_>>()?;
        let mapped = Mapped {
            warehouse_prefix: self.warehouse_prefix,
            base_table: self.base_table,
            cost_table: Some(self.cost_table),
            trade_policies,
        };
        let until = std::time::Instant::now() + Duration::from_secs(self.wait);
        let found = loop {
            let found = compare::compare(engine, &self.simulator, &mapped).await?;
            if found.differences.is_empty() || std::time::Instant::now() >= until {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        for difference in found.differences.iter().take(DIFFERENCES_SHOWN) {
            println!("  {difference}");
        }
        println!(
            "compared {} stock keys, {} prices and {} fixed prices: {} differences",
            found.stock_keys,
            found.price_keys,
            found.fixed_prices,
            found.differences.len()
        );
        anyhow::ensure!(found.differences.is_empty(), "VTEX is not equal to Live");
        Ok(())
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<()> {
        match self.database.sql_server()? {
            Some(settings) => self.on(&sql_server(settings).await?).await,
            None => {
                let client = connect(&self.database.url).await?;
                self.on(&client).await
            }
        }
    }

    async fn on(self, engine: &impl Engine) -> anyhow::Result<()> {
        if self.recreate {
            shop::drop_shop(engine).await?;
        }
        let show = |step: Step<'_>| println!("{:>7.1} s  {}", step.took.as_secs_f64(), step.name);
        let made = shop::create_reporting(engine, self.profile, self.seed, show).await?;
        let sizes = made.sizes;
        println!(
            "made {} stores, {} products, {} SKUs, {} stock rows, {} price rows, {} customers in {:.1} s",
            sizes.stores,
            sizes.products,
            sizes.skus,
            sizes.stock_rows(),
            sizes.price_rows(),
            sizes.customers,
            made.took.as_secs_f64()
        );
        Ok(())
    }
}

impl Work {
    async fn run(self) -> anyhow::Result<()> {
        let wanted = self.rate.div_ceil(RATE_PER_CONNECTION).min(MOST_CONNECTIONS);
        let connections = 0..self.connections.unwrap_or(wanted);
        match self.database.sql_server()? {
            Some(settings) => {
                let open = connections.map(|_| sql_server(settings.clone()));
                self.on(&try_join_all(open).await?).await
            }
            None => {
                let open = connections.map(|_| connect(&self.database.url));
                self.on(&try_join_all(open).await?).await
            }
        }
    }

    async fn on(&self, engines: &[impl Engine]) -> anyhow::Result<()> {
        let plan = Plan {
            rate: self.rate,
            duration: Duration::from_secs(self.seconds),
            seed: self.seed,
            mix: self.mix,
            grow: !self.no_new_skus,
        };
        let totals = shop::work(engines, &plan, &stop_at_ctrl_c(), show_second).await?;
        show_end(&plan, totals);
        Ok(())
    }
}

fn show_second(progress: Progress) {
    let Progress { second, changes, transactions, totals } = progress;
    let total = totals.changes + totals.extra;
    println!("{second:>5} s  {changes:>7} changes  {transactions:>6} transactions  {total:>9} in total");
}

fn show_end(plan: &Plan, totals: Totals) {
    let seconds = totals.elapsed.as_secs_f64();
    let rate = totals.changes as f64 / seconds;
    println!(
        "{} changes ({rate:.1}/s of {}/s asked) and {} rows on top of them, {} transactions, {seconds:.1} s",
        totals.changes, plan.rate, totals.extra, totals.transactions
    );
}

fn stop_at_ctrl_c() -> CancellationToken {
    let stop = CancellationToken::new();
    let signal = stop.clone();
    tokio::spawn(async move {
        // Where signals cannot be received, Ctrl-C ends the process the hard way, which loses no committed
        // row.
        if tokio::signal::ctrl_c().await.is_ok() {
            signal.cancel();
        }
    });
    stop
}

impl Database {
    /// Settings, when it is a SQL Server.
    fn sql_server(&self) -> anyhow::Result<Option<SqlServerSettings>> {
        if !self.url.starts_with("sqlserver:") {
            return Ok(None);
        }
        Ok(Some(SqlServerSettings::from_url(&self.url).context("--url is not an address of SQL Server")?))
    }
}

async fn sql_server(settings: SqlServerSettings) -> anyhow::Result<SqlServer> {
    Ok(SqlServer::connect(settings).await?)
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let mut config: tokio_postgres::Config =
        url.parse().context("--url is neither an address of Postgres nor of SQL Server")?;
    config.application_name("mare shop");
    let (client, connection) = config.connect(NoTls).await.context("Postgres cannot be reached")?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::error!(%error, "connection to the shop's database ended");
        }
    });
    Ok(client)
}
