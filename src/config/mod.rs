//! The configuration: one TOML file, secrets from elsewhere.
//!
//! Three stages: the file as written ([`File`]), resolved and validated ([`Config`]), and what may change
//! while the service runs (`Tuning`). Unknown fields are errors: a misspelt setting must not pass for a
//! default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::core::dispatch::Tuning;
use crate::core::entity::Entity;
use crate::inbound::consents::ConsentsConfig;
use crate::live::writer::TableRights;
use crate::mapping::config::{MappingConfig, Role};
use crate::mapping::orders::inbound_config::{InboundConfig, Reserve};
use crate::mapping::orders::written::Written;
use crate::proof::ProofConfig;
use crate::telemetry::logs::LogFormat;
use crate::vtex::{Credentials, VtexSettings};

mod hook;
mod messages;
pub mod secret;
pub mod source;

pub use hook::{Hook, HookSection};
pub use messages::{MessagesSection, WebhookSection};
use secret::{SecretError, SecretSource};
use source::check_sources;
pub use source::{CaptureMode, Engine, Live, Source, SourceSection};

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
    /// Without it no orders are taken in.
    pub orders: Option<OrdersSection>,
    /// Without it customers are told nothing.
    #[serde(default)]
    pub messages: MessagesSection,
    #[serde(default)]
    pub consents: ConsentsConfig,
    #[serde(default)]
    pub proof: ProofConfig,
    #[serde(default)]
    pub tuning: Tuning,
    #[serde(default)]
    pub admin: AdminSection,
    #[serde(default)]
    pub log: LogSection,
}

/// `[orders]`
/// Fields that are not named here are those of [`InboundConfig`], which refuses what it does not know.
#[derive(Debug, Clone, Deserialize)]
pub struct OrdersSection {
    /// Names of tables and columns.
    #[serde(default)]
    pub tables: Written,
    /// Without it VTEX tells of orders by its feed alone.
    pub hook: Option<HookSection>,
    #[serde(flatten)]
    pub rules: toml::Table,
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
    pub orders: Option<Orders>,
    pub messages: MessagesSection,
    pub consents: ConsentsConfig,
    pub proof: ProofConfig,
    pub tuning: Tuning,
    pub admin: Admin,
    pub log: LogSection,
    /// The hash of `[mapping]` as it is written: another one, and what is wanted of a key may be another.
    pub mapping_hash: String,
    secrets: VtexSecrets,
}

/// How orders of VTEX enter Live.
#[derive(Debug, Clone)]
pub struct Orders {
    pub inbound: Arc<InboundConfig>,
    pub written: Arc<Written>,
    pub hook: Option<Hook>,
}

#[derive(Debug, Clone)]
struct VtexSecrets {
    key: SecretSource,
    token: SecretSource,
    other_token: Option<SecretSource>,
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
        let mut file: File =
            toml::from_str(text).map_err(|error| ConfigError::Parse { path: path.to_owned(), error })?;
        let section = |name: &str, error| ConfigError::Section {
            path: path.to_owned(),
            section: name.to_owned(),
            error,
        };
        let mut findings = file.mapping.validate();
        findings.extend(file.consents.validate(&file.mapping));
        findings.extend(file.proof.validate());
        findings.extend(file.tuning.validate().err().map(|error| format!("[tuning]: {error}")));
        findings.extend(check_sources(&file.sources));
        findings.extend(file.messages.validate(file.mapping.has(Entity::Order), file.orders.is_some()));
        let orders = match file.orders {
            Some(OrdersSection { tables, hook, rules }) => {
                let inbound: InboundConfig = rules.try_into().map_err(|error| section("orders", error))?;
                let sources: Vec<String> = file.sources.iter().map(|source| source.name.clone()).collect();
                findings.extend(inbound.validate(&sources));
                let hook = hook.map(HookSection::resolve);
                findings.extend(hook.iter().flat_map(|hook| hook.validate(file.admin.listen)));
                if !file.mapping.has(Entity::Order) {
                    findings.extend(file.mapping.orders.validate());
                }
                let reserves = inbound.reserve != Reserve::None;
                file.mapping.orders.reserves.get_or_insert(reserves);
                Some(Orders { inbound: Arc::new(inbound), written: Arc::new(tables), hook })
            }
            None => None,
        };
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
            orders,
            messages: file.messages,
            consents: file.consents,
            proof: file.proof,
            tuning: file.tuning,
            admin: Admin { listen: file.admin.listen, token },
            log: file.log,
            mapping_hash: mapping_hash(text),
            secrets: VtexSecrets {
                key: file.vtex.app_key,
                token: file.vtex.app_token,
                other_token: file.vtex.other_app_token,
            },
        })
    }

    /// Whether customers are told anything.
    pub fn has_messages(&self) -> bool {
        !self.messages.webhooks.is_empty()
    }

    /// What the login may write in Live, and what it has to read for it; nothing unless something is switched on.
    pub fn rights(&self) -> Vec<TableRights> {
        let mut rights = self.consents.rights(&self.mapping);
        if let Some(orders) = &self.orders {
            rights.extend(crate::orders::rights(&self.mapping, &orders.inbound, &orders.written));
        }
        rights
    }

    /// The tables that are not written into now and may have been before.
    pub fn not_written(&self) -> Vec<String> {
        if self.consents.from_shop || !self.mapping.has(Entity::Consent) {
            return Vec::new();
        }
        let consents = self.mapping.captured_table(Role::Consent);
        vec![format!("{}.{}", consents.schema, consents.table)]
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

/// Of the section, whatever its layout and comments.
fn mapping_hash(text: &str) -> String {
    let mut whole: toml::Table = toml::from_str(text).unwrap_or_default();
    let mapping = whole.remove("mapping").map(|mapping| mapping.to_string()).unwrap_or_default();
    let hash = Sha256::digest(mapping);
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_mapping_says_changes_its_hash() {
        let one = mapping_hash("[mapping]\nentities = [\"stock\"]\n[[mapping.stores]]\nloja = \"1\"\n");
        let same = mapping_hash(
            "[tuning]\nageing_every = 3\n# text\n[[mapping.stores]]\nloja = \"1\"\n\n[mapping]\nentities = [ \"stock\" ]\n",
        );
        assert_eq!(one, same);
        assert_ne!(
            one,
            mapping_hash("[mapping]\nentities = [\"stock\"]\n[[mapping.stores]]\nloja = \"2\"\n")
        );
    }

    #[test]
    fn any_text_is_a_configuration_or_says_what_is_wrong() {
        let words =
            ["[[source]]", "[orders]", "\"\"", "-1", "inf", "[[mapping.stores]]", "nan", "= {", "9e99"];
        crate::mutation::each("config", &words, |text| {
            let text = String::from_utf8_lossy(text);
            if let Err(error) = Config::parse(&text, Path::new("mare.toml")) {
                assert!(!error.to_string().is_empty());
            }
        });
    }
}
