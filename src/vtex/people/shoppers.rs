//! Customers as the shop changes them (VTEX Master Data v1, search and documents of `CL`).

use compact_str::CompactString;
use serde_json::Value as Json;

use super::{Document, ENTITIES_PATH, bare, malformed, parse, text};
use crate::core::call::Failure;
use crate::core::call::people::{DateField, SHOPPERS_PAGE, Shopper, Span};
use crate::core::time::Timestamp;
use crate::vtex::request::push_escaped;

/// What a [`Shopper`] is made of.
pub(super) const FIELDS: &str = "id,email,document,corporateDocument,isNewsletterOptIn,createdIn,updatedIn";

pub(super) fn search_path(span: &Span) -> String {
    let (from, to) = (span.from, span.to);
    let (field, condition) = match span.date {
        DateField::Updated => ("updatedIn", format!("updatedIn between {from} AND {to}")),
        DateField::Created => {
            ("createdIn", format!("createdIn between {from} AND {to} AND updatedIn is null"))
        }
    };
    let mut path = format!("{ENTITIES_PATH}/CL/search?_fields={FIELDS}&_where=");
    push_escaped(&mut path, &condition);
    path.push_str("&_sort=");
    push_escaped(&mut path, &format!("{field} ASC"));
    path
}

/// The header `REST-Range`.
pub(super) fn range(span: &Span) -> String {
    format!("resources={}-{}", span.skip, span.skip + SHOPPERS_PAGE)
}

pub(super) fn page(body: &[u8]) -> Result<Vec<Shopper>, Failure> {
    parse::<Vec<Document>>(body, "customers by date")?.iter().map(shopper).collect()
}

pub(super) fn one(body: &[u8]) -> Result<Shopper, Failure> {
    shopper(&parse(body, "customer")?)
}

fn shopper(document: &Document) -> Result<Shopper, Failure> {
    let filled = |name| text(document, name).map(str::trim).filter(|text| !text.is_empty());
    let moment = |name| {
        let read = |text: &str| {
            let unreadable = || malformed("customer", &format!("{name} is no date"));
            text.parse().map(|at: jiff::Timestamp| Timestamp(at.as_microsecond())).map_err(|_| unreadable())
        };
        filled(name).map(read).transpose()
    };
    let missing = |name| malformed("customer", &format!("it has no {name}"));
    let created_at = moment("createdIn")?.ok_or_else(|| missing("createdIn"))?;
    Ok(Shopper {
        id: filled("id").map(bare).ok_or_else(|| missing("id"))?,
        email: filled("email").map(CompactString::new),
        documents: ["document", "corporateDocument"]
            .into_iter()
            .filter_map(filled)
            .map(CompactString::new)
            .collect(),
        newsletter: document.get("isNewsletterOptIn").and_then(Json::as_bool),
        created_at,
        changed_at: moment("updatedIn")?.unwrap_or(created_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: &str = r#"{"id":"CL-0B2F","email":" ana@example.com ","document":"529.982.247-25","corporateDocument":null,
        "isNewsletterOptIn":true,"createdIn":"2026-01-31T10:00:00.1234567Z","updatedIn":"2026-02-01T10:00:00Z"}"#;

    #[test]
    fn a_page_is_asked_for_as_documented() {
        let span = Span { date: DateField::Updated, from: Timestamp(0), to: Timestamp(1_000_000), skip: 100 };
        assert_eq!(
            search_path(&span),
            "/api/dataentities/CL/search?_fields=id,email,document,corporateDocument,isNewsletterOptIn,createdIn,updatedIn\
             &_where=updatedIn%20between%201970-01-01T00%3A00%3A00.000Z%20AND%201970-01-01T00%3A00%3A01.000Z\
             &_sort=updatedIn%20ASC"
        );
        assert_eq!(range(&span), "resources=100-200");
        let created = search_path(&Span { date: DateField::Created, ..span });
        assert!(created.ends_with("%20AND%20updatedIn%20is%20null&_sort=createdIn%20ASC"), "{created}");
    }

    #[test]
    fn a_shopper_is_read_and_never_shown() {
        let ana = one(ANA.as_bytes()).unwrap();
        assert_eq!((ana.id.as_str(), ana.email.as_deref()), ("0b2f", Some("ana@example.com")));
        assert_eq!((ana.documents.len(), ana.newsletter), (1, Some(true)));
        assert_eq!(ana.created_at.to_string(), "2026-01-31T10:00:00.123Z");
        assert_eq!(ana.changed_at.to_string(), "2026-02-01T10:00:00.000Z");
        assert!(!format!("{ana:?}").contains("ana"));
        // Never changed since it was made, and nothing said.
        let new = one(br#"{"id":"a","createdIn":"2026-01-31T10:00:00+00:00","updatedIn":null}"#).unwrap();
        assert_eq!((new.changed_at, new.newsletter), (new.created_at, None));
        for broken in ["{}", r#"{"id":"a"}"#, r#"{"id":"a","createdIn":"ana@example.com"}"#, "[]"] {
            let Err(Failure::Malformed(why)) = one(broken.as_bytes()) else { panic!("{broken}") };
            assert!(!why.contains("ana"), "{why}");
        }
        assert_eq!(page(format!("[{ANA},{ANA}]").as_bytes()).unwrap().len(), 2);
    }
}
