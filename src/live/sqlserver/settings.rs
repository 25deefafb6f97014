//! How to reach the SQL Server of Live.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::Deserialize;

/// Where the SQL Server of Live is and how to log in. `Debug` does not show the password.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlServerSettings {
    /// Name or address of the server. TCP only.
    pub host: String,
    /// TCP port. Without one, `instance` is looked up; without an instance it is 1433.
    #[serde(default)]
    pub port: Option<u16>,
    /// Named instance, the part after `\` in `SERVER\LIVE`. Its port is asked of SQL Server Browser (UDP 1434),
    /// unless `port` is given.
    #[serde(default)]
    pub instance: Option<String>,
    /// Database of Live.
    pub database: String,
    /// SQL Server login. Windows logins are not supported.
    pub user: String,
    /// Password of the login. Never read from the file as it is: the configuration resolves it from the
    /// environment or from a file of its own.
    #[serde(skip)]
    pub password: Option<SecretString>,
    /// What is encrypted, and what of the server's certificate is checked.
    #[serde(default)]
    pub tls: SqlServerTls,
    /// PEM file with the certificate authorities that may have signed the server's certificate, or with the
    /// server's own (self-signed) certificate. Without it, `verify-full` trusts what this machine trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Host name in the certificate, where it is not `host`: behind a tunnel or an address.
    #[serde(default)]
    pub hostname_in_certificate: Option<String>,
    /// Longest time to wait for name resolution, TCP, TLS and login together, in seconds.
    #[serde(default = "default_connect_timeout_seconds")]
    pub connect_timeout_seconds: u32,
    /// Longest silence of the server while it owes an answer, in seconds. A statement may take longer, as long as
    /// rows keep coming.
    #[serde(default = "default_command_timeout_seconds")]
    pub command_timeout_seconds: u32,
    /// IANA name of the zone that the server's `datetime` and `datetime2` columns are in: they hold local time.
    #[serde(default)]
    pub timezone: Zone,
    /// Name under which the connections appear in `sys.dm_exec_sessions`.
    #[serde(default = "default_application_name")]
    pub application_name: String,
}

/// Encryption of the connection ([MS-TDS], "PRELOGIN"). TDS before 8.0 speaks TLS 1.2 at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SqlServerTls {
    /// No TLS at all. Only for servers that speak nothing newer than TLS 1.1: the password is merely obfuscated, and
    /// whoever can listen can read it.
    Disable,
    /// TLS for the login, so that the password is protected; everything after it in clear. The certificate is
    /// checked only against `ca_file`.
    Login,
    /// Encrypt everything or fail. Host name not checked; the certificate is checked only against `ca_file`.
    #[default]
    Require,
    /// Encrypt everything or fail; certificate and host name must be right.
    VerifyFull,
}

impl fmt::Display for SqlServerTls {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Login => "login",
            Self::Require => "require",
            Self::VerifyFull => "verify-full",
        })
    }
}

/// A time zone of the IANA database, which is inside the binary: Windows has none of its own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(TimeZone);

/// A name that no time zone has.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is no time zone; write an IANA name such as America/Sao_Paulo or America/Manaus")]
pub struct UnknownZone(String);

impl Zone {
    /// # Errors
    /// When the IANA database has no such zone.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        TimeZone::get(name).map(Self).map_err(|_| UnknownZone(name.to_owned()))
    }

    pub(crate) const fn rules(&self) -> &TimeZone {
        &self.0
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        Self::named(&name)
    }
}

impl Default for Zone {
    /// Where most of Live's customers are.
    fn default() -> Self {
        Self::named("America/Sao_Paulo").expect("the bundled time zones include São Paulo")
    }
}

impl SqlServerSettings {
    /// Settings with the defaults of everything that has one.
    pub fn new(host: impl Into<String>, database: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            instance: None,
            database: database.into(),
            user: user.into(),
            password: None,
            tls: SqlServerTls::default(),
            ca_file: None,
            hostname_in_certificate: None,
            connect_timeout_seconds: default_connect_timeout_seconds(),
            command_timeout_seconds: default_command_timeout_seconds(),
            timezone: Zone::default(),
            application_name: default_application_name(),
        }
    }

    /// The server as administrators write it: `host,port` or `host\instance`.
    pub fn address(&self) -> String {
        match (self.port, &self.instance) {
            (None, Some(instance)) => format!("{}\\{instance}", self.host),
            (port, _) => format!("{},{}", self.host, port.unwrap_or(DEFAULT_PORT)),
        }
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.connect_timeout_seconds.max(1)))
    }

    pub(super) fn command_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.command_timeout_seconds.max(1)))
    }
}

/// The port Microsoft registered with IANA.
pub(super) const DEFAULT_PORT: u16 = 1433;

/// Long enough for a server under load across a VPN, short enough for a restart loop to be noticed.
const fn default_connect_timeout_seconds() -> u32 {
    10
}

/// What ADO.NET waits, so that we are not the first to give up on a busy server.
const fn default_command_timeout_seconds() -> u32 {
    30
}

fn default_application_name() -> String {
    "mare".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_are_enough_and_a_typing_error_is_found() {
        let text = "host = 'db'\ndatabase = 'live'\nuser = 'mare'\n";
        let settings: SqlServerSettings = toml::from_str(text).unwrap();
        assert_eq!((settings.tls, settings.address()), (SqlServerTls::Require, "db,1433".to_owned()));
        assert_eq!(settings.timezone, Zone::named("America/Sao_Paulo").unwrap());
        let named: SqlServerSettings =
            toml::from_str(&format!("{text}instance = 'LIVE'\ntls = 'verify-full'")).unwrap();
        assert_eq!((named.tls, named.address()), (SqlServerTls::VerifyFull, "db\\LIVE".to_owned()));
        for wrong in ["prot = 1433", "tls = 'verify'", "password = 'x'", "timezone = 'Brasilia'"] {
            assert!(toml::from_str::<SqlServerSettings>(&format!("{text}{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_password_is_not_in_debug() {
        let mut settings = SqlServerSettings::new("db", "live", "mare");
        settings.password = Some("s3cret".into());
        assert!(!format!("{settings:?}").contains("s3cret"));
    }
}
