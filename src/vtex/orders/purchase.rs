//! `GET /api/oms/pvt/orders/{orderId}` as a [`Purchase`].
//!
//! Everything in it may be null, missing, or of another type than documented, so it is read field by field: numbers as
//! integers, as floats without a fraction (`1.0`) or as text; texts as numbers too. What is needed and cannot be read is
//! named by its place, and its value is never repeated.

use compact_str::{CompactString, format_compact};
use serde_json::Value as Json;

use crate::core::call::Failure;
use crate::core::money::{Decimal4, Money};
use crate::core::order::RemoteStatus;
use crate::core::order::obstacle::Obstacle;
use crate::core::order::purchase::{
    Address, Buyer, Channel, Content, Delivery, Line, Origin, Payment, Purchase, Totals,
};
use crate::core::time::Timestamp;
use crate::vtex::json::parse_date;

/// Reads an order.
///
/// # Errors
/// When it is not even an order: no JSON, or without an id.
pub(in crate::vtex) fn purchase(body: &[u8]) -> Result<Purchase, Failure> {
    let order: Json = serde_json::from_slice(body).map_err(|error| {
        // Kind and place only: the text may be a person's.
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        Failure::Malformed(format!("order: {kind:?} at line {line} column {column}"))
    })?;
    let id =
        text(&order["orderId"]).ok_or_else(|| Failure::Malformed("order: it has no orderId".to_owned()))?;
    let in_error = order["workflowIsInError"].as_bool().unwrap_or(false);
    let reason = &order["cancellationData"];
    Ok(Purchase {
        id,
        sequence: text(&order["sequence"]),
        group: text(&order["orderGroup"]),
        status: text(&order["status"]).map_or(RemoteStatus::Incomplete, |status| status.as_str().into()),
        complete: order["isCompleted"].as_bool().unwrap_or(true) && !in_error,
        cancel_reason: [&order["cancelReason"], &reason["Reason"], &reason["reason"]]
            .into_iter()
            .find_map(string),
        content: content(&order),
    })
}

/// Finds all that is missing before it gives up.
#[derive(Default)]
struct Reader {
    obstacles: Vec<Obstacle>,
}

impl Reader {
    fn missing<T: Default>(&mut self, place: impl Into<String>) -> T {
        self.obstacles.push(Obstacle::Unreadable(place.into()));
        T::default()
    }

    fn needed<T: Default>(&mut self, value: Option<T>, place: impl FnOnce() -> String) -> T {
        value.unwrap_or_else(|| self.missing(place()))
    }

    /// Zero for null and for what is not there.
    fn cents(&mut self, value: &Json, place: impl FnOnce() -> String) -> Money {
        if value.is_null() { Money(0) } else { self.needed(integer(value).map(Money), place) }
    }

    fn needed_cents(&mut self, value: &Json, place: impl FnOnce() -> String) -> Money {
        self.needed(integer(value).map(Money), place)
    }
}

fn content(order: &Json) -> Result<Box<Content>, Vec<Obstacle>> {
    let mut reader = Reader::default();
    let placed_at = reader.needed(moment(&order["creationDate"]), || "creationDate".to_owned());
    let value = reader.needed_cents(&order["value"], || "value".to_owned());
    let totals = totals(order, &mut reader);
    let lines = lines(order, &mut reader);
    let payments = payments(order, &mut reader);
    let content = Content {
        trade_policy: text(&order["salesChannel"]),
        placed_at,
        value,
        totals,
        lines,
        payments,
        buyer: buyer(&order["clientProfileData"]),
        addresses: addresses(&order["shippingData"]),
        fiscal_address: address(&order["invoiceData"]["address"]),
        note: string(&order["openTextField"]["value"]).or_else(|| string(&order["openTextField"])),
        newsletter: order["clientPreferencesData"]["optinNewsLetter"].as_bool() == Some(true),
    };
    if reader.obstacles.is_empty() { Ok(Box::new(content)) } else { Err(reader.obstacles) }
}

fn totals(order: &Json, reader: &mut Reader) -> Totals {
    let mut totals = Totals::default();
    let listed = list(&order["totals"]);
    if listed.is_empty() {
        return reader.missing("totals");
    }
    for (index, total) in listed.iter().enumerate() {
        let value = reader.cents(&total["value"], || format!("totals[{index}].value"));
        let id = text(&total["id"]).unwrap_or_default();
        let of = match id.as_str() {
            "Items" => &mut totals.items,
            "Discounts" => &mut totals.discounts,
            "Shipping" => &mut totals.shipping,
            "Tax" => &mut totals.tax,
            _ => {
                totals.others.push((id, value));
                continue;
            }
        };
        match of.0.checked_add(value.0) {
            Some(sum) => *of = Money(sum),
            None => reader.obstacles.push(Obstacle::Overflow),
        }
    }
    totals
}

fn lines(order: &Json, reader: &mut Reader) -> Vec<Line> {
    let items = list(&order["items"]);
    if items.is_empty() {
        return reader.missing("items");
    }
    let logistics = list(&order["shippingData"]["logisticsInfo"]);
    let of = |index: usize| {
        let named = logistics.iter().find(|info| integer(&info["itemIndex"]) == i64::try_from(index).ok());
        // Documented as parallel to the items.
        named.or_else(|| logistics.get(index).filter(|info| info["itemIndex"].is_null()))
    };
    items.iter().enumerate().map(|(index, item)| line(index, item, of(index), reader)).collect()
}

fn line(index: usize, item: &Json, logistics: Option<&Json>, reader: &mut Reader) -> Line {
    let place = |field: &str| format!("items[{index}].{field}");
    let quantity =
        reader.needed(integer(&item["quantity"]).filter(|quantity| *quantity > 0), || place("quantity"));
    let multiplier = match &item["unitMultiplier"] {
        Json::Null => Decimal4::ONE,
        value => reader.needed(decimal(value).filter(|factor| factor.0 > 0), || place("unitMultiplier")),
    };
    let price = reader.needed_cents(&item["price"], || place("price"));
    // VTEX's file has one name, its examples have the other.
    let definition = ["priceDefinition", "priceDefinitions"]
        .map(|name| &item[name]["total"])
        .into_iter()
        .find(|it| !it.is_null());
    let net = if let Some(total) = definition {
        reader.needed_cents(total, || place("priceDefinition.total"))
    } else {
        let unit = reader.needed_cents(&item["sellingPrice"], || place("sellingPrice"));
        reader.needed(unit.0.checked_mul(quantity).map(Money), || place("sellingPrice"))
    };
    let unit_tax = reader.cents(&item["tax"], || place("tax"));
    Line {
        sku: reader.needed(text(&item["id"]), || place("id")),
        reference: text(&item["refId"]),
        unique: text(&item["uniqueId"]),
        quantity,
        multiplier,
        price,
        net,
        shipping_discount: Money(shipping_discount(item)),
        tax: Money(unit_tax.0.saturating_mul(quantity)),
        gift: item["isGift"].as_bool().unwrap_or(false),
        delivery: logistics.map(|info| delivery(index, info, reader)).unwrap_or_default(),
    }
}

/// Price tags on the shipping are listed with the items, and are no discounts of the line.
fn shipping_discount(item: &Json) -> i64 {
    let on_shipping =
        |tag: &&Json| text(&tag["name"]).is_some_and(|name| name.to_ascii_lowercase().contains("@shipping"));
    let values = list(&item["priceTags"]).iter().filter(on_shipping).filter_map(|tag| integer(&tag["value"]));
    values.fold(0, i64::saturating_add)
}

fn delivery(index: usize, info: &Json, reader: &mut Reader) -> Delivery {
    let place = |field: &str| format!("shippingData.logisticsInfo[{index}].{field}");
    let chosen = text(&info["selectedDeliveryChannel"]).or_else(|| text(&info["deliveryChannel"]));
    let channel = match chosen.as_deref() {
        None | Some("delivery") => Channel::Delivery,
        Some("pickup-in-point") => Channel::Pickup,
        Some(other) => Channel::Other(other.into()),
    };
    let service = text(&info["selectedSla"]);
    let sla = list(&info["slas"]).iter().find(|sla| service.is_some() && text(&sla["id"]) == service);
    let pickup_point = text(&info["pickupPointId"])
        .or_else(|| text(&sla?["pickupPointId"]))
        .filter(|_| channel == Channel::Pickup);
    let window = &info["deliveryWindow"];
    let window = moment(&window["startDateUtc"]).zip(moment(&window["endDateUtc"]));
    let price = if info["sellingPrice"].is_null() { &info["price"] } else { &info["sellingPrice"] };
    Delivery {
        channel,
        pickup_point,
        service,
        price: reader.cents(price, || place("sellingPrice")),
        address: text(&info["addressId"]),
        estimate: moment(&info["shippingEstimateDate"]),
        window,
        origins: list(&info["deliveryIds"]).iter().filter_map(origin).collect(),
    }
}

fn origin(from: &Json) -> Option<Origin> {
    Some(Origin {
        warehouse: text(&from["warehouseId"])?,
        courier: text(&from["courierId"]),
        courier_name: text(&from["courierName"]),
        quantity: integer(&from["quantity"]).unwrap_or(0),
    })
}

fn payments(order: &Json, reader: &mut Reader) -> Vec<Payment> {
    let counts = |transaction: &&Json| transaction["isActive"].as_bool() != Some(false);
    let transactions = list(&order["paymentData"]["transactions"]);
    let all = transactions.iter().filter(counts).flat_map(|transaction| list(&transaction["payments"]));
    all.enumerate().map(|(index, payment)| one_payment(index, payment, reader)).collect()
}

fn one_payment(index: usize, payment: &Json, reader: &mut Reader) -> Payment {
    let answers = &payment["connectorResponses"];
    // Every connector spells its answers in its own way.
    let answer = |name: &str| {
        let answers = answers.as_object()?;
        answers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).and_then(|(_, value)| text(value))
    };
    Payment {
        group: text(&payment["group"]),
        system: text(&payment["paymentSystem"]),
        system_name: text(&payment["paymentSystemName"]),
        value: reader.needed_cents(&payment["value"], || format!("payments[{index}].value")),
        reference_value: integer(&payment["referenceValue"]).map(Money),
        installments: integer(&payment["installments"]).filter(|count| *count > 0).unwrap_or(1),
        tid: text(&payment["tid"]).or_else(|| answer("tid")),
        nsu: answer("nsu"),
        authorization: answer("authId"),
        acquirer: answer("acquirer"),
    }
}

fn buyer(profile: &Json) -> Buyer {
    Buyer {
        email: string(&profile["email"]),
        first_name: string(&profile["firstName"]),
        last_name: string(&profile["lastName"]),
        document_type: text(&profile["documentType"]),
        document: string(&profile["document"]),
        phone: string(&profile["phone"]).or_else(|| string(&profile["corporatePhone"])),
        corporate: profile["isCorporate"].as_bool().unwrap_or(false),
        corporate_name: string(&profile["corporateName"]),
        trade_name: string(&profile["tradeName"]),
        corporate_document: string(&profile["corporateDocument"]),
        state_registration: string(&profile["stateInscription"]),
        profile: text(&profile["userProfileId"]),
    }
}

fn addresses(shipping: &Json) -> Vec<Address> {
    let all = std::iter::once(&shipping["address"]).chain(list(&shipping["selectedAddresses"]));
    let mut found: Vec<Address> = Vec::new();
    for address in all.filter_map(address) {
        if found.iter().all(|known| known.id != address.id) {
            found.push(address);
        }
    }
    found
}

fn address(address: &Json) -> Option<Address> {
    let is_there =
        address.as_object().is_some_and(|fields| fields.values().any(|value| string(value).is_some()));
    is_there.then(|| Address {
        id: text(&address["addressId"]),
        receiver: string(&address["receiverName"]),
        street: string(&address["street"]),
        number: string(&address["number"]),
        complement: string(&address["complement"]),
        neighborhood: string(&address["neighborhood"]),
        city: string(&address["city"]),
        state: string(&address["state"]),
        postal_code: string(&address["postalCode"]),
        country: string(&address["country"]),
        reference: string(&address["reference"]),
    })
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text without blanks around it, also one that came as a number; `None` for an empty one.
fn string(value: &Json) -> Option<String> {
    text(value).map(CompactString::into_string)
}

fn text(value: &Json) -> Option<CompactString> {
    match value {
        Json::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(CompactString::new),
        Json::Number(number) => Some(format_compact!("{number}")),
        _ => None,
    }
}

/// A whole number, however it is printed.
fn integer(value: &Json) -> Option<i64> {
    let exact = decimal(value)?;
    exact.is_whole().then_some(exact.0 / Decimal4::ONE.0)
}

/// Up to four decimals, exactly.
fn decimal(value: &Json) -> Option<Decimal4> {
    let text = text(value)?;
    let (digits, negative) = text.strip_prefix('-').map_or((text.as_str(), false), |rest| (rest, true));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = decimals.trim_end_matches('0');
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(decimals) || decimals.len() > 4 {
        return None;
    }
    let fraction: i64 = format!("{decimals:0<4}").parse().ok()?;
    let exact = whole.parse::<i64>().ok()?.checked_mul(10_000)?.checked_add(fraction)?;
    Some(Decimal4(if negative { -exact } else { exact }))
}

/// RFC 3339; VTEX also prints seven decimals and `+00:00`.
fn moment(value: &Json) -> Option<Timestamp> {
    parse_date(value.as_str()?.trim())
}

#[cfg(test)]
mod tests;
