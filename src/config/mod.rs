//! The configuration: one TOML file, secrets from elsewhere.
//!
//! Three stages: the file as written ([`File`]), resolved and validated ([`Config`]), and what may change
//! while the service runs (`Tuning`). Unknown fields are errors: a misspelt setting must not pass for a
//! default.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::core::dispatch::Tuning;
use crate::core::poll::PollLimits;
use crate::live::PostgresSettings;
use crate::mapping::config::MappingConfig;
use crate::source::changelog::postgres::layout::{Form, TableLayout};
use crate::telemetry::logs::LogFormat;
use crate::vtex::{Credentials, VtexSettings};

pub mod secret;

use secret::{SecretError, SecretSource};

/// The file as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Folder of the ledger. Default: `mare-state` beside the configuration file.
    pub state_dir: Option<PathBuf>,
    pub vtex: VtexSection,
    /// Databases of Live, at least one.
    #[serde(default, rename = "source")]
    pub sources: Vec<SourceSection>,
    pub mapping: MappingConfig,
    #[serde(default)]
    pub tuning: Tuning,
    #[serde(default)]
    pub admin: AdminSection,
    #[serde(default)]
    pub log: LogSection,
}

/// `[vtex]`
/// Fields that are not named here belong to the connection, which refuses what it does not know.
#[derive(Debug, Clone, Deserialize)]
pub struct VtexSection {
    /// Where the app key comes from. Default: `env:MARE_VTEX_APP_KEY`.
    #[serde(default = "app_key")]
    pub app_key: SecretSource,
    /// Where the app token comes from. Default: `env:MARE_VTEX_APP_TOKEN`.
    #[serde(default = "app_token")]
    pub app_token: SecretSource,
    /// A second token that is valid while the first is being renewed.
    pub other_app_token: Option<SecretSource>,
    #[serde(flatten)]
    pub settings: toml::Table,
}

fn app_key() -> SecretSource {
    SecretSource::Env("MARE_VTEX_APP_KEY".to_owned())
}

fn app_token() -> SecretSource {
    SecretSource::Env("MARE_VTEX_APP_TOKEN".to_owned())
}

/// `[[source]]`
/// Fields that are not named here belong to the connection, which refuses what it does not know.
#[derive(Debug, Clone, Deserialize)]
pub struct SourceSection {
    /// A short name, used in metrics, logs and the ledger. Default: `live`.
    #[serde(default = "source_name")]
    pub name: String,
    /// Where the password comes from. Default: `env:MARE_DB_PASSWORD`; none where the server asks for none.
    pub password: Option<SecretSource>,
    /// What Live runs on. Default: `postgres`.
    #[serde(default)]
    pub engine: Engine,
    /// How changes are captured. Default: `slot` for Postgres, `triggers` for SQL Server.
    pub capture: Option<CaptureMode>,
    /// With triggers: `row` or `key`. Default: `row`.
    #[serde(default)]
    pub form: Form,
    /// With triggers: milliseconds between two looks at the change tables under load, 5 to 60,000. Default: 20.
    #[serde(default = "poll_min_ms")]
    pub poll_min_ms: u64,
    /// With triggers: the same when nothing happens, 5 to 60,000. Default: 1,000.
    #[serde(default = "poll_max_ms")]
    pub poll_max_ms: u64,
    /// Replication slot. Default: `mare`.
    #[serde(default = "mare")]
    pub slot: String,
    /// Publication. Default: `mare`.
    #[serde(default = "mare")]
    pub publication: String,
    /// Seconds between two heartbeats through the WAL, or between two looks at the triggers, 1 to 3600.
    /// Default: 10.
    #[serde(default = "heartbeat_seconds")]
    pub heartbeat_seconds: u64,
    /// Memory for changes on their way to the ledger, in MiB, 8 to 4096; a larger transaction is spilled
    /// to disk. Default: 64.
    #[serde(default = "memory_mib")]
    pub memory_mib: usize,
    /// Rows per chunk of the first load and of reconcile, 10 to 100,000. Default: 2,000.
    #[serde(default = "chunk_rows")]
    pub chunk_rows: usize,
    /// Share of the time that loading may keep Live busy, 0.01 to 1. Default: 0.5.
    #[serde(default = "load_share")]
    pub load_share: f64,
    #[serde(flatten)]
    pub connection: toml::Table,
}

/// `engine`: what Live runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    #[default]
    Postgres,
    SqlServer,
}

/// `capture`: how changes are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureMode {
    /// A logical replication slot (Postgres).
    Slot,
    /// Change tables that triggers fill.
    Triggers,
    /// Change Tracking (SQL Server).
    Tracking,
    /// A `rowversion` column of the shop's own (SQL Server).
    Rowversion,
}

impl CaptureMode {
    const fn default_of(engine: Engine) -> Self {
        match engine {
            Engine::Postgres => Self::Slot,
            Engine::SqlServer => Self::Triggers,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::Triggers => "triggers",
            Self::Tracking => "tracking",
            Self::Rowversion => "rowversion",
        }
    }
}

fn source_name() -> String {
    "live".to_owned()
}
fn mare() -> String {
    "mare".to_owned()
}
const fn poll_min_ms() -> u64 {
    20
}
const fn poll_max_ms() -> u64 {
    1_000
}
const fn heartbeat_seconds() -> u64 {
    10
}
const fn memory_mib() -> usize {
    64
}
const fn chunk_rows() -> usize {
    2_000
}
const fn load_share() -> f64 {
    0.5
}

/// `[admin]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSection {
    /// Address of metrics, health and control. Default: `127.0.0.1:9187`.
    pub listen: SocketAddr,
    /// Needed by every request when `listen` is not a loopback address.
    pub token: Option<SecretSource>,
}

impl Default for AdminSection {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9187)), token: None }
    }
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// `human` or `json`. Default: `human`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`. Default: `info`.
    pub level: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { format: LogFormat::Human, level: "info".to_owned() }
    }
}

/// The configuration, resolved and validated.
#[derive(Debug, Clone)]
pub struct Config {
    pub path: PathBuf,
    pub state_dir: PathBuf,
    pub vtex: VtexSettings,
    pub sources: Vec<Source>,
    pub mapping: Arc<MappingConfig>,
    pub tuning: Tuning,
    pub admin: Admin,
    pub log: LogSection,
    secrets: VtexSecrets,
}

#[derive(Debug, Clone)]
struct VtexSecrets {
    key: SecretSource,
    token: SecretSource,
    other_token: Option<SecretSource>,
}

/// One database of Live.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: Arc<str>,
    pub capture: CaptureMode,
    pub form: Form,
    pub poll: PollLimits,
    pub slot: String,
    pub publication: String,
    pub heartbeat: Duration,
    pub memory_bytes: usize,
    pub chunk_rows: usize,
    pub load_share: f64,
    pub connection: PostgresSettings,
    password: Option<SecretSource>,
}

/// Where the admin endpoints listen and who may use them.
#[derive(Debug, Clone)]
pub struct Admin {
    pub listen: SocketAddr,
    pub token: Option<SecretString>,
}

/// A configuration that cannot be used. Names the file, the place and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {error}\n  name another file with --config or MARE_CONFIG", path.display())]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{}: {error}", path.display())]
    Parse { path: PathBuf, error: toml::de::Error },
    #[error("{}: [{section}]: {error}", path.display())]
    Section { path: PathBuf, section: String, error: toml::de::Error },
    #[error("{} cannot be used:\n  - {}", path.display(), findings.join("\n  - "))]
    Invalid { path: PathBuf, findings: Vec<String> },
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Config {
    /// Reads, resolves and validates the file. Secrets of VTEX and of Live are read when they are needed.
    ///
    /// # Errors
    /// All findings at once, each with what to write instead.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Read { path: path.to_owned(), error })?;
        Self::parse(&text, path)
    }

    /// As [`Config::load`], from text; `path` is for messages and relative paths.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let file: File =
            toml::from_str(text).map_err(|error| ConfigError::Parse { path: path.to_owned(), error })?;
        let section = |name: &str, error| ConfigError::Section {
            path: path.to_owned(),
            section: name.to_owned(),
            error,
        };
        let mut findings = file.mapping.validate();
        findings.extend(file.tuning.validate().err().map(|error| format!("[tuning]: {error}")));
        findings.extend(check_sources(&file.sources));
        let token = match &file.admin.token {
            Some(source) => Some(source.read("admin.token")?),
            None => None,
        };
        if !file.admin.listen.ip().is_loopback() && token.is_none() {
            findings.push(format!(
                "admin.listen = \"{}\" can be reached from outside: set admin.token = \"env:MARE_ADMIN_TOKEN\", \
                 or listen on 127.0.0.1",
                file.admin.listen
            ));
        }
        if !findings.is_empty() {
            return Err(ConfigError::Invalid { path: path.to_owned(), findings });
        }
        let vtex: VtexSettings = file.vtex.settings.try_into().map_err(|error| section("vtex", error))?;
        let sources = file
            .sources
            .into_iter()
            .map(|raw| {
                let name = format!("source {}", raw.name);
                Source::resolve(raw).map_err(|error| section(&name, error))
            })
            .collect::<Result<_, _>>()?;
        let beside = path.parent().unwrap_or_else(|| Path::new("."));
        Ok(Self {
            path: path.to_owned(),
            state_dir: beside.join(file.state_dir.unwrap_or_else(|| PathBuf::from("mare-state"))),
            vtex,
            sources,
            mapping: Arc::new(file.mapping),
            tuning: file.tuning,
            admin: Admin { listen: file.admin.listen, token },
            log: file.log,
            secrets: VtexSecrets {
                key: file.vtex.app_key,
                token: file.vtex.app_token,
                other_token: file.vtex.other_app_token,
            },
        })
    }

    /// Reads VTEX's credentials now: at the start, and again after a rotation.
    ///
    /// # Errors
    /// When one of them is missing.
    pub fn credentials(&self) -> Result<Credentials, SecretError> {
        let credentials = Credentials::new(
            self.secrets.key.read("vtex.app_key")?,
            self.secrets.token.read("vtex.app_token")?,
        );
        Ok(match &self.secrets.other_token {
            Some(token) => credentials.with_previous_token(token.read("vtex.other_app_token")?),
            None => credentials,
        })
    }
}

fn check_sources(sources: &[SourceSection]) -> Vec<String> {
    let mut findings = Vec::new();
    if sources.is_empty() {
        findings.push("no [[source]]: name the database of Live (host, database, user)".to_owned());
    }
    let mut names = HashSet::new();
    for source in sources {
        let name = &source.name;
        if !names.insert(name) {
            findings.push(format!("two sources are named \"{name}\": give each [[source]] its own name"));
        }
        for (field, text) in [("slot", &source.slot), ("publication", &source.publication)] {
            let valid = !text.is_empty()
                && text.len() <= 63
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if !valid {
                findings.push(format!(
                    "source {name}: {field} = \"{text}\" must be 1 to 63 of a-z, 0-9 and _ (Postgres's rule for slots)"
                ));
            }
        }
        findings.extend(capture_obstacle(source).map(|obstacle| format!("source {name}: {obstacle}")));
        if source.poll_min_ms > source.poll_max_ms {
            findings.push(format!(
                "source {name}: poll_min_ms = {} is above poll_max_ms = {}",
                source.poll_min_ms, source.poll_max_ms
            ));
        }
        let ranges = [
            ("poll_min_ms", source.poll_min_ms as f64, 5.0, 60_000.0),
            ("poll_max_ms", source.poll_max_ms as f64, 5.0, 60_000.0),
            ("heartbeat_seconds", source.heartbeat_seconds as f64, 1.0, 3600.0),
            ("memory_mib", source.memory_mib as f64, 8.0, 4096.0),
            ("chunk_rows", source.chunk_rows as f64, 10.0, 100_000.0),
            ("load_share", source.load_share, 0.01, 1.0),
        ];
        for (field, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                findings.push(format!("source {name}: {field} = {value} is outside {least} to {most}"));
            }
        }
    }
    findings
}

/// What stands against capturing this way.
fn capture_obstacle(source: &SourceSection) -> Option<String> {
    let mode = source.capture.unwrap_or(CaptureMode::default_of(source.engine));
    match (source.engine, mode) {
        (Engine::SqlServer, CaptureMode::Slot) => Some(
            "capture = \"slot\" is Postgres's: SQL Server has \"triggers\", \"tracking\" and \"rowversion\""
                .to_owned(),
        ),
        (Engine::SqlServer, _) => {
            Some("engine = \"sqlserver\" cannot be used yet: this version reads Postgres only".to_owned())
        }
        (Engine::Postgres, CaptureMode::Tracking | CaptureMode::Rowversion) => Some(format!(
            "capture = \"{}\" is SQL Server's: Postgres has \"slot\" and \"triggers\"",
            mode.name()
        )),
        (Engine::Postgres, CaptureMode::Slot) if source.form == Form::Key => {
            Some("form = \"key\" goes with capture = \"triggers\"".to_owned())
        }
        (Engine::Postgres, CaptureMode::Slot | CaptureMode::Triggers) => None,
    }
}

impl Source {
    fn resolve(raw: SourceSection) -> Result<Self, toml::de::Error> {
        Ok(Self {
            name: Arc::from(raw.name),
            capture: raw.capture.unwrap_or(CaptureMode::default_of(raw.engine)),
            form: raw.form,
            poll: PollLimits {
                min: Duration::from_millis(raw.poll_min_ms),
                max: Duration::from_millis(raw.poll_max_ms),
            },
            slot: raw.slot,
            publication: raw.publication,
            heartbeat: Duration::from_secs(raw.heartbeat_seconds),
            memory_bytes: raw.memory_mib << 20,
            chunk_rows: raw.chunk_rows,
            load_share: raw.load_share,
            connection: raw.connection.try_into()?,
            password: raw.password,
        })
    }

    /// With triggers: the captured tables with their change tables.
    pub fn layouts(&self, mapping: &MappingConfig) -> Vec<TableLayout> {
        TableLayout::all(mapping.captured(), self.form)
    }

    /// The connection settings with the password read now. Without a `password` setting,
    /// `MARE_DB_PASSWORD` is used if it is set.
    ///
    /// # Errors
    /// When the named variable or file is missing.
    pub fn connection(&self) -> Result<PostgresSettings, SecretError> {
        let what = format!("password of source {}", self.name);
        let password = match &self.password {
            Some(source) => Some(source.read(&what)?),
            None => SecretSource::Env("MARE_DB_PASSWORD".to_owned()).read(&what).ok(),
        };
        Ok(PostgresSettings { password, ..self.connection.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(source: &str) -> Result<Config, ConfigError> {
        let text = format!(
            "[vtex]\naccount = 'a'\n[[source]]\nhost = 'h'\ndatabase = 'd'\nuser = 'u'\n{source}\n\
             [mapping]\n[[mapping.stores]]\nloja = '1'\nwarehouse = 'w'\n\
             [[mapping.prices]]\ntabela = 'V'\nas = 'base'\n"
        );
        Config::parse(&text, Path::new("mare.toml"))
    }

    #[test]
    fn a_slot_is_the_default_of_postgres() {
        let config = parse("").unwrap();
        assert_eq!(config.sources[0].capture, CaptureMode::Slot);
        let triggers = parse("capture = 'triggers'\nform = 'key'\npoll_max_ms = 250").unwrap();
        let source = &triggers.sources[0];
        assert_eq!((source.capture, source.form), (CaptureMode::Triggers, Form::Key));
        assert_eq!((source.poll.min.as_millis(), source.poll.max.as_millis()), (20, 250));
    }

    #[test]
    fn what_cannot_be_captured_is_said_with_the_way_out() {
        // source, in the finding
        let table = [
            ("engine = 'sqlserver'", "cannot be used yet"),
            ("engine = 'sqlserver'\ncapture = 'tracking'", "cannot be used yet"),
            ("engine = 'sqlserver'\ncapture = 'slot'", "SQL Server has \"triggers\""),
            ("capture = 'tracking'", "Postgres has \"slot\" and \"triggers\""),
            ("capture = 'rowversion'", "Postgres has \"slot\" and \"triggers\""),
            ("form = 'key'", "goes with capture = \"triggers\""),
            ("capture = 'triggers'\npoll_min_ms = 500\npoll_max_ms = 100", "is above poll_max_ms"),
            ("capture = 'triggers'\npoll_min_ms = 1", "outside 5 to"),
        ];
        for (source, finding) in table {
            let error = parse(source).unwrap_err().to_string();
            assert!(error.contains(finding), "{source}: {error}");
        }
        assert!(parse("capture = 'polling'").is_err());
    }
}
