//! What Live wants VTEX to know about a person. `Debug` shows none of it.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::Value;
use crate::core::time::Timestamp;

/// A customer (cliente) with e-mail address and basic consent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Lower case, valid, not masked.
    pub email: CompactString,
    pub identity: Identity,
    /// E.164, like `+5511999990000`.
    pub phone: Option<CompactString>,
    pub cell_phone: Option<CompactString>,
    /// The code of Live.
    pub code: CompactString,
    /// Sorted by id.
    pub addresses: Vec<Address>,
    /// Further fields of the document that the configuration names, with their values; sorted.
    pub fields: Vec<(CompactString, CompactString)>,
}

impl Customer {
    /// Adds what only `other` has. Of a customer whose newest value was replaced before VTEX confirmed it, VTEX may
    /// hold either: what either has must be taken back, or erased.
    fn add(&mut self, other: &Self) {
        let known: Vec<_> = self.addresses.iter().map(|address| address.id.clone()).collect();
        let more = other.addresses.iter().filter(|address| !known.contains(&address.id)).cloned();
        self.addresses.extend(more);
        self.addresses.sort_by(|one, other| one.id.cmp(&other.id));
        let known: Vec<_> = self.fields.iter().map(|(name, _)| name.clone()).collect();
        let more = other.fields.iter().filter(|(name, _)| !known.contains(name)).cloned();
        self.fields.extend(more);
        self.fields.sort_unstable();
        add(&mut self.phone, &other.phone);
        add(&mut self.cell_phone, &other.cell_phone);
        match (&mut self.identity, &other.identity) {
            (
                Identity::Person { cpf, birth_date, gender, .. },
                Identity::Person { cpf: other_cpf, birth_date: other_date, gender: other_gender, .. },
            ) => {
                add(cpf, other_cpf);
                add(birth_date, other_date);
                add(gender, other_gender);
            }
            (
                Identity::Company { trade_name, cnpj, state_registration, .. },
                Identity::Company {
                    trade_name: other_name,
                    cnpj: other_cnpj,
                    state_registration: other_registration,
                    ..
                },
            ) => {
                add(trade_name, other_name);
                add(cnpj, other_cnpj);
                add(state_registration, other_registration);
            }
            _ => {}
        }
    }
}

fn add<T: Clone>(own: &mut Option<T>, other: &Option<T>) {
    if own.is_none() {
        own.clone_from(other);
    }
}

/// What VTEX may hold of a person when it confirmed `confirmed`, and requests for `replaced` may have been applied.
/// None: the value is about nobody.
pub(crate) fn told(confirmed: Option<&Value>, replaced: &Value) -> Option<Value> {
    Some(match (confirmed, replaced) {
        (Some(Value::Customer(confirmed)), Value::Customer(replaced)) => {
            let mut told = confirmed.clone();
            told.add(replaced);
            Value::Customer(told)
        }
        (Some(Value::Consent(confirmed)), Value::Consent(replaced)) => {
            let mut told = confirmed.clone();
            add(&mut told.newsletter, &replaced.newsletter);
            Value::Consent(told)
        }
        (_, Value::Customer(_) | Value::Consent(_)) => replaced.clone(),
        _ => return None,
    })
}

/// Who it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    Person {
        first_name: String,
        last_name: String,
        /// Digits, checked.
        cpf: Option<CompactString>,
        /// `YYYY-MM-DD`.
        birth_date: Option<CompactString>,
        /// `male` or `female`.
        gender: Option<CompactString>,
    },
    Company {
        name: String,
        trade_name: Option<String>,
        /// Digits, or letters and digits (from 2026 on), checked.
        cnpj: Option<CompactString>,
        state_registration: Option<CompactString>,
    },
}

/// An address of a customer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Of Live, lower case; also its id in VTEX, so that it cannot be created twice.
    pub id: CompactString,
    /// `residential` or `commercial`.
    pub kind: CompactString,
    /// Whom it is delivered to.
    pub receiver: String,
    pub street: String,
    /// Empty: it has none.
    pub number: String,
    pub complement: Option<String>,
    pub neighborhood: Option<String>,
    pub city: String,
    /// Two letters.
    pub state: CompactString,
    /// Eight digits.
    pub postal_code: CompactString,
    /// Three letters.
    pub country: CompactString,
    pub reference: Option<String>,
}

/// What a customer has agreed to, and what not (carta de consentimento).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// As in [`Customer::email`]. Where Live has none any more: the one that VTEX was told.
    pub email: CompactString,
    /// The code of Live's customer.
    pub customer: CompactString,
    /// E-mail marketing; none: nothing was ever said about it.
    pub newsletter: Option<bool>,
    /// The newest act for each purpose, sorted by purpose.
    pub acts: Vec<Act>,
}

/// What somebody said about one purpose.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// `CADASTRO`, `MARKETING_EMAIL` …
    pub purpose: CompactString,
    pub state: ConsentState,
    /// When it was said; none: Live has no date for it, and it takes something back (an agreement without a date
    /// proves nothing).
    pub at: Option<Timestamp>,
    pub channel: CompactString,
    /// The letter that was shown: code, version and the hash of its text.
    pub letter: CompactString,
    pub version: i32,
    pub text_hash: CompactString,
}

/// `cliente_consentimento.situacao`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentState {
    Accepted,
    Refused,
    Revoked,
    Expired,
    /// An agreement was told to VTEX, and Live has no record of it any more: nobody can show it.
    Deleted,
}

impl Consent {
    /// Whether it takes something back: that goes before everything else.
    pub fn takes_back(&self) -> bool {
        self.newsletter == Some(false) || self.acts.iter().any(Act::takes_back)
    }
}

impl Act {
    pub const fn takes_back(&self) -> bool {
        matches!(self.state, ConsentState::Refused | ConsentState::Revoked | ConsentState::Deleted)
    }
}

macro_rules! shows_nothing {
    ($($kind:ident)*) => {
        $(impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($kind), "(..)"))
            }
        })*
    };
}
shows_nothing!(Customer Identity Address Consent Act);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_person() {
        let consent = Consent {
            email: "ana@example.com".into(),
            customer: "123".into(),
            newsletter: Some(true),
            acts: Vec::new(),
        };
        let value = crate::core::value::Value::Consent(Box::new(consent));
        assert!(!format!("{value:?}").contains("ana"), "{value:?}");
    }
}
