//! The shop that sells by itself.

use std::time::Duration;

use mare::simulator::{OrderStatus, RandomOrders};
use serde_json::json;

use super::Till;

fn wanted(count: u32, seed: u64) -> RandomOrders {
    RandomOrders { count, seed, ..RandomOrders::default() }
}

#[tokio::test]
async fn equal_seeds_sell_the_same() {
    let sold = async |seed| {
        let till = Till::open().await;
        till.world().place_random_orders(&wanted(5, seed));
        till.world().order_views().iter().map(|view| view.items.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sold(1).await, sold(1).await);
    assert_ne!(sold(1).await, sold(2).await);
}

#[tokio::test]
async fn no_more_is_sold_than_there_is() {
    let till = Till::open().await;
    let placed = till.world().place_random_orders(&wanted(10_000, 1));
    assert!(placed.len() < 60, "60 pieces are in stock, and every order has one at least");
    for sku in 1..=3 {
        assert!(till.available(sku, "1_1") >= 0 && till.available(sku, "2_1") >= 0);
    }
}

#[tokio::test]
async fn shoppers_of_the_driver_cancel_pick_up_and_do_not_pay() {
    let till = Till::open().await;
    let all = RandomOrders {
        cancel_share: 1.0,
        pickup_share: 1.0,
        pickup_points: vec!["loja-1".to_owned()],
        ..wanted(2, 1)
    };
    for id in till.world().place_random_orders(&all) {
        assert_eq!(till.status(&id), Some(OrderStatus::CancellationRequested));
        let order = till.document(&id).await;
        assert_eq!(order["shippingData"]["logisticsInfo"][0]["pickupPointId"], "1_loja-1");
    }
    let unpaid = RandomOrders { unpaid_share: 1.0, ..wanted(1, 1) };
    let id = &till.world().place_random_orders(&unpaid)[0];
    assert_eq!(till.status(id), Some(OrderStatus::PaymentPending));
}

#[tokio::test]
async fn the_driver_sells_at_its_pace_in_the_background() {
    let till = Till::open().await;
    let body = json!({"count": 4, "per_second": 200, "seed": 3});
    let answer = till.0.send("POST", "/_simulator/orders/random", Some(body)).await;
    assert_eq!(answer.status, 202);
    while till.world().order_views().len() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
