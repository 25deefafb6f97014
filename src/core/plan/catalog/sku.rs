//! SKUs, with their codes, specifications, components and images.

use serde_json::json;

use super::super::Situation;
use super::document::{self, Fields};
use super::rules::SkuField;
use super::specifications::{self, Specifications};
use super::{CatalogHeld, Thing, images, kit, own};
use crate::core::call::catalog::{CatalogCall, Document, Specified};
use crate::core::value::Value;
use crate::core::value::catalog::Sku;

const SHOWN_ONLY: [&str; 2] = ["Id", "Ean"];

/// What is the same for every part of a SKU that exists.
pub(super) struct Plan<'a> {
    pub(super) situation: &'a Situation<'a>,
    pub(super) wanted: &'a Sku,
    pub(super) held: &'a CatalogHeld,
    pub(super) id: u32,
    /// As VTEX confirmed it, where that can be relied upon.
    pub(super) ours: Option<&'a Sku>,
}

pub(super) fn next(situation: &Situation<'_>, wanted: &Sku, held: &CatalogHeld) -> Option<CatalogCall> {
    let by_reference = || kit::resolved(held, &situation.key.id);
    let Some(id) = own(situation, held).or_else(by_reference) else {
        return Some(find_or_create(situation, wanted, held));
    };
    let ours = match held.ours.as_deref() {
        Some(Value::Sku(ours)) => Some(ours.as_ref()),
        _ => None,
    };
    let plan = Plan { situation, wanted, held, id, ours };
    // The image comes last: with it VTEX activates the SKU, and nothing may put it inactive again.
    plan.document()
        .or_else(|| plan.ean())
        .or_else(|| plan.specification())
        .or_else(|| kit::next(&plan))
        .or_else(|| images::next(&plan))
}

/// That VTEX has none was just found out in a batch, unless a request has been lost since.
fn find_or_create(situation: &Situation<'_>, wanted: &Sku, held: &CatalogHeld) -> CatalogCall {
    let reference = situation.key.id.clone();
    match held.thing {
        // VTEX says that there is one and does not find it: not to be decided here.
        Thing::Absent if held.exists => CatalogCall::ResolveSku { reference },
        Thing::Unknown if held.exists || situation.read_first => CatalogCall::FindSku { reference },
        _ => CatalogCall::CreateSku { body: new(situation, wanted) },
    }
}

impl Plan<'_> {
    pub(super) fn owns(&self, field: SkuField) -> bool {
        self.situation.rules.catalog.sku.contains(&field)
    }

    /// Whether a part is ours to write: it belongs to Live, or the SKU is being made.
    pub(super) fn writes(&self, field: SkuField) -> bool {
        self.owns(field) || self.held.created
    }

    /// Whether a part that is the merchant's is still ours to bring: a job that made the SKU may have ended
    /// before it was complete. `ours_alone`: VTEX has nothing in that part that we would not write.
    pub(super) fn completes(&self, ours_alone: bool) -> bool {
        self.situation.confirmed.is_none() && ours_alone
    }

    /// What VTEX confirmed, even if it may hold something else by now: says what was ours.
    pub(super) fn confirmed(&self) -> Option<&Sku> {
        match self.situation.confirmed {
            Some(Value::Sku(confirmed)) => Some(confirmed),
            _ => None,
        }
    }

    fn document(&self) -> Option<CatalogCall> {
        let id = self.id;
        match &self.held.thing {
            Thing::Created => None,
            Thing::Whole(whole) => {
                let merged = document::merge(whole, self.fields())?;
                Some(CatalogCall::PutSku { id, body: document::writable(merged, &SHOWN_ONLY) })
            }
            _ if self.ours.is_some_and(|ours| self.is_unchanged(ours)) => None,
            _ => Some(CatalogCall::ReadSku { id }),
        }
    }

    fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        for field in &self.situation.rules.catalog.sku {
            push(&mut fields, *field, self.situation, self.wanted);
        }
        fields
    }

    fn is_unchanged(&self, ours: &Sku) -> bool {
        let wanted = self.wanted;
        self.situation.rules.catalog.sku.iter().all(|field| match field {
            SkuField::Product => ours.product == wanted.product,
            SkuField::Name => ours.name == wanted.name,
            SkuField::Active => ours.active == wanted.active,
            SkuField::Package => ours.package == wanted.package,
            SkuField::Unit => (&ours.unit, ours.multiplier) == (&wanted.unit, wanted.multiplier),
            SkuField::Components => wanted.components.is_empty() || !ours.components.is_empty(),
            SkuField::Eans | SkuField::Specifications | SkuField::Images => true,
        })
    }

    /// There is no changing a code: it is deleted, and the other one added.
    fn ean(&self) -> Option<CatalogCall> {
        let sku = self.id;
        let known = match (&self.held.eans, self.ours) {
            (Some(held), _) => held.as_slice(),
            (None, Some(ours)) => ours.eans.as_slice(),
            (None, None) if self.held.created => &[],
            (None, None) if self.owns(SkuField::Eans) || self.completes(true) => {
                return Some(CatalogCall::ReadEans { sku });
            }
            (None, None) => return None,
        };
        let wanted = &self.wanted.eans;
        if !self.writes(SkuField::Eans) && !self.completes(known.iter().all(|ean| wanted.contains(ean))) {
            return None;
        }
        let was_ours = self.confirmed().map_or(&[] as &[_], |confirmed| confirmed.eans.as_slice());
        let stale = was_ours.iter().find(|ean| known.contains(ean) && !wanted.contains(ean));
        let missing = || wanted.iter().find(|ean| !known.contains(ean));
        stale
            .map(|ean| CatalogCall::RemoveEan { sku, ean: ean.clone() })
            .or_else(|| missing().map(|ean| CatalogCall::AddEan { sku, ean: ean.clone() }))
    }

    fn specification(&self) -> Option<CatalogCall> {
        if !self.writes(SkuField::Specifications) {
            return None;
        }
        let owned = self.owns(SkuField::Specifications);
        let confirmed = specifications::confirmed(self.situation, owned, |value| match value {
            Value::Sku(sku) => Some(&sku.specifications),
            _ => None,
        });
        let ours = self.ours.map(|ours| ours.specifications.as_slice());
        let (owner, wanted, held) = (Specified::Sku(self.id), &self.wanted.specifications, self.held);
        Specifications { owner, wanted, ours, confirmed, held }.next()
    }
}

fn push(fields: &mut Fields, field: SkuField, situation: &Situation<'_>, wanted: &Sku) {
    match field {
        SkuField::Product => {
            document::given(fields, "ProductId", situation.links.parents.first().copied());
        }
        SkuField::Name => fields.push(("Name", json!(wanted.name))),
        // VTEX activates it by itself as soon as it may be: `IsActive` stays as it is, and one that the
        // merchant has switched off stays off.
        SkuField::Active if wanted.active => fields.push(("ActivateIfPossible", json!(true))),
        SkuField::Active => {
            fields.push(("ActivateIfPossible", json!(false)));
            fields.push(("IsActive", json!(false)));
        }
        SkuField::Package => {
            fields.push(("PackagedHeight", document::decimal(wanted.package.height)));
            fields.push(("PackagedWidth", document::decimal(wanted.package.width)));
            fields.push(("PackagedLength", document::decimal(wanted.package.length)));
            fields.push(("PackagedWeightKg", json!(wanted.package.grams)));
        }
        SkuField::Unit => {
            fields.push(("MeasurementUnit", json!(wanted.unit)));
            fields.push(("UnitMultiplier", document::decimal(wanted.multiplier)));
        }
        // Once a kit, always a kit.
        SkuField::Components if !wanted.components.is_empty() => fields.push(("IsKit", json!(true))),
        SkuField::Components | SkuField::Eans | SkuField::Specifications | SkuField::Images => {}
    }
}

/// Never active: VTEX answers that with 400.
fn new(situation: &Situation<'_>, wanted: &Sku) -> Document {
    let mut fields: Fields = vec![("RefId", json!(situation.key.id)), ("IsActive", json!(false))];
    for field in SkuField::ALL {
        push(&mut fields, field, situation, wanted);
    }
    document::of(fields)
}
