//! The order hook.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use mare::simulator::OrderOptions;
use serde_json::{Value, json};

use super::{DAY, Till};

const HOOK: &str = "/api/orders/hook/config";

/// What the shop's endpoint received, and how it answers the next requests; then with 200.
#[derive(Clone, Default)]
struct Endpoint(Arc<Mutex<(Vec<Value>, Vec<StatusCode>)>>);

impl Endpoint {
    /// Gives the address it listens on.
    async fn listen(&self) -> String {
        async fn take(State(endpoint): State<Endpoint>, headers: HeaderMap, body: String) -> StatusCode {
            let mut state = endpoint.0.lock().unwrap();
            let mut body: Value = serde_json::from_str(&body).unwrap();
            body["secret"] = headers.get("x-secret").and_then(|value| value.to_str().ok()).into();
            state.0.push(body);
            state.1.pop().unwrap_or(StatusCode::OK)
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/hook")
    }

    fn answer_next(&self, status: StatusCode) {
        self.0.lock().unwrap().1.push(status);
    }

    async fn received(&self, count: usize) -> Vec<Value> {
        for _ in 0..500 {
            let received = self.0.lock().unwrap().0.clone();
            if received.len() >= count {
                return received;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("fewer than {count} requests: {:?}", self.0.lock().unwrap().0);
    }
}

fn config(url: &str, status: Value) -> Value {
    json!({
        "filter": {"type": "FromWorkflow", "status": status},
        "hook": {"url": url, "headers": {"key": "value", "x-secret": "abc"}},
    })
}

#[tokio::test]
async fn the_hook_is_pinged_and_then_told_of_every_wanted_change() {
    let (till, endpoint) = (Till::open().await, Endpoint::default());
    let url = endpoint.listen().await;
    // Own headers are what the field is for; the file shows one called `key`.
    let configured = till.0.send("POST", HOOK, Some(config(&url, json!(["ready-for-handling"])))).await;
    assert_eq!(configured.status, 200, "{}", configured.body);
    assert_eq!(till.get(HOOK).await.body["hook"]["url"], url);
    let id = till.place();
    let received = endpoint.received(2).await;
    assert_eq!(received[0], json!({"hookConfig": "ping", "secret": "abc"}));
    let told = &received[1];
    assert_eq!((&told["OrderId"], &told["State"]), (&json!(id), &json!("ready-for-handling")));
    assert_eq!((&told["Domain"], &told["LastState"]), (&json!("Fulfillment"), &json!("window-to-cancel")));
    assert_eq!(told["Origin"], json!({"Account": "simulator", "Key": "vtexappkey-simulator"}));
    assert_eq!(told["secret"], "abc");
    assert_eq!(till.send("DELETE", HOOK, None).await.status, 200);
    assert_eq!(till.send("DELETE", HOOK, None).await.status, 404);
}

#[tokio::test]
async fn a_notification_that_fails_is_sent_again_ever_later() {
    let till = Till::with(OrderOptions { hook_retry: DAY / 24, ..OrderOptions::without_window() }).await;
    let endpoint = Endpoint::default();
    let url = endpoint.listen().await;
    till.0.send("POST", HOOK, Some(config(&url, json!(["ready-for-handling"])))).await;
    endpoint.answer_next(StatusCode::INTERNAL_SERVER_ERROR);
    endpoint.answer_next(StatusCode::CREATED);
    till.place();
    endpoint.received(2).await;
    // The answer is on its way back while time is moved.
    tokio::time::sleep(Duration::from_millis(200)).await;
    till.world().advance(DAY / 24);
    endpoint.received(3).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    till.world().advance(DAY / 24);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(endpoint.received(3).await.len(), 3, "the second time it waits twice as long");
    till.world().advance(DAY / 24);
    let received = endpoint.received(4).await;
    assert_eq!(received[1], received[3]);
}

#[tokio::test]
async fn a_hook_that_does_not_answer_the_ping_or_is_not_https_is_refused() {
    let (till, endpoint) = (Till::open().await, Endpoint::default());
    let url = endpoint.listen().await;
    endpoint.answer_next(StatusCode::NO_CONTENT);
    assert_eq!(till.0.send("POST", HOOK, Some(config(&url, json!([])))).await.status, 400);
    let outside = "http://loja.example/hook";
    assert_eq!(till.0.send("POST", HOOK, Some(config(outside, json!([])))).await.status, 400);
    assert_eq!(till.get(HOOK).await.status, 404);
}

#[tokio::test]
async fn a_hook_with_nothing_to_tell_for_three_days_is_gone() {
    let (till, endpoint) = (Till::open().await, Endpoint::default());
    let url = endpoint.listen().await;
    till.0.send("POST", HOOK, Some(config(&url, json!([])))).await;
    till.world().advance(DAY * 2);
    assert_eq!(till.get(HOOK).await.status, 200);
    till.world().advance(DAY);
    assert_eq!(till.get(HOOK).await.status, 404);
}
