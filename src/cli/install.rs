//! `mare install`, `mare uninstall`

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Client;

use crate::config::{CaptureMode, Config, Source};
use crate::live::{self, PostgresSettings};
use crate::source::changelog::postgres as triggers;
use crate::source::postgres::install::{
    Existing, Names, install_script, look_at_tables, run_script, uninstall_script,
};
use crate::source::postgres::slot;

/// Install capture in Live: a login with least privilege, and a publication with a slot or triggers with change
/// tables.
///
/// Needs a user who owns the tables and may create roles; `mare run` later needs only the new login.
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
    /// The user that runs the SQL.
    #[arg(long, default_value = "postgres", env = "MARE_INSTALL_USER")]
    user: String,
    /// Environment variable that holds this user's password.
    #[arg(long, default_value = "PGPASSWORD")]
    password_env: String,
    /// Another way to the server for this user.
    #[arg(long)]
    host: Option<String>,
    /// Only this source (default: all).
    #[arg(long)]
    source: Option<String>,
}

impl By {
    fn settings(&self, source: &Source) -> PostgresSettings {
        let password = std::env::var(&self.password_env).ok().map(secrecy::SecretString::from);
        let mut settings =
            PostgresSettings { password, user: self.user.clone(), ..source.connection.clone() };
        if let Some(host) = &self.host {
            settings.host.clone_from(host);
        }
        settings
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

fn names(source: &Source) -> Names {
    Names {
        role: source.connection.user.clone(),
        slot: source.slot.clone(),
        publication: source.publication.clone(),
        database: source.connection.database.clone(),
    }
}

impl Install {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        for source in self.by.sources(&config)? {
            let client = live::connect(&self.by.settings(source)).await?;
            if source.capture == CaptureMode::Triggers {
                self.triggers(source, &config, &client).await?;
                continue;
            }
            let captured = config.mapping.captured();
            let found = look_at_tables(&client, &captured).await?;
            let names = names(source);
            let exists = Existing::look(&client, &names, &found).await?;
            let version = slot::server_version(&client).await?;
            if self.dry_run {
                println!("{}", install_script(&names, &captured, &found, version, None, &exists)?);
                continue;
            }
            let level = client.query_one("SHOW wal_level", &[]).await?.try_get::<_, String>(0)?;
            if level != "logical" {
                bail!(
                    "wal_level is {level}: run ALTER SYSTEM SET wal_level = 'logical' and restart Postgres, \
                     then install again"
                );
            }
            let password = password(source, exists.role)?;
            let secret = password.as_ref().map(|password| password.expose_secret());
            let script = install_script(&names, &captured, &found, version, secret, &exists)?;
            run_script(&client, &script)
                .await
                .context("the installation stopped; running it again continues")?;
            println!(
                "{}: {} tables published as \"{}\", slot \"{}\", login \"{}\". Next: mare check",
                source.name,
                captured.len(),
                names.publication,
                names.slot,
                names.role
            );
        }
        Ok(())
    }
}

impl Install {
    async fn triggers(&self, source: &Source, config: &Config, client: &Client) -> anyhow::Result<()> {
        let names = trigger_names(source);
        let layouts = source.layouts(&config.mapping);
        let exists = triggers::install::Existing::look(client, &names, &layouts).await?;
        if self.dry_run {
            println!("{}", triggers::install::install_script(&names, &layouts, &exists, None)?);
            return Ok(());
        }
        let password = password(source, exists.role)?;
        let secret = password.as_ref().map(|password| password.expose_secret());
        let script = triggers::install::install_script(&names, &layouts, &exists, secret)?;
        run_script(client, &script).await.context("the installation stopped; running it again continues")?;
        println!(
            "{}: {} tables captured by triggers into schema \"mare\", login \"{}\". Next: mare check",
            source.name,
            layouts.len(),
            names.role
        );
        Ok(())
    }
}

fn trigger_names(source: &Source) -> triggers::install::Names {
    let connection = &source.connection;
    triggers::install::Names { role: connection.user.clone(), database: connection.database.clone() }
}

/// The password of the login, which a new one needs.
fn password(source: &Source, exists: bool) -> anyhow::Result<Option<SecretString>> {
    let password = source.connection()?.password;
    if !exists && password.is_none() {
        bail!(
            "the new login \"{}\" needs a password: set MARE_DB_PASSWORD or `password` of source {}",
            source.connection.user,
            source.name
        );
    }
    Ok(password)
}

impl Uninstall {
    async fn triggers(&self, source: &Source, config: &Config, client: &Client) -> anyhow::Result<()> {
        let names = trigger_names(source);
        let layouts = source.layouts(&config.mapping);
        let exists = triggers::install::Existing::look(client, &names, &layouts).await?;
        let script = triggers::install::uninstall_script(&names, &layouts, &exists);
        if self.dry_run {
            println!("{script}");
            return Ok(());
        }
        if let Some(holder) = triggers::connection::holder(client).await? {
            if !self.force {
                bail!("{holder} drains the change tables: stop `mare run` first, or give --force");
            }
            client.execute("SELECT pg_terminate_backend($1)", &[&holder.pid]).await?;
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        run_script(client, &script).await.context("the removal stopped; running it again continues")?;
        println!("{}: triggers, change tables, rights and login are removed", source.name);
        Ok(())
    }

    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        for source in self.by.sources(&config)? {
            let client = live::connect(&self.by.settings(source)).await?;
            if source.capture == CaptureMode::Triggers {
                self.triggers(source, &config, &client).await?;
                continue;
            }
            let captured = config.mapping.captured();
            let found = look_at_tables(&client, &captured).await?;
            let names = names(source);
            let exists = Existing::look(&client, &names, &found).await?;
            let script = uninstall_script(&names, &captured, &exists);
            if self.dry_run {
                println!("{script}");
                continue;
            }
            if let Some(pid) = slot::facts(&client, &names.slot).await?.and_then(|facts| facts.active_pid) {
                if !self.force {
                    bail!(
                        "process {pid} is reading slot \"{}\": stop `mare run` first, or give --force",
                        names.slot
                    );
                }
                client.execute("SELECT pg_terminate_backend($1)", &[&pid]).await?;
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
            run_script(&client, &script).await.context("the removal stopped; running it again continues")?;
            println!("{}: slot, publication, rights and login are removed", source.name);
        }
        Ok(())
    }
}
