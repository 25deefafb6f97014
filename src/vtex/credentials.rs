//! Key and tokens of the account: given by the caller, replaceable, never shown.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// An application key of VTEX and its token (`X-VTEX-API-AppKey`, `X-VTEX-API-AppToken`).
#[derive(Clone)]
pub struct Credentials {
    pub key: SecretString,
    pub token: SecretString,
    /// The other token while one is being renewed: VTEX accepts both until the renewal is finished
    /// (VTEX ID API, "Renew API token").
    pub previous_token: Option<SecretString>,
}

impl Credentials {
    pub fn new(key: impl Into<SecretString>, token: impl Into<SecretString>) -> Self {
        Self { key: key.into(), token: token.into(), previous_token: None }
    }

    #[must_use]
    pub fn with_previous_token(mut self, token: impl Into<SecretString>) -> Self {
        self.previous_token = Some(token.into());
        self
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("key", &"[redacted]")
            .field("token", &"[redacted]")
            .field("previous_token", &self.previous_token.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

/// Credentials that no header could carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("the {0} of VTEX is empty")]
    Empty(&'static str),
    #[error("the {0} of VTEX contains characters that no header may have (a line break at its end?)")]
    NotAHeader(&'static str),
}

/// Credentials as headers, and which of the two tokens worked last.
pub(super) struct Keyring {
    pub(super) key: HeaderValue,
    tokens: Vec<HeaderValue>,
    preferred: AtomicUsize,
    secrets: Credentials,
}

impl Keyring {
    pub(super) fn new(secrets: Credentials) -> Result<Self, CredentialsError> {
        let key = header("key", &secrets.key)?;
        let mut tokens = vec![header("token", &secrets.token)?];
        if let Some(previous) = &secrets.previous_token {
            let previous = header("previous token", previous)?;
            if previous != tokens[0] {
                tokens.push(previous);
            }
        }
        Ok(Self { key, tokens, preferred: AtomicUsize::new(0), secrets })
    }

    /// The token to try first: its number and its header.
    pub(super) fn first(&self) -> (usize, &HeaderValue) {
        let number = self.preferred.load(Ordering::Relaxed) % self.tokens.len();
        (number, &self.tokens[number])
    }

    /// The token to try after a 401 with token `number`.
    pub(super) fn other(&self, number: usize) -> Option<(usize, &HeaderValue)> {
        let other = (number + 1) % self.tokens.len();
        (other != number).then(|| (other, &self.tokens[other]))
    }

    /// Token `number` was accepted: later requests begin with it.
    pub(super) fn prefer(&self, number: usize) {
        self.preferred.store(number, Ordering::Relaxed);
    }

    /// `text` without key and tokens, should VTEX have repeated them.
    pub(super) fn redact(&self, text: &str) -> String {
        let Credentials { key, token, previous_token } = &self.secrets;
        let secrets = [Some(token), previous_token.as_ref(), Some(key)];
        secrets.into_iter().flatten().fold(text.to_owned(), |text, secret| {
            let secret = secret.expose_secret();
            if text.contains(secret) { text.replace(secret, "[redacted]") } else { text }
        })
    }
}

fn header(name: &'static str, secret: &SecretString) -> Result<HeaderValue, CredentialsError> {
    let secret = secret.expose_secret();
    if secret.is_empty() {
        return Err(CredentialsError::Empty(name));
    }
    let mut value = HeaderValue::from_str(secret).map_err(|_| CredentialsError::NotAHeader(name))?;
    value.set_sensitive(true);
    Ok(value)
}
