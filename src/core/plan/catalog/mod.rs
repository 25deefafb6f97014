//! Brands, categories, products and SKUs: from what Live wants to the next request.
//!
//! `PUT` replaces in VTEX, so a write is: read the thing, set the fields that are ours in what was read, put
//! all of it back, and only if that changes anything. What the merchant wrote into the other fields stays.
//!
//! With a confirmed value only the parts that differ from it are touched. Without one (the first time, or when
//! the outcome of a request is not known) every part is compared with VTEX itself.

use compact_str::CompactString;

use super::{Next, Situation};
use crate::core::call::catalog::{
    CatalogAnswer, CatalogCall, Document, RemoteComponent, RemoteImage, RemoteSpecification,
};
use crate::core::call::{Answer, Call};
use crate::core::entity::RemoteId;
use crate::core::value::Value;
use crate::core::value::catalog::{Image, Specification};

mod brand;
mod category;
mod document;
mod images;
mod kit;
mod product;
mod rules;
mod sku;
mod specifications;

pub use rules::{BrandField, CatalogRules, CategoryField, ProductField, SkuField};

use super::Held;

/// What VTEX's catalog holds of one thing, as far as this job knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogHeld {
    /// What VTEX confirmed of ours, as long as it can be relied upon.
    ours: Option<Box<Value>>,
    thing: Thing,
    /// It was made in this job: nothing belonged to it.
    created: bool,
    /// VTEX refused to create it: there is one.
    exists: bool,
    /// It was put in this job, which makes VTEX index it.
    saved: bool,
    policies: Option<Vec<u32>>,
    /// Trade policies were changed since it was put.
    policies_changed: bool,
    eans: Option<Vec<CompactString>>,
    images: Option<Vec<RemoteImage>>,
    /// Images that VTEX is known to have fetched from where they are, if it has them at all.
    fetched: Vec<Image>,
    /// Images that cannot be sent now, by name, and why.
    unfit: Vec<(CompactString, String)>,
    /// Put in this job.
    specifications: Vec<Specification>,
    /// All that the owner has, read since the last one was taken back.
    assigned: Option<Vec<RemoteSpecification>>,
    /// Names of the fields that were asked for.
    fields: Vec<(u32, String)>,
    /// By which numbers specifications were taken back in this job.
    removed: Vec<u32>,
    /// Numbers of SKUs by their references.
    resolved: Vec<(CompactString, u32)>,
    /// Components of a kit that were asked for, by SKU; none: it is not in the kit.
    components: Vec<(u32, Option<RemoteComponent>)>,
}

/// The thing itself, without what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Thing {
    #[default]
    Unknown,
    Absent,
    /// Found under its name; the list shows only a part of its fields.
    Listed(Document),
    /// Made in this job: as wanted.
    Created,
    /// As read, or as put, in this job.
    Whole(Document),
}

impl CatalogHeld {
    /// What `value` says, when it can be relied upon.
    pub(super) fn confirmed(value: &Value) -> Self {
        Self { ours: Some(Box::new(value.clone())), ..Self::default() }
    }

    /// What `value` says of what VTEX does not show, and nothing else.
    pub(super) fn to_prove(value: &Value) -> Self {
        let (specifications, fetched) = match value {
            Value::Product(product) => (product.specifications.clone(), Vec::new()),
            Value::Sku(sku) => (sku.specifications.clone(), sku.images.clone()),
            _ => Default::default(),
        };
        Self { specifications, fetched, ..Self::default() }
    }

    /// After VTEX accepted `call` with `answer`.
    pub(super) fn after(self, call: &CatalogCall, answer: &Answer) -> Self {
        match answer {
            Answer::Catalog(answer) => self.after_answer(call, answer.clone()),
            _ => self.after_write(call),
        }
    }

    fn after_answer(mut self, call: &CatalogCall, answer: CatalogAnswer) -> Self {
        match answer {
            // What was confirmed was about another one.
            CatalogAnswer::Created(_) => {
                let resolved = self.resolved;
                return Self { thing: Thing::Created, created: true, resolved, ..Self::default() };
            }
            CatalogAnswer::Exists(_) => {
                return Self { exists: true, resolved: self.resolved, ..Self::default() };
            }
            CatalogAnswer::Document(document) => {
                if call.is_first() {
                    self.ours = None;
                }
                self.thing = match document {
                    None => Thing::Absent,
                    Some(document) if call.shows_all() => Thing::Whole(document),
                    Some(document) => Thing::Listed(document),
                };
            }
            CatalogAnswer::TradePolicies(policies) => self.policies = Some(policies),
            CatalogAnswer::Eans(eans) => self.eans = Some(eans),
            CatalogAnswer::Images(images) => self.images = Some(images),
            CatalogAnswer::Resolved(id) => {
                if let CatalogCall::ResolveSku { reference } = call {
                    self.resolved.push((reference.clone(), id));
                }
            }
            CatalogAnswer::Specifications(assigned) => self.assigned = Some(assigned),
            CatalogAnswer::FieldName(name) => {
                if let CatalogCall::ReadField { field } = call {
                    self.fields.push((*field, name.unwrap_or_default()));
                }
            }
            CatalogAnswer::Unfit(reason) => {
                if let CatalogCall::AddImage { image, .. } | CatalogCall::PutImage { image, .. } = call {
                    self.unfit.push((image.name.clone(), format!("{}: {reason}", image.url)));
                }
            }
            CatalogAnswer::Component(component) => {
                if let CatalogCall::ReadComponent { sku, .. } = call {
                    self.set_component(*sku, component);
                }
            }
        }
        self
    }

    fn after_write(mut self, call: &CatalogCall) -> Self {
        match call {
            CatalogCall::PutBrand { body, .. }
            | CatalogCall::PutCategory { body, .. }
            | CatalogCall::PutProduct { body, .. }
            | CatalogCall::PutSku { body, .. } => {
                self.thing = Thing::Whole(body.clone());
                self.saved = true;
                self.policies_changed = false;
            }
            CatalogCall::PutProductSpecification { specification, .. }
            | CatalogCall::PutSkuSpecification { specification, .. } => {
                self.specifications.push(specification.clone());
            }
            CatalogCall::RemoveSpecification { specification, .. } => {
                self.removed.push(*specification);
                self.assigned = None;
            }
            CatalogCall::AddTradePolicy { policy, .. } => {
                self.policies.get_or_insert_default().push(*policy);
                self.policies_changed = true;
            }
            CatalogCall::RemoveTradePolicy { policy, .. } => {
                self.policies.get_or_insert_default().retain(|other| other != policy);
                self.policies_changed = true;
            }
            CatalogCall::AddEan { ean, .. } => self.known_eans().push(ean.clone()),
            CatalogCall::RemoveEan { ean, .. } => self.known_eans().retain(|other| other != ean),
            CatalogCall::AddComponent { sku, component, .. } => {
                self.set_component(
                    *sku,
                    Some(RemoteComponent { id: RemoteComponent::JUST_ADDED, quantity: component.quantity }),
                );
            }
            CatalogCall::RemoveComponent { component, .. } => {
                for (_, known) in &mut self.components {
                    *known = known.take().filter(|known| known.id != *component);
                }
            }
            CatalogCall::AddImage { .. } | CatalogCall::PutImage { .. } | CatalogCall::RemoveImage { .. } => {
                images::after(self.images.get_or_insert_default(), call);
            }
            _ => {}
        }
        self
    }

    /// The codes that VTEX has: as read, or as confirmed.
    fn known_eans(&mut self) -> &mut Vec<CompactString> {
        let ours = match self.ours.as_deref() {
            Some(Value::Sku(sku)) => sku.eans.clone(),
            _ => Vec::new(),
        };
        self.eans.get_or_insert(ours)
    }

    fn set_component(&mut self, sku: u32, component: Option<RemoteComponent>) {
        self.components.retain(|(other, _)| *other != sku);
        self.components.push((sku, component));
    }
}

pub(super) fn next(situation: &Situation<'_>) -> Next {
    let unknown = CatalogHeld::default();
    let held = match situation.held {
        Held::Catalog(held) => held,
        _ => &unknown,
    };
    let call = match situation.wanted {
        Value::Brand(wanted) => brand::next(situation, wanted, held),
        Value::Category(wanted) => category::next(situation, wanted, held),
        Value::Product(wanted) => product::next(situation, wanted, held),
        Value::Sku(wanted) => sku::next(situation, wanted, held),
        _ => None,
    };
    match (call, situation.wanted) {
        (Some(call), _) => Next::Call(Call::Catalog(call)),
        (None, Value::Sku(wanted)) if !held.unfit.is_empty() => images::partly(situation, wanted, held),
        (None, _) => Next::Done,
    }
}

/// VTEX's number of the thing, unless it is known to be gone.
fn own(situation: &Situation<'_>, held: &CatalogHeld) -> Option<u32> {
    let own = situation.links.own.as_ref().and_then(RemoteId::number);
    own.filter(|_| held.thing != Thing::Absent)
}

#[cfg(test)]
mod tests;
