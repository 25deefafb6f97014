//! Specifications of a product or of a SKU: given by names, taken back by the numbers that VTEX has for them.

use super::super::Situation;
use super::CatalogHeld;
use crate::core::call::catalog::{CatalogCall, RemoteSpecification, Specified};
use crate::core::value::catalog::Specification;

/// The specifications of one owner, as far as they are Live's to write.
pub(super) struct Specifications<'a> {
    pub(super) owner: Specified,
    pub(super) wanted: &'a [Specification],
    /// As VTEX confirmed them, where that can be relied upon.
    pub(super) ours: Option<&'a [Specification]>,
    /// As VTEX confirmed them, even if it may hold something else by now. Empty: nothing is to be taken back.
    pub(super) confirmed: &'a [Specification],
    pub(super) held: &'a CatalogHeld,
}

impl<'a> Specifications<'a> {
    pub(super) fn next(&self) -> Option<CatalogCall> {
        self.put().or_else(|| self.confirmed.iter().find_map(|one| self.withdraw(one)))
    }

    /// The first that VTEX is not known to have.
    fn put(&self) -> Option<CatalogCall> {
        let has = |known: &[Specification], one: &Specification| known.contains(one);
        let missing = |one: &&Specification| {
            !self.ours.is_some_and(|ours| has(ours, one)) && !has(&self.held.specifications, one)
        };
        let specification = self.wanted.iter().find(missing)?.clone();
        Some(match self.owner {
            Specified::Product(id) => CatalogCall::PutProductSpecification { id, specification },
            Specified::Sku(id) => CatalogCall::PutSkuSpecification { id, specification },
        })
    }

    /// Takes one back that Live does not have any more. A merchant who has given it another value keeps that.
    fn withdraw(&self, before: &Specification) -> Option<CatalogCall> {
        if self.held.created || self.wanted.iter().any(|one| is_named(&one.name, &before.name)) {
            return None;
        }
        let Some(assigned) = &self.held.assigned else {
            return Some(CatalogCall::ReadSpecifications { owner: self.owner });
        };
        let has_our_value =
            |one: &&RemoteSpecification| before.values.iter().any(|value| is_named(value, &one.text));
        assigned.iter().filter(has_our_value).find_map(|one| match self.name_of(one.field) {
            None => Some(CatalogCall::ReadField { field: one.field }),
            Some(name) if is_named(name, &before.name) => self.remove(one, assigned),
            Some(_) => None,
        })
    }

    fn name_of(&self, field: u32) -> Option<&'a str> {
        self.held.fields.iter().find(|(known, _)| *known == field).map(|(_, name)| name.as_str())
    }

    /// VTEX wants the field of a value of a list, and the value itself of everything else. Of SKUs its documents do not
    /// say, so one is tried after the other; but none that names something else of the same owner.
    fn remove(&self, one: &RemoteSpecification, assigned: &[RemoteSpecification]) -> Option<CatalogCall> {
        let numbers = if one.of_list { [one.field, one.id] } else { [one.id, one.field] };
        let names_another = |number: u32| {
            assigned.iter().any(|other| other.field != one.field && [other.id, other.field].contains(&number))
        };
        let untried = |number: &u32| !self.held.removed.contains(number) && !names_another(*number);
        let specification = numbers.into_iter().find(untried)?;
        Some(CatalogCall::RemoveSpecification { owner: self.owner, specification })
    }
}

/// Of one that is taken back: what VTEX confirmed, if that is to be looked at.
pub(super) fn confirmed<'a>(
    situation: &Situation<'a>,
    owned: bool,
    of: impl FnOnce(&'a crate::core::value::Value) -> Option<&'a [Specification]>,
) -> &'a [Specification] {
    situation.confirmed.filter(|_| owned).and_then(of).unwrap_or_default()
}

/// VTEX cuts blanks off, and its lists do not tell names apart by case.
fn is_named(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
