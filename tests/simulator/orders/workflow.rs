//! From the order to handling.

use std::time::Duration;

use mare::simulator::{Fault, FaultKind, OrderOptions, OrderStatus, Permission};
use serde_json::json;

use super::{DAY, Till};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_paid_order_waits_half_an_hour_and_is_then_ready_for_handling() {
    let till = Till::with(OrderOptions::default()).await;
    let id = till.place();
    assert_eq!(till.status(&id), Some(OrderStatus::WindowToCancel));
    till.world().advance(29 * MINUTE);
    assert_eq!(till.status(&id), Some(OrderStatus::WindowToCancel));
    let early = till.start_handling(&id).await;
    assert_eq!((early.status, &early.body["error"]["code"]), (409, &json!("OMS003")));
    till.world().advance(2 * MINUTE);
    assert_eq!(till.status(&id), Some(OrderStatus::ReadyForHandling));
    assert_eq!(till.start_handling(&id).await.status, 204);
    assert_eq!(
        till.view(&id).states(),
        [
            "order-created",
            "on-order-completed",
            "payment-pending",
            "approve-payment",
            "payment-approved",
            "authorize-fulfillment",
            "window-to-cancel",
            "ready-for-handling",
            "start-handling",
            "handling",
        ]
    );
}

#[tokio::test]
async fn each_thing_happens_at_its_own_time_however_far_time_is_moved() {
    let till = Till::with(OrderOptions::default()).await;
    let id = till.place();
    till.world().advance(DAY);
    let history = till.view(&id).history;
    let at = |wanted: OrderStatus| {
        let (at, _) = history.iter().find(|(_, status)| *status == Some(wanted)).unwrap();
        at.parse::<jiff::Timestamp>().unwrap()
    };
    let window = at(OrderStatus::ReadyForHandling).duration_since(at(OrderStatus::WindowToCancel));
    assert_eq!(window, jiff::SignedDuration::from_mins(30));
}

#[tokio::test]
async fn automatic_states_can_be_made_to_last() {
    let passage = Duration::from_secs(2);
    let till = Till::with(OrderOptions { passage, ..OrderOptions::without_window() }).await;
    let id = till.place();
    assert_eq!(till.status(&id), Some(OrderStatus::OrderCreated));
    till.world().advance(passage * 10);
    assert_eq!(till.start_handling(&id).await.status, 204);
    assert_eq!(till.status(&id), Some(OrderStatus::StartHandling));
    assert_eq!(till.start_handling(&id).await.status, 409);
    till.world().advance(passage);
    assert_eq!(till.status(&id), Some(OrderStatus::Handling));
}

#[tokio::test]
async fn a_second_start_of_handling_is_refused_and_so_is_the_one_after_a_lost_answer() {
    let till = Till::open().await;
    let id = till.handled().await;
    assert_eq!(till.start_handling(&id).await.status, 409);
    let other = till.place();
    let fault = Fault { route: "orders".to_owned(), count: Some(1), ..Fault::new(FaultKind::ErrorAfter) };
    till.world().set_faults(vec![fault]);
    assert_eq!(till.start_handling(&other).await.status, 500);
    assert_eq!(till.start_handling(&other).await.status, 409, "the first one was applied");
    assert_eq!(till.document(&other).await["status"], "handling");
    assert_eq!(till.view(&other).calls, [("start-handling", 204), ("start-handling", 409)]);
    assert_eq!(till.start_handling("1234567890123-01").await.status, 404);
}

#[tokio::test]
async fn an_unpaid_order_waits_for_the_notification_of_its_payment() {
    let till = Till::open().await;
    let id = till.place_as(json!({"paid": false, "payments": [{"kind": "pix"}]}));
    till.world().advance(DAY);
    assert_eq!(till.status(&id), Some(OrderStatus::PaymentPending));
    let order = till.document(&id).await;
    assert!(order["authorizedDate"].is_null());
    let payment = &order["paymentData"]["transactions"][0]["payments"][0];
    assert_eq!(payment["group"], "instantPayment");
    let notify = |payment: &str| format!("/api/oms/pvt/orders/{id}/payments/{payment}/payment-notification");
    assert_eq!(till.post(&notify("unknown"), None).await.status, 404);
    let path = notify(payment["id"].as_str().unwrap());
    assert_eq!(till.post(&path, None).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::ReadyForHandling));
    assert_eq!(till.post(&path, None).await.status, 400, "it is paid");
}

#[tokio::test]
async fn an_incomplete_order_has_no_status_and_takes_no_calls() {
    let till = Till::open().await;
    let id = till.place_as(json!({"incomplete": true}));
    let order = till.document(&id).await;
    assert!(order["status"].is_null() && order["isCompleted"] == false);
    assert_eq!(till.start_handling(&id).await.status, 409);
    assert_eq!(till.cancel(&id).await.status, 400);
    till.world().complete_order(&id).unwrap();
    assert_eq!(till.document(&id).await["status"], "ready-for-handling");
    assert!(till.world().complete_order(&id).is_err());
}

#[tokio::test]
async fn an_order_whose_workflow_fails_stays_where_it_is_until_somebody_repairs_it() {
    let till = Till::with(OrderOptions::default()).await;
    let id = till.place_as(json!({"in_error": false}));
    till.world().set_workflow_error(&id, true).unwrap();
    till.world().advance(DAY);
    let order = till.document(&id).await;
    assert_eq!((&order["status"], &order["workflowIsInError"]), (&json!("window-to-cancel"), &json!(true)));
    till.world().set_workflow_error(&id, false).unwrap();
    till.world().advance(31 * MINUTE);
    assert_eq!(till.status(&id), Some(OrderStatus::ReadyForHandling));
}

#[tokio::test]
async fn interactions_are_noted() {
    let till = Till::open().await;
    let id = till.place();
    let path = format!("/api/oms/pvt/orders/{id}/interactions");
    let note = json!({"source": "ERP", "message": "Separado"});
    assert_eq!(till.post(&path, Some(note)).await.status, 200);
    assert_eq!(till.view(&id).interactions, [("ERP".to_owned(), "Separado".to_owned())]);
}

#[tokio::test]
async fn each_right_is_one_of_its_own() {
    let till = Till::open().await;
    let id = till.place();
    till.world().deny(vec![Permission::HandleOrders, Permission::Feed]);
    assert_eq!(till.start_handling(&id).await.status, 403);
    assert_eq!(till.get(super::FEED_CONFIG).await.status, 403);
    assert_eq!(till.get(&format!("/api/oms/pvt/orders/{id}")).await.status, 200);
}

#[tokio::test]
async fn orders_of_more_than_two_years_ago_are_not_served() {
    let till = Till::open().await;
    let id = till.place();
    till.world().advance(DAY * 731);
    assert_eq!(till.get(&format!("/api/oms/pvt/orders/{id}")).await.status, 404);
}
