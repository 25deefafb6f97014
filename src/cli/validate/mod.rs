//! `mare validate`: the journeys of [`crate::validate`], walked through.
//!
//! | file | holds |
//! |---|---|
//! | `site` | what is connected to, and whether everything is there that the journeys need |
//! | `walk` | one stage after the other: do or wait, look, judge |
//! | `live` | what Live shows, by reading |
//! | `vtex` | what VTEX shows; orders in the simulator |
//! | `daemon` | what the running replicator shows |
//! | `act` | what staff does, where `--act` plays it |

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::config::Config;
use crate::validate::{Kind, Protocol, Verdict, html, text};

mod act;
mod daemon;
mod live;
mod site;
mod vtex;
mod walk;

use site::Site;

/// Walk orders through Live and VTEX before going live, and write a protocol of what was seen on both sides.
///
/// `mare run` has to be running, with `[orders]` and mapping.entities = [..., "order"]. Three journeys:
///
///   pickup    Retira Loja: status by status, recovered and closed at the PDV, the sale cancelled there
///   delivery  Entrega: status by status, NF-e, carrier, delivered, the NF-e cancelled
///   seller    Pedido Vendedor: cancelled in Live, its payment left to a person
///
/// With people, in a test environment. The order is placed in the shop, and Live is worked in as always; every stage
/// says what to do now, and waits until it sees it:
///
///   mare validate pickup                          waits for the next order of this kind
///   mare validate delivery --order 1234567890123-01 --html protocol.html
///
/// By itself, with the simulator and the reference Live of `mare shop create`:
///
///   MARE_VALIDATE_PASSWORD=... mare validate all --simulator http://127.0.0.1:7070 --act --user postgres
///
/// It only reads, in Live and in VTEX; only with --act it writes into Live, with the login of --user. Without --user it
/// reads with the login of maré, which may not read payments and customers: give one that may, or these
/// expectations fail. The protocol names orders and pedidos, and no person.
///
/// Exit code 0: every stage passed. 1: it did not, or was not run.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Validate {
    /// Which journey.
    #[arg(default_value = "all")]
    journey: Which,
    /// VTEX's id of an order that was placed for this journey. Without: the next one of this kind that comes to Live.
    #[arg(long, value_name = "ID", conflicts_with = "simulator")]
    order: Option<String>,
    /// Place the orders in this simulator, like http://127.0.0.1:7070.
    #[arg(long, value_name = "URL")]
    simulator: Option<String>,
    /// Play what staff does: on a Live that `mare shop create` made, and nowhere else.
    #[arg(long)]
    act: bool,
    /// A login of Live to look (and with --act to work) with, which is not maré's.
    #[arg(long, env = "MARE_VALIDATE_USER")]
    user: Option<String>,
    /// Environment variable that holds this login's password.
    #[arg(long, value_name = "NAME", default_value = "MARE_VALIDATE_PASSWORD")]
    password_env: String,
    /// How long a stage waits for a person, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    timeout: u64,
    /// How long a stage waits for maré and VTEX after that, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    within: u64,
    /// Write the protocol as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the protocol as one page that can be printed and signed.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// Retira Loja.
    Pickup,
    /// Entrega.
    Delivery,
    /// Pedido Vendedor.
    Seller,
    All,
}

impl Which {
    fn kinds(self) -> Vec<Kind> {
        match self {
            Self::Pickup => vec![Kind::Pickup],
            Self::Delivery => vec![Kind::Delivery],
            Self::Seller => vec![Kind::Seller],
            Self::All => Kind::ALL.to_vec(),
        }
    }
}

impl Validate {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        if self.order.is_some() && self.journey == Which::All {
            anyhow::bail!("--order names one order: say which journey it is for, like mare validate pickup");
        }
        // Found out now and not after an hour.
        for path in [&self.json, &self.html].into_iter().flatten() {
            write(path, "")?;
        }
        let site = Site::open(&self, &config).await?;
        let mut protocol = site.blank(&self.journey.kinds());
        show(&text::head(&protocol));
        let interrupted = tokio::select! {
            () = walk::walk(&site, &mut protocol) => false,
            signal = tokio::signal::ctrl_c() => signal.is_ok(),
        };
        protocol.ended = site.clock();
        let protocol = protocol.judged();
        if interrupted {
            show("\ninterrupted: what was not run counts as failed\n");
        }
        show(&text::end(&protocol));
        self.keep(&protocol)?;
        Ok(if protocol.verdict == Verdict::Pass { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn keep(&self, protocol: &Protocol) -> anyhow::Result<()> {
        if let Some(path) = &self.json {
            write(path, &format!("{}\n", serde_json::to_string_pretty(protocol)?))?;
        }
        if let Some(path) = &self.html {
            write(path, &html::page(protocol))?;
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// At once, also into a pipe. Whoever has closed it does not want to see the rest.
fn show(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
