//! `mare run`

use std::process::ExitCode;

use crate::config::Config;
use crate::pipeline;
use crate::telemetry::logs::{self, LogFormat};

/// Run the replicator until it is told to stop.
///
/// SIGTERM or Ctrl-C: reads nothing more, finishes what is under way, confirms, exits with 0.
/// SIGHUP: reads the configuration and the secrets again.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Run {
    /// How log lines are written (default: as configured).
    #[arg(long, env = "MARE_LOG_FORMAT")]
    log_format: Option<LogFormat>,
}

impl Run {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        logs::init(self.log_format.unwrap_or(config.log.format), &config.log.level);
        pipeline::run(config).await?;
        Ok(ExitCode::SUCCESS)
    }
}
