//! Whether the server can be reached, and what the connection is worth.

use crate::live::sqlserver::{
    ConnectError, Connection, LevelResult, SqlError, SqlServerSettings, SqlServerTls, probe_levels,
};
use crate::source::finding::Finding;

use super::super::session::connection;

/// Connects.
///
/// # Errors
/// The findings, when there is no connection.
pub(super) async fn reach(settings: &SqlServerSettings) -> Result<(Connection, Vec<Finding>), Vec<Finding>> {
    let connection = connection(settings.clone(), "");
    match connection.session().await {
        Ok(_) => {
            let weak = matches!(settings.tls, SqlServerTls::Disable | SqlServerTls::Login);
            let tried = if weak { probe_levels(settings, false).await } else { Vec::new() };
            let reached = Finding::ok("live", format!("{} answers", settings.address()));
            Ok((connection, vec![reached, encryption(settings, &tried)]))
        }
        Err(SqlError::Connect(error)) if is_about_encryption(&error) => {
            let tried = probe_levels(settings, false).await;
            Err(vec![not_encrypted(settings, &error, &tried)])
        }
        Err(SqlError::Connect(error)) => {
            Err(vec![Finding::error("live", error.to_string(), remedy(&error, &settings.user))])
        }
        Err(error) => Err(vec![Finding::error("live", error.to_string(), "see the log of the server")]),
    }
}

const fn is_about_encryption(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::Tls(_) | ConnectError::EncryptionNotOffered | ConnectError::EncryptionRequired
    )
}

fn remedy(error: &ConnectError, user: &str) -> String {
    match error {
        ConnectError::WrongPassword { .. } => {
            format!(
                "`mare install` makes login {user} if there is none; else correct its password in [[source]]"
            )
        }
        ConnectError::NoDatabase { .. } => format!(
            "correct `database`, or run `mare install`; of a database that was restored from another server, the user must be \
             tied to its login again: ALTER USER [{user}] WITH LOGIN = [{user}]"
        ),
        ConnectError::PasswordMissing { .. } => {
            "set MARE_DB_PASSWORD, or `password` in [[source]]".to_owned()
        }
        _ => "correct [[source]], or the server".to_owned(),
    }
}

/// What of a working connection others could read. `tried`: every level, where it is a weak one.
fn encryption(settings: &SqlServerSettings, tried: &[LevelResult]) -> Finding {
    let better = tried.iter().find(|result| {
        result.outcome.is_ok() && !matches!(result.tls, SqlServerTls::Disable) && result.tls != settings.tls
    });
    let remedy = match better {
        Some(LevelResult { tls, .. }) => format!("set tls = \"{tls}\", which works"),
        None => format!(
            "update the server so that it speaks TLS 1.2, or lead the connection through a tunnel or VPN; {}",
            why_not(tried)
        ),
    };
    match settings.tls {
        SqlServerTls::Disable => Finding::warning(
            "encryption",
            "NOTHING IS ENCRYPTED (tls = \"disable\"): whoever can listen on the network can read the password of the database \
             and every row",
            remedy,
        ),
        SqlServerTls::Login => Finding::warning(
            "encryption",
            "only the login is encrypted (tls = \"login\"): rows travel in clear",
            remedy,
        ),
        SqlServerTls::Require if settings.ca_file.is_none() => Finding::ok(
            "encryption",
            "everything is encrypted; that it is the right server is not checked (ca_file, or tls = \"verify-full\")",
        ),
        SqlServerTls::Require => {
            Finding::ok("encryption", "everything is encrypted, and the certificate is checked")
        }
        SqlServerTls::VerifyFull => {
            Finding::ok("encryption", "everything is encrypted, and certificate and host name are checked")
        }
    }
}

/// The configured level does not work; which one does?
fn not_encrypted(settings: &SqlServerSettings, error: &ConnectError, tried: &[LevelResult]) -> Finding {
    let message = format!("tls = \"{}\" does not work: {error}", settings.tls);
    let works = tried.iter().find(|result| result.outcome.is_ok());
    let remedy = match works {
        Some(LevelResult { tls, .. }) => {
            let why_not = why_not(tried);
            let why_not = if why_not.is_empty() { why_not } else { format!(" ({why_not})") };
            format!("set tls = \"{tls}\", which works{why_not}")
        }
        None => format!(
            "no level of encryption works ({}); tls = \"disable\" was not tried, because it shows the password to whoever can \
             listen",
            why_not(tried)
        ),
    };
    Finding::error("encryption", message, remedy)
}

fn why_not(tried: &[LevelResult]) -> String {
    let refused =
        tried.iter().filter_map(|result| Some(format!("{}: {}", result.tls, result.outcome.as_ref().err()?)));
    refused.collect::<Vec<_>>().join("; ")
}
