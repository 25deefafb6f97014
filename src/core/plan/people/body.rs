//! What is sent about people: the fields of `CL`, of `AD` and of our own entity (VTEX Master Data v1, v2).

use std::fmt::Write as _;

use compact_str::CompactString;
use serde_json::Value as Json;

use crate::core::call::catalog::Document;
use crate::core::value::person::{Act, Address, ConsentState, Customer, Identity};

pub(super) type Fields = Document;

/// The field of `CL` for consent to e-mail marketing.
pub(super) const NEWSLETTER: &str = "isNewsletterOptIn";
/// Whose address it is.
const OWNER: &str = "userId";

/// The customer's own document. Without nulls: what Live does not know is left as the shop has it.
pub(super) fn profile(customer: &Customer) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "email", Some(&customer.email));
    match &customer.identity {
        Identity::Person { first_name, last_name, cpf, birth_date, gender } => {
            put(&mut fields, "firstName", Some(first_name));
            put(&mut fields, "lastName", Some(last_name));
            put(&mut fields, "document", cpf.as_deref());
            put(&mut fields, "documentType", cpf.as_ref().map(|_| "cpf"));
            put(&mut fields, "birthDate", birth_date.as_deref());
            put(&mut fields, "gender", gender.as_deref());
            fields.insert("isCorporate".to_owned(), false.into());
        }
        Identity::Company { name, trade_name, cnpj, state_registration } => {
            put(&mut fields, "corporateName", Some(name));
            put(&mut fields, "tradeName", trade_name.as_deref());
            put(&mut fields, "corporateDocument", cnpj.as_deref());
            put(&mut fields, "stateRegistration", state_registration.as_deref());
            fields.insert("isCorporate".to_owned(), true.into());
        }
    }
    let main = customer.cell_phone.as_deref().or(customer.phone.as_deref());
    put(&mut fields, "phone", main);
    put(&mut fields, "homePhone", customer.phone.as_deref());
    put(&mut fields, "cellPhone", customer.cell_phone.as_deref());
    for (name, value) in &customer.fields {
        put(&mut fields, name, Some(value));
    }
    fields
}

/// `fields`, and null for what we told before and Live does not have any more.
pub(super) fn replacing(mut fields: Fields, before: Option<&Customer>) -> Fields {
    let before = before.map(profile).unwrap_or_default();
    for name in before.keys() {
        fields.entry(name.as_str()).or_insert(Json::Null);
    }
    fields
}

pub(super) fn without_nulls(fields: &Fields) -> Fields {
    fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Id and fields of an address, without whose it is.
pub(super) fn known_address(address: &Address) -> (CompactString, Fields) {
    (address.id.clone(), address_fields(address))
}

pub(super) fn address(address: &Address, owner: &str) -> Fields {
    let mut fields = address_fields(address);
    put(&mut fields, OWNER, Some(owner));
    fields
}

pub(super) fn without_owner(fields: &Fields) -> Fields {
    let mut fields = fields.clone();
    fields.remove(OWNER);
    fields
}

fn address_fields(address: &Address) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "addressName", Some(&address.id));
    put(&mut fields, "addressType", Some(&address.kind));
    put(&mut fields, "receiverName", Some(&address.receiver));
    put(&mut fields, "street", Some(&address.street));
    put(&mut fields, "number", Some(&address.number));
    put(&mut fields, "complement", address.complement.as_deref());
    put(&mut fields, "neighborhood", address.neighborhood.as_deref());
    put(&mut fields, "reference", address.reference.as_deref());
    put(&mut fields, "city", Some(&address.city));
    put(&mut fields, "state", Some(&address.state));
    put(&mut fields, "postalCode", Some(&address.postal_code));
    put(&mut fields, "country", Some(&address.country));
    fields
}

/// Id and fields of the document about one act. It names nobody but by the code of Live: what proves the consent may
/// outlive the person's data.
pub(super) fn act(customer: &str, act: &Act) -> (CompactString, Fields) {
    let mut fields = Fields::new();
    put(&mut fields, "customer", Some(customer));
    put(&mut fields, "purpose", Some(&act.purpose));
    put(&mut fields, "state", Some(state(act.state)));
    put(&mut fields, "saidAt", act.at.map(|at| at.to_string()).as_deref());
    put(&mut fields, "channel", Some(&act.channel));
    put(&mut fields, "letter", Some(&act.letter));
    fields.insert("version".to_owned(), act.version.into());
    put(&mut fields, "textHash", Some(&act.text_hash));
    (act_id(customer, &act.purpose), fields)
}

const fn state(state: ConsentState) -> &'static str {
    match state {
        ConsentState::Accepted => "accepted",
        ConsentState::Refused => "refused",
        ConsentState::Revoked => "revoked",
        ConsentState::Expired => "expired",
        ConsentState::Deleted => "deleted",
    }
}

/// One id for each customer and purpose, the same for ever, of lower-case letters, digits and `-` only (Master Data
/// takes ids of different case for two documents in its index; VTEX known issue 1203412).
pub fn act_id(customer: &str, purpose: &str) -> CompactString {
    let mut id = CompactString::default();
    push_escaped(&mut id, customer);
    // Cannot come out of escaping.
    id.push_str("--");
    push_escaped(&mut id, &purpose.to_lowercase());
    id
}

fn push_escaped(id: &mut CompactString, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() {
            id.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(id, "-{byte:02x}");
        }
    }
}

/// Empty is as good as absent.
fn put(fields: &mut Fields, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        fields.insert(name.to_owned(), value.into());
    }
}
