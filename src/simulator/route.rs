//! The VTEX calls that are simulated, and which one a request is.

use std::borrow::Cow;

pub(super) use super::query::{decode, query_pairs, query_value};

/// The API a route belongs to; each has its own limits and permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    Logistics,
    Pricing,
    Catalog,
    MasterData,
    UserRights,
    BulkPricing,
    BatchInventory,
    Orders,
}

impl Area {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Logistics => "logistics",
            Self::Pricing => "pricing",
            Self::Catalog => "catalog",
            Self::MasterData => "master-data",
            Self::UserRights => "user-rights",
            Self::BulkPricing => "bulk-pricing",
            Self::BatchInventory => "batch-inventory",
            Self::Orders => "orders",
        }
    }
}

/// Declares the routes once: the enum, and for each its area, method and OpenAPI path.
macro_rules! routes {
    ($($route:ident $area:ident $method:literal $path:literal [$($segment:literal)*];)*) => {
        /// One simulated VTEX operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Route { $($route),* }

        const DEFINITIONS: &[Definition] = &[$(Definition {
            route: Route::$route,
            area: Area::$area,
            method: $method,
            name: concat!($method, " ", $path),
            segments: &[$($segment),*],
        }),*];
    };
}

struct Definition {
    route: Route,
    area: Area,
    method: &'static str,
    /// Method and OpenAPI path, the name used in counters and faults.
    name: &'static str,
    /// The path split at `/`; an empty text is a parameter.
    segments: &'static [&'static str],
}

routes! {
    StockQuantity Logistics "PATCH" "/api/logistics/pvt/inventory/skus/{skuId}/warehouses/{warehouseId}/quantity"
        ["api" "logistics" "pvt" "inventory" "skus" "" "warehouses" "" "quantity"];
    StockPut Logistics "PUT" "/api/logistics/pvt/inventory/skus/{skuId}/warehouses/{warehouseId}"
        ["api" "logistics" "pvt" "inventory" "skus" "" "warehouses" ""];
    StockLeadTime Logistics "PATCH" "/api/logistics/pvt/inventory/skus/{skuId}/warehouses/{warehouseId}/lead-time"
        ["api" "logistics" "pvt" "inventory" "skus" "" "warehouses" "" "lead-time"];
    StockOfSku Logistics "GET" "/api/logistics/pvt/inventory/skus/{skuId}"
        ["api" "logistics" "pvt" "inventory" "skus" ""];
    StockOfWarehouse Logistics "GET" "/api/logistics/pvt/inventory/items/{skuId}/warehouses/{warehouseId}"
        ["api" "logistics" "pvt" "inventory" "items" "" "warehouses" ""];
    Warehouses Logistics "GET" "/api/logistics/pvt/configuration/warehouses"
        ["api" "logistics" "pvt" "configuration" "warehouses"];
    Warehouse Logistics "GET" "/api/logistics/pvt/configuration/warehouses/{warehouseId}"
        ["api" "logistics" "pvt" "configuration" "warehouses" ""];
    PickupPoints Logistics "GET" "/api/logistics/pvt/configuration/pickuppoints"
        ["api" "logistics" "pvt" "configuration" "pickuppoints"];
    Docks Logistics "GET" "/api/logistics/pvt/configuration/docks"
        ["api" "logistics" "pvt" "configuration" "docks"];
    ReservationConfirm Logistics "POST" "/api/logistics/pvt/inventory/reservations/{reservationId}/confirm"
        ["api" "logistics" "pvt" "inventory" "reservations" "" "confirm"];
    ReservationAcknowledge Logistics "POST" "/api/logistics/pvt/inventory/reservations/{reservationId}/acknowledge"
        ["api" "logistics" "pvt" "inventory" "reservations" "" "acknowledge"];
    ReservationCancel Logistics "POST" "/api/logistics/pvt/inventory/reservations/{reservationId}/cancel"
        ["api" "logistics" "pvt" "inventory" "reservations" "" "cancel"];
    Reservation Logistics "GET" "/api/logistics/pvt/inventory/reservations/{reservationId}"
        ["api" "logistics" "pvt" "inventory" "reservations" ""];
    ReservationsOfStock Logistics "GET" "/api/logistics/pvt/inventory/reservations/{warehouseId}/{skuId}"
        ["api" "logistics" "pvt" "inventory" "reservations" "" ""];
    Dispatched Logistics "GET" "/api/logistics/pvt/inventory/items/{itemId}/warehouses/{warehouseId}/dispatched"
        ["api" "logistics" "pvt" "inventory" "items" "" "warehouses" "" "dispatched"];
    Price Pricing "GET" "/pricing/prices/{itemId}" ["pricing" "prices" ""];
    PricePut Pricing "PUT" "/pricing/prices/{itemId}" ["pricing" "prices" ""];
    PriceDelete Pricing "DELETE" "/pricing/prices/{itemId}" ["pricing" "prices" ""];
    Fixed Pricing "GET" "/pricing/prices/{itemId}/fixed" ["pricing" "prices" "" "fixed"];
    FixedPatch Pricing "PATCH" "/pricing/prices/{itemId}/fixed" ["pricing" "prices" "" "fixed"];
    FixedOfTable Pricing "GET" "/pricing/prices/{itemId}/fixed/{priceTableId}" ["pricing" "prices" "" "fixed" ""];
    FixedOfTablePost Pricing "POST" "/pricing/prices/{itemId}/fixed/{priceTableId}"
        ["pricing" "prices" "" "fixed" ""];
    FixedOfTableDelete Pricing "DELETE" "/pricing/prices/{itemId}/fixed/{priceTableId}"
        ["pricing" "prices" "" "fixed" ""];
    Computed Pricing "GET" "/pricing/prices/{itemId}/computed" ["pricing" "prices" "" "computed"];
    ComputedOfTable Pricing "GET" "/pricing/prices/{itemId}/computed/{priceTableId}"
        ["pricing" "prices" "" "computed" ""];
    PricingConfig Pricing "GET" "/pricing/config" ["pricing" "config"];
    PriceTables Pricing "GET" "/pricing/tables" ["pricing" "tables"];
    PriceTablePut Pricing "PUT" "/pricing/tables/{priceTableId}" ["pricing" "tables" ""];
    SkuIdsByRefIds Catalog "POST" "/api/catalog_system/pub/sku/stockkeepingunitidsbyrefids"
        ["api" "catalog_system" "pub" "sku" "stockkeepingunitidsbyrefids"];
    SkuIdByRefId Catalog "GET" "/api/catalog_system/pvt/sku/stockkeepingunitidbyrefid/{refId}"
        ["api" "catalog_system" "pvt" "sku" "stockkeepingunitidbyrefid" ""];
    SkuByRefId Catalog "GET" "/api/catalog/pvt/stockkeepingunit" ["api" "catalog" "pvt" "stockkeepingunit"];
    SkuById Catalog "GET" "/api/catalog/pvt/stockkeepingunit/{skuId}"
        ["api" "catalog" "pvt" "stockkeepingunit" ""];
    SkuIds Catalog "GET" "/api/catalog_system/pvt/sku/stockkeepingunitids"
        ["api" "catalog_system" "pvt" "sku" "stockkeepingunitids"];
    SalesChannels Catalog "GET" "/api/catalog_system/pvt/saleschannel/list"
        ["api" "catalog_system" "pvt" "saleschannel" "list"];
    Brands Catalog "GET" "/api/catalog_system/pvt/brand/list" ["api" "catalog_system" "pvt" "brand" "list"];
    BrandsPage Catalog "GET" "/api/catalog_system/pvt/brand/pagedlist"
        ["api" "catalog_system" "pvt" "brand" "pagedlist"];
    BrandSummary Catalog "GET" "/api/catalog_system/pvt/brand/{brandId}"
        ["api" "catalog_system" "pvt" "brand" ""];
    BrandCreate Catalog "POST" "/api/catalog/pvt/brand" ["api" "catalog" "pvt" "brand"];
    Brand Catalog "GET" "/api/catalog/pvt/brand/{brandId}" ["api" "catalog" "pvt" "brand" ""];
    BrandPut Catalog "PUT" "/api/catalog/pvt/brand/{brandId}" ["api" "catalog" "pvt" "brand" ""];
    CategoryTree Catalog "GET" "/api/catalog_system/pub/category/tree/{categoryLevels}"
        ["api" "catalog_system" "pub" "category" "tree" ""];
    CategoryCreate Catalog "POST" "/api/catalog/pvt/category" ["api" "catalog" "pvt" "category"];
    Category Catalog "GET" "/api/catalog/pvt/category/{categoryId}" ["api" "catalog" "pvt" "category" ""];
    CategoryPut Catalog "PUT" "/api/catalog/pvt/category/{categoryId}" ["api" "catalog" "pvt" "category" ""];
    ProductCreate Catalog "POST" "/api/catalog/pvt/product" ["api" "catalog" "pvt" "product"];
    Product Catalog "GET" "/api/catalog/pvt/product/{productId}" ["api" "catalog" "pvt" "product" ""];
    ProductPut Catalog "PUT" "/api/catalog/pvt/product/{productId}" ["api" "catalog" "pvt" "product" ""];
    ProductByRefId Catalog "GET" "/api/catalog_system/pvt/products/productgetbyrefid/{refId}"
        ["api" "catalog_system" "pvt" "products" "productgetbyrefid" ""];
    ProductSummary Catalog "GET" "/api/catalog_system/pvt/products/productget/{productId}"
        ["api" "catalog_system" "pvt" "products" "productget" ""];
    ProductAndSkuIds Catalog "GET" "/api/catalog_system/pvt/products/GetProductAndSkuIds"
        ["api" "catalog_system" "pvt" "products" "GetProductAndSkuIds"];
    ProductIndexed Catalog "GET" "/api/catalog_system/pvt/products/GetIndexedInfo/{productId}"
        ["api" "catalog_system" "pvt" "products" "GetIndexedInfo" ""];
    ProductPolicies Catalog "GET" "/api/catalog/pvt/product/{productId}/salespolicy"
        ["api" "catalog" "pvt" "product" "" "salespolicy"];
    ProductPolicyAdd Catalog "POST" "/api/catalog/pvt/product/{productId}/salespolicy/{tradepolicyId}"
        ["api" "catalog" "pvt" "product" "" "salespolicy" ""];
    ProductPolicyRemove Catalog "DELETE" "/api/catalog/pvt/product/{productId}/salespolicy/{tradepolicyId}"
        ["api" "catalog" "pvt" "product" "" "salespolicy" ""];
    ProductSpecifications Catalog "GET" "/api/catalog/pvt/product/{productId}/specification"
        ["api" "catalog" "pvt" "product" "" "specification"];
    ProductSpecificationAdd Catalog "POST" "/api/catalog/pvt/product/{productId}/specification"
        ["api" "catalog" "pvt" "product" "" "specification"];
    ProductSpecificationsClear Catalog "DELETE" "/api/catalog/pvt/product/{productId}/specification"
        ["api" "catalog" "pvt" "product" "" "specification"];
    ProductSpecificationRemove Catalog "DELETE" "/api/catalog/pvt/product/{productId}/specification/{specificationId}"
        ["api" "catalog" "pvt" "product" "" "specification" ""];
    ProductSpecificationNamed Catalog "PUT" "/api/catalog/pvt/product/{productId}/specificationvalue"
        ["api" "catalog" "pvt" "product" "" "specificationvalue"];
    SkuCreate Catalog "POST" "/api/catalog/pvt/stockkeepingunit" ["api" "catalog" "pvt" "stockkeepingunit"];
    SkuPut Catalog "PUT" "/api/catalog/pvt/stockkeepingunit/{skuId}"
        ["api" "catalog" "pvt" "stockkeepingunit" ""];
    SkuContext Catalog "GET" "/api/catalog_system/pvt/sku/stockkeepingunitbyid/{skuId}"
        ["api" "catalog_system" "pvt" "sku" "stockkeepingunitbyid" ""];
    SkuByEan Catalog "GET" "/api/catalog_system/pvt/sku/stockkeepingunitbyean/{ean}"
        ["api" "catalog_system" "pvt" "sku" "stockkeepingunitbyean" ""];
    SkuByAlternateId Catalog "GET" "/api/catalog_system/pvt/sku/stockkeepingunitbyalternateId/{alternateId}"
        ["api" "catalog_system" "pvt" "sku" "stockkeepingunitbyalternateId" ""];
    SkusOfProduct Catalog "GET" "/api/catalog_system/pvt/sku/stockkeepingunitByProductId/{productId}"
        ["api" "catalog_system" "pvt" "sku" "stockkeepingunitByProductId" ""];
    SkuIdsOfPolicy Catalog "GET" "/api/catalog_system/pvt/sku/stockkeepingunitidsbysaleschannel"
        ["api" "catalog_system" "pvt" "sku" "stockkeepingunitidsbysaleschannel"];
    SkuEans Catalog "GET" "/api/catalog/pvt/stockkeepingunit/{skuId}/ean"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "ean"];
    SkuEansClear Catalog "DELETE" "/api/catalog/pvt/stockkeepingunit/{skuId}/ean"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "ean"];
    SkuEanAdd Catalog "POST" "/api/catalog/pvt/stockkeepingunit/{skuId}/ean/{ean}"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "ean" ""];
    SkuEanRemove Catalog "DELETE" "/api/catalog/pvt/stockkeepingunit/{skuId}/ean/{ean}"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "ean" ""];
    SkuFiles Catalog "GET" "/api/catalog/pvt/stockkeepingunit/{skuId}/file"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "file"];
    SkuFileAdd Catalog "POST" "/api/catalog/pvt/stockkeepingunit/{skuId}/file"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "file"];
    SkuFilesClear Catalog "DELETE" "/api/catalog/pvt/stockkeepingunit/{skuId}/file"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "file"];
    SkuFilesReorder Catalog "PUT" "/api/catalog/pvt/stockkeepingunit/{skuId}/file/reorder"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "file" "reorder"];
    SkuFilePut Catalog "PUT" "/api/catalog/pvt/stockkeepingunit/{skuId}/file/{skuFileId}"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "file" ""];
    SkuFileRemove Catalog "DELETE" "/api/catalog/pvt/stockkeepingunit/{skuId}/file/{skuFileId}"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "file" ""];
    SkuFilesCopy Catalog "PUT" "/api/catalog/pvt/stockkeepingunit/copy/{skuIdfrom}/{skuIdto}/file"
        ["api" "catalog" "pvt" "stockkeepingunit" "copy" "" "" "file"];
    SkuFileDisassociate Catalog "DELETE" "/api/catalog/pvt/stockkeepingunit/disassociate/{skuId}/file/{skuFileId}"
        ["api" "catalog" "pvt" "stockkeepingunit" "disassociate" "" "file" ""];
    SkuSpecifications Catalog "GET" "/api/catalog/pvt/stockkeepingunit/{skuId}/specification"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "specification"];
    SkuSpecificationAdd Catalog "POST" "/api/catalog/pvt/stockkeepingunit/{skuId}/specification"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "specification"];
    SkuSpecificationPut Catalog "PUT" "/api/catalog/pvt/stockkeepingunit/{skuId}/specification"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "specification"];
    SkuSpecificationsClear Catalog "DELETE" "/api/catalog/pvt/stockkeepingunit/{skuId}/specification"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "specification"];
    SkuSpecificationRemove Catalog "DELETE" "/api/catalog/pvt/stockkeepingunit/{skuId}/specification/{specificationId}"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "specification" ""];
    SkuSpecificationNamed Catalog "PUT" "/api/catalog/pvt/stockkeepingunit/{skuId}/specificationvalue"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "specificationvalue"];
    KitComponents Catalog "GET" "/api/catalog/pvt/stockkeepingunitkit"
        ["api" "catalog" "pvt" "stockkeepingunitkit"];
    KitComponentAdd Catalog "POST" "/api/catalog/pvt/stockkeepingunitkit"
        ["api" "catalog" "pvt" "stockkeepingunitkit"];
    KitComponentsClear Catalog "DELETE" "/api/catalog/pvt/stockkeepingunitkit"
        ["api" "catalog" "pvt" "stockkeepingunitkit"];
    KitComponent Catalog "GET" "/api/catalog/pvt/stockkeepingunitkit/{kitId}"
        ["api" "catalog" "pvt" "stockkeepingunitkit" ""];
    KitComponentRemove Catalog "DELETE" "/api/catalog/pvt/stockkeepingunitkit/{kitId}"
        ["api" "catalog" "pvt" "stockkeepingunitkit" ""];
    ComplementAdd Catalog "POST" "/api/catalog/pvt/skucomplement" ["api" "catalog" "pvt" "skucomplement"];
    Complement Catalog "GET" "/api/catalog/pvt/skucomplement/{skuComplementId}"
        ["api" "catalog" "pvt" "skucomplement" ""];
    ComplementRemove Catalog "DELETE" "/api/catalog/pvt/skucomplement/{skuComplementId}"
        ["api" "catalog" "pvt" "skucomplement" ""];
    Complements Catalog "GET" "/api/catalog/pvt/stockkeepingunit/{skuId}/complement"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "complement"];
    ComplementsOfType Catalog "GET" "/api/catalog/pvt/stockkeepingunit/{skuId}/complement/{complementTypeId}"
        ["api" "catalog" "pvt" "stockkeepingunit" "" "complement" ""];
    GroupCreate Catalog "POST" "/api/catalog/pvt/specificationgroup"
        ["api" "catalog" "pvt" "specificationgroup"];
    GroupPut Catalog "PUT" "/api/catalog/pvt/specificationgroup/{groupId}"
        ["api" "catalog" "pvt" "specificationgroup" ""];
    Group Catalog "GET" "/api/catalog_system/pub/specification/groupGet/{groupId}"
        ["api" "catalog_system" "pub" "specification" "groupGet" ""];
    GroupsOfCategory Catalog "GET" "/api/catalog_system/pvt/specification/groupbycategory/{categoryId}"
        ["api" "catalog_system" "pvt" "specification" "groupbycategory" ""];
    FieldCreate Catalog "POST" "/api/catalog/pvt/specification" ["api" "catalog" "pvt" "specification"];
    Field Catalog "GET" "/api/catalog/pvt/specification/{specificationId}"
        ["api" "catalog" "pvt" "specification" ""];
    FieldPut Catalog "PUT" "/api/catalog/pvt/specification/{specificationId}"
        ["api" "catalog" "pvt" "specification" ""];
    FieldsOfCategory Catalog "GET" "/api/catalog_system/pub/specification/field/listByCategoryId/{categoryId}"
        ["api" "catalog_system" "pub" "specification" "field" "listByCategoryId" ""];
    FieldsOfTree Catalog "GET" "/api/catalog_system/pub/specification/field/listTreeByCategoryId/{categoryId}"
        ["api" "catalog_system" "pub" "specification" "field" "listTreeByCategoryId" ""];
    ValueCreate Catalog "POST" "/api/catalog/pvt/specificationvalue"
        ["api" "catalog" "pvt" "specificationvalue"];
    Value Catalog "GET" "/api/catalog/pvt/specificationvalue/{specificationValueId}"
        ["api" "catalog" "pvt" "specificationvalue" ""];
    ValuePut Catalog "PUT" "/api/catalog/pvt/specificationvalue/{specificationValueId}"
        ["api" "catalog" "pvt" "specificationvalue" ""];
    ValuesOfField Catalog "GET" "/api/catalog_system/pub/specification/fieldvalue/{fieldId}"
        ["api" "catalog_system" "pub" "specification" "fieldvalue" ""];
    Entities MasterData "GET" "/api/dataentities" ["api" "dataentities"];
    EntityStructure MasterData "GET" "/api/dataentities/{acronym}" ["api" "dataentities" ""];
    DocumentPost MasterData "POST" "/api/dataentities/{acronym}/documents" ["api" "dataentities" "" "documents"];
    DocumentUpsert MasterData "PATCH" "/api/dataentities/{acronym}/documents" ["api" "dataentities" "" "documents"];
    Document MasterData "GET" "/api/dataentities/{acronym}/documents/{id}" ["api" "dataentities" "" "documents" ""];
    DocumentPut MasterData "PUT" "/api/dataentities/{acronym}/documents/{id}" ["api" "dataentities" "" "documents" ""];
    DocumentPatch MasterData "PATCH" "/api/dataentities/{acronym}/documents/{id}"
        ["api" "dataentities" "" "documents" ""];
    DocumentDelete MasterData "DELETE" "/api/dataentities/{acronym}/documents/{id}"
        ["api" "dataentities" "" "documents" ""];
    DocumentSearch MasterData "GET" "/api/dataentities/{acronym}/search" ["api" "dataentities" "" "search"];
    DocumentScroll MasterData "GET" "/api/dataentities/{acronym}/scroll" ["api" "dataentities" "" "scroll"];
    Schemas MasterData "GET" "/api/dataentities/{dataEntityName}/schemas" ["api" "dataentities" "" "schemas"];
    Schema MasterData "GET" "/api/dataentities/{dataEntityName}/schemas/{schemaName}"
        ["api" "dataentities" "" "schemas" ""];
    SchemaPut MasterData "PUT" "/api/dataentities/{dataEntityName}/schemas/{schemaName}"
        ["api" "dataentities" "" "schemas" ""];
    SchemaDelete MasterData "DELETE" "/api/dataentities/{dataEntityName}/schemas/{schemaName}"
        ["api" "dataentities" "" "schemas" ""];
    Indices MasterData "GET" "/api/dataentities/{dataEntityName}/indices" ["api" "dataentities" "" "indices"];
    IndexPut MasterData "PUT" "/api/dataentities/{dataEntityName}/indices" ["api" "dataentities" "" "indices"];
    Index MasterData "GET" "/api/dataentities/{dataEntityName}/indices/{index_name}"
        ["api" "dataentities" "" "indices" ""];
    IndexDelete MasterData "DELETE" "/api/dataentities/{dataEntityName}/indices/{index_name}"
        ["api" "dataentities" "" "indices" ""];
    ForgetPost UserRights "POST" "/api/user-rights/forget/jobs" ["api" "user-rights" "forget" "jobs"];
    ForgetJob UserRights "GET" "/api/user-rights/forget/jobs/{jobId}" ["api" "user-rights" "forget" "jobs" ""];
    PriceImport BulkPricing "POST" "/api/price-importer/pvt/import/{importType}"
        ["api" "price-importer" "pvt" "import" ""];
    PriceImportBatch BulkPricing "GET" "/api/price-importer/pvt/batches/{batchId}"
        ["api" "price-importer" "pvt" "batches" ""];
    PriceImportErrors BulkPricing "GET" "/api/price-importer/pvt/batches/{batchId}/errors"
        ["api" "price-importer" "pvt" "batches" "" "errors"];
    InventoryBatchOpen BatchInventory "POST" "/availability/v1/inventory/batch"
        ["availability" "v1" "inventory" "batch"];
    InventoryBatchConfirm BatchInventory "POST" "/availability/v1/inventory/batch/{batchId}/confirm"
        ["availability" "v1" "inventory" "batch" "" "confirm"];
    InventoryBatchStatus BatchInventory "GET" "/availability/v1/inventory/batch/{batchId}/status"
        ["availability" "v1" "inventory" "batch" "" "status"];
    InventoryBatchErrors BatchInventory "GET" "/availability/v1/inventory/batch/{batchId}/errors"
        ["availability" "v1" "inventory" "batch" "" "errors"];
    Orders Orders "GET" "/api/oms/pvt/orders" ["api" "oms" "pvt" "orders"];
    Order Orders "GET" "/api/oms/pvt/orders/{orderId}" ["api" "oms" "pvt" "orders" ""];
    OrderGroup Orders "GET" "/api/oms/pvt/orders/order-group/{orderGroup}" ["api" "oms" "pvt" "orders" "order-group" ""];
    StartHandling Orders "POST" "/api/oms/pvt/orders/{orderId}/start-handling"
        ["api" "oms" "pvt" "orders" "" "start-handling"];
    OrderCancel Orders "POST" "/api/oms/pvt/orders/{orderId}/cancel" ["api" "oms" "pvt" "orders" "" "cancel"];
    CancellationDeny Orders "POST" "/api/orders/pvt/document/{orderId}/deny-cancellation-request"
        ["api" "orders" "pvt" "document" "" "deny-cancellation-request"];
    PaymentNotification Orders "POST" "/api/oms/pvt/orders/{orderId}/payments/{paymentId}/payment-notification"
        ["api" "oms" "pvt" "orders" "" "payments" "" "payment-notification"];
    PaymentTransaction Orders "GET" "/api/oms/pvt/orders/{orderId}/payment-transaction"
        ["api" "oms" "pvt" "orders" "" "payment-transaction"];
    Interaction Orders "POST" "/api/oms/pvt/orders/{orderId}/interactions"
        ["api" "oms" "pvt" "orders" "" "interactions"];
    Conversation Orders "GET" "/api/oms/pvt/orders/{orderId}/conversation-message"
        ["api" "oms" "pvt" "orders" "" "conversation-message"];
    Invoice Orders "POST" "/api/oms/pvt/orders/{orderId}/invoice" ["api" "oms" "pvt" "orders" "" "invoice"];
    InvoicePatch Orders "PATCH" "/api/oms/pvt/orders/{orderId}/invoice/{invoiceNumber}"
        ["api" "oms" "pvt" "orders" "" "invoice" ""];
    InvoiceTracking Orders "PUT" "/api/oms/pvt/orders/{orderId}/invoice/{invoiceNumber}/tracking"
        ["api" "oms" "pvt" "orders" "" "invoice" "" "tracking"];
    ChangeSettings Orders "GET" "/api/order-system/orders/changes/settings"
        ["api" "order-system" "orders" "changes" "settings"];
    ChangeSettingsPut Orders "PUT" "/api/order-system/orders/changes/settings"
        ["api" "order-system" "orders" "changes" "settings"];
    OrderChange Orders "PATCH" "/api/order-system/orders/{changeOrderId}/changes"
        ["api" "order-system" "orders" "" "changes"];
    OrderChanges Orders "GET" "/api/order-system/orders/{changeOrderId}/changes"
        ["api" "order-system" "orders" "" "changes"];
    OneOrderChange Orders "GET" "/api/order-system/orders/{changeOrderId}/changes/{changeRequestId}"
        ["api" "order-system" "orders" "" "changes" ""];
    FeedConfig Orders "GET" "/api/orders/feed/config" ["api" "orders" "feed" "config"];
    FeedConfigPost Orders "POST" "/api/orders/feed/config" ["api" "orders" "feed" "config"];
    FeedConfigDelete Orders "DELETE" "/api/orders/feed/config" ["api" "orders" "feed" "config"];
    Feed Orders "GET" "/api/orders/feed" ["api" "orders" "feed"];
    FeedCommit Orders "POST" "/api/orders/feed" ["api" "orders" "feed"];
    HookConfig Orders "GET" "/api/orders/hook/config" ["api" "orders" "hook" "config"];
    HookConfigPost Orders "POST" "/api/orders/hook/config" ["api" "orders" "hook" "config"];
    HookConfigDelete Orders "DELETE" "/api/orders/hook/config" ["api" "orders" "hook" "config"];
}

impl Route {
    /// How many routes there are; a route as `usize` is below it.
    pub(super) const COUNT: usize = DEFINITIONS.len();

    pub(super) fn all() -> impl Iterator<Item = Self> {
        DEFINITIONS.iter().map(|definition| definition.route)
    }

    pub(super) fn area(self) -> Area {
        DEFINITIONS[self as usize].area
    }

    pub(super) fn method(self) -> &'static str {
        DEFINITIONS[self as usize].method
    }

    pub(super) fn name(self) -> &'static str {
        DEFINITIONS[self as usize].name
    }

    /// What the path is about: its fourth segment, as `product` in `/api/catalog/pvt/product`.
    pub(super) fn resource(self) -> &'static str {
        DEFINITIONS[self as usize].segments.get(3).copied().unwrap_or_default()
    }

    /// True when the request may change something.
    pub(super) fn writes(self) -> bool {
        !matches!(self.method(), "GET") && self != Self::SkuIdsByRefIds
    }
}

/// A recognised request: the route and its path parameters, decoded, in the order of the path.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) route: Route,
    pub(super) first: Cow<'a, str>,
    pub(super) second: Cow<'a, str>,
}

/// Why a path is not a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unroutable {
    /// The path exists with another method.
    Method,
    /// No such path here.
    Path,
}

/// The longest simulated path has this many segments, the account included.
const SEGMENTS_MAX: usize = 10;

/// Recognises a request. Pricing paths may begin with the account, as they do at `api.vtex.com`, or not; so may those
/// of batch inventories (`logistics.vtexcommercestable.com.br`), and of Master Data, without `api` then.
pub(super) fn find<'a>(account: &str, method: &str, path: &'a str) -> Result<Target<'a>, Unroutable> {
    let mut all = [""; SEGMENTS_MAX];
    let mut count = 0;
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        *all.get_mut(count).ok_or(Unroutable::Path)? = segment;
        count += 1;
    }
    let mut segments = &all[..count];
    if segments.first() == Some(&account) && matches!(segments.get(1), Some(&"pricing" | &"availability")) {
        segments = &segments[1..];
    }
    if segments.first() == Some(&account) && segments.get(1) == Some(&"dataentities") {
        all[0] = "api";
        segments = &all[..count];
    }
    let mut failure = Unroutable::Path;
    for definition in DEFINITIONS {
        if !fits(definition.segments, segments) {
            continue;
        }
        if definition.method != method {
            failure = Unroutable::Method;
            continue;
        }
        let mut parameters = parameters(definition.segments, segments);
        let (first, second) = (parameters.next().unwrap_or_default(), parameters.next().unwrap_or_default());
        return Ok(Target { route: definition.route, first, second });
    }
    Err(failure)
}

fn fits(template: &[&str], segments: &[&str]) -> bool {
    template.len() == segments.len()
        && template
            .iter()
            .zip(segments)
            .all(|(wanted, segment)| wanted == segment || (wanted.is_empty() && !segment.is_empty()))
}

fn parameters<'a>(template: &[&str], segments: &[&'a str]) -> impl Iterator<Item = Cow<'a, str>> {
    template.iter().zip(segments).filter(|(wanted, _)| wanted.is_empty()).map(|(_, segment)| decode(segment))
}
