//! Logs for people or for machines.

use std::io::IsTerminal;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Human,
    Json,
}

/// Starts logging to standard error. `RUST_LOG` wins over `level`.
///
/// Called once, by the commands that run for long.
pub fn init(format: LogFormat, level: &str) {
    // The store's own housekeeping says nothing to an operator.
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(format!("{level},fjall=warn,lsm_tree=warn")))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    // The driver of SQL Server logs errors that quote rows, and at level trace the rows themselves.
    let filter = match "tiberius=off".parse() {
        Ok(silent) => filter.add_directive(silent),
        Err(_) => filter,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start (tests) keeps the first subscriber.
    let _ = match format {
        LogFormat::Human => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
