//! Orders (VTEX Orders API, order modifications).
//!
//! | file | holds |
//! |---|---|
//! | `feed`, `hook`, `list` | which orders there are to look at |
//! | `purchase` | an order with everything in it |
//! | `status` | where an order is: read from whatever VTEX shows of it |
//! | `write` | bodies of what is told about an order |

use reqwest::Method;
use serde_json::Value as Json;

use super::request::{Refused, push_segment};
use crate::core::call::orders::{OrderAct, OrderAnswer, OrderCall};
use crate::core::call::{Answer, Failure};

mod feed;
mod hook;
mod list;
mod purchase;
mod status;
mod write;

pub use feed::{EVENTS_MAX, Event, FeedState, STATUSES, Told};
pub use hook::{HookState, HookTarget};
pub use list::{Listed, PAGES_MAX};

/// Orders by their id.
const ORDERS_PATH: &str = "/api/oms/pvt/orders";
/// Where a request of the customer to cancel is answered (VTEX guide on cancelling; in no API file).
const DOCUMENTS_PATH: &str = "/api/orders/pvt/document";
/// Order modifications.
const CHANGES_PATH: &str = "/api/order-system/orders";

/// Method, path and body.
pub(super) fn request(call: &OrderCall) -> Result<(Method, String, Option<String>), Refused> {
    let order = &call.order;
    Ok(match &call.act {
        OrderAct::Read => (Method::GET, path(ORDERS_PATH, order, &[])?, None),
        OrderAct::StartHandling => (Method::POST, path(ORDERS_PATH, order, &["start-handling"])?, None),
        OrderAct::Note { message } => {
            (Method::POST, path(ORDERS_PATH, order, &["interactions"])?, Some(write::note(message)))
        }
        OrderAct::Invoice(document) => {
            (Method::POST, path(ORDERS_PATH, order, &["invoice"])?, Some(write::invoice(document)?))
        }
        OrderAct::Tracking { invoice, tracking, dispatched } => {
            let body = write::tracking(tracking, *dispatched)?;
            (Method::PATCH, path(ORDERS_PATH, order, &["invoice", invoice])?, Some(body))
        }
        OrderAct::Delivered { invoice, at } => {
            let path = path(ORDERS_PATH, order, &["invoice", invoice, "tracking"])?;
            (Method::PUT, path, Some(write::delivered(*at)?))
        }
        OrderAct::Cancel { reason } => {
            (Method::POST, path(ORDERS_PATH, order, &["cancel"])?, Some(write::reason(reason)))
        }
        OrderAct::DenyCancellation { request, reason } => {
            let path = path(DOCUMENTS_PATH, order, &["deny-cancellation-request"])?;
            (Method::POST, path, Some(write::denial(request, reason)))
        }
        OrderAct::Change { lines, reason } => {
            (Method::PATCH, path(CHANGES_PATH, order, &["changes"])?, Some(write::change(lines, reason)))
        }
    })
}

fn path(base: &str, order: &str, rest: &[&str]) -> Result<String, Refused> {
    let mut path = base.to_owned();
    for segment in std::iter::once(&order).chain(rest) {
        push_segment(&mut path, segment)?;
    }
    Ok(path)
}

/// What a reply means; `success`: its body, or why there is none.
pub(super) fn answer<'a>(
    call: &OrderCall,
    status: u16,
    html: bool,
    success: &dyn Fn() -> Result<&'a [u8], Failure>,
) -> Result<Answer, Failure> {
    // The page of a proxy is not VTEX saying no.
    if call.changes_items() && !html && is_refusal(status, success) {
        return Ok(Answer::Order(OrderAnswer::ChangeRefused));
    }
    let body = success()?;
    match call.act {
        OrderAct::Read => status::order(body).map(|order| Answer::Order(OrderAnswer::Order(Box::new(order)))),
        OrderAct::Change { .. } => changing(body),
        _ => acknowledged(body),
    }
}

/// Whether VTEX does not change this order, or none at all: "changes are not enabled" comes as a 403 that says so.
fn is_refusal<'a>(status: u16, success: &dyn Fn() -> Result<&'a [u8], Failure>) -> bool {
    let says_so =
        || matches!(success(), Err(Failure::Status { body, .. }) if body.contains("SalesOrderSystem"));
    matches!(status, 400 | 404 | 405 | 412 | 422) || (status == 403 && says_so())
}

/// A receipt, or nothing: anything else comes from somebody else.
fn acknowledged(body: &[u8]) -> Result<Answer, Failure> {
    if !body.trim_ascii().is_empty() {
        let _: Json = serde_json::from_slice(body)
            .map_err(|error| Failure::Malformed(format!("receipt of an order: {error}")))?;
    }
    Ok(Answer::Done)
}

fn changing(body: &[u8]) -> Result<Answer, Failure> {
    let malformed = |what: &str| Failure::Malformed(format!("change of an order: {what}"));
    let receipt: Json = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    let request = receipt.get("requestId").and_then(Json::as_str).filter(|id| !id.is_empty());
    let request = request.ok_or_else(|| malformed("it names no request"))?;
    Ok(Answer::Order(OrderAnswer::Changing(request.into())))
}

#[cfg(test)]
mod tests;
