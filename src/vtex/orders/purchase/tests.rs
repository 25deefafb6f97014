use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::core::order::Phase;

fn read(order: &Json) -> Purchase {
    purchase(order.to_string().as_bytes()).unwrap()
}

/// An order as VTEX documents it, with its habits: floats for whole numbers, nulls, capitals.
fn documented() -> Json {
    json!({
        "orderId": "1172452900788-01", "sequence": "502556", "orderGroup": "1172452900788", "status": "handling",
        "workflowIsInError": false, "isCompleted": true, "salesChannel": "1", "value": 4_390,
        "creationDate": "2024-02-04T20:09:43.8999581+00:00", "cancelReason": null,
        "cancellationData": { "RequestedByUser": true, "Reason": "Item size was too large." },
        "totals": [
            { "id": "Items", "value": 1_980.0 }, { "id": "Discounts", "value": -190 }, { "id": "Shipping", "value": "2600" },
            { "id": "Tax", "value": null }, { "id": "Embrulho", "value": 0 },
        ],
        "items": [{
            "uniqueId": "94913BB5", "id": "18", "refId": "BIGBML", "quantity": 2, "price": 990, "sellingPrice": 895,
            "unitMultiplier": 1.0, "tax": 5, "isGift": false,
            "priceTags": [
                { "name": "discount@price-x", "value": -190 }, { "name": "DISCOUNT@SHIPPING-y", "value": -100 },
            ],
            "priceDefinition": { "total": 1_790, "sellingPrices": [{ "value": 895, "quantity": 2 }] },
        }],
        "openTextField": { "value": "  deixar na portaria " },
        "clientPreferencesData": { "optinNewsLetter": true },
        "clientProfileData": {
            "email": "a1b2@ct.vtex.com.br", "firstName": "Rodrigo", "lastName": null, "documentType": "cpf",
            "document": "845.134.270-19", "isCorporate": false, "userProfileId": "5660c55f",
        },
        "shippingData": {
            "address": { "addressId": "320", "receiverName": "Rodrigo", "street": "Rua", "number": 126, "city": null },
            "selectedAddresses": [{ "addressId": "320", "street": "Rua" }, { "addressId": "321", "street": "Outra" }],
            "logisticsInfo": [{
                "itemIndex": 0, "selectedSla": "Retira", "selectedDeliveryChannel": "pickup-in-point",
                "sellingPrice": 2_600, "addressId": "320", "shippingEstimateDate": "2024-03-09T10:13:40.1020453+00:00",
                "deliveryWindow": {
                    "startDateUtc": "2024-03-09T12:00:00+00:00", "endDateUtc": "2024-03-09T16:00:00+00:00"
                },
                "slas": [{ "id": "Retira", "pickupPointId": "1_VTEX-RJ" }],
                "deliveryIds": [{ "courierId": "136769c", "courierName": "Correios", "quantity": 2, "warehouseId": "w1" }],
            }],
        },
        "paymentData": { "transactions": [
            { "isActive": false, "payments": [{ "value": 1, "group": "creditCard" }] },
            { "isActive": true, "payments": [{
                "paymentSystem": "2", "paymentSystemName": "Visa", "value": 4_390, "referenceValue": 4_390.0,
                "installments": 3, "group": "creditCard", "tid": null,
                "connectorResponses": { "authId": "738757", "Tid": "65738757", "nsu": 12 },
            }] },
        ]},
        "invoiceData": { "address": null },
    })
}

#[test]
fn an_order_is_read_as_vtex_prints_it() {
    let purchase = read(&documented());
    assert_eq!((purchase.id.as_str(), purchase.sequence.as_deref()), ("1172452900788-01", Some("502556")));
    assert_eq!((purchase.status.phase(), purchase.complete), (Phase::Handling, true));
    assert_eq!(purchase.cancel_reason.as_deref(), Some("Item size was too large."));
    let content = purchase.content.unwrap();
    assert_eq!(content.value, Money(4_390));
    let totals = &content.totals;
    assert_eq!(
        (totals.items, totals.discounts, totals.shipping, totals.tax),
        (Money(1_980), Money(-190), Money(2_600), Money(0))
    );
    assert_eq!(totals.others, [("Embrulho".into(), Money(0))]);
    let [line] = content.lines.as_slice() else { panic!() };
    assert_eq!((line.quantity, line.price, line.net), (2, Money(990), Money(1_790)));
    assert_eq!((line.shipping_discount, line.tax, line.multiplier), (Money(-100), Money(10), Decimal4::ONE));
    let delivery = &line.delivery;
    assert_eq!((&delivery.channel, delivery.pickup_point.as_deref()), (&Channel::Pickup, Some("1_VTEX-RJ")));
    assert!(delivery.window.is_some() && delivery.estimate.is_some());
    assert_eq!((delivery.origins[0].warehouse.as_str(), delivery.origins[0].quantity), ("w1", 2));
    let [payment] = content.payments.as_slice() else { panic!("{:?}", content.payments) };
    assert_eq!(
        (payment.tid.as_deref(), payment.authorization.as_deref()),
        (Some("65738757"), Some("738757"))
    );
    assert_eq!((payment.nsu.as_deref(), payment.installments), (Some("12"), 3));
    let ids: Vec<_> = content.addresses.iter().map(|address| address.id.as_deref()).collect();
    assert_eq!(ids, [Some("320"), Some("321")]);
    assert_eq!(
        (content.addresses[0].number.as_deref(), content.addresses[0].city.as_deref()),
        (Some("126"), None)
    );
    assert_eq!((content.fiscal_address, content.note.as_deref()), (None, Some("deixar na portaria")));
    assert!(content.newsletter);
}

#[test]
fn the_price_of_a_line_is_found_in_either_spelling() {
    let mut order = documented();
    let item = order["items"][0].as_object_mut().unwrap();
    let definition = item.remove("priceDefinition").unwrap();
    item.insert("priceDefinitions".to_owned(), definition);
    item.insert("sellingPrice".to_owned(), json!(1));
    assert_eq!(read(&order).content.unwrap().lines, read(&documented()).content.unwrap().lines);
}

#[test]
fn what_is_needed_and_missing_is_named_by_its_place() {
    let mut order = documented();
    order["value"] = json!("12.345");
    order["creationDate"] = json!("ontem");
    order["items"][0]["quantity"] = json!(0);
    order["items"][0]["price"] = json!(990.5);
    order["items"][0]["id"] = json!(null);
    order["items"][0]["unitMultiplier"] = json!(0);
    order["paymentData"]["transactions"][1]["payments"][0]["value"] = json!({});
    let obstacles = read(&order).content.unwrap_err();
    let places: Vec<String> = obstacles
        .iter()
        .map(|obstacle| match obstacle {
            Obstacle::Unreadable(place) => place.clone(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        places,
        [
            "creationDate",
            "value",
            "items[0].quantity",
            "items[0].unitMultiplier",
            "items[0].price",
            "items[0].id",
            "payments[0].value"
        ]
    );
}

#[test]
fn an_order_that_is_cancelled_needs_nothing_but_its_name() {
    let purchase = read(&json!({ "orderId": "1-01", "status": "canceled" }));
    assert_eq!((purchase.status.phase(), purchase.complete), (Phase::Canceled, true));
    assert!(purchase.content.is_err());
    let nothing = read(&json!({ "orderId": "1-01", "status": null, "isCompleted": false }));
    assert_eq!((nothing.status, nothing.complete), (RemoteStatus::Incomplete, false));
    let failing = read(&json!({ "orderId": "1-01", "status": "handling", "workflowIsInError": true }));
    assert!(!failing.complete);
    for none in ["", "[]", "7", "{}", "{\"orderId\":null}", "<html>"] {
        assert!(purchase_of(none).is_err(), "{none}");
    }
}

fn purchase_of(text: &str) -> Result<Purchase, Failure> {
    purchase(text.as_bytes())
}

#[test]
fn a_failure_repeats_nothing_of_a_person() {
    let Err(Failure::Malformed(text)) =
        purchase_of(r#"{"orderId":"1-01","clientProfileData":{"email":"ana@x.example"#)
    else {
        panic!("read")
    };
    assert!(!text.contains("ana"), "{text}");
}

#[test]
fn numbers_are_exact_however_they_are_printed() {
    for (value, expected) in [
        (json!(1), Some(1)),
        (json!(1.0), Some(1)),
        (json!(-2.0), Some(-2)),
        (json!("3"), Some(3)),
        (json!("4.00"), Some(4)),
        (json!(0.5), None),
        (json!(1e300), None),
        (json!(922_337_203_685_477_i64), Some(922_337_203_685_477)),
        (json!(i64::MAX), None),
        (json!("x"), None),
        (json!("--1"), None),
        (json!("-"), None),
        (json!(true), None),
        (json!(null), None),
    ] {
        assert_eq!(integer(&value), expected, "{value}");
    }
    assert_eq!(decimal(&json!(0.3)), Some(Decimal4(3_000)));
    assert_eq!(decimal(&json!(0.12345)), None);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
        "-?[0-9]{1,20}(\\.[0-9]{0,6})?".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::btree_map("[a-z]{1,8}", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// Every place of a document, as a JSON pointer.
fn places(value: &Json, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Json::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found));
        }
        Json::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_json_is_read_without_panic(value in any_json()) {
        let _ = purchase(value.to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = purchase(&bytes);
    }

    /// Whatever stands anywhere in an order, it is read, or its place is named.
    #[test]
    fn an_order_with_anything_anywhere_is_read_without_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any_json()), 1..6),
    ) {
        let mut order = documented();
        for (index, value) in changes {
            let mut all = Vec::new();
            places(&order, "", &mut all);
            if let Some(place) = order.pointer_mut(&all[index.index(all.len())]) {
                *place = value;
            }
        }
        if let Ok(purchase) = purchase(order.to_string().as_bytes())
            && let Err(obstacles) = purchase.content {
                prop_assert!(!obstacles.is_empty());
            }
    }
}
