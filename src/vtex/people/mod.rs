//! People (VTEX Master Data v1 and v2, user rights).

use std::borrow::Cow;

use reqwest::Method;
use serde_json::Value as Json;

use super::request::{Refused, push_escaped, push_segment};
use crate::core::call::catalog::Document;
use crate::core::call::people::{JobState, PeopleAnswer, PeopleCall};
use crate::core::call::{Answer, Failure};
use compact_str::CompactString;

mod consent_entity;
mod privacy;
mod shoppers;

pub use consent_entity::ConsentEntity;
pub(super) use privacy::without_person;

pub(super) const ENTITIES_PATH: &str = "/api/dataentities";
const FORGET_PATH: &str = "/api/user-rights/forget/jobs";

/// The name of our own entity, where the settings give no other.
pub(super) const DEFAULT_CONSENT_ENTITY: &str = "LC";

/// The documents that a search for one e-mail address may find: one, but for duplicates and wildcards.
const SEARCH_RANGE: &str = "resources=0-10";

/// Method, path and body; acts go to the entity `consents`.
pub(super) fn request(
    call: &PeopleCall,
    consents: &str,
) -> Result<(Method, String, Option<String>), Refused> {
    let body = |body: &Document| Some(Json::Object(body.clone()).to_string());
    Ok(match call {
        PeopleCall::FindCustomer { email } => (Method::GET, search_path(email), None),
        PeopleCall::ReadCustomer { id } => {
            (Method::GET, format!("{}?_fields=email", document_path("CL", id)?), None)
        }
        PeopleCall::SaveCustomer { id: None, body: fields } => {
            (Method::PATCH, documents_path("CL")?, body(fields))
        }
        PeopleCall::SaveCustomer { id: Some(id), body: fields } => {
            (Method::PATCH, document_path("CL", id)?, body(fields))
        }
        PeopleCall::SaveAddress { id, body: fields } => (Method::PUT, document_path("AD", id)?, body(fields)),
        PeopleCall::DeleteAddress { id } => (Method::DELETE, document_path("AD", id)?, None),
        PeopleCall::SaveAct { id, body: fields } => (Method::PUT, document_path(consents, id)?, body(fields)),
        PeopleCall::Forget { email } => {
            let body = serde_json::json!({"email": email.as_str()}).to_string();
            (Method::POST, FORGET_PATH.to_owned(), Some(body))
        }
        PeopleCall::ReadForget { job } => {
            let mut path = FORGET_PATH.to_owned();
            push_segment(&mut path, job)?;
            (Method::GET, path, None)
        }
        PeopleCall::ReadShoppers(span) => (Method::GET, shoppers::search_path(span), None),
        PeopleCall::ReadShopper { id } => {
            (Method::GET, format!("{}?_fields={}", document_path("CL", id)?, shoppers::FIELDS), None)
        }
    })
}

/// The header `REST-Range`, which searches must have.
pub(super) fn range(call: &PeopleCall) -> Option<Cow<'static, str>> {
    match call {
        PeopleCall::FindCustomer { .. } => Some(SEARCH_RANGE.into()),
        PeopleCall::ReadShoppers(span) => Some(shoppers::range(span).into()),
        _ => None,
    }
}

/// Also the e-mail address is asked for: a search takes some characters for more than themselves.
fn search_path(email: &str) -> String {
    let mut path = format!("{ENTITIES_PATH}/CL/search?_fields=id,email&_where=email");
    push_escaped(&mut path, "=");
    push_escaped(&mut path, email);
    path
}

fn documents_path(entity: &str) -> Result<String, Refused> {
    let mut path = ENTITIES_PATH.to_owned();
    push_segment(&mut path, entity)?;
    path.push_str("/documents");
    Ok(path)
}

fn document_path(entity: &str, id: &str) -> Result<String, Refused> {
    let mut path = documents_path(entity)?;
    push_segment(&mut path, id)?;
    Ok(path)
}

/// What a reply means; `success`: its body, or why there is none.
pub(super) fn answer<'a>(
    call: &PeopleCall,
    status: u16,
    html: bool,
    success: &dyn Fn() -> Result<&'a [u8], Failure>,
) -> Result<Answer, Failure> {
    match (call, status) {
        // VTEX had it all: "304 Not Modified". It has no body.
        (_, 304) if call.writes() => return Ok(Answer::Done),
        // The page of a proxy is not VTEX saying that it has no such address.
        (PeopleCall::DeleteAddress { .. }, 404) if !html => return Ok(Answer::Done),
        (PeopleCall::ReadShopper { .. }, 404) if !html => {
            return Ok(Answer::People(PeopleAnswer::Shopper(None)));
        }
        _ => {}
    }
    let body = success()?;
    Ok(Answer::People(match call {
        PeopleCall::FindCustomer { email } => PeopleAnswer::Found(found(body, email)?),
        PeopleCall::ReadCustomer { .. } => PeopleAnswer::Email(email(body)?),
        PeopleCall::SaveCustomer { id: None, .. } => PeopleAnswer::Saved(saved(body)?),
        PeopleCall::Forget { .. } => PeopleAnswer::Job(job(body)?),
        PeopleCall::ReadForget { .. } => PeopleAnswer::JobState(job_state(body)?),
        PeopleCall::ReadShoppers(_) => PeopleAnswer::Shoppers(shoppers::page(body)?),
        PeopleCall::ReadShopper { .. } => PeopleAnswer::Shopper(Some(shoppers::one(body)?)),
        PeopleCall::SaveCustomer { .. }
        | PeopleCall::SaveAddress { .. }
        | PeopleCall::DeleteAddress { .. }
        | PeopleCall::SaveAct { .. } => return acknowledged(body),
    }))
}

/// The documents have no body here (204), and the page of `CL` an object: anything else comes from somebody else.
fn acknowledged(body: &[u8]) -> Result<Answer, Failure> {
    if !body.trim_ascii().is_empty() {
        let _: Document = parse(body, "saved document")?;
    }
    Ok(Answer::Done)
}

/// The document with exactly this e-mail address. Where there are several, always the same one.
fn found(body: &[u8], email: &str) -> Result<Option<CompactString>, Failure> {
    let documents: Vec<Document> = parse(body, "customers by e-mail address")?;
    let is_it = |document: &&Document| {
        text(document, "email").is_some_and(|found| found.trim().eq_ignore_ascii_case(email))
    };
    Ok(documents.iter().filter(is_it).filter_map(|document| Some(bare(text(document, "id")?))).min())
}

fn email(body: &[u8]) -> Result<Option<CompactString>, Failure> {
    let document: Document = parse(body, "customer")?;
    Ok(text(&document, "email").filter(|email| !email.is_empty()).map(CompactString::new))
}

fn saved(body: &[u8]) -> Result<CompactString, Failure> {
    let document: Document = parse(body, "saved customer")?;
    let id = text(&document, "documentId").or_else(|| text(&document, "id")).map(bare);
    id.filter(|id| !id.is_empty()).ok_or_else(|| malformed("saved customer", "it has no id"))
}

fn job(body: &[u8]) -> Result<CompactString, Failure> {
    let document: Document = parse(body, "erasure job")?;
    let id = text(&document, "jobId").filter(|id| !id.is_empty());
    id.map(CompactString::new).ok_or_else(|| malformed("erasure job", "it has no id"))
}

fn job_state(body: &[u8]) -> Result<JobState, Failure> {
    let document: Document = parse(body, "erasure job")?;
    let state = text(&document, "status").unwrap_or_default();
    let states =
        [("InProgress", JobState::InProgress), ("Success", JobState::Success), ("Failed", JobState::Failed)];
    let known = states.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(state));
    known.map(|(_, state)| state).ok_or_else(|| malformed("erasure job", "its status is not documented"))
}

/// Without the entity's name before it, in lower case: `CL-0B2F…` and `0b2f…` name the same document.
fn bare(id: &str) -> CompactString {
    let id = id.to_lowercase();
    CompactString::new(id.strip_prefix("cl-").unwrap_or(&id))
}

/// A text by its name; the pages of one and the same call spell it `Id` and `id`.
fn text<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    let (_, value) = document.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    value.as_str()
}

/// The error of the parser tells kind and place, and of a text in the wrong place its beginning: only kind and place
/// are kept.
fn parse<T: serde::de::DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        malformed(what, &format!("{:?} at line {} column {}", error.classify(), error.line(), error.column()))
    })
}

fn malformed(what: &str, why: &str) -> Failure {
    Failure::Malformed(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests;
