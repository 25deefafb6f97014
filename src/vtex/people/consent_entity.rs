//! Our own entity, which holds what customers agreed to: what `mare install` makes, and `mare check` looks for.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::ENTITIES_PATH;
use crate::core::call::{Failure, Lane};
use crate::vtex::client::Client;
use crate::vtex::request::{Refused, Request, push_segment};

/// The name of the schema, and of the index.
const SCHEMA: &str = "mare-consent";
const INDEX: &str = "mare-customer-purpose";
const INDEX_FIELDS: [&str; 2] = ["customer", "purpose"];

/// What the account has of our entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentEntity {
    /// The schema is there, as we make it.
    pub schema: bool,
    /// The unique index of customer and purpose is there.
    pub index: bool,
}

impl Client {
    /// Looks at the entity that holds the acts of consent; one that nobody has made lacks both.
    ///
    /// # Errors
    /// 403: the key lacks "Master Data administrator". Otherwise as any request.
    pub async fn consent_entity(&self) -> Result<ConsentEntity, Failure> {
        let schema = absent_is_null(self.ask(&self.entity_request(Method::GET, Part::Schema, None)?).await)?;
        let indices =
            absent_is_null(self.ask(&self.entity_request(Method::GET, Part::Indices, None)?).await)?;
        Ok(ConsentEntity { schema: is_ours(&schema), index: has_index(&indices) })
    }

    /// Makes the schema of the entity, and with it the entity, or replaces the schema. VTEX indexes in the background.
    ///
    /// # Errors
    /// As [`Client::consent_entity`]; 400: the account has 60 schemas of this entity already.
    pub async fn create_consent_schema(&self) -> Result<(), Failure> {
        let request = self.entity_request(Method::PUT, Part::Schema, Some(schema().to_string()))?;
        self.ask(&request).await.map(drop)
    }

    /// Makes the unique index: one document for each customer and purpose, whoever writes it.
    ///
    /// # Errors
    /// As [`Client::consent_entity`].
    pub async fn create_consent_index(&self) -> Result<(), Failure> {
        let body = json!({"name": INDEX, "multiple": false, "fields": INDEX_FIELDS.join(",")});
        let request = self.entity_request(Method::PUT, Part::Indices, Some(body.to_string()))?;
        self.ask(&request).await.map(drop)
    }

    fn entity_request(&self, method: Method, part: Part, body: Option<String>) -> Result<Request, Failure> {
        let path = path(&self.consent_entity, part)
            .map_err(|refused| Failure::Status { code: 400, body: format!("not sent: {refused}") })?;
        Ok(Request { method, lane: Lane::People, path, body, range: None })
    }
}

#[derive(Clone, Copy)]
enum Part {
    Schema,
    Indices,
}

fn path(entity: &str, part: Part) -> Result<String, Refused> {
    let mut path = ENTITIES_PATH.to_owned();
    push_segment(&mut path, entity)?;
    match part {
        Part::Schema => {
            path.push_str("/schemas");
            push_segment(&mut path, SCHEMA)?;
        }
        Part::Indices => path.push_str("/indices"),
    }
    Ok(path)
}

/// The fields of [`crate::core::plan::people::body`]'s acts. Nothing is required: a document is never refused for
/// what a schema says, and what Live does not know is left out.
fn schema() -> Json {
    let text = || json!({"type": "string"});
    json!({
        "properties": {
            "customer": text(),
            "purpose": text(),
            "state": text(),
            "saidAt": text(),
            "channel": text(),
            "letter": text(),
            "version": {"type": "integer"},
            "textHash": text(),
        },
        "v-indexed": ["customer", "purpose", "state", "saidAt"],
    })
}

/// Whether a schema has every field and index of ours.
fn is_ours(found: &Json) -> bool {
    let ours = schema();
    let has_fields = ours["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(name, field)| found["properties"][name]["type"] == field["type"]);
    let indexed = found["v-indexed"].as_array().map(Vec::as_slice).unwrap_or_default();
    has_fields && ours["v-indexed"].as_array().into_iter().flatten().all(|name| indexed.contains(name))
}

/// Whatever its name: what counts is that it is unique and over these fields.
fn has_index(indices: &Json) -> bool {
    indices.as_array().into_iter().flatten().any(|index| {
        let fields = index["fields"].as_str().unwrap_or_default();
        index["multiple"] == false && fields.split(',').map(str::trim).eq(INDEX_FIELDS)
    })
}

/// What is not there is null.
fn absent_is_null(answer: Result<Vec<u8>, Failure>) -> Result<Json, Failure> {
    match answer {
        Ok(body) if body.trim_ascii().is_empty() => Ok(Json::Null),
        Ok(body) => super::parse(&body, "consent entity"),
        Err(Failure::Status { code: 404, .. }) => Ok(Json::Null),
        Err(failure) => Err(failure),
    }
}
