//! Master Data as a simulator is started with: its pace, and what VTEX does where its documents are silent.

use std::str::FromStr;
use std::time::Duration;

/// The longest of VTEX's types of short text, Varchar 750.
const CUSTOM_TEXT_MAX: usize = 750;

/// Master Data and the erasure of a person's data.
#[derive(Clone, Debug)]
pub struct MasterDataOptions {
    /// How long a write stays invisible to search and scroll; a get by id shows it at once.
    pub search_lag: Duration,
    /// How long a data erasure job is `InProgress`.
    pub erasure_takes: Duration,
    /// How a data erasure job ends.
    pub erasure_outcome: ErasureOutcome,
    /// Fields that the account's Admin added to `CL` or `AD`.
    pub custom_fields: Vec<CustomField>,
    /// Entity and field that only "Full access to all documents" may read or filter by.
    pub private_fields: Vec<(String, String)>,
    /// The shape of the answer to a document that was saved.
    pub saved_answer: SavedAnswer,
    /// What happens to a document whose unique fields belong to another one.
    pub duplicates: Duplicates,
    /// What happens to a field that `CL` or `AD` does not have.
    pub unknown_fields: UnknownFields,
    /// A PUT or PATCH by id that changes nothing answers 304, as the API's overview says for all of them. Otherwise
    /// 204, the only status on the page of the operation.
    pub not_modified_by_id: bool,
    /// A PATCH of an id that does not exist creates the document, as the API's overview says. Otherwise 404.
    pub patch_creates: bool,
    /// Status of a PUT or PATCH whose `_where` the document does not meet (undocumented).
    pub condition_failed_status: u16,
    /// POST to an entity of v2 answers 202 instead of 201. The document is there at once all the same.
    pub accepts_posts: bool,
    /// A write of a document whose previous write is still being processed answers 408. Otherwise it waits for its
    /// turn.
    pub lock_timeouts: bool,
}

impl Default for MasterDataOptions {
    fn default() -> Self {
        Self {
            search_lag: Duration::ZERO,
            erasure_takes: Duration::ZERO,
            erasure_outcome: ErasureOutcome::Success,
            custom_fields: Vec::new(),
            private_fields: Vec::new(),
            saved_answer: SavedAnswer::Generic,
            duplicates: Duplicates::Refused(400),
            unknown_fields: UnknownFields::Refused,
            not_modified_by_id: true,
            patch_creates: true,
            condition_failed_status: 304,
            accepts_posts: false,
            lock_timeouts: false,
        }
    }
}

/// How a data erasure job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureOutcome {
    /// The person's data is deleted. A corporate customer's is not: VTEX erases natural persons only.
    Success,
    /// Nothing is deleted; VTEX gives up after ten attempts of its own.
    Failed,
    /// The API is in closed beta and this account is not part of it: 404.
    NotOffered,
}

/// The pages of one and the same call disagree on its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedAnswer {
    /// 201 `{Id, Href, DocumentId}`, as on the pages of v2.
    Generic,
    /// 201 `{id, href, documentId}`, as on the generic pages of v1.
    LowerCase,
    /// 200 `{Id, Href}`, as on the pages of `CL` and `AD`; there also for a PATCH by id, which is 204 elsewhere.
    OwnPage,
}

/// What happens to a document whose unique fields belong to another one (undocumented).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// Refused with this status.
    Refused(u16),
    /// POST lets it in; there are two documents then.
    PostAccepted,
}

/// What happens to a field that an entity of v1 does not have (undocumented).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// The whole document is refused with 400.
    Refused,
    /// The field is left out, the rest is saved.
    Ignored,
}

/// A field that was added to an entity of v1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    /// `CL` or `AD`.
    pub entity: String,
    /// Its name, as it stands in documents.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
}

/// Why a custom field on the command line is not one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CustomFieldError {
    /// No entity of v1, or no name.
    #[error(
        "`{0}` is not ENTITY.NAME or ENTITY.NAME:KIND with CL or AD as the entity, for example CL.codigoErp"
    )]
    Shape(String),
    /// No such kind.
    #[error("`{0}` is not text, boolean, integer, decimal or date")]
    Kind(String),
}

impl FromStr for CustomField {
    type Err = CustomFieldError;

    /// `CL.codigoErp`, which is text, or `CL.lgpdCartaVersao:integer`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, kind) = text.split_once(':').unwrap_or((text, "text"));
        let (entity, name) = path
            .split_once('.')
            .filter(|(entity, name)| matches!(*entity, "CL" | "AD") && !name.is_empty())
            .ok_or_else(|| CustomFieldError::Shape(text.to_owned()))?;
        let kind = match kind {
            "text" => FieldKind::Text(CUSTOM_TEXT_MAX),
            "boolean" => FieldKind::Boolean,
            "integer" => FieldKind::Integer,
            "decimal" => FieldKind::Decimal,
            "date" => FieldKind::Date,
            _ => return Err(CustomFieldError::Kind(kind.to_owned())),
        };
        Ok(Self { entity: entity.to_owned(), name: name.to_owned(), kind })
    }
}

/// What a field of v1 holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text of at most so many characters.
    Text(usize),
    /// An e-mail address.
    Email,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// `1992-11-17`, or a date and time.
    Date,
    /// Any JSON object.
    Object,
}

impl FieldKind {
    /// The name of the type in the structure of an entity.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text(_) => "Varchar",
            Self::Email => "Email",
            Self::Boolean => "Boolean",
            Self::Integer => "Integer",
            Self::Decimal => "Decimal",
            Self::Date => "Date",
            Self::Object => "Json",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_field_is_named_with_its_entity_and_kind() {
        let field = |text: &str| text.parse::<CustomField>();
        let expected =
            |name: &str, kind| CustomField { entity: "CL".to_owned(), name: name.to_owned(), kind };
        assert_eq!(field("CL.codigoErp"), Ok(expected("codigoErp", FieldKind::Text(CUSTOM_TEXT_MAX))));
        assert_eq!(field("CL.lgpdVersao:integer"), Ok(expected("lgpdVersao", FieldKind::Integer)));
        assert!(matches!(field("codigoErp"), Err(CustomFieldError::Shape(_))));
        assert!(matches!(field("XX.codigoErp"), Err(CustomFieldError::Shape(_))));
        assert_eq!(field("AD.ponto:money"), Err(CustomFieldError::Kind("money".to_owned())));
    }
}
