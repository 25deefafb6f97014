//! Installing in SQL Server: triggers with change tables, change tracking, or the login alone.

use anyhow::{Context, bail};
use secrecy::ExposeSecret;

use crate::config::{CaptureMode, Config, Source};
use crate::live::sqlserver::{Connection, SqlServerSettings};
use crate::live::writer::Dialect;
use crate::source::changelog::sqlserver::install::{Wanted, Way, look, prepare};
use crate::source::changelog::sqlserver::run::run;
use crate::source::changelog::sqlserver::session::connection;
use crate::source::changelog::sqlserver::uninstall::{keep_readers_out, uninstall_script};
use crate::source::changelog::versions::dialect::Mode;

use super::{By, password, writing};

impl By {
    pub(super) fn sqlserver(&self, settings: &SqlServerSettings) -> SqlServerSettings {
        SqlServerSettings {
            password: self.password("SQLCMDPASSWORD"),
            user: self.user("sa"),
            host: self.host.clone().unwrap_or_else(|| settings.host.clone()),
            ..settings.clone()
        }
    }
}

/// As the user who installs.
fn connect(by: SqlServerSettings) -> anyhow::Result<Connection> {
    if by.password.is_none() {
        bail!(
            "user {} needs a password: set SQLCMDPASSWORD, or name another variable with --password-env",
            by.user
        );
    }
    Ok(connection(by, ""))
}

/// What the configuration wants of SQL Server.
pub(in crate::cli) fn wanted(source: &Source, settings: &SqlServerSettings, config: &Config) -> Wanted {
    Wanted {
        login: settings.user.clone(),
        database: settings.database.clone(),
        captured: config.mapping.captured(),
        way: match source.capture {
            CaptureMode::Tracking => Way::Versions(Mode::Tracking),
            CaptureMode::Rowversion => Way::Versions(Mode::RowVersions),
            // A slot is Postgres's; the configuration refuses it here.
            CaptureMode::Triggers | CaptureMode::Slot => Way::Triggers(source.form),
        },
    }
}

pub(super) async fn install(
    source: &Source,
    settings: &SqlServerSettings,
    by: SqlServerSettings,
    config: &Config,
    dry_run: bool,
) -> anyhow::Result<()> {
    let connection = connect(by)?;
    let wanted = wanted(source, settings, config);
    let installation = prepare(&wanted, look(&connection, &wanted).await?)?;
    for note in &installation.notes {
        println!("-- {note}");
    }
    let writing = writing(Dialect::SqlServer, &wanted.login, installation.login_is_new, config);
    if dry_run {
        println!("{}{writing}", installation.script(None));
        return Ok(());
    }
    let password = password(source, !installation.login_is_new)?;
    let secret = password.as_ref().map(|password| password.expose_secret());
    let script = installation.script(secret) + &writing;
    let refused =
        run(&connection, &script).await.context("the installation stopped; running it again continues")?;
    for refused in &refused {
        println!("{}: {refused}", source.name);
    }
    println!(
        "{}: {}, login \"{}\". Next: mare check",
        source.name,
        done(wanted.way, installation.tables.len()),
        wanted.login
    );
    Ok(())
}

fn done(way: Way, tables: usize) -> String {
    match way {
        Way::Triggers(_) => format!("{tables} tables captured by triggers into schema \"mare\""),
        Way::Versions(Mode::Tracking) => format!("change tracking is on for {tables} tables"),
        Way::Versions(Mode::RowVersions) => {
            format!("nothing installed on {tables} tables, which may be read")
        }
    }
}

pub(super) async fn uninstall(
    source: &Source,
    settings: &SqlServerSettings,
    by: SqlServerSettings,
    config: &Config,
    dry_run: bool,
    force: bool,
) -> anyhow::Result<()> {
    let connection = connect(by)?;
    let wanted = wanted(source, settings, config);
    let script = uninstall_script(&connection, &wanted).await?;
    if dry_run {
        println!("{script}");
        return Ok(());
    }
    keep_readers_out(&connection, force).await?;
    run(&connection, &script).await.context("the removal stopped; running it again continues")?;
    let removed = match wanted.way {
        Way::Triggers(_) => "triggers, change tables, rights and login are removed",
        Way::Versions(Mode::Tracking) => "change tracking of the mapped tables, rights and login are removed",
        Way::Versions(Mode::RowVersions) => "rights and login are removed",
    };
    println!("{}: {removed}", source.name);
    Ok(())
}
