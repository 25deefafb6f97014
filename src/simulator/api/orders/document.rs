//! An order as VTEX shows it.

use serde_json::{Map, Value, json};

use super::super::super::options::Numbers;
use super::super::super::reply::Reply;
use super::super::super::world::{
    ChangeState, ChangedItem, Customer, Desk, EmailMask, Invoice, Order, OrderStatus, TrackingEvent,
};
use super::super::Call;
use super::{date, items, known, payments, shipping, sparse};

pub(super) fn one(call: Call<'_>) -> Result<Reply, Reply> {
    let desk = call.world.orders();
    let order = desk.order(known(call, &desk)?);
    Ok(Reply::json(&shown(call, &desk, order)))
}

/// All orders of a group; the file types this answer more closely than the one of a single order.
pub(super) fn group(call: Call<'_>) -> Result<Reply, Reply> {
    let desk = call.world.orders();
    let of_group = desk.all().iter().filter(|order| order.group == call.target.first);
    let all: Vec<Value> = of_group
        .map(|order| {
            let mut document = shown(call, &desk, order);
            items::as_in_groups(&mut document);
            document
        })
        .collect();
    if all.is_empty() { Err(Reply::error(404, "Order group not found")) } else { Ok(Reply::json(&all)) }
}

fn shown(call: Call<'_>, desk: &Desk<'_>, order: &Order) -> Value {
    let mut document = Map::new();
    for part in [
        head(call, order),
        life(order),
        people(call, desk, order),
        items::part(call, order),
        shipping::part(call, order),
        payments::part(call, order),
        attachments(call, order),
    ] {
        if let Value::Object(part) = part {
            document.extend(part);
        }
    }
    let mut document = Value::Object(document);
    if desk.options().sparse {
        sparse::thin_out(&mut document, order.seed);
    }
    document
}

fn head(call: Call<'_>, order: &Order) -> Value {
    let account = &call.world.options.account;
    let own = order.affiliate.is_empty();
    let marketplace_order = if own { order.id.clone() } else { format!("MKT-{}", order.sequence) };
    json!({
        "orderId": order.id,
        "sequence": order.sequence.to_string(),
        "marketplaceOrderId": marketplace_order,
        "marketplaceServicesEndpoint": format!("http://oms.vtexinternal.com.br/api/oms?an={account}"),
        "sellerOrderId": format!("00-{}", order.seller_order_id(account)),
        "origin": if own { "Marketplace" } else { "Fulfillment" },
        "affiliateId": order.affiliate,
        "salesChannel": order.sales_channel,
        "merchantName": null,
        "orderGroup": order.group,
        "hostname": account,
        "orderFormId": order.unique("orderForm"),
        "roundingError": 0,
        "isCheckedIn": false,
        "checkedInPickupPointId": null,
        "followUpEmail": format!("acompanhamento@{account}.example"),
        "lastMessage": null,
        "sellers": [{
            "id": "1",
            "name": account,
            "logo": null,
            "fulfillmentEndpoint": format!("http://fulfillment.vtexcommerce.com.br/api/fulfillment?an={account}"),
        }],
        "marketplace": {
            "baseURL": format!("http://oms.vtexinternal.com.br/api/oms?an={account}"),
            "isCertified": null,
            "name": account,
        },
        "storePreferencesData": {
            "countryCode": "BRA",
            "currencyCode": "BRL",
            "currencyFormatInfo": {
                "CurrencyDecimalDigits": 2,
                "CurrencyDecimalSeparator": ",",
                "CurrencyGroupSeparator": ".",
                "CurrencyGroupSize": 3,
                "StartsWithCurrencySymbol": true,
            },
            "currencyLocale": 1046,
            "currencySymbol": "R$",
            "timeZone": "E. South America Standard Time",
        },
    })
}

fn life(order: &Order) -> Value {
    let handled = order.status.is_some_and(|status| !status.is_final());
    let (plus, minus) = (order.manual().max(0), order.manual().min(0));
    json!({
        "status": order.status.map(OrderStatus::name),
        "statusDescription": order.status.map_or("", OrderStatus::description),
        "workflowIsInError": order.in_error,
        "isCompleted": order.is_complete(),
        "value": order.value(),
        "totals": [
            {"id": "Items", "name": "Total dos Itens", "value": order.items_total() + plus},
            {"id": "Discounts", "name": "Total dos Descontos", "value": minus - order.discounts()},
            {"id": "Shipping", "name": "Total do Frete", "value": order.shipping},
            {"id": "Tax", "name": "Total da Taxa", "value": 0},
        ],
        "creationDate": date(order.created),
        "lastChange": date(order.changed),
        "authorizedDate": order.authorized.map(date),
        "invoicedDate": order.invoiced.map(date),
        "allowCancellation": handled && order.invoices.is_empty(),
        "allowEdition": false,
        "cancelReason": order.cancellation.as_ref().map(|cancellation| &cancellation.reason),
    })
}

/// The address by which an order names its customer.
pub(super) fn email(mask: EmailMask, customer: &Customer) -> String {
    match mask {
        EmailMask::Off => customer.email.clone(),
        EmailMask::Hard => {
            let mut random = fastrand::Rng::with_seed(
                customer.email.bytes().fold(7, |sum, byte| sum * 131 % 1_000_000_007 + u64::from(byte)),
            );
            format!("{:032x}b@ct.vtex.com.br", random.u128(..))
        }
    }
}

fn people(call: Call<'_>, desk: &Desk<'_>, order: &Order) -> Value {
    let customer = &order.customer;
    let company = customer.company.as_ref();
    let coupon = order.coupon.as_ref().map(|coupon| {
        json!({
            "id": "marketingData",
            "utmSource": "",
            "utmPartner": "",
            "utmMedium": "",
            "utmCampaign": "",
            "coupon": coupon,
            "utmiCampaign": "",
            "utmipage": "",
            "utmiPart": "",
            "marketingTags": [],
        })
    });
    let pickup = order.delivery.pickup.is_some();
    let fiscal = !pickup || call.world.options.orders.invoice_address_in_pickup;
    let fiscal = fiscal.then(|| shipping::address(&order.delivery.address, "residential"));
    json!({
        "clientProfileData": {
            "id": "clientProfileData",
            "email": email(desk.options().email, customer),
            "firstName": customer.first_name,
            "lastName": customer.last_name,
            "documentType": "cpf",
            "document": customer.document,
            "phone": customer.phone,
            "corporateName": company.map(|company| &company.name),
            "tradeName": company.map(|company| &company.name),
            "corporateDocument": company.map(|company| &company.document),
            "stateInscription": company.map(|company| &company.registration),
            "corporatePhone": company.map(|_| &customer.phone),
            "isCorporate": company.is_some(),
            "userProfileId": customer.user_id,
            "userProfileVersion": null,
            "customerClass": null,
            "customerCode": null,
        },
        "clientPreferencesData": {"locale": "pt-BR", "optinNewsLetter": customer.newsletter},
        "invoiceData": {"address": fiscal, "userPaymentInfo": null, "invoiceSubject": null},
        "openTextField": order.note.as_ref().map(|note| json!({"value": note})),
        "marketingData": coupon,
        "giftRegistryData": null,
        "callCenterOperatorData": null,
        "commercialConditionData": null,
        "subscriptionData": null,
        "taxData": null,
        "authorizationPolicyData": [],
    })
}

fn attachments(call: Call<'_>, order: &Order) -> Value {
    json!({
        "packageAttachment": {
            "packages": order.invoices.iter().map(|invoice| package(order, invoice)).collect::<Vec<_>>(),
        },
        "changesAttachment": changes(order),
        "cancellationData": cancellation(call, order),
        "cancellationRequests": requests(order),
        "customData": custom_data(order),
    })
}

fn package(order: &Order, invoice: &Invoice) -> Value {
    let lines = invoice.items.iter().map(|(index, quantity, price)| {
        json!({
            "itemIndex": index,
            "quantity": quantity,
            "price": price,
            "description": order.items.get(*index).map(|item| &item.name),
            "unitMultiplier": 1.0,
        })
    });
    let mut package = json!({
        "items": lines.collect::<Vec<_>>(),
        "courier": invoice.courier,
        "invoiceNumber": invoice.number,
        "invoiceValue": invoice.value,
        "invoiceUrl": invoice.url,
        "issuanceDate": invoice.issued,
        "trackingNumber": invoice.tracking_number,
        "invoiceKey": invoice.key,
        "trackingUrl": invoice.tracking_url,
        "embeddedInvoice": invoice.xml.as_deref().unwrap_or_default(),
        "type": if invoice.sale { "Output" } else { "Input" },
        "courierStatus": null,
        "cfop": null,
        "restitutions": {},
        "volumes": 1,
        "EnableInferItems": invoice.inferred,
    });
    if let Some(tracking) = &invoice.tracking {
        let event = |event: &TrackingEvent| {
            json!({
                "lastChange": date(event.received),
                "city": event.city,
                "state": event.state,
                "description": event.description,
                "createDate": event.date,
            })
        };
        package["courierStatus"] = json!({
            "status": if tracking.delivered { "delivered" } else { "ok" },
            "finished": tracking.delivered,
            "deliveredDate": tracking.delivered_at.as_deref().unwrap_or_default(),
            "data": tracking.events.iter().map(event).collect::<Vec<_>>(),
        });
    }
    if invoice.refund > 0 {
        package["restitutions"] =
            json!({"Refund": {"value": invoice.refund, "giftCardData": null, "items": []}});
    }
    package
}

fn changes(order: &Order) -> Value {
    let done = order.changes.iter().filter(|change| change.state == ChangeState::Done);
    let shown: Vec<Value> = done
        .map(|change| {
            json!({
                "reason": change.reason,
                "discountValue": (-change.moved).max(0),
                "incrementValue": change.moved.max(0),
                "itemsAdded": change.added.iter().map(changed_item).collect::<Vec<_>>(),
                "itemsRemoved": change.removed.iter().map(changed_item).collect::<Vec<_>>(),
                "receipt": {"date": date(change.at), "orderId": order.id, "receipt": change.id},
            })
        })
        .collect();
    if shown.is_empty() { Value::Null } else { json!({"id": "changeAttachment", "changesData": shown}) }
}

fn changed_item(item: &ChangedItem) -> Value {
    json!({
        "id": item.sku.to_string(),
        "name": item.name,
        "quantity": item.quantity,
        "price": item.price,
        "unitMultiplier": null,
    })
}

/// Capitalised in the schema, lower case in the guide.
fn cancellation(call: Call<'_>, order: &Order) -> Value {
    let Some(cancellation) = &order.cancellation else { return Value::Null };
    let fields = [
        ("RequestedByUser", json!(cancellation.by_user)),
        ("RequestedBySystem", json!(cancellation.by_system)),
        ("RequestedBySellerNotification", json!(cancellation.by_seller)),
        ("RequestedByPaymentNotification", json!(false)),
        ("Reason", json!(cancellation.reason)),
        ("CancellationDate", json!(date(cancellation.at))),
    ];
    let lower = call.world.options.quirks.numbers == Numbers::Realistic;
    let name = |name: &str| match (lower, name.chars().next()) {
        (true, Some(first)) => format!("{}{}", first.to_ascii_lowercase(), &name[1..]),
        _ => name.to_owned(),
    };
    fields.into_iter().map(|(field, value)| (name(field), value)).collect::<Map<_, _>>().into()
}

fn requests(order: &Order) -> Value {
    if order.requests.is_empty() {
        return Value::Null;
    }
    let shown = order.requests.iter().map(|request| {
        json!({
            "id": request.id,
            "reason": request.reason,
            "cancellationRequestDate": date(request.at),
            "requestedByUser": true,
            "deniedBySeller": request.denied.is_some(),
            "deniedBySellerReason": request.denied.as_ref().map(|(_, why)| why),
            "cancellationRequestDenyDate": request.denied.as_ref().map(|(at, _)| date(*at)),
        })
    });
    shown.collect()
}

/// A marketplace says how it was paid, for the fiscal document.
fn custom_data(order: &Order) -> Value {
    if order.affiliate.is_empty() {
        return Value::Null;
    }
    json!({
        "customApps": [{
            "id": "integration-marketplace",
            "major": 1,
            "fields": {
                "marketplacePaymentCnpjAcquirers": "00.000.000/0001-91",
                "marketplacePaymentAuthorizationCodes": "A1B2C3",
                "marketplacePaymentCreditCardBrands": "Visa",
                "marketplacePaymentMethods": "CreditCard",
            },
        }],
        "customFields": [],
    })
}
