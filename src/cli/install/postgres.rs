//! Installing in Postgres: a publication with a slot, or triggers with change tables.

use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use tokio_postgres::Client;

use crate::config::{Config, Source};
use crate::live::PostgresSettings;
use crate::live::writer::Dialect;
use crate::source::changelog::postgres as triggers;
use crate::source::postgres::install::{
    Existing, Names, install_script, look_at_tables, other_rights, run_script, uninstall_script,
};
use crate::source::postgres::slot;

use super::{By, Uninstall, password, writing};

/// What `run_script` leaves undone when it fails.
const AGAIN: &str = "the installation stopped; running it again continues";

impl By {
    pub(super) fn postgres(&self, settings: &PostgresSettings) -> PostgresSettings {
        PostgresSettings {
            password: self.password("PGPASSWORD"),
            user: self.user("postgres"),
            host: self.host.clone().unwrap_or_else(|| settings.host.clone()),
            ..settings.clone()
        }
    }
}

fn names(source: &Source, settings: &PostgresSettings) -> Names {
    Names {
        role: settings.user.clone(),
        slot: source.slot.clone(),
        publication: source.publication.clone(),
        database: settings.database.clone(),
    }
}

fn trigger_names(settings: &PostgresSettings) -> triggers::install::Names {
    triggers::install::Names { role: settings.user.clone(), database: settings.database.clone() }
}

pub(super) async fn install_slot(
    source: &Source,
    settings: &PostgresSettings,
    config: &Config,
    client: &Client,
    dry_run: bool,
) -> anyhow::Result<()> {
    let captured = config.mapping.captured();
    let found = look_at_tables(client, &captured).await?;
    let names = names(source, settings);
    let exists = Existing::look(client, &names, &found).await?;
    let version = slot::server_version(client).await?;
    let writing = writing(Dialect::Postgres, &names.role, !exists.role, config);
    if dry_run {
        println!("{}{writing}", install_script(&names, &captured, &found, version, None, &exists)?);
        return Ok(());
    }
    let level = client.query_one("SHOW wal_level", &[]).await?.try_get::<_, String>(0)?;
    if level != "logical" {
        bail!(
            "wal_level is {level}: run ALTER SYSTEM SET wal_level = 'logical' and restart Postgres, \
             then install again; where that cannot be, set capture = \"triggers\""
        );
    }
    let password = password(source, exists.role)?;
    let secret = password.as_ref().map(|password| password.expose_secret());
    let script = install_script(&names, &captured, &found, version, secret, &exists)?;
    run_script(client, &(script + &writing)).await.context(AGAIN)?;
    println!(
        "{}: {} tables published as \"{}\", slot \"{}\", login \"{}\". Next: mare check",
        source.name,
        captured.len(),
        names.publication,
        names.slot,
        names.role
    );
    Ok(())
}

pub(super) async fn install_triggers(
    source: &Source,
    settings: &PostgresSettings,
    config: &Config,
    client: &Client,
    dry_run: bool,
) -> anyhow::Result<()> {
    let names = trigger_names(settings);
    let layouts = source.layouts(&config.mapping);
    let exists = triggers::install::Existing::look(client, &names, &layouts).await?;
    let writing = writing(Dialect::Postgres, &names.role, !exists.role, config);
    if dry_run {
        println!("{}{writing}", triggers::install::install_script(&names, &layouts, &exists, None)?);
        return Ok(());
    }
    let password = password(source, exists.role)?;
    let secret = password.as_ref().map(|password| password.expose_secret());
    let script = triggers::install::install_script(&names, &layouts, &exists, secret)?;
    run_script(client, &(script + &writing)).await.context(AGAIN)?;
    println!(
        "{}: {} tables captured by triggers into schema \"mare\", login \"{}\". Next: mare check",
        source.name,
        layouts.len(),
        names.role
    );
    Ok(())
}

impl Uninstall {
    pub(super) async fn postgres_slot(
        &self,
        source: &Source,
        settings: &PostgresSettings,
        config: &Config,
        client: &Client,
    ) -> anyhow::Result<()> {
        let captured = config.mapping.captured();
        let found = look_at_tables(client, &captured).await?;
        let names = names(source, settings);
        let exists = Existing::look(client, &names, &found).await?;
        let script = other_rights(client, &names.role).await? + &uninstall_script(&names, &captured, &exists);
        if self.dry_run {
            println!("{script}");
            return Ok(());
        }
        if let Some(pid) = slot::facts(client, &names.slot).await?.and_then(|facts| facts.active_pid) {
            let reader = format!("process {pid} is reading slot \"{}\"", names.slot);
            self.end(client, pid, &reader).await?;
        }
        run_script(client, &script).await.context("the removal stopped; running it again continues")?;
        println!("{}: slot, publication, rights and login are removed", source.name);
        Ok(())
    }

    pub(super) async fn postgres_triggers(
        &self,
        source: &Source,
        settings: &PostgresSettings,
        config: &Config,
        client: &Client,
    ) -> anyhow::Result<()> {
        let names = trigger_names(settings);
        let layouts = source.layouts(&config.mapping);
        let exists = triggers::install::Existing::look(client, &names, &layouts).await?;
        let script = other_rights(client, &names.role).await?
            + &triggers::install::uninstall_script(&names, &layouts, &exists);
        if self.dry_run {
            println!("{script}");
            return Ok(());
        }
        if let Some(holder) = triggers::connection::holder(client).await? {
            self.end(client, holder.pid, &format!("{holder} drains the change tables")).await?;
        }
        run_script(client, &script).await.context("the removal stopped; running it again continues")?;
        println!("{}: triggers, change tables, rights and login are removed", source.name);
        Ok(())
    }

    /// Ends a replicator that is still reading, if that was asked for.
    async fn end(&self, client: &Client, pid: i32, reader: &str) -> anyhow::Result<()> {
        if !self.force {
            bail!("{reader}: stop `mare run` first, or give --force");
        }
        client.execute("SELECT pg_terminate_backend($1)", &[&pid]).await?;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Ok(())
    }
}
