//! Who a customer is, and the addresses.

use compact_str::CompactString;
use jiff::civil::Date;

use super::config::PRICE_TABLES_FIELD;
use super::rows::{AddressRow, CustomerRow, PersonRows};
use super::{CustomersConfig, PeopleReason, clean, contact, document, place};
use crate::core::value::person::{Address, Customer, Identity};

const PERSON: i64 = 1;
const COMPANY: i64 = 2;
pub(super) const INFORMAL: i64 = 3;

/// `cliente_endereco.tipo` of an address of a business.
const COMMERCIAL: i64 = 3;

/// Birth dates before are slips, or somebody's "unknown".
const FIRST_BIRTH_YEAR: i16 = 1900;

pub(super) fn map(
    rows: &PersonRows,
    email: Result<CompactString, PeopleReason>,
    may_be_known: bool,
    config: &CustomersConfig,
    left_out: &mut Vec<PeopleReason>,
) -> Result<Customer, PeopleReason> {
    let row = &rows.customer;
    match row.kind {
        PERSON | COMPANY => {}
        INFORMAL => return Err(PeopleReason::Informal),
        _ => return Err(PeopleReason::UnknownKind),
    }
    if !row.active {
        return Err(PeopleReason::Inactive);
    }
    let email = email?;
    if !may_be_known {
        return Err(PeopleReason::NotConsented);
    }
    let name = clean(&row.name).ok_or(PeopleReason::NoName)?;
    let identity = identity(row, &name, config, left_out);
    let mut checked = |text: &Option<String>| {
        optional(text.as_deref(), contact::phone, PeopleReason::InvalidPhone, left_out)
    };
    let (phone, cell_phone) = (checked(&row.phone), checked(&row.cell_phone));
    let addresses = addresses(&rows.addresses, &name, left_out);
    let fields = fields(row, config);
    Ok(Customer { email, identity, phone, cell_phone, code: row.code.clone(), addresses, fields })
}

/// What only some sites send.
fn fields(row: &CustomerRow, config: &CustomersConfig) -> Vec<(CompactString, CompactString)> {
    let code = config.code_field.iter().map(|field| (field.clone(), row.code.clone()));
    let group = row.price_group.as_deref().unwrap_or_default().trim();
    let tables = config.price_tables.get(group);
    let tables = tables.map(|tables| (PRICE_TABLES_FIELD.into(), CompactString::from(tables.join(","))));
    let mut fields: Vec<_> = code.chain(tables).collect();
    fields.sort_unstable();
    fields
}

fn identity(
    row: &CustomerRow,
    name: &str,
    config: &CustomersConfig,
    left_out: &mut Vec<PeopleReason>,
) -> Identity {
    let text = |text: &Option<String>| text.as_deref().and_then(clean);
    let document = row.document.as_deref();
    if row.kind == COMPANY {
        return Identity::Company {
            name: name.to_owned(),
            trade_name: text(&row.trade_name),
            cnpj: optional(document, document::cnpj, PeopleReason::InvalidDocument, left_out),
            state_registration: text(&row.registration).map(CompactString::from),
        };
    }
    let (first_name, last_name) = name.split_once(' ').unwrap_or((name, ""));
    Identity::Person {
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        cpf: optional(document, document::cpf, PeopleReason::InvalidDocument, left_out),
        birth_date: optional(row.birth_date.as_deref(), birth_date, PeopleReason::InvalidBirthDate, left_out),
        gender: gender(row.sex, config),
    }
}

fn gender(sex: Option<i64>, config: &CustomersConfig) -> Option<CompactString> {
    match sex {
        None => None,
        sex if sex == config.male => Some(CompactString::const_new("male")),
        sex if sex == config.female => Some(CompactString::const_new("female")),
        Some(_) => None,
    }
}

fn birth_date(text: &str) -> Option<CompactString> {
    let date: Date = text.trim().parse().ok()?;
    (date.year() >= FIRST_BIRTH_YEAR).then(|| CompactString::from(date.to_string()))
}

/// A value that the customer is sent without when it is none.
fn optional(
    text: Option<&str>,
    check: impl Fn(&str) -> Option<CompactString>,
    reason: PeopleReason,
    left_out: &mut Vec<PeopleReason>,
) -> Option<CompactString> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    let checked = check(text);
    if checked.is_none() {
        left_out.push(reason);
    }
    checked
}

/// Those that are in use and complete, sorted by id.
fn addresses(rows: &[AddressRow], name: &str, left_out: &mut Vec<PeopleReason>) -> Vec<Address> {
    let mut addresses = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|row| row.active) {
        match address(row, name) {
            Ok(address) => addresses.push(address),
            Err(reason) => left_out.push(reason),
        }
    }
    addresses.sort_by(|one, other| one.id.cmp(&other.id));
    addresses.dedup_by(|one, other| one.id == other.id);
    addresses
}

fn address(row: &AddressRow, name: &str) -> Result<Address, PeopleReason> {
    if !row.country.trim().eq_ignore_ascii_case("BRA") {
        return Err(PeopleReason::ForeignAddress);
    }
    let text = |text: &Option<String>| text.as_deref().and_then(clean);
    let needed = |text: Option<String>| text.ok_or(PeopleReason::InvalidAddress);
    Ok(Address {
        id: CompactString::from(needed(clean(&row.id))?.to_lowercase()),
        kind: CompactString::const_new(if row.kind == COMMERCIAL { "commercial" } else { "residential" }),
        receiver: text(&row.receiver).unwrap_or_else(|| name.to_owned()),
        street: needed(clean(&row.street))?,
        number: text(&row.number).unwrap_or_default(),
        complement: text(&row.complement),
        neighborhood: text(&row.neighborhood),
        city: needed(clean(&row.city))?,
        state: place::state(&row.state).ok_or(PeopleReason::InvalidAddress)?,
        postal_code: place::postal_code(&row.postal_code).ok_or(PeopleReason::InvalidAddress)?,
        country: CompactString::const_new("BRA"),
        reference: text(&row.reference),
    })
}
