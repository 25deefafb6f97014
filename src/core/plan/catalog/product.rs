//! Products.

use serde_json::json;

use super::super::Situation;
use super::document::{self, Fields};
use super::rules::ProductField;
use super::specifications::{self, Specifications};
use super::{CatalogHeld, Thing, own};
use crate::core::call::catalog::{CatalogCall, Document, Specified};
use crate::core::value::Value;
use crate::core::value::catalog::Product;

const SHOWN_ONLY: [&str; 2] = ["Id", "ListStoreId"];

pub(super) fn next(situation: &Situation<'_>, wanted: &Product, held: &CatalogHeld) -> Option<CatalogCall> {
    let Some(id) = own(situation, held) else { return Some(find_or_create(situation, wanted, held)) };
    let plan = Plan { situation, wanted, held, id, ours: ours(held) };
    // Trade policies come first: one save of the product then serves its fields and their indexing.
    plan.policy().or_else(|| plan.document()).or_else(|| plan.specification())
}

/// The reference is the identity; VTEX answers a second one with 409.
fn find_or_create(situation: &Situation<'_>, wanted: &Product, held: &CatalogHeld) -> CatalogCall {
    match held.thing {
        Thing::Absent => CatalogCall::CreateProduct { body: new(situation, wanted) },
        _ => CatalogCall::FindProduct { reference: situation.key.id.clone() },
    }
}

fn ours(held: &CatalogHeld) -> Option<&Product> {
    match held.ours.as_deref() {
        Some(Value::Product(ours)) => Some(ours),
        _ => None,
    }
}

struct Plan<'a> {
    situation: &'a Situation<'a>,
    wanted: &'a Product,
    held: &'a CatalogHeld,
    id: u32,
    ours: Option<&'a Product>,
}

impl Plan<'_> {
    fn owns(&self, field: ProductField) -> bool {
        self.situation.rules.catalog.product.contains(&field)
    }

    /// Whether Live says which trade policies offer it.
    fn assigns_policies(&self) -> bool {
        let owned = self.owns(ProductField::TradePolicies) || self.held.created;
        owned && !self.wanted.trade_policies.is_empty()
    }

    /// Adds before it removes: a product without any trade policy belongs to all of them.
    fn policy(&self) -> Option<CatalogCall> {
        let (wanted, product) = (&self.wanted.trade_policies, self.id);
        let same = self.ours.is_some_and(|ours| ours.trade_policies == *wanted);
        if !self.assigns_policies() || same {
            return None;
        }
        let Some(held) = &self.held.policies else { return Some(CatalogCall::ReadTradePolicies { product }) };
        let missing = wanted.iter().find(|policy| !held.contains(policy));
        let surplus = || held.iter().find(|policy| !wanted.contains(policy));
        missing
            .map(|policy| CatalogCall::AddTradePolicy { product, policy: *policy })
            .or_else(|| surplus().map(|policy| CatalogCall::RemoveTradePolicy { product, policy: *policy }))
    }

    fn document(&self) -> Option<CatalogCall> {
        let (id, save) = (self.id, self.needs_save());
        let unchanged = self.ours.is_some_and(|ours| self.is_unchanged(ours));
        match &self.held.thing {
            Thing::Created if !save => None,
            Thing::Whole(whole) => {
                let merged = document::merge(whole, self.owned());
                let body = merged.or_else(|| save.then(|| whole.clone()))?;
                Some(CatalogCall::PutProduct { id, body: document::writable(body, &SHOWN_ONLY) })
            }
            _ if unchanged && !save => None,
            // What a look-up by reference shows lacks the score: putting that back would wipe it.
            _ => Some(CatalogCall::ReadProduct { id }),
        }
    }

    /// Changing trade policies does not index a product, saving it does (VTEX known issue 276511). Where an
    /// earlier job may have ended between the two, it is saved once more.
    fn needs_save(&self) -> bool {
        let confirmed = match self.situation.confirmed {
            Some(Value::Product(confirmed)) => Some(&confirmed.trade_policies),
            _ => None,
        };
        let new = self.held.created;
        let maybe = || {
            let unsure = self.ours.is_none() && !new && !self.held.saved;
            unsure && self.assigns_policies() && confirmed != Some(&self.wanted.trade_policies)
        };
        self.held.policies_changed || maybe()
    }

    fn specification(&self) -> Option<CatalogCall> {
        let owned = self.owns(ProductField::Specifications);
        if !owned && !self.held.created {
            return None;
        }
        let confirmed = specifications::confirmed(self.situation, owned, |value| match value {
            Value::Product(product) => Some(&product.specifications),
            _ => None,
        });
        let ours = self.ours.map(|ours| ours.specifications.as_slice());
        let (owner, wanted, held) = (Specified::Product(self.id), &self.wanted.specifications, self.held);
        Specifications { owner, wanted, ours, confirmed, held }.next()
    }

    fn owned(&self) -> Fields {
        let mut fields = Fields::new();
        for field in &self.situation.rules.catalog.product {
            push(&mut fields, *field, self.situation, self.wanted);
        }
        // VTEX adds a time of day to what was sent.
        if let (Thing::Whole(whole), Some(date)) = (&self.held.thing, &self.wanted.release_date) {
            let held = whole.get("ReleaseDate").and_then(serde_json::Value::as_str);
            let same = held.is_some_and(|held| held.starts_with(date.as_str()));
            fields.retain(|(name, _)| *name != "ReleaseDate" || !same);
        }
        fields
    }

    fn is_unchanged(&self, ours: &Product) -> bool {
        let wanted = self.wanted;
        self.situation.rules.catalog.product.iter().all(|field| match field {
            ProductField::Name => ours.name == wanted.name,
            ProductField::Title => ours.title == wanted.title,
            ProductField::ShortDescription => ours.short_description == wanted.short_description,
            ProductField::Description => ours.description == wanted.description,
            ProductField::Keywords => ours.keywords == wanted.keywords,
            ProductField::MetaDescription => ours.meta_description == wanted.meta_description,
            ProductField::Brand => ours.brand == wanted.brand,
            ProductField::Category => ours.category == wanted.category,
            ProductField::Shown => ours.shown == wanted.shown,
            ProductField::Score => ours.score == wanted.score,
            ProductField::ReleaseDate => ours.release_date == wanted.release_date,
            ProductField::TaxCode => ours.tax_code == wanted.tax_code,
            // They have requests of their own.
            ProductField::Specifications | ProductField::TradePolicies => true,
        })
    }
}

fn push(fields: &mut Fields, field: ProductField, situation: &Situation<'_>, wanted: &Product) {
    let parent = |index: usize| situation.links.parents.get(index).copied();
    match field {
        ProductField::Name => fields.push(("Name", json!(wanted.name))),
        ProductField::Title => document::given(fields, "Title", wanted.title.as_deref()),
        ProductField::ShortDescription => {
            document::given(fields, "DescriptionShort", wanted.short_description.as_deref());
        }
        ProductField::Description => document::given(fields, "Description", wanted.description.as_deref()),
        ProductField::Keywords => document::given(fields, "KeyWords", wanted.keywords.as_deref()),
        ProductField::MetaDescription => {
            document::given(fields, "MetaTagDescription", wanted.meta_description.as_deref());
        }
        ProductField::Brand => document::given(fields, "BrandId", parent(0)),
        ProductField::Category => document::given(fields, "CategoryId", parent(1)),
        ProductField::Shown => {
            fields.push(("IsVisible", json!(wanted.shown)));
            fields.push(("IsActive", json!(wanted.shown)));
        }
        ProductField::Score => document::given(fields, "Score", wanted.score),
        ProductField::ReleaseDate => document::given(fields, "ReleaseDate", wanted.release_date.as_deref()),
        ProductField::TaxCode => document::given(fields, "TaxCode", wanted.tax_code.as_deref()),
        ProductField::Specifications | ProductField::TradePolicies => {}
    }
}

fn new(situation: &Situation<'_>, wanted: &Product) -> Document {
    let mut fields: Fields = vec![("RefId", json!(situation.key.id)), ("LinkId", json!(wanted.link))];
    for field in ProductField::ALL {
        push(&mut fields, field, situation, wanted);
    }
    document::of(fields)
}
