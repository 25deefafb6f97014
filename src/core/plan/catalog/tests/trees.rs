//! Brands and categories.

use super::*;
use crate::core::value::catalog::{Brand, Category};

fn brand(name: &str) -> Value {
    Value::Brand(Box::new(Brand { name: name.into() }))
}

fn category(name: &str, parent: Option<&str>) -> Value {
    Value::Category(Box::new(Category { name: name.into(), parent: parent.map(CompactString::new) }))
}

#[test]
fn a_brand_is_made_once_and_renamed_with_one_put() {
    let (mut vtex, mut site) = (Vtex::default(), Site::new(Entity::Brand, "M", &[]));
    assert_eq!(site.deliver(&mut vtex, &brand("Maré")), ["GET /pvt/brand/list", "POST /brand"]);
    vtex.brands.get_mut(&101).unwrap().body.insert("Text".into(), json!("do lojista"));
    assert_eq!(site.deliver(&mut vtex, &brand("Maré Alta")), ["GET /brand/101", "PUT /brand/101"]);
    let body = &vtex.brands[&101].body;
    assert_eq!((&body["Name"], &body["Text"]), (&text("Maré Alta"), &text("do lojista")));
    assert_eq!(body["Active"], true);
}

#[test]
fn a_brand_that_vtex_has_is_taken_as_it_is_but_for_its_name() {
    let mut vtex = Vtex::default();
    Site::new(Entity::Brand, "M", &[]).deliver(&mut vtex, &brand("maré"));
    let mut site = Site::new(Entity::Brand, "M", &[]);
    let calls = site.deliver(&mut vtex, &brand("MARÉ".to_lowercase().as_str()));
    assert_eq!(calls, ["GET /pvt/brand/list"]);
    let mut other = Site::new(Entity::Brand, "M", &[]);
    // ASCII case is all that the model folds.
    let calls = other.deliver(&mut vtex, &brand("MARé"));
    assert_eq!(calls, ["GET /pvt/brand/list", "GET /brand/101", "PUT /brand/101"]);
    assert_eq!(vtex.brands.len(), 1);
}

#[test]
fn a_lost_answer_makes_no_second_brand() {
    for fault in [Fault::Applied, Fault::NotApplied] {
        let (mut vtex, mut site) = (Vtex::default(), Site::new(Entity::Brand, "M", &[]));
        vtex.faults = [None, Some(fault)].into();
        site.deliver(&mut vtex, &brand("Maré"));
        assert_eq!(vtex.brands.len(), 1, "{fault:?}");
    }
}

#[test]
fn what_a_second_request_would_make_again_is_waited_for() {
    let image = image("a", "1");
    for (call, blindly) in [
        (CatalogCall::CreateBrand { body: Document::new() }, true),
        (CatalogCall::CreateCategory { body: Document::new() }, true),
        (CatalogCall::AddImage { sku: 1, image, position: 0 }, true),
        (CatalogCall::CreateProduct { body: Document::new() }, false),
        (CatalogCall::CreateSku { body: Document::new() }, false),
    ] {
        assert_eq!(call.creates_blindly(), blindly, "{call:?}");
    }
}

#[test]
fn a_category_is_made_below_its_parent_and_moved_with_one_put() {
    let mut vtex = Vtex::default();
    let mut other = Site::new(Entity::Category, "2", &[7]);
    other.deliver(&mut vtex, &category("Vestidos", Some("1")));
    let mut site = Site::new(Entity::Category, "3", &[8]);
    let calls = site.deliver(&mut vtex, &category("Vestidos", Some("9")));
    assert_eq!(calls, ["GET /pub/category/tree/5", "POST /category"], "one of that name is elsewhere");
    let id = site.own.unwrap();
    vtex.categories.get_mut(&id).unwrap().body.insert("TreePath".into(), json!(["x"]));
    site.parents = vec![7];
    let calls = site.deliver(&mut vtex, &category("Festa", Some("1")));
    assert_eq!(calls, [format!("GET /category/{id}"), format!("PUT /category/{id}")]);
    let body = &vtex.categories[&id].body;
    assert_eq!((&body["Name"], &body["FatherCategoryId"]), (&text("Festa"), &json!(7)));
    assert!(body["Score"].is_null() && body.contains_key("Score"), "required even where it is empty");
}

#[test]
fn a_name_that_is_the_merchants_stays() {
    let (mut vtex, mut site) = (Vtex::default(), Site::new(Entity::Brand, "M", &[]));
    site.rules.brand.clear();
    site.deliver(&mut vtex, &brand("Maré"));
    assert_eq!(site.deliver(&mut vtex, &brand("Outra")), [""; 0]);
    let mut site = Site::new(Entity::Category, "1", &[]);
    site.rules.category = [CategoryField::Parent].into();
    site.deliver(&mut vtex, &category("Festa", None));
    assert_eq!(site.deliver(&mut vtex, &category("Outra", None)), [""; 0]);
}
