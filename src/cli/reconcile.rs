//! `mare reconcile`

use std::time::Duration;

use serde_json::{Value, json};

use super::admin_client::AdminClient;
use crate::config::Config;
use crate::core::entity::Entity;

/// Compare Live with what VTEX confirmed and send what differs, beside the stream.
///
/// Goes through the running replicator, which paces it and goes on after a restart.
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
    /// Start it and leave.
    #[arg(long)]
    no_wait: bool,
}

impl Reconcile {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = AdminClient::new(config)?;
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
