//! Removing what `mare install` made, while nobody reads it.

use std::time::Duration;

use crate::live::sqlserver::{Connection, SqlError, Statement};
use crate::source::changelog::versions::dialect::Mode;

use super::connection::SCHEMA;
use super::install::{InstallError, Wanted, Way, objects};
use super::script::{self, Names};
use super::session::{holder, try_lock};
use super::statements::kill;

/// The script that removes what is there.
///
/// # Errors
/// When the server cannot be asked, or when a name cannot be used.
pub async fn uninstall_script(connection: &Connection, wanted: &Wanted) -> Result<String, InstallError> {
    let names = Names {
        schema: SCHEMA.to_owned(),
        owner: "dbo".to_owned(),
        login: wanted.login.clone(),
        database: wanted.database.clone(),
        versions_repeat: false,
    };
    let obstacles = names.obstacles();
    if !obstacles.is_empty() {
        return Err(InstallError::NotReady(obstacles));
    }
    Ok(match wanted.way {
        Way::Triggers(_) => script::uninstall(&names, &objects(connection).await?),
        Way::Versions(Mode::Tracking) => script::tracking_uninstall(&names, &wanted.captured),
        Way::Versions(Mode::RowVersions) => script::rowversion_uninstall(&names),
    })
}

/// A session that was ended needs a moment to be gone.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(250);

/// Takes the lock of the reader, for as long as the connection lives: nobody reads while everything is removed. `force`:
/// ends the session of a maré that has it.
///
/// # Errors
/// [`InstallError::Read`] when another has it and is not to be ended, or cannot be.
pub async fn keep_readers_out(connection: &Connection, force: bool) -> Result<(), InstallError> {
    if try_lock(connection).await?.is_some() {
        return Ok(());
    }
    // Who it is, is not told to everybody.
    let holder = holder(connection).await.ok().flatten();
    let who = holder.as_ref().map_or_else(String::new, |holder| format!(" ({holder})"));
    if !force {
        return Err(InstallError::Read(format!(
            "another maré{who} reads the changes: stop `mare run` first, or give --force"
        )));
    }
    let Some(session) = holder.and_then(|holder| holder.session) else {
        return Err(InstallError::Read(
            "another maré reads the changes, and this login is not told which session that is (it needs VIEW SERVER STATE): \
             stop `mare run` where it runs"
                .to_owned(),
        ));
    };
    connection.execute(Statement::batch(kill(session))).await.map_err(|error| match error {
        SqlError::Server(error) => InstallError::Read(format!(
            "another maré{who} reads the changes, and its session cannot be ended: {error}; stop `mare run` where it runs, or \
             have a member of processadmin run KILL {session}"
        )),
        error => error.into(),
    })?;
    for _ in 0..LOCK_ATTEMPTS {
        if try_lock(connection).await?.is_some() {
            return Ok(());
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Err(InstallError::Read(format!(
        "another maré{who} came back after its session was ended: stop `mare run`"
    )))
}
