//! Where VTEX's files on Master Data and User Rights are known to be wrong, incomplete or at odds with each other.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

/// The same call has up to three pages: generic in v1, generic in v2, and for `CL` and `AD` their own. They name
/// different statuses (200, 201) and spellings (`Id`, `id`); right is what one of the pages describes.
pub(super) const EQUIVALENT_PAGES: &str = "/api/dataentities/";

/// Statuses that the pages leave out: the beginning of the operation's name, the status, why it is right.
const STATUSES: [(&str, u64, &str); 9] = [
    ("POST /api/dataentities/", 400, "the overview: invalid information"),
    ("PATCH /api/dataentities/", 400, "the overview: invalid information"),
    ("PUT /api/dataentities/", 400, "the overview: invalid information"),
    ("GET /api/dataentities/{acronym}/search", 400, "the guide on queries: a field that is not a filter"),
    ("PATCH /api/dataentities/", 304, "the overview: no changes; the page of PATCH without an id has it"),
    ("PUT /api/dataentities/", 304, "the overview: no changes"),
    ("PATCH /api/dataentities/", 408, "the guide on saving: the lock was not free within 2 seconds"),
    ("PUT /api/dataentities/", 408, "the guide on saving: the lock was not free within 2 seconds"),
    ("POST /api/user-rights/forget/jobs", 400, "the file has no error at all"),
];

/// A saved document is 201 when it was created and 200 when it was changed, says the overview. Of these the page of v1
/// has only the first, in its spelling, and the page of v2 only the second, in its own.
const TWINS: [(&str, u64, u64); 2] = [
    ("PATCH /api/dataentities/{acronym}/documents", 200, 201),
    ("PATCH /api/dataentities/{dataEntityName}/documents", 201, 200),
];

/// Fields that belong to `CL` and `AD` and are missing on their pages.
const FIELDS: [(&str, &str, &str); 9] = [
    ("CL", "id", "PATCH without an id in the path may name it"),
    ("CL", "userId", "shown in profiles"),
    ("CL", "nickName", "a field of every account"),
    ("CL", "businessPhone", "a field of every account"),
    ("CL", "birthDate", "a field of every account"),
    ("CL", "gender", "a field of every account"),
    ("CL", "customerClass", "a field of every account, used by promotions"),
    ("AD", "id", "PATCH without an id in the path may name it"),
    ("AD", "addressType", "its page lists the two values of B2B only; its text names residential and pickup"),
];

/// What a store added to `CL` and `AD` for itself: the consent letter, the ERP's code.
const CUSTOM_PREFIXES: [(&str, &str); 2] = [("lgpd", "consent"), ("codigoErp", "the ERP's id")];

/// The status under which a page describes an answer.
pub(super) fn described_as(operation: &str, status: u64) -> u64 {
    let twin = TWINS.iter().find(|(name, sent, _)| *name == operation && *sent == status);
    twin.map_or(status, |(_, _, described)| *described)
}

pub(super) fn excuses_status(operation: &str, status: u64) -> bool {
    STATUSES.iter().any(|(name, known, _)| operation.starts_with(name) && *known == status)
}

/// Filters stand in the query by the name of the field, says the prose of search and scroll; so does `_keyword`. `an`
/// names the account.
pub(super) fn excuses_parameter(operation: &str, name: &str) -> bool {
    let searches = operation.ends_with("/search") || operation.ends_with("/scroll");
    searches && (!name.starts_with('_') || name == "_keyword")
}

/// An error in an answer or a body that the page's schema is to blame for.
pub(super) fn excuses_error(operation: &str, exchange: &Value, error: &ValidationError<'_>) -> bool {
    match error.kind() {
        // The page shows a schema with one property, called `name`, and no other keyword of JSON Schema.
        ValidationErrorKind::AdditionalProperties { .. } => operation.contains("/schemas"),
        // With `_fields` the identity of the document is left out like any other field.
        ValidationErrorKind::Required { .. } => {
            operation.starts_with("GET /api/dataentities/") && !exchange["query"]["_fields"].is_null()
        }
        _ => false,
    }
}

/// The page with the fields of an entity, for writes whose generic pages take any field and so miss a misspelt one.
pub(super) fn own_page(exchange: &Value) -> Option<(&str, &'static str)> {
    let path = exchange["path"].as_str()?.strip_prefix(EQUIVALENT_PAGES)?;
    let writes = matches!(exchange["method"].as_str()?, "POST" | "PUT" | "PATCH");
    let (entity, rest) = path.split_once('/')?;
    let page = match entity {
        "CL" => "POST /api/dataentities/CL/documents",
        "AD" => "POST /api/dataentities/AD/documents",
        _ => return None,
    };
    (writes && rest.starts_with("documents")).then_some((entity, page))
}

/// A field that is missing on the entity's own page, or whose values there are too few.
pub(super) fn excuses_field(entity: &str, error: &ValidationError<'_>) -> bool {
    let known = |field: &str| {
        FIELDS.iter().any(|(owner, name, _)| *owner == entity && *name == field)
            || CUSTOM_PREFIXES.iter().any(|(prefix, _)| field.starts_with(prefix))
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().all(|field| known(field))
        }
        ValidationErrorKind::Enum { .. } => {
            error.instance_path().to_string().strip_prefix('/').is_some_and(known)
        }
        _ => false,
    }
}
