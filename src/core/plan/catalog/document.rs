//! Documents of the catalog: our fields set in what VTEX has.

use serde_json::{Number, Value as Json};

use crate::core::call::catalog::Document;
use crate::core::money::Decimal4;

/// Fields of ours, as VTEX writes them.
pub(super) type Fields = Vec<(&'static str, Json)>;

/// A document that consists of our fields.
pub(super) fn of(fields: Fields) -> Document {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `held` with our fields; none: it has them already.
pub(super) fn merge(held: &Document, fields: Fields) -> Option<Document> {
    let differing: Vec<_> =
        fields.into_iter().filter(|(name, value)| !agrees(value, held.get(*name))).collect();
    if differing.is_empty() {
        return None;
    }
    let mut merged = held.clone();
    for (name, value) in differing {
        merged.insert(name.to_owned(), value);
    }
    Some(merged)
}

/// A body without what VTEX only shows, and without what is empty: leaving that out empties it, too.
pub(super) fn writable(mut document: Document, shown_only: &[&str]) -> Document {
    document.retain(|name, value| !value.is_null() && !shown_only.contains(&name.as_str()));
    document
}

fn agrees(wanted: &Json, held: Option<&Json>) -> bool {
    match (wanted, held) {
        (Json::Null, None) => true,
        (Json::String(wanted), None | Some(Json::Null)) => wanted.trim().is_empty(),
        // VTEX cuts off blanks at the ends.
        (Json::String(wanted), Some(Json::String(held))) => wanted.trim() == held.trim(),
        (Json::Number(wanted), Some(Json::Number(held))) => wanted.as_f64() == held.as_f64(),
        (wanted, held) => Some(wanted) == held,
    }
}

/// Whole numbers without decimals: VTEX refuses `1.0` where it wants an integer.
pub(super) fn decimal(value: Decimal4) -> Json {
    if value.is_whole() {
        return Json::from(value.floor());
    }
    #[expect(clippy::cast_precision_loss, reason = "measures have far fewer than 15 digits")]
    let number = value.0 as f64 / 10_000.0;
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}

/// The field, unless Live does not have it.
pub(super) fn given<T>(fields: &mut Fields, name: &'static str, value: Option<T>)
where
    Json: From<T>,
{
    fields.extend(value.map(|value| (name, Json::from(value))));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_changed_only_where_it_differs() {
        let held = json!({"Name": " Vestido ", "Weight": 550.0, "Score": 3, "Foreign": "x"});
        let held = held.as_object().unwrap();
        let same = vec![("Name", json!("Vestido")), ("Weight", json!(550)), ("Title", json!(""))];
        assert_eq!(merge(held, same), None);
        let merged = merge(held, vec![("Score", json!(4)), ("Name", json!("Vestido"))]).unwrap();
        let expected = json!({"Name": " Vestido ", "Weight": 550.0, "Score": 4, "Foreign": "x"});
        assert_eq!(Json::Object(merged), expected);
    }

    #[test]
    fn a_body_has_neither_what_vtex_only_shows_nor_what_is_empty() {
        let held = json!({"Id": 7, "Name": "x", "ModalType": null, "Text": ""});
        let body = writable(held.as_object().unwrap().clone(), &["Id"]);
        assert_eq!(Json::Object(body), json!({"Name": "x", "Text": ""}));
    }

    #[test]
    fn decimals_are_written_as_short_as_they_are() {
        assert_eq!(decimal(Decimal4(100_000)).to_string(), "10");
        assert_eq!(decimal(Decimal4(123_500)).to_string(), "12.35");
        assert_eq!(decimal(Decimal4(1)).to_string(), "0.0001");
    }
}
