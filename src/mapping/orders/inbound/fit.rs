//! Texts that fit into Live's columns (lengths of the reference schema). Addresses are cut, with a warning; names of people
//! and documents never are.

use std::collections::BTreeSet;

use compact_str::CompactString;

use crate::core::order::obstacle::Obstacle;
use crate::core::order::pedido::Place;
use crate::core::order::purchase::Address;
use crate::mapping::people;

const RECEIVER_MAX: usize = 80;
const STREET_MAX: usize = 120;
const NUMBER_MAX: usize = 20;
const COMPLEMENT_MAX: usize = 60;
const NEIGHBORHOOD_MAX: usize = 60;
const CITY_MAX: usize = 60;
const REFERENCE_MAX: usize = 120;

/// Cuts what is too long and remembers what it has cut.
#[derive(Default)]
pub(super) struct Fit {
    warned: BTreeSet<&'static str>,
}

impl Fit {
    /// The columns that did not take all.
    pub(super) fn warnings(self) -> Vec<&'static str> {
        self.warned.into_iter().collect()
    }

    pub(super) fn warn(&mut self, column: &'static str) {
        self.warned.insert(column);
    }

    /// At most `limit` characters, whole ones.
    pub(super) fn cut(&mut self, column: &'static str, text: &str, limit: usize) -> String {
        let text = without_controls(text);
        if length(&text) <= limit {
            return text;
        }
        self.warn(column);
        let mut left = limit;
        let fits = |c: &char| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        };
        let cut: String = text.chars().take_while(fits).collect();
        cut.trim_end().to_owned()
    }

    /// A code that is worth nothing when it is cut: left out when it is too long.
    pub(super) fn whole(
        &mut self,
        column: &'static str,
        text: Option<&CompactString>,
        limit: usize,
    ) -> Option<CompactString> {
        let text = text?;
        if length(text) <= limit {
            return Some(without_controls(text).into());
        }
        self.warn(column);
        None
    }

    /// A text that may not be cut.
    pub(super) fn name(
        &self,
        field: &'static str,
        text: &str,
        limit: usize,
        obstacles: &mut Vec<Obstacle>,
    ) -> String {
        let text = without_controls(text);
        let length = length(&text);
        if length > limit {
            obstacles.push(Obstacle::TooLong { field, length, limit });
        }
        text
    }

    /// An address that goods can be sent to.
    pub(super) fn place(
        &mut self,
        address: Option<&Address>,
        of: &'static str,
        obstacles: &mut Vec<Obstacle>,
    ) -> Option<Place> {
        let Some(address) = address else {
            obstacles.push(Obstacle::Unreadable(of.to_owned()));
            return None;
        };
        let mut missing = |field: &str| {
            obstacles.push(Obstacle::Unreadable(format!("{of}.{field}")));
            String::new()
        };
        let street = address.street.clone().unwrap_or_else(|| missing("street"));
        let city = address.city.clone().unwrap_or_else(|| missing("city"));
        let state = address.state.as_deref().and_then(people::state);
        let state = state.unwrap_or_else(|| missing("state").into());
        let postal_code = address.postal_code.as_deref().and_then(people::postal_code);
        let postal_code = postal_code.unwrap_or_else(|| missing("postalCode").into());
        let mut cut = |column, text: &Option<String>, limit| {
            text.as_deref().map(|text| self.cut(column, text, limit)).filter(|text| !text.is_empty())
        };
        Some(Place {
            number: cut("numero", &address.number, NUMBER_MAX),
            complement: cut("complemento", &address.complement, COMPLEMENT_MAX),
            neighborhood: cut("bairro", &address.neighborhood, NEIGHBORHOOD_MAX),
            reference: cut("referencia", &address.reference, REFERENCE_MAX),
            street: self.cut("logradouro", &street, STREET_MAX),
            city: self.cut("cidade", &city, CITY_MAX),
            state,
            postal_code,
            receiver: address
                .receiver
                .as_deref()
                .map(|name| self.name("the receiver's name", name, RECEIVER_MAX, obstacles)),
        })
    }
}

/// As both engines count: SQL Server counts UTF-16, which is never less than Postgres's characters.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Neither line breaks nor other controls: Postgres takes no NUL, and a label printer nothing of it.
pub(super) fn without_controls(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.trim().to_owned()
}
