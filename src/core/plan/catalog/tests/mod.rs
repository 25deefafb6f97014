//! Jobs run to their end against a model of VTEX.

mod model;
mod products;
mod properties;
mod skus;
mod trees;

use compact_str::CompactString;
use serde_json::json;

use super::super::{Held, Links, Next, PriceRules, Rules, Situation, next};
use super::*;
use crate::core::entity::{Entity, Key};
use crate::core::money::Decimal4;
use crate::core::plan::OrderRules;
use crate::core::time::Timestamp;
use crate::core::value::catalog::{Component, Image, Package, Product, Sku};
use model::{Fault, Vtex};

const PRODUCT: &str = "1001";
const SKU: &str = "1001-AZ-M";

/// What the dispatcher knows of one key over all of its jobs.
struct Site {
    key: Key,
    own: Option<u32>,
    parents: Vec<u32>,
    confirmed: Option<Value>,
    /// The confirmed value cannot be relied upon.
    unsure: bool,
    read_first: bool,
    rules: CatalogRules,
    /// Of the last job that came to its end.
    calls: Vec<CatalogCall>,
    /// Why that one did not bring everything.
    why: String,
}

impl Site {
    fn new(entity: Entity, id: &str, parents: &[u32]) -> Self {
        Self {
            key: Key { entity, id: id.into() },
            own: None,
            parents: parents.to_vec(),
            confirmed: None,
            unsure: false,
            read_first: false,
            rules: CatalogRules::default(),
            calls: Vec::new(),
            why: String::new(),
        }
    }

    fn product() -> Self {
        Self::new(Entity::Product, PRODUCT, &[3, 4])
    }

    fn sku() -> Self {
        Self::new(Entity::Sku, SKU, &[10])
    }

    /// Those that are the same for every value, and the components of a kit.
    fn parents_of(&self, vtex: &Vtex, wanted: &Value) -> Vec<u32> {
        let components = match wanted {
            Value::Sku(sku) => sku.components.as_slice(),
            _ => &[],
        };
        let number =
            |component: &Component| vtex.number_of(&component.sku).expect("a kit waits for its parts");
        self.parents.iter().copied().chain(components.iter().map(number)).collect()
    }

    /// Runs one job as the dispatcher does; `Err`: a request failed, and the job is over.
    fn try_deliver(&mut self, vtex: &mut Vtex, wanted: &Value) -> Result<(), Fault> {
        let relied_on = self.confirmed.as_ref().filter(|_| !self.unsure && !self.read_first);
        let mut held = relied_on.map_or(Held::Unknown, Held::confirmed);
        self.calls.clear();
        self.why.clear();
        loop {
            let links = Links { own: self.own.map(RemoteId::Number), parents: self.parents_of(vtex, wanted) };
            let price = PriceRules::default();
            let situation = Situation {
                key: &self.key,
                links: &links,
                wanted,
                committed_at: Timestamp(1),
                now: Timestamp(0),
                attempts: 0,
                confirmed: self.confirmed.as_ref(),
                read_first: self.read_first,
                held: &held,
                rules: Rules { price: &price, catalog: &self.rules, orders: &OrderRules::default() },
            };
            let call = match next(&situation) {
                Next::Call(call) => call,
                Next::Partly { held, why } => {
                    self.why = why;
                    self.confirmed = Some(*held);
                    (self.unsure, self.read_first) = (false, false);
                    return Ok(());
                }
                _ => break,
            };
            let Call::Catalog(inner) = &call else { panic!("no catalog call: {call:?}") };
            assert!(self.calls.len() < 60, "a job ends: {:?}", self.calls);
            self.calls.push(inner.clone());
            match vtex.request(inner) {
                Ok(answer) => {
                    self.own = answer.id().and_then(|id| id.number()).or(self.own);
                    self.unsure |= inner.writes();
                    held = held.after(&call, &answer);
                }
                Err(fault) => {
                    self.read_first |= inner.writes();
                    return Err(fault);
                }
            }
        }
        self.confirmed = Some(wanted.clone());
        self.unsure = false;
        self.read_first = false;
        Ok(())
    }

    /// Runs jobs until one comes to its end.
    fn deliver(&mut self, vtex: &mut Vtex, wanted: &Value) -> Vec<String> {
        for _ in 0..50 {
            if self.try_deliver(vtex, wanted).is_ok() {
                return lines(&self.calls);
            }
        }
        panic!("no job came to its end");
    }
}

/// Method and path, without what is the same everywhere.
fn lines(calls: &[CatalogCall]) -> Vec<String> {
    let short = |call: &CatalogCall| {
        let line = call.line().replace("/api/catalog/pvt", "").replace("/api/catalog_system", "");
        line.replace("stockkeepingunit", "sku")
    };
    calls.iter().map(short).collect()
}

fn specification(name: &str, value: &str) -> Specification {
    Specification { name: name.into(), group: "Ficha".into(), values: vec![value.into()] }
}

fn a_product() -> Product {
    Product {
        name: "Vestido Longo".into(),
        link: "vestido-longo-1001".into(),
        title: None,
        short_description: Some("Longo".into()),
        description: Some("<p>Longo</p>".into()),
        keywords: None,
        meta_description: None,
        brand: "M".into(),
        category: "C".into(),
        shown: true,
        score: Some(7),
        release_date: Some("2024-03-01".into()),
        tax_code: Some("6204.43.00".into()),
        specifications: vec![specification("Tecido", "Seda")],
        trade_policies: Vec::new(),
    }
}

fn image(name: &str, url: &str) -> Image {
    Image { name: name.into(), url: format!("https://img.loja/{url}.jpg"), label: None }
}

fn a_sku() -> Sku {
    Sku {
        product: PRODUCT.into(),
        name: "Vestido Longo Azul M".into(),
        active: true,
        eans: vec!["7891000000017".into()],
        package: Package {
            height: Decimal4(50_000),
            width: Decimal4(205_000),
            length: Decimal4(300_000),
            grams: 350,
        },
        unit: "un".into(),
        multiplier: Decimal4::ONE,
        specifications: vec![specification("Cor", "Azul"), specification("Tamanho", "M")],
        images: vec![image("mare-frente", "1"), image("mare-costas", "2")],
        components: Vec::new(),
    }
}

fn product(product: &Product) -> Value {
    Value::Product(Box::new(product.clone()))
}

fn sku(sku: &Sku) -> Value {
    Value::Sku(Box::new(sku.clone()))
}

fn component(sku: &str, quantity: u32) -> Component {
    Component { sku: CompactString::new(sku), quantity, unit_price: None }
}

fn text(json: &str) -> serde_json::Value {
    json!(json)
}
