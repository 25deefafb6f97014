//! `[[source]]`: the databases of Live.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::core::poll::PollLimits;
use crate::core::versions::CompareSchedule;
use crate::live::PostgresSettings;
use crate::live::sqlserver::SqlServerSettings;
use crate::mapping::config::MappingConfig;
use crate::source::changelog::form::Form;
use crate::source::changelog::postgres::layout::TableLayout;

use super::secret::{SecretError, SecretSource};

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
    /// Without a slot: milliseconds between two looks at Live under load, 5 to 60,000. Default: 20 with triggers, 100 with
    /// the other two.
    pub poll_min_ms: Option<u64>,
    /// Without a slot: the same when nothing happens, 5 to 60,000. Default: 1,000.
    #[serde(default = "poll_max_ms")]
    pub poll_max_ms: u64,
    /// With `tracking` and `rowversion`: the hour of Live's day, 0 to 23, at which everything is compared although
    /// nothing is known to be missing. Default: 3 with `rowversion`, which cannot see deletes; never with `tracking`.
    pub compare_at_hour: Option<i8>,
    /// The same so many hours after the last time, 1 to 720, instead of once a day.
    pub compare_every_hours: Option<u16>,
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

/// How a database of Live is reached.
#[derive(Debug, Clone)]
pub enum Live {
    Postgres(PostgresSettings),
    SqlServer(SqlServerSettings),
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
    /// When everything is compared although nothing is known to be missing.
    pub compare: Option<CompareSchedule>,
    /// The way to it, without the password: see [`Source::password`].
    pub live: Live,
    password: Option<SecretSource>,
}

pub(super) fn check_sources(sources: &[SourceSection]) -> Vec<String> {
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
        let obstacles = capture_obstacle(source).into_iter().chain(compare_obstacle(source));
        findings.extend(obstacles.map(|obstacle| format!("source {name}: {obstacle}")));
        let poll_min_ms = source.poll_min_ms();
        if poll_min_ms > source.poll_max_ms {
            findings.push(format!(
                "source {name}: poll_min_ms = {poll_min_ms} is above poll_max_ms = {}",
                source.poll_max_ms
            ));
        }
        let ranges = [
            ("poll_min_ms", poll_min_ms as f64, 5.0, 60_000.0),
            ("poll_max_ms", source.poll_max_ms as f64, 5.0, 60_000.0),
            ("heartbeat_seconds", source.heartbeat_seconds as f64, 1.0, 3600.0),
            ("memory_mib", source.memory_mib as f64, 8.0, 4096.0),
            ("chunk_rows", source.chunk_rows as f64, 10.0, 100_000.0),
            ("load_share", source.load_share, 0.01, 1.0),
            ("compare_at_hour", source.compare_at_hour.unwrap_or(0).into(), 0.0, 23.0),
            ("compare_every_hours", source.compare_every_hours.unwrap_or(1).into(), 1.0, 720.0),
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
    let mode = source.mode();
    match (source.engine, mode) {
        (Engine::SqlServer, CaptureMode::Slot) => Some(
            "capture = \"slot\" is Postgres's: SQL Server has \"triggers\", \"tracking\" and \"rowversion\""
                .to_owned(),
        ),
        (Engine::Postgres, CaptureMode::Tracking | CaptureMode::Rowversion) => Some(format!(
            "capture = \"{}\" is SQL Server's: Postgres has \"slot\" and \"triggers\"",
            mode.name()
        )),
        (_, CaptureMode::Slot | CaptureMode::Tracking | CaptureMode::Rowversion)
            if source.form == Form::Key =>
        {
            Some("form = \"key\" goes with capture = \"triggers\"".to_owned())
        }
        _ => None,
    }
}

/// What stands against comparing by schedule.
fn compare_obstacle(source: &SourceSection) -> Option<String> {
    let by_hour = source.compare_at_hour.map(|_| "compare_at_hour");
    let by_interval = source.compare_every_hours.map(|_| "compare_every_hours");
    match (by_hour, by_interval) {
        (Some(_), Some(_)) => Some("compare_at_hour and compare_every_hours: give one of them".to_owned()),
        (field, other) => {
            let field = field.or(other)?;
            let needless = matches!(source.mode(), CaptureMode::Slot | CaptureMode::Triggers);
            needless.then(|| format!("{field} goes with capture = \"rowversion\" or \"tracking\""))
        }
    }
}

impl SourceSection {
    fn mode(&self) -> CaptureMode {
        self.capture.unwrap_or(CaptureMode::default_of(self.engine))
    }

    fn poll_min_ms(&self) -> u64 {
        self.poll_min_ms.unwrap_or(match self.mode() {
            CaptureMode::Slot | CaptureMode::Triggers => 20,
            CaptureMode::Tracking | CaptureMode::Rowversion => 100,
        })
    }

    fn compare(&self, live: &Live) -> Option<CompareSchedule> {
        let Live::SqlServer(settings) = live else { return None };
        let daily = |hour| CompareSchedule::DailyAt { hour, zone: settings.timezone.rules().clone() };
        match (self.compare_every_hours, self.compare_at_hour) {
            (Some(hours), _) => Some(CompareSchedule::EveryHours(hours)),
            (None, Some(hour)) => Some(daily(hour)),
            // The night is when comparing disturbs least.
            (None, None) => (self.mode() == CaptureMode::Rowversion).then(|| daily(3)),
        }
    }
}

impl Source {
    pub(super) fn resolve(raw: SourceSection) -> Result<Self, toml::de::Error> {
        let live = match raw.engine {
            Engine::Postgres => Live::Postgres(raw.connection.clone().try_into()?),
            Engine::SqlServer => Live::SqlServer(raw.connection.clone().try_into()?),
        };
        Ok(Self {
            capture: raw.mode(),
            poll: PollLimits {
                min: Duration::from_millis(raw.poll_min_ms()),
                max: Duration::from_millis(raw.poll_max_ms),
            },
            compare: raw.compare(&live),
            live,
            name: Arc::from(raw.name),
            form: raw.form,
            slot: raw.slot,
            publication: raw.publication,
            heartbeat: Duration::from_secs(raw.heartbeat_seconds),
            memory_bytes: raw.memory_mib << 20,
            chunk_rows: raw.chunk_rows,
            load_share: raw.load_share,
            password: raw.password,
        })
    }

    /// With triggers in Postgres: the captured tables with their change tables.
    pub fn layouts(&self, mapping: &MappingConfig) -> Vec<TableLayout> {
        TableLayout::all(mapping.captured(), self.form)
    }

    /// The login's password, read now: it may be rotated. Without a `password` setting, `MARE_DB_PASSWORD` is used if it
    /// is set.
    ///
    /// # Errors
    /// When the named variable or file is missing.
    pub fn password(&self) -> Result<Option<SecretString>, SecretError> {
        let what = format!("password of source {}", self.name);
        match &self.password {
            Some(source) => source.read(&what).map(Some),
            None => Ok(SecretSource::Env("MARE_DB_PASSWORD".to_owned()).read(&what).ok()),
        }
    }

    /// The login that the service uses.
    pub fn user(&self) -> &str {
        match &self.live {
            Live::Postgres(settings) => &settings.user,
            Live::SqlServer(settings) => &settings.user,
        }
    }

    /// The way to Live with the password of the moment.
    ///
    /// # Errors
    /// As [`Source::password`].
    pub fn login(&self) -> Result<Live, SecretError> {
        let password = self.password()?;
        let mut live = self.live.clone();
        match &mut live {
            Live::Postgres(settings) => settings.password = password,
            Live::SqlServer(settings) => settings.password = password,
        }
        Ok(live)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, ConfigError};
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
    fn sql_server_has_its_own_defaults_and_settings() {
        let config = parse("engine = 'sqlserver'\ninstance = 'LIVE'").unwrap();
        let source = &config.sources[0];
        assert_eq!((source.capture, source.compare.is_none()), (CaptureMode::Triggers, true));
        let Live::SqlServer(settings) = &source.live else { panic!("{:?}", source.live) };
        assert_eq!(settings.address(), "h\\LIVE");
        let polling = parse("engine = 'sqlserver'\ncapture = 'rowversion'").unwrap();
        let source = &polling.sources[0];
        assert_eq!(source.poll.min.as_millis(), 100);
        assert!(matches!(source.compare, Some(CompareSchedule::DailyAt { hour: 3, .. })));
        let hours = parse("engine = 'sqlserver'\ncapture = 'tracking'\ncompare_every_hours = 6").unwrap();
        assert_eq!(hours.sources[0].compare, Some(CompareSchedule::EveryHours(6)));
    }

    #[test]
    fn what_cannot_be_captured_is_said_with_the_way_out() {
        // source, in the finding
        let table = [
            ("engine = 'sqlserver'\ncapture = 'slot'", "SQL Server has \"triggers\""),
            ("capture = 'tracking'", "Postgres has \"slot\" and \"triggers\""),
            ("capture = 'rowversion'", "Postgres has \"slot\" and \"triggers\""),
            ("form = 'key'", "goes with capture = \"triggers\""),
            ("engine = 'sqlserver'\ncapture = 'tracking'\nform = 'key'", "goes with capture = \"triggers\""),
            ("engine = 'sqlserver'\ncompare_at_hour = 4", "goes with capture = \"rowversion\""),
            (
                "engine = 'sqlserver'\ncapture = 'rowversion'\ncompare_at_hour = 4\ncompare_every_hours = 6",
                "give one of them",
            ),
            ("engine = 'sqlserver'\ncapture = 'rowversion'\ncompare_at_hour = 24", "outside 0 to 23"),
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
