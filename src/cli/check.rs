//! `mare check`

use std::process::ExitCode;

use tokio_postgres::Client;

use crate::config::{CaptureMode, Config, Live, Source};
use crate::core::call::bulk::BulkKind;
use crate::core::entity::Entity;
use crate::live::PostgresSettings;
use crate::live::writer::missing_rights;
use crate::pipeline::{live_writer, wall_clock};
use crate::source::changelog::postgres as triggers;
use crate::source::changelog::sqlserver::check as sqlserver;
use crate::source::finding::{Finding, Severity, few};
use crate::source::postgres::check;
use crate::source::postgres::install::Names;
use crate::vtex;
use crate::vtex::check::Expected;

use super::install::sqlserver::wanted;

mod hook;

/// Test everything that `run` needs and print each finding with its remedy.
///
/// Exit code 0: `mare run` would work (warnings are no hindrance). 1: it would not.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Check {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        let mut findings = Vec::new();
        for source in &config.sources {
            findings.extend(check_live(source, &config).await);
            findings.extend(check_writing(source, &config).await);
        }
        findings.extend(check_vtex(&config).await);
        findings.push(check_state(&config));
        findings.extend(check_messages(&config));
        if self.json {
            println!("{}", serde_json::to_string_pretty(&findings)?);
        } else {
            show(&findings);
        }
        let works = findings.iter().all(|finding| finding.severity < Severity::Error);
        Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn check_live(source: &Source, config: &Config) -> Vec<Finding> {
    let failed = |error: String| vec![Finding::error("live", error, "correct [[source]], or the server")];
    let live = match source.login() {
        Ok(live) => live,
        Err(error) => return failed(error.to_string()),
    };
    match live {
        Live::Postgres(settings) => match crate::live::connect(&settings).await {
            Ok(client) => check_postgres(source, settings, &client, config).await,
            Err(error) => failed(error.to_string()),
        },
        Live::SqlServer(settings) => {
            let check = sqlserver::Check {
                settings: &settings,
                wanted: &wanted(source, &settings, config),
                mapping: &config.mapping,
                compare: source.compare.as_ref(),
                now: wall_clock,
            };
            check.run().await
        }
    }
}

async fn check_postgres(
    source: &Source,
    settings: PostgresSettings,
    client: &Client,
    config: &Config,
) -> Vec<Finding> {
    let PostgresSettings { user: role, database, .. } = settings;
    if source.capture == CaptureMode::Triggers {
        let names = triggers::install::Names { role, database };
        let layouts = source.layouts(&config.mapping);
        return triggers::check::check(client, &names, &layouts, &config.mapping).await;
    }
    let (slot, publication) = (source.slot.clone(), source.publication.clone());
    let names = Names { role, slot, publication, database };
    check::check(client, &names, &config.mapping).await
}

/// Whether what is to be written into Live may be written.
async fn check_writing(source: &Source, config: &Config) -> Option<Finding> {
    let rights = config.rights();
    if rights.is_empty() {
        return None;
    }
    let subject = "writing";
    Some(match missing_rights(&live_writer(source), &rights).await {
        Ok(missing) if missing.is_empty() => Finding::ok(subject, "the login may write what it has to"),
        Ok(missing) => Finding::error(subject, format!("the login lacks {}", few(&missing)), "mare install"),
        Err(error) => {
            Finding::error(subject, error.to_string(), "correct [mapping.tables] or [consents.columns]")
        }
    })
}

async fn check_vtex(config: &Config) -> Vec<Finding> {
    let client = match config
        .credentials()
        .map_err(anyhow::Error::from)
        .and_then(|credentials| vtex::Client::new(&config.vtex, credentials).map_err(anyhow::Error::from))
    {
        Ok(client) => client,
        Err(error) => return vec![Finding::error("vtex", format!("{error:#}"), "set what it names")],
    };
    let expected = Expected {
        warehouses: config.mapping.warehouses().into_iter().map(str::to_owned).collect(),
        trade_policies: config.mapping.trade_policies().iter().map(ToString::to_string).collect(),
    };
    let account = client.check(&expected).await;
    let consents =
        if config.mapping.has(Entity::Consent) { Some(check_consents(&client).await) } else { None };
    let mut findings = account.findings;
    let tuning = &config.tuning.bulk;
    for kind in BulkKind::ALL {
        if tuning.rows_min(kind).is_some() && config.mapping.has(kind.entity()) {
            findings.push(client.check_bulk(kind).await);
        }
    }
    findings.into_iter().map(of_vtex).chain(consents).chain(hook::check(config, &client).await).collect()
}

fn of_vtex(finding: vtex::check::Finding) -> Finding {
    Finding {
        subject: format!("vtex {}", finding.subject),
        severity: match finding.severity {
            vtex::check::Severity::Ok => Severity::Ok,
            vtex::check::Severity::Warning => Severity::Warning,
            vtex::check::Severity::Error => Severity::Error,
        },
        message: finding.message,
        remedy: finding.remedy,
    }
}

/// Whether VTEX has a place for what customers agreed to.
async fn check_consents(client: &vtex::Client) -> Finding {
    let subject = "vtex consents";
    match client.consent_entity().await {
        Ok(found) if found.schema && found.index => Finding::ok(subject, "Master Data holds them"),
        Ok(_) => Finding::error(subject, "Master Data has no entity for them yet", "run `mare install`"),
        Err(failure) => Finding::error(
            subject,
            format!("Master Data cannot be asked: {failure:?}"),
            "give the key \"Master Data administrator\", or the network a way out",
        ),
    }
}

/// Whether messages to customers could be signed. None is sent: it would reach somebody.
fn check_messages(config: &Config) -> Option<Finding> {
    let subject = "messages";
    if !config.has_messages() {
        return None;
    }
    Some(match config.messages.webhooks() {
        Ok(webhooks) => {
            let names: Vec<String> = webhooks.iter().map(|webhook| webhook.name.to_string()).collect();
            Finding::ok(subject, format!("customers are told through {}", few(&names)))
        }
        Err(error) => Finding::error(subject, error.to_string(), "set what it names"),
    })
}

/// The folder of the ledger must be ours to write.
fn check_state(config: &Config) -> Finding {
    let dir = &config.state_dir;
    let probe = dir.join(".check");
    let written = std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::ok("state_dir", format!("{} can be written", dir.display())),
        Err(error) => Finding::error(
            "state_dir",
            format!("{}: {error}", dir.display()),
            "correct state_dir or its owner",
        ),
    }
}

fn show(findings: &[Finding]) {
    for finding in findings {
        let mark = match finding.severity {
            Severity::Ok => "✓",
            Severity::Warning => "!",
            Severity::Error => "✗",
        };
        println!("{mark} {:<24} {}", finding.subject, finding.message);
        if let Some(remedy) = finding.remedy.as_deref().filter(|_| finding.severity > Severity::Ok) {
            println!("  {:<24} → {remedy}", "");
        }
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    println!("\n{} errors, {} warnings", count(Severity::Error), count(Severity::Warning));
}
