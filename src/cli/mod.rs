//! One file per command. Commands parse, call, print and choose the exit code; they decide nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;

mod admin_client;
pub mod check;

pub mod explain;
pub mod images;
pub mod init;
pub mod install;
pub mod messages;
pub mod orders;
pub mod parked;
pub mod reconcile;
pub mod run;
pub mod simulate;

pub mod status;
pub mod tuning;
pub mod validate;

/// maré keeps VTEX equal to TOTVS Live: it reads row changes as they commit and streams stock, prices,
/// products, customers and consents.
///
/// First time here?
///
///   mare init                writes mare.toml from what Live and VTEX have
///   mare install --dry-run   shows the SQL that capture needs
///   mare install             runs it
///   mare check               tells whether everything is ready, and what to do where it is not
///   mare run                 loads everything once, then streams every change
///   mare validate            walks orders through both sides before the shop opens, with a protocol
#[derive(Debug, Parser)]
#[command(name = "mare", version, verbatim_doc_comment)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, short, global = true, env = "MARE_CONFIG", default_value = "mare.toml")]
    config: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first mare.toml from what Live and VTEX have.
    Init(Box<init::Init>),
    /// Run the replicator.
    Run(run::Run),

    /// Test everything that `run` needs and print each finding with its remedy.
    Check(check::Check),
    /// Install capture in Live: a login, and a publication with a slot or triggers with change tables.
    Install(install::Install),
    /// Remove everything that `install` made.
    Uninstall(install::Uninstall),
    /// Compare Live with what VTEX confirmed, and send what differs.
    Reconcile(reconcile::Reconcile),
    /// Show what the running replicator does.
    Status(status::Status),
    /// Tell all about one key: what Live wants, what VTEX has, what happens next and when.
    Explain(explain::Explain),
    /// Images of products and SKUs: take links from a CSV file.
    #[command(subcommand)]
    Images(images::Images),
    /// Orders of VTEX on their way into Live: list those that are set aside, show, retry, history.
    #[command(subcommand)]
    Orders(orders::Orders),
    /// Walk orders through Live and VTEX before going live, and write a protocol of what was seen on both sides.
    Validate(Box<validate::Validate>),
    /// Messages to customers that receivers refuse: list them, send them again, drop them.
    #[command(subcommand)]
    Messages(messages::Messages),
    /// List keys that were set aside, retry them or drop them.
    Parked(parked::Parked),
    /// Show or change rates, concurrency and weights while it runs.
    Tuning(tuning::TuningCommand),
    /// Run a VTEX simulator (for trying things out; holds nothing of the real VTEX).
    Simulate(Box<simulate::Simulate>),
    /// Run a simulated shop on the reference Live (for trying things out; never on a real one).
    Shop(Box<shop::Shop>),
}

impl Cli {
    /// Carries out the command.
    ///
    /// # Errors
    /// When it could not be carried out; the text says what to do.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let config = || Config::load(&self.config);
        match self.command {
            Command::Init(command) => command.run(&self.config).await.map(|()| ExitCode::SUCCESS),
            Command::Run(command) => command.run(config()?).await,
            Command::Check(command) => command.run(config()?).await,
            Command::Install(command) => command.run(config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Uninstall(command) => command.run(config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Reconcile(command) => command.run(&config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Status(command) => command.run(&config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Explain(command) => command.run(&config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Images(command) => command.run(&config()?).await,
            Command::Orders(command) => command.run(&config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Validate(command) => command.run(config()?).await,
            Command::Messages(command) => command.run(&config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Parked(command) => command.run(&config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Tuning(command) => command.run(&config()?).await.map(|()| ExitCode::SUCCESS),
            Command::Simulate(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Command::Shop(command) => command.run().await.map(|()| ExitCode::SUCCESS),
        }
    }
}
pub mod shop;
