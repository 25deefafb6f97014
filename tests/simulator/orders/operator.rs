//! What the operator of a test does from outside the process.

use serde_json::{Value, json};

use super::Till;

const ORDERS: &str = "/_simulator/orders";

impl Till {
    async fn operate(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = Some(body).filter(|body| !body.is_null());
        let answer = self.0.send(method, path, body).await;
        (answer.status, answer.body)
    }
}

#[tokio::test]
async fn an_operator_does_all_that_shoppers_do() {
    let till = Till::with(super::OrderOptions::default()).await;
    let order = json!({"items": [{"ref": "SKU-3", "quantity": 1}], "paid": false});
    let (status, placed) = till.operate("POST", ORDERS, order.clone()).await;
    assert_eq!(status, 200, "{placed}");
    let id = placed["id"].as_str().unwrap().to_owned();
    let own = format!("{ORDERS}/{id}");
    assert_eq!(till.operate("POST", &format!("{own}/pay"), Value::Null).await.0, 204);
    assert_eq!(till.operate("POST", "/_simulator/advance", json!(1_801_000)).await.0, 204);
    till.start_handling(&id).await;
    let (_, view) = till.operate("GET", &own, Value::Null).await;
    assert_eq!(view["status"], "handling");
    assert_eq!(view["calls"], json!([["start-handling", 204]]));
    assert_eq!(view["items"], json!([["SKU-3", 1]]));
    assert_eq!(till.operate("PUT", &format!("{own}/workflow-error"), json!({"in_error": true})).await.0, 204);
    let cancelled = till.operate("POST", &format!("{own}/cancel"), json!({"reason": "Outro"})).await;
    assert_eq!(cancelled, (200, json!({"status": "cancellation-requested"})));
    assert_eq!(till.operate("PUT", &format!("{own}/status"), json!("ready-for-invoicing")).await.0, 204);
    assert_eq!(till.view(&id).states().last(), Some(&"ready-for-invoicing"));
    let (status, edited) = till.operate("POST", &format!("{own}/edit"), json!({"shipping": 990})).await;
    assert_eq!(status, 200, "{edited}");
    let (_, all) = till.operate("GET", ORDERS, Value::Null).await;
    assert_eq!(all.as_str().unwrap().lines().count(), 2);
    let mut incomplete = order;
    incomplete["incomplete"] = true.into();
    let (_, placed) = till.operate("POST", ORDERS, incomplete).await;
    let path = format!("{ORDERS}/{}/complete", placed["id"].as_str().unwrap());
    assert_eq!(till.operate("POST", &path, Value::Null).await.0, 204);
}

#[tokio::test]
async fn an_operator_disturbs_the_feed() {
    let till = Till::open().await;
    till.configure_feed(json!([])).await;
    assert_eq!(till.operate("PUT", "/_simulator/feed-faults", json!({"hidden": 1})).await.0, 204);
    till.place();
    let (_, feeds) = till.operate("GET", "/_simulator/feeds", Value::Null).await;
    assert_eq!(feeds[0]["waiting"], 0);
    assert_eq!(till.operate("DELETE", "/_simulator/feeds", Value::Null).await.0, 204);
    assert!(till.world().feeds().is_empty());
    assert_eq!(till.operate("PUT", "/_simulator/feed-faults", json!({"hiden": 1})).await.0, 400);
}

#[tokio::test]
async fn what_the_shop_does_not_take_is_refused_with_the_reason() {
    let till = Till::open().await;
    for order in [
        json!({}),
        json!({"items": []}),
        json!({"items": [{"ref": "SKU-9", "quantity": 1}]}),
        json!({"items": [{"ref": "SKU-1", "quantity": 0}]}),
        json!({"items": [{"ref": "SKU-1", "quantity": 1, "warehouse": "9_9"}]}),
        json!({"items": [{"ref": "SKU-1", "quantity": 1}], "shiping": 1}),
    ] {
        let (status, body) = till.operate("POST", ORDERS, order.clone()).await;
        assert_eq!(status, 409, "{order}: {body}");
    }
    assert_eq!(till.operate("POST", &format!("{ORDERS}/none/cancel"), Value::Null).await.0, 409);
    assert_eq!(till.operate("GET", &format!("{ORDERS}/none"), Value::Null).await.0, 404);
    assert!(till.world().order_views().is_empty());
}
