//! Installing in SQL Server: triggers with change tables, change tracking, or the login alone.

use anyhow::bail;

use crate::config::{Config, Source};
use crate::live::sqlserver::SqlServerSettings;

use super::By;

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

pub(super) async fn install(
    _source: &Source,
    _settings: &SqlServerSettings,
    _by: SqlServerSettings,
    _config: &Config,
    _dry_run: bool,
) -> anyhow::Result<()> {
    bail!("not built yet")
}

pub(super) async fn uninstall(
    _source: &Source,
    _settings: &SqlServerSettings,
    _by: SqlServerSettings,
    _config: &Config,
    _dry_run: bool,
    _force: bool,
) -> anyhow::Result<()> {
    bail!("not built yet")
}
