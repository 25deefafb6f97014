//! `mare init`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use secrecy::SecretString;
use serde::Deserialize;

use crate::config::{Config, Engine};
use crate::mapping::orders::inbound_config::InboundConfig;
use crate::mapping::proposal::orders::{
    OrderProposal, PedidoFacts, PurchaseFacts, propose as propose_orders,
};
use crate::mapping::proposal::{AccountFacts, LiveFacts, Proposal, TableUse, propose};

mod ask;
mod facts;
mod render;

use ask::Asker;
use facts::Reader;

/// Write a first mare.toml: asks where Live and VTEX are, reads what both have, and proposes which store feeds which
/// warehouse and which price table is what; with --orders also which pick-up point, payment and carrier is which.
///
/// Reads only. What cannot be told from codes, CNPJs and names stands in the file as a comment, with what there is to
/// choose from. On a terminal each proposal is asked about; Enter takes it, - leaves it out.
///
/// Secrets come from the environment: MARE_VTEX_APP_KEY and MARE_VTEX_APP_TOKEN of the account (without them the
/// warehouses are unknown), PGPASSWORD or SQLCMDPASSWORD of a user who may read Live.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Init {
    /// A TOML file with answers: account, engine, host, port, instance, database, user, orders. What is given here goes
    /// before.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Name of the VTEX account.
    #[arg(long)]
    account: Option<String>,
    /// Base URL of all APIs, for a simulator.
    #[arg(long)]
    vtex_url: Option<String>,
    /// What Live runs on: postgres or sqlserver.
    #[arg(long)]
    engine: Option<String>,
    /// Server of Live.
    #[arg(long)]
    host: Option<String>,
    #[arg(long)]
    port: Option<u16>,
    /// Named instance of SQL Server.
    #[arg(long)]
    instance: Option<String>,
    /// Database of Live.
    #[arg(long)]
    database: Option<String>,
    /// The login that `mare install` shall make (default: mare).
    #[arg(long)]
    user: Option<String>,
    /// Who reads Live now (default: postgres, or sa in SQL Server).
    #[arg(long, env = "MARE_INSTALL_USER")]
    as_user: Option<String>,
    /// Orders come into Live, too: looks at the newest ones on both sides (default: asked on a terminal, else no).
    #[arg(long)]
    orders: bool,
    /// Ask nothing: take what is given and proposed.
    #[arg(long)]
    yes: bool,
    /// Overwrite the file if it is there.
    #[arg(long)]
    force: bool,
    /// Print it instead of writing the file.
    #[arg(long)]
    print: bool,
}

/// Answers from a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Answers {
    account: Option<String>,
    vtex_url: Option<String>,
    engine: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    instance: Option<String>,
    database: Option<String>,
    user: Option<String>,
    orders: bool,
}

/// Where Live and VTEX are.
#[derive(Debug)]
struct Connection {
    account: String,
    engine: Engine,
    host: String,
    port: Option<u16>,
    instance: Option<String>,
    database: String,
    user: String,
    vtex_url: Option<String>,
    /// Orders come into Live.
    orders: bool,
}

/// What both sides say of orders, and what that suggests.
#[derive(Debug)]
struct Orders {
    pedidos: PedidoFacts,
    account: PurchaseFacts,
    proposal: OrderProposal,
    /// Today: what was ordered before is somebody else's.
    since: String,
}

impl Init {
    pub(super) async fn run(self, path: &Path) -> anyhow::Result<()> {
        if !self.print && !self.force && path.exists() {
            bail!("{} is there already: --force overwrites it, --print only shows", path.display());
        }
        let asker = Asker::new(!self.yes);
        let connection = self.connection(&asker)?;
        let live = facts::live(&connection, self.reader(connection.engine)).await?;
        eprintln!(
            "Live: {} stores in e-commerce, {} price tables",
            live.stores.len(),
            live.price_tables.len()
        );
        let account = facts::account(&connection).await?;
        match &account {
            Some(account) => eprintln!(
                "VTEX: {} warehouses, {} trade policies",
                account.warehouses.len(),
                account.trade_policies.len()
            ),
            None => eprintln!("VTEX was not asked: MARE_VTEX_APP_KEY and MARE_VTEX_APP_TOKEN are not set"),
        }
        let account = account.unwrap_or_default();
        let proposal = confirm(&asker, propose(&live, &account), &live, &account)?;
        let orders = match connection.orders {
            true => Some(self.orders(&connection, &asker, &live).await?),
            false => None,
        };
        let text = render::render(&connection, &live, &account, &proposal, orders.as_ref());
        if self.print {
            print!("{text}");
        } else {
            std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
            eprintln!("{} is written", path.display());
        }
        report(&text, path, &proposal);
        Ok(())
    }

    async fn orders(
        &self,
        connection: &Connection,
        asker: &Asker,
        live: &LiveFacts,
    ) -> anyhow::Result<Orders> {
        let pedidos = facts::pedidos(connection, self.reader(connection.engine)).await?;
        let account = facts::purchases(connection).await?;
        let mut proposal = propose_orders(live, &pedidos, &account);
        let stores: Vec<&str> = live.stores.iter().map(|store| store.code.as_str()).collect();
        let carriers: Vec<&str> = pedidos.carriers.iter().map(|carrier| carrier.id.as_str()).collect();
        let forms = pedidos.forms.join(", ");
        let questions = [
            ("Pick-up point", "loja", stores.join(", "), &account.pickup_points, &mut proposal.pickup_points),
            ("Payments", "forma", forms, &account.payments, &mut proposal.payments),
            ("Courier", "transportadora", carriers.join(", "), &account.couriers, &mut proposal.carriers),
        ];
        for (what, answer, choice, asked, proposed) in questions {
            for (one, proposed) in asked.iter().zip(proposed) {
                let question = format!("{what} {} {}: {answer} ({choice})", one.id, one.name);
                *proposed = asker.proposed(&question, proposed.as_deref())?;
            }
        }
        let since = InboundConfig::default().zone().to_datetime(jiff::Timestamp::now()).date().to_string();
        Ok(Orders { pedidos, account, proposal, since })
    }

    fn connection(&self, asker: &Asker) -> anyhow::Result<Connection> {
        let answers = match &self.answers {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                toml::from_str(&text).with_context(|| file.display().to_string())?
            }
            None => Answers::default(),
        };
        let given = |option: &Option<String>, answer: Option<String>| option.clone().or(answer);
        let account = given(&self.account, answers.account);
        let account = asker.needed(account, "Name of the VTEX account", "account")?;
        let engine = given(&self.engine, answers.engine).map_or_else(
            || {
                asker
                    .proposed("Live runs on (postgres, sqlserver)", Some("postgres"))
                    .map(Option::unwrap_or_default)
            },
            Ok,
        )?;
        let engine = match engine.to_lowercase().as_str() {
            "postgres" | "postgresql" => Engine::Postgres,
            "sqlserver" | "mssql" => Engine::SqlServer,
            other => bail!("Live runs on postgres or sqlserver, not on \"{other}\""),
        };
        let host =
            asker.needed(given(&self.host, answers.host), "Server of Live (name or address)", "host")?;
        let database =
            asker.needed(given(&self.database, answers.database), "Database of Live", "database")?;
        let orders = self.orders
            || answers.orders
            || asker
                .proposed("Orders come into Live, too (yes, no)", Some("no"))?
                .is_some_and(|it| it.starts_with(['y', 'Y']));
        Ok(Connection {
            account,
            orders,
            engine,
            host,
            port: self.port.or(answers.port),
            instance: given(&self.instance, answers.instance),
            database,
            user: given(&self.user, answers.user).unwrap_or_else(|| "mare".to_owned()),
            vtex_url: given(&self.vtex_url, answers.vtex_url),
        })
    }

    fn reader(&self, engine: Engine) -> Reader {
        let (user, password) = match engine {
            Engine::Postgres => ("postgres", "PGPASSWORD"),
            Engine::SqlServer => ("sa", "SQLCMDPASSWORD"),
        };
        Reader {
            user: self.as_user.clone().unwrap_or_else(|| user.to_owned()),
            password: std::env::var(password).ok().map(SecretString::from),
        }
    }
}

/// Asks about each proposal.
fn confirm(
    asker: &Asker,
    mut proposal: Proposal,
    live: &LiveFacts,
    account: &AccountFacts,
) -> anyhow::Result<Proposal> {
    let ids: Vec<&str> = account.warehouses.iter().map(|warehouse| warehouse.id.as_str()).collect();
    for (store, warehouse) in live.stores.iter().zip(&mut proposal.warehouses) {
        let question = format!("Store {} {}: warehouse ({})", store.code, store.name, ids.join(", "));
        *warehouse = asker.proposed(&question, warehouse.as_deref())?;
    }
    let base =
        live.price_tables.iter().zip(&proposal.tables).find(|(_, usage)| **usage == Some(TableUse::Base));
    let codes: Vec<&str> = live.price_tables.iter().map(|table| table.code.as_str()).collect();
    let question = format!("Price table that is the base price ({})", codes.join(", "));
    let base = asker.proposed(&question, base.map(|(table, _)| table.code.as_str()))?;
    for (table, usage) in live.price_tables.iter().zip(&mut proposal.tables) {
        match (base.as_deref() == Some(&table.code), &usage) {
            (true, _) => *usage = Some(TableUse::Base),
            (false, Some(TableUse::Base)) => *usage = None,
            _ => {}
        }
    }
    Ok(proposal)
}

/// What is still to be done.
fn report(text: &str, path: &Path, proposal: &Proposal) {
    let undecided = proposal.warehouses.iter().filter(|warehouse| warehouse.is_none()).count();
    if undecided > 0 {
        eprintln!(
            "{undecided} stores have no warehouse yet: they stand in the file as comments and are not sent"
        );
    }
    if let Err(error) = Config::parse(text, path) {
        eprintln!("before it can be used: {error}");
        return;
    }
    eprintln!("next: read it, then `mare install --dry-run`, `mare install`, `mare check`");
}
