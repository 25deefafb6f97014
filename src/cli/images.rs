//! `mare images`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use super::admin_client::AdminClient;
use crate::config::Config;
use crate::mapping::catalog::links::{Link, parse};

/// Links in one request; all links of one SKU or product go together.
const LINKS_AT_ONCE: usize = 100;

/// Images of products and SKUs.
#[derive(Debug, clap::Subcommand)]
pub enum Images {
    /// Take links from a CSV file: link; SKU or product code; order; main (sim/não); label.
    ///
    /// Separated by ; or , with or without a header. Links that were imported before for the same SKU or product are
    /// replaced; importing a file again changes nothing. Needs a running `mare run` that sends products.
    Import(Import),
}

#[derive(Debug, clap::Args)]
pub struct Import {
    file: PathBuf,
    /// Only tell what is wrong.
    #[arg(long)]
    dry_run: bool,
}

impl Images {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Import(import) = self;
        import.run(config).await
    }
}

impl Import {
    async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let bytes =
            std::fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let (links, errors) = parse(&bytes);
        for error in &errors {
            eprintln!("{}: {error}", self.file.display());
        }
        let client = AdminClient::new(config)?;
        let (mut taken, mut unknown) = (0, 0);
        let read = links.len();
        for part in parts(links) {
            let answer = client.post("/images", &json!({ "links": part, "dry_run": self.dry_run })).await?;
            taken += answer["taken"].as_u64().unwrap_or_default();
            for line in answer["unknown_lines"].as_array().into_iter().flatten() {
                unknown += 1;
                eprintln!("{}: line {line}: Live has no such SKU or product", self.file.display());
            }
        }
        let what = if self.dry_run { "would be taken" } else { "taken; they are on their way to VTEX" };
        println!("{read} links read, {taken} {what}; {} lines with errors", errors.len() + unknown);
        Ok(if errors.is_empty() && unknown == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The links in portions that no SKU or product is divided between.
fn parts(mut links: Vec<Link>) -> Vec<Vec<Link>> {
    links.sort_by(|one, other| one.target.cmp(&other.target).then(one.line.cmp(&other.line)));
    let mut parts: Vec<Vec<Link>> = Vec::new();
    for group in links.chunk_by(|one, other| one.target == other.target) {
        match parts.last_mut() {
            Some(part) if part.len() + group.len() <= LINKS_AT_ONCE => part.extend_from_slice(group),
            _ => parts.push(group.to_vec()),
        }
    }
    parts
}
