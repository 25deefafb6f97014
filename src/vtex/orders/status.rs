//! Where an order is, read from whatever VTEX shows of it.
//!
//! The schema of an order has no required field, writes whole numbers as `1.0` in places, and spells some fields in two
//! ways. So it is read field by field: one that is not there is left open, and only an order that says neither status
//! nor value is none.

use compact_str::CompactString;
use serde_json::{Map, Value as Json};

use crate::core::call::Failure;
use crate::core::money::Money;
use crate::core::order::{
    CancellationRequest, Direction, Package, RemoteItem, RemoteOrder, RemoteStatus, Tracking,
};

type Object = Map<String, Json>;

pub(super) fn order(body: &[u8]) -> Result<RemoteOrder, Failure> {
    let malformed = |what: String| Failure::Malformed(format!("order: {what}"));
    let order: Object = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    let status = match order.get("status") {
        Some(Json::String(text)) => RemoteStatus::from(text.as_str()),
        Some(Json::Null) => RemoteStatus::Incomplete,
        _ => return Err(malformed("it has no status".to_owned())),
    };
    let value = money(&order, "value").ok_or_else(|| malformed("it has no value".to_owned()))?;
    let packages = order.get("packageAttachment").and_then(|attachment| attachment.get("packages"));
    Ok(RemoteOrder {
        status,
        complete: flag(&order, "isCompleted").unwrap_or(true),
        value,
        items: objects(order.get("items")).map(item).collect(),
        packages: objects(packages).filter_map(package).collect(),
        cancellations: cancellations(&order),
    })
}

fn item(item: &Object) -> RemoteItem {
    RemoteItem {
        id: text(item, "id").unwrap_or_default(),
        unique_id: text(item, "uniqueId").unwrap_or_default(),
        ref_id: text(item, "refId").unwrap_or_default(),
        quantity: number(item, "quantity").unwrap_or_default(),
        price: money(item, "sellingPrice").or_else(|| money(item, "price")).unwrap_or(Money(0)),
    }
}

/// One without a number is no invoice.
fn package(package: &Object) -> Option<Package> {
    let status = package.get("courierStatus").and_then(Json::as_object);
    let returned = text(package, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("Input"));
    Some(Package {
        number: text(package, "invoiceNumber")?,
        direction: if returned { Direction::Input } else { Direction::Output },
        value: money(package, "invoiceValue").unwrap_or(Money(0)),
        key: text(package, "invoiceKey"),
        tracking: Tracking {
            courier: text(package, "courier"),
            number: text(package, "trackingNumber"),
            url: text(package, "trackingUrl"),
        },
        delivered: status.and_then(|status| flag(status, "finished")).unwrap_or(false),
    })
}

/// They stand beside the order, or in its cancellation data, by what VTEX's guide says.
fn cancellations(order: &Object) -> Vec<CancellationRequest> {
    let nested = order.get("cancellationData").and_then(|data| data.get("cancellationRequests"));
    let request = |request: &Object| {
        let denied = flag(request, "deniedBySeller").unwrap_or(false)
            || text(request, "cancellationRequestDenyDate").is_some();
        Some(CancellationRequest { id: text(request, "id")?, denied })
    };
    objects(order.get("cancellationRequests")).chain(objects(nested)).filter_map(request).collect()
}

fn objects(list: Option<&Json>) -> impl Iterator<Item = &Object> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object)
}

/// A field, whatever the case of its first letter.
fn field<'a>(object: &'a Object, name: &str) -> Option<&'a Json> {
    let found = object.get(name).or_else(|| {
        let mut capital = name.to_owned();
        capital.get_mut(..1)?.make_ascii_uppercase();
        object.get(&capital)
    });
    found.filter(|value| !value.is_null())
}

/// Not empty; a number counts as its digits.
fn text(object: &Object, name: &str) -> Option<CompactString> {
    let text = match field(object, name)? {
        Json::String(text) => CompactString::new(text.trim()),
        Json::Number(number) => CompactString::new(number.to_string()),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn flag(object: &Object, name: &str) -> Option<bool> {
    field(object, name)?.as_bool()
}

/// A whole number, also as `1.0` and as text.
fn number(object: &Object, name: &str) -> Option<i64> {
    match field(object, name)? {
        Json::Number(number) => whole(&number.to_string()),
        Json::String(text) => whole(text.trim()),
        _ => None,
    }
}

fn whole(text: &str) -> Option<i64> {
    let (digits, decimals) = text.split_once('.').unwrap_or((text, ""));
    decimals.bytes().all(|byte| byte == b'0').then(|| digits.parse().ok()).flatten()
}

/// Centavos.
fn money(object: &Object, name: &str) -> Option<Money> {
    number(object, name).map(Money)
}
