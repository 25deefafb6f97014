//! Failures without whom they are about: VTEX repeats in its messages what it was sent.

use serde_json::Value as Json;

use super::PeopleCall;
use crate::core::call::Failure;
use crate::core::call::catalog::Document;

/// Shorter values are no names of anybody, and common in any text.
const TELLING_CHARS: usize = 3;
/// A run of digits that may be a document, a telephone number or a postal code, whoever wrote it down how.
const TELLING_DIGITS: usize = 7;

/// The failure without any value of the request, and without long numbers.
pub(in crate::vtex) fn without_person(failure: Failure, call: &PeopleCall) -> Failure {
    let clean = |text: String| without_numbers(&without_values(text, call));
    match failure {
        Failure::Status { code, body } => Failure::Status { code, body: clean(body) },
        Failure::Malformed(text) => Failure::Malformed(clean(text)),
        other => other,
    }
}

fn without_values(mut text: String, call: &PeopleCall) -> String {
    let mut values: Vec<&str> = match call {
        PeopleCall::FindCustomer { email } | PeopleCall::Forget { email } => vec![email],
        PeopleCall::SaveCustomer { body, .. } | PeopleCall::SaveAddress { body, .. } => texts(body).collect(),
        // They name nobody.
        PeopleCall::SaveAct { .. }
        | PeopleCall::ReadCustomer { .. }
        | PeopleCall::DeleteAddress { .. }
        | PeopleCall::ReadForget { .. }
        | PeopleCall::ReadShoppers(_)
        | PeopleCall::ReadShopper { .. } => Vec::new(),
    };
    // A value may be part of another one.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in values {
        text = text.replace(value, "***");
        text = text.replace(&ascii(value), "***");
    }
    text
}

fn texts(body: &Document) -> impl Iterator<Item = &str> {
    body.values().filter_map(Json::as_str).filter(|value| value.chars().count() >= TELLING_CHARS)
}

/// As JSON writes it where only ASCII is wanted.
fn ascii(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\u{unit:04x}")),
        }
    }
    escaped
}

/// Dots, slashes and hyphens between digits do not end a number.
fn without_numbers(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        clean.push_str(&rest[..start]);
        rest = &rest[start..];
        let within = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '/');
        let end = rest.find(|c| !within(c)).unwrap_or(rest.len());
        let number = &rest[..end];
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        clean.push_str(if digits >= TELLING_DIGITS { "***" } else { number });
        rest = &rest[end..];
    }
    clean.push_str(rest);
    clean
}
