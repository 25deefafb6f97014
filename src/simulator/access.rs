//! Who may call what: required headers, credentials, License Manager resources.

use std::sync::RwLock;

use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use super::options::Credential;
use super::reply::Reply;
use super::route::{Area, Route};
use super::world::{read, written};

/// What a key can be denied; each stands for the License Manager resources of one kind of call.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Catalog: everything that only reads.
    Catalog,
    /// Catalog: "Product and SKU Management", "Edit Product".
    ModifyProducts,
    /// Catalog: "SKUs", "SKU Bundles".
    ModifySkus,
    /// Catalog: "Categories Management".
    ModifyCategories,
    /// Catalog: "Brands Management".
    ModifyBrands,
    /// Catalog: "Groups", "SKU management".
    ModifySpecifications,
    /// Pricing: "Read prices".
    ReadPrices,
    /// Pricing: "Modify prices".
    ModifyPrices,
    /// Logistics: reading inventory and configuration.
    ReadInventory,
    /// Logistics: "Logistics inventory full access".
    ModifyInventory,
    /// Master Data: "Read only documents".
    ReadDocuments,
    /// Master Data: "Insert or update document (not remove)".
    WriteDocuments,
    /// Master Data: "Full access to all documents": deleting, and private fields.
    AllDocuments,
    /// Master Data: "Master Data administrator": schemas, indices, the structure of entities.
    MasterDataAdministrator,
    /// User Rights: VTEX names no resource for it.
    EraseUsers,
    /// OMS: "View order".
    ViewOrders,
    /// OMS: "List Orders".
    ListOrders,
    /// OMS: "Change order workflow status".
    HandleOrders,
    /// OMS: "Cancel order".
    CancelOrders,
    /// OMS: "Change order".
    ChangeOrders,
    /// OMS: "Notify invoice".
    NotifyInvoices,
    /// OMS: "Notify payment".
    NotifyPayments,
    /// Checkout: "Orders Full Access": interactions and conversations.
    OrderConversations,
    /// OMS: "Feed v3 and Hook Admin".
    Feed,
}

/// The accepted credentials and the permissions they lack.
#[derive(Debug)]
pub(super) struct Access {
    credentials: RwLock<Vec<Credential>>,
    denied: RwLock<Vec<Permission>>,
}

impl Access {
    pub(super) fn new(credentials: Vec<Credential>) -> Self {
        Self { credentials: RwLock::new(credentials), denied: RwLock::default() }
    }

    pub(super) fn set_credentials(&self, credentials: Vec<Credential>) {
        *written(&self.credentials) = credentials;
    }

    pub(super) fn deny(&self, permissions: Vec<Permission>) {
        *written(&self.denied) = permissions;
    }

    /// The 401 or 403 of this request, if it is refused.
    pub(super) fn refusal(&self, route: Route, headers: &HeaderMap) -> Option<Reply> {
        let key = headers.get("x-vtex-api-appkey").map_or(&b""[..], |value| value.as_bytes());
        let token = headers.get("x-vtex-api-apptoken").map_or(&b""[..], |value| value.as_bytes());
        let known = read(&self.credentials)
            .iter()
            .any(|credential| credential.key.as_bytes() == key && credential.token.as_bytes() == token);
        if !known {
            return Some(Reply::unauthorized());
        }
        let forbidden = || match route.area() {
            Area::MasterData => Reply::message(403, "Forbidden"),
            _ => Reply::forbidden(),
        };
        self.lacks(permission_of(route)).then(forbidden)
    }

    pub(super) fn lacks(&self, permission: Permission) -> bool {
        read(&self.denied).contains(&permission)
    }
}

fn permission_of(route: Route) -> Permission {
    match (route.area(), route.writes()) {
        (Area::Catalog, false) => Permission::Catalog,
        (Area::Catalog, true) => match route.resource() {
            "product" => Permission::ModifyProducts,
            "category" => Permission::ModifyCategories,
            "brand" => Permission::ModifyBrands,
            "specificationgroup" | "specification" | "specificationvalue" => Permission::ModifySpecifications,
            _ => Permission::ModifySkus,
        },
        (Area::Pricing, false) => Permission::ReadPrices,
        (Area::Pricing, true) => Permission::ModifyPrices,
        (Area::Logistics, false) => Permission::ReadInventory,
        (Area::Logistics, true) => Permission::ModifyInventory,
        (Area::MasterData, _) => master_data_permission(route),
        (Area::UserRights, _) => Permission::EraseUsers,
        (Area::BulkPricing, false) => Permission::ReadPrices,
        (Area::BulkPricing, true) => Permission::ModifyPrices,
        // "Logistics - Full access" for each of them.
        (Area::BatchInventory, _) => Permission::ModifyInventory,
        (Area::Orders, _) => orders_permission(route),
    }
}

fn orders_permission(route: Route) -> Permission {
    match route {
        Route::Orders => Permission::ListOrders,
        Route::Order | Route::OrderGroup | Route::PaymentTransaction => Permission::ViewOrders,
        Route::StartHandling => Permission::HandleOrders,
        Route::OrderCancel | Route::CancellationDeny => Permission::CancelOrders,
        Route::Invoice | Route::InvoicePatch | Route::InvoiceTracking => Permission::NotifyInvoices,
        Route::PaymentNotification => Permission::NotifyPayments,
        Route::Interaction | Route::Conversation => Permission::OrderConversations,
        Route::ChangeSettings
        | Route::ChangeSettingsPut
        | Route::OrderChange
        | Route::OrderChanges
        | Route::OneOrderChange => Permission::ChangeOrders,
        _ => Permission::Feed,
    }
}

fn master_data_permission(route: Route) -> Permission {
    match route {
        Route::DocumentPost | Route::DocumentUpsert | Route::DocumentPut | Route::DocumentPatch => {
            Permission::WriteDocuments
        }
        Route::DocumentDelete => Permission::AllDocuments,
        Route::Document | Route::DocumentSearch | Route::DocumentScroll | Route::Schemas | Route::Schema => {
            Permission::ReadDocuments
        }
        _ => Permission::MasterDataAdministrator,
    }
}

/// The header that VTEX's files require on every operation and this request lacks.
pub(super) fn missing_header(headers: &HeaderMap) -> Option<&'static str> {
    if !headers.contains_key(ACCEPT) {
        return Some("missing header Accept");
    }
    (!headers.contains_key(CONTENT_TYPE)).then_some("missing header Content-Type")
}
