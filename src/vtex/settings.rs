//! Where VTEX is and how patiently it is asked.

use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::core::call::Lane;

/// The `[vtex]` section of the configuration. Credentials are not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VtexSettings {
    /// Name of the account, as in `https://{account}.vtexcommercestable.com.br`.
    pub account: String,
    /// Environment, the second part of the host name. VTEX knows one: `vtexcommercestable`.
    #[serde(default = "default_environment")]
    pub environment: String,
    /// Base URL of the Catalog API. Default: `https://{account}.{environment}.com.br`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_url: Option<String>,
    /// Base URL of the Logistics API. Default: `https://{account}.{environment}.com.br`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logistics_url: Option<String>,
    /// Base URL of the Pricing API, without `/pricing`. Default: `https://api.vtex.com/{account}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing_url: Option<String>,
    /// Base URL of the batch operations of the Logistics API, without `/availability`. Default:
    /// `https://logistics.{environment}.com.br/{account}`. (The Bulk Pricing API answers where the catalog does.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_inventory_url: Option<String>,
    /// Allows `http://` to another machine, which shows the credentials to the network in between.
    /// `http://` to this machine is always allowed. Default: false.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// Longest wait for a connection, TLS included, in milliseconds. Default: 5,000.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout_ms: u64,
    /// Longest wait for a whole answer, connection included, in milliseconds. Default: 15,000.
    #[serde(default = "default_request_timeout")]
    pub request_timeout_ms: u64,
    /// Idle connections kept per host for HTTP/1.1 (HTTP/2 needs one). Default: 32.
    #[serde(default = "default_pool_size")]
    pub pool_size: usize,
    /// Longest answer that is read, in bytes after decompression. Default: 1,048,576.
    #[serde(default = "default_body_limit")]
    pub body_limit: usize,
    /// Entity of Master Data v2 that holds what customers agreed to, one document for each customer and purpose.
    /// Default: `LC`.
    #[serde(default = "default_consent_entity")]
    pub consent_entity: String,
    /// `User-Agent` of every request. Default: `mare/<version>`.
    #[serde(default = "default_user_agent")]
    pub user_agent: String,
}

/// Settings with which no request could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("vtex.{field} '{value}' may only contain letters, digits and '-'")]
    HostPart { field: &'static str, value: String },
    #[error("vtex.{field} is no URL of a server: {reason}")]
    Url { field: &'static str, reason: String },
    #[error("vtex.{field} would send the credentials unencrypted; use https or set allow_plain_http")]
    PlainHttp { field: &'static str },
    #[error("vtex.{field} must be above zero")]
    Zero { field: &'static str },
    #[error(
        "vtex.consent_entity '{0}' must be letters, digits, '-' and '_', and neither CL nor AD, which are VTEX's own"
    )]
    ConsentEntity(String),
    #[error("vtex.user_agent contains characters that no header may have")]
    UserAgent,
}

impl VtexSettings {
    /// The settings of an account, everything else at its default.
    pub fn new(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            environment: default_environment(),
            catalog_url: None,
            logistics_url: None,
            pricing_url: None,
            batch_inventory_url: None,
            allow_plain_http: false,
            connect_timeout_ms: default_connect_timeout(),
            request_timeout_ms: default_request_timeout(),
            pool_size: default_pool_size(),
            body_limit: default_body_limit(),
            consent_entity: default_consent_entity(),
            user_agent: default_user_agent(),
        }
    }

    /// Says what is wrong, without a connection.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.endpoints()?;
        entity_name(&self.consent_entity)?;
        for (field, zero) in [
            ("connect_timeout_ms", self.connect_timeout_ms == 0),
            ("request_timeout_ms", self.request_timeout_ms == 0),
            ("body_limit", self.body_limit == 0),
        ] {
            if zero {
                return Err(SettingsError::Zero { field });
            }
        }
        reqwest::header::HeaderValue::from_str(&self.user_agent).map_err(|_| SettingsError::UserAgent)?;
        Ok(())
    }

    pub(super) const fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(super) fn endpoints(&self) -> Result<Endpoints, SettingsError> {
        host_part("account", &self.account)?;
        host_part("environment", &self.environment)?;
        let store = format!("https://{}.{}.com.br", self.account, self.environment);
        let pricing = format!("https://api.vtex.com/{}", self.account);
        let batch = format!("https://logistics.{}.com.br/{}", self.environment, self.account);
        Ok(Endpoints {
            catalog: self.base("catalog_url", self.catalog_url.as_ref(), &store)?,
            logistics: self.base("logistics_url", self.logistics_url.as_ref(), &store)?,
            pricing: self.base("pricing_url", self.pricing_url.as_ref(), &pricing)?,
            batch_inventory: self.base("batch_inventory_url", self.batch_inventory_url.as_ref(), &batch)?,
        })
    }

    fn base(
        &self,
        field: &'static str,
        configured: Option<&String>,
        default: &str,
    ) -> Result<String, SettingsError> {
        let text = configured.map_or(default, String::as_str).trim_end_matches('/');
        let url =
            Url::parse(text).map_err(|error| SettingsError::Url { field, reason: error.to_string() })?;
        let refuse = |reason: &str| SettingsError::Url { field, reason: reason.to_owned() };
        let host = url.host_str().ok_or_else(|| refuse("it names no host"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("credentials do not belong into it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a query or a fragment"));
        }
        match url.scheme() {
            "https" => {}
            "http" if self.allow_plain_http || is_this_machine(host) => {}
            "http" => return Err(SettingsError::PlainHttp { field }),
            _ => return Err(refuse("it begins with neither https:// nor http://")),
        }
        Ok(text.to_owned())
    }

    /// Whether the contents of a file may go to an address that VTEX named.
    pub(super) fn may_send_to(&self, url: &Url) -> bool {
        let here = url.host_str().is_some_and(is_this_machine);
        url.scheme() == "https" || (url.scheme() == "http" && (self.allow_plain_http || here))
    }
}

/// One base URL per API family, without a slash at the end.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    catalog: String,
    logistics: String,
    pricing: String,
    batch_inventory: String,
}

impl Endpoints {
    /// Whether the catalog is a simulator on this machine.
    pub(super) fn are_here(&self) -> bool {
        Url::parse(&self.catalog).is_ok_and(|url| url.host_str().is_some_and(is_this_machine))
    }

    pub(super) fn of(&self, lane: Lane) -> &str {
        match lane {
            Lane::Stock => &self.logistics,
            Lane::Price => &self.pricing,
            // Master Data, orders and the Bulk Pricing API answer under the account's own address, like the catalog.
            Lane::Catalog | Lane::People | Lane::Orders | Lane::PriceBulk => &self.catalog,
            Lane::StockBulk => &self.batch_inventory,
        }
    }
}

fn host_part(field: &'static str, value: &str) -> Result<(), SettingsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if value.is_empty() || !value.bytes().all(allowed) {
        return Err(SettingsError::HostPart { field, value: value.to_owned() });
    }
    Ok(())
}

fn entity_name(name: &str) -> Result<(), SettingsError> {
    const TAKEN: [&str; 2] = ["CL", "AD"];
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let taken = TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(name));
    if name.is_empty() || taken || !name.bytes().all(allowed) {
        return Err(SettingsError::ConsentEntity(name.to_owned()));
    }
    Ok(())
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn default_environment() -> String {
    "vtexcommercestable".to_owned()
}

const fn default_connect_timeout() -> u64 {
    5_000
}

const fn default_request_timeout() -> u64 {
    15_000
}

const fn default_pool_size() -> usize {
    32
}

/// The longest answer that is expected, the balances of a SKU in 1,000 warehouses, has 250 KiB.
const fn default_body_limit() -> usize {
    1024 * 1024
}

fn default_consent_entity() -> String {
    super::people::DEFAULT_CONSENT_ENTITY.to_owned()
}

fn default_user_agent() -> String {
    concat!("mare/", env!("CARGO_PKG_VERSION")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_api_family_has_its_own_host() {
        let endpoints = VtexSettings::new("lojamar").endpoints().unwrap();
        assert_eq!(endpoints.of(Lane::Stock), "https://lojamar.vtexcommercestable.com.br");
        assert_eq!(endpoints.of(Lane::Catalog), "https://lojamar.vtexcommercestable.com.br");
        assert_eq!(endpoints.of(Lane::Price), "https://api.vtex.com/lojamar");
        assert_eq!(endpoints.of(Lane::PriceBulk), "https://lojamar.vtexcommercestable.com.br");
        assert_eq!(endpoints.of(Lane::StockBulk), "https://logistics.vtexcommercestable.com.br/lojamar");
    }

    #[test]
    fn credentials_do_not_leave_the_machine_unencrypted_unasked() {
        let mut settings = VtexSettings::new("lojamar");
        settings.pricing_url = Some("http://127.0.0.1:9000/lojamar/".to_owned());
        assert_eq!(settings.endpoints().unwrap().of(Lane::Price), "http://127.0.0.1:9000/lojamar");
        settings.pricing_url = Some("http://simulator:9000".to_owned());
        assert_eq!(settings.validate(), Err(SettingsError::PlainHttp { field: "pricing_url" }));
        settings.allow_plain_http = true;
        assert_eq!(settings.validate(), Ok(()));
    }

    #[test]
    fn consents_have_an_entity_of_their_own() {
        let mut settings = VtexSettings::new("lojamar");
        assert_eq!((settings.consent_entity.as_str(), settings.validate()), ("LC", Ok(())));
        for refused in ["", "CL", "ad", "a/b", "ä"] {
            refused.clone_into(&mut settings.consent_entity);
            assert_eq!(settings.validate(), Err(SettingsError::ConsentEntity(refused.to_owned())));
        }
    }

    #[test]
    fn an_account_cannot_smuggle_another_host_in() {
        let settings = VtexSettings::new("evil.example/");
        assert!(matches!(settings.validate(), Err(SettingsError::HostPart { field: "account", .. })));
    }
}
