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
        keep_to_ourselves();
        pipeline::run(config).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// No core dumps, which would hold keys and customers' data in a file that nobody watches; and whatever is written is
/// nobody else's to read.
fn keep_to_ourselves() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit, umask};
        umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
            tracing::warn!(%error, "core dumps cannot be switched off");
        }
    }
}
