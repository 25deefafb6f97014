//! `mare reconcile`

use std::time::Duration;

use serde_json::{Value, json};

use super::admin_client::AdminClient;
use crate::config::Config;
use crate::core::entity::Entity;

/// Compare Live with what VTEX confirmed and send what differs, beside the stream.
///
/// With --with-vtex, ask VTEX itself whether it still holds what it confirmed: what somebody changed there by hand, or what got
/// lost there, is found and sent again. This happens by itself, too, as the section `proof` of the configuration says.
///
/// Both go through the running replicator, which paces them and goes on after a restart.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Reconcile {
    /// `stock`, `price`, `product`, `customer`, `consent` or `order`; all that are sent when left out. With `--key` also
    /// `sku`, `brand` or `category`.
    entity: Option<Entity>,
    /// Only this one: a SKU reference, of a product, brand, category or customer the code, of an order VTEX's id. Without
    /// an entity: all that the SKU reference names, its product included.
    #[arg(long)]
    key: Option<String>,
    /// Ask VTEX, instead of comparing Live with the ledger. Not for customers and consents.
    #[arg(long)]
    with_vtex: bool,
    /// Only count what differs in VTEX, and send nothing.
    #[arg(long, requires = "with_vtex")]
    report_only: bool,
    /// Start it and leave.
    #[arg(long)]
    no_wait: bool,
}

impl Reconcile {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = AdminClient::new(config)?;
        if self.with_vtex {
            return self.ask_vtex(&client).await;
        }
        let before = ended(&client.get("/status").await?);
        client.post("/reconcile", &json!({ "entity": self.entity, "key": self.key })).await?;
        if self.no_wait || self.key.is_some() {
            println!("started; `mare status` shows how far it is");
            return Ok(());
        }
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let status = client.get("/status").await?;
            for (name, source) in status["sources"].as_object().into_iter().flatten() {
                let load = &source["load"];
                if load.is_object() {
                    eprint!(
                        "\r{name}: {:>3.0} %  {}  {} rows, {} differ   ",
                        load["share"].as_f64().unwrap_or(0.0) * 100.0,
                        load["step"].as_str().unwrap_or(""),
                        load["rows"],
                        load["differences"],
                    );
                }
            }
            if ended(&status) != before && !running(&status) {
                eprintln!();
                for (name, source) in status["sources"].as_object().into_iter().flatten() {
                    let load = &source["last_load"];
                    println!("{name}: {} rows compared, {} differed", load["rows"], load["differences"]);
                }
                return Ok(());
            }
        }
    }
}

impl Reconcile {
    async fn ask_vtex(self, client: &AdminClient) -> anyhow::Result<()> {
        let report_only = self.report_only.then_some(true);
        let which = json!({ "entity": self.entity, "key": self.key, "report_only": report_only });
        let answer = client.post("/proof", &which).await?;
        if let Some(told) = answer["told"].as_str() {
            println!("{}", in_words(told, self.report_only));
            return Ok(());
        }
        if self.no_wait {
            println!("started; `mare status` shows how far it is");
            return Ok(());
        }
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let proof = client.get("/status").await?["proof"].clone();
            if proof["ended"]["started"] == answer["started"] {
                eprintln!();
                print!("{}", summary(&proof["ended"]));
                return Ok(());
            }
            if proof["running"]["started"] != answer["started"] {
                anyhow::bail!("somebody has asked for another proof, which took the place of this one");
            }
            eprint!("\r{}   ", progress(&proof["running"], proof["held_up"].as_str()));
        }
    }
}

/// What VTEX said of one key.
fn in_words(told: &str, report_only: bool) -> String {
    let then = if report_only { "" } else { ": what Live says is on its way" };
    match told {
        "same" => "VTEX holds what it confirmed".to_owned(),
        "missing" => format!("VTEX does not have it any more{then}"),
        "higher" | "lower" => format!("what VTEX has is {told} than what it confirmed{then}"),
        "changed" => format!("VTEX has it otherwise than it confirmed{then}"),
        "busy" => {
            "a change of it is on its way, or VTEX was never told of it: `mare explain` tells".to_owned()
        }
        _ => "VTEX did not tell: see the log, and try again".to_owned(),
    }
}

pub(super) fn progress(pass: &Value, held_up: Option<&str>) -> String {
    format!(
        "asking VTEX about {}: {} keys asked, {} differ{}",
        pass["at"].as_str().unwrap_or("everything"),
        pass["keys"],
        pass["differing"],
        held_up.map_or(String::new(), |why| format!(" — {why}")),
    )
}

/// What a pass has found.
pub(super) fn summary(pass: &Value) -> String {
    let mut text = format!(
        "{} keys asked about in VTEX, {} differed; {} had a change on its way, of {} VTEX did not tell\n",
        pass["keys"], pass["differing"], pass["busy"], pass["not_told"]
    );
    for (entity, differences) in pass["differences"].as_object().into_iter().flatten() {
        for (how, count) in differences.as_object().into_iter().flatten() {
            text.push_str(&format!("  {entity}: {count} {how}\n"));
        }
    }
    if pass["differing"] != 0 {
        let then = if pass["repair"] == true { "what Live says is on its way" } else { "nothing is sent" };
        text.push_str(&format!("  {then}\n"));
    }
    text
}

fn ended(status: &Value) -> Vec<Value> {
    status["sources"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, source)| source["last_load"]["ended"].clone())
        .collect()
}

fn running(status: &Value) -> bool {
    status["sources"].as_object().into_iter().flatten().any(|(_, source)| source["load"].is_object())
}
