//! Asking, and keeping what cannot be told.

use crate::live::sqlserver::{Connection, Fetched, SqlError, Statement};
use crate::source::finding::{Finding, Severity};

use super::super::names::quoted;
use super::super::session::text_of;

/// What a question takes that a server may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// A right that every login has, or that `mare install` grants.
    Nothing,
    /// VIEW SERVER STATE, which is optional.
    ServerState,
    /// Reading `msdb`, which is optional.
    Msdb,
    /// VIEW DEFINITION on the database, which is optional.
    Definitions,
}

/// Asks as the service would, and collects findings.
pub(super) struct Asker<'a> {
    pub(super) connection: &'a Connection,
    login: &'a str,
    findings: Vec<Finding>,
    /// What was asked in vain, and why.
    untold: Vec<(Needs, &'static str, String)>,
}

impl<'a> Asker<'a> {
    pub(super) const fn new(connection: &'a Connection, login: &'a str, findings: Vec<Finding>) -> Self {
        Self { connection, login, findings, untold: Vec::new() }
    }

    /// The answer; none when the server does not give one, which is kept as a finding.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) async fn ask(
        &mut self,
        statement: Statement,
        about: &'static str,
        needs: Needs,
    ) -> Result<Option<Fetched>, SqlError> {
        let reason = match self.connection.fetch(statement).await {
            Ok(answer) => match answer.rows.row(0).and_then(|row| text_of(row, "motivo")) {
                Some(reason) => reason.to_owned(),
                None => return Ok(Some(answer)),
            },
            Err(error) => reason(error)?,
        };
        self.untold(about, needs, reason);
        Ok(None)
    }

    pub(super) fn untold(&mut self, about: &'static str, needs: Needs, reason: String) {
        if !self.untold.iter().any(|(_, known, _)| *known == about) {
            self.untold.push((needs, about, reason));
        }
    }

    pub(super) fn found(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn found_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// All findings; what lacks the same right is one.
    pub(super) fn end(mut self) -> Vec<Finding> {
        for needs in [Needs::Nothing, Needs::ServerState, Needs::Msdb, Needs::Definitions] {
            let untold: Vec<_> = self.untold.iter().filter(|(lack, ..)| *lack == needs).collect();
            let Some((_, _, reason)) = untold.first() else { continue };
            let about: Vec<_> = untold.iter().map(|(_, about, _)| *about).collect();
            let message = format!("{} cannot be told: {reason}", about.join(", "));
            let finding = Finding::warning("not told", message, remedy(needs, self.login));
            // A restore is noticed without it; only its time is not.
            let severity = if needs == Needs::Msdb { Severity::Ok } else { finding.severity };
            self.findings.push(Finding { severity, ..finding });
        }
        self.findings
    }
}

fn remedy(needs: Needs, login: &str) -> String {
    let login = quoted(login);
    match needs {
        Needs::Nothing => "`mare install` grants what the service needs; where the server lacks the view, nothing can be done \
                           and maré does without it"
            .to_owned(),
        Needs::ServerState => format!("optional, in master: GRANT VIEW SERVER STATE TO {login}"),
        Needs::Msdb => format!(
            "optional, in msdb: CREATE USER {login} FOR LOGIN {login}; GRANT SELECT ON dbo.restorehistory TO {login}"
        ),
        Needs::Definitions => format!(
            "optional: GRANT VIEW DEFINITION TO {login} in Live's database; or let an administrator run `mare install --dry-run`, \
             which looks for them too"
        ),
    }
}

/// Why a server does not answer, while the connection to it still is, or comes back.
///
/// # Errors
/// The error itself when the connection is lost.
pub(super) fn reason(error: SqlError) -> Result<String, SqlError> {
    match error {
        SqlError::Server(_) | SqlError::Column(_) | SqlError::Protocol(_) | SqlError::TimedOut { .. } => {
            Ok(error.to_string())
        }
        lost => Err(lost),
    }
}
