//! Where VTEX's files on orders and reservations are known to be wrong or silent: one entry each, with the reason.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

use super::fits;

/// Operations that only a guide describes.
const IN_GUIDES: [(&str, &str, &str); 1] =
    [("POST", "/deny-cancellation-request", "the guide on order cancellation")];

/// Statuses that the file leaves out, by the beginning of the operation's name.
const STATUSES: [(&str, u64, &str); 7] = [
    (
        "POST /api/oms/pvt/orders/{orderId}/",
        400,
        "the guides: a partially invoiced order cannot be cancelled",
    ),
    ("PATCH /api/oms/pvt/orders/{orderId}/invoice/", 400, "an incomplete body"),
    ("PUT /api/oms/pvt/orders/{orderId}/invoice/", 400, "the guide on tracking: it needs a tracking number"),
    ("GET /api/oms/pvt/orders", 400, "the prose: at most 30 pages"),
    ("GET /api/orders/feed", 400, "the prose: at most 10 events"),
    ("PATCH /api/order-system/orders/{changeOrderId}/changes", 400, "the guide on changes lists its errors"),
    ("POST /api/orders/", 400, "the prose: times and filters out of range"),
];

/// Answers with content where the file documents none.
const CONTENT: [(&str, &str); 2] = [
    ("GET /api/orders/hook/config", "the file says nothing of the only thing this call is for"),
    ("GET /api/logistics/pvt/inventory/reservations/{warehouseId}/{skuId}", "the same"),
];

/// Answers without content where the file has one.
const NO_CONTENT: [(&str, &str); 1] = [(
    "POST /api/orders/hook/config",
    "what the file shows is the notification that is sent to the hook later",
)];

/// Values of one order that the file types as something else than VTEX sends.
const VALUES: [(&str, &str); 11] = [
    ("/status", "null in an incomplete order"),
    ("/items/*/refId", "null for a SKU without one"),
    ("/items/*/priceTags/*", "typed as text; the answer for a group types it properly"),
    ("/items/*/components/*", "typed as text; it is items"),
    ("/shippingData/address/complement", "not nullable; often null"),
    ("/shippingData/selectedAddresses/*/complement", "not nullable; often null"),
    ("/shippingData/logisticsInfo/*/deliveryWindow", "typed as text; it is a window of a scheduled delivery"),
    ("/shippingData/logisticsInfo/*/slas/*/deliveryWindow", "the same"),
    ("/shippingData/logisticsInfo/*/pickupStoreInfo/address", "typed as text; the slas type it properly"),
    ("/items/*/unitMultiplier", "typed integer, example 1.0; half a kilogram is 0.5"),
    ("/items/*/additionalInfo/dimension/*", "typed integer, examples 10.0"),
];

/// What an answer for a group has besides what the file says: it is an order as any other, where the file has them.
const IN_GROUPS: [(&str, &str); 3] = [
    ("", "authorizationPolicyData"),
    ("", "workflowIsInError"),
    ("/shippingData/logisticsInfo/*", "selectedDeliveryChannel"),
];

pub(super) fn only_in_guides(method: &str, path: &str) -> bool {
    IN_GUIDES.iter().any(|(known, end, _)| *known == method && path.ends_with(end))
}

pub(super) fn excuses_status(operation: &str, status: u64) -> bool {
    STATUSES.iter().any(|(name, known, _)| operation.starts_with(name) && *known == status)
}

pub(super) fn excuses_content(operation: &str) -> bool {
    CONTENT.iter().any(|(name, _)| *name == operation)
}

pub(super) fn excuses_emptiness(operation: &str) -> bool {
    NO_CONTENT.iter().any(|(name, _)| *name == operation)
}

/// `pointer` is where the error is, in one order or in a group of them.
pub(super) fn excuses_error(operation: &str, pointer: &str, error: &ValidationError<'_>) -> bool {
    let pointer = match operation {
        "GET /api/oms/pvt/orders/{orderId}" => pointer,
        "GET /api/oms/pvt/orders/order-group/{orderGroup}" => pointer
            .find('/')
            .and_then(|at| pointer[at + 1..].find('/').map(|next| &pointer[at + 1 + next..]))
            .unwrap_or(""),
        _ => return false,
    };
    if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
        // The guide on cancellation shows it in an order; of the file, only the answer for a group has it.
        let in_groups = operation.ends_with("{orderGroup}");
        return unexpected.iter().all(|name| {
            (pointer.is_empty() && name == "cancellationRequests")
                || (in_groups && IN_GROUPS.iter().any(|(at, known)| fits(at, pointer) && name == known))
        });
    }
    VALUES.iter().any(|(at, _)| fits(at, pointer))
}
