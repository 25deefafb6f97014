//! Secrets: named in the configuration, never written in it.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::core::constant_time;

/// Where a secret comes from: `env:NAME` or `file:/path`.
///
/// A literal secret is refused: a configuration file is copied, mailed and pasted into tickets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum SecretSource {
    Env(String),
    File(PathBuf),
}

/// A value that names no secret source. The value itself is not shown: it may be the secret.
#[derive(Debug, thiserror::Error)]
#[error("write \"env:NAME\" or \"file:/path\" here: a secret itself does not belong in this file")]
pub struct LiteralSecret;

impl TryFrom<String> for SecretSource {
    type Error = LiteralSecret;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err(LiteralSecret),
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// A secret that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{what}: environment variable {name} is not set")]
    EnvMissing { what: String, name: String },
    #[error("{what}: cannot read {}: {error}", path.display())]
    File { what: String, path: PathBuf, error: std::io::Error },
    #[error("{what}: {from} is empty")]
    Empty { what: String, from: SecretSource },
}

impl SecretSource {
    /// Reads the secret now. White space around it (the line end of a file) is cut off.
    ///
    /// # Errors
    /// When the variable or file is missing, unreadable or empty; `what` names the setting.
    pub fn read(&self, what: &str) -> Result<SecretString, SecretError> {
        let text = match self {
            Self::Env(name) => std::env::var(name)
                .map_err(|_| SecretError::EnvMissing { what: what.to_owned(), name: name.clone() })?,
            Self::File(path) => std::fs::read_to_string(path).map_err(|error| SecretError::File {
                what: what.to_owned(),
                path: path.clone(),
                error,
            })?,
        };
        match text.trim() {
            "" => Err(SecretError::Empty { what: what.to_owned(), from: self.clone() }),
            secret => Ok(SecretString::from(secret.to_owned())),
        }
    }
}

/// Compares a token from outside with ours in time that does not depend on where they differ.
pub fn matches_in_constant_time(ours: &SecretString, given: &str) -> bool {
    constant_time::equal(ours.expose_secret().as_bytes(), given.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_secret_is_refused_without_being_shown() {
        let error = SecretSource::try_from("vtexappkey-ABCDEF".to_owned()).unwrap_err();
        assert!(!error.to_string().contains("ABCDEF"));
        assert!(SecretSource::try_from("env:".to_owned()).is_err());
        assert_eq!(SecretSource::try_from("env:X".to_owned()).unwrap(), SecretSource::Env("X".into()));
    }

    #[test]
    fn a_file_secret_loses_its_line_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "s3cret\n").unwrap();
        let secret = SecretSource::File(path.clone()).read("vtex.app_token").unwrap();
        assert_eq!(secret.expose_secret(), "s3cret");
        std::fs::write(&path, "\n").unwrap();
        assert!(SecretSource::File(path).read("vtex.app_token").is_err());
    }

    #[test]
    fn tokens_are_compared_whole() {
        let ours = SecretString::from("abc".to_owned());
        assert!(matches_in_constant_time(&ours, "abc"));
        for wrong in ["", "ab", "abd", "abcabc", "abca"] {
            assert!(!matches_in_constant_time(&ours, wrong), "{wrong}");
        }
    }
}
