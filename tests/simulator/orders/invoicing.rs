//! Invoices, tracking, returns.

use mare::simulator::{OrderOptions, OrderStatus};
use serde_json::{Value, json};

use super::{Till, invoice};

#[tokio::test]
async fn an_order_is_invoiced_when_its_invoices_add_up_to_its_value() {
    let till = Till::open().await;
    let id = till.handled().await;
    let part = till.invoice(&id, "101", 2_499, 1).await;
    assert_eq!(part.status, 200);
    assert!(part.body["receipt"].is_string());
    assert_eq!(till.status(&id), Some(OrderStatus::Handling));
    assert_eq!(till.invoice(&id, "102", 2_499, 1).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::Handling), "the shipping is missing");
    let mut shipping = invoice("103", 1_500, 1);
    shipping["items"] = json!([]);
    let path = format!("/api/oms/pvt/orders/{id}/invoice");
    assert_eq!(till.post(&path, Some(shipping)).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::Invoiced));
    let order = till.document(&id).await;
    assert!(order["invoicedDate"].is_string());
    let packages = order["packageAttachment"]["packages"].as_array().unwrap();
    let numbers: Vec<&Value> = packages.iter().map(|package| &package["invoiceNumber"]).collect();
    assert_eq!(numbers, ["101", "102", "103"]);
    assert_eq!(packages[0]["items"][0]["itemIndex"], 0);
    assert_eq!(till.cancel(&id).await.status, 400);
}

#[tokio::test]
async fn the_same_number_again_gives_a_new_receipt_and_nothing_else() {
    let till = Till::open().await;
    let id = till.handled().await;
    let first = till.invoice(&id, "101", 2_499, 1).await;
    let again = till.invoice(&id, "101", 3_999, 1).await;
    assert_eq!(again.status, 200);
    assert_ne!(first.body["receipt"], again.body["receipt"]);
    let view = till.view(&id);
    assert_eq!((view.invoices.len(), view.invoiced), (1, 2_499));
    assert_eq!(till.invoice(&id, "102", 3_999, 1).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::Invoiced));
    assert_eq!(till.invoice(&id, "102", 3_999, 1).await.status, 200, "also when it is invoiced");
}

#[tokio::test]
async fn what_is_not_an_invoice_of_this_order_is_refused() {
    let till = Till::open().await;
    let early = till.place();
    assert_eq!(till.invoice(&early, "1", 6_498, 2).await.status, 400, "it is not being handled");
    let id = till.handled().await;
    assert_eq!(till.invoice(&id, "1", 6_499, 2).await.status, 400, "a centavo too much");
    assert_eq!(till.invoice(&id, "1", 6_498, 3).await.status, 400, "a piece too many");
    let path = format!("/api/oms/pvt/orders/{id}/invoice");
    for (field, value) in [
        ("invoiceValue", json!(6_498)),
        ("invoiceValue", json!("64.98")),
        ("invoiceValue", json!("0")),
        ("invoiceNumber", Value::Null),
        ("type", json!("Saida")),
        ("items", json!([{"id": "2", "price": 2_499, "quantity": 2}])),
    ] {
        let mut body = invoice("1", 6_498, 2);
        body[field] = value;
        // Such a body is none that VTEX's file describes, so it is sent past the check.
        assert_eq!(till.0.send("POST", &path, Some(body)).await.status, 400, "{field}");
    }
    assert!(till.view(&id).invoices.is_empty());
    assert_eq!(till.invoice(&id, "1", 6_498, 2).await.status, 200);
}

#[tokio::test]
async fn an_excess_may_be_accepted_as_vtex_sometimes_does() {
    let options = OrderOptions { excess_invoices_accepted: true, ..OrderOptions::without_window() };
    let till = Till::with(options).await;
    let id = till.handled().await;
    assert_eq!(till.invoice(&id, "1", 7_000, 2).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::Invoiced));
}

#[tokio::test]
async fn delivered_is_no_status_but_a_finished_courier() {
    let till = Till::open().await;
    let id = till.handled().await;
    till.invoice(&id, "101", 6_498, 2).await;
    let invoices = format!("/api/oms/pvt/orders/{id}/invoice");
    let event = json!({"city": "São Paulo", "state": "SP", "description": "Saiu", "date": "2026-03-05"});
    let tracking = |delivered: bool| {
        json!({
            "isDelivered": delivered,
            "deliveredDate": if delivered { json!("2026-03-05 10:00") } else { Value::Null },
            "events": [event.clone()],
        })
    };
    let path = format!("{invoices}/101/tracking");
    assert_eq!(till.send("PUT", &path, Some(tracking(false))).await.status, 400, "no tracking number yet");
    let sent = json!({
        "trackingNumber": "PREAMAR-1", "trackingUrl": "https://preamar.example/1", "dispatchedDate": null,
        "courier": "Preamar",
    });
    assert_eq!(till.send("PATCH", &format!("{invoices}/101"), Some(sent.clone())).await.status, 200);
    assert_eq!(till.send("PATCH", &format!("{invoices}/102"), Some(sent)).await.status, 404);
    assert_eq!(till.send("PUT", &path, Some(tracking(false))).await.status, 200);
    assert!(!till.view(&id).delivered);
    assert_eq!(till.send("PUT", &path, Some(tracking(true))).await.status, 200);
    let order = till.document(&id).await;
    assert_eq!(order["status"], "invoiced");
    let package = &order["packageAttachment"]["packages"][0];
    assert_eq!(package["trackingNumber"], "PREAMAR-1");
    assert_eq!(package["courierStatus"]["finished"], true);
    assert_eq!(package["courierStatus"]["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_number_with_a_slash_is_accepted_and_never_found_again() {
    let till = Till::open().await;
    let id = till.handled().await;
    assert_eq!(till.invoice(&id, "101/1", 2_499, 1).await.status, 200);
    let path = format!("/api/oms/pvt/orders/{id}/invoice/101%2F1");
    let sent = json!({"trackingNumber": "1", "trackingUrl": null, "dispatchedDate": null, "courier": null});
    assert_eq!(till.send("PATCH", &path, Some(sent)).await.status, 404);
}

#[tokio::test]
async fn a_return_pays_back_only_after_the_order_is_invoiced() {
    let till = Till::open().await;
    let id = till.handled().await;
    let path = format!("/api/oms/pvt/orders/{id}/invoice");
    let back = |number: &str| {
        let mut body = invoice(number, 2_499, 1);
        body["type"] = "Input".into();
        body
    };
    assert_eq!(till.post(&path, Some(back("201"))).await.status, 200);
    assert_eq!(till.invoice(&id, "101", 6_498, 2).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::Invoiced), "a return is no part of the sum");
    assert_eq!(till.post(&path, Some(back("202"))).await.status, 200);
    let refunds: Vec<i64> = till.view(&id).invoices.iter().map(|invoice| invoice.refund).collect();
    assert_eq!(refunds, [0, 0, 2_499]);
    let order = till.document(&id).await;
    let last = &order["packageAttachment"]["packages"][2];
    assert_eq!(last["restitutions"]["Refund"]["value"], 2_499);
    assert_eq!(till.invoice(&id, "103", 100, 1).await.status, 400, "no further sale");
}
