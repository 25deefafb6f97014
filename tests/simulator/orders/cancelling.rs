//! Cancelling, asking for it, refusing it; and orders that are edited.

use std::time::Duration;

use mare::simulator::{Cancelling, OrderOptions, OrderStatus};
use serde_json::json;

use super::{DAY, Till};

#[tokio::test]
async fn within_the_window_the_shopper_cancels_without_asking() {
    let till = Till::with(OrderOptions::default()).await;
    let id = till.place();
    assert_eq!(till.world().shopper_cancels(&id, "Mudei de ideia"), Ok(OrderStatus::Canceled));
    let order = till.document(&id).await;
    assert_eq!(order["cancelReason"], "Mudei de ideia");
    assert_eq!(order["cancellationData"]["RequestedByUser"], true);
    till.world().advance(DAY);
    assert_eq!(till.status(&id), Some(OrderStatus::Canceled), "the window that ends later changes nothing");
}

#[tokio::test]
async fn later_the_seller_is_asked_and_may_agree() {
    let till = Till::open().await;
    for handled in [false, true] {
        let id = if handled { till.handled().await } else { till.place() };
        assert_eq!(till.world().shopper_cancels(&id, "Demorou"), Ok(OrderStatus::CancellationRequested));
        let order = till.document(&id).await;
        assert_eq!(order["cancellationRequests"][0]["reason"], "Demorou");
        assert_eq!(till.start_handling(&id).await.status, 409);
        assert_eq!(till.cancel(&id).await.status, 200);
        let view = till.view(&id);
        assert_eq!(view.status, Some(OrderStatus::Canceled));
        assert_eq!(view.cancel_reason.as_deref(), Some("Demorou"));
        assert!(view.cancellation_request.is_none());
        let states = view.states();
        let asked =
            ["request-cancel", "waiting-for-seller-decision", "cancellation-requested", "cancel", "canceled"];
        assert!(states.ends_with(&asked), "{states:?}");
    }
}

#[tokio::test]
async fn a_refused_request_leads_back_to_where_the_order_was() {
    let till = Till::open().await;
    for (handled, back) in [(false, OrderStatus::ReadyForHandling), (true, OrderStatus::Handling)] {
        let id = if handled { till.handled().await } else { till.place() };
        till.world().shopper_cancels(&id, "Demorou").unwrap();
        let request = till.view(&id).cancellation_request.unwrap();
        assert_eq!(till.deny(&id, "another").await.status, 400);
        assert_eq!(till.deny(&id, &request).await.status, 200);
        assert_eq!(till.status(&id), Some(back));
        assert_eq!(till.deny(&id, &request).await.status, 400, "it is decided");
        let order = till.document(&id).await;
        assert_eq!(order["cancellationRequests"][0]["deniedBySellerReason"], "Já foi enviado");
        till.world().advance(DAY * 31);
        assert_eq!(till.status(&id), Some(back));
    }
}

#[tokio::test]
async fn a_request_without_an_answer_is_granted_after_thirty_days() {
    let till = Till::open().await;
    let id = till.handled().await;
    till.world().shopper_cancels(&id, "Demorou").unwrap();
    till.world().advance(DAY * 29);
    assert_eq!(till.status(&id), Some(OrderStatus::CancellationRequested));
    till.world().advance(DAY * 2);
    assert_eq!(till.status(&id), Some(OrderStatus::Canceled));
    assert_eq!(till.document(&id).await["cancellationData"]["RequestedBySystem"], true);
}

#[tokio::test]
async fn the_marketplaces_part_may_be_what_is_shown() {
    let cancelling = Cancelling::WaitingForSeller;
    let till = Till::with(OrderOptions { cancelling, ..OrderOptions::without_window() }).await;
    let id = till.place();
    assert_eq!(till.world().shopper_cancels(&id, "Demorou"), Ok(OrderStatus::WaitingForSellerDecision));
}

#[tokio::test]
async fn the_erp_cancels_what_is_not_invoiced() {
    let till = Till::open().await;
    let id = till.place();
    let answer = till.cancel(&id).await;
    assert_eq!((answer.status, &answer.body["orderId"]), (200, &json!(id)));
    assert!(answer.body["receipt"].is_string());
    let order = till.document(&id).await;
    assert_eq!((&order["status"], &order["cancelReason"]), (&json!("canceled"), &json!("Sem estoque")));
    assert_eq!(till.cancel(&id).await.status, 400);
    let partly = till.handled().await;
    assert_eq!(till.invoice(&partly, "1", 2_499, 1).await.status, 200);
    assert_eq!(till.cancel(&partly).await.status, 400);
    assert_eq!(till.status(&partly), Some(OrderStatus::Handling));
    assert!(till.world().shopper_cancels(&partly, "Demorou").is_err());
}

#[tokio::test]
async fn a_cancellation_may_show_late() {
    let cancellation_lag = Duration::from_secs(60);
    let till = Till::with(OrderOptions { cancellation_lag, ..OrderOptions::without_window() }).await;
    let id = till.place();
    assert_eq!(till.cancel(&id).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::Cancel));
    till.world().advance(cancellation_lag);
    assert_eq!(till.status(&id), Some(OrderStatus::Canceled));
}

#[tokio::test]
async fn an_edited_order_is_replaced_by_another_one_of_its_group() {
    let till = Till::open().await;
    let id = till.place();
    let edit = json!({"items": [{"ref": "SKU-1", "quantity": 10, "warehouse": "1_1"}]});
    let new = till.world().shopper_edits(&id, edit).unwrap();
    let (old, new) = (till.view(&id), till.view(&new));
    assert_eq!(old.status, Some(OrderStatus::Replaced));
    assert_eq!(new.status, Some(OrderStatus::ReadyForHandling));
    assert_eq!(old.group, new.group);
    assert_ne!(old.id, new.id);
    assert_eq!(new.items, [("SKU-1".to_owned(), 10)]);
    assert_eq!(till.available(1, "1_1"), 0, "the old order's pieces are among the ten");
    let (before, after) = (till.document(&old.id).await, till.document(&new.id).await);
    assert_eq!(before["clientProfileData"], after["clientProfileData"]);
    let group = till.get(&format!("/api/oms/pvt/orders/order-group/{}", old.group)).await;
    assert_eq!(group.body.as_array().unwrap().len(), 2);
    assert_eq!(till.start_handling(&old.id).await.status, 409);
}

#[tokio::test]
async fn an_edit_that_cannot_be_placed_leaves_the_order_alone() {
    let till = Till::open().await;
    let id = till.place();
    let edit = json!({"items": [{"ref": "SKU-1", "quantity": 11, "warehouse": "1_1"}]});
    assert!(till.world().shopper_edits(&id, edit).is_err());
    assert_eq!(till.status(&id), Some(OrderStatus::ReadyForHandling));
    assert_eq!(till.available(1, "1_1"), 8);
}
