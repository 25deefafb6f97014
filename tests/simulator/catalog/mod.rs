//! The catalog of the simulator behaves as VTEX's documents and its known issues say.

mod activation;
mod conformance;
mod faults;
mod kits;
mod lags;
mod products;
mod skus;
mod specifications;

use mare::simulator::{Options, Unmet};
use serde_json::{Value, json};

use super::{Answer, Scene};

pub(crate) const PRODUCT: &str = "/api/catalog/pvt/product";
pub(crate) const SKU: &str = "/api/catalog/pvt/stockkeepingunit";
pub(crate) const BRAND: &str = "/api/catalog/pvt/brand";
pub(crate) const CATEGORY: &str = "/api/catalog/pvt/category";
pub(crate) const SYSTEM: &str = "/api/catalog_system/pvt";

/// A simulator with one brand, one department and in it one category.
pub(crate) struct Shop {
    pub(crate) scene: Scene,
    pub(crate) brand: u32,
    pub(crate) department: u32,
    pub(crate) category: u32,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let scene = Scene::with(options).await;
        let brand = id(&scene.ok("POST", BRAND, json!({"Name": "Maré", "Active": true})).await);
        let department = id(&scene.ok("POST", CATEGORY, category("Roupas", None)).await);
        let category = id(&scene.ok("POST", CATEGORY, category("Calções", Some(department))).await);
        Self { scene, brand, department, category }
    }

    /// A product as a careful client writes it.
    pub(crate) fn product(&self, reference: &str) -> Value {
        json!({
            "Name": format!("Calção {reference}"),
            "CategoryId": self.category,
            "BrandId": self.brand,
            "RefId": reference,
            "IsVisible": true,
            "IsActive": true,
            "Description": "Seca rápido",
            "Score": 7,
        })
    }

    pub(crate) async fn new_product(&self, reference: &str) -> u32 {
        id(&self.scene.ok("POST", PRODUCT, self.product(reference)).await)
    }

    pub(crate) async fn new_sku(&self, product: u32, reference: &str) -> u32 {
        id(&self.scene.ok("POST", SKU, sku(product, reference)).await)
    }

    pub(crate) async fn add_image(&self, sku: u32, name: &str) -> Value {
        self.scene.ok("POST", &format!("{SKU}/{sku}/file"), image(name)).await
    }

    /// Only what the catalog itself has to say; price and stock are not written in these tests unless they are named.
    pub(crate) fn unmet(&self, sku: u32) -> Vec<Unmet> {
        let unmet = self.scene.handle.world().unmet(sku, "1");
        unmet.into_iter().filter(|unmet| !matches!(unmet, Unmet::Price | Unmet::Stock)).collect()
    }

    pub(crate) fn is_active(&self, sku: u32) -> bool {
        self.scene.handle.world().catalog_sku(sku).unwrap().active
    }
}

impl Scene {
    /// Sends, and wants 200; gives the body.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, Some(body).filter(|body| !body.is_null())).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.body
    }

    pub(crate) async fn refused(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let Answer { status, body, .. } =
            self.send(method, path, Some(body).filter(|body| !body.is_null())).await;
        (status, body)
    }
}

pub(crate) fn category(name: &str, father: Option<u32>) -> Value {
    json!({
        "Name": name,
        "Keywords": "",
        "Title": name,
        "Description": "",
        "AdWordsRemarketingCode": null,
        "LomadeeCampaignCode": null,
        "FatherCategoryId": father,
        "GlobalCategoryId": 0,
        "ShowInStoreFront": true,
        "IsActive": true,
        "ActiveStoreFrontLink": true,
        "ShowBrandFilter": true,
        "Score": 1,
        "StockKeepingUnitSelectionMode": "SPECIFICATION",
    })
}

/// A new SKU as a careful client writes it.
pub(crate) fn sku(product: u32, reference: &str) -> Value {
    json!({
        "ProductId": product,
        "IsActive": false,
        "ActivateIfPossible": true,
        "Name": format!("Azul {reference}").trim_end(),
        "RefId": reference,
        "PackagedHeight": 10,
        "PackagedLength": 20.5,
        "PackagedWidth": 30,
        "PackagedWeightKg": 250,
    })
}

pub(crate) fn image(name: &str) -> Value {
    json!({"Name": name, "Url": format!("https://imagens.example/{name}.jpg"), "IsMain": false, "Label": name})
}

/// An active field of type 1 (text), 5 (combo) or another of VTEX's numbers.
pub(crate) fn field(group: u32, name: &str, kind: u32, of_skus: bool) -> Value {
    json!({
        "FieldTypeId": kind,
        "FieldGroupId": group,
        "Name": name,
        "IsStockKeepingUnit": of_skus,
        "IsActive": true,
    })
}

/// Values of the field "Cor" in the group "Variações", of all categories or of the product's.
pub(crate) fn colour(of_all: bool, values: Value) -> Value {
    json!({
        "FieldName": "Cor",
        "GroupName": "Variações",
        "RootLevelSpecification": of_all,
        "FieldValues": values,
    })
}

pub(crate) fn id(made: &Value) -> u32 {
    u32::try_from(made["Id"].as_u64().unwrap()).unwrap()
}
