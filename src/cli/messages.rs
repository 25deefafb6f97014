//! `mare messages`

use serde_json::{Value, json};

use super::admin_client::AdminClient;
use crate::config::Config;

/// Messages to customers. One that its receiver refuses is set aside with the reason, and sent again only by command;
/// nothing else waits for it.
#[derive(Debug, clap::Subcommand)]
pub enum Messages {
    /// List those that are set aside, and those that wait for another attempt, with the reason.
    List,
    /// Send again what is set aside: all, or the one with this id.
    Retry { id: Option<String> },
    /// Forget one that is set aside.
    Drop { id: String },
}

impl Messages {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = AdminClient::new(config)?;
        match self {
            Self::List => {
                let answer = client.get("/messages").await?;
                if !parked(&answer) {
                    println!("no message is set aside");
                }
                lines(&answer["again"]);
            }
            Self::Retry { id } => {
                let answer = client.post("/messages/retry", &json!({ "id": id })).await?;
                println!("{} messages are sent again", answer["retried"]);
            }
            Self::Drop { id } => {
                client.post("/messages/drop", &json!({ "id": id })).await?;
                println!("forgotten: nobody is told");
            }
        }
        Ok(())
    }
}

/// Prints those that are set aside. False: there are none.
pub(super) fn parked(answer: &Value) -> bool {
    let shown = lines(&answer["parked"]);
    if answer["total"].as_u64() > Some(shown as u64) {
        println!("… {} messages in all", answer["total"]);
    }
    shown > 0
}

fn lines(messages: &Value) -> usize {
    let messages = messages.as_array().map_or(&[][..], Vec::as_slice);
    for message in messages {
        let text = |name: &str| message[name].as_str().unwrap_or_default();
        let when = match message["again_at"].as_str() {
            Some(at) => format!("again at {at}"),
            None => format!("set aside since {}", text("since")),
        };
        println!("message {}  {} attempts, {when}", text("id"), message["attempts"]);
        println!("    {}", text("reason"));
    }
    messages.len()
}
