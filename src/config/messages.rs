//! `[messages]`: who is told when an order gets somewhere, for customers.

use std::collections::BTreeMap;
use std::time::Duration;

use compact_str::CompactString;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::hook::check_url;
use super::secret::{SecretError, SecretSource};
use crate::core::backoff::Backoff;
use crate::core::limiter::RouteLimit;
use crate::core::message::signature::{HEADER, IDEMPOTENCY_HEADER};
use crate::core::message::template::{Template, TemplateError};
use crate::core::message::{Patience, Personal};
use crate::core::order::Step;
use crate::messages::{Settings, Webhook};
use crate::vtex::ORDER_STATUSES;

/// Shorter secrets can be guessed from one signed message.
const SECRET_LENGTH_MIN: usize = 16;
const NAME_LENGTH_MAX: usize = 32;

/// As written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessagesSection {
    /// How long a receiver may take to answer, 100 to 60,000. Default: 10,000.
    pub timeout_ms: u64,
    /// The pause before the second attempt, 10 to 600,000. It doubles. Default: 1,000.
    pub retry_first_ms: u64,
    /// The longest pause, not shorter than the first, up to 3,600,000. Default: 300,000.
    pub retry_max_ms: u64,
    /// A message that is older is set aside, 1 to 720. Default: 48.
    pub expire_hours: u64,
    pub webhooks: Vec<WebhookSection>,
}

impl Default for MessagesSection {
    fn default() -> Self {
        Self {
            timeout_ms: 10_000,
            retry_first_ms: 1_000,
            retry_max_ms: 300_000,
            expire_hours: 48,
            webhooks: Vec::new(),
        }
    }
}

/// `[[messages.webhooks]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSection {
    /// Small letters, digits and `-`. A webhook with a new name is a new one: nothing that was before is told.
    pub name: CompactString,
    /// Where messages are sent, https.
    pub url: String,
    /// Signs them.
    pub secret: SecretSource,
    /// Steps of Live (`faturado`, `despachado` …) and statuses of VTEX (`invoiced`, `canceled` …).
    pub statuses: Vec<CompactString>,
    /// Also steps that an order has gone on from when maré sees it. Default: true.
    #[serde(default = "yes")]
    pub passed: bool,
    /// Which personal data may go out: `first_name`, `last_name`, `phone`, `email`. Default: none.
    #[serde(default)]
    pub personal_data: Vec<Personal>,
    /// The body, JSON with `{{names}}`. Default: all names.
    pub template: Option<String>,
    /// Other bodies for single statuses.
    #[serde(default)]
    pub templates: BTreeMap<CompactString, String>,
    /// Further headers, such as the receiver's own key.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretSource>,
    /// Requests at the same time, 1 to 32. Default: 4.
    #[serde(default = "concurrency")]
    pub concurrency: usize,
    /// Default: 10 requests a second, 20 at once.
    #[serde(default = "limit")]
    pub limit: RouteLimit,
}

const fn yes() -> bool {
    true
}

const fn limit() -> RouteLimit {
    RouteLimit { per_second: 10.0, burst: 20 }
}

const fn concurrency() -> usize {
    4
}

/// A secret of a webhook that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(
        "messages.webhooks {name}: the secret from {from} is shorter than {SECRET_LENGTH_MIN} characters: take one of \
         `openssl rand -hex 24`"
    )]
    Weak { name: CompactString, from: SecretSource },
    #[error("messages.webhooks {name}: what {from} holds cannot be sent in the header {header}")]
    Header { name: CompactString, header: String, from: SecretSource },
}

impl MessagesSection {
    /// Everything that is wrong, each with what to write instead. `live`: orders are captured; `vtex`: orders are taken in.
    pub(super) fn validate(&self, live: bool, vtex: bool) -> Vec<String> {
        let mut findings = Vec::new();
        let ranges = [
            ("timeout_ms", self.timeout_ms, 100, 60_000),
            ("retry_first_ms", self.retry_first_ms, 10, 600_000),
            ("retry_max_ms", self.retry_max_ms, self.retry_first_ms, 3_600_000),
            ("expire_hours", self.expire_hours, 1, 720),
        ];
        for (field, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                findings.push(format!("[messages]: {field} = {value} is outside {least} to {most}"));
            }
        }
        for (index, webhook) in self.webhooks.iter().enumerate() {
            if self.webhooks[..index].iter().any(|other| other.name == webhook.name) {
                findings.push(format!("[[messages.webhooks]]: {} stands there twice", webhook.name));
            }
            let named = |finding| format!("[[messages.webhooks]] {}: {finding}", webhook.name);
            findings.extend(webhook.validate(live, vtex).into_iter().map(named));
        }
        findings
    }

    pub fn settings(&self) -> Settings {
        let backoff = Backoff {
            base: Duration::from_millis(self.retry_first_ms),
            max: Duration::from_millis(self.retry_max_ms),
        };
        let expires_after = Duration::from_secs(self.expire_hours * 3_600);
        Settings {
            patience: Patience { backoff, expires_after },
            timeout: Duration::from_millis(self.timeout_ms),
        }
    }

    /// With their secrets, read now. The configuration is valid.
    ///
    /// # Errors
    /// When a secret is missing, or a weak one.
    pub fn webhooks(&self) -> Result<Vec<Webhook>, WebhookError> {
        self.webhooks.iter().map(WebhookSection::resolve).collect()
    }
}

impl WebhookSection {
    fn validate(&self, live: bool, vtex: bool) -> Vec<String> {
        let mut findings = Vec::new();
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > NAME_LENGTH_MAX || !self.name.chars().all(fits) {
            findings.push(format!(
                "a name has small letters, digits and -, at most {NAME_LENGTH_MAX}: it is a label and part of a key"
            ));
        }
        findings.extend(check_url(&self.url, true).err().map(|why| format!("url: {why}")));
        if self.statuses.is_empty() {
            findings.push("statuses is empty: nothing would be told".to_owned());
        }
        for status in &self.statuses {
            if status.parse::<Step>().is_ok() {
                if !live {
                    findings.push(format!(
                        "{status} is a step of Live, and orders are not captured: add \"order\" to mapping.entities"
                    ));
                }
            } else if !ORDER_STATUSES.contains(&status.as_str()) {
                let steps: Vec<&str> = Step::ALL.iter().map(|step| step.name()).collect();
                findings.push(format!(
                    "{status} is neither a step of Live ({}) nor a status of VTEX that maré is told of ({})",
                    steps.join(", "),
                    ORDER_STATUSES.join(", ")
                ));
            } else if !vtex {
                findings
                    .push(format!("{status} is a status of VTEX, and orders are not taken in: add [orders]"));
            }
        }
        if !self.personal_data.is_empty() && !vtex {
            findings.push(
                "personal_data is read from VTEX's orders, and orders are not taken in: add [orders]"
                    .to_owned(),
            );
        }
        if let Err(error) = self.parse(self.template.as_deref()) {
            findings.push(format!("template: {error}"));
        }
        for (status, text) in &self.templates {
            if !self.statuses.contains(status) {
                findings.push(format!("templates: {status} is not among statuses"));
            }
            findings
                .extend(self.parse(Some(text)).err().map(|error| format!("templates: {status}: {error}")));
        }
        for name in self.headers.keys() {
            const OURS: [&str; 6] =
                [HEADER, IDEMPOTENCY_HEADER, "content-type", "content-length", "host", "transfer-encoding"];
            if HeaderName::try_from(name).is_err() || OURS.contains(&name.to_ascii_lowercase().as_str()) {
                findings.push(format!("headers: {name} cannot be the name of a further header"));
            }
        }
        if !(1..=32).contains(&self.concurrency) {
            findings.push(format!("concurrency = {} is outside 1 to 32", self.concurrency));
        }
        findings.extend(self.limit.validate().err().map(|why| format!("limit: {why}")));
        findings
    }

    fn parse(&self, template: Option<&str>) -> Result<Template, TemplateError> {
        match template {
            Some(text) => Template::parse(text, &self.personal_data),
            None => Ok(Template::complete(&self.personal_data)),
        }
    }

    fn resolve(&self) -> Result<Webhook, WebhookError> {
        let what = format!("messages.webhooks {}", self.name);
        let secret = self.secret.read(&what)?;
        if secret.expose_secret().len() < SECRET_LENGTH_MIN {
            return Err(WebhookError::Weak { name: self.name.clone(), from: self.secret.clone() });
        }
        let mut headers = Vec::new();
        for (header, from) in &self.headers {
            let unfit = || WebhookError::Header {
                name: self.name.clone(),
                header: header.clone(),
                from: from.clone(),
            };
            let value = from.read(&what)?;
            HeaderValue::try_from(value.expose_secret()).map_err(|_| unfit())?;
            headers.push((HeaderName::try_from(header).map_err(|_| unfit())?, value));
        }
        let parse =
            |text: Option<&str>| self.parse(text).expect("templates were validated with the configuration");
        Ok(Webhook {
            name: self.name.clone(),
            url: self.url.trim().to_owned(),
            secret,
            headers,
            statuses: self.statuses.clone(),
            passed: self.passed,
            template: parse(self.template.as_deref()),
            templates: self
                .templates
                .iter()
                .map(|(status, text)| (status.clone(), parse(Some(text))))
                .collect(),
            concurrency: self.concurrency,
            limit: self.limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "name = \"sms\"\nurl = \"https://provedor.example/envios\"\nsecret = \"env:X\"\n\
        statuses = [\"faturado\", \"canceled\"]\n";

    fn findings(webhook: &str, live: bool, vtex: bool) -> Vec<String> {
        let section: MessagesSection = toml::from_str(&format!("[[webhooks]]\n{webhook}")).unwrap();
        section.validate(live, vtex)
    }

    #[test]
    fn what_could_not_be_told_is_found_at_the_start() {
        assert_eq!(findings(RIGHT, true, true), Vec::<String>::new());
        let without = |what: &str| RIGHT.replace(what, "");
        let with = |what: &str| format!("{RIGHT}{what}\n");
        for (text, live, vtex, expected) in [
            (RIGHT.to_owned(), false, true, "add \"order\""),
            (RIGHT.to_owned(), true, false, "add [orders]"),
            (RIGHT.replace("faturado", "faturada"), true, true, "neither a step of Live (recebido"),
            (RIGHT.replace("\"sms\"", "\"SMS\""), true, true, "small letters"),
            (RIGHT.replace("https", "http"), true, true, "not https"),
            (without("\"faturado\", \"canceled\""), true, true, "statuses is empty"),
            (with("template = '{\"to\": \"{{phone}}\"}'"), true, true, "personal_data = [\"phone\"]"),
            (with("template = 'x'"), true, true, "no JSON"),
            (with("templates = { entregue = '{}' }"), true, true, "not among statuses"),
            (with("headers = { Idempotency-Key = \"env:Y\" }"), true, true, "further header"),
            (with("concurrency = 0"), true, true, "outside 1 to 32"),
            (with("limit = { per_second = 0.0, burst = 1 }"), true, true, "limit: per_second"),
        ] {
            let found = findings(&text, live, vtex);
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
            assert!(found[0].contains("[[messages.webhooks]]"), "{found:?}");
        }
        let personal = with("personal_data = [\"phone\", \"email\"]").replace(", \"canceled\"", "");
        assert!(findings(&personal, true, false)[0].contains("read from VTEX's orders"));
        let twice: MessagesSection =
            toml::from_str(&format!("retry_max_ms = 5\n[[webhooks]]\n{RIGHT}[[webhooks]]\n{RIGHT}")).unwrap();
        assert_eq!(twice.validate(true, true).len(), 2);
        assert!(toml::from_str::<MessagesSection>("[[webhooks]]\npersonal_data = [\"cpf\"]").is_err());
    }

    #[test]
    fn a_secret_comes_from_outside_and_is_no_short_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let text = RIGHT.replace("env:X", &format!("file:{}", path.display()));
        let section: MessagesSection = toml::from_str(&format!("[[webhooks]]\n{text}")).unwrap();
        assert!(section.webhooks().is_err());
        std::fs::write(&path, "segredo").unwrap();
        let error = section.webhooks().err().unwrap().to_string();
        assert!(error.contains("16") && !error.contains("segredo"), "{error}");
        std::fs::write(&path, "segredo-segredo-segredo\n").unwrap();
        assert_eq!(section.webhooks().ok().unwrap()[0].secret.expose_secret(), "segredo-segredo-segredo");
    }
}
