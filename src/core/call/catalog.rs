//! Requests to the catalog (VTEX Catalog API).

use compact_str::CompactString;

use super::Route;
use crate::core::entity::RemoteId;
use crate::core::money::Money;
use crate::core::value::catalog::{Component, Image, Specification};

/// A JSON object as VTEX has it: with the fields that we do not know.
pub type Document = serde_json::Map<String, serde_json::Value>;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogCall {
    /// `GET …/brand/list`, reduced to the brand with this name (case and blanks at the ends do not count).
    FindBrand {
        name: String,
    },
    /// `POST /api/catalog/pvt/brand`
    CreateBrand {
        body: Document,
    },
    /// `GET /api/catalog/pvt/brand/{id}`
    ReadBrand {
        id: u32,
    },
    PutBrand {
        id: u32,
        body: Document,
    },
    /// `GET …/category/tree/{levels}`, reduced to the category with this name under this parent.
    FindCategory {
        name: String,
        parent: Option<u32>,
    },
    CreateCategory {
        body: Document,
    },
    ReadCategory {
        id: u32,
    },
    PutCategory {
        id: u32,
        body: Document,
    },
    /// `GET …/products/productgetbyrefid/{reference}`: 200 with `null` for one that VTEX does not know.
    FindProduct {
        reference: CompactString,
    },
    CreateProduct {
        body: Document,
    },
    ReadProduct {
        id: u32,
    },
    /// Replaces: what is left out is wiped.
    PutProduct {
        id: u32,
        body: Document,
    },
    /// `PUT /api/catalog/pvt/product/{id}/specificationvalue`: makes field and values where they are missing.
    PutProductSpecification {
        id: u32,
        specification: Specification,
    },
    /// `GET …/specification`: all that the owner has, by the numbers of their fields.
    ReadSpecifications {
        owner: Specified,
    },
    /// `GET /api/catalog/pvt/specification/{field}`, reduced to its name.
    ReadField {
        field: u32,
    },
    /// `specification`: its field where the values come from a list, and otherwise its own number.
    RemoveSpecification {
        owner: Specified,
        specification: u32,
    },
    ReadTradePolicies {
        product: u32,
    },
    AddTradePolicy {
        product: u32,
        policy: u32,
    },
    RemoveTradePolicy {
        product: u32,
        policy: u32,
    },
    /// `GET /api/catalog/pvt/stockkeepingunit?RefId=`
    FindSku {
        reference: CompactString,
    },
    CreateSku {
        body: Document,
    },
    /// `GET …/sku/stockkeepingunitidbyrefid/{reference}` of a SKU that is said to exist: that there is none
    /// is a failure. Never tells the number of the key that asks.
    ResolveSku {
        reference: CompactString,
    },
    ReadSku {
        id: u32,
    },
    /// Replaces: what is left out is wiped, and a SKU without `IsActive` is inactive.
    PutSku {
        id: u32,
        body: Document,
    },
    PutSkuSpecification {
        id: u32,
        specification: Specification,
    },
    ReadEans {
        sku: u32,
    },
    AddEan {
        sku: u32,
        ean: CompactString,
    },
    RemoveEan {
        sku: u32,
        ean: CompactString,
    },
    ReadImages {
        sku: u32,
    },
    /// VTEX fetches the image before it answers. `position`: 0 is the main one.
    AddImage {
        sku: u32,
        image: Image,
        position: u32,
    },
    PutImage {
        sku: u32,
        file: u32,
        image: Image,
        position: u32,
    },
    RemoveImage {
        sku: u32,
        file: u32,
    },
    /// `GET …/stockkeepingunitkit`, reduced to one SKU of the kit `parent`.
    ReadComponent {
        parent: u32,
        sku: u32,
    },
    /// `parent` is the kit; the component by its own number. Without a price it is refused.
    AddComponent {
        parent: u32,
        sku: u32,
        component: Component,
        unit_price: Option<Money>,
    },
    /// `component`: VTEX's number of the association.
    RemoveComponent {
        parent: u32,
        component: u32,
    },
}

/// What a request that VTEX accepted has answered. Writes that answer nothing of interest are
/// [`super::Answer::Done`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogAnswer {
    /// Of `Find…` and `Read…` of one thing, with its `Id`; none: there is no such thing.
    Document(Option<Document>),
    /// Of `Create…`.
    Created(u32),
    /// Of `Create…`, status 409: there is one already, with this number if VTEX says it.
    Exists(Option<u32>),
    TradePolicies(Vec<u32>),
    Eans(Vec<CompactString>),
    Images(Vec<RemoteImage>),
    /// Of `ResolveSku`.
    Resolved(u32),
    Specifications(Vec<RemoteSpecification>),
    /// Of `ReadField`; none: there is no such field any more.
    FieldName(Option<String>),
    /// Of `AddImage` and `PutImage`: VTEX does not have it, since it cannot be fetched or is refused; why.
    Unfit(String),
    /// None: the kit does not contain the SKU.
    Component(Option<RemoteComponent>),
}

/// Who has specifications, by VTEX's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Specified {
    Product(u32),
    Sku(u32),
}

impl Specified {
    /// Where its specifications are, below `/api/catalog/pvt`.
    pub fn path(self) -> String {
        match self {
            Self::Product(id) => format!("product/{id}/specification"),
            Self::Sku(id) => format!("stockkeepingunit/{id}/specification"),
        }
    }
}

/// One value of a specification as VTEX has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSpecification {
    /// Of the value given to this owner.
    pub id: u32,
    pub field: u32,
    /// Its field has a list of values.
    pub of_list: bool,
    pub text: String,
}

/// A component as VTEX has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteComponent {
    /// Of the association.
    pub id: u32,
    pub quantity: u32,
}

impl RemoteComponent {
    /// The number of one that was added in this job: VTEX tells it, and nothing needs it.
    pub const JUST_ADDED: u32 = 0;
}

/// An image as VTEX has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteImage {
    pub file: u32,
    pub name: CompactString,
    pub label: Option<String>,
    /// Where it came from, if VTEX says so.
    pub url: Option<String>,
    pub main: bool,
    pub position: u32,
}

impl CatalogCall {
    pub const fn route(&self) -> Route {
        if self.writes() { Route::CatalogWrite } else { Route::CatalogRead }
    }

    pub const fn writes(&self) -> bool {
        !matches!(
            self,
            Self::FindBrand { .. }
                | Self::ReadBrand { .. }
                | Self::FindCategory { .. }
                | Self::ReadCategory { .. }
                | Self::FindProduct { .. }
                | Self::ReadProduct { .. }
                | Self::ReadSpecifications { .. }
                | Self::ReadField { .. }
                | Self::ReadTradePolicies { .. }
                | Self::FindSku { .. }
                | Self::ReadSku { .. }
                | Self::ReadEans { .. }
                | Self::ReadImages { .. }
                | Self::ResolveSku { .. }
                | Self::ReadComponent { .. }
        )
    }

    /// Whether it makes something that a second request would make again: nothing in it is unique to VTEX.
    pub const fn creates_blindly(&self) -> bool {
        matches!(
            self,
            Self::CreateBrand { .. }
                | Self::CreateCategory { .. }
                | Self::AddImage { .. }
                | Self::AddComponent { .. }
        )
    }

    /// Whether its answer is the whole thing, which may be put back.
    pub(crate) const fn shows_all(&self) -> bool {
        matches!(
            self,
            Self::ReadBrand { .. }
                | Self::ReadCategory { .. }
                | Self::ReadProduct { .. }
                | Self::ReadSku { .. }
                | Self::FindSku { .. }
        )
    }

    /// Whether it names nothing by VTEX's number.
    pub const fn is_first(&self) -> bool {
        self.creates()
            || matches!(
                self,
                Self::FindBrand { .. }
                    | Self::FindCategory { .. }
                    | Self::FindProduct { .. }
                    | Self::FindSku { .. }
                    | Self::ResolveSku { .. }
            )
    }

    /// Whether it names, by VTEX's number, what the thing is to hang on: a brand, a category, a product.
    pub fn names_parents(&self) -> bool {
        match self {
            Self::CreateProduct { .. }
            | Self::PutProduct { .. }
            | Self::CreateSku { .. }
            | Self::PutSku { .. } => true,
            Self::CreateCategory { body } | Self::PutCategory { body, .. } => {
                body.get("FatherCategoryId").is_some_and(|father| !father.is_null())
            }
            _ => false,
        }
    }

    const fn creates(&self) -> bool {
        matches!(
            self,
            Self::CreateBrand { .. }
                | Self::CreateCategory { .. }
                | Self::CreateProduct { .. }
                | Self::CreateSku { .. }
        )
    }

    /// Whether an answer is one to this request.
    pub(crate) const fn fits(&self, answer: &CatalogAnswer) -> bool {
        match answer {
            CatalogAnswer::TradePolicies(_) => matches!(self, Self::ReadTradePolicies { .. }),
            CatalogAnswer::Eans(_) => matches!(self, Self::ReadEans { .. }),
            CatalogAnswer::Images(_) => matches!(self, Self::ReadImages { .. }),
            CatalogAnswer::Created(_) | CatalogAnswer::Exists(_) => self.creates(),
            CatalogAnswer::Resolved(_) => matches!(self, Self::ResolveSku { .. }),
            CatalogAnswer::Specifications(_) => matches!(self, Self::ReadSpecifications { .. }),
            CatalogAnswer::FieldName(_) => matches!(self, Self::ReadField { .. }),
            CatalogAnswer::Unfit(_) => matches!(self, Self::AddImage { .. } | Self::PutImage { .. }),
            CatalogAnswer::Component(_) => matches!(self, Self::ReadComponent { .. }),
            CatalogAnswer::Document(_) => {
                self.shows_all()
                    || matches!(
                        self,
                        Self::FindBrand { .. } | Self::FindCategory { .. } | Self::FindProduct { .. }
                    )
            }
        }
    }

    /// Method and path, as VTEX documents them.
    pub fn line(&self) -> String {
        const PVT: &str = "/api/catalog/pvt";
        const SYSTEM: &str = "/api/catalog_system";
        match self {
            Self::FindBrand { .. } => format!("GET {SYSTEM}/pvt/brand/list"),
            Self::CreateBrand { .. } => format!("POST {PVT}/brand"),
            Self::ReadBrand { id } => format!("GET {PVT}/brand/{id}"),
            Self::PutBrand { id, .. } => format!("PUT {PVT}/brand/{id}"),
            Self::FindCategory { .. } => format!("GET {SYSTEM}/pub/category/tree/{CATEGORY_LEVELS}"),
            Self::CreateCategory { .. } => format!("POST {PVT}/category"),
            Self::ReadCategory { id } => format!("GET {PVT}/category/{id}"),
            Self::PutCategory { id, .. } => format!("PUT {PVT}/category/{id}"),
            Self::FindProduct { reference } => {
                format!("GET {SYSTEM}/pvt/products/productgetbyrefid/{reference}")
            }
            Self::CreateProduct { .. } => format!("POST {PVT}/product"),
            Self::ReadProduct { id } => format!("GET {PVT}/product/{id}"),
            Self::PutProduct { id, .. } => format!("PUT {PVT}/product/{id}"),
            Self::PutProductSpecification { id, .. } => format!("PUT {PVT}/product/{id}/specificationvalue"),
            Self::ReadSpecifications { owner } => format!("GET {PVT}/{}", owner.path()),
            Self::ReadField { field } => format!("GET {PVT}/specification/{field}"),
            Self::RemoveSpecification { owner, specification } => {
                format!("DELETE {PVT}/{}/{specification}", owner.path())
            }
            Self::ReadTradePolicies { product } => format!("GET {PVT}/product/{product}/salespolicy"),
            Self::AddTradePolicy { product, policy } => {
                format!("POST {PVT}/product/{product}/salespolicy/{policy}")
            }
            Self::RemoveTradePolicy { product, policy } => {
                format!("DELETE {PVT}/product/{product}/salespolicy/{policy}")
            }
            Self::FindSku { reference } => format!("GET {PVT}/stockkeepingunit?RefId={reference}"),
            Self::CreateSku { .. } => format!("POST {PVT}/stockkeepingunit"),
            Self::ReadSku { id } => format!("GET {PVT}/stockkeepingunit/{id}"),
            Self::PutSku { id, .. } => format!("PUT {PVT}/stockkeepingunit/{id}"),
            Self::PutSkuSpecification { id, .. } => {
                format!("PUT {PVT}/stockkeepingunit/{id}/specificationvalue")
            }
            Self::ReadEans { sku } => format!("GET {PVT}/stockkeepingunit/{sku}/ean"),
            Self::AddEan { sku, ean } => format!("POST {PVT}/stockkeepingunit/{sku}/ean/{ean}"),
            Self::RemoveEan { sku, ean } => format!("DELETE {PVT}/stockkeepingunit/{sku}/ean/{ean}"),
            Self::ReadImages { sku } => format!("GET {PVT}/stockkeepingunit/{sku}/file"),
            Self::AddImage { sku, .. } => format!("POST {PVT}/stockkeepingunit/{sku}/file"),
            Self::PutImage { sku, file, .. } => format!("PUT {PVT}/stockkeepingunit/{sku}/file/{file}"),
            Self::RemoveImage { sku, file } => format!("DELETE {PVT}/stockkeepingunit/{sku}/file/{file}"),
            Self::ResolveSku { reference } => {
                format!("GET {SYSTEM}/pvt/sku/stockkeepingunitidbyrefid/{reference}")
            }
            Self::ReadComponent { parent, sku } => {
                format!("GET {PVT}/stockkeepingunitkit?skuId={sku}&parentSkuId={parent}")
            }
            Self::AddComponent { .. } => format!("POST {PVT}/stockkeepingunitkit"),
            Self::RemoveComponent { component, .. } => {
                format!("DELETE {PVT}/stockkeepingunitkit/{component}")
            }
        }
    }
}

/// Levels of the category tree that are read: more than VTEX advises, so that a deep tree is found too.
pub const CATEGORY_LEVELS: u8 = 5;

impl CatalogAnswer {
    /// VTEX's number of what was asked for, if the answer tells it.
    pub fn id(&self) -> Option<RemoteId> {
        let number = match self {
            Self::Created(id) => Some(*id),
            Self::Exists(id) => *id,
            Self::Document(document) => document
                .as_ref()
                .and_then(|document| document.get("Id").or_else(|| document.get("id")))
                .and_then(serde_json::Value::as_u64)
                .and_then(|id| u32::try_from(id).ok()),
            _ => None,
        };
        number.map(RemoteId::Number)
    }
}
