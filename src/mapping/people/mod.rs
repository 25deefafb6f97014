//! From the rows of a customer to what VTEX shall know: pure rules.
//!
//! | file | holds |
//! |---|---|
//! | `rows` | what is read of Live, with letters and purposes joined |
//! | `config` | `[mapping.customers]` and `[mapping.consent]` |
//! | `customer` | who it is, and the addresses |
//! | `consent` | which act counts for a purpose |
//! | `document`, `contact`, `place` | checks: CPF and CNPJ, e-mail and telephone, postal code and state |
//! | `reason` | why something was left out |
//!
//! Two rules stand above the others. Somebody who is anonymised in Live is erased, whatever else the rows say. And
//! what takes a consent back is never outdone by an agreement that is older, or not known to be newer; it reaches VTEX
//! though the customer has no address any more, or may not be known any more.

use compact_str::CompactString;

use crate::core::value::Value;
use crate::core::value::person::{Act, Consent, ConsentState, Customer};

mod config;
mod consent;
mod contact;
mod customer;
mod document;
mod place;
mod reason;
mod rows;

pub use config::{ConsentConfig, CustomersConfig, InvalidPeopleConfig, OnDelete};
pub use contact::{EmailError, email, phone};
pub use document::{cnpj, cpf};
pub use place::{postal_code, state};
pub use reason::PeopleReason;
pub use rows::{AddressRow, ConsentRow, CustomerRow, PersonRows};

/// What VTEX was told of a customer before, or is about to be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'a> {
    pub customer: Option<&'a Customer>,
    pub consent: Option<&'a Consent>,
}

impl Told<'_> {
    fn email(&self) -> Option<&CompactString> {
        self.consent.map(|consent| &consent.email).or(self.customer.map(|customer| &customer.email))
    }
}

/// What the rows of a customer mean for VTEX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedPerson {
    /// The value of the customer's key; an error: nothing is sent, and VTEX keeps what it has.
    pub customer: Result<Value, PeopleReason>,
    /// The value of the consent's key, which has the same id.
    pub consent: Result<Value, PeopleReason>,
    /// What was left out of both, once for each time.
    pub left_out: Vec<PeopleReason>,
}

/// Maps a customer with all addresses and consents.
pub fn person(
    rows: &PersonRows,
    told: Told<'_>,
    customers: &CustomersConfig,
    consents: &ConsentConfig,
) -> MappedPerson {
    if rows.customer.erased {
        let (customer, consent) = (Ok(Value::Erased), Ok(Value::Erased));
        return MappedPerson { customer, consent, left_out: Vec::new() };
    }
    let mut left_out = Vec::new();
    let acts = consent::newest(&rows.consents, &mut left_out);
    let before = told.consent.map(|consent| consent.acts.as_slice()).unwrap_or_default();
    let acts = consent::following(acts, before, &mut left_out);
    let agreed_to = |purpose: &str| {
        acts.iter().find(|act| act.purpose == purpose).map(|act| act.state == ConsentState::Accepted)
    };
    let may_be_known = !customers.require_basic_consent || agreed_to(&customers.basic_purpose) == Some(true);
    let email = contact::email(rows.customer.email.as_deref()).map_err(PeopleReason::from);
    let customer = customer::map(rows, email.clone(), may_be_known, customers, &mut left_out);
    let newsletter = agreed_to(&consents.email_marketing_purpose)
        // Nobody is signed up who may not be known at all; signing off is for everybody.
        .filter(|agreed| !agreed || customer.is_ok())
        // Whom we signed up, and may not sign up any more.
        .or_else(|| told.consent?.newsletter.map(|_| false));
    let unsendable = match &email {
        _ if rows.customer.kind == customer::INFORMAL => Some(PeopleReason::Informal),
        Err(reason) => Some(*reason),
        Ok(_) => acts.is_empty().then_some(PeopleReason::NothingSaid),
    };
    let consent = email.ok().or_else(|| told.email().cloned()).map(|email| Consent {
        email,
        customer: rows.customer.code.clone(),
        newsletter,
        acts,
    });
    // What is taken back must reach VTEX, whatever became of the customer since.
    let must = |consent: &Consent| told.email().is_some() && consent.takes_back();
    let consent = match (unsendable, consent) {
        (Some(reason), consent) => consent.filter(must).ok_or(reason),
        (None, consent) => consent.ok_or(PeopleReason::NoEmail),
    };
    let consent = consent.map(|consent| Value::Consent(Box::new(consent)));
    let customer = customer.map(|customer| Value::Customer(Box::new(customer)));
    MappedPerson { customer, consent, left_out }
}

/// The act that counts for each purpose, as [`person`] takes it.
pub fn newest_acts(rows: &[ConsentRow]) -> Vec<Act> {
    consent::newest(rows, &mut Vec::new())
}

/// One line, without blanks at its ends (VTEX refuses some texts that end in one) and without control characters;
/// `None` when nothing is left.
fn clean(text: &str) -> Option<String> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<_> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests;
