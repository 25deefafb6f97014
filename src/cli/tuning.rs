//! `mare tuning`

use anyhow::Context;
use serde_json::Value;

use super::admin_client::AdminClient;
use crate::config::Config;

/// Show the rates, concurrency and weights in force, or change some while it runs.
///
///   mare tuning
///   mare tuning --set '{"routes": {"stock_write": {"per_second": 30, "burst": 60}}}'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct TuningCommand {
    /// Fields to change, as JSON; everything else stays.
    #[arg(long)]
    set: Option<String>,
    /// Keep the change over a restart.
    #[arg(long, requires = "set")]
    save: bool,
}

impl TuningCommand {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = AdminClient::new(config)?;
        let answer = match self.set {
            None => client.get("/tuning").await?,
            Some(text) => {
                let patch: Value = serde_json::from_str(&text).context("--set is not JSON")?;
                client.patch(&format!("/tuning?save={}", self.save), &patch).await?
            }
        };
        println!("{answer:#}");
        Ok(())
    }
}
