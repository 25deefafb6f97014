//! `mare install`, `mare uninstall`

use anyhow::bail;
use secrecy::SecretString;

use crate::config::{CaptureMode, Config, Live, Source};
use crate::core::entity::Entity;
use crate::live;
use crate::live::writer::{Dialect, grant_script, revoke_script};

mod postgres;
pub(super) mod sqlserver;
mod vtex;

/// Install capture in Live: a login with least privilege, and what tells the changes.
///
///   Postgres    a publication with a slot, or triggers with change tables
///   SQL Server  triggers with change tables, or change tracking, or nothing but the login (rowversion)
///
/// Where consents are sent, also an entity of our own in VTEX's Master Data.
///
/// Needs a user who owns the tables and may create logins; `mare run` later needs only the new login.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Install {
    /// Show the SQL, run nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    by: By,
}

/// Remove everything that `install` made. The shop's own tables are not touched.
#[derive(Debug, clap::Args)]
pub struct Uninstall {
    /// Show the SQL, run nothing.
    #[arg(long)]
    dry_run: bool,
    /// End a replicator that is still reading.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, clap::Args)]
struct By {
    /// The user that runs the SQL (default: `postgres`, or `sa` in SQL Server).
    #[arg(long, env = "MARE_INSTALL_USER")]
    user: Option<String>,
    /// Environment variable that holds this user's password (default: `PGPASSWORD`, or `SQLCMDPASSWORD` with SQL
    /// Server).
    #[arg(long)]
    password_env: Option<String>,
    /// Another way to the server for this user.
    #[arg(long)]
    host: Option<String>,
    /// Only this source (default: all).
    #[arg(long)]
    source: Option<String>,
}

impl By {
    fn user(&self, default: &str) -> String {
        self.user.clone().unwrap_or_else(|| default.to_owned())
    }

    fn password(&self, default: &str) -> Option<SecretString> {
        let variable = self.password_env.as_deref().unwrap_or(default);
        std::env::var(variable).ok().map(SecretString::from)
    }

    fn sources<'a>(&self, config: &'a Config) -> anyhow::Result<Vec<&'a Source>> {
        let sources: Vec<_> = config
            .sources
            .iter()
            .filter(|source| self.source.as_deref().is_none_or(|name| *source.name == *name))
            .collect();
        if sources.is_empty() {
            bail!("no source is named {}", self.source.as_deref().unwrap_or_default());
        }
        Ok(sources)
    }
}

/// What lets the login write, or no longer lets it.
fn writing(dialect: Dialect, login: &str, is_new: bool, config: &Config) -> String {
    let revoked = if is_new { Vec::new() } else { config.not_written() };
    [revoke_script(dialect, login, &revoked), grant_script(dialect, login, &config.rights())].concat()
}

/// The password of the login, which a new one needs.
fn password(source: &Source, exists: bool) -> anyhow::Result<Option<SecretString>> {
    let password = source.password()?;
    if !exists && password.is_none() {
        bail!(
            "the new login \"{}\" needs a password: set MARE_DB_PASSWORD or `password` of source {}",
            source.user(),
            source.name
        );
    }
    Ok(password)
}

impl Install {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        for source in self.by.sources(&config)? {
            match &source.live {
                Live::Postgres(settings) => {
                    let client = live::connect(&self.by.postgres(settings)).await?;
                    if source.capture == CaptureMode::Triggers {
                        postgres::install_triggers(source, settings, &config, &client, self.dry_run).await?;
                    } else {
                        postgres::install_slot(source, settings, &config, &client, self.dry_run).await?;
                    }
                }
                Live::SqlServer(settings) => {
                    let by = self.by.sqlserver(settings);
                    sqlserver::install(source, settings, by, &config, self.dry_run).await?;
                }
            }
        }
        if config.mapping.has(Entity::Consent) {
            vtex::install(&config, self.dry_run).await?;
        }
        Ok(())
    }
}

impl Uninstall {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        for source in self.by.sources(&config)? {
            match &source.live {
                Live::Postgres(settings) => {
                    let client = live::connect(&self.by.postgres(settings)).await?;
                    if source.capture == CaptureMode::Triggers {
                        self.postgres_triggers(source, settings, &config, &client).await
                    } else {
                        self.postgres_slot(source, settings, &config, &client).await
                    }
                }
                Live::SqlServer(settings) => {
                    let by = self.by.sqlserver(settings);
                    sqlserver::uninstall(source, settings, by, &config, self.dry_run, self.force).await
                }
            }?;
        }
        Ok(())
    }
}
