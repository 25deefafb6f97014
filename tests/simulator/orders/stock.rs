//! What an order does to the stock, and what the ERP's quantities do to its reservations.

use mare::simulator::{OrderOptions, OrderStatus};
use serde_json::json;

use super::{DAY, Till};

#[tokio::test]
async fn a_reservation_ends_with_the_first_quantity_after_handling_began() {
    let till = Till::open().await;
    let stock = || {
        let stock = till.world().stock(1, "1_1").unwrap();
        (stock.quantity, stock.reserved, stock.acknowledged, stock.available)
    };
    let id = till.place();
    assert_eq!(stock(), (10, 2, 0, 8));
    till.set_stock(1, "1_1", 9).await;
    assert_eq!(stock(), (9, 2, 0, 7), "the ERP has not taken the order: its goods are still to be counted");
    till.start_handling(&id).await;
    assert_eq!(stock(), (9, 2, 2, 7));
    till.set_stock(1, "2_1", 5).await;
    assert_eq!(stock(), (9, 2, 2, 7), "another warehouse");
    till.set_stock(1, "1_1", 7).await;
    assert_eq!(stock(), (7, 0, 0, 7));
    till.invoice(&id, "1", 6_498, 2).await;
    assert_eq!(stock(), (7, 0, 0, 7));
}

#[tokio::test]
async fn without_start_of_handling_a_reservation_stays_for_ever() {
    let till = Till::open().await;
    let id = till.place();
    till.world().force_order_status(&id, OrderStatus::ReadyForInvoicing).unwrap();
    assert_eq!(till.invoice(&id, "1", 6_498, 2).await.status, 200);
    assert_eq!(till.status(&id), Some(OrderStatus::Invoiced));
    till.set_stock(1, "1_1", 8).await;
    assert_eq!(till.available(1, "1_1"), 6);
}

#[tokio::test]
async fn a_cancelled_order_gives_its_stock_back() {
    let till = Till::open().await;
    for handled in [false, true] {
        let id = if handled { till.handled().await } else { till.place() };
        assert_eq!(till.available(1, "1_1"), 8);
        till.cancel(&id).await;
        assert_eq!(till.available(1, "1_1"), 10);
    }
}

#[tokio::test]
async fn an_order_that_nobody_pays_or_completes_gives_its_stock_back() {
    let till = Till::open().await;
    till.place_as(json!({"paid": false}));
    till.place_as(json!({"incomplete": true}));
    let paid = till.place();
    assert_eq!(till.available(1, "1_1"), 4);
    till.world().advance(DAY * 12);
    assert_eq!(till.available(1, "1_1"), 8);
    assert_eq!(till.status(&paid), Some(OrderStatus::ReadyForHandling));
}

#[tokio::test]
async fn nobody_buys_what_is_not_there() {
    let till = Till::open().await;
    let order = |quantity: u32| {
        json!({"items": [
            {"ref": "SKU-1", "quantity": 6, "warehouse": "1_1"},
            {"ref": "SKU-1", "quantity": quantity, "warehouse": "1_1"},
        ]})
    };
    assert!(till.world().place_order(order(5)).is_err());
    assert_eq!(till.available(1, "1_1"), 10);
    till.world().place_order(order(4)).unwrap();
    assert_eq!(till.available(1, "1_1"), 0);
    let oversold = json!({"items": [{"ref": "SKU-1", "quantity": 1, "warehouse": "1_1"}], "oversell": true});
    till.world().place_order(oversold).unwrap();
    assert_eq!(till.available(1, "1_1"), -1);
    let elsewhere = till.world().place_order(json!({"items": [{"ref": "SKU-1", "quantity": 1}]})).unwrap();
    assert_eq!(till.view(&elsewhere).warehouses, [[("2_1".to_owned(), 1)]], "the warehouse that has it");
}

#[tokio::test]
async fn several_warehouses_may_send_one_item() {
    let till = Till::open().await;
    let split = json!([{"warehouse": "1_1", "quantity": 1}, {"warehouse": "2_1", "quantity": 3}]);
    let items = json!([{"ref": "SKU-2", "quantity": 4, "split": split}]);
    let id = till.place_as(json!({"items": items}));
    assert_eq!((till.available(2, "1_1"), till.available(2, "2_1")), (9, 7));
    let order = till.document(&id).await;
    let senders = order["shippingData"]["logisticsInfo"][0]["deliveryIds"].as_array().unwrap().clone();
    let senders: Vec<_> =
        senders.iter().map(|one| (one["warehouseId"].clone(), one["quantity"].clone())).collect();
    assert_eq!(senders, [(json!("1_1"), json!(1)), (json!("2_1"), json!(3))]);
}

#[tokio::test]
async fn the_reservations_can_be_read() {
    let till = Till::with(OrderOptions::default()).await;
    let id = till.place_as(json!({"paid": false}));
    let reservation = till.view(&id).reservations[0].clone();
    let path = format!("/api/logistics/pvt/inventory/reservations/{reservation}");
    let status = async || till.get(&path).await.body["Status"].clone();
    assert_eq!(status().await, 1, "Authorized");
    till.world().pay_order(&id).unwrap();
    assert_eq!(status().await, 2, "Confirmed");
    let all = till.get("/api/logistics/pvt/inventory/reservations/1_1/1").await;
    let lock = till.document(&id).await["items"][0]["lockId"].clone();
    assert_eq!(all.body[0]["LockId"], lock);
    till.world().advance(DAY);
    till.start_handling(&id).await;
    let dispatched =
        till.get("/api/logistics/pvt/inventory/items/1/warehouses/1_1/dispatched").await.body[0].clone();
    assert_eq!(dispatched["dispatchedReservationsQuantity"], 2);
    assert_eq!(dispatched["availableQuantity"], 8);
    till.cancel(&id).await;
    assert_eq!(status().await, 5, "Canceled_Manually");
    assert_eq!(till.get("/api/logistics/pvt/inventory/reservations/sim-1").await.status, 404);
}
