//! How to reach the Postgres of Live.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// Where the Postgres of Live is and how to log in. `Debug` does not show the password.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// Name or address of the server. TCP only.
    pub host: String,
    /// TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Database of Live.
    pub database: String,
    /// Role to log in as. It needs LOGIN and REPLICATION, and SELECT on the mapped tables.
    pub user: String,
    /// Password of the role; absent where the server trusts this machine. Never read from the file as it
    /// is: the configuration resolves it from the environment or from a file of its own.
    #[serde(skip)]
    pub password: Option<SecretString>,
    /// Whether the connection is encrypted and what of the server's certificate is checked.
    #[serde(default)]
    pub tls: TlsMode,
    /// PEM file with the certificate authorities that may have signed the server's certificate, or with the
    /// server's own certificate. Without it, `verify-full` trusts what this machine trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Longest time to wait for name resolution, TCP, TLS and login together, in seconds.
    #[serde(default = "default_connect_timeout_seconds")]
    pub connect_timeout_seconds: u32,
    /// Name under which the connections appear in `pg_stat_activity`.
    #[serde(default = "default_application_name")]
    pub application_name: String,
}

/// Encryption of the connection, as in libpq's `sslmode` (Postgres manual, "SSL Support").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Never encrypt.
    Disable,
    /// Encrypt if the server can, else go on in clear. The certificate is checked only against `ca_file`.
    #[default]
    Prefer,
    /// Encrypt or fail. Host name not checked; the certificate is checked only against `ca_file`.
    Require,
    /// Encrypt or fail; certificate and host name must be right.
    VerifyFull,
}

impl PostgresSettings {
    /// Settings with the defaults of everything that has one.
    pub fn new(host: impl Into<String>, database: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: default_port(),
            database: database.into(),
            user: user.into(),
            password: None,
            tls: TlsMode::default(),
            ca_file: None,
            connect_timeout_seconds: default_connect_timeout_seconds(),
            application_name: default_application_name(),
        }
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.connect_timeout_seconds.max(1)))
    }
}

/// The port Postgres registered with IANA.
const fn default_port() -> u16 {
    5432
}

/// Long enough for a server under load across a VPN, short enough for a restart loop to be noticed.
const fn default_connect_timeout_seconds() -> u32 {
    10
}

fn default_application_name() -> String {
    "mare".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lines_are_enough_and_a_typing_error_is_found() {
        let text = "host = 'db'\ndatabase = 'live'\nuser = 'mare'\n";
        let settings: PostgresSettings = toml::from_str(text).unwrap();
        assert_eq!((settings.port, settings.tls), (5432, TlsMode::Prefer));
        let verified: PostgresSettings = toml::from_str(&format!("{text}tls = 'verify-full'")).unwrap();
        assert_eq!(verified.tls, TlsMode::VerifyFull);
        for wrong in ["prot = 5432", "tls = 'verify'", "password = 'x'"] {
            assert!(toml::from_str::<PostgresSettings>(&format!("{text}{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_password_is_not_in_debug() {
        let mut settings = PostgresSettings::new("db", "live", "mare");
        settings.password = Some("s3cret".into());
        assert!(!format!("{settings:?}").contains("s3cret"));
    }
}
