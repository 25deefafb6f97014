//! Bodies of what is told about an order. Amounts are centavos.

use jiff::tz::Offset;
use serde_json::{Value as Json, json};

use super::super::json;
use super::super::request::Refused;
use crate::core::call::orders::{FewerUnits, InvoiceDocument, Reason};
use crate::core::order::Tracking;
use crate::core::time::Timestamp;

/// Who speaks, in the history of an order.
const SOURCE: &str = "maré";

pub(super) fn note(message: &str) -> String {
    json!({"source": SOURCE, "message": message}).to_string()
}

/// `invoiceValue` is text, the prices of items are numbers (VTEX Orders API).
pub(super) fn invoice(document: &InvoiceDocument) -> Result<String, Refused> {
    let items: Vec<Json> = document
        .items
        .iter()
        .map(|item| json!({"id": item.id, "price": item.price.0, "quantity": item.quantity}))
        .collect();
    let mut body = json!({
        "type": document.direction.name(),
        "issuanceDate": json::date(document.issued_at)?.to_string(),
        "invoiceNumber": document.number,
        "invoiceValue": document.value.0.to_string(),
        "items": items,
    });
    for (name, value) in [("invoiceKey", &document.key), ("invoiceUrl", &document.url)] {
        if let Some(value) = value {
            body[name] = Json::from(value.as_str());
        }
    }
    Ok(body.to_string())
}

/// All four fields are required; the number may not be null.
pub(super) fn tracking(tracking: &Tracking, dispatched: Option<Timestamp>) -> Result<String, Refused> {
    let dispatched = dispatched.map(json::date).transpose()?.map(|at| at.to_string());
    let text = |text: &Option<compact_str::CompactString>| text.as_deref().map_or(Json::Null, Json::from);
    Ok(json!({
        "trackingNumber": tracking.number.as_deref().unwrap_or_default(),
        "trackingUrl": text(&tracking.url),
        "courier": text(&tracking.courier),
        "dispatchedDate": dispatched,
    })
    .to_string())
}

/// `yyyy-mm-dd hh:mm`, in UTC; null where it is not known.
pub(super) fn delivered(at: Option<Timestamp>) -> Result<String, Refused> {
    let at = at.map(json::date).transpose()?;
    let at = at.map(|at| Offset::UTC.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string());
    Ok(json!({"isDelivered": true, "deliveredDate": at, "events": []}).to_string())
}

pub(super) fn reason(reason: &Reason) -> String {
    json!({"reason": reason.0}).to_string()
}

pub(super) fn denial(request: &str, reason: &Reason) -> String {
    json!({"cancellationRequestId": request, "denyReason": reason.0}).to_string()
}

/// Each line by what is left of it. By name and quantity, it is the line that was read: should the change come twice, the
/// second finds no such line.
pub(super) fn change(lines: &[FewerUnits], reason: &Reason) -> String {
    let replace = |line: &FewerUnits| {
        let mut from = json!({"id": line.id, "quantity": line.from});
        if !line.line.is_empty() {
            from["uniqueId"] = Json::from(line.line.as_str());
        }
        let left = (line.to > 0).then(|| json!({"id": line.id, "quantity": line.to}));
        json!({"from": {"items": [from]}, "to": {"items": left.into_iter().collect::<Vec<_>>()}})
    };
    let lines: Vec<Json> = lines.iter().map(replace).collect();
    json!({"reason": reason.0, "replace": lines}).to_string()
}
