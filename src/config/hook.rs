//! `[orders.hook]`: where VTEX may tell of orders at once.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::secret::{SecretError, SecretSource};
use crate::orders::HookSettings;

/// Shorter secrets can be guessed.
const SECRET_LENGTH_MIN: usize = 16;

/// As written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSection {
    /// Where notifications arrive here, behind a reverse proxy or a tunnel that adds TLS. Not the admin endpoints'.
    pub listen: SocketAddr,
    /// The public address of that, https: what VTEX is told.
    pub url: String,
    /// Name of the header that holds the secret. Default: `x-mare-hook`.
    #[serde(default = "header")]
    pub header: String,
    /// The secret. Default: `env:MARE_HOOK_SECRET`.
    #[serde(default = "secret")]
    pub secret: SecretSource,
}

fn header() -> String {
    "x-mare-hook".to_owned()
}

fn secret() -> SecretSource {
    SecretSource::Env("MARE_HOOK_SECRET".to_owned())
}

/// Resolved. The secret is read when it is needed.
#[derive(Debug, Clone)]
pub struct Hook {
    pub listen: SocketAddr,
    pub url: String,
    pub header: String,
    secret: SecretSource,
}

/// A secret that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(
        "orders.hook.secret, from {from}: {SECRET_LENGTH_MIN} or more letters, digits and signs are needed, for instance of \
         `openssl rand -hex 24`"
    )]
    Weak { from: SecretSource },
}

impl HookSection {
    pub(super) fn resolve(self) -> Hook {
        let Self { listen, url, header, secret } = self;
        Hook { listen, url: url.trim().to_owned(), header: header.to_ascii_lowercase(), secret }
    }
}

impl Hook {
    /// Everything that is wrong, each with what to write instead.
    pub(super) fn validate(&self, admin: SocketAddr) -> Vec<String> {
        let mut findings = Vec::new();
        if self.listen.port() == admin.port()
            && (self.listen.ip() == admin.ip() || is_any(self.listen, admin))
        {
            findings.push(format!(
                "orders.hook.listen = \"{}\" is where the admin endpoints are: the hook is reached from outside and needs \
                 a port of its own",
                self.listen
            ));
        }
        if self.listen.port() == 0 {
            findings.push("orders.hook.listen needs a port".to_owned());
        }
        if let Err(why) = check_url(&self.url, false) {
            findings.push(format!("orders.hook.url: {why}"));
        }
        // VTEX sends these itself, or they mean something to those in between.
        const TAKEN: [&str; 6] =
            ["host", "content-length", "content-type", "connection", "transfer-encoding", "user-agent"];
        if HeaderName::try_from(&self.header).is_err() || TAKEN.contains(&self.header.as_str()) {
            findings.push(format!(
                "orders.hook.header = \"{}\" cannot be the name of a header of ours, like x-mare-hook",
                self.header
            ));
        }
        findings
    }

    /// With the secret, read now.
    ///
    /// # Errors
    /// When there is none, or a weak one.
    pub fn settings(&self) -> Result<HookSettings, HookError> {
        let secret = self.secret.read("orders.hook.secret")?;
        let text = secret.expose_secret();
        let is_header = HeaderValue::try_from(text).is_ok_and(|value| value.to_str().is_ok());
        if text.len() < SECRET_LENGTH_MIN || !is_header {
            return Err(HookError::Weak { from: self.secret.clone() });
        }
        Ok(HookSettings { listen: self.listen, url: self.url.clone(), header: self.header.clone(), secret })
    }
}

fn is_any(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip().is_unspecified() || other.ip().is_unspecified()
}

/// Https; on this machine also http, to try things out.
pub(super) fn check_url(text: &str, may_query: bool) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("\"{text}\" is no address: {error}"))?;
    let here = url.host_str().is_some_and(|host| {
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    if url.scheme() != "https" && !(here && url.scheme() == "http") {
        return Err(format!("\"{text}\" is not https"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || (url.query().is_some() && !may_query)
        || url.fragment().is_some()
    {
        return Err(
            "write no user, query or fragment into the address: the secret travels in a header".to_owned()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(listen: &str, url: &str, header: &str) -> Vec<String> {
        let section = HookSection {
            listen: listen.parse().unwrap(),
            url: url.to_owned(),
            header: header.to_owned(),
            secret: secret(),
        };
        section.resolve().validate("127.0.0.1:9187".parse().unwrap())
    }

    #[test]
    fn what_vtex_could_not_use_is_refused_with_the_way_out() {
        let url = "https://loja.example/mare";
        assert_eq!(hook("0.0.0.0:9188", url, "X-Mare-Hook"), Vec::<String>::new());
        assert_eq!(hook("127.0.0.1:9188", "http://127.0.0.1:9188/x", "x-mare-hook"), Vec::<String>::new());
        for (listen, url, header, expected) in [
            ("127.0.0.1:9187", url, "x-mare-hook", "a port of its own"),
            ("0.0.0.0:9187", url, "x-mare-hook", "a port of its own"),
            ("0.0.0.0:0", url, "x-mare-hook", "needs a port"),
            ("0.0.0.0:9188", "http://loja.example/mare", "x-mare-hook", "not https"),
            ("0.0.0.0:9188", "https://loja.example/mare?key=1", "x-mare-hook", "no user, query"),
            ("0.0.0.0:9188", "loja", "x-mare-hook", "no address"),
            ("0.0.0.0:9188", url, "x mare", "cannot be the name"),
            ("0.0.0.0:9188", url, "Host", "cannot be the name"),
        ] {
            let findings = hook(listen, url, header);
            assert!(findings.len() == 1 && findings[0].contains(expected), "{expected}: {findings:?}");
        }
    }

    #[test]
    fn a_short_secret_is_refused_without_being_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let settings = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let hook = Hook {
                listen: "127.0.0.1:1".parse().unwrap(),
                url: String::new(),
                header: header(),
                secret: SecretSource::File(path.clone()),
            };
            hook.settings().map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(settings("0123456789abcdef\n"), Ok(()));
        let error = settings("segredo").unwrap_err();
        assert!(error.contains("16") && !error.contains("segredo"), "{error}");
        assert!(settings("áéíóú-áéíóú-áéíóú").is_err());
    }
}
