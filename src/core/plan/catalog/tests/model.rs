//! VTEX's catalog as its documents describe it: `PUT` wipes, references are unique, names are not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use compact_str::CompactString;
use serde_json::{Value as Json, json};

use crate::core::call::Answer;
use crate::core::call::catalog::{
    CatalogAnswer, CatalogCall, Document, RemoteComponent, RemoteImage, RemoteSpecification, Specified,
};
use crate::core::money::Money;
use crate::core::value::catalog::Specification;

/// A request whose outcome is not known, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Applied,
    NotApplied,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Thing {
    pub(super) body: Document,
    pub(super) specifications: BTreeMap<String, Specification>,
    /// Which of them are texts, and not of a list.
    pub(super) texts: BTreeSet<String>,
    pub(super) policies: BTreeSet<u32>,
    /// The policies that the shop's search knows: those at the last save.
    pub(super) indexed: BTreeSet<u32>,
    pub(super) eans: BTreeSet<CompactString>,
    pub(super) images: Vec<RemoteImage>,
    /// SKU, quantity and number of the association.
    pub(super) components: Vec<(u32, u32, u32)>,
    /// Of the components, in the order in which they were added.
    pub(super) component_prices: Vec<Option<Money>>,
}

#[derive(Debug, Default)]
pub(super) struct Vtex {
    pub(super) brands: BTreeMap<u32, Thing>,
    pub(super) categories: BTreeMap<u32, Thing>,
    pub(super) products: BTreeMap<u32, Thing>,
    pub(super) skus: BTreeMap<u32, Thing>,
    pub(super) last: u32,
    /// What happens to the requests that come, one each.
    pub(super) faults: VecDeque<Option<Fault>>,
    /// 409 comes without the number of what there is.
    pub(super) is_terse: bool,
    /// The look-up of SKUs by reference finds nothing.
    pub(super) is_blind: bool,
    /// Addresses of images that cannot be fetched.
    pub(super) missing: BTreeSet<String>,
    /// Images are shown without where they came from.
    pub(super) hides_urls: bool,
}

impl Vtex {
    pub(super) fn request(&mut self, call: &CatalogCall) -> Result<Answer, Fault> {
        match self.faults.pop_front().flatten() {
            None => Ok(self.apply(call)),
            Some(Fault::NotApplied) => Err(Fault::NotApplied),
            Some(Fault::Applied) => {
                drop(self.apply(call));
                Err(Fault::Applied)
            }
        }
    }

    pub(super) fn only_product(&self) -> &Thing {
        assert_eq!(self.products.len(), 1, "exactly one product");
        self.products.values().next().unwrap()
    }

    pub(super) fn only_sku(&self) -> &Thing {
        assert_eq!(self.skus.len(), 1, "exactly one SKU");
        self.skus.values().next().unwrap()
    }

    /// Another SKU, for kits.
    pub(super) fn add_sku(&mut self, id: u32, reference: &str) {
        let body = fields(json!({"Id": id, "RefId": reference, "Name": reference, "IsActive": false}));
        self.skus.insert(id, Thing { body, ..Thing::default() });
    }

    /// Of a SKU.
    pub(super) fn number_of(&self, reference: &str) -> Option<u32> {
        find(&self.skus, reference).map(|(id, _)| id)
    }

    fn apply(&mut self, call: &CatalogCall) -> Answer {
        Answer::Catalog(match call {
            CatalogCall::FindBrand { name } => CatalogAnswer::Document(listed(&self.brands, |body| {
                body["Name"].as_str().unwrap().eq_ignore_ascii_case(name)
            })),
            CatalogCall::FindCategory { name, parent } => {
                CatalogAnswer::Document(listed(&self.categories, |body| {
                    body["Name"].as_str().unwrap() == name && body["FatherCategoryId"] == json!(parent)
                }))
            }
            CatalogCall::FindProduct { reference } => {
                let found = find(&self.products, reference).map(|(_, product)| product.body.clone());
                CatalogAnswer::Document(found.map(|mut body| {
                    body.remove("Score"); // not in this answer
                    body
                }))
            }
            CatalogCall::FindSku { reference } => {
                let found = find(&self.skus, reference).filter(|_| !self.is_blind);
                CatalogAnswer::Document(found.map(|(_, sku)| sku.body.clone()))
            }
            CatalogCall::ResolveSku { reference } => {
                CatalogAnswer::Resolved(find(&self.skus, reference).expect("a SKU of the kit").0)
            }
            CatalogCall::ReadBrand { id } => CatalogAnswer::Document(Some(self.brands[id].body.clone())),
            CatalogCall::ReadCategory { id } => {
                CatalogAnswer::Document(Some(self.categories[id].body.clone()))
            }
            CatalogCall::ReadProduct { id } => CatalogAnswer::Document(Some(self.products[id].body.clone())),
            CatalogCall::ReadSku { id } => CatalogAnswer::Document(Some(self.skus[id].body.clone())),
            CatalogCall::ReadSpecifications { owner } => {
                CatalogAnswer::Specifications(assigned(self.specified(*owner)))
            }
            CatalogCall::ReadField { field } => {
                CatalogAnswer::FieldName(FIELDS.get(*field as usize).map(|name| (*name).to_owned()))
            }
            CatalogCall::ReadTradePolicies { product } => {
                CatalogAnswer::TradePolicies(self.products[product].policies.iter().copied().collect())
            }
            CatalogCall::ReadEans { sku } => {
                CatalogAnswer::Eans(self.skus[sku].eans.iter().cloned().collect())
            }
            CatalogCall::ReadImages { sku } => {
                let mut images = self.skus[sku].images.clone();
                if self.hides_urls {
                    images.iter_mut().for_each(|image| image.url = None);
                }
                CatalogAnswer::Images(images)
            }
            CatalogCall::ReadComponent { parent, sku } => {
                let components = &self.skus[parent].components;
                let found = components.iter().find(|(part, ..)| part == sku);
                CatalogAnswer::Component(
                    found.map(|(_, quantity, id)| RemoteComponent { id: *id, quantity: *quantity }),
                )
            }
            CatalogCall::AddImage { image, .. } | CatalogCall::PutImage { image, .. }
                if self.missing.contains(&image.url) =>
            {
                CatalogAnswer::Unfit("404".to_owned())
            }
            CatalogCall::CreateBrand { body } => CatalogAnswer::Created(create(
                &mut self.brands,
                &mut self.last,
                body,
                json!({"Active": false, "Text": ""}),
            )),
            CatalogCall::CreateCategory { body } => {
                CatalogAnswer::Created(create(&mut self.categories, &mut self.last, body, json!({})))
            }
            CatalogCall::CreateProduct { body } => match self.taken(&self.products, body) {
                Some(exists) => exists,
                None => {
                    let defaults = json!({"Score": 0, "IsActive": false, "IsVisible": false,
                        "Title": "", "KeyWords": "", "ShowWithoutStock": true});
                    let id = create(&mut self.products, &mut self.last, body, defaults);
                    // Without an association of its own it belongs to all.
                    let product = self.products.get_mut(&id).unwrap();
                    product.policies = [1, 2].into();
                    product.indexed = [1, 2].into();
                    CatalogAnswer::Created(id)
                }
            },
            CatalogCall::CreateSku { body } => match self.taken(&self.skus, body) {
                Some(exists) => exists,
                None => {
                    assert_eq!(body["IsActive"], false, "VTEX answers 400");
                    let defaults =
                        json!({"CommercialConditionId": 1, "ManufacturerCode": "", "IsKit": false});
                    CatalogAnswer::Created(create(&mut self.skus, &mut self.last, body, defaults))
                }
            },
            write => {
                self.write(write);
                return Answer::Done;
            }
        })
    }

    fn specified(&self, owner: Specified) -> &Thing {
        match owner {
            Specified::Product(id) => &self.products[&id],
            Specified::Sku(id) => &self.skus[&id],
        }
    }

    fn taken(&self, things: &BTreeMap<u32, Thing>, body: &Document) -> Option<CatalogAnswer> {
        let (id, _) = find(things, body["RefId"].as_str().unwrap())?;
        Some(CatalogAnswer::Exists((!self.is_terse).then_some(id)))
    }

    fn write(&mut self, call: &CatalogCall) {
        self.last += 1;
        let number = self.last;
        match call {
            CatalogCall::PutBrand { id, body } => put(self.brands.get_mut(id).unwrap(), *id, body),
            CatalogCall::PutCategory { id, body } => put(self.categories.get_mut(id).unwrap(), *id, body),
            CatalogCall::PutProduct { id, body } => {
                let product = self.products.get_mut(id).unwrap();
                put(product, *id, body);
                product.indexed.clone_from(&product.policies);
            }
            CatalogCall::PutSku { id, body } => put(self.skus.get_mut(id).unwrap(), *id, body),
            CatalogCall::PutProductSpecification { id, specification } => {
                specify(self.products.get_mut(id).unwrap(), specification);
            }
            CatalogCall::PutSkuSpecification { id, specification } => {
                specify(self.skus.get_mut(id).unwrap(), specification);
            }
            CatalogCall::RemoveSpecification { owner, specification } => {
                let thing = self.specified(*owner);
                let found = assigned(thing)
                    .into_iter()
                    .find(|one| *specification == if one.of_list { one.field } else { one.id });
                let found = found.map(|one| FIELDS[one.field as usize]);
                let thing = match owner {
                    Specified::Product(id) => self.products.get_mut(id),
                    Specified::Sku(id) => self.skus.get_mut(id),
                };
                found.map(|name| thing.unwrap().specifications.remove(name));
            }
            CatalogCall::AddTradePolicy { product, policy } => {
                self.products.get_mut(product).unwrap().policies.insert(*policy);
            }
            CatalogCall::RemoveTradePolicy { product, policy } => {
                let policies = &mut self.products.get_mut(product).unwrap().policies;
                policies.remove(policy);
                assert!(!policies.is_empty(), "a product without trade policies belongs to all");
            }
            CatalogCall::AddEan { sku, ean } => {
                assert!(self.skus.get_mut(sku).unwrap().eans.insert(ean.clone()), "VTEX answers 409");
            }
            CatalogCall::RemoveEan { sku, ean } => {
                self.skus.get_mut(sku).unwrap().eans.remove(ean);
            }
            CatalogCall::AddComponent { parent, sku, component, unit_price } => {
                let kit = self.skus.get_mut(parent).unwrap();
                kit.components.push((*sku, component.quantity, number));
                kit.component_prices.push(*unit_price);
            }
            CatalogCall::RemoveComponent { parent, component } => {
                let components = &mut self.skus.get_mut(parent).unwrap().components;
                components.retain(|(_, _, id)| id != component);
            }
            call => {
                let (CatalogCall::AddImage { sku, .. }
                | CatalogCall::PutImage { sku, .. }
                | CatalogCall::RemoveImage { sku, .. }) = call
                else {
                    panic!("not in the model: {call:?}")
                };
                change_images(self.skus.get_mut(sku).unwrap(), call, number);
            }
        }
    }
}

fn change_images(sku: &mut Thing, call: &CatalogCall, number: u32) {
    let images = &mut sku.images;
    let shown = |file, image: &crate::core::value::catalog::Image, position: u32| RemoteImage {
        file,
        name: image.name.clone(),
        label: image.label.clone(),
        url: Some(image.url.clone()),
        main: position == 0,
        position,
    };
    if let CatalogCall::AddImage { position: 0, .. } | CatalogCall::PutImage { position: 0, .. } = call {
        images.iter_mut().for_each(|image| image.main = false);
    }
    match call {
        CatalogCall::AddImage { image, position, .. } => images.push(shown(number, image, *position)),
        CatalogCall::PutImage { file, image, position, .. } => {
            let held = images.iter_mut().find(|held| held.file == *file).expect("the file exists");
            *held = shown(*file, image, *position);
        }
        CatalogCall::RemoveImage { file, .. } => images.retain(|image| image.file != *file),
        _ => {}
    }
    // What VTEX needs to activate a SKU that waits for it.
    if !images.is_empty() && sku.body.get("ActivateIfPossible") == Some(&json!(true)) {
        sku.body.insert("IsActive".into(), json!(true));
    }
}

/// The fields that there are; their numbers are their places.
pub(super) const FIELDS: [&str; 9] = ["", "Tecido", "Gola", "Cor", "Tamanho", "do-lojista", "X", "Y", "Z"];

fn assigned(thing: &Thing) -> Vec<RemoteSpecification> {
    let of = |specification: &Specification| {
        let field = FIELDS.iter().position(|name| *name == specification.name).expect("a known field");
        let field = u32::try_from(field).expect("one of a few");
        let one = |value: &String| RemoteSpecification {
            id: 100 + field,
            field,
            of_list: !thing.texts.contains(&specification.name),
            text: format!(" {value}"),
        };
        specification.values.iter().map(one).collect::<Vec<_>>()
    };
    thing.specifications.values().flat_map(of).collect()
}

fn specify(thing: &mut Thing, specification: &Specification) {
    thing.specifications.insert(specification.name.clone(), specification.clone());
}

fn create(things: &mut BTreeMap<u32, Thing>, last: &mut u32, body: &Document, defaults: Json) -> u32 {
    *last += 1;
    let id = 100 + *last;
    let mut whole = fields(defaults);
    whole.extend(body.clone());
    whole.insert("Id".into(), json!(id));
    things.insert(id, Thing { body: whole, ..Thing::default() });
    id
}

/// What is left out is wiped.
fn put(thing: &mut Thing, id: u32, body: &Document) {
    for shown_only in ["Ean", "ListStoreId", "TreePath", "HasChildren"] {
        assert!(!body.contains_key(shown_only), "{shown_only} is no field of a request");
    }
    thing.body.clone_from(body);
    thing.body.insert("Id".into(), json!(id));
}

fn find<'a>(things: &'a BTreeMap<u32, Thing>, reference: &str) -> Option<(u32, &'a Thing)> {
    let found = things.iter().find(|(_, thing)| thing.body.get("RefId") == Some(&json!(reference)));
    found.map(|(id, thing)| (*id, thing))
}

/// Lists write names in lower case.
fn listed(things: &BTreeMap<u32, Thing>, fits: impl Fn(&Document) -> bool) -> Option<Document> {
    let (id, thing) = things.iter().find(|(_, thing)| fits(&thing.body))?;
    Some(fields(json!({"id": id, "name": thing.body["Name"]})))
}

pub(super) fn fields(json: Json) -> Document {
    let Json::Object(fields) = json else { panic!("an object") };
    fields
}
