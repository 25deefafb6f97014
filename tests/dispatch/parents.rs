//! What things of the catalog hang on, and VTEX does not have any more.

use mare::core::call::catalog::{CatalogAnswer, CatalogCall, Document};
use mare::core::call::{Answer, Call};
use mare::core::dispatch::{Effect, KeyState, Request};
use mare::core::entity::{Entity, Key, RemoteId};
use mare::core::record::ParkReason;
use mare::core::value::Value;
use mare::core::value::catalog::{Brand, Category, Product};
use serde_json::json;

use crate::desk::Desk;

const BRAND: u32 = 7;
const CATEGORY: u32 = 9;

fn key(entity: Entity, id: &str) -> Key {
    Key { entity, id: id.into() }
}

fn brand(name: &str) -> Value {
    Value::Brand(Box::new(Brand { name: name.into() }))
}

fn category() -> Value {
    Value::Category(Box::new(Category { name: "Camisas".into(), parent: None }))
}

fn product(n: u32) -> (Key, Value) {
    let value = Product {
        name: format!("Camisa {n}"),
        link: format!("camisa-{n}"),
        title: None,
        short_description: None,
        description: None,
        keywords: None,
        meta_description: None,
        brand: "B".into(),
        category: "C".into(),
        shown: true,
        score: None,
        release_date: None,
        tax_code: None,
        specifications: Vec::new(),
        trade_policies: Vec::new(),
    };
    (key(Entity::Product, &n.to_string()), Value::Product(Box::new(value)))
}

/// Brand and category were confirmed long ago, and VTEX has given them numbers.
fn known() -> Desk {
    let mut desk = Desk::new();
    desk.confirm(&key(Entity::Brand, "B"), brand("Maré"));
    desk.confirm(&key(Entity::Category, "C"), category());
    desk.dispatch.know_id(&key(Entity::Brand, "B"), RemoteId::Number(BRAND), desk.now);
    desk.dispatch.know_id(&key(Entity::Category, "C"), RemoteId::Number(CATEGORY), desk.now);
    desk
}

fn call(request: &Request) -> &CatalogCall {
    let Call::Catalog(call) = &request.call else { panic!("{request:?}") };
    call
}

fn document(id: u32, name: &str) -> Answer {
    let json = json!({ "id": id, "name": name });
    Answer::Catalog(CatalogAnswer::Document(json.as_object().cloned()))
}

fn created(id: u32) -> Answer {
    Answer::Catalog(CatalogAnswer::Created(id))
}

fn nothing() -> Answer {
    Answer::Catalog(CatalogAnswer::Document(None))
}

/// The product is not found, and goes out to be made: the body.
fn create(desk: &mut Desk) -> (Request, Document) {
    let find = desk.send_one();
    assert!(matches!(call(&find), CatalogCall::FindProduct { .. }), "{find:?}");
    desk.answer(find.id, nothing());
    let create = desk.send_one();
    let CatalogCall::CreateProduct { body } = call(&create) else { panic!("{create:?}") };
    let body = body.clone();
    (create, body)
}

/// As the shell does it.
fn reopen(desk: &mut Desk) -> Vec<Key> {
    let mut keys = Vec::new();
    for effect in std::mem::take(&mut desk.effects) {
        if let Effect::Reopen { key } = effect {
            let value = desk.confirmed.remove(&key).unwrap().value;
            desk.want(&key, value);
            keys.push(key);
        }
    }
    keys
}

/// VTEX has brand and category after all, or again.
fn find_parents(desk: &mut Desk, brand: u32, category: u32) {
    for request in desk.send() {
        match call(&request) {
            CatalogCall::FindBrand { .. } => desk.answer(request.id, document(brand, "Maré")),
            CatalogCall::FindCategory { .. } => desk.answer(request.id, document(category, "Camisas")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_vtex_has_lost_is_made_again_for_what_hangs_on_it() {
    let mut desk = known();
    let (shirt, value) = product(1);
    desk.want(&shirt, value);
    let (request, body) = create(&mut desk);
    assert_eq!((&body["BrandId"], &body["CategoryId"]), (&json!(BRAND), &json!(CATEGORY)));
    desk.status(request.id, 404);
    assert_eq!(desk.state(&shirt), Some(KeyState::WaitsForParent));
    for parent in [key(Entity::Brand, "B"), key(Entity::Category, "C")] {
        let forgotten = Effect::Learned { key: parent.clone(), id: None };
        let at = |effect: &Effect| desk.effects.iter().position(|other| other == effect);
        assert!(at(&forgotten).unwrap() < at(&Effect::Reopen { key: parent }).unwrap());
    }
    assert_eq!(reopen(&mut desk).len(), 2);
    let mut makes = Vec::new();
    for request in desk.send() {
        match call(&request) {
            CatalogCall::FindBrand { .. } => desk.answer(request.id, nothing()),
            CatalogCall::FindCategory { .. } => desk.answer(request.id, document(CATEGORY, "Camisas")),
            other => makes.push(other.clone()),
        }
    }
    assert_eq!(makes, []);
    let make = desk.send_one();
    assert!(matches!(call(&make), CatalogCall::CreateBrand { .. }), "{make:?}");
    desk.answer(make.id, created(17));
    let (request, body) = create(&mut desk);
    assert_eq!((&body["BrandId"], &body["CategoryId"]), (&json!(17), &json!(CATEGORY)));
    desk.answer(request.id, created(3));
    assert!(desk.dispatch.is_idle() && desk.settled(&shirt));
}

#[test]
fn what_vtex_has_and_still_refuses_is_set_aside_in_the_end() {
    let mut desk = known();
    let (shirt, value) = product(1);
    desk.want(&shirt, value);
    let (request, _) = create(&mut desk);
    desk.status(request.id, 404);
    assert_eq!(reopen(&mut desk).len(), 2);
    find_parents(&mut desk, BRAND, CATEGORY);
    for _ in 1..10 {
        let (request, _) = create(&mut desk);
        desk.status(request.id, 404);
        assert_eq!(reopen(&mut desk), [], "it is looked up once");
        assert_eq!(desk.state(&shirt), Some(KeyState::BackingOff));
        desk.wait(300_000);
    }
    let (request, _) = create(&mut desk);
    desk.status(request.id, 404);
    let parked = desk.amended(&shirt).unwrap().parked.clone().unwrap();
    assert_eq!(parked.reason, ParkReason::Unexpected);
    assert!(parked.hint.starts_with("E328"), "{}", parked.hint);
}

#[test]
fn what_many_hang_on_is_looked_up_once() {
    let mut desk = known();
    for n in 0..5 {
        let (shirt, value) = product(n);
        desk.want(&shirt, value);
    }
    for find in desk.send() {
        desk.answer(find.id, nothing());
    }
    let makes = desk.send();
    assert_eq!(makes.len(), 5);
    for make in &makes[..3] {
        desk.status(make.id, 404);
    }
    assert_eq!(reopen(&mut desk).len(), 2);
    find_parents(&mut desk, 17, CATEGORY);
    for make in &makes[3..] {
        desk.status(make.id, 404);
    }
    // The brand has a new number by now; the category may be what is missing, for all that is known.
    assert_eq!(reopen(&mut desk), [key(Entity::Category, "C")]);
}

#[test]
fn a_parent_that_is_under_way_finds_out_by_itself() {
    let mut desk = known();
    let name = key(Entity::Brand, "B");
    desk.want(&name, brand("Maré Alta"));
    let read = desk.send_one();
    assert!(matches!(call(&read), CatalogCall::ReadBrand { id: BRAND }), "{read:?}");
    let (shirt, value) = product(1);
    desk.want(&shirt, value);
    let (request, _) = create(&mut desk);
    desk.status(request.id, 404);
    assert_eq!(reopen(&mut desk), [key(Entity::Category, "C")]);
    find_parents(&mut desk, BRAND, CATEGORY);
    assert_eq!(desk.state(&shirt), Some(KeyState::WaitsForParent));
    desk.status(read.id, 404);
    let find = desk.send_one();
    assert!(matches!(call(&find), CatalogCall::FindBrand { .. }), "{find:?}");
    desk.answer(find.id, nothing());
    let make = desk.send_one();
    desk.answer(make.id, created(17));
    let (_, body) = create(&mut desk);
    assert_eq!(body["BrandId"], json!(17));
}
