//! What lists and trees contain.

use serde_json::Value as Json;

use crate::core::call::catalog::Document;

/// The brand with this name; of several the oldest one, so that every look-up finds the same.
pub(super) fn brand(list: Vec<Document>, name: &str) -> Option<Document> {
    oldest(list.into_iter().filter(|brand| is_named(brand, name)))
}

/// The category with this name under `parent`.
pub(super) fn category(tree: Vec<Document>, name: &str, parent: Option<u32>) -> Option<Document> {
    let level = match parent {
        None => Some(tree),
        Some(parent) => children_of(tree, parent),
    };
    oldest(level?.into_iter().filter(|category| is_named(category, name)))
}

fn children_of(level: Vec<Document>, parent: u32) -> Option<Vec<Document>> {
    level.into_iter().find_map(|mut category| {
        let is_parent = id(&category) == Some(u64::from(parent));
        let Some(Json::Array(children)) = category.remove("children") else {
            return is_parent.then(Vec::new);
        };
        let children = children.into_iter().filter_map(|child| match child {
            Json::Object(child) => Some(child),
            _ => None,
        });
        let children: Vec<Document> = children.collect();
        if is_parent { Some(children) } else { children_of(children, parent) }
    })
}

/// Neither case nor blanks at the ends count.
fn is_named(document: &Document, name: &str) -> bool {
    let found = document.get("name").and_then(Json::as_str).unwrap_or_default();
    found.trim().to_lowercase() == name.trim().to_lowercase()
}

fn oldest(found: impl Iterator<Item = Document>) -> Option<Document> {
    found.filter(|document| id(document).is_some()).min_by_key(id)
}

fn id(document: &Document) -> Option<u64> {
    document.get("id")?.as_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documents(list: Json) -> Vec<Document> {
        serde_json::from_value(list).unwrap()
    }

    #[test]
    fn a_brand_is_found_by_its_name_whatever_its_case() {
        let list = documents(json!([
            {"id": 9, "name": "MARÉ ALTA", "isActive": true},
            {"id": 4, "name": " Maré Alta "},
            {"id": 1, "name": "Maré"},
        ]));
        let found = |name: &str| brand(list.clone(), name).and_then(|brand| id(&brand));
        assert_eq!((found("maré alta"), found("Mare Alta"), found("MARÉ ")), (Some(4), None, Some(1)));
    }

    #[test]
    fn a_category_is_found_only_under_its_parent() {
        let tree = documents(json!([
            {"id": 1, "name": "Feminino", "children": [
                {"id": 2, "name": "Vestidos", "children": [{"id": 5, "name": "Curtos"}]}]},
            {"id": 3, "name": "Infantil", "children": [{"id": 4, "name": "Vestidos", "children": []}]},
        ]));
        let found =
            |name: &str, parent| category(tree.clone(), name, parent).and_then(|category| id(&category));
        assert_eq!(found("Vestidos", Some(3)), Some(4));
        assert_eq!(found("vestidos", Some(1)), Some(2));
        assert_eq!(found("Curtos", Some(2)), Some(5));
        assert_eq!(found("Vestidos", None), None);
        assert_eq!(found("Infantil", None), Some(3));
        assert_eq!(found("Curtos", Some(5)), None);
        assert_eq!(found("Curtos", Some(77)), None);
    }
}
