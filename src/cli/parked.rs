//! `mare parked`

use serde_json::{Map, Value, json};

use super::admin_client::AdminClient;
use super::messages;
use crate::config::Config;
use crate::core::entity::Entity;

/// Keys that VTEX refuses as they are. They were set aside so that everything else goes on; a newer change
/// of such a key tries it again by itself.
#[derive(Debug, clap::Args)]
pub struct Parked {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List them with the reason and what to do.
    List(Filter),
    /// Show all about one.
    Show { entity: Entity, key: String },
    /// Try them again: all, or those of an entity or a reason, or one key.
    Retry(Filter),
    /// Forget what Live wanted for one key, until it changes again.
    Drop { entity: Entity, key: String },
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// `stock` or `price`.
    #[arg(long)]
    entity: Option<Entity>,
    /// `rejected`, `not-found`, `too-large`, `unexpected` or `operator`.
    #[arg(long)]
    reason: Option<String>,
    /// One key: `<warehouse>/<SKU reference>` or `<SKU reference>`.
    #[arg(long)]
    key: Option<String>,
}

impl Filter {
    fn is_empty(&self) -> bool {
        self.entity.is_none() && self.reason.is_none() && self.key.is_none()
    }

    fn to_json(&self) -> Value {
        let mut filter = Map::new();
        if let Some(entity) = self.entity {
            filter.insert("entity".to_owned(), json!(entity));
        }
        for (name, value) in [("reason", &self.reason), ("key", &self.key)] {
            if let Some(value) = value {
                filter.insert(name.to_owned(), json!(value));
            }
        }
        Value::Object(filter)
    }
}

impl Parked {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = AdminClient::new(config)?;
        match self.action {
            Action::List(filter) => {
                list(&client.post("/parked", &filter.to_json()).await?);
                // They are no keys, but whoever looks here wants to know of them.
                if config.has_messages() && filter.is_empty() {
                    messages::parked(&client.get("/messages").await?);
                }
            }
            Action::Show { entity, key } => {
                println!(
                    "{:#}",
                    client.post("/parked", &json!({ "entity": entity, "key": key })).await?["parked"]
                );
            }
            Action::Retry(filter) => {
                let answer = client.post("/parked/retry", &filter.to_json()).await?;
                println!("{} keys are tried again", answer["retried"]);
            }
            Action::Drop { entity, key } => {
                client.post("/parked/drop", &json!({ "entity": entity, "key": key })).await?;
                println!("dropped; it is sent again when it changes in Live, or by `mare reconcile`");
            }
        }
        Ok(())
    }
}

fn list(answer: &Value) {
    let keys = answer["parked"].as_array().map_or(&[][..], Vec::as_slice);
    if keys.is_empty() {
        println!("nothing is parked");
        return;
    }
    for key in keys {
        let text = |name: &str| key[name].as_str().unwrap_or_default();
        println!("{} {}  {}  since {}", text("entity"), text("key"), text("reason"), text("at"));
        println!("    {} → {}", text("request"), text("answer"));
        println!("    {}", text("hint"));
    }
    if Some(keys.len() as u64) == answer["limit"].as_u64() {
        println!("… and perhaps more: narrow it with --entity, --reason or --key");
    }
}
