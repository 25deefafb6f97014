//! Whether SQL Server is ready for capture: every finding with what to do.
//!
//! Asked is as the login of the service. What it is not told is a finding too, and ends nothing.

use crate::core::time::Timestamp;
use crate::core::versions::CompareSchedule;
use crate::live::sqlserver::{Connection, SqlError, SqlServerSettings, Statement};
use crate::mapping::config::MappingConfig;
use crate::source::changelog::versions::dialect::Mode;
use crate::source::finding::Finding;

use super::catalog::table_facts;
use super::install::{Wanted, Way};
use super::server::ServerFacts;
use super::statements::PROBE;

use self::ask::{Asker, Needs};

mod ask;
mod capture;
mod login;
mod reach;
mod server;
mod shop;
mod tables;
mod triggers;
mod versions;

/// What is checked.
pub struct Check<'a> {
    /// The way in, as the login of the service.
    pub settings: &'a SqlServerSettings,
    pub wanted: &'a Wanted,
    pub mapping: &'a MappingConfig,
    /// When everything is compared.
    pub compare: Option<&'a CompareSchedule>,
    pub now: fn() -> Timestamp,
}

impl Check<'_> {
    /// Looks at everything. Never fails: what went wrong is among the findings.
    pub async fn run(&self) -> Vec<Finding> {
        let (connection, findings) = match reach::reach(self.settings).await {
            Ok(reached) => reached,
            Err(findings) => return findings,
        };
        let mut asker = Asker::new(&connection, &self.wanted.login, findings);
        if let Err(error) = self.look(&connection, &mut asker).await {
            let remedy = "see that the server is reachable, then check again: what follows was not looked at";
            asker.found(Finding::error("live", error.to_string(), remedy));
        }
        asker.end()
    }

    /// # Errors
    /// When the connection is lost.
    async fn look(&self, connection: &Connection, asker: &mut Asker<'_>) -> Result<(), SqlError> {
        let server = asker.ask(Statement::new(PROBE), "the server itself", Needs::Nothing).await?;
        let server = server.as_ref().and_then(ServerFacts::of).unwrap_or_default();
        asker.found_all(server::judge(&server, self.wanted.way, &self.settings.timezone, (self.now)()));
        server::restores(asker).await?;
        let roles = login::roles(asker).await?;
        let facts = match table_facts(connection, None, &self.wanted.captured).await {
            Ok(facts) => facts,
            Err(error) => {
                asker.untold("the captured tables", Needs::Nothing, ask::reason(error)?);
                return Ok(());
            }
        };
        let (planned, findings) = tables::judge(self.wanted, &facts);
        asker.found_all(findings);
        login::columns(asker, &planned).await?;
        match self.wanted.way {
            Way::Triggers(_) => {
                if capture::look(asker, self, &planned).await? {
                    triggers::look(asker, &planned, &self.wanted.login).await?;
                }
                shop::output(asker, &planned, roles.sees_definitions).await?;
            }
            Way::Versions(Mode::Tracking) => versions::tracking(asker, self, &planned).await?,
            Way::Versions(Mode::RowVersions) => versions::row_versions(asker, self, &facts).await?,
        }
        server::open_transactions(asker, self.wanted.way).await?;
        shop::codes(asker, self.mapping).await
    }
}
