//! Products of Live as VTEX's catalog shall hold them.
//!
//! One product with everything that belongs to it goes in; its brand, its categories, one or more products and
//! their SKUs come out, each with what was adjusted or refused. The order of the rows changes nothing.

use std::collections::BTreeSet;

use compact_str::CompactString;

use crate::core::entity::{Entity, Key};
use crate::core::value::Value;

use super::counts::Reason;

mod category;
pub mod config;
mod gtin;
mod image;
pub mod links;
mod measure;
mod product;
mod refusal;
pub mod rows;
mod rtf;
mod sku;
mod slug;
mod specification;
mod template;
mod text;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use refusal::Refusal;

use config::{CatalogConfig, Grouping};
use rows::{Lookups, ProductInput, SkuRow};

/// What VTEX takes (Catalog API), in characters where nothing else is said.
pub(super) mod limits {
    pub(in super::super) const PRODUCT_NAME: usize = 150;
    pub(in super::super) const TITLE: usize = 150;
    pub(in super::super) const PRODUCT_REFERENCE: usize = 100;
    pub(in super::super) const KEYWORDS: usize = 8000;
    pub(in super::super) const CATEGORY_NAME: usize = 150;
    pub(in super::super) const SPECIFICATION_NAME: usize = 100;
    pub(in super::super) const SKU_NAME: usize = 200;
    pub(in super::super) const SKU_REFERENCE: usize = 50;
    /// SKUs of one product.
    pub(in super::super) const SKUS: usize = 50;
    /// Largest number (int32).
    pub(in super::super) const INT: u32 = 2_147_483_647;
}

/// Something that could not be sent as it stands in Live.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// What it is about.
    pub key: Key,
    pub reason: Reason,
    /// Which field or row, for the operator.
    pub detail: String,
}

/// Collects notes.
#[derive(Debug, Default)]
struct Notes(Vec<Note>);

impl Notes {
    fn add(&mut self, key: &Key, reason: Reason, detail: impl Into<String>) {
        self.0.push(Note { key: key.clone(), reason, detail: detail.into() });
    }

    /// `raw` as one clean line of at most `max` characters.
    fn fit(&mut self, key: &Key, field: &str, raw: &str, max: usize) -> String {
        if text::has_noise(raw) {
            self.add(key, Reason::BadText, field);
        }
        let line = text::line(raw);
        match text::cut(&line, max) {
            None => line,
            Some(cut) => {
                self.add(key, Reason::TextCut, field);
                cut.to_owned()
            }
        }
    }
}

/// What a product of Live means for VTEX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapped {
    Wanted(Wanted),
    /// "Integra Ecommerce" is off. What VTEX holds of these keys is to be hidden, see [`withdrawn`]; the others
    /// are never created.
    Withdrawn(Vec<Key>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// In the order in which they depend on each other: brand, categories from the uppermost down, products,
    /// SKUs; each kind in the order of its keys.
    pub wants: Vec<(Key, Value)>,
    /// SKUs that cannot be sent, while the others can.
    pub refused: Vec<(Key, Refusal)>,
    /// What was left out or adjusted, to be counted.
    pub notes: Vec<Note>,
}

/// Maps one product.
///
/// # Errors
/// When nothing of the product can be sent. [`keys`] tells what it would have been.
pub fn map(config: &CatalogConfig, lookups: &Lookups, input: &ProductInput) -> Result<Mapped, Refusal> {
    if !input.product.in_ecommerce {
        return Ok(Mapped::Withdrawn(keys(config, lookups, input)));
    }
    let mut notes = Notes::default();
    let described = product::describe(config, lookups, input, &mut notes)?;
    let mut refused = Vec::new();
    let members = sku::members(config, lookups, input, &described, &mut refused, &mut notes);
    let mut wants = described.parents.clone();
    wants.extend(described.products(config, &members, &mut notes));
    let mut skus = Vec::with_capacity(members.len());
    let mut taken = BTreeSet::new();
    for member in &members {
        match sku::sku(config, input, &described, member, &mut taken, &mut notes) {
            Ok(sku) => skus.push((member.key.clone(), Value::Sku(Box::new(sku)))),
            Err(refusal) => refused.push((member.key.clone(), refusal)),
        }
    }
    skus.sort_by(|(one, _), (other, _)| one.cmp(other));
    wants.extend(skus);
    refused.sort_by(|(one, _), (other, _)| one.cmp(other));
    notes.0.sort();
    notes.0.dedup();
    Ok(Mapped::Wanted(Wanted { wants, refused, notes: notes.0 }))
}

/// The keys of a product's products and SKUs in VTEX, whether or not they can be sent.
pub fn keys(config: &CatalogConfig, lookups: &Lookups, input: &ProductInput) -> Vec<Key> {
    let code = input.product.code.trim();
    let mut keys = BTreeSet::new();
    if config.grouping == Grouping::Product {
        keys.insert(key(Entity::Product, code));
    }
    for row in &input.skus {
        keys.insert(key(Entity::Sku, &row.reference));
        keys.insert(key(Entity::Product, &product_reference(config, lookups, code, row)));
    }
    keys.into_iter().filter(|key| !key.id.is_empty()).collect()
}

/// The hidden form of what VTEX holds; `None` for what cannot be hidden, or is already.
pub fn withdrawn(value: &Value) -> Option<Value> {
    match value {
        Value::Product(product) if product.shown => {
            let mut product = product.clone();
            product.shown = false;
            Some(Value::Product(product))
        }
        Value::Sku(sku) if sku.active => {
            let mut sku = sku.clone();
            sku.active = false;
            Some(Value::Sku(sku))
        }
        _ => None,
    }
}

/// Reference of the product that a SKU belongs to in VTEX.
fn product_reference(config: &CatalogConfig, lookups: &Lookups, code: &str, row: &SkuRow) -> CompactString {
    let colour = row.colour.as_ref().and_then(|id| lookups.colours.get(id));
    match (config.grouping, colour) {
        (Grouping::Colour, Some(colour)) => CompactString::from(format!("{code}-{}", colour.code.trim())),
        _ => CompactString::from(code),
    }
}

fn key(entity: Entity, id: &str) -> Key {
    Key { entity, id: CompactString::from(id) }
}

/// A reference as VTEX takes it: nothing of it may be changed, since it is an identity.
fn check_reference(what: &'static str, reference: &str, max: usize) -> Result<(), Refusal> {
    let fits = !reference.trim().is_empty() && text::length(reference) <= max && !text::has_noise(reference);
    if fits { Ok(()) } else { Err(Refusal::Reference { what, max }) }
}
