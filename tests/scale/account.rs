//! A VTEX account in memory: small enough for a million requests, strict about what belongs to what.

use std::collections::HashMap;

use compact_str::CompactString;
use mare::core::call::catalog::{CatalogAnswer, CatalogCall, Document};
use mare::core::call::{Answer, Call, Failure, RemotePrice};
use mare::core::entity::{Entity, Key, SkuId};
use mare::core::value::{FixedPrice, Price, Value};
use serde_json::{Value as Json, json};

/// What VTEX made, by its number.
enum Thing {
    Brand,
    Category,
    Product { body: Document, policies: Vec<u32> },
    Sku(Box<Sku>),
}

#[derive(Default)]
pub(crate) struct Sku {
    body: Document,
    eans: Vec<CompactString>,
    pub(crate) specifications: HashMap<String, Vec<String>>,
    images: usize,
    price: Option<RemotePrice>,
    /// By warehouse.
    pub(crate) stock: HashMap<CompactString, u32>,
}

impl Sku {
    /// What VTEX asks of a SKU before it activates it, and a shopper before he buys it.
    pub(crate) fn is_sellable(&self) -> bool {
        let priced = self.price.as_ref().is_some_and(|price| price.base.is_some());
        self.images > 0
            && self.body.get("ActivateIfPossible") == Some(&json!(true))
            && priced
            && self.stock.values().any(|quantity| *quantity > 0)
    }
}

#[derive(Default)]
pub(crate) struct Account {
    brands: HashMap<String, u32>,
    categories: HashMap<(String, Option<u32>), u32>,
    products: HashMap<CompactString, u32>,
    skus: HashMap<CompactString, u32>,
    things: HashMap<u32, Thing>,
    /// Of what was installed.
    numbers: HashMap<Key, u32>,
    last: u32,
    /// Requests that named something that does not exist, or made something twice.
    pub(crate) wrong: Vec<String>,
    pub(crate) sellable: usize,
}

impl Account {
    pub(crate) fn sku(&self, reference: &str) -> Option<(SkuId, &Sku)> {
        let id = *self.skus.get(reference)?;
        match &self.things[&id] {
            Thing::Sku(sku) => Some((SkuId(id), sku)),
            _ => None,
        }
    }

    pub(crate) fn product(&self, reference: &str) -> Option<(u32, &Document)> {
        let id = *self.products.get(reference)?;
        match &self.things[&id] {
            Thing::Product { body, .. } => Some((id, body)),
            _ => None,
        }
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Result<Answer, Failure> {
        let sku_before = subject(call).map(|sku| (sku, self.is_sellable(sku)));
        let answer = self.apply(call);
        if let Some((sku, false)) = sku_before {
            self.sellable += usize::from(self.is_sellable(sku));
        }
        answer.ok_or_else(|| {
            self.wrong.push(format!("{call:?}"));
            Failure::Status { code: 404, body: "not found".to_owned() }
        })
    }

    fn is_sellable(&self, sku: u32) -> bool {
        matches!(self.things.get(&sku), Some(Thing::Sku(sku)) if sku.is_sellable())
    }

    /// It was there before anybody asked; its number, of what has one.
    pub(crate) fn install(&mut self, key: &Key, value: &Value) -> Option<u32> {
        let number = |entity, id: &CompactString| self.numbers[&Key { entity, id: id.clone() }];
        let call = match value {
            Value::Brand(brand) => CatalogCall::CreateBrand { body: fields(json!({ "Name": brand.name })) },
            Value::Category(category) => {
                let parent = category.parent.as_ref().map(|parent| number(Entity::Category, parent));
                let body = fields(json!({ "Name": category.name, "FatherCategoryId": parent }));
                CatalogCall::CreateCategory { body }
            }
            Value::Product(product) => {
                let brand = number(Entity::Brand, &product.brand);
                let category = number(Entity::Category, &product.category);
                let body = fields(json!({ "RefId": key.id, "BrandId": brand, "CategoryId": category }));
                CatalogCall::CreateProduct { body }
            }
            Value::Sku(sku) => {
                let product = number(Entity::Product, &sku.product);
                let body = fields(json!({ "RefId": key.id, "ProductId": product }));
                CatalogCall::CreateSku { body }
            }
            Value::Stock(stock) => {
                let id = self.skus[key.sku().unwrap()];
                self.sku_mut(id).unwrap().stock.insert(key.warehouse().unwrap().into(), stock.quantity);
                return None;
            }
            other => panic!("not in this account: {other:?}"),
        };
        let number = self.create(&call).unwrap();
        self.numbers.insert(key.clone(), number);
        Some(number)
    }

    /// `None`: it names something that does not exist.
    fn apply(&mut self, call: &Call) -> Option<Answer> {
        match call {
            Call::Catalog(call) => self.apply_catalog(call),
            Call::FindSkus { refs } => {
                let find = |sku_ref: &CompactString| self.skus.get(sku_ref).map(|id| SkuId(*id));
                Some(Answer::Skus(refs.iter().map(|sku_ref| (sku_ref.clone(), find(sku_ref))).collect()))
            }
            Call::SetStock { sku, warehouse, quantity, .. } => {
                self.sku_mut(sku.0)?.stock.insert(warehouse.clone(), *quantity);
                Some(Answer::Done)
            }
            Call::ReadPrice { sku } => Some(Answer::Price(self.sku_mut(sku.0)?.price.clone())),
            Call::PutPrice { sku, price } => {
                let Price { base, list, cost, fixed } = price.clone();
                self.sku_mut(sku.0)?.price = Some(RemotePrice { base, list, cost, fixed });
                Some(Answer::Done)
            }
            Call::PatchFixed { sku, fixed } => {
                let price = self.sku_mut(sku.0)?.price.get_or_insert_default();
                let same = |one: &FixedPrice, other: &FixedPrice| one.identity() == other.identity();
                price.fixed.retain(|held| !fixed.iter().any(|new| same(new, held)));
                price.fixed.extend_from_slice(fixed);
                Some(Answer::Done)
            }
            other => panic!("not in this account: {other:?}"),
        }
    }

    fn apply_catalog(&mut self, call: &CatalogCall) -> Option<Answer> {
        let document = |document: Option<Document>| Some(Answer::Catalog(CatalogAnswer::Document(document)));
        let id_of = |id: u32, name: &str| fields(json!({ "id": id, "name": name }));
        match call {
            CatalogCall::FindBrand { name } => document(self.brands.get(name).map(|id| id_of(*id, name))),
            CatalogCall::FindCategory { name, parent } => {
                let found = self.categories.get(&(name.clone(), *parent));
                document(found.map(|id| id_of(*id, name)))
            }
            CatalogCall::FindProduct { reference } => {
                document(self.product(reference).map(|(_, body)| body.clone()))
            }
            CatalogCall::ReadProduct { id } => match self.things.get(id)? {
                Thing::Product { body, .. } => document(Some(body.clone())),
                _ => None,
            },
            CatalogCall::ReadSku { id } => document(Some(self.sku_mut(*id)?.body.clone())),
            CatalogCall::ReadTradePolicies { product } => match self.things.get(product)? {
                Thing::Product { policies, .. } => {
                    Some(Answer::Catalog(CatalogAnswer::TradePolicies(policies.clone())))
                }
                _ => None,
            },
            CatalogCall::CreateBrand { .. }
            | CatalogCall::CreateCategory { .. }
            | CatalogCall::CreateProduct { .. }
            | CatalogCall::CreateSku { .. } => {
                self.create(call).map(|id| Answer::Catalog(CatalogAnswer::Created(id)))
            }
            write => self.write(write).map(|()| Answer::Done),
        }
    }

    /// `None`: what it hangs on does not exist, or it exists itself.
    fn create(&mut self, call: &CatalogCall) -> Option<u32> {
        self.last += 1;
        let id = self.last;
        match call {
            CatalogCall::CreateBrand { body } => {
                is_new(self.brands.insert(text(body, "Name"), id))?;
                self.things.insert(id, Thing::Brand);
            }
            CatalogCall::CreateCategory { body } => {
                let parent = number(body, "FatherCategoryId");
                if let Some(parent) = parent {
                    self.is(parent, |thing| matches!(thing, Thing::Category))?;
                }
                is_new(self.categories.insert((text(body, "Name"), parent), id))?;
                self.things.insert(id, Thing::Category);
            }
            CatalogCall::CreateProduct { body } => {
                self.is(number(body, "BrandId")?, |thing| matches!(thing, Thing::Brand))?;
                self.is(number(body, "CategoryId")?, |thing| matches!(thing, Thing::Category))?;
                is_new(self.products.insert(text(body, "RefId").into(), id))?;
                self.things.insert(id, Thing::Product { body: with_id(body, id), policies: vec![1] });
            }
            CatalogCall::CreateSku { body } => {
                self.is(number(body, "ProductId")?, |thing| matches!(thing, Thing::Product { .. }))?;
                is_new(self.skus.insert(text(body, "RefId").into(), id))?;
                let sku = Sku { body: with_id(body, id), ..Sku::default() };
                self.things.insert(id, Thing::Sku(Box::new(sku)));
            }
            _ => return None,
        }
        Some(id)
    }

    fn write(&mut self, call: &CatalogCall) -> Option<()> {
        match call {
            CatalogCall::PutProduct { id, body: new } => match self.things.get_mut(id)? {
                Thing::Product { body, .. } => *body = with_id(new, *id),
                _ => return None,
            },
            CatalogCall::PutProductSpecification { id, .. } => {
                self.is(*id, |thing| matches!(thing, Thing::Product { .. }))?;
            }
            CatalogCall::PutSku { id, body } => self.sku_mut(*id)?.body = with_id(body, *id),
            CatalogCall::PutSkuSpecification { id, specification } => {
                let held = &mut self.sku_mut(*id)?.specifications;
                held.insert(specification.name.clone(), specification.values.clone());
            }
            CatalogCall::AddEan { sku, ean } => self.sku_mut(*sku)?.eans.push(ean.clone()),
            CatalogCall::AddImage { sku, .. } => self.sku_mut(*sku)?.images += 1,
            other => panic!("not in this account: {other:?}"),
        }
        Some(())
    }

    fn sku_mut(&mut self, id: u32) -> Option<&mut Sku> {
        match self.things.get_mut(&id)? {
            Thing::Sku(sku) => Some(sku),
            _ => None,
        }
    }

    fn is(&self, id: u32, kind: impl Fn(&Thing) -> bool) -> Option<()> {
        self.things.get(&id).filter(|thing| kind(thing)).map(drop)
    }
}

/// The SKU that a request may make sellable.
const fn subject(call: &Call) -> Option<u32> {
    match call {
        Call::SetStock { sku, .. } | Call::PutPrice { sku, .. } => Some(sku.0),
        Call::Catalog(CatalogCall::AddImage { sku, .. }) => Some(*sku),
        Call::Catalog(CatalogCall::PutSku { id, .. }) => Some(*id),
        _ => None,
    }
}

fn is_new(before: Option<u32>) -> Option<()> {
    before.is_none().then_some(())
}

fn with_id(body: &Document, id: u32) -> Document {
    let mut whole = body.clone();
    whole.insert("Id".to_owned(), json!(id));
    whole
}

fn text(body: &Document, field: &str) -> String {
    body[field].as_str().unwrap().to_owned()
}

fn number(body: &Document, field: &str) -> Option<u32> {
    body.get(field).and_then(Json::as_u64).map(|id| u32::try_from(id).unwrap())
}

fn fields(json: Json) -> Document {
    let Json::Object(fields) = json else { panic!("an object") };
    fields
}
