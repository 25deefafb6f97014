//! Where an order goes, by what way, and who sends it.

use serde_json::{Value, json};

use super::super::super::options::Numbers;
use super::super::super::world::{Address, Allotment, Order};
use super::super::Call;
use super::super::logistics::DOCK;
use super::date;

pub(super) fn part(call: Call<'_>, order: &Order) -> Value {
    let delivery = &order.delivery;
    let (shown, kind) = match &delivery.pickup {
        Some((_, point)) => (point, "pickup"),
        None => (&delivery.address, "residential"),
    };
    let logistics = order.items.iter().enumerate().map(|(index, item)| {
        let shipping = share(order.shipping, order.items.len(), index);
        logistics(call, order, index, shipping, &item.allotments)
    });
    json!({
        "shippingData": {
            "id": "shippingData",
            "address": address(shown, kind),
            "logisticsInfo": logistics.collect::<Vec<_>>(),
            "trackingHints": null,
            "selectedAddresses": [address(shown, kind)],
            "contactInformation": [],
        },
    })
}

/// An address as an order shows it; `kind` is residential or pickup.
pub(super) fn address(address: &Address, kind: &str) -> Value {
    json!({
        "addressType": kind,
        "receiverName": address.receiver,
        "addressId": address.id,
        "versionId": null,
        "entityId": null,
        "postalCode": address.postal_code,
        "city": address.city,
        "state": address.state,
        "country": "BRA",
        "street": address.street,
        "number": address.number,
        "neighborhood": address.neighborhood,
        "complement": address.complement,
        "reference": null,
        "geoCoordinates": [],
    })
}

/// The shipping is shared evenly; the first item has what does not divide.
fn share(shipping: i64, items: usize, index: usize) -> i64 {
    let items = i64::try_from(items).unwrap_or(i64::MAX).max(1);
    let each = shipping / items;
    if index == 0 { shipping - each * (items - 1) } else { each }
}

fn logistics(call: Call<'_>, order: &Order, index: usize, price: i64, allotments: &[Allotment]) -> Value {
    let delivery = &order.delivery;
    let pickup = delivery.pickup.as_ref();
    let channel = if pickup.is_some() { "pickup-in-point" } else { "delivery" };
    let sla = if pickup.is_some() { "Retirada" } else { "Normal" };
    let estimate = format!("{}bd", delivery.estimate_days);
    let estimated = order.created + jiff::SignedDuration::from_hours(24 * (delivery.estimate_days + 1));
    let window = delivery.window.map(|(from, to)| {
        json!({"startDateUtc": date(from), "endDateUtc": date(to), "price": 0, "lisPrice": 0, "tax": 0})
    });
    let point_id = pickup.map(|(id, _)| format!("1_{id}"));
    let store = json!({
        "additionalInfo": null,
        "address": pickup.map(|(_, point)| address(point, "pickup")),
        "dockId": null,
        "friendlyName": pickup.map(|(id, _)| format!("Loja {id}")),
        "isPickupStore": pickup.is_some(),
    });
    let senders = allotments.iter().map(|allotment| {
        json!({
            "courierId": "mare",
            "courierName": if pickup.is_some() { "Retirada" } else { "Transportadora Preamar" },
            "dockId": DOCK,
            "quantity": allotment.quantity,
            "warehouseId": allotment.warehouse,
            "accountCarrierName": call.world.options.account,
            "kitItemDetails": [],
        })
    });
    let mut chosen = json!({
        "id": sla,
        "name": sla,
        "shippingEstimate": estimate,
        "deliveryWindow": window,
        "price": price,
        "pickupStoreInfo": store,
        "polygonName": null,
        "lockTTL": "10d",
        "transitTime": "3d",
        "pickupDistance": 0.0,
    });
    // Not nullable in the file, so it is left out where there is none.
    if let Some(id) = &point_id {
        chosen["pickupPointId"] = id.clone().into();
    }
    // The file's example spells the channel otherwise than its schema.
    let channel_name = match call.world.options.quirks.numbers {
        Numbers::Strict => "selectedDeliveryChannel",
        Numbers::Realistic => "deliveryChannel",
    };
    chosen[channel_name] = channel.into();
    json!({
        "itemIndex": index,
        "selectedSla": sla,
        "lockTTL": "10d",
        "price": price,
        "listPrice": price,
        "sellingPrice": price,
        "deliveryWindow": window,
        "deliveryCompany": "Preamar",
        "shippingEstimate": estimate,
        "shippingEstimateDate": date(estimated),
        "slas": [chosen],
        "shipsTo": ["BRA"],
        "deliveryIds": senders.collect::<Vec<_>>(),
        "deliveryChannels": [{"id": channel, "stockBalance": 0}],
        "selectedDeliveryChannel": channel,
        "pickupStoreInfo": store,
        "addressId": pickup.map_or(&delivery.address.id, |(id, _)| id),
        "versionId": null,
        "entityId": null,
        "polygonName": null,
        "pickupPointId": point_id,
        "transitTime": "3d",
    })
}
