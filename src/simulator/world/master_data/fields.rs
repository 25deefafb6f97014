//! The entities of Master Data v1 that every account has, `CL` and `AD`: their fields and what these accept.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::Value;

use super::document::Fields;
use super::options::{CustomField, FieldKind, UnknownFields};

/// Longest text where the pages of `CL` give no other limit.
const TEXT_MAX: usize = 300;
/// "Price tables associated, separated by commas": the tightest limit of `CL`.
const PRICE_TABLES_MAX: usize = 50;

/// Set by Master Data itself; in every entity of both versions.
pub(super) const SYSTEM_FIELDS: [&str; 10] = [
    "id",
    "accountId",
    "accountName",
    "dataEntityId",
    "createdBy",
    "createdIn",
    "updatedBy",
    "updatedIn",
    "lastInteractionBy",
    "lastInteractionIn",
];

const TEXT: FieldKind = FieldKind::Text(TEXT_MAX);

const CUSTOMER: [(&str, FieldKind); 24] = [
    ("email", FieldKind::Email),
    ("userId", TEXT),
    ("firstName", TEXT),
    ("lastName", TEXT),
    ("nickName", TEXT),
    ("document", TEXT),
    ("documentType", TEXT),
    ("phone", TEXT),
    ("homePhone", TEXT),
    ("businessPhone", TEXT),
    ("cellPhone", TEXT),
    ("birthDate", FieldKind::Date),
    ("gender", TEXT),
    ("isCorporate", FieldKind::Boolean),
    ("corporateName", TEXT),
    ("tradeName", TEXT),
    ("corporateDocument", TEXT),
    ("stateRegistration", TEXT),
    ("isFreeStateRegistration", FieldKind::Boolean),
    ("isNewsletterOptIn", FieldKind::Boolean),
    ("localeDefault", TEXT),
    ("customerClass", TEXT),
    ("priceTables", FieldKind::Text(PRICE_TABLES_MAX)),
    ("restrictions", FieldKind::Object),
];

const ADDRESS: [(&str, FieldKind); 15] = [
    ("userId", TEXT),
    ("addressName", TEXT),
    ("addressLabel", TEXT),
    ("addressType", TEXT),
    ("receiverName", TEXT),
    ("postalCode", TEXT),
    ("street", TEXT),
    ("number", TEXT),
    ("complement", TEXT),
    ("neighborhood", TEXT),
    ("reference", TEXT),
    ("city", TEXT),
    ("state", TEXT),
    ("country", TEXT),
    ("geoCoordinate", TEXT),
];

/// The fields of an entity of v1.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<(String, FieldKind)>,
    unknown: UnknownFields,
}

impl Structure {
    pub(super) fn customers(custom: &[CustomField], unknown: UnknownFields) -> Self {
        Self::new("CL", "Cliente", &CUSTOMER, custom, unknown)
    }

    pub(super) fn addresses(custom: &[CustomField], unknown: UnknownFields) -> Self {
        Self::new("AD", "Endereço", &ADDRESS, custom, unknown)
    }

    fn new(
        acronym: &str,
        name: &'static str,
        own: &[(&str, FieldKind)],
        custom: &[CustomField],
        unknown: UnknownFields,
    ) -> Self {
        let own = own.iter().map(|(name, kind)| ((*name).to_owned(), *kind));
        let custom = custom.iter().filter(|field| field.entity == acronym);
        let fields = own.chain(custom.map(|field| (field.name.clone(), field.kind))).collect();
        Self { name, fields, unknown }
    }

    /// Checks what a request writes and drops what is to be ignored; the message is the one of the 400.
    pub(super) fn accept(&self, fields: &mut Fields) -> Result<(), String> {
        if self.unknown == UnknownFields::Ignored {
            fields.retain(|name, _| self.kind(name).is_some());
        }
        for (name, value) in fields {
            let kind = self.kind(name).ok_or_else(|| format!("Field '{name}' not found"))?;
            // The value stays out of the message: it is a person's.
            if !value.is_null() && !accepts(kind, value) {
                return Err(format!("Field '{name}' is not a valid {}", kind.name()));
            }
        }
        Ok(())
    }

    pub(super) fn kind(&self, name: &str) -> Option<FieldKind> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, kind)| *kind)
    }
}

fn accepts(kind: FieldKind, value: &Value) -> bool {
    let text = value.as_str();
    match kind {
        FieldKind::Text(max) => text.is_some_and(|text| text.chars().count() <= max),
        FieldKind::Email => text.is_some_and(is_email),
        FieldKind::Boolean => value.is_boolean(),
        FieldKind::Integer => value.is_i64() || value.is_u64(),
        FieldKind::Decimal => value.is_number(),
        FieldKind::Date => text.is_some_and(is_date),
        FieldKind::Object => value.is_object(),
    }
}

fn is_email(text: &str) -> bool {
    let plain = text.chars().count() <= TEXT_MAX && !text.contains(char::is_whitespace);
    plain
        && text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !host.contains('@') && !host.ends_with('.')
        })
}

fn is_date(text: &str) -> bool {
    text.parse::<Date>().is_ok() || text.parse::<DateTime>().is_ok() || text.parse::<Timestamp>().is_ok()
}
