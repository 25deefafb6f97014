//! Rows of Live as the mapping wants them. `Debug` shows none of it.

use std::fmt;

use compact_str::CompactString;

use crate::core::time::Timestamp;

/// A customer with everything that belongs to one.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonRows {
    pub customer: CustomerRow,
    /// In any order.
    pub addresses: Vec<AddressRow>,
    /// In any order.
    pub consents: Vec<ConsentRow>,
}

/// A row of `cliente`.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerRow {
    pub code: CompactString,
    /// 1 person, 2 company, 3 informal.
    pub kind: i64,
    pub document: Option<String>,
    /// Of companies: the state registration.
    pub registration: Option<String>,
    pub name: String,
    pub trade_name: Option<String>,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    pub sex: Option<i64>,
    pub email: Option<String>,
    pub cell_phone: Option<String>,
    pub phone: Option<String>,
    pub active: bool,
    /// `data_anonimizacao` is set.
    pub erased: bool,
    /// What decides about price tables, where that is configured.
    pub price_group: Option<String>,
}

/// A row of `cliente_endereco`.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressRow {
    pub id: CompactString,
    /// 1 main, 2 residential, 3 commercial, 4 delivery.
    pub kind: i64,
    pub receiver: Option<String>,
    pub street: String,
    pub number: Option<String>,
    pub complement: Option<String>,
    pub neighborhood: Option<String>,
    pub city: String,
    pub state: String,
    pub postal_code: String,
    /// Three letters.
    pub country: String,
    pub reference: Option<String>,
    pub active: bool,
}

/// A row of `cliente_consentimento` with the letter and the purpose that it names.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsentRow {
    /// Code of the purpose.
    pub purpose: CompactString,
    /// 1 accepted, 2 refused, 3 revoked, 4 expired.
    pub state: i64,
    pub channel: CompactString,
    pub accepted: Option<Timestamp>,
    pub revoked: Option<Timestamp>,
    /// Code of the letter.
    pub letter: CompactString,
    pub version: i32,
    pub text_hash: CompactString,
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
shows_nothing!(PersonRows CustomerRow AddressRow ConsentRow);
