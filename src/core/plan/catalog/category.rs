//! Categories. As brands, found by name below their parent.

use serde_json::{Value as Json, json};

use super::super::Situation;
use super::document::{self, Fields};
use super::rules::CategoryField;
use super::{CatalogHeld, Thing, own};
use crate::core::call::catalog::{CatalogCall, Document};
use crate::core::value::Value;
use crate::core::value::catalog::Category;

/// What VTEX shows of a category and takes back from nobody.
const SHOWN_ONLY: [&str; 6] = ["Id", "LinkId", "HasChildren", "TreePath", "TreePathIds", "TreePathLinkIds"];

pub(super) fn next(situation: &Situation<'_>, wanted: &Category, held: &CatalogHeld) -> Option<CatalogCall> {
    let parent = situation.links.parents.first().copied();
    match (own(situation, held), &held.thing) {
        (_, Thing::Created) => None,
        (None, Thing::Absent) => Some(CatalogCall::CreateCategory { body: new(wanted, parent) }),
        (None, _) => Some(CatalogCall::FindCategory { name: wanted.name.clone(), parent }),
        // It was found where it belongs, under this very name.
        (Some(_), Thing::Listed(listed)) if listed.get("name") == Some(&Json::from(wanted.name.as_str())) => {
            None
        }
        (Some(id), Thing::Whole(whole)) => {
            let mut merged = document::merge(whole, owned(situation, wanted, parent))?;
            // Unlike elsewhere a field may not be left out because it is empty.
            merged.retain(|name, _| !SHOWN_ONLY.contains(&name.as_str()));
            Some(CatalogCall::PutCategory { id, body: merged })
        }
        (Some(_), _) if is_unchanged(situation, wanted, held) => None,
        (Some(id), _) => Some(CatalogCall::ReadCategory { id }),
    }
}

fn is_unchanged(situation: &Situation<'_>, wanted: &Category, held: &CatalogHeld) -> bool {
    let fields = &situation.rules.catalog.category;
    fields.is_empty()
        || matches!(held.ours.as_deref(), Some(Value::Category(ours)) if fields.iter().all(|field| match field {
            CategoryField::Name => ours.name == wanted.name,
            CategoryField::Parent => ours.parent == wanted.parent,
        }))
}

fn owned(situation: &Situation<'_>, wanted: &Category, parent: Option<u32>) -> Fields {
    let field = |field: &CategoryField| match field {
        CategoryField::Name => ("Name", json!(wanted.name)),
        CategoryField::Parent => ("FatherCategoryId", json!(parent)),
    };
    situation.rules.catalog.category.iter().map(field).collect()
}

/// VTEX requires nearly all fields; those that Live does not have are empty or say what a shop expects of a
/// category that it has just made.
fn new(wanted: &Category, parent: Option<u32>) -> Document {
    document::of(vec![
        ("Name", json!(wanted.name)),
        ("FatherCategoryId", json!(parent)),
        ("Title", json!(wanted.name)),
        ("Description", json!("")),
        ("Keywords", json!("")),
        ("IsActive", json!(true)),
        ("ShowInStoreFront", json!(true)),
        ("ShowBrandFilter", json!(true)),
        ("ActiveStoreFrontLink", json!(true)),
        ("GlobalCategoryId", json!(0)),
        ("StockKeepingUnitSelectionMode", json!("SPECIFICATION")),
        ("Score", Json::Null),
        ("AdWordsRemarketingCode", Json::Null),
        ("LomadeeCampaignCode", Json::Null),
    ])
}
