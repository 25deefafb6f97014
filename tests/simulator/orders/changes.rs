//! Changes of an order by the ERP.

use std::time::Duration;

use mare::simulator::{OrderOptions, OrderStatus};
use serde_json::{Value, json};

use super::Till;

fn change(from: u32, to: Value) -> Value {
    json!({
        "reason": "Sem estoque",
        "replace": [{"from": {"items": [{"id": "1", "quantity": from}]}, "to": {"items": to}}],
    })
}

impl Till {
    async fn change(&self, id: &str, body: Value) -> crate::Answer {
        let path = format!("/api/order-system/orders/{id}/changes?accountName=simulator");
        self.send("PATCH", &path, Some(body)).await
    }
}

#[tokio::test]
async fn a_change_is_accepted_at_once_and_applied_later() {
    let change_lag = Duration::from_secs(5);
    let till = Till::with(OrderOptions { change_lag, ..OrderOptions::without_window() }).await;
    let id = till.handled().await;
    let accepted = till.change(&id, change(1, json!([{"id": "2", "quantity": 1}]))).await;
    assert_eq!(accepted.status, 202);
    let path = format!(
        "/api/order-system/orders/{id}/changes/{}?an=simulator",
        accepted.body["requestId"].as_str().unwrap()
    );
    let state = async || till.get(&path).await.body["inProgress"].clone();
    assert_eq!(state().await, true);
    assert_eq!(till.view(&id).items, [("SKU-1".to_owned(), 2)]);
    let meanwhile = till.change(&id, change(1, json!([]))).await;
    assert_eq!(meanwhile.status, 409, "one at a time");
    till.world().advance(change_lag);
    assert_eq!(state().await, false);
    assert_eq!(till.view(&id).items, [("SKU-1".to_owned(), 1), ("SKU-2".to_owned(), 1)]);
    let order = till.document(&id).await;
    let data = &order["changesAttachment"]["changesData"][0];
    assert_eq!((&data["itemsRemoved"][0]["id"], &data["itemsAdded"][0]["id"]), (&json!("1"), &json!("2")));
    let all = till.get(&format!("/api/order-system/orders/{id}/changes?an=simulator")).await.body;
    assert_eq!(all["requests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn invoices_are_compared_with_the_value_after_changes() {
    let till = Till::open().await;
    let id = till.handled().await;
    assert_eq!(till.invoice(&id, "1", 3_999, 1).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::Handling));
    assert_eq!(till.change(&id, change(1, json!([]))).await.status, 202);
    assert_eq!(till.view(&id).value, 3_999);
    assert_eq!(till.status(&id), Some(OrderStatus::Invoiced), "one piece and the shipping are all there is");
    let order = till.document(&id).await;
    assert_eq!(order["changesAttachment"]["changesData"][0]["discountValue"], 2_499);
}

#[tokio::test]
async fn a_discount_by_hand_lowers_the_value() {
    let till = Till::open().await;
    let id = till.handled().await;
    let to = json!([{"id": "1", "quantity": 2, "manualDiscountValue": 498}]);
    assert_eq!(till.change(&id, change(2, to)).await.status, 202);
    let order = till.document(&id).await;
    assert_eq!(order["value"], 6_000);
    let sum: i64 =
        order["totals"].as_array().unwrap().iter().map(|total| total["value"].as_i64().unwrap()).sum();
    assert_eq!(sum, 6_000);
    assert_eq!(till.view(&id).items, [("SKU-1".to_owned(), 2)]);
}

#[tokio::test]
async fn only_what_is_handled_can_be_changed_and_only_where_it_is_allowed() {
    let till = Till::open().await;
    let id = till.place();
    assert_eq!(till.change(&id, change(1, json!([]))).await.status, 400);
    till.start_handling(&id).await;
    assert_eq!(till.change(&id, change(3, json!([]))).await.status, 400, "it has two pieces");
    let settings = "/api/order-system/orders/changes/settings?an=simulator";
    let off = json!({"rolloutConfiguration": {"enableApi": false}});
    assert_eq!(till.send("PUT", settings, Some(off)).await.status, 200);
    assert_eq!(till.get(settings).await.body["rolloutConfiguration"]["enableApi"], false);
    assert_eq!(till.change(&id, change(1, json!([]))).await.status, 403);
    assert_eq!(till.view(&id).items, [("SKU-1".to_owned(), 2)]);
}

#[tokio::test]
async fn what_a_change_takes_out_is_for_sale_again_and_what_it_puts_in_is_not() {
    let till = Till::open().await;
    let id = till.handled().await;
    till.change(&id, change(2, json!([{"id": "2", "quantity": 3}]))).await;
    assert_eq!((till.available(1, "1_1"), till.available(2, "1_1")), (10, 7));
    till.set_stock(2, "1_1", 7).await;
    assert_eq!(till.available(2, "1_1"), 7, "it is handled like the rest of the order");
}
