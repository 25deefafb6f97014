//! Errors of the connection as failures, and texts that may be shown.

use std::error::Error;
use std::fmt::Write as _;

use super::credentials::Keyring;
use crate::core::call::Failure;

/// Longest text of a failure, in bytes: enough for VTEX's messages, little enough for a log line and for
/// a record of the ledger.
const TEXT_LIMIT: usize = 300;

/// Why no answer came.
pub(super) fn of_sending(error: &reqwest::Error) -> Failure {
    // Before the timeout: a connection that took too long was not used, and that is worth knowing.
    if error.is_connect() || error.is_builder() {
        Failure::Connect(chain(error))
    } else if error.is_timeout() {
        Failure::Timeout
    } else {
        Failure::Reset(chain(error))
    }
}

/// Why an answer broke off.
pub(super) fn of_reading(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        Failure::Timeout
    } else if error.is_decode() && !has_source::<hyper::Error>(error) {
        Failure::Malformed(chain(error))
    } else {
        Failure::Reset(chain(error))
    }
}

fn has_source<E: Error + 'static>(error: &dyn Error) -> bool {
    sources(error).any(|source| source.is::<E>())
}

/// The messages of an error and its causes, without the URL.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    for cause in sources(error) {
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{cause}");
    }
    if text.is_empty() { "no cause was given".to_owned() } else { text }
}

fn sources(error: &dyn Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// The failure with a text that may be logged and stored: short, on one line, without credentials and
/// without e-mail addresses (VTEX names the user of a key in some of its messages).
pub(super) fn clean(failure: Failure, keyring: &Keyring) -> Failure {
    let clean = |text: String| cut(&without_addresses(&keyring.redact(&one_line(&text))));
    match failure {
        Failure::Status { code, body } => Failure::Status { code, body: clean(body) },
        Failure::Connect(text) => Failure::Connect(clean(text)),
        Failure::Reset(text) => Failure::Reset(clean(text)),
        Failure::Malformed(text) => Failure::Malformed(clean(text)),
        Failure::Timeout => Failure::Timeout,
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_whitespace() {
            if !line.ends_with(' ') && !line.is_empty() {
                line.push(' ');
            }
        } else if !character.is_control() {
            line.push(character);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

fn without_addresses(text: &str) -> String {
    if !text.contains('@') {
        return text.to_owned();
    }
    let in_address = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '+' | '%');
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| in_address(c) == in_address(first);
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        clean.push_str(if word.contains('@') { "[e-mail]" } else { word });
        rest = tail;
    }
    clean
}

fn cut(text: &str) -> String {
    let end = (0..=TEXT_LIMIT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vtex::Credentials;

    #[test]
    fn a_text_is_one_short_line_without_secrets_and_addresses() {
        let credentials = Credentials::new("app-key-1", "token-2").with_previous_token("token-3");
        let keyring = Keyring::new(credentials).unwrap();
        let body = format!(
            "Denied\r\n\tapp-key-1/token-2,token-3 \u{7}for <ana.luz+x@loja.com.br>; {}",
            "ç".repeat(400)
        );
        let Failure::Status { code: 403, body } = clean(Failure::Status { code: 403, body }, &keyring) else {
            panic!("another failure");
        };
        let start = "Denied [redacted]/[redacted],[redacted] for <[e-mail]>; çç";
        assert!(body.starts_with(start), "{body}");
        assert!(body.len() <= TEXT_LIMIT);
    }
}
