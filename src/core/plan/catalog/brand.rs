//! Brands. VTEX knows no code of ours for them, so one is found by its name, once; from then on by its number.

use serde_json::{Value as Json, json};

use super::super::Situation;
use super::document::{self, Fields};
use super::rules::BrandField;
use super::{CatalogHeld, Thing, own};
use crate::core::call::catalog::CatalogCall;
use crate::core::value::Value;
use crate::core::value::catalog::Brand;

pub(super) fn next(situation: &Situation<'_>, wanted: &Brand, held: &CatalogHeld) -> Option<CatalogCall> {
    let name = || wanted.name.clone();
    match (own(situation, held), &held.thing) {
        (_, Thing::Created) => None,
        (None, Thing::Absent) => Some(CatalogCall::CreateBrand {
            body: document::of(vec![("Name", json!(name())), ("Active", json!(true))]),
        }),
        (None, _) => Some(CatalogCall::FindBrand { name: name() }),
        (Some(_), _) if !situation.rules.catalog.brand.contains(&BrandField::Name) => None,
        (Some(_), Thing::Listed(listed)) if listed.get("name") == Some(&Json::from(name())) => None,
        (Some(id), Thing::Whole(whole)) => {
            let fields: Fields = vec![("Name", json!(name()))];
            let merged = document::merge(whole, fields)?;
            Some(CatalogCall::PutBrand { id, body: document::writable(merged, &[]) })
        }
        (Some(_), _) if matches!(held.ours.as_deref(), Some(Value::Brand(ours)) if **ours == *wanted) => None,
        (Some(id), _) => Some(CatalogCall::ReadBrand { id }),
    }
}
