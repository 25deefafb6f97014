//! Which TLS settings work with a server, for `mare check`.

use super::connect::connect;
use super::error::ConnectError;
use super::settings::{SqlServerSettings, SqlServerTls};

/// What came of a login with one TLS setting.
#[derive(Debug)]
pub struct LevelResult {
    pub tls: SqlServerTls,
    pub outcome: Result<(), ConnectError>,
}

/// Logs in with each TLS setting, the safest first. The first that works is the one to configure.
///
/// `disable` is tried only when it is what is configured or nothing else works and `may_send_in_clear` is set: trying it
/// sends the password over the network in a form that everybody can read. A refused password ends the trials, so that
/// no login is locked out by them.
pub async fn probe_levels(settings: &SqlServerSettings, may_send_in_clear: bool) -> Vec<LevelResult> {
    let mut results: Vec<LevelResult> = Vec::new();
    for tls in [SqlServerTls::VerifyFull, SqlServerTls::Require, SqlServerTls::Login, SqlServerTls::Disable] {
        let works = results.iter().any(|result| result.outcome.is_ok());
        let allowed = settings.tls == SqlServerTls::Disable || (may_send_in_clear && !works);
        if tls == SqlServerTls::Disable && !allowed {
            break;
        }
        let mut trial = settings.clone();
        trial.tls = tls;
        let outcome = connect(&trial).await.map(drop);
        let same_for_all = matches!(
            outcome,
            Err(ConnectError::WrongPassword { .. }
                | ConnectError::PasswordMissing { .. }
                | ConnectError::NoDatabase { .. }
                | ConnectError::Unreachable { .. }
                | ConnectError::Instance { .. }
                | ConnectError::NotSqlServer { .. })
        );
        results.push(LevelResult { tls, outcome });
        if same_for_all {
            break;
        }
    }
    results
}
