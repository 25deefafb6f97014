//! What the journeys are walked through on, and whether it has all that they need.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::Validate;
use super::act::Player;
use super::daemon::Daemon;
use super::live::Reader;
use super::vtex::Simulator;
use crate::config::{Config, Live, Orders, Source};
use crate::core::entity::Entity;
use crate::live::PostgresSettings;
use crate::live::sqlserver::SqlServerSettings;
use crate::live::writer::{Mark, Target, Writer};
use crate::mapping::orders::OrdersConfig;
use crate::mapping::orders::inbound_config::{Reserve, WriteMode};
use crate::mapping::orders::written::Written;
use crate::mapping::tables::Tables;
use crate::pipeline::wall_clock;
use crate::shop::{self, SqlServer};
use crate::validate::{Journey, JourneyRecord, Kind, Protocol, Rules, StageRecord, Verdict};
use crate::vtex::Client;

/// How its connections show in Live.
const APPLICATION: &str = "mare-validate";

/// Everything that is connected to.
pub(super) struct Site {
    pub(super) config: Config,
    pub(super) vtex: Client,
    pub(super) daemon: Daemon,
    pub(super) reader: Reader,
    pub(super) simulator: Option<Simulator>,
    /// Plays staff; none: people do what is to be done.
    pub(super) player: Option<Player>,
    pub(super) order: Option<String>,
    pub(super) timeout: Duration,
    pub(super) within: Duration,
    refunds: bool,
    zone: TimeZone,
    live: String,
}

impl Site {
    pub(super) async fn open(asked: &Validate, config: &Config) -> anyhow::Result<Self> {
        let orders =
            config.orders.as_ref().context("mare.toml has no [orders]: no order of VTEX comes to Live")?;
        ensure!(
            config.mapping.has(Entity::Order),
            "mapping.entities has no \"order\": VTEX is not told what happens in Live; add it, then mare install"
        );
        ensure!(
            orders.inbound.write == WriteMode::Tables,
            "orders.write = \"staging\": a job of Live's own writes the pedidos; this can only be looked at with write = \"tables\""
        );
        let source = source(config, orders)?;
        let live = login(asked, source)?;
        let daemon = Daemon::new(config)?;
        let refunds = daemon.refunds().await?;
        let player = if asked.act { Some(player(asked, source, &live, config, orders).await?) } else { None };
        let vtex = Client::new(&config.vtex, config.credentials()?)?;
        // What staff is played to do has the codes of the reference schema.
        let codes = if asked.act { OrdersConfig::default() } else { config.mapping.orders.clone() };
        let reader = Reader {
            writer: writer(&live),
            is_postgres: matches!(live, Live::Postgres(_)),
            mapping: Arc::clone(&config.mapping),
            written: Arc::clone(&orders.written),
            codes,
            reserves_itself: orders.inbound.reserve == Reserve::None,
        };
        // Said now, and not by each stage.
        reader.newest().await.map_err(anyhow::Error::msg)?;
        Ok(Self {
            vtex,
            daemon,
            reader,
            simulator: asked.simulator.as_deref().map(Simulator::new).transpose()?,
            player,
            order: asked.order.clone(),
            timeout: Duration::from_secs(asked.timeout),
            within: Duration::from_secs(asked.within),
            refunds,
            zone: orders.inbound.zone(),
            live: place(&live),
            config: config.clone(),
        })
    }

    pub(super) fn journey(&self, kind: Kind) -> Journey {
        let codes = &self.config.mapping.orders.status;
        Journey::new(kind, Rules { refund: self.refunds, code: &|step| codes.code(step) })
    }

    /// The protocol before anything was run.
    pub(super) fn blank(&self, kinds: &[Kind]) -> Protocol {
        let played_by = match (&self.simulator, &self.player) {
            (Some(_), Some(_)) => "mare validate, with the VTEX simulator",
            (Some(_), None) => "people, with the VTEX simulator",
            (None, Some(_)) => "mare validate in Live, a person in the shop",
            (None, None) => "people",
        };
        let journey = |kind: &Kind| {
            let stages = self.journey(*kind).stages.into_iter().zip(1..);
            JourneyRecord {
                journey: *kind,
                title: kind.title(),
                verdict: Verdict::NotRun,
                order: None,
                sequence: None,
                pedidos: Vec::new(),
                stages: stages
                    .map(|(stage, number)| StageRecord::not_run(number, stage.title, stage.actor))
                    .collect(),
            }
        };
        Protocol {
            verdict: Verdict::NotRun,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            account: self.config.vtex.account.clone(),
            live: self.live.clone(),
            played_by: played_by.to_owned(),
            begun: self.clock(),
            ended: String::new(),
            journeys: kinds.iter().map(journey).collect(),
        }
    }

    /// Now, by the shop's clock.
    pub(super) fn clock(&self) -> String {
        let now = jiff::Timestamp::from_microsecond(wall_clock().0).unwrap_or_default();
        now.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

/// The database that orders go to.
fn source<'a>(config: &'a Config, orders: &Orders) -> anyhow::Result<&'a Source> {
    let wanted = orders.inbound.source.as_deref();
    let found = config.sources.iter().find(|source| wanted.is_none_or(|name| *source.name == *name));
    found.context("there is no [[source]] for orders")
}

/// The way to Live: with the login that was given, else with maré's.
fn login(asked: &Validate, source: &Source) -> anyhow::Result<Live> {
    let mut live = source.login()?;
    let password = || std::env::var(&asked.password_env).ok().map(SecretString::from);
    let own = asked.user.as_ref().map(|user| (user.clone(), password()));
    match &mut live {
        Live::Postgres(settings) => {
            APPLICATION.clone_into(&mut settings.application_name);
            if let Some((user, password)) = own {
                (settings.user, settings.password) = (user, password);
            }
        }
        Live::SqlServer(settings) => {
            APPLICATION.clone_into(&mut settings.application_name);
            if let Some((user, password)) = own {
                (settings.user, settings.password) = (user, password);
            }
        }
    }
    Ok(live)
}

/// Transactions without maré's mark: what they change is the shop's own change.
fn writer(live: &Live) -> Writer {
    Writer::new(match live.clone() {
        Live::Postgres(settings) => {
            let connect = Arc::new(move || Ok(PostgresSettings { ..settings.clone() }));
            Target::Postgres { connect, mark: Mark::None }
        }
        Live::SqlServer(settings) => {
            let login = Arc::new(move || Ok(SqlServerSettings { ..settings.clone() }));
            Target::SqlServer { login, mark: Mark::None }
        }
    })
}

fn place(live: &Live) -> String {
    match live {
        Live::Postgres(settings) => format!("{} on {} (Postgres)", settings.database, settings.host),
        Live::SqlServer(settings) => format!("{} on {} (SQL Server)", settings.database, settings.host),
    }
}

/// Whoever plays staff writes: only with a login of its own, and only where everything is invented.
async fn player(
    asked: &Validate,
    source: &Source,
    live: &Live,
    config: &Config,
    orders: &Orders,
) -> anyhow::Result<Player> {
    match &asked.user {
        None => bail!("--act writes into Live with a login of its own: name it with --user"),
        Some(user) if user == source.user() => {
            bail!("--act does not use maré's own login \"{user}\": name another one with --user")
        }
        Some(_) => {}
    }
    let (mapped, known) = (&config.mapping.tables, Tables::default());
    let unknown = [
        ("order", mapped.order != known.order),
        ("order_item", mapped.order_item != known.order_item),
        ("volume", mapped.volume != known.volume),
        ("invoice", mapped.invoice != known.invoice),
        ("invoice_item", mapped.invoice_item != known.invoice_item),
        ("stock", mapped.stock != known.stock),
    ];
    if let Some((name, _)) = unknown.iter().find(|(_, differs)| *differs) {
        bail!(
            "--act knows the tables of the reference schema alone, and [mapping.tables.{name}] names another one: let people do it"
        );
    }
    if *orders.written != Written::default() {
        bail!(
            "--act knows the tables of the reference schema alone, and [orders.tables] names others: let people do it"
        );
    }
    let ours = match live {
        Live::Postgres(settings) => shop::is_ours(&crate::live::connect(settings).await?).await?,
        Live::SqlServer(settings) => shop::is_ours(&SqlServer::connect(settings.clone()).await?).await?,
    };
    ensure!(
        ours,
        "--act invents invoices, so it works only on a Live that `mare shop create` made, and this one is not: let people do it"
    );
    Ok(Player { writer: writer(live) })
}
